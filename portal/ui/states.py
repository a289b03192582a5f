"""How a state looks and what it is called: a tone, a shape and a word, so that colour is never alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from portal.core.i18n import pgettext


@dataclass(frozen=True, slots=True)
class Look:
    """A state's tone (plain, quiet, action, done, soon, danger), its shape, and its word in the page's language."""

    tone: str
    shape: str
    say: Callable[[], str]

    @property
    def word(self) -> str:
        """The state in one or two words."""
        return self.say()


LOOKS = {
    # steps of a plan
    "not_started": Look("plain", "ring", lambda: pgettext("state", "Not started")),
    "in_progress": Look("action", "half", lambda: pgettext("state", "In progress")),
    "done": Look("done", "done", lambda: pgettext("state", "Done")),
    "due": Look("action", "ring", lambda: pgettext("state", "Due")),
    "soon": Look("soon", "diamond", lambda: pgettext("state", "Due soon")),
    "overdue": Look("danger", "triangle", lambda: pgettext("state", "Overdue")),
    "waiting": Look("plain", "hourglass", lambda: pgettext("state", "Waiting")),
    "waiting_late": Look("danger", "hourglass", lambda: pgettext("state", "Waiting, overdue")),
    "locked": Look("quiet", "lock", lambda: pgettext("state", "Not open yet")),
    "not_done": Look("quiet", "dashed", lambda: pgettext("state", "Not done")),
    "ended": Look("quiet", "frame", lambda: pgettext("state", "Ended")),
    "exempt": Look("plain", "bar", lambda: pgettext("state", "Exempt")),
    "set_aside": Look("quiet", "bar", lambda: pgettext("state", "Set aside")),
    "paused": Look("plain", "pause", lambda: pgettext("state", "Paused")),
    # posts of a path
    "today": Look("action", "disc", lambda: pgettext("state", "Now")),
    "ahead": Look("plain", "ring", lambda: pgettext("state", "Ahead")),
    # results
    "passed": Look("done", "done", lambda: pgettext("state", "Passed")),
    "failed": Look("plain", "cross", lambda: pgettext("state", "Not passed")),
    "submitted": Look("action", "disc", lambda: pgettext("state", "Submitted")),
    "waits_for_marking": Look("plain", "hourglass", lambda: pgettext("state", "Waits for marking")),
    "not_released": Look("plain", "hourglass", lambda: pgettext("state", "Result not released yet")),
    # texts
    "draft": Look("plain", "dashed", lambda: pgettext("state", "Draft")),
    "issued": Look("action", "half", lambda: pgettext("state", "Issued")),
    "in_force": Look("done", "disc", lambda: pgettext("state", "In force")),
    "superseded": Look("quiet", "frame", lambda: pgettext("state", "Superseded")),
    "withdrawn": Look("quiet", "cross", lambda: pgettext("state", "Withdrawn")),
    "translation_behind": Look("soon", "diamond", lambda: pgettext("state", "Translation behind")),
    # credentials
    "valid": Look("done", "done", lambda: pgettext("state", "Valid")),
    "expiring": Look("soon", "diamond", lambda: pgettext("state", "Expires soon")),
    "expired": Look("soon", "frame", lambda: pgettext("state", "Expired")),
    "revoked": Look("danger", "cross", lambda: pgettext("state", "Revoked")),
    "unknown": Look("quiet", "dashed", lambda: pgettext("state", "Unknown")),
    # people
    "active": Look("done", "disc", lambda: pgettext("state", "Active")),
    "invited": Look("plain", "dashed", lambda: pgettext("state", "Invited")),
    "deactivated": Look("quiet", "cross", lambda: pgettext("state", "Deactivated")),
    # what people are asked to confirm
    "not_asked": Look("quiet", "dashed", lambda: pgettext("state", "Not asked")),
    "asked": Look("plain", "ring", lambda: pgettext("state", "Asked")),
    "opened": Look("action", "half", lambda: pgettext("state", "Opened")),
    "confirmed": Look("done", "done", lambda: pgettext("state", "Confirmed")),
    "confirmed_older": Look("soon", "frame", lambda: pgettext("state", "Older version confirmed")),
    "declined": Look("soon", "diamond", lambda: pgettext("state", "Has a question")),
    "answered": Look("action", "diamond", lambda: pgettext("state", "Question answered")),
    "on_leave": Look("plain", "pause", lambda: pgettext("state", "On leave")),
    # background work
    "queued": Look("plain", "ring", lambda: pgettext("state", "Queued")),
    "running": Look("action", "half", lambda: pgettext("state", "Running")),
    "failed_job": Look("danger", "triangle", lambda: pgettext("state", "Failed")),
    # anything else, with a label of its own
    "info": Look("action", "disc", lambda: pgettext("state", "Note")),
    "warning": Look("soon", "diamond", lambda: pgettext("state", "Warning")),
    "danger": Look("danger", "triangle", lambda: pgettext("state", "Important")),
}


def look_of(state: str) -> Look:
    """Return the look of a state.

    Raises KeyError for a state that has none.
    """
    return LOOKS[state]
