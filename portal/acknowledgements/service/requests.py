"""What one person is asked: its dates and mails, and how it ends."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from portal.accounts.models import Person
from portal.acknowledgements import rules
from portal.acknowledgements.models import AcknowledgementRequest, AskedAs, Campaign, RequestEnd
from portal.acknowledgements.rules import Due, Mail
from portal.calendars.rules import WorkingCalendar
from portal.core import clock


def close_request(request: AcknowledgementRequest, as_: RequestEnd) -> None:
    """End what is asked; the row stays, and no mail is sent about it any more."""
    request.closed_at, request.closed_as = clock.now(), as_
    request.next_mail_at = request.escalate_at = None


def days_of(campaign: Campaign, asked_as: AskedAs) -> int:
    """Return how many working days somebody asked like this has."""
    return {
        AskedAs.CURRENT: campaign.days_current,
        AskedAs.NEWCOMER: campaign.days_newcomers,
        AskedAs.RETURNING: campaign.days_returning,
    }[asked_as]


def due_of(
    campaign: Campaign, asked_as: AskedAs, person: Person, calendar: WorkingCalendar, started_at: datetime
) -> Due:
    """Return until when the person is to confirm, counted in her market's calendar less her leave."""
    zone = clock.zone_info(person.home_market.time_zone)
    if campaign.hours is not None:
        return rules.due_in_hours(
            asked_at=started_at,
            hours=campaign.hours,
            effective_at=campaign.version.effective_at,
            calendar=calendar,
            zone=zone,
        )
    days = days_of(campaign, asked_as)
    if asked_as is AskedAs.CURRENT:
        return rules.due_before(
            asked_at=started_at,
            days=days,
            effective_at=campaign.version.effective_at,
            calendar=calendar,
            zone=zone,
        )
    return rules.due_in_days(asked_at=started_at, days=days, calendar=calendar, zone=zone)


def is_due_at_effect(request: AcknowledgementRequest, campaign: Campaign) -> bool:
    """Say whether it is due at the instant at which the version takes effect."""
    return request.due_at == campaign.version.effective_at


def set_dates(
    request: AcknowledgementRequest,
    campaign: Campaign,
    person: Person,
    calendar: WorkingCalendar,
    *,
    told_today: bool = False,
    anew: bool = False,
) -> None:
    """Count until when the person is to confirm and when her next mail goes; mails that were sent stay sent.

    Who was `told_today` gets the next one on a later day. Who is asked `anew` is told so again.
    """
    due = due_of(campaign, request.asked_as, person, calendar, request.started_at)
    zone = clock.zone_info(person.time_zone)
    # Once those who look after her have been told, they are told again only of another date.
    if anew or request.due_at != due.at:
        request.escalate_at = rules.escalated_at(due=due, calendar=calendar, zone=zone)
    if anew:
        request.next_mail = Mail.ASKED
    request.due_on, request.due_at, request.days = due.on, due.at, due.days
    request.dated_at = clock.now()
    earliest = clock.now()
    if told_today and not due.is_urgent:
        earliest = datetime.combine(clock.today(person.time_zone) + timedelta(days=1), time(0), zone)
    request.next_mail_at = None
    times = rules.mail_times(asked_at=request.started_at, due=due, calendar=calendar, zone=zone)
    for mail, at in times.items():
        # That she is asked, and that it is over, is told however late; a reminder that is past is not made up for.
        is_late = at < earliest and mail not in (Mail.ASKED, Mail.OVERDUE)
        if mail >= request.next_mail and not is_late:
            request.next_mail, request.next_mail_at = mail, max(at, earliest) if told_today else at
            return
