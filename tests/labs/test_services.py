"""From an order to a verified result: what the services do, and what they refuse."""

import datetime
import threading
from decimal import Decimal

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from mhac.clinics.numbers import is_checked
from mhac.labs import services
from mhac.labs.models import LabOrder, LabResult, Specimen, Test
from mhac.labs.services import Refused
from mhac.screenings.models import Screening
from tests.labs.conftest import days_ago


def states(screening):
    """(test, number of the series, state) of every order."""
    rows = LabOrder.objects.filter(screening=screening).values_list("test__key", "nth", "state")
    return sorted(rows)


def age_specimens(screening):
    """Move what was taken so far three days back, as if the days had passed."""
    for each in Specimen.objects.filter(screening=screening):
        each.collected_at -= datetime.timedelta(days=3)
        each.save(update_fields=["collected_at"])


def settle(scene, order, text):
    """Receive, enter and verify one order."""
    order.refresh_from_db()
    specimen = order.specimen
    if specimen.state == Specimen.State.COLLECTED:
        services.receive(specimen, by=scene.cast.lab)
    return services.verify(services.enter(order, text=text, by=scene.cast.lab), by=scene.cast.lsu)


# Orders


def test_an_item_is_ordered_once_with_the_rules_that_ask_for_it(scene):
    screening = scene.ordered("hiv", "chest_xray")
    assert states(screening) == [("hiv_combo", 1, "ordered")]
    assert LabOrder.objects.get().because == "RULE-TEST"
    assert services.order(screening, items={"hiv": {"X"}}, by=scene.cast.phy) == []


def test_three_sputa_and_the_molecular_test_on_the_first(scene):
    screening = scene.ordered("sputum")
    assert states(screening) == [
        ("afb", 1, "ordered"),
        ("afb", 2, "ordered"),
        ("afb", 3, "ordered"),
        ("myco_cult", 1, "ordered"),
        ("myco_cult", 2, "ordered"),
        ("myco_cult", 3, "ordered"),
        ("xpert_mtb", 1, "ordered"),
        ("xpert_rif", 1, "ordered"),
    ]


def test_nothing_is_ordered_for_a_screening_that_is_signed(scene):
    screening = scene.screening()
    Screening.objects.filter(pk=screening.pk).update(state="signed")
    with pytest.raises(Refused, match="This screening is signed"):
        scene.ordered("hiv", screening=screening)


def test_nothing_is_ordered_without_a_catalogue(scene):
    Test.objects.update(active=False)
    with pytest.raises(Refused, match="load_catalogue"):
        scene.ordered("hiv")


def test_an_answered_item_that_is_asked_again_is_ordered_again(scene):
    screening = scene.screening()
    specimens = scene.received("hiv", screening=screening)
    settle(scene, scene.order_of("hiv_combo", specimens), "indet")
    scene.ordered("hiv", screening=screening)
    assert states(screening) == [("hiv_combo", 1, "verified"), ("hiv_combo", 2, "ordered")]


# Collection


def test_one_specimen_for_each_kind_of_tube(scene):
    specimens = scene.collected("hiv", "syphilis", "creatinine", "blood_count", "urinalysis")
    tubes = {each.tube: sorted(each.orders.values_list("test__key", flat=True)) for each in specimens}
    assert tubes == {
        "serum": ["crea", "hiv_combo", "rpr", "tpha"],
        "edta": ["hb", "plt", "wbc"],
        "urine": ["ua_blood", "ua_glucose", "ua_protein"],
    }
    numbers = {each.accession for each in specimens}
    assert len(numbers) == 3
    assert all(is_checked(number) and number.startswith("KBL") for number in numbers)


def test_the_four_tubes_of_a_quantiferon_have_a_number_each(scene):
    (specimen,) = scene.collected("tb_test")
    numbers = dict(specimen.tubes.values_list("tube", "number"))
    assert set(numbers) == {"nil", "tb1", "tb2", "mitogen"}
    assert len({specimen.accession, *numbers.values()}) == 5


def test_no_specimen_without_a_compared_face(scene):
    screening = scene.ordered("hiv")
    orders = LabOrder.objects.filter(screening=screening)
    with pytest.raises(Refused, match="Nobody has compared Zamir Testzada with the photo"):
        services.collect(screening, orders=orders, by=scene.cast.lab)
    scene.face(screening, confirmed=False)
    with pytest.raises(Refused, match="Ask the site manager"):
        services.collect(screening, orders=orders, by=scene.cast.lab)
    screening = scene.ordered("hiv", screening=scene.screening(given="Laila", family="Namuna"))
    orders = LabOrder.objects.filter(screening=screening)
    scene.face(screening)
    with pytest.raises(Refused, match="Compare the face first"):
        services.collect(screening, orders=orders, by=scene.cast.lab, at=days_ago(1))
    services.collect(screening, orders=orders, by=scene.cast.lab)
    assert not Specimen.objects.exclude(collected_by=scene.cast.lab).exists()


def test_a_face_compared_at_another_station_is_not_enough(scene):
    from mhac.patients.services import confirm_identity

    screening = scene.ordered("hiv")
    confirm_identity(screening.patient, station="reception", by=scene.cast.rec)
    with pytest.raises(Refused, match="at specimen collection today"):
        services.collect(screening, orders=LabOrder.objects.all(), by=scene.cast.lab)


def test_collecting_twice_takes_one_specimen(scene):
    screening = scene.ordered("hiv")
    orders = list(LabOrder.objects.filter(screening=screening))
    scene.face(screening)
    services.collect(screening, orders=orders, by=scene.cast.lab)
    with pytest.raises(Refused, match="is not waiting for collection any more"):
        services.collect(screening, orders=orders, by=scene.cast.lab)
    assert Specimen.objects.count() == 1


def test_orders_of_another_person_are_not_collected(scene):
    other = scene.ordered("hiv", screening=scene.screening(given="Laila"))
    screening = scene.ordered("hiv")
    scene.face(screening)
    with pytest.raises(Refused, match="No tube was chosen"):
        services.collect(screening, orders=LabOrder.objects.filter(screening=other), by=scene.cast.lab)


def test_one_sputum_a_day(scene):
    screening = scene.ordered("sputum")
    scene.face(screening)
    first = LabOrder.objects.filter(screening=screening, nth=1)
    with pytest.raises(Refused, match="Only one sputum container a day counts"):
        services.collect(screening, orders=LabOrder.objects.filter(screening=screening), by=scene.cast.lab)
    (specimen,) = services.collect(screening, orders=first, by=scene.cast.lab)
    assert specimen.orders.count() == 4
    second = LabOrder.objects.filter(screening=screening, nth=2)
    with pytest.raises(Refused, match="Only one sputum container a day counts"):
        services.collect(screening, orders=second, by=scene.cast.lab)
    age_specimens(screening)
    (specimen,) = services.collect(screening, orders=second, by=scene.cast.lab)
    assert sorted(specimen.orders.values_list("test__key", flat=True)) == ["afb", "myco_cult"]


def test_no_specimen_is_taken_for_a_withdrawn_screening(scene):
    screening = scene.ordered("hiv")
    scene.face(screening)
    Screening.objects.filter(pk=screening.pk).update(state="withdrawn")
    with pytest.raises(Refused, match="withdrawn: no specimen can be taken"):
        services.collect(screening, orders=LabOrder.objects.all(), by=scene.cast.lab)


# Custody


def test_a_tube_is_received_once(scene):
    (specimen,) = scene.collected("hiv")
    received = services.receive(specimen, by=scene.cast.lab2)
    assert (received.state, received.received_by) == ("received", scene.cast.lab2)
    with pytest.raises(Refused, match=f"{specimen} was already received, by Lab2"):
        services.receive(specimen, by=scene.cast.lab)


def test_a_rejected_tube_is_collected_again_and_cannot_be_received(scene):
    (specimen,) = scene.received("syphilis")
    order = scene.order_of("rpr", [specimen])
    result = services.enter(order, text="nr", by=scene.cast.lab)
    again = services.reject(specimen, because="clotted", by=scene.cast.lab)
    assert {each.test.key for each in again} == {"rpr", "tpha"}
    assert all(each.state == "ordered" and each.specimen is None and each.because == "RULE-TEST" for each in again)
    result.refresh_from_db()
    assert (result.state, result.rejected_because) == ("rejected", "specimen rejected: clotted")
    with pytest.raises(Refused, match=r"was rejected \(clotted\)\. Throw it away"):
        services.receive(specimen, by=scene.cast.lab)
    with pytest.raises(Refused, match="it can have no result"):
        services.enter(order, text="nr", by=scene.cast.lab)
    with pytest.raises(Refused, match="is rejected already"):
        services.reject(specimen, because="clotted", by=scene.cast.lab)


def test_a_tube_is_rejected_for_a_reason_of_the_list(scene):
    (specimen,) = scene.collected("hiv")
    with pytest.raises(Refused, match="Choose why"):
        services.reject(specimen, because="mood", by=scene.cast.lab)


def test_a_tube_with_verified_results_is_not_rejected(scene):
    (specimen,) = scene.received("syphilis")
    settle(scene, scene.order_of("rpr", [specimen]), "nr")
    with pytest.raises(Refused, match="has verified results"):
        services.reject(specimen, because="clotted", by=scene.cast.lab)


def test_nothing_is_ordered_again_for_somebody_who_withdrew(scene):
    (specimen,) = scene.collected("hiv")
    Screening.objects.filter(pk=specimen.screening_id).update(state="withdrawn")
    assert services.reject(specimen, because="leaked", by=scene.cast.lab) == []


# Results


def test_a_typed_result_waits_for_another_person(scene):
    result = scene.entered("blood_count", "hb", "۷٫۰")
    assert (result.number, result.unit, result.as_sent, result.shown) == (Decimal("7.0"), "g/dL", "۷٫۰", "7.0")
    assert (result.critical, result.state, result.source, result.version) == (True, "filed", "typed", 1)
    assert LabOrder.objects.get(pk=result.order_id).state == "resulted"


def test_a_result_needs_a_received_tube(scene):
    order = scene.order_of("hiv_combo", scene.collected("hiv"))
    with pytest.raises(Refused, match="has not been received"):
        services.enter(order, text="nr", by=scene.cast.lab)


def test_a_result_is_entered_once(scene):
    result = scene.entered("hiv", "hiv_combo", "nr")
    with pytest.raises(Refused, match="To change a result that is there, correct it"):
        services.enter(result.order, text="r", by=scene.cast.lab2)


def test_a_result_of_nothing_collected_is_refused(scene):
    screening = scene.ordered("hiv")
    with pytest.raises(Refused, match="is not waiting for a result"):
        services.enter(LabOrder.objects.get(screening=screening), text="nr", by=scene.cast.lab)


def test_a_bad_text_is_refused_in_a_sentence_and_files_nothing(scene):
    order = scene.order_of("hb", scene.received("blood_count"))
    with pytest.raises(Refused, match="write the decimal mark as a point"):
        services.enter(order, text="13,5", by=scene.cast.lab)
    assert not LabResult.objects.exists()


def test_verified_is_final_and_named(scene):
    result = scene.entered("hiv", "hiv_combo", "nr")
    verified = services.verify(result, by=scene.cast.lsu)
    assert (verified.state, verified.verified_by, verified.order.state) == ("verified", scene.cast.lsu, "verified")
    with pytest.raises(Refused, match="was already verified, by Lsu"):
        services.verify(result, by=scene.cast.lsu)


def test_a_number_that_cannot_be_is_not_verified(scene):
    result = scene.entered("creatinine", "crea", "30")
    LabResult.objects.filter(pk=result.pk).update(number=Decimal("31"))
    with pytest.raises(Refused, match=r"31 cannot be.*have the test repeated"):
        services.verify(result, by=scene.cast.lsu)


def test_a_preliminary_value_is_not_verified_but_corrected_or_replaced(scene):
    result = scene.entered("creatinine", "crea", "0.8")
    LabResult.objects.filter(pk=result.pk).update(status="P", source="analyzer", entered_by=None)
    with pytest.raises(Refused, match="is preliminary"):
        services.verify(result, by=scene.cast.lsu)
    final = services.correct(result, text="0.9", because="final on paper", by=scene.cast.lab)
    assert services.verify(final, by=scene.cast.lsu).status == "C"


def test_a_result_ends_a_failed_run(scene):
    order = scene.order_of("crea", scene.received("creatinine"))
    LabOrder.objects.filter(pk=order.pk).update(run_failed=True)
    services.enter(order, text="0.9", by=scene.cast.lab)
    assert not LabOrder.objects.get(pk=order.pk).run_failed


def test_a_rejected_result_waits_for_another_run(scene):
    result = scene.entered("hiv", "hiv_combo", "nr")
    with pytest.raises(Refused, match="Say why"):
        services.reject_result(result, because=" ", by=scene.cast.lsu)
    services.reject_result(result, because="control line missing", by=scene.cast.lsu)
    with pytest.raises(Refused, match="no longer counts"):
        services.verify(result, by=scene.cast.lsu)
    second = services.enter(result.order, text="r", by=scene.cast.lab)
    assert (second.version, LabOrder.objects.get(pk=result.order_id).state) == (2, "resulted")


def test_a_verified_result_is_taken_back_by_a_supervisor_only(scene):
    result = services.verify(scene.entered("blood_count", "hb", "14"), by=scene.cast.lsu)
    with pytest.raises(PermissionDenied, match="Only a laboratory supervisor"):
        services.reject_result(result, because="wrong tube", by=scene.cast.lab)
    services.reject_result(result, because="wrong tube", by=scene.cast.lsu)
    assert LabOrder.objects.get(pk=result.order_id).state == "collected"
    with pytest.raises(Refused, match="no longer counts"):
        services.reject_result(result, because="again", by=scene.cast.lsu)


def test_a_correction_is_a_new_version_to_verify_again(scene):
    result = services.verify(scene.entered("creatinine", "crea", "0.9"), by=scene.cast.lsu)
    with pytest.raises(Refused, match="Say why"):
        services.correct(result, text="9", because="", by=scene.cast.lab)
    with pytest.raises(Refused, match="cannot be"):
        services.correct(result, text="99", because="typed one digit", by=scene.cast.lab)
    new = services.correct(result, text="2.9", because="typed one digit", by=scene.cast.lab)
    result.refresh_from_db()
    assert (result.state, result.rejected_because) == ("superseded", "typed one digit")
    assert (new.version, new.status, new.state, new.number) == (2, "C", "filed", Decimal("2.9"))
    assert LabOrder.objects.get(pk=result.order_id).state == "resulted"
    with pytest.raises(Refused, match="no longer counts"):
        services.correct(result, text="3", because="again", by=scene.cast.lab)
    assert services.verify(new, by=scene.cast.lsu).state == "verified"


def test_every_step_marks_the_facts_of_the_screening(scene):
    result = scene.entered("creatinine", "crea", "0.9")
    screening = result.screening
    for step in (
        lambda: services.verify(result, by=scene.cast.lsu),
        lambda: services.correct(result, text="1.0", because="typed wrong", by=scene.cast.lab),
    ):
        before = Screening.objects.get(pk=screening.pk).facts_changed_at
        step()
        assert Screening.objects.get(pk=screening.pk).facts_changed_at > before


def test_history_says_who_and_why(scene):
    result = services.verify(scene.entered("creatinine", "crea", "0.9"), by=scene.cast.lsu)
    services.correct(result, text="1.0", because="typed wrong", by=scene.cast.lab)
    rows = result.history.order_by("history_date").values_list(
        "state", "history_user__username", "history_change_reason"
    )
    assert [(state, who, why or "") for state, who, why in rows] == [
        ("filed", "lab", ""),
        ("verified", "lsu", ""),
        ("superseded", "lab", "typed wrong"),
    ]


# What hangs on a value


@pytest.mark.parametrize(
    ("rpr", "tpha", "extra"),
    [("nr", "nr", set()), ("r", "r", {"rpr_titre"}), ("r", "nr", {"rpr_titre"}), ("nr", "r", {"tppa"})],
)
def test_syphilis_asks_for_a_titre_or_a_second_method_on_the_same_tube(scene, rpr, tpha, extra):
    (specimen,) = scene.received("syphilis")
    settle(scene, scene.order_of("rpr", [specimen]), rpr)
    settle(scene, scene.order_of("tpha", [specimen]), tpha)
    added = specimen.orders.exclude(test__key__in=["rpr", "tpha"])
    assert {(each.test.key, each.state, each.item) for each in added} == {
        (key, "collected", "syphilis") for key in extra
    }


def test_resistance_is_left_out_where_nothing_was_detected(scene):
    screening = scene.ordered("sputum")
    scene.face(screening)
    specimens = services.collect(screening, orders=LabOrder.objects.filter(nth=1), by=scene.cast.lab)
    settle(scene, scene.order_of("xpert_mtb", specimens), "nd")
    assert LabOrder.objects.get(specimen=specimens[0], test__key="xpert_rif").state == "cancelled"


@pytest.mark.parametrize("second_taken", [False, True])
@pytest.mark.parametrize(("text", "repeated"), [("trace", True), ("invalid", True), ("low", False), ("nd", False)])
def test_a_molecular_test_that_proves_nothing_is_made_on_the_next_sputum(scene, text, repeated, second_taken):
    screening = scene.ordered("sputum")
    scene.face(screening)
    specimens = services.collect(screening, orders=LabOrder.objects.filter(nth=1), by=scene.cast.lab)
    age_specimens(screening)
    if second_taken:
        services.collect(screening, orders=LabOrder.objects.filter(nth=2), by=scene.cast.lab)
    settle(scene, scene.order_of("xpert_mtb", specimens), text)
    added = LabOrder.objects.filter(screening=screening, nth=2, test__key__startswith="xpert")
    state = "collected" if second_taken else "ordered"
    assert sorted((each.test.key, each.state) for each in added) == (
        [("xpert_mtb", state), ("xpert_rif", state)] if repeated else []
    )


def sputum_series(scene, cultures):
    """A screening whose sputa, one a day, grew `cultures`; everything else negative."""
    screening = scene.ordered("sputum")
    scene.face(screening)
    for nth, culture in enumerate(cultures, 1):
        age_specimens(screening)
        services.collect(screening, orders=LabOrder.objects.filter(screening=screening, nth=nth), by=scene.cast.lab)
        for order in LabOrder.objects.filter(screening=screening, nth=nth).exclude(test__key="xpert_rif"):
            if order.test.key == "myco_cult":
                Specimen.objects.filter(pk=order.specimen_id).update(collected_at=days_ago(60 + 3 - nth))
            settle(scene, order, {"afb": "neg", "xpert_mtb": "nd", "myco_cult": culture}[order.test.key])
    return screening


def test_a_contaminated_sputum_is_made_good_by_as_many_as_are_missing(scene):
    screening = sputum_series(scene, ["contaminated", "negative", "contaminated"])
    new = services.order(screening, items={"sputum": {"US-TB-07"}}, by=scene.cast.phy)
    assert sorted((each.test.key, each.nth) for each in new) == [
        ("afb", 4),
        ("afb", 5),
        ("myco_cult", 4),
        ("myco_cult", 5),
    ]


def test_drugs_are_tested_on_what_grew(scene):
    screening = sputum_series(scene, ["negative", "mtb", "mtb"])
    grew = LabOrder.objects.get(screening=screening, test__key="myco_cult", nth=2).specimen
    new = services.order(screening, items={"dst": {"US-TB-08"}}, by=scene.cast.phy)
    assert {each.test.key for each in new} == {"dst_inh", "dst_rif", "dst_emb", "dst_pza"}
    assert all(each.specimen == grew and each.state == "collected" for each in new)


# A second person


def test_nobody_verifies_what_she_entered(scene):
    result = scene.entered("creatinine", "crea", "0.9", by=scene.cast.lsu)
    with pytest.raises(Refused, match="You entered Creatinine yourself: it needs another person"):
        services.verify(result, by=scene.cast.lsu)
    with pytest.raises(IntegrityError, match="nobody_verifies_what_she_entered"), transaction.atomic():
        result.state, result.verified_by, result.verified_at = "verified", scene.cast.lsu, timezone.now()
        result.save()


# source, test, text, who may verify it
MAY_VERIFY = [
    ("typed", "crea", "0.9", {"lsu"}),
    ("typed", "hiv_combo", "nr", {"lsu"}),
    ("analyzer", "crea", "0.9", {"lsu", "lab", "lab2"}),
    ("analyzer", "crea", "5.0", {"lsu"}),
    ("analyzer", "hiv_combo", "nr", {"lsu"}),
    ("analyzer", "hbsag", "nr", {"lsu"}),
    ("analyzer", "qft_nil", "0.1", {"lsu"}),
]


@pytest.mark.parametrize(("source", "test", "text", "allowed"), MAY_VERIFY)
@pytest.mark.parametrize("who", ["lsu", "lab", "lab2", "phy", "rec", "herat_lab", "adm"])
def test_who_may_verify(scene, source, test, text, allowed, who):
    items = {"crea": "creatinine", "hiv_combo": "hiv", "hbsag": "hepatitis_b", "qft_nil": "tb_test"}
    result = scene.entered(items[test], test, text, by=scene.cast.mgr)
    LabResult.objects.filter(pk=result.pk).update(source=source, entered_by=None)
    by = getattr(scene.cast, who)
    if who in allowed:
        assert services.verify(result, by=by).state == "verified"
    else:
        with pytest.raises(PermissionDenied, match=r"needs a laboratory supervisor|may not verify"):
            services.verify(result, by=by)


@pytest.mark.django_db(transaction=True)
def test_two_verifiers_at_once_make_one_verification(scene):
    result = scene.entered("creatinine", "crea", "0.9")
    LabResult.objects.filter(pk=result.pk).update(source="analyzer", entered_by=None)
    gate, outcomes = threading.Barrier(2), []

    def verify(who):
        try:
            gate.wait()
            outcomes.append(services.verify(result, by=who).verified_by.username)
        except Refused as refusal:
            outcomes.append(str(refusal))
        finally:
            connection.close()

    threads = [threading.Thread(target=verify, args=(who,)) for who in (scene.cast.lab2, scene.cast.lsu)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    result.refresh_from_db()
    assert sorted(outcome in {"lab2", "lsu"} for outcome in outcomes) == [False, True]
    assert any("was already verified, by" in outcome for outcome in outcomes)
    assert result.history.filter(state="verified").count() == 1
