from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from mhac.accounts.models import User
from mhac.clinics.models import Row


class PartnerOrganisationQuerySet(models.QuerySet):
    def visible_to(self, user):
        """The organisation this user signs in for."""
        return self.filter(members__user=user)


class PartnerOrganisation(Row):
    """Who asked for a screening and receives its document: an embassy, a ministry, a sending mission."""

    class Kind(models.TextChoices):
        EMBASSY = "embassy", _("embassy or immigration authority")
        UN = "un", _("UN agency")
        MISSION = "mission", _("IOM mission")
        MINISTRY = "ministry", _("ministry")
        NGO = "ngo", _("NGO")

    code = models.SlugField(_("code"), max_length=20, unique=True)
    name = models.CharField(_("name"), max_length=120)
    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices)
    country = models.CharField(_("country"), max_length=3)
    history = HistoricalRecords()

    objects = PartnerOrganisationQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self):
        return self.name


class AgreementQuerySet(models.QuerySet):
    def visible_to(self, user):
        """Those of the organisation this user signs in for."""
        return self.filter(organisation__members__user=user)

    def running(self, day):
        ends_later = models.Q(valid_to__isnull=True) | models.Q(valid_to__gte=day)
        return self.filter(ends_later, valid_from__lte=day)

    def in_force(self, programme, day):
        """Agreements under which documents of `programme` may go out on `day`."""
        return self.running(day).filter(programme=programme).select_related("organisation")


class Agreement(Row):
    """What may be shared with an organisation, about which programme, on what ground, until when."""

    organisation = models.ForeignKey(PartnerOrganisation, models.PROTECT, related_name="agreements")
    programme = models.CharField(_("programme"), max_length=40)
    legal_basis = models.CharField(_("legal basis"), max_length=200)
    signatory = models.CharField(_("signed by"), max_length=120)
    valid_from = models.DateField(_("from"))
    valid_to = models.DateField(_("until"), null=True, blank=True)
    history = HistoricalRecords()

    objects = AgreementQuerySet.as_manager()

    class Meta:
        ordering = ["programme", "valid_from"]

    def __str__(self):
        return f"{self.organisation}: {self.programme}"


class Member(Row):
    """A user who signs in for a partner organisation."""

    user = models.OneToOneField(User, models.CASCADE, related_name="membership")
    organisation = models.ForeignKey(PartnerOrganisation, models.PROTECT, related_name="members")
    history = HistoricalRecords()

    def __str__(self):
        return f"{self.user} for {self.organisation}"
