"""What concerns somebody today besides her own steps: upper domains tell it, and are registered in `wiring.py`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from portal.accounts.models import Person


@dataclass(frozen=True, slots=True)
class Cell:
    """One thing in a line: a text that may lead somewhere, a second line below it, a state with its chip.

    What is quoted are somebody's own words, in whatever language.
    """

    text: str = ""
    href: str | None = None
    sub: str = ""
    state: str | None = None
    is_quoted: bool = False


@dataclass(frozen=True, slots=True)
class Concern:
    """A part of Today: a short list under a title, and where all of it stands.

    `nothing` is said when there is no line; where it is empty, the whole part is left out then.
    `note` says what a count in the lines counts. `kinds` are those of a table's columns. What others wait for, or are
    late with, `comes_first`: it stands above one's own steps, what is late above what is not. With `fold` the lines are
    folded under these words: there are so many of them that they would hide everything else.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    nothing: str = ""
    note: str = ""
    kinds: Sequence[str] = ()
    more: tuple[str, str] | None = None
    comes_first: bool = False
    fold: str = ""

    @property
    def is_late(self) -> bool:
        """Whether something in it should have been done before today."""
        return any(cell.state == "overdue" for row in self.rows for cell in row)


class Concerns(Protocol):
    """Somebody who knows what concerns a person because of her roles."""

    def __call__(self, person: Person) -> Sequence[Concern]:
        """Return the parts for this person in their order; none costs a person without roles no statement."""


class Given(Protocol):
    """Somebody who knows what others give a person to do, whatever her roles."""

    def __call__(self, person: Person) -> Sequence[Concern]:
        """Return the parts for this person in their order; it costs one statement where there is nothing."""


_asked: list[Concerns] = []
_giving: list[Given] = []


def register_concerns(concerns: Concerns) -> None:
    """Add what is told below what is told already."""
    if concerns not in _asked:
        _asked.append(concerns)


def register_given(given: Given) -> None:
    """Ask this one, too, what others give somebody to do."""
    if given not in _giving:
        _giving.append(given)


def given_to(person: Person) -> list[Concern]:
    """Return the parts of a person's day that others give her to do."""
    return [concern for given in _giving for concern in given(person) if concern.rows]


def concerns_of(person: Person) -> list[Concern]:
    """Return the parts of a person's day that are not her own steps: those with nothing to do come last."""
    told = [concern for concerns in _asked for concern in concerns(person)]
    return sorted((concern for concern in told if concern.rows or concern.nothing), key=lambda each: not each.rows)
