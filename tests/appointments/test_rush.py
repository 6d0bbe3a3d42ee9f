"""Twenty clerks want the same few seats at the same moment."""

import datetime
import threading

import pytest
from django.db import connection

from mhac.appointments import services
from mhac.appointments.models import Booking
from mhac.appointments.services import Refused
from mhac.screenings import services as screenings
from tests.bench import rush
from tests.conftest import make_user

from .conftest import make_family, open_days, slot_on

CLERKS = 20


def together(work, arguments):
    """Run `work` once for each argument, all at once; what each returned or was refused, in order."""
    start = threading.Barrier(len(arguments), timeout=30)
    answers = [None] * len(arguments)

    def run(place, argument):
        try:
            start.wait()
            answers[place] = work(argument)
        except Refused as refusal:
            answers[place] = refusal
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(arguments)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert None not in answers
    return answers


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_twenty_families_of_two_and_thirteen_seats(kabul, cast):
    day = open_days(kabul, after=1)[0]
    slots = [slot_on(kabul, day, cast.rec, capacity=seats, hour=8 + n) for n, seats in enumerate((4, 4, 5))]
    families = [make_family(kabul, cast.rec, size=2) for _n in range(CLERKS)]

    def book(place):
        case = families[place]
        return services.book(case, slots[place % 3], screenings=list(case.screenings.all()), by=cast.rec)

    answers = together(book, list(range(CLERKS)))
    assert sum(isinstance(answer, Refused) for answer in answers) == CLERKS - 6
    for slot, families_in in zip(slots, (2, 2, 2), strict=True):
        seats = sorted(Booking.objects.standing().filter(slot=slot).values_list("seat", flat=True))
        assert seats == list(range(1, 2 * families_in + 1))


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_one_family_booked_by_twenty_clerks_is_booked_once(kabul, cast):
    day = open_days(kabul, after=1)[0]
    slots = [slot_on(kabul, day, cast.rec, capacity=40, hour=8 + n) for n in range(3)]
    case = make_family(kabul, cast.rec, size=3)

    def book(place):
        return services.book(case, slots[place % 3], screenings=list(case.screenings.all()), by=cast.rec)

    answers = together(book, list(range(CLERKS)))
    assert sum(isinstance(answer, Refused) for answer in answers) == CLERKS - 1
    assert Booking.objects.count() == 3


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_twenty_arrivals_get_twenty_tickets(kabul, cast):
    slot = slot_on(kabul, kabul.today(), cast.rec, capacity=CLERKS)
    case = make_family(kabul, cast.rec, size=CLERKS)
    bookings = [
        Booking.objects.create(slot=slot, seat=n, screening=member, booked_by=cast.rec)
        for n, member in enumerate(case.screenings.all(), 1)
    ]
    arrived = together(lambda booking: services.arrive(booking, by=cast.rec), bookings)
    assert sorted(booking.ticket for booking in arrived) == list(range(1, CLERKS + 1))


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_twenty_clerks_open_the_same_day(kabul, cast):
    day = open_days(kabul, after=1)[0]
    clerk = cast.rec
    opened = together(lambda _n: len(services.open_day(kabul, day, by=clerk)), list(range(CLERKS)))
    assert opened == [6] * CLERKS
    assert kabul.slots.count() == 6


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_fifty_clients_and_a_daily_number_of_seventeen(kabul, herat, cast):
    """At two sites, for new bookings, moved ones and people at the door: seventeen come, not one more, not one less."""
    for site in (kabul, herat):
        site.weekend = []
        site.save()
    manager = make_user("network", "MGR")
    today = kabul.today()
    decision = {"state": "limited", "daily_cap": 17, "from_day": today, "reason": "A measured start"}
    screenings.decide_state("ca", clinic=None, by=manager, **decision)
    here = [slot_on(kabul, today, cast.rec, capacity=40, hour=hour) for hour in (8, 9)]
    there = slot_on(herat, today, cast.herat_rec, capacity=40, hour=8)
    tomorrow = slot_on(kabul, today + datetime.timedelta(days=1), cast.rec, capacity=40)
    sites = [herat if n % 5 == 0 else kabul for n in range(50)]
    cases = [make_family(site, cast.rec) for site in sites]
    # Every fifth but one is booked for tomorrow and wants to come today.
    booked = {n: Booking.objects.create(slot=tomorrow, seat=n + 1, screening=cases[n].screenings.get(),
                                        booked_by=cast.rec) for n in range(1, 17, 5)}  # fmt: skip

    def come(n):
        slot = there if sites[n] == herat else here[n % 2]
        if n in booked:
            return services.reschedule(cases[n], slot, bookings=[booked[n]], by=cast.rec)[0]
        (booking,) = services.book(cases[n], slot, screenings=list(cases[n].screenings.all()), by=cast.rec)
        return services.arrive(booking, by=cast.rec)

    answers = together(come, list(range(50)))
    assert Booking.objects.standing().filter(slot__in=[*here, there]).count() == 17
    refused = [answer for answer in answers if isinstance(answer, Refused)]
    assert len(refused) == 33 and all("needed: 1" in str(answer) for answer in refused)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_nobody_is_booked_past_a_number_that_comes_in_the_middle(kabul, cast):
    """While twenty book an open programme, its manager limits it: after her answer the day never grows past the number
    or past what it had then."""
    slot = slot_on(kabul, open_days(kabul, after=1)[0], cast.rec, capacity=40)
    cases = [make_family(kabul, cast.rec) for _n in range(CLERKS)]
    decision = {"state": "limited", "daily_cap": 5, "from_day": kabul.today(), "reason": "A measured start"}
    seen = []

    def work(n):
        if n == CLERKS // 2:
            row = screenings.decide_state("ca", clinic=kabul, by=cast.mgr, **decision)
            seen.append(Booking.objects.standing().filter(slot=slot).count())
            return row
        return services.book(cases[n], slot, screenings=list(cases[n].screenings.all()), by=cast.rec)

    together(work, list(range(CLERKS)))
    assert Booking.objects.standing().filter(slot=slot).count() == max(5, seen[0])


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_rush_overbooks_nothing_and_refuses_nobody_falsely(kabul, cast):
    """A small share of `make rush`: families with needs at times of chance, and the books balanced afterwards."""
    slots, families = rush.prepare(kabul, cast.rec, days=1, families=26)
    books = rush.rush(slots, families, cast.rec, clients=8, attempts=60)
    assert (*rush.balance(slots, books), books.wrong) == (0, 0, 0, [])
    assert books.booked >= 8 and books.booked + len(books.refused) == 60
