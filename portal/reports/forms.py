"""The forms of the at-risk rules, of reports that are sent each week, and of evidence for a period."""

from __future__ import annotations

from wtforms import RadioField, SelectChoice, SelectField  # type: ignore[attr-defined]
from wtforms.validators import DataRequired, NumberRange, Optional, Regexp

from portal.core.forms import (
    CheckboxesField,
    DateField,
    Form,
    IntegerField,
    LongTextField,
    Required,
    TextField,
    at_most,
)
from portal.core.i18n import lazy_gettext as _l
from portal.reports.errors import RecipientRefused
from portal.reports.recorded import WEEKDAYS
from portal.reports.rules import FileFormat

# Beyond this a number finds nobody.
MOST = 60
_BOUNDS = [Optional(), NumberRange(1, MOST, _l("Enter a whole number from %(least)s to %(most)s.", least=1, most=MOST))]
# Why a rule was set, in characters.
REASON_LIMIT = 500
# Reports come while somebody is there to read them.
FIRST_HOUR, LAST_HOUR = 6, 20


class AtRiskRuleForm(Form):
    """From which number on each reason counts; an empty field: it does not."""

    overdue_steps = IntegerField(_l("Overdue required steps"), _BOUNDS)
    failed_tries = IntegerField(_l("Failed tries at one check"), _BOUNDS)
    idle_days = IntegerField(_l("Working days without activity"), _BOUNDS)
    reason = LongTextField(
        _l("Reason"),
        [
            DataRequired(_l("Say why this rule is right; whoever sees the list reads it.")),
            at_most(REASON_LIMIT),
        ],
    )
    # The row that holds as the page was made, 0 for the product's own.
    seen = IntegerField(_l("Version"), [Optional()])


class BackToProductForm(Form):
    """That the product's own rule is to hold for the whole organisation again, and why."""

    # Of its own name: the form that sets a rule stands on the same page.
    back_reason = LongTextField(
        _l("Reason"),
        [
            DataRequired(_l("Say why the product's own rule is right again; it stands in the history.")),
            at_most(REASON_LIMIT),
        ],
    )
    # The row that holds as the page was made.
    seen = IntegerField(_l("Version"), [Optional()])


class BackToDefaultForm(Form):
    """That the organisation's rule is to hold for a cohort again."""

    # The row of the cohort's rule as the page was made.
    seen = IntegerField(_l("Version"), [Optional()])


class ScheduleForm(Form):
    """When the weekly report is sent, to whom, and what goes along; the choices come from the view."""

    plan = SelectField(_l("Training plan"), [Required()])
    weekday = SelectField(
        _l("Weekday"), [Required()], choices=[SelectChoice(str(number), word) for number, word in enumerate(WEEKDAYS)]
    )
    hour = SelectField(
        _l("Hour"),
        [Required()],
        choices=[SelectChoice(str(hour), f"{hour:02d}:00") for hour in range(FIRST_HOUR, LAST_HOUR + 1)],
    )
    attached = CheckboxesField(
        _l("What goes along"),
        choices=[
            SelectChoice(FileFormat.PDF.value, _l("The report as a PDF")),
            SelectChoice(FileFormat.XLSX.value, _l("The tables as XLSX")),
        ],
    )
    language = SelectField(
        _l("Language of the files"),
        default="",
        choices=[
            SelectChoice("", _l("that of each account")),
            SelectChoice("en", "English"),
            SelectChoice("ja", "日本語"),
        ],
    )
    recipients = CheckboxesField(_l("Who gets it"), unknown=RecipientRefused.message)


class ScheduleChangeForm(ScheduleForm):
    """The same for a report that is sent already; it can be that of another cohort."""

    cohort = SelectField(_l("Cohort"), [Required()])
    # How often it had been changed when the page was made.
    seen = IntegerField(_l("Version"), [Optional()])


class PeriodForm(Form):
    """A period of whole days, a market and a team; the choices come from the view."""

    first = DateField(_l("First day"), [Required()])
    last = DateField(_l("Last day"), [Required()])
    market = SelectField(_l("Market"))
    team = SelectField(_l("Team"))


class HashForm(Form):
    """The hash of a file that somebody has."""

    sha256 = TextField(
        _l("SHA-256 of the file"),
        [Required(), Regexp(r"(?i)^[0-9a-f]{64}$", message=_l("A SHA-256 has 64 digits from 0 to 9 and a to f."))],
    )


class EvidenceForm(PeriodForm):
    """The same as a file."""

    kind = RadioField(
        _l("File"),
        [Required()],
        choices=[
            SelectChoice(FileFormat.XLSX.value, _l("XLSX with a sheet for each table")),
            SelectChoice(FileFormat.CSV.value, _l("CSV files in a ZIP archive")),
            SelectChoice(FileFormat.PDF.value, _l("PDF with the totals")),
        ],
    )
    encoding = RadioField(
        _l("Encoding of the CSV files"),
        [Required()],
        choices=[
            SelectChoice("utf-8-sig", _l("UTF-8 (keeps every character)")),
            SelectChoice("cp932", _l("Shift_JIS (CP932)")),
        ],
    )
