"""How busy each station of a site is today, and where somebody goes next so that nobody waits longer than need be."""

import statistics
from collections import defaultdict
from dataclasses import dataclass, field

from mhac.appointments.models import Visit, WaitingLimit
from mhac.patients.models import IdentityCheck

# The order in which people are sent where nothing else decides.
STATIONS = IdentityCheck.Station.values


@dataclass
class Load:
    """One station now: minutes that each of its people waits, how many are in its rooms, and what it took today."""

    station: str
    limit: WaitingLimit
    waiting: list[int] = field(default_factory=list)
    inside: int = 0
    took: list[float] = field(default_factory=list)
    expected_people: int = 0

    @property
    def label(self):
        return IdentityCheck.Station(self.station).label

    @property
    def longest(self):
        return max(self.waiting, default=0)

    @property
    def colour(self):
        return self.limit.colour(self.longest) if self.waiting else "grey"

    @property
    def median(self):
        """Minutes with a person, the median of today; None before anybody is done."""
        return round(statistics.median(self.took)) if self.took else None

    @property
    def expected(self):
        """Minutes that somebody who is sent here now may expect to wait: people before her x minutes with each."""
        minutes = self.limit.usual if self.median is None else max(self.median, 1)
        return self.expected_people * minutes

    def expect(self):
        """One more person is on the way here."""
        self.expected_people += 1


def of(clinic, day, now):
    """Station -> its Load, in two queries."""
    found = {station: Load(station, limit) for station, limit in WaitingLimit.of(clinic).items()}
    rows = Visit.objects.on(clinic, day).order_by().values_list(
        "station", "state", "waiting_since", "entered_at", "left_at"
    )  # fmt: skip
    for station, state, since, entered, left in rows:
        load = found[station]
        if state in {Visit.State.WAITING, Visit.State.CALLED}:
            load.waiting.append(max(int((now - since).total_seconds() // 60), 0))
            load.expect()
        elif state == Visit.State.INSIDE:
            load.inside += 1
            load.expect()
        elif state == Visit.State.DONE and entered:
            load.took.append((left - entered).total_seconds() / 60)
    return found


def next_station(needed, found):
    """Where somebody is sent who still needs `needed` (station -> rank, the lowest first), or "" when nothing is left.

    Within a rank it is the station where the wait is shortest, people before her x median minutes; `found`: `of`.
    """
    by_rank = defaultdict(list)
    for station, rank in needed.items():
        by_rank[rank].append(station)
    if not by_rank:
        return ""
    return min(by_rank[min(by_rank)], key=lambda station: (found[station].expected, STATIONS.index(station)))
