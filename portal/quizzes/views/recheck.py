"""The author's pages of stale questions: each beside the text as it was and as it is, and what can be said of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import render_template, request, url_for

from portal.core import clock
from portal.core.access import actor, can, requires
from portal.core.errors import DomainError, NotFound
from portal.core.i18n import format_date, language
from portal.core.i18n import gettext as _
from portal.core.markdown import NOTHING, TrustedHtml, render
from portal.core.once import Done, carry_out
from portal.core.redline import mark, mark_words
from portal.library import queries as documents
from portal.library.service.changed import LANGUAGE_WORDS
from portal.quizzes import queries
from portal.quizzes.models import Question, QuestionBank, QuestionStaleness, QuestionVersion
from portal.quizzes.permissions import RECHECK_QUESTIONS, SEE_BANKS
from portal.quizzes.queries import staleness as looked_up
from portal.quizzes.queries.staleness import ClauseAt
from portal.quizzes.service import paper
from portal.quizzes.service import staleness as service
from portal.quizzes.service.staleness import ClauseThen
from portal.quizzes.views import author, blueprint

PAGE_SIZE = 20


@blueprint.get("/questions/stale")
@requires(SEE_BANKS)
def stale() -> str:
    """List the questions of all banks that wait for a re-check."""
    return _page(None)


@blueprint.get("/banks/<slug>/stale")
@requires(SEE_BANKS, on=queries.get_bank)
def stale_of_bank(bank: QuestionBank) -> str:
    """List the questions of a bank that wait for a re-check."""
    return _page(bank)


@blueprint.post("/banks/<slug>/<question>/still-right")
@requires(RECHECK_QUESTIONS, on=queries.get_bank, see=SEE_BANKS)
def confirm_still_right(bank: QuestionBank, question: str) -> Any:
    """Say that a question asks what is right by today's text; it is drawn again."""
    row = _question(bank, question)

    def work() -> Done:
        service.confirm_still_right(question=row, looked_at=request.form.get("looked_at", ""), by=actor())
        return Done(_("The question is drawn again. It cites the text as it is now."), _back(bank))

    return _do(bank, work)


@blueprint.post("/banks/<slug>/<question>/leave-out")
@requires(RECHECK_QUESTIONS, on=queries.get_bank, see=SEE_BANKS)
def leave_out(bank: QuestionBank, question: str) -> Any:
    """Say that a question must be rewritten; until then it is not drawn."""
    row = _question(bank, question)

    def work() -> Done:
        service.keep_out(question=row, by=actor())
        return Done(
            _("The question is left out until it is rewritten in the files of its bank and imported."), _back(bank)
        )

    return _do(bank, work)


def _do(bank: QuestionBank, work: Any) -> Any:
    try:
        return carry_out(work)
    except DomainError as refused:
        return _page(bank if _stays_in_bank() else None, str(refused)), refused.status


def _stays_in_bank() -> bool:
    return request.form.get("from") == "bank"


def _back(bank: QuestionBank) -> str:
    return url_for("quizzes.stale_of_bank", slug=bank.slug) if _stays_in_bank() else url_for("quizzes.stale")


def _question(bank: QuestionBank, slug: str) -> Question:
    found = queries.find_latest(bank, slug)
    if found is None:
        raise NotFound()
    return found[0]


def _page(bank: QuestionBank | None, refusal: str = "") -> str:
    counts = looked_up.count_stale()
    here = counts.get(bank.slug) if bank else None
    to_look_at = (here.to_look_at if here else 0) if bank else sum(each.to_look_at for each in counts.values())
    kept_out = (here.kept_out if here else 0) if bank else sum(each.kept_out for each in counts.values())
    shows_kept_out = request.args.get("show") == "left-out"
    total = kept_out if shows_kept_out else to_look_at
    endpoint = "quizzes.stale_of_bank" if bank else "quizzes.stale"
    values: dict[str, Any] = {"slug": bank.slug} if bank else {}
    text = request.args.get("page", "1")
    last = max(1, -(-total // PAGE_SIZE))
    number = min(max(1, int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 1), last)
    rows = looked_up.list_stale(bank, kept_out=shows_kept_out, offset=(number - 1) * PAGE_SIZE, limit=PAGE_SIZE)
    shown: dict[str, Any] = {"show": "left-out"} if shows_kept_out else {}

    def page_href(to: int) -> str:
        return url_for(endpoint, **values, **shown, page=to)

    return render_template(
        "quizzes/stale.html",
        bank_title=str(bank.title) if bank else None,
        bank_href=url_for("quizzes.bank", slug=bank.slug) if bank else None,
        banks_href=url_for("quizzes.banks"),
        tabs=[
            {"label": _("To re-check"), "href": url_for(endpoint, **values), "count": to_look_at,
             "current": not shows_kept_out},
            {"label": _("Left out until rewritten"), "href": url_for(endpoint, **values, show="left-out"),
             "count": kept_out, "current": shows_kept_out},
        ],
        questions=_questions(rows),
        is_kept_out=shows_kept_out,
        may_recheck=can(RECHECK_QUESTIONS),
        came_from="bank" if bank else "all",
        refusal=refusal,
        summary=_("%(first)s–%(last)s of %(total)s", first=(number - 1) * PAGE_SIZE + 1,
                  last=(number - 1) * PAGE_SIZE + len(rows), total=total) if last > 1 else "",
        previous=page_href(number - 1) if number > 1 else None,
        next=page_href(number + 1) if number < last else None,
    )  # fmt: skip


def _questions(rows: Sequence[tuple[Question, QuestionVersion]]) -> list[dict[str, Any]]:
    """Return what the page shows of each question, with a number of statements that does not grow with them."""
    versions = [version for _question, version in rows]
    waiting = looked_up.list_open_of([question.id for question, _version in rows])
    tested = service.clauses_of(versions)
    here = language()
    wanted = set()
    for clauses in tested.values():
        for clause in clauses:
            wanted.add((clause.slug, clause.number, clause.anchor))
            if clause.today_number and clause.today_anchor:
                wanted.add((clause.slug, clause.today_number, clause.today_anchor))
    texts, decided = looked_up.list_clauses(wanted, here), looked_up.list_deciding_clauses(wanted)
    titles = documents.list_document_titles({slug for slug, _number, _anchor in wanted}, here)
    shown = []
    for number, (question, version) in enumerate(rows, start=1):
        clauses = tested[version.id]
        shown.append(
            {
                **author.question_with_key(question.bank, question, version, number),
                "waits": [_wait(row, titles) for row in waiting.get(question.id, [])],
                "compared": [
                    _compared(each, texts, decided, titles, f"n{number}-{place}") for place, each in enumerate(clauses)
                ],
                "can_be_right": all(clause.can_be_cited for clause in clauses),
                "looked_at": service.seen(clauses),
                "bank_title": str(question.bank.title),
                "still_right_href": url_for(
                    "quizzes.confirm_still_right", slug=question.bank.slug, question=question.slug
                ),
                "leave_out_href": url_for("quizzes.leave_out", slug=question.bank.slug, question=question.slug),
            }
        )
    return shown


def compared(clauses: Sequence[ClauseThen]) -> list[dict[str, Any]]:
    """Return clauses as they were cited beside what they say now, for a page of one question."""
    wanted = {(each.slug, each.number, each.anchor) for each in clauses}
    wanted |= {
        (each.slug, each.today_number, each.today_anchor) for each in clauses if each.today_number and each.today_anchor
    }
    if not wanted:
        return []
    texts, decided = looked_up.list_clauses(wanted, language()), looked_up.list_deciding_clauses(wanted)
    titles = documents.list_document_titles({slug for slug, _number, _anchor in wanted}, language())
    return [_compared(each, texts, decided, titles, f"c{place}") for place, each in enumerate(clauses)]


def _wait(row: QuestionStaleness, titles: Mapping[str, str]) -> dict[str, Any]:
    return {
        "title": titles.get(row.document_slug, row.document_slug),
        "number": row.version_number,
        "href": url_for("library.read_version", slug=row.document_slug, number=row.version_number),
        "since": format_date(clock.local_date(row.since, actor().time_zone), "short"),
    }


Clauses = Mapping[tuple[str, str, str], ClauseAt]


def _compared(
    clause: ClauseThen, texts: Clauses, decided: Clauses, titles: Mapping[str, str], prefix: str
) -> dict[str, Any]:
    then = (clause.slug, clause.number, clause.anchor)
    now = (clause.slug, clause.today_number, clause.today_anchor)
    today = now if clause.today_number and clause.today_anchor else None
    before, after = (_text(texts, key) for key in (then, today))
    # The language of the page is shown where both have it, and it tells the difference; else the one that decides.
    is_told = before and after and before.language == after.language
    if not is_told or (clause.is_changed and before and after and before.hash == after.hash):
        before, after = (_text(decided, key) for key in (then, today))
    known = after or before
    heading = known.heading if known else ""
    sides = sides_of(before, after, prefix)
    return {
        "address": f"{clause.slug}#{clause.anchor}",
        "heading": heading or titles.get(clause.slug, clause.slug),
        "language": known.language if known and heading else language(),
        "is_changed": clause.is_changed,
        "is_gone": clause.today_hash is None,
        "moved_to": clause.today_anchor if clause.today_anchor != clause.anchor else None,
        # The authoritative text says what it said; what is read here does not.
        "only_in": LANGUAGE_WORDS[after.language].in_(language())
        if before and after and not clause.is_changed and before.hash != after.hash
        else None,
        "before": side(before, clause.number, sides[0]),
        "after": side(after, clause.today_number or "", sides[1]),
    }


def _text(texts: Clauses, key: tuple[str, str | None, str | None] | None) -> ClauseAt | None:
    if key is None or key[1] is None or key[2] is None:
        return None
    return texts.get((key[0], key[1], key[2]))


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a comparison as it is shown; its heading only where that is another one."""

    html: TrustedHtml
    heading: TrustedHtml | None = None


def sides_of(before: ClauseAt | None, after: ClauseAt | None, prefix: str) -> tuple[Side | None, Side | None]:
    """Return a clause as it was and as it is, what differs marked where both are in one language."""
    bodies = [
        clause_body(each, f"{prefix}-{when}-") if each is not None else None
        for each, when in ((before, "then"), (after, "now"))
    ]
    if before is None or after is None or before.language != after.language:
        was, now = (Side(body) if body is not None else None for body in bodies)
        return was, now
    tag = after.language
    marked = mark(bodies[0] or NOTHING, bodies[1] or NOTHING, tag)
    heading = mark_words(before.heading, after.heading, tag)
    if heading.changed:
        return Side(marked.before, heading.before), Side(marked.after, heading.after)
    return Side(marked.before), Side(marked.after)


def side(text: ClauseAt | None, number: str, shown: Side | None) -> dict[str, Any] | None:
    """Return a clause of a published version as one side of a comparison."""
    if text is None or shown is None:
        return None
    return {
        "number": number,
        "href": paper.clause_href(text.slug, number, text.anchor),
        "language": text.language,
        "heading": shown.heading,
        "html": shown.html,
    }


def clause_body(text: ClauseAt, prefix: str) -> TrustedHtml:
    """Return a clause's text below its heading as markup; clauses that it links to are named by their ids."""
    _heading, _sign, rest = text.source.partition("\n") if text.source.startswith("#") else ("", "", text.source)

    def resolve(slug: str, anchor: str) -> tuple[str, str]:
        return url_for("library.read", slug=slug or text.slug, _anchor=anchor), anchor

    return render(rest, resolve=resolve, id_prefix=prefix, language=text.language)
