"""An issue as a verifiable credential (Open Badges 3.0 as VC-JWT), its issuer, and lists of what was taken away."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import NAMESPACE_URL, uuid5
from zoneinfo import ZoneInfo

from portal.certificates.rules.status import StatusPurpose, encoded_list
from portal.core.db import canonical_json
from portal.core.signatures import Algorithm, PrivateKey, PublicKey, compact

CONTEXTS = ("https://www.w3.org/ns/credentials/v2", "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json")
# How long a fetched list may be relied on: an older copy could hide a revocation.
LIST_HOLDS = timedelta(days=1)
# Milliseconds after which a reader fetches a list anew.
LIST_TTL = 300_000
TYPE = "vc+jwt"


def did_of(public_url: str) -> str:
    """Return the issuer's name (did:web), which leads to `/.well-known/did.json` of the portal."""
    return f"did:web:{quote(urlsplit(public_url).netloc, safe='')}"


def did_document(public_url: str, keys: Iterable[PublicKey]) -> dict[str, Any]:
    """Return who the issuer is: the key that signs now first, then those that did; all vouch for what they signed."""
    did = did_of(public_url)
    own = [each for each in keys if each.algorithm is Algorithm.ED25519]
    order = sorted(own, key=lambda each: each.retired_at is not None)
    methods = [
        {
            "id": f"{did}#{each.kid}",
            "type": "JsonWebKey2020",
            "controller": did,
            "publicKeyJwk": {**each.jwk, "kid": each.kid, "alg": each.algorithm.value},
        }
        for each in order
    ]
    return {
        "@context": ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/suites/jws-2020/v1"],
        "id": did,
        "verificationMethod": methods,
        "assertionMethod": [each["id"] for each in methods],
        "service": [{"id": f"{did}#verify", "type": "LinkedDomains", "serviceEndpoint": public_url}],
    }


def profile(public_url: str, name: str) -> dict[str, Any]:
    """Return the issuer as badges name it."""
    return {"id": did_of(public_url), "type": ["Profile"], "name": name, "url": public_url}


def badge(
    snapshot: Mapping[str, Any], language: str, *, public_url: str, list_no: int, position: int
) -> dict[str, Any]:
    """Return the credential of a snapshot in a language, as the payload of a VC-JWT; its status is that of a place."""
    credential = snapshot["credential"]
    valid_from = datetime.fromisoformat(snapshot["issued_at"])
    achievement = uuid5(NAMESPACE_URL, f"{public_url}/credentials/{credential['slug']}/{credential['version']}")
    payload: dict[str, Any] = {
        "@context": list(CONTEXTS),
        # Leads to the public page, which says what it is worth now.
        "id": snapshot["verify_url"],
        "type": ["VerifiableCredential", "OpenBadgeCredential"],
        "issuer": profile(public_url, snapshot["issuer"][language]),
        "validFrom": _instant(valid_from),
        "name": credential["title"][language],
        "credentialSubject": {
            "type": ["AchievementSubject"],
            # The name as printed; no mail address is given away.
            "identifier": [
                {
                    "type": "IdentityObject",
                    "hashed": False,
                    "identityHash": snapshot["holder"][language],
                    "identityType": "name",
                }
            ],
            "achievement": {
                "id": f"urn:uuid:{achievement}",
                "type": ["Achievement"],
                "achievementType": "Certificate",
                "name": credential["title"][language],
                "description": credential["statement"][language],
                "criteria": {"narrative": credential["statement"][language]},
                "inLanguage": language,
                "version": credential["version"],
            },
            "activityEndDate": _instant(datetime.fromisoformat(snapshot["plan"]["completed_at"])),
        },
        "credentialStatus": [
            {
                "id": f"{list_address(public_url, list_no, purpose)}#{position}",
                "type": "BitstringStatusListEntry",
                "statusPurpose": purpose.value,
                "statusListIndex": str(position),
                "statusListCredential": list_address(public_url, list_no, purpose),
            }
            for purpose in StatusPurpose
        ],
        "iss": did_of(public_url),
        "jti": snapshot["verify_url"],
        "nbf": int(valid_from.timestamp()),
    }
    if snapshot["expires_on"]:
        ends = _end_of(date.fromisoformat(snapshot["expires_on"]), snapshot["zone"])
        payload |= {"validUntil": _instant(ends), "exp": int(ends.timestamp())}
    return payload


def status_list(
    places: Sequence[int], *, public_url: str, list_no: int, purpose: StatusPurpose, now: datetime
) -> dict[str, Any]:
    """Return the credential that lists what was revoked or suspended (Bitstring Status List v1.0), as of an instant."""
    address = list_address(public_url, list_no, purpose)
    return {
        "@context": [CONTEXTS[0]],
        "id": address,
        "type": ["VerifiableCredential", "BitstringStatusListCredential"],
        "issuer": did_of(public_url),
        "validFrom": _instant(now),
        "validUntil": _instant(now + LIST_HOLDS),
        "credentialSubject": {
            "id": f"{address}#list",
            "type": "BitstringStatusList",
            "statusPurpose": purpose.value,
            "encodedList": encoded_list(places),
            "ttl": LIST_TTL,
        },
        "iss": did_of(public_url),
        "jti": address,
        "nbf": int(now.timestamp()),
        "exp": int((now + LIST_HOLDS).timestamp()),
    }


def list_address(public_url: str, list_no: int, purpose: StatusPurpose) -> str:
    """Return where a list is published."""
    return f"{public_url}/status/{list_no}/{purpose.value}"


def sign_credential(payload: Mapping[str, Any], key: PrivateKey) -> str:
    """Return a credential as a token, signed by its issuer."""
    method = f"{payload['iss']}#{key.public.kid}"
    return compact(canonical_json(payload).encode(), key, kid=method, typ=TYPE)


def _end_of(day: date, zone: str) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(0), ZoneInfo(zone))


def _instant(at: datetime) -> str:
    return at.astimezone(ZoneInfo("UTC")).strftime("%Y-%m-%dT%H:%M:%SZ")
