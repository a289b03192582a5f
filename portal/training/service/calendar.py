"""A person's dates together: of her plans and of what she is asked to confirm; and calendars that subscribe them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any

from portal.accounts.models import Person
from portal.accounts.queries import is_shut_out
from portal.acknowledgements.queries.campaigns import list_to_do
from portal.core import clock, touch
from portal.core.codes import new_token
from portal.core.db import session
from portal.core.i18n import force_locale, language
from portal.core.i18n import gettext as _
from portal.core.i18n import lazy_gettext as _l
from portal.core.web import public_url
from portal.journal.service import record
from portal.library.rules.overlays import base_slug
from portal.organisation import queries as organisation
from portal.training import queries
from portal.training.errors import NoSuchFeed
from portal.training.formats.calendar_file import Entry, write
from portal.training.models import CalendarFeed, PlanStep, ToldDate
from portal.training.queries import Standing, catalogue, feeds
from portal.training.queries.step_results import Seat
from portal.training.rules import NOT_ASKED, SETTLED, StepKind, StepState

# What was taken out of a calendar is still told as cancelled for so long, to clients that look seldom.
CANCELLED_FOR = timedelta(days=60)
LONGEST_SUMMARY = 400
# That a calendar fetched the dates is noted so often.
NOTED_EACH = timedelta(hours=1)
# A change of what subscribed calendars are told: its name, in words, the day, whether it is cancelled, its sequence.
_Change = tuple[str, str, date, bool, int]


@dataclass(frozen=True, slots=True)
class Dated:
    """Something due on a day: its name that lasts, what it is in the reader's language, and how it stands.

    `state` is one of done, open, waiting, locked; of what is done the day is the one on which it was due, or on which
    its session was held. A session at which she is expected stands on its own day. `changed_at` is when sessions last
    moved it, None where none has.
    """

    uid: str
    on: date
    what: str
    belongs_to: str
    state: StepState
    is_late: bool
    endpoint: str
    values: Mapping[str, Any]
    optional: bool = False
    seat: Seat | None = None
    changed_at: datetime | None = None


def dates_of(person: Person, standings: Sequence[Standing]) -> list[Dated]:
    """Return every date of these plans and of what the person is asked to confirm, by day, in the language of now.

    Steps from which she is exempt have none, nor those that are set aside.
    """
    tasks = catalogue.tasks_of({step.id: step for each in standings for step in each.steps}.values())
    found = [
        _of_step(standing, step, str(tasks[step.id]))
        for standing in standings
        for step in standing.steps
        if standing.statuses[step.slug].state not in (StepState.EXEMPT, StepState.SET_ASIDE)
    ]
    by_step = {
        (step.document_slug, standing.due_on(step.slug))
        for standing in standings
        for step in standing.steps
        if step.kind is StepKind.ACKNOWLEDGE and standing.statuses[step.slug].state not in NOT_ASKED
    }
    for asked in list_to_do(person, language()):
        # Where a step asks for it on the same day it is one thing.
        if (base_slug(asked.slug), asked.due_on) in by_step:
            continue
        found.append(
            Dated(
                uid=f"confirm-{asked.slug}-{asked.number}",
                on=asked.due_on,
                what=str(_l("Confirm “%(title)s”", title=asked.title)),
                belongs_to=str(_("To be confirmed")),
                state=StepState.OPEN,
                is_late=asked.due_at <= clock.now(),
                endpoint="acknowledgements.delta",
                values={"slug": asked.slug},
            )
        )
    # What has an hour stands after what only has the day.
    return sorted(found, key=lambda each: (each.on, each.seat.starts_at.isoformat() if each.seat else ""))


def _of_step(standing: Standing, step: PlanStep, what: str) -> Dated:
    status = standing.statuses[step.slug]
    seat = standing.seat(step.slug) if status.state not in SETTLED else None
    # What was a session stands on the day on which it was held.
    held = standing.held(step.slug) if status.state is StepState.DONE else None
    return Dated(
        uid=f"{standing.enrollment.lasting_code}-{step.slug}",
        on=held.on if held is not None else standing.day_for(step.slug),
        what=what,
        belongs_to=str(standing.enrollment.version.title),
        state=status.state,
        is_late=status.is_late,
        endpoint="training.path",
        values={"code": standing.enrollment.code},
        optional=not step.required,
        seat=seat or held,
        changed_at=max((each.changed_at for each in standing.seats.get(step.slug, ())), default=None),
    )


def file_of_day(
    *, uid: str, on: date, summary: str, description: str, href: str, changed_at: datetime, zone: str
) -> bytes:
    """Return an iCalendar file of one day in the language of now, for what other domains have a date of.

    `uid` lasts and is unique within the portal.
    """
    entry = Entry(
        uid=_uid(uid),
        on=on,
        summary=summary[:LONGEST_SUMMARY],
        description=description,
        href=href,
        sequence=0,
        changed_at=changed_at,
    )
    return write(name=summary, description=description, language=language(), zone=zone, entries=[entry])


# --- Subscribed --------------------------------------------------------------------------------


def create_feed(*, person: Person) -> str:
    """Make a secret address under which the person's dates can be subscribed, and return its token: it is told once.

    The one before works no more.
    """
    _revoke(person)
    token = new_token()
    session.add(CalendarFeed(person_id=person.id, token_hash=hash_of(token), created_at=clock.now()))
    session.flush()
    record("training.calendar_shared", by=person, subject=("person", person.code))
    return token


def revoke_feed(*, person: Person) -> None:
    """Let the address stop working; where there is none, it has been done already."""
    if _revoke(person):
        record("training.calendar_revoked", by=person, subject=("person", person.code))


def _revoke(person: Person) -> bool:
    found = feeds.find_open_feed(person.id)
    if found is not None:
        found.revoked_at = clock.now()
        session.flush()
    return found is not None


def hash_of(token: str) -> str:
    """Return what is kept of a token."""
    return sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def get_feed(token: str) -> CalendarFeed:
    """Return what a token opens. Raises `NoSuchFeed` where it is unknown or revoked, or its person has left."""
    feed = feeds.find_feed(hash_of(token))
    if feed is None or is_shut_out(feed.person):
        raise NoSuchFeed()
    return feed


def file_of(feed: CalendarFeed) -> bytes:
    """Return the person's dates as a calendar file, in her language.

    Nothing in it tells a score, why a date moved, or why somebody is away.
    """
    person, zone, now = feed.person, feed.person.home_market.time_zone, clock.now()
    with force_locale(person.language):
        running = [each for each in queries.list_enrollments_of(person.id) if each.is_open]
        standings, unknown = queries.countable(running, own=True)
        due = [each for each in dates_of(person, standings) if each.state is not StepState.DONE]
        # Noted is when the dates were read: what changes between then and the note is told next time.
        # What cannot be computed for want of a holiday table is not called off.
        entries, changes = _entries(person, due, now, [f"{each.enrollment.lasting_code}-" for each in unknown])
        if changes or feed.fetched_at is None or now - feed.fetched_at > NOTED_EACH:
            feed_id, person_id = feed.id, person.id
            touch.note(lambda: _note(feed_id, person_id, changes, now))
        return write(
            name=str(_("Training: %(organisation)s", organisation=organisation.name().in_(person.language))),
            description=str(_("What is due in training plans, and what is to be confirmed.")),
            language=person.language,
            zone=zone,
            entries=entries,
        )


def _entries(
    person: Person, due: Sequence[Dated], now: datetime, left_out: Sequence[str]
) -> tuple[list[Entry], list[_Change]]:
    """Return the entries, and what is to be noted of them, so that the next file can count what has changed.

    Of what was told before under names that begin like one that is `left_out` nothing is said.
    """
    told = feeds.list_told_dates(person.id)
    present: dict[str, Dated] = {each.uid: each for each in due}
    changes: list[_Change] = []
    entries = []
    for uid, each in present.items():
        known, what = told.get(uid), _summary(each)
        sequence = _sequence(known, each)
        is_new = known is None or sequence != known.sequence or known.summary != what
        if is_new:
            changes.append((uid, what, each.on, False, sequence))
        entries.append(_entry(uid, what, each, sequence, now if is_new or known is None else known.changed_at))
    for uid, known in told.items():
        if (
            uid in present
            or uid.startswith(tuple(left_out))
            or (known.is_cancelled and now - known.changed_at > CANCELLED_FOR)
        ):
            continue
        sequence, changed_at = known.sequence, known.changed_at
        if not known.is_cancelled:
            sequence, changed_at = sequence + 1, now
            changes.append((uid, known.summary, known.due_on, True, sequence))
        entries.append(_cancelled(uid, known, sequence, changed_at))
    return sorted(entries, key=lambda each: (each.on, each.uid)), changes


def _sequence(known: ToldDate | None, each: Dated) -> int:
    if known is None:
        return 0
    # A session can be moved within its day, or to another place.
    is_moved = each.changed_at is not None and each.changed_at > known.changed_at
    return known.sequence + (known.due_on != each.on or known.is_cancelled or is_moved)


def _summary(each: Dated) -> str:
    said = str(_("%(step)s (optional)", step=each.what)) if each.optional else each.what
    return said[:LONGEST_SUMMARY]


def _note(feed_id: int, person_id: int, changes: Sequence[_Change], now: datetime) -> None:
    told = feeds.list_told_dates(person_id)
    session.get_one(CalendarFeed, feed_id).fetched_at = now
    for uid, summary, on, is_cancelled, sequence in changes:
        row = told.get(uid)
        if row is None:
            session.add(
                ToldDate(
                    person_id=person_id, uid=uid, summary=summary, due_on=on, is_cancelled=is_cancelled,
                    sequence=sequence, changed_at=now,
                )
            )  # fmt: skip
        elif row.sequence <= sequence:
            # What another client was told meanwhile is newer.
            row.summary, row.due_on, row.is_cancelled = summary, on, is_cancelled
            row.sequence, row.changed_at = sequence, now


def _entry(uid: str, summary: str, each: Dated, sequence: int, changed_at: datetime) -> Entry:
    href = public_url(each.endpoint, **each.values)
    way = " › ".join((str(_("Calendar")), each.belongs_to, each.what))
    seat = each.seat
    # The link by which a session is held, where it has a place besides.
    link = [seat.link] if seat is not None and seat.place and seat.link else []
    return Entry(
        uid=_uid(uid),
        on=each.on,
        summary=summary,
        description="\n".join((way, href, *link)),
        href=href,
        sequence=sequence,
        changed_at=changed_at,
        period=(seat.starts_at, seat.ends_at) if seat is not None else None,
        location=(seat.place or seat.link) if seat is not None else "",
    )


def _cancelled(uid: str, known: ToldDate, sequence: int, changed_at: datetime) -> Entry:
    return Entry(
        uid=_uid(uid),
        on=known.due_on,
        summary=known.summary,
        description="",
        href="",
        sequence=sequence,
        changed_at=changed_at,
        is_cancelled=True,
    )


def _uid(uid: str) -> str:
    """Return a name that is the same at every look and nowhere else."""
    return f"{uid}@{public_url('operations.start').split('/')[2].partition(':')[0]}"
