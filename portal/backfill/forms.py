"""The forms of the matrix: which part somebody has, and how far a lead saw her to be."""

from __future__ import annotations

from wtforms import RadioField, SelectField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # the stubs do not know it yet
from wtforms.validators import InputRequired

from portal.backfill.rules import Level, Part
from portal.backfill.service.stating import WORDS_LIMIT
from portal.backfill.service.telling import LEVELS, PARTS
from portal.core.forms import DateField, Form, LongTextField, Required, at_most
from portal.core.i18n import lazy_gettext as _l
from portal.core.i18n import lazy_pgettext


class PartForm(Form):
    """What part somebody has."""

    part = SelectField(
        lazy_pgettext("backfill", "Part"),
        [Required()],
        choices=[SelectChoice(each.value, PARTS[each]) for each in Part],
    )


class LevelForm(Form):
    """A level, with the day and what was seen."""

    level = RadioField(
        lazy_pgettext("backfill", "Level"),
        [InputRequired(_l("Choose how far the person is."))],
        choices=[
            SelectChoice(str(int(each)), _l("%(number)s – %(level)s", number=int(each), level=LEVELS[each]))
            for each in Level
        ],
    )
    seen_on = DateField(_l("Seen on"), [Required(_l("Choose the day on which it was seen."))])
    words = LongTextField(_l("What was seen"), [Required(_l("Write what was seen.")), at_most(WORDS_LIMIT)])
