"""The author's pages: banks with key and rationales, a question as a learner sees it, results released by hand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from flask import render_template, request, url_for
from werkzeug.wrappers import Response

from portal.accounts import queries as people
from portal.core import clock
from portal.core.access import actor, can, requires
from portal.core.i18n import format_date, gettext, language, ngettext, pgettext
from portal.core.i18n import gettext as _
from portal.core.once import Done, carry_out
from portal.library import queries as documents
from portal.quizzes import errors, queries
from portal.quizzes.models import Question, QuestionBank, QuestionState, QuestionVersion, QuizVersion
from portal.quizzes.permissions import RELEASE_RESULTS, SEE_BANKS, SUPERVISE_ATTEMPT, WRITE_QUESTIONS
from portal.quizzes.queries import supervision
from portal.quizzes.queries.review import list_in_review
from portal.quizzes.service import paper, written
from portal.quizzes.service.marking import release_by_hand
from portal.quizzes.types import type_of
from portal.quizzes.types.base import ANSWER, Content, read
from portal.quizzes.views import blueprint

CHIPS = {
    QuestionState.DRAFT: "draft",
    QuestionState.IN_REVIEW: "waiting",
    QuestionState.PILOT: "in_progress",
    QuestionState.LIVE: "active",
    QuestionState.STALE: "warning",
    QuestionState.QUARANTINED: "danger",
    QuestionState.RETIRED: "withdrawn",
}


def type_words(name: str) -> str:
    """Say what kind of question this is."""
    return str(
        {
            "single_choice": gettext("Single choice"),
            "multiple_choice": gettext("Multiple choice"),
            "true_false": gettext("True or false"),
            "short_answer": gettext("Short answer"),
            "numeric": gettext("Numeric answer"),
            "matching": gettext("Matching"),
            "ordering": gettext("Ordering"),
            "gap": gettext("Text with gaps"),
            "free_text": gettext("Free text"),
            "case": gettext("Case"),
        }.get(name, name)
    )


def state_words(state: QuestionState) -> str:
    """Say whether a question is drawn."""
    return str(
        {
            QuestionState.LIVE: gettext("Live"),
            QuestionState.DRAFT: gettext("Draft (not drawn)"),
            QuestionState.IN_REVIEW: gettext("In review (not drawn)"),
            QuestionState.PILOT: gettext("On trial (not scored)"),
            QuestionState.STALE: gettext("To be re-checked (not drawn)"),
            QuestionState.QUARANTINED: gettext("Quarantined (not drawn)"),
            QuestionState.RETIRED: gettext("Retired"),
        }[state]
    )


def short_state_words(state: QuestionState) -> str:
    """Name a state in one or two words."""
    return str(
        {
            QuestionState.DRAFT: pgettext("question", "Draft"),
            QuestionState.IN_REVIEW: gettext("In review"),
            QuestionState.PILOT: gettext("On trial"),
            QuestionState.LIVE: gettext("Live"),
            QuestionState.STALE: gettext("To re-check"),
            QuestionState.QUARANTINED: gettext("Quarantined"),
            QuestionState.RETIRED: gettext("Retired"),
        }[state]
    )


@blueprint.get("/banks")
@requires(SEE_BANKS)
def banks() -> str:
    """List the question banks."""
    counts = queries.count_questions()
    in_review = Counter(each.bank for each in list_in_review())
    rows = queries.list_banks()
    owners = people.find_owners("question_bank", [bank.slug for bank in rows])
    waiting = queries.count_unreleased()
    quizzes = queries.quiz_titles(waiting)
    titles = documents.list_document_titles([bank.document_slug for bank in rows], language())
    return render_template(
        "quizzes/banks.html",
        new_href=url_for("quizzes.new_bank") if can(WRITE_QUESTIONS) else None,
        banks=[
            {
                "title": str(bank.title),
                "href": url_for("quizzes.bank", slug=bank.slug),
                "slug": bank.slug,
                "live": counts.get(bank.id, {}).get(QuestionState.LIVE, 0),
                "stale": counts.get(bank.id, {}).get(QuestionState.STALE, 0),
                "stale_href": url_for("quizzes.stale_of_bank", slug=bank.slug),
                "in_review": in_review[bank.slug],
                "review_href": url_for("quizzes.reviews", bank=bank.slug, show="all"),
                "all": sum(counts.get(bank.id, {}).values()),
                "document": document_words(bank, titles),
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


def document_words(bank: QuestionBank, titles: Mapping[str, str]) -> str:
    """Name the document of a bank by its title, with the version that the questions were looked at against."""
    title = titles.get(bank.document_slug, bank.document_slug)
    if not title or not bank.document_version:
        return title
    return _("%(title)s (version %(number)s)", title=title, number=bank.document_version)


def question_with_key(
    bank: QuestionBank, question: Question, version: QuestionVersion, number: int | str, tag: str = ""
) -> dict[str, Any]:
    """Return what an author sees of a question, in a language or that of the page: texts, key, rationales, clauses."""
    chosen = tag or language()
    content = read(version.content)
    links = paper.links_of(version.citations, chosen)
    prefix = f"n{number}"
    stem = paper.block(content.stem.in_(chosen), chosen, content.document, links, f"{prefix}-")
    return {
        "slug": question.slug,
        "number": number,
        "title": content.title.in_(chosen),
        "address": f"{bank.slug}/{question.slug}",
        "href": url_for("quizzes.question", slug=bank.slug, question=question.slug),
        "chip": CHIPS[question.state],
        "state": state_words(question.state),
        "facts": facts_of(content, version),
        "stem": stem,
        "picture": paper.picture_shown(type_of(content.type).picture(content, chosen, tells_level=True), content),
        "pieces": written.in_pieces(stem) if written.is_inline(content) else [],
        "parts": [
            paper.key_of_part(content, part, version.citations, language=chosen, prefix=prefix)
            | {
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


def facts_of(content: Content, version: QuestionVersion) -> list[tuple[str, Any]]:
    """Return what is known of a question beside its texts."""
    return [
        (_("Type"), type_words(content.type)),
        (_("Points"), str(content.max_points)),
        (_("Marking"), {"partial": _("partial"), "penalty": _("with penalty")}.get(content.marking)),
        (_("Difficulty"), str(content.difficulty) if content.difficulty else None),
        (_("Sensitivity level"), content.severity),
        (_("Tags"), {"as_is": _(", ").join(content.tags)} if content.tags else None),
        (
            _("Version"),
            f"{version.number} ({format_date(clock.local_date(version.created_at, actor().time_zone), 'short')})",
        ),
    ]


@blueprint.get("/quizzes/<slug>/release")
@requires(RELEASE_RESULTS, on=queries.get_quiz)
def release(version: QuizVersion) -> str:
    """Show how many results of a quiz wait for their release, and which of them have late answers nobody decided on."""
    return _release_page(version)


def _release_page(version: QuizVersion, refusal: str | None = None) -> str:
    waiting = queries.list_unreleased(version.quiz_id)
    late = supervision.count_late([attempt.id for attempt in waiting])
    return render_template(
        "quizzes/release.html",
        title=str(version.title),
        slug=version.quiz.slug,
        quiz_href=url_for("quizzes.show", slug=version.quiz.slug),
        refusal=refusal,
        late=sum(late.values()),
        late_known=_late_known(late),
        waiting=[
            {
                "name": attempt.person.name_in(language()),
                "late": late.get(attempt.id, 0),
                "href": url_for("quizzes.supervision", code=attempt.code, _anchor="late")
                if late.get(attempt.id) and can(SUPERVISE_ATTEMPT, attempt)
                else None,
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
def release_results(version: QuizVersion) -> Response | tuple[str, int]:
    """Release every result that waits; where late answers are undecided, only if that was read and confirmed."""

    def work() -> Done:
        late = supervision.count_late([attempt.id for attempt in queries.list_unreleased(version.quiz_id)])
        if late and request.form.get("without_late", "") != _late_known(late):
            raise errors.LateAnswersUndecided()
        released = release_by_hand(quiz=version.quiz, by=actor())
        done = ngettext("%(num)d result was released.", "%(num)d results were released.", released)
        return Done(done, url_for("quizzes.release", slug=version.quiz.slug))

    try:
        return carry_out(work)
    except errors.LateAnswersUndecided as undecided:
        return _release_page(version, refusal=str(undecided)), undecided.status


def _late_known(late: Mapping[int, int]) -> str:
    """Return what stands for the late answers that were shown, so that what is confirmed is what was read."""
    return " ".join(f"{attempt_id}:{number}" for attempt_id, number in sorted(late.items()))
