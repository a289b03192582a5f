"""The forms about files of questions: which file, in which format and language, and what is asked for."""

from __future__ import annotations

import re
from typing import Any

from flask_wtf.file import FileField
from wtforms import BooleanField, SelectChoice, SelectField  # type: ignore[attr-defined]

from portal.core.forms import Form, TextField, at_most
from portal.core.i18n import gettext as _
from portal.core.i18n import lazy_gettext as _l
from portal.quizzes.formats import foreign

_BETWEEN = re.compile(r"[\s,、，;；]+")
_TAG = re.compile(r"[^\s,{}=]{1,40}")
LANGUAGE_WORDS = {"en": _l("English"), "ja": _l("Japanese")}


def format_words(name: str) -> str:
    """Say which format this is."""
    return {
        "gift": "GIFT",
        "moodle-xml": "Moodle XML",
        "qti": "QTI 2.1 / 2.2",
        "aiken": "Aiken",
        "csv": "CSV",
        "xlsx": "XLSX",
        "markdown": _("Markdown (a bank's own format)"),
    }[name]


def _formats() -> list[Any]:
    return [SelectChoice(name, format_words(name)) for name in foreign.NAMES]


def _languages() -> list[Any]:
    return [SelectChoice(tag, words) for tag, words in LANGUAGE_WORDS.items()]


def tags_in(text: str) -> list[str] | None:
    """Return the tags that somebody has written, or None where one of them can be none."""
    tags = list(dict.fromkeys(filter(None, _BETWEEN.split(text.strip()))))
    return tags if all(_TAG.fullmatch(tag) for tag in tags) else None


class FileForm(Form):
    """A file of questions for a bank."""

    file = FileField(_l("File"))
    format = SelectField(_l("Format"))
    language = SelectField(_l("Language of its texts"))
    tags = TextField(_l("Tags for every question"), [at_most(200)])
    tags_categories = BooleanField(_l("Make the category of each question a tag"))

    def __init__(self, **values: Any) -> None:
        super().__init__(**values)
        self.format.choices = [SelectChoice("", _("Recognise it by the file")), *_formats()]
        self.language.choices = _languages()


class ReadAgainForm(Form):
    """The same file as one of another format, encoding or language."""

    format = SelectField(_l("Format"))
    encoding = SelectField(_l("Encoding"), default="")
    language = SelectField(_l("Language of its texts"))
    tags_categories = BooleanField(_l("Make the category of each question a tag"))

    def __init__(self, **values: Any) -> None:
        super().__init__(**values)
        self.format.choices = _formats()
        self.encoding.choices = [
            SelectChoice("", _("Recognise it by the file")),
            *(SelectChoice(name, name) for name in foreign.ENCODINGS),
        ]
        self.language.choices = _languages()


class TakeInForm(Form):
    """Whether what is here already comes in a second time."""

    twins = BooleanField(_l("Also take in questions that the bank has already"))


class WishForm(Form):
    """A file of questions that somebody wants: its format and language, and which questions."""

    format = SelectField(_l("Format"))
    language = SelectField(_l("Language of its texts"))
    state = SelectField(_l("State"))
    type = SelectField(_l("Type"))
    tag = SelectField(_l("Tag"))

    def __init__(self, states: list[Any], types: list[Any], tags: list[Any], **values: Any) -> None:
        super().__init__(**values)
        self.format.choices = _formats()
        self.language.choices = _languages()
        self.state.choices, self.type.choices, self.tag.choices = states, types, tags
