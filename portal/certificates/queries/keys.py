"""Every look at the keys that sign certificates."""

from __future__ import annotations

from sqlalchemy import select

from portal.certificates.models import KeyPurpose, SigningKey
from portal.core.db import session
from portal.core.signatures import PublicKey, public_of


def find_active_key(purpose: KeyPurpose) -> SigningKey | None:
    """Return the key that signs for a purpose now, or None."""
    return session.scalar(select(SigningKey).where(SigningKey.purpose == purpose, SigningKey.retired_at.is_(None)))


def find_key(kid: str) -> SigningKey | None:
    """Return the key of a name, signing still or retired, or None."""
    return session.scalar(select(SigningKey).where(SigningKey.kid == kid))


def list_keys() -> list[SigningKey]:
    """Return every key that has ever signed, the oldest first."""
    return list(session.scalars(select(SigningKey).order_by(SigningKey.id)))


def list_public_keys() -> list[PublicKey]:
    """Return the public halves of all keys, the oldest first."""
    return [public_half(each) for each in list_keys()]


def public_half(key: SigningKey) -> PublicKey:
    """Return the public half of a key as plain data."""
    return public_of(key.public, key.certificate, key.retired_at)
