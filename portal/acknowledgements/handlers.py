"""What is done when a version is published or withdrawn, and what is done about campaigns every few minutes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from hashlib import sha256
from typing import Any

from portal.accounts.models import Person
from portal.acknowledgements import rules
from portal.acknowledgements.models import AcknowledgementRequest
from portal.acknowledgements.queries import campaigns as queries
from portal.acknowledgements.service import campaigns
from portal.acknowledgements.service.overdue import LookingAfter, ToldAs, is_away_today
from portal.acknowledgements.service.requests import set_dates
from portal.calendars.queries import read_calendars
from portal.core import clock, jobs
from portal.core.db import session
from portal.core.events import subscribe
from portal.core.i18n import language
from portal.core.i18n import lazy_gettext as _l
from portal.core.jobs import Description, Progress
from portal.core.mail import send_later
from portal.library import queries as library
from portal.library.events import VersionPublished, VersionWithdrawn

# So many mails are made in one transaction.
MAILS_AT_ONCE = 200


def on_published(event: VersionPublished) -> None:
    """Owe the asking of the audience, where the version asks one."""
    version = library.find_version_by_id(event.version_id)
    if version is None or not campaigns.is_to_be_asked(version):
        return
    jobs.enqueue(
        "acknowledgements.ask",
        {"version_id": version.id},
        effect_key=campaigns.ask_key(version.id),
        requested_by=version.issued_by,
    )


def on_withdrawn(event: VersionWithdrawn) -> None:
    """Ask nobody any more to confirm what does not apply, and whoever follows another text now about that one."""
    version = library.find_version_by_id(event.version_id)
    if version is not None:
        campaigns.end_what_applies_no_more(version)
        campaigns.ask_who_comes_back(version)


def init() -> None:
    """Listen to what happens in the library."""
    subscribe(VersionPublished, on_published)
    subscribe(VersionWithdrawn, on_withdrawn)


# --- work ---------------------------------------------------------------------------------------


def _describe_asking(arguments: Sequence[Mapping[str, Any]]) -> list[Description]:
    titles = library.list_titles([each["version_id"] for each in arguments], language())
    return [
        Description(_l("Ask an audience to confirm a version"), about=titles.get(each["version_id"], ""))
        for each in arguments
    ]


def _describe_ending(arguments: Sequence[Mapping[str, Any]]) -> list[Description]:
    found = queries.find_campaigns([each["campaign"] for each in arguments])
    titles = library.list_titles([each.version_id for each in found.values()], language())
    return [
        Description(
            _l("End what a campaign asks"),
            about=titles.get(found[each["campaign"]].version_id, "") if each["campaign"] in found else "",
        )
        for each in arguments
    ]


@jobs.job("acknowledgements.ask", describe=_describe_asking)
def ask(version_id: int) -> Iterator[Progress]:
    """Ask the audience of a version, some people at a time."""
    yield from campaigns.ask_audience(version_id)


@jobs.job("acknowledgements.end", describe=_describe_ending)
def end(campaign: str) -> Iterator[Progress]:
    """End what a closed campaign still asks."""
    yield from campaigns.end_requests(queries.get_campaign(campaign))


@jobs.periodic("acknowledgements.keep_up", minutes=10, what=_l("Ask those who joined an audience to confirm"))
def keep_up() -> Iterator[Progress]:
    """Ask those who joined an audience since, and let those go who left it."""
    yield from campaigns.keep_up()


# --- mails --------------------------------------------------------------------------------------


@jobs.periodic("acknowledgements.mails", minutes=5, what=_l("Send what people are asked to confirm, and reminders"))
def send_mails() -> Iterator[Progress]:
    """Owe the mails whose time has come, each once; who is away gets hers when she is back."""
    done = 0
    while found := queries.list_due_mails(clock.now(), MAILS_AT_ONCE):
        working = read_calendars({each.person.home_market for each in found}, [each.person_id for each in found])
        away = queries.people_on_leave(clock.now())
        for request in found:
            _send(request, working, away)
        session.flush()
        done += len(found)
        yield Progress(done, done)


def _send(request: AcknowledgementRequest, working: Any, away: Mapping[int, Any]) -> None:
    person, now = request.person, clock.now()
    zone = clock.zone_info(person.time_zone)
    calendar = working.of(person.home_market_id, person.id)
    if not person.is_active:
        request.next_mail_at = None
        return
    if is_away_today(person, away):
        # Looked at again on each day until she is back.
        tomorrow = (now.astimezone(zone) + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
        request.next_mail_at = rules.in_business_hours(tomorrow, zone, calendar)
        return
    if request.campaign.hours is None:
        sent_at = rules.in_business_hours(now, zone, calendar)
        if sent_at > now:
            # Nobody was there to send it in time.
            request.next_mail_at = sent_at
            return
    send_later(
        _MAILS[rules.Mail(request.next_mail)],
        {"request": request.id},
        effect_key=f"request:{request.id}:{request.next_mail}:{request.started_at:%Y%m%dT%H%M%S}",
    )
    request.next_mail += 1
    set_dates(request, request.campaign, person, calendar, told_today=True)


_MAILS = {
    rules.Mail.ASKED: "acknowledgements.asked",
    rules.Mail.FIRST_REMINDER: "acknowledgements.reminder",
    rules.Mail.SECOND_REMINDER: "acknowledgements.reminder",
    rules.Mail.LAST_REMINDER: "acknowledgements.last_reminder",
    rules.Mail.OVERDUE: "acknowledgements.late",
}


@jobs.periodic("acknowledgements.escalate", minutes=10, what=_l("Tell leads who has not confirmed in time"))
def escalate() -> None:
    """Owe those who look after people one mail each about whoever is overdue and of whom they were not told yet."""
    now = clock.now()
    away = queries.people_on_leave(now)
    found = [each for each in queries.list_to_escalate(now) if not is_away_today(each.person, away)]
    if not found:
        return
    looking_after = LookingAfter([each.person_id for each in found], away)
    told: dict[tuple[str, str], dict[ToldAs, list[AcknowledgementRequest]]] = {}
    people: dict[str, Person] = {}
    for request in found:
        for person, as_ in looking_after.of(request.person, request.campaign).items():
            people[person.code] = person
            told.setdefault((request.campaign.code, person.code), {}).setdefault(as_, []).append(request)
        request.escalate_at = None
    working = read_calendars({each.home_market for each in people.values()}, [each.id for each in people.values()])
    for (code, person_code), groups in sorted(told.items(), key=lambda each: each[0]):
        person = people[person_code]
        requests = [each for group in groups.values() for each in group]
        # An emergency waits for no working day.
        calendar = None if requests[0].campaign.hours is not None else working.of(person.home_market_id, person.id)
        which = repr((sorted(each.id for each in requests), now.isoformat()))
        send_later(
            "acknowledgements.overdue",
            {
                "campaign": code,
                "to": person_code,
                "told": {as_.value: sorted(each.id for each in group) for as_, group in groups.items()},
            },
            effect_key=f"overdue:{code}:{person_code}:{sha256(which.encode()).hexdigest()[:16]}",
            not_before=rules.in_business_hours(now, clock.zone_info(person.time_zone), calendar),
        )
    session.flush()
