"""The access log as the auditor reads it: who, what kind, which key; page by page, and no content."""

import pytest
from django.urls import reverse

from mhac.accounts.models import Access
from mhac.accounts.views import PAGE
from tests.conftest import make_user

LOG = reverse("accounts:accesses")


def write(user, count=1, clinic=None, label="patients.patient", **fields):
    return [
        Access.objects.create(user=user, page="desk:patient", label=label, key=f"key-{n}", clinic=clinic, **fields)
        for n in range(count)
    ]


def shown(answer):
    return [row.pk for row in answer.context["rows"]]


def test_the_auditor_reads_who_opened_what(cast, kabul, as_user):
    write(cast.rec, clinic=kabul, note="word")
    text = as_user(cast.aud).get(LOG).content.decode()
    for seen in (str(cast.rec), "patients.patient", "key-0", "desk:patient", "Kabul", "word"):
        assert seen in text


def test_pages_follow_each_other_without_gap_or_repeat(cast, as_user):
    rows = write(cast.rec, count=2 * PAGE + 3)
    auditor, address, seen = as_user(cast.aud), LOG, []
    while address:
        answer = auditor.get(address)
        seen += shown(answer)
        # Somebody opens a record while the auditor turns the page.
        write(cast.cli)
        address = f"{LOG}?{answer.context['older']}" if answer.context["older"] else ""
    assert seen == sorted((row.pk for row in rows), reverse=True)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"user": "cli"}, 2),
        ({"user": " CLI "}, 2),
        ({"user": "nobody"}, 0),
        ({"label": "labs.specimen"}, 1),
        ({"label": "LABS.specimen"}, 1),
        ({"key": "key-0"}, 3),
        ({"user": "cli", "label": "labs.specimen"}, 1),
        ({"before": "no-key"}, 4),
    ],
)
def test_rows_are_looked_for_by_user_kind_and_key(cast, as_user, asked, found):
    write(cast.rec, count=2)
    write(cast.cli)
    write(cast.cli, label="labs.specimen")
    assert len(shown(as_user(cast.aud).get(LOG, asked))) == found


def test_the_filter_stays_when_the_page_is_turned(cast, as_user):
    write(cast.rec, count=PAGE + 1)
    write(cast.cli, count=PAGE + 1)
    older = as_user(cast.aud).get(LOG, {"user": "rec"}).context["older"]
    assert len(shown(as_user(cast.aud).get(f"{LOG}?{older}"))) == 1


def test_an_empty_log_says_so(cast, as_user):
    assert "Nothing was opened that fits." in as_user(cast.aud).get(LOG).content.decode()


def test_an_auditor_of_one_site_reads_that_site_s_log(cast, kabul, herat, as_user):
    write(cast.rec, clinic=kabul)
    theirs = write(cast.herat_rec, clinic=herat)
    answer = as_user(make_user("herat_auditor", "AUD", herat)).get(LOG)
    assert shown(answer) == [theirs[0].pk]


def test_a_long_log_costs_what_a_short_one_costs(cast, as_user, django_assert_max_num_queries):
    write(cast.rec, count=PAGE + 20)
    auditor = as_user(cast.aud)
    with django_assert_max_num_queries(7):
        auditor.get(LOG)


@pytest.mark.parametrize("role", ["rec", "cli", "phy", "rad", "lab", "lsu", "qco", "mgr", "dat", "pro", "adm"])
def test_the_log_is_the_auditor_s(cast, as_user, role):
    assert as_user(getattr(cast, role)).get(LOG).status_code == 403
