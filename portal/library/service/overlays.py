"""What a market does otherwise: an overlay laid over a version of its base, and what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from portal.core import clock
from portal.core.i18n import LANGUAGES, Words
from portal.core.i18n import gettext as _
from portal.core.markdown import TOP, ClauseSource, Problem, split_clauses
from portal.library import queries
from portal.library.models import Document, DocumentVersion, Draft, DraftText, VersionText
from portal.library.queries.drafting import origins_of_version, texts_of_version
from portal.library.queries.drafts import behind_of_draft, clauses_in
from portal.library.rules import changes_between, clauses_behind
from portal.library.rules.changes import last_that_stands, takes_effect_last
from portal.library.rules.overlays import Clash, Mode, Overlaid, arranged, circles, clashes
from portal.library.service.texts import TextDraft, can_be_split, pieces_of, problems_of
from portal.organisation import queries as organisation

_ATX = re.compile(r" {0,3}#{1,6}[ \t]+(?P<words>.*?)(?:[ \t]+#+)?[ \t]*")
# What a text names elsewhere in itself: notes at its foot, and addresses of links.
_LABEL = re.compile(r"^ {0,3}\[(?P<label>\^?[^\]\n]{1,200})\]:", re.MULTILINE)
_NOT_APPLICABLE = Words("**This clause does not apply in {market}.**", "**この条項は{market}では適用しません。**")
# Said so until then: versions that were published with these words read with them for ever.
_SAID_BEFORE = (Words(_NOT_APPLICABLE.en, "**この条項は{market}では適用しない。**"),)
# What stands beside a text; where an overlay leaves it empty, its base says it.
LINES = ("title", "summary", "what_to_do_differently", "attestation")


@dataclass(frozen=True, slots=True)
class Written:
    """A text of an overlay as its author wrote it, and in a translation which deciding clauses it says."""

    title: str
    summary: str
    what_to_do_differently: str
    attestation: str
    source: str
    made_from: Mapping[str, str | None]
    # What its market was called then.
    market: str
    # What its file states, where it came in one: the version whose deciding text it says, and where it does not follow.
    says_number: str = ""
    stated_behind: str = ""

    def kept(self) -> dict[str, Any]:
        """Return it as `VersionText.overlay` keeps it."""
        stated = {name: getattr(self, name) for name in ("says_number", "stated_behind") if getattr(self, name)}
        return {
            **{name: getattr(self, name) for name in (*LINES, "source", "market")},
            "made_from": {anchor: hash_ for anchor, hash_ in self.made_from.items() if hash_ is not None},
            **stated,
        }


@dataclass(frozen=True, slots=True)
class Base:
    """What an overlay is laid over: a version of its base, be it published or in the files of a folder.

    `origins` is language → clause id → hash of the deciding clause that it says, as far as that is known.
    """

    authoritative: str
    texts: Mapping[str, TextDraft]
    origins: Mapping[str, Mapping[str, str]]

    @property
    def deciding(self) -> TextDraft:
        """The text that decides."""
        return self.texts[self.authoritative]

    @property
    def anchors(self) -> list[str]:
        """The ids of its clauses in their order."""
        return [clause.anchor for clause in split_clauses(self.deciding.source)]


def base_of(version: DocumentVersion) -> Base:
    """Return a published version as something that an overlay is laid over."""
    return Base(
        authoritative=version.document.authoritative,
        texts={
            language: TextDraft(language, source=text.source, **{name: getattr(text, name) for name in LINES})
            for language, text in texts_of_version(version).items()
        },
        origins=origins_of_version(version),
    )


def is_overlay(document: Document) -> bool:
    """Say whether a document says what a market does otherwise than another document."""
    return document.base_id is not None


def written(text: VersionText) -> TextDraft:
    """Return a published text as its author wrote it: of an overlay what stands in its own file."""
    kept = text.overlay
    if kept is None:
        return TextDraft(
            language=text.language,
            title=text.title,
            source=text.source,
            summary=text.summary,
            what_to_do_differently=text.what_to_do_differently,
            attestation=text.attestation,
        )
    return TextDraft(
        language=text.language,
        source=kept["source"],
        made_from=kept["made_from"],
        **{name: kept[name] for name in LINES},
    )


def written_texts(version: DocumentVersion) -> dict[str, TextDraft]:
    """Return the texts of a version by language as their authors wrote them."""
    return {language: written(text) for language, text in texts_of_version(version).items()}


def written_origins(version: DocumentVersion) -> dict[str, dict[str, str]]:
    """Return language → clause id → hash of the deciding clause that it says, for the texts as they were written."""
    if version.over_id is None:
        return origins_of_version(version)
    return {
        language: {} if text is None or text.overlay is None else dict(text.overlay["made_from"])
        for language, text in ((tag, texts_of_version(version).get(tag)) for tag in LANGUAGES)
    }


def stated_of(version: DocumentVersion, text: VersionText) -> tuple[str, str]:
    """Return what a file of a text states besides: whose deciding text it says, and which clauses do not follow.

    Of an overlay the second is about what its author wrote: base clauses follow with the base.
    """
    kept = text.overlay
    if kept is None:
        return text.says_number, text.stated_behind or ""
    deciding = version.text_in(version.document.authoritative)
    if "says_number" in kept or deciding is None or deciding.overlay is None or text.language == deciding.language:
        return kept.get("says_number", version.number), kept.get("stated_behind", "")
    own, follows = _clauses(deciding.overlay["source"]), kept["made_from"]
    behind = [each.anchor for each in own.values() if not is_silent(each) and follows.get(each.anchor) != each.hash]
    return version.number, ", ".join(behind)


def is_silent(clause: ClauseSource) -> bool:
    """Say whether a clause only says that it does not apply: the same in every language."""
    return clause.attributes.get("overlay") == Mode.NOT_APPLICABLE and not clause.body


def followed_version(base: Document) -> DocumentVersion | None:
    """Return the version of a base over which its overlays are laid: the last one that was not withdrawn."""
    return next((each for each in reversed(base.versions) if each.withdrawn_at is None), None)


def version_to_follow_with(overlay: Document) -> DocumentVersion | None:
    """Return the version of an overlay that says what its market does otherwise over the next version of its base.

    The newest one that stands, whatever was withdrawn only because its base was; where all were, the newest. None where
    the newest was withdrawn for itself: its market follows the base again.
    """
    for version in reversed(overlay.versions):
        if version.withdrawn_at is None:
            return version
        if not is_withdrawn_with_base(version):
            return None
    return queries.latest_version(overlay)


def is_withdrawn_with_base(version: DocumentVersion) -> bool:
    """Say whether a version of an overlay was withdrawn for no other reason than that its base was."""
    over = version.over
    return over is not None and over.withdrawn_at is not None and over.withdrawn_at == version.withdrawn_at


def may_come_before(document: Document, over: DocumentVersion, effective_at: datetime) -> bool:
    """Say whether an overlay may be published over the version of its base in force, though a later one is issued.

    What is urgent need not wait for the day of the base. It has to take effect before that day, and nothing that the
    market has issued may take effect after it: the older text would come back into force then.
    """
    base, now = document.base, clock.now()
    followed = followed_version(base) if base is not None else None
    if base is None or followed is None or followed.id == over.id or not now < followed.effective_at:
        return False
    in_force = queries.version_in_force(base)
    last = takes_effect_last(document.versions)
    return (
        in_force is not None
        and in_force.id == over.id
        and effective_at < followed.effective_at
        and (last is None or last.effective_at <= effective_at)
    )


def comes_before_base(draft: Draft) -> bool:
    """Say whether a draft of an overlay may be published as it is, before a version of its base takes effect."""
    if draft.over is None:
        return False
    return may_come_before(draft.document, draft.over, draft.effective_at or draft.issue_at or clock.now())


# --- what it does to which clause ----------------------------------------------------------------


def overlaid_in(source: str, known: Iterable[str]) -> list[Overlaid]:
    """Return what a text of an overlay does to the clauses that its base has, in its order.

    A heading that says nothing replaces the clause of its id. Text before the first heading stands below that of the
    base. What names a clause that the base does not have counts as added.
    """
    there: set[str] = set(known)
    found: dict[str, Overlaid] = {}
    for clause in split_clauses(source) if can_be_split(source) else ():
        if not clause.anchor or clause.anchor in found:
            continue
        if clause.level == 0:
            found[TOP] = Overlaid(TOP, Mode.APPENDED)
            continue
        stated = clause.attributes.get("overlay", "")
        mode = Mode(stated) if stated in set(Mode) else Mode.REPLACED
        mode = mode if clause.anchor in there else Mode.ADDED
        found[clause.anchor] = Overlaid(clause.anchor, mode, clause.attributes.get("after", ""))
    return list(found.values())


def modes_of(version: DocumentVersion) -> dict[str, Mode]:
    """Return clause id → what a published overlay does to it; empty for any other version."""
    if version.over is None:
        return {}
    text = texts_of_version(version).get(version.document.authoritative)
    if text is None or text.overlay is None:
        return {}
    return {
        each.anchor: each.mode for each in overlaid_in(text.overlay["source"], queries.clause_anchors(version.over))
    }


def changed_in(over: DocumentVersion) -> set[str]:
    """Return the clauses that a version of a base changed or took out; none where it is the first."""
    earlier = [each for each in over.document.versions if each.sequence < over.sequence]
    before = last_that_stands(earlier)
    if before is None:
        return set()
    changes = changes_between(queries.clause_hashes(before), queries.clause_hashes(over))
    return {*changes.changed, *changes.added, *changes.removed}


def is_told_otherwise(over: DocumentVersion, modes: Mapping[str, Mode]) -> bool:
    """Say whether a market says something else in the place of what a version of its base changed.

    What to do differently is then for the market to say: what the base says of it may be wrong there.
    """
    instead = {anchor for anchor, mode in modes.items() if mode is not Mode.APPENDED}
    return bool(instead) and not changed_in(over).isdisjoint(instead)


def what_to_do_differently(version: DocumentVersion, text: VersionText) -> str:
    """Return what readers of a version are told to do differently, empty for nothing.

    A market's text that does not say it has the words of its base, but where the market does otherwise in the very
    clauses that the base changed.
    """
    line = text.what_to_do_differently
    if not line or version.over is None or text.overlay is None or text.overlay["what_to_do_differently"]:
        return line
    return "" if is_told_otherwise(version.over, modes_of(version)) else line


def clashes_between(deciding: str, before: DocumentVersion, after: DocumentVersion) -> dict[str, Clash]:
    """Return clause id → what changed in the base, between two of its versions, under an overlay's deciding text."""
    if before.id == after.id:
        return {}
    was, now = queries.clause_hashes(before), queries.clause_hashes(after)
    return clashes(overlaid_in(deciding, was), was, now)


# --- laid over ----------------------------------------------------------------------------------


def resolved(
    document: Document, over: DocumentVersion, texts: Sequence[TextDraft], *, market: Words | None = None
) -> list[TextDraft]:
    """Return the texts of an overlay as they read over a published version of its base, as `laid_over` does.

    `market` is what its market is called, today's name by default.
    """
    return laid_over(base_of(over), market or _name_of(document), texts)


def ways_of_reading(over: DocumentVersion, market: Words, texts: Sequence[TextDraft]) -> Iterator[dict[str, str]]:
    """Yield language → source of an overlay over a version of its base, in each way in which that was ever said."""
    for said in (_NOT_APPLICABLE, *_SAID_BEFORE):
        yield {text.language: text.source for text in laid_over(base_of(over), market, texts, said=said)}


def laid_over(base: Base, market: Words, texts: Sequence[TextDraft], *, said: Words | None = None) -> list[TextDraft]:
    """Return the texts of an overlay as they read over its base, in every language that one of them has.

    A clause of which a translation does not have its part is left out of the translation, so that readers meet it in
    the deciding language and are told so: half of a rule is never shown as the whole. Where the deciding text that
    results is beyond the limits of a text, it is the only one returned.
    """
    said = said or _NOT_APPLICABLE
    given = {text.language: text for text in texts}
    own = given.get(base.authoritative)
    if own is None:
        return []
    deciding = base.deciding
    pieces = pieces_of(deciding.source)
    overlaid = overlaid_in(own.source, pieces)
    order = arranged(list(pieces), overlaid)
    own_clauses, base_clauses = _clauses(own.source), _clauses(deciding.source)
    source = _Layers(
        said.in_(own.language).format(market=market.in_(own.language)), pieces, base_clauses, own_clauses
    ).joined(order, overlaid)
    found = [_with_lines(own, deciding, source, Written(*_lines(own), own.source, {}, market.in_(own.language)), None)]
    second = next(tag for tag in LANGUAGES if tag != base.authoritative)
    theirs, mine = base.texts.get(second), given.get(second)
    if (theirs is None and mine is None) or not can_be_split(source):
        return found
    mine = mine or TextDraft(language=second, title="", source="")
    hashes = {each.anchor: each.hash for each in split_clauses(source)}
    own_hashes = {each.anchor: each.hash for each in own_clauses.values()}
    base_hashes = {each.anchor: each.hash for each in base_clauses.values()}
    origins = base.origins.get(second, {})
    made_from = _made_from(mine, own_hashes)
    there = pieces_of(theirs.source) if theirs is not None else {}
    parts = _clauses(mine.source)
    modes = {each.anchor: each.mode for each in overlaid}
    whole, says = [], {}
    for anchor in order:
        mode = modes.get(anchor)
        if mode is None:
            is_there, origin = anchor in there, origins.get(anchor)
            follows = origin == base_hashes.get(anchor)
        else:
            is_silent = mode is Mode.NOT_APPLICABLE and not own_clauses[anchor].body
            has_part = anchor in parts or is_silent
            needs_base = mode in (Mode.APPENDED, Mode.NOT_APPLICABLE) and anchor in pieces
            is_there = has_part and (anchor in there or not needs_base)
            origin = None
            follows = is_silent or made_from.get(anchor) == own_hashes.get(anchor)
            if mode is Mode.APPENDED and anchor in pieces:
                follows = follows and origins.get(anchor) == base_hashes.get(anchor)
        if is_there:
            whole.append(anchor)
            says[anchor] = hashes.get(anchor) if follows else origin
    their_clauses = _clauses(theirs.source) if theirs is not None else {}
    text = _Layers(said.in_(second).format(market=market.in_(second)), there, their_clauses, parts).joined(
        whole, overlaid
    )
    if text.strip():
        kept = Written(*_lines(mine), mine.source, made_from, market.in_(second))
        found.append(_with_lines(mine, theirs, text, kept, says))
    return found


def _name_of(document: Document) -> Words:
    code = document.market or ""
    market = organisation.find_market(code)
    return market.name if market is not None else Words(code, code)


def _lines(text: TextDraft) -> tuple[str, str, str, str]:
    return text.title, text.summary, text.what_to_do_differently, text.attestation


def _with_lines(
    text: TextDraft, base: TextDraft | None, source: str, kept: Written, made_from: Mapping[str, str | None] | None
) -> TextDraft:
    kept = replace(kept, says_number=text.says_number, stated_behind=text.stated_behind or "")
    lines = {name: getattr(text, name) or (getattr(base, name) if base is not None else "") for name in LINES}
    # The number of the text's own file; which clauses follow is told one by one.
    return replace(
        text, source=source, made_from=made_from, stated_behind=None, overlay=kept.kept(), says_number="", **lines
    )


def _clauses(source: str) -> dict[str, ClauseSource]:
    found: dict[str, ClauseSource] = {}
    for clause in split_clauses(source) if can_be_split(source) else ():
        if clause.anchor:
            found.setdefault(clause.anchor, clause)
    return found


def _made_from(text: TextDraft, deciding: Mapping[str, str]) -> dict[str, str | None]:
    """Return which deciding clauses of the overlay a translation of it says; a file says all but those it names."""
    if text.made_from is not None:
        return dict(text.made_from)
    behind = {each.strip() for each in (text.stated_behind or "").split(",")}
    return {
        anchor: deciding.get(anchor) for anchor in _clauses(text.source) if anchor in deciding and anchor not in behind
    }


@dataclass(frozen=True, slots=True)
class _Layers:
    """A base and an overlay in one language: the base as it is cut into clauses, and the clauses of both by id."""

    # What stands in a clause that does not apply.
    not_applicable: str
    base: Mapping[str, str]
    theirs: Mapping[str, ClauseSource]
    parts: Mapping[str, ClauseSource]

    def joined(self, order: Sequence[str], overlaid: Sequence[Overlaid]) -> str:
        """Return the text that results, with the clauses of these ids."""
        modes = {each.anchor: each.mode for each in overlaid}
        pieces: list[str] = []
        for anchor in order:
            mode, part = modes.get(anchor), self.parts.get(anchor)
            if mode is None:
                pieces.append(self.base[anchor])
            elif mode is Mode.NOT_APPLICABLE:
                pieces.append(self._not_applicable(anchor))
            elif part is not None and part.level == 0 and anchor not in self.theirs:
                # What stands before the first heading comes first.
                pieces.insert(0, part.body)
            elif part is not None:
                pieces.append(self._clause(mode, part, self.theirs.get(anchor)))
        return "\n\n".join(pieces) + "\n" if pieces else ""

    def _clause(self, mode: Mode, part: ClauseSource, theirs: ClauseSource | None) -> str:
        if mode is not Mode.APPENDED or theirs is None:
            return _blocks(_heading(part, part, theirs), part.body)
        return _blocks("" if theirs.level == 0 else _heading(theirs, part, theirs), theirs.body, part.body)

    def _not_applicable(self, anchor: str) -> str:
        part, theirs = self.parts.get(anchor), self.theirs.get(anchor)
        words = theirs or part
        assert words is not None
        return _blocks(_heading(words, part, theirs), self.not_applicable, part.body if part is not None else "")


def _blocks(*blocks: str) -> str:
    return "\n\n".join(block for block in blocks if block)


def heading_of(clause: ClauseSource) -> str:
    """Return the heading of a clause on one line, with its id alone in the braces."""
    return f"{'#' * clause.level} {_words_of(clause)} {{#{clause.anchor}}}"


def _words_of(clause: ClauseSource) -> str:
    head = clause.source[: len(clause.source) - len(clause.body)].strip() if clause.body else clause.source
    atx = _ATX.fullmatch(head)
    # A heading by its underline may have several lines of words.
    return atx["words"] if atx else " ".join(line.strip() for line in head.split("\n")[:-1])


def _heading(words: ClauseSource, part: ClauseSource | None, theirs: ClauseSource | None) -> str:
    """Return a heading with its id: at the level that the base gives it, labelled as the higher of the two is."""
    labels = [each.sensitivity for each in (part, theirs) if each is not None and each.sensitivity]
    label = f" sensitivity={max(labels)}" if labels else ""
    return f"{'#' * (theirs or words).level} {_words_of(words)} {{#{words.anchor}{label}}}"


# --- drafts -------------------------------------------------------------------------------------


def texts_of_draft(draft: Draft) -> list[TextDraft]:
    """Return the texts of a draft as they would be published; a second language that nobody has begun is left out."""
    texts = written_texts_of_draft(draft)
    if draft.over is None:
        return texts
    authoritative = draft.document.authoritative
    if not any(text.language == authoritative for text in texts):
        # Where the market has not written anything yet, everything reads as in the base.
        texts = [TextDraft(authoritative, "", ""), *texts]
    return resolved(draft.document, draft.over, texts)


def written_texts_of_draft(draft: Draft, unsaved: Mapping[str, str] | None = None) -> list[TextDraft]:
    """Return the texts of a draft as they are written; a second language that nobody has begun is left out.

    With `unsaved`, language → source, as they would be if that were saved.
    """
    authoritative = draft.document.authoritative
    if unsaved:
        texts = {text.language: _text_of(text, authoritative) for text in draft.texts}
        for language, source in unsaved.items():
            texts[language] = replace(texts.get(language) or TextDraft(language, "", ""), source=source)
        return [text for text in texts.values() if text.language == authoritative or text.source.strip()]
    return [
        _text_of(text, authoritative) for text in draft.texts if text.language == authoritative or text.source.strip()
    ]


def _text_of(text: DraftText, authoritative: str) -> TextDraft:
    return TextDraft(
        language=text.language,
        title=text.title,
        source=text.source,
        summary=text.summary,
        what_to_do_differently=text.what_to_do_differently,
        attestation=text.attestation,
        made_from=None if text.language == authoritative else dict(text.made_from),
    )


def text_of_draft(draft: Draft, language: str) -> TextDraft | None:
    """Return the text of a draft in a language as it would be published, or None where there is none."""
    return next((text for text in texts_of_draft(draft) if text.language == language), None)


def clause_map(draft: Draft) -> dict[str, dict[str, str]]:
    """Return language → clause id → hash of all texts of a draft as they would be published, for its submission."""
    return {text.language: clauses_in(text.source) for text in texts_of_draft(draft) if text.source.strip()}


def behind_of_text(draft: Draft, texts: Sequence[TextDraft], language: str) -> tuple[str, ...]:
    """Return the clauses in which a text of a draft, as it would be published, does not say what the deciding one says.

    `texts` are what `texts_of_draft` returns. Of a market's text those of the base are among them.
    """
    if draft.over is None or language == draft.document.authoritative:
        return behind_of_draft(draft, language)
    given = {text.language: text for text in texts}
    deciding, text = given.get(draft.document.authoritative), given.get(language)
    if deciding is None:
        return ()
    own = clauses_in(text.source) if text is not None else {}
    made_from = (text.made_from or {}) if text is not None else {}
    return clauses_behind(clauses_in(deciding.source), {anchor: made_from.get(anchor) for anchor in own})


def modes_of_draft(draft: Draft) -> dict[str, Mode]:
    """Return clause id → what a draft of an overlay does to it, in the order of its text; empty for any other draft."""
    text = draft.text_in(draft.document.authoritative)
    if draft.over is None or text is None:
        return {}
    return {each.anchor: each.mode for each in overlaid_in(text.source, queries.clause_anchors(draft.over))}


def has_base_moved(draft: Draft) -> bool:
    """Say whether the base of an overlay has another version, over which a draft has to be laid first."""
    base = draft.document.base
    followed = followed_version(base) if base is not None else None
    return followed is not None and followed.id != draft.over_id and not comes_before_base(draft)


def clashes_of_draft(draft: Draft) -> dict[str, Clash]:
    """Return clause id → what its base did under a draft of an overlay since the version on which it is written."""
    text, base = draft.text_in(draft.document.authoritative), draft.document.base
    followed = followed_version(base) if base is not None else None
    if text is None or draft.over is None or followed is None:
        return {}
    return clashes_between(text.source, draft.over, followed)


# --- what is wrong with it ----------------------------------------------------------------------


def problems_of_overlay(
    document: Document, over: DocumentVersion, texts: Sequence[TextDraft], *, pictures: frozenset[str] | None = None
) -> list[tuple[str, Problem]]:
    """Return what keeps the texts of an overlay from being published over a version of its base, by language.

    Lines are those of the texts as they were written; 0 where the text that results is meant.
    """
    return problems_over(base_of(over), _name_of(document), texts, pictures=pictures)


def problems_over(
    base: Base, market: Words, texts: Sequence[TextDraft], *, pictures: frozenset[str] | None = None
) -> list[tuple[str, Problem]]:
    """Return what keeps the texts of an overlay from being published over its base, as `problems_of_overlay` does."""
    deciding = next((text for text in texts if text.language == base.authoritative), None)
    anchors = base.anchors
    found: list[tuple[str, Problem]] = []
    for text in texts:
        found += [(text.language, problem) for problem in problems_of(text.source, pictures=pictures, overlay=True)]
        # What a translation does is said by the deciding text.
        own = (
            problems_in(text.source, anchors)
            if deciding is None or text is deciding
            else _differences(text.source, deciding.source, anchors)
        )
        found += [(text.language, each) for each in own]
        if text.language in base.texts:
            found += [(text.language, each) for each in _labels_taken(text.source, base.texts[text.language].source)]
    if found:
        return found
    shown = laid_over(base, market, texts)
    for text in shown:
        for problem in problems_of(text.source):
            reason = _("Laid over its base, the text cannot be published: %(reason)s", reason=problem.reason)
            found.append((text.language, Problem(0, reason, problem.mend)))
    for language in {text.language for text in texts} - {text.language for text in shown} if not found else ():
        reason = _("Nothing of this text would be shown: the base says nothing in this language to which it could add.")
        found.append((language, Problem(0, reason, _("Leave it out until the base is translated."))))
    return found


def is_publishable_over(base: Base, document: Document, texts: Sequence[TextDraft]) -> bool:
    """Say whether the texts of an overlay could be published over something that is not published yet."""
    return not problems_over(base, _name_of(document), texts)


def problems_in(source: str, anchors: Iterable[str]) -> list[Problem]:
    """Return which headings of an overlay do not say what they do to the base, whose clause ids are given."""
    known = set(anchors)
    clauses = split_clauses(source) if can_be_split(source) else []
    own = {clause.anchor for clause in clauses}
    problems = []
    for clause in clauses:
        mode, after = clause.attributes.get("overlay", ""), clause.attributes.get("after", "")
        if not clause.anchor or clause.level == 0:
            continue
        if mode and mode not in set(Mode):
            problems.append(
                Problem(
                    clause.line,
                    _("“%(value)s” is not known for “%(key)s”.", value=mode, key="overlay"),
                    _("Write one of: %(keys)s.", keys=", ".join(Mode)),
                )
            )
        elif mode == Mode.ADDED and clause.anchor in known:
            problems.append(
                Problem(
                    clause.line,
                    _("The base has a clause “%(id)s” already.", id=clause.anchor),
                    _("Write overlay=replace, or give the added clause another id."),
                )
            )
        elif mode != Mode.ADDED and clause.anchor not in known:
            problems.append(
                Problem(
                    clause.line,
                    _("The base has no clause “%(id)s”.", id=clause.anchor),
                    _("Correct the id, or write overlay=add for a clause that only this market has."),
                )
            )
        elif after and mode != Mode.ADDED:
            problems.append(
                Problem(
                    clause.line,
                    _("“%(key)s” is only for a clause that is added.", key="after"),
                    _("Remove it: the clause stands where it stands in the base."),
                )
            )
        elif after and after == clause.anchor:
            problems.append(
                Problem(
                    clause.line,
                    _("The clause “%(id)s” cannot stand behind itself.", id=after),
                    _("Name behind “after” the clause behind which this one stands."),
                )
            )
        elif after and after not in known | own | {TOP}:
            problems.append(
                Problem(
                    clause.line,
                    _("The base has no clause “%(id)s”.", id=after),
                    _("Name behind “after” the clause behind which this one stands."),
                )
            )
    return problems + _circles(clauses, known)


def _circles(clauses: Sequence[ClauseSource], known: Collection[str]) -> list[Problem]:
    """Return the added clauses that stand behind one another in a circle: none of them would have a place."""
    added = {
        clause.anchor: Overlaid(clause.anchor, Mode.ADDED, clause.attributes.get("after", ""))
        for clause in clauses
        if clause.anchor and clause.anchor not in known
    }
    named = {anchor: circle for circle in circles(added.values()) if len(circle) > 1 for anchor in circle}
    return [
        Problem(
            clause.line,
            _(
                "These clauses stand behind one another in a circle: %(ids)s.",
                ids=_(", ").join(named[clause.anchor]),
            ),
            _("Let one of them stand behind another clause."),
        )
        for clause in clauses
        if clause.anchor in named
    ]


def _differences(source: str, deciding: str, anchors: Iterable[str]) -> list[Problem]:
    """Return where a translation does something else to the base than the deciding text."""
    wanted = {each.anchor: each for each in overlaid_in(deciding, anchors)}
    problems = []
    for clause in split_clauses(source) if can_be_split(source) else ():
        if not clause.anchor:
            continue
        there = wanted.get(clause.anchor)
        if there is None:
            problems.append(
                Problem(
                    clause.line,
                    _("The clause “%(id)s” is not in the authoritative text.", id=clause.anchor),
                    _("Both languages change the same clauses of the base."),
                )
            )
        elif clause.attributes.get("overlay", there.mode) != there.mode or (
            "after" in clause.attributes and clause.attributes["after"] != there.after
        ):
            problems.append(
                Problem(
                    clause.line,
                    _("The clause “%(id)s” does something else here than in the authoritative text.", id=clause.anchor),
                    _("Leave “overlay” and “after” out of the translation: the authoritative text says them."),
                )
            )
    return problems


def _labels_taken(source: str, base: str) -> list[Problem]:
    theirs = {found["label"].casefold() for found in _LABEL.finditer(base)}
    return [
        Problem(
            source.count("\n", 0, found.start()) + 1,
            _("The base has a note or an address “%(label)s”, too.", label=found["label"]),
            _("Give it another name, so that both are found."),
        )
        for found in _LABEL.finditer(source)
        if found["label"].casefold() in theirs
    ]
