"""The form of the at-risk rule."""

from __future__ import annotations

from wtforms.validators import NumberRange, Optional

from portal.core.forms import Form, IntegerField
from portal.core.i18n import lazy_gettext as _l

# Beyond this a number finds nobody.
MOST = 60
_BOUNDS = [Optional(), NumberRange(1, MOST, _l("Enter a whole number from %(least)s to %(most)s.", least=1, most=MOST))]


class AtRiskRuleForm(Form):
    """From which number on each reason counts; an empty field: it does not."""

    overdue_steps = IntegerField(_l("Overdue required steps"), _BOUNDS)
    failed_tries = IntegerField(_l("Failed tries at one check"), _BOUNDS)
    idle_days = IntegerField(_l("Working days without activity"), _BOUNDS)
    # The row that holds as the page was made, 0 for the product's own.
    seen = IntegerField(_l("Version"), [Optional()])
