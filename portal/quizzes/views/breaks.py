"""The learner's break: the clock runs again when she goes on."""

from __future__ import annotations

from flask import redirect, url_for
from werkzeug.wrappers import Response

from portal.core.access import actor, requires
from portal.core.transaction import transaction
from portal.quizzes import queries
from portal.quizzes.models import Attempt
from portal.quizzes.permissions import TAKE_ATTEMPT
from portal.quizzes.service import attempts as service
from portal.quizzes.views import blueprint


@blueprint.post("/attempts/<code>/break-end")
@requires(TAKE_ATTEMPT, on=queries.get_attempt)
def end_break(attempt: Attempt) -> Response:
    """Let the clock run again and go on; a break that is over already leads on too."""
    person, code = actor(), attempt.code
    with transaction():
        service.end_break(attempt=attempt, person=person)
    return redirect(url_for("quizzes.attempt", code=code), 303)
