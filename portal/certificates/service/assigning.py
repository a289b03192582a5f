"""Who enrols people in time for a renewal: asked upwards, for it is no business of certificates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from portal.accounts.models import Person


@dataclass(frozen=True, slots=True)
class Assigned:
    """Something that enrols holders before their certificates expire, and for how many within reach it will.

    `href` leads to it for those who may see it. `intact`, `open` and `interrupted` count people.
    """

    title: str
    href: str | None
    intact: int
    open: int
    interrupted: int
    is_in_force: bool = True


@dataclass(frozen=True, slots=True)
class Next:
    """What comes by itself for one holder: in words, how it looks, and where she finds it."""

    said: str
    href: str | None = None
    comes: bool = True


class Assigning(Protocol):
    """Knows what enrols people in the plan that renews a credential."""

    def list_for(self, slug: str, *, reader: Person) -> Sequence[Assigned]:
        """Return what enrols the holders of a credential in time."""

    def next_for(self, slug: str, person: Person) -> Next | None:
        """Return what comes by itself for one holder; None: nothing does."""

    def make_href(self, slug: str, *, reader: Person) -> str | None:
        """Return where a press makes one; None where the reader may not, or nothing could be made."""


_assigning: list[Assigning] = []


def register_assigning(answer: Assigning) -> None:
    """Ask this one."""
    _assigning[:] = [answer]


def assigning() -> Assigning | None:
    """Return who is asked, if anybody answers."""
    return _assigning[0] if _assigning else None
