from urllib.parse import urlencode

from allauth.core import ratelimit
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.forms import PasswordChangeForm
from django.http import HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from mhac.accounts import drafts, once, services
from mhac.accounts.forms import AccessFilter, UserForm
from mhac.accounts.models import Access
from mhac.accounts.permissions import needs, own
from mhac.accounts.roles import ROLES
from mhac.accounts.sitting import quiet

PAGE = 50


@needs("accounts.view_user")
def users(request):
    people = request.user.overseen().prefetch_related("grants__group", "grants__clinic")
    return render(request, "accounts/users.html", {"people": people.order_by("-is_active", "username"), "roles": ROLES})


@sensitive_post_parameters()
@needs("accounts.add_user")
def add_user(request):
    form = UserForm(request.POST or None, request=request)
    if form.is_valid() and (made := _done(form, services.add_user, by=request.user, **form.changes())):
        return _password_given(request, *made)
    return render(request, "accounts/user.html", {"form": form})


@sensitive_post_parameters()
@needs("accounts.change_user")
def change_user(request, pk):
    person = get_object_or_404(request.user.overseen(), pk=pk)
    form = UserForm(request.POST or None, request=request, instance=person)
    if form.is_valid() and _done(form, services.change_user, person, by=request.user, **form.changes()):
        messages.success(request, _("%(name)s is changed, from the next click on.") % {"name": person})
        return redirect("accounts:users")
    return render(request, "accounts/user.html", {"form": form, "person": person, "is_me": person == request.user})


@require_POST
@needs("accounts.change_user")
def new_password(request, pk):
    """A starting password for somebody who lost hers; it is shown once and kept nowhere."""
    person = get_object_or_404(request.user.overseen(), pk=pk)
    try:
        password = services.new_password(person, by=request.user)
    except services.Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("accounts:change_user", person.pk)
    return _password_given(request, person, password)


def _password_given(request, person, password):
    shown = render(request, "accounts/password_given.html", {"person": person, "password": password})
    return once.done(shown, reverse("accounts:change_user", args=[person.pk]))


@sensitive_post_parameters()
@needs("accounts.enter")
def password(request):
    """One's own password."""
    form = PasswordChangeForm(request.user, request.POST or None)
    if request.method == "POST" and not ratelimit.consume(request, action="change_password", user=request.user):
        return render(request, "429.html", status=429)
    if form.is_valid():
        update_session_auth_hash(request, form.save())
        messages.success(request, _("Your password is changed."))
        return redirect("home")
    return render(request, "accounts/password.html", {"form": form})


@quiet
@own
def draft(request):
    """What this user was typing on a page: asked for when the page opens, kept while she types."""
    if request.method == "GET":
        kept = drafts.of(request.GET.get("page", ""), by=request.user)
        return JsonResponse({"user": str(request.user.pk), "token": get_token(request), "drafts": kept})
    sent = request.POST
    if sent.get("user") != str(request.user.pk):
        return HttpResponse(status=409)
    try:
        drafts.keep(by=request.user, key=sent.get("key", ""), **{n: sent.get(n, "") for n in ("page", "form", "typed")})
    except drafts.Refused as refusal:
        return HttpResponse(str(refusal), status=400)
    return HttpResponse(status=204, headers={"X-Kept": drafts.moment(timezone.now())})


@needs("accounts.view_access")
def accesses(request):
    """Who looked at what kind of record and when; the record itself is not shown."""
    form = AccessFilter(request.GET or None)
    rows = list(form.chosen(Access.objects.visible_to(request.user).select_related("user", "clinic"))[: PAGE + 1])
    asked = {name: value for name, value in request.GET.items() if name != "before" and value}
    older = urlencode(asked | {"before": str(rows[PAGE - 1].pk)}) if len(rows) > PAGE else ""
    context = {"form": form, "rows": rows[:PAGE], "older": older, "is_first": "before" not in request.GET}
    return render(request, "accounts/accesses.html", context)


def _done(form, service, *subjects, **details):
    """What the service answered; where it refused, its sentence stands in the form."""
    try:
        return service(*subjects, **details)
    except services.Refused as refusal:
        form.add_error(None, str(refusal))
        return None
