"""What states and reasons are called on screen: a word for the state, a sentence that says what to do next."""

from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

LINE_STATES = {
    "QC": _("control"),
    "CALIBRATION": _("calibration"),
    "ATTACHMENT": _("picture"),
    "SUPPLEMENTAL": _("accompanying row"),
    "RUN_FAILURE": _("run failed, repeat is due"),
    "DUPLICATE": _("seen before"),
    "UNMATCHED_SPECIMEN": _("specimen not found"),
    "IDENTITY_MISMATCH": _("another person is named"),
    "UNMAPPED_CODE": _("code not known"),
    "NOT_ORDERED": _("not ordered"),
    "VALUE_UNREADABLE": _("value not readable"),
    "UNIT_UNKNOWN": _("unit not known"),
    "CONFLICT": _("contradicts what stands"),
    "CANDIDATE": _("second run"),
    "FILED": _("filed, to verify"),
    "VERIFIED": _("verified"),
    "REJECTED": _("rejected"),
    "SUPERSEDED": _("replaced"),
    "DISMISSED": _("dismissed"),
}

REASONS = {
    "no_id": _("The analyzer sent no specimen number. Find the tube in the rack and enter the result by hand."),
    "not_our_pattern": _(
        "The number is none of ours, perhaps typed at the analyzer. Compare it with the tube's label."
    ),
    "check_character": _("The check character does not fit: one sign is wrong. Compare it with the tube's label."),
    "unknown_specimen": _("No specimen has this number yet. It is matched by itself as soon as its order is entered."),
    "birth_date": _("The analyzer names another birth date than the order. Make sure whose tube this is."),
    "sex": _("The analyzer names another sex than the order. Make sure whose tube this is."),
    "initials": _("The analyzer names other initials than the order. Make sure whose tube this is."),
    "second_identifier_missing": _("This analyzer must name a second identifier and did not. Check its settings."),
    "not_a_number": _("The value is no number. Read it at the analyzer and enter it by hand."),
    "decimal_comma": _("The value has a comma. If commas are decimal marks there, say so in the analyzer's profile."),
    "not_allowed": _("The word is not one of the test's values. Map it in the analyzer's profile, then replay."),
    "empty": _("The value is empty. Read it at the analyzer and enter it by hand."),
    "unit_missing": _("No unit was sent. Set the unit at the analyzer or in its profile, then replay."),
    "unit_differs": _(
        "The unit is not the one of the test. Set it at the analyzer or map it in its profile, then replay."
    ),
    "changed_without_correction": _(
        "Another value came without being marked as a correction. Choose which one counts."
    ),
    "withdrawn": _("The analyzer withdraws this result. Decide whether what stands is rejected."),
    "recomputation_disagrees": _("The conclusion does not follow from its values. Look at the values."),
    "inputs_missing": _("The values behind this conclusion are not here yet. It is matched by itself when they come."),
    "order_entered_late": _("Matched when the order was entered."),
    "late_original": _("Came after the version that replaced it."),
    "empty_pair": _("Empty twin of a row that has the value."),
    "attachment_unreadable": _("The picture cannot be decoded; its bytes are kept with the message."),
}

# Where the state says it all.
STATE_REASONS = {
    "UNMAPPED_CODE": _("Nobody mapped this code for this analyzer. Map it in the analyzer's profile, then replay."),
    "NOT_ORDERED": _("This test is not on the order. Order it and the row is matched by itself, or dismiss it."),
    "CANDIDATE": _("The test was run again. The first value stands until somebody chooses."),
    "CONFLICT": _("This contradicts what stands. Choose which one counts."),
    "RUN_FAILURE": _("The run gave no value. Run the specimen again."),
}

COLOURS = {
    "DISMISSED": "grey",
    "FILED": "blue",
    "VERIFIED": "green",
    "RUN_FAILURE": "amber",
    "IDENTITY_MISMATCH": "red",
    "CONFLICT": "red",
    "PROCESSED": "green",
    "ANSWERED": "green",
    "NOTED": "grey",
    "DUPLICATE": "grey",
    "RECEIVED": "blue",
    "FAILED": "red",
    "INCOMPLETE": "red",
}

SENT_COLOURS = {"WAITING": "blue", "SENT": "blue", "ANSWERED": "green", "REFUSED": "red", "UNKNOWN": "red"}
SENT_COLOURS |= {"HELD": "red"}
STEP_COLOURS = {"SENT": "blue", "ACCEPTED": "blue", "REFUSED": "red", "CANCEL_ASKED": "amber", "CANCELLED": "grey"}
STEP_COLOURS |= {"DONE": "green"}

MESSAGE_REASONS = {
    "INCOMPLETE": _(
        "The message was cut short and was not acknowledged. Have the analyzer send it again, then dismiss this."
    ),
    "UNREADABLE": _("This is no message of the kind that this port takes. Check how the analyzer is set."),
    "UNKNOWN_SENDER": _("It is not certain which analyzer sent this. Correct the analyzers' settings, then replay."),
    "UNSUPPORTED_TYPE": _("Messages of this type are not taken and were refused. Switch them off at the analyzer."),
    "HELD": _("Nothing of it could be filed. Each row says why, and what to do."),
    "PARTLY_HELD": _("Some rows were filed, some wait. Each row says why, and what to do."),
    "HEARD": _("This analyzer is only listened to. Map its codes and put them in force, then replay."),
    "FAILED": _("Our program failed on it. Tell whoever looks after the system, and replay once it is repaired."),
}

NO_OBSERVATIONS = _(
    "It has no result row. Perhaps the analyzer refused an order: read its comments below, then dismiss it."
)

OUT_OF_BALANCE = _(
    "The rows below are not all that came. Do not rely on them: read the values at the analyzer, enter them by hand,"
    " and tell whoever looks after the system."
)

SLIPS = {
    "written": _("the same number, written otherwise"),
    "no_check": _("the check character %(ours)s at its end is missing"),
    "zeros": _("zeros were dropped"),
    "no_site": _("the letters of the site (%(ours)s) are missing"),
    "added": _("more was written beside it: %(sent)s"),
    "differs": _("one sign differs: %(sent)s for %(ours)s"),
    "swapped": _("two signs are swapped: %(sent)s for %(ours)s"),
    "missing": _("one sign is missing: %(ours)s"),
    "extra": _("one sign too many: %(sent)s"),
}

WRITTEN = {
    "case": _("in small letters"),
    "digits": _("in Persian digits"),
    "spaces": _("with spaces or dashes"),
    "unseen": _("with signs that are not seen"),
}

AGREES = {
    "birth_date": _("birth date agrees"),
    "sex": _("sex agrees"),
    "initials": _("initials agree"),
    "age": _("age agrees"),
}


def suggestion(found, stranger):
    """Why a tube may be the one that was meant, in a few words each; `found` and `stranger` as `labs` has them."""
    how = found.likeness
    said = [SLIPS[how.kind] % {"sent": how.sent, "ours": how.ours}, *(WRITTEN[name] for name in how.written)]
    said += [AGREES[name] for name in found.agrees] or [_("no second identifier was sent")]
    if found.ordered:
        said.append(_("test ordered"))
    elif not stranger.tests:
        said.append(_("its codes are not mapped yet"))
    return [*map(str, said), *([_before(found.before)] if found.before is not None else [])]


def _before(time):
    minutes = int(time.total_seconds()) // 60
    if minutes < 120:
        return ngettext("collected %(n)s minute before", "collected %(n)s minutes before", minutes) % {"n": minutes}
    if minutes < 48 * 60:
        return gettext("collected %(n)s hours before") % {"n": minutes // 60}
    return gettext("collected %(n)s days before") % {"n": minutes // 1440}


def line_state(state):
    return LINE_STATES.get(state, state)


def line_reason(line):
    """Why a line is where it is, and what to do."""
    return REASONS.get(line.reason) or STATE_REASONS.get(line.state, "")


def colour(state, waits=False):
    return COLOURS.get(state, "amber" if waits else "grey")


def message_reason(message):
    """Why a message is where it is, and what to do."""
    if message.state == "HELD" and "no_observations" in message.warnings:
        return NO_OBSERVATIONS
    return MESSAGE_REASONS.get(message.state, "")
