"""A case: a short artefact, then what to decide, by which clause, and how severe it is."""

from __future__ import annotations

from collections.abc import Sequence

from portal.core.i18n import Words
from portal.core.i18n import gettext as _
from portal.quizzes.types.base import Choice, Content, Fault, Part, QuestionType
from portal.quizzes.types.choice import check_choices

PARTS = ("decision", "clause", "severity")
# Parts whose choices are the same in both languages.
SHARED_PARTS = ("clause", "severity")
HEADINGS = {
    "decision": Words("Decision", "判断"),
    "clause": Words("Clause", "条項"),
    "severity": Words("Sensitivity level", "注意レベル"),
}


class Case(QuestionType):
    """Something described, then a decision, its clause and its severity, each worth points."""

    name = "case"

    def samples(self) -> Sequence[Content]:
        parts = tuple(
            Part(
                name,
                HEADINGS[name],
                1,
                tuple(
                    Choice(letter, Words(f"{name} {letter}", f"{name} {letter}"), letter == "a", Words("why", "理由"))
                    for letter in "abc"
                ),
            )
            for name in PARTS
        )
        return [
            Content(
                type=self.name,
                title=Words("title", "題"),
                stem=Words("artefact", "対象"),
                parts=parts,
                clauses=("policy#clause",),
            )
        ]

    def keeps_order(self, content: Content, part: Part) -> bool:
        # A scale reads from low to high.
        return part.id == "severity" or super().keeps_order(content, part)

    def check(self, content: Content) -> list[Fault]:
        given = [part.id for part in content.parts]
        if "decision" not in given:
            return [
                Fault(
                    _("A case needs the part “decision”."),
                    _("Write “### Decision {#decision points=1}” and its choices below it."),
                )
            ]
        if given != sorted(given, key=PARTS.index):
            return [
                Fault(
                    _("The parts of a case stand in the order decision, clause, severity."),
                    _("Move the part to its place."),
                    given[0],
                )
            ]
        return [fault for part in content.parts for fault in check_choices(part, exactly_one=True)]
