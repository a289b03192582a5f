"""A text that a person marks by a rubric."""

from __future__ import annotations

from collections.abc import Sequence

from portal.core.i18n import Words
from portal.core.i18n import gettext as _
from portal.quizzes.types.base import ANSWER, ESSAY, LETTERS, MAX_ESSAY, Content, Criterion, Fault, Part, QuestionType

MAX_POINTS = 100


class FreeText(QuestionType):
    """A text of some length is written; a person marks it by criteria, each worth points."""

    name = "free_text"
    kind = ESSAY

    def samples(self) -> Sequence[Content]:
        criteria = (Criterion("a", Words("names it", "名を挙げる"), 2), Criterion("b", Words("says why", "理由"), 1))
        return [
            Content(
                type=self.name,
                title=Words("title", "題"),
                stem=Words("stem", "設問"),
                parts=(Part(ANSWER, None, 3, kind=ESSAY, criteria=criteria, least=100, most=800),),
                clauses=("policy#clause",),
            )
        ]

    def check(self, content: Content) -> list[Fault]:
        part = content.parts[0]
        faults = []
        if not part.criteria:
            faults.append(
                Fault(
                    _("A free text needs at least one criterion by which it is marked."),
                    _("Write each with its points: “- [2] names the clause”."),
                )
            )
        if len(part.criteria) > len(LETTERS):
            faults.append(
                Fault(
                    _("A free text has at most %(most)s criteria.", most=len(LETTERS)),
                    _("Take some away, or make two questions."),
                )
            )
        if part.criteria and part.points != sum(each.points for each in part.criteria):
            faults.append(
                Fault(_("A free text is worth the sum of its criteria."), _("Take points= away; the criteria say it."))
            )
        for place, criterion in enumerate(part.criteria):
            if not (criterion.text.en.strip() or criterion.text.ja.strip()):
                faults.append(
                    Fault(
                        _("A criterion needs a text."),
                        _("Write behind the brackets what is looked for."),
                        choice=place,
                        what="text",
                    )
                )
            if not 1 <= criterion.points <= MAX_POINTS:
                faults.append(
                    Fault(
                        _("A criterion is worth a whole number of points, from 1 to %(most)s.", most=MAX_POINTS),
                        _("Write it into the brackets: “- [2] names the clause”."),
                        choice=place,
                        what="points",
                    )
                )
        return faults + _check_limits(part)


def _check_limits(part: Part) -> list[Fault]:
    faults = []
    for name, limit in (("least", part.least), ("most", part.most)):
        if limit is not None and not 1 <= limit <= MAX_ESSAY:
            message = (
                _("The least length is not a whole number from 1 to %(most)s.", most=MAX_ESSAY)
                if name == "least"
                else _("The greatest length is not a whole number from 1 to %(most)s.", most=MAX_ESSAY)
            )
            mend = _("Write least=… and most=… in characters, from 1 to %(most)s.", most=MAX_ESSAY)
            faults.append(Fault(message, mend, what=name))
    if not faults and part.least is not None and part.most is not None and part.least > part.most:
        faults.append(
            Fault(
                _(
                    "The least length (%(least)s) is more than the greatest one (%(most)s).",
                    least=part.least,
                    most=part.most,
                ),
                _("Make least= smaller, or most= greater."),
                what="least",
            )
        )
    return faults
