"""What is done when a version is published or withdrawn, and what is done about campaigns every few minutes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from portal.accounts.models import Person
from portal.acknowledgements import rules
from portal.acknowledgements.models import AcknowledgementRequest
from portal.acknowledgements.queries import campaigns as queries
from portal.acknowledgements.service import campaigns
from portal.acknowledgements.service.overdue import LeadsOf, is_away_today
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
    """Ask nobody any more to confirm what does not apply."""
    version = library.find_version_by_id(event.version_id)
    if version is not None:
        campaigns.end_what_applies_no_more(version)


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
    sent_at = rules.in_business_hours(now, zone, None if request.campaign.hours is not None else calendar)
    if sent_at > now:
        # Nobody was there to send it in time.
        request.next_mail_at = sent_at
        return
    send_later(
        "acknowledgements.asked" if request.next_mail == 0 else "acknowledgements.reminder",
        {"request": request.id},
        effect_key=f"request:{request.id}:{request.next_mail}:{request.started_at:%Y%m%dT%H%M%S}",
    )
    request.next_mail += 1
    set_dates(request, request.campaign, person, calendar, told_today=True)


@jobs.periodic("acknowledgements.escalate", minutes=30, what=_l("Tell leads who has not confirmed in time"))
def escalate() -> None:
    """Owe each lead one mail a day for each campaign in which somebody of hers is overdue, in her business hours."""
    now = clock.now()
    by_id = {campaign.id: campaign for campaign in queries.list_open_campaigns()}
    leads = LeadsOf()
    asked: dict[tuple[str, str], Person] = {}
    away = queries.people_on_leave(now)
    for request in queries.list_overdue(by_id, now):
        if is_away_today(request.person, away):
            continue
        for lead in leads.of(request.person):
            asked[by_id[request.campaign_id].code, lead.code] = lead
    working = read_calendars({lead.home_market for lead in asked.values()}, [lead.id for lead in asked.values()])
    for (code, lead_code), lead in sorted(asked.items(), key=lambda each: each[0]):
        zone = clock.zone_info(lead.time_zone)
        if rules.in_business_hours(now, zone, working.of(lead.home_market_id, lead.id)) == now:
            on = clock.today(lead.time_zone)
            send_later(
                "acknowledgements.overdue",
                {"campaign": code, "to": lead_code},
                effect_key=f"overdue:{code}:{lead_code}:{on}",
            )
