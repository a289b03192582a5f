"""The library's list, the reading page, the print view and the history of a document."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import current_app, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from portal.accounts import queries as accounts
from portal.core.access import actor, can, requires, signed_in
from portal.core.i18n import LANGUAGE_NAMES, LANGUAGES, language, other
from portal.core.i18n import gettext as _
from portal.library import queries
from portal.library.errors import DocumentNotFound, PlaceUnknown
from portal.library.models import AudienceKind, Document, DocumentVersion, VersionText
from portal.library.permissions import (
    READ_DOCUMENT,
    READ_EVERYTHING,
    SEE_APPROVAL_STEPS,
    SEE_IMPACT,
    SEE_MARKET_TEXTS,
    SET_AUDIENCE,
    WITHDRAW_VERSION,
    WRITE_DRAFT,
    codes_of,
)
from portal.library.queries import get_document
from portal.library.queries.drafts import list_open_drafts
from portal.library.rules import Standing
from portal.library.rules.changes import was_called_off
from portal.library.service import overlays, readings
from portal.library.service.changed import Changed, changed_between, groups_of, notes_of
from portal.library.service.panels import ClauseNote, clause_notes_for, panels_for
from portal.library.views import CHANGE_CLASSES, KINDS, LANGUAGE_WORDS, WARNINGS, blueprint
from portal.library.views.market_facts import applies_in_its_place, market_names, marks_of, overlay_facts
from portal.library.views.moments import page_at


@blueprint.get("/library")
@signed_in
def index() -> str:
    """List what the person may read, by kind."""
    rows = queries.list_library(actor(), language())
    groups = [(label, [row for row in rows if row.kind is kind]) for kind, label in KINDS.items()]
    return render_template(
        "library/index.html",
        groups=[group for group in groups if group[1]],
        market_names=market_names() if any(row.market for row in rows) else {},
    )


@blueprint.get("/library/<slug>")
@requires(READ_DOCUMENT, on=get_document, absent=DocumentNotFound)
def read(document: Document) -> str | Response:
    """Show the version in force; before there is one the next, after a withdrawal the one withdrawn.

    With `at=`, `market=` or both, what was in force at an instant, which is now where none is named. Whoever works for
    a market that follows a text of its own is led there, but for those who work with all documents, and for `base=1`.
    """
    if any(request.args.get(name, "").strip() for name in ("at", "market")):
        return page_at(document)
    own = _own_text(document)
    if own is not None and not request.args.get("base") and not can(READ_EVERYTHING):
        kept: dict[str, Any] = request.args.to_dict()
        return redirect(url_for("library.read", **{**kept, "slug": own.slug}))
    return _reading_page(document, _shown_version(document), is_current=True)


@blueprint.get("/library/<slug>/versions/<number>")
@requires(READ_DOCUMENT, on=get_document, absent=DocumentNotFound)
def read_version(document: Document, number: str) -> str:
    """Show one version, whatever has become of it."""
    return _reading_page(document, queries.get_version(document, number), is_current=False)


@blueprint.get("/library/<slug>/print")
@requires(READ_DOCUMENT, on=get_document, absent=DocumentNotFound)
def print_view(document: Document) -> str:
    """Show the version in force as it is printed."""
    return _print_page(document, _shown_version(document))


@blueprint.get("/library/<slug>/versions/<number>/print")
@requires(READ_DOCUMENT, on=get_document, absent=DocumentNotFound)
def print_version(document: Document, number: str) -> str:
    """Show one version as it is printed."""
    return _print_page(document, queries.get_version(document, number))


@blueprint.get("/library/<slug>/history")
@requires(READ_DOCUMENT, on=get_document, absent=DocumentNotFound)
def history(document: Document) -> str:
    """List every version with its life and what changed in it."""
    hashes = queries.hashes_by_language(document.versions)
    standings = queries.standings(document.versions)
    rows = []
    before: dict[str, dict[str, str]] | None = None
    last: DocumentVersion | None = None
    for version in document.versions:
        now = hashes.get(version.id, {})
        changes = _listed(changed_between(before, now, document.authoritative)) if before is not None else None
        rows.append((version, standings[version.sequence], changes, last))
        before, last = now, version
    title = _title(document)
    return render_template(
        "library/history.html",
        document=document,
        title=title,
        rows=rows[::-1],
        authors=_authors_of(document),
        change_classes=CHANGE_CLASSES,
        markets_href=_markets_href(document),
        sees_impact=can(SEE_IMPACT, document),
    )


def _listed(changed: Changed) -> dict[str, Any]:
    here = language()
    return {"is_empty": changed.is_empty, "groups": groups_of(changed, here), "notes": notes_of(changed, here)}


def _authors_of(document: Document) -> dict[int, str]:
    """Return version's row number → its author, named as the reader reads names; one from elsewhere stays as stated."""
    codes = {version.author_code for version in document.versions if version.author_code}
    names = {person.code: person.name_in(language()) for person in accounts.list_people_of(codes)} if codes else {}
    return {version.id: names.get(version.author_code or "", version.author_name) for version in document.versions}


@blueprint.post("/library/<slug>/versions/<number>/place")
@requires(READ_DOCUMENT, on=get_document, absent=DocumentNotFound)
def keep_place(document: Document, number: str) -> Any:
    """Note at which clause the person is; sent by the page itself."""
    version = queries.get_version(document, number)
    if not readings.keep_place(person=actor(), version=version, anchor=request.form.get("clause", "")):
        raise PlaceUnknown()
    return "", 204


@blueprint.get("/glossary")
@signed_in
def glossary() -> str:
    """List the terms that everybody uses alike."""
    return render_template("library/glossary.html", terms=queries.list_terms(), other=other(language()))


def _shown_version(document: Document) -> DocumentVersion:
    version = queries.version_to_read(document)
    if version is None:
        raise DocumentNotFound()
    return version


def _own_text(document: Document) -> Document | None:
    """Return what the reader's market does otherwise, if that is in force now."""
    overlay = queries.find_overlay(document, actor().home_market.code)
    return overlay if overlay is not None and queries.version_in_force(overlay) is not None else None


def _title(document: Document) -> str:
    version = _shown_version(document)
    return queries.list_titles([version.id], language())[version.id]


def _text_values(document: Document, version: DocumentVersion) -> dict[str, Any]:
    """Return what both the reading page and the print view show of a version."""
    texts = queries.list_text_heads(version)
    wanted = request.args.get("text", "")
    wanted = wanted if wanted in LANGUAGES else language()
    text = texts.get(wanted) or texts[document.authoritative]
    second = texts.get(other(document.authoritative))
    news = text if text.says_number == version.number else texts[document.authoritative]
    here = language()
    return {
        "document": document,
        "version": version,
        "text": text,
        "texts": texts,
        # A translation that is behind would tell what to do differently since an earlier version.
        "news": news,
        "what_to_do": overlays.what_to_do_differently(version, news),
        # The reader asked for a language in which there is no text.
        "missing": LANGUAGE_WORDS[wanted].in_(here) if text.language != wanted else None,
        "behind": second.behind if second else [],
        "text_language": LANGUAGE_WORDS[text.language].in_(here),
        "deciding_language": LANGUAGE_WORDS[document.authoritative].in_(here),
        "second_language": LANGUAGE_WORDS[other(document.authoritative)].in_(here),
        "standing": queries.standing_of(version),
        # Withdrawn before its day.
        "called_off": was_called_off(version),
        "kind": KINDS[document.kind],
        "change_class": CHANGE_CLASSES[version.change_class],
    }


@dataclass(frozen=True, slots=True)
class _Shown:
    """What is the same for everybody who reads a text on pages of one language."""

    main: str
    contents: str
    # In their order.
    headings: dict[str, tuple[str, str]]
    # How many clauses are shown only when they are opened.
    covered: int


# What the address says where somebody wants to see everything, and from how many covers on that is offered.
_ALL, _FEW_COVERED = "all", 2

# A text is set into the page once, not for each reader; what is not asked for any more makes room.
_KEPT = 200
_kept: OrderedDict[tuple[object, ...], _Shown] = OrderedDict()


def _shown(version: DocumentVersion, text: VersionText, here: str, *, opened: bool) -> _Shown:
    """Return the text of a version as it stands on the page at the address `here`, `opened` with nothing covered."""
    key = (current_app.config["SQLALCHEMY_DATABASE_URI"], text.id, text.shown_at, language(), here, opened)
    found = _kept.get(key)
    if found is None:
        clauses = queries.list_shown_clauses(version, text.language)
        part: Any = current_app.jinja_env.get_template("library/clauses.html").module
        found = _Shown(
            main=part.shown(
                clauses,
                queries.footnotes_of(text),
                text.language,
                here,
                language(),
                WARNINGS,
                text.behind,
                marks_of(version),
                _note_slot,
                opened,
            ),
            contents=part.contents(clauses, language()),
            headings={clause.anchor: (clause.heading, clause.language) for clause in clauses},
            covered=sum(clause.sensitivity != "S0" for clause in clauses),
        )
        _kept[key] = found
        while len(_kept) > _KEPT:
            _kept.popitem(last=False)
    return found


# Where the marker of a clause comes in: the text around it is kept for all readers, the markers are each reader's.
# Characters for private use: nobody can type them by chance, and they need no escaping.
_SLOT, _SLOT_END = "\ue010", "\ue011"


def _note_slot(anchor: str) -> str:
    return f"{_SLOT}{anchor}{_SLOT_END}"


def _with_notes(main: str, notes: Mapping[str, ClauseNote]) -> str:
    """Put a reader's markers into a text that is markup already, and stays so: its parts are markup, too."""
    part: Any = current_app.jinja_env.get_template("ui/components/clause_note.html").module
    first, *others = main.split(_SLOT)
    found = [first]
    for each in others:
        anchor, _end, rest = each.partition(_SLOT_END)
        if anchor in notes:
            found.append(part.clause_note(notes[anchor].label, notes[anchor].href))
        found.append(rest)
    return main[:0].join(found)


def _reading_page(document: Document, version: DocumentVersion, *, is_current: bool) -> str:
    values = _text_values(document, version)
    text, standing = values["text"], values["standing"]
    endpoint = "library.read" if is_current else "library.read_version"
    address: dict[str, Any] = {"slug": document.slug}
    if not is_current:
        address["number"] = version.number
    own: dict[str, Any] = {} if text.language == language() else {"text": text.language}
    # Asked for each time: what somebody wanted to see once says nothing of the next time.
    opened = request.args.get("open") == _ALL
    shown = _shown(version, text, url_for(endpoint, **address), opened=opened)
    reading = queries.find_reading(actor(), version)
    kept = reading.anchor if reading else ""
    # The very first clause is where everybody begins.
    is_place = kept in shown.headings and kept != next(iter(shown.headings))
    current = queries.version_in_force(document)
    page = render_template(
        "library/read.html",
        **values,
        shown=shown,
        main=_with_notes(shown.main, clause_notes_for(actor(), version)),
        place=(kept, *shown.headings[kept]) if is_place else None,
        kept=kept,
        current=current if current is not None and current.id != version.id else None,
        coming=_coming(document, version) if standing is Standing.IN_FORCE else None,
        owner=queries.find_owner_name(document, language()),
        tabs=[
            {
                "label": LANGUAGE_NAMES[tag],
                "lang": tag,
                "href": url_for(endpoint, **address, **({} if tag == language() else {"text": tag})),
                "current": tag == text.language,
            }
            for tag in values["texts"]
        ],
        covers=_covers(shown, url_for(endpoint, **address, **own, **_kept_arguments()), opened=opened),
        print_href=url_for("library.print_version", slug=document.slug, number=version.number, **own),
        panels=panels_for(actor(), version, text),
        overlay=overlay_facts(version),
        instead=applies_in_its_place(document),
        is_elsewhere=document.market is not None and document.market not in codes_of(actor())[AudienceKind.MARKET],
        own_text=_own_text(document),
        own_market=actor().home_market.name,
        provisional=_provisional(version),
        responsible=_responsible(document, version),
        drafting=_drafting(document, version) if can(WRITE_DRAFT, document) else None,
    )
    readings.note_opened(person=actor(), version=version, known=reading)
    return page


def _kept_arguments() -> dict[str, Any]:
    return {name: request.args[name] for name in ("base",) if name in request.args}


def _covers(shown: _Shown, here: str, *, opened: bool) -> dict[str, Any] | None:
    """Return how many clauses are covered and where all of them are open; None where there is at most one."""
    if shown.covered < _FEW_COVERED:
        return None
    sign = "&" if "?" in here else "?"
    there = here if opened else f"{here}{sign}open={_ALL}"
    return {"number": shown.covered, "opened": opened, "href": f"{there}#{next(iter(shown.headings))}"}


def _provisional(version: DocumentVersion) -> dict[str, str] | None:
    """Return why, and by whom, the version was issued before its second language is up to date."""
    if not version.is_provisional or not version.provisional_reason:
        return None
    by = accounts.find_person(version.approved_by or "")
    name = by.name_in(language()) if by else _("An approver")
    return {"by": name, "reason": version.provisional_reason}


def _markets_href(document: Document) -> str | None:
    """Return where those who may see it learn what markets do otherwise."""
    return url_for("library.market_texts_of", slug=document.slug) if can(SEE_MARKET_TEXTS, document) else None


def _responsible(document: Document, version: DocumentVersion) -> list[tuple[str, str]]:
    """Return what those can do from here who answer for the document."""
    links = []
    markets = _markets_href(document)
    if markets:
        links.append((_("Market texts"), markets))
    if can(SEE_APPROVAL_STEPS, document):
        links.append((_("Who approves"), url_for("library.approvals", slug=document.slug)))
    if can(SET_AUDIENCE, document):
        links.append((_("Audience"), url_for("library.audience", slug=document.slug)))
    if version.withdrawn_at is None and can(WITHDRAW_VERSION, document):
        there = url_for("library.withdraw", slug=document.slug, number=version.number)
        links.append((_("Withdraw this version"), there))
    return links


def _drafting(document: Document, version: DocumentVersion) -> dict[str, Any]:
    """Return what those who write the document can do from here: the drafts that are open, and from what to begin."""
    latest = queries.latest_version(document)
    return {
        "drafts": [
            (draft.number, url_for("library.edit_draft", code=draft.code)) for draft in list_open_drafts(document)
        ],
        "from": "" if latest is None or latest.id == version.id else version.number,
    }


def _coming(document: Document, version: DocumentVersion) -> DocumentVersion | None:
    """Return the next version that is issued and not yet in force."""
    later = [
        each
        for each in document.versions
        if each.effective_at > version.effective_at and queries.standing_of(each) is Standing.ISSUED
    ]
    return min(later, key=lambda each: each.effective_at, default=None)


def _print_page(document: Document, version: DocumentVersion) -> str:
    values = _text_values(document, version)
    return render_template(
        "library/print.html",
        **values,
        clauses=queries.list_shown_clauses(version, values["text"].language),
        marks=marks_of(version),
        overlay=overlay_facts(version),
        footnotes=queries.footnotes_of(values["text"]),
        reader=actor(),
    )
