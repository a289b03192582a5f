"""A case: a short artefact, then what to decide, by which clause, and how severe it is.

A picture of the artefact may stand beside its text; who does not open it can decide by the text and by what it is said
to show.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import replace

from portal.core.content import SLUG
from portal.core.i18n import Words
from portal.core.i18n import gettext as _
from portal.quizzes.types.base import Choice, Content, Fault, Part, Picture, QuestionType
from portal.quizzes.types.choice import check_choices

PARTS = ("decision", "clause", "severity")
# Parts whose choices are the same in both languages.
SHARED_PARTS = ("clause", "severity")
HEADINGS = {
    "decision": Words("Decision", "判断"),
    "clause": Words("Clause", "条項"),
    "severity": Words("Sensitivity level", "注意レベル"),
}
LEVELS = ("S0", "S1", "S2", "S3", "S4")
_CLAUSE = re.compile(rf"\[\[(?P<slug>{SLUG.pattern})?#(?P<anchor>{SLUG.pattern})\]\]")
_ADDRESS = re.compile(rf"(?:\[\[)?\s*(?:(?P<slug>{SLUG.pattern})?#)?(?P<anchor>{SLUG.pattern})\s*(?:\]\])?")
# Where a fault of the picture is; place 1: its level.
PICTURE = "picture"
# Code points of what is said of a picture.
MOST_ALT = 500


class Case(QuestionType):
    """Something described, then a decision, its clause and its severity, each worth points."""

    name = "case"
    has_picture = True

    def samples(self) -> Sequence[Content]:
        texts = {
            "decision": ("Remove", "Notice", "Nothing"),
            "clause": ("[[policy#a]]", "[[policy#b]]"),
            "severity": LEVELS[:3],
        }
        parts = tuple(
            Part(
                name,
                HEADINGS[name],
                1,
                tuple(
                    Choice(letter, Words(text, text), letter == "a", Words("why", "理由"))
                    for letter, text in zip("abc", texts[name], strict=False)
                ),
            )
            for name in PARTS
        )
        plain = Content(
            type=self.name,
            title=Words("title", "題"),
            stem=Words("artefact", "対象"),
            parts=parts,
            clauses=("policy#clause",),
        )
        return [plain, replace(plain, picture=Picture("0" * 64, Words("a profile", "プロフィール"), "S2"))]

    def asks_level(self, content: Content) -> bool:
        return any(part.id == "severity" for part in content.parts)

    def keeps_order(self, content: Content, part: Part) -> bool:
        # A scale reads from low to high.
        return part.id == "severity" or super().keeps_order(content, part)

    def check(self, content: Content) -> list[Fault]:
        given = [part.id for part in content.parts]
        faults = []
        if "decision" not in given:
            faults.append(
                Fault(
                    _("A case needs the part “decision”."),
                    _("Write “### Decision {#decision points=1}” and its choices below it."),
                )
            )
        elif given != sorted(given, key=PARTS.index):
            faults.append(
                Fault(
                    _("The parts of a case stand in the order decision, clause, severity."),
                    _("Move the part to its place."),
                    given[0],
                )
            )
        faults += [fault for part in content.parts for fault in check_choices(part, exactly_one=True)]
        for part in content.parts:
            if part.id in SHARED_PARTS:
                faults += _check_shared(part, content.document)
        return faults + (_check_picture(content.picture) if content.picture else [])


def clause_named(text: str, document: str) -> str | None:
    """Return the clause that a choice names as `slug#id`, or None; `[[#id]]` is one of the document."""
    found = _CLAUSE.fullmatch(text.strip())
    return f"{found['slug'] or document}#{found['anchor']}" if found else None


def as_clause(text: str) -> str:
    """Return the address of a clause, however it was typed, as a choice names it; what is none stays as it is."""
    found = _ADDRESS.fullmatch(unicodedata.normalize("NFKC", text).strip())
    return f"[[{found['slug'] or ''}#{found['anchor']}]]" if found else text


def _check_shared(part: Part, document: str) -> list[Fault]:
    """Return which choices of a part that is the same in both languages are no clause, or no level."""
    mend = _("In a file a clause stands as [[document#clause]], a level as S0 to S4.")
    told: list[tuple[int, str]] = []
    seen: dict[str, str] = {}
    for place, choice in enumerate(part.choices):
        text = choice.text.en.strip()
        if part.id == "severity":
            told += [(place, _no_level(text))] if text not in LEVELS else []
            continue
        named = clause_named(text, document)
        if named is None:
            told.append((place, _no_clause(text)))
        # What is the same to the letter is told of every kind of choice.
        elif seen.setdefault(named, text) != text:
            told.append((place, _("The clause %(clause)s stands there already.", clause=named)))
    return [Fault(said, mend, part.id, place) for place, said in told]


def _no_level(text: str) -> str:
    if not text:
        return _("This choice has no sensitivity level: choose one, or remove the choice.")
    return _("“%(text)s” is no sensitivity level: there are S0 to S4.", text=text[:60])


def _no_clause(text: str) -> str:
    if not text:
        return _("This choice names no clause: write one, such as impersonation#fan-accounts, or remove the choice.")
    return _("“%(text)s” is no address of a clause, such as impersonation#fan-accounts.", text=text[:60])


def _check_picture(picture: Picture) -> list[Fault]:
    texts = (picture.alt.en, picture.alt.ja)
    faults = []
    if not any(text.strip() for text in texts):
        faults.append(
            Fault(
                _("Nothing says what the picture shows."),
                _("Write it in a line: who does not open or see the picture decides by that."),
                PICTURE,
            )
        )
    if any("\n" in text or len(text) > MOST_ALT for text in texts):
        faults.append(
            Fault(
                _("What a picture shows is told in one line of at most %(most)s characters.", most=MOST_ALT),
                _("Shorten it; what else has to be known stands in the text of the question."),
                PICTURE,
            )
        )
    if picture.severity not in LEVELS:
        faults.append(
            Fault(
                _("The picture has no sensitivity level."),
                _("Choose one of S0 to S4: it is told before the picture is opened."),
                PICTURE,
                1,
            )
        )
    return faults
