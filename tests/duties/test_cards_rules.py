"""A card asks for the six headings of a handover paper and more; nothing of it is longer than can be read."""

from __future__ import annotations

import re
from datetime import date, timedelta
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.core.markdown import clause_links, render
from portal.duties.rules import CARD_HOLDS_DAYS, PART_LIMIT, CardPart
from portal.duties.rules.cards import (
    CLAUSE_LINK,
    LANGUAGES,
    SIX,
    Question,
    QuestionFault,
    as_markdown,
    holds_until,
    is_stale,
    merged,
    missing_in,
    missing_parts,
    question_fault,
    secret_places,
    tidied,
    tidied_parts,
    tidied_question,
    too_long,
)

_texts = st.dictionaries(st.sampled_from(LANGUAGES), st.text(st.sampled_from("a 判\n\r\t"), max_size=12))
_parts = st.dictionaries(st.sampled_from([each.value for each in CardPart]), _texts)


def test_the_six_headings_are_asked_for_and_the_rest_may_stay_empty() -> None:
    assert [each.value for each in missing_parts({})] == [
        "purpose", "rhythm", "steps", "contacts", "exceptions", "open_items",
    ]  # fmt: skip
    assert missing_parts({each.value: {"ja": "はい"} for each in SIX}) == []


@given(_parts)
def test_what_is_kept_says_something_and_is_kept_the_same_again(parts: dict[str, dict[str, str]]) -> None:
    kept = tidied_parts(parts)
    assert tidied_parts(kept) == kept
    assert all(texts and all(text.strip() for text in texts.values()) for texts in kept.values())
    assert list(kept) == [each.value for each in CardPart if each.value in kept]
    # Nothing that can be seen is lost.
    for part, texts in parts.items():
        for language, text in texts.items():
            assert "".join(kept.get(part, {}).get(language, "").split()) == "".join(text.split())


@given(_parts)
def test_a_part_is_missing_where_no_language_has_it(parts: dict[str, dict[str, str]]) -> None:
    kept = tidied_parts(parts)
    assert set(missing_parts(kept)) == {each for each in SIX if each.value not in kept}
    for language in LANGUAGES:
        assert {each.value for each in missing_in(kept, language)} == {p for p in kept if language not in kept[p]}


def test_a_part_has_six_thousand_characters_at_most_in_each_language() -> None:
    parts = {"steps": {"en": "a" * PART_LIMIT, "ja": "手" * (PART_LIMIT + 1)}}
    (found,) = too_long(parts)
    assert (found.part, found.language, found.length) == (CardPart.STEPS, "ja", 6_001)


@pytest.mark.parametrize(
    ("question", "fault"),
    [
        (Question("Who decides?", "The lead", ("Anybody",)), None),
        (Question("", "The lead", ("Anybody",)), QuestionFault.STEM_MISSING),
        (Question("Who decides?", "", ("Anybody",)), QuestionFault.RIGHT_MISSING),
        (Question("Who decides?", "The lead", ()), QuestionFault.WRONG_MISSING),
        (Question("Who decides?", "a", ("b", "c", "d", "e")), QuestionFault.WRONG_MISSING),
        (Question("Who decides?", "Lead", ("ＬＥＡＤ",)), QuestionFault.SAME_TWICE),
        (Question("Who decides?", "a" * 301, ("b",)), QuestionFault.TOO_LONG),
        (Question("?" * 501, "a", ("b",)), QuestionFault.TOO_LONG),
    ],
)
def test_a_question_has_one_right_and_one_to_three_wrong_answers(
    question: Question, fault: QuestionFault | None
) -> None:
    assert question_fault(question) is fault


def test_an_empty_question_is_none() -> None:
    assert tidied_question(" ", "\n", ["", "\t"]) is None
    assert tidied_question("誰が決めますか。 ", "リード", ["", "本人"]) == Question(
        "誰が決めますか。", "リード", ("本人",)
    )


def test_a_secret_is_told_by_its_place_and_not_shown() -> None:
    parts = {"access": {"ja": "管理画面\nパスワード：hibiki2026"}}
    first, second = secret_places(parts, [Question("Which?", "PIN 4821", ("none",))])
    assert (first.part, first.language, first.line, first.shown) == (CardPart.ACCESS, "ja", 2, "hi••••••")
    assert (second.part, second.question, second.shown) == (None, 1, "4••••••")


@given(st.dates(date(2000, 1, 1), date(2090, 1, 1)), st.integers(0, 400))
def test_a_card_holds_for_180_days(checked_on: date, days: int) -> None:
    assert is_stale(checked_on, checked_on + timedelta(days=days)) == (days > CARD_HOLDS_DAYS)
    assert not is_stale(checked_on, holds_until(checked_on))


def test_line_ends_of_every_system_are_one() -> None:
    assert tidied("a\r\nb\rc  \n\n\n\nd\n") == "a\nb\nc\n\nd"


_fields = st.dictionaries(st.sampled_from(["steps_en", "steps_ja", "title"]), st.sampled_from(["", "a", "b", "c"]))


@given(base=_fields, typed=_fields, newest=_fields)
def test_nothing_that_either_of_two_wrote_is_lost(
    base: dict[str, str], typed: dict[str, str], newest: dict[str, str]
) -> None:
    found = merged(base, typed, newest)
    for name, mine in typed.items():
        was, theirs = base.get(name, ""), newest.get(name, "")
        if name in found.taken:
            # Only the other one wrote here.
            assert (mine, found.values[name]) == (was, theirs)
        else:
            assert found.values[name] == mine
            assert (name in found.both) == (theirs not in (was, mine))


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("一行目\n二行目", "一行目\\\n二行目"),
        ("Do this:\n- first\n- second\nDone", "Do this:\n\n- first\n- second\n\nDone"),
        ("・最初\n・次", "- 最初\n- 次"),
        ("1. open\n2) close", "1. open\n2. close"),
        ("# no heading", "\\# no heading"),
        ("a *b* _c_ <d> [e](f)", "a \\*b\\* \\_c\\_ \\<d\\> \\[e\\](f)"),
        ("see [[appeals#second-look]]", "see [[appeals#second-look]]"),
        ("「[[daily-audit@JP#recording]]」のとおり", "「[[daily-audit@JP#recording]]」のとおり"),
        ("[[appeals]] [[Appeals#x]]", "\\[\\[appeals\\]\\] \\[\\[Appeals#x\\]\\]"),
        ("https://intra.hibiki.example/a_b?c=d。", "<https://intra.hibiki.example/a_b?c=d>。"),
        ("title\n---", "title\\\n\\---"),
        ("2026-04-01", "2026-04-01"),
    ],
)
def test_what_was_typed_is_markdown_that_says_the_same(text: str, markdown: str) -> None:
    assert as_markdown(text) == markdown


@pytest.mark.parametrize(
    "link",
    ["appeals#second-look", "appeals@JP#a", "appeals@jp-2#a", "Appeals#a", "appeals", "#a", "1a#a", "a@#a", "a#A"],
)
@pytest.mark.parametrize("after", ["", "。", "(x)", "[x]"])
def test_a_card_knows_the_same_links_as_the_library(link: str, after: str) -> None:
    found = CLAUSE_LINK.search(f"[[{link}]]{after}")
    known = [] if found is None else [(found["slug"], found["anchor"], 1)]
    # Within its own document a clause needs no slug; a card is no document.
    assert known == [each for each in clause_links(f"x [[{link}]]{after}") if each[0]]


@given(st.text(st.sampled_from("ab1 .-*_#>|`[]()!<&\\{}~$^@:=・判\n"), max_size=60))
def test_no_sign_of_a_text_is_lost_or_means_something_else(text: str) -> None:
    markup = render(as_markdown(text))
    shown = unescape(re.sub(r"<[^>]+>", "", markup))
    assert "<h" not in markup
    assert "<code" not in markup
    assert "<em" not in markup
    # The signs of items are drawn by the list.
    letters = [each for each in text if each in "ab#>|`[]!<&\\{}~$^@:=判"]
    assert [each for each in shown if each in "ab#>|`[]!<&\\{}~$^@:=判"] == letters
