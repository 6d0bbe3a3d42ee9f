"""Whose tube a strange number was: what the machine suggests, what one person proposes and another confirms."""

import datetime

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from lab_integration import by_hand
from lab_integration.models import Proposal, ReceivedMessage
from mhac.labs import services as labs
from mhac.labs.models import LabResult
from mhac.labs.suggestions import like

from .conftest import make_analyzer, make_specimen, result
from .test_inbox import take

pytestmark = pytest.mark.django_db
BORN = datetime.date(1994, 3, 2)


@pytest.fixture
def analyzer(kabul, catalogue):
    return make_analyzer(kabul)


@pytest.fixture
def tube(analyzer, cast, catalogue):
    return make_specimen(analyzer.clinic, cast.cli, [catalogue["alt"]])


def naming(text, pid):
    return text.replace("PID|1\r", f"PID|1|{pid}\r")


OURS = "KBL2600012M"


@pytest.mark.parametrize(
    ("sent", "kind", "parts", "written"),
    [
        ("KBL2600042M", "differs", ("4", "1"), ()),
        ("KBL2600102M", "swapped", ("10", "01"), ()),
        ("KBL2600021M", "swapped", ("21", "12"), ()),
        ("KBL260012M", "zeros", ("", "0"), ()),
        ("KBL2612M", "zeros", ("", "000"), ()),
        ("KBL2600012", "no_check", ("", "M"), ()),
        ("2600012M", "no_site", ("", "KBL"), ()),
        ("KBL260002M", "missing", ("", "1"), ()),
        ("KBL26000412M", "extra", ("4", ""), ()),
        ("KBL2600012M-01", "added", ("…01", ""), ("spaces",)),
        ("kbl2600012m", "written", ("", ""), ("case",)),
        ("KBL۲۶۰۰۰۱۲M", "written", ("", ""), ("digits",)),
        (" KBL 2600012M", "written", ("", ""), ("spaces",)),
        ("KBL2600012M\u202e", "written", ("", ""), ("unseen",)),
        ("kbl2600042m", "differs", ("4", "1"), ("case",)),
        (OURS, None, (), ()),
        ("", None, (), ()),
        ("KBL", None, (), ()),
        ("KBL2600043M", None, (), ()),
        ("9" * 5000, None, (), ()),
        ("Ahmad Zahir", None, (), ()),
    ],
)
def test_one_slip_is_alike_and_two_are_not(sent, kind, parts, written):
    found = like(sent, OURS)
    if kind is None:
        assert found is None
    else:
        assert (found.kind, (found.sent, found.ours), found.written) == (kind, parts, written)


def slip(number):
    """The number with its last digit changed: a slip that its check character catches."""
    return number[:-2] + ("4" if number[-2] != "4" else "9") + number[-1]


def suggested(as_user, who, row):
    return as_user(who).get(reverse("lab_integration:message", args=[row.pk])).context["strangers"][0][1]


def test_a_tube_is_suggested_with_what_speaks_for_it(as_user, cast, analyzer, tube):
    observed = timezone.now()
    type(tube).objects.filter(pk=tube.pk).update(collected_at=observed - datetime.timedelta(minutes=40, seconds=5))
    text = result(slip(tube.accession))
    text = naming(text, "|||Ahmadi^Zahra||19940302|F").replace("PANEL\r", f"PANEL|||{observed:%Y%m%d%H%M%S}+0000\r")
    row = take(analyzer, text)
    (found, reasons), *more = suggested(as_user, cast.lab, row)
    assert (found.accession, more) == (tube.accession, [])
    assert reasons[1:] == ["birth date agrees", "sex agrees", "initials agree", "test ordered", reasons[-1]]
    assert reasons[0].startswith("one sign differs: ")
    assert reasons[-1] == "collected 40 minutes before"
    page = as_user(cast.lab).get(reverse("lab_integration:inbox"), {"tab": "lines"})
    assert f'Perhaps <bdi class="code" dir="ltr">{tube.accession}</bdi>' in page.text
    assert LabResult.objects.count() == 0


@pytest.mark.parametrize(
    "pid",
    ["|||Ahmadi^Zahra||19940303|F", "|||Ahmadi^Zahra||19940302|M", "|||Karimi^Zahra||19940302|F"],
    ids=["birth date", "sex", "initials"],
)
def test_a_tube_of_somebody_else_is_not_suggested(as_user, cast, analyzer, tube, pid):
    assert suggested(as_user, cast.lab, take(analyzer, naming(result(slip(tube.accession)), pid))) == []


def test_neither_is_one_without_the_test_nor_one_collected_later(as_user, cast, analyzer, tube):
    assert suggested(as_user, cast.lab, take(analyzer, result(slip(tube.accession), code="GLU", unit="mmol/L"))) == []
    early = timezone.now() - datetime.timedelta(minutes=8)
    text = result(slip(tube.accession), number="2").replace("PANEL\r", f"PANEL|||{early:%Y%m%d%H%M%S}+0000\r")
    assert suggested(as_user, cast.lab, take(analyzer, text)) == []


def test_nor_one_of_another_site_or_one_that_waits_for_nothing(as_user, cast, analyzer, tube, herat, catalogue):
    far = make_specimen(herat, cast.herat_lab, [catalogue["alt"]])
    assert suggested(as_user, cast.lab, take(analyzer, result(slip(far.accession)))) == []
    tube.orders.update(state="verified")
    assert suggested(as_user, cast.lab, take(analyzer, result(slip(tube.accession), number="2"))) == []


def test_at_most_three_are_suggested_the_surest_first(cast, analyzer, catalogue):
    tubes = [make_specimen(analyzer.clinic, cast.cli, [catalogue["alt"]]) for _number in range(30)]
    body = tubes[0].accession[:-2]
    alike = [one for one in tubes if one.accession[:-2] == body]
    stranger = labs.Stranger(body + "?" + alike[0].accession[-1], labs.Person(BORN), tests=frozenset({"alt"}))
    found = labs.likely([stranger], clinic=analyzer.clinic, now=timezone.now())[stranger]
    assert len(found) <= 3
    assert found[0].agrees == ("birth_date",)


def right(tube, **changes):
    return {
        "accession": tube.accession.lower(),
        "birth_date": "1994-03-02",
        "because": "Label read at the rack.",
    } | changes


def test_a_technician_proposes_and_a_supervisor_confirms(as_user, cast, analyzer, tube):
    row = take(analyzer, result(slip(tube.accession)))
    line = row.lines.get()
    url = reverse("lab_integration:propose", args=[line.pk])
    page = as_user(cast.lab).post(url, right(tube), follow=True)
    assert "Proposed. Somebody else confirms it" in page.text
    assert LabResult.objects.count() == 0
    made = Proposal.objects.get()
    confirm = reverse("lab_integration:confirm", args=[made.pk])
    assert as_user(cast.lab).post(confirm).status_code == 403
    assert tube.accession in as_user(cast.lsu).get(reverse("lab_integration:inbox"), {"tab": "proposals"}).text
    assert "Confirmed: the rows are that tube" in as_user(cast.lsu).post(confirm, follow=True).text
    filed = LabResult.objects.get()
    assert (filed.order.specimen, filed.entered_by) == (tube, cast.lab)
    line.refresh_from_db()
    assert (line.state, line.chosen_by, line.specimen_id) == ("FILED", cast.lsu, slip(tube.accession))
    assert ReceivedMessage.objects.get().state == "PROCESSED"
    assert "Somebody has decided this proposal already." in as_user(cast.lsu).post(confirm, follow=True).text
    assert "do not wait for a specimen any more" in as_user(cast.lab).post(url, right(tube), follow=True).text
    assert LabResult.objects.count() == 1


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"birth_date": "1994-03-03"}, "do not belong together"),
        ({"birth_date": "", "initials": "KA"}, "do not belong together"),
        ({"birth_date": "", "initials": ""}, "Give the birth date of the person, or the initials."),
        ({"initials": "زا"}, "Write two Latin letters"),
        ({"accession": "KBL2600099X"}, "No specimen has the number KBL2600099X"),
        ({"accession": "9" * 40}, "That is no number of a tube."),
        ({"because": ""}, "This field is required."),
    ],
)
def test_what_cannot_be_confirmed_is_not_proposed(as_user, cast, analyzer, tube, changes, told):
    line = take(analyzer, result(slip(tube.accession))).lines.get()
    url = reverse("lab_integration:propose", args=[line.pk])
    assert told in as_user(cast.lab).post(url, right(tube, **changes), follow=True).text
    assert (Proposal.objects.count(), LabResult.objects.count()) == (0, 0)


@pytest.mark.parametrize("pid", ["|||||19940303|", "||||||M"])
def test_a_proposal_against_what_the_analyzer_says_is_refused(as_user, cast, analyzer, tube, pid):
    line = take(analyzer, naming(result(slip(tube.accession)), pid)).lines.get()
    url = reverse("lab_integration:propose", args=[line.pk])
    assert "The analyzer names another person" in as_user(cast.lab).post(url, right(tube), follow=True).text
    assert Proposal.objects.count() == 0


def test_initials_do_where_the_birth_date_is_not_known(cast, analyzer, tube):
    patient = tube.screening.patient
    type(patient).objects.filter(pk=patient.pk).update(born_latest=datetime.date(1994, 12, 31))
    line = take(analyzer, result(slip(tube.accession))).lines.get()
    with pytest.raises(by_hand.Refused, match="Nobody wrote down that identifier"):
        by_hand.propose(line, tube.accession, birth_date=BORN, by=cast.lab, because="label read")
    made = by_hand.propose(line, tube.accession, birth_date=None, initials="ZA", by=cast.lab, because="label read")
    by_hand.confirm(made, by=cast.lsu)
    assert LabResult.objects.get().order.specimen == tube


def test_nobody_confirms_her_own_proposal(as_user, cast, analyzer, tube):
    line = take(analyzer, result(slip(tube.accession))).lines.get()
    as_user(cast.lsu).post(reverse("lab_integration:propose", args=[line.pk]), right(tube))
    made = Proposal.objects.get()
    page = as_user(cast.lsu).post(reverse("lab_integration:confirm", args=[made.pk]), follow=True)
    assert "You proposed this yourself: it needs another person." in page.text
    made.state, made.decided_by = "confirmed", cast.lsu
    with pytest.raises(IntegrityError), transaction.atomic():
        made.save()
    assert LabResult.objects.count() == 0


def test_a_proposal_can_be_refused_and_taken_back_and_made_anew(as_user, cast, analyzer, tube):
    line = take(analyzer, result(slip(tube.accession))).lines.get()
    url = reverse("lab_integration:propose", args=[line.pk])
    as_user(cast.lab).post(url, right(tube))
    assert "A proposal for these rows waits already." in as_user(cast.lab2).post(url, right(tube), follow=True).text
    refuse = reverse("lab_integration:refuse", args=[Proposal.objects.get().pk])
    assert as_user(cast.lab2).post(refuse, {"because": "not mine to say"}).status_code == 404
    as_user(cast.lab).post(refuse, {"because": "I misread the label."})
    as_user(cast.lab).post(url, right(tube))
    refuse = reverse("lab_integration:refuse", args=[Proposal.objects.waiting().get().pk])
    as_user(cast.lsu).post(refuse, {"because": "The rack says otherwise."})
    assert list(Proposal.objects.values_list("state", "decided_by")) == [
        ("refused", cast.lab.pk),
        ("refused", cast.lsu.pk),
    ]
    line.refresh_from_db()
    assert (line.state, LabResult.objects.count()) == ("UNMATCHED_SPECIMEN", 0)


def test_a_proposal_whose_rows_found_their_order_waits_no_more(cast, analyzer, tube):
    line = take(analyzer, result(slip(tube.accession))).lines.get()
    made = by_hand.propose(line, tube.accession, birth_date=BORN, by=cast.lab, because="label read")
    by_hand.dismiss(line.message, by=cast.lsu, because="the run was repeated")
    assert list(Proposal.objects.waiting()) == []
    with pytest.raises(by_hand.Refused, match="do not wait for a specimen any more"):
        by_hand.confirm(made, by=cast.lsu)


def test_another_site_proposes_nothing_here(as_user, cast, analyzer, tube):
    line = take(analyzer, result(slip(tube.accession))).lines.get()
    made = by_hand.propose(line, tube.accession, birth_date=BORN, by=cast.lab, because="label read")
    client = as_user(cast.herat_lab)
    assert client.post(reverse("lab_integration:propose", args=[line.pk]), right(tube)).status_code == 404
    assert client.post(reverse("lab_integration:refuse", args=[made.pk]), {"because": "not here"}).status_code == 404
    assert as_user(cast.rec).post(reverse("lab_integration:propose", args=[line.pk]), right(tube)).status_code == 403
