"""What a card asks for, what of it is missing, what is too long, and when it has to be checked again."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from portal.duties.rules import CARD_HOLDS_DAYS, PART_LIMIT, CardPart
from portal.duties.rules.secrets import SecretKind, find_secrets, masked

LANGUAGES = ("en", "ja")
# The six headings of a Japanese handover paper (引継書): 目的・頻度・手順・関係者・注意点・未完了事項.
SIX = (
    CardPart.PURPOSE,
    CardPart.RHYTHM,
    CardPart.STEPS,
    CardPart.CONTACTS,
    CardPart.EXCEPTIONS,
    CardPart.OPEN_ITEMS,
)
_JAPANESE = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uff66-\uff9f]")
MOST_QUESTIONS = 10
MOST_WRONG = 3
STEM_LIMIT = 500
CHOICE_LIMIT = 300
# {part: {language: text}}, without what is empty.
Parts = dict[str, dict[str, str]]


@dataclass(frozen=True, slots=True)
class QuestionText:
    """What a question says in one language: what is asked, what is right, and one to three that are not."""

    stem: str
    right: str
    wrong: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """What a successor should be able to answer: what is asked, what is right, and one to three that are not.

    `about` is the part of the card that says it, where one is named; `other` says the same in the other language, with
    its wrong answers in the same order.
    """

    stem: str
    right: str
    wrong: tuple[str, ...]
    about: CardPart | None = None
    # "" where it was not said in which language it was written.
    lang: str = ""
    other: QuestionText | None = None
    # A note stands where it stood: nobody is asked it.
    is_out: bool = False

    @property
    def language(self) -> str:
        """The language of what was written first."""
        return self.lang or language_of(self.stem + self.right)

    @property
    def texts(self) -> dict[str, QuestionText]:
        """What it says, by language."""
        found = {self.language: QuestionText(self.stem, self.right, self.wrong)}
        if self.other is not None:
            found["en" if self.language == "ja" else "ja"] = self.other
        return found

    def said_in(self, language: str) -> tuple[str, QuestionText]:
        """Return what it says in this language, or in the one there is, and which that is."""
        texts = self.texts
        return (language, texts[language]) if language in texts else next(iter(texts.items()))


class QuestionFault(StrEnum):
    """What is wrong with a question."""

    STEM_MISSING = "stem_missing"
    RIGHT_MISSING = "right_missing"
    WRONG_MISSING = "wrong_missing"
    SAME_TWICE = "same_twice"
    # The languages have different numbers of wrong answers.
    UNEQUAL = "unequal"
    TOO_LONG = "too_long"


@dataclass(frozen=True, slots=True)
class TooLong:
    """A part that says too much in a language: how many characters it has."""

    part: CardPart
    language: str
    length: int


@dataclass(frozen=True, slots=True)
class SecretPlace:
    """Where something looks like a secret; `part` and `language` are of the text, or the number of the question."""

    kind: SecretKind
    part: CardPart | None
    language: str
    question: int | None
    line: int
    # The secret with all but its beginning hidden.
    shown: str


def tidied(text: str) -> str:
    """Return what was typed with one kind of line end and without blanks at the ends of lines and of the text."""
    lines = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n")).split("\n")
    return re.sub(r"\n{3,}", "\n\n", "\n".join(line.rstrip() for line in lines)).strip("\n")


def tidied_parts(parts: Mapping[str, Mapping[str, str]]) -> Parts:
    """Return the parts in their order with what was typed tidied and what is empty left out."""
    found: Parts = {}
    for part in CardPart:
        texts = {each: tidied(parts.get(part.value, {}).get(each, "")) for each in LANGUAGES}
        if kept := {each: text for each, text in texts.items() if text.strip()}:
            found[part.value] = kept
    return found


def missing_parts(parts: Mapping[str, Mapping[str, str]]) -> list[CardPart]:
    """Return those of the six headings that say nothing in any language, in their order."""
    return [each for each in SIX if not parts.get(each.value)]


def missing_in(parts: Mapping[str, Mapping[str, str]], language: str) -> list[CardPart]:
    """Return the parts that say something, but not in this language."""
    return [each for each in CardPart if parts.get(each.value) and language not in parts[each.value]]


def too_long(parts: Mapping[str, Mapping[str, str]]) -> list[TooLong]:
    """Return the parts that have more characters in a language than are kept."""
    return [
        TooLong(part, language, len(text))
        for part in CardPart
        for language, text in parts.get(part.value, {}).items()
        if len(text) > PART_LIMIT
    ]


def language_of(text: str) -> str:
    """Return in which language a text is written: Japanese where it has a kana or a Chinese character."""
    return "ja" if _JAPANESE.search(text) else "en"


def tidied_question(stem: str, right: str, wrong: Sequence[str]) -> Question | None:
    """Return a question tidied, without wrong answers that are empty; None where all of it is empty."""
    found = _tidied_text(stem, right, wrong)
    return Question(found.stem, found.right, found.wrong) if found is not None else None


def _tidied_text(stem: str, right: str, wrong: Sequence[str]) -> QuestionText | None:
    found = QuestionText(
        tidied(stem).strip(), tidied(right).strip(), tuple(w for w in (tidied(e).strip() for e in wrong) if w)
    )
    return found if found.stem or found.right or found.wrong else None


def question_in(texts: Mapping[str, tuple[str, str, Sequence[str]]], about: CardPart | None) -> Question | None:
    """Return a question from what was typed of it in each language; None where nothing was."""
    kept = {each: found for each in LANGUAGES if each in texts and (found := _tidied_text(*texts[each])) is not None}
    if not kept:
        return None
    (lang, first), *others = kept.items()
    return Question(first.stem, first.right, first.wrong, about, lang, others[0][1] if others else None)


def question_fault(question: Question) -> QuestionFault | None:
    """Return what is wrong with a question first, or None."""
    found = question_faults(question)
    return found[0][1] if found else None


def question_faults(question: Question) -> list[tuple[str, QuestionFault]]:
    """Return what is wrong with a question first in each of its languages."""
    texts = question.texts
    found = [(each, fault) for each, text in texts.items() if (fault := _text_fault(text)) is not None]
    if not found and len({len(text.wrong) for text in texts.values()}) > 1:
        found.append((min(texts, key=lambda each: len(texts[each].wrong)), QuestionFault.UNEQUAL))
    return found


def _text_fault(text: QuestionText) -> QuestionFault | None:
    answers = [text.right, *text.wrong]
    if not text.stem:
        return QuestionFault.STEM_MISSING
    if not text.right:
        return QuestionFault.RIGHT_MISSING
    if not 1 <= len(text.wrong) <= MOST_WRONG:
        return QuestionFault.WRONG_MISSING
    if len(text.stem) > STEM_LIMIT or any(len(each) > CHOICE_LIMIT for each in answers):
        return QuestionFault.TOO_LONG
    if len({unicodedata.normalize("NFKC", each).casefold() for each in answers}) < len(answers):
        return QuestionFault.SAME_TWICE
    return None


def secret_places(parts: Mapping[str, Mapping[str, str]], questions: Sequence[Question] = ()) -> list[SecretPlace]:
    """Return where the card looks as if it held a secret, in its order."""
    return [
        SecretPlace(each.kind, part, language, number, each.line, masked(text[each.start : each.end]))
        for part, language, number, text in _texts(parts, questions)
        for each in find_secrets(text)
    ]


def _texts(
    parts: Mapping[str, Mapping[str, str]], questions: Sequence[Question]
) -> Iterator[tuple[CardPart | None, str, int | None, str]]:
    for part in CardPart:
        for language, text in parts.get(part.value, {}).items():
            yield part, language, None, text
    for number, question in enumerate(questions, 1):
        for language, said in question.texts.items():
            yield None, language, number, "\n".join((said.stem, said.right, *said.wrong))


def question_out(note: Mapping[str, str], wrong: int) -> dict[str, Any]:
    """Return what is kept in the place of a question that is taken out; it has as many answers as that one had."""
    said = {tag: {"stem": note[tag], "right": "–", "wrong": ["–"] * wrong} for tag in LANGUAGES}
    return said["ja"] | {"lang": "ja", "other": said["en"], "out": True}


def is_stale(checked_on: date, today: date) -> bool:
    """Say whether a card was last found true more than 180 days ago."""
    return today > holds_until(checked_on)


def holds_until(checked_on: date) -> date:
    """Return the last day on which a card need not be checked again."""
    return checked_on + timedelta(days=CARD_HOLDS_DAYS)


# --- When somebody else saved meanwhile --------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Merged:
    """What a form holds after somebody else saved: fields of both, and where both wrote something else."""

    values: dict[str, str]
    # Fields that only the other one changed: what she wrote stands in the form now.
    taken: Set[str]
    # Fields that both changed: what was typed stays, and what she wrote is shown beside it.
    both: Set[str]


def merged(base: Mapping[str, str], typed: Mapping[str, str], newest: Mapping[str, str]) -> Merged:
    """Bring together what was typed over `base` and what was saved over it meanwhile; nothing typed is lost."""
    values, taken, both = dict(typed), set(), set()
    for name in typed:
        was, mine, theirs = (tidied(each.get(name, "")) for each in (base, typed, newest))
        if theirs in (mine, was):
            continue
        if mine == was:
            values[name] = newest.get(name, "")
            taken.add(name)
        else:
            both.add(name)
    return Merged(values, taken, both)


# --- As Markdown -------------------------------------------------------------------------------

_ITEM = re.compile(
    r"(?P<indent>[ \u3000]{0,3})(?:(?P<sign>[-*・•])(?:[ \u3000]+|(?<=・))|(?P<number>\d{1,3})[.)．）][ \u3000]*)(?=\S)"
)
# As the library writes them: `[[slug#clause]]`, or `[[slug@JP#clause]]` in the text of a market.
CLAUSE_LINK = re.compile(
    r"\[\[(?P<slug>[a-z][a-z0-9-]{0,59}(?:@[A-Za-z0-9-]{1,20})?)#(?P<anchor>[a-z][a-z0-9-]{0,59})\]\](?![(\[])"
)
_KEPT = re.compile(CLAUSE_LINK.pattern + r"|https?://[!#-;=?-Z_a-z~%]+[#-%/-9=@-Z_a-z~]")
_SIGNS = re.compile(r"[\\`*_\[\]<>&|~$^{}!@]")


def as_markdown(text: str) -> str:
    """Return what was typed as Markdown that says the same: lines stay lines, items become a list, signs stay signs.

    Addresses of pages and links to clauses (`[[slug#clause]]`) lead where they lead.
    """
    out: list[str] = []
    before = ""
    for line in tidied(text).split("\n"):
        item = _ITEM.match(line)
        is_item, was_item = item is not None, _ITEM.match(before) is not None
        if line.strip() and before.strip():
            if is_item and was_item:
                pass
            elif is_item or was_item:
                out.append("")
            else:
                out[-1] += "\\"
        if item is None:
            out.append(_line(line))
        else:
            mark = f"{int(item['number'])}." if item["number"] else "-"
            out.append(f"{mark} {_line(line[item.end() :])}")
        before = line
    return "\n".join(out)


def _line(line: str) -> str:
    said, at = [], 0
    line = line.strip()
    for kept in _KEPT.finditer(line):
        said += [_escaped(line[at : kept.start()]), kept[0] if kept[0].startswith("[[") else f"<{kept[0]}>"]
        at = kept.end()
    said.append(_escaped(line[at:]))
    joined = "".join(said)
    # What would begin a heading, a quote, a list, a rule or a definition.
    return re.sub(r"\A(?=[#+=:-])|\A(\d+)(?=[.)])", r"\1\\", joined)


def _escaped(text: str) -> str:
    return _SIGNS.sub(r"\\\g<0>", text)
