"""The forms about people: shape and required-ness only."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from flask_wtf.file import FileField
from wtforms import BooleanField, PasswordField, RadioField, SelectField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # the stubs do not know it yet
from wtforms.validators import NumberRange, Optional, StopValidation

from portal.accounts.permissions import ROLE_NAMES
from portal.accounts.service.accommodations import MOST
from portal.accounts.service.imports import is_mail_address
from portal.accounts.service.people import NAME_FIELDS, Names
from portal.core import clock
from portal.core.forms import (
    CheckboxesField,
    DateField,
    Form,
    IntegerField,
    LongTextField,
    NameField,
    Required,
    RowsField,
    TextField,
    at_most,
)
from portal.core.i18n import LANGUAGE_NAMES, half_width_digits
from portal.core.i18n import gettext as _
from portal.core.i18n import lazy_gettext as _l

REQUIRED = Required()
LANGUAGE_CHOICES = [SelectChoice(tag, LANGUAGE_NAMES[tag], render_kw={"lang": tag}) for tag in ("ja", "en")]
ROLE_CHOICES = [SelectChoice(role.value, name) for role, name in ROLE_NAMES.items()]


def _mail_address(form: Form, field: Any) -> None:
    if not is_mail_address(field.data or ""):
        raise StopValidation(_("“%(text)s” is not an email address.", text=field.data or ""))


def _time_zone(form: Form, field: Any) -> None:
    if not clock.is_zone(field.data or ""):
        raise StopValidation(
            _("“%(text)s” is not a known time zone; write one like Asia/Tokyo.", text=field.data or "")
        )


class SignInForm(Form):
    """Who, and how it is known."""

    name = TextField(_l("Email address"), [REQUIRED, at_most(254)])
    password = PasswordField(_l("Password"), [REQUIRED])


class ForgottenForm(Form):
    """To which address a link should go."""

    name = TextField(_l("Email address"), [REQUIRED, at_most(254)])


class NewPasswordForm(Form):
    """A password that a link lets be set."""

    password = PasswordField(_l("New password"), [REQUIRED])


class WelcomeForm(NewPasswordForm):
    """A first password, and the language to go on in."""

    language = RadioField(_l("Language"), [REQUIRED], choices=LANGUAGE_CHOICES)


class ChangePasswordForm(Form):
    """The present password, and the one to come."""

    present = PasswordField(_l("Current password"), [REQUIRED])
    password = PasswordField(_l("New password"), [REQUIRED])


# What each part of a name is called.
NAME_PARTS = {
    "family_name": _l("Family name"),
    "given_name": _l("Given name"),
    "middle_name": _l("Middle name"),
    "family_kana": _l("Family name, reading"),
    "given_kana": _l("Given name, reading"),
    "family_romaji": _l("Family name, romanised"),
    "given_romaji": _l("Given name, romanised"),
    "shown_as": _l("Shown as"),
}


class NamesForm(Form):
    """The name card, in both scripts."""

    family_name = NameField(NAME_PARTS["family_name"], [REQUIRED, at_most(300)])
    given_name = NameField(NAME_PARTS["given_name"], [at_most(300)])
    middle_name = NameField(NAME_PARTS["middle_name"], [at_most(300)])
    family_kana = NameField(NAME_PARTS["family_kana"], [at_most(300)])
    given_kana = NameField(NAME_PARTS["given_kana"], [at_most(300)])
    family_romaji = NameField(NAME_PARTS["family_romaji"], [at_most(300)])
    given_romaji = NameField(NAME_PARTS["given_romaji"], [at_most(300)])
    shown_as = NameField(NAME_PARTS["shown_as"], [at_most(300)])

    @property
    def names(self) -> Names:
        """The names as typed."""
        return Names(**{name: self[name].data or "" for name in NAME_FIELDS})


class RefusedNameForm(Form):
    """Why names that a person has set herself are not confirmed."""

    reason = LongTextField(_l("Reason"), [REQUIRED, at_most(2000)])


class OwnCardForm(NamesForm):
    """What a person says about herself."""

    language = RadioField(_l("Language"), [REQUIRED], choices=LANGUAGE_CHOICES)
    time_zone = TextField(_l("Time zone"), [REQUIRED, at_most(60), _time_zone])


class PersonForm(OwnCardForm):
    """What an administrator says about a person."""

    sign_in_name = TextField(_l("Email address"), [REQUIRED, at_most(254), _mail_address])
    employee_number = TextField(_l("Employee number"), [at_most(60)])
    market = SelectField(_l("Home market"), [REQUIRED])
    further_markets = CheckboxesField(_l("Additional markets"))
    team = SelectField(_l("Team"), [Optional()])


class InviteForm(PersonForm):
    """A person, and what she is trusted with at first."""

    role = SelectField(_l("First role"), choices=ROLE_CHOICES)


class GrantForm(Form):
    """A role and how far it reaches."""

    role = SelectField(_l("Role"), [REQUIRED], choices=ROLE_CHOICES)
    scope = SelectField(_l("For"), [Required(_l("Choose for whom the role holds."))])


def _factor(text: str) -> Fraction | None:
    """Read a decimal as typed, full-width digits and a comma included."""
    plain = half_width_digits(text).replace(",", ".").lstrip("×x").strip()
    whole, _dot, part = plain.partition(".")
    if not (whole + part).isascii() or not (whole + part).isdigit() or not whole:
        return None
    return Fraction(plain if part else whole)


def _time_factor(form: Form, field: Any) -> None:
    factor = _factor(field.data or "")
    if factor is None or not 1 <= factor <= MOST:
        raise StopValidation(_("Enter a number from 1 to %(most)s, like 1.5 or 1.25.", most=MOST))


def _not_before_start(form: Form, field: Any) -> None:
    start = form["valid_from"].data
    if field.data is not None and start is not None and field.data < start:
        raise StopValidation(_("The end date is before the start date."))


class AccommodationForm(Form):
    """What is provided in quizzes; what for is nobody's business, and there is no field for it."""

    multiplier = TextField(_l("Time factor"), [REQUIRED, at_most(10), _time_factor])
    hide_countdown = BooleanField(_l("Do not show the remaining time"))
    break_minutes = IntegerField(
        _l("Breaks in minutes, in all"),
        [Optional(), NumberRange(0, 240, _l("Enter a whole number from %(least)s to %(most)s.", least=0, most=240))],
    )
    alternative_format = TextField(_l("Alternative format"), [at_most(200)])
    valid_from = DateField(_l("From"), [Required(_l("Choose the start date."))])
    valid_until = DateField(_l("Until"), [Optional(), _not_before_start])

    @property
    def factor(self) -> Fraction:
        """The factor as a number, of a form that is valid."""
        return _factor(self.multiplier.data or "") or Fraction(1)


class PassOnForm(Form):
    """Who takes over."""

    to = TextField(_l("Email address of the new owner"), [REQUIRED, at_most(254)])


class ImportForm(Form):
    """A table as a file or pasted."""

    file = FileField(_l("File"))
    text = RowsField(_l("Or paste rows from a spreadsheet, including the heading row"))


class ConfirmImportForm(Form):
    """Whether invitations go out at once."""

    send = BooleanField(_l("Send the invitations now"))


class EmptyForm(Form):
    """Nothing but the token."""
