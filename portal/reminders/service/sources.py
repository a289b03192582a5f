"""What tells reminders of something due: who asks, who answers, and in which words it is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any, Protocol

from portal.accounts.models import Person
from portal.calendars.rules import WorkingCalendar
from portal.core.i18n import LazyText


class Concern(StrEnum):
    """Why something is told to a person."""

    # She does it herself.
    OWN = "own"
    # It waits for her sign-off.
    WAITS = "waits"
    # It is overdue with somebody whom she leads.
    ESCALATED = "escalated"
    # It was written for her; its day is the one since which she can read it.
    NEWS = "news"
    # A certificate of hers, or of somebody whom she leads, has a last day that is near; told once for each `key`.
    EXPIRES = "expires"
    # It is critical and only one person knows it; told when that begins, and again each week; its day is that since
    # which it is so.
    ALONE = "alone"


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that is due, in words of either language: they are written when they are shown.

    `way` is the path by which it is found without a link: the place of the navigation first.
    """

    concern: Concern
    what: LazyText
    due_on: date
    endpoint: str
    values: Mapping[str, Any]
    way: tuple[LazyText, ...]
    # Whose it is, where it is not her own.
    who: LazyText = ""
    # What else is to be known of it: for whom it waits.
    note: LazyText = ""
    minutes: int = 0
    # From when until when it is, of what takes place at its time rather than being due by the end of a day.
    hours: LazyText = ""
    # Of what is escalated, expires or is known to one person: what it is and since when, to tell it from what was told
    # before.
    key: str = ""
    # Of what is escalated: that it is of a handover, which is told before what learners owe.
    is_of_handover: bool = False


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody whose digest is put together, her day, and her working calendar."""

    person: Person
    today: date
    until: date
    calendar: WorkingCalendar = field(repr=False)


class Source(Protocol):
    """Knows something that can be due."""

    def items_for(self, recipients: Sequence[Recipient]) -> Mapping[int, Sequence[Item]]:
        """Return person's row number → what is to be told to her, with statements that hardly grow with the people.

        What is due later than `until` may be left out; it is not told.
        """


_sources: list[Source] = []


def register_source(source: Source) -> None:
    """Ask this source, too; one of a kind."""
    _sources[:] = [each for each in _sources if type(each) is not type(source)] + [source]


def sources() -> Sequence[Source]:
    """Return who is asked, in the order in which they were registered."""
    return tuple(_sources)
