"""Pausing, resuming and ending an obligation, and opening somebody's next cycle by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import render_template, url_for
from werkzeug import Response

from portal.accounts import queries as accounts
from portal.core.access import actor, requires
from portal.core.i18n import gettext as _
from portal.core.i18n import language
from portal.core.once import Done, submit
from portal.obligations import queries
from portal.obligations.errors import NoSuchObligation
from portal.obligations.forms import ReasonForm
from portal.obligations.models import Obligation
from portal.obligations.permissions import (
    CHANGE_OBLIGATION,
    OPEN_CYCLE,
    SEE_OBLIGATION,
    PersonOfObligation,
)
from portal.obligations.rules import Health, State
from portal.obligations.service import cycles, obligations
from portal.obligations.service.telling import tell
from portal.obligations.service.wording import REASON_LIMIT
from portal.obligations.views import blueprint


@blueprint.route("/obligations/<code>/pause", methods=["GET", "POST"])
@requires(CHANGE_OBLIGATION, on=queries.get_obligation, see=SEE_OBLIGATION, absent=NoSuchObligation)
def pause(found: Obligation) -> Response | tuple[str, int]:
    """Let no further cycle come for a while."""

    def work(reason: str) -> Done:
        obligations.pause(obligation=found, reason=reason, by=actor())
        return Done(_("The obligation is paused; no further cycle comes."), _page_of(found))

    return _with_reason(
        work,
        found,
        title=_("Pause the obligation"),
        about=_("No further cycle comes until it is resumed. Cycles that are open go on with their dates."),
        is_possible=found.state is State.IN_FORCE,
    )


@blueprint.route("/obligations/<code>/resume", methods=["GET", "POST"])
@requires(CHANGE_OBLIGATION, on=queries.get_obligation, see=SEE_OBLIGATION, absent=NoSuchObligation)
def resume(found: Obligation) -> Response | tuple[str, int]:
    """Let cycles come again."""

    def work(reason: str) -> Done:
        obligations.resume(obligation=found, reason=reason, by=actor())
        return Done(_("The obligation is in force again."), _page_of(found))

    return _with_reason(
        work,
        found,
        title=_("Resume the obligation"),
        about=_("Cycles whose day fell into the pause come on the next working day of each person."),
        is_possible=found.state is State.PAUSED,
    )


@blueprint.route("/obligations/<code>/end", methods=["GET", "POST"])
@requires(CHANGE_OBLIGATION, on=queries.get_obligation, see=SEE_OBLIGATION, absent=NoSuchObligation)
def end(found: Obligation) -> Response | tuple[str, int]:
    """End it for good."""

    def work(reason: str) -> Done:
        obligations.end(obligation=found, reason=reason, by=actor())
        return Done(_("The obligation has ended."), _page_of(found))

    return _with_reason(
        work,
        found,
        title=_("End the obligation"),
        about=_(
            "Open cycles are closed; the trainings that they opened go on. Every cycle stays recorded. What has ended "
            "cannot be taken up again."
        ),
        is_possible=found.state is not State.ENDED,
        is_grave=True,
    )


def _get_person(code: str, person: str) -> PersonOfObligation:
    return PersonOfObligation(queries.get_obligation(code), accounts.get_person(person))


@blueprint.route("/obligations/<code>/people/<person>/cycle", methods=["GET", "POST"])
@requires(OPEN_CYCLE, on=_get_person, absent=NoSuchObligation)
def open_cycle(thing: PersonOfObligation) -> Response | tuple[str, int]:
    """Open somebody's next cycle today."""
    found, person = thing.obligation, thing.person
    name = person.name_in(language())

    def work(reason: str) -> Done:
        cycles.open_now(obligation=found, person=person, reason=reason, by=actor())
        return Done(_("The next cycle of %(name)s is open.", name=name), _page_of(found))

    standing = queries.standing_of(found, person.id)
    told = tell(standing.verdict, found.latest.shape, is_overdue=standing.is_overdue) if standing else None
    return _with_reason(
        work,
        found,
        title=_("Open the next cycle"),
        about=_(
            "The cycle opens today, with a training in the latest version of the plan that can begin on a later day. "
            "Where %(name)s follows the plan already, the cycle takes that training up. The cycles go on from here.",
            name=name,
        ),
        told=told,
        name=name,
        is_possible=standing is not None and standing.verdict.health is not Health.OPEN,
    )


def _page_of(found: Obligation) -> str:
    return url_for("obligations.obligation", code=found.code)


def _with_reason(
    work: Callable[[str], Done], found: Obligation, *, title: str, about: str, is_possible: bool, **values: Any
) -> Response | tuple[str, int]:
    form = ReasonForm()
    answer = submit(form, lambda: work(form.reason.data or ""))
    if isinstance(answer, Response):
        return answer
    page = render_template(
        "obligations/reason.html",
        form=form,
        title=title,
        about=about,
        is_possible=is_possible,
        obligation=str(found.title),
        back=_page_of(found),
        limit=REASON_LIMIT,
        **({"is_grave": False, "told": None, "name": None} | values),
    )
    return page, answer
