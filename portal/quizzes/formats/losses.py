"""What a format cannot say of a question, found by reading back what was written.

A writer that promises too much is thus found out by every export, and the report holds exactly what differs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from portal.core.i18n import gettext as _
from portal.quizzes.formats.interchange import (
    ForeignChoice,
    ForeignQuestion,
    Loss,
    Reading,
    Writing,
)

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
}


# What a format gives to a question that has none: nothing is lost by it.
_GIVEN = frozenset({"title", "id"})


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
    if len(back) != 1 or back[0].type is not question.type:
        return [Loss(place, _("The format has no questions of this kind, or none like this one."), True)]
    return [Loss(place, what) for what in lost(question, back[0])]


def lost(question: ForeignQuestion, back: ForeignQuestion) -> Iterator[str]:
    """Yield in words what a question has lost on its way through a format."""
    for name, words in _WORDS.items():
        if name in _GIVEN and not getattr(question, name):
            continue
        if getattr(question, name) != getattr(back, name):
            yield words()
    if question.choices != back.choices:
        yield from _lost_of_choices(question.choices, back.choices)


def _lost_of_choices(before: Sequence[ForeignChoice], after: Sequence[ForeignChoice]) -> Iterator[str]:
    if [each.text for each in before] != [each.text for each in after]:
        yield _("its choices as they are written")
    if [each.fraction for each in before] != [each.fraction for each in after]:
        yield _("what its choices are worth")
    if [replace(each, text="", fraction=each.fraction * 0) for each in before] != [
        replace(each, text="", fraction=each.fraction * 0) for each in after
    ]:
        yield _("the feedback of its choices")
