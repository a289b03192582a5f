"""Best-effort notes of who opened what and where she stopped."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select, update

from portal.accounts.models import Person
from portal.core import clock, touch
from portal.core.db import session
from portal.library import queries
from portal.library.models import Clause, DocumentVersion, Reading

# Opening a page again within this time is not worth a write.
AGAIN_AFTER = timedelta(minutes=10)


def note_opened(*, person: Person, version: DocumentVersion, known: Reading | None) -> None:
    """Note that the person opens the version; `known` is what has been noted before."""
    now = clock.now()
    if known is not None and now - known.last_opened_at < AGAIN_AFTER:
        return
    person_id, version_id = person.id, version.id

    def write() -> None:
        done = session.execute(
            update(Reading)
            .where(Reading.person_id == person_id, Reading.version_id == version_id)
            .values(last_opened_at=now)
        )
        if not done.rowcount:  # type: ignore[attr-defined]
            session.add(Reading(person_id=person_id, version_id=version_id, opened_at=now, last_opened_at=now))

    touch.note(write)


def keep_place(*, person: Person, version: DocumentVersion, anchor: str) -> bool:
    """Note at which clause the person is; an id that the version does not have is left out.

    Returns whether the place is a clause of the version.
    """
    known = session.scalar(select(Clause.id).where(Clause.version_id == version.id, Clause.anchor == anchor).limit(1))
    if known is None:
        return False
    person_id, version_id, now = person.id, version.id, clock.now()
    is_new = queries.find_reading(person, version) is None

    def write() -> None:
        if is_new:
            session.add(
                Reading(
                    person_id=person_id,
                    version_id=version_id,
                    opened_at=now,
                    last_opened_at=now,
                    anchor=anchor,
                    kept_at=now,
                )
            )
            return
        session.execute(
            update(Reading)
            .where(Reading.person_id == person_id, Reading.version_id == version_id)
            .values(anchor=anchor, kept_at=now)
        )

    touch.note(write)
    return True
