"""What is known of people: confirmations, certificates, results, sign-offs, runs and handovers, for many at once.

Each of these is a fixed number of statements, however many people and rows there are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import aliased

from portal.accounts.models import Person
from portal.acknowledgements.models import Acknowledgement
from portal.backfill.rules import HandedOver, Held, Passed, RunSeen, Source, SourceKind, StageSeen
from portal.certificates.queries.coverage import heads_of
from portal.core import clock
from portal.core.db import session
from portal.core.i18n import Words
from portal.core.markdown import clause_links
from portal.duties.queries import list_runs_of_people
from portal.gradebook.models import ScoreEntry
from portal.handover.models import Handover, HandoverItem, ItemDecision
from portal.handover.queries import list_evidence_of_people
from portal.handover.rules import Decision
from portal.library.models import DocumentVersion
from portal.library.rules.overlays import base_slug
from portal.quizzes.models import Attempt, AttemptState, Item, QuestionCitation, QuizVersion
from portal.training.models import Enrollment, Plan, PlanStep, PlanVersion, SignOff
from portal.training.queries import is_settled
from portal.training.rules import ABOUT_DOCUMENTS, SignOffAct

# Person's row number, code of the thing.
Pair = tuple[int, str]


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """That somebody confirmed a version of a document."""

    version_id: int
    document_id: int
    sequence: int
    number: str
    at: datetime


@dataclass(frozen=True, slots=True)
class At:
    """That something was passed or signed off at an instant, and where that is written down."""

    at: datetime
    source: Source

    def in_zone(self, zone: str) -> Passed:
        """Return it with its day in a zone."""
        return Passed(clock.local_date(self.at, zone), self.source)


@dataclass(slots=True)
class Evidence:
    """Everything that is known of some people, by person and thing."""

    runs: dict[Pair, list[RunSeen]] = field(default_factory=lambda: defaultdict(list))
    # Of handovers, by person, kind and code.
    stages: dict[tuple[int, str, str], list[StageSeen]] = field(default_factory=lambda: defaultdict(list))
    handed_over: dict[tuple[int, str, str], list[HandedOver]] = field(default_factory=lambda: defaultdict(list))
    # By person and document's row number.
    acknowledged: dict[tuple[int, int], list[Acknowledged]] = field(default_factory=lambda: defaultdict(list))
    # By person and the slug of the base.
    quizzes: dict[Pair, At] = field(default_factory=dict)
    sign_offs: dict[Pair, At] = field(default_factory=dict)
    # By person and credential's row number.
    held: dict[tuple[int, int], Held] = field(default_factory=dict)


def evidence_of(people: Collection[Person], *, task_codes: Collection[str], document_ids: Collection[int]) -> Evidence:
    """Read what is known of these people in these tasks and documents, and in every credential."""
    ids = [each.id for each in people]
    found = Evidence()
    if not ids:
        return found
    codes = {each.id: each.code for each in people}
    for run in list_runs_of_people(ids, task_codes):
        found.runs[run.person_id, run.task_code].append(
            RunSeen(
                run.done_on,
                run.how,
                run.is_helper,
                run.recorded_by == codes[run.person_id],
                Source(SourceKind.RUN, (run.task_code, run.code), on=run.due_on),
            )
        )
    for row in list_evidence_of_people(ids):
        source = Source(SourceKind.HANDOVER_ITEM, (row.item,), on=row.done_on)
        found.stages[row.person_id, row.kind, row.thing_code].append(
            StageSeen(row.stage, row.done_on, row.accepted, source)
        )
    for person_id, kind, code, on, item in _handed_over(ids):
        found.handed_over[person_id, kind, code].append(
            HandedOver(on, Source(SourceKind.HANDOVER_ITEM, (item,), on=on))
        )
    for person_id, each in _acknowledged(ids, document_ids):
        found.acknowledged[person_id, each.document_id].append(each)
    found.quizzes = _quizzes_passed(ids)
    found.sign_offs = _sign_offs(ids)
    found.held = _held(ids)
    return found


def _handed_over(ids: Collection[int]) -> Iterable[tuple[int, str, str, date, str]]:
    """Return what these people handed over to somebody who accepted it last, and on which day of the market."""
    later = aliased(ItemDecision)
    rows = session.execute(
        select(Handover, HandoverItem.kind, HandoverItem.thing_code, ItemDecision.decided_at, HandoverItem.code)
        .join(HandoverItem, HandoverItem.handover_id == Handover.id)
        .join(ItemDecision, ItemDecision.item_id == HandoverItem.id)
        .outerjoin(later, and_(later.item_id == ItemDecision.item_id, later.id > ItemDecision.id))
        .where(Handover.person_id.in_(ids), ItemDecision.decision == Decision.ACCEPTED, later.id.is_(None))
        .order_by(ItemDecision.id)
    )
    return [
        (handover.person_id, kind, code, clock.local_date(at, handover.market.time_zone), item)
        for handover, kind, code, at, item in rows
    ]


def _acknowledged(ids: Collection[int], document_ids: Collection[int]) -> Iterable[tuple[int, Acknowledged]]:
    rows = session.execute(
        select(
            Acknowledgement.person_id,
            DocumentVersion.id,
            DocumentVersion.document_id,
            DocumentVersion.sequence,
            DocumentVersion.number,
            Acknowledgement.at,
        )
        .join(DocumentVersion, DocumentVersion.id == Acknowledgement.version_id)
        .where(Acknowledgement.person_id.in_(ids), DocumentVersion.document_id.in_(document_ids))
        .order_by(Acknowledgement.id)
    )
    return [(row[0], Acknowledged(*row[1:])) for row in rows]


def _quizzes_passed(ids: Collection[int]) -> dict[Pair, At]:
    """Return when each of these people last passed a quiz that asked about a document; trials ask about nothing."""
    later = aliased(ScoreEntry)
    passed = (
        select(ScoreEntry.person_id, ScoreEntry.attempt_id, ScoreEntry.at, Attempt.code, Attempt.quiz_version_id)
        .join(Attempt, Attempt.id == ScoreEntry.attempt_id)
        .outerjoin(later, and_(later.attempt_id == ScoreEntry.attempt_id, later.entry_no > ScoreEntry.entry_no))
        .where(
            ScoreEntry.person_id.in_(ids),
            ScoreEntry.passed.is_(True),
            Attempt.state != AttemptState.VOIDED,
            later.id.is_(None),
        )
        .subquery()
    )
    rows = session.execute(
        select(passed.c.person_id, QuestionCitation.document_slug, passed.c.at, passed.c.code, passed.c.quiz_version_id)
        .join(Item, and_(Item.attempt_id == passed.c.attempt_id, Item.on_trial.is_(None)))
        .join(
            QuestionCitation,
            and_(QuestionCitation.question_version_id == Item.question_version_id, QuestionCitation.tested.is_(True)),
        )
        .distinct()
    ).all()
    titles: dict[int, Words] = {
        row[0]: row[1]
        for row in session.execute(
            select(QuizVersion.id, QuizVersion.title).where(QuizVersion.id.in_({row[4] for row in rows}))
        )
    }
    return _latest(
        (person_id, slug, At(at, Source(SourceKind.ATTEMPT, (code,), titles.get(version_id))))
        for person_id, slug, at, code, version_id in rows
    )


def _latest(rows: Iterable[tuple[int, str, At]]) -> dict[Pair, At]:
    found: dict[Pair, At] = {}
    for person_id, slug, each in rows:
        key = (person_id, base_slug(slug))
        known = found.get(key)
        if known is None or (each.at, each.source.key) > (known.at, known.source.key):
            found[key] = each
    return found


def _sign_offs(ids: Collection[int]) -> dict[Pair, At]:
    """Return when each of these people was last signed off in a step that is about a document."""
    signed = list(
        session.execute(
            select(Enrollment.person_id, Enrollment.code, SignOff.step_id, func.max(SignOff.at))
            .join(Enrollment, Enrollment.id == SignOff.enrollment_id)
            .where(Enrollment.person_id.in_(ids), SignOff.act == SignOffAct.SIGNED)
            .group_by(Enrollment.person_id, Enrollment.code, SignOff.step_id)
        )
    )
    steps = {
        each.id: each
        for each in session.scalars(select(PlanStep).where(PlanStep.id.in_({row.step_id for row in signed})))
    }
    return _latest(
        (person_id, slug, At(at, Source(SourceKind.SIGN_OFF, (code, steps[step_id].slug), steps[step_id].title)))
        for person_id, code, step_id, at in signed
        for slug in documents_of(steps[step_id])
    )


def documents_of(step: PlanStep) -> set[str]:
    """Return the documents that a sign-off of a step is evidence for: those it names, and those it links to.

    What records only that it took place is evidence for none.
    """
    if step.kind not in ABOUT_DOCUMENTS or not step.asks_statement:
        return set()
    slugs = {each.partition("#")[0] for each in step.about}
    if step.instructions is not None:
        for text in (step.instructions.en, step.instructions.ja):
            slugs |= {slug for slug, _anchor, _line in clause_links(text) if slug}
    return slugs


@dataclass(frozen=True, slots=True)
class StepAbout:
    """A step of the latest version of a plan whose sign-off is evidence for a document."""

    plan_slug: str
    plan: Words
    step: Words


def steps_about() -> dict[str, list[StepAbout]]:
    """Return by the slug of the base which steps of plans as they are now are evidence for which document."""
    newest = select(func.max(PlanVersion.id)).group_by(PlanVersion.plan_id)
    rows = session.execute(
        select(PlanStep, PlanVersion.title, Plan.slug)
        .join(PlanVersion, PlanVersion.id == PlanStep.version_id)
        .join(Plan, Plan.id == PlanVersion.plan_id)
        .where(PlanVersion.id.in_(newest), PlanStep.kind.in_(ABOUT_DOCUMENTS))
        .order_by(Plan.slug, PlanStep.position)
    )
    found: dict[str, list[StepAbout]] = defaultdict(list)
    for step, title, slug in rows:
        for document in sorted({base_slug(each) for each in documents_of(step)}):
            found[document].append(StepAbout(slug, title, step.title or Words(step.slug, step.slug)))
    return found


def _held(ids: Collection[int]) -> dict[tuple[int, int], Held]:
    """Return the latest certificate of each of these people and credentials, and until when it is worth something."""
    found = {}
    for head in heads_of(ids, clock.now()):
        ends = [head.expires_on] if head.expires_on else []
        # The day before a version takes effect that makes it one of an older policy.
        ends += [
            clock.local_date(each.effective_at, head.zone) - timedelta(days=1)
            for each in head.changes
            if head.is_certified
        ]
        found[head.person_id, head.credential_id] = Held(
            head.issued_on,
            head.is_certified,
            min(ends, default=None) if head.is_certified else head.expires_on,
            Source(SourceKind.CERTIFICATE, (head.number,), Words(head.number, head.number)),
        )
    return found


# --- What training is left ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Left:
    """How many required steps of a plan are left, and how many minutes they take."""

    steps: int
    minutes: int


@dataclass(frozen=True, slots=True)
class PlanLeft:
    """A plan that earns a credential as its latest version has it, and what is left of it for those who follow it."""

    slug: str
    credential: str | None
    whole: Left
    of: Mapping[int, Left]


def plans_left(person_ids: Collection[int], slugs: Collection[str]) -> list[PlanLeft]:
    """Return the plans whose latest version earns a credential, and those of the slugs, with what is left of them."""
    newest = select(func.max(PlanVersion.id)).group_by(PlanVersion.plan_id)
    versions = list(
        session.scalars(select(PlanVersion).where(PlanVersion.id.in_(newest)).order_by(PlanVersion.plan_id))
    )
    wanted = [each for each in versions if each.credential_slug or each.plan.slug in slugs]
    whole = {
        row[0]: Left(row[1], row[2] or 0)
        for row in session.execute(
            select(PlanStep.version_id, func.count(), func.sum(PlanStep.minutes))
            .where(PlanStep.version_id.in_([each.id for each in wanted]), PlanStep.required.is_(True))
            .group_by(PlanStep.version_id)
        )
    }
    of: dict[int, dict[int, Left]] = defaultdict(dict)
    for plan_id, person_id, steps, minutes in session.execute(
        select(Enrollment.plan_id, Enrollment.person_id, func.count(), func.sum(PlanStep.minutes))
        .join(PlanStep, PlanStep.version_id == Enrollment.plan_version_id)
        .where(
            Enrollment.person_id.in_(person_ids),
            Enrollment.plan_id.in_([each.plan_id for each in wanted]),
            Enrollment.completed_at.is_(None),
            Enrollment.ended_at.is_(None),
            PlanStep.required.is_(True),
            ~is_settled,
        )
        .group_by(Enrollment.plan_id, Enrollment.person_id)
    ):
        of[plan_id][person_id] = Left(steps, minutes or 0)
    return [
        PlanLeft(each.plan.slug, each.credential_slug, whole.get(each.id, Left(0, 0)), of[each.plan_id])
        for each in wanted
    ]


def active_people(*, team_id: int | None, market_id: int | None) -> list[Person]:
    """Return the active people of a team, or those who work for a market (from home or besides), by name."""
    where = []
    if team_id is not None:
        where.append(Person.team_id == team_id)
    if market_id is not None:
        where.append(or_(Person.home_market_id == market_id, Person.further_markets.any(id=market_id)))
    return list(
        session.scalars(
            select(Person).where(Person.deactivated_at.is_(None), *where).order_by(Person.sort_key, Person.id)
        )
    )
