import contextlib
import datetime
import threading
from decimal import Decimal

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mhac.decisions import facts, ledger, services
from mhac.decisions.models import Judgement, SignOff
from mhac.exams.models import ChestXray
from mhac.labs.catalogue import load
from mhac.labs.models import LabOrder
from mhac.screenings.models import Screening, TravelPlan

from . import made

DAY = made.DAY
NotReady = services.NotReady


def again(screening):
    return Screening.objects.whole().get(pk=screening.pk)


# --- Orders ---------------------------------------------------------------------------------------------------------


def test_what_is_due_is_ordered_once_with_its_rule(kabul, cast):
    load()
    screening = made.screening(kabul, cast.rec)
    ordered = services.order_due(screening, by=cast.phy)
    assert sorted({order.item for order in ordered}) == ["creatinine", "hiv", "syphilis", "urinalysis"]
    assert {order.because for order in ordered if order.item == "hiv"} == {"CA-05"}
    assert services.order_due(screening, by=cast.phy) == []
    assert LabOrder.objects.filter(screening=screening).count() == len(ordered)


def test_a_finished_screening_needs_no_order(kabul, cast):
    assert services.order_due(made.ready(kabul, cast), by=cast.phy) == []


def test_a_proposed_item_waits_for_a_physician(kabul, cast):
    load()
    screening = made.screening(kabul, cast.rec)
    made.film(screening, cast.rad, ["infiltrate"])
    assert "sputum" not in {order.item for order in services.order_due(screening, by=cast.phy)}
    services.judge(screening, code="order", item="sputum", reason="The scars look fresh", by=cast.phy)
    ordered = services.order_due(screening, by=cast.phy)
    assert {order.item for order in ordered} == {"sputum"}
    assert {order.because for order in ordered} == {"CA-09, DEC-1"}


def test_nothing_is_ordered_for_a_signed_screening(kabul, cast):
    screening = made.ready(kabul, cast)
    services.sign(screening, by=cast.phy, on=DAY)
    with pytest.raises(NotReady, match="This screening is signed"):
        services.order_due(screening, by=cast.phy)


def test_an_empty_catalogue_is_a_sentence(kabul, cast):
    screening = made.screening(kabul, cast.rec)
    with pytest.raises(NotReady, match="laboratory has no tests yet"):
        services.order_due(screening, by=cast.phy)


# --- Judgements -----------------------------------------------------------------------------------------------------


def test_a_judgement_needs_a_reason(kabul, cast):
    screening = made.screening(kabul, cast.rec)
    with pytest.raises(NotReady, match="Write the reason"):
        services.judge(screening, code="order", item="sputum", reason="  ", by=cast.phy)
    assert not Judgement.objects.exists()


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"code": "order", "item": "tea"}, "Choose the item"),
        ({"code": "order", "item": "sputum"}, "ordered already"),
        ({"code": "tb_disease"}, "The opposite decision stands"),
        ({"code": "use_age", "age": 12}, "The age is known"),
        ({"code": "grade", "grade": "A"}, "never lowered"),
        ({"code": "grade", "grade": "B"}, "raised already"),
    ],
)
def test_judgements_that_are_refused(kabul, cast, said, sentence):
    screening = made.screening(kabul, cast.rec)
    services.judge(screening, code="order", item="sputum", reason="First", by=cast.phy)
    services.judge(screening, code="no_tb_disease", reason="First", by=cast.phy)
    services.judge(screening, code="grade", grade="B", reason="First", by=cast.phy)
    with pytest.raises(NotReady, match=sentence):
        services.judge(screening, reason="Second", by=cast.phy, **said)


@pytest.mark.parametrize(("age", "taken"), [(9, False), (10, True), (11, True), (12, False), (None, False)])
def test_an_age_is_chosen_inside_the_interval(kabul, cast, age, taken):
    earliest, latest = datetime.date(2015, 1, 1), datetime.date(2015, 12, 31)
    patient = made.person(kabul, born_earliest=earliest, born_latest=latest, birth_precision="year")
    screening = made.screening(kabul, cast.rec, patient=patient)
    made.history(screening, cast.cli)
    if not taken:
        with pytest.raises(NotReady, match="from 10 to 11"):
            services.judge(screening, code="use_age", age=age, reason="School report", by=cast.phy)
        return
    assert "age_ambiguous" in ledger.of(screening, on=DAY).answer["warnings"]
    services.judge(screening, code="use_age", age=age, reason="School report", by=cast.phy)
    found = ledger.of(screening, on=DAY)
    assert "age_ambiguous" not in found.answer["warnings"]
    assert ("chest_xray" in found.answer["required"]) == (age == 11)


def test_a_programme_without_grades_takes_none(kabul, cast):
    screening = made.screening(kabul, cast.rec, "uk-tb")
    with pytest.raises(NotReady, match="gives no grade"):
        services.judge(screening, code="grade", grade="B", reason="Because", by=cast.phy)


def test_a_judgement_is_taken_back_with_a_reason_and_stays_written(kabul, cast):
    screening = made.screening(kabul, cast.rec)
    judgement = services.judge(screening, code="tb_disease", reason="Cavity", by=cast.phy)
    assert ledger.of(screening, on=DAY).state == "not_cleared"
    with pytest.raises(NotReady, match="Write why"):
        services.take_back(judgement, because="", by=cast.phy)
    services.take_back(judgement, because="Film of somebody else", by=cast.phy)
    assert ledger.of(screening, on=DAY).state == "incomplete"
    assert Judgement.objects.get().withdrawn_at is not None
    assert Judgement.history.first().history_change_reason == "Film of somebody else"
    services.take_back(judgement, because="Again", by=cast.phy)
    assert Judgement.history.count() == 2


def test_a_judgement_marks_the_screening(kabul, cast):
    screening = made.screening(kabul, cast.rec)
    services.judge(screening, code="no_tb_disease", reason="Cultures", by=cast.phy)
    assert again(screening).facts_changed_at is not None


# --- The grade ------------------------------------------------------------------------------------------------------


def test_a_physician_raises_a_grade_and_nobody_lowers_it(kabul, cast):
    screening = made.ready(kabul, cast)
    assert ledger.of(screening, on=DAY).grade == "A"
    raised = services.judge(screening, code="grade", grade="B", reason="Looks frail", by=cast.phy)
    assert ledger.of(screening, on=DAY).grade == "B"
    with pytest.raises(NotReady, match="never lowered"):
        services.judge(screening, code="grade", grade="A", reason="Changed my mind", by=cast.phy)
    with pytest.raises(NotReady, match="never lowered"):
        services.take_back(raised, because="Changed my mind", by=cast.phy)
    assert ledger.of(screening, on=DAY).grade == "B"


def test_a_grade_from_a_finding_is_not_lowered_either(kabul, cast):
    screening = made.ready(kabul, cast)
    ChestXray.objects.filter(screening=screening).update(findings=["cardiac"])
    assert ledger.of(screening, on=DAY).grade == "B"
    with pytest.raises(NotReady, match="never lowered"):
        services.judge(screening, code="grade", grade="A", reason="It is nothing", by=cast.phy)
    assert ledger.of(screening, on=DAY).grade == "B"


MOVES = st.lists(st.sampled_from(["raise", "lower", "take back", "order", "no disease"]), max_size=8)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(finding=st.sampled_from([[], ["cardiac"]]), moves=MOVES)
def test_no_sequence_of_decisions_lowers_a_grade(kabul, cast, finding, moves):
    screening = made.ready(kabul, cast)
    ChestXray.objects.filter(screening=screening).update(findings=finding)
    attempts = {
        "raise": lambda: services.judge(screening, code="grade", grade="B", reason="Frail", by=cast.phy),
        "lower": lambda: services.judge(screening, code="grade", grade="A", reason="Well", by=cast.phy),
        "take back": lambda: services.take_back(screening.judgements.last(), because="Well", by=cast.phy),
        "order": lambda: services.judge(screening, code="order", item="hiv", reason="Again", by=cast.phy),
        "no disease": lambda: services.judge(screening, code="no_tb_disease", reason="Old", by=cast.phy),
    }
    before = ledger.of(screening, on=DAY).grade
    for move in moves:
        if move == "take back" and not screening.judgements.exists():
            continue
        with contextlib.suppress(NotReady):
            attempts[move]()
        now = ledger.of(screening, on=DAY).grade
        assert (before, now) != ("B", "A")
        before = now


@pytest.mark.parametrize(
    ("raised", "comment", "sentence"),
    [
        (False, "", None),
        (False, "All well", "Grade A takes no comment"),
        (True, "", "Grade B needs a comment"),
        (True, "Frail; see the physician's letter", None),
    ],
)
def test_a_b_is_explained_and_an_a_is_not(kabul, cast, raised, comment, sentence):
    screening = made.ready(kabul, cast)
    if raised:
        services.judge(screening, code="grade", grade="B", reason="Looks frail", by=cast.phy)
    if sentence:
        with pytest.raises(NotReady, match=sentence):
            services.sign(screening, by=cast.phy, on=DAY, comment=comment)
        assert again(screening).is_open
        return
    signoff = services.sign(screening, by=cast.phy, on=DAY, comment=comment)
    assert (signoff.grade, signoff.comment) == ("B" if raised else "A", comment)
    assert "comment_required" not in signoff.answer["warnings"]
    assert services.recheck(screening)


# --- The signature --------------------------------------------------------------------------------------------------


def test_a_signature_keeps_what_it_was_made_on(kabul, cast):
    screening = made.ready(kabul, cast)
    signoff = services.sign(screening, by=cast.phy, on=DAY)
    stored = SignOff.objects.get()
    assert again(screening).state == "signed"
    assert (stored.outcome, stored.grade, stored.valid_until) == ("cleared", "A", datetime.date(2027, 11, 21))
    assert (stored.signed_by, stored.signed_on, stored.edition) == (cast.phy, DAY, screening.edition)
    assert stored.facts == facts.of(screening, on=DAY)
    assert services.facts_hash(stored.facts) == stored.facts_hash == signoff.facts_hash
    assert stored.answer["required"] == [
        "chest_xray",
        "creatinine",
        "history",
        "hiv",
        "physical_exam",
        "syphilis",
        "urinalysis",
    ]
    assert Screening.history.filter(id=screening.pk).first().history_user == cast.phy


def test_an_open_item_stops_the_signature_by_name(kabul, cast):
    screening = made.ready(kabul, cast)
    made.order(
        screening, "hiv_combo", "hiv", made.tube(screening, cast.lab, at=made.NOON + datetime.timedelta(1)), nth=2
    )
    with pytest.raises(NotReady, match=r"^Still open: HIV\.$"):
        services.sign(screening, by=cast.phy, on=DAY)
    assert not SignOff.objects.exists()


def test_a_result_that_waits_stops_the_signature(kabul, cast):
    screening = made.ready(kabul, cast)
    made.result(made.order(screening, "glu", "", made.tube(screening, cast.lab, "fluoride")), number=95)
    with pytest.raises(NotReady, match=r"wait for verification: Glucose"):
        services.sign(screening, by=cast.phy, on=DAY)


def test_contradicting_records_stop_the_signature(kabul, cast):
    screening = made.ready(kabul, cast)
    made.film(screening, cast.rad, day=datetime.date(1980, 1, 1))
    with pytest.raises(NotReady, match="contradict each other: 1980-01-01 is before the birth"):
        services.sign(screening, by=cast.phy, on=DAY)


def test_without_a_licence_nobody_signs(kabul, cast):
    cast.phy.licence = ""
    with pytest.raises(NotReady, match="Only a licensed physician signs"):
        services.sign(made.ready(kabul, cast), by=cast.phy, on=DAY)


def test_a_bar_is_signed_as_not_cleared(kabul, cast):
    screening = made.screening(kabul, cast.rec)
    services.judge(screening, code="tb_disease", reason="Cavity and a positive smear elsewhere", by=cast.phy)
    signoff = services.sign(screening, by=cast.phy, on=DAY)
    assert (signoff.outcome, signoff.grade, signoff.valid_until) == ("not_cleared", "", None)


def test_a_judgement_comes_before_the_signature(kabul, cast):
    screening = made.screening(kabul, cast.rec)
    made.history(screening, cast.cli)
    made.exam(screening, cast.cli)
    made.film(screening, cast.rad, ["infiltrate"])
    made.laboratory(screening, cast)
    with pytest.raises(NotReady, match=r"A judgement is needed first\. Decide about: Second chest x-ray, Sputum"):
        services.sign(screening, by=cast.phy, on=DAY)


def test_a_birthday_between_examination_and_signature_is_named(kabul, cast):
    screening = made.ready(kabul, cast, patient=made.person(kabul, born=datetime.date(2011, 11, 22)))
    services.sign(screening, by=cast.phy, on=DAY)
    other = made.ready(kabul, cast, patient=made.person(kabul, born=datetime.date(2011, 11, 22)))
    with pytest.raises(NotReady, match="A birthday changed what is asked for"):
        services.sign(other, by=cast.phy, on=DAY + datetime.timedelta(days=1))


def test_nobody_signs_twice(kabul, cast):
    screening = made.ready(kabul, cast)
    services.sign(screening, by=cast.phy, on=DAY)
    with pytest.raises(NotReady, match="Phy signed this screening on 2026-11-21"):
        services.sign(screening, by=cast.herat_phy, on=DAY)
    assert SignOff.objects.count() == 1


def test_fit_to_travel_is_part_of_what_is_signed(kabul, cast):
    screening = made.ready(kabul, cast, "returnee-avrr")
    departure = made.NOON + datetime.timedelta(days=1)
    TravelPlan.objects.create(screening=screening, departure=departure, from_country="DEU", recorded_by=cast.cli)
    signoff = services.sign(screening, by=cast.phy, on=DAY)
    assert signoff.answer["fit_to_travel"] == {"category": "F1", "conditions": [], "rules": ["FTT-CAT"]}


# --- Withdrawing and looking again ----------------------------------------------------------------------------------


def test_a_signature_is_withdrawn_with_a_reason_and_the_screening_opens(kabul, cast):
    screening = made.ready(kabul, cast)
    signoff = services.sign(screening, by=cast.phy, on=DAY)
    with pytest.raises(NotReady, match="Write why"):
        services.withdraw(signoff, by=cast.phy, because=" ")
    services.withdraw(signoff, by=cast.phy, because="Signed the wrong person")
    signoff.refresh_from_db()
    assert (signoff.withdrawn_by, signoff.withdrawn_because) == (cast.phy, "Signed the wrong person")
    assert again(screening).is_open
    assert not services.recheck(screening)
    services.sign(screening, by=cast.phy, on=DAY)
    assert SignOff.objects.count() == 2
    assert services.recheck(screening)


def test_a_signature_under_a_newer_screening_stays(kabul, cast):
    screening = made.ready(kabul, cast)
    signoff = services.sign(screening, by=cast.phy, on=DAY)
    made.screening(kabul, cast.rec, patient=screening.patient)
    with pytest.raises(NotReady, match="has a newer open screening"):
        services.withdraw(signoff, by=cast.phy, because="Something")
    assert again(screening).state == "signed"


def test_nothing_changed_and_nobody_computes(kabul, cast, django_assert_num_queries):
    screening = made.ready(kabul, cast)
    services.sign(screening, by=cast.phy, on=DAY)
    with django_assert_num_queries(1):
        assert services.recheck(screening)


def test_a_harmless_change_holds_and_a_finding_does_not(kabul, cast):
    screening = made.ready(kabul, cast)
    services.sign(screening, by=cast.phy, on=DAY)
    made.vitals(screening, cast.cli, weight_kg=Decimal("71"))
    assert services.recheck(screening)
    film = ChestXray.objects.get(screening=screening)
    film.findings = ["infiltrate"]
    film.save()
    assert not services.recheck(screening)
    film.findings = []
    film.save()
    assert services.recheck(screening)


def test_a_corrected_result_is_noticed(kabul, cast):
    screening = made.ready(kabul, cast)
    services.sign(screening, by=cast.phy, on=DAY)
    order = LabOrder.objects.get(screening=screening, test__key="hiv_combo")
    old = order.results.get()
    old.state = "superseded"
    old.save()
    corrected = made.result(order, coded="reactive", version=2, status="C")
    assert not services.recheck(screening)
    corrected.state, corrected.verified_by, corrected.verified_at = "verified", cast.lsu, made.NOON
    corrected.coded = "nonreactive"
    corrected.save()
    assert services.recheck(screening)


def test_facts_that_cannot_be_read_any_more_do_not_hold(kabul, cast):
    screening = made.ready(kabul, cast)
    services.sign(screening, by=cast.phy, on=DAY)
    made.film(screening, cast.rad, day=datetime.date(1980, 1, 1))
    assert not services.recheck(screening)


# --- At the same moment ---------------------------------------------------------------------------------------------


def at_once(*calls):
    """Run the calls together in threads of their own connections; what each returned or raised."""
    barrier, answers = threading.Barrier(len(calls)), [None] * len(calls)

    def run(place, call):
        try:
            barrier.wait(10)
            answers[place] = call()
        except NotReady as refusal:
            answers[place] = refusal
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return answers


@pytest.mark.django_db(transaction=True)
def test_two_physicians_at_once_leave_one_signature(kabul, cast):
    for _ in range(5):
        screening = made.ready(kabul, cast)
        first, second = at_once(
            lambda screening=screening: services.sign(screening, by=cast.phy, on=DAY),
            lambda screening=screening: services.sign(screening, by=cast.herat_phy, on=DAY),
        )
        assert sorted([isinstance(first, SignOff), isinstance(second, SignOff)]) == [False, True]
        refusal = second if isinstance(first, SignOff) else first
        assert "signed this screening" in str(refusal)
        assert SignOff.objects.filter(screening=screening).count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_result_that_arrives_while_she_signs_is_seen_before_or_after(kabul, cast):
    """Either it came first and the signature was refused, or the signature came first and the recheck notices."""
    for _ in range(5):
        screening = made.ready(kabul, cast)
        film = ChestXray.objects.get(screening=screening)
        film.findings = ["cavity"]
        signed, _saved = at_once(
            lambda screening=screening: services.sign(screening, by=cast.phy, on=DAY), lambda film=film: film.save()
        )
        if isinstance(signed, SignOff):
            assert signed.facts["findings"]["chest_xray"][0]["findings"] == []
            assert not services.recheck(screening)
        else:
            assert "A judgement is needed first" in str(signed)
