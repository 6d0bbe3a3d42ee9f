"""Fifty clients and two hundred times: `make rush`, or `python -m tests.bench.rush 5000`.

Families of one to six people, some of whom need a female clinician or radiographer, are booked at times of chance by
clients that do not wait for each other, until all attempts are made. Then the books are balanced: no time holds more
people than seats or than its staff can see, no seat is given twice, and who was refused would not fit now either (as
nobody cancels, room only shrinks: who would fit at the end was refused falsely).
"""

import argparse
import datetime
import os
import random
import secrets
import threading
import time
from collections import Counter, deque
from dataclasses import dataclass, field

SEATS = 6
SEED = 20261122


@dataclass
class Books:
    """What came of the attempts."""

    booked: int = 0
    refused: list = field(default_factory=list)  # (slot, screenings)
    wrong: list = field(default_factory=list)
    seconds: float = 0.0


def prepare(clinic, by, *, days, families, seed=SEED):
    """Times on `days` days (ten a day), a roster with a woman at each station in the morning, and families."""
    from mhac.appointments import services
    from mhac.appointments.models import Slot, StaffLine, Wish, Workplace, at
    from mhac.patients.models import Patient
    from mhac.screenings.models import Case, Screening
    from mhac.screenings.programmes import programmes

    chance = random.Random(seed)
    clinic.weekend = []
    clinic.save()
    for kind, capacity in (("examination", 4), ("radiology", 3)):
        place = Workplace.objects.create(clinic=clinic, kind=kind, capacity=capacity)
        for sex, halves in (("female", ["am"]), ("male", ["am", "pm"])):
            line = StaffLine.objects.create(clinic=clinic, name=f"{kind} {sex}", sex=sex)
            services.set_week(line, places={(day, half): place for day in range(7) for half in halves}, by=by)
    edition = programmes().edition("ca", clinic.today())
    first = clinic.today() + datetime.timedelta(days=1)
    slots = Slot.objects.bulk_create(
        Slot(
            clinic=clinic,
            starts_at=at(clinic, first + datetime.timedelta(days=day), datetime.time(7 + hour)),
            capacity=SEATS,
            opened_by=by,
        )
        for day in range(days)
        for hour in range(10)
    )
    found = []
    for nth in range(families):
        case = Case.objects.create(
            number=f"R{nth:08d}", clinic=clinic, programme="ca", contact_name=f"Rush {nth}", created_by=by
        )
        members = []
        for place in range(chance.randint(1, 6)):
            born = datetime.date(chance.choice([1980, 1990, 2015]), 1, 1)
            person = Patient.objects.create(
                number=f"P{nth:06d}{place:02d}", clinic=clinic, given_name="Rush", sex="female", born_earliest=born,
                born_latest=born,
            )  # fmt: skip
            members.append(
                Screening.objects.create(
                    case=case,
                    patient=person,
                    clinic=clinic,
                    programme="ca",
                    edition=edition.key,
                    opened_on=clinic.today(),
                )
            )
        needs = [need for need in ("female_clinician", "female_radiographer") if chance.random() < 0.3]
        if needs:
            Wish.objects.create(screening=members[0], needs=needs, recorded_by=by)
        found.append((case, members))
    return slots, found


def rush(slots, families, by, *, clients, attempts, seed=SEED) -> Books:
    """Let `clients` book until `attempts` are made or every family has its time."""
    from django.db import connection

    from mhac.appointments import services
    from mhac.appointments.services import Refused

    books, waiting, lock, left = Books(), deque(families), threading.Lock(), iter(range(attempts))

    def work(place):
        chance = random.Random(f"{seed} {place}")
        try:
            while next(left, None) is not None and waiting:
                try:
                    case, members = waiting.popleft()
                except IndexError:
                    return
                slot = chance.choice(slots)
                try:
                    services.book(case, slot, screenings=members, by=by)
                    with lock:
                        books.booked += 1
                except Refused:
                    with lock:
                        books.refused.append((slot, members))
                    waiting.append((case, members))
                except Exception as fault:
                    with lock:
                        books.wrong.append(repr(fault))
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(place,)) for place in range(clients)]
    begun = time.perf_counter()
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    books.seconds = time.perf_counter() - begun
    return books


def balance(slots, books):
    """(overbooked times, people beyond what the staff of a time can do, false refusals), counted from the rows."""
    from mhac.appointments import asking, choosing
    from mhac.appointments.models import Booking, Slot
    from mhac.appointments.services.locked import times_of

    slots = {slot.pk: slot for slot in Slot.objects.filter(pk__in=[s.pk for s in slots]).select_related("clinic")}
    people = asking.booked(slots.values())
    seats = Counter(Booking.objects.standing().values_list("slot", "seat"))
    over = sum(len(here) > slots[key].capacity for key, here in people.items()) + sum(n > 1 for n in seats.values())
    beyond, times = 0, {}
    for key, slot in slots.items():
        morning = slot.local().hour < 12
        asks = Counter(ask for _booking, person in people[key] for ask in person.asks)
        held = {"examination": 8 if morning else 4, "radiology": 6 if morning else 3}
        held |= {"female_clinician": 4 if morning else 0, "female_radiographer": 3 if morning else 0}
        beyond += sum(asks[ask] > count for ask, count in held.items())
        times[key] = times_of([slot])[0]
    false = sum(
        not choosing.shortages(times[slot.pk], asking.people(members, slots[slot.pk].day))
        for slot, members in books.refused
    )
    return over, beyond, false


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("attempts", nargs="?", type=int, default=5000)
    parser.add_argument("--clients", type=int, default=50)
    options = parser.parse_args()
    from tests.bench.lab import durable

    with durable() as (url, _cluster):
        os.environ |= {
            "DATABASE_URL": url, "SECRET_KEY": secrets.token_hex(32), "MHAC_HTTPS": "0", "MHAC_TRAINING": "1",
            "DJANGO_SETTINGS_MODULE": "mhac.settings",
        }  # fmt: skip
        import django
        from django.conf import settings

        # As many connections as clients: what is measured is the database's word, not the queue before it.
        settings.DATABASES["default"]["OPTIONS"]["pool"] |= {"max_size": options.clients + 2, "timeout": 60}
        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        report(options)


def report(options):
    from django.db import connection

    from mhac.accounts.models import User
    from mhac.clinics.models import Clinic

    clinic = Clinic.objects.create(code="RSH", name="Rush", kind="centre", province="Kabul")
    by = User.objects.create(username="rush", full_name="Invented Clerk")
    slots, families = prepare(clinic, by, days=20, families=700)
    print(f"{options.clients} clients, {len(slots)} times of {SEATS} seats, {len(families)} families", flush=True)
    books = rush(slots, families, by, clients=options.clients, attempts=options.attempts)
    over, beyond, false = balance(slots, books)
    made = books.booked + len(books.refused)
    print(f"{made} attempts in {books.seconds:.1f} s: {books.booked} families booked, {len(books.refused)} refused")
    print(f"overbooked: {over}   beyond the staff: {beyond}   false refusals: {false}   faults: {len(books.wrong)}")
    for each in sorted(set(books.wrong))[:5]:
        print(f"  {each}")
    connection.close()
    connection.close_pool()
    if over or beyond or false or books.wrong:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
