"""Putting a cohort together: wishes are kept, judged and shown; what `taking_in` made of them is taken back."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from hashlib import sha256
from typing import Any

from sqlalchemy import delete

from portal.accounts import queries as accounts
from portal.accounts.models import Person, Role, Scope
from portal.accounts.permissions import SEE_ACCOMMODATION
from portal.accounts.rules import fold_for_search
from portal.accounts.service import grants, people
from portal.calendars import queries as calendars
from portal.calendars.errors import HolidayYearUnknown, unknown_years_refused
from portal.calendars.rules import WorkingCalendar
from portal.calendars.service.told import unannounced_told
from portal.cohorts import queries as cohorts
from portal.cohorts import service as groups
from portal.cohorts.errors import CohortCodeInvalid, CohortCodeTaken, CohortWithdrawn
from portal.cohorts.models import Cohort
from portal.cohorts.permissions import Reach, reach_of
from portal.core import clock
from portal.core.access import allows
from portal.core.codes import new_code
from portal.core.content import SLUG
from portal.core.db import canonical_json, session
from portal.core.errors import DomainError
from portal.core.i18n import Words, force_locale, format_date, ngettext, pgettext
from portal.core.i18n import gettext as _
from portal.core.i18n import lazy_gettext as _l
from portal.core.jobs import periodic
from portal.core.tables import ReadSheet, TableEmpty, TableUnreadable, first_filled
from portal.gradebook import queries as gradebook
from portal.organisation import queries as organisation
from portal.organisation.models import Market, Team
from portal.training import rules
from portal.training.errors import (
    DraftDone,
    EventDatesMissing,
    EventOutOfBounds,
    HasBegun,
    NoSuchPlan,
    NoSuchSheet,
    NotYourTeam,
    OverBeforeItBegins,
    PreviewChanged,
    StartOutOfBounds,
    TooManyPeople,
    ZoneUnknown,
)
from portal.training.models import CohortDraft, Enrollment, PlanStep, PlanVersion
from portal.training.permissions import ADD_LEARNERS
from portal.training.queries import catalogue, cohort_drafts
from portal.training.rules import (
    MOST_PEOPLE,
    MOST_PEOPLE_AT_ONCE,
    Basis,
    DayLoad,
    Doer,
    EventDay,
    Feasibility,
    Schedule,
    StepShape,
)
from portal.training.service.enrollments import (
    FARTHEST_EVENT,
    checked_reason,
    days_of_events,
    end_plan,
    lock,
    recognitions_of,
)
from portal.training.service.invitations import hour_of_invitation, invited_at
from portal.training.service.odd_days import about_due_before, about_event, about_first_day, last_before
from portal.training.service.people_list import Listed, count_lines, read_people

# A draft that nobody went on with for so long is forgotten.
KEPT = timedelta(days=30)
# Of a workbook's other sheets so many characters are kept with a draft.
MOST_KEPT = 1_000_000
# As far as a first day can lie from today.
FARTHEST = timedelta(days=366)
# So many are named in one message.
_MOST_NAMED = 8
# What stands between the parts of a name.
_BETWEEN_NAMES = re.compile(r"[\s,、・･·]")


@dataclass(frozen=True, slots=True)
class Wishes:
    """What somebody wants of a cohort, as she typed and chose it; an empty name or code is proposed."""

    plan: str = ""
    version: str = ""
    market: str = ""
    # "": people of several teams of the market.
    team: str = ""
    starts_on: str = ""
    code: str = ""
    name_en: str = ""
    name_ja: str = ""
    # The list of people as text, from the field or a file.
    text: str = ""
    # Of a workbook: the sheet that was read, and all that it has in their order: {"name", "text"}, without a text
    # where it could not be kept.
    sheet: str = ""
    sheets: tuple[Mapping[str, str | None], ...] = ()
    # Codes of people who were chosen, and of mentors.
    chosen: tuple[str, ...] = ()
    mentors: tuple[str, ...] = ()
    # Who is left out after the preview, and whom single people have as a mentor (her code): by `Candidate.key`.
    left_out: tuple[str, ...] = ()
    mentor_of: Mapping[str, str] = field(default_factory=dict)
    # The days of the plan's events by their slug, as "2026-06-12"; one that is not named is the cohort's.
    events: Mapping[str, str] = field(default_factory=dict)


class Fate(StrEnum):
    """What becomes of a line of the list."""

    ENROLL = "enroll"
    INVITE = "invite"
    LEFT_OUT = "left_out"
    ALREADY = "already"
    TWICE = "twice"
    FAULT = "fault"


# Those who are taken in.
TAKEN = (Fate.ENROLL, Fate.INVITE)


@dataclass(slots=True)
class Candidate:
    """One line of the list, or somebody chosen: who it is, and what becomes of her."""

    sign_in_name: str
    fate: Fate
    line: int | None = None
    listed: Listed | None = None
    person: Person | None = None
    # In words, what is to be known: why she is not taken, or what differs for her.
    notes: list[str] = field(default_factory=list)
    mentor: Person | None = None
    # What her time in quizzes is multiplied with, where whoever looks may know.
    multiplier: Fraction | None = None
    # Her own last date, where leave or shifts move it.
    ends_on: date | None = None
    # The steps that she did before and that count, in their order; then what she has not time enough for besides.
    recognised: Sequence[PlanStep] = ()
    # Quizzes of the plan from which two people have exempted her.
    exempt: Sequence[PlanStep] = ()
    short: Sequence[Feasibility] = ()

    @property
    def key(self) -> str:
        """What stands for her in the preview: the address that was listed, or the code of who was chosen.

        The address of a chosen person was not told by who chose her, so it is not told to her.
        """
        return self.sign_in_name if self.listed is not None or self.person is None else self.person.code

    @property
    def can_be_taken(self) -> bool:
        """Whether it is a matter of choice to take her in."""
        return self.fate in (*TAKEN, Fate.LEFT_OUT)


@dataclass(slots=True)
class Preview:
    """What would come of a draft: `obstacles` keep it from being created, `schedule` is None where it is not known."""

    wishes: Wishes
    cohort: Cohort | None
    version: PlanVersion | None = None
    market: Market | None = None
    team: Team | None = None
    starts_on: date | None = None
    today: date | None = None
    code: str = ""
    name: Words = field(default_factory=lambda: Words("", ""))
    calendar: WorkingCalendar | None = None
    # When those without an account are invited; None: as soon as the cohort is created, or (`is_invited_at_once` says
    # which) in a year of which no holidays are known.
    invited_at: datetime | None = None
    is_invited_at_once: bool = False
    # Of each event of the plan by its slug; empty where one of them is not known.
    events: Mapping[str, EventDay] = field(default_factory=dict)
    schedule: Schedule | None = None
    days: Sequence[DayLoad] = ()
    candidates: list[Candidate] = field(default_factory=list)
    mentors: list[Person] = field(default_factory=list)
    obstacles: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def taken(self) -> list[Candidate]:
        """Those who are taken in."""
        return [each for each in self.candidates if each.fate in TAKEN]

    @property
    def is_long(self) -> bool:
        """Whether there are so many that the worker takes them in."""
        return len(self.taken) > MOST_PEOPLE_AT_ONCE

    def with_fate(self, *fates: Fate) -> list[Candidate]:
        """Return the candidates of these fates."""
        return [each for each in self.candidates if each.fate in fates]


# --- What a lead can choose from -----------------------------------------------------------------


def reach_to_create(person: Person) -> Reach:
    """Return for which teams and markets the person can create cohorts, and whom she can take in."""
    return replace(reach_of(person, Role.LEAD, everywhere=(Role.ADMIN,)), cohorts=frozenset())


@dataclass(frozen=True, slots=True)
class Place:
    """For whom a cohort is: a team, or people of several teams of a market (team None)."""

    market: Market
    team: Team | None

    @property
    def value(self) -> str:
        """How a form names it."""
        return f"{self.market.code}/{self.team.code if self.team else ''}"


def list_places(person: Person) -> list[Place]:
    """Return for whom the person can create cohorts: her teams first, then the markets that she leads as a whole."""
    reach = reach_to_create(person)
    teams = [
        Place(team.market, team)
        for team in organisation.list_teams(closed=False)
        if reach.everywhere or team.market.code in reach.markets or team.code in reach.teams
    ]
    markets = [
        Place(market, None)
        for market in organisation.list_markets()
        if reach.everywhere or market.code in reach.markets
    ]
    return teams + markets


def _leads(reach: Reach, person: Person) -> bool:
    return (
        reach.everywhere
        or person.home_market.code in reach.markets
        or (person.team is not None and person.team.code in reach.teams)
    )


# --- Keeping what was wished -----------------------------------------------------------------------


def keep_draft(
    *, wishes: Wishes, by: Person, draft: CohortDraft | None = None, cohort: Cohort | None = None
) -> CohortDraft:
    """Keep the wishes in a new draft, or in this one; with a cohort they are about people who join it.

    Raises `DraftDone`, `TooManyPeople` before anything of a long list is read, `NotYourTeam`, `CohortWithdrawn`.
    """
    if draft is not None and draft.is_settled:
        raise DraftDone()
    if cohort is not None and cohort.withdrawn_at is not None:
        raise CohortWithdrawn()
    refuse_long_list(wishes.text)
    if cohort is None and not any(
        (place.market.code, place.team.code if place.team else "") == (wishes.market, wishes.team)
        for place in list_places(by)
    ):
        raise NotYourTeam()
    now = clock.now()
    kept = asdict(wishes) | {"mentor_of": dict(wishes.mentor_of), "events": dict(wishes.events)}
    if draft is None:
        draft = CohortDraft(
            code=new_code(), created_at=now, created_by=by, joins=cohort is not None, cohort=cohort, invited=[]
        )
        session.add(draft)
    draft.wishes, draft.changed_at = kept, now
    session.flush()
    return draft


def refuse_long_list(text: str) -> None:
    """Raise `TooManyPeople` for a list that is longer than a cohort can be, besides a heading."""
    count = count_lines(text)
    if count > MOST_PEOPLE + 1:
        raise TooManyPeople(count=f"{count:,}", most=f"{MOST_PEOPLE:,}")


def wishes_of(draft: CohortDraft) -> Wishes:
    """Return what was wished."""
    kept: dict[str, Any] = dict(draft.wishes)
    for name in ("chosen", "mentors", "left_out", "sheets"):
        kept[name] = tuple(kept.get(name, ()))
    return Wishes(**kept)


def with_sheets(wishes: Wishes, sheets: Sequence[ReadSheet[str]]) -> Wishes:
    """Return the wishes with the list of a file: that of its first filled sheet; the others are kept to be chosen.

    Raises the fault for which that one cannot be read.
    """
    first = first_filled(sheets)
    if first.content is None:
        raise first.fault or TableEmpty()
    if len(sheets) == 1:
        return replace(wishes, text=first.content, sheet="", sheets=())
    kept, room = [], MOST_KEPT
    for each in sheets:
        text = each.content if each.content is not None and len(each.content) <= room else None
        room -= len(text or "")
        kept.append({"name": each.name, "text": first.content if each is first else text})
    return replace(wishes, text=first.content, sheet=first.name, sheets=tuple(kept))


def choose_sheet(wishes: Wishes, name: str) -> Wishes:
    """Return the wishes with the list of another sheet of the same workbook; that of the one before stays as it is now.

    Raises `NoSuchSheet`.
    """
    wanted = next((each["text"] for each in wishes.sheets if each["name"] == name), None)
    if wanted is None:
        raise NoSuchSheet()
    kept = tuple(
        each | {"text": wishes.text} if each["name"] == wishes.sheet else each for each in map(dict, wishes.sheets)
    )
    return replace(wishes, text=wanted, sheet=name, sheets=kept)


@periodic("training.tidy_cohort_drafts", minutes=59, what=_l("Forget drafts of cohorts that nobody went on with"))
def tidy() -> None:
    """Forget drafts of cohorts that nobody went on with."""
    session.execute(
        delete(CohortDraft).where(
            CohortDraft.done_at.is_(None), CohortDraft.begun_at.is_(None), CohortDraft.changed_at < clock.now() - KEPT
        )
    )


# --- Judging it --------------------------------------------------------------------------------------


def judge(draft: CohortDraft, by: Person, wishes: Wishes | None = None) -> Preview:
    """Say what would come of a draft today, in a number of statements that does not grow with its people.

    With `wishes` those count instead of the ones that are kept. Raises nothing: whatever stands in the way is among the
    obstacles, in words.
    """
    wishes = wishes or wishes_of(draft)
    found = Preview(wishes, draft.cohort if draft.joins else None)
    found.version = cohort_drafts.find_plan_version(wishes.plan, wishes.version)
    if found.version is None:
        found.obstacles.append(str(NoSuchPlan(slug=wishes.plan)))
    _judge_place(found, by)
    _judge_start(found)
    if found.cohort is None:
        _judge_names(found)
    elif found.cohort.withdrawn_at is not None:
        found.obstacles.append(str(CohortWithdrawn()))
    found.mentors = [each for each in accounts.list_people_of(wishes.mentors) if each.is_active]
    _judge_people(found, by)
    _judge_dates(found)
    _judge_whole(found)
    return found


def key_of(found: Preview) -> str:
    """Return the SHA-256 of what a preview shows: whoever confirms says so which one she saw.

    It is the same in every language. What stands in the way and what is worth a second look follow from the rest.
    """
    dues = found.schedule or {}
    told = [
        found.cohort.code if found.cohort is not None else [found.code, found.name.en, found.name.ja],
        [found.version.plan.slug, found.version.digest] if found.version is not None else None,
        [found.market.code if found.market is not None else None, found.team.code if found.team is not None else None],
        found.starts_on.isoformat() if found.starts_on is not None else None,
        found.wishes.sheet,
        [[slug, day.on.isoformat()] for slug, day in found.events.items()],
        [[slug, due.on.isoformat()] for slug, due in dues.items()],
        found.invited_at.isoformat() if found.invited_at is not None else found.is_invited_at_once,
        [mentor.code for mentor in found.mentors],
        [_told_of(each) for each in found.candidates],
        bool(found.obstacles),
    ]
    return sha256(canonical_json(told).encode()).hexdigest()


def _told_of(each: Candidate) -> list[Any]:
    """Return what a preview shows of a line: who it is, what becomes of her, and what differs for her."""
    return [
        each.key,
        each.fate.value,
        each.person.code if each.person is not None else None,
        asdict(replace(each.listed, fault="")) if each.listed is not None else None,
        each.mentor.code if each.mentor is not None else None,
        each.ends_on.isoformat() if each.ends_on is not None else None,
        [step.slug for step in each.recognised],
        [step.slug for step in each.exempt],
    ]


def check_seen(*, draft: CohortDraft, seen: str, by: Person) -> None:
    """Raise `PreviewChanged` where a draft would now come to another thing than the preview of the key has shown.

    What cannot be created at all is refused as such by whoever creates it.
    """
    found = judge(draft, by)
    if not found.obstacles and key_of(found) != seen:
        raise PreviewChanged()


def _judge_place(found: Preview, by: Person) -> None:
    if found.cohort is not None:
        found.market, found.team = found.cohort.market, found.cohort.team
        is_theirs = allows(by, ADD_LEARNERS, found.cohort)
    else:
        wanted = f"{found.wishes.market}/{found.wishes.team}"
        place = next((each for each in list_places(by) if each.value == wanted), None)
        is_theirs = place is not None
        if place is not None:
            found.market, found.team = place.market, place.team
    if not is_theirs:
        found.obstacles.append(str(NotYourTeam()))


def _judge_start(found: Preview) -> None:
    found.starts_on = date.fromisoformat(found.wishes.starts_on)
    if found.market is None:
        return
    if not clock.is_zone(found.market.time_zone):
        found.obstacles.append(str(ZoneUnknown(zone=found.market.time_zone, market=found.market.code)))
        return
    found.today = clock.today(found.market.time_zone)
    if abs(found.starts_on - found.today) > FARTHEST:
        found.obstacles.append(str(StartOutOfBounds()))


def _judge_names(found: Preview) -> None:
    wishes, starts_on = found.wishes, found.starts_on
    assert starts_on is not None
    if found.market is not None:
        found.name = proposed_name(found.market, found.team, starts_on)
        found.code = proposed_code(found.market, starts_on)
    found.name = Words(wishes.name_en or found.name.en, wishes.name_ja or wishes.name_en or found.name.ja)
    if wishes.code:
        found.code = wishes.code
        if not SLUG.fullmatch(wishes.code):
            found.obstacles.append(str(CohortCodeInvalid(code=wishes.code)))
        elif cohorts.find_cohort(wishes.code) is not None:
            found.obstacles.append(str(CohortCodeTaken(code=wishes.code)))


def proposed_name(market: Market, team: Team | None, starts_on: date) -> Words:
    """Return what a cohort would be called: its team or market, and the month in which it begins."""
    said = {}
    for language in ("en", "ja"):
        with force_locale(language):
            whose = (team.name if team else market.name).in_(language)
            month = f"{starts_on.year}年{starts_on.month}月" if language == "ja" else f"{starts_on:%B %Y}"
            said[language] = _("%(whose)s, %(month)s", whose=whose, month=month)
    return Words(said["en"], said["ja"])


def proposed_code(market: Market, starts_on: date) -> str:
    """Return a code that no cohort has: jp-2026-04, and jp-2026-04-2 for the second one of that month."""
    letters = "".join(each if each.isalnum() and each.isascii() else "-" for each in market.code.casefold())
    base = f"{letters.strip('-') or 'c'}-{starts_on:%Y-%m}"
    base = base if SLUG.fullmatch(base) else f"c-{starts_on:%Y-%m}"
    taken = cohorts.list_codes_like(base)
    return next(code for code in (base, *(f"{base}-{number}" for number in range(2, 10_000))) if code not in taken)


def _judge_people(found: Preview, by: Person) -> None:
    wishes = found.wishes
    try:
        listed = read_people(wishes.text)
    except TableUnreadable as refused:
        found.obstacles.append(str(refused))
        listed = []
    chosen = accounts.list_people_of(wishes.chosen)
    sound = [each for each in listed if not each.fault]
    known, numbered = accounts.find_taken(
        {each.sign_in_name for each in sound}, {each.employee_number for each in sound if each.employee_number}
    )
    first: dict[str, int] = {}
    first_number: dict[str, int] = {}
    reach, left_out = reach_to_create(by), set(wishes.left_out)
    if found.cohort is not None and found.team is not None:
        # Whoever leads a single cohort adds people of its team.
        reach = replace(reach, teams=reach.teams | {found.team.code})
    for each in listed:
        person = known.get(each.sign_in_name)
        candidate = Candidate(each.sign_in_name, Fate.INVITE, each.line, each, person)
        found.candidates.append(candidate)
        if each.fault:
            candidate.fate = Fate.FAULT
            candidate.notes.append(each.fault)
        elif each.sign_in_name in first:
            candidate.fate = Fate.TWICE
            candidate.notes.append(_("Line %(line)s has the same email address.", line=first[each.sign_in_name]))
        else:
            first[each.sign_in_name] = each.line
    for person in chosen:
        if person.sign_in_name not in first:
            first[person.sign_in_name] = 0
            found.candidates.append(Candidate(person.sign_in_name, Fate.ENROLL, person=person))
    open_ones = [each for each in found.candidates if each.fate is Fate.INVITE or each.fate is Fate.ENROLL]
    ids = {each.person.id for each in open_ones if each.person is not None}
    following = cohort_drafts.list_enrollments_in(found.version.plan_id, ids) if found.version and ids else {}
    for candidate in open_ones:
        if candidate.person is not None:
            _judge_known(candidate, candidate.person, reach, following.get(candidate.person.id))
        else:
            _judge_new(candidate, numbered, first_number)
        if candidate.can_be_taken and candidate.key in left_out:
            candidate.fate = Fate.LEFT_OUT
    _judge_mentors(found)
    _mark_accommodations(found, by)


def _judge_known(candidate: Candidate, person: Person, reach: Reach, enrollment: Enrollment | None) -> None:
    candidate.fate = Fate.ENROLL
    if not _leads(reach, person):
        # Nothing of her is told here but that she is somebody else's.
        candidate.person = None
        candidate.fate = Fate.FAULT
        candidate.notes.append(
            _("This account belongs to a team that you do not lead. Ask its lead or an administrator.")
        )
    elif not person.is_active:
        candidate.fate = Fate.FAULT
        candidate.notes.append(_("This account is deactivated. An administrator can reactivate it."))
    elif enrollment is not None and enrollment.is_open:
        candidate.fate = Fate.ALREADY
        candidate.notes.append(
            _("Follows this plan already, in “%(cohort)s”.", cohort=enrollment.cohort.name)
            if enrollment.cohort is not None
            else _("Follows this plan already.")
        )
    elif enrollment is not None and enrollment.completed_at is not None:
        on = clock.local_date(enrollment.completed_at, person.time_zone)
        candidate.notes.append(_("Completed this plan on %(date)s; it begins anew.", date=format_date(on)))


def _judge_new(candidate: Candidate, numbered: Mapping[str, Person], first_number: dict[str, int]) -> None:
    listed = candidate.listed
    assert listed is not None
    number = listed.employee_number
    fault = ""
    if not listed.names.family_name:
        fault = _("There is no account with this address. Write the name beside it to send an invitation.")
    elif number and number in numbered:
        fault = _("This employee number belongs to another account.")
    elif number and number in first_number:
        fault = _("Line %(line)s has the same employee number.", line=first_number[number])
    elif number:
        first_number[number] = listed.line
    if fault:
        candidate.fate = Fate.FAULT
        candidate.notes.append(fault)


def _judge_mentors(found: Preview) -> None:
    by_code = {each.code: each for each in found.mentors}
    called: dict[str, list[Person]] = {}
    for mentor in found.mentors:
        for name in _ways_to_call(mentor):
            called.setdefault(name, []).append(mentor)
    for each in found.candidates:
        wanted = found.wishes.mentor_of.get(each.key)
        if wanted is not None:
            each.mentor = by_code.get(wanted)
        elif each.listed is not None and each.listed.mentor and each.fate in TAKEN:
            meant = called.get(_folded(each.listed.mentor), [])
            typed = each.listed.mentor[:80]
            if len(meant) == 1:
                each.mentor = meant[0]
            elif meant:
                each.notes.append(
                    _(
                        "“%(mentor)s” is the name of several chosen mentors. Write the email address instead.",
                        mentor=typed,
                    )
                )
            else:
                each.notes.append(_("“%(mentor)s” is not among the chosen mentors.", mentor=typed))
        if each.mentor is not None and each.person is not None and each.mentor.id == each.person.id:
            each.mentor = None
            each.notes.append(_("Nobody is her own mentor."))


def _ways_to_call(person: Person) -> set[str]:
    """Return, folded, how a list can name somebody: her address, and her names in each script in either order."""
    pairs = (
        (person.family_name, person.given_name),
        (person.family_kana, person.given_kana),
        (person.family_romaji, person.given_romaji),
    )
    names = {person.sign_in_name, person.full_name, person.shown_as}
    # A part of a name alone is none: it would fit whoever shares it.
    for family, given in pairs:
        if family and given:
            names |= {family + given, given + family}
    return {_folded(name) for name in names if name}


def _folded(name: str) -> str:
    """Return a name or an address as it is compared: width, case, kana, and what stands between its parts left out."""
    return _BETWEEN_NAMES.sub("", fold_for_search(name))


def _mark_accommodations(found: Preview, by: Person) -> None:
    mine = {each.person.id: each for each in found.taken if each.person is not None}
    if not mine or found.starts_on is None:
        return
    for agreed in accounts.list_open_accommodations():
        candidate = mine.get(agreed.person_id)
        if candidate is None or candidate.multiplier is not None or agreed.is_waiting or agreed.multiplier == 1:
            continue
        is_over = agreed.valid_until is not None and agreed.valid_until < found.starts_on
        if not is_over and allows(by, SEE_ACCOMMODATION, agreed.person):
            candidate.multiplier = agreed.multiplier


def _judge_events(found: Preview) -> bool:
    """Find the day of each event of the plan; say whether dates can be counted from all of them."""
    version, starts_on = found.version, found.starts_on
    assert version is not None
    assert starts_on is not None
    assert found.today is not None
    given = given_events(found.wishes, version)
    try:
        found.events = days_of_events(version, starts_on=starts_on, cohort=found.cohort, given=given)
    except (EventDatesMissing, EventOutOfBounds) as refused:
        found.obstacles.append(str(refused))
        return False
    if found.cohort is None:
        # These are to be the days of the cohort, which lie within a year of today.
        for event in version.events:
            if abs(found.events[event.slug].on - found.today) > FARTHEST_EVENT:
                found.obstacles.append(str(EventOutOfBounds(event=event.title)))
                return False
    return True


def given_events(wishes: Wishes, version: PlanVersion) -> dict[str, date]:
    """Return the days that were given for events of this version, by the event's slug."""
    days = {slug: date.fromisoformat(on) for slug, on in wishes.events.items() if on}
    return {event.slug: days[event.slug] for event in version.events if event.slug in days}


def _judge_dates(found: Preview) -> None:
    if found.version is None or found.market is None or found.today is None or found.starts_on is None:
        return
    if not _judge_events(found):
        return
    shapes = [step.shape for step in found.version.steps]
    basis = Basis(found.starts_on, events=tuple(found.events.items()))
    known = {each.person.id: each for each in found.taken if each.person is not None}
    read = calendars.read_calendars([found.market], known)
    found.calendar = read.of(found.market.id)
    _judge_recognition(found, known)
    found.invited_at = invited_at(found.starts_on, found.market, found.calendar)
    found.is_invited_at_once = (
        found.invited_at is None and hour_of_invitation(found.starts_on, found.market, found.calendar) is not None
    )
    try:
        with unknown_years_refused():
            found.schedule = rules.schedule(shapes, basis, found.calendar)
            minutes = {step.slug: step.minutes for step in found.version.steps}
            found.days = rules.loads(minutes, found.schedule, found.starts_on, found.calendar)
            last = found.days[-1].on
            timetable = _Timetable(shapes, basis, found.today)
            for each in found.taken:
                own = read.of(found.market.id, each.person.id) if each.person is not None else found.calendar
                each.short = timetable.short(own, frozenset(step.slug for step in (*each.recognised, *each.exempt)))
                if own is not found.calendar and (ends_on := timetable.ends_on(own)) != last:
                    each.ends_on = ends_on
    except HolidayYearUnknown as refused:
        found.schedule, found.days = None, ()
        found.obstacles.append(unknown_holidays(refused))


def unknown_holidays(refused: HolidayYearUnknown) -> str:
    """Say to those who plan, and run no commands, why dates of a year cannot be counted."""
    return _(
        "The holidays of the year %(year)s are not known (%(country)s), so that dates in it cannot be counted. "
        "An administrator can load them.",
        **refused.values,
    )


def _judge_recognition(found: Preview, known: Mapping[int, Candidate]) -> None:
    """Note what those with an account did before that counts in the plan."""
    if not known or found.version is None or found.market is None:
        return
    told = recognitions_of(person_ids=list(known), version=found.version, market=found.market, at=clock.now())
    for person_id, recognitions in told.items():
        known[person_id].recognised = [each.step for each in recognitions if each.why_not is None]
    asked = [step for step in found.version.steps if step.quiz_slug is not None]
    exempt = gradebook.find_exemptions_of(list(known), {step.quiz_slug or "" for step in asked})
    for person_id in {person_id for person_id, _quiz in exempt}:
        each = known[person_id]
        each.exempt = [step for step in asked if (person_id, step.quiz_slug) in exempt]
        each.recognised = [step for step in each.recognised if step not in each.exempt]


class _Timetable:
    """A plan in calendars of single people; what was counted for one serves all with the same calendar."""

    def __init__(self, shapes: Sequence[StepShape], basis: Basis, today: date) -> None:
        self._shapes, self._basis, self._today = shapes, basis, today
        # The calendars are kept by whoever asks, so that their numbers stay theirs.
        self._dues: dict[int, Schedule] = {}
        self._short: dict[tuple[int, frozenset[str]], list[Feasibility]] = {}

    def _schedule(self, calendar: WorkingCalendar) -> Schedule:
        if id(calendar) not in self._dues:
            self._dues[id(calendar)] = rules.schedule(self._shapes, self._basis, calendar)
        return self._dues[id(calendar)]

    def ends_on(self, calendar: WorkingCalendar) -> date:
        """Return the last date. Raises `YearNotInTable`."""
        return max(due.on for due in self._schedule(calendar).values())

    def short(self, calendar: WorkingCalendar, done: frozenset[str]) -> list[Feasibility]:
        """Return up to which dates there is not enough time for what is not done. Raises `YearNotInTable`."""
        key = id(calendar), done
        if key not in self._short:
            dues = self._schedule(calendar)
            found = rules.feasibility(self._shapes, dues, done, basis=self._basis, calendar=calendar, today=self._today)
            self._short[key] = [each for each in found if not each.is_enough]
        return self._short[key]


def _judge_whole(found: Preview) -> None:
    """Say what is worth a second look, and what is missing altogether."""
    if len(found.taken) > MOST_PEOPLE:
        found.obstacles.append(str(TooManyPeople(count=f"{len(found.taken):,}", most=f"{MOST_PEOPLE:,}")))
    elif not found.taken:
        found.obstacles.append(_("There is nobody to enroll. Add people to the list."))
    if found.schedule is None or found.calendar is None or found.today is None or found.starts_on is None:
        return
    past = sum(len(day.slugs) for day in found.days if day.on < found.today)
    if found.starts_on < found.today and not past:
        found.warnings.append(_("The first day, %(date)s, has passed.", date=format_date(found.starts_on)))
    elif found.starts_on < found.today:
        found.warnings.append(
            ngettext(
                "The first day, %(date)s, has passed; %(num)d step would be overdue from the beginning.",
                "The first day, %(date)s, has passed; %(num)d steps would be overdue from the beginning.",
                past,
                date=format_date(found.starts_on),
            )
        )
    elif past:
        found.warnings.append(
            ngettext(
                "%(num)d step is due before today and would be overdue from the beginning.",
                "%(num)d steps are due before today and would be overdue from the beginning.",
                past,
            )
        )
    found.warnings += about_first_day(found.starts_on, found.calendar)
    _judge_whether_it_begins(found, found.starts_on, {slug: due.on for slug, due in found.schedule.items()})
    for event in found.version.events if found.version is not None else ():
        found.warnings += about_event(event, found.events[event.slug].on, found.calendar, found.today)
    found.warnings += _about_order(found.version, found.schedule)
    short = sum(bool(each.short) for each in found.taken)
    if short:
        found.warnings.append(
            ngettext(
                "There is not enough time for %(num)d person; what is lacking stands beside the name.",
                "There is not enough time for %(num)d people; what is lacking stands beside the names.",
                short,
            )
        )
    heavy = [day for day in found.days if day.is_heavy]
    if heavy:
        # Joined apart: within the call its own words would not be found for translation.
        named = str(pgettext("list", ", ")).join(format_date(day.on) for day in heavy[:_MOST_NAMED])
        found.warnings.append(
            _(
                "More than 6 hours fall on one day: %(days)s. Choose another version of the plan, or tell the learners "
                "to begin earlier.",
                days=named,
            )
        )
    if unannounced := found.calendar.provisional_years(day.on for day in found.days):
        found.warnings.append(unannounced_told(unannounced))
    if not found.mentors and found.cohort is None and _needs_mentor(found.version):
        found.warnings.append(
            _("Steps of this plan are signed off by a mentor, and none is chosen: the leads are asked instead.")
        )


def _judge_whether_it_begins(found: Preview, starts_on: date, dues: Mapping[str, date]) -> None:
    """Refuse a cohort whose plan would be over before it begins; say what else is due before the first day."""
    last = last_before(starts_on, dues)
    if last is not None and found.cohort is None:
        found.obstacles.append(str(OverBeforeItBegins(first=starts_on, last=last)))
    elif found.version is not None:
        found.warnings += about_due_before(found.version, starts_on, dues)


def _needs_mentor(version: PlanVersion | None) -> bool:
    return version is not None and any(step.by is Doer.MENTOR for step in version.steps)


def _about_order(version: PlanVersion | None, schedule: Schedule) -> list[str]:
    """Say which steps the days of events put before one that has to be done first."""
    if version is None or not version.events:
        return []
    shapes = [step.shape for step in version.steps]
    origins, tasks = rules.origins_of(shapes), catalogue.tasks_of(version.steps)
    said = {step.slug: str(tasks[step.id]) for step in version.steps}
    return [
        _(
            "“%(step)s” is due before “%(first)s”, which has to be done first. Check the days of the events.",
            step=said[slug],
            first=said[first],
        )
        for slug, first in rules.out_of_order(shapes, schedule)
        # Within what is counted from one day the plan says so itself.
        if origins[slug] != origins[first]
    ]


# --- Taking it back --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """What would end with a cohort: whose plans, whose accounts that nobody has used yet, whose role as a mentor."""

    enrollments: Sequence[Enrollment]
    accounts: Sequence[Person]
    mentors: Sequence[Person]
    has_begun: bool


def what_would_end(cohort: Cohort) -> Withdrawal:
    """Return what ends when the cohort is withdrawn, and whether it is too late for that."""
    codes = cohort_drafts.list_invited(cohort)
    unused = [each for each in accounts.list_people_of(codes) if each.is_active and each.is_invited]
    return Withdrawal(
        cohort_drafts.list_open_enrollments(cohort),
        unused,
        accounts.list_holders(Role.MENTOR, Scope.COHORT, cohort.code),
        cohort_drafts.has_activity(cohort, codes),
    )


def withdraw(*, cohort: Cohort, reason: str, by: Person) -> int:
    """Take a cohort back before anybody has begun: plans are ended, members leave, unused accounts are closed.

    Nothing is deleted, and learners are told with the reason. Returns how many plans ended. Raises `HasBegun`,
    `CohortWithdrawn`, `ReasonMissing`, `StatementTooLong`.
    """
    said = checked_reason(reason)
    # Whoever is being taken in by the worker is so before or not at all.
    cohort = cohort_drafts.lock_cohort(cohort)
    for enrollment in cohort_drafts.list_open_enrollments(cohort):
        lock(enrollment)
    ending = what_would_end(cohort)
    if ending.has_begun:
        raise HasBegun()
    groups.withdraw_cohort(cohort=cohort, by=by)
    for enrollment in ending.enrollments:
        end_plan(enrollment=enrollment, reason=said, by=by)
    for person in cohorts.list_members(cohort):
        groups.remove_member(cohort=cohort, person=person, by=by)
    for person in ending.mentors:
        for grant in person.grants:
            if grant.ended_at is None and (grant.role, grant.scope_code) == (Role.MENTOR, cohort.code):
                grants.end_grant(grant=grant, by=by)
    _close_unused(ending.accounts, by)
    return len(ending.enrollments)


def _close_unused(unused: Collection[Person], by: Person) -> None:
    for person in unused:
        try:
            people.deactivate(person=person, by=by, knowing=True)
        except DomainError:
            # Somebody has made her responsible for something meanwhile; then the account is wanted.
            continue
