"""The types of questions: one small class each, taken up only after its leak test."""

from __future__ import annotations

from portal.quizzes.types.base import register, type_names, type_of
from portal.quizzes.types.case import Case
from portal.quizzes.types.choice import MultipleChoice, SingleChoice, TrueFalse

for _type in (SingleChoice(), MultipleChoice(), TrueFalse(), Case()):
    register(_type)

__all__ = ["type_names", "type_of"]
