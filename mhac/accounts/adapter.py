from allauth.account.adapter import DefaultAccountAdapter


class ClinicAdapter(DefaultAccountAdapter):
    """Accounts are made by an administrator, never by whoever finds the log-in page."""

    def is_open_for_signup(self, request):
        return False
