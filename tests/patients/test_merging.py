import datetime
import random
from importlib import import_module

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction

from mhac.patients import resemblance, services
from mhac.patients.models import Merge, Patient, TwoPeople

BORN = datetime.date(1990, 5, 6)


def person(clinic, by, given="Testi", **changes):
    fields = {"given_name": given, "family_name": "Namuna", "sex": "male", "born_earliest": BORN} | changes
    return services.register(clinic=clinic, by=by, **fields)


def joined(kept, other, cast):
    proposal = services.propose_merge(kept, other, because="Same tazkira", by=cast.rec)
    return services.merge(proposal, by=cast.mgr)


def parted(link, cast):
    services.propose_parting(link, because="Two faces", by=cast.rec)
    return services.part(link, by=cast.dat)


def groups():
    """The state of all records that a merge writes: who stands for whom, and by what each is found."""
    return {row[0]: row[1:] for row in Patient.objects.values_list("pk", "canonical", "person", "found_as")}


def test_a_merge_is_a_link_of_two_people_and_is_taken_back_by_two(kabul, cast):
    one, other = person(kabul, cast.rec, "Ahmad"), person(kabul, cast.rec, "Guljan")
    before = groups()
    proposal = services.propose_merge(one, other, because="Same tazkira", by=cast.rec)
    assert services.propose_merge(other, one, because="Again", by=cast.cli) == proposal
    assert groups() == before
    with pytest.raises(services.Refused, match="second person"):
        services.merge(proposal, by=cast.rec)
    link = services.merge(proposal, by=cast.mgr)
    assert list(Patient.objects.found_by("Guljan")) == list(Patient.objects.found_by("Ahmad")) == [one]
    assert {each.survivor for each in Patient.objects.records_of(one)} == {one}
    assert None not in Patient.objects.values_list("facts_changed_at", flat=True)
    assert other.history.first().history_change_reason == "Same tazkira"
    with pytest.raises(services.Refused, match="one person already"):
        services.propose_merge(other, one, because="Same", by=cast.rec)
    with pytest.raises(services.Refused, match="already"):
        services.merge(proposal, by=cast.mgr)
    services.propose_parting(link, because="Two faces", by=cast.rec)
    with pytest.raises(services.Refused, match="second person"):
        services.part(link, by=cast.rec)
    services.keep_merged(link, because="The photo is old", by=cast.mgr)
    assert groups() != before
    parted(link, cast)
    assert groups() == before
    assert list(Patient.objects.found_by("Guljan")) == [other]
    # Whoever was parted by two people is not suggested again.
    assert TwoPeople.objects.get().because == "Two faces"


def test_what_is_not_joined(kabul, herat, cast):
    one, other = person(kabul, cast.rec), person(kabul, cast.rec)
    far = person(herat, cast.herat_rec)
    with pytest.raises(services.Refused, match="one person already"):
        services.propose_merge(one, one, because="Same", by=cast.rec)
    with pytest.raises(services.Refused, match="Say why"):
        services.propose_merge(one, other, because=" ", by=cast.rec)
    with pytest.raises(services.Refused, match="referred"):
        services.propose_merge(one, far, because="Same", by=cast.rec)
    proposal = services.propose_merge(one, other, because="Same", by=cast.rec)
    services.refuse_merge(proposal, because="Two men", by=cast.mgr)
    assert Merge.objects.get().state == "refused"
    assert not resemblance.beside(one, among=kabul.patients.all())
    third = person(kabul, cast.rec)
    stale = services.propose_merge(other, third, because="Same", by=cast.rec)
    joined(one, other, cast)
    with pytest.raises(services.Refused, match="since"):
        services.merge(stale, by=cast.mgr)


def test_a_registered_person_stands_for_a_provisional_one(kabul, cast):
    nobody = person(kabul, cast.rec, "Unknown man", provisional_because="Unconscious")
    known = person(kabul, cast.rec, "Ahmad")
    link = services.propose_merge(nobody, known, because="His brother came", by=cast.rec)
    assert (link.kept, link.other) == (known, nobody)
    services.merge(link, by=cast.mgr)
    nobody = Patient.objects.get(pk=nobody.pk)
    assert (nobody.survivor, nobody.is_provisional) == (known, False)


def test_the_database_knows_no_chain_and_no_circle(kabul, cast):
    one, two, three = (person(kabul, cast.rec) for _ in range(3))

    def point(*pairs):
        with transaction.atomic():
            for record, to in pairs:
                Patient.objects.filter(pk=record.pk).update(canonical=to)
            connection.check_constraints()

    point((two, one))
    for wrong in ([(one, one)], [(three, two)], [(one, two)], [(one, three)]):
        with pytest.raises(IntegrityError):
            point(*wrong)
    point((two, three), (one, three))


def test_random_merges_and_partings_leave_what_the_standing_links_say(kabul, cast):
    """Against a plain union of the standing links; and every round trip ends where it began."""
    rng = random.Random(27)
    people = [person(kabul, cast.rec, f"Testi {word}") for word in ("Ahmad", "Karim", "Nadir", "Gul", "Omar", "Zia")]
    untouched = groups()
    for _step in range(40):
        standing = list(Merge.objects.standing())
        if standing and rng.random() < 0.4:
            parted(rng.choice(standing), cast)
        else:
            one, other = rng.sample(people, 2)
            try:
                joined(one, other, cast)
            except services.Refused as refusal:
                assert "one person already" in str(refusal)
        assert _as_linked(people) == {frozenset(group) for group in _by_person().values()}
    for link in Merge.objects.standing().order_by("?"):
        parted(link, cast)
    assert {pk: (canonical, who, sorted(keys)) for pk, (canonical, who, keys) in groups().items()} == {
        pk: (canonical, who, sorted(keys)) for pk, (canonical, who, keys) in untouched.items()
    }


def _by_person():
    found = {}
    for pk, who in Patient.objects.values_list("pk", "person"):
        found.setdefault(who, set()).add(pk)
    assert all(who in members for who, members in found.items())
    return found


def _as_linked(people):
    sets = {each.pk: {each.pk} for each in people}
    for kept, other in Merge.objects.standing().values_list("kept", "other"):
        whole = sets[kept] | sets[other]
        sets.update(dict.fromkeys(whole, whole))
    return {frozenset(each) for each in sets.values()}


def test_what_people_are_found_by_is_made_again_for_all(kabul, cast):
    """As the step of an update does it; what two records say of one person is asked together too."""
    one, other = person(kabul, cast.rec, "Ahmad"), person(kabul, cast.rec, "Guljan", family_name="Tamrin")
    third = person(kabul, cast.rec, "Nasir", family_name="Misalzai", father_name="Qadir")
    joined(one, other, cast)
    before = groups()
    for typed in ("Ahmad Tamrin", "guljan namuna", "gul 1990"):
        assert list(Patient.objects.found_by(typed)) == [one], typed
    assert list(Patient.objects.found_by("Qadir 1990")) == [third]
    Patient.objects.update(found_as=["old"])
    Patient.objects.filter(pk=other.pk).update(found_as=[])
    step = import_module("mhac.patients.migrations.0006_keys_in_twos")
    step.search_keys(apps, connection.schema_editor())
    after = groups()
    assert {pk: set(row[-1]) for pk, row in after.items()} == {pk: set(row[-1]) for pk, row in before.items()}
