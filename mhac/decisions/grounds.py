"""The rules behind each part of an outcome, as plain values that a signature keeps."""

# What a part of the outcome is decided by, by the beginning of the rule's name; a class by the beginning of its code.
TUBERCULOSIS = ("US-CLS", "US-TB-12", "PHYS-1")
CLASSES = {
    "tb_": TUBERCULOSIS,
    "syphilis_": ("US-SYP",),
    "gonorrhoea_": ("US-GC",),
    "hansens_": ("US-HD",),
    "substance_": ("US-MH",),
    "mental_": ("US-MH",),
    "vaccination_": ("US-VAX-01",),
    "pregnancy_": ("US-PREG",),
    "other_": ("CXR-CAT",),
}
STARTS = {
    "options": TUBERCULOSIS,
    "grade": ("CA-GRADE",),
    "fit_to_travel": ("FTT-",),
    "nutrition": ("NUT-",),
    "computed": ("LAB-",),
    "remarks": ("CXR-CAT",),
}


def of(assessed, edition, register):
    """{part: [{rule, says, source, verified}]} for the parts that this answer has. `register`: all rules by id."""
    answer = assessed.answer()
    shown = answer["outcome"] | answer
    terms = {term.rule for term in edition.validity}
    behind = tuple(start for code, starts in CLASSES.items() for start in starts if _has(assessed, code))
    starting = STARTS | {"classes": behind}
    parts = {part: [r for r in assessed.decided_by if r.id.startswith(starts)] for part, starts in starting.items()}
    parts["valid_until"] = [rule for rule in assessed.decided_by if rule.id in terms]
    found = {part: _told(rules) for part, rules in parts.items() if rules and shown.get(part)}
    return {"state": _told(_state(assessed, parts["classes"], register))} | found


def _has(assessed, code):
    return any(each.startswith(code) for each in assessed.outcome.classes)


def _state(assessed, classes, register):
    """What makes the state of the outcome: a bar, something open, a judgement, or nothing of these."""
    state, warnings = assessed.outcome.state, assessed.warnings
    if state == "not_cleared" and assessed.outcome.classes:
        return classes
    keys = {"not_cleared": ["TB-BAR"], "physician_decision": ["PHYS-1"]}.get(state, ["STATE-1"])
    keys += ["AGE-4"] if state == "physician_decision" and "age_ambiguous" in warnings else []
    keys += ["WAIVE-1"] if "item_waived" in warnings else []
    keys += ["LIST-1"] if "LIST-1" in {rule.id for rule in assessed.decided_by} else []
    return [register[key] for key in keys]


def _told(rules):
    return [{"rule": r.id, "says": r.says, "source": r.source, "verified": r.verified} for r in rules]
