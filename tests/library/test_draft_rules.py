"""The life of a draft as rules: which act follows which, whose turn it is, and what the lint finds."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.core.markdown import clause_links, split_clauses
from portal.library.models import DraftState, ReviewAct
from portal.library.rules import drafts as rules
from portal.library.rules.drafts import Approval, Refusal, Step, Verdict
from portal.library.rules.lint import Known, Level, Proposal, Term, Text, lint
from portal.library.service.lint import _WORDS
from tests.library.builders import EN, JA

pytestmark = pytest.mark.any_database

NOW = datetime(2026, 5, 1, tzinfo=UTC)
CHAIN = [Step(1, "kacho", "dairi"), Step(2, "bucho")]


@pytest.mark.parametrize("act", list(ReviewAct))
@pytest.mark.parametrize("state", [DraftState.PUBLISHED, DraftState.DISCARDED])
def test_nothing_follows_on_a_draft_that_has_ended(state: DraftState, act: ReviewAct) -> None:
    assert rules.after(state, act) is None


def test_only_what_is_written_is_submitted_and_only_what_was_submitted_is_approved() -> None:
    assert [state for state in DraftState if rules.after(state, ReviewAct.SUBMITTED)] == [DraftState.WRITING]
    assert [state for state in DraftState if rules.after(state, ReviewAct.APPROVED)] == [DraftState.IN_REVIEW]
    assert [state for state in DraftState if rules.after(state, ReviewAct.PUBLISHED)] == [DraftState.APPROVED]


def test_every_state_and_act_of_the_table_is_one_of_the_product() -> None:
    states = {state.value for state in DraftState}
    assert {state for state, _act in rules.ACTS} | set(rules.ACTS.values()) <= states
    assert {act for _state, act in rules.ACTS} == {act.value for act in ReviewAct}


def judged(person: str, *given: Approval, chain: list[Step] = CHAIN, state: str = rules.IN_REVIEW) -> Verdict:
    return rules.may_approve(person, state=state, authors={"author"}, chain=chain, given=given)


def test_the_steps_of_a_chain_are_taken_in_their_order() -> None:
    assert judged("kacho") == Verdict(step=1)
    assert judged("bucho").refusal is Refusal.NOT_HER_TURN
    assert judged("bucho", Approval("kacho", 1)) == Verdict(step=2)
    assert rules.is_complete(CHAIN, [Approval("kacho", 1), Approval("bucho", 2)])
    assert not rules.is_complete(CHAIN, [Approval("kacho", 1)])


def test_a_deputy_stands_in_for_the_approver_of_her_step_only() -> None:
    assert judged("dairi") == Verdict(step=1, instead_of="kacho")
    assert judged("dairi", Approval("kacho", 1)).refusal is Refusal.NOT_HER_TURN


def test_without_a_chain_any_one_approver_is_enough() -> None:
    assert judged("anybody", chain=[]) == Verdict()
    assert rules.is_complete([], [Approval("anybody")])
    assert not rules.is_complete([], [])


def test_nobody_approves_what_she_wrote_or_approves_twice() -> None:
    assert judged("author").refusal is Refusal.WROTE_IT
    twice = [Step(1, "kacho"), Step(2, "bucho", "kacho")]
    assert judged("kacho", Approval("kacho", 1), chain=twice).refusal is Refusal.APPROVED_BEFORE
    assert judged("kacho", state=rules.WRITING).refusal is Refusal.NOT_IN_REVIEW


def test_a_step_that_nobody_could_take_is_known_before() -> None:
    assert rules.steps_without_approver(CHAIN, {"kacho"}) == []
    assert rules.steps_without_approver(CHAIN, {"kacho", "dairi", "bucho"}) == [1, 2]


@given(st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=12), st.integers(1, 3))
def test_a_chain_is_complete_when_as_many_people_as_it_has_steps_have_approved(calls: list[str], length: int) -> None:
    chain = [Step(number, code, "d") for number, code in zip(range(1, length + 1), "abc", strict=False)]
    taken: list[Approval] = []
    for person in calls:
        if rules.is_complete(chain, taken):
            break
        verdict = rules.may_approve(person, state=rules.IN_REVIEW, authors=set(), chain=chain, given=taken)
        if verdict.refusal is None:
            taken.append(Approval(person, verdict.step))
    assert [approval.step for approval in taken] == list(range(1, len(taken) + 1))
    assert len({approval.by for approval in taken}) == len(taken)
    assert rules.is_complete(chain, taken) == (len(taken) == length)


# --- lint ---------------------------------------------------------------------------------------

PROPOSAL = Proposal("impersonation", "en", "S1", "1.1", "minor", "1.0", "1.0", None, None, "")
TERMS = [
    Term({"en": "fan account", "ja": "ファンアカウント"}, {"en": ["stan account"], "ja": ["ファン垢"]}),
    Term({"en": "label", "ja": "ラベル"}, {"en": [], "ja": ["レーベル"]}),
]
COUNTER = ("**Example:**", "**Counter-example:** None.\n\n**Example:**"), ("**例：**", "**反例：** なし。\n\n**例：**")


def text(language: str, source: str, **values: Any) -> Text:
    defaults = {"title": "T", "summary": "S", "what_to_do_differently": "D"}
    return Text(language, clauses=split_clauses(source), links=clause_links(source), **(defaults | values))


def found(en: str = EN, ja: str | None = JA, *, changes: dict[str, Any] | None = None, **heads: Any) -> list[str]:
    """Return what the lint says, as level:kind:language:clause:line, of the builders' texts made sound."""
    en, ja = en.replace(*COUNTER[0]), ja.replace(*COUNTER[1]) if ja is not None else None
    texts = [text("en", en, **heads)] + ([text("ja", ja, **heads)] if ja is not None else [])
    told = lint(
        replace(PROPOSAL, **(changes or {})),
        texts,
        terms=TERMS,
        targets=lambda slug, anchor: {"other": Known.CLAUSE, "empty": Known.NO_CLAUSE}.get(slug, Known.NO_DOCUMENT),
        now=NOW,
    )
    assert all(each.kind in _WORDS for each in told)
    return [":".join(map(str, (each.level, each.kind, each.language, each.anchor, each.line))) for each in told]


def test_nothing_is_found_about_a_sound_draft() -> None:
    assert found() == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"latest": "1.2", "number": "1.3"}, "stops:outdated:::0"),
        ({"number": "1.0"}, "stops:number_too_low:::0"),
        ({"number": "one"}, "stops:number_unreadable:::0"),
        ({"change_class": None}, "stops:class_missing:::0"),
        ({"effective_at": NOW - timedelta(hours=1)}, "stops:effective_passed:::0"),
        ({"effective_at": NOW + timedelta(1), "issue_at": NOW + timedelta(2)}, "stops:effective_before_issue:::0"),
        ({"behind": ("scope",)}, "hint:clause_behind:ja:scope:3"),
        ({"behind": ("scope",), "change_class": "material"}, "stops:clause_behind:ja:scope:3"),
        (
            {"behind": ("scope",), "change_class": "emergency", "provisional_reason": "Court order."},
            "hint:clause_behind:ja:scope:3",
        ),
        ({"sensitivity": "S0"}, "stops:label_above_document:en:fan-accounts:7"),
    ],
)
def test_what_is_proposed_is_looked_at(changes: dict[str, Any], said: str) -> None:
    assert said in found(changes=changes)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("[[#scope]]", "[[#gone]]"), "stops:link_broken:en:fan-accounts:9"),
        (("[[#scope]]", "[[empty#gone]]"), "stops:link_broken:en:fan-accounts:9"),
        (("[[#scope]]", "[[nowhere#gone]]"), "hint:link_to_nothing:en:fan-accounts:9"),
        (("A fan account carries", "A stan account carries"), "hint:word_forbidden:en:fan-accounts:9"),
        (("It covers", "It covers Restricted Account holders:"), "hint:term_undefined:en:scope:5"),
        (("It covers", "**“Mirror page”** covers"), "hint:term_undefined:en:scope:5"),
        (("It covers", "It covers a fan account,"), "hint:term_in_one_language:en:scope:5"),
        (("None.", "See ![](images/x.png)."), "stops:alternative_missing:en:exceptions:23"),
        (("sensitivity=S1", "sensitivity=S2"), "stops:label_above_document:en:fan-accounts:7"),
        (("### Exceptions {#exceptions}", "### Exceptions {#others}"), "stops:clause_only_here:ja:exceptions:21"),
    ],
)
def test_the_english_text_is_looked_at(change: tuple[str, str], said: str) -> None:
    assert change[0] in EN
    assert said in found(EN.replace(*change)), found(EN.replace(*change))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("表示が必要", "レーベルが必要"), "hint:word_forbidden:ja:fan-accounts:9"),
        (("sensitivity=S1", "sensitivity=S0"), "hint:label_differs:ja:fan-accounts:7"),
        (("ありません。", "**「複製ページ」** はありません。"), "hint:term_undefined:ja:exceptions:23"),
    ],
)
def test_the_japanese_text_is_looked_at(change: tuple[str, str], said: str) -> None:
    told = found(ja=JA.replace(*change))
    assert any(each.rpartition(":")[0] == said.rpartition(":")[0] for each in told), told


def test_clauses_in_another_order_stop_a_draft() -> None:
    turned = "## B {#b}\n\nb\n\n## A {#a}\n\na\n"
    assert "stops:order_differs:ja:b:1" in found("## A {#a}\n\na\n\n## B {#b}\n\nb\n", turned)


def test_a_decision_table_without_a_counter_example_is_named_with_its_line() -> None:
    table = "## Table {#table}\n\nWords.\n\n| Decision | When |\n|---|---|\n| a | b |\n"
    assert "hint:examples_missing:en:table:5" in found(table, None)
    one = table + "\n**Example:** One.\n"
    assert not [each for each in found(one, None) if "examples_missing" in each and "counter" not in each]
    assert [each for each in found(one + "\n**Counter-example:** Two.\n", None) if "example" in each] == []


def test_a_material_change_says_what_it_is_about_and_what_to_do() -> None:
    said = found(changes={"change_class": "material"}, summary=" ", what_to_do_differently="")
    assert "stops:summary_missing:en::0" in said
    assert "hint:summary_missing:ja::0" in said
    assert "stops:what_to_do_missing:en::0" in said
    first = found(changes={"change_class": "material", "latest": None, "based_on": None}, what_to_do_differently="")
    assert not [each for each in first if "what_to_do" in each], "nothing was done otherwise before the first version"


def test_a_long_text_and_an_unlabelled_example_are_hints() -> None:
    assert "hint:long:en::0" in found(minutes=21)
    assert "hint:label_missing:en:scope:9" in found(
        EN.replace("It covers", "Accounts.\n\n**Example:** It covers"), changes={"sensitivity": "S2"}
    )


def test_code_is_not_read_as_words() -> None:
    assert found(EN.replace("None.", "None: `a stan account`.\n\n```\n![](x) stan account\n```")) == []


@pytest.mark.parametrize(
    "source",
    [
        "| " * 60_000,
        " " * 200_000 + "|",
        "> " * 50_000,
        "**“" * 40_000,
        "```" * 40_000,
        "a Ab Ab " * 30_000,
        "![" * 60_000,
    ],
)
def test_no_text_keeps_the_lint_busy(source: str) -> None:
    clause = split_clauses("## A {#a}\n\nx\n")[0]
    busy = Text("en", "T", "S", "D", [replace(clause, source=source)])
    begun = time.process_time()
    lint(PROPOSAL, [busy], terms=TERMS, targets=lambda *_: Known.CLAUSE, now=NOW)
    assert time.process_time() - begun < 0.5


def test_every_finding_has_its_words() -> None:
    values = {
        "based_on": "1", "latest": "2", "number": "x", "expected": "a", "label": "S1", "deciding": "S2", "minutes": 21,
        "document": "S0", "slug": "a", "id": "b", "word": "w", "term": "t", "counterpart": "c", "over": "1.0",
        "stands": "1.0", "withdrawn": "1.1", "ids": "a", "class": "material", "written": "[[#A]]", "meant": "[[#a]]",
        "at": NOW, "zone": "Asia/Tokyo",
    }  # fmt: skip
    assert {Level.STOPS, Level.HINT} == set(Level)
    assert all(all(words(values)) for words in _WORDS.values())
