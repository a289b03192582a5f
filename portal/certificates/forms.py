"""Forms about certificates: shape and required-ness only."""

from __future__ import annotations

from wtforms.validators import DataRequired, InputRequired, Length

from portal.core.forms import Form, LongTextField, TextField
from portal.core.i18n import lazy_gettext as _l


class CodeForm(Form):
    """The code of a certificate, typed by anybody; sent by GET, so it carries no token."""

    class Meta:
        """A look-up changes nothing."""

        csrf = False

    code = TextField(_l("Code on the certificate"), [DataRequired(_l("Enter the code."))])


class RevocationForm(Form):
    """Why a certificate is to be revoked."""

    reason = LongTextField(
        _l("Reason"),
        [
            InputRequired(_l("Say why, in at least ten characters.")),
            Length(min=10, message=_l("Say why, in at least ten characters.")),
            Length(max=2000, message=_l("Write at most 2,000 characters.")),
        ],
    )
