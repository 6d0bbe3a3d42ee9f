import pytest

from tests.conftest import Cast


@pytest.fixture
def cast(kabul, herat):
    """Everybody is there: these tests sign in by name and list users."""
    return Cast(kabul, herat).whole()
