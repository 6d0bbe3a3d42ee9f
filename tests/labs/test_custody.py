"""The chain of custody: no tube moves without a link, no link without the one before it, every label accounted for."""

import random

import pytest
from django.db import connection
from django.urls import reverse

from mhac.labs import accounted, services
from mhac.labs.models import CustodyStep, Label, LabOrder, Manifest, ReferenceLaboratory, Specimen
from mhac.labs.services import Refused, custody, manifests

# A gap: a link that does not begin where the one before ended, a count with a hole, an end that is not the tube's state.
GAPS = """
    SELECT s.accession FROM labs_specimen s LEFT JOIN (
        SELECT specimen_id, nth, before, after,
               lag(after) OVER w AS ended, lag(nth) OVER w AS earlier, lead(nth) OVER w AS later
        FROM labs_custodystep WINDOW w AS (PARTITION BY specimen_id ORDER BY nth)
    ) c ON c.specimen_id = s.id
    WHERE c.nth IS NULL OR c.before <> coalesce(c.ended, '') OR c.nth <> coalesce(c.earlier, 0) + 1
       OR (c.later IS NULL AND c.after <> s.state)
"""


def gaps():
    with connection.cursor() as cursor:
        cursor.execute(GAPS)
        return [row[0] for row in cursor.fetchall()]


def reference(name="Reference laboratory Exampleville", **fields):
    return ReferenceLaboratory.objects.create(name=name, **fields)


def sent(scene, specimens, **to):
    box = manifests.open_box(scene.clinic, to=reference(**to), by=scene.cast.lab)
    for each in specimens:
        manifests.pack(box, specimen=each, by=scene.cast.lab)
    return manifests.send(box, seal="S-100", courier="Test Courier", celsius=None, by=scene.cast.lab)


def links(specimen):
    return [(each.before, each.after) for each in CustodyStep.objects.filter(specimen=specimen)]


def test_a_thousand_lives_only_make_moves_that_fit():
    chance, ends = random.Random(20261122), set()
    for _life in range(1000):
        state, before = custody.MOVES["collect"].after, ""
        for _move in range(12):
            open_to_it = sorted(name for name in custody.MOVES if custody.can(name, state))
            assert "collect" not in open_to_it
            if not open_to_it:
                assert state == "rejected"
                break
            before, state = state, custody.MOVES[chance.choice(open_to_it)].after
            assert state != before
        ends.add(state)
    assert ends == set(Specimen.State.values) - {"collected"}
    assert {each.after for each in custody.MOVES.values()} == set(Specimen.State.values)


def live(scene, specimen, chance, to):
    """One tube goes through up to six moves, each by its service; what a state does not allow is refused."""
    by = scene.cast.lab
    for _move in range(6):
        if specimen.state == "rejected":
            return
        move = chance.choice(("print", "receive", "reject", "send", "arrive", "lose", "age"))
        before = len(links(specimen))
        try:
            if move == "print":
                services.print_labels([specimen], by=by, because=chance.choice(("", "smudged")))
            elif move in {"reject", "age"}:
                services.reject(specimen, because="too_old" if move == "age" else "leaked", by=by)
            elif move == "send":
                box = manifests.open_box(scene.clinic, to=to, by=by)
                manifests.pack(box, specimen=specimen, by=by)
                manifests.send(box, seal="S", courier="Test Courier", celsius=None, by=by)
            elif move == "arrive":
                box = Manifest.objects.filter(lines__specimen=specimen).order_by("pk").last()
                if box is None:
                    continue
                manifests.arrive(box, specimen=specimen, by=by)
            elif move == "lose":
                services.lose(specimen, because="not in any rack", by=by)
            else:
                services.receive(specimen, by=by)
        except Refused:
            assert len(links(specimen)) == before
        else:
            assert len(links(specimen)) == before + (move != "print")
        specimen = Specimen.objects.select_related("clinic", "screening").get(pk=specimen.pk)


def test_lives_through_the_services_leave_no_gap_and_no_label_over(scene):
    chance, to = random.Random(7), reference()
    tubes = []
    for _person in range(5):
        tubes += scene.collected("hiv", "blood_count", "urinalysis", "tb_test", "creatinine")
    for each in tubes:
        live(scene, each, chance, to)
    assert gaps() == []
    assert len({each.state for each in Specimen.objects.all()}) >= 4
    labels = Label.objects.all()
    assert labels.count() == sum(each.tubes.count() or 1 for each in Specimen.objects.all())
    for each in labels.open():
        services.settle(each, state="missing" if each.prints else "void", because="closed the day", by=scene.cast.lab)
    (day,) = accounted.days(Label.objects.filter(clinic=scene.clinic))
    assert day.open == 0 and day.holds
    assert day.issued == day.printed + day.withdrawn
    assert day.printed == day.used + day.void + day.missing
    assert day.issued == len(labels)


def test_every_link_says_who_where_and_why(scene):
    (tube,) = scene.received("hiv")
    box = sent(scene, [tube])
    manifests.arrive(box, specimen=tube, by=scene.cast.lab2)
    services.receive(tube, by=scene.cast.lab)
    services.lose(tube, because="not in the fridge", by=scene.cast.lab)
    services.receive(tube, by=scene.cast.lab2)
    services.reject(tube, because="too_old", by=scene.cast.lsu)
    steps = services.chain(tube)
    assert [each.after for each in steps] == [
        "collected", "received", "sent", "arrived", "received", "lost", "received", "rejected",
    ]  # fmt: skip
    assert (steps[2].place, steps[2].manifest) == ("Test Courier", box)
    assert (steps[3].place, steps[3].by) == ("Reference laboratory Exampleville", scene.cast.lab2)
    assert steps[5].because == "not in the fridge"
    assert "too old" in steps[7].because
    assert gaps() == []


def test_a_tube_from_before_the_links_gets_its_first_ones_from_its_row(scene):
    (tube,) = scene.received("hiv")
    CustodyStep.objects.all().delete()
    Label.objects.all().delete()
    assert [each.after for each in services.chain(tube)] == ["collected", "received"]
    assert not CustodyStep.objects.exists()
    services.reject(tube, because="leaked", by=scene.cast.lab)
    assert links(tube) == [("", "collected"), ("collected", "received"), ("received", "rejected")]
    assert gaps() == []


def test_a_lost_tube_is_collected_again_unless_it_turns_up_first(scene):
    first, second = scene.collected("hiv", "creatinine", screening=scene.screening())[0], None
    orders = LabOrder.objects.filter(screening=first.screening_id)
    again = services.lose(first, because="not in any rack", by=scene.cast.lab)
    assert [each.state for each in again] == ["ordered", "ordered"]
    services.receive(first, by=scene.cast.lab)
    assert sorted(orders.values_list("state", flat=True)) == ["cancelled", "cancelled", "collected", "collected"]
    assert set(first.orders.values_list("state", flat=True)) == {"collected"}
    # The second time it is too late: the new tube was taken before the old one was found.
    services.lose(first, because="not in any rack", by=scene.cast.lab)
    second = services.collect(first.screening, orders=orders.filter(state="ordered"), by=scene.cast.lab)[0]
    services.receive(first, by=scene.cast.lab)
    assert set(first.orders.values_list("state", flat=True)) == {"cancelled"}
    assert set(second.orders.values_list("state", flat=True)) == {"collected"}


REFUSED = [
    (lambda scene, tube: services.lose(tube, because=" ", by=scene.cast.lab), "where the tube was last seen"),
    (lambda scene, tube: services.find(tube, by=scene.cast.lab), "is received: that cannot be done with it now"),
    (lambda scene, tube: services.receive(tube, by=scene.cast.lab), "was already received"),
]


@pytest.mark.parametrize(("act", "sentence"), REFUSED)
def test_what_does_not_fit_is_refused_and_writes_nothing(scene, act, sentence):
    (tube,) = scene.received("hiv")
    with pytest.raises(Refused, match=sentence):
        act(scene, tube)
    assert links(tube) == [("", "collected"), ("collected", "received")]


def test_a_rejected_tube_stands_with_the_collectors_again_and_says_why(scene, as_user):
    (tube,) = scene.received("hiv")
    services.reject(tube, because="clotted", by=scene.cast.lab)
    bench = as_user(scene.cast.lab).get(reverse("labs:bench"), {"tab": "collect"}).content.decode()
    assert tube.screening.patient.name in bench
    page = as_user(scene.cast.lab).get(reverse("labs:collect", args=[tube.screening_id])).content.decode()
    assert "Taken again" in page and "clotted" in page
