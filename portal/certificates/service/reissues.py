"""A new certificate for a new name: the holder asks, an administrator looks at both names and decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from portal.accounts.models import Person
from portal.accounts.service.name_changes import stood_for
from portal.certificates import queries, service
from portal.certificates.errors import (
    AlreadyRequested,
    NamePrintable,
    NoOtherName,
    NothingRequested,
    NotInThisState,
    RomanisedUnprintable,
    SameNames,
)
from portal.certificates.models import Certificate, ReissueRequest
from portal.certificates.queries import reissues
from portal.certificates.queries.templates import images_of_snapshot
from portal.certificates.rules import HOLDS, characters_named, spelled
from portal.certificates.service import drawing
from portal.core import clock, pdf
from portal.core.db import session
from portal.core.i18n import LANGUAGES
from portal.core.i18n import gettext as _
from portal.core.jobs import Job
from portal.core.pdf import CharacterWithoutGlyph, PdfFailed
from portal.journal.service import record


def has_other_names(certificate: Certificate) -> bool:
    """Say whether a certificate that is issued now would say another name: the holder's, as somebody stands for it.

    Where it was issued with the romanised name, that is hers as well.
    """
    holder, person = certificate.snapshot["holder"], certificate.person
    own = (service.holder_of(person, is_romanised=romanised) for romanised in (False, True))
    return (holder["en"], holder["ja"]) not in [(each["en"], each["ja"]) for each in own]


def can_be_asked(certificate: Certificate) -> bool:
    """Say whether the certificate is of the present cycle, worth something, and says another name."""
    return (
        certificate.replaced_at is None
        and service.state_of(certificate) in HOLDS
        and certificate.person.is_active
        and has_other_names(certificate)
    )


def ask(*, certificate: Certificate, reason: str, by: Person) -> ReissueRequest:
    """Ask for the certificate with the present name; nothing changes until an administrator issues it.

    Raises `SameNames`, `NotInThisState`, `AlreadyRequested`, `NeedsReason`.
    """
    said = service.checked_reason(reason)
    if not has_other_names(certificate):
        raise SameNames()
    if not can_be_asked(certificate):
        raise NotInThisState()
    if reissues.find_open(certificate.id) is not None:
        raise AlreadyRequested()
    asked = ReissueRequest(certificate_id=certificate.id, requested_at=clock.now(), requested_by=by, reason=said)
    session.add(asked)
    session.flush()
    record("certificates.reissue_requested", by=by, subject=("certificate", certificate.number), reason=said)
    return asked


def reissue(*, certificate: Certificate, reason: str, by: Person) -> Certificate:
    """Issue a certificate anew and close what was asked. Raises what `service.reissue_certificate` raises."""
    fresh = service.reissue_certificate(certificate=certificate, reason=reason, by=by)
    asked = reissues.find_open(certificate.id)
    if asked is not None:
        asked.closed_at, asked.closed_by = clock.now(), by.code
        session.flush()
    return fresh


def decline(*, certificate: Certificate, by: Person) -> None:
    """Close what was asked without issuing anything; its author may do so too. Raises `NothingRequested`."""
    asked = reissues.find_open(certificate.id)
    if asked is None:
        raise NothingRequested()
    asked.closed_at, asked.closed_by = clock.now(), by.code
    session.flush()
    record("certificates.reissue_declined", by=by, subject=("certificate", certificate.number))


# --- A name that cannot be printed --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Unprintable:
    """What keeps a certificate's PDF from being made: characters that no font has, and whether her name has them.

    `instead` is the romanised name, which can be printed instead; empty where the account has none that can be.
    """

    characters: tuple[str, ...]
    is_name: bool
    instead: str


def find_unprintable(certificate: Certificate, job: Job | None) -> Unprintable | None:
    """Return what in a certificate no font has, as the job that makes its PDF found it, or None."""
    if job is None or not job.last_error or len(certificate.files) == len(LANGUAGES):
        return None
    if not job.last_error.partition(":")[0].endswith(CharacterWithoutGlyph.__name__):
        return None
    characters = characters_named(job.last_error)
    holder: Mapping[str, str] = certificate.snapshot["holder"]
    printed = "".join(holder.values())
    romanised = stood_for(certificate.person).full_romaji
    is_other = romanised not in (holder["en"], holder["ja"]) or holder["en"] != holder["ja"]
    return Unprintable(
        characters,
        any(each in printed for each in characters),
        romanised if is_other and _has_glyphs(romanised) else "",
    )


def _has_glyphs(name: str) -> bool:
    """Say whether fonts have each character of a name; where that cannot be found out now, drawing it will."""
    try:
        return not pdf.lacking(name)
    except PdfFailed:
        return True


def try_romanised(certificate: Certificate) -> None:
    """Draw the certificate with the romanised name, so that what is issued with it can be printed.

    It takes time: outside of a transaction. Raises `NoOtherName`, `RomanisedUnprintable`, what `pdf.picture` raises.
    """
    holder = service.holder_of(certificate.person, is_romanised=True)
    if not holder["en"].strip():
        raise NoOtherName()
    try:
        drawing.try_out_holder(certificate.snapshot, holder, images_of_snapshot(certificate.snapshot))
    except CharacterWithoutGlyph as missing:
        raise RomanisedUnprintable(characters=_(", ").join(spelled(each) for each in missing.characters)) from missing


def issue_romanised(*, certificate: Certificate, by: Person) -> Certificate:
    """Issue a certificate anew with the romanised name, whose PDF fails for a character that no font has.

    Raises `NamePrintable`, `NoOtherName`, and what `service.reissue_certificate` raises.
    """
    key = service.effect_key(certificate)
    job = queries.find_jobs([key]).get(key)
    found = find_unprintable(certificate, job)
    if found is None or not found.is_name:
        raise NamePrintable()
    if not found.instead:
        raise NoOtherName()
    return service.reissue_certificate(
        certificate=certificate,
        reason=_(
            "No font has %(characters)s: issued with the romanised name.",
            characters=_(", ").join(spelled(each) for each in found.characters),
        ),
        by=by,
        is_romanised=True,
    )
