"""The author's pages: banks with key and rationales, a question as a learner sees it, results released by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import render_template, url_for
from werkzeug.wrappers import Response

from portal.accounts import queries as people
from portal.core import clock
from portal.core.access import actor, can, requires
from portal.core.errors import NotFound
from portal.core.i18n import format_date, gettext, language, ngettext
from portal.core.i18n import gettext as _
from portal.core.once import Done, carry_out
from portal.library import queries as documents
from portal.quizzes import queries
from portal.quizzes.models import Question, QuestionBank, QuestionCitation, QuestionState, QuestionVersion, QuizVersion
from portal.quizzes.permissions import RELEASE_RESULTS, SEE_BANKS
from portal.quizzes.queries import staleness
from portal.quizzes.service import paper
from portal.quizzes.service.marking import release_by_hand
from portal.quizzes.types.base import ANSWER, Content, read
from portal.quizzes.views import blueprint

_CHIPS = {
    QuestionState.LIVE: "active",
    QuestionState.DRAFT: "draft",
    QuestionState.STALE: "warning",
    QuestionState.RETIRED: "withdrawn",
}


def type_words(name: str) -> str:
    """Say what kind of question this is."""
    return str(
        {
            "single_choice": gettext("Single choice"),
            "multiple_choice": gettext("Multiple choice"),
            "true_false": gettext("True or false"),
            "case": gettext("Case"),
        }.get(name, name)
    )


def state_words(state: QuestionState) -> str:
    """Say whether a question is drawn."""
    return str(
        {
            QuestionState.LIVE: gettext("Live"),
            QuestionState.DRAFT: gettext("Draft (not drawn)"),
            QuestionState.STALE: gettext("To be re-checked (not drawn)"),
            QuestionState.RETIRED: gettext("Retired"),
        }[state]
    )


@blueprint.get("/banks")
@requires(SEE_BANKS)
def banks() -> str:
    """List the question banks."""
    counts = queries.count_questions()
    rows = queries.list_banks()
    owners = people.find_owners("question_bank", [bank.slug for bank in rows])
    waiting = queries.count_unreleased()
    quizzes = queries.quiz_titles(waiting)
    titles = documents.list_document_titles([bank.document_slug for bank in rows], language())
    return render_template(
        "quizzes/banks.html",
        banks=[
            {
                "title": str(bank.title),
                "href": url_for("quizzes.bank", slug=bank.slug),
                "slug": bank.slug,
                "live": counts.get(bank.id, {}).get(QuestionState.LIVE, 0),
                "stale": counts.get(bank.id, {}).get(QuestionState.STALE, 0),
                "stale_href": url_for("quizzes.stale_of_bank", slug=bank.slug),
                "all": sum(counts.get(bank.id, {}).values()),
                "document": _document_words(bank, titles),
                "owner": owners[bank.slug].owner.name_in(language()) if bank.slug in owners else "",
            }
            for bank in rows
        ],
        stale=sum(states.get(QuestionState.STALE, 0) for states in counts.values()),
        stale_href=url_for("quizzes.stale"),
        waiting=[
            {
                "title": str(quizzes[quiz_id].title),
                "href": url_for("quizzes.release", slug=quizzes[quiz_id].quiz.slug)
                if can(RELEASE_RESULTS, quizzes[quiz_id])
                else None,
                "count": number,
            }
            for quiz_id, number in sorted(waiting.items())
        ],
    )


def _document_words(bank: QuestionBank, titles: Mapping[str, str]) -> str:
    """Name the document of a bank by its title, with the version that the questions were looked at against."""
    title = titles.get(bank.document_slug, bank.document_slug)
    if not title or not bank.document_version:
        return title
    return _("%(title)s (version %(number)s)", title=title, number=bank.document_version)


@blueprint.get("/banks/<slug>")
@requires(SEE_BANKS, on=queries.get_bank)
def bank(bank: QuestionBank) -> str:
    """Show a bank's questions with key, rationales and cited clauses."""
    waiting = staleness.count_stale().get(bank.slug, staleness.Waiting())
    return render_template(
        "quizzes/bank.html",
        title=str(bank.title),
        stale=waiting.to_look_at + waiting.kept_out,
        stale_href=url_for("quizzes.stale_of_bank", slug=bank.slug),
        document=_document_words(bank, documents.list_document_titles([bank.document_slug], language())),
        questions=[
            question_with_key(bank, question, version, number)
            for number, (question, version) in enumerate(queries.list_latest(bank), start=1)
        ],
    )


def question_with_key(bank: QuestionBank, question: Question, version: QuestionVersion, number: int) -> dict[str, Any]:
    """Return what an author sees of a question: texts, key, rationales and cited clauses."""
    chosen = language()
    content = read(version.content)
    links = paper.links_of(version.citations, chosen)
    prefix = f"n{number}"
    return {
        "slug": question.slug,
        "number": number,
        "title": content.title.in_(chosen),
        "address": f"{bank.slug}/{question.slug}",
        "href": url_for("quizzes.preview", slug=bank.slug, question=question.slug),
        "chip": _CHIPS[question.state],
        "state": state_words(question.state),
        "facts": _facts(content, version),
        "stem": paper.block(content.stem.in_(chosen), chosen, content.document, links, f"{prefix}-"),
        "parts": [
            {
                "legend": part.heading.in_(chosen) if part.heading else _("Answer"),
                "has_heading": part.id != ANSWER,
                "points": part.points,
                "choices": [
                    {
                        "text": paper.line(choice.text.in_(chosen), chosen, content.document, links),
                        "chosen": False,
                        "right": choice.right,
                        "rationale": paper.block(
                            choice.rationale.in_(chosen),
                            chosen,
                            content.document,
                            links,
                            f"{prefix}-{part.id}-{choice.id}-",
                        )
                        if choice.rationale
                        else None,
                    }
                    for choice in part.choices
                ],
                "rationale": paper.block(
                    part.rationale.in_(chosen), chosen, content.document, links, f"{prefix}-{part.id}-"
                )
                if part.rationale
                else None,
            }
            for part in content.parts
        ],
        "rationale": paper.block(content.rationale.in_(chosen), chosen, content.document, links, f"{prefix}-why-")
        if content.rationale
        else None,
        "clauses": paper.clauses_of(version.citations, chosen),
    }


def _facts(content: Content, version: QuestionVersion) -> list[tuple[str, str | None]]:
    return [
        (_("Type"), type_words(content.type)),
        (_("Points"), str(content.max_points)),
        (_("Marking"), _("partial") if content.marking == "partial" else None),
        (_("Difficulty"), str(content.difficulty) if content.difficulty else None),
        (_("Sensitivity level"), content.severity),
        (_("Tags"), _(", ").join(content.tags) or None),
        (
            _("Version"),
            f"{version.number} ({format_date(clock.local_date(version.created_at, actor().time_zone), 'short')})",
        ),
    ]


@blueprint.get("/banks/<slug>/<question>")
@requires(SEE_BANKS, on=queries.get_bank)
def preview(bank: QuestionBank, question: str) -> str:
    """Show a question exactly as a learner sees it, without saving anything."""
    found = queries.find_latest(bank, question)
    if found is None:
        raise NotFound()
    row, version = found
    content = read(version.content)
    citations: Sequence[QuestionCitation] = version.citations
    return render_template(
        "quizzes/preview.html",
        title=content.title.in_(language()),
        bank_title=str(bank.title),
        bank_href=url_for("quizzes.bank", slug=bank.slug, _anchor=row.slug),
        banks_href=url_for("quizzes.banks"),
        item=paper.question_form(content, {}, citations, language=language(), prefix="q1", answer={}),
    )


@blueprint.get("/quizzes/<slug>/release")
@requires(RELEASE_RESULTS, on=queries.get_quiz)
def release(version: QuizVersion) -> str:
    """Show how many results of a quiz wait for their release."""
    waiting = queries.list_unreleased(version.quiz_id)
    return render_template(
        "quizzes/release.html",
        title=str(version.title),
        slug=version.quiz.slug,
        quiz_href=url_for("quizzes.show", slug=version.quiz.slug),
        waiting=[
            {
                "name": attempt.person.name_in(language()),
                "number": attempt.attempt_no,
                "finished_on": format_date(
                    clock.local_date(attempt.finished_at or attempt.deadline_at, actor().time_zone), "short"
                ),
            }
            for attempt in waiting
        ],
    )


@blueprint.post("/quizzes/<slug>/release")
@requires(RELEASE_RESULTS, on=queries.get_quiz)
def release_results(version: QuizVersion) -> Response:
    """Release every result that waits."""

    def work() -> Done:
        released = release_by_hand(quiz=version.quiz, by=actor())
        done = ngettext("%(num)d result was released.", "%(num)d results were released.", released)
        return Done(done, url_for("quizzes.release", slug=version.quiz.slug))

    return carry_out(work)
