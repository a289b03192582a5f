"""The forms of recurring tasks, of their runs, and of who answers for a thing."""

from __future__ import annotations

from typing import Any

from wtforms import BooleanField, RadioField, SelectField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # the stubs do not know it yet
from wtforms.validators import InputRequired, NumberRange, Optional, StopValidation

from portal.core.forms import DateField, Form, IntegerField, LongTextField, Required, TextField, at_most
from portal.core.i18n import lazy_gettext as _l
from portal.core.i18n import lazy_pgettext
from portal.duties.rules import Fulfilment, Rhythm, RunHow, RunOutcome, WhenOff
from portal.duties.rules.recurring import MOST_DAY_OF_MONTH, MOST_MONTHS, MOST_WEEKS, MOST_WORKING_DAYS
from portal.duties.service.tasks import MOST_MINUTES
from portal.duties.service.wording import TEXT_LIMIT, TITLE_LIMIT

# What each rhythm asks besides.
OF_RHYTHM = {
    Rhythm.EVERY: ("days",),
    Rhythm.WEEKLY: ("weeks", "weekday", "when_off"),
    Rhythm.MONTHLY: ("months", "counted", "working_day"),
}
FROM_START, FROM_END = "start", "end"
# What each outcome of a run asks besides.
OF_OUTCOME = {
    RunOutcome.DONE: ("person", "done_on", "how", "helper", "note"),
    RunOutcome.SKIPPED: ("reason", "earlier"),
}

# What is said where the choice needs a field that was left empty, and its name makes no sentence.
_SAID_MISSING = {
    "days": _l("Enter after how many working days it recurs."),
    "weeks": _l("Enter after how many weeks it recurs."),
    "when_off": _l("Choose when it is due where that day is not worked."),
    "months": _l("Enter after how many months it recurs."),
    "counted": _l("Choose from which end of the month the days are counted."),
    "working_day": _l("Enter on which working day of the month it falls due."),
    "person": _l("Choose who did it."),
    "done_on": _l("Choose the day on which it was done."),
    "how": _l("Choose whether it was done alone or with help."),
}


def _number(label: Any, least: int, most: int) -> IntegerField:
    said = _l("Enter a whole number from %(least)s to %(most)s.", least=least, most=most)
    return IntegerField(label, [Optional(), NumberRange(least, most, said)])


def _missing(form: Form, field: Any) -> str:
    """Return what is said of a field that the choice needs and that was left empty."""
    try:
        Required(_SAID_MISSING.get(field.short_name))(form, field)
    except StopValidation as missing:
        return str(missing)
    return ""


def _keep_to_choice(form: Form, chosen: str | None, of: dict[Any, tuple[str, ...]], may_be_empty: set[str]) -> bool:
    """Let only those fields count that the choice asks for, and those be filled; say whether nothing is wrong."""
    for choice, names in of.items():
        for name in names:
            field = form[name]
            if choice.value != chosen:
                field.errors = []
            elif not field.errors and field.data in (None, "") and name not in may_be_empty:
                field.errors = [_missing(form, field)]
    return not any(field.errors for field in form)


class TaskForm(Form):
    """What recurs, whose it is, in which rhythm, by which procedure, and who answers for it."""

    title_ja = TextField(_l("Title in Japanese"), [Required(), at_most(TITLE_LIMIT)])
    title_en = TextField(_l("Title in English"), [Required(), at_most(TITLE_LIMIT)])
    place = SelectField(_l("Market or team"), [Required()])
    starts_on = DateField(_l("In force from"), [Required(_l("Choose the day from which it is in force."))])
    rhythm = RadioField(
        _l("Rhythm"),
        [InputRequired(_l("Choose when it recurs."))],
        choices=[
            SelectChoice(Rhythm.EVERY.value, _l("Every so many working days")),
            SelectChoice(Rhythm.WEEKLY.value, _l("On a weekday")),
            SelectChoice(Rhythm.MONTHLY.value, _l("On a working day of the month")),
        ],
    )
    days = _number(_l("Every so many working days"), 1, MOST_WORKING_DAYS)
    weeks = _number(_l("Every so many weeks"), 1, MOST_WEEKS)
    weekday = SelectField(_l("Weekday"))
    when_off = SelectField(
        _l("Where that day is not worked"),
        choices=[
            SelectChoice(WhenOff.BEFORE.value, _l("the last working day before it")),
            SelectChoice(WhenOff.AFTER.value, _l("the first working day after it")),
        ],
    )
    months = _number(_l("Every so many months"), 1, MOST_MONTHS)
    counted = SelectField(
        lazy_pgettext("month", "Counted from"),
        choices=[
            SelectChoice(FROM_START, _l("the beginning of the month")),
            SelectChoice(FROM_END, _l("the end of the month")),
        ],
    )
    working_day = _number(_l("Which working day"), 1, MOST_DAY_OF_MONTH)
    minutes = _number(_l("Minutes that it takes"), 1, MOST_MINUTES)
    fulfilled_by = SelectField(
        _l("What counts as done"),
        choices=[
            SelectChoice("", _l("Somebody records that it was done")),
            SelectChoice(Fulfilment.REHEARSAL.value, _l("A rehearsal of a handover is closed")),
        ],
        validate_choice=False,
    )
    procedure = SelectField(_l("Procedure"))
    clause = TextField(_l("Clause"), [at_most(80)])
    owner = SelectField(_l("Owner"), [Required()])
    deputy = SelectField(_l("Deputy"))

    def validate(self, extra_validators: Any = None) -> bool:
        """Check every field; of those of the rhythms only what the chosen one asks."""
        super().validate(extra_validators)
        return _keep_to_choice(self, self.rhythm.data, OF_RHYTHM, set())


class ChangeForm(TaskForm):
    """Other terms, and why."""

    reason = LongTextField(_l("Reason"), [Required(), at_most(TEXT_LIMIT)])


class RunForm(Form):
    """What became of a day: done by whom and how, or left out and why."""

    outcome = RadioField(
        _l("What became of it"),
        [InputRequired(_l("Choose what became of it."))],
        choices=[
            SelectChoice(RunOutcome.DONE.value, lazy_pgettext("run", "Done")),
            SelectChoice(RunOutcome.SKIPPED.value, lazy_pgettext("run", "Left out")),
        ],
    )
    person = SelectField(lazy_pgettext("run", "Done by"))
    done_on = DateField(_l("Done on"), [Optional()])
    how = SelectField(
        lazy_pgettext("run", "How"),
        choices=[
            SelectChoice(RunHow.ALONE.value, _l("Alone")),
            SelectChoice(RunHow.WITH_HELP.value, _l("With help")),
        ],
    )
    helper = SelectField(_l("Helped by"))
    note = LongTextField(_l("Note"), [at_most(TEXT_LIMIT)])
    earlier = BooleanField(_l("Leave out every earlier day that waits, too"))
    reason = LongTextField(_l("Reason"), [at_most(TEXT_LIMIT)])

    def validate(self, extra_validators: Any = None) -> bool:
        """Check every field; of those of the outcomes only what the chosen one asks."""
        super().validate(extra_validators)
        return _keep_to_choice(self, self.outcome.data, OF_OUTCOME, {"helper", "note", "earlier"})


class ReasonForm(Form):
    """Why something is done."""

    reason = LongTextField(_l("Reason"), [Required(), at_most(TEXT_LIMIT)])


class OwnersForm(Form):
    """Who answers for a thing, who stands in, and to which team it falls when neither is there."""

    owner = SelectField(_l("Owner"), [Required()])
    deputy = SelectField(_l("Deputy"))
    team = SelectField(_l("Falls to the leads of"))
    seen = IntegerField(_l("Owner"))
