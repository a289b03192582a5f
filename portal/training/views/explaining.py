"""Dates of a plan that explain themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from portal.calendars.rules import OffReason
from portal.calendars.service.told import day_told, days_told, spans_told
from portal.core.i18n import LazyText, format_date, ngettext
from portal.core.i18n import gettext as _
from portal.training.queries import Standing
from portal.training.rules import EffectiveDue, Extended


@dataclass(frozen=True, slots=True)
class Explanation:
    """A date and how it came about, in the words of `date_explained`; `then` is what moved it, in its order."""

    date: str
    iso: str
    why: str
    days: list[dict[str, Any]] = field(default_factory=list)
    then: list[str] = field(default_factory=list)
    provisional: str = ""


def explain(due: EffectiveDue, standing: Standing, tasks: Mapping[int, LazyText]) -> Explanation:
    """Put into words how a date came about: from where, how many working days, which days were not counted."""
    unannounced = _("The holidays of %(year)s are not announced yet; this date may still change.", year=due.on.year)
    return Explanation(
        date=day_told(due.on) if due.on.year == standing.today.year else format_date(due.on),
        iso=due.on.isoformat(),
        why=str(_whence(due, standing, tasks)),
        days=days_told(due.counted.derivation),
        then=[*_absences(due), *(str(_extended(each)) for each in due.extended)],
        provisional=str(unannounced) if due.provisional else "",
    )


def _whence(due: EffectiveDue, standing: Standing, tasks: Mapping[int, LazyText]) -> str:
    number, start = due.counted.derivation.working_days, format_date(due.counted.derivation.start)
    if due.anchor is None:
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
    return ngettext(
        "%(num)d working day after “%(step)s” is due, %(start)s.",
        "%(num)d working days after “%(step)s” is due, %(start)s.",
        number,
        step=name,
        start=start,
    )


def _absences(due: EffectiveDue) -> list[str]:
    """Say what leave and pauses made of the date."""
    if due.undisturbed.on == due.counted.on:
        return []
    before, after = format_date(due.undisturbed.on), format_date(due.counted.on)
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


def _extended(each: Extended) -> str:
    given = each.extension
    values = {"name": given.by, "reason": given.reason, "date": format_date(each.due.on)}
    if given.is_of_plan:
        return ngettext(
            "%(num)d more working day for the whole plan from %(name)s (%(reason)s): %(date)s",
            "%(num)d more working days for the whole plan from %(name)s (%(reason)s): %(date)s",
            given.working_days,
            **values,
        )
    return ngettext(
        "%(num)d more working day from %(name)s (%(reason)s): %(date)s",
        "%(num)d more working days from %(name)s (%(reason)s): %(date)s",
        given.working_days,
        **values,
    )
