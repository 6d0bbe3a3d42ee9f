"""What the lists of the front desk ask of the database at 10, 1,000 and 100,000 rows: `python -m tests.bench.bench_lists`.

Own PostgreSQL, filled with invented families of one (each with a case, a screening, a booking long over, a fee that is
paid, a reminder, an incident, a pair to compare, a place on the waiting list), and removed afterwards. The first of them
still wait or are still to come: fifty days of a full clinic. Prints for every page the number of questions and the better
of two times; a page whose number grows is named, and ends it with status 1.
"""

import contextlib
import datetime
import os
import secrets
import sys
import time

from tests.bench.lab import durable

SIZES = (10, 1_000, 100_000)
# So many come on one day; so many are still to come, and so many wait for a time.
A_DAY, TO_COME, WAIT = 100, 5_000, 1_000
PAGES = [
    "desk:people", "desk:today", "desk:recall", "desk:pairs", "patients:incidents", "appointments:waiting",
    "appointments:reminders", "appointments:rosters", "appointments:opening", "payments:cash", "payments:tariffs",
    "accounts:accesses", "desk:programmes", "certificates:list",
]  # fmt: skip


def fill(first, last, clinic, by, other):
    """Families number `first` to `last`, in bulk and without history."""
    from django.utils import timezone

    from mhac.appointments.models import Booking, Reminder, Slot, Waiting, at
    from mhac.clinics import numbers
    from mhac.patients.models import IdentityIncident, Merge, Patient
    from mhac.payments.models import Due, Payment, Receipt
    from mhac.screenings.models import Case, Screening
    from mhac.screenings.programmes import programmes

    today, now = clinic.today(), timezone.now()
    edition = programmes().edition("uk-tb", today).key
    kept = {kind: [] for kind in (Patient, Case, Screening, Slot, Booking, Due, Receipt, Payment, Reminder, Waiting)}
    kept |= {IdentityIncident: [], Merge: []}
    slots = {}

    def slot(day):
        if day not in slots:
            found = Slot.objects.on(clinic, day).first()
            slots[day] = found or Slot(clinic=clinic, starts_at=at(clinic, day), capacity=10_000, opened_by=by)
            kept[Slot] += [] if found else [slots[day]]
        return slots[day]

    before = None
    for n in range(first, last):
        year, count = divmod(n, 90_000)
        born = datetime.date(1960, 1, 1) + datetime.timedelta(days=n % 20_000)
        patient = Patient(
            number=numbers.compose("ZBM", "P", 20 + year, count), clinic=clinic, given_name=f"Namuna{n}", sex="female",
            born_earliest=born, born_latest=born, found_as=[f"namuna{n}"],
        )  # fmt: skip
        contact = {"contact_name": f"Namuna{n}", "phone": f"07{n:08d}", "created_by": by}
        case = Case(number=numbers.compose("ZBM", "C", 20 + year, count), clinic=clinic, programme="uk-tb", **contact)
        screening = Screening(
            case=case, patient=patient, clinic=clinic, programme="uk-tb", edition=edition, opened_on=today
        )
        days = datetime.timedelta(days=n // A_DAY)
        over, seat = slot(today - days - datetime.timedelta(days=1)), n % A_DAY + 1
        kept[Booking].append(
            Booking(slot=over, seat=seat, screening=screening, state=Booking.State.NO_SHOW, booked_by=by)
        )
        # The others did not come, and are to be called.
        if n < TO_COME and n % 2 == 0:
            kept[Booking].append(Booking(slot=slot(today + days), seat=seat, screening=screening, booked_by=by))
        due = Due(screening=screening, amount=119, currency="USD", age=9, age_on=today, source="Invented", made_by=by)
        receipt = Receipt(
            number=numbers.compose("ZBM", "R", 20 + year, count), case=case, clinic=clinic, payer="Namuna",
            currency="USD", amount=119, day=today - datetime.timedelta(days=n // A_DAY), taken_by=by,
        )  # fmt: skip
        kept[Patient].append(patient)
        kept[Case].append(case)
        kept[Screening].append(screening)
        kept[Due].append(due)
        kept[Receipt].append(receipt)
        kept[Payment].append(Payment(receipt=receipt, due=due, name="Namuna", amount=119))
        kept[Reminder].append(
            Reminder(case=case, slot=over, phone="07", language="fa-af", text="-", parts=1, next_try_at=now)
        )
        state = Waiting.State.WAITING if n < WAIT else Waiting.State.BOOKED
        kept[Waiting].append(Waiting(case=case, from_day=today, asked_by=by, state=state))
        kept[IdentityIncident].append(
            IdentityIncident(patient=patient, clinic=clinic, station="nurse", note="-", opened_by=by)
        )
        if before is not None:
            kept[Merge].append(Merge(kept=before, other=patient, clinic=clinic, because="-", proposed_by=other))
        before = patient
    for model, rows in kept.items():
        model.objects.bulk_create(rows, batch_size=2_000)


def measured(user):
    """Page -> (questions, better of two times in milliseconds, status)."""
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext
    from django.urls import reverse

    from mhac.accounts import sitting

    client = Client()
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    session = client.session
    sitting.begin(session)
    session.save()
    found = {}
    for page in PAGES:
        address, times = reverse(page), []
        client.get(address)
        for _ in range(2):
            with CaptureQueriesContext(connection) as asked:
                begun = time.perf_counter()
                answer = client.get(address)
                times.append((time.perf_counter() - begun) * 1000)
        found[page] = len(asked), min(times), answer.status_code
    return found


def measure(sizes):
    with contextlib.ExitStack() as stack:
        url, _cluster = stack.enter_context(durable())
        os.environ |= {
            "DATABASE_URL": url,
            "SECRET_KEY": secrets.token_urlsafe(48),
            "DJANGO_SETTINGS_MODULE": "mhac.settings",
            "MHAC_HTTPS": "0",
            "DEBUG": "1",
        }
        import django

        django.setup()
        from django.conf import settings
        from django.contrib.auth.models import Group
        from django.core.management import call_command
        from django.db import connection

        from mhac.accounts.models import RoleGrant, User
        from mhac.clinics.models import Clinic

        settings.ALLOWED_HOSTS = ["*"]
        stack.callback(connection.close)
        call_command("migrate", verbosity=0)
        call_command("createcachetable", verbosity=0)
        clinic = Clinic.objects.create(
            code="ZBM", name="Measured", kind=Clinic.Kind.CENTRE, province="Kabul", weekend=[]
        )
        clerk, other = (User.objects.create(username=name, full_name=name) for name in ("clerk", "second"))
        for role in ("REC", "MGR", "AUD", "PHY"):
            RoleGrant.objects.create(user=clerk, group=Group.objects.get(name=role), clinic=clinic)
        first, figures = 0, {}
        for size in sizes:
            fill(first, size, clinic, clerk, other)
            first = size
            with connection.cursor() as cursor:
                cursor.execute("VACUUM ANALYZE")
            figures[size] = measured(clerk)
    return figures


def main():
    figures = measure(SIZES)
    grown = []
    for page in PAGES:
        counts = [figures[size][page][0] for size in SIZES]
        times = [f"{figures[size][page][1]:.0f}" for size in SIZES]
        status = {figures[size][page][2] for size in SIZES}
        print(f"{page:28} questions {counts}  milliseconds {times}  status {sorted(status)}")
        # What a page shows of nothing, or of less than a page full, may ask less.
        if counts[2] > counts[1] or status != {200}:
            grown.append(page)
    if grown:
        sys.exit("grown or refused: " + ", ".join(grown))


if __name__ == "__main__":
    main()
