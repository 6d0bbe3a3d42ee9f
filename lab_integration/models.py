from copy import deepcopy
from ipaddress import ip_address, ip_network
from zoneinfo import ZoneInfo

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from lab_integration import profile, shape
from lab_integration.alarms import Alarm as Alarm
from lab_integration.proposals import Proposal as Proposal
from lab_integration.strangers import Knock as Knock
from lab_integration.strangers import Opening as Opening
from lab_integration.versions import ProfileVersion
from mhac.accounts.models import User
from mhac.clinics.models import Clinic, Row
from mhac.labs import services as labs


def plain_address(text):
    """The address of a peer: an IPv4 address that came through an IPv6 socket is IPv4, a zone (`%eth0`) is dropped."""
    found = ip_address(text.partition("%")[0])
    return getattr(found, "ipv4_mapped", None) or found


class AnalyzerQuerySet(models.QuerySet):
    def visible_to(self, user):
        return self.filter(clinic__in=user.sites())

    def active(self):
        return self.filter(active=True)

    def heard_from(self, address):
        """The active analyzers that may speak from this address; where lists overlap, those that name it closest."""
        closeness = {one: one.closeness_of(address) for one in self.active().select_related("clinic")}
        closest = max(closeness.values(), default=-1)
        return [one for one, close in closeness.items() if close == closest >= 0]


class Analyzer(Row):
    """A device of the laboratory: where it speaks from, what it speaks, how its codes map to our tests."""

    class Dialect(models.TextChoices):
        HL7 = "hl7", "HL7 (MLLP)"
        ASTM = "astm", "ASTM (LIS1-A, LIS2-A2)"

    class Link(models.TextChoices):
        CALLS = "calls", _("the analyzer connects to us")
        CALLED = "called", _("we connect to the analyzer")

    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="analyzers", verbose_name=_("site"))
    name = models.CharField(_("name"), max_length=80)
    dialect = models.CharField(_("speaks"), max_length=4, choices=Dialect.choices, default=Dialect.HL7)
    addresses = ArrayField(
        models.CharField(max_length=50),
        default=list,
        blank=True,
        verbose_name=_("may speak from (networks)"),
    )
    link = models.CharField(_("who connects"), max_length=6, choices=Link.choices, default=Link.CALLS)
    outbound_host = models.CharField(_("takes orders at (address)"), max_length=80, blank=True)
    outbound_port = models.PositiveIntegerField(_("port"), null=True, blank=True)
    takes_orders = models.BooleanField(_("orders are sent without being asked for"), default=True)
    must_use_tls = models.BooleanField(_("must use TLS"), default=False)
    certificate_name = models.CharField(_("name in its certificate"), max_length=200, blank=True)
    # The profile of the version in force; whatever changes it leaves a version.
    profile = models.JSONField(_("profile"), default=dict, blank=True)
    in_force = models.ForeignKey(ProfileVersion, models.PROTECT, null=True, editable=False, related_name="+")
    family = models.CharField(_("family"), max_length=40, blank=True)
    # What comes is stored and answered, and nothing is filed, until a version is put in force.
    listening = models.BooleanField(_("listening only"), default=False, editable=False)
    active = models.BooleanField(_("active"), default=True)
    silent_after = models.PositiveSmallIntegerField(_("alarm after so many silent working hours"), default=4)
    history = HistoricalRecords()

    objects = AnalyzerQuerySet.as_manager()

    class Meta:
        verbose_name = _("analyzer")
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["clinic", "name"], name="one_analyzer_per_name_and_site")]

    def __str__(self):
        return self.name

    def save(self, *args, update_fields=None, **kwargs):
        with transaction.atomic():
            super().save(*args, update_fields=update_fields, **kwargs)
            if update_fields is None or "profile" in update_fields:
                self._keep_version()

    def _keep_version(self):
        """A profile that was set and not drafted (a demo, a rehearsal) is a version without authors, in force."""
        if self.in_force_id is not None and self.in_force.profile == self.profile:
            return
        last = self.versions.aggregate(last=models.Max("number"))["last"] or 0
        self.in_force = ProfileVersion.objects.create(
            analyzer=self,
            number=last + 1,
            state=ProfileVersion.State.USED,
            profile=deepcopy(self.profile),
            based_on=self.in_force,
            activated_at=timezone.now(),
        )
        type(self).objects.filter(pk=self.pk).update(in_force=self.in_force)

    @property
    def settings(self):
        """The profile, read; shape.Refused names what is wrong in it."""
        given = {"code_map": [], **self.profile, "name": self.name, "dialect": self.dialect}
        return profile.read(given, ZoneInfo(self.clinic.timezone))

    def clean(self):
        try:
            profile.read({"code_map": [], **self.profile, "name": "x", "dialect": self.dialect}, ZoneInfo("UTC"))
        except shape.Refused as error:
            raise ValidationError({"profile": str(error)}) from None
        for address in self.addresses:
            try:
                ip_network(address, strict=False)
            except ValueError:
                text = _("%(address)s is no address. Write one like 10.0.4.17 or 10.0.4.0/24.") % {"address": address}
                raise ValidationError({"addresses": text}) from None
        if self.link == self.Link.CALLED and not (self.outbound_host and self.outbound_port):
            text = _("Write the address and the port at which we reach the analyzer.")
            raise ValidationError({"outbound_host": text})
        if self.certificate_name and not self.must_use_tls:
            raise ValidationError({"certificate_name": _("A certificate is shown over TLS only: tick that as well.")})

    def closeness_of(self, address):
        """How many bits of `address` this analyzer's list names; -1 when it is not on the list."""
        spoken_from = plain_address(address)
        networks = [ip_network(one, strict=False) for one in self.addresses]
        return max((one.prefixlen for one in networks if spoken_from in one), default=-1)


WAITING_MESSAGES = ("INCOMPLETE", "UNREADABLE", "UNKNOWN_SENDER", "UNSUPPORTED_TYPE", "PARTLY_HELD", "HELD", "FAILED")
WAITING_MESSAGES += ("HEARD",)
WAITING_LINES = tuple(sorted(labs.WAITING))


class ReceivedMessageQuerySet(models.QuerySet):
    def visible_to(self, user):
        return self.filter(clinic__in=user.sites())

    def unread(self):
        """Stored and acknowledged, not yet processed."""
        return self.filter(state=ReceivedMessage.State.RECEIVED)

    def waiting(self):
        """What a person has to look at."""
        return self.filter(state__in=ReceivedMessage.WAITING)


class ReceivedMessage(Row):
    """What came over the wire, byte for byte, and what became of it. States: `docs/wire.md`."""

    class State(models.TextChoices):
        RECEIVED = "RECEIVED", _("stored, not read yet")
        INCOMPLETE = "INCOMPLETE", _("cut short")
        UNREADABLE = "UNREADABLE", _("not readable")
        UNKNOWN_SENDER = "UNKNOWN_SENDER", _("unknown sender")
        UNSUPPORTED_TYPE = "UNSUPPORTED_TYPE", _("type not taken")
        HEARD = "HEARD", _("heard, not filed")
        DUPLICATE = "DUPLICATE", _("seen before")
        NOTED = "NOTED", _("noted")
        ANSWERED = "ANSWERED", _("query answered")
        PROCESSED = "PROCESSED", _("processed")
        PARTLY_HELD = "PARTLY_HELD", _("partly held")
        HELD = "HELD", _("held")
        FAILED = "FAILED", _("failed in our program")
        DISMISSED = "DISMISSED", _("dismissed")

    WAITING = WAITING_MESSAGES

    analyzer = models.ForeignKey(Analyzer, models.PROTECT, null=True, related_name="messages")
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+")
    peer = models.CharField(max_length=50)
    transport = models.CharField(max_length=4)
    received_at = models.DateTimeField()
    body = models.BinaryField()
    sha256 = models.CharField(max_length=64)
    complete = models.BooleanField(default=True)
    content = models.CharField(max_length=64, blank=True)
    control_id = models.TextField(blank=True)
    type = models.CharField(max_length=40, blank=True)
    version = models.CharField(max_length=40, blank=True)
    state = models.CharField(max_length=16, choices=State.choices, default=State.RECEIVED)
    reason = models.TextField(blank=True)
    profile_version = models.ForeignKey(ProfileVersion, models.PROTECT, null=True, related_name="+")
    written_at = models.DateTimeField(null=True)  # MSH-7 or H-14, by the analyzer's own clock
    reply = models.BinaryField(null=True)
    segments = models.PositiveIntegerField(default=0)
    observations = models.PositiveIntegerField(default=0)
    warnings = ArrayField(models.CharField(max_length=20), default=list)
    repeats = models.PositiveIntegerField(default=0)
    repeated_at = models.DateTimeField(null=True)
    duplicate_of = models.ForeignKey("self", models.PROTECT, null=True, related_name="+")
    processed_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    replays = models.PositiveSmallIntegerField(default=0)
    dismissed_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    dismissed_because = models.CharField(_("reason"), max_length=200, blank=True)
    dismissed_at = models.DateTimeField(null=True)
    dismissed_from = models.CharField(max_length=16, blank=True)  # the state to which taking it back returns

    objects = ReceivedMessageQuerySet.as_manager()

    class Meta:
        permissions = [
            ("view_inbox", "May see messages and lines that wait for a person"),
            ("view_payload", "May see the bytes of a message"),
            ("replay_message", "May have a message read again"),
            ("dismiss_message", "May dismiss a message with a reason"),
            ("propose_match", "May propose whose tube a row was"),
            ("confirm_match", "May confirm what somebody else proposed"),
        ]
        constraints = [
            # A cut message and a whole one can have the same bytes; only the whole one was acknowledged.
            models.UniqueConstraint(fields=["peer", "sha256", "complete"], name="one_row_per_peer_and_bytes"),
        ]
        indexes = [
            models.Index(fields=["state", "id"]),
            models.Index(fields=["analyzer", "content"]),
            models.Index(fields=["clinic", "-id"]),
            models.Index(fields=["id"], condition=models.Q(state__in=WAITING_MESSAGES), name="message_waits"),
            models.Index(fields=["analyzer", "-received_at"]),
            models.Index(
                fields=["-received_at"], condition=models.Q(analyzer__isnull=True), name="messages_of_strangers"
            ),
        ]

    def __str__(self):
        kind = self.type or _("message")
        return f"{kind} {self.control_id}".strip()


class ReceivedLineQuerySet(models.QuerySet):
    def visible_to(self, user):
        return self.filter(message__clinic__in=user.sites())

    def waiting(self):
        return self.filter(state__in=WAITING_LINES)


class ReceivedLine(Row):
    """One observation row of a message: how it was read, what became of it, and why."""

    message = models.ForeignKey(ReceivedMessage, models.PROTECT, related_name="lines")
    place = models.PositiveIntegerField()
    state = models.CharField(max_length=20)
    reason = models.CharField(max_length=40, blank=True)
    specimen_id = models.TextField(blank=True)
    accession = models.CharField(max_length=20, blank=True)
    code = models.TextField(blank=True)
    test = models.CharField(max_length=64, blank=True)
    run = models.CharField(max_length=20, default="1")
    kind = models.CharField(max_length=14, default="result")
    value = models.JSONField(default=dict)
    unit = models.CharField(max_length=20, blank=True)
    unit_as_sent = models.TextField(blank=True)
    flags = ArrayField(models.TextField(), default=list)
    status = models.CharField(max_length=1, blank=True)
    observed_at = models.DateTimeField(null=True)
    observed_as_read = models.CharField(max_length=32, blank=True)  # with the offset that was sent or assumed
    critical = models.BooleanField(default=False)
    attachment = models.JSONField(null=True)
    qc = models.JSONField(default=dict)
    fingerprint = models.CharField(max_length=64, blank=True)
    result = models.ForeignKey("labs.LabResult", models.PROTECT, null=True, related_name="+")
    version = models.PositiveSmallIntegerField(null=True)
    profile_version = models.ForeignKey(ProfileVersion, models.PROTECT, null=True, related_name="+")
    chosen_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    chosen_because = models.CharField(max_length=200, blank=True)
    dismissed_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    dismissed_because = models.CharField(max_length=200, blank=True)
    dismissed_at = models.DateTimeField(null=True)
    dismissed_from = models.CharField(max_length=20, blank=True)

    objects = ReceivedLineQuerySet.as_manager()

    class Meta:
        ordering = ["message", "place"]
        constraints = [models.UniqueConstraint(fields=["message", "place"], name="one_line_per_observation")]
        indexes = [
            models.Index(fields=["state", "id"]),
            models.Index(fields=["fingerprint"], condition=~models.Q(fingerprint=""), name="line_fingerprint"),
            models.Index(fields=["accession", "test"], condition=~models.Q(accession=""), name="line_accession"),
            models.Index(fields=["id"], condition=models.Q(state__in=WAITING_LINES), name="line_waits"),
        ]

    def __str__(self):
        return f"{self.code}: {self.value.get('as_sent', '')}"

    @property
    def shown_state(self):
        """FILED becomes what the result has become since: VERIFIED, REJECTED, SUPERSEDED."""
        return self.result.state.upper() if self.state == "FILED" and self.result else self.state

    @property
    def waits(self):
        return self.state in labs.WAITING


class SentMessageQuerySet(models.QuerySet):
    def visible_to(self, user):
        return self.filter(analyzer__clinic__in=user.sites())

    def stuck(self):
        """What an analyzer refused, never answered or has not got yet, and what could not be written."""
        State = SentMessage.State
        return self.filter(state__in=[State.REFUSED, State.UNKNOWN, State.WAITING, State.HELD])


class SentMessage(Row):
    """What we sent to an analyzer on our own account: orders and their cancellation."""

    class State(models.TextChoices):
        WAITING = "WAITING", _("waiting to be sent")
        SENT = "SENT", _("sent, no answer yet")
        ANSWERED = "ANSWERED", _("answered")
        REFUSED = "REFUSED", _("refused")
        UNKNOWN = "UNKNOWN", _("sent, but no answer in time")
        HELD = "HELD", _("cannot be written")

    analyzer = models.ForeignKey(Analyzer, models.PROTECT, related_name="sent")
    control_id = models.CharField(max_length=20, unique=True)
    type = models.CharField(max_length=40)
    accession = models.CharField(max_length=20, blank=True)
    body = models.BinaryField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    reason = models.TextField(blank=True)
    reply = models.BinaryField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True)
    made_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True)
    answered_at = models.DateTimeField(null=True)

    objects = SentMessageQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["state", "id"])]

    def __str__(self):
        return f"{self.type} {self.control_id}"

    @property
    def may_be_sent_again(self):
        """Refused, held, or nobody knows: a person may have looked at the analyzer or the codes and decide."""
        return self.state in (self.State.REFUSED, self.State.UNKNOWN, self.State.HELD)


class Listening(Row):
    """Where the wire listens, and when it last said so: a page can tell a silent analyzer from a wire that is down."""

    host = models.CharField(max_length=50)
    hl7_port = models.PositiveIntegerField()
    astm_port = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    beat_at = models.DateTimeField()

    class Meta:
        ordering = ["-beat_at"]

    def __str__(self):
        return f"{self.host}: {self.hl7_port}, {self.astm_port}"


class OutboundLine(Row):
    """How the line stands that we keep open to an analyzer: `tries` in vain since it was last up, and why."""

    analyzer = models.OneToOneField(Analyzer, models.CASCADE, related_name="outbound_line")
    tries = models.PositiveIntegerField(default=0)
    reason = models.TextField(blank=True)
    changed_at = models.DateTimeField()

    def __str__(self):
        return f"{self.analyzer}: {self.tries}"


class SentStep(Row):
    """One work order step (AWOS) of an order message, under an id that is never used again."""

    class State(models.TextChoices):
        SENT = "SENT", _("sent")
        ACCEPTED = "ACCEPTED", _("accepted")
        REFUSED = "REFUSED", _("refused")
        CANCEL_ASKED = "CANCEL_ASKED", _("cancellation asked")
        CANCELLED = "CANCELLED", _("cancelled")
        DONE = "DONE", _("result received")

    message = models.ForeignKey(SentMessage, models.PROTECT, related_name="steps")
    step_id = models.CharField(max_length=20, unique=True)
    accession = models.CharField(max_length=20)
    code = models.CharField(max_length=200)
    state = models.CharField(max_length=12, choices=State.choices, default=State.SENT)
    reason = models.TextField(blank=True)
    cancelled_in = models.ForeignKey(SentMessage, models.PROTECT, null=True, related_name="cancelled_steps")
    history = HistoricalRecords()

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["accession", "code"])]

    def __str__(self):
        return f"{self.code} {self.accession}: {self.state}"
