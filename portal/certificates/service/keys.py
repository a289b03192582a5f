"""The keys that sign certificates: made, taken in, changed for new ones. Private halves are files, never rows."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from flask import current_app

from portal.certificates.errors import KeyMissing, KeyRefused, NoKeyYet
from portal.certificates.models import KeyPurpose, SigningKey
from portal.certificates.queries import keys as queries
from portal.core import clock, pdf_signatures, signatures
from portal.core.db import canonical_json, session
from portal.core.i18n import force_locale
from portal.core.i18n import lazy_gettext as _l
from portal.core.signatures import Algorithm, PrivateKey, UnusableKey
from portal.journal.service import record
from portal.organisation import queries as organisation

MAX_KEY_BYTES = 100_000
_WHY = {
    "unreadable": _l("it is no private key in PEM"),
    "encrypted": _l("it has a passphrase; write it without one, in a file that only the service can read"),
    "kind": _l("it is neither an Ed25519 key nor an RSA key"),
    "short": _l("it has fewer than 2,048 bits"),
    "no_certificate": _l("its certificate does not stand behind it"),
    "other_certificate": _l("the first certificate behind it is another key's"),
    "expired": _l("its certificate does not hold today"),
    "odd": _l("what it signs could not be checked; its certificate is an unusual one"),
    "known": _l("it signs already, or was retired"),
}


@dataclass(frozen=True, slots=True)
class Signers:
    """The two keys that sign now, and the instant of which that is true: what they sign was signed then.

    A key that is retired meanwhile has signed nothing after its end.
    """

    issue: PrivateKey
    document: PrivateKey
    at: datetime


def make_missing_keys() -> list[SigningKey]:
    """Make a key for each purpose that has never had one; return those that were made.

    Where one was there and its file is lost, none is made behind anybody's back: that is for `rotate` or a backup.
    """
    present = {each.purpose for each in queries.list_keys()}
    return [_take(_new(purpose)) for purpose in KeyPurpose if purpose not in present]


def rotate_key(*, purpose: KeyPurpose) -> SigningKey:
    """Let a new key sign from now on; what the former one has signed holds."""
    return _take(_new(purpose))


def use_key(*, pem: bytes) -> SigningKey:
    """Let a key sign that was made elsewhere: Ed25519 for issues, RSA with its certificates for files.

    Raises `KeyRefused`.
    """
    try:
        key = signatures.read_private(pem)
    except UnusableKey as refused:
        raise KeyRefused(reason=_WHY[refused.why]) from refused
    if queries.find_key(key.public.kid) is not None:
        raise KeyRefused(reason=_WHY["known"])
    if key.public.certificates:
        said = signatures.facts_of(key.public.certificates[0])
        if not said.not_before <= clock.now() <= said.not_after:
            raise KeyRefused(reason=_WHY["expired"])
        if not pdf_signatures.is_usable(key):
            raise KeyRefused(reason=_WHY["odd"])
    return _take(pem)


def load_signers() -> Signers:
    """Return the keys that sign now, read from their files. Raises `NoKeyYet`, `KeyMissing`."""
    return Signers(load_key(KeyPurpose.ISSUE), load_key(KeyPurpose.DOCUMENT), clock.now())


def load_key(purpose: KeyPurpose) -> PrivateKey:
    """Return the key that signs for a purpose now. Raises `NoKeyYet`, `KeyMissing`."""
    active = queries.find_active_key(purpose)
    if active is None:
        raise NoKeyYet()
    try:
        key = signatures.read_private(file_of(active.kid).read_bytes())
    except (OSError, UnusableKey) as failure:
        raise KeyMissing(kid=active.kid) from failure
    if key.public.kid != active.kid:
        raise KeyMissing(kid=active.kid)
    return key


def file_of(kid: str) -> Path:
    """Return where the private half of a key is kept."""
    return Path(current_app.config["KEYS_DIR"]) / f"{kid}.pem"


def _new(purpose: KeyPurpose) -> bytes:
    if purpose is KeyPurpose.ISSUE:
        return signatures.new_issue_key()
    with force_locale("en"):
        return signatures.new_document_key(name=organisation.name().en, now=clock.now())


def _take(pem: bytes) -> SigningKey:
    """Keep a key's two halves and let it sign from now on."""
    public = signatures.read_private(pem).public
    purpose = KeyPurpose.ISSUE if public.algorithm is Algorithm.ED25519 else KeyPurpose.DOCUMENT
    # First the file: a file without a row does no harm, a row without a file signs nothing.
    _write(file_of(public.kid), pem)
    now = clock.now()
    former = queries.find_active_key(purpose)
    if former is not None:
        former.retired_at = now
        session.flush()
        record("certificates.key_retired", by=None, subject=("signing_key", former.kid))
    key = SigningKey(
        kid=public.kid,
        purpose=purpose,
        algorithm=public.algorithm.value,
        public=dict(public.jwk),
        certificate=signatures.pem_of_certificates(public.certificates) if public.certificates else None,
        created_at=now,
    )
    session.add(key)
    session.flush()
    record("certificates.key_taken", by=None, subject=("signing_key", key.kid), after={"purpose": purpose.value})
    return key


def _write(path: Path, content: bytes) -> None:
    """Write a file that only its owner can read, whole or not at all, and so that it survives a loss of power."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as target:
        target.write(content)
        target.flush()
        os.fsync(target.fileno())
    beside.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def published_keys() -> str:
    """Return the JSON Web Key Set of all keys that have ever signed."""
    return canonical_json({"keys": [each.published() for each in queries.list_public_keys()]})
