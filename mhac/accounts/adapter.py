from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.contrib import messages
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _

from mhac.accounts import drafts, sitting


class ClinicAdapter(DefaultAccountAdapter):
    """Accounts are made by an administrator, never by whoever finds the log-in page."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "username_password_mismatch": _("User name or password is wrong. Type both again."),
        "too_many_login_attempts": _(
            "Too many wrong tries. Wait five minutes, or ask the administrator of your site for a new password."
        ),
    }

    def is_open_for_signup(self, request):
        return False

    def respond_user_inactive(self, request, user):
        messages.error(request, _("This account is closed. Ask the administrator of your site to open it again."))
        return redirect("account_login")

    def post_login(self, request, user, **kwargs):
        """Everybody starts in her own language, unless this browser was told another one; old drafts go."""
        sitting.begin(request.session)
        drafts.forget_old()
        response = super().post_login(request, user, **kwargs)
        if settings.LANGUAGE_COOKIE_NAME not in request.COOKIES and user.language in dict(settings.LANGUAGES):
            response.set_cookie(settings.LANGUAGE_COOKIE_NAME, user.language, samesite="Lax")
        return response
