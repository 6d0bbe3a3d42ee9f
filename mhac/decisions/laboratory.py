"""Laboratory orders -> what the assessment contract calls findings.

A specimen that was taken is stated at once, its result when it is verified and final. Tests of one item on one specimen
belong together; of several specimens for one item the last one counts, except where the contract takes them all.
"""

from collections import defaultdict
from decimal import Context, Decimal

from mhac.labs.models import LabOrder, LabResult, Specimen
from mhac.labs.words import DRUGS, TREPONEMAL
from mhac.protocols.vocabulary import REACTIVE, SEROLOGY

TAKEN = {LabOrder.State.COLLECTED, LabOrder.State.RESULTED, LabOrder.State.VERIFIED}
FINAL = {LabResult.Status.FINAL, LabResult.Status.CORRECTED}

NONTREPONEMAL = ("rpr", "vdrl")
QUANTIFERON = {"qft_nil": "nil_iu_ml", "qft_tb1": "tb1_iu_ml", "qft_tb2": "tb2_iu_ml", "qft_mitogen": "mitogen_iu_ml"}
SPUTUM = {"afb": "smear", "xpert_mtb": "molecular", "xpert_rif": "rifampicin", "myco_cult": "culture"}

# A binary float carries 15 digits exactly; the reader takes the shortest form that is the same number again.
_EXACT = Context(prec=15)


def json_number(value):
    """A decimal as a JSON number that reads back as the very same decimal, up to 15 digits."""
    value = _EXACT.plus(Decimal(value))
    return int(value) if value == value.to_integral_value() else float(value)


def answer(order):
    """The verified, final result that stands for an order, or None."""
    for result in order.versions:
        if result.state == LabResult.State.VERIFIED and result.status in FINAL and result.kind == "result":
            return result
    return None


def is_taken(order):
    return order.state in TAKEN and order.specimen is not None and order.specimen.state != Specimen.State.REJECTED


def findings(orders, day):
    """The laboratory's part of `findings`. `orders`: rows with test, specimen and `versions`; `day`: moment -> date."""
    sets = defaultdict(dict)
    for order in orders:
        if is_taken(order):
            sets[order.item].setdefault(order.specimen, []).append(order)
    items = {
        item: sorted(by_specimen.items(), key=lambda pair: (pair[0].collected_at, pair[0].pk))
        for item, by_specimen in sets.items()
    }
    found = {
        "igra": [_igra(group, day(tube.collected_at)) for tube, group in items.get("tb_test", ())],
        "sputum": _sputum(items, day),
    }
    found |= {item: read(items[item], day) for item, read in ITEMS.items() if item in items}
    return {key: value for key, value in found.items() if value}


def _coded(order):
    result = answer(order)
    return result.coded if result is not None else None


def _number(order):
    """A value beyond what the analyzer can measure is stated as the limit it names: "> 10" as 10."""
    result = answer(order)
    return result.number if result is not None else None


def _igra(group, day):
    """The raw values when all four are verified, else only the day.

    "< 0.35" names a limit and no value, so nothing can be subtracted from it; "> 10" is at least 10, which decides.
    """
    by_key = {order.test.key: answer(order) for order in group}
    raw = {name: by_key.get(key) for key, name in QUANTIFERON.items()}
    if all(r is not None and r.number is not None and not r.operator.startswith("<") for r in raw.values()):
        return {"date": day, **{name: result.number for name, result in raw.items()}}
    return {"date": day}


def _sputum(items, day):
    """Each specimen with what is verified of it; susceptibilities stand with the specimen that grew the isolate."""
    specimens = {}
    for tube, group in items.get("sputum", ()):
        specimens[tube.pk] = {"collected": day(tube.collected_at)}
        for order in group:
            name, result = SPUTUM.get(order.test.key), answer(order)
            if name is not None and result is not None:
                specimens[tube.pk][name] = result.coded
                if name == "culture":
                    specimens[tube.pk]["culture_reported"] = day(result.verified_at)
    grown = next((read for read in specimens.values() if read.get("culture") == "mtb"), None)
    for tube, group in [*items.get("dst", ()), *items.get("dst_second_line", ())]:
        isolate = specimens.get(tube.pk, grown)
        drugs = {DRUGS[order.test.key]: _coded(order) for order in group if order.test.key in DRUGS and answer(order)}
        if isolate is not None and drugs:
            isolate["dst"] = isolate.get("dst", {}) | drugs
    return list(specimens.values())


def _serology(tubes, day):
    """Tests of one specimen that disagree, or an invalid one, prove nothing: the contract's word is indeterminate."""
    drawn, group = day(tubes[-1][0].collected_at), tubes[-1][1]
    results = {_coded(order) for order in group}
    if None in results:
        return {"drawn": drawn}
    agreed = results.pop() if len(results) == 1 else None
    return {"drawn": drawn, "result": agreed if agreed in SEROLOGY else "indeterminate"}


def _syphilis(tubes, day):
    """The last nontreponemal test and the treponemal ones made with it or after it, stated when all are verified:
    one of the two kinds alone would read as the whole answer.
    """
    kinds = (*NONTREPONEMAL, *TREPONEMAL)
    first = max((i for i, (_tube, group) in enumerate(tubes) if _has(group, NONTREPONEMAL)), default=len(tubes) - 1)
    found = {"drawn": day(tubes[first][0].collected_at), "laboratory": "own"}
    tests = [order for _tube, group in tubes[first:] for order in group if order.test.key in kinds]
    if not tests or any(_coded(order) not in REACTIVE for order in tests):
        return found
    for order in tests:
        result = {"specimen": order.specimen.accession, "result": _coded(order)}
        if order.test.key in TREPONEMAL:
            found.setdefault("treponemal", []).append({**result, "method": TREPONEMAL[order.test.key]})
        else:
            found["nontreponemal"] = {**result, "titre": _titre(tubes[first][1])}
    return found


def _has(group, keys):
    return any(order.test.key in keys for order in group)


def _titre(group):
    results = [answer(order) for order in group if order.test.key == "rpr_titre"]
    titre = next((result.titre for result in results if result is not None), None)
    return f"1:{titre}" if titre else None


def _urinalysis(tubes, day):
    date, group = day(tubes[-1][0].collected_at), tubes[-1][1]
    results = [(order.test, answer(order)) for order in group if order.test.normal]
    if not results or any(result is None for _test, result in results):
        return {"date": date}
    normal = all(result.coded in test.normal for test, result in results)
    return {"date": date, "result": "normal" if normal else "abnormal"}


def _last(key, of, day_name, name):
    """A reader of one test on the last specimen."""

    def read(tubes, day):
        tube, group = tubes[-1]
        results = [of(order) for order in group if order.test.key == key]
        return {day_name: day(tube.collected_at), name: next((r for r in results if r is not None), None)}

    return read


# item -> reader of its specimens, the last one last
ITEMS = {
    "syphilis": _syphilis,
    "gonorrhoea": _last("gc_naat", _coded, "collected", "naat"),
    "hiv": _serology,
    "hepatitis_b": _serology,
    "hepatitis_c": _serology,
    "urinalysis": _urinalysis,
    "blood_count": _last("hb", _number, "drawn", "haemoglobin_g_dl"),
    "creatinine": _last("crea", _number, "drawn", "mg_dl"),
    "hba1c": _last("hba1c", _number, "drawn", "ngsp_percent"),
    "xpert": _last("xpert_mtb", _coded, "date", "result"),
}
