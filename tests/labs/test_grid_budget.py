"""The lists of the bench take the same number of queries for ten open orders and for a hundred thousand."""

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from mhac.labs.models import LabOrder, Specimen

TESTS = 4


def copied(row, count, **changed):
    """`count` copies of a row written by the database itself; `changed`: column -> SQL in which n counts from 1."""
    columns = [field.column for field in row._meta.concrete_fields]
    taken = ", ".join(changed.get(name, f'one."{name}"') for name in columns)
    named, table = ", ".join(f'"{name}"' for name in columns), row._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({named}) SELECT {taken} FROM {table} one, generate_series(1, %s) n WHERE one.id = %s",
            [count, row.pk],
        )


def grown(tube, size, tag):
    """Copies of one tube with its four orders, until `size` more orders are open."""
    copied(tube, size // TESTS, id="uuidv7()", accession=f"'{tag}' || n")
    with connection.cursor() as cursor:
        columns = [field.column for field in LabOrder._meta.concrete_fields]
        changed = {"id": "uuidv7()", "specimen_id": "tube.id"}
        cursor.execute(
            f"INSERT INTO labs_laborder ({', '.join(columns)})"
            f" SELECT {', '.join(changed.get(name, 'one.' + name) for name in columns)}"
            " FROM labs_laborder one, labs_specimen tube WHERE one.specimen_id = %s AND tube.accession LIKE %s",
            [tube.pk, f"{tag}%"],
        )
        cursor.execute("ANALYZE labs_specimen; ANALYZE labs_laborder")


def test_queries_do_not_grow_with_the_orders_that_are_open(scene, as_user):
    screening = scene.screening()
    (tube,) = scene.received("blood_count", screening=screening)
    copied(
        tube.orders.get(test__key="plt"), 1, id="uuidv7()", test_id="(SELECT id FROM labs_test WHERE key = 'mal_rdt')"
    )
    pages = ["labs:worklist", "labs:bench"]
    addresses = [reverse(name) for name in pages] + [reverse("labs:worklist") + "?tube=edta"]
    addresses += [reverse("labs:bench") + "?tab=inside", reverse("labs:bench") + "?tab=sent"]
    client, counted, slowest = as_user(scene.cast.lab), {}, 0
    grown(tube, 8, "A")
    client.get(addresses[0])  # what is looked up once in a process
    for size, tag in ((12, ""), (1000, "B"), (99_000, "C")):
        if tag:
            grown(tube, size, tag)
        for address in addresses:
            with CaptureQueriesContext(
                connection,
            ) as seen:
                shown = client.get(address)
            assert shown.status_code == 200
            counted.setdefault(address, []).append(len(seen))
            slowest = max(slowest, *(float(each["time"]) for each in seen))
    assert LabOrder.objects.count() > 100_000 and Specimen.objects.count() > 25_000
    for address, counts in counted.items():
        assert counts[1] == counts[2] <= counts[0] + 1, address
        assert counts[2] <= 20, address
    assert slowest < 4
    # The second page begins after the last row of the first, and is as cheap.
    first = client.get(addresses[2])
    with CaptureQueriesContext(connection) as seen:
        second = client.get(reverse("labs:worklist") + "?" + first.context["after"])
    assert len(seen) == counted[addresses[2]][2]
    shown = [{row.specimen.pk for row in page.context["rows"]} for page in (first, second)]
    assert len(shown[0]) == len(shown[1]) == 50 and not shown[0] & shown[1]
