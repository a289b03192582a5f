"""The forms below a document and its changes, and those of who looks after a campaign."""

from __future__ import annotations

from typing import Any

from wtforms import BooleanField, HiddenField, SelectField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # the stubs do not know it yet
from wtforms.validators import DataRequired, InputRequired, Optional

from portal.acknowledgements.errors import AnswerEmpty, NotAgreed, QuestionEmpty, ReasonMissing
from portal.acknowledgements.rules import LEVELS, SET_ASIDE_FROM
from portal.acknowledgements.service.campaigns import REASON_LIMIT
from portal.acknowledgements.service.questions import ANSWER_LIMIT, QUESTION_LIMIT
from portal.core.forms import DateField, Form, LongTextField, TextField, at_most
from portal.core.i18n import lazy_gettext as _l
from portal.core.i18n import lazy_pgettext


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


class UnderstoodForm(Form):
    """A tick of one's own below what changed."""

    agree = Tick(_l("I agree to this sentence"), validators=[DataRequired(NotAgreed.message)])
    shown_language = HiddenField()


class QuestionForm(Form):
    """A question about one clause, or about the document as a whole."""

    clause = SelectField(_l("Clause"), validate_choice=False)
    body = LongTextField(
        lazy_pgettext("asked", "Question"), validators=[DataRequired(QuestionEmpty.message), at_most(QUESTION_LIMIT)]
    )


class ReasonForm(Form):
    """Why somebody need not confirm, or nobody is asked any more."""

    reason = LongTextField(_l("Reason"), validators=[DataRequired(ReasonMissing.message), at_most(REASON_LIMIT)])


class AnswerForm(Form):
    """The answer to a question about a clause."""

    answer = LongTextField(
        lazy_pgettext("asked", "Answer"), validators=[DataRequired(AnswerEmpty.message), at_most(ANSWER_LIMIT)]
    )


class AsideForm(Form):
    """From which level on material is set aside for whom, and until when."""

    address = TextField(
        _l("Email address of the person"),
        [InputRequired(_l("Write the email address of the person.")), at_most(254)],
    )
    level = SelectField(_l("From level"), choices=[SelectChoice(each, each) for each in LEVELS], default=SET_ASIDE_FROM)
    until_on = DateField(_l("Last day"), [Optional()])
