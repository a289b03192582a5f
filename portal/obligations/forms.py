"""The form of an obligation's terms, and that of a reason."""

from __future__ import annotations

from typing import Any

from wtforms import RadioField, SelectField, SelectMultipleField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # the stubs do not know it yet
from wtforms.validators import InputRequired, NumberRange, Optional, StopValidation
from wtforms.widgets import CheckboxInput, ListWidget

from portal.core.forms import DateField, Form, IntegerField, LongTextField, Required, TextField, at_most, whole_number
from portal.core.i18n import lazy_gettext as _l
from portal.core.i18n import lazy_pgettext
from portal.obligations.rules import MOST_DAYS, MOST_MONTHS, MOST_RECOGNISED_DAYS, Rhythm
from portal.obligations.service.wording import REASON_LIMIT, TITLE_LIMIT

# What each rhythm asks besides; the last one may stay empty.
OF_RHYTHM = {
    Rhythm.AFTER_COMPLETION: ("months",),
    Rhythm.BEFORE_EXPIRY: ("credential", "lead_days"),
    Rhythm.YEARLY: ("month", "day", "recognise_days"),
}
_MAY_BE_EMPTY = frozenset({"recognise_days"})


class _CheckboxesField(SelectMultipleField):
    """Any number of several, each with a box of its own."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


def _number(label: Any, least: int, most: int) -> IntegerField:
    said = _l("Enter a whole number from %(least)s to %(most)s.", least=least, most=most)
    return IntegerField(label, [Optional(), NumberRange(least, most, said)])


def _missing(form: Form, field: Any) -> str:
    """Return what is said of a field that the chosen rhythm needs and that was left empty."""
    try:
        Required()(form, field)
    except StopValidation as missing:
        return str(missing)
    return ""


class TermsForm(Form):
    """What recurs, for whom, when, and who answers for it."""

    title_ja = TextField(_l("Title in Japanese"), [Required(), at_most(TITLE_LIMIT)])
    title_en = TextField(_l("Title in English"), [Required(), at_most(TITLE_LIMIT)])
    plan = SelectField(_l("Training plan"), [Required()])
    days = IntegerField(_l("Working days to do it"), whole_number(1, MOST_DAYS))
    begins_on = DateField(_l("In force from"), [Required()])
    rhythm = RadioField(
        _l("Rhythm"),
        [InputRequired(_l("Choose when it recurs."))],
        choices=[
            SelectChoice(Rhythm.AFTER_COMPLETION.value, _l("Months after the last completion")),
            SelectChoice(Rhythm.BEFORE_EXPIRY.value, _l("Before a certificate expires")),
            SelectChoice(Rhythm.YEARLY.value, _l("Every year on a fixed day")),
        ],
    )
    months = _number(_l("Months"), 1, MOST_MONTHS)
    credential = SelectField(_l("Credential"))
    lead_days = _number(_l("Working days before"), 1, MOST_DAYS)
    month = SelectField(_l("Month"))
    day = _number(lazy_pgettext("date", "Day"), 1, 31)
    recognise_days = _number(_l("Earlier completion counts up to so many days"), 1, MOST_RECOGNISED_DAYS)
    markets = _CheckboxesField(_l("Markets"))
    teams = _CheckboxesField(_l("Teams"))
    roles = _CheckboxesField(_l("Roles"))
    holders_of = SelectField(_l("Holders of a credential"))
    owner = SelectField(_l("Owner"), [Required()])
    deputy = SelectField(_l("Deputy"))

    def validate(self, extra_validators: Any = None) -> bool:
        """Check every field; of those of the rhythms only what the chosen one asks."""
        super().validate(extra_validators)
        chosen = Rhythm(self.rhythm.data) if self.rhythm.data in {each.value for each in Rhythm} else None
        for rhythm, names in OF_RHYTHM.items():
            for name in names:
                field = self[name]
                if rhythm is not chosen:
                    field.errors = []
                elif not field.errors and field.data in (None, "") and name not in _MAY_BE_EMPTY:
                    field.errors = [_missing(self, field)]
        return not any(field.errors for field in self)


class ChangeForm(TermsForm):
    """Other terms, and why."""

    reason = LongTextField(_l("Reason"), [Required(), at_most(REASON_LIMIT)])


class ReasonForm(Form):
    """Why something is done."""

    reason = LongTextField(_l("Reason"), [Required(), at_most(REASON_LIMIT)])
