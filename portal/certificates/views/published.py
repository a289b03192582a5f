"""What is handed to machines: public keys, who the issuer is, badges, and lists of what was taken away."""

from __future__ import annotations

from flask import Response, request

from portal.certificates import queries
from portal.certificates.models import Certificate
from portal.certificates.permissions import SEE_CERTIFICATE
from portal.certificates.service import badges, keys
from portal.certificates.views import blueprint
from portal.core import tables
from portal.core.access import public, requires
from portal.core.i18n import language

# Seconds for which whoever checks may go on with what was fetched; a new key is published before it is met anywhere.
MAX_AGE = 3600
# A revocation is seen everywhere within a minute.
LIST_MAX_AGE = 60


@blueprint.get("/.well-known/jwks.json")
@public
def jwks() -> Response:
    """Give the public halves of all keys that have ever signed; the retired ones say since when (RFC 7517)."""
    return _published(keys.published_keys(), "application/jwk-set+json")


@blueprint.get("/.well-known/did.json")
@public
def did() -> Response:
    """Say by which keys the issuer of badges is known (did:web)."""
    return _published(badges.did_document(), "application/did+json")


@blueprint.get("/.well-known/issuer.json")
@public
def issuer() -> Response:
    """Say who issues, as badges name it (Open Badges 3.0, Profile)."""
    response = _published(badges.profile(language()), "application/ld+json")
    response.headers["Vary"] = "Accept-Language, Cookie"
    return response


@blueprint.get("/status/<int:list_no>/<purpose>")
@public
def status_list(list_no: int, purpose: str) -> Response:
    """Give the signed list of which badges were revoked or suspended (Bitstring Status List v1.0)."""
    return _published(badges.status_list(list_no, purpose), "application/vc+jwt", max_age=LIST_MAX_AGE)


@blueprint.get("/certificates/<number>/badge.jwt")
@requires(SEE_CERTIFICATE, on=queries.get_certificate)
def badge(certificate: Certificate) -> Response:
    """Send the certificate as a signed badge, in the reader's language (Open Badges 3.0)."""
    response = Response(badges.badge_of(certificate, language()), content_type="application/vc+jwt")
    response.headers["Content-Disposition"] = f'attachment; filename="badge-{certificate.number}.jwt"'
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["Content-Security-Policy"] = tables.DOWNLOAD_POLICY
    return response


def _published(text: str, media_type: str, *, max_age: int = MAX_AGE) -> Response:
    """Answer with a document that anybody may fetch from a page of her own, and keep for a while."""
    response = Response(text, content_type=media_type)
    response.headers["Cache-Control"] = f"public, max-age={max_age}"
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["X-Robots-Tag"] = "noindex"
    response.add_etag()
    # Whoever has it already is told so, in no more than the head of an answer.
    response.make_conditional(request)
    return response
