"""A number in writing, with a tolerance and units."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from portal.core.i18n import Words
from portal.quizzes.types.base import ANSWER, NUMBER, Content, Fault, NumberKey, Part, QuestionType, Unit
from portal.quizzes.types.keys import check_keys


class Numeric(QuestionType):
    """A number is written, in one of the units; the best of the answers that it fits counts."""

    name = "numeric"
    kind = NUMBER

    def samples(self) -> Sequence[Content]:
        keys = (
            NumberKey("90", feedback=Words("well", "よい")),
            NumberKey("90", "15", Fraction(1, 2)),
        )
        units = (Unit("min"), Unit("h", Fraction(60)))
        return [
            Content(
                type=self.name,
                title=Words("title", "題"),
                stem=Words("stem", "設問"),
                parts=(Part(ANSWER, None, 1, kind=NUMBER, keys=keys, units=units),),
                clauses=("policy#clause",),
            )
        ]

    def check(self, content: Content) -> list[Fault]:
        return check_keys(content.parts[0])
