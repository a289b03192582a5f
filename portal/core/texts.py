"""What people type: what can be seen of it, and what must not stand in it."""

from __future__ import annotations

import unicodedata

# Embeddings, overrides and isolates of direction: with them a name reads as another one. The marks that
# Arabic and Hebrew need between letters (U+061C, U+200E, U+200F) are not among them.
_DIRECTIONS = frozenset(map(chr, (*range(0x202A, 0x202F), *range(0x2066, 0x206A))))
# Letters and symbols that are shown as nothing: Hangul fillers, the blank Braille pattern, joiners of marks.
_SHOWN_AS_NOTHING = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_NO_GLYPH = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp"})
# Marks go on a letter; by themselves they are no text.
_MARKS = frozenset({"Mn", "Mc", "Me"})
# Broken halves, and what no two computers show alike: private use, and what Unicode has not given out. Han
# characters and pictures of later versions of Unicode than ours are not among the latter.
_NOBODYS = frozenset({"Cc", "Cs", "Co", "Cn"})
_GIVEN_OUT_LATER = ((0x20000, 0x3FFFD), (0x1F000, 0x1FAFF))
# Tags, which carry a text that nobody sees.
_TAGS = range(0xE0000, 0xE0080)


def _is_invisible(character: str) -> bool:
    return (
        character in _SHOWN_AS_NOTHING
        or unicodedata.category(character) in _NO_GLYPH | _MARKS
        or "\ufe00" <= character <= "\ufe0f"
        or "\U000e0100" <= character <= "\U000e01ef"
    )


def is_blank(text: str) -> bool:
    """Say whether there is nothing to see: blanks of any script, zero-width and filling characters, lone marks."""
    return all(map(_is_invisible, text))


def trimmed(text: str) -> str:
    """Return the text without blanks at its ends; a text of which nothing can be seen is empty.

    What stands inside stays as typed, variation selectors and joiners too: they are part of names.
    """
    return "" if is_blank(text) else text.strip().strip("\u200b\u2060\ufeff\u00ad").strip()


def forbidden(text: str, besides: str = "") -> set[str]:
    """Return the characters that no text may hold.

    Control characters and tags, broken halves, changes of direction, and what stands for nothing: private use,
    noncharacters, numbers that Unicode has not given out.
    """
    return {each for each in text if each not in besides and _is_forbidden(each)}


def private(text: str) -> str:
    """Return the characters of private use in a text, such as those that an office has made for names (外字).

    Other computers show something else for them; in a name they are kept all the same.
    """
    return "".join(each for each in text if unicodedata.category(each) == "Co")


def spelled(character: str) -> str:
    """Write a character so that it is known even where nothing is shown for it: U+202E."""
    return f"U+{ord(character):04X}"


def _is_forbidden(character: str) -> bool:
    if character in _DIRECTIONS:
        return True
    code, category = ord(character), unicodedata.category(character)
    if category == "Cn" and code & 0xFFFE != 0xFFFE and any(a <= code <= b for a, b in _GIVEN_OUT_LATER):
        return False
    return category in _NOBODYS or code in _TAGS
