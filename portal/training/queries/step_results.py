"""Reading what people did for tasks, sessions and gates."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from typing import NamedTuple

from sqlalchemy import and_, bindparam, case, exists, func, select, union_all

from portal.core import clock
from portal.core.db import UtcDateTime, session
from portal.core.i18n import LazyText
from portal.core.i18n import lazy_gettext as _l
from portal.gradebook import queries as gradebook
from portal.gradebook.models import ScoreEntry
from portal.gradebook.rules import Result
from portal.organisation.models import Market
from portal.quizzes import queries as quizzes
from portal.quizzes.models import Attempt, Item, ItemMark, Marking, QuizVersion
from portal.training import rules
from portal.training.errors import NoSuchEvidence
from portal.training.models import Attendance, Enrollment, LiveSession, PlanStep, SessionSeat, SessionTime, TaskEvidence
from portal.training.rules import GateFigures, Presence, QuizInGate, StepKind


class Follower(NamedTuple):
    """An enrollment as far as what its learner does is concerned: its row, hers, since when, the steps asked about."""

    id: int
    person_id: int
    enrolled_at: datetime
    steps: Sequence[PlanStep]


class Results(NamedTuple):
    """What counts of quizzes since each learner was enrolled, by (person, quiz), and the quizzes by their slugs."""

    versions: Mapping[str, QuizVersion]
    found: Mapping[tuple[int, int], Result[ScoreEntry]]


@dataclass(frozen=True, slots=True)
class HandedIn:
    """What was handed in for a task, without the bytes of its file."""

    number: int
    at: datetime
    said: str
    link: str
    file_name: str | None
    size: int | None


@dataclass(frozen=True, slots=True)
class Seat:
    """A session at which a learner is or was expected, and what is recorded of it. Times are of the zone."""

    code: str
    starts_at: datetime
    ends_at: datetime
    place: str
    link: str
    zone: str
    is_cancelled: bool
    presence: Presence | None
    recorded_at: datetime | None
    # When the seat was given, or the session last moved or cancelled, or attendance recorded: the latest of these.
    changed_at: datetime
    # Her training ended before it began: nobody expects her there.
    is_left: bool = False

    @property
    def on(self) -> date:
        """The day of the session, in its zone."""
        return clock.local_date(self.starts_at, self.zone)

    @property
    def hours(self) -> LazyText:
        """From when until when it is, in its zone: it begins and ends on one day."""
        zone = clock.zone_info(self.zone)
        starts, ends = self.starts_at.astimezone(zone), self.ends_at.astimezone(zone)
        return _l("%(start)s–%(end)s", start=f"{starts:%H:%M}", end=f"{ends:%H:%M}")

    @property
    def is_open(self) -> bool:
        """Whether it still counts: not cancelled nor left, and nobody has said yet whether she came."""
        return not self.is_cancelled and not self.is_left and self.presence is None

    @property
    def is_awaited(self) -> bool:
        """Whether it is not over, so that going there is what the learner does next."""
        return self.is_open and self.ends_at > clock.now()


@dataclass(frozen=True, slots=True)
class Doings:
    """What learners did for tasks, sessions and gates, by enrollment and step (sessions: its slug)."""

    handed_in: Mapping[tuple[int, int], Sequence[HandedIn]]
    seats: Mapping[tuple[int, str], Sequence[Seat]]
    gates: Mapping[tuple[int, int], GateFigures]

    def turns(self, enrollment_id: int, steps: Iterable[PlanStep]) -> set[str]:
        """Return the steps that are the learner's turn before anybody can complete them; see `rules.whose_turn`."""
        return {
            step.slug
            for step in steps
            if rules.whose_turn(
                step.kind,
                step.by,
                has_handed_in=(enrollment_id, step.id) in self.handed_in,
                is_awaited=any(each.is_awaited for each in self.seats.get((enrollment_id, step.slug), ())),
                is_reached=(enrollment_id, step.id) in self.gates and self.gates[enrollment_id, step.id].is_reached,
            )
        }


def open_seats(seats: Mapping[tuple[int, str], Sequence[Seat]]) -> dict[int, dict[str, Seat]]:
    """Return by enrollment and step's slug the first session that still counts; its day is what `rules.asked_by` takes.

    That is one at which she is expected, or was and nobody has said yet whether she came.
    """
    found: dict[int, dict[str, Seat]] = defaultdict(dict)
    for (enrollment_id, slug), mine in seats.items():
        if (seat := next((each for each in mine if each.is_open), None)) is not None:
            found[enrollment_id][slug] = seat
    return dict(found)


def session_days(seats: Mapping[tuple[int, str], Sequence[Seat]]) -> dict[int, dict[str, date]]:
    """Return by enrollment and step's slug the day of the session that decides by when the step is asked for.

    It is that at which the learner was, else the first that still counts: as `rules.asked_by` takes it.
    """
    found: dict[int, dict[str, date]] = defaultdict(dict)
    for (enrollment_id, slug), mine in seats.items():
        held = next((each for each in reversed(mine) if each.presence is Presence.PRESENT), None)
        seat = held or next((each for each in mine if each.is_open), None)
        if seat is not None:
            found[enrollment_id][slug] = seat.on
    return dict(found)


_HANDED_IN = (
    select(
        TaskEvidence.enrollment_id,
        TaskEvidence.step_id,
        TaskEvidence.number,
        TaskEvidence.at,
        TaskEvidence.said,
        TaskEvidence.link,
        TaskEvidence.file_name,
        TaskEvidence.size,
    )
    .where(TaskEvidence.enrollment_id.in_(bindparam("ids", expanding=True)))
    .order_by(TaskEvidence.enrollment_id, TaskEvidence.step_id, TaskEvidence.number)
)


last_time = (
    select(func.max(SessionTime.number))
    .where(SessionTime.session_id == LiveSession.id)
    .correlate(LiveSession)
    .scalar_subquery()
)


_last_attendance = (
    select(func.max(Attendance.id))
    .where(Attendance.session_id == SessionSeat.session_id, Attendance.enrollment_id == SessionSeat.enrollment_id)
    .correlate(SessionSeat)
    .scalar_subquery()
)


_SEATS = (
    select(
        SessionSeat.enrollment_id,
        PlanStep.slug,
        LiveSession.code,
        SessionTime.starts_at,
        SessionTime.ends_at,
        SessionTime.place,
        SessionTime.link,
        Market.time_zone,
        LiveSession.cancelled_at,
        Attendance.presence,
        Attendance.at,
        SessionSeat.at,
        SessionTime.at,
        Enrollment.ended_at,
    )
    .select_from(SessionSeat)
    .join(Enrollment, Enrollment.id == SessionSeat.enrollment_id)
    .join(LiveSession, LiveSession.id == SessionSeat.session_id)
    .join(PlanStep, PlanStep.id == LiveSession.step_id)
    .join(Market, Market.id == LiveSession.market_id)
    .join(SessionTime, and_(SessionTime.session_id == LiveSession.id, SessionTime.number == last_time))
    .outerjoin(Attendance, Attendance.id == _last_attendance)
    .where(SessionSeat.enrollment_id.in_(bindparam("ids", expanding=True)))
    .order_by(SessionTime.starts_at, SessionSeat.id)
)


# Of tasks and sessions no more than whose turn they are: for what something was handed in, who is expected where.
_IN_HAND = union_all(
    select(TaskEvidence.enrollment_id, PlanStep.slug)
    .join(PlanStep, PlanStep.id == TaskEvidence.step_id)
    .where(TaskEvidence.enrollment_id.in_(bindparam("ids", expanding=True)))
    .distinct(),
    select(SessionSeat.enrollment_id, PlanStep.slug)
    .select_from(SessionSeat)
    .join(LiveSession, LiveSession.id == SessionSeat.session_id)
    .join(PlanStep, PlanStep.id == LiveSession.step_id)
    .join(SessionTime, and_(SessionTime.session_id == LiveSession.id, SessionTime.number == last_time))
    .where(
        SessionSeat.enrollment_id.in_(bindparam("ids", expanding=True)),
        LiveSession.cancelled_at.is_(None),
        SessionTime.ends_at > bindparam("now", type_=UtcDateTime()),
        ~exists().where(
            Attendance.session_id == SessionSeat.session_id, Attendance.enrollment_id == SessionSeat.enrollment_id
        ),
    ),
)
_TAKES_TURNS = (StepKind.TASK, StepKind.SESSION, StepKind.GATE)


def turns_of(followers: Sequence[Follower], known: Results | None = None) -> dict[int, set[str]]:
    """Return by enrollment the steps that are the learner's turn; as `Doings.turns`, without what she did for them.

    One statement for tasks and sessions, and for gates what `doings_of` asks; `known` are results of quizzes that
    were read before.
    """
    taking = {id(each.steps): [step for step in each.steps if step.kind in _TAKES_TURNS] for each in followers}
    concerned = [each for each in followers if taking[id(each.steps)]]
    if not concerned:
        return {}
    kinds = {step.kind for steps in taking.values() for step in steps}
    in_hand: set[tuple[int, str]] = set()
    if kinds & {StepKind.TASK, StepKind.SESSION}:
        rows = session.execute(_IN_HAND, {"ids": [each.id for each in concerned], "now": clock.now()})
        in_hand = {(row[0], row[1]) for row in rows}
    gates = _gates_of(concerned, known) if StepKind.GATE in kinds else {}
    return {
        each.id: {
            step.slug
            for step in taking[id(each.steps)]
            if rules.whose_turn(
                step.kind,
                step.by,
                has_handed_in=(each.id, step.slug) in in_hand,
                is_awaited=(each.id, step.slug) in in_hand,
                is_reached=(each.id, step.id) in gates and gates[each.id, step.id].is_reached,
            )
        }
        for each in concerned
    }


def doings_of(followers: Sequence[Follower]) -> Doings:
    """Return what these learners did for the tasks, sessions and gates among the steps asked about.

    In a number of statements that does not grow with them: one for tasks, one for sessions, four for gates, and none
    where there are no such steps.
    """
    with_kind = {
        kind: [each for each in followers if any(step.kind is kind for step in each.steps)]
        for kind in (StepKind.TASK, StepKind.SESSION, StepKind.GATE)
    }
    handed_in: dict[tuple[int, int], list[HandedIn]] = defaultdict(list)
    if with_kind[StepKind.TASK]:
        for row in session.execute(_HANDED_IN, {"ids": [each.id for each in with_kind[StepKind.TASK]]}):
            handed_in[row[0], row[1]].append(HandedIn(*row[2:]))
    sitting = with_kind[StepKind.SESSION]
    seats = seats_of([each.id for each in sitting]) if sitting else {}
    return Doings(dict(handed_in), seats, _gates_of(with_kind[StepKind.GATE]))


def seats_of(enrollment_ids: Sequence[int]) -> dict[tuple[int, str], list[Seat]]:
    """Return by enrollment and step's slug the sessions at which she is or was expected, the earliest first."""
    seats: dict[tuple[int, str], list[Seat]] = defaultdict(list)
    for seat in session.execute(_SEATS, {"ids": list(enrollment_ids)}):
        changed_at = max(seat[11], seat[12], seat[8] or seat[11], seat[10] or seat[11])
        is_left = rules.has_left(seat[13], seat[3])
        seats[seat[0], seat[1]].append(Seat(*seat[2:8], seat[8] is not None, seat[9], seat[10], changed_at, is_left))
    return dict(seats)


def _gates_of(followers: Sequence[Follower], known: Results | None = None) -> dict[tuple[int, int], GateFigures]:
    """Return the figures of every gate of these learners, from the attempts that count since they were enrolled.

    `known` serves where it is of all quizzes of the gates, and nobody follows two plans.
    """
    slugs = {name for each in followers for step in each.steps if step.gate is not None for name in step.gate.quizzes}
    if (
        known is not None
        and slugs <= known.versions.keys()
        and len({each.person_id for each in followers}) == len(followers)
    ):
        versions = {slug: known.versions[slug] for slug in slugs}
    else:
        known = None
        versions = {version.quiz.slug: version for version in quizzes.list_quizzes_of(slugs)} if slugs else {}
    found: dict[tuple[int, str], QuizInGate] = {}
    rest = list(followers)
    while rest:
        # What counts is asked for since one moment a person; who follows two plans with gates is asked for twice.
        now = {each.person_id: each for each in reversed(rest)}
        rest = [each for each in rest if now[each.person_id] is not each]
        results = (
            known.found
            if known is not None
            else gradebook.results_since(
                {person_id: each.enrolled_at for person_id, each in now.items()}, list(versions.values())
            )
        )
        for person_id, each in now.items():
            for slug, version in versions.items():
                result = results.get((person_id, version.quiz_id))
                attempt = result.line.attempt if result is not None and result.line is not None else None
                found[each.id, slug] = QuizInGate(
                    slug, result is not None and result.is_done, attempt=attempt.code if attempt is not None else None
                )
    scored = _scored_questions({each.attempt for each in found.values() if each.attempt is not None})
    return {
        (each.id, step.id): GateFigures(
            step.gate,
            tuple(
                QuizInGate(name, one.is_passed, *scored.get(one.attempt or "", (0, 0)), one.attempt)
                for name in step.gate.quizzes
                for one in (found.get((each.id, name)) or QuizInGate(name, is_passed=False),)
            ),
        )
        for each in followers
        for step in each.steps
        if step.gate is not None
    }


def _scored_questions(attempts: Collection[str]) -> dict[str, tuple[int, int]]:
    """Return attempt's code → how many of its scored questions earned all their points, and how many there are.

    Those on trial, and those that are worth nothing any more, are no scored questions.
    """
    if not attempts:
        return {}
    mine = select(Attempt.id).where(Attempt.code.in_(attempts))
    latest = select(func.max(Marking.id)).where(Marking.attempt_id.in_(mine)).group_by(Marking.attempt_id)
    rows = session.execute(
        select(
            Attempt.code,
            func.sum(case((ItemMark.points == ItemMark.max_points, 1), else_=0)),
            func.count(),
        )
        .select_from(ItemMark)
        .join(Marking, Marking.id == ItemMark.marking_id)
        .join(Attempt, Attempt.id == Marking.attempt_id)
        .join(Item, Item.id == ItemMark.item_id)
        .where(Marking.id.in_(latest), Item.on_trial.is_(None), ItemMark.max_points != Fraction(0))
        .group_by(Attempt.code)
    )
    return {row[0]: (int(row[1]), int(row[2])) for row in rows}


def gate_figures(enrollment: Enrollment, step: PlanStep) -> GateFigures:
    """Return how the learner stands before a gate now."""
    follower = Follower(enrollment.id, enrollment.person_id, enrollment.enrolled_at, [step])
    return _gates_of([follower])[enrollment.id, step.id]


def hides_scores(figures: GateFigures) -> bool:
    """Say whether a quiz does not show the learner the score on which the gate rests."""
    codes = [each.attempt for each in figures.quizzes if each.attempt is not None]
    if not codes:
        return False
    attempts = session.scalars(select(Attempt).where(Attempt.code.in_(codes)))
    return not all(each.quiz_version.shows_score for each in attempts)


def list_evidence(enrollment: Enrollment, step: PlanStep) -> list[TaskEvidence]:
    """Return what was handed in for a task, in order, without the bytes of files."""
    return list(
        session.scalars(
            select(TaskEvidence)
            .where(TaskEvidence.enrollment_id == enrollment.id, TaskEvidence.step_id == step.id)
            .order_by(TaskEvidence.number)
        )
    )


def get_evidence(enrollment: Enrollment, step: PlanStep, number: int) -> TaskEvidence:
    """Return what was handed in for a task under a number. Raises `NoSuchEvidence`."""
    found = session.scalar(
        select(TaskEvidence).where(
            TaskEvidence.enrollment_id == enrollment.id,
            TaskEvidence.step_id == step.id,
            TaskEvidence.number == number,
        )
    )
    if found is None:
        raise NoSuchEvidence()
    return found
