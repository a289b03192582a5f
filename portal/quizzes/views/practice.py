"""The learner's practice: one question after the other, untimed, with feedback after each; it counts for nothing."""

from __future__ import annotations

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from portal.core.access import actor, requires, signed_in
from portal.core.i18n import language
from portal.core.transaction import transaction
from portal.quizzes import limits, queries
from portal.quizzes.models import PracticeAnswer
from portal.quizzes.permissions import PRACTISE
from portal.quizzes.queries.practice import get_practice, number_of
from portal.quizzes.service import paper, practice
from portal.quizzes.views import blueprint


@blueprint.post("/quizzes/<slug>/practice")
@signed_in
def begin_practice(slug: str) -> Response:
    """Show the next question for practice."""
    person = actor()
    version = queries.get_quiz(slug)
    limits.practice.take(person.code)
    with transaction():
        code = practice.show_next(version=version, person=person).code
    return redirect(url_for("quizzes.practice_question", code=code), 303)


@blueprint.get("/practice/<code>")
@requires(PRACTISE, on=get_practice)
def practice_question(row: PracticeAnswer) -> str:
    """Show a question for practice: to be answered, or with its feedback."""
    return _page(row)


def _page(row: PracticeAnswer) -> str:
    chosen, person = language(), actor()
    content = row.question_version.read()
    citations = queries.list_citations({row.question_version_id}).get(row.question_version_id, [])
    shows_key, number = practice.may_show_key(row, person), number_of(row)
    return render_template(
        "quizzes/practice.html",
        title=str(queries.get_quiz(row.quiz.slug).title),
        slug=row.quiz.slug,
        code=row.code,
        number=number,
        is_answered=row.answered_at is not None,
        is_withheld=row.answered_at is not None and not shows_key,
        item=None
        if row.answered_at is not None
        else paper.question_form(
            content,
            row.choice_order,
            citations,
            language=chosen,
            prefix="q1",
            answer={},
            picture_href=url_for("quizzes.practice_picture", code=row.code),
        ),
        review=paper.practice_review(row, citations, language=chosen, number=number) if shows_key else None,
    )


@blueprint.post("/practice/<code>")
@requires(PRACTISE, on=get_practice)
def answer_practice(row: PracticeAnswer) -> Response:
    """Take the answer and show what is right."""
    person, code = actor(), row.code
    given = {name.removeprefix("q1-"): request.form.getlist(name) for name in request.form if name.startswith("q1-")}
    with transaction():
        practice.answer_practice(row=get_practice(code), person=person, given=given)
    return redirect(url_for("quizzes.practice_question", code=code), 303)
