"""Accepting by name that something will have no owner when somebody goes."""

from __future__ import annotations

from typing import Any

from flask import render_template, request, url_for
from werkzeug import Response

from portal.accounts import queries as accounts
from portal.accounts.models import Person
from portal.accounts.permissions import SEE_PERSON
from portal.core.access import actor, requires
from portal.core.errors import DomainError
from portal.core.i18n import format_instant, language, ngettext
from portal.core.i18n import gettext as _
from portal.core.once import Done, carry_out
from portal.handover import errors
from portal.handover.forms import OrphansForm
from portal.handover.models import OrphanAcceptance
from portal.handover.permissions import ACCEPT_ORPHANS
from portal.handover.queries import handovers
from portal.handover.queries import orphans as queries
from portal.handover.service import orphans as service
from portal.handover.service.guards import ACCEPTING, AcceptedByTwo
from portal.handover.service.inventory import Thing, live_things
from portal.handover.service.wording import REASON_LIMIT
from portal.handover.views import blueprint, shown
from portal.handover.views.removals import removal_of

# Beside which field a refusal stands.
_FIELD_OF: dict[type[DomainError], str] = {
    errors.NoOrphanChosen: "things",
    errors.NotAnOrphan: "things",
    errors.AcceptedAlready: "things",
    errors.ReasonMissing: "reason",
}


@blueprint.route("/people/<code>/orphans", methods=["GET", "POST"])
@requires(ACCEPT_ORPHANS, on=accounts.get_person, see=SEE_PERSON)
def accept_orphans(found: Person) -> Response | tuple[str, int]:
    """Show what would have no owner, and who has accepted that; accept some of it by name."""
    form, status = OrphansForm(), 200
    things = live_things(found)
    standing = queries.list_standing(found.id)
    own = {(each.kind, each.thing_code) for each in standing if each.accepted_by_id == actor().id}
    form.things.choices = [
        (f"{kind}:{code}", f"{row.thing.title} · {row.kind_name}")
        for (kind, code), row in things.items()
        if (kind, code) not in own
    ]
    if request.method == "POST":
        status = 400
        if form.validate():
            try:
                return carry_out(lambda: _accept(found, form.things.data or [], form.reason.data or ""))
            except DomainError as refused:
                status = refused.status
                form.refuse(refused, shown.field_of(refused, _FIELD_OF))
    open_ = handovers.find_open(found.id)
    page = render_template(
        "handover/orphans.html",
        form=form,
        name=found.name_in(language()),
        code=found.code,
        is_active=found.is_active,
        back=url_for("accounts.show_person", code=found.code),
        handover_href=url_for("handover.handover", code=open_.code) if open_ is not None else None,
        rows=[
            {
                "title": row.thing.title,
                "kind": str(row.kind_name),
                "key": f"{thing[0]}:{thing[1]}",
                "accepted": [_accepted(each) for each in _of(standing, thing)],
                "is_enough": len({each.accepted_by_id for each in _of(standing, thing)}) >= ACCEPTING,
                "is_own": thing in own,
            }
            for thing, row in things.items()
        ],
        limit=REASON_LIMIT,
    )
    return page, status


def _of(standing: list[OrphanAcceptance], thing: Thing) -> list[OrphanAcceptance]:
    return [each for each in standing if (each.kind, each.thing_code) == thing]


def _accepted(each: OrphanAcceptance) -> dict[str, Any]:
    return {
        "removal": removal_of(each),
        "remove_href": url_for("handover.remove_orphan_reasons", code=each.person.code, accepter=each.accepted_by.code)
        if each.removed_at is None
        else None,
        "name": each.accepted_by.name_in(language()),
        "at": format_instant(each.accepted_at, actor().time_zone),
        "reason": each.told("reason"),
    }


def _accept(found: Person, keys: list[str], reason: str) -> Done:
    count = service.accept(person=found, things=[_thing(key) for key in keys], reason=reason, by=actor())
    chosen = {_thing(key) for key in keys}
    enough = len(chosen & set(AcceptedByTwo().things(found)))
    said = ngettext("Accepted for %(num)d thing.", "Accepted for %(num)d things.", count)
    if enough < count:
        left = ngettext(
            "%(num)d of them waits for a second person.", "%(num)d of them wait for a second person.", count - enough
        )
    else:
        left = _("Two people have accepted it; the account can be deactivated as far as that goes.")
    said = f"{said} {left}"
    return Done(said, url_for("handover.accept_orphans", code=found.code))


def _thing(key: str) -> Thing:
    kind, _colon, code = key.partition(":")
    return kind, code


@blueprint.post("/people/<code>/orphans/take-back")
@requires(ACCEPT_ORPHANS, on=accounts.get_person, see=SEE_PERSON)
def take_back_orphan(found: Person) -> Response:
    """Take back what one has accepted oneself."""

    def work() -> Done:
        service.take_back(person=found, thing=_thing(request.form.get("thing", "")[:300]), by=actor())
        return Done(_("Taken back."), url_for("handover.accept_orphans", code=found.code))

    return carry_out(work)
