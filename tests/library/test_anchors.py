"""The ids of a draft's clauses: proposed, taken from the other language, kept when reworded, put back when lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.core.markdown import split_clauses
from portal.library.service.anchors import with_ids

pytestmark = pytest.mark.any_database

BEFORE = "## Scope {#scope}\n\nIt covers accounts.\n\n## Fan accounts {#fans sensitivity=S1}\n\nA label.\n"


def ids(source: str) -> list[str]:
    return [clause.anchor for clause in split_clauses(source) if clause.level]


def test_a_heading_without_an_id_gets_one_made_of_its_words() -> None:
    assert with_ids("## Who may report\n\nAnybody.\n") == "## Who may report {#who-may-report}\n\nAnybody.\n"


def test_an_id_stays_when_the_heading_is_reworded() -> None:
    reworded = BEFORE.replace("Fan accounts", "Accounts of fans")
    assert with_ids(reworded, before=BEFORE) == reworded


def test_braces_that_were_deleted_come_back_with_their_labels() -> None:
    lost = BEFORE.replace(" {#fans sensitivity=S1}", "")
    assert with_ids(lost, before=BEFORE) == BEFORE


def test_braces_come_back_also_where_the_heading_was_reworded_at_once() -> None:
    lost = BEFORE.replace("## Fan accounts {#fans sensitivity=S1}", "## Accounts of fans")
    assert "## Accounts of fans {#fans sensitivity=S1}" in with_ids(lost, before=BEFORE)


def test_braces_come_back_where_only_the_words_below_changed() -> None:
    lost = BEFORE.replace("## Fan accounts {#fans sensitivity=S1}\n\nA label.", "## Fan accounts\n\nA clear label.")
    assert "{#fans sensitivity=S1}" in with_ids(lost, before=BEFORE)


def test_a_clause_that_replaces_another_gets_an_id_of_its_own() -> None:
    other = BEFORE.replace("## Fan accounts {#fans sensitivity=S1}\n\nA label.", "## Appeals\n\nWithin a week.")
    assert ids(with_ids(other, before=BEFORE, counterpart=BEFORE)) == ["scope", "appeals"]


def test_a_translation_takes_the_ids_of_the_same_places() -> None:
    translated = "## 適用範囲\n\n対象です。\n\n## ファンアカウント\n\n表示。\n"
    assert ids(with_ids(translated, counterpart=BEFORE)) == ["scope", "fans"]


def test_where_a_translation_has_another_number_of_headings_no_id_is_guessed() -> None:
    more = "## 適用範囲\n\n対象です。\n\n## 追加\n\n日本のみ。\n\n## ファンアカウント\n\n表示。\n"
    assert ids(with_ids(more, counterpart=BEFORE)) == ["clause-1", "clause-2", "clause-3"]
    partly = more.replace("## 適用範囲", "## 適用範囲 {#scope}")
    assert ids(with_ids(partly, counterpart=BEFORE)) == ["scope", "clause-2", "clause-3"]


def test_a_translation_that_is_written_from_its_beginning_takes_one_id_after_the_other() -> None:
    first = with_ids("## 適用範囲\n\n対象です。\n", counterpart=BEFORE)
    assert ids(first) == ["scope"]
    assert ids(with_ids(first + "\n## ファンアカウント\n", before=first, counterpart=BEFORE)) == ["scope", "fans"]


def test_a_japanese_heading_without_a_counterpart_is_named_by_its_place() -> None:
    assert ids(with_ids("## 適用範囲\n\n対象。\n\n## 定義\n\n用語。\n")) == ["clause-1", "clause-2"]
    assert ids(with_ids("前文\n\n## 適用範囲 {#clause-2}\n\n## 定義\n")) == ["clause-2", "clause-3"]


def test_where_somebody_is_writing_a_heading_its_id_waits() -> None:
    half = "## Who ma"
    assert with_ids(half, besides_line=1) == half
    assert ids(with_ids("## A\n\n## B", besides_line=3)) == ["a", ""]


def test_an_id_that_is_taken_is_not_proposed_again() -> None:
    assert ids(with_ids("## Notes {#notes}\n\n## Notes\n\n## Main\n")) == ["notes", "notes-2", "main-2"]


def test_other_forms_of_headings_get_their_ids_too() -> None:
    assert with_ids("## Scope ##\n") == "## Scope {#scope} ##\n"
    assert with_ids("Scope of\nthis\n---\n\nText.\n") == "Scope of\nthis {#scope-of-this}\n---\n\nText.\n"
    inside = "```\n## code\n```\n\n> ## quoted\n"
    assert with_ids(inside) == inside


def test_braces_that_cannot_be_read_are_left_to_their_author() -> None:
    wrong = "## Scope {#Not An Id}\n"
    assert with_ids(wrong) == wrong


def test_a_text_beyond_the_limits_comes_back_as_it_is() -> None:
    deep = "[" * 50 + "\n\n## A\n"
    assert with_ids(deep) == deep


_WORDS = st.sampled_from(["Scope", "適用範囲", "Notes", "第3条", "A `b` c", "*x*", "Scope"])
_CLAUSES = st.lists(st.tuples(_WORDS, st.sampled_from(["", "Text.", "文です。", "- a\n- b"])), max_size=6)


@given(_CLAUSES, _CLAUSES)
def test_every_heading_has_an_id_of_its_own_and_a_second_time_changes_nothing(
    here: list[tuple[str, str]], there: list[tuple[str, str]]
) -> None:
    source, other = ("\n".join(f"## {heading}\n\n{body}\n" for heading, body in each) for each in (here, there))
    counterpart = with_ids(other)
    done = with_ids(source, counterpart=counterpart)
    found = ids(done)
    assert all(found)
    assert len(set(found)) == len(found) == len(here)
    assert with_ids(done, before=done, counterpart=counterpart) == done
    # A save whose answer was lost arrives again as it was written: it says what is there already.
    assert with_ids(source, before=done, counterpart=counterpart) == done
