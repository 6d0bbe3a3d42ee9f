"""Which tests of the catalogue the analyzers of a site measure, and which nobody could result there."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from lab_integration.models import Analyzer
from mhac.accounts.models import RoleGrant
from mhac.labs import services as labs


@dataclass(frozen=True)
class Covered:
    """One site: tests that an active analyzer maps, those that are only typed by hand, whether anybody may type there,
    and what analyzers map to no test in use (analyzer, key)."""

    clinic: Any
    measured: list[Any]
    by_hand: list[Any]
    typed: bool
    strange: list[tuple[Any, str]]


def of_sites(sites: Any) -> list[Covered]:
    """The sites in order; three queries."""
    tests = labs.tests_by_key()
    analyzers = Analyzer.objects.active().filter(clinic__in=sites, listening=False).select_related("clinic")
    mapped: defaultdict[Any, set[str]] = defaultdict(set)
    strange: defaultdict[Any, list[tuple[Any, str]]] = defaultdict(list)
    for one in analyzers.order_by("name"):
        entries = [entry for entry in one.settings.code_map if not entry.settled]
        keys = {key for entry in entries for key in (entry.test, *entry.test_by_tube.values()) if key}
        mapped[one.clinic_id] |= keys
        strange[one.clinic_id] += [(one, key) for key in sorted(keys - tests.keys())]
    may = {"group__permissions__content_type__app_label": "labs", "group__permissions__codename": "add_labresult"}
    typing = set(RoleGrant.objects.filter(user__is_active=True, **may).values_list("clinic", flat=True))
    ordered = sorted(tests.values(), key=lambda test: (test.position, test.key))
    return [
        Covered(
            site,
            [test for test in ordered if test.key in mapped[site.pk]],
            [test for test in ordered if test.key not in mapped[site.pk]],
            bool(typing & {site.pk, None}),
            strange[site.pk],
        )
        for site in sites
    ]
