"""A question as an item of QTI 2.2, in shapes that other systems know: templates of the standard where they suffice."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction

from portal.quizzes.formats.interchange import (
    FULL,
    ForeignAnswer,
    ForeignChoice,
    ForeignGap,
    ForeignQuestion,
    Kind,
)
from portal.quizzes.formats.qti_items import GAPS, GENERAL, STATEMENTS, TOOL
from portal.quizzes.formats.qti_marking import number, pieces, text_pattern
from portal.quizzes.formats.qti_texts import OURS, words_alone, xhtml, xml_attribute, xml_text

_SPACE = "http://www.imsglobal.org/xsd/imsqti_v2p2"
_SCHEMA = f"{_SPACE} http://www.imsglobal.org/xsd/qti/qtiv2p2/imsqti_v2p2p2.xsd"
_TEMPLATES = "http://www.imsglobal.org/question/qti_v2p2/rptemplates"
_JAPANESE = re.compile("[\u3040-\u30ff\u4e00-\u9fff]")
_ALL_POINTS = '<setOutcomeValue identifier="SCORE"><variable identifier="MAXSCORE"/></setOutcomeValue>'
_SCORE_ADDS = '<sum><variable identifier="SCORE"/>{}</sum>'


def item_of(question: ForeignQuestion, identifier: str) -> str | None:
    """Return the item of a question; None where QTI, or what is read of it here, has no such question."""
    made = _Written(question)
    if not made.fill():
        return None
    return made.item(identifier)


class _Written:
    """An item while it is put together."""

    def __init__(self, question: ForeignQuestion) -> None:
        self.question = question
        self.format = question.text_format
        self.responses: list[str] = []
        self.outcomes: list[str] = []
        self.body: list[str] = []
        self.rules: list[str] = []
        self.template = ""
        self.feedback: list[str] = []
        self.marks = [OURS[question.text_format]]

    def fill(self) -> bool:
        """Fill in what the type of the question has; False where it cannot be written."""
        fill: Callable[[], bool] | None = {
            Kind.SINGLE_CHOICE: self._choice,
            Kind.MULTIPLE_CHOICE: self._choice,
            Kind.TRUE_FALSE: self._statement,
            Kind.SHORT_ANSWER: self._written,
            Kind.NUMERIC: self._written,
            Kind.MATCHING: self._matching,
            Kind.ORDERING: self._ordering,
            Kind.GAP: self._gaps,
            Kind.FREE_TEXT: self._free_text,
            Kind.DESCRIPTION: self._description,
        }.get(self.question.type)
        needs_points = self.question.type not in (Kind.FREE_TEXT, Kind.DESCRIPTION)
        if fill is None or self.question.points < 0 or (needs_points and self.question.points == 0):
            return False
        return fill()

    def item(self, identifier: str) -> str:
        """Return the whole item."""
        question = self.question
        label = f' label="{xml_attribute(question.id)}"' if question.id else ""
        if question.general_feedback:
            usual = f"<defaultValue><value>{GENERAL.lower()}</value></defaultValue>"
            self.outcomes.append(_declaration(GENERAL, "identifier", usual))
            self._tell(GENERAL, GENERAL.lower(), question.general_feedback)
        if question.marking_notes:
            self.body.append(
                f'<rubricBlock view="scorer"><div>{self._flow(question.marking_notes)}</div></rubricBlock>'
            )
        is_by_hand = question.type is Kind.FREE_TEXT
        processing = ""
        if self.template:
            processing = f'<responseProcessing template="{_TEMPLATES}/{self.template}"/>'
        elif self.rules:
            processing = "\n".join(["<responseProcessing>", *self.rules, "</responseProcessing>"])
        return "\n".join(
            [
                '<?xml version="1.0" encoding="UTF-8"?>',
                f'<assessmentItem xmlns="{_SPACE}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
                f' xsi:schemaLocation="{_SCHEMA}" identifier="{identifier}" title="{xml_attribute(question.title)}"'
                f'{label} adaptive="false" timeDependent="false" toolName="{TOOL}" toolVersion="1">',
                *self.responses,
                _declaration("SCORE", "float", _value(Fraction(0)), ' externalScored="human"' if is_by_hand else ""),
                _declaration("MAXSCORE", "float", _value(question.points)),
                *self.outcomes,
                f'<itemBody class="{" ".join(self.marks)}">',
                *self.body,
                "</itemBody>",
                *([processing] if processing else []),
                *self.feedback,
                "</assessmentItem>",
                "",
            ]
        )

    # --- parts ---

    def _flow(self, text: str) -> str:
        return xhtml(text, self.format)

    def _tell(self, outcome: str, identifier: str, text: str) -> None:
        self.feedback.append(
            f'<modalFeedback outcomeIdentifier="{outcome}" identifier="{identifier}" showHide="show">'
            f"{self._flow(text)}</modalFeedback>"
        )

    def _stem(self) -> None:
        self.body.append(f"<div>{self._flow(self.question.stem)}</div>")

    def _respond(self, identifier: str, cardinality: str, base: str, *inside: str) -> None:
        opened = f'<responseDeclaration identifier="{identifier}" cardinality="{cardinality}" baseType="{base}"'
        said = "".join(inside)
        self.responses.append(f"{opened}>{said}</responseDeclaration>" if said else f"{opened}/>")

    def _add_points(self, expression: str) -> str:
        return f'<setOutcomeValue identifier="SCORE">{_SCORE_ADDS.format(expression)}</setOutcomeValue>'

    def _follow(self, response: str, cardinality: str, told: Sequence[tuple[str, str]]) -> None:
        """Let feedback be shown with the choice of the same identifier."""
        outcome = response.replace("RESPONSE", "FEEDBACK")
        self.outcomes.append(_declaration(outcome, "identifier", "", cardinality=cardinality))
        self.rules.append(
            f'<setOutcomeValue identifier="{outcome}"><variable identifier="{response}"/></setOutcomeValue>'
        )
        for identifier, text in told:
            self._tell(outcome, identifier, text)

    # --- types ---

    def _description(self) -> bool:
        self._stem()
        return True

    def _free_text(self) -> bool:
        template = self.question.template
        initial = f"<defaultValue><value>{xml_text(template)}</value></defaultValue>" if template else ""
        self._respond("RESPONSE", "single", "string", initial)
        self._stem()
        self.body.append('<extendedTextInteraction responseIdentifier="RESPONSE"/>')
        return True

    def _choice(self) -> bool:
        named = [(f"c{place}", choice) for place, choice in enumerate(self.question.choices, start=1)]
        return self._choose(named, is_multiple=self.question.type is Kind.MULTIPLE_CHOICE)

    def _statement(self) -> bool:
        true, false = STATEMENTS[1 if _JAPANESE.search(self.question.stem) else 0]
        right = self.question.correct
        return self._choose(
            [
                ("true", ForeignChoice(true, FULL if right else Fraction(0), self.question.feedback_true)),
                ("false", ForeignChoice(false, Fraction(0) if right else FULL, self.question.feedback_false)),
            ],
            is_multiple=False,
            fixed=True,
        )

    def _choose(self, named: Sequence[tuple[str, ForeignChoice]], *, is_multiple: bool, fixed: bool = False) -> bool:
        question = self.question
        if len(named) < 2:
            return False
        cardinality = "multiple" if is_multiple else "single"
        best = max(choice.fraction for _identifier, choice in named)
        right = [name for name, choice in named if choice.fraction > 0 and (is_multiple or choice.fraction == best)]
        by_match = is_multiple and question.all_or_nothing
        if by_match and not right:
            return False
        correct = _correct(right if is_multiple else right[:1])
        lower = ' lowerBound="0"' if is_multiple else ""
        mapping = _mapping(
            [(name, choice.fraction / FULL * question.points, "") for name, choice in named], f'defaultValue="0"{lower}'
        )
        told = [(name, choice.feedback) for name, choice in named if choice.feedback]
        self._respond("RESPONSE", cardinality, "identifier", correct, "" if by_match else mapping)
        if (by_match and question.points != 1) or told:
            if by_match:
                self.rules.append(_condition(_is_right("RESPONSE"), _ALL_POINTS))
            else:
                self.rules.append(
                    '<setOutcomeValue identifier="SCORE"><mapResponse identifier="RESPONSE"/></setOutcomeValue>'
                )
        else:
            self.template = "match_correct" if by_match else "map_response"
        if told:
            self._follow("RESPONSE", cardinality, told)
        self._stem()
        most = 0 if is_multiple else 1
        shuffle = _flag(question.shuffle)
        stays = ' fixed="true"' if fixed else ""
        self.body += [
            f'<choiceInteraction responseIdentifier="RESPONSE" shuffle="{shuffle}" maxChoices="{most}">',
            *(
                f'<simpleChoice identifier="{name}"{stays}>{self._flow(choice.text)}</simpleChoice>'
                for name, choice in named
            ),
            "</choiceInteraction>",
        ]
        return True

    def _ordering(self) -> bool:
        question = self.question
        named = [(f"c{place}", choice) for place, choice in enumerate(question.choices, start=1)]
        if len(named) < 2:
            return False
        self._respond("RESPONSE", "ordered", "identifier", _correct([name for name, _choice in named]))
        self._all_right(question.points)
        self._stem()
        # Shown in another order than the right one, should a system not shuffle.
        shown = named if not question.shuffle else sorted(named, key=lambda each: (each[1].text, each[0]))
        self.body += [
            f'<orderInteraction responseIdentifier="RESPONSE" shuffle="{_flag(question.shuffle)}">',
            *(
                f'<simpleChoice identifier="{name}">{self._flow(choice.text)}'
                + (
                    f'<feedbackInline outcomeIdentifier="FEEDBACK" identifier="{name}" showHide="show">'
                    f"{words_alone(choice.feedback, self.format)}</feedbackInline>"
                    if choice.feedback
                    else ""
                )
                + "</simpleChoice>"
                for name, choice in shown
            ),
            "</orderInteraction>",
        ]
        if any(choice.feedback for _name, choice in named):
            self.outcomes.append(_declaration("FEEDBACK", "identifier", "", cardinality="multiple"))
        return True

    def _all_right(self, points: Fraction) -> None:
        if points == 1:
            self.template = "match_correct"
            return
        self.rules.append(_condition(_is_right("RESPONSE"), _ALL_POINTS))

    def _matching(self) -> bool:
        question = self.question
        lefts = [(f"a{place}", pair) for place, pair in enumerate(question.pairs, start=1) if pair[0]]
        rights = {
            text: f"b{place}" for place, text in enumerate(dict.fromkeys(right for _l, right in question.pairs), 1)
        }
        if not lefts:
            return False
        pairs = [f"{name} {rights[right]}" for name, (_left, right) in lefts]
        mapping = _mapping([(pair, question.points / len(pairs), "") for pair in pairs], 'defaultValue="0"')
        self._respond(
            "RESPONSE", "multiple", "directedPair", _correct(pairs), "" if question.all_or_nothing else mapping
        )
        if question.all_or_nothing:
            self._all_right(question.points)
        else:
            self.template = "map_response"
        self._stem()
        choice = '<simpleAssociableChoice identifier="{}" matchMax="{}">{}</simpleAssociableChoice>'
        shuffle = _flag(question.shuffle)
        self.body += [
            f'<matchInteraction responseIdentifier="RESPONSE" shuffle="{shuffle}" maxAssociations="{len(lefts)}">',
            "<simpleMatchSet>",
            *(choice.format(name, 1, self._flow(left)) for name, (left, _right) in lefts),
            "</simpleMatchSet>",
            "<simpleMatchSet>",
            *(choice.format(name, 0, self._flow(right)) for right, name in rights.items()),
            "</simpleMatchSet>",
            "</matchInteraction>",
        ]
        return True

    # --- what is written ---

    def _written(self) -> bool:
        question = self.question
        is_numeric = question.type is Kind.NUMERIC
        if not self._answer(
            "RESPONSE", question.answers, question.points, is_numeric=is_numeric, cased=question.case_sensitive
        ):
            return False
        if len(self.rules) == 1 and self.rules[0] == self._add_points('<mapResponse identifier="RESPONSE"/>'):
            self.template, self.rules = "map_response", []
        self._stem()
        self.body.append('<p><textEntryInteraction responseIdentifier="RESPONSE"/></p>')
        return True

    def _gaps(self) -> bool:
        question = self.question
        total = sum((gap.points for gap in question.gaps), Fraction(0))
        if not question.gaps or min(gap.points for gap in question.gaps) <= 0:
            return False
        self.marks.append(GAPS)
        written: dict[int, str] = {}
        for place, gap in enumerate(question.gaps, start=1):
            response = f"RESPONSE{place}"
            self.outcomes.append(_declaration(f"MAXSCORE_{response}", "float", _value(gap.points)))
            worth = gap.points / total * question.points if not question.all_or_nothing else gap.points
            found = self._gap(response, gap, worth)
            if found is None:
                return False
            written[place] = found
        if question.all_or_nothing:
            self.rules = [
                _condition(
                    f"<and>{''.join(_is_right(f'RESPONSE{place}') for place in written)}</and>",
                    _ALL_POINTS,
                )
            ]
            self.feedback, self.outcomes = [], [each for each in self.outcomes if "FEEDBACK" not in each]

        def gap_at(place: int) -> str:
            # Each place once; a second one of the same number is text.
            return written.pop(place, xml_text(f"[[{place}]]"))

        self.body.append(f"<div>{xhtml(question.stem, self.format, gap=gap_at)}</div>")
        return not written

    def _gap(self, response: str, gap: ForeignGap, worth: Fraction) -> str | None:
        if not gap.choices:
            if not self._answer(response, gap.answers, worth, is_numeric=gap.is_numeric, cased=gap.case_sensitive):
                return None
            return f'<textEntryInteraction responseIdentifier="{response}"/>'
        if len(gap.choices) < 2 or gap.answers:
            return None
        named = [(f"c{place}", choice) for place, choice in enumerate(gap.choices, start=1)]
        best = max(named, key=lambda each: each[1].fraction)
        mapping = _mapping([(name, choice.fraction / FULL * worth, "") for name, choice in named], 'defaultValue="0"')
        self._respond(response, "single", "identifier", _correct([best[0]]), mapping)
        self.rules.append(self._add_points(f'<mapResponse identifier="{response}"/>'))
        told = [(name, choice.feedback) for name, choice in named if choice.feedback]
        if told:
            self._follow(response, "single", told)
        choices = "".join(
            f'<inlineChoice identifier="{name}">{words_alone(choice.text, self.format)}</inlineChoice>'
            for name, choice in named
        )
        opened = f'<inlineChoiceInteraction responseIdentifier="{response}" shuffle="{_flag(self.question.shuffle)}">'
        return f"{opened}{choices}</inlineChoiceInteraction>"

    def _answer(
        self, response: str, answers: Sequence[ForeignAnswer], worth: Fraction, *, is_numeric: bool, cased: bool
    ) -> bool:
        """Declare a response that is written, and what its answers earn."""
        if not answers or any((each.value is not None) is not is_numeric for each in answers):
            return False
        if is_numeric and any(each.value != "*" and number(each.value or "") is None for each in answers):
            return False
        best = max(answers, key=lambda each: each.fraction)
        literal = best.value if is_numeric else _literal(best.text)
        correct = _correct([literal]) if literal and literal != "*" else ""
        keys = [_literal(each.text) for each in answers]
        is_plain = not is_numeric and None not in keys and "" not in keys and not any(each.feedback for each in answers)
        if is_plain and len({(key or "") if cased else (key or "").casefold() for key in keys}) == len(keys):
            case = "" if cased else ' caseSensitive="false"'
            entries = [(key or "", each.fraction / FULL * worth, case) for key, each in zip(keys, answers, strict=True)]
            self._respond(response, "single", "string", correct, _mapping(entries, 'defaultValue="0"'))
            self.rules.append(self._add_points(f'<mapResponse identifier="{response}"/>'))
            return True
        self._respond(response, "single", "float" if is_numeric else "string", correct)
        outcome = response.replace("RESPONSE", "FEEDBACK")
        if any(each.feedback for each in answers):
            self.outcomes.append(_declaration(outcome, "identifier", ""))
        branches = []
        for place, each in enumerate(answers, start=1):
            earned = f'<baseValue baseType="float">{_decimal(each.fraction / FULL * worth)}</baseValue>'
            actions = self._add_points(earned)
            if each.feedback:
                named = f'<baseValue baseType="identifier">a{place}</baseValue>'
                actions += f'<setOutcomeValue identifier="{outcome}">{named}</setOutcomeValue>'
                self._tell(outcome, f"a{place}", each.feedback)
            test = _numeric_test(response, each) if is_numeric else _text_test(response, each.text, cased=cased)
            tag = "responseIf" if place == 1 else "responseElseIf"
            branches.append(f"<{tag}>{test}{actions}</{tag}>")
        self.rules.append("\n".join(["<responseCondition>", *branches, "</responseCondition>"]))
        return True


def _numeric_test(response: str, answer: ForeignAnswer) -> str:
    variable = f'<variable identifier="{response}"/>'
    if answer.value == "*":
        return f"<not><isNull>{variable}</isNull></not>"
    tolerance = number(answer.tolerance)
    mode = 'toleranceMode="exact"'
    if tolerance is not None and tolerance >= 0:
        said = xml_attribute(answer.tolerance.strip())
        mode = f'toleranceMode="absolute" tolerance="{said} {said}"'
    return f'<equal {mode}>{variable}<baseValue baseType="float">{xml_text(answer.value or "")}</baseValue></equal>'


def _text_test(response: str, text: str, *, cased: bool) -> str:
    variable = f'<variable identifier="{response}"/>'
    if text == "*":
        return f"<not><isNull>{variable}</isNull></not>"
    literal = _literal(text)
    if literal is None:
        return f'<patternMatch pattern="{xml_attribute(text_pattern(text))}">{variable}</patternMatch>'
    value = f'<baseValue baseType="string">{xml_text(literal)}</baseValue>'
    return f'<stringMatch caseSensitive="{_flag(cased)}">{variable}{value}</stringMatch>'


def _literal(text: str) -> str | None:
    """Return a text with * for anything as itself; None where it has such a star."""
    signs = list(pieces(text))
    return None if "*" in signs else "".join("*" if sign == "\\*" else sign for sign in signs)


def _declaration(name: str, base: str, inside: str, more: str = "", *, cardinality: str = "single") -> str:
    opened = f'<outcomeDeclaration identifier="{name}" cardinality="{cardinality}" baseType="{base}"{more}'
    return f"{opened}>{inside}</outcomeDeclaration>" if inside else f"{opened}/>"


def _value(points: Fraction) -> str:
    return f"<defaultValue><value>{_decimal(points)}</value></defaultValue>"


def _correct(values: Sequence[str]) -> str:
    if not values:
        return ""
    return "<correctResponse>" + "".join(f"<value>{xml_text(each)}</value>" for each in values) + "</correctResponse>"


def _mapping(entries: Sequence[tuple[str, Fraction, str]], attributes: str) -> str:
    return (
        f"<mapping {attributes}>"
        + "".join(
            f'<mapEntry mapKey="{xml_attribute(key)}" mappedValue="{_decimal(worth)}"{more}/>'
            for key, worth, more in entries
        )
        + "</mapping>"
    )


def _is_right(response: str) -> str:
    return f'<match><variable identifier="{response}"/><correct identifier="{response}"/></match>'


def _condition(test: str, action: str) -> str:
    return f"<responseCondition><responseIf>{test}{action}</responseIf></responseCondition>"


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _decimal(value: Fraction) -> str:
    """Return a number as a decimal: exactly where that ends soon, else to twelve places."""
    text = f"{Decimal(value.numerator) / Decimal(value.denominator):.12f}"
    return text.rstrip("0").rstrip(".")
