"""A person's transcript as plain data: every line with its reason, and the certificates that rest on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

from sqlalchemy import delete

from portal.accounts.models import Person
from portal.core import clock, jobs
from portal.core.codes import new_code
from portal.core.db import session
from portal.core.i18n import Words
from portal.core.i18n import gettext as _
from portal.gradebook import queries
from portal.gradebook.models import ScoreEntry, TranscriptFile
from portal.gradebook.queries import transcripts as looked_up
from portal.gradebook.rules import EntryKind, State
from portal.gradebook.service.rests import Rest, list_rests
from portal.journal.service import record
from portal.quizzes import queries as quizzes
from portal.quizzes.models import AttemptState
from portal.quizzes.service import corrections

JOB = "gradebook.transcript"
KEPT = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Line:
    """One line: what was reached then, under which version of the quiz, and why it was changed or set."""

    entry: ScoreEntry
    title: Words
    slug: str
    version: str
    kind: EntryKind
    attempt_no: int | None
    # None as well where whoever reads it is not told, because the quiz shows no score.
    score: Fraction | None
    is_score_hidden: bool
    pass_mark: Fraction | None
    passed: bool | None
    # It stays passed although a correction took its score below the mark.
    is_kept: bool
    at: datetime
    reason: str
    # It is what counts for the quiz now.
    counts: bool
    # A later line took its place: a correction, a withdrawal.
    is_superseded: bool
    asked_by: Person | None
    confirmed_by: Person | None
    # Numbers of the certificates that it has earned.
    certificates: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Transcript:
    """Everything, newest first."""

    person: Person
    lines: Sequence[Line]
    certificates: Sequence[Rest]
    passed: int
    exempt: int
    taken: int


def transcript_of(person: Person, *, as_learner: bool = True) -> Transcript:
    """Return the person's transcript, whatever became of her account, in a fixed number of statements.

    As the learner reads it: without the scores of quizzes that show her none. Only pages and tables of those who look
    after her ask otherwise; what can be handed on to her never does.
    """
    entries = queries.list_entries(person)
    newest = quizzes.quiz_titles({entry.quiz_id for entry in entries})
    standings = queries.standings([person.id], list(newest.values())) if newest else {}
    rests = list_rests(person)
    certificates = [rest for rest in rests if rest.is_certificate]
    counting = {standing.result.line.id for standing in standings.values() if standing.result.line is not None}
    lines = lines_of(entries, counting, certificates, as_learner=as_learner)
    states = [standing.state for standing in standings.values()]
    return Transcript(
        person,
        lines,
        certificates,
        passed=states.count(State.PASSED),
        exempt=states.count(State.EXEMPT),
        taken=sum(state in (State.PASSED, State.FAILED, State.EXEMPT) for state in states),
    )


def lines_of(
    entries: Sequence[ScoreEntry], counting: set[int], certificates: Sequence[Rest], *, as_learner: bool
) -> list[Line]:
    """Return the lines of entries that come with attempt and decision; `counting` are row numbers."""
    last: dict[int, int] = {}
    for entry in entries:
        if entry.attempt_id is not None:
            last[entry.attempt_id] = max(last.get(entry.attempt_id, 0), entry.entry_no)
    withdrawn = {(each.quiz_id, each.withdraws_no) for each in entries if each.withdraws_no is not None}
    tried = {entry.attempt.id: entry.attempt for entry in entries if entry.attempt is not None}
    void = corrections.void_reasons_of({key for key, each in tried.items() if each.state is AttemptState.VOIDED})
    reasons = reasons_of(entries) | {
        entry.id: _("Made void: %(reason)s", reason=void[entry.attempt.id])
        for entry in entries
        if entry.attempt is not None and entry.attempt.id in void
    }
    basis = {rest.number: _lines_under(rest, entries) for rest in certificates}
    kept = queries.list_kept([entry.id for entry in entries if entry.attempt_id is not None and entry.entry_no > 1])
    lines = []
    for entry in entries:
        attempt, decision = entry.attempt, entry.decision
        version = entry.quiz_version
        is_hidden = as_learner and entry.score is not None and not version.shows_score
        is_old = (
            last[entry.attempt_id] > entry.entry_no or entry.attempt_id in void
            if entry.attempt_id is not None
            else (entry.quiz_id, entry.entry_no) in withdrawn
        )
        lines.append(
            Line(
                entry=entry,
                title=version.title,
                slug=entry.quiz.slug,
                version=version.number,
                # Corrections of before carried no name of their own.
                kind=EntryKind.CORRECTION if attempt is not None and entry.entry_no > 1 else entry.kind,
                attempt_no=attempt.attempt_no if attempt else None,
                score=None if is_hidden else entry.score,
                is_score_hidden=is_hidden,
                pass_mark=version.pass_mark if entry.score is not None else None,
                passed=entry.passed,
                is_kept=entry.id in kept,
                at=entry.at,
                reason=reasons.get(entry.id, ""),
                counts=entry.id in counting,
                is_superseded=is_old,
                asked_by=decision.asked_by if decision else None,
                confirmed_by=decision.closed_by if decision else None,
                certificates=[
                    rest.number
                    for rest in certificates
                    if (decision is not None and decision.code in rest.decisions) or entry in basis[rest.number]
                ],
            )
        )
    return lines


def _lines_under(rest: Rest, entries: Sequence[ScoreEntry]) -> list[ScoreEntry]:
    """Return of each attempt on which something rests the line that stood when it was given."""
    stood: dict[str, ScoreEntry] = {}
    for entry in sorted(entries, key=lambda each: each.entry_no):
        if entry.attempt is None or entry.attempt.code not in rest.attempts:
            continue
        if entry.attempt.code not in stood or rest.given_at is None or entry.at <= rest.given_at:
            stood[entry.attempt.code] = entry
    return list(stood.values())


def reasons_of(entries: Sequence[ScoreEntry]) -> dict[int, str]:
    """Return line (its row number) → why it was set or corrected, for those that have a reason; one statement."""
    known = {entry.id: entry.reason for entry in entries if entry.reason}
    corrected = {
        entry.id: (entry.attempt_id, entry.at)
        for entry in entries
        if entry.attempt_id is not None and entry.entry_no > 1 and not entry.reason
    }
    told = corrections.reasons_of({attempt_id for attempt_id, _at in corrected.values()}) if corrected else {}
    return known | {number: str(told[at]) for number, at in corrected.items() if at in told}


# --- printed -----------------------------------------------------------------------------------


# A job that has not come so far by then has failed; another may be asked for.
MADE_WITHIN = timedelta(minutes=5)


def order_file(*, person: Person, language: str, by: Person) -> TranscriptFile | None:
    """Ask for the transcript as a PDF; a job makes it after this transaction. None while one is being made."""
    looked_up.lock_files(person)
    if is_being_made(looked_up.list_files(person), language):
        return None
    found = TranscriptFile(
        code=new_code(), person_id=person.id, language=language, asked_at=clock.now(), asked_by=by.code
    )
    session.add(found)
    session.flush()
    jobs.enqueue(JOB, {"code": found.code}, effect_key=f"{JOB}:{found.code}", requested_by=by.code)
    record("gradebook.transcript_printed", by=by, subject=("person", person.code), after={"language": language})
    return found


def is_being_made(files: Sequence[TranscriptFile], language: str) -> bool:
    """Say whether one of these files in a language was asked for and is not made yet."""
    since = clock.now() - MADE_WITHIN
    return any(each.made_at is None and each.asked_at > since and each.language == language for each in files)


def keep_file(file: TranscriptFile, content: bytes) -> None:
    """Keep what was made."""
    file.content, file.made_at = content, clock.now()
    session.flush()


def tidy_files() -> None:
    """Remove transcripts that were made some days ago."""
    session.execute(delete(TranscriptFile).where(TranscriptFile.asked_at < clock.now() - KEPT))


def list_files(person: Person) -> list[TranscriptFile]:
    """Return the person's transcripts that are kept, newest first."""
    return looked_up.list_files(person)
