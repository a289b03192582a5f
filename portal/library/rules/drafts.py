"""The life of a draft: which act may follow which, who may approve it, and whose turn it is."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

WRITING, IN_REVIEW, APPROVED, PUBLISHED, DISCARDED = "writing", "in_review", "approved", "published", "discarded"
OPEN = (WRITING, IN_REVIEW, APPROVED)

# (state, act) → the state after it; what is not here is refused. `approved` is the approval that completes the
# chain: one before it leaves the draft in review.
ACTS: Mapping[tuple[str, str], str] = {
    (WRITING, "submitted"): IN_REVIEW,
    (WRITING, "discarded"): DISCARDED,
    (IN_REVIEW, "taken_back"): WRITING,
    (IN_REVIEW, "sent_back"): WRITING,
    (IN_REVIEW, "outdated"): WRITING,
    (IN_REVIEW, "approved"): APPROVED,
    (APPROVED, "taken_back"): WRITING,
    (APPROVED, "sent_back"): WRITING,
    (APPROVED, "outdated"): WRITING,
    (APPROVED, "published"): PUBLISHED,
}


def after(state: str, act: str) -> str | None:
    """Return the state after an act, or None where the act is refused in this state."""
    return ACTS.get((state, act))


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a chain of approvers, by the codes of its people."""

    position: int
    approver: str
    deputy: str | None = None


@dataclass(frozen=True, slots=True)
class Approval:
    """One approval of this submission: by whom, and which step of the chain it was (None: there was no chain)."""

    by: str
    step: int | None = None


def next_step(chain: Sequence[Step], given: Collection[Approval]) -> Step | None:
    """Return the step of the chain whose turn it is, or None when all are taken (or there is no chain)."""
    taken = {approval.step for approval in given}
    return next((step for step in sorted(chain, key=lambda each: each.position) if step.position not in taken), None)


def is_complete(chain: Sequence[Step], given: Collection[Approval]) -> bool:
    """Say whether every step of the chain has been approved; without a chain one approval is enough."""
    return bool(given) and next_step(chain, given) is None


class Refusal(StrEnum):
    """Why somebody cannot approve."""

    NOT_IN_REVIEW = "not_in_review"
    WROTE_IT = "wrote_it"
    APPROVED_BEFORE = "approved_before"
    NOT_HER_TURN = "not_her_turn"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether somebody may approve: as which step, instead of whom, or why not."""

    refusal: Refusal | None = None
    step: int | None = None
    instead_of: str | None = None


def may_approve(
    person: str, *, state: str, authors: Collection[str], chain: Sequence[Step], given: Collection[Approval]
) -> Verdict:
    """Say whether a person (by her code), who holds the permission, may approve a draft now.

    Nobody approves what she has written in, and nobody two steps of one submission. In a chain only the approver
    whose turn it is may, or her deputy.
    """
    if state != IN_REVIEW:
        return Verdict(Refusal.NOT_IN_REVIEW)
    if person in authors:
        return Verdict(Refusal.WROTE_IT)
    if any(approval.by == person for approval in given):
        return Verdict(Refusal.APPROVED_BEFORE)
    step = next_step(chain, given)
    if step is None:
        return Verdict() if not chain else Verdict(Refusal.NOT_HER_TURN)
    if person == step.approver:
        return Verdict(step=step.position)
    if person == step.deputy:
        return Verdict(step=step.position, instead_of=step.approver)
    return Verdict(Refusal.NOT_HER_TURN)


def steps_without_approver(chain: Sequence[Step], authors: Collection[str]) -> list[int]:
    """Return the steps at which everybody has written in the draft, so that nobody could approve it."""
    return [
        step.position
        for step in sorted(chain, key=lambda each: each.position)
        if step.approver in authors and (step.deputy is None or step.deputy in authors)
    ]
