"""Batches of certificates: what one would do to whom, what became of it, and the files that it brings together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import contains_eager, defer, joinedload, selectinload

from portal.accounts.models import Person
from portal.certificates.errors import NoSuchBatch
from portal.certificates.models import (
    Certificate,
    CertificateBatch,
    CertificateBatchAct,
    CertificateBatchItem,
    CertificateBatchOutcome,
    CertificateBatchPart,
    CertificateBatchPrint,
    CertificateFile,
    Credential,
    CredentialVersion,
)
from portal.certificates.queries.renewals import former_at
from portal.certificates.rules.batches import Act, BatchKind, Outcome
from portal.cohorts import queries as cohorts
from portal.cohorts.models import Cohort
from portal.cohorts.permissions import Reach
from portal.core.db import session
from portal.core.i18n import LANGUAGES
from portal.core.paging import Paging
from portal.training import queries as training
from portal.training.models import Enrollment, PlanVersion


def find_batch(code: str) -> CertificateBatch | None:
    """Return the batch of the code, or None."""
    return session.scalar(select(CertificateBatch).where(CertificateBatch.code == code))


def get_batch(code: str) -> CertificateBatch:
    """Return the batch of the code. Raises `NoSuchBatch`."""
    found = find_batch(code) if 0 < len(code) <= 20 and code.isascii() else None
    if found is None:
        raise NoSuchBatch()
    return found


def lock_batch(code: str) -> CertificateBatch | None:
    """Return the batch as it is now; nobody else acts on it until the transaction ends."""
    return session.scalar(
        select(CertificateBatch)
        .where(CertificateBatch.code == code)
        .with_for_update(key_share=True, of=CertificateBatch)
        .execution_options(populate_existing=True)
    )


def list_batches_of(codes: Collection[str]) -> list[CertificateBatch]:
    """Return the batches of some codes, with who asked for them."""
    return list(
        session.scalars(
            select(CertificateBatch)
            .where(CertificateBatch.code.in_(codes))
            .options(joinedload(CertificateBatch.requested_by))
            .order_by(CertificateBatch.id)
        )
    )


def list_batches_of_cohort(cohort: Cohort) -> list[CertificateBatch]:
    """Return the batches of a cohort, the oldest first."""
    statement = select(CertificateBatch).where(CertificateBatch.cohort_id == cohort.id)
    return list(session.scalars(statement.order_by(CertificateBatch.id)))


def within(person: Person, reach: Reach, *, everywhere: bool) -> ColumnElement[bool]:
    """Return the condition that the person sees a batch: every one, or her own of cohorts within reach."""
    if everywhere:
        return CertificateBatch.id.is_not(None)
    return (CertificateBatch.requested_by_id == person.id) & CertificateBatch.cohort_id.in_(
        select(Cohort.id).where(cohorts.within(reach))
    )


def count_batches(condition: ColumnElement[bool]) -> int:
    """Return how many batches there are of which a condition holds."""
    return session.scalar(select(func.count()).select_from(CertificateBatch).where(condition)) or 0


def list_batches(condition: ColumnElement[bool], turned: Paging) -> list[CertificateBatch]:
    """Return a page of the batches of which a condition holds, the newest first."""
    return list(
        session.scalars(
            select(CertificateBatch)
            .where(condition)
            .options(joinedload(CertificateBatch.requested_by), joinedload(CertificateBatch.credential))
            .order_by(CertificateBatch.id.desc())
            .offset(turned.offset)
            .limit(turned.size)
        )
    )


def list_same(wanted: CertificateBatch) -> list[CertificateBatch]:
    """Return the batches that ask for exactly what another one does, the newest first."""
    same = [
        CertificateBatch.kind == wanted.kind,
        CertificateBatch.cohort_id == wanted.cohort_id,
        CertificateBatch.takes_all.is_(wanted.takes_all),
        CertificateBatch.credential_id == wanted.credential_id
        if wanted.credential_id is not None
        else CertificateBatch.credential_id.is_(None),
        CertificateBatch.languages == wanted.languages
        if wanted.languages is not None
        else CertificateBatch.languages.is_(None),
    ]
    return list(session.scalars(select(CertificateBatch).where(*same).order_by(CertificateBatch.id.desc()).limit(50)))


def list_to_confirm() -> list[CertificateBatch]:
    """Return the revocations of many that wait for a second administrator, the longest wait first."""
    return list(
        session.scalars(
            select(CertificateBatch)
            .where(CertificateBatch.kind == BatchKind.REVOKE, ~CertificateBatch.acts.any())
            .options(joinedload(CertificateBatch.requested_by))
            .order_by(CertificateBatch.id)
        )
    )


# --- what stands in a batch ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Counts:
    """How many lines of a batch there are to carry out, how many were, and how many were left out from the first."""

    total: int = 0
    done: int = 0
    not_earned: int = 0
    refused: int = 0
    left_out: int = 0

    @property
    def waiting(self) -> int:
        """How many have not had their turn."""
        return self.total - self.done - self.not_earned - self.refused


def count_items(batch_ids: Collection[int]) -> dict[int, Counts]:
    """Return the counts of each of the batches."""
    found: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    rows = session.execute(
        select(
            CertificateBatchItem.batch_id,
            CertificateBatchItem.left_out.is_not(None),
            CertificateBatchOutcome.outcome,
            func.count(),
        )
        .outerjoin(CertificateBatchOutcome, CertificateBatchOutcome.item_id == CertificateBatchItem.id)
        .where(CertificateBatchItem.batch_id.in_(batch_ids))
        .group_by(
            CertificateBatchItem.batch_id, CertificateBatchItem.left_out.is_not(None), CertificateBatchOutcome.outcome
        )
    )
    for batch_id, is_left_out, outcome, number in rows:
        counts = found[batch_id]
        if is_left_out:
            counts["left_out"] += number
            continue
        counts["total"] += number
        if outcome is not None:
            counts[Outcome(outcome).value] += number
    return {batch_id: Counts(**found[batch_id]) for batch_id in batch_ids}


def find_waiting(batch: CertificateBatch) -> CertificateBatchItem | None:
    """Return the first line that has not had its turn, or None."""
    return session.scalar(
        select(CertificateBatchItem)
        .where(
            CertificateBatchItem.batch_id == batch.id,
            CertificateBatchItem.left_out.is_(None),
            ~select(CertificateBatchOutcome.id)
            .where(CertificateBatchOutcome.item_id == CertificateBatchItem.id)
            .exists(),
        )
        .order_by(CertificateBatchItem.position)
        .limit(1)
    )


def has_outcome(item_id: int) -> bool:
    """Say whether a line has had its turn."""
    statement = select(CertificateBatchOutcome.id).where(CertificateBatchOutcome.item_id == item_id)
    return session.scalar(statement) is not None


def list_items(batch: CertificateBatch, turned: Paging) -> list[CertificateBatchItem]:
    """Return a page of the lines of a batch in their order, with whose they are and what became of each."""
    return list(
        session.scalars(
            select(CertificateBatchItem)
            .where(CertificateBatchItem.batch_id == batch.id)
            .options(
                joinedload(CertificateBatchItem.person),
                joinedload(CertificateBatchItem.credential),
                joinedload(CertificateBatchItem.certificate),
                joinedload(CertificateBatchItem.outcome).joinedload(CertificateBatchOutcome.certificate),
            )
            .order_by(CertificateBatchItem.position)
            .offset(turned.offset)
            .limit(turned.size)
        )
    )


def list_called_alike(batch: CertificateBatch, people: Sequence[Person]) -> list[Person]:
    """Return those whom a batch is about and who are called like some of these people, themselves included."""

    def like(*columns: str) -> ColumnElement[bool]:
        return and_(*(getattr(Person, name).in_({getattr(each, name) for each in people}) for name in columns))

    items = select(CertificateBatchItem.person_id).where(CertificateBatchItem.batch_id == batch.id)
    called = or_(like("family_name", "given_name"), like("family_romaji", "given_romaji"), like("shown_as"))
    return list(session.scalars(select(Person).where(Person.id.in_(items), called).order_by(Person.id)))


def count_lines(batch: CertificateBatch) -> int:
    """Return how many lines a batch has, those included that were left out from the first."""
    statement = select(func.count()).select_from(CertificateBatchItem)
    return session.scalar(statement.where(CertificateBatchItem.batch_id == batch.id)) or 0


def list_taken(batch: CertificateBatch) -> list[Certificate]:
    """Return the certificates whose files a batch has taken, in its order, with what says who may see them."""
    return list(
        session.scalars(
            select(Certificate)
            .join(CertificateBatchOutcome, CertificateBatchOutcome.certificate_id == Certificate.id)
            .join(CertificateBatchItem, CertificateBatchItem.id == CertificateBatchOutcome.item_id)
            .where(CertificateBatchItem.batch_id == batch.id)
            .options(
                # Thousands of them would fill the memory, and nothing of it is asked for.
                defer(Certificate.snapshot),
                joinedload(Certificate.person),
                joinedload(Certificate.enrollment).joinedload(Enrollment.person),
                joinedload(Certificate.enrollment).joinedload(Enrollment.cohort),
                joinedload(Certificate.credential_version, innerjoin=True),
                selectinload(Certificate.facts),
                selectinload(Certificate.policy_supersessions),
            )
            .order_by(CertificateBatchItem.position)
        )
    )


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A stored PDF of a certificate, without its bytes: plain values."""

    id: int
    number: str
    language: str
    # The holder's name as it is printed, in the language of the file.
    holder: str
    size: int
    sha256: str
    kids: tuple[str, ...]


def list_stored(batch: CertificateBatch) -> list[StoredFile]:
    """Return the stored PDFs that a batch has taken, in its order."""
    rows = session.execute(
        select(
            CertificateFile.id,
            CertificateBatchItem.languages,
            Certificate.number,
            Certificate.snapshot,
            CertificateFile.language,
            CertificateFile.size,
            CertificateFile.sha256,
            CertificateFile.kid,
            CertificateFile.document_kid,
        )
        .join(Certificate, Certificate.id == CertificateFile.certificate_id)
        .join(CertificateBatchOutcome, CertificateBatchOutcome.certificate_id == Certificate.id)
        .join(CertificateBatchItem, CertificateBatchItem.id == CertificateBatchOutcome.item_id)
        .where(CertificateBatchItem.batch_id == batch.id)
        .order_by(CertificateBatchItem.position, CertificateFile.language)
        # Of each snapshot only the name is kept.
        .execution_options(yield_per=100)
    )
    return [
        StoredFile(
            row[0],
            row[2],
            row[4],
            row[3]["holder"][row[4]] or row[3]["holder"]["en"],
            row[5],
            row[6],
            tuple(kid for kid in (row[7], row[8]) if kid),
        )
        for row in rows
        if row[4] in (row[1] or "").split(",")
    ]


def read_content(file_id: int) -> bytes:
    """Return the bytes of one stored PDF; nothing of the session keeps them."""
    found: bytes = session.execute(select(CertificateFile.content).where(CertificateFile.id == file_id)).scalar_one()
    return found


# --- print files --------------------------------------------------------------------------------------------------


def find_print(batch: CertificateBatch) -> CertificateBatchPrint | None:
    """Return the print file that is kept of a batch, or None."""
    return session.scalar(
        select(CertificateBatchPrint).where(
            CertificateBatchPrint.batch_id == batch.id, CertificateBatchPrint.removed_at.is_(None)
        )
    )


def find_last_print(batch: CertificateBatch) -> CertificateBatchPrint | None:
    """Return the print file that was made last, kept or not, or None."""
    return session.scalar(
        select(CertificateBatchPrint)
        .where(CertificateBatchPrint.batch_id == batch.id)
        .order_by(CertificateBatchPrint.id.desc())
        .limit(1)
    )


def list_old_prints(before: datetime) -> list[CertificateBatchPrint]:
    """Return the print files that are kept and were made before an instant."""
    return list(
        session.scalars(
            select(CertificateBatchPrint)
            .where(CertificateBatchPrint.removed_at.is_(None), CertificateBatchPrint.made_at < before)
            .order_by(CertificateBatchPrint.id)
        )
    )


def list_part_ids(making: str) -> list[int]:
    """Return the rows of the parts of a print file, in their order."""
    return list(
        session.scalars(
            select(CertificateBatchPart.id)
            .where(CertificateBatchPart.making == making)
            .order_by(CertificateBatchPart.position)
        )
    )


def read_part(part_id: int) -> bytes:
    """Return the bytes of one part."""
    found: bytes = session.execute(
        select(CertificateBatchPart.content).where(CertificateBatchPart.id == part_id)
    ).scalar_one()
    return found


# --- what a batch would do ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Completion:
    """A training of somebody that leads to a credential: whether it is completed, and what was issued for it.

    `renews` says whether she held something that could be renewed when she completed it, `had_before` whether she had
    been issued the credential at all.
    """

    enrollment: Enrollment
    slug: str
    credential: Credential | None
    version: CredentialVersion | None
    issued: Certificate | None
    lacks_a_result: bool
    had_before: bool
    renews: bool


def list_completions(people: Sequence[Person], slug: str | None) -> list[Completion]:
    """Return the trainings of people that lead to a credential (of the slug), in the order of the people.

    Not those that ended before they were completed. A fixed number of statements.
    """
    place = {each.id: number for number, each in enumerate(people)}
    conditions: list[ColumnElement[bool]] = [
        Enrollment.person_id.in_(place),
        PlanVersion.credential_slug.is_not(None),
        Enrollment.ended_at.is_(None),
    ]
    if slug is not None:
        conditions.append(PlanVersion.credential_slug == slug)
    rows = session.execute(
        select(Enrollment, training.lacks_a_result)
        .join(Enrollment.version)
        .where(*conditions)
        .options(
            contains_eager(Enrollment.version),
            joinedload(Enrollment.person),
            joinedload(Enrollment.cohort),
        )
        .order_by(Enrollment.completed_at.is_(None), Enrollment.completed_at, Enrollment.id)
    ).all()
    slugs = {row[0].version.credential_slug for row in rows}
    credentials = {each.slug: each for each in session.scalars(select(Credential).where(Credential.slug.in_(slugs)))}
    versions = _newest(credentials.values())
    held = list_held(people, slug)
    of_completion: dict[tuple[int, str], Certificate] = {}
    of_person: dict[tuple[int, int], list[Certificate]] = defaultdict(list)
    for each in held:
        of_completion[each.credential_id, each.enrollment_code] = each
        of_person[each.person_id, each.credential_id].append(each)
    found = []
    for enrollment, lacks in rows:
        wanted = enrollment.version.credential_slug
        assert wanted is not None
        credential = credentials.get(wanted)
        earlier = of_person[enrollment.person_id, credential.id] if credential is not None else []
        found.append(
            Completion(
                enrollment,
                wanted,
                credential,
                versions.get(credential.id) if credential is not None else None,
                of_completion.get((credential.id, enrollment.code)) if credential is not None else None,
                bool(lacks),
                _had_before(earlier, enrollment.completed_at),
                _renews(earlier, enrollment.completed_at),
            )
        )
    return sorted(found, key=lambda each: place[each.enrollment.person_id])


def _newest(credentials: Collection[Credential]) -> dict[int, CredentialVersion]:
    newest = (
        select(func.max(CredentialVersion.id))
        .where(CredentialVersion.credential_id.in_([each.id for each in credentials]))
        .group_by(CredentialVersion.credential_id)
    )
    return {
        each.credential_id: each
        for each in session.scalars(select(CredentialVersion).where(CredentialVersion.id.in_(newest)))
    }


def _had_before(earlier: Sequence[Certificate], at: datetime | None) -> bool:
    return at is not None and any(each.issued_at <= at for each in earlier)


def _renews(earlier: Sequence[Certificate], at: datetime | None) -> bool:
    """Say the same as `renewals.could_renew`, of certificates that were read already, the oldest first."""
    if at is None:
        return False
    standing = [
        each for each in earlier if each.issued_at <= at and (each.replaced_at is None or each.replaced_at > at)
    ]
    return bool(standing) and former_at(standing[-1], at).can_be_renewed


def list_held(people: Sequence[Person], slug: str | None) -> list[Certificate]:
    """Return the certificates of people (of a credential), the oldest first, with all that says what they are worth."""
    conditions: list[ColumnElement[bool]] = [Certificate.person_id.in_([each.id for each in people])]
    if slug is not None:
        conditions.append(Certificate.credential_id.in_(select(Credential.id).where(Credential.slug == slug)))
    return list(
        session.scalars(
            select(Certificate)
            .where(*conditions)
            .options(
                # Thousands of them would fill the memory, and nothing of it is asked for.
                defer(Certificate.snapshot),
                joinedload(Certificate.person),
                joinedload(Certificate.enrollment).joinedload(Enrollment.person),
                joinedload(Certificate.enrollment).joinedload(Enrollment.cohort),
                joinedload(Certificate.credential_version, innerjoin=True),
                selectinload(Certificate.facts),
                selectinload(Certificate.policy_supersessions),
            )
            .order_by(Certificate.id)
        )
    )


def list_printed(held: Sequence[Certificate]) -> set[int]:
    """Return the rows of those certificates that have their PDF in every language."""
    return set(
        session.scalars(
            select(CertificateFile.certificate_id)
            .where(CertificateFile.certificate_id.in_([each.id for each in held]))
            .group_by(CertificateFile.certificate_id)
            .having(func.count() == len(LANGUAGES))
        )
    )


def last_act(batch: CertificateBatch, act: Act) -> CertificateBatchAct | None:
    """Return the last time that something was done with a batch, or None."""
    return next((each for each in reversed(batch.acts) if each.act is act), None)
