"""Reading JSON values one by one, each with its path. The first fault stops with a sentence.

A reader is a function of (value, path) that returns the typed value or raises `Refused`. `null` is a missing key.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from datetime import date, datetime
from decimal import Decimal
from typing import TypeVar

T = TypeVar("T")
Reader = Callable[[object, str], T]

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]{1,9})?)?([Zz]|[+-][0-9]{2}(:?[0-9]{2})?)"
)
# No instrument reports more; within it, differences of two values are exact in a context of twice the digits.
_DIGITS = 40
_NAMES = {bool: "yes or no", str: "text", int: "a number", Decimal: "a number", float: "a number", list: "a list"}


class Refused(ValueError):
    """The facts cannot be assessed. `path` says where (contract, section 4), `message` what is wrong and what to do."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(path, message)
        self.path = path
        self.message = message

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class NotANumber:
    """Stands for NaN and Infinity, which Python's JSON reader lets through and JSON does not know."""

    def __init__(self, text: str) -> None:
        self.text = text


class Doubled(dict[str, object]):
    """An object whose text gives the key `twice` more than once: nobody can say which value was meant."""

    twice: str = ""


def shown(value: object) -> str:
    """The value as a sentence may quote it: short, and never a whole record."""
    if isinstance(value, NotANumber):
        return value.text
    if isinstance(value, str):
        return f"'{value}'" if len(value) <= 60 else f"'{value[:57]}...'"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | Decimal | float):
        digits = str(Decimal(value)) if isinstance(value, int) else str(value)
        return digits if len(digits) <= 30 else f"{digits[:27]}..."
    return _NAMES.get(type(value), "an object")


def joined(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def text(value: object, path: str) -> str:
    if not isinstance(value, str):
        raise Refused(path, f"Expected text, found {shown(value)}. Write it between quotation marks.")
    if not value.strip():
        raise Refused(path, "The text is empty. Write something or leave the key out.")
    return value


def flag(value: object, path: str) -> bool:
    if not isinstance(value, bool):
        raise Refused(path, f"Expected true or false, found {shown(value)}.")
    return value


def day(value: object, path: str) -> date:
    """A calendar day, `YYYY-MM-DD` and nothing else."""
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise Refused(path, f"Expected a day as YYYY-MM-DD, found {shown(value)}.")
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise Refused(path, f"{shown(value)} is no day of the calendar. Check month and day.") from None


def moment(value: object, path: str) -> datetime:
    """A moment with its offset from UTC, as in `2026-11-21T09:00:00+04:30`."""
    if not isinstance(value, str) or not _MOMENT.fullmatch(value):
        raise Refused(
            path, f"Expected a moment with its offset, as in 2026-11-21T09:00:00+04:30, found {shown(value)}."
        )
    try:
        return datetime.fromisoformat(value.upper())
    except ValueError:
        raise Refused(path, f"{shown(value)} is no moment of the calendar. Check day, hour and offset.") from None


def moment_or_day(value: object, path: str) -> datetime | date:
    if isinstance(value, str) and _DAY.fullmatch(value):
        return day(value, path)
    return moment(value, path)


def number(low: int | str | None = None, high: int | str | None = None) -> Reader[Decimal]:
    """A reader of decimals between `low` and `high`, both included; None leaves that side open."""
    least = None if low is None else Decimal(low)
    most = None if high is None else Decimal(high)

    def read(value: object, path: str) -> Decimal:
        if isinstance(value, bool) or not isinstance(value, int | Decimal | float):
            raise Refused(path, f"Expected a number, found {shown(value)}.")
        read_value = Decimal(str(value)) if isinstance(value, float) else Decimal(value)
        if not read_value.is_finite():
            raise Refused(path, f"Expected a number, found {shown(value)}.")
        if read_value.adjusted() > _DIGITS or len(read_value.as_tuple().digits) > _DIGITS or _tiny(read_value):
            raise Refused(path, f"{shown(value)} has more digits than any instrument gives. Check the value.")
        if (least is not None and read_value < least) or (most is not None and read_value > most):
            raise Refused(path, f"{shown(value)} is outside {_limits(least, most)}. Check the value and its unit.")
        return read_value

    return read


def whole(low: int = 0, high: int | None = None) -> Reader[int]:
    """A reader of whole numbers between `low` and `high`, both included."""
    read_number = number(low, high)

    def read(value: object, path: str) -> int:
        read_value = read_number(value, path)
        if read_value != read_value.to_integral_value():
            raise Refused(path, f"Expected a whole number, found {shown(value)}.")
        return int(read_value)

    return read


def _tiny(value: Decimal) -> bool:
    exponent = value.as_tuple().exponent
    return isinstance(exponent, int) and exponent < -_DIGITS


def _limits(least: Decimal | None, most: Decimal | None) -> str:
    if most is None:
        return f"what is possible (at least {least})"
    if least is None:
        return f"what is possible (at most {most})"
    return f"{least} to {most}"


def one_of(codes: Collection[str]) -> Reader[str]:
    listed = ", ".join(codes if isinstance(codes, tuple) else sorted(codes))

    def read(value: object, path: str) -> str:
        if not isinstance(value, str) or value not in codes:
            raise Refused(path, f"{shown(value)} is not one of {listed}.")
        return value

    return read


def each(read: Reader[T]) -> Reader[tuple[T, ...]]:
    """A reader of lists whose members `read` reads."""

    def read_list(value: object, path: str) -> tuple[T, ...]:
        if not isinstance(value, list):
            raise Refused(path, f"Expected a list, found {shown(value)}.")
        return tuple(read(member, f"{path}[{index}]") for index, member in enumerate(value))

    return read_list


def set_of(codes: Collection[str]) -> Reader[frozenset[str]]:
    read_list = each(one_of(codes))

    def read(value: object, path: str) -> frozenset[str]:
        return frozenset(read_list(value, path))

    return read


def map_of(keys: Collection[str], read: Reader[T]) -> Reader[dict[str, T]]:
    """A reader of objects whose keys come from a vocabulary and whose values `read` reads."""

    def read_map(value: object, path: str) -> dict[str, T]:
        box = Box(value, path, keys)
        found = ((key, box.given(key, read)) for key in box.values)
        return {key: value for key, value in found if value is not None}

    return read_map


class Box:
    """One JSON object and its path; a key outside `known` is refused at once."""

    __slots__ = ("path", "values")

    def __init__(self, value: object, path: str, known: Collection[str]) -> None:
        if not isinstance(value, dict):
            raise Refused(path, f"Expected an object, found {shown(value)}.")
        if isinstance(value, Doubled):
            raise Refused(
                joined(path, value.twice), f"The key {shown(value.twice)} stands here twice. Keep one of them."
            )
        for key in value:
            if key not in known:
                raise Refused(
                    joined(path, str(key)),
                    f"The key {shown(key)} is not known here. Known: {', '.join(sorted(known))}.",
                )
        self.path = path
        self.values: dict[str, object] = value

    def has(self, key: str) -> bool:
        return self.values.get(key) is not None

    def at(self, key: str) -> str:
        return joined(self.path, key)

    def given(self, key: str, read: Reader[T]) -> T | None:
        """The value of an optional key; None when it is missing or null."""
        value = self.values.get(key)
        return None if value is None else read(value, self.at(key))

    def needed(self, key: str, read: Reader[T]) -> T:
        """The value of a mandatory key."""
        value = self.values.get(key)
        if value is None:
            raise Refused(self.at(key), f"The key '{key}' is missing. State it.")
        return read(value, self.at(key))
