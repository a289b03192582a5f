"""Which words are forms of one another: English by number and simple inflection, Japanese by how much of it is kana.

One rule for the index, for what somebody types, and for what is marked. English follows the first and the last step of
Porter's algorithm (M. F. Porter, "An algorithm for suffix stripping", Program 14, 1980), held back where it would make
other words alike (`note` is not `not`). Japanese follows the seventh rule of the national standard 送り仮名の付け方
(1973): of a compound of two verbs the kana in its middle and at its end may be left out: `取り扱い`, `取扱い`, `取扱`.
"""

from __future__ import annotations

import re
from functools import lru_cache


def _words_of(line: str) -> list[str]:
    return line.split()


# --- English --------------------------------------------------------------------------------------

_IRREGULAR = {
    "children": "child", "men": "man", "women": "woman", "criteria": "criterion", "appendices": "appendix",
    "analyses": "analysis", "crises": "crisis", "hypotheses": "hypothesis", "parentheses": "parenthesis",
    "quizzes": "quiz", "caches": "cache", "movies": "movie", "cookies": "cookie", "selfies": "selfie",
    "rookies": "rookie", "calories": "calorie", "statuses": "status", "viruses": "virus", "campuses": "campus",
    "bonuses": "bonus", "buses": "bus", "aliases": "alias", "biases": "bias", "gases": "gas", "lenses": "lens",
    "agreed": "agree", "disagreed": "disagree", "guaranteed": "guarantee", "going": "go", "doing": "do",
    "being": "be", "embedded": "embed", "embedding": "embed", "embeds": "embed", "dying": "die", "lying": "lie",
    "goes": "go", "does": "do",
}  # fmt: skip
# They only look like forms of others.
_ALONE = frozenset(
    _words_of(
        "this his its was has yes thus news always perhaps besides whereas series species means lens alias bias gas bus"
        " canvas atlas overseas evening embed hundred sacred indeed during"
    )
)
_VOWEL = re.compile("[aeiou]|(?<=[^aeiou])y")
_DOUBLE = re.compile("([^aeioulsz])\\1$")
# Consonant, vowel, consonant: the shape of what lost an e (`hid` of `hiding`).
_SHORT_SHAPE = re.compile("[^aeiou][aeiouy][^aeiouwxy]$")
_MEASURE = re.compile("(?:[aeiou]|(?<=[^aeiou])y)+(?:[^aeiouy]|y(?<=[aeiou]y))+")


@lru_cache(maxsize=100_000)
def stem(word: str) -> str:
    """Return what all forms of an English word have in common: one of them, or how they begin."""
    if len(word) < 3 or word in _ALONE or not (word.isascii() and word.isalpha()):
        return word
    if word in _IRREGULAR:
        return _without_e(_IRREGULAR[word])
    return _without_e(_without_ending(_singular(word)))


def beginning(word: str) -> str:
    """Return how every form of the word begins."""
    if word in _IRREGULAR or stem(word) in _STEMS_OF_IRREGULAR:
        return word[:1]
    return stem(word)[:-1] if len(stem(word)) > 1 else stem(word)


def _singular(word: str) -> str:
    if not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y" if len(word) > 4 else word[:-1]
    if word.endswith(("sses", "xes", "ches", "shes", "zzes", "oes")) and len(word) > 5:
        return word[:-2]
    return word[:-1] if _VOWEL.search(word[:-1]) else word


def _without_ending(word: str) -> str:
    if word.endswith("ied"):
        return word[:-3] + "y" if len(word) > 4 else word[:-1]
    for ending in ("ing", "ed"):
        rest = word[: -len(ending)]
        if word.endswith(ending) and not word.endswith("eed") and _VOWEL.search(rest):
            break
    else:
        return word
    if len(rest) < 3:
        return rest + "e"
    if rest.endswith(("at", "bl", "iz")):
        return rest + "e"
    if len(rest) > 3 and _DOUBLE.search(rest):
        return rest[:-1]
    return rest + "e" if _measure(rest) == 1 and _SHORT_SHAPE.search(rest) else rest


def _without_e(word: str) -> str:
    if word.endswith("ll") and _measure(word) > 1:
        return word[:-1]
    rest = word[:-1]
    if not word.endswith("e") or len(rest) < 3:
        return word
    measure = _measure(rest)
    return rest if measure > 1 or (measure == 1 and not _SHORT_SHAPE.search(rest)) else word


def _measure(word: str) -> int:
    """Return how many times consonants follow vowels."""
    return len(_MEASURE.findall(word))


_STEMS_OF_IRREGULAR = frozenset(map(stem, _IRREGULAR))

# --- Japanese -------------------------------------------------------------------------------------

# What compounds of verbs begin and go on with: a character, and the kana that may be left out after it.
_FIRST = (
    "明け 預かり 預り 言い 入れ 入り 植え 受け 打ち 内 移し 移り 埋め 売り 追い 置き 落ち"
    " 落とし 折り 思い 買い 書き 掛け 貸し 借り 刈り 聞き 切り 組み 繰り 差し 支 仕 締め"
    " 照らし 捨て 据え 備え 立ち 立て 使い 付き 付け 作り 積み 釣り 手 問い 届け 取り 投げ"
    " 抜き 願い 飲み 乗り 乗っ 話し 払い 貼り 張り 引き 振り 巻き 待ち 見 未 申し 持ち"
    " 戻し 焼き 雇い 譲り 呼び 読み 割り"
)
_SECOND = (
    "合い 上がり 上げ 揚げ 扱い 当て 誤り 入れ 入り 受け 移し 埋め 起こし 起し 送り 押さえ"
    " 押え 落とし 落し 返し 替え 換え 掛け 書き 加え 消し 決め 切り 崩し 組み 越し 込み"
    " 込め 壊し 下げ 差し 定め 締まり 締り 締め 調べ 捨て 添い 添え 出し 立て 立ち 付け"
    " 付き 次ぎ 継ぎ 続き 積もり 積り 詰め 問い 止め 取り 直し 延べ 除き 離し 払い 控え"
    " 引き 増し 待ち 回し 持ち 戻し 寄せ 分け 渡し 外し 倒れ"
)


def _kana_by_character(words: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for word in _words_of(words):
        found.setdefault(word[0], set()).add(word[1:])
    return found


def _pattern(words: str) -> str:
    parts = []
    for character, endings in _kana_by_character(words).items():
        longest_first = sorted(filter(None, endings), key=len, reverse=True)
        parts.append(f"{character}(?:{'|'.join(longest_first)})?" if longest_first else character)
    return "|".join(parts)


_KANA = re.compile("[ぁ-ゖ]")
# `合わせ` keeps the kana that tells it from `合い`: 組合せ is not 組合.
_COMPOUND = re.compile(f"(?:{_pattern(_FIRST)})(?:合わせ|合せ|{_pattern(_SECOND)})")


def left_out(stretch: str) -> list[int]:
    """Return which characters of folded Japanese are kana that may be left out, by their places."""
    places = []
    for compound in _COMPOUND.finditer(stretch):
        kept = compound.end() - 1 if compound.group().endswith(("合わせ", "合せ")) else -1
        places += [at for at in range(compound.start(), compound.end()) if at != kept and _KANA.match(stretch[at])]
    return places


def has_compound(stretch: str) -> bool:
    """Say whether there is a compound that may be written with more or with less kana."""
    return _COMPOUND.search(stretch) is not None


def shortened(stretch: str) -> str:
    """Return folded Japanese as it is written with as little kana as may be."""
    gone = left_out(stretch)
    if not gone:
        return stretch
    starts, ends = [0, *(at + 1 for at in gone)], [*gone, len(stretch)]
    return "".join(stretch[start:end] for start, end in zip(starts, ends, strict=True))
