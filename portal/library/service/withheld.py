"""Letting a note stand where a text of a version held what must not be read: for a while, or for good."""

from __future__ import annotations

from collections.abc import Mapping

from portal.core import clock, search
from portal.core.db import session
from portal.core.markdown import hash_of, split_clauses
from portal.core.seals import taking_out
from portal.library.models import VersionText
from portal.library.service.findable import DOCUMENTS
from portal.library.service.texts import raw_pieces_of, text_hash
from portal.library.service.versions import show_again


def body_of(text: VersionText, anchor: str) -> str | None:
    """Return what a clause of a text says below its heading, or None where there is no such clause."""
    return next((each.body for each in split_clauses(text.source) if each.anchor == anchor), None)


def say_instead(*, text: VersionText, bodies: Mapping[str, str]) -> dict[str, str]:
    """Let clauses of a published text say something else, and return how they were written, by their ids.

    Only documents that the product puts together by itself are changed so. The hashes stay those of what was
    published, which is what people confirmed; where the text is that again, it counts as whole. An id that the text
    does not have is left out.
    """
    assert text.version.document.is_by_name
    pieces = raw_pieces_of(text.source)
    before: dict[str, str] = {}
    for anchor, body in bodies.items():
        if anchor in pieces:
            before[anchor] = pieces[anchor]
            heading = pieces[anchor].split("\n", 1)[0]
            pieces[anchor] = f"{heading}\n\n{body}\n"
    _put(text, pieces)
    return before


def say_again(*, text: VersionText, pieces: Mapping[str, str]) -> None:
    """Let clauses be written again as `say_instead` has returned them."""
    _put(text, raw_pieces_of(text.source) | dict(pieces))


def _put(text: VersionText, pieces: Mapping[str, str]) -> None:
    now = clock.now()
    with taking_out():
        text.source = "\n".join(pieces.values())
        said = {each.anchor: each.source for each in split_clauses(text.source)}
        for row in text.clause_texts:
            row.source = said.get(row.clause.anchor, row.source)
            row.taken_out_at = None if hash_of(row.source) == row.hash else row.taken_out_at or now
        is_whole = text.hash == text_hash(
            language=text.language,
            title=text.title,
            summary=text.summary,
            what_to_do_differently=text.what_to_do_differently,
            attestation=text.attestation,
            source=text.source,
        )
        text.taken_out_at = None if is_whole else text.taken_out_at or now
        show_again(text)
        session.flush()
    search.changed(DOCUMENTS, [text.version.document_id])
