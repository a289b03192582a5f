"""The learner's pages: her quizzes, the rules before the start, the attempt, its result."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeGuard

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from portal.accounts.models import Person
from portal.core import clock
from portal.core.access import actor, can, requires, signed_in
from portal.core.i18n import format_duration, format_instant, format_percent, gettext, language, ngettext
from portal.core.transaction import transaction
from portal.quizzes import errors, limits, queries, rules
from portal.quizzes.models import Attempt, AttemptEvent, AttemptState, EventKind, QuizVersion, Release, SubmittedBy
from portal.quizzes.permissions import SEE_STATISTICS, TAKE_ATTEMPT
from portal.quizzes.rules import Hindrance, Standing
from portal.quizzes.service import attempts as service
from portal.quizzes.service import paper
from portal.quizzes.service.attempts import Outcome, Save, Told
from portal.quizzes.service.history import CLOCK_WENT_BACK
from portal.quizzes.types.base import Answered, read
from portal.quizzes.views import blueprint

_: Callable[..., str] = gettext
_STATUS = {
    Outcome.SAVED: 200,
    Outcome.STALE: 409,
    Outcome.ELSEWHERE: 409,
    Outcome.CLOSED: 409,
    Outcome.LATE: 410,
}


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
    applying = service.applying_to(person, versions)
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
        state = _state_of(attempts, now)
        rows.append(
            {
                "title": str(version.title),
                "href": url_for("quizzes.show", slug=version.quiz.slug),
                "duration": format_duration(
                    timedelta(seconds=rules.promised_seconds(version.time_limit_minutes * 60, multiplier))
                ),
                "questions": _questions_of(version),
                "attempts_left": standing.attempts_left,
                "state": state,
                "row_state": "done" if state == "passed" else None,
            }
        )
    return render_template("quizzes/index.html", rows=rows)


def _state_of(attempts: list[Attempt], now: datetime) -> str:
    """Return where a person stands in a quiz, as a state of the status chip."""
    if any(attempt.state is AttemptState.RELEASED and attempt.markings[-1].passed for attempt in attempts):
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
        case _:
            return "not_released"


def _effective(attempt: Attempt, now: datetime) -> AttemptState:
    return AttemptState(
        rules.effective_state(
            state=attempt.state.value, deadline_at=attempt.deadline_at, now=now, tolerance=attempt.tolerance
        )
    )


def _questions_of(version: QuizVersion) -> int:
    return sum(line.size for line in service.blueprint_of_terms(version.blueprint))


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
    applies = running is not None or version.quiz_id in service.applying_to(person, [version])
    zone = person.time_zone
    close = rules.effective_close(version.closes_at, version.time_limit_minutes * 60, multiplier)
    promised = timedelta(seconds=rules.promised_seconds(version.time_limit_minutes * 60, multiplier))
    return render_template(
        "quizzes/show.html",
        title=str(version.title),
        slug=version.quiz.slug,
        refusal=refusal,
        sensitivity=service.sensitivity_of(version),
        facts=_facts(version, standing, close, zone, promised=promised, has_more_time=multiplier > 1),
        duration=format_duration(standing.available or promised),
        promised=format_duration(promised),
        has_more_time=multiplier > 1,
        is_cut=standing.is_cut and standing.hindrance in (None, Hindrance.WAITING, Hindrance.NOT_OPEN_YET),
        hindrance=(
            str(errors.SomethingComesFirst(first=first))
            if first
            else str(errors.NotForThisPerson())
            if not applies
            else _hindrance_words(standing, zone)
            if running is None
            else None
        ),
        running_href=url_for("quizzes.attempt", code=running.code) if running else None,
        can_start=running is None and first is None and applies and standing.hindrance is None,
        release_words=_release_words(version, zone),
        tolerance=int(queries.tolerance().total_seconds()),
        statistics_href=url_for("quizzes.statistics", slug=version.quiz.slug) if can(SEE_STATISTICS) else None,
        attempts=[_attempt_row(each, now, zone) for each in reversed(attempts)],
    )


def _facts(
    version: QuizVersion,
    standing: Standing,
    close: datetime | None,
    zone: str,
    *,
    promised: timedelta,
    has_more_time: bool,
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
        (_("Number of questions"), str(_questions_of(version))),
        (_("Your time") if has_more_time else _("Time"), format_duration(standing.available or promised)),
        (_("Pass mark"), format_percent(version.pass_mark)),
        (
            _("Attempts left"),
            _("%(left)s of %(all)s", left=standing.attempts_left, all=version.attempts_allowed),
        ),
        (_("Wait between attempts"), wait),
        (_("Opens"), format_instant(version.opens_at, zone) if version.opens_at else None),
        (_("Closes"), format_instant(close, zone) if close else None),
        (_("Version"), version.number),
    ]


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
    shows_score = marking is not None and "score" in attempt.quiz_version.show
    chip, word = {
        AttemptState.IN_PROGRESS: ("in_progress", None),
        AttemptState.RELEASED: ("passed" if marking and marking.passed else "failed", None),
        AttemptState.VOIDED: ("withdrawn", _("Void")),
    }.get(state, ("not_released", None))
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
    """Show the questions with what is saved; an attempt that is over leads to its result."""
    now = clock.now()
    if _effective(attempt, now) is not AttemptState.IN_PROGRESS:
        return redirect(url_for("quizzes.result", code=attempt.code), 303)
    items = queries.list_items(attempt)
    citations = queries.list_citations({item.question_version_id for item in items})
    zone, chosen = actor().time_zone, language()
    shown = [paper.item_form(item, citations.get(item.question_version_id, []), chosen) for item in items]
    for item in shown:
        item["saved"] = clock_words(item["received_at"], zone) if item["received_at"] else None
    last = max((item["received_at"] for item in shown if item["received_at"]), default=None)
    left = rules.remaining(attempt.deadline_at, now)
    return render_template(
        "quizzes/attempt.html",
        attempt={
            "code": attempt.code,
            "number": attempt.attempt_no,
            "remaining_ms": milliseconds(left),
            "remaining_seconds": int(left.total_seconds()),
            "until": _end_words(attempt.deadline_at, now, zone),
            "duration": format_duration(
                timedelta(
                    seconds=rules.promised_seconds(attempt.limit_seconds, attempt.multiplier, attempt.granted_seconds)
                )
            ),
            "hide_countdown": attempt.hide_countdown,
        },
        title=str(attempt.quiz_version.title),
        quiz_slug=attempt.quiz_version.quiz.slug,
        items=shown,
        saved=clock_words(last, zone) if last else None,
        left=_left(shown, is_asked=request.args.get("hand_in") == "1"),
        form_key=secrets.token_hex(8),
        page_key=secrets.token_hex(12),
    )


def _left(items: list[dict[str, Any]], *, is_asked: bool) -> dict[str, Any]:
    """Return how many questions are answered and which are not; `known` is what handing in says to have read."""
    numbers = {
        state: [item["position"] for item in items if item["state"] == state]
        for state in ("partly", "open", "answered")
    }
    return {
        "answered": len(numbers["answered"]),
        "partly": numbers["partly"],
        "open": numbers["open"],
        "is_asked": is_asked,
        "known": " ".join(map(str, numbers["partly"] + numbers["open"])) if is_asked else "",
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
        )
    return _reply(saved, zone), _STATUS[saved.outcome]


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
    if answer is None:
        return {}
    if not isinstance(answer, dict) or len(answer) > 10:
        raise errors.BadRequest()
    for values in answer.values():
        if not isinstance(values, list) or len(values) > 50 or not all(isinstance(each, str) for each in values):
            raise errors.BadRequest()
    return answer


def _reply(saved: Save, zone: str) -> dict[str, Any]:
    return {
        "outcome": saved.outcome.value,
        "state": saved.state.value,
        "saved_seq": saved.saved_seq,
        "answer": saved.answer,
        "remaining_ms": milliseconds(saved.remaining),
        "server_now": saved.now.isoformat(),
        "saved_at": clock_words(saved.now, zone) if saved.outcome is Outcome.SAVED else None,
        "message": _outcome_words(saved.outcome),
    }


def _outcome_words(outcome: Outcome) -> str:
    match outcome:
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
    }


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
    hands_in = request.form.get("action") == "submit"
    answers, form_key = _page_answers(), request.form.get("form_key", "")
    if not _is_plain(form_key):
        raise errors.BadRequest()
    asks = False
    with transaction():
        page = service.save_page(attempt=attempt, person=person, answers=answers, form_key=form_key)
        state = page.state
        if hands_in and page.is_whole and state is AttemptState.IN_PROGRESS:
            # Nobody hands in what is not answered without having read which questions that are, while there is time.
            asks = page.now <= attempt.deadline_at and not service.what_is_left(attempt).numbers <= _known_left()
            if not asks:
                state = service.submit_attempt(attempt=attempt, person=person).state
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
    elif state is AttemptState.IN_PROGRESS:
        flash(_("Saved %(time)s", time=clock_words(page.now, zone)), "success")
    if state is not AttemptState.IN_PROGRESS:
        return redirect(url_for("quizzes.result", code=code), 303)
    if asks:
        return redirect(url_for("quizzes.attempt", code=code, hand_in=1, _anchor="hand-in"), 303)
    return redirect(url_for("quizzes.attempt", code=code), 303)


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
    points = {mark.item_id: mark.points for mark in marking.item_marks} if marking else {}
    items = queries.list_items(attempt)
    citations = queries.list_citations({item.question_version_id for item in items}) if released else {}
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
    attempts = queries.list_attempts(person, version.quiz_id)
    newest = queries.get_quiz(version.quiz.slug)
    standing = service.standing_of(newest, person, attempts, now)
    return render_template(
        "quizzes/result.html",
        title=str(version.title),
        quiz_slug=version.quiz.slug,
        attempt_no=attempt.attempt_no,
        state=attempt.state.value if attempt.state is not AttemptState.IN_PROGRESS else "submitted",
        is_marked=attempt.state not in (AttemptState.IN_PROGRESS, AttemptState.SUBMITTED),
        release_words=_release_words(version, zone),
        score=format_percent(marking.score) if marking and "score" in show else None,
        points_words=paper.points_words(marking.points, marking.max_points) if marking and "score" in show else None,
        pass_mark=format_percent(version.pass_mark),
        passed=is_passed,
        shows_items=bool(show - {"score"}),
        shows_key="key" in show,
        items=shown,
        received=[
            {
                "position": item.position,
                "at": clock_words(item.response.received_at, zone) if item.response else None,
                "answered": bool(item.response and item.response.answer),
                "is_partly": item.response is not None
                and read(item.question_version.content).how_far(item.response.answer) is Answered.PARTLY,
            }
            for item in items
        ],
        facts=[
            (_("Started"), format_instant(attempt.started_at, zone, seconds=True)),
            (
                _("Finished"),
                format_instant(attempt.finished_at or attempt.deadline_at, zone, seconds=True),
            ),
            (_("How it was handed in"), _by_words(attempt)),
            (_("Attempts left"), _("%(left)s of %(all)s", left=standing.attempts_left, all=newest.attempts_allowed)),
            (_("Next attempt"), None if is_passed else _next_words(standing, zone)),
        ],
        hindrance=None if is_passed else _hindrance_words(standing, zone),
        history=[
            {"at": clock_words(event.at, zone), "text": event_words(event, zone)}
            for event in queries.list_events(attempt)
        ],
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
        case EventKind.REFUSED:
            return _("An answer to question %(number)s arrived too late and was not accepted", number=event.position)
        case EventKind.EXTENDED:
            return _(
                "%(minutes)s minutes were granted: %(reason)s", minutes=details.get("minutes"), reason=event.reason
            )
        case EventKind.SUBMITTED:
            return _("Handed in") if event.by == service.LEARNER else _("Handed in automatically when the time was up")
        case EventKind.MARKED:
            return _("Marked")
        case EventKind.RELEASED:
            return _("Result released")
        case EventKind.VOIDED:
            return _("Made void: %(reason)s", reason=event.reason)
