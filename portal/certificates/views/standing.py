"""What administrators do to a certificate, each with a reason: suspend, reinstate, issue anew with another name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import render_template, request, url_for

from portal.certificates import limits, queries, service
from portal.certificates.forms import RevocationForm
from portal.certificates.models import Certificate
from portal.certificates.permissions import CHANGE_STANDING, SEE_CERTIFICATE
from portal.certificates.queries import reissues as requests
from portal.certificates.rules import HOLDS, State
from portal.certificates.service import reissues
from portal.certificates.views import answered, blueprint, do, others_if_own
from portal.core.access import actor, requires
from portal.core.errors import DomainError
from portal.core.i18n import gettext as _
from portal.core.once import Done, carry_out


@blueprint.route("/certificates/<number>/suspend", methods=["GET", "POST"])
@requires(CHANGE_STANDING, on=queries.get_certificate, see=SEE_CERTIFICATE)
def suspend(certificate: Certificate) -> Any:
    """Suspend a certificate while it is being reviewed."""
    return _ask(
        certificate,
        title=_("Suspend the certificate"),
        about=_("Its public page says at once that nobody should rely on it for now. A suspension can be lifted."),
        is_possible=service.state_of(certificate) not in (State.REVOKED, State.SUSPENDED),
        work=lambda reason: service.suspend(certificate=certificate, reason=reason, by=actor()),
        done=_("The certificate is suspended. Its public page says so from now on."),
        variant="danger",
    )


@blueprint.route("/certificates/<number>/reinstate", methods=["GET", "POST"])
@requires(CHANGE_STANDING, on=queries.get_certificate, see=SEE_CERTIFICATE)
def reinstate(certificate: Certificate) -> Any:
    """Lift a suspension."""
    return _ask(
        certificate,
        title=_("Lift the suspension"),
        about=_("The certificate is worth again what it says. Its last day stays the same."),
        is_possible=service.state_of(certificate) is State.SUSPENDED,
        work=lambda reason: service.reinstate(certificate=certificate, reason=reason, by=actor()),
        done=_("The suspension was lifted."),
    )


@blueprint.route("/certificates/<number>/reissue", methods=["GET", "POST"])
@requires(CHANGE_STANDING, on=queries.get_certificate, see=SEE_CERTIFICATE)
def reissue(certificate: Certificate) -> Any:
    """Issue a certificate anew for the same completion, with the name that the account has now."""
    asked = requests.find_open(certificate.id)
    state = service.state_of(certificate)
    return _ask(
        certificate,
        title=_("Issue it anew"),
        about=_(
            "A new certificate with a number of its own certifies the same completion until the same day, under the "
            "name that the account has now. This one is kept, and its public page says that a newer one replaced it."
        ),
        is_possible=certificate.replaced_at is None and state in HOLDS | {State.POLICY_SUPERSEDED},
        work=lambda reason: reissues.reissue(certificate=certificate, reason=reason, by=actor()),
        done=_("The certificate was issued anew."),
        printed=certificate.snapshot["holder"],
        now=service.holder_of(certificate.person),
        asked=asked.reason if asked is not None else None,
    )


@blueprint.post("/certificates/<number>/reissue/romanised")
@requires(CHANGE_STANDING, on=queries.get_certificate, see=SEE_CERTIFICATE)
def reissue_romanised(certificate: Certificate) -> Any:
    """Issue a certificate anew with the romanised name, because no font has a character of the other one."""
    limits.drawings.take(actor().code)

    def work() -> Done:
        fresh = reissues.issue_romanised(certificate=certificate, by=actor())
        return Done(
            _("The certificate was issued anew with the romanised name."),
            url_for("certificates.show", number=fresh.number),
        )

    try:
        # Outside of the transaction: drawing takes time.
        reissues.try_romanised(certificate)
        return carry_out(work)
    except DomainError as refused:
        return answered(certificate, str(refused), refused.status if refused.status < 500 else 409)


@blueprint.post("/certificates/<number>/reissue/decline")
@requires(CHANGE_STANDING, on=queries.get_certificate, see=SEE_CERTIFICATE)
def decline_reissue(certificate: Certificate) -> Any:
    """Close the holder's request for a new name; the certificate stays as it is."""
    return do(
        certificate,
        lambda: reissues.decline(certificate=certificate, by=actor()),
        _("The request was closed. The certificate stays as it is."),
    )


def _ask(
    certificate: Certificate,
    *,
    title: str,
    about: str,
    is_possible: bool,
    work: Callable[[str], object],
    done: str,
    variant: str = "primary",
    **shown: Any,
) -> Any:
    """Ask why, then do it; a refusal stands beside what was typed."""
    form, status = RevocationForm(), 200
    if request.method == "POST":
        status = 400
        if form.validate():

            def both() -> Done:
                fresh = work(form.reason.data or "")
                number = fresh.number if isinstance(fresh, Certificate) else certificate.number
                return Done(done, url_for("certificates.show", number=number))

            try:
                return carry_out(both)
            except DomainError as refused:
                form.form_errors.append(str(refused))
                status = refused.status
    page = render_template(
        "certificates/standing.html",
        certificate=certificate,
        form=form,
        title=title,
        about=about,
        is_possible=is_possible,
        others=others_if_own(certificate),
        variant=variant,
        back=url_for("certificates.show", number=certificate.number),
        # A new issue is told by the mail that comes with it.
        tells="now" not in shown,
        **({"printed": None, "now": None, "asked": None} | shown),
    )
    return page, status
