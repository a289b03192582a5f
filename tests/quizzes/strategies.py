"""Random questions for laws that must hold for every question."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

from portal.core.i18n import Words
from portal.core.texts import forbidden
from portal.quizzes.formats.markdown import Bank, BankQuestion
from portal.quizzes.types import comparing, type_names, type_of
from portal.quizzes.types.base import (
    ANSWER,
    ESSAY,
    LETTERS,
    NUMBER,
    ORDER,
    TEXT,
    Choice,
    Content,
    Criterion,
    NumberKey,
    Part,
    Picture,
    TextKey,
    Unit,
)
from portal.quizzes.types.case import HEADINGS, LEVELS, PARTS, SHARED_PARTS
from portal.quizzes.types.matching import parts_of

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
        st.characters(codec="utf-8", exclude_categories=["Cc", "Cf", "Cs", "Cn", "Zl", "Zp"], exclude_characters="<`~"),
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


CLAUSE_LINKS = st.builds("[[{}#{}]]".format, SLUGS, SLUGS)


def words(texts: st.SearchStrategy[str]) -> st.SearchStrategy[Words]:
    return st.builds(Words, texts, texts)


@st.composite
def choice_parts(
    draw: Any, part_id: str = ANSWER, *, single: bool = True, shared: bool = False, min_size: int = 2
) -> Part:
    """A part with a key; the texts of its choices differ."""
    given = (st.sampled_from(LEVELS) if part_id == "severity" else CLAUSE_LINKS) if shared else PARAGRAPHS
    texts = draw(st.lists(given, min_size=min_size, max_size=5, unique=True))
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
        draw(st.sampled_from([HEADINGS[part_id], Words("What now", "どうする")])) if part_id in HEADINGS else None,
        draw(st.integers(1, 5)),
        tuple(choices),
        draw(st.none() | words(TEXTS)) if part_id != ANSWER else None,
    )


# What somebody types into one line, as it is stored: composed, nothing in it that nobody sees.
LINES_TYPED = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"]), max_size=12
).map(lambda text: unicodedata.normalize("NFC", text))
SHARES = st.sampled_from([Fraction(1), Fraction(0), Fraction(1, 2), Fraction(1, 3), Fraction(7, 8), Fraction(99, 100)])
# Something that no star takes: each key is told from the others by its number.
_KEY_TEXTS = st.sampled_from(
    ["notice", "通知", "Ｌａｂｅｌ", "ﾗﾍﾞﾙ", "star \\*", "back\\\\slash", "see it", "見る", "Éclair"]
)
DECIMALS = st.from_regex(r"-?[0-9]{1,6}(\.[0-9]{1,4})?", fullmatch=True)
UNITS = st.lists(st.sampled_from(["min", "分", "h", "%", "件"]), unique=True, max_size=3).map(
    lambda symbols: tuple(
        Unit(symbol, factor)
        for symbol, factor in zip(symbols, [Fraction(1), Fraction(60), Fraction(1, 3)], strict=False)
    )
)


@st.composite
def text_parts(draw: Any, part_id: str = ANSWER) -> Part:
    """A part in which words are written; one key earns all."""
    shares = [Fraction(1), *draw(st.lists(SHARES, max_size=3))]
    keys = []
    for number, share in enumerate(draw(st.permutations(shares))):
        texts = [
            f"{draw(_KEY_TEXTS)} {number}" + draw(st.sampled_from(["", "*", "* end", "・"])) for _language in range(2)
        ]
        keys.append(TextKey(Words(*texts), share, draw(st.none() | words(TEXTS))))
    return Part(
        part_id,
        None,
        draw(st.integers(1, 5)),
        rationale=draw(st.none() | words(TEXTS)) if part_id != ANSWER else None,
        kind=TEXT,
        keys=tuple(keys),
        is_exact=draw(st.booleans()),
    )


@st.composite
def number_parts(draw: Any, part_id: str = ANSWER) -> Part:
    """A part in which a number is written; one key earns all."""
    values = draw(st.lists(DECIMALS, min_size=1, max_size=3, unique=True))
    shares = [Fraction(1), *draw(st.lists(SHARES, min_size=len(values) - 1, max_size=len(values) - 1))]
    tolerances = st.sampled_from(["", "0", "0.5", "12"])
    keys = [
        NumberKey(value, draw(tolerances), share, draw(st.none() | words(TEXTS)))
        for value, share in zip(values, shares, strict=True)
    ]
    if draw(st.booleans()):
        keys.append(NumberKey("*", "", Fraction(0), draw(words(TEXTS))))
    return Part(
        part_id,
        None,
        draw(st.integers(1, 5)),
        rationale=draw(st.none() | words(TEXTS)) if part_id != ANSWER else None,
        kind=NUMBER,
        keys=tuple(draw(st.permutations(keys))),
        units=draw(UNITS),
    )


@st.composite
def order_parts(draw: Any) -> Part:
    """A part in which things are put in order."""
    texts = draw(st.lists(PARAGRAPHS, min_size=2, max_size=5, unique=True))
    japanese = draw(st.lists(PARAGRAPHS, min_size=len(texts), max_size=len(texts), unique=True))
    return Part(
        ANSWER,
        None,
        draw(st.integers(1, 5)),
        tuple(
            Choice(letter, Words(text, other), True, draw(st.none() | words(TEXTS)))
            for letter, text, other in zip(LETTERS, texts, japanese, strict=False)
        ),
        kind=ORDER,
    )


@st.composite
def essay_parts(draw: Any) -> Part:
    """A part that a person marks."""
    texts = draw(st.lists(words(PARAGRAPHS), min_size=1, max_size=4))
    criteria = tuple(
        Criterion(letter, text, draw(st.integers(1, 5))) for letter, text in zip(LETTERS, texts, strict=False)
    )
    least, most = draw(st.sampled_from([(None, None), (10, None), (None, 400), (10, 400), (5, 5)]))
    points = sum(each.points for each in criteria)
    return Part(ANSWER, None, points, kind=ESSAY, criteria=criteria, least=least, most=most)


@st.composite
def matching_parts(draw: Any) -> tuple[Part, ...]:
    """Pairs, some with the same right side, and choices that fit nothing."""
    no_sign = PARAGRAPHS.filter(lambda text: not any(line.startswith("= ") for line in text.split("\n")))
    lefts = draw(st.lists(no_sign, min_size=2, max_size=4, unique=True))
    lefts_ja = draw(st.lists(no_sign, min_size=len(lefts), max_size=len(lefts), unique=True))
    rights = draw(st.lists(no_sign, min_size=2, max_size=4, unique=True))
    rights_ja = draw(st.lists(no_sign, min_size=len(rights), max_size=len(rights), unique=True))
    offered = [Words(text, other) for text, other in zip(rights, rights_ja, strict=True)]
    pairs = [
        (Words(left, other), draw(st.sampled_from(offered)), draw(st.none() | words(TEXTS)))
        for left, other in zip(lefts, lefts_ja, strict=True)
    ]
    used = {right for _left, right, _why in pairs}
    return parts_of(pairs, [each for each in offered if each not in used], points=draw(st.integers(1, 3)))


@st.composite
def gap_stem_and_parts(draw: Any) -> tuple[Words, tuple[Part, ...]]:
    """A text with gaps of every kind, each once in both languages."""
    count = draw(st.integers(1, 3))
    parts = tuple(
        draw(st.one_of(gap_choice_parts(str(number)), text_parts(str(number)), number_parts(str(number))))
        for number in range(1, count + 1)
    )
    stems = []
    for _language in range(2):
        ids = draw(st.permutations([part.id for part in parts]))
        stems.append("; ".join(f"{draw(st.sampled_from(['one', '二', '**three**']))} [[{part_id}]]" for part_id in ids))
    return Words(*stems), parts


def gap_choice_parts(part_id: str) -> st.SearchStrategy[Part]:
    return choice_parts(part_id)


_OTHERS = {"short_answer": text_parts, "numeric": number_parts, "ordering": order_parts, "free_text": essay_parts}


def pictures() -> st.SearchStrategy[Picture]:
    """A picture with something that is said of it, whatever signs that has."""
    hashes = st.text("0123456789abcdef", min_size=64, max_size=64)
    alts = st.builds(
        lambda text, further: f"{text}{further}", PLAIN_LINES, st.sampled_from(["", "\\", "]", "](x)", "![y]"])
    )
    return st.builds(Picture, hashes, words(alts), st.sampled_from(["S0", "S1", "S2", "S3", "S4"]))


@st.composite
def contents(draw: Any, types: tuple[str, ...] = ()) -> Content:
    """A valid question of any type, or of one of those."""
    types = types or type_names()
    name = draw(st.sampled_from(types))
    marking, stem, picture = "all_or_nothing", None, None
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
        picture = draw(st.none() | pictures())
        further = draw(st.sets(st.sampled_from(SHARED_PARTS)))
        given = [part for part in PARTS if part == "decision" or part in further]
        parts = tuple(draw(choice_parts(part, shared=part in SHARED_PARTS)) for part in given)
    elif name == "matching":
        parts = draw(matching_parts())
    elif name == "gap":
        stem, parts = draw(gap_stem_and_parts())
    elif name in _OTHERS:
        parts = (draw(_OTHERS[name]()),)
        marking = draw(st.sampled_from(type_of(name).markings))
    else:
        parts = (draw(choice_parts(single=name == "single_choice")),)
        if name == "multiple_choice":
            marking = draw(st.sampled_from(["all_or_nothing", "partial", "penalty"]))
    return Content(
        type=name,
        title=draw(words(TITLES)),
        stem=stem or draw(words(TEXTS)),
        parts=parts,
        clauses=tuple(draw(st.lists(st.builds("{}#{}".format, SLUGS, SLUGS), min_size=1, max_size=3, unique=True))),
        rationale=rationale,
        difficulty=draw(st.none() | st.integers(1, 5)),
        severity=draw(st.none() | st.sampled_from(["S0", "S1", "S2", "S3", "S4"])),
        tags=tuple(draw(st.lists(SLUGS, max_size=3, unique=True))),
        marking=marking,
        shuffle=draw(st.booleans()),
        picture=picture,
    )


@st.composite
def answered(draw: Any) -> tuple[Content, dict[str, list[str]]]:
    """A question with any answer that its page could give."""
    content = draw(contents())
    answer: dict[str, list[str]] = {}
    for part in content.parts:
        given = draw(answers_to(content, part))
        if given:
            answer[part.id] = given
    return content, answer


@st.composite
def answers_to(draw: Any, content: Content, part: Part) -> list[str]:
    """What could be stored for a part."""
    ids = [choice.id for choice in part.choices]
    if part.kind == ORDER:
        order = [each if draw(st.booleans()) else "" for each in draw(st.permutations(ids))]
        return draw(st.sampled_from([order if any(order) else [], ids]))
    if part.kind == TEXT:
        given = [text for key in part.text_keys for text in (key.text.en, key.text.ja)]
        text = draw(st.sampled_from([comparing.example(text) for text in given]) | LINES_TYPED | st.just(""))
    elif part.kind == NUMBER:
        text = draw(st.sampled_from([key.value for key in part.number_keys]) | DECIMALS | LINES_TYPED | st.just(""))
        text = draw(st.sampled_from(["{}", "{} " + (part.units[-1].symbol if part.units else ""), "−{}"])).format(text)
    elif part.kind == ESSAY:
        # As it is stored: without the characters that no text may hold.
        text = draw(st.just("") | PARAGRAPHS.filter(lambda each: not forbidden(each, "\n")))
    else:
        most = len(ids) if content.type == "multiple_choice" else 1
        return sorted(draw(st.lists(st.sampled_from(ids), max_size=most, unique=True)))
    return [text] if text.strip() else []


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
