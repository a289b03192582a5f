"""Whether two wordings of one language each are the same question, and that question in both."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any

from portal.core.i18n import Words
from portal.quizzes.types.contents import Content

# What a question is about and how it is asked belongs to the question that is there, whatever a file says of it.
_OF_THE_QUESTION = frozenset({"clauses", "difficulty", "severity", "tags", "shuffle", "document", "picture"})


class Apart(Exception):
    """They are not the same question, or both say something in the language."""


def completed(old: Content, new: Content, tag: str) -> Content | None:
    """Return a question with the texts of a file in a language that it lacks, or None where these are not its own.

    They are where types, parts, choices, what is right, keys and points are the same, one by one, and where the
    question says nothing in the language yet. Nothing that is written is ever written over; what has the same words in
    both (whether a statement is true, which clause decides) is there already.
    """
    if _text(new.stem, tag) == "" or _text(old.stem, tag):
        return None
    try:
        joined: Content = _joined(old, new, tag)
    except Apart:
        return None
    return joined


def _text(words: Words, tag: str) -> str:
    return (words.ja if tag == "ja" else words.en).strip()


def _joined(old: Any, new: Any, tag: str) -> Any:
    if isinstance(old, Words) or isinstance(new, Words):
        return _joined_words(old, new, tag)
    if isinstance(old, tuple) and isinstance(new, tuple):
        if len(old) != len(new):
            raise Apart
        return tuple(_joined(one, other, tag) for one, other in zip(old, new, strict=True))
    if is_dataclass(old) and not isinstance(old, type) and type(old) is type(new):
        kept = _OF_THE_QUESTION if isinstance(old, Content) else {"id"}
        return replace(
            old,
            **{
                field.name: _joined(getattr(old, field.name), getattr(new, field.name), tag)
                for field in fields(old)
                if field.name not in kept
            },
        )
    if old != new:
        raise Apart
    return old


def _joined_words(old: Words | None, new: Words | None, tag: str) -> Words | None:
    if new is None:
        return old
    before = old or Words("", "")
    if _text(before, tag):
        if _text(before, tag) != _text(new, tag):
            raise Apart
        return old
    return Words(before.en, new.ja) if tag == "ja" else Words(new.en, before.ja)
