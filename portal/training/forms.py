"""The forms of a sign-off, of more time and of leave."""

from __future__ import annotations

from wtforms.validators import InputRequired, NumberRange

from portal.core.forms import DateField, Form, IntegerField, LongTextField
from portal.core.i18n import lazy_gettext as _l
from portal.training.rules import MOST_DAYS_AT_ONCE


class SignOffForm(Form):
    """What was shown, or what is still missing."""

    statement = LongTextField(_l("What was shown, or what is still missing"))


class ExtensionForm(Form):
    """More time for a step, and why."""

    working_days = IntegerField(
        _l("Working days more"),
        [
            InputRequired(_l("Write how many working days.")),
            NumberRange(1, MOST_DAYS_AT_ONCE, _l("Write a whole number from 1 to 60.")),
        ],
    )
    reason = LongTextField(_l("Reason"), [InputRequired(_l("Write why more time is given; the learner reads it."))])


class LeaveForm(Form):
    """The days on which somebody is away; nothing about why."""

    first_on = DateField(_l("First day of leave"), [InputRequired(_l("Choose the first day."))])
    last_on = DateField(_l("Last day of leave"), [InputRequired(_l("Choose the last day."))])
