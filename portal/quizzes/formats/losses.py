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
}


def write_each(
    questions: Sequence[ForeignQuestion],
    *,
    render: Callable[[ForeignQuestion], str | None],
    read: Callable[[bytes], Reading],
    join: Callable[[list[str]], str],
    context: Callable[[ForeignQuestion], str] = lambda question: "",
) -> Writing:
    """Write question by question, leave out what the format cannot hold, and report what differs on reading back.

    `render` returns a question as the format writes it, or None. `context` is what stands before it, such as the line
    of its category; it is written where it differs from that of the question before.
    """
    written: list[str] = []
    losses: list[Loss] = []
    stands = ""
    for place, question in enumerate(questions):
        text, before = render(question), context(question)
        back = read(_bytes(join([before + text]))).questions if text is not None else ()
        if text is None or len(back) != 1 or back[0].type is not question.type:
            losses.append(Loss(place, _("The format has no questions of this kind, or none like this one."), True))
            continue
        written.append(text if before == stands else before + text)
        stands = before
        losses += [Loss(place, what) for what in lost(question, back[0])]
    return Writing(_bytes(join(written)), tuple(losses))


def _bytes(text: str) -> bytes:
    # Half of a pair of surrogates, as JSON can hold it, is no character; it becomes "?" and so a loss.
    return text.encode("utf-8", "replace")


def lost(question: ForeignQuestion, back: ForeignQuestion) -> Iterator[str]:
    """Yield in words what a question has lost on its way through a format."""
    for name, words in _WORDS.items():
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
