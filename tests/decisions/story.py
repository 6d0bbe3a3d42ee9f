"""A family of eight under the United Kingdom's programme, told day by day: who is examined, ready, examined again, gone.

What the story expects is worked out here with plain arithmetic of its own and never asks the code that is tested.
"""

import calendar
import datetime
from dataclasses import dataclass

from mhac.decisions import services
from mhac.labs.models import LabOrder
from mhac.screenings.models import Case, Screening
from mhac.screenings.programmes import programmes
from tests.decisions import made

SIX, THREE = 6, 3
# (day, who, what): "film" also begins the screening; a child under eleven has an examination instead.
EVENTS = [
    (0, 0, "film"), (2, 0, "sign"),
    (1, 4, "film"), (2, 4, "sign"),
    (3, 2, "film"), (75, 2, "culture"), (76, 2, "sign"),
    (5, 1, "film"), (7, 1, "sign"),
    (8, 6, "exam"), (9, 6, "sign"),
    (10, 5, "film"), (12, 5, "sign"),
    (20, 7, "film"),
    (40, 3, "film"), (41, 3, "sign"),
    (80, 1, "film"), (82, 1, "sign"),
    (120, 4, "leave"),
    (175, 1, "film"), (176, 1, "sign"),
    (168, 0, "film"), (170, 0, "sign"),
    (171, 2, "film"), (173, 2, "sign"),
    (172, 5, "film"), (174, 5, "sign"),
    (180, 6, "exam"), (183, 6, "sign"),
    (185, 7, "sign"),
    (210, 3, "film"), (212, 3, "sign"),
    (205, 7, "film"), (207, 7, "sign"),
    (240, 1, "film"), (242, 1, "sign"),
]  # fmt: skip
MEMBERS, CONTACT, CHILD, COUGHING = 8, 1, 6, 2
SAID = {"source_name": "Nobody Real", "relationship": "uncle", "tb_type": "pulmonary"}
LENGTH = 400


def months_later(day, months):
    """The same day of a later month; a day missing there becomes the last one of that month."""
    year, month = day.year + (day.month - 1 + months) // 12, (day.month - 1 + months) % 12 + 1
    return day.replace(year=year, month=month, day=min(day.day, calendar.monthrange(year, month)[1]))


@dataclass
class Story:
    """The family as rows. `day(n)`: the n-th day of the story."""

    case: Case
    first: datetime.date
    cast: object
    people: list

    @classmethod
    def begin(cls, clinic, cast, first):
        case = Case.objects.create(
            number=f"{clinic.code}C{next(made.running):06d}", clinic=clinic, programme="uk-tb",
            contact_name="Testa Invented", created_by=cast.rec,
        )  # fmt: skip
        born = [datetime.date(1980 + 3 * n, 5, 10) for n in range(MEMBERS)]
        born[CHILD] = first - datetime.timedelta(days=6 * 365)
        people = [made.person(clinic, born=each) for each in born]
        return cls(case, first, cast, people)

    def day(self, number):
        return self.first + datetime.timedelta(days=number)

    def tell(self, number):
        """What happens on this day becomes rows; whether anything did."""
        events = [(who, what) for day, who, what in EVENTS if day == number]
        for who, what in events:
            getattr(self, f"_{what}")(who, self.day(number))
        return bool(events)

    def _screening(self, who):
        return Screening.objects.filter(case=self.case, patient=self.people[who]).order_by("id").last()

    def _open(self, who, day):
        standing = self._screening(who)
        if standing is not None and standing.is_open:
            Screening.objects.filter(pk=standing.pk).update(state=Screening.State.CLOSED)
        screening = Screening.objects.create(
            case=self.case, patient=self.people[who], clinic=self.case.clinic, programme="uk-tb",
            edition=programmes().edition("uk-tb", day).key, opened_on=day, relation="head" if who == 0 else "child",
        )  # fmt: skip
        contacts = [SAID] if who == CONTACT else []
        made.history(screening, self.cast.cli, taken_on=day, tb_contacts=contacts)
        made.face(screening, self.cast.rec, day=day)
        if who != 7 or day > self.day(100):
            made.consent(screening, self.cast.rec, day=day)
        return screening

    def _film(self, who, day):
        screening = self._open(who, day)
        made.film(screening, self.cast.rad, day=day)
        if who == COUGHING and day < self.day(100):
            services.judge(screening, code="order", item="sputum", reason="Night sweats", by=self.cast.phy)
            for nth in (1, 2, 3):
                at = datetime.datetime.combine(day, datetime.time(8), made.KABUL) + datetime.timedelta(days=nth)
                tube = made.tube(screening, self.cast.lab, "sputum", at=at)
                made.result(made.order(screening, "afb", "sputum", tube, nth=nth), self.cast.lsu, coded="negative")
                made.order(screening, "myco_cult", "sputum", tube, nth=nth)

    def _exam(self, who, day):
        made.exam(self._open(who, day), self.cast.cli, day=day)

    def _culture(self, who, day):
        for order in LabOrder.objects.filter(screening=self._screening(who), test__key="myco_cult"):
            made.result(order, self.cast.lsu, coded="negative")

    def _sign(self, who, day):
        screening = self._screening(who)
        if who == 7 and day < self.day(200):
            made.consent(screening, self.cast.rec, day=day)
        services.sign(screening, by=self.cast.phy, on=day)

    def _leave(self, who, day):
        screening = self._screening(who)
        screening.state = Screening.State.WITHDRAWN
        screening.save(update_fields=["state"])


def expected(first, number):
    """The family's earliest expiry on this day: the minimum over everybody who has been examined and has not left."""
    return min((until for until in last_days(first, number) if until), default=None)


def last_days(first, number):
    for who in range(MEMBERS):
        begun, gone = None, False
        for day, whose, what in EVENTS:
            if whose == who and day <= number:
                begun = max(begun or 0, day) if what in {"film", "exam"} else begun
                gone = gone or what == "leave"
        if begun is None or gone:
            yield None
        else:
            yield months_later(first + datetime.timedelta(days=begun), THREE if who == CONTACT else SIX)
