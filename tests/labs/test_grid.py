"""The worklist: what is typed in many cells at once, and what becomes of each of them."""

from django.urls import reverse

from mhac.labs import services, worklist
from mhac.labs.models import LabOrder, LabResult, Specimen

PAGE = reverse("labs:worklist") + "?tube=edta"


def cells(user, tests=("hb", "wbc", "plt")):
    """(accession, test) -> the name of its cell, as the page gives it."""
    offered = worklist.choices(user)
    rows, _after = worklist.page(user, worklist.chosen(offered, tests, ""))
    return {
        (row.specimen.accession, cell.order.test.key): cell.name
        for row in rows
        for cell in row.cells
        if cell is not None
    }


def post(client, typed, accessions=(), columns=("hb", "wbc", "plt")):
    lines = [str(key) for key in Specimen.objects.filter(accession__in=accessions).values_list("pk", flat=True)]
    return client.post(PAGE, {"line": lines, "column": columns, **typed})


def test_a_row_of_good_and_bad_values(scene, as_user):
    """One story on one database: good ones are filed, bad ones stay with a sentence, twice files once."""
    (tube,) = scene.received("blood_count")
    (other,) = scene.received("blood_count", screening=scene.screening(given="Laila", sex="female"))
    client, lab = as_user(scene.cast.lab), scene.cast.lab
    shown = client.get(PAGE)
    assert tube.accession in shown.text and "Haemoglobin" in shown.text
    named = cells(lab)
    typed = {
        named[tube.accession, "hb"]: "۶٫۵",
        named[tube.accession, "wbc"]: "12,5",
        named[tube.accession, "plt"]: "250 g/dL",
        named[other.accession, "hb"]: "13.1 g/dL",
    }
    answer = post(client, typed, [tube.accession, other.accession])
    assert answer.status_code == 200
    assert "2 results entered." in answer.text and "2 results were not filed" in answer.text
    assert "write the decimal mark as a point" in answer.text and 'value="12,5"' in answer.text
    assert "measured in 10*3/uL" in answer.text and 'value="250 g/dL"' in answer.text
    assert "LL" in answer.text
    filed = LabResult.objects.get(order__specimen=tube)
    assert (f"{filed.number:.1f}", filed.critical, filed.entered_by, filed.state) == ("6.5", True, lab, "filed")
    assert filed.as_sent == "۶٫۵" and filed.history.get().history_user == lab
    assert filed.order.state == "resulted" and filed.order.history.count() >= 2

    # The same form once more, as after a lost answer: nothing twice, and the bad ones stay bad.
    again = post(client, typed, [tube.accession, other.accession])
    assert LabResult.objects.count() == 2 and "2 results were not filed" in again.text
    # Another value in the same old cell is refused, and so is one for a version that was rejected in between.
    late = post(client, {named[tube.accession, "hb"]: "7.5"}, [tube.accession])
    assert "is not waiting for a result" in late.text and "7.5" in late.text
    services.reject_result(filed, because="another tube", by=scene.cast.lsu)
    late = post(client, {named[tube.accession, "hb"]: "6.5"}, [tube.accession])
    assert "in the meantime" in late.text and LabResult.objects.count() == 2
    assert post(client, {cells(lab)[tube.accession, "hb"]: "8.0"}).status_code == 302
    assert LabResult.objects.filter(order__specimen=tube).count() == 2
    assert client.get(PAGE + f"&number={other.accession}").text.index(other.accession)
    assert "waits for none of these tests" in client.get(PAGE + "&number=KBL2699999X").text


def test_a_cell_is_read_before_it_is_filed(scene, as_user, client):
    (tube,) = scene.received("blood_count")
    (serum,) = scene.received("hiv", screening=scene.screening(given="Omid"))
    lab, check = as_user(scene.cast.lab), reverse("labs:grid_check")
    named = cells(scene.cast.lab, ("hb", "hiv_combo"))
    hb, hiv = named[tube.accession, "hb"], named[serum.accession, "hiv_combo"]
    for name, text, seen in [
        (hb, "12.9", ">L<"),
        (hb, "7.0", ">LL<"),
        (hb, "17.1", ">H<"),
        (hb, "14", ""),
        (hb, "1400", "cannot be"),
        (hiv, "2", "critical"),
        (hiv, "دق", "nonreactive"),
        (hiv, "perhaps", "not one of its results"),
        ("r-nothing-0", "5", ""),
    ]:
        said = lab.post(check, {name: text})
        assert said.status_code == 200 and seen in said.text, text
    assert not LabResult.objects.exists()
    # Another site's order says nothing, the nurse may not type, and a stranger signs in first.
    assert as_user(scene.cast.herat_lab).post(check, {hb: "5"}).text.strip() == ""
    assert post(as_user(scene.cast.herat_lab), {hb: "12"}).status_code == 302
    assert not LabResult.objects.exists()
    assert as_user(scene.cast.cli).get(PAGE).status_code == 403
    assert as_user(scene.cast.cli).post(check, {hb: "5"}).status_code == 403
    assert not LabOrder.objects.filter(state="resulted").exists()
