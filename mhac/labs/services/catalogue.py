"""The limits of a test: one supervisor asks for others, another one confirms them; then they hold for everybody."""

from decimal import Decimal, InvalidOperation

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from simple_history.utils import bulk_create_with_history

from mhac.labs import lint
from mhac.labs.catalogue import RANGE
from mhac.labs.models import LimitChange, ReferenceRange, Test
from mhac.labs.services.locked import Refused

NUMBERS = ("critical_low", "critical_high", "possible_low", "possible_high")
WORDS = ("normal", "critical_values")


def limits_of(test) -> dict:
    """The limits of `test` as they stand, in the shape of LimitChange.limits: numbers as text, None for no limit."""
    row = {name: _text(getattr(test, name)) for name in NUMBERS} | {name: list(getattr(test, name)) for name in WORDS}
    ranges = [{name: getattr(each, name) for name in RANGE} for each in test.ranges.order_by("sex", "from_days", "pk")]
    return row | {"ranges": [each | {"low": _text(each["low"]), "high": _text(each["high"])} for each in ranges]}


def _text(number):
    return None if number is None else f"{number.normalize():f}"


def _number(text):
    try:
        return None if text is None else Decimal(text)
    except InvalidOperation as fault:
        raise Refused(_("“%(text)s” is not a number. Type it with a point.") % {"text": text}) from fault


@transaction.atomic
def ask_limits(test, *, limits, because, by):
    """Ask for other limits (the shape of `limits_of`), or that those that stand be confirmed. Nothing changes yet.

    Raises Refused without a reason, when another change waits, or for limits that contradict themselves.
    """
    if not because.strip():
        raise Refused(_("Say why: the reason stands in the history of the limits."))
    test = Test.objects.select_for_update().get(pk=test.pk)
    if test.limits_verified and limits == limits_of(test):
        raise Refused(_("These are the limits that hold already. Change one of them."))
    _refuse_nonsense(test, limits)
    try:
        with transaction.atomic():
            return LimitChange.objects.create(test=test, limits=limits, because=because.strip()[:200], asked_by=by)
    except IntegrityError as fault:
        raise Refused(
            _("Another change of %(test)s waits to be confirmed. It must be confirmed or refused first.")
            % {"test": test}
        ) from fault


def _ranges(limits):
    return [row | {"low": _number(row["low"]), "high": _number(row["high"])} for row in limits["ranges"]]


def _refuse_nonsense(test, limits):
    ranges = [lint.Limits(**row) for row in _ranges(limits)]
    low, high, lowest, highest = (_number(limits[name]) for name in NUMBERS)
    for sentence in lint.contradictions(low, high, ranges):
        raise Refused(sentence)
    if None not in (lowest, highest) and lowest >= highest:
        raise Refused(_("The lowest possible value is not below the highest. Correct one of them."))
    if strange := sorted({*limits["normal"], *limits["critical_values"]} - set(test.allowed)):
        raise Refused(_("%(words)s is no allowed value of %(test)s.") % {"words": ", ".join(strange), "test": test})
    if common := sorted({*limits["normal"]} & {*limits["critical_values"]}):
        raise Refused(_("%(words)s cannot be normal and critical at once.") % {"words": ", ".join(common)})


@transaction.atomic
def decide_limits(change, *, accept, by, answer=""):
    """Confirm or refuse a change; confirmed, it holds for every result from now on, and the limits are confirmed.

    Raises Refused for one's own change, for one that was decided, and for a refusal without a reason.
    """
    test = Test.objects.select_for_update().get(pk=change.test_id)
    change = LimitChange.objects.select_for_update(of=("self",)).select_related("decided_by").get(pk=change.pk)
    if change.decided_by_id:
        raise Refused(_("This change was already decided, by %(who)s.") % {"who": change.decided_by})
    if change.asked_by_id == by.pk:
        raise Refused(_("You asked for this change yourself: another supervisor must confirm it."))
    if not accept and not answer.strip():
        raise Refused(_("Say why it is refused: who asked reads it."))
    if accept:
        _refuse_nonsense(test, change.limits)
        _apply(test, change, by)
    change.accepted, change.decided_by, change.decided_at = accept, by, timezone.now()
    change.answer, change._history_user = answer.strip()[:200], by
    change.save(update_fields=["accepted", "decided_by", "decided_at", "answer"])
    return change


def _apply(test, change, by):
    for name in NUMBERS:
        setattr(test, name, _number(change.limits[name]))
    for name in WORDS:
        setattr(test, name, change.limits[name])
    test.limits_verified, test._history_user, test._change_reason = True, by, change.because[:100]
    test.save(update_fields=[*NUMBERS, *WORDS, "limits_verified"])
    for each in test.ranges.all():
        each._history_user, each._change_reason = by, change.because[:100]
        each.delete()
    rows = [ReferenceRange(test=test, **row) for row in _ranges(change.limits)]
    bulk_create_with_history(rows, ReferenceRange, default_user=by, default_change_reason=change.because[:100])
