"""How a person's result in a quiz came about, and what two people decide of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from fractions import Fraction
from typing import Any

from flask import render_template, url_for

from portal.accounts.queries import get_person
from portal.core import clock
from portal.core.access import actor, can, requires
from portal.core.errors import DomainError
from portal.core.i18n import format_date, format_instant, format_percent, half_width_digits, language
from portal.core.i18n import gettext as _
from portal.core.once import Done, carry_out
from portal.gradebook import errors, queries
from portal.gradebook.formats.words import kept_words, kind_words, score_words
from portal.gradebook.forms import ClosingForm, DecisionForm, WithdrawalForm
from portal.gradebook.models import GradeDecision
from portal.gradebook.permissions import DECIDE_RESULT, SEE_RESULT, SEE_TRANSCRIPT, ResultOf
from portal.gradebook.rules import EntryKind
from portal.gradebook.service import decisions
from portal.gradebook.service.rests import Rest, list_rests
from portal.gradebook.service.transcripts import Line, lines_of
from portal.gradebook.views import blueprint
from portal.gradebook.views.table import counts_words, wish_words
from portal.quizzes import queries as quizzes
from portal.quizzes.models import AttemptState
from portal.quizzes.permissions import SUPERVISE_ATTEMPT

# At most two decimals, nothing that only a program would write.
_PERCENT = re.compile(r"[0-9]{1,3}(\.[0-9]{1,2})?")
# The field at which a refusal is said.
_PLACES: dict[type[DomainError], str] = {
    errors.BadScore: "score",
    errors.ExemptionWithScore: "score",
    errors.NeedsReason: "reason",
}
_STATES = {
    AttemptState.IN_PROGRESS: "in_progress",
    AttemptState.SUBMITTED: "not_released",
    AttemptState.MARKED: "not_released",
    AttemptState.VOIDED: "withdrawn",
}


def get_result(slug: str, code: str) -> ResultOf:
    """Return the result of a person in a quiz, by the quiz's slug and her code. Raises `NotFound`."""
    return ResultOf(get_person(code), quizzes.get_quiz(slug).quiz)


@blueprint.get("/gradebook/<slug>/<code>")
@requires(SEE_RESULT, on=get_result)
def result(thing: ResultOf) -> str:
    """Show all attempts, lines and decisions from which a result came."""
    return _show(thing)


@blueprint.route("/gradebook/<slug>/<code>/decision", methods=["GET", "POST"])
@requires(DECIDE_RESULT, on=get_result, see=SEE_RESULT)
def decide(thing: ResultOf) -> Any:
    """Ask that a score be set by hand, or that the person be exempt."""
    form = DecisionForm()
    version = quizzes.get_quiz(thing.quiz.slug)
    score = _percent(form.score.data or "")

    def ask() -> GradeDecision:
        asked: dict[str, Any] = {"person": thing.person, "version": version, "reason": form.reason.data or ""}
        if form.wish.data == "override":
            if score is None:
                raise errors.BadScore()
            return decisions.ask_override(**asked, score=score, by=actor())
        if (form.score.data or "").strip():
            raise errors.ExemptionWithScore()
        return decisions.ask_exemption(**asked, by=actor())

    return _request(
        thing,
        form,
        ask,
        lambda: render_template(
            "gradebook/decide.html",
            form=form,
            limit=decisions.MAX_REASON,
            pass_mark=format_percent(version.pass_mark),
            has_sections=bool(version.sections),
            **_whose(thing),
        ),
    )


@blueprint.route("/gradebook/<slug>/<code>/decision/<int:number>/withdrawal", methods=["GET", "POST"])
@requires(DECIDE_RESULT, on=get_result, see=SEE_RESULT)
def withdraw(thing: ResultOf, number: int) -> Any:
    """Ask that an earlier decision be taken back."""
    form = WithdrawalForm()
    lines = {line.entry.entry_no: line for line in _lines(thing) if line.entry.attempt_id is None}
    line = lines.get(number)
    if line is None or line.kind is EntryKind.WITHDRAWAL:
        raise errors.NoSuchDecision()
    version = quizzes.get_quiz(thing.quiz.slug)
    return _request(
        thing,
        form,
        lambda: decisions.ask_withdrawal(
            person=thing.person, version=version, number=number, reason=form.reason.data or "", by=actor()
        ),
        lambda: render_template(
            "gradebook/withdraw.html",
            form=form,
            limit=decisions.MAX_REASON,
            line=_line(line, actor().time_zone),
            stands=not line.is_superseded,
            rests=[_rest(rest) for rest in _rests(thing) if _code_of(line) in rest.decisions],
            **_whose(thing),
        ),
    )


def _request(
    thing: ResultOf, form: DecisionForm | WithdrawalForm, ask: Callable[[], GradeDecision], shown: Callable[[], str]
) -> Any:
    """Show the form of a request; once it is sent, ask a second person, or say at its field what is wrong."""
    if not form.is_submitted():
        return shown()
    if not form.validate():
        return shown(), 400

    def work() -> Done:
        ask()
        return Done(_("This has been requested. A second person must confirm it."), _address(thing))

    try:
        return carry_out(work)
    except DomainError as refused:
        place = _PLACES.get(type(refused))
        if place is not None and place in form:
            form[place].errors = [str(refused)]
        else:
            form.form_errors.append(str(refused))
        return shown(), refused.status


@blueprint.post("/gradebook/<slug>/<code>/requests/<request_code>/confirm")
@requires(DECIDE_RESULT, on=get_result, see=SEE_RESULT)
def confirm(thing: ResultOf, request_code: str) -> Any:
    """Confirm, as the second person, what somebody asked for."""
    return _close(
        thing,
        request_code,
        lambda decision: decisions.confirm(decision=decision, by=actor()),
        _("Confirmed. It counts from now on, and the learner is told by email."),
    )


@blueprint.post("/gradebook/<slug>/<code>/requests/<request_code>/decline")
@requires(DECIDE_RESULT, on=get_result, see=SEE_RESULT)
def decline(thing: ResultOf, request_code: str) -> Any:
    """Close a request; the result stays as it is."""
    form = ClosingForm()
    return _close(
        thing,
        request_code,
        lambda decision: decisions.decline(decision=decision, note=form.note.data or "", by=actor()),
        _("The request was closed. The result stays as it is."),
    )


def _close(thing: ResultOf, code: str, work: Callable[[GradeDecision], object], done: str) -> Any:
    decision = queries.get_decision(code)
    if (decision.person_id, decision.quiz_id) != (thing.person.id, thing.quiz.id):
        raise errors.NoSuchDecision()

    def both() -> Done:
        work(decision)
        return Done(done, _address(thing))

    try:
        return carry_out(both)
    except DomainError as refused:
        return _show(thing, str(refused)), refused.status


def _percent(text: str) -> Fraction | None:
    """Read a percentage as people type it ("85", "85.5 %", full-width digits); None where it is none."""
    plain = half_width_digits(text).replace("％", "%").replace("．", ".").strip().removesuffix("%").strip()
    if not _PERCENT.fullmatch(plain):
        return None
    score = Fraction(plain) / 100
    return score if score <= 1 else None


# --- what is shown -----------------------------------------------------------------------------


def _address(thing: ResultOf) -> str:
    return url_for("gradebook.result", slug=thing.quiz.slug, code=thing.person.code)


def _whose(thing: ResultOf) -> dict[str, Any]:
    version = quizzes.get_quiz(thing.quiz.slug)
    return {
        "name": thing.person.name_in(language()),
        "quiz": str(version.title),
        "quiz_href": url_for("gradebook.quiz", slug=thing.quiz.slug),
        "back": _address(thing),
    }


def _lines(thing: ResultOf, counting: set[int] | None = None) -> list[Line]:
    entries = queries.list_entries(thing.person, thing.quiz.id)
    return lines_of(entries, counting or set(), [], as_learner=_is_own(thing))


def _is_own(thing: ResultOf) -> bool:
    """Say whether who looks is the learner: she reads of her score what the quiz shows, whatever else she may see."""
    return bool(thing.person.id == actor().id)


def _rests(thing: ResultOf) -> list[Rest]:
    """Return what was given because of this result."""
    entries = queries.list_entries(thing.person, thing.quiz.id)
    attempts = {entry.attempt.code for entry in entries if entry.attempt is not None}
    decided = {entry.decision.code for entry in entries if entry.decision is not None}
    return [rest for rest in list_rests(thing.person) if rest.attempts & attempts or rest.decisions & decided]


def _show(thing: ResultOf, refused: str = "") -> str:
    zone = actor().time_zone
    version = quizzes.get_quiz(thing.quiz.slug)
    standing = queries.find_standing(thing.person, version)
    counting = standing.result.line
    lines = _lines(thing, {counting.id} if counting is not None else set())
    waiting = queries.find_open_decision(thing.person.id, thing.quiz.id)
    may_decide = can(DECIDE_RESULT, thing)
    return render_template(
        "gradebook/result.html",
        refused=refused,
        state=standing.state.value,
        score=next((score_words(line) for line in lines if line.counts), ""),
        kept=next((kept_words() for line in lines if line.counts and line.is_kept), ""),
        counts=counts_words(version),
        is_by_hand=standing.result.is_by_hand,
        pass_mark=format_percent(version.pass_mark),
        version=version.number,
        attempts=_attempts(thing, zone),
        lines=[_line(line, zone) for line in lines],
        declined=[
            _declined(each, zone)
            for each in queries.list_decisions(thing.person.id, thing.quiz.id)
            if each.is_confirmed is False
        ],
        rests=[_rest(rest) for rest in _rests(thing)],
        waiting=_waiting(waiting, thing, zone) if waiting is not None else None,
        decide_href=url_for("gradebook.decide", slug=thing.quiz.slug, code=thing.person.code)
        if may_decide and waiting is None
        else None,
        may_withdraw=may_decide and waiting is None,
        is_own=_is_own(thing),
        transcript_href=url_for("gradebook.transcript_of", code=thing.person.code)
        if can(SEE_TRANSCRIPT, thing.person)
        else None,
        closing=_closing(is_own=waiting is not None and waiting.asked_by_id == actor().id),
        **_whose(thing),
    )


def _closing(*, is_own: bool) -> ClosingForm:
    form = ClosingForm(formdata=None)
    if is_own:
        form.note.label.text = _("Why it is taken back")
    return form


def _attempts(thing: ResultOf, zone: str) -> list[dict[str, Any]]:
    rows = []
    for attempt in reversed(quizzes.list_attempts(thing.person, thing.quiz.id)):
        marking = attempt.markings[-1] if attempt.markings and attempt.state is AttemptState.RELEASED else None
        rows.append(
            {
                "number": attempt.attempt_no,
                "version": attempt.quiz_version.number,
                "started": _day(attempt.started_at, zone),
                "finished": _day(attempt.finished_at, zone) if attempt.finished_at else "",
                "score": format_percent(marking.score)
                if marking and (attempt.quiz_version.shows_score or not _is_own(thing))
                else "",
                "pass_mark": format_percent(attempt.quiz_version.pass_mark),
                "state": ("passed" if marking.passed else "failed") if marking else _STATES[attempt.state],
                "word": _("Void") if attempt.state is AttemptState.VOIDED else None,
                "href": url_for("quizzes.supervision", code=attempt.code) if can(SUPERVISE_ATTEMPT, attempt) else None,
            }
        )
    return rows


def _day(at: datetime, zone: str) -> str:
    return format_date(clock.local_date(at, zone), "short")


def _line(line: Line, zone: str) -> dict[str, Any]:
    here = language()
    return {
        "number": line.entry.entry_no,
        "kind": kind_words(line),
        "can_be_withdrawn": line.kind in (EntryKind.OVERRIDE, EntryKind.EXEMPTION) and not line.is_superseded,
        "score": score_words(line, 2),
        "state": {True: "passed", False: "failed", None: None}[line.passed],
        "at": _day(line.at, zone),
        "reason": line.reason,
        "kept": kept_words() if line.is_kept else "",
        "counts": line.counts,
        "is_superseded": line.is_superseded,
        "asked_by": line.asked_by.name_in(here) if line.asked_by else "",
        "confirmed_by": line.confirmed_by.name_in(here) if line.confirmed_by else "",
    }


def _code_of(line: Line) -> str:
    return line.entry.decision.code if line.entry.decision is not None else ""


def _declined(decision: GradeDecision, zone: str) -> dict[str, Any]:
    here = language()
    return {
        "wish": wish_words(decision),
        "reason": decision.reason,
        "note": decision.note or "",
        "asked_by": decision.asked_by.name_in(here),
        "closed_by": decision.closed_by.name_in(here) if decision.closed_by else "",
        "is_taken_back": decision.closed_by_id == decision.asked_by_id,
        "at": format_instant(decision.closed_at, zone) if decision.closed_at else "",
    }


def _waiting(decision: GradeDecision, thing: ResultOf, zone: str) -> dict[str, Any]:
    viewer = actor()
    place: dict[str, Any] = {"slug": thing.quiz.slug, "code": thing.person.code, "request_code": decision.code}
    may_close = can(DECIDE_RESULT, thing)
    return {
        "wish": wish_words(decision),
        "reason": decision.reason,
        "asked_by": decision.asked_by.name_in(language()),
        "at": format_instant(decision.asked_at, zone),
        "is_own": decision.asked_by_id == viewer.id,
        "confirm": url_for("gradebook.confirm", **place) if may_close and decision.asked_by_id != viewer.id else None,
        "decline": url_for("gradebook.decline", **place) if may_close else None,
    }


def _rest(rest: Rest) -> dict[str, Any]:
    return {
        "what": str(rest.what),
        "title": str(rest.title),
        "number": rest.number,
        "on": format_date(rest.on, "short"),
        "href": rest.href,
        "look": rest.look,
        "word": str(rest.word) if rest.word is not None else "",
    }
