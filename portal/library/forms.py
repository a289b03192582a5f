"""The forms of those who write, approve and answer for documents: shape and required-ness only."""

from __future__ import annotations

from datetime import datetime, time
from typing import Any

from wtforms import BooleanField, HiddenField, RadioField, SelectField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # the stubs do not know it yet
from wtforms.validators import NumberRange, Optional, StopValidation

from portal.core import clock
from portal.core.forms import (
    CheckboxesField,
    DateField,
    Form,
    IntegerField,
    LongTextField,
    Required,
    TextField,
    TimeField,
    at_most,
)
from portal.core.i18n import LANGUAGE_NAMES
from portal.core.i18n import gettext as _
from portal.core.i18n import lazy_gettext as _l

REQUIRED = Required()


class NewDocumentForm(Form):
    """A document that is about to be written; the choices are filled in by the page."""

    title = TextField(_l("Title"), [REQUIRED, at_most(300)])
    slug = TextField(
        _l("Address"),
        [at_most(60)],
        description=_l(
            "Lower-case letters a to z, digits and hyphens, such as fan-accounts. It never changes. Left empty, it is "
            "made from an English title."
        ),
    )
    kind = SelectField(_l("Kind"), [REQUIRED])
    authoritative = RadioField(
        _l("Authoritative language"),
        [REQUIRED],
        choices=[SelectChoice(tag, name, render_kw={"lang": tag}) for tag, name in LANGUAGE_NAMES.items()],
        description=_l("Where the two texts differ, this one decides."),
    )
    markets = CheckboxesField(_l("Markets"), description=_l("None chosen: all."))
    teams = CheckboxesField(_l("Teams"), description=_l("None chosen: all."))
    roles = CheckboxesField(_l("Roles"), description=_l("None chosen: all."))
    sensitivity = SelectField(
        _l("Sensitivity"), [REQUIRED], description=_l("The highest level that a reader meets in the document.")
    )
    review_every_months = IntegerField(
        _l("Review interval (months)"),
        [Optional(), NumberRange(1, 60, _l("Enter a whole number from %(least)s to %(most)s.", least=1, most=60))],
        description=_l("After how many months somebody looks at it again; empty where nobody needs to."),
    )


class ProposalForm(Form):
    """What is proposed about a draft."""

    number = TextField(_l("Version"), [at_most(20)])
    change_class = SelectField(_l("Change class"), [Optional()])
    zone = TextField(_l("Time zone"), [REQUIRED, at_most(60)])
    effective_on = DateField(_l("Takes effect on"), [Optional()])
    effective_time = TimeField(_l("Takes effect at"), [Optional()])
    issue_on = DateField(_l("Published on"), [Optional()])
    issue_time = TimeField(_l("Published at"), [Optional()])
    provisional_reason = LongTextField(_l("Why it may be published before the translation is ready"), [at_most(2000)])
    note = LongTextField(_l("Note for the approvers"), [at_most(4000)])
    # That the page has shown the audience: nothing ticked then means everybody.
    audience = HiddenField()
    market = CheckboxesField(_l("Markets"), choices=[])
    team = CheckboxesField(_l("Teams"), choices=[])
    role = CheckboxesField(_l("Roles"), choices=[])

    def validate_zone(self, field: Any) -> None:
        """Refuse a zone that the time zone database does not know."""
        if not clock.is_zone(field.data or ""):
            raise StopValidation(
                _("“%(text)s” is not a known time zone; write one like Asia/Tokyo.", text=field.data or "")
            )

    def validate_effective_time(self, field: Any) -> None:
        """A time of day says nothing without its day."""
        self._needs_day(self.effective_on)

    def validate_issue_time(self, field: Any) -> None:
        """A time of day says nothing without its day."""
        self._needs_day(self.issue_on)

    @staticmethod
    def _needs_day(day: Any) -> None:
        if day.data is None and not day.errors:
            raise StopValidation(_("Choose the day that belongs to this time."))

    def instant(self, name: str) -> datetime | None:
        """Return the instant that was entered, in its zone; None where it was left open.

        Raises `ValueError` for a time that the zone's clocks skip.
        """
        day, at = self[f"{name}_on"].data, self[f"{name}_time"].data
        if day is None:
            return None
        zone = clock.zone_info(self.zone.data or "")
        local = datetime.combine(day, at or time(), tzinfo=zone)
        back = local.astimezone(clock.zone_info("UTC")).astimezone(zone)
        if back.replace(tzinfo=None) != local.replace(tzinfo=None):
            raise ValueError("the clocks skip this time")
        return local


class DiscardForm(Form):
    """Why a draft is given up."""

    reason = LongTextField(_l("Reason"), [at_most(1000)], description=_l("Those who wrote it read the reason."))


# --- approval, withdrawal, audience: their fields have ids that no clause can have ----------------


class ApprovalForm(Form):
    """What was looked at, by its hash, and that its change class is right."""

    seen = HiddenField()
    confirmed_class = HiddenField()
    is_confirmed = BooleanField()

    def __init__(self, **values: Any) -> None:
        super().__init__(prefix="approve_", **values)


class SendBackForm(Form):
    """What has to change, and perhaps another change class."""

    reason = LongTextField(_l("What has to change"), [Required(_l("Write what has to change; the author reads it."))])
    change_class = SelectField(_l("Change class to propose"), choices=[])

    def __init__(self, **values: Any) -> None:
        super().__init__(prefix="send_back_", **values)


class RemarkForm(Form):
    """A remark on a clause."""

    anchor = HiddenField()
    language = HiddenField()
    body = LongTextField(_l("Remark"), [Required(_l("Write the remark."))])

    def __init__(self, **values: Any) -> None:
        super().__init__(prefix="remark_", **values)


class WithdrawalForm(Form):
    """Why a version is withdrawn."""

    reason = LongTextField(_l("Reason"), [Required(_l("Say why the version is withdrawn; readers see the reason."))])


class AudienceForm(Form):
    """To whom a document is addressed; nothing ticked in a kind means everybody."""

    market = CheckboxesField(_l("Markets"), choices=[])
    team = CheckboxesField(_l("Teams"), choices=[])
    role = CheckboxesField(_l("Roles"), choices=[])
    reason = LongTextField(
        _l("Reason"), [Required(_l("Say why the audience is changed without a draft; the journal keeps it."))]
    )
