"""Leaving sessions: whoever does not go on in a plan is expected at none of its sessions any more."""

from __future__ import annotations

from portal.accounts.models import Person
from portal.core.mail import send_later
from portal.journal.service import record
from portal.training.models import Enrollment
from portal.training.queries import live_sessions


def leave_sessions(*, enrollment: Enrollment, by: Person) -> None:
    """Note that a learner whose training has just ended is expected no more at the sessions ahead of her.

    Whoever planned one of them is told by mail, unless it is she who acts.
    """
    assert enrollment.ended_at is not None
    for each in live_sessions.list_left(enrollment, enrollment.ended_at):
        record(
            "training.session_left",
            by=by,
            subject=("training_session", each.code),
            after={"person": enrollment.person.code},
        )
        if each.created_by_id != by.id:
            send_later(
                "training.session_left",
                {"session": each.code, "code": enrollment.code},
                effect_key=f"session_left:{each.code}:{enrollment.code}",
            )
