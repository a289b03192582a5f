"""What is not passed on when somebody goes, and has to be settled: roles that nobody else has, and deputies' posts."""

from __future__ import annotations

from collections.abc import Sequence

from flask import url_for

from portal.accounts import queries
from portal.accounts.models import Person, Role, RoleGrant, Scope
from portal.accounts.permissions import ROLE_NAMES, open_grants
from portal.accounts.service.ownership import list_belongings
from portal.accounts.service.people import Obstacle
from portal.core.i18n import gettext as _
from portal.core.i18n import ngettext, pgettext
from portal.organisation import queries as organisation

# Roles whom others turn to: with nobody in them, something stops. The last administrator is refused elsewhere.
NEEDED = (Role.WELLBEING_CONTACT, Role.LEAD, Role.MENTOR, Role.APPROVER)
# So many things are named, and that there are more.
_MOST_NAMED = 5


def roles_stay(person: Person) -> list[Obstacle]:
    """Return what nobody would do any more without the person (a `DeactivationGuard`); it can be put up with."""
    return [_obstacle(grant) for grant in _only_of(person, open_grants(person, *NEEDED))]


def deputies_stay(person: Person) -> list[Obstacle]:
    """Return that things would have nobody behind their owner (a `DeactivationGuard`); it can be put up with."""
    rows = [row for row in list_belongings(person, as_deputy=True) if row.thing.is_live]
    if not rows:
        return []
    named = pgettext("list", ", ").join(row.thing.title for row in rows[:_MOST_NAMED])
    return [
        Obstacle(
            ngettext(
                "%(num)d thing would have no deputy any more: %(titles)s",
                "%(num)d things would have no deputy any more: %(titles)s",
                len(rows),
                titles=f"{named} …" if len(rows) > _MOST_NAMED else named,
            ),
            may_stay=True,
        )
    ]


def to_settle(person: Person) -> list[Obstacle]:
    """Return all of it: what a handover does not move, and what deactivating asks about."""
    return [*roles_stay(person), *deputies_stay(person)]


def grant_stays(grant: RoleGrant) -> Obstacle | None:
    """Return what nobody would do any more without this one grant, or None; it can be put up with."""
    person = grant.person
    if grant.ended_at is not None or grant.role not in NEEDED or not person.is_active:
        return None
    own = [each for each in open_grants(person, grant.role) if each.id != grant.id]
    if any(_covers(each, grant) for each in own) or not _only_of(person, [grant]):
        return None
    return _obstacle(grant)


def _only_of(person: Person, own: Sequence[RoleGrant]) -> list[RoleGrant]:
    """Return those of a person's grants that nobody else's covers."""
    if not own:
        return []
    others = queries.list_grants_of_others(person, {grant.role for grant in own})
    return [grant for grant in own if not any(other.role is grant.role and _covers(other, grant) for other in others)]


def _covers(other: RoleGrant, grant: RoleGrant) -> bool:
    """Say whether one grant reaches as far as another."""
    if other.scope is Scope.ORGANISATION or (other.scope, other.scope_code) == (grant.scope, grant.scope_code):
        return True
    if other.scope is Scope.MARKET and grant.scope is Scope.TEAM:
        team = organisation.find_team(grant.scope_code)
        return team is not None and team.market.code == other.scope_code
    return False


def _obstacle(grant: RoleGrant) -> Obstacle:
    if grant.role is Role.WELLBEING_CONTACT:
        return Obstacle(
            _(
                "Nobody else is a wellbeing contact. Every page may still name this person: "
                "change the contact in the settings."
            ),
            url_for("organisation.settings"),
            may_stay=True,
        )
    return Obstacle(
        _(
            "Nobody else has this role: %(role)s (%(scope)s). Give it to somebody first.",
            role=ROLE_NAMES[grant.role],
            scope=_scope(grant),
        ),
        may_stay=True,
    )


def _scope(grant: RoleGrant) -> str:
    if grant.scope is Scope.TEAM and (team := organisation.find_team(grant.scope_code)) is not None:
        return str(team.name)
    if grant.scope is Scope.MARKET and (market := organisation.find_market(grant.scope_code)) is not None:
        return str(market.name)
    return grant.scope_code or str(_("The whole organisation"))
