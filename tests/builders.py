"""Typed, deterministic builders that commit, and the fixed cast."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from portal.accounts.models import Person, Role, RoleGrant, Scope
from portal.accounts.service.passwords import DUMMY_HASH
from portal.core.db import session
from portal.core.i18n import Words
from portal.organisation.models import Market, Team

# A Wednesday morning in Tokyo, well before Golden Week.
MORNING = datetime(2026, 4, 1, 0, 30, tzinfo=UTC)
_numbers = itertools.count(1)


def save(*rows: Any) -> None:
    """Commit rows outside the product's transactions, as tests must."""
    session.add_all(rows)
    session.commit()


def make_market(code: str = "JP", **values: Any) -> Market:
    """Return the market of the code, made if it is not there."""
    found = session.query(Market).filter_by(code=code).one_or_none()
    if found:
        return found
    defaults: dict[str, Any] = {
        "JP": {"name": Words("Japan", "日本"), "time_zone": "Asia/Tokyo", "holiday_country": "JP"},
        "US": {"name": Words("United States", "米国"), "time_zone": "America/New_York", "holiday_country": "US"},
    }.get(code, {"name": Words(code, code), "time_zone": "UTC", "holiday_country": None})
    market = Market(code=code, created_at=MORNING, **(defaults | values))
    save(market)
    return market


def make_team(code: str = "account-safety", market: Market | None = None, **values: Any) -> Team:
    """Return the team of the code, made if it is not there."""
    found = session.query(Team).filter_by(code=code).one_or_none()
    if found:
        return found
    defaults: dict[str, Any] = {"name": Words(code.replace("-", " ").capitalize(), "アカウント安全")}
    team = Team(code=code, market=market or make_market(), created_at=MORNING, **(defaults | values))
    save(team)
    return team


def make_person(
    sign_in_name: str | None = None, *, team: Team | None = None, market: Market | None = None, **values: Any
) -> Person:
    """Return a new person in the team; Japanese unless said otherwise."""
    number = next(_numbers)
    defaults: dict[str, Any] = {
        "code": f"P{number:05d}",
        "sign_in_name": sign_in_name or f"person{number}@portal.example",
        "family_name": "田中",
        "given_name": f"花子{number}",
        "family_kana": "タナカ",
        "given_kana": "ハナコ",
        "family_romaji": "Tanaka",
        "given_romaji": f"Hanako {number}",
        "language": "ja",
        "time_zone": "Asia/Tokyo",
        "created_at": MORNING,
        # Whoever was only invited says so: password_hash=None.
        "password_hash": DUMMY_HASH,
    }
    home = market or (team.market if team else make_market())
    person = Person(home_market=home, team=team, **(defaults | values))
    save(person)
    return person


def make_grant(person: Person, role: Role, scope: Scope = Scope.ORGANISATION, scope_code: str = "") -> RoleGrant:
    """Give the person a role."""
    grant = RoleGrant(
        person=person, role=role, scope=scope, scope_code=scope_code, granted_at=MORNING, granted_by="test"
    )
    save(grant)
    return grant


@dataclass(frozen=True)
class Cast:
    """Everybody a promise is about: her, those beside and above her, and those who are none of her business."""

    learner: Person
    colleague: Person
    lead: Person
    author: Person
    approver: Person
    admin: Person
    outsider: Person

    def everyone(self) -> dict[str, Person]:
        """Return the cast by name."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def make_cast() -> Cast:
    """Make the cast: learner, colleague and lead in one team; the outsider in another market's team."""
    team = make_team()
    abroad = make_team("payments-safety", make_market("US"), name=Words("Payments safety", "決済安全"))
    learner = make_person("learner@portal.example", team=team, family_name="髙橋", given_name="結衣")
    colleague = make_person("colleague@portal.example", team=team, language="en")
    lead = make_person("lead@portal.example", team=team, language="en", family_name="佐藤", given_name="健")
    author = make_person("author@portal.example", team=team)
    approver = make_person("approver@portal.example", team=team)
    admin = make_person("admin@portal.example", language="en", family_name="森", given_name="明子")
    outsider = make_person(
        "outsider@portal.example",
        team=abroad,
        language="en",
        time_zone="America/New_York",
        family_name="Rivera",
        given_name="Alex",
        family_kana="",
        given_kana="",
    )
    for person in (learner, colleague, lead, author, approver, outsider):
        make_grant(person, Role.LEARNER)
    make_grant(lead, Role.LEAD, Scope.TEAM, team.code)
    make_grant(author, Role.AUTHOR)
    make_grant(author, Role.POLICY_OWNER)
    make_grant(approver, Role.APPROVER)
    make_grant(admin, Role.ADMIN)
    return Cast(learner, colleague, lead, author, approver, admin, outsider)
