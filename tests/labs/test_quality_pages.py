"""The pages of quality control: who sees and does what, the chart, the chips of the bench, the list to verify."""

import datetime
import re
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import timezone

from mhac.labs import controls, services
from mhac.labs.levey_jennings import EDGE, chart
from mhac.labs.models import AssayLock, ControlLot, ControlRun, ControlTarget, LabResult, ReleasedInSpite, Test
from tests.conftest import PASSWORD
from tests.labs.test_quality import lot_of, measure, target_of


def test_from_a_lot_to_a_lock_and_back(scene, kabul, as_user):
    """Technician, supervisor and quality officer, each in her own browser; and everybody who may not."""
    cast = scene.cast
    lab, lsu, qco = as_user(cast.lab), as_user(cast.lsu), as_user(cast.qco)
    page = lab.get(reverse("labs:quality"))
    assert b"No control is set up yet" in page.content
    new = {"clinic": kabul.pk, "material": "Test control", "level": "1", "lot": "TESTLOT-1"}
    refused = lab.post(reverse("labs:new_control_lot"), new | {"expires_on": "05/06/2027"})
    assert refused.status_code == 200
    lab.post(reverse("labs:new_control_lot"), new | {"expires_on": "2099-06-05"})
    lot = ControlLot.objects.get()
    numbers = {"test": Test.objects.get(key="hb").pk, "instrument": "", "mean": "10", "sd": "0.5", "source": "maker"}
    set_target = reverse("labs:set_control_target", args=[lot.pk])
    assert b"more than 0" in lab.post(set_target, numbers | {"sd": "0"}).content
    assert lab.post(set_target, numbers).status_code == 302
    assert lab.post(set_target, numbers).status_code == 403  # she may set one, not replace it
    assert lsu.post(set_target, numbers | {"mean": "10.1"}).status_code == 302
    target = ControlTarget.objects.get(active=True)
    assert b"out of use" in lsu.get(reverse("labs:control_lot", args=[lot.pk])).content

    level, run = reverse("labs:control_level", args=[target.pk]), reverse("labs:measure_control", args=[target.pk])
    assert b"No run yet" in lab.get(level).content
    for wrong, said in (("ten", b"is not a number"), ("&lt;10", b"is not a number"), ("<10", b"without &lt; or &gt;")):
        assert said in lab.post(run, {"value": wrong}).content
    assert b"at what time" in lab.post(run, {"value": "10", "day": "2026-01-02"}).content
    assert b"still to come" in lab.post(run, {"value": "10", "day": "2099-01-02", "clock": "08:00"}).content
    assert lab.post(run, {"value": "۱۰٫۲"}).status_code == 302
    result = scene.entered("blood_count", "hb", "14.1")
    page = lab.post(run, {"value": "14"}, follow=True)
    assert b"This assay is locked" in page.content
    lock = AssayLock.objects.get()
    assert ControlRun.objects.get(verdict="rejected").entered_by == cast.lab

    # The bench says it first; the list to verify says it in the row, and gives no box.
    assert b"status-red" in lab.get(reverse("labs:bench")).content
    to_verify = lsu.get(reverse("labs:to_verify")).content.decode()
    assert "Find the cause" in to_verify
    assert str(result.pk) not in to_verify
    assert "broke 1-3s" in lsu.post(reverse("labs:verify", args=[result.pk]), follow=True).content.decode()

    at = reverse("labs:assay_lock", args=[lock.pk])
    opening, release = reverse("labs:open_assay", args=[lock.pk]), [lock.pk, result.pk]
    release = reverse("labs:release_in_spite", args=release)
    assert b"Release in spite" not in lsu.get(at).content
    assert str(result.order.specimen) in qco.get(at).content.decode()
    assert str(result.order.specimen) not in as_user(cast.mgr).get(at).content.decode()
    yes = {"because": "New reagent", "password": PASSWORD}
    assert lsu.post(opening, yes).status_code == lsu.post(release, yes).status_code == 403
    assert b"Not in control yet" in qco.post(opening, yes).content
    assert b"Say what was found" in qco.post(release, {"because": " "}, follow=True).content
    qco.post(release, {"because": "Repeated by hand: the same"})
    assert ReleasedInSpite.objects.get().result == result
    lsu.post(reverse("labs:verify", args=[result.pk]))
    result.refresh_from_db()
    assert result.state == LabResult.State.VERIFIED
    lab.post(run, {"value": "10"})
    assert b"not your password" in qco.post(opening, yes | {"password": "wrong"}).content
    assert qco.post(opening, yes).status_code == 302
    assert "New reagent" in qco.get(at).content.decode()
    # Locked by hand, and a lot that is taken out of use.
    by_hand = reverse("labs:lock_assay", args=[target.pk])
    assert b"Say what was found" in qco.post(by_hand, {"lock-because": ""}, follow=True).content
    assert qco.post(by_hand, {"lock-because": "cloudy water"}).status_code == 302
    assert AssayLock.objects.get(opened_at=None).locked_by == cast.qco
    end = reverse("labs:end_control_lot", args=[lot.pk])
    assert (lab.post(end).status_code, lsu.post(end).status_code) == (403, 302)
    assert b"out of use" in lab.post(run, {"value": "10"}).content

    for who, status in (("rec", 403), ("cli", 403), ("phy", 403), ("rad", 403), ("mgr", 200), ("aud", 200)):
        browser = as_user(getattr(cast, who))
        assert browser.get(level).status_code == status, who
        assert browser.post(run, {"value": "10"}).status_code == browser.post(by_hand).status_code == 403, who
    elsewhere = as_user(cast.herat_lab)
    assert [elsewhere.get(one).status_code for one in (level, at, end)][:2] == [404, 404]
    assert elsewhere.post(run, {"value": "10"}).status_code == 404
    # The quality officer alters no result.
    assert qco.get(reverse("labs:to_verify")).status_code == 403
    assert qco.get(reverse("labs:correct", args=[result.pk])).status_code == 403


def test_the_chips_of_the_bench(scene, kabul, django_assert_num_queries):
    cast, sites = scene.cast, [kabul]

    def chips(now=None):
        return [(one.colour, one.says) for one in controls.assays(sites, now or timezone.now())]

    assert chips() == []
    one, two = target_of(scene), target_of(scene, lot=lot_of(kabul, level="2", lot="TESTLOT-2"))
    assert chips() == [("grey", "no control yet")]
    noon = timezone.localtime(timezone.now()).replace(hour=12, minute=0) - datetime.timedelta(days=1)
    services.measure_control(one, value=Decimal(10), at=noon, by=None)
    assert chips(noon) == [("amber", "missing today: 2")]
    services.measure_control(two, value=Decimal("11.1"), at=noon, by=None)
    assert chips(noon) == [("amber", "2: 1-2s")]
    services.measure_control(two, value=Decimal("10.1"), at=noon + datetime.timedelta(minutes=9), by=None)
    assert chips(noon) == [("green", "in control")]
    later = noon + datetime.timedelta(hours=13, minutes=9)
    assert chips(later) == [("grey", "no control today, the last 13 h ago")]
    services.lock_assay(one, because="cloudy water", by=cast.qco)
    target_of(scene, lot=lot_of(kabul, level="3", lot="TESTLOT-3"), test="glu")
    with django_assert_num_queries(3):
        assert [colour for colour, _says in chips(later)].count("red") == 1


def drawn(count, *, z="0.5"):
    lot = ControlLot(material="Test control", level="1", lot="A")
    old, new = (ControlTarget(lot=lot, mean=Decimal(10), sd=Decimal("0.5")) for _ in range(2))
    start = datetime.datetime(2026, 11, 1, 8, tzinfo=datetime.UTC)
    return chart(
        [
            ControlRun(
                target=old if nth < count // 2 else new,
                value=10 + Decimal(z) / 2,
                at=start + datetime.timedelta(days=nth),
                verdict="in",
            )
            for nth in range(count)
        ]
    )


@pytest.mark.parametrize(("count", "changes"), [(1, 0), (2, 1), (30, 1)])
def test_a_chart_stays_within_its_frame(count, changes):
    made = drawn(count)
    assert len(made.marks) == count
    assert len(made.changes) == changes
    assert all(made.left < mark.x < made.right and made.top < mark.y < made.bottom for mark in made.marks)
    assert 1 <= sum(mark.labelled for mark in made.marks) <= 8
    assert [line.sd for line in made.lines] == [3, 2, 1, 0, -1, -2, -3]
    assert sorted(made.lines, key=lambda line: line.y) == made.lines


def test_a_chart_of_nothing_and_of_the_unmeasurable():
    assert chart([]) is None
    inside, outside = drawn(1, z=str(EDGE)).marks[0], drawn(1, z="40").marks[0]
    assert (inside.y, inside.outside, outside.y, outside.outside) == (outside.y, False, inside.y, True)


def test_forty_runs_are_two_pages(scene, kabul, as_user):
    target = target_of(scene)
    measure(target, *["10.1", "9.9"] * 20, first=40)
    url = reverse("labs:control_level", args=[target.pk])
    browser = as_user(scene.cast.lab)
    page = browser.get(url).content.decode()
    assert page.count("<circle") == 30
    assert 'role="img" aria-labelledby' in page
    older = re.search(r"\?before=[-0-9a-f]{36}", page)[0]
    second = browser.get(url + older).content.decode()
    assert (second.count("<circle"), "The last 30 runs" in second, "Earlier runs" in second) == (10, True, False)
    assert browser.get(url + "?before=nonsense").status_code == 200
    # In a language that is read from the right the drawing still runs from the left.
    right = browser.get(url, headers={"accept-language": "fa-af"}).content.decode()
    assert '<figure class="levey" dir="ltr">' in right
