"""Who came and who did not: the buttons of the day's list."""

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST
from django_htmx.http import trigger_client_event

from mhac.accounts.permissions import needs
from mhac.appointments import services
from mhac.appointments.models import Booking


@require_POST
@needs("appointments.change_booking")
def arrive(request, booking):
    booking = get_object_or_404(Booking.objects.visible_to(request.user).whole(), pk=booking)
    return _marked(request, [booking], services.arrive)


@require_POST
@needs("appointments.change_booking")
def arrive_together(request, booking):
    """The whole family of this booking has come."""
    booking = get_object_or_404(Booking.objects.visible_to(request.user).whole(), pk=booking)
    family = Booking.objects.visible_to(request.user).beside(booking).whole()
    return _marked(request, family or [booking], services.arrive)


@require_POST
@needs("appointments.change_booking")
def take_back_arrival(request, booking):
    booking = get_object_or_404(Booking.objects.visible_to(request.user).whole(), pk=booking)
    return _marked(request, [booking], services.take_back_arrival)


@require_POST
@needs("appointments.change_booking")
def no_show(request, booking):
    booking = get_object_or_404(Booking.objects.visible_to(request.user).whole(), pk=booking)
    return _marked(request, [booking], services.no_show)


def _marked(request, bookings, service):
    """Do what a button of the day's list asked for; htmx then fetches the list anew, other browsers are sent back."""
    try:
        with transaction.atomic():
            for booking in bookings:
                service(booking, by=request.user)
    except services.Refused as refusal:
        messages.error(request, str(refusal))
    if request.htmx:
        return trigger_client_event(HttpResponse(status=204), "board-changed")
    back = request.POST.get("next", "")
    return redirect(back if url_has_allowed_host_and_scheme(back, {request.get_host()}) else reverse("desk:today"))
