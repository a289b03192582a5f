"""The forms of sign-offs, of dates, of what is handed in, and of sessions."""

from __future__ import annotations

from flask_wtf.file import FileField
from wtforms import BooleanField, SelectMultipleField
from wtforms.validators import InputRequired, NumberRange
from wtforms.widgets import CheckboxInput, ListWidget

from portal.core.forms import DateField, Form, IntegerField, LongTextField, Required, TextField, TimeField
from portal.core.i18n import lazy_gettext as _l
from portal.core.i18n import lazy_pgettext
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


class HandInForm(Form):
    """What is handed in for a task; the page shows the fields that its plan allows."""

    said = LongTextField(_l("Text"))
    link = TextField(_l("Link"))
    file = FileField(_l("File"))


class _Learners(SelectMultipleField):
    """Learners to choose from, by the codes of their enrollments."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


class SessionTimeForm(Form):
    """When and where a session is."""

    on = DateField(_l("Date"), [Required()])
    starts = TimeField(lazy_pgettext("session", "Begins"), [InputRequired(_l("Enter a time like 09:00."))])
    ends = TimeField(_l("Ends"), [InputRequired(_l("Enter a time like 09:00."))])
    place = TextField(lazy_pgettext("session", "Place"))
    link = TextField(_l("Link"))


class SessionForm(SessionTimeForm):
    """A session that is planned, and whom it is for."""

    learners = _Learners(_l("Learners"), validate_choice=False)


class MoveSessionForm(SessionTimeForm):
    """Another time or place, and why."""

    reason = LongTextField(_l("Reason"), [InputRequired(_l("Write a reason; the learners read it."))])


class CancelSessionForm(Form):
    """Why a session does not take place."""

    reason = LongTextField(_l("Reason"), [InputRequired(_l("Write a reason; the learners read it."))])


class SessionLearnersForm(Form):
    """Who is added to a session."""

    learners = _Learners(_l("Learners"), validate_choice=False)


class AttendanceForm(Form):
    """Why what was recorded of attendance is corrected; the choices themselves are read by the page."""

    reason = LongTextField(_l("Reason for the correction"))
