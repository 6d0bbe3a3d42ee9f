"""When a critical value is late, for whom, and when one that was told no longer holds. Pure: moments in, moments out.

A critical value must be told with read-back and somebody who treats or decides must take note of it (rules, section 6;
reliability, H3). The limits count from its arrival and hold whoever is signed in and whether or not anybody watches.
"""

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

LIMITS = (15, 30, 60)  # minutes from its arrival without anybody taking note
TELL_WITHIN, TELL_AT_LAST = 30, 60  # minutes from its arrival to the call


@dataclass(frozen=True)
class Value:
    """One critical version of a result: when it arrived, until when it stood, when somebody took note of it, and when
    somebody was reached and read it back."""

    filed: datetime.datetime
    ended: datetime.datetime | None = None
    acknowledged: datetime.datetime | None = None
    told: tuple[datetime.datetime, ...] = ()

    @property
    def settled(self) -> datetime.datetime | None:
        """From when on nobody need take note of it any more, or None."""
        return min((moment for moment in (self.acknowledged, self.ended) if moment is not None), default=None)


def minutes_since(filed: datetime.datetime, now: datetime.datetime) -> int:
    """Whole minutes from arrival to now; none when a clock was set back."""
    return max(0, int((now - filed).total_seconds() // 60))


def escalations(value: Value, now: datetime.datetime, written: Iterable[int] = ()) -> list[int]:
    """The limits (minutes) that have passed by `now` while nobody had taken note, without those already `written`."""
    end = now if value.settled is None else min(now, value.settled)
    known = set(written)
    found = []
    for minutes in LIMITS:
        due = value.filed + datetime.timedelta(minutes=minutes)
        # Taking note exactly at the limit is in time; the limit itself, with nobody there, has passed.
        passed = due <= now and (value.settled is None or due < end)
        if passed and minutes not in known:
            found.append(minutes)
    return found


def lateness(filed: datetime.datetime, minutes: int, written: datetime.datetime) -> datetime.timedelta:
    """How long after its limit an escalation was written."""
    return written - filed - datetime.timedelta(minutes=minutes)


def withdrawn(versions: Sequence[Value], standing_is_critical: bool) -> int | None:
    """Place (in `versions`, the critical versions of one order) of the value that somebody was told and that holds no
    longer, until whoever was told has been told that too; None when there is none.

    A new value that is critical again is told as such and withdraws the old one by itself.
    """
    if standing_is_critical:
        return None
    heard = [
        (moment, place)
        for place, one in enumerate(versions)
        for moment in (*one.told, *([one.acknowledged] if one.acknowledged else []))
    ]
    if not heard:
        return None
    moment, place = max(heard)
    ended = versions[place].ended
    return place if ended is not None and moment <= ended else None


def told_after(held: Iterable[str]) -> int | None:
    """From how many minutes on who holds these permissions at a site sees that nobody took note; None: never.

    Laboratory and clinicians after 15, physicians and supervisors after 30, the manager (a count) after 60.
    """
    held = set(held)
    if "labs.add_criticalcall" in held:
        return LIMITS[0]
    if "labs.add_criticalacknowledgement" in held:
        # Who takes specimens stands nearest to the person; a supervisor also collects, and is called later.
        return LIMITS[0] if "labs.add_specimen" in held and "labs.verify_infectious" not in held else LIMITS[1]
    return LIMITS[2] if "labs.view_criticalescalation" in held else None
