"""The form of a new question bank: shape only."""

from __future__ import annotations

from wtforms import SelectField
from wtforms.validators import InputRequired, Regexp

from portal.core.forms import Form, TextField, at_most
from portal.core.i18n import lazy_gettext as _l
from portal.quizzes.forms.quiz import NEEDED, WHOLE_SLUG


class NewBankForm(Form):
    """What a bank is called, where it is found, and about which document it asks."""

    title_en = TextField(_l("Title in English"), [InputRequired(NEEDED), at_most(200)])
    title_ja = TextField(_l("Title in Japanese"), [InputRequired(NEEDED), at_most(200)])
    slug = TextField(
        _l("Address"),
        [InputRequired(NEEDED), at_most(60), Regexp(WHOLE_SLUG, message=_l("Use a to z, digits and hyphens."))],
        description=_l("Such as impersonation-basics. It stands in links and files, and cannot be changed later."),
    )
    document = SelectField(
        _l("Document"), description=_l("Clauses that questions cite without naming a document belong to this one.")
    )
