"""MLLP framing: bytes in pieces of any size <-> message bodies. No I/O, no clock.

A block is 0x0B, the body, 0x1C and (usually) 0x0D; a body holds neither 0x0B nor 0x1C. Bytes between blocks mean
nothing and are counted, not read. Source: HL7 v2 transport specification, MLLP release 1; release 2 differs only by a
block of one byte that says "stored" or "not stored". Tolerances: `docs/wire.md`.
"""

from dataclasses import dataclass

START = b"\x0b"
END = b"\x1c"
CARRIAGE_RETURN = b"\x0d"
STORED, NOT_STORED = b"\x06", b"\x15"  # release 2: the body of a commit acknowledgement
LIMIT = 16 * 1024 * 1024
STRAY_KEPT = 64 * 1024


class FramingError(Exception):
    """The bytes cannot be a block any more; the connection has to be closed."""


@dataclass(frozen=True)
class Frame:
    """A whole body, without its framing."""

    body: bytes


@dataclass(frozen=True)
class Broken:
    """What came of a block that never ended; never to be read as a message."""

    rest: bytes
    why: str


def frame(body: bytes) -> bytes:
    """`body` as one block, to be written in one go; FramingError when it holds a framing byte."""
    if START in body or END in body:
        raise FramingError("A body may not hold 0x0B or 0x1C. Take these bytes out before sending.")
    return START + body + END + CARRIAGE_RETURN


class Deframer:
    """Takes bytes in pieces of any size and gives back bodies.

    `limit` is the longest body in bytes. After a body that is too long, and after `close`, `feed` raises FramingError.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self.limit = limit
        self.strays = 0
        self._body: bytearray | None = None
        self._outside = bytearray()
        self._begun = False
        self._over = False

    @property
    def over(self) -> bool:
        """Whether nothing more is read: the connection has to be closed."""
        return self._over

    @property
    def waiting(self) -> bool:
        """Whether a block has begun and not ended."""
        return self._body is not None

    def feed(self, data: bytes) -> list[Frame | Broken]:
        """What `data` completed: whole bodies, and blocks that a new start or the limit broke off."""
        if self._over:
            raise FramingError("Nothing more is read after the end of a connection or a body over the limit.")
        found: list[Frame | Broken] = []
        at = 0
        while at < len(data):
            if self._body is None:
                at = self._skip_to_start(data, at)
                continue
            start, end = data.find(START, at), data.find(END, at)
            stop = min(place for place in (start, end, len(data)) if place >= 0)
            self._body += data[at:stop]
            if len(self._body) > self.limit:
                found.append(Broken(bytes(self._body[: self.limit]), f"The block is longer than {self.limit} bytes."))
                self._body, self._over = None, True
                return found
            at = stop + 1
            if stop == end and stop < len(data):
                found.append(Frame(bytes(self._body)))
                self._body = None
            elif stop == start and stop < len(data):
                found.append(Broken(bytes(self._body), "A new block began before the last one had ended."))
                self._body = bytearray()
        return found

    def close(self) -> Broken | None:
        """What is left when the connection ends: the beginning of a block, or text that came without any block."""
        self._over = True
        if self._body is not None:
            rest, self._body = bytes(self._body), None
            return Broken(rest, "The connection ended before the block did.")
        if not self._begun and self._outside.strip(b"\x00\r\n\t "):
            return Broken(bytes(self._outside), "Bytes came without a start of block (0x0B).")
        return None

    def _skip_to_start(self, data: bytes, at: int) -> int:
        start = data.find(START, at)
        stop = len(data) if start < 0 else start
        self.strays += stop - at
        if not self._begun and len(self._outside) < STRAY_KEPT:
            self._outside += data[at : min(stop, at + STRAY_KEPT - len(self._outside))]
        if start >= 0:
            self._body, self._begun = bytearray(), True
        return stop + 1
