"""Putting digests together and owing their mails: one a day for each person, whatever runs twice or breaks off."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from portal.accounts import queries as accounts
from portal.accounts.models import Person
from portal.calendars import queries as calendars
from portal.core import clock
from portal.core.db import insert, session
from portal.core.jobs import Progress
from portal.core.mail import send_later
from portal.reminders import queries, rules
from portal.reminders.models import Digest, DigestEscalation, ReminderPreference, SweptHour
from portal.reminders.rules import Rhythm, Section, Turn
from portal.reminders.service.sources import Concern, Item, Recipient, sources
from portal.training import queries as training

# Of these is kept what was told.
_TOLD_ONCE = frozenset({Concern.ESCALATED, Concern.EXPIRES, Concern.ALONE})
# What is told when it begins, and again on the first day of each week.
_WEEKLY = {Concern.ESCALATED: Section.ESCALATED, Concern.ALONE: Section.ALONE}
# So many people are looked at in one transaction.
PEOPLE_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Part:
    """A section of a digest: what it names, and how many more there are."""

    section: Section
    items: Sequence[Item]
    more: int


@dataclass(frozen=True, slots=True)
class Composed:
    """What the digest of one person says on a day of hers; `keys` is what it escalates to her, and what expires."""

    on: date
    parts: Sequence[Part]
    keys: Sequence[str] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to say, so that nothing is sent."""
        return not self.parts

    def count(self, section: Section) -> int:
        """Return how many things a section tells of."""
        return sum(len(part.items) + part.more for part in self.parts if part.section is section)


def compose(people: Sequence[Person], *, told_in: Mapping[int, Sequence[str]] | None = None) -> dict[int, Composed]:
    """Return person's row number → what her digest says today; without those who do not work today.

    `told_in` gives what a digest that is owed already escalates, so that it tells the same when it is written.
    """
    turns, recipients = _whose_turn(people)
    if not recipients:
        return {}
    items: dict[int, list[Item]] = defaultdict(list)
    for source in sources():
        for person_id, found in source.items_for(recipients).items():
            items[person_id] += found
    told = _told_before(recipients, items)
    return {
        each.person.id: _composed(
            each,
            turns[each.person.id],
            items.get(each.person.id, ()),
            told.get(each.person.id, set()),
            None if told_in is None else set(told_in.get(each.person.id, ())),
        )
        for each in recipients
    }


def _whose_turn(people: Sequence[Person]) -> tuple[dict[int, Turn], list[Recipient]]:
    """Return the turn of each who works today by her row, and with what her digest is put together."""
    now = clock.now()
    working = calendars.read_calendars([each.home_market for each in people], [each.id for each in people])
    preferences = queries.list_preferences([each.id for each in people])
    turns: dict[int, Turn] = {}
    recipients = []
    for person in people:
        today = clock.local_date(now, person.time_zone)
        calendar = working.of(person.home_market_id, person.id)
        turn = rules.turn_of(rhythm_of(preferences.get(person.id)), calendar, today)
        if turn is not None:
            turns[person.id] = turn
            recipients.append(Recipient(person, today, turn.until, calendar))
    return turns, recipients


def rhythm_of(preference: ReminderPreference | None) -> Rhythm:
    """Return how often somebody is reminded: daily, unless she has chosen otherwise."""
    return Rhythm.DAILY if preference is None else preference.rhythm


def _told_before(recipients: Sequence[Recipient], items: Mapping[int, Sequence[Item]]) -> Mapping[int, set[str]]:
    keys = {item.key for found in items.values() for item in found if item.concern in _TOLD_ONCE}
    return queries.list_told({each.person.id: each.today for each in recipients}, sorted(keys))


def _composed(
    recipient: Recipient, turn: Turn, items: Sequence[Item], told_before: set[str], told_in: set[str] | None
) -> Composed:
    sections: dict[Section, list[Item]] = defaultdict(list)
    for item in sorted(items, key=lambda each: each.due_on):
        if item.concern in _WEEKLY:
            is_told = (
                item.key in told_in
                if told_in is not None
                else rules.is_told(item.key, told_before, repeats=turn.repeats)
            )
            section = _WEEKLY[item.concern] if is_told else None
            if section is Section.ESCALATED and item.is_of_handover:
                section = Section.HANDOVERS
        elif item.concern is Concern.EXPIRES:
            is_told = item.key in told_in if told_in is not None else turn.reminds and item.key not in told_before
            section = Section.EXPIRES if is_told else None
        elif not turn.reminds:
            section = None
        elif item.concern is Concern.WAITS:
            section = Section.SIGN_OFFS
        elif item.concern is Concern.NEWS:
            section = Section.NEWS
        else:
            section = rules.section_of(item.due_on, recipient.today, recipient.until)
        if section is not None:
            sections[section].append(item)
    parts = [
        Part(section, sections[section][: rules.MOST_NAMED], max(0, len(sections[section]) - rules.MOST_NAMED))
        for section in Section
        if section in sections
    ]
    keys = [
        each.key
        for section in (Section.HANDOVERS, Section.ESCALATED, Section.ALONE, Section.EXPIRES)
        for each in sections.get(section, ())
    ]
    return Composed(recipient.today, parts, keys)


# --- The sweep ---------------------------------------------------------------------------------


def sweep() -> Iterator[Progress]:
    """Owe the digests whose hour has come, zone by zone and some people at a time.

    Whoever was not looked at because the sweep broke off is at the next one: an hour is ticked off once all have been.
    """
    done = 0
    for zone in queries.list_zones():
        now = clock.now().astimezone(clock.zone_info(zone))
        hours = rules.hours_to_sweep(now.hour, queries.list_swept(zone, now.date()))
        if not hours:
            continue
        after = 0
        while people := queries.list_whose_turn(zone, now.date(), hours, after, PEOPLE_AT_ONCE):
            after = people[-1].id
            owe(people)
            done += len(people)
            yield Progress(done, done)
        swept = [{"zone": zone, "on": now.date(), "hour": hour, "at": clock.now()} for hour in hours]
        session.execute(insert(SweptHour.__table__).values(swept).on_conflict_do_nothing())
        yield Progress(done, done)


def owe(people: Sequence[Person]) -> int:
    """Owe these people their digest of today where there is something to say; return how many were owed one now."""
    by_id = {each.id: each for each in people}
    told = {person_id: each for person_id, each in compose(people).items() if not each.is_empty}
    now = clock.now()
    # Of whom another worker was faster comes no row back.
    added = _add_digests(
        [
            {"person_id": person_id, "on": each.on, "zone": by_id[person_id].time_zone, "at": now}
            for person_id, each in told.items()
        ]
    )
    escalated = [
        {"digest_id": digest_id, "key": key} for person_id, digest_id in added.items() for key in told[person_id].keys
    ]
    if escalated:
        session.execute(insert(DigestEscalation), escalated)
    for person_id in added:
        person, on = by_id[person_id], told[person_id].on
        send_later("reminders.digest", {"to": person.code, "on": on.isoformat()}, effect_key=key_of(person, on))
    return len(added)


def key_of(person: Person, on: date) -> str:
    """Return under which key the mail of a person's day is owed."""
    return f"digest:{person.code}:{on.isoformat()}"


def _add_digests(rows: list[dict[str, Any]]) -> dict[int, int]:
    """Add those of these digests that are not there; return person's row number → the digest's, of what was added."""
    if not rows:
        return {}
    statement = insert(Digest.__table__).values(rows).on_conflict_do_nothing()
    found = session.execute(statement.returning(Digest.person_id, Digest.id))
    return {row.person_id: row.id for row in found}


# --- As it is written --------------------------------------------------------------------------


def as_written(person: Person, on: date) -> Composed | None:
    """Return what the digest says when its mail is written; None where its day is over or all has been done since."""
    if clock.today(person.time_zone) != on or not person.is_active:
        return None
    digest = queries.find_digest(person.id, on)
    if digest is None:
        return None
    composed = compose([person], told_in={person.id: [each.key for each in digest.escalations]}).get(person.id)
    return None if composed is None or composed.is_empty else composed


def preview(person: Person) -> tuple[Composed | None, datetime | None]:
    """Return what the person's digest of today says or would say, and when it was owed, if it was.

    None instead of the first where she does not work today.
    """
    digest = queries.find_digest(person.id, clock.today(person.time_zone))
    told_in = {person.id: [each.key for each in digest.escalations]} if digest else None
    return compose([person], told_in=told_in).get(person.id), digest.at if digest else None


def is_told_apart(person: Person) -> bool:
    """Say whether a plan was assigned to the person today, of which a mail of its own tells instead of the digest."""
    assigned_at = training.find_last_enrolled_at(person.id)
    zone = person.time_zone
    return assigned_at is not None and clock.local_date(assigned_at, zone) == clock.today(zone)


def find_recipient(code: str) -> Person | None:
    """Return the person of a code who can be sent a digest."""
    found = accounts.find_person(code)
    return found if found is not None and found.is_active else None
