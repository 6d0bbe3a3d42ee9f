"""The command and the list of known keys: rotation keeps old documents, a training key signs nothing real."""

import io

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from mhac.certificates import keys, seal
from mhac.certificates.models import SigningKey

pytestmark = pytest.mark.django_db


@pytest.fixture
def key_file(tmp_path, settings):
    settings.SIGNING_KEY = str(tmp_path / "signing-key.pem")
    return tmp_path / "signing-key.pem"


def run(*arguments):
    out = io.StringIO()
    call_command("signing_key", *arguments, stdout=out)
    return out.getvalue()


@pytest.mark.parametrize(("training", "letter"), [(False, "K"), (True, "T")])
def test_the_command_makes_a_key_once_and_says_its_id(training, letter, key_file, settings):
    settings.TRAINING = training
    said = run("--create-if-missing")
    key = seal.read_key(key_file)
    assert key.key_id in said and key.key_id[0] == letter
    assert run("--create-if-missing") == said == run()
    assert list(keys.known()) == [key.key_id]


def test_without_the_option_no_key_is_made(key_file):
    with pytest.raises(CommandError, match="create-if-missing"):
        run()
    assert not key_file.exists()


def test_a_missing_setting_is_a_sentence(settings):
    settings.SIGNING_KEY = ""
    with pytest.raises(CommandError, match="MHAC_SIGNING_KEY"):
        run("--create-if-missing")


@pytest.mark.parametrize(("of_the_key", "of_the_clinic"), [(True, False), (False, True)])
def test_training_and_real_do_not_mix(of_the_key, of_the_clinic, key_file, settings):
    seal.create_key(key_file, training=of_the_key)
    settings.TRAINING = of_the_clinic
    with pytest.raises(seal.NoKey, match="Name another file"):
        keys.current()


def test_old_keys_stay_known_after_a_change_of_keys(key_file, settings):
    settings.TRAINING = False
    old = seal.create_key(key_file, training=False)
    keys.current()
    key_file.unlink()
    new = seal.create_key(key_file, training=False)
    keys.current()
    assert keys.known() == {old.key_id: old.public, new.key_id: new.public}


def test_a_compromised_key_signs_and_verifies_nothing(key_file, settings):
    settings.TRAINING = False
    key = seal.create_key(key_file, training=False)
    keys.current()
    with pytest.raises(CommandError, match="what happened to the key"):
        run("--compromised", key.key_id)
    run("--compromised", key.key_id, "--because", "A copy was found on a memory stick.")
    assert keys.known() == {}
    assert SigningKey.objects.get().compromised_because
    with pytest.raises(seal.NoKey, match="compromised"):
        keys.current()
    with pytest.raises(CommandError, match="No document was ever signed"):
        run("--compromised", "K000000000000", "--because", "mistyped")
