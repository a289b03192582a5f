"""Writing drafts of plans: begun, changed edit by edit, taken back, looked at by somebody else, published."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

from sqlalchemy import delete, update
from sqlalchemy.exc import IntegrityError

from portal.accounts import queries as accounts
from portal.accounts.models import Person, Role
from portal.accounts.service.ownership import set_owner
from portal.core import clock, mail, touch
from portal.core.access import allows
from portal.core.codes import new_code
from portal.core.content import SLUG
from portal.core.db import session
from portal.core.i18n import Words
from portal.journal.service import record
from portal.training.errors import (
    NothingToUndo,
    PlanApproverWroteIt,
    PlanDraftChanged,
    PlanDraftFaulty,
    PlanDraftNotInReview,
    PlanDraftNotWritable,
    PlanDraftOpen,
    PlanDraftUnchanged,
    PlanOvertaken,
    PlanPartChanged,
    PlanPartGone,
    PlanSlugInvalid,
    PlanSlugTaken,
    PlanThereAlready,
    PlanTooLarge,
    RemarkMissing,
)
from portal.training.formats.plan_file import spec_of_table, table_of
from portal.training.models import PlanDraft, PlanDraftAct, PlanDraftAuthor, PlanDraftSave, PlanVersion
from portal.training.permissions import REVIEW_PLANS
from portal.training.queries import catalogue, plan_drafts
from portal.training.queries.plan_drafts import find_author, find_save, spec_of_draft
from portal.training.rules import EventSpec, PhaseSpec, PlanSpec, StepSpec, drafting, editing, merging
from portal.training.rules.drafting import DraftAct, DraftState
from portal.training.service import plans
from portal.training.service.owned import OWNED_KIND
from portal.training.service.plan_problems import Problem, problems_of

# The address of the page that makes a new plan.
NEW = "new"
# So many steps, phases or events are a plan; what has more is several.
MOST_PARTS = 150
# So many saves are kept to be taken back.
KEPT_SAVES = 100
# Her page says so three times a minute; more is not worth a write.
SEEN_AGAIN_AFTER = timedelta(seconds=15)


# --- Beginning -----------------------------------------------------------------------------------


def begin_new_plan(*, slug: str, title: Words, by: Person) -> PlanDraft:
    """Begin the draft of a plan that is not there yet.

    Raises `PlanSlugInvalid`, `PlanThereAlready`, `PlanDraftOpen`.
    """
    if catalogue.find_plan(slug) is not None:
        raise PlanThereAlready(slug=slug)
    spec = PlanSpec(editing.next_number(None), title, Words("", ""), None, (), ())
    return _begin(slug, spec, None, by)


def begin_next_version(*, slug: str, by: Person) -> PlanDraft:
    """Begin a draft with what the latest version says and the next number. Raises `NoSuchPlan`, `PlanDraftOpen`."""
    latest = catalogue.get_latest_version(slug)
    spec = replace(catalogue.spec_of(latest), number=editing.next_number(latest.number))
    return _begin(slug, spec, latest, by)


def begin_from_file(*, slug: str, spec: PlanSpec, by: Person) -> PlanDraft:
    """Begin a draft, of a new plan or of the next version of one, with what a file says, faults and all.

    Raises `PlanSlugInvalid`, `PlanDraftOpen` and `PlanTooLarge`.
    """
    _check_size(spec)
    return _begin(slug, spec, catalogue.find_latest_version(slug), by)


def _begin(slug: str, spec: PlanSpec, based_on: PlanVersion | None, by: Person) -> PlanDraft:
    if not SLUG.fullmatch(slug) or slug == NEW:
        raise PlanSlugInvalid(slug=slug)
    if plan_drafts.find_open_draft(slug) is not None:
        raise PlanDraftOpen()
    now = clock.now()
    draft = PlanDraft(
        code=new_code(),
        plan_slug=slug,
        based_on=based_on,
        state=DraftState.WRITING,
        begun_at=now,
        begun_by=by.code,
        revision=1,
        saved_at=now,
        saved_by=by.code,
        spec=table_of(spec),
        acts=[],
    )
    try:
        with session.begin_nested():
            session.add(draft)
    except IntegrityError as taken:
        # Somebody else began one at the same moment.
        raise PlanDraftOpen() from taken
    session.add(PlanDraftAuthor(draft_id=draft.id, person_id=by.id, since=now, seen_at=now))
    session.add(PlanDraftSave(draft_id=draft.id, number=1, at=now, by=by.code, spec=draft.spec))
    session.flush()
    record(
        "training.plan_draft_begun",
        by=by,
        subject=("plan_draft", draft.code),
        after={"plan": slug, "version": spec.number, "based_on": based_on.number if based_on else None},
    )
    return draft


# --- Writing -------------------------------------------------------------------------------------


def mark_of(thing: PlanSpec | StepSpec | PhaseSpec | EventSpec) -> str:
    """Return a mark of what a part of a plan says; a form carries it, so that nobody overwrites another's unseen.

    Of the plan itself it is that of the texts that the plan has beside its parts.
    """
    said = replace(thing, phases=(), steps=(), events=()) if isinstance(thing, PlanSpec) else thing
    return sha256(repr(said).encode()).hexdigest()[:16]


def change(*, draft: PlanDraft, edit: Callable[[PlanSpec], PlanSpec], by: Person) -> bool:
    """Change the plan of a draft as it is now, whoever saved it last, and say whether that changed anything.

    Raises `PlanDraftNotWritable`, `PlanPartGone`, `PlanTooLarge`, and what `edit` raises.
    """
    held = _hold(draft)
    before = spec_of_draft(held)
    try:
        after = edit(before)
    except editing.Gone as gone:
        raise PlanPartGone() from gone
    if after == before:
        return False
    _check_size(after)
    _save(held, after, by, undo_to=held.revision)
    return True


def put_part(
    *, draft: PlanDraft, slug: str, part: PlanSpec | StepSpec | PhaseSpec | EventSpec, was: str, by: Person
) -> bool:
    """Put a step, phase or event in the place of the one of the slug, or the plan's own texts in that of theirs.

    `was` is the mark of what the form showed. Raises what `change` raises, `PlanPartChanged` where somebody else has
    changed the same part since, and `PlanSlugTaken`.
    """

    def edit(spec: PlanSpec) -> PlanSpec:
        current = part_of(spec, part, slug)
        if current == part:
            return spec
        if mark_of(current) != was:
            whose = next(iter(accounts.list_people_of({draft.saved_by})), None)
            raise PlanPartChanged(name=whose.names if whose else draft.saved_by)
        if isinstance(part, PlanSpec):
            return replace(spec, number=part.number, title=part.title, summary=part.summary, credential=part.credential)
        taken = {each.slug for each in _parts_like(spec, part)}
        if part.slug != slug and part.slug in taken:
            raise PlanSlugTaken(slug=part.slug)
        if isinstance(part, StepSpec):
            return editing.put(spec, slug, part)
        if isinstance(part, PhaseSpec):
            return editing.put_phase(spec, slug, part)
        return editing.put_event(spec, slug, part)

    return change(draft=draft, edit=edit, by=by)


def part_of(
    spec: PlanSpec, like: PlanSpec | StepSpec | PhaseSpec | EventSpec, slug: str
) -> PlanSpec | StepSpec | PhaseSpec | EventSpec:
    """Return the part of the slug that is of the kind of `like`. Raises `editing.Gone`."""
    if isinstance(like, PlanSpec):
        return replace(spec, phases=like.phases, steps=like.steps, events=like.events)
    if isinstance(like, StepSpec):
        return editing.get_step(spec, slug)
    if isinstance(like, PhaseSpec):
        return editing.get_phase(spec, slug)
    return editing.get_event(spec, slug)


def _parts_like(
    spec: PlanSpec, part: StepSpec | PhaseSpec | EventSpec
) -> tuple[StepSpec, ...] | tuple[PhaseSpec, ...] | tuple[EventSpec, ...]:
    if isinstance(part, StepSpec):
        return spec.steps
    return spec.phases if isinstance(part, PhaseSpec) else spec.events


def undo(*, draft: PlanDraft, by: Person) -> None:
    """Go back to what the draft said before its last change, where that was the person's own.

    Raises `NothingToUndo`.
    """
    _go(draft, by, is_back=True)


def redo(*, draft: PlanDraft, by: Person) -> None:
    """Do again what the person has just taken back. Raises `NothingToUndo`."""
    _go(draft, by, is_back=False)


def _go(draft: PlanDraft, by: Person, *, is_back: bool) -> None:
    held = _hold(draft)
    last = find_save(held, held.revision)
    wanted = None if last is None or last.by != by.code else last.undo_to if is_back else last.redo_to
    target = find_save(held, wanted)
    if last is None or target is None:
        raise NothingToUndo()
    redo_to = last.number if is_back else target.redo_to
    _save(held, spec_of_table(target.spec), by, undo_to=target.undo_to, redo_to=redo_to)


def can_go(draft: PlanDraft, by: Person) -> tuple[bool, bool]:
    """Say whether the person can undo, and whether she can redo."""
    last = find_save(draft, draft.revision)
    if last is None or last.by != by.code or draft.state is not DraftState.WRITING:
        return False, False
    return last.undo_to is not None, last.redo_to is not None


def _save(held: PlanDraft, spec: PlanSpec, by: Person, *, undo_to: int | None, redo_to: int | None = None) -> None:
    now = clock.now()
    held.revision += 1
    held.spec, held.saved_at, held.saved_by = table_of(spec), now, by.code
    session.add(
        PlanDraftSave(
            draft_id=held.id,
            number=held.revision,
            at=now,
            by=by.code,
            spec=held.spec,
            undo_to=undo_to,
            redo_to=redo_to,
        )
    )
    session.execute(
        delete(PlanDraftSave).where(
            PlanDraftSave.draft_id == held.id, PlanDraftSave.number <= held.revision - KEPT_SAVES
        )
    )
    session.flush()
    _note_author(held, by)


def _check_size(spec: PlanSpec) -> None:
    if max(len(spec.steps), len(spec.phases), len(spec.events)) > MOST_PARTS:
        raise PlanTooLarge(most=MOST_PARTS)


def _hold(draft: PlanDraft) -> PlanDraft:
    held = plan_drafts.lock_plan_draft(draft)
    if held.state is not DraftState.WRITING:
        raise PlanDraftNotWritable()
    return held


def _note_author(draft: PlanDraft, by: Person) -> None:
    now = clock.now()
    author = find_author(draft, by)
    if author is not None:
        author.seen_at = now
        return
    session.add(PlanDraftAuthor(draft_id=draft.id, person_id=by.id, since=now, seen_at=now))
    session.flush()
    record("training.plan_draft_joined", by=by, subject=("plan_draft", draft.code), after={"person": by.code})


def note_present(*, draft: PlanDraft, person: Person) -> None:
    """Note that the page of somebody who writes in the draft is open; who has not written yet is nobody's concern."""
    known, now = find_author(draft, person), clock.now()
    if known is None or now - known.seen_at < SEEN_AGAIN_AFTER:
        return
    draft_id, person_id = draft.id, person.id

    def write() -> None:
        session.execute(
            update(PlanDraftAuthor)
            .where(PlanDraftAuthor.draft_id == draft_id, PlanDraftAuthor.person_id == person_id)
            .values(seen_at=now)
        )

    touch.note(write)


def take_over(*, draft: PlanDraft, by: Person) -> merging.Merged:
    """Bring what the latest version changed into a draft that was begun from an earlier one; where both changed
    something, the draft's stands. Its number becomes the next one. Raises `PlanDraftNotWritable`.
    """
    held = _hold(draft)
    latest = catalogue.find_latest_version(held.plan_slug)
    mine = spec_of_draft(held)
    if latest is None or latest.id == held.based_on_id:
        return merging.Merged(mine, ())
    theirs = catalogue.spec_of(latest)
    base = (
        catalogue.spec_of(held.based_on)
        if held.based_on is not None
        else replace(theirs, phases=(), steps=(), events=())
    )
    merged = merging.merge(base, mine, theirs)
    spec = replace(merged.spec, number=editing.next_number(latest.number))
    before = held.based_on.number if held.based_on is not None else None
    held.based_on = latest
    _save(held, spec, by, undo_to=held.revision)
    record(
        "training.plan_draft_took_over",
        by=by,
        subject=("plan_draft", held.code),
        before={"based_on": before},
        after={"based_on": latest.number},
    )
    return merging.Merged(spec, merged.both)


# --- Approval ------------------------------------------------------------------------------------


def find_problems(draft: PlanDraft) -> list[Problem]:
    """Return what is wrong with the plan of a draft."""
    latest = catalogue.find_latest_version(draft.plan_slug)
    return problems_of(spec_of_draft(draft), known=plan_drafts.read_known(), latest=latest)


def submit(*, draft: PlanDraft, said: str, by: Person) -> None:
    """Ask somebody else to approve the draft; `said` is what she should know. Whoever may approve it is told.

    Raises `PlanDraftNotWritable`, and what keeps it from being published: `PlanOvertaken`, `PlanDraftFaulty`,
    `PlanDraftUnchanged`.
    """
    held = _hold(draft)
    digest = _publishable(held)
    act = _act(held, DraftAct.SUBMITTED, digest, said, by)
    record("training.plan_draft_submitted", by=by, subject=("plan_draft", held.code), after={"digest": digest})
    _tell("training.plan_approval_waits", held, act, list_approvers(held))


def take_back(*, draft: PlanDraft, by: Person) -> None:
    """Go on writing a draft that waits for its approval. Raises `PlanDraftNotInReview`."""
    held = _hold_in_review(draft)
    _act(held, DraftAct.TAKEN_BACK, plans.digest_of(spec_of_draft(held)), "", by)
    record("training.plan_draft_taken_back", by=by, subject=("plan_draft", held.code))


def send_back(*, draft: PlanDraft, said: str, by: Person) -> None:
    """Give the draft back to its authors, who are told, with what has to change.

    Raises `PlanDraftNotInReview`, `RemarkMissing`.
    """
    held = _hold_in_review(draft)
    if not said.strip():
        raise RemarkMissing()
    act = _act(held, DraftAct.SENT_BACK, plans.digest_of(spec_of_draft(held)), said, by)
    record("training.plan_draft_sent_back", by=by, subject=("plan_draft", held.code), reason=said.strip())
    _tell("training.plan_draft_news", held, act, _others_who_wrote(held, by))


def approve(*, draft: PlanDraft, seen: str, said: str, by: Person) -> PlanVersion:
    """Approve exactly what was looked at (`seen`: its digest) and publish it as a version of the plan.

    The first version's owner is who began the draft; its authors are told. Raises `PlanDraftNotInReview`,
    `PlanApproverWroteIt`, `PlanDraftChanged`, and what `submit` raises of a plan that cannot be published.
    """
    held = _hold_in_review(draft)
    if not drafting.may_approve(by.code, {each.code for each in plan_drafts.list_writers(held)}):
        raise PlanApproverWroteIt()
    spec = spec_of_draft(held)
    if plans.digest_of(spec) != seen:
        raise PlanDraftChanged()
    digest = _publishable(held)
    is_first = catalogue.find_plan(held.plan_slug) is None
    version, _is_new = plans.create_plan_version(slug=held.plan_slug, spec=spec, by=by)
    if is_first:
        owner = next(iter(accounts.list_people_of({held.begun_by})), by)
        set_owner(kind=OWNED_KIND, code=held.plan_slug, owner=owner, by=by)
    held.published_version = version
    act = _act(held, DraftAct.APPROVED, digest, said, by)
    record(
        "training.plan_draft_approved",
        by=by,
        subject=("plan_draft", held.code),
        after={"version": version.number, "digest": digest},
        reason=said.strip() or None,
    )
    _tell("training.plan_draft_news", held, act, _others_who_wrote(held, by))
    return version


def discard(*, draft: PlanDraft, said: str, by: Person) -> None:
    """Give a draft up; it can still be read. Raises `PlanDraftNotWritable`."""
    held = _hold(draft)
    _act(held, DraftAct.DISCARDED, plans.digest_of(spec_of_draft(held)), said, by)
    record(
        "training.plan_draft_discarded",
        by=by,
        subject=("plan_draft", held.code),
        after={"plan": held.plan_slug},
        reason=said.strip() or None,
    )


def _hold_in_review(draft: PlanDraft) -> PlanDraft:
    held = plan_drafts.lock_plan_draft(draft)
    if held.state is not DraftState.IN_REVIEW:
        raise PlanDraftNotInReview()
    return held


def _publishable(held: PlanDraft) -> str:
    """Return the digest of what would be published, or raise what keeps it from being."""
    latest = catalogue.find_latest_version(held.plan_slug)
    if latest is not None and latest.id != held.based_on_id:
        raise PlanOvertaken(number=latest.number)
    spec = spec_of_draft(held)
    if any(not each.is_warning for each in problems_of(spec, known=plan_drafts.read_known(), latest=latest)):
        raise PlanDraftFaulty()
    if latest is not None and replace(spec, number=latest.number) == catalogue.spec_of(latest):
        raise PlanDraftUnchanged(number=latest.number)
    return plans.digest_of(spec)


def list_approvers(draft: PlanDraft) -> list[Person]:
    """Return who may approve the draft, or send it back: of the active approvers those who have not written in it."""
    authors = {each.code for each in plan_drafts.list_writers(draft)}
    holders = accounts.list_holders(Role.APPROVER)
    return [each for each in holders if drafting.may_approve(each.code, authors) and allows(each, REVIEW_PLANS)]


def _others_who_wrote(draft: PlanDraft, by: Person) -> list[Person]:
    return [each for each in plan_drafts.list_writers(draft) if each.id != by.id and each.is_active]


def _tell(name: str, draft: PlanDraft, act: PlanDraftAct, people: Collection[Person]) -> None:
    """Owe each of the people one mail about an act."""
    for person in people:
        mail.send_later(
            name,
            {"code": draft.code, "number": act.number, "to": person.code},
            effect_key=f"{name}:{draft.code}:{act.number}:{person.code}",
        )


def _act(held: PlanDraft, act: DraftAct, digest: str, said: str, by: Person) -> PlanDraftAct:
    state, now = drafting.after(held.state, act), clock.now()
    assert state is not None
    held.state = state
    if state in (DraftState.PUBLISHED, DraftState.DISCARDED):
        held.ended_at = now
    session.expire(held, ["acts"])
    row = PlanDraftAct(number=len(held.acts) + 1, act=act, at=now, by=by.code, said=said.strip(), digest=digest)
    held.acts.append(row)
    session.flush()
    return row
