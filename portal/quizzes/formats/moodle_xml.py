"""Moodle XML: what Moodle itself writes and takes (docs.moodle.org, "Moodle XML format").

Read as Moodle's importer reads it, white space at the ends of texts included. Whatever a file says beyond the record
is named in the losses of its question.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from html import unescape
from itertools import islice
from urllib.parse import unquote

from portal.core.i18n import gettext as _
from portal.quizzes.formats.cloze import BadGap, decimal, decimal_of, read_gaps, write_gaps
from portal.quizzes.formats.elements import Element, WrongRoot, elements_of, text_of_xml
from portal.quizzes.formats.interchange import (
    FULL,
    MAX_CHOICES,
    MAX_QUESTIONS,
    MAX_TEXT,
    MAX_TITLE,
    BadData,
    ForeignAnswer,
    ForeignChoice,
    ForeignGap,
    ForeignQuestion,
    Kind,
    NotUtf8,
    Reading,
    Refused,
    TextFormat,
    Writing,
    exact,
)
from portal.quizzes.formats.losses import lost, write_each

_FORMATS = {
    "moodle_auto_format": TextFormat.MOODLE,
    "html": TextFormat.HTML,
    "plain_text": TextFormat.PLAIN,
    "markdown": TextFormat.MARKDOWN,
}
_NAMES_OF_FORMATS = {text_format: name for name, text_format in _FORMATS.items()}
# What PHP's trim() takes off.
_BLANKS = " \t\n\r\0\x0b"
# Whoever sends a file with more mistakes has enough to mend.
_MAX_REFUSED = 1_000
# Files of a question that are told by name; 20 are enough to know which ones they are.
_MAX_NAMED = 20
# Choices of gaps are written once and offered in each gap: a small file must not become a large one.
_MAX_OFFERED = 1_000
_MAX_OFFERED_IN_A_FILE = 200_000
_TAG = re.compile(r"<[^\s<>][^<>]*>")
_FILE = re.compile(r"""@@PLUGINFILE@@/([^\s"'<>?#)]{1,255})""")
_EMBEDDED = re.compile(r"data:[a-z]{1,20}/[a-z0-9.+-]{1,40};base64,[A-Za-z0-9+/=]{100,}")
_MARKUP = re.compile(r"[<&\n*_#`\\\[\]]")
_PLACE = re.compile(r"\[\[([0-9]{1,4})\]\]")
_CONTEXT = re.compile(r"\$[a-z]+\$(?:/|$)")
# What XML 1.0 cannot hold.
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
# The values that Moodle's forms begin with: a file that holds them says nothing by it.
_USUAL_FEEDBACK = {
    "Your answer is correct.",
    "Your answer is partially correct.",
    "Your answer is incorrect.",
    "あなたの答えは正解です。",
    "あなたの答えは部分的に正解です。",
    "あなたの答えは正しくありません。",
}
_USUAL_PENALTIES = (Fraction(0), Fraction(1, 10), Fraction(1, 3))
# What may stand beside a text in what holds it.
_BESIDE_TEXT = {
    "file",
    "answer",
    "feedback",
    "tolerance",
    "tolerancetype",
    "fraction",
    "group",
    "infinite",
    "shownumcorrect",
    "clearwrong",
    "options",
}
_COMBINED = ("correctfeedback", "partiallycorrectfeedback", "incorrectfeedback")
_COMMON = {
    "name",
    "questiontext",
    "generalfeedback",
    "defaultgrade",
    "penalty",
    "hidden",
    "idnumber",
    "tags",
    "coursetags",
    "hint",
    "image",
    "image_base64",
    # How much a learner is told during tries, and looks.
    "shownumcorrect",
    "correctresponsesfeedback",
    "showstandardinstruction",
    # Written by Moodle for types that have no use for it.
    "shuffleanswers",
    *_COMBINED,
}


class _Refusal(ValueError):
    def __init__(self, line: int, words: str) -> None:
        self.line = line
        super().__init__(words)


class MoodleXml:
    """Questions of Moodle's own types."""

    name = "moodle-xml"
    suffix = ".xml"
    content_type = "application/xml"

    def read(self, data: bytes) -> Reading:
        """Return what a file holds."""
        try:
            text = text_of_xml(data)
        except NotUtf8 as broken:
            return Reading((), (Refused(broken.line, str(broken)),))
        taking = _Taking()
        try:
            for each in elements_of(text, root="quiz", item="question", dropped=frozenset({"file", "image_base64"})):
                if not taking.take(each):
                    break
        except WrongRoot as other:
            reason = _("This is no Moodle XML: its outermost element is “%(name)s”, not “quiz”.", name=other.name[:40])
            return Reading((), (Refused(other.line, reason),))
        return Reading(tuple(taking.questions), tuple(taking.refused))

    def write(self, questions: Sequence[ForeignQuestion]) -> Writing:
        """Return a file of the questions and what it leaves out."""
        return write_each(
            [_settled(question) for question in questions],
            render=lambda question: _rendered(question, self.read),
            read=self.read,
            join=_joined,
            context=_category_change,
            at_first=_category_change(ForeignQuestion(Kind.DESCRIPTION, "", "")),
        )


class _Taking:
    """The questions of a file as they come, under the category that was named last."""

    def __init__(self) -> None:
        self.questions: list[ForeignQuestion] = []
        self.refused: list[Refused] = []
        self._category = ""
        self._of_category: list[str] = []
        self._offered = 0

    def take(self, each: Element | Refused) -> bool:
        """Take what comes next; return whether to go on."""
        if isinstance(each, Refused):
            return self._refuse(each)
        if each.name != "question":
            reason = _("“%(name)s” is no question.", name=each.name[:40])
            return self._refuse(Refused(each.line, reason))
        try:
            if each.attributes.get("type", "").strip() == "category":
                self._enter(each)
                return True
            if len(self.questions) >= MAX_QUESTIONS:
                self._refuse(Refused(each.line, _("There are more than %(most)s questions.", most=MAX_QUESTIONS)))
                return False
            question = _read(each, self._category, self._of_category)
            self._offered += sum(len(gap.choices) for gap in question.gaps)
            if self._offered > _MAX_OFFERED_IN_A_FILE:
                raise _Refusal(each.line, _("The gaps of the file offer too many choices together. Split it."))
        except _Refusal as refusal:
            return self._refuse(Refused(refusal.line, str(refusal)))
        self.questions.append(question)
        self._of_category = []
        return True

    def _refuse(self, refused: Refused) -> bool:
        if len(self.refused) < _MAX_REFUSED:
            self.refused.append(refused)
            return True
        reason = _("More than %(most)s questions cannot be taken. The rest was not read.", most=_MAX_REFUSED)
        self.refused.append(Refused(refused.line, reason))
        return False

    def _enter(self, element: Element) -> None:
        named = element.first("category")
        path = "" if named is None else ((named.first("text") or named).text.strip(_BLANKS))
        path = _CONTEXT.sub("", path, count=1) if _CONTEXT.match(path) else path
        self._category = "" if path == "top" else path.removeprefix("top/").strip("/")[:MAX_TEXT]
        info = element.first("info")
        has_info = info is not None and bool((info.first("text") or info).text.strip())
        self._of_category = [_("the description of its category")] if has_info else []


# --- reading a question ------------------------------------------------------------------------


@dataclass(slots=True)
class _Source:
    """The element of a question, and what was lost on the way out of it."""

    element: Element
    text_format: TextFormat = TextFormat.HTML
    losses: dict[str, None] = field(default_factory=dict)
    files: dict[str, None] = field(default_factory=dict)
    referred: dict[str, None] = field(default_factory=dict)

    def value(self, name: str, usual: str = "") -> str:
        """Return the text of a simple element."""
        found = self.element.first(name)
        return usual if found is None else (found.first("text") or found).text.strip(_BLANKS)

    def flag(self, name: str, *, usual: bool) -> bool:
        """Return a yes or no; Moodle writes 1, 0, true and false."""
        return self.value(name, "1" if usual else "0").lower() not in ("", "0", "false", "no")

    def text(self, holder: Element | None, *, is_plain: bool = False) -> str:
        """Return the text that an element holds; `is_plain` where it is the same in every kind of markup."""
        if holder is None:
            return ""
        inner = holder.first("text")
        markup = inner.children if inner else [each for each in holder.children if each.name not in _BESIDE_TEXT]
        if markup:
            raise _Refusal(markup[0].line, _("Markup stands in a text as it is. Wrap the text in CDATA."))
        for each in holder.all("file"):
            self.files.setdefault(each.attributes.get("name", "").strip() or "?", None)
        text = (inner or holder).text.strip(_BLANKS)
        if len(text) > MAX_TEXT:
            text, count = _EMBEDDED.subn("data:,", text)
            if count:
                self.lose(_("pictures that are written into its texts"))
        if len(text) > MAX_TEXT:
            raise _Refusal(holder.line, _("The text is longer than %(most)s characters.", most=MAX_TEXT))
        for found in _FILE.finditer(text):
            self.referred[unquote(found[1]).rpartition("/")[2]] = None
        if not is_plain and text:
            self._check_format(holder, text)
        return text

    def _check_format(self, holder: Element, text: str) -> None:
        name = holder.attributes.get("format", "").strip()
        if name and _FORMATS.get(name, TextFormat.HTML) is not self.text_format and _MARKUP.search(text):
            self.lose(_("that some of its texts are in another kind of markup (%(name)s)", name=name[:40]))

    def lose(self, what: str) -> None:
        """Note what the record does not hold."""
        self.losses[what] = None


def _read(element: Element, category: str, lost_of_category: Sequence[str]) -> ForeignQuestion:
    """Return the question of an element. Raises `_Refusal`."""
    name = element.attributes.get("type", "").strip()
    if not name:
        raise _Refusal(element.line, _("The question does not say of which type it is."))
    reader = _READERS.get(name)
    if reader is None:
        raise _Refusal(element.line, _("Questions of the type “%(name)s” are not taken.", name=name[:40]))
    source = _Source(element, losses=dict.fromkeys(lost_of_category))
    stem_holder = element.first("questiontext")
    written = (stem_holder.attributes.get("format", "") if stem_holder else "").strip()
    source.text_format = _FORMATS.get(written, TextFormat.HTML)
    if written and written not in _FORMATS:
        source.lose(_("its kind of markup, “%(name)s”: it is taken for HTML", name=written[:40]))
    stem = _with_old_picture(source, source.text(stem_holder))
    if not stem:
        raise _Refusal(element.line, _("The question has no text."))
    question = ForeignQuestion(
        type=Kind.DESCRIPTION,
        title="",
        stem=stem,
        text_format=source.text_format,
        general_feedback=source.text(element.first("generalfeedback")),
        tags=_tags(source),
        id=source.value("idnumber"),
        category=category,
        line=element.line,
    )
    question = reader(source, question)
    question = replace(question, title=_title(source, question.stem))
    _note_the_rest(source, question.type)
    return replace(question, losses=tuple(source.losses))


def _with_old_picture(source: _Source, stem: str) -> str:
    """Return the text with the picture that files before Moodle 2 hold beside it, put in as Moodle does."""
    name, data = source.value("image"), source.value("image_base64")
    if not name:
        return stem
    name = name.replace("/", "_")[:255]
    source.files[name] = None
    return f'{stem} <img src="@@PLUGINFILE@@/{name}" />' if data else stem


def _title(source: _Source, stem: str) -> str:
    """Return the name of a question without tags, as Moodle keeps it; the beginning of its text where it has none."""
    title = _TAG.sub("", source.text(source.element.first("name"), is_plain=True)).strip(_BLANKS)
    if not title:
        return " ".join(unescape(_TAG.sub(" ", stem)).split())[:MAX_TITLE].rstrip()
    if len(title) > MAX_TITLE:
        source.lose(_("the end of its title, which is longer than %(most)s characters", most=MAX_TITLE))
    return title[:MAX_TITLE].rstrip(_BLANKS)


def _tags(source: _Source) -> tuple[str, ...]:
    found = [
        (tag.first("text") or tag).text.strip(_BLANKS)
        for name in ("tags", "coursetags")
        for holder in source.element.all(name)
        for tag in holder.all("tag")
    ]
    return tuple(dict.fromkeys(each for each in found if each))


def _points(source: _Source) -> Fraction:
    holder = source.element.first("defaultgrade")
    written = source.value("defaultgrade")
    if holder is None or not written:
        return Fraction(1)
    points = _number(written, holder.line)
    if points < 0:
        raise _Refusal(holder.line, _("A question is worth no fewer than 0 points."))
    return points


def _number(written: str, line: int) -> Fraction:
    try:
        return exact(decimal_of(written) or written)
    except BadData:
        raise _Refusal(line, _("“%(text)s” is no number.", text=written[:40])) from None


def _fraction(element: Element) -> Fraction:
    """Return what an answer is worth in percent; an element `fraction`, which is deprecated, is a part of 1."""
    deprecated = element.first("fraction")
    if deprecated is not None and deprecated.text.strip():
        value = _number(deprecated.text.strip(), deprecated.line) * FULL
    else:
        value = _number(element.attributes.get("fraction", "").strip() or "0", element.line)
    if abs(value) > FULL:
        raise _Refusal(element.line, _("An answer is worth between −100 and 100 percent."))
    return value


def _note_the_rest(source: _Source, kind: Kind) -> None:
    """Note what else the element says."""
    element = source.element
    for name in islice(source.files, _MAX_NAMED):
        source.lose(_("the embedded file “%(name)s”", name=name[:100]))
    missing = [name for name in source.referred if name not in source.files]
    for name in missing[:_MAX_NAMED]:
        source.lose(_("the file “%(name)s”, to which its text refers", name=name[:100]))
    further = max(len(source.files) - _MAX_NAMED, 0) + max(len(missing) - _MAX_NAMED, 0)
    if further:
        source.lose(_("further files (%(count)s)", count=further))
    if any(_usual_words(each) not in {"", *_USUAL_FEEDBACK} for name in _COMBINED for each in element.all(name)):
        source.lose(_("its feedback on right, partly right and wrong answers"))
    if any((each.first("text") or each.first("hintcontent") or each).text.strip() for each in element.all("hint")):
        source.lose(_("its hints"))
    penalty = source.value("penalty")
    if penalty and not _is_usual_penalty(penalty, kind):
        source.lose(_("what each further try costs (%(penalty)s)", penalty=penalty[:20]))
    if source.flag("hidden", usual=False):
        source.lose(_("that it is hidden"))
    known = _COMMON | _READ_BY_TYPE.get(kind, set())
    for each in element.children:
        if each.name not in known and (each.children or each.text.strip() not in ("", "0")):
            source.lose(_("what the file says in “%(name)s”", name=each.name[:40]))


def _usual_words(holder: Element) -> str:
    return " ".join(unescape(_TAG.sub(" ", (holder.first("text") or holder).text)).split())


def _is_usual_penalty(written: str, kind: Kind) -> bool:
    try:
        value = exact(written)
    except BadData:
        return False
    # Older files round a third to 0.33; what is true or false has one try.
    is_near = any(abs(value - usual) < Fraction(5, 1000) for usual in _USUAL_PENALTIES)
    return is_near or (kind is Kind.TRUE_FALSE and value == 1)


# --- the types ---------------------------------------------------------------------------------


def _read_choice(source: _Source, question: ForeignQuestion) -> ForeignQuestion:
    choices = _choices(source)
    numbering = source.value("answernumbering", "abc")
    if numbering not in ("", "abc"):
        source.lose(_("how its choices are numbered (%(name)s)", name=numbering[:20]))
    return replace(
        question,
        type=Kind.SINGLE_CHOICE if source.flag("single", usual=True) else Kind.MULTIPLE_CHOICE,
        choices=choices,
        points=_points(source),
        shuffle=source.flag("shuffleanswers", usual=False),
    )


def _choices(source: _Source, *, have_fractions: bool = True) -> tuple[ForeignChoice, ...]:
    found = []
    answers = source.element.all("answer")
    if len(answers) > MAX_CHOICES:
        raise _Refusal(source.element.line, _("A question takes at most %(most)s choices.", most=MAX_CHOICES))
    for answer in answers:
        fraction = _fraction(answer) if have_fractions else Fraction(0)
        choice = ForeignChoice(source.text(answer), fraction, source.text(answer.first("feedback")))
        if choice.text:
            found.append(choice)
        elif choice.fraction or choice.feedback:
            source.lose(_("a choice without a text"))
    _check_count(source, len(found))
    return tuple(found)


def _check_count(source: _Source, count: int) -> None:
    if count < 2:
        raise _Refusal(source.element.line, _("A question needs at least two choices."))
    if count > MAX_CHOICES:
        raise _Refusal(source.element.line, _("A question takes at most %(most)s choices.", most=MAX_CHOICES))


def _read_true_false(source: _Source, question: ForeignQuestion) -> ForeignQuestion:
    answers = source.element.all("answer")
    if not 1 <= len(answers) <= 2:
        raise _Refusal(source.element.line, _("A statement has the two answers “true” and “false”."))
    feedback: dict[bool, str] = {}
    right = set()
    for place, answer in enumerate(answers):
        words = source.text(answer, is_plain=True).lower()
        # Files of old Moodles hold the words of their language, true before false.
        side = words == "true" if words in ("true", "false") else place == 0
        feedback[side] = source.text(answer.first("feedback"))
        right.add(side == (_fraction(answer) == FULL))
    if len(right) != 1 or len(feedback) != len(answers):
        raise _Refusal(source.element.line, _("Exactly one of “true” and “false” earns 100 percent."))
    return replace(
        question,
        type=Kind.TRUE_FALSE,
        correct=right.pop(),
        feedback_true=feedback.get(True, ""),
        feedback_false=feedback.get(False, ""),
        points=_points(source),
    )


def _read_short_answer(source: _Source, question: ForeignQuestion) -> ForeignQuestion:
    answers = [
        ForeignAnswer(
            text=source.text(answer, is_plain=True),
            fraction=_fraction(answer),
            feedback=source.text(answer.first("feedback")),
        )
        for answer in _answers(source)
    ]
    return replace(
        question,
        type=Kind.SHORT_ANSWER,
        answers=_some(source, [each for each in answers if each.text]),
        points=_points(source),
        case_sensitive=source.flag("usecase", usual=False),
    )


def _answers(source: _Source) -> list[Element]:
    answers = source.element.all("answer")
    if len(answers) > MAX_CHOICES:
        raise _Refusal(source.element.line, _("A question takes at most %(most)s answers.", most=MAX_CHOICES))
    return answers


def _some(source: _Source, answers: Sequence[ForeignAnswer]) -> tuple[ForeignAnswer, ...]:
    if not answers:
        raise _Refusal(source.element.line, _("The question has no answer."))
    return tuple(answers)


def _read_numeric(source: _Source, question: ForeignQuestion) -> ForeignQuestion:
    answers = []
    for answer in _answers(source):
        written = source.text(answer, is_plain=True)
        if not written:
            continue
        value = "*" if written == "*" else decimal_of(written)
        tolerance = answer.first("tolerance")
        margin = decimal_of(tolerance.text.strip() or "0") if tolerance else "0"
        if value is None or margin is None or margin.startswith("-"):
            wrong = written if value is None or tolerance is None else tolerance.text.strip()
            raise _Refusal(answer.line, _("“%(text)s” is no number.", text=wrong[:40]))
        answers.append(
            ForeignAnswer(
                value=value,
                tolerance=margin,
                fraction=_fraction(answer),
                feedback=source.text(answer.first("feedback")),
            )
        )
    if source.flag("unitgradingtype", usual=False):
        source.lose(_("what a wrong unit costs"))
    if source.flag("unitsleft", usual=False):
        source.lose(_("that its units stand before the number"))
    if source.text(source.element.first("instructions"), is_plain=True):
        source.lose(_("its instructions about units"))
    return replace(
        question,
        type=Kind.NUMERIC,
        answers=_some(source, answers),
        units=_units(source),
        points=_points(source),
    )


def _units(source: _Source) -> tuple[tuple[str, str], ...]:
    """Return the units with what one of each is in the first one; Moodle says how many make one."""
    found: list[tuple[str, Fraction]] = []
    holder = source.element.first("units")
    for unit in holder.all("unit") if holder else ():
        named, multiplier = unit.first("unit_name"), unit.first("multiplier")
        name = (named.first("text") or named).text.strip(_BLANKS) if named else ""
        written = (multiplier.text.strip() if multiplier else "") or "1"
        many = _number(written, unit.line)
        if many <= 0:
            raise _Refusal(unit.line, _("A unit is more than 0 of another one."))
        if name:
            found.append((name, _one_of(many, written)))
    return tuple((name, _ratio(value / found[0][1])) for name, value in found)


def _one_of(many: Fraction, written: str) -> Fraction:
    """Return what one is of another that so many make; 0.000277778, a rounded number, of one of 3,600."""
    value = 1 / many
    decimals = written.partition(".")[2]
    if len(decimals.lstrip("0")) >= 5:
        for parts in (1, 2, 3, 4, 5, 6, 8, 9, 10, 12):
            near = Fraction(round(value * parts), parts)
            if near and abs(1 / near - many) * 2 * 10 ** len(decimals) <= 1:
                return near
    return value


def _ratio(value: Fraction) -> str:
    """Return a number as a decimal one, or as 1/3 where it is none."""
    written = decimal(value, 20)
    return written if Fraction(written) == value else f"{value.numerator}/{value.denominator}"


def _read_matching(source: _Source, question: ForeignQuestion) -> ForeignQuestion:
    pairs = []
    subquestions = source.element.all("subquestion")
    if len(subquestions) > MAX_CHOICES:
        raise _Refusal(source.element.line, _("A question takes at most %(most)s choices.", most=MAX_CHOICES))
    for each in subquestions:
        left = source.text(each)
        right = source.text(each.first("answer"), is_plain=True)
        if left and not right:
            raise _Refusal(each.line, _("“%(text)s” has no match.", text=left[:40]))
        if right:
            pairs.append((left, right))
    if not any(left for left, _right in pairs) or len({right for _left, right in pairs}) < 2:
        raise _Refusal(source.element.line, _("A matching needs something to match, and two answers to choose from."))
    return replace(
        question,
        type=Kind.MATCHING,
        pairs=tuple(pairs),
        points=_points(source),
        shuffle=source.flag("shuffleanswers", usual=True),
    )


def _read_essay(source: _Source, question: ForeignQuestion) -> ForeignQuestion:
    if source.value("attachments", "0") != "0":
        source.lose(_("that files may be handed in"))
    return replace(
        question,
        type=Kind.FREE_TEXT,
        template=source.text(source.element.first("responsetemplate")),
        marking_notes=source.text(source.element.first("graderinfo")),
        points=_points(source),
    )


def _read_description(source: _Source, question: ForeignQuestion) -> ForeignQuestion:
    return question


def _read_cloze(source: _Source, question: ForeignQuestion) -> ForeignQuestion:
    holder = source.element.first("questiontext")
    assert holder is not None
    try:
        found = read_gaps(question.stem)
    except BadGap as bad:
        inner = holder.first("text") or holder
        ahead = len(inner.text) - len(inner.text.lstrip(_BLANKS))
        line = inner.line + inner.text.count("\n", 0, ahead) + question.stem.count("\n", 0, bad.place)
        raise _Refusal(line, str(bad)) from None
    for strange in found.strange:
        source.lose(_("a gap like “%(text)s”, which nobody knows: it stays text", text=strange[:40]))
    if len(set(found.shuffles)) == 2:
        source.lose(_("that the choices of only some gaps are shuffled"))
    return replace(
        question,
        type=Kind.GAP,
        stem=found.stem,
        gaps=found.gaps,
        points=sum((gap.points for gap in found.gaps), Fraction(0)),
        shuffle=all(found.shuffles),
    )


def _read_words_to_choose(source: _Source, question: ForeignQuestion) -> ForeignQuestion:
    """Return a question whose gaps are filled by choosing (gapselect) or dragging (ddwtos) one of a group of words."""
    words: list[tuple[str, str]] = []
    for each in source.element.children:
        if each.name in ("selectoption", "dragbox"):
            named = each.first("group")
            text = source.text(each, is_plain=True)
            if text:
                words.append((text, named.text.strip() if named else "1"))
    _check_count(source, len(words))
    numbers = [int(place[1]) for place in _PLACE.finditer(question.stem)]
    if not numbers:
        raise _Refusal(source.element.line, _("The text has no gap like “[[1]]”."))
    unknown = next((number for number in numbers if not 1 <= number <= len(words)), None)
    if unknown is not None:
        raise _Refusal(source.element.line, _("“%(text)s” names no choice.", text=f"[[{unknown}]]"))
    points = _points(source)
    gaps: list[ForeignGap] = []
    wrong = [ForeignChoice(text) for text, _group in words]
    of_word: dict[int, ForeignGap] = {}
    offered = 0
    for number in numbers:
        if number not in of_word:
            group = words[number - 1][1]
            choices = tuple(
                ForeignChoice(text, FULL) if place == number else wrong[place - 1]
                for place, (text, its_group) in enumerate(words, start=1)
                if its_group == group
            )
            of_word[number] = ForeignGap(choices=choices, points=points / len(numbers))
        gaps.append(of_word[number])
        offered += len(gaps[-1].choices)
        if len(gaps) > MAX_CHOICES or offered > _MAX_OFFERED:
            raise _Refusal(source.element.line, _("The question has too many gaps, or choices in them."))
    places = iter(range(1, len(numbers) + 1))
    return replace(
        question,
        type=Kind.GAP,
        stem=_PLACE.sub(lambda _place: f"[[{next(places)}]]", question.stem),
        gaps=tuple(gaps),
        points=points,
        shuffle=source.flag("shuffleanswers", usual=True),
    )


def _read_ordering(source: _Source, question: ForeignQuestion) -> ForeignQuestion:
    choices = _choices(source, have_fractions=False)
    selection = source.value("selecttype") or source.value("logical") or "ALL"
    if selection.upper() not in ("ALL", "EXACT", "0"):
        source.lose(_("that only some of its items are shown"))
    grading = source.value("gradingtype")
    # The one that we write; none of them says more than how what is partly right is marked.
    if grading.upper() not in ("", "ABSOLUTE_POSITION"):
        source.lose(_("how a partly right order is marked (%(name)s)", name=grading[:40]))
    return replace(question, type=Kind.ORDERING, choices=choices, points=_points(source))


_READERS: dict[str, Callable[[_Source, ForeignQuestion], ForeignQuestion]] = {
    "multichoice": _read_choice,
    "truefalse": _read_true_false,
    "shortanswer": _read_short_answer,
    "numerical": _read_numeric,
    "matching": _read_matching,
    "match": _read_matching,
    "essay": _read_essay,
    "description": _read_description,
    "cloze": _read_cloze,
    "multianswer": _read_cloze,
    "gapselect": _read_words_to_choose,
    "ddwtos": _read_words_to_choose,
    "ordering": _read_ordering,
}
_OF_CHOICES = {"single", "answernumbering", "answer"}
_READ_BY_TYPE: dict[Kind, set[str]] = {
    Kind.SINGLE_CHOICE: _OF_CHOICES,
    Kind.MULTIPLE_CHOICE: _OF_CHOICES,
    Kind.TRUE_FALSE: {"answer"},
    Kind.SHORT_ANSWER: {"answer", "usecase"},
    Kind.NUMERIC: {
        "answer",
        "units",
        "unitgradingtype",
        "unitpenalty",
        "showunits",
        "unitsleft",
        "instructions",
    },
    Kind.MATCHING: {"subquestion"},
    Kind.FREE_TEXT: {
        "responseformat",
        "responserequired",
        "responsefieldlines",
        "attachments",
        "attachmentsrequired",
        "maxbytes",
        "filetypeslist",
        "graderinfo",
        "responsetemplate",
        # Left over from before Moodle 2.
        "answer",
    },
    Kind.GAP: {"selectoption", "dragbox"},
    Kind.ORDERING: {
        "answer",
        "layouttype",
        "selecttype",
        "selectcount",
        "logical",
        "studentsee",
        "gradingtype",
        "showgrading",
        "numberingstyle",
    },
}


# --- writing -----------------------------------------------------------------------------------


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
    for writer in (_write_cloze, _write_words_to_choose):
        text = writer(question)
        if text is None:
            continue
        back = read(_joined([_category_change(question) + text]).encode()).questions
        losses = len(list(lost(question, back[0]))) if len(back) == 1 else len(ForeignQuestion.__slots__)
        if best is None or losses < best[0]:
            best = (losses, text)
        if not losses:
            break
    return best[1] if best else None


def _element(question: ForeignQuestion, name: str, stem: str, inner: Iterable[str]) -> str:
    """Return the element of a question, its parts in Moodle's order."""
    markup = f'format="{_NAMES_OF_FORMATS[question.text_format]}"'
    title = question.title.strip(_BLANKS) or " ".join(_TAG.sub(" ", question.stem).split())[:MAX_TITLE]
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
    markup = f'format="{_NAMES_OF_FORMATS[question.text_format]}"'
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
    markup = f'format="{_NAMES_OF_FORMATS[question.text_format]}"'
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


def _write_cloze(question: ForeignQuestion) -> str | None:
    # An answer to write and one to choose cannot be one gap.
    if not question.gaps or any(bool(gap.choices) == bool(gap.answers) for gap in question.gaps):
        return None
    return _element(question, "cloze", write_gaps(question.stem, question.gaps, shuffle=question.shuffle), [])


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
    return _element(question, "gapselect", _PLACE.sub(numbered, question.stem), inner)


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
    return _answer(question, choice.text, fraction, choice.feedback, markup=_NAMES_OF_FORMATS[question.text_format])


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
            f'      <feedback format="{_NAMES_OF_FORMATS[question.text_format]}">',
            _text(feedback, 8),
            "      </feedback>",
            *further,
            "    </answer>",
        ]
    )


def _no_combined_feedback() -> list[str]:
    return [f'    <{name} format="html">\n      <text></text>\n    </{name}>' for name in _COMBINED]


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


FORMAT = MoodleXml()
