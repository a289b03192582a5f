"""The form below a document."""

from __future__ import annotations

from typing import Any

from wtforms import BooleanField, HiddenField
from wtforms.validators import DataRequired

from portal.acknowledgements.errors import NotAgreed
from portal.core.forms import Form
from portal.core.i18n import lazy_gettext as _l


class Tick(BooleanField):
    """A box that counts as ticked by the value that our page gives it, and by no other."""

    VALUE = "y"

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Take the one value of the box."""
        self.data = valuelist == [self.VALUE]

    def _value(self) -> str:
        """Return the value of the box, whatever was sent before."""
        return self.VALUE


class AcknowledgeForm(Form):
    """A tick of one's own, and the language of the text that was on the screen."""

    agree = Tick(_l("I agree to this sentence"), validators=[DataRequired(NotAgreed.message)])
    shown_language = HiddenField()
