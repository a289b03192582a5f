"""What stands beside a learner's plan because upper domains know it; they are registered in `wiring.py`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from portal.accounts.models import Person
from portal.training.models import Enrollment


@dataclass(frozen=True, slots=True)
class News:
    """Something that was written for a learner and that she has not opened yet: by whom, when, and where it stands."""

    said: str
    note: str
    href: str


# A page about an enrollment that its reader may open: what it is called, and its address.
Link = tuple[str, str]
# Tells what is new for the learner of these open enrollments; one statement at most, none where there are none.
TellNews = Callable[[Person, Sequence[Enrollment]], Sequence[News]]
# Tells which pages about an enrollment a reader may open; no statement.
TellLinks = Callable[[Person, Enrollment], Sequence[Link]]
# Tells why completing an enrollment will earn, or has earned, nothing of what its plan leads to; empty: it does.
TellHindrance = Callable[[Enrollment], str]


@dataclass(frozen=True, slots=True)
class Interruption:
    """What breaks off where a training ends before it is completed: its code, and in words what that is."""

    code: str
    said: str


# Tells what would break off if an open enrollment ended before it is completed.
TellInterruptions = Callable[[Enrollment], Sequence[Interruption]]
_interruptions: list[TellInterruptions] = []
_news: list[TellNews] = []
_hindrances: list[TellHindrance] = []
_links: list[TellLinks] = []


def register_news(tell: TellNews) -> None:
    """Add what is told to a learner above her day's list."""
    if tell not in _news:
        _news.append(tell)


def register_links(tell: TellLinks) -> None:
    """Add pages that a learner's path leads to."""
    if tell not in _links:
        _links.append(tell)


def register_hindrance(tell: TellHindrance) -> None:
    """Add what is told on a learner's path and before the sign-off that completes it."""
    if tell not in _hindrances:
        _hindrances.append(tell)


def register_interruptions(tell: TellInterruptions) -> None:
    """Add what is told before a training is ended, or its learner goes on in another plan."""
    if tell not in _interruptions:
        _interruptions.append(tell)


def interrupted_with(enrollment: Enrollment) -> list[Interruption]:
    """Return what would break off if a training ended before it is completed."""
    return [each for tell in _interruptions for each in tell(enrollment)]


def hindrance_to(enrollment: Enrollment) -> str:
    """Return why what a plan leads to is not earned by completing it; nothing where it is, or leads to nothing."""
    return next(filter(None, (tell(enrollment) for tell in _hindrances)), "")


def news_for(person: Person, enrollments: Sequence[Enrollment]) -> list[News]:
    """Return what is new for a learner."""
    return [each for tell in _news for each in tell(person, enrollments)] if enrollments else []


def links_for(reader: Person, enrollment: Enrollment) -> list[Link]:
    """Return where the page of a learner's path leads besides."""
    return [each for tell in _links for each in tell(reader, enrollment)]
