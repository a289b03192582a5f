"""Reading campaigns: who is asked, how far everybody is, what is to be sent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, and_, bindparam, exists, false, func, or_, select
from sqlalchemy.orm import contains_eager, joinedload, selectinload

from portal.accounts.models import Person
from portal.acknowledgements import rules
from portal.acknowledgements.errors import NotAsked
from portal.acknowledgements.models import (
    Acknowledgement,
    AcknowledgementRequest,
    AskedAs,
    Campaign,
    ClauseQuestion,
    RequestEnd,
)
from portal.acknowledgements.queries.exposure import is_spared
from portal.acknowledgements.rules import Facts
from portal.calendars import queries as calendars
from portal.calendars.service.absences import list_absences
from portal.cohorts.models import Cohort, CohortMember
from portal.cohorts.permissions import Reach
from portal.cohorts.queries import people_within
from portal.core import clock
from portal.core.codes import is_well_formed, normalise
from portal.core.db import session
from portal.core.errors import NotFound
from portal.library.models import AudienceKind, Document, DocumentVersion, Origin, Reading, VersionText
from portal.library.queries.audience import markets_returned, people_addressed, people_in
from portal.library.queries.search import is_readable
from portal.organisation.models import Market

_CAMPAIGN = select(Campaign).options(
    joinedload(Campaign.version, innerjoin=True)
    .joinedload(DocumentVersion.document, innerjoin=True)
    .options(selectinload(Document.versions), selectinload(Document.audiences))
)


def get_campaign(code: str) -> Campaign:
    """Return the campaign of the code as typed, with its version and document. Raises `NotFound`."""
    wanted = normalise(code)
    found = None
    if is_well_formed(wanted, 12):
        found = session.scalar(_CAMPAIGN.where(Campaign.code == wanted))
    if found is None:
        raise NotFound()
    return found


def find_campaign_of(version_id: int) -> Campaign | None:
    """Return the campaign that asks for the version, or None."""
    return session.scalar(_CAMPAIGN.where(Campaign.version_id == version_id))


def find_campaigns(codes: Collection[str]) -> dict[str, Campaign]:
    """Return code → campaign, for many codes."""
    return {each.code: each for each in session.scalars(_CAMPAIGN.where(Campaign.code.in_(codes)))}


def list_campaigns(person: Person) -> list[Campaign]:
    """Return the campaigns about documents that the person may read: those that ask first, the latest first."""
    statement = (
        _CAMPAIGN.join(DocumentVersion, DocumentVersion.id == Campaign.version_id)
        .join(Document, Document.id == DocumentVersion.document_id)
        .where(is_readable(person, Document.id))
        .order_by(Campaign.closed_at.is_not(None), Campaign.asked_at.desc(), Campaign.id.desc())
    )
    return list(session.scalars(statement))


def list_open_campaigns() -> list[Campaign]:
    """Return the campaigns that ask, the oldest first."""
    return list(session.scalars(_CAMPAIGN.where(Campaign.closed_at.is_(None)).order_by(Campaign.id)))


def list_older_campaigns(campaign: Campaign) -> list[Campaign]:
    """Return the other campaigns about the same document that still ask."""
    return list(
        session.scalars(
            select(Campaign)
            .join(DocumentVersion, DocumentVersion.id == Campaign.version_id)
            .where(
                DocumentVersion.document_id == campaign.version.document_id,
                Campaign.id != campaign.id,
                Campaign.closed_at.is_(None),
            )
            .order_by(Campaign.id)
        )
    )


def list_superseded_by(campaign: Campaign) -> list[Campaign]:
    """Return the campaigns whose place this one has taken."""
    return list(session.scalars(_CAMPAIGN.where(Campaign.superseded_by == campaign.code).order_by(Campaign.id)))


def list_campaigns_about(document_id: int) -> list[Campaign]:
    """Return every campaign about the document, the oldest first."""
    return list(
        session.scalars(
            select(Campaign)
            .join(DocumentVersion, DocumentVersion.id == Campaign.version_id)
            .where(DocumentVersion.document_id == document_id)
            .order_by(Campaign.id)
        )
    )


def find_campaign_superseded_by(version_id: int) -> Campaign | None:
    """Return the last campaign that ended because this version was asked for, or None."""
    newer = select(Campaign.code).where(Campaign.version_id == version_id).scalar_subquery()
    return session.scalar(select(Campaign).where(Campaign.superseded_by == newer).order_by(Campaign.id.desc()).limit(1))


# --- requests -----------------------------------------------------------------------------------


def find_request(campaign: Campaign, person: Person) -> AcknowledgementRequest | None:
    """Return what the campaign asks of the person, or None."""
    return session.scalar(
        select(AcknowledgementRequest).where(
            AcknowledgementRequest.campaign_id == campaign.id, AcknowledgementRequest.person_id == person.id
        )
    )


_OPEN_REQUEST = (
    select(AcknowledgementRequest)
    .where(
        AcknowledgementRequest.person_id == bindparam("person_id"),
        AcknowledgementRequest.document_id == bindparam("document_id"),
        AcknowledgementRequest.closed_at.is_(None),
    )
    .options(joinedload(AcknowledgementRequest.campaign, innerjoin=True))
)


_OPEN_OR_EXEMPT = (
    select(AcknowledgementRequest)
    .where(
        AcknowledgementRequest.person_id == bindparam("person_id"),
        AcknowledgementRequest.document_id == bindparam("document_id"),
        or_(AcknowledgementRequest.closed_at.is_(None), AcknowledgementRequest.closed_as == RequestEnd.EXEMPT),
    )
    .order_by(AcknowledgementRequest.closed_at.is_not(None), AcknowledgementRequest.id.desc())
    .limit(1)
    .options(joinedload(AcknowledgementRequest.campaign, innerjoin=True))
)


def find_open_request(person: Person, document: Document) -> AcknowledgementRequest | None:
    """Return what the person is asked now about the document, with its campaign, or None."""
    return session.scalar(_OPEN_REQUEST, {"person_id": person.id, "document_id": document.id})


def find_open_or_exempt(person: Person, document: Document) -> AcknowledgementRequest | None:
    """Return what the person is asked now about the document, or else what she was let off last, or None."""
    return session.scalar(_OPEN_OR_EXEMPT, {"person_id": person.id, "document_id": document.id})


def hold_open_request(person: Person, document: Document) -> AcknowledgementRequest | None:
    """Return what `find_open_request` does and let nobody else close it until this transaction ends."""
    return session.scalar(
        select(AcknowledgementRequest)
        .where(
            AcknowledgementRequest.person_id == person.id,
            AcknowledgementRequest.document_id == document.id,
            AcknowledgementRequest.closed_at.is_(None),
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def list_requests_of(campaign: Campaign, people: Collection[int]) -> dict[int, AcknowledgementRequest]:
    """Return person's row number → what the campaign asks of her."""
    return {
        row.person_id: row
        for row in session.scalars(
            select(AcknowledgementRequest).where(
                AcknowledgementRequest.campaign_id == campaign.id, AcknowledgementRequest.person_id.in_(people)
            )
        )
    }


def list_open_of(document_id: int, people: Collection[int]) -> list[AcknowledgementRequest]:
    """Return the open requests of these people about a document."""
    return list(
        session.scalars(
            select(AcknowledgementRequest)
            .where(
                AcknowledgementRequest.document_id == document_id,
                AcknowledgementRequest.person_id.in_(people),
                AcknowledgementRequest.closed_at.is_(None),
            )
            .order_by(AcknowledgementRequest.id)
        )
    )


def list_open_requests(campaign: Campaign, limit: int) -> list[AcknowledgementRequest]:
    """Return some of the campaign's open requests, the oldest first."""
    return list(
        session.scalars(
            select(AcknowledgementRequest)
            .where(AcknowledgementRequest.campaign_id == campaign.id, AcknowledgementRequest.closed_at.is_(None))
            .order_by(AcknowledgementRequest.id)
            .limit(limit)
        )
    )


def list_asked_versions(person: Person, document_id: int) -> set[int]:
    """Return the sequences of the document's versions that the person was ever asked to confirm."""
    return set(
        session.scalars(
            select(DocumentVersion.sequence)
            .join(Campaign, Campaign.version_id == DocumentVersion.id)
            .join(AcknowledgementRequest, AcknowledgementRequest.campaign_id == Campaign.id)
            .where(AcknowledgementRequest.person_id == person.id, AcknowledgementRequest.document_id == document_id)
        )
    )


@dataclass(frozen=True, slots=True)
class ToDo:
    """Something that a person is asked to confirm: what the day's list shows of it."""

    slug: str
    title: str
    title_language: str
    number: str
    change_class: str
    has_base: bool
    asked_at: datetime
    due_on: date
    due_at: datetime
    days: int
    minutes: int
    zone: str
    is_emergency: bool
    # It is due when the version takes effect.
    is_due_at_effect: bool
    is_newcomer: bool


@dataclass(frozen=True, slots=True)
class Emergency:
    """An emergency that a person has not confirmed yet: what every page tells her."""

    slug: str
    title: str
    title_language: str
    number: str
    due_at: datetime


_TO_DO = (
    select(
        Document.slug,
        VersionText.title,
        VersionText.language,
        DocumentVersion.number,
        Campaign.change_class,
        AcknowledgementRequest.from_version_id,
        AcknowledgementRequest.asked_at,
        AcknowledgementRequest.due_on,
        AcknowledgementRequest.due_at,
        AcknowledgementRequest.days,
        AcknowledgementRequest.minutes,
        AcknowledgementRequest.asked_as,
        Campaign.hours,
        DocumentVersion.effective_at,
        Document.authoritative,
    )
    .join(Campaign, Campaign.id == AcknowledgementRequest.campaign_id)
    .join(DocumentVersion, DocumentVersion.id == Campaign.version_id)
    .join(Document, Document.id == DocumentVersion.document_id)
    .join(VersionText, VersionText.version_id == DocumentVersion.id)
    .where(
        AcknowledgementRequest.person_id == bindparam("person_id"),
        AcknowledgementRequest.closed_at.is_(None),
        ~is_spared,
    )
    .order_by(AcknowledgementRequest.due_at, AcknowledgementRequest.id)
)


def list_to_do(person: Person, language: str) -> list[ToDo]:
    """Return what the person is asked to confirm, the earliest due first, named in a language where there is a text."""
    found: dict[str, ToDo] = {}
    for row in session.execute(_TO_DO, {"person_id": person.id}):
        if row.language == language or (row.language == row.authoritative and row.slug not in found):
            found[row.slug] = ToDo(
                slug=row.slug,
                title=row.title,
                title_language=row.language,
                number=row.number,
                change_class=row.change_class.value,
                has_base=row.from_version_id is not None,
                asked_at=row.asked_at,
                due_on=row.due_on,
                due_at=row.due_at,
                days=row.days,
                minutes=row.minutes,
                zone=person.home_market.time_zone,
                is_emergency=row.hours is not None,
                is_due_at_effect=row.due_at == row.effective_at,
                is_newcomer=row.asked_as is AskedAs.NEWCOMER,
            )
    return sorted(found.values(), key=lambda each: (each.due_at, each.slug))


_EMERGENCIES = _TO_DO.with_only_columns(
    Document.slug,
    VersionText.title,
    VersionText.language,
    DocumentVersion.number,
    AcknowledgementRequest.due_at,
    Document.authoritative,
).where(Campaign.hours.is_not(None))


# The condition that a person is asked to confirm an emergency.
has_emergency = exists().where(
    AcknowledgementRequest.person_id == Person.id,
    AcknowledgementRequest.closed_at.is_(None),
    Campaign.id == AcknowledgementRequest.campaign_id,
    Campaign.hours.is_not(None),
)


def list_emergencies(person_id: int, language: str) -> list[Emergency]:
    """Return the emergencies that the person is asked to confirm, the earliest due first; in one statement."""
    found: dict[str, Emergency] = {}
    for row in session.execute(_EMERGENCIES, {"person_id": person_id}):
        if row.language == language or (row.language == row.authoritative and row.slug not in found):
            found[row.slug] = Emergency(row.slug, row.title, row.language, row.number, row.due_at)
    return list(found.values())


# --- the audience -------------------------------------------------------------------------------


def is_to_be_asked(version: DocumentVersion) -> bool:
    """Say whether the version asks its audience to confirm it, by its class, its document and where it was written."""
    # What is addressed by name is asked for by whoever addresses it.
    return not version.document.is_by_name and rules.asks(
        change_class=version.change_class.value,
        kind=version.document.kind.value,
        is_first=version.sequence == 1,
        is_imported=version.origin is Origin.IMPORT,
    )


def people_asked(version: DocumentVersion) -> ColumnElement[bool]:
    """Return the condition that a person is asked to confirm a version: she is in the audience of its document.

    A version that asks nobody by itself is asked only of markets that came back to it when a text of theirs was
    withdrawn.
    """
    document = version.document
    if is_to_be_asked(version):
        return people_addressed(document)
    returned = markets_returned(document)
    if not returned:
        return false()
    return and_(people_addressed(document), people_in({AudienceKind.MARKET: returned}))


def list_audience_ids(document: Document) -> list[int]:
    """Return the row numbers of everybody active whom the document is addressed to, in their order."""
    return list(session.scalars(select(Person.id).where(people_addressed(document)).order_by(Person.id)))


def list_asked_ids(version: DocumentVersion) -> list[int]:
    """Return the row numbers of everybody whom a campaign for the version asks, in their order."""
    return list(session.scalars(select(Person.id).where(people_asked(version)).order_by(Person.id)))


def list_not_asked_ids(campaign: Campaign) -> list[int]:
    """Return those of the audience of whom the campaign asks nothing, or nothing any more since they had left it."""
    asked = select(AcknowledgementRequest.person_id).where(
        AcknowledgementRequest.campaign_id == campaign.id,
        or_(AcknowledgementRequest.closed_as.is_(None), AcknowledgementRequest.closed_as != RequestEnd.LEFT),
    )
    return list(
        session.scalars(
            select(Person.id).where(people_asked(campaign.version), Person.id.not_in(asked)).order_by(Person.id)
        )
    )


def list_left(campaign: Campaign, limit: int) -> list[AcknowledgementRequest]:
    """Return open requests of people who are not active, or not in the document's audience any more."""
    here = select(Person.id).where(people_asked(campaign.version))
    return list(
        session.scalars(
            select(AcknowledgementRequest)
            .where(
                AcknowledgementRequest.campaign_id == campaign.id,
                AcknowledgementRequest.closed_at.is_(None),
                AcknowledgementRequest.person_id.not_in(here),
            )
            .order_by(AcknowledgementRequest.id)
            .limit(limit)
        )
    )


def list_people(ids: Collection[int]) -> list[Person]:
    """Return these people with market and team, by their row numbers."""
    return list(session.scalars(select(Person).where(Person.id.in_(ids)).order_by(Person.id)))


def list_last_confirmed(version: DocumentVersion, people: Collection[int]) -> dict[int, int]:
    """Return person → row number of the version that she confirmed last before this one.

    It is one of the document. Who has confirmed none of a market's text begins from what she confirmed of its base, up
    to the version over which it is laid; who comes back to the base from a market's text begins from that one, where
    she confirmed it later than anything that the base said before.
    """
    over = version.over
    before = and_(DocumentVersion.document_id == version.document_id, DocumentVersion.sequence < version.sequence)
    if over is None:
        overlays = select(Document.id).where(Document.base_id == version.document_id)
        besides: ColumnElement[bool] = DocumentVersion.document_id.in_(overlays)
    else:
        besides = and_(DocumentVersion.document_id == over.document_id, DocumentVersion.sequence <= over.sequence)
    rows = session.execute(
        select(Acknowledgement.person_id, DocumentVersion.id, DocumentVersion.document_id, Acknowledgement.at)
        .join(DocumentVersion, DocumentVersion.id == Acknowledgement.version_id)
        .where(or_(before, besides), Acknowledgement.person_id.in_(people))
        .order_by(DocumentVersion.sequence, Acknowledgement.id)
    )
    own: dict[int, tuple[int, datetime]] = {}
    others: dict[int, dict[int, tuple[int, datetime]]] = {}
    for person_id, version_id, document_id, at in rows:
        if document_id == version.document_id:
            own[person_id] = version_id, at
        else:
            others.setdefault(person_id, {})[document_id] = version_id, at
    found = {person_id: version_id for person_id, (version_id, _at) in own.items()}
    for person_id, each in others.items():
        version_id, at = max(each.values(), key=lambda one: one[1])
        if person_id not in own or (over is None and at > own[person_id][1]):
            found[person_id] = version_id
    return found


def list_redated(campaign: Campaign, limit: int, *, after: int = 0) -> list[AcknowledgementRequest]:
    """Return open requests of people whose working days may be other ones since their dates were counted.

    They are those after a row, at most `limit`.
    """
    changed = calendars.calendar_changed_since(AcknowledgementRequest.person_id, AcknowledgementRequest.dated_at)
    return list(
        session.scalars(
            select(AcknowledgementRequest)
            .where(
                AcknowledgementRequest.campaign_id == campaign.id,
                AcknowledgementRequest.closed_at.is_(None),
                AcknowledgementRequest.id > after,
                changed,
            )
            .order_by(AcknowledgementRequest.id)
            .limit(limit)
            .options(joinedload(AcknowledgementRequest.person, innerjoin=True))
        )
    )


# --- how far everybody is -----------------------------------------------------------------------


# Who has a term of her own, whenever the version takes effect.
OWN_TERM = (AskedAs.NEWCOMER, AskedAs.RETURNING)


@dataclass(frozen=True, slots=True)
class Standing:
    """One person of a campaign: where she works, what she was asked, and what is known of her."""

    person_id: int
    team_id: int | None
    market_id: int
    language: str
    facts: Facts
    deactivated_at: datetime | None
    request_id: int | None
    asked_as: AskedAs | None
    due_on: date | None
    due_at: datetime | None
    closed_as: RequestEnd | None
    closed_at: datetime | None

    def is_in(self, at: datetime) -> bool:
        """Say whether she was active and in the audience at an instant."""
        has_left = self.closed_as is RequestEnd.LEFT and self.closed_at is not None and self.closed_at <= at
        return not has_left and (self.deactivated_at is None or self.deactivated_at > at)


def list_standings(campaign: Campaign, reach: Reach, at: datetime) -> list[Standing]:
    """Return everybody within reach who is asked, or in the audience and not asked, with leave as of an instant's day.

    The number of statements does not depend on how many they are.
    """
    version = campaign.version
    older = (
        select(Acknowledgement.person_id, func.max(Acknowledgement.at).label("at"))
        .join(DocumentVersion, DocumentVersion.id == Acknowledgement.version_id)
        .where(DocumentVersion.document_id == version.document_id, DocumentVersion.sequence < version.sequence)
        .group_by(Acknowledgement.person_id)
        .subquery()
    )
    asking = (
        select(ClauseQuestion.person_id, func.min(ClauseQuestion.at).label("at"))
        .join(DocumentVersion, DocumentVersion.id == ClauseQuestion.version_id)
        .where(
            DocumentVersion.document_id == version.document_id,
            DocumentVersion.sequence >= version.sequence,
            ClauseQuestion.answered_at.is_(None),
        )
        .group_by(ClauseQuestion.person_id)
        .subquery()
    )
    answered = (
        select(ClauseQuestion.person_id, func.max(ClauseQuestion.answered_at).label("at"))
        .join(DocumentVersion, DocumentVersion.id == ClauseQuestion.version_id)
        .where(DocumentVersion.document_id == version.document_id, DocumentVersion.sequence >= version.sequence)
        .group_by(ClauseQuestion.person_id)
        .subquery()
    )
    rows = session.execute(
        select(
            Person.id,
            Person.team_id,
            Person.home_market_id,
            Person.language,
            Person.deactivated_at,
            Market.time_zone,
            AcknowledgementRequest.id.label("request_id"),
            AcknowledgementRequest.asked_at,
            AcknowledgementRequest.asked_as,
            AcknowledgementRequest.due_on,
            AcknowledgementRequest.due_at,
            AcknowledgementRequest.closed_as,
            AcknowledgementRequest.closed_at,
            AcknowledgementRequest.delta_opened_at,
            Acknowledgement.at.label("confirmed_at"),
            Reading.last_opened_at.label("read_at"),
            older.c.at.label("older_at"),
            asking.c.at.label("question_at"),
            answered.c.at.label("answered_at"),
        )
        .join(Market, Market.id == Person.home_market_id)
        .outerjoin(
            AcknowledgementRequest,
            and_(AcknowledgementRequest.person_id == Person.id, AcknowledgementRequest.campaign_id == campaign.id),
        )
        .outerjoin(
            Acknowledgement, and_(Acknowledgement.person_id == Person.id, Acknowledgement.version_id == version.id)
        )
        .outerjoin(Reading, and_(Reading.person_id == Person.id, Reading.version_id == version.id))
        .outerjoin(older, older.c.person_id == Person.id)
        .outerjoin(asking, asking.c.person_id == Person.id)
        .outerjoin(answered, answered.c.person_id == Person.id)
        .where(or_(AcknowledgementRequest.id.is_not(None), people_asked(version)), people_within(reach))
        .order_by(Person.sort_key, Person.id)
    ).all()
    away = people_on_leave(at)
    found = []
    for row in rows:
        opened = [moment for moment in (row.delta_opened_at, row.read_at) if moment is not None]
        on = clock.local_date(at, row.time_zone)
        found.append(
            Standing(
                person_id=row.id,
                team_id=row.team_id,
                market_id=row.home_market_id,
                language=row.language,
                facts=Facts(
                    asked_at=row.asked_at,
                    opened_at=min(opened) if opened else None,
                    confirmed_at=row.confirmed_at,
                    older_confirmed_at=row.older_at,
                    question_at=row.question_at,
                    answered_at=row.answered_at,
                    exempt_at=row.closed_at if row.closed_as is RequestEnd.EXEMPT else None,
                    is_on_leave=any(first <= on <= last for first, last in away.get(row.id, ())),
                    own_term_until=row.due_at
                    if row.asked_as in OWN_TERM and row.due_at > version.effective_at
                    else None,
                ),
                deactivated_at=row.deactivated_at,
                request_id=row.request_id,
                asked_as=row.asked_as,
                due_on=row.due_on,
                due_at=row.due_at,
                closed_as=row.closed_as,
                closed_at=row.closed_at,
            )
        )
    return found


def people_on_leave(at: datetime) -> Mapping[int, Sequence[tuple[date, date]]]:
    """Return person → her leave around an instant; which day it is for her depends on her market's zone."""
    around = at.date()
    found: dict[int, list[tuple[date, date]]] = defaultdict(list)
    for each in list_absences(around - timedelta(days=1), around + timedelta(days=1)):
        found[each.person_id].append((each.first_on, each.last_on))
    return found


def is_on_leave(person: Person, at: datetime) -> bool:
    """Say whether the person is away on the day that it is in her market at an instant."""
    on = clock.local_date(at, person.home_market.time_zone)
    return any(first <= on <= last for first, last in people_on_leave(at).get(person.id, ()))


@dataclass(frozen=True, slots=True)
class Progress:
    """How many a campaign asked, and how many of them have confirmed."""

    asked: int = 0
    confirmed: int = 0


def count_requests(campaigns: Collection[int], reach: Reach) -> dict[int, Progress]:
    """Return campaign's row number → how many within reach it asked and how many confirmed; the list's short figures.

    Those who have left since, are exempt or were deactivated are not counted.
    """
    rows = session.execute(
        select(AcknowledgementRequest.campaign_id, func.count(), func.count(Acknowledgement.id))
        .join(Campaign, Campaign.id == AcknowledgementRequest.campaign_id)
        .join(Person, Person.id == AcknowledgementRequest.person_id)
        .outerjoin(
            Acknowledgement,
            and_(Acknowledgement.person_id == Person.id, Acknowledgement.version_id == Campaign.version_id),
        )
        .where(
            AcknowledgementRequest.campaign_id.in_(campaigns),
            or_(
                AcknowledgementRequest.closed_as.is_(None),
                AcknowledgementRequest.closed_as.not_in([RequestEnd.LEFT, RequestEnd.EXEMPT]),
            ),
            Person.deactivated_at.is_(None),
            people_within(reach),
        )
        .group_by(AcknowledgementRequest.campaign_id)
    )
    return {row[0]: Progress(row[1], row[2]) for row in rows}


def list_ends(campaigns: Collection[int]) -> dict[int, date]:
    """Return campaign's row number → the last date of those whom it still asks; one that asks nobody is not in it."""
    rows = session.execute(
        select(AcknowledgementRequest.campaign_id, func.max(AcknowledgementRequest.due_on))
        .where(AcknowledgementRequest.campaign_id.in_(campaigns), AcknowledgementRequest.closed_at.is_(None))
        .group_by(AcknowledgementRequest.campaign_id)
    )
    return {row[0]: row[1] for row in rows}


def count_open(campaign: Campaign) -> int:
    """Return of how many people the campaign still asks something."""
    return (
        session.scalar(
            select(func.count())
            .select_from(AcknowledgementRequest)
            .where(AcknowledgementRequest.campaign_id == campaign.id, AcknowledgementRequest.closed_at.is_(None))
        )
        or 0
    )


def list_acknowledgements_for(version: DocumentVersion, people: Sequence[int]) -> dict[int, Acknowledgement]:
    """Return person → acknowledgement of the version, for however many people; for the evidence."""
    wanted = set(people)
    rows = session.scalars(select(Acknowledgement).where(Acknowledgement.version_id == version.id))
    return {row.person_id: row for row in rows if row.person_id in wanted}


def find_people(ids: Collection[int]) -> dict[int, Person]:
    """Return row number → person, for those whom a page names."""
    return {each.id: each for each in session.scalars(select(Person).where(Person.id.in_(ids)))}


def get_person_of(campaign: Campaign, person_code: str) -> AcknowledgementRequest:
    """Return what a campaign asks of the person of the code, with her. Raises `NotAsked`."""
    found = session.scalar(
        select(AcknowledgementRequest)
        .join(Person, Person.id == AcknowledgementRequest.person_id)
        .where(AcknowledgementRequest.campaign_id == campaign.id, Person.code == normalise(person_code))
        .options(contains_eager(AcknowledgementRequest.person).selectinload(Person.grants))
    )
    if found is None:
        raise NotAsked()
    return found


# --- mails --------------------------------------------------------------------------------------


def list_due_mails(now: datetime, limit: int) -> list[AcknowledgementRequest]:
    """Return open requests of which a mail is to be sent by now, with person and campaign."""
    return list(
        session.scalars(
            select(AcknowledgementRequest)
            .where(AcknowledgementRequest.next_mail_at <= now, AcknowledgementRequest.closed_at.is_(None))
            .order_by(AcknowledgementRequest.next_mail_at, AcknowledgementRequest.id)
            .limit(limit)
            .options(
                joinedload(AcknowledgementRequest.person, innerjoin=True),
                joinedload(AcknowledgementRequest.campaign, innerjoin=True).joinedload(
                    Campaign.version, innerjoin=True
                ),
            )
        )
    )


def find_request_by_id(request_id: int) -> AcknowledgementRequest | None:
    """Return the request of the row number, or None; for mails."""
    return session.get(AcknowledgementRequest, request_id)


def list_requests_by_id(ids: Collection[int]) -> dict[int, AcknowledgementRequest]:
    """Return row number → request with its person and document, for many."""
    return {
        row.id: row
        for row in session.scalars(
            select(AcknowledgementRequest)
            .where(AcknowledgementRequest.id.in_(ids))
            .options(
                joinedload(AcknowledgementRequest.person, innerjoin=True),
                joinedload(AcknowledgementRequest.campaign, innerjoin=True)
                .joinedload(Campaign.version, innerjoin=True)
                .joinedload(DocumentVersion.document, innerjoin=True),
            )
        )
    }


def list_to_escalate(now: datetime) -> list[AcknowledgementRequest]:
    """Return the open requests of which those who look after the person are to be told by now, by name."""
    return list(
        session.scalars(
            select(AcknowledgementRequest)
            .join(Person, Person.id == AcknowledgementRequest.person_id)
            .where(
                AcknowledgementRequest.escalate_at <= now,
                AcknowledgementRequest.due_at <= now,
                AcknowledgementRequest.closed_at.is_(None),
                Person.deactivated_at.is_(None),
            )
            .order_by(Person.sort_key, Person.id, AcknowledgementRequest.id)
            .options(
                contains_eager(AcknowledgementRequest.person),
                joinedload(AcknowledgementRequest.campaign, innerjoin=True)
                .joinedload(Campaign.version, innerjoin=True)
                .joinedload(DocumentVersion.document, innerjoin=True),
            )
        )
    )


def list_cohorts_of(people: Collection[int]) -> dict[int, list[str]]:
    """Return person's row number → the codes of the cohorts that she is in."""
    found: dict[int, list[str]] = defaultdict(list)
    for person_id, code in session.execute(
        select(CohortMember.person_id, Cohort.code)
        .join(Cohort, Cohort.id == CohortMember.cohort_id)
        .where(CohortMember.person_id.in_(people), CohortMember.left_at.is_(None))
        .order_by(Cohort.code)
    ):
        found[person_id].append(code)
    return found


def status_of(standing: Standing, at: datetime) -> rules.Status:
    """Return how far a person is at an instant."""
    return rules.status(standing.facts, at)
