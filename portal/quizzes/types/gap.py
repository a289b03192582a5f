"""Gaps in a running text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html.parser import HTMLParser

from portal.core import markdown
from portal.core.i18n import LANGUAGES, Words
from portal.core.i18n import gettext as _
from portal.quizzes.types.base import (
    CHOICES,
    MAX_PARTS,
    NUMBER,
    TEXT,
    Choice,
    Content,
    Fault,
    NumberKey,
    Part,
    QuestionType,
    TextKey,
)
from portal.quizzes.types.choice import check_choices
from portal.quizzes.types.keys import check_keys

# Where a gap is in the stem, and in the markup that is made of it: the part's id in double brackets.
MARKER = re.compile(r"\[\[([1-9][0-9]?)\]\]")
GAP_KINDS = (CHOICES, TEXT, NUMBER)
# Nothing can be filled in there.
_NO_PLACE = frozenset({"a", "code", "pre", "h1", "h2", "h3", "h4", "h5", "h6"})


class Gap(QuestionType):
    """A text with gaps; each gap is a part, filled by a choice, a few words or a number."""

    name = "gap"
    kind = "select"

    def samples(self) -> Sequence[Content]:
        choices = (Choice("a", Words("one", "一"), True, Words("why", "理由")), Choice("b", Words("two", "二"), False))
        parts = (
            Part("1", None, 1, choices),
            Part("2", None, 1, kind=TEXT, keys=(TextKey(Words("three", "三")),)),
            Part("3", None, 1, kind=NUMBER, keys=(NumberKey("4", "0.5"),)),
        )
        return [
            Content(
                type=self.name,
                title=Words("title", "題"),
                stem=Words("[[1]] and [[2]] and [[3]]", "[[1]]と[[2]]と[[3]]"),
                parts=parts,
                clauses=("policy#clause",),
            )
        ]

    def check(self, content: Content) -> list[Fault]:
        faults = []
        ids = [part.id for part in content.parts]
        if not ids:
            return [
                Fault(
                    _("The text has no gap."),
                    _("Write [[1]] where the first gap is, and “### Gap 1 {#gap-1}” with its choices below the text."),
                )
            ]
        if len(ids) > MAX_PARTS:
            faults.append(
                Fault(
                    _("A text has at most %(most)s gaps.", most=MAX_PARTS), _("Take some away, or make two questions.")
                )
            )
        astray = next((part_id for number, part_id in enumerate(ids, start=1) if part_id != str(number)), None)
        if astray is not None:
            faults.append(
                Fault(
                    _("The gaps are not numbered 1, 2, 3 …"),
                    _("Number them in the order in which they stand here."),
                    astray,
                )
            )
        for language in LANGUAGES:
            found = _fillable(content.stem.in_(language), language)
            for part_id in ids:
                if found.count(part_id) != 1:
                    faults.append(
                        Fault(
                            _(
                                "The text does not have [[%(id)s]] exactly once where something can be filled in.",
                                id=part_id,
                            ),
                            _("Write it once in each language, outside of headings, links and code."),
                            part_id,
                            language=language,
                            what="stem",
                        )
                    )
            unknown = next((marker for marker in found if marker not in ids), None)
            if unknown is not None:
                faults.append(
                    Fault(
                        _("The text has the gap [[%(id)s]], of which nothing is said.", id=unknown),
                        _("Write “### Gap %(id)s {#gap-%(id)s}” with its choices below the text.", id=unknown),
                        language=language,
                        what="stem",
                    )
                )
            if faults:
                break
        for part in content.parts:
            if part.kind not in GAP_KINDS:
                faults.append(
                    Fault(
                        _("“%(name)s” is no kind of gap.", name=part.kind[:60]),
                        _("A gap is filled by choices, text or number."),
                        part.id,
                    )
                )
            elif part.kind == CHOICES:
                faults += check_choices(part, exactly_one=True)
            else:
                faults += check_keys(part)
        return faults


class _Markers(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self.outside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _NO_PLACE:
            self.outside.append(tag)
        # In an attribute it would be no text.
        self.found += ["in an attribute" for _name, value in attrs if value and MARKER.search(value)]

    def handle_endtag(self, tag: str) -> None:
        if self.outside and self.outside[-1] == tag:
            self.outside.pop()

    def handle_data(self, data: str) -> None:
        self.found += ["" if self.outside else found for found in MARKER.findall(data)]


def _fillable(stem: str, language: str) -> list[str]:
    """Return the markers of a stem as its page has them; one that nothing can be filled into is ""."""
    try:
        shown = markdown.render(stem, language=language)
    except markdown.TextRefused:
        # Told by whoever checks the text itself.
        return MARKER.findall(stem)
    reader = _Markers()
    reader.feed(str(shown))
    return reader.found
