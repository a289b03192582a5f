"""Question files as other programs write them, corners included: each says here what its own program says of it."""

from __future__ import annotations

import io
from fractions import Fraction
from typing import Any

import openpyxl
import pytest
from flask import Flask

from portal.quizzes.formats import foreign
from portal.quizzes.formats.interchange import ForeignQuestion, Reading


def read(form: str, data: str | bytes) -> Reading:
    """Read a file of a format."""
    return foreign.read_file(form, data if isinstance(data, bytes) else data.encode())


def said(question: ForeignQuestion) -> dict[str, Any]:
    """Return what the tables below say of a question, in their short way."""
    return {
        "type": question.type.value,
        "title": question.title,
        "stem": question.stem,
        "format": question.text_format.value,
        "choices": [(each.text, round(float(each.fraction), 3)) for each in question.choices],
        "answers": [(each.text or each.value, each.tolerance, float(each.fraction)) for each in question.answers],
        "told": [each.feedback for each in (*question.choices, *question.answers)],
        "pairs": list(question.pairs),
        "gaps": [
            ([each.text for each in gap.choices if each.fraction == 100] or [each.text for each in gap.answers])
            for gap in question.gaps
        ],
        "correct": question.correct,
        "feedback": (question.feedback_true, question.feedback_false),
        "general": question.general_feedback,
        "category": question.category,
        "id": question.id,
        "tags": list(question.tags),
        "points": float(question.points),
        "whole": question.all_or_nothing,
        "case": question.case_sensitive,
        "units": list(question.units),
        "losses": list(question.losses),
    }


def check(form: str, data: str | bytes, *expected: dict[str, Any]) -> None:
    """Read a file and compare what is named of each of its questions."""
    reading = read(form, data)
    assert [each.reason for each in reading.refused] == []
    assert len(reading.questions) == len(expected)
    for question, wanted in zip(reading.questions, expected, strict=True):
        found = said(question)
        assert {name: found[name] for name in wanted} == wanted


SINGLE = {"type": "single_choice", "choices": [("a", 100), ("b", 0)]}
TRUE = {"type": "true_false", "correct": True}

# --- GIFT, as format.php of Moodle 4.5 reads it ----------------------------------------------------

GIFT: dict[str, tuple[str | bytes, list[dict[str, Any]]]] = {
    "line ends of Windows": ("::A::Q{=a ~b}\r\n\r\n::B::R{T}\r\n", [SINGLE | {"title": "A"}, TRUE]),
    "line ends of an old Macintosh": ("::A::Q{=a ~b}\r\r::B::R{T}\r", [SINGLE, TRUE]),
    "a mark of byte order": ("\ufeff::A::Q{=a ~b}", [SINGLE | {"title": "A"}]),
    "UTF-16": ("::A::Q{=a ~b}".encode("utf-16"), [SINGLE]),
    "a blank line of blanks": ("::A::Q{=a ~b}\n \t\n::B::R{T}", [SINGLE, TRUE]),
    "escapes": (
        "What is \\{x\\=1\\}\\: a\\~b\\#c?{=o\\=k ~no\\nway}",
        [{"stem": "What is {x=1}: a~b#c?", "choices": [("o=k", 100), ("no\nway", 0)]}],
    ),
    "a formula": ("\\\\(x^2\\\\)?{=\\\\frac\\{1\\}\\{2\\} ~b}", [{"choices": [("\\frac{1}{2}", 100), ("b", 0)]}]),
    "an address": ("See http\\://a.b/?x\\=1{=a ~b}", [SINGLE | {"stem": "See http://a.b/?x=1"}]),
    "a missing word": ("It is {~a =b} today.", [{"stem": "It is _____ today.", "choices": [("a", 0), ("b", 100)]}]),
    "a range": ("Q{#1..5}", [{"type": "numeric", "answers": [("3", "2", 100)]}]),
    "a negative range": ("Q{#-5..-1}", [{"answers": [("-3", "2", 100)]}]),
    "several numbers": (
        "Q{#\n=1822:0#Right\n=%50%1822:2#Close\n~#No\n}",
        [
            {
                "answers": [("1822", "0", 100), ("1822", "2", 50), ("*", "", 0)],
                "told": ["Right", "Close", "No"],
            }
        ],
    ),
    "an exponent": ("Q{#1.5e3:1e1}", [{"answers": [("1500", "10", 100)]}]),
    "weights of several": (
        "Q{\n~%33.33333%A\n~%33.33333%B\n~%33.33333%C\n~%-100%D\n}",
        [{"type": "multiple_choice", "choices": [("A", 33.333), ("B", 33.333), ("C", 33.333), ("D", -100)]}],
    ),
    "a weight beside a right answer": (
        "Q{=a ~%-50%b}",
        [{"type": "single_choice", "choices": [("a", 100), ("b", -50)]}],
    ),
    "words with weights": (
        "Q{=a =%50%c}",
        [{"type": "short_answer", "answers": [("a", "", 100), ("c", "", 50)]}],
    ),
    "feedback": (
        "Q{=A#good ~B#bad####all}",
        [{"told": ["good", "bad"], "general": "all", "choices": [("A", 100), ("B", 0)]}],
    ),
    "feedback of a statement": ("Q{FALSE#wrong#right####all}", [{"feedback": ("wrong", "right"), "general": "all"}]),
    "pairs and a distractor": (
        "Q{=a -> 1\n=b->2\n= -> 3####all}",
        [{"type": "matching", "pairs": [("a", "1"), ("b", "2"), ("", "3")], "general": "all"}],
    ),
    "marks in comments": ("// [id:q\\]1] [tag:a] [tag:b c]\nQ{T}", [TRUE | {"id": "q]1", "tags": ["a", "b c"]}]),
    "a comment among answers": ("Q {\n=a\n// no\n~b\n}", [SINGLE]),
    "categories": (
        "$CATEGORY: $course$/top/A//B/C\n\nQ{T}\n\n// [tag:x]\n$CATEGORY: $system$/Z\n\nR{F}",
        [{"category": "A//B/C"}, {"category": "Z", "tags": []}],
    ),
    "kinds of markup": ("[html]<p>a &amp; b</p>{=A ~B}", [{"format": "html", "stem": "<p>a &amp; b</p>"}]),
    "a percentage behind =": ("Q{=%100%a ~b}", [{"choices": [("%100%a", 100), ("b", 0)]}]),
    "true in small letters": ("Q{true}", [{"type": "short_answer", "answers": [("true", "", 100)]}]),
    "text alone": ("Only text.", [{"type": "description"}]),
    "an essay": ("Why?{}", [{"type": "free_text"}]),
}


@pytest.mark.parametrize("name", GIFT)
def test_gift_says_what_it_says_to_moodle(name: str) -> None:
    check("gift", GIFT[name][0], *GIFT[name][1])


# --- Moodle XML ------------------------------------------------------------------------------------


def xml(kind: str, body: str, text: str = "<p>Q</p>", name: str = "N") -> str:
    """Return a file of one question."""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<quiz><!-- 1 --><question type="{kind}">'
        f"<name><text>{name}</text></name>"
        f'<questiontext format="html"><text><![CDATA[{text}]]></text></questiontext>{body}</question></quiz>'
    )


def answer(worth: str, text: str) -> str:
    """Return an answer."""
    return (
        f'<answer fraction="{worth}" format="html"><text><![CDATA[{text}]]></text><feedback><text/></feedback></answer>'
    )


AB = answer("100", "a") + answer("0", "b")
RIGHT_TWO = answer("100", "a") + answer("100", "b") + answer("0", "c")
PAIRS = (
    "<subquestion><text>x</text><answer><text>&lt;p&gt;1 &amp;amp; 2&lt;/p&gt;</text></answer></subquestion>"
    "<subquestion><text>y</text><answer><text>&lt;b&gt;3&lt;/b&gt;</text></answer></subquestion>"
)
XML: dict[str, tuple[str | bytes, list[dict[str, Any]]]] = {
    "a mark of byte order and UTF-8": (b"\xef\xbb\xbf" + xml("multichoice", AB).encode(), [SINGLE]),
    "another encoding that it names": (
        xml("shortanswer", answer("100", "“é”")).replace("UTF-8", "windows-1252").encode("cp1252"),
        [{"answers": [("“é”", "", 100)]}],
    ),
    "UTF-16": (xml("multichoice", AB).replace("UTF-8", "UTF-16").encode("utf-16"), [SINGLE]),
    "a third as Moodle rounds it": (
        xml("multichoice", "<single>false</single>" + "".join(answer("33.33333", each) for each in "abc")),
        [{"type": "multiple_choice", "choices": [("a", 33.333), ("b", 33.333), ("c", 33.333)]}],
    ),
    "a decimal comma": (
        xml("numerical", '<answer fraction="100"><text>9,81</text><tolerance>0,02</tolerance></answer>'),
        [{"answers": [("9.81", "0.02", 100)]}],
    ),
    "true behind false": (xml("truefalse", answer("0", "false") + answer("100", "true")), [TRUE]),
    "an embedded picture": (
        xml("multichoice", AB, '<p><img src="@@PLUGINFILE@@/a%20b.png" alt="x"></p>').replace(
            "</questiontext>", '<file name="a b.png" encoding="base64">iVBORw0KGgo=</file></questiontext>'
        ),
        [SINGLE | {"losses": ["the embedded file “a b.png”"]}],
    ),
    "gaps in a text": (
        xml("cloze", "", "x {1:SA:=a\\}b~=\\#c} {2:MCS:=x#ok~y} {1:NM:=2.5:0.1} {1:MULTICHOICE:a~%100%b}"),
        [
            {
                "type": "gap",
                "stem": "x [[1]] [[2]] [[3]] [[4]]",
                "gaps": [["a}b", "#c"], ["x"], [""], ["b"]],
                "points": 5,
            }
        ],
    ),
    "a plug-in in which all right choices earn": (
        xml("multichoiceset", RIGHT_TWO),
        [{"type": "multiple_choice", "whole": True, "choices": [("a", 50), ("b", 50), ("c", 0)]}],
    ),
    "a plug-in of shares": (
        xml("oumultiresponse", RIGHT_TWO),
        [
            {
                "type": "multiple_choice",
                "whole": False,
                "choices": [("a", 50), ("b", 50), ("c", -50)],
                "losses": ["how too many choices are marked"],
            }
        ],
    ),
    "a plug-in of pairs that are dragged": (
        xml("ddmatch", PAIRS),
        [{"type": "matching", "pairs": [("x", "1 & 2"), ("y", "3")], "losses": ["the markup of what is matched"]}],
    ),
}


@pytest.mark.parametrize("name", XML)
def test_moodle_xml_says_what_it_says_to_moodle(name: str) -> None:
    check("moodle-xml", XML[name][0], *XML[name][1])


# --- QTI 2.1 and 2.2 -------------------------------------------------------------------------------

MATCH = '<responseProcessing template="http://www.imsglobal.org/question/qti_v2p1/rptemplates/match_correct"/>'
MAP = '<responseProcessing template="http://www.imsglobal.org/question/qti_v2p1/rptemplates/map_response"/>'


def qti(body: str, declared: str, processing: str = MATCH, version: str = "v2p1") -> str:
    """Return an item."""
    return (
        f'<assessmentItem xmlns="http://www.imsglobal.org/xsd/imsqti_{version}" identifier="i" title="T" '
        f'adaptive="false" timeDependent="false">{declared}'
        '<outcomeDeclaration identifier="SCORE" cardinality="single" baseType="float"/>'
        f"<itemBody>{body}</itemBody>{processing}</assessmentItem>"
    )


def declared(cardinality: str, base: str, values: str, mapping: str = "") -> str:
    """Return the declaration of a response: values with commas between them."""
    right = "".join(f"<value>{each}</value>" for each in values.split(","))
    return (
        f'<responseDeclaration identifier="RESPONSE" cardinality="{cardinality}" baseType="{base}">'
        f"<correctResponse>{right}</correctResponse>{mapping}</responseDeclaration>"
    )


GAP_MATCH = (
    '<gapMatchInteraction responseIdentifier="RESPONSE" shuffle="false"><prompt>Fill it in.</prompt>'
    '<gapText identifier="W" matchMax="1">winter</gapText><gapText identifier="S" matchMax="1">summer</gapText>'
    '<p>Now is the <gap identifier="G1"/> made glorious <gap identifier="G2"/>.</p></gapMatchInteraction>'
)
HOT = (
    '<hottextInteraction responseIdentifier="RESPONSE" maxChoices="1"><prompt>Which is wrong?</prompt>'
    '<p>Sponsors <hottext identifier="A">of</hottext> the <hottext identifier="B">Olympics</hottext></p>'
    "</hottextInteraction>"
)
SLIDER = (
    '<sliderInteraction responseIdentifier="RESPONSE" lowerBound="0" upperBound="10"><prompt>How many?</prompt>'
    "</sliderInteraction>"
)
CHOICE = (
    '<choiceInteraction responseIdentifier="RESPONSE" shuffle="false" maxChoices="{}"><prompt>Q</prompt>'
    '<simpleChoice identifier="A">a</simpleChoice><simpleChoice identifier="B">b</simpleChoice></choiceInteraction>'
)
ENTRY = '<p>Q <textEntryInteraction responseIdentifier="RESPONSE"/></p>'
EQUAL = (
    '<responseProcessing><responseCondition><responseIf><equal toleranceMode="relative" tolerance="5 5">'
    '<variable identifier="RESPONSE"/><correct identifier="RESPONSE"/></equal><setOutcomeValue identifier="SCORE">'
    '<baseValue baseType="float">1</baseValue></setOutcomeValue></responseIf></responseCondition></responseProcessing>'
)
QTI: dict[str, tuple[str, list[dict[str, Any]]]] = {
    "the template by its file, in 2.2": (
        qti(CHOICE.format(1), declared("single", "identifier", "A"), MATCH.replace("v2p1", "v2p2"), "v2p2"),
        [SINGLE],
    ),
    "a relative tolerance": (
        qti(ENTRY, declared("single", "float", "200"), EQUAL),
        [{"type": "numeric", "answers": [("200", "10", 100)]}],
    ),
    "a value between blanks": (
        qti(CHOICE.format(1), declared("single", "identifier", "\n <![CDATA[ A ]]>\n")),
        [SINGLE],
    ),
    "one choice of a response that could take several": (
        qti(CHOICE.format(1), declared("multiple", "identifier", "A")),
        [SINGLE],
    ),
}


@pytest.mark.parametrize("name", QTI)
def test_qti_says_what_the_standard_says(name: str) -> None:
    check("qti", QTI[name][0], *QTI[name][1])


@pytest.mark.parametrize(
    ("body", "kind"),
    [(GAP_MATCH, "gapMatchInteraction"), (HOT, "hottextInteraction"), (SLIDER, "sliderInteraction")],
)
def test_an_interaction_that_is_no_type_of_question_is_refused_by_name(body: str, kind: str) -> None:
    reading = read("qti", qti(body, declared("single", "identifier", "A")))
    assert not reading.questions
    (refused,) = reading.refused
    assert refused.reason == f"Interactions of the kind {kind} are not taken."


# --- Aiken -----------------------------------------------------------------------------------------

AIKEN: dict[str, tuple[str, list[dict[str, Any]]]] = {
    "a mark of byte order and line ends of Windows": (
        "\ufeffQ\r\nA. a\r\nB) b\r\nANSWER: A\r\n\r\nR\r\nA. a\r\nB. b\r\nANSWER: B",
        [SINGLE, {"choices": [("a", 0), ("b", 100)]}],
    ),
    "blank lines among choices": ("Q\n\nA. a\n\nB. b\n\nANSWER: A\n", [SINGLE]),
    "small letters in the answer": ("Q\nA. a\nB. b\nanswer: a\n", [SINGLE]),
    "a text that begins like a choice": ("A. Q?\nA. a\nB. b\nANSWER: A\n", [SINGLE | {"stem": "A. Q?"}]),
    "an explanation below the answer": (
        "Q\nA. a\nB. b\nANSWER: A\nFEEDBACK: Because.\n\nR\nA. a\nB. b\nANSWER: A\n",
        [SINGLE | {"general": "Because."}, SINGLE | {"stem": "R", "general": ""}],
    ),
    "a text that begins with the word": (
        "Q\nA. a\nB. b\nANSWER: A\n\nFeedback: what is it?\nA. a\nB. b\nANSWER: A\n",
        [SINGLE | {"general": ""}, SINGLE | {"stem": "Feedback: what is it?"}],
    ),
}


@pytest.mark.parametrize("name", AIKEN)
def test_aiken_says_what_was_written(name: str) -> None:
    check("aiken", AIKEN[name][0], *AIKEN[name][1])


# --- tables ----------------------------------------------------------------------------------------

HEAD, ROW = "id,type,stem,choice 1,choice 2,right", "q,single_choice,Q,a,b,1"
TABLES: dict[str, tuple[str | bytes, list[dict[str, Any]]]] = {
    "Excel's line about its separator": (f"sep=;\r\n{HEAD}\r\n{ROW}\r\n".replace(",", ";"), [SINGLE]),
    "the same in a file of commas": (f"sep=,\n{HEAD}\n{ROW}\n", [SINGLE]),
    "a bar as separator": (f"sep=|\n{HEAD}\n{ROW}\n".replace(",", "|"), [SINGLE]),
    "Unicode text of Excel": (f"{HEAD}\n{ROW}\n".replace(",", "\t").encode("utf-16"), [SINGLE]),
    "line ends of an old Macintosh": (f"{HEAD}\r{ROW}\r", [SINGLE]),
    "Japanese of Excel": ("設問文,選択肢1,選択肢2,正答\n問①,はい,いいえ,２\n".encode("cp932"),
                          [{"choices": [("はい", 0), ("いいえ", 100)]}]),
    "choices by letters": ("Question,Option A,Option B,Correct Answer\nQ,a,b,A\n", [SINGLE]),
    "choices by letters in Japanese": ("問題,選択肢Ａ,選択肢Ｂ,正解\nQ,a,b,Ａ\n", [SINGLE]),
    "numbered answers": ("Question,Answer 1,Answer 2,Correct answer(s)\nQ,a,b,1\n", [SINGLE]),
    "a number with decimals that are none": (f"{HEAD}\n{ROW}.0\n", [SINGLE]),
    "a column of nothing": ("stem,choice 1,choice 2,,right\nQ,a,b,,1\n", [SINGLE]),
    "a decimal comma": ('type;stem;right;tolerance\nnumeric;Q;3,5;0,25\n', [{"answers": [("3.5", "0.25", 100)]}]),
    "a line break in a cell":
        (f'{HEAD}\nq,,"Two\nlines ""quoted""",a,b,1\n', [SINGLE | {"stem": 'Two\nlines "quoted"'}]),
    "what looks like a formula": (f"{HEAD}\nq,,=1+1,a,b,1\n", [SINGLE | {"stem": "=1+1"}]),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLES)
def test_a_table_says_what_its_program_shows(name: str) -> None:
    check("csv", TABLES[name][0], *TABLES[name][1])


def test_what_may_be_thousands_or_decimals_is_asked_for() -> None:
    (refused,) = read("csv", "type;stem;right\nnumeric;Q;1,000\n").refused
    assert "1,000" in refused.reason


def test_a_column_without_a_heading_that_holds_something_is_named() -> None:
    (refused,) = read("csv", "stem,choice 1,choice 2,,right\nQ,a,b,more,1\n").refused
    assert "Column 4" in refused.reason


def test_a_workbook_says_what_its_cells_show(app: Flask) -> None:
    book = openpyxl.Workbook()
    page = book.worksheets[0]
    page.append(["type", "stem", "Option A", "Option B", None, "right"])
    page.append(["single_choice", "Q", 1, 2.5, None, 1.0])
    page.append(["true_false", "R", None, None, None, True])
    book.create_sheet("another").append(["stem"])
    out = io.BytesIO()
    book.save(out)
    first, second = read("xlsx", out.getvalue()).questions
    assert [(each.text, each.fraction) for each in first.choices] == [("1", Fraction(100)), ("2.5", Fraction(0))]
    assert second.correct is True
