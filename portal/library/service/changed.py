"""Which clauses a change touches and how, in every language: the lists of changed clauses on pages and in mails."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from portal.core.i18n import LANGUAGES, Words
from portal.core.i18n import gettext as _
from portal.library import queries
from portal.library.models import DocumentVersion, Draft
from portal.library.queries.redlines import moved_places
from portal.library.rules import Changes, changes_between
from portal.library.rules.changes import last_that_stands
from portal.library.service import overlays

# Language → clause id → hash, in the order of the clauses.
Hashes = Mapping[str, Mapping[str, str]]

# Each language named in the other one's sentences.
LANGUAGE_WORDS = {"en": Words("English", "英語"), "ja": Words("Japanese", "日本語")}


@dataclass(frozen=True, slots=True)
class Changed:
    """What became of the clauses between two texts.

    `clauses` is told of the authoritative language; `placed` are those that stand elsewhere among the others, under the
    id that they had. `only_in`: language → clauses whose text changed in it while the authoritative one stayed. A
    language that only one of the two has is `gained` or `lost`, and its clauses are not listed one by one.
    """

    clauses: Changes
    placed: tuple[str, ...] = ()
    only_in: Mapping[str, tuple[str, ...]] | None = None
    gained: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether every clause reads as it did, at the place that it had, in every language."""
        return self.clauses.is_empty and not (self.placed or self.only_in or self.gained or self.lost)


@dataclass(frozen=True, slots=True)
class Group:
    """Clauses of which the same is to be said: a label, and each with what is to be added of it alone."""

    label: str
    clauses: tuple[tuple[str, str], ...]
    # They stand only in the older text; or they stand in both, with other words.
    is_gone: bool = False
    says_otherwise: bool = False
    # The language in which alone they changed.
    language: str = ""


def changed_between(old: Hashes, new: Hashes, deciding: str) -> Changed:
    """Compare two texts in all their languages."""
    before, after = old.get(deciding, {}), new.get(deciding, {})
    clauses = changes_between(before, after)
    origin = {to: came_from for came_from, to in clauses.moved} | {each: each for each in after if each in before}
    renamed = {to for _came_from, to in clauses.moved}
    placed = moved_places(list(before), [origin.get(each) for each in after])
    differs = {*clauses.changed, *clauses.added}
    only_in = {}
    for tag in LANGUAGES:
        if tag == deciding or not old.get(tag) or not new.get(tag):
            continue
        found = tuple(
            anchor for anchor in after if anchor not in differs and old[tag].get(origin[anchor]) != new[tag].get(anchor)
        )
        if found:
            only_in[tag] = found
    others = [tag for tag in LANGUAGES if tag != deciding]
    return Changed(
        clauses,
        placed=tuple(anchor for anchor in after if origin.get(anchor) in placed and anchor not in renamed),
        only_in=only_in,
        gained=tuple(tag for tag in others if new.get(tag) and not old.get(tag)),
        lost=tuple(tag for tag in others if old.get(tag) and not new.get(tag)),
    )


def changed_in_version(old: DocumentVersion, new: DocumentVersion) -> Changed:
    """Compare two published versions."""
    hashes = queries.hashes_by_language([old, new])
    return changed_between(hashes.get(old.id, {}), hashes.get(new.id, {}), new.document.authoritative)


def changed_in_draft(old: DocumentVersion, draft: Draft) -> Changed:
    """Compare a published version with a draft as it would be published."""
    before = queries.hashes_by_language([old]).get(old.id, {})
    return changed_between(before, overlays.clause_map(draft), draft.document.authoritative)


def compared_with(draft: Draft) -> DocumentVersion | None:
    """Return what a draft is compared with: the version that people go by, of a market's first text its base."""
    until = draft.based_on.sequence if draft.based_on else 0
    before = [version for version in draft.document.versions if version.sequence <= until]
    return last_that_stands(before) or draft.based_on or draft.over


def groups_of(changed: Changed, language: str) -> list[Group]:
    """Return what is to be listed, in words of the language of the page or mail."""
    clauses = changed.clauses
    groups = [
        Group(_("Changed:"), tuple((anchor, "") for anchor in clauses.changed), says_otherwise=True),
        Group(_("New:"), tuple((anchor, "") for anchor in clauses.added)),
        Group(_("Moved:"), tuple((anchor, _("before: %(id)s", id=origin)) for origin, anchor in clauses.moved)),
        Group(_("At another place:"), tuple((anchor, "") for anchor in changed.placed)),
        Group(_("Removed:"), tuple((anchor, "") for anchor in clauses.removed), is_gone=True),
    ]
    groups += [
        Group(
            _("Changed in %(language)s only:", language=LANGUAGE_WORDS[tag].in_(language)),
            tuple((anchor, "") for anchor in anchors),
            language=tag,
        )
        for tag, anchors in (changed.only_in or {}).items()
    ]
    return [group for group in groups if group.clauses]


def notes_of(changed: Changed, language: str) -> list[str]:
    """Return what is to be said of languages that came or went as a whole."""
    return [
        *(_("The %(language)s text is new.", language=LANGUAGE_WORDS[tag].in_(language)) for tag in changed.gained),
        *(_("The %(language)s text is gone.", language=LANGUAGE_WORDS[tag].in_(language)) for tag in changed.lost),
    ]
