"""Questions as pages show them: what a learner may see before release, and what she may see after it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

from flask import url_for

from portal.core import markdown
from portal.core.i18n import format_points, ngettext
from portal.core.i18n import gettext as _
from portal.core.markdown import TrustedHtml
from portal.quizzes.models import Item, QuestionCitation
from portal.quizzes.types import type_of
from portal.quizzes.types.base import ANSWER, Content, PartForm, PartReview, read

# (slug, anchor, address, heading) of each clause that a text may link to.
Links = tuple[tuple[str, str, str, str], ...]
_CLAUSE = re.compile(r"\[\[(?P<slug>[a-z][a-z0-9-]*)?#(?P<anchor>[a-z][a-z0-9-]*)\]\]")
_SIGNS = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~])")


@dataclass(frozen=True, slots=True)
class ClauseShown:
    """A cited clause: its address in words, where it leads, its heading."""

    label: str
    href: str
    title: str


def clause_href(slug: str, number: str, anchor: str) -> str:
    """Return the address of a clause in the version that is cited."""
    return url_for("library.read_version", slug=slug, number=number, _anchor=anchor)


def links_of(citations: Sequence[QuestionCitation], language: str) -> Links:
    """Return the clauses that a question's texts may link to."""
    return tuple(
        (
            citation.document_slug,
            citation.anchor,
            clause_href(citation.document_slug, citation.version_number, citation.anchor),
            citation.title.in_(language),
        )
        for citation in citations
    )


def clauses_of(citations: Sequence[QuestionCitation], language: str) -> list[dict[str, Any]]:
    """Return the clauses that a question tests, for chips."""
    return [
        {
            "label": citation.title.in_(language),
            "href": clause_href(citation.document_slug, citation.version_number, citation.anchor),
            "title": f"{citation.document_slug}#{citation.anchor} ({citation.version_number})",
        }
        for citation in citations
        if citation.tested
    ]


@lru_cache(maxsize=4096)
def block(text: str, language: str, document: str, links: Links, prefix: str) -> TrustedHtml:
    """Return a text as markup; texts of versions never change, so neither does this."""
    return markdown.render(text, resolve=_resolver(document, links), id_prefix=prefix, language=language)


@lru_cache(maxsize=4096)
def line(text: str, language: str, document: str, links: Links) -> TrustedHtml:
    """Return a choice as markup without a paragraph around it, its clause links working."""
    return markdown.render_inline(text, resolve=_resolver(document, links), language=language)


@lru_cache(maxsize=4096)
def label(text: str, language: str, document: str, links: Links) -> TrustedHtml:
    """Return a choice for the label of a control: clauses are named by heading, nothing in it is a link to one."""
    known = {(slug, anchor): heading for slug, anchor, _href, heading in links}

    def named(found: re.Match[str]) -> str:
        heading = known.get((found["slug"] or document, found["anchor"]), found["anchor"])
        return _SIGNS.sub(r"\\\1", heading)

    return markdown.render_inline(_CLAUSE.sub(named, text), language=language)


def _resolver(document: str, links: Links) -> markdown.Resolver:
    known = {(slug, anchor): (href, heading) for slug, anchor, href, heading in links}
    return lambda slug, anchor: known.get((slug or document, anchor))


def part_legend(part: PartForm | PartReview) -> str:
    """Return the words above the choices of a part."""
    return part.heading or str(_("Answer"))


def question_form(
    content: Content,
    order: Mapping[str, Sequence[str]],
    citations: Sequence[QuestionCitation],
    *,
    language: str,
    prefix: str,
    answer: Mapping[str, Any],
) -> dict[str, Any]:
    """Return a question for answering, made from the type's allow-list and nothing else."""
    kind = type_of(content.type)
    form = kind.form(content, order, language)
    chosen = kind.places(content, order, answer)
    links = links_of(citations, language)
    return {
        "stem": block(form.stem, language, content.document, links, f"{prefix}-"),
        "points": form.points,
        "parts": [
            {
                "id": part.id,
                "name": f"{prefix}-{part.id}",
                "legend": part_legend(part),
                "legend_hidden": part.id == ANSWER,
                "kind": part.kind,
                "points": part.points,
                "choices": [
                    {"value": choice.value, "text": label(choice.text, language, content.document, links)}
                    for choice in part.choices
                ],
                "selected": chosen.get(part.id, []),
            }
            for part in form.parts
        ],
    }


def item_form(item: Item, citations: Sequence[QuestionCitation], language: str) -> dict[str, Any]:
    """Return an item of an attempt for answering, with what is saved."""
    content = read(item.question_version.content)
    answer = item.response.answer if item.response else {}
    shown = question_form(
        content, item.choice_order, citations, language=language, prefix=f"q{item.position}", answer=answer
    )
    return shown | {
        "position": item.position,
        "seq": item.response.seq if item.response else 0,
        "received_at": item.response.received_at if item.response else None,
        "state": content.how_far(answer).value,
    }


def points_words(points: Fraction | None, max_points: Fraction | int) -> str | None:
    """Say how many of the points there are were given."""
    if points is None:
        return None
    return str(
        ngettext(
            "%(points)s of %(all)s point",
            "%(points)s of %(all)s points",
            int(max_points),
            points=format_points(points),
            all=format_points(Fraction(max_points)),
        )
    )


def _verdict(points: Fraction, max_points: Fraction | int) -> str:
    """Say whether all, some or none of the points were earned."""
    if points >= max_points:
        return "full"
    return "some" if points > 0 else "none"


def item_review(
    item: Item,
    citations: Sequence[QuestionCitation],
    *,
    language: str,
    show: frozenset[str],
    points: Fraction | None,
) -> dict[str, Any]:
    """Return an item after release, as far as the quiz shows it."""
    content = read(item.question_version.content)
    answer = item.response.answer if item.response else {}
    review = type_of(content.type).review(content, item.choice_order, answer, language=language, show=show)
    links = links_of(citations, language)
    prefix = f"q{item.position}"

    def told(text: str | None, place: str) -> TrustedHtml | None:
        return block(text, language, content.document, links, f"{prefix}-{place}-") if text else None

    return {
        "position": item.position,
        "title": review.title,
        "stem": block(review.stem, language, content.document, links, f"{prefix}-"),
        # What the marking says counts, not what would be computed today.
        "points_words": points_words(points, item.max_points) if "correctness" in show else None,
        "verdict": _verdict(points, item.max_points) if points is not None and "correctness" in show else None,
        "state": content.how_far(answer).value,
        "received_at": item.response.received_at if item.response else None,
        "parts": [
            {
                "id": part.id,
                "legend": part_legend(part),
                "has_heading": part.heading is not None,
                "points_words": points_words(part.points, part.max_points),
                "verdict": _verdict(part.points, part.max_points) if part.points is not None else None,
                "is_answered": any(choice.chosen for choice in part.choices),
                "rationale": told(part.rationale, part.id),
                "choices": [
                    {
                        "text": line(choice.text, language, content.document, links),
                        "chosen": choice.chosen,
                        "right": choice.right,
                        "rationale": told(choice.rationale, f"{part.id}-{place}"),
                    }
                    for place, choice in enumerate(part.choices)
                ],
            }
            for part in review.parts
        ],
        "rationale": told(review.rationale, "why"),
        "clauses": clauses_of(citations, language) if "rationale" in show else [],
    }
