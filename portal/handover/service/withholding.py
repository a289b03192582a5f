"""Letting dossiers say nothing of a text of a card that is to be taken out: their versions, their files, the index."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any

from portal.core import jobs
from portal.core.db import session
from portal.core.seals import taking_out
from portal.duties.events import CardTextHeld, CardTextSettled
from portal.duties.models import Card
from portal.duties.queries.cards import find_card, get_removal
from portal.duties.rules.cards import LANGUAGES, as_markdown
from portal.duties.service.removals import QUESTIONS
from portal.handover.models import DossierTextHeld
from portal.handover.queries import dossiers as queries
from portal.handover.queries import handovers
from portal.handover.service.dossier import anchor_of, part_anchor
from portal.handover.service.issuing import JOB, file_key
from portal.library.models import DocumentVersion, VersionText
from portal.library.service.withheld import body_of, say_again, say_instead


def hold(event: CardTextHeld) -> None:
    """Let a note stand in every version of a dossier that was put together from what a card said."""
    card = find_card(event.kind, event.thing_code)
    removal = get_removal(event.removal_id)
    said = _plain(removal.held or {}, event.part)
    assert card is not None
    touched: dict[int, DocumentVersion] = {}
    for text, anchor in _texts_of(event.kind, event.thing_code, event.part):
        body = body_of(text, anchor) or ""
        if _number_of(card, text.version) in event.numbers or any(each and each in body for each in said):
            _hold(event, text, anchor)
            touched[text.version_id] = text.version
    for version in touched.values():
        _print_again(version, f"held:{event.removal_id}")


def settle(event: CardTextSettled) -> None:
    """Let another note stand for good, or the text as it was."""
    touched: dict[int, DocumentVersion] = {}
    for row in queries.list_held(event.removal_id):
        clause, text = row.clause_text.clause, row.clause_text.version_text
        if event.note is None:
            assert row.held is not None
            say_again(text=text, pieces={clause.anchor: row.held})
        else:
            say_instead(text=text, bodies={clause.anchor: as_markdown(event.note[text.language])})
        row.held = None
        touched[text.version_id] = text.version
    # What was issued meanwhile holds the first note; where the text stands again, the next issue says so.
    if event.note is not None:
        removal = get_removal(event.removal_id)
        for text, anchor in _texts_of(removal.card.kind, removal.card.thing_code, removal.part):
            if body_of(text, anchor) == as_markdown(event.held_note[text.language]):
                say_instead(text=text, bodies={anchor: as_markdown(event.note[text.language])})
                touched[text.version_id] = text.version
    session.flush()
    for version in touched.values():
        _print_again(version, f"settled:{event.removal_id}")


def _texts_of(kind: str, code: str, part: str) -> Iterator[tuple[VersionText, str]]:
    """Return every text of a dossier in which a part of a thing's card stands, with its address there."""
    for item in handovers.list_items_of(kind, code):
        # Whoever issues waits, or has issued what is found here.
        handovers.lock_handover(item.handover_id)
        anchor = part_anchor(anchor_of(item.code), part)
        for dossier in queries.list_dossiers(item.handover):
            for version in dossier.document.versions:
                for text in version.texts:
                    if body_of(text, anchor) is not None:
                        yield text, anchor


def _hold(event: CardTextHeld, text: VersionText, anchor: str) -> None:
    before = say_instead(text=text, bodies={anchor: as_markdown(event.note[text.language])})
    row = next(each for each in text.clause_texts if each.clause.anchor == anchor)
    session.add(DossierTextHeld(removal_id=event.removal_id, clause_text=row, held=before[anchor]))
    session.flush()


def _number_of(card: Card, version: DocumentVersion) -> int:
    """Return which version of the card a version of a dossier was put together from; 0 where there was none."""
    return max((each.number for each in card.versions if each.written_at <= version.issued_at), default=0)


def _plain(held: Mapping[str, Any], part: str) -> list[str]:
    """Return what was held as the text of a dossier has it, where no link changes it."""
    if part == QUESTIONS:
        texts = [one for rows in held.values() for row in rows for one in (row, row.get("other")) if one]
        return [as_markdown(" ".join(one["stem"].split())) for one in texts]
    return [as_markdown(text) for said in held.values() for text in said.values()]


def _print_again(version: DocumentVersion, why: str) -> None:
    """Forget what was printed of a version, and print it anew."""
    with taking_out():
        for tag in LANGUAGES:
            file = queries.find_file(version.id, tag)
            if file is not None:
                file.content, file.size, file.sha256 = b"", 0, sha256(b"").hexdigest()
        session.flush()
    for tag in LANGUAGES:
        jobs.enqueue(
            JOB,
            {"version_id": version.id, "language": tag},
            effect_key=f"{file_key(version, tag)}:{why}",
            requested_by=None,
        )
