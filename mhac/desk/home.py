from django.shortcuts import redirect, render

from mhac.accounts.permissions import needs
from mhac.desk.context import LANDING, doors


@needs("accounts.enter")
def home(request):
    """Everybody lands at her own work."""
    open_doors = [name for name, _label in doors(request.user)]
    landing = next((LANDING[role] for role in request.user.roles if LANDING.get(role) in open_doors), None)
    return redirect(landing or open_doors[0])


@needs("accounts.enter")
def keys(request):
    """The keyboard map, for who has no JavaScript or wants it on paper."""
    return render(request, "desk/keys.html")
