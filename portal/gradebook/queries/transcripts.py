"""Looking up printed transcripts."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import joinedload, undefer

from portal.accounts.models import Person
from portal.core.codes import normalise
from portal.core.db import session
from portal.gradebook.errors import NoSuchTranscriptFile
from portal.gradebook.models import TranscriptFile


def list_files(person: Person) -> list[TranscriptFile]:
    """Return the person's printed transcripts that are still kept, newest first, without their bytes."""
    return list(
        session.scalars(
            select(TranscriptFile)
            .where(TranscriptFile.person_id == person.id)
            .order_by(TranscriptFile.id.desc())
            .limit(5)
        )
    )


def lock_files(person: Person) -> None:
    """Let nobody else ask for a transcript of the person until this transaction ends."""
    session.execute(select(Person.id).where(Person.id == person.id).with_for_update(key_share=True))


def get_file(person: Person, code: str) -> TranscriptFile:
    """Return the person's printed transcript of this code with its bytes. Raises `NoSuchTranscriptFile`."""
    found = session.scalar(
        select(TranscriptFile)
        .where(TranscriptFile.person_id == person.id, TranscriptFile.code == normalise(code))
        .options(undefer(TranscriptFile.content))
    )
    if found is None or found.content is None:
        raise NoSuchTranscriptFile()
    return found


def find_file(code: str) -> TranscriptFile | None:
    """Return the printed transcript of this code, made or not, or None."""
    return session.scalar(select(TranscriptFile).where(TranscriptFile.code == code))


def list_files_of(codes: Collection[str]) -> list[TranscriptFile]:
    """Return the printed transcripts that have one of these codes, with whose they are."""
    return list(
        session.scalars(
            select(TranscriptFile).where(TranscriptFile.code.in_(codes)).options(joinedload(TranscriptFile.person))
        )
    )
