"""Every kind of code in the scan box, by every role that scans: its page, or the sentence; another site's is nowhere."""

import datetime
from types import SimpleNamespace

import pytest
from django.urls import reverse

from mhac.appointments import services as appointments
from mhac.certificates.models import Certificate
from mhac.clinics import numbers
from mhac.clinics.numbers import uuid7
from mhac.desk.scanned import Unknown, address_of
from mhac.labs.models import ReferenceLaboratory, Specimen
from mhac.labs.services import manifests
from mhac.payments import services as payments
from tests.desk.made import one_of_each, person, screening_of
from tests.desk.test_layouts import typed

TODAY = datetime.date(2026, 11, 21)
ZONE = "P<AFGAHMADI<<MOHAMMAD<NASIR".ljust(44, "<") + "P012345673AFG0203214M3101012<<<<<<<<<<<<<<<2"
SEAL = "MHAC1:6BFOXN%TSO:W+ $QA*/.Z-"
NOTHING = "Nothing has the number"


@pytest.fixture
def row(kabul, herat, cast):
    """One row of Kabul for every kind of code; a box that Kabul sends to Herat, with one of its tubes."""
    patient = person(kabul, cast.rec, documents=[{"kind": "passport", "number": "P01234567", "issuer": "AFG"}])
    screening = screening_of(patient, cast.rec, programme="ca", reference="GWF012345678")
    one_of_each(screening, cast)
    Certificate.objects.update(number=numbers.certificate_number("KBL"))
    specimen = Specimen.objects.get()
    due = payments.ask_fees([screening], by=cast.rec)[0]
    receipt = payments.take(screening.case, screenings=[due.screening], payer="Testi", key=uuid7(), by=cast.rec)
    far = ReferenceLaboratory.objects.create(name="Herat laboratory", clinic=herat, transit_hours=24)
    box = manifests.open_box(kabul, to=far, by=cast.lab)
    booking = screening.bookings.get()
    appointments.arrive(booking, by=cast.rec)
    booking.refresh_from_db()
    return SimpleNamespace(
        patient=patient, case=screening.case, specimen=specimen, box=box, receipt=receipt, booking=booking,
        certificate=Certificate.objects.get(), screening=screening,
    )  # fmt: skip


def led(text, user):
    """The address, or the first words of the sentence."""
    try:
        return address_of(text, user=user, today=TODAY)
    except Unknown as refusal:
        return str(refusal)


def test_every_kind_by_every_role(row, cast, herat, as_user):
    def page(name, key):
        return reverse(name, args=[key.pk])

    person_page, case_page = page("desk:patient", row.patient), page("desk:case", row.case)
    paper = row.certificate.number
    stranger = f"{reverse('certificates:verify')}?typed={paper}"
    # what is read: (reception, laboratory, physician, auditor, reception of another site)
    table = {
        row.case.number: (case_page, NOTHING, case_page, NOTHING, NOTHING),
        row.patient.number: (person_page, person_page, person_page, NOTHING, NOTHING),
        row.specimen.accession: (*[page("labs:specimen", row.specimen)] * 3, NOTHING, NOTHING),
        row.box.number: (NOTHING, page("labs:manifest", row.box), NOTHING, NOTHING, NOTHING),
        # An auditor reads the money of every site, and no person.
        row.receipt.number: (
            page("payments:receipt", row.receipt), NOTHING, NOTHING, page("payments:receipt", row.receipt), NOTHING,
        ),
        paper: (
            page("certificates:document", row.certificate), stranger, page("certificates:document", row.certificate),
            stranger, stranger,
        ),
        SEAL: tuple([reverse("certificates:verify") + "?typed=MHAC1%3A6BFOXN%25TSO%3AW%2B+%24QA%2A%2F.Z-"] * 5),
        str(row.booking.ticket): (person_page, person_page, person_page, NOTHING, NOTHING),
        "998": (NOTHING,) * 5,
        ZONE: (person_page, "This is a passport.", person_page, "This is a passport.", "Nobody is registered with"),
        ZONE[:44]: ("Only one line of the passport",) * 5,
        "P01234567": (person_page, NOTHING, person_page, NOTHING, NOTHING),
        "GWF012345678": (case_page, NOTHING, case_page, NOTHING, NOTHING),
        "KBLC2600009" + ("A" if numbers.check_character("KBLC2600009") != "A" else "B"): ("The check character of",) * 5,
    }  # fmt: skip
    users = (cast.rec, cast.lab, cast.phy, cast.aud, cast.herat_rec)
    for code, expected in table.items():
        # As printed; under Caps Lock; under three layouts, also with the case turned round. The desk tries them all.
        turned = (code, code.swapcase())
        ways = [*turned, *(typed(each, layout) for layout in ("fa", "fa-af", "ps") for each in turned)]
        for user, leads in zip(users, expected, strict=True):
            for sent in ways if user == cast.rec else ways[:1]:
                said = led(sent, user)
                assert said == leads or (not leads.startswith("/") and said.startswith(leads)), (user, code, sent, said)
    # No address that was named is closed to whom it was named.
    browsers = [as_user(user) for user in users]
    for expected in table.values():
        for browser, at in zip(browsers, expected, strict=True):
            assert not at.startswith("/") or browser.get(at).status_code == 200, at


def test_a_box_and_its_tube_are_found_where_they_are_sent(row, cast, kabul):
    assert NOTHING in led(row.box.number, cast.herat_lab)
    Specimen.objects.update(state=Specimen.State.RECEIVED)
    manifests.pack(row.box, specimen=row.specimen, by=cast.lab)
    manifests.send(row.box, seal="S-1", courier="Testi", celsius="4.5", by=cast.lab)
    assert led(row.box.number, cast.herat_lab) == reverse("labs:manifest", args=[row.box.pk])
    assert NOTHING in led(row.specimen.accession, cast.herat_lab)
    row.box.refresh_from_db()
    manifests.arrive(row.box, specimen=row.specimen, by=cast.herat_lab)
    assert led(row.specimen.accession, cast.herat_lab) == reverse("labs:specimen", args=[row.specimen.pk])


def test_a_name_of_dari_stays_a_name(row, cast):
    for name in ("محمد ناصر", "ډاکټر ښایسته", "گل‌آغا"):
        with pytest.raises(Unknown) as refusal:
            address_of(name, user=cast.rec, today=TODAY)
        assert refusal.value.search == name and name in str(refusal.value)


def test_one_code_of_two_people_leads_to_neither(row, cast, kabul):
    """A partner's reference that two families carry is a question for the search, not a guess."""
    screening_of(person(kabul, cast.rec, given_name="Testi"), cast.rec, reference="GWF012345678")
    assert NOTHING in led("GWF012345678", cast.rec)
