"""Every look at credentials and certificates."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import contains_eager, joinedload, selectinload, undefer

from portal.certificates.errors import FileNotReady, NoSuchCertificate, NoSuchCredential
from portal.certificates.models import (
    Certificate,
    CertificateFile,
    Credential,
    CredentialVersion,
    RevocationRequest,
)
from portal.core import codes
from portal.core.db import session
from portal.core.jobs import Job

CODE_LENGTH = 26
MAX_NUMBER_LENGTH = 60
# Well-formed and never given out: looked up in place of a malformed code, so that both cost the same.
_NO_CODE = "0" * CODE_LENGTH


def find_credential(slug: str) -> Credential | None:
    """Return the credential of the slug, or None."""
    return session.scalar(select(Credential).where(Credential.slug == slug))


def get_credential(slug: str) -> Credential:
    """Return the credential of the slug. Raises `NoSuchCredential`."""
    found = find_credential(slug)
    if found is None:
        raise NoSuchCredential(slug=slug)
    return found


def find_latest_version(credential: Credential) -> CredentialVersion | None:
    """Return the credential's newest version, under which certificates are issued."""
    return session.scalar(
        select(CredentialVersion)
        .where(CredentialVersion.credential_id == credential.id)
        .order_by(CredentialVersion.id.desc())
        .limit(1)
    )


def list_latest_versions() -> list[CredentialVersion]:
    """Return the newest version of every credential, by slug."""
    newest = select(func.max(CredentialVersion.id)).group_by(CredentialVersion.credential_id)
    return list(
        session.scalars(
            select(CredentialVersion)
            .join(CredentialVersion.credential)
            .options(contains_eager(CredentialVersion.credential))
            .where(CredentialVersion.id.in_(newest))
            .order_by(Credential.slug)
        )
    )


def list_certificates_of(person_id: int) -> list[Certificate]:
    """Return a person's certificates, the newest first, with their files (without bytes) and facts."""
    return list(
        session.scalars(
            select(Certificate)
            .where(Certificate.person_id == person_id)
            .options(selectinload(Certificate.files), selectinload(Certificate.facts))
            .order_by(Certificate.issued_at.desc(), Certificate.id.desc())
        )
    )


def get_certificate(number: str) -> Certificate:
    """Return the certificate of the printed number, with its files and facts. Raises `NoSuchCertificate`."""
    found = None
    if len(number) <= MAX_NUMBER_LENGTH and number.isascii() and number.isprintable():
        found = session.scalar(
            select(Certificate)
            .where(Certificate.number == number)
            .options(
                joinedload(Certificate.person),
                selectinload(Certificate.files),
                selectinload(Certificate.facts),
            )
        )
    if found is None:
        raise NoSuchCertificate()
    return found


def get_certificate_by_id(certificate_id: int) -> Certificate:
    """Return the certificate of a row number, for jobs and mails. Raises `NoSuchCertificate`."""
    found = session.get(Certificate, certificate_id)
    if found is None:
        raise NoSuchCertificate()
    return found


def find_certificate_by_code(typed: str) -> Certificate | None:
    """Return the certificate of a code as somebody typed or scanned it, or None.

    A malformed code costs the same work as an unknown one.
    """
    code = codes.normalise(typed[:200])
    wanted = code if codes.is_well_formed(code, CODE_LENGTH) else _NO_CODE
    return session.scalar(
        select(Certificate).where(Certificate.code == wanted).options(selectinload(Certificate.facts))
    )


def get_file(certificate: Certificate, language: str) -> CertificateFile:
    """Return the certificate's PDF in the language with its bytes. Raises `FileNotReady`."""
    found = session.scalar(
        select(CertificateFile)
        .where(CertificateFile.certificate_id == certificate.id, CertificateFile.language == language)
        .options(undefer(CertificateFile.content))
    )
    if found is None:
        raise FileNotReady()
    return found


def has_file(certificate_id: int, language: str) -> bool:
    """Say whether the PDF of the language is stored."""
    return (
        session.scalar(
            select(CertificateFile.id).where(
                CertificateFile.certificate_id == certificate_id, CertificateFile.language == language
            )
        )
        is not None
    )


def find_current(credential_id: int, enrollment_code: str) -> Certificate | None:
    """Return the issue of a completion that has not been replaced, or None."""
    return session.scalar(
        select(Certificate).where(
            Certificate.credential_id == credential_id,
            Certificate.enrollment_code == enrollment_code,
            Certificate.replaced_at.is_(None),
        )
    )


def list_current_of(person_id: int, credential_id: int) -> list[Certificate]:
    """Return the person's certificates of a credential that have not been replaced, oldest first."""
    return list(
        session.scalars(
            select(Certificate)
            .where(
                Certificate.person_id == person_id,
                Certificate.credential_id == credential_id,
                Certificate.replaced_at.is_(None),
            )
            .order_by(Certificate.id)
        )
    )


def last_issue_no(credential_id: int, enrollment_code: str) -> int:
    """Return the number of the last issue of a completion; 0: none yet."""
    return (
        session.scalar(
            select(func.max(Certificate.issue_no)).where(
                Certificate.credential_id == credential_id, Certificate.enrollment_code == enrollment_code
            )
        )
        or 0
    )


def find_open_request(certificate_id: int) -> RevocationRequest | None:
    """Return the request to revoke the certificate that waits for a second person, or None."""
    return session.scalar(
        select(RevocationRequest)
        .where(RevocationRequest.certificate_id == certificate_id, RevocationRequest.closed_at.is_(None))
        .options(joinedload(RevocationRequest.requested_by))
    )


def find_jobs(effect_keys: list[str]) -> dict[str, Job]:
    """Return the jobs that make these certificates, by effect key."""
    if not effect_keys:
        return {}
    return {job.effect_key: job for job in session.scalars(select(Job).where(Job.effect_key.in_(effect_keys)))}
