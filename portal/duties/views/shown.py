"""What pages show of recurring tasks and of who answers for what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from flask import url_for

from portal.accounts import queries as accounts
from portal.accounts.models import Ownership, Person
from portal.calendars.service.told import days_told
from portal.core import clock
from portal.core.access import actor, can
from portal.core.i18n import format_date, format_instant, format_minutes, language, pgettext
from portal.core.i18n import gettext as _
from portal.duties.models import RecurringTask, RecurringTaskRun, RecurringTaskTerms, ThingCriticality
from portal.duties.permissions import SEE_RESPONSIBILITIES_OF, Answered, KnownTask, may_read_card
from portal.duties.queries import tasks
from portal.duties.queries.cards import CARD_KIND
from portal.duties.rules import RunOutcome
from portal.duties.rules.recurring import DueDay, Standing, Terms
from portal.duties.service.criticality import CRITICALITY_NAMES
from portal.duties.service.fulfilling import fulfilling_of
from portal.duties.service.responsibilities import lacks_deputy, lacks_owner, orphans_accepted
from portal.duties.service.telling import late_words, outcome_words, rhythm_words, why_told
from portal.library import queries as library
from portal.library.permissions import READ_DOCUMENT
from portal.library.queries import find_clause


def owner_name(person: Person | None) -> str:
    """Name who answers for something; an account that is not active any more is said."""
    if person is None:
        return "–"
    name = person.name_in(language())
    return name if person.is_active else str(_("%(name)s (deactivated)", name=name))


def place_words(terms: RecurringTaskTerms) -> str:
    """Name the market of a task, with its team where it is one's."""
    market = str(terms.market.name)
    return f"{market} · {terms.team.name}" if terms.team is not None else market


def look_of(task: RecurringTask, standing: Standing | None) -> str:
    """Return how a task stands, as a chip shows it."""
    if task.ended_at is not None or standing is None:
        return "ended"
    if standing.overdue:
        return "overdue"
    return "due" if standing.today else "done"


def look_word(look: str) -> str | None:
    """Return what a chip says of a task where that is not what the state is called anyway."""
    return pgettext("tasks", "Up to date") if look == "done" else None


def day_row(day: DueDay, terms: Terms) -> dict[str, Any]:
    """Return a day on which a task falls due, with how it came about."""
    return {
        "iso": day.on.isoformat(),
        "date": format_date(day.on),
        "why": why_told(day, terms),
        "days": days_told(day.derivation),
    }


def terms_on(task: RecurringTask, on: date) -> Terms:
    """Return the terms that hold on a day."""
    for each in reversed(task.terms):
        if each.starts_on <= on:
            return tasks.shape_of(each)
    return tasks.shape_of(task.latest)


def procedure_of(terms: RecurringTaskTerms) -> dict[str, Any] | None:
    """Return the document that says how a task is done, with its version in force and the clause, or None."""
    if terms.procedure_slug is None:
        return None
    document = library.find_document(terms.procedure_slug)
    version = library.version_in_force(document, terms.market.code) if document is not None else None
    shown = version or (library.version_to_read(document) if document is not None else None)
    if document is None or shown is None:
        return {"title": terms.procedure_slug, "href": None, "version": "", "clause": "", "is_missing": True}
    if not can(READ_DOCUMENT, shown.document):
        return {"title": terms.procedure_slug, "href": None, "version": "", "clause": "", "is_missing": False}
    titles = library.list_titles([shown.id], language())
    clause, is_missing = "", False
    if terms.procedure_clause is not None:
        headings = library.clause_headings(shown, language())
        is_missing = find_clause(shown, terms.procedure_clause) is None
        clause = headings.get(terms.procedure_clause, "") or terms.procedure_clause
    return {
        "title": titles.get(shown.id, terms.procedure_slug),
        "href": url_for(
            "library.read",
            slug=terms.procedure_slug,
            _anchor=terms.procedure_clause if terms.procedure_clause and not is_missing else None,
        ),
        "version": shown.number,
        "clause": clause,
        "is_missing": is_missing or version is None,
    }


def facts_of(terms: RecurringTaskTerms, owned: Ownership | None) -> list[tuple[str, str | None]]:
    """Return what terms say, as term and value."""
    return [
        (_("Rhythm"), rhythm_words(tasks.shape_of(terms))),
        (_("In force from"), format_date(terms.starts_on)),
        (_("Market or team"), place_words(terms)),
        (_("Takes"), format_minutes(terms.minutes) if terms.minutes else None),
        (_("Owner"), owner_name(owned.owner) if owned else None),
        (_("Deputy"), owner_name(owned.deputy) if owned and owned.deputy else _("nobody")),
    ]


def run_row(task: RecurringTask, run: RecurringTaskRun, names: Mapping[str, Person], zone: str) -> dict[str, Any]:
    """Return what became of a day."""
    by = names.get(run.recorded_by)
    taker = names.get(run.taken_back_by or "")
    fulfilling = fulfilling_of(task.fulfilled_by)
    return {
        "due": format_date(run.due_on, "short"),
        "look": "ended" if run.taken_back_at else ("done" if run.outcome is RunOutcome.DONE else "exempt"),
        "word": _("Taken back") if run.taken_back_at else _outcome(run),
        "who": outcome_words(run) if run.outcome is RunOutcome.DONE else "",
        "done": format_date(run.done_on, "short") if run.done_on else "–",
        "late": late_words(run),
        "fulfilled_href": url_for(fulfilling.shown_at, code=run.fulfilled_with)
        if fulfilling is not None and run.fulfilled_with is not None
        else None,
        "fulfilled": str(fulfilling.show) if fulfilling is not None else "",
        "note": run.note,
        "by": by.name_in(language()) if by else run.recorded_by,
        "at": format_date(clock.local_date(run.recorded_at, zone), "short"),
        "code": run.code,
        "is_taken_back": run.taken_back_at is not None,
        "taken_back": _(
            "Taken back by %(name)s: %(reason)s",
            name=taker.name_in(language()) if taker else run.taken_back_by,
            reason=run.taken_back_reason,
        )
        if run.taken_back_at
        else None,
        "back_href": url_for("duties.take_back_run", code=task.code, run=run.code),
    }


def _outcome(run: RecurringTaskRun) -> str:
    return pgettext("run", "Done") if run.outcome is RunOutcome.DONE else pgettext("run", "Left out")


def history_of(task: RecurringTask, names: Mapping[str, Person], zone: str) -> list[dict[str, str]]:
    """Return what became of a task, the newest first: its terms and its end, by whom and why."""
    rows: list[tuple[Any, str, str, str]] = []
    for terms in task.terms:
        rhythm = rhythm_words(tasks.shape_of(terms))
        said = (
            _("Terms %(number)s: %(rhythm)s", number=terms.number, rhythm=rhythm)
            if terms.number > 1
            else _("Created: %(rhythm)s", rhythm=rhythm)
        )
        rows.append((terms.set_at, said, terms.set_by, terms.reason))
    if task.ended_at is not None:
        rows.append((task.ended_at, _("Ended"), task.ended_by or "", task.end_reason or ""))
    for each in accounts.list_owners_of(tasks.OWNED_KIND, task.code):
        said = (
            _("Owner: %(owner)s, deputy: %(deputy)s", owner=owner_name(each.owner), deputy=owner_name(each.deputy))
            if each.deputy is not None
            else _("Owner: %(owner)s, no deputy", owner=owner_name(each.owner))
        )
        rows.append((each.since, said, each.set_by, ""))
    rows.sort(key=lambda row: row[0], reverse=True)
    return [
        {
            "at": format_instant(at, zone),
            "what": said,
            "by": names[by].name_in(language()) if by in names else by,
            "reason": reason,
        }
        for at, said, by, reason in rows
    ]


def codes_in(task: RecurringTask, runs: Sequence[RecurringTaskRun]) -> set[str]:
    """Return the codes of those who set terms, ended the task, or recorded runs of it."""
    found = {row.set_by for row in task.terms} | {task.ended_by or ""}
    found |= {row.set_by for row in accounts.list_owners_of(tasks.OWNED_KIND, task.code)}
    return found | {run.recorded_by for run in runs} | {run.taken_back_by or "" for run in runs}


def judgements(rows: Sequence[ThingCriticality], zone: str) -> list[dict[str, Any]]:
    """Return what was judged and proposed about how much a thing matters, by whom and why."""
    people = {each.code: each for each in accounts.list_people_of({row.set_by for row in rows})}
    judged = [row.id for row in rows if not row.is_proposal]
    latest = max(judged, default=0)
    return [
        {
            "word": str(CRITICALITY_NAMES[row.criticality]),
            "is_proposal": bool(row.is_proposal),
            "is_open": bool(row.is_proposal) and row.id > latest,
            "holds": row.id == latest,
            "reason": row.reason,
            "by": people[row.set_by].name_in(language()) if row.set_by in people else row.set_by,
            "at": format_instant(row.set_at, zone),
        }
        for row in rows
    ]


def owners_before(kind: str, code: str, zone: str) -> list[dict[str, Any]]:
    """Return who answered for a thing and who stood in, the latest first, since when and named by whom."""
    rows = accounts.list_owners_of(kind, code)
    people = {each.code: each for each in accounts.list_people_of({row.set_by for row in rows})}
    return [
        {
            "owner": row.owner.name_in(language()),
            "deputy": row.deputy.name_in(language()) if row.deputy else "",
            "team": str(row.team.name) if row.team else "",
            "by": people[row.set_by].name_in(language()) if row.set_by in people else "",
            "at": format_instant(row.since, zone),
            "since": row.since,
        }
        for row in rows
    ]


# --- Who answers for what ----------------------------------------------------------------------


def thing_rows(found: Sequence[Answered], today: date) -> list[dict[str, Any]]:
    """Return things that somebody answers for, those without an owner with who accepted that."""
    accepted = orphans_accepted(found)
    return [thing_row(each, today, accepted.get((each.kind, each.code), ())) for each in found]


def thing_row(each: Answered, today: date, accepted_by: Sequence[Person] = ()) -> dict[str, Any]:
    """Return one thing that somebody answers for; `accepted_by` are those who accepted that nobody does."""
    thing, owned = each.thing, each.ownership
    may_open = _may_open(each)
    return {
        "title": thing.title,
        "href": thing.href if may_open else None,
        "kind": str(each.kind_name),
        "owner": owner_name(owned.owner) if owned else None,
        "owner_href": _person_href(each.owner),
        "deputy": owner_name(owned.deputy) if owned and owned.deputy else None,
        "deputy_href": _person_href(each.deputy),
        "team": str(owned.team.name) if owned and owned.team else "",
        "lacks_owner": lacks_owner(each),
        "accepted_by": pgettext("names", ", ").join(person.name_in(language()) for person in accepted_by)
        if lacks_owner(each)
        else "",
        "lacks_deputy": lacks_deputy(each) and not lacks_owner(each),
        "due": format_date(thing.due_on, "short") if thing.due_on else "",
        "due_what": str(thing.due_what) if thing.due_on else "",
        "is_overdue": thing.due_on is not None and thing.due_on < today,
        "change_href": url_for("duties.name_owners", kind=each.kind, code=each.code),
    }


def _may_open(each: Answered) -> bool:
    if each.kind == CARD_KIND:
        return may_read_card(actor(), each)
    on = each.thing.needs_on
    thing = replace(each.thing, needs_on=KnownTask(on, each.ownership)) if isinstance(on, RecurringTask) else each.thing
    return thing.may_be_opened_by(actor())


def _person_href(person: Person | None) -> str | None:
    if person is None or not can(SEE_RESPONSIBILITIES_OF, person):
        return None
    return url_for("duties.of_person", code=person.code)
