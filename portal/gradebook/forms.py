"""The forms of a decision about a result."""

from __future__ import annotations

from wtforms import RadioField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # the stubs do not know it yet

from portal.core.forms import Form, LongTextField, Required, TextField
from portal.core.i18n import lazy_gettext as _l


class DecisionForm(Form):
    """A score set by hand, or an exemption, and why."""

    wish = RadioField(
        _l("Decision"),
        choices=[
            SelectChoice("override", _l("Set the score by hand")),
            SelectChoice("exemption", _l("Exempt from this quiz")),
        ],
        default="override",
    )
    score = TextField(_l("Score in percent"))
    reason = LongTextField(_l("Reason"), [Required(_l("Write why; the learner reads it."))])


class WithdrawalForm(Form):
    """Why a decision is taken back."""

    reason = LongTextField(_l("Reason"), [Required(_l("Write why; the learner reads it."))])


class ClosingForm(Form):
    """Why a request is declined, or by who made it taken back; may stay empty."""

    note = LongTextField(_l("Why it is declined"))
