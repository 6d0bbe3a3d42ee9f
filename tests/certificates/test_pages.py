"""The staff's pages about documents: who may issue, open, print and revoke, and what is written down about it."""

import hashlib
import uuid

import pytest
from django.urls import reverse

from mhac.accounts.models import Access
from mhac.certificates import listing, services
from mhac.certificates.models import Certificate, Download
from tests.certificates import made

pytestmark = pytest.mark.django_db


def at(name, row=None):
    return reverse(f"certificates:{name}", args=[row.pk] if row else [])


def bytes_of(response):
    return b"".join(response.streaming_content)


def test_a_physician_issues_and_sees_the_document(kabul, cast, key, as_user):
    screening = made.signed(kabul, cast)
    answer = as_user(cast.phy).post(at("issue", screening), follow=True)
    issued = Certificate.objects.get()
    assert answer.redirect_chain[-1][0] == at("document", issued)
    assert issued.number in answer.content.decode() and "is issued" in answer.content.decode()


def test_what_stands_against_issuing_is_shown_at_the_review(kabul, cast, key, as_user):
    screening = made.ready(kabul, cast)
    answer = as_user(cast.phy).post(at("issue", screening))
    assert answer.status_code == 302 and answer.url == reverse("desk:review", args=[screening.pk])
    assert not Certificate.objects.exists()


@pytest.mark.parametrize("role", ["cli", "rec", "lab", "rad", "mgr", "aud", "adm"])
def test_only_a_physician_issues(role, kabul, cast, key, as_user):
    screening = made.signed(kabul, cast)
    assert as_user(getattr(cast, role)).post(at("issue", screening)).status_code == 403
    assert not Certificate.objects.exists()


def test_a_physician_of_another_site_finds_no_screening(kabul, cast, key, as_user):
    assert as_user(cast.herat_phy).post(at("issue", made.signed(kabul, cast))).status_code == 404


def test_issuing_is_not_a_link(kabul, cast, key, as_user):
    assert as_user(cast.phy).get(at("issue", made.signed(kabul, cast))).status_code == 405


# --- printing


def test_the_file_comes_back_byte_for_byte_each_time(issued, cast, as_user, kabul):
    browser = as_user(cast.rec)
    first, second = browser.get(at("pdf", issued)), browser.get(at("pdf", issued))
    content = bytes_of(first)
    assert content == bytes_of(second) == bytes(issued.pdf)
    assert hashlib.sha256(content).hexdigest() == issued.pdf_sha256
    assert first["Content-Type"] == "application/pdf" and first["X-Content-Type-Options"] == "nosniff"
    assert first["Content-Disposition"] == f'attachment; filename="CA_IME12345678_TESTI_{kabul.today()}.pdf"'
    assert "no-store" in first["Cache-Control"]


def test_each_print_is_written_down(issued, cast, as_user):
    as_user(cast.rec).get(at("pdf", issued))
    taken = Download.objects.get()
    assert (taken.by, taken.organisation, taken.sha256) == (cast.rec, None, issued.pdf_sha256)
    access = Access.objects.get(action="print")
    assert (access.user, access.key, access.page) == (cast.rec, str(issued.pk), "certificates:pdf")


@pytest.mark.parametrize(("who", "status"), [("phy", 200), ("cli", 403), ("mgr", 403), ("lab", 403), ("adm", 403)])
def test_who_may_print(who, status, issued, cast, as_user):
    assert as_user(getattr(cast, who)).get(at("pdf", issued)).status_code == status


def test_another_site_finds_no_file(issued, cast, as_user):
    assert as_user(cast.herat_rec).get(at("pdf", issued)).status_code == 404
    assert not Download.objects.exists() and not Access.objects.exists()


def test_a_changed_file_is_refused_with_a_sentence(issued, cast, as_user):
    Certificate.objects.update(pdf=b"%PDF-1.7 something else")
    answer = as_user(cast.rec).get(at("pdf", issued), follow=True)
    assert "not the one that was issued" in answer.content.decode() and not Download.objects.exists()


def test_nobody_prints_without_signing_in(issued, client):
    answer = client.get(at("pdf", issued))
    assert answer.status_code == 302 and "sign-in" in answer.url


@pytest.mark.parametrize("name", ["document", "pdf"])
def test_a_key_that_nobody_has_is_not_found(name, cast, as_user):
    assert as_user(cast.phy).get(reverse(f"certificates:{name}", args=[uuid.uuid4()])).status_code == 404


# --- list and page


def test_the_list_shows_state_person_and_who_took_it(issued, cast, as_user):
    as_user(cast.rec).get(at("pdf", issued))
    text = as_user(cast.mgr).get(at("list")).content.decode()
    assert issued.number in text and "Gulalai Testi" in text and "valid" in text and cast.rec.full_name in text


def test_another_site_has_its_own_list(issued, cast, as_user):
    text = as_user(cast.herat_rec).get(at("list")).content.decode()
    assert issued.number not in text and "No document has been issued yet" in text


@pytest.mark.parametrize("who", ["lab", "rad", "aud", "adm"])
def test_who_may_not_see_the_list(who, cast, as_user):
    assert as_user(getattr(cast, who)).get(at("list")).status_code == 403


@pytest.mark.parametrize("typed", ["Gulalai", "IME12345678", "ime 12345678", "P07654321"])
def test_a_document_is_found_by_what_is_typed(typed, issued, cast, as_user):
    browser = as_user(cast.phy)
    assert issued.number in browser.get(at("list"), {"q": typed}).content.decode()
    assert issued.number not in browser.get(at("list"), {"q": "Somebodyelse"}).content.decode()


def test_a_document_is_found_by_its_number_with_and_without_dashes(issued, cast, as_user):
    for typed in (issued.number, issued.number.replace("-", "").lower()):
        assert f">{issued.number}<" in as_user(cast.phy).get(at("list"), {"q": typed}).content.decode()


def test_older_documents_follow_on_the_next_page(kabul, cast, key, as_user):
    older, newer = (services.issue(made.signed(kabul, cast, number=f"P0000000{i}"), by=cast.phy) for i in (1, 2))
    rows = Certificate.objects.without_file()
    first = listing.page_of(rows, {}, size=1)
    assert [each.row for each in first["documents"]] == [newer] and first["older"] == newer.pk
    second = listing.page_of(rows, {"before": str(first["older"])}, size=1)
    assert [each.row for each in second["documents"]] == [older] and second["older"] is None
    assert as_user(cast.phy).get(at("list"), {"before": "nonsense"}).status_code == 200


def test_the_list_asks_a_constant_number_of_questions(kabul, cast, key, as_user, django_assert_max_num_queries):
    browser = as_user(cast.phy)
    for i in range(3):
        services.issue(made.signed(kabul, cast, number=f"P0000000{i}"), by=cast.phy)
    services.issue(made.signed(kabul, cast, "returnee-avrr", number="P00000008"), by=cast.phy)
    with django_assert_max_num_queries(8):
        browser.get(at("list"))


def test_opening_a_document_is_written_down(issued, cast, as_user):
    answer = as_user(cast.cli).get(at("document", issued))
    assert answer.status_code == 200 and "Maple Test Authority" in answer.content.decode()
    assert Access.objects.get().page == "certificates:document"
    assert as_user(cast.herat_phy).get(at("document", issued)).status_code == 404


def test_a_suspended_document_names_everybody_to_tell(issued, cast, partners, as_user):
    as_user(partners.canada_user).get(reverse("portal:download", args=[issued.releases.get().pk]))
    made.change_a_fact(issued.screening, cast)
    text = as_user(cast.phy).get(at("document", issued)).content.decode()
    assert "suspended" in text and "Tell everybody who took it out" in text and "Maple Test Authority" in text


# --- revoking


def test_a_manager_revokes(issued, cast, as_user):
    answer = as_user(cast.mgr).post(at("revoke", issued), {"because": "Given to the wrong person."}, follow=True)
    assert "is revoked" in answer.content.decode()
    issued.refresh_from_db()
    assert (issued.state, issued.revoked_by) == ("revoked", cast.mgr)


def test_the_issuer_reads_whom_to_ask(issued, cast, as_user):
    answer = as_user(cast.phy).post(at("revoke", issued), {"because": "I was wrong."}, follow=True)
    assert "Ask another physician" in answer.content.decode()
    issued.refresh_from_db()
    assert issued.state == "valid"


@pytest.mark.parametrize("who", ["rec", "cli", "lab", "adm"])
def test_who_may_not_revoke(who, issued, cast, as_user):
    assert as_user(getattr(cast, who)).post(at("revoke", issued), {"because": "x"}).status_code == 403


def test_another_site_finds_nothing_to_revoke(issued, cast, as_user):
    assert as_user(cast.herat_phy).post(at("revoke", issued), {"because": "x"}).status_code == 404
