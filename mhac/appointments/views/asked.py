"""What several pages of this room ask: which site, and whether a service did it."""

from django.shortcuts import get_object_or_404

from mhac.appointments import services


def site_of(request):
    """The site that the address names, among those of the user; her first one otherwise."""
    sites = request.user.sites()
    return sites.filter(code=request.GET.get("site", "")).first() or get_object_or_404(sites[:1])


def done(form, service, *subjects, **details):
    """Whether the service did it; where it refused, its sentence stands in the form."""
    try:
        service(*subjects, **details)
    except services.Refused as refusal:
        form.add_error(None, str(refusal))
        return False
    return True
