"""What rests on results: domains above tell what they gave because of one, and since when."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from portal.accounts.models import Person
from portal.core.i18n import LazyText, Words


@dataclass(frozen=True, slots=True)
class Rest:
    """Something that was given because of a result: a step of a plan that is done, or a certificate.

    `attempts` and `decisions` are the codes of what it rests on.
    """

    what: LazyText
    title: Words
    on: date
    attempts: frozenset[str] = frozenset()
    decisions: frozenset[str] = frozenset()
    # Its number and what it is worth now, where it has them: the name of a look of `portal/ui/states.py`, and a word.
    number: str = ""
    look: str = ""
    word: LazyText | None = None
    expires_on: date | None = None
    href: str | None = None
    # A certificate stands on the transcript under its own heading.
    is_certificate: bool = False
    # When it was given, where that is known: it rests on what an attempt was worth then, not on a later correction.
    given_at: datetime | None = None


class RestsOnResults(Protocol):
    """An upper domain's word on what was given because of a person's results; registered in `wiring.py`."""

    def __call__(self, person: Person) -> Iterable[Rest]:
        """Return what was given to the person, the newest first."""


_asked: list[RestsOnResults] = []


def register_rests(rests: RestsOnResults) -> None:
    """Ask this domain too; registering twice changes nothing."""
    if rests not in _asked:
        _asked.append(rests)


def list_rests(person: Person) -> list[Rest]:
    """Return everything that was given to the person because of results."""
    return [rest for ask in _asked for rest in ask(person)]
