"""The forms of an approval, of a withdrawal and of an audience; their fields have ids that no clause can have."""

from __future__ import annotations

from typing import Any

from wtforms import BooleanField, HiddenField, SelectField, SelectMultipleField
from wtforms.widgets import CheckboxInput, ListWidget

from portal.core.forms import Form, LongTextField, Required
from portal.core.i18n import lazy_gettext as _l


class ApprovalForm(Form):
    """What was looked at, by its hash, and that its change class is right."""

    seen = HiddenField()
    confirmed_class = HiddenField()
    is_confirmed = BooleanField()

    def __init__(self, **values: Any) -> None:
        super().__init__(prefix="approve_", **values)


class SendBackForm(Form):
    """What has to change, and perhaps another change class."""

    reason = LongTextField(_l("What has to change"), [Required(_l("Write what has to change; the author reads it."))])
    change_class = SelectField(_l("Change class to propose"), choices=[])

    def __init__(self, **values: Any) -> None:
        super().__init__(prefix="send_back_", **values)


class RemarkForm(Form):
    """A remark on a clause."""

    anchor = HiddenField()
    language = HiddenField()
    body = LongTextField(_l("Remark"), [Required(_l("Write the remark."))])

    def __init__(self, **values: Any) -> None:
        super().__init__(prefix="remark_", **values)


class WithdrawalForm(Form):
    """Why a version is withdrawn."""

    reason = LongTextField(_l("Reason"), [Required(_l("Say why the version is withdrawn; readers see the reason."))])


class _Checkboxes(SelectMultipleField):
    """Several of a few choices."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


class AudienceForm(Form):
    """To whom a document is addressed; nothing ticked in a kind means everybody."""

    market = _Checkboxes(_l("Markets"), choices=[])
    team = _Checkboxes(_l("Teams"), choices=[])
    role = _Checkboxes(_l("Roles"), choices=[])
