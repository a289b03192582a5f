"""The questions about clauses, for those who answer them."""

from __future__ import annotations

from typing import Any

from flask import render_template, url_for
from werkzeug import Response

from portal.accounts.models import Person, Scope
from portal.accounts.permissions import open_grants
from portal.acknowledgements.forms import AnswerForm
from portal.acknowledgements.models import ClauseQuestion
from portal.acknowledgements.permissions import ANSWER_QUESTION, SEE_QUESTION, WRITERS
from portal.acknowledgements.queries import deltas as queries
from portal.acknowledgements.service import questions
from portal.acknowledgements.views import blueprint
from portal.core.access import actor, can, requires, signed_in
from portal.core.errors import DomainError
from portal.core.i18n import format_instant, language
from portal.core.i18n import gettext as _
from portal.core.once import Done, carry_out
from portal.library import queries as library


@blueprint.get("/questions")
@signed_in
def list_questions() -> str:
    """List the questions that the person answers, those that wait first; owners of documents hold no role for it."""
    found = queries.list_questions(actor(), _markets(actor()))
    titles = library.list_titles({each.version_id for each in found}, language())
    headings = library.list_clause_headings({(each.version_id, each.anchor) for each in found}, language())
    return render_template(
        "acknowledgements/questions.html",
        rows=[
            {
                "body": _shortened(each.body),
                "href": url_for("acknowledgements.question", code=each.code),
                "document": titles[each.version_id],
                "clause": headings.get((each.version_id, each.anchor), ""),
                "name": each.person.name_in(language()),
                "at": format_instant(each.at, actor().time_zone),
                "is_open": each.answered_at is None,
            }
            for each in found
        ],
    )


@blueprint.get("/questions/<code>")
@requires(SEE_QUESTION, on=queries.get_question)
def question(found: ClauseQuestion) -> str:
    """Show a question with its clause and the answer."""
    return _page(found, AnswerForm())


@blueprint.post("/questions/<code>")
@requires(ANSWER_QUESTION, on=queries.get_question, see=SEE_QUESTION)
def answer_question(found: ClauseQuestion) -> Response | tuple[str, int]:
    """Take the answer to a question."""
    form, status = AnswerForm(), 400
    if form.validate():

        def work() -> Done:
            questions.answer_question(question=found, answer=form.answer.data or "", by=actor())
            name = found.person.name_in(language())
            return Done(
                _("The answer has been sent to %(name)s.", name=name), url_for("acknowledgements.list_questions")
            )

        try:
            return carry_out(work)
        except DomainError as refused:
            form.form_errors.append(str(refused))
            status = refused.status
    return _page(found, form), status


def _page(found: ClauseQuestion, form: AnswerForm) -> str:
    version = found.version
    clause = next(
        (each for each in library.list_shown_clauses(version, language()) if each.anchor == found.anchor), None
    )
    values: dict[str, Any] = {
        "title": library.list_titles([version.id], language())[version.id],
        "number": version.number,
        "clause": clause,
        "clause_href": url_for(
            "library.read_version", slug=version.document.slug, number=version.number, _anchor=found.anchor or None
        ),
        "name": found.person.name_in(language()),
        "at": format_instant(found.at, actor().time_zone),
        "body": found.body,
        "body_language": found.language,
        "answer": found.answer,
        "answered_at": format_instant(found.answered_at, actor().time_zone) if found.answered_at else None,
        "limit": questions.ANSWER_LIMIT,
        "may_answer": can(ANSWER_QUESTION, found),
    }
    return render_template("acknowledgements/question.html", form=form, **values)


def _markets(person: Person) -> set[str] | None:
    """Return the markets for whose documents the person writes; None where she does for all."""
    grants = open_grants(person, *WRITERS)
    if any(grant.scope is Scope.ORGANISATION for grant in grants):
        return None
    return {grant.scope_code for grant in grants if grant.scope is Scope.MARKET}


def _shortened(text: str, limit: int = 120) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= limit else f"{flat[: limit - 1]}…"
