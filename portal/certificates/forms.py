"""Forms about certificates: shape and required-ness only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_wtf.file import FileField
from wtforms import BooleanField, RadioField, SelectField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # the stubs do not know it yet
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional
from wtforms.widgets import HiddenInput

from portal.certificates.formats.samples import HOLDERS
from portal.certificates.rules.batches import FileLanguages
from portal.certificates.rules.renewals import MAX_GRACE, MAX_WINDOW
from portal.certificates.rules.templates import (
    Design,
    EnglishDates,
    Honorific,
    JapaneseDates,
    Orientation,
    SealPlace,
    Shown,
)
from portal.core.forms import Form, IntegerField, LongTextField, Required, TextField, at_most
from portal.core.i18n import lazy_gettext as _l
from portal.core.i18n import lazy_pgettext


def _between(least: int, most: int) -> NumberRange:
    return NumberRange(least, most, _l("Enter a whole number from %(least)s to %(most)s.", least=least, most=most))


class CodeForm(Form):
    """The code of a certificate, typed by anybody; sent by GET, so it carries no token."""

    class Meta:
        """A look-up changes nothing."""

        csrf = False

    code = TextField(_l("Code on the certificate"), [DataRequired(_l("Enter the code."))])


class RevocationForm(Form):
    """Why a certificate is to be revoked."""

    reason = LongTextField(
        _l("Reason"),
        [
            InputRequired(_l("Say why, in at least ten characters.")),
            Length(min=10, message=_l("Say why, in at least ten characters.")),
            Length(max=2000, message=_l("Write at most 2,000 characters.")),
        ],
    )


class ShareForm(Form):
    """For whom an address is made, so that its maker knows it again."""

    label = TextField(lazy_pgettext("link", "For whom"), [at_most(120)])


class CredentialTermsForm(Form):
    """What a credential says from the next version on."""

    title_ja = TextField(_l("Title in Japanese"), [Required(), at_most(120)])
    title_en = TextField(_l("Title in English"), [Required(), at_most(120)])
    statement_ja = LongTextField(_l("Statement in Japanese"), [Required(), at_most(300)])
    statement_en = LongTextField(_l("Statement in English"), [Required(), at_most(300)])
    validity_months = IntegerField(_l("Validity in months"), [Optional(), _between(1, 120)])
    renewal_window_days = IntegerField(_l("Renewal window in days"), [Optional(), _between(1, MAX_WINDOW)])
    grace_days = IntegerField(_l("Grace in days"), [Optional(), _between(1, MAX_GRACE)])
    renewal_plan = SelectField(_l("Refresher"))
    superseded_by = SelectField(_l("Superseded by"))


# --- templates ----------------------------------------------------------------------------------------------------

ORIENTATIONS = {Orientation.LANDSCAPE: _l("Landscape"), Orientation.PORTRAIT: _l("Portrait")}
DESIGNS = {
    Design.CLASSIC: _l("Classic: a frame, serif letters"),
    Design.MODERN: _l("Modern: much white, one line of ink"),
    Design.PLAIN: _l("Plain and formal: everything on the middle axis"),
}
_SHOWN = {Shown.ONE: _l("The language of the sheet"), Shown.BOTH: _l("Both, the other one smaller")}
_HONORIFICS = {Honorific.DONO: "殿", Honorific.SAMA: "様", Honorific.NONE: lazy_pgettext("choice", "None")}
_DATES_JA = {
    JapaneseDates.ERA: "令和8年5月11日",
    JapaneseDates.ERA_KANJI: "令和八年五月十一日",
    JapaneseDates.WESTERN: "2026年5月11日",
    JapaneseDates.WESTERN_KANJI: "二〇二六年五月十一日",
}
_DATES_EN = {
    EnglishDates.DAY_FIRST: "11 May 2026",
    EnglishDates.MONTH_FIRST: "May 11, 2026",
    EnglishDates.ISO: "2026-05-11",
}
_SEAL_PLACES = {
    SealPlace.SIGNATORY: _l("Half over the signatory's name"),
    SealPlace.ORGANISATION: _l("Half over the organisation's name"),
    SealPlace.BESIDE: _l("Beside the name"),
}


def _choices(words: Mapping[Any, Any], language: str = "") -> list[Any]:
    """Return choices; a language is that of those which are no words of ours."""
    return [
        SelectChoice(
            getattr(each, "value", each), said, render_kw={"lang": language} if language and type(said) is str else None
        )
        for each, said in words.items()
    ]


class NewTemplateForm(Form):
    """What a new template is called, its address, and the design that it begins with."""

    name_en = TextField(_l("Name in English"), [Required(), Length(max=80, message=_l("Write at most 80 characters."))])
    name_ja = TextField(
        _l("Name in Japanese"), [Required(), Length(max=80, message=_l("Write at most 80 characters."))]
    )
    slug = TextField(_l("Address"), [Required()])
    design = RadioField(
        _l("Design"), [InputRequired(_l("Choose a design."))], choices=_choices(DESIGNS), default=Design.CLASSIC.value
    )


class TemplateForm(Form):
    """A template as it is written: its words in both languages, its look, its pictures.

    Shapes only: what a template may say is told by `rules.templates`.
    """

    revision = IntegerField(validators=[Optional()], widget=HiddenInput())
    name_en = TextField(_l("Name in English"))
    name_ja = TextField(_l("Name in Japanese"))
    design = SelectField(_l("Design"), choices=_choices(DESIGNS))
    orientation = SelectField(_l("Orientation"), choices=_choices(ORIENTATIONS))
    shown = SelectField(_l("Languages on a sheet"), choices=_choices(_SHOWN))
    honorific = SelectField(_l("After the Japanese name"), choices=_choices(_HONORIFICS, "ja"))
    dates_ja = SelectField(_l("Dates in Japanese"), choices=_choices(_DATES_JA, "ja"))
    dates_en = SelectField(_l("Dates in English"), choices=_choices(_DATES_EN, "en"))
    heading_en = TextField(_l("Heading in English"))
    heading_ja = TextField(_l("Heading in Japanese"))
    lead_in_en = TextField(_l("Above the name, in English"))
    lead_in_ja = TextField(_l("Above the name, in Japanese"))
    statement_en = LongTextField(_l("Statement in English"))
    statement_ja = LongTextField(_l("Statement in Japanese"))
    closing_en = TextField(_l("Closing in English"))
    closing_ja = TextField(_l("Closing in Japanese"))
    number_line_en = TextField(_l("Line with the number, in English"))
    number_line_ja = TextField(_l("Line with the number, in Japanese"))
    logo = SelectField(_l("Logo"), validate_choice=False)
    logo_file = FileField(_l("New logo"))
    signature = SelectField(_l("Signature"), validate_choice=False)
    signature_file = FileField(_l("New signature"))
    seal_image = SelectField(_l("Picture of the seal"), validate_choice=False)
    seal_image_file = FileField(_l("New picture of a seal"))
    seal = TextField(_l("Characters of the seal"))
    seal_place = SelectField(_l("Place of the seal"), choices=_choices(_SEAL_PLACES))
    # How it is looked at; no part of what it says.
    language = SelectField(
        _l("Language of the sheet"),
        choices=_choices({"ja": _l("Japanese"), "en": _l("English")}),
        validate_choice=False,
    )
    holder = SelectField(
        _l("Holder"), choices=_choices({key: each.label for key, each in HOLDERS.items()}), validate_choice=False
    )


class UseTemplateForm(Form):
    """For which credential a version of a template is to be used."""

    credential = SelectField(_l("Credential"), validate_choice=False)


# --- many at once -------------------------------------------------------------------------------------------------


class BatchForm(Form):
    """What is to be done with the certificates of which cohort; sent by GET, so it carries no token.

    The choices come from the view: each reader has cohorts of her own, and not everybody may do everything.
    """

    class Meta:
        """Looking at a list changes nothing."""

        csrf = False

    cohort = SelectField(_l("Cohort"), [Required()])
    kind = RadioField(_l("What is to be done"), [InputRequired(_l("Choose what is to be done."))])
    credential = SelectField(_l("Credential"))
    languages = SelectField(
        _l("Language of the files"),
        choices=_choices(
            {
                FileLanguages.BOTH: _l("Japanese and English"),
                FileLanguages.JAPANESE: _l("Japanese"),
                FileLanguages.ENGLISH: _l("English"),
                FileLanguages.HOLDER: _l("The language of each holder's account"),
            }
        ),
        default=FileLanguages.BOTH.value,
    )
    takes_all = BooleanField(_l("Include certificates that are revoked, suspended, replaced or expired"))
