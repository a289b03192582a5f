"""Confirming a document, and the list of one's own confirmations."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import flash, redirect, render_template, request, url_for

from portal.accounts import queries as accounts
from portal.accounts.models import Person
from portal.acknowledgements import queries, service
from portal.acknowledgements.errors import CheckFirst, LanguageMissing
from portal.acknowledgements.forms import AcknowledgeForm
from portal.acknowledgements.models import AcknowledgementRequest, RequestEnd
from portal.acknowledgements.permissions import ACKNOWLEDGE
from portal.acknowledgements.queries import campaigns, exposure
from portal.acknowledgements.service.deltas import Delta
from portal.acknowledgements.service.due import due_words
from portal.acknowledgements.views import blueprint
from portal.core import clock
from portal.core.access import actor, next_path, requires, signed_in
from portal.core.i18n import format_instant, language
from portal.core.i18n import gettext as _
from portal.core.transaction import transaction
from portal.library import queries as library
from portal.library.models import Document, DocumentVersion, VersionText
from portal.library.permissions import READ_DOCUMENT, applies_to
from portal.library.queries import get_document
from portal.library.rules import Standing
from portal.library.rules.overlays import base_slug
from portal.library.service.panels import Panel

# An underscore cannot occur in a clause's id, so that the form's ids never meet one.
PREFIX = "confirmation_"


def exemption_of(asked: AcknowledgementRequest | None, version: DocumentVersion) -> dict[str, Any] | None:
    """Return who let the person off a version, and why; None where nobody did."""
    if asked is None or asked.closed_as is not RequestEnd.EXEMPT or asked.campaign.version_id != version.id:
        return None
    by = accounts.find_person(asked.exempt_by or "")
    return {
        "exempt_by": by.name_in(language()) if by is not None else asked.exempt_by,
        "exempt_reason": asked.exempt_reason,
    }


def emergencies_of(person: Person) -> list[dict[str, str]]:
    """Return what a person must confirm at once, for the head of every page."""
    return [
        {
            "href": url_for("acknowledgements.delta", slug=each.slug),
            "title": f"{each.title} {each.number}",
            "language": each.title_language,
            "by": format_instant(each.due_at, person.time_zone),
        }
        for each in campaigns.list_emergencies(person.id, language())
    ]


@blueprint.post("/library/<slug>/versions/<number>/acknowledge")
@requires(ACKNOWLEDGE, on=get_document, see=READ_DOCUMENT)
def acknowledge(document: Document, number: str) -> Any:
    """Take the person's statement to have read and understood the version."""
    version = library.get_version(document, number)
    form = AcknowledgeForm(prefix=PREFIX)
    text = version.text_in(form.shown_language.data or "")
    if text is None:
        raise LanguageMissing()
    if not form.validate_on_submit():
        page = render_template(
            "acknowledgements/confirm.html",
            form=form,
            document=document,
            version=version,
            text=text,
            attestation=service.attestation_of(text),
        )
        return page, 400
    try:
        with transaction():
            service.acknowledge(version=version, language=text.language, by=actor(), address=request.remote_addr or "")
    except CheckFirst as refused:
        # What is missing is on the page of the changes.
        flash(str(refused), "warning")
        return redirect(url_for("acknowledgements.delta", slug=document.slug), 303)
    flash(_("Version %(number)s has been confirmed.", number=number), "success")
    return redirect(next_path(back_to(document, number)), 303)


@blueprint.post("/library/<slug>/versions/<number>/read")
@requires(ACKNOWLEDGE, on=get_document, see=READ_DOCUMENT)
def confirm_reading(document: Document, number: str) -> Any:
    """Take the person's statement to have read the version."""
    version = library.get_version(document, number)
    with transaction():
        service.confirm_reading(version=version, language=request.form.get("shown_language", ""), by=actor())
    flash(_("It has been noted that version %(number)s was read.", number=number), "success")
    return redirect(next_path(back_to(document, number)), 303)


@blueprint.get("/acknowledgements")
@signed_in
def own() -> str:
    """List what the person has stated, the newest first."""
    person = actor()
    confirmed = queries.list_acknowledgements(person)
    confirmed_ids = {each.version_id for each in confirmed}
    read = [each for each in queries.list_reading_confirmations(person) if each.version_id not in confirmed_ids]
    titles = library.list_titles(confirmed_ids | {each.version_id for each in read}, language())
    return render_template(
        "acknowledgements/own.html",
        confirmed=[(each, library.standing_of(each.version)) for each in confirmed],
        read=[(each, library.standing_of(each.version)) for each in read],
        titles=titles,
        zone=person.time_zone,
    )


def back_to(document: Document, number: str) -> str:
    """Return where a version is read: the document's own address where that shows it."""
    shown = library.version_to_read(document)
    if shown is not None and shown.number == number:
        return url_for("library.read", slug=document.slug, _anchor="confirmation")
    return url_for("library.read_version", slug=document.slug, number=number, _anchor="confirmation")


def confirmation_panel(person: Person, version: DocumentVersion, text: VersionText) -> Panel | None:
    """Return the confirmation of a version, or the way to it, or None where there is none of either."""
    confirmed, read = queries.list_stated(person, version.document)
    this = next((each for each in confirmed if each.version_id == version.id), None)
    earlier = next((each for each in confirmed if each.sequence < version.sequence), None)
    later = next((each for each in confirmed if each.sequence > version.sequence), None)
    is_open = library.standing_of(version) in (Standing.IN_FORCE, Standing.ISSUED)
    if this is None and not (is_open and applies_to(person, version.document)):
        return None
    asks, exemption = (None, None) if this else _what_is_asked_for(person, version)
    is_statement = exposure.is_statement(version.document)
    is_asked = this is not None or asks is not None or exemption is not None
    covering = None
    if not is_asked and earlier is not None and not service.is_planned(person, version.document):
        covering = service.covering_of(confirmed, version)
    read_at = None if this else read.get(version.id)
    asked = service.Asked() if this else service.what_is_asked(person, base_slug(version.document.slug))
    if asks is not None and asks["is_emergency"]:
        # It waits for nothing that a plan puts first.
        asked = replace(asked, before_confirming=())
    return Panel(
        "acknowledgements/panel.html",
        {
            "slug": version.document.slug,
            "number": version.number,
            "text_language": text.language,
            "zone": person.time_zone,
            "attestation": service.attestation_of(text),
            "confirmed": this,
            "earlier": earlier,
            # What is addressed by name is asked for without a term, and told here what changed.
            "delta_href": url_for("acknowledgements.delta", slug=version.document.slug)
            if version.document.is_by_name and earlier is not None and asks is None
            else None,
            # A later one that she has confirmed before it takes effect.
            "later": _ahead(later, person) if later and later.effective_at > clock.now() else None,
            # Confirmed already, since nothing that asks anybody has changed.
            "covering": covering,
            "read_at": read_at,
            "before_reading": asked.before_reading,
            "before_confirming": asked.before_confirming,
            # Where the plan asks to read now, that is the button for now; confirming is a further word.
            "asks_to_read": asked.reading and read_at is None,
            # She is asked for this version (or an older one): by when, and whether questions come first.
            "asks": asks,
            "exemption": exemption,
            # The statement of what the work can bring may be declined.
            "is_declinable": is_statement,
            "declined": exposure.find_open(person) if is_statement else None,
            "form": AcknowledgeForm(formdata=None, prefix=PREFIX, shown_language=text.language),
        },
    )


def _label(delta: Delta) -> str:
    if delta.old is None:
        return _("The questions, and the confirmation")
    return _("What changed, and the confirmation") if delta.is_passed else _("What changed, and the questions")


def _ahead(later: queries.Confirmed, person: Person) -> dict[str, str]:
    return {"number": later.number, "effective": format_instant(later.effective_at, person.time_zone)}


def _what_is_asked_for(person: Person, version: DocumentVersion) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """Return what is asked of the person about a version, and who let her off."""
    asked = campaigns.find_open_or_exempt(person, version.document)
    if asked is None or asked.closed_at is not None:
        return None, exemption_of(asked, version)
    delta = service.asked_of(person, version, asked)
    if delta is None:
        return None, exemption_of(asked, version)
    return {
        "due": due_words(asked, person),
        "is_emergency": asked.campaign.hours is not None,
        "changes": delta.size,
        "has_base": delta.old is not None,
        "check": len(delta.check),
        "is_passed": delta.is_passed,
        "href": url_for("acknowledgements.delta", slug=version.document.slug),
        "label": _label(delta),
    }, None
