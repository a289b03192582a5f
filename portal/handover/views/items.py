"""One item of a handover: what it is, what was done with it, and what its successor, or a lead, does next."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import render_template, request, url_for
from werkzeug import Response

from portal.accounts import queries as accounts
from portal.accounts.models import Person
from portal.accounts.permissions import ADMINISTER_PEOPLE
from portal.accounts.service.owner_needs import list_lacking, roles_of
from portal.accounts.service.ownership import OwnedThing, find_things
from portal.calendars.rules import ONE_DAY
from portal.calendars.service.absences import Absence
from portal.core import clock
from portal.core.access import actor, can, requires
from portal.core.errors import DomainError
from portal.core.forms import LongTextField
from portal.core.i18n import format_date, format_instant, language, pgettext
from portal.core.i18n import gettext as _
from portal.core.once import Done, carry_out
from portal.duties.service.cards import asked_of
from portal.handover import errors, rules
from portal.handover.forms import EvidenceForm, ReasonForm, SuccessorForm, stage_of
from portal.handover.models import HandoverItem, ItemDecision, ItemEvidence, ItemSuccessor
from portal.handover.permissions import (
    ASSIGN_ITEMS,
    LEAD_HANDOVER,
    REMOVE_TEXT,
    SEE_HANDOVER,
    SEE_ITEM,
    SEE_QUIZ,
    SEE_REASON,
    TAKE_OVER,
)
from portal.handover.queries import handovers as queries
from portal.handover.queries.handovers import Course
from portal.handover.queries.people import list_possible_owners
from portal.handover.rules import Decision, ItemState, Stage
from portal.handover.service import items
from portal.handover.service import quiz as quizzes
from portal.handover.service.being_away import list_away
from portal.handover.service.names import taker_words
from portal.handover.service.quiz import Result
from portal.handover.service.standing import Item, is_real, standing_of
from portal.handover.service.wording import LINK_LIMIT, REASON_LIMIT, WORDS_LIMIT
from portal.handover.views import blueprint, shown
from portal.handover.views.removals import removal_of

# Beside which field a refusal stands.
_FIELD_OF: dict[type[DomainError], str] = {
    errors.DoneInFuture: "done_on",
    errors.DoneLongAgo: "done_on",
    errors.DoneBeforeStage: "done_on",
    errors.DoneBeforeHandover: "done_on",
    errors.WordsMissing: "words",
    errors.LinkNotUnderstood: "link",
    errors.ReasonMissing: "reason",
    errors.SuccessorUnfit: "successor",
}


@dataclass(frozen=True, slots=True)
class _Line:
    """One line of an item's history: when, in which order of what came together, what, in whose words."""

    at: datetime
    order: int
    what: str
    words: str
    by: Person | None
    # Of which row it is, whose text can be taken out; of a refusal, under which number.
    row: ItemEvidence | ItemDecision | None = None
    number: int = 0


# What was written stays when it is refused: forms by what they do.
Forms = dict[str, Any]


@blueprint.get("/handovers/items/<item>")
@requires(SEE_ITEM, on=queries.get_item, absent=errors.NoSuchHandover)
def item(found: HandoverItem) -> tuple[str, int]:
    """Show an item with its evidence and decisions."""
    return page_of(found, {})


@blueprint.post("/handovers/items/<item>/evidence")
@requires(TAKE_OVER, on=queries.get_item, see=SEE_ITEM, absent=errors.NoSuchHandover)
def give_evidence(found: HandoverItem) -> Response | tuple[str, int]:
    """Keep what the successor has done with it."""
    form = EvidenceForm()

    def work() -> Done:
        stage = stage_of(request.form.get("stage"))
        if stage is None or form.done_on.data is None:
            raise errors.StageNotNext()
        items.record_evidence(
            item=found,
            stage=stage,
            done_on=form.done_on.data,
            words=form.words.data or "",
            link=form.link.data or "",
            by=actor(),
        )
        return Done(_("The evidence is kept."), _address(found))

    return _carry_out(found, "evidence", form, work)


@blueprint.post("/handovers/items/<item>/evidence/<evidence>/take-back")
@requires(SEE_ITEM, on=queries.get_item, absent=errors.NoSuchHandover)
def take_back(found: HandoverItem, evidence: str) -> Response | tuple[str, int]:
    """Take the latest stage back."""
    row = queries.find_evidence(found, evidence)
    if row is None or not _may_take_back(found, row):
        raise errors.NoSuchHandover()

    def work() -> Done:
        items.take_back(item=found, evidence=row, by=actor())
        return Done(_("The stage was taken back."), _address(found))

    return _carry_out(found, "", None, work)


def _may_take_back(found: HandoverItem, row: ItemEvidence) -> bool:
    """Say whether it is the reader's own evidence, or a waiver that she may give."""
    return row.successor_id == actor().id if row.waived_by is None else can(LEAD_HANDOVER, found)


@blueprint.post("/handovers/items/<item>/waive")
@requires(LEAD_HANDOVER, on=queries.get_item, see=SEE_ITEM, absent=errors.NoSuchHandover)
def waive(found: HandoverItem) -> Response | tuple[str, int]:
    """Say why the next stage is not needed."""
    form = ReasonForm()

    def work() -> Done:
        stage = stage_of(request.form.get("stage"))
        if stage is None:
            raise errors.StageNotNext()
        items.waive_stage(item=found, stage=stage, reason=form.reason.data or "", by=actor())
        return Done(_("The stage is waived."), _address(found))

    return _carry_out(found, "waiver", form, work)


@blueprint.post("/handovers/items/<item>/accept")
@requires(TAKE_OVER, on=queries.get_item, see=SEE_ITEM, absent=errors.NoSuchHandover)
def accept(found: HandoverItem) -> Response | tuple[str, int]:
    """Take it over."""

    def work() -> Done:
        items.accept(item=found, by=actor())
        return Done(_("The item is accepted."), _address(found))

    return _carry_out(found, "", None, work)


@blueprint.post("/handovers/items/<item>/refuse")
@requires(TAKE_OVER, on=queries.get_item, see=SEE_ITEM, absent=errors.NoSuchHandover)
def refuse(found: HandoverItem) -> Response | tuple[str, int]:
    """Give it to the lead."""
    form = ReasonForm()

    def work() -> Done:
        items.refuse(item=found, reason=form.reason.data or "", by=actor())
        return Done(_("The item is refused; the lead is told."), _address(found))

    return _carry_out(found, "refusal", form, work)


@blueprint.post("/handovers/items/<item>/successor")
@requires(ASSIGN_ITEMS, on=queries.get_item, see=SEE_ITEM, absent=errors.NoSuchHandover)
def name_successor(found: HandoverItem) -> Response | tuple[str, int]:
    """Say who is to take it over."""
    form = SuccessorForm()
    form.successor.choices = _offered(found, list_possible_owners(found.handover.person))

    def work() -> Done:
        successor = accounts.find_person(form.successor.data) if form.successor.data else None
        items.assign(
            handover=found.handover,
            things=[(found.kind, found.thing_code)],
            successor=successor,
            by=actor(),
            **shown.naming_seen(),
        )
        said, warned = _("The successor was set."), shown.away_after_naming(found.handover, successor)
        return Done(f"{said} {warned}".strip(), _address(found))

    return _carry_out(found, "successor", form, work)


def _carry_out(found: HandoverItem, name: str, form: Any, work: Callable[[], Done]) -> Response | tuple[str, int]:
    forms = {name: form} if form is not None else {}
    if form is not None and not form.validate():
        return page_of(found, forms, status=400)
    try:
        return carry_out(work)
    except DomainError as refused:
        if form is None:
            return page_of(found, forms, problem=str(refused), status=refused.status)
        form.refuse(refused, shown.field_of(refused, _FIELD_OF))
        return page_of(found, forms, status=refused.status)


# --- The page ----------------------------------------------------------------------------------


def _address(found: HandoverItem) -> str:
    return url_for("handover.item", item=found.code)


def _offered(
    found: HandoverItem,
    people: Sequence[Person],
    owned: OwnedThing | None = None,
    away: Mapping[int, Sequence[Absence]] | None = None,
) -> list[Any]:
    thing = (found.kind, found.thing_code)
    things = {thing: owned} if owned is not None else find_things([thing])
    return shown.offered_for(people, things, first=_("Nobody for now"), away=away)


def _leaves_on(gone: Absence | None) -> str:
    """Return until when the successor hands over herself, if she does."""
    return format_date(gone.first_on - ONE_DAY) if gone is not None else ""


def _role_missing(item: Item) -> dict[str, Any] | None:
    """Return whom a role is missing to take the item over, which, and who can give it."""
    if item.successor is None or not (item.state in rules.WITH_THE_SUCCESSOR or item.state is ItemState.ACCEPTED):
        return None
    lacking = list_lacking(item.successor, {item.thing: item.owned}) if item.owned is not None else []
    if not lacking:
        return None
    here = language()
    return {
        "name": shown.name_of(item.successor),
        "role": roles_of(lacking),
        "href": url_for("accounts.show_person", code=item.successor.code) if can(ADMINISTER_PEOPLE) else None,
        "admins": pgettext("list", ", ").join(each.name_in(here) for each in accounts.list_administrators()),
    }


def page_of(
    found: HandoverItem, forms: Forms | None = None, *, problem: str = "", status: int = 200
) -> tuple[str, int]:
    """Return the page of an item, with the forms as they were sent and what was wrong."""
    forms = forms or {}
    viewer, handover = actor(), found.handover
    standing = standing_of(handover)
    item = next(each for each in standing.items if each.row is not None and each.row.id == found.id)
    course = item.course
    assert course is not None
    is_open = handover.is_open and item.state is not ItemState.GONE
    is_hers = is_open and course.successor is not None and course.successor.id == viewer.id
    next_stage = rules.next_stage([each.stage for each in course.own_evidence]) if course.successor else None
    leads, assigns = is_open and can(LEAD_HANDOVER, found), is_open and can(ASSIGN_ITEMS, found)
    sees_all = can(SEE_REASON, handover)
    people = list_possible_owners(handover.person) if assigns else []
    asked = {each.id for each in (*people, item.successor) if each is not None} if is_open and sees_all else set()
    away = list_away(handover, asked, known=standing.absences)
    of_successor = away.get(item.successor.id, []) if item.successor is not None else []
    gone = next((each for each in of_successor if each.for_good and each.first_on > standing.today), None)
    apart = [each for each in of_successor if each is not gone]
    is_works = item.state in rules.WITH_THE_SUCCESSOR
    look, word = shown.STATES[item.state]
    names = {each.code: each for each in accounts.list_people_of(_codes(course))}
    is_waivable = is_works and next_stage not in (None, Stage.ALONE)
    is_refusable = is_works or item.state is ItemState.ACCEPTED
    offered: dict[str, Any] = {
        "evidence": _evidence_form(forms) if is_hers and is_works and next_stage is not None else None,
        "waiver": _reason_form(forms, "waiver") if leads and is_waivable else None,
        "refusal": _reason_form(forms, "refusal") if is_hers and is_refusable else None,
        "successor": _successor_form(found, item, forms, people, away) if assigns else None,
    }
    # What was refused in a form that is not offered any more is said all the same, with what was written in it.
    unseen = [form for name, form in forms.items() if offered[name] is None]
    page = render_template(
        "handover/item.html",
        title=item.title,
        kind=str(item.kind_name),
        code=found.code,
        name=handover.person.name_in(language()),
        href=shown.thing_href(item),
        card_href=shown.card_href(item.thing) if shown.sees_card(item) else None,
        has_card=item.card is not None,
        back=url_for("handover.handover", code=handover.code) if can(SEE_HANDOVER, handover) else None,
        look=look,
        word=str(word),
        gone=str(shown.GONE[item.gone_as]) if item.state is ItemState.GONE and item.gone_as is not None else "",
        is_real=is_real(handover),
        is_open=is_open,
        facts=_facts(item, handover.last_on),
        stages=_stages(course, names, viewer, leads=leads, is_open=is_open),
        history=_history(course, names, viewer, sees_all=sees_all),
        problem=problem or " ".join(said for form in unseen for said in _faults(form)),
        unkept=[field.data for form in unseen for field in form if isinstance(field, LongTextField) and field.data],
        next_stage=next_stage.value if next_stage is not None else None,
        next_words=str(shown.STAGES[next_stage]) if next_stage is not None else "",
        may_accept=is_hers and item.state is ItemState.TO_DECIDE,
        **offered,
        quiz=_quiz(found, item, is_hers=is_hers) if can(SEE_QUIZ, found) else None,
        needs_lead=item.is_with_lead,
        seen=shown.names_so_far(standing),
        is_accepted=item.state is ItemState.ACCEPTED,
        role_missing=_role_missing(item) if is_open else None,
        leaves_on=_leaves_on(gone) if is_open and sees_all else "",
        away=shown.away_told(item.successor, apart) if item.successor is not None and sees_all else "",
        limits={"words": WORDS_LIMIT, "link": LINK_LIMIT, "reason": REASON_LIMIT},
    )
    return page, status


def _faults(form: Any) -> list[str]:
    """Return what a form was refused for."""
    return [str(said) for said in (*form.form_errors, *(each for field in form for each in field.errors))]


def _facts(item: Item, last_on: Any) -> list[tuple[str, Any]]:
    return [
        (_("Successor"), taker_words(item) if item.successor is not None else _("Nobody yet")),
        (_("Criticality"), str(shown.CRITICALITIES[item.criticality])),
        (
            _("Stands on one person"),
            _("Yes, there is no deputy") if item.is_single_point else _("No, there is a deputy"),
        ),
        (pgettext("handover", "Score"), str(item.score)),
        (_("Last day"), format_date(last_on)),
    ]


def _quiz(found: HandoverItem, item: Item, *, is_hers: bool) -> dict[str, Any]:
    """Return how the present successor's tries at the quiz went, and whether she can begin one."""
    of = quizzes.of_item(found, item.successor)
    held = len(asked_of(item.card.latest)) if item.card is not None and item.card.versions else 0
    may_begin = is_hers and item.state in quizzes.ASKED_OF
    return {
        "last": _result(of.last),
        "best": _result(of.best) if of.best is not of.last else None,
        "tries": [_result(each) for each in of.results],
        "begun_href": url_for("handover.quiz_try", code=of.begun.code) if of.begun is not None and may_begin else None,
        "held": held,
        "least": rules.QUIZ_LEAST,
        "may_begin": may_begin and held >= rules.QUIZ_LEAST,
    }


def _result(result: Result | None) -> dict[str, Any] | None:
    if result is None:
        return None
    return {
        "right": result.right,
        "asked": result.asked,
        "is_all": result.right == result.asked,
        "at": format_instant(result.at, actor().time_zone),
        "on": format_date(clock.local_date(result.at, actor().time_zone)),
        "versions": pgettext("list", ", ").join(map(str, result.versions)),
        "href": url_for("handover.quiz_try", code=result.quiz.code),
    }


def _evidence_form(forms: Forms) -> EvidenceForm:
    if "evidence" in forms:
        found: EvidenceForm = forms["evidence"]
        return found
    return EvidenceForm(formdata=None, data={"done_on": clock.today(actor().time_zone)})


def _reason_form(forms: Forms, name: str) -> ReasonForm:
    # Several forms of one page ask for a reason: each names its field by itself.
    form: ReasonForm = forms.get(name) or ReasonForm(formdata=None)
    form.reason.id = f"{name}-reason"
    return form


def _successor_form(
    found: HandoverItem, item: Item, forms: Forms, people: Sequence[Person], away: Mapping[int, Sequence[Absence]]
) -> SuccessorForm:
    if "successor" in forms:
        form: SuccessorForm = forms["successor"]
        return form
    form = SuccessorForm(formdata=None)
    form.successor.choices = _offered(found, people, item.owned, away)
    form.successor.data = item.successor.code if item.successor is not None else ""
    return form


def _codes(course: Course) -> set[str]:
    return {
        *(each.set_by for each in course.assignments),
        *(each.waived_by for each in course.evidence if each.waived_by is not None),
        *(each.taken_back_by for each in course.evidence if each.taken_back_by is not None),
    }


def _stages(
    course: Course, names: dict[str, Person], viewer: Person, *, leads: bool, is_open: bool
) -> list[dict[str, Any]]:
    """Return the stages in their order, each with what the present successor has shown of it."""
    by_stage = {each.stage: each for each in course.own_evidence}
    latest = [each for each in Stage if each in by_stage][-1:]
    is_accepted = course.decision is not None and course.decision.decision is Decision.ACCEPTED
    rows = []
    for stage in Stage:
        row = by_stage.get(stage)
        mine = row is not None and (row.successor_id == viewer.id if row.waived_by is None else leads)
        by = names.get(row.waived_by) if row is not None and row.waived_by is not None else None
        rows.append(
            {
                "removal": removal_of(row) if row is not None else None,
                "what": str(shown.STAGES[stage]),
                "is_done": row is not None,
                "done_on": format_date(row.done_on) if row is not None and row.done_on is not None else "",
                "words": row.told("words") if row is not None else "",
                "link": row.told("link") if row is not None else "",
                "waived_by": by.name_in(language()) if by is not None else "",
                "is_waived": row is not None and row.waived_by is not None,
                "take_back": row.code
                if row is not None and is_open and mine and not is_accepted and latest == [stage]
                else None,
            }
        )
    return rows


def _history(course: Course, names: dict[str, Person], viewer: Person, *, sees_all: bool) -> list[dict[str, Any]]:
    """Return who was to take it over, what was shown and said, the newest first; of others a successor sees nothing."""
    rows: list[_Line] = []
    for each in course.assignments:
        if sees_all or each.successor_id in (viewer.id, None):
            rows.append(_assigned(each, names))
    for row in course.evidence:
        if sees_all or row.successor_id == viewer.id:
            rows += _shown(row, names)
    for number, decision in enumerate(course.decisions, 1):
        if sees_all or decision.successor_id == viewer.id:
            said = pgettext("handover", "Accepted") if decision.decision is Decision.ACCEPTED else _("Refused")
            is_told = decision.decision is Decision.REFUSED
            rows.append(
                _Line(
                    decision.decided_at,
                    3,
                    str(said),
                    decision.told("reason"),
                    decision.successor,
                    decision if is_told else None,
                    number,
                )
            )
    rows.sort(key=lambda line: (line.at, line.order), reverse=True)
    return [
        {
            "at": format_instant(line.at, viewer.time_zone),
            "what": line.what,
            "words": line.words,
            "by": line.by.name_in(language()) if line.by is not None else "",
            "removal": removal_of(line.row) if line.row is not None else None,
            "remove_href": _remove_href(line.row, line.number) if line.row is not None else None,
        }
        for line in rows
    ]


def _remove_href(row: ItemEvidence | ItemDecision, number: int) -> str | None:
    if row.removed_at is not None or not can(REMOVE_TEXT, row.item):
        return None
    if isinstance(row, ItemDecision):
        return url_for("handover.remove_refusal", item=row.item.code, number=number)
    return url_for("handover.remove_evidence", item=row.item.code, evidence=row.code)


def _assigned(row: ItemSuccessor, names: dict[str, Person]) -> _Line:
    said = (
        _("Successor: %(name)s", name=row.successor.name_in(language()))
        if row.successor is not None
        else _("With the lead")
    )
    return _Line(row.set_at, 0, str(said), "", names.get(row.set_by))


def _shown(row: ItemEvidence, names: dict[str, Person]) -> list[_Line]:
    stage = shown.STAGES[row.stage]
    if row.waived_by is not None:
        said = str(_("Waived: %(stage)s", stage=stage))
        found = [_Line(row.recorded_at, 1, said, row.told("words"), names.get(row.waived_by), row)]
    else:
        found = [_Line(row.recorded_at, 1, str(stage), row.told("words"), row.successor, row)]
    if row.taken_back_at is not None:
        by = names.get(row.taken_back_by or "")
        found.append(_Line(row.taken_back_at, 2, str(_("Taken back: %(stage)s", stage=stage)), "", by))
    return found
