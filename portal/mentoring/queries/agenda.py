"""The facts of a training for a one-to-one talk: what happened since a day, what stands, and what comes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from fractions import Fraction

from sqlalchemy import String, and_, func, select, type_coerce
from sqlalchemy.orm import joinedload

from portal.accounts.models import Person
from portal.calendars.rules import days_ahead
from portal.core import clock
from portal.core.clock import local_date
from portal.core.db import session
from portal.core.i18n import Words
from portal.quizzes.models import (
    Attempt,
    AttemptState,
    Item,
    ItemMark,
    Marking,
    QuestionCitation,
    Quiz,
)
from portal.training import queries as training
from portal.training.models import Enrollment, PlanStep
from portal.training.queries import Change, Completed, Standing, signing
from portal.training.rules import NOT_ASKED, SignOffAct, StepState

# The talk looks so many working days ahead.
DAYS_AHEAD = 5


@dataclass(frozen=True, slots=True)
class Late:
    """A step that is overdue: whom it waits for, what was said when it was sent back, what comes first."""

    step: PlanStep
    due_on: date
    waits_for: Sequence[Person] = ()
    missing: Sequence[PlanStep] = ()
    sent_back: str = ""


@dataclass(frozen=True, slots=True)
class Try:
    """A try at a quiz that was released and not passed, as far as its learner may know of it.

    The score is None and the clauses are empty where the quiz does not show her as much.
    """

    quiz: str
    title: Words
    number: int
    released_at: datetime
    score: Fraction | None
    # (document, clause id) → heading, of what did not earn all its points.
    clauses: Sequence[tuple[str, str, Words]] = ()


@dataclass(frozen=True, slots=True)
class Awaited:
    """A step that waits for somebody else, since when, and for whom."""

    step: PlanStep
    since: datetime
    people: Sequence[Person]


@dataclass(frozen=True, slots=True)
class Facts:
    """What a talk is about; from `since` on, that day included."""

    standing: Standing
    since: date
    done: Sequence[tuple[PlanStep, Completed]]
    late: Sequence[Late]
    tries: Sequence[Try]
    changes: Sequence[Change]
    waiting: Sequence[Awaited]
    ahead: Sequence[tuple[date, PlanStep]]
    # Working days that are needed and left, where they do not suffice up to the end of the plan.
    short: tuple[int, int] | None = None
    sent_back: Sequence[PlanStep] = field(default_factory=tuple)


def facts_of(enrollment: Enrollment, since: date) -> Facts:
    """Return the facts of a training since a day, in the market's zone; the statements do not grow with the steps.

    Raises `HolidayYearUnknown`.
    """
    standing = training.standing_of(enrollment)
    zone = enrollment.market.time_zone
    signers = _Signers(enrollment)
    open_steps = [step for step in standing.steps if standing.statuses[step.slug].state not in NOT_ASKED]
    done = [
        (step, row)
        for step in standing.steps
        if (row := standing.completions.get(step.slug)) is not None and local_date(row.recorded_at, zone) >= since
    ]
    short = next((each for each in standing.feasibility() if each.event is None and not each.is_enough), None)
    return Facts(
        standing=standing,
        since=since,
        done=sorted(done, key=lambda each: (each[1].completed_at, each[0].position)),
        late=[_late(standing, step, signers) for step in open_steps if standing.statuses[step.slug].is_late],
        tries=_tries(enrollment, since),
        changes=[each for each in training.list_changes(enrollment) if local_date(each.at, zone) >= since],
        waiting=[
            Awaited(step, standing.waiting_since(step), signers.of(step))
            for step in open_steps
            if standing.statuses[step.slug].state is StepState.WAITING
        ],
        ahead=_ahead(standing, open_steps),
        short=(short.needed, short.left) if short is not None and enrollment.is_open else None,
        sent_back=[
            step
            for step in open_steps
            if standing.statuses[step.slug].state is StepState.OPEN and _sent_back(standing, step)
        ],
    )


class _Signers:
    """Who can sign off, looked up once for each kind of people who do."""

    def __init__(self, enrollment: Enrollment) -> None:
        self._enrollment = enrollment
        self._known: dict[object, Sequence[Person]] = {}

    def of(self, step: PlanStep) -> Sequence[Person]:
        """Return who can sign the step off."""
        if step.by not in self._known:
            self._known[step.by] = signing.list_signers(self._enrollment, step)
        return self._known[step.by]


def _late(standing: Standing, step: PlanStep, signers: _Signers) -> Late:
    status = standing.statuses[step.slug]
    by_slug = {each.slug: each for each in standing.steps}
    return Late(
        step=step,
        due_on=standing.asked_by(step.slug),
        waits_for=signers.of(step) if status.state is StepState.WAITING else (),
        missing=[by_slug[slug] for slug in status.missing],
        sent_back=_sent_back(standing, step) if status.state is StepState.OPEN else "",
    )


def _sent_back(standing: Standing, step: PlanStep) -> str:
    """Return what was said to be missing, where that is the last word."""
    said = standing.sign_offs.get(step.slug, ())
    return said[-1].statement if said and said[-1].act is SignOffAct.SENT_BACK else ""


def _ahead(standing: Standing, open_steps: Sequence[PlanStep]) -> list[tuple[date, PlanStep]]:
    """Return what is due on the next working days, today's among them, by day; a session on its own day."""
    days = days_ahead(standing.today, standing.calendar, DAYS_AHEAD)
    last = days[-1][0] if days else standing.today
    due = [(standing.day_for(step.slug), step) for step in open_steps]
    return sorted(
        ((on, step) for on, step in due if standing.today <= on <= last), key=lambda each: (each[0], each[1].position)
    )


def _tries(enrollment: Enrollment, since: date) -> list[Try]:
    """Return the released tries at the quizzes of the plan that were not passed, in two statements.

    What was voided, or marked again so that it passes, is none.
    """
    slugs = {step.quiz_slug for step in enrollment.version.steps if step.quiz_slug}
    if not slugs:
        return []
    begins = beginning_of(since, enrollment.market.time_zone)
    newest = (
        select(Marking.attempt_id, func.max(Marking.marking_no).label("newest"))
        .join(Attempt, Attempt.id == Marking.attempt_id)
        .where(Attempt.person_id == enrollment.person_id)
        .group_by(Marking.attempt_id)
        .subquery()
    )
    rows = session.execute(
        select(Attempt, Marking, Quiz.slug)
        .join(Quiz, Quiz.id == Attempt.quiz_id)
        .join(newest, newest.c.attempt_id == Attempt.id)
        .join(Marking, and_(Marking.attempt_id == Attempt.id, Marking.marking_no == newest.c.newest))
        .where(
            Attempt.person_id == enrollment.person_id,
            Attempt.state == AttemptState.RELEASED,
            Attempt.released_at >= begins,
            Quiz.slug.in_(slugs),
            Marking.passed.is_(False),
        )
        .options(joinedload(Attempt.quiz_version))
        .order_by(Attempt.released_at, Attempt.id)
    ).all()
    telling = [marking.id for attempt, marking, _slug in rows if "correctness" in attempt.quiz_version.show]
    missed = _missed(telling)
    return [
        Try(
            quiz=slug,
            title=attempt.quiz_version.title,
            number=attempt.attempt_no,
            released_at=attempt.released_at or attempt.started_at,
            score=marking.score if attempt.quiz_version.shows_score else None,
            clauses=missed.get(marking.id, ()),
        )
        for attempt, marking, slug in rows
    ]


def _missed(marking_ids: Sequence[int]) -> dict[int, list[tuple[str, str, Words]]]:
    """Return marking → the clauses that some question tested which did not earn all its points, each once."""
    if not marking_ids:
        return {}
    earned, most = type_coerce(ItemMark.points, String), type_coerce(ItemMark.max_points, String)
    rows = session.execute(
        select(ItemMark.marking_id, QuestionCitation.document_slug, QuestionCitation.anchor, QuestionCitation.title)
        .join(Item, and_(Item.id == ItemMark.item_id, Item.on_trial.is_not(True)))
        .join(
            QuestionCitation,
            and_(QuestionCitation.question_version_id == Item.question_version_id, QuestionCitation.tested.is_(True)),
        )
        .where(ItemMark.marking_id.in_(marking_ids), most != "0", earned != most)
        .order_by(ItemMark.marking_id, Item.position, QuestionCitation.id)
    )
    found: dict[int, dict[tuple[str, str], Words]] = defaultdict(dict)
    for marking_id, document, anchor, title in rows:
        found[marking_id].setdefault((document, anchor), title)
    return {
        key: [(document, anchor, title) for (document, anchor), title in each.items()] for key, each in found.items()
    }


def beginning_of(since: date, zone: str) -> datetime:
    """Return the instant at which a day begins in a zone."""
    return datetime.combine(since, time(), tzinfo=clock.zone_info(zone))
