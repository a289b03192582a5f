"""Carrying out what was wished of a cohort: all or nothing for a list of usual length, by the worker for a long one."""

from __future__ import annotations

from collections.abc import Collection, Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy.exc import IntegrityError

from portal.accounts import queries as accounts
from portal.accounts.models import Person, Role, Scope
from portal.accounts.rules import is_family_first
from portal.accounts.service import grants, links, people
from portal.accounts.service.people import Names, Newcomer
from portal.calendars.queries import working_calendar
from portal.cohorts import service as groups
from portal.cohorts.errors import CohortWithdrawn
from portal.cohorts.models import Cohort
from portal.core import clock, jobs
from portal.core.access import allows
from portal.core.db import read_alone, session
from portal.core.errors import Conflict, DomainError
from portal.core.i18n import Words, force_locale
from portal.core.jobs import Outside, Progress
from portal.journal.service import record
from portal.organisation import queries as organisation
from portal.training.errors import CannotBeCreated, DraftDone, NotYourTeam
from portal.training.models import CohortDraft, PlanVersion
from portal.training.permissions import ADD_LEARNERS
from portal.training.queries import cohort_drafts
from portal.training.service import founding
from portal.training.service.dates import set_event_of_cohort
from portal.training.service.enrollments import enroll_all
from portal.training.service.founding import TAKEN, Candidate, Fate, Preview
from portal.training.service.invitations import invited_at
from portal.training.service.people_list import Listed

# The work that takes in a long list.
JOB = "training.take_people_in"
# So many are taken in by one transaction: others who write wait no longer than that takes.
PORTION = 25
# As `Words` has them.
_LANGUAGES = ("en", "ja")
# Somebody to be taken in: as she is known, else as she was listed; and her mentor.
_Who = tuple[Person | None, Listed | None, Person | None]


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of a draft: its cohort, how many people it is about, and whether the worker goes on with them."""

    cohort: Cohort
    people: int
    is_going_on: bool = False


@dataclass(frozen=True, slots=True)
class _Terms:
    """What is the same for everybody who is taken in."""

    draft: str
    cohort: Cohort
    version: PlanVersion
    starts_on: date
    events: Mapping[str, date]
    invited_at: datetime | None
    by: Person

    @classmethod
    def of(cls, draft: CohortDraft, by: Person) -> _Terms:
        """Read them from a draft whose cohort is there."""
        cohort, wishes = draft.cohort, founding.wishes_of(draft)
        version = cohort_drafts.find_plan_version(wishes.plan, wishes.version)
        assert cohort is not None
        assert version is not None
        starts_on = date.fromisoformat(wishes.starts_on)
        return cls(
            draft=draft.code,
            cohort=cohort,
            version=version,
            starts_on=starts_on,
            events=founding.given_events(wishes, version),
            invited_at=invited_at(starts_on, cohort.market, working_calendar(cohort.market)),
            by=by,
        )


def job_key(draft: CohortDraft) -> str:
    """Return the effect key of the work on a long list."""
    return f"{JOB}:{draft.code}"


def create(*, draft: CohortDraft, by: Person) -> Taken:
    """Make of a draft what its preview shows: cohort, mentors, members, accounts and enrollments.

    All or nothing; of more than `rules.MOST_PEOPLE_AT_ONCE` people the worker takes in a portion at a time, after the
    cohort is there. Raises `DraftDone`, `CannotBeCreated` with what stands in the way, `Conflict` where somebody else
    took the code or enrolled or invited one of the people at the same moment, and whatever enrolling or inviting
    refuses.
    """
    try:
        return _create(draft, by)
    except IntegrityError as taken:
        raise Conflict() from taken


def _create(draft: CohortDraft, by: Person) -> Taken:
    draft = cohort_drafts.lock_draft(draft)
    if draft.is_settled:
        raise DraftDone()
    found = founding.judge(draft, by)
    if found.obstacles:
        raise CannotBeCreated(obstacles=" ".join(found.obstacles))
    cohort = _cohort_of(found, by)
    draft.cohort = cohort
    if found.is_long:
        draft.begun_at, draft.awaited, draft.refused = clock.now(), [each.key for each in found.taken], []
        session.flush()
        jobs.enqueue(JOB, {"draft": draft.code}, effect_key=job_key(draft), requested_by=by.code)
        return Taken(cohort, len(found.taken), is_going_on=True)
    terms = _Terms.of(draft, by)
    draft.invited = _take_all(terms, [(each.person, each.listed, each.mentor) for each in found.taken])
    _finish(draft, terms, len(found.taken))
    return Taken(cohort, len(found.taken))


def _cohort_of(found: Preview, by: Person) -> Cohort:
    """Found the cohort with the days of its events, or take the one that is joined; let the mentors mentor it."""
    cohort = found.cohort
    if cohort is None:
        assert found.market is not None
        assert found.version is not None
        assert found.starts_on is not None
        cohort = groups.create_cohort(
            code=found.code, name=found.name, market=found.market, team=found.team, starts_on=found.starts_on, by=by
        )
        given = founding.given_events(found.wishes, found.version)
        for event in found.version.events:
            set_event_of_cohort(cohort=cohort, event=event, on=given[event.slug], reason="", by=by)
    for mentor in found.mentors:
        _let_mentor(mentor, cohort, by)
    return cohort


def _let_mentor(person: Person, cohort: Cohort, by: Person) -> None:
    is_one = any(
        grant.ended_at is None
        and (grant.role, grant.scope, grant.scope_code) == (Role.MENTOR, Scope.COHORT, cohort.code)
        for grant in person.grants
    )
    if not is_one:
        grants.grant_role(person=person, role=Role.MENTOR, scope=Scope.COHORT, scope_code=cohort.code, by=by)


def _take_all(terms: _Terms, who: Sequence[_Who]) -> list[str]:
    """Enroll people, and open accounts before for those who have none; return the codes of the latter.

    With statements that do not grow with them, but for what is written.
    """
    opened = iter(_invite_all([listed for person, listed, _mentor in who if person is None and listed], terms))
    invited: list[Person] = []
    mentors: dict[int, Person] = {}
    taken: list[Person] = []
    for known, _listed, mentor in who:
        person = known or next(opened)
        taken.append(person)
        if known is None:
            invited.append(person)
        if mentor is not None:
            mentors[person.id] = mentor
    enroll_all(
        starts=[(person, terms.starts_on) for person in taken],
        version=terms.version,
        cohort=terms.cohort,
        mentors=mentors,
        events=terms.events,
        by=terms.by,
        told_at={person.id: terms.invited_at for person in invited},
    )
    groups.add_members(cohort=terms.cohort, people=taken, by=terms.by)
    return [person.code for person in invited]


def _invite_all(listed: Sequence[Listed], terms: _Terms) -> list[Person]:
    if not listed:
        return []
    language = organisation.default_language()
    opened = people.invite_all(
        newcomers=[
            Newcomer(each.sign_in_name, _with_scripts(each.names), each.language or language, each.employee_number)
            for each in listed
        ],
        time_zone=terms.cohort.market.time_zone,
        market=terms.cohort.market,
        team=terms.cohort.team,
        by=terms.by,
    )
    if terms.invited_at is not None:
        links.invite_all_on_time(people=opened, by=terms.by, at=terms.invited_at, occasion=terms.draft)
    else:
        for person in opened:
            links.send_invitation(person=person, by=terms.by, occasion=terms.draft)
    return opened


def _with_scripts(names: Names) -> Names:
    """Return the names with the romanised ones where they are written in Latin letters anyway."""
    if is_family_first(names.family_name) or names.family_romaji:
        return names
    return replace(names, family_romaji=names.family_name, given_romaji=names.given_name)


def _finish(draft: CohortDraft, terms: _Terms, count: int) -> None:
    draft.done_at = clock.now()
    session.flush()
    record(
        "training.learners_taken_in",
        by=terms.by,
        subject=("cohort", terms.cohort.code),
        after={
            "plan": terms.version.plan.slug,
            "version": terms.version.number,
            "starts_on": terms.starts_on.isoformat(),
            "people": count,
            "invited": len(draft.invited),
        },
    )


# --- By the worker ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Entrant:
    """Somebody of a long list as plain data, which outlives a transaction; she and her mentor by their codes."""

    key: str
    name: str
    person: str | None
    listed: Listed | None
    mentor: str | None

    @classmethod
    def of(cls, each: Candidate) -> _Entrant:
        """Read her from what was judged."""
        name = each.listed.shown_name if each.listed else each.person.full_name if each.person else each.key
        person = each.person.code if each.person else None
        return cls(each.key, name, person, each.listed, each.mentor.code if each.mentor else None)


def take_in_portions(code: str) -> Generator[Progress | Outside, Any, None]:
    """Take in the people of a long list, each portion in a short transaction of its own.

    Begun anew it goes on where it was: whoever follows the plan in the cohort is done. Who cannot be taken in is
    listed with the reason, and the others go on. A cohort that is withdrawn meanwhile gets nobody more.
    """
    # A look at a long list takes long, and nobody needs to wait for it.
    left, total, refused = yield Outside(lambda: read_alone(lambda: _who_is_left(code)))
    if left is None:
        return
    draft = cohort_drafts.lock_draft(cohort_drafts.get_draft(code))
    draft.refused = refused
    session.flush()
    yield Progress(total - len(left), total)
    for begin in range(0, len(left), PORTION):
        portion = left[begin : begin + PORTION]
        _take_portion(code, portion)
        yield Progress(total - len(left) + begin + len(portion), total)
    draft = cohort_drafts.lock_draft(cohort_drafts.get_draft(code))
    if draft.done_at is None:
        _finish(draft, _Terms.of(draft, draft.created_by), total - len(draft.refused or ()))


def _who_is_left(code: str) -> tuple[list[_Entrant] | None, int, list[dict[str, str]]]:
    """Return who is still to be taken in (None: all is done), of how many, and who cannot be any more."""
    draft = cohort_drafts.get_draft(code)
    if draft.done_at is not None:
        return None, 0, []
    awaited = set(draft.awaited or ())
    found = founding.judge(draft, draft.created_by)
    mine = {each.key: each for each in found.candidates if each.key in awaited and each.fate is not Fate.TWICE}
    following = _following(draft, found.version, {each.person.id for each in mine.values() if each.person is not None})
    lost = {
        key: each
        for key, each in mine.items()
        if each.fate not in TAKEN and (each.person is None or each.person.id not in following)
    }
    notes = {language: _notes(draft, language) for language in _LANGUAGES} if lost else {}
    refused = [
        _refusal(_Entrant.of(each), Words(*(notes[language].get(key, "") for language in _LANGUAGES)))
        for key, each in lost.items()
    ]
    return [_Entrant.of(each) for each in mine.values() if each.fate in TAKEN], len(awaited), refused


def _notes(draft: CohortDraft, language: str) -> dict[str, str]:
    """Return what there is to be known of each line, in a language."""
    with force_locale(language):
        found = founding.judge(draft, draft.created_by)
    return {each.key: " ".join(each.notes) for each in found.candidates if each.fate is not Fate.TWICE}


def _following(draft: CohortDraft, version: PlanVersion | None, ids: Collection[int]) -> set[int]:
    """Return which of these people follow the plan in the draft's cohort."""
    if version is None or not ids:
        return set()
    found = cohort_drafts.list_enrollments_in(version.plan_id, ids)
    return {person_id for person_id, each in found.items() if each.is_open and each.cohort_id == draft.cohort_id}


def _take_portion(code: str, portion: Sequence[_Entrant]) -> None:
    draft = cohort_drafts.lock_draft(cohort_drafts.get_draft(code))
    terms = _Terms.of(draft, draft.created_by)
    stopped = _what_stops(terms)
    refused = list(draft.refused or ())
    known, _numbered = accounts.find_taken([each.listed.sign_in_name for each in portion if each.listed], ())
    codes = {code for each in portion for code in (each.person, each.mentor) if code}
    people_of = {each.code: each for each in accounts.list_people_of(codes)}
    following = _following(draft, terms.version, {each.id for each in (*people_of.values(), *known.values())})
    open_ones: list[tuple[_Entrant, _Who]] = []
    for each in portion:
        person, of_address = (
            people_of.get(each.person or ""),
            known.get(each.listed.sign_in_name if each.listed else ""),
        )
        if any(one is not None and one.id in following for one in (person, of_address)):
            continue
        if stopped is not None:
            refused.append(_refusal(each, stopped))
        elif person is None and of_address is not None:
            # Somebody else opened this account since; whose it is is not told.
            refused.append(_refusal(each, _said_in_both(Conflict())))
        else:
            open_ones.append((each, (person, each.listed, people_of.get(each.mentor or ""))))
    invited, not_taken = _take_who_can_be(terms, open_ones)
    draft.invited, draft.refused = [*draft.invited, *invited], [*refused, *not_taken]
    session.flush()


def _take_who_can_be(
    terms: _Terms, open_ones: Sequence[tuple[_Entrant, _Who]]
) -> tuple[list[str], list[dict[str, str]]]:
    """Take in these people; what is refused for one keeps nobody else out. Return accounts opened, and refusals."""
    if not open_ones:
        return [], []
    try:
        # A step back for these alone.
        with session.begin_nested():
            return _take_all(terms, [who for _each, who in open_ones]), []
    except DomainError as reason:
        if len(open_ones) == 1:
            return [], [_refusal(open_ones[0][0], _said_in_both(reason))]
    half = len(open_ones) // 2
    (some, of_some), (others, of_others) = (
        _take_who_can_be(terms, part) for part in (open_ones[:half], open_ones[half:])
    )
    return [*some, *others], [*of_some, *of_others]


def _what_stops(terms: _Terms) -> Words | None:
    """Return why nobody more is taken in: the cohort was withdrawn, or whoever began it may not go on."""
    cohort = cohort_drafts.lock_cohort(terms.cohort)
    if cohort.withdrawn_at is not None:
        return _said_in_both(CohortWithdrawn())
    if not terms.by.is_active or not allows(terms.by, ADD_LEARNERS, cohort):
        return _said_in_both(NotYourTeam())
    return None


def _said_in_both(reason: DomainError) -> Words:
    said = []
    for language in _LANGUAGES:
        with force_locale(language):
            said.append(str(reason))
    return Words(*said)


def _refusal(each: _Entrant, why: Words) -> dict[str, str]:
    """Return how it is kept that somebody could not be taken in."""
    return {"key": each.key, "name": each.name, "en": why.en, "ja": why.ja}
