"""The forms of handovers, their items, stand-ins and orphans."""

from __future__ import annotations

from typing import Any

from wtforms import RadioField, SelectField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # the stubs do not know it yet
from wtforms.validators import InputRequired, Optional

from portal.core.forms import CheckboxesField, DateField, Form, LongTextField, Required, TextField, at_most
from portal.core.i18n import lazy_gettext as _l
from portal.core.i18n import lazy_pgettext
from portal.handover.rules import Reason, Stage
from portal.handover.service.wording import FIELD_LIMIT, LINK_LIMIT, REASON_LIMIT, WORDS_LIMIT


class StartForm(Form):
    """Who hands over, why, and until when."""

    person = SelectField(_l("Who hands over"), [Required(_l("Choose who hands over."))])
    reason = RadioField(
        lazy_pgettext("handover", "Why"),
        [InputRequired(_l("Choose why."))],
        choices=[
            SelectChoice(Reason.RESIGNATION.value, _l("Resignation")),
            SelectChoice(Reason.TRANSFER.value, _l("Transfer")),
            SelectChoice(Reason.LEAVE.value, _l("Leave of more than ten working days")),
            SelectChoice(Reason.REHEARSAL.value, _l("Rehearsal: nothing moves at the end")),
        ],
    )
    notice_on = DateField(_l("Day of the notice"), [Required(_l("Enter the day of the notice."))])
    last_on = DateField(_l("Last day"), [Required(_l("Enter the last day."))])
    back_on = DateField(_l("First day back, after leave"), [Optional()])


class DaysForm(Form):
    """Another last day, and why."""

    last_on = DateField(_l("Last day"), [Required(_l("Enter the last day."))])
    back_on = DateField(_l("First day back, after leave"), [Optional()])
    reason = LongTextField(_l("Reason"), [Required(), at_most(REASON_LIMIT)])


class ReasonForm(Form):
    """Why something is done."""

    reason = LongTextField(_l("Reason"), [Required(), at_most(REASON_LIMIT)])


class SuccessorForm(Form):
    """Who is to take something over."""

    successor = SelectField(_l("Successor"))


class EvidenceForm(Form):
    """What was done with an item, when, in the words of whoever did it."""

    done_on = DateField(_l("Done on"), [Required(_l("Enter the day on which it was done."))])
    words = LongTextField(
        lazy_pgettext("evidence", "What was done"),
        [Required(_l("Write in your own words what was done.")), at_most(WORDS_LIMIT)],
    )
    link = TextField(_l("Link to it"), [at_most(LINK_LIMIT)])


class StandInForm(Form):
    """Who stands in from when to when, and the three things that she has to know."""

    person = SelectField(_l("Who is away"), [Required(_l("Choose who is away."))])
    stand_in = SelectField(_l("Stand-in"), [Required(_l("Choose who stands in."))])
    first_on = DateField(_l("First day"), [Required(_l("Enter the first day."))])
    last_on = DateField(_l("Last day"), [Required(_l("Enter the last day."))])
    ongoing = LongTextField(
        _l("What goes on meanwhile"), [Required(_l("Write what goes on meanwhile.")), at_most(FIELD_LIMIT)]
    )
    places = LongTextField(
        _l("Where everything lies"), [Required(_l("Write where everything lies.")), at_most(FIELD_LIMIT)]
    )
    trouble = LongTextField(
        _l("What to do on trouble"), [Required(_l("Write what to do on trouble.")), at_most(FIELD_LIMIT)]
    )


class OrphansForm(Form):
    """What may be left without an owner, and why."""

    things = CheckboxesField(_l("To be left without an owner"))
    reason = LongTextField(_l("Reason"), [Required(), at_most(REASON_LIMIT)])


def stage_of(text: Any) -> Stage | None:
    """Return the stage that a form names, or None."""
    return Stage(text) if text in {each.value for each in Stage} else None
