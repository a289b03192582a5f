"""What is done with the items of a handover: who takes over, what she shows, whether she accepts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import date, timedelta

from portal.accounts import queries as accounts
from portal.accounts.models import Person
from portal.accounts.service.owner_needs import find_lacking, roles_of
from portal.core import clock
from portal.core.codes import new_code
from portal.core.db import session
from portal.core.i18n import format_date
from portal.core.i18n import lazy_gettext as _l
from portal.core.mail import send_later
from portal.duties.queries import find_cards
from portal.handover import rules
from portal.handover.errors import (
    AcceptedByAnother,
    AcceptedMeanwhile,
    AlreadyDecided,
    DoneBeforeHandover,
    DoneBeforeStage,
    DoneInFuture,
    DoneLongAgo,
    EvidenceInUse,
    EvidenceMissing,
    HandoverOver,
    ItemGone,
    NamedMeanwhile,
    NotHers,
    NothingChosen,
    OtherSuccessor,
    RoleMissing,
    StageNotNext,
    StageNotWaivable,
    SuccessorUnfit,
)
from portal.handover.models import Handover, HandoverItem, ItemDecision, ItemEvidence, ItemSuccessor
from portal.handover.queries import handovers as queries
from portal.handover.queries.handovers import Course
from portal.handover.rules import Decision, ItemState, Stage
from portal.handover.service import issuing
from portal.handover.service.inventory import Thing, synchronise
from portal.handover.service.leading import leads_of_person
from portal.handover.service.standing import day_in, state_of, title_of, today_of
from portal.handover.service.wording import checked_link, checked_reason, checked_words
from portal.journal.service import record

_A_YEAR = timedelta(days=366)


def assign(
    *,
    handover: Handover,
    things: Collection[Thing],
    successor: Person | None,
    by: Person,
    seen: int | None = None,
    over_accepted: bool = True,
) -> int:
    """Say who is to take these things over, or that nobody is; return for how many that is new.

    Who is asked again after a refusal answers again; who is dropped is told. `seen` is how often successors had been
    named in this handover when the form was read, None where nobody reads one; `over_accepted`: that what somebody
    accepted is given to another is meant so. Raises `HandoverOver`, `NothingChosen`, `SuccessorUnfit`, `ItemGone`,
    `NamedMeanwhile`, `AcceptedByAnother`.
    """
    locked = _lock(handover)
    courses = {(each.item.kind, each.item.thing_code): each for each in synchronise(locked)}
    if not things:
        raise NothingChosen()
    if successor is not None:
        (successor,) = queries.hold_people([successor.id])
        if not successor.is_active or successor.id == locked.person_id:
            raise SuccessorUnfit()
    now = clock.now()
    rows = []
    dropped: dict[Person, list[ItemSuccessor]] = defaultdict(list)
    unseen = _unseen(courses.values(), seen)
    for thing in sorted(set(things)):
        course = courses.get(thing)
        if course is None or course.item.gone_at is not None:
            raise ItemGone()
        refused = course.decision is not None and course.decision.decision is Decision.REFUSED
        present = course.successor.id if course.successor is not None else None
        if present == _id_of(successor) and not refused:
            continue
        if course.item.id in unseen and present != _id_of(successor):
            name = course.successor.names if course.successor is not None else _l("Nobody yet")
            raise NamedMeanwhile(name=name, title=title_of(course.item))
        former = course.successor if course.successor is not None and present != _id_of(successor) else None
        if former is not None and not over_accepted and former.is_active and _is_accepted(course):
            raise AcceptedByAnother(name=former.names, title=title_of(course.item))
        row = ItemSuccessor(item=course.item, successor=successor, set_at=now, set_by=by.code)
        session.add(row)
        rows.append(row)
        if former is not None and not refused and former.is_active and former.id != by.id:
            dropped[former].append(row)
    session.flush()
    for row in rows:
        record(
            "handover.successor_set",
            by=by,
            subject=("handover_item", row.item.code),
            after={"successor": successor.code if successor is not None else None},
        )
    issuing.address(locked, by)
    if successor is not None and rows and successor.id != by.id:
        send_later(
            "handover.assigned",
            {"assignment": rows[0].id, "things": len(rows)},
            effect_key=f"handover.assigned:{rows[0].id}",
        )
    for former, lost in dropped.items():
        send_later(
            "handover.dropped",
            {"assignments": [each.id for each in lost], "to": former.code},
            effect_key=f"handover.dropped:{lost[0].id}:{former.code}",
        )
    if successor is not None:
        _ask_for_roles(rows, successor, by)
    return len(rows)


def _id_of(person: Person | None) -> int | None:
    return person.id if person is not None else None


def _is_accepted(course: Course) -> bool:
    return course.decision is not None and course.decision.decision is Decision.ACCEPTED


def _unseen(courses: Iterable[Course], seen: int | None) -> set[int]:
    """Return the items whose successor was named after so many that somebody has seen."""
    if seen is None:
        return set()
    rows = sorted((each for course in courses for each in course.assignments), key=lambda each: each.id)
    return {each.item_id for each in rows[seen:]}


def _ask_for_roles(rows: Sequence[ItemSuccessor], successor: Person, by: Person) -> None:
    """Ask the administrators for the roles without which the successor cannot take these things over."""
    lacking = {each.thing for each in find_lacking(successor, [_thing_of(row.item) for row in rows])}
    asked = [row.id for row in rows if _thing_of(row.item) in lacking]
    for admin in accounts.list_administrators() if asked else []:
        if admin.id != by.id:
            send_later(
                "handover.role_missing",
                {"assignments": asked, "to": admin.code},
                effect_key=f"handover.role_missing:{asked[0]}:{admin.code}",
            )


def _thing_of(item: HandoverItem) -> Thing:
    return item.kind, item.thing_code


def record_evidence(
    *, item: HandoverItem, stage: Stage, done_on: date, words: str, link: str = "", by: Person
) -> ItemEvidence:
    """Note what the successor has done with an item, in her own words; only she can.

    Raises `HandoverOver`, `ItemGone`, `NotHers`, `StageNotNext`, `DoneInFuture`, `DoneLongAgo`,
    `DoneBeforeHandover`, `DoneBeforeStage`,    `WordsMissing`, `LinkNotUnderstood`, `TextTooLong`.
    """
    said, where = checked_words(words), checked_link(link)
    handover, course = _lock_item(item)
    _check_hers(course, by)
    _check_not_accepted(course)
    if rules.next_stage(_stages(course)) is not stage:
        raise StageNotNext()
    today = today_of(handover)
    if done_on > max(today, clock.today(clock.zone_or_utc(by.time_zone))):
        raise DoneInFuture()
    if done_on < today - _A_YEAR:
        raise DoneLongAgo()
    if done_on < min(handover.notice_on, day_in(handover, handover.begun_at)):
        raise DoneBeforeHandover()
    before = [each.done_on for each in course.own_evidence if each.done_on is not None]
    if before and done_on < max(before):
        raise DoneBeforeStage(day=format_date(max(before)))
    row = ItemEvidence(
        code=new_code(),
        item=course.item,
        successor=by,
        stage=stage,
        done_on=done_on,
        words=said,
        link=where,
        recorded_at=clock.now(),
    )
    session.add(row)
    session.flush()
    record(
        "handover.evidence_given",
        by=by,
        subject=("handover_item", item.code),
        after={"stage": stage.value, "done_on": done_on.isoformat()},
    )
    return row


def waive_stage(*, item: HandoverItem, stage: Stage, reason: str, by: Person) -> None:
    """Say why the successor does not need a stage; that she did it alone is never waived.

    Raises `StageNotWaivable`, `HandoverOver`, `ItemGone`, `NotHers` where nobody is to take it over, `StageNotNext`,
    `ReasonMissing`.
    """
    if stage is Stage.ALONE:
        raise StageNotWaivable()
    said = checked_reason(reason)
    _handover, course = _lock_item(item)
    successor = course.successor
    if successor is None:
        raise NotHers()
    _check_not_accepted(course)
    if rules.next_stage(_stages(course)) is not stage:
        raise StageNotNext()
    session.add(
        ItemEvidence(
            code=new_code(),
            item=course.item,
            successor=successor,
            stage=stage,
            words=said,
            recorded_at=clock.now(),
            waived_by=by.code,
        )
    )
    session.flush()
    record(
        "handover.stage_waived",
        by=by,
        subject=("handover_item", item.code),
        # Why stands in the row, from which it can be taken out; the journal would keep it.
        after={"stage": stage.value},
    )


def take_back(*, item: HandoverItem, evidence: ItemEvidence, by: Person) -> None:
    """Take back the latest stage, as long as the item is not accepted: evidence by the successor, a waiver by a lead.

    Raises `HandoverOver`, `ItemGone`, `NotHers`, `EvidenceInUse`.
    """
    _handover, course = _lock_item(item)
    own = course.own_evidence
    row = next((each for each in own if each.id == evidence.id), None)
    if row is None or (row.waived_by is None and row.successor_id != by.id):
        raise NotHers()
    accepted = course.decision is not None and course.decision.decision is Decision.ACCEPTED
    if accepted or row is not max(own, key=lambda each: list(Stage).index(each.stage)):
        raise EvidenceInUse()
    row.taken_back_at, row.taken_back_by = clock.now(), by.code
    session.flush()
    record(
        "handover.evidence_taken_back",
        by=by,
        subject=("handover_item", item.code),
        after={"stage": row.stage.value},
    )


def accept(*, item: HandoverItem, by: Person) -> None:
    """Take an item over, on evidence of having done it alone; what its card says now is noted with it.

    Raises `HandoverOver`, `ItemGone`, `NotHers`, `EvidenceMissing`, `AlreadyDecided`, `RoleMissing`.
    """
    _handover, course = _lock_item(item)
    _check_hers(course, by)
    if course.decision is not None:
        raise AlreadyDecided()
    if Stage.ALONE not in _stages(course):
        raise EvidenceMissing()
    lacking = find_lacking(by, [_thing_of(course.item)])
    if lacking:
        raise RoleMissing(name=by.names, roles=roles_of(lacking))
    _decide(course, Decision.ACCEPTED, "", by)
    record("handover.accepted", by=by, subject=("handover_item", item.code))


def refuse(*, item: HandoverItem, reason: str, by: Person) -> None:
    """Refuse an item, accepted before or not; it is with the lead from then on.

    Raises `HandoverOver`, `ItemGone`, `NotHers`, `ReasonMissing`.
    """
    said = checked_reason(reason)
    handover, course = _lock_item(item)
    _check_hers(course, by)
    row = _decide(course, Decision.REFUSED, said, by)
    # Why stands in the row, from which it can be taken out; the journal would keep it.
    record("handover.refused", by=by, subject=("handover_item", item.code))
    # What she refused is in no paper of hers; where that was all, she has none.
    issuing.address(handover, by)
    for lead in leads_of_person(handover.person):
        if lead.id != by.id:
            send_later(
                "handover.refused",
                {"decision": row.id, "to": lead.code},
                effect_key=f"handover.refused:{row.id}:{lead.code}",
            )


def _decide(course: Course, decision: Decision, reason: str, by: Person) -> ItemDecision:
    assert course.assignment is not None
    thing = (course.item.kind, course.item.thing_code)
    card = find_cards([thing]).get(thing)
    row = ItemDecision(
        item=course.item,
        assignment=course.assignment,
        successor=by,
        decision=decision,
        reason=reason,
        card_version=card.latest if card is not None and card.versions else None,
        decided_at=clock.now(),
    )
    session.add(row)
    session.flush()
    return row


def _lock(handover: Handover) -> Handover:
    locked = queries.lock_handover(handover.id)
    if not locked.is_open:
        raise HandoverOver()
    return locked


def _lock_item(item: HandoverItem) -> tuple[Handover, Course]:
    """Lock the handover of an item and return both as they are now; the item is still to be handed over."""
    handover = _lock(item.handover)
    course = next(each for each in synchronise(handover) if each.item.id == item.id)
    if course.item.gone_at is not None:
        raise ItemGone()
    return handover, course


def _stages(course: Course) -> list[Stage]:
    return [each.stage for each in course.own_evidence]


def _check_not_accepted(course: Course) -> None:
    if course.decision is not None and course.decision.decision is Decision.ACCEPTED:
        raise AcceptedMeanwhile()


def _check_hers(course: Course, by: Person) -> None:
    """Refuse who is not to take the item over now: another, or who has refused it."""
    if course.successor is not None and course.successor.id != by.id:
        raise OtherSuccessor(name=course.successor.names)
    state = state_of(course, is_gone=False, has_card=True)
    if course.successor is None or not by.is_active or state is ItemState.REFUSED:
        raise NotHers()
