import pytest

from mhac.certificates import seal
from tests.certificates import made


@pytest.fixture
def key_file(tmp_path, settings):
    """Where the signing key would be; a real clinic, not for training."""
    settings.TRAINING = False
    settings.SIGNING_KEY = str(tmp_path / "signing-key.pem")
    return tmp_path / "signing-key.pem"


@pytest.fixture
def key(key_file):
    return seal.create_key(key_file, training=False)


@pytest.fixture
def issued(kabul, cast, key, partners):
    """A Canadian summary of an invented person, released to the Maple Test Authority."""
    from mhac.certificates import services

    screening = made.signed(kabul, cast, "ca", reference="IME12345678", given_name="Gulalai", family_name="Testi")
    return services.issue(screening, by=cast.phy)
