"""Moodle XML: real files are taken and given back, what is wrong is refused by its line, what is lost is said."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from portal.core.i18n import force_locale
from portal.quizzes.formats.foreign import format_named
from portal.quizzes.formats.interchange import (
    FULL,
    ForeignAnswer,
    ForeignChoice,
    ForeignGap,
    ForeignQuestion,
    Kind,
    TextFormat,
)
from portal.quizzes.formats.losses import lost
from portal.quizzes.formats.moodle_xml import FORMAT
from tests.material import material

pytestmark = pytest.mark.any_database

GOOD = """
  <question type="truefalse">
    <name><text>Tier</text></name>
    <questiontext format="html"><text>It is <![CDATA[<b>low</b>]]>.</text></questiontext>
    <answer fraction="0"><text>true</text></answer>
    <answer fraction="100"><text>false</text></answer>
  </question>
"""


@pytest.fixture(autouse=True)
def _context(app: Flask) -> Iterator[None]:
    """Words of refusals and losses, in English."""
    with force_locale("en"):
        yield


def quiz(*questions: str) -> bytes:
    return ("<quiz>\n" + "".join(questions) + "</quiz>\n").encode()


def question(kind: str, inner: str, *, stem: str = "Which?", name: str = "n") -> str:
    return (
        f'<question type="{kind}"><name><text>{name}</text></name>'
        f'<questiontext format="html"><text>{stem}</text></questiontext>{inner}</question>\n'
    )


def only(*questions: str) -> ForeignQuestion:
    reading = FORMAT.read(quiz(*questions))
    assert reading.refused == ()
    (found,) = reading.questions
    return found


TWO = '<answer fraction="100"><text>High</text></answer><answer fraction="0"><text>Low</text></answer>'


# --- real files --------------------------------------------------------------------------------


def test_the_files_of_moodle_are_taken() -> None:
    folder = material("qbanks/xml-moodle")
    (matching,) = FORMAT.read((folder / "type_match.xml").read_bytes()).questions
    assert (matching.type, matching.title, matching.category) == (Kind.MATCHING, "matching-001", "Test questions")
    assert matching.pairs == (("frog", "amphibian"), ("cat", "mammal"), ("newt", "amphibian"), ("", "insect"))
    assert matching.losses == ("its feedback on right, partly right and wrong answers",)
    (choice,) = FORMAT.read((folder / "type_multichoice.xml").read_bytes()).questions
    assert (choice.type, choice.points, choice.line) == (Kind.MULTIPLE_CHOICE, 1, 12)
    assert [(each.text, each.fraction) for each in choice.choices if each.fraction] == [("London", 50), ("Paris", 50)]
    assert choice.general_feedback == "Berlin, Paris and London"
    assert choice.losses == ("its hints",)
    (statement,) = FORMAT.read((folder / "type_truefalse.xml").read_bytes()).questions
    assert (statement.type, statement.correct) == (Kind.TRUE_FALSE, True)
    assert statement.feedback_true == "This is the right answer."
    assert statement.losses == ()


@pytest.mark.parametrize("name", ["type_match.xml", "type_multichoice.xml", "type_truefalse.xml"])
def test_the_files_of_moodle_come_back_as_they_were(name: str) -> None:
    first = FORMAT.read((material("qbanks/xml-moodle") / name).read_bytes())
    writing = FORMAT.write(first.questions)
    assert writing.losses == ()
    second = FORMAT.read(writing.data)
    assert second.questions == first.questions
    assert [each.losses for each in second.questions] == [()]
    assert FORMAT.write(second.questions).data == writing.data


# --- every type --------------------------------------------------------------------------------


def test_a_choice_says_what_each_answer_is_worth() -> None:
    found = only(
        question(
            "multichoice",
            "<single>true</single><shuffleanswers>1</shuffleanswers><defaultgrade>2.5000000</defaultgrade>"
            '<answer fraction="33.33333"><text>&lt;b>one&lt;/b></text><feedback><text>Yes</text></feedback></answer>'
            '<answer fraction="-100"><text><![CDATA[<b>two</b> & ]]]]><![CDATA[>]]></text></answer>'
            '<answer fraction="0"><text> </text></answer>',
        )
    )
    assert (found.type, found.shuffle, found.points) == (Kind.SINGLE_CHOICE, True, Fraction(5, 2))
    assert found.choices == (
        ForeignChoice("<b>one</b>", Fraction(100, 3), "Yes"),
        ForeignChoice("<b>two</b> & ]]>", Fraction(-100)),
    )


def test_moodle_shuffles_only_what_says_so() -> None:
    assert not only(question("multichoice", TWO)).shuffle
    assert only(question("multichoice", "<single>0</single>" + TWO)).type is Kind.MULTIPLE_CHOICE


@pytest.mark.parametrize(
    ("first", "second", "correct"),
    [
        (("TRUE", "100"), ("False", "0"), True),
        (("false", "100"), ("true", "0"), False),
        (("Wahr", "0"), ("Falsch", "100"), False),
        (("正しい", "100.00000"), ("誤り", "0"), True),
    ],
)
def test_true_and_false_are_known_by_their_words_or_else_by_their_order(
    first: tuple[str, str], second: tuple[str, str], correct: bool
) -> None:
    answers = "".join(
        f'<answer fraction="{fraction}"><text>{text}</text><feedback><text>{text}!</text></feedback></answer>'
        for text, fraction in (first, second)
    )
    found = only(question("truefalse", answers))
    assert found.correct is correct
    right, wrong = (first[0], second[0]) if float(first[1]) else (second[0], first[0])
    told = (found.feedback_true, found.feedback_false)
    assert told == ((f"{right}!", f"{wrong}!") if correct else (f"{wrong}!", f"{right}!"))


def test_short_answers_keep_their_case_and_their_shares() -> None:
    found = only(
        question(
            "shortanswer",
            '<usecase>1</usecase><answer fraction="100" format="plain_text"><text>S&amp;P *</text></answer>'
            '<answer fraction="50"><text>S*</text><feedback><text>Nearly</text></feedback></answer>',
        )
    )
    assert found.case_sensitive
    assert found.answers == (
        ForeignAnswer("S&P *"),
        ForeignAnswer("S*", fraction=Fraction(50), feedback="Nearly"),
    )
    assert found.losses == ()


def test_numbers_have_tolerances_and_units() -> None:
    found = only(
        question(
            "numerical",
            '<answer fraction="100"><text>1.5e3</text><tolerance>0.05</tolerance></answer>'
            '<answer fraction="50">1499,5<tolerance/></answer><answer><fraction>0.25</fraction><text>*</text></answer>'
            "<units><unit><multiplier>1</multiplier><unit_name>m</unit_name></unit>"
            "<unit><multiplier>0.001</multiplier><unit_name>km</unit_name></unit>"
            "<unit><multiplier>3</multiplier><unit_name>foot</unit_name></unit></units>",
        )
    )
    assert found.answers == (
        ForeignAnswer(value="1500", tolerance="0.05"),
        ForeignAnswer(value="1499.5", tolerance="0", fraction=Fraction(50)),
        ForeignAnswer(value="*", tolerance="0", fraction=Fraction(25)),
    )
    assert found.units == (("m", "1"), ("km", "1000"), ("foot", "1/3"))
    writing = FORMAT.write([found])
    assert writing.losses == ()
    assert b"<multiplier>0.001</multiplier>" in writing.data
    assert FORMAT.read(writing.data).questions == (found,)


@pytest.mark.parametrize(
    ("multiplier", "value"),
    [
        ("0.000277777777778", "3600"),
        ("0.00027778", "3600"),
        ("0.0166667", "60"),
        ("0.3048", "1250/381"),
        ("0.3", "10/3"),
    ],
)
def test_what_a_unit_is_survives_the_rounding_of_its_multiplier(multiplier: str, value: str) -> None:
    hour = f"<unit><multiplier>{multiplier}</multiplier><unit_name>h</unit_name></unit>"
    units = f"<units><unit><unit_name>s</unit_name></unit>{hour}</units>"
    found = only(question("numerical", f"<answer fraction='100'><text>1</text></answer>{units}"))
    assert found.units == (("s", "1"), ("h", value))
    assert FORMAT.write([found]).losses == ()


def test_a_tolerance_that_is_not_said_is_none_and_no_loss() -> None:
    exactly = ForeignQuestion(Kind.NUMERIC, "n", "How many?", answers=(ForeignAnswer(value="3"),))
    assert FORMAT.write([exactly]).losses == ()


def test_an_essay_has_a_template_and_notes_for_its_marker() -> None:
    found = only(
        question(
            "essay",
            "<responsetemplate format='html'><text>Dear …</text></responsetemplate><attachments>2</attachments>"
            "<graderinfo format='html'><text>Names the tier.</text></graderinfo>",
        )
    )
    assert (found.type, found.template, found.marking_notes) == (Kind.FREE_TEXT, "Dear …", "Names the tier.")
    assert found.losses == ("that files may be handed in",)


def test_a_description_is_worth_nothing_to_anybody() -> None:
    found = only(question("description", "<defaultgrade>0.0000000</defaultgrade><penalty>0.0000000</penalty>"))
    assert (found.type, found.losses) == (Kind.DESCRIPTION, ())
    assert b"<defaultgrade>0.0000000</defaultgrade>" in FORMAT.write([found]).data
    assert FORMAT.write([found]).losses == ()


def test_an_order_is_the_order_of_the_file() -> None:
    inner = "".join(f'<answer fraction="{n}.0000000"><text>step {n}</text></answer>' for n in (1, 2, 3))
    found = only(
        question("ordering", f"<selecttype>RANDOM</selecttype><gradingtype>RELATIVE_TO_CORRECT</gradingtype>{inner}")
    )
    assert found.type is Kind.ORDERING
    assert [(each.text, each.fraction) for each in found.choices] == [("step 1", 0), ("step 2", 0), ("step 3", 0)]
    assert found.losses == (
        "that only some of its items are shown",
        "how a partly right order is marked (RELATIVE_TO_CORRECT)",
    )


def test_embedded_answers_of_every_kind_become_gaps() -> None:
    stem = (
        "<![CDATA[<p>{1:MULTICHOICE_VS:low#too low~=high#R&amp;D #1~%50%middle}, "
        "{2:SA:=H<sub>2</sub>O~h2o\\}#no \\# it}\n"
        "{:SHORTANSWER_C:=A\\~B&#126;}, {3:NM:=3,5:0,1~%33.33333%4:0.5#near~*} [n] {1:UNKNOWN:=x}</p>]]>"
    )
    found = only(question("cloze", "<penalty>0.3333333</penalty>", stem=stem))
    assert found.stem == "<p>[[1]], [[2]]\n[[3]], [[4]] [n] {1:UNKNOWN:=x}</p>"
    assert (found.points, found.shuffle) == (7, True)
    assert found.gaps == (
        ForeignGap(
            choices=(
                ForeignChoice("low", feedback="too low"),
                ForeignChoice("high", FULL, "R&D #1"),
                ForeignChoice("middle", Fraction(50)),
            )
        ),
        ForeignGap(
            answers=(
                ForeignAnswer("H<sub>2</sub>O"),
                ForeignAnswer("h2o}", fraction=Fraction(0), feedback="no # it"),
            ),
            points=Fraction(2),
        ),
        ForeignGap(answers=(ForeignAnswer("A~B~"),), case_sensitive=True),
        ForeignGap(
            answers=(
                ForeignAnswer(value="3.5", tolerance="0.1"),
                ForeignAnswer(value="4", tolerance="0.5", fraction=Fraction(100, 3), feedback="near"),
                ForeignAnswer(value="*", tolerance="0", fraction=Fraction(0)),
            ),
            points=Fraction(3),
            is_numeric=True,
        ),
    )
    assert found.losses == ("a gap like “{1:UNKNOWN:”, which nobody knows: it stays text",)
    assert FORMAT.write([found]).losses == ()


def test_where_several_choices_fill_a_gap_they_share_its_points() -> None:
    stem = "{1:MULTIRESPONSE:=Marge~Fred~=Lisa} {1:MRHS:%100%blue~%0%red~%50%tall} {1:MR:%33.33%a~%66.67%b}"
    found = only(question("multianswer", "", stem=stem))
    first, second, third = found.gaps
    assert [each.fraction for each in first.choices] == [50, -50, 50]
    assert [each.fraction for each in second.choices] == [Fraction(200, 3), 0, Fraction(100, 3)]
    assert [each.fraction for each in third.choices] == [Fraction(3333, 100), Fraction(6667, 100)]
    assert first.several
    assert second.several
    assert found.losses == ("that the choices of only some gaps are shuffled",)
    back = FORMAT.read(FORMAT.write([found]).data).questions
    assert back == (found,)


@pytest.mark.parametrize(("kind", "word"), [("gapselect", "selectoption"), ("ddwtos", "dragbox")])
def test_words_to_choose_or_to_drag_are_gaps_with_the_words_of_their_group(kind: str, word: str) -> None:
    words = [("cat", 1), ("sat", 2), ("dog", 1), ("ran", 2)]
    inner = "".join(f"<{word}><text>{text}</text><group>{group}</group><infinite/></{word}>" for text, group in words)
    found = only(question(kind, f"<shuffleanswers>0</shuffleanswers>{inner}", stem="The [[3]] [[2]], the [[1]] not."))
    assert found.stem == "The [[1]] [[2]], the [[3]] not."
    assert [[(each.text, each.fraction) for each in gap.choices] for gap in found.gaps] == [
        [("cat", 0), ("dog", 100)],
        [("sat", 100), ("ran", 0)],
        [("cat", 100), ("dog", 0)],
    ]
    assert {gap.points for gap in found.gaps} == {Fraction(1, 3)}
    writing = FORMAT.write([found])
    assert writing.losses == ()
    assert b'type="gapselect"' in writing.data
    assert FORMAT.read(writing.data).questions == (found,)


# --- what all types have -----------------------------------------------------------------------


def test_the_rest_of_a_question_is_kept_or_named() -> None:
    found = only(
        question(
            "multichoice",
            "<idnumber>Q &amp; 7</idnumber><hidden>1</hidden><penalty>0.5</penalty>"
            "<answernumbering>iii</answernumbering><shownumcorrect/><variant>B</variant>"
            "<correctfeedback><text>Your answer is correct.</text></correctfeedback>"
            "<generalfeedback format='html'><text>See §3.</text></generalfeedback>"
            "<hint><text>Look again</text><clearwrong/></hint>"
            "<tags><tag><text>tier</text></tag><tag><text>誤</text></tag></tags>"
            "<coursetags><tag><text>tier</text></tag><tag><text>2026</text></tag></coursetags>" + TWO,
        )
    )
    assert (found.id, found.tags, found.general_feedback) == ("Q & 7", ("tier", "誤", "2026"), "See §3.")
    assert set(found.losses) == {
        "that it is hidden",
        "what each further try costs (0.5)",
        "how its choices are numbered (iii)",
        "what the file says in “variant”",
        "its hints",
    }


@pytest.mark.parametrize("penalty", ["0.3333333", "0.33", "0.1000000", "0"])
def test_the_penalty_that_forms_begin_with_says_nothing(penalty: str) -> None:
    assert only(question("multichoice", f"<penalty>{penalty}</penalty>{TWO}")).losses == ()


def test_embedded_files_are_named() -> None:
    stem = '&lt;img src="@@PLUGINFILE@@/a%20b.png">&lt;img src="@@PLUGINFILE@@/gone.png">'
    file = '</text><file name="a b.png" encoding="base64">iVBORw0KGgo=</file><text>'
    found = only(question("multichoice", TWO, stem=stem + file))
    assert found.losses == ("the embedded file “a b.png”", "the file “gone.png”, to which its text refers")
    assert "@@PLUGINFILE@@/a%20b.png" in found.stem
    old = only(question("multichoice", f"<image>pics/x.png</image><image_base64>iVBO</image_base64>{TWO}"))
    assert old.stem == 'Which? <img src="@@PLUGINFILE@@/pics_x.png" />'
    assert old.losses == ("the embedded file “pics_x.png”",)


def test_pictures_written_into_a_text_are_left_out_where_it_would_be_too_long() -> None:
    stem = f'Which? &lt;img src="data:image/png;base64,{"A" * 70_000}">'
    found = only(question("multichoice", TWO, stem=stem))
    assert found.stem == 'Which? <img src="data:,">'
    assert found.losses == ("pictures that are written into its texts",)


@pytest.mark.parametrize(
    ("written", "text_format"),
    [
        ("html", TextFormat.HTML),
        ("moodle_auto_format", TextFormat.MOODLE),
        ("plain_text", TextFormat.PLAIN),
        ("markdown", TextFormat.MARKDOWN),
        ("", TextFormat.HTML),
    ],
)
def test_the_kind_of_markup_is_kept(written: str, text_format: TextFormat) -> None:
    text = question("multichoice", TWO).replace('format="html"', f'format="{written}"' if written else "")
    assert only(text).text_format is text_format


def test_texts_in_another_kind_of_markup_are_said_where_it_matters() -> None:
    one = '<answer fraction="100" format="plain_text"><text>a &lt; b</text></answer>'
    found = only(question("multichoice", one + '<answer format="plain_text"><text>c</text></answer>'))
    assert found.losses == ("that some of its texts are in another kind of markup (plain_text)",)
    assert only(question("multichoice", TWO.replace("<answer", '<answer format="plain_text"'))).losses == ()
    strange = only(question("multichoice", TWO).replace('format="html"', 'format="wiki_like"'))
    assert strange.losses == ("its kind of markup, “wiki_like”: it is taken for HTML",)


@pytest.mark.parametrize(
    ("path", "category"),
    [
        ("$course$/top/Policies/Impersonation", "Policies/Impersonation"),
        ("$course$/Test questions", "Test questions"),
        ("$system$/top", ""),
        ("$course$", ""),
        ("tom/dick", "tom/dick"),
        ("A//B/C", "A//B/C"),
    ],
)
def test_categories_hold_until_the_next_one(path: str, category: str) -> None:
    change = f'<question type="category"><category><text>{path}</text></category></question>'
    reading = FORMAT.read(quiz(GOOD, change, GOOD, GOOD))
    assert [each.category for each in reading.questions] == ["", category, category]


def test_the_description_of_a_category_is_a_loss_of_its_first_question() -> None:
    change = (
        '<question type="category"><category>A</category><info format="html"><text>About A</text></info></question>'
    )
    reading = FORMAT.read(quiz(change, GOOD, GOOD))
    assert [each.losses for each in reading.questions] == [("the description of its category",), ()]


def test_a_title_has_no_tags_and_is_made_of_the_text_where_there_is_none() -> None:
    assert only(question("multichoice", TWO, name="<![CDATA[x <b>bold</b> < 2]]>")).title == "x bold < 2"
    assert only(question("multichoice", TWO, name="", stem="Which &lt;b>tier&lt;/b>?")).title == "Which tier ?"
    long = only(question("multichoice", TWO, name="あ" * 300))
    assert long.title == "あ" * 255
    assert long.losses == ("the end of its title, which is longer than 255 characters",)


# --- what is refused ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("broken", "line", "reason"),
    [
        (question("calculated", ""), 2, "type “calculated”"),
        (question("ddimageortext", ""), 2, "type “ddimageortext”"),
        (question("", TWO), 2, "does not say of which type"),
        (question("multichoice", TWO, stem=""), 2, "no text"),
        (question("multichoice", '<answer fraction="100"><text>a</text></answer>'), 2, "at least two choices"),
        (question("multichoice", "<answer><text>a</text></answer>" * 201), 2, "at most 200 choices"),
        (question("multichoice", TWO, stem="\n<p>Which?</p>"), 3, "Wrap the text in CDATA"),
        (question("multichoice", TWO, stem="x" * 70_000), 2, "longer than"),
        (question("multichoice", "\n\n<defaultgrade>many</defaultgrade>" + TWO), 4, "“many” is no number"),
        (question("multichoice", "\n<defaultgrade>-1</defaultgrade>" + TWO), 3, "no fewer than 0"),
        (question("multichoice", "\n\n\n<answer fraction='all'><text>a</text></answer>"), 5, "“all” is no number"),
        (question("multichoice", TWO + "\n<answer fraction='101'><text>a</text></answer>"), 3, "−100 and 100"),
        (question("truefalse", ""), 2, "two answers"),
        (question("truefalse", '<answer fraction="0"><text>true</text></answer>' * 3), 2, "two answers"),
        (question("truefalse", '<answer fraction="100"><text>true</text></answer>' * 2), 2, "Exactly one"),
        (question("truefalse", TWO.replace('"0"', '"100"')), 2, "Exactly one"),
        (question("shortanswer", "<answer><text/></answer>"), 2, "no answer"),
        (question("numerical", "\n<answer fraction='100'><text>seven</text></answer>"), 3, "“seven” is no number"),
        (question("numerical", "\n<answer fraction='100'><text>1,500</text></answer>"), 3, "“1,500” is no number"),
        (question("numerical", "<answer><text>1</text><tolerance>wide</tolerance></answer>"), 2, "“wide”"),
        (question("numerical", "<answer><text>1</text></answer><units><unit><multiplier>0</multiplier></unit></units>"),
         2, "more than 0"),
        (question("matching", "\n<subquestion><text>frog</text><answer><text/></answer></subquestion>"), 3, "“frog”"),
        (question("matching", "<subquestion><text>a</text><answer><text>b</text></answer></subquestion>"), 2, "match"),
        (question("cloze", "", stem="No gap {1:MULTICHOICE}"), 2, "no gap"),
        (question("cloze", "", stem="\nA\n{1:MULTICHOICE:=Apple#Right}"), 4, "two choices"),
        (question("cloze", "", stem="A {1:MC:Pear~%50%Apple}"), 2, "Gap 1: A gap needs an answer that earns"),
        (question("cloze", "", stem="A {1:SA:=a} {1:MC:=x}"), 2, "Gap 2: A gap to choose in needs"),
        (question("cloze", "", stem="\nA {3:NUMERICAL:=zero}"), 3, "“zero” is no number"),
        (question("cloze", "", stem="[[1]] {1:SA:=a}"), 2, "“[[1]]”, which stands for a gap"),
        (question("cloze", "", stem="{1:SA:=a}" * 201), 2, "200 gaps"),
        (question("cloze", "", stem="{1:SA:%900%a}"), 2, "−100 and 100"),
        (question("gapselect", "<selectoption><text>a</text></selectoption>" * 2), 2, "no gap"),
        (question("gapselect", "<selectoption><text>a</text></selectoption>" * 2, stem="[[3]]"), 2, "“[[3]]” names no"),
        (question("gapselect", "<selectoption><text>a</text></selectoption>" * 100, stem="[[1]]" * 11), 2, "too many"),
        ("<quizinfo>x</quizinfo>\n", 2, "“quizinfo” is no question"),
        (question("multichoice", TWO, stem="a\n&nbsp;b"), 3, "“&nbsp;”"),
        (question("multichoice", TWO, stem="R&D"), 2, "not well formed"),
        (question("multichoice", TWO.replace("</answer>", "\n", 1)), 3, "closed here"),
        (question("multichoice", TWO).replace("</question>", ""), 2, "another one begins"),
        (question("multichoice", TWO).replace("type=", 'type="a" type='), 2, "the same thing twice"),
        (question("multichoice", "<x>" * 40), 2, "too deep"),
        (question("multichoice", "<x/>" * 10_001), 2, "too many elements"),
        (question("multichoice", TWO, stem="bad \x00 sign"), 2, "not well formed"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_refused_by_its_line_and_the_rest_is_taken(broken: str, line: int, reason: str) -> None:
    reading = FORMAT.read(quiz(broken, GOOD, GOOD))
    assert [(each.line, reason in each.reason) for each in reading.refused] == [(line, True)]
    # The lines of what comes after a broken question stay right.
    first = broken.count("\n") + 3
    assert [(each.title, each.line) for each in reading.questions] == [("Tier", first), ("Tier", first + 7)]


def test_a_file_cut_off_keeps_the_questions_before_the_cut() -> None:
    whole = quiz(GOOD, GOOD)
    reading = FORMAT.read(whole[: whole.rindex(b"<answer")])
    assert [each.line for each in reading.questions] == [3]
    assert [(each.line, "before everything is closed" in each.reason) for each in reading.refused] == [(10, True)]


def test_a_text_that_is_never_closed_costs_its_own_question_only() -> None:
    plain = GOOD.replace("<![CDATA[<b>low</b>]]>", "low")
    reading = FORMAT.read(quiz(question("multichoice", TWO, stem="<![CDATA[never closed"), plain, plain))
    assert [(each.line, "is closed" in each.reason) for each in reading.refused] == [(2, True)]
    assert [each.line for each in reading.questions] == [4, 11]


def test_other_files_are_refused_as_a_whole() -> None:
    other = FORMAT.read(b'<?xml version="1.0"?>\n<questestinterop><item/></questestinterop>').refused
    assert [(each.line, "“questestinterop”" in each.reason) for each in other] == [(2, True)]
    for data in (b"", b"   \n", b"ANSWER: A", b"PK\x03\x04", b"\xff\xfe"):
        reading = FORMAT.read(data)
        assert reading.questions == ()
        assert len(reading.refused) <= 1


@pytest.mark.parametrize(
    "declared",
    [
        "<!DOCTYPE quiz>",
        '<!DOCTYPE quiz SYSTEM "file:///etc/passwd">',
        '<!DOCTYPE quiz [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE quiz [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>',
        '<!DOCTYPE quiz [<!ENTITY % p SYSTEM "http://example.org/x.dtd">%p;]>',
    ],
)
def test_declarations_are_refused_and_nothing_is_looked_up(declared: str) -> None:
    text = f'<?xml version="1.0"?>\n{declared}\n<quiz>{question("description", "", stem="&a;")}</quiz>'
    reading = FORMAT.read(text.encode())
    assert reading.questions == ()
    assert [(each.line, "declares a document type" in each.reason) for each in reading.refused] == [(2, True)]


def test_what_is_no_question_and_says_nothing_is_stepped_over() -> None:
    reading = FORMAT.read(f"<?latexml class='article'?><quiz>\n<p>\n<br/></p>{GOOD}\n<p>Read this.</p></quiz>".encode())
    assert len(reading.questions) == 1
    assert [(each.line, each.reason) for each in reading.refused] == [(4 + GOOD.count("\n"), "“p” is no question.")]


def test_a_declaration_after_questions_ends_the_file() -> None:
    reading = FORMAT.read(f'<quiz>{GOOD}<!DOCTYPE quiz [<!ENTITY a "b">]>{GOOD}</quiz>'.encode())
    assert len(reading.questions) == 2
    assert all(each.stem == "It is <b>low</b>." for each in reading.questions)
    assert len(reading.refused) == 1


@pytest.mark.parametrize(
    ("encoding", "declared"),
    [
        ("utf-8", "UTF-8"),
        ("utf-8-sig", "UTF-8"),
        # Declared wrongly, as tools do that convert a file and leave its first line.
        ("utf-8", "ISO-8859-1"),
        ("utf-16", "UTF-16"),
        ("cp932", "Shift_JIS"),
        ("euc-jp", "EUC-JP"),
    ],
)
def test_the_encoding_is_the_one_that_the_bytes_are_in(encoding: str, declared: str) -> None:
    text = (
        f'<?xml version="1.0" encoding="{declared}"?>\r\n'
        + quiz(question("description", "", stem="なりすまし")).decode()
    )
    reading = FORMAT.read(text.encode(encoding))
    assert [each.stem for each in reading.questions] == ["なりすまし"]


def test_what_is_in_no_known_encoding_is_refused_by_its_line() -> None:
    for head in ('<?xml version="1.0"?>\n', '<?xml version="1.0" encoding="x-user-defined"?>\n'):
        reading = FORMAT.read(
            head.encode() + quiz(question("description", "", stem="なりすまし")).decode().encode("cp932")
        )
        assert [each.line for each in reading.refused] == [3]


def test_white_space_before_the_declaration_moves_no_line() -> None:
    reading = FORMAT.read(b'\n\n<?xml version="1.0"?>\n' + quiz(GOOD, question("x", "")))
    assert [each.line for each in reading.questions] == [6]
    assert [each.line for each in reading.refused] == [12]


def test_refusals_are_in_the_language_of_the_reader() -> None:
    with force_locale("ja"):
        reading = FORMAT.read(quiz(question("calculated", "")))
    assert reading.refused[0].reason == "「calculated」という種類の設問は取り込めません。"


# --- limits ------------------------------------------------------------------------------------


def test_no_more_questions_are_taken_than_a_bank_may_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.quizzes.formats.moodle_xml.MAX_QUESTIONS", 3)
    reading = FORMAT.read(quiz(GOOD * 5))
    assert len(reading.questions) == 3
    assert [each.reason for each in reading.refused] == ["There are more than 3 questions."]


def test_what_no_bank_needs_so_long_is_left_out_and_said() -> None:
    change = f'<question type="category"><category><text>{"A/" * 600}</text></category></question>'
    tags = f"<tags><tag><text>{'t' * 300}</text></tag><tag><text>tier</text></tag></tags>"
    files = "</text>" + "".join(f'<file name="{n}.png"/>' for n in range(25)) + "<text>"
    found = only(change, question("description", f"<idnumber>{'i' * 300}</idnumber>{tags}", stem="Read." + files))
    assert (len(found.category), found.id, found.tags) == (1020, "", ("tier",))
    assert {"its category", "its id", "its longest tags", "further files (5)"} < set(found.losses)
    assert len(found.losses) == 24


def test_a_file_of_mistakes_is_not_read_to_its_end() -> None:
    reading = FORMAT.read(quiz("<question/>\n" * 3_000))
    assert len(reading.refused) == 1_001
    assert "was not read" in reading.refused[-1].reason


@pytest.mark.parametrize(
    "unit",
    [
        "<a/>",
        "<a>",
        "<question>",
        "<question><![CDATA[",
        "<question><!--",
        "&",
        "\n",
        question("cloze", "", stem="{1:SA:=a" * 7_000),
        question("cloze", "", stem="{1:SA:=a}" * 7_000),
        question("cloze", "", stem="{1:MC:=a" + "~b" * 30_000 + "}"),
        question("cloze", "", stem="{1:MC:=a" + "\\~" * 30_000 + "}"),
        question("gapselect", "<selectoption><text>w</text></selectoption>" * 30, stem="[[1]]" * 30),
        question("description", "", name="&lt;" * 15_000, stem="data:image/png;base64," * 2_000),
    ],
)
def test_time_grows_with_the_file_and_no_faster(unit: str) -> None:
    """A hostile half of a megabyte, in a fraction of what anything quadratic would need."""
    data = ("<quiz><question type='cloze'>" if unit in ("&", "\n") else "<quiz>") + unit * (512 * 1024 // len(unit))
    begun = time.process_time()
    FORMAT.read(data.encode())
    assert time.process_time() - begun < 3


# --- writing -----------------------------------------------------------------------------------


def test_a_file_is_written_as_moodle_writes_it() -> None:
    first = ForeignQuestion(
        Kind.SINGLE_CHOICE,
        "Tier",
        "Which <b>tier</b>?",
        TextFormat.HTML,
        choices=(ForeignChoice("High", FULL, "R&D"), ForeignChoice("]]>", Fraction(-100, 3))),
        tags=("tier",),
        id="q1",
        category="Policies",
        points=Fraction(2, 3),
    )
    writing = FORMAT.write([first, first, replace(first, category="")])
    assert writing.losses == ()
    text = writing.data.decode()
    assert text.startswith(
        """<?xml version="1.0" encoding="UTF-8"?>
<quiz>
  <question type="category">
    <category>
      <text>$course$/top/Policies</text>
    </category>
  </question>

  <question type="multichoice">
    <name>
      <text>Tier</text>
    </name>
    <questiontext format="html">
      <text><![CDATA[Which <b>tier</b>?]]></text>
    </questiontext>
    <generalfeedback format="html">
      <text></text>
    </generalfeedback>
    <defaultgrade>0.6666667</defaultgrade>
    <penalty>0.3333333</penalty>
    <hidden>0</hidden>
    <idnumber>q1</idnumber>
    <single>true</single>
    <shuffleanswers>true</shuffleanswers>
    <answernumbering>abc</answernumbering>
"""
    )
    assert '<answer fraction="-33.33333" format="html">\n      <text><![CDATA[]]]]><![CDATA[>]]></text>' in text
    assert text.count('<question type="category">') == 2
    assert text.endswith("    <tags>\n      <tag><text>tier</text></tag>\n    </tags>\n  </question>\n\n</quiz>\n")


def test_what_moodle_has_no_type_for_is_refused_on_writing() -> None:
    writing = FORMAT.write([ForeignQuestion(Kind.CASE, "t", "s"), *FORMAT.read(quiz(GOOD)).questions])
    assert [(loss.place, loss.is_refused) for loss in writing.losses] == [(0, True)]
    assert len(FORMAT.read(writing.data).questions) == 1


def test_signs_that_xml_cannot_hold_are_a_loss_and_no_fault() -> None:
    statement = replace(FORMAT.read(quiz(GOOD)).questions[0], title="a\x00b\ud800\uffff", stem="c\x0bd")
    writing = FORMAT.write([statement])
    assert [loss.what for loss in writing.losses] == ["its title: “a�b��” → “ab”", "its text as it is written"]
    assert FORMAT.read(writing.data).questions[0].title == "ab"


def test_a_text_that_looks_like_a_gap_stays_a_text() -> None:
    gap = ForeignGap(answers=(ForeignAnswer("a"),))
    writing = FORMAT.write([ForeignQuestion(Kind.GAP, "t", "[[1]] {1:SA:=b}", TextFormat.HTML, gaps=(gap,))])
    assert [loss.what for loss in writing.losses] == ["its text as it is written"]
    assert FORMAT.read(writing.data).questions[0].gaps == (gap,)


def test_the_commands_know_the_format(app: Flask, tmp_path: Path) -> None:
    assert format_named("moodle-xml") is FORMAT
    (tmp_path / "bank.xml").write_bytes(quiz(GOOD, question("calculated", "")))
    told = app.test_cli_runner().invoke(args=["quizzes", "read", str(tmp_path / "bank.xml"), "--format", "moodle-xml"])
    assert told.output.splitlines()[-1] == "questions: 1, refused: 1"


# --- laws --------------------------------------------------------------------------------------

NASTY = st.lists(
    st.one_of(
        st.sampled_from(
            [
                "<b>", "</text>", "<![CDATA[", "]]>", "&", "&amp;", "&#126;", "&lt;", "{1:SA:=a}", "{", "}", "~", "#",
                "=", "%50%", "\\", "\\}", "\\~", "\n", "\n\n", "\r", "\t", " ", "[[1]]", "[[2]]", "なりすまし",
                "＃｛＝～｝",
                "“q”", "'", '"', "@@PLUGINFILE@@/a.png", "*", "word", "\x07", "\ufffe", "𠮷",
            ]
        ),
        st.text(max_size=4),
    ),
    max_size=4,
).map("".join)  # fmt: skip
WORDS = st.one_of(st.sampled_from(["low", "High <i>tier</i>", "区分", "a & b"]), NASTY)
FRACTIONS = st.sampled_from(
    [Fraction(0), FULL, Fraction(50), Fraction(100, 3), Fraction(-100, 3), Fraction(100, 7), Fraction(333, 10)]
)
CHOICES = st.lists(st.builds(ForeignChoice, WORDS, FRACTIONS, WORDS), min_size=2, max_size=4).map(tuple)
ANSWERS = st.lists(
    st.builds(ForeignAnswer, text=WORDS, fraction=FRACTIONS, feedback=WORDS), min_size=1, max_size=3
).map(tuple)
NUMBERS = st.lists(
    st.builds(
        ForeignAnswer,
        value=st.sampled_from(["0", "-3.50", "1822", ".5", "*", "1e3", "x"]),
        tolerance=st.sampled_from(["0", "0.25", "2", "wide"]),
        fraction=FRACTIONS,
        feedback=WORDS,
    ),
    min_size=1,
    max_size=3,
).map(tuple)
BEST = st.tuples(st.builds(ForeignChoice, WORDS, st.just(FULL)), st.builds(ForeignChoice, WORDS))
SHARES = st.lists(
    st.builds(ForeignChoice, WORDS, st.sampled_from([Fraction(0), Fraction(50), FULL, Fraction(-50)]), WORDS),
    min_size=2,
    max_size=4,
).map(tuple)
GAPS = st.lists(
    st.one_of(
        st.builds(ForeignGap, choices=BEST, points=st.sampled_from([Fraction(1), Fraction(1, 2)])),
        st.builds(ForeignGap, choices=CHOICES, points=st.sampled_from([Fraction(2), Fraction(1, 2)])),
        st.builds(ForeignGap, choices=SHARES, several=st.just(True)),
        st.builds(ForeignGap, answers=ANSWERS, case_sensitive=st.booleans()),
        st.builds(ForeignGap, answers=NUMBERS, is_numeric=st.just(True)),
    ),
    min_size=1,
    max_size=3,
).map(tuple)
OF_TYPE: dict[Kind, dict[str, Any]] = {
    Kind.SINGLE_CHOICE: {"choices": CHOICES, "shuffle": st.booleans()},
    Kind.MULTIPLE_CHOICE: {"choices": CHOICES, "shuffle": st.booleans()},
    Kind.TRUE_FALSE: {"correct": st.booleans(), "feedback_true": WORDS, "feedback_false": WORDS},
    Kind.SHORT_ANSWER: {"answers": ANSWERS, "case_sensitive": st.booleans()},
    Kind.NUMERIC: {
        "answers": NUMBERS,
        "units": st.lists(st.tuples(WORDS, st.sampled_from(["1", "1000", "0.01", "1/3", "many"])), max_size=3).map(
            tuple
        ),
    },
    Kind.MATCHING: {
        "pairs": st.lists(st.tuples(WORDS, WORDS), min_size=2, max_size=4).map(tuple),
        "shuffle": st.booleans(),
    },
    Kind.ORDERING: {"choices": CHOICES.map(lambda found: tuple(replace(each, fraction=Fraction(0)) for each in found))},
    Kind.GAP: {"gaps": GAPS, "shuffle": st.booleans()},
    Kind.FREE_TEXT: {"template": WORDS, "marking_notes": WORDS},
    Kind.DESCRIPTION: {},
    Kind.CASE: {},
}


@st.composite
def questions(draw: Any) -> ForeignQuestion:
    kind = draw(st.sampled_from(list(Kind)))
    stem = draw(WORDS)
    of_type = {name: draw(strategy) for name, strategy in OF_TYPE[kind].items()}
    points = draw(st.sampled_from([Fraction(1), Fraction(3, 2), Fraction(2, 3)]))
    if kind is Kind.GAP:
        stem += " ".join(f"[[{number}]]" for number in range(1, len(of_type["gaps"]) + 1))
        points = draw(st.sampled_from([points, sum((gap.points for gap in of_type["gaps"]), Fraction(0))]))
    return ForeignQuestion(
        type=kind,
        title=draw(WORDS),
        stem=stem,
        text_format=draw(st.sampled_from(list(TextFormat))),
        general_feedback=draw(WORDS),
        tags=tuple(draw(st.lists(WORDS, max_size=2))),
        id=draw(WORDS),
        category=draw(st.sampled_from(["", "Policies/なりすまし", "A//B", "top/A", " x", "$course$/y"])),
        points=points,
        **of_type,
    )


@given(st.lists(questions(), max_size=4))
def test_what_was_written_is_read_again_but_for_the_losses_that_are_reported(given_: list[ForeignQuestion]) -> None:
    writing = FORMAT.write(given_)
    refused = {loss.place for loss in writing.losses if loss.is_refused}
    kept = [each for place, each in enumerate(given_) if place not in refused]
    back = FORMAT.read(writing.data)
    assert back.refused == ()
    assert len(back.questions) == len(kept)
    reported = [loss.what for loss in writing.losses if not loss.is_refused]
    assert reported == [
        what for before, after in zip(kept, back.questions, strict=True) for what in lost(before, after)
    ]
    # What came back once comes back always.
    again = FORMAT.write(back.questions)
    assert FORMAT.read(again.data).questions == back.questions


@given(st.lists(questions().filter(lambda each: each.type is not Kind.CASE), max_size=3))
def test_what_was_read_says_the_same_when_it_was_written_and_read_again(given_: list[ForeignQuestion]) -> None:
    first = FORMAT.read(FORMAT.write(given_).data).questions
    writing = FORMAT.write(first)
    assert writing.losses == ()
    assert FORMAT.read(writing.data).questions == first


PLAIN = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff"),
    min_size=1,
    max_size=8,
).map(lambda text: f"x{text}x")


@given(PLAIN, PLAIN, PLAIN, st.sampled_from(list(TextFormat)))
def test_usual_questions_lose_nothing_at_all(stem: str, one: str, other: str, text_format: TextFormat) -> None:
    choices = (ForeignChoice(one, FULL, other), ForeignChoice(other, feedback=stem))
    given_ = [
        ForeignQuestion(Kind.SINGLE_CHOICE, "t", stem, text_format, choices=choices, tags=("a b",), id="7"),
        ForeignQuestion(Kind.MATCHING, "t", stem, text_format, pairs=((one, stem), ("", other + "!"))),
        ForeignQuestion(Kind.SHORT_ANSWER, "t", stem, text_format, answers=(ForeignAnswer(one),)),
        ForeignQuestion(Kind.FREE_TEXT, "t", stem, text_format, template=one, marking_notes=other),
    ]
    writing = FORMAT.write(given_)
    assert writing.losses == ()
    assert list(FORMAT.read(writing.data).questions) == given_


SEEDS = [
    quiz(GOOD, question("multichoice", "<single>false</single>" + TWO)),
    quiz(question("cloze", "", stem="<![CDATA[{1:MC:=a#b~%50%c\\}} {2:NM:=1:0.1} {1:SA:=x}]]>"), GOOD),
    quiz(
        question(
            "gapselect",
            "<selectoption><text>a</text><group>1</group></selectoption><selectoption><text>b</text></selectoption>",
            stem="[[1]] [[2]]",
        ),
        question("numerical", "<answer fraction='100'><text>1</text><tolerance>.1</tolerance></answer>"),
    ),
]  # fmt: skip
PIECES = [
    b"<",
    b">",
    b"</",
    b"&",
    b"]]>",
    b"<![CDATA[",
    b"<!--",
    b"{1:MC:",
    b"}",
    b"[[9]]",
    b"\x00",
    b"\xff",
    b'"',
    b"<question>",
]


@pytest.mark.parametrize("seed", range(12))
def test_mutated_files_are_read_or_refused_and_never_an_exception(seed: int) -> None:
    chance = random.Random(seed)
    folder = material("qbanks/xml-moodle")
    files = [*SEEDS, *(path.read_bytes() for path in sorted(folder.glob("*.xml")))]
    begun = time.process_time()
    for _round in range(25):
        data = bytearray(chance.choice(files))
        for _change in range(chance.randint(1, 4)):
            start = chance.randrange(len(data) + 1)
            end = min(start + chance.choice([1, 5, 40, 400]), len(data))
            match chance.randrange(4):
                case 0:
                    del data[start:end]
                case 1:
                    data[start:start] = data[start:end]
                case 2:
                    data[start:end] = bytes(reversed(data[start:end]))
                case _:
                    data[start:start] = chance.choice(PIECES)
        lines = data.count(b"\n") + 1
        reading = FORMAT.read(bytes(data))
        assert all(0 <= each.line <= lines for each in reading.refused)
        assert all(1 <= each.line <= lines for each in reading.questions)
        FORMAT.write(reading.questions)
    assert time.process_time() - begun < 5


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    FORMAT.read(data)
    FORMAT.read(b"<quiz><question type='cloze'>" + data)
