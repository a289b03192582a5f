"""Overlays follow their base: by themselves where nothing clashes, else by a decision on each clause that does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from portal.accounts import queries as accounts
from portal.accounts.models import Person
from portal.accounts.service.ownership import set_owner
from portal.core import mail
from portal.core.access import allows
from portal.core.db import session
from portal.core.i18n import LANGUAGES
from portal.core.i18n import language as reader_language
from portal.core.markdown import TOP, propose_anchor, split_clauses
from portal.journal.service import record
from portal.library import queries
from portal.library.errors import (
    AddedClauseBroken,
    AddedClauseNameless,
    AddedClausePlaceGone,
    AudienceOutOfReach,
    BaseNotForMarket,
    BaseNotPublished,
    ClashUndecided,
    ClauseNotOverlaid,
    ClauseNotToOverlay,
    MergeOutdated,
    NothingToFollow,
    OverlayAboveOverlay,
    OverlayThere,
)
from portal.library.events import VersionPublished, VersionWithdrawn
from portal.library.models import AudienceKind, Document, DocumentVersion, Draft, DraftState, KeptBecause, Origin
from portal.library.permissions import WRITE_DRAFT
from portal.library.queries import drafts
from portal.library.rules.overlays import Clash, Mode, Overlaid, arranged, overlay_slug, place_of
from portal.library.service import overlays, reviews, versions
from portal.library.service.anchors import write_braces
from portal.library.service.changed import LANGUAGE_WORDS
from portal.library.service.documents import OWNED_KIND, create_document
from portal.library.service.drafts import (
    begin_draft,
    hold,
    keep_text,
    note_author,
    proposed_number,
    values_of,
    write_text,
)
from portal.library.service.texts import RESERVED, TextDraft, can_be_split, pieces_of, problems_of
from portal.organisation.models import Market


class Decision(StrEnum):
    """What becomes of a market's clause that an edit of the base clashes with."""

    KEEP = "keep"
    DROP = "drop"


@dataclass(frozen=True, slots=True)
class Clashing:
    """A clause of an overlay whose base has changed under it; `may_keep` says whether it can stay."""

    overlaid: Overlaid
    clash: Clash

    @property
    def anchor(self) -> str:
        """The clause's id."""
        return self.overlaid.anchor

    @property
    def may_keep(self) -> bool:
        """Whether the market's clause can stay: what is gone needs no statement that it does not apply."""
        return not (self.overlaid.mode is Mode.NOT_APPLICABLE and self.clash is Clash.GONE)


@dataclass(frozen=True, slots=True)
class Move:
    """How an overlay's draft comes to lie over the base's newest version; `seen` names what was looked at."""

    over: DocumentVersion
    latest: DocumentVersion
    clashing: list[Clashing]
    seen: str


# --- beginning ----------------------------------------------------------------------------------


def begin_overlay(*, base: Document, market: Market, by: Person) -> Draft:
    """Make the document that says what a market does otherwise than a base, and its first draft.

    It is addressed to the market, and there to the teams and roles of its base. Raises `OverlayAboveOverlay`,
    `OverlayThere`, `BaseNotPublished`, `BaseNotForMarket`, and `AudienceOutOfReach` where the author could not write it
    herself.
    """
    if base.base_id is not None:
        raise OverlayAboveOverlay(slug=base.slug)
    over = overlays.followed_version(base)
    if over is None:
        raise BaseNotPublished()
    if queries.find_overlay(base, market.code) is not None:
        raise OverlayThere(market=market.code)
    markets = base.audience(AudienceKind.MARKET)
    if markets and market.code not in markets:
        raise BaseNotForMarket(market=market.name)
    document = create_document(
        slug=overlay_slug(base.slug, market.code),
        kind=base.kind,
        authoritative=base.authoritative,
        review_every_months=base.review_every_months,
        sensitivity=base.sensitivity,
        base=base,
        market=market.code,
        by=by,
    )
    if not allows(by, WRITE_DRAFT, document):
        raise AudienceOutOfReach()
    set_owner(kind=OWNED_KIND, code=document.slug, owner=by, by=by)
    return begin_draft(document=document, by=by)


# --- following ----------------------------------------------------------------------------------


def follow(event: VersionPublished) -> None:
    """Bring the overlays of a document over its new version; of one that clashes with it, the owner is told."""
    version = queries.find_version_by_id(event.version_id)
    if version is None:
        return
    if version.document.base is not None:
        if version.origin is Origin.PRODUCT and overlays.followed_version(version.document.base) is not version.over:
            _follow_ahead(version, event.draft_code)
        return
    base = version.document
    if not base.overlays or overlays.followed_version(base) is not version:
        return
    for overlay in base.overlays:
        held = drafts.hold_document(overlay)
        published, told = (None, set()) if held.slug in event.brought else _follow(held, version)
        for draft in drafts.list_open_drafts(held):
            mine = drafts.hold_draft(draft)
            # What was approved was approved over another base. Whoever is told what waits is not told twice.
            waits = mine.begun_by in told and bool(overlays.clashes_of_draft(mine))
            reviews.outdate_draft(mine, base=version, tells=not waits)
            _bring_along(mine, published)


def _follow_ahead(urgent: DocumentVersion, draft_code: str) -> None:
    """Let what a market has published over the base in force follow the version that is issued for a later day."""
    base = urgent.document.base
    followed = overlays.followed_version(base) if base is not None else None
    if followed is not None and followed.id != urgent.over_id:
        _follow(urgent.document, followed, draft_code)


def _follow(
    overlay: Document, version: DocumentVersion, draft_code: str = ""
) -> tuple[DocumentVersion | None, set[str]]:
    """Publish what the overlay says over the version, or tell its owner what clashes.

    Returns what was published, or None, and the codes of those who are told.
    """
    latest = overlays.version_to_follow_with(overlay)
    if latest is None or latest.over is None:
        return None, set()
    texts = written_to_follow(latest)
    deciding = texts[0]
    clashing = overlays.clashes_between(deciding.source, latest.over, version)
    problems = () if clashing else overlays.problems_of_overlay(overlay, version, texts)
    if not clashing and not problems:
        published = versions.follow_base(
            document=overlay,
            over=version,
            texts=overlays.resolved(overlay, version, texts),
            said_by=latest,
            draft_code=draft_code,
        )
        return published, set()
    record(
        "library.overlay_clashes",
        by=None,
        subject=(OWNED_KIND, overlay.slug),
        after={"over": latest.over.number, "base_version": version.number, "clauses": sorted(clashing)},
    )
    people = answering_for(overlay)
    for person in people:
        mail.send_later(
            "library.overlay_clashes",
            {"slug": overlay.slug, "number": version.number, "to": person.code},
            effect_key=f"library.overlay_clashes:{overlay.slug}:{version.number}:{person.code}",
        )
    return None, {person.code for person in people}


def answering_for(overlay: Document) -> list[Person]:
    """Return the owner of a market's text and the deputy, as far as there are any."""
    owner = accounts.find_owners(OWNED_KIND, [overlay.slug]).get(overlay.slug)
    return [] if owner is None else [each for each in (owner.owner, owner.deputy) if each is not None]


def written_to_follow(latest: DocumentVersion) -> list[TextDraft]:
    """Return the texts of an overlay as they are laid over another version of its base, the deciding one first.

    What to do differently belongs to one version: of a change that came from the base, the base says it.
    """
    authoritative = latest.document.authoritative
    texts = overlays.written_texts(latest)
    return [
        replace(text, what_to_do_differently="")
        for language, text in sorted(texts.items(), key=lambda item: item[0] != authoritative)
        if language == authoritative or text.source.strip()
    ]


def _bring_along(draft: Draft, published: DocumentVersion | None) -> None:
    """Let a draft of an overlay follow as far as nothing is to be decided; it keeps what was written in it."""
    base = draft.document.base
    followed = overlays.followed_version(base) if base is not None else None
    if draft.state is not DraftState.WRITING or followed is None or overlays.clashes_of_draft(draft):
        return
    draft.over = followed
    if published is not None and published.origin is Origin.FOLLOWED and draft.based_on_id == published.based_on_id:
        was_proposed = draft.number == proposed_number(draft, draft.change_class)
        draft.based_on = published
        if was_proposed:
            draft.number = proposed_number(draft, draft.change_class)
    draft.revision += 1
    session.flush()


def withdraw_with_base(event: VersionWithdrawn) -> None:
    """Withdraw what overlays say over a version of their base that was withdrawn."""
    version = queries.find_version_by_id(event.version_id)
    if version is None or version.document.base_id is not None:
        return
    by = accounts.find_person(version.withdrawn_by or "")
    for overlay in version.document.overlays:
        for each in overlay.versions:
            if each.over_id == version.id and each.withdrawn_at is None and by is not None:
                was_newest = all(
                    later.withdrawn_at is not None for later in overlay.versions if later.sequence > each.sequence
                )
                versions.withdraw_version(
                    version=each, reason=version.withdrawal_reason or "", by=by, at=version.withdrawn_at
                )
                if was_newest:
                    _tell_of_withdrawal(each)


def _tell_of_withdrawal(version: DocumentVersion) -> None:
    for person in answering_for(version.document):
        mail.send_later(
            "library.overlay_withdrawn",
            {"slug": version.document.slug, "number": version.number, "to": person.code},
            effect_key=f"library.overlay_withdrawn:{version.document.slug}:{version.number}:{person.code}",
        )


# --- deciding -----------------------------------------------------------------------------------


def move_of(draft: Draft) -> Move | None:
    """Return how a draft of an overlay comes to lie over the newest version of its base; None where it does."""
    base = draft.document.base
    followed = overlays.followed_version(base) if base is not None else None
    text = draft.text_in(draft.document.authoritative)
    if followed is None or draft.over is None or followed.id == draft.over_id:
        return None
    source = text.source if text is not None else ""
    overlaid = {each.anchor: each for each in overlays.overlaid_in(source, queries.clause_anchors(draft.over))}
    clashing = [
        Clashing(overlaid[anchor], clash)
        for anchor, clash in overlays.clashes_between(source, draft.over, followed).items()
    ]
    seen = f"{followed.number}-{text.revision if text is not None else 0}"
    return Move(draft.over, followed, clashing, seen)


def move_draft(*, draft: Draft, seen: str, decisions: Mapping[str, Decision], by: Person) -> Draft:
    """Lay a draft of an overlay over the newest version of its base, with a decision on each clause that clashes.

    A clause that is kept says from now on what it does to the base as that is now. Raises `DraftNotWritable`,
    `NothingToFollow`, `MergeOutdated` where something was changed since it was looked at, and `ClashUndecided`.
    """
    held = hold(draft)
    move = move_of(held)
    if move is None:
        raise NothingToFollow()
    if move.seen != seen:
        raise MergeOutdated()
    for each in move.clashing:
        decision = decisions.get(each.anchor)
        if decision is None or (decision is Decision.KEEP and not each.may_keep):
            raise ClashUndecided()
    places = _places(held, move, decisions)
    for text in held.texts:
        source = text.source
        for each in move.clashing:
            if decisions[each.anchor] is Decision.DROP:
                source = _without(source, each.anchor)
            elif each.clash is not Clash.CHANGED:
                source = _kept(source, each, places[each.anchor])
        if source != text.source:
            text.source = source
            text.revision += 1
    before = held.over.number if held.over is not None else None
    held.over = move.latest
    held.revision += 1
    session.flush()
    note_author(held, by)
    record(
        "library.draft_moved_over",
        by=by,
        subject=("draft", held.code),
        before={"over": before},
        after={
            "over": move.latest.number,
            "kept": [each for each, decision in decisions.items() if decision is Decision.KEEP],
            "dropped": [each for each, decision in decisions.items() if decision is Decision.DROP],
        },
    )
    return held


def _without(source: str, anchor: str) -> str:
    if not can_be_split(source):
        return source
    pieces = pieces_of(source)
    pieces.pop(anchor, None)
    return "\n\n".join(pieces.values()) + ("\n" if pieces else "")


def _places(draft: Draft, move: Move, decisions: Mapping[str, Decision]) -> dict[str, str]:
    """Return for each clause that clashes behind which one it keeps its place."""
    text = draft.text_in(draft.document.authoritative)
    was, now = queries.clause_anchors(move.over), set(queries.clause_anchors(move.latest))
    overlaid = overlays.overlaid_in(text.source, was) if text is not None else []
    dropped = {anchor for anchor, decision in decisions.items() if decision is Decision.DROP}
    # What the base has got under the id of an added clause stands where the base has it.
    taken = {each.anchor for each in move.clashing if each.clash is Clash.TAKEN}
    stays = (now & set(was)) | {each.anchor for each in overlaid if each.anchor not in dropped | taken}
    order = arranged(was, overlaid)
    return {each.anchor: place_of(each.anchor, order, stays) for each in move.clashing}


def _kept(source: str, clashing: Clashing, place: str) -> str:
    """Say in the braces what a clause that is kept does to the base as it is now."""
    clause = next((each for each in split_clauses(source) if each.anchor == clashing.anchor), None)
    if clause is None or clause.level == 0:
        return source
    attributes = {key: value for key, value in clause.attributes.items() if key not in ("overlay", "after")}
    match clashing.clash:
        case Clash.GONE:
            attributes |= {"overlay": Mode.ADDED.value, "after": place}
        case Clash.TAKEN:
            attributes["overlay"] = Mode.REPLACED.value
        case _:
            attributes |= {"overlay": clashing.overlaid.mode.value, "after": place}
    return write_braces(source, clause, attributes)


# --- writing a clause of the base ---------------------------------------------------------------


def overlay_clause(*, draft: Draft, anchor: str, mode: Mode, by: Person) -> None:
    """Begin to say in a draft what the market does to a clause of its base, in both languages.

    A clause to be replaced begins with the words of the base. Raises `DraftNotWritable`, and `ClauseNotToOverlay` where
    the base has no such clause or the draft says something about it already.
    """
    held = hold(draft)
    over = held.over
    if over is None or mode is Mode.ADDED:
        raise ClauseNotToOverlay(id=anchor)
    deciding = held.text_in(held.document.authoritative)
    own = {} if deciding is None else drafts.clauses_of_draft(deciding)
    base = overlays.written_texts(over)
    # What stands before the first heading has no braces that could say it.
    if anchor not in set(queries.clause_anchors(over)) - {TOP} or anchor in own:
        raise ClauseNotToOverlay(id=anchor)
    for language, text in base.items():
        clause = next((each for each in split_clauses(text.source) if each.anchor == anchor), None)
        if clause is None:
            continue
        values = values_of(held.text_in(language))
        labels = {"sensitivity": clause.sensitivity} if clause.sensitivity and mode is Mode.REPLACED else {}
        piece = pieces_of(text.source)[anchor] if mode is Mode.REPLACED else overlays.heading_of(clause)
        piece = write_braces(piece, split_clauses(piece)[0], {"overlay": mode.value, **labels})
        write_text(
            held,
            language,
            replace(values, source="\n\n".join(filter(None, [values.source.rstrip("\n"), piece])) + "\n"),
            by,
        )
    _note_what_follows(held, anchor)
    note_author(held, by)


def add_clause(*, draft: Draft, headings: Mapping[str, str], after: str, by: Person) -> str:
    """Begin a clause that only the market has, in the languages in which it has a heading; return its id.

    It stands behind `after`, at its level; empty: at the end. Raises `DraftNotWritable`, `AddedClauseNameless` without
    a heading in the deciding language, `AddedClausePlaceGone` and `AddedClauseBroken`.
    """
    held = hold(draft)
    deciding = held.document.authoritative
    given = {tag: " ".join(headings.get(tag, "").split()) for tag in LANGUAGES}
    if held.over is None or not given[deciding]:
        raise AddedClauseNameless(language=LANGUAGE_WORDS[deciding].in_(reader_language()))
    levels = {TOP: 2}
    for source in (overlays.base_of(held.over).deciding.source, *(text.source for text in held.texts)):
        for clause in split_clauses(source) if can_be_split(source) else ():
            levels.setdefault(clause.anchor, clause.level)
    if after and after not in levels:
        raise AddedClausePlaceGone(id=after)
    # Of a heading without Latin letters its number is what can be said.
    words = next((each for each in (given[deciding], *given.values()) if propose_anchor(each) != "clause"), None)
    anchor = propose_anchor(words or str(len(levels)), {*levels, *RESERVED})
    for tag, heading in given.items():
        if not heading:
            continue
        labels = f" overlay={Mode.ADDED}{f' after={after}' if after else ''}" if tag == deciding else ""
        piece = f"{'#' * levels.get(after, 2)} {heading} {{#{anchor}{labels}}}\n"
        found = problems_of(piece, overlay=True)
        if found:
            raise AddedClauseBroken(reason=found[0].reason)
        values = values_of(held.text_in(tag))
        source = "\n\n".join(filter(None, [values.source.rstrip("\n"), piece]))
        write_text(held, tag, replace(values, source=source), by)
    note_author(held, by)
    return anchor


def follow_base_here(*, draft: Draft, anchor: str, by: Person) -> None:
    """Take out of both languages of a draft what the market does to a clause, so that it follows the base again.

    A clause that only the market has is gone then; what stood behind it stands behind what comes before. Both texts as
    they were stay with the draft. Raises `DraftNotWritable`, and `ClauseNotOverlaid` where the draft says nothing
    about the clause.
    """
    held = hold(draft)
    mode = overlays.modes_of_draft(held).get(anchor)
    deciding = held.text_in(held.document.authoritative)
    if mode is None or deciding is None:
        raise ClauseNotOverlaid(id=anchor)
    places = {each.anchor: each for each in split_clauses(deciding.source)}
    behind = places[anchor].attributes.get("after", "")
    for text in held.texts:
        values = values_of(text)
        source = _without(values.source, anchor)
        if mode is Mode.ADDED:
            source = _behind(source, anchor, behind)
        if source != values.source:
            keep_text(held, text.language, KeptBecause.FOLLOWS_BASE, values, revision=text.revision, by=text.saved_by)
            text.made_from = {key: hash_ for key, hash_ in text.made_from.items() if key != anchor}
            write_text(held, text.language, replace(values, source=source), by)
    note_author(held, by)
    record(
        "library.clause_follows_base",
        by=by,
        subject=("draft", held.code),
        before={"overlay": mode.value},
        after={"clause": anchor},
    )


def _behind(source: str, gone: str, place: str) -> str:
    """Let what was added behind a clause that is gone stand behind another one; without one at the end."""
    while can_be_split(source):
        clause = next((each for each in split_clauses(source) if each.attributes.get("after") == gone), None)
        if clause is None:
            break
        others = {name: value for name, value in clause.attributes.items() if name != "after"}
        source = write_braces(source, clause, others | ({"after": place} if place else {}))
    return source


def _note_what_follows(draft: Draft, anchor: str) -> None:
    """Note that the translation of a clause just taken from the base says what the deciding one does."""
    deciding = draft.text_in(draft.document.authoritative)
    for text in draft.texts:
        if deciding is None or text is deciding or anchor not in drafts.clauses_of_draft(text):
            continue
        base = overlays.written_origins(draft.over)[text.language] if draft.over is not None else {}
        was = queries.clause_hashes(draft.over).get(anchor) if draft.over is not None else None
        if base.get(anchor) == was:
            text.made_from = {**text.made_from, anchor: drafts.clauses_of_draft(deciding)[anchor]}
    session.flush()
