"""What happens by itself: attempts closed and released each minute, questions taken out when a rule changes."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from typing import Any

from flask import url_for

from portal.accounts.events import AccommodationChanged
from portal.core import clock
from portal.core.access import can
from portal.core.db import session
from portal.core.events import subscribe
from portal.core.i18n import LazyText, language
from portal.core.i18n import lazy_gettext as _l
from portal.core.jobs import Description, Outside, Progress, job, periodic
from portal.library import queries as library
from portal.library.events import VersionPublished, VersionWithdrawn
from portal.quizzes import errors, queries
from portal.quizzes.events import AttemptReleased
from portal.quizzes.permissions import SEE_REGRADES
from portal.quizzes.queries import files, regrades, supervision
from portal.quizzes.queries import flags as flagged
from portal.quizzes.service import flags, giving_out, staleness, taking_in
from portal.quizzes.service import regrades as regrading
from portal.quizzes.service.attempts import accommodate_attempt, close_overdue
from portal.quizzes.service.marking import release_after_window

# So many attempts are marked again in one transaction; those who hand in meanwhile wait no longer than that.
REGRADED_AT_ONCE = 20


@periodic("quizzes.sweep", minutes=1, what=_l("Close the attempts whose time is over"))
def sweep() -> Iterator[Any]:
    """Close attempts whose time is over, each in a transaction of its own."""
    ids = queries.list_overdue_ids(clock.now())
    for number, attempt_id in enumerate(ids, start=1):
        yield Progress(number, len(ids))
        _alone(close_overdue, attempt_id)


@periodic("quizzes.accommodate", minutes=1, what=_l("Give running attempts the time that was agreed"))
def accommodate() -> Iterator[Any]:
    """Give attempts what was agreed for their people and begins to hold today, each in a transaction of its own."""
    ids = supervision.list_accommodated_ids(clock.now())
    for number, attempt_id in enumerate(ids, start=1):
        yield Progress(number, len(ids))
        _alone(accommodate_attempt, attempt_id)


@periodic("quizzes.release", minutes=1, what=_l("Release the results whose time has come"))
def release() -> Iterator[Any]:
    """Release results whose window is over, each in a transaction of its own."""
    ids = queries.list_releasable_ids(clock.now())
    for number, attempt_id in enumerate(ids, start=1):
        yield Progress(number, len(ids))
        _alone(release_after_window, attempt_id)


def _describe_regrades(arguments: Sequence[Mapping[str, Any]]) -> list[Description]:
    found = {each.code: each for each in regrades.list_regrades_of([each["code"] for each in arguments])}
    said = []
    for each in arguments:
        row = found.get(each["code"])
        if row is None or not can(SEE_REGRADES):
            said.append(Description(_l("Mark again by a new rule")))
            continue
        title = row.question_version.read().title.in_(language())
        said.append(Description(_l("Mark again by a new rule"), title, url_for("quizzes.regrade", code=row.code)))
    return said


@job(regrading.JOB, describe=_describe_regrades)
def regrade(code: str) -> Iterator[Any]:
    """Mark again every attempt that a regrade concerns, some at a time; begun anew it goes on where it was."""
    ids = regrades.list_attempt_ids(regrades.get_regrade(code).question_version_id)
    for begin in range(0, len(ids), REGRADED_AT_ONCE):
        rule = regrades.get_regrade(code)
        for attempt_id in ids[begin : begin + REGRADED_AT_ONCE]:
            regrading.apply_to(rule, attempt_id)
        yield Progress(min(begin + REGRADED_AT_ONCE, len(ids)), len(ids))
    regrading.finish_regrade(regrades.get_regrade(code))


@periodic("quizzes.watch_results", minutes=10, what=_l("Look at what results say of questions"))
def watch_results() -> Iterator[Any]:
    """Look at the results of every quiz with a new marking, and do what follows in a transaction of its own."""
    ids = flagged.list_unlooked_ids()
    for number, quiz_id in enumerate(ids, start=1):
        yield Progress(number, len(ids))
        yield from _look_alone(quiz_id)


def _look_alone(quiz_id: int) -> Generator[Any, Any, None]:
    """Look at the results of a quiz outside of any transaction, so that nobody waits meanwhile, and do what follows.

    Where that fails, the other quizzes still have their turn.
    """

    def looking() -> flags.Look | None:
        try:
            return flags.look_at_results(quiz_id)
        except Exception:
            logging.getLogger(__name__).exception("the results of quiz %s could not be looked at", quiz_id)
            return None

    look = yield Outside(looking)
    if look is not None:
        _alone(lambda _number: flags.follow(look), quiz_id)


def _describe_looks(arguments: Sequence[Mapping[str, Any]]) -> list[Description]:
    titles = queries.quiz_titles({each["quiz_id"] for each in arguments})
    return [
        Description(_l("Look at what results say of questions"), about=str(titles[each["quiz_id"]].title))
        for each in arguments
    ]


@job(flags.JOB, tries=2, describe=_describe_looks)
def look_at_results(quiz_id: int) -> Generator[Any, Any, None]:
    """Look at the results of a quiz soon after one was released."""
    look = yield Outside(lambda: flags.look_at_results(quiz_id))
    if look is not None:
        flags.follow(look)


def on_attempt_released(event: AttemptReleased) -> None:
    """Let the results of the quiz be looked at."""
    flags.owe_look(event.quiz_id)


def _alone(work: Callable[[int], object], number: int) -> None:
    """Do the work for one attempt or quiz; where it fails nothing of it stays, and the others still have their turn."""
    try:
        with session.begin_nested():
            work(number)
    except Exception:
        logging.getLogger(__name__).exception("what was due for number %s could not be done", number)


def on_accommodation_changed(event: AccommodationChanged) -> None:
    """Let what was decided hold for the attempts that the person is sitting."""
    for attempt_id in supervision.list_running_ids_of(event.person_id):
        accommodate_attempt(attempt_id)


def on_version_published(event: VersionPublished) -> None:
    """Take out of every draw the questions that test what the version touches and were not found right before."""
    version = library.find_version_by_id(event.version_id)
    if version is not None:
        staleness.make_stale(version, draft_code=event.draft_code)


def on_version_withdrawn(event: VersionWithdrawn) -> None:
    """Let them be drawn again where the version never took effect."""
    version = library.find_version_by_id(event.version_id)
    if version is not None:
        staleness.call_off(version)


def init() -> None:
    """Listen to what happens below."""
    subscribe(AccommodationChanged, on_accommodation_changed)
    subscribe(AttemptReleased, on_attempt_released)
    subscribe(VersionPublished, on_version_published)
    subscribe(VersionWithdrawn, on_version_withdrawn)


# --- files of questions -------------------------------------------------------------------------


def _describe_reading(arguments: Sequence[Mapping[str, Any]]) -> list[Description]:
    names = files.list_filenames([each["code"] for each in arguments])
    return [Description(_l("Read a file of questions"), about=names.get(each["code"], "")) for each in arguments]


def _describe_writing(arguments: Sequence[Mapping[str, Any]]) -> list[Description]:
    banks = files.list_banks_of_exports([each["code"] for each in arguments])
    return [Description(_l("Write a file of questions"), about=banks.get(each["code"], "")) for each in arguments]


@job(taking_in.READ, tries=2, describe=_describe_reading)
def read_file(code: str, reading: int) -> Iterator[Any]:
    """Read a file of questions that was sent, and keep what becomes of each."""
    yield from taking_in.read_kept(code, reading)


def _describe_taking(arguments: Sequence[Mapping[str, Any]]) -> list[Description]:
    names = files.list_filenames([each["code"] for each in arguments])
    return [Description(_l("Take in a file of questions"), about=names.get(each["code"], "")) for each in arguments]


def _explain_taking(failure: str) -> LazyText | None:
    refusals = (errors.FileNotRead, errors.FileOutdated, errors.IdsCameMeanwhile, errors.NothingToTakeIn)
    return next((refusal.message for refusal in refusals if refusal.__name__ == failure), None)


@job(taking_in.TAKE, tries=2, describe=_describe_taking, explain=_explain_taking)
def take_in_file(code: str, reading: int, twins: bool, by: str) -> Iterator[Any]:
    """Take the many questions of a file into its bank, all or none."""
    yield from taking_in.take_kept(code, reading, twins, by)


@job(giving_out.WRITE, tries=2, describe=_describe_writing)
def write_file(code: str) -> Iterator[Any]:
    """Write a file of many questions that somebody asked for."""
    yield from giving_out.write_asked(code)


@periodic("quizzes.tidy_files", minutes=30, what=_l("Forget files of questions that nobody came back for"))
def tidy_files() -> None:
    """Forget files of questions after their days."""
    taking_in.tidy()
