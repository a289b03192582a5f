"""Redlines: what differs between two texts is found word by word, shown whole, and never takes long."""

from __future__ import annotations

import html
import random
import re
import time
from itertools import pairwise
from typing import Any

import html5lib
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.core import markdown
from portal.core.i18n import force_locale
from portal.core.markdown import NOTHING, TrustedHtml, with_changes
from portal.core.redline import Fate, Marked, apply, compare, longest_rising, mark, mark_words, revert, segment

pytestmark = pytest.mark.any_database

_SPOKEN = re.compile(
    r'(?<=<(?:ins|del)>)<span class="(?:visually-hidden|redline-moved(?: visually-hidden)?)"[^>]*>[^<]*</span>'
    r'|<span class="visually-hidden"[^>]*>[^<]*</span>(?=</(?:ins|del)>)'
)


def silent(markup: str) -> str:
    """Return the markup without the words for those who hear the page."""
    return _SPOKEN.sub("", markup)


def unmarked(markup: str) -> str:
    return re.sub("</?(?:ins|del)>", "", silent(markup))


def without(tag: str, markup: str) -> str:
    return re.sub(f"<{tag}>.*?</{tag}>", "", silent(markup), flags=re.DOTALL)


def words(markup: str) -> str:
    return "".join(html.unescape(re.sub("<[^>]*>", "", markup)).split())


def bare(markup: TrustedHtml, language: str = "en") -> str:
    """Return the markup as a redline shows it where nothing differs."""
    marked = mark(markup, markup, language)
    assert not marked.changed
    assert marked.inline == marked.before == marked.after
    return str(marked.inline)


def assert_true(marked: Marked, old: TrustedHtml, new: TrustedHtml, language: str = "en") -> None:
    """What a redline shows is the old text, the new text, and both, in well-formed markup."""
    assert unmarked(marked.before) == bare(old, language)
    assert unmarked(marked.after) == bare(new, language)
    assert words(without("del", marked.inline)) == words(bare(new, language))
    assert words(without("ins", marked.inline)) == words(bare(old, language))
    assert "<ins>" not in marked.before
    assert "<del>" not in marked.after
    for each in (marked.inline, marked.before, marked.after):
        html5lib.HTMLParser(strict=True).parseFragment(each)
        assert with_changes(each) == each, "it has passed the allow-list"


def shown(text: str, language: str = "en") -> TrustedHtml:
    return markdown.render(text, language=language)


def marked(old: str, new: str, language: str = "en") -> Marked:
    found = mark(shown(old, language), shown(new, language), language)
    assert_true(found, shown(old, language), shown(new, language), language)
    return found


def told(old: str, new: str, language: str) -> str:
    signs = {Fate.SAME: ("", ""), Fate.GONE: ("[", "]"), Fate.NEW: ("{", "}")}
    return "".join(piece.text.join(signs[piece.fate]) for piece in compare(old, new, language))


# --- as it is written ---------------------------------------------------------------------------

ANY_TEXT = st.text(
    st.one_of(st.sampled_from("abc 12,.-'*_#\n\t|はがをに規則確認テスト・ー、。e\u0301\u200d👩"), st.characters()),
    max_size=80,
)


@given(ANY_TEXT, st.sampled_from(["en", "ja"]))
def test_the_words_of_a_text_joined_are_the_text(text: str, language: str) -> None:
    cut = segment(text, language)
    assert "".join(cut) == text
    assert all(cut)


@given(ANY_TEXT, ANY_TEXT, st.sampled_from(["en", "ja"]))
def test_what_differs_leads_from_one_text_to_the_other_and_back(old: str, new: str, language: str) -> None:
    pieces = compare(old, new, language)
    assert apply(pieces, old) == new
    assert revert(pieces, new) == old
    assert all(piece.text for piece in pieces)
    assert all(first.fate is not then.fate for first, then in pairwise(pieces))


@given(st.lists(st.sampled_from(["the", "rule", "of", "a", "word", "and,", "."]), max_size=60), st.randoms())
def test_many_small_edits_lead_there_and_back(text: list[str], dice: random.Random) -> None:
    edited = [word for word in text if dice.random() > 0.2]
    for _number in range(len(edited) // 5):
        edited.insert(dice.randrange(len(edited) + 1), dice.choice(["new", "the", "."]))
    old, new = " ".join(text), " ".join(edited)
    assert apply(compare(old, new, "en"), old) == new


@given(ANY_TEXT)
def test_a_text_compared_with_itself_has_no_changes(text: str) -> None:
    assert {piece.fate for piece in compare(text, text, "ja")} <= {Fate.SAME}


def test_pieces_belong_to_the_text_that_was_compared() -> None:
    pieces = compare("one two", "one three", "en")
    for wrong in ("one too", "one two three"):
        with pytest.raises(ValueError, match="the text"):
            apply(pieces, wrong)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("within 14 days", "within 7 days", "within [14]{7} days"),
        ("The label is read.", "The labels are read.", "The [label is]{labels are} read."),
        ("weekends and holidays count", "weekends and national holidays do not count",
         "weekends and {national }holidays {do not }count"),
        ("an unlabelled account", "a labelled account", "[an unlabelled]{a labelled} account"),
        ("costs 1,000.50 yen", "costs 1,200.50 yen", "costs [1,000.50]{1,200.50} yen"),
        ("the holder's name", "the holders' name", "the [holder's]{holders'} name"),
        ("Read it. Then act.", "Read it. Ask. Then act.", "Read it.{ Ask.} Then act."),
    ],
)  # fmt: skip
def test_english_is_told_in_whole_words(old: str, new: str, expected: str) -> None:
    assert told(old, new, "en") == expected


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("期限は十四日間です。", "期限は七日間です。", "期限は[十四]{七}日間です。"),
        ("通知を送る。", "通知を送ります。", "通知を[送る]{送ります}。"),
        ("措置も条項も正しいが、", "措置も条項も正しいのですが、", "措置も条項も[正しいが]{正しいのですが}、"),
        ("規則を確認します。", "規則が確認されます。", "規則[を確認します]{が確認されます}。"),
        ("審査担当者が判断する。", "当番リードが判断する。", "[審査担当者]{当番リード}が判断する。"),
        ("「ファン」の表示", "「ファンアカウント」の表示", "「[ファン]{ファンアカウント}」の表示"),
        ("119番に通報します。", "119番または110番に通報します。", "119番{または110番}に通報します。"),
    ],
)
def test_japanese_is_told_in_words_though_it_has_no_blanks(old: str, new: str, expected: str) -> None:
    assert told(old, new, "ja") == expected


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("人工知能生成画像を示す。", "人工知能生成動画を示す。", "人工知能生成[画像]{動画}を示す。"),
        ("利用規約違反とする。", "利用規約の違反とする。", "利用規約{の}違反とする。"),
        ("利用規約の違反とする。", "利用規約違反とする。", "利用規約[の]違反とする。"),
        ("違反の報告", "利用規約違反の報告", "{利用規約}違反の報告"),
        ("審査担当者が決める。", "審査責任者が決める。", "審査[担当]{責任}者が決める。"),
        ("再確認を頼む。", "再審査を頼む。", "再[確認]{審査}を頼む。"),
        ("二十四時間以内に", "四十八時間以内に", "[二十四]{四十八}時間以内に"),
        ("人工知能生成画像と人工知能生成音声", "人工知能生成動画と人工知能生成音楽",
         "人工知能生成[画像]{動画}と人工知能生成[音声]{音楽}"),
        ("AI生成画像の表示", "AI生成動画の表示", "AI生成[画像]{動画}の表示"),
        ("監査担当者教育資料", "監査責任者研修資料", "監査[担当者教育]{責任者研修}資料"),
        ("第二監査担当者は", "第二監査責任者は", "第二監査[担当]{責任}者は"),
        ("三営業日以内に", "五営業日以内に", "[三]{五}営業日以内に"),
        ("通知送付期限は", "通知発送期限は", "通知[送付]{発送}期限は"),
    ],
)  # fmt: skip
def test_of_a_compound_only_the_part_that_differs_is_marked(old: str, new: str, expected: str) -> None:
    assert told(old, new, "ja") == expected
    found = marked(old, new, "ja")
    for sign, tag in (("[]", "del"), ("{}", "ins")):
        expected = expected.replace(sign[0], f"<{tag}>").replace(sign[1], f"</{tag}>")
    assert silent(found.inline) == f"<p>{expected}</p>"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("画像を示す。", "映像を示す。", "[画像]{映像}を示す。"),
        ("送付を求める。", "送達を求める。", "[送付]{送達}を求める。"),
        ("一時停止とする。", "臨時停止とする。", "[一時]{臨時}停止とする。"),
        ("カード会員", "カードローン会員", "[カード]{カードローン}会員"),
        ("2026年11月", "2025年11月", "[2026]{2025}年11月"),
        ("日本人", "日本語", "日本[人]{語}"),
    ],
)
def test_a_word_a_number_and_a_word_in_kana_are_never_cut(old: str, new: str, expected: str) -> None:
    assert told(old, new, "ja") == expected


def test_a_change_of_a_compound_is_marked_inside_its_emphasis() -> None:
    found = marked("**人工知能生成画像**を示す。", "**人工知能生成動画**を示す。", "ja")
    assert silent(found.inline) == ("<p><strong>人工知能生成<del>画像</del><ins>動画</ins></strong>を示す。</p>")


PARTS = [
    "人工",
    "知能",
    "画像",
    "動画",
    "再",
    "者",
    "の",
    "を",
    "十四",
    "日間",
    "AI",
    "ファン",
    "送る",
    "、",
    "3",
    "**",
]
COMPOUNDS = st.lists(st.sampled_from(PARTS), max_size=16).map("".join)


@given(COMPOUNDS, COMPOUNDS)
def test_compounds_cut_into_parts_lead_there_and_back(old: str, new: str) -> None:
    pieces = compare(old, new, "ja")
    assert apply(pieces, old) == new
    assert revert(pieces, new) == old
    assert all(first.fate is not then.fate for first, then in pairwise(pieces))
    marked(old, new, "ja")


@given(st.lists(st.integers(0, 30), max_size=30))
def test_the_longest_rising_part_is_found(numbers: list[int]) -> None:
    places = longest_rising(numbers)
    found = [numbers[place] for place in places]
    assert places == sorted(places)
    assert all(first < then for first, then in pairwise(found))
    best: list[int] = []
    for place, number in enumerate(numbers):
        best.append(1 + max((best[before] for before in range(place) if numbers[before] < number), default=0))
    assert len(found) == max(best, default=0)


# --- as it is shown -----------------------------------------------------------------------------


def in_one_line(text: str) -> str:
    return " ".join(text.split())


def table(rows: list[tuple[str, str]]) -> str:
    return "\n".join(["| A | B |", "|---|--:|", *(f"| {one} | {two} |" for one, two in rows)])


SENTENCES = st.lists(
    st.sampled_from(
        ["The label", "stands", "in the **name**", "and the *bio*", "of 14 days", "`code`", "[a link](https://a.example)",
         "規則を", "**確認**します。", "[[#scope]]", "a & b < c", "\n"]
    ), min_size=1, max_size=8,
).map(" ".join)  # fmt: skip
LINES = SENTENCES.map(in_one_line)
BLOCKS = st.one_of(
    SENTENCES,
    st.lists(LINES, min_size=1, max_size=4).map(lambda items: "\n".join(f"- {each}" for each in items)),
    st.lists(LINES, min_size=1, max_size=3).map(lambda items: "\n\n".join(f"1. {each}" for each in items)),
    st.lists(st.tuples(LINES, LINES), min_size=1, max_size=3).map(table),
    LINES.map(lambda text: f"> {text}\n>\n> - quoted"),
    LINES.map(lambda text: f"> [!NOTE]\n> {text}"),
    SENTENCES.map(lambda text: f"```\n{text}\n  x\n```"),
    LINES.map(lambda text: f"Term\n: {text}"),
    st.sampled_from(["---", "- [x] done\n- [ ] open", "A note[^1].\n\n[^1]: At the foot."]),
)


@settings(max_examples=60)
@given(st.lists(BLOCKS, max_size=5), st.lists(BLOCKS, max_size=5), st.randoms())
def test_the_rendered_redline_is_the_old_text_and_the_new_one(
    old: list[str], new: list[str], dice: random.Random
) -> None:
    # Half of the new text is the old one: what nothing has in common with is no test.
    mixed = [block for block in old if dice.random() > 0.3]
    for block in new:
        mixed.insert(dice.randrange(len(mixed) + 1), block)
    marked("\n\n".join(old), "\n\n".join(mixed))


@pytest.mark.parametrize(
    ("language", "old", "new"),
    [
        ("en", "One long line that says it, and again.", "One long line\nthat says it,\nand again."),
        ("ja", "一つの長い行で述べ、もう一度述べます。", "一つの長い\n行で述べ、\nもう一度述べます。"),
        ("ja", "端末のSMSを確認します。", "端末の\nSMSを確認します。"),
        ("en", "- one\n- two", "- one\n\n- two"),
    ],
)  # fmt: skip
def test_lines_that_only_break_elsewhere_are_not_marked(language: str, old: str, new: str) -> None:
    found = marked(old, new, language)
    assert not found.changed
    assert "<ins>" not in found.inline
    assert "<del>" not in found.inline


def test_a_changed_word_is_marked_inside_its_emphasis() -> None:
    found = marked("Fans have **fourteen days** to answer.", "Fans have **seven days** to answer.")
    assert silent(found.inline) == (
        "<p>Fans have <strong><del>fourteen</del><ins>seven</ins> days</strong> to answer.</p>"
    )
    assert silent(found.before) == "<p>Fans have <strong><del>fourteen</del> days</strong> to answer.</p>"
    assert silent(found.after) == "<p>Fans have <strong><ins>seven</ins> days</strong> to answer.</p>"


def test_a_link_that_leads_elsewhere_is_another_link() -> None:
    found = marked("See [the form](https://a.example).", "See [the form](https://b.example).")
    assert silent(found.inline).count("<a ") == 2
    assert '<del><a href="https://a.example">the form</a></del>' in silent(found.inline)


def test_a_table_is_compared_row_by_row_and_cell_by_cell() -> None:
    head = "| Decision | Days |\n|---|--:|\n"
    found = marked(
        f"{head}| Notice | 3 |\n| Restriction | 30 |\n",
        f"{head}| Notice | 2 |\n| Warning | 7 |\n| Restriction | 30 |\n",
    )
    assert silent(found.inline).count("<table>") == 1
    assert '<td class="align-right"><del>3</del><ins>2</ins></td>' in silent(found.inline)
    assert '<tr><td><ins>Warning</ins></td><td class="align-right"><ins>7</ins></td></tr>' in silent(found.inline)
    assert '<tr><td>Restriction</td><td class="align-right">30</td></tr>' in silent(found.inline)


def test_a_table_with_another_number_of_columns_goes_and_comes_whole() -> None:
    found = marked("| A | B |\n|---|---|\n| one | two |\n", "| A | B | C |\n|---|---|---|\n| one | two | three |\n")
    assert silent(found.inline).count("<table>") == 2
    assert "<td><del>one</del></td>" in silent(found.inline)
    assert "<td><ins>one</ins></td>" in silent(found.inline)


def test_an_item_that_went_is_not_counted() -> None:
    found = marked("1. Read the case\n2. Call the lead\n3. Decide", "1. Read the case\n2. Decide")
    assert '<li class="redline-gone"><del>Call the lead</del></li>' in silent(found.inline)
    assert "redline-gone" not in found.before


def test_a_paragraph_that_became_a_list_goes_and_comes_whole() -> None:
    found = marked("Ask the lead.", "- Ask the lead.")
    assert silent(found.inline) == "<p><del>Ask the lead.</del></p><ul><li><ins>Ask the lead.</ins></li></ul>"


def test_a_paragraph_that_moved_is_told_as_moved_at_both_places() -> None:
    found = marked(
        "Ask the lead.\n\nRead the case first.\n\nDecide.", "Read the case first.\n\nDecide.\n\nAsk the lead."
    )
    assert (found.changed, found.moved, found.reworded) == (True, 1, False)
    assert '<p><del><span class="redline-moved">[moved from here] </span>Ask the lead.' in found.inline
    assert '<p><ins><span class="redline-moved">[moved here] </span>Ask the lead.' in found.inline
    assert "[moved from here]" in found.before
    assert "[moved here]" in found.after
    assert "[removed]" not in found.inline + found.before
    assert "[added]" not in found.inline + found.after


def test_what_moved_is_no_piece_of_another_paragraph_and_words_that_changed_are_told_beside_it() -> None:
    found = marked(
        "Ask the lead at once.\n\nRead.\n\nDecide.", "Read.\n\nAsk the lead twice.\n\nDecide.\n\nAsk the lead at once."
    )
    assert (found.moved, found.reworded) == (1, True)
    assert silent(found.inline) == (
        "<p><del>Ask the lead at once.</del></p><p>Read.</p><p><ins>Ask the lead twice.</ins></p>"
        "<p>Decide.</p><p><ins>Ask the lead at once.</ins></p>"
    )


def test_an_item_and_a_row_move_as_well_and_a_row_says_so_once() -> None:
    items = marked("1. Read\n2. Call\n3. Decide", "1. Call\n2. Decide\n3. Read")
    assert items.moved == 1
    assert '<li class="redline-gone"><del><span class="redline-moved">' in items.inline
    head = "| Decision | Days |\n|---|--:|\n"
    rows = marked(
        f"{head}| Notice | 3 |\n| Hint | 7 |\n| Lock | 9 |\n", f"{head}| Hint | 7 |\n| Lock | 9 |\n| Notice | 3 |\n"
    )
    assert (rows.moved, rows.reworded) == (1, False)
    assert rows.inline.count('class="redline-moved"') == 2
    assert rows.inline.count('class="redline-moved visually-hidden"') == 2


def test_two_that_read_alike_move_one_for_one() -> None:
    found = marked("Same words.\n\nOne.\n\nTwo.", "One.\n\nTwo.\n\nSame words.\n\nThree.\n\nSame words.")
    assert (found.moved, found.reworded) == (1, True)
    assert found.inline.count("[added]") == 2


@settings(max_examples=40)
@given(st.lists(BLOCKS, min_size=2, max_size=6, unique=True), st.randoms())
def test_texts_in_another_order_lead_there_and_back(blocks: list[str], dice: random.Random) -> None:
    mixed = list(blocks)
    dice.shuffle(mixed)
    marked("\n\n".join(blocks), "\n\n".join(mixed))


def test_notes_of_both_texts_can_stand_on_one_page() -> None:
    found = marked("A claim[^1].\n\n[^1]: Old source.", "A claim[^1].\n\n[^1]: New source.")
    page = found.inline + found.before + found.after
    assert " id=" not in page
    assert "#fn" not in page
    assert "<del>Old</del><ins>New</ins> source." in silent(found.inline)


@pytest.mark.parametrize(("here", "said"), [("en", ("[removed]", "[added]")), ("ja", ("［削除］", "［追加］"))])
def test_what_went_and_came_is_said_in_the_language_of_the_page(here: str, said: tuple[str, str]) -> None:
    with force_locale(here):
        found = mark_words("fourteen days", "seven days", "en")
    for word in said:
        assert word in found.inline
    assert (f' lang="{here}"' in found.inline) is (here != "en")


def test_marks_run_nothing_and_pass_nothing_on() -> None:
    hostile = '<script>alert(1)</script><img src=x onerror=alert(1)>" onmouseover="x'
    for found in (marked("Text.", hostile), marked(hostile, f"{hostile} more"), mark_words("a", hostile, "en")):
        for each in (found.inline, found.before, found.after):
            tree = html5lib.parseFragment(each, namespaceHTMLElements=False)
            assert {element.tag for element in tree.iter()} <= {"DOCUMENT_FRAGMENT", "p", "ins", "del", "span"}
    assert with_changes('<ins onclick="x" class="y">a</ins><span class="z" lang="en">b</span>') == (
        '<ins>a</ins><span class="" lang="en">b</span>'
    )


def test_nothing_and_something_is_all_new() -> None:
    found = mark(NOTHING, shown("Text."), "en")
    assert silent(found.inline) == "<p><ins>Text.</ins></p>"
    assert found.before == NOTHING
    assert found.changed


# --- what nobody writes -------------------------------------------------------------------------

_dice = random.Random(7)
_OF_ENGLISH = "abcdef"
_OF_JAPANESE = "審査担当者は規則を確認しますポリシー。、"


def _made_up(count: int) -> str:
    return " ".join("".join(_dice.choices("abcdefghijklmnopqrstuvwxyz", k=6)) for _number in range(count))


def _pair(make: Any) -> tuple[str, str]:
    return make(), make()


ENDLESS = {
    "all words different": _pair(lambda: "\n".join(_made_up(12) for _line in range(1400))),
    "one word": ("x" + " a" * 60_000 + " y", "z" + " a" * 30_000 + " w"),
    "some words in every order": _pair(
        lambda: "\n".join(" ".join(_dice.choices(_OF_ENGLISH, k=25)) for _line in range(2000))
    ),
    "signs": _pair(lambda: "".join(_dice.choices(".,;:!?()", k=100_000))),
    "short paragraphs": _pair(lambda: "\n\n".join(f"alpha beta gamma {_made_up(2)}" for _line in range(2000))),
    "short items": _pair(lambda: "\n".join(f"- alpha {_made_up(2)}" for _line in range(2000))),
    "emphasis in emphasis": ("*a **b " * 1800, "*a **c " * 1800),
    "Japanese in every order": _pair(
        lambda: "\n".join("".join(_dice.choices(_OF_JAPANESE, k=60)) for _line in range(600))
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", list(ENDLESS))
def test_no_texts_take_long_to_compare(name: str) -> None:
    old, new = ENDLESS[name]
    language = "ja" if name.startswith("Japanese") else "en"
    begun = time.process_time()
    assert apply(compare(old, new, language), old) == new
    mark(shown(old), shown(new), language)
    # Half of what may be published. Without its limits some take minutes; on a quiet machine each takes below a second.
    assert time.process_time() - begun < 6
