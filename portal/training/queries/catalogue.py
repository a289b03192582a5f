"""Reading plans, their versions and steps, and what the things in them are called."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime

from sqlalchemy import bindparam, func, select, true
from sqlalchemy.orm import selectinload

from portal.core import clock
from portal.core.db import UtcDateTime, session
from portal.core.i18n import LazyText, Words
from portal.core.i18n import lazy_gettext as _l
from portal.library import queries as library
from portal.library.models import ChangeClass, Clause, Document, DocumentVersion, VersionText
from portal.organisation.models import Market
from portal.quizzes.models import Quiz, QuizVersion
from portal.training.errors import NoSuchPlan
from portal.training.models import Enrollment, Plan, PlanStep, PlanVersion
from portal.training.rules import EventSpec, PhaseSpec, PlanSpec, StepKind, StepSpec


def find_plan(slug: str) -> Plan | None:
    """Return the plan of the slug."""
    return session.scalar(select(Plan).where(Plan.slug == slug))


def get_plan(slug: str) -> Plan:
    """Return the plan of the slug. Raises `NoSuchPlan`."""
    found = find_plan(slug)
    if found is None:
        raise NoSuchPlan(slug=slug)
    return found


def find_latest_version(slug: str) -> PlanVersion | None:
    """Return the plan's latest version, which new learners get."""
    return session.scalar(
        select(PlanVersion).join(Plan).where(Plan.slug == slug).order_by(PlanVersion.id.desc()).limit(1)
    )


def get_latest_version(slug: str) -> PlanVersion:
    """Return the plan's latest version. Raises `NoSuchPlan`."""
    found = find_latest_version(slug)
    if found is None:
        raise NoSuchPlan(slug=slug)
    return found


def list_latest_versions(slugs: Collection[str] | None = None) -> list[PlanVersion]:
    """Return the latest version of every plan, or of these plans, by slug."""
    latest = select(func.max(PlanVersion.id)).group_by(PlanVersion.plan_id)
    return list(
        session.scalars(
            select(PlanVersion)
            .join(Plan)
            .where(PlanVersion.id.in_(latest), Plan.slug.in_(slugs) if slugs is not None else true())
            .options(
                selectinload(PlanVersion.phases), selectinload(PlanVersion.events), selectinload(PlanVersion.steps)
            )
            .order_by(Plan.slug)
        )
    )


def has_clause(document: str, anchor: str) -> bool:
    """Say whether any version of a document has a clause of the id."""
    statement = (
        select(Clause.id)
        .join(DocumentVersion, DocumentVersion.id == Clause.version_id)
        .join(Document, Document.id == DocumentVersion.document_id)
        .where(Document.slug == document, Clause.anchor == anchor)
    )
    return bool(session.scalar(select(statement.exists())))


def list_followed_by(cohort_ids: Collection[int]) -> dict[int, set[int]]:
    """Return cohort's row number → those of the plan versions in which somebody still learns with it.

    A cohort in which nobody has ever been enrolled is not in it.
    """
    found: dict[int, set[int]] = {}
    is_running = Enrollment.completed_at.is_(None) & Enrollment.ended_at.is_(None)
    for cohort_id, version_id, running in session.execute(
        select(Enrollment.cohort_id, Enrollment.plan_version_id, func.count().filter(is_running))
        .where(Enrollment.cohort_id.in_(cohort_ids))
        .group_by(Enrollment.cohort_id, Enrollment.plan_version_id)
    ):
        versions = found.setdefault(cohort_id or 0, set())
        if running:
            versions.add(version_id)
    return found


def list_versions_of(version_ids: Collection[int]) -> dict[int, PlanVersion]:
    """Return row number → plan version with its steps and events."""
    rows = session.scalars(
        select(PlanVersion)
        .where(PlanVersion.id.in_(version_ids))
        .options(selectinload(PlanVersion.events), selectinload(PlanVersion.steps))
    )
    return {each.id: each for each in rows}


def spec_of(version: PlanVersion) -> PlanSpec:
    """Return the version as its author wrote it."""
    return PlanSpec(
        number=version.number,
        title=version.title,
        summary=version.summary,
        credential=version.credential_slug,
        phases=tuple(PhaseSpec(phase.slug, phase.title) for phase in version.phases),
        steps=tuple(
            StepSpec(
                slug=step.slug,
                kind=step.kind,
                due_days=step.due_days,
                phase=step.phase_slug,
                document=step.document_slug,
                quiz=step.quiz_slug,
                title=step.title,
                instructions=step.instructions,
                anchor=step.anchor_slug,
                minutes=step.minutes,
                required=step.required,
                by=step.by,
                prerequisites=tuple(step.prerequisites),
                asks_statement=step.asks_statement,
                event=step.event_slug,
                recognise_days=step.recognise_days,
                evidence=step.evidence,
                gate_quizzes=tuple(step.gate_quizzes or ()),
                gate_bound=step.gate_bound,
                gate_minimum=step.gate_minimum,
                about=step.about,
            )
            for step in version.steps
        ),
        events=tuple(EventSpec(event.slug, event.title) for event in version.events),
    )


def titles_of(steps: Iterable[PlanStep], quizzes: Mapping[str, Words] | None = None) -> dict[int, Words]:
    """Return the title of each step by its row: its own, else that of its document or quiz, in two statements.

    `quizzes` are the titles of those quizzes where they are known already.
    """
    wanted = list(steps)
    documents = document_titles({step.document_slug for step in wanted if step.document_slug and not step.title})
    if quizzes is None:
        quizzes = quiz_titles({step.quiz_slug for step in wanted if step.quiz_slug and not step.title})
    titles = {}
    for step in wanted:
        slug = step.document_slug or step.quiz_slug or step.slug
        found = documents if step.document_slug else quizzes
        titles[step.id] = step.title or found.get(slug) or Words(slug, slug)
    return titles


def tasks_of(steps: Iterable[PlanStep]) -> dict[int, LazyText]:
    """Return what each step asks for, so that reading a document and acknowledging it can be told apart.

    To be written in the language of the reader when it is shown.
    """
    wanted = list(steps)
    titles = titles_of(wanted)
    return {step.id: task_of(step.kind, titles[step.id]) for step in wanted}


def task_of(kind: StepKind, title: Words) -> LazyText:
    """Return what a step of the kind asks for; see `tasks_of`."""
    if kind is StepKind.READ:
        return _l("Read “%(title)s”", title=title)
    if kind is StepKind.ACKNOWLEDGE:
        return _l("Confirm “%(title)s”", title=title)
    return title


# Before everything that anybody did here.
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


_QUIZ_TITLES = (
    select(Quiz.slug, QuizVersion.title)
    .join(Quiz, QuizVersion.quiz_id == Quiz.id)
    .where(Quiz.slug.in_(bindparam("slugs", expanding=True)))
    .order_by(QuizVersion.id)
)


_DOCUMENT_TITLES = (
    select(Document.slug, VersionText.language, VersionText.title)
    .join(DocumentVersion, DocumentVersion.document_id == Document.id)
    .join(VersionText, VersionText.version_id == DocumentVersion.id)
    .where(Document.slug.in_(bindparam("slugs", expanding=True)))
    # The title of the version in force; of an announced one only while there is no other.
    .order_by(
        Document.id, DocumentVersion.effective_at <= bindparam("now", type_=UtcDateTime()), DocumentVersion.sequence
    )
)


def quiz_titles(slugs: Collection[str]) -> dict[str, Words]:
    """Return the titles of quizzes by their slugs."""
    if not slugs:
        return {}
    # The latest last, so that it is the one that stays.
    return {row.slug: row.title for row in session.execute(_QUIZ_TITLES, {"slugs": list(slugs)})}


def document_titles(slugs: set[str]) -> dict[str, Words]:
    """Return the titles of documents by their slugs, of each the one in force."""
    if not slugs:
        return {}
    rows = session.execute(_DOCUMENT_TITLES, {"slugs": list(slugs), "now": clock.now()})
    titles: dict[str, dict[str, str]] = defaultdict(dict)
    for slug, language_code, title in rows:
        titles[slug][language_code] = title
    return {slug: Words(found.get("en", ""), found.get("ja", "")) for slug, found in titles.items()}


def find_version_in_force(document_slug: str, market: Market) -> DocumentVersion | None:
    """Return the document's version in force in the market now."""
    document = library.find_document(document_slug)
    return None if document is None else library.version_in_force(document, market.code)


def covering_versions(document_slug: str, market: Market) -> list[int]:
    """Return the rows of the versions whose acknowledgement covers the one in force in the market now.

    One of an earlier version covers it too where nothing but editorial and minor changes came since: for these nobody
    is asked again.
    """
    version = find_version_in_force(document_slug, market)
    if version is None:
        return []
    covering = [version.id]
    for earlier in session.scalars(
        select(DocumentVersion)
        .where(DocumentVersion.document_id == version.document_id, DocumentVersion.sequence < version.sequence)
        .order_by(DocumentVersion.sequence.desc())
    ):
        if version.change_class not in (ChangeClass.EDITORIAL, ChangeClass.MINOR):
            break
        covering.append(earlier.id)
        version = earlier
    return covering
