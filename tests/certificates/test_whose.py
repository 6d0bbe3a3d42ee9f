"""Papers of somebody nobody knows, of somebody an incident holds, and of a person with two records."""

import pytest

from mhac.certificates import services as certificates
from mhac.decisions import services as decisions
from mhac.patients import services as patients
from mhac.patients.models import Patient
from tests.certificates import made
from tests.conftest import make_user
from tests.decisions.made import person

UNKNOWN = {"given_name": "Unknown man", "family_name": "", "provisional_because": "Unconscious"}


def test_no_paper_for_a_provisional_identity_until_it_is_joined(kabul, cast, key, partners):
    nobody = person(kabul, **UNKNOWN)
    screening = made.signed(kabul, cast, "uk-tb", patient=nobody)
    with pytest.raises(certificates.NotReady, match="Nobody knows yet"):
        certificates.issue(screening, by=cast.phy)
    known = person(kabul, given_name="Ahmad", family_name="Misali")
    link = patients.propose_merge(known, nobody, because="His brother came", by=cast.rec)
    patients.merge(link, by=cast.mgr)
    paper = certificates.issue(screening, by=cast.phy)
    assert paper.facts["person"]["name"] == "Ahmad Misali"
    assert paper.facts["person"]["document"]["number"] == "P07654321"
    # Parting them marks both, so that the paper is looked at again.
    patients.propose_parting(link, because="Another man", by=cast.rec)
    patients.part(link, by=cast.mgr)
    marked = Patient.objects.get(pk=nobody.pk).facts_changed_at
    assert marked > paper.checked_at


def test_an_incident_stops_signature_and_paper_until_it_is_resolved(kabul, cast, key, partners):
    screening = made.ready(kabul, cast, "uk-tb")
    made.identify(screening.patient)
    incident = patients.report_mismatch(
        screening.patient, station="nurse", by=cast.cli, clinic=kabul, note="Another face"
    )
    with pytest.raises(decisions.NotReady, match=r"^Ask the site manager"):
        decisions.sign(screening, by=cast.phy, on=kabul.today())
    patients.propose_outcome(incident, outcome="same", because="A beard", by=cast.mgr)
    patients.agree(incident, by=make_user("mgr2", "MGR", kabul))
    decisions.sign(screening, by=cast.phy, on=kabul.today())
    incident = patients.report_mismatch(
        screening.patient, station="nurse", by=cast.cli, clinic=kabul, note="Another face again"
    )
    with pytest.raises(certificates.NotReady, match=r"^Ask the site manager"):
        certificates.issue(screening, by=cast.phy)
