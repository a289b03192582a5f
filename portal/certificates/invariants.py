"""What must always be true of certificates."""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload, undefer

from portal.certificates import queries
from portal.certificates.errors import KeyMissing
from portal.certificates.models import (
    Certificate,
    CertificateFact,
    CertificateFile,
    CertificateImage,
    NumberSeries,
    PolicySupersession,
)
from portal.certificates.queries import keys, templates
from portal.certificates.rules import FactKind
from portal.certificates.rules.templates import parse
from portal.certificates.service import keys as key_service
from portal.certificates.service import snapshot_hash
from portal.core import clock
from portal.core.db import session
from portal.core.signatures import facts_of
from portal.library.models import DocumentVersion
from portal.library.rules.changes import ASKS_AGAIN, was_called_off
from portal.training.models import Enrollment


def one_current_issue() -> list[str]:
    """Return a sentence for each completion with more than one issue that was not replaced, or with gaps."""
    twice = session.execute(
        select(Certificate.enrollment_code)
        .where(Certificate.replaced_at.is_(None))
        .group_by(Certificate.credential_id, Certificate.enrollment_code)
        .having(func.count() > 1)
    ).scalars()
    gaps = session.execute(
        select(Certificate.enrollment_code)
        .group_by(Certificate.credential_id, Certificate.enrollment_code)
        .having(func.count() != func.max(Certificate.issue_no))
    ).scalars()
    replaced = session.execute(
        select(Certificate.number).where(
            Certificate.replaced_at.is_not(None),
            ~select(CertificateFact.id)
            .where(
                CertificateFact.certificate_id == Certificate.id,
                CertificateFact.kind == FactKind.SUPERSEDED,
            )
            .exists(),
        )
    ).scalars()
    return (
        [f"completion {code} has more than one current certificate" for code in twice]
        + [f"completion {code} has gaps in its issues" for code in gaps]
        + [f"certificate {number} was replaced, but nothing says by which" for number in replaced]
    )


def completions_and_certificates_agree() -> list[str]:
    """Return a sentence for each certificate without a completed plan, and each completed plan without its own."""
    without_plan = session.scalars(
        select(Certificate.number)
        .join(Certificate.enrollment)
        .where(Enrollment.completed_at.is_(None))
        .order_by(Certificate.id)
    )
    return [f"certificate {number} belongs to a plan that is not completed" for number in without_plan] + [
        f"enrollment {enrollment.code} is completed, but {credential.slug} was not issued: flask certificates issue"
        for enrollment, credential in queries.list_owed()
    ]


def numbers_have_no_gaps() -> list[str]:
    """Return a sentence for each series whose numbers do not run from 1 to the last one given out."""
    given = {
        row[0]: (row[1], row[2])
        for row in session.execute(
            select(Certificate.series, func.count(), func.max(Certificate.series_no)).group_by(Certificate.series)
        )
    }
    last = {row.name: row.last_number for row in session.scalars(select(NumberSeries))}
    return [
        f"series {name} has {given.get(name, (0, 0))[0]} certificates up to {given.get(name, (0, 0))[1]}, "
        f"but {last.get(name, 0)} numbers were given out"
        for name in sorted(set(given) | set(last))
        if not given.get(name, (0, 0))[0] == given.get(name, (0, 0))[1] == last.get(name, 0)
    ]


def snapshots_say_what_they_said() -> list[str]:
    """Return a sentence for each certificate that no longer matches its snapshot's hash, or its snapshot."""
    broken = []
    for row in session.scalars(select(Certificate).order_by(Certificate.id).execution_options(yield_per=200)):
        said = row.snapshot
        same = (said["number"], said["code"], said["issued_on"], said["expires_on"]) == (
            row.number,
            row.code,
            row.issued_on.isoformat(),
            row.expires_on.isoformat() if row.expires_on else None,
        )
        if not same or snapshot_hash(said) != row.snapshot_sha256:
            broken.append(f"certificate {row.number} has been changed since it was issued")
    return broken


def files_are_unchanged() -> list[str]:
    """Return a sentence for each stored PDF whose bytes do not have its hash and size."""
    files = (
        select(CertificateFile)
        .options(undefer(CertificateFile.content))
        .order_by(CertificateFile.id)
        .execution_options(yield_per=50)
    )
    return [
        f"the PDF {file.id} ({file.language}) of certificate row {file.certificate_id} has been changed"
        for file in session.scalars(files)
        if len(file.content) != file.size or sha256(file.content).hexdigest() != file.sha256
    ]


def older_policies_are_so_for_a_reason() -> list[str]:
    """Return a sentence for each certificate of an older policy whose basis the version does not change.

    And for each such note that stands though its version was called off, or was taken back though it was not.
    """
    broken = []
    rows = session.scalars(
        select(PolicySupersession)
        .order_by(PolicySupersession.id)
        # A note about what is gone is named by the references and the seals.
        .options(
            joinedload(PolicySupersession.certificate, innerjoin=True),
            joinedload(PolicySupersession.version, innerjoin=True).joinedload(DocumentVersion.document, innerjoin=True),
        )
        .execution_options(yield_per=200)
    )
    for row in rows:
        version = row.version
        cited = {
            anchor
            for each in row.certificate.snapshot["basis"]["documents"]
            if each["slug"] == version.document.slug
            for anchor in each["clauses"]
        }
        if version.change_class.value not in ASKS_AGAIN or not row.anchors or not set(row.anchors) <= cited:
            broken.append(
                f"certificate {row.certificate.number} is said to be older than {version.document.slug} "
                f"{version.number}, which does not change its basis"
            )
        if (row.taken_back_at is not None) != was_called_off(version):
            broken.append(
                f"certificate {row.certificate.number}: {version.document.slug} {version.number} was withdrawn before "
                "it took effect, or was not, but its note says otherwise"
            )
    return broken


def templates_say_what_they_said() -> list[str]:
    """Return a sentence for each version of a template whose hash is not that of what it says.

    And for each that shows a picture which is not kept, and each picture whose bytes are others than were kept.
    """
    broken = []
    rows = session.execute(
        select(CertificateImage.id, CertificateImage.sha256, CertificateImage.data).order_by(CertificateImage.id)
    )
    kept = set()
    for image_id, hash_, data in rows:
        kept.add(hash_)
        if sha256(data).hexdigest() != hash_:
            broken.append(f"the bytes of the picture {image_id} for certificates have been changed")
    for version in templates.list_versions():
        spec, faults = parse(version.spec)
        named = f"version {version.number} of the certificate template {version.template.slug}"
        if spec is None:
            broken.append(f"{named} is faulty: {faults[0].place}")
        elif spec.hash() != version.hash:
            broken.append(f"{named} says something else than was published")
        elif not set(spec.images().values()) <= kept:
            broken.append(f"{named} shows a picture that is not kept")
    return broken


def signing_keys_are_there() -> list[str]:
    """Return a sentence for each key that signs and is missing, readable by others, another one, or has run out."""
    broken = []
    for row in keys.list_keys():
        if row.retired_at is not None:
            continue
        path = key_service.file_of(row.kid)
        try:
            mode = path.stat().st_mode
            key_service.load_key(row.purpose)
        except (OSError, KeyMissing):
            broken.append(
                f"the private key {row.kid} ({row.purpose.value}) is missing, unreadable or another one: put {path} "
                f"back from the backup of the keys, or run: flask certificates keys rotate {row.purpose.value}"
            )
            continue
        if mode & 0o077:
            broken.append(f"the private key {path} can be read by others; run: chmod 600 {path}")
        certificates = keys.public_half(row).certificates
        ends = facts_of(certificates[0]).not_after if certificates else None
        if ends is not None and ends < clock.now() + ENDS_SOON:
            broken.append(
                f"the certificate of the key {row.kid} runs out on {ends:%Y-%m-%d}; "
                f"run: flask certificates keys rotate {row.purpose.value}"
            )
    return broken


def files_name_known_keys() -> list[str]:
    """Return a sentence for each stored PDF that was signed by a key nobody knows, or by one retired before."""
    known = {row.kid: row for row in keys.list_keys()}
    rows = session.execute(
        select(CertificateFile.id, CertificateFile.kid, CertificateFile.document_kid, CertificateFile.signed_at)
        .where(CertificateFile.kid.is_not(None))
        .order_by(CertificateFile.id)
        .execution_options(yield_per=500)
    )
    broken = []
    for number, kid_of_data, kid_of_file, signed_at in rows:
        for kid in (kid_of_data, kid_of_file):
            row = known.get(str(kid))
            if row is None:
                broken.append(f"the PDF {number} was signed with the key {kid}, which nobody knows")
            elif row.retired_at is not None and (signed_at is None or signed_at > row.retired_at):
                broken.append(f"the PDF {number} was signed with the key {kid} after that was retired")
    return broken


# A new certificate has to be asked for in time, where somebody else issues it.
ENDS_SOON = timedelta(days=30)


def cycles_follow_one_another() -> list[str]:
    """Return a sentence for each certificate of a wrong cycle, and each that renews what it cannot.

    A cycle is a completion; those from before cycles were kept are counted along.
    """
    broken = []
    former: tuple[int, int] | None = None
    cycles: dict[str, int] = {}
    earlier: dict[int, str] = {}
    rows = session.execute(
        select(
            Certificate.id,
            Certificate.number,
            Certificate.person_id,
            Certificate.credential_id,
            Certificate.enrollment_code,
            Certificate.cycle_no,
            Certificate.renews_id,
        )
        .order_by(Certificate.person_id, Certificate.credential_id, Certificate.id)
        .execution_options(yield_per=500)
    )
    for row in rows:
        chain = (row.person_id, row.credential_id)
        if chain != former:
            former, cycles, earlier = chain, {}, {}
        cycle = cycles.setdefault(row.enrollment_code, len(cycles) + 1)
        if row.cycle_no is not None and row.cycle_no != cycle:
            broken.append(f"certificate {row.number} is said to be of cycle {row.cycle_no}, but it is of cycle {cycle}")
        if row.renews_id is not None:
            renewed = earlier.get(row.renews_id)
            if renewed is None or renewed == row.enrollment_code:
                broken.append(f"certificate {row.number} renews what is no earlier cycle of its holder")
        earlier[row.id] = row.enrollment_code
    return broken


INVARIANTS = {
    "I7 one current certificate per completion": one_current_issue,
    "I7 certificates and completed plans agree": completions_and_certificates_agree,
    "I7 certificate numbers have no gaps": numbers_have_no_gaps,
    "I7 cycles of certificates follow one another": cycles_follow_one_another,
    "I7 certificates say what they said": snapshots_say_what_they_said,
    "I7 certificate templates say what they said": templates_say_what_they_said,
    "I15 certificate files are unchanged": files_are_unchanged,
    "I16 keys that sign are there and ours alone": signing_keys_are_there,
    "I16 files were signed by known keys": files_name_known_keys,
    "I7 certificates of an older policy are so for a reason": older_policies_are_so_for_a_reason,
}
