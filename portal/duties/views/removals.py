"""Taking a text of a card out for good, because it holds a secret: one asks with a reason, another decides."""

from __future__ import annotations

from typing import Any

from flask import render_template, request, url_for
from werkzeug import Response
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # the stubs do not know it yet

from portal.core.access import actor, can, requires
from portal.core.errors import DomainError
from portal.core.i18n import format_instant, language
from portal.core.i18n import gettext as _
from portal.core.once import Done, carry_out
from portal.duties import errors
from portal.duties.forms_cards import TakeOutForm
from portal.duties.models import CardRemoval
from portal.duties.permissions import ANSWER_REMOVAL, ASK_REMOVAL, SEE_CARD, SEE_REMOVAL, Answered
from portal.duties.queries import cards as queries
from portal.duties.service import cards as service
from portal.duties.service import removals
from portal.duties.service.wording import TEXT_LIMIT
from portal.duties.views import blueprint

_FIELD_OF: dict[type[DomainError], str] = {
    errors.NothingToTakeOut: "part",
    errors.TakenOutAlready: "part",
    errors.RemovalWaits: "part",
    errors.ReasonMissing: "reason",
    errors.TextTooLong: "reason",
    errors.NoteLooksSecret: "reason",
}


@blueprint.route("/cards/take-out/<int:number>/<kind>/<path:thing>", methods=["GET", "POST"])
@requires(ASK_REMOVAL, on=service.get_carded, see=SEE_CARD, absent=errors.NoSuchCard)
def take_out(subject: Answered, number: int) -> Response | tuple[str, int]:
    """Ask that a text of a version of a card is taken out for good."""
    found = queries.find_card(subject.kind, subject.code)
    version = next((each for each in found.versions if each.number == number), None) if found is not None else None
    if version is None:
        raise errors.NoSuchCard()
    form, status = TakeOutForm(), 200
    parts = removals.parts_to_take_out(version)
    form.part.choices = [SelectChoice(each, str(removals.name_of_part(each))) for each in parts]

    def work() -> Done:
        row = removals.ask(
            subject=subject,
            number=number,
            part=form.part.data,
            reason=form.reason.data or "",
            is_everywhere=bool(form.everywhere.data),
            by=actor(),
        )
        return Done(_("It is asked for, and nobody else reads the text now. Another person confirms it."), _href(row))

    if request.method == "POST":
        status = 400
        if form.validate():
            try:
                return carry_out(work)
            except DomainError as refused:
                status = refused.status
                form.refuse(refused, _FIELD_OF.get(type(refused)))
    elif len(parts) == 1:
        form.part.data = parts[0]
    page = render_template(
        "duties/take_out.html",
        form=form,
        title=subject.thing.title,
        number=number,
        is_empty=not parts,
        back=url_for("duties.card_version", number=number, kind=subject.kind, thing=subject.code),
        limit=TEXT_LIMIT,
    )
    return page, status


@blueprint.route("/cards/removals/<code>/<kind>/<path:thing>", methods=["GET", "POST"])
@requires(ANSWER_REMOVAL, on=service.get_carded, see=SEE_REMOVAL, absent=errors.NoSuchCard)
def removal(subject: Answered, code: str) -> Response | tuple[str, int]:
    """Show a request that a text be taken out; whoever asked withdraws it, another confirms or declines."""
    found = queries.find_removal(code)
    if found is None or (found.card.kind, found.card.thing_code) != (subject.kind, subject.code):
        raise errors.NoSuchCard()
    decides = removals.may_decide(actor(), found, subject)
    is_own = found.asked_by_id == actor().id
    status, problem = 200, ""
    if request.method == "POST":
        status = 400
        try:
            return carry_out(lambda: _decide(found, subject, request.form.get("act", "")))
        except DomainError as refused:
            status, problem = refused.status, str(refused)
    page = render_template(
        "duties/removal.html",
        title=subject.thing.title,
        part=str(removals.name_of_part(found.part)),
        problem=problem,
        removal=_told(found),
        held=_held(found, subject) if found.is_open else [],
        is_open=found.is_open,
        decides=decides,
        is_own=is_own,
        back=_back(subject),
    )
    return page, status


def _decide(found: CardRemoval, subject: Answered, act: str) -> Done:
    may = removals.may_decide(actor(), found, subject)
    is_own = found.asked_by_id == actor().id
    if act == "confirm":
        if found.is_open and not may:
            raise errors.RemovalByTwo()
        removals.confirm(removal=found, by=actor())
        return Done(_("The text has been taken out."), _back(subject))
    if not (may or is_own) and found.is_open:
        raise errors.RemovalByTwo()
    removals.drop(removal=found, by=actor())
    return Done(
        _("The request has been withdrawn. The text stands where it stood.")
        if is_own
        else _("The request has been declined. The text stands where it stood."),
        _back(subject),
    )


def _href(row: CardRemoval) -> str:
    return url_for("duties.removal", code=row.code, kind=row.card.kind, thing=row.card.thing_code)


def _back(subject: Answered) -> str:
    if can(SEE_CARD, subject):
        return url_for("duties.card", kind=subject.kind, thing=subject.code)
    return url_for("training.today")


def _told(found: CardRemoval) -> dict[str, Any]:
    zone, here = actor().time_zone, language()
    by, at = (found.confirmed_by, found.confirmed_at) if found.confirmed_at else (found.dropped_by, found.dropped_at)
    return {
        "asker": found.asked_by.name_in(here),
        "at": format_instant(found.asked_at, zone),
        "reason": found.reason,
        "numbers": _(", ").join(map(str, found.numbers)),
        "is_confirmed": found.confirmed_at is not None,
        "is_withdrawn": found.dropped_by_id == found.asked_by_id,
        "by": by.name_in(here) if by is not None else "",
        "decided_at": format_instant(at, zone) if at is not None else "",
    }


def _held(found: CardRemoval, subject: Answered) -> list[dict[str, Any]]:
    """Return what the versions said, each text once, for those who may read it."""
    shown: list[dict[str, Any]] = []
    for number, said in sorted(removals.held_for(actor(), found, subject).items(), key=lambda each: int(each[0])):
        texts = (
            [
                {"language": each.get("lang") or "ja", "lines": [each["stem"], each["right"], *each["wrong"]]}
                for each in said
            ]
            if found.part == removals.QUESTIONS
            else [{"language": tag, "lines": text.split("\n")} for tag, text in said.items()]
        )
        if not shown or shown[-1]["texts"] != texts:
            shown.append({"number": number, "texts": texts})
    return shown
