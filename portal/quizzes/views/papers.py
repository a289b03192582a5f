"""A paper of a quiz as a learner would see it, for those who write it; nothing is recorded."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

from flask import render_template, request, url_for

from portal.core.access import requires
from portal.core.i18n import language
from portal.quizzes import errors, queries
from portal.quizzes.formats.quiz_toml import QuizTerms
from portal.quizzes.models import QuestionVersion, QuizVersion
from portal.quizzes.permissions import SEE_BANKS
from portal.quizzes.service import drawing, paper
from portal.quizzes.service.banks import terms_of_version
from portal.quizzes.views import blueprint

_SEED_LENGTH = 32


@blueprint.get("/quizzes/<slug>/paper")
@requires(SEE_BANKS, on=queries.get_quiz)
def see_paper(version: QuizVersion) -> str | tuple[str, int]:
    """Show a paper of the quiz as a learner would see it, under a seed of its own; nothing is recorded."""
    return show_paper(terms_of_version(version), version.quiz.slug, again=True)


def show_paper(terms: QuizTerms, slug: str | None, *, again: bool) -> str | tuple[str, int]:
    """Show a paper of terms, of the quiz of this slug or of one that is not there yet; `again` offers another one."""
    seed = _seed()
    sections = {section.id: str(section.title) for section in terms.sections}
    refusal, drawn = None, []
    try:
        drawn = drawing.draw_paper(
            drawing.blueprint_of_terms(terms.blueprint),
            sections=list(sections),
            pilots=terms.pilots,
            shuffles=terms.shuffle_questions,
            seed=seed,
            language=language(),
        )
    except errors.TooFewQuestions as refused:
        refusal = str(refused)
    citations = queries.list_citations({each.version.id for each in drawn})
    items = []
    before = None
    for position, each in enumerate(drawn, start=1):
        items.append(
            _item(each.version, citations.get(each.version.id, []), position, seed, shuffles=terms.shuffle_choices)
            | {
                "section": sections.get(each.placed.section) if each.placed.section != before else None,
                "address": each.placed.address,
                "is_scored": each.placed.is_scored,
            }
        )
        before = each.placed.section
    page = render_template(
        "quizzes/paper.html",
        title=str(terms.title),
        quiz_href=url_for("quizzes.show", slug=slug) if slug else None,
        coverage_href=url_for("quizzes.coverage", slug=slug) if slug else None,
        again_href=url_for("quizzes.see_paper", slug=slug) if again else None,
        this_href=url_for("quizzes.see_paper", slug=slug, seed=seed) if again else None,
        refusal=refusal,
        seed=seed,
        items=items,
        questions=[
            {
                "position": item["position"],
                "address": item["address"],
                "href": url_for(
                    "quizzes.question",
                    slug=item["address"].partition("/")[0],
                    question=item["address"].partition("/")[2],
                ),
                "is_scored": item["is_scored"],
            }
            for item in items
        ],
    )
    return (page, 409) if refusal else page


def _seed() -> str:
    given = request.args.get("seed", "")
    return given if given.isalnum() and given.isascii() and len(given) <= _SEED_LENGTH else secrets.token_hex(4)


def _item(
    version: QuestionVersion, citations: Sequence[Any], position: int, seed: str, *, shuffles: bool
) -> dict[str, Any]:
    content = version.read()
    order = drawing.order_of_choices(content, seed=seed, position=position, shuffles=shuffles)
    shown = paper.question_form(content, order, citations, language=language(), prefix=f"q{position}", answer={})
    return shown | {"position": position}
