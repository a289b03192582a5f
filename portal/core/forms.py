"""Forms: shape and required-ness; what people type with an input method is understood."""

from __future__ import annotations

from functools import cache
from typing import Any

from flask_babel import LazyString
from flask_wtf import CSRFProtect, FlaskForm
from wtforms import DateField as _DateField
from wtforms import IntegerField as _IntegerField
from wtforms import SelectMultipleField, StringField, TextAreaField
from wtforms import TimeField as _TimeField
from wtforms.i18n import get_translations
from wtforms.validators import InputRequired, Length, NumberRange, StopValidation, ValidationError
from wtforms.widgets import CheckboxInput, ListWidget

from portal.core.clock import YEARS, is_usable_day
from portal.core.errors import DomainError
from portal.core.i18n import gettext as _
from portal.core.i18n import half_width_digits, language
from portal.core.i18n import lazy_gettext as _l
from portal.core.texts import forbidden, is_blank, private, trimmed

csrf = CSRFProtect()


@cache
def _field_messages(language_code: str) -> Any:
    # Flask-WTF reads the file again for every request.
    return get_translations([language_code])


class Form(FlaskForm):  # type: ignore[misc]
    """The base of every form; carries the CSRF token."""

    class Meta:
        """How the fields say what is wrong."""

        def get_translations(self, form: Any) -> Any:
            """Return the fields' own messages in the reader's language."""
            return _field_messages(language())

    def validate(self, extra_validators: Any = None) -> bool:
        """Check every field; messages become plain texts in the reader's language."""
        valid = bool(super().validate(extra_validators))
        for field in self:
            if field.errors and isinstance(field.errors, list | tuple):
                field.errors = [str(each) if isinstance(each, LazyString) else each for each in field.errors]
        return valid

    def error_list(self) -> list[tuple[str, str, str]]:
        """Return (field id, label, error) for the summary above the form."""
        return [
            (field.id, str(field.label.text), str(error))
            for field in self
            for error in field.errors
            if isinstance(error, str) or hasattr(error, "__str__")
        ]

    def refuse(self, refused: DomainError, name: str | None) -> None:
        """Put a refusal beside the field that it is about, or above the form where it has no such field."""
        if name is not None and name in self:
            self[name].errors = [*self[name].errors, str(refused)]
        else:
            self.form_errors.append(str(refused))


class Required(InputRequired):
    """A field that may not stay empty; what is said of an empty one names it."""

    def __call__(self, form: Any, field: Any) -> None:
        if self.message is not None:
            super().__call__(form, field)
            return
        label = str(field.label.text)
        if language() == "en":
            label = label[:1].lower() + label[1:]
        choose = hasattr(field, "choices") or isinstance(field, _DateField)
        said = _("Choose the %(field)s.", field=label) if choose else _("Enter the %(field)s.", field=label)
        InputRequired(said)(form, field)


def whole_number(least: int, most: int) -> list[Any]:
    """Build the validators of a needed whole number within bounds; every fault says which they are."""
    said = _l("Enter a whole number from %(least)s to %(most)s.", least=least, most=most)
    return [InputRequired(said), NumberRange(least, most, said)]


def at_most(most: int) -> Length:
    """Build the validator of a text's length, in characters."""
    return Length(max=most, message=_l("At most %(max)d characters."))


class _SaysOnce:
    """What could not be read is said once: the rules about its value have nothing to judge."""

    process_errors: Any
    raw_data: Any

    def pre_validate(self, form: Any) -> None:
        """Stop before the field's own rules where what was sent could not be read; whether it may be empty they say."""
        if self.process_errors and any(self.raw_data or ()):
            raise StopValidation


class IntegerField(_SaysOnce, _IntegerField):
    """A whole number; full-width digits are taken as typed, and what is none is told what to enter."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        try:
            super().process_formdata([half_width_digits(value) for value in valuelist])
        except ValueError:
            bounds = next((each for each in self.validators if isinstance(each, NumberRange)), None)
            if bounds is None or bounds.min is None or bounds.max is None:
                raise ValueError(_("Enter a whole number, such as 10.")) from None
            least, most = bounds.min, bounds.max
            raise ValueError(_("Enter a whole number from %(least)s to %(most)s.", least=least, most=most)) from None


class DateField(_SaysOnce, _DateField):
    """A calendar date; full-width digits and slashes are taken as typed."""

    def __init__(self, label: Any = None, validators: Any = None, **options: Any) -> None:
        options.setdefault("format", ["%Y-%m-%d", "%Y/%m/%d"])
        super().__init__(label, validators, **options)

    def process_formdata(self, valuelist: list[Any]) -> None:
        try:
            super().process_formdata([half_width_digits(value) for value in valuelist])
        except ValueError:
            raise ValueError(_("Enter a date like 2026-05-11.")) from None
        if self.data is not None and not is_usable_day(self.data):
            self.data = None
            raise ValueError(_("Choose a date in the years %(first)s to %(last)s.", first=YEARS[0], last=YEARS[-1]))


class TimeField(_TimeField):
    """A time of day; full-width digits are taken as typed."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Read what was sent; what is no time is told what to enter."""
        try:
            super().process_formdata([half_width_digits(value) for value in valuelist])
        except ValueError:
            raise ValueError(_("Enter a time like 09:00.")) from None


class CheckboxesField(SelectMultipleField):
    """Any number of several, each with a box of its own."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()

    def __init__(self, label: Any = None, validators: Any = None, *, unknown: Any = None, **options: Any) -> None:
        """Keep what is said of a choice that is not offered, where that is more than "choose from the list"."""
        super().__init__(label, validators, **options)
        self._unknown = unknown

    def pre_validate(self, form: Any) -> None:
        """Refuse what is not offered, in words of ours: those of the field quote what was sent."""
        try:
            super().pre_validate(form)
        except ValidationError:
            raise ValidationError(str(self._unknown or _("Choose from the list."))) from None


def _take(field: Any, text: str, besides: str = "") -> None:
    """Take a text; say so where it holds characters that nobody types or that turn the direction of reading."""
    found = forbidden(text, besides)
    # `InputRequired` looks at what was sent: what cannot be seen was not sent.
    field.raw_data = [text]
    field.data = "".join("\ufffd" if each in found else each for each in text)
    if found:
        # Shown as �, so that they can be found and removed.
        raise ValueError(_("Remove the control characters from this text; they usually come from copying."))


class TextField(StringField):
    """A line of text, kept as typed but for blanks at its ends; one of which nothing can be seen is empty."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        if valuelist:
            _take(self, trimmed(valuelist[0]))


class NameField(TextField):
    """A name: as a line of text, and characters that an office has made for it are taken too."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        if valuelist:
            _take(self, trimmed(valuelist[0]), besides=private(valuelist[0]))


class LongTextField(TextAreaField):
    """Several lines of text; line ends become LF, and a text of which nothing can be seen is empty."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        if valuelist:
            text = valuelist[0].replace("\r\n", "\n").replace("\r", "\n")
            _take(self, "" if is_blank(text) else text, besides="\n\t")


class RowsField(LongTextField):
    """Rows pasted from a spreadsheet: what must not stand in one of them is told of that row, by whoever reads them."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        if valuelist:
            text = valuelist[0].replace("\r\n", "\n").replace("\r", "\n")
            # Broken halves cannot be kept.
            kept = "".join(each for each in forbidden(text) if not "\ud800" <= each <= "\udfff" and each != "\0")
            _take(self, "" if is_blank(text) else text, besides=f"\n\t{kept}")
