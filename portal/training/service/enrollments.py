"""Enrolling people, and noting what they have completed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction

from sqlalchemy import select

from portal.accounts.models import Person
from portal.calendars import queries as calendars
from portal.calendars.errors import HolidayYearUnknown, unknown_years_refused
from portal.cohorts.models import Cohort
from portal.core import clock
from portal.core.codes import new_code
from portal.core.db import session
from portal.core.events import publish
from portal.core.i18n import gettext as _
from portal.core.mail import send_later
from portal.gradebook import queries as gradebook
from portal.gradebook.models import ScoreEntry
from portal.journal.service import record
from portal.library.rules.overlays import base_slug
from portal.organisation.models import Market
from portal.quizzes import queries as quizzes
from portal.training import queries, rules
from portal.training.errors import (
    AlreadyEnrolled,
    EventDatesMissing,
    EventOutOfBounds,
    NoSuchEvent,
    PersonInactive,
    PlanIsOver,
    ReasonMissing,
    StatementTooLong,
    ZoneUnknown,
)
from portal.training.events import ExemptStepDone, PlanCompleted
from portal.training.models import Enrollment, EventDate, PlanStep, PlanVersion, StepCompletion
from portal.training.queries import Earlier, catalogue, signing, step_results
from portal.training.rules import STATEMENT_LIMIT, Basis, Doer, EventDay, NotCounted, StepKind, StepState

# Farther away from the first day, and from today, it is a mistake in the year.
FARTHEST_EVENT = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What completed a step: the version read or acknowledged, the attempt and its score, or a decision by hand."""

    document_slug: str | None = None
    document_version: str | None = None
    acknowledgement_id: int | None = None
    attempt_code: str | None = None
    score: Fraction | None = None
    score_entry_id: int | None = None
    recognised_id: int | None = None


def enroll(
    *,
    person: Person,
    version: PlanVersion,
    starts_on: date,
    by: Person | None,
    market: Market | None = None,
    cohort: Cohort | None = None,
    mentor: Person | None = None,
    events: Mapping[str, date] | None = None,
    told_at: datetime | None = None,
) -> Enrollment:
    """Let the person follow this version of a plan from a day on, in a market's calendar.

    `by` None is the portal itself, for what recurs; days of events of her own are then none of its business.
    `mentor` is asked before others who mentor her cohort, while she mentors it too. The market is by default the
    cohort's, else the person's own. `events` are the days of the plan's events by
    their slug, for this person; where one is not named, the cohort's day counts. She is told at `told_at`, by default
    at once. What she acknowledged before
    counts where that version is still in force; an exemption from a quiz counts. Quizzes passed and steps signed off
    before count where the plan recognises what is of that age. Raises
    `AlreadyEnrolled`, `PersonInactive`, `ZoneUnknown`, `EventDatesMissing`, `EventOutOfBounds`, `NoSuchEvent`, and
    `HolidayYearUnknown` where a step would fall into a year without a holiday table.
    """
    market = market or (cohort.market if cohort else person.home_market)
    if not person.is_active:
        raise PersonInactive(name=person.names)
    if not clock.is_zone(market.time_zone):
        raise ZoneUnknown(zone=market.time_zone, market=market.code)
    if queries.find_open_enrollment(person.id, version.plan_id) is not None:
        raise AlreadyEnrolled(name=person.names)
    days = days_of_events(version, starts_on=starts_on, cohort=cohort, given=events or {})
    with unknown_years_refused():
        calendar = calendars.working_calendar(market, person.id)
        rules.schedule([step.shape for step in version.steps], Basis(starts_on, events=tuple(days.items())), calendar)
    enrollment = Enrollment(
        code=new_code(),
        person=person,
        plan_id=version.plan_id,
        version=version,
        market=market,
        cohort=cohort,
        mentor_id=mentor.id if mentor else None,
        starts_on=starts_on,
        enrolled_at=clock.now(),
        enrolled_by=by.code if by else "system",
    )
    session.add(enrollment)
    session.flush()
    for slug, day in days.items():
        if by is not None and not day.is_of_cohort:
            session.add(
                EventDate(
                    plan_id=version.plan_id,
                    event_slug=slug,
                    enrollment_id=enrollment.id,
                    takes_place_on=day.on,
                    by=by,
                    at=enrollment.enrolled_at,
                )
            )
    session.flush()
    record(
        "training.enrolled",
        by=by,
        subject=("enrollment", enrollment.code),
        after={
            "person": person.code,
            "plan": version.plan.slug,
            "version": version.number,
            "market": market.code,
            "cohort": cohort.code if cohort else None,
            "starts_on": starts_on.isoformat(),
        },
    )
    send_later(
        "training.plan_started",
        {"code": enrollment.code},
        effect_key=f"plan_started:{enrollment.code}",
        not_before=told_at,
    )
    _recognise(enrollment)
    tell_of_waiting(enrollment)
    return enrollment


def days_of_events(
    version: PlanVersion, *, starts_on: date, cohort: Cohort | None, given: Mapping[str, date]
) -> dict[str, EventDay]:
    """Return the day of each event of a plan version by its slug: the one given, else that of the cohort.

    A day given that is the cohort's own follows the cohort. Raises `EventDatesMissing`, `EventOutOfBounds`,
    `NoSuchEvent`.
    """
    titles = {event.slug: event.title for event in version.events}
    if given.keys() - titles.keys():
        raise NoSuchEvent()
    known = queries.list_event_days(cohort, version.plan_id) if cohort is not None and titles else {}
    days: dict[str, EventDay] = {}
    for slug, title in titles.items():
        on, of_cohort = given.get(slug), known.get(slug)
        if on is not None and (of_cohort is None or of_cohort.on != on):
            if abs(on - starts_on) > FARTHEST_EVENT:
                raise EventOutOfBounds(event=title)
            days[slug] = EventDay(on)
        elif of_cohort is not None:
            days[slug] = of_cohort
    missing = [title for slug, title in titles.items() if slug not in days]
    if missing:
        raise EventDatesMissing(events=str(_(", ")).join(str(_("“%(event)s”", event=title)) for title in missing))
    return days


def end_plan(*, enrollment: Enrollment, reason: str, by: Person) -> None:
    """End a learner's plan before it is completed; what was done stays, and she may be enrolled again.

    She is told, with the reason. Raises `PlanIsOver`, `ReasonMissing`, `StatementTooLong`.
    """
    lock(enrollment)
    said = checked_reason(reason)
    if not enrollment.is_open:
        raise PlanIsOver()
    enrollment.ended_at, enrollment.ended_by, enrollment.ended_reason = clock.now(), by.code, said
    session.flush()
    # The reason stays with the training: it is about a person, the journal about acts.
    record("training.ended", by=by, subject=("enrollment", enrollment.code), after={"person": enrollment.person.code})
    send_later("training.plan_ended", {"code": enrollment.code}, effect_key=f"plan_ended:{enrollment.code}")


def checked_reason(reason: str) -> str:
    """Return a reason without the blanks around it. Raises `ReasonMissing`, `StatementTooLong`."""
    said = reason.strip()
    if not said:
        raise ReasonMissing()
    if len(said) > STATEMENT_LIMIT:
        raise StatementTooLong(length=len(said), limit=STATEMENT_LIMIT)
    return said


def note_document(
    *,
    person_id: int,
    document_slug: str,
    version_id: int,
    acknowledgement_id: int | None = None,
) -> None:
    """Complete the steps that ask to read (and, with an acknowledgement, to acknowledge) this version.

    `document_slug` is that of the version; what a market does otherwise counts for the step of its base, in an
    enrollment in that market. Only the version in force for the enrollment's market counts. A step whose prerequisites
    are not done yet is completed all the same: they order what is offered, and nobody repeats a statement that she has
    made.
    """
    kinds = [StepKind.READ] if acknowledgement_id is None else [StepKind.READ, StepKind.ACKNOWLEDGE]
    asked_for = base_slug(document_slug)
    for enrollment, step in queries.list_unfinished_steps(person_id, kinds, asked_for):
        in_force = catalogue.find_version_in_force(asked_for, enrollment.market)
        if in_force is not None and in_force.id == version_id:
            evidence = Evidence(
                document_slug=in_force.document.slug,
                document_version=in_force.number,
                acknowledgement_id=acknowledgement_id,
            )
            complete_step(enrollment=enrollment, step=step, at=clock.now(), evidence=evidence)


def note_result(*, person_id: int, quiz_slug: str, at: datetime) -> None:
    """Complete the steps that ask for this quiz, if what counts since the enrollment passes or exempts.

    What is completed stays so: whatever counts later takes nothing back.
    """
    for enrollment, step in queries.list_unfinished_steps(person_id, [StepKind.QUIZ], quiz_slug):
        result = gradebook.result_since(person_id, quizzes.get_quiz(quiz_slug), enrollment.enrolled_at)
        if result.is_done and result.line is not None:
            complete_step(enrollment=enrollment, step=step, at=at, evidence=evidence_of_line(result.line))
    tell_of_gates(person_id=person_id, quiz_slug=quiz_slug)


def evidence_of_line(line: ScoreEntry) -> Evidence:
    """Return what of the gradebook completes a step."""
    if line.attempt is not None:
        return Evidence(attempt_code=line.attempt.code, score=line.score)
    return Evidence(score=line.score, score_entry_id=line.id)


def complete_step(*, enrollment: Enrollment, step: PlanStep, at: datetime, evidence: Evidence) -> StepCompletion | None:
    """Note that the learner completed the step; None where that is known already.

    With the last required step the plan is complete, which is said once. Where the learner goes on in another version
    of the plan by now, it is noted there, unless something else is asked there.
    """
    lock(enrollment)
    while enrollment.ended_at is not None and (later := queries.find_successor(enrollment)) is not None:
        lock(later)
        same = next((each for each in later.version.steps if each.slug == step.slug), None)
        if same is None or rules.differences(step.terms, same.terms):
            break
        enrollment, step = later, same
    way = queries.way_of(enrollment)
    if step.slug in way.done:
        return None
    now = clock.now()
    completion = StepCompletion(
        enrollment_id=enrollment.id,
        step_id=step.id,
        completed_at=at,
        recorded_at=now,
        due_on=_due_on(enrollment, step),
        document_slug=evidence.document_slug,
        document_version=evidence.document_version,
        acknowledgement_id=evidence.acknowledgement_id,
        attempt_code=evidence.attempt_code,
        score=evidence.score,
        score_entry_id=evidence.score_entry_id,
        recognised_id=evidence.recognised_id,
    )
    session.add(completion)
    session.flush()
    record(
        "training.step_completed",
        by=None,
        subject=("enrollment", enrollment.code),
        after={"step": step.slug, "person": enrollment.person.code},
    )
    if enrollment.is_open and rules.is_complete(way.steps.values(), {*way.done, step.slug}, way.exempt):
        complete_plan(enrollment, now)
    else:
        tell_of_waiting(enrollment)
    if step.slug in way.exempt and enrollment.completed_at is not None:
        publish(ExemptStepDone(enrollment_code=enrollment.code))
    return completion


def complete_plan(enrollment: Enrollment, now: datetime) -> None:
    """Note that every required step is done, or need not be, and say so."""
    enrollment.completed_at = now
    session.flush()
    record("training.plan_completed", by=None, subject=("enrollment", enrollment.code))
    publish(
        PlanCompleted(
            enrollment_id=enrollment.id,
            enrollment_code=enrollment.code,
            person_id=enrollment.person_id,
            plan_id=enrollment.plan_id,
            plan_slug=enrollment.version.plan.slug,
            plan_version_id=enrollment.plan_version_id,
            completed_at=now,
        )
    )


def lock(enrollment: Enrollment) -> None:
    """Let two last steps of one plan come one after the other, so that one of them sees both.

    The enrollment is as it is then: only a row that is fetched is read anew.
    """
    session.scalars(
        select(Enrollment)
        .where(Enrollment.id == enrollment.id)
        .with_for_update(of=Enrollment)
        .execution_options(populate_existing=True)
    ).one()


def _due_on(enrollment: Enrollment, step: PlanStep) -> date | None:
    # A missing holiday table must not keep a learner from completing what she has done.
    try:
        return queries.standing_of(enrollment).due_on(step.slug)
    except HolidayYearUnknown:
        return None


@dataclass(frozen=True, slots=True)
class Recognition:
    """What somebody did about a step before a plan: when, and why it does not count; None where it counts."""

    step: PlanStep
    earlier: Earlier
    why_not: NotCounted | None


def recognition_of(
    *, person: Person, version: PlanVersion, market: Market, at: datetime, besides: Collection[str] = ()
) -> list[Recognition]:
    """Return what the person did about the steps of a plan before an instant, and whether it counts, in their order.

    `besides` are the slugs of steps that are left out.
    """
    return recognitions_of(person_ids=[person.id], version=version, market=market, at=at, besides=besides).get(
        person.id, []
    )


def recognitions_of(
    *, person_ids: Collection[int], version: PlanVersion, market: Market, at: datetime, besides: Collection[str] = ()
) -> dict[int, list[Recognition]]:
    """Return `recognition_of` each of these people by her row, in a number of statements that does not grow with them.

    Whoever did nothing about the plan is left out.
    """
    steps = [step for step in version.steps if step.slug not in besides]
    return {
        person_id: [
            Recognition(
                step,
                earlier,
                rules.why_not_counted(step.kind, step.recognise_days, at - earlier.at, in_force=earlier.in_force),
            )
            for step in steps
            if (earlier := found.get(step.slug)) is not None
        ]
        for person_id, found in queries.find_earlier(person_ids, steps, version.plan_id, market, at).items()
    }


def _recognise(enrollment: Enrollment) -> None:
    """Complete what the learner had done before, as far as the plan lets it count (`rules.why_not_counted`).

    Quizzes from which she is exempt are done, too.
    """
    _recognise_exemptions(enrollment)
    for each in recognition_of(
        person=enrollment.person, version=enrollment.version, market=enrollment.market, at=enrollment.enrolled_at
    ):
        if each.why_not is None:
            evidence = evidence_of_earlier(each.earlier)
            complete_step(enrollment=enrollment, step=each.step, at=each.earlier.at, evidence=evidence)


def evidence_of_earlier(earlier: Earlier) -> Evidence:
    """Return what of before completes a step."""
    if earlier.score_entry is not None:
        return evidence_of_line(earlier.score_entry)
    if earlier.completion is not None:
        return Evidence(recognised_id=earlier.completion.id)
    return Evidence(
        document_slug=earlier.document_slug,
        document_version=earlier.document_version,
        acknowledgement_id=earlier.acknowledgement_id,
    )


def _recognise_exemptions(enrollment: Enrollment) -> None:
    steps = [step for step in enrollment.version.steps if step.quiz_slug is not None]
    exempt = gradebook.find_exemptions(enrollment.person_id, {step.quiz_slug or "" for step in steps})
    for step in steps:
        line = exempt.get(step.quiz_slug or "")
        if line is not None:
            complete_step(enrollment=enrollment, step=step, at=line.at, evidence=evidence_of_line(line))


def tell_of_waiting(enrollment: Enrollment) -> None:
    """Owe a mail to each who can sign off a step that has begun to wait; each is told once a turn."""
    for step in enrollment.version.steps:
        if step.by is not Doer.LEARNER and queries.state_of(enrollment, step) is StepState.WAITING:
            tell_who_signs_off(enrollment, step)


def tell_who_signs_off(enrollment: Enrollment, step: PlanStep) -> None:
    """Owe a mail to those who can sign off this step, once a turn.

    Of sessions that are to be planned it is said once for a step of a cohort, not for everybody in it.
    """
    if step.kind is StepKind.SESSION and enrollment.cohort is not None:
        about = f"{enrollment.cohort.code}:{enrollment.plan_id}:{step.slug}"
    else:
        turn = len(queries.list_sign_offs(enrollment, step))
        if step.kind is StepKind.TASK:
            turn += len(step_results.list_evidence(enrollment, step))
        about = f"{enrollment.lasting_code}:{step.slug}:{turn}"
    for signer in signing.list_signers(enrollment, step):
        send_later(
            "training.sign_off_waiting",
            {"code": enrollment.code, "step": step.slug, "to": signer.code},
            effect_key=f"sign_off_waiting:{about}:{signer.code}",
        )


def tell_of_gates(*, person_id: int, quiz_slug: str) -> None:
    """Owe a mail to those who can sign off a gate that a new result of its quizzes has let the learner reach."""
    for enrollment in queries.list_enrollments_before_gates(person_id, quiz_slug):
        tell_of_waiting(enrollment)
