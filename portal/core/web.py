"""What every request and response passes: its number, the security headers, the limits, the error pages."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit, urlunsplit

from flask import (
    Flask,
    Response,
    current_app,
    g,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask import session as session_cookie
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.middleware.proxy_fix import ProxyFix

from portal.core.access import actor, declaration_of, is_own_path, know_viewer, wants_json
from portal.core.db import session
from portal.core.errors import DomainError, Invalid, NotAllowed, TooMany
from portal.core.i18n import LANGUAGE_COOKIE, LANGUAGES, SWITCH, SWITCHED
from portal.core.i18n import gettext as _
from portal.core.i18n import lazy_gettext as _l

CONTENT_SECURITY_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
# What a form around a file may take.
_FORM_BYTES = 1024 * 1024
# A table of 5 MB and the form around it.
MAX_BODY_BYTES = 5 * 1024 * 1024 + _FORM_BYTES
# Under this name a view that takes larger files keeps how much it takes.
_MOST = "most_body_bytes"
_EACH = "_takes_each"
# Under this name a view that reads fields of any length is told.
_LONG = "_takes_long_texts"
View = TypeVar("View", bound=Callable[..., Any])


def takes_files(most: int, *, each: int | None = None) -> Callable[[View], View]:
    """Let a view take files of so many bytes, and the form around them; a decorator between route and permission.

    `each` is what one of several files may have: what is said of a form that is too large names that.
    """

    def decorate(view: View) -> View:
        setattr(view, _MOST, most + _FORM_BYTES)
        setattr(view, _EACH, each or most)
        return view

    return decorate


def takes_long_texts(view: View) -> View:
    """Let a view take fields as large as a body may be: it says itself, beside each, which are too long."""
    setattr(view, _LONG, True)
    return view


def init_app(app: Flask) -> None:
    """Attach limits, headers and error pages to the application."""
    # Flask has values of its own for these, so that a default would not be taken.
    app.config.update(MAX_CONTENT_LENGTH=MAX_BODY_BYTES, MAX_FORM_MEMORY_SIZE=1024 * 1024, MAX_FORM_PARTS=2000)
    hops = app.config["TRUSTED_PROXIES"]
    if hops:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    # Before the check of the form's token, which reads the body.
    app.before_request_funcs.setdefault(None, [])[:0] = [_refuse_other_sites, _refuse_too_much]
    app.before_request(_switch_language)
    app.after_request(_secure)
    app.register_error_handler(DomainError, _domain_error)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(OperationalError, _database_busy)
    app.register_error_handler(Exception, _unexpected)


def _refuse_too_much() -> None:
    """Answer at once what says itself that it is too large, whether or not the page would read it."""
    limit = current_app.config["MAX_CONTENT_LENGTH"]
    view = current_app.view_functions.get(request.endpoint or "")
    if limit is not None and hasattr(view, _MOST):
        limit = request.max_content_length = max(limit, getattr(view, _MOST))
    if hasattr(view, _LONG):
        request.max_form_memory_size = limit
    if limit is not None and (request.content_length or 0) > limit:
        # Nobody has been asked for yet, and the page that says so is hers.
        know_viewer()
        raise BodyTooLarge(limit, each=getattr(view, _EACH, None))


class BodyTooLarge(RequestEntityTooLarge):
    """What was sent says itself that it is larger than the page takes, its form included: so many bytes."""

    def __init__(self, limit: int, *, each: int | None = None) -> None:
        super().__init__()
        # For files, as the pages say it; the form around them comes on top.
        self.most_mb = (limit - _FORM_BYTES if each is None else min(each, limit - _FORM_BYTES)) // (1024 * 1024)


class FromAnotherSite(NotAllowed):
    """A page of another site changes nothing here, whatever it knows."""

    message = _l(
        "This was sent by a page of another site, so it was not carried out. Open the page here and repeat it."
    )


def _refuse_other_sites() -> None:
    """Refuse what would change something and comes from a page elsewhere: the browser says so itself.

    A second layer beside the token of forms. A browser that tells neither header is left to the token.
    """
    if request.method in ("GET", "HEAD", "OPTIONS"):
        return
    site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin")
    if site is not None:
        is_ours = site in ("same-origin", "none")
    else:
        is_ours = origin is None or urlsplit(origin).netloc in (request.host, urlsplit(_public_origin()).netloc)
    if not is_ours:
        raise FromAnotherSite()


def _public_origin() -> str:
    return str(current_app.config.get("PUBLIC_URL") or "")


class LanguageUnknown(Invalid):
    """A page is asked for in a language that there is."""

    message = _l("There is no “%(given)s” here. Pages are in English (en) and in Japanese (ja).")


def _switch_language() -> Response | None:
    """Lead on to the page itself once the language is switched: an address that is passed on switches nobody's."""
    asked = request.args.get("lang", "")
    if request.method == "GET" and asked and asked not in LANGUAGES:
        raise LanguageUnknown(given="".join(each for each in asked[:20] if each.isprintable()))
    if request.method != "GET" or request.args.get(SWITCH, "") not in LANGUAGES:
        return None
    rest = urlencode([(name, value) for name, value in request.args.items(multi=True) if name not in (SWITCH, "lang")])
    return make_response(redirect(request.script_root + request.path + (f"?{rest}" if rest else ""), 303))


def public_url(endpoint: str, **values: Any) -> str:
    """Return the absolute address of an endpoint, for mails, QR codes and the command line."""
    base = urlsplit(current_app.config["PUBLIC_URL"])
    adapter = current_app.url_map.bind(base.netloc, script_name=base.path or "/", url_scheme=base.scheme)
    return adapter.build(endpoint, values, force_external=True)


def local_address() -> str | None:
    """Return the portal's address where only this very machine reaches it: what carries it leads nobody else here."""
    address = str(current_app.config["PUBLIC_URL"])
    host = urlsplit(address).hostname or ""
    try:
        is_local = ip_address(host).is_loopback or ip_address(host).is_unspecified
    except ValueError:
        is_local = host == "localhost" or host.endswith(".localhost")
    return address if is_local else None


def request_id() -> str:
    """Return the number of this request, made at its first use: what fails before any view has one too."""
    if "request_id" not in g:
        g.request_id = secrets.token_hex(8)
    return str(g.request_id)


def _is_https() -> bool:
    """Say whether the reader is at https: here, or at the proxy in front, whatever that proxy tells."""
    config = current_app.config
    return request.is_secure or (config["ENV"] == "production" and config["PUBLIC_URL"].startswith("https://"))


def _stay_here(response: Response) -> None:
    """Make the target of a redirect to this very host a path: the host is what the browser says it is."""
    target = urlsplit(response.headers.get("Location", ""))
    if target.netloc and target.netloc == request.host:
        path = "/" + target.path.lstrip("/")
        response.headers["Location"] = urlunsplit(("", "", path, target.query, target.fragment))


def _secure(response: Response) -> Response:
    headers = response.headers
    _stay_here(response)
    headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "same-origin"
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    headers["X-Frame-Options"] = "DENY"
    headers["Permissions-Policy"] = "camera=(), microphone=(), geolocation=()"
    headers["X-Request-Id"] = request_id()
    if _is_https():
        headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    if request.endpoint != "ui.static":
        headers.setdefault("Cache-Control", "no-store")
        response.vary.add("Cookie")
        asked = request.args.get(SWITCH, "")
        if asked in LANGUAGES and response.status_code < 400:
            if actor() is not None and session_cookie.get(SWITCHED) != asked:
                session_cookie[SWITCHED] = asked
            response.set_cookie(
                LANGUAGE_COOKIE,
                asked,
                max_age=365 * 86400,
                samesite="Lax",
                httponly=True,
                secure=_is_https(),
            )
    return response


def guarded_picture(data: bytes, media_type: str, *, etag: str) -> Response:
    """Return a picture for the reader's own browser, which asks each time anew whether it may still show it."""
    answer = current_app.response_class(data, mimetype=media_type)
    # Saved, each is called the same, whatever it shows.
    answer.headers["Content-Disposition"] = f'inline; filename="picture.{media_type.rpartition("/")[2]}"'
    answer.set_etag(etag)
    answer.headers["Cache-Control"] = "private, no-cache"
    answer.make_conditional(request)
    return answer


def _needs_sign_in() -> bool:
    """Say whether what was asked is for people who are signed in, and nobody is."""
    declared = declaration_of(current_app, request.endpoint or "")
    return actor() is None and declared is not None and declared.kind != "public"


def _page_before() -> str | None:
    """Return the page from which something was sent, where it is one of ours."""
    before = urlsplit(request.referrer or "")
    here = before.path + (f"?{before.query}" if before.query else "")
    return here if before.netloc == request.host and is_own_path(here) else None


def _sign_in_href() -> str:
    """Return where to sign in and come back to the page from which something was sent."""
    return url_for(current_app.config["SIGN_IN_ENDPOINT"], next=_page_before())


def error_page(
    status: int,
    title: str,
    message: str,
    retry_after: int | None = None,
    *,
    signs_in: bool = False,
    goes_back: bool = False,
) -> Response:
    """Return the page (or JSON, where a module asked) that tells what went wrong and what to do.

    `goes_back`: whoever is signed in stays among her places, and is led back to the page from which it was sent.
    """
    body: Any
    if wants_json():
        body = jsonify({"error": title, "message": message, "request": request_id()})
    else:
        body = render_template(
            "ui/error.html",
            status=status,
            title=title,
            message=message,
            request_id=request_id(),
            sign_in_href=_sign_in_href() if signs_in else None,
            stays_inside=goes_back and actor() is not None,
            back_href=_page_before() if goes_back else None,
        )
    response = make_response(body, status)
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    return response


def _titles() -> dict[int, str]:
    return {
        400: _("This could not be read"),
        401: _("Please sign in"),
        403: _("Not permitted"),
        404: _("Not found"),
        405: _("This cannot be done here"),
        409: _("Not possible right now"),
        413: _("Too large"),
        415: _("This file type is not accepted"),
        429: _("Too many attempts"),
        503: _("Temporarily busy"),
    }


def _domain_error(failure: DomainError) -> Response:
    session.rollback()
    retry_after = failure.retry_after if isinstance(failure, TooMany) else None
    title = _titles().get(failure.status, _titles()[409])
    return error_page(failure.status, title, str(failure), retry_after)


def _http_error(failure: HTTPException) -> Response:
    session.rollback()
    status = failure.code or 500
    if failure.response is not None and status < 400:
        return make_response(failure.get_response())
    if 300 <= status < 400:
        return make_response(failure.get_response())
    if isinstance(failure, CSRFError) and _needs_sign_in():
        status, title = 401, _titles()[401]
        message = _("You have been signed out, so this was not carried out. Sign in again and repeat the step.")
    elif isinstance(failure, CSRFError):
        title = _("Please do that once more")
        message = _("The page was open for too long or in another session. Go back, load it again and repeat the step.")
    else:
        title = _titles().get(status, _titles()[400])
        message = {
            400: _("The request was not complete. Go back, load the page again and repeat the step."),
            404: _("There is nothing at this address. Check the link, or go back to the start page."),
            405: _("This address does not accept that kind of request. Go back and use the button on the page."),
            413: _("What was sent is larger than the limit. Make it smaller or split it."),
            415: _("Send one of the file types listed on the page."),
        }.get(status, _("Go back and try again. If it happens again, tell an administrator the number below."))
    if isinstance(failure, BodyTooLarge) and not wants_json():
        message = _(
            "What was sent is larger than the limit; here it is %(most)s MB. Make it smaller or split it.",
            most=failure.most_mb,
        )
    response = error_page(status, title, message, signs_in=status == 401, goes_back=status == 413)
    if status == 405:
        response.headers["Allow"] = failure.get_response().headers.get("Allow", "")
    return response


def _database_busy(failure: OperationalError) -> Response:
    session.rollback()
    _log_failure(failure)
    return error_page(
        503,
        _titles()[503],
        _("Nothing was saved. Wait a few seconds and try again; what you typed is still on the previous page."),
        retry_after=5,
    )


def _unexpected(failure: Exception) -> Response:
    session.rollback()
    _log_failure(failure)
    return error_page(
        500,
        _("Something went wrong on our side"),
        _("Nothing was changed. Tell an administrator the number below; it helps to find the cause."),
    )


def _log_failure(failure: Exception) -> None:
    if current_app.config.get("RAISE_UNEXPECTED"):
        raise failure
    person = actor()
    current_app.logger.exception(
        "request %s %s failed for %s",
        request_id(),
        request.path,
        getattr(person, "code", "nobody"),
        exc_info=failure,
    )
