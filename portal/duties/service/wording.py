"""Texts that people write about what they answer for."""

from __future__ import annotations

from portal.core.i18n import LazyText, Words
from portal.core.i18n import lazy_gettext as _l
from portal.duties.errors import NoteLooksSecret, ReasonMissing, TextTooLong, TitleMissing, TitleTooLong
from portal.duties.rules.secrets import SecretKind, find_secrets, masked

TITLE_LIMIT = 120
TEXT_LIMIT = 500
AS_WHAT: dict[SecretKind, LazyText] = {
    SecretKind.PRIVATE_KEY: _l("a private key"),
    SecretKind.SERVICE_KEY: _l("the key of a service"),
    SecretKind.SIGNED: _l("a token for signing in"),
    SecretKind.ADDRESS: _l("an address with a password in it"),
    SecretKind.LABELLED: _l("a password or number to get in"),
    SecretKind.IRREGULAR: _l("a key that a machine made"),
}


def checked_note(text: str) -> str:
    """Return a note without the blanks around it. Raises `TextTooLong`, `NoteLooksSecret`."""
    said = text.strip()
    if len(said) > TEXT_LIMIT:
        raise TextTooLong(length=len(said), limit=TEXT_LIMIT)
    for found in find_secrets(said):
        raise NoteLooksSecret(line=found.line, what=AS_WHAT[found.kind], shown=masked(said[found.start : found.end]))
    return said


def checked_reason(text: str) -> str:
    """Return a reason without the blanks around it. Raises `ReasonMissing`, `TextTooLong`, `NoteLooksSecret`."""
    said = checked_note(text)
    if not said:
        raise ReasonMissing()
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
