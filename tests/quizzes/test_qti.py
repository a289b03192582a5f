"""QTI items and packages: shapes that others write are taken, the rest is refused by line, what is lost is said."""

from __future__ import annotations

import io
import json
import random
import time
import zipfile
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.quizzes.formats import qti
from portal.quizzes.formats.foreign import read_file
from portal.quizzes.formats.interchange import (
    FULL,
    MAX_BYTES,
    ForeignAnswer,
    ForeignChoice,
    ForeignGap,
    ForeignQuestion,
    Kind,
    TextFormat,
)
from portal.quizzes.formats.losses import lost
from portal.quizzes.formats.qti import FORMAT
from portal.quizzes.formats.xml_nodes import parse
from tests.volume import examples

pytestmark = pytest.mark.any_database

NAMES = '<manifest><resources><resource type="{kind}" href="{href}"/></resources></manifest>'
RIGHT = '<match><variable identifier="{0}"/><correct identifier="{0}"/></match>'


@pytest.fixture(autouse=True)
def _context(app: Flask) -> None:
    """Words of refusals need the application."""


def item(declared: str, body: str, rest: str = "", *, version: str = "imsqti_v2p1", more: str = "") -> bytes:
    """Return an item; its declarations begin on line 3, its body on line 5."""
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<assessmentItem xmlns="http://www.imsglobal.org/xsd/{version}" identifier="i1" title="Tiers" adaptive="false" {more}>
{declared.replace(chr(10), " ")}
<itemBody>
{body}
</itemBody>
{rest}
</assessmentItem>
""".encode()


def template(name: str) -> str:
    return f'<responseProcessing template="http://www.imsglobal.org/question/qti_v2p1/rptemplates/{name}"/>'


def declare(*values: str, cardinality: str = "single", base: str = "identifier", more: str = "", name: str = "") -> str:
    correct = "".join(f"<value>{value}</value>" for value in values)
    inside = f"<correctResponse>{correct}</correctResponse>" if values else ""
    opened = f'<responseDeclaration identifier="{name or "RESPONSE"}" cardinality="{cardinality}" baseType="{base}">'
    return f"{opened}{inside}{more}</responseDeclaration>"


def outcome(name: str, base: str = "float", value: str = "") -> str:
    inside = f"<defaultValue><value>{value}</value></defaultValue>" if value else ""
    return (
        f'<outcomeDeclaration identifier="{name}" cardinality="single" baseType="{base}">{inside}</outcomeDeclaration>'
    )


def mapping(attributes: str = 'defaultValue="0"', **worths: str) -> str:
    entries = "".join(f'<mapEntry mapKey="{key}" mappedValue="{worth}"/>' for key, worth in worths.items())
    return f"<mapping {attributes}>{entries}</mapping>"


def choices(*names: str, attributes: str = 'shuffle="true" maxChoices="1"', prompt: str = "Which tier?") -> str:
    listed = "".join(f'\n<simpleChoice identifier="{name}">Tier {name}</simpleChoice>' for name in names)
    asked = f"<prompt>{prompt}</prompt>" if prompt else ""
    return f'<choiceInteraction responseIdentifier="RESPONSE" {attributes}>{asked}{listed}\n</choiceInteraction>'


def only(data: bytes) -> ForeignQuestion:
    reading = FORMAT.read(data)
    assert reading.refused == ()
    (question,) = reading.questions
    return question


def package(*items: bytes, manifest: str | None = None, others: dict[str, bytes] | None = None) -> bytes:
    listed = "".join(
        f'<resource identifier="r{n}" type="imsqti_item_xmlv2p1" href="i{n}.xml"/>' for n in range(len(items))
    )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("imsmanifest.xml", manifest or f"<manifest><resources>{listed}</resources></manifest>")
        for number, data in enumerate(items):
            archive.writestr(f"i{number}.xml", data)
        for name, data in (others or {}).items():
            archive.writestr(name, data)
    return out.getvalue()


TEXT_ENTRY = "<textEntryInteraction responseIdentifier='RESPONSE'/>"
CHOICE = item(declare("B"), choices("A", "B", "C"), template("match_correct"))


# --- items ---


@pytest.mark.parametrize("version", ["imsqti_v2p0", "imsqti_item_v2p0", "imsqti_v2p1", "imsqti_v2p2"])
def test_a_choice_of_any_version_of_qti_2_is_taken(version: str) -> None:
    question = only(item(declare("B"), choices("A", "B", "C"), template("match_correct"), version=version))
    assert (question.type, question.title, question.stem) == (Kind.SINGLE_CHOICE, "Tiers", "Which tier?")
    assert (question.id, question.text_format, question.points) == ("i1", TextFormat.PLAIN, 1)
    assert [(each.text, each.fraction) for each in question.choices] == [("Tier A", 0), ("Tier B", 100), ("Tier C", 0)]
    assert question.losses == ()
    assert question.line == 2


def test_a_mapping_becomes_percentages_of_the_points() -> None:
    more = mapping('lowerBound="0" upperBound="2" defaultValue="-2"', H="1", O="1", Cl="-1")
    declared = declare("H", "O", cardinality="multiple", more=more)
    body = choices("H", "He", "O", "Cl", attributes='shuffle="true" maxChoices="0"')
    question = only(item(declared, body, template("map_response")))
    assert (question.type, question.points, question.losses) == (Kind.MULTIPLE_CHOICE, 2, ())
    assert [each.fraction for each in question.choices] == [50, -100, 50, -50]
    assert not question.all_or_nothing


def test_several_right_choices_without_a_mapping_earn_only_together() -> None:
    body = choices("A", "B", "C", attributes='maxChoices="0"')
    question = only(item(declare("A", "B", "C", cardinality="multiple"), body, template("match_correct")))
    assert question.all_or_nothing
    assert [each.fraction for each in question.choices] == [Fraction(100, 3)] * 3
    assert not question.shuffle


def test_rules_that_give_each_choice_its_points_are_taken() -> None:
    rules = "".join(
        f'<{tag}><match><variable identifier="RESPONSE"/><baseValue baseType="identifier">{name}</baseValue></match>'
        f'<setOutcomeValue identifier="SCORE"><baseValue baseType="float">{worth}</baseValue></setOutcomeValue>'
        f'<setOutcomeValue identifier="FEEDBACK"><baseValue baseType="identifier">f{name}</baseValue>'
        f"</setOutcomeValue></{tag}>"
        for tag, name, worth in [("responseIf", "A", "4"), ("responseElseIf", "B", "1.0E0")]
    )
    told = '<modalFeedback outcomeIdentifier="FEEDBACK" identifier="fB" showHide="show">Nearly.</modalFeedback>'
    declared = declare("A") + outcome("SCORE") + outcome("FEEDBACK", "identifier")
    rest = f"<responseProcessing><responseCondition>{rules}</responseCondition></responseProcessing>{told}"
    question = only(item(declared, choices("A", "B", "C"), rest))
    assert [(each.fraction, each.feedback) for each in question.choices] == [(100, ""), (25, "Nearly."), (0, "")]
    assert (question.points, question.losses) == (4, ())


def test_a_statement_is_known_by_its_two_answers_and_keeps_the_feedback_of_either() -> None:
    body = """<choiceInteraction responseIdentifier="RESPONSE" shuffle="false" maxChoices="1">
    <prompt>Freud and Jung belong
        together.</prompt>
    <simpleChoice identifier="t">True </simpleChoice><simpleChoice identifier="f"> False</simpleChoice>
    </choiceInteraction>"""
    set_feedback = '<setOutcomeValue identifier="FEEDBACK"><baseValue baseType="identifier">{}</baseValue>'
    rest = f"""<responseProcessing><responseCondition><responseIf>{RIGHT.format("RESPONSE")}
    <setOutcomeValue identifier="SCORE"><variable identifier="MAXSCORE"/></setOutcomeValue>
    {set_feedback.format("correct")}</setOutcomeValue></responseIf>
    <responseElse>{set_feedback.format("incorrect")}</setOutcomeValue></responseElse></responseCondition>
    </responseProcessing>
    <modalFeedback outcomeIdentifier="FEEDBACK" identifier="correct" showHide="show">Indeed.</modalFeedback>
    <modalFeedback outcomeIdentifier="FEEDBACK" identifier="incorrect" showHide="show">They do.</modalFeedback>"""
    declared = declare("t") + outcome("SCORE") + outcome("MAXSCORE", value="10.0") + outcome("FEEDBACK", "identifier")
    question = only(item(declared, body, rest))
    assert (question.type, question.correct, question.points) == (Kind.TRUE_FALSE, True, 10)
    assert (question.feedback_true, question.feedback_false) == ("Indeed.", "They do.")
    assert (question.stem, question.losses) == ("Freud and Jung belong together.", ())


def test_feedback_inside_a_choice_belongs_to_it() -> None:
    body = choices("A", "B").replace(
        "Tier A<", 'Tier A <feedbackInline outcomeIdentifier="F" identifier="A">Too low.</feedbackInline><'
    )
    question = only(item(declare("B"), body))
    assert [(each.text, each.feedback) for each in question.choices] == [("Tier A", "Too low."), ("Tier B", "")]


def test_one_place_to_write_is_a_short_answer_whose_text_shows_it() -> None:
    body = f"<p>Now is the winter.</p><p>Made summer by this sun of {TEXT_ENTRY};</p>"
    question = only(
        item(declare("York", base="string", more=mapping(York="1", york="0.5")), body, template("map_response"))
    )
    assert (question.type, question.case_sensitive) == (Kind.SHORT_ANSWER, True)
    assert question.stem == "<p>Now is the winter.</p><p>Made summer by this sun of _____;</p>"
    assert question.text_format is TextFormat.HTML
    assert [(each.text, each.fraction) for each in question.answers] == [("York", 100), ("york", 50)]


def test_a_place_to_write_on_a_line_of_its_own_leaves_the_text_alone() -> None:
    body = "<p>What is 2 * 3?</p><div><span><textEntryInteraction responseIdentifier='RESPONSE'/></span></div>"
    question = only(item(declare("2*3", base="string"), body, template("match_correct")))
    assert (question.stem, question.text_format) == ("What is 2 * 3?", TextFormat.PLAIN)
    # The star is meant as itself.
    assert question.answers == (ForeignAnswer("2\\*3"),)


@pytest.mark.parametrize(
    ("comparison", "value", "tolerance"),
    [
        ('toleranceMode="exact"', "7.0", "0"),
        ('toleranceMode="absolute" tolerance="0.5 0.5"', "7.0", "0.5"),
        ('toleranceMode="absolute" tolerance="0.5"', "7.0", "0.5"),
        ('toleranceMode="relative" tolerance="10 10"', "7.0", "0.7"),
        # The same numbers are right around the middle.
        ('toleranceMode="absolute" tolerance="1 2"', "7.5", "1.5"),
    ],
)
def test_a_number_has_the_tolerance_of_its_comparison(comparison: str, value: str, tolerance: str) -> None:
    rest = f"""<responseProcessing><responseCondition><responseIf>
    <equal {comparison}><variable identifier="RESPONSE"/><correct identifier="RESPONSE"/></equal>
    <setOutcomeValue identifier="SCORE"><baseValue baseType="float">2</baseValue></setOutcomeValue></responseIf>
    <responseElse><setOutcomeValue identifier="SCORE"><baseValue baseType="float">0</baseValue></setOutcomeValue>
    </responseElse></responseCondition></responseProcessing>"""
    declared = declare("7.0", base="float") + outcome("SCORE")
    question = only(item(declared, "5 - <textEntryInteraction responseIdentifier='RESPONSE'/> = -2", rest))
    assert (question.type, question.stem, question.points) == (Kind.NUMERIC, "5 - _____ = -2", 2)
    assert question.answers == (ForeignAnswer(value=value, tolerance=tolerance),)
    assert question.losses == ()


@pytest.mark.parametrize(
    "ends",
    [
        "<gte>{0}{1}</gte><lte>{0}{2}</lte>",
        "<lte>{1}{0}</lte><gte>{2}{0}</gte>",
        # As Moodle writes it, which has the signs the wrong way round.
        "<gte>{1}{0}</gte><lte>{2}{0}</lte>",
    ],
)
def test_a_number_between_two_others_is_one_with_a_tolerance(ends: str) -> None:
    variable = '<variable identifier="RESPONSE"/>'
    least, greatest = (f'<baseValue baseType="float">{each}</baseValue>' for each in ("3.13", "3.15"))
    rest = f"""<responseProcessing><responseCondition><responseIf><and><not><isNull>{variable}</isNull></not>
    {ends.format(variable, least, greatest)}</and>
    <setOutcomeValue identifier="SCORE"><baseValue baseType="integer">2</baseValue></setOutcomeValue></responseIf>
    </responseCondition></responseProcessing>"""
    question = only(item(declare(base="float") + outcome("SCORE"), TEXT_ENTRY, rest))
    assert (question.answers, question.points) == ((ForeignAnswer(value="3.14", tolerance="0.01"),), 2)
    assert question.losses == ()


def test_a_mapping_that_takes_slips_of_the_keyboard_is_a_mapping_without_them() -> None:
    rest = """<responseProcessing><responseCondition><responseIf>
    <not><isNull><variable identifier="RESPONSE"/></isNull></not><setOutcomeValue identifier="SCORE">
    <mapTolResponse xmlns="http://bps-system.de/xsd/imsqti_ext_maptolresponse" identifier="RESPONSE" tolerance="2"/>
    </setOutcomeValue></responseIf></responseCondition></responseProcessing>"""
    declared = declare("more", base="string", more=mapping(more="3", larger="1.5")) + outcome("SCORE")
    question = only(item(declared, TEXT_ENTRY, rest))
    assert [(each.text, each.fraction) for each in question.answers] == [("more", 100), ("larger", 50)]
    assert question.points == 3
    assert question.losses == ("that an answer with a slip of the keyboard is taken",)


def test_what_stands_beside_the_only_text_is_a_loss_and_not_forgotten() -> None:
    passage = '<rubricBlock view="candidate"><div><object data="passage.html" type="text/html"/></div></rubricBlock>'
    question = only(item(declare("A"), passage + choices("A", "B")))
    assert question.stem == "Which tier?"
    assert question.losses == ("the file passage.html (object)",)


@pytest.mark.parametrize(
    ("written", "title"),
    [("Cause&amp;nbsp;and effect", "Cause and effect"), ("R&amp;D &amp;copy", "R&D &copy"), ("&lt;b&gt;", "<b>")],
)
def test_a_title_that_was_escaped_twice_is_read_as_it_was_meant(written: str, title: str) -> None:
    data = item(declare("A"), choices("A", "B")).replace(b'title="Tiers"', f'title="{written}"'.encode())
    assert only(data).title == title


@pytest.mark.parametrize(
    "declared",
    ["<!DOCTYPE assessmentItem>", '<!DOCTYPE a PUBLIC "-//W3C//DTD MathML 2.0//EN" "http://127.0.0.1:9/x.dtd">'],
)
def test_a_document_type_that_declares_nothing_is_stepped_over(declared: str) -> None:
    data = item(declare("A"), choices("A", "B")).replace(b"?>\n", b"?>" + declared.encode() + b"\n", 1)
    assert only(data).stem == "Which tier?"


def test_signs_of_html_are_known_by_name_where_a_document_type_leads_to_them_and_no_others() -> None:
    outside = b'?><!DOCTYPE a SYSTEM "http://127.0.0.1:9/x.dtd">\n'
    data = item(declare("A"), choices("A", "B", prompt="&Uuml;ber&nbsp;uns")).replace(b"?>\n", outside, 1)
    assert only(data).stem == "Über\xa0uns"
    reading = FORMAT.read(data.replace(b"&Uuml;", b"&passwd;"))
    assert [(each.line, "names a sign" in each.reason) for each in reading.refused] == [(5, True)]


def test_a_mapping_behind_a_check_for_emptiness_is_taken() -> None:
    rest = """<responseProcessing><responseCondition><responseIf><isNull><variable identifier="RESPONSE"/></isNull>
    <setOutcomeValue identifier="SCORE"><baseValue baseType="integer">0</baseValue></setOutcomeValue></responseIf>
    <responseElse><setOutcomeValue identifier="SCORE"><mapResponse identifier="RESPONSE"/></setOutcomeValue>
    </responseElse></responseCondition></responseProcessing>"""
    declared = declare("x", base="string", more=mapping(x="1", y="0.5")) + outcome("SCORE")
    question = only(item(declared, "<textEntryInteraction responseIdentifier='RESPONSE'/>", rest))
    assert [each.fraction for each in question.answers] == [100, 50]
    assert question.losses == ()


def test_several_places_are_gaps_with_their_own_points() -> None:
    declared = (
        declare("Y", name="R1")
        + declare("4.0", base="float", name="R2")
        + outcome("SCORE_R2")
        + outcome("MAXSCORE_R2", value="2")
    )
    body = """<p>Sun of <inlineChoiceInteraction responseIdentifier="R1" shuffle="true">
    <inlineChoice identifier="G">Gloucester</inlineChoice><inlineChoice identifier="Y">York</inlineChoice>
    </inlineChoiceInteraction>, in [[2]] <textEntryInteraction responseIdentifier="R2"/> acts.</p>"""
    rest = f"""<responseProcessing><responseCondition><responseIf>{RIGHT.format("R2")}
    <setOutcomeValue identifier="SCORE_R2"><variable identifier="MAXSCORE_R2"/></setOutcomeValue></responseIf>
    </responseCondition></responseProcessing>"""
    question = only(item(declared, body, rest))
    assert question.type is Kind.GAP
    assert question.stem == "Sun of [[1]], in [ [2]] [[2]] acts."
    assert [gap.points for gap in question.gaps] == [1, 2]
    assert [(each.text, each.fraction) for each in question.gaps[0].choices] == [("Gloucester", 0), ("York", 100)]
    assert question.gaps[1] == ForeignGap(
        (), (ForeignAnswer(value="4.0", tolerance="0"),), Fraction(2), is_numeric=True, case_sensitive=False
    )
    assert (question.points, question.shuffle) == (3, True)


def test_sides_are_matched_and_what_is_left_over_is_a_wrong_choice() -> None:
    body = """<p>Match:</p><matchInteraction responseIdentifier="RESPONSE" shuffle="true" maxAssociations="4">
    <simpleMatchSet><simpleAssociableChoice identifier="C" matchMax="1">Capulet</simpleAssociableChoice>
    <simpleAssociableChoice identifier="D" matchMax="1">Demetrius</simpleAssociableChoice></simpleMatchSet>
    <simpleMatchSet><simpleAssociableChoice identifier="M" matchMax="4">Dream</simpleAssociableChoice>
    <simpleAssociableChoice identifier="R" matchMax="4">Romeo</simpleAssociableChoice>
    <simpleAssociableChoice identifier="T" matchMax="4">Tempest</simpleAssociableChoice></simpleMatchSet>
    </matchInteraction>"""
    more = mapping(**{"C R": "1", "D M": "0.5"})
    declared = declare("C  R", "D M", cardinality="multiple", base="directedPair", more=more)
    question = only(item(declared, body, template("map_response")))
    assert question.type is Kind.MATCHING
    assert question.pairs == (("Capulet", "Romeo"), ("Demetrius", "Dream"), ("", "Tempest"))
    assert (question.points, question.all_or_nothing) == (Fraction(3, 2), False)
    assert question.losses == ("what each pair is worth",)


def test_pairs_of_one_list_are_a_matching_that_gives_its_sides_away() -> None:
    listed = "".join(
        f'<simpleAssociableChoice identifier="{each}" matchMax="1">{each}</simpleAssociableChoice>' for each in "ACMP"
    )
    body = f'<associateInteraction responseIdentifier="RESPONSE" shuffle="true">{listed}</associateInteraction>'
    question = only(item(declare("A P", "C M", cardinality="multiple", base="pair"), body, template("match_correct")))
    assert question.pairs == (("A", "P"), ("C", "M"))
    assert question.losses == ("that either side of a pair may be chosen first",)


def test_an_ordering_stands_in_its_right_order() -> None:
    body = choices("A", "B", "C").replace("choiceInteraction", "orderInteraction")
    question = only(item(declare("C", "A", "B", cardinality="ordered"), body, template("match_correct")))
    assert question.type is Kind.ORDERING
    assert [each.text for each in question.choices] == ["Tier C", "Tier A", "Tier B"]


def test_a_long_text_brings_what_its_marker_needs_and_its_picture_is_said() -> None:
    body = """<p>Read this.</p>
    <div><object type="image/png" data="images/card.png"><p>Where do you go?</p></object></div>
    <extendedTextInteraction responseIdentifier="RESPONSE"><prompt>Write <b>25</b> words.</prompt>
    </extendedTextInteraction><rubricBlock view="scorer tutor"><p>-1 for each fault</p></rubricBlock>"""
    question = only(item(declare(base="string"), body))
    assert question.type is Kind.FREE_TEXT
    assert question.stem == "<p>Read this.</p><div><p>Where do you go?</p></div><p>Write <b>25</b> words.</p>"
    assert question.marking_notes == "-1 for each fault"
    assert question.losses == ("the picture images/card.png",)


def test_an_item_that_asks_nothing_is_a_description() -> None:
    question = only(item("", "<p>Read <i>this</i>.</p>"))
    assert (question.type, question.stem) == (Kind.DESCRIPTION, "Read <i>this</i>.")


def test_tags_that_are_not_of_qti_go_and_their_text_stays() -> None:
    prompt = (
        'See <a href="javascript:x()" onclick="y()">this</a> <font color="red">now</font>: 1 &lt; 2 &amp; '
        '<script>alert(1)</script><strong class="k">so</strong><img src="data:image/png;base64,AAAA" alt="a map"/>'
    )
    question = only(item(declare("A"), choices("A", "B", prompt=prompt)))
    assert question.stem == "See this now: 1 &lt; 2 &amp; <strong>so</strong>"
    assert question.losses == ("the picture image/png (a map)",)


def test_rules_of_its_own_are_a_loss() -> None:
    rest = """<responseProcessing><setOutcomeValue identifier="SCORE"><product><mapResponse identifier="RESPONSE"/>
    <baseValue baseType="float">2</baseValue></product></setOutcomeValue></responseProcessing>"""
    question = only(item(declare("A", more=mapping(A="1")) + outcome("SCORE"), choices("A", "B"), rest))
    assert question.losses == ("its own rules of marking",)


def test_limits_to_the_points_are_no_rules_of_its_own() -> None:
    rest = f"""<responseProcessing><responseCondition><responseIf>{RIGHT.format("RESPONSE")}<setOutcomeValue
    identifier="SCORE"><sum><variable identifier="SCORE"/><variable identifier="MAXSCORE"/></sum></setOutcomeValue>
    </responseIf></responseCondition><responseCondition><responseIf><gt><variable identifier="SCORE"/>
    <variable identifier="MAXSCORE"/></gt><setOutcomeValue identifier="SCORE"><variable identifier="MAXSCORE"/>
    </setOutcomeValue></responseIf></responseCondition></responseProcessing>"""
    question = only(item(declare("A") + outcome("SCORE") + outcome("MAXSCORE", value="3"), choices("A", "B"), rest))
    assert (question.points, question.losses) == (3, ())


def test_points_for_the_right_answer_and_a_mapping_for_the_rest_are_a_mapping() -> None:
    rest = f"""<responseProcessing><responseCondition><responseIf><isNull><variable identifier="RESPONSE"/></isNull>
    </responseIf><responseElseIf>{RIGHT.format("RESPONSE")}<setOutcomeValue identifier="SCORE">
    <variable identifier="MAXSCORE"/></setOutcomeValue></responseElseIf><responseElse><setOutcomeValue
    identifier="SCORE"><sum><variable identifier="SCORE"/><mapResponse identifier="RESPONSE"/></sum></setOutcomeValue>
    </responseElse></responseCondition></responseProcessing>"""
    more = mapping('lowerBound="0" defaultValue="0"', A="1", B="1", C="-1")
    declared = declare("A", "B", cardinality="multiple", more=more) + outcome("SCORE") + outcome("MAXSCORE", value="2")
    question = only(item(declared, choices("A", "B", "C", attributes='maxChoices="0"'), rest))
    assert [each.fraction for each in question.choices] == [50, 50, -50]
    assert (question.all_or_nothing, question.losses) == (False, ())


def test_points_that_depend_on_points_are_rules_of_its_own() -> None:
    rest = f"""<responseProcessing><responseCondition><responseIf>{RIGHT.format("RESPONSE")}
    <setOutcomeValue identifier="SCORE"><baseValue baseType="float">1</baseValue></setOutcomeValue></responseIf>
    </responseCondition><responseCondition><responseIf><match><variable identifier="SCORE"/>
    <baseValue baseType="float">1</baseValue></match><setOutcomeValue identifier="SCORE"><baseValue
    baseType="float">5</baseValue></setOutcomeValue></responseIf></responseCondition></responseProcessing>"""
    question = only(item(declare("A") + outcome("SCORE"), choices("A", "B"), rest))
    assert question.losses == ("its own rules of marking",)


def test_a_statement_of_ours_comes_back_without_a_loss() -> None:
    question = ForeignQuestion(Kind.TRUE_FALSE, "T", "Is it?", TextFormat.HTML, correct=True)
    (back,) = FORMAT.read(FORMAT.write([question]).data).questions
    assert (back.correct, back.losses) == (True, ())


def test_a_file_in_shift_jis_is_read_as_it_says() -> None:
    text = CHOICE.decode().replace("UTF-8", "Shift_JIS").replace("Which tier?", "どの区分？")
    assert only(text.encode("cp932")).stem == "どの区分？"
    assert only(text.replace("Shift_JIS", "UTF-16").encode("utf-16")).stem == "どの区分？"
    broken = FORMAT.read(text.encode("utf-8"))
    assert broken.refused[0].line == 5
    assert "shift_jis" in broken.refused[0].reason


# --- refusals ---


@pytest.mark.parametrize(
    ("data", "line", "reason"),
    [
        (item("", "<p>Where?</p>\n<hotspotInteraction responseIdentifier='R'/>"), 6, "hotspotInteraction"),
        (item("", "<customInteraction responseIdentifier='R'/>"), 5, "customInteraction"),
        (item("", f"{choices('A', 'B')}\n{choices('A', 'B')}"), 9, "several things at once"),
        (item("", f"{choices('A', 'B')}\n{TEXT_ENTRY}"), 9, "choiceInteraction, textEntryInteraction"),
        (item("", choices("A", "B")), 5, "not declared"),
        (item(declare(), choices("A", "B")), 5, "no right answer"),
        (item(declare("Z"), choices("A", "B")), 5, "no right answer"),
        (item(declare("A", more=mapping(A="0")), choices("A", "B"), template("map_response")), 5, "no right answer"),
        (item(declare("A"), choices("A")), 5, "at least two choices"),
        (item(declare("A"), choices("A", "A")), 5, "same identifier"),
        (item(declare("A", cardinality="record"), choices("A", "B")), 5, "no kind that fits"),
        (item(declare(base="string"), TEXT_ENTRY), 5, "no right answer"),
        (item(declare("much", base="float"), TEXT_ENTRY), 5, "“much” is no number"),
        (
            item(declare("A", cardinality="ordered"), choices("A", "B").replace("choiceI", "orderI")),
            5,
            "right order",
        ),
        (item(declare("A"), choices("A", "B"), version="imsqtiasi_v3p0"), 2, "QTI 3"),
        (b"<qti-assessment-item/>", 1, "QTI 3"),
        (b"<questestinterop>\n<item/></questestinterop>", 1, "QTI 1.2"),
        (b"<assessmentTest/>", 1, "only its items"),
        (b"\n<quiz/>", 2, "“quiz”"),
        (item(declare("A"), choices("A", "B"), version="another"), 2, "known version"),
        (item(declare("A"), choices("A", "B")).replace(b'adaptive="false"', b'adaptive="true"'), 2, "Adaptive"),
        (item("<templateDeclaration identifier='N'/>", choices("A", "B")), 3, "templateDeclaration"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]>\n<a>&b;</a>', 1, "document type"),
        (item(declare("A"), "<p>&nbsp;</p>"), 5, "well-formed"),
        (b"<a>\n<b>\n</a>", 3, "well-formed"),
        (b"", 1, "well-formed"),
        (b"\xff\x00\x01", 1, "well-formed"),
        (b"<?xml version='1.0' encoding='klingon'?><a/>", 1, "well-formed"),
        (item("", "<p>" + "x" * 70_000 + "</p>"), 2, "longer than"),
        (b"<a>" * 200 + b"</a>" * 200, 1, "nested too deeply"),
        (b"<a>" + b"<b/>\n" * 30_000 + b"</a>", 20_000, "too many elements"),
    ],
)
def test_what_cannot_be_taken_is_refused_by_its_line(data: bytes, line: int, reason: str) -> None:
    reading = FORMAT.read(data)
    assert reading.questions == ()
    (refused,) = reading.refused
    assert reason in refused.reason
    assert refused.line == line


# --- packages ---


def test_a_package_brings_its_items_with_their_keywords_and_classification() -> None:
    manifest = """<manifest xmlns="http://www.imsglobal.org/xsd/imscp_v1p1"><resources xml:base="in">
    <resource identifier="t" type="imsqti_test_xmlv2p1" href="test.xml"/>
    <resource identifier="a" type="imsqti_item_xmlv2p1" href="a%20b.xml"><metadata>
    <lom xmlns="http://ltsc.ieee.org/xsd/LOM"><general><keyword><string language="en"> tier </string></keyword>
    <keyword><langstring>risk</langstring></keyword></general><classification><taxonPath><taxon><entry>
    <string>Policies</string></entry></taxon><taxon><entry><string>Tiers</string></entry></taxon></taxonPath>
    </classification></lom></metadata></resource>
    <resource identifier="c" type="webcontent" href="style.css"/></resources></manifest>"""
    reading = FORMAT.read(
        package(manifest=manifest, others={"in/a b.xml": CHOICE, "in/test.xml": b"<assessmentTest/>", "x.css": b""})
    )
    (question,) = reading.questions
    assert (question.tags, question.category) == (("tier", "risk"), "Policies/Tiers")
    assert [(each.line, each.reason.partition(":")[0]) for each in reading.refused] == [(1, "in/test.xml")]


def test_a_package_in_a_folder_made_on_windows_is_read_too() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(
            "bank\\imsmanifest.xml",
            NAMES.format(kind="imsqti_item_xmlv2p1", href="Items\\Q1.xml"),
        )
        archive.writestr("bank\\items\\q1.xml", CHOICE)
    assert only(out.getvalue()).stem == "Which tier?"


def test_an_item_that_is_refused_takes_no_other_with_it() -> None:
    bad = item("", "<p>x</p>\n<sliderInteraction responseIdentifier='R'/>")
    reading = FORMAT.read(package(CHOICE, bad, b"<a", CHOICE))
    assert len(reading.questions) == 2
    assert [(each.line, each.reason) for each in reading.refused] == [
        (6, "i1.xml: Interactions of the kind sliderInteraction are not taken."),
        (1, "i2.xml: The file is no well-formed XML: it ends before everything is closed."),
    ]


def _linked() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        link = zipfile.ZipInfo("i0.xml")
        link.create_system, link.external_attr = 3, 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    return out.getvalue()


def _twice() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("imsmanifest.xml", "<manifest/>")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("imsmanifest.xml", "<manifest/>")
    return out.getvalue()


def _locked() -> bytes:
    data = bytearray(package(CHOICE))
    data[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (package(CHOICE)[:200], "damaged"),
        (b"PK\x03\x04", "damaged"),
        (package(others={"../x.xml": b"<a/>"}), "../x.xml: A file of the package has a name that leads out"),
        (package(others={"/etc/x": b""}), "leads out"),
        (package(others={"C:/x": b""}), "leads out"),
        (package(others={"more.zip": b""}), "another archive"),
        (package(others={f"f{n}": b"" for n in range(1000)}), "more than 1000 files"),
        (package(others={"zeros": b"0" * 20_000_000}), "too large"),
        (package(CHOICE, manifest="<manifest/>"), "names no items"),
        (package(CHOICE, manifest="<manifest>"), "imsmanifest.xml: The file is no well-formed XML"),
        (
            package(
                CHOICE,
                manifest=NAMES.format(kind="imsqti_item_xmlv2p1", href="../../no.xml"),
            ),
            "no file of this name",
        ),
        (
            package(
                manifest=NAMES.format(kind="imsqti_xmlv1p2", href="q.xml"),
                others={"q.xml": b"<questestinterop/>"},
            ),
            "q.xml: This is QTI 1.2",
        ),
    ],
)
def test_a_package_that_is_not_what_it_seems_is_refused_in_words(data: bytes, reason: str) -> None:
    reading = FORMAT.read(data)
    assert reading.questions == ()
    (refused,) = reading.refused
    assert reason in refused.reason


def test_links_doubles_and_passwords_in_a_package_are_refused() -> None:
    assert "a link" in FORMAT.read(_linked()).refused[0].reason
    assert "two files of one name" in FORMAT.read(_twice()).refused[0].reason
    assert "password" in FORMAT.read(_locked()).refused[0].reason
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.xml", CHOICE)
    assert "no imsmanifest.xml" in FORMAT.read(out.getvalue()).refused[0].reason


# --- out and in again ---


SIGNS = [
    "<b>x</b>",
    "a < b & c",
    "&amp;",
    "[[1]]",
    "\\*",
    "*",
    "正誤",
    "＝｛",
    "a\n\nb",
    " a  b ",
    "]]>",
    "\t",
    '"',
    "x",
    "\x07",
]
nasty = st.lists(
    st.one_of(st.sampled_from(SIGNS), st.text(st.characters(exclude_categories=["Cs"]), max_size=4)), max_size=3
).map("".join)
texts = st.one_of(st.sampled_from(["tier", "low", "high"]), nasty)
fractions = st.sampled_from([Fraction(0), FULL, Fraction(50), Fraction(100, 3), Fraction(-25), Fraction(100, 7)])
feedback = st.one_of(st.just(""), texts)
some_choices = st.lists(st.builds(ForeignChoice, texts, fractions, feedback), min_size=1, max_size=4).map(tuple)
written = st.lists(st.builds(ForeignAnswer, text=texts, fraction=fractions, feedback=feedback), max_size=3).map(tuple)
numbers = st.lists(
    st.builds(
        ForeignAnswer,
        value=st.sampled_from(["1822", "-0.50", "*", ".5", "much"]),
        tolerance=st.sampled_from(["", "0", "0.25", "2"]),
        fraction=fractions,
        feedback=feedback,
    ),
    max_size=3,
).map(tuple)
points = st.sampled_from([Fraction(0), Fraction(1), Fraction(3, 2), Fraction(2, 3), Fraction(7)])
gaps = st.lists(
    st.one_of(
        st.builds(ForeignGap, choices=some_choices, points=points),
        st.builds(ForeignGap, answers=written, points=points, case_sensitive=st.booleans()),
        st.builds(ForeignGap, answers=numbers, points=points, is_numeric=st.just(True)),
    ),
    min_size=1,
    max_size=3,
).map(tuple)


@st.composite
def questions(draw: st.DrawFn) -> ForeignQuestion:
    kind = draw(st.sampled_from(list(Kind)))
    stem = draw(texts)
    held: dict[str, object] = {}
    if kind in (Kind.SINGLE_CHOICE, Kind.MULTIPLE_CHOICE, Kind.ORDERING):
        held["choices"] = draw(some_choices)
    elif kind is Kind.TRUE_FALSE:
        held = {"correct": draw(st.booleans()), "feedback_true": draw(feedback), "feedback_false": draw(feedback)}
    elif kind in (Kind.SHORT_ANSWER, Kind.NUMERIC):
        held["answers"] = draw(written if kind is Kind.SHORT_ANSWER else numbers)
        held["case_sensitive"] = draw(st.booleans())
    elif kind is Kind.MATCHING:
        held["pairs"] = tuple(draw(st.lists(st.tuples(texts, texts), max_size=4)))
    elif kind is Kind.GAP:
        held["gaps"] = draw(gaps)
        stem += "".join(f" [[{place}]] {draw(texts)}" for place in range(1, len(held["gaps"]) + 1))  # type: ignore[arg-type]
    elif kind is Kind.FREE_TEXT:
        held["template"] = draw(texts)
    return ForeignQuestion(
        kind,
        draw(texts),
        stem,
        text_format=draw(st.sampled_from(list(TextFormat))),
        general_feedback=draw(feedback),
        marking_notes=draw(feedback),
        tags=tuple(draw(st.lists(texts, max_size=2))),
        id=draw(st.sampled_from(["", "q1", "Q 1", "正"])),
        category=draw(st.sampled_from(["", "Policies/Tiers", "A & B"])),
        points=draw(points),
        shuffle=draw(st.booleans()),
        all_or_nothing=draw(st.booleans()) if kind in (Kind.MULTIPLE_CHOICE, Kind.MATCHING, Kind.GAP) else False,
        **held,  # type: ignore[arg-type]
    )


@settings(max_examples=examples(40), deadline=None)
@given(st.lists(questions(), max_size=2))
def test_what_was_written_is_read_again_but_for_the_losses_that_are_reported(asked: list[ForeignQuestion]) -> None:
    writing = FORMAT.write(asked)
    assert FORMAT.write(asked).data == writing.data
    refused = {loss.place for loss in writing.losses if loss.is_refused}
    kept = [question for place, question in enumerate(asked) if place not in refused]
    back = FORMAT.read(writing.data)
    assert back.refused == () or not kept
    assert len(back.questions) == len(kept)
    reported = [loss.what for loss in writing.losses if not loss.is_refused]
    assert reported == [
        what for before, after in zip(kept, back.questions, strict=True) for what in lost(before, after)
    ]
    again = FORMAT.write(back.questions)
    assert again.losses == ()


TEXTS = "Tiers:\n1 < 2 & R&D — なりすまし「正」 a*b \\\\ {x} $y$"
ORDINARY = [
    ForeignQuestion(
        Kind.SINGLE_CHOICE,
        'Tier "A"',
        TEXTS,
        choices=(ForeignChoice(TEXTS, FULL, TEXTS), ForeignChoice("low", Fraction(-100, 3)), ForeignChoice("")),
        general_feedback=TEXTS,
        tags=("tier", "なりすまし & more"),
        id="なりすまし 1",
        category="Policies/Tiers & more",
        points=Fraction(3, 2),
    ),
    ForeignQuestion(
        Kind.MULTIPLE_CHOICE,
        "",
        TEXTS,
        choices=(ForeignChoice("a", FULL / 3, "why"), ForeignChoice("b", FULL * 2 / 3), ForeignChoice("c", -FULL)),
        points=Fraction(2),
        shuffle=False,
    ),
    ForeignQuestion(
        Kind.MULTIPLE_CHOICE,
        "t",
        TEXTS,
        choices=(ForeignChoice("a", FULL / 2, "why"), ForeignChoice("b", FULL / 2), ForeignChoice("c")),
        points=Fraction(2),
        all_or_nothing=True,
    ),
    ForeignQuestion(Kind.SINGLE_CHOICE, "t", "s", choices=(ForeignChoice("True", FULL), ForeignChoice("False"))),
    ForeignQuestion(Kind.TRUE_FALSE, "t", "本当？", correct=False, feedback_true="no", feedback_false="yes"),
    ForeignQuestion(
        Kind.SHORT_ANSWER,
        "t",
        TEXTS,
        answers=(ForeignAnswer("York"), ForeignAnswer("a\\*b", fraction=FULL / 2), ForeignAnswer("k", fraction=-FULL)),
    ),
    ForeignQuestion(
        Kind.SHORT_ANSWER,
        "t",
        TEXTS,
        answers=(
            ForeignAnswer("*go(l)d.*", feedback="Nearly."),
            ForeignAnswer("\\*x", fraction=FULL / 2),
            ForeignAnswer("*", fraction=Fraction(0), feedback="No."),
        ),
        case_sensitive=True,
    ),
    ForeignQuestion(
        Kind.NUMERIC,
        "t",
        "How many?",
        answers=(
            ForeignAnswer(value="1822", tolerance="0.5", feedback="Yes."),
            ForeignAnswer(value="-1.50", fraction=FULL / 3),
            ForeignAnswer(value="*", fraction=Fraction(0), feedback="No."),
        ),
        points=Fraction(5),
    ),
    ForeignQuestion(Kind.MATCHING, "t", TEXTS, pairs=(("a", "1"), ("b", "1"), ("c", TEXTS), ("", "4"))),
    ForeignQuestion(Kind.MATCHING, "t", "s", pairs=(("a", "1"), ("b", "2")), all_or_nothing=True),
    ForeignQuestion(
        Kind.ORDERING, "t", TEXTS, choices=tuple(map(ForeignChoice, "zcab")), points=Fraction(2), shuffle=False
    ),
    ForeignQuestion(
        Kind.GAP,
        "t",
        "The [[2]] of\n[[1]] is [[3]].",
        gaps=(
            ForeignGap(choices=(ForeignChoice("York", FULL, "yes"), ForeignChoice("Kent & more"))),
            ForeignGap(answers=(ForeignAnswer("sun"), ForeignAnswer("son", fraction=FULL / 2)), points=Fraction(2)),
            ForeignGap(answers=(ForeignAnswer(value="4", tolerance="1"),), is_numeric=True),
        ),
        points=Fraction(6),
    ),
    ForeignQuestion(
        Kind.GAP,
        "t",
        "[[1]]",
        gaps=(ForeignGap(answers=(ForeignAnswer("sun"),), case_sensitive=True),),
        all_or_nothing=True,
        points=Fraction(3),
    ),
    ForeignQuestion(Kind.FREE_TEXT, "t", TEXTS, template=TEXTS, marking_notes=TEXTS, points=Fraction(10)),
    ForeignQuestion(Kind.DESCRIPTION, "t", TEXTS, points=Fraction(0)),
]


@pytest.mark.parametrize("text_format", [TextFormat.PLAIN, TextFormat.MARKDOWN, TextFormat.MOODLE])
def test_an_ordinary_question_loses_nothing(text_format: TextFormat) -> None:
    asked = [replace(question, text_format=text_format) for question in ORDINARY]
    writing = FORMAT.write(asked)
    assert writing.losses == ()
    assert list(FORMAT.read(writing.data).questions) == asked


def test_html_as_people_write_it_becomes_well_formed_and_stays_the_same_from_then_on() -> None:
    stem = '<p>One<br>two &nbsp; <b>bold <i>both</b><p>&lt;x&gt; <img src=x onerror=y> <a href="https://a.example/?a=1&b=2">a</a>'
    asked = ForeignQuestion(
        Kind.SINGLE_CHOICE,
        "t",
        stem,
        TextFormat.HTML,
        choices=(ForeignChoice("<em>a</em>\n b", FULL), ForeignChoice("1 &lt; 2")),
    )
    writing = FORMAT.write([asked])
    assert [loss.what for loss in writing.losses] == ["its text as it is written"]
    (back,) = FORMAT.read(writing.data).questions
    assert back.stem == (
        '<p>One<br>two \xa0 <b>bold <i>both</i></b></p><p>&lt;x&gt;  <a href="https://a.example/?a=1&amp;b=2">a</a></p>'
    )
    assert FORMAT.write([back]).losses == ()


def test_an_export_has_the_shape_that_others_expect() -> None:
    writing = FORMAT.write([*ORDINARY, ForeignQuestion(Kind.CASE, "t", "s")])
    assert [(loss.place, loss.is_refused) for loss in writing.losses] == [(len(ORDINARY), True)]
    with zipfile.ZipFile(io.BytesIO(writing.data)) as archive:
        names = archive.namelist()
        assert names[:2] == ["imsmanifest.xml", "items/item-0001.xml"]
        assert len(names) == 1 + len(ORDINARY)
        first = archive.read(names[1]).decode()
        manifest = parse(archive.read(names[0]))
        order = [
            "responseDeclaration",
            "outcomeDeclaration",
            "itemBody",
            "responseProcessing",
            "modalFeedback",
        ]
        for name in names[1:]:
            root = parse(archive.read(name))
            assert (root.tag, root.space) == ("assessmentItem", "http://www.imsglobal.org/xsd/imsqti_v2p2")
            places = [order.index(child.tag) for child in root.elements()]
            assert places == sorted(places)
    assert 'identifier="item-0001" title="Tier &quot;A&quot;" label="なりすまし 1"' in first
    hrefs = [each.get("href") for each in manifest.walk() if each.tag == "resource"]
    assert hrefs == names[1:]


def test_a_bank_beyond_the_files_of_a_package_says_what_it_leaves_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(qti, "MAX_ITEMS", 2)
    writing = FORMAT.write([ORDINARY[-1]] * 3)
    assert [(loss.place, loss.is_refused) for loss in writing.losses] == [(2, True)]
    assert "at most 2" in writing.losses[0].what
    assert len(FORMAT.read(writing.data).questions) == 2


# --- hostile files ---


def _spoilt(data: bytes, chance: random.Random) -> bytes:
    at, length = chance.randrange(len(data) + 1), chance.randrange(1, 60)
    other = chance.randrange(len(data) + 1)
    piece = data[other : other + length]
    return {
        "cut": data[:at] + data[at + length :],
        "doubled": data[:at] + piece + data[at:],
        "swapped": data[:at] + piece + data[at + length :],
        "ended": data[:at],
        "flipped": data[:at] + bytes([chance.randrange(256)]) + data[at + 1 :],
        "untagged": data[:at] + data[at:].replace(b"<", b"", 1),
        "renamed": data.replace(b'identifier="', b'identifier="x', chance.randrange(1, 6)),
        "emptied": data[:at] + data[at:].replace(b">", b"/>", 1),
    }[chance.choice(["cut", "doubled", "swapped", "ended", "flipped", "untagged", "renamed", "emptied"])]


@pytest.mark.parametrize("is_package", [False, True])
def test_spoilt_files_are_read_or_refused_and_never_an_accident(*, is_package: bool) -> None:
    chance = random.Random(20261128)
    written = FORMAT.write(ORDINARY).data
    with zipfile.ZipFile(io.BytesIO(written)) as archive:
        whole = [archive.read(name) for name in archive.namelist()[1:]]
    originals = [written, package(CHOICE)] if is_package else [*whole, CHOICE]
    began = time.monotonic()
    for _turn in range(examples(150)):
        data = chance.choice(originals)
        for _more in range(chance.randrange(1, 4)):
            data = _spoilt(data, chance)
        reading = FORMAT.read(data)
        assert reading.questions or reading.refused
        assert all(refused.line >= 0 and refused.reason for refused in reading.refused)
    assert time.monotonic() - began < 60


def test_a_rule_of_thousands_of_alternatives_is_not_followed() -> None:
    same = '<match><variable identifier="RESPONSE"/><baseValue>A</baseValue></match>'
    act = '<setOutcomeValue identifier="F"><baseValue>f</baseValue></setOutcomeValue>'
    rules = f"<responseCondition><responseIf><or>{same * 2000}</or>{act * 2000}</responseIf></responseCondition>"
    rest = f"<responseProcessing>{rules}</responseProcessing>"
    assert only(item(declare("A"), choices("A", "B"), rest)).losses == ("its own rules of marking",)


def test_the_commands_read_and_write_packages(app: Flask, tmp_path: Path) -> None:
    run = app.test_cli_runner().invoke
    (tmp_path / "bank.zip").write_bytes(package(CHOICE, item("", "<drawingInteraction responseIdentifier='R'/>")))
    printed = run(args=["quizzes", "read", str(tmp_path / "bank.zip"), "--format", "qti", "--json"])
    data = json.loads(printed.output)
    assert [question["type"] for question in data["questions"]] == ["single_choice"]
    assert data["refused"][0]["line"] == 5
    (tmp_path / "bank.json").write_text(json.dumps(data), encoding="utf-8")
    target = tmp_path / "again.zip"
    args = ["quizzes", "write", str(tmp_path / "bank.json"), "--format", "qti", "--output", str(target)]
    assert run(args=args).exit_code == 0
    assert FORMAT.read(target.read_bytes()).questions == FORMAT.read(package(CHOICE)).questions
    assert read_file("qti", b"x" * (MAX_BYTES + 1)).refused[0].line == 0
