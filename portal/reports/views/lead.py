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
from portal.core.access import actor, can
from portal.core.i18n import format_instant, format_percent, language
from portal.core.i18n import gettext as _
from portal.gradebook.queries import table as gradebook
from portal.quizzes import queries as quizzes
from portal.quizzes.models import AttemptState
from portal.reports.formats.words import (
    everybody_words,
    expiry_words,
    figures,
    first_late_slug,
    first_late_words,
    quiz_titles,
    reason_words,
    since_words,
    waiting_words,
)
from portal.reports.permissions import ACT_FOR_COHORT, SEE_TO_STEPS, TALK_WITH_LEARNERS
from portal.reports.queries import CohortReport, Column, Follower, Following
from portal.reports.queries.lead import EXPIRY_DAYS, AtRisk, Check, Morning, list_phases, people_named
from portal.reports.rules import Risk
from portal.training import rules as steps_rules
from portal.training.permissions import RUN_SESSION
from portal.training.queries import live_sessions
from portal.training.queries.step_results import Seat
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
        groups[f"expiring-{days}"] = _Group(expiry_words(days), seen.expiring[days], is_offered=days == EXPIRY_DAYS[-1])
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
    titles, plan = quiz_titles(following), following.plan.slug if following.plan else ""
    columns = {each.slug: each for each in following.columns}
    may = _Allowed.to(found, plan, seen.at_risk)
    may_talk = can(TALK_WITH_LEARNERS, found)
    rows = []
    for each in seen.at_risk:
        slug = first_late_slug(each.follower)
        seat = each.follower.seats.get(slug or "")
        person = following.persons[each.follower.person_id]
        is_other = person.id != viewer_id
        actions = _actions(each, person, titles, columns, may) if is_other else []
        if may_talk and is_other and not person.is_invited:
            talk = url_for("mentoring.agenda", code=each.follower.code)
            actions.append({"label": _("Next one-to-one"), "href": talk})
        rows.append(
            {
                "name": person.name_in(language()),
                "kana": person.full_kana if language() == "ja" else "",
                "href": url_for("training.path", code=each.follower.code),
                "reasons": [
                    {
                        "what": reason_words(reason, each.follower, titles),
                        "more": first_late_words(each.follower, columns, day(seat.on) if seat is not None else "")
                        if reason.risk is Risk.OVERDUE
                        else waiting_words(reason, columns),
                        "since": since_words(reason, day),
                    }
                    for reason in each.reasons
                ],
                "actions": actions,
            }
        )
    return rows


@dataclass(frozen=True, slots=True)
class _Allowed:
    """Which of the pages the viewer opens to which the red list leads: nothing else is offered."""

    cohort: str
    plan: str
    # More time, leave, a pause.
    to_act: bool
    # What waits for a word, and where sessions are planned.
    to_see_to_steps: bool
    # Sessions, by their codes, that she may open.
    sessions: Collection[str]
    # Whose results she may see, by their row numbers; and the quizzes of which she may see everybody's.
    people: Collection[int]
    quizzes: Collection[str]

    @classmethod
    def to(cls, found: Cohort, plan: str, at_risk: Sequence[AtRisk]) -> _Allowed:
        """Return what the viewer may; for everybody at once."""
        codes = {each.follower.seats[slug].code for each in at_risk for slug in _over(each.follower)}
        planned = live_sessions.list_sessions_by_code(codes) if codes else []
        tried = {
            each.follower.person_id
            for each in at_risk
            if any(reason.risk is Risk.FAILED_TRIES for reason in each.reasons)
        }
        people = gradebook.people_seen_by(actor(), tried) if tried else set()
        return cls(
            cohort=found.code,
            plan=plan,
            to_act=can(ACT_FOR_COHORT, found),
            to_see_to_steps=can(SEE_TO_STEPS, found),
            sessions={each.code for each in planned if can(RUN_SESSION, each)},
            people=people,
            # Asked only where somebody is out of her reach: most lead all whom they see here.
            quizzes=gradebook.sight_of(actor()).owned if tried - people else (),
        )

    def sees_result(self, person: Person, quiz: str) -> bool:
        """Say whether the page of the person's result in a quiz opens for the viewer."""
        return person.id in self.people or quiz in self.quizzes

    def open_meeting(self, seat: Seat) -> list[dict[str, str]]:
        """Return where it is recorded who came to a session."""
        href = url_for("training.session", code=seat.code)
        return [{"label": _("Open the session"), "href": href}] if seat.code in self.sessions else []

    def plan_meeting(self, slug: str) -> list[dict[str, str]]:
        """Return where the session of a step is planned for those of the cohort who need it."""
        href = url_for("training.plan_session", plan=self.plan, slug=slug, cohort=self.cohort)
        return [{"label": _("Plan a session"), "href": href}] if self.to_see_to_steps else []


def _over(follower: Follower) -> list[str]:
    """Return the overdue steps whose session is over without anybody having said whether she came."""
    return [slug for _on, slug in follower.late if slug in follower.seats]


def _actions(
    each: AtRisk,
    person: Person,
    titles: dict[str, str],
    columns: dict[str, Column],
    may: _Allowed,
) -> list[dict[str, str]]:
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
                state, _missing = steps_rules.state_of(
                    shapes[slug],
                    shapes,
                    follower.done,
                    exempt=follower.path.exempt,
                    aside=follower.path.basis.aside,
                )
                if state is StepState.WAITING and slug in columns:
                    if columns[slug].kind is StepKind.SESSION and slug not in follower.seats:
                        found += may.plan_meeting(slug)
                    elif columns[slug].kind is not StepKind.SESSION and may.to_see_to_steps:
                        found.append(_word_of(columns[slug], follower))
                found += [act for over in _over(follower) for act in may.open_meeting(follower.seats[over])]
                if may.to_act:
                    href = url_for("training.extension", code=follower.code, slug=slug)
                    found.append({"label": _("Give more time"), "href": href})
            case Risk.FAILED_TRIES if may.to_act and may.sees_result(person, reason.quiz or ""):
                href = url_for("gradebook.result", slug=reason.quiz, code=person.code)
                found.append({"label": _("See the tries"), "href": href, "note": titles.get(reason.quiz or "", "")})
            case Risk.IDLE if may.to_act:
                found.append({"label": _("Record leave"), "href": url_for("training.leave", code=follower.code)})
                found.append({"label": _("Pause the plan"), "href": url_for("training.pause", code=follower.code)})
            case Risk.INVITED if may.to_act:
                href = url_for("training.invitation", code=follower.code)
                found.append({"label": _("Send the invitation again"), "href": href})
            case Risk.SIGN_OFF if may.to_see_to_steps:
                found.append(_word_of(columns[reason.step or ""], follower))
    # What is overdue may be what waits.
    return [act for place, act in enumerate(found) if act not in found[:place]]


def _word_of(column: Column, follower: Follower) -> dict[str, str]:
    """Return where a step is ended that waits for somebody else."""
    match column.kind:
        case StepKind.SIGN_OFF:
            label = _("Sign off")
        case _:
            label = _("Open the step")
    return {"label": label, "href": url_for("training.sign_off", code=follower.code, slug=column.slug)}


# --- Numbers -----------------------------------------------------------------------------------


def numbers(found: Cohort, report: CohortReport, following: Following, seen: Morning) -> list[dict[str, Any]]:
    """Return every number of the page with its formula and the address of its people."""
    slug, everybody = following.plan.slug if following.plan else None, everybody_words(len(following.uncountable))
    return [
        {
            "label": each.label,
            "number": each.number,
            "unit": each.unit,
            "formula": each.formula,
            "population": everybody,
            "tone": "danger" if each.is_alarming else None,
            "href": href_of(found, slug, each.group, each.list_of),
            "parts": [(label, number, href_of(found, slug, group)) for label, number, group in each.parts],
        }
        for each in figures(report.summary, following, seen)
    ]


def href_of(found: Cohort, plan: str | None, group: str | None, list_of: str | None = None) -> str | None:
    """Return where the people of a number stand, or the list of what was counted; None: there is nothing behind it."""
    if group is not None:
        return url_for("reports.cohort", code=found.code, plan=plan, people=group, _anchor="people")
    if list_of is not None:
        return url_for("reports.cohort_number", code=found.code, name=list_of, plan=plan)
    return None


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
            "href": href_of(found, slug, f"first-{check.slug}"),
            **first_try_hrefs(found, slug, check.slug, passed=len(check.passed), tried=len(check.tried)),
        }
        for check in checks
    ]


def first_try_hrefs(found: Cohort, plan: str | None, quiz: str, *, passed: int, tried: int) -> dict[str, str | None]:
    """Return where those stand who have a result of a first try, and those of them who passed."""

    def href(name: str) -> str:
        return url_for("reports.cohort_number", code=found.code, name=name, quiz=quiz, plan=plan)

    return {
        "passed_href": href("first-passed") if passed else None,
        "tried_href": href("first-tried") if tried else None,
    }


def clause_hrefs(found: Cohort, plan: str | None, document: str, clause: str, *, missed: int) -> dict[str, str | None]:
    """Return where those stand who were asked about a clause at their first tries, and those of them who missed it."""

    def href(name: str) -> str:
        return url_for("reports.cohort_number", code=found.code, name=name, document=document, clause=clause, plan=plan)

    return {"missed_href": href("clause-missed") if missed else None, "asked_href": href("clause-asked")}


_STATES: dict[AttemptState, str] = {
    AttemptState.IN_PROGRESS: "in_progress",
    AttemptState.SUBMITTED: "submitted",
    AttemptState.MARKED: "not_released",
    AttemptState.RELEASED: "done",
}


def sittings(following: Following, seen: Morning, limit: int | None = SITTINGS_AT_ONCE) -> list[dict[str, str]]:
    """Return today's attempts, the latest first, at most `limit`."""
    zones = {each.person_id: each.path.zone for each in following.people if each.path is not None}
    titles = quiz_titles(following)
    shown = seen.sittings[:limit]
    # What somebody sits may be in no plan of the cohort.
    if others := {each.quiz for each in shown} - set(titles):
        titles |= {version.quiz.slug: str(version.title) for version in quizzes.list_quizzes_of(others)}
    return [
        {
            "name": following.persons[each.person_id].name_in(language()),
            "quiz": titles.get(each.quiz, each.quiz),
            "state": _STATES.get(each.state, "info"),
            "began": format_instant(each.started_at, zones[each.person_id]),
        }
        for each in shown
    ]
