"""Twenty clerks want the same few seats at the same moment."""

import threading

import pytest
from django.db import connection

from mhac.appointments import services
from mhac.appointments.models import Booking
from mhac.appointments.services import Refused

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
    opened = together(lambda _n: len(services.open_day(kabul, day, by=cast.rec)), list(range(CLERKS)))
    assert opened == [6] * CLERKS
    assert kabul.slots.count() == 6
