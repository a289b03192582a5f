"""The sections of a quiz as data: an id, a title in both languages, and a pass mark where it has one of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from portal.core.i18n import Words


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a quiz; where it has a mark of its own, passing the quiz needs that mark as well."""

    id: str
    title: Words
    pass_mark: Fraction | None = None

    def data(self) -> dict[str, Any]:
        """Return it as plain data, as it is stored and hashed."""
        data: dict[str, Any] = {"id": self.id, "title": {"en": self.title.en, "ja": self.title.ja}}
        return data | ({"pass_mark": str(self.pass_mark)} if self.pass_mark is not None else {})


def read_sections(stored: Iterable[Mapping[str, Any]]) -> tuple[Section, ...]:
    """Return the sections from what is stored: the inverse of `Section.data`."""
    return tuple(
        Section(
            each["id"],
            Words(each["title"]["en"], each["title"]["ja"]),
            Fraction(each["pass_mark"]) if "pass_mark" in each else None,
        )
        for each in stored
    )
