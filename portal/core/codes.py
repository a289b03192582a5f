"""Public codes: what stands in addresses instead of row numbers."""

from __future__ import annotations

import random
import secrets
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

# Crockford's base 32: no I, L, O or U, so that a code survives being read aloud.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_READ_AS = str.maketrans(
    {"I": "1", "L": "1", "O": "0", **dict.fromkeys("-\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u30fc \t\u3000")}
)
_repeated: ContextVar[random.Random | None] = ContextVar("codes_repeated", default=None)


def new_code(length: int = 12) -> str:
    """Return a random public code of base-32 characters (5 bits each); an address, not a secret."""
    choose = (_repeated.get() or secrets).choice
    return "".join(choose(ALPHABET) for _ in range(length))


def new_seed() -> str:
    """Return 32 random hexadecimal digits from which the paper of a quiz is drawn."""
    repeated = _repeated.get()
    return repeated.randbytes(16).hex() if repeated else secrets.token_hex(16)


def new_secret_code() -> str:
    """Return 26 base-32 characters holding 130 random bits, for codes that nobody may guess."""
    return "".join(secrets.choice(ALPHABET) for _ in range(26))


@contextmanager
def repeatable(seed: str) -> Iterator[None]:
    """Let public codes and seeds follow from this one: for the demo, which is the same each time it is made.

    Secrets stay random.
    """
    token = _repeated.set(random.Random(seed))  # noqa: S311
    try:
        yield
    finally:
        _repeated.reset(token)


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
