"""The forms of the organisation: shape and required-ness only."""

from __future__ import annotations

from typing import Any

from wtforms import BooleanField, RadioField, SelectField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # the stubs do not know it yet
from wtforms.validators import StopValidation

from portal.core import clock
from portal.core.forms import Form, IntegerField, LongTextField, Required, TextField, at_most, whole_number
from portal.core.i18n import gettext as _
from portal.core.i18n import lazy_gettext as _l
from portal.organisation.rules import MAX_ATTEMPT_TOLERANCE, MAX_ESCALATED_AFTER

REQUIRED = Required()


def _time_zone(form: Form, field: Any) -> None:
    if not clock.is_zone(field.data or ""):
        raise StopValidation(
            _("“%(text)s” is not a known time zone; write one like Asia/Tokyo.", text=field.data or "")
        )


class SettingsForm(Form):
    """What holds for the whole organisation."""

    name_en = TextField(_l("Name in English"), [REQUIRED, at_most(120)])
    name_ja = TextField(_l("Name in Japanese"), [REQUIRED, at_most(120)])
    contact_en = TextField(_l("Wellbeing contact in English"), [at_most(120)])
    contact_ja = TextField(_l("Wellbeing contact in Japanese"), [at_most(120)])
    text_en = LongTextField(_l("More about it in English"), [at_most(4000)])
    text_ja = LongTextField(_l("More about it in Japanese"), [at_most(4000)])
    time_zone = TextField(_l("Default time zone"), [REQUIRED, at_most(60), _time_zone])
    language = RadioField(
        _l("Default language"), [REQUIRED], choices=[SelectChoice("ja", "日本語"), SelectChoice("en", "English")]
    )
    tolerance = IntegerField(
        _l("Tolerance after the end of a quiz, in seconds"),
        whole_number(0, MAX_ATTEMPT_TOLERANCE),
    )
    escalated_after = IntegerField(
        _l("Leads are told of what is overdue after, in working days"),
        whole_number(1, MAX_ESCALATED_AFTER),
    )
    statement = SelectField(_l("Statement on exposure"))
    needs_two = BooleanField(_l("An accommodation needs a second person"))
    leads_see = BooleanField(_l("Team leads see the accommodations of their people"))


class MarketForm(Form):
    """A market; the code only when it is new."""

    code = TextField(_l("Code"), [at_most(20)])
    name_en = TextField(_l("Name in English"), [REQUIRED, at_most(120)])
    name_ja = TextField(_l("Name in Japanese"), [REQUIRED, at_most(120)])
    time_zone = TextField(_l("Time zone"), [REQUIRED, at_most(60)])
    holiday_country = SelectField(_l("National holidays"), validate_choice=False)

    def validate_holiday_country(self, field: Any) -> None:
        """Refuse a country whose holidays are not known: no date could be computed."""
        if field.data not in {choice.value for choice in field.choices}:
            raise StopValidation(_("Choose one of the tables of national holidays, or none."))


class TeamForm(Form):
    """A team; the code only when it is new."""

    code = TextField(_l("Code"), [at_most(60)])
    name_en = TextField(_l("Name in English"), [REQUIRED, at_most(120)])
    name_ja = TextField(_l("Name in Japanese"), [REQUIRED, at_most(120)])
    market = SelectField(_l("Market"), [REQUIRED])
    is_closed = BooleanField(_l("Closed (no longer offered as a choice)"))
