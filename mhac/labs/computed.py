"""A conclusion that somebody types beside the values it comes from: our own computation must come to the same."""

from django.utils.translation import gettext as _

from mhac.labs import words
from mhac.labs.models import LabResult, Test
from mhac.protocols.igra import quantiferon


def why_not(order, coded) -> str:
    """Why `coded` cannot be the conclusion of this order, in a sentence; "" for a test that is not computed, or when
    the standing values of its tube lead to the same conclusion."""
    test = order.test
    if not test.computed_from:
        return ""
    rows = LabResult.objects.standing().filter(order__specimen=order.specimen_id, number__isnull=False)
    numbers = dict(
        rows.filter(order__test__key__in=test.computed_from.values()).values_list("order__test__key", "number")
    )
    if missing := test.computed_from.values() - numbers.keys():
        names = Test.objects.filter(key__in=missing).order_by("position").values_list("name", flat=True)
        return _("%(test)s is checked against its values. Enter these first: %(names)s.") % {
            "test": test,
            "names": ", ".join(names),
        }
    own = quantiferon(**{name: numbers[key] for name, key in test.computed_from.items()})
    if own == coded.casefold():
        return ""
    return _("%(test)s: the values of this tube mean “%(own)s”. Check them, and correct what was misread.") % {
        "test": test,
        "own": words.label(own),
    }
