"""Texts that people write about obligations."""

from __future__ import annotations

from portal.core.i18n import Words
from portal.obligations.errors import ReasonMissing, ReasonTooLong, TitleMissing, TitleTooLong

TITLE_LIMIT = 120
REASON_LIMIT = 500


def checked_reason(reason: str) -> str:
    """Return a reason without the blanks around it. Raises `ReasonMissing`, `ReasonTooLong`."""
    said = reason.strip()
    if not said:
        raise ReasonMissing()
    if len(said) > REASON_LIMIT:
        raise ReasonTooLong(length=len(said), limit=REASON_LIMIT)
    return said


def checked_title(title: Words) -> Words:
    """Return a title without the blanks around it. Raises `TitleMissing`, `TitleTooLong`."""
    found = Words(title.en.strip(), title.ja.strip())
    if not (found.en and found.ja):
        raise TitleMissing()
    longest = max(len(found.en), len(found.ja))
    if longest > TITLE_LIMIT:
        raise TitleTooLong(length=longest, limit=TITLE_LIMIT)
    return found
