"""Appeals: what learners question, and who may answer."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import contains_eager, joinedload, selectinload

from portal.accounts import queries as people
from portal.accounts.models import Person, Role, Scope
from portal.core.codes import normalise
from portal.core.db import session
from portal.quizzes.errors import NoSuchAppeal
from portal.quizzes.models import (
    Appeal,
    AppealReferral,
    Attempt,
    HandMark,
    Item,
    Marking,
    Question,
    QuestionBank,
    QuestionVersion,
    Regrade,
    Remedy,
)

BANK = "question_bank"


def _with_question(statement: Select[Any]) -> Select[Any]:
    return (
        statement.join(Appeal.item)
        .join(Item.attempt)
        .join(Item.question_version)
        .join(QuestionVersion.question)
        .join(Question.bank)
        .options(
            contains_eager(Appeal.item).contains_eager(Item.attempt),
            contains_eager(Appeal.item).joinedload(Item.response),
            contains_eager(Appeal.item)
            .contains_eager(Item.question_version)
            .contains_eager(QuestionVersion.question)
            .contains_eager(Question.bank),
            selectinload(Appeal.referrals).joinedload(AppealReferral.person, innerjoin=True),
        )
    )


def get_appeal(code: str) -> Appeal:
    """Return the appeal of this code with its question and attempt. Raises `NoSuchAppeal`."""
    statement = _with_question(select(Appeal)).where(Appeal.code == normalise(code))
    found: Appeal | None = session.scalars(statement).unique().one_or_none()
    if found is None:
        raise NoSuchAppeal()
    return found


def lock_appeal(appeal_id: int) -> Appeal:
    """Return the appeal as it stands now, nobody else answering it until this transaction ends."""
    return session.scalars(
        select(Appeal)
        .where(Appeal.id == appeal_id)
        .with_for_update(of=Appeal)
        .execution_options(populate_existing=True)
    ).one()


def list_appeals_of(codes: Collection[str]) -> list[Appeal]:
    """Return the appeals that have one of these codes, with their questions."""
    return list(session.scalars(_with_question(select(Appeal)).where(Appeal.code.in_(codes))).unique())


def list_of_items(item_ids: Collection[int]) -> dict[int, list[Appeal]]:
    """Return item → its appeals, oldest first."""
    found: dict[int, list[Appeal]] = {}
    if item_ids:
        for appeal in session.scalars(select(Appeal).where(Appeal.item_id.in_(item_ids)).order_by(Appeal.id)):
            found.setdefault(appeal.item_id, []).append(appeal)
    return found


def list_open_of(attempt_id: int) -> list[Appeal]:
    """Return the appeals about an attempt that wait for their answer, oldest first."""
    return list(
        session.scalars(
            select(Appeal)
            .join(Item, Item.id == Appeal.item_id)
            .where(Item.attempt_id == attempt_id, Appeal.answered_at.is_(None))
            .order_by(Appeal.id)
        )
    )


def list_of_attempt(attempt_id: int) -> list[Appeal]:
    """Return the appeals about an attempt with their questions, oldest first."""
    return list(
        session.scalars(
            select(Appeal)
            .join(Appeal.item)
            .where(Item.attempt_id == attempt_id)
            .order_by(Appeal.id)
            .options(contains_eager(Appeal.item))
        )
    )


def find_open(item_id: int) -> Appeal | None:
    """Return the appeal about an item that waits for its answer, or None."""
    return session.scalar(select(Appeal).where(Appeal.item_id == item_id, Appeal.answered_at.is_(None)))


def owned_banks(person: Person) -> set[str]:
    """Return the slugs of the banks that a person answers for, or stands in for."""
    return people.list_codes_owned(person, BANK)


def _answered_by(person: Person) -> ColumnElement[bool]:
    """Return the condition that an appeal may be answered by this person; nobody answers her own."""
    is_other = Attempt.person_id != person.id
    administers = any(
        grant.ended_at is None and grant.role is Role.ADMIN and grant.scope is Scope.ORGANISATION
        for grant in person.grants
    )
    if administers:
        return is_other
    referred = select(AppealReferral.id).where(
        AppealReferral.appeal_id == Appeal.id, AppealReferral.person_id == person.id
    )
    return is_other & or_(
        QuestionBank.slug.in_(owned_banks(person)), QuestionVersion.created_by == person.code, referred.exists()
    )


def list_appeals_for(person: Person, *, is_open: bool, limit: int = 100) -> list[Appeal]:
    """Return the appeals that a person may answer: those that wait, oldest first, or those answered, newest first."""
    statement = _with_question(select(Appeal)).where(_answered_by(person))
    if is_open:
        statement = statement.where(Appeal.answered_at.is_(None)).order_by(Appeal.id)
    else:
        statement = statement.where(Appeal.answered_at.is_not(None)).order_by(Appeal.answered_at.desc(), Appeal.id)
    return list(session.scalars(statement.limit(limit)).unique())


def count_open_for(person: Person) -> int:
    """Return how many appeals wait for an answer that this person may give."""
    statement = (
        select(func.count(Appeal.id))
        .join(Appeal.item)
        .join(Item.attempt)
        .join(Item.question_version)
        .join(QuestionVersion.question)
        .join(Question.bank)
        .where(Appeal.answered_at.is_(None), _answered_by(person))
    )
    return session.scalar(statement) or 0


def may_answer(person: Person, appeal: Appeal) -> bool:
    """Say whether a person answers for the bank, wrote the wording, or was asked to answer this appeal."""
    version = appeal.item.question_version
    return (
        version.created_by == person.code
        or any(referral.person_id == person.id for referral in appeal.referrals)
        or version.question.bank.slug in owned_banks(person)
    )


def list_rules_for(found: Collection[Appeal]) -> dict[int, Regrade]:
    """Return appeal → the rule that answers it, whoever proposed it because of whatever.

    The first of its wording that was approved since the appeal was made, else the one that waits for a second person,
    else the last that was proposed because of it and declined.
    """
    versions = {appeal.item.question_version_id for appeal in found}
    if not versions:
        return {}
    rows = session.scalars(select(Regrade).where(Regrade.question_version_id.in_(versions)).order_by(Regrade.id)).all()
    rules = {}
    for appeal in found:
        of_wording = [row for row in rows if row.question_version_id == appeal.item.question_version_id]
        approved = [
            row for row in of_wording if row.is_approved and row.decided_at and row.decided_at >= appeal.made_at
        ]
        undecided = [row for row in of_wording if row.decided_at is None]
        declined = [row for row in of_wording if row.is_approved is False and row.appeal_id == appeal.id]
        answering = [*approved[:1], *undecided, *declined[-1:]]
        if answering:
            rules[appeal.id] = answering[0]
    return rules


def list_upheld_about(version_id: int) -> list[Appeal]:
    """Return the appeals about a wording that another rule is to answer, oldest first."""
    statement = _with_question(select(Appeal)).where(
        Item.question_version_id == version_id, Appeal.remedy == Remedy.REGRADE
    )
    return list(session.scalars(statement.order_by(Appeal.id)).unique())


def list_marked_because(found: Collection[Appeal]) -> set[int]:
    """Return those of these appeals because of which a person has marked the answer again."""
    ids = [appeal.id for appeal in found]
    return set(
        session.scalars(select(Appeal.id).join(HandMark, HandMark.appeal_id == Appeal.id).where(Appeal.id.in_(ids)))
    )


def list_corrections_of(found: Collection[Appeal]) -> list[Marking]:
    """Return the markings that corrected the results about which these appeals are, oldest first."""
    attempts = {appeal.item.attempt_id for appeal in found}
    return list(
        session.scalars(
            select(Marking)
            .where(
                Marking.attempt_id.in_(attempts), or_(Marking.regrade_id.is_not(None), Marking.appeal_id.is_not(None))
            )
            .order_by(Marking.attempt_id, Marking.marking_no)
        )
    )


def list_who_can_be_named(appeal: Appeal) -> list[Person]:
    """Return those who may be asked to answer an appeal: who reads keys anyway, but not the learner herself."""
    found: dict[int, Person] = {}
    for role in (Role.AUTHOR, Role.APPROVER, Role.ADMIN):
        for person in people.list_holders(role, Scope.ORGANISATION):
            found[person.id] = person
    named = {referral.person_id for referral in appeal.referrals} | {appeal.item.attempt.person_id}
    return sorted((each for each in found.values() if each.id not in named), key=lambda each: each.id)


def get_item_of(attempt: Attempt, position: int) -> Item | None:
    """Return the item at a place of an attempt with question and answer, or None."""
    return session.scalar(
        select(Item)
        .where(Item.attempt_id == attempt.id, Item.position == position)
        .options(joinedload(Item.question_version, innerjoin=True), joinedload(Item.response))
    )
