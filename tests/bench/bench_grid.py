"""What filing a row of the worklist costs beside a bare insert: `python -m tests.bench.bench_grid [ROWS] [CELLS]`.

Both write the same results and commit; the row also locks, checks, keeps history and moves its orders. The two are
measured in turns, and the ratio of the medians is printed: it says the same on every machine, the milliseconds do not.
"""

import os
import statistics
import sys
import time

import django
from django.db import connection, transaction

LIMIT = 4


def clocked(work, *args, **named):
    begun = time.perf_counter()
    work(*args, **named)
    return 1000 * (time.perf_counter() - begun)


@transaction.atomic
def bare(results):
    type(results[0]).objects.bulk_create(results)


def measured(rows, cells):
    """The milliseconds of each bare insert and of each row."""
    from mhac.accounts.models import User
    from mhac.labs import services
    from mhac.labs.models import LabOrder
    from mhac.labs.services import results
    from tests.bench import world

    world.prepare(2 * rows, tests=cells)
    by, orders = User.objects.get(username="ZBM-technician"), {}
    for order in LabOrder.objects.select_related("test", "specimen").order_by("pk"):
        orders.setdefault(order.screening_id, []).append(order)
    groups, inserts, saves = list(orders.items()), [], []
    for (_screening, plain), (screening, typed) in zip(groups[::2], groups[1::2], strict=True):
        made = [results.read(each, text="5.2", version=1, by=by) for each in plain]
        inserts.append(clocked(bare, made))
        filled = {each.pk: ("5.2", 0) for each in typed}
        saves.append(clocked(services.enter_row, screening, cells=filled, by=by))
    return inserts, saves


def main(rows=200, cells=6):
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mhac.settings")
    django.setup()
    from django.core.management import call_command

    connection.creation.create_test_db(verbosity=0, autoclobber=True, keepdb=True)
    try:
        inserts, saves = (statistics.median(each) for each in measured(rows, cells))
    finally:
        call_command("flush", verbosity=0, interactive=False)
    print(f"bare insert of {cells} results, committed   {inserts:7.2f} ms")
    print(f"a row of {cells} cells, committed           {saves:7.2f} ms, {saves / inserts:4.1f} times the bare insert")
    return 0 if saves <= LIMIT * inserts else 1


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:3])))
