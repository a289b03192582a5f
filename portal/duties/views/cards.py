"""Cards: the list of those that one reads, one of them with what it says, and how much its thing matters."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import render_template, request, url_for
from werkzeug import Response

from portal.core import clock
from portal.core.access import actor, can, requires, signed_in
from portal.core.errors import DomainError
from portal.core.i18n import format_date, format_instant, language, pgettext
from portal.core.i18n import gettext as _
from portal.core.once import Done, carry_out
from portal.core.paging import paging
from portal.duties.errors import NoSuchCard
from portal.duties.forms_cards import CriticalityForm
from portal.duties.models import Card, CardVersion
from portal.duties.permissions import (
    ASK_REMOVAL,
    CREATE_CARDS,
    JUDGE_CRITICALITY,
    NAME_DEPUTY,
    SEE_CARD,
    WEIGH_CRITICALITY,
    WRITE_CARD,
    Answered,
)
from portal.duties.queries import cards as queries
from portal.duties.queries.cards import CARD_KIND, list_judgements_of
from portal.duties.rules import DEFAULT_CRITICALITY, CardPart, Criticality, cards
from portal.duties.service import cards as service
from portal.duties.service import removals, responsibilities
from portal.duties.service.cards import PART_NAMES, PARTS_IN_ORDER
from portal.duties.service.criticality import CRITICALITY_NAMES, propose_criticality, set_criticality
from portal.duties.service.successors import is_successor
from portal.duties.service.wording import TEXT_LIMIT
from portal.duties.views import blueprint, shown

ROWS_AT_ONCE = 50


# --- The list ----------------------------------------------------------------------------------


@blueprint.get("/cards")
@signed_in
def list_cards() -> str:
    """List the cards of what the reader answers for, and of what her people do: those that need somebody first."""
    viewer, today = actor(), service.today_of(actor())
    leads = bool(service.reach_over_cards(viewer))
    found = service.list_readable(viewer)
    written = queries.find_cards([(each.kind, each.code) for each in found])
    judged = queries.find_criticalities([(each.kind, each.code) for each in found])
    rows = [_row(each, written.get((each.kind, each.code)), judged, today) for each in found]
    rows.sort(key=lambda row: (_NEED.index(row["state"]), -row["weight"], row["kind"], row["title"]))
    chosen, mine = request.args.get("show", ""), request.args.get("of") == "mine"
    scoped = [row for row in rows if row["is_own"] or not mine]
    kept = [row for row in scoped if _is_chosen(row, chosen)]
    page = paging(len(kept), ROWS_AT_ONCE)
    return render_template(
        "duties/cards.html",
        rows=kept[page.offset : page.offset + ROWS_AT_ONCE],
        filters=[
            {
                "label": label,
                "href": _here(show=value, of="mine" if mine else None),
                "current": chosen == value or (not value and chosen not in _NEED),
                "count": sum(_is_chosen(row, value) for row in scoped),
            }
            for value, label in (
                ("", pgettext("cards", "All")),
                ("missing", pgettext("card", "Missing")),
                ("stale", pgettext("card", "To be checked")),
                ("unfinished", pgettext("card", "Unfinished")),
            )
        ],
        scopes=[
            {"label": _("Within reach"), "href": _here(show=chosen), "current": not mine},
            {"label": _("My own"), "href": _here(show=chosen, of="mine"), "current": mine},
        ]
        if leads
        else [],
        pager=page.links(lambda number: _here(show=chosen, of="mine" if mine else None, page=number))
        if page.last > 1
        else None,
        has_any=bool(rows),
        can_create=can(CREATE_CARDS),
    )


# How a card stands, those that need somebody first.
_NEED = ("missing", "stale", "unfinished", "true")


def _here(**values: Any) -> str:
    return url_for("duties.list_cards", **{name: value for name, value in values.items() if value})


def _is_chosen(row: dict[str, Any], chosen: str) -> bool:
    return chosen not in _NEED or row["state"] == chosen


def _row(each: Answered, card: Card | None, judged: dict[tuple[str, str], Criticality], today: date) -> dict[str, Any]:
    criticality = judged.get((each.kind, each.code), DEFAULT_CRITICALITY)
    state = state_of(card, today)
    look, word = look_of(state)
    viewer = actor()
    return {
        "title": each.thing.title,
        "kind": str(each.kind_name),
        "href": url_for("duties.card", kind=each.kind, thing=each.code),
        "state": state,
        "look": look,
        "word": word,
        "is_pressing": state == "missing" and criticality in (Criticality.HIGH, Criticality.CRITICAL),
        "weight": list(Criticality).index(criticality),
        "criticality": str(CRITICALITY_NAMES[criticality]),
        "owner": shown.owner_name(each.ownership.owner) if each.ownership else "–",
        "checked": format_date(card.last_check.checked_on, "short") if card is not None else "–",
        "is_own": responsibilities.answers(viewer, each),
    }


def state_of(card: Card | None, today: date) -> str:
    """Say how a card stands: missing, stale, unfinished where one of the six headings says nothing, or true."""
    if card is None:
        return "missing"
    if cards.is_stale(card.last_check.checked_on, today):
        return "stale"
    return "unfinished" if cards.missing_parts(card.latest.parts) else "true"


def look_of(state: str) -> tuple[str, str]:
    """Return how a card's state looks, and what it is called."""
    return {
        "missing": ("warning", pgettext("card", "Missing")),
        "stale": ("soon", pgettext("card", "To be checked")),
        "unfinished": ("in_progress", pgettext("card", "Unfinished")),
        "true": ("done", pgettext("card", "Checked")),
    }[state]


# --- One card ----------------------------------------------------------------------------------


@blueprint.get("/cards/of/<kind>/<path:thing>")
@requires(SEE_CARD, on=service.get_subject, absent=NoSuchCard)
def card(subject: Answered) -> str:
    """Show what the card of a thing says, or that there is none yet."""
    found = queries.find_card(subject.kind, subject.code)
    return _page(subject, found, found.latest if found is not None else None)


@blueprint.get("/cards/version/<int:number>/<kind>/<path:thing>")
@requires(SEE_CARD, on=service.get_carded, absent=NoSuchCard)
def card_version(subject: Answered, number: int) -> str:
    """Show what a card said in an earlier version."""
    found = queries.find_card(subject.kind, subject.code)
    version = next((each for each in found.versions if each.number == number), None) if found is not None else None
    if version is None:
        raise NoSuchCard()
    return _page(subject, found, version)


def _page(subject: Answered, found: Card | None, version: CardVersion | None) -> str:
    today, here = service.today_of(actor()), language()
    thing = (subject.kind, subject.code)
    said = list_judgements_of(*thing)
    judgement = next((each for each in said if not each.is_proposal), None)
    criticality = judgement.criticality if judgement is not None else DEFAULT_CRITICALITY
    judgements = shown.judgements(said, actor().time_zone)
    held = next((each for each in judgements if each["holds"]), None)
    state = state_of(found, today)
    look, word = look_of(state)
    # Who will be asked them in a quiz does not read the answers first.
    is_asked = is_successor(actor(), subject.kind, subject.code) and not can(WRITE_CARD, subject)
    is_latest = found is None or version is found.latest
    is_live = subject.thing.is_live
    may_write = is_live and is_latest and can(WRITE_CARD, subject)
    check = found.last_check if found is not None else None
    may_open = subject.thing.may_be_opened_by(actor())
    may_ask = version is not None and can(ASK_REMOVAL, subject)
    return render_template(
        "duties/card.html",
        subject={
            "kind": subject.kind,
            "code": subject.code,
            "kind_name": str(subject.kind_name),
            "title": subject.thing.title,
            "href": subject.thing.href if may_open and subject.kind != CARD_KIND else None,
            "is_free": subject.kind == CARD_KIND,
            "is_live": is_live,
        },
        parts=parts_of(version) if version is not None else [],
        waiting=_waiting(subject, found) if found is not None and may_ask else [],
        take_out_href=url_for("duties.take_out", number=version.number, kind=subject.kind, thing=subject.code)
        if version is not None and may_ask
        else None,
        missing=[str(PART_NAMES[each]) for each in cards.missing_parts(version.parts)] if version is not None else [],
        questions=_questions_told(version) if version is not None and not is_asked else [],
        asked=len(service.asked_of(version)) if version is not None and is_asked else 0,
        number=version.number if version is not None else 0,
        latest=found.latest.number if found is not None else 0,
        is_latest=is_latest,
        versions=[
            {
                "number": each.number,
                "href": url_for("duties.card_version", number=each.number, kind=subject.kind, thing=subject.code)
                if each is not version
                else None,
                "at": format_instant(each.written_at, actor().time_zone),
                "by": each.written_by.name_in(here),
            }
            for each in reversed(found.versions)
        ]
        if found is not None
        else [],
        look=look if is_live else "ended",
        word=word if is_live else pgettext("card", "Ended"),
        is_stale=state == "stale" and is_live,
        may_write=may_write,
        may_check=may_write and check is not None and check.checked_on < today,
        may_end=may_write and subject.kind == CARD_KIND,
        may_judge=is_live and can(WEIGH_CRITICALITY, subject),
        judges=can(JUDGE_CRITICALITY, subject),
        judgements=judgements,
        may_list=True,
        facts=[
            (_("Owner"), shown.owner_name(subject.ownership.owner) if subject.ownership else _("nobody")),
            (
                _("Deputy"),
                shown.owner_name(subject.ownership.deputy)
                if subject.ownership and subject.ownership.deputy
                else _("nobody"),
            ),
            (
                pgettext("card", "Last checked"),
                _(
                    "%(date)s by %(name)s",
                    date=format_date(check.checked_on),
                    name=check.checked_by.name_in(here),
                )
                if check is not None
                else None,
            ),
            (
                _("To be checked by"),
                format_date(cards.holds_until(check.checked_on)) if check is not None and is_live else None,
            ),
        ],
        owners_href=url_for("duties.name_owners", kind=subject.kind, code=subject.code)
        if is_live and can(NAME_DEPUTY, subject)
        else None,
        criticality={
            "word": str(CRITICALITY_NAMES[criticality]),
            "reason": judgement.reason if judgement is not None else "",
            "by": held["by"] if held is not None else "",
            "at": format_date(clock.local_date(judgement.set_at, actor().time_zone)) if judgement is not None else "",
        },
    )


def _waiting(subject: Answered, found: Card) -> list[dict[str, Any]]:
    """Return the requests that wait for another person to take a text of the card out, for those who can ask for it."""
    return [
        {
            "name": each.asked_by.name_in(language()),
            "date": format_date(clock.local_date(each.asked_at, actor().time_zone)),
            "part": str(removals.name_of_part(each.part)),
            "href": url_for("duties.removal", code=each.code, kind=subject.kind, thing=subject.code),
            "decides": removals.may_decide(actor(), each, subject),
        }
        for each in found.removals
        if each.is_open
    ]


def _questions_told(version: CardVersion) -> list[dict[str, Any]]:
    """Return the questions of a version in the reader's language, or as they were written."""
    found = []
    for each in service.questions_of(version):
        lang, text = each.said_in(language())
        text = service.question_in_words(text, lang, actor())
        about = PART_NAMES[each.about] if each.about is not None else ""
        found.append(
            {
                "language": lang,
                "stem": text.stem,
                "right": text.right,
                "wrong": text.wrong,
                "about": about,
                "is_out": each.is_out,
            }
        )
    return found


def parts_of(version: CardVersion) -> list[dict[str, Any]]:
    """Return the parts of a version that say something, in the reader's language or as they were written."""
    here, found = language(), []
    for part in PARTS_IN_ORDER:
        texts = version.parts.get(part.value, {})
        if texts:
            first = here if here in texts else next(iter(texts))
            found.append(
                {
                    "id": part.value,
                    "name": str(PART_NAMES[part]),
                    "is_of_six": part in cards.SIX,
                    "texts": [
                        {"language": each, "html": service.shown_text(texts[each], each, actor())}
                        for each in (first, *(other for other in texts if other != first))
                    ],
                    "is_other": first != here,
                }
            )
    return found


# --- How much it matters -----------------------------------------------------------------------


@blueprint.route("/cards/criticality/<kind>/<path:thing>", methods=["GET", "POST"])
@requires(WEIGH_CRITICALITY, on=service.get_subject, absent=NoSuchCard)
def judge_criticality(subject: Answered) -> Response | tuple[str, int]:
    """Say how much it matters that a thing goes on, and why; whoever answers for it proposes."""
    form, status = CriticalityForm(), 200
    judges = can(JUDGE_CRITICALITY, subject)
    said = list_judgements_of(subject.kind, subject.code)
    back = (
        url_for("duties.card", kind=subject.kind, thing=subject.code)
        if can(SEE_CARD, subject)
        else url_for("duties.name_owners", kind=subject.kind, code=subject.code)
    )

    def keep() -> Done:
        work = set_criticality if judges else propose_criticality
        work(
            kind=subject.kind,
            code=subject.code,
            criticality=Criticality(form.criticality.data),
            reason=form.reason.data or "",
            by=actor(),
            seen=form.seen.data or 0,
        )
        return Done(
            _("How much it matters has been kept.")
            if judges
            else _("The proposal has been kept. Those who judge it find it on their page of today."),
            back,
        )

    if request.method == "POST":
        status = 400
        if form.validate():
            try:
                return carry_out(keep)
            except DomainError as refused:
                status = refused.status
                form.form_errors.append(str(refused))
    elif said:
        form.criticality.data = said[0].criticality.value
    else:
        form.criticality.data = DEFAULT_CRITICALITY.value
    page = render_template(
        "duties/criticality.html",
        form=form,
        judges=judges,
        # After a conflict the next answer is to what is shown now.
        seen=said[0].id if said else 0,
        history=shown.judgements(said, actor().time_zone),
        title=subject.thing.title,
        kind=str(subject.kind_name),
        back=back,
        limit=TEXT_LIMIT,
        help={
            Criticality.CRITICAL.value: _("Users or the law feel it on the same day."),
            Criticality.HIGH.value: _("Felt within a week."),
            Criticality.NORMAL.value: _("Felt within a month. What nobody has judged counts as this."),
            Criticality.LOW.value: _("Could wait for a quarter."),
        },
    )
    return page, status


def hint_of(part: CardPart) -> str:
    """Say what a part is for."""
    return {
        CardPart.PURPOSE: _("What it is for, and what would be missing without it."),
        CardPart.RHYTHM: _("When it comes, and the next dates."),
        CardPart.STEPS: _("Step by step, so that somebody could do it alone."),
        CardPart.ACCESS: _("Which tools, and where access is asked for. Never a password, key or number."),
        CardPart.CONTACTS: _("Who is asked, told or waits for it."),
        CardPart.DECISIONS: _("What was decided, and why so and not otherwise."),
        CardPart.EXCEPTIONS: _("Exceptions, and where one easily goes wrong."),
        CardPart.TROUBLE: _("What is done first, and who is called."),
        CardPart.OPEN_ITEMS: _("What is not finished, with its next step and date."),
        CardPart.DOCUMENTS: _("Where files and texts lie. An address, or a clause as [[slug#clause]]."),
    }[part]
