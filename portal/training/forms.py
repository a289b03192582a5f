"""The forms of training: what is signed off, dates that are moved, cohorts, and plans that are written."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from fractions import Fraction
from typing import Any, TypeVar

from flask_wtf.file import FileField
from wtforms import BooleanField, SelectField
from wtforms.validators import InputRequired, NumberRange, Optional

from portal.core.forms import (
    CheckboxesField,
    DateField,
    Form,
    IntegerField,
    LongTextField,
    Required,
    TextField,
    TimeField,
    at_most,
    whole_number,
)
from portal.core.i18n import gettext as _
from portal.core.i18n import half_width_digits, lazy_pgettext
from portal.core.i18n import lazy_gettext as _l
from portal.core.texts import trimmed
from portal.training.rules import MAX_DUE_DAYS, MAX_GATE_MINIMUM, MAX_MINUTES, MAX_RECOGNISE_DAYS, MOST_DAYS_AT_ONCE


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


class ExemptionForm(Form):
    """Why somebody is exempt from a step, or not any more."""

    reason = LongTextField(_l("Reason"), [InputRequired(_l("Write a reason; the learner reads it."))])


class TakingBackForm(Form):
    """Why more time that was given is not given any more."""

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


class PastedField(LongTextField):
    """Lines that were copied somewhere else, with the marks that programs put before or into them."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        super().process_formdata(["".join(each for each in value if each not in _MARKS) for value in valuelist])


_BREAKS = re.compile(r"[\r\n]+")
# A byte order mark, what has no width, and the mark of Excel between pages.
_MARKS = frozenset("\ufeff\u200b\u2060\u200e\u200f\x0c\x00")


class JoinForm(Form):
    """Who follows which plan from which day on."""

    plan = SelectField(_l("Training plan"), [Required()])
    starts_on = DateField(_l("First day of the plan"), [InputRequired(_l("Choose the first day."))])
    text = PastedField(_l("Paste a list"))
    file = FileField(_l("Or a file"))
    chosen = CheckboxesField(_l("Or choose people"))
    mentors = CheckboxesField(_l("Mentors"))


class EventField(DateField):
    """The day of an event in a form in which a plan is chosen; in other versions than `versions` it says nothing.

    `versions` are values of the field `plan`. With `is_known` it may be left empty.
    """

    def __init__(self, label: Any = None, *, versions: Collection[str] = (), is_known: bool = False, **options: Any):
        super().__init__(label, [Optional()], **options)
        self.versions, self.is_known = frozenset(versions), is_known
        # Said, not left to the browser: it is required only where its plan is chosen.
        self.flags.required = not is_known

    def validate(self, form: Any, extra_validators: Any = ()) -> bool:
        """Judge what was entered only where the event belongs to the chosen version."""
        if form.plan.data not in self.versions:
            self.data, self.errors = None, ()
            return True
        if not super().validate(form, extra_validators):
            return False
        if self.data is None and not self.is_known:
            self.errors = [str(_l("Choose the day of the event."))]
        return not self.errors


def event_field_name(plan: str, event: str) -> str:
    """Return the name of the field for the day of a plan's event."""
    return f"event.{plan}.{event}"


AnyForm = TypeVar("AnyForm", bound=Form)


def with_events(form: type[AnyForm], fields: Mapping[str, Any]) -> type[AnyForm]:
    """Return the form with these fields besides its own: `EventField`s by their `event_field_name`."""
    return type(form.__name__, (form,), dict(fields))


class CohortForm(JoinForm):
    """A cohort: who follows which plan from which day on, where, and what it is called."""

    place = SelectField(_l("Team"), [Required()])
    name_en = TextField(_l("Name in English"), [at_most(120)])
    name_ja = TextField(_l("Name in Japanese"), [at_most(120)])
    code = TextField(_l("Code"), [at_most(60)])


class VersionForm(Form):
    """In which version of a plan somebody goes on, and why. The days of events stand in fields of their own."""

    plan = SelectField(_l("Version of the plan"), [Required()])
    reason = LongTextField(_l("Reason"), [InputRequired(_l("Write a reason; the learner reads it."))])


class OtherPlanForm(Form):
    """In which other plan somebody goes on, from which day on, and why; days of events stand in fields of their own."""

    plan = SelectField(_l("Training plan"), [Required()])
    starts_on = DateField(_l("First day of the plan"), [InputRequired(_l("Choose the first day."))])
    reason = LongTextField(_l("Reason"), [InputRequired(_l("Write a reason; the learner reads it."))])


class WithdrawalForm(Form):
    """Why a cohort is taken back, and that this is meant."""

    reason = LongTextField(_l("Reason"), [InputRequired(_l("Write a reason; the learner reads it."))])


class HandInForm(Form):
    """What is handed in for a task; the page shows the fields that its plan allows."""

    said = LongTextField(_l("Text"))
    link = TextField(_l("Link"))
    file = FileField(_l("File"))


class SessionTimeForm(Form):
    """When and where a session is."""

    on = DateField(_l("Date"), [Required()])
    starts = TimeField(lazy_pgettext("session", "Begins"), [InputRequired(_l("Enter a time like 09:00."))])
    ends = TimeField(_l("Ends"), [InputRequired(_l("Enter a time like 09:00."))])
    place = TextField(lazy_pgettext("session", "Place"))
    link = TextField(_l("Link"))


class SessionForm(SessionTimeForm):
    """A session that is planned, and whom it is for."""

    learners = CheckboxesField(_l("Learners"), validate_choice=False)


class MoveSessionForm(SessionTimeForm):
    """Another time or place, and why."""

    reason = LongTextField(_l("Reason"), [InputRequired(_l("Write a reason; the learners read it."))])


class CancelSessionForm(Form):
    """Why a session does not take place."""

    reason = LongTextField(_l("Reason"), [InputRequired(_l("Write a reason; the learners read it."))])


class SessionLearnersForm(Form):
    """Who is added to a session."""

    learners = CheckboxesField(_l("Learners"), validate_choice=False)


class AttendanceForm(Form):
    """Why what was recorded of attendance is corrected; the choices themselves are read by the page."""

    reason = LongTextField(_l("Reason for the correction"))


# --- Plans that are written -----------------------------------------------------------------------

TITLE_LIMIT = 200
TEXT_LIMIT = 4_000
NAME_LIMIT = 60
_MINUSES = str.maketrans(dict.fromkeys("\u2212\u2010\u2013\u30fc\uff70", "-"))


class DaysField(IntegerField):
    """A whole number of days that may be negative, whichever dash an input method writes before it."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        super().process_formdata([value.translate(_MINUSES) for value in valuelist])


class PercentField(TextField):
    """A share as a percentage with at most one decimal; `share` is None where it is empty."""

    share: Fraction | None = None

    def process_formdata(self, valuelist: list[Any]) -> None:
        super().process_formdata(valuelist)
        self.share = None
        if not self.data:
            return
        found = _PERCENTAGE.fullmatch(half_width_digits(self.data))
        if found is None:
            raise ValueError(_("Enter a percentage such as 90 or 92.5."))
        self.share = Fraction(int(found[1]) * 10 + int(found[2] or 0), 1000)


_PERCENTAGE = re.compile(r"(\d{1,3})(?:\.(\d))? ?%?")


class TitleField(LongTextField):
    """A title: one line however it is broken, in a field in which a long one can be read at any width."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        super().process_formdata([trimmed(_BREAKS.sub(" ", value)) for value in valuelist])


class NewPlanForm(Form):
    """What a new plan is called and where it stands."""

    title_en = TitleField(_l("Title in English"), [Required(), at_most(TITLE_LIMIT)])
    title_ja = TitleField(_l("Title in Japanese"), [at_most(TITLE_LIMIT)])
    slug = TextField(_l("Address"), [at_most(NAME_LIMIT)])


class PlanFileForm(Form):
    """A plan as a file."""

    file = FileField(_l("Plan file"))


class PlanTextsForm(Form):
    """What a plan says besides its steps."""

    title_en = TitleField(_l("Title in English"), [at_most(TITLE_LIMIT)])
    title_ja = TitleField(_l("Title in Japanese"), [at_most(TITLE_LIMIT)])
    summary_en = LongTextField(_l("Summary in English"), [at_most(TEXT_LIMIT)])
    summary_ja = LongTextField(_l("Summary in Japanese"), [at_most(TEXT_LIMIT)])
    number = TextField(_l("Number of the version"), [at_most(20)])
    credential = TextField(_l("Credential"), [at_most(NAME_LIMIT)])


class PlanPartForm(Form):
    """A phase or an event."""

    title_en = TitleField(_l("Title in English"), [at_most(TITLE_LIMIT)])
    title_ja = TitleField(_l("Title in Japanese"), [at_most(TITLE_LIMIT)])
    slug = TextField(_l("Name in the file"), [Required(), at_most(NAME_LIMIT)])


class PlanStepForm(Form):
    """A step; of what only some kinds have, those fields are shown and read that its kind has."""

    kind = SelectField(_l("Kind"))
    title_en = TitleField(_l("Title in English"), [at_most(TITLE_LIMIT)])
    title_ja = TitleField(_l("Title in Japanese"), [at_most(TITLE_LIMIT)])
    document = TextField(_l("Document"), [at_most(TITLE_LIMIT)])
    quiz = TextField(_l("Quiz"), [at_most(TITLE_LIMIT)])
    due = DaysField(_l("Working days"), whole_number(-MAX_DUE_DAYS, MAX_DUE_DAYS))
    anchor = SelectField(_l("Counted from"))
    minutes = IntegerField(lazy_pgettext("field", "Minutes"), whole_number(0, MAX_MINUTES))
    phase = SelectField(_l("Phase"))
    required = BooleanField(_l("Required"))
    by = SelectField(_l("Done by"))
    asks_statement = BooleanField(_l("Ask for a sentence about what was shown"))
    evidence = CheckboxesField(_l("What can be handed in"))
    gate_quizzes = CheckboxesField(_l("Quizzes that the gate rests on"))
    gate_bound = PercentField(_l("Lower bound"))
    gate_minimum = IntegerField(
        _l("On how many questions at least"),
        [
            Optional(),
            NumberRange(
                1,
                MAX_GATE_MINIMUM,
                _l("Enter a whole number from %(least)s to %(most)s.", least=1, most=MAX_GATE_MINIMUM),
            ),
        ],
    )
    about = LongTextField(_l("Documents that it is about"), [at_most(TEXT_LIMIT)])
    prerequisites = CheckboxesField(_l("Comes after"))
    recognise = IntegerField(
        _l("Recognise what was done before, up to so many days old"),
        [
            Optional(),
            NumberRange(
                1,
                MAX_RECOGNISE_DAYS,
                _l("Enter a whole number from %(least)s to %(most)s.", least=1, most=MAX_RECOGNISE_DAYS),
            ),
        ],
    )
    instructions_en = LongTextField(_l("Instructions in English"), [at_most(TEXT_LIMIT)])
    instructions_ja = LongTextField(_l("Instructions in Japanese"), [at_most(TEXT_LIMIT)])
    slug = TextField(_l("Name in the file"), [Required(), at_most(NAME_LIMIT)])


class PlanRemarkForm(Form):
    """What is said with an act about a draft."""

    said = LongTextField(_l("Remark"), [at_most(TEXT_LIMIT)])


class PlanPreviewForm(Form):
    """In which market and from which day on the dates of a plan are shown."""

    market = SelectField(_l("Market"))
    starts_on = DateField(_l("First day of the plan"), [InputRequired(_l("Choose the first day."))])
