"""The Markdown bank format: a heading per question, task-list items as choices, quotes as rationales.

A bank is two files of the same questions. The English one holds key, clauses and tags, the Japanese
one only texts. `parse` and `render` are each other's inverse on one file, `merge` and `split` on the pair.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from hashlib import sha256
from itertools import islice, pairwise

from portal.core import markdown
from portal.core.content import SLUG
from portal.core.i18n import LANGUAGES, Words
from portal.core.i18n import gettext as _
from portal.quizzes.formats import markdown_parts as written
from portal.quizzes.formats.markdown_parts import (
    CASE,
    GAP,
    GAP_ID,
    KINDS,
    MATCHING,
    TASKS,
    WITHOUT_POINTS,
    Given,
    Marks,
)
from portal.quizzes.rules.lifecycle import missing
from portal.quizzes.types import type_names, type_of
from portal.quizzes.types.base import (
    ANSWER,
    CHOICES,
    LETTERS,
    MAX_ESSAY,
    NUMBER,
    TEXT,
    Content,
    Fault,
    Part,
    Picture,
    Unit,
)
from portal.quizzes.types.case import HEADINGS, PARTS, PICTURE, SHARED_PARTS
from portal.quizzes.types.contents import SHA256
from portal.quizzes.types.words import with_words, words_of

STATES = ("live", "draft", "in_review", "pilot", "quarantined", "retired")
# Stands in the place of a text that a draft does not have yet in this language.
MISSING = "{missing}"
# A line that begins with it is text, whatever follows: no heading, no choice, no quote, no code block.
VERBATIM = "{text}"
SEVERITIES = ("S0", "S1", "S2", "S3", "S4")
MARKINGS = ("all_or_nothing", "partial", "penalty")
_QUESTION = re.compile(r"## +(?P<title>.*?) *\{#(?P<id>[^}\s]*)\} *")
_PART = re.compile(r"### +(?P<title>.*?) *\{#(?P<id>[^}\s]*)(?P<attributes>[^}]*)\} *")
_ITEM = re.compile(r"- +(?P<text>.*)")
# A picture is the last line above the parts of a case.
_PICTURE = re.compile(
    r"!\[(?P<alt>(?:[^\]\\]|\\.)*)\]\((?P<path>[^()\s]{1,200})\)(?: *\{sensitivity=(?P<severity>[^}\s]*)\})?"
)
PICTURE_PATH = re.compile(r"pictures/(?P<name>[a-z0-9][a-z0-9-]{0,79})\.(?:webp|png|jpe?g|gif)")
_LONGEST_PICTURE = 4_000
_ESCAPED, _TO_ESCAPE = re.compile(r"\\(.)"), re.compile(r"([\\\[\]])")
_VERBATIM = re.compile(r"(?P<indent>[ \t]*)\{text\}(?P<text>.*)")
_TOLD_MISSING = re.compile(r"\s*(?:\{text\})*\{missing\}\s*")
_FENCE = re.compile(r" {0,3}(?P<fence>`{3,}|~{3,})")
_VERSION = re.compile(r"[0-9]{1,4}\.[0-9]{1,4}")
_WHOLE = re.compile(r"[0-9]{1,9}")
_TAG = re.compile(r"[^\s,{}=]{1,40}")
_ATTRIBUTES = (
    "type", "clause", "difficulty", "severity", "tags", "points", "marking", "shuffle", "state",
    "exact", "units", "least", "most", "behind",
)  # fmt: skip
# Which type takes what others do not.
_ONLY_FOR = {"exact": ("short_answer",), "units": ("numeric",), "least": ("free_text",), "most": ("free_text",)}
MAX_POINTS = 100
# Longer lines are neither: looking for the braces at their end takes time.
_LONGEST_HEADING = 400
_LONGEST_ATTRIBUTES = 4_000
# After so many code blocks without an end the rest of a file belongs to the last one.
_MOST_OPEN_FENCES = 10


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, on which line (from 1; 0 is the file), and how to mend it."""

    line: int
    message: str
    mend: str


@dataclass(frozen=True, slots=True)
class Attributes:
    """The line of attributes of the English file; clauses are written out as `slug#id`."""

    type: str
    clauses: tuple[str, ...] = ()
    difficulty: int | None = None
    severity: str | None = None
    tags: tuple[str, ...] = ()
    points: int = 1
    marking: str = "all_or_nothing"
    shuffle: bool = True
    state: str = "live"
    is_exact: bool = False
    units: tuple[Unit, ...] = ()
    least: int | None = None
    most: int | None = None
    # The language that has not followed the last change of the other one.
    behind: str = ""


@dataclass(frozen=True, slots=True)
class ChoiceText:
    """An item of a list in one language.

    `right` is None in the Japanese file and where the brackets hold something else, which is then in `mark`.
    """

    text: str
    right: bool | None
    rationale: str | None = None
    mark: str = ""
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class PartText:
    """A part in one language; `points` is None in the Japanese file."""

    id: str
    heading: str
    points: int | None
    choices: tuple[ChoiceText, ...]
    rationale: str | None = None
    line: int = field(default=0, compare=False)
    # Of a gap in the English file.
    kind: str = CHOICES
    is_exact: bool = False
    units: tuple[Unit, ...] = ()


@dataclass(frozen=True, slots=True)
class PictureText:
    """A picture in one language: where it lies, as seen from the bank's file, and what it shows.

    `severity` is None in the Japanese file.
    """

    path: str
    alt: str
    severity: str | None
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class QuestionText:
    """A question in one language; only a case and a text with gaps have named parts, the others one part `answer`."""

    id: str
    title: str
    stem: str
    parts: tuple[PartText, ...]
    rationale: str | None = None
    attributes: Attributes | None = None
    line: int = field(default=0, compare=False)
    # Of a case.
    picture: PictureText | None = None


@dataclass(frozen=True, slots=True)
class BankText:
    """A bank in one language; `document` stands only in the English file."""

    language: str
    title: str
    version: str
    questions: tuple[QuestionText, ...]
    document: str = ""
    revision: int = 0


@dataclass(frozen=True, slots=True)
class BankQuestion:
    """A question in both languages, with its id and state; `line` is that of the English file."""

    id: str
    content: Content
    state: str = "live"
    line: int = field(default=0, compare=False)
    behind: str = ""


@dataclass(frozen=True, slots=True)
class Bank:
    """A bank in both languages."""

    title: Words
    document: str
    version: str
    questions: tuple[BankQuestion, ...]
    # How often the bank had been changed in the product when the files were written.
    revision: int = 0


@dataclass(frozen=True, slots=True)
class Block:
    """What stands under one heading: the question, None where nothing can be made of it, and what is wrong there."""

    line: int
    question: QuestionText | None
    problems: tuple[Problem, ...] = ()
    has_attributes: bool = True


# --- reading one file --------------------------------------------------------------------------


@dataclass(slots=True)
class _Line:
    number: int
    text: str
    # Whether nothing in it is a heading or a choice: it stands in a code block, or begins with `VERBATIM`.
    fenced: bool = False
    # How far what begins with `VERBATIM` is indented before it.
    indent: int | None = None
    # As it stands in the file; what ends a line is no part of it.
    raw: str = field(init=False)

    def __post_init__(self) -> None:
        self.text = self.raw = self.text.rstrip()

    def plain(self) -> None:
        """Be what stands in the file again."""
        self.text, self.fenced, self.indent = self.raw, False, None

    def verbatim(self) -> bool:
        """Be what follows `VERBATIM`; say whether the line begins so."""
        found = _VERBATIM.fullmatch(self.raw) if VERBATIM in self.raw else None
        if found is not None:
            self.text, self.fenced, self.indent = found["indent"] + found["text"], True, len(found["indent"])
        return found is not None


class _Reader:
    """Reads one file, noting every problem that it meets."""

    def __init__(self, text: str, language: str, *, needs_clauses: bool = True) -> None:
        self.needs_clauses = needs_clauses
        self.text = text.replace("\r\n", "\n").replace("\r", "\n")
        self.language = language
        self.problems: list[Problem] = []
        self.document = ""
        self.revision = 0
        # Lines that are pictures, and therefore no text.
        self.pictures: set[int] = set()

    def problem(self, line: int, message: str, mend: str) -> None:
        self.problems.append(Problem(line, message, mend))

    def read(self) -> BankText | None:
        lines = self.text.split("\n")
        head = self._front_matter()
        if head is None:
            return None
        values, body_from = head
        title, version = self._head_values(values)
        body = self._fences([_Line(number, text) for number, text in enumerate(lines, 1)][body_from:])
        questions = self._questions(body)
        known = {problem.line for problem in self.problems}
        texts = [_hidden_of(text) if number in self.pictures else text for number, text in enumerate(lines, 1)]
        for found in markdown.scan("\n".join(texts[body_from:]), first_line=body_from + 1):
            if found.line not in known:
                self.problem(found.line, found.reason, found.mend)
        return BankText(self.language, title, version, tuple(questions), self.document, self.revision)

    # --- front matter ---

    def _front_matter(self) -> tuple[dict[str, object], int] | None:
        """Return the values and the index of the first line after them."""
        if self.text.split("\n", 1)[0].rstrip() != "---":
            self.problem(
                1,
                _("The file does not begin with front matter."),
                _("Begin the file with ---, the lines of the front matter, and --- again."),
            )
            return None
        try:
            values, _rest, first_line = markdown.front_matter(self.text)
        except markdown.FrontMatterBroken as broken:
            self.problem(broken.problem.line, broken.problem.reason, broken.problem.mend)
            return None
        return values, first_line - 1

    def _head_values(self, values: dict[str, object]) -> tuple[str, str]:
        known = ("title", "document", "version", "revision") if self.language == "en" else ("title", "version")
        for key in values:
            if key not in known:
                self.problem(
                    self._line_of(key),
                    _("The front matter has the unknown key “%(key)s”.", key=key[:60]),
                    _("It takes %(keys)s.", keys=", ".join(known)),
                )
        title = values.get("title")
        if not isinstance(title, str) or not title.strip():
            self.problem(self._line_of("title"), _("The bank has no title."), _("Write title: and the title, as text."))
            title = ""
        version = values.get("version", "")
        if version and not (isinstance(version, str) and _VERSION.fullmatch(version)):
            self.problem(
                self._line_of("version"),
                _("The version is not a number like 1.0."),
                _('Write it as version: "1.0", the version of the document that is cited.'),
            )
        document = values.get("document", "")
        if document and not (isinstance(document, str) and SLUG.fullmatch(document)):
            self.problem(
                self._line_of("document"),
                _("“%(name)s” cannot be the address of a document.", name=str(document)[:60]),
                _("Write the slug of a document: lower-case letters, digits and hyphens."),
            )
            document = ""
        revision = values.get("revision", "")
        if revision and not _WHOLE.fullmatch(str(revision)):
            self.problem(
                self._line_of("revision"),
                _("The revision is not a whole number."),
                _("Leave the line as the export has written it, or take it away."),
            )
            revision = ""
        if self.language == "en":
            self.document, self.revision = str(document), int(str(revision or 0))
        return re.sub(r"[ \t\n]+", " ", title).strip(), str(version)

    def _line_of(self, key: str) -> int:
        for number, text in enumerate(self.text.split("\n"), 1):
            if text.startswith(f"{key}:"):
                return number
        return 1

    # --- questions ---

    def _fences(self, lines: list[_Line]) -> list[_Line]:
        """Mark the lines of fenced code blocks: nothing in them is a heading or a choice."""
        self._mark_fences(lines)
        return lines

    def _mark_fences(self, lines: Iterable[_Line]) -> int:
        """Mark the lines of fenced code blocks; return the line of one that does not end, with a problem, or 0."""
        fence = ""
        opened = 0
        for line in lines:
            if not fence and line.verbatim():
                continue
            found = _FENCE.match(line.text)
            if fence:
                line.fenced = True
                if found and found["fence"].startswith(fence) and not line.text.strip().strip(fence[0]):
                    fence = ""
            elif found:
                fence, opened, line.fenced = found["fence"], line.number, True
        if fence:
            self.problem(
                opened, _("The code block that begins here does not end."), _("Close it with %(fence)s.", fence=fence)
            )
        return opened if fence else 0

    def _questions(self, lines: list[_Line]) -> list[QuestionText]:
        blocks: list[list[_Line]] = []
        for line in lines:
            if line.text.startswith("## ") and not line.fenced:
                blocks.append([line])
            elif blocks:
                blocks[-1].append(line)
            elif line.text:
                self.problem(
                    line.number,
                    _("Text stands before the first question."),
                    _("Begin each question with “## Title {#id}”."),
                )
                break
            if not line.fenced and line.text.startswith("# "):
                self.problem(
                    line.number,
                    _("A heading of the first level is not used here."),
                    _("Begin each question with “## Title {#id}”."),
                )
        seen: dict[str, int] = {}
        questions = []
        for block in blocks:
            question = self._question(block)
            if question is None:
                continue
            if question.id in seen:
                self.problem(
                    question.line,
                    _("The id “%(id)s” stands on line %(line)s already.", id=question.id, line=seen[question.id]),
                    _("Give the question an id of its own; ids are never used again."),
                )
            seen.setdefault(question.id, question.line)
            questions.append(question)
        return questions

    def each(self, most: int) -> tuple[BankText, list[Problem], list[Block]] | None:
        """Return the bank without its questions, what is wrong outside of them, and its questions one by one."""
        lines = self.text.split("\n")
        head = self._front_matter()
        if head is None:
            return None
        values, body_from = head
        # Lines of keys are looked for in the front matter alone.
        self.text = "\n".join(lines[:body_from])
        title, version = self._head_values(values)
        beside, self.problems = self.problems, []
        body = [_Line(number, text) for number, text in enumerate(lines, 1)][body_from:]
        self._mark_fences_of_each(body)
        open_fences, self.problems = self.problems, []
        starts = [index for index, line in enumerate(body) if line.text.startswith("## ") and not line.fenced]
        for line in body[: starts[0] if starts else len(body)]:
            if line.text:
                self.problem(
                    line.number,
                    _("Text stands before the first question."),
                    _("Begin each question with “## Title {#id}”."),
                )
                break
        beside += self.problems
        blocks = [
            self._block(body[start:end], open_fences) for start, end in islice(pairwise([*starts, len(body)]), most)
        ]
        bank = BankText(self.language, title, version, (), self.document, self.revision)
        return bank, beside, blocks

    def _mark_fences_of_each(self, lines: list[_Line]) -> None:
        """Mark the fenced lines; a code block that does not end takes no other question with it."""
        start = 0
        for _round in range(_MOST_OPEN_FENCES if lines else 0):
            opened = self._mark_fences(lines[start:])
            after = (
                index
                for index in range(opened - lines[0].number + 1, len(lines))
                if lines[index].text.startswith("## ") and _heading_of(lines[index].text)
            )
            following = next(after, None) if opened else None
            if following is None:
                return
            start = following
            for line in lines[start:]:
                line.plain()

    def _block(self, lines: list[_Line], open_fences: Sequence[Problem]) -> Block:
        first, last = lines[0].number, lines[-1].number
        text = next((line.text for line in lines[1:] if line.text), "")
        unended = tuple(problem for problem in open_fences if first <= problem.line <= last)
        if unended:
            # Everything else would only follow from it.
            return Block(first, None, unended, text.startswith("{"))
        self.problems = []
        question = self._question(lines)
        for line in lines:
            if not line.fenced and line.text.startswith("# "):
                self.problem(
                    line.number,
                    _("A heading of the first level is not used here."),
                    _("Begin each question with “## Title {#id}”."),
                )
        if question is not None and not self.problems:
            faults = type_of(question.attributes.type if question.attributes else "").check(_alone(question))
            self.problems += [Problem(_line_of(fault, question), fault.message, fault.mend) for fault in faults]
        known = {problem.line for problem in self.problems}
        texts = [_hidden_of(line.raw) if line.number in self.pictures else line.raw for line in lines]
        for found in markdown.scan("\n".join(texts), first_line=first):
            if found.line not in known:
                self.problem(found.line or first, found.reason, found.mend)
        problems, self.problems = sorted(self.problems, key=lambda problem: problem.line), []
        return Block(first, question, tuple(problems), text.startswith("{"))

    def _question(self, block: list[_Line]) -> QuestionText | None:
        heading = block[0]
        found = _heading_of(heading.text)
        if found is None:
            self.problem(
                heading.number,
                _("The heading has no id."),
                _("End the line with an id in braces, for example {#imp-001}; it is stable for ever."),
            )
            return None
        if not SLUG.fullmatch(found["id"]):
            self.problem(
                heading.number,
                _("“%(name)s” cannot be an id.", name=found["id"][:60]),
                _("Use lower-case letters a to z, digits and hyphens, at most 60, starting with a letter."),
            )
            return None
        if not found["title"]:
            self.problem(heading.number, _("The question has no title."), _("Write a title between ## and the id."))
        rest = block[1:]
        attributes: Attributes | None = None
        first = next((index for index, line in enumerate(rest) if line.text), len(rest))
        has_line = first < len(rest) and rest[first].text.startswith("{") and not rest[first].fenced
        if self.language == "en":
            if not has_line:
                self.problem(
                    heading.number,
                    _("The line of attributes is missing."),
                    _("Write below the heading, for example: {type=single_choice clause=scope}"),
                )
                return None
            attributes = self._attributes(rest[first])
            if attributes is None:
                return None
            rest = rest[first + 1 :]
        elif has_line and "=" in rest[first].text:
            self.problem(
                rest[first].number,
                _("The Japanese file holds only texts."),
                _("Leave the line of attributes to the English file."),
            )
            rest = rest[first + 1 :]
        has_parts = attributes.type in (CASE, GAP) if attributes else any(self._part_id(line) for line in rest)
        rationale: str | None
        picture: PictureText | None = None
        if has_parts:
            rest, picture = self._without_picture(rest, attributes)
            stem, parts, rationale = self._parts(rest, attributes.type if attributes else "")
        else:
            for line in rest:
                if self._part_id(line):
                    self.problem(
                        line.number,
                        _("Only a case and a text with gaps have parts."),
                        _("Set type=case or type=gap, or take the id out of this heading."),
                    )
            kind = KINDS.get(attributes.type, CHOICES) if attributes else CHOICES
            stem, choices, rationale = self._section(rest, written.marks_of(kind))
            parts = (PartText(ANSWER, "", attributes.points if attributes else None, choices, None, heading.number),)
        if not stem:
            self.problem(heading.number, _("The question asks nothing."), _("Write its text above the choices."))
        return QuestionText(found["id"], found["title"], stem, parts, rationale, attributes, heading.number, picture)

    def _without_picture(
        self, lines: list[_Line], attributes: Attributes | None
    ) -> tuple[list[_Line], PictureText | None]:
        """Return the lines of a case without that of its picture, which is the last one above the parts."""
        end = next((index for index, line in enumerate(lines) if self._part_id(line) is not None), len(lines))
        place = next((index for index in range(end - 1, -1, -1) if lines[index].text), None)
        line = lines[place] if place is not None else None
        is_case = attributes is None or attributes.type == CASE
        if line is None or line.fenced or not is_case or not line.text.startswith("!["):
            return lines, None
        found = _PICTURE.fullmatch(line.text) if len(line.text) <= _LONGEST_PICTURE else None
        if found is None:
            return lines, None
        self.pictures.add(line.number)
        rest = [each for each in lines if each is not line]
        path, severity = found["path"], found["severity"]
        if not PICTURE_PATH.fullmatch(path):
            self.problem(
                line.number,
                _("“%(path)s” is no picture beside the bank.", path=path[:60]),
                _("Put it into banks/pictures/ (lower-case letters, digits, hyphens) and write pictures/name.png."),
            )
            return rest, None
        if self.language == "ja" and severity is not None:
            self.problem(
                line.number,
                _("The Japanese file holds only texts."),
                _("Leave the sensitivity level to the English file."),
            )
        if self.language == "en" and severity not in SEVERITIES:
            self.problem(
                line.number,
                _("The picture has no sensitivity level."),
                _("Write it behind the picture: {sensitivity=S0}, or up to S4."),
            )
        alt = _ESCAPED.sub(r"\1", found["alt"])
        return rest, PictureText(path, alt, severity if self.language == "en" else None, line.number)

    @staticmethod
    def _part_id(line: _Line) -> str | None:
        if line.fenced or not line.text.startswith("### ") or len(line.text) > _LONGEST_HEADING:
            return None
        found = _PART.fullmatch(line.text)
        return found["id"] if found else None

    def _parts(self, lines: list[_Line], type_name: str) -> tuple[str, tuple[PartText, ...], str | None]:
        """Split a case or a text with gaps into its text, its parts, and what is told of the whole."""
        sections: list[list[_Line]] = [[]]
        for line in lines:
            if self._part_id(line) is not None:
                sections.append([])
            sections[-1].append(line)
        parts: list[PartText] = []
        rationale: str | None = None
        for section in sections[1:]:
            if self._part_id(section[0]) == written.WHY:
                rationale = self._why(section, is_first=rationale is None)
                continue
            part = self._part(section, type_name)
            if part is None:
                continue
            if any(part.id == other.id for other in parts):
                self.problem(
                    part.line, _("The part “%(id)s” stands here twice.", id=part.id), _("Put both into one part.")
                )
                continue
            if self.language == "ja" and part.id in SHARED_PARTS:
                # Choices of these parts are the same in both languages; only rationales are told here.
                part = replace(part, choices=tuple(choice for choice in part.choices if choice.rationale))
                if not part.choices and not part.rationale and part.heading == HEADINGS[part.id].ja:
                    continue
            parts.append(part)
        for line in sections[0]:
            if self.language == "en" and not line.fenced and TASKS[Marks.RIGHT].fullmatch(line.text):
                self.problem(
                    line.number,
                    _("A case has its choices in parts."),
                    _("Write “### Decision {#decision points=1}” above them.")
                    if type_name == CASE
                    else _("Write “### Gap 1 {#gap-1}” above them."),
                )
                break
        return _trimmed(sections[0]), tuple(parts), rationale

    def _why(self, section: list[_Line], *, is_first: bool) -> str | None:
        """Return what is told of the whole of a question with parts."""
        lines = [line for line in section[1:] if line.text]
        astray = next((line for line in lines if line.fenced or not line.text.startswith(">")), None)
        if astray is not None:
            self.problem(
                astray.number,
                _("Only a quote stands below this heading."),
                _("Begin each of its lines with >."),
            )
        if not is_first:
            self.problem(
                section[0].number,
                _("The part “%(id)s” stands here twice.", id=written.WHY),
                _("Put both into one part."),
            )
        return _joined([line.text[1:].removeprefix(" ") for line in section[1:]])

    def _part(self, section: list[_Line], type_name: str) -> PartText | None:
        heading = section[0]
        found = _PART.fullmatch(heading.text)
        assert found is not None
        gap = GAP_ID.fullmatch(found["id"])
        is_gap = gap is not None
        if type_name == GAP and not is_gap:
            self.problem(
                heading.number,
                _("“%(name)s” is no gap.", name=found["id"][:60]),
                _("A gap has the number that stands in the text: “### Gap 1 {#gap-1}” for [[1]]."),
            )
            return None
        if found["id"] not in PARTS and (type_name == CASE or not is_gap):
            self.problem(
                heading.number,
                _("“%(name)s” is no part of a case.", name=found["id"][:60]),
                _("Parts are decision, clause and severity."),
            )
            return None
        said = self._part_attributes(heading, found["attributes"], is_gap=is_gap)
        kind = said.kind if said else CHOICES
        stem, choices, rationale = self._section(section[1:], written.marks_of(kind))
        if self.language == "ja" and not choices and all(line.startswith(">") for line in stem.split("\n")):
            # A part whose choices are not repeated may still have its rationale.
            stem, rationale = "", _joined([line[1:].removeprefix(" ") for line in stem.split("\n")])
        if stem:
            self.problem(
                section[1].number,
                _("Text stands between the part's heading and its choices."),
                _("Move it above the first part, or into a choice."),
            )
        return PartText(
            gap[1] if gap else found["id"],
            # A gap is called by its number, whatever is written there.
            "" if is_gap else found["title"] or HEADINGS[found["id"]].in_(self.language),
            said.points if said else None,
            choices,
            rationale,
            heading.number,
            kind,
            bool(said and said.is_exact),
            said.units if said else (),
        )

    def _part_attributes(self, heading: _Line, attributes: str, *, is_gap: bool) -> PartText | None:
        """Return what stands behind the id of a part, as a part without its list; None in the Japanese file."""
        if self.language == "ja":
            if attributes.strip():
                self.problem(
                    heading.number,
                    _("The Japanese file holds only texts."),
                    _("Leave points to the English file."),
                )
            return None
        said = PartText("", "", 1, ())
        for token in attributes.split():
            key, _equals, value = token.partition("=")
            if key == "points":
                said = replace(said, points=self._whole(heading.number, key, value, 1, MAX_POINTS) or 1)
            elif key == "kind" and is_gap:
                said = replace(said, kind=self._one_of(heading.number, key, value, (CHOICES, TEXT, NUMBER)) or CHOICES)
            elif key == "exact" and is_gap:
                said = replace(said, is_exact=self._one_of(heading.number, key, value, ("yes", "no")) == "yes")
            elif key == "units" and is_gap:
                said = replace(said, units=self._units(heading.number, value))
            else:
                self.problem(
                    heading.number,
                    _("“%(name)s” is not known here.", name=token[:60]),
                    _("A gap takes points=1, kind=text or kind=number, exact=yes for a text, units= for a number.")
                    if is_gap
                    else _("A part takes points=1."),
                )
        if (said.is_exact and said.kind != TEXT) or (said.units and said.kind != NUMBER):
            self.problem(
                heading.number,
                _("exact= belongs to a text, units= to a number."),
                _("Take it away, or write kind=text or kind=number."),
            )
        return said

    # --- attributes ---

    def _attributes(self, line: _Line) -> Attributes | None:
        number = line.number
        if len(line.text) > _LONGEST_ATTRIBUTES:
            self.problem(
                number,
                _("The line of attributes is longer than %(most)s characters.", most=_LONGEST_ATTRIBUTES),
                _("Take some of the clauses and tags away."),
            )
            return None
        if not line.text.endswith("}"):
            self.problem(number, _("The line of attributes does not end."), _("End it with } on the same line."))
            return None
        given: dict[str, str] = {}
        for token in line.text[1:-1].split():
            key, equals, value = token.partition("=")
            if key not in _ATTRIBUTES or not equals or not value:
                self.problem(
                    number,
                    _("“%(name)s” is not known here.", name=token[:60]),
                    _("Attributes are %(keys)s, each with = and a value.", keys=", ".join(_ATTRIBUTES)),
                )
            elif key in given:
                self.problem(number, _("“%(name)s” stands here twice.", name=key), _("Keep one of them."))
            else:
                given[key] = value
        kind = self._one_of(number, "type", given.get("type", ""), type_names())
        if kind is None:
            return None
        points = self._whole(number, "points", given.get("points"), 1, MAX_POINTS) or 1
        if kind in WITHOUT_POINTS and "points" in given:
            self.problem(
                number,
                _("A free text is worth the sum of its criteria.")
                if kind == "free_text"
                else _("A case is worth the sum of its parts."),
                _("Take points= away; the criteria say it.")
                if kind == "free_text"
                else _("Take points= away here and set it on the parts."),
            )
        markings = type_of(kind).markings
        marking = self._one_of(number, "marking", given.get("marking", MARKINGS[0]), MARKINGS) or MARKINGS[0]
        if "marking" in given and marking not in markings:
            self.problem(
                number, _("Questions of type %(type)s have no such marking.", type=kind), _("Take marking= away.")
            )
            marking = MARKINGS[0]
        for key, types in _ONLY_FOR.items():
            if key in given and kind not in types:
                self.problem(
                    number,
                    _("“%(name)s” belongs to questions of another type.", name=key),
                    _("Only %(types)s takes it.", types=", ".join(types)),
                )
        severity = given.get("severity")
        state = self._one_of(number, "state", given.get("state", STATES[0]), STATES) or STATES[0]
        return Attributes(
            type=kind,
            clauses=self._clauses(number, given.get("clause", ""), are_needed=self.needs_clauses and state != "draft"),
            difficulty=self._whole(number, "difficulty", given.get("difficulty"), 1, 5),
            severity=severity and self._one_of(number, "severity", severity, SEVERITIES),
            tags=self._tags(number, given.get("tags", "")),
            points=1 if kind in WITHOUT_POINTS else points,
            marking=marking,
            shuffle=(self._one_of(number, "shuffle", given.get("shuffle", "yes"), ("yes", "no")) or "yes") == "yes",
            state=state,
            behind=("behind" in given and self._one_of(number, "behind", given["behind"], LANGUAGES)) or "",
            is_exact=self._one_of(number, "exact", given.get("exact", "no"), ("yes", "no")) == "yes",
            units=self._units(number, given["units"]) if "units" in given else (),
            least=self._whole(number, "least", given.get("least"), 1, MAX_ESSAY),
            most=self._whole(number, "most", given.get("most"), 1, MAX_ESSAY),
        )

    def _units(self, number: int, given: str) -> tuple[Unit, ...]:
        units = written.units_of(given)
        if units is None:
            self.problem(
                number,
                _("“%(name)s” are no units.", name=given[:60]),
                _("Write the unit of the answers first, then others with their factor: units=min,h=60."),
            )
        return units or ()

    def _clauses(self, number: int, given: str, *, are_needed: bool) -> tuple[str, ...]:
        clauses: list[str] = []
        for name in filter(None, given.split(",")):
            slug, hash_sign, anchor = name.rpartition("#")
            slug = slug or self.document
            if not hash_sign and not slug:
                self.problem(
                    number,
                    _("The clause “%(name)s” belongs to no document.", name=name[:60]),
                    _("Write slug#id, or name the document in the front matter."),
                )
            elif not SLUG.fullmatch(slug) or not SLUG.fullmatch(anchor):
                self.problem(
                    number, _("“%(name)s” is no clause.", name=name[:60]), _("Write the id of a clause, or slug#id.")
                )
            elif f"{slug}#{anchor}" not in clauses:
                clauses.append(f"{slug}#{anchor}")
        if not clauses and are_needed and not any(problem.line == number for problem in self.problems):
            self.problem(
                number,
                _("The question cites no clause."),
                _("Write clause= and the id of the clause that decides it."),
            )
        return tuple(clauses)

    def _tags(self, number: int, given: str) -> tuple[str, ...]:
        tags = list(dict.fromkeys(filter(None, given.split(","))))
        for tag in tags:
            if not _TAG.fullmatch(tag):
                self.problem(
                    number,
                    _("“%(name)s” cannot be a tag.", name=tag[:60]),
                    _("A tag is one word of at most 40 characters."),
                )
        return tuple(tag for tag in tags if _TAG.fullmatch(tag))

    def _one_of(self, number: int, key: str, value: str, known: Iterable[str]) -> str | None:
        if value in known:
            return value
        self.problem(
            number,
            _("%(key)s is “%(value)s”, which is not known.", key=key, value=value[:60]),
            _("Write one of: %(known)s.", known=", ".join(known)),
        )
        return None

    def _whole(self, number: int, key: str, value: str | None, least: int, most: int) -> int | None:
        if value is None:
            return None
        if value.isascii() and value.isdigit() and len(value) < 6 and least <= int(value) <= most:
            return int(value)
        self.problem(
            number,
            _("%(key)s is “%(value)s”, which is not known.", key=key, value=value[:60]),
            _("Write a whole number from %(least)s to %(most)s.", least=least, most=most),
        )
        return None

    # --- choices ---

    def _section(self, lines: list[_Line], marks: Marks) -> tuple[str, tuple[ChoiceText, ...], str | None]:
        """Split a section into its text, its choices and the quote after them."""
        start = self._first_choice(lines, marks)
        stem = _trimmed(lines[:start])
        choices: list[ChoiceText] = []
        text: list[str] = []
        # Place of a line of the text → how far it is indented, where the text itself may begin with blanks.
        indents: dict[int, int] = {}
        told: list[str] = []
        after: list[str] = []
        current: tuple[int, bool | None, str] | None = None

        def close() -> None:
            if current is None:
                return
            body = dedented(text, indents)
            if not body:
                self.problem(current[0], _("The choice has no text."), _("Write its text behind the brackets."))
            choices.append(ChoiceText(body, current[1], _joined(told), current[2], current[0]))

        for line in lines[start:]:
            item = self._item(line, marks)
            if item is not None and not after:
                close()
                current, text, told, indents = (line.number, item[0], item[2]), [item[1]], [], {}
            elif not line.text:
                for collected in (after, told, text):
                    if collected:
                        collected.append("")
                        break
            elif line.text[0] in " \t" and current is not None and not after:
                inner = line.text.lstrip()
                if inner.startswith(">") and not line.fenced:
                    told.append(inner[1:].removeprefix(" "))
                elif told:
                    self.problem(
                        line.number,
                        _("Text stands after the rationale of a choice."),
                        _("Begin the line with > if it belongs to the rationale, else move it above."),
                    )
                elif line.indent is not None:
                    indents[len(text)] = line.indent
                    text.append(line.text)
                else:
                    text.append(line.text.expandtabs(4))
            elif line.text.startswith(">") and not line.fenced:
                after.append(line.text[1:].removeprefix(" "))
            else:
                self.problem(
                    line.number,
                    _("Text stands after the choices."),
                    _("Write a choice as “- [ ] text”, indent what belongs to a choice, begin a rationale with >.")
                    if self.language == "en"
                    else _("Write a choice as “- text”, indent what belongs to a choice, begin a rationale with >."),
                )
                break
        close()
        if len(choices) > len(LETTERS):
            self.problem(
                choices[len(LETTERS)].line,
                _("A question has at most %(most)s choices.", most=len(LETTERS)),
                _("Take some away, or make two questions."),
            )
        return stem, tuple(choices[: len(LETTERS)]), _joined(after)

    def _item(self, line: _Line, marks: Marks) -> tuple[bool | None, str, str] | None:
        """Return of an item whether it is right, its text, and what else its brackets say."""
        if line.fenced:
            return None
        if self.language == "ja":
            item = _ITEM.fullmatch(line.text)
            return (None, item["text"], "") if item else None
        task = TASKS[marks].fullmatch(line.text)
        if task is None:
            return None
        mark, text = task["mark"], task["text"] or ""
        if marks is Marks.RIGHT:
            return mark != " ", text, ""
        if marks is Marks.NUMBER:
            return None, text, str(int(mark))
        share = written.share_of(mark)
        if share is None:
            self.problem(
                line.number,
                _("“%(name)s” is no share of the points.", name=mark),
                _("Write [x], [ ] or a share like [50%]."),
            )
        return None, text, written.mark_of(share or Fraction(0))

    def _first_choice(self, lines: Sequence[_Line], marks: Marks) -> int:
        """Return where the choices begin: at the first task item, in Japanese with the last list."""
        start, quoted = len(lines), False
        for index, line in enumerate(lines):
            if self._item(line, marks) is not None:
                if self.language == "en":
                    return index
                if start > index or quoted:
                    start, quoted = index, False
            elif line.text.startswith(">") and not line.fenced:
                quoted = True
            elif line.text and line.text[0] not in " \t":
                # Something else follows: a list before it was part of the text.
                start = len(lines)
        return start


def _hidden_of(text: str) -> str:
    """Return what of a line that is no Markdown may stand nowhere."""
    return "".join(markdown.HIDDEN.findall(text))


def _trimmed(lines: Sequence[_Line]) -> str:
    return "\n".join(line.text for line in lines).strip("\n")


def _joined(lines: Sequence[str]) -> str | None:
    return "\n".join(lines).strip("\n") or None


def dedented(lines: Sequence[str], known: Mapping[int, int] | None = None) -> str:
    """Join a choice's lines; what follows the first loses the indentation that it has in common.

    `known`: place of a line → how far it is indented, where further blanks belong to the text.
    """
    first, rest = lines[0], list(lines[1:])
    indents = [
        (known or {}).get(place, len(line) - len(line.lstrip())) for place, line in enumerate(rest, 1) if line.strip()
    ]
    cut = min(indents, default=0)
    return "\n".join([first, *(line[cut:] for line in rest)]).strip("\n")


def parse(text: str, language: str) -> tuple[BankText | None, list[Problem]]:
    """Read one file; return it with all problems found, or None where nothing could be made of it."""
    reader = _Reader(text, language)
    bank = reader.read()
    return bank, sorted(reader.problems, key=lambda problem: problem.line)


def parse_each(text: str, most: int) -> tuple[BankText, list[Problem], list[Block]] | list[Problem]:
    """Read the English file question by question, at most so many: what is wrong with one takes no other with it.

    Return the bank without its questions, what is wrong outside of them, and the questions as they stand; where the
    front matter cannot be read, its problems. A question need not cite a clause yet.
    """
    reader = _Reader(text, "en", needs_clauses=False)
    return reader.each(most) or reader.problems


def _heading_of(text: str) -> re.Match[str] | None:
    return _QUESTION.fullmatch(text) if len(text) <= _LONGEST_HEADING else None


def _alone(question: QuestionText) -> Content:
    """Return a question in one language as one that says the same in both."""
    content = _Merger().content(question, question)
    assert content is not None
    return content


# --- writing one file --------------------------------------------------------------------------


def render(bank: BankText) -> str:
    """Write one file in the canonical form."""
    return render_head(bank) + "".join(render_question(question, bank.document) for question in bank.questions)


def render_head(bank: BankText) -> str:
    """Write the front matter of a file."""
    lines = ["---", f"title: {_scalar(bank.title)}"]
    if bank.document:
        lines.append(f"document: {bank.document}")
    if bank.version:
        lines.append(f'version: "{bank.version}"')
    if bank.revision:
        lines.append(f"revision: {bank.revision}")
    return "\n".join([*lines, "---"]) + "\n"


def render_question(question: QuestionText, document: str) -> str:
    """Write one question of a file, with the empty line before it."""
    lines = ["", f"## {question.title} {{#{question.id}}}"]
    if question.attributes:
        lines.append(_attribute_line(question.attributes, document))
    lines += ["", *_stem_lines(question)]
    if question.picture:
        lines += ["", _picture_line(question.picture)]
    for part in question.parts:
        if part.id != ANSWER:
            lines += ["", _part_line(part)]
        if part.choices:
            lines.append("")
        for choice in part.choices:
            lines += _choice_lines(choice)
        if part.rationale:
            lines += ["", *_quoted(part.rationale)]
    if question.rationale:
        if any(part.id != ANSWER for part in question.parts):
            heading = written.WHY_HEADINGS.in_("en" if question.attributes else "ja")
            lines += ["", f"### {heading} {{#{written.WHY}}}"]
        lines += ["", *_quoted(question.rationale)]
    return "\n".join(lines) + "\n"


def _picture_line(picture: PictureText) -> str:
    level = f"{{sensitivity={picture.severity}}}" if picture.severity is not None else ""
    alt = _TO_ESCAPE.sub(r"\\\1", picture.alt)
    return f"![{alt}]({picture.path}){level}"


def _part_line(part: PartText) -> str:
    heading, given = part.heading, [f"#{part.id}"]
    if part.id.isdigit():
        # Only the English file says points.
        heading = written.GAP_HEADINGS.in_("ja" if part.points is None else "en").format(number=part.id)
        given = [f"#gap-{part.id}"]
    if part.kind != CHOICES:
        given.append(f"kind={part.kind}")
    if part.is_exact:
        given.append("exact=yes")
    if part.units:
        given.append(f"units={written.units_words(part.units)}")
    if part.points is not None:
        given.append(f"points={part.points}")
    return f"### {heading} {{{' '.join(given)}}}"


def _attribute_line(attributes: Attributes, document: str) -> str:
    given = [f"type={attributes.type}"]
    if attributes.clauses:
        names = [
            anchor if slug == document and document else f"{slug}#{anchor}"
            for slug, _sign, anchor in (clause.partition("#") for clause in attributes.clauses)
        ]
        given.append("clause=" + ",".join(names))
    if attributes.difficulty is not None:
        given.append(f"difficulty={attributes.difficulty}")
    if attributes.severity:
        given.append(f"severity={attributes.severity}")
    if attributes.tags:
        given.append("tags=" + ",".join(attributes.tags))
    if attributes.is_exact:
        given.append("exact=yes")
    if attributes.units:
        given.append(f"units={written.units_words(attributes.units)}")
    if attributes.least is not None:
        given.append(f"least={attributes.least}")
    if attributes.most is not None:
        given.append(f"most={attributes.most}")
    if attributes.points != 1:
        given.append(f"points={attributes.points}")
    if attributes.marking != MARKINGS[0]:
        given.append(f"marking={attributes.marking}")
    if not attributes.shuffle:
        given.append("shuffle=no")
    if attributes.state != STATES[0]:
        given.append(f"state={attributes.state}")
    if attributes.behind:
        given.append(f"behind={attributes.behind}")
    return "{" + " ".join(given) + "}"


def _choice_lines(choice: ChoiceText) -> list[str]:
    mark = f"[{choice.mark}] " if choice.mark else "" if choice.right is None else "[x] " if choice.right else "[ ] "
    first, *rest = choice.text.split("\n")
    lines = [f"- {mark}{first}", *_further_lines(rest)]
    if choice.rationale:
        lines += [f"  {line}" for line in _quoted(choice.rationale)]
    return lines


def _verbatim_lines(lines: Sequence[str], is_mark: Callable[[str], bool], indent: str = "") -> list[str]:
    """Return lines of a text, indented, those marked with `VERBATIM` that would be read as something else."""
    written_lines: list[str] = []
    place = 0
    while place < len(lines):
        line = lines[place]
        fence = _FENCE.match(indent + line)
        end = _end_of_fence(lines, place, fence["fence"], indent) if fence else None
        if end is not None:
            written_lines += [indent + each if each else "" for each in lines[place : end + 1]]
            place = end
        elif fence or _VERBATIM.match(line) or is_mark(line.rstrip()):
            written_lines.append(f"{indent}{VERBATIM}{line}")
        else:
            written_lines.append(indent + line if line else "")
        place += 1
    return written_lines


def _end_of_fence(lines: Sequence[str], start: int, fence: str, indent: str) -> int | None:
    for place in range(start + 1, len(lines)):
        found = _FENCE.match(indent + lines[place])
        if found and found["fence"].startswith(fence) and not lines[place].strip().strip(fence[0]):
            return place
    return None


def _stem_lines(question: QuestionText) -> list[str]:
    lines = question.stem.split("\n")
    attributes = question.attributes
    is_plain = all(part.id == ANSWER for part in question.parts)
    marks = written.marks_of(KINDS.get(attributes.type, CHOICES) if attributes else CHOICES)
    last = next((line for line in reversed(lines) if line.strip()), "")
    shows_no_picture = question.picture is None and (attributes is None or attributes.type == CASE)

    def is_mark(line: str) -> bool:
        if line.startswith(("# ", "## ")) or (line.startswith("### ") and _PART.fullmatch(line)):
            return True
        if shows_no_picture and line == last.rstrip() and _PICTURE.fullmatch(line):
            return True
        if attributes is None:
            return line.startswith("{") and "=" in line and line == lines[0].rstrip()
        return TASKS[marks].fullmatch(line) is not None

    found = _verbatim_lines(lines, is_mark)
    if attributes is None and is_plain:
        # In Japanese a list at the end of the text would be taken for the first of the choices.
        reader = _Reader("", "ja")
        choices = [line for part in question.parts for choice in part.choices for line in _choice_lines(choice)]
        body = reader._fences([_Line(number, line) for number, line in enumerate([*found, "", *choices], 1)])
        start = reader._first_choice(body, marks)
        for place in range(start, len(found)):
            if reader._item(body[place], marks) is not None:
                found[place] = f"{VERBATIM}{found[place]}"
    return found


def _further_lines(lines: Sequence[str]) -> list[str]:
    """Return what follows the first line of a choice."""
    filled = [line for line in lines if line.strip()]
    if any("\t" in line for line in filled) or (filled and all(line[0].isspace() for line in filled)):
        # What they have in common is no indentation of the file.
        return [f"  {VERBATIM}{line}" if line.strip() else "" for line in lines]
    return _verbatim_lines(lines, lambda line: line.lstrip().startswith(">"), "  ")


def _quoted(text: str) -> list[str]:
    return [f"> {line}" if line else ">" for line in text.split("\n")]


def _scalar(text: str) -> str:
    """Write a text as YAML: plain where that reads back the same, else in quotation marks."""
    try:
        if markdown.front_matter(f"---\ntitle: {text}\n---")[0] == {"title": text}:
            return text
    except markdown.FrontMatterBroken:
        pass
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in escaped) + '"'


# --- both files --------------------------------------------------------------------------------


@dataclass(slots=True)
class _Merger:
    document: str = ""
    # Path → hash of the pictures that there are; None: whichever a file names.
    pictures: Mapping[str, str] | None = None
    english: list[Problem] = field(default_factory=list)
    japanese: list[Problem] = field(default_factory=list)

    def question(self, en: QuestionText, ja: QuestionText) -> BankQuestion | None:
        attributes = en.attributes
        if attributes is None:
            return None
        before = len(self.english) + len(self.japanese)
        content = self.content(en, ja)
        if content is None or len(self.english) + len(self.japanese) > before:
            return None
        content = with_words(content, _without_mark)
        lacking = "" if attributes.state == "draft" else next(iter(missing(list(words_of(content)))), "")
        if lacking:
            (self.english if lacking == "en" else self.japanese).append(
                Problem(
                    (en if lacking == "en" else ja).line,
                    _("A text is missing in this language."),
                    _("Write it, or set state=draft: only a draft may lack a language."),
                )
            )
        faults = type_of(attributes.type).check(content)
        self.english += [Problem(_line_of(fault, en), fault.message, fault.mend) for fault in faults]
        if faults or lacking:
            return None
        return BankQuestion(en.id, content, attributes.state, en.line, attributes.behind)

    def content(self, en: QuestionText, ja: QuestionText) -> Content | None:
        """Return what the two texts say together; what is wrong between them is noted."""
        attributes = en.attributes
        if attributes is None:
            return None
        theirs = {part.id: part for part in ja.parts}
        if attributes.type == MATCHING:
            parts = self.pairs(en, theirs.pop(ANSWER, None), ja)
        else:
            parts = tuple(self.part(en, part, theirs.pop(part.id, None), ja) for part in en.parts)
        for part in theirs.values():
            self.japanese.append(
                Problem(
                    part.line,
                    _("The part “%(id)s” is not in the English file.", id=part.id),
                    _("Take it away, or add it to the English file first."),
                )
            )
        return Content(
            type=attributes.type,
            title=Words(en.title, ja.title),
            stem=Words(en.stem, ja.stem),
            parts=parts,
            clauses=attributes.clauses,
            rationale=self.rationale(en.rationale, ja.rationale, ja.line),
            difficulty=attributes.difficulty,
            severity=attributes.severity,
            tags=attributes.tags,
            marking=attributes.marking,
            shuffle=attributes.shuffle,
            document=self.document,
            picture=self.picture(en, ja),
        )

    def picture(self, en: QuestionText, ja: QuestionText) -> Picture | None:
        if en.picture is None:
            if ja.picture is not None:
                self.japanese.append(
                    Problem(
                        ja.picture.line,
                        _("The picture is not in the English file."),
                        _("Take it away, or add it to the English file first."),
                    )
                )
            return None
        path = en.picture.path
        if ja.picture is None or ja.picture.path != path:
            self.japanese.append(
                Problem(
                    ja.picture.line if ja.picture else ja.line,
                    _("The picture of the English file is missing."),
                    _("Write “![what it shows](%(path)s)” under the text, above the parts.", path=path),
                )
            )
            return None
        hash_ = _named_hash(path) if self.pictures is None else self.pictures.get(path)
        if hash_ is None:
            self.english.append(
                Problem(
                    en.picture.line,
                    _("There is no picture banks/%(path)s, or it cannot be read.", path=path),
                    _("Put it there, or correct the name."),
                )
            )
            return None
        return Picture(hash_, Words(en.picture.alt, ja.picture.alt), en.picture.severity or "")

    def part(self, question: QuestionText, en: PartText, ja: PartText | None, other: QuestionText) -> Part:
        shared = en.id in SHARED_PARTS
        if ja is None:
            if not shared:
                self.japanese.append(
                    Problem(
                        other.line,
                        _("The part “%(id)s” is missing.", id=en.id),
                        _(
                            "Add “### %(heading)s {#%(id)s}” with its choices.",
                            heading=_japanese_heading(en.id),
                            id=f"gap-{en.id}" if en.id.isdigit() else en.id,
                        )
                        if en.id != ANSWER
                        else _("Write its choices in the English order."),
                    )
                )
                ja = PartText(en.id, "", None, tuple(ChoiceText(c.text, None, c.rationale) for c in en.choices))
            else:
                ja = PartText(en.id, HEADINGS[en.id].ja, None, (), None, other.line)
        texts = self.shared_texts(en, ja) if shared else self.texts(en, ja)
        attributes = question.attributes
        assert attributes is not None
        kind = KINDS.get(attributes.type, en.kind)
        items = self.items(en, texts, ja)
        if kind == NUMBER:
            self.same_numbers(en, texts, ja)
        if kind == "order":
            self.numbered(en)
        if kind == "essay":
            self.without_rationales(en)
        return written.part_of(
            en.id,
            kind,
            items,
            points=en.points or 1,
            is_exact=attributes.is_exact or en.is_exact,
            units=attributes.units or en.units,
            limits=(attributes.least, attributes.most),
            heading=None if en.id == ANSWER or attributes.type == GAP else Words(en.heading, ja.heading),
            rationale=self.rationale(en.rationale, ja.rationale, ja.line),
        )

    def items(self, en: PartText, texts: Sequence[ChoiceText], ja: PartText) -> list[Given]:
        return [
            Given(
                Words(choice.text, text.text),
                choice.mark,
                bool(choice.right),
                self.rationale(choice.rationale, text.rationale, text.line or ja.line),
            )
            for choice, text in zip(en.choices, texts, strict=True)
        ]

    def pairs(self, question: QuestionText, ja: PartText | None, other: QuestionText) -> tuple[Part, ...]:
        """Return the pairs of a matching; what belongs together stands in one item of each file."""
        en = question.parts[0]
        texts = self.texts(en, ja or PartText(ANSWER, "", None, (), None, other.line))
        for choice, text in zip(en.choices, texts, strict=True):
            for side, problems in ((choice, self.english), (text, self.japanese)):
                has_right = written.sides_of(side.text)[1] is not None
                if has_right is not bool(choice.right):
                    problems.append(
                        Problem(
                            side.line,
                            _("A choice that fits nothing has a right side.")
                            if has_right
                            else _("The pair has no right side."),
                            _("Put an x into its brackets, or take the line with “= ” away.")
                            if has_right
                            else _("Write “  = what belongs to it” below it."),
                        )
                    )
            if choice.rationale and not choice.right:
                self.english.append(
                    Problem(
                        choice.line,
                        _("Only a pair has a rationale."),
                        _("Take the quote away, or put it below the pair that it is about."),
                    )
                )
        items = self.items(en, texts, ja or en)
        return written.pairs_of(items, points=en.points or 1)

    def same_numbers(self, en: PartText, texts: Sequence[ChoiceText], ja: PartText) -> None:
        for choice, text in zip(en.choices, texts, strict=True):
            if choice.text != text.text:
                self.japanese.append(
                    Problem(
                        text.line or ja.line,
                        _("“%(text)s” is no choice of this part in the English file.", text=text.text[:60]),
                        _("Repeat the choice exactly as it stands there."),
                    )
                )
                break

    def numbered(self, en: PartText) -> None:
        for place, choice in enumerate(en.choices, start=1):
            if choice.mark != str(place):
                self.english.append(
                    Problem(
                        choice.line,
                        _("What is to be put in order is not numbered 1, 2, 3 …"),
                        _("Write [%(number)s] here: the list stands in the right order.", number=place),
                    )
                )
                break

    def without_rationales(self, en: PartText) -> None:
        for choice in en.choices:
            if choice.rationale or not 1 <= int(choice.mark or 0) <= MAX_POINTS:
                self.english.append(
                    Problem(
                        choice.line,
                        _("A criterion has a text and points, no rationale."),
                        _("Write “- [2] names the clause”, with at least one point, and a quote after the list."),
                    )
                )

    def texts(self, en: PartText, ja: PartText) -> list[ChoiceText]:
        if len(en.choices) == len(ja.choices):
            return list(ja.choices)
        self.japanese.append(
            Problem(
                ja.line,
                _(
                    "There are %(here)s choices here and %(there)s in the English file.",
                    here=len(ja.choices),
                    there=len(en.choices),
                ),
                _("Write the same choices in the same order; a list within the text begins with * instead of -."),
            )
        )
        return [ChoiceText(choice.text, None, choice.rationale) for choice in en.choices]

    def shared_texts(self, en: PartText, ja: PartText) -> list[ChoiceText]:
        told = {choice.text: choice for choice in ja.choices}
        order = [choice.text for choice in en.choices]
        known = [choice.text for choice in ja.choices if choice.text in order]
        for choice in ja.choices:
            if choice.text not in order:
                self.japanese.append(
                    Problem(
                        choice.line,
                        _("“%(text)s” is no choice of this part in the English file.", text=choice.text[:60]),
                        _("Repeat the choice exactly as it stands there."),
                    )
                )
        if known != sorted(known, key=order.index):
            self.japanese.append(
                Problem(
                    ja.line,
                    _("The choices stand in another order than in the English file."),
                    _("Write the same choices in the same order."),
                )
            )
        return [told.get(choice.text, ChoiceText(choice.text, None)) for choice in en.choices]

    def rationale(self, en: str | None, ja: str | None, line: int) -> Words | None:
        if en and ja:
            return Words(en, ja)
        if en or ja:
            self.japanese.append(
                Problem(
                    line,
                    _("A rationale stands only in one of the two languages."),
                    _("Write it in both files, or in neither."),
                )
            )
        return None


def _japanese_heading(part_id: str) -> str:
    if part_id in HEADINGS:
        return HEADINGS[part_id].ja
    return written.GAP_HEADINGS.ja.format(number=part_id)


def _line_of(fault: Fault, question: QuestionText) -> int:
    if question.attributes and question.attributes.type == MATCHING and fault.part:
        # Each pair is a part, and an item of the only list.
        fault = replace(fault, part=None, choice=int(fault.part) - 1)
    if fault.part == PICTURE and question.picture:
        return question.picture.line
    part = next((part for part in question.parts if part.id == (fault.part or ANSWER)), None)
    if part is None:
        return question.line
    if fault.choice is not None and fault.choice < len(part.choices):
        return part.choices[fault.choice].line
    return part.line


def merge(
    en: BankText, ja: BankText, pictures: Mapping[str, str] | None = None
) -> tuple[Bank, list[Problem], list[Problem]]:
    """Join the two files; return the bank with the problems of the English and of the Japanese file.

    Questions with a problem are left out of the bank. `pictures` is path → hash of those that lie beside the bank;
    without it each is taken to be there under the hash that its name says.
    """
    merger = _Merger(en.document, pictures)
    theirs = {question.id: question for question in ja.questions}
    questions = []
    for question in en.questions:
        other = theirs.pop(question.id, None)
        if other is None:
            merger.japanese.append(
                Problem(
                    0,
                    _("The question “%(id)s” is missing.", id=question.id),
                    _("Add “## … {#%(id)s}” with its texts.", id=question.id),
                )
            )
            continue
        merged = merger.question(question, other)
        if merged is not None:
            questions.append(merged)
    for other in theirs.values():
        merger.japanese.append(
            Problem(
                other.line,
                _("The question “%(id)s” is not in the English file.", id=other.id),
                _("Take it away, or add it to the English file first."),
            )
        )
    order = [question.id for question in en.questions]
    known = [question.id for question in ja.questions if question.id in order]
    if known != sorted(known, key=order.index):
        merger.japanese.append(
            Problem(
                0,
                _("The questions stand in another order than in the English file."),
                _("Put them into the English order."),
            )
        )
    if en.version != ja.version:
        merger.japanese.append(
            Problem(
                1,
                _(
                    "The version is “%(here)s” here and “%(there)s” in the English file.",
                    here=ja.version,
                    there=en.version,
                ),
                _("Bring the texts up to the English file and write its version."),
            )
        )
    bank = Bank(Words(en.title, ja.title), en.document, en.version, tuple(questions), en.revision)
    return bank, merger.english, merger.japanese


def _named_hash(path: str) -> str:
    """Return the hash that the name of a picture says, or one of the name."""
    name = path.rpartition("/")[2].partition(".")[0]
    return name if SHA256.fullmatch(name) else sha256(path.encode()).hexdigest()


def picture_path(hash_: str) -> str:
    """Return where a picture lies, as seen from the bank's file."""
    return f"pictures/{hash_}.webp"


def split(bank: Bank, language: str) -> BankText:
    """Return one language's file of a bank: the inverse of `merge`."""
    return BankText(
        language,
        bank.title.in_(language),
        bank.version,
        tuple(_split_question(question, language) for question in bank.questions),
        bank.document if language == "en" else "",
        bank.revision if language == "en" else 0,
    )


def with_texts(question: QuestionText, change: Callable[[str], str]) -> QuestionText:
    """Return a question of a file with each of its texts changed; an explanation that says nothing then is none."""

    def changed(text: str | None) -> str | None:
        return (change(text) or None) if text else text

    return replace(
        question,
        title=change(question.title),
        stem=change(question.stem),
        rationale=changed(question.rationale),
        parts=tuple(
            replace(
                part,
                heading=change(part.heading),
                rationale=changed(part.rationale),
                choices=tuple(
                    replace(each, text=change(each.text), rationale=changed(each.rationale)) for each in part.choices
                ),
            )
            for part in question.parts
        ),
    )


def as_in_file(text: str) -> str:
    """Return a text as a file has it: one that says just `MISSING` is none that is missing."""
    return f"{VERBATIM}{text}" if _TOLD_MISSING.fullmatch(text) else text


def _with_mark(words: Words) -> Words:
    """Return a text of which a language that is not written yet is marked so."""
    return Words(*(as_in_file(text) or MISSING for text in (words.en, words.ja)))


def _without_mark(words: Words) -> Words:
    return Words(*map(as_said, (words.en, words.ja)))


def as_said(text: str) -> str:
    """Return what a text of a file says: nothing where it only says that it is missing."""
    if not _TOLD_MISSING.fullmatch(text):
        return text
    return "" if text.strip() == MISSING else text.replace(VERBATIM, "", 1)


def _split_question(question: BankQuestion, language: str) -> QuestionText:
    content, english = with_words(question.content, _with_mark), language == "en"
    parts = []
    if content.type == MATCHING:
        items = written.pair_items(content.parts, language)
        points = content.parts[0].points if english else None
        parts.append(PartText(ANSWER, "", points, _choice_texts(items, english=english)))
    for part in content.parts if content.type != MATCHING else ():
        choices = _choice_texts(written.items_of(part, language), english=english)
        rationale = part.rationale.in_(language) if part.rationale else None
        heading = part.heading.in_(language) if part.heading else ""
        if not english and part.id in SHARED_PARTS:
            choices = tuple(choice for choice in choices if choice.rationale)
            if not choices and not rationale and heading == HEADINGS[part.id].ja:
                continue
        parts.append(
            PartText(part.id, heading, part.points, choices, rationale, 0, part.kind, part.is_exact, part.units)
            if english and content.type == GAP
            else PartText(part.id, heading, _points_in_file(content, part) if english else None, choices, rationale)
        )
    answer = content.parts[0] if content.parts else Part(ANSWER, None, 1)
    is_plain = content.type not in (GAP, MATCHING)
    attributes = Attributes(
        type=content.type,
        clauses=content.clauses,
        difficulty=content.difficulty,
        severity=content.severity,
        tags=content.tags,
        points=1 if content.type in WITHOUT_POINTS else answer.points,
        marking=content.marking,
        shuffle=content.shuffle,
        state=question.state,
        behind=question.behind,
        is_exact=answer.is_exact and is_plain,
        units=answer.units if is_plain else (),
        least=answer.least,
        most=answer.most,
    )
    return QuestionText(
        question.id,
        content.title.in_(language),
        content.stem.in_(language),
        tuple(parts),
        content.rationale.in_(language) if content.rationale else None,
        attributes if english else None,
        picture=PictureText(
            picture_path(content.picture.sha256),
            content.picture.alt.in_(language),
            content.picture.severity if english else None,
        )
        if content.picture
        else None,
    )


def _points_in_file(content: Content, part: Part) -> int:
    """Return the points that stand behind a part; those of a free text stand at its criteria."""
    return 1 if content.type == "free_text" else part.points


def _choice_texts(items: Iterable[written.Written], *, english: bool) -> tuple[ChoiceText, ...]:
    return tuple(
        ChoiceText(item.text, item.right if english else None, item.rationale, item.mark if english else "")
        for item in items
    )
