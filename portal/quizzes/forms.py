"""The forms of staff about an attempt."""

from __future__ import annotations

from wtforms.validators import DataRequired, InputRequired, Length, NumberRange

from portal.core.forms import Form, IntegerField, TextField
from portal.core.i18n import lazy_gettext as _l

MOST_MINUTES = 240


class GrantForm(Form):
    """Minutes for a running attempt, and why."""

    minutes = IntegerField(
        _l("Minutes"),
        [
            InputRequired(_l("Write how many minutes.")),
            NumberRange(1, MOST_MINUTES, _l("Write a whole number from 1 to 240.")),
        ],
    )
    reason = TextField(_l("Reason"), [DataRequired(_l("Write a reason; the learner reads it.")), Length(max=500)])


class VoidForm(Form):
    """Why an attempt counts for nothing."""

    reason = TextField(_l("Reason"), [DataRequired(_l("Write a reason; the learner reads it.")), Length(max=500)])
