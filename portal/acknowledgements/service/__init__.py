"""Stating to have read, and to have understood, a version; what is stated is never taken back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from flask import url_for

from portal.accounts.models import Person
from portal.accounts.permissions import SEE_PERSON
from portal.accounts.service.sessions import address_class
from portal.acknowledgements import queries, rules
from portal.acknowledgements.errors import (
    CheckFirst,
    CoveredAlready,
    DeltaNotOpened,
    LanguageMissing,
    NeverOpened,
    NotAddressed,
    NothingAsked,
    SomethingComesFirst,
    VersionNotInForce,
    VersionSuperseded,
)
from portal.acknowledgements.events import Acknowledged, ReadingConfirmed
from portal.acknowledgements.models import (
    Acknowledgement,
    AcknowledgementRequest,
    ReadingConfirmation,
    RequestEnd,
)
from portal.acknowledgements.queries import campaigns as asking
from portal.acknowledgements.queries.exposure import is_statement
from portal.acknowledgements.service import deltas, requests
from portal.acknowledgements.service.exposure import take_back
from portal.core import clock
from portal.core.access import allows
from portal.core.db import session
from portal.core.events import publish
from portal.core.i18n import Words, ngettext
from portal.core.i18n import gettext as _
from portal.core.i18n import language as reader_language
from portal.core.i18n import lazy_gettext as _l
from portal.journal.service import record
from portal.library import queries as library
from portal.library.models import AudienceKind, Document, DocumentVersion, VersionText
from portal.library.permissions import applies_to
from portal.library.rules import Standing
from portal.library.rules.overlays import base_slug
from portal.library.service.dependants import Affected, AffectedItem, Change

# Where the text itself states none; in the language of the text.
ATTESTATION = Words(
    "I have read and understood this version and will act by it.", "この版を読んで理解し、これに従って行動します。"
)


@dataclass(frozen=True, slots=True)
class First:
    """Something to do before: its title in the reader's language, and the document or quiz that it is about."""

    title: str
    document: str | None = None
    quiz: str | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of a person about a document: what comes before reading and confirming it, if anything.

    `reading`: at the moment it is the reading that is asked of her, and not yet the confirmation.
    """

    before_reading: Sequence[First] = ()
    before_confirming: Sequence[First] = ()
    reading: bool = False


def in_words(first: Sequence[First]) -> str:
    """Name what is to be done before, for a sentence in the reader's language."""
    return ("、" if reader_language() == "ja" else ", ").join(each.title for each in first)


class Guard(Protocol):
    """An upper domain's say before a document is read and confirmed; registered in `wiring.py`."""

    def __call__(self, person: Person, document_slug: str) -> Asked | None:
        """Return what is asked of the person, or None where this domain has nothing to say."""


_guards: list[Guard] = []


def register_guard(guard: Guard) -> None:
    """Ask this guard before anything is stated about a document; registering twice changes nothing."""
    if guard not in _guards:
        _guards.append(guard)


def what_is_asked(person: Person, document_slug: str) -> Asked:
    """Return what is asked of a person about a document, from whoever has something to say."""
    return next((asked for guard in _guards if (asked := guard(person, document_slug))), Asked())


def _refuse(first: Sequence[First]) -> None:
    if first:
        raise SomethingComesFirst(first=in_words(first))


def _refuse_what_comes_first(by: Person, document: Document, request: AcknowledgementRequest | None) -> None:
    """Keep to the order of a person's plans, but for an emergency: that waits for nothing."""
    if request is None or request.campaign.hours is None:
        _refuse(what_is_asked(by, base_slug(document.slug)).before_confirming)


def attestation_of(text: VersionText) -> str:
    """Return the sentence that is agreed to, in the language of the text."""
    return text.attestation or ATTESTATION.in_(text.language)


def acknowledge(*, version: DocumentVersion, language: str, by: Person, address: str = "") -> Acknowledgement:
    """Keep the person's statement to have read and understood the version; a second time changes nothing.

    `language` is that of the text she was shown. Where she is asked to confirm this version or an older one, her
    statement covers what she was asked and closes that. Raises `NotAddressed`, `VersionSuperseded`,
    `VersionNotInForce`, `NeverOpened`, `LanguageMissing`, `SomethingComesFirst`, `CoveredAlready`, or `CheckFirst`
    where what changed since an older version that she confirmed is to be looked at, or there are questions.
    """
    # Two clicks come one after the other.
    library.hold_reading(by, version)
    known = queries.find_acknowledgement(by, version)
    if known is not None:
        return known
    _checked(version, language, by)
    request = asking.find_open_request(by, version.document)
    _refuse_what_comes_first(by, version.document, request)
    if request is None:
        covering = covering_of(queries.list_confirmed(by, version.document), version)
        if covering is not None and not is_planned(by, version.document):
            raise CoveredAlready(number=covering.number)
        return _keep([version], language, by, address)
    delta = asked_of(by, version, request)
    if delta is None:
        return _keep([version], language, by, address)
    if delta.old is not None or not delta.is_passed:
        raise CheckFirst()
    return _confirm(delta, request, language, by, address)


def asked_of(person: Person, version: DocumentVersion, request: AcknowledgementRequest) -> deltas.Delta | None:
    """Return the delta by which a person confirms a version, where what she is asked is about it too; else None.

    Where a later version is asked for, that is so of those that this covers and of which she knows an older one: they
    are confirmed together.
    """
    if request.campaign.version.sequence <= version.sequence:
        return deltas.delta_until(person, version.document, version, request)
    delta = deltas.find_delta(person, version.document)
    if delta is None or delta.old is None or version.id not in {each.id for each in delta.covered}:
        return None
    return delta


def covering_of(confirmed: Sequence[queries.Confirmed], version: DocumentVersion) -> queries.Confirmed | None:
    """Return which of what a person confirmed covers this version, or None where it is to be confirmed anew."""
    by_sequence = {each.sequence: each for each in confirmed}
    found = rules.covered_by(version.document.versions, by_sequence, version.sequence)
    return by_sequence[found] if found is not None else None


def is_planned(person: Person, document: Document) -> bool:
    """Say whether a plan of the person asks for this document: a step that is open is completed by her statement."""
    slug = base_slug(document.slug)
    return any(guard(person, slug) is not None for guard in _guards)


def confirm_delta(*, document: Document, language: str, by: Person, address: str = "") -> list[DocumentVersion]:
    """Keep the person's statement to have understood what changed: one acknowledgement for each version covered.

    Returns them, the newest first. What she is asked is closed. Raises `NotAddressed`, `NothingAsked`,
    `DeltaNotOpened`, `NeverOpened`, `CheckFirst`, `LanguageMissing` or `SomethingComesFirst`.
    """
    if not applies_to(by, document):
        raise NotAddressed()
    request = asking.hold_open_request(by, document)
    delta = deltas.find_delta(by, document) if request is not None else None
    if request is None or delta is None:
        raise NothingAsked()
    if request.delta_opened_at is None:
        raise DeltaNotOpened()
    if delta.old is None and not library.has_opened(by, delta.new):
        raise NeverOpened()
    if not delta.is_passed:
        raise CheckFirst()
    if delta.new.text_in(language) is None:
        raise LanguageMissing()
    _refuse_what_comes_first(by, document, request)
    _confirm(delta, request, language, by, address)
    return list(delta.covered)


def _confirm(
    delta: deltas.Delta, request: AcknowledgementRequest, language: str, by: Person, address: str
) -> Acknowledgement:
    kept = _keep(delta.covered, language, by, address)
    requests.close_request(request, RequestEnd.CONFIRMED)
    session.flush()
    return kept


def _keep(versions: Sequence[DocumentVersion], language: str, by: Person, address: str) -> Acknowledgement:
    """Write one acknowledgement for each version, the newest first; return the newest."""
    kept = [row for version in versions if (row := _keep_one(version, language, by, address)) is not None]
    newest = versions[0]
    # Whoever confirms a text has read it.
    if queries.find_reading_confirmation(by, newest) is None:
        _note_reading(newest, _text_for(newest, language), by)
    return kept[0]


def _keep_one(version: DocumentVersion, language: str, by: Person, address: str) -> Acknowledgement | None:
    if queries.find_acknowledgement(by, version) is not None:
        return None
    text = _text_for(version, language)
    acknowledgement = Acknowledgement(
        person=by,
        version=version,
        market=_market_in_audience(by, version.document),
        team=by.team.code if by.team else "",
        language=text.language,
        text_hash=text.hash,
        attestation=attestation_of(text),
        at=clock.now(),
        address_class=address_class(address),
    )
    session.add(acknowledgement)
    session.flush()
    if is_statement(version.document):
        # Whoever confirms it declines it no more.
        take_back(by=by)
    publish(
        Acknowledged(
            person_id=by.id,
            document_id=version.document_id,
            document_slug=version.document.slug,
            version_id=version.id,
            version_number=version.number,
            acknowledgement_id=acknowledgement.id,
        )
    )
    record(
        "acknowledgements.acknowledged",
        by=by,
        subject=("document", version.document.slug),
        after={
            "version": version.number,
            "language": text.language,
            "text_hash": text.hash,
            "market": acknowledgement.market,
        },
    )
    return acknowledgement


def _text_for(version: DocumentVersion, language: str) -> VersionText:
    """Return the text in the language; an older version that lacks it is confirmed in the one that decides."""
    text = version.text_in(language) or version.text_in(version.document.authoritative)
    if text is None:
        raise LanguageMissing()
    return text


def confirm_reading(*, version: DocumentVersion, language: str, by: Person) -> ReadingConfirmation:
    """Keep the person's statement to have read the version; a second time changes nothing.

    Raises what `acknowledge` raises.
    """
    library.hold_reading(by, version)
    known = queries.find_reading_confirmation(by, version)
    if known is not None:
        return known
    text = _checked(version, language, by)
    _refuse(what_is_asked(by, base_slug(version.document.slug)).before_reading)
    return _note_reading(version, text, by)


def _note_reading(version: DocumentVersion, text: VersionText, by: Person) -> ReadingConfirmation:
    confirmation = ReadingConfirmation(
        person=by, version=version, language=text.language, text_hash=text.hash, at=clock.now()
    )
    session.add(confirmation)
    session.flush()
    publish(ReadingConfirmed(person_id=by.id, document_slug=version.document.slug, version_id=version.id))
    record(
        "acknowledgements.reading_confirmed",
        by=by,
        subject=("document", version.document.slug),
        after={"version": version.number, "language": text.language},
    )
    return confirmation


def _checked(version: DocumentVersion, language: str, person: Person) -> VersionText:
    if not applies_to(person, version.document):
        raise NotAddressed()
    standing = library.standing_of(version)
    if standing not in (Standing.IN_FORCE, Standing.ISSUED):
        current = library.version_in_force(version.document)
        if current is None:
            raise VersionNotInForce(number=version.number)
        raise VersionSuperseded(number=version.number, current=current.number)
    if not library.has_opened(person, version):
        raise NeverOpened()
    text = version.text_in(language)
    if text is None:
        raise LanguageMissing()
    return text


def _market_in_audience(person: Person, document: Document) -> str:
    """Return the market in which the person is addressed: her home, or the first further one that is."""
    wanted = document.audience(AudienceKind.MARKET)
    codes = [person.home_market.code, *(market.code for market in person.further_markets)]
    return next((code for code in codes if not wanted or code in wanted), codes[0])


class PeopleAddressed:
    """People to whom a document is addressed: each needs what is new since the version that she confirmed."""

    kind = "people"
    name = _l("People who need a delta")
    flips = True

    def said(self, total: int, change: Change) -> str:
        """Say what is asked of the people."""
        return ngettext("%(num)d person needs a delta", "%(num)d people need a delta", total)

    def affected_by(self, change: Change, *, reader: Person, offset: int = 0, limit: int | None = None) -> Affected:
        """Return the active people of the audience in the order of lists, with what they confirmed last."""
        total, confirmed = queries.count_addressed(
            change.document_id,
            change.audience,
            besides=change.markets_apart,
            before=change.sequence,
            base=change.laid_over,
        )
        here = reader_language()
        items = []
        for person, number, is_of_base in queries.list_addressed(
            change.document_id,
            change.audience,
            besides=change.markets_apart,
            before=change.sequence,
            base=change.laid_over,
            offset=offset,
            limit=limit,
        ):
            items.append(
                AffectedItem(
                    person.name_in(here),
                    url_for("accounts.show_person", code=person.code) if allows(reader, SEE_PERSON, person) else None,
                    _("has confirmed no version yet")
                    if not number
                    else _("confirmed version %(number)s of the base text", number=number)
                    if is_of_base
                    else _("confirmed version %(number)s", number=number),
                )
            )
        note = ngettext(
            "%(num)d of them has confirmed an earlier version and reads what has changed since; the others read all "
            "of it.",
            "%(num)d of them have confirmed an earlier version and read what has changed since; the others read all "
            "of it.",
            confirmed,
        )
        return Affected(total, items, note if total else "")
