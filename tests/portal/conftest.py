"""The partner's window shows what the room of the papers issued: the same fixtures serve both."""

from tests.certificates.conftest import issued, key, key_file  # noqa: F401
