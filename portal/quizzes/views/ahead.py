"""The page on which an author looks at questions beside a draft, before it is published; and its panel on the draft."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import render_template, request, url_for

from portal.accounts import queries as accounts
from portal.accounts.models import Person
from portal.core.access import actor, allows, can, requires
from portal.core.errors import DomainError, NotFound
from portal.core.i18n import gettext as _
from portal.core.i18n import language, ngettext
from portal.core.markdown import TextRefused, split_clauses
from portal.core.once import Done, carry_out
from portal.library.models import Draft, DraftState
from portal.library.permissions import SEE_DRAFT
from portal.library.queries import drafts
from portal.library.service.dependants import change_of_draft
from portal.library.service.overlays import text_of_draft
from portal.library.service.panels import Panel
from portal.quizzes import queries
from portal.quizzes.errors import BadVerdict
from portal.quizzes.models import Question, QuestionVersion, Verdict
from portal.quizzes.permissions import RECHECK_QUESTIONS, SEE_BANKS
from portal.quizzes.queries import staleness as looked_up
from portal.quizzes.queries.staleness import ClauseAt
from portal.quizzes.service import ahead as service
from portal.quizzes.service.staleness import AffectedQuestion, ClauseThen, count_askable, touched_questions
from portal.quizzes.views import author, blueprint
from portal.quizzes.views.recheck import side, sides_of

PAGE_SIZE = 20


@blueprint.get("/drafts/<code>/questions")
@requires(SEE_BANKS, on=drafts.get_draft, see=SEE_DRAFT)
def ahead(draft: Draft) -> str:
    """List the questions that test what a draft changes, each beside the clause as it will read."""
    return _page(draft)


@blueprint.post("/drafts/<code>/questions/<bank>/<question>")
@requires(RECHECK_QUESTIONS, on=drafts.get_draft, see=SEE_DRAFT)
def look_ahead(draft: Draft, bank: str, question: str) -> Any:
    """Say of a question that it stays right under the text of a draft, or that it must be rewritten."""
    found = queries.find_latest(queries.get_bank(bank), question)
    if found is None:
        raise NotFound()
    given = request.form.get("verdict", "")

    def work() -> Done:
        if given not in list(Verdict):
            raise BadVerdict()
        verdict = Verdict(given)
        service.look(
            draft=draft, question=found[0], verdict=verdict, looked_at=request.form.get("looked_at", ""), by=actor()
        )
        said = (
            _("The question is drawn on when the draft is published with these words.")
            if verdict is Verdict.STILL_RIGHT
            else _("It is not drawn any more once the draft is published, until it is rewritten.")
        )
        return Done(said, url_for("quizzes.ahead", code=draft.code))

    try:
        return carry_out(work)
    except DomainError as refused:
        return _page(draft, str(refused)), refused.status


def questions_panel(person: Person, draft: Draft) -> Panel | None:
    """Return for a draft's overview how many questions were looked at, and whether people would be asked none."""
    if draft.ended_at is not None:
        return None
    change = change_of_draft(draft)
    if not change.asks_again or change.base_number is None or change.clauses.is_empty:
        return None
    counted = service.looked(touched_questions(change))
    askable = count_askable(change)
    if not counted.total and askable:
        return None
    return Panel(
        "quizzes/ahead_panel.html",
        {
            "said": said_of(counted),
            "total": counted.total,
            "askable": askable,
            "is_sent": draft.state is not DraftState.WRITING,
            "href": url_for("quizzes.ahead", code=draft.code) if allows(person, SEE_BANKS) else None,
        },
    )


def said_of(counted: service.Looked) -> str:
    """Say how many of the questions were looked at."""
    return ngettext(
        "%(looked_at)s of %(num)d question looked at",
        "%(looked_at)s of %(num)d questions looked at",
        counted.total,
        looked_at=counted.looked_at,
    )


def _page(draft: Draft, refusal: str = "") -> str:
    change, here = change_of_draft(draft), language()
    touched = touched_questions(change) if draft.ended_at is None else []
    counted = service.looked(touched)
    shows_looked_at = request.args.get("show") == "looked-at"
    chosen = [each for each in touched if (each.verdict is not None) is shows_looked_at]
    text = request.args.get("page", "1")
    last = max(1, -(-len(chosen) // PAGE_SIZE))
    number = min(max(1, int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 1), last)
    first = (number - 1) * PAGE_SIZE
    some = {each.version_id: each for each in chosen[first : first + PAGE_SIZE]}
    rows = looked_up.list_wordings(some)
    shown: dict[str, Any] = {"show": "looked-at"} if shows_looked_at else {}
    title = drafts.title_of_draft(draft, here)

    def page_href(to: int) -> str:
        return url_for("quizzes.ahead", code=draft.code, **shown, page=to)

    return render_template(
        "quizzes/ahead.html",
        title=title,
        number=change.number,
        trail=[
            {"label": _("Drafts"), "href": url_for("library.drafts")},
            {
                "label": _("%(title)s, version %(number)s", title=title, number=draft.number),
                "href": url_for("library.draft", code=draft.code),
            },
            {"label": _("Questions about what changes")},
        ],
        is_over=draft.ended_at is not None,
        stale_href=url_for("quizzes.stale"),
        asks_again=change.asks_again,
        said=said_of(counted) if counted.total else "",
        tabs=[
            {"label": _("To look at"), "href": url_for("quizzes.ahead", code=draft.code),
             "count": counted.total - counted.looked_at, "current": not shows_looked_at},
            {"label": _("Looked at"), "href": url_for("quizzes.ahead", code=draft.code, show="looked-at"),
             "count": counted.looked_at, "current": shows_looked_at},
        ],
        questions=_questions(draft, rows, some),
        shows_looked_at=shows_looked_at,
        has_questions=bool(touched),
        may_look=can(RECHECK_QUESTIONS) and draft.ended_at is None,
        refusal=refusal,
        summary=_("%(first)s–%(last)s of %(total)s", first=first + 1, last=first + len(rows), total=len(chosen))
        if last > 1
        else "",
        previous=page_href(number - 1) if number > 1 else None,
        next=page_href(number + 1) if number < last else None,
    )  # fmt: skip


def _questions(
    draft: Draft, rows: Sequence[tuple[Question, QuestionVersion]], touched: Mapping[int, AffectedQuestion]
) -> list[dict[str, Any]]:
    """Return what the page shows of each question, with a number of statements that does not grow with them."""
    change, here = change_of_draft(draft), language()
    tested = {version.id: service.clauses_beside(change, version) for _question, version in rows}
    wanted = {(each.slug, each.number, each.anchor) for clauses in tested.values() for each in clauses}
    after = _clauses_of(draft, here)
    before = looked_up.list_clauses(wanted, here)
    # Where the draft is shown in the language that decides, so is what it changes.
    decided = looked_up.list_clauses(wanted, draft.document.authoritative)
    before |= {
        key: clause for key, clause in decided.items() if (new := after.get(key[2])) and new.language == clause.language
    }
    people = {
        each.code: each
        for each in accounts.list_people_of({each.looked_at_by for each in touched.values() if each.looked_at_by})
    }
    shown = []
    for number, (question, version) in enumerate(rows, start=1):
        each, clauses = touched[version.id], tested[version.id]
        shown.append(
            {
                **author.question_with_key(question.bank, question, version, number),
                "bank_title": str(question.bank.title),
                "compared": [
                    _compared(draft, clause, before, after, f"n{number}-{place}")
                    for place, clause in enumerate(clauses)
                ],
                "can_be_right": all(clause.can_be_cited for clause in clauses),
                "looked_at": service.seen(version, clauses),
                "verdict": each.verdict.value if each.verdict else None,
                "by": people[each.looked_at_by].name_in(here) if each.looked_at_by in people else each.looked_at_by,
                "action": url_for(
                    "quizzes.look_ahead", code=draft.code, bank=question.bank.slug, question=question.slug
                ),
            }
        )
    return shown


def _clauses_of(draft: Draft, here: str) -> dict[str, ClauseAt]:
    """Return clause id → the clause of a draft in a language, or in the one that decides where it is behind."""
    deciding, found = draft.document.authoritative, {}
    for tag in dict.fromkeys((deciding, here)):
        text = text_of_draft(draft, tag)
        if text is None:
            continue
        behind = set(drafts.behind_of_draft(draft, tag))
        try:
            clauses = split_clauses(text.source)
        except TextRefused:
            continue
        for each in clauses:
            if each.anchor and each.anchor not in behind:
                found[each.anchor] = ClauseAt(
                    draft.document.slug, draft.number, 0, each.anchor, tag, each.heading, each.source, each.hash,
                    tag == deciding,
                )  # fmt: skip
    return found


def _compared(
    draft: Draft,
    clause: ClauseThen,
    before: Mapping[tuple[str, str, str], ClauseAt],
    after: Mapping[str, ClauseAt],
    prefix: str,
) -> dict[str, Any]:
    then = before.get((clause.slug, clause.number, clause.anchor))
    new = after.get(clause.today_anchor) if clause.today_hash is not None and clause.today_anchor else None
    known = new or then
    sides = sides_of(then, new, prefix)
    return {
        "address": f"{clause.slug}#{clause.anchor}",
        "heading": known.heading if known and known.heading else clause.anchor,
        "language": known.language if known and known.heading else None,
        "is_changed": clause.is_changed,
        "is_gone": clause.today_hash is None,
        "moved_to": clause.today_anchor if clause.today_anchor != clause.anchor else None,
        "before": side(then, clause.number, sides[0]),
        "after": {
            "number": draft.number,
            "href": url_for("library.draft", code=draft.code, text=new.language, _anchor=new.anchor),
            "language": new.language,
            "heading": sides[1].heading,
            "html": sides[1].html,
        }
        if new and sides[1]
        else None,
    }
