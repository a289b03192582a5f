"""Where two texts become one: what was put aside, and what another version changed in between."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from portal.accounts import queries as people
from portal.core.access import actor, requires
from portal.core.errors import DomainError
from portal.core.i18n import format_instant, language
from portal.core.i18n import gettext as _
from portal.core.transaction import transaction
from portal.library import errors
from portal.library.models import Draft, DraftAside
from portal.library.permissions import SEE_DRAFT, WRITE_DRAFT
from portal.library.queries.drafting import find_aside, find_kept, name_of
from portal.library.queries.drafts import get_draft
from portal.library.rules.merging import Piece, Side
from portal.library.service import drafts as service
from portal.library.service import taking_over
from portal.library.service.drafts import Outcome, aside_values
from portal.library.service.joining import Joined, TextValues
from portal.library.service.texts import FIELD_NAMES
from portal.library.views import LANGUAGE_WORDS, blueprint
from portal.library.views.editor import posted_values, showable
from portal.library.views.overview import KEPT_WORDS

# --- what was put aside -------------------------------------------------------------------------


@blueprint.get("/drafts/<code>/asides/<aside>")
@requires(WRITE_DRAFT, on=get_draft, see=SEE_DRAFT)
def aside(draft: Draft, aside: str) -> Response:
    """Show one's own text that was put aside beside what is saved."""
    return _aside_page(draft, _found(draft, aside))


@blueprint.post("/drafts/<code>/asides/<aside>")
@requires(WRITE_DRAFT, on=get_draft, see=SEE_DRAFT)
def settle_aside(draft: Draft, aside: str) -> Response:
    """Settle it: as decided clause by clause, take mine, keep what is saved, or save what was brought together."""
    found = _found(draft, aside)
    way = request.form.get("way", "")
    if way == "clauses":
        return _settle_by_clause(draft, found)
    values: TextValues | None = None
    if way == "mine":
        values = aside_values(found)
    elif way == "together":
        values = posted_values()
    elif way != "saved":
        raise errors.BadDraftRequest()
    try:
        with transaction():
            settled = service.settle_aside(
                draft=draft, aside=found, revision=_seen() if values else None, values=values, by=actor()
            )
    except errors.DraftNotWritable:
        raise
    except DomainError as refused:
        return _aside_page(draft, found, typed=showable(values) if values else None, refusal=refused)
    if settled.outcome is Outcome.STALE:
        return _compare_again(draft, found)
    if values is None:
        flash(_("What is saved stays as it is; yours is among the earlier texts of the draft."), "success")
    else:
        flash(_("Your text is saved now."), "success")
    return redirect(url_for("library.edit_draft", code=draft.code, text=found.language), 303)


def _settle_by_clause(draft: Draft, found: DraftAside) -> Response:
    """Save what was decided about each clause that both changed."""
    posted = {name.removeprefix("choice-"): value for name, value in request.form.items() if name.startswith("choice-")}
    choices = {name: Side(value) for name, value in posted.items() if value in (Side.MINE, Side.THEIRS)}
    edits = {name: request.form.get(f"edit-{name}", "") for name, value in posted.items() if value == "edit"}
    try:
        with transaction():
            settled = service.join_aside(
                draft=draft, aside=found, revision=_seen(), choices=choices, edits=edits, by=actor()
            )
    except errors.DraftNotWritable:
        raise
    except DomainError as refused:
        return _aside_page(draft, found, posted=posted, refusal=refused)
    if settled.outcome is Outcome.STALE:
        return _compare_again(draft, found)
    flash(_("Both texts are one now. What they said before is among the earlier texts of the draft."), "success")
    return redirect(url_for("library.edit_draft", code=draft.code, text=found.language), 303)


def _seen() -> int:
    seen = request.form.get("revision", "")
    return int(seen) if seen.isascii() and seen.isdigit() and len(seen) < 10 else -1


def _compare_again(draft: Draft, found: DraftAside) -> Response:
    flash(_("The text was saved once more in the meantime. Yours is still aside; compare both again."), "warning")
    return redirect(url_for("library.aside", code=draft.code, aside=found.code), 303)


def _found(draft: Draft, code: str) -> DraftAside:
    found = find_aside(draft, actor(), code)
    if found is None:
        raise errors.AsideNotFound()
    return found


def _aside_page(
    draft: Draft,
    found: DraftAside,
    *,
    typed: TextValues | None = None,
    posted: Mapping[str, str] | None = None,
    refusal: DomainError | None = None,
) -> Response:
    text = draft.text_in(found.language)
    mine = aside_values(found)
    joined = service.compare_aside(draft, found)
    names = {each.code: each.name_in(language()) for each in people.list_people_of({text.saved_by} if text else set())}
    zone = actor().time_zone
    page = render_template(
        "library/draft_aside.html",
        draft=draft,
        title=name_of(draft, language())[0],
        aside={"code": found.code, "language": found.language, "at": format_instant(found.at, zone)},
        word=LANGUAGE_WORDS[found.language].in_(language()),
        saved_by=names.get(text.saved_by, text.saved_by) if text else "",
        saved_at=format_instant(text.saved_at, zone) if text else "",
        revision=text.revision if text else 0,
        open=[_choice_row(name, piece, posted or {}) for name, piece in joined.open],
        from_mine=_from(joined, Side.MINE),
        from_theirs=_from(joined, Side.THEIRS),
        values=typed or mine,
        refusal=str(refusal) if refusal else None,
    )
    return make_response(page, refusal.status if refusal else 200)


def _choice_row(name: str, piece: Piece, posted: Mapping[str, str]) -> dict[str, Any]:
    """Return what both changed, with what was chosen and written when the page came back."""
    is_line = name.startswith("line-")
    anchor = "" if is_line else piece.key
    return {
        "name": name,
        # What is beyond the limits of a text stands as a whole; so does a heading without an id.
        "label": str(FIELD_NAMES[piece.key if is_line else "source"]) if not anchor else "",
        "anchor": anchor,
        "mine": piece.mine,
        "theirs": piece.theirs,
        "choice": posted.get(name),
        "edit": request.form.get(f"edit-{name}", piece.mine if piece.mine is not None else piece.theirs),
        "rows": min(16, max(3, (piece.mine or piece.theirs or "").count("\n") + 2)),
    }


def _from(joined: Joined, side: Side) -> dict[str, list[Any]]:
    """Return which lines and clauses differ and are taken from one side without asking."""
    lines = [str(FIELD_NAMES[each.key]) for each in joined.lines if each.side is side and each.mine != each.theirs]
    anchors = [each.key for each in joined.pieces if each.side is side and each.mine != each.theirs]
    if side is Side.THEIRS:
        anchors += [key for key in joined.taken.pieces if key not in {each.key for each in joined.pieces}]
    return {"lines": lines, "anchors": anchors}


# --- earlier texts -------------------------------------------------------------------------------


@blueprint.get("/drafts/<code>/earlier/<kept>")
@requires(SEE_DRAFT, on=get_draft)
def earlier_text(draft: Draft, kept: str) -> str:
    """Show a text that is kept with a draft besides those that are saved."""
    found = find_kept(draft, kept)
    if found is None:
        raise errors.KeptNotFound()
    here = language()
    values = TextValues(**found.values)
    names = {each.code: each.name_in(here) for each in people.list_people_of({found.written_by})}
    return render_template(
        "library/draft_kept.html",
        draft=draft,
        title=name_of(draft, here)[0],
        kept={
            "language": found.language,
            "word": LANGUAGE_WORDS[found.language].in_(here),
            "by": names.get(found.written_by, found.written_by),
            "at": format_instant(found.at, actor().time_zone),
            "why": str(KEPT_WORDS[found.because]),
        },
        lines=[(str(FIELD_NAMES[name]), value) for name, value in showable(values).lines.items() if value],
        source=showable(values).source,
        rows=min(40, max(8, values.source.count("\n") + 2)),
    )


# --- what another version changed ----------------------------------------------------------------


@blueprint.get("/drafts/<code>/take-over")
@requires(WRITE_DRAFT, on=get_draft, see=SEE_DRAFT)
def compare_versions(draft: Draft) -> Response:
    """Show what the latest version changed since the draft was begun, and what somebody has to choose."""
    return _take_over_page(draft)


@blueprint.post("/drafts/<code>/take-over")
@requires(WRITE_DRAFT, on=get_draft, see=SEE_DRAFT)
def take_over(draft: Draft) -> Response:
    """Bring the changes into the draft."""
    choices = {
        name.removeprefix("choice-"): Side(value)
        for name, value in request.form.items()
        if name.startswith("choice-") and value in list(Side)
    }
    try:
        with transaction():
            seen = request.form.get("seen", "")
            held = taking_over.take_over(draft=draft, seen=seen, choices=choices, by=actor())
            number = held.based_on.number if held.based_on else ""
    except (errors.MergeUndecided, errors.MergeOutdated) as refused:
        return _take_over_page(draft, choices=choices, refusal=refused)
    flash(_("The draft is based on version %(number)s now.", number=number), "success")
    return redirect(url_for("library.edit_draft", code=draft.code), 303)


def _take_over_page(
    draft: Draft, *, choices: dict[str, Side] | None = None, refusal: DomainError | None = None
) -> Response:
    plan = taking_over.compare(draft)
    here = language()
    page = render_template(
        "library/draft_take_over.html",
        draft=draft,
        title=name_of(draft, here)[0],
        latest=plan.latest.number,
        based_on=draft.based_on.number if draft.based_on else None,
        seen=plan.seen,
        texts=[
            {
                "language": tag,
                "word": LANGUAGE_WORDS[tag].in_(here),
                "taken": [_piece_row(each, is_line=False) for each in text.taken],
                "lines": [
                    str(FIELD_NAMES[name])
                    for name, piece in text.lines.items()
                    if piece.side is Side.THEIRS and piece.mine != piece.theirs
                ],
                "open": [
                    _piece_row(piece, is_line="-clause-" not in name)
                    | {"name": name, "choice": (choices or {}).get(name)}
                    for name, piece in text.open
                ],
            }
            for tag, text in plan.texts.items()
        ],
        refusal=str(refusal) if refusal else None,
    )
    return make_response(page, refusal.status if refusal else 200)


def _piece_row(piece: Piece, *, is_line: bool) -> dict[str, Any]:
    return {
        "label": str(FIELD_NAMES[piece.key]) if is_line else "",
        "anchor": "" if is_line else piece.key,
        "mine": piece.mine,
        "theirs": piece.theirs,
    }
