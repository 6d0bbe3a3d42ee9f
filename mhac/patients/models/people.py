import re
from functools import reduce
from operator import and_

from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.core.validators import MinLengthValidator
from django.db import models
from django.db.models.functions import Coalesce
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from mhac.clinics.models import Clinic, Row
from mhac.clinics.numbers import clean
from mhac.patients import matching


class _IsAny(models.Func):
    """Whether a value is one of an array, which the index of keys answers in its own order."""

    template = "%(expressions)s)"
    arg_joiner = " = ANY("
    output_field = models.BooleanField()


def _narrowed(named, born):
    """Conditions that ask two words, or a word and a year, as one key wherever such a key is stored."""
    found = []
    while len(named) > 1 or (named and born):
        one, *named = named
        other, *rest = named or born
        named, born = (rest, born) if named else (named, rest)
        found.append(_both(one, other))
    return [*found, *(models.Q(found_as__overlap=keys) for keys in (*named, *born))]


def _both(one, other):
    met = models.Q(found_as__overlap=matching.both(one, other))
    for ours, theirs in ((one, other), (other, one)):
        if begun := matching.beginnings(ours):
            met |= models.Q(found_as__overlap=begun) & models.Q(found_as__overlap=theirs)
    return met


class PatientQuerySet(models.QuerySet):
    def visible_to(self, user):
        """Patients registered at the sites where this user holds what the view asked for."""
        return self.filter(clinic__in=user.sites())

    def standing(self):
        """Each person once: the records that stand for themselves."""
        return self.filter(canonical__isnull=True)

    def records_of(self, patient):
        """Every record of one person."""
        return self.filter(person=patient.person)

    def found_by(self, text):
        """Who is meant by what was typed, each person once: her number, a paper or a telephone, or names that have all
        its words, in either script, as they begin or as they sound (see `matching`). A number or a birth year beside
        names narrows them. Numbers are looked up first, so that the rest is one question to one index."""
        meant = models.Q(pk__in=self._holding(text))
        if named := matching.asked(text):
            numbers = [(number, matching.years(number)) for number in matching.numbers(text)]
            held = [models.Q(pk__in=self._holding(number)) for number, years in numbers if not years]
            born = [[f"@{year}" for year in years] for _number, years in numbers if years]
            narrowed = reduce(and_, [*_narrowed(named, born), *held])
            is_rare = len(named) + len(born) > 1 and all(len(word[0]) > 2 for word in named)
            meant |= self._looked_up(narrowed) if is_rare else narrowed
        return self.standing().filter(meant)

    def _looked_up(self, narrowed):
        """Those who are meant, from the index before anything is put in order. The database takes each key it has not
        counted for as frequent as the rarest it has, and would walk through everybody, newest first, to find a few."""
        keys = ArraySubquery(self.model.objects.filter(narrowed).order_by().values("pk"))
        return models.Q(_IsAny(models.F("pk"), keys))

    def _holding(self, text):
        """The people who have this very number: ours, a paper's, or a family's telephone (which is nobody's alone)."""
        if not (code := clean(text)) or not re.search("[0-9]", code):
            return []
        rows = self.model.objects.filter(models.Q(number=code) | models.Q(phone=code) & ~models.Q(phone=""))
        papers = self.model.documents.rel.related_model.objects.numbered(text)
        found = [*rows.values_list("person", flat=True)[:50], *papers.values_list("patient__person", flat=True)[:50]]
        return list(dict.fromkeys(found))


class Patient(Row):
    """A person who is screened. Names follow the document; a person with one name has no family name."""

    class Sex(models.TextChoices):
        FEMALE = "female", _("female")
        MALE = "male", _("male")
        UNKNOWN = "unknown", _("not stated")

    class BirthPrecision(models.TextChoices):
        DAY = "day", _("day")
        MONTH = "month", _("month")
        YEAR = "year", _("year only")
        AGE_STATED = "age_stated", _("age stated")

    class BirthSource(models.TextChoices):
        PASSPORT = "passport", _("passport")
        CASE_FILE = "case_file", _("partner's case file")
        TAZKIRA = "tazkira", _("tazkira")
        STATED = "stated", _("stated by the person")

    number = models.CharField(_("patient number"), max_length=12, unique=True)
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="patients", verbose_name=_("registered at"))
    given_name = models.CharField(_("given name"), max_length=60, validators=[MinLengthValidator(1)])
    family_name = models.CharField(_("family name"), max_length=60, blank=True)
    native_name = models.CharField(_("name in Dari or Pashto"), max_length=120, blank=True)
    father_name = models.CharField(_("father's name"), max_length=60, blank=True)
    grandfather_name = models.CharField(_("grandfather's name"), max_length=60, blank=True)
    sex = models.CharField(_("sex"), max_length=7, choices=Sex.choices)
    born_earliest = models.DateField(_("born on or after"))
    born_latest = models.DateField(_("born on or before"))
    birth_precision = models.CharField(
        _("birth date is exact to the"), max_length=10, choices=BirthPrecision.choices, default=BirthPrecision.DAY
    )
    birth_source = models.CharField(
        _("birth date from"), max_length=9, choices=BirthSource.choices, default=BirthSource.PASSPORT
    )
    nationality = models.CharField(_("nationality"), max_length=3, default="AFG")
    language = models.CharField(_("language"), max_length=8, default="fa-af")
    phone = models.CharField(_("telephone"), max_length=20, blank=True)
    address = models.CharField(_("address"), max_length=200, blank=True)
    # Why somebody without a name or a paper was taken; empty for everybody else.
    provisional_because = models.CharField(_("provisional identity, because"), max_length=200, blank=True)
    canonical = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, editable=False, related_name="joined",
        verbose_name=_("same person as"),
    )  # fmt: skip
    # The key of the record that stands for this one, itself as a rule: all records of one person share it, so that no
    # chain and no circle of records can be written down.
    person = models.GeneratedField(
        expression=Coalesce("canonical", "id"), output_field=models.UUIDField(), db_persist=True
    )
    found_as = ArrayField(models.TextField(), editable=False, default=list)
    facts_changed_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    history = HistoricalRecords(excluded_fields=["found_as", "facts_changed_at", "person"])

    objects = PatientQuerySet.as_manager()

    class Meta:
        verbose_name = _("patient")
        permissions = [("search_patient", "May search for people by name or document")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(born_latest__gte=models.F("born_earliest")), name="birth_interval_in_order"
            ),
            models.CheckConstraint(
                condition=models.Q(canonical__isnull=True) | ~models.Q(canonical=models.F("id")),
                name="nobody_is_joined_to_herself",
            ),
            # What the rule in the migration points at: who stands for others stands for herself.
            models.UniqueConstraint(fields=["id", "person"], name="record_and_person"),
        ]
        indexes = [
            # Without a list of what was written last, so that every search costs the same.
            GinIndex(fields=["found_as"], name="patient_found_as", fastupdate=False),
            models.Index(fields=["clinic", "-id"]),
            models.Index(fields=["person"]),
            models.Index(fields=["phone"], condition=~models.Q(phone=""), name="patient_phone"),
            models.Index(fields=["born_earliest", "born_latest"], name="patient_born"),
        ]

    def __str__(self):
        return self.name

    @property
    def name(self):
        if self.provisional_because:
            return f"{gettext(self.given_name)}, {self.number}"
        return f"{self.given_name} {self.family_name}".strip()

    @property
    def face(self):
        """The newest photograph of any record of this person, or None."""
        return self.photos.model.objects.filter(patient__person=self.person).first()

    def is_confirmed_on(self, day):
        """Whether somebody compared the face with the document on that day."""
        return self.identity_checks.model.objects.of(self).confirmed_on(day).exists()

    @property
    def born(self):
        """The day of birth, or None when only an interval is known."""
        return self.born_earliest if self.born_earliest == self.born_latest else None

    def age_on(self, day):
        """Completed years at the youngest (rule AGE-1)."""
        born = self.born_latest
        return day.year - born.year - ((day.month, day.day) < (born.month, born.day))

    @property
    def survivor(self):
        """The record that stands for this one: itself, or the one it is joined to."""
        return self.canonical or self

    @property
    def is_provisional(self):
        """Whether nobody knows yet who she is; a record joined to a registered person's is not."""
        return bool(self.survivor.provisional_because)

    def keys(self):
        """By what a search finds this record, see `matching.keys`."""
        born = (self.born_earliest, self.born_latest)
        return matching.keys(
            self.given_name, self.family_name, self.native_name, relatives=(self.father_name,), born=born
        )

    def save(self, *args, **kwargs):
        # Of several records of one person the one that stands for them is found by the names of all.
        others = [] if self._state.adding or self.canonical_id else list(self.joined.all())
        self.found_as = [] if self.canonical_id else matching.merged(each.keys() for each in (self, *others))
        if (fields := kwargs.get("update_fields")) is not None:
            kwargs["update_fields"] = {*fields, "found_as"}
        super().save(*args, **kwargs)
