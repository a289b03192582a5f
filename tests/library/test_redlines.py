"""The redline of two versions and the page that shows it: what became of each clause, in both languages."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.core import markdown
from portal.core.redline import Fate, apply, compare, mark, revert
from portal.core.transaction import own_transaction
from portal.library import queries
from portal.library.models import DocumentVersion
from portal.library.queries.redlines import ClauseChange, Redline, redline_of_sources, redline_of_versions
from portal.library.service import versions
from tests.builders import Cast
from tests.core.test_redline import assert_true, silent
from tests.library.builders import EN, JA, english, japanese, make_document, make_published, make_version, soon
from tests.material import material
from tests.page_client import Page
from tests.queries import counted_queries
from tests.volume import volume

READ = {"slug": "impersonation"}


def clauses(**texts: str) -> str:
    """Return a text of clauses with these ids."""
    return "\n\n".join(
        f"## {anchor.capitalize()} {{#{anchor.replace('_', '-')}}}\n\n{text}" for anchor, text in texts.items()
    )


def kinds(redline: Redline) -> list[tuple[str, str]]:
    return [(each.anchor, each.kind.value) for each in redline.clauses]


def made(old: str, new: str) -> list[tuple[str, str]]:
    return kinds(redline_of_sources(old, new, "en"))


def words_of(element: Any) -> str:
    return " ".join("".join(element.itertext()).split())


# --- what became of each clause -----------------------------------------------------------------


def test_each_clause_is_the_same_changed_new_or_removed() -> None:
    old = clauses(scope="It covers all.", label="A label stands in the name.", harm="Restrict.", end="The end.")
    new = clauses(
        scope="It covers all.", label="Two labels stand in the name.", appeal="Within 30 days.", end="The end."
    )
    redline = redline_of_sources(old, new, "en")
    assert kinds(redline) == [
        ("scope", "same"), ("label", "changed"), ("harm", "removed"), ("appeal", "added"), ("end", "same"),
    ]  # fmt: skip
    assert [each.anchor for each in redline.changed] == ["label", "harm", "appeal"]
    label = redline.clauses[1]
    assert silent(label.inline) == "<p><del>A label stands</del><ins>Two labels stand</ins> in the name.</p>"
    assert silent(redline.clauses[2].heading_marked.inline) == "<del>Harm</del>"


def test_a_clause_at_another_place_has_moved_and_nothing_else_has() -> None:
    old = clauses(a="One.", b="Two.", c="Three.", d="Four.", e="Five.")
    assert made(old, clauses(a="One.", e="Five.", b="Two.", c="Three.", d="Four.")) == [
        ("a", "same"), ("e", "moved"), ("b", "same"), ("c", "same"), ("d", "same"),
    ]  # fmt: skip
    assert made(old, clauses(b="Two.", c="Three.", d="Four!", e="Five.", a="One and a half.")) == [
        ("b", "same"), ("c", "same"), ("d", "changed"), ("e", "same"), ("a", "moved_and_changed"),
    ]  # fmt: skip


def test_an_unchanged_text_under_another_id_has_moved() -> None:
    old, new = "## Words {#words}\n\nThe same.", "## Words {#terms}\n\nThe same."
    (only,) = redline_of_sources(old, new, "en").clauses
    assert (only.kind, only.anchor, only.was_anchor) == (ClauseChange.MOVED, "terms", "words")
    assert not only.is_visible


@given(st.permutations(range(7)), st.sets(st.integers(0, 6)), st.sets(st.integers(0, 6)))
def test_as_few_clauses_as_can_be_have_moved(order: list[int], removed: set[int], added: set[int]) -> None:
    old = clauses(**{f"c{number}": f"Text {number}." for number in range(7) if number not in added})
    new = clauses(**{f"c{number}": f"Text {number}." for number in order if number not in removed})
    found = redline_of_sources(old, new, "en").clauses
    both = [number for number in order if number not in removed | added]
    steady = [int(each.anchor[1:]) for each in found if each.kind is ClauseChange.SAME]
    assert steady == sorted(steady), "what has not moved stands in its old order"
    longest = [1] * len(both)
    for place, number in enumerate(both):
        longest[place] += max((longest[before] for before in range(place) if both[before] < number), default=0)
    assert len(steady) == max(longest, default=0)
    assert [each.anchor for each in found if each.kind is not ClauseChange.REMOVED] == [
        f"c{number}" for number in order if number not in removed
    ]
    gone = [int(each.anchor[1:]) for each in found if each.kind is ClauseChange.REMOVED]
    assert gone == sorted(removed - added)
    for number in gone:
        place = next(at for at, each in enumerate(found) if each.anchor == f"c{number}")
        before = [int(each.anchor[1:]) for each in found[:place] if each.kind is ClauseChange.SAME]
        assert all(steady_one < number for steady_one in before), "a removed clause stands at its old place"


def test_only_the_clauses_that_are_asked_for_are_told() -> None:
    old = clauses(a="One.", b="Two.", c="Three.")
    new = clauses(c="Three.", a="Uno.", b="Due.")
    redline = redline_of_sources(old, new, "en", only={"c", "a"})
    assert kinds(redline) == [("c", "moved"), ("a", "changed")]
    renamed = redline_of_sources("## A {#a}\n\nText.", "## A {#b}\n\nText.", "en", only={"a"})
    assert kinds(renamed) == [("b", "moved")], "found by its old id as well"


def test_headings_of_a_draft_need_no_ids_yet() -> None:
    old, new = "## One\n\nText.\n\n## Two\n\nText.", "## One\n\nText!\n\n## One\n\nMore.\n\n## Two\n\nText."
    assert [each.kind.value for each in redline_of_sources(old, new, "en").clauses] == ["changed", "added", "same"]


def test_a_clause_that_is_only_written_otherwise_shows_no_marks() -> None:
    redline = redline_of_sources(clauses(a="One long line."), clauses(a="One long\nline."), "en")
    (only,) = redline.changed
    assert only.kind is ClauseChange.CHANGED
    assert not only.is_visible
    assert "<ins>" not in only.inline + only.after


# --- versions -----------------------------------------------------------------------------------


def two_versions(cast: Cast, **changed: Any) -> tuple[DocumentVersion, DocumentVersion]:
    first = make_published(cast.author)
    en = EN.replace("carries a label", "carries two labels").replace("A note at", "A remark at")
    ja = JA.replace("表示が必要です", "二つの表示が必要です").replace("脚注です", "注です")
    texts = changed.pop("texts", [english(en, title="Impersonation and parody"), japanese(ja, title="なりすまし等")])
    return first, make_version(first.document, cast.author, "1.1", texts=texts, **changed)


@pytest.mark.parametrize(("language", "gone", "came"), [("en", "a label", "two labels"), ("ja", "", "二つの")])
def test_two_versions_differ_in_each_language(cast: Cast, language: str, gone: str, came: str) -> None:
    old, new = two_versions(cast)
    redline = redline_of_versions(old, new, language)
    assert [(each.anchor, each.kind) for each in redline.changed] == [("fan-accounts", ClauseChange.CHANGED)]
    (changed,) = redline.changed
    assert changed.language == language
    assert changed.sensitivity == "S1"
    assert f"<ins>{came}</ins>" in silent(changed.after)
    assert (f"<del>{gone}</del>" in silent(changed.before)) is bool(gone)
    assert [field.name for field in redline.fields] == ["title"]
    assert redline.footnotes is not None
    backwards = redline_of_versions(new, old, language)
    assert f"<del>{came}</del>" in silent(backwards.changed[0].before)


def test_without_an_old_version_everything_is_new(cast: Cast) -> None:
    version = make_published(cast.author)
    redline = redline_of_versions(None, version, "en")
    assert {each.kind for each in redline.clauses} == {ClauseChange.ADDED}
    assert [field.name for field in redline.fields] == ["title"]


def test_a_version_compared_with_itself_says_the_same(cast: Cast) -> None:
    version = make_published(cast.author)
    assert redline_of_versions(version, version, "ja").is_empty


def test_a_language_that_one_of_them_lacks_is_compared_in_the_deciding_one(cast: Cast) -> None:
    first = make_published(cast.author, texts=[english()])
    new = make_version(first.document, cast.author, "1.1", texts=[english(EN.replace("None.", "One.")), japanese()])
    redline = redline_of_versions(first, new, "ja")
    assert {each.language for each in redline.clauses} == {"en"}
    assert [each.anchor for each in redline.changed] == ["exceptions"]


def test_a_translation_that_has_not_followed_is_named(cast: Cast) -> None:
    old, new = two_versions(cast, texts=[english(EN.replace("None.", "One.")), japanese(JA, says_number="1.0")])
    redline = redline_of_versions(old, new, "ja")
    assert not redline.changed
    assert [each.anchor for each in redline.clauses if each.deciding_changed] == ["exceptions"]


def test_a_link_whose_words_follow_another_document_is_no_change(cast: Cast) -> None:
    links = "## A {#a}\n\nSee [[other#b]].\n"
    make_published(cast.author, "other", texts=[english("## Old name {#b}\n\nText.\n")])
    first = make_published(cast.author, texts=[english(links)])
    second = make_version(first.document, cast.author, "1.1", texts=[english(links)])
    # Only in the latest version do the words of the link follow.
    other = queries.get_document("other")
    make_version(other, cast.author, "1.1", texts=[english("## New name {#b}\n\nText.\n")])
    redline = redline_of_versions(first, second, "en")
    assert redline.is_empty
    assert "New name" in redline.clauses[0].before
    assert "<del>" not in redline.clauses[0].inline


# --- real histories -----------------------------------------------------------------------------


def _histories() -> list[Path]:
    return sorted(folder for folder in material("policies").glob("*/*") if folder.is_dir())


@pytest.mark.any_database
def test_every_step_of_real_histories_leads_there_and_back() -> None:
    steps = [step for folder in _histories() for step in pairwise(sorted(folder.glob("v*.md")))]
    assert len(steps) > 400
    # All of them do; in each run every fourth.
    for step in steps[:: volume(4, 1)]:
        old, new = (path.read_text(encoding="utf-8") for path in step)
        pieces = compare(old, new, "en")
        assert apply(pieces, old) == new
        assert revert(pieces, new) == old
        assert any(piece.fate is not Fate.SAME for piece in pieces) or old == new


@pytest.mark.any_database
def test_steps_of_real_histories_are_shown_as_they_are() -> None:
    for folder in _histories():
        # All of them hold; in each run the last step and, of short texts, the first.
        paths = sorted(folder.glob("v*.md"))
        for first, then in (paths[-2:], *([paths[:2]] if paths[0].stat().st_size < 10_000 else [])):
            old, new = (markdown.render(path.read_text(encoding="utf-8")) for path in (first, then))
            assert_true(mark(old, new, "en"), old, new)


# --- the page -----------------------------------------------------------------------------------


def compared(cast: Cast, as_: Any, person: str = "colleague", **asked: str) -> Page:
    return as_(getattr(cast, person)).get("library.compare", **READ, **asked)  # type: ignore[no-any-return]


def chosen(page: Page, name: str) -> str:
    select = page.one("select", id=f"compare_{name}")
    return next(option.get("value", "") for option in select.iter("option") if option.get("selected") is not None)


def test_the_page_compares_the_version_in_force_with_the_one_before(cast: Cast, as_: Any) -> None:
    _first, second = two_versions(cast)
    make_version(second.document, cast.author, "1.2", effective_at=soon())
    page = compared(cast, as_)
    assert (chosen(page, "from"), chosen(page, "to")) == ("1.0", "1.1")
    assert page.heading == "What changed in “Impersonation and parody”"
    (entry,) = page.one("ul", class_="comparison__list").iter("li")
    assert words_of(entry) == "Changed Fan accounts §Clause fan-accounts"
    assert "#fan-accounts" in page.links()
    section = page.one("section", id="fan-accounts")
    assert "carries [removed] a label [end][added] two labels [end]" in words_of(section)


def listed(page: Page) -> list[str]:
    return [words_of(entry) for entry in page.one("ul", class_="comparison__list").iter("li")]


def test_the_list_names_what_moved_and_what_changed_in_the_other_language_only(cast: Cast, as_: Any) -> None:
    texts = ("One.", "Two.", "Three.\n\nFour.\n\nFive.", "Six."), ("一。", "二。", "三。\n\n四。\n\n五。", "六。")
    en, ja = (dict(zip("abcd", each, strict=True)) for each in texts)
    first = make_published(cast.author, texts=[english(clauses(**en)), japanese(clauses(**ja))])
    en_new = {"d": en["d"], "a": en["a"], "b": en["b"], "c": "Five.\n\nThree.\n\nFour."}
    ja_new = {"d": ja["d"], "a": ja["a"], "b": "弐。", "c": "五。\n\n三。\n\n四。"}
    make_version(first.document, cast.author, "1.1", texts=[english(clauses(**en_new)), japanese(clauses(**ja_new))])
    assert listed(compared(cast, as_)) == [
        "Moved D §Clause d", "Changed in Japanese only B §Clause b", "Moved within the clause C §Clause c",
    ]  # fmt: skip
    # What is read in Japanese says in Japanese that it changed.
    assert listed(compared(cast, as_, text="ja")) == [
        "Moved D §Clause d", "Changed B §Clause b", "Moved within the clause C §Clause c",
    ]  # fmt: skip
    section = compared(cast, as_, view="side").one("section", id="c")
    assert words_of(section).count("[moved from here]") == words_of(section).count("[moved here]") == 1
    assert "[removed]" not in words_of(section)
    # And the history of the document says the same.
    history = as_(cast.colleague).get("library.history", **READ)
    assert "At another place: §Clause d" in words_of(history.one("main"))
    assert "Changed in Japanese only: §Clause b" in words_of(history.one("main"))


def test_a_translation_that_comes_as_a_whole_is_told_as_one_thing(cast: Cast, as_: Any) -> None:
    first = make_published(cast.author, texts=[english()])
    make_version(first.document, cast.author, "1.1", texts=[english(), japanese()])
    page = compared(cast, as_)
    assert "The Japanese text is new." in words_of(page.one("main"))
    assert "only" not in words_of(page.one("section", **{"aria-labelledby": "comparison_list"}))


def test_the_page_speaks_japanese(cast: Cast, as_: Any) -> None:
    two_versions(cast)
    page = compared(cast, as_, "learner")
    assert page.heading == "「なりすまし等」の変更点"
    assert "変更のない条項" in page.text
    assert "二つの" in words_of(page.one("section", id="fan-accounts"))
    english_text = compared(cast, as_, "learner", text="en")
    assert "two labels" in words_of(english_text.one("section", id="fan-accounts"))
    assert any(each.get("lang") == "en" for each in english_text.one("section", id="fan-accounts").iter("div"))


def test_old_and_new_can_stand_side_by_side(cast: Cast, as_: Any) -> None:
    two_versions(cast)
    page = compared(cast, as_, view="side")
    section = page.one("section", id="fan-accounts")
    sides = [words_of(each) for each in section.iter("div") if each.get("class") == "redline__side"]
    assert len(sides) == 2
    assert sides[0].startswith("Version 1.0")
    assert "two labels" not in sides[0]
    assert sides[1].startswith("Version 1.1")
    assert "two labels" in sides[1]
    assert any("view=inline" in link for link in page.links())


def test_any_two_versions_compare_also_backwards_and_withdrawn_ones(cast: Cast, as_: Any) -> None:
    first, second = two_versions(cast)
    with own_transaction():
        versions.withdraw_version(version=second, reason="An error.", by=cast.author)
    page = compared(cast, as_, **{"from": "1.1", "to": "1.0"})
    assert (chosen(page, "from"), chosen(page, "to")) == ("1.1", "1.0")
    assert "runs backwards" in page.text
    assert "Withdrawn" in page.text
    assert first.number == "1.0"


def test_a_version_that_is_not_there_is_said_in_words(cast: Cast, as_: Any) -> None:
    two_versions(cast)
    page = compared(cast, as_, **{"from": "9.9", "to": "<script>"})
    assert "This document has no version 9.9, <script>." in words_of(page.one("main"))
    assert (chosen(page, "from"), chosen(page, "to")) == ("1.0", "1.1")
    same = compared(cast, as_, **{"from": "1.1", "to": "1.1"})
    assert "Both are version 1.1." in same.text
    assert compared(cast, as_, view="up", text="fr").heading == page.heading


def test_a_document_of_one_version_says_that_there_is_nothing_to_compare(cast: Cast, as_: Any) -> None:
    make_published(cast.author)
    page = compared(cast, as_)
    assert "There is only one version so far" in page.text
    assert not page.all("form", class_="form form--inline")


def test_what_is_marked_as_hard_to_read_keeps_its_warning(cast: Cast, as_: Any) -> None:
    first = make_published(cast.author)
    calm = EN.replace(" sensitivity=S1", "").replace("carries a label", "carries two labels")
    make_version(first.document, cast.author, "1.1", texts=[english(calm)])
    section = compared(cast, as_).one("section", id="fan-accounts")
    warning = next(each for each in section.iter("details") if each.get("class") == "sensitivity")
    assert "open" not in warning.attrib
    assert "two labels" in words_of(warning), "what went was marked, so the warning stays"


def test_the_history_leads_to_what_changed_in_each_version(cast: Cast, as_: Any) -> None:
    two_versions(cast)
    page = as_(cast.colleague).get("library.history", **READ)
    (link,) = [each for each in page.links() if "/compare?" in each]
    assert re.fullmatch(r"/library/impersonation/compare\?from=1\.0&to=1\.1", link)


def test_the_number_of_queries_grows_neither_with_clauses_nor_with_versions(cast: Cast, as_: Any) -> None:
    def count(slug: str) -> int:
        reader = as_(cast.colleague)
        with counted_queries() as statements:
            reader.get("library.compare", slug=slug)
        return len(statements)

    few = make_document(cast.author, "few")
    many = make_document(cast.author, "many")
    long = "".join(f"## Clause {number} {{#c-{number}}}\n\nText.\n\n" for number in range(40))
    for number in range(2):
        make_version(few, cast.author, f"1.{number}", texts=[english(), japanese()])
    for number in range(5):
        make_version(many, cast.author, f"1.{number}", texts=[english(long), japanese(long)])
    assert count("few") == count("many") <= 20
