"""What the states of a document are called, how they look, and what they mean for whoever holds it."""

from django.utils.translation import gettext_lazy as _

from mhac.certificates.models import Certificate

VALID, SUSPENDED = Certificate.State.VALID, Certificate.State.SUSPENDED
SUPERSEDED, REVOKED = Certificate.State.SUPERSEDED, Certificate.State.REVOKED
EXPIRED, UNKNOWN = "expired", "unknown"

LABELS = {
    VALID: _("valid"),
    EXPIRED: _("expired"),
    SUSPENDED: _("suspended"),
    SUPERSEDED: _("superseded"),
    REVOKED: _("revoked"),
    UNKNOWN: _("unknown"),
}
COLOURS = {
    VALID: "green",
    EXPIRED: "amber",
    SUSPENDED: "purple",
    SUPERSEDED: "grey",
    REVOKED: "red",
    UNKNOWN: "red",
}

# On the verify page, for a stranger with a paper in his hand.
MEANINGS = {
    VALID: _("This document was issued by us and counts today."),
    EXPIRED: _("This document was issued by us. Its time has run out."),
    SUSPENDED: _("This document was issued by us, but does not count at present. Ask the clinic before relying on it."),
    SUPERSEDED: _("This document was replaced by a newer one. Ask its holder for the newer one."),
    REVOKED: _("This document was revoked. It must not be relied on."),
    UNKNOWN: _("We issued no document with this number or code. Compare every sign; do not rely on the paper."),
}

TO_PARTNERS_FILTER = _("no longer counting")

# In the portal, where a partner asks for the file.
TO_PARTNERS = {
    SUSPENDED: _(
        "This document is suspended: something changed since it was issued, and a physician looks at it again. "
        "Do not rely on a copy you already have. You will find the new document here."
    ),
    SUPERSEDED: _("This document was replaced by a newer one. Take the newer one from your list."),
    REVOKED: _("This document was revoked. Do not rely on a copy you already have; ask the clinic why."),
}
