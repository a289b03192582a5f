"""Public codes: what stands in addresses instead of row numbers."""

from __future__ import annotations

import secrets
import unicodedata

# Crockford's base 32: no I, L, O or U, so that a code survives being read aloud.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_READ_AS = str.maketrans(
    {"I": "1", "L": "1", "O": "0", **dict.fromkeys("-\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u30fc \t\u3000")}
)


def new_code(length: int = 12) -> str:
    """Return a random public code of base-32 characters (5 bits each); an address, not a secret."""
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def new_secret_code() -> str:
    """Return 26 base-32 characters holding 130 random bits, for codes that nobody may guess."""
    return new_code(26)


def normalise(code: str) -> str:
    """Read a code as a person may have typed it: case, width, hyphens, blanks and look-alikes folded.

    The result may still be no code at all; compare it with what is stored.
    """
    return unicodedata.normalize("NFKC", code).upper().translate(_READ_AS)


def is_well_formed(code: str, length: int) -> bool:
    """Say whether a normalised code has the length and only characters of the alphabet."""
    return len(code) == length and all(character in ALPHABET for character in code)


def grouped(code: str, size: int = 5) -> str:
    """Write a code in groups for the human eye: ABCDE-FGHJK-…"""
    return "-".join(code[start : start + size] for start in range(0, len(code), size))


def new_token() -> str:
    """Return a URL-safe secret of 256 random bits, for sessions and links."""
    return secrets.token_urlsafe(32)
