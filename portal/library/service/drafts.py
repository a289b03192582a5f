"""Drafts: begun, written by several people, proposed, taken out of the way; nothing that was written is lost."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import update

from portal.accounts.models import Person
from portal.accounts.service.ownership import set_owner
from portal.core import clock, touch
from portal.core.access import allows
from portal.core.codes import new_code
from portal.core.content import SLUG
from portal.core.db import session
from portal.core.i18n import LANGUAGES, format_instant, other
from portal.core.markdown import propose_anchor
from portal.journal.service import record
from portal.library import queries
from portal.library.errors import (
    AudienceOutOfReach,
    BaseWithdrawn,
    ClauseUnknown,
    DecidingTextChanged,
    DraftNotWritable,
    EffectiveBeforeBase,
    EffectiveTooEarly,
    IssueTooEarly,
    LineTooLong,
    MergeUndecided,
    NumberInvalid,
    NumberTooLow,
    ProposalChanged,
    ProposedNumberTaken,
    TextNotKept,
    TextTooLong,
)
from portal.library.models import (
    GROUPS,
    AudienceKind,
    ChangeClass,
    Document,
    DocumentKind,
    DocumentVersion,
    Draft,
    DraftAside,
    DraftAuthor,
    DraftKept,
    DraftReview,
    DraftState,
    DraftText,
    KeptBecause,
    ReviewAct,
)
from portal.library.permissions import WRITE_DRAFT, may_address
from portal.library.queries.drafting import find_author, find_kept_just_now, list_open_asides
from portal.library.queries.drafts import clauses_of_draft, hash_of_draft, lock_draft
from portal.library.rules import NUMBER, number_key
from portal.library.rules.merging import Digests, Side, next_numbers, read_digests
from portal.library.service.anchors import as_added, with_ids
from portal.library.service.documents import OWNED_KIND, create_document
from portal.library.service.joining import Joined, Taken, TextValues, join
from portal.library.service.overlays import followed_version, written_origins, written_texts
from portal.library.service.texts import FIELD_NAMES
from portal.library.service.versions import check_order
from portal.organisation import queries as organisation

# Four times what may be published: a draft that grew too large can still be split.
MAX_BYTES = 1024 * 1024
MAX_TITLE = 300
MAX_ASIDE_LINES = 4_000
# Of two people who write on end, the texts that were joined within this time are kept once.
JOINED_AGAIN_AFTER = timedelta(minutes=10)
# Her page says so three times a minute; more is not worth a write.
SEEN_AGAIN_AFTER = timedelta(seconds=15)
_NOT_KEPT = re.compile("[\x00\ud800-\udfff]")
# These are confirmed anew by their readers and get a number of their own rank.
_MAJOR = (ChangeClass.MATERIAL, ChangeClass.EMERGENCY)


class Outcome(StrEnum):
    """What became of a save."""

    SAVED = "saved"
    # Somebody else had saved in between and changed other clauses; both became one text.
    JOINED = "joined"
    # Somebody else had saved in between; it was put aside.
    STALE = "stale"


@dataclass(frozen=True, slots=True)
class Saved:
    """What is kept after a save; `text` is None where none has been begun."""

    outcome: Outcome
    text: DraftText | None
    aside: DraftAside | None = None
    # Of a text that was joined: what was sent, whose text it was joined with, and what that one had changed.
    sent: TextValues | None = None
    joined_with: str = ""
    taken: Taken | None = None


def values_of(text: DraftText | None) -> TextValues:
    """Return what a text of a draft says; empty where none has been begun."""
    if text is None:
        return TextValues()
    return TextValues(text.title, text.summary, text.what_to_do_differently, text.attestation, text.source)


def aside_values(aside: DraftAside) -> TextValues:
    """Return what a text that was put aside says."""
    return TextValues(**aside.values)


# --- beginning ----------------------------------------------------------------------------------


def propose_slug(title: str) -> str:
    """Return a free address made from a title; empty where the title has no Latin letters."""
    base = propose_anchor(title)
    if base == "clause" or not SLUG.fullmatch(base):
        return ""
    proposal, number = base, 2
    while queries.find_document(proposal) is not None:
        proposal, number = f"{base}-{number}", number + 1
    return proposal


def begin_document(
    *,
    slug: str,
    title: str,
    kind: DocumentKind,
    authoritative: str,
    audience: Mapping[AudienceKind, Collection[str]],
    sensitivity: str,
    review_every_months: int | None,
    by: Person,
) -> Draft:
    """Make a document whose owner is its author, and its first draft with the title.

    Raises what `create_document` raises, and `AudienceOutOfReach` where the author could not write it herself.
    """
    document = create_document(
        slug=slug,
        kind=kind,
        authoritative=authoritative,
        review_every_months=review_every_months,
        sensitivity=sensitivity,
        audience=audience,
        by=by,
    )
    if not allows(by, WRITE_DRAFT, document):
        raise AudienceOutOfReach()
    set_owner(kind=OWNED_KIND, code=slug, owner=by, by=by)
    draft = begin_draft(document=document, by=by)
    save_text(draft=draft, language=authoritative, revision=0, values=TextValues(title=title), by=by)
    return draft


def begin_draft(*, document: Document, origin: DocumentVersion | None = None, by: Person) -> Draft:
    """Begin a draft from the latest version, or from an earlier one, `origin`, that is to come back as a new version.

    What to do differently belongs to a version and is written anew for each. Raises `BaseWithdrawn`.
    """
    check_base_stands(document)
    now = clock.now()
    latest = queries.latest_version(document)
    origin = origin or latest
    minor, _major = next_numbers(latest.number if latest else None)
    draft = Draft(
        code=new_code(),
        document=document,
        based_on=latest,
        state=DraftState.WRITING,
        begun_at=now,
        begun_by=by.code,
        number=minor,
        change_class=ChangeClass.MATERIAL if latest is None else None,
        zone=_zone_of(document),
        texts=[],
        reviews=[],
        comments=[],
    )
    session.add(draft)
    session.flush()
    session.add(DraftAuthor(draft_id=draft.id, person_id=by.id, since=now, seen_at=now))
    if document.base is not None:
        # A base that has moved on since is for the author to look at; see `following.move_of`.
        draft.over = origin.over if origin is not None else followed_version(document.base)
    if origin is not None:
        origins = written_origins(origin)
        for language, text in written_texts(origin).items():
            draft.texts.append(
                DraftText(
                    language=language,
                    revision=1,
                    title=text.title,
                    summary=text.summary,
                    attestation=text.attestation,
                    source=_lines(text.source),
                    made_from=origins[language],
                    saved_at=now,
                    saved_by=by.code,
                )
            )
    session.flush()
    record(
        "library.draft_begun",
        by=by,
        subject=("draft", draft.code),
        after={
            "document": document.slug,
            "version": draft.number,
            "based_on": latest.number if latest else None,
            "taken_from": origin.number if origin and latest and origin.id != latest.id else None,
        },
    )
    return draft


def check_base_stands(document: Document) -> None:
    """See to it that a market's text has a version of its base to be written over. Raises `BaseWithdrawn`."""
    if document.base is not None and followed_version(document.base) is None:
        raise BaseWithdrawn(slug=document.base.slug)


def _zone_of(document: Document) -> str:
    markets = document.audience(AudienceKind.MARKET)
    market = organisation.find_market(markets[0]) if len(markets) == 1 else None
    return market.time_zone if market is not None else organisation.default_time_zone()


# --- writing ------------------------------------------------------------------------------------


def save_text(
    *,
    draft: Draft,
    language: str,
    revision: int,
    values: TextValues,
    base: Digests | None = None,
    besides_line: int | None = None,
    aside: str = "",
    by: Person,
) -> Saved:
    """Save a text that was written on its `revision` (0 where there was none); headings get their ids.

    Where somebody else has saved in between, both become one text as far as they changed different clauses of the one
    that they began from, of which `base` holds the digests: `JOINED` tells so, and both are kept as they were. Where
    they changed the same, or `base` is not known, what was written is put aside for its author and `STALE` tells so;
    `aside` is the code under which an earlier save of the same page was put. A save that arrives again, or says what
    is there already, changes nothing. The heading on `besides_line`, where the caret stands, gets no new id yet.
    Raises `DraftNotWritable`, `TextNotKept`, `TextTooLong` and `LineTooLong`.
    """
    values = _keepable(values)
    held = hold(draft)
    text = held.text_in(language)
    counterpart = held.text_in(other(language))
    source = with_ids(
        values.source,
        before=text.source if text else "",
        counterpart=counterpart.source if counterpart else "",
        besides_line=besides_line,
    )
    if held.over is not None and language == held.document.authoritative and source != values.source:
        source = as_added(source, written=values.source, base=queries.clause_anchors(held.over))
    kept = replace(values, source=source)
    if kept == values_of(text):
        return Saved(Outcome.SAVED, text)
    if revision != (text.revision if text else 0):
        joined = None if text is None or base is None or aside else join(base, kept, values_of(text))
        if text is not None and joined is not None and not joined.open:
            return _save_joined(held, text, joined, kept, revision=revision, by=by)
        return Saved(
            Outcome.STALE,
            text,
            _put_aside(held, language=language, revision=revision, values=values, base=base, code=aside, by=by),
        )
    text = write_text(held, language, kept, by)
    note_author(held, by)
    return Saved(Outcome.SAVED, text)


def _save_joined(
    draft: Draft, text: DraftText, joined: Joined, mine: TextValues, *, revision: int, by: Person
) -> Saved:
    theirs, whose, their_revision = values_of(text), text.saved_by, text.revision
    merged = joined.values({}, {})
    if merged != theirs:
        if merged != mine:
            keep_text(draft, text.language, KeptBecause.JOINED, theirs, revision=their_revision, by=whose)
            keep_text(draft, text.language, KeptBecause.JOINED, mine, revision=revision, by=by.code)
        text = write_text(draft, text.language, merged, by)
        note_author(draft, by)
    return Saved(Outcome.JOINED, text, sent=mine, joined_with=whose, taken=joined.taken)


def keep_text(
    draft: Draft, language: str, because: KeptBecause, values: TextValues, *, revision: int, by: str
) -> DraftKept:
    """Keep a text of a draft as it is before another takes its place.

    While two people write at the same time, their texts are joined every few seconds: of each the last one is kept.
    """
    now = clock.now()
    kept = find_kept_just_now(draft, language, by, now - JOINED_AGAIN_AFTER) if because is KeptBecause.JOINED else None
    if kept is None:
        kept = DraftKept(
            code=new_code(),
            draft_id=draft.id,
            language=language,
            because=because,
            revision=revision,
            written_by=by,
            values=asdict(values),
            at=now,
        )
        session.add(kept)
    else:
        kept.values, kept.revision, kept.at = asdict(values), revision, now
    session.flush()
    return kept


def write_text(draft: Draft, language: str, values: TextValues, by: Person) -> DraftText:
    """Write what a text of a draft that is held says from now on, as its next save."""
    text = draft.text_in(language)
    written = {**asdict(values), "saved_at": clock.now(), "saved_by": by.code}
    if text is None:
        # Whole before it is the draft's: whatever is read from the database on the way writes what there is by then.
        draft.texts.append(text := DraftText(language=language, revision=1, made_from={}, **written))
    else:
        text.revision += 1
        for name, value in written.items():
            setattr(text, name, value)
    session.flush()
    return text


def hold(draft: Draft) -> Draft:
    """Let nobody else change the draft until this transaction ends. Raises `DraftNotWritable`."""
    held = lock_draft(draft)
    session.expire(held, ["texts"])
    if held.state is not DraftState.WRITING:
        raise DraftNotWritable()
    return held


def _keepable(values: TextValues) -> TextValues:
    """Return the values as they are stored: lines end with LF. Raises what keeps them from being stored."""
    for value in asdict(values).values():
        found = _NOT_KEPT.search(value)
        if found:
            line = value.count("\n", 0, found.start()) + 1
            raise TextNotKept(line=line, code=f"{ord(found.group()):04X}")
    size = len(values.source.encode())
    if size > MAX_BYTES:
        raise TextTooLong(size=size // 1024, limit=MAX_BYTES // 1024)
    if len(values.title) > MAX_TITLE:
        raise LineTooLong(field=field_name("title"), limit=MAX_TITLE)
    for name in ("summary", "what_to_do_differently", "attestation"):
        if len(getattr(values, name)) > MAX_ASIDE_LINES:
            raise LineTooLong(field=field_name(name), limit=MAX_ASIDE_LINES)
    return TextValues(
        title=" ".join(values.title.split()),
        summary=_lines(values.summary).strip(),
        what_to_do_differently=_lines(values.what_to_do_differently).strip(),
        attestation=_lines(values.attestation).strip(),
        source=_lines(values.source),
    )


def field_name(name: str) -> str:
    """Say what a line beside a text is called."""
    return str(FIELD_NAMES[name])


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def note_author(draft: Draft, by: Person) -> None:
    """Note that the person has written in the draft: others see that she is at it, and she cannot approve it."""
    now = clock.now()
    author = find_author(draft, by)
    if author is not None:
        author.seen_at = now
        return
    session.add(DraftAuthor(draft_id=draft.id, person_id=by.id, since=now, seen_at=now))
    session.flush()
    record("library.draft_joined", by=by, subject=("draft", draft.code), after={"person": by.code})


def note_present(*, draft: Draft, person: Person, known: DraftAuthor | None) -> None:
    """Note that the page of somebody who writes in the draft is open; who has not written yet is nobody's concern."""
    now = clock.now()
    if known is None or now - known.seen_at < SEEN_AGAIN_AFTER:
        return
    draft_id, person_id = draft.id, person.id

    def write() -> None:
        session.execute(
            update(DraftAuthor)
            .where(DraftAuthor.draft_id == draft_id, DraftAuthor.person_id == person_id)
            .values(seen_at=now)
        )

    touch.note(write)


# --- what was put aside -------------------------------------------------------------------------


def _put_aside(
    draft: Draft,
    *,
    language: str,
    revision: int,
    values: TextValues,
    base: Digests | None,
    code: str,
    by: Person,
) -> DraftAside:
    now, written = clock.now(), asdict(values)
    mine = [each for each in list_open_asides(draft, by) if each.language == language]
    found = next((each for each in mine if each.code == code or each.values == written), None)
    if found is None:
        found = DraftAside(
            code=new_code(),
            draft_id=draft.id,
            language=language,
            person_id=by.id,
            revision=revision,
            values=written,
            base=base.kept() if base is not None else None,
            at=now,
        )
        session.add(found)
    else:
        found.values, found.at = written, now
    session.flush()
    return found


def compare_aside(draft: Draft, aside: DraftAside) -> Joined:
    """Compare a text that was put aside with the one that is saved, clause by clause: who changed what."""
    return join(read_digests(aside.base), aside_values(aside), values_of(draft.text_in(aside.language)))


def join_aside(
    *,
    draft: Draft,
    aside: DraftAside,
    revision: int,
    choices: Mapping[str, Side],
    edits: Mapping[str, str],
    by: Person,
) -> Saved:
    """Settle a text that was put aside with a decision on each clause and line that both changed.

    `choices` and `edits` are by the names that `Joined.open` gives; a clause that was written anew stands in `edits`.
    Raises `MergeUndecided`, and what `save_text` raises; `STALE` where somebody has saved once more since `revision`.
    """
    held = hold(draft)
    joined = compare_aside(held, aside)
    if any(name not in choices and name not in edits for name, _piece in joined.open):
        raise MergeUndecided()
    return settle_aside(draft=held, aside=aside, revision=revision, values=joined.values(choices, edits), by=by)


def settle_aside(
    *, draft: Draft, aside: DraftAside, revision: int | None, values: TextValues | None, by: Person
) -> Saved:
    """Settle a text that was put aside: with `values` they are saved on `revision`, without them it is let go.

    Both texts are kept as they were. Where somebody has saved once more in between, it stays aside and `STALE` tells
    so; what was written anew is then kept with the draft, too.
    """
    held = hold(draft)
    tag, now = aside.language, clock.now()
    text = held.text_in(tag)
    before, whose, was = values_of(text), text.saved_by if text else "", text.revision if text else 0
    mine = aside_values(aside)
    if values is None or revision is None:
        keep_text(held, tag, KeptBecause.DECIDED, mine, revision=aside.revision, by=by.code)
        aside.settled_at = now
        session.flush()
        return Saved(Outcome.SAVED, text, aside)
    if revision != was:
        # Whatever was compared is not what is saved now: what was written anew waits in the place of the old one.
        keepable = _keepable(values)
        if keepable != mine:
            keep_text(held, tag, KeptBecause.DECIDED, mine, revision=aside.revision, by=by.code)
            # What it was made from is two texts; where it differs from what is saved now, somebody decides.
            aside.values, aside.base, aside.at = asdict(keepable), None, now
            session.flush()
        return Saved(Outcome.STALE, text, aside)
    saved = save_text(draft=held, language=tag, revision=revision, values=values, aside=aside.code, by=by)
    now_says = values_of(saved.text)
    if before not in (TextValues(), now_says):
        keep_text(held, tag, KeptBecause.DECIDED, before, revision=was, by=whose)
    if mine != now_says:
        keep_text(held, tag, KeptBecause.DECIDED, mine, revision=aside.revision, by=by.code)
    aside.settled_at = now
    session.flush()
    return saved


# --- what follows the deciding text -------------------------------------------------------------


def mark_in_step(*, draft: Draft, anchors: Collection[str] | None, deciding_revision: int, by: Person) -> list[str]:
    """Say that clauses of the translation (None: all that stand in it) say what the deciding ones say now.

    `deciding_revision` is that of the deciding text that was looked at. Returns the clauses. Raises
    `DecidingTextChanged` where it has been changed since, `ClauseUnknown` for one that does not stand in both texts.
    """
    held = hold(draft)
    deciding = held.text_in(held.document.authoritative)
    translation = held.text_in(other(held.document.authoritative))
    if deciding is None or translation is None:
        raise ClauseUnknown()
    if deciding.revision != deciding_revision:
        raise DecidingTextChanged()
    hashes, there = clauses_of_draft(deciding), clauses_of_draft(translation)
    both = [anchor for anchor in hashes if anchor in there]
    if anchors is not None and not set(anchors) <= set(both):
        raise ClauseUnknown()
    marked = [
        anchor
        for anchor in both
        if (anchors is None or anchor in anchors) and translation.made_from.get(anchor) != hashes[anchor]
    ]
    if marked:
        translation.made_from = {**translation.made_from, **{anchor: hashes[anchor] for anchor in marked}}
        session.flush()
        note_author(held, by)
        record("library.draft_in_step", by=by, subject=("draft", held.code), after={"clauses": marked})
    return marked


# --- what is proposed ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Proposal:
    """What is proposed about a draft; an empty number stands for the next one."""

    number: str
    change_class: ChangeClass | None
    effective_at: datetime | None
    zone: str
    issue_at: datetime | None
    provisional_reason: str
    note: str
    # To whom the document is addressed from the publication on; None: as before.
    audience: Mapping[AudienceKind, Collection[str]] | None = None


def proposed_number(draft: Draft, change_class: ChangeClass | None) -> str:
    """Return the number that comes next for a class of change."""
    minor, major = next_numbers(draft.based_on.number if draft.based_on else None)
    return major if change_class in _MAJOR else minor


def change_proposal(*, draft: Draft, revision: int, proposal: Proposal, by: Person) -> bool:
    """Set what is proposed; a number that was only proposed follows the class of the change. Say whether it is new.

    Raises `ProposalChanged` for what was written on another `revision`, and `NumberInvalid`, `NumberTooLow`,
    `ProposedNumberTaken`, `AudienceOutOfReach`, `IssueTooEarly`, `EffectiveTooEarly`, `EffectiveBeforeBase`, or
    `EffectiveBeforeEarlier` where an older version would come back into force after it.
    """
    held = hold(draft)
    before = facts_of_proposal(held)
    if revision != held.revision:
        raise ProposalChanged()
    number = proposal.number
    was_proposed = number == held.number == proposed_number(held, held.change_class)
    if not number or (was_proposed and proposal.change_class is not held.change_class):
        number = proposed_number(held, proposal.change_class)
    _check_number(held, number)
    if proposal.issue_at is not None and proposal.issue_at != held.issue_at and proposal.issue_at < clock.now():
        raise IssueTooEarly()
    issued_at = proposal.issue_at or clock.now()
    if proposal.effective_at is not None and proposal.effective_at < issued_at:
        raise EffectiveTooEarly()
    over = held.over
    if over is not None and proposal.effective_at is not None and proposal.effective_at < over.effective_at:
        raise EffectiveBeforeBase(number=over.number, when=format_instant(over.effective_at, over.zone))
    # Left open, it takes effect when it is published; whether that is too early is found out then.
    proposed = proposal.effective_at or proposal.issue_at
    if proposed is not None:
        check_order(held.document.versions, max(proposed, over.effective_at) if over is not None else proposed)
    held.number, held.change_class = number, proposal.change_class
    held.effective_at, held.zone, held.issue_at = proposal.effective_at, proposal.zone, proposal.issue_at
    held.audience = _proposed_audience(held, proposal.audience, by)
    held.provisional_reason, held.note = proposal.provisional_reason.strip(), proposal.note.strip()
    after = facts_of_proposal(held)
    changed = {name for name in after if after[name] != before[name]}
    if not changed:
        return False
    held.revision += 1
    session.flush()
    note_author(held, by)
    record(
        "library.proposal_changed",
        by=by,
        subject=("draft", held.code),
        before={name: before[name] for name in sorted(changed)},
        after={name: after[name] for name in sorted(changed)},
    )
    return True


def _proposed_audience(
    draft: Draft, audience: Mapping[AudienceKind, Collection[str]] | None, by: Person
) -> dict[str, list[str]] | None:
    """Return an audience as a draft keeps it; None where it is the present one, or goes with a base."""
    document = draft.document
    if audience is None or document.base_id is not None:
        return None
    wanted = {kind.value: sorted(set(audience.get(kind, ()))) for kind in GROUPS}
    if wanted == {kind.value: sorted(document.audience(kind)) for kind in GROUPS}:
        return None
    if not may_address(by, wanted[AudienceKind.MARKET.value]):
        raise AudienceOutOfReach()
    return wanted


def _check_number(draft: Draft, number: str) -> None:
    if not NUMBER.fullmatch(number):
        raise NumberInvalid(number=number)
    numbers = [version.number for version in draft.document.versions]
    latest = numbers[-1] if numbers else None
    if number in numbers:
        raise ProposedNumberTaken(number=number, next=next_numbers(latest)[0])
    if latest is not None and number_key(number) < number_key(latest):
        raise NumberTooLow(number=number, latest=latest)


def facts_of_proposal(draft: Draft) -> dict[str, Any]:
    """Return what is proposed as the journal keeps it."""
    return {
        "number": draft.number,
        "change_class": draft.change_class.value if draft.change_class else None,
        "effective_at": draft.effective_at.isoformat() if draft.effective_at else None,
        "zone": draft.zone,
        "issue_at": draft.issue_at.isoformat() if draft.issue_at else None,
        "provisional_reason": draft.provisional_reason,
        "note": draft.note,
        **{kind.value: draft.audience[kind.value] if draft.audience is not None else None for kind in GROUPS},
    }


# --- the end ------------------------------------------------------------------------------------


def discard_draft(*, draft: Draft, reason: str, by: Person) -> None:
    """Give a draft up; its texts stay as they are and can be read. Raises `DraftNotWritable`."""
    held = hold(draft)
    now = clock.now()
    held.state, held.ended_at = DraftState.DISCARDED, now
    held.reviews.append(
        DraftReview(
            number=len(held.reviews) + 1,
            act=ReviewAct.DISCARDED,
            at=now,
            by=by.code,
            reason=reason.strip(),
            hash=hash_of_draft(held),
        )
    )
    session.flush()
    record(
        "library.draft_discarded",
        by=by,
        subject=("draft", held.code),
        after={"document": held.document.slug},
        reason=reason.strip() or None,
    )


def languages_of(draft: Draft) -> tuple[str, str]:
    """Return the deciding language of a draft, and the other one."""
    deciding = draft.document.authoritative
    return deciding, next(tag for tag in LANGUAGES if tag != deciding)
