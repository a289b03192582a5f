"""The types of questions: one small class each, taken up only after its leak test."""

from __future__ import annotations

from portal.quizzes.types.base import register, type_names, type_of
from portal.quizzes.types.case import Case
from portal.quizzes.types.choice import MultipleChoice, SingleChoice, TrueFalse
from portal.quizzes.types.free_text import FreeText
from portal.quizzes.types.gap import Gap
from portal.quizzes.types.matching import Matching
from portal.quizzes.types.numeric import Numeric
from portal.quizzes.types.ordering import Ordering
from portal.quizzes.types.short_answer import ShortAnswer

for _type in (
    SingleChoice(),
    MultipleChoice(),
    TrueFalse(),
    ShortAnswer(),
    Numeric(),
    Matching(),
    Ordering(),
    Gap(),
    FreeText(),
    Case(),
):
    register(_type)

__all__ = ["type_names", "type_of"]
