"""What a market's text takes over from its base at once: which versions, and how heavy that is for its readers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from portal.library import queries
from portal.library.models import ChangeClass, DocumentVersion, Draft
from portal.library.queries.drafts import clauses_in
from portal.library.rules.overlays import Mode
from portal.library.service import overlays

_WEIGHTS = (ChangeClass.EDITORIAL, ChangeClass.MINOR, ChangeClass.MATERIAL, ChangeClass.EMERGENCY)


@dataclass(frozen=True, slots=True)
class Absorbed:
    """A version of the base that is taken over, and its clauses that read otherwise than in the one before it."""

    version: DocumentVersion
    changed: frozenset[str]


def absorbed_between(before: DocumentVersion, after: DocumentVersion) -> list[Absorbed]:
    """Return the versions of a base that came after one of them, up to another, but for those that were withdrawn."""
    base = after.document
    standing = [each for each in base.versions if before.sequence < each.sequence <= after.sequence]
    hashes = queries.list_clause_hashes(base)
    found, last = [], hashes.get(before.id, {})
    for each in standing:
        if each.withdrawn_at is not None and each is not after:
            continue
        now = hashes.get(each.id, {})
        found.append(Absorbed(each, differing(last, now)))
        last = now
    return found


def differing(before: Mapping[str, str], after: Mapping[str, str]) -> frozenset[str]:
    """Return the ids of clauses that are in only one of two texts or read otherwise, as clause id → hash."""
    return frozenset(anchor for anchor in before.keys() | after.keys() if before.get(anchor) != after.get(anchor))


def heaviest(absorbed: list[Absorbed], reads_otherwise: frozenset[str]) -> ChangeClass | None:
    """Return the heaviest class of the versions whose changes reach the readers; None where none of them does."""
    reaching = [each.version.change_class for each in absorbed if each.changed & reads_otherwise]
    return max(reaching, key=_WEIGHTS.index, default=None)


def is_lighter(proposed: ChangeClass, than: ChangeClass) -> bool:
    """Say whether a class asks less of its readers; who waited for an emergency meets it as a material change."""
    than = ChangeClass.MATERIAL if than is ChangeClass.EMERGENCY else than
    return _WEIGHTS.index(proposed) < _WEIGHTS.index(than)


def absorbed_by(draft: Draft) -> list[Absorbed]:
    """Return the versions of its base that a draft of a market's text takes over, the oldest first."""
    before = draft.based_on.over if draft.based_on is not None else None
    if before is None or draft.over is None or before.id == draft.over.id:
        return []
    return absorbed_between(before, draft.over)


def least_class_of(draft: Draft) -> ChangeClass | None:
    """Return the class below which a draft of a market's text would hide a change of its base; None where none is."""
    absorbed = absorbed_by(draft)
    if not absorbed or draft.based_on is None:
        return None
    text = overlays.text_of_draft(draft, draft.document.authoritative)
    own = clauses_in(text.source) if text is not None else {}
    # Where the market has words of its own, or none, those of the base reach nobody.
    kept_out = {anchor for anchor, mode in overlays.modes_of_draft(draft).items() if mode is not Mode.APPENDED}
    return heaviest(absorbed, differing(queries.clause_hashes(draft.based_on), own) - kept_out)
