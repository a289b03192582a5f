"""A short answer in writing."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from portal.core.i18n import Words
from portal.quizzes.types.base import ANSWER, TEXT, Content, Fault, Part, QuestionType, TextKey
from portal.quizzes.types.keys import check_keys


class ShortAnswer(QuestionType):
    """A word or a few are written; the best of the answers that it matches counts.

    Width, case, hiragana or katakana and blanks do not count, and the answer may be in either language.
    """

    name = "short_answer"
    kind = TEXT

    def samples(self) -> Sequence[Content]:
        keys = (
            TextKey(Words("notice", "通知"), feedback=Words("well", "よい")),
            TextKey(Words("mess*", "連絡*"), Fraction(1, 2)),
        )
        return [
            Content(
                type=self.name,
                title=Words("title", "題"),
                stem=Words("stem", "設問"),
                parts=(Part(ANSWER, None, 1, kind=TEXT, keys=keys),),
                clauses=("policy#clause",),
            )
        ]

    def check(self, content: Content) -> list[Fault]:
        return check_keys(content.parts[0])
