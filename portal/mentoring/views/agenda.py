"""The page of a one-to-one talk: facts since the last one, the questions they raise, and recording that it was held."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from flask import render_template, request, url_for
from werkzeug import Response

from portal.accounts.models import Person
from portal.calendars.rules import working_days_between
from portal.calendars.service.told import day_told
from portal.core import clock
from portal.core.access import actor, allows, requires
from portal.core.errors import DomainError
from portal.core.i18n import format_date, format_instant, format_minutes, format_percent, language, ngettext
from portal.core.i18n import gettext as _
from portal.core.once import Done, carry_out
from portal.mentoring import rules
from portal.mentoring.errors import HeldAlready, HeldOutOfBounds, HeldUnchanged, NoSuchTalk, SinceUnknown
from portal.mentoring.forms import SHOWN, OneToOneForm, TakeBackForm
from portal.mentoring.models import OneToOne
from portal.mentoring.permissions import READ_NOTES, SUPERVISE, TAKE_BACK_TALK
from portal.mentoring.queries.agenda import Facts, Late, Try, beginning_of, facts_of
from portal.mentoring.queries.notes import get_talk, list_notes, list_one_to_ones
from portal.mentoring.rules import NOTE_LIMIT, Ask, Question
from portal.mentoring.service.one_to_ones import days_to_record, hold, take_back
from portal.mentoring.views import blueprint
from portal.mentoring.views.notes import days_told, note_told, talks_told, whose
from portal.training.models import (
    Enrollment,
    EnrollmentPause,
    EventDate,
    ExtensionTakenBack,
    NewStart,
    PlanExtension,
    PlanStep,
    StepExemption,
    StepExtension,
)
from portal.training.queries import Change, catalogue, get_enrollment
from portal.training.queries.step_results import Seat
from portal.training.rules import STATEMENT_LIMIT, ExemptionAct, StepState


@blueprint.get("/training/<code>/one-to-one")
@requires(READ_NOTES, on=get_enrollment)
def agenda(enrollment: Enrollment) -> str:
    """Show what a talk is about: to those who supervise the learner, and to her what she may know of it."""
    return _page(enrollment, OneToOneForm())


@blueprint.post("/training/<code>/one-to-one")
@requires(SUPERVISE, on=get_enrollment)
def record_one_to_one(enrollment: Enrollment) -> Response | tuple[str, int]:
    """Record that a talk was held, with a note of it or without."""
    form, status = OneToOneForm(), 400
    is_valid = form.validate()
    if form.text.data and not form.readers.data:
        form.readers.errors, is_valid = [_("Choose who can read it.")], False
    if is_valid and form.held_on.data is not None:
        held_on = form.held_on.data

        def work() -> Done:
            hold(
                enrollment=enrollment,
                held_on=held_on,
                text=form.text.data or "",
                is_shown=form.readers.data == SHOWN,
                by=actor(),
            )
            return Done(_("The one-to-one has been recorded."), url_for("mentoring.notes", code=enrollment.code))

        try:
            return carry_out(work)
        except DomainError as refused:
            field = form.held_on if isinstance(refused, HeldOutOfBounds | HeldAlready) else form.text
            field.errors, status = [str(refused)], refused.status
    return _page(enrollment, form), status


def _own_talk(code: str, day: str) -> OneToOne:
    """Return the talk that the reader herself has recorded on a day. Raises `NoSuchTalk`."""
    try:
        held_on = date.fromisoformat(day)
    except ValueError:
        raise NoSuchTalk() from None
    if held_on.isoformat() != day:
        # A page has one address.
        raise NoSuchTalk()
    return get_talk(get_enrollment(code), actor(), held_on)


@blueprint.route("/training/<code>/one-to-one/<day>", methods=["GET", "POST"])
@requires(TAKE_BACK_TALK, on=_own_talk)
def take_back_talk(talk: OneToOne) -> Response | tuple[str, int]:
    """Take back a talk that was recorded on a wrong day; with the right day it is recorded anew."""
    form, status, enrollment = TakeBackForm(), 200, talk.enrollment
    if request.method == "POST":
        status = 400
        if form.validate():

            def work() -> Done:
                anew = take_back(talk=talk, held_on=form.held_on.data, reason=form.reason.data or "", by=actor())
                said = (
                    _("The one-to-one is recorded on %(date)s now.", date=format_date(anew.held_on))
                    if anew is not None
                    else _("The one-to-one has been taken back.")
                )
                return Done(said, url_for("mentoring.notes", code=enrollment.code))

            try:
                return carry_out(work)
            except DomainError as refused:
                wrong_day = isinstance(refused, HeldOutOfBounds | HeldAlready | HeldUnchanged)
                field = form.held_on if wrong_day else form.reason
                field.errors, status = [str(refused)], refused.status
    first, last = days_to_record(enrollment)
    page = render_template(
        "mentoring/talk.html",
        form=form,
        day=format_date(talk.held_on),
        first_day=first.isoformat(),
        last_day=last.isoformat(),
        limit=STATEMENT_LIMIT,
        **whose(enrollment),
    )
    return page, status


def _page(enrollment: Enrollment, form: OneToOneForm) -> str:
    supervises = allows(actor(), SUPERVISE, enrollment)
    today = clock.today(enrollment.market.time_zone)
    talks = list_one_to_ones(enrollment.id)
    held, days = [each.held_on for each in talks if each.taken_back is None], days_told(talks)
    since = _since(today) or rules.facts_since(held, enrollment.starts_on, today)
    facts = facts_of(enrollment, since)
    if request.method == "GET":
        form.held_on.data = today
    told = _Told(facts, enrollment)
    begins = beginning_of(since, enrollment.market.time_zone)
    return render_template(
        "mentoring/agenda.html",
        form=form,
        supervises=supervises,
        since=format_date(since),
        since_iso=since.isoformat(),
        today_iso=today.isoformat(),
        last_talk=format_date(held[0]) if held else "",
        as_of=format_instant(clock.now(), enrollment.market.time_zone),
        first_day=days_to_record(enrollment)[0].isoformat(),
        progress={
            "done": facts.standing.progress.done,
            "total": facts.standing.progress.total,
            "expected": facts.standing.progress.expected,
        },
        done=told.done(),
        late=[told.late(each) for each in facts.late],
        tries=[told.attempt(each) for each in facts.tries],
        changes=[told.change(each) for each in facts.changes],
        waiting=told.waiting(),
        ahead=told.ahead(),
        notes=[
            note_told(each, enrollment, days)
            for each in list_notes(enrollment.id, shown_only=not supervises, since=begins)
        ],
        questions=[told.question(each) for each in told.questions()],
        talks=talks_told(enrollment, talks),
        limit=NOTE_LIMIT,
        **whose(enrollment),
    )


def _since(today: date) -> date | None:
    """Return the day that the address asks for. Raises `SinceUnknown`."""
    given = request.args.get("since", "")
    if not given:
        return None
    try:
        day = date.fromisoformat(given.translate(_DIGITS).replace("/", "-"))
    except ValueError:
        day = date.max
    if day > today or not clock.is_usable_day(day):
        raise SinceUnknown(given="".join(each for each in given[:20] if each.isprintable()))
    return day


# Full-width digits and marks are read as typed.
_DIGITS = str.maketrans("０１２３４５６７８９／－", "0123456789/-")


class _Told:
    """Puts the facts of a talk into words; titles are looked up together."""

    def __init__(self, facts: Facts, enrollment: Enrollment) -> None:
        self._facts, self._zone = facts, enrollment.market.time_zone
        self._tasks = catalogue.tasks_of(facts.standing.steps)
        self._enrollment = enrollment

    def task(self, step: PlanStep) -> str:
        """Return what a step asks for."""
        return str(self._tasks[step.id])

    def done(self) -> list[dict[str, str]]:
        """Return what was done since, with its day."""
        return [
            {"what": self.task(step), "when": format_instant(row.completed_at, self._zone, show_zone=False)}
            for step, row in self._facts.done
        ]

    def late(self, each: Late) -> dict[str, str]:
        """Return an overdue step: since when, and what stands before it."""
        standing = self._facts.standing
        days = working_days_between(each.due_on, standing.today, standing.calendar)
        if each.missing:
            names = _listed([self.task(step) for step in each.missing])
            why = _("Opens after: %(steps)s", steps=names)
        elif standing.statuses[each.step.slug].state is StepState.WAITING:
            why = self._waits_for(each.waits_for)
        elif each.sent_back:
            why = _("Sent back: %(said)s", said=each.sent_back)
        else:
            why = _("Open; nothing comes before it.")
        return {
            "what": self.task(each.step),
            "due": day_told(each.due_on),
            "late": ngettext("%(num)d working day overdue", "%(num)d working days overdue", days) if days else "",
            "why": str(why),
        }

    def _seat(self, step: PlanStep) -> Seat | None:
        """Return the session that is ahead and at which the learner is expected for a step."""
        seat = self._facts.standing.seat(step.slug)
        return seat if seat is not None and seat.is_awaited else None

    def _waits_for(self, people: Sequence[Person]) -> str:
        names = _listed([each.name_in(language()) for each in people])
        return _("Waits for %(names)s.", names=names) if names else _("Waits; nobody is named who can sign it off.")

    def attempt(self, each: Try) -> dict[str, Any]:
        """Return a try that was not passed, with the clauses that were missed as far as they may be told."""
        return {
            "what": _("%(quiz)s, attempt %(number)s", quiz=each.title, number=each.number),
            "when": format_instant(each.released_at, self._zone, show_zone=False),
            "score": format_percent(each.score) if each.score is not None else "",
            "clauses": [
                {"title": str(title), "href": url_for("library.read", slug=document, _anchor=anchor)}
                for document, anchor, title in each.clauses
            ],
        }

    def change(self, each: Change) -> dict[str, str]:
        """Return what moved the dates, by whom and why."""
        return {
            "what": self._moved(each),
            "reason": each.reason,
            "by": each.by.name_in(language()),
            "when": format_instant(each.at, self._zone, show_zone=False),
        }

    def _moved(self, change: Change) -> str:
        row = change.row
        match row:
            case StepExtension():
                step = next(step for step in self._facts.standing.steps if step.id == row.step_id)
                return ngettext(
                    "%(num)d more working day for “%(step)s”",
                    "%(num)d more working days for “%(step)s”",
                    row.working_days,
                    step=self.task(step),
                )
            case StepExemption():
                step = next(step for step in self._facts.standing.steps if step.id == row.step_id)
                if row.act is ExemptionAct.EXEMPTED:
                    return _("Exempt from “%(step)s”", step=self.task(step))
                return _("Exemption from “%(step)s” taken back", step=self.task(step))
            case PlanExtension():
                return ngettext(
                    "%(num)d more working day for the whole plan",
                    "%(num)d more working days for the whole plan",
                    row.working_days,
                )
            case ExtensionTakenBack(step_extension=StepExtension() as given):
                step = next(step for step in self._facts.standing.steps if step.id == given.step_id)
                return ngettext(
                    "%(num)d more working day for “%(step)s”, taken back",
                    "%(num)d more working days for “%(step)s”, taken back",
                    given.working_days,
                    step=self.task(step),
                )
            case ExtensionTakenBack():
                assert row.plan_extension is not None
                return ngettext(
                    "%(num)d more working day for the whole plan, taken back",
                    "%(num)d more working days for the whole plan, taken back",
                    row.plan_extension.working_days,
                )
            case NewStart():
                return _("New first day: %(date)s", date=format_date(row.starts_on))
            case EventDate():
                titles = {event.slug: str(event.title) for event in self._enrollment.version.events}
                title = titles.get(row.event_slug, row.event_slug)
                return _("“%(event)s” on %(date)s", event=title, date=format_date(row.takes_place_on))
            case EnrollmentPause(is_taken_back=True):
                return _("Pause from %(date)s, taken back", date=format_date(row.first_on))
            case EnrollmentPause(resumes_on=date() as resumes_on):
                return _(
                    "Paused from %(first)s, resumed on %(date)s",
                    first=format_date(row.first_on),
                    date=format_date(resumes_on),
                )
            case EnrollmentPause():
                return _("Paused from %(date)s", date=format_date(row.first_on))

    def waiting(self) -> list[dict[str, str]]:
        """Return what waits for others: since when, and for whom."""
        return [
            {
                "what": self.task(each.step),
                "since": format_instant(each.since, self._zone, show_zone=False),
                "who": self._waits_for(each.people),
            }
            for each in self._facts.waiting
        ]

    def ahead(self) -> list[dict[str, str]]:
        """Return what is due on the next working days."""
        return [
            {
                "on": day_told(on),
                "iso": on.isoformat(),
                "what": self.task(step),
                "hours": str(seat.hours) if seat is not None else "",
                "place": (seat.place or seat.link) if seat is not None else "",
                "minutes": format_minutes(step.minutes) if step.minutes and seat is None else "",
            }
            for on, step in self._facts.ahead
            for seat in (self._seat(step),)
        ]

    def questions(self) -> list[Question]:
        """Return the questions that the facts raise."""
        facts = self._facts
        return rules.questions(
            overdue=[
                self.task(each.step)
                for each in facts.late
                if facts.standing.statuses[each.step.slug].state is StepState.OPEN and not each.sent_back
            ],
            sent_back=[self.task(step) for step in facts.sent_back],
            clauses=[str(title) for each in facts.tries for _document, _anchor, title in each.clauses],
            tries=[str(each.title) for each in facts.tries if not each.clauses],
            waiting=[self.task(each.step) for each in facts.waiting],
            is_short_of_time=facts.short is not None,
            minutes_ahead=sum(step.minutes for _on, step in facts.ahead),
        )

    def question(self, each: Question) -> str:
        """Return a question in words; none of them judges."""
        about, short = each.about, self._facts.short
        match each.ask:
            case Ask.OVERDUE:
                return _("%(step)s: what stands in the way?", step=about)
            case Ask.SENT_BACK:
                return _("%(step)s: is it clear what is still missing?", step=about)
            case Ask.CLAUSE:
                return _("Which example would make “%(clause)s” clearer?", clause=about)
            case Ask.TRY:
                return _("What would help before the next try at “%(quiz)s”?", quiz=about)
            case Ask.WAITING:
                return _("%(step)s: who will see to it, and on which day?", step=about)
            case Ask.TIME:
                needed, left = short or (0, 0)
                return ngettext(
                    "What is left needs %(num)d working day and there are %(left)s. Which date should move?",
                    "What is left needs %(num)d working days and there are %(left)s. Which date should move?",
                    needed,
                    left=left,
                )
            case Ask.FULL_WEEK:
                minutes = sum(step.minutes for _on, step in self._facts.ahead)
                return _(
                    "The next five working days hold %(time)s of training. Is there room for it?",
                    time=format_minutes(minutes),
                )
            case Ask.UNTIL_NEXT:
                return _("What should be different by the next talk?")


def _listed(names: Sequence[str]) -> str:
    return ("、" if language() == "ja" else ", ").join(names)
