"""What handovers do when owners change and people come back, and what they do regularly."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from flask import url_for

from portal.accounts import queries as accounts
from portal.accounts.events import OwnerChanged, PersonLeaves, PersonReactivated, RoleEnded
from portal.core import clock, jobs
from portal.core.access import can
from portal.core.events import subscribe
from portal.core.i18n import LazyText, language
from portal.core.i18n import lazy_gettext as _l
from portal.core.jobs import Progress
from portal.duties.events import CardTextHeld, CardTextSettled
from portal.handover.formats.dossier import Printed, pdf_of, printed_of
from portal.handover.queries import dossiers, handovers, stand_ins
from portal.handover.service import issuing, orphans, successors, withholding
from portal.handover.service import stand_ins as standing_in
from portal.handover.service.handovers import sweep_one
from portal.library import queries as library
from portal.library.models import DocumentVersion
from portal.library.permissions import READ_DOCUMENT
from portal.organisation import queries as organisation

_NOTE = "handover.note_items"


def on_owner_changed(event: OwnerChanged) -> None:
    """Let acceptances lapse of what is another's now, and note it in the handovers that it concerns.

    That is done right after this: a handover that is closed would wait for another one, and that for the first.
    """
    orphans.forget_of_thing(event.kind, event.code, event.owner_id)
    at = clock.now().isoformat()
    for each in handovers.list_open_about(event.kind, event.code, event.owner_id):
        jobs.enqueue(_NOTE, {"handover_id": each}, effect_key=f"{_NOTE}:{each}:{at}")


def on_person_reactivated(event: PersonReactivated) -> None:
    """Let acceptances lapse of whoever is back."""
    orphans.forget_of_person(event.person_id)


def on_person_leaves(event: PersonLeaves) -> None:
    """End the stand-ins for and by whoever goes: what was lent goes back first."""
    person, by = accounts.find_person_by_id(event.person_id), accounts.find_person_by_id(event.by_id)
    if person is not None and by is not None:
        standing_in.end_for_leaver(person, by)
        successors.tell_that_she_leaves(person, by)


def on_role_ended(event: RoleEnded) -> None:
    """Tell leads whose successors cannot answer any more for what they accepted."""
    person, by = accounts.find_person_by_id(event.person_id), accounts.find_person_by_id(event.by_id)
    if person is not None and by is not None:
        successors.tell_of_role(person, by)


def _describe_noting(arguments: Sequence[Mapping[str, Any]]) -> list[jobs.Description]:
    return [jobs.Description(_l("Bring the items of open handovers up to date")) for _each in arguments]


@jobs.job(_NOTE, describe=_describe_noting)
def note_items(handover_id: int) -> None:
    """Note what whoever hands over has gained or lost just now."""
    sweep_one(handover_id)


@jobs.periodic("handover.inventory", minutes=30, what=_l("Bring the items of open handovers up to date"))
def take_inventory() -> Iterator[Progress]:
    """Note what those who hand over have gained, and what needs no handover any more."""
    for number, each in enumerate(handovers.list_open_ids(), start=1):
        sweep_one(each)
        yield Progress(number, number)


@jobs.periodic("handover.stand_ins", minutes=15, what=_l("Begin stand-ins and give back what was with them"))
def look_at_stand_ins() -> Iterator[Progress]:
    """Begin what begins today, and end what has run its days."""
    # Somewhere it is a day later already.
    latest = (clock.now() + timedelta(days=1)).date()
    for number, each in enumerate(stand_ins.list_to_look_at(latest), start=1):
        standing_in.look(each)
        yield Progress(number, number)


# --- Printing ----------------------------------------------------------------------------------


def _describe(arguments: Sequence[Mapping[str, Any]]) -> list[jobs.Description]:
    what = _l("Dossier of a handover as a PDF")
    found = {number: library.find_version_by_id(number) for number in {each["version_id"] for each in arguments}}
    titles = library.list_titles(
        [key for key, each in found.items() if each is not None and can(READ_DOCUMENT, each.document)], language()
    )
    return [
        jobs.Description(what, titles[each["version_id"]], url_for("library.read", slug=version.document.slug))
        if (version := found[each["version_id"]]) is not None and each["version_id"] in titles
        else jobs.Description(what)
        for each in arguments
    ]


def _explain(failure: str) -> LazyText | None:
    if failure == "PdfFailed":
        return _l("The file could not be drawn. Check that the fonts and WeasyPrint's libraries are installed.")
    return None


@jobs.job(issuing.JOB, describe=_describe, explain=_explain)
def print_dossier(version_id: int, language: str) -> Generator[Any, Any, None]:
    """Make the PDF of a version of a dossier in one language: once, and again where a text was taken out."""
    version = library.find_version_by_id(version_id)
    if version is None or _is_made(version_id, language):
        return
    paper = printed(version, language)
    content = yield jobs.Outside(lambda: pdf_of(paper))
    # Another transaction has begun: read again what may have changed.
    kept = library.find_version_by_id(version_id)
    if kept is None or _is_made(version_id, language):
        return
    # Where a text was taken out meanwhile, what was printed is not kept: the work that follows prints it.
    if printed(kept, language) == paper:
        issuing.keep_file(kept, language, content)


def _is_made(version_id: int, language: str) -> bool:
    file = dossiers.find_file(version_id, language)
    return file is not None and file.size > 0


def printed(version: DocumentVersion, tag: str) -> Printed:
    """Return a version of a dossier as it is printed in a language."""
    return printed_of(
        version,
        tag,
        clauses=library.list_shown_clauses(version, tag),
        organisation=organisation.name().in_(tag),
    )


def init() -> None:
    """Listen to what happens below."""
    subscribe(OwnerChanged, on_owner_changed)
    subscribe(PersonReactivated, on_person_reactivated)
    subscribe(PersonLeaves, on_person_leaves)
    subscribe(RoleEnded, on_role_ended)
    subscribe(CardTextHeld, withholding.hold)
    subscribe(CardTextSettled, withholding.settle)
