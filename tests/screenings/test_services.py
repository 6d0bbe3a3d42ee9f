import datetime
import uuid

import pytest
from django.db import IntegrityError, transaction

from mhac.patients import services as patients
from mhac.screenings import services
from mhac.screenings.models import Case, Consent, Screening

BORN = datetime.date(1990, 5, 1)


def person(clinic, by, name="Testi", born=BORN, **more):
    return patients.register(clinic=clinic, by=by, given_name=name, sex="female", born_earliest=born, **more)


def case(clinic, by, programme="uk-tb", **more):
    return services.open_case(clinic=clinic, programme=programme, contact_name="Testi One", by=by, **more)


def member(name, key=None, reference="", number=""):
    return {
        "key": key or uuid.uuid4(),
        "person": {"given_name": name, "sex": "female", "born_earliest": BORN},
        "documents": [{"kind": "passport", "number": number}] if number else [],
        "relation": "other",
        "reference": reference,
    }


def test_a_screening_keeps_the_edition_of_its_day(kabul, cast):
    found = services.open_screening(
        case(kabul, cast.rec, "au-permanent"),
        patient=person(kabul, cast.rec),
        by=cast.rec,
        on=datetime.date(2024, 6, 30),
    )
    assert found.edition == "au-permanent-first"
    later = services.open_screening(
        case(kabul, cast.rec, "au-permanent"),
        patient=person(kabul, cast.rec),
        by=cast.rec,
        on=datetime.date(2024, 7, 1),
    )
    assert later.edition == "au-permanent-2024-07-01"
    assert found.history.get().history_user == cast.rec


def test_the_same_key_opens_one_case(kabul, cast):
    key = uuid.uuid4()
    assert case(kabul, cast.rec, key=key) == case(kabul, cast.rec, key=key)
    assert Case.objects.count() == 1


@pytest.mark.parametrize("programme", ["us-refugee", "no-such-programme"])
def test_a_paused_or_unknown_programme_takes_nobody(kabul, cast, programme):
    with pytest.raises(services.Refused, match="Choose another programme"):
        case(kabul, cast.rec, programme)


@pytest.mark.parametrize(
    ("programme", "reference", "kept"),
    [
        ("ca", "ime 12345678", "IME12345678"),
        ("ca", "۱۲۳۴۵۶۷۸", "12345678"),
        ("uk-tb", "", ""),
        ("uk-tb", "gwf012345678", "GWF012345678"),
        ("uk-tb", "ABC", "ABC"),  # unusual: a doubt, never a block
        ("uk-resettlement", "123-45c67890", "123-45C67890"),
    ],
)
def test_references_as_they_are_kept(kabul, cast, programme, reference, kept):
    found = services.open_screening(
        case(kabul, cast.rec, programme), patient=person(kabul, cast.rec), reference=reference, by=cast.rec
    )
    assert found.reference == kept


def test_canada_is_refused_without_an_ime_number(kabul, cast):
    with pytest.raises(services.Refused, match="IME number"):
        services.open_screening(case(kabul, cast.rec, "ca"), patient=person(kabul, cast.rec), by=cast.rec)


@pytest.mark.parametrize(
    ("reference", "doubtful"),
    [("1234567", True), ("12345678", False), ("1234567890", False), ("12345678901", True)],
)
def test_an_unusual_reference_is_a_doubt(kabul, reference, doubtful):
    edition = services.edition_on("ca", kabul.today())
    assert bool(services.doubt_about(reference, edition)) is doubtful


def test_one_open_screening_per_programme(kabul, cast):
    patient, first = person(kabul, cast.rec), case(kabul, cast.rec)
    screening = services.open_screening(first, patient=patient, by=cast.rec)
    with pytest.raises(services.Refused, match=first.number):
        services.open_screening(case(kabul, cast.rec), patient=patient, by=cast.rec)
    services.open_screening(case(kabul, cast.rec, "nz-residence"), patient=patient, by=cast.rec)
    services.withdraw(screening, because="The family gave up", by=cast.rec)
    services.open_screening(case(kabul, cast.rec), patient=patient, by=cast.rec)


def test_a_reference_belongs_to_one_family_and_an_ime_number_to_one_person(kabul, cast):
    family = case(kabul, cast.rec, "us-iv")
    for name in ("One", "Two"):
        services.open_screening(
            family, patient=person(kabul, cast.rec, name), reference="KBL2026000001", by=cast.rec, relation="other"
        )
    with pytest.raises(services.Refused, match=family.number):
        services.open_screening(
            case(kabul, cast.rec, "us-iv"), patient=person(kabul, cast.rec), reference="KBL2026000001", by=cast.rec
        )
    canada = case(kabul, cast.rec, "ca")
    services.open_screening(canada, patient=person(kabul, cast.rec), reference="12345678", by=cast.rec)
    with pytest.raises(services.Refused, match=canada.number):
        services.open_screening(canada, patient=person(kabul, cast.rec), reference="12345678", by=cast.rec)


def test_two_families_cannot_share_a_reference_in_the_database_either(kabul, cast):
    rows = [
        services.open_screening(case(kabul, cast.rec), patient=person(kabul, cast.rec), reference=ref, by=cast.rec)
        for ref in ("GWF000000001", "GWF000000002")
    ]
    rows[1].reference = rows[0].reference
    with pytest.raises(IntegrityError), transaction.atomic():
        rows[1].save(update_fields=["reference"])


def test_a_family_is_registered_whole_or_not_at_all(kabul, cast):
    family = case(kabul, cast.rec, "ca")
    people = [member("One", reference="11111111", number="P1"), member("Two", number="P2")]
    with pytest.raises(services.RefusedPerson, match="IME number") as refusal:
        services.register_family(family, people, by=cast.rec)
    assert (refusal.value.row, refusal.value.field) == (1, "reference")
    assert not Screening.objects.exists()
    people[1]["reference"] = "22222222"
    people[1]["documents"] = [{"kind": "passport", "number": "p1"}]
    with pytest.raises(services.RefusedPerson, match="belongs to patient") as refusal:
        services.register_family(family, people, by=cast.rec)
    assert (refusal.value.row, refusal.value.field) == (1, "number")
    people[1]["documents"] = []
    assert len(services.register_family(family, people, by=cast.rec)) == 2


def test_the_same_family_sent_twice_is_one_family(kabul, cast):
    family = case(kabul, cast.rec)
    people = [member("One", number="P1"), member("Two", number="P2")]
    first = services.register_family(family, people, by=cast.rec)
    assert services.register_family(family, people, by=cast.rec) == first
    assert Screening.objects.count() == 2


def screening_of(clinic, by, born=BORN):
    return services.open_screening(case(clinic, by), patient=person(clinic, by, born=born), by=by)


def test_consent_stands_until_it_is_withdrawn(kabul, cast):
    screening = screening_of(kabul, cast.rec)
    first = services.give_consent(screening, purpose="sharing", given_by="Testi", by=cast.rec)
    assert services.give_consent(screening, purpose="sharing", given_by="Testi", by=cast.rec) == first
    screening.refresh_from_db()
    marked = screening.facts_changed_at
    assert marked is not None
    gone = services.withdraw_consent(first, by=cast.rec)
    assert gone.withdrawn_on == kabul.today()
    screening.refresh_from_db()
    assert screening.facts_changed_at > marked
    again = services.give_consent(screening, purpose="sharing", given_by="Testi", by=cast.rec)
    assert again != first
    assert Consent.objects.count() == 2


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"given_by": "Testi", "method": "thumbprint"}, "witness"),
        ({"given_by": " "}, "who gave"),
    ],
)
def test_consents_that_do_not_count(kabul, cast, fields, words):
    with pytest.raises(services.Refused, match=words):
        services.give_consent(screening_of(kabul, cast.rec), purpose="examination", by=cast.rec, **fields)


def test_a_child_needs_its_guardian_until_the_eighteenth_birthday(kabul, cast):
    today = datetime.date(2026, 11, 21)
    child = screening_of(kabul, cast.rec, born=datetime.date(2008, 11, 22))
    with pytest.raises(services.Refused, match="guardian"):
        services.give_consent(child, purpose="examination", given_by="testi", by=cast.rec, on=today)
    services.give_consent(child, purpose="examination", given_by="Her Mother", by=cast.rec, on=today)
    adult = screening_of(kabul, cast.rec, born=datetime.date(2008, 11, 21))
    services.give_consent(adult, purpose="examination", given_by="Testi", by=cast.rec, on=today)


def test_a_travel_plan_is_one_row_that_changes(kabul, cast):
    screening = screening_of(kabul, cast.rec)
    leaves = datetime.datetime(2026, 12, 1, 6, tzinfo=datetime.UTC)
    with pytest.raises(services.Refused, match="before the departure"):
        services.plan_travel(screening, departure=leaves, arrival_on=datetime.date(2026, 11, 30), by=cast.rec)
    first = services.plan_travel(screening, departure=leaves, needs={"wheelchair"}, by=cast.rec)
    second = services.plan_travel(screening, departure=leaves, mode="land", by=cast.rec)
    assert first.pk == second.pk
    assert second.needs == []
    assert second.history.count() == 2


def test_giving_up_needs_a_reason_and_an_open_screening(kabul, cast):
    screening = screening_of(kabul, cast.rec)
    with pytest.raises(services.Refused, match="why"):
        services.withdraw(screening, because=" ", by=cast.rec)
    services.withdraw(screening, because="Moved away", by=cast.rec)
    with pytest.raises(services.Refused, match="cannot be withdrawn"):
        services.withdraw(screening, because="Again", by=cast.rec)
