"""Publishing credentials, issuing certificates, keeping their files, and taking their worth away."""

from __future__ import annotations

import hmac
import math
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any

from flask import current_app
from sqlalchemy import bindparam, delete, select
from sqlalchemy import insert as add

from portal.accounts import queries as accounts
from portal.accounts.models import Person, Role
from portal.accounts.service.name_changes import stood_for
from portal.accounts.service.ownership import OwnedThing, OwnerNeeds
from portal.certificates import limits, queries, rules
from portal.certificates.errors import (
    AlreadyExpired,
    CredentialSuperseded,
    HolderDecides,
    HolderRevokes,
    NeedsReason,
    NeedsSecondPerson,
    NobodyElseDecides,
    NoSuchCredential,
    NotCompleted,
    NothingAsked,
    NothingToRenew,
    NotInThisState,
    NotRevocable,
    NumberTaken,
    ResultMissing,
    VersionChanged,
    VersionNotNewer,
)
from portal.certificates.formats.signed_file import SignedFile
from portal.certificates.models import (
    Certificate,
    CertificateFact,
    CertificateFile,
    CertificateLookup,
    Credential,
    CredentialVersion,
    LookupLevel,
    NumberSeries,
    RevocationRequest,
)
from portal.certificates.permissions import SEE_CREDENTIALS
from portal.certificates.queries.templates import get_version as get_template_version
from portal.certificates.rules import FactKind, State
from portal.certificates.rules.basis import as_told
from portal.certificates.rules.templates import Design, Honorific
from portal.certificates.service import policies, renewals, status
from portal.core import clock, codes, jobs, mail, touch
from portal.core.db import canonical_json, insert, session
from portal.core.errors import TooMany
from portal.core.i18n import Words, force_locale, language
from portal.core.i18n import gettext as _
from portal.core.i18n import lazy_gettext as _l
from portal.core.jobs import JobState
from portal.journal.service import record
from portal.organisation import queries as organisation
from portal.training import queries as training
from portal.training.models import Enrollment

# 2: with the template that it is drawn from, and which cycle it is. 3: the basis in bands and days, without scores,
# codes of attempts and people. What was issued before stays as it was.
SNAPSHOT_FORMAT = 3
MIN_REASON = 10


@dataclass(frozen=True, slots=True)
class TemplateName:
    """A version of a template: what a credential's certificates are drawn from."""

    slug: str
    number: int


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
    # What came later is part of the hash where it is set, so that the hashes of before hold.
    renewal_window_days: int | None = None
    grace_days: int | None = None
    renewal_plan_slug: str | None = None
    superseded_by_slug: str | None = None
    template: TemplateName | None = None

    def hash(self) -> str:
        """Return the SHA-256 over all of it."""
        said = {name: value for name, value in asdict(self).items() if value is not None or name not in _CAME_LATER}
        return sha256(canonical_json(said).encode()).hexdigest()


_CAME_LATER = frozenset({"renewal_window_days", "grace_days", "renewal_plan_slug", "superseded_by_slug", "template"})


def spec_of(version: CredentialVersion) -> CredentialSpec:
    """Return what a version of a credential says."""
    drawn = version.template_version
    return CredentialSpec(
        title=version.title,
        statement=version.statement,
        validity_months=version.validity_months,
        design=version.design,
        honorific=version.honorific,
        seal=version.seal,
        number_format=version.number_format,
        signatory_name=version.signatory_name,
        signatory_title=version.signatory_title,
        renewal_window_days=version.renewal_window_days,
        grace_days=version.grace_days,
        renewal_plan_slug=version.renewal_plan_slug,
        superseded_by_slug=version.superseded_by_slug,
        template=TemplateName(drawn.template.slug, drawn.number) if drawn is not None else None,
    )


# --- credentials --------------------------------------------------------------------------------------------------


def publish_version(
    *, slug: str, number: str, spec: CredentialSpec, by: Person, origin: str = "product"
) -> CredentialVersion | None:
    """Publish a version of a credential; the same number saying the same changes nothing and returns None.

    Raises `VersionChanged` where the number says something else, `VersionNotNewer` for a number not above the newest,
    `NoSuchTemplateVersion` where it names one that is not here.
    """
    now = clock.now()
    drawn = get_template_version(spec.template.slug, spec.template.number) if spec.template else None
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
        template_version=drawn,
        renewal_window_days=spec.renewal_window_days,
        grace_days=spec.grace_days,
        renewal_plan_slug=spec.renewal_plan_slug,
        superseded_by_slug=spec.superseded_by_slug,
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


def issue_certificate(
    *, credential: Credential, enrollment: Enrollment, by: Person | None = None, only_renews: bool = False
) -> Certificate:
    """Issue the credential for a completed enrollment, once: a second time returns what was issued for it last.

    It opens a new cycle: an earlier certificate of the same credential is superseded and kept, and where it could still
    be renewed the new one is counted from its last day (`rules.renewals.valid_until`). `by` is who issues it where it
    is not the portal itself. Raises `NotCompleted` for an enrollment that is not completed and for a deactivated
    account, `ResultMissing` where the learner is exempt from a quiz of the plan without two people having decided so,
    `NoSuchCredential` where the credential has no version, `CredentialSuperseded`, `NothingToRenew`, `NumberTaken`, and
    with `only_renews` `NoRenewal` where it would renew nothing.
    """
    person, issued_at = enrollment.person, clock.now()
    version, series = _locked(credential, person, issued_at)
    # Looked up under the lock: whoever comes second finds what the first has issued, even if it was renewed since.
    issued = queries.find_last_issue(credential.id, enrollment.code)
    if issued is not None:
        return issued
    # As they are now, whatever was read before others let go of the lock.
    session.refresh(enrollment, ["completed_at"])
    session.refresh(person, ["deactivated_at"])
    if enrollment.completed_at is None or not person.is_active:
        raise NotCompleted()
    if training.has_result_missing(enrollment):
        raise ResultMissing()
    earlier = queries.list_current_of(person.id, credential.id)
    _lock_standing(*earlier)
    cycle = renewals.cycle_of(version, enrollment, earlier, issued_at, only_renews=only_renews)
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
        expires_on=cycle.expires_on,
        cycle_no=cycle.number,
        renews=cycle.renews,
        by=by,
    )
    policies.note_coming(certificate)
    for former in earlier:
        _supersede(former, certificate, by="system", reason="renewed by a later completion")
    return certificate


def _locked(credential: Credential, person: Person, issued_at: datetime) -> tuple[CredentialVersion, str]:
    """Lock the series in which a certificate is numbered; return the version under which it is issued, and the series.

    Raises `NoSuchCredential`.
    """
    year = clock.local_date(issued_at, person.home_market.time_zone).year
    while True:
        version = queries.find_latest_version(credential)
        if version is None:
            raise NoSuchCredential(slug=credential.slug)
        series = rules.series_of(version.number_format, year)
        _lock_series(series)
        # A version that was published while this one waited for the lock is the one that counts.
        if queries.find_latest_version(credential) is version:
            return version, series


def issue_for_completion(enrollment: Enrollment) -> Certificate | None:
    """Issue what completing the plan earns, if it earns something; what stands in the way goes into the journal.

    A fault of the credential never keeps a learner from completing her plan: it is mended, then issued by
    `flask certificates issue`.
    """
    slug = enrollment.version.credential_slug
    if slug is None:
        return None
    credential = queries.find_credential(slug)
    try:
        if credential is None:
            raise NoSuchCredential(slug=slug)
        return issue_certificate(credential=credential, enrollment=enrollment)
    except (
        NoSuchCredential, NotCompleted, NumberTaken, ResultMissing, CredentialSuperseded, NothingToRenew
    ) as refused:  # fmt: skip
        with force_locale("en"):
            reason = str(refused)
        current_app.logger.warning("no certificate for enrollment %s: %s", enrollment.code, reason)
        record("certificates.not_issued", by=None, subject=("enrollment", enrollment.code), reason=reason)
        return None


def reissue_certificate(
    *, certificate: Certificate, reason: str, by: Person, is_romanised: bool = False
) -> Certificate:
    """Issue a certificate anew for the same completion (a changed name, say); the former one is superseded.

    It stays in its cycle and keeps its last day. `is_romanised`: with the romanised name in both languages, for no font
    has the other. Raises `NotInThisState` for one that was replaced, suspended or revoked, `AlreadyExpired`,
    `NeedsReason`, `NotCompleted` for a deactivated account, and what `refuse_holder` raises.
    """
    reason = checked_reason(reason)
    refuse_holder(certificate, by)
    version = certificate.credential_version
    person = certificate.person
    if not person.is_active:
        raise NotCompleted()
    issued_at = clock.now()
    series = rules.series_of(version.number_format, clock.local_date(issued_at, person.home_market.time_zone).year)
    _lock_series(series)
    _lock_standing(certificate)
    if certificate.replaced_at is not None or state_of(certificate) in (State.REVOKED, State.SUSPENDED):
        raise NotInThisState()
    if state_of(certificate) in (State.EXPIRED, State.IN_GRACE):
        raise AlreadyExpired()
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
        cycle_no=certificate.cycle_no,
        renews=certificate.renews,
        by=None,
        is_romanised=is_romanised,
    )
    # It certifies the same completion: what made that one of an older policy is true of it as well.
    policies.carry_over(certificate, fresh)
    _supersede(certificate, fresh, by=by.code, reason=reason)
    _stop_drawing(certificate)
    record(
        "certificates.reissued",
        by=by,
        subject=("certificate", certificate.number),
        after={"by": fresh.number},
        reason=reason,
    )
    return fresh


def _stop_drawing(certificate: Certificate) -> None:
    """Draw nothing any more of one that was replaced; what is being drawn at this moment ends by itself."""
    job = jobs.find_job(effect_key(certificate))
    if job is not None and job.state in (JobState.CREATED, JobState.FAILED):
        jobs.cancel(job)


def _issue(
    version: CredentialVersion,
    enrollment: Enrollment,
    series: str,
    issued_at: datetime,
    *,
    plan: Mapping[str, Any],
    basis: Mapping[str, Any],
    expires_on: date | None,
    cycle_no: int | None,
    renews: Certificate | None,
    by: Person | None,
    is_romanised: bool = False,
) -> Certificate:
    person = enrollment.person
    zone = person.home_market.time_zone
    issued_on = clock.local_date(issued_at, zone)
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
        "holder": holder_of(person, is_romanised=is_romanised),
        "plan": dict(plan),
        "issued_at": issued_at.isoformat(),
        "issued_on": issued_on.isoformat(),
        "zone": zone,
        "expires_on": expires_on.isoformat() if expires_on else None,
        "cycle": {"number": cycle_no, "renews": renews.number if renews is not None else None},
        "issuer": _both(issuer),
        "signatory": {"name": _both(version.signatory_name), "title": _both(version.signatory_title)},
        "verify_url": f"{current_app.config['PUBLIC_URL']}/verify/{code}",
        # Of one that is issued anew, too: what the former one said of scores is not said again.
        "basis": as_told(basis, zone),
    }
    if version.template_version is not None:
        drawn = version.template_version
        snapshot["template"] = {
            "slug": drawn.template.slug,
            "number": drawn.number,
            "hash": drawn.hash,
            "spec": drawn.spec,
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
        cycle_no=cycle_no,
        renews=renews,
        snapshot=snapshot,
        snapshot_sha256=snapshot_hash(snapshot),
    )
    session.add(certificate)
    session.flush()
    record(
        "certificates.issued",
        by=by,
        subject=("certificate", number),
        after={
            "credential": version.credential.slug,
            "version": version.number,
            "enrollment": enrollment.code,
            "snapshot_sha256": certificate.snapshot_sha256,
        }
        | ({"cycle": cycle_no} if cycle_no is not None else {})
        | ({"renews": renews.number} if renews is not None else {}),
    )
    status.allot_entry(certificate)
    jobs.enqueue("certificates.render", {"certificate_id": certificate.id}, effect_key=effect_key(certificate))
    return certificate


def holder_of(person: Person, *, is_romanised: bool = False) -> dict[str, str]:
    """Return a person's name as a certificate says it: in both languages, and its reading.

    It is the one that somebody else stands for: names that she has set herself count once they are confirmed.
    """
    names = stood_for(person)
    if is_romanised:
        return {"en": names.full_romaji, "ja": names.full_romaji, "kana": ""}
    return {"en": names.name_in("en"), "ja": names.name_in("ja"), "kana": names.full_kana}


def _lock_series(series: str) -> None:
    """Take the lock under which numbers of the series are given out; the row is made where it is missing."""
    session.execute(insert(NumberSeries).values(name=series, last_number=0).on_conflict_do_nothing())
    session.execute(select(NumberSeries.last_number).where(NumberSeries.name == series).with_for_update())


def _lock_standing(*certificates: Certificate) -> None:
    """Let nobody else change what certificates are worth until the transaction ends; read anew what they are now.

    Always after the lock of a series. What only refers to the rows (files, say) goes on.
    """
    if not certificates:
        return
    rows = select(Certificate.id).where(Certificate.id.in_([each.id for each in certificates]))
    session.execute(rows.order_by(Certificate.id).with_for_update(key_share=True))
    for each in certificates:
        session.refresh(each)


def _both(words: Words) -> dict[str, str]:
    return {"en": words.en, "ja": words.ja}


def snapshot_hash(snapshot: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a snapshot's canonical JSON."""
    return sha256(canonical_json(snapshot).encode()).hexdigest()


# --- files --------------------------------------------------------------------------------------------------------


def store_file(*, certificate: Certificate, language: str, signed: SignedFile) -> bool:
    """Keep a signed PDF with its hash and what made it; one that is there stays. Say whether it was stored."""
    if queries.has_file(certificate.id, language):
        return False
    session.add(
        CertificateFile(
            certificate_id=certificate.id,
            language=language,
            content=signed.content,
            size=len(signed.content),
            sha256=signed.sha256,
            renderer=signed.renderer,
            fonts=signed.fonts,
            made_at=clock.now(),
            unsigned_sha256=signed.unsigned_sha256,
            kid=signed.kid,
            document_kid=signed.document_kid,
            signed_at=signed.signed_at,
        )
    )
    session.flush()
    record(
        "certificates.file_stored",
        by=None,
        subject=("certificate", certificate.number),
        after={"language": language, "sha256": signed.sha256},
    )
    return True


# --- what it is worth ---------------------------------------------------------------------------------------------


def state_of(certificate: Certificate) -> State:
    """Return what the certificate is worth now, which is a day in its own zone."""
    return certificate.state(clock.today(certificate.zone), clock.now())


def is_issued_anew(certificate: Certificate) -> bool:
    """Say whether another issue for the same completion has taken its place, not that of a renewal."""
    return any(fact.kind is FactKind.SUPERSEDED and not fact.is_renewal for fact in certificate.facts)


def others_who_decide(certificate: Certificate) -> list[Person]:
    """Return the administrators who decide what a certificate is worth: all but its holder."""
    return [each for each in accounts.list_administrators() if each.id != certificate.person_id]


def refuse_holder(certificate: Certificate, by: Person) -> None:
    """Let nobody decide about her own certificate. Raises `HolderDecides`, which says who may, `NobodyElseDecides`."""
    if by.id != certificate.person_id:
        return
    others = others_who_decide(certificate)
    if not others:
        raise NobodyElseDecides()
    raise HolderDecides(names=_(", ").join(each.name_in(language()) for each in others))


def request_revocation(*, certificate: Certificate, reason: str, by: Person) -> RevocationRequest:
    """Ask for a revocation; nothing changes until a second person confirms it.

    Raises `NeedsReason`, `NotRevocable`, and what `refuse_holder` raises.
    """
    reason = checked_reason(reason)
    refuse_holder(certificate, by)
    _lock_standing(certificate)
    if state_of(certificate) is State.REVOKED or queries.find_open_request(certificate.id) is not None:
        raise NotRevocable()
    request = RevocationRequest(certificate_id=certificate.id, requested_at=clock.now(), requested_by=by, reason=reason)
    session.add(request)
    session.flush()
    record("certificates.revocation_requested", by=by, subject=("certificate", certificate.number), reason=reason)
    return request


def confirm_revocation(*, certificate: Certificate, by: Person) -> None:
    """Agree to an open request: the certificate is revoked from this moment on.

    Raises `NothingAsked`, `NeedsSecondPerson`, and what `refuse_holder` raises.
    """
    request = _open_request(certificate)
    refuse_holder(certificate, by)
    revoke(certificate=certificate, requested_by=request.requested_by, confirmed_by=by, reason=request.reason)
    request.closed_at, request.closed_by = clock.now(), by.code


def decline_revocation(*, certificate: Certificate, by: Person) -> None:
    """Close an open request without revoking; its author may do so too.

    Raises `NothingAsked`, and what `refuse_holder` raises.
    """
    request = _open_request(certificate)
    refuse_holder(certificate, by)
    request.closed_at, request.closed_by = clock.now(), by.code
    record("certificates.revocation_declined", by=by, subject=("certificate", certificate.number))


def revoke(*, certificate: Certificate, requested_by: Person, confirmed_by: Person, reason: str) -> None:
    """Revoke a certificate for good, by two different people neither of whom is its holder. The file stays.

    Raises `NeedsSecondPerson`, `HolderRevokes`, `NeedsReason`, `NotRevocable`.
    """
    reason = checked_reason(reason)
    if confirmed_by.id in (requested_by.id, certificate.person_id):
        raise NeedsSecondPerson()
    if requested_by.id == certificate.person_id:
        raise HolderRevokes()
    _lock_standing(certificate)
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
    """Suspend a certificate until it is reinstated.

    Raises `NeedsReason`, `NotInThisState`, and what `refuse_holder` raises.
    """
    reason = checked_reason(reason)
    refuse_holder(certificate, by)
    _lock_standing(certificate)
    if state_of(certificate) in (State.REVOKED, State.SUSPENDED):
        raise NotInThisState()
    _note(certificate, FactKind.SUSPENDED, by=by.code, reason=reason)
    record("certificates.suspended", by=by, subject=("certificate", certificate.number), reason=reason)


def reinstate(*, certificate: Certificate, reason: str, by: Person) -> None:
    """Lift a suspension. Raises `NeedsReason`, `NotInThisState`, and what `refuse_holder` raises."""
    reason = checked_reason(reason)
    refuse_holder(certificate, by)
    _lock_standing(certificate)
    if state_of(certificate) is not State.SUSPENDED:
        raise NotInThisState()
    _note(certificate, FactKind.REINSTATED, by=by.code, reason=reason)
    record("certificates.reinstated", by=by, subject=("certificate", certificate.number), reason=reason)


def _supersede(former: Certificate, fresh: Certificate, *, by: str, reason: str) -> None:
    former.replaced_at = former.replaced_at or fresh.issued_at
    _note(former, FactKind.SUPERSEDED, by=by, reason=reason, replaced_by_id=fresh.id)


def _note(certificate: Certificate, kind: FactKind, **values: Any) -> None:
    fact = CertificateFact(kind=kind, at=clock.now(), **values)
    certificate.facts.append(fact)
    session.flush()
    if kind is not FactKind.SUPERSEDED:
        # Of a newer issue its own mail tells.
        mail.send_later("certificates.standing", {"fact_id": fact.id}, effect_key=f"certificates.standing:{fact.id}")


def _open_request(certificate: Certificate) -> RevocationRequest:
    request = queries.find_open_request(certificate.id)
    if request is None:
        raise NothingAsked()
    return request


def checked_reason(reason: str) -> str:
    """Return a reason without the blanks around it. Raises `NeedsReason`."""
    plain = reason.strip()
    if len(plain) < MIN_REASON:
        raise NeedsReason()
    return plain


# --- look-ups -----------------------------------------------------------------------------------------------------


def admit_lookup(address: str | None) -> str:
    """Count a look-up of a network in this process and return under which key all processes count it.

    Whoever asks much too often costs no more than that. Raises `TooMany` with the seconds until the next one.
    """
    network = limits.key_of(address)
    limits.lookups.take(network)
    secret = str(current_app.config["SECRET_KEY"]).encode()
    return hmac.new(secret, f"lookup:{network}".encode(), "sha256").hexdigest()


def count_lookup(key: str, *, answer: tuple[int | None, str] | None = None) -> None:
    """Count an admitted look-up for all processes; when the database is busy, the count of this one has to do.

    With it, in the same transaction, is noted what the `answer` is: the id of the certificate, or None, and in a word
    what it is worth. Raises `TooMany` with the seconds until the next one.
    """
    now = clock.now()

    def both() -> None:
        _take_shared(key, now)
        if answer is not None:
            session.execute(_NOTE_LOOKUP, {"certificate_id": answer[0], "at": now, "answer": answer[1]})

    touch.note(both)


# Made once, and the same for the first look-up of a network as for every other.
_NOTE_LOOKUP = add(CertificateLookup)
_LEVEL = select(LookupLevel.left, LookupLevel.at).where(LookupLevel.key == bindparam("network")).with_for_update()
_SET_LEVEL = {
    dialect: insert(LookupLevel, dialect)
    .values(key=bindparam("network"), left=bindparam("fresh"), at=bindparam("now"))
    .on_conflict_do_update(
        index_elements=["key"],
        # Another process may have been the first, just now: then it is one less than that one left.
        set_={"left": LookupLevel.left + bindparam("change"), "at": bindparam("now")},
    )
    for dialect in ("sqlite", "postgresql")
}


def _take_shared(key: str, now: datetime) -> None:
    full = limits.PER_MINUTE * 1000
    row = session.execute(_LEVEL, {"network": key}).one_or_none()
    had = row.left if row is not None else full
    since = max(0, int((now - row.at).total_seconds() * full / 60)) if row is not None else 0
    left = min(full, had + since)
    if left < 1000:
        raise TooMany(seconds=max(1, math.ceil((1000 - left) * 60 / full)))
    statement = _SET_LEVEL[session.get_bind().dialect.name]
    session.execute(statement, {"network": key, "fresh": full - 1000, "change": left - 1000 - had, "now": now})


def tidy_levels() -> int:
    """Remove the counts of networks that have all their look-ups again; return how many."""
    gone = session.execute(delete(LookupLevel).where(LookupLevel.at < clock.now() - timedelta(minutes=2)))
    return int(gone.rowcount)  # type: ignore[attr-defined]


# --- what somebody answers for ------------------------------------------------------------------------------------


OWNED_KIND = "credential"


class OwnedCredentials:
    """Credentials; every one needs an owner from its first day."""

    kind = OWNED_KIND
    name = _l("Credential")
    owner_needs = OwnerNeeds((Role.POLICY_OWNER, Role.ADMIN))

    def find_things(self, codes: Collection[str]) -> Mapping[str, OwnedThing]:
        """Return those of the credentials that exist."""
        return {
            version.credential.slug: OwnedThing(
                str(version.title), f"/credentials/{version.credential.slug}", needs=SEE_CREDENTIALS
            )
            for version in queries.list_latest_versions()
            if version.credential.slug in codes
        }

    def list_live_codes(self) -> Collection[str]:
        """Return the slugs of all credentials."""
        return [version.credential.slug for version in queries.list_latest_versions()]
