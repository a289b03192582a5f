"""Recurring tasks in words: their rhythm, and how each of their days came about."""

from __future__ import annotations

from datetime import timedelta

from portal.calendars.rules import DayOff, OffReason
from portal.calendars.service.told import why_off
from portal.core.i18n import format_date, format_month, language, ngettext, pgettext
from portal.core.i18n import gettext as _
from portal.duties.models import RecurringTaskRun
from portal.duties.rules import Rhythm, RunHow, RunOutcome, WhenOff
from portal.duties.rules.recurring import DueDay, Terms


def weekday_words(weekday: int) -> str:
    """Name a weekday in full, 0 is Monday: "Monday", 「月曜日」."""
    return [
        _("Monday"),
        _("Tuesday"),
        _("Wednesday"),
        _("Thursday"),
        _("Friday"),
        _("Saturday"),
        _("Sunday"),
    ][weekday]


def _ordinal(number: int) -> str:
    """Write which one it is: "3rd", 「第3」; in Japanese the number alone."""
    if language() == "ja":
        return str(number)
    ending = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def working_day_words(number: int) -> str:
    """Name a working day of the month, from its end where negative: "3rd working day", "last working day"."""
    if number == -1:
        return _("last working day")
    if number < 0:
        return _("%(ordinal)s working day from the end", ordinal=_ordinal(-number))
    if number == 1:
        return _("first working day")
    return _("%(ordinal)s working day", ordinal=_ordinal(number))


def rhythm_words(terms: Terms) -> str:
    """Say in what rhythm a task recurs."""
    match terms.rhythm:
        case Rhythm.EVERY:
            if terms.every == 1:
                return _("Every working day")
            return _("Every %(num)s working days", num=terms.every)
        case Rhythm.WEEKLY:
            day = weekday_words(terms.weekday or 0)
            said = (
                _("Every week on %(weekday)s", weekday=day)
                if terms.every == 1
                else _("Every %(num)s weeks on %(weekday)s", num=terms.every, weekday=day)
            )
            moved = _("or the working day before") if terms.when_off is WhenOff.BEFORE else _("or the next working day")
            return _("%(rhythm)s, %(moved)s", rhythm=said, moved=moved)
        case Rhythm.MONTHLY:
            day = working_day_words(terms.working_day or 1)
            if terms.every == 1:
                return _("Every month on the %(day)s", day=day)
            return _("Every %(num)s months on the %(day)s", num=terms.every, day=day)


def why_told(day: DueDay, terms: Terms) -> str:
    """Say how a day came about, with the holidays that were passed."""
    passed = _passed(day)
    match terms.rhythm:
        case Rhythm.EVERY:
            start, number = format_date(day.derivation.start), day.derivation.working_days
            said = (
                _("The first working day from %(date)s on.", date=start)
                if number == 0
                else ngettext(
                    "%(num)d working day after %(date)s.", "%(num)d working days after %(date)s.", number, date=start
                )
            )
        case Rhythm.WEEKLY:
            said = _weekly_told(day, terms)
            passed = []
        case Rhythm.MONTHLY:
            said = _monthly_told(day, terms)
    if passed:
        return _("%(said)s Not counted: %(days)s.", said=said, days=_(", ").join(passed))
    return said


def _weekly_told(day: DueDay, terms: Terms) -> str:
    if day.off is None or day.wished is None:
        return _("The weekday itself is worked.")
    wished, why = format_date(day.wished), why_off(day.off)
    if terms.when_off is WhenOff.BEFORE:
        return _("%(date)s is not worked (%(why)s): the last working day before it.", date=wished, why=why)
    return _("%(date)s is not worked (%(why)s): the first working day after it.", date=wished, why=why)


def _monthly_told(day: DueDay, terms: Terms) -> str:
    month = format_month(day.on)
    if day.is_shorter:
        return _("%(month)s has fewer working days: the nearest one.", month=month)
    return _("The %(day)s of %(month)s.", day=working_day_words(terms.working_day or 1), month=month)


def _passed(day: DueDay) -> list[str]:
    """Return the days that were passed and have a name, each with its date; weekends go without saying."""
    named = sorted((off for off in day.derivation.skipped if _has_name(off)), key=lambda off: off.on)
    return [_("%(name)s (%(date)s)", name=why_off(off), date=format_date(off.on, "short")) for off in named]


def _has_name(off: DayOff) -> bool:
    return off.reason is not OffReason.WEEKEND


def outcome_words(run: RecurringTaskRun) -> str:
    """Say what became of a day: done by whom and how, or left out."""
    if run.outcome is RunOutcome.SKIPPED or run.person is None:
        return pgettext("run", "Left out")
    name = run.person.name_in(language())
    if run.how is RunHow.WITH_HELP and run.helper is not None:
        return _("%(name)s, with the help of %(helper)s", name=name, helper=run.helper.name_in(language()))
    return _("%(name)s, alone", name=name)


def late_words(run: RecurringTaskRun) -> str:
    """Say by how many days something was done after its day; "" where it was not late."""
    if run.done_on is None or run.done_on <= run.due_on:
        return ""
    days = (run.done_on - run.due_on) // timedelta(days=1)
    return ngettext("%(num)d day late", "%(num)d days late", days)
