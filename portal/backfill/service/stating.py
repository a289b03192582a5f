"""Saying which part somebody has, and how far a lead saw her to be; what was said before stays."""

from __future__ import annotations

from datetime import date, timedelta

from portal.accounts.models import Person
from portal.backfill import errors
from portal.backfill.models import LevelStatement, Responsibility
from portal.backfill.queries.stated import latest_parts
from portal.backfill.rules import Level, Part
from portal.core import clock
from portal.core.db import session
from portal.journal.service import record

WORDS_LIMIT = 500
# What was seen longer ago is no evidence of today.
SEEN_WITHIN_DAYS = 366


def set_part(*, person: Person, kind: str, code: str, part: Part, by: Person) -> Responsibility:
    """Say which part somebody has from now on. Raises `NothingChanged`, `PersonGone`."""
    if not person.is_active:
        raise errors.PersonGone()
    present = latest_parts([person.id]).get((person.id, kind, code), Part.NONE)
    if present is part:
        raise errors.NothingChanged()
    row = Responsibility(kind=kind, thing_code=code, person_id=person.id, part=part, set_at=clock.now(), set_by=by.code)
    session.add(row)
    session.flush()
    record(
        "backfill.part_set",
        by=by,
        subject=(kind, code),
        before={"person": person.code, "part": present.value},
        after={"person": person.code, "part": part.value},
    )
    return row


def state_level(
    *, person: Person, kind: str, code: str, level: Level, seen_on: date, words: str, by: Person
) -> LevelStatement:
    """State how far somebody is, with the day and what was seen.

    Raises `PersonGone`, `WordsMissing`, `WordsTooLong`, `SeenInFuture`, `SeenLongAgo`.
    """
    said, today = words.strip(), clock.today(by.home_market.time_zone)
    if not person.is_active:
        raise errors.PersonGone()
    if not said:
        raise errors.WordsMissing()
    if len(said) > WORDS_LIMIT:
        raise errors.WordsTooLong(length=len(said), limit=WORDS_LIMIT)
    if seen_on > today:
        raise errors.SeenInFuture()
    if today - seen_on > timedelta(days=SEEN_WITHIN_DAYS):
        raise errors.SeenLongAgo()
    row = LevelStatement(
        kind=kind,
        thing_code=code,
        person_id=person.id,
        level=int(level),
        seen_on=seen_on,
        words=said,
        stated_at=clock.now(),
        stated_by_id=by.id,
    )
    session.add(row)
    session.flush()
    record(
        "backfill.level_stated",
        by=by,
        subject=(kind, code),
        after={"person": person.code, "level": int(level), "seen_on": seen_on.isoformat()},
        reason=said,
    )
    return row
