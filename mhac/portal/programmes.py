"""What a partner is told about the programmes it has agreements for: their states, and nothing of others."""

from dataclasses import dataclass

from django.utils import timezone

from mhac.clinics.models import Clinic
from mhac.partners.models import Agreement
from mhac.screenings.status import Standing, States


@dataclass(frozen=True)
class Told:
    """The state of one programme at all sites, and where a site has another one."""

    standing: Standing
    elsewhere: list[tuple[Clinic, Standing]]

    @property
    def is_open(self):
        return self.standing.takes_people and all(standing.takes_people for _site, standing in self.elsewhere)


def of(user) -> list[Told]:
    """The programmes of the agreements in force of this user's organisation. Two queries, however many."""
    today = timezone.localdate()
    keys = sorted(set(Agreement.objects.visible_to(user).running(today).values_list("programme", flat=True)))
    states = States(*keys) if keys else None
    told = [_told(key, states, today) for key in keys]
    return [each for each in told if not each.standing.is_draft]


def _told(key, states, today):
    standing = states.on(key, None, today)
    at_sites = [(site, states.on(key, site, site.today())) for site in states.sites_of(key)]
    others = [(site, each) for site, each in at_sites if each.state != standing.state and not each.is_draft]
    return Told(standing, sorted(others, key=lambda pair: pair[0].code))
