import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from mhac.patients import services
from mhac.patients.models import IdentityIncident
from tests.conftest import PASSWORD, make_user
from tests.desk.made import person, screening_of


def reported(patient, cast, by=None):
    return services.report_mismatch(
        patient, station="collection", by=by or cast.lab, clinic=patient.clinic, note="canary: another face"
    )


def test_one_open_incident_and_two_managers_end_it(kabul, cast):
    patient, second = person(kabul, cast.rec), make_user("mgr2", "MGR", kabul)
    with pytest.raises(services.Refused, match="does not match"):
        services.report_mismatch(patient, station="nurse", by=cast.cli, clinic=kabul, note=" ")
    incident = reported(patient, cast)
    assert reported(patient, cast, cast.rec) == incident
    assert services.held(patient) == f"Ask the site manager before you go on with {patient.number}."
    with pytest.raises(services.Refused, match="Nothing waits"):
        services.agree(incident, by=second)
    for outcome, because in (("", "Twin"), ("same", " ")):
        with pytest.raises(services.Refused):
            services.propose_outcome(incident, outcome=outcome, because=because, by=cast.mgr)
    incident = services.propose_outcome(incident, outcome="same", because="A beard since the photo", by=cast.mgr)
    with pytest.raises(services.Refused, match="second manager"):
        services.agree(incident, by=cast.mgr)
    with pytest.raises(IntegrityError), transaction.atomic():
        IdentityIncident.objects.filter(pk=incident.pk).update(state="resolved", resolved_by=cast.mgr)
    services.disagree(incident, because="Look again", by=second)
    services.propose_outcome(incident, outcome="same", because="A beard since the photo", by=cast.mgr)
    assert services.held(patient)
    services.agree(incident, by=second)
    assert services.held(patient) == ""
    with pytest.raises(services.Refused, match="resolved"):
        services.propose_outcome(incident, outcome="same", because="Again", by=cast.mgr)
    # A later one is another incident.
    assert reported(patient, cast) != incident


def test_it_holds_every_record_of_the_person(kabul, cast):
    one, other = person(kabul, cast.rec), person(kabul, cast.rec)
    services.merge(services.propose_merge(one, other, because="Same", by=cast.rec), by=cast.mgr)
    for each in (one, other):
        each.refresh_from_db()
    reported(other, cast)
    assert services.held(one) and services.held(other)


def test_few_learn_of_it_and_nobody_else_by_any_page(kabul, cast, as_user):
    screening = screening_of(person(kabul, cast.rec), cast.rec)
    patient = screening.patient
    answer = as_user(cast.lab).post(
        reverse("patients:confirm", args=[patient.pk]),
        {"station": "collection", "mismatch": "on", "note": "canary: another face"},
        follow=True,
    )
    assert "before the site manager has seen it" in answer.content.decode()
    incident = IdentityIncident.objects.get()
    pages = [
        reverse("desk:people") + "?q=Ahmadi",
        reverse("desk:patient", args=[patient.pk]),
        reverse("desk:case", args=[screening.case.pk]),
        reverse("desk:today"),
        reverse("patients:incidents"),
        reverse("patients:incident", args=[incident.pk]),
    ]
    for who in (cast.rec, cast.cli, cast.lab, cast.lsu, cast.rad):
        for page in pages:
            response = as_user(who).get(page, follow=True)
            text = response.content.decode()
            if page in pages[-2:]:
                assert (response.status_code, "canary" in text) == (403, False)
            else:
                assert "canary" not in text and "ncident" not in text, (who, page)
    for who in (cast.mgr, cast.dat, cast.phy):
        assert "canary" in as_user(who).get(pages[-1]).content.decode()
        assert str(incident.pk) in as_user(who).get(pages[1]).content.decode()
    assert as_user(cast.herat_phy).get(pages[-1]).status_code == 404


def test_managers_resolve_it_on_its_page_with_the_password(kabul, cast, as_user):
    incident = reported(person(kabul, cast.rec), cast)
    address = reverse("patients:incident", args=[incident.pk])
    second, said = make_user("mgr2", "MGR", kabul), {"outcome": "another", "because": "Her sister came"}
    for who in (cast.dat, cast.phy):
        as_user(who).post(address, said)
    incident.refresh_from_db()
    assert incident.state == "open"
    assert "Choose what it was" in as_user(cast.mgr).post(address, {"because": "x"}).content.decode()
    as_user(cast.mgr).post(address, said)
    assert "second manager" in as_user(cast.mgr).get(address).content.decode()
    yes = {"answer": "yes", "password": PASSWORD}
    for who, sent in [(cast.mgr, yes), (cast.dat, yes), (second, yes | {"password": "wrong"})]:
        as_user(who).post(address, sent)
        incident.refresh_from_db()
        assert incident.state == "proposed"
    as_user(second).post(address, yes)
    incident.refresh_from_db()
    assert (incident.state, incident.resolved_by) == ("resolved", second)
    assert "No incident is open" in as_user(cast.mgr).get(reverse("patients:incidents")).content.decode()


def test_the_list_goes_on_by_key_and_costs_the_same(kabul, cast, as_user, django_assert_max_num_queries):
    browser, address = as_user(cast.mgr), reverse("patients:incidents")
    for n in range(30):
        reported(person(kabul, cast.rec, given_name=f"Testi{n}"), cast)
    with django_assert_max_num_queries(12):
        first = browser.get(address)
    after = first.context["incidents"][-1].pk
    second = browser.get(address, {"after": after})
    assert (len(first.context["incidents"]), len(second.context["incidents"])) == (25, 5)
    assert browser.get(address, {"after": "nonsense"}).status_code == 200
