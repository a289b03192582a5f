"""Texts that people write about handovers."""

from __future__ import annotations

from portal.duties.rules.secrets import find_secrets, masked
from portal.duties.service.cards import secret_name
from portal.handover.errors import (
    FieldMissing,
    LinkNotUnderstood,
    LooksSecret,
    ReasonMissing,
    TextTooLong,
    WordsMissing,
)

REASON_LIMIT = 500
WORDS_LIMIT = 2_000
FIELD_LIMIT = 2_000
LINK_LIMIT = 500


def checked_reason(reason: str) -> str:
    """Return a reason without the blanks around it. Raises `ReasonMissing`, `TextTooLong`, `LooksSecret`."""
    said = reason.strip()
    if not said:
        raise ReasonMissing()
    return _short(said, REASON_LIMIT, "reason")


def checked_words(words: str) -> str:
    """Return what was done without the blanks around it. Raises `WordsMissing`, `TextTooLong`, `LooksSecret`."""
    said = words.strip()
    if not said:
        raise WordsMissing()
    return _short(said, WORDS_LIMIT, "words")


def checked_field(text: str, name: str) -> str:
    """Return a field of a stand-in, by its name, without the blanks around it. Raises
    `FieldMissing`, `TextTooLong`, `LooksSecret`."""
    said = text.strip()
    if not said:
        raise FieldMissing()
    return _short(said, FIELD_LIMIT, name)


def checked_link(link: str) -> str:
    """Return the address of a page, or nothing. Raises `LinkNotUnderstood`, `TextTooLong`, `LooksSecret`."""
    said = _short(link.strip(), LINK_LIMIT, "link")
    begins = said.lower().startswith(("https://", "http://"))
    if said and (not begins or not said.isprintable() or " " in said):
        raise LinkNotUnderstood()
    return said


def _short(text: str, limit: int, field: str) -> str:
    if len(text) > limit:
        raise TextTooLong(length=len(text), limit=limit)
    for found in find_secrets(text):
        raise LooksSecret(field, found.line, secret_name(found.kind), masked(text[found.start : found.end]))
    return text
