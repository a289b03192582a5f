"""What a change means for others, before a draft is published and afterwards: each number, and the list behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from flask import render_template, request, url_for
from werkzeug.wrappers import Response

from portal.accounts.models import Person
from portal.core.access import actor, can, requires
from portal.core.errors import NotFound
from portal.core.i18n import format_date, language, ngettext
from portal.core.i18n import gettext as _
from portal.core.tables import download_csv
from portal.library import queries
from portal.library.models import Document, DocumentVersion, Draft
from portal.library.permissions import SEE_DRAFT, SEE_IMPACT
from portal.library.queries import get_document
from portal.library.queries.drafts import get_draft
from portal.library.service import dependants as service
from portal.library.service.changed import groups_of, notes_of
from portal.library.service.dependants import Affected, Change, DependantsOfClause
from portal.library.service.panels import Panel
from portal.library.views import CHANGE_CLASSES, LANGUAGE_WORDS, blueprint
from portal.library.views.market_texts import rows_ahead

NAMED_AT_ONCE = 5
PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class _Shown:
    """A change with what its pages show around it: titles, addresses, and where the lists are."""

    change: Change
    title: str
    heading: str
    trail: list[dict[str, Any]]
    overview: str
    # Of a market's text: the version of its base over which it is laid, and the one over which it lay before.
    over: DocumentVersion | None
    over_before: DocumentVersion | None
    list_of: Callable[..., str]
    csv_of: Callable[[str], str]
    draft: Draft | None = None


# --- a draft ------------------------------------------------------------------------------------


@blueprint.get("/drafts/<code>/impact")
@requires(SEE_DRAFT, on=get_draft)
def impact(draft: Draft) -> str:
    """Show what publishing a draft as it stands would mean for what rests on its clauses."""
    return _overview(_of_draft(draft))


@blueprint.get("/drafts/<code>/impact/<kind>")
@requires(SEE_DRAFT, on=get_draft)
def impact_list(draft: Draft, kind: str) -> str:
    """List everything of a kind that publishing a draft would affect."""
    return _list(_of_draft(draft), kind)


@blueprint.get("/drafts/<code>/impact/<kind>.csv")
@requires(SEE_DRAFT, on=get_draft)
def impact_csv(draft: Draft, kind: str) -> Response:
    """Give that list as a CSV file."""
    return _csv(_of_draft(draft), kind)


def _of_draft(draft: Draft) -> _Shown:
    change = service.change_of_draft(draft)
    title = _document_title(draft.document)
    return _Shown(
        change=change,
        title=title,
        heading=_("Impact of the draft of “%(title)s”", title=title),
        trail=[
            {"label": _("Drafts"), "href": url_for("library.drafts")},
            {
                "label": _("%(title)s, version %(number)s", title=title, number=draft.number),
                "href": url_for("library.draft", code=draft.code),
            },
        ],
        overview=url_for("library.impact", code=draft.code),
        over=draft.over,
        over_before=draft.based_on.over if draft.based_on is not None else None,
        list_of=lambda kind, **more: url_for("library.impact_list", code=draft.code, kind=kind, **more),
        csv_of=lambda kind: url_for("library.impact_csv", code=draft.code, kind=kind),
        draft=draft,
    )


def impact_panel(person: Person, draft: Draft) -> Panel | None:
    """Return the numbers of a draft's impact for its overview, None once it has ended."""
    if draft.ended_at is not None:
        return None
    shown = _of_draft(draft)
    return Panel("library/impact_panel.html", {**_summary(shown, person), "href": shown.overview})


# --- two published versions ---------------------------------------------------------------------


@blueprint.get("/library/<slug>/impact")
@requires(SEE_IMPACT, on=get_document)
def version_impact(document: Document) -> str:
    """Show what came between two published versions, and what still rests on the earlier one."""
    return _overview(_of_versions(document))


@blueprint.get("/library/<slug>/impact/<kind>")
@requires(SEE_IMPACT, on=get_document)
def version_impact_list(document: Document, kind: str) -> str:
    """List everything of a kind that rests on what came between two versions."""
    return _list(_of_versions(document), kind)


@blueprint.get("/library/<slug>/impact/<kind>.csv")
@requires(SEE_IMPACT, on=get_document)
def version_impact_csv(document: Document, kind: str) -> Response:
    """Give that list as a CSV file."""
    return _csv(_of_versions(document), kind)


def _of_versions(document: Document) -> _Shown:
    """Read the versions from the address; by default the newest, and the one that it changed."""
    asked_from, asked_to = request.args.get("from", ""), request.args.get("to", "")
    version = queries.get_version(document, asked_to) if asked_to else queries.latest_version(document)
    if version is None:
        raise NotFound()
    base: DocumentVersion | None
    base = queries.get_version(document, asked_from) if asked_from else service.base_of(version)
    title = _document_title(document)
    chosen: dict[str, Any] = {"slug": document.slug, "to": version.number}
    if base is not None:
        chosen["from"] = base.number
    return _Shown(
        change=service.change_between(base, version),
        title=title,
        heading=_("Impact of version %(number)s of “%(title)s”", number=version.number, title=title),
        trail=[
            {"label": _("Library"), "href": url_for("library.index")},
            {"label": title, "href": url_for("library.read", slug=document.slug)},
            {"label": _("History"), "href": url_for("library.history", slug=document.slug)},
        ],
        overview=url_for("library.version_impact", **chosen),
        over=version.over,
        over_before=base.over if base is not None else None,
        list_of=lambda kind, **more: url_for("library.version_impact_list", kind=kind, **chosen, **more),
        csv_of=lambda kind: url_for("library.version_impact_csv", kind=kind, **chosen),
    )


def _document_title(document: Document) -> str:
    return queries.list_document_names([document.slug], language()).get(document.slug, document.slug)


# --- the pages ----------------------------------------------------------------------------------


def _asked(change: Change) -> Iterable[DependantsOfClause]:
    """Yield who is asked of this change: of one that asks for nothing, only those whose things do not flip."""
    return (each for each in service.all_dependants() if change.asks_again or not each.flips)


def _summary(shown: _Shown, reader: Person, limit: int = 0) -> dict[str, Any]:
    change = shown.change
    rows = []
    for each in _asked(change):
        found = service.affected_by(each, change, reader=reader, limit=limit)
        rows.append(
            {
                "kind": each.kind,
                "name": each.name,
                "said": each.said(found.total, change),
                "total": found.total,
                "flips": each.flips,
                "note": found.note,
                "act": found.act,
                "items": _rows(change, found),
                "whose": found.whose,
                "href": shown.list_of(each.kind) if found.total else None,
                "csv": shown.csv_of(each.kind),
            }
        )
    return {
        "rows": rows,
        "asks_again": change.asks_again,
        "change_class": CHANGE_CLASSES[change.change_class] if change.change_class else None,
        "class_name": change.change_class.value if change.change_class else None,
        "is_first": change.base_number is None,
        "base_number": change.base_number,
        # Of a market's first text: the version of its base with which it is compared.
        "base_text_number": change.compared[1] if change.compared is not None and change.base_number is None else None,
        "number": change.number,
        "effective_on": format_date(change.effective_on, "long") if change.effective_on else None,
        "changed": _changed_words(change),
        "is_published": change.sequence is not None,
    }


def _changed_words(change: Change) -> str:
    """Say how many clauses changed, were taken out, came in, moved, and changed in a translation only."""
    clauses, changed = change.clauses, change.changed
    said = [
        ngettext("%(num)d clause changed", "%(num)d clauses changed", len(clauses.changed)) if clauses.changed else "",
        ngettext("%(num)d clause removed", "%(num)d clauses removed", len(clauses.removed)) if clauses.removed else "",
        ngettext("%(num)d clause added", "%(num)d clauses added", len(clauses.added)) if clauses.added else "",
        ngettext("%(num)d clause moved", "%(num)d clauses moved", len(clauses.moved)) if clauses.moved else "",
        ngettext("%(num)d clause at another place", "%(num)d clauses at another place", len(changed.placed))
        if changed.placed
        else "",
        *(
            ngettext(
                "%(num)d clause changed in %(language)s only",
                "%(num)d clauses changed in %(language)s only",
                len(anchors),
                language=LANGUAGE_WORDS[tag].in_(language()),
            )
            for tag, anchors in (changed.only_in or {}).items()
        ),
    ]
    return _(", ").join(part for part in said if part) or _("No clause changed")


def _clause_href(change: Change, anchor: str, *, before: bool, text: str = "") -> str | None:
    now = (change.document_slug, change.number) if change.sequence is not None else None
    found = change.compared if before else now
    if found is None:
        return None
    return url_for("library.read_version", slug=found[0], number=found[1], text=text or None, _anchor=anchor)


def _rows(change: Change, found: Affected) -> list[dict[str, Any]]:
    return [
        {
            "title": item.title,
            "href": item.href,
            "note": item.note,
            "whose": item.whose,
            "clauses": [(anchor, _clause_href(change, anchor, before=True)) for anchor in item.clauses],
        }
        for item in found.items
    ]


def _overview(shown: _Shown) -> str:
    change = shown.change
    return render_template(
        "library/impact.html",
        heading=shown.heading,
        trail=[*shown.trail, {"label": _("Impact")}],
        clauses=[
            {
                "label": group.label,
                "clauses": [
                    (anchor, _clause_href(change, anchor, before=is_before, text=group.language), note)
                    for anchor, note in group.clauses
                ],
            }
            # What changed is read as it was: what rests on it rests on that.
            for group in groups_of(change.changed, language())
            for is_before in [group.is_gone or group.says_otherwise]
        ],
        notes=notes_of(change.changed, language()),
        base_text=_base_text(shown),
        markets=rows_ahead(shown.draft) if shown.draft is not None else [],
        has_moved=bool(change.clauses.moved or change.changed.placed),
        in_translation_only=[LANGUAGE_WORDS[tag].in_(language()) for tag in change.changed.only_in or {}],
        **_summary(shown, actor(), NAMED_AT_ONCE),
    )


def _base_text(shown: _Shown) -> dict[str, Any] | None:
    """Return what is to be said of a market's base text: what rests on its clauses is counted there."""
    over, before = shown.over, shown.over_before
    if over is None:
        return None
    if before is None or before.sequence >= over.sequence:
        return {"number": over.number, "before": None, "impact": None}
    chosen: dict[str, Any] = {"slug": over.document.slug, "from": before.number, "to": over.number}
    return {
        "number": over.number,
        "before": before.number,
        "impact": url_for("library.version_impact", **chosen) if can(SEE_IMPACT, over.document) else None,
    }


def _dependants(change: Change, kind: str) -> DependantsOfClause:
    found = service.find_dependants(kind)
    if found is None:
        raise NotFound()
    return found


def _list(shown: _Shown, kind: str) -> str:
    dependants = _dependants(shown.change, kind)
    text = request.args.get("page", "1")
    number = int(text) if text.isascii() and text.isdigit() and 0 < len(text) < 7 else 1
    first = max(0, number - 1) * PAGE_SIZE
    found = service.affected_by(dependants, shown.change, reader=actor(), offset=first, limit=PAGE_SIZE)
    last = max(1, -(-found.total // PAGE_SIZE))
    if number > last:
        number, first = last, (last - 1) * PAGE_SIZE
        found = service.affected_by(dependants, shown.change, reader=actor(), offset=first, limit=PAGE_SIZE)
    number = max(1, number)
    return render_template(
        "library/impact_list.html",
        heading=dependants.name,
        name=dependants.name,
        trail=[*shown.trail, {"label": _("Impact"), "href": shown.overview}, {"label": dependants.name}],
        about=shown.heading,
        said=dependants.said(found.total, shown.change),
        total=found.total,
        note=found.note,
        act=found.act,
        items=_rows(shown.change, found),
        whose=found.whose,
        exports=[{"label": "CSV", "href": shown.csv_of(kind)}],
        summary=_("%(first)s–%(last)s of %(total)s", first=first + 1, last=first + len(found.items), total=found.total)
        if last > 1
        else "",
        previous=shown.list_of(kind, page=number - 1) if number > 1 else None,
        next=shown.list_of(kind, page=number + 1) if number < last else None,
    )


def _csv(shown: _Shown, kind: str) -> Response:
    dependants = _dependants(shown.change, kind)
    found = service.affected_by(dependants, shown.change, reader=actor())
    slug = shown.change.document_slug
    whose = [found.whose] if found.whose else []
    header = [_("Name of the thing"), *whose, _("Details"), _("Clauses")]
    rows = [
        [
            item.title,
            *([item.whose] if whose else []),
            item.note,
            " ".join(f"{slug}#{anchor}" for anchor in item.clauses),
        ]
        for item in found.items
    ]
    return download_csv(f"{slug}-{shown.change.number}-{kind}", header, rows)
