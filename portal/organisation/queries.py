"""Reading the organisation's settings, markets and teams."""

from __future__ import annotations

from datetime import timedelta
from typing import TypeVar

from flask import has_request_context, request
from sqlalchemy import bindparam, select
from sqlalchemy.exc import SQLAlchemyError

from portal.core.db import session
from portal.core.errors import NotFound
from portal.core.i18n import Words
from portal.organisation import rules
from portal.organisation.models import Market, Setting, Team

T = TypeVar("T")
_OF_EVERY_PAGE = "shirube.settings"
# Every page asks for some.
_SETTINGS = select(Setting.key, Setting.value).where(Setting.key.in_(bindparam("keys", expanding=True)))


def setting(key: str, default: T) -> T:
    """Return what was set under the key (plain data), or the default.

    `Words` are given back as such when the default is `Words`.
    """
    row = session.get(Setting, key)
    return default if row is None else _as_kind(row.value.get("value"), default)


def settings(defaults: dict[str, T]) -> dict[str, T]:
    """Return several settings with one query; when the database cannot be read, the defaults."""
    try:
        rows = session.execute(_SETTINGS, {"keys": list(defaults)})
        found = {key: value.get("value") for key, value in rows}
    except SQLAlchemyError:
        # The page that says so needs a frame too.
        found = {}
    return {key: _as_kind(found[key], default) if key in found else default for key, default in defaults.items()}


def of_every_page() -> dict[str, Words | str]:
    """Return what the frame of a page and most pages ask for; a page that only reads asks for it once."""
    about = request.environ if has_request_context() and request.method in {"GET", "HEAD"} else {}
    found: dict[str, Words | str] | None = about.get(_OF_EVERY_PAGE)
    if found is None:
        defaults: dict[str, Words | str] = {
            rules.NAME: Words(*rules.DEFAULT_NAME),
            rules.WELLBEING_CONTACT: Words("", ""),
            rules.EXPOSURE_STATEMENT: rules.DEFAULT_EXPOSURE_STATEMENT,
        }
        found = about[_OF_EVERY_PAGE] = settings(defaults)
    return found


def _as_kind(value: object, default: T) -> T:
    if isinstance(default, Words) and isinstance(value, dict):
        return Words(en=value["en"], ja=value["ja"])  # type: ignore[return-value]
    return value if isinstance(value, type(default)) or default is None else default  # type: ignore[return-value]


def name() -> Words:
    """Return the organisation's name."""
    return setting(rules.NAME, Words(*rules.DEFAULT_NAME))


def default_time_zone() -> str:
    """Return the zone of people and places that have none of their own."""
    return setting(rules.TIME_ZONE, rules.DEFAULT_TIME_ZONE)


def default_language() -> str:
    """Return the language of people who have not chosen one."""
    return setting(rules.LANGUAGE, rules.DEFAULT_LANGUAGE)


def attempt_tolerance() -> timedelta:
    """Return for how long after its deadline an attempt still takes what was on its way."""
    return timedelta(seconds=setting(rules.ATTEMPT_TOLERANCE, rules.DEFAULT_ATTEMPT_TOLERANCE))


def accommodation_needs_two() -> bool:
    """Say whether what is agreed for a person holds only once a second person has confirmed it."""
    return setting(rules.ACCOMMODATION_NEEDS_TWO, False)


def leads_see_accommodations() -> bool:
    """Say whether leads see what was agreed for their people."""
    return setting(rules.LEADS_SEE_ACCOMMODATIONS, False)


def exposure_statement() -> str:
    """Return the address of the document that says what the work can bring, and that may be declined; empty: none."""
    return str(of_every_page()[rules.EXPOSURE_STATEMENT])


def escalated_after() -> int:
    """Return after how many working days something overdue in training is told to who leads."""
    return setting(rules.ESCALATED_AFTER, rules.DEFAULT_ESCALATED_AFTER)


def own_words() -> list[str]:
    """Return the words that everybody here knows, which make no password."""
    known = name()
    return [known.en, known.ja, *rules.DEFAULT_NAME]


def list_markets() -> list[Market]:
    """Return every market by code."""
    return list(session.scalars(select(Market).order_by(Market.code)))


def find_market(code: str) -> Market | None:
    """Return the market of the code, or None."""
    return session.scalar(select(Market).where(Market.code == code)) if _is_code(code) else None


def get_market(code: str) -> Market:
    """Return the market of the code. Raises `NotFound`."""
    found = find_market(code)
    if found is None:
        raise NotFound()
    return found


def list_teams(*, closed: bool = True) -> list[Team]:
    """Return every team by code; without the closed ones where asked."""
    statement = select(Team).order_by(Team.code)
    if not closed:
        statement = statement.where(Team.closed_at.is_(None))
    return list(session.scalars(statement))


def find_team(code: str) -> Team | None:
    """Return the team of the code, or None."""
    return session.scalar(select(Team).where(Team.code == code)) if _is_code(code) else None


def get_team(code: str) -> Team:
    """Return the team of the code. Raises `NotFound`."""
    found = find_team(code)
    if found is None:
        raise NotFound()
    return found


def _is_code(code: str) -> bool:
    return 0 < len(code) <= 60 and code.isascii() and code.isprintable()
