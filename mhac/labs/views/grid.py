"""The worklist: many tubes beside many tests, typed in one pass."""

from django.contrib import messages
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from mhac.accounts.permissions import needs
from mhac.labs import bench, words
from mhac.labs import worklist as lists


@needs("labs.add_labresult")
def worklist(request):
    offered = lists.choices(request.user)
    tests = lists.chosen(offered, request.GET.getlist("test"), request.GET.get("tube", ""))
    if request.method == "POST":
        return _save(request)
    after = _found(request, tests)
    rows, following = lists.page(request.user, tests, after) if tests else ([], "")
    return _grid(request, rows, tests, offered=offered, after=following)


def _found(request, tests):
    """Where the page begins: at the tube whose number was typed, else where the address says."""
    after, number = request.GET.get("after", ""), request.GET.get("number", "").strip()
    place = lists.place_of(request.user, tests, number) if number else None
    if number and place is None:
        messages.warning(request, _("%(number)s waits for none of these tests.") % {"number": number})
    return after if place is None else place


def _grid(request, rows, tests, *, offered=(), after="", refused=0):
    query = request.GET.copy()
    query["after"] = after
    query.pop("number", None)
    for test in tests:
        test.words = [(place, words.label(word)) for place, word in enumerate(test.allowed, 1)]
        test.numbered = words.numbered(test.allowed)
    context = {"rows": rows, "tests": tests, "offered": offered, "after": after and query.urlencode()}
    context |= {"number": request.GET.get("number", ""), "refused": refused, "path": request.get_full_path()}
    return render(request, "labs/worklist.html", context)


def _save(request):
    """File what can be filed. What cannot stays in its cell with the reason; nothing that was typed is lost."""
    filed, refused = lists.save(request.user, request.POST)
    if filed:
        text = ngettext("%(count)s result entered.", "%(count)s results entered.", filed)
        messages.success(request, text % {"count": filed} + " " + _("Another person must verify what you typed."))
    if not refused:
        if not filed:
            messages.warning(request, _("Nothing was typed. Type at least one result."))
        return redirect(request.get_full_path())
    tubes = [key for key in map(bench.key_of, request.POST.getlist("line")) if key]
    tests = lists.named(request.POST.getlist("column"))
    rows = lists.lines(request.user, tubes, tests, refused)
    return _grid(request, rows, tests, refused=len(refused))


@needs("labs.add_labresult")
@require_POST
def check(request):
    name = next((name for name in request.POST if lists.read_name(name)), "")
    said = lists.check(request.user, name, request.POST.get(name, ""))
    return render(request, "labs/_said.html", {"said": said})
