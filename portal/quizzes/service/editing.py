"""Writing questions in the product: drafts, new wordings of what counts, and what is changed of many at once."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from portal.accounts.models import Person
from portal.core import clock, markdown, search
from portal.core.content import SLUG
from portal.core.db import session
from portal.core.errors import DomainError
from portal.core.i18n import LANGUAGES
from portal.core.i18n import gettext as _
from portal.journal.service import record
from portal.quizzes import queries
from portal.quizzes.errors import (
    BadChange,
    IdTaken,
    NewWordingInWork,
    NoSuchClause,
    NotCitable,
    NothingBehind,
    NotWritable,
    SomeRefused,
    TooManyClauses,
    TooManyTags,
    WordingFaulty,
    WordingMovedOn,
)
from portal.quizzes.formats.markdown import BankQuestion
from portal.quizzes.formats.reading_back import problem_with, unwritable_in
from portal.quizzes.models import Question, QuestionBank, QuestionCitation, QuestionState, QuestionVersion
from portal.quizzes.queries import ClauseFact, pictures
from portal.quizzes.queries import staleness as looked_up
from portal.quizzes.rules import lifecycle
from portal.quizzes.rules.lifecycle import COUNTING, ORIGIN_BROWSER, STEPS
from portal.quizzes.service import depth, review
from portal.quizzes.service.banks import UnknownClause, cite, hash_of_version, links_of, note_step, touch
from portal.quizzes.service.depth import Loss
from portal.quizzes.service.findable import QUESTIONS
from portal.quizzes.service.lifecycle import lacks, locked, step
from portal.quizzes.types import type_names, type_of
from portal.quizzes.types.base import ESSAY, Content, Fault, read
from portal.quizzes.types.case import PICTURE, clause_named
from portal.quizzes.types.joining import completed
from portal.quizzes.types.words import named_words_of, words_of

ORIGIN_IN_STEP = "in_step"
# Of a version in which only tags, difficulty or sensitivity level differ: who sets them is no author of the wording.
ORIGIN_FACTS = "facts"
SEVERITIES = ("S0", "S1", "S2", "S3", "S4")
MOST_TAGS, MOST_CLAUSES = 20, 20
# Of so many words that are no tags each is told.
MOST_TAGS_TOLD = 5
MOST_POINTS = 100
# Code points of one text.
MOST_TEXT, MOST_TITLE = 10_000, 200
_TAG = re.compile(r"[^\s,{}=]{1,40}")


# Where a fault is beside those places that a type names: a field of the question as a whole.
TITLE, STEM, CLAUSES, TAGS, DIFFICULTY, SEVERITY, TYPE = (
    "title", "stem", "clauses", "tags", "difficulty", "severity", "type",
)  # fmt: skip
PICTURE_FILE = "picture_file"


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong with a wording: the field of the question, or the part and place in it that its type names."""

    message: str
    field: str = ""
    language: str = ""
    part: str | None = None
    choice: int | None = None
    # Which of the texts and numbers there: text, why, share, tolerance, points and so on; "" is the first one.
    what: str = ""

    @classmethod
    def of(cls, fault: Fault) -> Wrong:
        """Return what a type finds wrong."""
        if fault.what == "stem":
            return cls(fault.message, STEM, fault.language)
        # The rest of what a type says of mending is about files.
        mend = _("Write digits with a point, such as 0.5 or 1000.") if fault.what in ("value", "tolerance") else ""
        return cls(
            f"{fault.message} {mend}".strip(),
            part=fault.part,
            choice=fault.choice,
            language=fault.language,
            what=fault.what,
        )

    @classmethod
    def at(cls, message: str, place: str, language: str, content: Content) -> Wrong:
        """Return what is wrong with a text, whose place `named_words_of` names."""
        found = _IN_PART.fullmatch(place)
        if found is None:
            if place == ".picture.alt":
                return cls(message, language=language, part=PICTURE)
            return cls(message, place.removeprefix("."), language)
        number = int(found["number"]) if found["number"] else None
        # The choices of a matching are those of its first pair, in each of them.
        are_shared = content.type == "matching" and number is not None
        part = content.parts[0 if are_shared else int(found["part"])]
        return cls(
            message, language=language, part=part.id, choice=number, what=_NAMED_IN_FORM.get(found["what"], "text")
        )


_IN_PART = re.compile(
    r"\.parts\.(?P<part>[0-9]+)(?:\.(?:choices|keys|criteria)\.(?P<number>[0-9]+))?\.(?P<what>[a-z]+)"
)
_NAMED_IN_FORM = {"rationale": "why", "feedback": "why", "heading": "left"}


class _Newest:
    """Clauses as the newest version of each document has them, each document asked for once."""

    def __init__(self) -> None:
        self.known: dict[str, dict[str, ClauseFact] | None] = {}

    def __call__(self, slug: str, version: str) -> dict[str, ClauseFact] | None:
        if slug not in self.known:
            self.known[slug] = queries.find_clauses(slug, "")
        return self.known[slug]


def wrong_with(content: Content, *, is_draft: bool, facts: Any = None, is_one_of_many: bool = False) -> list[Wrong]:
    """Return what keeps a wording from being saved: of a draft less than of what is to be drawn.

    A draft may lack a language and cite no clause; whatever it has must be sound. Of one of many only what can go
    wrong in the files of a bank is written and read again.
    """
    found: list[Wrong] = []
    if content.type not in type_names():
        return [Wrong(_("There is no such type of question."), TYPE)]
    for field, words in ((TITLE, content.title), (STEM, content.stem)):
        if not (words.en.strip() or words.ja.strip()):
            found.append(
                Wrong(_("Write a title, in one language at least."), TITLE)
                if field == TITLE
                else Wrong(_("Write what is asked, in one language at least."), STEM)
            )
    if max(len(content.title.en), len(content.title.ja)) > MOST_TITLE or "\n" in content.title.en + content.title.ja:
        found.append(Wrong(_("A title is one line of at most %(most)s characters.", most=MOST_TITLE), TITLE))
    for place, words in named_words_of(content):
        for tag in LANGUAGES:
            text = lifecycle.each_text(words, tag)
            if len(text) > MOST_TEXT:
                said = _("A text is longer than %(most)s characters.", most=MOST_TEXT)
                found.append(Wrong.at(said, place, tag, content))
                continue
            found += [Wrong.at(_at(text, each.reason), place, tag, content) for each in markdown.scan(text)[:1]]
    found += _wrong_facts(content)
    faults = type_of(content.type).check(content)
    found += [Wrong.of(fault) for fault in faults]
    found += _wrong_picture(content)
    if found and not faults and not is_one_of_many:
        # Told at once with the rest, so that what is mended need not be sent again for the next fault. What its type
        # finds wrong may be nothing that files can be made of.
        found += _wrong_texts_in_files(content)
    elif not found and (not is_one_of_many or _may_be_misread(content)):
        found += _wrong_in_files(content)
    if not found or not is_one_of_many:
        found += _unknown_clauses(content, facts or _Newest())
    if not is_draft:
        found += [_lacking(each) for each in lacks(content)]
    return list(dict.fromkeys(found))


def _unknown_clauses(content: Content, facts: Any) -> list[Wrong]:
    """Return the clauses that a question tests or names and that are not there, each at its place.

    What is no address at all is told otherwise.
    """
    found = []
    for clause in dict.fromkeys([*content.clauses, *links_of(content)]):
        slug, _sign, anchor = clause.partition("#")
        if not SLUG.fullmatch(slug) or not SLUG.fullmatch(anchor):
            continue
        clauses = facts(slug, "")
        if clauses is not None and clauses.get(anchor) is not None:
            continue
        said = _("There is no clause “%(clause)s” in the newest version of its document.", clause=clause)
        places = [] if clause in content.clauses else _choices_naming(clause, content)
        found += [Wrong(said, part=part, choice=place) for part, place in places] or [Wrong(said, CLAUSES)]
    return found


def _choices_naming(clause: str, content: Content) -> list[tuple[str, int]]:
    """Return (part, place) of the choices of a case that are just this clause."""
    return [
        (part.id, place)
        for part in content.parts
        for place, choice in enumerate(part.choices)
        if part.id == "clause" and clause_named(choice.text.en, content.document) == clause
    ]


def _may_be_misread(content: Content) -> bool:
    """Say whether a question has anything for which the files of a bank have no sign of their own.

    All else is marked as text there; looking at each of thousands would take a minute.
    """
    return (
        content.type in ("gap", "matching", "short_answer", "numeric")
        or "```" in (texts := "\n".join(f"{words.en}\n{words.ja}" for words in words_of(content)))
        or "~~~" in texts
    )


def _wrong_in_files(content: Content) -> list[Wrong]:
    """Return what the files of the bank would not give back: what is saved here must come out of them as it is."""
    problem = problem_with(BankQuestion("question", content, "draft"))
    if problem is None:
        return []
    return _wrong_texts_in_files(content) or [Wrong(f"{problem.message} {problem.mend}".strip())]


def _wrong_texts_in_files(content: Content) -> list[Wrong]:
    return [Wrong.at(each.message, each.place, each.language, content) for each in unwritable_in(content)]


def _wrong_picture(content: Content) -> list[Wrong]:
    if content.picture is None:
        return []
    if not type_of(content.type).has_picture:
        return [Wrong(_("Questions of this type have no picture."), TYPE)]
    if pictures.find_picture(content.picture.sha256) is None:
        return [Wrong(_("The picture is not here. Send it again."), PICTURE_FILE, part=PICTURE)]
    return []


def _at(text: str, reason: str) -> str:
    first = text.strip().split("\n", 1)[0]
    return _("In “%(text)s”: %(reason)s", text=first[:40], reason=reason)


def _lacking(what: str) -> Wrong:
    if what == "clause":
        return Wrong(_("Cite the clause that decides the question."), CLAUSES)
    said = (
        _("The English text is not complete. Only a draft may lack a language.")
        if what == "en"
        else _("The Japanese text is not complete. Only a draft may lack a language.")
    )
    return Wrong(said, STEM, what)


def _wrong_facts(content: Content) -> list[Wrong]:
    found = []
    if len(content.tags) > MOST_TAGS:
        said = _("A question can have at most %(most)s tags. These are %(number)s.", most=MOST_TAGS,
                 number=len(content.tags))  # fmt: skip
        found.append(Wrong(said, TAGS))
    for tag in [tag for tag in content.tags if not _TAG.fullmatch(tag)][:MOST_TAGS_TOLD]:
        said = _(
            "“%(tag)s” is no tag. A tag is one word of at most 40 characters, without commas, braces or equals signs.",
            tag=tag[:60],
        )
        found.append(Wrong(said, TAGS))
    if content.difficulty is not None and not 1 <= content.difficulty <= 5:
        found.append(Wrong(_("Difficulty is a whole number from 1 to 5."), DIFFICULTY))
    if content.severity is not None and content.severity not in SEVERITIES:
        found.append(Wrong(_("The sensitivity level is one of S0 to S4."), SEVERITY))
    names = [name.partition("#") for name in content.clauses]
    if len(names) > MOST_CLAUSES or any(not SLUG.fullmatch(slug) or not SLUG.fullmatch(a) for slug, _s, a in names):
        found.append(Wrong(_("Write each clause as document#clause, one on a line."), CLAUSES))
    for part in content.parts:
        # Those of criteria are told at each of them.
        are_told = part.kind == ESSAY and (
            not part.criteria or any(not 1 <= c.points <= MOST_POINTS for c in part.criteria)
        )
        if not 1 <= part.points <= MOST_POINTS and not are_told:
            said = _("Points are whole numbers from 1 to %(most)s.", most=MOST_POINTS)
            found.append(Wrong(said, part=part.id, what="points"))
    return found


# --- adding ------------------------------------------------------------------------------------


def add_question(*, bank: QuestionBank, content: Content, by: Person, slug: str = "") -> Question:
    """Add a draft to a bank; without an id of its own it gets the next free number.

    Raises `WordingFaulty`, `IdTaken`.
    """
    bank = queries.lock_bank(bank.id)
    if slug and not SLUG.fullmatch(slug):
        said = Wrong(_("An id has lower-case letters a to z, digits and hyphens."), "slug")
        raise WordingFaulty([said, *wrong_with(content, is_draft=True)])
    if slug and queries.find_latest(bank, slug) is not None:
        wrong = wrong_with(content, is_draft=True)
        raise WordingFaulty([Wrong(str(IdTaken()), "slug"), *wrong]) if wrong else IdTaken()
    (question,) = _add(bank, [content], [slug], ORIGIN_BROWSER, by)
    return question


def add_drafts(
    *, bank: QuestionBank, contents: Sequence[Content], origin: str, by: Person, slugs: Sequence[str] = ()
) -> list[Question]:
    """Add questions to a bank as drafts, all or none, in their order; return them.

    They may lack a language and cite no clause. `slugs`: the ids that are wished for, "" or one that is taken there
    stands for the next free number. Raises `WordingFaulty`, which says for which of them.
    """
    bank = queries.lock_bank(bank.id)
    taken = queries.list_slugs(bank)
    wished = []
    for slug in [*slugs, *[""] * (len(contents) - len(slugs))]:
        free = slug if SLUG.fullmatch(slug) and slug not in taken else ""
        taken.add(free)
        wished.append(free)
    return _add(bank, contents, wished, origin, by) if contents else []


def _add(
    bank: QuestionBank, contents: Sequence[Content], slugs: Sequence[str], origin: str, by: Person
) -> list[Question]:
    facts, now = _Newest(), clock.now()
    # Whatever is removed keeps its id: it is never used again.
    taken = queries.list_slugs(bank) | set(slugs)
    place, number = queries.last_position(bank), 0
    added = []
    bank.revision += 1
    for index, content in enumerate(contents):
        wrong = wrong_with(content, is_draft=True, facts=facts, is_one_of_many=origin != ORIGIN_BROWSER)
        if wrong:
            raise WordingFaulty(wrong, index=index)
        slug = slugs[index]
        while not slug:
            number += 1
            slug = f"q-{number:03d}" if f"q-{number:03d}" not in taken else ""
        taken.add(slug)
        question = Question(
            bank=bank,
            slug=slug,
            state=QuestionState.DRAFT,
            position=place + index + 1,
            latest=1,
            revision=bank.revision,
            created_at=now,
        )
        session.add(question)
        added.append(question)
    # Of thousands each would be written by itself otherwise.
    session.flush()
    for question, content in zip(added, contents, strict=True):
        citations = cite(question.slug, content, facts)
        _version(question, 1, content, citations, origin=origin, behind=None, by=by.code)
    search.changed(QUESTIONS, [bank.id])
    session.flush()
    record(
        "quizzes.questions_added",
        by=by,
        subject=("question_bank", bank.slug),
        after={"questions": [question.slug for question in added], "origin": origin},
    )
    return added


def complete_questions(
    *, bank: QuestionBank, contents: Mapping[str, Content], language: str, origin: str, by: Person
) -> list[str]:
    """Give questions of a bank (id → what a file says) the language that they lack, all or none; return their ids.

    Each becomes a new version: of a draft the one that counts, else one that waits. Neither language is behind then.
    Raises `WordingFaulty` where one of them does not lack the language any more, or is another question by now.
    """
    if not contents:
        return []
    bank, facts, done = queries.lock_bank(bank.id), _Newest(), []
    for index, (found, current) in enumerate(queries.list_in_work(bank)):
        if found.slug not in contents:
            continue
        question = looked_up.lock_question(found)
        content = completed(read(current.content), contents[question.slug], language)
        if content is None or question.state is QuestionState.RETIRED:
            raise WordingFaulty([], index=index)
        _keep(question, current, content, by, facts, is_one_of_many=True, origin=origin)
        touch(question)
        done.append(question.slug)
    if len(done) < len(contents):
        raise WordingFaulty([])
    search.changed(QUESTIONS, [bank.id])
    session.flush()
    record(
        "quizzes.questions_changed",
        by=by,
        subject=("question_bank", bank.slug),
        after={"questions": done, "change": "language", "value": language},
    )
    return done


def _version(
    question: Question,
    number: int,
    content: Content,
    citations: list[QuestionCitation],
    *,
    origin: str,
    behind: str | None,
    by: str,
) -> QuestionVersion:
    """Add a version of a question; the caller flushes, once for many."""
    data = type_of(content.type).export(content)
    version = QuestionVersion(
        question_id=question.id,
        number=number,
        type=content.type,
        content=data,
        hash=hash_of_version(data, citations),
        behind=behind,
        origin=origin,
        created_at=clock.now(),
        created_by=by,
        citations=citations,
    )
    session.add(version)
    return version


# --- changing ----------------------------------------------------------------------------------


def save_wording(*, question: Question, content: Content, base: int, by: Person) -> QuestionVersion | None:
    """Save a question as it is written now; return the new version, or None where nothing has changed.

    `base` is the version that was open. What counts (a pilot, a live, stale or quarantined question) goes on as it is:
    the new wording waits beside it until somebody else has approved it; only tags, difficulty and sensitivity level
    change at once. A question in review is a draft again. Raises `WordingMovedOn`, `NotWritable`, `WordingFaulty`.
    """
    question = locked(question)
    current = queries.get_version(question, question.in_work)
    if question.state is not QuestionState.RETIRED and current.number != base:
        raise WordingMovedOn()
    version = _keep(question, current, content, by, _Newest())
    if version is not None:
        _noted(question, "saved", version, by)
    return version


def _keep(
    question: Question,
    current: QuestionVersion,
    content: Content,
    by: Person,
    facts: _Newest,
    *,
    is_one_of_many: bool = False,
    origin: str = ORIGIN_BROWSER,
) -> QuestionVersion | None:
    """Make what is written of a question its newest version, which counts at once or waits beside the one that does."""
    if question.state is QuestionState.RETIRED:
        raise NotWritable()
    old = read(current.content)
    content = replace(content, document=old.document)
    counts = question.state.value in COUNTING
    facts_only = _without_facts(old) == _without_facts(content)
    if facts_only and old == content and (counts or not _is_recited(current, content)):
        return None
    at_once = facts_only and question.proposed is None and counts
    if at_once:
        wrong = _wrong_facts(content)
    else:
        wrong = wrong_with(content, is_draft=not counts, facts=facts, is_one_of_many=is_one_of_many)
    if wrong:
        raise WordingFaulty(wrong)
    version = _version(
        question,
        queries.next_number(question),
        content,
        _copied(current) if at_once else cite(question.slug, content, facts),
        origin=ORIGIN_FACTS if facts_only else origin,
        # A file gives only what was missing: nothing is behind it.
        behind=current.behind
        if origin != ORIGIN_BROWSER
        else lifecycle.behind(current.behind, list(words_of(old)), list(words_of(content))),
        by=by.code,
    )
    session.flush()
    _put(question, version, by, waits=counts and not at_once)
    return version


def note_in_step(*, question: Question, base: int, by: Person) -> QuestionVersion:
    """Say that the language that is behind needs no change; the texts stay as they are. Raises `NothingBehind`."""
    question = locked(question)
    current = queries.get_version(question, question.in_work)
    if current.number != base:
        raise WordingMovedOn()
    if current.behind is None:
        raise NothingBehind()
    version = _keep_in_step(question, current, by)
    _noted(question, "in_step", version, by)
    return version


def _keep_in_step(question: Question, current: QuestionVersion, by: Person) -> QuestionVersion:
    version = _version(
        question,
        queries.next_number(question),
        read(current.content),
        _copied(current),
        origin=ORIGIN_IN_STEP,
        behind=None,
        by=by.code,
    )
    session.flush()
    if question.proposed is None:
        question.latest = version.number
    else:
        question.proposed = version.number
    return version


def _put(question: Question, version: QuestionVersion, by: Person, *, waits: bool) -> None:
    """Let a new version count, or wait beside the one that does; what was in review is written on."""
    if not waits:
        question.latest = version.number
        if question.state is QuestionState.IN_REVIEW:
            note_step(question, version, QuestionState.DRAFT, by=by.code)
        return
    if question.submitted_at is not None:
        note_step(question, version, QuestionState.DRAFT, by=by.code, of_proposal=True, before="in_review")
    question.proposed, question.submitted_at = version.number, None


def _noted(question: Question, what: str, version: QuestionVersion, by: Person) -> None:
    touch(question)
    search.changed(QUESTIONS, [question.bank_id])
    session.flush()
    record(
        f"quizzes.question_{what}",
        by=by,
        subject=("question_bank", question.bank.slug),
        after={"question": question.slug, "question_version": version.number},
    )


def _without_facts(content: Content) -> Content:
    return replace(content, tags=(), difficulty=None, severity=None)


def _copied(version: QuestionVersion) -> list[QuestionCitation]:
    return [
        QuestionCitation(
            position=each.position,
            tested=each.tested,
            document_slug=each.document_slug,
            version_number=each.version_number,
            anchor=each.anchor,
            clause_hash=each.clause_hash,
            title=each.title,
        )
        for each in version.citations
    ]


def _is_recited(version: QuestionVersion, content: Content) -> bool:
    """Say whether a clause that a version cites reads otherwise by now, so that saving it would cite the new text."""
    try:
        citations = cite("", content, _Newest())
    except UnknownClause:
        return True
    return [each.clause_hash for each in citations] != [each.clause_hash for each in version.citations]


# --- many at once ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Change:
    """What is changed of many questions: a tag, difficulty, sensitivity level, clauses, a language in step, a state.

    `value`: the tag, figure, level or state; for `cite`, addresses of clauses with blanks between them.
    """

    what: str
    value: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a change for one question: changed, as it was before, or refused with a reason."""

    question: Question
    version: QuestionVersion
    changed: bool
    refusal: str = ""
    # Whether it is a new wording, which waits for an approval beside what counts.
    waits: bool = False


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What would come of a change: for each question, and for the quizzes that lose by it."""

    outcomes: Sequence[Outcome]
    losses: Sequence[Loss]


FACTS = ("add_tag", "remove_tag", "difficulty", "severity")
CHANGES = (*FACTS, "cite", "in_step", "step")
# What takes nothing from a draw.
KEEPS_DEPTH = frozenset({"severity", "cite", "in_step"})


def check_change(change: Change) -> None:
    """Raise `BadChange` where a change says nothing that can be done, `NoSuchClause` where there is no such clause."""
    sound = {
        "add_tag": bool(_TAG.fullmatch(change.value)),
        "remove_tag": bool(change.value),
        "difficulty": change.value in ("", "1", "2", "3", "4", "5"),
        "severity": change.value in ("", *SEVERITIES),
        "cite": bool(change.value.split()),
        "in_step": True,
        "step": change.value in STEPS and change.value != "stale",
    }
    if not sound.get(change.what, False):
        raise BadChange()
    if change.what == "cite":
        facts = _Newest()
        for name in change.value.split():
            slug, _sign, anchor = name.partition("#")
            if anchor not in (facts(slug, "") or {}):
                raise NoSuchClause(clause=name)


def change_many(
    *,
    bank: QuestionBank,
    numbers: Mapping[str, int],
    change: Change,
    by: Person,
    accepting: Collection[str] = (),
) -> list[Outcome]:
    """Change questions of a bank (id → the version that was looked at), all that are named or none.

    `accepting` names the quizzes (slugs) of which the person knows that they cannot be started afterwards. Returns
    what came of each. Raises `BadChange`, `SomeRefused` where one of them cannot be changed so any more, and
    `QuizzesGoShort`.
    """
    rehearsed = _change_and_compare(bank, numbers, change, by)
    outcomes = rehearsed.outcomes
    refused = [each for each in outcomes if each.refusal]
    if refused or len(outcomes) < len(numbers):
        raise SomeRefused()
    depth.check_accepted(rehearsed.losses, accepting)
    changed = [each.question.slug for each in outcomes if each.changed]
    if changed:
        search.changed(QUESTIONS, [bank.id])
        session.flush()
        record(
            "quizzes.questions_changed",
            by=by,
            subject=("question_bank", bank.slug),
            after={
                "questions": changed,
                "change": change.what,
                **({"value": change.value} if change.value else {}),
            },
            reason=change.reason or None,
        )
        if change.what == "step":
            moved = [each.question for each in outcomes if each.changed]
            review.tell(bank=bank, to=change.value, questions=moved, by=by)
        depth.tell(rehearsed.losses, bank=queries.lock_bank(bank.id), questions=changed, reason=change.reason, by=by)
    return list(outcomes)


def rehearse(*, bank: QuestionBank, numbers: Mapping[str, int], change: Change, by: Person) -> Rehearsal:
    """Return what would come of a change for each question and for quizzes, without changing any.

    Raises `BadChange`.
    """
    rehearsed = Rehearsal((), ())
    try:
        with session.begin_nested():
            rehearsed = _change_and_compare(bank, numbers, change, by)
            raise _RehearsedOnly
    except _RehearsedOnly:
        return rehearsed


class _RehearsedOnly(Exception):
    """Takes back what was only tried out."""


def _change_and_compare(bank: QuestionBank, numbers: Mapping[str, int], change: Change, by: Person) -> Rehearsal:
    """Change the questions, and look at how deep the bank was for quizzes before, and how deep it is then."""
    check_change(change)
    queries.lock_bank(bank.id)
    before = depth.depths(bank.slug) if change.what not in KEEPS_DEPTH else {}
    outcomes = _change(bank, numbers, change, by)
    session.flush()
    is_changed = any(each.changed for each in outcomes)
    return Rehearsal(outcomes, depth.losses(before, depth.depths(bank.slug)) if before and is_changed else ())


def _change(bank: QuestionBank, numbers: Mapping[str, int], change: Change, by: Person) -> list[Outcome]:
    outcomes, facts = [], _Newest()
    for question, version in queries.list_latest(bank):
        if question.slug not in numbers:
            continue
        changed, refusal = False, ""
        try:
            with session.begin_nested():
                changed = _change_one(question, version, numbers[question.slug], change, by, facts=facts)
        except DomainError as refused:
            refusal = str(refused)
        waits = changed and change.what == "cite" and question.proposed is not None
        outcomes.append(Outcome(question, version, changed, refusal, waits))
    return outcomes


def _change_one(
    question: Question, version: QuestionVersion, number: int, change: Change, by: Person, *, facts: _Newest
) -> bool:
    question = looked_up.lock_question(question)
    if number != question.in_work:
        raise WordingMovedOn()
    if change.what in ("cite", "in_step"):
        if question.state is QuestionState.RETIRED:
            raise NotWritable()
        in_work = version if question.proposed is None else queries.get_version(question, question.in_work)
        if change.what == "cite":
            return _cite_also(question, in_work, change.value.split(), by, facts)
        if in_work.behind is None:
            return False
        _keep_in_step(question, in_work, by)
        touch(question)
        return True
    if change.what != "step":
        return _change_fact(question, version, change, by)
    of_proposal = question.proposed is not None and change.value in ("in_review", "live", "draft")
    if not of_proposal and question.state.value == change.value:
        return False
    step(
        question, change.value, by=by, of_proposal=of_proposal, number=number if of_proposal else None, looked_at=None,
        reason=change.reason,
    )  # fmt: skip
    touch(question)
    return True


def _cite_also(
    question: Question, current: QuestionVersion, clauses: Sequence[str], by: Person, facts: _Newest
) -> bool:
    """Let a question cite clauses besides those that it cites; say whether that changed anything."""
    old = read(current.content)
    content = replace(old, clauses=tuple(dict.fromkeys((*old.clauses, *clauses))))
    if content == old:
        return False
    if len(content.clauses) > MOST_CLAUSES:
        raise TooManyClauses()
    try:
        _keep(question, current, content, by, facts, is_one_of_many=True)
    except WordingFaulty as faulty:
        raise NotCitable(reason=faulty.wrong[0].message) from faulty
    touch(question)
    return True


def _changed_by(change: Change, content: Content) -> Content:
    if change.what == "add_tag":
        return content if change.value in content.tags else replace(content, tags=(*content.tags, change.value))
    if change.what == "remove_tag":
        return replace(content, tags=tuple(tag for tag in content.tags if tag != change.value))
    if change.what == "difficulty":
        return replace(content, difficulty=int(change.value) if change.value else None)
    return replace(content, severity=change.value or None)


def _change_fact(question: Question, version: QuestionVersion, change: Change, by: Person) -> bool:
    """Change a fact of one question at once, whatever its state; say whether that changed anything."""
    old = read(version.content)
    content = _changed_by(change, old)
    if content == old:
        return False
    if question.state is QuestionState.RETIRED:
        raise NotWritable()
    if question.proposed is not None:
        raise NewWordingInWork()
    if _wrong_facts(content):
        raise TooManyTags()
    made = _version(
        question,
        queries.next_number(question),
        content,
        _copied(version),
        origin=ORIGIN_FACTS,
        behind=version.behind,
        by=by.code,
    )
    session.flush()
    question.latest = made.number
    touch(question)
    return True
