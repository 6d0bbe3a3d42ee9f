"""A family's clock as a page: one date for everybody, who holds the others up, and what to do about it."""

from collections import Counter
from dataclasses import dataclass
from urllib.parse import urlencode

from django.db import transaction
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import dateformat
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from mhac.accounts.permissions import needs, record_access
from mhac.clinics.calendar import solar_hijri
from mhac.decisions import clock, notices
from mhac.decisions.models import ExpiryNotice
from mhac.desk import family, timeline
from mhac.protocols.family import THRESHOLDS
from mhac.screenings.models import Case

# Rules of the journey that may be named to everybody; the others tell a condition.
OPEN_RULES = {
    "POL-EXIT": gettext_lazy("polio dose: 28 days to 12 months before leaving"),
    "FTT-VAL": gettext_lazy("the fit-to-travel check is valid for 72 hours"),
}
CLOSED_RULES = {
    "FTT-01": gettext_lazy("no flight from the 36th week of a pregnancy"),
    "FTT-02": gettext_lazy("no flight from the 32nd week of a pregnancy with more than one child"),
    "FTT-03": gettext_lazy("a newborn does not fly in the first days"),
    "FTT-04": gettext_lazy("an infectious disease"),
    "FTT-05": gettext_lazy("a condition that does not allow the journey yet"),
    "FTT-06": gettext_lazy("severe anaemia"),
}


# So many are named; of more it is said at whose door they wait.
NAMED = 3


@dataclass(frozen=True)
class Soon:
    """One line of the list of families whose results end soon."""

    notice: ExpiryNotice
    clock: clock.FamilyClock
    waits: list[str]


@dataclass(frozen=True)
class Advice:
    """What to do so that the dates meet. `page` and `label`: where it is done, for whom may do it."""

    text: str
    page: str = ""
    label: str = ""


@needs("screenings.view_case")
@transaction.atomic
def show(request, pk):
    case = get_object_or_404(Case.objects.visible_to(request.user).select_related("clinic"), pk=pk)
    record_access(request, case, clinic=case.clinic)
    found = clock.of(case, on=case.clinic.today())
    context = {
        "case": case,
        "clock": found,
        "programme": family.programme_of(case),
        "sees_why": request.user.has_perm("decisions.view_ledger"),
        "timeline": timeline.of(found),
        "near": near(found),
        "told": ExpiryNotice.objects.visible_to(request.user).filter(case=case).order_by("-made_on", "days"),
    }
    context |= told_by(found, request.user)
    return render(request, "desk/clock.html", context)


@require_POST
@needs("decisions.change_expirynotice")
def seen(request, pk):
    """The notice and earlier ones of the same expiry are seen; a second time changes nothing."""
    notice = get_object_or_404(ExpiryNotice.objects.visible_to(request.user), pk=pk)
    notices.acknowledge(notice, by=request.user)
    return redirect("desk:clock", notice.case_id)


def near(found):
    """How near the earliest expiry is, as a colour: red from 7 days on, amber from 30; "" before and without one."""
    if found.days_left is None or found.is_over or found.days_left > max(THRESHOLDS):
        return ""
    return "red" if found.days_left <= min(THRESHOLDS) else "amber"


def ends_soon(user):
    """Families whose earliest expiry somebody has to look at, for the lists of those who act."""
    if not user.has_perm("decisions.view_expirynotice"):
        return []
    why = user.has_perm("decisions.view_ledger")
    told = notices.standing(ExpiryNotice.objects.visible_to(user).unseen())
    return [Soon(notice, found, waits(found, why)) for notice, found in told]


def warning(case):
    """(notice, clock) for the case's own page, seen or not; None where no expiry is near."""
    told = ExpiryNotice.objects.filter(case=case, expires_on__gte=case.clinic.today())
    return next(iter(notices.standing(told.select_related("case__clinic", "screening__patient"))), None)


def told_by(found, user):
    """The sentences of the page: what stands against travelling together, what to do, and what to look at beside it."""
    why = user.has_perm("decisions.view_ledger")
    return {
        "waits": waits(found, why),
        "against": against(found),
        "advice": advice(found, user),
        "limits": list(limits(found, why)),
        "passports": list(passports(found)),
        "plans": list(plans(found)),
        "promises": list({m.promise: None for m in found.members if m.promise}) if why else [],
    }


def waits(found, sees_why):
    """Whom the family waits for: each with the reason and the owner, or how many at whose door when there are many."""
    held = [member for member in found.waiting if member.blocker]
    if len(held) > NAMED:
        doors = Counter(member.blocker.owner_word for member in held)
        return [f"{owner}: {count}" for owner, count in doors.items()]
    told = [(member, (sees_why and member.blocker.item) or member.blocker.words) for member in held]
    return [
        f"{isolated(member.name)} ({_(', ').join([str(what), str(member.blocker.owner_word)])})"
        for member, what in told
    ]


def against(found):
    """Why there is no window, or none any more, in one sentence; "" when there is one or nobody can say yet."""
    window = found.window
    if window.never:
        names = _(", ").join(dict.fromkeys(isolated(found.member(key).name) for key, _why in window.never))
        return _("No date can be given: %(names)s. Ask the physician.") % {"names": names}
    if window.opens is None or window.closes is None:
        return _ended(found) if window.is_over(found.today) else ""
    if window.is_empty:
        ends, comes = found.member(window.closes.key), found.member(window.opens.key)
        days = {"ends": day(window.closes.day), "ready": day(window.opens.day)}
        names = {"first": isolated(ends.name), "second": isolated(comes.name)}
        if window.closes.why == "expiry":
            said = _("The result of %(first)s ends on %(ends)s, before %(second)s can travel on %(ready)s.")
        else:
            said = _("%(first)s may travel until %(ends)s only, and %(second)s can travel from %(ready)s on.")
        return said % (days | names)
    return _ended(found) if window.is_over(found.today) else ""


def _ended(found):
    edge = found.window.closes
    return _("The last day for the whole family was %(day)s, because of %(name)s.") % {
        "day": day(edge.day),
        "name": isolated(found.member(edge.key).name),
    }


def advice(found, user):
    """Whom to examine again, from which day on, and what follows; None where the dates meet or nothing helps."""
    plan = found.plan
    if plan is None or found.is_over:
        return None
    members = [found.member(key) for key in plan.keys]
    said = _(
        "Examine again on %(day)s or later: %(names)s. Then everybody may travel from %(first)s to %(last)s; the later"
        " the examination, the longer."
    ) % {
        "day": day(plan.day),
        "names": _(", ").join(isolated(member.name) for member in members),
        "first": day(plan.window.opens.day),
        "last": day(plan.window.closes.day),
    }
    open_ones = [member for member in members if member.screening.is_open]
    if len(open_ones) == len(members) and user.has_perm("appointments.add_booking"):
        asked = [("day", plan.day.isoformat()), *(("for", member.clock.key) for member in open_ones)]
        page = reverse("appointments:book", args=[found.case.pk])
        return Advice(said, f"{page}?{urlencode(asked)}", _("Book a time"))
    if len(open_ones) < len(members) and user.has_perm("patients.add_patient"):
        # What is signed stays as it is: a new examination is a new screening.
        return Advice(said, reverse("desk:case", args=[found.case.pk]) + "#add", _("Open new screenings"))
    return Advice(said)


def limits(found, sees_why):
    """Days that the rules of the journey set for one member, with the reason where the reader may know it."""
    for member in found.members:
        leaves = member.clock.leaves
        for limit, words in (
            (leaves.opens, _("%(name)s may travel from %(day)s on: %(why)s.")),
            (leaves.closes, _("%(name)s may travel until %(day)s: %(why)s.")),
        ):
            if limit is not None:
                why = rule_words(limit.rule, sees_why)
                yield words % {"name": isolated(member.name), "day": day(limit.day), "why": why}
        if leaves.never and sees_why:
            yield _("%(name)s may not travel now: %(why)s.") % {
                "name": isolated(member.name),
                "why": rule_words(leaves.never, sees_why),
            }


def rule_words(rule, sees_why):
    if rule in OPEN_RULES:
        return OPEN_RULES[rule]
    return CLOSED_RULES[rule] if sees_why else _("a rule of the journey; ask the physician")


def passports(found):
    """Passports that end before the family's last day or before the journey: a warning, never a block (`ID-EXP`)."""
    ends = [edge.day for edge in (found.window.closes,) if edge]
    for member in found.members:
        needed = [*ends, *([member.leaves_on] if member.leaves_on else [])]
        if member.passport_until and needed and member.passport_until < max(needed):
            yield _("The passport of %(name)s ends on %(day)s.") % {
                "name": isolated(member.name),
                "day": day(member.passport_until),
            }


def plans(found):
    """(day of departure, names, whether all may travel then and arrive in time), by day."""
    leaving = {}
    for member in found.members:
        if member.leaves_on:
            leaving.setdefault((member.leaves_on, member.travel.arrival_on), []).append(member.name)
    for (leaves, arrives), names in sorted(leaving.items(), key=lambda pair: pair[0][0]):
        fits = found.window.holds(leaves) and (arrives is None or _arrives_in_time(found, arrives))
        yield leaves, _(", ").join(names), fits


def _arrives_in_time(found, arrives):
    """`US-VAL-T`: the result has to be valid on the day of arrival."""
    return found.expiry is None or arrives <= found.expiry.day


def day(value):
    """A day inside a sentence, in both calendars."""
    return isolated(f"{dateformat.format(value, 'd M Y')} ({solar_hijri(value)})")


def isolated(text):
    """Text whose direction does not disturb the sentence around it (U+2068, U+2069)."""
    return f"\u2068{text}\u2069"
