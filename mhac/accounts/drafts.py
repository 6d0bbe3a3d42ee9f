"""What a user was typing when the power, the network or the browser went away. See docs/front-desk.md."""

import datetime
import json
import uuid

from django.urls import Resolver404, resolve
from django.utils import dateformat, timezone
from django.utils.translation import gettext as _

from mhac.accounts.models import DoneRequest, Draft

FIELD = "draft"
LONGEST = 64 * 1024  # characters of one draft
DAYS = 7
# A page that was left open is sent again at most this much later.
DONE_DAYS = 30


class Refused(ValueError):
    """It was not kept. The text says why."""


def keep(*, by, page, form, key, typed):
    """Keep `typed` (JSON: {"fields": {name: {"was": [...] or null, "is": [...]}}, "focus": name}) as the draft of this
    page's form; nothing in `fields` removes it. One statement. Raises Refused for what cannot be a draft of ours.
    """
    if len(typed) > LONGEST:
        raise Refused(_("This is too long to be kept. Save the page."))
    try:
        read, key = json.loads(typed), uuid.UUID(key)
        for address in (page.partition("?")[0], form):
            resolve(address)
    except (ValueError, Resolver404) as wrong:
        raise Refused(_("This page keeps no drafts. Save it instead.")) from wrong
    if not isinstance(read, dict) or not isinstance(read.get("fields"), dict) or len(page) > 600 or len(form) > 300:
        raise Refused(_("This page keeps no drafts. Save it instead."))
    if not read["fields"]:
        Draft.objects.filter(user=by, page=page, form=form).delete()
        return
    Draft.objects.bulk_create(
        [Draft(user=by, page=page, form=form, by=key, typed=read, at=timezone.now())],
        update_conflicts=True,
        unique_fields=["user", "page", "form"],
        update_fields=["by", "typed", "at"],
    )


def of(page, *, by):
    """The drafts of this user on this page as the browser takes them; one whose form was sent is none any more."""
    sent = DoneRequest.objects.filter(user=by).values("key")
    found = Draft.objects.filter(user=by, page=page, at__gte=_since(DAYS)).exclude(by__in=sent)
    return [{"form": draft.form, "by": str(draft.by), "at": moment(draft.at), "typed": draft.typed} for draft in found]


def sent(*, by, keys):
    """The forms with these keys are done: their drafts go. One that was typed elsewhere since stays."""
    Draft.objects.filter(user=by, by__in=[key for key in keys if key]).delete()


def forget_old():
    """Remove what nobody came back for, and the keys of forms that no browser holds any more."""
    Draft.objects.filter(at__lt=_since(DAYS)).delete()
    DoneRequest.objects.filter(at__lt=_since(DONE_DAYS)).delete()


def _since(days):
    return timezone.now() - datetime.timedelta(days=days)


def moment(at):
    """The time of the clinic as a draft's sentence says it."""
    local = timezone.localtime(at)
    return dateformat.format(local, "H:i" if local.date() == timezone.localdate() else "d M, H:i")
