"""Papers and numbers by kind: whose they are, how they are found, what is doubted and what is refused."""

import datetime

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from mhac.patients import papers, services
from mhac.patients.models import IdentityDocument, Patient
from tests.patients.test_mrz import ONE_NAME, card, passport, visa

TAZKIRA = {"kind": "tazkira", "number": "678", "volume": "12", "page": "45", "issued_year": 1360, "place": "Testabad"}


def person(clinic, by, name="Testi", **fields):
    fields = {"sex": "female", "born_earliest": datetime.date(1991, 1, 1)} | fields
    return services.register(clinic=clinic, by=by, given_name=name, **fields)


def test_every_kind_says_whose_it_is_and_where_its_format_comes_from():
    for kind, paper in papers.PAPERS.items():
        assert kind == paper.kind in IdentityDocument.Kind.values
        assert str(paper.label)
        assert not paper.pattern or (str(paper.says) and paper.source)
        # What somebody remembers is verified by nobody.
        assert not (paper.verified and (paper.source == papers.MEMORY or not paper.pattern))
    families = {kind for kind, paper in papers.PAPERS.items() if paper.holder == papers.FAMILY}
    assert families == {"unhcr_case", "vrf", "iv_case", "iom_case"}
    assert not papers.PAPERS["visa"].is_key
    assert {kind for _group, kinds in papers.choices() for kind, _label in kinds} == set(papers.PAPERS)


@pytest.mark.parametrize(
    ("kind", "typed", "stored", "shown"),
    [
        ("e_tazkira", "۱۴۰۰-۰۱۰۱-۰۰۰۰۱", "1400010100001", "1400-0101-00001"),
        ("ime", "IME 1234 5678", "12345678", "IME12345678"),
        ("ime", "12345678", "12345678", "IME12345678"),
        ("unhcr", "816-12345678", "81612345678", "816-12345678"),
        ("unhcr_case", "816-12c34567", "81612C34567", "816-12C34567"),
        ("a_number", "a 123-456-789", "123456789", "A123456789"),
        ("gwf", "gwf012345678", "012345678", "GWF012345678"),
        ("iv_case", "kbl2026000001", "KBL2026000001", "KBL2026000001"),
        ("other", "۱۲/الف", "12الف", "12الف"),
    ],
)
def test_a_number_is_stored_one_way_and_shown_as_the_paper_writes_it(kind, typed, stored, shown):
    paper = papers.PAPERS[kind]
    assert (paper.number_of(typed), paper.shown(stored)) == (stored, shown)
    assert stored in papers.keys_of(typed)


@pytest.mark.parametrize(
    ("kind", "number", "issuer", "unusual"),
    [
        ("passport", "P01234567", "AFG", False), ("passport", "012345678", "AFG", True),
        ("passport", "012345678", "PAK", False), ("e_tazkira", "1400010100001", "AFG", False),
        ("e_tazkira", "140001010000", "AFG", True), ("uci", "12345678", "CAN", False),
        ("uci", "123456789", "CAN", True), ("uci", "1234567890", "CAN", False), ("hap", "1234567", "AUS", True),
        ("hap", "12345678", "AUS", False), ("gwf", "012345678", "GBR", False), ("gwf", "01234567", "GBR", True),
        ("iv_case", "KBL2026000001", "USA", False), ("iv_case", "2026000001", "USA", True),
        ("a_number", "12345678", "USA", False), ("a_number", "1234567", "USA", True), ("acc", "ANYTHING", "PAK", False),
    ],
)  # fmt: skip
def test_an_unusual_number_is_only_a_doubt(kind, number, issuer, unusual):
    assert bool(papers.PAPERS[kind].doubt(number, issuer)) is unusual


@pytest.mark.parametrize(
    "typed",
    ["1400-0101-00001", "۱۴۰۰۰۱۰۱۰۰۰۰۱", "1400 0101 00001", "IME12345678", "12345678", "12/45/678", "۱۲ / ۴۵ / ۶۷۸", "678",
     "kbl-2026 000001", "GWF 012345678", "V7654321"],
)  # fmt: skip
def test_found_by_every_number_however_it_is_typed(kabul, cast, typed):
    her = person(kabul, cast.rec)
    for paper in (
        {"kind": "e_tazkira", "number": "1400-0101-00001"}, {"kind": "ime", "number": "IME 12345678"}, TAZKIRA,
        {"kind": "iv_case", "number": "KBL2026000001"}, {"kind": "gwf", "number": "GWF012345678"},
        {"kind": "visa", "number": "V-765 4321", "entries": "one"},
    ):  # fmt: skip
        services.add_document(her, by=cast.rec, **paper)
    person(kabul, cast.rec, "Other", documents=[TAZKIRA | {"number": "679"}])
    assert [each.pk for each in Patient.objects.found_by(typed)] == [her.pk]


def test_whose_a_number_is(kabul, cast):
    """A person's number has one owner, a family's is shared, a visa leads to nobody; and the database says so too."""
    her, him = person(kabul, cast.rec), person(kabul, cast.rec, "Other")
    for kind in papers.ONE_OWNER:
        services.add_document(her, by=cast.rec, kind=kind, number="12345678")
        assert services.owner_of(kind=kind, number=" 1234-5678") == her
        with pytest.raises(services.Refused, match=her.number):
            services.add_document(him, by=cast.rec, kind=kind, number="12345678")
        with pytest.raises(IntegrityError), transaction.atomic():
            IdentityDocument.objects.create(patient=him, kind=kind, number="12345678", issuer="XXX")
        with pytest.raises(services.Refused, match="already written down"):
            services.add_document(her, by=cast.rec, kind=kind, number="12345678")
    for kind in ("unhcr_case", "vrf", "iv_case", "iom_case", "visa", "other"):
        for each in (her, him):
            services.add_document(each, by=cast.rec, kind=kind, number="7654321")
        assert services.owner_of(kind=kind, number="7654321") is None
    services.add_document(her, by=cast.rec, kind="passport", number="A1", issuer="AFG")
    services.add_document(him, by=cast.rec, kind="passport", number="A1", issuer="PAK")
    with pytest.raises(services.Refused, match=her.number):
        services.add_document(him, by=cast.rec, kind="passport", number="a-1", issuer="AFG")
    with pytest.raises(services.Refused, match="Write the number"):
        services.add_document(him, by=cast.rec, kind="gwf", number="GWF")


def test_a_paper_tazkira_is_three_numbers(kabul, cast):
    her, him = (person(kabul, cast.rec, name) for name in ("Testi", "Other"))
    kept = services.add_document(her, by=cast.rec, **TAZKIRA)
    assert (kept.identifier, kept.issuer, str(kept)) == ("12/45/678", "AFG", "paper tazkira 12/45/678")
    services.add_document(him, by=cast.rec, **TAZKIRA | {"volume": "13"})
    services.add_document(him, by=cast.rec, **TAZKIRA | {"page": "46"})
    # 1/245/678 is another combination than 12/45/678.
    services.add_document(him, by=cast.rec, **TAZKIRA | {"volume": "1", "page": "245"})
    with pytest.raises(services.Refused, match=her.number):
        services.add_document(him, by=cast.rec, **TAZKIRA | {"volume": "۱۲"})
    with pytest.raises(IntegrityError), transaction.atomic():
        IdentityDocument.objects.create(patient=him, **TAZKIRA)
    # What cannot be read is nobody's for certain, and said so.
    unclear = services.add_document(him, by=cast.rec, **TAZKIRA | {"volume": ""})
    assert "volume and page" in unclear.doubts[0]
    assert services.owner_of(kind="tazkira", number="678", volume="", page="45") is None


def test_only_a_manager_lets_two_people_carry_one_tazkira(kabul, cast, as_user):
    number = {"kind": "e_tazkira", "number": "1400010100001"}
    her, him = person(kabul, cast.rec, documents=[number]), person(kabul, cast.rec, "Other")
    because = {"shared_because": "Both cards seen, the office printed one number twice"}
    with pytest.raises(services.Refused, match="site manager"):
        services.add_document(him, by=cast.rec, **number | because)
    with pytest.raises(services.Refused, match="Only the number of a tazkira"):
        services.add_document(her, by=cast.mgr, kind="ime", number="1234")
        services.add_document(him, by=cast.mgr, kind="ime", number="1234", **because)
    address = reverse("patients:add_document", args=[him.pk])
    assert "shared_because" not in as_user(cast.rec).get(address).content.decode()
    refused = as_user(cast.rec).post(address, number | because)
    assert "the site manager adds it" in str(refused.context["form"].errors["number"])
    manager = as_user(cast.mgr)
    assert her.number in str(manager.post(address, number).context["form"].errors["number"])
    assert manager.post(address, number | because).status_code == 302
    shared = him.documents.get()
    assert (shared.shared_by, shared.history.get().history_user) == (cast.mgr, cast.mgr)
    # A third person is refused like the second one, and a reason without need shares nothing.
    with pytest.raises(services.Refused, match=her.number):
        services.add_document(person(kabul, cast.rec, "Third"), by=cast.rec, **number)
    alone = services.add_document(him, by=cast.mgr, **TAZKIRA, **because)
    assert (alone.shared_because, alone.shared_by) == ("", None)


def test_a_document_is_read_into_the_form_of_a_known_person(kabul, cast, as_user):
    her = person(kabul, cast.rec, "GULALAI")
    browser, address = as_user(cast.rec), reverse("patients:add_document", args=[her.pk])
    page = browser.post(address, {"zone": "\r\n".join(ONE_NAME), "read": "1", "place": "Kabul"})
    filled = page.context["form"].initial
    assert (filled["kind"], filled["number"], filled["expires_on"]) == (
        "passport",
        "P07654321",
        datetime.date(2028, 6, 30),
    )
    assert "The check digits are right" in page.content.decode()
    assert 'value="Kabul"' in page.content.decode()
    assert IdentityDocument.objects.count() == 0
    sent = {"kind": "passport", "number": "P07654321", "issuer": "AFG", "expires_on": "2028-06-30", "place": "Kabul"}
    sent["zone"] = "".join(ONE_NAME)
    wrong = browser.post(address, sent | {"expires_on": "2028-07-30"}).context["form"]
    assert "expiry date" in str(wrong.errors["override_reason"])
    assert browser.post(address, sent).status_code == 302
    kept = her.documents.get()
    assert (kept.mrz, kept.override_reason, kept.place) == ("".join(ONE_NAME), "", "Kabul")
    shown = browser.get(reverse("desk:patient", args=[her.pk])).content.decode()
    assert "read by machine" in shown


def test_what_differs_from_the_zone_is_flagged_and_kept_with_its_reason(kabul, cast, as_user):
    her = person(kabul, cast.rec, "Testi", sex="male", born_earliest=datetime.date(1991, 1, 2))
    browser, address = as_user(cast.rec), reverse("patients:add_document", args=[her.pk])
    sent = {"zone": "".join(ONE_NAME), "kind": "passport", "number": "P07654321", "issuer": "AFG"}
    sent["expires_on"] = "2028-06-30"
    page = browser.post(address, sent | {"read": "1"})
    assert "says otherwise: name, birth date, sex" in page.content.decode()
    assert "name, birth date, sex" in str(browser.post(address, sent).context["form"].errors["override_reason"])
    assert browser.post(address, sent | {"override_reason": "Married, corrected by the office"}).status_code == 302
    assert "says otherwise" in her.documents.get().doubts[-1]
    assert "says otherwise" in browser.get(reverse("desk:patient", args=[her.pk])).content.decode()


@pytest.mark.parametrize(
    ("changed", "name", "words"),
    [
        ({"zone": "P<AFG"}, "override_reason", "cannot be used"),
        ({"kind": ""}, "kind", "required"),
        ({"number": ""}, "number", "Write the number"),
        ({"number": "---"}, "number", "Write the number"),
        ({"issuer": "1"}, "issuer", "letters of the country"),
        ({"issued_on": "2190-01-01"}, "issued_on", "still to come"),
        ({"issued_on": "2020-01-02", "expires_on": "2020-01-01"}, "expires_on", "before it was issued"),
        ({"issued_year": "60"}, "issued_year", "Solar Hijri year"),
        ({"issued_year": "1981"}, "issued_year", "Solar Hijri year"),
    ],
)
def test_a_bad_document_says_so_beside_its_field(kabul, cast, as_user, changed, name, words):
    her = person(kabul, cast.rec)
    sent = {"kind": "por_card", "number": "AB-1", "issuer": "PAK"} | changed
    page = as_user(cast.rec).post(reverse("patients:add_document", args=[her.pk]), sent)
    assert words in str(page.context["form"].errors[name])
    assert not her.documents.exists()


def test_a_zone_that_fails_fills_nothing_and_a_reason_lets_the_hand_write(kabul, cast, as_user):
    her = person(kabul, cast.rec)
    zone = passport("P01234567", "910101", "F", "310101", "TESTI")
    broken = zone[:-1] + str((int(zone[-1]) + 1) % 10)
    browser, address = as_user(cast.rec), reverse("patients:add_document", args=[her.pk])
    page = browser.post(address, {"zone": broken, "read": "1"})
    assert "check digit" in page.content.decode()
    assert page.context["form"].initial["number"] == ""
    sent = {"zone": broken, "kind": "passport", "number": "P01234567", "override_reason": "The zone is scratched"}
    assert browser.post(address, sent | {"expires_on": "2020-01-01"}).status_code == 302
    kept = her.documents.get()
    assert (kept.mrz, kept.override_reason) == ("", "The zone is scratched")
    assert "expired on 01 Jan 2020" in browser.get(reverse("desk:patient", args=[her.pk])).content.decode()


def test_a_card_and_a_visa_are_read_and_the_visa_is_no_key(kabul, cast, as_user):
    her = person(kabul, cast.rec, "NADIA", family_name="SULTANI", born_earliest=datetime.date(2002, 3, 21))
    browser, address = as_user(cast.rec), reverse("patients:add_document", args=[her.pk])
    zones = [
        card("1400010100001", "020321", "F", "310101", "SULTANI<<NADIA"),
        visa("V01234567", "020321", "F", "270101", "SULTANI<<NADIA", issuer="CAN"),
    ]
    for zone in zones:
        filled = browser.post(address, {"zone": zone, "read": "1"}).context["form"].initial
        assert browser.post(address, {**filled, "zone": zone, "entries": ""}).status_code == 302
    assert sorted(her.documents.values_list("kind", "number", "issuer")) == [
        ("e_tazkira", "1400010100001", "AFG"), ("visa", "V01234567", "CAN")
    ]  # fmt: skip
    assert services.owner_of(kind="visa", number="V01234567", issuer="CAN") is None


def test_the_calendars_answer_each_other(cast, as_user):
    browser, address = as_user(cast.rec), reverse("patients:calendar")
    day = browser.get(address, {"calendar": "hijri", "year": "۱۳۷۱", "month": "5", "day": "2"}).json()
    assert (day["gregorian"], day["hijri"]) == (["1992", "7", "24"], ["1371", "5", "2"])
    assert day["said"] == "24 Jul 1992 · 2 Asad 1371"
    year = browser.get(address, {"calendar": "gregorian", "year": "1371"}).json()
    assert (year["gregorian"], year["hijri"]) == (["", "", ""], ["1371", "", ""])
    assert "21 Mar 1992 – 20 Mar 1993 · 1371" in year["said"]
    assert "placeholder" in browser.get(address, {"calendar": "gregorian", "year": "1991-01-01"}).json()["doubt"]
    assert "other calendar" in browser.get(address, {"calendar": "hijri", "year": "1992", "month": "1"}).json()["error"]
    assert as_user(cast.lab).get(address).status_code == 403


def test_the_page_of_a_person_asks_no_more_for_more_documents(kabul, cast, as_user):
    browser, asked = as_user(cast.rec), {}
    for count in (3, 30):
        her = person(kabul, cast.rec)
        for nth in range(count):
            number = {"number": f"V{nth}", "expires_on": datetime.date(2020, 1, 1)}
            services.add_document(her, by=cast.rec, kind="visa", **number)
        address = reverse("desk:patient", args=[her.pk])
        browser.get(address)
        with CaptureQueriesContext(connection) as queries:
            assert browser.get(address).content.decode().count("expired on") == count
        asked[count] = len(queries)
    # A longer history is counted, for its pages.
    assert asked[30] <= asked[3] + 1
