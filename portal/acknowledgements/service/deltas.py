"""The personal delta: what changed for somebody since she last confirmed, and the questions about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from portal.accounts.models import Person
from portal.acknowledgements import rules
from portal.acknowledgements.errors import AnswersMissing, AnswerUnknown
from portal.acknowledgements.models import AcknowledgementRequest, DeltaAnswer
from portal.acknowledgements.queries import campaigns as requests
from portal.acknowledgements.queries import deltas as reading
from portal.core import clock, touch
from portal.core.db import session
from portal.core.i18n import LANGUAGES
from portal.core.markdown import reading_minutes
from portal.journal.service import record
from portal.library import queries as library
from portal.library.models import Document, DocumentVersion, VersionText
from portal.library.queries.redlines import ClauseRedline, redline_of_versions
from portal.library.rules import Changes, Standing, changes_between
from portal.library.service.changed import changed_in_version
from portal.library.service.dependants import base_of
from portal.library.service.overlays import modes_of, what_to_do_differently
from portal.quizzes import queries as quizzes
from portal.quizzes.models import QuestionCitation, QuestionState, QuestionVersion
from portal.quizzes.queries import pool, staleness
from portal.quizzes.service.single import mark_single


@dataclass(frozen=True, slots=True)
class News:
    """What is to be done differently since a version in between."""

    number: str
    effective_at: datetime
    zone: str
    text: str
    language: str


@dataclass(frozen=True, slots=True)
class CheckItem:
    """A question about what changed, and what was answered to it last."""

    address: str
    version: QuestionVersion
    citations: Sequence[QuestionCitation]
    is_right: bool
    last: DeltaAnswer | None


@dataclass(frozen=True, slots=True)
class Delta:
    """What lies for a person between the version that she confirmed last and the one to be confirmed."""

    document: Document
    # None: she has confirmed none yet, so that the whole text is new to her.
    old: DocumentVersion | None
    new: DocumentVersion
    request: AcknowledgementRequest | None
    changes: Changes
    covered: Sequence[DocumentVersion]
    # The clauses that she is asked about: what changed for her, see `asked_about`.
    asked_about: Sequence[str]
    check: Sequence[CheckItem]

    @property
    def is_passed(self) -> bool:
        """Whether every question has been answered rightly; so it is where there is none."""
        return all(item.is_right for item in self.check)

    @property
    def size(self) -> int:
        """How many clauses are new, different, gone or elsewhere."""
        changes = self.changes
        return len(changes.added) + len(changes.changed) + len(changes.removed) + len(changes.moved)


def goal_of(document: Document, asked: DocumentVersion) -> DocumentVersion | None:
    """Return which version is read and confirmed where one is asked for, or None where nothing applies any more.

    The version itself; once another one that asked nobody has taken its place, that one, which says it, too.
    """
    if library.standing_of(asked) in (Standing.IN_FORCE, Standing.ISSUED):
        return asked
    current = library.version_in_force(document)
    return current if current is not None and current.sequence > asked.sequence else None


def find_delta(person: Person, document: Document) -> Delta | None:
    """Return what changed for the person up to what she is asked to confirm or was let off, or what the document shows.

    None where nothing applies.
    """
    request = requests.find_open_or_exempt(person, document)
    if request is None or (request.closed_at is not None and request.campaign.closed_at is not None):
        shown = library.version_to_read(document)
        return None if shown is None else delta_until(person, document, shown, None)
    asked = next(each for each in document.versions if each.id == request.campaign.version_id)
    new = goal_of(document, asked)
    return None if new is None else delta_until(person, document, new, None if request.closed_at else request)


def delta_until(
    person: Person, document: Document, new: DocumentVersion, request: AcknowledgementRequest | None
) -> Delta:
    """Return what changed for the person up to a version; questions are asked only where she is asked to confirm."""
    # Who confirmed the text of all markets before hers had one of its own reads what is otherwise there.
    # So does who comes back to it, since her market's own was withdrawn.
    old = reading.find_last_confirmed(person, new)
    changes = changes_of(old, new)
    sequences = rules.covered(
        document.versions,
        # What she confirms is among it, even where her market's text said it before.
        after=min(_begins_after(document, old), new.sequence - 1),
        until=new.sequence,
        asked=requests.list_asked_versions(person, document.id) if request else (),
        has_base=old is not None,
    )
    by_sequence = {each.sequence: each for each in document.versions}
    about = asked_about(old, new, request.campaign.version) if request is not None else ()
    return Delta(
        document=document,
        old=old,
        new=new,
        request=request,
        changes=changes,
        covered=[by_sequence[sequence] for sequence in sequences],
        asked_about=about,
        check=_check(person, new, about, request) if request else (),
    )


def _begins_after(document: Document, old: DocumentVersion | None) -> int:
    """Return the sequence of the document's version that was confirmed, or over which lay what was; 0 for its base."""
    if old is None:
        return 0
    if old.document_id == document.id:
        return old.sequence
    return old.over.sequence if old.over is not None and old.over.document_id == document.id else 0


def changes_of(old: DocumentVersion | None, new: DocumentVersion) -> Changes:
    """Return what happened to the clauses in the language that decides; nothing where there is no older version."""
    if old is None:
        return Changes((), (), (), ())
    return changes_between(library.clause_hashes(old), library.clause_hashes(new))


def asked_about(old: DocumentVersion | None, new: DocumentVersion, asked: DocumentVersion) -> tuple[str, ...]:
    """Return the clauses about which a person answers questions before she confirms.

    Those that are different or new since the version that she confirmed last. Who has confirmed none answers about what
    the version that asks changed, and where that is the first, about all of it.
    """
    before = old or base_of(asked)
    if before is None:
        return tuple(library.clause_hashes(new))
    changes = changes_of(before, new)
    return (*changes.changed, *changes.added)


def count_waiting(delta: Delta) -> int:
    """Return how many questions about what she is asked about wait until somebody has re-checked them."""
    return len(
        {
            each.question_id
            for slug, names in _cited_as(delta.new, delta.asked_about).items()
            for each in staleness.list_tested(slug, names)
            if each.state is QuestionState.STALE
        }
    )


def redline_of(delta: Delta, language: str) -> tuple[ClauseRedline, ...]:
    """Return what became of each clause that changed, word by word, in the order of the newer version.

    A clause in which the text in the language is behind is shown in the one that decides. What only stands elsewhere,
    or changed in a translation only, is among them.
    """
    if delta.old is None:
        return ()
    found, deciding = changed_in_version(delta.old, delta.new), delta.document.authoritative
    if found.is_empty:
        return ()
    changes = found.clauses
    anchors = {
        *changes.added,
        *changes.removed,
        *changes.changed,
        *(new for _old, new in changes.moved),
        *found.placed,
        *(anchor for only in (found.only_in or {}).values() for anchor in only),
    }
    shown = redline_of_versions(delta.old, delta.new, language, only=anchors).listed
    text = library.list_text_heads(delta.new).get(language)
    if language == deciding or text is None or not text.behind:
        return shown
    own = {each.anchor: each for each in shown if each.anchor not in text.behind}
    decided = redline_of_versions(delta.old, delta.new, deciding, only=anchors).listed
    return tuple(own.get(each.anchor, each) for each in decided)


def news_of(delta: Delta, language: str) -> list[News]:
    """Return the line "what to do differently" of every version in between, in the order of their taking effect."""
    found = []
    after = _begins_after(delta.document, delta.old) if delta.old else delta.new.sequence - 1
    for version, texts in reading.list_news(delta.document, after=after, until=delta.new.sequence):
        own = texts.get(language)
        # A translation that is behind would tell what to do differently since an earlier version.
        text = own if own is not None and own.says_number == version.number else texts[delta.document.authoritative]
        line = what_to_do_differently(version, text)
        if line:
            found.append(News(version.number, version.effective_at, version.zone, line, text.language))
    # Of versions that take effect at once, the older comes first; `list_news` gives the newest first.
    found.reverse()
    return sorted(found, key=lambda each: each.effective_at)


def text_of(version: DocumentVersion, language: str) -> VersionText:
    """Return the text of a version in a language, or in the one that decides."""
    texts = library.list_text_heads(version)
    return texts.get(language) or texts[version.document.authoritative]


# --- the check ----------------------------------------------------------------------------------


def _check(
    person: Person, new: DocumentVersion, about: Sequence[str], request: AcknowledgementRequest
) -> list[CheckItem]:
    addresses, drawn = _drawn(new, about, seed_of(person, new))
    if not addresses:
        return []
    citations = quizzes.list_citations([drawn[address].id for address in addresses])
    answers = reading.list_answers(request.id)
    items = []
    for address in addresses:
        version = drawn[address]
        own = [each for each in answers if each.question_version.question_id == version.question_id]
        items.append(
            CheckItem(
                address=address,
                version=version,
                citations=citations.get(version.id, []),
                # Who has understood a question need not answer its new wording.
                is_right=any(each.right for each in own),
                last=next((each for each in reversed(own) if each.question_version_id == version.id), None),
            )
        )
    return items


def _cited_as(new: DocumentVersion, about: Sequence[str]) -> dict[str, list[str]]:
    """Return document → its clauses, under which questions cite these clauses of a version.

    Questions about the text of all markets are asked of what a market's own text leaves as it is.
    """
    found = {new.document.slug: list(about)}
    if new.over is not None:
        own = modes_of(new)
        found[new.over.document.slug] = [anchor for anchor in about if anchor not in own]
    return found


def _drawn(new: DocumentVersion, about: Sequence[str], seed: str) -> tuple[list[str], Mapping[str, QuestionVersion]]:
    cited = _cited_as(new, about)
    banks = [bank for slug in cited for bank in quizzes.list_banks_that_test(slug)] if about else []
    if not banks:
        return [], {}
    # The same questions are asked whichever language the page is read in.
    drawable = pool.list_drawable(banks, languages=LANGUAGES)
    asked_of = {f"{slug}#{anchor}": anchor for slug, anchors in cited.items() for anchor in anchors}
    candidates = {
        each.candidate.address: {asked_of[name] for name in each.candidate.clauses if name in asked_of}
        for each in drawable
        # What a person has to mark tells nobody at once.
        if each.candidate.type != "free_text"
    }
    drawn = rules.draw_questions(candidates, about, seed)
    ids = {each.candidate.address: each.version_id for each in drawable if each.candidate.address in drawn}
    versions = pool.get_versions(ids.values())
    return drawn, {address: versions[version_id] for address, version_id in ids.items()}


def seed_of(person: Person, version: DocumentVersion) -> str:
    """Return under which seed a person's questions about a version are drawn."""
    return f"{person.code} {version.hash}"


def answer_check(*, delta: Delta, given: Mapping[str, Mapping[str, Sequence[str]]], by: Person) -> bool:
    """Keep what was answered (question's address → part → places on the page); say whether all is right now.

    What was right before is not asked again. Raises `AnswersMissing` or `AnswerUnknown`.
    """
    seed = seed_of(by, delta.new)
    waiting = [item for item in delta.check if not item.is_right]
    if delta.request is None or not waiting:
        return delta.is_passed
    marked = []
    for item in waiting:
        try:
            answer, right = mark_single(item.version, seed, given.get(item.address, {}))
        except ValueError as unknown:
            raise AnswerUnknown() from unknown
        if not answer:
            raise AnswersMissing()
        marked.append((item, answer, right))
    for item, answer, right in marked:
        session.add(
            DeltaAnswer(
                request_id=delta.request.id,
                question_version_id=item.version.id,
                answer=answer,
                right=right,
                at=clock.now(),
            )
        )
    session.flush()
    # What was answered is in the rows; the journal says that it was.
    record(
        "acknowledgements.check_answered",
        by=by,
        subject=("document", delta.document.slug),
        after={"version": delta.new.number, "questions": len(marked), "right": sum(right for *_, right in marked)},
    )
    return all(right for *_, right in marked)


# --- notes --------------------------------------------------------------------------------------


def note_opened(request: AcknowledgementRequest) -> None:
    """Note that the person has what changed on the screen."""
    if request.delta_opened_at is not None:
        return
    request_id, now = request.id, clock.now()

    def write() -> None:
        row = requests.find_request_by_id(request_id)
        if row is not None and row.delta_opened_at is None:
            row.delta_opened_at = now

    touch.note(write)


def minutes_of(document: Document, old: DocumentVersion | None, new: DocumentVersion) -> int:
    """Return what reading the changes, and a minute for each question, takes."""
    deciding = document.authoritative
    about = asked_about(old, new, new)
    addresses, _versions = _drawn(new, about, "")
    if old is None:
        return library.list_text_heads(new)[deciding].reading_minutes + len(addresses)
    sources = reading.list_clause_sources(new.id, about, deciding)
    return reading_minutes("\n\n".join(sources), deciding) + len(addresses)
