"""The catalogue: what each test is, what it is judged by, what is wrong with it; two supervisors change its limits."""

from django.contrib import messages
from django.db import transaction
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from mhac.accounts.permissions import needs
from mhac.labs import catalogue as written
from mhac.labs import lint, services, words
from mhac.labs.forms import DecideLimitsForm, LimitsForm
from mhac.labs.views import fetched


@needs("labs.view_test")
def catalogue(request):
    tests = fetched.tests()
    return render(request, "labs/catalogue.html", {"tests": tests, "waiting": fetched.waiting_changes()})


@needs("labs.view_test")
def catalogue_lint(request):
    tests = [each for each in fetched.tests() if each.active]
    found = lint.of_tests(tests, keys=fetched.test_keys())
    sites = [(site, list(lint.of_site(site, tests))) for site in request.user.sites()]
    context = {"stops": [each for each in found if each.stops], "sites": sites}
    context["rest"] = [each for each in found if not each.stops]
    return render(request, "labs/catalogue_lint.html", context)


@needs("labs.view_test")
def catalogue_test(request, key):
    test = fetched.test(key)
    return _shown(request, test, DecideLimitsForm(request=request))


def _shown(request, test, form):
    changes = list(test.limit_changes.select_related("asked_by", "decided_by"))
    keys, rules = fetched.test_keys(), written.catalogue()
    context = {
        "test": test,
        "words": [(place, word, words.label(word)) for place, word in enumerate(test.allowed, 1)],
        "numbered": words.numbered(test.allowed),
        "at_age": rules.at_age(test.key),
        "together": [[(key, ", ".join(sorted(each[key]))) for key in each] for each in rules.together_with(test.key)],
        "changes": changes,
        "open": next((each for each in changes if each.accepted is None), None),
        "found": lint.of_tests([test], keys=keys),
        "form": form,
    }
    return render(request, "labs/catalogue_test.html", context)


@needs("labs.add_limitchange")
@transaction.atomic
def change_limits(request, key):
    test = fetched.test(key)
    form = LimitsForm(fetched.posted(request), test=test, request=request)
    if form.is_valid():
        try:
            services.ask_limits(test, limits=form.limits(), because=form.cleaned_data["because"], by=request.user)
            messages.success(request, _("Asked for. Another supervisor must confirm it before it holds."))
            return redirect("labs:catalogue_test", test.key)
        except services.Refused as refusal:
            form.add_error(None, str(refusal))
    return render(request, "labs/catalogue_change.html", {"test": test, "form": form})


@needs("labs.change_limitchange")
@require_POST
def decide_limits(request, change):
    found = fetched.limit_change(change)
    form = DecideLimitsForm(request.POST, request=request)
    accept = "accept" in request.POST
    if form.is_valid():
        try:
            services.decide_limits(found, accept=accept, by=request.user, answer=form.cleaned_data["answer"])
            messages.success(request, _("The new limits hold from now on.") if accept else _("The change was refused."))
            return redirect("labs:catalogue_test", found.test.key)
        except services.Refused as refusal:
            form.add_error(None, str(refusal))
    return _shown(request, found.test, form)
