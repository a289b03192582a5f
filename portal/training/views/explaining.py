"""Dates of a plan that explain themselves, and how gates, sessions and what was handed in are told."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, groupby
from typing import Any

from flask import url_for

from portal.calendars.rules import DayOff, OffReason
from portal.calendars.service.told import day_told, days_told, spans_told, why_off
from portal.core import clock
from portal.core.access import can
from portal.core.i18n import LazyText, format_date, format_instant, format_percent, language, ngettext
from portal.core.i18n import gettext as _
from portal.training.models import PlanStep, PlanVersion, TaskEvidence
from portal.training.permissions import RUN_SESSION, StepOfEnrollment
from portal.training.queries import Standing, catalogue, live_sessions
from portal.training.rules import EffectiveDue, Exemption, Extended, Extension, Feasibility, GateFigures, NotCounted
from portal.training.service.dates import Stays
from portal.training.service.enrollments import Recognition
from portal.training.service.shifted import stays_told


@dataclass(frozen=True, slots=True)
class Told:
    """A sentence of ours in which stands what people wrote, such as a reason: `own`."""

    text: str
    own: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.text

    @property
    def parts(self) -> list[tuple[str, bool]]:
        """The sentence in pieces, each with whether somebody wrote it."""
        pieces, rest = [], self.text
        # Each language has an order of its own.
        for words in sorted(filter(None, self.own), key=self.text.find):
            before, found, rest = rest.partition(words)
            pieces += [(before, False), (found, True)]
        return [piece for piece in [*pieces, (rest, False)] if piece[0]]


@dataclass(frozen=True, slots=True)
class Explanation:
    """A date and how it came about, in the words of `date_explained`; `then` is what moved it, in its order.

    Of the day of a session `first` says that it is one; the rest is about the due date of its step.
    """

    date: str
    iso: str
    why: str
    days: list[dict[str, Any]] = field(default_factory=list)
    then: list[Told] = field(default_factory=list)
    provisional: str = ""
    first: str = ""


def explain(due: EffectiveDue, standing: Standing, tasks: Mapping[int, LazyText]) -> Explanation:
    """Put into words how a date came about: from where, how many working days, which days were not counted."""
    unannounced = _("The holidays of %(year)s are not announced yet; this date may still change.", year=due.on.year)
    return Explanation(
        date=day_told(due.on) if due.on.year == standing.today.year else format_date(due.on),
        iso=due.on.isoformat(),
        why=str(_whence(due, standing, tasks)),
        days=days_told(due.counted.derivation),
        then=[
            *_moved_event(due, standing),
            *map(Told, _absences(due)),
            *chain.from_iterable(map(_extended, due.extended)),
            *(_taken_back(each, standing) for each in due.taken_back),
        ],
        provisional=str(unannounced) if due.provisional else "",
    )


def _whence(due: EffectiveDue, standing: Standing, tasks: Mapping[int, LazyText]) -> str:
    number, start = due.counted.derivation.working_days, format_date(due.counted.derivation.start)
    if due.event is not None:
        return _whence_event(number, start, _title_of_event(due.event, standing.enrollment.version))
    if due.anchor is None:
        if number < 0:
            return ngettext(
                "%(num)d working day before the plan begins, %(start)s.",
                "%(num)d working days before the plan begins, %(start)s.",
                -number,
                start=start,
            )
        if number == 0:
            return _("On the day the plan begins, %(start)s.", start=start)
        return ngettext(
            "%(num)d working day after the plan begins, %(start)s.",
            "%(num)d working days after the plan begins, %(start)s.",
            number,
            start=start,
        )
    anchor = next(step for step in standing.steps if step.slug == due.anchor)
    name = str(tasks[anchor.id])
    if number == 0:
        return _("On the day “%(step)s” is due, %(start)s.", step=name, start=start)
    if number < 0:
        return ngettext(
            "%(num)d working day before “%(step)s” is due, %(start)s.",
            "%(num)d working days before “%(step)s” is due, %(start)s.",
            -number,
            step=name,
            start=start,
        )
    return ngettext(
        "%(num)d working day after “%(step)s” is due, %(start)s.",
        "%(num)d working days after “%(step)s” is due, %(start)s.",
        number,
        step=name,
        start=start,
    )


def _whence_event(number: int, start: str, title: str) -> str:
    if number == 0:
        return _("On the day of “%(event)s”, %(start)s.", event=title, start=start)
    if number < 0:
        return ngettext(
            "%(num)d working day before “%(event)s”, %(start)s.",
            "%(num)d working days before “%(event)s”, %(start)s.",
            -number,
            event=title,
            start=start,
        )
    return ngettext(
        "%(num)d working day after “%(event)s”, %(start)s.",
        "%(num)d working days after “%(event)s”, %(start)s.",
        number,
        event=title,
        start=start,
    )


def _title_of_event(slug: str, version: PlanVersion) -> str:
    return next((str(each.title) for each in version.events if each.slug == slug), slug)


def _moved_event(due: EffectiveDue, standing: Standing) -> list[Told]:
    """Say who has moved the event from which is counted, and why."""
    if due.event is None:
        return []
    day = standing.basis.event(due.event)
    if not day.reason:
        return []
    values = {
        "event": _title_of_event(due.event, standing.enrollment.version),
        "date": format_date(day.on),
        "name": day.by or "",
        "reason": day.reason,
    }
    if day.is_of_cohort:
        said = _("“%(event)s” moved to %(date)s for the whole cohort by %(name)s (%(reason)s)", **values)
    else:
        said = _("“%(event)s” moved to %(date)s by %(name)s (%(reason)s)", **values)
    return [Told(said, (day.reason,))]


def feasibility_told(found: Sequence[Feasibility], version: PlanVersion) -> list[dict[str, Any]]:
    """Return in words how many working days what is left needs, and how many there are, with whether they suffice."""
    return [
        {"text": _feasible(each, version), "is_enough": each.is_enough, "is_end": each.event is None} for each in found
    ]


def _feasible(each: Feasibility, version: PlanVersion) -> str:
    until = format_date(each.until)
    if each.event is None:
        return ngettext(
            "What is left needs %(num)d working day; %(left)s left until %(date)s.",
            "What is left needs %(num)d working days; %(left)s left until %(date)s.",
            each.needed,
            left=each.left,
            date=until,
        )
    return ngettext(
        "What comes before “%(event)s” needs %(num)d working day; %(left)s left until %(date)s.",
        "What comes before “%(event)s” needs %(num)d working days; %(left)s left until %(date)s.",
        each.needed,
        left=each.left,
        date=until,
        event=_title_of_event(each.event, version),
    )


def disorder_told(found: Sequence[tuple[PlanStep, PlanStep]], tasks: Mapping[int, LazyText]) -> list[str]:
    """Say which steps would be due before one that comes first."""
    return [
        str(
            _(
                "“%(step)s” would be due before “%(first)s”, which has to be done first.",
                step=str(tasks[step.id]),
                first=str(tasks[first.id]),
            )
        )
        for step, first in found
    ]


def disorder_now_told(standing: Standing) -> list[str]:
    """Say which steps have a day before that of one that comes first."""
    found = standing.disorder()
    tasks = catalogue.tasks_of([step for pair in found for step in pair])
    return [
        str(
            _(
                "“%(step)s” is on %(date)s, before “%(first)s” on %(then)s, which has to be done first.",
                step=str(tasks[step.id]),
                first=str(tasks[first.id]),
                date=format_date(standing.day_for(step.slug)),
                then=format_date(standing.day_for(first.slug)),
            )
        )
        for step, first in found
    ]


def sessions_told(found: Sequence[Stays]) -> list[dict[str, str]]:
    """Say of booked sessions that they stay where they are, with where each can be moved by who may."""
    tasks = catalogue.tasks_of([each.step for each in found])
    hrefs = where_sessions_move({each.seat.code for each in found})
    return [
        {
            "text": stays_told(each, str(tasks[each.step.id])),
            "href": hrefs.get(each.seat.code, ""),
            "what": str(tasks[each.step.id]),
        }
        for each in found
    ]


def where_sessions_move(codes: Collection[str]) -> dict[str, str]:
    """Return where those of these sessions are moved that whoever looks may move."""
    return {
        each.code: url_for("training.move_session", code=each.code)
        for each in live_sessions.list_sessions_by_code(codes)
        if can(RUN_SESSION, each)
    }


def not_counted_told(found: Recognition, date: str) -> str:
    """Say of something that was done on a day before a plan why it does not count in it."""
    match found.why_not:
        case NotCounted.TOO_OLD:
            return ngettext(
                "Done on %(date)s; the plan recognises what is at most %(num)d day old.",
                "Done on %(date)s; the plan recognises what is at most %(num)d days old.",
                found.step.recognise_days or 0,
                date=date,
            )
        case NotCounted.NOT_IN_FORCE:
            return _(
                "Version %(version)s was confirmed on %(date)s; another one is in force now.",
                version=found.earlier.document_version or "",
                date=date,
            )
        case _:
            return _("Done on %(date)s; the plan asks for it anew.", date=date)


def _absences(due: EffectiveDue) -> list[str]:
    """Say what leave and pauses made of the date."""
    if due.undisturbed.on == due.with_absences.on:
        return []
    before, after = format_date(due.undisturbed.on), format_date(due.with_absences.on)
    leave = [off.on for off in due.absences if off.reason is OffReason.LEAVE]
    paused = [off.on for off in due.absences if off.reason is OffReason.PAUSE]
    if not paused:
        return [_("Leave on %(days)s: %(date)s instead of %(before)s", days=_spans(leave), date=after, before=before)]
    if not leave:
        return [_("Pause on %(days)s: %(date)s instead of %(before)s", days=_spans(paused), date=after, before=before)]
    return [
        _(
            "Leave on %(days)s, pause on %(paused)s: %(date)s instead of %(before)s",
            days=_spans(leave),
            paused=_spans(paused),
            date=after,
            before=before,
        )
    ]


def _spans(days: list[Any]) -> str:
    return str(_(", ")).join(spans_told(days))


def _extended(each: Extended) -> list[Told]:
    """Say who gave more time and why, and which days on the way were not counted."""
    given = each.extension
    values = {"name": given.by or "", "reason": given.reason, "date": format_date(each.due.on)}
    if given.is_of_plan:
        said = ngettext(
            "%(num)d more working day for the whole plan from %(name)s (%(reason)s): %(date)s",
            "%(num)d more working days for the whole plan from %(name)s (%(reason)s): %(date)s",
            given.working_days,
            **values,
        )
    else:
        said = ngettext(
            "%(num)d more working day from %(name)s (%(reason)s): %(date)s",
            "%(num)d more working days from %(name)s (%(reason)s): %(date)s",
            given.working_days,
            **values,
        )
    skipped = each.due.derivation.skipped
    told = Told(said, (given.reason,))
    return [told, Told(_("Not counted: %(days)s", days=_named(skipped)))] if skipped else [told]


def _taken_back(given: Extension, standing: Standing) -> Told:
    """Say of more time that was given and does not count any more who took it back, when and why."""
    assert given.taken_back is not None
    values = {
        "name": given.by or "",
        "reason": given.reason,
        "other": given.taken_back.by or "",
        "date": format_date(clock.local_date(given.taken_back.at, standing.enrollment.market.time_zone)),
        "why": given.taken_back.reason,
    }
    if given.is_of_plan:
        said = ngettext(
            "Not counted: %(num)d more working day for the whole plan from %(name)s (%(reason)s), taken back by "
            "%(other)s on %(date)s (%(why)s)",
            "Not counted: %(num)d more working days for the whole plan from %(name)s (%(reason)s), taken back by "
            "%(other)s on %(date)s (%(why)s)",
            given.working_days,
            **values,
        )
    else:
        said = ngettext(
            "Not counted: %(num)d more working day from %(name)s (%(reason)s), taken back by %(other)s on %(date)s "
            "(%(why)s)",
            "Not counted: %(num)d more working days from %(name)s (%(reason)s), taken back by %(other)s on %(date)s "
            "(%(why)s)",
            given.working_days,
            **values,
        )
    return Told(said, (given.reason, given.taken_back.reason))


def _named(days: Sequence[DayOff]) -> str:
    """Return days that are not counted, each run of one name as its first and last with the name."""
    told = []
    for why, run in groupby(days, key=why_off):
        told += [_("%(day)s (%(why)s)", day=span, why=why) for span in spans_told(each.on for each in run)]
    return str(_(", ")).join(str(each) for each in told)


def exempt_told(exemption: Exemption, standing: Standing) -> Told:
    """Say who exempted a learner from a step, when, and why."""
    when = format_instant(exemption.at, standing.enrollment.market.time_zone, show_zone=False)
    said = _("Exempt: %(name)s, %(when)s (%(reason)s)", name=exemption.by or "", when=when, reason=exemption.reason)
    return Told(said, (exemption.reason,))


def gate_told(figures: GateFigures) -> dict[str, Any]:
    """Put into words how a learner stands before a gate: what is asked, the figures, each quiz, what is missing."""
    terms, interval, low = figures.terms, figures.interval, figures.shown_low()
    titles = catalogue.quiz_titles([each.quiz for each in figures.quizzes])
    names = {each.quiz: str(titles.get(each.quiz, each.quiz)) for each in figures.quizzes}
    bound = format_percent(terms.bound)
    missing = []
    if figures.not_passed:
        separator = "、" if language() == "ja" else ", "
        listed = separator.join(names[each] for each in figures.not_passed)
        missing.append(_("Not passed yet: %(quizzes)s.", quizzes=listed))
    if figures.missing_questions:
        missing.append(
            ngettext(
                "%(num)d question is missing: %(n)s are scored, at least %(needed)s are needed.",
                "%(num)d questions are missing: %(n)s are scored, at least %(needed)s are needed.",
                figures.missing_questions,
                n=figures.n,
                needed=terms.needed,
            )
        )
    elif figures.missing_right:
        missing.append(
            ngettext(
                "The lower bound is below %(bound)s: %(num)d more of the %(n)s questions would have to be right.",
                "The lower bound is below %(bound)s: %(num)d more of the %(n)s questions would have to be right.",
                figures.missing_right,
                bound=bound,
                n=figures.n,
            )
        )
    if interval is None or low is None or figures.share is None:
        told = _("No question is scored yet.")
    else:
        told = _(
            "%(right)s of %(n)s questions right (%(share)s); 95%% interval %(low)s to %(high)s.",
            right=figures.right,
            n=figures.n,
            share=format_percent(figures.share),
            low=format_percent(low),
            high=format_percent(interval.high),
        )
    return {
        "asked": str(
            _(
                "Lower bound of at least %(bound)s on at least %(needed)s questions; every quiz passed.",
                bound=bound,
                needed=terms.needed,
            )
        ),
        "figures": str(told),
        "quizzes": [
            {
                "title": names[each.quiz],
                "state": "passed" if each.is_passed else "failed" if each.attempt else "not_started",
                "right": f"{each.right} / {each.scored}" if each.scored else "–",
            }
            for each in figures.quizzes
        ],
        "missing": [str(each) for each in missing],
        "is_reached": figures.is_reached,
    }


def evidence_told(row: TaskEvidence, thing: StepOfEnrollment) -> dict[str, Any]:
    """Return what was handed in as a page shows it."""
    zone = thing.enrollment.market.time_zone
    return {
        "number": row.number,
        "when": format_instant(row.at, zone, show_zone=False),
        "said": row.said,
        "link": row.link,
        "file": {
            "name": row.file_name,
            "size": size_told(row.size or 0),
            "href": url_for(
                "training.evidence_file", code=thing.enrollment.code, slug=thing.step.slug, number=row.number
            ),
        }
        if row.file_name
        else None,
    }


def size_told(size: int) -> str:
    """Write the size of a file: whole kilobytes, or megabytes to a tenth."""
    if size < 1_000_000:
        return f"{max(1, round(size / 1000))} KB"
    return f"{size / 1_000_000:.1f} MB"
