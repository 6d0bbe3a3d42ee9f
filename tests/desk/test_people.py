import datetime

import pytest
from django.urls import reverse
from django.utils import timezone

from mhac.accounts.models import Access
from mhac.certificates.models import Certificate
from mhac.clinics import numbers
from mhac.desk import changes
from mhac.labs.models import LabOrder, LabResult
from mhac.patients import services as patients
from mhac.patients.models import Patient
from mhac.screenings.models import Screening
from tests.desk.made import a_test, one_of_each, person, screening_of, specimen_of

TWO_NAMES = "P<AFGAHMADI<<MOHAMMAD<NASIR".ljust(44, "<") + "P012345673AFG0203214M3101012<<<<<<<<<<<<<<<2"
PASSPORT = {"kind": "passport", "number": "P01234567", "issuer": "AFG"}


def names(response):
    return [each.name for each in response.context["people"]]


@pytest.mark.parametrize(
    "asked",
    ["محمد", "Mohd", "ahmadi nasir", "P01234567", "p-0123 4567", "GWF012345678", "gwf 012345678", "0700 123456"],
)
def test_people_are_found_by_what_is_known_of_them(kabul, cast, as_user, asked):
    patient = person(kabul, cast.rec, documents=[PASSPORT])
    screening_of(patient, cast.rec, reference="GWF012345678")
    person(kabul, cast.rec, given_name="Gulalai", family_name="", native_name="گلالی", sex="female")
    page = as_user(cast.rec).get(reverse("desk:people"), {"q": asked})
    assert names(page) == ["Mohammad Nasir Ahmadi"]
    entry = Access.objects.get(action="search")
    assert (entry.user, entry.note) == (cast.rec, asked)


def test_case_and_patient_numbers_find_too(kabul, cast, as_user):
    screening = screening_of(person(kabul, cast.rec), cast.rec)
    for asked in (screening.case.number, screening.patient.number.lower()):
        assert len(names(as_user(cast.cli).get(reverse("desk:people"), {"q": asked}))) == 1


def test_other_sites_people_are_not_found(kabul, herat, cast, as_user):
    screening_of(person(kabul, cast.rec, documents=[PASSPORT]), cast.rec, reference="GWF012345678")
    for asked in ("Ahmadi", "P01234567", "GWF012345678", "0700123456", ""):
        page = as_user(cast.herat_rec).get(reverse("desk:people"), {"q": asked})
        assert names(page) == []


def test_who_may_not_search_is_told(kabul, cast, as_user):
    for who in (cast.lab, cast.adm, cast.aud):
        refused = as_user(who).get(reverse("desk:people"))
        assert refused.status_code == 403
        assert "patients.search_patient" in refused.content.decode()


def test_nobody_yet_and_nobody_found_say_what_to_do(kabul, cast, as_user):
    browser = as_user(cast.rec)
    assert "Open a new family" in browser.get(reverse("desk:people")).content.decode()
    assert "the other script" in browser.get(reverse("desk:people"), {"q": "Nobody"}).content.decode()


def test_five_hundred_people_are_shown_page_by_page_each_once(kabul, cast, as_user, django_assert_max_num_queries):
    Patient.objects.bulk_create(
        Patient(
            clinic=kabul, number=numbers.compose("KBL", "P", 2026, n), given_name=f"Testi{n}", sex="female",
            born_earliest=datetime.date(1990, 1, 1), born_latest=datetime.date(1990, 1, 1), found_as=["testi"],
        )
        for n in range(500)
    )  # fmt: skip
    browser, seen, after = as_user(cast.rec), [], ""
    while True:
        with django_assert_max_num_queries(14):
            page = browser.get(reverse("desk:people"), {"q": "testi", "after": after})
        seen += [each.pk for each in page.context["people"]]
        if not page.context["more"]:
            break
        after = str(seen[-1])
    assert len(seen) == len(set(seen)) == 500
    assert seen == sorted(seen, reverse=True)
    assert browser.get(reverse("desk:people"), {"after": "nonsense"}).status_code == 200


def find(browser, asked, **more):
    return browser.get(reverse("desk:find"), {"q": asked}, **more)


def test_a_scanned_code_leads_to_its_page(kabul, cast, as_user):
    patient = person(kabul, cast.rec, documents=[PASSPORT])
    screening = screening_of(patient, cast.rec, reference="GWF012345678")
    specimen = specimen_of(screening, cast)
    browser = as_user(cast.cli)
    certificate = numbers.certificate_number("KBL")
    for asked, address in [
        (patient.number, reverse("desk:patient", args=[patient.pk])),
        (
            patient.number.lower().translate(str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")),
            reverse("desk:patient", args=[patient.pk]),
        ),
        (screening.case.number, reverse("desk:case", args=[screening.case_id])),
        (specimen.accession, reverse("labs:specimen", args=[specimen.pk])),
        ("P01234567", reverse("desk:patient", args=[patient.pk])),
        (TWO_NAMES.lower(), reverse("desk:patient", args=[patient.pk])),
        ("GWF012345678", reverse("desk:case", args=[screening.case_id])),
        (certificate.lower(), reverse("certificates:verify") + f"?typed={certificate}"),
        ("MHAC1:ABC+DEF", reverse("certificates:verify") + "?typed=MHAC1%3AABC%2BDEF"),
        ("", reverse("home")),
    ]:
        assert find(browser, asked).url == address


def test_our_own_paper_opens_for_who_may_see_it(kabul, cast, as_user):
    patient = person(kabul, cast.rec)
    one_of_each(screening_of(patient, cast.rec), cast)
    paper = Certificate.objects.get()
    paper.number = numbers.certificate_number("KBL")
    paper.save(update_fields=["number"])
    asked = paper.number.replace("-", " ").lower()
    assert find(as_user(cast.rec), asked).url == reverse("certificates:document", args=[paper.pk])
    stranger = find(as_user(cast.herat_rec), asked)
    assert stranger.url == reverse("certificates:verify") + f"?typed={paper.number}"
    shown = as_user(cast.herat_rec).get(stranger.url).content.decode()
    assert f'value="{paper.number}"' in shown
    assert patient.name not in shown


def test_one_line_of_a_passport_finds_the_name(kabul, cast, as_user):
    person(kabul, cast.rec)
    page = find(as_user(cast.rec), TWO_NAMES[:44], follow=True)
    assert "Only one line" in page.content.decode()
    assert len(page.context["people"]) == 1


def test_an_unknown_code_says_so_and_shows_people(kabul, cast, as_user):
    person(kabul, cast.rec)
    browser = as_user(cast.rec)
    page = find(browser, "Ahmadi", follow=True)
    assert "Nothing has the number Ahmadi" in page.content.decode()
    assert len(page.context["people"]) == 1
    wrong = find(browser, "KBLP2600001X" if not numbers.is_checked("KBLP2600001X") else "KBLP2600001Y", follow=True)
    assert "check character" in wrong.content.decode()
    passport = find(browser, TWO_NAMES, follow=True)
    assert "Nobody is registered with the passport P01234567" in passport.content.decode()
    assert len(passport.context["people"]) == 1
    assert (
        "check digit of the birth date"
        in find(browser, TWO_NAMES.replace("0203214", "0203215"), follow=True).content.decode()
    )


def test_the_scan_box_leads_nobody_where_the_role_may_not_go(kabul, herat, cast, partners, as_user):
    patient = person(kabul, cast.rec, documents=[PASSPORT])
    screening = screening_of(patient, cast.rec)
    specimen = specimen_of(screening, cast)
    for who in (cast.herat_rec, cast.adm, partners.canada_user):
        for asked in (patient.number, screening.case.number, specimen.accession, "P01234567", TWO_NAMES):
            response = find(as_user(who), asked)
            assert response.status_code == 404 or response.url.startswith(reverse("desk:people")), (who, asked)
    assert find(as_user(cast.lab), "P01234567").status_code == 404
    assert find(as_user(cast.lab), specimen.accession).url == reverse("labs:specimen", args=[specimen.pk])


def kinds(page):
    return {entry.kind for entry in page.context["changes"].paginator.object_list}


def test_a_physician_reads_the_history_of_every_kind(kabul, cast, as_user):
    patient = person(kabul, cast.rec, documents=[PASSPORT])
    one_of_each(screening_of(patient, cast.rec), cast)
    patients.correct(patient, by=cast.rec, because="As in the passport", given_name="Nasir")
    page = as_user(cast.phy).get(reverse("desk:patient", args=[patient.pk]))
    assert len(kinds(page)) == len(changes.KINDS)
    text = page.content.decode()
    for words in (
        "61.5",
        "62",
        "night sweats",
        "Weight loss",
        "Glucose",
        "As in the passport",
        "Mohammad Nasir",
        "cavity",
    ):
        assert words in text, words
    assert "canary" not in text
    entry = next(each for each in page.context["changes"] if each.kind == "patient" and each.because)
    assert [(field.name, field.before, field.after) for field in entry.fields] == [
        ("given name", "Mohammad Nasir", "Nasir")
    ]
    assert entry.who == cast.rec.full_name


CLINICAL = {"vitals", "medical history", "pregnancy question", "physical examination", "chest x-ray"}
LABORATORY = {"laboratory order", "laboratory result"}
DECIDED = {"physician's decision", "sign-off"}


@pytest.mark.parametrize(
    ("who", "hidden"),
    [
        ("rec", CLINICAL | LABORATORY | DECIDED),
        ("mgr", CLINICAL | LABORATORY | DECIDED),
        ("lab", CLINICAL | DECIDED | {"consent"}),
        ("dat", CLINICAL | LABORATORY | DECIDED),
        ("cli", {"laboratory result"}),  # not verified yet
    ],
)
def test_each_role_reads_the_kinds_it_may_see(kabul, cast, as_user, who, hidden):
    patient = person(kabul, cast.rec)
    one_of_each(screening_of(patient, cast.rec), cast)
    page = as_user(getattr(cast, who)).get(reverse("desk:patient", args=[patient.pk]))
    assert page.status_code == 200
    assert not kinds(page) & hidden
    assert "patient" in kinds(page)


def test_a_nurse_sees_final_results_and_a_technician_no_infectious_ones_of_others(kabul, cast, as_user):
    patient = person(kabul, cast.rec)
    screening = screening_of(patient, cast.rec)
    order = LabOrder.objects.create(
        test=a_test(key="hiv", name="HIV", verifier="supervisor"), item="hiv", screening=screening, ordered_by=cast.phy
    )
    result = LabResult.objects.create(
        order=order, as_sent="reactive", coded="reactive", source="typed", entered_by=cast.lab, screening=screening
    )
    address = reverse("desk:patient", args=[patient.pk])
    seen = {"laboratory result"}
    assert not kinds(as_user(cast.cli).get(address)) & seen
    assert not kinds(as_user(cast.lab2).get(address)) & seen
    assert kinds(as_user(cast.lab).get(address)) & seen
    assert kinds(as_user(cast.lsu).get(address)) & seen
    result.state, result.verified_by, result.verified_at = "verified", cast.lsu, timezone.now()
    result.save()
    assert kinds(as_user(cast.cli).get(address)) & seen


def test_reading_a_person_is_logged_and_limited(kabul, herat, cast, as_user):
    patient = person(kabul, cast.rec)
    address = reverse("desk:patient", args=[patient.pk])
    assert as_user(cast.herat_rec).get(address).status_code == 404
    for who in (cast.adm, cast.aud, cast.qco):
        assert as_user(who).get(address).status_code == 403
    assert not Access.objects.filter(label="patients.patient").exists()
    as_user(cast.phy).get(address)
    entry = Access.objects.get(label="patients.patient")
    assert (entry.user, entry.key, entry.page) == (cast.phy, str(patient.pk), "desk:patient")


def test_a_long_history_costs_no_more_questions(kabul, cast, as_user, django_assert_max_num_queries):
    patient = person(kabul, cast.rec)
    screening = screening_of(patient, cast.rec)
    one_of_each(screening, cast)
    for n in range(40):
        patients.correct(patient, by=cast.rec, because=f"Change {n}", address=f"Street {n}")
    browser, address = as_user(cast.phy), reverse("desk:patient", args=[patient.pk])
    with django_assert_max_num_queries(48):
        first = browser.get(address)
    assert first.context["changes"].paginator.num_pages > 1
    second = browser.get(address, {"page": 2})
    ids = [[entry.record.history_id for entry in page.context["changes"]] for page in (first, second)]
    assert not set(ids[0]) & set(ids[1])
    assert first.context["changes"][0].at >= second.context["changes"][0].at
    assert browser.get(address, {"page": "nonsense"}).status_code == 200


def test_every_row_that_a_record_names_has_a_name():
    for model, _permission, _where in changes.KINDS:
        for field in model._meta.fields:
            if field.is_relation and field.name not in changes.UNSHOWN:
                assert field.related_model in changes.CALLED, (model, field.name)


def test_history_rows_tell_the_creation_apart_from_changes(kabul, cast):
    patient = person(kabul, cast.rec)
    entries = list(changes.page(patient, cast.rec))
    assert [entry.is_new for entry in entries] == [True]
    shown = {field.name: field.after for field in entries[0].fields}
    assert shown["sex"] == "male"
    assert shown["born on or after"] == "21 Mar 2002"
    assert Screening.objects.count() == 0
