"""The signed content of a document's QR: what a stranger can check without asking us (format `mhac-cert/1`).

    MHAC1:  Base45( COSE_Sign1( protected {alg: EdDSA, kid}, zlib( CWT claims ) ) )

The claims are deterministic CBOR with integer keys: issuer under 1, everything else in one private claim. Never in
them: a diagnosis, HIV, syphilis, pregnancy, a class of tuberculosis, a grade, why somebody travels.

Ed25519 and not ES256. An ECDSA signature (r, s) has a twin (r, -s) that verifies as well, so an altered text would be
accepted; and one repeated random number, say after restoring a copy of the machine, gives the key away. Ed25519 has
neither, the same facts give the same seal, and browsers verify it (WebCrypto).

The claims are compressed before they are signed. Outside the signature, as in HCERT, deflate leaves bits that change
the text and not the content; here every bit of the text is under the signature, and nothing is inflated that no key of
ours has signed.
"""

import contextlib
import hashlib
import os
import re
import zlib
from dataclasses import dataclass
from pathlib import Path

import base45
import cbor2
import cwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

PREFIX = "MHAC1:"
VERSION = 1
LONGEST = 2000  # characters; ours have about 400
ALG, KID, EDDSA = 1, 4, -8  # COSE header parameters and the algorithm (RFC 9052, RFC 9053)
SIGN1 = 18  # CBOR tag of COSE_Sign1
ISSUER, OURS = 1, -65537  # CWT claims (RFC 8392); below -65536 is for private use
TRAINING_MARK = b"MHAC training key: signs invented people only\n"

# The fields and their numbers; one with a dictionary has fields of its own.
FIELDS = {
    "ver": 0,
    "typ": 1,
    "cid": 2,
    "prog": 3,
    "pid": (4, {"n": 0, "dob": 1, "sex": 2, "dt": 3, "dn": 4}),
    "dat": (5, {"ex": 0, "ri": 1}),
    "val": (6, {"from": 0, "to": 1}),
    "out": 7,
    "ph": 8,
    "training": 9,
}


class NoKey(Exception):
    """There is no key to sign with; the text says what to do."""


class Forged(ValueError):
    """The text was not sealed by us, or was changed since."""


class UnknownKey(Forged):
    """The text names a key that the reader does not hold: `key_id`, which anybody could have written."""

    def __init__(self, key_id: str):
        super().__init__("This code was signed with a key that is not ours, or not known here yet.")
        self.key_id = key_id


@dataclass(frozen=True)
class Key:
    """A key to sign with. `key_id` begins with T for a training key, K for a real one."""

    private: Ed25519PrivateKey
    training: bool

    @property
    def public(self) -> bytes:
        """The 32 bytes of the public key."""
        return self.private.public_key().public_bytes_raw()

    @property
    def key_id(self) -> str:
        return key_id_of(self.public, training=self.training)


def key_id_of(public: bytes, *, training: bool) -> str:
    """T or K and twelve hexadecimal signs of the SHA-256 of a public key of 32 bytes."""
    return ("T" if training else "K") + hashlib.sha256(public).hexdigest()[:12]


def create_key(path: Path, *, training: bool) -> Key:
    """A new key in a file that only its owner may read. An existing file is never overwritten (FileExistsError)."""
    private = Ed25519PrivateKey.generate()
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write((TRAINING_MARK if training else b"") + pem)
    return Key(private, training)


def read_key(path: Path | str) -> Key:
    """The key in a PEM file (PKCS#8, Ed25519) that nobody but its owner may open. Raises `NoKey`."""
    if not path:
        raise NoKey(
            "No signing key is set. Set MHAC_SIGNING_KEY to a file and run `manage.py signing_key --create-if-missing`."
        )
    path = Path(path)
    try:
        mode, pem = path.stat().st_mode & 0o777, path.read_bytes()
    except OSError as why:
        raise NoKey(
            f"The signing key {path} cannot be read ({why.strerror}). Put the file back, or run "
            "`manage.py signing_key --create-if-missing` for a new key."
        ) from None
    if mode & 0o077:
        raise NoKey(
            f"The signing key {path} may be opened by others (mode {mode:o}). Run `chmod 600` on it, then try again."
        )
    try:
        private = serialization.load_pem_private_key(pem.removeprefix(TRAINING_MARK), password=None)
    except (ValueError, TypeError):
        private = None
    if not isinstance(private, Ed25519PrivateKey):
        raise NoKey(
            f"{path} holds no Ed25519 key in PEM. Put the right file there, or move it away and create a new key."
        )
    return Key(private, training=pem.startswith(TRAINING_MARK))


def seal(claims: dict, key: Key) -> str:
    """`claims` (names as in FIELDS, and `iss`) signed, as the text of a QR code. None and missing fields are left out.

    Raises KeyError for a field that the format does not have.
    """
    claims = {"ver": VERSION, **claims}
    payload = zlib.compress(_cbor({ISSUER: claims.pop("iss"), OURS: _numbered(claims, FIELDS)}), 9)
    signer = _cose_key(key.private, key.key_id)
    header = {ALG: EDDSA, KID: key.key_id.encode()}
    message = cwt.COSE.new(deterministic_header=True).encode(payload, signer, protected=header)
    return PREFIX + base45.b45encode(message).decode()


def verify(text: str, keys: dict[str, bytes]) -> dict:
    """The claims of a QR text by name, with `iss` and `kid`. `keys` maps key ids to public keys of 32 bytes.

    Raises `UnknownKey` when the text names a key that is not in `keys`, else `Forged` when anything is wrong with it.
    """
    message = _unwrapped(text)
    with _or_forged():
        signed = cbor2.loads(message)
        # Deterministic CBOR has one spelling: another one of the same content is not what we wrote.
        if not isinstance(signed, cbor2.CBORTag) or signed.tag != SIGN1 or _cbor(signed) != message:
            raise ValueError
        protected, unprotected, _payload, _signature = signed.value
        header = cbor2.loads(protected)
        if unprotected or header.keys() != {ALG, KID} or header[ALG] != EDDSA or _cbor(header) != protected:
            raise ValueError
        key_id = header[KID].decode("ascii")
    if key_id not in keys:
        raise UnknownKey(key_id)
    with _or_forged():
        public = Ed25519PublicKey.from_public_bytes(keys[key_id])
        payload = cwt.COSE.new().decode(message, _cose_key(public, key_id))
        claims = cbor2.loads(zlib.decompress(payload))
        return {"iss": claims[ISSUER], **_named(claims[OURS], FIELDS), "kid": key_id}


def is_seal(text: str) -> bool:
    """Whether `text` wants to be one of our QR codes."""
    return text.strip().upper().startswith(PREFIX)


@contextlib.contextmanager
def _or_forged():
    # Whatever a changed text makes the readers of CBOR, COSE and zlib say, it means one thing to whoever asked.
    try:
        yield
    except Exception:
        raise Forged("This code was not made by us, or it was changed. Do not rely on the document.") from None


def _unwrapped(text: str) -> bytes:
    with _or_forged():
        if len(text) > LONGEST or not re.fullmatch(re.escape(PREFIX) + r"[0-9A-Z $%*+\-./:]+", text):
            raise ValueError
        packed = text.removeprefix(PREFIX)
        message = base45.b45decode(packed)
        if base45.b45encode(message).decode() != packed:
            raise ValueError
        return message


def _cose_key(key, key_id: str):
    encoding = serialization.Encoding.PEM
    if isinstance(key, Ed25519PublicKey):
        pem = key.public_bytes(encoding, serialization.PublicFormat.SubjectPublicKeyInfo)
    else:
        pem = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return cwt.COSEKey.from_pem(pem.decode(), kid=key_id)


def _cbor(value) -> bytes:
    return cbor2.dumps(value, canonical=True)


def _numbered(values: dict, fields: dict) -> dict:
    packed = {}
    for name, value in values.items():
        number, inner = fields[name] if isinstance(fields[name], tuple) else (fields[name], None)
        if inner is not None:
            value = _numbered(value, inner)
        if value not in (None, {}):
            packed[number] = value
    return packed


def _named(packed: dict, fields: dict) -> dict:
    names = {}
    for name, field in fields.items():
        number, inner = field if isinstance(field, tuple) else (field, None)
        if number in packed:
            names[name] = _named(packed[number], inner) if inner else packed[number]
    return names
