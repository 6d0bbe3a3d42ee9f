import datetime
import re
import uuid

import pytest
from django.urls import reverse

from mhac.accounts.models import Access
from mhac.clinics.models import Clinic
from mhac.patients import births
from mhac.patients import services as patients
from mhac.patients.models import IdentityDocument, Patient
from mhac.screenings import services
from mhac.screenings.models import Case, Screening

TWO_NAMES = "P<AFGAHMADI<<MOHAMMAD<NASIR".ljust(44, "<") + "\nP012345673AFG0203214M3101012<<<<<<<<<<<<<<<2"
ONE_NAME = "P<AFGGULALAI".ljust(44, "<") + "\nP076543211AFG9101014F2806309<<<<<<<<<<<<<<<2"


def open_case(clinic, by, programme="uk-tb"):
    return services.open_case(clinic=clinic, programme=programme, contact_name="Testi Family", phone="0700", by=by)


def members(case):
    return reverse("desk:members", args=[case.pk])


def inputs(response):
    """Every field of the cards as a browser would send it back."""
    data = {}
    for form in [response.context["cards"].management_form, *response.context["cards"]]:
        for field in form:
            value = field.value()
            if value not in (None, False, ""):
                data[field.html_name] = value.isoformat() if isinstance(value, datetime.date) else str(value)
    return data


def read(browser, case, paste, **more):
    response = browser.post(members(case), {"paste": paste, "read": "1", **more})
    assert response.status_code == 200
    return inputs(response)


def save(browser, case, data):
    return browser.post(members(case), {**data, "save": "1"})


def card(**fields):
    """One card typed by hand, of somebody without a passport."""
    filled = {
        "key": str(uuid.uuid4()), "given_name": "Testi", "sex": "female", "born": "1371", "relation": "head",
        "birth_source": "tazkira",
    } | fields  # fmt: skip
    return {f"form-0-{name}": value for name, value in filled.items()} | {
        "form-TOTAL_FORMS": "1",
        "form-INITIAL_FORMS": "0",
    }


def errors(response):
    return [dict(form.errors) for form in response.context["cards"]]


def test_a_family_from_two_passports(kabul, cast, as_user):
    browser = as_user(cast.rec)
    page = browser.get(reverse("desk:new_case"))
    assert "Canada: immigration medical examination" in page.content.decode()
    key = re.search(r'name="key" value="([^"]+)"', page.content.decode())[1]
    form = {"key": key, "clinic": kabul.pk, "programme": "uk-tb", "contact_name": "Ahmadi", "phone": "۰۷۰۰ ۱۲۳"}
    first = browser.post(reverse("desk:new_case"), form)
    assert browser.post(reverse("desk:new_case"), form).url == first.url
    case = Case.objects.get()
    assert (case.phone, case.created_by) == ("0700123", cast.rec)

    data = read(browser, case, TWO_NAMES + "\n" + ONE_NAME)
    assert data["form-TOTAL_FORMS"] == "2"
    assert (data["form-0-given_name"], data["form-0-family_name"]) == ("Mohammad Nasir", "Ahmadi")
    assert data["form-1-given_name"] == "Gulalai"
    assert [data[f"form-1-born{part}"] for part in ("", "_month", "_day")] == ["1991", "1", "1"]
    assert [data[f"form-1-born_hijri{part}"] for part in ("", "_month", "_day")] == ["1369", "10", "11"]
    data["form-1-native_name"] = "گلالی"
    assert save(browser, case, data).url == reverse("desk:case", args=[case.pk])
    assert save(browser, case, data).url == reverse("desk:case", args=[case.pk])  # the same form twice: one family
    assert Screening.objects.filter(case=case).count() == 2
    gulalai = Patient.objects.get(given_name="Gulalai")
    assert gulalai.family_name == ""
    assert gulalai.native_name == "گلالی"
    assert len(gulalai.documents.get().mrz) == 88
    shown = browser.get(reverse("desk:case", args=[case.pk])).content.decode()
    assert "Gulalai" in shown
    assert gulalai.number in shown


def test_green_checks_and_doubts_are_shown(kabul, cast, as_user):
    case = open_case(kabul, cast.rec)
    page = as_user(cast.rec).post(members(case), {"paste": ONE_NAME, "read": "1"}).content.decode()
    assert page.count("status-green") == 4
    assert "1 January" in page


def test_a_wrong_check_digit_fills_nothing_but_allows_typing_with_a_reason(kabul, cast, as_user):
    case, browser = open_case(kabul, cast.rec), as_user(cast.rec)
    wrong = TWO_NAMES.replace("0203214", "0203224")
    page = browser.post(members(case), {"paste": wrong, "read": "1"})
    assert "check digit of the birth date is wrong" in page.content.decode()
    data = inputs(page)
    assert "form-0-given_name" not in data
    data |= {
        "form-0-given_name": "Mohammad", "form-0-sex": "male", "form-0-born": "2002-03-22", "form-0-number": "P01234567",
    }  # fmt: skip
    refused = save(browser, case, data)
    assert "override_reason" in errors(refused)[0]
    assert refused.context["cards"][0]["given_name"].value() == "Mohammad"
    assert save(browser, case, data | {"form-0-override_reason": "The zone is scratched"}).status_code == 302
    document = IdentityDocument.objects.get()
    assert (document.mrz, document.override_reason) == ("", "The zone is scratched")


def test_what_differs_from_the_zone_needs_a_reason(kabul, cast, as_user):
    case, browser = open_case(kabul, cast.rec), as_user(cast.rec)
    data = read(browser, case, TWO_NAMES)
    contradicting = save(browser, case, data | {"form-0-born_day": "20"})
    assert "two calendars" in str(errors(contradicting)[0]["born"])
    data |= {"form-0-born_day": "20", **{f"form-0-born_hijri{part}": "" for part in ("", "_month", "_day")}}
    assert "birth date" in str(errors(save(browser, case, data))[0]["override_reason"])
    assert "differs" in str(errors(save(browser, case, data))[0]["override_reason"])
    data["form-0-override_reason"] = "The page and the zone differ; the page is right"
    assert save(browser, case, data).status_code == 302


def test_an_expired_passport_warns_and_does_not_block(kabul, cast, as_user):
    case, browser = open_case(kabul, cast.rec), as_user(cast.rec)
    lines = TWO_NAMES.replace("3101012", "2001012")
    lines = lines[:-1] + _composite(lines.split("\n")[1])
    page = browser.post(members(case), {"paste": lines, "read": "1"})
    assert "expired on" in page.content.decode()
    assert save(browser, case, inputs(page)).status_code == 302


def _composite(line):
    from mhac.patients.mrz import check_digit

    return str(check_digit(line[:10] + line[13:20] + line[21:43]))


def test_canada_is_refused_without_an_ime_number_and_nothing_typed_is_lost(kabul, cast, as_user):
    case, browser = open_case(kabul, cast.rec, "ca"), as_user(cast.rec)
    data = read(browser, case, TWO_NAMES + "\n" + ONE_NAME) | {
        "form-0-reference": "IME 12345678", "form-1-father_name": "Invented Father",
    }  # fmt: skip
    refused = save(browser, case, data)
    assert errors(refused)[0] == {}
    assert "IME number" in str(errors(refused)[1]["reference"])
    assert "Invented Father" in refused.content.decode()
    assert not Patient.objects.exists()
    data["form-1-reference"] = "12345678"
    assert save(browser, case, data | {"form-0-reference": "12345678"}).context["cards"][1].errors["reference"]
    assert save(browser, case, data | {"form-1-reference": "87654321"}).status_code == 302
    assert set(Screening.objects.values_list("reference", flat=True)) == {"IME12345678", "87654321"}


def test_without_a_passport_a_solar_hijri_year_is_enough(kabul, cast, as_user):
    case, browser = open_case(kabul, cast.rec), as_user(cast.rec)
    empty = browser.post(members(case), {"empty": "1"})
    assert empty.context["cards"].total_form_count() == 1
    assert save(browser, case, card(born="۱۳۷۱", native_name="تستی")).status_code == 302
    person = Patient.objects.get()
    assert person.birth_precision == "year"
    assert (person.born_earliest, person.born_latest) == (datetime.date(1992, 3, 21), datetime.date(1993, 3, 20))
    assert person.documents.count() == 0


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"given_name": ""}, "given_name"),
        ({"sex": ""}, "sex"),
        ({"born": ""}, "born"),
        ({"born": "03/04/1371"}, "born"),
        ({"kind": "tazkira"}, "number"),
        ({"number": "12"}, "kind"),
        ({"kind": "passport", "number": "P1"}, "override_reason"),
        ({"nationality": "12"}, "nationality"),
        ({"same_as": str(uuid.uuid4())}, "same_as"),
    ],
)
def test_a_bad_card_says_so_beside_the_field(kabul, cast, as_user, fields, name):
    refused = save(as_user(cast.rec), open_case(kabul, cast.rec), card(**fields))
    assert refused.status_code == 200
    assert name in errors(refused)[0]
    assert not Patient.objects.exists()


def test_a_paper_tazkira_on_a_card_keeps_its_three_numbers_and_says_what_is_doubtful(kabul, cast, as_user):
    case, browser = open_case(kabul, cast.rec), as_user(cast.rec)
    paper = {
        "kind": "tazkira", "number": "۶۷۸", "volume": "12", "page": "45", "issued_year": "۱۳۶۰", "place": "Testabad",
        "born": "", "born_hijri": "1371", "born_hijri_month": "1", "born_hijri_day": "1", "given_name": "\u202bGUL  AGHA\u202c",
    }  # fmt: skip
    done = browser.post(members(case), {**card(**paper), "save": "1"}, follow=True)
    assert "GUL AGHA: Born on 1 January or 1 Hamal" in done.content.decode()
    kept = IdentityDocument.objects.get()
    assert (kept.identifier, kept.issued_year, kept.place) == ("12/45/678", 1360, "Testabad")
    assert kept.patient.given_name == "GUL AGHA"
    assert kept.patient.born_earliest == datetime.date(1992, 3, 21)
    other = open_case(kabul, cast.rec)
    refused = save(browser, other, card(**paper | {"given_name": "Testi"}))
    assert "the site manager adds it" in str(errors(refused)[0]["number"])
    assert 'class="paper" open' in refused.content.decode()
    assert save(browser, other, card(**paper | {"given_name": "Testi", "volume": "13"})).status_code == 302


@pytest.mark.parametrize(
    ("fields", "name", "words"),
    [
        ({"born": "2002-03-20", "born_hijri": "1381-01-01"}, "born", "two calendars"),
        ({"born_month": "5"}, "born", "other calendar"),
        ({"born": "", "born_hijri_day": "5"}, "born", "year and month"),
        ({"kind": "acc", "number": "1", "issued_on": "2190-01-01"}, "issued_on", "still to come"),
        ({"kind": "acc", "number": "1", "issued_on": "2020-01-02", "expires_on": "2020-01-01"}, "expires_on", "before"),
        ({"kind": "tazkira", "number": "1", "issued_year": "81"}, "issued_year", "four digits"),
    ],
)
def test_what_a_card_says_about_days(kabul, cast, as_user, fields, name, words):
    refused = save(as_user(cast.rec), open_case(kabul, cast.rec), card(**fields))
    assert words in str(errors(refused)[0][name])


def test_a_visa_is_read_as_a_document_and_a_name_that_differs_is_flagged(kabul, cast, as_user):
    case, browser = open_case(kabul, cast.rec), as_user(cast.rec)
    first, second = TWO_NAMES.split("\n")
    lines = f"V{first[1:]}\n{second[:28]}{'<' * 16}"
    data = read(browser, case, lines)
    assert (data["form-0-kind"], data["form-0-birth_source"]) == ("visa", "case_file")
    renamed = save(browser, case, data | {"form-0-given_name": "Karim"})
    assert "name. Say why" in str(errors(renamed)[0]["override_reason"])
    assert save(browser, case, data | {"form-0-entries": "many"}).status_code == 302
    kept = IdentityDocument.objects.get()
    assert (kept.kind, kept.entries, len(kept.mrz)) == ("visa", "many", 88)
    assert patients.owner_of(kind="visa", number=kept.number) is None


def known(clinic, by, **changes):
    person = {"given_name": "Mohammad Nasir", "family_name": "Ahmadi", "sex": "male"} | changes
    return patients.register(
        clinic=clinic,
        by=by,
        born_earliest=datetime.date(2002, 3, 21),
        documents=[{"kind": "passport", "number": "P01234567", "issuer": "AFG"}],
        **person,
    )


def test_who_was_here_before_is_offered_and_keeps_one_record(kabul, cast, as_user):
    person, case, browser = known(kabul, cast.rec), open_case(kabul, cast.rec), as_user(cast.rec)
    page = browser.post(members(case), {"paste": TWO_NAMES, "read": "1"})
    assert person.number in page.content.decode()
    data = inputs(page)
    assert data["form-0-same_as"] == str(person.pk)
    new = {name: value for name, value in data.items() if name != "form-0-same_as"}
    assert person.number in str(errors(save(browser, case, new))[0]["number"])
    assert save(browser, case, data).status_code == 302
    assert Patient.objects.count() == 1
    assert Screening.objects.get().patient == person
    again = save(browser, open_case(kabul, cast.rec), read(browser, open_case(kabul, cast.rec), TWO_NAMES))
    assert "already has an open screening" in str(errors(again)[0]["reference"])


def test_a_resembling_name_warns_and_never_blocks_and_may_bring_a_new_passport(kabul, cast, as_user):
    patients.register(
        clinic=kabul, by=cast.rec, given_name="Mohd", sex="male", born_earliest=datetime.date(2002, 1, 1),
        born_latest=datetime.date(2002, 12, 31), birth_precision="year",
    )  # fmt: skip
    person, browser = Patient.objects.get(), as_user(cast.rec)
    case = open_case(kabul, cast.rec)
    data = read(browser, case, TWO_NAMES)
    assert "form-0-same_as" not in data
    assert save(browser, case, data | {"form-0-same_as": str(person.pk)}).status_code == 302
    assert person.documents.get().number == "P01234567"
    other = open_case(kabul, cast.rec)
    assert save(browser, other, card(given_name="Mohammad", born="2002")).status_code == 302
    assert Patient.objects.count() == 2


def test_a_document_of_another_site_is_refused_without_a_number(kabul, herat, cast, as_user):
    person = known(herat, cast.herat_rec)
    case, browser = open_case(kabul, cast.rec), as_user(cast.rec)
    page = browser.post(members(case), {"paste": TWO_NAMES, "read": "1"})
    refused = save(browser, case, inputs(page))
    assert "another site" in str(errors(refused)[0]["number"])
    for response in (page, refused):
        assert person.number not in response.content.decode()
    hers = inputs(page) | {"form-0-same_as": str(person.pk)}
    assert "same_as" in errors(save(browser, case, hers))[0]


def test_reading_more_keeps_what_was_typed_and_reads_nothing_twice(kabul, cast, as_user):
    case, browser = open_case(kabul, cast.rec), as_user(cast.rec)
    data = read(browser, case, TWO_NAMES) | {"form-0-father_name": "Invented Father"}
    more = read(browser, case, TWO_NAMES + "\n" + ONE_NAME, **data)
    assert more["form-TOTAL_FORMS"] == "2"
    assert more["form-0-father_name"] == "Invented Father"
    assert more["form-0-key"] == data["form-0-key"]
    left = save(browser, case, more | {"form-1-DELETE": "on", "form-1-born": "nonsense"})
    assert left.status_code == 302
    assert Screening.objects.count() == 1


def test_one_passport_on_two_cards_is_refused_beside_the_second(kabul, cast, as_user):
    case, browser = open_case(kabul, cast.rec), as_user(cast.rec)
    typed = {"kind": "passport", "number": "P01234567", "override_reason": "Torn"}
    data = card(**typed)
    second = {name.replace("form-0", "form-1"): value for name, value in card(**typed, given_name="Other").items()}
    refused = save(browser, case, data | second | {"form-TOTAL_FORMS": "2"})
    assert "belongs to patient" in str(errors(refused)[1]["number"])
    assert not Patient.objects.exists()


@pytest.mark.parametrize("total", ["", "x", "99999999999", "-1"])
def test_a_forged_count_of_cards_breaks_nothing(kabul, cast, as_user, total):
    case, browser = open_case(kabul, cast.rec), as_user(cast.rec)
    for action in ("read", "save"):
        response = browser.post(members(case), {"form-TOTAL_FORMS": total, "form-INITIAL_FORMS": "0", action: "1"})
        assert response.status_code == 200


def test_another_sites_case_is_nowhere_and_a_wrong_role_is_told(kabul, herat, cast, as_user):
    case = open_case(kabul, cast.rec)
    for page in ("desk:case", "desk:members"):
        assert as_user(cast.herat_rec).get(reverse(page, args=[case.pk])).status_code == 404
    for who in (cast.lab, cast.adm):
        refused = as_user(who).get(reverse("desk:case", args=[case.pk]))
        assert refused.status_code == 403
        assert "screenings.view_case" in refused.content.decode()
    for who in (cast.cli, cast.mgr):
        assert as_user(who).get(reverse("desk:new_case")).status_code == 403
        assert as_user(who).get(reverse("desk:members", args=[case.pk])).status_code == 403
    form = {"key": uuid.uuid4(), "clinic": herat.pk, "programme": "uk-tb", "contact_name": "X"}
    assert "clinic" in as_user(cast.rec).post(reverse("desk:new_case"), form).context["form"].errors
    assert as_user(cast.rec).post(reverse("desk:new_case"), form | {"programme": "us-refugee"}).status_code == 200


def test_a_paused_programme_is_said_so(kabul, cast, as_user):
    browser = as_user(cast.rec)
    form = {"key": uuid.uuid4(), "clinic": kabul.pk, "programme": "us-refugee", "contact_name": "X"}
    refused = browser.post(reverse("desk:new_case"), form)
    assert "takes no new people" in str(refused.context["form"].errors["programme"])
    assert not Case.objects.exists()


def test_opening_a_case_is_written_in_the_access_log(kabul, cast, as_user):
    case = open_case(kabul, cast.rec)
    as_user(cast.rec).get(reverse("desk:case", args=[case.pk]))
    entry = Access.objects.get(label="screenings.case")
    assert (entry.user, entry.key, entry.clinic) == (cast.rec, str(case.pk), kabul)


def family_of(count, clinic, by):
    case = open_case(clinic, by)
    people = [
        {
            "key": uuid.uuid4(),
            "person": {"given_name": f"Testi {n}", "sex": "female", "born_earliest": datetime.date(1990, 1, n + 1)},
            "documents": [],
            "relation": "other",
            "reference": "",
        }
        for n in range(count)
    ]
    services.register_family(case, people, by=by)
    return case


@pytest.mark.parametrize("count", [1, 12])
@pytest.mark.parametrize("who", ["rec", "cli", "mgr"])
def test_the_case_page_asks_the_same_number_of_questions(
    kabul, cast, as_user, count, who, django_assert_max_num_queries
):
    case, browser = family_of(count, kabul, cast.rec), as_user(getattr(cast, who))
    with django_assert_max_num_queries(29):
        page = browser.get(reverse("desk:case", args=[case.pk]))
    assert page.content.decode().count("member-main") == count


def test_the_desk_confirms_a_face_from_the_case(kabul, cast, as_user):
    case, browser = family_of(1, kabul, cast.rec), as_user(cast.rec)
    address, person = reverse("desk:case", args=[case.pk]), Patient.objects.get()
    assert "face not compared today" in browser.get(address).content.decode()
    done = browser.post(reverse("patients:confirm", args=[person.pk]), {"station": "reception", "next": address})
    assert done.url == address
    page = browser.get(address).content.decode()
    assert "face compared today" in page
    assert "Face matches the document" not in page


def test_placeholder_and_hijri_words_agree():
    assert births.read("1 Hamal 1370", today=datetime.date(2026, 1, 1)).is_placeholder


def test_who_works_at_two_sites_chooses_one(kabul, herat, cast, as_user):
    from django.contrib.auth.models import Group

    cast.rec.grants.create(group=Group.objects.get(name="REC"), clinic=herat)
    page = as_user(cast.rec).get(reverse("desk:new_case")).content.decode()
    for site in Clinic.objects.all():
        assert f">{site.name}</option>" in page
