"""Pairs to be matched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from portal.core.i18n import LANGUAGES, Words
from portal.core.i18n import gettext as _
from portal.quizzes.types.base import LETTERS, MAX_PARTS, Choice, Content, Fault, Lot, Part, QuestionType, by_text


def parts_of(
    pairs: Sequence[tuple[Words, Words, Words | None]], extras: Sequence[Words] = (), *, points: int = 1
) -> tuple[Part, ...]:
    """Return the parts of a matching from (left, right, why) of each pair and the choices that fit nothing.

    `points` are those of each pair. What there are more than letters is left out; `check` tells of it.
    """
    texts = list(dict.fromkeys([*(right for _left, right, _why in pairs), *extras]))[: len(LETTERS)]
    return tuple(
        Part(
            str(number),
            left,
            points,
            tuple(Choice(letter, text, text == right) for letter, text in zip(LETTERS, texts, strict=False)),
            why,
        )
        for number, (left, right, why) in enumerate(pairs, start=1)
    )


class Matching(QuestionType):
    """One of the same choices belongs to each of several texts; each text is a part of its own.

    Two texts may have the same choice, and choices may fit none.
    """

    name = "matching"
    kind = "select"

    def samples(self) -> Sequence[Content]:
        why = Words("why", "理由")
        pairs = [(Words(f"left {n}", f"左 {n}"), Words(f"right {n}", f"右 {n}"), why) for n in (1, 2)]
        parts = parts_of(pairs, [Words("right 3", "右 3")])
        return [
            Content(
                type=self.name,
                title=Words("title", "題"),
                stem=Words("stem", "設問"),
                parts=parts,
                clauses=("policy#clause",),
            )
        ]

    def orders(self, content: Content, *, shuffle: bool, lot: Lot) -> dict[str, list[str]]:
        """Return the same order for all parts.

        The author's is that of the pairs: where nothing is shuffled the choices stand in the order of their texts.
        """
        if not content.parts:
            return {}
        first = content.parts[0]
        ids = [choice.id for choice in by_text(first.choices)]
        if shuffle and not self.keeps_order(content, first):
            ids = lot(ids, first.id)
        return {part.id: list(ids) for part in content.parts}

    def shown(self, content: Content, part: Part, order: Mapping[str, Sequence[str]]) -> list[Choice]:
        return super().shown(content, part, order) if order.get(part.id) else by_text(part.choices)

    def check(self, content: Content) -> list[Fault]:
        faults = []
        if len(content.parts) < 2:
            faults.append(
                Fault(
                    _("At least two pairs are to be matched."),
                    _("Write each as “- [x] text” with “  = what belongs to it” below it."),
                )
            )
        if len(content.parts) > MAX_PARTS or any(len(part.choices) > len(LETTERS) for part in content.parts):
            faults.append(
                Fault(
                    _("There are more than %(most)s pairs or choices.", most=MAX_PARTS),
                    _("Take some away, or make two questions."),
                )
            )
        for language in LANGUAGES:
            texts = [part.heading.in_(language) if part.heading else "" for part in content.parts]
            for place, (part, text) in enumerate(zip(content.parts, texts, strict=True)):
                if text and text in texts[:place]:
                    faults.append(
                        Fault(
                            _("“%(text)s” stands on the left side twice.", text=text[:60]),
                            _("Change or remove one of them, in both languages."),
                            part.id,
                            language=language,
                            what="left",
                        )
                    )
                if not text:
                    faults.append(
                        Fault(
                            _("The left side of a pair has no text."),
                            _("Write its text behind the brackets."),
                            part.id,
                            what="left",
                        )
                    )
            for part in content.parts[:1]:
                offered = [choice.text.in_(language) for choice in part.choices]
                for place, text in enumerate(offered):
                    if not text:
                        faults.append(
                            Fault(
                                _("What belongs to a text is empty."),
                                _("Write it behind “= ”, or take the pair away."),
                                part.id,
                                place,
                                what="right",
                            )
                        )
                twice = next((place for place, text in enumerate(offered) if text and text in offered[:place]), None)
                if twice is not None:
                    faults.append(
                        Fault(
                            _("Two choices have the same text: “%(text)s”.", text=offered[twice][:60]),
                            _("Change or remove one of them, in both languages."),
                            part.id,
                            twice,
                            language,
                        )
                    )
            if faults:
                break
        if content.parts and len(content.parts[0].choices) < 2:
            faults.append(
                Fault(
                    _("Everything has the same choice; there is nothing to choose."),
                    _("Add a choice that fits none of them: “- [ ] text”."),
                    content.parts[0].id,
                )
            )
        if len({part.points for part in content.parts}) > 1:
            faults.append(Fault(_("All pairs are worth the same."), _("Set points= once, for each pair.")))
        for part in content.parts:
            if part.heading and any(line.startswith("= ") for line in part.heading.en.split("\n")):
                faults.append(
                    Fault(
                        _("A line of the left side begins with =."),
                        _("Only the right side does; write something else before the sign."),
                        part.id,
                        what="left",
                    )
                )
            if len(part.key) != 1:
                faults.append(
                    Fault(
                        _("Exactly one choice belongs to each text."),
                        _("Write it in one line with “  = ” below the text."),
                        part.id,
                    )
                )
        return faults
