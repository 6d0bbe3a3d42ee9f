"""Issuing, and what stands against it; whether a document still counts; revoking; handing out."""

import datetime
import hashlib
import threading

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from mhac.certificates import content, seal, services
from mhac.certificates.models import Certificate, Download, Release
from mhac.clinics.numbers import is_certificate_number
from mhac.decisions import services as decisions
from mhac.decisions.models import SignOff
from mhac.patients.models import Photo
from mhac.screenings import services as screenings
from mhac.screenings.models import Consent
from tests.certificates import made

pytestmark = pytest.mark.django_db


# --- issuing


@pytest.mark.parametrize(
    ("programme", "kind", "out"),
    [
        ("ca", "ime_summary", "COMPLETE"),
        ("uk-tb", "tb_clearance", "CLEARED"),
        ("returnee-avrr", "fit_to_travel", "FIT"),
    ],
)
def test_each_programme_has_its_document(programme, kind, out, kabul, cast, key):
    screening = made.signed(kabul, cast, programme)
    issued = services.issue(screening, by=cast.phy)
    assert (issued.kind, issued.state, issued.clinic, issued.issued_by) == (kind, "valid", kabul, cast.phy)
    assert is_certificate_number(issued.number) and issued.number.startswith("KBL-")
    assert bytes(issued.pdf)[:5] == b"%PDF-" and hashlib.sha256(bytes(issued.pdf)).hexdigest() == issued.pdf_sha256
    claims = seal.verify(issued.seal, {key.key_id: key.public})
    assert (claims["cid"], claims["out"], claims["iss"]) == (issued.number, out, "KBL")
    assert issued.facts_hash == content.fingerprint(issued.facts)
    assert services.state_now(issued) == "valid"


def test_the_frozen_facts_are_those_that_were_signed(issued):
    signoff = SignOff.objects.get()
    assert issued.facts["decided_on"] == {
        "facts": signoff.facts,
        "facts_hash": signoff.facts_hash,
        "answer": signoff.answer,
    }
    issued.refresh_from_db()
    assert content.fingerprint(issued.facts) == issued.facts_hash


def test_no_health_in_the_code(issued, key):
    claims = seal.verify(issued.seal, {key.key_id: key.public})
    said = repr(claims).lower()
    for word in ("hiv", "syph", "pregn", "grade", "tb_", "normal", "reactive", "egfr"):
        assert word not in said
    assert claims["pid"] == {"n": "Gulalai Testi", "dob": "1990-05-10", "sex": "M", "dt": "P", "dn": "P07654321"}


def test_a_fit_to_travel_code_does_not_say_why_somebody_travels(kabul, cast, key):
    issued = services.issue(made.signed(kabul, cast, "returnee-avrr"), by=cast.phy)
    assert "prog" not in seal.verify(issued.seal, {key.key_id: key.public})
    assert "AVRR" not in services.file_name(issued) and services.file_name(issued).startswith("FTT_")


def test_the_running_count_has_no_gaps_and_each_site_its_own(kabul, herat, cast, key):
    first = [services.issue(made.signed(kabul, cast, number=f"P0000000{i}"), by=cast.phy) for i in range(2)]
    other = services.issue(made.signed(herat, cast, "uk-tb", by=cast.herat_phy, number="P00000009"), by=cast.herat_phy)
    assert [one.count for one in first] == [1, 2] and other.count == 1


def test_a_document_is_issued_once(issued, cast):
    again = services.issue(issued.screening, by=cast.phy)
    assert again.pk == issued.pk and Certificate.objects.count() == 1


@pytest.mark.parametrize("programme", ["us-refugee", "au-humanitarian", "nz-residence", "border-arrival"])
def test_results_that_travel_by_a_portal_have_no_document(programme, kabul, cast, key):
    screening = made.made.screening(kabul, cast.rec, programme)
    with pytest.raises(services.NotReady, match="portal"):
        services.issue(screening, by=cast.phy)


def refused(screening, cast, match):
    with pytest.raises(services.NotReady, match=match):
        services.issue(screening, by=cast.phy)
    assert not Certificate.objects.exists()


def test_nothing_is_issued_without_a_signature(kabul, cast, key):
    refused(made.ready(kabul, cast), cast, "Nobody has signed")


def test_nothing_is_issued_on_a_withdrawn_signature(kabul, cast, key):
    screening = made.signed(kabul, cast)
    decisions.withdraw(SignOff.objects.get(), by=cast.phy, because="Wrong person on the screen.")
    refused(screening, cast, "Nobody has signed")


def test_nothing_is_issued_when_the_outcome_is_not_cleared(kabul, cast, key):
    screening = made.ready(kabul, cast, "uk-tb")
    made.identify(screening.patient)
    decisions.judge(screening, code="tb_disease", reason="Sputum positive elsewhere.", by=cast.phy)
    decisions.sign(screening, by=cast.phy, on=kabul.today())
    refused(screening, cast, "not “cleared”")


def test_nothing_is_issued_without_consent_to_the_examination(kabul, cast, key):
    screening = made.signed(kabul, cast)
    consent = Consent.objects.get(screening=screening, purpose="examination")
    screenings.withdraw_consent(consent, because="She changed her mind.", by=cast.rec)
    refused(screening, cast, "no consent")


def test_nothing_is_issued_when_the_facts_changed_after_the_signature(kabul, cast, key):
    screening = made.signed(kabul, cast)
    made.change_a_fact(screening, cast)
    refused(screening, cast, "changed after the signature")


def test_a_note_after_the_signature_stops_nothing(kabul, cast, key):
    screening = made.signed(kabul, cast)
    made.write_a_note(screening)
    assert services.issue(screening, by=cast.phy).state == "valid"


def test_nothing_is_issued_without_a_photo(kabul, cast, key):
    screening = made.signed(kabul, cast)
    Photo.objects.all().delete()
    refused(screening, cast, "no photo")


def test_nothing_is_issued_for_a_journey_that_nobody_planned(kabul, cast, key):
    refused(made.signed(kabul, cast, "returnee-avrr", travel=False), cast, "travel plan")


def test_nothing_is_issued_to_somebody_who_is_not_fit(kabul, cast, key):
    screening = made.ready(kabul, cast, "returnee-avrr")
    made.identify(screening.patient)
    made.made.PhysicalExam.objects.filter(screening=screening).delete()
    made.made.exam(screening, cast.cli, conditions=[{"code": "unstable_angina"}], day=kabul.today())
    screenings.plan_travel(
        screening, departure=timezone.now() + datetime.timedelta(hours=20), from_country="TUR", by=cast.rec
    )
    decisions.sign(screening, by=cast.phy, on=kabul.today())
    refused(screening, cast, "F4")


def test_nothing_is_issued_after_the_validity(kabul, cast, key):
    refused(made.signed(kabul, cast, "uk-tb", days_ago=200), cast, "validity .* is over")


def test_without_a_key_nothing_is_issued(kabul, cast, key_file):
    refused(made.signed(kabul, cast), cast, "signing_key --create-if-missing")


def test_a_training_key_signs_no_real_document(kabul, cast, key_file):
    seal.create_key(key_file, training=True)
    refused(made.signed(kabul, cast), cast, "training key")


def test_a_training_clinic_issues_training_documents(kabul, cast, key_file, settings):
    settings.TRAINING = True
    key = seal.create_key(key_file, training=True)
    issued = services.issue(made.signed(kabul, cast), by=cast.phy)
    assert issued.training and issued.key_id.startswith("T")
    assert seal.verify(issued.seal, {key.key_id: key.public})["training"] is True


def test_a_document_that_cannot_be_printed_is_not_issued(kabul, cast, key):
    screening = made.signed(kabul, cast)
    Photo.objects.update(image=b"this is no picture")
    refused(screening, cast, "Take a new one")
    Photo.objects.update(image=made.photo())
    assert services.issue(screening, by=cast.phy).count == 1


@pytest.mark.django_db(transaction=True)
def test_a_double_click_makes_one_document(kabul, cast, key, partners):
    screening = made.signed(kabul, cast)
    made_by, start = [], threading.Barrier(2)

    def click():
        start.wait()
        try:
            made_by.append(services.issue(screening, by=cast.phy).pk)
        finally:
            connection.close()

    clicks = [threading.Thread(target=click) for _ in range(2)]
    for each in clicks:
        each.start()
    for each in clicks:
        each.join()
    assert len(made_by) == 2 and len(set(made_by)) == 1
    assert Certificate.objects.count() == Release.objects.count() == 1


# --- releasing


def test_a_document_goes_to_the_partner_with_agreement_and_consent(issued, partners):
    assert [release.organisation for release in issued.releases.all()] == [partners.canada]


def test_without_consent_nobody_gets_it_until_it_is_given(kabul, cast, key, partners):
    screening = made.signed(kabul, cast, consent=False)
    issued = services.issue(screening, by=cast.phy)
    assert not issued.releases.exists()
    made.made.consent(screening, cast.rec, "sharing", day=kabul.today())
    assert services.issue(screening, by=cast.phy).pk == issued.pk
    assert issued.releases.count() == 1


@pytest.mark.parametrize(
    ("days", "count"), [({"valid_to": -1}, 0), ({"valid_to": 0}, 1), ({"valid_from": 0}, 1), ({"valid_from": 1}, 0)]
)
def test_an_agreement_counts_on_its_days_only(days, count, kabul, cast, key, partners):
    agreement = partners.canada.agreements.get()
    for end, plus in days.items():
        setattr(agreement, end, kabul.today() + datetime.timedelta(days=plus))
    agreement.save()
    assert services.issue(made.signed(kabul, cast), by=cast.phy).releases.count() == count


# --- whether it still counts


def test_a_changed_fact_suspends_in_the_moment_it_is_saved(issued, cast):
    made.change_a_fact(issued.screening, cast)
    issued = Certificate.objects.get()
    assert issued.state == "valid" and services.state_now(issued) == "suspended"


def test_a_note_leaves_it_valid(issued):
    made.write_a_note(issued.screening)
    assert services.state_now(Certificate.objects.get()) == "valid"


def test_the_looping_command_writes_the_answer_down(issued, cast):
    made.write_a_note(issued.screening)
    assert Certificate.objects.marked().count() == 1
    call_command("work_documents", once=True)
    assert Certificate.objects.marked().count() == 0 and Certificate.objects.get().state == "valid"
    made.change_a_fact(issued.screening, cast)
    assert services.check_marked() == 1
    suspended = Certificate.objects.get()
    assert suspended.state == "suspended" and "facts changed" in suspended.state_because
    assert services.check_marked() == 0


def test_a_mark_on_the_person_counts_as_well(issued, cast):
    issued.screening.patient.facts_changed_at = timezone.now()
    issued.screening.patient.save(update_fields=["facts_changed_at"])
    assert Certificate.objects.marked().count() == 1


def test_a_withdrawn_signature_suspends(issued, cast):
    decisions.withdraw(SignOff.objects.get(), by=cast.phy, because="Signed the wrong person.")
    assert services.state_now(Certificate.objects.get()) == "suspended"


def test_a_new_signature_supersedes_the_old_document(issued, cast, kabul):
    decisions.withdraw(SignOff.objects.get(), by=cast.phy, because="A date was wrong.")
    decisions.sign(issued.screening, by=cast.phy, on=kabul.today())
    newer = services.issue(issued.screening, by=cast.phy)
    issued.refresh_from_db()
    assert newer.supersedes == issued and newer.number != issued.number and newer.count == 2
    assert (issued.state, newer.state) == ("superseded", "valid")


@pytest.mark.parametrize(("days_ago", "state"), [(0, "valid"), (-1, "expired")])
def test_a_document_expires_after_its_last_day(days_ago, state, issued, kabul):
    Certificate.objects.update(valid_until=kabul.today() + datetime.timedelta(days=days_ago))
    assert services.state_now(Certificate.objects.get()) == state


@pytest.mark.parametrize(("hours", "state"), [(71.9, "valid"), (72.1, "expired")])
def test_a_fit_to_travel_check_ends_with_the_hour(hours, state, kabul, cast, key):
    issued = services.issue(made.signed(kabul, cast, "returnee-avrr"), by=cast.phy)
    SignOff.objects.update(signed_at=timezone.now() - datetime.timedelta(hours=hours))
    assert services.state_now(Certificate.objects.get(pk=issued.pk)) == state


def test_a_compromised_key_suspends_what_it_signed(issued, key):
    assert services.mark_compromised(key.key_id, because="The stick was lost.") == 1
    assert services.state_now(Certificate.objects.get()) == "suspended"


# --- revoking


def test_another_person_revokes_and_says_why(issued, cast):
    services.revoke(issued, by=cast.mgr, because="The paper was given to the wrong person.")
    revoked = Certificate.objects.get()
    assert (revoked.state, revoked.revoked_by) == ("revoked", cast.mgr)
    assert revoked.state_because.startswith("The paper") and revoked.history.first().history_user == cast.mgr
    assert services.revoke(revoked, by=cast.mgr, because="Again.").state_because.startswith("The paper")


def test_nobody_revokes_what_she_issued(issued, cast):
    with pytest.raises(services.NotReady, match="yourself"):
        services.revoke(issued, by=cast.phy, because="I know better now.")
    with pytest.raises(IntegrityError), transaction.atomic():
        Certificate.objects.update(state="revoked", revoked_by=cast.phy)


def test_a_revocation_needs_a_reason(issued, cast):
    with pytest.raises(services.NotReady, match="why"):
        services.revoke(issued, by=cast.mgr, because="  ")


def test_a_revoked_document_can_be_issued_anew(issued, cast):
    services.revoke(issued, by=cast.mgr, because="Printed with a wrong name.")
    newer = services.issue(issued.screening, by=cast.phy)
    assert newer.pk != issued.pk and newer.state == "valid"


# --- handing out


def test_the_bytes_are_those_that_were_issued_and_who_took_them_is_known(issued, cast, partners):
    first = services.hand_out(Certificate.objects.get(), by=cast.rec)
    second = services.hand_out(Certificate.objects.get(), by=partners.canada_user, organisation=partners.canada)
    assert first == second == bytes(issued.pdf)
    assert [(taken.by, taken.organisation) for taken in Download.objects.order_by("id")] == [
        (cast.rec, None),
        (partners.canada_user, partners.canada),
    ]


def test_a_changed_file_is_not_handed_out(issued, cast):
    Certificate.objects.update(pdf=bytes(issued.pdf) + b" ")
    with pytest.raises(services.NotReady, match="administrator"):
        services.hand_out(Certificate.objects.get(), by=cast.rec)
    assert not Download.objects.exists()


def test_a_partner_gets_no_file_that_does_not_count(issued, cast, partners):
    made.change_a_fact(issued.screening, cast)
    with pytest.raises(services.NotReady, match="suspended"):
        services.hand_out(Certificate.objects.get(), by=partners.canada_user, organisation=partners.canada)
    assert services.hand_out(Certificate.objects.get(), by=cast.phy)


def test_file_names_are_plain(issued, kabul):
    assert services.file_name(issued) == f"CA_IME12345678_TESTI_{kabul.today()}.pdf"
    issued.screening.patient.family_name = 'Ünal/..\r\n";x'
    assert services.file_name(issued) == f"CA_IME12345678_UNAL-X_{kabul.today()}.pdf"
