"""Files of questions that are sent for a bank: kept, read by the worker, looked at, and taken in all at once."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Collection, Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import delete

from portal.accounts import queries as people
from portal.accounts.models import Person
from portal.core import clock, jobs, markdown
from portal.core.codes import new_code
from portal.core.db import session
from portal.core.i18n import LANGUAGES, force_locale
from portal.core.i18n import gettext as _
from portal.core.jobs import Outside, Progress
from portal.core.markdown import plain_text
from portal.journal.service import record
from portal.quizzes import queries
from portal.quizzes.errors import (
    FileNotRead,
    FileOutdated,
    FileTakenIn,
    IdsCameMeanwhile,
    NothingToTakeIn,
    WordingFaulty,
)
from portal.quizzes.formats import foreign
from portal.quizzes.formats.detecting import format_of
from portal.quizzes.formats.interchange import ForeignQuestion, Reading
from portal.quizzes.formats.into_bank import fingerprint, into_bank
from portal.quizzes.formats.losses import CannotHold, kind_of
from portal.quizzes.models import (
    QuestionBank,
    QuestionExport,
    QuestionImport,
    QuestionImportRow,
    QuestionState,
    RowVerdict,
)
from portal.quizzes.queries import ClauseFact, files
from portal.quizzes.rules import lifecycle
from portal.quizzes.service.editing import add_drafts, complete_questions, wrong_with
from portal.quizzes.types.base import Content, read
from portal.quizzes.types.contents import export
from portal.quizzes.types.joining import Differing, completed, differences

KEPT = timedelta(days=2)
# Our own format, as a bank is written.
OWN = "markdown"
READ = "quizzes.read_file"
TAKE = "quizzes.take_in_file"
# So many questions come into a bank while whoever wants them waits; more are the worker's.
IN_REQUEST = 100
# So many questions are looked at, and kept, at once.
AT_ONCE = 100
# So many kinds of loss are counted on the page.
MOST_LOSSES = 40
MAX_TAGS = 5


# --- keeping -----------------------------------------------------------------------------------


def keep_file(
    *,
    bank: QuestionBank,
    data: bytes,
    filename: str,
    name: str,
    language: str,
    tags: Sequence[str],
    tags_categories: bool,
    by: Person,
) -> QuestionImport:
    """Keep a file that was sent for a bank, in the format of the name, and owe its reading."""
    kept = QuestionImport(
        code=new_code(),
        bank=bank,
        created_at=clock.now(),
        created_by=by,
        filename=filename[:200],
        format=name,
        language=language,
        tags=list(tags),
        tags_categories=tags_categories,
        data=data,
        reading=0,
        losses=[],
    )
    session.add(kept)
    _owe_reading(kept, by)
    return kept


def read_again(
    *, kept: QuestionImport, name: str, encoding: str, language: str, tags_categories: bool, by: Person
) -> None:
    """Read a file as one of another format, encoding or language, its categories as tags or not.

    `encoding` is one of `foreign.ENCODINGS`, or empty for what the bytes look like. Raises `FileTakenIn`.
    """
    if kept.taken_at is not None:
        raise FileTakenIn()
    kept.tags_categories, kept.encoding = tags_categories, encoding or None
    kept.format, kept.language, kept.read_at, kept.losses = name, language, None, []
    session.execute(delete(QuestionImportRow).where(QuestionImportRow.import_id == kept.id))
    _owe_reading(kept, by)


def _owe_reading(kept: QuestionImport, by: Person) -> None:
    kept.reading += 1
    session.flush()
    jobs.enqueue(
        READ,
        {"code": kept.code, "reading": kept.reading},
        effect_key=reading_key(kept),
        requested_by=by.code,
    )


def reading_key(kept: QuestionImport) -> str:
    """Return the effect key of the work that reads the file."""
    return f"{READ}:{kept.code}:{kept.reading}"


def guess_format(data: bytes, filename: str) -> str | None:
    """Return in which format a file seems to be, or None."""
    return format_of(data, filename)


# --- reading -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Found:
    """What a file has at one place: a question, or a refusal, as told in each language."""

    line: int
    questions: Mapping[str, ForeignQuestion]
    refusals: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Judged:
    """What becomes of a question: its content, or None, and in both languages why not or without what."""

    found: Found
    content: Content | None
    slug: str
    reasons: tuple[tuple[str, str], ...]
    # What is counted for the file: the kinds of what is lost, and what says nothing of the question itself.
    kinds: tuple[tuple[str, str], ...] = ()


class Facts:
    """Clauses as the newest version of each document has them, each document asked for once."""

    def __init__(self) -> None:
        self.known: dict[str, Mapping[str, ClauseFact]] = {}

    def __call__(self, slug: str, version: str) -> Mapping[str, ClauseFact]:
        if slug not in self.known:
            self.known[slug] = queries.find_clauses(slug, "") or {}
        return self.known[slug]

    def has(self, name: str) -> bool:
        slug, _sign, anchor = name.partition("#")
        return anchor in self(slug, "")


def find_questions(name: str, data: bytes, encoding: str = "") -> list[Found]:
    """Read a file and return what it has, in its order, with its messages in every language."""
    readings: dict[str, Reading] = {}
    for tag in LANGUAGES:
        with force_locale(tag):
            readings[tag] = foreign.read_file(name, data, encoding)
    first = readings[LANGUAGES[0]]
    found = [
        Found(question.line, {tag: readings[tag].questions[place] for tag in LANGUAGES}, {})
        for place, question in enumerate(first.questions)
    ]
    found += [
        Found(refused.line, {}, {tag: readings[tag].refused[place].reason for tag in LANGUAGES})
        for place, refused in enumerate(first.refused)
    ]
    if not found:
        said = {}
        for tag in LANGUAGES:
            with force_locale(tag):
                said[tag] = _("The file holds no question in this format.")
        found = [Found(0, {}, said)]
    return sorted(found, key=lambda each: each.line)


@dataclass(frozen=True, slots=True)
class For:
    """What a file is read for: the language of its texts, the bank's document, and what its questions get."""

    language: str
    document: str
    tags: tuple[str, ...]
    tags_categories: bool
    # Whether it is a file of our own: there every question stands under the title of its bank, which is not lost.
    is_own: bool = False


def judge(found: Sequence[Found], wish: For, facts: Facts) -> list[Judged]:
    """Say of each question whether a bank can have it, and without what."""
    return [_judged(each, wish, facts) for each in found]


def _judged(found: Found, wish: For, facts: Facts) -> Judged:
    if found.refusals:
        return Judged(found, None, "", (_shown(found.refusals["en"], found.refusals["ja"]),))
    content: Content | None = None
    slug = ""
    said: dict[str, list[str]] = {}
    of_file: dict[str, list[str]] = {}
    for tag in LANGUAGES:
        with force_locale(tag), markdown.remembering():
            try:
                content, slug, said[tag], of_file[tag] = _taken(found.questions[tag], wish, facts)
            except CannotHold as reason:
                said[tag], of_file[tag] = [str(reason)], []
        if not said[tag] and not of_file[tag]:
            break
    reasons = tuple(zip(said["en"], said.get("ja", ()), strict=False))
    counted = (*reasons, *zip(of_file["en"], of_file.get("ja", ()), strict=False))
    kinds = dict.fromkeys(_shown(kind_of(en), kind_of(ja)) for en, ja in counted)
    return Judged(found, content, slug, tuple(_shown(en, ja) for en, ja in reasons), tuple(kinds))


def _shown(en: str, ja: str) -> tuple[str, str]:
    """Return words that quote a file as a page can show them."""
    return markdown.visible(en), markdown.visible(ja)


def _taken(question: ForeignQuestion, wish: For, facts: Facts) -> tuple[Content, str, list[str], list[str]]:
    """Return the content, its id, what is lost of it, and what is said once for the file."""
    taken = into_bank(
        question,
        language=wish.language,
        document=wish.document,
        tags=wish.tags,
        tags_category=wish.tags_categories,
    )
    unknown = [name for name in taken.content.clauses if not facts.has(name)]
    losses = [*taken.losses, *(_("the clause %(name)s, which is not here", name=name) for name in unknown)]
    clauses = tuple(name for name in taken.content.clauses if name not in unknown)
    content = replace(taken.content, clauses=clauses)
    wrong = wrong_with(content, is_draft=True, facts=facts)
    if wrong:
        raise CannotHold(wrong[0].message)
    of_file = []
    # What our own files say of a whole bank, the bank says itself.
    if not wish.is_own:
        of_file += [_("its category")] if taken.is_category_lost else []
        of_file += (
            [_("the version of the document that it was looked at against")] if taken.is_document_version_lost else []
        )
    return content, taken.slug, losses, of_file


def fingerprints_of(bank: QuestionBank, language: str) -> dict[str, str]:
    """Return what the questions of a bank ask in the language: fingerprint → id."""
    known: dict[str, str] = {}
    for question, version in queries.list_latest(bank):
        content = read(version.content)
        if content.stem.en if language == "en" else content.stem.ja:
            known.setdefault(fingerprint(content, language), question.slug)
    return known


def list_lacking(bank: QuestionBank, language: str) -> dict[str, Content]:
    """Return the questions of a bank that say nothing in a language: id → the wording in work."""
    found = {}
    for question, version in queries.list_in_work(bank):
        content = read(version.content)
        if question.state is not QuestionState.RETIRED and not lifecycle.each_text(content.stem, language).strip():
            found[question.slug] = content
    return found


def list_taken_ids(bank: QuestionBank) -> dict[str, Content | None]:
    """Return every id that no new question of a bank can have, with the wording in work; None of what was removed."""
    found: dict[str, Content | None] = dict.fromkeys(queries.list_slugs(bank))
    found.update((question.slug, read(version.content)) for question, version in queries.list_in_work(bank))
    return found


def _difference_words(what: Differing) -> str:
    return {
        Differing.TYPE: _("its type"),
        Differing.TITLE: _("its title"),
        Differing.STEM: _("its text"),
        Differing.PARTS: _("its parts"),
        Differing.CHOICES: _("its choices"),
        Differing.RIGHT: _("which answer is right"),
        Differing.KEYS: _("which answers are taken"),
        Differing.CRITERIA: _("the criteria of its marking"),
        Differing.POINTS: _("its points"),
        Differing.MARKING: _("how its points are shared out"),
        Differing.EXPLANATIONS: _("its explanations"),
    }[what]


def _clash_with(there: Content | None, content: Content, twin: str, slug: str, language: str) -> list[list[str]] | None:
    """Return in what a question of a file differs from the one of the bank that has its id, in both languages.

    Empty where that one is not in the bank any more; None where both are the same.
    """
    if there is None:
        return []
    found: list[Differing | None] = [*differences(there, content, language)]
    if not found and twin == slug:
        return None
    said = []
    for what in found or [None]:
        words = []
        for tag in LANGUAGES:
            with force_locale(tag):
                words.append(_difference_words(what) if what is not None else _("its wording"))
        said.append(words)
    return said


def read_kept(code: str, reading: int) -> Generator[Any, Any, None]:
    """Read a file that is kept and keep what becomes of each question; the steps of a job."""
    kept = files.find_import(code)
    if kept is None or kept.reading != reading or kept.read_at is not None:
        return
    session.execute(delete(QuestionImportRow).where(QuestionImportRow.import_id == kept.id))
    bank, name, data, language = kept.bank, kept.format, files.read_data(kept), kept.language
    encoding = kept.encoding or ""
    wish = For(language, bank.document_slug, tuple(kept.tags), kept.tags_categories, is_own=name == OWN)
    yield Progress(0, 0)
    found: list[Found] = yield Outside(lambda: find_questions(name, data, encoding))
    remarks = _remarks(name, data, encoding)
    known = fingerprints_of(bank, language)
    lacking, taken_ids = list_lacking(bank, language), list_taken_ids(bank)
    facts = Facts()
    counted: Counter[tuple[str, str]] = Counter()
    lines: dict[str, int] = {}
    lines_of_ids: dict[str, int] = {}
    for start in range(0, len(found), AT_ONCE):
        some = found[start : start + AT_ONCE]

        def work(some: Sequence[Found] = some) -> list[Judged]:
            return judge(some, wish, facts)

        judged: list[Judged] = yield Outside(work)
        kept = files.find_import(code)
        if kept is None or kept.reading != reading:
            # It was thrown away, or somebody wants it read otherwise.
            return
        for place, each in enumerate(judged, start=start + 1):
            row = _row(kept.id, place, each, language)
            if each.content is not None:
                counted.update(each.kinds)
                row.twin = known.get(row.fingerprint, "") or (
                    f"line {lines[row.fingerprint]}" if row.fingerprint in lines else ""
                )
                lines.setdefault(row.fingerprint, row.line)
                # One that gives a question its other language is no question of its own; each is given it once.
                mate = lacking.get(each.slug)
                if not row.twin and mate is not None and completed(mate, each.content, language) is not None:
                    row.completes = each.slug
                    del lacking[each.slug]
                elif each.slug in taken_ids:
                    row.clash = _clash_with(taken_ids[each.slug], each.content, row.twin, each.slug, language)
                elif each.slug in lines_of_ids and not row.twin:
                    row.clash_line = lines_of_ids[each.slug]
                if each.slug:
                    lines_of_ids.setdefault(each.slug, row.line)
            session.add(row)
        yield Progress(start + len(some), len(found))
    kept = files.find_import(code)
    if kept is not None and kept.reading == reading:
        kept.read_at = clock.now()
        kept.losses = [[en, ja, number] for (en, ja), number in counted.most_common(MOST_LOSSES)]
        kept.losses += [[en, ja, 0] for en, ja in remarks]


def _remarks(name: str, data: bytes, encoding: str) -> list[tuple[str, str]]:
    """Return what is to be known of a file as a whole, in both languages."""
    encoding = foreign.unusual_encoding(name, data, encoding)
    if not encoding:
        return []
    said = []
    for tag in LANGUAGES:
        with force_locale(tag):
            said.append(_("The file is read as %(encoding)s.", encoding=encoding))
    return [(said[0], said[1])]


def _row(import_id: int, place: int, judged: Judged, language: str) -> QuestionImportRow:
    question = judged.found.questions.get("en")
    content = judged.content
    verdict = RowVerdict.REFUSED
    if content is not None:
        verdict = RowVerdict.WITH_LOSS if judged.reasons else RowVerdict.TAKEN
    return QuestionImportRow(
        import_id=import_id,
        place=place,
        line=judged.found.line,
        verdict=verdict,
        type=question.type.value if question else "",
        title=markdown.visible(content.title.in_(language) if content else question.title[:200] if question else ""),
        slug=judged.slug,
        content=export(content) if content else {},
        reasons=[list(each) for each in judged.reasons],
        fingerprint=fingerprint(content, language) if content else "",
        twin="",
        is_left_out=False,
    )


# --- deciding ----------------------------------------------------------------------------------


def leave_out(*, kept: QuestionImport, places: Collection[int], is_left_out: bool) -> int:
    """Leave questions of a file out, or put them back; return how many. Raises `FileTakenIn`."""
    if kept.taken_at is not None:
        raise FileTakenIn()
    rows = [row for row in files.list_places(kept, places) if row.verdict is not RowVerdict.REFUSED]
    for row in rows:
        row.is_left_out = is_left_out
    session.flush()
    return len(rows)


def look_through(kept: QuestionImport) -> None:
    """Look at everything that is to come in; within `markdown.remembering` the taking in finds it known.

    This is most of the work of a large file; done before the transaction, it keeps nobody from writing.
    """
    if kept.taken_at is not None or kept.read_at is None:
        return
    _look_at([read(row.content) for row in files.list_coming(kept)], kept.language, Facts())


def _look_at(contents: Sequence[Content], language: str, facts: Facts) -> None:
    for content in contents:
        wrong_with(content, is_draft=True, facts=facts)
        plain_text(content.stem.in_(language))


def take_in(*, kept: QuestionImport, twins: bool, by: Person) -> int:
    """Take the questions of a file into its bank as drafts, all or none; return how many.

    What was left out stays out, and without `twins` also what is in the bank by then, or twice in the file. Raises
    `FileTakenIn`, `FileNotRead`, `NothingToTakeIn`, `IdsCameMeanwhile` or `FileOutdated`.
    """
    if kept.taken_at is not None:
        raise FileTakenIn()
    if kept.read_at is None:
        raise FileNotRead()
    bank = queries.lock_bank(kept.bank_id)
    seen = set(fingerprints_of(bank, kept.language))
    chosen = []
    for row in files.list_coming(kept):
        if twins or row.fingerprint not in seen:
            chosen.append(row)
        seen.add(row.fingerprint)
    if not chosen:
        raise NothingToTakeIn()
    news = [row for row in chosen if not row.completes]
    # Of these the preview said nothing; they may be the same questions in the other language.
    unseen = {row.slug for row in news if row.slug and not row.twin and row.clash is None}
    if unseen & queries.list_slugs(bank):
        raise IdsCameMeanwhile()
    try:
        completed_slugs = complete_questions(
            bank=bank,
            contents={row.completes: read(row.content) for row in chosen if row.completes},
            language=kept.language,
            origin=lifecycle.ORIGIN_FILE,
            by=by,
        )
        added = add_drafts(
            bank=bank,
            contents=[read(row.content) for row in news],
            origin=lifecycle.ORIGIN_FILE,
            by=by,
            slugs=[row.slug for row in news],
        )
    except WordingFaulty as faulty:
        raise FileOutdated() from faulty
    number = len(added) + len(completed_slugs)
    kept.taken_at, kept.data = clock.now(), None
    kept.taken, kept.completed = number, len(completed_slugs)
    session.flush()
    record(
        "quizzes.file_taken_in",
        by=by,
        subject=("question_bank", bank.slug),
        after={"file": kept.filename, "format": kept.format, "language": kept.language, "number": number}
        | ({"completed": kept.completed} if kept.completed else {}),
    )
    return number


# --- many at once ------------------------------------------------------------------------------


def find_taking(kept: QuestionImport) -> jobs.Job | None:
    """Return the newest work that takes the questions of this reading in, or None; a small file needs none."""
    found = None
    for number in itertools.count(1):
        row = jobs.find_job(_taking_key(kept, number))
        if row is None:
            return found
        found = row
    return found


def _taking_key(kept: QuestionImport, number: int) -> str:
    return f"{TAKE}:{kept.code}:{kept.reading}:{number}"


def owe_taking(*, kept: QuestionImport, twins: bool, by: Person) -> None:
    """Owe the taking in of many questions; wished for again while it goes on, it is owed once.

    Work that failed, or that somebody cancelled, is owed anew. Raises `FileTakenIn`, `FileNotRead` or
    `NothingToTakeIn`.
    """
    if kept.taken_at is not None:
        raise FileTakenIn()
    if kept.read_at is None:
        raise FileNotRead()
    if not files.list_coming(kept):
        raise NothingToTakeIn()
    queries.lock_bank(kept.bank_id)
    row, number = find_taking(kept), 1
    if row is not None:
        number = int(row.effect_key.rpartition(":")[2])
        if row.state in (jobs.JobState.FAILED, jobs.JobState.CANCELLED):
            number += 1
    jobs.enqueue(
        TAKE,
        {"code": kept.code, "reading": kept.reading, "twins": twins, "by": by.code},
        effect_key=_taking_key(kept, number),
        requested_by=by.code,
    )


def take_kept(code: str, reading: int, twins: bool, by: str) -> Generator[Any, Any, None]:
    """Look at everything that is to come in, then take it in with one transaction; the steps of a job.

    Begun anew after a worker has died it finds either nothing of it in the bank, or all.
    """
    kept = files.find_import(code)
    if kept is None or kept.reading != reading or kept.taken_at is not None:
        return
    facts, language = Facts(), kept.language
    contents = [read(row.content) for row in files.list_coming(kept)]
    with markdown.remembering():
        for start in range(0, len(contents), AT_ONCE):
            some = contents[start : start + AT_ONCE]
            yield Progress(start, len(contents))
            yield Outside(lambda some=some: _look_at(some, language, facts))  # type: ignore[misc]
        kept = files.find_import(code)
        if kept is not None and kept.reading == reading and kept.taken_at is None:
            take_in(kept=kept, twins=twins, by=people.get_person(by))


def tidy() -> int:
    """Forget files that nobody has come back for; return how many."""
    before = clock.now() - KEPT
    gone = [
        session.execute(delete(table).where(table.created_at < before)) for table in (QuestionImport, QuestionExport)
    ]
    return sum(each.rowcount for each in gone)  # type: ignore[attr-defined]
