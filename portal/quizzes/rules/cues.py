"""What a question gives away: how often somebody hits who reads the choices and knows nothing of the subject.

Each guesser chooses by one cue alone, as people do who are practised in tests and have not read the text: the longest
choice, the one with most words of the question, the one that has most in common with the others. Of several choices
that are equal by a cue any is taken, so that a hit counts as the share of right ones among them. Chance is the share of
right ones among all choices. The cues are those that handbooks of item writing warn of (Haladyna, Downing and Rodriguez
2002, doi 10.1207/S15324818AME1503_5).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

# A guesser that hits so much more often than chance knows too much.
MOST_OVER_CHANCE = Fraction(1, 10)

_WORDS = re.compile(r"[a-z]{4,}|[\u30a1-\u30ff]{2,}|[\u3400-\u9fff]{2,}")
_ABSOLUTE = re.compile(
    r"\b(?:always|never|only|all|every|everybody|everything|must|none|nobody|any|entirely)\b"
    r"|必ず|絶対|すべて|全て|だけ|のみ|決して|一切|常に|いかなる",
    re.IGNORECASE,
)
_DETAIL = re.compile(r"[0-9０-９]|[,:;(、：；（]|\bbecause\b|ため|ので|から")
# What says nothing by itself, and gives the answer away once one choice is known to be wrong.
_OF_THE_OTHERS = re.compile(
    r"\b(?:all|none|both|neither) of (?:the above|these|those|them)\b"
    r"|上記の?(?:すべて|全て|いずれ)|(?:すべて|どれも|いずれも)(?:正しい|誤り|当てはまる|当てはまらない)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Choosing:
    """A question with choices as it is read in one language; `right` are the places of the right choices."""

    address: str
    stem: str
    choices: tuple[str, ...]
    right: frozenset[int]
    # Whether the choices stand as they were written; others are shuffled, and no place tells anything.
    keeps_order: bool = False
    # Whether the question is a sentence that is true or false, in this order.
    is_statement: bool = False


@dataclass(frozen=True, slots=True)
class Guessed:
    """How a guesser fared: on how many questions, her share of hits, and the share that chance has there."""

    count: int
    hits: Fraction
    chance: Fraction

    @property
    def over_chance(self) -> Fraction:
        """By how much she hits more often than chance."""
        return self.hits - self.chance

    @property
    def knows_too_much(self) -> bool:
        """Whether the cue gives answers away."""
        return self.over_chance > MOST_OVER_CHANCE


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORDS.findall(text.lower()))


def _longest(asked: Choosing) -> list[int]:
    return [len(choice) for choice in asked.choices]


def _shortest(asked: Choosing) -> list[int]:
    return [-len(choice) for choice in asked.choices]


def _most_detail(asked: Choosing) -> list[int]:
    return [len(_DETAIL.findall(choice)) for choice in asked.choices]


def _no_absolute(asked: Choosing) -> list[int]:
    return [-bool(_ABSOLUTE.search(choice)) for choice in asked.choices]


def _words_of_the_question(asked: Choosing) -> list[int]:
    stem = _words(asked.stem)
    return [len(stem & _words(choice)) for choice in asked.choices]


def _like_the_others(asked: Choosing) -> list[int]:
    words = [_words(choice) for choice in asked.choices]
    return [
        sum(len(own & each) for other, each in enumerate(words) if other != place) for place, own in enumerate(words)
    ]


def _unlike_the_others(asked: Choosing) -> list[int]:
    return [-score for score in _like_the_others(asked)]


def _first(asked: Choosing) -> list[int]:
    return [-place for place in range(len(asked.choices))] if asked.keeps_order else [0] * len(asked.choices)


def _last(asked: Choosing) -> list[int]:
    return [-score for score in _first(asked)]


def _bold_sentences_are_false(asked: Choosing) -> list[int]:
    if not asked.is_statement:
        return [0] * len(asked.choices)
    is_bold = bool(_ABSOLUTE.search(asked.stem))
    return [int(not is_bold), int(is_bold)]


# Name → what the guesser likes each choice for; the most is taken.
GUESSERS: dict[str, Callable[[Choosing], Sequence[int]]] = {
    "longest": _longest,
    "shortest": _shortest,
    "most_detail": _most_detail,
    "no_absolute": _no_absolute,
    "words_of_the_question": _words_of_the_question,
    "like_the_others": _like_the_others,
    "unlike_the_others": _unlike_the_others,
    "first": _first,
    "last": _last,
    "bold_sentences_are_false": _bold_sentences_are_false,
}


def guess(guesser: Callable[[Choosing], Sequence[int]], asked: Iterable[Choosing]) -> Guessed:
    """Return how a guesser fares over questions; with none of them she has no hits and no chance."""
    count, hits, chance = 0, Fraction(), Fraction()
    for each in asked:
        liked = guesser(each)
        taken = {place for place, score in enumerate(liked) if score == max(liked)}
        count += 1
        hits += Fraction(len(taken & each.right), len(taken))
        chance += Fraction(len(each.right), len(each.choices))
    return Guessed(count, hits / max(1, count), chance / max(1, count))


def guesses(asked: Sequence[Choosing]) -> dict[str, Guessed]:
    """Return how every guesser fares, by her name."""
    return {name: guess(guesser, asked) for name, guesser in GUESSERS.items()}


def speak_of_the_others(asked: Iterable[Choosing]) -> list[str]:
    """Return the addresses of the questions that have a choice such as "all of the above"."""
    return [each.address for each in asked if any(_OF_THE_OTHERS.search(choice) for choice in each.choices)]
