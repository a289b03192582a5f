"""The questions about clauses: for those who answer them, for who asked, and beside the clauses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import render_template, request, url_for
from werkzeug import Response

from portal.accounts.models import Person, Scope
from portal.accounts.permissions import open_grants
from portal.acknowledgements.forms import AnswerForm
from portal.acknowledgements.models import ClauseQuestion
from portal.acknowledgements.permissions import ANSWER_QUESTION, SEE_QUESTION, SEE_QUESTIONS, WRITERS
from portal.acknowledgements.queries import campaigns
from portal.acknowledgements.queries import deltas as queries
from portal.acknowledgements.service import questions
from portal.acknowledgements.views import blueprint
from portal.core.access import actor, allows, can, requires, signed_in
from portal.core.errors import DomainError
from portal.core.i18n import format_instant, language, ngettext
from portal.core.i18n import gettext as _
from portal.core.once import Done, carry_out
from portal.library import queries as library
from portal.library.models import DocumentVersion, Draft
from portal.library.permissions import READ_DOCUMENT
from portal.library.service.panels import ClauseNote


@blueprint.get("/questions")
@signed_in
def list_questions() -> str:
    """List what the person has asked, and the questions that she answers, those that wait first.

    Owners of documents hold no role for it. `document`, `version` and `clause` in the address narrow the lists down.
    """
    person = actor()
    to_answer, asked = queries.list_questions(person, _markets(person)), queries.list_asked_by(person)
    narrowed = {name: request.args.get(name, "") for name in ("document", "version", "clause")}
    to_answer, asked = [_narrow(rows, **narrowed) for rows in (to_answer, asked)]
    found = [*to_answer, *asked]
    titles = library.list_titles({each.version_id for each in found}, language())
    headings = library.list_clause_headings({(each.version_id, each.anchor) for each in found}, language())

    def shown(each: ClauseQuestion) -> dict[str, Any]:
        return {
            "body": _shortened(each.body),
            "language": each.language,
            "href": url_for("acknowledgements.question", code=each.code),
            "document": titles[each.version_id],
            "clause": headings.get((each.version_id, each.anchor), ""),
            "name": each.person.name_in(language()),
            "at": format_instant(each.at, person.time_zone),
            "is_open": each.answered_at is None,
        }

    return render_template(
        "acknowledgements/questions.html",
        rows=[shown(each) for each in to_answer],
        asked=[shown(each) for each in asked],
        answers=bool(to_answer) or can(SEE_QUESTIONS),
        narrowed=_told(person, **narrowed),
        all_href=url_for("acknowledgements.list_questions"),
    )


def _told(person: Person, *, document: str, version: str, clause: str) -> str:
    """Return to what the lists are narrowed: by its title where the person may read the document."""
    found = library.find_document(document) if document else None
    if found is not None and allows(person, READ_DOCUMENT, found):
        document = library.list_document_titles([document], language()).get(document, document)
    return " ".join(filter(None, (document, version, clause and f"§ {clause}")))


def _narrow(rows: Sequence[ClauseQuestion], *, document: str, version: str, clause: str) -> list[ClauseQuestion]:
    return [
        each
        for each in rows
        if (not document or each.version.document.slug == document)
        and (not version or each.version.number == version)
        and (not clause or each.anchor == clause)
    ]


@blueprint.get("/questions/<code>")
@requires(SEE_QUESTION, on=queries.get_question)
def question(found: ClauseQuestion) -> str:
    """Show a question with its clause and its answer."""
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


def clause_notes(person: Person, thing: DocumentVersion | Draft) -> dict[str, ClauseNote]:
    """Return clause id → how many questions are kept with it, for who asked and for those who answer.

    Beside the text of a version those that are about it; beside a draft what waits for an answer, since it may be
    answered by better words.
    """
    document, is_draft = thing.document, isinstance(thing, Draft)
    kept = (
        queries.list_kept_with(thing, document.authoritative)
        if isinstance(thing, DocumentVersion)
        else queries.list_open_about(document.id)
    )
    if kept and not allows(person, ANSWER_QUESTION, document):
        kept = [each for each in kept if each.person_id == person.id]
    by_clause: dict[str, list[queries.Kept]] = {}
    for each in kept:
        by_clause.setdefault(each.anchor, []).append(each)
    return {
        anchor: ClauseNote(_count_words(rows, is_draft=is_draft), _where(document.slug, anchor, rows))
        for anchor, rows in by_clause.items()
    }


def _count_words(rows: Sequence[queries.Kept], *, is_draft: bool) -> str:
    waiting = sum(each.is_open for each in rows)
    if is_draft or waiting == len(rows):
        return ngettext("%(num)d open question", "%(num)d open questions", waiting)
    said = ngettext("%(num)d question asked", "%(num)d questions asked", len(rows))
    return _("%(said)s, %(waiting)s open", said=said, waiting=waiting) if waiting else said


def questions_about(version: DocumentVersion) -> dict[str, str] | None:
    """Return how many questions were asked about a version and where they are, or None where there is none."""
    total, waiting = queries.count_about(version.id)
    if not total:
        return None
    said = ngettext("%(num)d question asked", "%(num)d questions asked", total)
    return {
        "label": _("%(said)s, %(waiting)s open", said=said, waiting=waiting) if waiting else said,
        "href": url_for("acknowledgements.list_questions", document=version.document.slug, version=version.number),
    }


def _where(slug: str, anchor: str, rows: Sequence[queries.Kept]) -> str:
    if len(rows) == 1:
        return url_for("acknowledgements.question", code=rows[0].code)
    return url_for("acknowledgements.list_questions", document=slug, clause=anchor)


def _page(found: ClauseQuestion, form: AnswerForm) -> str:
    version, person = found.version, actor()
    is_own = found.person_id == person.id
    waits = is_own and campaigns.find_open_request(person, version.document) is not None
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
        "is_own": is_own,
        "may_answer": can(ANSWER_QUESTION, found),
        # Her confirmation is still asked for.
        "confirm_href": url_for("acknowledgements.delta", slug=version.document.slug) if waits else None,
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
