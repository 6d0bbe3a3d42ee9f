import datetime
import itertools

import pytest
from django.urls import reverse

from mhac.patients import services as patients
from mhac.patients.models import Merge, Patient, TwoPeople
from mhac.screenings import services
from mhac.screenings.models import Screening
from tests.conftest import PASSWORD
from tests.desk.made import person, screening_of

YES = {"answer": "yes", "password": PASSWORD}


@pytest.fixture
def two(kabul, cast):
    """One man written down twice, with an open screening in each."""
    one = person(kabul, cast.rec, documents=[{"kind": "passport", "number": "P01234567", "issuer": "AFG"}])
    other = person(kabul, cast.rec, given_name="Mohd Naseer", native_name="")
    return screening_of(one, cast.rec), screening_of(other, cast.rec)


def test_one_proposes_another_decides_and_history_is_read_through_both(two, cast, as_user):
    kept, joined = (each.patient for each in two)
    rec, mgr = as_user(cast.rec), as_user(cast.mgr)
    page = rec.get(reverse("desk:patient", args=[kept.pk])).content.decode()
    address = reverse("desk:pair", args=[kept.pk, joined.pk])
    assert address in page and "same name by sound" in page
    beside = rec.get(address).content.decode()
    assert "P01234567" in beside and "Both have an open screening" in beside
    assert "Choose: one person" in rec.post(address, {"because": "x"}).content.decode()
    rec.post(address, {"says": "one", "because": "The same passport photo"})
    link = Merge.objects.get()
    page = reverse("desk:merge", args=[link.pk])
    assert "second person" in rec.get(page).content.decode()
    for browser, sent in [(rec, YES), (mgr, YES | {"password": "wrong"}), (mgr, YES | {"answer": "no"})]:
        browser.post(page, sent)
        link.refresh_from_db()
        assert link.state == "proposed"
    mgr.post(page, YES)
    link.refresh_from_db()
    assert (link.state, link.decided_by) == ("standing", cast.mgr)
    found = rec.get(reverse("desk:people"), {"q": "Naseer"}).context["people"]
    assert [each.pk for each in found] == [kept.pk] and {each.pk for each in found[0].visits} == {
        each.pk for each in two
    }
    assert set(Screening.objects.of(Patient.objects.get(pk=joined.pk))) == set(two)
    assert rec.get(reverse("desk:patient", args=[joined.pk])).url == reverse("desk:patient", args=[kept.pk])
    whole = rec.get(reverse("desk:patient", args=[kept.pk]))
    assert len(whole.context["screenings"]) == 2 and "The same passport photo" in whole.content.decode()
    # Somebody who is chosen by her other record is taken by the one that stands for her.
    case = services.open_case(clinic=kept.clinic, programme="ca", contact_name="Testi", by=cast.rec)
    member = {"key": None, "patient": Patient.objects.get(pk=joined.pk), "documents": [], "relation": "head"}
    (opened,) = services.register_family(case, [member | {"reference": "IME12345678"}], by=cast.rec)
    assert opened.patient == kept
    rec.post(page, {"because": "Two brothers"})
    mgr.post(page, YES)
    assert set(Screening.objects.of(Patient.objects.get(pk=joined.pk))) == {two[1]}
    assert TwoPeople.objects.count() == 1
    assert address not in rec.get(reverse("desk:patient", args=[kept.pk])).content.decode()


def test_two_different_people_are_not_suggested_again(two, cast, as_user):
    one, other = (each.patient for each in two)
    address = reverse("desk:pair", args=[one.pk, other.pk])
    as_user(cast.cli).post(address, {"says": "two", "because": "Cousins"}, follow=True)
    assert address not in as_user(cast.rec).get(reverse("desk:patient", args=[one.pk])).content.decode()
    assert "Cousins" in as_user(cast.rec).get(address).content.decode()


def test_who_may_not_and_what_is_not_there(two, kabul, herat, cast, as_user):
    one, other = (each.patient for each in two)
    address = reverse("desk:pair", args=[one.pk, other.pk])
    for who in (cast.phy, cast.lab, cast.adm):
        assert as_user(who).get(address).status_code == 403
        assert as_user(who).get(reverse("desk:pairs")).status_code == 403
    assert as_user(cast.herat_rec).get(address).status_code == 404
    rec = as_user(cast.rec)
    said = rec.get(reverse("desk:compare", args=[one.pk]), {"with": "KBLP0000000X"}, follow=True).content.decode()
    assert "Nobody of your sites" in said
    assert rec.get(reverse("desk:compare", args=[one.pk]), {"with": other.number.lower()}).url == address
    # A manager decides and does not propose.
    assert as_user(cast.mgr).post(address, {"says": "one", "because": "x"}).status_code == 200
    assert not Merge.objects.exists()
    assert "Nothing waits" in as_user(cast.dat).get(reverse("desk:pairs")).content.decode()


def test_the_list_costs_the_same_for_three_and_thirty(kabul, cast, as_user, django_assert_max_num_queries):
    browser, address = as_user(cast.mgr), reverse("desk:pairs")
    people = [person(kabul, cast.rec, given_name=f"Testi{n}") for n in range(31)]
    for one, other in itertools.pairwise(people):
        patients.propose_merge(one, other, because="Same", by=cast.rec)
    with django_assert_max_num_queries(10):
        first = browser.get(address)
    rest = browser.get(address, {"after": first.context["links"][-1].pk})
    assert (len(first.context["links"]), len(rest.context["links"])) == (25, 5)


def test_a_walk_in_is_on_the_list_of_today_at_once(kabul, cast, as_user):
    kabul.weekend = []
    kabul.save()
    rec, address = as_user(cast.rec), reverse("desk:walk_in")
    form = rec.get(address).context["form"]
    sent = {"key": form["key"].value(), "member": form["member"].value(), "clinic": str(kabul.pk), "programme": "uk-tb"}
    refused = rec.post(address, sent | {"who": "unknown", "sex": "female"}).content.decode()
    assert "About how" in refused and "Write about how many years" in refused
    sent |= {"who": "unknown", "sex": "female", "age": "30", "unknown_because": "Unconscious, no papers"}
    for _twice in range(2):
        rec.post(address, sent)
    (screening,) = Screening.objects.all()
    patient, booking = screening.patient, screening.bookings.get()
    assert (booking.state, booking.slot.day) == ("arrived", kabul.today())
    assert (patient.name, patient.is_provisional) == (f"Unknown woman, {patient.number}", True)
    assert patient.age_on(kabul.today()) in {29, 30} and patient.birth_precision == "age_stated"
    assert "Nobody knows yet" in rec.get(reverse("desk:patient", args=[patient.pk])).content.decode()
    patients.correct(patient, by=cast.rec, because="She woke up", given_name="Gulalai")
    patient.refresh_from_db()
    assert (patient.name, patient.is_provisional) == ("Gulalai", False)


def test_a_walk_in_is_looked_for_before_she_is_registered(kabul, cast, as_user):
    kabul.weekend = []
    kabul.save()
    known, rec, address = person(kabul, cast.rec), as_user(cast.rec), reverse("desk:walk_in")
    assert known in rec.get(address, {"q": "nasir"}).context["people"]
    form = rec.get(address, {"known": known.pk}).context["form"]
    sent = {"key": form["key"].value(), "member": form["member"].value(), "clinic": str(kabul.pk), "programme": "uk-tb"}
    new = {"who": "new", "given_name": "Mohd Naser", "family_name": "Ahmadi", "sex": "male", "born": "2002"}
    asked = rec.post(address, sent | new)
    assert [each.patient for each in asked.context["alike"]] == [known] and not Screening.objects.exists()
    rec.post(address, sent | new | {"seen": "1", "same_as": str(known.pk)})
    assert Screening.objects.get().patient == known
    form = rec.get(address).context["form"]
    again = sent | {"key": form["key"].value(), "member": form["member"].value(), "same_as": str(known.pk)}
    assert "already has an open screening" in rec.post(address, again).content.decode()
    other = again | new | {"seen": "1", "same_as": ""}
    rec.post(address, other)
    assert Patient.objects.exclude(pk=known.pk).get().born_latest == datetime.date(2002, 12, 31)
    assert as_user(cast.phy).get(address).status_code == 403
