"""The tag `csrf_token`, for every form of the house: who sends it, and which showing of it this is."""

from django import template
from django.template.defaulttags import CsrfTokenNode
from django.utils.html import format_html

from mhac.accounts.once import FIELD
from mhac.clinics.numbers import uuid7

register = template.Library()


class _Token(CsrfTokenNode):
    def render(self, context):
        token = super().render(context)
        return format_html('{}<input type="hidden" name="{}" value="{}">', token, FIELD, uuid7()) if token else token


@register.tag
def csrf_token(parser, token):
    return _Token()
