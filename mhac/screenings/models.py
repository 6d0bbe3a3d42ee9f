from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, RangeOperators
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from mhac.accounts.models import User
from mhac.clinics.models import Clinic, Row
from mhac.patients.models import Patient
from mhac.screenings.programmes import programmes, title


class ProgrammeStateQuerySet(models.QuerySet):
    def visible_to(self, user):
        return self.filter(models.Q(clinic=None) | models.Q(clinic__in=user.sites()))


class ProgrammeState(Row):
    """Whether a programme takes people at a site (or at all sites) from a day on: who decided it, and why.

    Never changed, which the database enforces: a newer row goes before an older one. `status` reads them.
    """

    class State(models.TextChoices):
        DRAFT = "draft", _("in preparation")
        OPEN = "open", _("open")
        LIMITED = "limited", _("limited")
        PAUSED = "paused", _("paused")
        CLOSED = "closed", _("closed")
        # Gives up what a site decided for itself, so that a later pause of all sites reaches it again.
        SHARED = "shared", _("as at all sites")

    programme = models.CharField(_("programme"), max_length=40)
    clinic = models.ForeignKey(Clinic, models.PROTECT, null=True, blank=True, related_name="programme_states")
    state = models.CharField(_("state"), max_length=7, choices=State.choices)
    daily_cap = models.PositiveSmallIntegerField(_("people a day"), null=True, blank=True)
    from_day = models.DateField(_("from"))
    until = models.DateField(_("until"), null=True, blank=True)
    reason = models.CharField(_("reason"), max_length=200)
    risk_note = models.TextField(_("risk note"), blank=True)
    decided_by = models.ForeignKey(User, models.PROTECT, related_name="programmes_decided")
    decided_at = models.DateTimeField(auto_now_add=True)

    objects = ProgrammeStateQuerySet.as_manager()

    class Meta:
        verbose_name = _("state of a programme")
        ordering = ["-decided_at", "-id"]
        indexes = [models.Index(fields=["programme", "clinic"])]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state="limited", daily_cap__isnull=False, daily_cap__gte=1)
                | (~models.Q(state="limited") & models.Q(daily_cap__isnull=True)),
                name="daily_cap_with_limited_only",
            ),
            models.CheckConstraint(
                condition=models.Q(until__isnull=True) | models.Q(until__gte=models.F("from_day")),
                name="programme_state_ends_after_it_begins",
            ),
            models.CheckConstraint(
                condition=~models.Q(state="shared") | models.Q(clinic__isnull=False),
                name="only_a_site_follows_all_sites",
            ),
            models.CheckConstraint(condition=~models.Q(reason=""), name="programme_state_has_a_reason"),
        ]

    def __str__(self):
        return f"{self.programme}: {self.state} from {self.from_day}"

    def covers(self, day):
        return self.from_day <= day and (self.until is None or day <= self.until)


class CaseQuerySet(models.QuerySet):
    def visible_to(self, user):
        return self.filter(clinic__in=user.sites())


class Case(Row):
    """A family, or one person, that travels together under one programme."""

    number = models.CharField(_("case number"), max_length=12, unique=True)
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="cases")
    programme = models.CharField(_("programme"), max_length=40)
    contact_name = models.CharField(_("contact person"), max_length=120)
    phone = models.CharField(_("telephone"), max_length=20, blank=True)
    address = models.CharField(_("address"), max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(User, models.PROTECT)
    history = HistoricalRecords()

    objects = CaseQuerySet.as_manager()

    class Meta:
        verbose_name = _("case")
        ordering = ["-id"]
        indexes = [models.Index(fields=["phone"], condition=~models.Q(phone=""), name="case_phone")]

    def __str__(self):
        return f"{self.number} {self.contact_name}"


class ScreeningQuerySet(models.QuerySet):
    def visible_to(self, user):
        return self.filter(clinic__in=user.sites())

    def of(self, patient):
        """Every screening of one person, whichever of her records it was opened for."""
        return self.filter(patient__person=patient.person)

    def open(self):
        return self.filter(state=Screening.State.OPEN)

    def whole(self):
        """With what every page names: person, case, site."""
        return self.select_related("patient", "case", "clinic")


class Screening(Row):
    """One patient's way through one programme edition, from opening to closing."""

    class State(models.TextChoices):
        OPEN = "open", _("open")
        SIGNED = "signed", _("signed")
        CLOSED = "closed", _("closed")
        WITHDRAWN = "withdrawn", _("withdrawn")

    class Relation(models.TextChoices):
        HEAD = "head", _("head of family")
        SPOUSE = "spouse", _("wife or husband")
        CHILD = "child", _("son or daughter")
        PARENT = "parent", _("parent")
        SIBLING = "sibling", _("brother or sister")
        OTHER = "other", _("other")

    case = models.ForeignKey(Case, models.PROTECT, related_name="screenings")
    patient = models.ForeignKey(Patient, models.PROTECT, related_name="screenings")
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="screenings")
    programme = models.CharField(_("programme"), max_length=40)
    edition = models.CharField(_("edition"), max_length=60)
    reference = models.CharField(_("partner's reference"), max_length=40, blank=True)
    relation = models.CharField(_("relation"), max_length=8, choices=Relation.choices, default=Relation.HEAD)
    state = models.CharField(_("state"), max_length=9, choices=State.choices, default=State.OPEN)
    opened_on = models.DateField(_("opened"))
    facts_changed_at = models.DateTimeField(null=True, editable=False)
    # What the examination rooms wrote down last, for rooms that may not look there: the laboratory chooses its limits
    # by it and shows it nowhere. The answer itself, with its history, stays in its room.
    pregnant = models.BooleanField(null=True, editable=False)
    history = HistoricalRecords(excluded_fields=["facts_changed_at", "pregnant"])

    objects = ScreeningQuerySet.as_manager()

    class Meta:
        verbose_name = _("screening")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["patient", "programme"],
                condition=models.Q(state="open"),
                name="one_open_screening_per_programme",
            ),
            # A family may share its number (US visa cases do); two families never do.
            ExclusionConstraint(
                name="one_case_per_partner_reference",
                expressions=[
                    ("programme", RangeOperators.EQUAL),
                    ("reference", RangeOperators.EQUAL),
                    ("case", RangeOperators.NOT_EQUAL),
                ],
                condition=~models.Q(reference="") & ~models.Q(state="withdrawn"),
            ),
        ]
        indexes = [
            models.Index(fields=["clinic", "state", "id"]),
            models.Index(fields=["reference"], condition=~models.Q(reference=""), name="screening_reference"),
        ]

    def __str__(self):
        return f"{self.patient} – {self.programme}"

    @property
    def programme_name(self):
        """The name of the programme, as the edition this screening was opened under says it, for the reader."""
        return title(programmes().by_key(self.edition))

    @property
    def person(self):
        """Who is meant: the record that stands for the one this screening was opened for."""
        return self.patient.survivor

    @property
    def is_open(self):
        return self.state == self.State.OPEN


class Fact(models.Model):
    """A row that the rules read. Saving or deleting one locks its screening and marks it, in the same transaction."""

    screening = models.ForeignKey(Screening, models.PROTECT)

    class Meta:
        abstract = True

    def save(self, *args, **kwargs):
        with transaction.atomic():
            Fact.mark([self.screening_id])
            super().save(*args, **kwargs)

    def delete(self, *args, **kwargs):
        with transaction.atomic():
            Fact.mark([self.screening_id])
            return super().delete(*args, **kwargs)

    @staticmethod
    def mark(screenings):
        """Say that facts of these screenings changed; a writer of many rows calls it once. Takes their locks."""
        keys = [getattr(screening, "pk", screening) for screening in screenings]
        locked = list(
            Screening.objects.select_for_update().filter(pk__in=keys).order_by("pk").values_list("pk", flat=True)
        )
        # The mark is no clinical content and has no history, so a plain update loses nothing.
        Screening.objects.filter(pk__in=locked).update(facts_changed_at=timezone.now())


class Kinship(models.TextChoices):
    """What an adult is to a child."""

    MOTHER = "mother", _("mother")
    FATHER = "father", _("father")
    BROTHER = "brother", _("grown-up brother or sister")
    GRAND = "grand", _("grandparent")
    UNCLE = "uncle", _("uncle or aunt")
    LEGAL = "legal", _("guardian by a court or an authority")
    OTHER = "other", _("other relation")


class GuardianQuerySet(models.QuerySet):
    def visible_to(self, user):
        return self.filter(screening__clinic__in=user.sites())


class Guardian(Row):
    """Who answers for a child: an adult of the same case, or somebody who is named; or that nobody has come with it.

    `alone` tells the reception only that a guardian is needed, and nothing about why.
    """

    screening = models.OneToOneField(Screening, models.PROTECT, related_name="guardian")
    adult = models.ForeignKey(Screening, models.PROTECT, null=True, blank=True, related_name="wards")
    name = models.CharField(_("name"), max_length=120, blank=True)
    relation = models.CharField(_("relation"), max_length=8, choices=Kinship.choices, blank=True)
    document = models.CharField(_("document"), max_length=80, blank=True)
    alone = models.BooleanField(_("no adult has come with the child"), default=False)
    recorded_by = models.ForeignKey(User, models.PROTECT)
    recorded_at = models.DateTimeField(auto_now=True)
    history = HistoricalRecords()

    objects = GuardianQuerySet.as_manager()

    class Meta:
        verbose_name = _("guardian")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(alone=True, name="", adult__isnull=True)
                | models.Q(alone=False) & ~models.Q(name=""),
                name="a_guardian_or_nobody",
            ),
            models.CheckConstraint(
                condition=models.Q(adult__isnull=True) | ~models.Q(adult=models.F("screening")),
                name="nobody_is_her_own_guardian",
            ),
        ]

    def __str__(self):
        return self.name or str(self.screening)


class PaperSeenQuerySet(models.QuerySet):
    def visible_to(self, user):
        return self.filter(screening__clinic__in=user.sites())

    def standing(self):
        return self.filter(taken_back_at__isnull=True)


class PaperSeen(Row):
    """Somebody of the desk saw a paper that a programme wants to be brought; taken back, never deleted."""

    screening = models.ForeignKey(Screening, models.PROTECT, related_name="papers_seen")
    paper = models.CharField(_("paper"), max_length=20)
    seen_by = models.ForeignKey(User, models.PROTECT, related_name="papers_seen", verbose_name=_("seen by"))
    seen_at = models.DateTimeField(_("seen"), auto_now_add=True)
    taken_back_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="papers_taken_back")
    taken_back_at = models.DateTimeField(null=True)
    history = HistoricalRecords()

    objects = PaperSeenQuerySet.as_manager()

    class Meta:
        verbose_name = _("paper seen")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["screening", "paper"],
                condition=models.Q(taken_back_at__isnull=True),
                name="a_paper_is_seen_once",
            )
        ]

    def __str__(self):
        return f"{self.screening}: {self.paper}"


class ConsentQuerySet(models.QuerySet):
    def visible_to(self, user):
        return self.filter(screening__clinic__in=user.sites())

    def standing(self):
        return self.filter(withdrawn_on__isnull=True)


class Consent(Row, Fact):
    """What a person (or the guardian) agreed to, by purpose; withdrawn, never deleted."""

    class Purpose(models.TextChoices):
        EXAMINATION = "examination", _("examination and tests")
        SHARING = "sharing", _("sending the result to the partner")
        # Read by whoever telephones or sends a reminder.
        CONTACT = "contact", _("telephone calls and messages")
        PHOTO = "photo", _("photograph on the papers")
        HIV = "hiv", _("HIV test, after counselling")
        DNA = "dna", _("DNA specimen")

    class Method(models.TextChoices):
        SIGNATURE = "signature", _("signature")
        THUMBPRINT = "thumbprint", _("thumbprint with witness")

    purpose = models.CharField(_("purpose"), max_length=11, choices=Purpose.choices)
    version = models.CharField(_("text version"), max_length=20, default="2026-1")
    language = models.CharField(_("language"), max_length=8, default="fa-af")
    given_by = models.CharField(_("given by (guardian's name for a child)"), max_length=120)
    method = models.CharField(_("method"), max_length=10, choices=Method.choices, default=Method.SIGNATURE)
    witness = models.CharField(_("witness"), max_length=120, blank=True)
    # Of who consents for a child, as she said it that day.
    guardian_relation = models.CharField(
        _("relation of the guardian"), max_length=8, choices=Kinship.choices, blank=True
    )
    guardian_document = models.CharField(_("document of the guardian"), max_length=80, blank=True)
    given_on = models.DateField(_("given on"))
    withdrawn_on = models.DateField(_("withdrawn on"), null=True, blank=True)
    recorded_by = models.ForeignKey(User, models.PROTECT)
    history = HistoricalRecords()

    objects = ConsentQuerySet.as_manager()

    class Meta:
        verbose_name = _("consent")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["screening", "purpose"],
                condition=models.Q(withdrawn_on__isnull=True),
                name="one_standing_consent_per_purpose",
            )
        ]

    def __str__(self):
        return f"{self.screening}: {self.get_purpose_display()}"


class TravelPlan(Row, Fact):
    """When and how somebody will travel; the fit-to-travel decision is made for that day."""

    class Mode(models.TextChoices):
        AIR = "air", _("by air")
        LAND = "land", _("by land")

    departure = models.DateTimeField(_("departure"))
    arrival_on = models.DateField(_("arrival"), null=True, blank=True)
    mode = models.CharField(_("travels"), max_length=4, choices=Mode.choices, default=Mode.AIR)
    from_country = models.CharField(_("from (country code)"), max_length=3, default="AFG")
    needs = ArrayField(models.CharField(max_length=20), default=list, blank=True, verbose_name=_("needs on the way"))
    recorded_by = models.ForeignKey(User, models.PROTECT)
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("travel plan")
        constraints = [models.UniqueConstraint(fields=["screening"], name="one_travel_plan_per_screening")]

    def __str__(self):
        return f"{self.screening}: {self.departure:%Y-%m-%d}"
