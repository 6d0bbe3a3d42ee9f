"""TLS on the wire, in both roles: contexts from the files that the environment names, and whom a certificate names.

TLS 1.2 or newer (IHE ITI-19). An analyzer that connects may show a certificate; whether it must, and under which name,
is said with the analyzer. Where we connect, the analyzer's certificate is always checked.
"""

import ssl
from collections.abc import Mapping
from typing import Any

CLIENT_HELLO = b"\x16\x03"  # how every TLS connection begins: record type "handshake", version 3.x


class Refused(Exception):
    """The files do not make a context. The text says which, and what to do."""


def listening(certificate: str, key: str, authority: str) -> ssl.SSLContext:
    """For ports that analyzers connect to. Paths of PEM files; without `authority` no certificate is asked for."""
    context = _context(ssl.Purpose.CLIENT_AUTH, certificate, key, authority)
    if authority:
        context.verify_mode = ssl.CERT_OPTIONAL
    return context


def calling(certificate: str, key: str, authority: str) -> ssl.SSLContext:
    """For lines that we open. Without `authority` the machine's own list counts; `certificate` is ours, if any."""
    return _context(ssl.Purpose.SERVER_AUTH, certificate, key, authority)


def _context(purpose: ssl.Purpose, certificate: str, key: str, authority: str) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(purpose, cafile=authority or None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if certificate:
            context.load_cert_chain(certificate, key or None)
        return context
    except (OSError, ssl.SSLError) as error:
        named = ", ".join(filter(None, (certificate, key, authority)))
        raise Refused(
            f"TLS on the wire cannot be set up from {named}: {error}. Check that the files of MHAC_WIRE_CERTIFICATE, "
            "MHAC_WIRE_KEY and MHAC_WIRE_CA are there, are PEM and belong together."
        ) from None


def names(certificate: Mapping[str, Any] | None) -> frozenset[str]:
    """The names in a certificate that was checked (what `SSLSocket.getpeercert` gives): CN and alternative names."""
    if not certificate:
        return frozenset()
    subject = {value for part in certificate.get("subject", ()) for key, value in part if key == "commonName"}
    return frozenset(subject | {value for _kind, value in certificate.get("subjectAltName", ())})
