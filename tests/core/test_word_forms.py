# Tables of words read best with long lines.
# ruff: noqa: E501
"""Which words are forms of one another, and which only look so."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.core.word_forms import beginning, left_out, shortened, stem

pytestmark = pytest.mark.any_database

FORMS = [
    "appeal appeals appealed appealing", "account accounts", "policy policies", "review reviews reviewed reviewing",
    "apply applies applied applying", "case cases", "use uses used using", "note notes noted noting",
    "process processes processed processing", "breach breaches breached", "box boxes", "delete deletes deleted deleting",
    "stop stops stopped stopping", "submit submits submitted submitting", "label labels labelled labeled labelling",
    "cancel cancelled canceled cancels", "escalate escalates escalated escalating", "clause clauses", "rule rules",
    "license licenses licensed", "add adds added adding", "ad ads", "id ids", "child children", "verify verifies verified verifying",
    "write writes writing", "handle handles handled handling", "quiz quizzes", "cookie cookies", "remove removed removes removing",
    "enable enabled enables", "share shared shares sharing", "ban bans banned banning", "status statuses", "video videos",
    "agree agrees agreed agreeing", "tie ties tied", "criterion criteria", "decide decided deciding", "post posts posted posting",
]  # fmt: skip
APART = [
    "note not", "new news", "add ad", "plane plan", "feed fee", "even evening", "thing th", "care car", "rate rat", "code cod",
    "policy police", "his hi", "species specie", "need nee", "us use", "rule ruler", "pass pas", "process procession", "use user", "king k",
]  # fmt: skip


@pytest.mark.parametrize("words", FORMS)
def test_forms_of_an_english_word_have_one_stem(words: str) -> None:
    assert len({stem(word) for word in words.split()}) == 1, {word: stem(word) for word in words.split()}


@pytest.mark.parametrize("words", APART)
def test_other_words_have_other_stems(words: str) -> None:
    assert len({stem(word) for word in words.split()}) == 2


def test_no_two_of_these_words_are_taken_for_one() -> None:
    for one, other in combinations([each.split()[0] for each in FORMS], 2):
        assert stem(one) != stem(other)


@given(st.text("abcdegilnosuyxz", max_size=9), st.sampled_from(["", "s", "es", "ies", "ed", "ied", "ing", "ll", "e"]))
def test_every_form_begins_as_is_said(word: str, ending: str) -> None:
    form = word + ending
    assert form.startswith(beginning(form))
    assert stem(form).startswith(beginning(form))


def test_forms_begin_alike() -> None:
    for words in FORMS:
        for one in words.split():
            assert all(other.startswith(beginning(one)) for other in words.split()), one


@pytest.mark.parametrize(
    "words",
    [
        "取り扱い 取扱い 取扱", "申し立て 申立て 申立", "問い合わせ 問合わせ 問い合せ 問合せ", "手続き 手続", "引き継ぎ 引継ぎ 引継",
        "申し込み 申込み 申込", "割り当て 割当て 割当", "支払い 支払", "差し戻し 差戻し 差戻", "打ち合わせ 打合せ", "取り消し 取消し 取消",
        "見積もり 見積り 見積", "受け付け 受付け 受付", "切り替え 切替え 切替", "書き換え 書換え", "差し押さえ 差押え", "乗っ取り 乗取り",
        "取り扱う 取扱う", "申し立てる 申立てる", "問い合わせた 問合せた", "立ち入り禁止 立入禁止", "組み合わせ 組合せ",
    ],
)  # fmt: skip
def test_compounds_with_more_or_less_kana_are_one(words: str) -> None:
    assert len({shortened(word) for word in words.split()}) == 1, [shortened(word) for word in words.split()]


@pytest.mark.parametrize(
    "words",
    [
        "組み合わせ 組合", "上げ下げ 上下", "生き物 生物", "人の声 人声", "出し物 出物", "取り扱い 取り組み", "食べ物 食物",
        "申し訳 申訳", "問い合わせ 問い", "国と市場 国市場",
    ],
)  # fmt: skip
def test_what_is_another_word_stays_another(words: str) -> None:
    assert len({shortened(word) for word in words.split()}) == 2


@given(st.text("取り扱い申し立て問合わせの期限込み受け付手続き", max_size=16))
def test_what_is_left_out_is_kana_alone(text: str) -> None:
    gone = left_out(text)
    assert all("ぁ" <= text[at] <= "ゖ" for at in gone)
    assert shortened(text) == "".join(each for at, each in enumerate(text) if at not in gone)
