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
from portal.core.i18n import format_points, ngettext, other
from portal.core.i18n import gettext as _
from portal.core.i18n import language as language_of_page
from portal.core.markdown import TrustedHtml, plain_text
from portal.library.service.warnings import WARNINGS
from portal.quizzes.models import Item, PracticeAnswer, QuestionCitation
from portal.quizzes.service import written
from portal.quizzes.types import type_of
from portal.quizzes.types.base import ANSWER, Content, Part, PartForm, PartReview, PictureForm

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
    return markdown.render_inline(named(text, document, links), language=language)


def named(text: str, document: str, links: Links) -> str:
    """Return a text in which clauses are named by their heading."""
    known = {(slug, anchor): heading for slug, anchor, _href, heading in links}

    def heading_of(found: re.Match[str]) -> str:
        heading = known.get((found["slug"] or document, found["anchor"]), found["anchor"])
        return _SIGNS.sub(r"\\\1", heading)

    return _CLAUSE.sub(heading_of, text)


def _resolver(document: str, links: Links) -> markdown.Resolver:
    known = {(slug, anchor): (href, heading) for slug, anchor, href, heading in links}
    return lambda slug, anchor: known.get((slug or document, anchor))


def picture_shown(told: PictureForm | None, content: Content, href: str = "") -> dict[str, Any] | None:
    """Return what is told of a picture and where it is fetched from: an address of authors where none is given."""
    if told is None or content.picture is None:
        return None
    return {
        "href": href or url_for("quizzes.bank_picture", sha256=content.picture.sha256),
        "alt": told.alt,
        "severity": told.severity,
        "is_hard": told.is_hard,
        "words": WARNINGS.get(told.severity or ""),
    }


def question_form(
    content: Content,
    order: Mapping[str, Sequence[str]],
    citations: Sequence[QuestionCitation],
    *,
    language: str,
    prefix: str,
    answer: Mapping[str, Any],
    picture_href: str = "",
) -> dict[str, Any]:
    """Return a question for answering, made from the type's allow-list and nothing else.

    `picture_href` is where its reader fetches its picture; without one it is where authors do.
    """
    kind = type_of(content.type)
    form = kind.form(content, order, language)
    chosen = kind.places(content, order, answer)
    links = links_of(citations, language)
    notes = written.notes_of(content, answer)
    stem = block(form.stem, language, content.document, links, f"{prefix}-")
    return {
        "language": language,
        "stem": stem,
        "picture": picture_shown(form.picture, content, picture_href),
        "points": form.points,
        "costs": form.costs,
        "follows": counts_pairs(content),
        "pieces": written.in_pieces(stem) if written.is_inline(content) else [],
        "parts": [
            {
                "id": part.id,
                "name": f"{prefix}-{part.id}",
                "legend": written.legend_of(content, part),
                "legend_hidden": part.id == ANSWER,
                "label": label(part.heading, language, content.document, links) if part.heading else None,
                "kind": part.kind,
                "points": part.points,
                "choices": [
                    {"value": choice.value, "text": label(choice.text, language, content.document, links)}
                    | ({"plain": plain_text(named(choice.text, content.document, links))} if is_listed(part) else {})
                    for choice in part.choices
                ],
                "selected": chosen.get(part.id, []),
                "units": part.units,
                "hint": written.hint_of(part),
                "limit": part.limit,
                "least": part.least,
                "most": part.most,
                "note": notes.get(part.id),
            }
            for part in form.parts
        ],
    }


def counts_pairs(content: Content) -> bool:
    """Say whether what counts of an order is which thing follows which, not its place."""
    return content.type == "ordering" and content.marking == "partial"


def is_listed(part: PartForm) -> bool:
    """Say whether the choices of a part stand in a list of the browser's own, which shows plain text alone."""
    return part.kind == "select"


def item_form(item: Item, citations: Sequence[QuestionCitation], language: str) -> dict[str, Any]:
    """Return an item of an attempt for answering, with what is saved.

    Who changes the language of her pages meanwhile reads a question whose text there is behind in the other one.
    """
    if item.question_version.behind == language:
        language = other(language)
    content = item.question_version.read()
    answer = item.response.answer if item.response else {}
    shown = question_form(
        content,
        item.choice_order,
        citations,
        language=language,
        prefix=f"q{item.position}",
        answer=answer,
        picture_href=_href_in_attempt(item),
    )
    return shown | {
        "language": language,
        "position": item.position,
        "seq": item.response.seq if item.response else 0,
        "received_at": item.response.received_at if item.response else None,
        "state": type_of(content.type).how_far(content, answer).value,
        "length_words": written.misfit_words(content, answer),
    }


def _href_in_attempt(item: Item) -> str:
    return url_for("quizzes.attempt_picture", code=item.attempt.code, position=item.position)


def points_words(points: Fraction | None, max_points: Fraction | int) -> str | None:
    """Say how many of the points there are were given."""
    if points is None:
        return None
    return str(
        ngettext(
            "%(points)s of %(all)s point",
            "%(points)s of %(all)s points",
            int(max_points),
            points=format_points(points).replace("-", "−"),
            all=format_points(Fraction(max_points)),
        )
    )


def _pairs(part: PartReview) -> str:
    """Say what counted of an order, and how much of that was right where it is shown."""
    rule = _("What counts is which one directly follows which; places alone do not count.")
    if part.points is None or not part.max_points:
        return rule
    every = max(len(part.choices) - 1, 1)
    right = part.points * every / part.max_points
    said = ngettext("%(right)s of %(all)s pair is right.", "%(right)s of %(all)s pairs are right.", every,
                    right=format_points(right), all=every)  # fmt: skip
    return f"{rule}{'' if language_of_page() == 'ja' else ' '}{said}"


def _verdict(points: Fraction, max_points: Fraction | int) -> str:
    """Say whether all, some or none of the points were earned."""
    if points >= max_points:
        return "full"
    return "some" if points > 0 else "none"


def key_of_part(
    content: Content, part: Part, citations: Sequence[QuestionCitation], *, language: str, prefix: str
) -> dict[str, Any]:
    """Return what is right in a part that has more than choices, as its author reads it."""
    links = links_of(citations, language)
    return {
        "kind": type_of(content.type).kind_of(part),
        "legend": written.legend_of(content, part),
        "label": label(part.heading.in_(language), language, content.document, links) if part.heading else None,
        "units": written.units_facts(part),
        "is_exact": part.is_exact,
        "taken": [
            {
                "text": written.taken_words(key, part, language),
                "share": written.share_words(key.share),
                "is_right": key.share == 1,
                "feedback": block(
                    key.feedback.in_(language), language, content.document, links, f"{prefix}-{part.id}-{place}-"
                )
                if key.feedback
                else None,
            }
            for place, key in enumerate(part.keys)
        ],
        "criteria": [
            {"text": line(each.text.in_(language), language, content.document, links), "points": each.points}
            for each in part.criteria
        ],
        "least": part.least,
        "most": part.most,
    }


def item_review(
    item: Item,
    citations: Sequence[QuestionCitation],
    *,
    language: str,
    show: frozenset[str],
    points: Fraction | None,
    is_taker: bool = True,
) -> dict[str, Any]:
    """Return an item after release, as far as the quiz shows it, to its taker or to whoever answers an appeal."""
    content = item.question_version.read()
    answer = item.response.answer if item.response else {}
    shown = _review(
        content,
        item.choice_order,
        answer,
        citations,
        language=language,
        show=show,
        points=points,
        max_points=item.max_points,
        position=item.position,
        picture_href=_href_in_attempt(item) if is_taker else "",
    )
    return shown | {
        "received_at": item.response.received_at if item.response else None,
        "is_scored": item.is_scored,
        "is_own": is_taker,
    }


def practice_review(
    row: PracticeAnswer, citations: Sequence[QuestionCitation], *, language: str, number: int
) -> dict[str, Any]:
    """Return an answered question of practice with all there is to say of it."""
    content = row.question_version.read()
    return _review(
        content,
        row.choice_order,
        row.answer or {},
        citations,
        language=language,
        show=frozenset({"score", "correctness", "key", "rationale"}),
        points=row.points,
        max_points=content.max_points,
        position=number,
        picture_href=url_for("quizzes.practice_picture", code=row.code),
    )


def _review(
    content: Content,
    order: Mapping[str, Sequence[str]],
    answer: Mapping[str, Any],
    citations: Sequence[QuestionCitation],
    *,
    language: str,
    show: frozenset[str],
    points: Fraction | None,
    max_points: Fraction | int,
    position: int,
    picture_href: str,
) -> dict[str, Any]:
    review = type_of(content.type).review(content, order, answer, language=language, show=show)
    links = links_of(citations, language)
    prefix = f"q{position}"

    def told(text: str | None, place: str) -> TrustedHtml | None:
        return block(text, language, content.document, links, f"{prefix}-{place}-") if text else None

    def shown(part: PartReview, text: str) -> TrustedHtml | str:
        """What is written is text and nothing else; what was there to choose is Markdown."""
        return text if part.kind in ("text", "number") else line(text, language, content.document, links)

    stem = block(review.stem, language, content.document, links, f"{prefix}-")
    return {
        "position": position,
        "title": review.title,
        "stem": stem,
        "picture": picture_shown(review.picture, content, picture_href),
        "pieces": written.in_pieces(stem) if written.is_inline(content) else [],
        # What the marking says counts, not what would be computed today.
        "points_words": points_words(points, max_points) if "correctness" in show else None,
        "verdict": _verdict(points, max_points) if points is not None and "correctness" in show else None,
        "state": type_of(content.type).how_far(content, answer).value,
        "length_words": written.misfit_words(content, answer),
        "parts": [
            {
                "id": part.id,
                "kind": part.kind,
                "legend": written.legend_of(content, part),
                "label": label(part.heading, language, content.document, links) if part.heading else None,
                "has_heading": part.id != ANSWER,
                "points_words": points_words(part.points, part.max_points),
                "verdict": _verdict(part.points, part.max_points) if part.points is not None else None,
                "pairs": _pairs(part) if counts_pairs(content) else None,
                "is_answered": part.is_answered,
                "written": part.written,
                "read_as": part.read_as,
                "given": [line(c.text, language, content.document, links) for c in part.choices if c.chosen],
                "accepted": [
                    *(shown(part, text) for text in part.accepted),
                    *(line(c.text, language, content.document, links) for c in part.choices if c.right),
                ]
                if part.kind != "order"
                else [shown(part, text) for text in part.accepted],
                "feedback": told(part.feedback, f"{part.id}-said"),
                "criteria": [
                    {"text": line(each.text, language, content.document, links), "points": each.points}
                    for each in part.criteria
                ],
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
