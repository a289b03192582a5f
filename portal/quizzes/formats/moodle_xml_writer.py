"""Moodle XML as Moodle writes it: the order of its elements, its defaults, CDATA where it writes CDATA.

What reader and writer share stands here too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from fractions import Fraction

from portal.quizzes.formats.cloze import decimal, write_gaps
from portal.quizzes.formats.interchange import (
    FULL,
    MAX_TITLE,
    BadData,
    ForeignAnswer,
    ForeignChoice,
    ForeignQuestion,
    Kind,
    Reading,
    TextFormat,
    Writing,
    exact,
)
from portal.quizzes.formats.losses import lost, write_each

FORMATS = {
    "moodle_auto_format": TextFormat.MOODLE,
    "html": TextFormat.HTML,
    "plain_text": TextFormat.PLAIN,
    "markdown": TextFormat.MARKDOWN,
}
_NAMES = {text_format: name for name, text_format in FORMATS.items()}
COMBINED = ("correctfeedback", "partiallycorrectfeedback", "incorrectfeedback")
# What PHP's trim() takes off.
BLANKS = " \t\n\r\0\x0b"
TAG = re.compile(r"<[^\s<>][^<>]*>")
# Where a gap is in a text.
PLACE = re.compile(r"\[\[([0-9]{1,4})\]\]")
# What XML 1.0 cannot hold.
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def write(questions: Sequence[ForeignQuestion], read: Callable[[bytes], Reading]) -> Writing:
    """Return a file of the questions and what it leaves out, found by reading it."""
    return write_each(
        [_settled(question) for question in questions],
        render=lambda question: _rendered(question, read),
        read=read,
        join=_joined,
        context=_category_change,
        at_first=_category_change(ForeignQuestion(Kind.DESCRIPTION, "", "")),
    )


def _settled(question: ForeignQuestion) -> ForeignQuestion:
    """Return a question with "exactly" said as we read it: a tolerance of 0."""

    def exactly(answers: Iterable[ForeignAnswer]) -> tuple[ForeignAnswer, ...]:
        return tuple(
            replace(each, tolerance="0") if each.value is not None and not each.tolerance else each for each in answers
        )

    return replace(
        question,
        answers=exactly(question.answers),
        gaps=tuple(replace(gap, answers=exactly(gap.answers)) for gap in question.gaps),
    )


def _joined(written: Iterable[str]) -> str:
    return '<?xml version="1.0" encoding="UTF-8"?>\n<quiz>\n' + "".join(f"{each}\n" for each in written) + "</quiz>\n"


def _category_change(question: ForeignQuestion) -> str:
    path = "/".join(part for part in ("$course$/top", question.category) if part)
    return "\n".join(
        ['  <question type="category">', "    <category>", _text(path, 6), "    </category>", "  </question>\n\n"]
    )


def _rendered(question: ForeignQuestion, read: Callable[[bytes], Reading]) -> str | None:
    """Return the element of a question; of a gap question the way of writing that loses least."""
    if question.type is not Kind.GAP:
        writer = _WRITERS.get(question.type)
        return None if writer is None else writer(question)
    best: tuple[int, str] | None = None
    for writer in (_write_cloze, _write_guarded_cloze, _write_words_to_choose):
        text = writer(question)
        if text is None:
            continue
        back = read(_joined([_category_change(question) + text]).encode()).questions
        if len(back) != 1 or len(back[0].gaps) != len(question.gaps):
            continue
        losses = len(list(lost(question, back[0])))
        if best is None or losses < best[0]:
            best = (losses, text)
        if not losses:
            break
    return best[1] if best else None


def _element(question: ForeignQuestion, name: str, stem: str, inner: Iterable[str]) -> str:
    """Return the element of a question, its parts in Moodle's order."""
    markup = f'format="{_NAMES[question.text_format]}"'
    title = question.title.strip(BLANKS) or " ".join(TAG.sub(" ", question.stem).split())[:MAX_TITLE]
    penalty = {Kind.TRUE_FALSE: "1.0000000", Kind.FREE_TEXT: "0.0000000", Kind.DESCRIPTION: "0.0000000"}
    points = Fraction(0) if question.type is Kind.DESCRIPTION else question.points
    lines = [
        f'  <question type="{name}">',
        "    <name>",
        _text(title, 6),
        "    </name>",
        f"    <questiontext {markup}>",
        _text(stem, 6),
        "    </questiontext>",
        f"    <generalfeedback {markup}>",
        _text(question.general_feedback, 6),
        "    </generalfeedback>",
        # Of a cloze the gaps say it.
        *([] if name == "cloze" else [f"    <defaultgrade>{_decimals(points, 7)}</defaultgrade>"]),
        f"    <penalty>{penalty.get(question.type, '0.3333333')}</penalty>",
        "    <hidden>0</hidden>",
        f"    <idnumber>{_escaped(question.id)}</idnumber>",
        *inner,
    ]
    if question.tags:
        lines += ["    <tags>", *(f"      <tag>{_text(tag, 0)}</tag>" for tag in question.tags), "    </tags>"]
    return "\n".join([*lines, "  </question>\n"])


def _write_choice(question: ForeignQuestion) -> str:
    return _element(
        question,
        "multichoice",
        question.stem,
        [
            f"    <single>{'true' if question.type is Kind.SINGLE_CHOICE else 'false'}</single>",
            f"    <shuffleanswers>{'true' if question.shuffle else 'false'}</shuffleanswers>",
            "    <answernumbering>abc</answernumbering>",
            "    <showstandardinstruction>0</showstandardinstruction>",
            *_no_combined_feedback(),
            *(_choice(question, each, _decimals(each.fraction, 5)) for each in question.choices),
        ],
    )


def _write_true_false(question: ForeignQuestion) -> str:
    return _element(
        question,
        "truefalse",
        question.stem,
        [
            _answer(question, word, "100" if question.correct is side else "0", feedback)
            for word, side, feedback in (
                ("true", True, question.feedback_true),
                ("false", False, question.feedback_false),
            )
        ],
    )


def _write_short_answer(question: ForeignQuestion) -> str:
    return _element(
        question,
        "shortanswer",
        question.stem,
        [
            f"    <usecase>{int(question.case_sensitive)}</usecase>",
            *(_answer(question, each.text, _decimals(each.fraction, 5), each.feedback) for each in question.answers),
        ],
    )


def _write_numeric(question: ForeignQuestion) -> str:
    answers = [
        _answer(
            question,
            each.value or "",
            _decimals(each.fraction, 5),
            each.feedback,
            [f"      <tolerance>{_escaped(each.tolerance)}</tolerance>"],
        )
        for each in question.answers
    ]
    units = []
    for name, value in question.units:
        many = _inverse(value)
        if many is not None:
            units += [
                "      <unit>",
                f"        <multiplier>{many}</multiplier>",
                f"        <unit_name>{_escaped(name)}</unit_name>",
                "      </unit>",
            ]
    settings = [
        *(["    <units>", *units, "    </units>"] if units else []),
        "    <unitgradingtype>0</unitgradingtype>",
        "    <unitpenalty>0.1000000</unitpenalty>",
        f"    <showunits>{0 if units else 3}</showunits>",
        "    <unitsleft>0</unitsleft>",
    ]
    return _element(question, "numerical", question.stem, [*answers, *settings])


def _inverse(value: str) -> str | None:
    over, _slash, under = value.partition("/")
    try:
        ratio = exact(over) / exact(under or 1)
        return decimal(1 / ratio, 15) if ratio > 0 else None
    except (BadData, ZeroDivisionError):
        return None


def _write_matching(question: ForeignQuestion) -> str:
    markup = f'format="{_NAMES[question.text_format]}"'
    return _element(
        question,
        "matching",
        question.stem,
        [
            f"    <shuffleanswers>{'true' if question.shuffle else 'false'}</shuffleanswers>",
            *_no_combined_feedback(),
            *(
                "\n".join(
                    [
                        f"    <subquestion {markup}>",
                        _text(left, 6),
                        "      <answer>",
                        _text(right, 8),
                        "      </answer>",
                        "    </subquestion>",
                    ]
                )
                for left, right in question.pairs
            ),
        ],
    )


def _write_essay(question: ForeignQuestion) -> str:
    markup = f'format="{_NAMES[question.text_format]}"'
    editor = "editor" if question.text_format is TextFormat.HTML else "plain"
    return _element(
        question,
        "essay",
        question.stem,
        [
            f"    <responseformat>{editor}</responseformat>",
            "    <responserequired>1</responserequired>",
            "    <responsefieldlines>15</responsefieldlines>",
            "    <attachments>0</attachments>",
            "    <attachmentsrequired>0</attachmentsrequired>",
            f"    <graderinfo {markup}>",
            _text(question.marking_notes, 6),
            "    </graderinfo>",
            f"    <responsetemplate {markup}>",
            _text(question.template, 6),
            "    </responsetemplate>",
        ],
    )


def _write_description(question: ForeignQuestion) -> str:
    return _element(question, "description", question.stem, [])


def _write_cloze(question: ForeignQuestion, *, guards: bool = False) -> str | None:
    # An answer to write and one to choose cannot be one gap.
    if not question.gaps or any(bool(gap.choices) == bool(gap.answers) for gap in question.gaps):
        return None
    stem = write_gaps(question.stem, question.gaps, shuffle=question.shuffle, guards=guards)
    return _element(question, "cloze", stem, [])


def _write_guarded_cloze(question: ForeignQuestion) -> str | None:
    return _write_cloze(question, guards=True)


def _write_words_to_choose(question: ForeignQuestion) -> str | None:
    """Return a question whose gaps are chosen from groups of words, or None where one of them is not."""
    groups: dict[tuple[str, ...], int] = {}
    words: list[tuple[str, int]] = []
    numbers: list[int] = []
    for gap in question.gaps:
        texts = tuple(each.text for each in gap.choices)
        right = [place for place, each in enumerate(gap.choices) if each.fraction == FULL]
        is_plain = all(each.fraction in (0, FULL) and not each.feedback for each in gap.choices)
        if len(right) != 1 or not is_plain or gap.answers or gap.several:
            return None
        if texts not in groups:
            groups[texts] = len(words)
            words += [(text, len(groups)) for text in texts]
        numbers.append(groups[texts] + right[0] + 1)

    def numbered(place: re.Match[str]) -> str:
        number = int(place[1])
        return f"[[{numbers[number - 1]}]]" if 1 <= number <= len(numbers) else place[0]

    options = [
        "\n".join(["    <selectoption>", _text(text, 6), f"      <group>{group}</group>", "    </selectoption>"])
        for text, group in words
    ]
    inner = [f"    <shuffleanswers>{int(question.shuffle)}</shuffleanswers>", *_no_combined_feedback(), *options]
    return _element(question, "gapselect", PLACE.sub(numbered, question.stem), inner)


def _write_ordering(question: ForeignQuestion) -> str:
    return _element(
        question,
        "ordering",
        question.stem,
        [
            "    <layouttype>VERTICAL</layouttype>",
            "    <selecttype>ALL</selecttype>",
            f"    <selectcount>{len(question.choices)}</selectcount>",
            "    <gradingtype>ABSOLUTE_POSITION</gradingtype>",
            "    <showgrading>SHOW</showgrading>",
            "    <numberingstyle>none</numberingstyle>",
            *_no_combined_feedback(),
            *(_choice(question, each, f"{place}.0000000") for place, each in enumerate(question.choices, start=1)),
        ],
    )


_WRITERS: dict[Kind, Callable[[ForeignQuestion], str | None]] = {
    Kind.SINGLE_CHOICE: _write_choice,
    Kind.MULTIPLE_CHOICE: _write_choice,
    Kind.TRUE_FALSE: _write_true_false,
    Kind.SHORT_ANSWER: _write_short_answer,
    Kind.NUMERIC: _write_numeric,
    Kind.MATCHING: _write_matching,
    Kind.FREE_TEXT: _write_essay,
    Kind.DESCRIPTION: _write_description,
    Kind.ORDERING: _write_ordering,
}


def _choice(question: ForeignQuestion, choice: ForeignChoice, fraction: str) -> str:
    return _answer(question, choice.text, fraction, choice.feedback, markup=_NAMES[question.text_format])


def _answer(
    question: ForeignQuestion,
    text: str,
    fraction: str,
    feedback: str,
    further: Iterable[str] = (),
    *,
    markup: str = "moodle_auto_format",
) -> str:
    return "\n".join(
        [
            f'    <answer fraction="{fraction}" format="{markup}">',
            _text(text, 6),
            f'      <feedback format="{_NAMES[question.text_format]}">',
            _text(feedback, 8),
            "      </feedback>",
            *further,
            "    </answer>",
        ]
    )


def _no_combined_feedback() -> list[str]:
    return [f'    <{name} format="html">\n      <text></text>\n    </{name}>' for name in COMBINED]


def _decimals(value: Fraction, digits: int) -> str:
    """Return a number with the decimals it has, or rounded as Moodle rounds it."""
    written = decimal(value, 20)
    if Fraction(written) != value:
        return decimal(value, digits)
    whole, _point, rest = written.partition(".")
    return f"{whole}.{rest.ljust(7, '0')}" if digits == 7 else written


def _text(text: str, indent: int) -> str:
    return f"{' ' * indent}<text>{_escaped(text)}</text>"


def _escaped(text: str) -> str:
    """Return a text as XML holds it, in CDATA where Moodle writes CDATA."""
    text = _NOT_IN_XML.sub("", text)
    if "\r" in text:
        # CDATA cannot keep it.
        escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        return escaped.replace("\r", "&#13;")
    if any(sign in text for sign in "&<>\"'"):
        return "<![CDATA[" + text.replace("]]>", "]]]]><![CDATA[>") + "]]>"
    return text
