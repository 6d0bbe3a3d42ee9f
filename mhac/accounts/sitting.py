"""How long somebody stays signed in: fifteen minutes without a click, twelve hours in all.

What a page asks for by itself (htmx, a draft) is no click. The address and the kind of the request decide; a header can
shorten a sitting, and nothing lengthens it.
"""

import time

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import SESSION_KEY, logout
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpResponse
from django.utils.translation import gettext as _

IDLE_SECONDS = 15 * 60
# The moment of the last click is written this often at most.
ROUGHLY_SECONDS = 60
BEGAN, CLICKED = "began", "clicked"


def begin(session):
    """Somebody signed in just now."""
    session[BEGAN] = session[CLICKED] = time.time()


def quiet(view):
    """A view that the page asks by itself; it keeps nobody signed in and never leads to the sign-in page."""
    view.is_quiet = True
    return view


class Sitting(LoginRequiredMiddleware):
    """Ends a sitting that is over, then lets pass who is signed in. What a page asked for by itself is answered 401."""

    def process_view(self, request, view_func, view_args, view_kwargs):
        if SESSION_KEY in request.session:
            now = time.time()
            if _is_over(request.session, now):
                logout(request)
                messages.warning(request, _("You were signed out after 15 minutes without a click. Sign in again."))
            elif _is_click(request, view_func) and now - request.session[CLICKED] > ROUGHLY_SECONDS:
                request.session[CLICKED] = now
        return super().process_view(request, view_func, view_args, view_kwargs)

    def handle_no_permission(self, request, view_func):
        if _is_asked_by_page(request, view_func):
            return HttpResponse(status=401)
        return super().handle_no_permission(request, view_func)


def _is_over(session, now):
    """A sitting that nobody began at the sign-in page is over too."""
    idle, whole = now - session.get(CLICKED, 0), now - session.get(BEGAN, 0)
    return not (0 <= idle <= IDLE_SECONDS and 0 <= whole <= settings.SESSION_COOKIE_AGE)


def _is_asked_by_page(request, view_func):
    return getattr(view_func, "is_quiet", False) or "HX-Request" in request.headers


def _is_click(request, view_func):
    return not getattr(view_func, "is_quiet", False) and (
        request.method == "POST" or "HX-Request" not in request.headers
    )
