"""Questions of others as a bank's and back: what both can say comes back, and the losses are exactly the rest."""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from portal.core import markdown
from portal.core.i18n import Words
from portal.quizzes.formats import foreign, markup
from portal.quizzes.formats.detecting import format_of
from portal.quizzes.formats.interchange import (
    FULL,
    ForeignAnswer,
    ForeignChoice,
    ForeignGap,
    ForeignQuestion,
    Kind,
    TextFormat,
)
from portal.quizzes.formats.into_bank import fingerprint, in_language, into_bank, out_of_bank
from portal.quizzes.formats.losses import CannotHold
from portal.quizzes.types import type_of
from portal.quizzes.types.base import Content
from tests.material import material
from tests.quizzes import foreign_questions
from tests.quizzes.strategies import contents
from tests.volume import examples

pytestmark = pytest.mark.any_database

# What becomes of the other language is no loss of what is in this one.
OF_LANGUAGE = {"its Japanese text", "its English text"}
SLOW = settings(max_examples=examples(60), deadline=None, suppress_health_check=list(HealthCheck))


def choice(*values: tuple[str, int | Fraction], **further: object) -> ForeignQuestion:
    """A question of one choice: texts and percentages."""
    choices = tuple(ForeignChoice(text, Fraction(fraction)) for text, fraction in values)
    return replace(
        ForeignQuestion(Kind.SINGLE_CHOICE, "T", "Which?", TextFormat.MARKDOWN, choices=choices),
        **further,  # type: ignore[arg-type]
    )


def comparable(content: Content, language: str) -> Content:
    """A question in one language; the choices of a matching stand in no order."""
    found = in_language(content, language)
    if content.type != Kind.MATCHING:
        return found
    return replace(
        found,
        parts=tuple(
            replace(
                part,
                choices=tuple(
                    replace(each, id="") for each in sorted(part.choices, key=lambda each: (each.text.en, each.text.ja))
                ),
            )
            for part in found.parts
        ),
    )


@given(contents(), st.sampled_from(["en", "ja"]))
@SLOW
def test_a_question_comes_back_into_the_bank_but_for_the_losses_that_are_told(content: Content, language: str) -> None:
    # Unusual blanks in a title come back as plain ones.
    assume(all(" ".join(title.split()) == title for title in (content.title.en, content.title.ja)))
    out = out_of_bank(content, language=language, slug="q")
    back = into_bank(out.question, language=language, document=content.document)
    is_same = comparable(back.content, language) == comparable(content, language)
    assert is_same == (set(out.losses) <= OF_LANGUAGE), out.losses
    assert set(out.losses) - OF_LANGUAGE == _beyond_files(content)
    assert back.losses == ()
    assert back.slug == "q"


def _beyond_files(content: Content) -> set[str]:
    """What a bank says that the record of files has no words for."""
    return {"its picture"} if content.picture else set()


@given(foreign_questions.questions())
@SLOW
def test_every_question_of_others_is_taken_soundly_or_refused_with_a_reason(question: ForeignQuestion) -> None:
    try:
        taken = into_bank(question, language="en", tags=["x"], tags_category=True)
    except CannotHold as reason:
        refusal = str(reason)
        assert refusal
        return
    assert type_of(taken.content.type).check(taken.content) == []
    assert "x" in taken.content.tags
    # Taken in once, it is lost nothing of any more.
    again = out_of_bank(taken.content, language="en", slug=taken.slug)
    assert again.losses == ()
    assert into_bank(again.question, language="en", document=taken.content.document).content == taken.content


@pytest.mark.parametrize("name", [name for name in foreign.NAMES if name != "xlsx"])
@given(contents(), st.sampled_from(["en", "ja"]))
@settings(SLOW, max_examples=examples(25))
def test_what_a_file_holds_without_a_loss_comes_back_into_a_bank(name: str, content: Content, language: str) -> None:
    out = out_of_bank(content, language=language, slug="q", category="Bank", version="1.0")
    writing = foreign.format_named(name).write([out.question])
    if any(loss.is_refused for loss in writing.losses):
        return
    (question,) = foreign.read_file(name, writing.data).questions
    back = into_bank(question, language=language, document=content.document)
    if not writing.losses and set(out.losses) <= OF_LANGUAGE:
        assert comparable(back.content, language) == comparable(content, language)


# --- one by one --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "losses"),
    [
        (choice(("a", 100), ("b", 0)), ()),
        (choice(("a", 100), ("b", 50)), ("what its choices are worth: “b” 50 % → wrong",)),
        (choice(("a", 100), ("b", -50)), ("what its choices are worth: “b” −50 % → 0 %",)),
        (
            choice(("a", 50), ("b", 40), ("c", 0), type=Kind.MULTIPLE_CHOICE),
            ("what its choices are worth: “b” 40 % → 50 %, “c” 0 % → −50 %",),
        ),
        # Wrong choices that cost nothing cost nothing afterwards, either.
        (
            choice(("a", 100), ("b", 0), ("c", 0), type=Kind.MULTIPLE_CHOICE),
            ("that more than one of its choices may be taken",),
        ),
        (choice(("a", 100), ("b", 0), points=Fraction(5, 2)), ("its points: 2.5 → 2",)),
        (choice(("a", 100), ("b", 0), id="Q 1"), ("its id: “Q 1” → “q-1”",)),
        (choice(("a", 100), ("b", 0), category="A/B"), ()),
        (choice(("a", 100), ("b", 0), tags=("two words",)), ("its tags: “two words” → “two-words”",)),
        (choice(("a", 100), ("b", 0), severity="high"), ("its sensitivity level",)),
        (choice(("a", 100), ("b", 0), state="retired"), ("its state",)),
        (choice(("a", 100), ("b", 0), ("", 0)), ("a wrong choice that has no text",)),
        (choice(("a", 100), ("b", 0), title="Which"), ()),
        (choice(("a", 100), ("b", 0), losses=("its hints",)), ("its hints",)),
        (
            choice(("<img src='x/cat.png'>a", 100), ("b", 0), text_format=TextFormat.HTML),
            ("the picture “cat.png”",),
        ),
        (
            ForeignQuestion(Kind.MATCHING, "T", "What?", pairs=(("a", "1"), ("b", "2"), ("", "3"))),
            ("its points: 1 → 2",),
        ),
        (
            ForeignQuestion(Kind.MATCHING, "T", "What?", pairs=(("a", "1"), ("b", "2")), points=Fraction(4)),
            (),
        ),
        (ForeignQuestion(Kind.FREE_TEXT, "T", "Why?", template="Because"), ("the template of the answer",)),
        (
            ForeignQuestion(Kind.NUMERIC, "T", "How many?", answers=(ForeignAnswer(value="7"),), units=(("m2", "1"),)),
            ("its units",),
        ),
        # How far a number may be from any number says nothing, and .5 is 0.5.
        (
            ForeignQuestion(
                Kind.NUMERIC,
                "T",
                "How many?",
                answers=(
                    ForeignAnswer(value=".5", tolerance=".1"),
                    ForeignAnswer(value="*", tolerance="0", fraction=Fraction(0)),
                ),
            ),
            (),
        ),
        (
            ForeignQuestion(
                Kind.SHORT_ANSWER, "T", "Name?", answers=(ForeignAnswer("a"), ForeignAnswer("A"), ForeignAnswer("b"))
            ),
            ("a second answer “A”",),
        ),
        (
            ForeignQuestion(
                Kind.GAP,
                "T",
                "A [[1]]",
                gaps=(ForeignGap((ForeignChoice("a", FULL), ForeignChoice("b", Fraction(30))), points=Fraction(5, 2)),),
            ),
            ("gap 1: its points: 2.5 → 2", "gap 1: what its choices are worth: “b” 30 % → wrong", "its points: 1 → 2"),
        ),
        (ForeignQuestion(Kind.SHORT_ANSWER, "T", "Name?", answers=(ForeignAnswer("C:\\temp*"),)), ()),
    ],
)
def test_what_is_lost_is_told_and_nothing_else(question: ForeignQuestion, losses: tuple[str, ...]) -> None:
    assert into_bank(question, language="en").losses == losses


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        (ForeignQuestion(Kind.DESCRIPTION, "T", "Read this."), "nothing is asked"),
        (choice(("a", 90), ("b", 0)), "No choice earns all points."),
        (choice(("a", 100), ("b", 100)), "More than one choice earns all points"),
        (choice(("a", 100), ("a", 0)), "Two choices have the same text"),
        (choice(("a", 100)), "at least two choices"),
        (choice(("", 100), ("b", 0)), "A choice has no text."),
        (choice(("a", 100), ("b", 0), stem="  "), "no text that asks"),
        (choice(("a", 100), ("b", 0), stem="a <b>c</b>"), "raw HTML"),
        (choice(("a", 100), ("b", 0), stem="x" * 10_001), "longer than 10000"),
        (choice(*((str(each), 100 * (each == 0)) for each in range(27))), "at most 26 choices"),
        (ForeignQuestion(Kind.NUMERIC, "T", "Q?", answers=(ForeignAnswer(value="many"),)), "“many” is no number."),
        (ForeignQuestion(Kind.SHORT_ANSWER, "T", "Q?", answers=(ForeignAnswer("*"),)), "takes anything"),
        (
            ForeignQuestion(Kind.GAP, "T", "A [[1]]", gaps=(ForeignGap((ForeignChoice("a", FULL),), several=True),)),
            "Gap 1: several choices can be taken for it",
        ),
        (
            ForeignQuestion(
                Kind.GAP,
                "T",
                "A [[1]] [[2]]",
                gaps=(ForeignGap(answers=(ForeignAnswer("a"),)), ForeignGap((ForeignChoice("a", FULL),))),
            ),
            "Gap 2: it offers one choice alone",
        ),
        (
            choice(("A", 100), ("B", Fraction("12.3456")), type=Kind.MULTIPLE_CHOICE),
            "earn all points without the others (“A” 100 %, “B” 12.3456 %)",
        ),
    ],
)
def test_what_no_bank_can_hold_is_refused_with_the_reason(question: ForeignQuestion, reason: str) -> None:
    with pytest.raises(CannotHold, match=re.escape(reason)):
        into_bank(question, language="en")


def test_texts_are_in_the_language_of_the_file() -> None:
    content = into_bank(choice(("a", 100), ("b", 0)), language="ja").content
    assert (content.stem, content.title, content.parts[0].choices[0].text) == (
        Words("", "Which?"),
        Words("", "T"),
        Words("", "a"),
    )


def test_tags_come_beside_the_own_ones_and_the_category_becomes_one() -> None:
    question = choice(("a", 100), ("b", 0), tags=("own",), category="Policies/Fan accounts")
    taken = into_bank(question, language="en", tags=["source"], tags_category=True)
    assert taken.content.tags == ("own", "source", "Fan-accounts")
    assert taken.losses == ()
    assert not taken.is_category_lost
    # That it becomes nothing is said once for the file.
    plain = into_bank(question, language="en")
    assert (plain.losses, plain.is_category_lost) == ((), True)


def test_a_link_into_another_document_still_leads_there() -> None:
    question = choice(("a", 100), ("b", 0), stem="See [[#labels]].", document="fans")
    assert into_bank(question, language="en", document="fans").content.stem.en == "See [[#labels]]."
    moved = into_bank(question, language="en", document="other")
    assert moved.content.stem.en == "See [[fans#labels]]."


def test_the_same_question_is_known_again_whatever_it_is_called() -> None:
    one = into_bank(choice(("a", 100), ("b", 0)), language="en").content
    other = into_bank(choice(("b", 0), ("a", 100), title="Other", tags=("x",)), language="en").content
    third = into_bank(choice(("a", 0), ("b", 100)), language="en").content
    assert fingerprint(one, "en") == fingerprint(other, "en") != fingerprint(third, "en")


# --- real files --------------------------------------------------------------------------------


def _real_files() -> list[Path]:
    return sorted(
        path
        for path in material("qbanks").rglob("*")
        if path.is_file() and (path.suffix in (".gift", ".xml", ".txt")) and "oracle" not in path.parts
    )


def test_real_banks_come_in() -> None:
    taken, refused = 0, []
    for path in _real_files():
        data = path.read_bytes()
        name = format_of(data, path.name)
        assert name == ("aiken" if "aiken" in path.name else "moodle-xml" if path.suffix == ".xml" else "gift"), path
        reading = foreign.read_file(name, data)
        assert reading.refused == ()
        for question in reading.questions:
            try:
                into_bank(question, language="en")
                taken += 1
            except CannotHold as reason:
                refused.append(f"{path.name}, line {question.line}: {reason}")
    assert taken == 88
    assert sorted(refused) == [
        "description1.gift, line 1: It only says something; nothing is asked.",
        "escapeColon.gift, line 1: More than one choice earns all points, though only one can be taken.",
        "example_multiple_choice.gift, line 7: A choice has no text.",
    ]


def test_real_banks_go_out_and_come_in_again() -> None:
    for path in _real_files():
        data = path.read_bytes()
        for question in foreign.read_file(format_of(data, path.name) or "", data).questions:
            try:
                content = into_bank(question, language="en").content
            except CannotHold:
                continue
            out = out_of_bank(content, language="en", slug="q")
            assert out.losses == ()
            assert into_bank(out.question, language="en").content == content


def test_every_text_that_comes_in_can_be_shown() -> None:
    for path in _real_files():
        data = path.read_bytes()
        for question in foreign.read_file(format_of(data, path.name) or "", data).questions:
            try:
                content = into_bank(question, language="en").content
            except CannotHold:
                continue
            for words in content.texts():
                assert markdown.scan(words.en) == []


def test_a_blank_that_stands_in_a_title_on_purpose_stays() -> None:
    assert markup.without_tags("10\u00a0km,\n now", TextFormat.MARKDOWN) == "10\u00a0km, now"
    assert markup.without_tags("<b>10&nbsp;km</b>", TextFormat.HTML) == "10\u00a0km"
