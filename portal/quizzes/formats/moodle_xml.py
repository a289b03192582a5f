"""Moodle XML: what Moodle itself writes and takes (docs.moodle.org, "Moodle XML format").

Read as Moodle's importer reads it, white space at the ends of texts included. Whatever a file says beyond the record
is named in the losses of its question.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from html import unescape
from itertools import islice
from urllib.parse import unquote

from portal.core.i18n import gettext as _
from portal.quizzes.formats import moodle_xml_writer
from portal.quizzes.formats.cloze import BadGap, decimal, decimal_of, read_gaps
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
from portal.quizzes.formats.moodle_xml_writer import BLANKS, COMBINED, FORMATS, PLACE, TAG

# Whoever sends a file with more mistakes has enough to mend.
_MAX_REFUSED = 1_000
# Four names of the longest, one in another.
_MAX_CATEGORY = 4 * MAX_TITLE
# Files and the like of one question that are told by name.
_MAX_NAMED = 20
# Choices of gaps are written once and offered in each gap: a small file must not become a large one.
_MAX_OFFERED = 1_000
_MAX_OFFERED_IN_A_FILE = 200_000
_FILE = re.compile(r"""@@PLUGINFILE@@/([^\s"'<>?#)]{1,255})""")
_EMBEDDED = re.compile(r"data:[a-z]{1,20}/[a-z0-9.+-]{1,40};base64,[A-Za-z0-9+/=]{100,}")
_MARKUP = re.compile(r"[<&\n*_#`\\\[\]]")
_CONTEXT = re.compile(r"\$[a-z]+\$(?:/|$)")
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
    *COMBINED,
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
        return moodle_xml_writer.write(questions, self.read)


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
            if not _says_something(each):
                return True
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
        path = "" if named is None else ((named.first("text") or named).text.strip(BLANKS))
        path = _CONTEXT.sub("", path, count=1) if _CONTEXT.match(path) else path
        path = "" if path == "top" else path.removeprefix("top/").strip("/")
        info = element.first("info")
        has_info = info is not None and bool((info.first("text") or info).text.strip())
        self._category = path[:_MAX_CATEGORY]
        self._of_category = [_("the description of its category")] if has_info else []
        if len(path) > _MAX_CATEGORY:
            self._of_category.append(_("its category"))


def _says_something(element: Element) -> bool:
    return bool(element.text.strip()) or any(_says_something(each) for each in element.children)


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
        return usual if found is None else (found.first("text") or found).text.strip(BLANKS)

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
        text = (inner or holder).text.strip(BLANKS)
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
        if name and FORMATS.get(name, TextFormat.HTML) is not self.text_format and _MARKUP.search(text):
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
    source.text_format = FORMATS.get(written, TextFormat.HTML)
    if written and written not in FORMATS:
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
        id=_id(source),
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
    title = TAG.sub("", source.text(source.element.first("name"), is_plain=True)).strip(BLANKS)
    if not title:
        return " ".join(unescape(TAG.sub(" ", stem)).split())[:MAX_TITLE].rstrip()
    if len(title) > MAX_TITLE:
        source.lose(_("the end of its title, which is longer than %(most)s characters", most=MAX_TITLE))
    return title[:MAX_TITLE].rstrip(BLANKS)


def _tags(source: _Source) -> tuple[str, ...]:
    found = [
        (tag.first("text") or tag).text.strip(BLANKS)
        for name in ("tags", "coursetags")
        for holder in source.element.all(name)
        for tag in holder.all("tag")
    ]
    if any(len(each) > MAX_TITLE for each in found):
        source.lose(_("its longest tags"))
    return tuple(dict.fromkeys(each for each in found if 0 < len(each) <= MAX_TITLE))


def _id(source: _Source) -> str:
    written = source.value("idnumber")
    if len(written) <= MAX_TITLE:
        return written
    source.lose(_("its id"))
    return ""


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
    if any(_usual_words(each) not in {"", *_USUAL_FEEDBACK} for name in COMBINED for each in element.all(name)):
        source.lose(_("its feedback on right, partly right and wrong answers"))
    if any((each.first("text") or each.first("hintcontent") or each).text.strip() for each in element.all("hint")):
        source.lose(_("its hints"))
    penalty = source.value("penalty")
    if penalty and not _is_usual_penalty(penalty, kind):
        source.lose(_("what each further try costs (%(penalty)s)", penalty=penalty[:20]))
    if source.flag("hidden", usual=False):
        source.lose(_("that it is hidden"))
    known = _COMMON | _READ_BY_TYPE.get(kind, set())
    unknown = (
        each.name
        for each in element.children
        if each.name not in known and (each.children or each.text.strip() not in ("", "0"))
    )
    for name in islice(dict.fromkeys(unknown), _MAX_NAMED):
        source.lose(_("what the file says in “%(name)s”", name=name[:40]))


def _usual_words(holder: Element) -> str:
    return " ".join(unescape(TAG.sub(" ", (holder.first("text") or holder).text)).split())


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


def _read_all_right_ones(source: _Source, question: ForeignQuestion) -> ForeignQuestion:
    """Return a question of a plug-in in which every right choice says 100 percent: all or nothing, or in shares."""
    made = _read_choice(source, question)
    right = [each for each in made.choices if each.fraction > 0]
    if not right:
        raise _Refusal(source.element.line, _("Nothing says which choice is right."))
    is_whole = source.element.attributes.get("type", "").strip() == "multichoiceset"
    if not is_whole:
        source.lose(_("how too many choices are marked"))
    share = FULL / len(right)
    wrong = Fraction(0) if is_whole else -share
    choices = tuple(replace(each, fraction=share if each.fraction > 0 else wrong) for each in made.choices)
    return replace(made, type=Kind.MULTIPLE_CHOICE, choices=choices, all_or_nothing=is_whole)


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
        name = (named.first("text") or named).text.strip(BLANKS) if named else ""
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
        if source.element.attributes.get("type", "").strip() == "ddmatch":
            # What is dragged is HTML, what we choose from is plain.
            if _MARKUP.search(TAG.sub("", right)) or len(set(map(str.lower, TAG.findall(right))) - {"<p>", "</p>"}):
                source.lose(_("the markup of what is matched"))
            right = " ".join(unescape(TAG.sub(" ", right)).split())
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
        ahead = len(inner.text) - len(inner.text.lstrip(BLANKS))
        line = inner.line + inner.text.count("\n", 0, ahead) + question.stem.count("\n", 0, bad.place)
        raise _Refusal(line, str(bad)) from None
    for strange in islice(dict.fromkeys(found.strange), _MAX_NAMED):
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
    numbers = [int(place[1]) for place in PLACE.finditer(question.stem)]
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
        stem=PLACE.sub(lambda _place: f"[[{next(places)}]]", question.stem),
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
    # Of plug-ins that many sites have.
    "ddmatch": _read_matching,
    "multichoiceset": _read_all_right_ones,
    "oumultiresponse": _read_all_right_ones,
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


FORMAT = MoodleXml()
