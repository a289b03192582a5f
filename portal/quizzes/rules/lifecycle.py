"""Pure decisions about the life of a question: which state follows which, and whose text is behind."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from portal.core.i18n import LANGUAGES, Words

# Which state a person may let follow which. Stale questions are drawn again by a re-check; a rule that changes, or a
# file, may do more.
STEPS: Mapping[str, tuple[str, ...]] = {
    "draft": ("in_review", "retired"),
    "in_review": ("live", "pilot", "draft"),
    "pilot": ("live", "quarantined", "retired"),
    "live": ("quarantined", "retired"),
    "stale": ("retired",),
    "quarantined": ("live", "retired"),
    "retired": ("draft",),
}
# The same for a wording that is proposed beside the one that counts: “live” puts it in its place, “retired” drops it.
STEPS_OF_PROPOSAL: Mapping[str, tuple[str, ...]] = {
    "draft": ("in_review", "retired"),
    "in_review": ("live", "draft", "retired"),
}
# Steps that only somebody else than the authors takes.
APPROVING = frozenset({"live", "pilot"})
# States of which a reason is asked.
NEEDS_REASON = frozenset({"quarantined"})
# States in which a new wording waits beside the one that counts instead of taking its place at once.
COUNTING = frozenset({"pilot", "live", "stale", "quarantined"})


# How a version came that somebody put in herself: in a form, or with a file. What a content folder brings has been
# agreed elsewhere.
ORIGIN_BROWSER, ORIGIN_FILE = "browser", "file"
BY_HAND = frozenset({ORIGIN_BROWSER, ORIGIN_FILE})


@dataclass(frozen=True, slots=True)
class Wording:
    """A version as far as it decides who may approve: its number, who put it in, and how it came."""

    number: int
    by: str
    origin: str


def authors(wordings: Sequence[Wording], *, looked_at: int, approved: int) -> frozenset[str]:
    """Return the codes of those who put in what is looked at, since the version that was approved last.

    Nobody approves a text with her own hand in it, whoever touched it last.
    """
    return frozenset(
        each.by
        for each in wordings
        if each.origin in BY_HAND and each.number <= looked_at and (each.number > approved or each.number == looked_at)
    )


def behind(before: str | None, old: Sequence[Words], new: Sequence[Words]) -> str | None:
    """Return the language that is behind after a change of the texts, or None.

    A change of one language alone leaves the other behind, but for one that catches up. What has no text in a language
    is not behind there: it is missing.
    """
    changed = {tag for tag in LANGUAGES if [each_text(w, tag) for w in old] != [each_text(w, tag) for w in new]}
    if not changed:
        return before
    if len(changed) == len(LANGUAGES):
        return None
    (only,) = changed
    (other,) = set(LANGUAGES) - changed
    if before == only:
        return None
    return other if any(each_text(words, other) for words in new) else None


def each_text(words: Words, tag: str) -> str:
    """Return the text in one language and no other."""
    return words.ja if tag == "ja" else words.en


def missing(texts: Collection[Words]) -> list[str]:
    """Return the languages in which something is not written that the other one says."""
    return [
        tag
        for tag in LANGUAGES
        if any(not each_text(words, tag).strip() and bool((words.en + words.ja).strip()) for words in texts)
    ]
