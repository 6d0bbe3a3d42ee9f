"""How dates and codes are shown: Gregorian with month name, Solar Hijri with its Afghan month name below."""

import datetime

from django import template
from django.utils import dateformat, timezone
from django.utils.html import format_html

from mhac.clinics.calendar import solar_hijri, solar_hijri_span

register = template.Library()


def _day(value):
    if isinstance(value, datetime.datetime):
        return timezone.localtime(value).date() if timezone.is_aware(value) else value.date()
    return value


@register.filter
def day(value):
    """21 Nov 2026"""
    return format_html('<bdi class="day">{}</bdi>', dateformat.format(_day(value), "d M Y")) if value else "–"


@register.filter
def both(value):
    """21 Nov 2026 with the Solar Hijri day beside it."""
    if not value:
        return "–"
    gregorian = dateformat.format(_day(value), "d M Y")
    return format_html('<bdi class="day">{}</bdi> <bdi class="hijri">{}</bdi>', gregorian, solar_hijri(_day(value)))


@register.filter
def birth(person):
    """The birth of somebody with `born_earliest` and `born_latest` in both calendars: a day, or the days it lies
    between."""
    earliest, latest = person.born_earliest, person.born_latest
    if earliest == latest:
        return both(earliest)
    gregorian = " – ".join(dateformat.format(each, "d M Y") for each in (earliest, latest))
    return format_html(
        '<bdi class="day">{}</bdi> <bdi class="hijri">{}</bdi>', gregorian, solar_hijri_span(earliest, latest)
    )


@register.filter
def moment(value):
    """21 Nov 2026, 14:05 in the clinic's time."""
    if not value:
        return "–"
    return format_html('<bdi class="day">{}</bdi>', dateformat.format(timezone.localtime(value), "d M Y, H:i"))


@register.filter
def hijri(value):
    return solar_hijri(_day(value)) if value else "–"


@register.filter
def get(mapping, key):
    """The value of a dictionary whose key is in a variable."""
    return mapping.get(key) if mapping else None
