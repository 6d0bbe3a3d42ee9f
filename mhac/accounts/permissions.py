"""Every view says on the line above it what it needs. Everything else is closed."""

from functools import wraps

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext as _

from mhac.accounts import once
from mhac.accounts.models import Access


def needs(permission, *alternatives):
    """Only who holds `permission` (or one of `alternatives`) at some site; rows are then fetched where she holds it.

    Raises PermissionDenied with a sentence naming the permission, so that she can ask an administrator for it.
    A form that was done already is not done again: see `once`.
    """

    def guard(view):
        @wraps(view)
        def guarded(request, *args, **kwargs):
            held = next((p for p in (permission, *alternatives) if request.user.has_perm(p)), None)
            if held is None:
                raise PermissionDenied(
                    _("Your role does not allow this (%(permission)s). Ask your site manager who can do it.")
                    % {"permission": permission}
                )
            request.user.acting = held
            return once.answer(view, request, *args, **kwargs)

        guarded.permissions, guarded.has_one_effect = (permission, *alternatives), True
        return guarded

    return guard


def own(view):
    """What is somebody's own, whatever her role (every role may enter): rows are fetched by the user herself."""

    @wraps(view)
    def guarded(request, *args, **kwargs):
        return view(request, *args, **kwargs)

    guarded.permissions = ("accounts.enter",)
    return guarded


def open_to_all(view):
    """The only opening in a house that is closed by default."""

    @wraps(view)
    def opened(request, *args, **kwargs):
        return view(request, *args, **kwargs)

    opened.permissions = ()
    return login_not_required(opened)


def record_access(request, obj, *, clinic=None, action="open", note=""):
    """Write that `obj` was opened by this page; call it in the view, inside the transaction of what it answers."""
    return Access.objects.create(
        user=request.user if request.user.is_authenticated else None,
        page=request.resolver_match.view_name,
        action=action,
        label=obj._meta.label_lower,
        key=str(obj.pk),
        clinic=clinic,
        note=note,
    )
