import datetime
import json
from decimal import Decimal

import pytest
from django.test.utils import CaptureQueriesContext

from mhac.decisions import facts, laboratory
from mhac.exams.models import Pregnancy
from mhac.patients.models import IdentityDocument
from mhac.protocols.facts import read
from mhac.screenings.models import TravelPlan

from . import made

DAY, NOON = made.DAY, made.NOON


def test_nothing_recorded_states_nothing(kabul, cast):
    screening = made.screening(kabul, cast.rec)
    stated = facts.of(screening, on=DAY)
    assert stated == {
        "id": str(screening.pk),
        "programme": "ca",
        "examined": "2026-11-21",
        "tb_incidence_per_100k": 185,
        "person": {
            "born": "1990-05-10",
            "birth_precision": "day",
            "birth_source": "passport",
            "sex": "male",
        },
        "history": {},
        "findings": {},
    }
    read(stated)


def test_a_whole_screening_reads_as_the_contract_wants(kabul, cast):
    screening = made.ready(kabul, cast)
    IdentityDocument.objects.create(
        patient=screening.patient, kind="passport", number="P99999999", expires_on=datetime.date(2030, 1, 1)
    )
    made.face(screening, cast.rec)
    made.consent(screening, cast.rec)
    stated = facts.of(screening, on=DAY)
    assert stated["history"] == {"known_hiv": False, "tb_signs": [], "tb_history": [], "tb_contacts": [], "risks": []}
    assert stated["person"]["passport_expires"] == "2030-01-01"
    found = stated["findings"]
    assert found["physical_exam"] == {"conditions": []}
    assert found["clinician_review"] == found["symptom_screen"] == found["identity"] == {"date": "2026-11-21"}
    assert found["consent"] == {"date": "2026-11-21"}
    assert found["chest_xray"] == [{"date": "2026-11-21", "findings": []}]
    assert found["vitals"] == {"weight_kg": 70.5, "height_cm": 172}
    assert found["nutrition"] == {"bmi_kg_m2": 23.8304}
    assert found["hiv"] == {"drawn": "2026-11-21", "result": "nonreactive"}
    assert found["urinalysis"] == {"date": "2026-11-21", "result": "normal"}
    assert found["creatinine"] == {"drawn": "2026-11-21", "mg_dl": 0.9}
    assert found["syphilis"]["nontreponemal"]["result"] == "nonreactive"
    assert found["syphilis"]["treponemal"][0] == found["syphilis"]["nontreponemal"] | {"method": "tpha"}
    assert read(stated).findings.creatinine.mg_dl == Decimal("0.9")


def test_facts_survive_the_database(kabul, cast):
    """What a sign-off stores is what it was decided on: the same text before and after."""
    stated = facts.of(made.ready(kabul, cast), on=DAY)
    assert json.loads(json.dumps(stated)) == stated


@pytest.mark.parametrize(
    "written", ["0.35", "0.3499999999", "70.50", "8.0", "0.1", "12345.1234567891", "0", "1234567", "7.7", "0.0001"]
)
def test_numbers_stay_exact(written):
    value = Decimal(written)
    back = json.loads(json.dumps(laboratory.json_number(value)), parse_float=Decimal)
    assert Decimal(back) == value
    assert Decimal(str(laboratory.json_number(value))) == value


def test_one_screening_and_fifty_cost_the_same(kabul, cast, django_assert_num_queries, db):
    def counted(screenings):
        from django.db import connection

        with CaptureQueriesContext(connection) as queries:
            facts.of_many(screenings, on=DAY)
        return len(queries)

    first = made.ready(kabul, cast)
    one = counted([first])
    many = [first] + [made.ready(kabul, cast) for _ in range(4)]
    assert counted(many) == one
    assert one <= 13


# --- Days ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("exam", "asked", "examined", "signed_off"),
    [
        (None, None, "2026-11-25", None),
        (None, datetime.date(2026, 11, 22), "2026-11-22", "2026-11-25"),
        (datetime.date(2026, 11, 23), datetime.date(2026, 11, 22), "2026-11-23", "2026-11-25"),
        (datetime.date(2026, 11, 25), None, "2026-11-25", None),
    ],
)
def test_the_day_of_the_examination(kabul, cast, exam, asked, examined, signed_off):
    screening = made.screening(kabul, cast.rec)
    if exam:
        made.exam(screening, cast.cli, day=exam)
    if asked:
        made.history(screening, cast.cli, taken_on=asked)
    stated = facts.of(screening, on=datetime.date(2026, 11, 25))
    assert stated["examined"] == examined
    assert stated.get("signed_off") == signed_off


def test_a_specimen_belongs_to_the_day_at_the_site(kabul, cast):
    screening = made.screening(kabul, cast.rec)
    late = datetime.datetime(2026, 11, 20, 20, 0, tzinfo=datetime.UTC)  # half past midnight in Kabul
    made.order(screening, "hiv_combo", "hiv", made.tube(screening, cast.lab, at=late))
    assert facts.of(screening, on=DAY)["findings"]["hiv"] == {"drawn": "2026-11-21"}


@pytest.mark.parametrize(
    ("asked_on", "stated"),
    [
        (DAY, {"weeks": 12, "days": 6}),
        (DAY - datetime.timedelta(days=1), {"weeks": 13, "days": 0}),
        (DAY + datetime.timedelta(days=1), {"weeks": 12, "days": 5}),
    ],
)
def test_gestation_is_brought_to_the_day_of_the_examination(kabul, cast, asked_on, stated):
    screening = made.screening(kabul, cast.rec, patient=made.person(kabul, sex="female"))
    made.exam(screening, cast.cli)
    Pregnancy.objects.create(screening=screening, asked_on=asked_on, pregnant=True, weeks=12, days=6, by=cast.cli)
    found = facts.of(screening, on=DAY)["person"]["pregnancy"]
    assert found == {"pregnant": True, **stated}


def test_not_pregnant_is_stated_and_not_asked_is_not(kabul, cast):
    screening = made.screening(kabul, cast.rec, patient=made.person(kabul, sex="female"))
    assert "pregnancy" not in facts.of(screening, on=DAY)["person"]
    Pregnancy.objects.create(screening=screening, asked_on=DAY, pregnant=False, by=cast.cli)
    assert facts.of(screening, on=DAY)["person"]["pregnancy"] == {"pregnant": False}


def test_a_birth_known_only_as_an_interval(kabul, cast):
    earliest, latest = datetime.date(1992, 3, 21), datetime.date(1993, 3, 20)
    patient = made.person(
        kabul, born_earliest=earliest, born_latest=latest, birth_precision="year", birth_source="stated"
    )
    stated = facts.of(made.screening(kabul, cast.rec, patient=patient), on=DAY)["person"]
    assert stated["born_between"] == ["1992-03-21", "1993-03-20"]
    assert "born" not in stated
    assert stated["birth_precision"] == "year"


# --- Identity, consent, measurements, travel ------------------------------------------------------------------------


def test_the_last_look_at_the_face_counts(kabul, cast):
    screening = made.screening(kabul, cast.rec)
    made.face(screening, cast.rec, day=DAY - datetime.timedelta(days=400))
    assert "identity" not in facts.of(screening, on=DAY)["findings"]
    made.face(screening, cast.rec)
    assert facts.of(screening, on=DAY)["findings"]["identity"] == {"date": "2026-11-21"}
    made.face(screening, cast.rec, confirmed=False)
    assert "identity" not in facts.of(screening, on=DAY)["findings"]


def test_a_withdrawn_consent_is_none(kabul, cast):
    screening = made.screening(kabul, cast.rec)
    made.consent(screening, cast.rec, purpose="sharing")
    assert "consent" not in facts.of(screening, on=DAY)["findings"]
    made.consent(screening, cast.rec, withdrawn_on=DAY)
    assert "consent" not in facts.of(screening, on=DAY)["findings"]


def test_the_newest_measurement_of_each_kind_counts(kabul, cast):
    screening = made.screening(kabul, cast.rec)
    made.vitals(screening, cast.cli, spo2_percent=97, muac_mm=130)
    later = NOON + datetime.timedelta(hours=1)
    made.vitals(screening, cast.cli, measured_at=later, weight_kg=Decimal("71.00"), height_cm=None, spo2_percent=93)
    found = facts.of(screening, on=DAY)["findings"]
    assert found["vitals"] == {"weight_kg": 71, "height_cm": 172, "spo2_percent": 93}
    assert found["nutrition"]["muac_mm"] == 130


def test_travel_is_told_with_its_hour(kabul, cast):
    screening = made.screening(kabul, cast.rec, "returnee-avrr")
    TravelPlan.objects.create(
        screening=screening, departure=NOON, needs=["wheelchair"], from_country="DEU", recorded_by=cast.cli
    )
    travel = facts.of(screening, on=DAY)["travel"]
    assert travel == {
        "departure": "2026-11-21T12:00:00+04:30",
        "pec_signed": "2026-11-21",
        "mode": "air",
        "from": "DEU",
        "needs": ["wheelchair"],
    }
    signed = facts.of(screening, on=DAY, signing_at=NOON)["travel"]["pec_signed"]
    assert signed == "2026-11-21T12:00:00+04:30"


# --- The laboratory -------------------------------------------------------------------------------------------------


def test_only_verified_final_results_are_stated(kabul, cast):
    screening = made.screening(kabul, cast.rec)
    hiv = made.order(screening, "hiv_combo", "hiv")
    assert "hiv" not in facts.of(screening, on=DAY)["findings"]
    hiv.specimen, hiv.state = made.tube(screening, cast.lab), "collected"
    hiv.save()
    assert facts.of(screening, on=DAY)["findings"]["hiv"] == {"drawn": "2026-11-21"}
    filed = made.result(hiv, coded="nonreactive")
    assert facts.of(screening, on=DAY)["findings"]["hiv"] == {"drawn": "2026-11-21"}
    filed.state, filed.verified_by, filed.verified_at, filed.status = "verified", cast.lsu, NOON, "P"
    filed.save()
    assert facts.of(screening, on=DAY)["findings"]["hiv"] == {"drawn": "2026-11-21"}
    filed.status = "F"
    filed.save()
    assert facts.of(screening, on=DAY)["findings"]["hiv"]["result"] == "nonreactive"


def test_a_correction_that_waits_takes_the_old_answer_back(kabul, cast):
    screening = made.screening(kabul, cast.rec)
    hiv = made.order(screening, "hiv_combo", "hiv", made.tube(screening, cast.lab))
    old = made.result(hiv, verified_by=cast.lsu, coded="nonreactive")
    old.state = "superseded"
    old.save()
    made.result(hiv, coded="reactive", version=2, status="C")
    assert facts.of(screening, on=DAY)["findings"]["hiv"] == {"drawn": "2026-11-21"}


def test_a_rejected_tube_and_a_cancelled_order_are_nothing(kabul, cast):
    screening = made.screening(kabul, cast.rec)
    made.order(screening, "hiv_combo", "hiv", made.tube(screening, cast.lab, state="rejected"))
    made.order(screening, "crea", "creatinine", made.tube(screening, cast.lab), state="cancelled")
    assert facts.of(screening, on=DAY)["findings"] == {}


def test_the_last_specimen_counts(kabul, cast):
    screening = made.screening(kabul, cast.rec)
    first = made.order(screening, "hiv_combo", "hiv", made.tube(screening, cast.lab))
    made.result(first, verified_by=cast.lsu, coded="indeterminate")
    later = made.tube(screening, cast.lab, at=NOON + datetime.timedelta(days=3))
    second = made.order(screening, "hiv_combo", "hiv", later, nth=2)
    assert facts.of(screening, on=DAY)["findings"]["hiv"] == {"drawn": "2026-11-24"}
    made.result(second, verified_by=cast.lsu, coded="nonreactive")
    assert facts.of(screening, on=DAY)["findings"]["hiv"] == {"drawn": "2026-11-24", "result": "nonreactive"}


@pytest.mark.parametrize(
    ("protein", "said"), [("negative", "normal"), ("trace", "abnormal"), ("1+", "abnormal"), (None, None)]
)
def test_urine_is_normal_when_every_part_is(kabul, cast, protein, said):
    screening = made.screening(kabul, cast.rec)
    made.laboratory(screening, cast, {"urinalysis": made.CLEAN["urinalysis"] | {"ua_protein": protein}})
    assert facts.of(screening, on=DAY)["findings"]["urinalysis"].get("result") == said


def test_syphilis_is_told_when_both_tests_are_verified(kabul, cast):
    screening = made.screening(kabul, cast.rec)
    orders = made.laboratory(screening, cast, {"syphilis": {"rpr": "reactive", "tpha": None}})
    drawn = {"drawn": "2026-11-21", "laboratory": "own"}
    assert facts.of(screening, on=DAY)["findings"]["syphilis"] == drawn
    made.result(orders["tpha"], verified_by=cast.lsu, coded="reactive")
    titre = made.order(screening, "rpr_titre", "syphilis", orders["rpr"].specimen)
    accession = orders["rpr"].specimen.accession
    both = {
        **drawn,
        "nontreponemal": {"specimen": accession, "result": "reactive"},
        "treponemal": [{"specimen": accession, "result": "reactive", "method": "tpha"}],
    }
    assert facts.of(screening, on=DAY)["findings"]["syphilis"] == both
    made.result(titre, verified_by=cast.lsu, titre=16)
    both["nontreponemal"]["titre"] = "1:16"
    assert facts.of(screening, on=DAY)["findings"]["syphilis"] == both


def test_a_second_treponemal_test_joins_the_first(kabul, cast):
    screening = made.screening(kabul, cast.rec)
    made.laboratory(screening, cast, {"syphilis": {"rpr": "nonreactive", "tpha": "reactive"}})
    later = made.tube(screening, cast.lab, at=NOON + datetime.timedelta(days=1))
    made.result(made.order(screening, "tppa", "syphilis", later), verified_by=cast.lsu, coded="nonreactive")
    found = facts.of(screening, on=DAY)["findings"]["syphilis"]
    assert found["drawn"] == "2026-11-21"
    assert [(test["method"], test["result"]) for test in found["treponemal"]] == [
        ("tpha", "reactive"),
        ("tppa", "nonreactive"),
    ]


RAW = {"qft_nil": "0.05", "qft_tb1": "0.40", "qft_tb2": "0.10", "qft_mitogen": "9.95"}


def test_an_igra_is_told_by_its_four_values(kabul, cast):
    screening = made.screening(kabul, cast.rec)
    tube = made.tube(screening, cast.lab, "qft")
    orders = {key: made.order(screening, key, "tb_test", tube) for key in RAW}
    for key in list(RAW)[:3]:
        made.result(orders[key], verified_by=cast.lsu, number=Decimal(RAW[key]))
    assert facts.of(screening, on=DAY)["findings"]["igra"] == [{"date": "2026-11-21"}]
    made.result(orders["qft_mitogen"], verified_by=cast.lsu, number=Decimal("10"), operator=">")
    assert facts.of(screening, on=DAY)["findings"]["igra"] == [
        {"date": "2026-11-21", "nil_iu_ml": 0.05, "tb1_iu_ml": 0.4, "tb2_iu_ml": 0.1, "mitogen_iu_ml": 10}
    ]


def test_a_value_below_what_can_be_measured_is_no_igra_value(kabul, cast):
    screening = made.screening(kabul, cast.rec)
    tube = made.tube(screening, cast.lab, "qft")
    for key, value in RAW.items():
        below = {"operator": "<"} if key == "qft_tb1" else {}
        order = made.order(screening, key, "tb_test", tube)
        made.result(order, verified_by=cast.lsu, number=Decimal(value), **below)
    assert facts.of(screening, on=DAY)["findings"]["igra"] == [{"date": "2026-11-21"}]


def test_sputum_is_a_series_and_susceptibility_stands_with_what_grew(kabul, cast):
    screening = made.screening(kabul, cast.rec, "us-refugee")
    for nth in (1, 2, 3):
        tube = made.tube(screening, cast.lab, "sputum", at=NOON + datetime.timedelta(days=nth - 1))
        smear = made.order(screening, "afb", "sputum", tube, nth)
        culture = made.order(screening, "myco_cult", "sputum", tube, nth)
        made.result(smear, verified_by=cast.lsu, coded="negative")
        if nth == 1:
            molecular = made.order(screening, "xpert_mtb", "sputum", tube, nth)
            made.result(molecular, verified_by=cast.lsu, coded="low")
        if nth == 2:
            made.result(culture, verified_by=cast.lsu, coded="mtb")
            isoniazid = made.order(screening, "dst_inh", "dst", tube)
            made.result(isoniazid, verified_by=cast.lsu, coded="R")
    assert facts.of(screening, on=DAY)["findings"]["sputum"] == [
        {"collected": "2026-11-21", "smear": "negative", "molecular": "low"},
        {
            "collected": "2026-11-22",
            "smear": "negative",
            "culture": "mtb",
            "culture_reported": "2026-11-21",
            "dst": {"isoniazid": "R"},
        },
        {"collected": "2026-11-23", "smear": "negative"},
    ]


def test_a_molecular_test_of_its_own_is_no_sputum_series(kabul, cast):
    screening = made.screening(kabul, cast.rec, "returnee-avrr")
    order = made.order(screening, "xpert_mtb", "xpert", made.tube(screening, cast.lab, "sputum"))
    made.result(order, verified_by=cast.lsu, coded="trace")
    assert facts.of(screening, on=DAY)["findings"] == {"xpert": {"date": "2026-11-21", "result": "trace"}}


def test_what_a_physician_decided_is_told_and_what_she_took_back_is_not(kabul, cast):
    from mhac.decisions.models import Judgement

    screening = made.screening(kabul, cast.rec)
    Judgement.objects.create(screening=screening, code="order", item="sputum", reason="Old scars", by=cast.phy)
    Judgement.objects.create(screening=screening, code="tb_disease", reason="Mistake", by=cast.phy, withdrawn_at=NOON)
    stated = facts.of(screening, on=DAY)
    assert stated["decisions"] == [{"code": "order", "item": "sputum", "reason": "Old scars"}]
    read(stated)
