"""What cannot be seen was not typed, and no text turns around how another one reads."""

from __future__ import annotations

import unicodedata

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from wtforms.validators import InputRequired

from portal.core.forms import Form, LongTextField, TextField
from portal.core.texts import forbidden, is_blank, trimmed
from tests.volume import examples

pytestmark = pytest.mark.any_database

INVISIBLE = [
    "",
    " ",
    "\u3000",
    "\u200b",
    "\u2060",
    "\u3164",
    "\u00ad",
    "\ufeff",
    "\u2800",
    "\u115f",
    "\ufe0f",
    "\xa0 \u200d",
]
TURNING = [chr(code) for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))]


class OneText(Form):
    """A text that is needed, and one that is not."""

    class Meta:
        """No token."""

        csrf = False

    name = TextField("Name", [InputRequired("needed")])
    note = LongTextField("Note")


def sent(app: Flask, **values: str) -> OneText:
    with app.test_request_context("/", method="POST", data=values):
        form = OneText()
        form.validate()
        return form


@pytest.mark.parametrize("text", INVISIBLE)
def test_a_text_of_which_nothing_can_be_seen_counts_as_missing(app: Flask, text: str) -> None:
    form = sent(app, name=text, note=text)
    assert is_blank(text)
    assert (form.name.data, form.note.data) == ("", "")
    assert form.name.errors == ["needed"]


@pytest.mark.parametrize("turn", TURNING)
@pytest.mark.parametrize("field", ["name", "note"])
def test_a_text_that_changes_the_direction_of_reading_is_refused_and_shown(app: Flask, turn: str, field: str) -> None:
    form = sent(app, **({"name": "x"} | {field: f"gpj{turn}.exe"}))
    assert "control characters" in form[field].errors[0]
    assert form[field].data == "gpj\ufffd.exe"


@pytest.mark.parametrize(
    "name", ["田中", "葛\U000e0100城", "O’Brien", "محمد", "ש\u200fלום", "क्\u200dष", "👩\u200d🔬", "葛\U000e0100"]
)
def test_a_name_stays_as_it_is_typed(app: Flask, name: str) -> None:
    assert sent(app, name=f"\u3000{name} \u200b", note=name).name.data == name
    assert not forbidden(name)


@settings(max_examples=examples(50))
@given(st.text())
def test_what_is_left_begins_and_ends_with_something_to_see(text: str) -> None:
    left = trimmed(text)
    assert left == trimmed(left)
    assert left in text
    assert not left or not is_blank(left)
    assert not left[:1].isspace()
    assert {each for each in text if unicodedata.category(each) == "Cc"} <= forbidden(text)


@pytest.mark.parametrize("name", ["\u0301", "\u200b\u0301", "\u20dd\ufe0f"])
def test_marks_without_a_letter_are_no_name(app: Flask, name: str) -> None:
    assert sent(app, name=name).name.errors == ["needed"]


@pytest.mark.parametrize(
    "character",
    ["\ue000", "\U000f0000", "\uffff", "\ufdd0", "\U0003fffe", "\u0378", "\u2065", "\U000e0001", "\U000e0041"],
)
def test_characters_that_stand_for_nothing_are_refused(app: Flask, character: str) -> None:
    assert sent(app, name=f"森{character}").name.errors
    assert forbidden(character) == {character}


@pytest.mark.parametrize("name", ["e\u0301", "\U00031350", "\U0002ebf0", "\U0001fae9"])
def test_characters_of_a_later_unicode_are_taken(app: Flask, name: str) -> None:
    assert sent(app, name=f"森{name}").name.data == f"森{name}"
