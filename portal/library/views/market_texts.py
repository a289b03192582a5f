"""What markets do otherwise: which have a text of their own, and the desk at which one is laid over its base."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from flask import flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from portal.accounts.models import Person
from portal.core import clock
from portal.core.access import actor, can, requires
from portal.core.errors import DomainError, NotFound
from portal.core.i18n import LANGUAGES, format_instant, language, other
from portal.core.i18n import gettext as _
from portal.core.i18n import lazy_gettext as _l
from portal.core.markdown import TOP, TrustedHtml, remembering, render_clauses, split_clauses
from portal.core.once import Done, carry_out
from portal.core.transaction import transaction
from portal.library import errors, queries
from portal.library.models import AudienceKind, Document, Draft, DraftState
from portal.library.permissions import (
    BEGIN_MARKET_TEXT,
    READ_DOCUMENT,
    SEE_DRAFT,
    SEE_MARKET_TEXTS,
    WRITE_DRAFT,
    writes_for,
)
from portal.library.queries.drafting import name_of
from portal.library.queries.drafts import get_draft, list_open_drafts
from portal.library.queries.market_texts import list_market_texts
from portal.library.queries.redlines import ClauseRedline, redline_of_versions
from portal.library.rules.changes import takes_effect_last
from portal.library.rules.overlays import Clash, Mode, Overlaid, arranged
from portal.library.service import following, market_texts, overlays, versions
from portal.library.service.following import Clashing, Decision, Move
from portal.library.service.panels import Panel
from portal.library.service.texts import can_be_split, resolver
from portal.library.views import LANGUAGE_WORDS, WARNINGS, blueprint, market_name
from portal.organisation import queries as organisation

# What a person can choose for a clause that reads as in the base.
_BEGINNING = {
    Mode.REPLACED: _l("Replace"),
    Mode.APPENDED: _l("Add text below"),
    Mode.NOT_APPLICABLE: _l("Does not apply"),
}
_HAPPENED = {
    Clash.CHANGED: _l("The base text has changed this clause."),
    Clash.GONE: _l("The base text does not have this clause any more."),
    Clash.TAKEN: _l("The base text has got a clause of the same id."),
    Clash.PLACE_GONE: _l("The clause behind which it stood is not in the base text any more."),
}
# The same, before it has happened.
_HAPPENED_AHEAD = {
    Clash.CHANGED: _l("changed"),
    Clash.GONE: _l("removed"),
    Clash.TAKEN: _l("the id is taken"),
    Clash.PLACE_GONE: _l("its place is removed"),
}
_CHOICES = {
    Clash.CHANGED: (_l("Keep what the market says"), _l("Give it up and follow the base text")),
    Clash.GONE: (_l("Keep it as a clause that only this market has"), _l("Give it up, as the base text has")),
    Clash.TAKEN: (_l("Keep it in the place of the new clause"), _l("Give it up and follow the base text")),
    Clash.PLACE_GONE: (_l("Keep it where it stands in the text"), _l("Give it up")),
}


# --- the markets of a document ------------------------------------------------------------------


@blueprint.get("/library/<slug>/markets")
@requires(SEE_MARKET_TEXTS, on=queries.get_document, see=READ_DOCUMENT)
def market_texts_of(document: Document) -> Response:
    """List the markets that a document is for, and what each does otherwise."""
    if document.base is not None:
        return redirect(url_for("library.market_texts_of", slug=document.base.slug))
    return _markets_page(document)


@blueprint.post("/library/<slug>/markets")
@requires(BEGIN_MARKET_TEXT, on=queries.get_document, see=READ_DOCUMENT)
def begin_market_text(document: Document) -> Response:
    """Begin the text of a market, and lead to the desk at which its clauses are chosen."""
    slug = document.slug

    def work() -> Done:
        market = organisation.find_market(request.form.get("market", "").strip())
        if market is None:
            raise errors.MarketNotListed()
        draft = following.begin_overlay(base=document, market=market, by=actor())
        return Done(
            _("The market's text has been begun. Choose the clauses in which the market does otherwise."),
            url_for("library.base_of_draft", code=draft.code),
        )

    try:
        return carry_out(work)
    except DomainError as refused:
        found = queries.get_document(slug)
        # The markets are those of the base, whatever was asked.
        return _markets_page(found.base or found, refusal=refused)


def _markets_page(document: Document, *, refusal: DomainError | None = None) -> Response:
    here = language()
    followed = overlays.followed_version(document)
    texts = list_market_texts(document)
    stands = {each.overlay.market: each for each in market_texts.stands_of(texts)}
    wanted = document.audience(AudienceKind.MARKET)
    may_begin = followed is not None and can(BEGIN_MARKET_TEXT, document)
    rows = [
        {
            "code": market.code,
            "name": market.name.in_(here),
            "text": _text_row(stands[market.code]) if market.code in stands else None,
            "can_begin": may_begin and market.code not in stands and writes_for(actor(), market.code),
        }
        for market in organisation.list_markets()
        if market.code in stands or not wanted or market.code in wanted
    ]
    shown = queries.version_to_read(document)
    titles = queries.list_titles([shown.id], here) if shown is not None else {}
    page = render_template(
        "library/market_texts.html",
        document=document,
        title=titles[shown.id] if shown is not None else document.slug,
        is_published=bool(document.versions),
        followed=followed,
        is_ahead=followed is not None and followed.effective_at > clock.now(),
        rows=rows,
        scheduled=_scheduled(document, texts),
        refusal=str(refusal) if refusal else None,
    )
    return make_response(page, refusal.status if refusal else 200)


def markets_panel(person: Person, draft: Draft) -> Panel | None:
    """Return for the overview of a base's draft what becomes of the texts of markets; None where there are none."""
    rows = rows_ahead(draft)
    return Panel("library/markets_panel.html", {"rows": rows}) if rows else None


def rows_ahead(draft: Draft) -> list[dict[str, Any]]:
    """Return for each market with a text of its own what the publication of a draft of the base does to it."""
    return [
        {
            "market": market_name(each.overlay.market),
            "number": each.latest.number,
            "waits": each.waits,
            "is_back": each.is_back,
            "people": each.people,
            "clauses": [(anchor, str(_HAPPENED_AHEAD[clash])) for anchor, clash in each.clashing.items()],
            "href": url_for("library.market_texts_of", slug=draft.document.slug)
            if can(SEE_MARKET_TEXTS, draft.document)
            else None,
        }
        for each in market_texts.ahead_of(draft)
    ]


def _scheduled(document: Document, overlays: Sequence[Document]) -> list[dict[str, Any]]:
    """Return the versions of a base that are approved for a day and will clash with a market, which, and with what."""
    drafts = [each for each in list_open_drafts(document) if each.state is DraftState.APPROVED]
    ahead = market_texts.clashes_ahead(drafts, overlays) if drafts else {}
    return [
        {
            "number": draft.number,
            "href": url_for("library.draft", code=draft.code) if can(SEE_DRAFT, draft) else None,
            "when": format_instant(draft.issue_at, draft.zone) if draft.issue_at is not None else "",
            "market": market_name(each.overlay.market),
            "clauses": list(each.clashing),
        }
        for draft in drafts
        for each in ahead.get(draft.id, [])
        if each.clashing
    ]


def _text_row(stand: market_texts.Stand) -> dict[str, Any]:
    overlay, latest = stand.overlay, stand.latest
    over = None
    if latest is not None and latest.over_id is not None and overlay.base is not None:
        over = next((each.number for each in overlay.base.versions if each.id == latest.over_id), None)
    can_write = can(WRITE_DRAFT, overlay)
    return {
        "slug": overlay.slug,
        "number": latest.number if latest is not None else None,
        "standing": queries.standing_of(latest).value if latest is not None else "",
        "href": url_for("library.read_version", slug=overlay.slug, number=latest.number)
        if latest is not None and can(READ_DOCUMENT, overlay)
        else None,
        "over": over,
        "waits": stand.waits,
        "clashing": [(anchor, str(market_texts.CLASH_WORDS[clash])) for anchor, clash in stand.clashing.items()],
        "drafts": [
            {"number": draft.number, "href": url_for("library.draft", code=draft.code)}
            for draft in stand.drafts
            if can(SEE_DRAFT, overlay)
        ],
        "settle_href": _settle_address(stand) if can_write else None,
        "desk_href": _desk_address(stand) if can_write else None,
        "can_draft": can_write and not stand.drafts and stand.followed is not None,
    }


def _settle_address(stand: market_texts.Stand) -> str | None:
    """Return where an open draft of a text that waits is laid over its base; None where one has to be begun."""
    if not stand.waits or stand.draft is None:
        return None
    return url_for("library.base_of_draft", code=stand.draft.code)


def _desk_address(stand: market_texts.Stand) -> str | None:
    writing = next((draft for draft in stand.drafts if draft.state is DraftState.WRITING and draft.over_id), None)
    return url_for("library.base_of_draft", code=writing.code) if writing is not None else None


# --- the desk -----------------------------------------------------------------------------------


def get_market_draft(code: str) -> Draft:
    """Return the draft of a market's text. Raises `DraftNotFound`, and `NotFound` for a draft of anything else."""
    draft = get_draft(code)
    if draft.over is None:
        raise NotFound()
    return draft


@blueprint.get("/drafts/<code>/base")
@requires(SEE_DRAFT, on=get_market_draft)
def base_of_draft(draft: Draft) -> Response:
    """Show the base of a market's text clause by clause with what the market does, and what the base has changed."""
    return _desk(draft)


@blueprint.post("/drafts/<code>/base/clauses")
@requires(WRITE_DRAFT, on=get_market_draft, see=SEE_DRAFT)
@remembering()
def overlay_clause(draft: Draft) -> Response:
    """Begin to do something otherwise in a clause of the base; words to be written are written in the editor."""
    code, anchor, wanted = draft.code, request.form.get("clause", ""), request.form.get("mode", "")
    if wanted not in set(Mode) - {Mode.ADDED}:
        raise errors.BadDraftRequest()
    mode = Mode(wanted)

    def work() -> Done:
        following.overlay_clause(draft=draft, anchor=anchor, mode=mode, by=actor())
        if mode is Mode.NOT_APPLICABLE:
            return Done(
                _("The clause “%(id)s” does not apply in this market.", id=anchor),
                url_for("library.base_of_draft", code=code, _anchor=f"desk-{anchor}"),
            )
        tag = draft.document.authoritative
        return Done(
            _("The clause “%(id)s” can be written now, in both languages.", id=anchor),
            _place_in_editor(get_draft(code), tag, anchor),
        )

    try:
        return carry_out(work)
    except errors.DraftNotWritable:
        raise
    except DomainError as refused:
        return _desk(get_market_draft(code), refusal=refused)


@blueprint.post("/drafts/<code>/base/added")
@requires(WRITE_DRAFT, on=get_market_draft, see=SEE_DRAFT)
@remembering()
def add_market_clause(draft: Draft) -> Response:
    """Begin a clause that only the market has; its words are written in the editor."""
    code = draft.code
    given = {name: request.form.get(name, "") for name in ("after", *(f"heading-{tag}" for tag in LANGUAGES))}

    def work() -> Done:
        headings = {tag: given[f"heading-{tag}"] for tag in LANGUAGES}
        anchor = following.add_clause(draft=draft, headings=headings, after=given["after"], by=actor())
        return Done(
            _("The clause “%(id)s” can be written now, in both languages.", id=anchor),
            _place_in_editor(get_draft(code), draft.document.authoritative, anchor),
        )

    try:
        return carry_out(work)
    except errors.DraftNotWritable:
        raise
    except DomainError as refused:
        return _desk(get_market_draft(code), refusal=refused, added=given)


@blueprint.post("/drafts/<code>/base/follow")
@requires(WRITE_DRAFT, on=get_market_draft, see=SEE_DRAFT)
def follow_base_here(draft: Draft) -> Response:
    """Let a clause follow the base again: what the market says about it is taken out of both languages."""
    code, anchor = draft.code, request.form.get("clause", "")
    is_from_editor = request.form.get("from") == "editor"

    def work() -> Done:
        following.follow_base_here(draft=draft, anchor=anchor, by=actor())
        there = (
            url_for("library.edit_draft", code=code, _anchor="otherwise")
            if is_from_editor
            else url_for("library.base_of_draft", code=code, _anchor="desk-clauses")
        )
        said = _(
            "The market says nothing about the clause “%(id)s” any more. What it said is among the earlier texts of "
            "the draft.",
            id=anchor,
        )
        return Done(said, there)

    try:
        return carry_out(work)
    except errors.DraftNotWritable:
        raise
    except DomainError as refused:
        return _desk(get_market_draft(code), refusal=refused)


@blueprint.post("/drafts/<code>/base")
@requires(WRITE_DRAFT, on=get_market_draft, see=SEE_DRAFT)
@remembering()
def move_draft(draft: Draft) -> Response:
    """Lay the draft over the newest version of its base, with what was decided about its clauses."""
    decisions = {
        name.removeprefix("decision-"): Decision(value)
        for name, value in request.form.items()
        if name.startswith("decision-") and value in set(Decision)
    }
    code = draft.code
    try:
        with transaction():
            moved = following.move_draft(
                draft=draft, seen=request.form.get("seen", ""), decisions=decisions, by=actor()
            )
            number = moved.over.number if moved.over is not None else ""
    except (errors.ClashUndecided, errors.MergeOutdated, errors.NothingToFollow) as refused:
        return _desk(get_market_draft(code), decisions=decisions, refusal=refused)
    flash(_("The draft is laid over version %(number)s of the base text now.", number=number), "success")
    return redirect(url_for("library.base_of_draft", code=code), 303)


def _place_in_editor(draft: Draft, tag: str, anchor: str) -> str:
    return _places_in_editor(draft, tag)(anchor)


def _places_in_editor(draft: Draft, tag: str) -> Callable[[str], str]:
    """Return what leads from the id of a clause to its line in the editor; the text is read once for all of them."""
    text = draft.text_in(tag)
    lines: dict[str, int] = {}
    for clause in split_clauses(text.source) if text is not None and can_be_split(text.source) else ():
        lines.setdefault(clause.anchor, clause.line)
    address = url_for("library.edit_draft", code=draft.code, text=tag)
    return lambda anchor: f"{address}#line-{lines[anchor]}" if anchor in lines else address


@remembering()
def _desk(
    draft: Draft,
    *,
    decisions: Mapping[str, Decision] | None = None,
    refusal: DomainError | None = None,
    added: Mapping[str, str] | None = None,
) -> Response:
    document, over, here = draft.document, draft.over, language()
    base = document.base
    assert over is not None
    assert base is not None
    move = following.move_of(draft)
    is_open = draft.state is DraftState.WRITING and can(WRITE_DRAFT, draft)
    title, tag = name_of(draft, here)
    page = render_template(
        "library/draft_base.html",
        draft=draft,
        title=title,
        title_language=tag,
        market=market_name(document.market),
        base=base,
        over=over,
        move=move,
        ahead=_ahead(draft),
        is_ahead=move is not None and move.latest.effective_at > clock.now(),
        clashing=_clash_rows(draft, move, decisions or {}) if move is not None else [],
        clauses=_clause_rows(draft, move),
        beginning={mode.value: str(words) for mode, words in _BEGINNING.items()},
        is_open=is_open,
        added=added or dict.fromkeys(("after", *(f"heading-{tag}" for tag in LANGUAGES)), ""),
        languages=[
            (tag, LANGUAGE_WORDS[tag].in_(here), tag == document.authoritative)
            for tag in (document.authoritative, other(document.authoritative))
        ],
        warnings=WARNINGS,
        refusal=str(refusal) if refusal else None,
    )
    return make_response(page, refusal.status if refusal else 200)


def _ahead(draft: Draft) -> str:
    """Say how something urgent can hold before the day of a version of the base that is issued; else nothing."""
    base = _base_of(draft)
    followed = overlays.followed_version(base)
    if followed is None or followed.effective_at <= clock.now():
        return ""
    said = {
        "latest": followed.number,
        "when": format_instant(followed.effective_at, followed.zone),
    }
    if overlays.comes_before_base(draft):
        return _(
            "Version %(latest)s of the base text takes effect only on %(when)s. What is urgent can be published over "
            "the version in force before that. It then follows version %(latest)s by itself, or waits for a decision "
            "where that changes a clause in which the market does otherwise.",
            **said,
        )
    waiting = takes_effect_last(draft.document.versions)
    if waiting is not None and waiting.effective_at > clock.now():
        return _(
            "Version %(latest)s of the base text takes effect only on %(when)s, and version %(own)s of this text with "
            "it. For an urgent change to hold sooner, withdraw version %(own)s, begin a draft from the version in "
            "force, and publish that: it then follows the base text by itself.",
            own=waiting.number,
            **said,
        )
    if waiting is not None:
        return _(
            "Version %(latest)s of the base text takes effect only on %(when)s. For an urgent change to hold sooner, "
            "begin another draft of this text from the version in force, and publish that first.",
            **said,
        )
    return ""


def _overlaid(draft: Draft) -> list[Overlaid]:
    text = draft.text_in(draft.document.authoritative)
    if text is None or draft.over is None:
        return []
    return overlays.overlaid_in(text.source, queries.clause_anchors(draft.over))


def _headings(draft: Draft) -> dict[str, dict[str, str]]:
    """Return clause id → language → heading: what the market calls a clause, else what the base does."""
    assert draft.over is not None
    found = {
        anchor: {tag: words for tag, words in headings.items() if words}
        for anchor, headings in queries.list_headings(draft.over).items()
    }
    for text in draft.texts:
        for clause in split_clauses(text.source) if can_be_split(text.source) else ():
            if clause.anchor and clause.heading:
                found.setdefault(clause.anchor, {}).setdefault(text.language, clause.heading)
    return found


def _clause_rows(draft: Draft, move: Move | None) -> list[dict[str, Any]]:
    """Return the clauses of the text that results, in their order, with what the market does to each."""
    assert draft.over is not None
    anchors = queries.clause_anchors(draft.over)
    overlaid = _overlaid(draft)
    doing = {each.anchor: each for each in overlaid}
    clashing = {each.anchor for each in move.clashing} if move is not None else set()
    headings, here = _headings(draft), language()
    place_in_editor = _places_in_editor(draft, draft.document.authoritative)
    in_base = set(anchors)
    rows = []
    for anchor in arranged(anchors, overlaid):
        words = headings.get(anchor, {})
        each = doing.get(anchor)
        rows.append(
            {
                "anchor": anchor,
                "is_top": anchor == TOP,
                "headings": [(each_tag, words[each_tag]) for each_tag in (here, other(here)) if each_tag in words],
                "mode": each.mode.value if each is not None else None,
                "waits": anchor in clashing,
                "href": url_for(
                    "library.read_version", slug=_base_of(draft).slug, number=draft.over.number, _anchor=anchor
                )
                if anchor in in_base
                else None,
                "edit_href": place_in_editor(anchor) if each is not None else None,
                # What stands before the first heading has no braces that could say it.
                "can_begin": each is None and anchor != TOP,
            }
        )
    return rows


def _base_of(draft: Draft) -> Document:
    assert draft.document.base is not None
    return draft.document.base


def _clash_rows(draft: Draft, move: Move, decisions: Mapping[str, Decision]) -> list[dict[str, Any]]:
    """Return for each clash what changed in the base, what the market says, and what can be decided."""
    # Of an added clause whose place is gone the place is what changed.
    places = {each.anchor: _place(each) for each in move.clashing}
    changed = _changed_clauses(move, language(), places.values())
    deciding = draft.document.authoritative
    # A change in the language that decides is one, even where the page's own reads as before.
    decided = _changed_clauses(move, deciding, [each for each in places.values() if each not in changed])
    own, tag = _own_words(draft)
    headings, here = _headings(draft), language()
    return [
        {
            "anchor": each.anchor,
            "headings": [
                (each_tag, headings[each.anchor][each_tag])
                for each_tag in (here, other(here))
                if each_tag in headings.get(each.anchor, {})
            ],
            "mode": each.overlaid.mode.value,
            "happened": str(_HAPPENED[each.clash]),
            "redline": changed.get(places[each.anchor]) or decided.get(places[each.anchor]),
            "only_in": LANGUAGE_WORDS[deciding].in_(here)
            if places[each.anchor] not in changed and places[each.anchor] in decided
            else None,
            "own": own.get(each.anchor),
            "language": tag,
            "choices": [
                (decision.value, str(label))
                for decision, label in zip((Decision.KEEP, Decision.DROP), _CHOICES[each.clash], strict=True)
                if each.may_keep or decision is not Decision.KEEP
            ],
            "chosen": decisions[each.anchor].value if each.anchor in decisions else None,
        }
        for each in move.clashing
    ]


def _changed_clauses(move: Move, tag: str, anchors: Iterable[str]) -> dict[str, ClauseRedline]:
    """Return clause id, before or after, → what became of it in the base, in a language."""
    wanted = list(anchors)
    found: dict[str, ClauseRedline] = {}
    for row in redline_of_versions(move.over, move.latest, tag, only=wanted).changed if wanted else ():
        for anchor in (row.anchor, row.was_anchor):
            if anchor:
                found.setdefault(anchor, row)
    return found


def _place(clashing: Clashing) -> str:
    return clashing.overlaid.after if clashing.clash is Clash.PLACE_GONE else clashing.anchor


def _own_words(draft: Draft) -> tuple[dict[str, tuple[TrustedHtml, TrustedHtml]], str]:
    """Return clause id → heading and text as the market writes it, and in which language: best that of the page."""
    document = draft.document
    text = draft.text_in(language())
    if text is None or not text.source.strip():
        text = draft.text_in(document.authoritative)
    if text is None or not can_be_split(text.source):
        return {}, document.authoritative
    tag = text.language
    whole = overlays.text_of_draft(draft, tag)
    sources = split_clauses(text.source)
    known = {
        clause.anchor: clause.heading
        for source in filter(None, (whole.source if whole else "", text.source))
        if can_be_split(source)
        for clause in split_clauses(source)
    }
    shown = render_clauses(
        text.source,
        resolve=resolver(document.slug, known, versions.heading_elsewhere, tag),
        language=tag,
        pictures=queries.pictures_of(document.slug),
        id_prefix="own-",
    )
    return {
        source.anchor: (part.heading, part.body)
        for source, part in zip(sources, shown.clauses, strict=True)
        if source.anchor
    }, tag
