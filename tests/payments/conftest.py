import datetime

import pytest

from mhac.patients import services as patients
from mhac.screenings import services as screenings


def born(today, years, *, days_until_birthday=0):
    """The day of birth of somebody who completed `years` today, or will in some days."""
    day = today + datetime.timedelta(days=days_until_birthday)
    try:
        return day.replace(year=day.year - years)
    except ValueError:  # 29 February
        return day.replace(year=day.year - years, day=28)


@pytest.fixture
def family(kabul, cast):
    """A family for Canada at Kabul: family([40, 10, 11]) opens one screening for each age in completed years."""

    def made(ages, *, programme="ca", by=None):
        by = by or cast.rec
        case = screenings.open_case(clinic=kabul, programme=programme, contact_name="Testi Family", by=by)
        for nth, age in enumerate(ages):
            person = patients.register(
                clinic=kabul,
                by=by,
                given_name=f"Testi{nth}",
                family_name=case.number,
                sex="female",
                born_earliest=age if isinstance(age, datetime.date) else born(kabul.today(), age),
            )
            screenings.open_screening(case, patient=person, reference=f"{case.number[-6:-1]}{nth:03d}", by=by)
        return case

    return made
