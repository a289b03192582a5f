"""Putting the weekly report of a cohort together, from what its page is made of, so that their numbers agree."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from portal.accounts.models import Person
from portal.calendars.service.told import uncountable_told
from portal.cohorts.models import Cohort
from portal.core.clock import local_date
from portal.core.i18n import Words, format_date, format_instant, format_percent, language
from portal.core.i18n import gettext as _
from portal.library import queries as library
from portal.organisation import queries as organisation
from portal.reports import rules
from portal.reports.formats.cohort_sheet import (
    Change,
    CheckRow,
    ClauseRow,
    CohortSheet,
    DueRow,
    LeftOutRow,
    NumberRow,
    RiskRow,
)
from portal.reports.formats.words import (
    curve,
    day_words,
    everybody_words,
    figures,
    first_late_words,
    forecast,
    in_force_words,
    listed,
    period_words,
    quiz_titles,
    reason_words,
    rule_in_words,
    since_words,
    waiting_words,
)
from portal.reports.queries import Column, Following, follow
from portal.reports.queries.lead import AtRisk, ClauseFigure, Morning, clause_figures, clause_titles, morning
from portal.reports.queries.weekly import Changes, changes_of, people_of
from portal.reports.rules import Reason, Risk, Standing, Summary, Week
from portal.training.queries.catalogue import task_of


@dataclass(frozen=True, slots=True)
class Read:
    """What a report is made of, read once: it can be told in either language."""

    cohort: Cohort
    following: Following
    morning: Morning
    changes: Changes
    clauses: Sequence[ClauseFigure]
    headings: Mapping[tuple[str, str], Words]
    people: Mapping[int, Person]

    @property
    def standings(self) -> list[Standing]:
        """How far everybody is."""
        return [each.standing for each in self.following.people if each.standing is not None]

    @property
    def summary(self) -> Summary:
        """The numbers over everybody, as the cohort's page has them."""
        return rules.summarise(self.standings)


def read(cohort: Cohort, plan_slug: str | None, week: Week | None = None, *, viewer_id: int) -> Read | None:
    """Read what the report of a cohort in a plan says (default: the plan that most follow); None: nobody follows one.

    `week` is that of which it tells; by default the seven days before today. What the viewer's own quizzes keep from
    her is left out of what is said of herself. Raises `HolidayYearUnknown`.
    """
    following = follow(cohort, plan_slug)
    if following.plan is None:
        return None
    today = local_date(following.as_of, cohort.market.time_zone)
    seen = morning(following, viewer_id=viewer_id)
    changes = changes_of(cohort, following, week or rules.week_before(today), viewer_id=viewer_id)
    clauses = clause_figures(following, viewer_id=viewer_id)
    named: set[int] = {each.follower.person_id for each in seen.at_risk}
    named |= changes.completed | changes.joined | changes.left | changes.became_overdue.keys() | changes.passed.keys()
    return Read(
        cohort=cohort,
        following=following,
        morning=seen,
        changes=changes,
        clauses=clauses,
        headings=clause_titles({(each.document, each.anchor) for each in clauses}),
        people=people_of(named),
    )


def told(found: Read) -> CohortSheet:
    """Tell the report in the present language."""
    here, cohort, following, seen = language(), found.cohort, found.following, found.morning
    zone = cohort.market.time_zone
    today, this_year = local_date(following.as_of, zone), following.as_of.year
    titles, plan = quiz_titles(following), following.plan
    assert plan is not None

    def day(on: date) -> str:
        return day_words(on, here, this_year)

    # Nobody is ranked: by name, not by how much somebody is late.
    at_risk = sorted(
        (each for each in seen.at_risk if each.follower.person_id in found.people),
        key=lambda each: (found.people[each.follower.person_id].sort_key, each.follower.person_id),
    )
    columns = {each.slug: each for each in following.columns}
    documents = library.list_document_titles({each.document for each in found.clauses}, here)
    numbers = figures(found.summary, following, seen)
    versions = _versions(following)
    return CohortSheet(
        language=here,
        organisation=organisation.name().in_(here),
        cohort=str(cohort.name),
        place=listed(str(cohort.market.name), *([str(cohort.team.name)] if cohort.team else [])),
        plan=_("%(plan)s, version %(number)s", plan=str(plan.title), number=versions),
        as_of=format_instant(following.as_of, zone),
        at=following.as_of,
        zone=zone,
        week=period_words(format_date(found.changes.week.first), format_date(found.changes.week.last)),
        first=found.changes.week.first,
        last=found.changes.week.last,
        people=len(following.people),
        changes=_changes(found, titles),
        at_risk=[
            RiskRow(
                name=found.people[each.follower.person_id].name_in(here),
                kana=found.people[each.follower.person_id].full_kana if here == "ja" else "",
                reasons=[_reason(reason, each, titles, columns, day) for reason in each.reasons],
            )
            for each in at_risk
        ],
        rule=" ".join(
            [
                _(
                    "At risk is who has not completed the plan and has: %(reasons)s.",
                    reasons=_(" or ").join(rule_in_words(seen.rule)),
                ),
                in_force_words(seen.in_force, zone),
            ]
        ),
        numbers=[
            NumberRow(
                each.label,
                f"{each.number} {each.unit}" if each.unit else each.number,
                each.formula,
                each.group,
                each.list_of,
                each.parts,
                each.counts,
            )
            for each in numbers
        ],
        everybody=everybody_words(len(following.uncountable)),
        curve=curve(seen, today, day),
        forecast=forecast(seen, len(following.people), today),
        checks=[
            CheckRow(
                each.slug,
                titles.get(each.slug, each.slug),
                len(each.passed),
                len(each.tried),
                format_percent(each.share, 0) if each.share is not None else "–",
                each.share,
            )
            for each in seen.checks
        ],
        clauses=[_clause(each, found, documents) for each in found.clauses],
        due=[
            DueRow(
                slug=each.step,
                step=str(task_of(columns[each.step].kind, columns[each.step].title)),
                when=day(each.first) if each.first == each.last else period_words(day(each.first), day(each.last)),
                people=len(each.people),
                first=each.first,
                last=each.last,
            )
            for each in found.changes.due_next
            if each.step in columns
        ],
        left_out=[
            LeftOutRow(
                name=each.person.name_in(here),
                kana=each.person.full_kana if here == "ja" else "",
                code=each.code,
                why=uncountable_told(each.country, each.year),
            )
            for each in following.left_out
        ],
    )


def _reason(
    reason: Reason, each: AtRisk, titles: Mapping[str, str], columns: Mapping[str, Column], day: Callable[[date], str]
) -> str:
    said = _(
        "%(reason)s, %(since)s", reason=reason_words(reason, each.follower, titles), since=since_words(reason, day)
    )
    if reason.risk is Risk.OVERDUE and (first := first_late_words(each.follower, columns)):
        return _("%(name)s (%(what)s)", name=said, what=first)
    if step := waiting_words(reason, columns):
        return _("%(name)s (%(what)s)", name=said, what=step)
    return said


def _versions(following: Following) -> str:
    return ", ".join(version.number for version in following.versions.values())


def _changes(found: Read, titles: Mapping[str, str]) -> list[Change]:
    changes, columns = found.changes, {each.slug: each for each in found.following.columns}
    comma = "、" if language() == "ja" else ", "

    def with_what(names: Mapping[int, Sequence[str]], words: Mapping[str, str]) -> list[str]:
        return [
            _(
                "%(name)s (%(what)s)",
                name=person.name_in(language()),
                what=comma.join(words.get(each, each) for each in names[person.id]),
            )
            for person in _by_name(names, found.people)
        ]

    def change(list_of: str, label: str, ids: Collection[int], names: Sequence[str] | None = None) -> Change:
        plain = _names(ids, found.people)
        return Change(list_of, label, len(ids), plain if names is None else names, plain)

    steps = {slug: str(column.title) for slug, column in columns.items()}
    late = changes.became_overdue
    counted = [
        _("%(name)s (%(what)s)", name=person.name_in(language()), what=len(late[person.id]))
        for person in _by_name(late, found.people)
    ]
    return [
        change("week-completed", _("Completed the plan"), changes.completed),
        change("week-passed", _("Passed a check"), changes.passed, with_what(changes.passed, titles)),
        Change("week-overdue", _("Became overdue and still are"), len(late), with_what(late, steps), counted),
        change("week-joined", _("Joined the cohort"), changes.joined),
        change("week-left", _("Left the cohort"), changes.left),
        Change("week-steps", _("Required steps done"), changes.steps_done, (), ()),
    ]


def _by_name(ids: Collection[int], people: Mapping[int, Person]) -> list[Person]:
    return sorted((people[each] for each in ids if each in people), key=lambda person: (person.sort_key, person.id))


def _names(ids: Collection[int], people: Mapping[int, Person]) -> list[str]:
    return [person.name_in(language()) for person in _by_name(ids, people)]


def _clause(each: ClauseFigure, found: Read, documents: Mapping[str, str]) -> ClauseRow:
    title = found.headings.get((each.document, each.anchor))
    return ClauseRow(
        slug=each.document,
        anchor=each.anchor,
        title=str(title) if title is not None and str(title) else f"#{each.anchor}",
        document=documents.get(each.document, each.document),
        missed=each.missed.missed,
        asked=each.missed.asked,
        share=format_percent(each.missed.share, 0) if each.missed.share is not None else "–",
        points_at_policy=each.missed.points_at_policy,
        share_of_one=each.missed.share,
    )
