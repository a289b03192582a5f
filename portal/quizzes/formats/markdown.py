"""The Markdown bank format: a heading per question, task-list items as choices, quotes as rationales.

A bank is two files of the same questions. The English one holds key, clauses and tags, the Japanese
one only texts. `parse` and `render` are each other's inverse on one file, `merge` and `split` on the pair.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice, pairwise

from portal.core import markdown
from portal.core.content import SLUG
from portal.core.i18n import Words
from portal.core.i18n import gettext as _
from portal.quizzes.types import type_names, type_of
from portal.quizzes.types.base import ANSWER, LETTERS, Choice, Content, Fault, Part
from portal.quizzes.types.case import HEADINGS, PARTS, SHARED_PARTS

STATES = ("live", "draft", "retired")
SEVERITIES = ("S0", "S1", "S2", "S3", "S4")
MARKINGS = ("all_or_nothing", "partial")
_QUESTION = re.compile(r"## +(?P<title>.*?) *\{#(?P<id>[^}\s]*)\} *")
_PART = re.compile(r"### +(?P<title>.*?) *\{#(?P<id>[^}\s]*)(?P<attributes>[^}]*)\} *")
_TASK = re.compile(r"[-*+] +\[(?P<mark>[ xX])\](?: +(?P<text>.*))?")
_ITEM = re.compile(r"- +(?P<text>.*)")
_FENCE = re.compile(r" {0,3}(?P<fence>`{3,}|~{3,})")
_VERSION = re.compile(r"[0-9]{1,4}\.[0-9]{1,4}")
_TAG = re.compile(r"[^\s,{}=]{1,40}")
_ATTRIBUTES = ("type", "clause", "difficulty", "severity", "tags", "points", "marking", "shuffle", "state")
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


@dataclass(frozen=True, slots=True)
class ChoiceText:
    """A choice in one language; `right` is None in the Japanese file."""

    text: str
    right: bool | None
    rationale: str | None = None
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


@dataclass(frozen=True, slots=True)
class QuestionText:
    """A question in one language; only a case has named parts, the others one part `answer`."""

    id: str
    title: str
    stem: str
    parts: tuple[PartText, ...]
    rationale: str | None = None
    attributes: Attributes | None = None
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class BankText:
    """A bank in one language; `document` stands only in the English file."""

    language: str
    title: str
    version: str
    questions: tuple[QuestionText, ...]
    document: str = ""


@dataclass(frozen=True, slots=True)
class BankQuestion:
    """A question in both languages, with its id and state; `line` is that of the English file."""

    id: str
    content: Content
    state: str = "live"
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Bank:
    """A bank in both languages."""

    title: Words
    document: str
    version: str
    questions: tuple[BankQuestion, ...]


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
    fenced: bool = False


class _Reader:
    """Reads one file, noting every problem that it meets."""

    def __init__(self, text: str, language: str, *, needs_clauses: bool = True) -> None:
        self.needs_clauses = needs_clauses
        self.text = text.replace("\r\n", "\n").replace("\r", "\n")
        self.language = language
        self.problems: list[Problem] = []
        self.document = ""

    def problem(self, line: int, message: str, mend: str) -> None:
        self.problems.append(Problem(line, message, mend))

    def read(self) -> BankText | None:
        lines = self.text.split("\n")
        head = self._front_matter()
        if head is None:
            return None
        values, body_from = head
        title, version = self._head_values(values)
        body = self._fences([_Line(number, text.rstrip()) for number, text in enumerate(lines, 1)][body_from:])
        questions = self._questions(body)
        known = {problem.line for problem in self.problems}
        for found in markdown.scan("\n".join(lines[body_from:]), first_line=body_from + 1):
            if found.line not in known:
                self.problem(found.line, found.reason, found.mend)
        return BankText(self.language, title, version, tuple(questions), self.document)

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
        known = ("title", "document", "version") if self.language == "en" else ("title", "version")
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
        if self.language == "en":
            self.document = str(document)
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
        if not questions and not self.problems:
            self.problem(0, _("The file holds no question."), _("Begin each question with “## Title {#id}”."))
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
        body = [_Line(number, text.rstrip()) for number, text in enumerate(lines, 1)][body_from:]
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
        bank = BankText(self.language, title, version, (), self.document)
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
                line.fenced = False

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
        for found in markdown.scan("\n".join(line.text for line in lines), first_line=first):
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
        has_line = first < len(rest) and rest[first].text.startswith("{")
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
        is_case = attributes.type == "case" if attributes else any(self._part_id(line) for line in rest)
        if is_case:
            stem, parts = self._case(rest)
            rationale = None
        else:
            for line in rest:
                if self._part_id(line):
                    self.problem(
                        line.number,
                        _("Only a case has the parts decision, clause and severity."),
                        _("Set type=case, or take the id out of this heading."),
                    )
            stem, choices, rationale = self._section(rest)
            parts = (PartText(ANSWER, "", attributes.points if attributes else None, choices, None, heading.number),)
        if not stem:
            self.problem(heading.number, _("The question asks nothing."), _("Write its text above the choices."))
        return QuestionText(found["id"], found["title"], stem, parts, rationale, attributes, heading.number)

    @staticmethod
    def _part_id(line: _Line) -> str | None:
        if line.fenced or not line.text.startswith("### ") or len(line.text) > _LONGEST_HEADING:
            return None
        found = _PART.fullmatch(line.text)
        return found["id"] if found else None

    def _case(self, lines: list[_Line]) -> tuple[str, tuple[PartText, ...]]:
        sections: list[list[_Line]] = [[]]
        for line in lines:
            if self._part_id(line) is not None:
                sections.append([])
            sections[-1].append(line)
        parts: list[PartText] = []
        for section in sections[1:]:
            part = self._part(section)
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
            if self.language == "en" and not line.fenced and _TASK.fullmatch(line.text):
                self.problem(
                    line.number,
                    _("A case has its choices in parts."),
                    _("Write “### Decision {#decision points=1}” above them."),
                )
                break
        return _trimmed(sections[0]), tuple(parts)

    def _part(self, section: list[_Line]) -> PartText | None:
        heading = section[0]
        found = _PART.fullmatch(heading.text)
        assert found is not None
        if found["id"] not in PARTS:
            self.problem(
                heading.number,
                _("“%(name)s” is no part of a case.", name=found["id"][:60]),
                _("Parts are decision, clause and severity."),
            )
            return None
        points = self._part_points(heading, found["attributes"])
        stem, choices, rationale = self._section(section[1:])
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
            found["id"],
            found["title"] or HEADINGS[found["id"]].in_(self.language),
            points,
            choices,
            rationale,
            heading.number,
        )

    def _part_points(self, heading: _Line, attributes: str) -> int | None:
        if self.language == "ja":
            if attributes.strip():
                self.problem(
                    heading.number,
                    _("The Japanese file holds only texts."),
                    _("Leave points to the English file."),
                )
            return None
        points = 1
        for token in attributes.split():
            key, _equals, value = token.partition("=")
            if key == "points":
                points = self._whole(heading.number, key, value, 1, MAX_POINTS) or 1
            else:
                self.problem(
                    heading.number, _("“%(name)s” is not known here.", name=token[:60]), _("A part takes points=1.")
                )
        return points

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
        if kind == "case" and "points" in given:
            self.problem(
                number, _("A case is worth the sum of its parts."), _("Take points= away here and set it on the parts.")
            )
        marking = self._one_of(number, "marking", given.get("marking", MARKINGS[0]), MARKINGS) or MARKINGS[0]
        if "marking" in given and kind != "multiple_choice":
            self.problem(number, _("Only multiple_choice has a marking."), _("Take marking= away."))
            marking = MARKINGS[0]
        severity = given.get("severity")
        return Attributes(
            type=kind,
            clauses=self._clauses(number, given.get("clause", "")),
            difficulty=self._whole(number, "difficulty", given.get("difficulty"), 1, 5),
            severity=severity and self._one_of(number, "severity", severity, SEVERITIES),
            tags=self._tags(number, given.get("tags", "")),
            points=1 if kind == "case" else points,
            marking=marking,
            shuffle=(self._one_of(number, "shuffle", given.get("shuffle", "yes"), ("yes", "no")) or "yes") == "yes",
            state=self._one_of(number, "state", given.get("state", STATES[0]), STATES) or STATES[0],
        )

    def _clauses(self, number: int, given: str) -> tuple[str, ...]:
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
        if not clauses and self.needs_clauses and not any(problem.line == number for problem in self.problems):
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

    def _section(self, lines: list[_Line]) -> tuple[str, tuple[ChoiceText, ...], str | None]:
        """Split a section into its text, its choices and the quote after them."""
        start = self._first_choice(lines)
        stem = _trimmed(lines[:start])
        choices: list[ChoiceText] = []
        text: list[str] = []
        told: list[str] = []
        after: list[str] = []
        current: tuple[int, bool | None] | None = None

        def close() -> None:
            if current is None:
                return
            body = dedented(text)
            if not body:
                self.problem(current[0], _("The choice has no text."), _("Write its text behind the brackets."))
            choices.append(ChoiceText(body, current[1], _joined(told), current[0]))

        for line in lines[start:]:
            item = self._item(line)
            if item is not None and not after:
                close()
                current, text, told = (line.number, item[0]), [item[1]], []
            elif not line.text:
                for collected in (after, told, text):
                    if collected:
                        collected.append("")
                        break
            elif line.text[0] in " \t" and current is not None and not after:
                inner = line.text.lstrip()
                if inner.startswith(">"):
                    told.append(inner[1:].removeprefix(" "))
                elif told:
                    self.problem(
                        line.number,
                        _("Text stands after the rationale of a choice."),
                        _("Begin the line with > if it belongs to the rationale, else move it above."),
                    )
                else:
                    text.append(line.text.expandtabs(4))
            elif line.text.startswith(">"):
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

    def _item(self, line: _Line) -> tuple[bool | None, str] | None:
        if line.fenced:
            return None
        if self.language == "en":
            task = _TASK.fullmatch(line.text)
            return (task["mark"] != " ", task["text"] or "") if task else None
        item = _ITEM.fullmatch(line.text)
        return (None, item["text"]) if item else None

    def _first_choice(self, lines: Sequence[_Line]) -> int:
        """Return where the choices begin: at the first task item, in Japanese with the last list."""
        start, quoted = len(lines), False
        for index, line in enumerate(lines):
            if self._item(line) is not None:
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


def _trimmed(lines: Sequence[_Line]) -> str:
    return "\n".join(line.text for line in lines).strip("\n")


def _joined(lines: Sequence[str]) -> str | None:
    return "\n".join(lines).strip("\n") or None


def dedented(lines: Sequence[str]) -> str:
    """Join a choice's lines; what follows the first loses the indentation that it has in common."""
    first, rest = lines[0], list(lines[1:])
    indents = [len(line) - len(line.lstrip()) for line in rest if line.strip()]
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
    attributes = question.attributes
    assert attributes is not None

    def both(text: str) -> Words:
        return Words(text, text)

    return Content(
        type=attributes.type,
        title=both(question.title),
        stem=both(question.stem),
        parts=tuple(
            Part(
                part.id,
                both(part.heading),
                part.points or 1,
                tuple(
                    Choice(LETTERS[place], both(choice.text), bool(choice.right))
                    for place, choice in enumerate(part.choices)
                ),
            )
            for part in question.parts
        ),
        clauses=attributes.clauses,
    )


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
    return "\n".join([*lines, "---"]) + "\n"


def render_question(question: QuestionText, document: str) -> str:
    """Write one question of a file, with the empty line before it."""
    lines = ["", f"## {question.title} {{#{question.id}}}"]
    if question.attributes:
        lines.append(_attribute_line(question.attributes, document))
    lines += ["", question.stem]
    for part in question.parts:
        if part.id != ANSWER:
            points = "" if part.points is None else f" points={part.points}"
            lines += ["", f"### {part.heading} {{#{part.id}{points}}}"]
        if part.choices:
            lines.append("")
        for choice in part.choices:
            lines += _choice_lines(choice)
        if part.rationale:
            lines += ["", *_quoted(part.rationale)]
    if question.rationale:
        lines += ["", *_quoted(question.rationale)]
    return "\n".join(lines) + "\n"


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
    if attributes.points != 1:
        given.append(f"points={attributes.points}")
    if attributes.marking != MARKINGS[0]:
        given.append(f"marking={attributes.marking}")
    if not attributes.shuffle:
        given.append("shuffle=no")
    if attributes.state != STATES[0]:
        given.append(f"state={attributes.state}")
    return "{" + " ".join(given) + "}"


def _choice_lines(choice: ChoiceText) -> list[str]:
    mark = "" if choice.right is None else "[x] " if choice.right else "[ ] "
    first, *rest = choice.text.split("\n")
    lines = [f"- {mark}{first}", *(f"  {line}" if line else "" for line in rest)]
    if choice.rationale:
        lines += [f"  {line}" for line in _quoted(choice.rationale)]
    return lines


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
    english: list[Problem] = field(default_factory=list)
    japanese: list[Problem] = field(default_factory=list)

    def question(self, en: QuestionText, ja: QuestionText) -> BankQuestion | None:
        attributes = en.attributes
        if attributes is None:
            return None
        before = len(self.english) + len(self.japanese)
        theirs = {part.id: part for part in ja.parts}
        parts = tuple(self.part(en, part, theirs.pop(part.id, None), ja) for part in en.parts)
        for part in theirs.values():
            self.japanese.append(
                Problem(
                    part.line,
                    _("The part “%(id)s” is not in the English file.", id=part.id),
                    _("Take it away, or add it to the English file first."),
                )
            )
        content = Content(
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
        )
        for fault in type_of(attributes.type).check(content):
            self.english.append(Problem(_line_of(fault, en), fault.message, fault.mend))
        if len(self.english) + len(self.japanese) > before:
            return None
        return BankQuestion(en.id, content, attributes.state, en.line)

    def part(self, question: QuestionText, en: PartText, ja: PartText | None, other: QuestionText) -> Part:
        shared = en.id in SHARED_PARTS
        if ja is None:
            if not shared:
                self.japanese.append(
                    Problem(
                        other.line,
                        _("The part “%(id)s” is missing.", id=en.id),
                        _("Add “### %(heading)s {#%(id)s}” with its choices.", heading=HEADINGS[en.id].ja, id=en.id)
                        if en.id in HEADINGS
                        else _("Write its choices in the English order."),
                    )
                )
                ja = PartText(en.id, "", None, tuple(ChoiceText(c.text, None, c.rationale) for c in en.choices))
            else:
                ja = PartText(en.id, HEADINGS[en.id].ja, None, (), None, other.line)
        texts = self.shared_texts(en, ja) if shared else self.texts(en, ja)
        heading = None if en.id == ANSWER else Words(en.heading, ja.heading)
        return Part(
            en.id,
            heading,
            en.points or 1,
            tuple(
                Choice(
                    LETTERS[place],
                    Words(choice.text, text.text),
                    bool(choice.right),
                    self.rationale(choice.rationale, text.rationale, text.line or ja.line),
                )
                for place, (choice, text) in enumerate(zip(en.choices, texts, strict=True))
            ),
            self.rationale(en.rationale, ja.rationale, ja.line),
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


def _line_of(fault: Fault, question: QuestionText) -> int:
    part = next((part for part in question.parts if part.id == (fault.part or ANSWER)), None)
    if part is None:
        return question.line
    if fault.choice is not None and fault.choice < len(part.choices):
        return part.choices[fault.choice].line
    return part.line


def merge(en: BankText, ja: BankText) -> tuple[Bank, list[Problem], list[Problem]]:
    """Join the two files; return the bank with the problems of the English and of the Japanese file.

    Questions with a problem are left out of the bank.
    """
    merger = _Merger(en.document)
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
    bank = Bank(Words(en.title, ja.title), en.document, en.version, tuple(questions))
    return bank, merger.english, merger.japanese


def split(bank: Bank, language: str) -> BankText:
    """Return one language's file of a bank: the inverse of `merge`."""
    return BankText(
        language,
        bank.title.in_(language),
        bank.version,
        tuple(_split_question(question, language) for question in bank.questions),
        bank.document if language == "en" else "",
    )


def _split_question(question: BankQuestion, language: str) -> QuestionText:
    content, english = question.content, language == "en"
    parts = []
    for part in content.parts:
        choices = tuple(
            ChoiceText(
                choice.text.in_(language),
                choice.right if english else None,
                choice.rationale.in_(language) if choice.rationale else None,
            )
            for choice in part.choices
        )
        rationale = part.rationale.in_(language) if part.rationale else None
        heading = part.heading.in_(language) if part.heading else ""
        if not english and part.id in SHARED_PARTS:
            choices = tuple(choice for choice in choices if choice.rationale)
            if not choices and not rationale and heading == HEADINGS[part.id].ja:
                continue
        parts.append(PartText(part.id, heading, part.points if english else None, choices, rationale))
    attributes = Attributes(
        type=content.type,
        clauses=content.clauses,
        difficulty=content.difficulty,
        severity=content.severity,
        tags=content.tags,
        points=1 if content.type == "case" else content.max_points,
        marking=content.marking,
        shuffle=content.shuffle,
        state=question.state,
    )
    return QuestionText(
        question.id,
        content.title.in_(language),
        content.stem.in_(language),
        tuple(parts),
        content.rationale.in_(language) if content.rationale else None,
        attributes if english else None,
    )
