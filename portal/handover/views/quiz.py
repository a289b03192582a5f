"""A try at a short quiz from the cards: begun, answered on one page, marked at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import render_template, request, url_for
from werkzeug import Response

from portal.core.access import actor, can, requires
from portal.core.errors import DomainError
from portal.core.i18n import format_instant, language, ngettext
from portal.core.i18n import gettext as _
from portal.core.once import Done, carry_out
from portal.duties.permissions import SEE_CARD
from portal.duties.service.cards import PART_NAMES, get_subject, question_in_words, shown_text
from portal.handover import errors, rules
from portal.handover.models import Handover, HandoverItem, QuizQuestion, QuizTry
from portal.handover.permissions import BEGIN_QUIZ, HAND_IN_QUIZ, SEE_HANDOVER, SEE_ITEM, SEE_TRY, TAKE_OVER
from portal.handover.queries import handovers as queries
from portal.handover.queries import quiz as tries
from portal.handover.service import quiz as service
from portal.handover.service.standing import title_of
from portal.handover.views import blueprint, items, listing


@blueprint.post("/handovers/items/<item>/quiz")
@requires(TAKE_OVER, on=queries.get_item, see=SEE_ITEM, absent=errors.NoSuchHandover)
def begin_quiz(found: HandoverItem) -> Response | tuple[str, int]:
    """Draw a quiz about one item."""
    try:
        return carry_out(lambda: _begin(found.handover, found))
    except DomainError as refused:
        return items.page_of(found, problem=str(refused), status=refused.status)


@blueprint.post("/handovers/<code>/quiz")
@requires(BEGIN_QUIZ, on=queries.get_handover, see=SEE_HANDOVER, absent=errors.NoSuchHandover)
def begin_quiz_about_all(found: Handover) -> Response | tuple[str, int]:
    """Draw a quiz about everything that the reader takes over."""
    try:
        return carry_out(lambda: _begin(found, None))
    except DomainError as refused:
        return listing.page_of(found, problem=str(refused), status=refused.status)


def _begin(handover: Handover, item: HandoverItem | None) -> Done:
    found = service.begin(handover=handover, item=item, by=actor())
    number = len(found.questions)
    said = ngettext("%(num)d question, drawn from the cards.", "%(num)d questions, drawn from the cards.", number)
    return Done(str(said), url_for("handover.quiz_try", code=found.code))


@blueprint.get("/handovers/quiz/<code>")
@requires(SEE_TRY, on=tries.get_try, absent=errors.NoSuchHandover)
def quiz_try(found: QuizTry) -> tuple[str, int]:
    """Show a try: its questions until it is handed in, then how it went."""
    return _page(found)


@blueprint.post("/handovers/quiz/<code>")
@requires(HAND_IN_QUIZ, on=tries.get_try, see=SEE_TRY, absent=errors.NoSuchHandover)
def hand_in_quiz(found: QuizTry) -> Response | tuple[str, int]:
    """Mark a try."""
    chosen = _chosen(found)

    def work() -> Done:
        service.hand_in(quiz=found, chosen=chosen, by=actor())
        return Done(_("The answers were marked."), url_for("handover.quiz_try", code=found.code))

    try:
        return carry_out(work)
    except DomainError as refused:
        return _page(found, chosen=chosen, problem=str(refused), status=refused.status)


def _chosen(found: QuizTry) -> dict[int, int]:
    """Return which answers the form names, by the place of their question."""
    said = {each.place: request.form.get(f"q{each.place}", "") for each in found.questions}
    return {place: int(text) for place, text in said.items() if text.isascii() and text.isdigit() and len(text) == 1}


# --- The page ----------------------------------------------------------------------------------


def _page(
    found: QuizTry, *, chosen: Mapping[int, int] | None = None, problem: str = "", status: int = 200
) -> tuple[str, int]:
    viewer, handover = actor(), found.handover
    result = service.result_of(found)
    titles = {each.item_id: title_of(each.item) for each in found.questions}
    changed = service.changed_since(found)
    is_own = found.successor_id == viewer.id
    page = render_template(
        "handover/quiz.html",
        code=found.code,
        title=titles[found.item_id] if found.item_id is not None else _("Everything to be taken over"),
        successor=found.successor.name_in(language()),
        giver=handover.person.name_in(language()),
        back=url_for("handover.item", item=found.item.code)
        if found.item is not None
        else url_for("handover.handover", code=handover.code),
        begun_at=format_instant(found.begun_at, viewer.time_zone),
        result={"right": result.right, "asked": result.asked, "at": format_instant(result.at, viewer.time_zone)}
        if result is not None
        else None,
        is_own=is_own,
        questions=[_asked(each, titles, chosen or {}) for each in found.questions] if is_own and result is None else [],
        marked=[_marked(each, titles) for each in found.questions] if result is not None else [],
        cards=_cards(found, titles, changed),
        again=_again(found) if is_own and result is not None else None,
        problem=problem,
    )
    return page, status


def _asked(row: QuizQuestion, titles: Mapping[int, str], chosen: Mapping[int, int]) -> dict[str, Any]:
    """Return a question with its answers as they are shown; which is right is not in it."""
    lang, text = service.question_of(row).said_in(language())
    text = question_in_words(text, lang, actor())
    answers = (text.right, *text.wrong)
    return {
        "place": row.place,
        "about": titles[row.item_id],
        "language": lang,
        "stem": text.stem,
        "choices": [{"value": str(place), "text": answers[each]} for place, each in enumerate(row.order)],
        "selected": [str(chosen[row.place])] if row.place in chosen else [],
    }


def _marked(row: QuizQuestion, titles: Mapping[int, str]) -> dict[str, Any]:
    question = service.question_of(row)
    lang, text = question.said_in(language())
    text = question_in_words(text, lang, actor())
    answers = (text.right, *text.wrong)
    is_right = rules.is_right(row.order, row.chosen)
    told = {
        "place": row.place,
        "about": titles[row.item_id],
        "language": lang,
        "stem": text.stem,
        "is_right": is_right,
        "chosen": answers[row.order[row.chosen]] if row.chosen is not None else "",
        "right": text.right,
        "part": "",
        "href": None,
        "says": None,
    }
    return told if is_right else told | _where(row, question.about)


def _where(row: QuizQuestion, about: Any) -> dict[str, Any]:
    """Return where the card says it: the part with its text as it was asked, for who may read the card."""
    kind, thing, version = row.item.kind, row.item.thing_code, row.card_version
    part = str(PART_NAMES[about]) if about is not None else ""
    if not can(SEE_CARD, get_subject(kind, thing)):
        return {"part": part}
    anchor = f"part-{about.value}" if about is not None else None
    texts = version.parts.get(about.value, {}) if about is not None else {}
    said = language() if language() in texts else next(iter(texts), "")
    return {
        "part": part,
        "href": url_for("duties.card_version", number=version.number, kind=kind, thing=thing, _anchor=anchor),
        "says": {"language": said, "html": shown_text(texts[said], said, actor())} if said else None,
    }


def _cards(found: QuizTry, titles: Mapping[int, str], changed: Mapping[int, int]) -> list[dict[str, Any]]:
    """Return from which version of which card the questions come, and what those cards say since."""
    seen: dict[int, int] = {}
    for each in found.questions:
        seen.setdefault(each.item_id, each.card_version.number)
    return [{"title": titles[item], "number": number, "now": changed.get(item)} for item, number in seen.items()]


def _again(found: QuizTry) -> str | None:
    """Return where another try is begun, as long as it can be."""
    if found.item is not None:
        return url_for("handover.begin_quiz", item=found.item.code) if can(TAKE_OVER, found.item) else None
    may = can(BEGIN_QUIZ, found.handover)
    return url_for("handover.begin_quiz_about_all", code=found.handover.code) if may else None
