"""Steps of plans as what rests on a person's results: once done, they stay done."""

from __future__ import annotations

from flask import url_for

from portal.accounts.models import Person
from portal.core import clock
from portal.core.access import actor, allows
from portal.core.i18n import lazy_gettext as _l
from portal.gradebook.service.rests import Rest
from portal.training import queries
from portal.training.permissions import SEE_ENROLLMENT


def steps_of(person: Person) -> list[Rest]:
    """Return the quiz steps that the person has done, the newest first, with what completed each."""
    viewer = actor()
    return [
        Rest(
            what=_l("Step of a training plan, done"),
            title=enrollment.version.title,
            on=clock.local_date(row.completed_at, enrollment.market.time_zone),
            attempts=frozenset({row.attempt_code} if row.attempt_code else ()),
            decisions=frozenset(
                {row.score_entry.decision.code} if row.score_entry and row.score_entry.decision else ()
            ),
            href=url_for("training.path", code=enrollment.code)
            if viewer is not None and allows(viewer, SEE_ENROLLMENT, enrollment)
            else None,
        )
        for row, enrollment in queries.list_quiz_completions(person.id)
    ]
