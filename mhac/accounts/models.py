from functools import cached_property

from django.contrib.auth.models import AbstractUser, Group
from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from mhac.clinics.models import Clinic, Row
from mhac.clinics.numbers import uuid7


class User(AbstractUser):
    """Somebody who signs in. What she may do comes from her role grants alone; `is_superuser` opens nothing."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    full_name = models.CharField(_("full name"), max_length=120)
    licence = models.CharField(_("licence number"), max_length=40, blank=True)
    language = models.CharField(_("language"), max_length=8, default="en")
    history = HistoricalRecords(excluded_fields=["password", "last_login"])

    first_name = last_name = None

    # The permission the current view declared; `sites()` then means "where this user holds it".
    acting = None

    class Meta:
        verbose_name = _("user")
        permissions = [("enter", "May sign in and open the home page")]

    def __str__(self):
        return self.full_name or self.username

    def get_full_name(self):
        return self.full_name

    def get_short_name(self):
        return self.full_name

    @cached_property
    def rights(self):
        """Clinic key (None: the whole network) -> the permissions held there, in one query."""
        held: dict = {}
        rows = self.grants.values_list(
            "clinic_id", "group__permissions__content_type__app_label", "group__permissions__codename"
        )
        for clinic, app, codename in rows:
            held.setdefault(clinic, set()).add(f"{app}.{codename}")
        return held

    @cached_property
    def roles(self):
        return sorted({grant.group.name for grant in self.grants.select_related("group")})

    def has_perm(self, perm, obj=None):
        return self.is_active and any(perm in held for held in self.rights.values())

    def has_perms(self, perm_list, obj=None):
        return all(self.has_perm(perm) for perm in perm_list)

    def has_module_perms(self, app_label):
        return self.is_active and any(p.startswith(f"{app_label}.") for held in self.rights.values() for p in held)

    def sites(self, perm=None):
        """Clinics where this user holds `perm` (or what the current view declared; or anything, outside a view)."""
        perm = perm or self.acting
        keys = [clinic for clinic, held in self.rights.items() if perm is None or perm in held]
        if None in keys:
            return Clinic.objects.all()
        return Clinic.objects.filter(pk__in=keys)

    def overseen(self):
        """The users whose every role lies where this user holds what the view asked for; on the network, everybody."""
        if self.acting in self.rights.get(None, ()):
            return User.objects.all()
        sites = self.sites()
        outside = RoleGrant.objects.exclude(clinic__in=sites)
        return User.objects.filter(grants__clinic__in=sites).exclude(grants__in=outside).distinct()


class RoleGrant(Row):
    """One role of one user at one site, or on the whole network (no site)."""

    user = models.ForeignKey(User, models.CASCADE, related_name="grants")
    group = models.ForeignKey(Group, models.PROTECT, related_name="grants", verbose_name=_("role"))
    clinic = models.ForeignKey(Clinic, models.PROTECT, null=True, blank=True, related_name="grants")
    granted_at = models.DateTimeField(auto_now_add=True)
    history = HistoricalRecords()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "group", "clinic"], nulls_distinct=False, name="one_grant_per_role_and_site"
            )
        ]

    def __str__(self):
        return f"{self.user}: {self.group} at {self.clinic or 'every site'}"


class AccessQuerySet(models.QuerySet):
    def visible_to(self, user):
        """What happened at the sites where this user holds what the view asked for; on the network, everything."""
        if user.acting in user.rights.get(None, ()):
            return self
        return self.filter(clinic__in=user.sites())

    def after(self, key):
        """Older than the row with this key; keys grow with time, so no page is counted from the start."""
        return self.filter(pk__lt=key) if key else self


class Access(Row):
    """A record was opened or taken out: who, what, when, through which page. Append-only, enforced by the database.

    It names what was opened by label and key, not by foreign key, so that the log outlives what it speaks of.
    """

    at = models.DateTimeField(auto_now_add=True)
    user = models.ForeignKey(User, models.PROTECT, null=True)
    page = models.CharField(max_length=80)
    action = models.CharField(max_length=12, default="open")
    label = models.CharField(max_length=80)
    key = models.CharField(max_length=64)
    clinic = models.ForeignKey(Clinic, models.PROTECT, null=True)
    note = models.CharField(max_length=200, blank=True)

    objects = AccessQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["label", "key"]), models.Index(fields=["user", "at"])]

    def __str__(self):
        return f"{self.at} {self.user} {self.action} {self.label} {self.key}"


class Draft(Row):
    """What somebody is typing on one page and has not saved: hers alone, no fact, in no list, gone after some days."""

    user = models.ForeignKey(User, models.CASCADE, related_name="drafts")
    page = models.CharField(max_length=600)
    form = models.CharField(max_length=300)
    # The key of the form as it was shown to who wrote last: when that one is sent, the draft has done its work.
    by = models.UUIDField()
    typed = models.JSONField()
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "page", "form"], name="one_draft_per_user_and_form")]
        indexes = [models.Index(fields=["at"], name="draft_at")]

    def __str__(self):
        return f"{self.user} on {self.page}"


class DoneRequest(Row):
    """A form that was sent and done: its key, what was sent (only a seal of it), and where the answer led."""

    user = models.ForeignKey(User, models.CASCADE, related_name="done_requests")
    key = models.UUIDField()
    path = models.CharField(max_length=300)
    seal = models.CharField(max_length=64)
    address = models.CharField(max_length=800, blank=True)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key", "path"], name="one_effect_per_form_sent")]
        indexes = [models.Index(fields=["at"], name="done_request_at")]

    def __str__(self):
        return f"{self.user} {self.path}"
