"""How a profile changes: there is one draft an analyzer; whoever wrote part of it is noted, and nothing is lost."""

from copy import deepcopy
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from lab_integration import profile as profiles
from lab_integration import shape
from lab_integration.models import Analyzer, ProfileVersion

State = ProfileVersion.State


class Refused(Exception):
    """It was not done. The text says what was wrong and what to do next."""


def of(analyzer: Analyzer) -> ProfileVersion | None:
    """The draft of this analyzer, when there is one."""
    return analyzer.versions.drafts().select_related("changed_by", "based_on").first()


def settings(analyzer: Analyzer, profile: dict[str, Any]) -> profiles.Profile:
    """`profile` read for this analyzer; Refused names the place that cannot be read."""
    given = {"code_map": [], **profile, "name": analyzer.name, "dialect": analyzer.dialect}
    try:
        return profiles.read(given, ZoneInfo(analyzer.clinic.timezone))
    except shape.Refused as error:
        raise Refused(str(error)) from None


@transaction.atomic
def save(analyzer: Analyzer, profile: dict[str, Any], *, by: Any, revision: int) -> ProfileVersion:
    """Write `profile` as the draft. `revision` is that of the draft that `by` had before her, 0 for none.

    Raises Refused when somebody changed it meanwhile, nothing differs, or the profile cannot be read.
    """
    row = Analyzer.objects.select_for_update(of=("self",)).select_related("clinic").get(pk=analyzer.pk)
    settings(row, profile)
    draft = of(row)
    if revision != (draft.revision if draft else 0):
        raise Refused(_("Somebody changed this draft since you opened it. Look at it again, then make your change."))
    if profile == (draft.profile if draft else row.profile):
        raise Refused(_("Nothing was changed."))
    if draft is None:
        last = row.versions.aggregate(last=Max("number"))["last"] or 0
        draft = ProfileVersion(analyzer=row, number=last + 1, based_on=row.in_force, revision=0)
    draft.profile, draft.changed_by, draft.revision = deepcopy(profile), by, draft.revision + 1
    draft.authors = [*dict.fromkeys([*draft.authors, by.pk])]
    draft.save()
    return draft


@transaction.atomic
def discard(version: ProfileVersion, *, by: Any) -> ProfileVersion:
    """Put a draft aside; it stays on the list. Raises Refused when it is no draft any more."""
    draft = ProfileVersion.objects.select_for_update().get(pk=version.pk)
    if draft.state != State.DRAFT:
        raise Refused(_("This is no draft any more. Look at the list of versions."))
    draft.state, draft.changed_by = State.DISCARDED, by
    draft.save(update_fields=["state", "changed_by", "changed_at"])
    return draft
