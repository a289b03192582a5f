"""What a quiz draws from and what it leaves out, for those who write it: a page, tables, lists of questions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import render_template, request, url_for
from werkzeug.wrappers import Response

from portal.core.access import can, requires
from portal.core.i18n import LANGUAGES, format_percent, format_points, language, ngettext
from portal.core.i18n import gettext as _
from portal.core.paging import paging
from portal.core.tables import download_csv
from portal.library import queries as documents
from portal.quizzes import queries
from portal.quizzes.models import QuestionState, QuizVersion
from portal.quizzes.permissions import EDIT_QUIZ, SEE_BANKS
from portal.quizzes.queries import pool
from portal.quizzes.queries.pool import Drawable
from portal.quizzes.rules import Draw, Strata
from portal.quizzes.service import drawing
from portal.quizzes.service.coverage import (
    ENOUGH_PAPERS,
    MOST_PAPERS,
    ClauseCovered,
    Coverage,
    DrawCovered,
    cover,
    fitting_of,
)
from portal.quizzes.service.paper import clause_href
from portal.quizzes.service.practice import offers_practice
from portal.quizzes.types.base import read
from portal.quizzes.views import blueprint
from portal.quizzes.views.author import CHIPS, state_words, type_words

PAGE_SIZE = 50


@blueprint.get("/quizzes/<slug>/coverage")
@requires(SEE_BANKS, on=queries.get_quiz)
def coverage(version: QuizVersion) -> str:
    """Show how deep the draws of a quiz are, and which clauses it asks and does not ask."""
    found = _cover(version)
    slug = version.quiz.slug
    # An address is no word of the reader's language.
    banks = {
        each.slug: str(each.title)
        for each in pool.list_bank_titles({*found.banks, *(draw.line.bank for draw in found.draws)}).values()
    }
    titles = documents.list_document_titles({each.clause.document for each in found.clauses}, language())
    every = request.args.get("clauses") == "all"
    clauses = [each for each in found.clauses if every or not each.asked]
    return render_template(
        "quizzes/coverage.html",
        title=str(version.title),
        number=version.number,
        quiz_href=url_for("quizzes.show", slug=slug),
        edit_href=url_for("quizzes.edit", slug=slug) if can(EDIT_QUIZ, version) else None,
        paper_href=url_for("quizzes.see_paper", slug=slug),
        csv_href=url_for("quizzes.export_coverage", slug=slug),
        draws_csv_href=url_for("quizzes.export_coverage", slug=slug, table="draws"),
        warnings=_warnings(found)
        + (
            [_("Practice is offered, but no live question is open for it: learners see none.")]
            if version.practice and not offers_practice(version)
            else []
        ),
        facts=_facts(found),
        draws=[_draw_row(slug, number, each, found, banks) for number, each in enumerate(found.draws)],
        sections=[
            {
                "title": str(each.section.title),
                "questions": each.questions,
                "points": format_points(each.points),
                "weight": format_percent(each.weight),
                "pass_mark": format_percent(each.section.pass_mark) if each.section.pass_mark is not None else None,
            }
            for each in found.sections
        ],
        clauses=[_clause_row(slug, each, titles) for each in clauses],
        every=every,
        not_asked_href=url_for("quizzes.coverage", slug=slug, _anchor="clauses"),
        every_href=url_for("quizzes.coverage", slug=slug, clauses="all", _anchor="clauses"),
        not_asked=sum(not each.asked for each in found.clauses),
        all=len(found.clauses),
        banks=[_bank_row(slug, bank, states, banks) for bank, states in found.banks.items()],
        states=_states(found),
        state_words=state_words,
        lacking=[
            {
                "language": _language_words(tag),
                "count": found.lacking[tag],
                "href": url_for("quizzes.covered_questions", slug=slug, lacks=tag),
            }
            for tag in LANGUAGES
            if found.lacking[tag]
        ],
    )


@blueprint.get("/quizzes/<slug>/coverage.csv")
@requires(SEE_BANKS, on=queries.get_quiz)
def export_coverage(version: QuizVersion) -> Response:
    """Return the clauses, or the draws, of the coverage page as a table."""
    found = _cover(version)
    name = _("coverage")
    if request.args.get("table") == "draws":
        header = [
            _("Draw"),
            _("Section"),
            _("What it takes"),
            _("Questions asked"),
            _("Fit"),
            _("Attempts without repeats"),
        ]
        draws = [
            [number, each.line.section, draw_words(each.line), each.line.size, each.fit, each.attempts]
            for number, each in enumerate(found.draws, start=1)
        ]
        part = _("draws")
        return download_csv(f"{version.quiz.slug}-{name}-{part}", header, draws)
    states = list(QuestionState)
    header = [
        _("Document"), _("Version"), _("Clause"), _("Heading"), _("Asked by the quiz"),
        *(state_words(state) for state in states),
    ]  # fmt: skip
    rows = [
        [
            each.clause.document,
            each.clause.version,
            each.clause.anchor,
            each.clause.heading,
            each.asked,
            *(each.states.get(state, 0) for state in states),
        ]
        for each in found.clauses
    ]
    return download_csv(f"{version.quiz.slug}-{name}", header, rows)


@blueprint.get("/quizzes/<slug>/coverage/questions")
@requires(SEE_BANKS, on=queries.get_quiz)
def covered_questions(version: QuizVersion) -> str:
    """List the questions behind a number of the coverage page."""
    lines = drawing.blueprint_of_terms(version.blueprint)
    questions = pool.list_drawable(drawing.banks_of(lines), tuple(QuestionState))
    questions, told = _filtered(questions, lines)
    page = paging(len(questions), PAGE_SIZE)
    shown = questions[page.offset : page.offset + PAGE_SIZE]
    versions = pool.get_versions([each.version_id for each in shown])
    arguments: dict[str, Any] = {key: value for key, value in request.args.items() if key != "page"}
    return render_template(
        "quizzes/covered_questions.html",
        title=str(version.title),
        quiz_href=url_for("quizzes.show", slug=version.quiz.slug),
        coverage_href=url_for("quizzes.coverage", slug=version.quiz.slug),
        told=told,
        total=len(questions),
        questions=[
            {
                "title": read(versions[each.version_id].content).title.in_(language()) or each.candidate.address,
                "address": each.candidate.address,
                "href": url_for(
                    "quizzes.question", slug=each.candidate.bank, question=each.candidate.address.partition("/")[2]
                ),
                "type": type_words(each.candidate.type),
                "difficulty": each.candidate.difficulty,
                "chip": CHIPS[each.state],
                "state": state_words(each.state),
            }
            for each in shown
        ],
        pages=page.links(
            lambda number: url_for("quizzes.covered_questions", slug=version.quiz.slug, page=number, **arguments)
        )
        if page.last > 1
        else None,
    )


def _filtered(questions: list[Drawable], lines: list[Draw]) -> tuple[list[Drawable], list[str]]:
    """Keep the questions that the address asks for; say by what in words. What it does not know keeps them all."""
    told = []
    number, state = request.args.get("draw", ""), request.args.get("state", "")
    clause, bank, lacks = (request.args.get(name, "") for name in ("clause", "bank", "lacks"))
    stratum = request.args.get("stratum", "")
    if number.isascii() and number.isdigit() and len(number) < 4 and 1 <= int(number) <= len(lines):
        line = lines[int(number) - 1]
        questions = fitting_of(line, questions)
        told.append(_("Draw %(number)s", number=number))
        if stratum:
            questions = [each for each in questions if stratum in line.strata_of(each.candidate)]
            told.append(stratum_words(line, stratum))
    if bank:
        questions = [each for each in questions if each.candidate.bank == bank]
        told.append(bank[:60])
    if clause:
        questions = [each for each in questions if clause in each.candidate.clauses]
        told.append(clause[:120])
    if lacks in LANGUAGES:
        questions = [each for each in questions if lacks not in each.languages and each.state is QuestionState.LIVE]
        told.append(_("not asked in %(language)s: the text is behind", language=_language_words(lacks)))
    if state in list(QuestionState):
        questions = [each for each in questions if each.state == state]
        told.append(state_words(QuestionState(state)))
    return questions, told


def _cover(version: QuizVersion) -> Coverage:
    return cover(
        drawing.blueprint_of_terms(version.blueprint),
        drawing.sections_of(version),
        version.pilots or 0,
        language(),
    )


def _language_words(tag: str) -> str:
    return _("Japanese") if tag == "ja" else _("English")


# --- in words ----------------------------------------------------------------------------------


def stratum_words(line: Draw, name: str) -> str:
    """Name a stratum of a draw."""
    if line.strata is Strata.DIFFICULTY:
        return _("difficulty %(level)s", level=name)
    # Most banks are about one document, whose name says nothing beside that of the clause.
    return name.rpartition("#")[2] if line.strata is Strata.CLAUSE and not line.clauses else name


def draw_words(line: Draw, titles: Mapping[str, str] | None = None) -> str:
    """Say what a line of a blueprint takes; `titles` is bank → what it is called, else its address stands there."""
    if line.questions:
        return _("always: %(questions)s", questions=_(", ").join(line.questions))
    said = [(titles or {}).get(line.bank, line.bank)]
    if line.types:
        said.append(_(", ").join(type_words(name) for name in line.types))
    if line.tags:
        said.append(_("tags: %(tags)s", tags=_(", ").join(line.tags)))
    if line.clauses:
        said.append(_("clauses: %(clauses)s", clauses=_(", ").join(line.clauses)))
    if line.difficulty:
        said.append(_("difficulty: %(levels)s", levels=_(", ").join(map(str, line.difficulty))))
    match line.strata:
        case Strata.DIFFICULTY:
            said.append(_("equally many of each difficulty"))
        case Strata.CLAUSE:
            said.append(_("equally many of each clause"))
        case Strata.TAG:
            said.append(_("equally many of each tag"))
        case None:
            pass
    return _("; ").join(said)


def _attempts_words(attempts: int | None) -> str:
    if attempts is None:
        return _("always the same")
    return _("%(number)s or more", number=MOST_PAPERS) if attempts >= MOST_PAPERS else str(attempts)


def _facts(found: Coverage) -> list[tuple[str, str | None]]:
    return [
        (_("Questions of a paper"), str(found.asked + min(found.pilots, found.pilots_there))),
        (_("Attempts in a row without repeats"), _attempts_words(found.papers)),
        (
            _("Questions on trial"),
            _("%(there)s there, %(asked)s asked", there=found.pilots_there, asked=found.pilots)
            if found.pilots
            else None,
        ),
    ]


def warnings_of(version: QuizVersion) -> list[str]:
    """Return what stands in the way of a quiz, a sentence each."""
    return _warnings(_cover(version))


def _warnings(found: Coverage) -> list[str]:
    said = [_("There is no question bank “%(slug)s”.", slug=slug) for slug in found.missing_banks]
    if found.drawable < found.asked:
        said.append(
            _(
                "No paper can be drawn: of the %(asked)s questions that the draws ask for, the banks can give "
                "%(there)s.",
                asked=found.asked,
                there=found.drawable,
            )
        )
    elif found.short_in:
        said += [
            _(
                "No paper can be drawn in %(language)s: too many questions are behind the other language.",
                language=_language_words(tag),
            )
            for tag in found.short_in
        ]
    elif found.papers < ENOUGH_PAPERS and any(not draw.line.questions for draw in found.draws):
        said.append(_("The banks are too shallow: questions come again in the next attempt."))
    for number, draw in enumerate(found.draws, start=1):
        short = [stratum_words(draw.line, each.name) for each in draw.strata if each.is_short]
        if short:
            said.append(
                _(
                    "Draw %(number)s: these cannot give their share, and the others make up for it: %(strata)s.",
                    number=number,
                    strata=_(", ").join(short),
                )
            )
        out = sum(number for state, number in draw.besides.items() if state is QuestionState.STALE)
        if out and draw.attempts is not None and draw.attempts < ENOUGH_PAPERS:
            said.append(
                ngettext(
                    "Draw %(number)s: %(num)d question that would fit waits for a re-check.",
                    "Draw %(number)s: %(num)d questions that would fit wait for a re-check.",
                    out,
                    number=number,
                )
            )
    if found.gone:
        said.append(
            _("Live questions test clauses that are not in force: %(clauses)s.", clauses=_(", ").join(found.gone))
        )
    if found.pilots > found.pilots_there:
        said.append(
            _(
                "Questions on trial: %(asked)s asked for, %(there)s there.",
                asked=found.pilots,
                there=found.pilots_there,
            )
        )
    return said


def _states(found: Coverage) -> list[QuestionState]:
    """Return the states that occur, in the order of a question's life."""
    return [state for state in QuestionState if any(state in states for states in found.banks.values())]


def _draw_row(slug: str, number: int, draw: DrawCovered, found: Coverage, banks: Mapping[str, str]) -> dict[str, Any]:
    titles = {each.section.id: str(each.section.title) for each in found.sections}
    address: dict[str, Any] = {"slug": slug, "draw": number + 1}
    return {
        "number": number + 1,
        "words": draw_words(draw.line, banks),
        "section": titles.get(draw.line.section),
        "asked": draw.line.size,
        "fit": draw.fit,
        "href": url_for("quizzes.covered_questions", state=QuestionState.LIVE.value, **address),
        "attempts": _attempts_words(draw.attempts),
        "is_short": draw.fit < draw.line.size,
        "is_shallow": draw.attempts is not None and draw.attempts < ENOUGH_PAPERS,
        "besides": [
            {
                "words": state_words(state),
                "count": count,
                "href": url_for("quizzes.covered_questions", state=state.value, **address),
            }
            for state, count in draw.besides.items()
        ],
        "strata": [
            {
                "words": stratum_words(draw.line, each.name),
                "there": each.there,
                "is_short": each.is_short,
                "href": url_for(
                    "quizzes.covered_questions", state=QuestionState.LIVE.value, stratum=each.name, **address
                ),
            }
            for each in draw.strata
        ],
    }


def _clause_row(slug: str, each: ClauseCovered, titles: dict[str, str]) -> dict[str, Any]:
    clause = each.clause
    return {
        "heading": clause.heading or titles.get(clause.document, clause.document),
        "address": clause.name,
        "href": clause_href(clause.document, clause.version, clause.anchor),
        "document": titles.get(clause.document, clause.document),
        "version": clause.version,
        "asked": each.asked,
        "total": each.total,
        "why": _why_not_asked(each),
        "states": [
            {
                "chip": CHIPS[state],
                "words": state_words(state),
                "count": count,
                "href": url_for("quizzes.covered_questions", slug=slug, clause=clause.name, state=state.value),
            }
            for state, count in each.states.items()
        ],
    }


def _why_not_asked(each: ClauseCovered) -> str | None:
    if each.asked:
        return None
    if not each.total:
        return _("No question")
    return _("No draw takes it") if each.states.get(QuestionState.LIVE) else _("No live question")


def _bank_row(slug: str, bank: str, states: Any, banks: Mapping[str, str]) -> dict[str, Any]:
    return {
        "title": banks.get(bank, bank),
        "href": url_for("quizzes.bank", slug=bank),
        "states": {
            state: {
                "count": count,
                "href": url_for("quizzes.covered_questions", slug=slug, bank=bank, state=state.value),
            }
            for state, count in states.items()
        },
    }
