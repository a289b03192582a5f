"""Whether the files of a bank give a question back as it is, and which of its texts keeps them from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from portal.core.i18n import LANGUAGES, Words
from portal.core.i18n import gettext as _
from portal.quizzes.formats import markdown
from portal.quizzes.formats.markdown import MISSING, VERBATIM, Bank, BankQuestion, Problem
from portal.quizzes.types.base import Content
from portal.quizzes.types.case import SHARED_PARTS
from portal.quizzes.types.words import named_words_of, with_words


@dataclass(frozen=True, slots=True)
class Unwritable:
    """A text that a file cannot hold: its place as `named_words_of` names it, its language, and why."""

    place: str
    language: str
    message: str


def problem_with(question: BankQuestion) -> Problem | None:
    """Return why the files would not give a question back, or None where they do.

    Blanks at the ends of lines, and blanks that no reader sees, are no difference. What it says is shown to people who
    have no file before them: signs of the files that stand for something are never in it.
    """
    problem = _problem_in_files(question)
    if problem is None or not any(sign in problem.message for sign in (MISSING, VERBATIM)):
        return problem
    return Problem(problem.line, _read_otherwise(), "")


def _read_otherwise() -> str:
    return _("In Markdown its text would be read as something else.")


def _problem_in_files(question: BankQuestion) -> Problem | None:
    bank = Bank(Words("bank", "bank"), question.content.document, "", (question,))
    texts = {}
    for language in LANGUAGES:
        text, problems = markdown.parse(markdown.render(markdown.split(bank, language)), language)
        if text is None or problems:
            return problems[0]
        texts[language] = text
    back, english, japanese = markdown.merge(texts["en"], texts["ja"])
    if english or japanese:
        return [*english, *japanese][0]
    if [_normal(each.content) for each in back.questions] != [_normal(question.content)]:
        return Problem(0, _read_otherwise(), "")
    return None


def unwritable_in(content: Content) -> list[Unwritable]:
    """Return the texts of a question that keep its files from giving it back; none where it is none of its texts."""
    return list(_culprits(content))


def _normal(content: Content) -> Content:
    return with_words(content, lambda words: Words(*(" ".join(text.split()) for text in (words.en, words.ja))))


def _culprits(content: Content) -> Iterator[Unwritable]:
    named = list(named_words_of(content))
    twin = _twin(content)
    if _problem(twin):
        return
    for number, (place, words) in enumerate(named):
        for language in LANGUAGES:
            text = words.ja if language == "ja" else words.en
            if text and _problem(_put(twin, number, language, text)):
                yield Unwritable(place, language, _said(twin, number, language, text))


def _said(twin: Content, number: int, language: str, text: str) -> str:
    lines = text.split("\n")
    for place, line in enumerate(lines):
        without = "\n".join([*lines[:place], "x", *lines[place + 1 :]])
        if line.strip() and not _problem(_put(twin, number, language, without)):
            return _(
                "The content file would read line %(line)s as something else: “%(text)s”. Put a backslash (\\) before "
                "it, or write it otherwise.",
                line=place + 1,
                text=line.strip()[:60],
            )
    return _("The content file would read this text as something else. Write it otherwise, without signs of Markdown.")


def _problem(content: Content) -> Problem | None:
    return problem_with(BankQuestion("question", content, "draft"))


def _twin(content: Content) -> Content:
    """Return the question with texts that every file holds."""
    numbers = iter(range(1, 10_000))
    plain = with_words(content, lambda words: _plain_words(words, next(numbers)))
    gaps = " ".join(f"[[{part.id}]]" for part in content.parts)
    changed: dict[str, Any] = {"stem": Words(gaps, gaps)} if content.type == "gap" else {}
    if content.type == "true_false":
        changed["parts"] = tuple(
            replace(
                part,
                choices=tuple(
                    replace(choice, text=was.text) for choice, was in zip(part.choices, before.choices, strict=True)
                ),
            )
            for part, before in zip(plain.parts, content.parts, strict=True)
        )
    if content.type == "case":
        # Clauses and levels are no free texts.
        changed["parts"] = tuple(
            replace(
                part,
                choices=tuple(
                    replace(choice, text=was.text) for choice, was in zip(part.choices, before.choices, strict=True)
                ),
            )
            if part.id in SHARED_PARTS
            else part
            for part, before in zip(plain.parts, content.parts, strict=True)
        )
    if content.type == "matching" and plain.parts:
        # Every pair has the same choices.
        changed["parts"] = tuple(
            replace(
                part,
                choices=tuple(
                    replace(choice, text=first.text)
                    for choice, first in zip(part.choices, plain.parts[0].choices, strict=False)
                ),
            )
            for part in plain.parts
        )
    return replace(plain, **changed)


def _plain_words(words: Words, number: int) -> Words:
    text = f"text {number}"
    return Words(text if words.en.strip() else "", text if words.ja.strip() else "")


def _put(twin: Content, number: int, language: str, text: str) -> Content:
    """Return the twin with one of its texts; of a matching, with that choice in every pair."""
    named = list(named_words_of(twin))
    was = named[number][1]
    places = iter(range(len(named)))

    def changed(words: Words) -> Words:
        place = next(places)
        if place != number and not (twin.type == "matching" and words == was and named[place][0].endswith(".text")):
            return words
        return Words(words.en, text) if language == "ja" else Words(text, words.ja)

    return with_words(twin, changed)
