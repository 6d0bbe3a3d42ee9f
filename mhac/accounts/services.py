"""Users and their roles: made, changed and closed by an administrator, who never gives a role to himself."""

import secrets

from django.contrib.auth.models import Group
from django.db import transaction
from django.utils.translation import gettext as _

from mhac.accounts.models import RoleGrant, User
from mhac.clinics.numbers import RANDOM_ALPHABET

GROUPS, SIGNS = 5, 4


class Refused(Exception):
    """It was not done. The text says what was wrong and what to do next."""


def starting_password():
    """Twenty random signs in fours, easy to read aloud: 99 bits."""
    signs = "".join(secrets.choice(RANDOM_ALPHABET) for _place in range(GROUPS * SIGNS)).lower()
    return "-".join(signs[place : place + SIGNS] for place in range(0, len(signs), SIGNS))


@transaction.atomic
def add_user(*, username, full_name, grants, by, licence="", language="en"):
    """A new user with roles; `grants` are pairs (role, clinic or None for the network). Returns (user, password).

    Raises Refused for roles this administrator cannot give.
    """
    user = User(username=username, full_name=full_name, licence=licence, language=language)
    password = starting_password()
    user.set_password(password)
    user._history_user = by
    user.save()
    _give(user, set(grants), by)
    return user, password


@transaction.atomic
def change_user(user, *, grants, by, **changes):
    """Change the fields in `changes` and make `grants` the roles of `user`. Takes effect at her next request.

    Raises Refused for oneself, and for roles this administrator cannot give.
    """
    _not_oneself(user, by)
    user = User.objects.select_for_update().get(pk=user.pk)
    for field, value in changes.items():
        setattr(user, field, value)
    user._history_user = by
    user.save(update_fields=list(changes))
    _give(user, set(grants), by)
    return user


@transaction.atomic
def new_password(user, *, by):
    """A new starting password, told once; every browser in which she is signed in is signed out. Returns it."""
    _not_oneself(user, by)
    password = starting_password()
    user.set_password(password)
    user._history_user = by
    user.save(update_fields=["password"])
    return password


def _not_oneself(user, by):
    if user.pk == by.pk:
        raise Refused(_("Nobody changes his own roles or closes his own account. Ask another administrator."))


def _give(user, wanted, by):
    """Exactly the wanted roles, by the hand of somebody who administers every site they are for."""
    if not wanted:
        raise Refused(_("Give at least one role. To shut somebody out, close the account instead."))
    for role, clinic in wanted:
        _may_give(role, clinic, by)
    held = {(grant.group.name, grant.clinic): grant for grant in user.grants.select_related("group", "clinic")}
    for pair in held.keys() - wanted:
        held[pair]._history_user = by
        held[pair].delete()
    for role, clinic in wanted - held.keys():
        grant = RoleGrant(user=user, group=Group.objects.get(name=role), clinic=clinic)
        grant._history_user = by
        grant.save()


def _may_give(role, clinic, by):
    if clinic is None and "accounts.change_user" not in by.rights.get(None, ()):
        raise Refused(_("You administer some sites only. Choose the site for which the role is given."))
    if clinic is not None and not by.sites("accounts.change_user").filter(pk=clinic.pk).exists():
        raise Refused(_("You do not administer %(clinic)s. Ask its administrator.") % {"clinic": clinic})
    if role == "PAR" and clinic is not None:
        raise Refused(_("A partner works for an organisation, not at a site. Leave the site open."))
