"""Pages: the holder's certificates, one certificate, its files, its revocation, and the public answer to a code."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, make_response, redirect, render_template, request, send_file, url_for

from portal.accounts import queries as accounts
from portal.accounts.permissions import ADMINISTER_PEOPLE
from portal.certificates import queries, service
from portal.certificates.errors import FileNotMade, FileNotReady
from portal.certificates.forms import CodeForm, RevocationForm
from portal.certificates.models import Certificate
from portal.certificates.permissions import CHANGE_STANDING, KEEP_OWN, REVOKE, SEE_CERTIFICATE
from portal.certificates.rules import TAKEN_AWAY, FactKind, State, grouped_code, spelled
from portal.certificates.rules.renewals import last_day_of_grace
from portal.certificates.service import reissues
from portal.certificates.views.life import life_of, renewal_words
from portal.core import clock, tables
from portal.core.access import actor, can, public, requires, signed_in
from portal.core.errors import DomainError
from portal.core.i18n import LANGUAGES, Words, format_instant, language
from portal.core.i18n import gettext as _
from portal.core.jobs import Job, JobState
from portal.core.once import Done, carry_out

blueprint = Blueprint("certificates", __name__, template_folder="../templates")

_CURRENT = (State.VALID, State.EXPIRING, State.IN_GRACE, State.SUSPENDED)


@blueprint.get("/certificates")
@signed_in
def index() -> str:
    """Show the signed-in person her own certificates, the current ones first."""
    found = queries.list_certificates_of(actor().id)
    making = queries.find_jobs([service.effect_key(each) for each in found if len(each.files) < len(LANGUAGES)])
    renewal = renewal_words(found)
    rows = [_row(each, making.get(service.effect_key(each))) | {"renewal": renewal.get(each.id, "")} for each in found]
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
    names = _names_of(certificate) if can(REVOKE, certificate) else {}
    return render_template(
        "certificates/show.html",
        certificate=certificate,
        row=_row(certificate, making.get(service.effect_key(certificate))),
        snapshot=certificate.snapshot,
        facts=[
            {
                "kind": fact.kind,
                "is_renewal": fact.is_renewal,
                "at": format_instant(fact.at, certificate.zone),
                # What the portal does by itself is said by its kind.
                "reason": fact.reason if fact.by != "system" else "",
                "people": [names.get(code, code) for code in (fact.by, fact.confirmed_by) if code and code != "system"],
            }
            for fact in certificate.facts
        ],
        told=_told_holder(certificate),
        asked=queries.find_open_request(certificate.id),
        form=form,
        error=error,
        may_revoke=can(REVOKE, certificate),
        others=others_if_own(certificate),
        own_id=actor().id,
        lacks_second=can(REVOKE, certificate)
        and not any(each.id != actor().id for each in service.others_who_decide(certificate)),
        life=life_of(certificate),
    )


def _told_holder(certificate: Certificate) -> dict[str, Any] | None:
    """Return why the holder's own certificate was suspended or revoked, since when, and whom she can ask; None: not."""
    state = service.state_of(certificate)
    if state not in TAKEN_AWAY or not can(KEEP_OWN, certificate):
        return None
    fact = [each for each in certificate.facts if each.kind.value == state.value][-1]
    return {
        "reason": fact.reason,
        "at": format_instant(fact.at, certificate.zone),
        "contacts": [(each.name_in(language()), each.sign_in_name) for each in service.others_who_decide(certificate)],
    }


def _names_of(certificate: Certificate) -> dict[str, str]:
    """Return the names of those who did something to a certificate, by their codes."""
    codes = {code for fact in certificate.facts for code in (fact.by, fact.confirmed_by) if code and code != "system"}
    return {each.code: each.name_in(language()) for each in accounts.list_people_of(codes)} if codes else {}


def others_if_own(certificate: Certificate) -> str | None:
    """Say in words who decides instead of an administrator whose own certificate it is; None: she may."""
    if not can(REVOKE, certificate):
        return None
    try:
        service.refuse_holder(certificate, actor())
    except DomainError as refused:
        return str(refused)
    return None


def answered(certificate: Certificate, refusal: str, status: int) -> tuple[str, int]:
    """Return the page of a certificate with what was refused on it."""
    return _show(certificate, RevocationForm(formdata=None), refusal), status


@blueprint.get("/certificates/<number>/<any(en, ja):language>.pdf")
@requires(SEE_CERTIFICATE, on=queries.get_certificate)
def download(certificate: Certificate, language: str) -> Response:
    """Send the stored PDF of a language, byte for byte."""
    try:
        file = queries.get_file(certificate, language)
    except FileNotReady:
        making = queries.find_jobs([service.effect_key(certificate)])
        if _row(certificate, making.get(service.effect_key(certificate)))["making"] == "running":
            raise
        refused = FileNotMade()
        return make_response(*answered(certificate, str(refused), refused.status))
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
    return do(
        certificate,
        lambda: service.request_revocation(certificate=certificate, reason=form.reason.data or "", by=actor()),
        _("The revocation has been requested. A second administrator must confirm it."),
        form,
    )


@blueprint.post("/certificates/<number>/revocation/confirm")
@requires(REVOKE, on=queries.get_certificate, see=SEE_CERTIFICATE)
def confirm_revocation(certificate: Certificate) -> Any:
    """Confirm what another administrator asked for: the certificate is revoked at once."""
    return do(
        certificate,
        lambda: service.confirm_revocation(certificate=certificate, by=actor()),
        _("The certificate is revoked. Its public page says so from now on."),
    )


@blueprint.post("/certificates/<number>/revocation/decline")
@requires(REVOKE, on=queries.get_certificate, see=SEE_CERTIFICATE)
def decline_revocation(certificate: Certificate) -> Any:
    """Close a request to revoke; the certificate stays as it is."""
    return do(
        certificate,
        lambda: service.decline_revocation(certificate=certificate, by=actor()),
        _("The request was closed. The certificate stays as it is."),
    )


def do(certificate: Certificate, work: Callable[[], object], done: str, form: RevocationForm | None = None) -> Any:
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
        return unlisted(render_template("certificates/verify_form.html", form=CodeForm(formdata=None)))
    form = CodeForm(request.args)
    if not form.validate():
        return unlisted(render_template("certificates/verify_form.html", form=form), 400)
    typed = (form.code.data or "")[:200].strip("/")
    return redirect(url_for("certificates.verify", code=typed or "-"), 303)


@blueprint.get("/verify/<path:code>")
@public
def verify(code: str) -> Response:
    """Say in public what the certificate of a code is worth; malformed and unknown codes look alike."""
    asker = service.admit_lookup(request.remote_addr)
    certificate, newest = queries.find_issue_by_code(code)
    if certificate is None:
        service.count_lookup(asker, answer=(None, "unknown"))
        return unlisted(render_template("certificates/verify_unknown.html"), 404)
    state = service.state_of(certificate)
    # Before the look-up is counted, which ends what has been read.
    shown = public_facts(certificate, state, newest)
    service.count_lookup(asker, answer=(certificate.id, state.value))
    return unlisted(render_template("certificates/verify.html", state=state, shown=shown))


def unlisted(page: str, status: int = 200) -> Response:
    """Return a page that nobody keeps and no search engine lists."""
    response = make_response(page, status)
    response.headers["X-Robots-Tag"] = "noindex, nofollow, noarchive"
    response.headers["Cache-Control"] = "no-store"
    return response


def public_facts(certificate: Certificate, state: State, newest: Certificate | None) -> dict[str, Any]:
    """Return what the public page shows: nothing that is not printed on the certificate, and its state.

    `newest` is the last issue for the same completion of one that was issued anew: only what became of it is told.
    """
    snapshot = certificate.snapshot
    kind = FactKind.SUPERSEDED.value if state is State.RENEWED else state.value
    ended = [fact.at for fact in certificate.facts if fact.kind.value == kind]
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
        "renewable_until": last_day_of_grace(certificate.expires_on, certificate.credential_version.grace_days)
        if certificate.expires_on
        else None,
        "ended_at": format_instant(ended[-1], certificate.zone) if ended else None,
        "files": [(file.language, file.sha256) for file in certificate.files],
        "newer": _fate_of(newest) if newest is not None and state is State.SUPERSEDED else "",
    }


# What of the newer issue concerns whoever holds the former one in her hands.
_FATES = (State.REVOKED, State.SUSPENDED, State.IN_GRACE, State.EXPIRED)


def _fate_of(newest: Certificate) -> str:
    """Return what became of the issue that stands in place of a replaced one; nothing while it is worth something."""
    state = service.state_of(newest)
    return state.value if state in _FATES else ""


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


def _unprintable(certificate: Certificate, job: Job | None) -> dict[str, Any] | None:
    """Return which characters of a certificate no font has, and what can be done about it by whom; None: none."""
    found = reissues.find_unprintable(certificate, job)
    if found is None:
        return None
    is_open = certificate.replaced_at is None
    may_issue = is_open and can(CHANGE_STANDING, certificate) and others_if_own(certificate) is None
    return {
        "characters": _(", ").join(spelled(each) for each in found.characters),
        "is_name": found.is_name,
        "instead": found.instead if is_open else "",
        "is_open": is_open,
        "may_issue": may_issue,
        "person_href": url_for("accounts.edit_person", code=certificate.person.code)
        if can(ADMINISTER_PEOPLE, certificate.person)
        else None,
        "own_href": url_for("accounts.own_account") if certificate.person_id == actor().id else None,
    }


def _making(certificate: Certificate, *, has_all: bool, has_failed: bool) -> str:
    """Say in a word how it stands with files that are missing; nothing where none is."""
    if has_all:
        return ""
    # Of what was replaced nothing is drawn any more, whatever kept it from being drawn.
    if service.is_issued_anew(certificate):
        return "given_up"
    return "failed" if has_failed else "running"


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
        "unprintable": _unprintable(certificate, job) if failed else None,
        "making": _making(certificate, has_all=len(ready) == len(LANGUAGES), has_failed=failed),
        "verify_url": certificate.snapshot["verify_url"],
        "short_url": urlsplit(certificate.snapshot["verify_url"]).netloc + "/verify",
        "code": grouped_code(certificate.code),
    }
