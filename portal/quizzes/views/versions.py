"""What those who write quizzes see of one: what is in force, who answers for it, what it rests on, and its versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

from flask import render_template, url_for

from portal.accounts import queries as people
from portal.core.access import actor, can, requires
from portal.core.i18n import format_instant, language, ngettext
from portal.core.i18n import gettext as _
from portal.quizzes import queries
from portal.quizzes.models import AttemptState, QuizVersion
from portal.quizzes.permissions import EDIT_QUIZ, RELEASE_RESULTS, SEE_BANKS, SEE_STATISTICS
from portal.quizzes.queries import regrades
from portal.quizzes.service.banks import terms_of_version
from portal.quizzes.service.drawing import banks_of, blueprint_of_terms, is_drawn
from portal.quizzes.service.revising import KIND, ORIGIN_BROWSER
from portal.quizzes.types.base import read
from portal.quizzes.views import blueprint
from portal.quizzes.views.afterwards import kind_words
from portal.quizzes.views.coverage import warnings_of
from portal.quizzes.views.owners import facts_of_owner, owner_href
from portal.quizzes.views.terms import changes


@blueprint.get("/quizzes/<slug>/versions")
@requires(SEE_BANKS, on=queries.get_quiz)
def versions(version: QuizVersion) -> str:
    """List the versions of a quiz, the newest first, each with what it says otherwise than the one before."""
    zone, slug = actor().time_zone, version.quiz.slug
    known = version.quiz.versions
    tolerance = int(queries.tolerance().total_seconds())
    terms = [terms_of_version(each) for each in known]
    found: list[list[Any]] = [[], *(changes(old, new, zone=zone, tolerance=tolerance) for old, new in pairwise(terms))]
    names = {person.code: person.name_in(language()) for person in people.list_people_of({e.created_by for e in known})}
    return render_template(
        "quizzes/versions.html",
        title=str(version.title),
        quiz_href=url_for("quizzes.show", slug=slug),
        edit_href=url_for("quizzes.edit", slug=slug) if can(EDIT_QUIZ, version) else None,
        versions=[
            {
                "number": each.number,
                "is_newest": each is known[-1],
                "is_first": each is known[0],
                "at": format_instant(each.created_at, zone),
                "by": names.get(each.created_by, each.created_by),
                "origin": _("in the browser") if each.origin == ORIGIN_BROWSER else _("from a file"),
                "changes": differences,
            }
            for each, differences in reversed(list(zip(known, found, strict=True)))
        ],
    )


def for_authors(version: QuizVersion, now: datetime) -> dict[str, Any] | None:
    """Return what the page of a quiz shows to those who write quizzes; None for everybody else."""
    if not can(SEE_BANKS, version):
        return None
    slug, zone = version.quiz.slug, actor().time_zone
    ownership = people.find_owner(KIND, slug)
    counts = queries.count_attempts(version.quiz_id)
    by = people.find_person(version.created_by)
    waiting = counts.get(AttemptState.MARKED, 0)
    return {
        "facts": [
            (
                _("In force"),
                _(
                    "Version %(number)s, since %(when)s, by %(name)s",
                    number=version.number,
                    when=format_instant(version.created_at, zone),
                    name=by.name_in(language()) if by is not None else version.created_by,
                ),
            ),
            (_("Open for attempts"), window_words(version, now, zone)),
            *facts_of_owner(ownership),
            (_("Attempts"), attempts_words(counts, queries.count_passed(version.quiz_id))),
        ],
        "warnings": warnings_of(version),
        "rules": _rules(version),
        "lacks_owner": ownership is None or not ownership.owner.is_active,
        "owner_href": owner_href(KIND, slug, version),
        "release": {
            "words": ngettext(
                "%(num)d result waits for its release.", "%(num)d results wait for their release.", waiting
            ),
            "href": url_for("quizzes.release", slug=slug) if can(RELEASE_RESULTS, version) else None,
        }
        if waiting
        else None,
        "coverage_href": url_for("quizzes.coverage", slug=slug),
        "statistics_href": url_for("quizzes.statistics", slug=slug) if can(SEE_STATISTICS, version) else None,
        "versions_href": url_for("quizzes.versions", slug=slug),
        "paper_href": url_for("quizzes.see_paper", slug=slug),
        "edit_href": url_for("quizzes.edit", slug=slug) if can(EDIT_QUIZ, version) else None,
    }


def _rules(version: QuizVersion) -> list[dict[str, str]]:
    """Return the regrades that stand for questions which the quiz draws, or drew until they were taken out."""
    lines = blueprint_of_terms(version.blueprint)
    return [
        {
            "title": read(rule.question_version.content).title.in_(language()),
            "words": kind_words(rule.kind),
            "href": url_for("quizzes.regrade", code=rule.code),
        }
        for rule in regrades.list_standing(banks_of(lines))
        if is_drawn(lines, rule.question_version.question.bank.slug, rule.question_version.question.slug)
    ]


def rows_for_authors(found: Sequence[QuizVersion], now: datetime) -> list[dict[str, Any]]:
    """Return a row of the list of quizzes for each quiz, whomever it is for, in a fixed number of statements."""
    owners = people.find_owners(KIND, [version.quiz.slug for version in found])
    names = {slug: ownership.owner.name_in(language()) for slug, ownership in owners.items()}
    zone = actor().time_zone
    return [
        {
            "title": str(version.title),
            "href": url_for("quizzes.show", slug=version.quiz.slug),
            "slug": version.quiz.slug,
            "number": version.number,
            "window": window_words(version, now, zone),
            "owner": names.get(version.quiz.slug) or _("nobody"),
        }
        for version in found
    ]


def window_words(version: QuizVersion, now: datetime, zone: str) -> str:
    """Say whether a quiz can be started now, and from when or until when."""
    opens, closes = version.opens_at, version.closes_at
    if closes is not None and closes <= now:
        return _("closed since %(when)s", when=format_instant(closes, zone))
    if opens is not None and opens > now:
        first, last = format_instant(opens, zone), format_instant(closes, zone) if closes else ""
        if closes is not None:
            return _("from %(first)s until %(last)s", first=first, last=last)
        return _("from %(first)s", first=first)
    if closes is not None:
        return _("now, until %(last)s", last=format_instant(closes, zone))
    return _("now, without an end")


def attempts_words(counts: Mapping[AttemptState, int], passed: int) -> str:
    """Say how many attempts there are, how many have passed, and how many are running or wait to be marked."""
    all_ = sum(number for state, number in counts.items() if state is not AttemptState.VOIDED)
    if not all_:
        return _("none yet")
    said = [ngettext("%(num)d attempt", "%(num)d attempts", all_)]
    if released := counts.get(AttemptState.RELEASED, 0):
        said.append(_("%(passed)s of %(released)s results passed", passed=passed, released=released))
    if running := counts.get(AttemptState.IN_PROGRESS, 0):
        said.append(_("%(number)s running", number=running))
    if waiting := counts.get(AttemptState.SUBMITTED, 0):
        said.append(_("%(number)s waiting to be marked", number=waiting))
    return _("; ").join(said)
