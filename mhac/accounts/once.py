"""One effect for one form sent: a second click, a repeat after a lost answer or the back button does nothing again.

Every form that is shown carries a key (see the tag `csrf_token` of this room). The key is claimed in the transaction of
what the form does, so that of two at once the second waits for the first and is then led where the first one was.
"""

import uuid

from django.contrib import messages
from django.db import transaction
from django.shortcuts import redirect
from django.utils import dateformat, timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _
from django_htmx.http import HttpResponseClientRedirect

from mhac.accounts import drafts
from mhac.accounts.models import DoneRequest

FIELD = "once"
# What may differ between two sendings of the same form.
_ASIDE = {"csrfmiddlewaretoken", FIELD, drafts.FIELD}


def done(response, address):
    """Say that this answer, which is no redirect, did what was asked; who sends the form again is led to `address`."""
    response.done_at = address
    return response


def answer(view, request, *args, **kwargs):
    """The view's answer; for a form that was done before, the way to the page the first answer led to."""
    if request.method != "POST" or (key := _key(request.POST.get(FIELD, ""))) is None:
        return view(request, *args, **kwargs)
    with transaction.atomic():
        claim, is_first = DoneRequest.objects.get_or_create(
            user=request.user, key=key, path=request.path[:300], defaults={"seal": _seal(request)}
        )
        if not is_first:
            return _again(request, claim)
        before = _errors(request)
        response = view(request, *args, **kwargs)
        _settle(request, claim, response, before)
    return response


def _settle(request, claim, response, before):
    """Keep the key of what was done; what was refused may be sent again."""
    address = getattr(response, "done_at", "") or response.get("Location", "")
    if not address or _errors(request) > before:
        claim.delete()
        return
    claim.address = address[:800]
    claim.save(update_fields=["address"])
    drafts.sent(by=request.user, keys=[claim.key, _key(request.POST.get(drafts.FIELD, ""))])


def _again(request, claim):
    if claim.seal != _seal(request):
        when = dateformat.format(timezone.localtime(claim.at), "H:i")
        said = _("This page was sent already at %(time)s. What it said then stands; change it here if it was wrong.")
        messages.warning(request, said % {"time": when})
    return HttpResponseClientRedirect(claim.address) if request.htmx else redirect(claim.address)


def _errors(request):
    """How many refusals wait to be shown; looking at them does not use them up."""
    waiting, count = messages.get_messages(request), 0
    for message in waiting:
        count += message.level >= messages.ERROR
        # What was looked at is no longer prepared for its cookie, and a lazy sentence cannot be written into one.
        message.message = str(message.message)
    waiting.used = False
    return count


def _key(text):
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def _seal(request):
    """A seal of what was sent that tells equal from different and nothing else, passwords included."""
    sent = sorted((name, values) for name, values in request.POST.lists() if name not in _ASIDE)
    files = sorted((name, file.name, file.size) for name, file in request.FILES.items())
    return salted_hmac("mhac.accounts.once", repr((sent, files)), algorithm="sha256").hexdigest()
