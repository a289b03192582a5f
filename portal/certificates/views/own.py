"""What holders do with their certificates: show them to others, put the last day in a calendar, ask for a new name."""

from __future__ import annotations

from typing import Any

from flask import Response, make_response, render_template, request, session, url_for

from portal.certificates import queries, service
from portal.certificates.errors import NoSuchShare
from portal.certificates.forms import RevocationForm, ShareForm
from portal.certificates.models import Certificate
from portal.certificates.permissions import KEEP_OWN, SEE_CERTIFICATE
from portal.certificates.queries import shares
from portal.certificates.rules import HOLDS, State
from portal.certificates.service import reissues
from portal.certificates.service import shares as sharing
from portal.certificates.views import answered, blueprint, do, public_facts, unlisted
from portal.certificates.views.life import NEW_SHARE
from portal.core import limits
from portal.core.access import actor, public, requires
from portal.core.errors import DomainError, NotFound
from portal.core.i18n import gettext as _
from portal.core.i18n import language
from portal.core.once import Done, carry_out
from portal.core.web import public_url
from portal.training.service import calendar

# Whoever guesses an address finds nothing, and not often.
misses = limits.Buckets(20)


# --- Showing it to others ------------------------------------------------------------------------------------------


@blueprint.post("/certificates/<number>/shares")
@requires(KEEP_OWN, on=queries.get_certificate, see=SEE_CERTIFICATE)
def share(certificate: Certificate) -> Any:
    """Make a secret address under which the certificate is shown; the page that follows shows it, once."""
    form = ShareForm()
    if not form.validate():
        return answered(certificate, "; ".join(message for _name, _label, message in form.error_list()), 400)

    def work() -> Done:
        token = sharing.share(certificate=certificate, label=form.label.data or "", by=actor())
        session[NEW_SHARE] = {"number": certificate.number, "token": token}
        return Done(
            _("The link has been made. Copy it now: it is shown only this once."),
            url_for("certificates.show", number=certificate.number, _anchor="shares"),
        )

    try:
        return carry_out(work)
    except DomainError as refused:
        return answered(certificate, str(refused), refused.status)


@blueprint.post("/certificates/<number>/shares/<code>/withdraw")
@requires(KEEP_OWN, on=queries.get_certificate, see=SEE_CERTIFICATE)
def withdraw_share(certificate: Certificate, code: str) -> Any:
    """Let an address stop working."""
    found = shares.get_share(certificate, code)

    def work() -> Done:
        sharing.withdraw(found=shares.get_share(certificate, code), by=actor())
        return Done(
            _("The link was withdrawn. Nothing is shown under it any more."),
            url_for("certificates.show", number=certificate.number, _anchor="shares"),
        )

    return carry_out(work, beside=found.code)


@blueprint.get("/shared/<token>")
@public
def shared(token: str) -> Response:
    """Show what a certificate says under an address that its holder gave; one withdrawn is like one that never was."""
    try:
        certificate, newest = sharing.open_share(token)
    except NoSuchShare:
        misses.take(limits.network_of(request.remote_addr))
        raise
    asker = service.admit_lookup(request.remote_addr)
    state = service.state_of(certificate)
    # Before the look-up is counted, which ends what has been read.
    shown = public_facts(certificate, state, newest)
    service.count_lookup(asker)
    return unlisted(render_template("certificates/shared.html", state=state, shown=shown))


# --- In a calendar -------------------------------------------------------------------------------------------------


@blueprint.get("/certificates/<number>/expiry.ics")
@requires(SEE_CERTIFICATE, on=queries.get_certificate)
def expiry(certificate: Certificate) -> Response:
    """Send the last day of a certificate as a file that calendars take in."""
    if certificate.expires_on is None or service.state_of(certificate) not in HOLDS | {State.SUSPENDED}:
        raise NotFound()
    here = language()
    href = public_url("certificates.show", number=certificate.number)
    response = make_response(
        calendar.file_of_day(
            uid=f"certificate-{certificate.number}",
            on=certificate.expires_on,
            summary=_("Last day of the certificate “%(title)s”", title=certificate.title.in_(here)),
            description=_("Certificate %(number)s. What to do next stands on its page.", number=certificate.number),
            href=href,
            changed_at=certificate.issued_at,
            zone=certificate.zone,
        )
    )
    response.mimetype = "text/calendar"
    response.headers["Content-Disposition"] = f'attachment; filename="certificate-{certificate.number}.ics"'
    response.headers["Cache-Control"] = "private, no-store"
    return response


# --- A new name ----------------------------------------------------------------------------------------------------


@blueprint.route("/certificates/<number>/name", methods=["GET", "POST"])
@requires(KEEP_OWN, on=queries.get_certificate, see=SEE_CERTIFICATE)
def ask_for_new_name(certificate: Certificate) -> Any:
    """Ask for the certificate with the name that the account has now."""
    form, status = RevocationForm(), 200
    if request.method == "POST":
        status = 400
        if form.validate():
            try:
                return carry_out(lambda: _ask(certificate, form.reason.data or ""))
            except DomainError as refused:
                form.form_errors.append(str(refused))
                status = refused.status
    page = render_template(
        "certificates/new_name.html",
        certificate=certificate,
        form=form,
        is_possible=reissues.can_be_asked(certificate),
        printed=certificate.snapshot["holder"],
        now=service.holder_of(certificate.person),
        back=url_for("certificates.show", number=certificate.number),
    )
    return page, status


def _ask(certificate: Certificate, reason: str) -> Done:
    reissues.ask(certificate=certificate, reason=reason, by=actor())
    return Done(
        _("The new certificate has been requested. An administrator looks at it."),
        url_for("certificates.show", number=certificate.number),
    )


@blueprint.post("/certificates/<number>/name/take-back")
@requires(KEEP_OWN, on=queries.get_certificate, see=SEE_CERTIFICATE)
def take_back_new_name(certificate: Certificate) -> Any:
    """Take the own request for a new name back."""
    return do(
        certificate,
        lambda: reissues.decline(certificate=certificate, by=actor()),
        _("The request was closed. The certificate stays as it is."),
    )
