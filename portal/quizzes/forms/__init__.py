"""The forms about an attempt; those about questions are in `question`, about a quiz in `quiz`, of files in `files`."""

from __future__ import annotations

from wtforms import HiddenField, RadioField, SelectField
from wtforms.validators import DataRequired, InputRequired, NumberRange

from portal.core.forms import Form, IntegerField, LongTextField, TextField, at_most
from portal.core.i18n import lazy_gettext as _l

MOST_MINUTES = 240
MOST_WORDS = 4000


class GrantForm(Form):
    """Minutes for a running attempt, and why; `granted`: the seconds that the page showed as granted."""

    granted = HiddenField()
    minutes = IntegerField(
        _l("Minutes"),
        [
            InputRequired(_l("Write how many minutes.")),
            NumberRange(1, MOST_MINUTES, _l("Write a whole number from 1 to 240.")),
        ],
    )
    reason = TextField(_l("Reason"), [DataRequired(_l("Write a reason; the learner reads it.")), at_most(500)])


class VoidForm(Form):
    """Why an attempt counts for nothing."""

    reason = TextField(_l("Reason"), [DataRequired(_l("Write a reason; the learner reads it.")), at_most(500)])


class AcceptForm(Form):
    """Why an answer that came too late counts after all, or does not."""

    reason = TextField(_l("Reason"), [DataRequired(_l("Write a reason; the learner reads it.")), at_most(500)])


class AppealForm(Form):
    """Why somebody thinks that a question was marked wrongly."""

    words = LongTextField(
        _l("What is wrong, and why"),
        [
            DataRequired(_l("Write what is wrong with the marking of this question.")),
            at_most(MOST_WORDS),
        ],
    )


class AppealAnswerForm(Form):
    """What is answered to an appeal, and what follows; the choices are filled in by the page."""

    verdict = RadioField(_l("Decision"), [InputRequired(_l("Choose whether the appeal is upheld."))])
    answer = LongTextField(
        _l("Words to the learner"),
        [DataRequired(_l("Write why; the learner reads it.")), at_most(MOST_WORDS)],
    )


class NameForm(Form):
    """Who else is asked; the choices are filled in by the page."""

    person = SelectField(_l("Person to ask"), [InputRequired(_l("Choose a person from the list."))])


class RegradeForm(Form):
    """A rule for a question, and why; what is accepted besides the key the page asks for itself."""

    kind = RadioField(_l("New rule"), [InputRequired(_l("Choose a rule."))])
    reason_en = LongTextField(
        _l("Reason for learners, in English"),
        [DataRequired(_l("Write the reason in English; learners read it.")), at_most(2000)],
    )
    reason_ja = LongTextField(
        _l("Reason for learners, in Japanese"),
        [DataRequired(_l("Write the reason in Japanese; learners read it.")), at_most(2000)],
    )


class DeclineForm(Form):
    """Why a proposal is turned down."""

    note = LongTextField(
        _l("Why it is declined"),
        [DataRequired(_l("Write why; whoever proposed it reads it.")), at_most(2000)],
    )


class TakeBackForm(Form):
    """Why one's own proposal or request is taken back; may stay empty."""

    note = LongTextField(_l("Why it is taken back"), [at_most(2000)])


class CloseFlagForm(Form):
    """What came of what results point out about a question."""

    note = LongTextField(
        _l("What came of it"),
        [DataRequired(_l("Write what came of it, in at most 500 characters.")), at_most(500)],
    )
