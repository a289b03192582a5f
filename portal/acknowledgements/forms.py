"""The form below a document."""

from __future__ import annotations

from wtforms import BooleanField, HiddenField
from wtforms.validators import InputRequired

from portal.acknowledgements.errors import NotAgreed
from portal.core.forms import Form
from portal.core.i18n import lazy_gettext as _l


class AcknowledgeForm(Form):
    """A tick of one's own, and the language of the text that was on the screen."""

    agree = BooleanField(_l("I agree to this sentence"), validators=[InputRequired(NotAgreed.message)])
    shown_language = HiddenField()
