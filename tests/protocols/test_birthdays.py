"""For every day of ten years around each age limit: what is asked for changes on the birthday, never else.

Older editions are looked at on the two days around each birthday.
"""

import datetime
from dataclasses import replace

import pytest

from mhac.protocols.facts import read
from mhac.protocols.requirements import collect
from mhac.protocols.situation import weigh

from .made import CONTACT, PROGRAMMES, record

EDITIONS = [edition for key in PROGRAMMES for edition in PROGRAMMES.editions(key) if edition.age_limits]
SUSPECTED = {"tb_signs": [{"code": "fever"}], "tb_contacts": [CONTACT]}
AROUND_YEARS = 5
BORN = datetime.date(2004, 2, 29)


def birthdays(born, until):
    """Each birthday; one of 29 February falls on 1 March in a common year. Not counted the way the rules count."""
    for year in range(born.year + 1, until.year + 1):
        try:
            yield datetime.date(year, born.month, born.day)
        except ValueError:
            yield datetime.date(year, 3, 1)


def asked(facts, edition, day):
    found = collect(weigh(replace(facts, examined=day), edition))
    assert not found.ambiguous
    return {item: {row.rule for row in rows} for item, rows in found.required.items()}


@pytest.mark.parametrize("edition", EDITIONS, ids=lambda edition: edition.key)
def test_the_list_changes_on_birthdays_and_on_no_other_day(edition):
    made = record(edition.programme, born=BORN.isoformat(), history=SUSPECTED | {"polio_area_stay_days": 0})
    facts = read(made | {"examined": "2099-01-01"}, PROGRAMMES)
    days = list(birthdays(BORN, datetime.date(2099, 1, 1)))
    changed_at = set()
    begun, last_list = BORN, asked(facts, edition, BORN)
    newest = edition == PROGRAMMES.editions(edition.programme)[-1]
    for age, birthday in enumerate(days, start=1):
        near = any(abs(age - limit) <= AROUND_YEARS for limit in edition.age_limits)
        length = (birthday - begun).days
        between = range(1, length) if near and newest else (1, length - 1)
        assert all(asked(facts, edition, begun + datetime.timedelta(day)) == last_list for day in between)
        now = asked(facts, edition, birthday)
        if now != last_list:
            changed_at.add(age)
        begun, last_list = birthday, now
    assert changed_at <= edition.age_limits
    always = [row for row in edition.requires if row.when == "always"]
    begins = {row.from_age for row in always if row.from_age} | {row.to_age + 1 for row in always if row.to_age}
    assert begins <= changed_at
