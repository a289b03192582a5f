"""The forms of leave and shifts."""

from __future__ import annotations

from wtforms import BooleanField, RadioField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # the stubs do not know it yet
from wtforms.validators import InputRequired

from portal.core.forms import DateField, Form, TextField
from portal.core.i18n import lazy_gettext as _l


class LeaveForm(Form):
    """The days on which somebody is away; nothing about why."""

    first_on = DateField(_l("First day of leave"), [InputRequired(_l("Choose the first day."))])
    last_on = DateField(_l("Last day of leave"), [InputRequired(_l("Choose the last day."))])


class EarlierEndForm(Form):
    """Which leave ends on an earlier day."""

    first_on = DateField(_l("First day of leave"), [InputRequired(_l("Choose the first day."))])
    last_on = DateField(_l("Last day of leave"), [InputRequired(_l("Choose the last day."))])
    ends_on = DateField(_l("New last day"), [InputRequired(_l("Choose the last day."))])


BY_SHIFTS, BY_THE_WEEK = "shifts", "week"


class ShiftsForm(Form):
    """By which shifts somebody works from a day on."""

    works = RadioField(
        _l("Works"),
        choices=[
            SelectChoice(BY_SHIFTS, _l("By shifts")),
            SelectChoice(BY_THE_WEEK, _l("By the week, Monday to Friday")),
        ],
        default=BY_SHIFTS,
    )
    first_on = DateField(_l("First working day of the cycle"), [InputRequired(_l("Choose the first day."))])
    cycle = TextField(_l("Days worked and days off in turn"))
    works_holidays = BooleanField(_l("Works on holidays and company days too"), default=True)


class WithdrawShiftsForm(Form):
    """Which shifts are taken back."""

    number = TextField("", [InputRequired()])
