"""How long the search for people takes among 10,000 and among 1,000,000: `python -m tests.bench.bench_search`.

Own PostgreSQL, filled with invented people (names as unevenly frequent as real ones), papers, cases and screenings, and
removed afterwards. The same kinds of questions are asked of both: one name, two names, another spelling, the other
script, the beginning of a name, name and birth year, name and father, numbers, papers, telephones, references. Prints
the middle and the 95th percentile of the question alone, of all rows of the page (papers and
screenings too), and of the suggestions for a new card.
"""

import argparse
import contextlib
import datetime
import json
import os
import random
import secrets
import statistics
import time

from tests.bench.lab import durable

SIZES = (10_000, 1_000_000)
EACH = 25
# So many are made one by one; the rest are their namesakes, so that every name is as frequent as it was.
WRITTEN = 40_000
ONSETS = ["b", "d", "f", "g", "h", "j", "k", "l", "m", "n", "p", "r", "s", "t", "z", "sh", "kh", "ch", "w", "y"]
VOWELS = ["a", "i", "u", "o", "e", "a", "i"]
NATIVE = dict(
    zip(
        [*ONSETS, "a", "i", "u", "o", "e"],
        [
            "ب",
            "د",
            "ف",
            "گ",
            "ه",
            "ج",
            "ک",
            "ل",
            "م",
            "ن",
            "پ",
            "ر",
            "س",
            "ت",
            "ز",
            "ش",
            "خ",
            "چ",
            "و",
            "ی",
            "ا",
            "ی",
            "و",
            "و",
            "ی",
        ],
        strict=True,
    )
)


class Names:
    """Invented names, a few common and many rare: the n-th is about as frequent as 1/n."""

    def __init__(self, count, syllables, rng):
        found = {}
        while len(found) < count:
            parts = [part for _ in range(rng.choice(syllables)) for part in (rng.choice(ONSETS), rng.choice(VOWELS))]
            parts += [rng.choice(ONSETS)]
            found["".join(parts).title()] = "".join(NATIVE[part] for part in parts)
        self.native, self.names = found, list(found)
        self.weights = [1 / (place + 8) for place in range(count)]

    def draw(self, rng, count):
        return rng.choices(self.names, self.weights, k=count)


def people(rng, first, last, given, family):
    """(fields, keys) of invented people number `first` to `last`."""
    from mhac.patients import matching

    count = last - first
    ours, fathers, families = given.draw(rng, count), given.draw(rng, count), family.draw(rng, count)
    start = datetime.date(1950, 1, 1)
    for place in range(count):
        born = start + datetime.timedelta(days=rng.randrange(27000))
        until = born.replace(month=12, day=31) if rng.random() < 0.2 else born
        one, two, father = ours[place], families[place] if rng.random() < 0.8 else "", fathers[place]
        native = f"{given.native[one]} {family.native.get(two, '')}".strip() if rng.random() < 0.5 else ""
        keys = matching.keys(one, two, native, relatives=(father,), born=(born, until))
        yield first + place, one, two, native, father, born, until, keys


def fill(first, last, rng, given, family, clinic, user):
    """Rows by COPY: people, a passport for every second one, a case for every four, a screening for each."""
    from django.db import connection

    from mhac.clinics import numbers
    from mhac.clinics.numbers import uuid7

    now = datetime.datetime.now(datetime.UTC)
    written = min(last, first + WRITTEN)
    with connection.cursor() as cursor:
        # Made again at the end: an index is built in one go far sooner than row by row.
        cursor.execute("SET maintenance_work_mem = '512MB'")
        cursor.execute("DROP INDEX IF EXISTS patient_found_as")
        columns = (
            "id, number, clinic_id, given_name, family_name, native_name, father_name, grandfather_name, sex, "
            "born_earliest, born_latest, birth_precision, birth_source, nationality, language, phone, address, "
            "provisional_because, found_as, created_at"
        )
        with cursor.copy(f"COPY patients_patient ({columns}) FROM STDIN") as copy:
            for n, one, two, native, father, born, until, keys in people(rng, first, written, given, family):
                number = numbers.compose("ZBM", "P", n // 100_000, n % 100_000)
                copy.write_row((
                    uuid7(), number, clinic, one, two, native, father, "", "male", born, until,
                    "day" if born == until else "year", "stated", "AFG", "fa-af", f"07{n // 5:08d}", "", "", keys, now,
                ))  # fmt: skip
        if last > written:
            cursor.execute(
                f"INSERT INTO patients_patient ({columns}) SELECT uuidv7(), 'ZBMX' || lpad(n::text, 8, '0'), clinic_id, "
                "given_name, family_name, native_name, father_name, '', sex, born_earliest, born_latest, birth_precision, "
                "birth_source, nationality, language, '07' || lpad((n / 5)::text, 8, '0'), '', '', found_as, created_at "
                "FROM generate_series(%s::int, %s::int) AS n JOIN (SELECT *, row_number() OVER (ORDER BY id) - 1 AS place "
                "FROM patients_patient) AS known ON place = n %% %s",
                [written, last - 1, written],
            )
        cursor.execute("CREATE INDEX patient_found_as ON patients_patient USING gin (found_as) WITH (fastupdate = off)")
        cursor.execute("DROP TABLE IF EXISTS fresh")
        cursor.execute(
            "CREATE TEMP TABLE fresh AS SELECT id, clinic_id, number, phone, row_number() OVER (ORDER BY id) - 1 + %s AS n "
            "FROM patients_patient WHERE id NOT IN (SELECT patient_id FROM screenings_screening)",
            [first],
        )
        cursor.execute(
            "INSERT INTO patients_identitydocument (id, patient_id, kind, number, volume, page, issuer, place, entries, "
            "mrz, override_reason, shared_because) SELECT gen_random_uuid(), id, 'passport', 'P' || lpad(n::text, 8, '0'), "
            "'', '', 'AFG', '', '', '', '', '' FROM fresh WHERE n % 2 = 0"
        )
        cursor.execute(
            "INSERT INTO screenings_case (id, number, clinic_id, programme, contact_name, phone, address, created_at, "
            "created_by_id) SELECT id, 'C' || substr(number, 4), clinic_id, 'uk-tb', 'Invented', phone, '', now(), "
            "%s FROM fresh WHERE n %% 4 = 0",
            [user],
        )
        cursor.execute(
            "INSERT INTO screenings_screening (id, case_id, patient_id, clinic_id, programme, edition, reference, relation, "
            "state, opened_on) SELECT p.id, c.id, p.id, p.clinic_id, 'uk-tb', 'uk-tb-2024', "
            "CASE WHEN p.n % 4 = 0 THEN 'GWF' || lpad(p.n::text, 9, '0') ELSE '' END, 'head', 'closed', now() "
            "FROM fresh p JOIN fresh c ON c.n = p.n - p.n % 4"
        )
    connection.commit()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def questions(rng, size, given, family):
    """The questions, mixed; by kind."""
    found = {}
    names, families, fathers = given.draw(rng, EACH), family.draw(rng, EACH), given.draw(rng, EACH)
    some = [rng.randrange(size) for _ in range(EACH)]
    found["one name"] = names
    found["two names"] = [f"{one} {two}" for one, two in zip(names, families, strict=True)]
    found["another spelling"] = [
        f"{one.replace('i', 'ee').replace('u', 'oo')} {two.replace('o', 'u')}"
        for one, two in zip(names, families, strict=True)
    ]
    found["other script"] = [
        f"{given.native[one]} {family.native[two]}" for one, two in zip(names, families, strict=True)
    ]
    found["beginning"] = [f"{one[:4]} {two[:3]}" for one, two in zip(names, families, strict=True)]
    found["name and year"] = [f"{one} {rng.randrange(1950, 2020)}" for one in names]
    found["name and father"] = [
        f"{one} {two} {father}" for one, two, father in zip(names, families, fathers, strict=True)
    ]
    found["paper"] = [f"p-{n - n % 2:08d}" for n in some]
    found["telephone"] = [f"07{n // 5:08d}" for n in some]
    found["reference"] = [f"GWF{n - n % 4:09d}" for n in some]
    found["nobody"] = [f"{one}xq {two}vv" for one, two in zip(names, families, strict=True)]
    return found


def took(work, *asked):
    begun = time.perf_counter()
    work(*asked)
    return (time.perf_counter() - begun) * 1000


def best(work, texts):
    """Milliseconds of each question, the better of two askings: another program's turn is not ours."""
    return [min(took(work, text), took(work, text)) for text in texts]


def measured(size, given, family, user, clinic):
    """Milliseconds of every question, twice asked, the better one: question alone, whole page, suggestion."""
    from mhac.desk import people as desk
    from mhac.patients import resemblance
    from mhac.patients.models import Patient

    asked = questions(random.Random(7), size, given, family)

    def question(text):
        found = Patient.objects.filter(clinic=clinic)
        found = found.found_by(text) | found.standing().filter(pk__in=desk._in_cases(text, user))
        return list(found.order_by("-pk")[:26])

    def suggestion(text):
        one, two, father = text.split()
        day = datetime.date(1990, 5, 6)
        sought = resemblance.Sought(
            given_name=one, family_name=two, father_name=father, born_earliest=day, born_latest=day
        )
        return resemblance.find(sought, among=Patient.objects.filter(clinic=clinic))

    def page(text):
        found = Patient.objects.filter(clinic=clinic)
        found = found.found_by(text) | found.standing().filter(pk__in=desk._in_cases(text, user))
        return desk._with_records(found.standing().order_by("-pk")[:26])

    for texts in asked.values():
        page(texts[0])
    alone, whole, kinds = [], [], {}
    for kind, texts in asked.items():
        kinds[kind] = best(question, texts)
        alone += kinds[kind]
        whole += best(page, texts)
    suggested = best(suggestion, asked["name and father"])
    figures = {"question": _two(alone), "page": _two(whole), "suggestion": _two(suggested)}
    return figures | {"kinds": {kind: _two(values)["p95"] for kind, values in kinds.items()}}


def _two(values):
    return {"p50": round(statistics.median(values), 2), "p95": round(statistics.quantiles(values, n=20)[-1], 2)}


def measure(sizes):
    figures = {}
    with contextlib.ExitStack() as stack:
        url, _cluster = stack.enter_context(durable())
        os.environ |= {
            "DATABASE_URL": url,
            "SECRET_KEY": secrets.token_urlsafe(48),
            "DJANGO_SETTINGS_MODULE": "mhac.settings",
            "MHAC_HTTPS": "0",
            "DEBUG": "0",
        }
        import django

        django.setup()
        from django.contrib.auth.models import Group
        from django.core.management import call_command
        from django.db import connection

        from mhac.accounts.models import RoleGrant, User
        from mhac.clinics.models import Clinic

        stack.callback(connection.close)
        call_command("migrate", verbosity=0)
        clinic = Clinic.objects.create(code="ZBM", name="Measured", kind=Clinic.Kind.CENTRE, province="Kabul")
        user = User(username="clerk", full_name="Invented Clerk")
        user.set_password(secrets.token_urlsafe())
        user.save()
        RoleGrant.objects.create(user=user, group=Group.objects.get(name="REC"), clinic=clinic)
        rng = random.Random(1405)
        given, family = Names(600, [1, 1, 2], rng), Names(4000, [2, 2, 3], rng)
        first = 0
        for size in sizes:
            filling = took(lambda: fill(first, size, rng, given, family, clinic.pk, user.pk))  # noqa: B023
            first = size
            figures[size] = measured(size, given, family, user, clinic) | {"filled_s": round(filling / 1000)}
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_database_size(current_database()) / 1000000")
                figures[size]["database_mb"] = int(cursor.fetchone()[0])
            print(json.dumps({str(size): figures[size]}), flush=True)
    return figures


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    figures = measure(parser.parse_args().sizes)
    small, *_between, large = figures.values()
    for what in ("question", "page", "suggestion"):
        times = large[what]["p95"] / small[what]["p95"]
        print(f"{what}: p95 {small[what]['p95']} ms -> {large[what]['p95']} ms, {times:.2f} times")


if __name__ == "__main__":
    main()
