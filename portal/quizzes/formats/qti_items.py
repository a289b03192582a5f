"""A QTI item as a question: which of our types it is, its texts, what earns how many points, and what is left out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

from portal.core.i18n import gettext as _
from portal.quizzes.formats.interchange import (
    FULL,
    MAX_CHOICES,
    MAX_TEXT,
    MAX_TITLE,
    ForeignAnswer,
    ForeignChoice,
    ForeignGap,
    ForeignQuestion,
    Kind,
    TextFormat,
)
from portal.quizzes.formats.qti_marking import Against, Step, Test, marking_of, number
from portal.quizzes.formats.qti_texts import MODE_OF_OURS, OURS, Mode, Reader, is_alone, is_block, unescaped
from portal.quizzes.formats.xml_nodes import Node

TOOL = "Shirube"
GAPS = "shirube-gaps"
GENERAL = "GENERAL"
# How the two answers of a statement are written; the identifiers beside them are ours.
STATEMENTS = (("True", "False"), ("正", "誤"))
BLANK = "_____"
_KNOWN_SPACES = re.compile(r"imsqti(?:_item)?_v2p[012]")
_NEWER, _OLDER = re.compile(r"v3p[0-9]"), re.compile(r"(?:asi|qti)_?v1p[0-9]")
_INLINE = ("inlineChoiceInteraction", "textEntryInteraction")
_BLOCK = (
    "choiceInteraction",
    "orderInteraction",
    "matchInteraction",
    "associateInteraction",
    "extendedTextInteraction",
)
_RANDOM = ("templateDeclaration", "templateProcessing", "printedVariable", "setTemplateValue")
_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,12}(?:\.[0-9]{0,25})?|\.[0-9]{1,25})(?:[eE][+-]?[0-9]{1,2})?", re.ASCII)
_NEAR = Fraction(1, 500)
_CUT = Fraction(1, 10**7)


class ItemRefused(ValueError):
    """The item cannot be taken; the words say why, `line` where."""

    def __init__(self, line: int, reason: str) -> None:
        self.line = line
        super().__init__(reason)


def question_of(root: Node) -> ForeignQuestion:
    """Return the question of an assessmentItem. Raises `ItemRefused`."""
    check_root(root)
    item = _Item(root, Mode.HTML)
    ours = item.mode_of_ours()
    if ours is not None:
        text_format, mode = ours
        return _Item(root, mode).question(text_format)
    question = item.question(TextFormat.HTML)
    # Where no text has a tag, it is plain text.
    return question if item.reader.has_tags else _Item(root, Mode.PLAIN).question(TextFormat.PLAIN)


def check_root(root: Node) -> None:
    """Refuse by its name what is no item of QTI 2. Raises `ItemRefused`."""
    if root.tag.startswith("qti-") or _NEWER.search(root.space):
        raise ItemRefused(root.line, _("This is QTI 3. Export it as QTI 2.1 or 2.2."))
    if root.tag == "questestinterop" or _OLDER.search(root.space):
        raise ItemRefused(root.line, _("This is QTI 1.2. Export it as QTI 2.1 or 2.2."))
    if root.tag == "assessmentTest":
        raise ItemRefused(root.line, _("The arrangement of a test is not taken, only its items."))
    if root.tag != "assessmentItem":
        reason = _("This is no item of QTI: its outermost element is “%(name)s”.", name=root.tag[:60])
        raise ItemRefused(root.line, reason)
    if root.space and not _KNOWN_SPACES.search(root.space):
        raise ItemRefused(root.line, _("This is no known version of QTI: “%(name)s”.", name=root.space[:100]))


@dataclass(frozen=True, slots=True)
class _Response:
    """What an item declares about one response."""

    identifier: str
    base: str
    cardinality: str
    correct: tuple[str, ...]
    entries: tuple[tuple[str, Fraction, bool], ...]
    usual: Fraction
    lower: Fraction | None
    upper: Fraction | None
    initial: str


class _Item:
    """Reads one item in one mode of its texts."""

    def __init__(self, root: Node, mode: Mode) -> None:
        self.root = root
        self.line = root.line
        self.reader = Reader(mode, self._in_place)
        self.is_ours = root.get("toolName") == TOOL
        self.outcomes = {each.get("identifier"): each for each in root.elements("outcomeDeclaration")}
        self.responses = {found.identifier: found for found in map(_response, root.elements("responseDeclaration"))}
        self.marking = marking_of(root, self.outcomes, self.responses)
        self.body = root.first("itemBody") or Node("itemBody", root.space, {}, root.line)
        self.places: dict[int, str] = {}
        self._index_feedback()

    def _index_feedback(self) -> None:
        """Lay feedback ready by the identifier of its choice, and by the rules that bring it."""
        shown = [node for node in self.root.elements("modalFeedback") if node.get("showHide", "show") == "show"]
        self.left = {id(node) for node in self.root.elements("modalFeedback")}
        self.told_outcomes = {outcome for _test, outcome, _id in self.marking.told}
        self.named: dict[str, Node] = {}
        by_outcome: dict[tuple[str, str], Node] = {}
        for node in shown:
            self.named.setdefault(node.get("identifier"), node)
            by_outcome.setdefault((node.get("outcomeIdentifier"), node.get("identifier")), node)
        self.shown = by_outcome
        self.by_rule: dict[str, list[tuple[Test, Node]]] = {}
        for test, outcome, identifier in self.marking.told:
            found = by_outcome.get((outcome, identifier))
            if found is not None:
                self.by_rule.setdefault(test.response, []).append((test, found))

    def mode_of_ours(self) -> tuple[TextFormat, Mode] | None:
        """Return what our own writer says the texts are written in."""
        marks = self.body.get("class").split()
        for text_format, mark in OURS.items():
            if self.is_ours and mark in marks:
                return text_format, MODE_OF_OURS[text_format]
        return None

    def question(self, text_format: TextFormat) -> ForeignQuestion:
        """Return the question. Raises `ItemRefused`."""
        self._check()
        notes = self._rubrics()
        kept = [each for each in self.body.walk() if each.tag in (*_INLINE, *_BLOCK)]
        general = self._general()
        if not kept:
            made = ForeignQuestion(Kind.DESCRIPTION, "", self._stem(None), points=self._of_no_answer())
        elif len(kept) == 1 and kept[0].tag in _BLOCK:
            made = self._block(kept[0])
        else:
            made = self._inline(kept)
        self._note_left_out()
        title = self.root.attributes.get("title", "")
        if not self.is_ours:
            # Some tools escape a title twice.
            title = " ".join(unescaped(title).split())
        if not title and not self.is_ours:
            title = _shortened(made.stem)
        if len(title) > MAX_TITLE and not self.is_ours:
            title = title[:MAX_TITLE].rstrip()
            self.reader.lose(_("the end of its title"))
        made = replace(
            made,
            title=title,
            text_format=text_format,
            general_feedback=general,
            marking_notes=made.marking_notes or notes,
            id=self.root.attributes.get("label", "") if self.is_ours else self.root.get("identifier"),
            line=self.line,
            losses=tuple(self.reader.losses),
        )
        texts = [made.stem, made.general_feedback, made.marking_notes, made.template]
        texts += [each.text for each in made.choices] + [each.text for each in made.answers]
        texts += [side for pair in made.pairs for side in pair]
        if max(map(len, texts)) > MAX_TEXT:
            raise ItemRefused(self.line, _("The text is longer than %(most)s characters.", most=MAX_TEXT))
        return made

    # --- what is refused, what is left out ---

    def _check(self) -> None:
        if self.root.get("adaptive") in ("true", "1"):
            raise ItemRefused(self.line, _("Adaptive items, which go on after an answer, are not taken."))
        for node in self.root.walk():
            if node.tag in _RANDOM:
                reason = _("Items whose values are drawn anew each time (%(name)s) are not taken.", name=node.tag)
                raise ItemRefused(node.line, reason)
        inside = [node for node in self.body.walk() if node.tag.endswith("Interaction")]
        for node in inside:
            if node.tag not in (*_INLINE, *_BLOCK):
                raise ItemRefused(node.line, _("Interactions of the kind %(name)s are not taken.", name=node.tag))
        blocks = [node for node in inside if node.tag in _BLOCK]
        if blocks and len(inside) > 1:
            second = inside[1]
            names = ", ".join(dict.fromkeys(node.tag for node in inside))
            reason = _("The item asks several things at once (%(names)s). Split it.", names=names[:200])
            raise ItemRefused(second.line, reason)
        if len(inside) > MAX_CHOICES:
            raise ItemRefused(inside[MAX_CHOICES].line, _("There are more than %(most)s gaps.", most=MAX_CHOICES))

    def _rubrics(self) -> str:
        """Return what is said to markers, and take from the body what is said to others than learners."""
        notes: list[str] = []
        if any(each.tag in ("rubricBlock", "feedbackBlock", "feedbackInline") for each in self.body.walk()):
            self.body = self._without_rubrics(self.body, notes)
        return ("\n" if self.reader.mode is Mode.PLAIN else "").join(notes)

    def _without_rubrics(self, node: Node, notes: list[str]) -> Node:
        children: list[Node | str] = []
        for child in node.children:
            if isinstance(child, str) or child.tag in ("simpleChoice", "inlineChoice"):
                children.append(child)
            elif child.tag == "rubricBlock":
                view = child.get("view").split()
                if not view or "candidate" in view:
                    children += child.children
                elif "scorer" in view:
                    notes.append(self.reader.text((self.is_ours and child.first("div")) or child))
                else:
                    self.reader.lose(_("what is said to others than its takers (%(view)s)", view=" ".join(view)[:60]))
            elif child.tag in ("feedbackBlock", "feedbackInline"):
                self.reader.lose(_("feedback within its text"))
            else:
                children.append(self._without_rubrics(child, notes) if child.children else child)
        return Node(node.tag, node.space, node.attributes, node.line, children)

    def _note_left_out(self) -> None:
        if self.marking.takes_typos:
            self.reader.lose(_("that an answer with a slip of the keyboard is taken"))
        if self.marking.strange:
            self.reader.lose(_("its own rules of marking"))
        if self.left:
            self.reader.lose(_("feedback that belongs to no single answer"))

    # --- texts ---

    def _stem(self, interaction: Node | None) -> str:
        if self.is_ours and self.mode_of_ours() is not None:
            return self.reader.text(self.body.first("div"))
        return self.reader.of(self.body.children if interaction is None else self._body_with(self.body, interaction))

    def _body_with(self, node: Node, interaction: Node) -> list[Node | str]:
        """Return what is in the body, the interaction replaced by what it asks."""
        children: list[Node | str] = []
        for child in node.children:
            if isinstance(child, str):
                children.append(child)
            elif child is interaction:
                prompt = child.first("prompt")
                if prompt is not None and (prompt.text().strip() or any(prompt.elements())):
                    has_blocks = any(each.tag in ("p", "div", "ul", "ol", "table") for each in prompt.walk())
                    children.append(Node("div" if has_blocks else "p", child.space, {}, child.line, prompt.children))
            elif child.children:
                inside = self._body_with(child, interaction)
                children.append(Node(child.tag, child.space, child.attributes, child.line, inside))
            else:
                children.append(child)
        return children

    def _in_place(self, node: Node) -> str | None:
        if node.tag not in _INLINE:
            return None
        return self.places.get(id(node), "")

    def _general(self) -> str:
        """Return the feedback that is shown in every case."""
        for (outcome, identifier), node in self.shown.items():
            declared = self.outcomes.get(outcome)
            value = declared.first("defaultValue") if declared is not None else None
            is_usual = value is not None and value.words() == identifier
            is_set = outcome in self.marking.follows or outcome in self.told_outcomes
            if (outcome, identifier) in self.marking.always or (is_usual and not is_set):
                self.left.discard(id(node))
                return self.reader.text(node)
        return ""

    def _feedback_of(self, response: str, met: Callable[[Test], bool], identifier: str = "") -> str:
        """Return the feedback that one answer brings: by the identifier of its choice, or by a rule."""
        named = self.named.get(identifier) if identifier else None
        if named is not None and self._follows(named.get("outcomeIdentifier"), response):
            self.left.discard(id(named))
            return self.reader.text(named)
        for test, node in self.by_rule.get(response, ()):
            if met(test):
                self.left.discard(id(node))
                return self.reader.text(node)
        return ""

    def _follows(self, outcome: str, response: str) -> bool:
        followed = self.marking.follows.get(outcome)
        return followed == response or (followed is None and outcome not in self.told_outcomes)

    # --- points ---

    def _maximum(self, response: str = "") -> Fraction | None:
        """Return the greatest number of points that the item names, of one response where one is given."""
        declared = self.outcomes.get(f"MAXSCORE_{response}" if response else "MAXSCORE")
        value = declared.first("defaultValue") if declared is not None else None
        found = number(value.text()) if value is not None else None
        score = self.outcomes.get(f"SCORE_{response}" if response else "SCORE")
        if found is None and score is not None:
            found = number(score.get("normalMaximum"))
        return found if found is not None and found > 0 else None

    def _of_no_answer(self) -> Fraction:
        """Return the points of what is not marked by itself; ours may say that there are none."""
        declared = self.outcomes.get("MAXSCORE")
        is_none = self.is_ours and declared is not None and number(declared.text()) == 0
        return Fraction(0) if is_none else self._maximum() or Fraction(1)

    def _scale(self, best: Fraction, line: int, response: str = "") -> Fraction:
        """Return what a whole right answer earns. Raises `ItemRefused` where nothing earns any points."""
        named = self._maximum(response)
        if named is not None and (self.is_ours or abs(named - best) <= named * _NEAR):
            return named
        if best <= 0:
            raise ItemRefused(line, _("The item names no right answer."))
        return best

    def _is_mapped(self, response: _Response) -> bool:
        if response.identifier in self.marking.mapped or self.marking.by_template == "map":
            # Without a mapping, what is said to be right is meant.
            return bool(response.entries or response.usual or not response.correct)
        if self.marking.by_template or response.identifier in self.marking.steps or self.marking.together:
            return False
        return bool(response.entries) and (not response.correct or self.marking.is_absent)

    def _mapping(self, response: _Response) -> dict[str, Fraction]:
        return {key: _within(worth, response) for key, worth, _case in response.entries}

    def _earned(self, points: Fraction | None, response: str) -> Fraction:
        """Return what a rule gives: so many points, or all there are."""
        return points if points is not None else self._whole(None, response)

    def _whole(self, points: Fraction | None, response: str = "") -> Fraction:
        """Return what all of it right earns: what a rule gives for it, what the item names, else one point."""
        if points is not None and points > 0:
            return points
        return (self._maximum(response) if response else None) or self._maximum() or Fraction(1)

    # --- one interaction ---

    def _block(self, node: Node) -> ForeignQuestion:
        response = self.responses.get(node.get("responseIdentifier"))
        if node.tag == "extendedTextInteraction":
            return self._free_text(node, response)
        if response is None:
            raise ItemRefused(node.line, _("The response of the item is not declared."))
        if node.tag == "choiceInteraction":
            return self._choice(node, response)
        if node.tag == "orderInteraction":
            return self._ordering(node, response)
        return self._matching(node, response)

    def _free_text(self, node: Node, response: _Response | None) -> ForeignQuestion:
        notes = ""
        template = ""
        if response is not None:
            template = response.initial if self.is_ours else response.initial.strip()
            model = [text.strip() for text in response.correct if text.strip()]
            if model and not self.is_ours:
                notes = "\n".join(model)
            if response.entries or response.identifier in self.marking.steps:
                self.reader.lose(_("that its text is marked by itself"))
        self.marking.strange = False
        return ForeignQuestion(
            Kind.FREE_TEXT,
            "",
            self._stem(node),
            points=self._of_no_answer(),
            template=template,
            marking_notes=notes,
        )

    def _choices(self, node: Node, tag: str, response: _Response) -> list[tuple[str, ForeignChoice]]:
        choices: list[tuple[str, ForeignChoice]] = []
        for each in node.elements(tag):
            identifier = each.get("identifier")
            feedback = ""
            for told in each.walk():
                if told.tag in ("feedbackInline", "feedbackBlock") and told.get("showHide", "show") == "show":
                    if feedback:
                        self.reader.lose(_("more feedback of one choice"))
                    else:
                        feedback = self.reader.text(told)
            text = self.reader.text(each, without=("feedbackInline", "feedbackBlock"))
            choices.append((identifier, ForeignChoice(text, Fraction(0), feedback)))
        if not 2 <= len(choices) <= MAX_CHOICES:
            raise ItemRefused(node.line, _("A question needs at least two choices."))
        if len({identifier for identifier, _choice in choices}) < len(choices):
            raise ItemRefused(node.line, _("Two choices have the same identifier."))
        return choices

    def _note_fixed(self, node: Node, tag: str) -> None:
        if any(each.get("fixed") in ("true", "1") for each in node.elements(tag)) and self._shuffles(node):
            self.reader.lose(_("which choices stay in their place"))

    def _shuffles(self, node: Node) -> bool:
        return node.get("shuffle").lower() in ("true", "1")

    def _choice(self, node: Node, response: _Response) -> ForeignQuestion:
        choices = self._choices(node, "simpleChoice", response)
        most = number(node.get("maxChoices", "1"))
        is_multiple = response.cardinality == "multiple" and (
            most != 1 or ("maxChoices" not in node.attributes and len(response.correct) > 1)
        )
        if response.cardinality not in ("single", "multiple"):
            raise ItemRefused(node.line, _("The response of the item is of no kind that fits its choices."))
        if is_multiple and most is not None and 1 < most < len(choices):
            self.reader.lose(_("how many choices may be made"))
        least = number(node.get("minChoices", "0"))
        if least is not None and least > 1:
            self.reader.lose(_("how many choices must be made"))
        identifiers = [identifier for identifier, _choice in choices]
        worths, all_or_nothing, points = self._worths(node, response, identifiers, most if is_multiple else Fraction(1))
        is_statement = not is_multiple and self._is_statement(choices, worths)
        if not is_statement:
            # True and false keep their order anyhow.
            self._note_fixed(node, "simpleChoice")
        told = []
        for identifier, choice in choices:
            worth = worths[identifier]
            feedback = choice.feedback or self._feedback_of(
                response.identifier, self._met_by(identifier, response, is_multiple=is_multiple), identifier
            )
            told.append(replace(choice, fraction=_percent(worth, points), feedback=feedback))
        made = ForeignQuestion(
            Kind.MULTIPLE_CHOICE if is_multiple else Kind.SINGLE_CHOICE,
            "",
            self._stem(node),
            choices=tuple(told),
            points=points,
            shuffle=self._shuffles(node),
            all_or_nothing=all_or_nothing,
        )
        return self._statement(made, node) if is_statement else made

    def _worths(
        self, node: Node, response: _Response, identifiers: Sequence[str], most: Fraction | None
    ) -> tuple[dict[str, Fraction], bool, Fraction]:
        """Return what each choice is worth, whether only all right ones together earn, and what those earn."""
        right = [each for each in identifiers if each in set(response.correct)]
        steps = self.marking.steps.get(response.identifier, [])
        is_multiple = response.cardinality == "multiple" and most != 1
        if self._is_mapped(response):
            mapping = self._mapping(response)
            worths = {each: mapping.get(each, _within(response.usual, response)) for each in identifiers}
            if is_multiple and (response.lower is None or response.lower < 0) and min(worths.values()) < 0:
                self.reader.lose(_("that the whole answer may cost points"))
        elif any(step.test.against is Against.VALUE for step in steps):
            worths = self._by_steps(steps, identifiers, right, response.identifier)
            if is_multiple and not all(step.test.is_member for step in steps):
                self.marking.strange = True
        else:
            if any(step.test.against is not Against.RIGHT for step in steps):
                self.marking.strange = True
            if not right:
                raise ItemRefused(node.line, _("The item names no right answer."))
            points = self._whole(steps[0].points if steps else None)
            part = points / len(right)
            return {each: part if each in right else Fraction(0) for each in identifiers}, is_multiple, points
        if is_multiple:
            gains = sorted((worth for worth in worths.values() if worth > 0), reverse=True)
            best = sum(gains[: int(most)] if most else gains, Fraction(0))
            if response.upper is not None and 0 < response.upper < best:
                best = response.upper
        else:
            best = max(worths.values())
        return worths, False, self._scale(best, node.line)

    def _by_steps(
        self, steps: Sequence[Step], identifiers: Sequence[str], right: Sequence[str], response: str
    ) -> dict[str, Fraction]:
        """Return what choices earn by rules that name them; the first rule that one meets counts."""
        valued = {step.test.value for step in steps if step.test.against is Against.VALUE}
        worths: dict[str, Fraction] = {}
        for step in steps:
            if step.test.against is Against.VALUE:
                named: Sequence[str] = (step.test.value,)
            elif step.test.against is Against.RIGHT:
                named = right
            else:
                named = [each for each in identifiers if each not in valued]
            for each in named:
                worths.setdefault(each, self._earned(step.points, response))
        return {each: worths.get(each, Fraction(0)) for each in identifiers}

    def _met_by(self, identifier: str, response: _Response, *, is_multiple: bool) -> Callable[[Test], bool]:
        right = set(response.correct)

        def met(test: Test) -> bool:
            if test.against is Against.VALUE:
                return test.value == identifier
            if is_multiple:
                return False
            is_right = identifier in right
            return is_right if test.against is Against.RIGHT else test.against is Against.REST and not is_right

        return met

    def _is_statement(self, choices: Sequence[tuple[str, ForeignChoice]], worths: dict[str, Fraction]) -> bool:
        if self.is_ours and [identifier for identifier, _choice in choices] != ["true", "false"]:
            return False
        texts = tuple(choice.text.strip() for _id, choice in choices)
        values = sorted(worths.values())
        is_known = texts in STATEMENTS or texts[::-1] in STATEMENTS
        return is_known and len(values) == 2 and values[0] == 0 and values[1] > 0

    def _statement(self, made: ForeignQuestion, node: Node) -> ForeignQuestion:
        first, second = made.choices
        if (second.text.strip(), first.text.strip()) in STATEMENTS:
            first, second = second, first
        return replace(
            made,
            type=Kind.TRUE_FALSE,
            choices=(),
            correct=first.fraction > 0,
            feedback_true=first.feedback,
            feedback_false=second.feedback,
            shuffle=made.shuffle if self.is_ours else True,
        )

    def _ordering(self, node: Node, response: _Response) -> ForeignQuestion:
        choices = dict(self._choices(node, "simpleChoice", response))
        self._note_fixed(node, "simpleChoice")
        if sorted(response.correct) != sorted(choices):
            raise ItemRefused(node.line, _("The right order does not name every choice once."))
        steps = self.marking.steps.get(response.identifier, ())
        if any(step.test.against is not Against.RIGHT for step in steps) or self._is_mapped(response):
            self.marking.strange = True
        earned = next((step.points for step in steps if step.test.against is Against.RIGHT), None)
        return ForeignQuestion(
            Kind.ORDERING,
            "",
            self._stem(node),
            choices=tuple(choices[each] for each in response.correct),
            points=self._whole(earned),
            shuffle=self._shuffles(node),
        )

    def _matching(self, node: Node, response: _Response) -> ForeignQuestion:
        sets = [dict(self._side(side)) for side in node.elements("simpleMatchSet")]
        is_associate = node.tag == "associateInteraction"
        if is_associate:
            sets = [dict(self._side(node))] * 2
        if len(sets) != 2 or not sets[0] or not sets[1]:
            raise ItemRefused(node.line, _("The item has not two sides to match."))
        is_mapped = self._is_mapped(response)
        named = response.correct
        mapping = self._mapping(response)
        if not named:
            named = tuple(key for key, worth in mapping.items() if worth > 0)
        pairs = [tuple(each.split()) for each in named]
        if not pairs or not all(len(pair) == 2 and pair[0] in sets[0] and pair[1] in sets[1] for pair in pairs):
            raise ItemRefused(node.line, _("The right pairs do not name the sides of the item."))
        lefts, rights = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
        if is_associate:
            if len({*lefts, *rights}) < 2 * len(pairs):
                raise ItemRefused(node.line, _("Something belongs into several pairs, which is not taken."))
            self.reader.lose(_("that either side of a pair may be chosen first"))
            spare = [each for each in sets[0] if each not in lefts and each not in rights]
            chosen = [(sets[0][left], sets[0][right]) for left, right in zip(lefts, rights, strict=True)]
            chosen += [("", sets[0][each]) for each in spare]
        else:
            chosen = self._pairs(node, sets[0], sets[1], lefts, rights)
        worths = [mapping.get(each, response.usual) for each in named] if is_mapped else []
        if len(set(worths)) > 1:
            self.reader.lose(_("what each pair is worth"))
        if is_mapped and (response.usual or any(worth < 0 for worth in mapping.values())):
            self.reader.lose(_("what a wrong pair costs"))
        best = sum(worths, Fraction(0))
        if is_mapped and response.upper is not None and 0 < response.upper < best:
            best = response.upper
        steps = self.marking.steps.get(response.identifier, ())
        if any(step.test.against is not Against.RIGHT for step in steps):
            self.marking.strange = True
        earned = next((step.points for step in steps), None)
        return ForeignQuestion(
            Kind.MATCHING,
            "",
            self._stem(node),
            pairs=tuple(chosen),
            points=self._scale(best, node.line) if is_mapped else self._whole(earned),
            shuffle=self._shuffles(node),
            all_or_nothing=not is_mapped,
        )

    def _side(self, side: Node) -> Iterator[tuple[str, str]]:
        found = list(side.elements("simpleAssociableChoice"))
        if len(found) > MAX_CHOICES:
            raise ItemRefused(side.line, _("There are more than %(most)s choices.", most=MAX_CHOICES))
        for each in found:
            yield each.get("identifier"), self.reader.text(each)

    def _pairs(
        self, node: Node, first: dict[str, str], second: dict[str, str], lefts: list[str], rights: list[str]
    ) -> list[tuple[str, str]]:
        if len(set(lefts)) < len(lefts) or set(lefts) != set(first):
            # Perhaps it is the second side that is matched with the first.
            if len(set(rights)) == len(rights) and set(rights) == set(second):
                return self._pairs(node, second, first, rights, lefts)
            reason = _("An item in which something belongs to none or to several of the other side is not taken.")
            raise ItemRefused(node.line, reason)
        found = dict(zip(lefts, rights, strict=True))
        return [(text, second[found[each]]) for each, text in first.items()] + [
            ("", text) for each, text in second.items() if each not in found.values()
        ]

    # --- gaps ---

    def _inline(self, nodes: Sequence[Node]) -> ForeignQuestion:
        marks = self.body.get("class").split()
        for node in nodes:
            if node.get("responseIdentifier") not in self.responses:
                raise ItemRefused(node.line, _("The response of the item is not declared."))
        if len(nodes) == 1 and nodes[0].tag == "textEntryInteraction" and GAPS not in marks:
            return self._written(nodes[0])
        if len({node.get("responseIdentifier") for node in nodes}) < len(nodes):
            raise ItemRefused(nodes[0].line, _("Two gaps share one response."))
        gaps = {}
        for place, node in enumerate(self._numbered(nodes), start=1):
            self.places[id(node)] = f"[[{place}]]"
            gaps[place] = self._gap(node)
        self.reader.has_gaps = True
        together = self.marking.together or (self.is_ours and len(nodes) == 1 and self._is_together(nodes[0]))
        total = sum((gap.points for gap in gaps.values()), Fraction(0))
        named = self._maximum()
        points = total
        if together:
            points = self._whole(self.marking.together_points)
        elif named is not None and (self.is_ours or abs(named - total) <= named * _NEAR):
            points = named
            if self.is_ours:
                # The gaps share the points of the question as their own points are to each other.
                gaps = {place: _rescaled(gap, named / total) for place, gap in gaps.items()}
        shuffled = {self._shuffles(node) for node in nodes if node.tag == "inlineChoiceInteraction"}
        if len(shuffled) > 1:
            self.reader.lose(_("whether its choices are shuffled"))
        return ForeignQuestion(
            Kind.GAP,
            "",
            self._stem(None),
            gaps=tuple(gaps.values()),
            points=points,
            shuffle=False not in shuffled,
            all_or_nothing=together,
        )

    def _is_together(self, node: Node) -> bool:
        """Say whether a gap that is the only one is marked as ours are where all must be right."""
        steps = self.marking.steps.get(node.get("responseIdentifier"), [])
        return bool(steps) and all(step.test.against is Against.RIGHT for step in steps)

    def _numbered(self, nodes: Sequence[Node]) -> Sequence[Node]:
        """Return the gaps in their order: as ours are numbered, else as they stand."""
        if not self.is_ours:
            return nodes
        return sorted(nodes, key=lambda node: int(re.sub(r"[^0-9]", "", node.get("responseIdentifier"))[:6] or 0))

    def _gap(self, node: Node) -> ForeignGap:
        response = self.responses[node.get("responseIdentifier")]
        if node.tag == "textEntryInteraction":
            answers, points, case_sensitive, is_numeric = self._answers(node, response, response.identifier)
            return ForeignGap((), answers, points, is_numeric, case_sensitive)
        choices = self._choices(node, "inlineChoice", response)
        self._note_fixed(node, "inlineChoice")
        identifiers = [identifier for identifier, _choice in choices]
        worths, points = self._worths_of_gap(node, response, identifiers)
        told = tuple(
            replace(
                choice,
                fraction=_percent(worths[identifier], points),
                feedback=choice.feedback
                or self._feedback_of(
                    response.identifier, self._met_by(identifier, response, is_multiple=False), identifier
                ),
            )
            for identifier, choice in choices
        )
        return ForeignGap(told, (), points)

    def _worths_of_gap(
        self, node: Node, response: _Response, identifiers: Sequence[str]
    ) -> tuple[dict[str, Fraction], Fraction]:
        steps = self.marking.steps.get(response.identifier, [])
        right = [each for each in identifiers if each in set(response.correct)]
        if self._is_mapped(response):
            mapping = self._mapping(response)
            worths = {each: mapping.get(each, _within(response.usual, response)) for each in identifiers}
        elif steps:
            worths = self._by_steps(steps, identifiers, right, response.identifier)
        else:
            whole = self._maximum(response.identifier) or Fraction(1)
            worths = {each: whole if each in right else Fraction(0) for each in identifiers}
        return worths, self._scale(max(worths.values()), node.line, response.identifier)

    def _written(self, node: Node) -> ForeignQuestion:
        """Return the question of one place to write: a word or a number is all there is to answer."""
        response = self.responses[node.get("responseIdentifier")]
        answers, points, case_sensitive, is_numeric = self._answers(node, response, "")
        self.places[id(node)] = "" if self._stands_alone(node) else BLANK
        return ForeignQuestion(
            Kind.NUMERIC if is_numeric else Kind.SHORT_ANSWER,
            "",
            self._stem(None),
            answers=answers,
            points=points,
            case_sensitive=case_sensitive,
        )

    def _stands_alone(self, node: Node) -> bool:
        """Say whether a place to write stands on a line of its own, so that the text does without it."""
        above = {id(child): parent for parent in self.body.walk() for child in parent.elements()}
        while True:
            parent = above[id(node)]
            place = next(place for place, child in enumerate(parent.children) if child is node)
            if not is_alone(parent.children, place):
                return False
            if parent is self.body or is_block(parent.tag):
                return True
            node = parent

    def _answers(
        self, node: Node, response: _Response, scale: str
    ) -> tuple[tuple[ForeignAnswer, ...], Fraction, bool, bool]:
        """Return the answers of a place to write, what they earn, whether case counts, whether they are numbers."""
        if response.cardinality == "record":
            raise ItemRefused(node.line, _("The response of the item is of no kind that fits its choices."))
        is_numeric = response.base in ("float", "integer")
        steps = self.marking.steps.get(response.identifier, ())
        found: list[tuple[Test, Fraction]] = []
        if self._is_mapped(response):
            for key, worth, case in response.entries:
                test = Test(response.identifier, Against.VALUE, key.replace("*", "\\*"), case_sensitive=case)
                found.append((test, _within(worth, response)))
            if response.usual:
                found.append((Test(response.identifier, Against.ANYTHING), _within(response.usual, response)))
        elif steps:
            for step in steps:
                found += self._of_step(step, response, scale)
                if len(found) > MAX_CHOICES:
                    break
        else:
            whole = (self._maximum(scale) or Fraction(1)) if scale else self._whole(None)
            for value in response.correct:
                found.append((Test(response.identifier, Against.VALUE, value.replace("*", "\\*")), whole))
        if not found:
            raise ItemRefused(node.line, _("The item names no right answer."))
        if len(found) > MAX_CHOICES:
            raise ItemRefused(node.line, _("There are more than %(most)s answers.", most=MAX_CHOICES))
        points = self._scale(max(worth for _test, worth in found), node.line, scale)
        cases = {test.case_sensitive for test, _worth in found if test.against is Against.VALUE and test.value != "*"}
        if len(cases) > 1:
            self.reader.lose(_("that upper and lower case differ in some answers only"))
        answers = []
        for test, worth in found:
            feedback = self._feedback_of(response.identifier, self._same(test, response))
            answers.append(self._answer(node, test, _percent(worth, points), feedback, is_numeric=is_numeric))
        return tuple(answers), points, not is_numeric and True in cases, is_numeric

    def _of_step(self, step: Step, response: _Response, scale: str) -> Iterator[tuple[Test, Fraction]]:
        worth = step.points
        if worth is None:
            worth = (self._maximum(scale) or Fraction(1)) if scale else self._whole(None, response.identifier)
        if step.test.against is Against.RIGHT:
            for value in response.correct:
                yield replace(step.test, against=Against.VALUE, value=value.replace("*", "\\*")), worth
        elif step.test.against is Against.REST:
            yield replace(step.test, against=Against.ANYTHING), worth
        else:
            yield step.test, worth

    def _same(self, test: Test, response: _Response) -> Callable[[Test], bool]:
        right = set(response.correct)

        def met(other: Test) -> bool:
            if other.against is Against.RIGHT:
                return test.against is Against.VALUE and test.value.replace("\\*", "*") in right
            if other.against is Against.VALUE:
                sides = (other.value, other.below, other.above, other.is_relative)
                return (test.value, test.below, test.above, test.is_relative) == sides
            return other.against is test.against or (other.against is Against.REST and test.against is Against.ANYTHING)

        return met

    def _answer(self, node: Node, test: Test, fraction: Fraction, feedback: str, *, is_numeric: bool) -> ForeignAnswer:
        if not is_numeric:
            text = "*" if test.against is Against.ANYTHING else test.value
            return ForeignAnswer(text if self.is_ours else " ".join(text.split()), fraction=fraction, feedback=feedback)
        if test.against is Against.ANYTHING:
            return ForeignAnswer(value="*", fraction=fraction, feedback=feedback)
        written = test.value.strip()
        value = number(written)
        if value is None or not _NUMBER.fullmatch(written):
            reason = _("“%(text)s” is no number.", text=written[:40])
            raise ItemRefused(node.line, reason)
        if "e" in written.lower():
            written = _decimal(value)
        if test.below is None or test.above is None:
            # Exactly, as the files of others say it in every format.
            exactly = "" if self.is_ours else "0"
            return ForeignAnswer(value=written, tolerance=exactly, fraction=fraction, feedback=feedback)
        below, above = test.below, test.above
        if test.is_relative:
            below, above = abs(value) * below / 100, abs(value) * above / 100
        if below != above:
            # The same numbers are right around the middle.
            written, below = _decimal(value + (above - below) / 2), (below + above) / 2
        return ForeignAnswer(value=written, tolerance=_decimal(below), fraction=fraction, feedback=feedback)


def _response(node: Node) -> _Response:
    correct = node.first("correctResponse")
    mapping = node.first("mapping")
    initial = node.first("defaultValue")
    entries: list[tuple[str, Fraction, bool]] = []
    base = node.get("baseType", "string")
    if mapping is not None:
        for each in mapping.elements("mapEntry"):
            worth = number(each.get("mappedValue"))
            if worth is not None:
                key = each.attributes.get("mapKey", "")
                case = each.get("caseSensitive", "true") in ("true", "1")
                entries.append((key if base == "string" else " ".join(key.split()), worth, case))
    value = initial.first("value") if initial is not None else None
    return _Response(
        identifier=node.get("identifier"),
        base=base,
        cardinality=node.get("cardinality", "single"),
        correct=tuple(
            each.text() if base == "string" else each.words()
            for each in (correct.elements("value") if correct is not None else ())
        ),
        entries=tuple(entries),
        usual=(number(mapping.get("defaultValue")) if mapping is not None else None) or Fraction(0),
        lower=number(mapping.get("lowerBound")) if mapping is not None else None,
        upper=number(mapping.get("upperBound")) if mapping is not None else None,
        initial=value.text() if value is not None else "",
    )


def _within(worth: Fraction, response: _Response) -> Fraction:
    """Return what a mapping gives for one value, within its bounds where a single value is all there is."""
    if response.cardinality != "single":
        return worth
    if response.lower is not None:
        worth = max(worth, response.lower)
    return min(worth, response.upper) if response.upper is not None else worth


def _percent(worth: Fraction, whole: Fraction) -> Fraction:
    """Return how much of the whole something is worth; what decimals have cut off of a simple share is restored."""
    share = worth / whole * FULL
    near = share.limit_denominator(60)
    return near if abs(near - share) < _CUT else share


def _rescaled(gap: ForeignGap, factor: Fraction) -> ForeignGap:
    return replace(
        gap,
        choices=tuple(replace(each, fraction=_percent(each.fraction, factor * FULL)) for each in gap.choices),
        answers=tuple(replace(each, fraction=_percent(each.fraction, factor * FULL)) for each in gap.answers),
    )


def _decimal(value: Fraction) -> str:
    """Return a number as it is written with digits, to twelve places."""
    text = f"{Decimal(value.numerator) / Decimal(value.denominator):.12f}"
    return text.rstrip("0").rstrip(".")


def _shortened(text: str) -> str:
    return " ".join(re.sub(r"<[^<>]*>", " ", text).split())[:MAX_TITLE].rstrip()
