"""What a format cannot say of a question, found by reading back what was written.

A writer that promises too much is thus found out by every export, and the report holds exactly what differs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Self

from portal.core.i18n import gettext as _
from portal.core.i18n import pgettext
from portal.core.markdown import visible
from portal.quizzes.formats.interchange import (
    ForeignAnswer,
    ForeignChoice,
    ForeignGap,
    ForeignPart,
    ForeignQuestion,
    Kind,
    Loss,
    Reading,
    Writing,
)
from portal.quizzes.formats.worth import number_said, once

# Each field, and what it is called in a report of losses.
_WORDS: dict[str, Callable[[], str]] = {
    "title": lambda: _("its title"),
    "stem": lambda: _("its text as it is written"),
    "text_format": lambda: _("the kind of markup of its text"),
    "answers": lambda: _("its answers as they are written"),
    "pairs": lambda: _("its pairs as they are written"),
    "gaps": lambda: _("its gaps as they are written"),
    "parts": lambda: _("its parts as they are written"),
    "correct": lambda: _("which answer is right"),
    "feedback_true": lambda: _("the feedback for “true”"),
    "feedback_false": lambda: _("the feedback for “false”"),
    "general_feedback": lambda: _("its general feedback"),
    "tags": lambda: _("its tags"),
    "id": lambda: _("its id"),
    "category": lambda: _("its category"),
    "points": lambda: _("its points"),
    "shuffle": lambda: _("whether its choices are shuffled"),
    "case_sensitive": lambda: _("whether upper and lower case differ"),
    "units": lambda: _("its units"),
    "template": lambda: _("the template of the answer"),
    "marking_notes": lambda: _("the notes for its marker"),
    "clauses": lambda: _("the clauses that it cites"),
    "document": lambda: _("the document that its links belong to"),
    "document_version": lambda: _("the version of the document that it was looked at against"),
    "severity": lambda: _("its sensitivity level"),
    "difficulty": lambda: _("its difficulty"),
    "state": lambda: _("its state"),
    "all_or_nothing": lambda: _("that only all right choices together earn points"),
    "marking": lambda: _("how its points are shared out"),
    "length": lambda: _("how long the answer may be"),
    "pair_feedback": lambda: _("the explanations of its pairs"),
}


# What a format gives to a question that has none: nothing is lost by it.
_GIVEN = frozenset({"title", "id"})
# Of these the report says what becomes of them; the others are too long, or simply gone.
_TOLD = frozenset({"title", "id", "category", "points", "tags", "severity", "difficulty", "state", "document"})
# So many changes of one kind are told, and so many characters of a text.
_MOST_CHANGES, _MOST_OF_A_TEXT = 5, 40


class Change(str):
    """A loss that says what becomes of something; `kind` is the same without it, by which losses are counted."""

    kind: str

    def __new__(cls, kind: str, words: str) -> Self:
        made = super().__new__(cls, words)
        made.kind = kind
        return made


def kind_of(loss: str) -> str:
    """Return the words of a loss without what changed into what."""
    return loss.kind if isinstance(loss, Change) else loss


def _changed(kind: str, changes: Sequence[str]) -> str:
    if not changes:
        return kind
    told = pgettext("list", ", ").join(changes[:_MOST_CHANGES]) + ("…" if len(changes) > _MOST_CHANGES else "")
    return Change(kind, _("%(what)s: %(changes)s", what=kind, changes=told))


class CannotHold(Exception):
    """A format cannot hold a question; the words say why."""


def write_each(
    questions: Sequence[ForeignQuestion],
    *,
    render: Callable[[ForeignQuestion], str | None],
    read: Callable[[bytes], Reading],
    join: Callable[[list[str]], str],
    context: Callable[[ForeignQuestion], str] = lambda question: "",
    at_first: str = "",
) -> Writing:
    """Write question by question, leave out what the format cannot hold, and report what differs on reading back.

    `render` returns a question as the format writes it, or None, or raises `CannotHold` with the reason. `context` is
    what stands before it where it changes, such as the line of its category; `at_first` is the one that holds at the
    beginning of a file. Halves of characters that no file can hold become “?”.
    """
    written: list[str] = []
    losses: list[Loss] = []
    before = at_first
    for place, question in enumerate(questions):
        try:
            text = render(question)
        except CannotHold as reason:
            losses.append(Loss(place, str(reason), True))
            continue
        ahead = context(question)
        back = read(join([ahead + text]).encode(errors="replace")).questions if text is not None else ()
        found = losses_of(place, question, back)
        losses += found
        if text is not None and not any(loss.is_refused for loss in found):
            written.append(text if ahead == before else ahead + text)
            before = ahead
    return Writing(join(written).encode(errors="replace"), tuple(losses))


def losses_of(place: int, question: ForeignQuestion, back: Sequence[ForeignQuestion]) -> list[Loss]:
    """Return what a question has lost where it was read back, alone, as `back`; refused where it is another."""
    if len(back) != 1 or (back[0].type is not question.type and not _is_narrowed(question, back[0])):
        return [Loss(place, _("The format has no questions of this kind, or none like this one."), True)]
    return [Loss(place, what) for what in lost(question, back[0])]


def _is_narrowed(question: ForeignQuestion, back: ForeignQuestion) -> bool:
    """Say whether one of several choices became one of a single choice without another worth of any of them."""
    return (
        question.type is Kind.MULTIPLE_CHOICE
        and back.type is Kind.SINGLE_CHOICE
        and [each.fraction for each in question.choices] == [each.fraction for each in back.choices]
    )


def lost(question: ForeignQuestion, back: ForeignQuestion) -> Iterator[str]:
    """Yield in words what a question has lost on its way through a format, and what became of it."""
    for name, words in _WORDS.items():
        before, after = getattr(question, name), getattr(back, name)
        if before == after or (name in _GIVEN and not before):
            continue
        if name in _PLACED:
            yield from _PLACED[name](words(), before, after)
        else:
            is_told = name in _TOLD and after and _shown(before) != _shown(after)
            yield _changed(words(), [_arrow(before, after)] if is_told else [])
    if question.type is not back.type:
        yield _("that more than one of its choices may be taken")
    if question.choices != back.choices:
        yield from _lost_of_choices(question.choices, back.choices)


def _lost_of_choices(before: Sequence[ForeignChoice], after: Sequence[ForeignChoice]) -> Iterator[str]:
    pairs = list(zip(before, after, strict=False)) if len(before) == len(after) else []
    if [each.text for each in before] != [each.text for each in after]:
        texts = [(one.text, other.text) for one, other in pairs]
        yield _changed(_("its choices as they are written"), _of_texts(texts))
    if [each.fraction for each in before] != [each.fraction for each in after]:
        worths = [(one.text, one.fraction, other.fraction) for one, other in pairs]
        yield _changed(_("what its choices are worth"), _of_worths(worths))
    if [replace(each, text="", fraction=each.fraction * 0) for each in before] != [
        replace(each, text="", fraction=each.fraction * 0) for each in after
    ]:
        yield _("the feedback of its choices")


def _lost_of_answers(words: str, before: Sequence[ForeignAnswer], after: Sequence[ForeignAnswer]) -> Iterator[str]:
    if len(before) != len(after):
        kept = once(before)
        if len(kept) != len(after):
            yield words
            return
        for each in before:
            if not any(each is one for one in kept):
                yield Change(
                    _("a second answer that is the same"), _("a second answer “%(text)s”", text=_cut(_answer(each)))
                )
        before = kept
    pairs = list(zip(before, after, strict=True))
    written = [(_answer(one), _answer(other)) for one, other in pairs if _said(one) != _said(other)]
    if written:
        yield _changed(words, _of_texts(written))
    if any(one.fraction != other.fraction for one, other in pairs):
        worths = [(_answer(one), one.fraction, other.fraction) for one, other in pairs]
        yield _changed(_("what its answers are worth"), _of_worths(worths))
    if any(one.feedback != other.feedback for one, other in pairs):
        yield _("the feedback of its answers")


def _said(answer: ForeignAnswer) -> tuple[object, ...]:
    """Return what an answer takes: the same number may be written in several ways."""
    if answer.value is None:
        return (answer.text,)
    return (number_said(answer.value), "" if answer.value.strip() == "*" else number_said(answer.tolerance or "0"))


def _answer(answer: ForeignAnswer) -> str:
    if answer.value is None:
        return answer.text
    return f"{answer.value} ± {answer.tolerance}" if answer.tolerance else answer.value


def _lost_of_gaps(words: str, before: Sequence[ForeignGap], after: Sequence[ForeignGap]) -> Iterator[str]:
    if len(before) != len(after):
        yield words
        return
    for number, (one, other) in enumerate(zip(before, after, strict=True), start=1):
        for what in _lost_of_gap(one, other):
            yield Change(words, _("gap %(number)s: %(what)s", number=number, what=what))


def _lost_of_gap(one: ForeignGap, other: ForeignGap) -> Iterator[str]:
    if one.points != other.points:
        yield _changed(_("its points"), [_arrow(one.points, other.points)])
    yield from _lost_of_choices(one.choices, other.choices)
    yield from _lost_of_answers(_("its answers as they are written"), one.answers, other.answers)
    if (one.is_numeric, one.several) != (other.is_numeric, other.several):
        yield _("what it takes")
    if one.case_sensitive != other.case_sensitive:
        yield _("whether upper and lower case differ")
    if one.units != other.units:
        yield _("its units")
    if one.feedback != other.feedback:
        yield _("its feedback")


def _lost_of_parts(words: str, before: Sequence[ForeignPart], after: Sequence[ForeignPart]) -> Iterator[str]:
    if [each.id for each in before] != [each.id for each in after]:
        yield words
        return
    for one, other in zip(before, after, strict=True):
        name = _cut(one.heading) or one.id
        for what in _lost_of_part(one, other):
            yield Change(words, _("part “%(name)s”: %(what)s", name=name, what=what))


def _lost_of_part(one: ForeignPart, other: ForeignPart) -> Iterator[str]:
    if one.heading != other.heading:
        yield _changed(_("its heading"), _of_texts([(one.heading, other.heading)]))
    if one.points != other.points:
        yield _changed(_("its points"), [_arrow(one.points, other.points)])
    yield from _lost_of_choices(one.choices, other.choices)
    if one.feedback != other.feedback:
        yield _("its feedback")


_PLACED: dict[str, Callable[..., Iterator[str]]] = {
    "answers": _lost_of_answers,
    "gaps": _lost_of_gaps,
    "parts": _lost_of_parts,
}


# --- what becomes of it ------------------------------------------------------------------------


def _arrow(before: object, after: object) -> str:
    return _("%(before)s → %(after)s", before=_shown(before), after=_shown(after))


def _shown(value: object) -> str:
    if isinstance(value, Fraction | int):
        return _number(Fraction(value))
    if isinstance(value, tuple):
        value = pgettext("list", ", ").join(map(str, value))
    return _("“%(text)s”", text=_cut(str(value))) if value else pgettext("value", "none")


def _number(value: Fraction) -> str:
    return f"{float(value):.7g}".replace("-", "−")


def _cut(text: str) -> str:
    line = " ".join(visible(text).encode("utf-8", "replace").decode().split())
    return line if len(line) <= _MOST_OF_A_TEXT else line[: _MOST_OF_A_TEXT - 1] + "…"


def _of_texts(pairs: Sequence[tuple[str, str]]) -> list[str]:
    """Return what became of each text; nothing of those that differ only in blanks, or far behind."""
    return [_arrow(one, other) for one, other in pairs if _cut(one) != _cut(other)]


def _of_worths(worths: Sequence[tuple[str, Fraction, Fraction]]) -> list[str]:
    return [
        _("“%(text)s” %(before)s → %(after)s", text=_cut(text), before=_percent(before), after=_worth(before, after))
        for text, before, after in worths
        if before != after
    ]


def _percent(fraction: Fraction) -> str:
    return f"{_number(fraction)} %"


def _worth(before: Fraction, after: Fraction) -> str:
    return pgettext("choice", "wrong") if before > 0 >= after else _percent(after)
