"""How the texts of markets stand against their bases: which follow, and which wait for somebody's decision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from portal.core import mail
from portal.core.i18n import lazy_pgettext
from portal.library import queries as library
from portal.library.events import VersionWithdrawn
from portal.library.models import Document, DocumentVersion, Draft, DraftState
from portal.library.queries import market_texts as queries
from portal.library.queries.audience import count_addressed
from portal.library.queries.drafts import clauses_in
from portal.library.rules.overlays import Clash, clashes
from portal.library.service import following
from portal.library.service.overlays import (
    Base,
    followed_version,
    is_publishable_over,
    is_withdrawn_with_base,
    overlaid_in,
    version_to_follow_with,
    written_texts_of_draft,
)

# What the base has done, in a word beside the clause's name.
CLASH_WORDS = {
    Clash.CHANGED: lazy_pgettext("clash", "changed"),
    Clash.GONE: lazy_pgettext("clash", "removed"),
    Clash.TAKEN: lazy_pgettext("clash", "new clause of the same id"),
    Clash.PLACE_GONE: lazy_pgettext("clash", "the clause before it removed"),
}


@dataclass(frozen=True, slots=True)
class Stand:
    """How the text of a market stands; `clashing` says what its base did under which of its clauses.

    `waits`: its base has moved, and nobody has laid the text, or a draft of it, over the version there is now. `draft`
    is the open one in which that is done, where there is one.
    """

    overlay: Document
    latest: DocumentVersion | None
    followed: DocumentVersion | None
    drafts: list[Draft]
    waits: bool = False
    draft: Draft | None = None
    clashing: Mapping[str, Clash] = field(default_factory=dict)


def stands_of(overlays: Sequence[Document]) -> list[Stand]:
    """Return how these texts of markets stand; the number of statements does not grow with them."""
    drafts = queries.list_open_drafts_of([each.id for each in overlays])
    first = [_stand_of(each, drafts.get(each.id, [])) for each in overlays]
    waiting = [each for each in first if each.waits]
    if not waiting:
        return first
    hashes = queries.list_deciding_hashes({number for each in waiting for number in (_over(each), _now(each))})
    of_drafts = queries.list_draft_sources([each.draft.id for each in waiting if each.draft is not None])
    of_versions = queries.list_written_sources(
        [each.latest.id for each in waiting if each.draft is None and each.latest is not None]
    )
    found = []
    for each in first:
        if not each.waits:
            found.append(each)
            continue
        if each.draft is not None:
            source = of_drafts.get(each.draft.id, "")
        else:
            source = of_versions.get(each.latest.id, "") if each.latest is not None else ""
        was, now = hashes[_over(each)], hashes[_now(each)]
        found.append(
            Stand(
                each.overlay,
                each.latest,
                each.followed,
                each.drafts,
                waits=True,
                draft=each.draft,
                clashing=clashes(overlaid_in(source, was), was, now),
            )
        )
    return found


def tell_of_withdrawal(event: VersionWithdrawn) -> None:
    """Tell those who answer for a market's text that it was withdrawn, and what its market follows now."""
    version = library.find_version_by_id(event.version_id)
    # What went with its base is told as that.
    if version is None or version.document.base_id is None or is_withdrawn_with_base(version):
        return
    for person in following.answering_for(version.document):
        if person.code != version.withdrawn_by:
            mail.send_later(
                "library.market_text_withdrawn",
                {"slug": event.document_slug, "number": event.version_number, "to": person.code},
                effect_key=f"library.market_text_withdrawn:{event.document_slug}:{event.version_number}:{person.code}",
            )


def _stand_of(overlay: Document, drafts: list[Draft]) -> Stand:
    # What was withdrawn for itself is shown, but no longer followed with.
    said_by = version_to_follow_with(overlay)
    latest = said_by or (overlay.versions[-1] if overlay.versions else None)
    followed = followed_version(overlay.base) if overlay.base is not None else None
    if followed is None or any(draft.over_id == followed.id for draft in drafts):
        return Stand(overlay, latest, followed, drafts)
    writing = next((draft for draft in drafts if draft.state is DraftState.WRITING and draft.over_id), None)
    lags = said_by is not None and said_by.over_id not in (None, followed.id)
    return Stand(overlay, latest, followed, drafts, waits=writing is not None or lags, draft=writing)


def _over(stand: Stand) -> int:
    """Return the row number of the version of the base over which lies what waits."""
    over = stand.draft.over_id if stand.draft is not None else stand.latest.over_id if stand.latest else None
    assert over is not None
    return over


def _now(stand: Stand) -> int:
    assert stand.followed is not None
    return stand.followed.id


@dataclass(frozen=True, slots=True)
class Ahead:
    """What the publication of a draft of a base would do to the text of a market.

    `clashing` says what the draft does under which of its clauses; `is_broken`: nothing clashes, but what would result
    cannot be published. `people` follow the text of the market.
    """

    overlay: Document
    latest: DocumentVersion
    clashing: Mapping[str, Clash]
    is_broken: bool = False
    people: int = 0

    @property
    def waits(self) -> bool:
        """Whether the market keeps its present text until somebody has decided; else it follows by itself."""
        return bool(self.clashing) or self.is_broken

    @property
    def is_back(self) -> bool:
        """Whether the text was withdrawn with its base, so that its market follows the base until this publication."""
        return self.latest.withdrawn_at is not None


def clashes_ahead(drafts: Sequence[Draft], overlays: Sequence[Document]) -> dict[int, list[Ahead]]:
    """Return draft's row number → what its publication would do to these texts of its markets, as far as clauses clash.

    The number of statements does not grow with the texts.
    """
    said_by = {each.id: latest for each in overlays if (latest := version_to_follow_with(each)) is not None}
    over = {each.over_id for each in said_by.values() if each.over_id is not None}
    hashes = queries.list_deciding_hashes(over)
    sources = queries.list_written_sources([each.id for each in said_by.values()])
    found: dict[int, list[Ahead]] = {}
    for draft in drafts:
        text = draft.text_in(draft.document.authoritative)
        now = clauses_in(text.source) if text is not None else {}
        for overlay in overlays:
            known = said_by.get(overlay.id)
            if known is not None and known.over_id is not None and overlay.base_id == draft.document_id:
                was = hashes[known.over_id]
                clashing = clashes(overlaid_in(sources.get(known.id, ""), was), was, now)
                found.setdefault(draft.id, []).append(Ahead(overlay, known, clashing))
    return found


def ahead_of(draft: Draft) -> list[Ahead]:
    """Return what the publication of a draft of a base would do to the texts of its markets, with their people."""
    if draft.document.base_id is not None or draft.ended_at is not None or not draft.document.overlays:
        return []
    found = clashes_ahead([draft], queries.list_market_texts(draft.document)).get(draft.id, [])
    texts = {text.language: text for text in written_texts_of_draft(draft)}
    deciding = draft.document.authoritative
    base = Base(
        authoritative=deciding,
        texts=texts,
        origins={
            tag: {anchor: hash_ for anchor, hash_ in (text.made_from or {}).items() if hash_ is not None}
            for tag, text in texts.items()
            if tag != deciding
        },
    )
    return [
        replace(
            each,
            is_broken=not each.clashing
            and deciding in texts
            and not is_publishable_over(base, each.overlay, following.written_to_follow(each.latest)),
            people=count_addressed(each.overlay),
        )
        for each in found
    ]


def markets_back_with(draft: Draft) -> list[str]:
    """Return the markets that follow the base of a draft now, and after its publication their own text again."""
    base = draft.document
    if base.base_id is not None or all(each.market in base.markets_apart for each in base.overlays):
        return []
    return [each.overlay.market or "" for each in ahead_of(draft) if each.is_back and not each.waits]
