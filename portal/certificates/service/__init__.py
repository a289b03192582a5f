"""Publishing credentials, issuing certificates, keeping their files, and taking their worth away."""

from __future__ import annotations

import hmac
import math
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from flask import current_app
from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from portal.accounts.models import Person
from portal.accounts.service.ownership import OwnedThing
from portal.certificates import limits, queries, rules
from portal.certificates.errors import (
    NeedsReason,
    NeedsSecondPerson,
    NoSuchCredential,
    NotCompleted,
    NothingAsked,
    NotInThisState,
    NotRevocable,
    NumberTaken,
    ResultMissing,
    VersionChanged,
    VersionNotNewer,
)
from portal.certificates.models import (
    Certificate,
    CertificateFact,
    CertificateFile,
    CertificateLookup,
    Credential,
    CredentialVersion,
    Design,
    Honorific,
    LookupLevel,
    NumberSeries,
    RevocationRequest,
)
from portal.certificates.rules import FactKind, State
from portal.certificates.service import policies
from portal.core import clock, codes, jobs, touch
from portal.core.db import canonical_json, session
from portal.core.errors import TooMany
from portal.core.i18n import Words, force_locale
from portal.core.i18n import lazy_gettext as _l
from portal.core.pdf import Rendered
from portal.journal.service import record
from portal.organisation import queries as organisation
from portal.training import queries as training
from portal.training.models import Enrollment

SNAPSHOT_FORMAT = 1
MIN_REASON = 10


@dataclass(frozen=True, slots=True)
class CredentialSpec:
    """What a version of a credential says."""

    title: Words
    statement: Words
    validity_months: int | None
    design: Design
    honorific: Honorific
    seal: str
    number_format: str
    signatory_name: Words
    signatory_title: Words

    def hash(self) -> str:
        """Return the SHA-256 over all of it."""
        return sha256(canonical_json(asdict(self)).encode()).hexdigest()


# --- credentials --------------------------------------------------------------------------------------------------


def publish_version(
    *, slug: str, number: str, spec: CredentialSpec, by: Person, origin: str = "product"
) -> CredentialVersion | None:
    """Publish a version of a credential; the same number saying the same changes nothing and returns None.

    Raises `VersionChanged` where the number says something else, `VersionNotNewer` for a number not above the newest.
    """
    now = clock.now()
    credential = queries.find_credential(slug)
    if credential is None:
        credential = Credential(slug=slug, created_at=now)
        session.add(credential)
        session.flush()
    for present in credential.versions:
        if present.number == number:
            if present.hash != spec.hash():
                raise VersionChanged(number=number)
            return None
    if credential.versions and _order(number) <= _order(credential.versions[-1].number):
        raise VersionNotNewer(number=number, present=credential.versions[-1].number)
    version = CredentialVersion(
        credential=credential,
        number=number,
        hash=spec.hash(),
        origin=origin,
        created_at=now,
        created_by=by.code,
        title=spec.title,
        statement=spec.statement,
        validity_months=spec.validity_months,
        design=spec.design,
        honorific=spec.honorific,
        seal=spec.seal,
        number_format=spec.number_format,
        signatory_name=spec.signatory_name,
        signatory_title=spec.signatory_title,
    )
    session.add(version)
    session.flush()
    record("certificates.credential_published", by=by, subject=("credential", slug), after={"version": number})
    return version


def keep_stated_owner(*, credential: Credential, owner: str, deputy: str, became: str) -> None:
    """Keep whom an imported file names, and who became owner and deputy for that."""
    credential.stated_owner, credential.stated_deputy, credential.stated_owner_became = owner, deputy, became


def _order(number: str) -> tuple[int, ...]:
    return tuple(int(part) for part in number.split("."))


# --- issuing ------------------------------------------------------------------------------------------------------


def effect_key(certificate: Certificate) -> str:
    """Return the key under which the certificate's files are made once."""
    return f"certificate:{certificate.credential_id}:{certificate.enrollment_code}:{certificate.issue_no}"


def issue_certificate(*, credential: Credential, enrollment: Enrollment) -> Certificate:
    """Issue the credential for a completed enrollment, once: a second time returns the certificate that stands.

    An earlier certificate of the same credential is superseded. Raises `NotCompleted` for an enrollment that is not
    completed and for a deactivated account, `ResultMissing` where the learner is exempt from a quiz of the plan without
    two people having decided so, `NoSuchCredential` where the credential has no version, `NumberTaken`.
    """
    version = queries.find_latest_version(credential)
    if version is None:
        raise NoSuchCredential(slug=credential.slug)
    person = enrollment.person
    issued_at = clock.now()
    series = rules.series_of(version.number_format, clock.local_date(issued_at, person.home_market.time_zone).year)
    _lock_series(series)
    # Looked up under the lock: whoever comes second finds what the first has issued.
    standing = queries.find_current(credential.id, enrollment.code)
    if standing is not None:
        return standing
    if enrollment.completed_at is None or not person.is_active:
        raise NotCompleted()
    if training.has_result_missing(enrollment):
        raise ResultMissing()
    earlier = queries.list_current_of(person.id, credential.id)
    plan = enrollment.version
    certificate = _issue(
        version,
        enrollment,
        series,
        issued_at,
        plan={
            "slug": plan.plan.slug,
            "version": plan.number,
            "title": _both(plan.title),
            "completed_at": enrollment.completed_at.isoformat(),
        },
        basis=queries.gather_basis(enrollment),
    )
    policies.note_coming(certificate)
    for former in earlier:
        _supersede(former, certificate, by="system", reason="renewed by a later completion")
    return certificate


def issue_for_completion(enrollment: Enrollment) -> Certificate | None:
    """Issue what completing the plan earns, if it earns something; what stands in the way goes into the journal.

    A fault of the credential never keeps a learner from completing her plan: it is mended, then issued by
    `issue_owed`.
    """
    slug = enrollment.version.credential_slug
    if slug is None:
        return None
    credential = queries.find_credential(slug)
    try:
        if credential is None:
            raise NoSuchCredential(slug=slug)
        return issue_certificate(credential=credential, enrollment=enrollment)
    except (NoSuchCredential, NotCompleted, NumberTaken, ResultMissing) as refused:
        with force_locale("en"):
            reason = str(refused)
        current_app.logger.warning("no certificate for enrollment %s: %s", enrollment.code, reason)
        record("certificates.not_issued", by=None, subject=("enrollment", enrollment.code), reason=reason)
        return None


def issue_owed() -> list[Certificate]:
    """Issue what completed plans have earned and was not issued at the time. Raises what stands in the way."""
    return [
        issue_certificate(credential=credential, enrollment=enrollment)
        for enrollment, credential in queries.list_owed()
    ]


def reissue_certificate(*, certificate: Certificate, reason: str, by: Person) -> Certificate:
    """Issue a certificate anew for the same completion (a changed name, say); the former one is superseded.

    Raises `NotInThisState` for one that was replaced, suspended or revoked, `NeedsReason`, and `NotCompleted` for a
    deactivated account.
    """
    reason = _reason(reason)
    version = certificate.credential_version
    person = certificate.person
    if not person.is_active:
        raise NotCompleted()
    issued_at = clock.now()
    series = rules.series_of(version.number_format, clock.local_date(issued_at, person.home_market.time_zone).year)
    _lock_series(series)
    session.refresh(certificate)
    if certificate.replaced_at is not None or state_of(certificate) in (State.REVOKED, State.SUSPENDED):
        raise NotInThisState()
    snapshot = certificate.snapshot
    # Out of the way of the unique key of the current issue first.
    certificate.replaced_at = issued_at
    session.flush()
    fresh = _issue(
        version,
        certificate.enrollment,
        series,
        issued_at,
        plan=snapshot["plan"],
        basis=snapshot["basis"],
        expires_on=certificate.expires_on,
    )
    # It certifies the same completion: what made that one of an older policy is true of it as well.
    policies.carry_over(certificate, fresh)
    _supersede(certificate, fresh, by=by.code, reason=reason)
    record(
        "certificates.reissued",
        by=by,
        subject=("certificate", certificate.number),
        after={"by": fresh.number},
        reason=reason,
    )
    return fresh


_AS_THE_VERSION_SAYS: Any = object()


def _issue(
    version: CredentialVersion,
    enrollment: Enrollment,
    series: str,
    issued_at: datetime,
    *,
    plan: Mapping[str, Any],
    basis: Mapping[str, Any],
    expires_on: Any = _AS_THE_VERSION_SAYS,
) -> Certificate:
    person = enrollment.person
    zone = person.home_market.time_zone
    issued_on = clock.local_date(issued_at, zone)
    if expires_on is _AS_THE_VERSION_SAYS:
        expires_on = rules.expiry(issued_on, version.validity_months)
    counter = session.scalars(
        select(NumberSeries).where(NumberSeries.name == series).execution_options(populate_existing=True)
    ).one()
    number = rules.write_number(version.number_format, issued_on.year, counter.last_number + 1)
    if session.scalar(select(Certificate.id).where(Certificate.number == number)) is not None:
        raise NumberTaken(number=number)
    counter.last_number += 1
    series_no = counter.last_number
    code = codes.new_secret_code()
    issue_no = queries.last_issue_no(version.credential_id, enrollment.code) + 1
    issuer = organisation.name()
    snapshot = {
        "format": SNAPSHOT_FORMAT,
        "number": number,
        "code": code,
        "issue_no": issue_no,
        "credential": {
            "slug": version.credential.slug,
            "version": version.number,
            "title": _both(version.title),
            "statement": {
                tag: rules.fill(
                    version.statement.in_(tag),
                    {
                        "plan": plan["title"][tag],
                        "version": plan["version"],
                        "organisation": issuer.in_(tag),
                    },
                )
                for tag in ("en", "ja")
            },
            "design": version.design.value,
            "honorific": version.honorific.value,
            "seal": version.seal,
        },
        "holder": {"en": person.name_in("en"), "ja": person.name_in("ja"), "kana": person.full_kana},
        "plan": dict(plan),
        "issued_at": issued_at.isoformat(),
        "issued_on": issued_on.isoformat(),
        "zone": zone,
        "expires_on": expires_on.isoformat() if expires_on else None,
        "issuer": _both(issuer),
        "signatory": {"name": _both(version.signatory_name), "title": _both(version.signatory_title)},
        "verify_url": f"{current_app.config['PUBLIC_URL']}/verify/{code}",
        "basis": dict(basis),
    }
    certificate = Certificate(
        credential_id=version.credential_id,
        credential_version=version,
        person=person,
        enrollment=enrollment,
        enrollment_code=enrollment.code,
        issue_no=issue_no,
        series=series,
        series_no=series_no,
        number=number,
        code=code,
        issued_at=issued_at,
        issued_on=issued_on,
        zone=zone,
        expires_on=expires_on,
        snapshot=snapshot,
        snapshot_sha256=snapshot_hash(snapshot),
    )
    session.add(certificate)
    session.flush()
    record(
        "certificates.issued",
        by=None,
        subject=("certificate", number),
        after={
            "credential": version.credential.slug,
            "version": version.number,
            "enrollment": enrollment.code,
            "snapshot_sha256": certificate.snapshot_sha256,
        },
    )
    jobs.enqueue("certificates.render", {"certificate_id": certificate.id}, effect_key=effect_key(certificate))
    return certificate


def _lock_series(series: str) -> None:
    """Take the lock under which numbers of the series are given out; the row is made where it is missing."""
    insert = postgresql_insert if session.get_bind().dialect.name == "postgresql" else sqlite_insert
    session.execute(insert(NumberSeries).values(name=series, last_number=0).on_conflict_do_nothing())
    session.execute(select(NumberSeries.last_number).where(NumberSeries.name == series).with_for_update())


def _both(words: Words) -> dict[str, str]:
    return {"en": words.en, "ja": words.ja}


def snapshot_hash(snapshot: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a snapshot's canonical JSON."""
    return sha256(canonical_json(snapshot).encode()).hexdigest()


# --- files --------------------------------------------------------------------------------------------------------


def store_file(*, certificate: Certificate, language: str, rendered: Rendered) -> bool:
    """Keep a PDF with its hash and what made it; one that is there stays. Say whether it was stored."""
    if queries.has_file(certificate.id, language):
        return False
    session.add(
        CertificateFile(
            certificate_id=certificate.id,
            language=language,
            content=rendered.content,
            size=len(rendered.content),
            sha256=sha256(rendered.content).hexdigest(),
            renderer=rendered.renderer,
            fonts=rendered.fonts,
            made_at=clock.now(),
        )
    )
    session.flush()
    record(
        "certificates.file_stored",
        by=None,
        subject=("certificate", certificate.number),
        after={"language": language, "sha256": sha256(rendered.content).hexdigest()},
    )
    return True


# --- what it is worth ---------------------------------------------------------------------------------------------


def state_of(certificate: Certificate) -> State:
    """Return what the certificate is worth now, which is a day in its own zone."""
    return certificate.state(clock.today(certificate.zone), clock.now())


def request_revocation(*, certificate: Certificate, reason: str, by: Person) -> RevocationRequest:
    """Ask for a revocation; nothing changes until a second person confirms it.

    Raises `NeedsReason`, `NotRevocable`.
    """
    reason = _reason(reason)
    if state_of(certificate) is State.REVOKED or queries.find_open_request(certificate.id) is not None:
        raise NotRevocable()
    request = RevocationRequest(certificate_id=certificate.id, requested_at=clock.now(), requested_by=by, reason=reason)
    session.add(request)
    session.flush()
    record("certificates.revocation_requested", by=by, subject=("certificate", certificate.number), reason=reason)
    return request


def confirm_revocation(*, certificate: Certificate, by: Person) -> None:
    """Agree to an open request: the certificate is revoked from this moment on.

    Raises `NothingAsked`, `NeedsSecondPerson`.
    """
    request = _open_request(certificate)
    revoke(certificate=certificate, requested_by=request.requested_by, confirmed_by=by, reason=request.reason)
    request.closed_at, request.closed_by = clock.now(), by.code


def decline_revocation(*, certificate: Certificate, by: Person) -> None:
    """Close an open request without revoking; its author may do so too. Raises `NothingAsked`."""
    request = _open_request(certificate)
    request.closed_at, request.closed_by = clock.now(), by.code
    record("certificates.revocation_declined", by=by, subject=("certificate", certificate.number))


def revoke(*, certificate: Certificate, requested_by: Person, confirmed_by: Person, reason: str) -> None:
    """Revoke a certificate for good, by two different people neither of whom is its holder. The file stays.

    Raises `NeedsSecondPerson`, `NeedsReason`, `NotRevocable`.
    """
    reason = _reason(reason)
    if confirmed_by.id in (requested_by.id, certificate.person_id):
        raise NeedsSecondPerson()
    if state_of(certificate) is State.REVOKED:
        raise NotRevocable()
    _note(certificate, FactKind.REVOKED, by=requested_by.code, confirmed_by=confirmed_by.code, reason=reason)
    record(
        "certificates.revoked",
        by=confirmed_by,
        subject=("certificate", certificate.number),
        after={"requested_by": requested_by.code},
        reason=reason,
    )


def suspend(*, certificate: Certificate, reason: str, by: Person) -> None:
    """Suspend a certificate until it is reinstated. Raises `NeedsReason`, `NotInThisState`."""
    reason = _reason(reason)
    if state_of(certificate) in (State.REVOKED, State.SUSPENDED):
        raise NotInThisState()
    _note(certificate, FactKind.SUSPENDED, by=by.code, reason=reason)
    record("certificates.suspended", by=by, subject=("certificate", certificate.number), reason=reason)


def reinstate(*, certificate: Certificate, reason: str, by: Person) -> None:
    """Lift a suspension. Raises `NeedsReason`, `NotInThisState`."""
    reason = _reason(reason)
    if state_of(certificate) is not State.SUSPENDED:
        raise NotInThisState()
    _note(certificate, FactKind.REINSTATED, by=by.code, reason=reason)
    record("certificates.reinstated", by=by, subject=("certificate", certificate.number), reason=reason)


def _supersede(former: Certificate, fresh: Certificate, *, by: str, reason: str) -> None:
    former.replaced_at = former.replaced_at or fresh.issued_at
    _note(former, FactKind.SUPERSEDED, by=by, reason=reason, replaced_by_id=fresh.id)


def _note(certificate: Certificate, kind: FactKind, **values: Any) -> None:
    certificate.facts.append(CertificateFact(kind=kind, at=clock.now(), **values))
    session.flush()


def _open_request(certificate: Certificate) -> RevocationRequest:
    request = queries.find_open_request(certificate.id)
    if request is None:
        raise NothingAsked()
    return request


def _reason(reason: str) -> str:
    plain = reason.strip()
    if len(plain) < MIN_REASON:
        raise NeedsReason()
    return plain


# --- look-ups -----------------------------------------------------------------------------------------------------


def count_lookup(address: str | None) -> None:
    """Count a look-up of a network; raises `TooMany` with the seconds until the next one.

    This process counts first: whoever asks much too often costs no more than that. What it lets pass is counted
    in the database for all processes; when that is busy, the count of this process has to do.
    """
    network = limits.key_of(address)
    limits.lookups.take(network)
    secret = str(current_app.config["SECRET_KEY"]).encode()
    key = hmac.new(secret, f"lookup:{network}".encode(), "sha256").hexdigest()
    touch.note(lambda: _take_shared(key))


def _take_shared(key: str) -> None:
    now, full = clock.now(), limits.PER_MINUTE * 1000
    insert = postgresql_insert if session.get_bind().dialect.name == "postgresql" else sqlite_insert
    fresh = insert(LookupLevel).values(key=key, left=full, at=now)
    session.execute(fresh.on_conflict_do_nothing(index_elements=["key"]))
    row = session.scalars(select(LookupLevel).where(LookupLevel.key == key).with_for_update()).one()
    since = max(0, int((now - row.at).total_seconds() * limits.PER_MINUTE * 1000 / 60))
    left = min(full, row.left + since)
    if left < 1000:
        raise TooMany(seconds=max(1, math.ceil((1000 - left) * 60 / full)))
    # Written out, so that the first look-up costs what every other does.
    session.execute(update(LookupLevel).where(LookupLevel.key == key).values(left=left - 1000, at=now))


def tidy_levels() -> int:
    """Remove the counts of networks that have all their look-ups again; return how many."""
    gone = session.execute(delete(LookupLevel).where(LookupLevel.at < clock.now() - timedelta(minutes=2)))
    return int(gone.rowcount)  # type: ignore[attr-defined]


def note_lookup(certificate_id: int | None, answer: str) -> None:
    """Note that a code was looked up; when the database is busy the note is left out."""
    now = clock.now()
    touch.note(lambda: session.add(CertificateLookup(certificate_id=certificate_id, at=now, answer=answer)))


# --- what somebody answers for ------------------------------------------------------------------------------------


OWNED_KIND = "credential"


class OwnedCredentials:
    """Credentials; every one needs an owner from its first day."""

    kind = OWNED_KIND
    name = _l("Credential")

    def find_things(self, codes: Collection[str]) -> Mapping[str, OwnedThing]:
        """Return those of the credentials that exist."""
        return {
            version.credential.slug: OwnedThing(str(version.title), None)
            for version in queries.list_latest_versions()
            if version.credential.slug in codes
        }

    def list_live_codes(self) -> Collection[str]:
        """Return the slugs of all credentials."""
        return [version.credential.slug for version in queries.list_latest_versions()]
