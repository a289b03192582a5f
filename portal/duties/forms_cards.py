"""The forms of cards, and of how much a thing matters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wtforms import BooleanField, RadioField, SelectField
from wtforms.fields import Label
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # the stubs do not know it yet
from wtforms.validators import InputRequired

from portal.core.forms import Form, IntegerField, LongTextField, Required, TextField, at_most
from portal.core.i18n import LazyText, lazy_pgettext
from portal.core.i18n import lazy_gettext as _l
from portal.duties.rules import CardPart, Criticality
from portal.duties.rules.cards import LANGUAGES, MOST_QUESTIONS, MOST_WRONG, Question, question_in
from portal.duties.service.cards import PART_NAMES, PARTS_IN_ORDER, field_of, question_field
from portal.duties.service.wording import TEXT_LIMIT

QUESTION_FIELDS = ("stem", "right", *(f"wrong{number}" for number in range(1, MOST_WRONG + 1)))
_IN = {
    "ja": lambda name: _l("%(part)s (Japanese)", part=name),
    "en": lambda name: _l("%(part)s (English)", part=name),
}


_SHORT: dict[str, LazyText] = {
    "ja": _l("Japanese"),
    "en": _l("English"),
    "stem": _l("What is asked"),
    "about": _l("Which part of the card says it"),
    "right": _l("Right answer"),
    **{f"wrong{number}": _l("Wrong answer %(number)s", number=number) for number in range(1, MOST_WRONG + 1)},
}


def values_of_questions(questions: Sequence[Question]) -> dict[str, str]:
    """Return what the fields of a form hold for these questions, by the names of the fields."""
    values: dict[str, str] = {}
    for number in range(1, MOST_QUESTIONS + 1):
        each = questions[number - 1] if number <= len(questions) else None
        values[f"q{number}_about"] = each.about.value if each is not None and each.about is not None else ""
        texts = each.texts if each is not None else {}
        for language in LANGUAGES:
            text = texts.get(language)
            said = (text.stem, text.right, *text.wrong) if text is not None else ()
            for name, value in zip(QUESTION_FIELDS, (*said, *[""] * len(QUESTION_FIELDS)), strict=False):
                values[question_field(number, name, language)] = value
    return values


class CardForm(Form):
    """A card: each part in either language or both, and questions for a successor. What is kept the service says."""

    # The number of the version that was read.
    seen = IntegerField()

    def __init__(self, *args: Any, **values: Any) -> None:
        """Label fields by what tells them apart below their heading; among errors they have their whole name."""
        super().__init__(*args, **values)
        for name, field in self._fields.items():
            short = _SHORT.get(name.split("_")[1] if name.startswith("q") else name.rpartition("_")[2])
            if short is not None and not name.startswith("title"):
                field.said_as = str(field.label.text)
                field.label = Label(field.id, short)

    def parts(self) -> dict[str, dict[str, str]]:
        """Return what was typed of each part."""
        return {part.value: {each: self[field_of(part, each)].data or "" for each in LANGUAGES} for part in CardPart}

    def questions(self) -> list[Question]:
        """Return the questions that say something, in their order."""
        found = []
        for number in range(1, MOST_QUESTIONS + 1):
            texts = {}
            for language in LANGUAGES:
                stem, right, *wrong = (
                    self[question_field(number, name, language)].data or "" for name in QUESTION_FIELDS
                )
                texts[language] = (stem, right, wrong)
            about = self[f"q{number}_about"].data
            question = question_in(texts, CardPart(about) if about in {each.value for each in CardPart} else None)
            if question is not None:
                found.append(question)
        return found

    def put(self, questions: Sequence[Question]) -> None:
        """Let the fields of questions hold these, without gaps."""
        for name, value in values_of_questions(questions).items():
            self[name].data = value

    def typed(self) -> dict[str, str]:
        """Return what every field of the card holds."""
        return {name: field.data or "" for name, field in self._fields.items() if name not in ("csrf_token", "seen")}


for _part in CardPart:
    for _language in LANGUAGES:
        setattr(CardForm, field_of(_part, _language), LongTextField(_IN[_language](PART_NAMES[_part])))
for _number in range(1, MOST_QUESTIONS + 1):
    setattr(
        CardForm,
        f"q{_number}_about",
        SelectField(
            _l("Which part of the card answers question %(number)s", number=_number),
            choices=[
                SelectChoice("", _l("No part in particular")),
                *(SelectChoice(each.value, PART_NAMES[each]) for each in PARTS_IN_ORDER),
            ],
            validate_choice=False,
        ),
    )
    for _language in LANGUAGES:
        setattr(
            CardForm,
            question_field(_number, "stem", _language),
            LongTextField(_IN[_language](_l("Question %(number)s", number=_number))),
        )
        setattr(
            CardForm,
            question_field(_number, "right", _language),
            TextField(_IN[_language](_l("Right answer to question %(number)s", number=_number))),
        )
        for _wrong in range(1, MOST_WRONG + 1):
            _label = _l("Wrong answer %(wrong)s to question %(number)s", wrong=_wrong, number=_number)
            setattr(CardForm, question_field(_number, f"wrong{_wrong}", _language), TextField(_IN[_language](_label)))


class FreeCardForm(CardForm):
    """A card about what belongs to no other thing, which has a title of its own."""

    title_ja = TextField(_l("Title in Japanese"))
    title_en = TextField(_l("Title in English"))


class TakeOutForm(Form):
    """Which text of a card is to be taken out for good, of which versions, and why."""

    part = RadioField(_l("Part of the card"), [InputRequired(_l("Choose the part that holds it."))])
    everywhere = BooleanField(_l("In all versions, whatever this part says there"))
    reason = LongTextField(_l("Reason"), [Required(), at_most(TEXT_LIMIT)])


class CriticalityForm(Form):
    """How much a thing matters, and why."""

    criticality = RadioField(
        _l("Criticality"),
        [InputRequired(_l("Choose how much it matters."))],
        choices=[
            SelectChoice(Criticality.LOW.value, lazy_pgettext("criticality", "Low")),
            SelectChoice(Criticality.NORMAL.value, lazy_pgettext("criticality", "Normal")),
            SelectChoice(Criticality.HIGH.value, lazy_pgettext("criticality", "High")),
            SelectChoice(Criticality.CRITICAL.value, lazy_pgettext("criticality", "Critical")),
        ],
    )
    reason = LongTextField(_l("Reason"), [Required(), at_most(TEXT_LIMIT)])
    seen = IntegerField(_l("Criticality"))
