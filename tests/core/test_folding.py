"""What counts as the same when somebody searches, and that hits are marked where they stand in the original."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.core import folding
from portal.core.folding import (
    MAX_QUERY,
    MAX_TERMS,
    finds,
    fold,
    highlight,
    how_many_found,
    parse,
    snippet,
    terms_found,
    told,
)

pytestmark = pytest.mark.any_database

# Whatever folding may stumble over: half width, marks, expansions, other scripts, signs, halves of characters.
CHARACTERS = st.sampled_from(
    list("aZéßŌｶﾞがﾊﾟ゚ABＣ㈱①ﬁ異議申し立てーｰ々한ㅎ 　\n。、-_'\"#/*()%\u0301\u200b\ufe00\U000e0100𠮷😀İ")
)
TEXTS = st.lists(
    CHARACTERS
    | st.sampled_from([" appeals ", "appeal", "policies", " policy ", "取り扱い", "取扱", "問合せ", "申し立て"]),
    max_size=40,
).map("".join)


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        ("ｶﾀｶﾅ", "かたかな"), ("ｶﾞｷﾞ", "がぎ"), ("ＡＢＣ", "abc"), ("é", "e"), ("e\u0301", "e"), ("Shōwa", "showa"),
        ("Straße", "strasse"), ("㈱", "(株)"), ("①", "1"), ("が", "が"), ("か\u3099", "が"), ("辻\U000e0100", "辻"),
        ("ﬁne", "fine"), ("soft\u00adhyphen", "softhyphen"), ("ひらがな", "ひらがな"), ("カタカナ", "かたかな"),
        ("㌔", "きろ"), ("ヶ", "ゖ"),
        ("🙂", "🙂"),
    ],
)  # fmt: skip
def test_half_and_full_width_case_and_accents_are_the_same(written: str, folded: str) -> None:
    assert fold(written) == folded


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("なりすまし", "ナリスマシ"), ("ラベル", "らべる"), ("パロディ", "ぱろでぃ"), ("ﾊﾟﾛﾃﾞｨ", "ぱろでぃー"),
        ("パロディアカウント", "パロディー"), ("パロディーの表示", "ぱろでぃ"), ("サーバー管理", "サーバ"),
        ("サーバ管理", "サーバー管理"), ("ヴァイオリン", "ゔぁいおりん"), ("いすゞ", "イスヾ"),
    ],
)  # fmt: skip
def test_hiragana_and_katakana_are_the_same_and_a_long_vowel_at_the_end_does_not_matter(text: str, words: str) -> None:
    assert finds(parse(words), told(text))


@pytest.mark.parametrize(("text", "words"), [("サバ", "サーバー"), ("バナー", "バー"), ("コピペ", "コーピー")])
def test_a_long_vowel_within_a_word_matters(text: str, words: str) -> None:
    assert not finds(parse(words), told(text))


@pytest.mark.parametrize(
    ("text", "words", "found"),
    [
        ("and any answered", "an", False), ("an appeal", "an", True), ("S1 and S2", "s1", True), ("the id", "id", True),
        ("ideas", "id", False), ("andes", "and", True), ("a fan account", '"a fa"', False),
        ("a fan account", '"a fan"', True), ("AI技術", "ai", True), ("한국어", "한국", True),
    ],
)  # fmt: skip
def test_words_of_one_or_two_latin_letters_are_found_whole(text: str, words: str, found: bool) -> None:
    assert finds(parse(words), told(text)) == found


@given(TEXTS, TEXTS)
def test_the_quick_look_misses_nothing(text: str, words: str) -> None:
    query = parse(words)
    assert folding.might_find(query, text) or not finds(query, told(text))


@given(TEXTS)
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(TEXTS)
def test_the_quick_way_of_folding_is_the_slow_one(text: str) -> None:
    assert fold(text) == "".join(map(folding._fold_cluster, folding._clusters(text)))


@given(TEXTS, TEXTS)
def test_pieces_put_together_are_the_text(text: str, query: str) -> None:
    pieces = highlight(text, parse(query))
    assert "".join(piece.text for piece in pieces) == text
    assert all(piece.text for piece in pieces)


@given(TEXTS, TEXTS)
def test_something_is_marked_exactly_where_something_is_found(text: str, words: str) -> None:
    query = parse(words)
    marked = any(piece.is_hit for piece in highlight(text, query))
    assert marked == bool(terms_found(query, told(text)))


@given(TEXTS, TEXTS, TEXTS)
def test_as_many_terms_are_counted_in_texts_as_are_found_in_one_of_them(head: str, body: str, words: str) -> None:
    query = parse(words)
    assert how_many_found(query, head, body) == len(terms_found(query, f"{told(head)}\n{told(body)}"))


@given(st.text(max_size=60))
def test_no_query_breaks_anything(words: str) -> None:
    query = parse(words)
    assert not any("\x00" in term.needle for term in query.terms)
    for term in query.terms:
        assert not re.search(r"[\"'\\]", " ".join([*term.tokens, term.prefix]))
        # All that the index is asked for is in the text that the query itself is.
        assert term.needle in told(words)
        assert not term.short or not re.search(r"[\"'\\]", " ".join([*term.short.tokens, term.short.prefix]))
        assert not re.search(r"[\"'\\]", term.stem)


@pytest.mark.parametrize(
    ("text", "words", "marked"),
    [
        ("ﾌｧﾝｱｶｳﾝﾄの表示", "アカウント", ["ｱｶｳﾝﾄ"]),
        ("ＡＢＣ社", "abc", ["ＡＢＣ"]),
        ("Le café", "cafe", ["café"]),
        ("Appeals and appellants", "appeal", ["Appeals"]),
        ("An unappealing rule", "appeal", []),
        ("再異議申立て", "異議", ["異議"]),
        ("ﾊﾟﾝと㈱", "パ 株", ["ﾊﾟ", "㈱"]),
        ("fan accounts", "fan account", ["fan accounts"]),
        ("2段階認証を使う", "2段階", ["2段階"]),
        ("人々々", "々", ["々々"]),
        ("a cat", "a", ["a"]),
        ("パロディーとｱｶｳﾝﾄ", "ぱろでぃ あかうんと", ["パロディー", "ｱｶｳﾝﾄ"]),
        ("ラベルの貼付", "らべる", ["ラベル"]),
        ("an appeal and any answer", "an appeal", ["an appeal"]),
        ("Each policy; our policies.", "policies", ["policy", "policies"]),
        ("A review was ﾘ to Reviews", "reviewing", ["review", "Reviews"]),
        ("An appeal, two appeals", "appeals", ["appeal", "appeals"]),
        ("取り扱い、取扱いと取扱", "取扱い", ["取り扱い", "取扱い", "取扱"]),
        ("個人情報の取扱規程", "取り扱い", ["取扱"]),
        ("異議の申立てを行う", "申し立て", ["申立て"]),
        ("問い合わせは問合せ窓口へ", "問合わせ", ["問い合わせ", "問合せ"]),
        ("ＳＮＳの取り扱いに", "SNSの取扱", ["ＳＮＳの取り扱い"]),
        ("扱いが変わる", "取り扱い", []),
        ("取り扱い", "扱い", ["扱い"]),
    ],
)  # fmt: skip
def test_what_was_found_is_marked_as_it_was_written(text: str, words: str, marked: list[str]) -> None:
    assert [piece.text for piece in highlight(text, parse(words)) if piece.is_hit] == marked


def test_a_snippet_begins_at_its_sentence_and_shows_the_hit() -> None:
    text = "Nothing of interest here. " * 30 + "An appeal is answered in thirty days. " + "And so on. " * 60
    pieces = snippet(text, parse("appeal"))
    assert [piece.text for piece in pieces if piece.is_hit] == ["appeal"]
    whole = "".join(piece.text for piece in pieces)
    assert whole.startswith("… An appeal")
    assert whole.endswith("…")
    assert len(whole) < 210


def test_a_hit_far_down_in_a_long_text_is_found_again() -> None:
    text = "長い文章です。" * 5_000 + "異議申立ての期限。"
    assert "異議申立て" in [piece.text for piece in snippet(text, parse("異議申立て")) if piece.is_hit]


def test_words_in_quotes_are_one_term_whatever_the_quotes() -> None:
    for words in ('"fan account"', "“fan account”", "＂fan account＂", '"Fan, account"'):
        assert [term.needle for term in parse(words).terms] == [" fan account"]
    assert [term.needle for term in parse('fan" account').terms] == [" fan", " account"]


@pytest.mark.parametrize("words", ["", "   ", "%", '"', '""', "*** -- ／", "\x00\x01", "\ud800", "。、「」", "(" * 900])
def test_signs_alone_are_no_query(words: str) -> None:
    assert not parse(words)


def test_of_a_very_long_query_only_the_beginning_is_used_and_that_is_said() -> None:
    assert parse("異" * (MAX_QUERY + 1)).was_cut
    assert not parse("異" * MAX_QUERY).was_cut
    many = parse(" ".join(f"word{number}" for number in range(MAX_TERMS + 1)))
    assert many.was_cut
    assert len(many.terms) == MAX_TERMS
