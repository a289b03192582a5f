"""Aiken: a question, its choices behind letters, and the letter of the right one.

The format is Moodle's (docs.moodle.org, "Aiken format"). A text of several lines is taken, which Moodle takes not, and
so is a line like “FEEDBACK: …” right below the answer.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from portal.core.i18n import gettext as _
from portal.quizzes.formats.interchange import (
    FULL,
    MAX_CHOICES,
    MAX_QUESTIONS,
    MAX_TEXT,
    MAX_TITLE,
    ForeignChoice,
    ForeignQuestion,
    Kind,
    NotUtf8,
    Reading,
    Refused,
    Writing,
    text_of,
)
from portal.quizzes.formats.losses import write_each

# Full-width letters and brackets are what a Japanese keyboard gives.
_CHOICE = re.compile(r"(?P<letter>[A-ZＡ-Ｚ])[).．）][ \t　]*(?P<text>.*)")
_ANSWER = re.compile(r"ANSWER[ \t]*[:：][ \t]*(?P<letters>.*)", re.IGNORECASE)
# Moodle takes the first letter where there are several.
_FIRST_LETTER = re.compile(r"(?P<letter>[A-Z])(?:[ ,.;、]+(?P<further>.*))?", re.IGNORECASE)
# What some programs write below the answer; Moodle takes it for the beginning of the next question.
_WHY = re.compile(r"(?:FEEDBACK|EXPLANATION|RATIONALE|解説)[ \t]*[:：][ \t]*(?P<text>.*)", re.IGNORECASE)
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
# After so many refusals the file is something else, and a longer list helps nobody.
_MAX_REFUSED = 1_000
# Longer than any text, with a sign in each line.
_MOST_LINES = MAX_TEXT


class Aiken:
    """Questions of a single choice, and nothing said beside them."""

    name = "aiken"
    suffix = ".txt"
    content_type = "text/plain"

    def read(self, data: bytes) -> Reading:
        """Return what a file holds."""
        try:
            text = text_of(data)
        except NotUtf8 as broken:
            return Reading((), (Refused(broken.line, str(broken)),))
        questions: list[ForeignQuestion] = []
        refused: list[Refused] = []
        block: list[tuple[int, str]] = []

        def close() -> None:
            if not block:
                return
            found = _question(block)
            if isinstance(found, Refused):
                refused.append(found)
            else:
                questions.append(found)
            block.clear()

        was_blank = False
        just_closed = False
        for number, line in enumerate(text.split("\n"), start=1):
            stripped = line.strip()
            if not stripped:
                was_blank = True
                continue
            why = _WHY.fullmatch(stripped) if just_closed else None
            just_closed = False
            if why and not block and questions and not was_blank:
                if why["text"].strip():
                    questions[-1] = replace(questions[-1], general_feedback=why["text"].strip()[:MAX_TEXT])
                continue
            begins_anew = not (_CHOICE.fullmatch(stripped) or _ANSWER.fullmatch(stripped))
            if was_blank and begins_anew and any(_CHOICE.fullmatch(each) for _number, each in block[1:]):
                # The one before has no ANSWER; it takes no other down with it.
                close()
            was_blank = False
            # What is longer is refused anyhow, and a file of nothing else would fill the memory.
            if len(block) < _MOST_LINES or _ANSWER.fullmatch(stripped):
                block.append((number, stripped))
            if _ANSWER.fullmatch(stripped):
                taken = len(questions)
                close()
                just_closed = len(questions) > taken
                if len(questions) > MAX_QUESTIONS:
                    last = questions.pop()
                    reason = _("There are more than %(most)s questions.", most=MAX_QUESTIONS)
                    refused.append(Refused(last.line, reason))
                    break
            if len(refused) >= _MAX_REFUSED:
                reason = _("From here on nothing was read: too much was refused. Is it a file of this format?")
                refused.append(Refused(number, reason))
                break
        else:
            close()
        return Reading(tuple(questions), tuple(refused))

    def write(self, questions: Sequence[ForeignQuestion]) -> Writing:
        """Return a file of the questions and what it leaves out."""
        return write_each(questions, render=_rendered, read=self.read, join="\n".join)


def _question(block: Sequence[tuple[int, str]]) -> ForeignQuestion | Refused:
    """Return the question of the lines up to its ANSWER, or why it is none."""
    first = block[0][0]
    stem: list[str] = []
    choices: dict[str, str] = {}
    answer: str | None = None
    for number, line in block:
        choice = _CHOICE.fullmatch(line)
        last = _ANSWER.fullmatch(line)
        if last:
            answer = unicodedata.normalize("NFKC", last["letters"]).strip()
        elif choice and stem:
            letter = unicodedata.normalize("NFKC", choice["letter"])
            if letter in choices:
                return Refused(number, _("The letter %(letter)s appears twice.", letter=letter))
            if not choice["text"].strip():
                return Refused(number, _("Choice %(letter)s has no text.", letter=letter))
            choices[letter] = choice["text"].strip()
        elif choices:
            reason = _("This line is neither a choice like “C) text” nor “ANSWER: C”.")
            return Refused(number, reason)
        else:
            stem.append(line)
    if not stem:
        return Refused(first, _("There is no text before the choices."))
    if answer is None:
        return Refused(first, _("The question has no line like “ANSWER: C”."))
    if len(choices) < 2 or len(choices) > MAX_CHOICES:
        return Refused(first, _("A question needs at least two choices."))
    found = _FIRST_LETTER.fullmatch(answer)
    if found is None or found["letter"].upper() not in choices:
        return Refused(block[-1][0], _("“ANSWER:” names no choice: “%(text)s”.", text=answer[:40]))
    answer, further = found["letter"].upper(), (found["further"] or "").strip()
    text = "\n".join(stem)
    if len(text) > MAX_TEXT:
        return Refused(first, _("The text is longer than %(most)s characters.", most=MAX_TEXT))
    return ForeignQuestion(
        type=Kind.SINGLE_CHOICE,
        title=_title(text),
        stem=text,
        choices=tuple(
            ForeignChoice(words, FULL if letter == answer else Fraction(0)) for letter, words in choices.items()
        ),
        line=first,
        losses=(_("the further letters of its answer: “%(text)s”", text=further[:40]),) if further else (),
    )


def _title(stem: str) -> str:
    return " ".join(stem.split())[:MAX_TITLE].rstrip()


def _rendered(question: ForeignQuestion) -> str | None:
    right = [place for place, each in enumerate(question.choices) if each.fraction == FULL]
    if question.type is not Kind.SINGLE_CHOICE or len(right) != 1 or not 2 <= len(question.choices) <= len(_LETTERS):
        return None
    lines = [" ".join(question.stem.split())]
    lines += [
        f"{letter}) {' '.join(each.text.split())}" for letter, each in zip(_LETTERS, question.choices, strict=False)
    ]
    return "\n".join([*lines, f"ANSWER: {_LETTERS[right[0]]}", ""])


FORMAT = Aiken()
