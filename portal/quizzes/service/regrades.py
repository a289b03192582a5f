"""Regrades: a wording of a question is marked by another rule for everybody who had it, once two persons agree."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from hashlib import sha256
from typing import Any, Protocol

from portal.accounts.models import Person
from portal.core import clock, jobs, search
from portal.core.codes import new_code
from portal.core.db import canonical_json, session
from portal.core.i18n import Words
from portal.journal.service import record
from portal.quizzes import errors, queries
from portal.quizzes.models import (
    Appeal,
    Attempt,
    AttemptState,
    Marking,
    Question,
    QuestionState,
    QuestionVersion,
    Regrade,
    RegradeFall,
    RegradeKind,
)
from portal.quizzes.queries import marking as by_hand
from portal.quizzes.queries import regrades as looked_up
from portal.quizzes.queries.regrades import Result, SingleMark
from portal.quizzes.rules import hand_marks
from portal.quizzes.rules.passing import Earned
from portal.quizzes.service import flags, lifecycle, staleness
from portal.quizzes.service.appeals import address_of
from portal.quizzes.service.banks import note_step, touch
from portal.quizzes.service.findable import QUESTIONS
from portal.quizzes.service.hand_marking import tell_corrected
from portal.quizzes.service.marking import (
    Points,
    compute_attempt,
    given_of,
    is_by_hand,
    is_changed,
    keyed,
    mark_attempt,
    mark_when_complete,
    most_by_hand,
    needs_person,
    points_of,
    policy_of,
    put_before_people,
    reckon,
)
from portal.quizzes.service.settled import tell_by_rule
from portal.quizzes.service.staleness import ShortQuiz
from portal.quizzes.types import type_of
from portal.quizzes.types.base import Content, Part

JOB = "quizzes.regrade"
MAX_ACCEPTED = 20
MAX_REASON = 2_000
Accepts = Mapping[str, Sequence[Sequence[str]]]


# --- what rests on results ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rest:
    """Something that was given because of a result, in words, and where it is."""

    label: str
    href: str | None = None


class RestsOnResults(Protocol):
    """An upper domain's word on what was given because of results; registered in `wiring.py`."""

    def __call__(self, attempt_codes: Collection[str]) -> Mapping[str, Sequence[Rest]]:
        """Return attempt → what rests on it."""


_asked: list[RestsOnResults] = []


def register_rests(rests: RestsOnResults) -> None:
    """Ask this domain too what rests on a result; registering twice changes nothing."""
    if rests not in _asked:
        _asked.append(rests)


def what_rests_on(attempt_codes: Collection[str]) -> dict[str, list[Rest]]:
    """Return attempt → what was given because of it."""
    found: dict[str, list[Rest]] = {}
    for ask in _asked:
        for code, rests in ask(attempt_codes).items():
            found.setdefault(code, []).extend(rests)
    return found


# --- proposing ---------------------------------------------------------------------------------


def accepted_answers(content: Content, given: Mapping[str, Sequence[Sequence[str]]]) -> dict[str, list[list[str]]]:
    """Return what is to be accepted besides the key, checked against the question. Raises `BadRule`.

    For one choice of several `[id]`, for several choices the whole set of them, for an order all ids in it, for what
    is written `[text]`. What the key says already is no rule.
    """
    parts = {part.id: part for part in content.parts}
    accepted: dict[str, list[list[str]]] = {}
    for part_id, answers in given.items():
        part = parts.get(part_id)
        if part is None or len(answers) > MAX_ACCEPTED:
            raise errors.BadRule()
        for answer in answers:
            one = _accepted(content, part, answer)
            if one not in accepted.setdefault(part_id, []):
                accepted[part_id].append(one)
    accepted = {part_id: answers for part_id, answers in accepted.items() if answers}
    if not accepted:
        raise errors.BadRule()
    return accepted


def _accepted(content: Content, part: Part, answer: Sequence[str]) -> list[str]:
    kind, ids = part.kind, [choice.id for choice in part.choices]
    if kind == "essay" or not answer:
        raise errors.BadRule()
    if kind in ("text", "number"):
        text = answer[0].strip()
        if len(answer) != 1 or not 0 < len(text) <= 1000:
            raise errors.BadRule()
        try:
            keyed(part, [text])
        except ValueError as bad:
            raise errors.BadAcceptedAnswer(text=text) from bad
        return [text]
    if kind == "order":
        if sorted(answer) != sorted(ids) or list(answer) == ids:
            raise errors.BadRule()
        return list(answer)
    is_several = type_of(content.type).kind_of(part) == "multiple"
    if set(answer) - set(ids) or (not is_several and len(answer) != 1) or frozenset(answer) == part.key:
        raise errors.BadRule()
    return sorted(set(answer))


def propose_regrade(
    *,
    version: QuestionVersion,
    kind: RegradeKind,
    accepts: Accepts | None,
    reason: Words,
    by: Person,
    appeal: Appeal | None = None,
) -> Regrade:
    """Propose by which rule a wording of a question is marked; nothing changes before a second person approves.

    Raises `RegradeOpen`, `BadRule`, `NothingToTakeBack`, `OwnResult`.
    """
    if looked_up.find_undecided(version.id) is not None:
        raise errors.RegradeOpen()
    if looked_up.has_attempt_with(by, version.id):
        raise errors.OwnResult()
    content = version.read()
    if kind is RegradeKind.AS_WRITTEN and not _can_be_taken_back(version):
        raise errors.NothingToTakeBack()
    regrade = Regrade(
        code=new_code(),
        question_version_id=version.id,
        kind=kind,
        accepts=accepted_answers(content, accepts or {}) if kind is RegradeKind.ACCEPT else None,
        reason=Words(reason.en.strip()[:MAX_REASON], reason.ja.strip()[:MAX_REASON]),
        appeal_id=appeal.id if appeal else None,
        proposed_at=clock.now(),
        proposed_by=by.code,
    )
    session.add(regrade)
    session.flush()
    record(
        "quizzes.regrade_proposed",
        by=by,
        subject=("regrade", regrade.code),
        after=_facts(regrade, version) | ({"appeal": appeal.code} if appeal else {}),
        reason=regrade.reason.en,
    )
    return regrade


def _can_be_taken_back(version: QuestionVersion) -> bool:
    """Say whether a rule stands that can be taken back: not where people would have to mark what they never saw."""
    rule = looked_up.standing_rules([version.id]).get(version.id)
    return rule is not None and not is_by_hand(version.read())


def _facts(regrade: Regrade, version: QuestionVersion) -> dict[str, Any]:
    return {"question": address_of(version), "question_version": version.number, "rule": regrade.kind.value}


# --- what it would change ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Change:
    """A result that a regrade changes: what counts now, and what would."""

    attempt: Attempt
    before: Marking
    points: Fraction
    most: Fraction
    score: Fraction
    # Whether the pass mark, and that of every section that has one, is reached then.
    reaches: bool

    @property
    def is_fall(self) -> bool:
        """Whether somebody knows that she has passed, and would not by the new score."""
        return self.attempt.state is AttemptState.RELEASED and self.before.passed and not self.reaches

    @property
    def is_rise(self) -> bool:
        """Whether somebody who had not passed would pass."""
        return not self.before.passed and self.reaches

    @property
    def facts(self) -> list[Any]:
        """What was looked at, as plain data."""
        return [
            self.attempt.code, self.attempt.state.value, self.before.marking_no,
            str(self.before.score), self.before.passed, str(self.score), self.reaches,
        ]  # fmt: skip


def preview(regrade: Regrade) -> list[Change]:
    """Return every result that the regrade would change: passes that would be lost first, then new passes."""
    return _changes(regrade.question_version, regrade if regrade.kind is not RegradeKind.AS_WRITTEN else None)


def what_if_void(version: QuestionVersion) -> list[Change]:
    """Return every result that would change if a wording of a question counted for nobody, as `preview` does."""
    return _changes(version, Regrade(question_version_id=version.id, kind=RegradeKind.VOID))


def _changes(version: QuestionVersion, rule: Regrade | None) -> list[Change]:
    results = looked_up.list_results(version.id)
    marks = by_hand.list_hand_marks([each.item.id for each in results]) if is_by_hand(version.read()) else {}
    # A sum below nothing is kept as nothing, and sections have sums of their own: the single marks tell what follows.
    single = looked_up.list_single_marks(version.id)
    changes = []
    for result in results:
        given = None
        if needs_person(result.item, rule):
            policy = policy_of(result.attempt.quiz_version)
            so_far = given_of(marks.get(result.item.id, ()), most_by_hand(result.item))
            given = hand_marks.agreed(so_far, policy.above)
        then = points_of(result.item, rule, given)
        if then.earned is None or (then.earned, then.most) == (result.mark.points, result.mark.max_points):
            continue
        changes.append(_change(result, then, single[result.marking.id]))
    return sorted(changes, key=lambda each: (not each.is_fall, not each.is_rise, each.attempt.id))


def _change(result: Result, then: Points, single: Sequence[SingleMark]) -> Change:
    reckoned = reckon(
        result.attempt.quiz_version,
        (
            Earned(then.earned or Fraction(0), then.most, each.section, each.is_scored)
            if each.item_id == result.item.id
            else Earned(each.points, each.max_points, each.section, each.is_scored)
            for each in single
        ),
    )
    return Change(result.attempt, result.marking, reckoned.points, reckoned.max_points, reckoned.score, reckoned.passed)


def seen(changes: Sequence[Change]) -> str:
    """Return what stands for a list of changes, so that what is approved is what was looked at."""
    return sha256(canonical_json([each.facts for each in changes]).encode()).hexdigest()


# --- what becomes of the question --------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TakenOut:
    """A question that is drawn today and counts for nobody by a rule: the version that counts, and what goes short."""

    question: Question
    version: QuestionVersion
    short: Sequence[ShortQuiz]


def taken_out(regrade: Regrade) -> TakenOut | None:
    """Return the question that is not drawn any more once the rule stands; None where it is drawn on, or was not.

    Only a rule by which a wording counts for nobody takes it out, and only while that wording is the one that is asked.
    """
    voided = regrade.question_version
    question = voided.question
    if regrade.kind is not RegradeKind.VOID or question.state not in (QuestionState.LIVE, QuestionState.PILOT):
        return None
    latest = queries.get_version(question, question.latest)
    if latest.content != voided.content:
        return None
    gone = [(question.bank.slug, question.slug)] if question.state is QuestionState.LIVE else []
    return TakenOut(question, latest, staleness.short_without(gone, were_drawn=False))


def stays_out(regrade: Regrade) -> bool:
    """Say whether the question is quarantined although no rule keeps it out once this one stands: the key does again.

    Somebody has to say that it is right before it is drawn again.
    """
    version, question = regrade.question_version, regrade.question_version.question
    if regrade.kind is not RegradeKind.AS_WRITTEN or question.state is not QuestionState.QUARANTINED:
        return False
    latest = queries.get_version(question, question.latest)
    standing = looked_up.find_void(latest)
    return latest.content == version.content and (
        standing is None or (regrade.decided_at is None and standing.question_version_id == version.id)
    )


def _take_out(regrade: Regrade, by: Person) -> None:
    """Quarantine what nobody could earn anything with, and tell the owners of quizzes that go short by it."""
    found = taken_out(regrade)
    if found is None:
        return
    regrade.went_short = [[each.version.quiz.slug, each.available, each.draws] for each in found.short]
    question, reason = found.question, regrade.reason.in_(by.language)[: lifecycle.MOST_REASON]
    note_step(question, found.version, QuestionState.QUARANTINED, by=by.code, reason=reason)
    touch(question)
    search.changed(QUESTIONS, [question.bank_id])
    session.flush()
    flags.tell_short([each.version.quiz.slug for each in found.short], because=regrade.code)
    record(
        "quizzes.question_moved",
        by=by,
        subject=("question_bank", question.bank.slug),
        after={"question": question.slug, "state": QuestionState.QUARANTINED.value},
        reason=reason,
    )


# --- deciding ----------------------------------------------------------------------------------


def approve_regrade(*, regrade: Regrade, looked_at: str, falls: Mapping[str, str], by: Person) -> Regrade:
    """Let the rule stand from now on, and owe the job that marks again what was marked.

    A question that counts for nobody from now on is quarantined, so that no new attempt draws it. `falls` are attempts
    (by code) whose pass is not to be kept, each with a reason; every other pass stays. Raises
    `NeedsSecondPerson`, `RegradeDecided`, `OwnResult`, `RegradeRunning`, `PreviewOutdated`, `FallNeedsReason`.
    """
    # Everybody takes a bank and its questions before quizzes.
    lifecycle.locked(regrade.question_version.question)
    quiz_ids = looked_up.lock_quizzes_with(regrade.question_version_id)
    regrade = looked_up.lock_regrade(regrade.id)
    _check_decider(regrade, by)
    if looked_up.find_running(quiz_ids) is not None:
        raise errors.RegradeRunning()
    changes = preview(regrade)
    if seen(changes) != looked_at:
        raise errors.PreviewOutdated()
    known = {each.attempt.code: each.attempt for each in changes if each.is_fall}
    if set(falls) - set(known):
        raise errors.PreviewOutdated()
    if not all(reason.strip() for reason in falls.values()):
        raise errors.FallNeedsReason()
    regrade.decided_at, regrade.decided_by, regrade.is_approved = clock.now(), by.code, True
    session.add_all(
        RegradeFall(regrade_id=regrade.id, attempt_id=known[code].id, reason=reason.strip()[:MAX_REASON], by=by.code)
        for code, reason in sorted(falls.items())
    )
    session.flush()
    record(
        "quizzes.regrade_approved",
        by=by,
        subject=("regrade", regrade.code),
        after=_facts(regrade, regrade.question_version)
        | {
            "results": len(changes),
            "passes_kept": len(known) - len(falls),
            "passes_lost": len(falls),
        },
    )
    _take_out(regrade, by)
    jobs.enqueue(JOB, {"code": regrade.code}, effect_key=f"{JOB}:{regrade.code}", requested_by=by.code)
    return regrade


def decline_regrade(*, regrade: Regrade, note: str, by: Person) -> Regrade:
    """Turn a proposal down, or take one's own back, which asks for no note. Raises `RegradeDecided`."""
    regrade = looked_up.lock_regrade(regrade.id)
    if regrade.decided_at is not None:
        raise errors.RegradeDecided()
    regrade.decided_at, regrade.decided_by = clock.now(), by.code
    regrade.is_approved, regrade.note = False, note.strip()[:MAX_REASON] or None
    session.flush()
    facts = _facts(regrade, regrade.question_version)
    if by.code == regrade.proposed_by:
        record(
            "quizzes.regrade_taken_back",
            by=by,
            subject=("regrade", regrade.code),
            after=facts,
            reason=regrade.note,
        )
    else:
        record("quizzes.regrade_declined", by=by, subject=("regrade", regrade.code), after=facts, reason=regrade.note)
    return regrade


def _check_decider(regrade: Regrade, by: Person) -> None:
    if regrade.decided_at is not None:
        raise errors.RegradeDecided()
    if regrade.proposed_by == by.code:
        raise errors.NeedsSecondPerson()
    if looked_up.has_attempt_with(by, regrade.question_version_id):
        raise errors.OwnResult()


# --- carrying out ------------------------------------------------------------------------------


def apply_to(regrade: Regrade, attempt_id: int) -> bool:
    """Mark one attempt by the rules that stand now; say whether its result was changed.

    One that waits for people may wait for nobody any more; one that was marked is marked again where points change.
    """
    attempt = queries.lock_attempt(attempt_id)
    if attempt.state is AttemptState.SUBMITTED:
        if mark_when_complete(attempt=attempt):
            record("quizzes.attempt_marked", by=None, subject=("attempt", attempt.code))
            return True
        return False
    before = queries.find_current_marking(attempt)
    if attempt.state not in (AttemptState.MARKED, AttemptState.RELEASED) or before is None:
        return False
    found = compute_attempt(attempt)
    put_before_people(attempt, found)
    if not is_changed(before, found[1]):
        return False
    falls = {fall.attempt_id for fall in regrade.falls}
    marking = mark_attempt(attempt=attempt, by=None, found=found, regrade=regrade, may_fall=attempt.id in falls)
    record(
        "quizzes.result_regraded",
        by=None,
        subject=("attempt", attempt.code),
        before={"score": str(before.score), "passed": before.passed},
        after={"score": str(marking.score), "passed": marking.passed, "regrade": regrade.code},
    )
    # What is on trial changes nothing that anybody has.
    if any(item.is_scored for item in found[0] if item.question_version_id == regrade.question_version_id):
        tell_corrected(attempt)
    return True


def finish_regrade(regrade: Regrade) -> None:
    """Note that every attempt that the rule concerns is marked by it, and answer the appeals that asked for it."""
    regrade = looked_up.lock_regrade(regrade.id)
    if regrade.finished_at is not None:
        return
    regrade.finished_at = clock.now()
    session.flush()
    tell_by_rule(regrade)
    record("quizzes.regrade_finished", by=None, subject=("regrade", regrade.code))
