"""Reading drafts of plans, who writes in them, and what a plan can be put together from."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.orm import joinedload, selectinload

from portal.accounts import queries as accounts
from portal.accounts.models import Person
from portal.core import clock
from portal.core.codes import is_well_formed, normalise
from portal.core.db import session
from portal.core.i18n import Words
from portal.library.models import Document
from portal.quizzes.models import Quiz
from portal.training.errors import NoSuchPlanDraft
from portal.training.formats.plan_file import spec_of_table
from portal.training.models import Enrollment, Plan, PlanDraft, PlanDraftAuthor, PlanDraftSave, PlanVersion
from portal.training.queries import catalogue
from portal.training.rules import EventSpec, PhaseSpec, PlanSpec, StepSpec
from portal.training.rules.changes import What
from portal.training.rules.drafting import DraftAct, DraftState

OPEN_STATES = (DraftState.WRITING, DraftState.IN_REVIEW)
_CODE_LENGTH = 12
# Her page is heard of three times a minute; who was not for so long has left it.
PRESENT_WITHIN = timedelta(minutes=2)
# So many drafts that ended are listed.
MOST_ENDED = 50


@dataclass(frozen=True, slots=True)
class Known:
    """What steps can name, by slug: documents and quizzes with their titles, and the credentials of other plans."""

    documents: dict[str, Words] = field(default_factory=dict)
    quizzes: dict[str, Words] = field(default_factory=dict)
    credentials: tuple[str, ...] = ()


def find_plan_draft(code: str) -> PlanDraft | None:
    """Return the draft of the code with its acts, or None."""
    wanted = normalise(code)
    if not is_well_formed(wanted, _CODE_LENGTH):
        return None
    return session.scalar(
        select(PlanDraft)
        .where(PlanDraft.code == wanted)
        .options(selectinload(PlanDraft.acts), joinedload(PlanDraft.based_on))
    )


def get_plan_draft(code: str) -> PlanDraft:
    """Return the draft of the code. Raises `NoSuchPlanDraft`."""
    found = find_plan_draft(code)
    if found is None:
        raise NoSuchPlanDraft()
    return found


def find_open_draft(slug: str) -> PlanDraft | None:
    """Return the draft of the plan that has not ended."""
    return session.scalar(select(PlanDraft).where(PlanDraft.plan_slug == slug, PlanDraft.ended_at.is_(None)))


def lock_plan_draft(draft: PlanDraft) -> PlanDraft:
    """Read the draft again and let nobody else change it until this transaction ends."""
    return session.scalars(
        select(PlanDraft).where(PlanDraft.id == draft.id).with_for_update().execution_options(populate_existing=True)
    ).one()


def list_open_drafts() -> list[PlanDraft]:
    """Return the drafts that have not ended, by plan."""
    return list(
        session.scalars(
            select(PlanDraft)
            .where(PlanDraft.ended_at.is_(None))
            .options(joinedload(PlanDraft.based_on))
            .order_by(PlanDraft.plan_slug)
        )
    )


def list_awaiting_review(person: Person) -> list[PlanDraft]:
    """Return the drafts that somebody else than their authors is to look at, of others, with their acts, by plan."""
    return _open_with_acts(DraftState.IN_REVIEW, ~_wrote_in(person))


def list_sent_back_to(person: Person) -> list[PlanDraft]:
    """Return the drafts in which a person has written and that were sent back last, with their acts, by plan."""
    found = _open_with_acts(DraftState.WRITING, _wrote_in(person))
    return [each for each in found if each.acts and each.acts[-1].act is DraftAct.SENT_BACK]


def _wrote_in(person: Person) -> ColumnElement[bool]:
    return exists().where(PlanDraftAuthor.draft_id == PlanDraft.id, PlanDraftAuthor.person_id == person.id)


def _open_with_acts(state: DraftState, condition: ColumnElement[bool]) -> list[PlanDraft]:
    return list(
        session.scalars(
            select(PlanDraft)
            .where(PlanDraft.state == state, condition)
            .options(selectinload(PlanDraft.acts))
            .order_by(PlanDraft.plan_slug)
        )
    )


def list_ended_drafts() -> list[PlanDraft]:
    """Return the drafts that ended, the latest first, at most `MOST_ENDED`."""
    return list(
        session.scalars(
            select(PlanDraft)
            .where(PlanDraft.ended_at.is_not(None))
            .options(joinedload(PlanDraft.based_on), joinedload(PlanDraft.published_version))
            .order_by(PlanDraft.ended_at.desc(), PlanDraft.id.desc())
            .limit(MOST_ENDED)
        )
    )


def list_drafts_of(codes: Collection[str]) -> list[PlanDraft]:
    """Return the drafts of these codes."""
    return list(session.scalars(select(PlanDraft).where(PlanDraft.code.in_(list(codes))).order_by(PlanDraft.id)))


def spec_of_draft(draft: PlanDraft) -> PlanSpec:
    """Return the plan as the draft has it, finished or not."""
    return spec_of_table(draft.spec)


def title_of_draft(draft: PlanDraft, language: str) -> str:
    """Return what the plan of a draft is called in a language, or its slug as long as it has no title."""
    return spec_of_draft(draft).title.in_(language) or draft.plan_slug


def find_save(draft: PlanDraft, number: int | None) -> PlanDraftSave | None:
    """Return one save of a draft, as long as it is kept."""
    return None if number is None else session.get(PlanDraftSave, (draft.id, number))


def list_saves(draft: PlanDraft) -> list[PlanDraftSave]:
    """Return the saves of a draft that are kept, in their order."""
    return list(
        session.scalars(select(PlanDraftSave).where(PlanDraftSave.draft_id == draft.id).order_by(PlanDraftSave.number))
    )


def slug_now(draft: PlanDraft, what: What, slug: str) -> str | None:
    """Return what a part is called now that had this name in an earlier save; None where it was taken out.

    A save changes the name of one part and leaves it in its place. A name that is in use is that of its part.
    """
    known: str | None = None
    before: list[str] = []
    for save in list_saves(draft):
        now = slugs_of(spec_of_table(save.spec), what)
        if slug in now:
            known = slug
        elif known is not None and known not in now:
            is_renamed = len(now) == len(before) and sum(a != b for a, b in zip(before, now, strict=True)) == 1
            known = now[before.index(known)] if is_renamed else None
        before = now
    return known


def slugs_of(spec: PlanSpec, what: What) -> list[str]:
    """Return the names of a plan's steps, phases or events, in their order."""
    parts: Mapping[What, Sequence[StepSpec | PhaseSpec | EventSpec]] = {
        What.STEP: spec.steps,
        What.PHASE: spec.phases,
        What.EVENT: spec.events,
    }
    return [each.slug for each in parts.get(what, ())]


def find_author(draft: PlanDraft, person: Person) -> PlanDraftAuthor | None:
    """Return that the person has written in the draft, or None."""
    return session.get(PlanDraftAuthor, (draft.id, person.id))


def list_authors(drafts: Collection[PlanDraft]) -> dict[int, list[Person]]:
    """Return who has written in each draft, by its row, the first one first."""
    found: dict[int, list[Person]] = {}
    for row in session.scalars(
        select(PlanDraftAuthor)
        .where(PlanDraftAuthor.draft_id.in_([each.id for each in drafts]))
        .order_by(PlanDraftAuthor.since, PlanDraftAuthor.person_id)
    ):
        found.setdefault(row.draft_id, []).append(row.person)
    return found


def list_writers(draft: PlanDraft) -> list[Person]:
    """Return whose draft it is: who began it and who has written in it since, gone or not, the first one first."""
    written = list_authors([draft]).get(draft.id, [])
    began = accounts.list_people_of({draft.begun_by} - {each.code for each in written})
    return [*began, *written]


def list_others_present(draft: PlanDraft, person: Person) -> list[PlanDraftAuthor]:
    """Return who else writes in the draft and was heard of just now, the last one first."""
    return list(
        session.scalars(
            select(PlanDraftAuthor)
            .where(
                PlanDraftAuthor.draft_id == draft.id,
                PlanDraftAuthor.person_id != person.id,
                PlanDraftAuthor.seen_at > clock.now() - PRESENT_WITHIN,
            )
            .order_by(PlanDraftAuthor.seen_at.desc(), PlanDraftAuthor.person_id)
        )
    )


def read_known() -> Known:
    """Return what the steps of a plan can name."""
    documents = session.scalars(
        select(Document.slug).where(Document.base_id.is_(None), ~Document.is_by_name).order_by(Document.slug)
    ).all()
    quizzes = session.scalars(select(Quiz.slug).order_by(Quiz.slug)).all()
    titles, names = catalogue.document_titles(set(documents)), catalogue.quiz_titles(quizzes)
    credentials = session.scalars(
        select(PlanVersion.credential_slug).where(PlanVersion.credential_slug.is_not(None)).distinct()
    )
    return Known(
        {slug: titles.get(slug) or Words(slug, slug) for slug in documents},
        {slug: names.get(slug) or Words(slug, slug) for slug in quizzes},
        tuple(sorted(each for each in credentials if each is not None)),
    )


def title_of(step: StepSpec, known: Known) -> Words:
    """Return what a step is called: its own title, else that of its document or quiz, else its slug."""
    if step.title is not None and (step.title.en or step.title.ja):
        return step.title
    if step.document is not None:
        return known.documents.get(step.document) or Words(step.document, step.document)
    if step.quiz is not None:
        return known.quizzes.get(step.quiz) or Words(step.quiz, step.quiz)
    return Words(step.slug, step.slug)


def list_versions_of(slug: str) -> list[PlanVersion]:
    """Return the versions of a plan with all that they say, the latest first."""
    return list(
        session.scalars(
            select(PlanVersion)
            .join(Plan)
            .where(Plan.slug == slug)
            .options(
                selectinload(PlanVersion.phases), selectinload(PlanVersion.events), selectinload(PlanVersion.steps)
            )
            .order_by(PlanVersion.id.desc())
        )
    )


def count_followers(slugs: Collection[str]) -> dict[tuple[str, str], int]:
    """Return how many people are in the middle of each version, by the plan's slug and the version's number."""
    rows = session.execute(
        select(Plan.slug, PlanVersion.number, func.count())
        .join(PlanVersion, PlanVersion.plan_id == Plan.id)
        .join(Enrollment, Enrollment.plan_version_id == PlanVersion.id)
        .where(Plan.slug.in_(list(slugs)), Enrollment.completed_at.is_(None), Enrollment.ended_at.is_(None))
        .group_by(Plan.slug, PlanVersion.number)
    )
    return {(slug, number): count for slug, number, count in rows}


def count_versions() -> dict[str, int]:
    """Return how many versions each plan has, by its slug."""
    rows = session.execute(select(Plan.slug, func.count()).join(PlanVersion).group_by(Plan.slug))
    return {row.slug: row[1] for row in rows}


def list_drafts_published(slug: str) -> dict[int, PlanDraft]:
    """Return the drafts from which versions of the plan came, by the row of the version, with their acts."""
    rows = session.scalars(
        select(PlanDraft)
        .where(PlanDraft.plan_slug == slug, PlanDraft.published_version_id.is_not(None))
        .options(selectinload(PlanDraft.acts))
    )
    return {row.published_version_id: row for row in rows if row.published_version_id is not None}
