"""Time limits on the bench: a tube that came too late, a culture that is not negative yet, a box on its way."""

import datetime

import pytest
from django.core.exceptions import PermissionDenied
from django.urls import reverse
from django.utils import timezone

from mhac.labs import ageing, boxes, services
from mhac.labs.models import LabOrder, LabResult, Manifest, ReferenceLaboratory, Specimen
from mhac.labs.services import manifests
from tests.labs.conftest import days_ago
from tests.labs.test_limits import sent

HOUR = datetime.timedelta(hours=1)


def qft_after(scene, hours, name):
    """The order for the nil value of a QuantiFERON set that came to the laboratory so long after it was taken."""
    screening = scene.screening(given=name)
    (tube,) = scene.collected("tb_test", screening=screening)
    taken = timezone.now() - datetime.timedelta(days=2)
    Specimen.objects.filter(pk=tube.pk).update(collected_at=taken)
    services.receive(tube, by=scene.cast.lab, at=taken + hours * HOUR)
    return scene.order_of("qft_nil", [tube])


def test_a_tube_that_came_too_late_needs_a_supervisors_reason(scene, as_user):
    in_time, late = qft_after(scene, 16, "Early"), qft_after(scene, 16.1, "Late")
    lab, lsu = as_user(scene.cast.lab), as_user(scene.cast.lsu)
    assert services.enter(in_time, text="0.10", by=scene.cast.lab).state == "filed"
    with pytest.raises(services.Refused, match="after 16 hours, the limit is 16"):
        services.enter(late, text="0.10", by=scene.cast.lab)
    # The worklist says it beside the cell, and the page of the tube to both; only the supervisor may let it through.
    cell = f"r-{late.pk}-0"
    line = {"line": [str(late.specimen_id)], "column": ["qft_nil"], cell: "0.10"}
    answer = lab.post(reverse("labs:worklist") + "?test=qft_nil", line)
    assert "the limit is 16" in answer.text and 'value="0.10"' in answer.text
    page, use = reverse("labs:specimen", args=[late.specimen_id]), reverse("labs:use_late", args=[late.pk])
    assert "the limit is 16" in lab.get(page).text and use not in lab.get(page).text and use in lsu.get(page).text
    assert lab.post(use, {"because": "no other"}).status_code == 403
    with pytest.raises(PermissionDenied):
        services.use_late(late, because="no other tube", by=scene.cast.lab)
    # What an analyzer sends is filed, and waits: nobody verifies it before somebody said why.
    result = sent(late, "0.10")
    with pytest.raises(services.Refused, match="the limit is 16"):
        services.verify(result, by=scene.cast.lsu)
    assert "the limit is 16" in lsu.get(reverse("labs:to_verify")).text
    assert "Say why this tube is used" in lsu.post(use, {"because": " "}, follow=True).text
    shown = lsu.post(use, {"because": "She left for Herat"}, follow=True)
    assert "may be made on this tube" in shown.text and "She left for Herat" in shown.text
    assert services.verify(result, by=scene.cast.lsu).state == "verified"
    assert LabOrder.history.filter(id=late.pk, late_by=scene.cast.lsu).exists()
    with pytest.raises(services.Refused, match="not too old"):
        services.use_late(in_time, because="no reason at all", by=scene.cast.lsu)


def grown(scene, days, medium="", name="Sputa"):
    """The order for a culture of a sputum that was taken so many days ago."""
    (tube,) = scene.received("sputum", screening=sputum_of(scene, name))
    Specimen.objects.filter(pk=tube.pk).update(collected_at=days_ago(days))
    order = scene.order_of("myco_cult", [tube])
    return services.choose_medium(order, medium=medium, by=scene.cast.lab) if medium else order


def sputum_of(scene, name):
    screening = scene.ordered("sputum", screening=scene.screening(given=name))
    LabOrder.objects.filter(screening=screening, nth__gt=1).update(state="cancelled")
    return screening


MEDIA = [("liquid", 41, False), ("liquid", 42, True), ("solid", 55, False), ("solid", 56, True), ("", 55, False)]
MEDIA += [("", 56, True)]


def test_a_culture_is_negative_after_six_or_eight_weeks(scene, as_user):
    """By medium (rules 3.3), typed or sent; what grew is said at once. The list of cultures follows the medium."""
    for medium, days, final in MEDIA:
        order = grown(scene, days, medium, name="abcdefghijklmnopqrstuvwxyz"[days % 26].upper() + "sputa")
        if final:
            assert services.enter(order, text="neg", by=scene.cast.lab).state == "filed"
        else:
            with pytest.raises(services.Refused, match="is negative only from"):
                services.enter(order, text="neg", by=scene.cast.lab)
            result = sent(order, coded="negative")
            with pytest.raises(services.Refused, match="is negative only from"):
                services.verify(result, by=scene.cast.lsu)
    early = grown(scene, 3, name="Grew")
    lab, address = as_user(scene.cast.lab), reverse("labs:ageing")
    shown = next(row for row in ageing.growing(scene.cast.lab, timezone.now()) if row.specimen == early.specimen)
    collected = Specimen.objects.get(pk=early.specimen_id).collected_on
    assert shown.expected == collected + datetime.timedelta(days=56)
    choose = reverse("labs:choose_medium", args=[early.pk])
    assert "Choose the medium" in lab.post(choose, {"medium": "air"}, follow=True).text
    assert 'value="liquid" selected' in lab.post(choose, {"medium": "liquid"}, follow=True).text
    shown = next(row for row in ageing.growing(scene.cast.lab, timezone.now()) if row.specimen == early.specimen)
    assert shown.expected == collected + datetime.timedelta(days=42)
    assert as_user(scene.cast.cli).post(choose, {"medium": "solid"}).status_code == 403
    assert as_user(scene.cast.herat_lab).post(choose, {"medium": "solid"}).status_code == 404
    result = services.enter(early, text="mtb", by=scene.cast.lab)
    assert result.critical and services.verify(result, by=scene.cast.lsu).state == "verified"
    with pytest.raises(services.Refused, match="does not wait for growth"):
        services.choose_medium(early, medium="solid", by=scene.cast.lab)
    assert "negative after 6 weeks" in lab.get(address).text


def test_a_sent_tube_says_how_far_it_is(scene, as_user, herat):
    """On the bench, on its page, and to whoever asks for the tubes of a case; not any more once it was counted."""
    far = ReferenceLaboratory.objects.create(name="Invented Reference Laboratory", transit_hours=48)
    tubes = scene.received("hiv", "blood_count")
    box = manifests.open_box(scene.clinic, to=far, by=scene.cast.lab)
    for tube in tubes:
        manifests.pack(box, specimen=tube, by=scene.cast.lab)
    left = timezone.now() - datetime.timedelta(days=1)
    manifests.send(box, seal="S1", courier="Invented Courier", celsius=None, by=scene.cast.lab, at=left)
    lab, ours = as_user(scene.cast.lab), Specimen.objects.order_by("pk")
    for address in (reverse("labs:bench") + "?tab=sent", reverse("labs:specimen", args=[tubes[0].pk])):
        assert "in transit, day 2 of 3" in lab.get(address).text
    case = reverse("desk:case", args=[tubes[0].screening.case_id])
    assert "in transit, day 2 of 3" in as_user(scene.cast.rec).get(case).text
    ways = boxes.transit_of(ours)
    assert {(one.day, one.days, one.late) for one in ways.values()} == {(2, 3, False)} and len(ways) == 2
    later = boxes.transit_of(ours, timezone.now() + datetime.timedelta(days=2))
    assert {(one.day, one.late) for one in later.values()} == {(4, True)}
    manifests.arrive(box, specimen=tubes[0], by=scene.cast.lab)
    assert boxes.transit_of(Specimen.objects.all()).keys() == {tubes[1].pk}
    assert "No tube is with a courier" in as_user(scene.cast.herat_lab).get(reverse("labs:bench") + "?tab=sent").text


def test_a_damaged_tube_keeps_what_was_verified_before_its_journey(scene, as_user):
    (tube,) = scene.received("blood_count")
    hb = services.enter(scene.order_of("hb", [tube]), text="14", by=scene.cast.lab)
    services.verify(hb, by=scene.cast.lsu)
    far = ReferenceLaboratory.objects.create(name="Invented Reference Laboratory", transit_hours=48)
    box = manifests.open_box(scene.clinic, to=far, by=scene.cast.lab)
    manifests.pack(box, specimen=tube, by=scene.cast.lab)
    manifests.send(box, seal="S1", courier="Invented Courier", celsius=None, by=scene.cast.lab)
    address = reverse("labs:scan_manifest", args=[box.pk])
    as_user(scene.cast.lab).post(address, {"number": tube.accession, "damaged": "leaked"})
    tube.refresh_from_db()
    assert (tube.state, box.lines.get().state) == ("lost", "damaged")
    assert LabResult.objects.get(pk=hb.pk).state == "verified"
    orders = LabOrder.objects.filter(screening=tube.screening)
    assert sorted(orders.values_list("test__key", "state")) == [
        ("hb", "verified"),
        ("plt", "cancelled"),
        ("plt", "ordered"),
        ("wbc", "cancelled"),
        ("wbc", "ordered"),
    ]
    assert "leaked" in services.chain(tube)[-1].because
    manifests.count(Manifest.objects.get(pk=box.pk), celsius=None, name="Invented Clerk", by=scene.cast.lab)
    assert boxes.alarms(scene.cast.lab) == []
