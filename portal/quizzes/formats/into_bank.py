"""Questions of the formats of others as questions of a bank, and back, with exactly what is lost on either way.

A bank's question is in two languages, cites clauses and says its texts in Markdown; a file is in one language and says
what its format can. What is lost is found as the writers of formats find it (`losses.py`): by going back and comparing.
So the list holds whatever differs, and nothing else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from hashlib import sha256
from itertools import zip_longest
from typing import Any

from portal.core.content import SLUG
from portal.core.i18n import Words
from portal.core.i18n import gettext as _
from portal.core.markdown import scan
from portal.quizzes.formats import markup
from portal.quizzes.formats.interchange import (
    FULL,
    BadData,
    ForeignAnswer,
    ForeignChoice,
    ForeignGap,
    ForeignPart,
    ForeignQuestion,
    Kind,
    TextFormat,
    exact,
)
from portal.quizzes.formats.losses import CannotHold, lost
from portal.quizzes.formats.markdown import MAX_POINTS, SEVERITIES
from portal.quizzes.formats.worth import OtherKey, narrowed, once, with_digit
from portal.quizzes.types import comparing, numbers, type_names, type_of
from portal.quizzes.types.case import HEADINGS, PARTS, SHARED_PARTS
from portal.quizzes.types.contents import (
    ANSWER,
    ANY_NUMBER,
    CHOICES,
    ESSAY,
    LETTERS,
    MAX_ESSAY,
    NUMBER,
    ORDER,
    TEXT,
    Choice,
    Content,
    Criterion,
    NumberKey,
    Part,
    TextKey,
    Unit,
    export,
    read,
)

# What the editor of questions takes, in characters.
MAX_TEXT, MAX_TITLE, MAX_TAGS = 10_000, 200, 20
_ALL_OR_NOTHING, _PARTIAL = "all_or_nothing", "partial"
_TAG = re.compile(r"[^\s,{}=]{1,40}")
_NO_TAG = re.compile(r"[\s,{}=]+")
_NO_SLUG = re.compile(r"[^a-z0-9]+")
_BREAKS = re.compile(r"\s*[\r\n\f\v\x1c-\x1e\x85\u2028\u2029]+\s*")
_HTML = re.compile(r"<([A-Za-z/!?][^<>]*)>")
_BARE_LINK = re.compile(r"\[\[(?=#)")
# How the notes for a marker list the criteria of a bank.
_CRITERION = re.compile(r"\[(?P<points>[1-9][0-9]{0,2})\] (?P<text>.*)")
_TRUE, _FALSE = Words("True", "正しい"), Words("False", "誤り")
# By what a free text is marked where its file does not say.
AS_A_WHOLE = Words("The answer as a whole.", "解答全体")
# The stars and backslashes of a key: what they are in files of others, and what they are here.
_FOREIGN_KEY = re.compile(r"\\\*|\\")
_OWN_KEY = re.compile(r"\\[*\\]|\\")


@dataclass(frozen=True, slots=True)
class Taken:
    """A question of a file as one of a bank, the id that it would like to have, and what is lost.

    That its category becomes nothing, and the version of the document that it names, stand beside the losses: they say
    something of the file, not of the question.
    """

    content: Content
    slug: str
    losses: tuple[str, ...]
    is_category_lost: bool = False
    is_document_version_lost: bool = False


@dataclass(frozen=True, slots=True)
class Given:
    """A question of a bank in the terms of files, and what is lost."""

    question: ForeignQuestion
    losses: tuple[str, ...]


# --- into a bank -------------------------------------------------------------------------------


def into_bank(
    question: ForeignQuestion,
    *,
    language: str,
    document: str = "",
    tags: Iterable[str] = (),
    tags_category: bool = False,
) -> Taken:
    """Return the question as one of a bank of the document, its texts in the language.

    It gets the tags beside its own, and its category as one where that is asked for. Raises `CannotHold` with the
    reason where nothing can be made of it.
    """
    if question.type is Kind.DESCRIPTION:
        raise CannotHold(_("It only says something; nothing is asked."))
    if question.type.value not in type_names():
        raise CannotHold(_("A bank has no questions of the type “%(type)s”.", type=question.type.value))
    reader = _Texts(question.text_format, document, question.document)
    shown = reader.question(question)
    own_tags, further = tuple(_tags(question.tags)), [*tags]
    if tags_category:
        further += question.category.rpartition("/")[2:]
    try:
        content = _Builder(narrowed(shown), language).content(document, own_tags)
    except OtherKey as other:
        raise CannotHold(str(other)) from None
    _check(content, language)
    slug = slug_of(question.id)
    back = _foreign(content, language, slug)
    is_title_made = _is_made(question.title, question.stem)
    told = lost(_comparable(shown, document, is_title_made=is_title_made), back)
    losses = [*question.losses, *reader.losses, *told]
    is_category_lost = bool(question.category) and not (tags_category and set(_tags([further[-1]])))
    if question.state not in ("live", "draft"):
        losses.append(_("its state"))
    every_tag = tuple(dict.fromkeys((*own_tags, *_tags(further))))[:MAX_TAGS]
    return Taken(
        replace(content, tags=every_tag),
        slug,
        tuple(dict.fromkeys(losses)),
        is_category_lost,
        bool(question.document_version),
    )


def slug_of(wished: str) -> str:
    """Return the id of a file as one of a bank, or "" where there is none."""
    if SLUG.fullmatch(wished):
        return wished
    near = _NO_SLUG.sub("-", wished.lower()).strip("-")[:60].strip("-")
    return near if SLUG.fullmatch(near) else ""


def _is_made(title: str, stem: str) -> bool:
    """Say whether a title is only the beginning of the text, as formats without titles have it."""
    return " ".join(stem.split()).startswith(" ".join(title.split()).removesuffix("...").rstrip())


def _comparable(shown: ForeignQuestion, document: str, *, is_title_made: bool) -> ForeignQuestion:
    """Return a question without what is told otherwise, or is no loss."""
    found = replace(
        shown,
        title="" if is_title_made else shown.title,
        category="",
        state="draft",
        document=document,
        document_version="",
    )
    if shown.type is not Kind.ORDERING:
        return found
    # Of an ordering the order alone says something.
    return replace(
        found,
        all_or_nothing=False,
        choices=tuple(replace(each, fraction=Fraction(0)) for each in shown.choices),
    )


def _check(content: Content, language: str) -> None:
    """Raise `CannotHold` for what no bank takes."""
    if not content.stem.in_(language):
        raise CannotHold(_("There is no text that asks something."))
    if any(len(text) > MAX_TEXT for text in _texts_of(export(content))):
        raise CannotHold(_("The text is longer than %(most)s characters.", most=MAX_TEXT))
    problems = scan(content.title.in_(language))
    if problems:
        raise CannotHold(_("Its text cannot be kept: %(reason)s", reason=problems[0].reason))
    faults = type_of(content.type).check(content)
    if faults:
        first = faults[0]
        if content.type == Kind.GAP and first.part:
            raise CannotHold(_("Gap %(number)s: %(reason)s", number=first.part, reason=first.message))
        raise CannotHold(first.message)


def _texts_of(data: Any) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    elif isinstance(data, Mapping):
        for value in data.values():
            yield from _texts_of(value)
    elif isinstance(data, list):
        for value in data:
            yield from _texts_of(value)


def _one_line(text: str) -> str:
    return _BREAKS.sub(" ", text).strip()


def _as_title(text: str) -> str:
    """Return a text as a title: one line, in which nothing looks like markup."""
    return _HTML.sub(r"‹\1›", _one_line(text)).replace("<", "‹")[:MAX_TITLE].rstrip()


def _tags(tags: Iterable[str]) -> Iterator[str]:
    for tag in tags:
        found = tag if _TAG.fullmatch(tag) else _NO_TAG.sub("-", tag).strip("-")[:40]
        if found:
            yield found


def _whole(points: Fraction) -> int:
    return min(max(round(points), 1), MAX_POINTS)


@dataclass(slots=True)
class _Texts:
    """Turns the texts of a question into Markdown, noting what is lost of them."""

    text_format: TextFormat
    document: str
    own_document: str
    losses: list[str] = field(default_factory=list)

    def block(self, text: str, *, inline: bool = False, gaps: bool = False) -> str:
        if not text.strip():
            return ""
        taken = markup.as_markdown(text, self.text_format, inline=inline, gaps=gaps)
        self.losses += taken.losses
        if self.own_document and self.own_document != self.document and self.text_format is TextFormat.MARKDOWN:
            # A link without a document would lead into another one here.
            return _BARE_LINK.sub(f"[[{self.own_document}", taken.text)
        return taken.text

    def line(self, text: str) -> str:
        return self.block(text, inline=True)

    def pair_feedback(self, question: ForeignQuestion) -> tuple[str, ...]:
        """Return what is said of each pair, or nothing where nothing is said of any."""
        given = (*question.pair_feedback, *("" for _pair in question.pairs))[: len(question.pairs)]
        told = tuple(map(self.block, given))
        return told if any(told) else ()

    def plain(self, text: str) -> str:
        """Return a text that is plain in every format."""
        if self.text_format is TextFormat.MARKDOWN:
            return self.line(text)
        taken = markup.as_markdown(text, TextFormat.PLAIN, inline=True)
        self.losses += taken.losses
        return taken.text

    def notes(self, text: str) -> str:
        """Return the notes for a marker; those that list criteria were written by us and are Markdown."""
        if _CRITERION.match(text):
            return markup.as_markdown(text, TextFormat.MARKDOWN).text
        return self.block(text)

    def choices(self, choices: Sequence[ForeignChoice]) -> tuple[ForeignChoice, ...]:
        found = [replace(each, text=self.line(each.text), feedback=self.block(each.feedback)) for each in choices]
        kept = [each for each in found if each.text or each.fraction > 0]
        if len(kept) < len(found):
            self.losses.append(_("a wrong choice that has no text"))
        return tuple(kept)

    def answers(self, answers: Sequence[ForeignAnswer]) -> tuple[ForeignAnswer, ...]:
        return tuple(replace(each, feedback=self.block(each.feedback)) for each in answers)

    def question(self, question: ForeignQuestion) -> ForeignQuestion:
        is_gap = question.type is Kind.GAP
        return replace(
            question,
            title=markup.without_tags(question.title, self.text_format),
            stem=self.block(question.stem, gaps=is_gap),
            text_format=TextFormat.MARKDOWN,
            choices=self.choices(question.choices),
            answers=self.answers(question.answers),
            pairs=tuple((self.line(left), self.plain(right)) for left, right in question.pairs),
            pair_feedback=self.pair_feedback(question),
            gaps=tuple(
                replace(
                    gap,
                    choices=self.choices(gap.choices),
                    answers=self.answers(gap.answers),
                    feedback=self.block(gap.feedback),
                )
                for gap in question.gaps
            ),
            parts=tuple(
                replace(
                    part,
                    choices=self.choices(part.choices),
                    feedback=self.block(part.feedback),
                    heading=self.line(part.heading),
                )
                for part in question.parts
            ),
            feedback_true=self.block(question.feedback_true),
            feedback_false=self.block(question.feedback_false),
            general_feedback=self.block(question.general_feedback),
            marking_notes=self.notes(question.marking_notes),
        )


@dataclass(slots=True)
class _Builder:
    """Builds the content of a question whose texts are Markdown."""

    question: ForeignQuestion
    language: str

    # Whether both languages have the same text, as the clauses and levels of a case do.
    is_shared: bool = False

    def words(self, text: str) -> Words:
        return Words("", text) if self.language == "ja" else Words(text, "")

    def choice_text(self, text: str) -> Words:
        return Words(text, text) if self.is_shared else self.words(text)

    def told(self, text: str) -> Words | None:
        return self.words(text) if text.strip() else None

    def content(self, document: str, tags: tuple[str, ...]) -> Content:
        question = self.question
        title = _as_title(question.title) or _as_title(markup.first_words(question.stem))
        return Content(
            type=question.type.value,
            title=self.words(title),
            stem=self.words(question.stem),
            parts=tuple(_PARTS[question.type](self)),
            clauses=tuple(dict.fromkeys(filter(_is_clause, question.clauses))),
            rationale=self.told(question.general_feedback),
            difficulty=question.difficulty,
            severity=question.severity if question.severity in SEVERITIES else None,
            tags=tags,
            marking=self.marking(),
            shuffle=question.shuffle,
            document=document,
        )

    def marking(self) -> str:
        question = self.question
        if question.type is Kind.MULTIPLE_CHOICE and not question.all_or_nothing:
            return question.marking or _PARTIAL
        return question.marking if question.type is Kind.ORDERING and question.marking else _ALL_OR_NOTHING

    # --- parts ---

    def choices(self, choices: Sequence[ForeignChoice], *, several: bool) -> tuple[Choice, ...]:
        if len(choices) > len(LETTERS):
            raise CannotHold(_("A question has at most %(most)s choices.", most=len(LETTERS)))
        right = [each.fraction > 0 if several else each.fraction == FULL for each in choices]
        if not any(right):
            raise CannotHold(_("No choice earns points.") if several else _("No choice earns all points."))
        if not several and sum(right) > 1:
            raise CannotHold(_("More than one choice earns all points, though only one can be taken."))
        if any(not each.text for each in choices):
            raise CannotHold(_("A choice has no text."))
        return tuple(
            Choice(LETTERS[place], self.choice_text(each.text), is_right, self.told(each.feedback))
            for place, (each, is_right) in enumerate(zip(choices, right, strict=True))
        )

    def one_of(self) -> Iterator[Part]:
        several = self.question.type is Kind.MULTIPLE_CHOICE
        yield Part(ANSWER, None, _whole(self.question.points), self.choices(self.question.choices, several=several))

    def true_false(self) -> Iterator[Part]:
        question = self.question
        choices = (
            Choice("a", _TRUE, question.correct is True, self.told(question.feedback_true)),
            Choice("b", _FALSE, question.correct is not True, self.told(question.feedback_false)),
        )
        yield Part(ANSWER, None, _whole(question.points), choices)

    def short_answer(self) -> Iterator[Part]:
        question = self.question
        answers = once(question.answers, is_exact=question.case_sensitive)
        keys = tuple(self.text_key(each) for each in answers)
        yield Part(ANSWER, None, _whole(question.points), kind=TEXT, keys=keys, is_exact=question.case_sensitive)

    def text_key(self, answer: ForeignAnswer) -> TextKey:
        own = _FOREIGN_KEY.sub(lambda found: found[0] if found[0] == r"\*" else r"\\", answer.text)
        return TextKey(self.words(_one_line(own)), _share(answer.fraction), self.told(answer.feedback))

    def numeric(self) -> Iterator[Part]:
        question = self.question
        yield Part(
            ANSWER,
            None,
            _whole(question.points),
            kind=NUMBER,
            keys=tuple(self.number_key(each) for each in once(question.answers)),
            units=tuple(_units(question.units)),
        )

    def number_key(self, answer: ForeignAnswer) -> NumberKey:
        value = (answer.value or "").strip()
        if value == ANY_NUMBER:
            return NumberKey(ANY_NUMBER, "", _share(answer.fraction), self.told(answer.feedback))
        tolerance = _decimal(answer.tolerance) if answer.tolerance.strip() else ""
        return NumberKey(_decimal(value), tolerance, _share(answer.fraction), self.told(answer.feedback))

    def matching(self) -> Iterator[Part]:
        question = self.question
        lefts = [pair for pair in question.pairs if pair[0]]
        # Those that belong to something first, as `matching.parts_of` has them; then what fits nothing.
        rights = list(dict.fromkeys(right for _left, right in [*lefts, *question.pairs]))
        if len(rights) > len(LETTERS) or len(lefts) > len(LETTERS):
            raise CannotHold(_("There are more than %(most)s pairs or choices.", most=len(LETTERS)))
        if not all(rights):
            raise CannotHold(_("A choice has no text."))
        each_points = question.points / len(lefts) if lefts else Fraction(1)
        points = int(each_points) if each_points.denominator == 1 and 1 <= each_points <= MAX_POINTS else 1
        feedback = question.pair_feedback or ("",) * len(question.pairs)
        told = [text for pair, text in zip(question.pairs, feedback, strict=True) if pair[0]]
        for number, ((left, right), why) in enumerate(zip(lefts, told, strict=True), start=1):
            choices = tuple(
                Choice(LETTERS[place], self.words(text), text == right) for place, text in enumerate(rights)
            )
            yield Part(str(number), self.words(left), points, choices, self.told(why))

    def ordering(self) -> Iterator[Part]:
        question = self.question
        if len(question.choices) > len(LETTERS):
            raise CannotHold(_("A question has at most %(most)s choices.", most=len(LETTERS)))
        if any(not each.text for each in question.choices):
            raise CannotHold(_("A choice has no text."))
        choices = tuple(
            Choice(LETTERS[place], self.words(each.text), True, self.told(each.feedback))
            for place, each in enumerate(question.choices)
        )
        yield Part(ANSWER, None, _whole(question.points), choices, kind=ORDER)

    def gap(self) -> Iterator[Part]:
        for number, gap in enumerate(self.question.gaps, start=1):
            if gap.several:
                raise CannotHold(
                    _("Gap %(number)s: several choices can be taken for it; here a gap takes one.", number=number)
                )
            points = _whole(gap.points)
            if len(gap.choices) == 1:
                raise CannotHold(_("Gap %(number)s: it offers one choice alone.", number=number))
            told = self.told(gap.feedback)
            if gap.choices:
                yield Part(str(number), None, points, self.choices(gap.choices, several=False), told)
            elif gap.is_numeric:
                keys = tuple(self.number_key(each) for each in once(gap.answers))
                yield Part(str(number), None, points, (), told, NUMBER, keys, units=tuple(_units(gap.units)))
            else:
                texts = tuple(self.text_key(each) for each in once(gap.answers, is_exact=gap.case_sensitive))
                yield Part(str(number), None, points, (), told, TEXT, texts, gap.case_sensitive)

    def free_text(self) -> Iterator[Part]:
        question = self.question
        rubric = list(_criteria_in(question.marking_notes))
        if not rubric:
            whole = question.marking_notes or AS_A_WHOLE.in_(self.language)
            rubric = [(_whole(question.points), whole)]
        if len(rubric) > len(LETTERS):
            raise CannotHold(_("A free text has at most %(most)s criteria.", most=len(LETTERS)))
        if any(not text for _points, text in rubric):
            raise CannotHold(_("A criterion has no text."))
        criteria = tuple(
            Criterion(LETTERS[place], self.words(text), points) for place, (points, text) in enumerate(rubric)
        )
        points = sum(each.points for each in criteria)
        least, most = (min(each, MAX_ESSAY) if each else None for each in question.length)
        yield Part(ANSWER, None, points, kind=ESSAY, criteria=criteria, least=least, most=most)

    def case(self) -> Iterator[Part]:
        parts = self.question.parts
        if any(part.id not in PARTS for part in parts):
            raise CannotHold(_("Parts are decision, clause and severity."))
        for part in parts:
            usual = HEADINGS[part.id]
            heading = usual if part.heading in ("", usual.in_(self.language)) else self.words(part.heading)
            builder = replace(self, is_shared=part.id in SHARED_PARTS)
            yield Part(
                part.id,
                heading,
                _whole(part.points),
                builder.choices(part.choices, several=False),
                self.told(part.feedback),
            )


_PARTS: Mapping[Kind, Callable[[_Builder], Iterator[Part]]] = {
    Kind.SINGLE_CHOICE: _Builder.one_of,
    Kind.MULTIPLE_CHOICE: _Builder.one_of,
    Kind.TRUE_FALSE: _Builder.true_false,
    Kind.SHORT_ANSWER: _Builder.short_answer,
    Kind.NUMERIC: _Builder.numeric,
    Kind.MATCHING: _Builder.matching,
    Kind.ORDERING: _Builder.ordering,
    Kind.GAP: _Builder.gap,
    Kind.FREE_TEXT: _Builder.free_text,
    Kind.CASE: _Builder.case,
}


def _is_clause(name: str) -> bool:
    slug, sign, anchor = name.partition("#")
    return bool(sign and SLUG.fullmatch(slug) and SLUG.fullmatch(anchor))


def _criteria_in(notes: str) -> Iterator[tuple[int, str]]:
    """Yield the criteria that notes for a marker list, each with its points; nothing where they are only notes."""
    found: list[tuple[int, list[str]]] = []
    for line in notes.split("\n"):
        begins = _CRITERION.fullmatch(line)
        if begins:
            found.append((int(begins["points"]), [begins["text"]]))
        elif found:
            found[-1][1].append(line)
        else:
            return
    for points, lines in found:
        yield points, "\n".join(lines).strip()


def _share(fraction: Fraction) -> Fraction:
    return min(max(fraction / FULL, Fraction(0)), Fraction(1))


def _decimal(text: str) -> str:
    """Return a number as keys hold it; raises `CannotHold`."""
    told = with_digit(text)
    if numbers.decimal(told) is not None:
        return told
    try:
        return numbers.written(exact(told))
    except BadData:
        raise CannotHold(_("“%(text)s” is no number.", text=text[:60])) from None


def _units(units: Sequence[tuple[str, str]]) -> Iterator[Unit]:
    """Yield the units that can be read; those that cannot are lost."""
    seen: set[str] = set()
    for symbol, factor in units:
        try:
            numerator, _sign, denominator = factor.partition("/")
            value = exact(numerator) / (exact(denominator) if denominator else 1)
        except (BadData, ZeroDivisionError):
            continue
        is_sound = 0 < len(symbol) <= 20 and not any(each.isdigit() for each in symbol) and symbol not in seen
        if is_sound and value > 0 and (seen or value == 1):
            seen.add(symbol)
            yield Unit(symbol, value)


# --- out of a bank -----------------------------------------------------------------------------


def out_of_bank(
    content: Content, *, language: str, slug: str = "", category: str = "", version: str = "", state: str = "live"
) -> Given:
    """Return the question in one language, in the terms of files; `version` is that of the bank's document."""
    question = replace(_foreign(content, language, slug), category=category, document_version=version, state=state)
    losses = list(_lost_of_language(content, language))
    kept = in_language(content, language)
    try:
        back = into_bank(question, language=language, document=content.document).content
    except CannotHold as reason:
        # What a bank holds it can hold again; whoever reads this report should hear why not.
        losses.append(str(reason))
    else:
        losses += _differences(kept, in_language(back, language))
    return Given(question, tuple(dict.fromkeys(losses)))


def in_language(content: Content, language: str) -> Content:
    """Return the question with its texts in one language, those of the other where there are none."""

    def walk(data: Any) -> Any:
        if isinstance(data, Mapping):
            if set(data) == {"en", "ja"}:
                words = Words(**data).in_(language)
                return {"en": words if language == "en" else "", "ja": words if language == "ja" else ""}
            return {name: walk(value) for name, value in data.items()}
        return [walk(each) for each in data] if isinstance(data, list) else data

    return read(walk(export(content)))


def fingerprint(content: Content, language: str) -> str:
    """Return a hash over what a question asks in the language, whatever it is called and however it is explained."""
    asked = [
        content.type,
        _folded(content.stem.in_(language)),
        [
            [
                part.kind,
                _folded(part.heading.in_(language)) if part.heading else "",
                # Choices are shuffled; the order of an ordering is what it asks.
                (list if part.kind == ORDER else sorted)(
                    [_folded(choice.text.in_(language)), choice.right] for choice in part.choices
                ),
                sorted(
                    [key.text.in_(language), ""] if isinstance(key, TextKey) else [key.value, key.tolerance]
                    for key in part.keys
                    if key.share
                ),
            ]
            for part in content.parts
        ],
    ]
    return sha256(json.dumps(asked, ensure_ascii=False).encode("utf-8", "surrogatepass")).hexdigest()


def _folded(text: str) -> str:
    return comparing.fold(text, is_exact=True)


def _foreign(content: Content, language: str, slug: str) -> ForeignQuestion:
    def told(words: Words | None) -> str:
        return words.in_(language) if words else ""

    kind = Kind(content.type)
    found = ForeignQuestion(
        type=kind,
        title=told(content.title),
        stem=told(content.stem),
        text_format=TextFormat.MARKDOWN,
        general_feedback=told(content.rationale),
        tags=content.tags,
        id=slug,
        points=Fraction(content.max_points),
        shuffle=content.shuffle,
        clauses=content.clauses,
        document=content.document,
        severity=content.severity or "",
        difficulty=content.difficulty,
        state="draft",
    )
    return replace(found, **_FIELDS[kind](content, told))


_Told = Callable[[Words | None], str]


def _choices_of(part: Part, told: _Told, *, wrong: int = 0) -> tuple[ForeignChoice, ...]:
    """Return the choices of a part; each right one earns its share, and a wrong one that share times `wrong`."""
    share = FULL / max(len(part.key), 1)
    return tuple(
        ForeignChoice(told(choice.text), share if choice.right else share * wrong, told(choice.rationale))
        for choice in part.choices
    )


def _answers_of(part: Part, told: _Told) -> tuple[ForeignAnswer, ...]:
    texts = (
        ForeignAnswer(
            text=_OWN_KEY.sub(lambda found: "\\" if found[0] == r"\\" else found[0], told(key.text)),
            fraction=key.share * FULL,
            feedback=told(key.feedback),
        )
        for key in part.text_keys
    )
    values = (
        ForeignAnswer(value=key.value, tolerance=key.tolerance, fraction=key.share * FULL, feedback=told(key.feedback))
        for key in part.number_keys
    )
    return (*texts, *values)


def _one_fields(content: Content, told: _Told) -> dict[str, Any]:
    (part,) = content.parts
    is_several = content.type == Kind.MULTIPLE_CHOICE
    is_whole = content.marking == _ALL_OR_NOTHING
    wrong = -1 if is_several and not is_whole else 0
    return {
        "choices": _choices_of(part, told, wrong=wrong),
        "all_or_nothing": is_several and is_whole,
        "marking": content.marking if is_several and content.marking not in (_ALL_OR_NOTHING, _PARTIAL) else "",
    }


def _true_false_fields(content: Content, told: _Told) -> dict[str, Any]:
    true, false = content.parts[0].choices
    return {
        "correct": true.right,
        "feedback_true": told(true.rationale),
        "feedback_false": told(false.rationale),
    }


def _short_answer_fields(content: Content, told: _Told) -> dict[str, Any]:
    (part,) = content.parts
    return {"answers": _answers_of(part, told), "case_sensitive": part.is_exact}


def _numeric_fields(content: Content, told: _Told) -> dict[str, Any]:
    (part,) = content.parts
    return {"answers": _answers_of(part, told), "units": _units_of(part)}


def _matching_fields(content: Content, told: _Told) -> dict[str, Any]:
    pairs = []
    used = set()
    for part in content.parts:
        right = next((told(choice.text) for choice in part.choices if choice.right), "")
        used.add(right)
        pairs.append((told(part.heading), right))
    further = [told(choice.text) for choice in (content.parts[0].choices if content.parts else ())]
    extras = tuple(("", text) for text in further if text not in used)
    said = (*(told(part.rationale) for part in content.parts), *("" for _extra in extras))
    return {"pairs": (*pairs, *extras), "pair_feedback": said if any(said) else ()}


def _ordering_fields(content: Content, told: _Told) -> dict[str, Any]:
    (part,) = content.parts
    return {
        "choices": tuple(ForeignChoice(told(each.text), feedback=told(each.rationale)) for each in part.choices),
        "marking": "" if content.marking == _ALL_OR_NOTHING else content.marking,
    }


def _gap_fields(content: Content, told: _Told) -> dict[str, Any]:
    return {
        "gaps": tuple(
            ForeignGap(
                choices=_choices_of(part, told) if part.kind == CHOICES else (),
                answers=_answers_of(part, told),
                points=Fraction(part.points),
                is_numeric=part.kind == NUMBER,
                case_sensitive=part.is_exact,
                units=_units_of(part),
                feedback=told(part.rationale),
            )
            for part in content.parts
        )
    }


def _units_of(part: Part) -> tuple[tuple[str, str], ...]:
    return tuple((unit.symbol, str(unit.factor)) for unit in part.units)


def _free_text_fields(content: Content, told: _Told) -> dict[str, Any]:
    (part,) = content.parts
    length = {"length": (part.least, part.most)}
    if len(part.criteria) == 1 and told(part.criteria[0].text) in (AS_A_WHOLE.en, AS_A_WHOLE.ja):
        return {"marking_notes": ""} | length
    lines = (f"[{each.points}] {told(each.text)}" for each in part.criteria)
    return {"marking_notes": "\n".join(lines)} | length


def _case_fields(content: Content, told: _Told) -> dict[str, Any]:
    return {
        "parts": tuple(
            ForeignPart(
                part.id, told(part.heading), _choices_of(part, told), Fraction(part.points), told(part.rationale)
            )
            for part in content.parts
        )
    }


_FIELDS: Mapping[Kind, Callable[[Content, _Told], dict[str, Any]]] = {
    Kind.SINGLE_CHOICE: _one_fields,
    Kind.MULTIPLE_CHOICE: _one_fields,
    Kind.TRUE_FALSE: _true_false_fields,
    Kind.SHORT_ANSWER: _short_answer_fields,
    Kind.NUMERIC: _numeric_fields,
    Kind.MATCHING: _matching_fields,
    Kind.ORDERING: _ordering_fields,
    Kind.GAP: _gap_fields,
    Kind.FREE_TEXT: _free_text_fields,
    Kind.CASE: _case_fields,
}


def _lost_of_language(content: Content, language: str) -> Iterator[str]:
    """Yield what becomes of the other language, of a text that is written in that one alone too."""
    other = "ja" if language == "en" else "en"
    sides = {"en": content.stem.en, "ja": content.stem.ja}
    if sides[other]:
        yield _("its Japanese text") if other == "ja" else _("its English text")
    if not sides[language]:
        yield (
            _("it is not written in English; the file holds its Japanese text")
            if language == "en"
            else _("it is not written in Japanese; the file holds its English text")
        )


def _differences(content: Content, back: Content) -> Iterator[str]:
    """Yield in words what a question has lost on its way out of a bank and into it again."""
    if content.marking != back.marking:
        yield _("how its points are shared out")
    if (content.title, content.stem, content.rationale) != (back.title, back.stem, back.rationale):
        yield _("its texts as they are written")
    for name, words in (
        ("clauses", _("the clauses that it cites")),
        ("difficulty", _("its difficulty")),
        ("severity", _("its sensitivity level")),
        ("tags", _("its tags")),
        ("shuffle", _("whether its choices are shuffled")),
        ("picture", _("its picture")),
    ):
        if getattr(content, name) != getattr(back, name):
            yield words
    for part, other in zip_longest(content.parts, back.parts):
        if part is None or other is None:
            yield _("its parts as they are written")
            return
        if part.rationale != other.rationale:
            yield _("the explanation of a part")
        if (part.least, part.most) != (other.least, other.most):
            yield _("how long the answer may be")
        if part.points != other.points:
            yield _("how many points each part is worth")
        if part.criteria != other.criteria:
            yield _("its criteria as they are written")
        if part.units != other.units:
            yield _("its units")
        if part.keys != other.keys or part.is_exact != other.is_exact:
            yield _("its answers as they are written")
        # Where the choices of all parts are the same, their order among themselves says nothing.
        if _choices_said(content, part) != _choices_said(back, other):
            yield _("its choices as they are written")
        if (part.id, part.kind, part.heading) != (other.id, other.kind, other.heading):
            yield _("its parts as they are written")


def _choices_said(content: Content, part: Part) -> Any:
    said = [(each.text, each.right, each.rationale) for each in part.choices]
    return sorted(map(repr, said)) if content.type == Kind.MATCHING else said
