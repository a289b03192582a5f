"""The form of authors about a quiz: its terms, its sections and its blueprint."""

from __future__ import annotations

import re
from typing import Any

from wtforms import (
    BooleanField,
    DateTimeLocalField,
    FieldList,
    FormField,
    HiddenField,
    RadioField,
    SelectField,
)
from wtforms import Form as PlainForm
from wtforms.validators import InputRequired, NumberRange, Optional, Regexp, ValidationError

from portal.core import clock
from portal.core.forms import CheckboxesField, Form, IntegerField, TextField, at_most, whole_number
from portal.core.i18n import gettext as _
from portal.core.i18n import half_width_digits
from portal.core.i18n import lazy_gettext as _l
from portal.quizzes.formats import quiz_toml

MOST_DRAWS = 40

_SLUG = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
# Where nothing else may stand in the field.
WHOLE_SLUG = re.compile(rf"{_SLUG.pattern}\Z")
_ADDRESS = re.compile(rf"{_SLUG.pattern}/{_SLUG.pattern}")
_CLAUSE = re.compile(rf"({_SLUG.pattern}#)?{_SLUG.pattern}")
_BETWEEN = re.compile(r"[\s,、，]+")
NEEDED = _l("Fill this in.")


class ShareField(TextField):
    """A percentage, kept as an exact share; full-width digits and a percent sign are taken as typed."""

    data: Any

    def process_formdata(self, valuelist: list[Any]) -> None:
        super().process_formdata(valuelist)
        text = half_width_digits(self.data or "").removesuffix("%").strip()
        self.data = None
        if text:
            self.data = quiz_toml.share_of(f"{text}%")
            if self.data is None:
                raise ValueError(_("Enter a percentage from 0 to 100, such as 80 or 82.5."))

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return quiz_toml.percent(self.data).removesuffix("%") if self.data is not None else ""


class InstantField(DateTimeLocalField):
    """A day and a time, in the zone of whoever fills it in."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        try:
            super().process_formdata([half_width_digits(value) for value in valuelist])
        except ValueError:
            raise ValueError(_("Enter a day and a time like 2026-05-11 09:00.")) from None
        if self.data is not None and self.data.year not in clock.YEARS:
            self.data = None
            raise ValueError(
                _("Choose a date in the years %(first)s to %(last)s.", first=clock.YEARS[0], last=clock.YEARS[-1])
            )


class NamesField(TextField):
    """Names in one line, separated by blanks or commas; each is kept once."""

    data: Any

    def __init__(self, label: Any, pattern: re.Pattern[str], wrong: Any, **options: Any) -> None:
        super().__init__(label, **options)
        self.pattern, self.wrong = pattern, wrong

    def process_formdata(self, valuelist: list[Any]) -> None:
        super().process_formdata(valuelist)
        names = [name.strip() for name in _BETWEEN.split(self.data or "")]
        self.data = list(dict.fromkeys(filter(None, names)))
        bad = next((name for name in self.data if not self.pattern.fullmatch(name)), None)
        if bad is not None:
            raise ValueError(f"{self.wrong} {bad[:60]}")

    def _value(self) -> str:
        return str(self.raw_data[0]) if self.raw_data else ", ".join(self.data or ())


class SectionForm(PlainForm):
    """A section of a quiz."""

    id = TextField(
        _l("Id"),
        [InputRequired(NEEDED), at_most(60), Regexp(WHOLE_SLUG, message=_l("Use a to z, digits and hyphens."))],
    )
    title_en = TextField(_l("Title in English"), [InputRequired(NEEDED), at_most(200)])
    title_ja = TextField(_l("Title in Japanese"), [InputRequired(NEEDED), at_most(200)])
    pass_mark = ShareField(_l("Pass mark of its own in percent"))


class DrawForm(PlainForm):
    """A line of the blueprint: so many of a bank, or named questions; the choices are filled in by the page."""

    section = SelectField(_l("Section"), validate_choice=False)
    bank = SelectField(_l("Question bank"), validate_choice=False)
    count = IntegerField(_l("How many questions"))
    types = CheckboxesField(_l("Only these types"))
    difficulty = CheckboxesField(_l("Only these levels of difficulty"))
    tags = NamesField(_l("Only with one of these tags"), re.compile(r"\S{1,60}"), _l("This is no tag:"))
    clauses = NamesField(_l("Only about one of these clauses"), _CLAUSE, _l("This is no clause:"))
    strata = SelectField(_l("Equally many of each"), validate_choice=False)
    questions = NamesField(_l("Or always these questions"), _ADDRESS, _l("This is no address of a question:"))

    def validate_bank(self, field: Any) -> None:
        """Ask for a bank where no questions are named."""
        if not field.data and not self.questions.data and not self.questions.errors:
            raise ValidationError(_("Choose a bank, or name questions."))

    def validate_count(self, field: Any) -> None:
        """Ask for a number that can be drawn where no questions are named."""
        if self.questions.data or self.questions.errors:
            return
        if field.data is None or not 1 <= field.data <= quiz_toml.MAX_DRAWN:
            raise ValidationError(
                _("Enter a whole number from %(least)s to %(most)s.", least=1, most=quiz_toml.MAX_DRAWN)
            )


def _number_or_nothing(most: int) -> list[Any]:
    said = _l("Enter a whole number from %(least)s to %(most)s.", least=0, most=most)
    return [Optional(), NumberRange(0, most, said)]


class QuizForm(Form):
    """The terms of a quiz with its blueprint; each says in a sentence what it does."""

    based_on = HiddenField()
    title_en = TextField(_l("Title in English"), [InputRequired(NEEDED), at_most(200)])
    title_ja = TextField(_l("Title in Japanese"), [InputRequired(NEEDED), at_most(200)])
    purpose_en = TextField(_l("Purpose in English"), [at_most(quiz_toml.MAX_PURPOSE)])
    purpose_ja = TextField(_l("Purpose in Japanese"), [at_most(quiz_toml.MAX_PURPOSE)])
    opens_at = InstantField(_l("Opens"), [Optional()])
    closes_at = InstantField(_l("Closes"), [Optional()])
    only_assigned = BooleanField(
        _l("Only for those to whom it is assigned"),
        description=_l(
            "It opens when the training plan of a learner comes to it. Nobody else can start it or practise for it: "
            "for an exam, and for questions that describe upsetting content."
        ),
    )
    time_limit_minutes = IntegerField(
        _l("Time (minutes)"),
        whole_number(1, quiz_toml.MAX_MINUTES),
        description=_l("For one attempt, from its start. Extra time that was agreed with somebody is added."),
    )
    tolerance_seconds = IntegerField(
        _l("Tolerance (seconds)"),
        _number_or_nothing(quiz_toml.MAX_TOLERANCE_SECONDS),
    )
    attempts_allowed = IntegerField(
        _l("Attempts allowed"),
        whole_number(1, quiz_toml.MAX_ATTEMPTS),
        description=_l("How often one person may take the quiz. Attempts made void do not count."),
    )
    counts = SelectField(
        _l("What counts"),
        description=_l("Which attempt is the result in the gradebook, in plans and for certificates."),
    )
    wait_hours = IntegerField(
        _l("Wait before another attempt (hours)"),
        whole_number(0, quiz_toml.MAX_WAIT_HOURS),
        description=_l("Time to learn before the next attempt. 0: nobody waits."),
    )
    wait_after_fails = IntegerField(
        _l("Wait only after so many failed attempts"),
        whole_number(0, quiz_toml.MAX_ATTEMPTS),
        description=_l("Up to then the next attempt can be started at once."),
    )
    pass_mark = ShareField(
        _l("Pass mark in percent"),
        [InputRequired(NEEDED)],
        description=_l("Who reaches it exactly has passed. Sections can have a mark of their own, below."),
    )
    release = SelectField(
        _l("Results are shown"),
        description=_l("Answers that people mark are waited for in any case."),
    )
    show = CheckboxesField(
        _l("What of the result is shown"),
        description=_l("Whether somebody has passed is always shown."),
    )
    appeal_days = IntegerField(_l("Days for an appeal"), _number_or_nothing(quiz_toml.MAX_APPEAL_DAYS))
    course = RadioField(_l("How the questions come"))
    shuffle_questions = BooleanField(
        _l("Questions in another order for each attempt"), description=_l("Within their section, if there are any.")
    )
    shuffle_choices = BooleanField(
        _l("Choices in another order for each attempt"),
        description=_l("Except in questions that keep the order of their choices."),
    )
    confidence = BooleanField(
        _l("Ask how sure one is"),
        description=_l("Beside each question: sure, fairly sure, a guess. Never scored; the result shows how it fits."),
    )
    practice = BooleanField(
        _l("Offer practice"),
        description=_l(
            "Questions with the tag “practice”, untimed, explained after each. They count for nothing and do not come "
            "up in the quiz."
        ),
    )
    second_marker = SelectField(
        _l("A second person marks"),
        description=_l("Of answers that people mark, without seeing the first mark."),
    )
    borderline_within = ShareField(_l("Border around the pass mark (percentage points)"))
    moderation_above = ShareField(_l("A third person decides above this difference (percent)"))
    pilots = IntegerField(
        _l("Questions on trial that are added"),
        whole_number(0, quiz_toml.MAX_PILOTS),
        description=_l("They are shown among the others and not scored. Learners are told how many there are."),
    )
    sections = FieldList(FormField(SectionForm), _l("Sections"), max_entries=quiz_toml.MAX_SECTIONS)
    draws = FieldList(FormField(DrawForm), _l("What is drawn"), max_entries=MOST_DRAWS)

    def validate_purpose_en(self, field: Any) -> None:
        """Ask for the purpose in both languages, or in neither."""
        if self.purpose_ja.data and not field.data:
            raise ValidationError(_("Write it in both languages, or in neither."))

    def validate_purpose_ja(self, field: Any) -> None:
        """Ask for the purpose in both languages, or in neither."""
        if self.purpose_en.data and not field.data:
            raise ValidationError(_("Write it in both languages, or in neither."))

    def validate_sections(self, field: Any) -> None:
        """Ask for another id where two sections share one."""
        taken: set[str] = set()
        for entry in field:
            name = entry.form.id
            if name.data in taken:
                name.errors = [*name.errors, _("Another section has this id. Give each its own.")]
                raise ValidationError(_("Two sections share an id."))
            taken.add(name.data)

    def validate_draws(self, field: Any) -> None:
        """Ask each draw for its section where there are sections."""
        named = {entry.form.id.data for entry in self.sections}
        lost = [entry.form.section for entry in field if named and entry.form.section.data not in named]
        for section in lost:
            section.errors = [*section.errors, _("The draw does not say to which section its questions belong.")]
        if lost:
            raise ValidationError(_("Choose a section for each draw."))


class OwnerForm(Form):
    """Who answers for a quiz or a question bank, and who stands in."""

    owner = SelectField(
        _l("Owner"),
        [InputRequired(NEEDED)],
        description=_l("Answers for it and is told when something about it needs a look."),
    )
    deputy = SelectField(_l("Deputy"), description=_l("Stands in for the owner."))

    def validate_deputy(self, field: Any) -> None:
        """Ask for somebody else than the owner."""
        if field.data and field.data == self.owner.data:
            raise ValidationError(_("The deputy is somebody else than the owner."))


class NewQuizForm(OwnerForm, QuizForm):
    """A quiz that is not there yet: besides its terms where it is found, and who answers for it."""

    slug = TextField(
        _l("Address"),
        [InputRequired(NEEDED), at_most(60), Regexp(WHOLE_SLUG, message=_l("Use a to z, digits and hyphens."))],
        description=_l("Such as impersonation-basics. It stands in links and files, and cannot be changed later."),
    )
