"""Our own bank in Markdown as a format beside the others: its English file, which says everything.

Types of question that the bank does not know are refused by name; those that it knows are asked of `types`.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction

from portal.core.content import SLUG
from portal.core.i18n import gettext as _
from portal.core.markdown import HIDDEN
from portal.quizzes.formats import markdown
from portal.quizzes.formats.interchange import (
    FULL,
    MAX_QUESTIONS,
    MAX_TITLE,
    ForeignChoice,
    ForeignPart,
    ForeignQuestion,
    Kind,
    NotUtf8,
    Reading,
    Refused,
    TextFormat,
    Writing,
    text_of,
)
from portal.quizzes.formats.losses import CannotHold, write_each
from portal.quizzes.formats.markdown import (
    MARKINGS,
    MAX_POINTS,
    SEVERITIES,
    STATES,
    Attributes,
    BankText,
    ChoiceText,
    PartText,
    Problem,
    QuestionText,
)
from portal.quizzes.types import type_names
from portal.quizzes.types.base import ANSWER
from portal.quizzes.types.case import HEADINGS, PARTS

MAX_BYTES = 1024 * 1024
# The title of a bank whose questions belong to no category.
_UNTITLED = "Questions"
# So many things wrong with one question are said.
_MOST_PROBLEMS = 5
_VERSION = re.compile(r"[0-9]{1,4}\.[0-9]{1,4}", re.ASCII)
_TAG = re.compile(r"[^\s,{}=]{1,40}")
_NO_TAG = re.compile(r"[\s,{}=]+")
_NO_SLUG = re.compile(r"[^a-z0-9]+")
_BREAKS = re.compile(r"[ \t]*[\r\n\f\v\x1c-\x1e\x85\u2028\u2029]+[ \t]*")


class OwnMarkdown:
    """The English file of a bank."""

    name = "markdown"
    suffix = ".en.md"
    content_type = "text/markdown"

    def read(self, data: bytes) -> Reading:
        """Return what a file holds."""
        if len(data) > MAX_BYTES:
            return Reading((), (Refused(0, _("A bank in Markdown is at most 1 MB large. Split it.")),))
        try:
            found = markdown.parse_each(text_of(data), MAX_QUESTIONS + 1)
        except NotUtf8 as broken:
            return Reading((), (Refused(broken.line, str(broken)),))
        if isinstance(found, list):
            return Reading((), tuple(map(_refused, found)))
        bank, beside, blocks = found
        refused = [_refused(problem) for problem in beside]
        if blocks and not any(block.has_attributes for block in blocks):
            reason = _(
                "No question has a line of attributes. If this is the Japanese file of a bank, read the English one: "
                "it says what is right."
            )
            return Reading((), (*refused, Refused(blocks[0].line, reason)))
        questions: list[ForeignQuestion] = []
        seen: dict[str, int] = {}
        for block in blocks:
            if len(questions) + len(refused) >= MAX_QUESTIONS:
                refused.append(Refused(block.line, _("There are more than %(most)s questions.", most=MAX_QUESTIONS)))
                break
            question = block.question
            if block.problems or question is None:
                refused += [_refused(problem) for problem in block.problems[:_MOST_PROBLEMS]]
            elif question.id in seen:
                reason = _("The id “%(id)s” stands on line %(line)s already.", id=question.id, line=seen[question.id])
                refused.append(Refused(block.line, reason))
            else:
                seen[question.id] = block.line
                questions.append(_foreign(question, bank))
        return Reading(tuple(questions), tuple(sorted(refused, key=lambda each: each.line)))

    def write(self, questions: Sequence[ForeignQuestion]) -> Writing:
        """Return a file of the questions and what it leaves out: one bank of one document and version."""
        bank = _bank_of(questions)
        head = markdown.render_head(bank)
        ids = _ids(questions)
        size = len(head.encode())

        def rendered(question: ForeignQuestion) -> str:
            nonlocal size
            own = _own(question, next(ids))
            text = markdown.render_question(own, bank.document)
            back = markdown.parse_each(head + _encodable(text), 2)
            blocks = back[2] if isinstance(back, tuple) else []
            if len(blocks) == 1 and blocks[0].problems:
                raise CannotHold(_said(blocks[0].problems[0]))
            if len(blocks) != 1 or blocks[0].question != own:
                raise CannotHold(_("In Markdown its text would be read as something else."))
            size += len(_encodable(text).encode())
            if size > MAX_BYTES:
                raise CannotHold(_("The file would be too large with it. Write it into another one."))
            return text

        return write_each(questions, render=rendered, read=self.read, join=lambda texts: head + "".join(texts))


def _encodable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _said(problem: Problem) -> str:
    return f"{problem.message} {problem.mend}".strip()


def _refused(problem: Problem) -> Refused:
    return Refused(problem.line, _said(problem))


# --- from a bank -------------------------------------------------------------------------------


def _foreign(question: QuestionText, bank: BankText) -> ForeignQuestion:
    attributes = question.attributes
    assert attributes is not None
    kind = Kind(attributes.type)
    found = ForeignQuestion(
        type=kind,
        title=question.title,
        stem=question.stem,
        text_format=TextFormat.MARKDOWN,
        general_feedback=question.rationale or "",
        tags=attributes.tags,
        id=question.id,
        category="" if bank.title == _UNTITLED else bank.title,
        points=Fraction(attributes.points),
        shuffle=attributes.shuffle,
        clauses=attributes.clauses,
        document=bank.document,
        document_version=bank.version,
        severity=attributes.severity or "",
        difficulty=attributes.difficulty,
        state=attributes.state,
        line=question.line,
    )
    if kind is Kind.CASE:
        parts = tuple(
            ForeignPart(
                part.id, part.heading, _choices(part, wrong=0), Fraction(part.points or 1), part.rationale or ""
            )
            for part in question.parts
        )
        return replace(found, parts=parts, points=sum((part.points for part in parts), Fraction(0)))
    (answer,) = question.parts
    if kind is Kind.TRUE_FALSE:
        true, false = answer.choices
        return replace(
            found,
            correct=bool(true.right),
            feedback_true=true.rationale or "",
            feedback_false=false.rationale or "",
        )
    is_partial = attributes.marking == "partial"
    return replace(
        found,
        choices=_choices(answer, wrong=-1 if is_partial else 0),
        all_or_nothing=kind is Kind.MULTIPLE_CHOICE and not is_partial,
    )


def _choices(part: PartText, *, wrong: int) -> tuple[ForeignChoice, ...]:
    """Return the choices of a part; each right one earns its share, and a wrong one that share times `wrong`."""
    share = FULL / max(sum(bool(choice.right) for choice in part.choices), 1)
    return tuple(
        ForeignChoice(choice.text, share if choice.right else share * wrong, choice.rationale or "")
        for choice in part.choices
    )


# --- into a bank -------------------------------------------------------------------------------


def _bank_of(questions: Sequence[ForeignQuestion]) -> BankText:
    """Return what the front matter says: what most of the questions say."""
    titles = Counter(_on_one_line(question.category) for question in questions)
    documents = Counter((question.document, question.document_version) for question in questions)
    title = titles.most_common(1)[0][0] if titles else ""
    document, version = documents.most_common(1)[0][0] if documents else ("", "")
    return BankText(
        "en",
        HIDDEN.sub("", _encodable(title))[:MAX_TITLE].strip() or _UNTITLED,
        version if _VERSION.fullmatch(version) else "",
        (),
        document if SLUG.fullmatch(document) else "",
    )


def _ids(questions: Sequence[ForeignQuestion]) -> Iterator[str]:
    """Yield an id for each question: its own where it can be one and is free."""
    kept = {question.id for question in questions if SLUG.fullmatch(question.id)}
    used: set[str] = set()
    for number, question in enumerate(questions, start=1):
        near = _NO_SLUG.sub("-", question.id.lower()).strip("-")
        found = question.id if question.id in kept else near if near not in kept else ""
        if not SLUG.fullmatch(found) or found in used:
            found = next(each for each in _numbered(number) if each not in kept and each not in used)
        used.add(found)
        yield found


def _numbered(number: int) -> Iterator[str]:
    yield f"q-{number:03}"
    further = 1
    while True:
        further += 1
        yield f"q-{number:03}-{further}"


def _own(question: ForeignQuestion, own_id: str) -> QuestionText:
    """Return a question as the bank says it; raises `CannotHold`."""
    kind = question.type
    if kind.value not in type_names():
        raise CannotHold(_("A bank in Markdown has no questions of the type “%(type)s” yet.", type=kind.value))
    in_markdown = _IN_MARKDOWN[question.text_format]
    is_case = kind is Kind.CASE
    points = _whole(question.points)
    if is_case:
        if any(part.id not in PARTS for part in question.parts):
            raise CannotHold(_("Parts are decision, clause and severity."))
        parts = tuple(
            PartText(
                part.id,
                _one_line(part.heading) or HEADINGS[part.id].en,
                _whole(part.points),
                _own_choices(part.choices, in_markdown, is_several=False),
                _block_text(part.feedback, in_markdown) or None,
            )
            for part in question.parts
        )
    elif kind is Kind.TRUE_FALSE:
        choices = tuple(
            ChoiceText(text, right is question.correct, _block_text(feedback, in_markdown) or None)
            for text, right, feedback in (
                ("True", True, question.feedback_true),
                ("False", False, question.feedback_false),
            )
        )
        parts = (PartText(ANSWER, "", points, choices),)
    else:
        several = kind is Kind.MULTIPLE_CHOICE
        parts = (PartText(ANSWER, "", points, _own_choices(question.choices, in_markdown, is_several=several)),)
    is_partial = kind is Kind.MULTIPLE_CHOICE and not question.all_or_nothing
    tags = (tag if _TAG.fullmatch(tag) else _NO_TAG.sub("-", tag).strip("-")[:40] for tag in question.tags)
    return QuestionText(
        own_id,
        _one_line(question.title) or _one_line(question.stem)[:MAX_TITLE].rstrip(),
        _block_text(question.stem, in_markdown),
        parts,
        None if is_case else _block_text(question.general_feedback, in_markdown) or None,
        Attributes(
            type=kind.value,
            clauses=tuple(dict.fromkeys(filter(_is_clause, question.clauses))),
            difficulty=question.difficulty,
            severity=question.severity if question.severity in SEVERITIES else None,
            tags=tuple(dict.fromkeys(filter(None, map(_encodable, tags)))),
            points=1 if is_case else points,
            marking=MARKINGS[1] if is_partial else MARKINGS[0],
            shuffle=question.shuffle,
            state=question.state if question.state in STATES else STATES[0],
        ),
    )


def _own_choices(
    choices: Sequence[ForeignChoice], in_markdown: Callable[[str], str], *, is_several: bool
) -> tuple[ChoiceText, ...]:
    return tuple(
        ChoiceText(
            _choice_text(choice.text, in_markdown),
            choice.fraction > 0 if is_several else choice.fraction == FULL,
            _block_text(choice.feedback, in_markdown) or None,
        )
        for choice in choices
    )


def _is_clause(name: str) -> bool:
    slug, sign, anchor = name.partition("#")
    return bool(sign and SLUG.fullmatch(slug) and SLUG.fullmatch(anchor))


def _whole(points: Fraction) -> int:
    return min(max(round(points), 1), MAX_POINTS)


def _one_line(text: str) -> str:
    return _encodable(_on_one_line(text))


def _on_one_line(text: str) -> str:
    # Other blanks are kept: a no-break space is there on purpose.
    return _BREAKS.sub(" ", text).strip()


def _block_text(text: str, in_markdown: Callable[[str], str]) -> str:
    """Return a text without the blanks that the file does not keep."""
    lines = in_markdown(_encodable(text).replace("\r\n", "\n").replace("\r", "\n")).split("\n")
    return "\n".join(line.rstrip() for line in lines).strip("\n")


def _choice_text(text: str, in_markdown: Callable[[str], str]) -> str:
    """Return the text of a choice, whose further lines are indented by the file itself."""
    first, *rest = _block_text(text.strip(), in_markdown).split("\n")
    return markdown.dedented([first.strip(), *(line.expandtabs(4) for line in rest)])


# --- texts of other kinds ----------------------------------------------------------------------

# Signs that mean something wherever they stand, and what is only read as Markdown at the beginning of a line.
_SIGNS = re.compile(
    r"[*`\[]|(?<![^\W_])_|_(?![^\W_])|~(?=~)|<(?=[A-Za-z/!?])|&(?=[#A-Za-z])|\\(?=[!-/:-@\[-`{-~]|$)", re.MULTILINE
)
_BEGINNINGS = re.compile(r"^(?=#{1,6}(?:\s|$)|>|[-+:~](?:\s|$)|[-:|=+ ]+$|\||~~~)", re.MULTILINE)
_ORDERED = re.compile(r"^([0-9]{1,9})(?=[.)](?:\s|$))", re.MULTILINE)
_HTML = re.compile(r"<(?P<close>/?)(?P<name>[A-Za-z][A-Za-z0-9]*)(?:\s[^<>]*|/)?>")
_PARAGRAPHS = frozenset({"p", "div"})
_EMPHASIS = {"b": "**", "strong": "**", "i": "*", "em": "*", "span": ""}


def _from_plain(text: str) -> str:
    """Return a text in which nothing is markup as Markdown that shows the same."""
    text = "\n".join(line.strip() for line in text.split("\n"))
    text = _BEGINNINGS.sub(r"\\", _SIGNS.sub(r"\\\g<0>", text))
    return _ORDERED.sub(r"\1\\", text)


def _from_html(text: str) -> str:
    """Return paragraphs and emphasis in HTML as Markdown; raises `CannotHold` for anything else."""
    pieces: list[str] = []
    start = 0
    for tag in _HTML.finditer(text):
        pieces.append(_from_plain_in_html(text[start : tag.start()]))
        start = tag.end()
        name = tag["name"].lower()
        if name in _PARAGRAPHS:
            pieces.append("\n\n")
        elif name == "br":
            pieces.append("\\\n")
        elif name in _EMPHASIS:
            pieces.append(_EMPHASIS[name])
        else:
            raise CannotHold(_("Its text holds the HTML tag <%(name)s>, which a bank does not take.", name=name[:20]))
    pieces.append(_from_plain_in_html(text[start:]))
    # No break at the end of a paragraph, and one empty line between two.
    joined = re.sub(r"[ ]*\n[ ]*", "\n", "".join(pieces))
    joined = re.sub(r"(?:\\\n)+(?=\n|\Z)", "", joined)
    return _BEGINNINGS.sub(r"\\", re.sub(r"\n{3,}", "\n\n", joined)).strip("\n")


def _from_plain_in_html(text: str) -> str:
    if "<" in text and re.search(r"<[A-Za-z/!?]", text):
        raise CannotHold(_("Its text holds an HTML tag that does not end."))
    return _SIGNS.sub(r"\\\g<0>", re.sub(r"\s+", " ", html.unescape(text)))


def _from_moodle(text: str) -> str:
    return _from_html(text.replace("\n", "<br>")) if "<" in text or "&" in text else _from_plain(text)


_IN_MARKDOWN: dict[TextFormat, Callable[[str], str]] = {
    TextFormat.MARKDOWN: lambda text: text,
    TextFormat.PLAIN: _from_plain,
    TextFormat.HTML: _from_html,
    TextFormat.MOODLE: _from_moodle,
}

FORMAT = OwnMarkdown()
