"""Rules by which questions are marked instead of their key, and the results that they change."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from fractions import Fraction

from sqlalchemy import func, or_, select
from sqlalchemy.orm import aliased, joinedload, selectinload

from portal.accounts.models import Person
from portal.core.codes import normalise
from portal.core.db import session
from portal.quizzes.errors import NoSuchRegrade
from portal.quizzes.models import (
    Attempt,
    AttemptState,
    Item,
    ItemMark,
    Marking,
    Question,
    QuestionBank,
    QuestionState,
    QuestionVersion,
    Quiz,
    Regrade,
    RegradeKind,
)

_CONCERNED = (AttemptState.SUBMITTED, AttemptState.MARKED, AttemptState.RELEASED)
_WITH_QUESTION = (
    joinedload(Regrade.question_version, innerjoin=True)
    .joinedload(QuestionVersion.question, innerjoin=True)
    .joinedload(Question.bank, innerjoin=True)
)


def standing_rules(version_ids: Collection[int]) -> dict[int, Regrade]:
    """Return question version → the rule that stands for it: the newest that was approved; none where its key does."""
    if not version_ids:
        return {}
    rows = session.scalars(
        select(Regrade)
        .where(Regrade.question_version_id.in_(version_ids), Regrade.is_approved.is_(True))
        .order_by(Regrade.decided_at, Regrade.id)
    )
    return newest_of(rows)


def newest_of(rules: Iterable[Regrade]) -> dict[int, Regrade]:
    """Return question version → the last of these rules for it; none where the last one is the key itself."""
    newest = {rule.question_version_id: rule for rule in rules}
    return {version: rule for version, rule in newest.items() if rule.kind is not RegradeKind.AS_WRITTEN}


def list_standing(bank_slugs: Collection[str]) -> list[Regrade]:
    """Return the rules that stand for what counts of the questions of these banks, in the order of their addresses."""
    if not bank_slugs:
        return []
    rows = session.scalars(
        select(Regrade)
        .join(Regrade.question_version)
        .join(QuestionVersion.question)
        .join(Question.bank)
        .where(
            QuestionBank.slug.in_(bank_slugs),
            QuestionVersion.number == Question.latest,
            Question.state != QuestionState.RETIRED,
            Regrade.is_approved.is_(True),
        )
        .order_by(QuestionBank.slug, Question.slug, Regrade.decided_at, Regrade.id)
        .options(_WITH_QUESTION)
    )
    return list(newest_of(rows).values())


def find_void(version: QuestionVersion) -> Regrade | None:
    """Return the rule by which a wording counts for nobody, under whatever number it stands; None where it counts."""
    rules = standing_rules(_worded_alike(version))
    return next((rule for rule in rules.values() if rule.kind is RegradeKind.VOID), None)


def _worded_alike(version: QuestionVersion) -> list[int]:
    """Return the versions of a question that say the same as one of them."""
    rows = session.execute(
        select(QuestionVersion.id, QuestionVersion.content).where(QuestionVersion.question_id == version.question_id)
    )
    return [row.id for row in rows if row.content == version.content]


def list_voids(version_ids: Collection[int]) -> list[Regrade]:
    """Return the approved rules by which one of these wordings counts, or counted, for nobody, oldest first."""
    return list(
        session.scalars(
            select(Regrade)
            .where(
                Regrade.question_version_id.in_(version_ids),
                Regrade.is_approved.is_(True),
                Regrade.kind == RegradeKind.VOID,
            )
            .order_by(Regrade.decided_at, Regrade.id)
        )
    )


def was_void(version: QuestionVersion) -> bool:
    """Say whether a wording counted for nobody by a rule that was taken back since, under whatever number it stands."""
    last = session.scalars(
        select(Regrade.kind)
        .where(Regrade.question_version_id.in_(_worded_alike(version)), Regrade.is_approved.is_(True))
        .order_by(Regrade.decided_at.desc(), Regrade.id.desc())
        .limit(2)
    ).all()
    return last == [RegradeKind.AS_WRITTEN, RegradeKind.VOID]


def list_approved() -> list[Regrade]:
    """Return all approved rules in the order of their approval."""
    return list(
        session.scalars(select(Regrade).where(Regrade.is_approved.is_(True)).order_by(Regrade.decided_at, Regrade.id))
    )


def get_regrade(code: str) -> Regrade:
    """Return the regrade of this code with its question. Raises `NoSuchRegrade`."""
    found = session.scalar(select(Regrade).where(Regrade.code == normalise(code)).options(_WITH_QUESTION))
    if found is None:
        raise NoSuchRegrade()
    return found


def lock_regrade(regrade_id: int) -> Regrade:
    """Return the regrade as it stands now, nobody else deciding about it until this transaction ends."""
    return session.scalars(
        select(Regrade)
        .where(Regrade.id == regrade_id)
        .with_for_update(of=Regrade)
        .execution_options(populate_existing=True)
    ).one()


def find_undecided(version_id: int) -> Regrade | None:
    """Return the proposal for a question version that waits for a second person, or None."""
    return session.scalar(
        select(Regrade).where(Regrade.question_version_id == version_id, Regrade.decided_at.is_(None))
    )


def list_regrades(limit: int = 100) -> list[Regrade]:
    """Return the regrades, those that wait first, then the newest."""
    return list(
        session.scalars(
            select(Regrade)
            .options(_WITH_QUESTION)
            .order_by(Regrade.decided_at.is_not(None), Regrade.id.desc())
            .limit(limit)
        )
    )


def count_undecided(person: Person) -> int:
    """Return how many proposals wait for a word of somebody like this person: not those of her own."""
    return (
        session.scalar(
            select(func.count())
            .select_from(Regrade)
            .where(Regrade.decided_at.is_(None), Regrade.proposed_by != person.code)
        )
        or 0
    )


def list_attempt_ids(version_id: int) -> list[int]:
    """Return the attempts with this question version that were handed in and not made void, oldest first."""
    return list(
        session.scalars(
            select(Attempt.id)
            .join(Item, Item.attempt_id == Attempt.id)
            .where(Item.question_version_id == version_id, Attempt.state.in_(_CONCERNED))
            .order_by(Attempt.id)
        )
    )


def has_attempt_with(person: Person, version_id: int) -> bool:
    """Say whether a person has, or had, this question version before her."""
    return bool(
        session.scalar(
            select(Attempt.id)
            .join(Item, Item.attempt_id == Attempt.id)
            .where(
                Item.question_version_id == version_id,
                Attempt.person_id == person.id,
                Attempt.state != AttemptState.VOIDED,
            )
            .limit(1)
        )
    )


@dataclass(frozen=True, slots=True)
class Result:
    """A marked attempt with the item in question, what that earned, and the marking that counts."""

    attempt: Attempt
    item: Item
    mark: ItemMark
    marking: Marking


def list_results(version_id: int) -> list[Result]:
    """Return the marked attempts with this question version, with people and quizzes, in a few statements."""
    newest = (
        select(Marking.attempt_id, func.max(Marking.marking_no).label("number")).group_by(Marking.attempt_id).subquery()
    )
    rows = session.execute(
        select(Attempt, Item, ItemMark, Marking)
        .join(Item, Item.attempt_id == Attempt.id)
        .join(newest, newest.c.attempt_id == Attempt.id)
        .join(Marking, (Marking.attempt_id == Attempt.id) & (Marking.marking_no == newest.c.number))
        .join(ItemMark, (ItemMark.marking_id == Marking.id) & (ItemMark.item_id == Item.id))
        .where(
            Item.question_version_id == version_id,
            Attempt.state.in_((AttemptState.MARKED, AttemptState.RELEASED)),
        )
        .order_by(Attempt.id)
        .options(
            joinedload(Attempt.person, innerjoin=True),
            joinedload(Item.question_version, innerjoin=True),
            joinedload(Item.response),
        )
    )
    return [Result(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class Changed:
    """A result that a regrade has changed: the marking that counted before, and the one that the rule gave."""

    attempt: Attempt
    before: Marking
    after: Marking

    @property
    def is_kept(self) -> bool:
        """Whether the score fell below the pass mark and the pass was kept."""
        return bool(self.after.keeps_pass)

    @property
    def is_fall(self) -> bool:
        """Whether somebody had passed and has not any more."""
        return self.before.passed and not self.after.passed

    @property
    def is_rise(self) -> bool:
        """Whether somebody passes who had not."""
        return self.after.passed and not self.before.passed


def list_changed(regrade: Regrade) -> list[Changed]:
    """Return every result that a regrade has changed, whatever became of it later: passes lost or kept first."""
    before, after = aliased(Marking), aliased(Marking)
    rows = session.execute(
        select(Attempt, before, after)
        .join(after, after.attempt_id == Attempt.id)
        .join(before, (before.attempt_id == Attempt.id) & (before.marking_no == after.marking_no - 1))
        .where(after.regrade_id == regrade.id)
        .order_by(Attempt.id, after.marking_no)
        .options(joinedload(Attempt.person, innerjoin=True))
    )
    found = [Changed(*row) for row in rows]
    return sorted(found, key=lambda each: (not each.is_fall, not each.is_kept, not each.is_rise, each.attempt.id))


@dataclass(frozen=True, slots=True)
class SingleMark:
    """What one item of a marking earned, and where that counts."""

    item_id: int
    points: Fraction
    max_points: Fraction
    section: str
    is_scored: bool


def list_single_marks(version_id: int) -> dict[int, list[SingleMark]]:
    """Return marking → what each of its items earned, of the markings that count for who had this question version."""
    had = select(Item.attempt_id).where(Item.question_version_id == version_id)
    newest = select(func.max(Marking.id)).where(Marking.attempt_id.in_(had)).group_by(Marking.attempt_id)
    rows = session.execute(
        select(ItemMark.marking_id, Item.id, ItemMark.points, ItemMark.max_points, Item.section, Item.on_trial)
        .join(Item, Item.id == ItemMark.item_id)
        .where(ItemMark.marking_id.in_(newest))
        .order_by(ItemMark.marking_id, Item.id)
    )
    found: dict[int, list[SingleMark]] = {}
    for marking_id, item_id, points, max_points, section, on_trial in rows:
        found.setdefault(marking_id, []).append(
            SingleMark(item_id, points, max_points, section or "", is_scored=not on_trial)
        )
    return found


def lock_quizzes_with(version_id: int) -> list[int]:
    """Return the quizzes in which this question version was drawn; until the transaction ends nobody marks in them."""
    drawn = (
        select(Attempt.quiz_id)
        .join(Item, Item.attempt_id == Attempt.id)
        .where(Item.question_version_id == version_id)
        .distinct()
    )
    return list(
        session.scalars(select(Quiz.id).where(Quiz.id.in_(drawn)).order_by(Quiz.id).with_for_update(key_share=True))
    )


def find_running(quiz_ids: Collection[int]) -> Regrade | None:
    """Return a regrade that was approved and is not finished, of a question drawn in one of these quizzes, or None."""
    return session.scalar(
        select(Regrade)
        .where(
            Regrade.is_approved.is_(True),
            Regrade.finished_at.is_(None),
            select(Item.id)
            .join(Attempt, Attempt.id == Item.attempt_id)
            .where(Item.question_version_id == Regrade.question_version_id, Attempt.quiz_id.in_(quiz_ids))
            .exists(),
        )
        .limit(1)
    )


def list_regrades_of(codes: Collection[str]) -> list[Regrade]:
    """Return the regrades that have one of these codes, with their questions."""
    return list(
        session.scalars(select(Regrade).where(Regrade.code.in_(codes)).options(_WITH_QUESTION).order_by(Regrade.id))
    )


def list_corrections(attempt_ids: Collection[int]) -> list[Marking]:
    """Return the markings of these attempts that corrected results, with what led to them, oldest first."""
    return list(
        session.scalars(
            select(Marking)
            .where(
                Marking.attempt_id.in_(attempt_ids),
                or_(Marking.regrade_id.is_not(None), Marking.appeal_id.is_not(None)),
            )
            .order_by(Marking.attempt_id, Marking.marking_no)
            .options(
                joinedload(Marking.regrade).joinedload(Regrade.question_version),
                joinedload(Marking.regrade).selectinload(Regrade.falls),
                joinedload(Marking.appeal),
                selectinload(Marking.item_marks),
            )
        )
    )
