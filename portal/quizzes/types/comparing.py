"""Whether what was written is what a key says: how the two are folded, and what stars in a key stand for.

These rules decide about points that were given. Whoever changes them changes marks that are stored, which the doctor
computes anew; the search folds by rules of its own.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

# Katakana by hiragana, for what has both.
_AS_HIRAGANA = str.maketrans({each: each - 0x60 for each in (*range(0x30A1, 0x30F7), 0x30FD, 0x30FE)})
# What keyboards write by themselves in the place of ' " and -.
_SIGNS = str.maketrans(dict.fromkeys("‘’‚‛ʼʹ", "'") | dict.fromkeys("“”„‟", '"') | dict.fromkeys("‐‑‒–—―−", "-"))
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060-\u2064\ufe00-\ufe0f\ufeff]")
_BLANKS = re.compile(r"\s+")
# Kanji, kana and the signs used with them: between them blanks say nothing.
_JAPANESE = "\u3001-\u303f\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f"
_BLANK_BESIDE = re.compile(f" (?=[{_JAPANESE}])|(?<=[{_JAPANESE}]) ")
# Stands for a star while a key is folded; no answer holds it.
_ANYTHING = "\ue000"
_STARS = re.compile(r"\\([*\\])|(\*)")
# Folding an unusual sign may give one that folds further.
_MOST_ROUNDS = 4


def fold(text: str, *, is_exact: bool = False) -> str:
    """Return the text as it is compared.

    Width, blanks and the signs that keyboards put in by themselves never count; case and the kind of kana only where
    that is asked for. Folding what is folded changes nothing.
    """
    for _round in range(_MOST_ROUNDS):
        before, text = text, _folded(text, is_exact=is_exact)
        if text == before:
            break
    return text


def _folded(text: str, *, is_exact: bool) -> str:
    text = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text)).translate(_SIGNS)
    if not is_exact:
        text = unicodedata.normalize("NFKC", text.casefold()).translate(_AS_HIRAGANA)
    text = _BLANKS.sub(" ", text).strip()
    return unicodedata.normalize("NFC", _BLANK_BESIDE.sub("", text))


def literal(text: str) -> str:
    """Return a text as a key in which nothing stands for anything else."""
    return text.replace("\\", "\\\\").replace("*", "\\*")


def shown(key: str) -> str:
    """Return a key as it is shown to people: without the backslashes, "…" where anything may stand."""
    return _STARS.sub(lambda found: found[1] or "…", key)


@lru_cache(maxsize=4096)
def _pieces(key: str, is_exact: bool) -> tuple[str, ...]:
    """Return what stands between the stars of a key, folded."""
    marked = _STARS.sub(lambda found: found[1] or _ANYTHING, key.replace(_ANYTHING, ""))
    return tuple(fold(marked, is_exact=is_exact).split(_ANYTHING))


def matches(key: str, text: str, *, is_exact: bool = False) -> bool:
    """Say whether a text is what a key says."""
    first, *rest = _pieces(key, is_exact)
    told = fold(text.replace(_ANYTHING, ""), is_exact=is_exact)
    if not rest:
        return told == first
    *middle, last = rest
    if not told.startswith(first) or not told.endswith(last) or len(told) < len(first) + len(last):
        return False
    at, end = len(first), len(told) - len(last)
    # The earliest place of each piece leaves the most room for the next.
    for piece in middle:
        found = told.find(piece, at, end)
        if found == -1:
            return False
        at = found + len(piece)
    return True


def says_nothing(key: str) -> bool:
    """Say whether a key is empty, or would take whatever is written."""
    return not any(_pieces(key, False))


def example(key: str) -> str:
    """Return the shortest text that a key takes."""
    return _STARS.sub(lambda found: found[1] or "", key).strip()
