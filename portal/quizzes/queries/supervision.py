"""What those ask the database who look after a quiz while it is sat: who is where, what came too late."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import contains_eager, joinedload, lazyload

from portal.accounts.models import Accommodation, Person
from portal.cohorts.permissions import Reach
from portal.cohorts.queries import people_of_markets_and_teams
from portal.core.codes import normalise
from portal.core.db import session
from portal.organisation.models import Market, Team
from portal.quizzes.errors import NoSuchLateAnswer
from portal.quizzes.models import Attempt, AttemptState, Item, RefusedAnswer, Response, VoidRequest

# So many people are shown at once; an exam that is larger is watched market by market.
MOST_PEOPLE = 500


@dataclass(frozen=True, slots=True)
class Seat:
    """Where one person is with a quiz: her newest attempt, and when its last answer was saved."""

    person: Person
    attempt: Attempt | None
    last_saved_at: datetime | None
    # To how many questions an answer came too late about which nobody has decided.
    late: int = 0


def list_refused(attempt: Attempt) -> list[RefusedAnswer]:
    """Return the answers to an attempt that came too late, oldest first."""
    return list(
        session.scalars(
            select(RefusedAnswer)
            .where(RefusedAnswer.attempt_id == attempt.id)
            .order_by(RefusedAnswer.received_at, RefusedAnswer.id)
            .options(joinedload(RefusedAnswer.item, innerjoin=True))
        )
    )


@dataclass(frozen=True, slots=True)
class LateAnswers:
    """An attempt of which answers came too late, and to how many questions."""

    attempt: Attempt
    questions: int


# Nobody has accepted or declined it, and nothing newer is stored for its question.
_UNDECIDED = and_(
    RefusedAnswer.accepted_at.is_(None),
    RefusedAnswer.declined_at.is_(None),
    or_(Response.item_id.is_(None), Response.seq < RefusedAnswer.seq),
)


def count_late(attempt_ids: Collection[int]) -> dict[int, int]:
    """Return attempt → to how many of its questions an answer came too late about which nobody has decided."""
    rows = session.execute(
        select(RefusedAnswer.attempt_id, func.count(RefusedAnswer.item_id.distinct()))
        .outerjoin(Response, Response.item_id == RefusedAnswer.item_id)
        .where(RefusedAnswer.attempt_id.in_(attempt_ids), _UNDECIDED)
        .group_by(RefusedAnswer.attempt_id)
    )
    return {row[0]: row[1] for row in rows}


def list_late(reach: Reach, *, besides: Person) -> list[LateAnswers]:
    """Return the attempts within reach that have late answers about which somebody can still decide, the newest first.

    Those of a result that is out are left out, and of a void attempt: nothing about them can be decided any more.
    """
    late = (
        select(RefusedAnswer.attempt_id, func.count(RefusedAnswer.item_id.distinct()).label("questions"))
        .outerjoin(Response, Response.item_id == RefusedAnswer.item_id)
        .join(Attempt, Attempt.id == RefusedAnswer.attempt_id)
        .where(
            _UNDECIDED,
            Attempt.state.in_((AttemptState.IN_PROGRESS, AttemptState.SUBMITTED, AttemptState.MARKED)),
        )
        .group_by(RefusedAnswer.attempt_id)
        .subquery()
    )
    rows = session.execute(
        select(Attempt, late.c.questions)
        .join(late, late.c.attempt_id == Attempt.id)
        .join(Person, Person.id == Attempt.person_id)
        .where(Person.id != besides.id, Person.deactivated_at.is_(None), people_of_markets_and_teams(reach))
        .order_by(Attempt.id.desc())
        .options(contains_eager(Attempt.person), joinedload(Attempt.quiz_version, innerjoin=True))
    )
    return [LateAnswers(row[0], row[1]) for row in rows]


def find_open_void(attempt: Attempt) -> VoidRequest | None:
    """Return what waits for a second person about this attempt, or None."""
    return session.scalar(
        select(VoidRequest)
        .where(VoidRequest.attempt_id == attempt.id, VoidRequest.decided_at.is_(None))
        .execution_options(populate_existing=True)
    )


def list_voids_of(codes: Collection[str]) -> list[VoidRequest]:
    """Return the requests to make an attempt void that have one of these codes, with their attempts and people."""
    return list(
        session.scalars(
            select(VoidRequest)
            .where(VoidRequest.code.in_(codes))
            .order_by(VoidRequest.id)
            .options(
                joinedload(VoidRequest.attempt, innerjoin=True).options(
                    joinedload(Attempt.person, innerjoin=True), joinedload(Attempt.quiz_version, innerjoin=True)
                )
            )
        )
    )


def list_decided_voids(attempt: Attempt) -> list[VoidRequest]:
    """Return what two people decided, or one took back, about making an attempt void, in order."""
    return list(
        session.scalars(
            select(VoidRequest)
            .where(VoidRequest.attempt_id == attempt.id, VoidRequest.decided_at.is_not(None))
            .order_by(VoidRequest.id)
        )
    )


def list_void_reasons(attempt_ids: Collection[int]) -> dict[int, str]:
    """Return attempt → why two people made it void, for those of which they did."""
    rows = session.execute(
        select(VoidRequest.attempt_id, VoidRequest.reason).where(
            VoidRequest.attempt_id.in_(attempt_ids), VoidRequest.is_confirmed.is_(True)
        )
    )
    return {row[0]: row[1] for row in rows}


def list_open_voids(reach: Reach, *, besides: Person) -> list[VoidRequest]:
    """Return what waits for a second person about attempts within reach, oldest first; one's own requests left out."""
    return list(
        session.scalars(
            select(VoidRequest)
            .join(Attempt, Attempt.id == VoidRequest.attempt_id)
            .join(Person, Person.id == Attempt.person_id)
            .where(
                VoidRequest.decided_at.is_(None),
                VoidRequest.asked_by != besides.code,
                Person.id != besides.id,
                people_of_markets_and_teams(reach),
            )
            .order_by(VoidRequest.id)
            .options(
                contains_eager(VoidRequest.attempt).options(
                    contains_eager(Attempt.person), joinedload(Attempt.quiz_version, innerjoin=True)
                )
            )
        )
    )


def list_refused_of(item_id: int) -> list[RefusedAnswer]:
    """Return the late answers to one question of an attempt."""
    return list(
        session.scalars(select(RefusedAnswer).where(RefusedAnswer.item_id == item_id).order_by(RefusedAnswer.id))
    )


def get_refused(attempt: Attempt, code: str) -> RefusedAnswer:
    """Return a late answer of this very attempt as it stands now. Raises `NoSuchLateAnswer`."""
    found = session.scalars(
        select(RefusedAnswer)
        .where(RefusedAnswer.attempt_id == attempt.id, RefusedAnswer.code == normalise(code))
        .execution_options(populate_existing=True)
    ).one_or_none()
    if found is None:
        raise NoSuchLateAnswer()
    return found


def find_last_saves(attempt_ids: Collection[int]) -> dict[int, datetime]:
    """Return attempt → when its newest answer was received, for those that have one."""
    rows = session.execute(
        select(Item.attempt_id, func.max(Response.received_at))
        .join(Response, Response.item_id == Item.id)
        .where(Item.attempt_id.in_(attempt_ids))
        .group_by(Item.attempt_id)
    )
    return {row[0]: row[1] for row in rows}


def has_taker_within(quiz_id: int, reach: Reach) -> bool:
    """Say whether somebody within reach has begun an attempt at a quiz. Markets and teams are those of the person."""
    found = select(Attempt.id).where(Attempt.quiz_id == quiz_id)
    if not reach.everywhere:
        found = found.join(Person, Person.id == Attempt.person_id).where(
            or_(
                Person.home_market_id.in_(select(Market.id).where(Market.code.in_(reach.markets))),
                Person.team_id.in_(select(Team.id).where(Team.code.in_(reach.teams))),
            )
        )
    return session.scalar(found.limit(1)) is not None


def list_seats(
    quiz_id: int, *, reach: Reach, expected: Collection[int], since: datetime, besides: Person
) -> list[Seat]:
    """Return where those within reach are with a quiz, by name: whoever sits it or began since then, or is expected.

    Markets and teams are those of the person. Five statements, however many people there are.
    """
    newest = (
        select(Attempt.person_id, func.max(Attempt.attempt_no).label("attempt_no"))
        .where(Attempt.quiz_id == quiz_id)
        .group_by(Attempt.person_id)
        .subquery()
    )
    attempts = {
        attempt.person_id: attempt
        for attempt in session.scalars(
            select(Attempt)
            .join(newest, (newest.c.person_id == Attempt.person_id) & (newest.c.attempt_no == Attempt.attempt_no))
            .where(
                Attempt.quiz_id == quiz_id,
                or_(Attempt.state == AttemptState.IN_PROGRESS, Attempt.started_at >= since),
            )
            .options(lazyload(Attempt.quiz_version))
        )
    }
    people = (
        select(Person)
        .where(
            Person.id.in_(set(attempts) | set(expected)),
            Person.id != besides.id,
            Person.deactivated_at.is_(None),
            people_of_markets_and_teams(reach),
        )
        .order_by(Person.sort_key, Person.id)
        .limit(MOST_PEOPLE)
        .options(lazyload(Person.home_market), lazyload(Person.team))
    )
    ids = [attempt.id for attempt in attempts.values()]
    saves, late = find_last_saves(ids), count_late(ids)
    return [
        Seat(person, attempt, saves.get(attempt.id), late.get(attempt.id, 0)) if attempt else Seat(person, None, None)
        for person in session.scalars(people)
        for attempt in [attempts.get(person.id)]
    ]


def list_running_ids_of(person_id: int) -> list[int]:
    """Return the attempts of a person that are in progress."""
    return list(
        session.scalars(
            select(Attempt.id)
            .where(Attempt.person_id == person_id, Attempt.state == AttemptState.IN_PROGRESS)
            .order_by(Attempt.id)
        )
    )


def list_accommodated_ids(now: datetime, limit: int = 500) -> list[int]:
    """Return the attempts in progress of people for whom something was agreed, whether it holds today or not."""
    agreed = select(Accommodation.person_id).where(Accommodation.ended_at.is_(None))
    return list(
        session.scalars(
            select(Attempt.id)
            .where(Attempt.state == AttemptState.IN_PROGRESS, Attempt.deadline_at >= now, Attempt.person_id.in_(agreed))
            .order_by(Attempt.deadline_at, Attempt.id)
            .limit(limit)
        )
    )
