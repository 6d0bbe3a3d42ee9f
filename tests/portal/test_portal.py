"""The partner's window: own releases only, exact bytes, and nothing that no longer counts or may no longer be shared."""

import datetime
import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from mhac.accounts.models import Access
from mhac.certificates import services
from mhac.certificates.models import Certificate, Download, Release
from mhac.decisions import services as decisions
from mhac.decisions.models import SignOff
from mhac.portal import released
from mhac.screenings import services as screenings
from mhac.screenings.models import Consent
from tests.certificates import made
from tests.conftest import make_user

pytestmark = pytest.mark.django_db
LIST = "/partner/"


@pytest.fixture
def release(issued):
    return issued.releases.get()


@pytest.fixture
def canada(partners, as_user):
    return as_user(partners.canada_user)


def file_of(release):
    return reverse("portal:download", args=[release.pk])


def text(answer):
    return answer.content.decode()


def test_a_partner_sees_what_was_released_to_it(release, canada):
    said = text(canada.get(LIST))
    assert "Gulalai Testi" in said and "IME12345678" in said and release.certificate.number in said
    assert "valid" in said and "Maple Test Authority" in said
    assert 'action="/desk/find/' not in said


def test_a_partner_sees_nothing_of_another(release, partners, as_user):
    said = text(as_user(partners.uk_user).get(LIST))
    assert "Gulalai" not in said and "No document has been released to you yet" in said


def test_the_file_is_the_one_that_was_issued_each_time(release, canada, issued):
    first, second = (b"".join(canada.get(file_of(release)).streaming_content) for _ in range(2))
    assert first == second == bytes(issued.pdf)


def test_each_download_is_written_down(release, canada, partners):
    canada.get(file_of(release))
    taken = Download.objects.get()
    assert (taken.organisation, taken.by) == (partners.canada, partners.canada_user)
    access = Access.objects.get()
    assert (access.action, access.page, access.key) == ("download", "portal:download", str(release.certificate_id))
    assert access.note == "Maple Test Authority"
    assert "Download again" in text(canada.get(LIST))


@pytest.mark.parametrize("who", ["uk_user", "mission_user"])
def test_another_partner_finds_no_file(who, release, partners, as_user):
    assert as_user(getattr(partners, who)).get(file_of(release)).status_code == 404
    assert not Download.objects.exists() and not Access.objects.exists()


@pytest.mark.parametrize("who", ["rec", "cli", "phy", "mgr", "lab", "aud", "adm"])
def test_staff_have_no_business_in_the_portal(who, release, cast, as_user):
    browser = as_user(getattr(cast, who))
    assert browser.get(LIST).status_code == 403 and browser.get(file_of(release)).status_code == 403


def test_a_partner_without_an_organisation_finds_nothing(release, as_user):
    browser = as_user(make_user("stray", "PAR"))
    assert browser.get(LIST).status_code == 404 and browser.get(file_of(release)).status_code == 404


def test_a_partner_has_no_way_to_the_staff_s_pages(release, issued, canada):
    for name, args in (
        ("certificates:list", []),
        ("certificates:document", [issued.pk]),
        ("certificates:pdf", [issued.pk]),
    ):
        assert canada.get(reverse(name, args=args)).status_code == 403


def test_nobody_comes_in_without_signing_in(release, client):
    for address in (LIST, file_of(release)):
        assert client.get(address).status_code == 302


@pytest.mark.parametrize("other", [uuid.uuid4(), None], ids=["nothing", "the certificate"])
def test_a_key_of_something_else_is_not_found(other, release, canada):
    assert canada.get(reverse("portal:download", args=[other or release.certificate_id])).status_code == 404


# --- what stops a release


def test_a_withdrawn_consent_takes_the_document_away(release, canada, cast):
    consent = Consent.objects.get(purpose="sharing")
    screenings.withdraw_consent(consent, because="She does not want it any more.", by=cast.rec)
    assert canada.get(file_of(release)).status_code == 404
    assert "Gulalai" not in text(canada.get(LIST))


def test_an_ended_agreement_takes_the_document_away(release, canada, partners, kabul):
    partners.canada.agreements.update(valid_to=kabul.today() - datetime.timedelta(days=1))
    assert canada.get(file_of(release)).status_code == 404
    partners.canada.agreements.update(valid_to=kabul.today())
    assert canada.get(file_of(release)).status_code == 200


def test_a_withdrawn_release_is_gone(release, canada, kabul):
    Release.objects.update(withdrawn_at=timezone.now())
    assert canada.get(file_of(release)).status_code == 404


HAPPENINGS = [
    (lambda issued, cast: made.change_a_fact(issued.screening, cast), "suspended"),
    (lambda issued, cast: decisions.withdraw(SignOff.objects.get(), by=cast.phy, because="Wrong."), "suspended"),
    (lambda issued, cast: services.revoke(issued, by=cast.mgr, because="A secret reason."), "revoked"),
    (lambda issued, cast: Certificate.objects.update(state="superseded"), "replaced by a newer one"),
]


@pytest.mark.parametrize(("happening", "said"), HAPPENINGS)
def test_what_no_longer_counts_is_a_sentence_and_no_file(happening, said, release, canada, issued, cast):
    happening(issued, cast)
    answer = canada.get(file_of(release))
    assert answer.status_code == 409 and answer["Content-Type"].startswith("text/html")
    assert said in text(answer) and "secret" not in text(answer)
    assert not Download.objects.exists()
    listed = text(canada.get(LIST))
    assert "withheld" in listed and file_of(release) not in listed


def test_who_holds_a_copy_reads_that_it_no_longer_counts(release, canada, issued, cast):
    banner = "You hold copies that no longer count"
    canada.get(file_of(release))
    assert banner not in text(canada.get(LIST))
    made.change_a_fact(issued.screening, cast)
    services.check_marked()
    said = text(canada.get(LIST))
    assert banner in said and said.count(issued.number) == 2


def test_a_note_changes_nothing_for_the_partner(release, canada, issued):
    made.write_a_note(issued.screening)
    assert canada.get(file_of(release)).status_code == 200


def test_an_expired_document_can_still_be_filed(release, canada):
    Certificate.objects.update(valid_until=datetime.date(2026, 1, 1))
    assert canada.get(file_of(release)).status_code == 200
    assert "expired" in text(canada.get(LIST))


def test_the_newer_document_is_in_the_list(release, canada, issued, cast, kabul):
    decisions.withdraw(SignOff.objects.get(), by=cast.phy, because="A date was wrong.")
    decisions.sign(issued.screening, by=cast.phy, on=kabul.today())
    newer = services.issue(issued.screening, by=cast.phy)
    said = text(canada.get(LIST))
    assert newer.number in said and "superseded" in said
    assert canada.get(file_of(newer.releases.get())).status_code == 200


# --- the list


@pytest.mark.parametrize("q", ["Gulalai", "IME12345678"])
def test_the_list_can_be_searched(q, release, canada):
    assert "Gulalai" in text(canada.get(LIST, {"q": q}))
    assert "Gulalai Testi" not in text(canada.get(LIST, {"q": "Somebodyelse"}))


@pytest.mark.parametrize(
    ("state", "seen"), [("", True), ("valid", True), ("expired", False), ("gone", False), ("x", True)]
)
def test_the_list_can_be_filtered_by_state(state, seen, release, canada):
    assert ("Gulalai" in text(canada.get(LIST, {"state": state}))) is seen


def test_the_list_asks_a_constant_number_of_questions(release, canada, kabul, cast, django_assert_num_queries):
    with CaptureQueriesContext(connection) as one:
        canada.get(LIST)
    for i in range(3):
        services.issue(made.signed(kabul, cast, "ca", number=f"P1000000{i}", reference=f"IME0000000{i}"), by=cast.phy)
    with django_assert_num_queries(len(one)):
        said = text(canada.get(LIST))
    assert said.count('class="status') == 5 and len(one) <= 12  # four documents and the programme's state


def test_older_documents_follow_on_the_next_page(release, kabul, cast, partners):
    newer = services.issue(made.signed(kabul, cast, "ca", number="P10000001", reference="IME00000001"), by=cast.phy)
    first = released.page_of(partners.canada_user, partners.canada, {}, size=1)
    assert [line.row for line in first["released"]] == [newer]
    second = released.page_of(partners.canada_user, partners.canada, {"before": str(first["older"])}, size=1)
    assert [line.row for line in second["released"]] == [release.certificate] and second["older"] is None
