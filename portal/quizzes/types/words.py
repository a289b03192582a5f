"""Every text of a question, whatever its type keeps its texts in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any

from portal.core.i18n import Words
from portal.quizzes.types.base import Content


def words_of(content: Content) -> Iterator[Words]:
    """Yield every text of a question, its title and headings among them."""
    yield from _walk(content)


def named_words_of(content: Content) -> Iterator[tuple[str, Words]]:
    """Yield every text of a question with its place: the same place in two wordings is the same text."""
    yield from _walk_named(content, "")


def with_words(content: Content, change: Callable[[Words], Words]) -> Content:
    """Return the question with every text changed."""
    changed: Content = _changed(content, change)
    return changed


def _walk(thing: Any) -> Iterator[Words]:
    if isinstance(thing, Words):
        yield thing
    elif isinstance(thing, tuple):
        for each in thing:
            yield from _walk(each)
    elif is_dataclass(thing):
        for field in fields(thing):
            yield from _walk(getattr(thing, field.name))


def _changed(thing: Any, change: Callable[[Words], Words]) -> Any:
    if isinstance(thing, Words):
        return change(thing)
    if isinstance(thing, tuple):
        return tuple(_changed(each, change) for each in thing)
    if is_dataclass(thing) and not isinstance(thing, type):
        return replace(thing, **{field.name: _changed(getattr(thing, field.name), change) for field in fields(thing)})
    return thing


def _walk_named(thing: Any, place: str) -> Iterator[tuple[str, Words]]:
    if isinstance(thing, Words):
        yield place, thing
    elif isinstance(thing, tuple):
        for number, each in enumerate(thing):
            yield from _walk_named(each, f"{place}.{number}")
    elif is_dataclass(thing):
        for field in fields(thing):
            yield from _walk_named(getattr(thing, field.name), f"{place}.{field.name}")
