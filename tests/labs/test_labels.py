"""Labels as they come out of the printer: pages, size, bars that a scanner reads at 203 dpi, names in three scripts."""

import re
import subprocess

import pytest
import zxingcpp
from django.urls import reverse
from pikepdf import Pdf
from PIL import Image

from mhac.accounts.models import Access
from mhac.labs import labels, services
from mhac.labs.models import Label, Specimen
from tests.labs import zpl

PRINTER_DPI = 203


@pytest.fixture
def printed(tmp_path):
    """printed(bytes) is what the printer makes of a PDF: its pages as pictures."""

    def render(content):
        path = tmp_path / "labels.pdf"
        path.write_bytes(content)
        command = ["pdftoppm", "-r", str(PRINTER_DPI), "-gray", "-png", str(path), str(tmp_path / "label")]
        subprocess.run(command, check=True)
        return [Image.open(each) for each in sorted(tmp_path.glob("label-*.png"))]

    return render


def texts(path):
    return subprocess.run(["pdftotext", "-layout", str(path), "-"], check=True, capture_output=True).stdout.decode()


def test_one_page_for_each_tube_and_every_bar_code_reads(scene, as_user, printed):
    screening = scene.screening()
    specimens = scene.collected("hiv", "blood_count", "urinalysis", "tb_test", screening=screening)
    response = as_user(scene.cast.lab).get(reverse("labs:labels", args=[screening.pk]))
    assert response["Content-Type"] == "application/pdf"
    numbers = []
    for each in sorted(specimens, key=lambda each: each.accession):
        numbers += [tube.number for tube in each.tubes.all()] or [each.accession]
    assert len(numbers) == 7
    read = [zxingcpp.read_barcodes(page) for page in printed(response.content)]
    assert [(found[0].text, found[0].format) for found in read] == [
        (number, zxingcpp.BarcodeFormat.Code128) for number in numbers
    ]


NAMES = [
    ("Zamir", "Testzada", "ضمیر تستزاده"),
    (
        "Abdul Rahman Mohammad Sharif Aziz Khan",
        "Nooristani-Testzada-Exampleyar",
        "عبدالرحمن محمد شریف عزیز خان نورستانی آزمایشی زاده",
    ),
    ("Spogmay", "Testwal", "سپوږمۍ ټسټوال ښځه ډېره ړنګه ڼوم ځای څوک"),
    ("O'Test & <Sons>", "", ""),
]


@pytest.mark.parametrize(("given", "family", "native"), NAMES)
def test_a_label_is_one_page_of_50_by_25_mm_whatever_the_name(scene, printed, caplog, given, family, native):
    screening = scene.screening(given=given, family=family, native_name=native)
    (specimen,) = scene.collected("hiv", screening=screening)
    content = labels.pdf([specimen])
    # WeasyPrint says in its log when a letter has no glyph or a style is not understood.
    assert not [record for record in caplog.records if record.name.startswith("weasyprint")]
    (page,) = printed(content)
    assert [zxingcpp.read_barcodes(page)[0].text] == [specimen.accession]
    assert abs(page.width - 50 / 25.4 * PRINTER_DPI) <= 1
    assert abs(page.height - 25 / 25.4 * PRINTER_DPI) <= 1
    # Nothing touches the edge, where the printer does not print.
    ink = page.point(lambda grey: 255 if grey < 128 else 0).getbbox()
    margin = PRINTER_DPI / 25.4
    assert ink[0] >= margin * 0.7 and ink[1] >= margin * 0.5
    assert page.width - ink[2] >= margin * 0.7 and page.height - ink[3] >= margin * 0.5


def test_what_stands_on_a_label(scene, tmp_path):
    (specimen,) = scene.collected("hiv", screening=scene.screening())
    path = tmp_path / "label.pdf"
    path.write_bytes(labels.pdf([specimen]))
    text = texts(path)
    for words in (
        "Zamir Testzada",
        "1990",
        "SERUM",
        specimen.accession,
        specimen.collected_on.strftime("%d %b %Y"),
        specimen.screening.case.number,
    ):
        assert words in text, words


def test_a_stated_age_prints_both_years(scene, tmp_path):
    import datetime

    screening = scene.screening(
        born=datetime.date(1990, 3, 21), born_latest=datetime.date(1991, 3, 20), birth_precision="year"
    )
    (specimen,) = scene.collected("hiv", screening=screening)
    path = tmp_path / "label.pdf"
    path.write_bytes(labels.pdf([specimen]))
    assert "1990/1991" in texts(path)


def test_labels_are_the_same_in_every_language(scene, as_user):
    (specimen,) = scene.collected("hiv")
    browser = as_user(scene.cast.rec)
    address = reverse("labs:label", args=[specimen.pk]) + "?because=torn"
    english = browser.get(address).content
    browser.cookies["django_language"] = "fa-af"
    dari = browser.get(address).content
    assert pages(english) == pages(dari)


def pages(content):
    from io import BytesIO

    with Pdf.open(BytesIO(content)) as pdf:
        return [page.Contents.read_bytes() for page in pdf.pages]


def test_printing_is_counted_and_logged_and_changes_no_fact(scene, as_user):
    (specimen,) = scene.collected("hiv")
    browser, history = as_user(scene.cast.rec), specimen.history.count()
    before = Specimen.objects.get(pk=specimen.pk).screening.facts_changed_at
    address = reverse("labs:label", args=[specimen.pk])
    assert browser.get(address).status_code == 200
    refused = browser.get(address, follow=True).content.decode()
    assert "say why another one is needed" in refused
    assert browser.get(address + "?because=torn").status_code == 200
    label = Label.objects.get()
    assert (label.state, label.prints, label.because, label.printed_by) == ("printed", 2, "torn", scene.cast.rec)
    again = Specimen.objects.select_related("screening").get(pk=specimen.pk)
    assert (again.labels_printed, again.history.count()) == (2, history)
    assert again.screening.facts_changed_at == before
    assert Access.objects.filter(action="print", label="labs.specimen", key=str(specimen.pk)).count() == 2


def test_without_a_tube_there_is_nothing_to_label(scene, as_user):
    screening = scene.ordered("hiv")
    response = as_user(scene.cast.lab).get(reverse("labs:labels", args=[screening.pk]), follow=True)
    assert "No tube was collected today" in response.content.decode()


def test_a_rejected_tube_gets_no_label(scene, as_user):
    screening = scene.screening()
    _serum, edta = sorted(
        scene.collected("hiv", "blood_count", screening=screening), key=lambda each: each.tube != "serum"
    )
    services.reject(edta, because="clotted", by=scene.cast.lab)
    response = as_user(scene.cast.lab).get(reverse("labs:labels", args=[screening.pk]))
    assert len(pages(response.content)) == 1


def test_a_label_fetches_nothing_from_elsewhere():
    from weasyprint.urls import FatalURLFetchingError

    fetcher = labels.fetcher()
    for url in ("https://example.org/font.ttf", "file:///etc/hostname", labels.FONTS.as_uri() + ".evil/x"):
        with pytest.raises(FatalURLFetchingError, match="neither our font nor in the page"):
            fetcher.fetch(url)


def test_a_label_printer_gets_the_same_in_its_own_language(scene, as_user):
    screening = scene.screening(
        given="Spog^may", family="Test~wal" * 6, native_name="سپوږمۍ ټسټوال ښځه ډېره ړنګه ڼوم ځای"
    )
    specimens = scene.collected("hiv", "tb_test", screening=screening)
    address = reverse("labs:labels", args=[screening.pk]) + "?as=zpl"
    sent = as_user(scene.cast.lab).get(address).content.decode()
    found = sent.split("^XZ")[:-1]
    assert len(found) == 5 == Label.objects.filter(state="printed").count()
    assert "^" not in "".join(re.findall(r"\^FD(.*?)\^FS", sent)) and screening.case.number in sent
    numbers = [each.number for each in labels.labels_of(sorted(specimens, key=lambda each: each.accession))]
    for number, label in zip(numbers, found, strict=True):
        assert label.count("^XA^CI28") == 1 and "^PW400^LL200" in label
        assert f"^BCN,58,N,N,N,A^FD{number}^FS" in label
        drawn = Image.new("1", labels.DOTS)
        for x, y, size, total, row, data in PICTURES.findall(label):
            assert size == total and len(data) == 2 * int(size)
            part = Image.frombytes("1", (int(row) * 8, int(size) // int(row)), bytes.fromhex(data))
            drawn.paste(part, (int(x), int(y)))
        left, top, right, bottom = drawn.getbbox()
        # Two lines of names, between the margins and above the bars.
        assert left >= labels.MARGIN and right <= labels.DOTS[0] - labels.MARGIN
        assert top >= 4 and bottom <= 66
        assert len(PICTURES.findall(label)) == 2


PICTURES = re.compile(r"\^FO(\d+),(\d+)\^GFA,(\d+),(\d+),(\d+),([0-9A-F]+)\^FS")


@pytest.mark.parametrize(("given", "family", "native"), [*NAMES, ("Test^wal", "_26~Sons", "")])
def test_a_label_printer_draws_what_the_scanner_reads(scene, given, family, native):
    """The commands drawn on the dots of a 203-dpi printer: every bar code reads, nothing touches anything else."""
    screening = scene.screening(given=given, family=family, native_name=native)
    specimens = scene.collected("hiv", "tb_test", screening=screening)
    wanted = labels.labels_of(specimens)
    drawn = zpl.printed(labels.zpl(specimens))
    assert len(drawn) == len(wanted) == 5
    for label, made in zip(wanted, drawn, strict=True):
        assert made.dots.size == labels.DOTS and made.copies == 1
        paper = made.dots.convert("L").point(lambda ink: 255 - ink)
        (found,) = zxingcpp.read_barcodes(paper)
        assert (found.text, found.format) == (label.number, zxingcpp.BarcodeFormat.Code128)
        assert [words for words, _box in made.parts if words != "picture"] == [label.number, label.number, *label.lines]
        assert len(made.parts) == 4 + bool(screening.patient.native_name) + 1
        ((_words, bars),) = [part for part in made.parts if part[1][3] - part[1][1] == 58]
        # Ten modules of two dots stay white on both sides of the bars (ISO/IEC 15417).
        assert bars[0] >= 20 and bars[2] <= labels.DOTS[0] - 20
        for place, (what, box) in enumerate(made.parts):
            assert 0 <= box[0] < box[2] <= labels.DOTS[0] and 0 <= box[1] < box[3] <= labels.DOTS[1], what
            for other, there in made.parts[place + 1 :]:
                assert box[3] <= there[1] or there[3] <= box[1] or box[2] <= there[0] or there[2] <= box[0], (
                    what,
                    other,
                )


def test_the_printer_of_the_tests_knows_no_other_command():
    with pytest.raises(ValueError, match="does not know"):
        zpl.printed("^XA^PW400^LL200^FO1,1^GB10,10,1^FS^XZ")
