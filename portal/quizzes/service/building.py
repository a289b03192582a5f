"""What questions and quizzes are built of, for other domains that write some: the types have no door of their own."""

from portal.quizzes.formats.quiz_toml import QuizTerms
from portal.quizzes.types import type_of
from portal.quizzes.types.base import (
    ANSWER,
    ESSAY,
    LETTERS,
    NUMBER,
    TEXT,
    Choice,
    Content,
    Criterion,
    NumberKey,
    Part,
    TextKey,
    read,
)

__all__ = [
    "ANSWER",
    "ESSAY",
    "LETTERS",
    "NUMBER",
    "TEXT",
    "Choice",
    "Content",
    "Criterion",
    "NumberKey",
    "Part",
    "QuizTerms",
    "TextKey",
    "read",
    "type_of",
]
