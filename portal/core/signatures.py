"""The one door to `cryptography`: keys, their public names, and signed JSON.

An issue key is Ed25519; its `kid` is the thumbprint of its public half (RFC 7638). A document key is RSA with an X.509
certificate; its `kid` is the SHA-256 of that certificate, so that the same key under a new certificate is another one.
RSA, because a valid ECDSA signature can be turned into a second valid one by anybody: of a file that was signed once
there would be two that pass.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from hashlib import sha256
from typing import Any

from portal.core.db import canonical_json

__all__ = [
    "Algorithm",
    "NotSigned",
    "PrivateKey",
    "PublicKey",
    "UnusableKey",
    "compact",
    "flattened",
    "new_document_key",
    "new_issue_key",
    "open_compact",
    "open_flattened",
    "read_jwks",
    "read_private",
]

RSA_BITS = 3072
MIN_RSA_BITS = 2048
# How long a certificate that we make for ourselves holds.
CERTIFICATE_DAYS = 3653
MAX_SIGNED_BYTES = 4 * 1024 * 1024


class Algorithm(StrEnum):
    """How a key signs; the names are those of JOSE (RFC 7518, RFC 8037)."""

    ED25519 = "EdDSA"
    RSA = "RS256"


class UnusableKey(ValueError):
    """A key or certificate cannot be used; `why` is one of the reasons below."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class NotSigned(ValueError):
    """What was given is not what one of the keys has signed; `why`: form, key or signature."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, slots=True)
class PublicKey:
    """The public half of a key: its name, JSON Web Key, and certificates as DER (its own first, then who issued it)."""

    kid: str
    algorithm: Algorithm
    jwk: Mapping[str, str]
    certificates: tuple[bytes, ...] = ()
    retired_at: datetime | None = None

    def published(self) -> dict[str, Any]:
        """Return it as a member of a JSON Web Key Set (RFC 7517); a retired one says since when."""
        entry: dict[str, Any] = {**self.jwk, "kid": self.kid, "use": "sig", "alg": self.algorithm.value}
        if self.certificates:
            entry["x5c"] = [base64.b64encode(each).decode() for each in self.certificates]
        if self.retired_at is not None:
            entry["retired_at"] = self.retired_at.isoformat()
        return entry

    @property
    def signature_bytes(self) -> int:
        """How many bytes a signature by the key has."""
        return 64 if self.algorithm is Algorithm.ED25519 else len(_bytes_of(self.jwk["n"]))

    def verifies(self, signature: bytes, signed: bytes) -> bool:
        """Say whether the key made the signature over these bytes."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import padding

        key = _public(self.jwk)
        try:
            if self.algorithm is Algorithm.ED25519:
                key.verify(signature, signed)
            else:
                key.verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """A key that signs, with its public half; `der` is PKCS #8."""

    public: PublicKey
    der: bytes

    def sign(self, content: bytes) -> bytes:
        """Return the signature over the bytes."""
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import padding
        from cryptography.hazmat.primitives.serialization import load_der_private_key

        # `read_private` tries an RSA key, which takes a hundred times as long as signing with it.
        key: Any = load_der_private_key(self.der, None, unsafe_skip_rsa_key_validation=True)
        if self.public.algorithm is Algorithm.ED25519:
            return bytes(key.sign(content))
        return bytes(key.sign(content, padding.PKCS1v15(), hashes.SHA256()))


# --- keys ---------------------------------------------------------------------------------------------------------


def new_issue_key() -> bytes:
    """Return a new Ed25519 key as PEM."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return _pem_of(Ed25519PrivateKey.generate())


def new_document_key(*, name: str, now: datetime) -> bytes:
    """Return a new RSA key and a certificate for it, issued by itself to an organisation of this name, as PEM."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.x509.oid import NameOID

    key = _new_rsa()
    # An X.520 common name has at most 64 characters.
    subject = x509.Name(
        [x509.NameAttribute(oid, name[:64]) for oid in (NameOID.ORGANIZATION_NAME, NameOID.COMMON_NAME)]
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        # Clocks of readers differ.
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=CERTIFICATE_DAYS))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(
                digital_signature=True,
                content_commitment=True,
                key_encipherment=False,
                data_encipherment=False,
                key_agreement=False,
                key_cert_sign=False,
                crl_sign=False,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return _pem_of(key) + certificate.public_bytes(Encoding.PEM)


def _new_rsa() -> Any:
    from cryptography.hazmat.primitives.asymmetric import rsa

    return rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)


def _pem_of(key: Any) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


@lru_cache(maxsize=4)
def read_private(pem: bytes) -> PrivateKey:
    """Read and try a private key in PEM, with its certificates behind it where it is for documents.

    Raises `UnusableKey`: `unreadable`, `encrypted`, `kind` (neither Ed25519 nor RSA), `short` (RSA below 2,048 bits),
    `no_certificate`, `other_certificate` (the first one is not the key's). Whoever signs many files reads one for
    each; those read last are kept in memory, where they are while they sign.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
        load_pem_private_key,
    )
    from cryptography.x509 import load_pem_x509_certificates

    try:
        key = load_pem_private_key(pem, None)
    except TypeError as encrypted:
        raise UnusableKey("encrypted") from encrypted
    except (ValueError, UnsupportedAlgorithm) as unreadable:
        raise UnusableKey("unreadable") from unreadable
    der = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    if isinstance(key, ed25519.Ed25519PrivateKey):
        jwk = _jwk_of(key.public_key())
        return PrivateKey(PublicKey(thumbprint(jwk), Algorithm.ED25519, jwk), der)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise UnusableKey("kind")
    if key.key_size < MIN_RSA_BITS:
        raise UnusableKey("short")
    try:
        certificates = load_pem_x509_certificates(pem) if b"BEGIN CERTIFICATE" in pem else []
    except ValueError as unreadable:
        raise UnusableKey("unreadable") from unreadable
    if not certificates:
        raise UnusableKey("no_certificate")
    jwk = _jwk_of(key.public_key())
    public = _of_certificates([each.public_bytes(Encoding.DER) for each in certificates])
    if public.jwk != jwk:
        raise UnusableKey("other_certificate")
    return PrivateKey(public, der)


def thumbprint(jwk: Mapping[str, str]) -> str:
    """Return the SHA-256 thumbprint of a JSON Web Key (RFC 7638)."""
    return _base64url(sha256(canonical_json(dict(jwk)).encode()).digest())


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """What a certificate says: to whom, from when until when."""

    subject: str
    not_before: datetime
    not_after: datetime
    is_own: bool


def facts_of(certificate: bytes) -> CertificateFacts:
    """Return what a certificate (DER) says of itself; `is_own`: it was issued by whom it is about."""
    from cryptography import x509

    read = x509.load_der_x509_certificate(certificate)
    return CertificateFacts(
        read.subject.rfc4514_string(), read.not_valid_before_utc, read.not_valid_after_utc, read.issuer == read.subject
    )


@lru_cache(maxsize=16)
def issuer_and_serial(certificate: bytes) -> tuple[bytes, int]:
    """Return who issued a certificate (DER of the name) and under which number: how a signature names it."""
    from cryptography import x509

    read = x509.load_der_x509_certificate(certificate)
    return read.issuer.public_bytes(), read.serial_number


def pem_of_certificates(certificates: Iterable[bytes]) -> str:
    """Write certificates (DER) as PEM."""
    lines = []
    for each in certificates:
        body = base64.b64encode(each).decode()
        lines += ["-----BEGIN CERTIFICATE-----", *(body[at : at + 64] for at in range(0, len(body), 64))]
        lines.append("-----END CERTIFICATE-----")
    return "\n".join(lines) + "\n"


def public_of(jwk: Mapping[str, str], certificates_pem: str | None, retired_at: datetime | None) -> PublicKey:
    """Return the public key of what is kept of it: JSON Web Key, certificates in PEM, and when it was retired."""
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.x509 import load_pem_x509_certificates

    if certificates_pem is None:
        return PublicKey(thumbprint(jwk), Algorithm.ED25519, dict(jwk), (), retired_at)
    ders = [each.public_bytes(Encoding.DER) for each in load_pem_x509_certificates(certificates_pem.encode())]
    return _of_certificates(ders, retired_at)


def read_jwks(text: str) -> list[PublicKey]:
    """Read a published set of keys. Raises `UnusableKey("unreadable")` for one that is none, or has a false `kid`."""
    try:
        members = json.loads(text)["keys"]
        return [_member(each) for each in members]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as unreadable:
        raise UnusableKey("unreadable") from unreadable


def _member(entry: Mapping[str, Any]) -> PublicKey:
    retired_at = datetime.fromisoformat(entry["retired_at"]) if "retired_at" in entry else None
    if entry.get("x5c"):
        key = _of_certificates([base64.b64decode(each, validate=True) for each in entry["x5c"]], retired_at)
    else:
        jwk = {name: str(entry[name]) for name in ("crv", "kty", "x")}
        _public(jwk)
        key = PublicKey(thumbprint(jwk), Algorithm.ED25519, jwk, (), retired_at)
    if key.kid != entry["kid"]:
        raise ValueError("the name of a key is not that of the key")
    return key


def _of_certificates(ders: list[bytes], retired_at: datetime | None = None) -> PublicKey:
    from cryptography import x509

    key = x509.load_der_x509_certificate(ders[0]).public_key()
    kid = _base64url(sha256(ders[0]).digest())
    return PublicKey(kid, Algorithm.RSA, _jwk_of(key), tuple(map(bytes, ders)), retired_at)


def _jwk_of(key: Any) -> dict[str, str]:
    from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

    if isinstance(key, ed25519.Ed25519PublicKey):
        return {"crv": "Ed25519", "kty": "OKP", "x": _base64url(key.public_bytes_raw())}
    if not isinstance(key, rsa.RSAPublicKey):
        raise UnusableKey("kind")
    numbers = key.public_numbers()
    return {"e": _of_number(numbers.e), "kty": "RSA", "n": _of_number(numbers.n)}


def _public(jwk: Mapping[str, str]) -> Any:
    from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

    if jwk["kty"] == "OKP":
        if jwk["crv"] != "Ed25519":
            raise UnusableKey("kind")
        return ed25519.Ed25519PublicKey.from_public_bytes(_bytes_of(jwk["x"]))
    return rsa.RSAPublicNumbers(*(int.from_bytes(_bytes_of(jwk[part])) for part in ("e", "n"))).public_key()


# --- signed JSON (RFC 7515) ---------------------------------------------------------------------------------------


def compact(payload: bytes, key: PrivateKey, **header: str) -> str:
    """Sign bytes; return the three parts with points between them, as tokens are handed around."""
    protected, body, signature = _parts(payload, key, header)
    return f"{protected}.{body}.{signature}"


def flattened(payload: bytes, key: PrivateKey, **header: str) -> bytes:
    """Sign bytes; return the JSON of the one signature (RFC 7515, 7.2.2), which lies in a file by itself."""
    protected, body, signature = _parts(payload, key, header)
    return canonical_json({"payload": body, "protected": protected, "signature": signature}).encode()


def open_flattened(signed: bytes, keys: Iterable[PublicKey], *, typ: str) -> tuple[bytes, PublicKey]:
    """Return what was signed, and by which of the keys. Raises `NotSigned`.

    Exactly the bytes that `flattened` writes are taken: the same statement in another spelling is not.
    """
    if len(signed) > MAX_SIGNED_BYTES:
        raise NotSigned("form")
    try:
        parts = json.loads(signed)
        if set(parts) != {"payload", "protected", "signature"} or canonical_json(parts).encode() != signed:
            raise NotSigned("form")
        return _opened(parts["protected"], parts["payload"], parts["signature"], keys, typ)
    except (ValueError, TypeError, AttributeError, RecursionError) as unreadable:
        raise _why(unreadable) from unreadable


def open_compact(token: str, keys: Iterable[PublicKey], *, typ: str) -> tuple[bytes, PublicKey]:
    """Return what a token says, and which of the keys signed it. Raises `NotSigned`."""
    try:
        protected, body, signature = token.split(".")
        return _opened(protected, body, signature, keys, typ)
    except (ValueError, TypeError, AttributeError, RecursionError) as unreadable:
        raise _why(unreadable) from unreadable


def _why(failure: Exception) -> NotSigned:
    return failure if isinstance(failure, NotSigned) else NotSigned("form")


def _parts(payload: bytes, key: PrivateKey, header: Mapping[str, str]) -> tuple[str, str, str]:
    full = {"alg": key.public.algorithm.value, "kid": key.public.kid, **header}
    # Whoever calls may name the key in another way, such as by an address that leads to it.
    protected, body = _base64url(canonical_json(full).encode()), _base64url(payload)
    return protected, body, _base64url(key.sign(f"{protected}.{body}".encode()))


def _opened(protected: str, body: str, signature: str, keys: Iterable[PublicKey], typ: str) -> tuple[bytes, PublicKey]:
    header = json.loads(_bytes_of(protected))
    key = next((each for each in keys if each.kid == header.get("kid")), None)
    # The key says how it signs; the header only repeats it.
    if key is None:
        raise NotSigned("key")
    if header.get("alg") != key.algorithm.value or header.get("typ") != typ:
        raise NotSigned("form")
    if not key.verifies(_bytes_of(signature), f"{protected}.{body}".encode()):
        raise NotSigned("signature")
    return _bytes_of(body), key


def _base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _bytes_of(text: str) -> bytes:
    """Read base64url without padding; a second spelling of the same bytes is refused."""
    try:
        content = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as unreadable:
        raise NotSigned("form") from unreadable
    if _base64url(content) != text:
        raise NotSigned("form")
    return content


def _of_number(number: int) -> str:
    return _base64url(number.to_bytes((number.bit_length() + 7) // 8))
