"""The life of a draft of a plan: which act may follow which, and who may approve it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum


class DraftState(StrEnum):
    """Written, looked at by somebody else, and how it ended."""

    WRITING = "writing"
    IN_REVIEW = "in_review"
    PUBLISHED = "published"
    DISCARDED = "discarded"


class DraftAct(StrEnum):
    """What was done about a draft."""

    SUBMITTED = "submitted"
    TAKEN_BACK = "taken_back"
    SENT_BACK = "sent_back"
    APPROVED = "approved"
    DISCARDED = "discarded"


# (state, act) → the state after it; what is not here is refused. An approval publishes at once.
ACTS: Mapping[tuple[DraftState, DraftAct], DraftState] = {
    (DraftState.WRITING, DraftAct.SUBMITTED): DraftState.IN_REVIEW,
    (DraftState.WRITING, DraftAct.DISCARDED): DraftState.DISCARDED,
    (DraftState.IN_REVIEW, DraftAct.TAKEN_BACK): DraftState.WRITING,
    (DraftState.IN_REVIEW, DraftAct.SENT_BACK): DraftState.WRITING,
    (DraftState.IN_REVIEW, DraftAct.APPROVED): DraftState.PUBLISHED,
}


def after(state: DraftState, act: DraftAct) -> DraftState | None:
    """Return the state after an act, or None where the act is refused in this state."""
    return ACTS.get((state, act))


def may_approve(person: str, authors: Collection[str]) -> bool:
    """Say whether a person (by her code), who holds the permission, may approve: not what she has written in."""
    return person not in authors
