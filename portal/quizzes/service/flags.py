"""What results make happen by themselves: quarantine, a translation to review, a question to spare and replace."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import select

from portal.accounts import queries as people
from portal.accounts.models import Person
from portal.core import clock, jobs, mail, search
from portal.core.access import allows
from portal.core.codes import new_code
from portal.core.db import session
from portal.journal.service import record
from portal.quizzes import errors, queries, rules
from portal.quizzes.models import FlagKind, Question, QuestionFlag, QuestionState, QuestionVersion, QuizVersion
from portal.quizzes.permissions import SEE_BANKS
from portal.quizzes.queries import flags, pool
from portal.quizzes.queries.statistics import sittings_of
from portal.quizzes.rules import statistics, triggers
from portal.quizzes.rules.triggers import Before
from portal.quizzes.service import staleness
from portal.quizzes.service.banks import note_step, touch
from portal.quizzes.service.drawing import banks_of, blueprint_of_terms
from portal.quizzes.service.findable import QUESTIONS
from portal.quizzes.service.statistics import difference_of_languages, figures_of_sittings, marks_on_trial
from portal.quizzes.types.wording import digest_of_wording

JOB = "quizzes.look_at_results"
MAIL = "quizzes.questions_flagged"
MOST_NOTE = 500
# Results of a quiz that come one after the other are looked at together: at most once in so long.
_TOGETHER = timedelta(minutes=1)
# Below so many released results nothing can follow: each language needs its own people.
_LEAST = 2 * statistics.MINIMUM_PEOPLE


# --- looking -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Finding:
    """What the results say of a version; `figure` is compared with what was pointed out before."""

    kind: FlagKind
    version_id: int
    n: int
    figure: float
    figures: dict[str, float] = field(default_factory=dict)
    difference: statistics.Difference | None = None


def owe_look(quiz_id: int) -> None:
    """Let the results of a quiz be looked at soon after one was released, where there are enough of them."""
    if not flags.has_results(quiz_id, _LEAST):
        return
    now = clock.now()
    turn = int(now.timestamp() // _TOGETHER.total_seconds())
    jobs.enqueue(JOB, {"quiz_id": quiz_id}, effect_key=f"{JOB}:{quiz_id}:{turn}", run_after=now + _TOGETHER)


@dataclass(frozen=True, slots=True)
class Look:
    """What the results of a quiz say, up to the marking of this row number."""

    quiz_id: int
    marking_id: int
    findings: tuple[Finding, ...]


def look_at_results(quiz_id: int) -> Look | None:
    """Look at what the first attempts at a quiz say of its questions, changing nothing; None where nothing is new.

    It takes a while for many attempts, and belongs outside of transactions.
    """
    newest = flags.newest_marking(quiz_id)
    if flags.looked_up_to(quiz_id) >= newest:
        return None
    return Look(quiz_id, newest, tuple(_findings(quiz_id)))


def follow(look: Look) -> list[QuestionFlag]:
    """Do what follows from the results of a quiz; return what is pointed out now. Nothing follows from them twice."""
    watch = flags.lock_watch(look.quiz_id)
    if watch.marking_id >= look.marking_id:
        return []
    raised = _raise(look.quiz_id, look.findings)
    watch.marking_id, watch.looked_at = look.marking_id, clock.now()
    session.flush()
    return raised


def _findings(quiz_id: int) -> list[Finding]:
    """Return what may be pointed out, of versions that count."""
    sittings = sittings_of(quiz_id)
    asked = (*sittings.asked, *sittings.on_trial)
    counted = flags.list_counted([each.version_id for each in asked])
    found: list[Finding] = []
    for one, item in zip(sittings.asked, figures_of_sittings(sittings).items, strict=True):
        if one.version_id not in counted:
            continue
        found += _negative(one.version_id, item.discrimination, item.n)
        difference = difference_of_languages(one, sittings)
        if difference is not None and triggers.is_large(difference):
            found.append(_gap(one.version_id, difference))
    for one in sittings.on_trial:
        if one.version_id in counted:
            marks, scores = marks_on_trial(one, sittings)
            found += _negative(one.version_id, statistics.correlation(marks, scores), len(marks))
    by_question = {each.question_id: version_id for version_id, each in counted.items()}
    for question_id, (_wording, shown) in flags.count_exposures(by_question, triggers.MOST_SHOWN).items():
        if triggers.is_overexposed(shown):
            found.append(Finding(FlagKind.OVEREXPOSED, by_question[question_id], shown, shown, {"shown": shown}))
    return found


def _negative(version_id: int, discrimination: float | None, n: int) -> Iterator[Finding]:
    if discrimination is None or not triggers.discriminates_negatively(discrimination, n, None):
        return
    figures = {"discrimination": round(discrimination, 6)}
    interval = statistics.interval_of_correlation(discrimination, n)
    if interval is not None:
        figures |= {"low": round(interval.low, 6), "high": round(interval.high, 6)}
    yield Finding(FlagKind.NEGATIVE_DISCRIMINATION, version_id, n, discrimination, figures)


def _gap(version_id: int, difference: statistics.Difference) -> Finding:
    interval = statistics.interval_of_gap(difference)
    figures = {
        "ja": round(difference.facilities[0], 6),
        "en": round(difference.facilities[1], 6),
        "n_ja": difference.sizes[0],
        "n_en": difference.sizes[1],
        "gap": round(difference.gap, 6),
        "low": round(interval.low, 6),
        "high": round(interval.high, 6),
        "p": round(difference.p or 0.0, 6),
    }
    return Finding(FlagKind.LANGUAGE_GAP, version_id, sum(difference.sizes), difference.gap, figures, difference)


# --- what follows ------------------------------------------------------------------------------


def _raise(quiz_id: int, found: Sequence[Finding]) -> list[QuestionFlag]:
    """Point out what is new, take out what is to be quarantined, and tell who answers for it."""
    counted = flags.list_counted([each.version_id for each in found])
    for bank_id in sorted({each.bank_id for each in counted.values()}):
        queries.lock_bank(bank_id)
    locked = _lock_questions([each.question_id for each in counted.values()])
    # As it stands now that nobody else changes it.
    counted = flags.list_counted([each.version_id for each in found])
    known = flags.list_flags_of(list(locked))
    versions = pool.get_versions(list(counted))
    due = []
    for each in found:
        place = counted.get(each.version_id)
        if place is None or place.question_id not in locked:
            continue
        wording = digest_of_wording(versions[each.version_id].content)
        if _is_due(each, quiz_id, wording, known.get(place.question_id, ())):
            due.append((each, locked[place.question_id], versions[each.version_id], wording))
    due.sort(key=lambda each: (each[1].bank.slug, each[1].slug, each[0].kind.value))
    gone = [
        (question.bank.slug, question.slug)
        for each, question, _version, _wording in due
        if each.kind is FlagKind.NEGATIVE_DISCRIMINATION and question.state is QuestionState.LIVE
    ]
    short = staleness.short_without(gone, were_drawn=False) if gone else []
    raised = [_note(quiz_id, *each) for each in due]
    _tell(raised, [each.version.quiz.slug for each in short])
    return raised


def _lock_questions(question_ids: Sequence[int]) -> dict[int, Question]:
    """Read questions again and let nobody else change them until this transaction ends; their banks come first."""
    rows = session.scalars(
        select(Question)
        .where(Question.id.in_(question_ids))
        .order_by(Question.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return {question.id: question for question in rows}


def _is_due(each: Finding, quiz_id: int, wording: str, known: Sequence[QuestionFlag]) -> bool:
    of_kind = [flag for flag in known if flag.kind is each.kind]
    if any(flag.closed_at is None for flag in of_kind):
        return False
    if each.kind is FlagKind.OVEREXPOSED:
        return all(flag.wording != wording for flag in of_kind)
    of_data = [flag for flag in of_kind if flag.question_version_id == each.version_id and flag.quiz_id == quiz_id]
    before = Before(of_data[-1].n, float(of_data[-1].figures[_FIGURES[each.kind]])) if of_data else None
    if each.kind is FlagKind.NEGATIVE_DISCRIMINATION:
        return triggers.discriminates_negatively(each.figure, each.n, before)
    return triggers.needs_translation_review(each.difference, before)


# Which of the figures of a flag is the one that may move.
_FIGURES = {FlagKind.NEGATIVE_DISCRIMINATION: "discrimination", FlagKind.LANGUAGE_GAP: "gap"}


def _note(quiz_id: int, each: Finding, question: Question, version: QuestionVersion, wording: str) -> QuestionFlag:
    flag = QuestionFlag(
        code=new_code(),
        question_id=question.id,
        question_version_id=version.id,
        kind=each.kind,
        quiz_id=quiz_id if each.kind is not FlagKind.OVEREXPOSED else None,
        n=each.n,
        figures=each.figures,
        wording=wording,
        raised_at=clock.now(),
    )
    flag.question, flag.question_version = question, version
    session.add(flag)
    if each.kind is FlagKind.NEGATIVE_DISCRIMINATION:
        # What is stored says which figure it was; the page says it in words.
        reason = f"r = {each.figure:.2f}, n = {each.n}".replace("-", "\N{MINUS SIGN}")
        note_step(question, version, QuestionState.QUARANTINED, by=None, reason=reason)
        touch(question)
        search.changed(QUESTIONS, [question.bank_id])
    session.flush()
    record(
        "quizzes.question_flagged",
        by=None,
        subject=("question_bank", question.bank.slug),
        after={
            "question": question.slug,
            "question_version": version.number,
            "flag": each.kind.value,
            "n": each.n,
            "figures": each.figures,
        },
    )
    return flag


def _tell(raised: Sequence[QuestionFlag], short: Sequence[str]) -> None:
    """Owe one mail to each who answers for a bank, wrote what is to be replaced, or owns a quiz that goes short."""
    codes: dict[str, set[str]] = {}
    for flag in raised:
        for person in answering_for(flag):
            codes.setdefault(person.code, set()).add(flag.code)
    quizzes: dict[str, tuple[str, ...]] = {}
    if short:
        for told in staleness.who_answers((), short):
            quizzes[told.person.code] = told.quizzes
            codes.setdefault(told.person.code, set())
    for code, of_person in sorted(codes.items()):
        arguments: dict[str, Any] = {"codes": sorted(of_person), "quizzes": list(quizzes.get(code, ())), "to": code}
        digest = sha256("\n".join((*sorted(each.code for each in raised), code)).encode()).hexdigest()[:32]
        mail.send_later(MAIL, arguments, effect_key=f"{MAIL}:{digest}")


def tell_short(slugs: Sequence[str], *, because: str) -> None:
    """Owe one mail to each owner of quizzes (slugs) that cannot be started any more; `because` is a code of its own."""
    for told in staleness.who_answers((), slugs):
        arguments: dict[str, Any] = {"codes": [], "quizzes": list(told.quizzes), "to": told.person.code}
        mail.send_later(MAIL, arguments, effect_key=f"{MAIL}:{because}:{told.person.code}"[:200])


def answering_for(flag: QuestionFlag) -> list[Person]:
    """Return whom a flag is for: who answers for the bank; where a successor is to be written, its author, too."""
    found = [told.person for told in staleness.who_answers((flag.question.bank.slug,), ())]
    if flag.kind is FlagKind.OVEREXPOSED:
        author = people.find_person(flag.question_version.created_by)
        if author is not None and author.is_active and allows(author, SEE_BANKS) and author not in found:
            found.append(author)
    return found


@dataclass(frozen=True, slots=True)
class Shortfall:
    """A quiz that cannot be started for now: what it draws, and how much of that there is."""

    version: QuizVersion
    available: int
    draws: int


def shortfalls(slugs: Sequence[str]) -> list[Shortfall]:
    """Return those of these quizzes that their banks cannot give a paper for now."""
    found = []
    for slug in slugs:
        version = queries.find_quiz(slug)
        if version is None:
            continue
        lines = blueprint_of_terms(version.blueprint)
        there = [each.candidate for each in pool.list_drawable(banks_of(lines))]
        draws, available = sum(line.size for line in lines), rules.count_drawable(lines, there)
        if available < draws:
            found.append(Shortfall(version, available, draws))
    return found


# --- what somebody says of it ------------------------------------------------------------------


def close_flag(*, flag: QuestionFlag, note: str, by: Person) -> QuestionFlag:
    """Note what came of what results pointed out; nobody is asked about it any more.

    Raises `FlagClosed`, `NoteMissing`, and `FlagInQuarantine` where the question is quarantined because of it.
    """
    note = note.strip()
    if not note or len(note) > MOST_NOTE:
        raise errors.NoteMissing()
    queries.lock_bank(flag.question.bank_id)
    flag = flags.lock_flag(flag.id)
    if flag.closed_at is not None:
        raise errors.FlagClosed()
    is_out = flag.question.state is QuestionState.QUARANTINED
    if flag.kind is FlagKind.NEGATIVE_DISCRIMINATION and is_out:
        raise errors.FlagInQuarantine()
    _close(flag, note, by)
    session.flush()
    record(
        "quizzes.flag_closed",
        by=by,
        subject=("question_bank", flag.question.bank.slug),
        after={"question": flag.question.slug, "flag": flag.kind.value},
        reason=note,
    )
    return flag


def close_with_step(question: Question, after: QuestionState, *, reason: str, by: Person) -> None:
    """Close what a step of a question answers: putting it back its quarantine, retiring it everything."""
    for flag in flags.list_flags_of([question.id]).get(question.id, ()):
        is_answered = after is QuestionState.RETIRED or flag.kind is FlagKind.NEGATIVE_DISCRIMINATION
        if flag.closed_at is None and is_answered:
            _close(flag, reason, by)


def _close(flag: QuestionFlag, note: str, by: Person) -> None:
    flag.closed_at, flag.closed_by, flag.note = clock.now(), by.code, note


def is_out_by_results(question: Question) -> bool:
    """Say whether results have taken the question out, so that putting it back asks for a reason."""
    return question.state is QuestionState.QUARANTINED and flags.has_open(question, FlagKind.NEGATIVE_DISCRIMINATION)
