"""Invented families as their passports say them."""

import datetime
from dataclasses import dataclass

VALUES = {sign: value for value, sign in enumerate("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")} | {"<": 0}


def check(text):
    """The check digit of ICAO Doc 9303 (weights 7, 3, 1), computed here once more so that the reader has a witness."""
    return str(sum(VALUES[sign] * (7, 3, 1)[place % 3] for place, sign in enumerate(text)) % 10)


@dataclass(frozen=True)
class Traveller:
    family: str
    given: str
    number: str
    born: datetime.date
    sex: str
    relation: str = "head"
    reference: str = ""
    name: str = ""

    @property
    def full_name(self):
        return f"{self.given} {self.family}".title()

    @property
    def zone(self):
        """The two lines at the foot of the passport (TD3)."""
        names = f"{self.family}<<{self.given.replace(' ', '<')}"
        expires = datetime.date.today() + datetime.timedelta(days=4 * 365)
        number, born, until = self.number.ljust(9, "<"), f"{self.born:%y%m%d}", f"{expires:%y%m%d}"
        optional = "<" * 14
        body = f"{number}{check(number)}AFG{born}{check(born)}{self.sex[0].upper()}{until}{check(until)}{optional}<"
        composite = check(body[0:10] + body[13:20] + body[21:43])
        return f"P<AFG{names}".ljust(44, "<") + "\n" + body + composite


def born(age):
    """A birthday half a year ago that made somebody this old."""
    today = datetime.date.today() - datetime.timedelta(days=183)
    return datetime.date(today.year - age, today.month, min(today.day, 28))


CANADA = [
    Traveller("NAMUNA", "GUL AGHA", "XX1000001", born(38), "male", "head", "IME10000001"),
    Traveller("NAMUNA", "ZARMINA", "XX1000002", born(35), "female", "spouse", "IME10000002"),
    Traveller("NAMUNA", "SAHAR", "XX1000003", born(14), "female", "child", "IME10000003"),
    Traveller("NAMUNA", "OMID", "XX1000004", born(7), "male", "child", "IME10000004"),
]
UK = [Traveller("MISAL", "RAHMAT", "XX2000001", born(27), "male")]
RETURNEE = [Traveller("TAJRIBA", "NUR", "XX3000001", born(43), "male")]
