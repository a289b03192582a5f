"""A person's own account: how she is called and shown, language, password, where she is signed in."""

from __future__ import annotations

from typing import Any

from flask import flash, make_response, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response

from portal.accounts import errors, queries
from portal.accounts.forms import ChangePasswordForm, OwnCardForm
from portal.accounts.models import Accommodation, NamesKept, Person, Role
from portal.accounts.permissions import ROLE_NAMES, open_grants
from portal.accounts.rules import MIN_PASSWORD
from portal.accounts.service import ownership, passwords, people, sessions, signing_in
from portal.accounts.service.people import NAME_FIELDS
from portal.accounts.views import blueprint
from portal.accounts.views.parts import accommodation_in_words, belonging_rows, browser_in_words
from portal.accounts.views.signing_in import START, address, begin
from portal.core import clock
from portal.core.access import actor, signed_in
from portal.core.i18n import SWITCHED, format_date, format_instant, language, pgettext
from portal.core.i18n import gettext as _
from portal.core.transaction import transaction


@blueprint.get("/account")
@signed_in
def own_account() -> Any:
    """Show the own account."""
    return _page(_card(actor()), ChangePasswordForm())


@blueprint.get("/welcome")
@signed_in
def welcome() -> Any:
    """Ask, after an invitation, whether the name is right."""
    return render_template("accounts/welcome.html", form=_card(actor()), zones=clock.zone_names())


@blueprint.post("/welcome")
@signed_in
def keep_welcome() -> Any:
    """Keep the name card and go on to the first page."""
    form = OwnCardForm()
    if not form.validate():
        return render_template("accounts/welcome.html", form=form, zones=clock.zone_names()), 400
    _keep_card(form)
    return redirect(START, 303)


@blueprint.post("/account/card")
@signed_in
def change_card() -> Any:
    """Change names, language and time zone."""
    form = OwnCardForm()
    if not form.validate():
        return _page(form, ChangePasswordForm(formdata=None), status=400)
    _keep_card(form)
    # The language just chosen holds from now on, whatever was switched to before.
    session.pop(SWITCHED, None)
    flash(_("Saved."), "success")
    return redirect(url_for("accounts.own_account"), 303)


@blueprint.post("/account/password")
@signed_in
def change_password() -> Any:
    """Change the password; every other browser is signed out, this one goes on."""
    form, person = ChangePasswordForm(), actor()
    if not form.validate():
        return _page(_card(person), form, status=400)
    name = person.sign_in_name
    try:
        # A session left open is no place to guess the password at either.
        with transaction():
            signing_in.note_try(name=name, address=address())
        with transaction():
            passwords.change_password(person=person, present=form.present.data or "", new=form.password.data or "")
            signing_in.forgive(name=name, address=address())
            token = sessions.begin_session(person=person, browser=request.user_agent.string, address=address())
    except (errors.PasswordWrong, errors.SignInTooOften) as wrong:
        form.present.errors = [str(wrong)]
        form.password.errors = _faults(form.password.data or "", person)
        return _page(_card(person), form, status=wrong.status)
    except errors.PasswordRefused as refused:
        with transaction():
            signing_in.forgive(name=name, address=address())
        form.password.errors = [str(refused)]
        return _page(_card(person), form, status=400)
    begin(token)
    flash(_("The password has been changed. All other browsers were signed out."), "success")
    return redirect(url_for("accounts.own_account"), 303)


def _faults(password: str, person: Person) -> list[str]:
    """Return what is said against a new password, so that all of it is said at once."""
    try:
        passwords.check_rules(password, person=person)
    except errors.PasswordRefused as refused:
        return [str(refused)]
    return []


@blueprint.post("/account/sessions/end")
@signed_in
def end_session() -> Any:
    """Sign out one other browser."""
    with transaction():
        sessions.end_own_session(person=actor(), handle=request.form.get("session", "")[:16])
    flash(_("That browser is signed out."), "success")
    return redirect(url_for("accounts.own_account"), 303)


@blueprint.post("/account/sessions/end-others")
@signed_in
def end_other_sessions() -> Any:
    """Sign out every browser but this one."""
    with transaction():
        sessions.end_other_sessions(person=actor(), token=str(session.get("_user_id", "")))
    flash(_("Every other browser is signed out."), "success")
    return redirect(url_for("accounts.own_account"), 303)


def _card(person: Person) -> OwnCardForm:
    values = {name: getattr(person, name) for name in (*NAME_FIELDS, "language", "time_zone")}
    return OwnCardForm(formdata=None, data=values)


def _keep_card(form: OwnCardForm) -> None:
    with transaction():
        people.change_own(
            person=actor(), names=form.names, language=form.language.data, time_zone=form.time_zone.data or ""
        )


def _time_in_words(accommodation: Accommodation) -> str:
    """Say what is agreed, and until when."""
    comma = str(pgettext("list", ", "))
    what = comma.join(filter(None, [accommodation_in_words(accommodation), accommodation.alternative_format]))
    if accommodation.valid_until is None:
        return what
    end = _("until %(date)s", date=format_date(accommodation.valid_until))
    return comma.join([what, end])


def _page(card: OwnCardForm, password: ChangePasswordForm, status: int = 200) -> Response:
    person: Person = actor()
    own = sessions.hash_of(str(session.get("_user_id", "")))
    live = queries.list_live_sessions(person)
    belongings = ownership.list_belongings(person)
    changed = queries.find_open_name_change(person.id)
    accommodation = queries.find_accommodation(person, clock.today(person.time_zone))
    page = render_template(
        "accounts/own_account.html",
        form=card,
        name_open={
            "at": format_instant(changed.changed_at, person.time_zone),
            "before": NamesKept(changed.before).name_in(language()),
        }
        if changed is not None
        else None,
        password_form=password,
        least=MIN_PASSWORD,
        zones=clock.zone_names(),
        sign_in_name=person.sign_in_name,
        code=person.code,
        time_zone=person.time_zone,
        facts=[
            (_("Email address"), {"address": person.sign_in_name}),
            (_("Person code"), person.code),
            (_("Employee number"), person.employee_number),
            (_("Market"), person.home_market.name),
            (_("Team"), person.team.name if person.team else None),
            (
                _("Roles"),
                pgettext("list", ", ").join(
                    dict.fromkeys(str(ROLE_NAMES[each.role]) for each in open_grants(person, *Role))
                ),
            ),
            (_("Time in quizzes"), _time_in_words(accommodation) if accommodation else None),
        ],
        belongings=belongings,
        owned_rows=belonging_rows(belongings, person.time_zone),
        sessions=[
            {
                "handle": each.handle,
                "browser": browser_in_words(each.browser),
                "network": each.address_class,
                "since": each.created_at,
                "seen": each.seen_at,
                "here": each.token_hash == own,
            }
            for each in live
        ],
    )
    return make_response(page, status)
