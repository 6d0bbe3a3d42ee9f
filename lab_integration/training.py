"""The analyzer of the training clinic: one row at each site, and the menu of the simulated device behind it."""

from dataclasses import replace

from lab_integration.models import Analyzer, SentStep
from lab_integration.simulator.assay import Assay
from lab_integration.simulator.law import Work
from mhac.clinics.models import Clinic
from mhac.labs import services as labs

NAME = "Training device"  # with the code of the site no longer than HD-1 allows
TUBES = {"serum", "edta", "fluoride", "qft"}
# Read or done by hand on the bench.
BY_HAND = {"rpr", "rpr_titre", "vdrl", "tpha", "tppa", "abo"}


def on_the_menu():
    """Tests that the device can do: what is measured in blood and not read by eye."""
    tests = labs.tests_by_key().values()
    return [test for test in tests if test.tube in TUBES and test.key not in BY_HAND and not test.key.endswith("_rdt")]


def menu(all_normal=False):
    """Code -> Assay, from the catalogue: numbers inside the adult range, words beginning with the normal one."""
    found = {}
    for test in on_the_menu():
        if test.kind == "coded":
            words = [*test.normal, *(word for word in test.allowed if word not in test.normal)]
            rare = 60 if test.critical_values else 20
            found[code_of(test)] = Assay(words=tuple(words[: len(test.normal) + 1]), odd_one_in=rare)
        elif test.kind == "numeric":
            found[code_of(test)] = _number(test)
    if all_normal:
        return {code: replace(assay, odd_one_in=10**9) for code, assay in found.items()}
    return found


def _number(test):
    limits = [limit for limit in test.ranges.all() if limit.to_days > 6574 and limit.sex in ("", "female")]
    low = next((float(limit.low) for limit in limits if limit.low is not None), 0.0)
    high = next((float(limit.high) for limit in limits if limit.high is not None), low * 2 or 1.0)
    if test.key.startswith("qft_"):
        # A negative test: small answers, and a mitogen that works.
        low, high = (4.0, 9.0) if test.key == "qft_mitogen" else (0.02, 0.2)
    return Assay(
        unit=test.unit, low=low, high=high, decimals=test.decimals, odd_one_in=10**9 if "qft" in test.key else 12
    )


def code_of(test):
    return test.key.upper()


def profile():
    """How the training device writes, as an analyzer's profile."""
    entries = []
    for test in on_the_menu():
        entry = {"code": code_of(test), "test": test.key}
        if test.kind == "numeric":
            entry["unit"] = test.unit
        entries.append(entry)
    return {"law": True, "specimen_fields": ["SPM-2", "SAC-3"], "code_map": entries}


def prepare(host, port):
    """Every site has the training analyzer, reached at `host` and `port`, with the catalogue of today."""
    for clinic in Clinic.objects.all():
        name = f"{NAME} {clinic.code}"
        wanted = {"addresses": ["127.0.0.1", "::1"], "outbound_host": host, "outbound_port": port}
        wanted["profile"] = {"sender": name, **profile()}
        analyzer = Analyzer.objects.filter(clinic=clinic, name=name).first() or Analyzer(clinic=clinic, name=name)
        if any(getattr(analyzer, key) != value for key, value in wanted.items()):
            for key, value in wanted.items():
                setattr(analyzer, key, value)
            analyzer.save()


def unfinished(names):
    """Steps that a device accepted before it was switched off: it measures them now. `names`: the codes it can do."""
    steps = SentStep.objects.filter(state=SentStep.State.ACCEPTED, message__analyzer__name__startswith=NAME)
    found = {}
    for step in steps.filter(code__in=names).select_related("message__analyzer"):
        work = Work(step.message.analyzer.name, step.accession, step.code, step.step_id)
        found.setdefault(step.accession, []).append(work)
    return list(found.values())
