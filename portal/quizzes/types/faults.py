"""What a type finds wrong with a question."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a question: where (part, and place of the choice or key from 0), what, how to mend it.

    `what` is which text or number there: text, why, share, tolerance, points, left, right, least, most, units, or stem
    for the text above the parts; "" is the first one.
    """

    message: str
    mend: str
    part: str | None = None
    choice: int | None = None
    language: str = ""
    what: str = ""
