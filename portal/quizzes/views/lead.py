"""The lead's pages: a quiz while it is sat; one attempt: what arrived when, never an answer; what she may do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from flask import render_template, request, url_for
from werkzeug.wrappers import Response

from portal.accounts import queries as people
from portal.accounts.permissions import SEE_ACCOMMODATION
from portal.core import clock
from portal.core.access import actor, can, requires
from portal.core.errors import DomainError
from portal.core.i18n import format_instant, format_minutes, format_percent, language, pgettext
from portal.core.i18n import gettext as _
from portal.core.once import Done, carry_out
from portal.quizzes import errors, queries, rules
from portal.quizzes.forms import AcceptForm, DeclineForm, GrantForm, TakeBackForm, VoidForm
from portal.quizzes.models import Attempt, AttemptEvent, AttemptState, EventKind, Item, QuizVersion, VoidRequest
from portal.quizzes.permissions import SUPERVISE_ATTEMPT, WATCH_QUIZ
from portal.quizzes.queries import supervision as watched
from portal.quizzes.queries.supervision import Seat
from portal.quizzes.service import attempts as service
from portal.quizzes.service import supervision as looking
from portal.quizzes.service import voiding
from portal.quizzes.service.regrades import what_rests_on
from portal.quizzes.service.supervision import Line
from portal.quizzes.service.taking import exact_length, state_of
from portal.quizzes.types.base import Answered
from portal.quizzes.views import blueprint, told
from portal.quizzes.views.learner import clock_words, event_time, event_words

# The newest lines of a long history are shown first; all of them on demand.
LINES_AT_ONCE = 200
_SIGNS = {
    EventKind.FOCUS_LOST: "focus",
    EventKind.FOCUS_REGAINED: "focus",
    EventKind.SECOND_TAB: "focus",
    EventKind.OFFLINE: "connection",
    EventKind.ONLINE: "connection",
    EventKind.SAVED: "answer",
    EventKind.REFUSED: "late",
    EventKind.ACCEPTED: "late",
    EventKind.DECLINED: "late",
}


# What somebody decides about an attempt, so that its history names her.
_DECISIONS = frozenset(
    {EventKind.EXTENDED, EventKind.ACCEPTED, EventKind.DECLINED, EventKind.VOIDED, EventKind.RELEASED}
)


@blueprint.get("/quizzes/<slug>/live")
@requires(WATCH_QUIZ, on=queries.get_quiz)
def live(version: QuizVersion) -> str:
    """Show who of one's people has not started, sits, or has handed in a quiz; never an answer."""
    now, zone, here = clock.now(), actor().time_zone, language()
    found = looking.watch(version, by=actor(), now=now)
    # Whom one looks after are those of whom one may know it, if of any.
    may_know = bool(found.sitting) and can(SEE_ACCOMMODATION, found.sitting[0].person)
    return render_template(
        "quizzes/live.html",
        title=str(version.title),
        slug=version.quiz.slug,
        at=clock_words(now, zone),
        counts=[
            (_("In progress"), len(found.sitting), "sitting"),
            (_("Not started"), len(found.not_started), "waiting"),
            (pgettext("people", "Handed in"), len(found.over), "over"),
        ],
        sitting=[_sitting(each, version, now, zone, here, may_know=may_know) for each in found.sitting],
        may_know=may_know,
        not_started=[{"name": each.person.name_in(here)} for each in found.not_started],
        over=[_over(each, zone, here) for each in found.over],
        is_full=len(found.sitting) + len(found.over) + len(found.not_started) >= watched.MOST_PEOPLE,
    )


def _sitting(
    seat: Seat, version: QuizVersion, now: datetime, zone: str, here: str, *, may_know: bool
) -> dict[str, Any]:
    """Return the row of somebody who sits: by the time limit alone where what is agreed is not for the reader."""
    attempt = seat.attempt
    assert attempt is not None
    ends_at, extra = looking.end_of(attempt, version, with_agreed=may_know)
    left = ends_at - now
    is_on_break = may_know and attempt.is_on_break(now)
    return _person(seat, here) | {
        "chip": "waiting" if is_on_break else "in_progress",
        "word": _("On a break") if is_on_break else None,
        "time": _range(attempt.started_at, ends_at, zone),
        "left": _("%(length)s left", length=format_minutes(-(-int(left.total_seconds()) // 60)))
        if left > timedelta(0)
        else _("Time is up")
        if may_know
        else None,
        "extra": _("%(length)s more than the time limit", length=exact_length(extra)) if extra else None,
        "saved": _(
            "Saved %(time)s, %(age)s ago",
            time=clock_words(seat.last_saved_at, zone),
            age=exact_length(int((now - seat.last_saved_at).total_seconds())),
        )
        if seat.last_saved_at
        else None,
    }


def _over(seat: Seat, zone: str, here: str) -> dict[str, Any]:
    attempt = seat.attempt
    assert attempt is not None
    is_void = attempt.state is AttemptState.VOIDED
    ended_at = attempt.finished_at or attempt.deadline_at
    return _person(seat, here) | {
        "chip": "withdrawn" if is_void else "done",
        "word": _("Void") if is_void else pgettext("people", "Handed in"),
        "time": _range(attempt.started_at, ended_at, zone),
        "length": exact_length(int((ended_at - attempt.started_at).total_seconds())),
    }


def _person(seat: Seat, here: str) -> dict[str, Any]:
    assert seat.attempt is not None
    return {
        "name": seat.person.name_in(here),
        "href": url_for("quizzes.supervision", code=seat.attempt.code),
        "late": seat.late,
    }


def _range(begins_at: datetime, ends_at: datetime, zone: str) -> str:
    return _("%(start)s–%(end)s", start=clock_words(begins_at, zone), end=clock_words(ends_at, zone))


@blueprint.get("/attempts/<code>/supervision")
@requires(SUPERVISE_ATTEMPT, on=queries.get_attempt)
def supervision(attempt: Attempt) -> str:
    """Show what happened in a person's attempt, when, and what came too late."""
    return _page(attempt)


def _page(
    attempt: Attempt,
    *,
    grant: GrantForm | None = None,
    void: VoidForm | None = None,
    accept: tuple[str, AcceptForm] | None = None,
    refusal: str | None = None,
    decline: DeclineForm | TakeBackForm | None = None,
) -> str:
    now, zone = clock.now(), actor().time_zone
    state = rules.effective_state(
        state=attempt.state.value, deadline_at=attempt.deadline_at, now=now, tolerance=attempt.tolerance
    )
    marking = queries.find_current_marking(attempt) if attempt.state is AttemptState.RELEASED else None
    items = queries.list_items(attempt)
    events = queries.list_events(attempt)
    last = max((item.response.received_at for item in items if item.response), default=None)
    sections = told.section_results(attempt.quiz_version, marking) if marking else []
    # The end of the time, breaks and agreed time tell what is nobody's business: they are for those who may know.
    may_know = can(SEE_ACCOMMODATION, attempt.person)
    shown = looking.in_order(
        [each for each in events if may_know or each.kind not in looking.ABOUT_ACCOMMODATIONS], attempt
    )
    only_newest = len(shown) > LINES_AT_ONCE and request.args.get("lines") != "all"
    lengths = looking.lengths_of(events)
    names = _names_of_staff([line.event for line in shown])
    decided = watched.list_decided_voids(attempt)
    asker = _name_of_asker(decided)
    is_running = state == "in_progress"
    request_ = watched.find_open_void(attempt)
    # A void attempt may have had a result; what was given because of it is still there.
    is_out = attempt.released_at is not None
    return render_template(
        "quizzes/supervision.html",
        name=attempt.person.name_in(language()),
        quiz=str(attempt.quiz_version.title),
        quiz_href=url_for("quizzes.live", slug=attempt.quiz_version.quiz.slug) if can(WATCH_QUIZ) else None,
        code=attempt.code,
        chip={
            "in_progress": "in_progress",
            "released": "passed" if marking and marking.passed else "failed",
            "voided": "withdrawn",
        }.get(state, "not_released"),
        chip_label=_("Void") if state == "voided" else None,
        is_running=is_running,
        can_void=state != "voided" and request_ is None,
        needs_two=attempt.state is AttemptState.RELEASED,
        asked=_asked(request_, zone) if request_ else None,
        rests=what_rests_on([attempt.code]).get(attempt.code, []) if is_out else [],
        decline=decline or _closing(request_)(prefix="decline", formdata=None),
        can_accept=attempt.state in (AttemptState.SUBMITTED, AttemptState.MARKED),
        is_released=attempt.state is AttemptState.RELEASED,
        refusal=refusal,
        grant=grant or GrantForm(prefix="grant", formdata=None),
        granted_seconds=attempt.granted_seconds,
        void=void or VoidForm(prefix="void", formdata=None),
        accept_faults=accept[1] if accept else None,
        facts=[
            (_("Attempt"), str(attempt.attempt_no)),
            (_("Started"), format_instant(attempt.started_at, zone, seconds=True)),
            # What is agreed with the person is not in it.
            (_("Time limit"), format_minutes(attempt.quiz_version.time_limit_minutes)),
            (_("Granted so far"), format_minutes(attempt.granted_seconds // 60) if attempt.granted_seconds else None),
            (_("Deadline"), format_instant(attempt.deadline_at, zone, seconds=True) if may_know else None),
            (
                _("Finished"),
                format_instant(attempt.finished_at, zone, seconds=True) if attempt.finished_at else None,
            ),
            (
                _("Questions answered"),
                _(
                    "%(answered)s of %(all)s",
                    answered=sum(state_of(item) is Answered.ANSWERED for item in items),
                    all=len(items),
                ),
            ),
            (_("Last answer saved"), _saved_words(last, now, zone, is_running) if last else None),
            (_("Score"), format_percent(marking.score) if marking else None),
            *((row["title"], row["score"]) for row in sections),
        ],
        late=[
            {
                "code": each.code,
                "position": each.item.position,
                "at": clock_words(each.received_at, zone),
                "late": exact_length(each.late_seconds),
                "accepted": each.accepted_at is not None,
                "declined": each.declined_at is not None,
                "reason": each.reason,
                "form": accept[1]
                if accept and accept[0] == each.code
                else AcceptForm(prefix=f"accept-{each.code}", formdata=None),
            }
            for each in watched.list_refused(attempt)
        ],
        saves=[_last_save(item, now, zone, is_running) for item in items],
        void_words=_void_words(events, names, asker, zone),
        decided=_decided_words(decided, zone),
        history=[
            _line(each, attempt, lengths, names, asker, zone)
            for each in (shown[-LINES_AT_ONCE:] if only_newest else shown)
        ],
        all_href=url_for("quizzes.supervision", code=attempt.code, lines="all") if only_newest else None,
        lines=len(shown),
    )


def _closing(request_: VoidRequest | None) -> type[DeclineForm | TakeBackForm]:
    """Return the form that closes a request without its being confirmed: who asked owes nobody a reason."""
    return TakeBackForm if request_ is not None and request_.asked_by == actor().code else DeclineForm


def _saved_words(at: datetime, now: datetime, zone: str, is_running: bool) -> str:
    if not is_running:
        return format_instant(at, zone, seconds=True)
    return _("%(time)s, %(age)s ago", time=clock_words(at, zone), age=exact_length(int((now - at).total_seconds())))


def _last_save(item: Item, now: datetime, zone: str, is_running: bool) -> dict[str, Any]:
    response = item.response
    return {
        "position": item.position,
        "at": clock_words(response.received_at, zone) if response else None,
        "age": exact_length(int((now - response.received_at).total_seconds())) if response and is_running else None,
        "times": response.seq if response else 0,
    }


def _decided_words(requests: Sequence[VoidRequest], zone: str) -> list[dict[str, str]]:
    """Say who asked that an attempt be made void and why, and what a second person said to it."""
    codes = {code for each in requests for code in (each.asked_by, each.decided_by or "")}
    names = {each.code: each.name_in(language()) for each in people.list_people_of(codes)}
    told = []
    for each in requests:
        assert each.decided_at is not None
        by, at = names.get(each.decided_by or "", each.decided_by or ""), format_instant(each.decided_at, zone)
        if each.is_confirmed:
            outcome = _("Confirmed by %(name)s on %(when)s", name=by, when=at)
        elif each.decided_by == each.asked_by:
            outcome = _("Taken back on %(when)s", when=at)
        else:
            outcome = _("Declined by %(name)s on %(when)s", name=by, when=at)
        asked = _(
            "%(name)s asked for this on %(when)s:",
            name=names.get(each.asked_by, each.asked_by),
            when=format_instant(each.asked_at, zone),
        )
        told.append({"asked": asked, "reason": each.reason, "outcome": outcome, "note": each.note or ""})
    return told


def _names_of_staff(events: Sequence[AttemptEvent]) -> dict[str, str]:
    """Return code → name of those who decided something about the attempt; who marked is nobody's business here."""
    codes = {each.by for each in events if each.kind in _DECISIONS}
    return {each.code: each.name_in(language()) for each in people.list_people_of(codes)}


def _name_of_asker(decided: Sequence[VoidRequest]) -> str | None:
    """Return the name of who asked for what a second person confirmed; None where no two people made it void."""
    asked_by = next((each.asked_by for each in decided if each.is_confirmed), None)
    person = people.find_person(asked_by) if asked_by is not None else None
    return person.name_in(language()) if person is not None else asked_by


def _void_words(
    events: Sequence[AttemptEvent], names: Mapping[str, str], asker: str | None, zone: str
) -> tuple[str, str] | None:
    """Say when and by whom an attempt was made void, and why; None where it was not.

    `asker`: whose reason it is, where another person confirmed it.
    """
    made = next((each for each in events if each.kind is EventKind.VOIDED), None)
    if made is None:
        return None
    at = format_instant(made.at, zone, seconds=True)
    name = names.get(made.by, made.by)
    if asker is not None:
        said = _(
            "Made void on %(at)s. %(asker)s asked for it and %(name)s confirmed it. The learner was told by email, "
            "with the reason.",
            at=at,
            asker=asker,
            name=name,
        )
    else:
        said = _("Made void on %(at)s by %(name)s. The learner was told by email, with the reason.", at=at, name=name)
    return said, made.reason or ""


def _line(  # noqa: PLR0917
    line: Line,
    attempt: Attempt,
    lengths: dict[int, timedelta],
    names: Mapping[str, str],
    asker: str | None,
    zone: str,
) -> dict[str, Any]:
    event = line.event
    # Of two people each has her own part: the reason is that of who asked.
    is_by_two = event.kind is EventKind.VOIDED and asker is not None
    length, since = lengths.get(event.number), line.at - attempt.started_at
    return {
        "at": event_time(line.at, attempt, zone),
        "told": clock_words(line.told_after, zone) if line.told_after else None,
        "noticed": event_time(line.noticed_at, attempt, zone) if line.noticed_at else None,
        # What comes days later is no part of the sitting.
        "since": exact_length(max(int(since.total_seconds()), 0)) if since < looking.A_SITTING else None,
        "text": _(
            "Made void: %(asker)s asked for it (%(reason)s), and %(name)s confirmed it",
            asker=asker,
            reason=event.reason,
            name=names.get(event.by, event.by),
        )
        if is_by_two
        else event_words(event, zone),
        "length": exact_length(int(length.total_seconds())) if length is not None else None,
        "by": names.get(event.by) if event.kind in _DECISIONS and not is_by_two else None,
        "sign": _SIGNS.get(event.kind, "step"),
    }


@blueprint.post("/attempts/<code>/grants")
@requires(SUPERVISE_ATTEMPT, on=queries.get_attempt)
def extend(attempt: Attempt) -> Response | tuple[str, int]:
    """Grant minutes to a running attempt."""
    form = GrantForm(prefix="grant")
    if not form.validate():
        return _page(attempt, grant=form), 400

    def work() -> Done:
        minutes = int(form.minutes.data or 0)
        known = form.granted.data or ""
        service.extend_attempt(
            attempt=attempt,
            minutes=minutes,
            reason=form.reason.data or "",
            by=actor(),
            granted_before=int(known) if known.isascii() and known.isdigit() and len(known) < 8 else None,
        )
        return Done(_("The deadline has been moved."), url_for("quizzes.supervision", code=attempt.code))

    try:
        return carry_out(work)
    except DomainError as refused:
        return _page(attempt, grant=form, refusal=str(refused)), refused.status


@blueprint.post("/attempts/<code>/void")
@requires(SUPERVISE_ATTEMPT, on=queries.get_attempt)
def void(attempt: Attempt) -> Response | tuple[str, int]:
    """Make an attempt count for nothing."""
    form = VoidForm(prefix="void")
    if not form.validate():
        return _page(attempt, void=form), 400

    def work() -> Done:
        page = url_for("quizzes.supervision", code=attempt.code)
        if attempt.state is AttemptState.RELEASED:
            voiding.ask_void(attempt=attempt, reason=form.reason.data or "", by=actor())
            return Done(_("Asked for. The attempt counts as before until a second person confirms it."), page)
        service.void_attempt(attempt=attempt, reason=form.reason.data or "", by=actor())
        return Done(_("The attempt is now void."), page)

    try:
        return carry_out(work)
    except DomainError as refused:
        return _page(attempt, void=form, refusal=str(refused)), refused.status


def _asked(request_: VoidRequest, zone: str) -> dict[str, Any]:
    by = people.find_person(request_.asked_by)
    return {
        "by": by.name_in(language()) if by is not None else request_.asked_by,
        "at": format_instant(request_.asked_at, zone),
        "reason": request_.reason,
        "is_own": request_.asked_by == actor().code,
    }


@blueprint.post("/attempts/<code>/void/confirm")
@requires(SUPERVISE_ATTEMPT, on=queries.get_attempt)
def confirm_void(attempt: Attempt) -> Response | tuple[str, int]:
    """Agree as the second person that an attempt whose result is out counts for nothing."""

    def work() -> Done:
        voiding.confirm_void(attempt=attempt, by=actor())
        return Done(_("The attempt is now void."), url_for("quizzes.supervision", code=attempt.code))

    try:
        return carry_out(work)
    except DomainError as refused:
        return _page(attempt, refusal=str(refused)), refused.status


@blueprint.post("/attempts/<code>/void/decline")
@requires(SUPERVISE_ATTEMPT, on=queries.get_attempt)
def decline_void(attempt: Attempt) -> Response | tuple[str, int]:
    """Leave an attempt as it is that somebody asked to be made void; who asked takes it back so."""
    form = _closing(watched.find_open_void(attempt))(prefix="decline")
    if not form.validate():
        return _page(attempt, decline=form), 400

    def work() -> Done:
        voiding.decline_void(attempt=attempt, note=form.note.data or "", by=actor())
        return Done(_("The attempt counts as before."), url_for("quizzes.supervision", code=attempt.code))

    try:
        return carry_out(work)
    except DomainError as refused:
        return _page(attempt, decline=form, refusal=str(refused)), refused.status


@blueprint.post("/attempts/<code>/late")
@requires(SUPERVISE_ATTEMPT, on=queries.get_attempt)
def accept_late(attempt: Attempt) -> Response | tuple[str, int]:
    """Let an answer that came too late count, or decline it; nobody reads it here."""
    code = request.form.get("answer", "")
    form = AcceptForm(prefix=f"accept-{code}")
    refused = next((each for each in watched.list_refused(attempt) if each.code == code), None)
    if refused is None:
        gone = errors.NoSuchLateAnswer()
        return _page(attempt, refusal=str(gone)), 409
    if not form.validate():
        return _page(attempt, accept=(code, form)), 400

    is_declined = request.form.get("verdict") == "decline"

    def work() -> Done:
        decide = service.decline_refused if is_declined else service.accept_refused
        decide(attempt=attempt, refused=refused, reason=form.reason.data or "", by=actor())
        said = _("The late answer does not count.") if is_declined else _("The late answer counts now.")
        return Done(said, url_for("quizzes.supervision", code=attempt.code, _anchor="late"))

    try:
        return carry_out(work)
    except DomainError as refusal:
        return _page(attempt, accept=(code, form), refusal=str(refusal)), refusal.status
