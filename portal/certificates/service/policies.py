"""Certificates of an older policy: what they rest on has changed since they were issued."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from portal.certificates import queries
from portal.certificates.models import Certificate, PolicySupersession
from portal.core import clock
from portal.core.db import session
from portal.journal.service import record
from portal.library.models import DocumentVersion
from portal.library.rules.changes import ASKS_AGAIN, was_called_off
from portal.library.service.dependants import Change, change_of_version


@dataclass(frozen=True, slots=True)
class AffectedCertificate:
    """A certificate whose basis holds clauses that a change touches."""

    certificate_id: int
    number: str
    anchors: tuple[str, ...]


def affected_certificates(change: Change) -> list[AffectedCertificate]:
    """Return the certificates that a change makes ones of an older policy from the day it takes effect.

    Those that stand today and will not have expired by then; not those that are of an older policy already.
    """
    return change.once("certificates", lambda: _affected(change))


def _affected(change: Change) -> list[AffectedCertificate]:
    if not change.asks_again or not change.touched:
        return []
    base = change.sequences.get(change.base_number or "", 0)
    resting = queries.list_resting_on(
        change.document_slug, document_id=change.document_id, after=base, until=change.sequence
    )
    found = []
    for each in resting:
        last_day = each.expires_on
        if last_day is not None and last_day < clock.local_date(change.takes_effect_at, each.zone):
            continue
        anchors = _touched(change, each.clauses.items())
        if anchors:
            found.append(AffectedCertificate(each.certificate_id, each.number, anchors))
    return found


def _touched(change: Change, clauses: Iterable[tuple[str, dict[str, str]]]) -> tuple[str, ...]:
    return tuple(
        dict.fromkeys(
            anchor
            for number, hashes in clauses
            for anchor, clause_hash in hashes.items()
            if change.touches(number=number, anchor=anchor, clause_hash=clause_hash) is not None
        )
    )


def supersede_by_policy(version: DocumentVersion) -> list[str]:
    """Note the certificates that a published version makes ones of an older policy; return their numbers.

    A second time changes nothing.
    """
    if version.change_class.value not in ASKS_AGAIN or not queries.has_any_certificate():
        return []
    known = {row.certificate_id for row in queries.list_superseded_by(version.id)}
    fresh = [each for each in affected_certificates(change_of_version(version)) if each.certificate_id not in known]
    if not fresh:
        return []
    now = clock.now()
    session.add_all(
        PolicySupersession(
            certificate_id=each.certificate_id, version_id=version.id, anchors=list(each.anchors), noted_at=now
        )
        for each in fresh
    )
    session.flush()
    numbers = [each.number for each in fresh]
    record(
        "certificates.policy_superseded",
        by=None,
        subject=("document", version.document.slug),
        after={
            "version": version.number,
            "effective_at": version.effective_at.isoformat(),
            "certificates": numbers,
        },
    )
    return numbers


def take_back(version: DocumentVersion) -> list[str]:
    """Take back what a version noted that was withdrawn before it took effect; return the certificates' numbers."""
    if not was_called_off(version):
        return []
    rows = [row for row in queries.list_superseded_by(version.id) if row.taken_back_at is None]
    now = clock.now()
    for row in rows:
        row.taken_back_at, row.taken_back_by = now, version.withdrawn_by
    session.flush()
    numbers = [row.certificate.number for row in rows]
    if numbers:
        record(
            "certificates.policy_supersession_taken_back",
            by=None,
            subject=("document", version.document.slug),
            after={"version": version.number, "certificates": numbers},
        )
    return numbers


def note_coming(certificate: Certificate) -> None:
    """Note of a certificate that was just issued which published versions change its basis when they take effect."""
    clauses = {(each["slug"], each["version"]): each["clauses"] for each in certificate.snapshot["basis"]["documents"]}
    for version in queries.list_coming_versions({slug for slug, _number in clauses}, certificate.issued_at):
        of_document = [(number, hashes) for (slug, number), hashes in clauses.items() if slug == version.document.slug]
        anchors = _touched(change_of_version(version), of_document)
        if anchors:
            _add(certificate, version, anchors)


def carry_over(former: Certificate, fresh: Certificate) -> None:
    """Note of a certificate issued anew what makes the former one of an older policy."""
    for row in former.policy_supersessions:
        if row.taken_back_at is None:
            _add(fresh, row.version, row.anchors)


def _add(certificate: Certificate, version: DocumentVersion, anchors: Iterable[str]) -> None:
    certificate.policy_supersessions.append(
        PolicySupersession(version=version, anchors=list(anchors), noted_at=clock.now())
    )
    session.flush()
