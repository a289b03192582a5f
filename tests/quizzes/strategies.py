"""Random questions for laws that must hold for every question."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from portal.core.i18n import Words
from portal.quizzes.formats.markdown import Bank, BankQuestion
from portal.quizzes.types.base import ANSWER, LETTERS, Choice, Content, Part
from portal.quizzes.types.case import HEADINGS, PARTS, SHARED_PARTS

SLUGS = st.from_regex(r"[a-z][a-z0-9-]{0,11}", fullmatch=True)
_LINE = st.one_of(
    st.sampled_from(
        [
            "Remove it",
            "通知を送る",
            "**bold** words",
            "a > b",
            "x [y](z)",
            "1. one",
            "# no heading",
            "{braces}",
            "-",
            "[x]",
            "“q”",
            "…",
        ]
    ),
    st.text(
        st.characters(codec="utf-8", exclude_categories=["Cc", "Cf", "Cs", "Zl", "Zp"], exclude_characters="<`~"),
        min_size=1,
        max_size=12,
    ),
).map(str.strip)
# A line that can begin a paragraph anywhere: no mark of the format stands at its beginning.
PLAIN_LINES = _LINE.filter(
    lambda line: line and line[0] not in "#>-*+{`~|\ufeff" and line != "---" and not line[0].isspace()
)
PARAGRAPHS = st.lists(PLAIN_LINES, min_size=1, max_size=3).map("\n".join)
TEXTS = st.lists(PARAGRAPHS, min_size=1, max_size=2).map("\n\n".join)
TITLES = PLAIN_LINES.filter(lambda line: "{" not in line and not line.endswith("#"))


def words(texts: st.SearchStrategy[str]) -> st.SearchStrategy[Words]:
    return st.builds(Words, texts, texts)


@st.composite
def choice_parts(
    draw: Any, part_id: str = ANSWER, *, single: bool = True, shared: bool = False, min_size: int = 2
) -> Part:
    """A part with a key; the texts of its choices differ."""
    texts = draw(st.lists(PLAIN_LINES if shared else PARAGRAPHS, min_size=min_size, max_size=5, unique=True))
    if single:
        right = {draw(st.integers(0, len(texts) - 1))}
    else:
        right = draw(st.sets(st.integers(0, len(texts) - 1), min_size=1))
    japanese_texts = (
        texts if shared else draw(st.lists(PARAGRAPHS, min_size=len(texts), max_size=len(texts), unique=True))
    )
    choices = []
    for place, text in enumerate(texts):
        japanese = japanese_texts[place]
        choices.append(
            Choice(
                LETTERS[place],
                Words(text, japanese),
                place in right,
                draw(st.none() | words(TEXTS)),
            )
        )
    return Part(
        part_id,
        None if part_id == ANSWER else draw(st.sampled_from([HEADINGS[part_id], Words("What now", "どうする")])),
        draw(st.integers(1, 5)),
        tuple(choices),
        draw(st.none() | words(TEXTS)) if part_id != ANSWER else None,
    )


@st.composite
def contents(draw: Any, types: tuple[str, ...] = ("single_choice", "multiple_choice", "true_false", "case")) -> Content:
    """A valid question of any type."""
    name = draw(st.sampled_from(types))
    marking = "all_or_nothing"
    rationale = draw(st.none() | words(TEXTS))
    if name == "true_false":
        right = draw(st.booleans())
        parts: tuple[Part, ...] = (
            Part(
                ANSWER,
                None,
                draw(st.integers(1, 5)),
                (
                    Choice("a", Words("True", "正しい"), right, draw(st.none() | words(TEXTS))),
                    Choice("b", Words("False", "誤り"), not right, draw(st.none() | words(TEXTS))),
                ),
            ),
        )
    elif name == "case":
        further = draw(st.sets(st.sampled_from(SHARED_PARTS)))
        given = [part for part in PARTS if part == "decision" or part in further]
        parts = tuple(draw(choice_parts(part, shared=part in SHARED_PARTS)) for part in given)
        rationale = None
    else:
        parts = (draw(choice_parts(single=name == "single_choice")),)
        if name == "multiple_choice":
            marking = draw(st.sampled_from(["all_or_nothing", "partial"]))
    return Content(
        type=name,
        title=draw(words(TITLES)),
        stem=draw(words(TEXTS)),
        parts=parts,
        clauses=tuple(draw(st.lists(st.builds("{}#{}".format, SLUGS, SLUGS), min_size=1, max_size=3, unique=True))),
        rationale=rationale,
        difficulty=draw(st.none() | st.integers(1, 5)),
        severity=draw(st.none() | st.sampled_from(["S0", "S1", "S2", "S3", "S4"])),
        tags=tuple(draw(st.lists(SLUGS, max_size=3, unique=True))),
        marking=marking,
        shuffle=draw(st.booleans()),
    )


@st.composite
def answered(draw: Any) -> tuple[Content, dict[str, list[str]]]:
    """A question with any answer that its page could give."""
    content = draw(contents())
    answer: dict[str, list[str]] = {}
    for part in content.parts:
        ids = [choice.id for choice in part.choices]
        most = len(ids) if content.type == "multiple_choice" else 1
        chosen = draw(st.lists(st.sampled_from(ids), max_size=most, unique=True))
        if chosen:
            answer[part.id] = sorted(chosen)
    return content, answer


@st.composite
def banks(draw: Any) -> Bank:
    """A valid bank of a few questions."""
    document = draw(st.just("") | SLUGS)
    ids = draw(st.lists(SLUGS, min_size=1, max_size=4, unique=True))
    return Bank(
        title=draw(words(st.one_of(TITLES, st.sampled_from(["- a: b", "yes", "1.0", "'", "null", "# x", "a: b"])))),
        document=document,
        version="1.0" if document else draw(st.sampled_from(["", "2.10"])),
        questions=tuple(
            BankQuestion(
                slug, replace(draw(contents()), document=document), draw(st.sampled_from(["live", "draft", "retired"]))
            )
            for slug in ids
        ),
    )
