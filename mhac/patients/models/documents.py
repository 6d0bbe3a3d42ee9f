import re

from django.db import models
from django.db.models import Q
from django.db.models.functions import Upper
from django.utils import dateformat
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from mhac.accounts.models import User
from mhac.clinics.models import Row
from mhac.patients import comparing, mrz, papers
from mhac.patients.models.people import Patient


class IdentityDocumentQuerySet(models.QuerySet):
    def of(self, patient):
        """Of every record of one person."""
        return self.filter(patient__person=patient.person)

    def numbered(self, text):
        """Those with the number that was typed or scanned in any way; three numbers are volume, page and registration
        of a paper tazkira."""
        meant = Q(pk__isnull=True)
        for key in papers.keys_of(text):
            meant |= Q(number__iexact=key)
        parts = [papers.key_of(part) for part in re.findall(r"\w+", text)]
        if len(parts) == 3:
            meant |= Q(kind="tazkira", volume=parts[0], page=parts[1], number__iexact=parts[2])
        return self.filter(meant)

    def same_as(self, *, kind, number, issuer="AFG", volume="", page=""):
        """Those that are the same paper of one person. A family's number and a visa are nobody's for certain, and so
        is a paper tazkira of which volume or page cannot be read."""
        paper = papers.PAPERS[kind]
        same = self.filter(kind=kind, number__iexact=paper.number_of(number))
        if not paper.is_key:
            return self.none()
        if kind == "passport":
            return same.filter(issuer=issuer)
        if kind == "tazkira":
            volume, page = papers.key_of(volume), papers.key_of(page)
            return same.filter(volume=volume, page=page) if volume and page else self.none()
        return same


class IdentityDocument(Row):
    """A paper or a number by which somebody is known; what holds for its kind stands in `papers`."""

    Kind = models.TextChoices("Kind", [(kind.upper(), (kind, paper.label)) for kind, paper in papers.PAPERS.items()])

    class Entries(models.TextChoices):
        ONE = "one", _("one")
        TWO = "two", _("two")
        MANY = "many", _("many")

    patient = models.ForeignKey(Patient, models.PROTECT, related_name="documents")
    kind = models.CharField(_("document"), max_length=12, choices=Kind.choices)
    number = models.CharField(_("number"), max_length=40)
    volume = models.CharField(_("volume (jild)"), max_length=20, blank=True)
    page = models.CharField(_("page (safha)"), max_length=20, blank=True)
    issuer = models.CharField(_("issued by"), max_length=3, default="AFG")
    place = models.CharField(_("place of issue"), max_length=100, blank=True)
    issued_year = models.PositiveSmallIntegerField(_("year of issue (Solar Hijri)"), null=True, blank=True)
    issued_on = models.DateField(_("issued"), null=True, blank=True)
    expires_on = models.DateField(_("expires"), null=True, blank=True)
    entries = models.CharField(_("entries"), max_length=4, choices=Entries.choices, blank=True)
    mrz = models.TextField(_("machine readable zone"), blank=True)
    override_reason = models.CharField(_("why it was typed by hand"), max_length=200, blank=True)
    shared_because = models.CharField(_("why two people carry the number"), max_length=200, blank=True)
    shared_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, verbose_name=_("allowed by"))
    history = HistoricalRecords()

    objects = IdentityDocumentQuerySet.as_manager()

    class Meta:
        verbose_name = _("identity document")
        ordering = ["id"]
        permissions = [("share_document", "May let two people carry the same tazkira number")]
        constraints = [
            models.UniqueConstraint(
                Upper("number"), "kind", "issuer", condition=Q(kind="passport"), name="one_owner_per_document"
            ),
            models.UniqueConstraint(
                Upper("number"),
                "kind",
                condition=Q(kind__in=papers.ONE_OWNER, shared_because=""),
                name="one_owner_per_number",
            ),
            models.UniqueConstraint(
                Upper("number"),
                "volume",
                "page",
                condition=Q(kind="tazkira", shared_because="") & ~Q(volume="") & ~Q(page=""),
                name="one_owner_per_tazkira",
            ),
        ]
        # Numbers are looked for whatever their kind.
        indexes = [models.Index(Upper("number"), name="document_by_number")]

    def __str__(self):
        return f"{self.get_kind_display()} {self.identifier}"

    @property
    def paper(self):
        return papers.PAPERS[self.kind]

    @property
    def identifier(self):
        """The number as the paper writes it; of a paper tazkira volume, page and registration."""
        if self.kind == "tazkira" and (self.volume or self.page):
            return "/".join(part or "–" for part in (self.volume, self.page, self.number))
        return self.paper.shown(self.number)

    @property
    def certified_number(self):
        """What a certificate states: the number without the signs that only group it; of a paper tazkira all three."""
        return self.identifier if self.kind == "tazkira" else self.number

    def doubts_on(self, day):
        """What a person should compare, in sentences: warnings, never blocks."""
        found = [self.paper.doubt(self.number, self.issuer)]
        if self.kind == "tazkira" and not (self.volume and self.page):
            found.append(_("Without volume and page nobody can say whose paper tazkira this is. Ask for both."))
        if self.expires_on and self.expires_on < day:
            ended = dateformat.format(self.expires_on, "d M Y")
            found.append(_("This document expired on %(day)s. Ask the family for a newer one.") % {"day": ended})
        return [str(doubt) for doubt in found if doubt]

    @property
    def doubts(self):
        """Those of today, and what of the person stands otherwise in the machine readable zone."""
        today = self.patient.clinic.today()
        found = self.doubts_on(today)
        if self.mrz:
            try:
                read = mrz.read(self.mrz, today=today)
            except mrz.Unreadable:
                return found
            if differing := comparing.differences_of_person(read, **comparing.of_patient(self.patient)):
                found.append(str(comparing.SAID) % {"fields": ", ".join(differing)})
        return found

    def save(self, *args, **kwargs):
        self.number = self.paper.number_of(self.number)
        self.volume, self.page = papers.key_of(self.volume), papers.key_of(self.page)
        super().save(*args, **kwargs)
