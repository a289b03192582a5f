"""Appeals: a learner questions how an item was marked, and somebody who answers for the question replies."""

from __future__ import annotations

from datetime import datetime, timedelta

from portal.accounts import queries as people
from portal.accounts.models import Person, Role, Scope
from portal.core import clock
from portal.core.codes import new_code
from portal.core.db import session
from portal.core.mail import send_later
from portal.journal.service import record
from portal.quizzes import errors, queries
from portal.quizzes.models import (
    Appeal,
    AppealReferral,
    Attempt,
    AttemptState,
    Item,
    QuestionVersion,
    QuizVersion,
    Remedy,
)
from portal.quizzes.queries import appeals
from portal.quizzes.queries import marking as by_hand
from portal.quizzes.rules.hand_marks import APPEAL_DAYS
from portal.quizzes.service.marking import compute_attempt, put_before_people

MAX_WORDS = 4_000


def address_of(version: QuestionVersion) -> str:
    """Return the address of the question, as journals name it."""
    return f"{version.question.bank.slug}/{version.question.slug}"


def appeal_days(version: QuizVersion) -> int:
    """Return for how many days after its release a result under these terms can be questioned; 0: not at all."""
    return APPEAL_DAYS if version.appeal_days is None else version.appeal_days


def shows_questions(version: QuizVersion) -> bool:
    """Say whether a result under these terms shows questions, so that there is something to be questioned."""
    return bool(frozenset(version.show) - {"score"})


def appeals_until(attempt: Attempt) -> datetime | None:
    """Return until when the items of an attempt can be questioned, or None where they cannot be at all.

    A result that shows no questions has nothing to be questioned; the terms are those under which it was begun.
    """
    if attempt.state is not AttemptState.RELEASED or attempt.released_at is None:
        return None
    if not shows_questions(attempt.quiz_version):
        return None
    days = appeal_days(attempt.quiz_version)
    return attempt.released_at + timedelta(days=days) if days else None


def can_appeal(attempt: Attempt, now: datetime) -> bool:
    """Say whether the items of an attempt can be questioned now."""
    until = appeals_until(attempt)
    return until is not None and now <= until


def make_appeal(*, attempt: Attempt, item: Item, words: str, by: Person) -> Appeal:
    """Question how an item was marked.

    Raises `NoAppeal` too late, too early or where the quiz takes none, `AppealOpen` where one waits.
    """
    attempt = queries.lock_attempt(queries.key_of(attempt))
    now = clock.now()
    if attempt.person_id != by.id or not can_appeal(attempt, now):
        raise errors.NoAppeal(days=appeal_days(attempt.quiz_version))
    if appeals.find_open(item.id) is not None:
        raise errors.AppealOpen()
    appeal = Appeal(code=new_code(), item_id=item.id, words=words.strip()[:MAX_WORDS], made_at=now)
    session.add(appeal)
    session.flush()
    record(
        "quizzes.appeal_made",
        by=by,
        subject=("attempt", attempt.code),
        after={"appeal": appeal.code, "question": address_of(item.question_version)},
    )
    for person in _who_answers(item.question_version, but=by):
        send_later(
            "quizzes.appeal_waiting",
            {"code": appeal.code, "to": person.code},
            effect_key=f"quizzes.appeal_waiting:{appeal.code}:{person.code}",
        )
    return appeal


def _who_answers(version: QuestionVersion, but: Person) -> list[Person]:
    """Return who is told of an appeal: owner and deputy of the bank, else its authors, else the administrators."""
    owner = people.find_owner(appeals.BANK, version.question.bank.slug)
    found = [each for each in (owner.owner, owner.deputy) if each is not None] if owner is not None else []
    found = [each for each in found if each.is_active and each.id != but.id]
    if not found:
        author = people.find_person(version.created_by)
        found = [author] if author is not None and author.is_active and author.id != but.id else []
    return found or [each for each in people.list_holders(Role.ADMIN, Scope.ORGANISATION) if each.id != but.id]


def can_be_marked_again(item: Item) -> bool:
    """Say whether people gave the points of an item, so that another one can give others."""
    return bool(by_hand.list_hand_marks([item.id]))


def answer_appeal(*, appeal: Appeal, is_upheld: bool, remedy: Remedy | None, answer: str, by: Person) -> Appeal:
    """Uphold an appeal, with what follows from it, or reject it; the words go to the learner.

    Raises `BadAppealAnswer`, `AppealAnswered`, `OwnResult`.
    """
    attempt = queries.lock_attempt(appeal.item.attempt_id)
    appeal = appeals.lock_appeal(appeal.id)
    if attempt.person_id == by.id:
        raise errors.OwnResult()
    if appeal.answered_at is not None:
        raise errors.AppealAnswered()
    if not answer.strip() or is_upheld != (remedy is not None):
        raise errors.BadAppealAnswer()
    if remedy is Remedy.REMARK and not can_be_marked_again(appeal.item):
        raise errors.BadAppealAnswer()
    appeal.answered_at, appeal.answered_by = clock.now(), by.code
    appeal.is_upheld, appeal.remedy, appeal.answer = is_upheld, remedy, answer.strip()[:MAX_WORDS]
    session.flush()
    if remedy is Remedy.REMARK:
        put_before_people(attempt, compute_attempt(attempt))
    record(
        "quizzes.appeal_answered",
        by=by,
        subject=("attempt", attempt.code),
        after={
            "appeal": appeal.code,
            "question": address_of(appeal.item.question_version),
            "upheld": is_upheld,
            "remedy": remedy.value if remedy else None,
        },
    )
    send_later("quizzes.appeal_answered", {"code": appeal.code}, effect_key=f"quizzes.appeal_answered:{appeal.code}")
    return appeal


def end_appeals(*, attempt: Attempt, by: Person) -> list[Appeal]:
    """End the appeals about a void attempt that wait for an answer; the caller holds its lock.

    Nothing is marked any more for which an answer would matter. The mail about the attempt tells their learner.
    """
    ended = [appeals.lock_appeal(each.id) for each in appeals.list_open_of(attempt.id)]
    for appeal in ended:
        appeal.answered_at, appeal.answered_by, appeal.is_upheld = clock.now(), by.code, False
        session.flush()
        record(
            "quizzes.appeal_lapsed",
            by=by,
            subject=("attempt", attempt.code),
            after={"appeal": appeal.code, "question": address_of(appeal.item.question_version)},
        )
    return ended


def name_person(*, appeal: Appeal, person: Person, by: Person) -> AppealReferral:
    """Ask somebody else to answer; whoever could answer still can. Raises `CannotBeNamed`, `AppealAnswered`."""
    appeal = appeals.lock_appeal(appeal.id)
    if appeal.answered_at is not None:
        raise errors.AppealAnswered()
    if person.id not in {each.id for each in appeals.list_who_can_be_named(appeal)}:
        raise errors.CannotBeNamed()
    row = AppealReferral(appeal_id=appeal.id, person_id=person.id, at=clock.now(), by=by.code)
    session.add(row)
    session.flush()
    session.expire(appeal, ["referrals"])
    record(
        "quizzes.appeal_named",
        by=by,
        subject=("attempt", appeal.item.attempt.code),
        after={"appeal": appeal.code, "person": person.code},
    )
    send_later(
        "quizzes.appeal_waiting",
        {"code": appeal.code, "to": person.code},
        effect_key=f"quizzes.appeal_waiting:{appeal.code}:{person.code}",
    )
    return row
