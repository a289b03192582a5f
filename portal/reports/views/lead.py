"""What the cohort's page says before its table: who needs the lead, every number with its people, and the curve."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from flask import url_for
from werkzeug.datastructures import MultiDict

from portal.accounts.models import Person
from portal.cohorts.models import Cohort
from portal.core.access import can
from portal.core.i18n import format_instant, format_percent, language, ngettext
from portal.core.i18n import gettext as _
from portal.quizzes.models import AttemptState
from portal.reports.formats.words import (
    everybody_words,
    figures,
    first_late_slug,
    first_late_words,
    quiz_titles,
    reason_words,
    since_words,
)
from portal.reports.permissions import ACT_FOR_COHORT, TALK_WITH_LEARNERS
from portal.reports.queries import CohortReport, Column, Follower, Following
from portal.reports.queries.lead import EXPIRY_DAYS, AtRisk, Check, Morning, list_phases, people_named
from portal.reports.rules import Risk
from portal.training import rules as steps_rules
from portal.training.rules import StepKind, StepState

# The page begins with so many; the rest is one press away.
AT_RISK_AT_ONCE, SITTINGS_AT_ONCE = 10, 10


@dataclass(frozen=True, slots=True)
class Narrowed:
    """What a filter leaves of a cohort: the people, the steps, and the form that says so."""

    following: Following
    people: Sequence[Follower]
    filters: dict[str, Any]
    # What an address of this page has to say besides the page's number.
    kept: dict[str, str]


def narrowed(found: Cohort, following: Following, seen: Morning, args: MultiDict[str, str]) -> Narrowed:
    """Return what the address asks for; what it cannot mean leaves everything."""
    groups = _groups(following, seen)
    wanted, phase, text = args.get("people", ""), args.get("phase", ""), args.get("q", "").strip()
    people = list(following.people)
    if wanted in groups:
        among = groups[wanted].people
        people = [each for each in people if each.person_id in among]
    else:
        wanted = ""
    if text:
        named = people_named(text, [following.persons[each.person_id] for each in people])
        people = [each for each in people if each.person_id in named]
    newest = max(following.versions, default=None)
    phases = list_phases(following.versions[newest]) if newest is not None else ()
    if phase in {slug for slug, _title in phases}:
        following = replace(following, columns=[each for each in following.columns if each.phase == phase])
    else:
        phase = ""
    kept = {"plan": following.plan.slug if following.plan else "", "people": wanted, "phase": phase, "q": text}
    return Narrowed(
        following,
        people,
        {
            "q": text,
            "plan": kept["plan"],
            "people": [
                {"value": key, "label": group.label, "selected": key == wanted}
                for key, group in groups.items()
                if group.is_offered or key == wanted
            ],
            "phases": [{"value": slug, "label": str(title), "selected": slug == phase} for slug, title in phases],
            "is_unknown": (wanted, phase) != (args.get("people", ""), args.get("phase", "")),
            "is_narrowed": bool(wanted or phase or text),
            "said": groups[wanted].label if wanted else "",
            "count": len(people),
            "all_href": url_for("reports.cohort", code=found.code, plan=kept["plan"] or None, _anchor="people"),
        },
        {key: value for key, value in kept.items() if value},
    )


@dataclass(frozen=True, slots=True)
class _Group:
    label: str
    people: Collection[int]
    # Whether it stands in the filter by itself, or only where a number leads to it.
    is_offered: bool = True


def _groups(following: Following, seen: Morning) -> dict[str, _Group]:
    """Return the people behind each number, by the word under which an address names them."""

    def those(keep: Callable[[Follower], bool]) -> frozenset[int]:
        return frozenset(each.person_id for each in following.people if keep(each))

    late = those(lambda each: bool(each.standing and each.standing.progress.overdue))
    complete = those(lambda each: each.completed_at is not None)
    titles = quiz_titles(following)
    groups = {
        "at-risk": _Group(_("At risk"), {each.follower.person_id for each in seen.at_risk}),
        "overdue": _Group(_("With overdue steps"), late),
        "on-track": _Group(_("Nothing overdue, not completed"), those(lambda each: True) - late - complete),
        "completed": _Group(_("Completed"), complete),
        "away": _Group(_("Away today"), seen.away),
        "tried-today": _Group(_("With an attempt today"), {each.person_id for each in seen.sittings}),
        "unconfirmed": _Group(_("Asked to confirm something"), seen.coverage.missing),
    }
    for days in EXPIRY_DAYS:
        label = ngettext("Certificate expires within %(num)d day", "Certificate expires within %(num)d days", days)
        groups[f"expiring-{days}"] = _Group(label, seen.expiring[days], is_offered=days == EXPIRY_DAYS[-1])
    for check in seen.checks:
        label = _("Did not pass “%(quiz)s” at the first try", quiz=titles.get(check.slug, check.slug))
        groups[f"first-{check.slug}"] = _Group(label, check.tried - check.passed, is_offered=False)
    return groups


# --- The red list ------------------------------------------------------------------------------


def red_list(
    found: Cohort,
    following: Following,
    seen: Morning,
    day: Callable[[date], str],
    *,
    viewer_id: int,
) -> list[dict[str, Any]]:
    """Return who is at risk as the page tells it: name, reasons, since when, and what to do now."""
    may_act, may_talk = can(ACT_FOR_COHORT, found), can(TALK_WITH_LEARNERS, found)

    titles = quiz_titles(following)
    columns = {each.slug: each for each in following.columns}
    rows = []
    for each in seen.at_risk:
        person = following.persons[each.follower.person_id]
        is_other = person.id != viewer_id
        actions = _actions(each, person, titles, columns) if may_act and is_other else []
        if may_talk and is_other:
            talk = url_for("mentoring.agenda", code=each.follower.code)
            actions.append({"label": _("Next one-to-one"), "href": talk})
        rows.append(
            {
                "name": person.name_in(language()),
                "kana": person.full_kana if language() == "ja" else "",
                "href": url_for("training.path", code=each.follower.code),
                "reasons": [
                    {
                        "what": reason_words(reason, titles),
                        "more": first_late_words(each.follower, columns) if reason.risk is Risk.OVERDUE else "",
                        "since": since_words(reason, day),
                    }
                    for reason in each.reasons
                ],
                "actions": actions,
            }
        )
    return rows


def _actions(each: AtRisk, person: Person, titles: dict[str, str], columns: dict[str, Column]) -> list[dict[str, str]]:
    """Return what can be done about the reasons, each leading to the page that does it; the first is the nearest."""
    follower, found = each.follower, []
    assert follower.path is not None
    for reason in each.reasons:
        match reason.risk:
            case Risk.OVERDUE:
                slug = first_late_slug(follower)
                shapes = {shape.slug: shape for shape in follower.path.shapes}
                if slug is None:
                    continue
                state, _missing = steps_rules.state_of(shapes[slug], shapes, follower.done, exempt=follower.path.exempt)
                if state is StepState.WAITING and slug in columns:
                    found.append(_word_of(columns[slug], follower))
                href = url_for("training.extension", code=follower.code, slug=slug)
                found.append({"label": _("Give more time"), "href": href})
            case Risk.FAILED_TRIES:
                href = url_for("gradebook.result", slug=reason.quiz, code=person.code)
                found.append({"label": _("See the tries"), "href": href, "note": titles.get(reason.quiz or "", "")})
            case Risk.IDLE:
                found.append({"label": _("Record leave"), "href": url_for("training.leave", code=follower.code)})
                found.append({"label": _("Pause the plan"), "href": url_for("training.pause", code=follower.code)})
    return found


def _word_of(column: Column, follower: Follower) -> dict[str, str]:
    """Return where a step is ended that waits for somebody else."""
    match column.kind:
        case StepKind.SESSION:
            return {"label": _("Sessions"), "href": url_for("training.list_sessions")}
        case StepKind.SIGN_OFF:
            label = _("Sign off")
        case _:
            label = _("Open the step")
    return {"label": label, "href": url_for("training.sign_off", code=follower.code, slug=column.slug)}


# --- Numbers -----------------------------------------------------------------------------------


def numbers(found: Cohort, report: CohortReport, following: Following, seen: Morning) -> list[dict[str, Any]]:
    """Return every number of the page with its formula and the address of its people."""
    slug, everybody = following.plan.slug if following.plan else None, everybody_words()
    return [
        {
            "label": each.label,
            "number": each.number,
            "unit": each.unit,
            "formula": each.formula,
            "population": everybody,
            "tone": "danger" if each.is_alarming else None,
            "href": url_for("reports.cohort", code=found.code, plan=slug, people=each.group, _anchor="people")
            if each.group
            else None,
        }
        for each in figures(report.summary, following, seen)
    ]


def first_tries(found: Cohort, following: Following, checks: Sequence[Check]) -> list[dict[str, Any]]:
    """Return the quizzes of the plan with how their first tries went, in the order of the plan."""
    titles, slug = quiz_titles(following), following.plan.slug if following.plan else None
    return [
        {
            "title": titles.get(check.slug, check.slug),
            "passed": len(check.passed),
            "tried": len(check.tried),
            "share": format_percent(check.share, 0) if check.share is not None else "–",
            "others": len(check.tried) - len(check.passed),
            "href": url_for(
                "reports.cohort", code=found.code, plan=slug, people=f"first-{check.slug}", _anchor="people"
            ),
        }
        for check in checks
    ]


_STATES: dict[AttemptState, str] = {
    AttemptState.IN_PROGRESS: "in_progress",
    AttemptState.SUBMITTED: "submitted",
    AttemptState.MARKED: "not_released",
    AttemptState.RELEASED: "done",
}


def sittings(following: Following, seen: Morning) -> list[dict[str, str]]:
    """Return today's attempts, the latest first, at most `SITTINGS_AT_ONCE`."""
    zones = {each.person_id: each.path.zone for each in following.people if each.path is not None}
    titles = quiz_titles(following)
    return [
        {
            "name": following.persons[each.person_id].name_in(language()),
            "quiz": titles.get(each.quiz, each.quiz),
            "state": _STATES.get(each.state, "info"),
            "began": format_instant(each.started_at, zones[each.person_id]),
        }
        for each in seen.sittings[:SITTINGS_AT_ONCE]
    ]
