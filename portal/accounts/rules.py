"""Pure decisions about people: what is a password, how names are ordered and found, how long a failed try waits."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import timedelta
from enum import StrEnum
from functools import cache
from pathlib import Path

from portal.core.texts import trimmed

# A session ends when nobody used it for an hour, and after half a day in any case (ASVS 7.3).
IDLE_LIMIT = timedelta(minutes=60)
ABSOLUTE_LIMIT = timedelta(hours=12)

MIN_PASSWORD = 12
MAX_PASSWORD = 128

# Failed sign-ins of one account from one address: a few slips are free, then 1, 2, 4 … seconds.
FREE_FAILURES = 4
# Beyond this many failures from everywhere the account is being guessed at, and no slip is free.
UNDER_ATTACK = 20
ATTACK_DELAY = 30
MAX_DELAY = 900
# One address may be a whole office: it is slowed late, and never for long.
FREE_FAILURES_OF_ADDRESS = 20
MAX_DELAY_OF_ADDRESS = 30
# Failures older than this no longer count.
FORGOTTEN_AFTER_SECONDS = 3600


class PasswordFault(StrEnum):
    """Why a password is not taken."""

    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    COMMON = "common"
    OWN_WORDS = "own_words"


# --- Passwords ---------------------------------------------------------------------------------


def as_hashed(password: str) -> str:
    """Return the password as it is hashed: any characters, in NFC, so that keyboards agree (RFC 8265, 4.2)."""
    return unicodedata.normalize("NFC", password)


def find_password_fault(
    password: str, own_words: Iterable[str] = (), *, min_length: int = MIN_PASSWORD
) -> PasswordFault | None:
    """Return why the password is not taken, or None.

    `own_words` are the person's names, mail address and the organisation's words. Lengths are in
    characters. There are no rules about kinds of characters and no expiry (ASVS 6.2).
    """
    if len(password) < min_length:
        return PasswordFault.TOO_SHORT
    if len(password) > MAX_PASSWORD:
        return PasswordFault.TOO_LONG
    folded = _folded(password)
    if _is_common(folded):
        return PasswordFault.COMMON
    rest = folded
    for word in sorted(_words_of(own_words), key=len, reverse=True):
        rest = rest.replace(word, "")
    # An own word in a long sentence is no harm; a password that is little else is.
    if rest != folded and len(rest) < 8:
        return PasswordFault.OWN_WORDS
    return None


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _words_of(texts: Iterable[str]) -> set[str]:
    words = set()
    for text in texts:
        for word in re.split(r"[\s@._+\-]+", _folded(text)):
            if len(word) >= (2 if any(ord(each) > 0x2E80 for each in word) else 4):
                words.add(word)
    return words


@cache
def _common() -> frozenset[str]:
    text = Path(__file__).with_name("common_passwords.txt").read_text("utf-8")
    return frozenset(line for line in text.splitlines() if line and not line.startswith("#"))


_ROWS = ("abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm", "1qaz2wsx3edc4rfv5tgb")


def _is_common(folded: str) -> bool:
    if len(set(folded)) <= 4:
        return True
    letters = folded.strip("0123456789!?.,_-#*@$ ")
    plain = letters.translate(str.maketrans("013457@$!", "oieastasi"))
    candidates = {folded, letters, plain, _unit_of(folded), _unit_of(letters)}
    if candidates & _common() or len(_unit_of(folded)) <= 4:
        return True
    return _is_made_of_rows(folded)


def _unit_of(text: str) -> str:
    """Return the shortest text that repeats to this one: "abcabcabc" → "abc"."""
    place = (text + text).find(text, 1) if text else 0
    return text[:place] if 0 < place < len(text) else text


def _is_made_of_rows(folded: str) -> bool:
    """Say whether the text is runs of at least three along the alphabet, the digits or the keyboard, little else."""
    rows = [*_ROWS, *(row[::-1] for row in _ROWS)]
    covered, start = 0, 0
    while start < len(folded):
        length = 1
        while start + length < len(folded) and any(folded[start : start + length + 1] in row for row in rows):
            length += 1
        if length >= 3:
            covered += length
        start += length
    return covered >= len(folded) - 2


# --- Names -------------------------------------------------------------------------------------


def fold_sign_in_name(text: str) -> str:
    """Return a mail address as it is stored and compared: width and case folded, no blanks."""
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


def as_stored(name: str) -> str:
    """Return a name as it is stored: as typed, in NFC (never NFKC), white space folded to single blanks."""
    return " ".join(unicodedata.normalize("NFC", trimmed(name)).split())


def is_family_first(name: str) -> bool:
    """Say whether a name is written in a script whose names begin with the family (kanji, kana, hangul)."""
    return any(
        0x2E80 <= ord(each) <= 0x9FFF
        or 0xAC00 <= ord(each) <= 0xD7AF
        or 0xF900 <= ord(each) <= 0xFAFF
        or 0x20000 <= ord(each) <= 0x3FFFF
        for each in name
    )


_SMALL = str.maketrans("ァィゥェォッャュョヮヵヶ", "アイウエオツヤユヨワカケ")
_VOWELS = {
    **dict.fromkeys("アカサタナハマヤラワ", "ア"),
    **dict.fromkeys("イキシチニヒミリヰ", "イ"),
    **dict.fromkeys("ウクスツヌフムユル", "ウ"),
    **dict.fromkeys("エケセテネヘメレヱ", "エ"),
    **dict.fromkeys("オコソトノホモヨロヲ", "オ"),
}
_HIRAGANA_TO_KATAKANA = {code: code + 0x60 for code in range(0x3041, 0x3097)}
# Forms of one character that people look for under the usual one; only for finding, never for showing.
_VARIANTS = str.maketrans(
    "髙﨑邉邊齋齊斎濵濱𠮷德曻冨澤廣國櫻龍瀧嶋嶌栁", "高崎辺辺斉斉斉浜浜吉徳昇富沢広国桜竜滝島島柳"
)
_SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef\u200b-\u200f\u202a-\u202e\u2066-\u2069]")


def sort_key(family_kana: str, given_kana: str, family_name: str, given_name: str) -> str:
    """Return a text whose code-point order is that of a Japanese list of names.

    Readings in the order of the syllabary: voiced after unvoiced, small beside large, a long mark
    as the vowel before it (after JIS X 4061), ties by code point; where there is no reading, the name.
    """
    family, given = (family_kana, given_kana) if family_kana or given_kana else (family_name, given_name)
    parts = [_katakana(family), _katakana(given)]
    # Blanks come before everything else, so a short name stands before a longer one that begins alike.
    return "  ".join([*(_syllables(part) for part in parts), *parts])[:600]


def search_key(texts: Iterable[str]) -> str:
    """Return the texts folded for finding: width, case, kana and usual variants of characters count as equal."""
    return " ".join(filter(None, map(fold_for_search, texts)))


def fold_for_search(text: str) -> str:
    """Fold one text (what is stored and what is looked for alike)."""
    return " ".join(_SELECTORS.sub("", _katakana(text)).translate(_VARIANTS).split())


def _katakana(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold().translate(_HIRAGANA_TO_KATAKANA)


def _syllables(reading: str) -> str:
    bare = "".join(
        each for each in unicodedata.normalize("NFD", reading.translate(_SMALL)) if not unicodedata.combining(each)
    ).translate(_SMALL)
    out: list[str] = []
    for each in bare:
        out.append(_VOWELS.get(out[-1], each) if each == "ー" and out else each)
    return "".join(out)


# --- Failed sign-ins ---------------------------------------------------------------------------


def delay_of_account(failures_from_here: int, failures_from_everywhere: int) -> int:
    """Return the seconds that an account waits, from this address, after so many failures.

    Other addresses are not stopped by it: whoever guesses at an account cannot lock out its
    owner, who always has a first try elsewhere; but while it is guessed at no slip is free.
    """
    if failures_from_everywhere >= UNDER_ATTACK:
        return _doubling(ATTACK_DELAY, failures_from_here - 1, MAX_DELAY)
    return _doubling(1, failures_from_here - FREE_FAILURES - 1, MAX_DELAY)


def delay_of_address(failures: int) -> int:
    """Return the seconds that everybody at an address waits after so many failures of any accounts."""
    return _doubling(1, failures - FREE_FAILURES_OF_ADDRESS - 1, MAX_DELAY_OF_ADDRESS)


def _doubling(first: int, times: int, most: int) -> int:
    return 0 if times < 0 else min(most, first * 2 ** min(times, 20))


def name_keys(names: Mapping[str, str]) -> frozenset[str]:
    """Return by what the same name is known again, in either script, whichever part comes first.

    `names` are a person's names by column. Width, case, blanks and punctuation make no other name.
    """
    keys = set()
    for family, given in (("family_name", "given_name"), ("family_romaji", "given_romaji")):
        middle = names.get("middle_name", "") if family == "family_name" else ""
        for parts in (
            (names.get(family, ""), middle, names.get(given, "")),
            (names.get(given, ""), middle, names.get(family, "")),
            (names.get(family, ""), names.get(given, "")),
            (names.get(given, ""), names.get(family, "")),
        ):
            keys.add(_name_key("".join(parts)))
    keys.add(_name_key(names.get("shown_as", "")))
    return frozenset(keys - {""})


def _name_key(text: str) -> str:
    return "".join(each for each in _folded(text) if each.isalnum() or unicodedata.category(each).startswith("M"))
