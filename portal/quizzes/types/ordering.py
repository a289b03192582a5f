"""Things to be put in order."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

from portal.core.i18n import LANGUAGES, Words
from portal.core.i18n import gettext as _
from portal.quizzes.types.base import ANSWER, LETTERS, ORDER, Choice, Content, Fault, Part, QuestionType


class Ordering(QuestionType):
    """Things are put in order; the author writes them in the right one.

    `all_or_nothing`: the points for exactly that order. `partial`: each two that follow one another rightly earn their
    share, so that one thing at a wrong place does not cost all that comes after it.
    """

    name = "ordering"
    kind = ORDER
    markings = ("all_or_nothing", "partial")

    def samples(self) -> Sequence[Content]:
        choices = tuple(
            Choice(letter, Words(f"step {letter}", f"手順 {letter}"), True, Words("why", "理由")) for letter in "abc"
        )
        return [
            Content(
                type=self.name,
                title=Words("title", "題"),
                stem=Words("stem", "設問"),
                parts=(Part(ANSWER, None, 1, choices, kind=ORDER),),
                clauses=("policy#clause",),
            )
        ]

    def mark_part(self, content: Content, part: Part, stored: Sequence[str]) -> Fraction | None:
        if content.marking != "partial" or len(part.choices) < 2:
            return super().mark_part(content, part, stored)
        right = {(one.id, other.id) for one, other in pairwise(part.choices)}
        following = sum(pair in right for pair in pairwise(stored))
        return part.points * Fraction(following, len(right))

    def check(self, content: Content) -> list[Fault]:
        part = content.parts[0]
        if len(part.choices) < 2:
            return [
                Fault(
                    _("At least two things are to be put in order."),
                    _("Write them in the right order: “- [1] first”, “- [2] second”."),
                )
            ]
        if len(part.choices) > len(LETTERS):
            return [
                Fault(
                    _("A question has at most %(most)s choices.", most=len(LETTERS)),
                    _("Take some away, or make two questions."),
                )
            ]
        for language in LANGUAGES:
            texts = [choice.text.in_(language) for choice in part.choices]
            for place, text in enumerate(texts):
                if text in texts[:place]:
                    return [
                        Fault(
                            _("Two choices have the same text: “%(text)s”.", text=text[:60]),
                            _("Change or remove one of them, in both languages."),
                            None,
                            place,
                        )
                    ]
        return []
