"""The teams and markets that have a matrix."""

from __future__ import annotations

from portal.accounts.models import Person
from portal.backfill.errors import NoSuchRow
from portal.backfill.queries.matrix import Matrix, MatrixRow, Place, read_matrix
from portal.cohorts.permissions import Reach
from portal.core.errors import NotFound
from portal.organisation import queries as organisation

TEAM, MARKET = "team", "market"


def get_place(scope: str, code: str) -> Place:
    """Return the team or market whose matrix is meant. Raises `NotFound`; a closed team has none."""
    if scope == TEAM:
        team = organisation.get_team(code)
        if team.closed_at is not None:
            raise NotFound()
        return Place(team.market, team)
    if scope == MARKET:
        return Place(organisation.get_market(code))
    raise NotFound()


def list_places(reach: Reach) -> list[Place]:
    """Return the teams and markets within reach: each market before its teams."""
    teams = organisation.list_teams(closed=False)
    found = []
    for market in organisation.list_markets():
        whole = reach.everywhere or market.code in reach.markets
        if whole:
            found.append(Place(market))
        found += [
            Place(market, each) for each in teams if each.market_id == market.id and (whole or each.code in reach.teams)
        ]
    return found


def places_of(person: Person, first: str = "") -> list[Place]:
    """Return where somebody works: her team, her home market, those besides; the market of a code comes first."""
    found = [Place(person.team.market, person.team)] if person.team else []
    found += [Place(each) for each in (person.home_market, *person.further_markets)]
    return sorted(found, key=lambda each: each.team is not None or each.market.code != first) if first else found


def get_cell(person: Person, kind: str, code: str, market: str = "") -> tuple[Matrix, MatrixRow]:
    """Return the row of a person alone, with the matrix that it is of. Raises `NoSuchRow`."""
    for place in places_of(person, market):
        matrix = read_matrix(place, only=person)
        row = next((each for each in matrix.rows if each.key == (kind, code)), None)
        if row is not None:
            return matrix, row
    raise NoSuchRow()
