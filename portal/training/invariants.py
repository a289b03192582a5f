"""What must always be true of training."""

from __future__ import annotations

from collections import defaultdict
from hashlib import sha256

from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.orm import aliased, joinedload, selectinload

from portal.accounts.models import Person
from portal.core.db import session
from portal.training import queries, rules
from portal.training.formats.plan_file import spec_of_table
from portal.training.models import (
    Attendance,
    Enrollment,
    EventDate,
    ExtensionTakenBack,
    LiveSession,
    PlanDraft,
    PlanDraftAuthor,
    PlanEvent,
    PlanStep,
    PlanVersion,
    SessionSeat,
    SessionTime,
    SignOff,
    StepCompletion,
    StepExemption,
    TaskEvidence,
)
from portal.training.queries import catalogue
from portal.training.rules import Doer, Presence, SignOffAct, StepKind
from portal.training.rules.drafting import DraftAct, DraftState
from portal.training.service.plans import digest_of

# The step for which a session was planned, in whatever version of the plan.
_Planned = aliased(PlanStep)

# Rows that are held at once; memory must not grow with them.
_AT_ONCE = 500


def plan_versions_say_what_they_said() -> list[str]:
    """Return a sentence for each plan version that was changed, or whose steps cannot be followed."""
    breaches = []
    for version in session.scalars(
        select(PlanVersion)
        .options(selectinload(PlanVersion.phases), selectinload(PlanVersion.events), selectinload(PlanVersion.steps))
        .order_by(PlanVersion.id)
    ):
        name = f"plan {version.plan.slug} {version.number}"
        spec = catalogue.spec_of(version)
        if digest_of(spec) != version.digest:
            breaches.append(f"{name} has been changed since it was created")
        breaches += [
            f"{name}: step {fault.slug}: {fault.kind}"
            for fault in rules.faults(spec.shapes)
            if fault.kind not in rules.WARNINGS
        ]
    return breaches


def plans_are_complete_when_their_steps_are() -> list[str]:
    """Return a sentence for each enrollment whose completion does not match its steps, done or exempt."""
    breaches = []
    exemptions: dict[int, list[int]] = defaultdict(list)
    held = queries.exempt_now().with_only_columns(StepExemption.enrollment_id, StepExemption.step_id)
    for enrollment_id, step_id in session.execute(held):
        exemptions[enrollment_id].append(step_id)
    enrollments = session.scalars(
        select(Enrollment)
        .options(selectinload(Enrollment.version).selectinload(PlanVersion.steps), selectinload(Enrollment.completions))
        .order_by(Enrollment.id)
        .execution_options(yield_per=_AT_ONCE)
    )
    for enrollment in enrollments:
        slug_of = {step.id: step.slug for step in enrollment.version.steps}
        foreign = [row.step_id for row in enrollment.completions if row.step_id not in slug_of]
        if foreign:
            breaches.append(f"enrollment {enrollment.code} has completed a step of another plan version")
        done = {slug_of[row.step_id] for row in enrollment.completions if row.step_id in slug_of}
        exempt = {slug_of[step_id] for step_id in exemptions[enrollment.id] if step_id in slug_of}
        complete = rules.is_complete([step.shape for step in enrollment.version.steps], done, exempt)
        if complete != (enrollment.completed_at is not None) and enrollment.ended_at is None:
            state = "not marked as completed" if complete else "marked as completed without all required steps"
            breaches.append(f"enrollment {enrollment.code} is {state}")
    return breaches


def sign_offs_stand_behind_their_steps() -> list[str]:
    """Return a sentence for each step that somebody ends with her word and has none, or the learner's own."""
    breaches = []
    rows = session.execute(
        select(Enrollment.code, Enrollment.person_id, PlanStep.slug, SignOff.by_id)
        .select_from(StepCompletion)
        .join(PlanStep, PlanStep.id == StepCompletion.step_id)
        .join(Enrollment, Enrollment.id == StepCompletion.enrollment_id)
        .outerjoin(
            SignOff,
            and_(
                SignOff.enrollment_id == StepCompletion.enrollment_id,
                SignOff.step_id == StepCompletion.step_id,
                SignOff.act == SignOffAct.SIGNED,
            ),
        )
        .where(
            PlanStep.kind.in_(rules.WITH_A_WORD),
            PlanStep.by != Doer.LEARNER,
            StepCompletion.recognised_id.is_(None),
        )
        .order_by(StepCompletion.id)
        .execution_options(yield_per=_AT_ONCE)
    )
    for code, learner, slug, signer in rows:
        if not signer:
            breaches.append(f"enrollment {code}, step {slug}: completed without a sign-off")
        elif signer == learner:
            breaches.append(f"enrollment {code}, step {slug}: signed off by the learner herself")
    return breaches


def _has_date() -> ColumnElement[bool]:
    """Return the condition that an event of an enrollment's plan has a day for it."""
    return exists().where(
        EventDate.event_slug == PlanEvent.slug,
        EventDate.plan_id == Enrollment.plan_id,
        or_(EventDate.enrollment_id == Enrollment.id, EventDate.cohort_id == Enrollment.cohort_id),
    )


def dates_of_open_plans_can_be_computed() -> list[str]:
    """Return a sentence for each open enrollment with a date in a year that its holiday table does not know."""
    numbers = list(
        session.scalars(
            select(Enrollment.id)
            .where(Enrollment.completed_at.is_(None), Enrollment.ended_at.is_(None))
            # Of an event without a day another check tells.
            .where(~exists().where(PlanEvent.version_id == Enrollment.plan_version_id, ~_has_date()))
            .order_by(Enrollment.id)
        )
    )
    breaches = []
    for start in range(0, len(numbers), _AT_ONCE):
        statement = select(Enrollment).where(Enrollment.id.in_(numbers[start : start + _AT_ONCE]))
        rows = session.scalars(statement.options(*queries.WITH_STEPS).order_by(Enrollment.id)).all()
        breaches += [
            f"enrollment {each.enrollment.code} of {each.enrollment.person.full_name}: its dates cannot be computed, "
            f"for the holiday table of {each.country} does not know {each.year}"
            for each in queries.countable(rows)[1]
        ]
    return breaches


def events_of_plans_have_dates() -> list[str]:
    """Return a sentence for each enrollment whose plan counts from an event of which no day is known."""
    rows = session.execute(
        select(Enrollment.code, PlanEvent.slug)
        .join(PlanEvent, PlanEvent.version_id == Enrollment.plan_version_id)
        .where(~_has_date())
        .order_by(Enrollment.id, PlanEvent.position)
        .execution_options(yield_per=_AT_ONCE)
    )
    return [f"enrollment {code}: the event {slug} has no date" for code, slug in rows]


def what_is_recognised_was_done_before() -> list[str]:
    """Return a sentence for each completion that counts for another one which is not of the same person and step."""
    there, of = aliased(StepCompletion), aliased(Enrollment)
    then, step = aliased(PlanStep), aliased(PlanStep)
    rows = session.execute(
        select(Enrollment.code, step.slug)
        .select_from(StepCompletion)
        .join(Enrollment, Enrollment.id == StepCompletion.enrollment_id)
        .join(step, step.id == StepCompletion.step_id)
        .join(there, there.id == StepCompletion.recognised_id)
        .join(of, of.id == there.enrollment_id)
        .join(then, then.id == there.step_id)
        .where(
            or_(
                of.person_id != Enrollment.person_id,
                of.plan_id != Enrollment.plan_id,
                of.id == Enrollment.id,
                then.slug != step.slug,
                then.kind != step.kind,
                there.completed_at != StepCompletion.completed_at,
            )
        )
        .order_by(StepCompletion.id)
        .execution_options(yield_per=_AT_ONCE)
    )
    return [f"enrollment {code}, step {slug}: counts for something that is not its like" for code, slug in rows]


def tasks_have_evidence() -> list[str]:
    """Return a sentence for each task that is done with nothing handed in, and for files that are not as they came."""
    handed_in = exists().where(
        TaskEvidence.enrollment_id == StepCompletion.enrollment_id, TaskEvidence.step_id == StepCompletion.step_id
    )
    rows = session.execute(
        select(Enrollment.code, PlanStep.slug)
        .select_from(StepCompletion)
        .join(PlanStep, PlanStep.id == StepCompletion.step_id)
        .join(Enrollment, Enrollment.id == StepCompletion.enrollment_id)
        .where(PlanStep.kind == StepKind.TASK, ~handed_in)
        .order_by(StepCompletion.id)
    )
    breaches = [f"enrollment {code}, step {slug}: completed with nothing handed in" for code, slug in rows]
    # One at a time: files can be large.
    for id_ in session.scalars(select(TaskEvidence.id).where(TaskEvidence.data.is_not(None)).order_by(TaskEvidence.id)):
        data, size, digest = session.execute(
            select(TaskEvidence.data, TaskEvidence.size, TaskEvidence.sha256).where(TaskEvidence.id == id_)
        ).one()
        if data is not None and (len(data) != size or sha256(data).hexdigest() != digest):
            breaches.append(f"task_evidence row {id_}: its file has been changed")
    numbers = session.execute(
        select(TaskEvidence.enrollment_id, TaskEvidence.step_id)
        .group_by(TaskEvidence.enrollment_id, TaskEvidence.step_id)
        .having(func.count() != func.max(TaskEvidence.number))
        .order_by(TaskEvidence.enrollment_id, TaskEvidence.step_id)
    )
    breaches += [f"enrollment row {row[0]}, step row {row[1]}: what was handed in is not numbered" for row in numbers]
    return breaches


def sessions_were_attended() -> list[str]:
    """Return a sentence for each session step that is done by somebody who is never said to have been present.

    And for attendance of people who were not expected, or at a session that was cancelled.
    """
    was_there = exists().where(
        Attendance.enrollment_id == StepCompletion.enrollment_id,
        Attendance.presence == Presence.PRESENT,
        Attendance.session_id == LiveSession.id,
        LiveSession.step_id == _Planned.id,
        _Planned.slug == PlanStep.slug,
    )
    rows = session.execute(
        select(Enrollment.code, PlanStep.slug)
        .select_from(StepCompletion)
        .join(PlanStep, PlanStep.id == StepCompletion.step_id)
        .join(Enrollment, Enrollment.id == StepCompletion.enrollment_id)
        .where(PlanStep.kind == StepKind.SESSION, ~was_there)
        .order_by(StepCompletion.id)
    )
    breaches = [f"enrollment {code}, step {slug}: completed without having attended" for code, slug in rows]
    is_expected = exists().where(
        SessionSeat.session_id == Attendance.session_id, SessionSeat.enrollment_id == Attendance.enrollment_id
    )
    odd = session.execute(
        select(Attendance.id, LiveSession.cancelled_at, is_expected)
        .join(LiveSession, LiveSession.id == Attendance.session_id)
        .where(or_(LiveSession.cancelled_at.is_not(None), ~is_expected))
        .order_by(Attendance.id)
    )
    breaches += [
        f"attendances row {id_}: " + ("the session was cancelled" if expected else "nobody expected her at the session")
        for id_, _cancelled, expected in odd
    ]
    timeless = session.scalars(
        select(LiveSession.code)
        .where(~exists().where(SessionTime.session_id == LiveSession.id))
        .order_by(LiveSession.id)
    )
    breaches += [f"session {code}: nothing says when it is" for code in timeless]
    return breaches


def gates_were_reached() -> list[str]:
    """Return a sentence for each gate that was signed off on figures that do not reach what it asks."""
    breaches = []
    rows = session.execute(
        select(SignOff.id, SignOff.figures, PlanStep)
        .join(PlanStep, PlanStep.id == SignOff.step_id)
        .where(PlanStep.kind == StepKind.GATE, SignOff.act == SignOffAct.SIGNED)
        .order_by(SignOff.id)
        .execution_options(yield_per=_AT_ONCE)
    )
    for id_, figures, step in rows:
        terms = step.gate
        kept = figures or {}
        quizzes = kept.get("quizzes", [])
        right, n = sum(each["right"] for each in quizzes), sum(each["questions"] for each in quizzes)
        if (
            terms is None
            or {each["quiz"] for each in quizzes} != set(terms.quizzes)
            or not all(each["passed"] for each in quizzes)
            or (right, n) != (kept.get("right"), kept.get("questions"))
            or n < terms.needed
            or not rules.reaches(right, n, terms.bound)
        ):
            breaches.append(f"sign_offs row {id_}: the gate {step.slug} was signed off without having been reached")
    return breaches


def exemptions_are_of_the_plan() -> list[str]:
    """Return a sentence for each exemption of a step of another plan version, of a gate, or by the learner herself.

    And where what was said of one is not numbered.
    """
    rows = session.execute(
        select(Enrollment.code, PlanStep.slug, PlanStep.version_id, Enrollment.plan_version_id, PlanStep.kind)
        .add_columns(StepExemption.by_id, Enrollment.person_id)
        .select_from(StepExemption)
        .join(PlanStep, PlanStep.id == StepExemption.step_id)
        .join(Enrollment, Enrollment.id == StepExemption.enrollment_id)
        .where(
            or_(
                PlanStep.version_id != Enrollment.plan_version_id,
                PlanStep.kind == StepKind.GATE,
                StepExemption.by_id == Enrollment.person_id,
            )
        )
        .order_by(StepExemption.id)
    )
    breaches = []
    for code, slug, of, version, kind, _by, _learner in rows:
        what = "a step of another plan version" if of != version else "a gate" if kind is StepKind.GATE else ""
        said = f"exempt from {what}" if what else "exempted by the learner herself"
        breaches.append(f"enrollment {code}, step {slug}: {said}")
    numbers = session.execute(
        select(StepExemption.enrollment_id, StepExemption.step_id)
        .group_by(StepExemption.enrollment_id, StepExemption.step_id)
        .having(func.count() != func.max(StepExemption.number))
        .order_by(StepExemption.enrollment_id, StepExemption.step_id)
    )
    return breaches + [
        f"enrollment row {row[0]}, step row {row[1]}: what was said of an exemption is not numbered" for row in numbers
    ]


def extensions_taken_back_were_given() -> list[str]:
    """Return a sentence for each extension that was taken back in another enrollment, or before it was given."""
    breaches = []
    rows = session.execute(
        select(ExtensionTakenBack, Enrollment)
        .join(Enrollment, Enrollment.id == ExtensionTakenBack.enrollment_id)
        .order_by(ExtensionTakenBack.id)
    )
    for row, enrollment in rows:
        given = row.step_extension or row.plan_extension
        if given is None or given.enrollment_id != row.enrollment_id or given.at > row.at:
            breaches.append(f"enrollment {enrollment.code}: an extension was taken back that it had not been given")
    return breaches


def swaps_lose_nothing() -> list[str]:
    """Return a sentence for each enrollment that took the place of one that is not its like, or without what was done.

    What was done under the same terms stands in both.
    """
    breaches = []
    taken = session.scalars(
        select(Enrollment)
        .where(Enrollment.replaces_id.is_not(None))
        .options(*queries.WITH_STEPS)
        .order_by(Enrollment.id)
    ).all()
    for enrollment in taken:
        before = queries.find_predecessor(enrollment)
        if (
            before is None
            or before.ended_at is None
            or before.person_id != enrollment.person_id
            or before.plan_id != enrollment.plan_id
            or before.lasting_code != enrollment.first_code
        ):
            breaches.append(f"enrollment {enrollment.code} took the place of one that is not its like")
            continue
        done = {row.step.slug for row in queries.list_completions(enrollment)}
        now = {step.slug: step.terms for step in enrollment.version.steps}
        breaches += [
            f"enrollment {enrollment.code}, step {row.step.slug}: was done in {before.code} and is not"
            for row in queries.list_completions(before)
            if now.get(row.step.slug) == row.step.terms and row.step.slug not in done
        ]
    return breaches


def published_drafts_of_plans_were_approved() -> list[str]:
    """Return a sentence for each draft whose version is not what somebody else approved, or whose acts have gaps."""
    breaches = []
    drafts = list(
        session.scalars(
            select(PlanDraft)
            .options(joinedload(PlanDraft.published_version), selectinload(PlanDraft.acts))
            .order_by(PlanDraft.id)
        )
    )
    authors: dict[int, set[str]] = {draft.id: {draft.begun_by} for draft in drafts}
    for draft_id, code in session.execute(
        select(PlanDraftAuthor.draft_id, Person.code).join(Person, Person.id == PlanDraftAuthor.person_id)
    ):
        authors[draft_id].add(code)
    for draft in drafts:
        name = f"plan draft {draft.code}"
        if [act.number for act in draft.acts] != list(range(1, len(draft.acts) + 1)):
            breaches.append(f"{name}: its acts are not counted without gaps")
        if draft.state is not DraftState.PUBLISHED:
            continue
        last, version = draft.acts[-1] if draft.acts else None, draft.published_version
        if last is None or last.act is not DraftAct.APPROVED:
            breaches.append(f"{name} was published without an approval")
        elif last.by in authors[draft.id]:
            breaches.append(f"{name} was approved by somebody who has written in it")
        elif version is None or not (
            last.digest == version.digest == digest_of(spec_of_table(draft.spec))
            and version.plan.slug == draft.plan_slug
        ):
            breaches.append(f"{name}: its version is not what was approved")
    return breaches


INVARIANTS = {
    "swaps of versions lose nothing": swaps_lose_nothing,
    "extensions taken back were given": extensions_taken_back_were_given,
    "exemptions are of the plan": exemptions_are_of_the_plan,
    "published drafts of plans were approved": published_drafts_of_plans_were_approved,
    "what is recognised was done before": what_is_recognised_was_done_before,
    "dates of open plans can be computed": dates_of_open_plans_can_be_computed,
    "events of plans have dates": events_of_plans_have_dates,
    "plan versions are unchanged": plan_versions_say_what_they_said,
    "plans are complete when their steps are": plans_are_complete_when_their_steps_are,
    "sign-offs stand behind their steps": sign_offs_stand_behind_their_steps,
    "tasks have evidence": tasks_have_evidence,
    "sessions were attended": sessions_were_attended,
    "gates were reached": gates_were_reached,
}
