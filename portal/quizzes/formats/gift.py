"""GIFT: questions as lines of text, their answers in braces.

The format is Moodle's (docs.moodle.org, "GIFT format"), and a file is read as Moodle's importer reads it, odd corners
included: a bank that went through Moodle before says here what it said there. What that importer would take for
something nobody meant is told beside the question, or refused where it makes no sense at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Context, Decimal
from fractions import Fraction
from io import StringIO
from itertools import chain
from typing import Any, NamedTuple

from portal.core.i18n import gettext as _
from portal.quizzes.formats.interchange import (
    FULL,
    MAX_CHOICES,
    MAX_QUESTIONS,
    MAX_TEXT,
    MAX_TITLE,
    BadData,
    ForeignAnswer,
    ForeignChoice,
    ForeignQuestion,
    Kind,
    NotUtf8,
    Reading,
    Refused,
    TextFormat,
    Writing,
    decoded,
    exact,
)
from portal.quizzes.formats.losses import write_each

# After so many refusals the file is something else, and a longer list helps nobody.
_MAX_REFUSED = 1_000
# So much of a text is looked at for a title, and so much of a comment for tags.
_BEGINNING = 8 * 1024
_MAX_COMMENTS = 100
# The longest question, all of its texts together.
_LONGEST_BLOCK = 16 * MAX_TEXT
# What Moodle trims: neither the full-width space nor the no-break one.
_SPACE = " \t\n\r\v"
# What stands behind a "<" that begins no tag.
_AFTER_NO_TAG = tuple(" \t\n\r\v\f")
# Texts that PHP takes for nothing.
_NOTHING = ("", "0")
_GAP = "_____"
_CATEGORY = "$CATEGORY:"
_TOP = "$course$/top"

_ESCAPE = re.compile(r"\\([\\:#={}~n])")
# While control signs are looked for, escaped ones are halves of surrogate pairs, which no text of a file can hold.
_HIDDEN = {sign: chr(0xDC00 + ord(sign)) for sign in ":#={}~"} | {"n": chr(0xDC0A), "\\": "\\"}
_SHOWN = str.maketrans({chr(0xDC00 + ord(sign)): sign for sign in ":#={}~\n"} | {"\r": "\n"})
_ESCAPED = str.maketrans({sign: "\\" + sign for sign in "\\:#={}~"} | {"\n": "\\n"})
# In the items of an ordering Moodle undoes no escape but that of the backslash.
_ESCAPED_IN_ITEMS = str.maketrans({sign: "\\" + sign for sign in "\\{}"} | {"\n": "\\n"})

_MARKUP = re.compile(r"\[(moodle|html|plain|markdown)\]")
_WEIGHT = re.compile(r"%(-*[0-9]{1,2}\.?[0-9]*)%")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,9})?")
_LONGEST_NUMBER = 60
_GREATEST_EXPONENT = 30
_STEPS = re.compile(r"(?<!/)/(?!/)")
_CONTEXT = re.compile(r"\$[a-z]+\$")
_BLANK_LINES = re.compile(r"\n{2,}")
_SIGN_OF_TAG = re.compile(r"<!--|[<>\"']")
# What opens and ends a mark in a comment, and what none may hold.
_ID = re.compile(r"(?P<open>\[id:)|(?P<end>(?<!\\)\])|(?P<bad>[\x00-\x1f\x7f])")
_TAG = re.compile(r"(?P<open>\[tag:)|(?P<end>(?<!\\)\])|(?P<bad>[<>`\x00-\x1f\x7f])")

# What may follow the number in `{>3 ALL VERTICAL ABSOLUTE_POSITION SHOW none`: which items, how marked, how shown.
_ORDERING = re.compile(r">[ \t]*[0-9]+(?P<words>[^\n]*)")
_WHICH = re.compile(r"ALL|EXACT|RANDOM|REL|CONTIG(?:UOUS)?")
_HOW_MARKED = re.compile(r"ALL_OR_NOTHING|ABS(?:OLUTE(?:_POSITION)?)?|(?:RELATIVE|LONGEST)[A-Z_]*")
_HOW_SHOWN = re.compile(r"HORI(?:ZONTAL)?|VERT(?:ICAL)?|[HV01]|SHOW|HIDE|TRUE|FALSE|YES|NO|none|123|abc|ABCD|iii|IIII")
_WHOLE_ORDER = ("ALL", "EXACT", "ABS", "ABSOLUTE", "ABSOLUTE_POSITION")


class Gift:
    """Every type of question that Moodle writes into it, tags and ids in comments, categories in lines of their own."""

    name = "gift"
    suffix = ".txt"
    content_type = "text/plain"

    def read(self, data: bytes) -> Reading:
        """Return what a file holds."""
        try:
            text = decoded(data)
        except NotUtf8 as broken:
            return Reading((), (Refused(broken.line, str(broken)),))
        questions: list[ForeignQuestion] = []
        refused: list[Refused] = []
        category = ""
        for block in _blocks(text):
            if len(questions) >= MAX_QUESTIONS and not block.text.startswith(_CATEGORY):
                refused.append(Refused(block.line, _("There are more than %(most)s questions.", most=MAX_QUESTIONS)))
                break
            if len(refused) >= _MAX_REFUSED:
                reason = _("From here on nothing was read: too much was refused. Is it a file of this format?")
                refused.append(Refused(block.line, reason))
                break
            try:
                if block.text.startswith(_CATEGORY):
                    first, _line_end, rest = block.text.partition("\n")
                    category = _path(first.removeprefix(_CATEGORY).translate(_SHOWN))
                    if follows := rest.lstrip(_SPACE):
                        reason = _("After $CATEGORY there must be a blank line; what follows here was not taken.")
                        raise _Untaken(block.line_of(len(block.text) - len(follows)), reason)
                    continue
                questions.append(_question(block, category))
            except _Untaken as wrong:
                refused.append(Refused(wrong.line, str(wrong)))
        return Reading(tuple(questions), tuple(refused))

    def write(self, questions: Sequence[ForeignQuestion]) -> Writing:
        """Return a file of the questions and what it leaves out."""
        has_categories = any(question.category for question in questions)

        def category_of(question: ForeignQuestion) -> str:
            if not has_categories:
                return ""
            steps = [_TOP, *([" ".join(question.category.split())] if question.category else [])]
            return f"{_CATEGORY} {'/'.join(steps)}\n\n".replace("\\", "\\\\")

        return write_each(questions, render=_rendered, read=self.read, join="\n".join, context=category_of)


class _Untaken(ValueError):
    """Why a question cannot be taken; `line` is the one at fault."""

    def __init__(self, line: int, reason: str) -> None:
        self.line = line
        super().__init__(reason)


# --- reading: from lines to the parts of a question -------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Block:
    """The lines between two blank ones, escaped signs hidden; empty ones stand for comments, for counting lines."""

    line: int
    text: str
    comments: tuple[str, ...]

    def line_of(self, place: int) -> int:
        """Return the line of a place in the text."""
        return self.line + self.text.count("\n", 0, place)


class _Piece(NamedTuple):
    """A part of a question's text, without the space around it, and the line on which it begins."""

    line: int
    text: str


@dataclass(slots=True)
class _Texts:
    """Takes the texts of a question, and notes what is not as its stem is."""

    usual: TextFormat
    others: bool = False
    losses: list[str] = field(default_factory=list)

    def take(self, line: int, raw: str) -> str:
        """Return a text as it is meant: without the name of its markup, its escapes undone."""
        if not raw:
            return ""
        text, markup = _text(line, raw, self.usual)
        self.others |= markup is not self.usual
        return text

    def all_losses(self) -> tuple[str, ...]:
        """Return what the record does not hold of the question."""
        if self.others:
            return (*self.losses, _("that some of its texts are in another markup than its stem"))
        return tuple(self.losses)


def _blocks(text: str) -> Iterator[_Block]:
    """Yield what stands between blank lines; what holds nothing but comments is left out."""
    # Files of old Macintoshes end their lines with \r alone; elsewhere it is space.
    text = text.replace("\0", "")
    lines = StringIO(text if "\n" in text else text.replace("\r", "\n"), newline="\n")
    gathered: list[str] = []
    comments: list[str] = []
    first = size = 0
    for number, each in enumerate(chain(lines, [""]), start=1):
        line = each.strip(_SPACE)
        if line in _NOTHING:
            if gathered:
                yield _block(first, gathered, comments)
            gathered, comments, size = [], [], 0
        elif line.startswith("//"):
            if "[" in line and len(comments) < _MAX_COMMENTS:
                comments.append(line[:_BEGINNING])
            if gathered:
                gathered.append("")
        else:
            if not gathered:
                first = number
            # What is longer is refused, and need not be kept until then.
            if size <= _LONGEST_BLOCK:
                gathered.append(line)
                size += len(line)


def _block(first: int, lines: Sequence[str], comments: Sequence[str]) -> _Block:
    text = "\n".join(lines).rstrip(_SPACE)
    # What is too long to be taken stays so.
    if "\\" in text and len(text) <= _LONGEST_BLOCK:
        text = _ESCAPE.sub(lambda found: _HIDDEN[found[1]], text)
    return _Block(first, text, tuple(comments))


def _question(block: _Block, category: str) -> ForeignQuestion:
    """Return the question of a block. Raises `_Untaken`."""
    text = block.text
    if len(text) > _LONGEST_BLOCK:
        raise _Untaken(block.line, _("The text is longer than %(most)s characters.", most=_LONGEST_BLOCK))
    title: str | None = None
    begins = 0
    if text.startswith("::"):
        begins = 2
        ends = text.find("::", 2)
        if ends >= 0:
            title = _shortened(_without_tags(text[2:ends].translate(_SHOWN)).strip(_SPACE), MAX_TITLE, MAX_TITLE - 4)
            begins = ends + 2
            begins += len(text) - begins - len(text[begins:].lstrip(_SPACE))
    opened, closed = text.find("{", begins), text.find("}", begins)
    section = general = _Piece(block.line, "")
    if opened < 0 and closed < 0:
        raw = text[begins:]
    elif closed < 0:
        reason = _("The { here is never closed. A blank line ends a question, also inside braces.")
        raise _Untaken(block.line_of(opened), reason)
    elif opened < 0:
        reason = _("The } here closes nothing. A blank line ends a question, also inside braces.")
        raise _Untaken(block.line_of(closed), reason)
    elif closed < opened:
        raise _Untaken(block.line_of(closed), _("The } here stands before the first {. Write \\} for a brace as text."))
    else:
        raw = text[begins:opened] + ("" if text.endswith("}") else _GAP) + text[closed + 1 :]
        section, general = _section(block, opened + 1, closed)
    stem, text_format = _text(block.line, raw, TextFormat.MOODLE)
    texts = _Texts(text_format)
    general_feedback = texts.take(general.line, general.text)
    if opened < 0:
        kind, says = Kind.DESCRIPTION, dict[str, Any]()
    else:
        kind, says = _answers(section, texts)
    id_, tags = _id_and_tags(block.comments)
    return ForeignQuestion(
        type=kind,
        title=title if title is not None else _title_from(stem),
        stem=stem,
        text_format=text_format,
        general_feedback=general_feedback,
        tags=tags,
        id=id_,
        category=category,
        line=block.line,
        losses=texts.all_losses(),
        **says,
    )


def _section(block: _Block, start: int, end: int) -> tuple[_Piece, _Piece]:
    """Return what stands between braces: the answers, and the general feedback behind the last ####."""
    answers = block.text[start:end]
    place = answers.rfind("####")
    general = _Piece(block.line, "")
    if place >= 0:
        general = _Piece(block.line_of(start + place), answers[place + 4 :])
        answers = answers[:place]
    start += len(answers) - len(answers.lstrip(_SPACE))
    return _Piece(block.line_of(start), answers.strip(_SPACE)), general


def _text(line: int, raw: str, usual: TextFormat) -> tuple[str, TextFormat]:
    """Return a text without the name of its markup, and the markup; the name counts at the very start only."""
    if len(raw) > MAX_TEXT:
        raise _Untaken(line, _("The text is longer than %(most)s characters.", most=MAX_TEXT))
    named = _MARKUP.match(raw) if raw.startswith("[") else None
    if named:
        usual, raw = TextFormat(named[1]), raw[named.end() :]
    return _shown(raw), usual


def _shown(raw: str) -> str:
    """Return a text with its escaped signs, without the space around it."""
    if "\n\n" in raw:
        # Where a comment stood there is an empty line, which is no paragraph.
        raw = _BLANK_LINES.sub("\n", raw)
    return (raw if raw.isascii() and "\r" not in raw else raw.translate(_SHOWN)).strip(_SPACE)


def _title_from(stem: str) -> str:
    title = _shortened(_without_tags(stem), 80, 80).strip(_SPACE)
    return _("Question name") if title in _NOTHING else title


def _shortened(text: str, most: int, length: int) -> str:
    return text if len(text) <= most else text[: length - 3] + "..."


def _without_tags(text: str) -> str:
    """Return a text without what looks like tags of HTML, for a title; "<" before a space is none."""
    text = text[:_BEGINNING]
    kept: list[str] = []
    at = 0
    while (start := text.find("<", at)) >= 0:
        kept.append(text[at:start])
        if text.startswith(_AFTER_NO_TAG, start + 1):
            kept.append("<")
            at = start + 1
        else:
            at = _end_of_tag(text, start)
    kept.append(text[at:])
    return "".join(kept)


def _end_of_tag(text: str, start: int) -> int:
    depth, quote = 0, ""
    for found in _SIGN_OF_TAG.finditer(text, start):
        sign = found[0]
        if quote:
            quote = "" if sign == quote else quote
        elif sign == "<!--":
            end = text.find("-->", found.start() + 2)
            return end + 3 if end >= 0 else len(text)
        elif sign == "<":
            depth += not text.startswith(_AFTER_NO_TAG, found.end())
        elif sign == ">":
            depth -= 1
            if not depth:
                return found.end()
        else:
            quote = sign
    return len(text)


def _id_and_tags(comments: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """Return what comments say in `[id:…]`, the first one, and in `[tag:…]`."""
    ids = (found for line in comments for found in _marked(line, _ID))
    tags = (found for line in comments for found in _marked(line, _TAG))
    return next(ids, ""), tuple(dict.fromkeys(filter(None, tags)))


def _marked(line: str, signs: re.Pattern[str]) -> Iterator[str]:
    """Yield what stands between an opening and the next bracket that no backslash escapes."""
    start: int | None = None
    for sign in signs.finditer(line):
        if sign["open"]:
            start = sign.end() if start is None else start
        else:
            if sign["end"] and start is not None and start < sign.start():
                yield line[start : sign.start()].replace("\\]", "]").strip(_SPACE)
            start = None


def _path(text: str) -> str:
    """Return the path of a category below the top one; "//" is a stroke in a name."""
    steps = [step.strip(_SPACE) for step in _STEPS.split(text)]
    if _CONTEXT.fullmatch(steps[0]):
        del steps[0]
    if steps and steps[0] == "top":
        del steps[0]
    return "/".join(filter(None, steps))


# --- reading: the answers between the braces ---------------------------------------------------------


def _answers(section: _Piece, texts: _Texts) -> tuple[Kind, dict[str, Any]]:
    """Return the type that the answers make of a question, and the fields they fill. Raises `_Untaken`."""
    text = section.text
    if not text:
        return Kind.FREE_TEXT, {}
    items = _items_in_order(section, texts)
    if items:
        return Kind.ORDERING, {"choices": items}
    if text.startswith("#"):
        return Kind.NUMERIC, {"answers": _numbers(section, texts)}
    if "~" in text:
        kind = Kind.SINGLE_CHOICE if "=" in text else Kind.MULTIPLE_CHOICE
        return kind, {"choices": _choices(section, texts)}
    if "=" in text and "->" in text:
        return Kind.MATCHING, {"pairs": _pairs(section, texts)}
    if text.partition("#")[0].rstrip(_SPACE) in ("T", "TRUE", "F", "FALSE"):
        return Kind.TRUE_FALSE, _true_or_false(section, texts)
    return Kind.SHORT_ANSWER, {"answers": _short_answers(section, texts)}


def _split(section: _Piece, sign: str) -> list[_Piece]:
    """Return the pieces between signs; one before the first sign counts where it says something."""
    if section.text.count(sign) > MAX_CHOICES:
        raise _Untaken(section.line, _("There are more than %(most)s answers.", most=MAX_CHOICES))
    pieces: list[_Piece] = []
    line = section.line
    for each in section.text.split(sign):
        text = each.lstrip(_SPACE)
        begins = line + each.count("\n", 0, len(each) - len(text))
        pieces.append(_Piece(begins, text.rstrip(_SPACE)))
        line += each.count("\n")
    if pieces[0].text in _NOTHING:
        del pieces[0]
    return pieces


def _weight(piece: _Piece, usual: Fraction) -> tuple[Fraction, _Piece]:
    """Return the percentage before an answer, and the rest of it."""
    found = _WEIGHT.match(piece.text) if piece.text.startswith("%") else None
    if not found:
        return usual, piece
    try:
        fraction = exact(found[1])
    except BadData:
        reason = _("“%(text)s” is no percentage.", text=_quoted(found[0]))
        raise _Untaken(piece.line, reason) from None
    return fraction, _Piece(piece.line, piece.text[found.end() :])


def _with_feedback(piece: _Piece, texts: _Texts) -> tuple[str, str]:
    answer, sign, feedback = piece.text.partition("#")
    if not sign:
        return texts.take(piece.line, answer.strip(_SPACE)), ""
    line = piece.line + answer.count("\n")
    return texts.take(piece.line, answer.strip(_SPACE)), texts.take(line, feedback.strip(_SPACE))


def _choices(section: _Piece, texts: _Texts) -> tuple[ForeignChoice, ...]:
    pieces = _split(_Piece(section.line, section.text.replace("=", "~=")), "~")
    if len(pieces) < 2:
        raise _Untaken(section.line, _("A question needs at least two choices."))
    choices = []
    for piece in pieces:
        if piece.text.startswith("="):
            # A percentage behind = is text to Moodle.
            fraction, rest = FULL, _Piece(piece.line, piece.text[1:])
        else:
            fraction, rest = _weight(piece, Fraction(0))
        text, feedback = _with_feedback(rest, texts)
        choices.append(ForeignChoice(text, fraction, feedback))
    return tuple(choices)


def _short_answers(section: _Piece, texts: _Texts) -> tuple[ForeignAnswer, ...]:
    answers = []
    for piece in _split(section, "="):
        fraction, rest = _weight(piece, FULL)
        text, feedback = _with_feedback(rest, texts)
        answers.append(ForeignAnswer(text=text, fraction=fraction, feedback=feedback))
    if not answers:
        raise _Untaken(section.line, _("There is no answer between the braces. Write {=0} for the answer 0."))
    return tuple(answers)


def _true_or_false(section: _Piece, texts: _Texts) -> dict[str, Any]:
    answer, *feedback = (each.strip(_SPACE) for each in section.text.split("#", 2))
    wrong, right = [texts.take(section.line, each) for each in [*feedback, "", ""][:2]]
    if answer.startswith("T"):
        return {"correct": True, "feedback_true": right, "feedback_false": wrong}
    return {"correct": False, "feedback_true": wrong, "feedback_false": right}


def _pairs(section: _Piece, texts: _Texts) -> tuple[tuple[str, str], ...]:
    pairs = []
    for piece in _split(section, "="):
        left, arrow, right = piece.text.partition("->")
        if not arrow:
            raise _Untaken(piece.line, _("There is no -> in “%(text)s”.", text=_quoted(piece.text)))
        if len(right) > MAX_TEXT:
            raise _Untaken(piece.line, _("The text is longer than %(most)s characters.", most=MAX_TEXT))
        pairs.append((texts.take(piece.line, left), _shown(right)))
    if len(pairs) < 2:
        raise _Untaken(section.line, _("A matching needs at least two pairs."))
    return tuple(pairs)


def _items_in_order(section: _Piece, texts: _Texts) -> tuple[ForeignChoice, ...] | None:
    """Return the items of `{>3 ALL …`, which Moodle reads since 4.4, or None where it is nothing of the kind."""
    header = _ORDERING.match(section.text)
    if not header:
        return None
    words = header["words"].split()
    items = [each.strip(_SPACE) for each in section.text[header.end() :].split("\n")]
    items = [each for each in items if each not in _NOTHING]
    is_known = all(any(of.fullmatch(word) for of in (_WHICH, _HOW_MARKED, _HOW_SHOWN)) for word in words[:6])
    if not is_known or len(words) > 6 or not 2 <= len(items) <= MAX_CHOICES:
        return None
    unusual = [word for word in words if word not in _WHOLE_ORDER]
    if any(_WHICH.fullmatch(word) for word in unusual):
        texts.losses.append(_("that only some of its items are shown"))
    if any(_HOW_MARKED.fullmatch(word) for word in unusual):
        texts.losses.append(_("how its order is marked"))
    return tuple(ForeignChoice(each.translate(_SHOWN).strip(_SPACE)) for each in items)


def _numbers(section: _Piece, texts: _Texts) -> tuple[ForeignAnswer, ...]:
    before, tilde, wrong = section.text[1:].partition("~")
    answers = [_number(piece, texts) for piece in _split(_Piece(section.line, before), "=")]
    if not answers:
        raise _Untaken(section.line, _("There is no number between the braces. Write {#=0} for the number 0."))
    if tilde:
        feedback = wrong.partition("#")[2].strip(_SPACE)
        text = texts.take(section.line + before.count("\n"), feedback)
        answers.append(ForeignAnswer(value="*", fraction=Fraction(0), feedback=text))
    return tuple(answers)


def _number(piece: _Piece, texts: _Texts) -> ForeignAnswer:
    """Return an answer such as 3:2, 1..5, 42 or *, with what stands before and after it."""
    fraction, rest = _weight(piece, FULL)
    text, feedback = _with_feedback(rest, texts)
    low, dots, high = text.partition("..")
    value, colon, tolerance = text.partition(":")
    if low and dots:
        least, greatest = _exact(piece.line, low, texts), _exact(piece.line, high, texts)
        value, tolerance = _decimal((least + greatest) / 2), _decimal((greatest - least) / 2)
    elif value and colon:
        value, tolerance = value.strip(_SPACE), tolerance.strip(_SPACE)
        if not _NUMBER.fullmatch(tolerance):
            reason = _("“%(text)s” is no tolerance. Write a number, as in 3:0.5.", text=_quoted(tolerance))
            raise _Untaken(piece.line, reason)
        tolerance = _plain(piece.line, tolerance)
    else:
        value, tolerance = text, "0"
    if _NUMBER.fullmatch(value):
        value = _plain(piece.line, value)
    elif value != "*":
        told = _("“%(text)s”, which is no number: as in Moodle, any number is this answer", text=_quoted(value))
        texts.losses.append(told)
        value = "*"
    if tolerance.startswith("-"):
        texts.losses.append(_("the minus before a tolerance"))
        tolerance = tolerance[1:]
    return ForeignAnswer(value=value, tolerance=tolerance, fraction=fraction, feedback=feedback)


def _exact(line: int, text: str, texts: _Texts) -> Fraction:
    """Return one end of a range; what stands behind its number is lost, as in Moodle."""
    stripped = text.strip(_SPACE)
    found = _NUMBER.match(stripped)
    if not found:
        raise _Untaken(line, _("“%(text)s” is no number. Write a range as in 1..5.", text=_quoted(stripped)))
    if behind := stripped[found.end() :].strip():
        texts.losses.append(_("“%(text)s” behind a number", text=_quoted(behind)))
    return Fraction(_plain(line, found[0]))


def _plain(line: int, text: str) -> str:
    """Return a number as it was written, but without an exponent."""
    mantissa, _sign, exponent = text.lower().partition("e")
    if len(mantissa) > _LONGEST_NUMBER or abs(int(exponent or 0)) > _GREATEST_EXPONENT:
        raise _Untaken(line, _("The number “%(text)s” is too long.", text=_quoted(text)))
    return format(Decimal(text), "f") if exponent else text


def _decimal(value: Fraction) -> str:
    """Return a fraction of powers of ten and two, written out."""
    context = Context(prec=4 * (_LONGEST_NUMBER + _GREATEST_EXPONENT))
    written = format(context.divide(Decimal(value.numerator), Decimal(value.denominator)), "f")
    return written.rstrip("0").rstrip(".") if "." in written else written


def _quoted(text: str) -> str:
    return " ".join(text.translate(_SHOWN).split())[:40]


# --- writing ---------------------------------------------------------------------------------------


def _rendered(question: ForeignQuestion) -> str | None:
    """Return a question as Moodle's exporter writes it, or None where the format has none like it."""
    lines = _answer_lines(question)
    if lines is None:
        return None
    head = f"::{_escaped(question.title)}::{_named(question.stem, question.text_format, TextFormat.MOODLE)}"
    marks = _marks(question)
    if question.type is Kind.DESCRIPTION:
        return f"{marks}{head}\n"
    if question.general_feedback:
        lines = [*lines, f"####{_named(question.general_feedback, question.text_format)}"]
    if question.type in (Kind.TRUE_FALSE, Kind.FREE_TEXT):
        return f"{marks}{head}{{{''.join(lines)}}}\n"
    opening = "#" if question.type is Kind.NUMERIC else ""
    if question.type is Kind.ORDERING:
        opening, *lines = lines
    return "\n".join([f"{marks}{head}{{{opening}", *(f"\t{each}" for each in lines), "}\n"])


def _answer_lines(question: ForeignQuestion) -> list[str] | None:
    """Return what stands between the braces, or None where the format cannot say it."""
    match question.type:
        case Kind.DESCRIPTION | Kind.FREE_TEXT:
            return []
        case Kind.TRUE_FALSE:
            return _true_false_line(question)
        case Kind.SINGLE_CHOICE | Kind.MULTIPLE_CHOICE:
            return _choice_lines(question)
        case Kind.SHORT_ANSWER:
            return _short_answer_lines(question)
        case Kind.NUMERIC:
            return _number_lines(question)
        case Kind.MATCHING:
            return [f"={_named(left, question.text_format)} -> {_escaped(right)}" for left, right in question.pairs]
        case Kind.ORDERING:
            return _ordering_lines(question)
        case _:
            return None


def _escaped(text: str) -> str:
    return text.replace("\0", "").replace("\r\n", "\n").replace("\r", "\n").translate(_ESCAPED)


def _named(text: str, markup: TextFormat, usual: TextFormat | None = None) -> str:
    """Return a text with the name of its markup where that is not the usual one, or could be read from the text."""
    could_be_read = _MARKUP.match(text.lstrip(_SPACE))
    name = f"[{markup}]" if could_be_read or (usual is not None and markup is not usual) else ""
    return name + _escaped(text)


def _percent(fraction: Fraction) -> str:
    """Return a percentage as decimals; what has no end is cut as Moodle cuts it."""
    rest = fraction.denominator
    for factor in (2, 5):
        while rest % factor == 0:
            rest //= factor
    if rest == 1:
        return f"%{_decimal(fraction)}%"
    hundred_thousandths = round(abs(fraction) * 100_000)
    sign = "-" if fraction < 0 else ""
    return f"%{sign}{hundred_thousandths // 100_000}.{hundred_thousandths % 100_000:05}%"


def _weighed(fraction: Fraction, text: str, usual: Fraction) -> str:
    """Return the percentage before a text, or nothing where it is the usual one and the text begins with none."""
    return "" if fraction == usual and not _WEIGHT.match(text.lstrip(_SPACE)) else _percent(fraction)


def _with_its_feedback(question: ForeignQuestion, text: str, feedback: str) -> str:
    written = _named(text, question.text_format)
    return f"{written}#{_named(feedback, question.text_format)}" if feedback else written


def _choice_lines(question: ForeignQuestion) -> list[str]:
    lines = []
    # With nothing but = it would be a short answer.
    needs_tilde = all(each.fraction == FULL for each in question.choices)
    for place, each in enumerate(question.choices):
        said = _with_its_feedback(question, each.text, each.feedback)
        if question.type is Kind.SINGLE_CHOICE and each.fraction == FULL and not (needs_tilde and place == 0):
            lines.append(f"={said}")
        else:
            lines.append(f"~{_weighed(each.fraction, each.text, Fraction(0))}{said}")
    return lines


def _true_false_line(question: ForeignQuestion) -> list[str]:
    right, wrong = question.feedback_true, question.feedback_false
    if not question.correct:
        right, wrong = wrong, right
    line = "TRUE" if question.correct else "FALSE"
    if wrong or right:
        line += f"#{_named(wrong, question.text_format)}"
    if right:
        line += f"#{_named(right, question.text_format)}"
    return [line]


def _short_answer_lines(question: ForeignQuestion) -> list[str]:
    if len(question.answers) == 1 and any(
        "->" in said for said in (question.answers[0].text, question.answers[0].feedback)
    ):
        # With = it would be a matching; without, only what begins with a percentage is surely a short answer.
        (answer,) = question.answers
        return [_percent(answer.fraction) + _with_its_feedback(question, answer.text, answer.feedback)]
    return [
        f"={_weighed(each.fraction, each.text, FULL)}{_with_its_feedback(question, each.text, each.feedback)}"
        for each in question.answers
    ]


def _number_lines(question: ForeignQuestion) -> list[str] | None:
    lines = []
    for place, each in enumerate(question.answers):
        is_last = 0 < place == len(question.answers) - 1
        if is_last and each.value == "*" and not each.tolerance and not each.fraction:
            lines.append(f"~#{_named(each.feedback, question.text_format)}")
            continue
        # What is no number would come back as any number.
        if each.value is None or not (each.value == "*" or _NUMBER.fullmatch(each.value)):
            return None
        said = each.value if each.tolerance in _NOTHING else f"{each.value}:{each.tolerance}"
        feedback = f"#{_named(each.feedback, question.text_format)}" if each.feedback else ""
        lines.append(f"={_weighed(each.fraction, '', FULL)}{said}{feedback}")
    return lines


def _ordering_lines(question: ForeignQuestion) -> list[str] | None:
    items = [each.text.strip(_SPACE) for each in question.choices]
    if any(item in _NOTHING or item.startswith("//") for item in items):
        return None
    written = [item.replace("\r\n", "\n").replace("\r", "\n").translate(_ESCAPED_IN_ITEMS) for item in items]
    written = [item.replace("#", "\\#") if "####" in item else item for item in written]
    return [f">{len(items)} ALL VERTICAL ABSOLUTE_POSITION SHOW none", *written]


def _marks(question: ForeignQuestion) -> str:
    """Return the comment with id and tags, without those that it cannot hold."""
    marks = ""
    said = ("", tuple[str, ...]())
    for opening, text in [("[id:", question.id), *(("[tag:", tag) for tag in question.tags)]:
        escaped = text.replace("]", "\\]")
        tried = f"{marks} {opening}{escaped}]"
        more = (text, said[1]) if opening == "[id:" else (said[0], (*said[1], text))
        if text and "\n" not in text and _id_and_tags([f"//{tried}"]) == more:
            marks, said = tried, more
    return f"//{marks}\n" if marks else ""


FORMAT = Gift()
