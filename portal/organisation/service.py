"""Changing the organisation's settings, markets and teams."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from portal.core import clock
from portal.core.db import session
from portal.core.i18n import Words
from portal.journal.service import Actor, record
from portal.organisation import errors, queries
from portal.organisation.models import Market, Setting, Team


@dataclass(frozen=True, slots=True)
class KnownHolidays:
    """The national holidays of one country as far as they are known: which table it is and which years it holds."""

    country: str
    version: int
    first_year: int
    last_year: int
    # From this year on the days are computed and not yet announced; None: fixed by statute.
    provisional_from: int | None


_find_holidays: list[Callable[[], Sequence[KnownHolidays]]] = []


def answer_holidays(find: Callable[[], Sequence[KnownHolidays]]) -> None:
    """Let the calendars say which national holidays are known; a market can only keep those."""
    _find_holidays[:] = [find]


def known_holidays() -> dict[str, KnownHolidays]:
    """Return the known national holidays by country."""
    return {each.country: each for find in _find_holidays for each in find()}


_find_documents: list[Callable[[], Sequence[tuple[str, str]]]] = []


@dataclass(frozen=True, slots=True)
class MarketMoves:
    """What other holidays would move in a market: of how many trainings, and which dates, in words.

    `key` stands for all of them, so that a page can tell whether it has shown these.
    """

    trainings: int
    rows: Sequence[Mapping[str, Any]]
    unannounced: str
    key: str = ""


class FindsMoves(Protocol):
    """Somebody who knows the dates that rest on a market's holidays."""

    def __call__(self, market: Market, holiday_country: str | None) -> MarketMoves:
        """Return what would move with the holidays of a country (None: of none).

        Raises a refusal where a date could not be computed any more.
        """


_moves: list[FindsMoves] = []


def answer_moves(find: FindsMoves) -> None:
    """Say who knows what other holidays would move."""
    _moves[:] = [find]


def moved_by_holidays(market: Market, holiday_country: str) -> MarketMoves:
    """Return what other holidays would move in a market; nothing where they stay.

    Raises `UnknownHolidayCountry`, and a refusal where a date could not be computed any more.
    """
    country = _checked(market.time_zone, holiday_country)["holiday_country"]
    if country == market.holiday_country or not _moves:
        return MarketMoves(0, [], "")
    return _moves[0](market, country)


def answer_documents(find: Callable[[], Sequence[tuple[str, str]]]) -> None:
    """Let the library say which documents there are, by address and title; one may be the exposure statement."""
    _find_documents[:] = [find]


def known_documents() -> list[tuple[str, str]]:
    """Return the address and title of every document that can be the exposure statement."""
    return [each for find in _find_documents for each in find()]


_CODE = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,19}")
_TEAM_CODE = re.compile(r"[a-z][a-z0-9-]{0,59}")
_COUNTRY = re.compile(r"[A-Z]{2}")


def change_settings(*, values: dict[str, Any], by: Actor | None) -> None:
    """Set what differs from what holds; `values` are plain data or `Words` by key."""
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for key, given in values.items():
        value = {"en": given.en, "ja": given.ja} if isinstance(given, Words) else given
        row = session.get(Setting, key)
        if row is not None and row.value == {"value": value}:
            continue
        before[key], after[key] = (row.value.get("value") if row else None), value
        if row is None:
            session.add(Setting(key=key, value={"value": value}, changed_at=clock.now()))
        else:
            row.value, row.changed_at = {"value": value}, clock.now()
    session.flush()
    if after:
        record("organisation.settings_changed", by=by, subject=("organisation", ""), before=before, after=after)


def add_market(*, code: str, name: Words, time_zone: str, holiday_country: str, by: Actor | None) -> Market:
    """Add a market. Raises `CodeInvalid`, `CodeTaken`, `UnknownTimeZone` or `UnknownHolidayCountry`."""
    wanted = code.upper()
    if not _CODE.fullmatch(wanted):
        raise errors.CodeInvalid(most=20)
    if queries.find_market(wanted) is not None:
        raise errors.CodeTaken(code=wanted)
    market = Market(code=wanted, name=name, created_at=clock.now(), **_checked(time_zone, holiday_country))
    session.add(market)
    session.flush()
    record("organisation.market_added", by=by, subject=("market", wanted), after=_market_facts(market))
    return market


def change_market(*, market: Market, name: Words, time_zone: str, holiday_country: str, by: Actor) -> None:
    """Change a market; its code stays. A new zone holds from now on, dates already given do not move.

    Other holidays move the dates that rest on them; those with which one could not be computed are refused.
    """
    moved_by_holidays(market, holiday_country)
    before = _market_facts(market)
    market.name = name
    for key, value in _checked(time_zone, holiday_country).items():
        setattr(market, key, value)
    after = _market_facts(market)
    if after != before:
        record("organisation.market_changed", by=by, subject=("market", market.code), before=before, after=after)


def add_team(*, code: str, name: Words, market: Market, by: Actor | None) -> Team:
    """Add a team to a market. Raises `CodeInvalid` or `CodeTaken`."""
    wanted = code.lower()
    if not _TEAM_CODE.fullmatch(wanted):
        raise errors.CodeInvalid(most=60)
    if queries.find_team(wanted) is not None:
        raise errors.CodeTaken(code=wanted)
    team = Team(code=wanted, name=name, market=market, created_at=clock.now())
    session.add(team)
    session.flush()
    record("organisation.team_added", by=by, subject=("team", wanted), after=_team_facts(team))
    return team


def change_team(*, team: Team, name: Words, market: Market, is_closed: bool, by: Actor) -> None:
    """Change a team; a closed one is offered nowhere any more, its people and history stay."""
    before = _team_facts(team)
    team.name, team.market = name, market
    if is_closed != (team.closed_at is not None):
        team.closed_at = clock.now() if is_closed else None
    after = _team_facts(team)
    if after != before:
        record("organisation.team_changed", by=by, subject=("team", team.code), before=before, after=after)


def _checked(time_zone: str, holiday_country: str) -> dict[str, str | None]:
    if not clock.is_zone(time_zone):
        raise errors.UnknownTimeZone(zone=time_zone)
    country = holiday_country.upper()
    if country and not _COUNTRY.fullmatch(country):
        raise errors.UnknownHolidayCountry(code=holiday_country)
    return {"time_zone": time_zone, "holiday_country": country or None}


def _market_facts(market: Market) -> dict[str, Any]:
    return {
        "name": {"en": market.name.en, "ja": market.name.ja},
        "time_zone": market.time_zone,
        "holiday_country": market.holiday_country,
    }


def _team_facts(team: Team) -> dict[str, Any]:
    return {
        "name": {"en": team.name.en, "ja": team.name.ja},
        "market": team.market.code,
        "closed": team.closed_at is not None,
    }
