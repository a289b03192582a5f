"""Random questions of every type as the formats of others hold them, with texts that trip readers."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

from portal.quizzes.formats.interchange import (
    ForeignAnswer,
    ForeignChoice,
    ForeignGap,
    ForeignPart,
    ForeignQuestion,
    Kind,
    TextFormat,
)

NASTY = [
    "=1+1",
    "'=x",
    "-3",
    "C#",
    "a # b",
    "# b",
    "a|b",
    "a｜b",
    "2+2=4",
    "→",
    "50% off",
    "50%",
    "[choice] x",
    "C:\\temp\\new",
    "\\",
    "a\\|b",
    "a\nb",
    "a\n\nb",
    "±1",
    "3 +- 1",
    ",",
    '"',
    'a "quoted", b',
    "~ = { } : \\n",
    "<b>bold</b> & &amp;",
    "日本語、全角：＝＃｜",
    "　全角の空白",
    "## x {#y}",
    "- [x] y",
    "> z",
    "```",
    "_x0041_",
    "\x00\x0b",
    "\ud800",
    "１２",
    "yes",
]
texts = st.one_of(st.sampled_from(NASTY), st.text(max_size=6))
words = texts.filter(str.strip)
fractions = st.sampled_from(
    [
        *map(Fraction, (0, 100, 50, -100, 1, -1, 3)),
        Fraction(100, 3),
        Fraction(-100, 3),
        Fraction(1, 2),
        Fraction(2, 700),
    ]
)
points = st.sampled_from([Fraction(1), Fraction(2), Fraction(3, 2), Fraction(1, 3), Fraction(0)])
numbers = st.sampled_from(["1822", "-0.5", "*", "3.14", "1,5", "x", ""])
choices = st.builds(ForeignChoice, words, fractions, texts)
written = st.builds(ForeignAnswer, text=texts, fraction=fractions, feedback=texts)
valued = st.builds(
    ForeignAnswer,
    value=numbers,
    tolerance=st.sampled_from(["", "0", "0.5"]),
    fraction=fractions,
    feedback=texts,
)
gaps = st.one_of(
    st.builds(ForeignGap, choices=st.lists(choices, min_size=1, max_size=3).map(tuple), points=points, feedback=texts),
    st.builds(
        ForeignGap, answers=st.lists(written, max_size=3).map(tuple), points=points, case_sensitive=st.booleans()
    ),
    st.builds(
        ForeignGap,
        answers=st.lists(valued, max_size=3).map(tuple),
        points=points,
        is_numeric=st.just(True),
        units=st.lists(st.tuples(texts, st.just("1000")), max_size=1).map(tuple),
    ),
)
lengths = st.sampled_from([(None, None), (10, None), (None, 400), (10, 400), (400, 10), (None, 1_000_000)])
parts = st.builds(
    ForeignPart,
    st.sampled_from(["decision", "clause", "severity", "two words", ""]),
    texts,
    st.lists(choices, max_size=3).map(tuple),
    points,
    texts,
)


@st.composite
def questions(draw: Any) -> ForeignQuestion:
    """A question of any type; the fields of other types say nothing."""
    kind = draw(st.sampled_from(list(Kind)))
    what: dict[str, Any] = {}
    if kind in (Kind.SINGLE_CHOICE, Kind.MULTIPLE_CHOICE, Kind.ORDERING):
        given = draw(st.lists(choices, min_size=1, max_size=4))
        if draw(st.booleans()):
            right = draw(st.sets(st.integers(0, len(given) - 1), min_size=1))
            wrong = draw(st.sampled_from([Fraction(0), Fraction(-100, len(right))]))
            given = [
                ForeignChoice(each.text, Fraction(100, len(right)) if place in right else wrong, each.feedback)
                for place, each in enumerate(given)
            ]
        what = {"choices": tuple(given), "all_or_nothing": draw(st.booleans())}
        further = {Kind.MULTIPLE_CHOICE: "penalty", Kind.ORDERING: "partial"}.get(kind, "")
        what["marking"] = draw(st.sampled_from(["", further]))
    elif kind is Kind.TRUE_FALSE:
        what = {"correct": draw(st.booleans()), "feedback_true": draw(texts), "feedback_false": draw(texts)}
    elif kind is Kind.SHORT_ANSWER:
        what = {"answers": tuple(draw(st.lists(written, max_size=3))), "case_sensitive": draw(st.booleans())}
    elif kind is Kind.NUMERIC:
        what = {
            "answers": tuple(draw(st.lists(valued, max_size=3))),
            "units": tuple(draw(st.lists(st.tuples(texts, st.just("1000")), max_size=2))),
        }
    elif kind is Kind.MATCHING:
        what = {"pairs": tuple(draw(st.lists(st.tuples(texts, texts), max_size=3)))}
        what["pair_feedback"] = draw(st.sampled_from([(), tuple(draw(texts) for _pair in what["pairs"])]))
    elif kind is Kind.GAP:
        what = {"gaps": tuple(draw(st.lists(gaps, max_size=3)))}
    elif kind is Kind.CASE:
        what = {"parts": tuple(draw(st.lists(parts, max_size=3)))}
    elif kind is Kind.FREE_TEXT:
        what = {"template": draw(texts), "marking_notes": draw(texts), "length": draw(lengths)}
    usual = {"title": "A title", "stem": draw(texts)}
    # Of what every type has, a few fields each time: the more there is to draw, the fewer examples there are.
    further: dict[str, Any] = {
        "title": texts,
        "text_format": st.sampled_from(list(TextFormat)),
        "general_feedback": texts,
        "tags": st.lists(texts, max_size=2).map(tuple),
        "id": st.one_of(st.sampled_from(["imp-001", "Q 7"]), texts),
        "category": texts,
        "points": points,
        "shuffle": st.booleans(),
        "clauses": st.lists(st.sampled_from(["a#b", "impersonation#notice", "x"]), max_size=2).map(tuple),
        "document": st.sampled_from(["impersonation", "Not a slug"]),
        "document_version": st.sampled_from(["1.0", "new"]),
        "severity": st.sampled_from(["S1", "high"]),
        "difficulty": st.sampled_from([1, 5]),
        "state": st.sampled_from(["draft", "retired", "new"]),
    }
    chosen = draw(st.sets(st.sampled_from(sorted(further)), max_size=4))
    return ForeignQuestion(type=kind, **(usual | what | {name: draw(further[name]) for name in sorted(chosen)}))
