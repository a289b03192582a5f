"""Declining the statement of what the work can bring, and the wellbeing contact's list of who does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import flash, redirect, render_template, url_for

from portal.accounts import queries as accounts
from portal.acknowledgements import queries
from portal.acknowledgements.forms import AsideForm
from portal.acknowledgements.permissions import ACKNOWLEDGE, SEE_DECLINED
from portal.acknowledgements.queries import exposure
from portal.acknowledgements.service import exposure as service
from portal.acknowledgements.service.exposure import contacts, take_back
from portal.acknowledgements.service.exposure import decline as note
from portal.acknowledgements.views import blueprint
from portal.acknowledgements.views.reader import back_to
from portal.core.access import actor, requires, signed_in
from portal.core.errors import DomainError, NotFound
from portal.core.i18n import format_date, format_instant, language
from portal.core.i18n import gettext as _
from portal.core.once import Done, carry_out
from portal.core.transaction import transaction
from portal.library import queries as library
from portal.library.models import Document, DocumentVersion
from portal.library.permissions import READ_DOCUMENT
from portal.library.queries import get_document


@blueprint.get("/library/<slug>/versions/<number>/decline")
@requires(ACKNOWLEDGE, on=get_document, see=READ_DOCUMENT)
def decline(document: Document, number: str) -> str:
    """Say what declining means, before it is done."""
    version = _statement(document, number)
    return render_template(
        "acknowledgements/decline.html",
        slug=document.slug,
        number=version.number,
        title=library.list_titles([version.id], language()).get(version.id, document.slug),
        back=back_to(document, number),
        declined=exposure.find_open(actor()),
        confirmed=queries.find_acknowledgement(actor(), version),
        contacts=[each.name_in(language()) for each in contacts(actor())],
        zone=actor().time_zone,
    )


@blueprint.post("/library/<slug>/versions/<number>/decline")
@requires(ACKNOWLEDGE, on=get_document, see=READ_DOCUMENT)
def note_decline(document: Document, number: str) -> Any:
    """Note that the person declines, and tell the wellbeing contact."""
    with transaction():
        note(version=_statement(document, number), by=actor())
    flash(_("It is noted. Material of level S2 and above is not assigned any more."), "success")
    return redirect(back_to(document, number), 303)


@blueprint.post("/wellbeing/declined/take-back")
@signed_in
def take_decline_back() -> Any:
    """Let what was set aside be assigned again."""
    declined = exposure.find_open(actor())
    with transaction():
        take_back(by=actor())
    if declined is None:
        return redirect(url_for("organisation.wellbeing"), 303)
    flash(_("It is taken back. What was set aside is assigned again."), "success")
    return redirect(back_to(declined.version.document, declined.version.number), 303)


@blueprint.get("/wellbeing/declined")
@requires(SEE_DECLINED)
def list_declined() -> str:
    """List who declines and for whom material is set aside, for those to whom people can turn."""
    return _list_page(AsideForm(formdata=None))


@blueprint.post("/wellbeing/declined/<code>/spoken")
@requires(SEE_DECLINED)
def note_spoken(code: str) -> Any:
    """Note that the contact has spoken with somebody who declines."""
    person = accounts.get_person(code)

    def work() -> Done:
        service.note_spoken(person=person, by=actor())
        return Done(_("It is noted that you have spoken."), url_for("acknowledgements.list_declined"))

    return _carry_out(work)


@blueprint.post("/wellbeing/aside")
@requires(SEE_DECLINED)
def set_aside() -> Any:
    """Set material of a level and above aside for a person."""
    form = AsideForm()
    if not form.validate():
        return _list_page(form), 400
    person = accounts.find_person_by_sign_in_name(form.address.data or "")
    if person is None or not person.is_active:
        form.address.errors = [_("Nobody with an active account has this email address.")]
        return _list_page(form), 400

    def work() -> Done:
        service.set_aside(person=person, level=form.level.data, until_on=form.until_on.data, by=actor())
        return Done(
            _("It is set aside, and %(name)s is told by mail. Nobody else is.", name=person.name_in(language())),
            url_for("acknowledgements.list_declined"),
        )

    return _carry_out(work, form)


@blueprint.post("/wellbeing/aside/<code>/end")
@requires(SEE_DECLINED)
def end_aside(code: str) -> Any:
    """Let what was set aside for a person be assigned again."""
    person = accounts.get_person(code)

    def work() -> Done:
        service.end_aside(person=person, by=actor())
        return Done(
            _("It is assigned again, and %(name)s is told by mail.", name=person.name_in(language())),
            url_for("acknowledgements.list_declined"),
        )

    return _carry_out(work)


def _carry_out(work: Callable[[], Done], form: AsideForm | None = None) -> Any:
    told = form if form is not None else AsideForm(formdata=None)
    try:
        return carry_out(work)
    except DomainError as refused:
        told.form_errors.append(str(refused))
        return _list_page(told), refused.status


def _list_page(form: AsideForm) -> str:
    here, zone = language(), actor().time_zone
    declined = [
        {
            "name": each.person.name_in(here),
            "address": each.person.sign_in_name,
            "market": str(each.person.home_market.name),
            "number": each.version.number,
            "since": format_instant(each.declined_at, zone),
            "spoken": _(
                "%(name)s, %(when)s", name=each.spoken_by.name_in(here), when=format_instant(each.spoken_at, zone)
            )
            if each.spoken_at is not None and each.spoken_by is not None
            else "",
            "spoken_href": url_for("acknowledgements.note_spoken", code=each.person.code),
        }
        for each in exposure.list_open()
    ]
    aside = [
        {
            "name": each.person.name_in(here),
            "address": each.person.sign_in_name,
            "level": each.level,
            "until": format_date(each.until_on) if each.until_on is not None else "",
            "set": _("%(name)s, %(when)s", name=each.set_by.name_in(here), when=format_instant(each.set_at, zone)),
            "end_href": url_for("acknowledgements.end_aside", code=each.person.code),
        }
        for each in exposure.list_aside()
    ]
    return render_template("acknowledgements/declined.html", rows=declined, aside=aside, form=form)


def _statement(document: Document, number: str) -> DocumentVersion:
    if not exposure.is_statement(document):
        raise NotFound()
    return library.get_version(document, number)
