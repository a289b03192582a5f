"""Pages: the holder's certificates, one certificate, its files, its revocation, and the public answer to a code."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, make_response, redirect, render_template, request, send_file, url_for

from portal.certificates import queries, service
from portal.certificates.forms import CodeForm, RevocationForm
from portal.certificates.models import Certificate
from portal.certificates.permissions import REVOKE, SEE_CERTIFICATE
from portal.certificates.rules import State, grouped_code
from portal.core import clock, tables
from portal.core.access import actor, can, public, requires, signed_in
from portal.core.errors import DomainError
from portal.core.i18n import LANGUAGES, Words, format_instant
from portal.core.i18n import gettext as _
from portal.core.jobs import Job, JobState
from portal.core.once import Done, carry_out

blueprint = Blueprint("certificates", __name__, template_folder="templates")

_CURRENT = (State.VALID, State.SUSPENDED)


@blueprint.get("/certificates")
@signed_in
def index() -> str:
    """Show the signed-in person her own certificates, the current ones first."""
    found = queries.list_certificates_of(actor().id)
    making = queries.find_jobs([service.effect_key(each) for each in found if len(each.files) < len(LANGUAGES)])
    rows = [_row(each, making.get(service.effect_key(each))) for each in found]
    return render_template(
        "certificates/index.html",
        current=[row for row in rows if row["state"] in _CURRENT],
        past=[row for row in rows if row["state"] not in _CURRENT],
    )


@blueprint.get("/certificates/<number>")
@requires(SEE_CERTIFICATE, on=queries.get_certificate)
def show(certificate: Certificate) -> str:
    """Show one certificate: what it says, what it is worth, its files, what happened to it."""
    return _show(certificate, RevocationForm())


def _show(certificate: Certificate, form: RevocationForm, error: str | None = None) -> str:
    making = queries.find_jobs([service.effect_key(certificate)]) if len(certificate.files) < len(LANGUAGES) else {}
    return render_template(
        "certificates/show.html",
        certificate=certificate,
        row=_row(certificate, making.get(service.effect_key(certificate))),
        snapshot=certificate.snapshot,
        facts=[
            {
                "kind": fact.kind,
                "at": format_instant(fact.at, certificate.zone),
                "reason": fact.reason,
                "people": [code for code in (fact.by, fact.confirmed_by) if code and code != "system"],
            }
            for fact in certificate.facts
        ],
        asked=queries.find_open_request(certificate.id),
        form=form,
        error=error,
        may_revoke=can(REVOKE, certificate),
        own_id=actor().id,
    )


@blueprint.get("/certificates/<number>/<any(en, ja):language>.pdf")
@requires(SEE_CERTIFICATE, on=queries.get_certificate)
def download(certificate: Certificate, language: str) -> Response:
    """Send the stored PDF of a language, byte for byte."""
    file = queries.get_file(certificate, language)
    response = send_file(
        io.BytesIO(file.content),
        mimetype="application/pdf",
        as_attachment=True,
        # Every character of it is ASCII: a number is letters, digits, hyphens and points.
        download_name=f"certificate-{certificate.number}-{language}.pdf",
        etag=False,
    )
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["Content-Security-Policy"] = tables.DOWNLOAD_POLICY
    response.headers["Content-Length"] = str(file.size)
    return response


@blueprint.post("/certificates/<number>/revocation")
@requires(REVOKE, on=queries.get_certificate, see=SEE_CERTIFICATE)
def request_revocation(certificate: Certificate) -> Any:
    """Ask for the revocation of a certificate; a second administrator must confirm it."""
    form = RevocationForm()
    if not form.validate_on_submit():
        return _show(certificate, form), 400
    return _do(
        certificate,
        lambda: service.request_revocation(certificate=certificate, reason=form.reason.data or "", by=actor()),
        _("The revocation has been requested. A second administrator must confirm it."),
        form,
    )


@blueprint.post("/certificates/<number>/revocation/confirm")
@requires(REVOKE, on=queries.get_certificate, see=SEE_CERTIFICATE)
def confirm_revocation(certificate: Certificate) -> Any:
    """Confirm what another administrator asked for: the certificate is revoked at once."""
    return _do(
        certificate,
        lambda: service.confirm_revocation(certificate=certificate, by=actor()),
        _("The certificate is revoked. Its public page says so from now on."),
    )


@blueprint.post("/certificates/<number>/revocation/decline")
@requires(REVOKE, on=queries.get_certificate, see=SEE_CERTIFICATE)
def decline_revocation(certificate: Certificate) -> Any:
    """Close a request to revoke; the certificate stays as it is."""
    return _do(
        certificate,
        lambda: service.decline_revocation(certificate=certificate, by=actor()),
        _("The request was closed. The certificate stays as it is."),
    )


def _do(certificate: Certificate, work: Callable[[], object], done: str, form: RevocationForm | None = None) -> Any:
    """Do something to a certificate, once, and go back to its page; a refusal is told there."""

    def both() -> Done:
        work()
        return Done(done, url_for("certificates.show", number=certificate.number))

    try:
        return carry_out(both)
    except DomainError as refused:
        return _show(certificate, form or RevocationForm(formdata=None), str(refused)), refused.status


@blueprint.get("/verify")
@public
def verify_form() -> Any:
    """Take a code that somebody reads off a certificate, and lead to its page."""
    if "code" not in request.args:
        return _unlisted(render_template("certificates/verify_form.html", form=CodeForm(formdata=None)))
    form = CodeForm(request.args)
    if not form.validate():
        return _unlisted(render_template("certificates/verify_form.html", form=form), 400)
    typed = (form.code.data or "")[:200].strip("/")
    return redirect(url_for("certificates.verify", code=typed or "-"), 303)


@blueprint.get("/verify/<path:code>")
@public
def verify(code: str) -> Response:
    """Say in public what the certificate of a code is worth; malformed and unknown codes look alike."""
    service.count_lookup(request.remote_addr)
    certificate = queries.find_certificate_by_code(code)
    if certificate is None:
        service.note_lookup(None, "unknown")
        return _unlisted(render_template("certificates/verify_unknown.html"), 404)
    state = service.state_of(certificate)
    page = render_template("certificates/verify.html", state=state, shown=_public(certificate, state))
    service.note_lookup(certificate.id, state.value)
    return _unlisted(page)


def _unlisted(page: str, status: int = 200) -> Response:
    response = make_response(page, status)
    response.headers["X-Robots-Tag"] = "noindex, nofollow, noarchive"
    response.headers["Cache-Control"] = "no-store"
    return response


def _public(certificate: Certificate, state: State) -> dict[str, Any]:
    """Return what the public page shows: nothing that is not printed on the certificate, and its state."""
    snapshot = certificate.snapshot
    ended = [fact.at for fact in certificate.facts if fact.kind.value == state.value]
    version = certificate.superseded_by_policy
    if state is State.POLICY_SUPERSEDED and version is not None:
        ended = [version.effective_at]
    return {
        "holder": snapshot["holder"],
        "credential": certificate.title,
        "plan": certificate.words("plan", "title"),
        "plan_version": snapshot["plan"]["version"],
        "documents": _documents(certificate),
        "issued_on": certificate.issued_on,
        "expires_on": certificate.expires_on,
        "issuer": certificate.words("issuer"),
        "signatory": certificate.words("signatory", "name"),
        "signatory_title": certificate.words("signatory", "title"),
        "number": certificate.number,
        "code": grouped_code(certificate.code),
        "ended_at": format_instant(ended[-1], certificate.zone) if ended else None,
    }


def _documents(certificate: Certificate) -> list[tuple[Words, str]]:
    return [
        (Words(en=each["title"]["en"], ja=each["title"]["ja"]), each["version"])
        for each in certificate.snapshot["basis"]["documents"]
    ]


def _policy(certificate: Certificate) -> dict[str, Any] | None:
    """Return which version makes the certificate one of an older policy, and from which day, or None."""
    version = certificate.superseded_by_policy
    if version is None:
        return None
    return {
        "slug": version.document.slug,
        "number": version.number,
        "effective_on": version.effective_on,
        "is_in_force": version.effective_at <= clock.now(),
    }


def _row(certificate: Certificate, job: Job | None) -> dict[str, Any]:
    """Return what lists and the page of a certificate show of it."""
    ready = {file.language: file for file in certificate.files}
    failed = job is not None and (job.state is JobState.FAILED or (job.attempts > 0 and job.last_error is not None))
    return {
        "number": certificate.number,
        "title": certificate.title,
        "state": service.state_of(certificate),
        "seal": certificate.snapshot["credential"]["seal"],
        "issued_on": certificate.issued_on,
        "expires_on": certificate.expires_on,
        "policy": _policy(certificate),
        "files": [(language, ready[language]) for language in ("ja", "en") if language in ready],
        "making": "" if len(ready) == len(LANGUAGES) else "failed" if failed else "running",
        "verify_url": certificate.snapshot["verify_url"],
        "short_url": urlsplit(certificate.snapshot["verify_url"]).netloc + "/verify",
        "code": grouped_code(certificate.code),
    }
