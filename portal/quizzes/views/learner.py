"""The learner's pages: her quizzes, the rules before the start, the attempt, its result."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any, TypeGuard

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from portal.accounts.models import Person
from portal.core import clock
from portal.core.access import actor, can, requires, signed_in
from portal.core.i18n import format_duration, format_instant, format_percent, gettext, language, ngettext
from portal.core.transaction import transaction
from portal.quizzes import errors, limits, queries, rules
from portal.quizzes.models import (
    Attempt,
    AttemptEvent,
    AttemptState,
    Confidence,
    EventKind,
    Item,
    QuizVersion,
    RefusedAnswer,
    Release,
    SubmittedBy,
)
from portal.quizzes.permissions import EDIT_QUIZ, SEE_BANKS, SEE_FIGURES, TAKE_ATTEMPT, WATCH_QUIZ
from portal.quizzes.queries import supervision
from portal.quizzes.queries.pool import count_pilots
from portal.quizzes.rules import Hindrance, Standing
from portal.quizzes.service import appeals, paper, taking
from portal.quizzes.service import attempts as service
from portal.quizzes.service.assigned import closed_to_others
from portal.quizzes.service.attempts import Outcome, Save, Told
from portal.quizzes.service.beforehand import costs_points, waits_for_people
from portal.quizzes.service.decided import Decided, decided_for
from portal.quizzes.service.drawing import applying_to, pilots_shown, sensitivity_of, too_short
from portal.quizzes.service.history import CLOCK_WENT_BACK
from portal.quizzes.service.marking import APPEAL, REGRADE
from portal.quizzes.service.owned import owner_of_quiz
from portal.quizzes.service.practice import offers_practice
from portal.quizzes.service.supervision import in_order
from portal.quizzes.service.written import length_words
from portal.quizzes.types.base import MAX_PARTS
from portal.quizzes.views import afterwards, blueprint, told
from portal.quizzes.views import versions as authors

_: Callable[..., str] = gettext
_STATUS = {
    Outcome.SAVED: 200,
    Outcome.STALE: 409,
    Outcome.ELSEWHERE: 409,
    Outcome.CLOSED: 409,
    Outcome.LEFT: 409,
    Outcome.AHEAD: 409,
    Outcome.ON_BREAK: 409,
    Outcome.LATE: 410,
}


# Where somebody has nothing more to do at a quiz, and what then keeps her from nothing that she needs.
_DONE = frozenset({"passed", "exempt"})
_FOR_ANOTHER = frozenset({Hindrance.NO_ATTEMPTS_LEFT, Hindrance.WAITING, Hindrance.CLOSED})


# --- before ------------------------------------------------------------------------------------


@blueprint.get("/quizzes")
@signed_in
def index() -> str:
    """List the quizzes with where one stands in each."""
    person, now = actor(), clock.now()
    mine: dict[int, list[Attempt]] = {}
    for attempt in queries.list_attempts(person):
        mine.setdefault(attempt.quiz_id, []).append(attempt)
    multiplier = queries.multiplier_of(queries.find_accommodation(person, now))
    rows = []
    versions = queries.list_quizzes()
    applying = applying_to(person, versions)
    pilots = count_pilots(language()) if any(version.pilots for version in versions) else {}
    decided = decided_for(person.id, versions)
    not_hers = closed_to_others(person, versions)
    startable: list[tuple[QuizVersion, dict[str, Any]]] = []
    for version in versions:
        attempts = mine.get(version.quiz_id, [])
        if version.quiz_id not in applying and not attempts:
            continue
        standing = rules.standing(
            terms=service.terms_of(version),
            past=service.past_of(attempts, now),
            multiplier=multiplier,
            now=now,
        )
        by_hand = decided.get(version.quiz_id)
        state = by_hand.state if by_hand is not None else _state_of(version, attempts, now)
        is_closed = version.quiz_id in not_hers and state != "in_progress"
        rows.append(
            {
                "title": str(version.title),
                "href": url_for("quizzes.show", slug=version.quiz.slug),
                "duration": format_duration(
                    timedelta(seconds=rules.promised_seconds(version.time_limit_minutes * 60, multiplier))
                ),
                "questions": told.questions_of(version) + pilots_shown(version, pilots),
                "attempts_left": standing.attempts_left,
                "state": "locked" if is_closed and state == "not_started" else state,
                "row_state": "done" if state in ("passed", "exempt") else None,
                "is_short": False,
                "window": None
                if state == "in_progress"
                else _("Only for people whose training plan contains it")
                if is_closed and state not in _DONE
                else _window_words(
                    version,
                    rules.effective_close(version.closes_at, version.time_limit_minutes * 60, multiplier),
                    now,
                    person.time_zone,
                ),
            }
        )
        is_open = version.quiz_id in applying and not is_closed
        if is_open and state not in _DONE | {"in_progress"} and standing.hindrance is None:
            startable.append((version, rows[-1]))
    short = too_short([version for version, _row in startable], language()) if startable else set()
    for version, row in startable:
        row["is_short"] = version.quiz_id in short
    return render_template(
        "quizzes/index.html",
        rows=rows,
        written=authors.rows_for_authors(versions, now) if can(SEE_BANKS) else None,
        new_href=url_for("quizzes.new_quiz") if can(EDIT_QUIZ) else None,
    )


def _decided_words(decided: Decided | None) -> str | None:
    """Say what two people decided in place of the attempts."""
    if decided is None:
        return None
    if decided.state == "exempt":
        return _("You are exempt from this quiz, as two people decided.")
    if decided.score is None:
        if decided.state == "passed":
            return _("Two people decided your result: passed. It counts in place of your attempts.")
        return _("Two people decided your result: not passed. It counts in place of your attempts.")
    score = format_percent(decided.score)
    if decided.state == "passed":
        return _("Two people decided your result: passed, %(score)s. It counts in place of your attempts.", score=score)
    return _("Two people decided your result: not passed, %(score)s. It counts in place of your attempts.", score=score)


def _window_words(version: QuizVersion, closes_at: datetime | None, now: datetime, zone: str) -> str | None:
    """Say from when or until when a person can start a quiz; None where she always can."""
    if version.opens_at is not None and now < version.opens_at:
        return _("Opens on %(instant)s", instant=format_instant(version.opens_at, zone))
    if closes_at is None:
        return None
    if closes_at <= now:
        return _("Closed on %(instant)s", instant=format_instant(closes_at, zone))
    return _("Open until %(instant)s", instant=format_instant(closes_at, zone))


def _state_of(version: QuizVersion, attempts: list[Attempt], now: datetime) -> str:
    """Return where a person stands in a quiz, as a state of the status chip."""
    counted = queries.counted_attempt(version, attempts)
    if counted is not None and counted.markings[-1].passed:
        return "passed"
    counting = [attempt for attempt in attempts if attempt.state is not AttemptState.VOIDED]
    if not counting:
        return "not_started"
    last = counting[-1]
    match _effective(last, now):
        case AttemptState.IN_PROGRESS:
            return "in_progress"
        case AttemptState.RELEASED:
            return "failed"
        case AttemptState.SUBMITTED if last.state is AttemptState.SUBMITTED:
            return "waits_for_marking"
        case _:
            return "not_released"


def _effective(attempt: Attempt, now: datetime) -> AttemptState:
    return AttemptState(
        rules.effective_state(
            state=attempt.state.value, deadline_at=attempt.deadline_at, now=now, tolerance=attempt.tolerance
        )
    )


@blueprint.get("/quizzes/<slug>")
@signed_in
def show(slug: str) -> str:
    """Show the rules before the start, and one's earlier attempts."""
    return _rules_page(queries.get_quiz(slug), actor())


def _rules_page(version: QuizVersion, person: Person, refusal: str | None = None) -> str:
    now = clock.now()
    attempts = queries.list_attempts(person, version.quiz_id)
    accommodation = queries.find_accommodation(person, now)
    multiplier = queries.multiplier_of(accommodation)
    standing = rules.standing(
        terms=service.terms_of(version), past=service.past_of(attempts, now), multiplier=multiplier, now=now
    )
    running = next((each for each in attempts if _effective(each, now) is AttemptState.IN_PROGRESS), None)
    first = service.what_comes_first(person, version.quiz.slug) if running is None else None
    applies = running is not None or version.quiz_id in applying_to(person, [version])
    is_closed = running is None and bool(closed_to_others(person, [version]))
    pilots = told.pilots_of(version, person, language())
    counted = queries.counted_attempt(version, attempts) if len(attempts) > 1 else None
    by_hand = decided_for(person.id, [version]).get(version.quiz_id)
    state = by_hand.state if by_hand is not None else _state_of(version, attempts, now)
    zone = person.time_zone
    can_start = running is None and first is None and applies and not is_closed and standing.hindrance is None
    is_short = can_start and bool(too_short([version], language()))
    close = rules.effective_close(version.closes_at, version.time_limit_minutes * 60, multiplier)
    promised = timedelta(seconds=rules.promised_seconds(version.time_limit_minutes * 60, multiplier))
    return render_template(
        "quizzes/show.html",
        title=str(version.title),
        slug=version.quiz.slug,
        refusal=refusal,
        sensitivity=sensitivity_of(version),
        costs=costs_points(version),
        sections=told.section_rules(version),
        pilots_words=told.pilots_words(pilots),
        facts=_facts(version, standing, close, zone, promised=promised, has_more_time=multiplier > 1, pilots=pilots),
        duration=format_duration(standing.available or promised),
        promised=format_duration(promised),
        has_more_time=multiplier > 1,
        is_cut=standing.is_cut and standing.hindrance in (None, Hindrance.WAITING, Hindrance.NOT_OPEN_YET),
        hindrance=(
            str(errors.SomethingComesFirst(first=first))
            if first
            else str(errors.NotForThisPerson())
            if not applies
            else str(errors.OnlyAssigned())
            if is_closed and state not in _DONE
            else str(errors.TooFewQuestions(owner=owner_of_quiz(version.quiz.slug)))
            if is_short and state not in _DONE
            else _hindrance_words(standing, zone)
            if running is None and not (state in _DONE and standing.hindrance in _FOR_ANOTHER)
            else None
        ),
        is_passed=state == "passed",
        running_href=url_for("quizzes.attempt", code=running.code) if running else None,
        can_start=can_start and not is_short,
        release_words=_release_words(version, zone),
        told=taking.told_before(version, accommodation),
        has_breaks=bool(accommodation and accommodation.break_minutes),
        offers_practice=applies and not is_closed and offers_practice(version, person),
        live_href=url_for("quizzes.live", slug=version.quiz.slug) if can(WATCH_QUIZ) else None,
        # Who reads the key is led there beside the other pages of an author.
        figures_href=url_for("quizzes.statistics", slug=version.quiz.slug)
        if can(SEE_FIGURES, version) and not can(SEE_BANKS)
        else None,
        tolerance=int(queries.tolerance(version).total_seconds()),
        purpose=str(version.purpose) if version.purpose else None,
        author=authors.for_authors(version, now),
        decided=_decided_words(by_hand),
        decided_href=by_hand.href if by_hand is not None else None,
        attempts=[
            _attempt_row(each, now, zone) | {"counts": each is counted and by_hand is None}
            for each in reversed(attempts)
        ],
    )


def _facts(
    version: QuizVersion,
    standing: Standing,
    close: datetime | None,
    zone: str,
    *,
    promised: timedelta,
    has_more_time: bool,
    pilots: int,
) -> list[tuple[str, str | None]]:
    wait = None
    if version.wait_hours and version.attempts_allowed > 1:
        wait = ngettext(
            "%(hours)s h after %(num)d failed attempt",
            "%(hours)s h after %(num)d failed attempts",
            version.wait_after_fails,
            hours=version.wait_hours,
        )
    return [
        (_("Number of questions"), str(told.questions_of(version) + pilots)),
        (_("Your time") if has_more_time else _("Time"), format_duration(standing.available or promised)),
        (_("Pass mark"), format_percent(version.pass_mark)),
        (
            _("Attempts left"),
            _("%(left)s of %(all)s", left=standing.attempts_left, all=version.attempts_allowed),
        ),
        (_("What counts"), told.counts_words(version.counts) if version.attempts_allowed > 1 else None),
        (_("Wait between attempts"), wait),
        (_("Opens"), format_instant(version.opens_at, zone) if version.opens_at else None),
        (_("Closes"), format_instant(close, zone) if close else None),
        (_("Time for an appeal"), _appeal_words(version)),
        (_("Version"), version.number),
    ]


def _appeal_words(version: QuizVersion) -> str | None:
    """Say for how long a result can be appealed; None where it shows no questions anyway."""
    if not appeals.shows_questions(version):
        return None
    days = appeals.appeal_days(version)
    return ngettext("%(num)d day", "%(num)d days", days) if days else _("no appeals")


def _hindrance_words(standing: Standing, zone: str) -> str | None:
    when = format_instant(standing.possible_at, zone) if standing.possible_at else ""
    match standing.hindrance:
        case Hindrance.NOT_OPEN_YET:
            return str(errors.NotOpenYet(when=when))
        case Hindrance.CLOSED:
            return str(errors.Closed())
        case Hindrance.NO_ATTEMPTS_LEFT:
            return str(errors.NoAttemptsLeft())
        case Hindrance.WAITING:
            return str(errors.MustWait(when=when))
        case None:
            return None


def _release_words(version: QuizVersion, zone: str) -> str:
    match version.release:
        case Release.AT_ONCE:
            if waits_for_people(version.blueprint):
                return _(
                    "The result is shown as soon as you hand in, or, if your paper has answers that people mark, once "
                    "they have marked them."
                )
            return _("The result is shown as soon as you hand in.")
        case Release.AFTER_WINDOW:
            assert version.closes_at is not None
            return _(
                "The result is shown after the quiz has closed for everybody, not before %(when)s.",
                when=format_instant(version.closes_at, zone),
            )
        case Release.BY_HAND:
            return _("The result is shown when it has been released by the quiz's owner.")


def _attempt_row(attempt: Attempt, now: datetime, zone: str) -> dict[str, Any]:
    state = _effective(attempt, now)
    released = state is AttemptState.RELEASED
    marking = attempt.markings[-1] if released and attempt.markings else None
    shows_score = marking is not None and attempt.quiz_version.shows_score
    chip, word = {
        AttemptState.IN_PROGRESS: ("in_progress", None),
        AttemptState.RELEASED: ("passed" if marking and marking.passed else "failed", None),
        AttemptState.VOIDED: ("withdrawn", _("Void")),
    }.get(state, ("waits_for_marking" if attempt.state is AttemptState.SUBMITTED else "not_released", None))
    return {
        "number": attempt.attempt_no,
        "href": url_for(
            "quizzes.attempt" if state is AttemptState.IN_PROGRESS else "quizzes.result", code=attempt.code
        ),
        "started": format_instant(attempt.started_at, zone),
        "score": format_percent(marking.score) if marking and shows_score else None,
        "state": chip,
        "word": word,
    }


@blueprint.post("/quizzes/<slug>/attempts")
@signed_in
def start(slug: str) -> Response | tuple[str, int]:
    """Start an attempt, or go on with the one in progress."""
    person = actor()
    version = queries.get_quiz(slug)
    try:
        with transaction():
            code = service.start_attempt(
                version=version,
                person=person,
                language=language(),
                accepts_cut=request.form.get("accepts_cut") == "yes",
            ).code
    except (errors.CannotStart, errors.CutMustBeConfirmed) as refused:
        return _rules_page(version, person, refusal=str(refused)), refused.status
    return redirect(url_for("quizzes.attempt", code=code), 303)


# --- during ------------------------------------------------------------------------------------


@blueprint.get("/attempts/<code>")
@requires(TAKE_ATTEMPT, on=queries.get_attempt)
def attempt(attempt: Attempt) -> str | Response:
    """Show the questions with what is saved, all or one of them; an attempt that is over leads to its result."""
    now = clock.now()
    if _effective(attempt, now) is not AttemptState.IN_PROGRESS:
        return redirect(url_for("quizzes.result", code=attempt.code), 303)
    if attempt.is_on_break(now):
        return _break_page(attempt, now)
    version = attempt.quiz_version
    items, void = queries.list_items_to_answer(attempt)
    course = taking.course_of(attempt, items, _asked_question())
    here = course.here
    on_page = [item for item in items if here is None or item.position == here]
    citations = queries.list_citations({item.question_version_id for item in on_page})
    zone, chosen = actor().time_zone, language()
    shown = [paper.item_form(item, citations.get(item.question_version_id, []), chosen) for item in on_page]
    titles = told.section_titles(attempt.quiz_version)
    before = {item.position + 1: item.section for item in items}
    for item, row in zip(shown, on_page, strict=True):
        # On a page of its own each question says to which section it belongs.
        is_told = row.section is not None and (here is not None or before.get(row.position) != row.section)
        item["section"] = titles.get(str(row.section)) if is_told else None
        item["saved"] = clock_words(item["received_at"], zone) if item["received_at"] else None
        # She need not spend her time on what counts for nobody.
        item["is_void"] = row.position in void
        item["confidence"] = row.response.confidence if row.response else None
    last = max((item.response.received_at for item in items if item.response), default=None)
    left = rules.remaining(attempt.deadline_at, now)
    return render_template(
        "quizzes/attempt.html",
        attempt={
            "code": attempt.code,
            "number": attempt.attempt_no,
            "remaining_ms": milliseconds(left),
            "remaining_seconds": int(left.total_seconds()),
            "end": _end_words(attempt.deadline_at, now, zone),
            "duration": format_duration(
                timedelta(
                    seconds=rules.promised_seconds(attempt.limit_seconds, attempt.multiplier, attempt.added_seconds)
                )
            ),
            "terms": _terms_of(attempt),
        },
        title=str(version.title),
        quiz_slug=version.quiz.slug,
        items=shown,
        total=len(items),
        course=course.places,
        here=here,
        is_last=here is None or here == len(items),
        is_forward_only=version.is_forward_only,
        asks_skip=version.is_forward_only and request.args.get("skip") == "1" and not course.is_answered,
        asks_confidence=bool(version.confidence),
        confidence_words=taking.confidence_words(),
        length_words={
            f"{name}{suffix}": length_words(sign * number, "{count}")
            for name, sign in (("long", 1), ("short", -1))
            for suffix, number in (("-one", 1), ("", 2))
        },
        saved=clock_words(last, zone) if last else None,
        left=_left(course.places, is_asked=request.args.get("hand_in") == "1"),
        form_key=secrets.token_hex(8),
        page_key=secrets.token_hex(12),
    )


def _asked_question() -> int | None:
    """Return the number of the question that the address or the form names."""
    text = request.values.get("question", "")
    return int(text) if _is_number(text) else None


def _break_page(attempt: Attempt, now: datetime) -> str:
    assert attempt.break_until is not None
    left = rules.remaining(attempt.break_until, now)
    return render_template(
        "quizzes/break.html",
        title=str(attempt.quiz_version.title),
        number=attempt.attempt_no,
        code=attempt.code,
        until=_end_words(attempt.break_until, now, actor().time_zone),
        left=taking.exact_length(-(-milliseconds(left) // 1000)),
        left_ms=milliseconds(left),
        shows_clock=not attempt.hide_countdown,
    )


def _left(items: list[dict[str, Any]], *, is_asked: bool) -> dict[str, Any]:
    """Return how many questions are answered and which are not; `known` is what handing in says to have read."""
    numbers = {
        state: [item["number"] for item in items if item["state"] == state]
        for state in ("unread", "length", "partly", "open", "answered")
    }
    return {
        "answered": len(numbers["answered"]),
        "unread": numbers["unread"],
        "length": numbers["length"],
        "lengths": {item["number"]: item["words"] for item in items},
        "partly": numbers["partly"],
        "open": numbers["open"],
        "is_asked": is_asked,
        "known": " ".join(str(number) for state in ("unread", "length", "partly", "open") for number in numbers[state])
        if is_asked
        else "",
    }


def _end_words(deadline_at: datetime, now: datetime, zone: str) -> str:
    """Write when an attempt ends: the time of day, with the date where that is another day."""
    if clock.local_date(deadline_at, zone) != clock.local_date(now, zone):
        return format_instant(deadline_at, zone, seconds=True)
    local = deadline_at.astimezone(clock.zone_info(zone))
    return f"{local:%H:%M:%S} {local.tzname()}"


def milliseconds(length: timedelta) -> int:
    """Return a duration in whole milliseconds."""
    return length // timedelta(milliseconds=1)


def clock_words(instant: datetime, zone: str) -> str:
    """Write the time of day to the second, as the saved state shows it."""
    return f"{instant.astimezone(clock.zone_info(zone)):%H:%M:%S}"


@blueprint.post("/attempts/<code>/responses")
@requires(TAKE_ATTEMPT, on=queries.get_bare_attempt)
def save_response(attempt: Attempt) -> tuple[dict[str, Any], int]:
    """Save one answer (JSON: position, seq, idem_key, answer; page and take_over where two pages are open)."""
    limits.saves.take(attempt.code)
    body = _body()
    person = actor()
    zone = person.time_zone
    position, seq = _whole(body.get("position")), _whole(body.get("seq"))
    key, page = body.get("idem_key"), body.get("page")
    if not _is_plain(key) or not (page is None or (_is_plain(page) and 0 < len(page) <= 40)):
        raise errors.BadRequest()
    with transaction():
        saved = service.save_response(
            attempt=attempt,
            person=person,
            position=position,
            seq=seq,
            idem_key=key,
            given=_given(body.get("answer")),
            page=page,
            take_over=body.get("take_over") is True,
            confidence=_rating(body.get("confidence")),
        )
    return _reply(saved, zone) | _end_and_terms(attempt, saved.now, zone), _STATUS[saved.outcome]


def _body() -> dict[str, Any]:
    try:
        body = request.get_json(silent=True)
    except RecursionError:
        # Nested a thousand deep: nothing that our page sends.
        body = None
    if not isinstance(body, dict):
        raise errors.BadRequest()
    return body


def _is_plain(text: object) -> TypeGuard[str]:
    """Say whether a key of a page is what our pages send: printable ASCII, which every database stores."""
    return isinstance(text, str) and text.isascii() and text.isprintable()


def _whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise errors.BadRequest()
    return value


def _given(answer: object) -> dict[str, list[str]]:
    """Return the answer of a JSON body as part → values. Raises `BadRequest` for anything else."""
    if not isinstance(answer, dict) or len(answer) > MAX_PARTS:
        raise errors.BadRequest()
    for values in answer.values():
        if not isinstance(values, list) or len(values) > 50 or not all(isinstance(each, str) for each in values):
            raise errors.BadRequest()
    return answer


def _rating(value: object) -> Confidence | None:
    """Return how sure somebody says she is; None where she says nothing. Raises `BadRequest` for anything else."""
    if value is None or value == "":
        return None
    if value not in list(Confidence):
        raise errors.BadRequest()
    return Confidence(str(value))


def _reply(saved: Save, zone: str) -> dict[str, Any]:
    return {
        "outcome": saved.outcome.value,
        "state": saved.state.value,
        "saved_seq": saved.saved_seq,
        "answer": saved.answer,
        "confidence": saved.confidence,
        "remaining_ms": milliseconds(saved.remaining),
        "server_now": saved.now.isoformat(),
        "saved_at": clock_words(saved.now, zone) if saved.outcome is Outcome.SAVED else None,
        "message": _outcome_words(saved.outcome, saved.state),
    } | ({"notes": saved.notes} if saved.notes else {})


def _outcome_words(outcome: Outcome, state: AttemptState) -> str:
    match outcome:
        case Outcome.CLOSED if state is AttemptState.VOIDED:
            return _("This attempt was made void. Nothing can be changed, and it counts for nothing.")
        case Outcome.SAVED:
            return ""
        case Outcome.STALE:
            return _("A newer answer is saved already; it is shown now.")
        case Outcome.ELSEWHERE:
            return _(
                "This attempt is open elsewhere. The saved answers are shown here; to answer on this page, choose "
                "“Continue here”."
            )
        case Outcome.LATE:
            return _("Time is up. This answer arrived too late and was not accepted; the answers saved before count.")
        case Outcome.CLOSED:
            return _("This attempt has been handed in. Nothing can be changed.")
        case Outcome.LEFT:
            return _("You have left this question, so its answer stays as it was saved.")
        case Outcome.AHEAD:
            return _("This question comes later. Load the page again to see where you are.")
        case Outcome.ON_BREAK:
            return str(errors.OnBreak())


@blueprint.post("/attempts/<code>/events")
@requires(TAKE_ATTEMPT, on=queries.get_bare_attempt)
def note_page(attempt: Attempt) -> dict[str, Any]:
    """Take a page's sign of life and what it noticed of itself (JSON: page, events, take_over, leaves)."""
    limits.pulses.take(attempt.code)
    body = _body()
    page, events = body.get("page"), body.get("events", [])
    if not _is_plain(page) or not 0 < len(page) <= 40 or not isinstance(events, list):
        raise errors.BadRequest()
    told = [each for each in map(_told, events[: service.MAX_EVENTS_PER_POST]) if each]
    zone = actor().time_zone
    with transaction():
        pulse = service.note_page(
            attempt=attempt,
            page=page,
            told=told,
            take_over=body.get("take_over") is True,
            leaves=body.get("leaves") is True,
        )
    return {
        "writer": pulse.is_writer,
        "state": pulse.state.value,
        "remaining_ms": milliseconds(pulse.remaining),
        "server_now": pulse.now.isoformat(),
        "on_break": pulse.is_on_break,
    } | _end_and_terms(attempt, pulse.now, zone)


def _end_and_terms(attempt: Attempt, now: datetime, zone: str) -> dict[str, Any]:
    """Return what a page of the attempt shows of its end and of what is agreed, as both stand now."""
    end = _end_words(attempt.deadline_at, now, zone)
    return {"end": end, "until": _("until %(time)s", time=end), "terms": _terms_of(attempt)}


def _terms_of(attempt: Attempt) -> dict[str, Any]:
    """Return whether the countdown is hidden, and how long the clock may still be stopped, in words."""
    return {"is_quiet": attempt.hide_countdown, "breaks": taking.breaks_words(attempt)}


def _told(event: object) -> Told | None:
    """Read one event of a page; what is not understood is left out."""
    if not isinstance(event, Mapping):
        return None
    kind, key, age = event.get("kind"), event.get("key"), event.get("age_ms")
    if kind not in list(EventKind) or not _is_plain(key) or type(age) is not int:
        return None
    return Told(EventKind(kind), key, timedelta(milliseconds=min(max(age, 0), 86_400_000)))


@blueprint.post("/attempts/<code>")
@requires(TAKE_ATTEMPT, on=queries.get_attempt)
def send_page(attempt: Attempt) -> Response:
    """Save the whole page, and hand it in where that button was pressed; works without JavaScript."""
    person, code, zone = actor(), attempt.code, actor().time_zone
    limits.saves.take(code)
    action = request.form.get("action", "")
    answers, form_key = _page_answers(), request.form.get("form_key", "")
    ratings = {
        int(name.removeprefix("confidence-")): rating
        for name in request.form
        if name.startswith("confidence-")
        and _is_number(name.removeprefix("confidence-"))
        and (rating := _rating(request.form[name])) is not None
    }
    if not _is_plain(form_key):
        raise errors.BadRequest()
    if attempt.is_on_break(clock.now()):
        # Another page of hers began it; what this one shows is not taken while the clock stands still.
        flash(str(errors.OnBreak()), "warning")
        return redirect(url_for("quizzes.attempt", code=code), 303)
    asks = asks_skip = False
    here = _asked_question()
    with transaction():
        page = service.save_page(attempt=attempt, person=person, answers=answers, form_key=form_key, ratings=ratings)
        state = page.state
        is_running = page.is_whole and state is AttemptState.IN_PROGRESS
        if action == "submit" and is_running:
            # Nobody hands in what is not answered without having read which questions that are, while there is time.
            asks = page.now <= attempt.deadline_at and not service.what_is_left(page.items).numbers <= _known_left()
            if not asks:
                state = service.submit_attempt(attempt=attempt, person=person, items=page.items).state
        elif action in ("next", "skip") and is_running and here is not None and attempt.reached is not None:
            # Nor leaves for good what is not answered without having read that it is not.
            left = service.what_is_left(page.items).numbers
            asks_skip = action == "next" and here in left and here == attempt.reached
            if not asks_skip:
                state = service.move_on(attempt=attempt, position=here).state
        elif action == "break" and is_running and taking.breaks_words(attempt):
            state = service.begin_break(attempt=attempt, person=person).state
        after_the_end = _after_the_end(attempt, page.late, zone) if page.was_over else ""
    if after_the_end:
        flash(after_the_end, "warning" if page.late else "info")
    elif page.late:
        flash(_late_words(page.late), "warning")
    elif page.stale:
        flash(
            _(
                "Other answers to question %(numbers)s had been saved from another page. They are shown now and were "
                "not replaced. Check them and press the button again.",
                numbers=_listed(page.stale),
            ),
            "warning",
        )
    elif page.left:
        flash(
            _(
                "You had left question %(numbers)s, so its answer stays as it was saved before.",
                numbers=_listed(list(page.left)),
            ),
            "warning",
        )
    elif state is AttemptState.IN_PROGRESS and action in ("save", "submit", "") and "go" not in request.form:
        flash(_("Saved %(time)s", time=clock_words(page.now, zone)), "success")
    if state is not AttemptState.IN_PROGRESS:
        return redirect(url_for("quizzes.result", code=code), 303)
    goes_to = taking.goes_to(action, request.form.get("go", ""), here, stays=bool(page.stale) or asks_skip)
    if asks:
        return redirect(url_for("quizzes.attempt", code=code, question=here, hand_in=1, _anchor="hand-in"), 303)
    if asks_skip:
        return redirect(url_for("quizzes.attempt", code=code, skip=1, _anchor="steps"), 303)
    is_moved = action in ("next", "previous", "skip") or "go" in request.form
    at = goes_to if attempt.reached is None else attempt.reached
    # Whoever goes on with the keys begins at the question, not at the head of the page again.
    anchor = f"question-{at}" if is_moved and at is not None else None
    return redirect(url_for("quizzes.attempt", code=code, question=goes_to, _anchor=anchor), 303)


def _after_the_end(attempt: Attempt, late: list[int], zone: str) -> str:
    """Say of a page that was sent after the attempt was handed in, or made void, what became of it."""
    if attempt.submitted_by is not SubmittedBy.LEARNER and attempt.state is not AttemptState.VOIDED:
        # The time was over, and the page may not have known.
        return _late_words(late) if late else ""
    over_at = attempt.finished_at or attempt.deadline_at
    if attempt.state is AttemptState.VOIDED:
        before = _("This attempt was made void; it had ended at %(time)s.", time=clock_words(over_at, zone))
    else:
        before = _("This attempt was handed in at %(time)s.", time=clock_words(over_at, zone))
    if not late:
        return before
    return (
        before
        + (" " if language() == "en" else "")
        + _("What was changed after that was not kept: question %(numbers)s.", numbers=_listed(late))
    )


def _known_left() -> set[int]:
    """Return the questions that the page named as not answered when it was handed in."""
    return {int(number) for number in request.form.get("leaves", "").split() if _is_number(number)}


def _late_words(positions: list[int]) -> str:
    return _(
        "Time was up. The answers saved before count; the last changes to question %(numbers)s arrived too late.",
        numbers=_listed(positions),
    )


def _listed(positions: list[int]) -> str:
    separator = "、" if language() == "ja" else ", "
    return separator.join(map(str, positions))


def _page_answers() -> dict[int, tuple[int, dict[str, list[str]]]]:
    """Return position → (seq that the page had seen, part → values) of a posted page."""
    answers: dict[int, tuple[int, dict[str, list[str]]]] = {}
    for name in request.form:
        kind, dash, rest = name.partition("-")
        if kind == "seq" and dash and _is_number(rest):
            answers[int(rest)] = (int(request.form[name]) if _is_number(request.form[name]) else 0, {})
    for name in request.form:
        question, dash, part = name.partition("-")
        if question.startswith("q") and dash and _is_number(question[1:]):
            # A page that lost its number has seen nothing: it replaces nothing either.
            answers.setdefault(int(question[1:]), (0, {}))[1][part] = request.form.getlist(name)
    return answers


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10


# --- after -------------------------------------------------------------------------------------


@blueprint.get("/attempts/<code>/result")
@requires(TAKE_ATTEMPT, on=queries.get_attempt)
def result(attempt: Attempt) -> str | Response:
    """Show what the quiz shows of a released result; before that, what was received."""
    now, person, chosen = clock.now(), actor(), language()
    state = _effective(attempt, now)
    if state is AttemptState.IN_PROGRESS:
        return redirect(url_for("quizzes.attempt", code=attempt.code), 303)
    version, zone = attempt.quiz_version, person.time_zone
    released = attempt.state is AttemptState.RELEASED
    show = frozenset(version.show) if released else frozenset()
    marking = queries.find_current_marking(attempt) if released else None
    is_passed = marking.passed if marking else None
    scored = marking if version.shows_score else None
    sections = told.section_results(version, scored) if scored else []
    points = {mark.item_id: mark.points for mark in marking.item_marks} if marking else {}
    items = queries.list_items(attempt)
    citations = queries.list_citations({item.question_version_id for item in items}) if released else {}
    asks = bool(version.confidence) and released
    shown = (
        [
            paper.item_review(
                item,
                citations.get(item.question_version_id, []),
                language=chosen,
                show=show,
                points=points.get(item.id),
            )
            for item in items
        ]
        if released
        else []
    )
    if released:
        afterwards.add_what_people_said(shown, items, attempt, now=now, show=show)
    refused = {each.item.position: each for each in supervision.list_refused(attempt)}
    for page, item in zip(shown, items if shown else (), strict=True):
        page["late"] = _late_of(refused.get(item.position), item)
    lines = in_order(queries.list_events(attempt), attempt)
    attempts = queries.list_attempts(person, version.quiz_id)
    newest = queries.get_quiz(version.quiz.slug)
    standing = service.standing_of(newest, person, attempts, now)
    by_hand = decided_for(person.id, [newest]).get(newest.quiz_id)
    is_done = is_passed or (by_hand is not None and by_hand.state in _DONE)
    return render_template(
        "quizzes/result.html",
        title=str(version.title),
        quiz_slug=version.quiz.slug,
        attempt_no=attempt.attempt_no,
        state=attempt.state.value if attempt.state is not AttemptState.IN_PROGRESS else "submitted",
        is_marked=attempt.state not in (AttemptState.IN_PROGRESS, AttemptState.SUBMITTED),
        waits=attempt.state is AttemptState.SUBMITTED,
        keeps_pass=bool(marking and marking.keeps_pass),
        void_reason=next((each.event.reason for each in lines if each.event.kind is EventKind.VOIDED), None),
        corrections=afterwards.corrections_of(attempt, items, zone) if released else [],
        release_words=_release_words(version, zone),
        score=format_percent(scored.score) if scored else None,
        points_words=paper.points_words(scored.points, scored.max_points) if scored else None,
        pass_mark=format_percent(version.pass_mark),
        passed=is_passed,
        sections=sections,
        failed_sections=told.failed_sections(sections),
        pilots_words=_pilots_after(items) if released else None,
        shows_items=bool(show - {"score"}),
        shows_key="key" in show,
        items=shown,
        late=_late_facts(attempt, refused, items),
        void_appeals=afterwards.appeals_of_void(attempt) if attempt.state is AttemptState.VOIDED else [],
        decided_late=_decided_late_words(refused) if attempt.state is not AttemptState.VOIDED else [],
        received=[
            {
                "position": item.position,
                "late": _late_of(refused.get(item.position), item),
                "at": clock_words(item.response.received_at, zone) if item.response else None,
                "answered": bool(item.response and item.response.answer),
                "state": taking.state_of(item).value,
                "length_words": taking.length_of(item),
            }
            for item in items
        ],
        ratings={
            item.position: dict(taking.confidence_words())[item.response.confidence]
            for item in items
            if asks and item.response and item.response.confidence
        },
        calibration=taking.calibration_rows(
            (item.response.confidence if item.response else None, points.get(item.id, Fraction(0)), item.max_points)
            for item in items
        )
        if asks and "correctness" in show
        else [],
        facts=[
            (_("Started"), format_instant(attempt.started_at, zone, seconds=True)),
            (
                _("Finished"),
                format_instant(attempt.finished_at or attempt.deadline_at, zone, seconds=True),
            ),
            (_("How it was handed in"), _by_words(attempt)),
            (_("Attempts left"), _("%(left)s of %(all)s", left=standing.attempts_left, all=newest.attempts_allowed)),
            (_("Next attempt"), None if is_done else _next_words(standing, zone)),
        ],
        hindrance=None if is_done else _hindrance_words(standing, zone),
        history=[
            {
                "at": event_time(line.at, attempt, zone),
                "text": event_words(line.event, zone),
                "noticed": event_time(line.noticed_at, attempt, zone) if line.noticed_at else None,
            }
            for line in lines
        ],
    )


def _decided_late_words(refused: Mapping[int, RefusedAnswer]) -> list[str]:
    """Say which of the answers that came too late count all the same, which do not, and why."""
    told = []
    for number, each in sorted(refused.items()):
        if not each.is_decided:
            continue
        facts = {"number": number, "length": taking.exact_length(each.late_seconds), "reason": each.reason}
        if each.accepted_at is not None:
            told.append(
                _("The answer to question %(number)s came %(length)s too late and was accepted: %(reason)s", **facts)
            )
        else:
            told.append(
                _(
                    "The answer to question %(number)s came %(length)s too late and does not count: %(reason)s",
                    **facts,
                )
            )
    return told


def _late_of(refused: RefusedAnswer | None, item: Item) -> str | None:
    """Say of the last answer to a question that came after the end how late it was, and what became of it."""
    if refused is None or (refused.accepted_at is None and item.response and item.response.seq >= refused.seq):
        return None
    length = taking.exact_length(refused.late_seconds)
    if refused.accepted_at is not None:
        return _("came %(length)s too late, accepted", length=length)
    if refused.declined_at is not None:
        return _("came %(length)s too late, does not count", length=length)
    if item.response is None:
        return _("not received in time: it came %(length)s too late", length=length)
    return _("a later change came %(length)s too late", length=length)


def _late_facts(attempt: Attempt, refused: Mapping[int, RefusedAnswer], items: list[Item]) -> dict[str, str] | None:
    """Say which answers did not come in time and what happens with them; None where nothing of it is open."""
    open_ones = [
        item.position
        for item in items
        if (each := refused.get(item.position)) is not None
        and not each.is_decided
        and (item.response is None or item.response.seq < each.seq)
    ]
    if not open_ones or attempt.state is AttemptState.VOIDED:
        return None
    return {
        "what": ngettext(
            "The last answer to question %(numbers)s was not received in time: it arrived after the end.",
            "The last answers to questions %(numbers)s were not received in time: they arrived after the end.",
            len(open_ones),
            numbers=_listed(open_ones),
        ),
        "next": _(
            "The result is out, so late answers can no longer be accepted. If something outside your control kept them "
            "back, tell your lead, who sees when they arrived."
        )
        if attempt.state is AttemptState.RELEASED
        else _(
            "They are kept as they arrived, and your lead has been told. Until the result is released, your lead can "
            "accept or decline them for a reason, which will stand here. Nothing else is needed from you."
        ),
    }


def _pilots_after(items: list[Item]) -> str | None:
    """Say which questions did not count; None where all did."""
    on_trial = [item.position for item in items if not item.is_scored]
    if not on_trial:
        return None
    return ngettext(
        "This question was on trial and does not count: %(numbers)s.",
        "These questions were on trial and do not count: %(numbers)s.",
        len(on_trial),
        numbers=_listed(on_trial),
    )


def _next_words(standing: Standing, zone: str) -> str | None:
    if standing.possible_at:
        return format_instant(standing.possible_at, zone)
    return _("now") if standing.hindrance is None else None


def _by_words(attempt: Attempt) -> str | None:
    if attempt.state is AttemptState.VOIDED:
        return None
    if attempt.submitted_by is not None and attempt.submitted_by.value == service.LEARNER:
        return _("by the learner")
    return _("automatically, when the time was up")


def event_time(at: datetime, attempt: Attempt, zone: str) -> str:
    """Write when something happened: with its day where that is not the one on which the attempt began."""
    if clock.local_date(at, zone) == clock.local_date(attempt.started_at, zone):
        return clock_words(at, zone)
    return format_instant(at, zone, seconds=True)


def event_words(event: AttemptEvent, zone: str) -> str:
    """Say what happened in one line of an attempt's history."""
    words = _kind_words(event)
    if (event.details or {}).get(CLOCK_WENT_BACK):
        return _("%(what)s (the server's clock had gone back; the time is that of the line before)", what=words)
    return words


def _kind_words(event: AttemptEvent) -> str:
    details = event.details or {}
    match event.kind:
        case EventKind.STARTED:
            return _("Started")
        case EventKind.SAVED:
            return _("Answer to question %(number)s saved", number=event.position)
        case EventKind.FOCUS_LOST:
            return _("The page lost focus")
        case EventKind.FOCUS_REGAINED:
            return _("The page has focus again")
        case EventKind.OFFLINE:
            return _("The connection was interrupted")
        case EventKind.ONLINE:
            return _("The connection was back")
        case EventKind.SECOND_TAB:
            if details.get("took_over"):
                return _("Continued in another page")
            return _("Also opened in a second page")
        case EventKind.REFUSED if "late_seconds" in details:
            return _(
                "An answer to question %(number)s arrived %(length)s too late and was not accepted",
                number=event.position,
                length=taking.exact_length(details["late_seconds"]),
            )
        case EventKind.REFUSED:
            return _("An answer to question %(number)s arrived too late and was not accepted", number=event.position)
        case EventKind.EXTENDED:
            return _(
                "%(minutes)s minutes were granted: %(reason)s", minutes=details.get("minutes"), reason=event.reason
            )
        case EventKind.ACCOMMODATED:
            return _("The time agreed with you holds from now on; the end of the time was computed anew")
        case EventKind.BREAK_BEGUN:
            return _("A break began; the clock stands still for up to %(length)s", length=_length(details))
        case EventKind.BREAK_ENDED:
            return _("The break ended after %(length)s", length=_length(details))
        case EventKind.MOVED_ON:
            return _("Went on to question %(number)s", number=event.position)
        case EventKind.ACCEPTED:
            return _(
                "The late answer to question %(number)s was accepted: %(reason)s",
                number=event.position,
                reason=event.reason,
            )
        case EventKind.DECLINED:
            return _(
                "The late answer to question %(number)s does not count: %(reason)s",
                number=event.position,
                reason=event.reason,
            )
        case EventKind.SUBMITTED:
            return _("Handed in") if event.by == service.LEARNER else _("Handed in automatically when the time was up")
        case EventKind.MARKED:
            if details.get(REGRADE):
                return _("Marked again by another rule")
            return _("Marked again after an appeal") if details.get(APPEAL) else _("Marked")
        case EventKind.RELEASED:
            return _("Result released")
        case EventKind.VOIDED:
            return _("Made void: %(reason)s", reason=event.reason)


def _length(details: Mapping[str, Any]) -> str:
    return taking.exact_length(details.get("seconds", 0))
