from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from mhac.accounts.models import User
from mhac.clinics.models import Clinic, Row
from mhac.payments.money import written
from mhac.screenings.models import Case, Screening

DIGITS = {"max_digits": 12, "decimal_places": 2}


class TariffQuerySet(models.QuerySet):
    def visible_to(self, user):
        return self.filter(models.Q(clinic=None) | models.Q(clinic__in=user.sites()))


class Tariff(Row):
    """What a programme costs at a site (or at all sites) from a day on. Never changed: a newer row goes before it."""

    programme = models.CharField(_("programme"), max_length=40)
    clinic = models.ForeignKey(Clinic, models.PROTECT, null=True, blank=True, related_name="tariffs")
    from_day = models.DateField(_("from"))
    currency = models.CharField(_("currency"), max_length=3)
    source = models.CharField(_("source"), max_length=200)
    read_on = models.DateField(_("read on"))
    added_by = models.ForeignKey(User, models.PROTECT, related_name="tariffs_added")
    added_at = models.DateTimeField(auto_now_add=True)
    history = HistoricalRecords()

    objects = TariffQuerySet.as_manager()

    class Meta:
        verbose_name = _("prices of a programme")
        ordering = ["-from_day", "-id"]
        indexes = [models.Index(fields=["programme", "-from_day"], name="tariff_of_programme")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(currency__regex="^[A-Z]{3}$"), name="tariff_currency_three_letters"
            )
        ]

    def __str__(self):
        return f"{self.programme} from {self.from_day}"


class Price(Row):
    """One amount of a tariff: from this age on (completed years), until the next one begins."""

    tariff = models.ForeignKey(Tariff, models.PROTECT, related_name="prices")
    from_age = models.PositiveSmallIntegerField(_("from age"))
    amount = models.DecimalField(_("amount"), **DIGITS)
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("price")
        ordering = ["from_age"]
        constraints = [
            models.UniqueConstraint(fields=["tariff", "from_age"], name="one_price_per_age_of_a_tariff"),
            models.CheckConstraint(condition=models.Q(amount__gte=0), name="price_not_below_nothing"),
        ]

    def __str__(self):
        return f"{self.tariff}: {written(self.amount, self.tariff.currency)} from {self.from_age}"


class DueQuerySet(models.QuerySet):
    def visible_to(self, user):
        return self.filter(screening__clinic__in=user.sites())


class Due(Row):
    """What one person's screening costs, as it stood when it was first asked for; a later price leaves it alone."""

    screening = models.OneToOneField(Screening, models.PROTECT, related_name="due")
    amount = models.DecimalField(_("amount"), **DIGITS)
    currency = models.CharField(_("currency"), max_length=3)
    age = models.PositiveSmallIntegerField(_("age"))
    age_on = models.DateField(_("age on"))
    edition = models.CharField(_("edition"), max_length=60, blank=True)
    tariff = models.ForeignKey(Tariff, models.PROTECT, null=True, blank=True, related_name="dues")
    source = models.CharField(_("source"), max_length=200)
    made_by = models.ForeignKey(User, models.PROTECT, related_name="dues_made")
    made_at = models.DateTimeField(auto_now_add=True)
    history = HistoricalRecords()

    objects = DueQuerySet.as_manager()

    class Meta:
        verbose_name = _("fee")
        ordering = ["id"]
        constraints = [models.CheckConstraint(condition=models.Q(amount__gte=0), name="fee_not_below_nothing")]

    def __str__(self):
        return f"{self.screening}: {self.price}"

    @property
    def price(self):
        return written(self.amount, self.currency)


class ReceiptQuerySet(models.QuerySet):
    def visible_to(self, user):
        return self.filter(clinic__in=user.sites())

    def whole(self):
        return self.select_related("clinic", "case", "taken_by")


class Receipt(Row):
    """Money that was taken for one or more people of a case, with a number that is never used again.

    Its key is made with the empty form: one form, one receipt.
    """

    class Method(models.TextChoices):
        CASH = "cash", _("cash")

    number = models.CharField(_("receipt number"), max_length=12, unique=True)
    case = models.ForeignKey(Case, models.PROTECT, related_name="receipts")
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="receipts")
    payer = models.CharField(_("paid by"), max_length=120)
    method = models.CharField(_("paid in"), max_length=4, choices=Method.choices, default=Method.CASH)
    currency = models.CharField(_("currency"), max_length=3)
    amount = models.DecimalField(_("amount"), **DIGITS)
    day = models.DateField(_("day"))
    taken_at = models.DateTimeField(auto_now_add=True)
    taken_by = models.ForeignKey(User, models.PROTECT, related_name="receipts_taken", verbose_name=_("taken by"))
    voided_on = models.DateField(_("void since"), null=True, blank=True)
    history = HistoricalRecords()

    objects = ReceiptQuerySet.as_manager()

    class Meta:
        verbose_name = _("receipt")
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["clinic", "day", "-id"], name="receipts_of_a_day"),
            models.Index(fields=["clinic", "voided_on"], name="voids_of_a_day"),
        ]
        constraints = [models.CheckConstraint(condition=models.Q(amount__gt=0), name="receipt_of_some_money")]
        permissions = [
            ("void_receipt", "May confirm that a receipt is void"),
            ("export_receipt", "May take the cash list out as a file"),
        ]

    def __str__(self):
        return f"{self.number} {self.price}"

    @property
    def price(self):
        return written(self.amount, self.currency)


class Payment(Row):
    """The line of a receipt for one person's fee. A fee is paid whole, and once, unless the receipt is void."""

    receipt = models.ForeignKey(Receipt, models.PROTECT, related_name="lines")
    due = models.ForeignKey(Due, models.PROTECT, related_name="payments")
    # As it stood when the paper was printed, so that a copy reads the same.
    name = models.CharField(_("name"), max_length=130)
    amount = models.DecimalField(_("amount"), **DIGITS)
    voided = models.BooleanField(_("void"), default=False)
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("payment")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["due"], condition=models.Q(voided=False), name="a_fee_is_paid_once")
        ]

    def __str__(self):
        return f"{self.receipt_id}: {self.amount}"

    @property
    def price(self):
        return written(self.amount, self.receipt.currency)


class Answered(Row):
    """What one person asks for and another one decides: who asked and why, who decided and what."""

    note = models.CharField(_("in words"), max_length=200, blank=True)
    asked_by = models.ForeignKey(User, models.PROTECT, related_name="%(class)ss_asked", verbose_name=_("asked by"))
    asked_at = models.DateTimeField(auto_now_add=True)
    accepted = models.BooleanField(_("accepted"), null=True)
    decided_by = models.ForeignKey(
        User, models.PROTECT, null=True, related_name="%(class)ss_decided", verbose_name=_("decided by")
    )
    decided_at = models.DateTimeField(null=True)
    answer = models.CharField(_("answer"), max_length=200, blank=True)

    class Meta:
        abstract = True


class WaiverQuerySet(models.QuerySet):
    def visible_to(self, user):
        return self.filter(due__screening__clinic__in=user.sites())

    def waiting(self):
        return self.filter(accepted=None)


class Waiver(Answered):
    """Why one person does not pay; it holds once a second person has confirmed it."""

    class Reason(models.TextChoices):
        PARTNER_PAYS = "partner", _("the partner pays")
        PROGRAMME = "programme", _("the programme bears the cost")
        REPEAT = "repeat", _("repeated because of our own mistake")
        HARDSHIP = "hardship", _("the family cannot pay")
        OTHER = "other", _("another reason")

    due = models.ForeignKey(Due, models.PROTECT, related_name="waivers")
    reason = models.CharField(_("reason"), max_length=9, choices=Reason.choices)
    history = HistoricalRecords()

    objects = WaiverQuerySet.as_manager()

    class Meta:
        verbose_name = _("waiver of a fee")
        ordering = ["id"]
        permissions = [("decide_waiver", "May confirm that somebody does not pay")]
        constraints = [
            models.UniqueConstraint(
                fields=["due"],
                condition=models.Q(accepted=True) | models.Q(accepted__isnull=True),
                name="one_waiver_per_fee",
            )
        ]

    def __str__(self):
        return f"{self.due}: {self.get_reason_display()}"


class VoidQuerySet(models.QuerySet):
    def visible_to(self, user):
        return self.filter(receipt__clinic__in=user.sites())

    def waiting(self):
        return self.filter(accepted=None)


class Void(Answered):
    """Why a receipt does not count; it holds once somebody has confirmed it who did not take the money."""

    class Reason(models.TextChoices):
        GIVEN_BACK = "back", _("the money was given back")
        WRONG_AMOUNT = "amount", _("wrong amount or wrong person")
        TWICE = "twice", _("taken twice")
        OTHER = "other", _("another reason")

    receipt = models.ForeignKey(Receipt, models.PROTECT, related_name="voids")
    reason = models.CharField(_("reason"), max_length=6, choices=Reason.choices)
    history = HistoricalRecords()

    objects = VoidQuerySet.as_manager()

    class Meta:
        verbose_name = _("void of a receipt")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["receipt"],
                condition=models.Q(accepted=True) | models.Q(accepted__isnull=True),
                name="one_void_per_receipt",
            )
        ]

    def __str__(self):
        return f"{self.receipt}: {self.get_reason_display()}"
