"""The approval of drafts: submitted, remarked on, sent back or approved by others, published at once or on its day."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

from portal.accounts import queries as accounts
from portal.accounts.models import Person, Role
from portal.calendars.service.absences import is_away
from portal.core import clock, jobs, mail
from portal.core.access import allows
from portal.core.codes import new_code
from portal.core.db import session
from portal.core.errors import DomainError
from portal.core.i18n import language
from portal.core.texts import is_blank
from portal.journal.service import record
from portal.library import queries
from portal.library.errors import (
    AlreadySettled,
    ApprovedBefore,
    ApproverTwice,
    ApproverWroteIt,
    ChangeClassTooLight,
    ChangeClassUnconfirmed,
    DeputyIsApprover,
    DraftChanged,
    DraftEnded,
    DraftNotReady,
    DraftNotSubmitted,
    DraftNotWriting,
    NoApprover,
    NobodyCanApprove,
    NobodyCanTakeStep,
    NotTheirTurn,
    RemarkMissing,
    RemarkTooLong,
    SendingBackReasonMissing,
)
from portal.library.events import VersionPublished
from portal.library.models import (
    GROUPS,
    ApprovalStep,
    ChangeClass,
    Document,
    DocumentVersion,
    Draft,
    DraftComment,
    DraftReview,
    DraftState,
    Origin,
    ReviewAct,
)
from portal.library.permissions import REVIEW_DRAFT
from portal.library.queries import drafts
from portal.library.rules import drafts as rules
from portal.library.rules.drafts import Approval, Refusal, Step, Verdict
from portal.library.service import lint, overlays, versions
from portal.library.service.documents import OWNED_KIND, set_audience

# Under which kind the journal knows a draft.
DRAFT_KIND = "draft"
# Room for a page of words.
REMARK_LIMIT = 4000
# A publication that fails is tried for four hours before somebody is asked to look.
PUBLISH_JOB = "library.publish_draft"
# Who acts where the product does by itself.
SYSTEM = "system"


class Outcome(StrEnum):
    """What an approval led to."""

    NEXT_STEP = "next_step"
    SCHEDULED = "scheduled"
    PUBLISHED = "published"
    OUTDATED = "outdated"


@dataclass(frozen=True, slots=True)
class Approved:
    """What an approval led to, with the version where it led to one."""

    outcome: Outcome
    version: DocumentVersion | None = None


# --- how it stands ------------------------------------------------------------------------------


def chain_of(steps: Sequence[ApprovalStep]) -> list[Step]:
    """Return a chain of approvers as the rules know it."""
    return [Step(each.position, each.approver.code, each.deputy.code if each.deputy else None) for each in steps]


def given_for(draft: Draft) -> list[Approval]:
    """Return the approvals of the present submission as the rules know them."""
    return [Approval(review.by, review.step) for review in drafts.approvals_of(draft)]


def verdict_for(draft: Draft, person: Person, *, steps: Sequence[ApprovalStep], authors: Collection[str]) -> Verdict:
    """Say whether a person who may approve drafts may approve this one now."""
    return rules.may_approve(
        person.code, state=draft.state.value, authors=authors, chain=chain_of(steps), given=given_for(draft)
    )


def list_waiting_for(person: Person) -> list[Draft]:
    """Return the drafts that this person could approve now, the one that waits longest first."""
    waiting = [draft for draft in drafts.list_waiting_drafts() if allows(person, REVIEW_DRAFT, draft)]
    if not waiting:
        return []
    chains = drafts.list_chains({draft.document_id for draft in waiting})
    authors = drafts.list_author_codes(waiting)
    return [
        draft
        for draft in waiting
        if verdict_for(draft, person, steps=chains.get(draft.document_id, []), authors=authors[draft.id]).refusal
        is None
    ]


def approvers_now(draft: Draft, steps: Sequence[ApprovalStep], authors: Collection[str]) -> list[Person]:
    """Return who could approve a submitted draft now: the next of its chain and the deputy, or every approver."""
    step = rules.next_step(chain_of(steps), given_for(draft))
    if steps:
        here = next((each for each in steps if step is not None and each.position == step.position), None)
        people = [] if here is None else [here.approver, *([here.deputy] if here.deputy else [])]
    else:
        people = accounts.list_holders(Role.APPROVER)
    out = {*authors, *(approval.by for approval in given_for(draft))}
    return [
        person
        for person in people
        if person.is_active and person.code not in out and allows(person, REVIEW_DRAFT, draft)
    ]


# --- submitting ---------------------------------------------------------------------------------


def submit_draft(*, draft: Draft, by: Person) -> DraftReview:
    """Put a draft before its approvers; from now on its texts stay as they are until it comes back.

    Raises `DraftNotWriting`, `DraftNotReady` where the lint stops it, `NobodyCanApprove` or `NobodyCanTakeStep`.
    """
    draft = drafts.hold_draft(draft)
    if rules.after(draft.state.value, ReviewAct.SUBMITTED) is None:
        raise DraftNotWriting()
    if any(told.stops for told in lint.examine(draft)):
        raise DraftNotReady()
    steps, authors = drafts.list_chain(draft.document), _author_codes(draft)
    closed = rules.steps_without_approver(chain_of(steps), authors)
    if closed:
        raise NobodyCanTakeStep(step=closed[0])
    review = _act(draft, ReviewAct.SUBMITTED, by=by, clauses=overlays.clause_map(draft))
    people = approvers_now(draft, steps, authors)
    if not people and not steps:
        raise NobodyCanApprove()
    _ask(draft, review, steps, people)
    record("library.draft_submitted", by=by, subject=(DRAFT_KIND, draft.code), after=_facts(draft, review))
    return review


def take_back_draft(*, draft: Draft, by: Person) -> None:
    """Take a draft back from its approvers, or from its day of publication, to go on writing.

    Raises `DraftNotSubmitted`.
    """
    draft = drafts.hold_draft(draft)
    if rules.after(draft.state.value, ReviewAct.TAKEN_BACK) is None:
        raise DraftNotSubmitted()
    review = _act(draft, ReviewAct.TAKEN_BACK, by=by)
    record("library.draft_taken_back", by=by, subject=(DRAFT_KIND, draft.code), after=_facts(draft, review))


# --- the approvers' acts ------------------------------------------------------------------------


def send_back_draft(*, draft: Draft, reason: str, proposed_class: ChangeClass | None = None, by: Person) -> None:
    """Give a draft back to its author with what has to change, and perhaps another change class.

    Raises `SendingBackReasonMissing`, `RemarkTooLong`, `DraftNotSubmitted`, or `ApproverWroteIt`.
    """
    if is_blank(reason):
        raise SendingBackReasonMissing()
    _check_length(reason)
    draft = drafts.hold_draft(draft)
    if rules.after(draft.state.value, ReviewAct.SENT_BACK) is None:
        raise DraftNotSubmitted()
    if by.code in _author_codes(draft):
        raise ApproverWroteIt()
    review = _act(draft, ReviewAct.SENT_BACK, by=by, reason=reason.strip(), change_class=proposed_class)
    _tell_author(draft, review)
    record(
        "library.draft_sent_back",
        by=by,
        subject=(DRAFT_KIND, draft.code),
        after=_facts(draft, review),
        reason=review.reason,
    )


def approve_draft(*, draft: Draft, seen: str, confirmed: ChangeClass | None, by: Person) -> Approved:
    """Approve exactly what the approver has seen (by its hash) and confirm its change class.

    The last approval publishes at once, or on the proposed day. Where another version of the document was published
    since, nothing is approved: the draft goes back to its author as outdated. Raises `DraftNotSubmitted`,
    `ApproverWroteIt`, `ApprovedBefore`, `NotTheirTurn`, `DraftChanged`, `ChangeClassUnconfirmed` or
    `ChangeClassTooLight`.
    """
    document = drafts.hold_document(draft.document)
    draft = drafts.hold_draft(draft)
    steps, authors = drafts.list_chain(document), _author_codes(draft)
    verdict = verdict_for(draft, by, steps=steps, authors=authors)
    if verdict.refusal is not None:
        raise _refused(verdict.refusal, draft, steps, authors)
    if drafts.hash_of_draft(draft) != seen:
        raise DraftChanged()
    if draft.change_class is None or confirmed is not draft.change_class:
        raise ChangeClassUnconfirmed()
    if _is_outdated(draft, document):
        _outdate(draft, base=_base_that_moved(draft, document))
        return Approved(Outcome.OUTDATED)
    _check_class(draft)
    given = [*given_for(draft), Approval(by.code, verdict.step)]
    complete = rules.is_complete(chain_of(steps), given)
    review = _act(
        draft,
        ReviewAct.APPROVED,
        by=by,
        change_class=confirmed,
        step=verdict.step,
        instead_of=verdict.instead_of,
        moves=complete,
    )
    record("library.draft_approved", by=by, subject=(DRAFT_KIND, draft.code), after=_facts(draft, review))
    if not complete:
        _ask(draft, review, steps, approvers_now(draft, steps, authors))
        return Approved(Outcome.NEXT_STEP)
    if draft.issue_at is not None and draft.issue_at > clock.now():
        # One for each approval: a draft that was taken back and approved anew owes its publication anew.
        jobs.enqueue(
            PUBLISH_JOB,
            {"code": draft.code, "hash": review.hash},
            effect_key=f"{PUBLISH_JOB}:{draft.code}:{review.number}:{review.hash[:16]}",
            run_after=draft.issue_at,
            requested_by=by.code,
        )
        _tell_author(draft, review)
        return Approved(Outcome.SCHEDULED)
    return Approved(Outcome.PUBLISHED, _publish(draft, document, approval=review, approver=by, on_schedule=False))


def publish_draft(*, draft: Draft, approved_hash: str) -> DocumentVersion | None:
    """Publish an approved draft on its day, however late; None where it is not (or no more) to be published.

    It is done by the product itself, on the word of its last approver. Raises `ChangeClassTooLight`, for whoever looks
    after failed jobs, where a version was withdrawn since and the class asks nobody about what it had changed.
    """
    document = drafts.hold_document(draft.document)
    draft = drafts.hold_draft(draft)
    approvals = drafts.approvals_of(draft)
    if rules.after(draft.state.value, ReviewAct.PUBLISHED) is None or not approvals:
        return None
    approval = approvals[-1]
    is_due = draft.issue_at is None or draft.issue_at <= clock.now()
    if not is_due or approved_hash != approval.hash or drafts.hash_of_draft(draft) != approval.hash:
        return None
    if _is_outdated(draft, document):
        _outdate(draft, base=_base_that_moved(draft, document))
        return None
    _check_class(draft)
    approver = accounts.get_person(approval.by)
    return _publish(draft, document, approval=approval, approver=approver, on_schedule=True)


def _check_class(draft: Draft) -> None:
    """See to it that nobody is left unasked: a version may have been withdrawn since the draft was submitted."""
    if draft.change_class in (ChangeClass.EDITORIAL, ChangeClass.MINOR):
        kept = lint.carried_over_by(draft)
        if kept:
            raise ChangeClassTooLight(ids=", ".join(kept))


def _publish(
    draft: Draft, document: Document, *, approval: DraftReview, approver: Person, on_schedule: bool
) -> DocumentVersion:
    assert draft.change_class is not None
    if draft.audience is not None:
        # First: whoever is asked about the version is asked because she is among its audience.
        set_audience(
            document=document,
            audience={kind: draft.audience.get(kind.value, []) for kind in GROUPS},
            by=None if on_schedule else approver,
            draft_code=draft.code,
        )
    version = versions.publish_version(
        document=document,
        number=draft.number,
        change_class=draft.change_class,
        effective_at=draft.effective_at,
        zone=draft.zone,
        texts=overlays.texts_of_draft(draft),
        based_on=draft.based_on.number if draft.based_on else None,
        over=draft.over,
        author=accounts.get_person(draft.begun_by),
        approver=approver,
        approved_at=approval.at,
        provisional_reason=draft.provisional_reason,
        draft_code=draft.code,
        on_schedule=on_schedule,
    )
    draft.published_version_id, draft.ended_at = version.id, clock.now()
    review = _act(draft, ReviewAct.PUBLISHED, by=None if on_schedule else approver)
    _tell_author(draft, review)
    record(
        "library.draft_published",
        by=None if on_schedule else approver,
        subject=(DRAFT_KIND, draft.code),
        after={**_facts(draft, review), "hash": version.hash},
    )
    return version


def outdate_drafts(event: VersionPublished) -> None:
    """Give the drafts back that wait for an approval, or for their day, and that a new version has overtaken."""
    version = queries.find_version_by_id(event.version_id)
    for draft in drafts.list_overtaken(event.document_id, event.version_id, event.draft_code):
        # What followed by itself says what the draft was begun from, over a newer base.
        followed = (
            version is not None and version.origin is Origin.FOLLOWED and draft.based_on_id == version.based_on_id
        )
        outdate_draft(drafts.hold_draft(draft), base=version.over if version is not None and followed else None)


def outdate_draft(draft: Draft, *, base: DocumentVersion | None = None, tells: bool = True) -> None:
    """Give a draft back that waits for an approval or for its day, because what it rests on has moved.

    `base` is the version of its base that came; without one another version of its document did. Its author is told,
    unless she is by another mail.
    """
    if rules.after(draft.state.value, ReviewAct.OUTDATED) is not None:
        _outdate(draft, base=base, tells=tells)


def _is_outdated(draft: Draft, document: Document) -> bool:
    latest = queries.latest_version(document)
    return draft.based_on_id != (latest.id if latest else None) or overlays.has_base_moved(draft)


def _outdate(draft: Draft, *, base: DocumentVersion | None, tells: bool = True) -> None:
    review = _act(draft, ReviewAct.OUTDATED, by=None, reason=base.number if base is not None else "")
    if tells:
        _tell_author(draft, review)
    facts = _facts(draft, review)
    if base is None:
        record("library.draft_outdated", by=None, subject=(DRAFT_KIND, draft.code), after=facts)
    else:
        after = facts | {"base_version": base.number}
        record("library.draft_came_back", by=None, subject=(DRAFT_KIND, draft.code), after=after)


def _base_that_moved(draft: Draft, document: Document) -> DocumentVersion | None:
    """Return the version of its base that keeps a draft from being published; None where one of its own does."""
    latest = queries.latest_version(document)
    if document.base is None or draft.based_on_id != (latest.id if latest else None):
        return None
    return overlays.followed_version(document.base)


def _refused(refusal: Refusal, draft: Draft, steps: Sequence[ApprovalStep], authors: Collection[str]) -> DomainError:
    match refusal:
        case Refusal.NOT_IN_REVIEW:
            return DraftNotSubmitted()
        case Refusal.WROTE_IT:
            return ApproverWroteIt()
        case Refusal.APPROVED_BEFORE:
            return ApprovedBefore()
        case Refusal.NOT_HER_TURN:
            names = [person.name_in(language()) for person in approvers_now(draft, steps, authors)]
            return NotTheirTurn(names=", ".join(names) or "–")


# --- remarks ------------------------------------------------------------------------------------


def comment_on_draft(*, draft: Draft, anchor: str, language: str, body: str, by: Person) -> DraftComment:
    """Remark on a clause of a draft ("" for the whole of it) as it reads in a language.

    A clause that is not there any more when the remark arrives is taken as the whole. Raises `RemarkMissing`,
    `RemarkTooLong` or `DraftEnded`.
    """
    if is_blank(body):
        raise RemarkMissing()
    _check_length(body)
    draft = drafts.hold_draft(draft)
    if not _is_open(draft):
        raise DraftEnded()
    text = overlays.text_of_draft(draft, language)
    known = drafts.clauses_in(text.source) if text is not None else {}
    comment = DraftComment(
        code=new_code(),
        draft=draft,
        anchor=anchor if anchor in known else "",
        language=language,
        body=body.strip(),
        at=clock.now(),
        person=by,
    )
    session.add(comment)
    session.flush()
    record(
        "library.draft_commented",
        by=by,
        subject=(DRAFT_KIND, draft.code),
        after={"clause": comment.anchor, "comment": comment.code},
    )
    return comment


def settle_comment(*, draft: Draft, code: str, by: Person) -> None:
    """Note that what a remark asked for is done or answered; it stays readable. Raises `AlreadySettled`."""
    draft = drafts.hold_draft(draft)
    comment = drafts.get_comment(draft, code)
    if not _is_open(draft):
        raise DraftEnded()
    if comment.settled_at is not None:
        raise AlreadySettled()
    comment.settled_at, comment.settled_by = clock.now(), by.code
    record(
        "library.comment_settled",
        by=by,
        subject=(DRAFT_KIND, draft.code),
        after={"clause": comment.anchor, "comment": comment.code},
    )


# --- the chain ----------------------------------------------------------------------------------


def set_approval_chain(*, document: Document, steps: Sequence[tuple[Person, Person | None]], by: Person) -> bool:
    """Set who approves a document, one after the other, each with a deputy; no step at all: any one approver.

    Approvals already given keep the number of their step. Returns whether that is new. Raises `NoApprover`,
    `ApproverTwice` or `DeputyIsApprover`.
    """
    document = drafts.hold_document(document)
    seen: set[str] = set()
    for approver, deputy in steps:
        for person in (approver, deputy):
            if person is not None and not (person.is_active and allows(person, REVIEW_DRAFT, document)):
                raise NoApprover(name=person.name_in(language()))
        if deputy is not None and deputy.code == approver.code:
            raise DeputyIsApprover(name=deputy.name_in(language()))
        if approver.code in seen:
            raise ApproverTwice(name=approver.name_in(language()))
        seen.add(approver.code)
    known = {row.position: row for row in drafts.list_chain(document)}
    before = _chain_facts(list(known.values()))
    now = clock.now()
    fresh = []
    for position, (approver, deputy) in enumerate(steps, start=1):
        row = known.get(position)
        if row is not None and (row.approver_id, row.deputy_id) == (approver.id, deputy.id if deputy else None):
            del known[position]
            continue
        fresh.append(
            ApprovalStep(
                document_id=document.id, position=position, approver=approver, deputy=deputy, since=now, set_by=by.code
            )
        )
    if not fresh and not known:
        return False
    for row in known.values():
        row.ended_at = now
    # What ends leaves its place before what is new takes it.
    session.flush()
    session.add_all(fresh)
    session.flush()
    record(
        "library.approval_steps_set",
        by=by,
        subject=(OWNED_KIND, document.slug),
        before=before,
        after=_chain_facts(drafts.list_chain(document)),
    )
    return True


def _chain_facts(steps: Sequence[ApprovalStep]) -> dict[str, list[str]]:
    return {
        "approvers": [each.approver.code for each in steps],
        "deputies": [each.deputy.code for each in steps if each.deputy],
    }


# --- what they share ----------------------------------------------------------------------------


def _is_open(draft: Draft) -> bool:
    return draft.state.value in rules.OPEN


def _author_codes(draft: Draft) -> set[str]:
    return {person.code for person in drafts.list_authors(draft)} | {draft.begun_by}


def _check_length(text: str) -> None:
    if len(text) > REMARK_LIMIT:
        raise RemarkTooLong(limit=REMARK_LIMIT)


def _act(
    draft: Draft,
    act: ReviewAct,
    *,
    by: Person | None,
    reason: str = "",
    clauses: dict[str, dict[str, str]] | None = None,
    change_class: ChangeClass | None = None,
    step: int | None = None,
    instead_of: str | None = None,
    moves: bool = True,
) -> DraftReview:
    """Note an act and move the draft to the state after it; an approval that is not the last moves nothing."""
    state = rules.after(draft.state.value, act)
    assert state is not None
    if moves:
        draft.state = DraftState(state)
    review = DraftReview(
        draft=draft,
        number=max((each.number for each in draft.reviews), default=0) + 1,
        act=act,
        at=clock.now(),
        by=by.code if by else SYSTEM,
        reason=reason,
        hash=drafts.hash_of_draft(draft),
        clauses=clauses,
        change_class=change_class,
        step=step,
        instead_of=instead_of,
    )
    session.add(review)
    session.flush()
    return review


def _facts(draft: Draft, review: DraftReview) -> dict[str, object]:
    facts: dict[str, object] = {
        "document": draft.document.slug,
        "version": draft.number,
        "change_class": draft.change_class.value if draft.change_class else None,
        "text_hash": review.hash,
    }
    if review.change_class is not None and review.act is ReviewAct.SENT_BACK:
        facts["proposed_class"] = review.change_class.value
    if review.step is not None:
        facts["step"] = review.step
    if review.instead_of is not None:
        facts["instead_of"] = review.instead_of
    return facts


def _ask(draft: Draft, review: DraftReview, steps: Sequence[ApprovalStep], people: Sequence[Person]) -> None:
    """Owe a mail to whose turn it is; in a chain the deputy gets one where the approver cannot, or is away."""
    if steps and people:
        step = rules.next_step(chain_of(steps), given_for(draft))
        first = [each for each in people if step is not None and each.code == step.approver]
        people = first if first and not is_away(first[0].id, clock.today(first[0].time_zone)) else people
    for person in people:
        mail.send_later(
            "library.approval_waits",
            {"code": draft.code, "number": review.number, "to": person.code},
            effect_key=f"library.approval_waits:{draft.code}:{review.number}:{person.code}",
        )


def _tell_author(draft: Draft, review: DraftReview) -> None:
    """Owe the author a mail about what became of the draft."""
    mail.send_later(
        "library.draft_news",
        {"code": draft.code, "number": review.number},
        effect_key=f"library.draft_news:{draft.code}:{review.number}",
    )
