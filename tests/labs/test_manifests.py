"""Boxes to another laboratory: twenty go, nineteen arrive, and both ends are told which tube is missing."""

import datetime
import subprocess

import pytest
import zxingcpp
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from mhac.labs import boxes, services
from mhac.labs.models import Label, LabOrder, LabResult, Manifest, ReferenceLaboratory, Specimen
from mhac.labs.services import Refused, manifests
from tests.conftest import make_clinic, make_user
from tests.labs.conftest import days_ago
from tests.labs.test_custody import gaps, links, reference
from tests.labs.test_pages import crowd, queries


def box_page(box, name="manifest", **more):
    return reverse(f"labs:{name}", args=[box.pk, *more.values()])


def test_twenty_go_and_nineteen_arrive(scene, as_user, kabul, herat, cast):
    """Herat sends to Kabul: scanned in, sealed, scanned out; the tube that is missing stands on both benches."""
    scene.clinic = herat
    crowd(scene, 20, state="collected")
    tubes = list(Specimen.objects.select_related("screening").order_by("pk"))
    ours = ReferenceLaboratory.objects.create(name="Kabul laboratory", clinic=kabul, transit_hours=48)
    sender, receiver = as_user(cast.herat_lab), as_user(cast.lab)
    assert sender.post(reverse("labs:manifests"), {"clinic": herat.pk, "to": ours.pk}).status_code == 302
    box = Manifest.objects.get()
    assert receiver.get(box_page(box)).status_code == 404
    for each in tubes[:18]:
        manifests.pack(box, specimen=each, by=cast.herat_lab)
    for each in tubes[18:]:
        sender.post(box_page(box, "scan_manifest"), {"number": each.accession})
    said = sender.post(box_page(box, "scan_manifest"), {"number": tubes[0].accession}, follow=True).content.decode()
    assert "is in the box" in said and box.lines.count() == 20
    sent = sender.post(box_page(box, "send_manifest"), {"seal": "S-1", "courier": "Test Courier", "celsius": "4.5"})
    assert sent.status_code == 302
    box.refresh_from_db()
    assert (box.state, box.seal, str(box.celsius_out)) == ("sent", "S-1", "4.5")
    assert box.expected_at - box.sent_at == datetime.timedelta(hours=48)
    # Who receives sees the box and its tubes, but not the tubes' own pages, and packs nothing into it.
    assert receiver.get(box_page(box)).status_code == 200
    assert receiver.get(reverse("labs:specimen", args=[tubes[0].pk])).status_code == 404
    stranger = receiver.post(box_page(box, "scan_manifest"), {"number": "KBL2600001Z"}, follow=True)
    assert "is not on the list of this box" in stranger.content.decode()
    refused = sender.post(box_page(box, "count_manifest"), {"celsius": "6"}, follow=True).content.decode()
    assert "done at the other end" in refused
    early = receiver.post(box_page(box, "count_manifest"), {"celsius": "6"}, follow=True).content.decode()
    assert "Nothing was scanned yet" in early
    for each in tubes[1:18]:
        manifests.arrive(box, specimen=each, by=cast.lab)
    receiver.post(box_page(box, "scan_manifest"), {"number": tubes[0].accession})
    receiver.post(box_page(box, "scan_manifest"), {"number": tubes[18].accession, "damaged": "leaked"})
    counted = receiver.post(box_page(box, "count_manifest"), {"celsius": "6", "name": ""}, follow=True)
    assert "1 tube is missing" in counted.content.decode()
    assert sorted(box.lines.values_list("state", flat=True)) == ["arrived"] * 18 + ["damaged", "missing"]
    for browser in (sender, receiver):
        bench = browser.get(reverse("labs:bench")).content.decode()
        assert "did not arrive:" in bench
        assert tubes[19].accession in bench and tubes[0].accession not in bench
    # What arrived is examined there: on its bench, typed by one and verified by another of its people.
    order = tubes[0].orders.select_related("test").get()
    assert tubes[0].accession in receiver.get(reverse("labs:bench") + "?tab=inside").content.decode()
    assert receiver.get(reverse("labs:specimen", args=[tubes[0].pk])).status_code == 200
    received = receiver.post(reverse("labs:receive"), {"number": tubes[0].accession}).content.decode()
    assert "was counted out of its box" in received
    typed = receiver.post(reverse("labs:enter", args=[order.pk]), {str(order.pk): "1.1"}, follow=True)
    assert "1 result entered" in typed.content.decode()
    result = LabResult.objects.get()
    assert services.why_not_verify(result, cast.lab) and not services.why_not_verify(result, cast.lsu)
    verified = as_user(cast.lsu).post(reverse("labs:verify", args=[result.pk]), follow=True)
    assert "1 result verified" in verified.content.decode()
    assert receiver.get(reverse("labs:specimen", args=[tubes[19].pk])).status_code == 404
    # The damaged one is collected again where it came from; the missing one when the sender declares it lost.
    again = LabOrder.objects.filter(screening=tubes[18].screening, state="ordered")
    assert again.count() == 1
    sender.post(reverse("labs:lose", args=[tubes[19].pk]), {"because": "not in the box"})
    assert LabOrder.objects.filter(screening=tubes[19].screening, state="ordered").count() == 1
    assert boxes.alarms(cast.lab) == boxes.alarms(cast.herat_lab) == []
    assert links(tubes[0]) == [("", "collected"), ("collected", "received"), ("received", "sent"), ("sent", "arrived")]
    assert gaps() == []
    # Somebody at a third site knows nothing of the box.
    assert as_user(make_user("elsewhere", "LAB", make_clinic("KDH", "Kandahar"))).get(box_page(box)).status_code == 404


def test_a_missing_tube_that_turns_up_arrives_after_all(scene):
    first, second = scene.received("hiv", "blood_count")
    box = manifests.open_box(scene.clinic, to=reference(), by=scene.cast.lab)
    for each in (first, second):
        manifests.pack(box, specimen=each, by=scene.cast.lab)
    manifests.send(box, seal="S", courier="C", celsius=None, by=scene.cast.lab)
    manifests.arrive(box, specimen=first, by=scene.cast.lab)
    assert [each.specimen for each in manifests.count(box, celsius=None, name="A. Tester", by=scene.cast.lab)] == [
        second
    ]
    assert [each.gone[0].specimen for each in boxes.alarms(scene.cast.lab)] == [second]
    manifests.arrive(box, specimen=second, by=scene.cast.lab)
    assert boxes.alarms(scene.cast.lab) == []
    # Elsewhere is where its results come from: they are typed here.
    hb = LabOrder.objects.get(test__key="hb", specimen__in=[first, second])
    assert services.enter(hb, text="14.1", by=scene.cast.lab).order.state == "resulted"
    with pytest.raises(Refused, match="was counted already"):
        manifests.arrive(box, specimen=second, by=scene.cast.lab)


def test_a_box_that_is_late_sounds_the_alarm_on_the_minute(scene):
    (tube,) = scene.received("hiv")
    box = manifests.open_box(scene.clinic, to=reference(transit_hours=24), by=scene.cast.lab)
    manifests.pack(box, specimen=tube, by=scene.cast.lab)
    manifests.send(box, seal="S", courier="C", celsius=None, by=scene.cast.lab)
    expected = Manifest.objects.get().expected_at
    overdue = Manifest.objects.overdue
    assert not overdue(expected) and overdue(expected + datetime.timedelta(seconds=1)).get() == box
    Manifest.objects.update(expected_at=days_ago(1))
    assert boxes.alarms(scene.cast.lab) == [box]


def test_what_cannot_be_packed_or_sent(scene, kabul):
    by = scene.cast.lab
    first, second = scene.received("hiv", "blood_count")
    box = manifests.open_box(kabul, to=reference(), by=by)
    with pytest.raises(Refused, match="The box is empty"):
        manifests.send(box, seal="S", courier="C", celsius=None, by=by)
    manifests.pack(box, specimen=first, by=by)
    other = manifests.open_box(kabul, to=box.to, by=by)
    with pytest.raises(Refused, match=f"is in the box {box} already"):
        manifests.pack(other, specimen=first, by=by)
    manifests.pack(box, specimen=second, by=by)
    services.reject(second, because="leaked", by=by)
    with pytest.raises(Refused, match="is rejected by now: take it out"):
        manifests.send(box, seal="S", courier="C", celsius=None, by=by)
    manifests.unpack(box, specimen=second, by=by)
    manifests.send(box, seal="S", courier="C", celsius=None, by=by)
    with pytest.raises(Refused, match="is on the way"):
        manifests.unpack(box, specimen=first, by=by)
    with pytest.raises(Refused, match="is sent out: it cannot be packed"):
        manifests.pack(other, specimen=first, by=by)
    with pytest.raises(Refused, match="your own laboratory"):
        manifests.open_box(kabul, to=reference("Ours", clinic=kabul), by=by)


def test_the_list_of_the_box_is_read_by_a_scanner(scene, as_user, tmp_path):
    screening = scene.screening(native_name="ضمیر تستزاده")
    tubes = scene.received("hiv", "blood_count", screening=screening)
    box = manifests.open_box(scene.clinic, to=reference(), by=scene.cast.lab)
    for each in tubes:
        manifests.pack(box, specimen=each, by=scene.cast.lab)
    path = tmp_path / "list.pdf"
    path.write_bytes(as_user(scene.cast.lab).get(box_page(box, "packing_list")).content)
    subprocess.run(["pdftoppm", "-r", "203", "-gray", "-png", str(path), str(tmp_path / "page")], check=True)
    (page,) = tmp_path.glob("page-*.png")
    read = {each.text for each in zxingcpp.read_barcodes(Image.open(page))}
    assert read == {box.number, *(each.accession for each in tubes)}
    text = subprocess.run(["pdftotext", str(path), "-"], check=True, capture_output=True).stdout.decode()
    assert "Zamir Testzada" in text and "1990" in text and "Seal" in text


PAGES = ["labs:manifests", "labs:label_gaps", "labs:ageing"]


def test_who_may_open_which_page(scene, as_user, cast):
    (tube,) = scene.collected("hiv")
    box = manifests.open_box(scene.clinic, to=reference(), by=cast.lab)
    label = Label.objects.get()
    may = {"lab": PAGES, "lsu": PAGES, "rec": PAGES[1:], "mgr": PAGES[1:2], "phy": PAGES[1:], "adm": []}
    for who, allowed in may.items():
        browser = as_user(getattr(cast, who))
        for name in PAGES:
            assert browser.get(reverse(name)).status_code == (200 if name in allowed else 403), (who, name)
        if "labs:manifests" not in allowed:
            assert browser.get(box_page(box)).status_code == 403
            assert browser.post(reverse("labs:lose", args=[tube.pk]), {"because": "gone"}).status_code == 403
            assert browser.post(reverse("labs:settle_label", args=[label.pk]), {"state": "void"}).status_code == 403
    elsewhere = {"name": "Exampleville", "transit_hours": "72"}
    assert as_user(cast.lab).post(reverse("labs:laboratory"), elsewhere).status_code == 403
    assert as_user(cast.lsu).post(reverse("labs:laboratory"), elsewhere).status_code == 302
    assert ReferenceLaboratory.objects.get(name="Exampleville").history.get().history_user == cast.lsu
    # The manager counts labels and reads no name.
    page = as_user(cast.mgr).get(reverse("labs:label_gaps")).content.decode()
    assert "1 ≠ 0 + 0" in page and tube.screening.patient.name not in page
    stranger = as_user(cast.herat_lab)
    for address in (box_page(box), box_page(box, "packing_list"), reverse("labs:specimen", args=[tube.pk])):
        assert stranger.get(address).status_code == 404
    assert stranger.post(reverse("labs:settle_label", args=[label.pk]), {"state": "void"}).status_code == 404
    assert label.number not in stranger.get(reverse("labs:label_gaps")).content.decode()


def test_a_day_is_closed_label_by_label(scene, as_user):
    tubes = scene.collected("hiv", "blood_count", "creatinine", "urinalysis")
    browser, numbers = as_user(scene.cast.lab), [each.accession for each in tubes]
    services.print_labels(tubes, by=scene.cast.lab)
    services.receive(tubes[0], by=scene.cast.lab)

    def settle(number, **values):
        label = Label.objects.get(number=number)
        return browser.post(reverse("labs:settle_label", args=[label.pk]), values, follow=True).content.decode()

    assert "say why" in settle(numbers[1], state="void").lower()
    assert "is used" in settle(numbers[0], state="void", because="torn")
    settle(numbers[1], state="missing")
    assert "3 ≠" in settle(numbers[1], state="printed")
    settle(numbers[1], state="missing")
    page = settle(numbers[2], state="void", because="torn at the printer")
    assert "3 = 1 + 1 + 1" in page and "≠" not in page


def test_cultures_are_listed_by_age_and_marked_when_overdue(scene, as_user):
    crowd(scene, 3, state="collected")
    from mhac.labs.models import Test

    culture, smear = Test.objects.get(key="myco_cult"), Test.objects.get(key="afb")
    tubes = list(Specimen.objects.select_related("screening").order_by("pk"))
    LabOrder.objects.update(test=culture)
    for tube, days in zip(tubes, (3, 60, 55), strict=True):
        Specimen.objects.filter(pk=tube.pk).update(collected_at=days_ago(days), tube="sputum")
        LabOrder.objects.create(screening=tube.screening, test=smear, specimen=tube, item="sputum", state="resulted")
    smears = LabOrder.objects.filter(test=smear)
    LabResult.objects.bulk_create(
        LabResult(screening=each.screening, order=each, as_sent="negative", coded="negative", source="analyzer")
        for each in smears
    )
    browser, address = as_user(scene.cast.lab), reverse("labs:ageing")
    rows = browser.get(address).context["rows"]
    assert [(each.specimen, each.days, each.overdue) for each in rows] == [
        (tubes[1], 60, True),
        (tubes[2], 55, False),
        (tubes[0], 3, False),
    ]
    assert rows[0].expected == timezone.localdate(days_ago(60)) + datetime.timedelta(weeks=8)
    assert [stage.waiting for stage in rows[0].stages] == [None, None, 60, None]
    assert [len(stage.results) for stage in rows[0].stages] == [1, 0, 0, 0]
    few = queries(browser, address)
    crowd(scene, 200, state="collected")
    LabOrder.objects.exclude(test=smear).update(test=culture)
    assert queries(browser, address) == few <= 12


def test_lists_of_boxes_and_labels_cost_no_more_queries(scene, as_user):
    browser, to = as_user(scene.cast.lab), reference()
    crowd(scene, 2)
    for address in (reverse("labs:manifests"), reverse("labs:label_gaps")):
        assert "No box" in browser.get(address).content.decode() or "No label" in browser.get(address).content.decode()

    def fill(first, last):
        Manifest.objects.bulk_create(
            Manifest(number=f"M{n}", clinic=scene.clinic, to=to, packed_by=scene.cast.lab, state="sent", expected_at=days_ago(1))
            for n in range(first, last)
        )  # fmt: skip
        for specimen in scene.collected("hiv") if not first else ():
            Label.objects.bulk_create(
                Label(number=f"L{n}", clinic=scene.clinic, day=scene.clinic.today(), specimen=specimen, prints=1, state="printed")
                for n in range(200)
            )  # fmt: skip

    fill(0, 1)
    few = queries(browser, reverse("labs:manifests"))
    fill(1, 200)
    assert queries(browser, reverse("labs:manifests")) == few
    assert queries(browser, reverse("labs:label_gaps")) <= 10
