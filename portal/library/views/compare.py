"""Two versions of a document, whichever they are: what differs, clause by clause and word by word."""

from __future__ import annotations

from typing import Any

from flask import render_template, request, url_for

from portal.core.access import requires
from portal.core.i18n import LANGUAGE_NAMES, LANGUAGES, language
from portal.core.i18n import gettext as _
from portal.library import queries
from portal.library.models import Document, DocumentVersion
from portal.library.permissions import READ_DOCUMENT
from portal.library.queries import get_document
from portal.library.queries.redlines import redline_of_versions
from portal.library.service import overlays
from portal.library.service.changed import changed_in_version, notes_of
from portal.library.views import CHANGE_CLASSES, LANGUAGE_WORDS, WARNINGS, blueprint

VIEWS = ("inline", "side")


@blueprint.get("/library/<slug>/compare")
@requires(READ_DOCUMENT, on=get_document)
def compare(document: Document) -> str:
    """Show what differs between two versions; without a choice, between the one in force and the one before it."""
    asked = {name: request.args.get(name, "").strip() for name in ("from", "to")}
    unknown = [number[:20] for number in asked.values() if number and queries.find_version(document, number) is None]
    new = queries.find_version(document, asked["to"]) or _later_default(document)
    old = queries.find_version(document, asked["from"]) or _version_before(document, new)
    view = request.args.get("view", "")
    view = view if view in VIEWS else "inline"
    texts = {version.id: queries.list_text_heads(version) for version in (old, new) if version is not None}
    tags = [tag for tag in LANGUAGES if all(tag in heads for heads in texts.values())]
    wanted = request.args.get("text", "")
    wanted = wanted if wanted in LANGUAGES else language()
    shown = wanted if wanted in tags else document.authoritative
    words = texts[new.id][shown]
    is_pair = old is not None and old.id != new.id
    # A translation that is behind would tell what to do differently since an earlier version.
    news = words if words.says_number == new.number else texts[new.id][document.authoritative]

    def address(**changed: str) -> str:
        values: dict[str, Any] = {
            "slug": document.slug, "from": old.number if old else None, "to": new.number, "view": view, "text": shown,
        }  # fmt: skip
        return url_for("library.compare", **(values | changed))

    return render_template(
        "library/compare.html",
        document=document,
        title=queries.list_titles([new.id], language())[new.id],
        old=old,
        new=new,
        standings=queries.standings(document.versions),
        unknown=unknown,
        redline=redline_of_versions(old, new, shown) if is_pair else None,
        text=words,
        news=news,
        what_to_do=overlays.what_to_do_differently(new, news),
        shown=shown,
        view=view,
        # What came or went as a whole is not listed clause by clause.
        notes=notes_of(changed_in_version(old, new), language()) if is_pair and old is not None else [],
        other_href={tag: address(text=tag) for tag in tags},
        base_href=_base_href(old, new),
        missing=LANGUAGE_WORDS[wanted].in_(language()) if shown != wanted else None,
        deciding_language=LANGUAGE_WORDS[document.authoritative].in_(language()),
        warnings=WARNINGS,
        change_class=CHANGE_CLASSES[new.change_class],
        languages=[
            {"label": LANGUAGE_NAMES[tag], "lang": tag, "href": address(text=tag), "current": tag == shown}
            for tag in tags
        ],
        views=[
            {"label": label, "href": address(view=name), "current": name == view}
            for name, label in (("inline", _("In one text")), ("side", _("Side by side")))
        ],
    )


def _base_href(old: DocumentVersion | None, new: DocumentVersion) -> str | None:
    """Return where the base of a market's text is compared, if the two are laid over different versions of it."""
    if old is None or old.over is None or new.over is None or old.over.id == new.over.id:
        return None
    chosen: dict[str, Any] = {"from": old.over.number, "to": new.over.number}
    return url_for("library.compare", slug=new.over.document.slug, **chosen)


def _later_default(document: Document) -> DocumentVersion:
    """Return the version that the document's address shows, or the one after it where that is the first."""
    shown = queries.version_to_read(document) or document.versions[-1]
    return document.versions[min(1, len(document.versions) - 1)] if shown.sequence == 1 else shown


def _version_before(document: Document, version: DocumentVersion) -> DocumentVersion | None:
    earlier = [each for each in document.versions if each.sequence < version.sequence]
    return earlier[-1] if earlier else None
