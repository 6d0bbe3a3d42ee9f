from django.contrib.postgres.indexes import GinIndex
from django.core.validators import MinLengthValidator
from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from mhac.clinics.models import Clinic, Row
from mhac.clinics.numbers import clean
from mhac.patients import matching


class PatientQuerySet(models.QuerySet):
    def visible_to(self, user):
        """Patients registered at the sites where this user holds what the view asked for."""
        return self.filter(clinic__in=user.sites())

    def found_by(self, text):
        """Whose number or document is what was typed, or whose names have all its words, in either script, by letters
        or by sound (see `matching`). Looks the document up first, so that the rest is one indexed question."""
        code, words = clean(text), matching.fold(text).split()
        if not words:
            return self.none()
        named = models.Q()
        for word in words:
            heard = matching.sound(word)
            by_sound = models.Q(search_key__contains=f"|{heard}|") if len(heard) > 1 and word.isalpha() else models.Q()
            named &= models.Q(search_key__contains=word) | by_sound
        holders = list(self.model.objects.filter(documents__number__iexact=code).values_list("pk", flat=True)[:50])
        return self.filter(named | models.Q(number=code) | models.Q(pk__in=holders))

    def resembling(self, name, born_earliest, born_latest, *, count=3):
        """At most `count` people who may be the same person, the likeliest first: a birth that may be on the same day,
        and at least a third of the words of both names alike by sound. A list, for a person to choose from."""
        heard = [each for each in matching.sounds(name) if len(each) > 1]
        if not heard:
            return []
        alike = models.Q()
        for each in heard:
            alike |= models.Q(search_key__contains=f"|{each}|")
        fits = self.filter(alike, born_earliest__lte=born_latest, born_latest__gte=born_earliest).order_by("-pk")
        ranked = [(matching.likeness(name, person.name, person.native_name), person) for person in fits[:300]]
        ranked = [(likeness, person) for likeness, person in ranked if likeness >= matching.ALIKE]
        return [person for _likeness, person in sorted(ranked, key=lambda pair: -pair[0])[:count]]


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
    search_key = models.TextField(editable=False, default="")
    facts_changed_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    history = HistoricalRecords(excluded_fields=["search_key", "facts_changed_at"])

    objects = PatientQuerySet.as_manager()

    class Meta:
        verbose_name = _("patient")
        permissions = [("search_patient", "May search for people by name or document")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(born_latest__gte=models.F("born_earliest")), name="birth_interval_in_order"
            ),
        ]
        indexes = [
            GinIndex(fields=["search_key"], name="patient_search", opclasses=["gin_trgm_ops"]),
            models.Index(fields=["clinic", "-id"]),
        ]

    def __str__(self):
        return self.name

    @property
    def name(self):
        return f"{self.given_name} {self.family_name}".strip()

    @property
    def face(self):
        """The newest photograph, or None."""
        return self.photos.first()

    def is_confirmed_on(self, day):
        """Whether somebody compared the face with the document on that day."""
        return self.identity_checks.confirmed_on(day).exists()

    @property
    def born(self):
        """The day of birth, or None when only an interval is known."""
        return self.born_earliest if self.born_earliest == self.born_latest else None

    def age_on(self, day):
        """Completed years at the youngest (rule AGE-1)."""
        born = self.born_latest
        return day.year - born.year - ((day.month, day.day) < (born.month, born.day))

    def save(self, *args, **kwargs):
        names = (self.given_name, self.family_name, self.native_name, self.father_name, self.number)
        self.search_key = matching.search_key(names)
        if (fields := kwargs.get("update_fields")) is not None:
            kwargs["update_fields"] = {*fields, "search_key"}
        super().save(*args, **kwargs)
