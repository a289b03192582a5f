"""The form of reminders: shape and required-ness only."""

from __future__ import annotations

from wtforms import RadioField, SelectField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # the stubs do not know it yet

from portal.core.forms import Form, Required
from portal.core.i18n import lazy_gettext as _l
from portal.reminders.rules import DAY_BEGINS, DAY_ENDS, Rhythm

_REQUIRED = Required()


class ReminderForm(Form):
    """When a person wants to be reminded."""

    rhythm = RadioField(
        _l("How often"),
        [_REQUIRED],
        choices=[
            SelectChoice(Rhythm.DAILY.value, _l("Every working day")),
            SelectChoice(Rhythm.WEEKLY.value, _l("Once a week, on its first working day")),
            SelectChoice(Rhythm.NEVER.value, _l("No reminders")),
        ],
    )
    hour = SelectField(
        _l("From which hour"),
        [_REQUIRED],
        choices=[SelectChoice(str(hour), f"{hour}:00") for hour in range(DAY_BEGINS, DAY_ENDS)],
    )
