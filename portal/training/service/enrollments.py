"""Enrolling people, and noting what they have completed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from itertools import product

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
from portal.core.mail import send_all_later, send_later
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
from portal.training.models import Enrollment, EventDate, PlanStep, PlanVersion, SignOff, StepCompletion
from portal.training.queries import Earlier, catalogue, signing
from portal.training.rules import STATEMENT_LIMIT, Basis, Doer, EventDay, NotCounted, StepKind, StepState
from portal.training.service.invitations import tell_all_of_plan, tell_of_plan
from portal.training.service.leaving import leave_sessions

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
    moved_from: Enrollment | None = None,
) -> Enrollment:
    """Let the person follow this version of a plan from a day on, in a market's calendar.

    `by` None is the portal itself, for what recurs; days of events of her own are then none of its business.
    `mentor` is asked before others who mentor her cohort, while she mentors it too. The market is by default the
    cohort's, else the person's own. `events` are the days of the plan's events by
    their slug, for this person; where one is not named, the cohort's day counts. She is told at `told_at`, by default
    at once; `moved_from` is the training in another plan after which she goes on in this one. What she acknowledged
    before counts where that version is still in force; an exemption from a quiz counts. Quizzes passed and steps signed
    off before count where the plan recognises what is of that age. Raises
    `AlreadyEnrolled`, `PersonInactive`, `ZoneUnknown`, `EventDatesMissing`, `EventOutOfBounds`, `NoSuchEvent`, and
    `HolidayYearUnknown` where a step would fall into a year without a holiday table.
    """
    market = market or (cohort.market if cohort else person.home_market)
    _check_can_begin(person, market)
    if queries.find_open_enrollment(person.id, version.plan_id) is not None:
        raise AlreadyEnrolled(name=person.names)
    days = days_of_events(version, starts_on=starts_on, cohort=cohort, given=events or {})
    with unknown_years_refused():
        calendar = calendars.working_calendar(market, person.id)
        rules.schedule([step.shape for step in version.steps], Basis(starts_on, events=tuple(days.items())), calendar)
    enrollment = _made(person, version, market, starts_on, by)
    enrollment.cohort = cohort
    enrollment.mentor_id = mentor.id if mentor else None
    enrollment.moved_from_id = moved_from.id if moved_from else None
    session.add(enrollment)
    session.flush()
    _set_own_events(enrollment, days, by)
    session.flush()
    _record_enrolled(enrollment, by)
    tell_of_plan(enrollment, told_at)
    _recognise([enrollment])
    tell_of_waiting(enrollment)
    return enrollment


def enroll_all(
    *,
    starts: Sequence[tuple[Person, date]],
    version: PlanVersion,
    by: Person | None,
    market: Market | None = None,
    cohort: Cohort | None = None,
    mentors: Mapping[int, Person] | None = None,
    events: Mapping[str, date] | None = None,
    told_at: Mapping[int, datetime | None] | None = None,
) -> list[Enrollment]:
    """Let people follow this version of a plan, each from her own day on; `mentors` and `told_at` are by their rows.

    As `enroll` one after the other, with statements that do not grow with the people, but for what is written.
    Where it raises for one of them, whoever asks goes back to before all of them.
    """
    if not starts:
        return []
    market = market or (cohort.market if cohort else None)
    days = {
        starts_on: days_of_events(version, starts_on=starts_on, cohort=cohort, given=events or {})
        for starts_on in {starts_on for _person, starts_on in starts}
    }
    following = {each.person_id for each in queries.list_open_in(version.plan_id, [each.id for each, _on in starts])}
    markets = {person.id: market or person.home_market for person, _on in starts}
    read = calendars.read_calendars(set(markets.values()), [each.id for each, _on in starts])
    shapes, countable = [step.shape for step in version.steps], set()
    for person, starts_on in starts:
        _check_can_begin(person, markets[person.id])
        if person.id in following:
            raise AlreadyEnrolled(name=person.names)
        calendar = read.of(markets[person.id].id, person.id)
        if (id(calendar), starts_on) not in countable:
            with unknown_years_refused():
                rules.schedule(shapes, Basis(starts_on, events=tuple(days[starts_on].items())), calendar)
            countable.add((id(calendar), starts_on))
    enrollments = [_made(person, version, markets[person.id], starts_on, by) for person, starts_on in starts]
    for enrollment in enrollments:
        mentor = (mentors or {}).get(enrollment.person.id)
        enrollment.cohort, enrollment.mentor_id = cohort, mentor.id if mentor else None
    session.add_all(enrollments)
    session.flush()
    for enrollment in enrollments:
        _set_own_events(enrollment, days[enrollment.starts_on], by)
    session.flush()
    for enrollment in enrollments:
        _record_enrolled(enrollment, by)
    tell_all_of_plan(enrollments, told_at or {})
    _recognise(enrollments)
    _tell_of_all_waiting(enrollments)
    return enrollments


def _set_own_events(enrollment: Enrollment, days: Mapping[str, EventDay], by: Person | None) -> None:
    """Note the days of events that are the learner's own."""
    if by is None:
        return
    session.add_all(
        EventDate(
            plan_id=enrollment.plan_id,
            event_slug=slug,
            enrollment_id=enrollment.id,
            takes_place_on=day.on,
            by=by,
            at=enrollment.enrolled_at,
        )
        for slug, day in days.items()
        if not day.is_of_cohort
    )


def _check_can_begin(person: Person, market: Market) -> None:
    if not person.is_active:
        raise PersonInactive(name=person.names)
    if not clock.is_zone(market.time_zone):
        raise ZoneUnknown(zone=market.time_zone, market=market.code)


def _made(person: Person, version: PlanVersion, market: Market, starts_on: date, by: Person | None) -> Enrollment:
    return Enrollment(
        code=new_code(),
        person=person,
        plan_id=version.plan_id,
        version=version,
        market=market,
        starts_on=starts_on,
        enrolled_at=clock.now(),
        enrolled_by=by.code if by else "system",
    )


def _record_enrolled(enrollment: Enrollment, by: Person | None) -> None:
    record(
        "training.enrolled",
        by=by,
        subject=("enrollment", enrollment.code),
        after={
            "person": enrollment.person.code,
            "plan": enrollment.version.plan.slug,
            "version": enrollment.version.number,
            "market": enrollment.market.code,
            "cohort": enrollment.cohort.code if enrollment.cohort else None,
            "starts_on": enrollment.starts_on.isoformat(),
        },
    )


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


def end_plan(*, enrollment: Enrollment, reason: str, by: Person, is_told: bool = True) -> None:
    """End a learner's plan before it is completed; what was done stays, and she may be enrolled again.

    She is told, with the reason, unless whoever asks tells her (`is_told`), and is expected at no session of the plan
    any more; those who planned one are told. Raises `PlanIsOver`,
    `ReasonMissing`, `StatementTooLong`.
    """
    lock(enrollment)
    said = checked_reason(reason)
    if not enrollment.is_open:
        raise PlanIsOver()
    enrollment.ended_at, enrollment.ended_by, enrollment.ended_reason = clock.now(), by.code, said
    session.flush()
    # The reason stays with the training: it is about a person, the journal about acts.
    record("training.ended", by=by, subject=("enrollment", enrollment.code), after={"person": enrollment.person.code})
    leave_sessions(enrollment=enrollment, by=by)
    if is_told:
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
        return queries.standing_of(enrollment).asked_by(step.slug)
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


def what_counts(
    *, person: Person, version: PlanVersion, market: Market, at: datetime
) -> dict[str, tuple[datetime, Evidence]]:
    """Return what of before counts in a plan: by the step's slug when it was done, and by what.

    That is what the plan recognises (`rules.why_not_counted`), and quizzes from which the person is exempt.
    """
    return _what_counts_of([person.id], version, market, at)[person.id]


def _what_counts_of(
    person_ids: Collection[int], version: PlanVersion, market: Market, at: datetime
) -> dict[int, dict[str, tuple[datetime, Evidence]]]:
    """Return `what_counts` of each of these people by her row, in statements that do not grow with them."""
    found: dict[int, dict[str, tuple[datetime, Evidence]]] = {person_id: {} for person_id in person_ids}
    steps = [step for step in version.steps if step.quiz_slug is not None]
    exempt = gradebook.find_exemptions_of(person_ids, {step.quiz_slug or "" for step in steps})
    for step, person_id in product(steps, person_ids if exempt else ()):
        line = exempt.get((person_id, step.quiz_slug or ""))
        if line is not None:
            found[person_id][step.slug] = line.at, evidence_of_line(line)
    for person_id, known in recognitions_of(person_ids=person_ids, version=version, market=market, at=at).items():
        for each in known:
            if each.why_not is None:
                found[person_id].setdefault(each.step.slug, (each.earlier.at, evidence_of_earlier(each.earlier)))
    return found


def _recognise(enrollments: Sequence[Enrollment]) -> None:
    """Complete what these learners, enrolled at one moment in one version of a plan, had done before and counts."""
    version, at = enrollments[0].version, enrollments[0].enrolled_at
    of_markets: dict[Market, list[Enrollment]] = defaultdict(list)
    for enrollment in enrollments:
        of_markets[enrollment.market].append(enrollment)
    for market, there in of_markets.items():
        counts = _what_counts_of([each.person_id for each in there], version, market, at)
        for enrollment in there:
            for slug, (done_at, evidence) in counts[enrollment.person_id].items():
                step = queries.get_step(enrollment, slug)
                complete_step(enrollment=enrollment, step=step, at=done_at, evidence=evidence)


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


def tell_of_waiting(enrollment: Enrollment) -> None:
    """Owe a mail to each who can sign off a step that has begun to wait; each is told once a turn.

    Of what waits from the first day on the digest of that day tells.
    """
    waiting = [
        step
        for step in enrollment.version.steps
        if step.by is not Doer.LEARNER and queries.state_of(enrollment, step) is StepState.WAITING
    ]
    if waiting and not queries.first_day_has_come(enrollment):
        found, _unknown = queries.countable([enrollment])
        waiting = [step for step in waiting if any(standing.is_waiting(step) for standing in found)]
    for step in waiting:
        tell_who_signs_off(enrollment, step)


def _tell_of_all_waiting(enrollments: Sequence[Enrollment]) -> None:
    """Do the same for learners who were enrolled together, with statements that do not grow with them."""
    asked = [each for each in enrollments if any(step.by is not Doer.LEARNER for step in each.version.steps)]
    if not asked:
        return
    signers = signing.read_signers(asked)
    owed: dict[str, dict[str, str]] = {}
    for standing in queries.standings(asked):
        for step in standing.steps:
            if step.by is not Doer.LEARNER and standing.is_waiting(step):
                said = standing.sign_offs.get(step.slug, ())
                people = signers.of(standing.enrollment, step)
                owed |= _mails_about_waiting(standing.enrollment, step, said, people)
    if owed:
        send_all_later("training.sign_off_waiting", owed)


def tell_who_signs_off(enrollment: Enrollment, step: PlanStep) -> None:
    """Owe a mail to those who can sign off this step, once a turn.

    A turn of a task begins with what is handed in first and ends when it is judged. Of sessions that are to be planned
    it is said once for a step of a cohort, not for everybody in it.
    """
    is_of_cohort = step.kind is StepKind.SESSION and enrollment.cohort is not None
    said = [] if is_of_cohort else queries.list_sign_offs(enrollment, step)
    mails = _mails_about_waiting(enrollment, step, said, signing.list_signers(enrollment, step))
    for key, arguments in mails.items():
        send_later("training.sign_off_waiting", arguments, effect_key=key)


def _mails_about_waiting(
    enrollment: Enrollment, step: PlanStep, said: Sequence[SignOff], signers: Sequence[Person]
) -> dict[str, dict[str, str]]:
    """Return the arguments of the mails to those who can sign a step off by the keys of their effects."""
    if step.kind is StepKind.SESSION and enrollment.cohort is not None:
        about = f"{enrollment.cohort.code}:{enrollment.plan_id}:{step.slug}"
    else:
        turn = len(said)
        if step.kind is StepKind.TASK:
            # What is handed in while the last is not judged yet is of the same turn: whoever looks sees the newest.
            turn += max((each.evidence_no or 0 for each in said), default=0) + 1
        about = f"{enrollment.lasting_code}:{step.slug}:{turn}"
    return {
        f"sign_off_waiting:{about}:{signer.code}": {"code": enrollment.code, "step": step.slug, "to": signer.code}
        for signer in signers
    }


def tell_of_gates(*, person_id: int, quiz_slug: str) -> None:
    """Owe a mail to those who can sign off a gate that a new result of its quizzes has let the learner reach."""
    for enrollment in queries.list_enrollments_before_gates(person_id, quiz_slug):
        tell_of_waiting(enrollment)
