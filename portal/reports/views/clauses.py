"""Which clauses a cohort missed at its first tries: what many miss points at the policy, not at the people."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import render_template, request, url_for

from portal.acknowledgements.permissions import ACKNOWLEDGE
from portal.cohorts import queries as cohorts
from portal.cohorts.models import Cohort
from portal.cohorts.permissions import SEE_COHORT
from portal.core.access import actor, allows, requires
from portal.core.clock import local_date
from portal.core.i18n import Words, format_date, format_instant, format_percent, language
from portal.core.i18n import gettext as _
from portal.library import queries as library
from portal.library.permissions import READ_DOCUMENT
from portal.quizzes import queries as quizzes
from portal.quizzes.permissions import SEE_BANKS
from portal.reports.queries import follow
from portal.reports.queries.lead import ClauseFigure, clause_figures, clause_titles
from portal.reports.rules import LEAST_FOR_CLAUSE, MISSED_BY_MANY
from portal.reports.views import blueprint, lead
from portal.reports.views.asked import refuse_another_plan

# In how many shades a share is told, the number beside it.
SHADES = 5


@blueprint.get("/cohorts/<code>/clauses")
@requires(SEE_COHORT, on=cohorts.get_cohort)
def cohort_clauses(found: Cohort) -> str:
    """Show how often each clause was missed at the first tries of the cohort's people."""
    following = follow(found, request.args.get("plan"))
    plan = following.plan.slug if following.plan else None
    # First attempts count from each person's enrollment on.
    since = local_date(
        min((each.enrolled_at for each in following.everybody), default=following.as_of), found.market.time_zone
    )
    refuse_another_plan(plan)
    figures = clause_figures(following, viewer_id=actor().id)
    titles = clause_titles({(each.document, each.anchor) for each in figures})
    documents = library.list_document_titles({each.document for each in figures}, language())
    flagged = {each.document for each in figures if each.missed.points_at_policy}
    asked = {slug: _ways(slug) for slug in flagged}
    return render_template(
        "reports/clauses.html",
        cohort=str(found.name),
        back=url_for("reports.cohort", code=found.code, plan=plan),
        plan=str(following.plan.title) if following.plan else None,
        as_of=format_instant(following.as_of, found.market.time_zone),
        least=LEAST_FOR_CLAUSE,
        many=format_percent(MISSED_BY_MANY, 0),
        rows=[
            _row(each, since, titles, documents, asked.get(each.document, {}))
            | lead.clause_hrefs(found, plan, each.document, each.anchor, missed=each.missed.missed)
            for each in figures
        ],
        flagged=sum(each.missed.points_at_policy for each in figures),
    )


def _row(
    each: ClauseFigure,
    since: date,
    titles: dict[tuple[str, str], Words],
    documents: dict[str, str],
    ways: dict[str, Any],
) -> dict[str, Any]:
    share = each.missed.share
    assert share is not None
    title = titles.get((each.document, each.anchor))
    points = each.missed.points_at_policy
    return {
        "title": str(title) if title is not None and str(title) else f"#{each.anchor}",
        "document": documents.get(each.document, each.document),
        "href": url_for("library.read", slug=each.document, _anchor=each.anchor),
        "asked": each.missed.asked,
        "missed": each.missed.missed,
        "share": format_percent(share, 0),
        "shade": min(SHADES, int(share * SHADES) + 1),
        "points_at_policy": points,
        "ask_href": url_for(
            "acknowledgements.ask_question",
            slug=each.document,
            clause=each.anchor,
            # The words that are brought along are in the reader's language, and so is their page.
            about=_question(each, since),
            lang=language(),
        )
        if points and ways.get("may_ask")
        else None,
        "questions": [
            {"label": bank, "href": url_for("quizzes.bank", slug=bank, clause=f"{each.document}#{each.anchor}")}
            for bank in (ways.get("banks", []) if points else [])
        ],
    }


def _question(each: ClauseFigure, since: date) -> str:
    """Return the figures as the beginning of a question to whoever answers for the document; nobody is named."""
    missed, asked, share = each.missed.missed, each.missed.asked, each.missed.share
    assert share is not None
    return _(
        "%(missed)s of %(asked)s people (%(share)s) missed this clause at their first attempt since %(date)s. Is its "
        "text clear, and do its questions ask for what it says?",
        missed=missed,
        asked=asked,
        share=format_percent(share, 0),
        date=format_date(since),
    )


def _ways(slug: str) -> dict[str, Any]:
    """Return what the reader can do about a clause of a document that many missed."""
    document = library.find_document(slug)
    may_ask = (
        document is not None and allows(actor(), READ_DOCUMENT, document) and allows(actor(), ACKNOWLEDGE, document)
    )
    return {
        "may_ask": may_ask,
        "banks": quizzes.list_banks_that_test(slug) if allows(actor(), SEE_BANKS) else [],
    }
