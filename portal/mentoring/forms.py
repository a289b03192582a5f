"""The forms of a note, of its correction, and of a one-to-one that was held."""

from __future__ import annotations

from wtforms import RadioField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # the stubs do not know it yet
from wtforms.validators import InputRequired, Optional

from portal.core.forms import DateField, Form, LongTextField
from portal.core.i18n import lazy_gettext as _l

# Who can read what is written; the value is what the form sends.
SHOWN, HIDDEN = "shown", "hidden"
_READERS = [
    SelectChoice(SHOWN, _l("The learner, too")),
    SelectChoice(HIDDEN, _l("Only those who supervise")),
]


def _readers_field() -> RadioField:
    # Nothing is chosen beforehand: who reads it is decided at every note.
    return RadioField(
        _l("Who can read it"),
        [InputRequired(_l("Choose who can read it."))],
        choices=_READERS,
    )


class NoteForm(Form):
    """A note, and who can read it."""

    text = LongTextField(_l("Note"), [InputRequired(_l("Write the note."))])
    readers = _readers_field()


class CorrectionForm(Form):
    """Another wording of a note; who can read it stays."""

    text = LongTextField(_l("Note"), [InputRequired(_l("Write the note."))])


class TakeBackForm(Form):
    """Why a talk was not held on the day that was recorded, and on which day it was, if it was at all."""

    held_on = DateField(_l("It was held on"), [Optional()])
    reason = LongTextField(_l("Reason"), [InputRequired(_l("Write a reason; the learner reads it."))])


class OneToOneForm(Form):
    """On which day a talk was held, and what was noted of it."""

    held_on = DateField(_l("Held on"), [InputRequired(_l("Choose the day."))])
    text = LongTextField(_l("Note"))
    # Needed for a note alone.
    readers = RadioField(_l("Who can read it"), [Optional()], choices=_READERS)
