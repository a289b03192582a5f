"""A bank as a list for work: its questions filtered by what they are, cite and lack."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from portal.core.folding import fold
from portal.quizzes import queries
from portal.quizzes.models import Question, QuestionBank, QuestionState, QuestionVersion
from portal.quizzes.types.base import Content, read

# What can be asked for beside the states themselves: a new wording waits for somebody's approval.
WAITS = "waits"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which questions of a bank are looked for; an empty filter lets everything pass."""

    state: str = ""
    type: str = ""
    tag: str = ""
    clause: str = ""
    behind: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Listed:
    """A question of a bank with the version that counts, or the wording that is in work beside it."""

    question: Question
    version: QuestionVersion
    content: Content


@dataclass(frozen=True, slots=True)
class Offered:
    """What can be chosen in the filters of a bank, and how many questions are in each state."""

    states: dict[QuestionState, int]
    waits: int
    types: Sequence[str]
    tags: Sequence[str]
    clauses: Sequence[str]


def list_wanted(bank: QuestionBank, wanted: Wanted) -> tuple[list[Listed], Offered]:
    """Return the questions of a bank that are looked for, in the author's order, and what can be looked for."""
    found = [Listed(question, version, read(version.content)) for question, version in queries.list_in_work(bank)]
    states: dict[QuestionState, int] = {}
    for each in found:
        states[each.question.state] = states.get(each.question.state, 0) + 1
    offered = Offered(
        states=states,
        waits=sum(each.question.submitted_at is not None for each in found),
        types=sorted({each.content.type for each in found}),
        tags=sorted({tag for each in found for tag in each.content.tags}),
        clauses=sorted({name for each in found for name in each.content.clauses}),
    )
    words = fold(wanted.text).split()
    return [each for each in found if _is_wanted(each, wanted, words)], offered


def _is_wanted(each: Listed, wanted: Wanted, words: Sequence[str]) -> bool:
    content = each.content
    if wanted.state == WAITS:
        is_in_state = each.question.submitted_at is not None
    else:
        is_in_state = not wanted.state or each.question.state == wanted.state
    if not (
        is_in_state
        and (not wanted.type or content.type == wanted.type)
        and (not wanted.tag or wanted.tag in content.tags)
        and (not wanted.clause or wanted.clause in content.clauses)
        and (not wanted.behind or each.version.behind == wanted.behind)
    ):
        return False
    if not words:
        return True
    texts = [each.question.slug, content.title.en, content.title.ja]
    texts += [text for told in content.texts() for text in (told.en, told.ja)]
    said = fold(" ".join(texts))
    return all(word in said for word in words)
