"""What is done with many certificates at once: kinds, what becomes of each, how far the whole is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum

from portal.certificates.rules import State

# More than any cohort has; above it the page, the archive and the print file get unwieldy.
MAX_ITEMS = 5000
# A print file is kept for so long, and made again whenever somebody wants it.
KEPT = timedelta(days=7)


class BatchKind(StrEnum):
    """What is done with each certificate of a batch."""

    ISSUE = "issue"
    RENEW = "renew"
    REVOKE = "revoke"
    ZIP = "zip"
    PRINT = "print"


# These change nothing about a certificate: its files are taken.
FILES = frozenset({BatchKind.ZIP, BatchKind.PRINT})
# These issue what was earned.
ISSUES = frozenset({BatchKind.ISSUE, BatchKind.RENEW})


class FileLanguages(StrEnum):
    """In which languages files are taken."""

    ENGLISH = "en"
    JAPANESE = "ja"
    BOTH = "both"
    # Of each certificate in the language in which its holder uses the portal.
    HOLDER = "holder"


class Act(StrEnum):
    """What somebody did with a batch after it was asked for, or what became of it."""

    CONFIRMED = "confirmed"
    DECLINED = "declined"
    TAKEN_BACK = "taken_back"
    CANCELLED = "cancelled"
    RESUMED = "resumed"
    FINISHED = "finished"


class Outcome(StrEnum):
    """What became of one line of a batch."""

    DONE = "done"
    # Nothing was owed any more when its turn came.
    NOT_EARNED = "not_earned"
    REFUSED = "refused"


class BatchState(StrEnum):
    """How a batch stands."""

    ASKED = "asked"
    DECLINED = "declined"
    TAKEN_BACK = "taken_back"
    QUEUED = "queued"
    RUNNING = "running"
    # Its worker is gone; another one goes on with it.
    INTERRUPTED = "interrupted"
    CANCELLED = "cancelled"
    FAILED = "failed"
    FINISHED = "finished"


# In these a worker is at it, or will be.
UNDER_WAY = frozenset({BatchState.QUEUED, BatchState.RUNNING, BatchState.INTERRUPTED})
# From these it can go on with what is left.
CAN_GO_ON = frozenset({BatchState.CANCELLED, BatchState.FAILED})

# What can be relied on, or could be lately: the others are left out of files unless all are wanted.
IN_FORCE = frozenset({State.VALID, State.EXPIRING, State.IN_GRACE, State.POLICY_SUPERSEDED})

_OF_JOB = {
    "created": BatchState.QUEUED,
    "running": BatchState.RUNNING,
    "interrupted": BatchState.INTERRUPTED,
    "failed": BatchState.FAILED,
    "cancelled": BatchState.CANCELLED,
}
_OF_ACT = {
    Act.DECLINED: BatchState.DECLINED,
    Act.TAKEN_BACK: BatchState.TAKEN_BACK,
    Act.CANCELLED: BatchState.CANCELLED,
    Act.FINISHED: BatchState.FINISHED,
}


def state_of(kind: BatchKind, acts: Sequence[Act], job: str | None) -> BatchState:
    """Return how a batch stands: by its last act, and while it is under way by the state of its job.

    Without a job it has failed: what should carry it out is gone.
    """
    last = acts[-1] if acts else None
    if last is None and kind is BatchKind.REVOKE:
        return BatchState.ASKED
    if last in _OF_ACT:
        return _OF_ACT[last]
    return _OF_JOB.get(job or "", BatchState.FAILED)


def languages_of(wanted: FileLanguages, holder: str) -> tuple[str, ...]:
    """Return in which languages the files of one certificate are taken; `holder` is the language of its holder."""
    match wanted:
        case FileLanguages.BOTH:
            return ("en", "ja")
        case FileLanguages.HOLDER:
            return (holder if holder in ("en", "ja") else "ja",)
    return (wanted.value,)
