"""Single choice, multiple choice and true/false."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from portal.core.i18n import LANGUAGES, Words
from portal.core.i18n import gettext as _
from portal.quizzes.types.base import ANSWER, Choice, Content, Fault, Part, QuestionType

# Parts whose type says itself what is wrong with a choice that has no text.
WITHOUT_TEXT = ("clause", "severity")


def _sample(name: str, *texts: str) -> Content:
    choices = tuple(
        Choice("abc"[place], Words(text, text), place == 0, Words("why", "理由")) for place, text in enumerate(texts)
    )
    return Content(
        type=name,
        title=Words("title", "題"),
        stem=Words("stem", "設問"),
        parts=(Part(ANSWER, None, 1, choices),),
        clauses=("policy#clause",),
    )


def check_choices(part: Part, *, exactly_one: bool) -> list[Fault]:
    """Return what is wrong with the choices of one part."""
    faults = []
    where = part.id if part.id != ANSWER else None
    if len(part.choices) < 2:
        faults.append(
            Fault(
                _("A question needs at least two choices."),
                _("Write each as “- [ ] text”, the right one as “- [x]”."),
                where,
            )
        )
    told: set[int] = set()
    for language in LANGUAGES:
        texts = [choice.text.in_(language) for choice in part.choices]
        for twice, text in enumerate(texts):
            # What both languages repeat is told in the first one.
            if text not in texts[:twice] or twice in told:
                continue
            told.add(twice)
            if text.strip():
                said = _("Two choices have the same text: “%(text)s”.", text=text[:60])
                mend = _("Change or remove one of them, in both languages.")
            elif part.id not in WITHOUT_TEXT:
                said = _("Two choices have no text.")
                mend = _("Write each as “- [ ] text”, the right one as “- [x]”.")
            else:
                continue
            faults.append(Fault(said, mend, where, twice, language))
    if not part.key:
        faults.append(
            Fault(_("No choice is marked as right."), _("Put an x into the brackets of the right one: “- [x]”."), where)
        )
    elif exactly_one and len(part.key) > 1:
        faults.append(
            Fault(
                _("More than one choice is marked as right."),
                _("Leave one “[x]”, or set type=multiple_choice."),
                where,
                [choice.right for choice in part.choices].index(True, 1 + [c.right for c in part.choices].index(True)),
            )
        )
    return faults


class SingleChoice(QuestionType):
    """One choice is right."""

    name = "single_choice"

    def samples(self) -> Sequence[Content]:
        return [_sample(self.name, "one", "two", "three")]

    def check(self, content: Content) -> list[Fault]:
        return check_choices(content.parts[0], exactly_one=True)


class MultipleChoice(QuestionType):
    """One or more choices are right.

    `all_or_nothing`: the points for exactly the right ones. `partial`: each right choice taken earns
    its share and each wrong one costs as much, never below nothing. `penalty`: the same, but the question may cost up
    to as many points as it is worth; the learner is told so before she answers.
    """

    name = "multiple_choice"
    kind = "multiple"
    markings = ("all_or_nothing", "partial", "penalty")

    def samples(self) -> Sequence[Content]:
        return [_sample(self.name, "one", "two", "three")]

    def check(self, content: Content) -> list[Fault]:
        return check_choices(content.parts[0], exactly_one=False)

    def mark_part(self, content: Content, part: Part, stored: Sequence[str]) -> Fraction | None:
        if content.marking == "all_or_nothing":
            return super().mark_part(content, part, stored)
        chosen = frozenset(stored)
        earned = len(chosen & part.key) - len(chosen - part.key)
        # However many wrong ones there are, they never cost more than the question is worth.
        least = -len(part.key) if content.marking == "penalty" else 0
        return part.points * Fraction(max(earned, least), len(part.key))


class TrueFalse(QuestionType):
    """A statement that is true or false."""

    name = "true_false"
    kind = "true_false"

    def samples(self) -> Sequence[Content]:
        return [_sample(self.name, "True", "False")]

    def keeps_order(self, content: Content, part: Part) -> bool:
        return True

    def check(self, content: Content) -> list[Fault]:
        part = content.parts[0]
        if [choice.text.en for choice in part.choices] != ["True", "False"]:
            return [
                Fault(
                    _("A question of type true_false has exactly the choices True and False, in this order."),
                    _("Write “- [x] True” and “- [ ] False”, or the other way round."),
                )
            ]
        return check_choices(part, exactly_one=True)
