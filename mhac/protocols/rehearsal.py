"""The `assess` command's work: JSON lines in, JSON lines out. No clock, no store, no network."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import BinaryIO

from .assessment import Json, assess
from .facts import read
from .programme import Programmes
from .reading import Doubled, NotANumber, Refused

LINE_LIMIT_BYTES = 4 * 1024 * 1024
# A number of more digits is read as a decimal, which the facts refuse with its path.
_INTEGER_DIGITS = 100
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def answers(stream: BinaryIO, programmes: Programmes) -> Iterator[Json]:
    """One answer for each line that is not blank, in order; a refused line is answered with `error`."""
    first = True
    while line := stream.readline(LINE_LIMIT_BYTES + 1):
        if first and line.startswith(_BYTE_ORDER_MARK):
            line = line[len(_BYTE_ORDER_MARK) :]
        first = False
        if len(line) > LINE_LIMIT_BYTES and not line.endswith(b"\n"):
            _skip_rest(stream)
            yield refusal(None, Refused("", f"The line is longer than {LINE_LIMIT_BYTES} bytes. Split the record."))
        elif line.strip():
            yield answer_line(line, programmes)


def _skip_rest(stream: BinaryIO) -> None:
    while rest := stream.readline(LINE_LIMIT_BYTES):
        if rest.endswith(b"\n"):
            return


def answer_line(line: bytes | str, programmes: Programmes) -> Json:
    """One line of JSON text answered."""
    try:
        value = parse(line)
    except Refused as refused:
        return refusal(None, refused)
    return answer(value, programmes)


def answer(value: object, programmes: Programmes) -> Json:
    """One parsed record answered: an assessment, or exactly `id` and `error`."""
    identifier = value.get("id") if isinstance(value, dict) else None
    try:
        if not isinstance(value, dict):
            raise Refused("", "Expected one JSON object on the line, as in the contract.")
        facts = read(value, programmes)
        return assess(facts, programmes.edition(facts.programme, facts.examined)).answer()
    except Refused as refused:
        return refusal(identifier if isinstance(identifier, str) else None, refused)


def refusal(identifier: str | None, refused: Refused) -> Json:
    return {"id": identifier, "error": {"path": refused.path, "message": refused.message}}


def parse(line: bytes | str) -> object:
    """JSON text with decimals instead of binary floats. Raises `Refused` with the path ""."""
    try:
        text = line.decode("utf-8") if isinstance(line, bytes) else line
        return json.loads(
            text,
            parse_float=Decimal,
            parse_int=_integer,
            parse_constant=NotANumber,
            object_pairs_hook=_object,
        )
    except UnicodeDecodeError:
        raise Refused("", "The line is not UTF-8 text. Save the file as UTF-8.") from None
    except RecursionError:
        raise Refused("", "The JSON is nested too deeply to be a record.") from None
    except ValueError as fault:
        raise Refused("", f"The line is not JSON: {fault}.") from None


def _integer(digits: str) -> int | Decimal:
    return int(digits) if len(digits) <= _INTEGER_DIGITS else Decimal(digits)


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    doubled = Doubled(found)
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            doubled.twice = key
            break
        seen.add(key)
    return doubled


def written(given: Json) -> bytes:
    """One output line, UTF-8; text that UTF-8 cannot hold (lone surrogates) is written in escapes."""
    try:
        return (json.dumps(given, ensure_ascii=False) + "\n").encode()
    except UnicodeEncodeError:
        return (json.dumps(given) + "\n").encode()
