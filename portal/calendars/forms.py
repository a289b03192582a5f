"""The forms of leave."""

from __future__ import annotations

from wtforms.validators import InputRequired

from portal.core.forms import DateField, Form
from portal.core.i18n import lazy_gettext as _l


class LeaveForm(Form):
    """The days on which somebody is away; nothing about why."""

    first_on = DateField(_l("First day of leave"), [InputRequired(_l("Choose the first day."))])
    last_on = DateField(_l("Last day of leave"), [InputRequired(_l("Choose the last day."))])


class EarlierEndForm(Form):
    """Which leave ends on an earlier day."""

    first_on = DateField(_l("First day of leave"), [InputRequired(_l("Choose the first day."))])
    last_on = DateField(_l("Last day of leave"), [InputRequired(_l("Choose the last day."))])
    ends_on = DateField(_l("New last day"), [InputRequired(_l("Choose the last day."))])
