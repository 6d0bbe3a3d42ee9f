"""The QR's signed content: only what we sealed is accepted, and nothing about anybody's health is in it."""

import random
import string

import base45
import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from mhac.certificates import seal
from mhac.clinics.numbers import certificate_number

CLAIMS = {
    "iss": "KBL",
    "typ": "TB-CLR",
    "cid": "KBL-7Q2ZK-9XW3T-4HNBR-0VJ8D-M",
    "prog": "uk-tb",
    "pid": {"n": "Gulalai Testi", "dob": "1991-01-01", "sex": "F", "dt": "P", "dn": "P07654321"},
    "dat": {"ex": "2026-11-21", "ri": "2026-11-23"},
    "val": {"from": "2026-11-21", "to": "2027-05-20"},
    "out": "CLEARED",
    "ph": bytes(range(8)),
}
BASE45 = string.digits + string.ascii_uppercase + " $%*+-./:"


def make_key(training=False):
    return seal.Key(Ed25519PrivateKey.generate(), training)


@pytest.fixture(scope="module")
def key():
    return make_key()


@pytest.fixture(scope="module")
def keys(key):
    return {key.key_id: key.public}


def accepted(text, keys):
    try:
        seal.verify(text, keys)
    except seal.Forged:
        return False
    return True


def message_of(text):
    return base45.b45decode(text.removeprefix(seal.PREFIX))


def text_of(message):
    return seal.PREFIX + base45.b45encode(message).decode()


def test_a_seal_gives_back_its_claims(key, keys):
    text = seal.seal(CLAIMS, key)
    assert seal.verify(text, keys) == {**CLAIMS, "ver": 1, "kid": key.key_id}
    assert text.startswith("MHAC1:") and not text.startswith("HC1:")
    assert seal.is_seal(text) and not seal.is_seal(CLAIMS["cid"])


def test_the_same_claims_give_the_same_seal(key):
    assert seal.seal(CLAIMS, key) == seal.seal(dict(reversed(CLAIMS.items())), key)


def test_a_seal_fits_a_code_that_a_telephone_reads(key):
    # QR version 12 or 13 at level M: about half a millimetre a module on the paper
    longest = {**CLAIMS, "pid": {**CLAIMS["pid"], "n": "M" * 60}}
    assert len(seal.seal(CLAIMS, key)) < 420
    assert len(seal.seal(longest, key)) < 480


def test_empty_fields_are_left_out(key, keys):
    claims = seal.verify(seal.seal({**CLAIMS, "val": {"from": None, "to": None}, "prog": None}, key), keys)
    assert "val" not in claims and "prog" not in claims


def test_a_field_outside_the_format_cannot_be_sealed(key):
    with pytest.raises(KeyError):
        seal.seal({**CLAIMS, "diagnosis": "none of your business"}, key)


def test_another_key_is_unknown(key, keys):
    with pytest.raises(seal.UnknownKey):
        seal.verify(seal.seal(CLAIMS, make_key()), keys)


def test_a_key_that_borrows_a_known_name_is_no_use(key, keys):
    class Impostor(seal.Key):
        key_id = key.key_id

    text = seal.seal(CLAIMS, Impostor(Ed25519PrivateKey.generate(), False))
    with pytest.raises(seal.Forged) as why:
        seal.verify(text, keys)
    assert not isinstance(why.value, seal.UnknownKey)


def test_an_old_key_still_verifies(key):
    new = make_key()
    both = {key.key_id: key.public, new.key_id: new.public}
    assert accepted(seal.seal(CLAIMS, key), both) and accepted(seal.seal(CLAIMS, new), both)


@pytest.mark.parametrize(
    "text", ["", "MHAC1:", "MHAC1:abc", "HC1:6BF", "MHAC1:::::", "MHAC1:" + "0" * 5000, "KBL-1", "MHAC1:É", "mhac1:00"]
)
def test_what_is_no_seal_is_refused(text, keys):
    with pytest.raises(seal.Forged):
        seal.verify(text, keys)


def test_every_single_bit_is_under_the_signature(key, keys):
    message = message_of(seal.seal(CLAIMS, key))
    flipped = (
        bytes([*message[:i], message[i] ^ 1 << bit, *message[i + 1 :]]) for i in range(len(message)) for bit in range(8)
    )
    assert [m for m in flipped if accepted(text_of(m), keys)] == []


def test_ten_thousand_changes_of_the_text_are_refused(key, keys):
    chance = random.Random(45)
    wrong = []
    text = seal.seal({**CLAIMS, "cid": "KBL-00000-00000-00000-00000-0"}, key)
    for _ in range(10_000):
        signs = list(text)
        for _ in range(chance.choice([1, 1, 2, 5])):
            place = chance.randrange(len(signs))
            match chance.randrange(4):
                case 0:
                    signs[place] = chance.choice(BASE45)
                case 1:
                    del signs[place]
                case 2:
                    signs.insert(place, chance.choice(BASE45))
                case _:
                    other = chance.randrange(len(signs))
                    signs[place], signs[other] = signs[other], signs[place]
        changed = "".join(signs)
        if changed != text and accepted(changed, keys):
            wrong.append(changed)
    assert wrong == []


@pytest.mark.parametrize(
    "change",
    [
        {"out": "FIT"},
        {"cid": "KBL-7Q2ZK-9XW3T-4HNBR-0VJ8D-N"},
        {"val": {"from": "2026-11-21", "to": "2037-05-20"}},
        {"pid": {**CLAIMS["pid"], "n": "Somebody Else"}},
        {"training": True},
        {"ph": bytes(8)},
    ],
)
def test_fields_cannot_be_exchanged_under_an_old_signature(change, key, keys):
    genuine, other = (cbor2.loads(message_of(seal.seal(claims, key))) for claims in (CLAIMS, {**CLAIMS, **change}))
    forged = cbor2.CBORTag(18, [*genuine.value[:2], other.value[2], genuine.value[3]])
    assert accepted(text_of(cbor2.dumps(genuine, canonical=True)), keys)
    assert not accepted(text_of(cbor2.dumps(forged, canonical=True)), keys)


def test_nothing_may_stand_outside_the_signature(key, keys):
    signed = cbor2.loads(message_of(seal.seal(CLAIMS, key)))
    with_a_note = cbor2.CBORTag(18, [signed.value[0], {99: "note"}, *signed.value[2:]])
    assert not accepted(text_of(cbor2.dumps(with_a_note, canonical=True)), keys)
    assert not accepted(text_of(cbor2.dumps(signed, canonical=True) + b"\x00"), keys)
    assert not accepted(text_of(cbor2.dumps(signed.value, canonical=True)), keys)


def test_the_form_has_no_place_for_health():
    names = {name for name in seal.FIELDS} | {
        n for field in seal.FIELDS.values() if isinstance(field, tuple) for n in field[1]
    }
    assert names == set(
        [
            "ver",
            "typ",
            "cid",
            "prog",
            "pid",
            "n",
            "dob",
            "sex",
            "dt",
            "dn",
            "dat",
            "ex",
            "ri",
            "val",
            "from",
            "to",
            "out",
            "ph",
            "training",
        ]
    )


# --- the file


def test_a_key_file_is_made_once_and_only_its_owner_may_read_it(tmp_path):
    path = tmp_path / "keys" / "signing.pem"
    made = seal.create_key(path, training=False)
    assert path.stat().st_mode & 0o777 == 0o600
    read = seal.read_key(path)
    assert (read.key_id, read.public, read.training) == (made.key_id, made.public, False)
    assert read.key_id[0] == "K" and len(read.key_id) == 13
    with pytest.raises(FileExistsError):
        seal.create_key(path, training=False)


def test_a_training_key_says_so_in_its_file_and_in_its_name(tmp_path):
    seal.create_key(tmp_path / "key.pem", training=True)
    read = seal.read_key(tmp_path / "key.pem")
    assert read.training and read.key_id[0] == "T"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o622])
def test_a_key_that_others_may_open_is_not_used(mode, tmp_path):
    path = tmp_path / "key.pem"
    seal.create_key(path, training=False)
    path.chmod(mode)
    with pytest.raises(seal.NoKey, match="chmod 600"):
        seal.read_key(path)


def test_a_missing_key_is_a_sentence_with_a_remedy(tmp_path):
    with pytest.raises(seal.NoKey, match="signing_key --create-if-missing"):
        seal.read_key(tmp_path / "nowhere.pem")
    with pytest.raises(seal.NoKey, match="MHAC_SIGNING_KEY"):
        seal.read_key("")


@pytest.mark.parametrize(
    "content", [b"", b"not a key", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"]
)
def test_a_file_that_is_no_key_is_refused(content, tmp_path):
    path = tmp_path / "key.pem"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(seal.NoKey, match="no Ed25519 key"):
        seal.read_key(path)


def test_numbers_differ():
    assert len({certificate_number("KBL") for _ in range(1000)}) == 1000
