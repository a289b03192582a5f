"""Who within somebody's reach is certified for what at an instant, and who will not be for long."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, exists, or_, select
from sqlalchemy.orm import joinedload

from portal.accounts.models import Person
from portal.certificates.models import (
    Certificate,
    CertificateFact,
    CredentialVersion,
    PolicySupersession,
)
from portal.certificates.rules import HOLDS, FactKind, State, state_on
from portal.cohorts.models import Cohort
from portal.cohorts.permissions import Reach
from portal.cohorts.queries import people_within
from portal.core import clock
from portal.core.db import session
from portal.core.i18n import Words
from portal.library.models import Document, DocumentVersion
from portal.organisation.models import Team
from portal.training.models import Enrollment

# Within so many days certificates are said to expire.
AHEAD = (30, 60, 90)


@dataclass(frozen=True, slots=True)
class Change:
    """A version of a document that makes certificates ones of an older policy, from an instant on."""

    version_id: int
    slug: str
    number: str
    effective_at: datetime


@dataclass(frozen=True, slots=True)
class Head:
    """What one person holds of one credential at an instant: her latest issue, and what it is worth.

    `changes` are the versions that make it one of an older policy, in force or coming, the earliest first.
    """

    person_id: int
    credential_id: int
    number: str
    expires_on: date | None
    today: date
    state: State
    changes: Sequence[Change] = ()
    issued_on: date = date.min
    # In which its dates are.
    zone: str = "UTC"

    @property
    def is_certified(self) -> bool:
        """Whether the person is certified."""
        return self.state in HOLDS

    def expires_within(self, days: int) -> bool:
        """Say whether she is certified and will not be after so many days."""
        return self.is_certified and self.expires_on is not None and self.expires_on - self.today < timedelta(days=days)

    def superseded_by(self, version_id: int) -> bool:
        """Say whether a version is what makes it one of an older policy, or will be, while it is worth something."""
        if not self.changes or self.changes[0].version_id != version_id:
            return False
        return self.is_certified or self.state is State.POLICY_SUPERSEDED


@dataclass(frozen=True, slots=True)
class Somebody:
    """A person who is counted: her team, if she has one, and the language in which she uses the portal."""

    id: int
    team: str
    language: str


@dataclass(slots=True)
class Group:
    """Those of one team and one language: how many they are, and what they hold of a credential."""

    team: str
    language: str
    people: list[int] = field(default_factory=list)
    heads: list[Head] = field(default_factory=list)

    @property
    def certified(self) -> int:
        """How many are certified."""
        return sum(each.is_certified for each in self.heads)


@dataclass(frozen=True, slots=True)
class Coverage:
    """Who holds what at an instant, of those whom somebody leads."""

    at: datetime
    people: Sequence[Somebody]
    heads: Sequence[Head]

    def of(self, credential_id: int) -> list[Head]:
        """Return what people hold of a credential."""
        return [each for each in self.heads if each.credential_id == credential_id]

    def groups(self, credential_id: int) -> list[Group]:
        """Return the groups of people by team and language, and what they hold of a credential."""
        found: dict[tuple[str, str], Group] = {}
        place: dict[int, Group] = {}
        for each in sorted(self.people, key=lambda each: (each.team == "", each.team, each.language)):
            group = found.setdefault((each.team, each.language), Group(each.team, each.language))
            group.people.append(each.id)
            place[each.id] = group
        for head in self.of(credential_id):
            place[head.person_id].heads.append(head)
        return list(found.values())


def coverage(reach: Reach, at: datetime) -> Coverage:
    """Return who within reach holds what at an instant, past or to come, in a fixed number of statements.

    People, teams and languages are those of now. What happens to a certificate later than now nobody knows; what is
    published already to take effect until then counts.
    """
    within = Person.deactivated_at.is_(None) & people_within(reach)
    people = [
        Somebody(row.id, row.code or "", row.language)
        for row in session.execute(
            select(Person.id, Person.language, Team.code)
            .outerjoin(Team, Team.id == Person.team_id)
            .where(within)
            .order_by(Person.id)
        )
    ]
    return Coverage(at, people, _heads(within, at))


def heads_of(person_ids: Collection[int], at: datetime) -> list[Head]:
    """Return what these people hold of each credential at an instant, in a fixed number of statements."""
    return _heads(Person.id.in_(person_ids), at)


def _heads(within: ColumnElement[bool], at: datetime) -> list[Head]:
    standing = (
        Certificate.issued_at <= at,
        or_(Certificate.replaced_at.is_(None), Certificate.replaced_at > at),
        Certificate.person_id.in_(select(Person.id).where(within)),
    )
    facts: dict[int, list[FactKind]] = defaultdict(list)
    for certificate_id, kind in session.execute(
        select(CertificateFact.certificate_id, CertificateFact.kind)
        .join(Certificate, Certificate.id == CertificateFact.certificate_id)
        .where(*standing, CertificateFact.at <= at)
        .order_by(CertificateFact.id)
    ):
        facts[certificate_id].append(kind)
    changes: dict[int, list[Change]] = defaultdict(list)
    for certificate_id, version_id, slug, number, effective_at in session.execute(
        select(
            PolicySupersession.certificate_id,
            DocumentVersion.id,
            Document.slug,
            DocumentVersion.number,
            DocumentVersion.effective_at,
        )
        .join(Certificate, Certificate.id == PolicySupersession.certificate_id)
        .join(DocumentVersion, DocumentVersion.id == PolicySupersession.version_id)
        .join(Document, Document.id == DocumentVersion.document_id)
        .where(
            *standing,
            PolicySupersession.noted_at <= at,
            or_(PolicySupersession.taken_back_at.is_(None), PolicySupersession.taken_back_at > at),
        )
        .order_by(DocumentVersion.effective_at, DocumentVersion.id)
    ):
        changes[certificate_id].append(Change(version_id, slug, number, effective_at))
    latest: dict[tuple[int, int], Head] = {}
    for row in session.execute(
        select(
            Certificate.id,
            Certificate.person_id,
            Certificate.credential_id,
            Certificate.number,
            Certificate.issued_on,
            Certificate.expires_on,
            Certificate.zone,
            CredentialVersion.renewal_window_days,
            CredentialVersion.grace_days,
        )
        .join(CredentialVersion, CredentialVersion.id == Certificate.credential_version_id)
        .where(*standing)
        .order_by(Certificate.id)
    ):
        today, coming = clock.local_date(at, row.zone), changes.get(row.id, [])
        latest[row.person_id, row.credential_id] = Head(
            row.person_id,
            row.credential_id,
            row.number,
            row.expires_on,
            today,
            state_on(
                today,
                row.expires_on,
                facts.get(row.id, ()),
                is_older_policy=any(each.effective_at <= at for each in coming),
                window_days=row.renewal_window_days,
                grace_days=row.grace_days,
            ),
            coming,
            row.issued_on,
            row.zone,
        )
    return list(latest.values())


def list_people(ids: Sequence[int]) -> list[Person]:
    """Return these people with their teams, by name."""
    return list(
        session.scalars(
            select(Person)
            .where(Person.id.in_(ids))
            .order_by(Person.sort_key, Person.id)
            .options(joinedload(Person.team).lazyload(Team.market))
        )
    )


# --- for reminders ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Expiring:
    """A certificate whose last day is near, its holder, and the codes of where she and her training belong."""

    number: str
    person: Person
    title: Words
    issued_on: date
    expires_on: date
    cohort: str | None


def list_expiring(day: date, days: int, *, people: Collection[int] | None = None) -> list[Expiring]:
    """Return the certificates that nothing has replaced or taken away and that expire within so many days of a day.

    Of active people; `people` narrows them to these rows. A day more on either side, for zones differ.
    """
    gone = exists().where(
        CertificateFact.certificate_id == Certificate.id,
        CertificateFact.kind.in_((FactKind.REVOKED, FactKind.SUPERSEDED)),
    )
    narrowed = [] if people is None else [Person.id.in_(people)]
    rows = session.execute(
        select(
            Certificate.number,
            Person,
            CredentialVersion.title,
            Certificate.issued_on,
            Certificate.expires_on,
            Cohort.code,
        )
        .join(Person, Person.id == Certificate.person_id)
        .join(CredentialVersion, CredentialVersion.id == Certificate.credential_version_id)
        .join(Enrollment, Enrollment.code == Certificate.enrollment_code)
        .outerjoin(Cohort, Cohort.id == Enrollment.cohort_id)
        .where(
            Certificate.expires_on >= day - timedelta(days=1),
            Certificate.expires_on <= day + timedelta(days=days + 1),
            Certificate.replaced_at.is_(None),
            ~gone,
            Person.deactivated_at.is_(None),
            *narrowed,
        )
        .order_by(Certificate.expires_on, Certificate.id)
    )
    return [Expiring(row[0], row[1], row[2], row[3], row[4], row[5]) for row in rows if row[4] is not None]
