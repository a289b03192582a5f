"""What waits for a review: a list over all banks, and the way from one question to the next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from portal.accounts import queries as people
from portal.accounts.models import Person
from portal.core import clock
from portal.core.access import actor, can, requires
from portal.core.i18n import format_date, format_instant, language, ngettext
from portal.core.i18n import gettext as _
from portal.core.paging import paging
from portal.quizzes import queries
from portal.quizzes.models import Question
from portal.quizzes.permissions import APPROVE_QUESTIONS
from portal.quizzes.queries import pool
from portal.quizzes.service import review as service
from portal.quizzes.service.review import Submitted
from portal.quizzes.types.base import read
from portal.quizzes.views import blueprint
from portal.quizzes.views.author import type_words

PAGE_SIZE = 50


def count_for_actor() -> int:
    """Return how many wordings wait for the reader's approval."""
    return len(service.list_waiting_for(actor()))


@blueprint.get("/questions/in-review")
@requires(APPROVE_QUESTIONS)
def reviews() -> str:
    """List what waits for the reader's approval, or everything that is in review, in one bank or in all."""
    slug = request.args.get("bank", "")[:60]
    bank = queries.get_bank(slug) if slug else None
    every = service.list_submitted(slug)
    mine = [each for each in every if actor().code not in each.authors]
    is_all = request.args.get("show") == "all"
    chosen = every if is_all else mine

    def href(*, show: str | None, page: int | None = None) -> str:
        return url_for("quizzes.reviews", bank=slug or None, show=show, page=page)

    found = paging(len(chosen), PAGE_SIZE)
    rows = chosen[found.offset : found.offset + PAGE_SIZE]
    return render_template(
        "quizzes/reviews.html",
        bank_title=str(bank.title) if bank else None,
        bank_href=url_for("quizzes.bank", slug=slug) if bank else None,
        all_href=url_for("quizzes.reviews"),
        tabs=[
            {"label": _("For this account"), "href": href(show=None), "count": len(mine), "current": not is_all},
            {"label": _("All in review"), "href": href(show="all"), "count": len(every), "current": is_all},
        ],
        is_all=is_all,
        first_href=_href(mine[0]) if mine else None,
        rows=_rows(rows),
        pager=found.links(lambda number: href(show="all" if is_all else None, page=number)) if found.total else None,
    )


@blueprint.get("/questions/in-review/next")
@requires(APPROVE_QUESTIONS)
def next_review() -> Response:
    """Lead to the question that comes after one in the list of what waits for the reader, or back to the list."""
    bank, _slash, question = request.args.get("after", "")[:130].partition("/")
    following = service.next_of(service.list_waiting_for(actor()), bank, question)
    if following is None:
        flash(_("No other question waits for a review of this account."), "info")
        return redirect(url_for("quizzes.reviews"))
    return redirect(_href(following))


def _href(each: Submitted) -> str:
    return url_for("quizzes.question", slug=each.row.bank, question=each.row.slug)


def _rows(rows: Sequence[Submitted]) -> list[dict[str, Any]]:
    here, me = language(), actor()
    versions = pool.get_versions([each.row.version_id for each in rows])
    titles = {slug: str(bank.title) for slug, bank in pool.list_bank_titles({each.row.bank for each in rows}).items()}
    names = _names({each.by for each in rows if each.by})
    shown = []
    for each in rows:
        content = read(versions[each.row.version_id].content)
        shown.append(
            {
                "title": content.title.in_(here) or each.row.slug,
                "href": _href(each),
                "bank": titles.get(each.row.bank, each.row.bank),
                "type": type_words(content.type),
                "is_proposal": each.row.is_proposal,
                "by": names.get(each.by, each.by) if each.by else None,
                "at": format_instant(each.at, me.time_zone, show_zone=False) if each.at else None,
                "is_own": me.code in each.authors,
            }
        )
    return shown


def _names(codes: set[str]) -> Mapping[str, str]:
    return {person.code: person.name_in(language()) for person in people.list_people_of(codes)}


# --- on the pages of a question ----------------------------------------------------------------


def panel_of(question: Question) -> dict[str, Any] | None:
    """Return what the page of a question tells its reviewer: how many others wait for her, and where the next one is.

    Nothing where the question neither waits for her, nor has just been decided by her, or where nothing else waits.
    """
    if not can(APPROVE_QUESTIONS):
        return None
    is_in_review = question.state == "in_review" or question.submitted_at is not None
    if not is_in_review and request.args.get("reviewed") != "yes":
        return None
    waiting = service.list_waiting_for(actor())
    others = [each for each in waiting if (each.row.bank, each.row.slug) != (question.bank.slug, question.slug)]
    if not others:
        return None
    return {
        "words": ngettext(
            "%(num)d more question waits for a review of this account.",
            "%(num)d more questions wait for a review of this account.",
            len(others),
        ),
        "href": url_for("quizzes.next_review", after=f"{question.bank.slug}/{question.slug}"),
        "list_href": url_for("quizzes.reviews"),
    }


def came_back_words(question: Question) -> dict[str, Any] | None:
    """Return who sent a question back from its review when and why, until it is submitted again; else None."""
    found = service.find_came_back(question)
    if found is None or found.step.by is None:
        return None
    person: Person | None = people.find_person(found.step.by)
    return {
        "title": _(
            "%(person)s sent this back on %(day)s",
            person=person.name_in(language()) if person is not None else found.step.by,
            day=format_date(clock.local_date(found.step.at, actor().time_zone)),
        ),
        "reason": found.step.reason,
        "is_proposal": found.step.of_proposal,
    }
