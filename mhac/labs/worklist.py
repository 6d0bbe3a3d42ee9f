"""The worklist: the tubes that wait for chosen tests, a row for each tube and a column for each test.

A cell is named `r-<order>-<versions there are>`, so that what was typed against an older state is noticed.
"""

from collections import defaultdict
from dataclasses import dataclass, replace

from django.db.models import Count, Prefetch

from mhac.labs import bench, services, typed, words
from mhac.labs.limits import is_critical, judged
from mhac.labs.models import LabOrder, LabResult, Specimen, Test

COLUMNS = 14  # more do not fit beside each other, and a rack has no more
RECEIVED = (Specimen.State.RECEIVED, Specimen.State.ARRIVED)


@dataclass(frozen=True)
class Cell:
    """One test of one tube. `name` is "" when it is not waiting; then `result` may stand there."""

    order: LabOrder
    name: str = ""
    text: str = ""
    error: str = ""
    result: LabResult | None = None
    flag: str = ""
    before: LabResult | None = None
    limits: object = None


@dataclass(frozen=True)
class Line:
    """One tube; `cells` stand in the order of the columns, None where the test is not asked for."""

    specimen: Specimen
    cells: list


def _open(user):
    return LabOrder.objects.visible_to(user).awaiting_result().filter(specimen__state__in=RECEIVED)


def choices(user):
    """The tests that tubes wait for, each with `.count`, by kind of tube: {tube: tests}."""
    counts = dict(_open(user).values_list("test").annotate(count=Count("pk")))
    found = defaultdict(list)
    for test in Test.objects.filter(pk__in=counts).order_by("position", "key"):
        test.count = counts[test.pk]
        found[test.tube].append(test)
    return [(tube, label, found[tube]) for tube, label in Test.Tube.choices if found[tube]]


def chosen(offered, keys, tube):
    """The tests to show as columns: those named, or all of one kind of tube."""
    tests = [test for _tube, _label, group in offered for test in group]
    return [test for test in tests if test.key in keys or test.tube == tube][:COLUMNS]


def named(keys):
    """The tests with these keys, in the order of the catalogue."""
    return list(Test.objects.filter(key__in=keys).order_by("position", "key"))[:COLUMNS]


def page(user, tests, after=""):
    """The tubes that wait for one of `tests`, the oldest first: (lines, key after which the next ones stand)."""
    keys = bench.page_of(_open(user).filter(test__in=tests), "specimen_id", after)
    return lines(user, keys.rows, tests), keys.after


def place_of(user, tests, number):
    """The key after which the page begins that shows the tube with this number, or None when it waits for none."""
    tube = Specimen.objects.visible_to(user).numbered(number).first()
    rows = _open(user).filter(test__in=tests)
    if tube is None or not rows.filter(specimen=tube).exists():
        return None
    return str(
        rows.filter(specimen__lt=tube.pk).order_by("-specimen_id").values_list("specimen_id", flat=True).first() or ""
    )


def lines(user, specimens, tests, said=None):
    """Rows for these tubes (keys), in this order. `said`: name of a cell -> (text, sentence why it was not filed)."""
    results = LabResult.objects.order_by("-version")
    orders = LabOrder.objects.visible_to(user).filter(specimen__in=specimens, test__in=tests)
    orders = orders.exclude(state=LabOrder.State.CANCELLED)
    orders = orders.prefetch_related(Prefetch("results", results, to_attr="versions"))
    tubes = Specimen.objects.visible_to(user).select_related("screening__patient", "clinic").in_bulk(specimens)
    by_key = {
        test.pk: test for test in Test.objects.filter(pk__in=[each.pk for each in tests]).prefetch_related("ranges")
    }
    cells, people = defaultdict(dict), {key: tube.screening.patient.person for key, tube in tubes.items()}
    before = _before(set(people.values()), tests)
    for order in orders:
        order.test, order.specimen = by_key[order.test_id], tubes[order.specimen_id]
        last = before.get((people[order.specimen_id], order.test_id))
        cells[order.specimen_id][order.test_id] = _cell(order, last, said or {})
    return [Line(tubes[key], [cells[key].get(test.pk) for test in tests]) for key in specimens if key in tubes]


def _before(people, tests):
    """(person, test) -> her last verified result."""
    rows = LabResult.objects.verified().filter(screening__patient__person__in=people, order__test__in=tests)
    rows = rows.select_related("order__test", "screening__patient").order_by(
        "screening__patient__person", "order__test_id", "-verified_at"
    )
    return {
        (each.screening.patient.person, each.order.test_id): each
        for each in rows.distinct("screening__patient__person", "order__test_id")
    }


def _judged(order):
    return judged(order, order.specimen.screening, order.specimen.collected_on)


def _cell(order, before, said):
    by = _judged(order)
    if order.state != LabOrder.State.COLLECTED:
        result = order.versions[0] if order.versions else None
        mark = by.flag(order.test, number=result.number, coded=result.coded) if result else ""
        made = Cell(order, result=result, flag=mark, limits=by.range)
    else:
        name = f"r-{order.pk}-{order.versions[0].version if order.versions else 0}"
        made = Cell(order, name, before=before, limits=by.range)
    # What could not be filed stays where it was typed, even when somebody else filed the cell meanwhile.
    told = next((each for name, each in said.items() if name.startswith(f"r-{order.pk}-")), None)
    return replace(made, text=told[0], error=told[1]) if told else made


def read_name(name):
    """(order key, versions) of a cell's name, or None when it is none."""
    kind, _dash, rest = name.partition("-")
    key, _dash, seen = rest.rpartition("-")
    order = bench.key_of(key)
    return (order, int(seen)) if kind == "r" and order and seen.isascii() and seen.isdigit() and len(seen) < 5 else None


def save(user, posted):
    """File every cell that was typed: (how many were filed, {name: (text, sentence)} of those that were not)."""
    typed_in = {name: text for name, text in posted.items() if text.strip() and read_name(name)}
    keys = {read_name(name)[0]: name for name in typed_in}
    rows = LabOrder.objects.visible_to(user).filter(pk__in=keys, specimen__isnull=False)
    screenings, asked = defaultdict(dict), set()
    for order, screening, test in rows.values_list("pk", "screening_id", "test_id"):
        asked.add(test)
        screenings[screening][order] = (typed_in[keys[order]], read_name(keys[order])[1])
    filed, refused, tests = 0, {}, Test.objects.in_bulk(asked)
    # In one order for everybody; each row stands for itself, so that a stop in the middle loses none that was filed.
    for screening in sorted(screenings):
        for order, answer in services.enter_row(screening, cells=screenings[screening], tests=tests, by=user).items():
            if isinstance(answer, LabResult):
                filed += 1
            else:
                refused[keys[order]] = (typed_in[keys[order]], answer)
    return filed, refused


@dataclass(frozen=True)
class Said:
    """What a typed text would be: its reading and flag, or the sentence that refuses it."""

    shown: str = ""
    flag: str = ""
    error: str = ""
    critical: bool = False


def check(user, name, text):
    """What `text` means in the cell called `name`; nothing is saved."""
    cell = read_name(name)
    rows = LabOrder.objects.visible_to(user).exclude(specimen=None).select_related("test", "specimen__clinic")
    order = cell and rows.select_related("specimen__screening__patient").filter(pk=cell[0]).first()
    if not order or not text.strip():
        return Said()
    try:
        value = typed.read(text, order.test)
    except typed.Unreadable as refusal:
        return Said(error=str(refusal))
    mark = _judged(order).flag(order.test, number=value.number, coded=value.coded)
    shown = f"{words.label(value.coded)} {value.text}".strip() if value.coded else ""
    return Said(shown, mark, critical=is_critical(order, value))
