"""What the rooms recorded about one screening, in the words and the order in which a physician reads it."""

import datetime
from dataclasses import dataclass
from decimal import Decimal

from django.utils import dateformat
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from mhac.exams import words
from mhac.labs.models import LabResult


@dataclass(frozen=True)
class Line:
    """One thing that was asked, seen or measured. `alert`: it is outside what is usual; `new`: since the last look."""

    name: str
    value: str
    alert: bool = False
    note: str = ""
    new: bool = False


@dataclass(frozen=True)
class LabLine:
    """One laboratory order with the result that stands for it, and the versions before it."""

    name: str
    value: str
    unit: str
    flags: str
    critical: bool
    abnormal: bool
    state: str
    colour: str
    by: str
    at: datetime.datetime | None
    accession: str
    earlier: tuple[str, ...]
    because: str  # why the version before this one does not count, and who said so
    new: bool


def history(row):
    """The screening questions, each with its answer; a question without an answer says so."""
    if row is None:
        return []
    asked = {
        "known_hiv": _yes_no(row.known_hiv),
        "tb_signs": _list(row.tb_signs, _sign),
        "tb_history": _list(row.tb_history, _episode),
        "tb_contacts": _list(row.tb_contacts, _contact),
        "risks": _list(row.risks, lambda code: str(words.RISKS.get(code, code))),
    }
    lines = [Line(str(words.QUESTIONS[key]), answer, alert=bool(getattr(row, key))) for key, answer in asked.items()]
    if row.polio_area_stay_days is not None:
        lines.append(Line(_("Days spent in Afghanistan"), str(row.polio_area_stay_days)))
    lines += [Line(_("Polio doses on record"), _list(row.vaccinations, _dose))] if row.vaccinations else []
    lines += [Line(_("Medicines"), row.medicines)] if row.medicines else []
    return lines + ([Line(_("Remarks"), row.remarks)] if row.remarks else [])


def _yes_no(value):
    return _("not asked") if value is None else _("yes") if value else _("no")


def _list(values, said):
    if values is None:
        return _("not asked")
    return "; ".join(said(value) for value in values) or _("none")


def _sign(sign):
    label = str(words.TB_SIGNS.get(sign["code"], sign["code"]))
    days = sign.get("days")
    return label if days is None else _("%(sign)s for %(days)s days") % {"sign": label, "days": days}


def _dose(dose):
    written = _("written") if dose["written"] else _("not written")
    return f"{words.POLIO_VACCINES[dose['vaccine']]} {dose['date']} ({written})"


def _episode(episode):
    treated = str(words.TREATED_BY.get(episode.get("treated_by"), ""))
    completed = episode.get("completed")
    ended = "" if completed is None else _("completed") if completed else _("not completed")
    return _(", ").join(str(part) for part in (episode.get("year"), treated, ended) if part)


def _contact(contact):
    parts = (contact.get(key) for key in ("source_name", "relationship", "tb_type", "last_contact"))
    return _(", ").join(str(part) for part in parts if part) or _("contact without details")


def exam(row):
    """The systems that were not normal, the conditions that were found, and what else was written."""
    if row is None:
        return []
    lines = [
        Line(str(words.SYSTEMS.get(code, code)), found.get("text") or _("not normal"), alert=True)
        for code, found in row.systems.items()
        if not found.get("normal", True)
    ]
    lines += [
        Line(str(words.CONDITIONS.get(each["code"], each["code"])), _details(each), alert=True)
        for each in row.conditions
    ]
    if not lines:
        lines = [Line(_("All systems"), _("normal; no condition found"))]
    lines += [Line(_("Chaperone"), row.chaperone)] if row.chaperone else []
    return lines + ([Line(_("Remarks"), row.remarks)] if row.remarks else [])


def _details(condition):
    """What was recorded about a condition besides its code: "controlled: no, disease: measles"."""
    said = {key: value for key, value in condition.items() if key != "code" and value is not None}
    shown = (f"{key.replace('_', ' ')}: {_yes_no(v) if isinstance(v, bool) else v}" for key, v in said.items())
    return _(", ").join(shown) or _("found")


def films(rows, since):
    """Each film with its reading."""
    return [
        Line(
            name=dateformat.format(row.taken_on, "d M Y"),
            value=_reading(row),
            alert=bool(row.findings),
            note=_("read by %(name)s") % {"name": row.read_by} if row.read_by else "",
            new=_is_new(row.read_at, since),
        )
        for row in rows
    ]


def _reading(film):
    if film.findings is None:
        return _("taken, not read yet")
    parts = [str(words.FILM_FINDINGS.get(code, code)) for code in film.findings] or [_("no finding")]
    if film.effusion_excluded_by:
        parts.append(_("effusion excluded by %(how)s") % {"how": film.get_effusion_excluded_by_display()})
    if film.shielded is not None:
        parts.append(_("shielded") if film.shielded else _("not shielded"))
    return "; ".join([*parts, film.remarks] if film.remarks else parts)


MEASURED = [
    ("weight_kg", gettext_lazy("Weight"), "kg"),
    ("height_cm", gettext_lazy("Height"), "cm"),
    ("pulse_per_min", gettext_lazy("Pulse"), "/min"),
    ("respirations_per_min", gettext_lazy("Respirations"), "/min"),
    ("temperature_c", gettext_lazy("Temperature"), "°C"),
    ("spo2_percent", gettext_lazy("Oxygen saturation"), "%"),
    ("muac_mm", gettext_lazy("Upper arm"), "mm"),
    ("head_cm", gettext_lazy("Head"), "cm"),
]


def vitals(rows):
    """The newest measurement of each kind, with its unit."""

    def newest(name):
        return next((v for row in reversed(rows) if (v := getattr(row, name)) is not None), None)

    lines = [
        Line(str(label), f"{_plain(v)} {unit}") for name, label, unit in MEASURED if (v := newest(name)) is not None
    ]
    pressed = next((row for row in reversed(rows) if row.systolic_mmhg is not None), None)
    if pressed is not None:
        lines.insert(2, Line(_("Blood pressure"), f"{pressed.systolic_mmhg}/{pressed.diastolic_mmhg or '–'} mmHg"))
    return lines


def _plain(value):
    return f"{value.normalize():f}" if isinstance(value, Decimal) else value


def laboratory(orders, since):
    """Every test that was ordered and not cancelled, with its standing result."""
    return [_lab_line(order, since) for order in orders]


STATES = {
    "ordered": ("grey", gettext_lazy("to collect")),
    "collected": ("blue", gettext_lazy("in the laboratory")),
    "resulted": ("amber", gettext_lazy("not verified")),
    "verified": ("green", gettext_lazy("verified")),
    "rejected": ("red", gettext_lazy("specimen rejected")),
}


def _lab_line(order, since):
    standing = {LabResult.State.FILED, LabResult.State.VERIFIED}
    result = next((r for r in reversed(order.versions) if r.state in standing), None)
    earlier = tuple(f"{r.shown} {r.unit}".strip() for r in order.versions if r is not result)
    rejected = order.specimen is not None and order.specimen.state == order.specimen.State.REJECTED
    colour, state = STATES["rejected" if rejected else order.state]
    return LabLine(
        name=str(order.test),
        value=result.shown if result else "",
        unit=result.unit if result else "",
        flags=" ".join(result.flags) if result else "",
        critical=bool(result and result.critical),
        abnormal=_is_abnormal(order.test, result),
        state=str(state),
        colour=colour,
        by=_who(result),
        at=(result.verified_at or result.filed_at) if result else None,
        accession=order.specimen.accession if order.specimen else "",
        earlier=earlier,
        because=_replaced(order.versions, result),
        new=bool(result) and _is_new(result.verified_at or result.filed_at, since),
    )


def _replaced(versions, standing):
    """Why and by whom the last version that does not count any more was replaced or rejected; "" when none was."""
    old = [version for version in versions if version is not standing]
    if not old:
        return ""
    who = standing.entered_by if standing is not None and standing.entered_by else None
    return " · ".join(str(part) for part in (old[-1].rejected_because, who) if part)


def _is_abnormal(test, result):
    if result is None:
        return False
    return bool(result.flags) or bool(result.coded and test.normal and result.coded not in test.normal)


def _who(result):
    if result is None:
        return ""
    source = str(result.entered_by) if result.entered_by else result.instrument or str(result.get_source_display())
    return f"{source} → {result.verified_by}" if result.verified_by else source


def _is_new(moment, since):
    return since is not None and moment is not None and moment > since
