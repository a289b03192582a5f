"""Our own bank in Markdown as a format beside the others: its English file, which says everything.

Types of question that the bank does not know are refused by name; those that it knows are asked of `types`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction

from portal.core.content import SLUG
from portal.core.i18n import gettext as _
from portal.core.i18n import pgettext
from portal.core.markdown import HIDDEN
from portal.quizzes.formats import markdown, markup
from portal.quizzes.formats.interchange import (
    FULL,
    MAX_QUESTIONS,
    MAX_TITLE,
    ForeignAnswer,
    ForeignChoice,
    ForeignGap,
    ForeignPart,
    ForeignQuestion,
    Kind,
    NotUtf8,
    Reading,
    Refused,
    TextFormat,
    Writing,
    text_of,
)
from portal.quizzes.formats.losses import CannotHold, write_each
from portal.quizzes.formats.markdown import (
    MARKINGS,
    MAX_POINTS,
    SEVERITIES,
    STATES,
    Attributes,
    BankText,
    ChoiceText,
    PartText,
    Problem,
    QuestionText,
)
from portal.quizzes.formats.markdown_parts import WITHOUT_POINTS, mark_of, number_of, share_of, sides_of, units_of
from portal.quizzes.formats.worth import OtherKey, narrowed, once, with_digit
from portal.quizzes.types import type_names
from portal.quizzes.types.base import ANSWER, CHOICES, MAX_ESSAY, NUMBER, TEXT, Unit
from portal.quizzes.types.case import HEADINGS, PARTS
from portal.quizzes.types.contents import ANY_NUMBER

MAX_BYTES = 1024 * 1024
# The title of a bank whose questions belong to no category.
_UNTITLED = "Questions"
# So many things wrong with one question are said.
_MOST_PROBLEMS = 5
_VERSION = re.compile(r"[0-9]{1,4}\.[0-9]{1,4}", re.ASCII)
_TAG = re.compile(r"[^\s,{}=]{1,40}")
_NO_TAG = re.compile(r"[\s,{}=]+")
_NO_SLUG = re.compile(r"[^a-z0-9]+")
_BREAKS = re.compile(r"[ \t]*[\r\n\f\v\x1c-\x1e\x85\u2028\u2029]+[ \t]*")


class OwnMarkdown:
    """The English file of a bank."""

    name = "markdown"
    suffix = ".md"
    content_type = "text/markdown"

    def read(self, data: bytes) -> Reading:
        """Return what a file holds."""
        if len(data) > MAX_BYTES:
            return Reading((), (Refused(0, _("A bank in Markdown is at most 1 MB large. Split it.")),))
        try:
            found = markdown.parse_each(text_of(data), MAX_QUESTIONS + 1)
        except NotUtf8 as broken:
            return Reading((), (Refused(broken.line, str(broken)),))
        if isinstance(found, list):
            return Reading((), tuple(map(_refused, found)))
        bank, beside, blocks = found
        refused = [_refused(problem) for problem in beside]
        if blocks and not any(block.has_attributes for block in blocks):
            reason = _(
                "No question has a line of attributes. If this is the Japanese file of a bank, read the English one: "
                "it says what is right."
            )
            return Reading((), (*refused, Refused(blocks[0].line, reason)))
        questions: list[ForeignQuestion] = []
        seen: dict[str, int] = {}
        for block in blocks:
            if len(questions) + len(refused) >= MAX_QUESTIONS:
                refused.append(Refused(block.line, _("There are more than %(most)s questions.", most=MAX_QUESTIONS)))
                break
            question = block.question
            if block.problems or question is None:
                refused += [_refused(problem) for problem in block.problems[:_MOST_PROBLEMS]]
            elif question.id in seen:
                reason = _("The id “%(id)s” stands on line %(line)s already.", id=question.id, line=seen[question.id])
                refused.append(Refused(block.line, reason))
            else:
                seen[question.id] = block.line
                questions.append(_foreign(markdown.with_texts(question, markdown.as_said), bank))
        return Reading(tuple(questions), tuple(sorted(refused, key=lambda each: each.line)))

    def write(self, questions: Sequence[ForeignQuestion]) -> Writing:
        """Return a file of the questions and what it leaves out: one bank of one document and version."""
        bank = _bank_of(questions)
        head = markdown.render_head(bank)
        ids = _ids(questions)
        size = len(head.encode())

        def rendered(question: ForeignQuestion) -> str:
            nonlocal size
            own = markdown.with_texts(_own(question, next(ids)), markdown.as_in_file)
            text = markdown.render_question(own, bank.document)
            back = markdown.parse_each(head + _encodable(text), 2)
            blocks = back[2] if isinstance(back, tuple) else []
            if len(blocks) == 1 and blocks[0].problems:
                raise CannotHold(_said(blocks[0].problems[0]))
            if len(blocks) != 1 or blocks[0].question != own:
                raise CannotHold(_("In Markdown its text would be read as something else."))
            size += len(_encodable(text).encode())
            if size > MAX_BYTES:
                raise CannotHold(_("The file would be too large with it. Write it into another one."))
            return text

        return write_each(questions, render=rendered, read=self.read, join=lambda texts: head + "".join(texts))


def _encodable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _said(problem: Problem) -> str:
    return f"{problem.message} {problem.mend}".strip()


def _refused(problem: Problem) -> Refused:
    return Refused(problem.line, _said(problem))


# --- from a bank -------------------------------------------------------------------------------


def _foreign(question: QuestionText, bank: BankText) -> ForeignQuestion:
    attributes = question.attributes
    assert attributes is not None
    kind = Kind(attributes.type)
    found = ForeignQuestion(
        type=kind,
        title=question.title,
        stem=question.stem,
        text_format=TextFormat.MARKDOWN,
        general_feedback=question.rationale or "",
        tags=attributes.tags,
        id=question.id,
        category="" if bank.title == _UNTITLED else bank.title,
        points=Fraction(attributes.points),
        shuffle=attributes.shuffle,
        clauses=attributes.clauses,
        document=bank.document,
        document_version=bank.version,
        severity=attributes.severity or "",
        difficulty=attributes.difficulty,
        state=attributes.state,
        line=question.line,
    )
    lost = [_("which language has not followed the other one")] if attributes.behind else []
    found = replace(found, losses=tuple(lost))
    if kind is Kind.CASE:
        parts = tuple(
            ForeignPart(
                part.id, part.heading, _choices(part, wrong=0), Fraction(part.points or 1), part.rationale or ""
            )
            for part in question.parts
        )
        lost += [_("its picture")] if question.picture else []
        points = sum((part.points for part in parts), Fraction(0))
        return replace(found, parts=parts, points=points, losses=tuple(lost))
    if kind is Kind.GAP:
        gaps = tuple(_gap(part) for part in question.parts)
        return replace(found, gaps=gaps, points=sum((gap.points for gap in gaps), Fraction(0)))
    (answer,) = question.parts
    if kind is Kind.SHORT_ANSWER:
        return replace(found, answers=_answers(answer, TEXT), case_sensitive=attributes.is_exact)
    if kind is Kind.NUMERIC:
        return replace(found, answers=_answers(answer, NUMBER), units=_units(attributes.units))
    if kind is Kind.ORDERING:
        steps = tuple(ForeignChoice(choice.text, feedback=choice.rationale or "") for choice in answer.choices)
        return replace(found, choices=steps, marking="" if attributes.marking == MARKINGS[0] else attributes.marking)
    if kind is Kind.MATCHING:
        sides = [sides_of(choice.text) for choice in answer.choices]
        pairs = tuple(("", left) if right is None else (left, right) for left, right in sides)
        count = sum(right is not None for _left, right in sides)
        told = tuple(choice.rationale or "" for choice in answer.choices)
        return replace(
            found,
            pairs=pairs,
            points=Fraction(attributes.points * count),
            pair_feedback=told if any(told) else (),
        )
    if kind is Kind.FREE_TEXT:
        return replace(
            found,
            marking_notes="\n".join(f"[{choice.mark}] {choice.text}" for choice in answer.choices),
            points=Fraction(sum(int(choice.mark) for choice in answer.choices)),
            length=(attributes.least, attributes.most),
        )
    if kind is Kind.TRUE_FALSE:
        true, false = answer.choices
        return replace(
            found,
            correct=bool(true.right),
            feedback_true=true.rationale or "",
            feedback_false=false.rationale or "",
        )
    is_partial = attributes.marking != "all_or_nothing"
    return replace(
        found,
        marking=attributes.marking if attributes.marking == "penalty" else "",
        choices=_choices(answer, wrong=-1 if is_partial else 0),
        all_or_nothing=kind is Kind.MULTIPLE_CHOICE and not is_partial,
    )


def _units(units: Sequence[Unit]) -> tuple[tuple[str, str], ...]:
    return tuple((unit.symbol, str(unit.factor)) for unit in units)


def _gap(part: PartText) -> ForeignGap:
    points = Fraction(part.points or 1)
    if part.kind == CHOICES:
        return ForeignGap(_choices(part, wrong=0), points=points, feedback=part.rationale or "")
    return ForeignGap(
        units=_units(part.units),
        feedback=part.rationale or "",
        answers=_answers(part, part.kind),
        points=points,
        is_numeric=part.kind == NUMBER,
        case_sensitive=part.is_exact,
    )


def _answers(part: PartText, kind: str) -> tuple[ForeignAnswer, ...]:
    """Return what may be written, with the percentage of the points that it earns."""
    found = []
    for choice in part.choices:
        fraction, feedback = (share_of(choice.mark) or Fraction(0)) * FULL, choice.rationale or ""
        if kind == TEXT:
            found.append(ForeignAnswer(choice.text, fraction=fraction, feedback=feedback))
        else:
            value, tolerance = number_of(choice.text)
            found.append(ForeignAnswer(value=value, tolerance=tolerance, fraction=fraction, feedback=feedback))
    return tuple(found)


def _choices(part: PartText, *, wrong: int) -> tuple[ForeignChoice, ...]:
    """Return the choices of a part; each right one earns its share, and a wrong one that share times `wrong`."""
    share = FULL / max(sum(bool(choice.right) for choice in part.choices), 1)
    return tuple(
        ForeignChoice(choice.text, share if choice.right else share * wrong, choice.rationale or "")
        for choice in part.choices
    )


# --- into a bank -------------------------------------------------------------------------------


def _bank_of(questions: Sequence[ForeignQuestion]) -> BankText:
    """Return what the front matter says: what most of the questions say."""
    titles = Counter(_on_one_line(question.category) for question in questions)
    documents = Counter((question.document, question.document_version) for question in questions)
    title = titles.most_common(1)[0][0] if titles else ""
    document, version = documents.most_common(1)[0][0] if documents else ("", "")
    return BankText(
        "en",
        HIDDEN.sub("", _encodable(title))[:MAX_TITLE].strip() or _UNTITLED,
        version if _VERSION.fullmatch(version) else "",
        (),
        document if SLUG.fullmatch(document) else "",
    )


def _ids(questions: Sequence[ForeignQuestion]) -> Iterator[str]:
    """Yield an id for each question: its own where it can be one and is free."""
    kept = {question.id for question in questions if SLUG.fullmatch(question.id)}
    used: set[str] = set()
    for number, question in enumerate(questions, start=1):
        near = _NO_SLUG.sub("-", question.id.lower()).strip("-")
        found = question.id if question.id in kept else near if near not in kept else ""
        if not SLUG.fullmatch(found) or found in used:
            found = next(each for each in _numbered(number) if each not in kept and each not in used)
        used.add(found)
        yield found


def _numbered(number: int) -> Iterator[str]:
    yield f"q-{number:03}"
    further = 1
    while True:
        further += 1
        yield f"q-{number:03}-{further}"


def _own(question: ForeignQuestion, own_id: str) -> QuestionText:
    """Return a question as the bank says it; raises `CannotHold`."""
    try:
        question = narrowed(question)
    except OtherKey as other:
        raise CannotHold(str(other)) from None
    kind = question.type
    if kind.value not in type_names():
        raise CannotHold(_("A bank in Markdown has no questions of the type “%(type)s”.", type=kind.value))
    in_markdown = _IN_MARKDOWN[question.text_format]
    is_case = kind is Kind.CASE
    count = sum(bool(left) for left, _right in question.pairs) if kind is Kind.MATCHING else 1
    points = 1 if kind.value in WITHOUT_POINTS else _whole(question.points / max(count, 1))
    if is_case:
        if any(part.id not in PARTS for part in question.parts):
            raise CannotHold(_("Parts are decision, clause and severity."))
        parts = tuple(
            PartText(
                part.id,
                _one_line(part.heading) or HEADINGS[part.id].en,
                _whole(part.points),
                _own_choices(part.choices, in_markdown, is_several=False),
                _block_text(part.feedback, in_markdown) or None,
            )
            for part in question.parts
        )
    elif kind is Kind.GAP:
        parts = tuple(_own_gap(number, gap, in_markdown) for number, gap in enumerate(question.gaps, start=1))
    elif kind in _OWN_LISTS:
        parts = (PartText(ANSWER, "", points, _OWN_LISTS[kind](question, in_markdown)),)
    elif kind is Kind.TRUE_FALSE:
        choices = tuple(
            ChoiceText(text, right is question.correct, _block_text(feedback, in_markdown) or None)
            for text, right, feedback in (
                ("True", True, question.feedback_true),
                ("False", False, question.feedback_false),
            )
        )
        parts = (PartText(ANSWER, "", points, choices),)
    else:
        several = kind is Kind.MULTIPLE_CHOICE
        parts = (PartText(ANSWER, "", points, _own_choices(question.choices, in_markdown, is_several=several)),)
    tags = (tag if _TAG.fullmatch(tag) else _NO_TAG.sub("-", tag).strip("-")[:40] for tag in question.tags)
    return QuestionText(
        own_id,
        _one_line(question.title) or _one_line(question.stem)[:MAX_TITLE].rstrip(),
        _block_text(question.stem, in_markdown),
        parts,
        _block_text(question.general_feedback, in_markdown) or None,
        Attributes(
            type=kind.value,
            clauses=tuple(dict.fromkeys(filter(_is_clause, question.clauses))),
            difficulty=question.difficulty,
            severity=question.severity if question.severity in SEVERITIES else None,
            tags=tuple(dict.fromkeys(filter(None, map(_encodable, tags)))),
            points=points,
            marking=_own_marking(question),
            shuffle=question.shuffle,
            state=question.state if question.state in STATES else STATES[0],
            is_exact=question.case_sensitive and kind is Kind.SHORT_ANSWER,
            units=_own_units(question.units) if kind is Kind.NUMERIC else (),
            least=_own_length(question, 0),
            most=_own_length(question, 1),
        ),
    )


def _own_marking(question: ForeignQuestion) -> str:
    if question.type is Kind.MULTIPLE_CHOICE and not question.all_or_nothing:
        return question.marking or "partial"
    return question.marking if question.type is Kind.ORDERING and question.marking else MARKINGS[0]


def _own_length(question: ForeignQuestion, place: int) -> int | None:
    given = question.length[place] if question.type is Kind.FREE_TEXT else None
    return min(given, MAX_ESSAY) if given else None


def _own_units(units: Sequence[tuple[str, str]]) -> tuple[Unit, ...]:
    # What cannot be a unit is left out, and reported because it does not come back.
    found = [units_of(f"{symbol}={factor}") for symbol, factor in units]
    return tuple(unit for each in found for unit in each or ())


def _own_gap(number: int, gap: ForeignGap, in_markdown: Callable[[str], str]) -> PartText:
    if gap.several:
        raise CannotHold(_("Gap %(number)s: several choices can be taken for it; here a gap takes one.", number=number))
    if len(gap.choices) == 1:
        raise CannotHold(_("Gap %(number)s: it offers one choice alone.", number=number))
    told = _block_text(gap.feedback, in_markdown) or None
    if gap.choices:
        choices = _own_choices(gap.choices, in_markdown, is_several=False)
        return PartText(str(number), "", _whole(gap.points), choices, told)
    choices = _own_answers(gap.answers, in_markdown, is_exact=gap.case_sensitive)
    kind = NUMBER if gap.is_numeric else TEXT
    return PartText(
        str(number),
        "",
        _whole(gap.points),
        choices,
        told,
        kind=kind,
        is_exact=gap.case_sensitive and not gap.is_numeric,
        units=_own_units(gap.units) if gap.is_numeric else (),
    )


def _own_answers(
    answers: Sequence[ForeignAnswer], in_markdown: Callable[[str], str], *, is_exact: bool = False
) -> tuple[ChoiceText, ...]:
    return tuple(
        ChoiceText(
            _one_line(answer.text) if answer.value is None else _own_number(answer.value, answer.tolerance),
            None,
            _block_text(answer.feedback, in_markdown) or None,
            mark_of(min(max(answer.fraction / FULL, Fraction(0)), Fraction(1)).limit_denominator(10**6)),
        )
        for answer in once(answers, is_exact=is_exact)
    )


def _own_number(value: str, tolerance: str) -> str:
    # How far a number may be from any number says nothing.
    tolerance = "" if value.strip() == ANY_NUMBER else with_digit(tolerance)
    return f"{with_digit(value)} ± {tolerance}" if tolerance else with_digit(value)


def _own_order(question: ForeignQuestion, in_markdown: Callable[[str], str]) -> tuple[ChoiceText, ...]:
    return tuple(
        ChoiceText(
            _choice_text(each.text, in_markdown), None, _block_text(each.feedback, in_markdown) or None, str(place)
        )
        for place, each in enumerate(question.choices, start=1)
    )


def _own_pairs(question: ForeignQuestion, in_markdown: Callable[[str], str]) -> tuple[ChoiceText, ...]:
    pairs, extras = [], []
    for place, (left, right) in enumerate(question.pairs):
        told = question.pair_feedback[place] if place < len(question.pair_feedback) else ""
        side = _choice_text(right, in_markdown)
        if left:
            why = _block_text(told, in_markdown) or None
            pairs.append(ChoiceText(f"{_choice_text(left, in_markdown)}\n= {side}", True, why))
        else:
            extras.append(ChoiceText(side, False))
    return (*pairs, *extras)


_CRITERION = re.compile(r"\[(?P<mark>[1-9][0-9]{0,2})\] (?P<text>.*)")


def _own_criteria(question: ForeignQuestion, in_markdown: Callable[[str], str]) -> tuple[ChoiceText, ...]:
    """Return the criteria that notes for the marker list as `[2] text`, or one that says them all."""
    found: list[tuple[str, list[str]]] = []
    for line in question.marking_notes.replace("\r\n", "\n").split("\n"):
        begins = _CRITERION.fullmatch(line)
        if begins:
            found.append((begins["mark"], [begins["text"]]))
        elif found:
            found[-1][1].append(line)
        else:
            whole = _choice_text(question.marking_notes, in_markdown) or "The answer as a whole."
            return (ChoiceText(whole, None, None, str(_whole(question.points))),)
    # Notes that list criteria were written by us: their texts are Markdown already.
    return tuple(ChoiceText(_choice_text("\n".join(lines), str), None, None, mark) for mark, lines in found)


_OWN_LISTS: dict[Kind, Callable[[ForeignQuestion, Callable[[str], str]], tuple[ChoiceText, ...]]] = {
    Kind.SHORT_ANSWER: lambda question, in_markdown: _own_answers(
        question.answers, in_markdown, is_exact=question.case_sensitive
    ),
    Kind.NUMERIC: lambda question, in_markdown: _own_answers(question.answers, in_markdown),
    Kind.ORDERING: _own_order,
    Kind.MATCHING: _own_pairs,
    Kind.FREE_TEXT: _own_criteria,
}


def _own_choices(
    choices: Sequence[ForeignChoice], in_markdown: Callable[[str], str], *, is_several: bool
) -> tuple[ChoiceText, ...]:
    return tuple(
        ChoiceText(
            _choice_text(choice.text, in_markdown),
            choice.fraction > 0 if is_several else choice.fraction == FULL,
            _block_text(choice.feedback, in_markdown) or None,
        )
        for choice in choices
    )


def _is_clause(name: str) -> bool:
    slug, sign, anchor = name.partition("#")
    return bool(sign and SLUG.fullmatch(slug) and SLUG.fullmatch(anchor))


def _whole(points: Fraction) -> int:
    return min(max(round(points), 1), MAX_POINTS)


def _one_line(text: str) -> str:
    return _encodable(_on_one_line(text))


def _on_one_line(text: str) -> str:
    # Other blanks are kept: a no-break space is there on purpose.
    return _BREAKS.sub(" ", text).strip()


def _block_text(text: str, in_markdown: Callable[[str], str]) -> str:
    """Return a text without the blanks that the file does not keep."""
    lines = in_markdown(_encodable(text).replace("\r\n", "\n").replace("\r", "\n")).split("\n")
    return "\n".join(line.rstrip() for line in lines).strip("\n")


def _choice_text(text: str, in_markdown: Callable[[str], str]) -> str:
    """Return the text of a choice, whose further lines are indented by the file itself."""
    first, *rest = _block_text(text.strip(), in_markdown).split("\n")
    return markdown.dedented([first.strip(), *(line.expandtabs(4) for line in rest)])


# --- texts of other kinds ----------------------------------------------------------------------


def _from_markup(text: str, text_format: TextFormat) -> str:
    """Return a text of Moodle's kind or HTML as Markdown; raises `CannotHold` where that would lose something."""
    taken = markup.as_markdown(text, text_format)
    if taken.losses:
        what = pgettext("list", ", ").join(taken.losses)
        raise CannotHold(_("Its text holds what a bank does not take: %(what)s.", what=what))
    return taken.text


_IN_MARKDOWN: dict[TextFormat, Callable[[str], str]] = {
    TextFormat.MARKDOWN: lambda text: text,
    TextFormat.PLAIN: markup.from_plain,
    TextFormat.HTML: lambda text: _from_markup(text, TextFormat.HTML),
    TextFormat.MOODLE: lambda text: (
        _from_markup(text, TextFormat.MOODLE) if "<" in text or "&" in text else markup.from_plain(text)
    ),
}

FORMAT = OwnMarkdown()
