"""Versions of an analyzer's profile: who wrote what, who looked at it and put it in force, and what differs."""

from dataclasses import dataclass
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Func, IntegerField, Q
from django.db.models.lookups import IsNull
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from mhac.accounts.models import User
from mhac.clinics.models import Row


class VersionQuerySet(models.QuerySet):
    def visible_to(self, user):
        return self.filter(analyzer__clinic__in=user.sites())

    def drafts(self):
        return self.filter(state=ProfileVersion.State.DRAFT)


class ProfileVersion(Row):
    """One version of how an analyzer is read. The one in force is `analyzer.in_force`; none is ever deleted.

    `authors` are all who wrote part of it: none of them may put it in force. Empty: it was there before anybody wrote.
    """

    class State(models.TextChoices):
        DRAFT = "draft", _("draft")
        USED = "used", _("was put in force")
        DISCARDED = "discarded", _("discarded")

    analyzer = models.ForeignKey("lab_integration.Analyzer", models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField(_("version"))
    state = models.CharField(_("state"), max_length=9, choices=State.choices, default=State.DRAFT)
    profile = models.JSONField(default=dict, blank=True)
    based_on = models.ForeignKey("self", models.SET_NULL, null=True, related_name="+")
    revision = models.PositiveIntegerField(default=1)
    authors = ArrayField(models.UUIDField(), default=list, blank=True)
    changed_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    changed_at = models.DateTimeField(auto_now=True)
    activated_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    activated_at = models.DateTimeField(null=True)
    because = models.CharField(_("reason"), max_length=200, blank=True)
    history = HistoricalRecords()

    objects = VersionQuerySet.as_manager()

    class Meta:
        verbose_name = _("version of a profile")
        ordering = ["-number"]
        permissions = [("activate_profileversion", "May put a profile that somebody else wrote in force")]
        constraints = [
            models.UniqueConstraint(fields=["analyzer", "number"], name="one_version_per_number"),
            models.UniqueConstraint(fields=["analyzer"], condition=Q(state="draft"), name="one_draft_per_analyzer"),
            models.CheckConstraint(
                condition=IsNull(
                    Func(F("authors"), F("activated_by"), function="array_position", output_field=IntegerField()), True
                ),
                name="nobody_activates_what_she_wrote",
            ),
            models.CheckConstraint(
                condition=~Q(state="used") | Q(authors=[]) | (Q(activated_by__isnull=False) & ~Q(because="")),
                name="activated_by_somebody_with_a_reason",
            ),
        ]

    def __str__(self):
        return f"{self.analyzer} {self.number}"


@dataclass(frozen=True)
class Change:
    """One difference between two profiles: what (a key, or a code with system and unit), before and after ("" none)."""

    what: str
    before: str
    after: str


def differences(old: dict[str, Any], new: dict[str, Any]) -> list[Change]:
    """What `new` says that `old` does not, and the other way round: reading rules first, then codes in their order."""
    keys = [key for key in {**old, **new} if key != "code_map" and old.get(key) != new.get(key)]
    found = [Change(key, _plain(old.get(key)), _plain(new.get(key))) for key in sorted(keys)]
    before, after = _entries(old), _entries(new)
    for key in {**after, **before}:
        if before.get(key) != after.get(key):
            found.append(Change(key, _plain(before.get(key)), _plain(after.get(key))))
    if not found and _order(old) != _order(new):
        found.append(Change("code_map", ", ".join(_order(old)), ", ".join(_order(new))))
    return found


def _entries(profile: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for entry in profile.get("code_map", []):
        rest = {key: value for key, value in entry.items() if key not in ("code", "system", "unit")}
        key = " ".join(filter(None, [entry["code"], entry.get("system", ""), _plain(entry.get("unit"))]))
        while key in found:
            key += " +"
        found[key] = rest
    return found


def _order(profile: dict[str, Any]) -> list[str]:
    return [entry["code"] for entry in profile.get("code_map", [])]


def _plain(value: Any) -> str:
    """A value of a profile for reading."""
    if value is None:
        return ""
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_plain(one)}" for key, one in value.items())
    if isinstance(value, list):
        return ", ".join(map(_plain, value))
    return {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)
