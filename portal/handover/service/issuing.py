"""Issuing dossiers: documents of the library that are put together from the cards, version by version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any

from portal.accounts.models import Person
from portal.accounts.service.ownership import find_titled
from portal.acknowledgements.rules import covered_by
from portal.calendars.rules import YearNotInTable, add_working_days
from portal.core import clock, jobs
from portal.core.db import session
from portal.core.i18n import LANGUAGES, force_locale, language, pgettext
from portal.core.i18n import gettext as _
from portal.core.markdown import split_clauses
from portal.core.seals import taking_out
from portal.duties.rules import CardPart
from portal.handover.errors import DossierTooLong, HandoverOver, NothingToIssue
from portal.handover.formats.dossier import WITHOUT_CARD, source_of
from portal.handover.models import DossierFile, Handover, HandoverDossier
from portal.handover.permissions import reads_all_of
from portal.handover.queries import dossiers as queries
from portal.handover.queries import handovers
from portal.handover.queries.dossiers import Confirmed
from portal.handover.rules import CONFIRM_WITHIN_DAYS, Decision, ItemState
from portal.handover.service.dossier import Entry, dossier_of
from portal.handover.service.inventory import synchronise
from portal.handover.service.standing import Item, Standing, calendar_of, day_in, is_real, standing_of
from portal.journal.service import record
from portal.library.models import AudienceKind, ChangeClass, Document, DocumentKind, DocumentVersion, VersionText
from portal.library.service import documents, versions
from portal.library.service.texts import TextDraft, problems_of

JOB = "handover.dossier"
# So many of the longest cards are named where a dossier is too long.
_LONGEST_NAMED = 3


class DossierReaders:
    """Whoever hands over, and those who lead her, read her dossiers besides those to whom they are addressed."""

    def reads(self, person: Person, document: Document) -> bool:
        """Say whether the person reads this dossier."""
        found = queries.find_dossier_of(document.id)
        return found is not None and reads_all_of(person, found.handover)

    def documents_of(self, person: Person) -> Any | None:
        """Return the whole dossiers that she finds: their parts for single successors say the same again."""
        return queries.select_whole_dossiers(person)


# --- What would be issued ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a dossier would say now, beside what it was issued with last; `successor` None: all of it."""

    successor: Person | None
    dossier: HandoverDossier | None
    latest: DocumentVersion | None
    texts: Mapping[str, TextDraft]
    # None: it says what was issued last.
    change: ChangeClass | None
    # In words why it cannot be published, or nothing.
    problem: str


def prepare(
    handover: Handover,
    *,
    standing: Standing | None = None,
    dossiers: Sequence[HandoverDossier] | None = None,
    is_last: bool = False,
) -> list[Prepared]:
    """Return what each dossier of a handover would say now: the whole one, then one for each successor, by name.

    Nothing where there is nothing to hand over. `standing` is how it stands, `dossiers` those that there are, where
    that was read already.
    """
    found = standing or standing_of(handover)
    live = [each for each in found.items if each.state is not ItemState.GONE]
    if not live:
        return []
    titles = find_titled({each.thing for each in live})
    # In an order that no language changes, so that what says the same says it at the same place.
    live.sort(key=lambda each: (-each.score, each.thing))
    standings = {
        tag: replace(
            found,
            items=[
                replace(each, title=titles[each.thing][1].in_(tag) if each.thing in titles else each.title)
                for each in live
            ],
        )
        for tag in LANGUAGES
    }
    people = {each.taker.id: each.taker for each in live if each.taker is not None and each.taker.is_active}
    known = {each.successor_id: each for each in (queries.list_dossiers(handover) if dossiers is None else dossiers)}
    targets: list[Person | None] = [None, *sorted(people.values(), key=lambda each: (each.sort_key, each.id))]
    return [
        _prepared(handover, successor, known.get(successor.id if successor is not None else None), standings, is_last)
        for successor in targets
    ]


def _prepared(
    handover: Handover,
    successor: Person | None,
    dossier: HandoverDossier | None,
    standings: Mapping[str, Standing],
    is_last: bool,
) -> Prepared:
    texts: dict[str, TextDraft] = {}
    entries: Sequence[Entry] = ()
    for tag in LANGUAGES:
        made = dossier_of(handover, tag=tag, successor=successor, standing=standings[tag], is_last=is_last)
        entries = made.entries if tag == language() or not entries else entries
        title = made.title
        if successor is not None:
            with force_locale(tag):
                title = _("%(title)s, for %(name)s", title=made.title, name=successor.name_in(tag))
        texts[tag] = TextDraft(language=tag, title=title[:300], source=source_of(made), summary=made.banner)
    latest = dossier.document.versions[-1] if dossier is not None and dossier.document.versions else None
    problem = next((each.reason for text in texts.values() for each in problems_of(text.source)), "")
    if problem:
        problem = f"{problem} {_longest(entries)}"
    return Prepared(successor, dossier, latest, texts, _change(latest, texts) if not problem else None, problem)


def _longest(entries: Sequence[Entry]) -> str:
    """Name the items whose cards say most, with how much that is: where something can be shortened."""
    sized = [(sum(len(text.source.encode()) for text in each.texts), each.title) for each in entries]
    named = [
        _("“%(title)s” (%(size)s KB)", title=title, size=-(-size // 1024))
        for size, title in sorted(sized, key=lambda each: (-each[0], each[1]))[:_LONGEST_NAMED]
        if size
    ]
    return str(_("The longest: %(titles)s.", titles=pgettext("list", ", ").join(named)))


def _change(latest: DocumentVersion | None, texts: Mapping[str, TextDraft]) -> ChangeClass | None:
    """Return how much changed: what a card says, and which items there are, is confirmed anew; facts about them not."""
    if latest is None:
        return ChangeClass.MATERIAL
    before = {each.language: each for each in latest.texts}
    if all(tag in before and _says_the_same(before[tag], text) for tag, text in texts.items()):
        return None
    if all(_weighty(before[tag].source) == _weighty(text.source) for tag, text in texts.items() if tag in before):
        return ChangeClass.MINOR
    return ChangeClass.MATERIAL


def _says_the_same(before: VersionText, text: TextDraft) -> bool:
    # Where some of it was taken out, the hash says what was published.
    if before.taken_out_at is None:
        return before.hash == text.hash
    return (before.title, before.summary, before.source) == (text.title, text.summary, text.source)


def _weighty(source: str) -> dict[str, str]:
    # Of an item itself it matters that it is there; what a card says stands in the parts below.
    return {
        each.anchor: each.hash if each.level > 2 or each.anchor == WITHOUT_CARD else ""
        for each in split_clauses(source)
        if each.level > 1
    }


# --- Issuing -----------------------------------------------------------------------------------


def issue(*, handover: Handover, by: Person) -> list[DocumentVersion]:
    """Publish what the cards say now as versions of the dossiers that say something else, and return them.

    One that is too long keeps none of the others back. Raises `HandoverOver`, `NothingToIssue` where every dossier says
    what was issued last, `DossierTooLong` where what is new is too long.
    """
    locked = handovers.lock_handover(handover.id)
    if not locked.is_open:
        raise HandoverOver()
    synchronise(locked)
    prepared = prepare(locked)
    issued = _publish(locked, prepared, by)
    if not issued:
        refused = next((each.problem for each in prepared if each.problem), "")
        raise DossierTooLong(reason=refused) if refused else NothingToIssue()
    return issued


def issue_last(handover: Handover, by: Person, standing: Standing) -> list[DocumentVersion]:
    """Publish what changed since the last issue as a handover is closed; what is beyond the bounds stays as it was.

    The caller holds the handover, has taken its inventory, and says how it stands.
    """
    if not is_real(handover):
        return []
    return _publish(handover, prepare(handover, standing=standing, is_last=True), by)


def _publish(handover: Handover, prepared: Sequence[Prepared], by: Person) -> list[DocumentVersion]:
    issued = []
    for each in prepared:
        if each.change is None:
            continue
        dossier = each.dossier or _begin(handover, each.successor, by)
        _address(dossier, each.successor, by)
        version = versions.compile_version(
            document=dossier.document,
            change_class=each.change,
            zone=handover.market.time_zone,
            texts=list(each.texts.values()),
            by=by,
        )
        record(
            "handover.dossier_issued",
            by=by,
            subject=("handover", handover.code),
            after={"version": version.number, "successor": each.successor.code if each.successor is not None else None},
        )
        for tag in LANGUAGES:
            jobs.enqueue(
                JOB,
                {"version_id": version.id, "language": tag},
                effect_key=file_key(version, tag),
                requested_by=by.code,
            )
        issued.append(version)
    return issued


def _begin(handover: Handover, successor: Person | None, by: Person) -> HandoverDossier:
    number = len(queries.list_dossiers(handover))
    document = documents.create_document(
        # Whose it is stands in no address.
        slug=f"handover-{handover.code.lower()}" + (f"-{number}" if successor is not None else ""),
        kind=DocumentKind.HANDOVER,
        authoritative=handover.person.language,
        is_by_name=True,
        by=by,
    )
    dossier = HandoverDossier(handover=handover, successor=successor, document=document, begun_at=clock.now())
    session.add(dossier)
    session.flush()
    return dossier


def file_key(version: DocumentVersion, language: str) -> str:
    """Return the effect key of the work that makes the file of a version."""
    return f"{JOB}:{version.id}:{language}"


def keep_file(version: DocumentVersion, language: str, content: bytes) -> DossierFile:
    """Keep what was printed of a version; its hash stands in the journal."""
    dossier = queries.find_dossier_of(version.document_id)
    assert dossier is not None
    file = queries.find_file(version.id, language) or DossierFile(version=version, language=language)
    with taking_out():
        file.made_at, file.sha256, file.size = clock.now(), sha256(content).hexdigest(), len(content)
        file.content = content
        session.add(file)
        session.flush()
    record(
        "handover.dossier_printed",
        by=None,
        subject=("handover", dossier.handover.code),
        after={"version": version.number, "language": language, "sha256": file.sha256},
    )
    return file


# --- Whom it is addressed to -------------------------------------------------------------------


def address(handover: Handover, by: Person | None) -> None:
    """Address each dossier of a handover to its successor as long as she is to take something over, else to nobody."""
    dossiers = [each for each in queries.list_dossiers(handover) if each.successor_id is not None]
    if not dossiers:
        return
    taking = {
        course.successor.id
        for course in handovers.list_courses([handover.id])
        if course.item.gone_at is None
        and course.successor is not None
        and (course.decision is None or course.decision.decision is not Decision.REFUSED)
    }
    for each in dossiers:
        is_hers = handover.called_off_at is None and each.successor_id in taking
        _address(each, each.successor if is_hers else None, by)


def _address(dossier: HandoverDossier, successor: Person | None, by: Person | None) -> None:
    documents.set_audience(
        document=dossier.document,
        audience={AudienceKind.PERSON: [successor.code] if successor is not None else []},
        by=by,
    )


def withdraw(handover: Handover, by: Person) -> None:
    """Take back what was issued of a handover that is called off: nobody takes anything over by it."""
    for each in queries.list_dossiers(handover):
        last = each.document.versions[-1]
        if last.withdrawn_at is None:
            with force_locale(each.document.authoritative):
                said = _("The handover was called off.")
            versions.withdraw_version(version=last, reason=said, by=by)
    address(handover, by)


# --- How far it is -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Issued:
    """A dossier with its last version, and what its successor has confirmed."""

    dossier: HandoverDossier
    latest: DocumentVersion
    confirmed: Confirmed | None
    # It is addressed to a successor who has not confirmed what asks for it.
    is_missing: bool


def confirm_by(handover: Handover, issued_at: datetime) -> date:
    """Return the day by which a dossier that was issued is to be confirmed, in the market of the handover."""
    issued_on = day_in(handover, issued_at)
    try:
        return add_working_days(issued_on, CONFIRM_WITHIN_DAYS, calendar_of(handover)).on
    except YearNotInTable:
        return issued_on + timedelta(weeks=1)


def dossiers_of(handover: Handover) -> list[Issued]:
    """Return the dossiers that were issued, each with what its successor has confirmed last."""
    return how_far(queries.list_dossiers(handover))


def how_far(rows: Sequence[HandoverDossier]) -> list[Issued]:
    """Return how far these dossiers are, all of which were issued."""
    said = queries.list_confirmed(rows) if any(each.successor_id is not None for each in rows) else {}
    found = []
    for each in rows:
        latest, confirmed = each.document.versions[-1], said.get(each.id, [])
        sequences = {one.sequence for one in confirmed}
        is_covered = (
            latest.sequence in sequences or covered_by(each.document.versions, sequences, latest.sequence) is not None
        )
        is_asked = each.successor is not None and each.successor.code in each.document.audience(AudienceKind.PERSON)
        found.append(Issued(each, latest, confirmed[-1] if confirmed else None, is_asked and not is_covered))
    return found


# --- What of the leaving person stands in it ---------------------------------------------------


def list_naming(person: Person, standing: Standing) -> list[Item]:
    """Return the items whose card names whoever hands over among the contacts: what is private there has no use later.

    By name in either script or by sign-in address, wherever the case and the blanks.
    """
    wanted = [
        "".join(each.split()).casefold()
        for each in {person.full_name, person.full_romaji or "", person.name_in("en"), person.sign_in_name}
        if each
    ]
    found = []
    for each in standing.items:
        version = each.card.latest if each.card is not None else None
        if version is None or each.state is ItemState.GONE:
            continue
        said = "".join("".join(version.parts.get(CardPart.CONTACTS.value, {}).values()).split()).casefold()
        if any(one in said for one in wanted):
            found.append(each)
    return found
