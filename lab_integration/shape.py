"""The shape of a JSON value: what may stand where. One error, `Refused`, that names the place and what is wrong there.

A shape is a function `(value, path) -> value read`. Shapes are put together from those below; Decimals stay so.
"""

import datetime
import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

Shape = Callable[[Any, str], Any]


class Refused(Exception):
    """A value that does not have its shape."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}" if path else message)
        self.path, self.message = path, message


def text(least: int = 0, most: int = 10_000_000) -> Shape:
    def read(value: Any, path: str) -> str:
        if not isinstance(value, str):
            raise Refused(path, "This must be text.")
        if not least <= len(value) <= most:
            raise Refused(path, f"This must be text of {least} to {most} characters.")
        return value

    return read


def one_of(*words: str) -> Shape:
    def read(value: Any, path: str) -> str:
        if not isinstance(value, str) or value not in words:
            raise Refused(path, f"This must be one of: {', '.join(words)}.")
        return value

    return read


def flag(value: Any, path: str) -> bool:
    if not isinstance(value, bool):
        raise Refused(path, "This must be true or false.")
    return value


def number(value: Any, path: str) -> Decimal:
    """A JSON number; or text with digits, which is how a stored profile keeps it exact."""
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal, str)):
        raise Refused(path, "This must be a number.")
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        raise Refused(path, "This must be a number.") from None
    if not found.is_finite():
        raise Refused(path, "This must be a number.")
    return found


def json_number(value: Any, path: str) -> Decimal:
    if isinstance(value, str):
        raise Refused(path, "This must be a number.")
    return number(value, path)


def whole(least: int, most: int) -> Shape:
    def read(value: Any, path: str) -> int:
        found = json_number(value, path)
        if found != int(found) or not least <= found <= most:
            raise Refused(path, f"This must be a whole number from {least} to {most}.")
        return int(found)

    return read


def moment(value: Any, path: str) -> datetime.datetime:
    """ISO 8601 with an offset."""
    try:
        found = datetime.datetime.fromisoformat(text()(value, path))
    except ValueError:
        found = None
    if found is None or found.tzinfo is None or found.utcoffset() is None:
        raise Refused(path, "This must be a moment like 2026-09-15T12:00:00+04:30, with its offset.")
    return found


def day(value: Any, path: str) -> datetime.date:
    try:
        return datetime.date.fromisoformat(text()(value, path))
    except ValueError:
        raise Refused(path, "This must be a date like 1994-03-02.") from None


def zone(value: Any, path: str) -> ZoneInfo:
    try:
        return ZoneInfo(text(1, 64)(value, path))
    except (KeyError, ValueError, OSError):
        raise Refused(path, "This is no IANA time zone; write one like Asia/Kabul.") from None


def pattern(value: Any, path: str) -> re.Pattern[str]:
    try:
        return re.compile(text(0, 500)(value, path))
    except re.error as error:
        raise Refused(path, f"This is no regular expression: {error}.") from None


def list_of(shape: Shape, least: int = 0) -> Shape:
    def read(value: Any, path: str) -> list[Any]:
        if not isinstance(value, list) or len(value) < least:
            raise Refused(path, "This must be a list." if not least else f"This must be a list of at least {least}.")
        return [shape(one, f"{path}[{index}]") for index, one in enumerate(value)]

    return read


def mapping(shape: Shape) -> Shape:
    def read(value: Any, path: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise Refused(path, "This must be an object.")
        return {key: shape(one, f"{path}.{key}") for key, one in value.items()}

    return read


def record(required: Mapping[str, Shape], optional: Mapping[str, Shape] | None = None) -> Shape:
    """An object with these keys and no others; null stands for a missing key."""
    known = {**required, **(optional or {})}

    def read(value: Any, path: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise Refused(path, "This must be an object.")
        for key in value:
            if key not in known:
                raise Refused(
                    f"{path}.{key}" if path else str(key), "This key is not known; take it out or correct it."
                )
        given = {key: one for key, one in value.items() if one is not None}
        for key in required:
            if key not in given:
                raise Refused(f"{path}.{key}" if path else key, "This key is missing.")
        return {key: known[key](one, f"{path}.{key}" if path else key) for key, one in given.items()}

    return read


def either(*shapes: Shape) -> Shape:
    """The first shape that fits; the last one's complaint when none does."""

    def read(value: Any, path: str) -> Any:
        for shape in shapes[:-1]:
            try:
                return shape(value, path)
            except Refused:
                continue
        return shapes[-1](value, path)

    return read
