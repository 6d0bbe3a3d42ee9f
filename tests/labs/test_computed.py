"""One implementation of each computation, in the rules; a typed conclusion that contradicts it is refused."""

import ast
from pathlib import Path

import pytest

import mhac
from mhac.labs import services
from mhac.labs.models import LabOrder, Test
from mhac.protocols.vocabulary import SMEARS

ROOT = Path(mhac.__file__).parent.parent


def test_a_typed_conclusion_must_follow_from_its_values(scene):
    tubes = scene.received("tb_test")
    test = Test.objects.get(key="qft_result")
    services.add_test(tubes[0], test=test, because="asked for today", by=scene.cast.phy)
    orders = {order.test.key: order for order in LabOrder.objects.filter(specimen=tubes[0]).select_related("test")}

    def enter(key, text):
        return services.enter(orders[key], text=text, by=scene.cast.lab)

    with pytest.raises(services.Refused, match="Enter these first: QuantiFERON Nil, "):
        enter("qft_result", "positive")
    filed = {key: enter(f"qft_{key}", text) for key, text in QFT.items()}
    for wrong in ("negative", "indeterminate"):
        with pytest.raises(services.Refused, match="mean “positive”"):
            enter("qft_result", wrong)
    conclusion = enter("qft_result", "positive")
    # One of the values was misread: the conclusion cannot be released any more.
    services.correct(filed["tb1"], text="0.20", because="misread", by=scene.cast.lab)
    with pytest.raises(services.Refused, match="mean “negative”"):
        services.verify(conclusion, by=scene.cast.lsu)
    corrected = services.correct(conclusion, text="negative", because="follows the values", by=scene.cast.lab)
    assert services.verify(corrected, by=scene.cast.lsu).state == "verified"


QFT = {"nil": "0.10", "tb1": "0.45", "tb2": "0.20", "mitogen": "9"}


# What only one formula uses -> the file of the rules that states it: QuantiFERON, CKD-EPI 2021 and Schwartz, HbA1c.
OWN = {
    "0.35": "igra.py",
    "0.9938": "kidney.py",
    "-0.302": "kidney.py",
    "0.413": "kidney.py",
    "2.15": "hba1c.py",
    "10.929": "hba1c.py",
}


def numbers_of(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, float | str):
            yield str(node.value)


def test_no_formula_is_written_twice():
    found = {}
    for path in [*ROOT.glob("mhac/**/*.py"), *ROOT.glob("lab_integration/**/*.py")]:
        for number in OWN.keys() & set(numbers_of(path)):
            found.setdefault(number, set()).add(path.relative_to(ROOT).as_posix())
    assert found == {number: {f"mhac/protocols/{name}"} for number, name in OWN.items()}


def test_whoever_computes_asks_the_rules():
    asked = {
        "mhac/labs/matching.py": "mhac.protocols.igra",
        "mhac/labs/computed.py": "mhac.protocols.igra",
    }
    for path, module in asked.items():
        tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        assert module in {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    defined = {"quantiferon", "tspot", "egfr", "ckd_epi_2021", "bedside_schwartz", "mmol_mol"}
    for path in [*ROOT.glob("mhac/**/*.py"), *ROOT.glob("lab_integration/**/*.py")]:
        if "protocols" not in path.parts:
            names = {n.name for n in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(n, ast.FunctionDef)}
            assert not names & defined, path


def test_a_smear_has_the_words_of_the_rules(scene):
    assert tuple(Test.objects.get(key="afb").allowed) == SMEARS
