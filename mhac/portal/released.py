"""What a partner's list shows: its releases, their state at this moment, and copies it holds that no longer count."""

import uuid

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from mhac.certificates import states
from mhac.certificates.listing import Shown, found_by
from mhac.certificates.models import Certificate, Download, Release

PAGE = 50
FILTERS = {
    states.VALID: states.LABELS[states.VALID],
    states.EXPIRED: states.LABELS[states.EXPIRED],
    "gone": states.TO_PARTNERS_FILTER,
}


def page_of(user, organisation, asked, size=PAGE) -> dict:
    """One page of what this user may see. `asked`: q (number, name, reference), state, before (key of a row)."""
    q, state, before = asked.get("q", "").strip(), asked.get("state", ""), _key(asked.get("before", ""))
    rows = seen_by(user, organisation)
    if q:
        rows = rows.filter(found_by(q, "certificate__"))
    if state in FILTERS:
        rows = rows.filter(_stored(state))
    if before:
        rows = rows.filter(pk__lt=before)
    page = list(rows[: size + 1])
    return {
        "organisation": organisation,
        "released": [Line(release) for release in page[:size]],
        "held": [Line(release) for release in seen_by(user, organisation).filter(_stored("gone"), taken=True)[:20]],
        "older": page[size - 1].pk if len(page) > size else None,
        "q": q,
        "state": state,
        "filters": FILTERS.items(),
    }


def seen_by(user, organisation):
    """Releases with their documents, the newest first; `taken`: whether this organisation took the file."""
    takings = Download.objects.filter(certificate=OuterRef("certificate"), organisation=organisation)
    rows = Release.objects.visible_to(user).filter(organisation=organisation).annotate(taken=Exists(takings))
    rows = rows.select_related("certificate__screening__patient", "certificate__signoff", "certificate__clinic")
    return rows.defer("certificate__pdf", "certificate__facts", "certificate__seal").order_by("-id")


class Line(Shown):
    """A release on the page: its document with the state at this moment."""

    def __init__(self, release):
        super().__init__(release.certificate)
        self.release, self.taken = release, release.taken


def _stored(state):
    """As the rows have it; what changed a moment ago shows its new state in the line itself."""
    over = Q(certificate__valid_until__lt=timezone.localdate())
    if state == "gone":
        return ~Q(certificate__state=Certificate.State.VALID)
    return Q(certificate__state=Certificate.State.VALID) & (over if state == states.EXPIRED else ~over)


def _key(text):
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
