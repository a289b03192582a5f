"""Signing in and out, forgotten passwords, and what a one-time link opens."""

from __future__ import annotations

from typing import Any

from flask import current_app, flash, g, make_response, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response

from portal.accounts import errors
from portal.accounts.forms import ForgottenForm, NewPasswordForm, SignInForm, WelcomeForm
from portal.accounts.models import LinkPurpose, OneTimeLink, Person
from portal.accounts.rules import MIN_PASSWORD
from portal.accounts.service import links, sessions, signing_in
from portal.accounts.views import blueprint
from portal.core.access import actor, next_path, public
from portal.core.i18n import gettext as _
from portal.core.transaction import transaction

START = "/"


def address() -> str:
    """Return the address of the browser, as far as trusted proxies tell it."""
    return request.remote_addr or ""


def begin(token: str) -> None:
    """Let this browser carry the session: whatever it carried before is dropped, its CSRF token too."""
    session.clear()
    session["_user_id"], session["_fresh"] = token, True


@blueprint.get("/sign-in")
@public
def sign_in() -> Any:
    """Ask who it is."""
    if actor() is not None:
        return redirect(next_path(START), 303)
    return _sign_in_page(SignInForm())


@blueprint.post("/sign-in")
@public
def do_sign_in() -> Any:
    """Begin a session, or say the same for whatever went wrong."""
    form = SignInForm()
    if not form.validate():
        return _sign_in_page(form, status=400)
    name, password = form.name.data or "", form.password.data or ""
    try:
        # Kept whatever becomes of this request.
        with transaction():
            signing_in.note_try(name=name, address=address())
    except errors.SignInTooOften as wait:
        current_app.logger.warning("sign-in refused for %s s", wait.retry_after)
        response = _sign_in_page(form, problem=str(wait), status=wait.status)
        response.headers["Retry-After"] = str(wait.retry_after)
        return response
    person = signing_in.find_who(name=name, password=password)
    token = None
    if person is not None:
        with transaction():
            token = signing_in.sign_in(
                person=person, password=password, browser=request.user_agent.string, address=address()
            )
    if person is None or token is None:
        current_app.logger.warning("sign-in failed")
        problem = _("The email address or the password is not correct. Check both, or set a new password.")
        return _sign_in_page(form, problem=problem, status=401)
    _end_previous()
    begin(token)
    current_app.logger.info("%s signed in", person.code)
    return redirect(next_path(START), 303)


@blueprint.post("/sign-out")
@public
def sign_out() -> Any:
    """End the session, here and on the server, and let the browser forget what it kept."""
    _end_previous()
    session.clear()
    response = redirect(url_for("accounts.sign_in"), 303)
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


@blueprint.get("/forgotten")
@public
def forgotten() -> Any:
    """Ask for the address to which a link should go."""
    return render_template("accounts/forgotten.html", form=ForgottenForm())


@blueprint.post("/forgotten")
@public
def ask_for_link() -> Any:
    """Owe a link and say the same whether there is such an account or not."""
    form = ForgottenForm()
    if not form.validate():
        return render_template("accounts/forgotten.html", form=form), 400
    with transaction():
        signing_in.note_link_request(address=address())
        links.request_link(name=form.name.data or "")
    return redirect(url_for("accounts.link_asked_for"), 303)


@blueprint.get("/forgotten/sent")
@public
def link_asked_for() -> Any:
    """Say what happens now."""
    return render_template("accounts/link_asked_for.html", minutes=int(links.SENT_ONCE_WITHIN.total_seconds()) // 60)


@blueprint.get("/link/<token>")
@public
def open_link(token: str) -> Any:
    """Show what the link is for; nothing is used up, so that mail scanners may look."""
    try:
        link = links.get_usable(token)
    except errors.LinkUnusable as unusable:
        return _unusable(unusable)
    form = _link_form(link)
    if isinstance(form, WelcomeForm):
        form.language.data = link.person.language
    return _link_page(link, form)


@blueprint.post("/link/<token>")
@public
def use_link(token: str) -> Any:
    """Set the password; an invitation goes on to the first page, a reset to the sign-in."""
    try:
        link = links.get_usable(token)
        form = _link_form(link)
        if not form.validate():
            return _link_page(link, form, status=400)
        invited = link.purpose is LinkPurpose.INVITATION
        with transaction():
            person = links.use_link(token=token, password=form.password.data or "")
            new_token = _first_session(person, form) if invited else None
    except errors.PasswordRefused as refused:
        form.password.errors = [str(refused)]
        return _link_page(link, form, status=400)
    except errors.LinkUnusable as unusable:
        return _unusable(unusable)
    _end_previous()
    if new_token is None:
        session.clear()
        flash(_("The password is set. Sign in with it."), "success")
        return redirect(url_for("accounts.sign_in"), 303)
    begin(new_token)
    return redirect(url_for("accounts.welcome"), 303)


def _first_session(person: Person, form: NewPasswordForm) -> str:
    if isinstance(form, WelcomeForm):
        person.language = form.language.data
    return sessions.begin_session(person=person, browser=request.user_agent.string, address=address())


def _end_previous() -> None:
    """End the session that this browser was in before, whoever it was."""
    token = session.get("_user_id")
    if isinstance(token, str) and token:
        with transaction():
            sessions.end_session(token=token)
    g.viewer = None


def _sign_in_page(form: SignInForm, problem: str = "", status: int = 200) -> Response:
    page = render_template("accounts/sign_in.html", form=form, problem=problem, next=next_path(""))
    return make_response(page, status)


def _link_form(link: OneTimeLink) -> NewPasswordForm:
    return WelcomeForm() if link.purpose is LinkPurpose.INVITATION else NewPasswordForm()


def _link_page(link: OneTimeLink, form: NewPasswordForm, status: int = 200) -> Response:
    page = render_template(
        "accounts/link.html",
        form=form,
        invited=link.purpose is LinkPurpose.INVITATION,
        sign_in_name=link.person.sign_in_name,
        least=MIN_PASSWORD,
    )
    return make_response(page, status)


def _unusable(unusable: errors.LinkUnusable) -> Response:
    page = render_template("accounts/link_unusable.html", message=str(unusable), form=ForgottenForm(formdata=None))
    return make_response(page, unusable.status)
