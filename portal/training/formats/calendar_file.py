"""Dates as an iCalendar file (RFC 5545, RFC 7986) that Google, Outlook and Apple subscribe; the one door to icalendar.

What each client asks for stands beside the line that does it; the record is docs/adr/0016-subscribed-calendars.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from icalendar import Calendar, Event, Timezone, vDuration, vText, vUri

# How often a client is asked to look again. Google goes by its own time, about twice a day.
REFRESH = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Entry:
    """One day on which something is due, or a meeting of that day from a `period`'s first instant to its last.

    `sequence` and `changed_at` are of its last change.
    """

    uid: str
    on: date
    summary: str
    description: str
    href: str
    sequence: int
    changed_at: datetime
    is_cancelled: bool = False
    period: tuple[datetime, datetime] | None = None
    location: str = ""


def write(*, name: str, description: str, language: str, zone: str, entries: Sequence[Entry]) -> bytes:
    """Return the file: UTF-8, lines of at most 75 octets that end in CRLF; the same bytes for the same entries."""
    calendar = Calendar()
    calendar.add("prodid", "-//Shirube//Training dates//EN")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    # Outlook takes a file without a method for an invitation.
    calendar.add("method", "PUBLISH")
    # The name: RFC 7986's for Apple, the older one for Google and Outlook.
    calendar.add("name", _text(name, language))
    calendar.add("x-wr-calname", _Text(name))
    calendar.add("description", _text(description, language))
    calendar.add("x-wr-caldesc", _Text(description))
    # When to look again: RFC 7986's, and the older one that Outlook reads.
    refresh = vDuration(REFRESH)
    refresh.params["VALUE"] = "DURATION"
    calendar.add("refresh-interval", refresh)
    calendar.add("x-published-ttl", vDuration(REFRESH))
    for entry in entries:
        calendar.add_component(_event(entry, language))
    if not entries:
        # A calendar without any component is no iCalendar file, and Google refuses it.
        calendar.add_component(Timezone.from_tzid(zone, first_date=date(2026, 1, 1), last_date=date(2026, 12, 31)))
    return bytes(calendar.to_ical(sorted=False))


def _event(entry: Entry, language: str) -> Event:
    event = Event()
    event.add("uid", entry.uid)
    # In a published calendar this is when the entry was changed last: so that what has not changed has the same bytes.
    event.add("dtstamp", entry.changed_at)
    event.add("last-modified", entry.changed_at)
    event.add("sequence", entry.sequence)
    if entry.period is not None:
        # In UTC an instant needs no description of a zone; clients show it in their own.
        event.add("dtstart", entry.period[0].astimezone(UTC))
        event.add("dtend", entry.period[1].astimezone(UTC))
    else:
        # A day has no zone: it is the same date wherever the reader is. The end is the day after, which does not belong
        # to it: Outlook shows a day without an end as a moment at midnight.
        event.add("dtstart", entry.on)
        event.add("dtend", entry.on + timedelta(days=1))
    event.add("summary", _text(entry.summary, language))
    if entry.description:
        event.add("description", _text(entry.description, language))
    if entry.location:
        event.add("location", _text(entry.location, language))
    if entry.href:
        event.add("url", vUri(entry.href))
    event.add("status", "CANCELLED" if entry.is_cancelled else "CONFIRMED")
    # What is due on a day does not make the day busy, a meeting does its time; Outlook asks in its own word.
    event.add("transp", "TRANSPARENT" if entry.period is None else "OPAQUE")
    event.add("x-microsoft-cdo-busystatus", "FREE" if entry.period is None else "BUSY")
    event.add("class", "PRIVATE")
    return event


class _Text(vText):
    """A text that is written as RFC 5545 (3.3.11) says: the library takes a \\N that somebody typed for a new line."""

    def to_ical(self) -> bytes:
        """Return the text with its signs escaped."""
        said = str(self).replace("\r\n", "\n").replace("\r", "\n")
        for sign in ("\\", ";", ","):
            said = said.replace(sign, f"\\{sign}")
        return said.replace("\n", "\\n").encode()


def _text(said: str, language: str) -> _Text:
    text = _Text(said)
    text.params["LANGUAGE"] = language
    return text
