"""What happens to what people answer for."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CardTextHeld:
    """A text of a card stands nowhere any more, since it is asked that it be taken out; a note stands there."""

    removal_id: int
    kind: str
    thing_code: str
    # A part of the card, or its questions.
    part: str
    # The versions of the card that said it.
    numbers: Collection[int]
    # What stands there, by language.
    note: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class CardTextSettled:
    """A text that was held is gone for good, with another note; or it stands again, with none."""

    removal_id: int
    # What stood there meanwhile, by language.
    held_note: Mapping[str, str]
    note: Mapping[str, str] | None
