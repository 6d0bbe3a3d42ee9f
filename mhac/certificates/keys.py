"""The keys of this clinic: the one it signs with, from a file, and the public halves of all it ever signed with."""

from django.conf import settings

from mhac.certificates import seal
from mhac.certificates.models import SigningKey


def current() -> seal.Key:
    """The key to sign with, written down among the known ones. Raises `seal.NoKey` with what to do.

    A training clinic signs with a training key and a real one never does: invented people and real papers stay apart.
    """
    key = seal.read_key(settings.SIGNING_KEY)
    if key.training and not settings.TRAINING:
        raise seal.NoKey(
            f"{settings.SIGNING_KEY} is a training key and this is a real clinic. "
            "Name another file in MHAC_SIGNING_KEY and run `manage.py signing_key --create-if-missing`."
        )
    if settings.TRAINING and not key.training:
        raise seal.NoKey(
            f"{settings.SIGNING_KEY} is the key of a real clinic and this one is for training. "
            "Name another file in MHAC_SIGNING_KEY and run `manage.py signing_key --create-if-missing`."
        )
    known, _created = SigningKey.objects.get_or_create(
        key_id=key.key_id, defaults={"public": key.public, "training": key.training}
    )
    if known.compromised_at:
        raise seal.NoKey(
            f"The key {key.key_id} was marked as compromised on {known.compromised_at:%Y-%m-%d}. "
            "Move its file away and run `manage.py signing_key --create-if-missing`."
        )
    return key


def known() -> dict[str, bytes]:
    """Key id -> public key, of every key that is not compromised."""
    return {key.key_id: bytes(key.public) for key in SigningKey.objects.filter(compromised_at__isnull=True)}
