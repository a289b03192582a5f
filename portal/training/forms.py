"""The form of a sign-off."""

from __future__ import annotations

from portal.core.forms import Form, LongTextField
from portal.core.i18n import lazy_gettext as _l


class SignOffForm(Form):
    """What was shown, or what is still missing."""

    statement = LongTextField(_l("What was shown, or what is still missing"))
