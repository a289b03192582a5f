"""The forms of a sign-off, of more time and of leave."""

from __future__ import annotations

from wtforms import BooleanField
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
    reason = LongTextField(_l("Reason"), [InputRequired(_l("Write a reason; the learner reads it."))])


class NewStartForm(Form):
    """Another first day, and why."""

    starts_on = DateField(_l("First day of the plan"), [InputRequired(_l("Choose the first day."))])
    reason = LongTextField(_l("Reason"), [InputRequired(_l("Write a reason; the learner reads it."))])


class EventDateForm(Form):
    """Another day of an event, and why."""

    takes_place_on = DateField(_l("Day of the event"), [InputRequired(_l("Choose the day of the event."))])
    reason = LongTextField(_l("Reason"), [InputRequired(_l("Write a reason; the learner reads it."))])


class EventOfCohortForm(Form):
    """The day of an event for a cohort; why, where it was another day before."""

    takes_place_on = DateField(_l("Day of the event"), [InputRequired(_l("Choose the day of the event."))])
    reason = LongTextField(_l("Reason"))


class PauseForm(Form):
    """From when a plan is paused, and why."""

    first_on = DateField(_l("First day of the pause"), [InputRequired(_l("Choose the first day."))])
    reason = LongTextField(_l("Reason"), [InputRequired(_l("Write a reason; the learner reads it."))])


class ResumeForm(Form):
    """From when the days of a plan count again."""

    resumes_on = DateField(_l("First day that counts again"), [InputRequired(_l("Choose the first day."))])


class EndForm(Form):
    """Why a plan ends, and that this is meant."""

    reason = LongTextField(_l("Reason"), [InputRequired(_l("Write a reason; the learner reads it."))])
    is_meant = BooleanField(
        _l("End this plan for good; to go on, the person is enrolled again"),
        [InputRequired(_l("Confirm that the plan is to be ended."))],
    )


class LeaveForm(Form):
    """The days on which somebody is away; nothing about why."""

    first_on = DateField(_l("First day of leave"), [InputRequired(_l("Choose the first day."))])
    last_on = DateField(_l("Last day of leave"), [InputRequired(_l("Choose the last day."))])
