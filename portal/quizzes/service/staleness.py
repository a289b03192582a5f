"""Stale questions: a changed rule takes them out of every draw until a person has looked at them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

from sqlalchemy import select

from portal.accounts import queries as people
from portal.accounts.models import Ownership, Person
from portal.core import clock, mail
from portal.core.db import canonical_json, session
from portal.journal.service import record
from portal.library.models import DocumentVersion
from portal.library.queries.clauses import ClauseHistory, list_histories
from portal.library.rules.changes import ASKS_AGAIN, was_called_off
from portal.library.rules.overlays import base_slug
from portal.library.service.dependants import Change, change_of_version
from portal.quizzes import queries, rules
from portal.quizzes.errors import ClauseGone, CountsForNobody, NotStale, TextMovedOn
from portal.quizzes.models import (
    Question,
    QuestionCitation,
    QuestionLook,
    QuestionStaleness,
    QuestionState,
    QuestionVersion,
    QuizVersion,
    SettledHow,
    Verdict,
)
from portal.quizzes.queries import ClauseFact, regrades, staleness
from portal.quizzes.service.banks import hash_of_version, note_step, touch
from portal.quizzes.service.drawing import banks_of, blueprint_of_terms

ORIGIN_RECHECK = "recheck"
_AT_ONCE = 500


# --- what a change affects ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AffectedQuestion:
    """A question that tests a clause which a change touches."""

    question_id: int
    version_id: int
    bank: str
    slug: str
    state: QuestionState
    # The touched clauses by the ids under which the question cites them, and how each reads afterwards (None: gone).
    anchors: tuple[str, ...]
    hashes: tuple[str | None, ...] = ()
    # What was said of it beside exactly these texts, while they were a draft, and by whom; None: not by now.
    verdict: Verdict | None = None
    looked_at_by: str = ""

    @property
    def address(self) -> str:
        """The question's address, `bank/id`."""
        return f"{self.bank}/{self.slug}"


def affected_questions(change: Change) -> list[AffectedQuestion]:
    """Return the questions that a change makes stale, by address: those written to be drawn that test what it touches.

    One that waits already for a re-check because of an earlier version of the document is not among them, nor one that
    was found right beside the clauses of the draft as they are published.
    """
    return [each for each in touched_questions(change) if each.verdict is not Verdict.STILL_RIGHT]


def touched_questions(change: Change) -> list[AffectedQuestion]:
    """Return the questions that test what a change touches, by address, with what was said of them beforehand."""
    return change.once("quizzes.questions", lambda: _touched_questions(change))


def _touched_questions(change: Change) -> list[AffectedQuestion]:
    if not change.asks_again or not change.touched:
        return []
    found: dict[int, AffectedQuestion] = {}
    for each in staleness.list_tested(change.document_slug, change.cited_as()):
        touched = change.touches(number=each.number, anchor=each.anchor, clause_hash=each.clause_hash)
        if touched is None:
            continue
        known = found.get(each.question_id)
        anchors = (*(known.anchors if known else ()), each.anchor)
        hashes = (*(known.hashes if known else ()), touched.after)
        found[each.question_id] = AffectedQuestion(
            each.question_id, each.version_id, each.bank, each.slug, each.state, anchors, hashes
        )
    waiting = staleness.list_waiting_for(change.document_slug)
    base = change.sequences.get(change.base_number or "", 0)
    for question_id, number in waiting.items():
        # Those that this very change made stale belong to it.
        opened_at = change.sequences.get(number, 0)
        if change.sequence is None or not base < opened_at <= change.sequence:
            found.pop(question_id, None)
    looks = staleness.list_looks(change.draft_code) if found else {}
    return sorted((_judged(each, looks) for each in found.values()), key=lambda each: (each.bank, each.slug))


def _judged(each: AffectedQuestion, looks: Mapping[tuple[int, str], QuestionLook]) -> AffectedQuestion:
    """Add what was said of a question, where every clause that the change touches was looked at as it reads now."""
    found = [looks.get((each.version_id, anchor)) for anchor in each.anchors]
    counting = [
        look
        for look, digest in zip(found, each.hashes, strict=True)
        if look is not None and look.clause_hash == (digest or "")
    ]
    if len(counting) < len(each.anchors):
        return each
    last = max(counting, key=lambda look: look.id)
    # Of something that is gone nobody can have found it right.
    right = all(each.hashes) and all(look.verdict is Verdict.STILL_RIGHT for look in counting)
    return replace(each, verdict=Verdict.STILL_RIGHT if right else Verdict.REWRITE, looked_at_by=last.by)


def count_askable(change: Change) -> int:
    """Return how many questions people can be asked about what is different, as things stand at the publication."""
    different = {*change.clauses.changed, *change.clauses.added}
    if not different:
        return 0
    gone = {each.question_id for each in affected_questions(change)}
    # What a market's own text leaves as its base has it is asked with the questions of the base.
    slugs = dict.fromkeys((change.document_slug, base_slug(change.document_slug)))
    return len(
        {
            each.question_id
            for slug in slugs
            for each in staleness.list_tested(slug, different)
            if each.state is QuestionState.LIVE
        }
        - gone
    )


@dataclass(frozen=True, slots=True)
class ShortQuiz:
    """A quiz that could not draw what it draws any more."""

    version: QuizVersion
    available: int
    draws: int


def short_quizzes(change: Change) -> list[ShortQuiz]:
    """Return the quizzes that could be drawn without the change and cannot be drawn with it, by slug."""
    return change.once("quizzes.short", lambda: _short_quizzes(change))


def _short_quizzes(change: Change) -> list[ShortQuiz]:
    gone = [(each.bank, each.slug) for each in affected_questions(change)]
    # What this change has taken out already could be drawn before it.
    return short_without(gone, were_drawn=change.sequence is not None)


def short_without(gone: Collection[tuple[str, str]], *, were_drawn: bool) -> list[ShortQuiz]:
    """Return the quizzes that go short without some questions (bank, id), which are stale by now or drawn today."""
    affected = {f"{bank}/{slug}" for bank, slug in gone}
    of_banks = {bank for bank, _slug in gone}
    drawing = []
    if affected:
        for version in queries.list_quizzes():
            lines = blueprint_of_terms(version.blueprint)
            banks, named = {line.bank for line in lines}, {name for line in lines for name in line.questions}
            if banks & of_banks or named & affected:
                drawing.append((version, lines))
    if not drawing:
        return []
    pool: dict[str, list[rules.Candidate]] = {}
    for candidate in staleness.iterate_candidates(
        {slug for _version, lines in drawing for slug in banks_of(lines)},
        whole=any(
            line.tags or line.clauses or line.difficulty or line.strata for _version, lines in drawing for line in lines
        ),
        besides=affected if were_drawn else (),
    ):
        pool.setdefault(candidate.bank, []).append(candidate)
    short = []
    for version, lines in drawing:
        candidates = [candidate for slug in sorted(banks_of(lines)) for candidate in pool.get(slug, ())]
        draws = sum(line.size for line in lines)
        available = rules.count_drawable(lines, [each for each in candidates if each.address not in affected])
        if available < draws == rules.count_drawable(lines, candidates):
            short.append(ShortQuiz(version, available, draws))
    return short


@dataclass(frozen=True, slots=True)
class Told:
    """Somebody who is told of stale questions, and for which banks and quizzes (slugs) she answers."""

    person: Person
    banks: tuple[str, ...]
    quizzes: tuple[str, ...]


def people_told(change: Change) -> list[Told]:
    """Return who is told: the owners of the banks with such questions, and of the quizzes that go short, by code."""
    return change.once(
        "quizzes.told",
        lambda: who_answers(
            {each.bank for each in affected_questions(change)},
            {each.version.quiz.slug for each in short_quizzes(change)},
        ),
    )


def who_answers(banks: Collection[str], quizzes: Collection[str]) -> list[Told]:
    """Return who answers today for these banks and quizzes (slugs), by code."""
    found: dict[str, tuple[Person, set[str], set[str]]] = {}
    for place, (kind, slugs) in enumerate((("question_bank", banks), ("quiz", quizzes)), start=1):
        for slug, ownership in people.find_owners(kind, slugs).items():
            person = _answers_today(ownership)
            if person is not None:
                found.setdefault(person.code, (person, set(), set()))[place].add(slug)  # type: ignore[union-attr]
    return [
        Told(person, tuple(sorted(of_banks)), tuple(sorted(of_quizzes)))
        for _code, (person, of_banks, of_quizzes) in sorted(found.items())
    ]


def answered_for(person: Person, rows: Sequence[QuestionStaleness]) -> tuple[set[str], list[ShortQuiz]]:
    """Return for what of some waiting questions a person answers: their banks' slugs, and the quizzes that go short."""
    gone = {(row.question.bank.slug, row.question.slug) for row in rows if row.question.state is QuestionState.STALE}
    short = {each.version.quiz.slug: each for each in short_without(gone, were_drawn=True)}
    for told in who_answers({bank for bank, _slug in gone}, set(short)):
        if told.person.id == person.id:
            return set(told.banks), [short[slug] for slug in told.quizzes]
    return set(), []


def _answers_today(ownership: Ownership) -> Person | None:
    """Return the owner, or the deputy where the owner's account is deactivated, or None."""
    return next((each for each in (ownership.owner, ownership.deputy) if each is not None and each.is_active), None)


# --- the flip and what undoes it ----------------------------------------------------------------


def make_stale(version: DocumentVersion, *, draft_code: str = "") -> list[str]:
    """Take out of every draw the questions that test what a published version touches; return their addresses.

    Those that were found right beside the very texts, while they were a draft, are drawn on and cite them. A second
    time changes nothing. Attempts that are running keep their questions. Whoever answers for the banks, and for the
    quizzes that go short, gets one mail for the version.
    """
    if version.change_class.value not in ASKS_AGAIN or not staleness.is_tested(version.document.slug):
        return []
    change = change_of_version(version, draft_code=draft_code)
    _send_pilots_back(change, version)
    _keep_drawing(change, version)
    known = {each.question_id for each in staleness.list_opened_by(version.id)}
    affected = [each for each in affected_questions(change) if each.question_id not in known]
    if not affected:
        return []
    told = people_told(change)
    now = clock.now()
    for start in range(0, len(affected), _AT_ONCE):
        some = {each.question_id: each for each in affected[start : start + _AT_ONCE]}
        for question in session.scalars(
            select(Question).where(Question.id.in_(some)).order_by(Question.id).with_for_update()
        ):
            each = some[question.id]
            session.add(
                QuestionStaleness(
                    question_id=question.id,
                    question_version_id=each.version_id,
                    document_slug=change.document_slug,
                    version_id=version.id,
                    version_number=version.number,
                    anchors=list(each.anchors),
                    since=now,
                )
            )
            question.state = QuestionState.STALE
        session.flush()
    addresses = [each.address for each in affected]
    record(
        "quizzes.questions_stale",
        by=None,
        subject=("document", change.document_slug),
        after={"version": version.number, "questions": addresses},
    )
    for each_told in told:
        mail.send_later(
            "quizzes.questions_stale",
            {"version_id": version.id, "to": each_told.person.code},
            effect_key=f"quizzes.questions_stale:{version.id}:{each_told.person.code}",
        )
    return addresses


def _send_pilots_back(change: Change, version: DocumentVersion) -> None:
    """Let pilots that test what a version touches be reviewed anew: nobody has found them right by the new text."""
    found = [
        each
        for each in staleness.list_tested_by_pilots(change.document_slug, change.cited_as())
        if change.touches(number=each.number, anchor=each.anchor, clause_hash=each.clause_hash) is not None
    ]
    for bank in sorted({each.bank for each in found}):
        queries.lock_bank(queries.get_bank(bank).id)
    touched = {each.question_id for each in found}
    moved = []
    for question, wording in staleness.list_wordings_of_pilots(touched) if touched else ():
        # What is stored says which text it was; the page says it in words.
        reason = f"{change.document_slug} {version.number}"
        note_step(question, wording, QuestionState.IN_REVIEW, by=None, reason=reason)
        touch(question)
        moved.append(f"{question.bank.slug}/{question.slug}")
    if moved:
        session.flush()
        record(
            "quizzes.pilots_sent_back",
            by=None,
            subject=("document", change.document_slug),
            after={"version": version.number, "questions": moved},
        )


def _keep_drawing(change: Change, version: DocumentVersion) -> None:
    """Let the questions that were found right beforehand cite the published text, as a re-check after it would."""
    right = {each.version_id: each for each in touched_questions(change) if each.verdict is Verdict.STILL_RIGHT}
    if not right:
        return
    facts = {change.document_slug: queries.find_clauses(change.document_slug, version.number) or {}}
    now = clock.now()
    for found, latest in staleness.list_wordings(right):
        each, question = right[latest.id], staleness.lock_question(found)
        drawn = _cite(question, latest, facts, each.looked_at_by)
        question.latest = drawn.number
        session.add(
            QuestionStaleness(
                question_id=question.id,
                question_version_id=latest.id,
                document_slug=change.document_slug,
                version_id=version.id,
                version_number=version.number,
                anchors=list(each.anchors),
                since=now,
                settled_at=now,
                settled_by=each.looked_at_by,
                settled_how=SettledHow.STILL_RIGHT,
                settled_version_id=drawn.id,
            )
        )
    session.flush()
    record(
        "quizzes.questions_kept",
        by=None,
        subject=("document", change.document_slug),
        after={"version": version.number, "questions": sorted(each.address for each in right.values())},
    )


def call_off(version: DocumentVersion) -> list[str]:
    """Let the questions be drawn again that wait only because of a version which nobody ever had to follow.

    Where a later version has touched the document's clauses as well, they wait on. Returns their addresses.
    """
    if not was_called_off(version) or any(
        each.sequence > version.sequence and each.change_class.value in ASKS_AGAIN and not was_called_off(each)
        for each in version.document.versions
    ):
        return []
    rows = staleness.list_opened_by(version.id)
    now = clock.now()
    for row in rows:
        row.settled_at, row.settled_by, row.settled_how = now, version.withdrawn_by, SettledHow.CALLED_OFF
    session.flush()
    _draw_again([row.question for row in rows])
    addresses = sorted(f"{row.question.bank.slug}/{row.question.slug}" for row in rows)
    if addresses:
        record(
            "quizzes.questions_called_back",
            by=None,
            subject=("document", version.document.slug),
            after={"version": version.number, "questions": addresses},
        )
    return addresses


def _draw_again(questions: Sequence[Question]) -> None:
    waiting = staleness.list_open_of([question.id for question in questions])
    for question in questions:
        if question.state is QuestionState.STALE and question.id not in waiting:
            question.state = QuestionState.LIVE
    session.flush()


# --- looking at them ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ClauseThen:
    """A clause that a question tests: as it was cited, and where it stands today."""

    slug: str
    number: str
    anchor: str
    hash: str
    # None: no clause of the newest version has come of it.
    today_number: str | None = None
    today_anchor: str | None = None
    today_hash: str | None = None

    @property
    def is_changed(self) -> bool:
        """Whether it says something else today, or is gone."""
        return self.today_hash != self.hash

    @property
    def can_be_cited(self) -> bool:
        """Whether the question can cite it as it stands today: it is there, under the id that the question names."""
        return self.today_hash is not None and self.today_anchor == self.anchor


def clauses_of(versions: Sequence[QuestionVersion]) -> dict[int, list[ClauseThen]]:
    """Return question version's row number → the clauses that it tests, with what they are today, in their order."""
    histories = list_histories({each.document_slug for version in versions for each in version.citations})
    return {version.id: [_then(each, histories) for each in version.citations if each.tested] for version in versions}


def _then(citation: QuestionCitation, histories: Mapping[str, ClauseHistory]) -> ClauseThen:
    history = histories.get(citation.document_slug)
    today = history.find(citation.version_number, citation.anchor) if history else None
    return ClauseThen(
        citation.document_slug,
        citation.version_number,
        citation.anchor,
        citation.clause_hash,
        today.number if today else None,
        today.anchor if today else None,
        today.hash if today else None,
    )


def seen(clauses: Sequence[ClauseThen]) -> str:
    """Return what stands for the texts beside which a question was looked at: a page names it when it is sent."""
    facts = [[each.slug, each.anchor, each.today_anchor, each.today_hash] for each in clauses]
    return sha256(canonical_json(facts).encode()).hexdigest()[:32]


def confirm_still_right(*, question: Question, looked_at: str, by: Person) -> QuestionVersion:
    """Let a stale question be drawn again: it asks what is right by today's text, which it cites from now on.

    `looked_at` is what `seen` gave for the texts that were shown. Raises `NotStale`, `TextMovedOn` where a text has
    changed since, `ClauseGone` where a clause that it tests is gone, `CountsForNobody`.
    """
    question = staleness.lock_question(question)
    waiting = staleness.list_open_of([question.id]).get(question.id, [])
    if question.state is not QuestionState.STALE or not waiting:
        raise NotStale()
    latest = session.scalars(
        select(QuestionVersion).where(
            QuestionVersion.question_id == question.id, QuestionVersion.number == question.latest
        )
    ).one()
    if regrades.find_void(latest) is not None:
        raise CountsForNobody()
    (clauses,) = clauses_of([latest]).values()
    if seen(clauses) != looked_at:
        raise TextMovedOn()
    for clause in clauses:
        if not clause.can_be_cited:
            raise ClauseGone(clause=f"{clause.slug}#{clause.anchor}")
    drawn = cite_today(question, latest, by.code)
    question.latest = drawn.number
    now = clock.now()
    for row in waiting:
        row.settled_at, row.settled_by, row.settled_how = now, by.code, SettledHow.STILL_RIGHT
        row.settled_version_id = drawn.id
    question.state = QuestionState.LIVE
    session.flush()
    record(
        "quizzes.question_still_right",
        by=by,
        subject=("question_bank", question.bank.slug),
        after={"question": question.slug, "versions": _versions_of(waiting), "question_version": drawn.number},
    )
    return drawn


def cite_today(question: Question, version: QuestionVersion, by: str) -> QuestionVersion:
    """Add a wording that says the same as a version and cites the newest texts; return it where all reads the same."""
    facts = {
        slug: queries.find_clauses(slug, history.number) or {}
        for slug, history in list_histories({each.document_slug for each in version.citations}).items()
    }
    return _cite(question, version, facts, by)


def _cite(
    question: Question, latest: QuestionVersion, facts: Mapping[str, Mapping[str, ClauseFact]], by: str
) -> QuestionVersion:
    """Add a wording that says the same and cites these texts; return the present one where all reads the same."""
    citations = []
    for each in latest.citations:
        fact = facts.get(each.document_slug, {}).get(each.anchor)
        citations.append(
            QuestionCitation(
                position=each.position,
                tested=each.tested,
                document_slug=each.document_slug,
                # What the texts only link to, and which is gone, stays as it was.
                version_number=fact.version_number if fact else each.version_number,
                anchor=each.anchor,
                clause_hash=fact.hash if fact else each.clause_hash,
                title=fact.title if fact else each.title,
            )
        )
    if [each.clause_hash for each in citations] == [each.clause_hash for each in latest.citations]:
        return latest
    drawn = QuestionVersion(
        question_id=question.id,
        number=queries.next_number(question),
        type=latest.type,
        content=latest.content,
        hash=hash_of_version(latest.content, citations),
        behind=latest.behind,
        origin=ORIGIN_RECHECK,
        created_at=clock.now(),
        created_by=by,
        citations=citations,
    )
    session.add(drawn)
    session.flush()
    return drawn


def keep_out(*, question: Question, by: Person) -> None:
    """Leave a stale question out of every draw until it is rewritten; its wait is no open matter any more.

    Raises `NotStale`.
    """
    question = staleness.lock_question(question)
    waiting = [row for row in staleness.list_open_of([question.id]).get(question.id, []) if row.kept_out_at is None]
    if question.state is not QuestionState.STALE or not waiting:
        raise NotStale()
    for row in waiting:
        row.kept_out_at, row.kept_out_by = clock.now(), by.code
    session.flush()
    record(
        "quizzes.question_kept_out",
        by=by,
        subject=("question_bank", question.bank.slug),
        after={"question": question.slug, "versions": _versions_of(waiting)},
    )


def _versions_of(rows: Sequence[QuestionStaleness]) -> list[str]:
    return [f"{row.document_slug} {row.version_number}" for row in rows]
