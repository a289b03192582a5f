"""The editor: two languages side by side, saved as they are written, shown as they will be read."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from flask import current_app, flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # the stubs do not know it yet

from portal.accounts import queries as people
from portal.accounts.models import Person
from portal.core import clock
from portal.core.access import actor, requires, wants_json
from portal.core.errors import DomainError, NotFound
from portal.core.i18n import LANGUAGE_NAMES, LANGUAGES, LazyText, format_instant, gettext, language, ngettext, other
from portal.core.i18n import gettext as _
from portal.core.i18n import lazy_gettext as _l
from portal.core.markdown import Problem, TextRefused, remembering, split_clauses, visible
from portal.core.transaction import transaction
from portal.library import errors, limits, queries
from portal.library.forms import DiscardForm, ProposalForm
from portal.library.models import GROUPS, AudienceKind, ChangeClass, Draft, DraftState, DraftText, ReviewAct
from portal.library.permissions import SEE_DRAFT, WRITE_DRAFT
from portal.library.queries.drafting import (
    ClauseState,
    OutlineRow,
    find_author,
    latest_of,
    list_open_asides,
    list_others_present,
    name_of,
    outline_of,
    texts_of_version,
)
from portal.library.queries.drafts import clauses_of_draft, get_draft, list_comments
from portal.library.rules.merging import Digests, read_digests
from portal.library.service import drafts as service
from portal.library.service import images, overlays
from portal.library.service.drafts import Outcome, Saved, values_of
from portal.library.service.joining import TextValues, digests_of_values
from portal.library.service.previews import preview_of, problems_over
from portal.library.service.texts import FIELD_NAMES, problems_beside
from portal.library.views import (
    CHANGE_CLASSES,
    LANGUAGE_WORDS,
    audience_choices,
    audience_words,
    blueprint,
    market_name,
)

CLAUSE_STATES: dict[ClauseState, tuple[str, Callable[[], str]]] = {
    ClauseState.IN_STEP: ("done", lambda: gettext("In step")),
    ClauseState.BEHIND: ("translation_behind", lambda: gettext("Behind")),
    ClauseState.NEW: ("not_started", lambda: gettext("Not marked yet")),
    ClauseState.MISSING: ("unknown", lambda: gettext("Not translated yet")),
    ClauseState.EXTRA: ("warning", lambda: gettext("Only in the translation")),
}


@dataclass(frozen=True, slots=True)
class Tool:
    """A button of the toolbar: what it is called, how it writes, and what in each language.

    `{}` is where the caret, or what is selected, goes. `how`: line (before each line), wrap (around what is selected),
    block (a paragraph of its own), clause, image, footnote, sensitivity.
    """

    name: str
    label: LazyText
    how: str
    en: str
    ja: str
    key: str = ""

    def text(self, tag: str) -> str:
        """Return what is written in a language."""
        return self.ja if tag == "ja" else self.en


TOOLS = (
    Tool("heading", _l("Heading"), "line", "## {}", "## {}"),
    Tool("bold", _l("Bold"), "wrap", "**{}**", "**{}**", "b"),
    Tool("list", _l("List"), "line", "- {}", "- {}"),
    Tool("table", _l("Table"), "block", "| {} |  |\n|---|---|\n|  |  |", "| {} |  |\n|---|---|\n|  |  |"),
    Tool(
        "decision",
        _l("Decision table"),
        "block",
        "| Decision | When |\n|---|---|\n| {} |  |",
        "| 判断 | 場合 |\n|---|---|\n| {} |  |",
    ),
    Tool("example", _l("Example"), "block", "**Example:** {}", "**例：** {}"),
    Tool("counter", _l("Counter-example"), "block", "**Counter-example:** {}", "**反例：** {}"),
    Tool("note", _l("Word aside"), "block", "> [!NOTE]\n> {}", "> [!NOTE]\n> {}"),
    Tool("link", _l("Link"), "wrap", "[{}](https://)", "[{}](https://)"),
    Tool("clause", _l("Clause link"), "clause", "[[", "[["),
    Tool("image", _l("Picture"), "image", "![{}](images/)", "![{}](images/)"),
    Tool("footnote", _l("Footnote"), "footnote", "[^{}]", "[^{}]"),
    Tool("sensitivity", _l("Sensitivity"), "sensitivity", "", ""),
)


@dataclass(frozen=True, slots=True)
class Typed:
    """A text that could not be saved: what was written, on which save, and what that one said in short."""

    language: str
    values: TextValues
    revision: int
    digests: str


# --- the page -----------------------------------------------------------------------------------


@blueprint.get("/drafts/<code>/edit")
@requires(WRITE_DRAFT, on=get_draft, see=SEE_DRAFT)
def edit_draft(draft: Draft) -> Response:
    """Show both texts with what they will look like, where each clause stands, and what is proposed."""
    page = editor_page(draft)
    service.note_present(draft=draft, person=actor(), known=find_author(draft, actor()))
    return page


def editor_page(
    draft: Draft,
    *,
    typed: Typed | None = None,
    refusal: str | None = None,
    proposal: ProposalForm | None = None,
    discard: DiscardForm | None = None,
    status: int = 200,
) -> Response:
    """Show the editor; `typed` is a text that could not be saved."""
    person, chosen = actor(), request.args.get("text", "")
    if typed is not None:
        chosen = typed.language
    # Without a wish: the language of the page where there is a text, else the one that decides.
    if chosen not in LANGUAGES:
        chosen = language() if draft.text_in(language()) is not None else draft.document.authoritative
    title, title_language = name_of(draft, language())
    names = _names_of({text.saved_by for text in draft.texts})
    latest = latest_of(draft.document)
    with remembering():
        sides = [_side(draft, tag, typed, names, person.time_zone) for tag in LANGUAGES]
        outline = outline_rows(draft)
        remarks = _open_remarks(draft, chosen)
    is_open = draft.state is DraftState.WRITING
    page = render_template(
        "library/draft_edit.html",
        draft=draft,
        title=title,
        title_language=title_language,
        over=_over(draft),
        otherwise=_otherwise(draft, outline),
        is_open=is_open,
        sides=sides,
        chosen=chosen,
        outline=outline,
        outline_words=outline_words(),
        deciding=draft.document.authoritative,
        deciding_revision=next(side["revision"] for side in sides if side["is_deciding"]),
        second_name=LANGUAGE_WORDS[other(draft.document.authoritative)].in_(language()),
        deciding_name=LANGUAGE_WORDS[draft.document.authoritative].in_(language()),
        refusal=refusal,
        tools=TOOLS,
        others=others_words(draft, person),
        asides=[
            {
                "href": url_for("library.aside", code=draft.code, aside=each.code),
                "at": format_instant(each.at, person.time_zone),
                "language": LANGUAGE_WORDS[each.language].in_(language()),
            }
            for each in list_open_asides(draft, person)
        ],
        came_back=_came_back(draft),
        remarks=remarks,
        overtaken_by=latest.number if is_open and latest is not None and latest.id != draft.based_on_id else None,
        based_on=draft.based_on.number if draft.based_on else None,
        proposal=proposal or proposal_form(draft),
        number_help=_number_help(draft),
        audience_now=audience_words(draft.document),
        is_audience_proposed=draft.audience is not None,
        discard=discard or DiscardForm(formdata=None),
        asks_discard=discard is not None,
        images=[
            {"name": each.name, "href": url_for("library.image", slug=draft.document.slug, name=each.name)}
            for each in queries.list_images(draft.document)
        ],
        image_limits=images.limit_words(),
        zones=clock.zone_names(),
        search_url=_search_url(),
    )
    return make_response(page, status)


def _side(draft: Draft, tag: str, typed: Typed | None, names: dict[str, str], zone: str) -> dict[str, Any]:
    text = draft.text_in(tag)
    values, revision = values_of(text), text.revision if text else 0
    digests = told_digests(values)
    if typed is not None and typed.language == tag:
        values, revision, digests = typed.values, typed.revision, typed.digests
    shown = preview_of(draft=draft, language=tag, source=values.source)
    base = None if draft.over is None else texts_of_version(draft.over).get(tag)
    return {
        "language": tag,
        "name": LANGUAGE_NAMES[tag],
        "word": LANGUAGE_WORDS[tag].in_(language()),
        "values": showable(values),
        "revision": revision,
        # What it was begun from, so that a save that comes late is joined with what somebody else has saved.
        "digests": digests,
        "is_deciding": tag == draft.document.authoritative,
        "preview": shown,
        "problems": problem_rows([*problems_beside(values), *shown.problems]),
        "saved": time_words(text.saved_at, zone) if text else "",
        "saved_by": names.get(text.saved_by, text.saved_by) if text else "",
        "attributes": {"lang": tag},
        # Of a market's text: what its base says where nothing is written, and the clauses to which links may lead.
        "base": {name: getattr(base, name) if base is not None else "" for name in overlays.LINES},
        "clauses": [] if base is None else _linkable(base.source),
    }


def told_digests(values: TextValues) -> str:
    """Return the digests of a text as a page carries them."""
    return json.dumps(digests_of_values(values).kept(), separators=(",", ":"))


def posted_digests() -> Digests | None:
    """Return the digests that a form carries, or None where it carries none."""
    try:
        return read_digests(json.loads(request.form.get("base", "")))
    except (ValueError, RecursionError):
        return None


def _over(draft: Draft) -> dict[str, Any] | None:
    """Return over what the text of a market is laid; None for every other text."""
    base, over = draft.document.base, draft.over
    if base is None or over is None:
        return None
    followed = overlays.followed_version(base)
    return {
        "market": market_name(draft.document.market),
        "slug": base.slug,
        "number": over.number,
        "moved_to": followed if followed is not None and followed.id != over.id else None,
        "is_ahead": followed is not None and followed.effective_at > clock.now(),
        "href": url_for("library.base_of_draft", code=draft.code),
    }


def _otherwise(draft: Draft, outline: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what a market does to which clause, in the order of its text; nothing for every other text."""
    rows = {row["anchor"]: row for row in outline}
    return [
        {
            "anchor": anchor,
            "mode": mode.value,
            "heading": rows[anchor]["heading"] if anchor in rows else "",
            "language": rows[anchor]["language"] if anchor in rows else language(),
        }
        for anchor, mode in overlays.modes_of_draft(draft).items()
    ]


def _linkable(source: str) -> list[dict[str, str]]:
    return [{"anchor": each.anchor, "heading": each.heading} for each in split_clauses(source) if each.level]


def _came_back(draft: Draft) -> dict[str, str] | None:
    """Return why the draft has come back from its approvers, as long as nothing else was done about it."""
    last = draft.reviews[-1] if draft.reviews else None
    if draft.state is not DraftState.WRITING or last is None or last.act is not ReviewAct.SENT_BACK:
        return None
    names = _names_of({last.by})
    proposed = CHANGE_CLASSES[last.change_class] if last.change_class else None
    return {
        "name": names.get(last.by, last.by),
        "reason": last.reason,
        "more": _("Proposed change class: %(class)s", **{"class": proposed}) if proposed else "",
    }


def _open_remarks(draft: Draft, chosen: str) -> list[dict[str, str]]:
    """Return the remarks that nobody has settled yet, in the order of the text that is written."""
    text = draft.text_in(chosen)
    places = {anchor: place for place, anchor in enumerate(clauses_of_draft(text) if text is not None else {})}
    found = [each for each in list_comments(draft) if each.settled_at is None]
    return [
        {
            "anchor": each.anchor if each.anchor in places else "",
            "named": each.anchor,
            "body": each.body,
            "by": each.person.name_in(language()),
            "language": LANGUAGE_WORDS[each.language].in_(language()) if each.language != chosen else "",
            "href": url_for("library.draft", code=draft.code, text=each.language, _anchor=f"remark_{each.code}"),
        }
        for each in sorted(found, key=lambda each: places.get(each.anchor, -1))
    ]


def _names_of(codes: set[str]) -> dict[str, str]:
    return {person.code: person.name_in(language()) for person in people.list_people_of(codes)}


def time_words(instant: datetime, zone: str) -> str:
    """Write the time of day, with the date where that is another day."""
    local = instant.astimezone(clock.zone_info(zone))
    return f"{local:%H:%M}" if local.date() == clock.today(zone) else format_instant(instant, zone, show_zone=False)


def _search_url() -> str:
    """Return where clauses of other documents are looked up; nothing where this installation has no search."""
    endpoint = "library.complete_clause"
    return url_for(endpoint) if endpoint in current_app.view_functions else ""


def _number_help(draft: Draft) -> str:
    small, large = (service.proposed_number(draft, each) for each in (ChangeClass.MINOR, ChangeClass.MATERIAL))
    if small == large:
        return _("This is the first version.")
    return _(
        "%(large)s for a material change or an emergency, %(small)s for any other. Left empty, it follows the class.",
        large=large,
        small=small,
    )


def proposal_form(draft: Draft, *, is_posted: bool = False) -> ProposalForm:
    """Return the form of what is proposed, with what was sent or with what is kept."""
    if is_posted:
        form = ProposalForm()
    else:
        zone = clock.zone_info(draft.zone)
        effective = draft.effective_at.astimezone(zone) if draft.effective_at else None
        issue = draft.issue_at.astimezone(zone) if draft.issue_at else None
        form = ProposalForm(
            formdata=None,
            data={
                "number": draft.number,
                "change_class": draft.change_class.value if draft.change_class else "",
                "zone": draft.zone,
                "effective_on": effective.date() if effective else None,
                "effective_time": effective.time() if effective else None,
                "issue_on": issue.date() if issue else None,
                "issue_time": issue.time() if issue else None,
                "provisional_reason": draft.provisional_reason,
                "note": draft.note,
                **{kind.value: codes for kind, codes in proposed_audience(draft).items()},
            },
        )
    for kind, choices in audience_choices(proposed_audience(draft)).items():
        form[kind.value].choices = [SelectChoice(*each) for each in choices]
    form.change_class.choices = [
        SelectChoice("", _("Not chosen yet")),
        *(SelectChoice(each.value, str(name)) for each, name in CHANGE_CLASSES.items()),
    ]
    return form


def proposed_audience(draft: Draft) -> dict[AudienceKind, list[str]]:
    """Return to whom the document is to be addressed with the draft, or is now."""
    if draft.audience is None:
        return {kind: draft.document.audience(kind) for kind in GROUPS}
    return {kind: list(draft.audience[kind.value]) for kind in GROUPS}


def others_words(draft: Draft, person: Person) -> list[str]:
    """Say who else writes in the draft, and when she was last there."""
    now = clock.now()
    return [
        ngettext(
            "%(name)s is editing this too, last seen %(num)d minute ago.",
            "%(name)s is editing this too, last seen %(num)d minutes ago.",
            minutes,
            name=each.person.name_in(language()),
        )
        if (minutes := int((now - each.seen_at).total_seconds()) // 60)
        else _("%(name)s is editing this too, just now.", name=each.person.name_in(language()))
        for each in list_others_present(draft, person)
    ]


def outline_rows(draft: Draft) -> list[dict[str, Any]]:
    """Return the clauses of a draft as the rail shows them."""
    here = language()
    return [_outline_row(row, here) for row in outline_of(draft)]


def _outline_row(row: OutlineRow, here: str) -> dict[str, Any]:
    heading = row.headings.get(here) or row.headings.get(other(here), "")
    tag = here if row.headings.get(here) else other(here)
    return {
        "anchor": row.anchor,
        "heading": heading if row.level else _("Before the first heading"),
        "language": tag if row.level else here,
        "level": row.level,
        "state": row.state.value,
        "can_follow": row.state in (ClauseState.BEHIND, ClauseState.NEW),
    }


def _behind(rows: list[dict[str, Any]]) -> list[str]:
    """Return the clauses in which the translation does not follow; unlike the query's, also beyond the limits."""
    follows = (ClauseState.IN_STEP.value, ClauseState.EXTRA.value)
    return [row["anchor"] for row in rows if row["state"] not in follows]


def outline_words() -> dict[str, tuple[str, str]]:
    """Return state → (its look, its word)."""
    return {state.value: (look, words()) for state, (look, words) in CLAUSE_STATES.items()}


def problem_rows(problems: list[Problem]) -> list[dict[str, Any]]:
    """Return what is wrong with a text, with its lines, as the page lists it."""
    return [
        {
            "line": problem.line,
            "text": f"{problem.reason}{' ' if language() == 'en' else ''}{problem.mend}".strip(),
        }
        for problem in problems
    ]


# --- saving -------------------------------------------------------------------------------------


@blueprint.post("/drafts/<code>/texts/<language>")
@requires(WRITE_DRAFT, on=get_draft, see=SEE_DRAFT)
def save_draft_text(draft: Draft, language: str) -> Response:
    """Save a text: from the form, or as JSON by the page itself while somebody writes."""
    _known(language)
    limits.saves.take(actor().code)
    if request.is_json:
        return _save_from_page(draft, language)
    values, revision = posted_values(), _whole(request.form.get("revision", ""))
    try:
        with remembering():
            _look_at(values.source)
            with transaction():
                saved = service.save_text(
                    draft=draft, language=language, revision=revision, values=values, base=posted_digests(), by=actor()
                )
                code = saved.aside.code if saved.aside is not None else ""
                at = saved.text.saved_at if saved.text is not None else None
                joined = joined_words(saved)
    except errors.DraftNotWritable:
        raise
    except DomainError as refused:
        return editor_page(
            draft,
            typed=Typed(language, showable(values), revision, request.form.get("base", "")),
            refusal=str(refused),
            status=refused.status,
        )
    if saved.outcome is Outcome.STALE:
        return redirect(url_for("library.aside", code=draft.code, aside=code), 303)
    if at is not None:
        flash(_("Saved %(time)s", time=time_words(at, actor().time_zone)), "success")
    if joined:
        flash(joined, "info")
    return redirect(url_for("library.edit_draft", code=draft.code, text=language), 303)


def _save_from_page(draft: Draft, tag: str) -> Response:
    body = _body()
    values = TextValues(**{name: _text(body.get(name, "")) for name in TextValues.__dataclass_fields__})
    revision, line, aside = body.get("revision"), body.get("line"), body.get("aside", "")
    if type(revision) is not int or not (line is None or type(line) is int) or not isinstance(aside, str):
        raise errors.BadDraftRequest()
    with remembering():
        _look_at(values.source)
        with transaction():
            saved = service.save_text(
                draft=draft,
                language=tag,
                revision=revision,
                values=values,
                base=read_digests(body.get("base")),
                besides_line=line,
                aside=aside[:20],
                by=actor(),
            )
            answer, status = _reply(draft, tag, saved), 409 if saved.outcome is Outcome.STALE else 200
    return make_response(answer, status)


def _reply(draft: Draft, tag: str, saved: Saved) -> dict[str, Any]:
    text, person = saved.text, actor()
    if saved.outcome is Outcome.STALE and saved.aside is not None:
        by = _names_of({text.saved_by}).get(text.saved_by, text.saved_by) if text else ""
        at = time_words(text.saved_at, person.time_zone) if text else ""
        return {
            "outcome": saved.outcome.value,
            "revision": text.revision if text else 0,
            "saved_by": by,
            "saved_at": at,
            "aside": saved.aside.code,
            "aside_href": url_for("library.aside", code=draft.code, aside=saved.aside.code),
            "message": _stale_words(text, by, at),
        }
    rows = outline_rows(draft)
    return {
        "outcome": saved.outcome.value,
        "revision": text.revision if text else 0,
        "saved_at": time_words(text.saved_at, person.time_zone) if text else "",
        "source": text.source if text else "",
        "base": digests_of_values(values_of(text)).kept(),
        **_joined_reply(saved),
        "problems": problem_rows([*problems_beside(text), *problems_over(draft, tag, text.source)]) if text else [],
        "behind": _behind(rows),
        "clauses": rows,
    }


def _joined_reply(saved: Saved) -> dict[str, Any]:
    """Return the text that a save was joined into, and what that save said in short, should the page have gone on."""
    if saved.outcome is not Outcome.JOINED or saved.sent is None:
        return {}
    return {
        "values": asdict(values_of(saved.text)),
        "sent_base": digests_of_values(saved.sent).kept(),
        "message": joined_words(saved),
    }


def joined_words(saved: Saved) -> str:
    """Say whose text a save was joined with, and what that one had changed; nothing where it was not."""
    if saved.outcome is not Outcome.JOINED or saved.taken is None:
        return ""
    what = [str(FIELD_NAMES[name]) for name in saved.taken.lines]
    what += [f"#{key}" if not key.startswith("line-") else _("a heading without an id") for key in saved.taken.pieces]
    if not what:
        return ""
    named = (", " if language() == "en" else "、").join(dict.fromkeys(what))
    if saved.joined_with == actor().code:
        return _("Another page of this account had changed %(what)s meanwhile; both are kept.", what=named)
    name = _names_of({saved.joined_with}).get(saved.joined_with, saved.joined_with)
    return _("%(name)s changed %(what)s meanwhile; both are kept.", name=name, what=named)


def _stale_words(text: DraftText | None, by: str, at: str) -> str:
    if text is not None and text.saved_by == actor().code:
        return _(
            "This text was saved at %(time)s from another of your pages. What you wrote here is kept aside; nothing "
            "is lost.",
            time=at,
        )
    return _(
        "%(name)s saved this text at %(time)s, while you were writing. What you wrote is kept aside; nothing is lost.",
        name=by,
        time=at,
    )


def _look_at(source: str) -> None:
    """Do what takes time before the draft is held; it is only looked up there."""
    if len(source) <= service.MAX_BYTES:
        try:
            split_clauses(source)
        except TextRefused:
            return


def posted_values() -> TextValues:
    """Return the text of a posted form."""
    return TextValues(**{name: request.form.get(name, "") for name in TextValues.__dataclass_fields__})


def showable(values: TextValues) -> TextValues:
    """Return a text that was refused so that a page can show it: what cannot be shown becomes visible."""
    beside = {name: visible(value) for name, value in asdict(values).items() if name != "source"}
    return TextValues(**beside, source=values.source.replace("\0", "\ufffd"))


def _body() -> dict[str, Any]:
    try:
        body = request.get_json(silent=True)
    except RecursionError:
        # Nested a thousand deep: nothing that our page sends.
        body = None
    if not isinstance(body, dict):
        raise errors.BadDraftRequest()
    return body


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise errors.BadDraftRequest()
    return value


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1


def _known(tag: str) -> None:
    if tag not in LANGUAGES:
        raise NotFound()


# --- the preview --------------------------------------------------------------------------------


@blueprint.post("/drafts/<code>/preview")
@requires(WRITE_DRAFT, on=get_draft, see=SEE_DRAFT)
def preview_draft(draft: Draft) -> Response:
    """Show a text as it will be read, without saving it: a part of the page as JSON, or a page of its own."""
    limits.previews.take(actor().code)
    if request.is_json:
        body = _body()
        tag, values, revision = _text(body.get("language", "")), TextValues(source=_text(body.get("source", ""))), 0
    else:
        tag, values = request.form.get("language", ""), posted_values()
        revision = max(_whole(request.form.get("revision", "")), 0)
    if tag not in LANGUAGES:
        raise errors.BadDraftRequest()
    size = len(values.source.encode("utf-8", "surrogatepass"))
    if size > service.MAX_BYTES:
        raise errors.TextTooLong(size=size // 1024, limit=service.MAX_BYTES // 1024)
    with remembering():
        shown = preview_of(draft=draft, language=tag, source=values.source)
    problems = problem_rows(shown.problems)
    if request.is_json:
        part: Any = current_app.jinja_env.get_template("library/draft_parts.html").module
        return make_response({"html": str(part.rendered(shown, language())), "problems": problems})
    page = render_template(
        "library/draft_preview.html",
        draft=draft,
        title=values.title or name_of(draft, tag)[0],
        side={"language": tag, "word": LANGUAGE_WORDS[tag].in_(language()), "preview": shown},
        problems=problems,
        values=showable(values),
        revision=revision,
        digests=request.form.get("base", ""),
        is_open=draft.state is DraftState.WRITING,
    )
    return make_response(page)


# --- what follows the deciding text, who is there ------------------------------------------------


@blueprint.post("/drafts/<code>/in-step")
@requires(WRITE_DRAFT, on=get_draft, see=SEE_DRAFT)
def mark_in_step(draft: Draft) -> Response:
    """Note that clauses of the translation say what the deciding ones say now: those named, or all."""
    anchors = request.form.getlist("clause")
    with transaction():
        marked = service.mark_in_step(
            draft=draft,
            anchors=None if request.form.get("all") else anchors,
            deciding_revision=_whole(request.form.get("deciding", "")),
            by=actor(),
        )
        rows = outline_rows(draft)
    if wants_json():
        return make_response({"behind": _behind(rows), "clauses": rows})
    flash(ngettext("%(num)d clause is in step now.", "%(num)d clauses are in step now.", len(marked)), "success")
    return redirect(
        url_for("library.edit_draft", code=draft.code, text=other(draft.document.authoritative), _anchor="clauses"), 303
    )


@blueprint.get("/drafts/<code>/pulse")
@requires(WRITE_DRAFT, on=get_draft, see=SEE_DRAFT)
def draft_pulse(draft: Draft) -> dict[str, Any]:
    """Tell a page that is open who else is there, and which saves there are by now."""
    person = actor()
    answer = {
        "state": draft.state.value,
        "others": others_words(draft, person),
        "revisions": {text.language: text.revision for text in draft.texts},
    }
    service.note_present(draft=draft, person=person, known=find_author(draft, person))
    return answer
