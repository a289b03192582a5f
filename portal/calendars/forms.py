"""The forms of leave, shifts and company days."""

from __future__ import annotations

from wtforms import BooleanField, RadioField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # the stubs do not know it yet
from wtforms.validators import InputRequired, Optional

from portal.core.forms import DateField, Form, Required, TextField, at_most
from portal.core.i18n import lazy_gettext as _l


class LeaveForm(Form):
    """The days on which somebody is away; nothing about why."""

    first_on = DateField(_l("First day of leave"), [InputRequired(_l("Choose the first day."))])
    last_on = DateField(_l("Last day of leave"), [InputRequired(_l("Choose the last day."))])

    @property
    def asked(self) -> str:
        """What a page has shown the effect of, so that something else is shown first."""
        return f"{self.first_on.data}/{self.last_on.data}"


class EarlierEndForm(Form):
    """Which leave ends on an earlier day."""

    first_on = DateField(_l("First day of leave"), [InputRequired(_l("Choose the first day."))])
    last_on = DateField(_l("Last day of leave"), [InputRequired(_l("Choose the last day."))])
    ends_on = DateField(_l("New last day"), [InputRequired(_l("Choose the last day."))])

    @property
    def asked(self) -> str:
        """What a page has shown the effect of, so that something else is shown first."""
        return f"{self.first_on.data}/{self.last_on.data}/{self.ends_on.data}"


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


OFF, WORKED = "off", "worked"


class CompanyDaysForm(Form):
    """Days on which a market does not work, or works instead."""

    kind = RadioField(
        _l("These days are"),
        choices=[SelectChoice(OFF, _l("Days off")), SelectChoice(WORKED, _l("Working days, instead of days off"))],
        default=OFF,
    )
    first_on = DateField(_l("First day"), [InputRequired(_l("Choose the first day."))])
    last_on = DateField(_l("Last day"), [Optional()])
    name_en = TextField(_l("Name in English"), [Required(), at_most(80)])
    name_ja = TextField(_l("Name in Japanese"), [Required(), at_most(80)])
    everywhere = BooleanField(_l("In all markets"))


class WithdrawShiftsForm(Form):
    """Which shifts are taken back."""

    number = TextField("", [InputRequired()])
