"""What the response processing of a QTI item says about points and feedback, as far as it says it plainly.

Nothing is carried out. Rules of the shapes that authoring tools write are recognised: the templates of the standard,
a comparison with the right response or with a value, the mapping of a response, sums of these, limits to the points.
Any other rule that touches the points is said to be `strange`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from enum import Enum
from fractions import Fraction

from portal.quizzes.formats.interchange import BadData, exact
from portal.quizzes.formats.xml_nodes import Node

_GREATEST_EXPONENT = 12
# Alternatives times what they do, of one rule.
_MOST = 1_000
# The mapping of a response, and that of ONYX and OPAL that takes slips of the keyboard as well.
_MAPPINGS = ("mapResponse", "mapTolResponse")
_SIGNS = frozenset("\\.+?()[]{}|^$-")
_PATTERN_SIGN = re.compile(r"\\(.)|(\.\*)|([^\\.*+?()\[\]{}|^$])", re.DOTALL)


class Against(Enum):
    """What a response is compared with."""

    RIGHT = "right"
    VALUE = "value"
    ANYTHING = "anything"
    NOTHING = "nothing"
    # What none of the comparisons before it in the same rule has met.
    REST = "rest"


@dataclass(frozen=True, slots=True)
class Test:
    """A comparison of a response. `value` is a number, an identifier, or a text with * for anything."""

    response: str
    against: Against
    value: str = ""
    # In the unit of the value, below and above it; None where no tolerance is said.
    below: Fraction | None = None
    above: Fraction | None = None
    is_relative: bool = False
    case_sensitive: bool = True
    is_member: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """A comparison and what it earns; None is all there is to earn."""

    test: Test
    points: Fraction | None


@dataclass(slots=True)
class Marking:
    """What was recognised."""

    mapped: set[str] = field(default_factory=set)
    steps: dict[str, list[Step]] = field(default_factory=dict)
    # All of several responses must be right for any points, and how many those are.
    together: bool = False
    together_points: Fraction | None = None
    # Outcomes that take over a response: its identifiers name feedback.
    follows: dict[str, str] = field(default_factory=dict)
    always: set[tuple[str, str]] = field(default_factory=set)
    told: list[tuple[Test, str, str]] = field(default_factory=list)
    # A template of the standard says so for every response.
    by_template: str = ""
    is_absent: bool = False
    # Answers are taken that are nearly as they stand in the mapping.
    takes_typos: bool = False
    strange: bool = False


def number(text: str) -> Fraction | None:
    """Return a number as XML Schema writes floats; None where it is none, or beyond all points."""
    text = text.strip()
    try:
        if len(text) > 40:
            return None
        value = Decimal(text)
        if not value.is_finite() or (value and abs(value.adjusted()) > _GREATEST_EXPONENT):
            return None
        return exact(f"{value:f}")
    except (InvalidOperation, ValueError, BadData):
        return None


def marking_of(item: Node, outcomes: dict[str, Node], responses: Collection[str]) -> Marking:
    """Return what the response processing of an item says."""
    found = Marking()
    processing = item.first("responseProcessing")
    if processing is None or (not processing.get("template") and not any(processing.elements())):
        found.is_absent = True
        return found
    template = processing.get("template").lower()
    if template:
        if "map_response_point" in template or not ("map_response" in template or "match" in template):
            found.strange = True
        else:
            found.by_template = "map" if "map_response" in template else "match"
        return found
    _Rules(found, outcomes, responses).follow(list(processing.elements()), ())
    return found


class _Rules:
    """Walks over the rules and notes what is recognised."""

    def __init__(self, found: Marking, outcomes: dict[str, Node], responses: Collection[str]) -> None:
        self.found = found
        self.outcomes = outcomes
        self.responses = responses

    def follow(self, rules: Sequence[Node], tests: tuple[Test, ...] | None) -> None:
        """Note what rules give where all of the tests are met; without any they always give it. None is unknown."""
        for rule in rules:
            if rule.tag == "responseCondition":
                if tests is None and self._earns(rule):
                    self.found.strange = True
                elif not tests:
                    self._condition(rule)
                elif self._earns(rule):
                    self.found.strange = True
            elif rule.tag == "setOutcomeValue":
                self._set(rule, tests)
            elif rule.tag == "responseProcessingFragment":
                self.follow(list(rule.elements()), tests)
            elif rule.tag in ("responseIf", "responseElseIf", "responseElse", "lookupOutcomeValue"):
                self.found.strange = True

    def _condition(self, rule: Node) -> None:
        before: list[Test] = []
        has_unknown = False
        for branch in rule.elements("responseIf", "responseElseIf", "responseElse"):
            inside = list(branch.elements())
            if branch.tag == "responseElse":
                self._otherwise(inside, before, has_unknown=has_unknown)
                return
            if not inside:
                continue
            expression, rules = inside[0], inside[1:]
            if self._is_limit(expression, rules):
                has_unknown = True
                continue
            options = _tests(expression)
            if options is None or any(test.response not in self.responses for tests in options for test in tests):
                has_unknown = True
                self.follow(rules, None)
                continue
            if len(options) == 1 and len(options[0]) == 1 and options[0][0].against is Against.ANYTHING:
                # “Not empty” around all the rest; a rule of its own only where it gives points itself.
                nested = [each for each in rules if each.tag == "responseCondition"]
                self.follow(nested, ())
                rules = [each for each in rules if each.tag != "responseCondition"]
                if any(_uses(each, _MAPPINGS) for each in rules):
                    self.follow(rules, ())
                    before += options[0]
                    continue
            if len(options) * len(rules) > _MOST:
                self.found.strange = True
                return
            for tests in options:
                self.follow(rules, tuple(tests))
                before += tests

    def _otherwise(self, rules: Sequence[Node], before: Sequence[Test], *, has_unknown: bool) -> None:
        if has_unknown:
            self.follow(rules, None)
        elif all(test.against is Against.NOTHING for test in before):
            self.follow(rules, ())
        elif len({test.response for test in before}) == 1:
            self.follow(rules, (Test(before[0].response, Against.REST),))
        else:
            self.follow(rules, None)

    def _set(self, rule: Node, tests: tuple[Test, ...] | None) -> None:
        outcome = rule.get("identifier")
        value = next(rule.elements(), None)
        if value is None:
            return
        if self._is_score(outcome):
            self._score(value, tests)
        elif tests is not None:
            self._feedback(outcome, value, tests)

    def _score(self, value: Node, tests: tuple[Test, ...] | None) -> None:
        worth = self._worth(value)
        if worth is None:
            self.found.strange = True
            return
        mapped, points = worth
        if tests is None:
            self.found.strange = self.found.strange or bool(mapped) or points != 0
        elif not tests:
            self.found.mapped |= mapped
            self.found.strange = self.found.strange or points != 0
        elif any(test.against is Against.NOTHING for test in tests):
            self.found.strange = self.found.strange or bool(mapped) or points != 0
        elif mapped:
            # Right is all points, and the rest what the mapping says: the mapping says both.
            is_rest = len(tests) == 1 and tests[0].against is Against.REST and mapped == {tests[0].response}
            self.found.mapped |= mapped if is_rest else set()
            self.found.strange = self.found.strange or not is_rest or points != 0
        elif len(tests) == 1:
            if points != 0 or tests[0].against is not Against.REST:
                self.found.steps.setdefault(tests[0].response, []).append(Step(tests[0], points))
        elif all(test.against is Against.RIGHT for test in tests):
            if points != 0:
                self.found.strange = self.found.strange or self.found.together
                self.found.together, self.found.together_points = True, points
        elif points != 0:
            self.found.strange = True

    def _worth(self, value: Node) -> tuple[set[str], Fraction | None] | None:
        """Return which responses' mappings a value adds up, and what else it is; None is all points."""
        if value.tag == "baseValue":
            points = number(value.text())
            return None if points is None else (set(), points)
        if value.tag in _MAPPINGS:
            self.found.takes_typos = self.found.takes_typos or value.tag == "mapTolResponse"
            return {value.get("identifier")}, Fraction(0)
        if value.tag == "variable":
            name = value.get("identifier")
            if _is_greatest(name):
                return set(), None
            return (set(), Fraction(0)) if self._is_score(name) or name.upper().startswith("MINSCORE") else None
        if value.tag in ("sum", "integerToFloat", "min", "max"):
            mapped: set[str] = set()
            added: Fraction | None = Fraction(0)
            for each in value.elements():
                found = self._worth(each)
                if found is None:
                    return None
                if value.tag in ("min", "max"):
                    # A limit beside what is limited.
                    mapped |= found[0]
                    continue
                mapped |= found[0]
                added = None if added is None or found[1] is None else added + found[1]
            return mapped, added
        return None

    def _feedback(self, outcome: str, value: Node, tests: tuple[Test, ...]) -> None:
        if value.tag == "variable" and not tests:
            self.found.follows[outcome] = value.get("identifier")
            return
        if value.tag not in ("baseValue", "multiple"):
            return
        for base in value.walk():
            if base.tag != "baseValue":
                continue
            identifier = base.text().strip()
            if not tests:
                self.found.always.add((outcome, identifier))
            elif len(tests) == 1:
                self.found.told.append((tests[0], outcome, identifier))

    def _is_limit(self, expression: Node, rules: Sequence[Node]) -> bool:
        """Say whether a rule keeps the points between the least and the greatest there are."""
        if any(node.tag in ("correct", *_MAPPINGS) for node in expression.walk()):
            return False
        names = [node.get("identifier") for node in expression.walk() if node.tag == "variable"]
        if not names or not all(self._is_score(name) or _is_edge(name) for name in names):
            return False
        if expression.tag not in ("gt", "gte", "lt", "lte", "and"):
            return False
        for rule in rules:
            values = [node for node in rule.walk() if node.tag in ("variable", "baseValue")]
            if not all(_is_edge(each.get("identifier")) or number(each.text()) == 0 for each in values):
                return False
        return True

    def _earns(self, rule: Node) -> bool:
        return any(
            node.tag == "setOutcomeValue"
            and self._is_score(node.get("identifier"))
            and any(
                _is_greatest(each.get("identifier")) or (each.tag != "variable" and number(each.text()) != 0)
                for each in node.walk()
                if each.tag in ("baseValue", "variable", *_MAPPINGS)
            )
            for node in rule.walk()
        )

    def _is_score(self, name: str) -> bool:
        declared = self.outcomes.get(name)
        if _is_edge(name):
            return False
        if declared is None:
            return name.upper().startswith("SCORE")
        return declared.get("baseType") in ("float", "integer")


def _is_greatest(name: str) -> bool:
    return name.upper().startswith("MAXSCORE")


def _is_edge(name: str) -> bool:
    return _is_greatest(name) or name.upper().startswith("MINSCORE")


def _uses(rule: Node, tags: Sequence[str]) -> bool:
    return any(node.tag in tags for node in rule.walk())


def _tests(expression: Node) -> list[list[Test]] | None:
    """Return the alternatives of an expression, each a list of tests that must all be met; None if not plain."""
    inside = list(expression.elements())
    if expression.tag == "or" or (expression.tag in ("and", "match") and len(inside) == 1):
        options: list[list[Test]] = []
        for each in inside:
            found = _tests(each)
            if found is None:
                return None
            options += found
        return options or None
    if expression.tag == "and":
        between = _between(inside)
        if between is not None:
            return [[between]]
        together: list[Test] = []
        for each in inside:
            found = _tests(each)
            if found is None or len(found) != 1:
                return None
            # “Not empty” beside a comparison says nothing more.
            together += [test for test in found[0] if test.against is not Against.ANYTHING]
        return [together] if together else None
    if expression.tag == "not":
        found = _tests(inside[0]) if len(inside) == 1 else None
        if found and len(found) == 1 and len(found[0]) == 1 and found[0][0].against is Against.NOTHING:
            return [[Test(found[0][0].response, Against.ANYTHING)]]
        return None
    single = _test(expression, inside)
    return None if single is None else [[single]]


def _between(inside: Sequence[Node]) -> Test | None:
    """Return the test of a number that is between two others, both included; None if these are no such comparisons."""
    name = ""
    ends: list[tuple[Fraction, str]] = []
    for each in inside:
        sides = list(each.elements())
        if each.tag == "not" and len(sides) == 1 and sides[0].tag == "isNull":
            continue
        if each.tag not in ("gte", "lte") or sorted(side.tag for side in sides) != ["baseValue", "variable"]:
            return None
        variable, base = sorted(sides, key=lambda side: side.tag == "baseValue")
        end = number(base.text())
        if end is None or name not in ("", variable.get("identifier")):
            return None
        name = variable.get("identifier")
        ends.append((end, base.text().strip()))
    if len(ends) != 2:
        return None
    # Moodle writes the lower end as the upper one.
    (least, written), (greatest, _written) = sorted(ends)
    return Test(name, Against.VALUE, written, Fraction(0), greatest - least)


def _test(expression: Node, inside: Sequence[Node]) -> Test | None:
    response = next((each for each in inside if each.tag == "variable"), None)
    other = next((each for each in inside if each is not response), None)
    if response is None or len(inside) > 2:
        return None
    name = response.get("identifier")
    if expression.tag == "isNull" and other is None:
        return Test(name, Against.NOTHING)
    if expression.tag == "patternMatch" and other is None:
        text = pattern_text(expression.attributes.get("pattern", ""))
        return None if text is None else Test(name, Against.VALUE, text)
    if other is None:
        return None
    if other.tag == "correct":
        against, value = Against.RIGHT, ""
        if other.get("identifier") != name:
            return None
    elif other.tag == "baseValue":
        against, value = Against.VALUE, other.text()
    else:
        return None
    if expression.tag == "match":
        return Test(name, against, _starred(value, other))
    if expression.tag == "member" and inside[0] is other:
        return Test(name, against, value.strip(), is_member=True)
    if expression.tag == "equal":
        return _equal(expression, name, against, value.strip())
    if expression.tag == "stringMatch" and expression.get("substring") != "true":
        return Test(
            name, against, _starred(value, other), case_sensitive=_true(expression.get("caseSensitive", "true"))
        )
    if expression.tag == "substring" and against is Against.VALUE and inside[0] is other:
        case = _true(expression.get("caseSensitive", "true"))
        return Test(name, against, f"*{_starred(value, other)}*", case_sensitive=case)
    return None


def _equal(expression: Node, name: str, against: Against, value: str) -> Test | None:
    mode = expression.get("toleranceMode", "exact")
    if mode == "exact":
        return Test(name, against, value)
    sides = [number(each) for each in expression.get("tolerance").split()]
    if mode not in ("absolute", "relative") or not 1 <= len(sides) <= 2:
        return None
    below, above = sides[0], sides[-1]
    if below is None or above is None or below < 0 or above < 0:
        return None
    if not _true(expression.get("includeLowerBound", "true")) or not _true(expression.get("includeUpperBound", "true")):
        return None
    return Test(name, against, value, below, above, is_relative=mode == "relative")


def pattern_text(pattern: str) -> str | None:
    """Return a regular expression that is but a text with gaps as a text with * for anything; None if it is more."""
    text, end = [], 0
    for sign in _PATTERN_SIGN.finditer(pattern):
        if sign.start() != end or (sign[1] and sign[1].isalnum()):
            return None
        end = sign.end()
        literal = sign[1] or sign[3]
        text.append("*" if sign[2] else "\\*" if literal == "*" else literal)
    return "".join(text) if end == len(pattern) else None


def text_pattern(text: str) -> str:
    """Return a text with * for anything as a regular expression of XML Schema."""
    return "".join(".*" if each == "*" else f"\\{each}" if each in _SIGNS else each for each in pieces(text))


def pieces(text: str) -> Iterator[str]:
    """Yield the signs of a text with * for anything: a star that is meant as itself comes as `\\*`, the rest alone."""
    place = 0
    while place < len(text):
        if text.startswith("\\*", place):
            yield "\\*"
            place += 2
        else:
            yield text[place]
            place += 1


def _starred(value: str, written: Node) -> str:
    """Return a literal text as the record writes it, its stars kept from meaning anything."""
    if written.get("baseType", "string") != "string":
        return value.strip()
    return value.replace("*", "\\*")


def _true(text: str) -> bool:
    return text.strip().lower() in ("true", "1")
