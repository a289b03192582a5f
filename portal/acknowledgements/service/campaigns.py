"""Campaigns: asking an audience to confirm a version, keeping up with who joins and leaves, and ending it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date

from portal.accounts import queries as accounts
from portal.accounts.models import Person
from portal.accounts.service.ownership import set_owner
from portal.acknowledgements import queries as statements
from portal.acknowledgements import rules
from portal.acknowledgements.errors import CampaignClosed, NotExempt, ReasonMissing, RequestClosed
from portal.acknowledgements.models import (
    AcknowledgementRequest,
    AskedAs,
    Campaign,
    CampaignEnd,
    RequestEnd,
)
from portal.acknowledgements.queries import campaigns as queries
from portal.acknowledgements.service import deltas
from portal.acknowledgements.service.newcomers import list_newcomers
from portal.acknowledgements.service.requests import close_request, set_dates
from portal.calendars import queries as calendars
from portal.calendars.service.absences import list_absences
from portal.core import clock, jobs
from portal.core.codes import new_code
from portal.core.db import session
from portal.journal.service import record
from portal.library import queries as library
from portal.library.models import ChangeClass, DocumentKind, DocumentVersion
from portal.library.queries.audience import markets_returned
from portal.library.rules.changes import was_called_off

# Under which accounts knows who answers for a campaign.
OWNED_KIND = "campaign"
# So many people are asked, or requests ended, in one transaction.
AT_ONCE = 250
# Others read the reason in the list of a campaign.
REASON_LIMIT = 500


# --- beginning ----------------------------------------------------------------------------------


def is_to_be_asked(version: DocumentVersion) -> bool:
    """Say whether the version asks its audience to confirm it, by its class, its document and where it was written."""
    return queries.is_to_be_asked(version)


def ask_key(version_id: int) -> str:
    """Return the effect key of the work that asks for a version."""
    return f"acknowledgements.ask:{version_id}"


def begin_campaign(version: DocumentVersion) -> Campaign | None:
    """Begin to ask for the version, and end the campaigns about older ones; None where it is not asked any more.

    A second time the same campaign is returned. A version that was withdrawn, or that a newer one which asks, too, has
    overtaken before anybody was asked, asks nobody.
    """
    known = queries.find_campaign_of(version.id)
    if known is not None:
        return known if known.closed_at is None else None
    document = version.document
    newer = [each for each in document.versions if each.sequence > version.sequence and each.withdrawn_at is None]
    if any(is_to_be_asked(each) for each in newer) or deltas.goal_of(document, version) is None:
        return None
    days = rules.Days()
    campaign = Campaign(
        code=new_code(),
        version=version,
        change_class=version.change_class,
        asked_at=clock.now(),
        asked_by=version.issued_by,
        days_current=days.current,
        days_newcomers=days.newcomers,
        days_returning=days.returning,
        hours=rules.EMERGENCY_HOURS if version.change_class is ChangeClass.EMERGENCY else None,
    )
    session.add(campaign)
    session.flush()
    for older in queries.list_older_campaigns(campaign):
        older.closed_at, older.closed_because = clock.now(), CampaignEnd.SUPERSEDED
        older.superseded_by = campaign.code
    session.flush()
    record(
        "acknowledgements.campaign_begun",
        by=None,
        subject=("campaign", campaign.code),
        after={"document": document.slug, "version": version.number, "change_class": version.change_class.value},
    )
    _name_owner(campaign)
    return campaign


def _name_owner(campaign: Campaign) -> None:
    """Let who issued the version answer for the campaign; where she is not there any more, the document's owner."""
    of_document = accounts.find_owner("document", campaign.version.document.slug)
    named = [accounts.find_person(campaign.asked_by)]
    if of_document is not None:
        named += [of_document.owner, of_document.deputy]
    owner = next((each for each in named if each is not None and each.is_active), None)
    if owner is not None:
        set_owner(kind=OWNED_KIND, code=campaign.code, owner=owner, by=None)


def ask_audience(version_id: int) -> Iterator[jobs.Progress]:
    """Ask everybody whom the version is addressed to, some at a time; who was asked before is not asked again."""
    version = library.find_version_by_id(version_id)
    if version is None or not (is_to_be_asked(version) or queries.list_asked_ids(version)):
        return
    campaign = begin_campaign(version)
    if campaign is None:
        return
    ids = queries.list_asked_ids(campaign.version)
    yield jobs.Progress(0, len(ids))
    for start in range(0, len(ids), AT_ONCE):
        chunk = ids[start : start + AT_ONCE]
        if campaign.closed_at is None:
            ask_people(campaign=campaign, people=dict.fromkeys(chunk, AskedAs.CURRENT))
        yield jobs.Progress(start + len(chunk), len(ids))
    # Those who are away or have gone to another audience are not asked about the older version any more either.
    yield from _end_older(campaign)


def _end_older(campaign: Campaign) -> Iterator[jobs.Progress]:
    for older in queries.list_superseded_by(campaign):
        yield from end_requests(older)


def ask_people(*, campaign: Campaign, people: Mapping[int, AskedAs]) -> int:
    """Ask these people (row number → as whom); return how many were asked now.

    Nobody is asked while she is away. Of current staff a newcomer who has confirmed no version yet is asked as that.
    Who has confirmed this very version is noted as that. What she was asked about an older version ends.
    """
    now, version = clock.now(), campaign.version
    known = queries.list_requests_of(campaign, people)
    away = queries.people_on_leave(now)
    found = [
        person
        for person in queries.list_people(people)
        if not _is_away(person, away) and _may_ask(known.get(person.id))
    ]
    if not found:
        return 0
    ids = [person.id for person in found]
    for older in queries.list_open_of(version.document_id, ids):
        close_request(older, RequestEnd.SUPERSEDED)
    # A person has one open request for a document: the older ones are closed before there are new ones.
    session.flush()
    confirmed = statements.list_acknowledgements_of(version, ids)
    bases = queries.list_last_confirmed(version, ids)
    minutes = _minutes(version, set(bases.values()) | ({None} if len(bases) < len(ids) else set()))
    working = calendars.read_calendars({person.home_market for person in found}, ids)
    new = list_newcomers(
        [each for each in found if people[each.id] is AskedAs.CURRENT and each.id not in bases], working
    )
    for person in found:
        request = known.get(person.id)
        if request is None:
            request = AcknowledgementRequest(
                campaign_id=campaign.id,
                document_id=version.document_id,
                person_id=person.id,
                asked_at=now,
                asked_as=AskedAs.NEWCOMER if person.id in new else people[person.id],
                from_version_id=bases.get(person.id),
                next_mail=0,
            )
            session.add(request)
        request.closed_at = request.closed_as = None
        request.started_at, request.minutes = now, minutes[bases.get(person.id)]
        set_dates(request, campaign, person, working.of(person.home_market_id, person.id), anew=True)
        if person.id in confirmed:
            close_request(request, RequestEnd.CONFIRMED)
    session.flush()
    record(
        "acknowledgements.people_asked",
        by=None,
        subject=("campaign", campaign.code),
        after={"people": len(found)},
    )
    return len(found)


def _may_ask(request: AcknowledgementRequest | None) -> bool:
    """Say whether somebody can be asked: not yet, or not any more since she had left or a withdrawn version came."""
    return request is None or request.closed_as in (RequestEnd.LEFT, RequestEnd.SUPERSEDED)


def _is_away(person: Person, away: Mapping[int, Sequence[tuple[date, date]]]) -> bool:
    on = clock.today(person.home_market.time_zone)
    return any(first <= on <= last for first, last in away.get(person.id, ()))


def _minutes(version: DocumentVersion, bases: Collection[int | None]) -> dict[int | None, int]:
    return {
        base: deltas.minutes_of(
            version.document, library.find_version_by_id(base) if base is not None else None, version
        )
        for base in bases
    }


# --- keeping up ---------------------------------------------------------------------------------


def keep_up() -> Iterator[jobs.Progress]:
    """Ask those who joined an audience since, let those go who left it, and count dates anew where days changed."""
    for code in [each.code for each in queries.list_open_campaigns()]:
        campaign = queries.get_campaign(code)
        if campaign.closed_at is not None or _is_being_asked(campaign):
            continue
        for request in queries.list_left(campaign, AT_ONCE):
            close_request(request, RequestEnd.LEFT)
        session.flush()
        late = queries.list_not_asked_ids(campaign)
        # Most of them are away, day after day.
        present = _who_is_here(campaign, late)
        for start in range(0, len(present), AT_ONCE):
            chunk = dict(list(present.items())[start : start + AT_ONCE])
            ask_people(campaign=campaign, people=chunk)
            yield jobs.Progress(start + len(chunk), len(present))
        last = 0
        # Company days move the dates of a whole market.
        while redated := queries.list_redated(campaign, AT_ONCE, after=last):
            working = calendars.read_calendars(
                {each.person.home_market for each in redated}, [each.person_id for each in redated]
            )
            for request in redated:
                person = request.person
                set_dates(request, campaign, person, working.of(person.home_market_id, person.id))
            session.flush()
            last = redated[-1].id
            yield jobs.Progress(0, 0)
            campaign = queries.get_campaign(code)
        yield jobs.Progress(0, 0)


def _is_being_asked(campaign: Campaign) -> bool:
    work = jobs.find_job(ask_key(campaign.version_id))
    return work is not None and work.state in (jobs.JobState.CREATED, jobs.JobState.RUNNING)


def _who_is_here(campaign: Campaign, ids: Sequence[int]) -> dict[int, AskedAs]:
    """Return those of these people who are not away: back from leave who was away at the asking, else newcomers."""
    now, found = clock.now(), {}
    leave: dict[int, list[tuple[date, date]]] = {}
    for each in list_absences(campaign.asked_at.date(), now.date()) if ids else ():
        leave.setdefault(each.person_id, []).append((each.first_on, each.last_on))
    for start in range(0, len(ids), AT_ONCE):
        for person in queries.list_people(ids[start : start + AT_ONCE]):
            zone = person.home_market.time_zone
            asked_on, today = clock.local_date(campaign.asked_at, zone), clock.today(zone)
            own = leave.get(person.id, ())
            if any(first <= today <= last for first, last in own):
                continue
            was_away = any(first <= asked_on <= last for first, last in own)
            found[person.id] = AskedAs.RETURNING if was_away else AskedAs.NEWCOMER
    return found


# --- ending -------------------------------------------------------------------------------------


def end_requests(campaign: Campaign) -> Iterator[jobs.Progress]:
    """End what a closed campaign still asks, some people at a time."""
    if campaign.closed_because is None:
        return
    end = {
        CampaignEnd.SUPERSEDED: RequestEnd.SUPERSEDED,
        CampaignEnd.WITHDRAWN: RequestEnd.WITHDRAWN,
        CampaignEnd.BY_HAND: RequestEnd.STOPPED,
    }[campaign.closed_because]
    done = 0
    while found := queries.list_open_requests(campaign, AT_ONCE):
        for request in found:
            close_request(request, end)
        session.flush()
        done += len(found)
        record(
            "acknowledgements.requests_ended",
            by=None,
            subject=("campaign", campaign.code),
            after={"people": len(found), "ended_as": end.value},
        )
        yield jobs.Progress(done, done)


def _end_later(campaign: Campaign) -> None:
    jobs.enqueue(
        "acknowledgements.end",
        {"campaign": campaign.code},
        effect_key=f"acknowledgements.end:{campaign.code}:{clock.now().isoformat()}",
    )


def close_campaign(*, campaign: Campaign, reason: str, by: Person) -> None:
    """Ask nobody any more; what was asked stays as it is, and whoever has not confirmed need not.

    Raises `CampaignClosed` or `ReasonMissing`.
    """
    if campaign.closed_at is not None:
        raise CampaignClosed()
    if not reason.strip():
        raise ReasonMissing()
    campaign.closed_at, campaign.closed_because = clock.now(), CampaignEnd.BY_HAND
    campaign.closed_by, campaign.close_reason = by.code, reason.strip()[:REASON_LIMIT]
    session.flush()
    _end_later(campaign)
    record(
        "acknowledgements.campaign_closed",
        by=by,
        subject=("campaign", campaign.code),
        after={"closed_because": CampaignEnd.BY_HAND.value},
        reason=campaign.close_reason,
    )


def end_what_applies_no_more(version: DocumentVersion) -> None:
    """After a withdrawal: close the campaigns for which nothing is left to confirm, and ask again for what applies.

    A version that was withdrawn before its day has overtaken nothing: who had not confirmed the one before it is
    asked for that again.
    """
    document = version.document
    for campaign in queries.list_campaigns_about(document.id):
        asked = next(each for each in document.versions if each.id == campaign.version_id)
        if campaign.closed_at is None and deltas.goal_of(document, asked) is None:
            campaign.closed_at, campaign.closed_because = clock.now(), CampaignEnd.WITHDRAWN
            session.flush()
            _end_later(campaign)
            record(
                "acknowledgements.campaign_closed",
                by=None,
                subject=("campaign", campaign.code),
                after={"closed_because": CampaignEnd.WITHDRAWN.value},
            )
    open_still = [each for each in queries.list_campaigns_about(document.id) if each.closed_at is None]
    before = queries.find_campaign_superseded_by(version.id)
    if before is None or open_still:
        return
    asked = next(each for each in document.versions if each.id == before.version_id)
    if deltas.goal_of(document, asked) is None:
        return
    before.closed_at = before.closed_because = before.superseded_by = None
    session.flush()
    jobs.enqueue(
        "acknowledgements.ask",
        {"version_id": asked.id},
        effect_key=f"{ask_key(asked.id)}:again:{version.id}",
    )
    record("acknowledgements.campaign_reopened", by=None, subject=("campaign", before.code))


def ask_who_comes_back(version: DocumentVersion) -> None:
    """After the withdrawal of a market's text: ask its readers about the text of all markets, which they follow again.

    Where a campaign about that one asks, they are asked by it; else by one for the last version that changed what is to
    be done, be it that it asked nobody when it came. One that somebody ended stays so.
    """
    overlay, base = version.document, version.document.base
    if base is None or was_called_off(version) or overlay.market not in markets_returned(base):
        return
    current = library.version_in_force(base)
    if current is None:
        return
    asking = next((each for each in queries.list_campaigns_about(base.id) if each.closed_at is None), None)
    changing = [
        each
        for each in base.versions
        if each.sequence <= current.sequence
        and each.withdrawn_at is None
        and each.change_class.value in rules.ASKING
        and (each.sequence > 1 or base.kind is not DocumentKind.LESSON)
    ]
    asked_id = asking.version_id if asking is not None else changing[-1].id if changing else None
    if asked_id is not None:
        jobs.enqueue(
            "acknowledgements.ask",
            {"version_id": asked_id},
            effect_key=f"{ask_key(asked_id)}:back:{version.id}",
        )


def exempt(*, request: AcknowledgementRequest, reason: str, by: Person) -> None:
    """Let a person off: she need not confirm this version, and is not counted among those who should.

    Raises `RequestClosed` or `ReasonMissing`.
    """
    if request.closed_at is not None:
        raise RequestClosed()
    if not reason.strip():
        raise ReasonMissing()
    # Loaded first: the row is written with all of its facts or not at all.
    code = by.code
    close_request(request, RequestEnd.EXEMPT)
    request.exempt_by, request.exempt_reason = code, reason.strip()[:REASON_LIMIT]
    session.flush()
    record(
        "acknowledgements.person_exempted",
        by=by,
        subject=("campaign", request.campaign.code),
        after={"person": request.person.code},
        reason=request.exempt_reason,
    )


def end_exemption(*, request: AcknowledgementRequest, reason: str, by: Person) -> None:
    """Take an exemption back: the person is asked again, with the time that there is from now on.

    Raises `NotExempt`, `CampaignClosed` or `ReasonMissing`.
    """
    campaign, person = request.campaign, request.person
    if request.closed_as is not RequestEnd.EXEMPT:
        raise NotExempt()
    if campaign.closed_at is not None:
        raise CampaignClosed()
    if not reason.strip():
        raise ReasonMissing()
    before = {"exempt_by": request.exempt_by, "exempt_reason": request.exempt_reason}
    request.closed_at = request.closed_as = request.exempt_by = None
    request.exempt_reason = ""
    request.started_at = clock.now()
    working = calendars.working_calendar(person.home_market, person.id)
    set_dates(request, campaign, person, working, anew=True)
    if person.id in statements.list_acknowledgements_of(campaign.version, [person.id]):
        close_request(request, RequestEnd.CONFIRMED)
    session.flush()
    record(
        "acknowledgements.exemption_ended",
        by=by,
        subject=("campaign", campaign.code),
        before=before,
        after={"person": person.code},
        reason=reason.strip()[:REASON_LIMIT],
    )
