"""The author's pages around a text: what is being written, a new document, what is proposed, giving a draft up."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # the stubs do not know it yet

from portal.accounts.permissions import ROLE_NAMES
from portal.core import clock
from portal.core.access import actor, can, requires
from portal.core.errors import DomainError
from portal.core.i18n import format_instant, half_width_digits, language
from portal.core.i18n import gettext as _
from portal.core.i18n import lazy_gettext as _l
from portal.core.markdown import SENSITIVITIES
from portal.core.once import Done, carry_out
from portal.core.transaction import transaction
from portal.library import errors, queries
from portal.library.forms import DiscardForm, NewDocumentForm, ProposalForm
from portal.library.models import (
    GROUPS,
    AudienceKind,
    ChangeClass,
    Document,
    DocumentKind,
    DocumentVersion,
    Draft,
    DraftState,
)
from portal.library.permissions import (
    BEGIN_MARKET_TEXT,
    LIST_DRAFTS,
    READ_DOCUMENT,
    SEE_DRAFT,
    WRITE_DRAFT,
    WRITE_DRAFTS,
    markets_written_for,
    sees_every_draft,
)
from portal.library.queries.drafting import ListedDraft, list_drafts, title_of
from portal.library.queries.drafts import get_draft, list_authors, list_open_drafts
from portal.library.queries.market_texts import list_bases, list_market_texts
from portal.library.service import drafts as service
from portal.library.service import following, market_texts
from portal.library.views import blueprint
from portal.library.views.editor import editor_page, proposal_form, proposed_audience
from portal.library.views.overview import STATES
from portal.organisation import queries as organisation

KIND_NAMES = {
    DocumentKind.POLICY: _l("Policy"),
    DocumentKind.SOP: _l("Procedure"),
    DocumentKind.LESSON: _l("Lesson"),
    DocumentKind.HANDOVER: _l("Handover document"),
}


# --- the list -----------------------------------------------------------------------------------


@blueprint.get("/drafts")
@requires(LIST_DRAFTS)
def drafts() -> str:
    """List what is being written, by whom, and for what it waits."""
    ended = request.args.get("show") == "ended"
    rows = list_drafts(actor(), language(), ended=ended)
    return render_template(
        "library/drafts.html",
        rows=[_row(each, actor().time_zone) for each in rows],
        ended=ended,
        waiting=[] if ended else _waiting(),
        tabs=[
            {"label": _("Open"), "href": url_for("library.drafts"), "current": not ended},
            {"label": _("Ended"), "href": url_for("library.drafts", show="ended"), "current": ended},
        ],
        can_write=can(WRITE_DRAFTS),
    )


def _waiting() -> list[dict[str, Any]]:
    """Return the texts of markets that wait because their base has moved, of those that this person may write."""
    mine = [each for each in list_market_texts() if can(WRITE_DRAFT, each)] if can(WRITE_DRAFTS) else []
    stands = [each for each in market_texts.stands_of(mine) if each.waits and each.followed is not None]
    if not stands:
        return []
    here = language()
    # Of a text that is not published yet the base says the title.
    shown = {each.overlay.id: each.latest or each.followed for each in stands}
    titles = queries.list_titles([version.id for version in shown.values() if version is not None], here)
    names = {market.code: market.name.in_(here) for market in organisation.list_markets()}
    rows = []
    for each in stands:
        version, market = shown[each.overlay.id], each.overlay.market or ""
        rows.append(
            {
                "title": titles[version.id] if version is not None else each.overlay.slug,
                "slug": each.overlay.slug,
                "market": names.get(market, market),
                "base_number": each.followed.number if each.followed is not None else "",
                "clauses": len(each.clashing),
                "href": url_for("library.base_of_draft", code=each.draft.code) if each.draft is not None else None,
            }
        )
    return rows


def _row(listed: ListedDraft, zone: str) -> dict[str, Any]:
    draft = listed.draft
    state, words = STATES[draft.state]
    is_written = draft.state is DraftState.WRITING and can(WRITE_DRAFT, draft)
    return {
        "title": listed.title,
        "title_language": listed.title_language,
        "href": url_for("library.edit_draft", code=draft.code) if is_written else f"/drafts/{draft.code}",
        "slug": listed.slug,
        "number": draft.number,
        "state": state,
        "state_words": str(words),
        "authors": listed.authors,
        "changed": format_instant(listed.changed_at, zone),
        "waits": _waits_for(listed),
    }


def _waits_for(listed: ListedDraft) -> str:
    draft = listed.draft
    match draft.state:
        case DraftState.WRITING:
            return _("Its authors")
        case DraftState.IN_REVIEW:
            return _("An approver")
        case DraftState.APPROVED:
            if draft.issue_at is None:
                return _("Its publication")
            return _("Its publication on %(when)s", when=format_instant(draft.issue_at, draft.zone))
        case _:
            return "–"


# --- a new document -----------------------------------------------------------------------------


@blueprint.get("/drafts/new")
@requires(WRITE_DRAFTS)
def new_document() -> Response:
    """Ask what a new document is; with `base=`, over which one the text of a market is laid."""
    base = request.args.get("base", "")
    if base and any(each.slug == base for each in _bases()):
        return redirect(url_for("library.market_texts_of", slug=base))
    markets = [] if sees_every_draft(actor()) else sorted(markets_written_for(actor()))
    form = NewDocumentForm(
        formdata=None,
        data={"kind": "policy", "authoritative": language(), "sensitivity": "S0", "markets": markets},
    )
    return _new_page(form)


@blueprint.post("/drafts/new")
@requires(WRITE_DRAFTS)
def add_document() -> Response:
    """Make the document with its first draft, and lead into the editor."""
    form = NewDocumentForm()
    _fill(form)
    if not form.validate():
        return _new_page(form, 400)
    slug = (form.slug.data or "").lower() or service.propose_slug(form.title.data or "")
    if not slug:
        form.slug.errors = [_("Enter an address; it cannot be made from this title.")]
        return _new_page(form, 400)

    def work() -> Done:
        draft = service.begin_document(
            slug=slug,
            title=form.title.data or "",
            kind=DocumentKind(form.kind.data),
            authoritative=form.authoritative.data,
            audience={
                AudienceKind.MARKET: form.markets.data or [],
                AudienceKind.TEAM: form.teams.data or [],
                AudienceKind.ROLE: form.roles.data or [],
            },
            sensitivity=form.sensitivity.data,
            review_every_months=form.review_every_months.data,
            by=actor(),
        )
        return Done(
            _("The document has been made. Its first text is a draft until it is published."),
            url_for("library.edit_draft", code=draft.code, text=form.authoritative.data),
        )

    try:
        return carry_out(work)
    except (errors.SlugTaken, errors.SlugInvalid) as refused:
        form.slug.errors = [str(refused)]
        return _new_page(form, refused.status)
    except errors.AudienceOutOfReach as refused:
        form.markets.errors = [str(refused)]
        return _new_page(form, refused.status)


def _fill(form: NewDocumentForm) -> None:
    form.kind.choices = [SelectChoice(kind.value, str(name)) for kind, name in KIND_NAMES.items()]
    form.sensitivity.choices = [SelectChoice(each, each) for each in SENSITIVITIES]
    reach = None if sees_every_draft(actor()) else markets_written_for(actor())
    form.markets.choices = [
        SelectChoice(each.code, f"{each.name} ({each.code})")
        for each in organisation.list_markets()
        if reach is None or each.code in reach
    ]
    form.teams.choices = [
        SelectChoice(each.code, str(each.name))
        for each in organisation.list_teams(closed=False)
        if reach is None or each.market.code in reach
    ]
    form.roles.choices = [SelectChoice(role.value, str(name)) for role, name in ROLE_NAMES.items()]


def _new_page(form: NewDocumentForm, status: int = 200) -> Response:
    _fill(form)
    bases = _bases()
    titles = queries.list_document_titles([each.slug for each in bases], language())
    page = render_template(
        "library/draft_new.html",
        form=form,
        bases=[(each.slug, titles.get(each.slug, each.slug)) for each in bases],
        unknown_base=request.args.get("base"),
    )
    return make_response(page, status)


def _bases() -> list[Document]:
    return [each for each in list_bases() if can(BEGIN_MARKET_TEXT, each)]


# --- a draft of a document ----------------------------------------------------------------------


@blueprint.post("/library/<slug>/drafts")
@requires(WRITE_DRAFT, on=queries.get_document, see=READ_DOCUMENT)
def begin_draft(document: Document) -> Response:
    """Begin a draft from the latest version, or from an earlier one that is to come back.

    Where others are open, or the text was withdrawn, somebody is asked first what is meant.
    """
    # Nobody is asked from where to begin what cannot be begun.
    service.check_base_stands(document)
    number = request.form.get("from", "")
    origin = queries.get_version(document, number) if number else None
    if not request.form.get("sure") and _is_to_be_asked(document, origin):
        asked: dict[str, Any] = {"slug": document.slug, "from": number or None}
        return redirect(url_for("library.ask_for_draft", **asked), 303)

    def work() -> Done:
        draft = service.begin_draft(document=document, origin=origin, by=actor())
        # What has changed under a market's text is looked at first.
        there = "library.base_of_draft" if following.move_of(draft) is not None else "library.edit_draft"
        return Done(
            _(
                "A draft of version %(number)s has been begun. Readers see it when it is published.",
                number=draft.number,
            ),
            url_for(there, code=draft.code),
        )

    return carry_out(work)


@blueprint.get("/library/<slug>/drafts")
@requires(WRITE_DRAFT, on=queries.get_document, see=READ_DOCUMENT)
def ask_for_draft(document: Document) -> str:
    """Name the drafts that are open, and from which text another one can begin."""
    service.check_base_stands(document)
    number = request.args.get("from", "")
    latest = queries.latest_version(document)
    origin = queries.get_version(document, number) if number else latest
    stands = next((each for each in reversed(document.versions) if each.withdrawn_at is None), None)
    origins = [origin] if origin is not None else []
    if origin is not None and origin.withdrawn_at is not None and stands is not None:
        # What was not withdrawn comes first.
        origins = [stands, origin]
    return render_template(
        "library/draft_begin.html",
        document=document,
        title=_title_of_document(document),
        drafts=[
            {
                "number": draft.number,
                "href": url_for("library.edit_draft", code=draft.code)
                if draft.state is DraftState.WRITING
                else url_for("library.draft", code=draft.code),
                "state": STATES[draft.state][0],
                "state_words": str(STATES[draft.state][1]),
                "authors": [author.name_in(language()) for author in list_authors(draft)],
                "is_written": draft.state is DraftState.WRITING,
            }
            for draft in list_open_drafts(document)
        ],
        withdrawn=origin if origin is not None and origin.withdrawn_at is not None else None,
        origins=[
            (each.number, each.withdrawn_at is not None, latest is not None and each.id == latest.id)
            for each in origins
        ],
    )


def _is_to_be_asked(document: Document, origin: DocumentVersion | None) -> bool:
    begun_from = origin or queries.latest_version(document)
    is_withdrawn = begun_from is not None and begun_from.withdrawn_at is not None
    return is_withdrawn or bool(list_open_drafts(document))


def _title_of_document(document: Document) -> str:
    version = queries.latest_version(document)
    titles = {text.language: text.title for text in version.texts} if version is not None else {}
    return title_of(titles, language())[0] or document.slug


# --- what is proposed, and the end ---------------------------------------------------------------


@blueprint.post("/drafts/<code>/proposal")
@requires(WRITE_DRAFT, on=get_draft, see=SEE_DRAFT)
def change_proposal(draft: Draft) -> Response:
    """Keep what is proposed about the draft."""
    form = proposal_form(draft, is_posted=True)
    if not form.validate():
        return editor_page(draft, proposal=form, status=400)
    instants: dict[str, datetime | None] = {}
    for name in ("effective", "issue"):
        try:
            instants[name] = form.instant(name)
        except ValueError:
            form[f"{name}_time"].errors = [str(errors.TimeDoesNotExist(zone=form.zone.data))]
            return editor_page(draft, proposal=form, status=400)
    try:
        with transaction():
            service.change_proposal(
                draft=draft,
                revision=_whole(request.form.get("revision", "")),
                proposal=service.Proposal(
                    number=half_width_digits(form.number.data or ""),
                    change_class=ChangeClass(form.change_class.data) if form.change_class.data else None,
                    effective_at=instants["effective"],
                    zone=form.zone.data or "",
                    issue_at=instants["issue"],
                    provisional_reason=form.provisional_reason.data or "",
                    note=form.note.data or "",
                    # A page that does not show it leaves it as it is.
                    audience={kind: form[kind.value].data or [] for kind in GROUPS}
                    if form.audience.data
                    else proposed_audience(draft),
                ),
                by=actor(),
            )
    except errors.DraftNotWritable:
        raise
    except DomainError as refused:
        _blame(form, refused)
        return editor_page(draft, proposal=form, status=refused.status)
    flash(_("Saved %(time)s", time=f"{clock.now().astimezone(clock.zone_info(actor().time_zone)):%H:%M}"), "success")
    return redirect(url_for("library.edit_draft", code=draft.code, _anchor="proposal"), 303)


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1


def _blame(form: ProposalForm, refused: DomainError) -> None:
    """Show the refusal at the field it is about."""
    places: dict[type[DomainError], str] = {
        errors.NumberInvalid: "number",
        errors.NumberTooLow: "number",
        errors.ProposedNumberTaken: "number",
        errors.EffectiveTooEarly: "effective_on",
        errors.EffectiveBeforeBase: "effective_on",
        errors.EffectiveBeforeEarlier: "effective_on",
        errors.IssueTooEarly: "issue_on",
    }
    name = places.get(type(refused))
    if name is not None:
        form[name].errors = [str(refused)]
    else:
        form.form_errors.append(str(refused))


@blueprint.post("/drafts/<code>/discard")
@requires(WRITE_DRAFT, on=get_draft, see=SEE_DRAFT)
def discard_draft(draft: Draft) -> Response:
    """Give the draft up; its texts can still be read."""
    form = DiscardForm()
    if not form.validate():
        return editor_page(draft, discard=form, status=400)

    def work() -> Done:
        service.discard_draft(draft=draft, reason=form.reason.data or "", by=actor())
        return Done(
            _("The draft was discarded. Its texts can still be read under “Ended”."),
            url_for("library.drafts", show="ended"),
        )

    return carry_out(work)
