"""The life of a question: who may take which step, what counts meanwhile, and what an older file cannot undo."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from portal.accounts.models import Person
from portal.core.db import session
from portal.core.i18n import Words
from portal.core.transaction import own_transaction
from portal.journal.queries import list_entries_about
from portal.library.models import ChangeClass
from portal.quizzes import errors, queries
from portal.quizzes.formats.markdown import Bank, BankQuestion, merge, parse, render, split
from portal.quizzes.invariants import INVARIANTS
from portal.quizzes.models import Question, QuestionState, QuestionStep, QuestionVersion
from portal.quizzes.queries import pool
from portal.quizzes.rules import lifecycle as rules
from portal.quizzes.service import editing, lifecycle, staleness
from portal.quizzes.service.banks import ChangedHere, kept_here, take_bank
from portal.quizzes.service.editing import Change
from portal.quizzes.types.base import Content, read
from tests.beginnings import beginning
from tests.builders import Cast, make_person
from tests.quizzes.builders import begin, drawable, make_content, make_quiz
from tests.quizzes.test_staleness import publish, states, take
from tests.volume import examples

RULES = {"a": "Rule a.", "b": "Rule b."}


def content(number: int = 1, kind: str = "single_choice", **values: Any) -> Content:
    """Return a sound question about clause a."""
    return replace(make_content(number, kind), **({"clauses": ("policy#a",), "document": "policy"} | values))


@pytest.fixture
@beginning
def bank(cast: Cast) -> str:
    """A policy of two clauses, and a bank with a live question about each."""
    publish(cast, RULES)
    take(cast, {"q-a": "policy#a", "q-b": "policy#b"})
    return "bank"


def question(slug: str = "q-a") -> Question:
    return queries.get_question("bank", slug)


def newest(slug: str = "q-a") -> Content:
    row = question(slug)
    return read(queries.get_version(row, row.in_work).content)


def add(by: Person, given_content: Content | None = None, slug: str = "q-new") -> Question:
    with own_transaction():
        made = editing.add_question(
            bank=queries.get_bank("bank"), content=given_content or content(9), by=by, slug=slug
        )
    return question(made.slug)


def save(by: Person, slug: str = "q-a", **values: Any) -> QuestionVersion | None:
    row = question(slug)
    base = values.pop("base", row.in_work)
    given_content = values.pop("content", None) or replace(newest(slug), **values)
    with own_transaction():
        return editing.save_wording(question=row, content=given_content, base=base, by=by)


def step(to: str, by: Person, slug: str = "q-a", **values: Any) -> None:
    row = question(slug)
    version = queries.get_version(row, row.in_work if values.get("of_proposal") else row.latest)
    (clauses,) = staleness.clauses_of([version]).values()
    values.setdefault("looked_at", staleness.seen(clauses))
    with own_transaction():
        lifecycle.take_step(question=row, to=to, by=by, **values)


def stem(words: Words) -> dict[str, Words]:
    return {"stem": words}


def export(revision: int | None = None) -> Bank:
    """Return the bank as its files say it now."""
    row = queries.get_bank("bank")
    listed = queries.list_latest(row)
    return Bank(
        row.title,
        row.document_slug,
        row.document_version,
        tuple(BankQuestion(q.slug, read(v.content), q.written_state.value, behind=v.behind or "") for q, v in listed),
        row.revision if revision is None else revision,
    )


def load(cast: Cast, bank: Bank) -> list[str]:
    with own_transaction():
        return take_bank(slug="bank", bank=bank, facts=queries.find_clauses, by=cast.author)


# --- steps -------------------------------------------------------------------------------------


def test_a_draft_goes_live_by_the_word_of_somebody_else(cast: Cast, bank: str) -> None:
    add(cast.author)
    assert "bank/q-new" not in drawable("bank")
    step("in_review", cast.author, "q-new")
    with pytest.raises(errors.OwnWording):
        step("live", cast.author, "q-new")
    step("live", cast.approver, "q-new")
    assert "bank/q-new" in drawable("bank")
    rows = session.scalars(select(QuestionStep).order_by(QuestionStep.id)).all()
    assert [(row.before, row.after.value, row.by) for row in rows] == [
        ("draft", "in_review", cast.author.code),
        ("in_review", "live", cast.approver.code),
    ]
    said = [entry.action for entry in list_entries_about("question_bank", "bank")]
    assert said.count("quizzes.question_moved") == 2


def test_whoever_had_a_hand_in_a_wording_cannot_approve_it_though_another_touched_it_last(
    cast: Cast, bank: str
) -> None:
    add(cast.author)
    save(cast.admin, "q-new", stem=Words("What now, then?", "ではどうしますか。"))
    step("in_review", cast.author, "q-new")
    for each in (cast.author, cast.admin):
        with pytest.raises(errors.OwnWording):
            step("live", each, "q-new")
    step("live", cast.approver, "q-new")


def test_whoever_sends_back_what_others_wrote_says_why(cast: Cast, bank: str) -> None:
    add(cast.author)
    step("in_review", cast.author, "q-new")
    with pytest.raises(errors.ReasonMissing):
        step("draft", cast.approver, "q-new", reason=" ")
    step("draft", cast.approver, "q-new", reason="The second choice is right, too.")
    # Taking back one's own needs none.
    step("in_review", cast.author, "q-new")
    step("draft", cast.author, "q-new")
    assert states()["q-new"] == "draft"


def test_whoever_sets_a_tag_is_no_author_of_the_wording(cast: Cast, bank: str) -> None:
    add(cast.author)
    step("in_review", cast.author, "q-new")
    with own_transaction():
        editing.change_many(
            bank=queries.get_bank("bank"), numbers={"q-new": 1}, change=Change("add_tag", "new"), by=cast.admin
        )
    assert states()["q-new"] == "in_review"
    step("live", cast.admin, "q-new")


@pytest.mark.parametrize("to", ["live", "pilot", "quarantined", "stale", "nowhere"])
def test_a_draft_takes_no_step_that_does_not_follow(cast: Cast, bank: str, to: str) -> None:
    add(cast.author)
    with pytest.raises(errors.BadStep):
        step(to, cast.approver, "q-new")


def test_only_a_draft_may_lack_a_language_or_a_clause(cast: Cast, bank: str) -> None:
    add(cast.author, content(9, stem=Words("", "どうしますか。"), clauses=()))
    with pytest.raises(errors.NotReadyForReview):
        step("in_review", cast.author, "q-new")
    save(cast.author, "q-new", stem=Words("What now?", "どうしますか。"))
    with pytest.raises(errors.NotReadyForReview):
        step("in_review", cast.author, "q-new")
    save(cast.author, "q-new", clauses=("policy#a",))
    step("in_review", cast.author, "q-new")


def test_quarantine_needs_a_reason_and_takes_the_question_out(cast: Cast, bank: str) -> None:
    with pytest.raises(errors.ReasonMissing):
        step("quarantined", cast.approver, reason="  ")
    step("quarantined", cast.approver, reason="Nobody who knows the rule gets it right.")
    assert set(drawable("bank")) == {"bank/q-b"}
    step("live", cast.author)
    assert set(drawable("bank")) == {"bank/q-a", "bank/q-b"}


def test_a_retired_question_is_not_written_on_and_begins_again_as_a_draft(cast: Cast, bank: str) -> None:
    step("retired", cast.author)
    with pytest.raises(errors.NotWritable):
        save(cast.author, stem=Words("x", "x"))
    step("draft", cast.author)
    assert states()["q-a"] == "draft"


def test_approving_beside_a_text_that_has_moved_on_is_refused(cast: Cast, bank: str) -> None:
    add(cast.author)
    step("in_review", cast.author, "q-new")
    row = question("q-new")
    (clauses,) = staleness.clauses_of([queries.get_version(row, row.latest)]).values()
    before = staleness.seen(clauses)
    publish(cast, {**RULES, "a": "Another rule."}, change_class=ChangeClass.MATERIAL)
    with pytest.raises(errors.TextMovedOn):
        step("live", cast.approver, "q-new", looked_at=before)
    step("live", cast.approver, "q-new")
    row = question("q-new")
    (citation,) = queries.get_version(row, row.latest).citations
    assert (citation.version_number, row.state) == ("2.0", QuestionState.LIVE)


def test_a_pilot_whose_rule_changes_goes_back_to_review(cast: Cast, bank: str) -> None:
    add(cast.author)
    step("in_review", cast.author, "q-new")
    step("pilot", cast.approver, "q-new")
    assert "bank/q-new" not in drawable("bank")
    publish(cast, {**RULES, "a": "Another rule."}, change_class=ChangeClass.MATERIAL)
    assert states()["q-new"] == "in_review"
    last = queries.list_steps(question("q-new"))[-1]
    assert (last.by, last.after, last.reason) == (None, QuestionState.IN_REVIEW, "policy 2.0")


STEPS = [(state, to) for state, following in rules.STEPS.items() for to in following]


@given(walk=st.lists(st.sampled_from(["draft", "in_review", "pilot", "live", "stale", "quarantined", "retired"])))
@settings(max_examples=examples(60), deadline=None)
@pytest.mark.any_database
def test_nobody_comes_to_live_or_pilot_but_from_review_pilot_or_quarantine(walk: list[str]) -> None:
    state = "draft"
    for to in walk:
        if to in rules.STEPS[state]:
            assert to not in rules.APPROVING or state in {"in_review", "pilot", "quarantined"}
            state = to


@pytest.mark.any_database
def test_every_state_can_be_left_and_be_reached() -> None:
    assert set(rules.STEPS) == {state.value for state in QuestionState}
    reached = {to for _state, to in STEPS} | {"stale"}
    assert reached == set(rules.STEPS)


# --- wordings beside what counts ---------------------------------------------------------------


def test_a_new_wording_of_a_live_question_waits_until_somebody_else_has_approved_it(cast: Cast, bank: str) -> None:
    version = save(cast.author, stem=Words("A better question?", "よりよい設問ですか。"))
    assert version is not None
    row = question()
    assert (row.state, row.latest, row.proposed) == (QuestionState.LIVE, 1, 2)
    drawn = drawable("bank")["bank/q-a"]
    assert drawn.number == 1
    step("in_review", cast.author, of_proposal=True)
    with pytest.raises(errors.OwnWording):
        step("live", cast.author, of_proposal=True)
    step("live", cast.approver, of_proposal=True)
    row = question()
    assert (row.latest, row.proposed, row.submitted_at) == (2, None, None)
    assert drawable("bank")["bank/q-a"].number == 2


def test_a_dropped_wording_leaves_the_old_one(cast: Cast, bank: str) -> None:
    save(cast.author, stem=Words("Worse?", "悪い設問ですか。"))
    step("retired", cast.author, of_proposal=True)
    assert (question().latest, question().proposed) == (1, None)
    # Numbers are never used again.
    assert save(cast.author, stem=Words("Better?", "よい設問ですか。")).number == 3  # type: ignore[union-attr]


def test_attempts_keep_the_wording_they_were_given(cast: Cast, bank: str) -> None:
    make_quiz(cast.admin, bank=False, slug="about", blueprint=[{"bank": "bank", "count": 2}])
    attempt = begin(cast.learner, queries.get_quiz("about"))
    before = [item.question_version_id for item in queries.list_items(attempt)]
    save(cast.author, stem=Words("Better?", "よい設問ですか。"))
    step("in_review", cast.author, of_proposal=True)
    step("live", cast.approver, of_proposal=True)
    assert [item.question_version_id for item in queries.list_items(attempt)] == before


def test_tags_of_a_live_question_change_at_once_and_cite_what_was_cited(cast: Cast, bank: str) -> None:
    publish(cast, {**RULES, "a": "Another rule."}, change_class=ChangeClass.EDITORIAL)
    version = save(cast.author, tags=("other",))
    assert version is not None
    assert (question().latest, question().proposed, version.origin) == (2, None, "facts")
    assert [each.version_number for each in version.citations] == ["1.0"]


def test_saving_what_has_not_changed_makes_no_version(cast: Cast, bank: str) -> None:
    assert save(cast.author) is None
    assert (question().latest, question().proposed) == (1, None)


def test_whoever_saves_over_another_is_told(cast: Cast, bank: str) -> None:
    save(cast.author, stem=Words("Better?", "よい設問ですか。"))
    with pytest.raises(errors.WordingMovedOn):
        save(cast.admin, base=1, stem=Words("Mine?", "こちらですか。"))
    assert newest().stem.en == "Better?"


def test_a_question_in_review_that_is_changed_is_a_draft_again(cast: Cast, bank: str) -> None:
    add(cast.author)
    step("in_review", cast.author, "q-new")
    save(cast.admin, "q-new", stem=Words("Else?", "ほかですか。"))
    assert states()["q-new"] == "draft"


def test_a_rewritten_stale_question_is_drawn_again_when_its_wording_is_approved(cast: Cast, bank: str) -> None:
    publish(cast, {**RULES, "a": "Another rule."}, change_class=ChangeClass.MATERIAL)
    assert states()["q-a"] == "stale"
    save(cast.author, stem=Words("By the new rule?", "新しい規則ではどうですか。"))
    assert states()["q-a"] == "stale"
    step("in_review", cast.author, of_proposal=True)
    step("live", cast.approver, of_proposal=True)
    assert states()["q-a"] == "live"
    assert [problem for check in INVARIANTS.values() for problem in check()] == []


# --- languages ---------------------------------------------------------------------------------

TEXT = st.builds(Words, st.sampled_from(["", "a", "b"]), st.sampled_from(["", "あ", "い"]))


@given(before=st.sampled_from([None, "en", "ja"]), old=TEXT, new=TEXT)
@settings(max_examples=examples(80), deadline=None)
@pytest.mark.any_database
def test_the_other_language_is_behind_exactly_when_one_alone_was_changed(
    before: str | None, old: Words, new: Words
) -> None:
    found = rules.behind(before, [old], [new])
    changed = {tag for tag in ("en", "ja") if rules.each_text(old, tag) != rules.each_text(new, tag)}
    if not changed:
        assert found == before
    elif len(changed) == 2 or before in changed:
        assert found is None
    else:
        (other,) = {"en", "ja"} - changed
        assert found == (other if rules.each_text(new, other) else None)


def test_nobody_is_asked_in_a_language_that_is_behind(cast: Cast, bank: str) -> None:
    words = newest().stem
    save(cast.author, stem=replace(words, en="Only the English is changed?"))
    step("in_review", cast.author, of_proposal=True)
    step("live", cast.approver, of_proposal=True)
    assert set(drawable("bank", "ja")) == {"bank/q-b"}
    assert set(drawable("bank", "en")) == {"bank/q-a", "bank/q-b"}
    make_quiz(cast.admin, bank=False, slug="about", blueprint=[{"bank": "bank", "count": 2}])
    with pytest.raises(errors.TooFewQuestions):
        begin(make_person(language="ja"), queries.get_quiz("about"))
    begin(make_person(language="en"), queries.get_quiz("about"))


def test_no_pilot_is_shown_nor_promised_in_a_language_that_is_behind(cast: Cast, bank: str, as_: Any) -> None:
    for slug in ("q-new", "q-other"):
        add(cast.author, slug=slug)
        step("in_review", cast.author, slug)
        step("pilot", cast.approver, slug)
    save(cast.author, "q-new", stem=replace(newest("q-new").stem, en="Only the English is changed?"))
    # Until it is approved the wording counts that both languages have.
    assert drawn("ja", cast) == {"q-a", "q-b", "q-new", "q-other"}
    session.expire_all()
    step("in_review", cast.author, "q-new", of_proposal=True)
    step("live", cast.approver, "q-new", of_proposal=True)
    assert question("q-new").state is QuestionState.PILOT
    assert drawn("ja", cast) == {"q-a", "q-b", "q-other"}
    assert drawn("en", cast) == {"q-a", "q-b", "q-new", "q-other"}
    assert pool.count_pilots("ja") == {"bank": 1}
    assert pool.count_pilots("en") == {"bank": 2}
    make_quiz(cast.admin, bank=False, slug="shown", blueprint=[{"bank": "bank", "count": 2}], pilots=2)
    told = as_(cast.learner, language="ja").get("quizzes.show", slug="shown").text
    assert "1問は試行中" in told
    assert "2 of the questions are on trial" in as_(cast.learner, language="en").get("quizzes.show", slug="shown").text


def drawn(language: str, cast: Cast) -> set[str]:
    """Return the questions of an attempt that a person begins in a language, of a quiz that shows up to two pilots."""
    slug = f"quiz-{len(queries.list_quizzes())}"
    make_quiz(cast.admin, bank=False, slug=slug, blueprint=[{"bank": "bank", "count": 2}], pilots=2)
    attempt = begin(make_person(language=language), queries.get_quiz(slug))
    return {item.question_version.question.slug for item in queries.list_items(attempt)}


def test_the_coverage_says_in_which_language_a_quiz_cannot_be_drawn(cast: Cast, bank: str, as_: Any) -> None:
    save(cast.author, stem=replace(newest().stem, en="Only the English is changed?"))
    step("in_review", cast.author, of_proposal=True)
    step("live", cast.approver, of_proposal=True)
    make_quiz(cast.admin, bank=False, slug="about", blueprint=[{"bank": "bank", "count": 2}])
    client = as_(cast.author, language="en")
    page = client.get("quizzes.coverage", slug="about")
    assert "No paper can be drawn in Japanese" in page.text
    assert "No paper can be drawn in English" not in page.text
    assert "1 live question is not asked in this language" in page.text
    assert client.fetch("quizzes.see_paper", slug="about").status_code == 200
    assert as_(cast.author, language="ja").fetch("quizzes.see_paper", slug="about").status_code == 409
    listed = client.get("quizzes.covered_questions", slug="about", lacks="ja")
    assert "/banks/bank/q-a" in listed.body


def test_a_language_is_in_step_again_when_it_is_changed_or_found_to_need_no_change(cast: Cast, bank: str) -> None:
    words = newest().stem
    save(cast.author, stem=replace(words, en="English?"))
    assert queries.get_version(question(), 2).behind == "ja"
    save(cast.author, stem=Words("English?", "日本語ですか。"))
    assert queries.get_version(question(), 3).behind is None
    save(cast.author, stem=Words("English?", "日本語だけですか。"))
    row = question()
    assert queries.get_version(row, row.in_work).behind == "en"
    with own_transaction():
        editing.note_in_step(question=row, base=row.in_work, by=cast.author)
    row = question()
    assert queries.get_version(row, row.in_work).behind is None
    with pytest.raises(errors.NothingBehind), own_transaction():
        editing.note_in_step(question=question(), base=question().in_work, by=cast.author)


# --- files and the product ---------------------------------------------------------------------


def test_an_older_file_does_not_throw_back_what_people_did_here(cast: Cast, bank: str) -> None:
    old = export()
    step("quarantined", cast.approver, reason="Wrong.")
    save(cast.author, "q-b", tags=("here",))
    add(cast.author)
    assert set(kept_here(queries.get_bank("bank"), old)) == {"q-a", "q-b", "q-new"}
    load(cast, old)
    assert states() == {"q-a": "quarantined", "q-b": "live", "q-new": "draft"}
    assert newest("q-b").tags == ("here",)


def test_a_file_that_changes_what_was_changed_here_is_refused(cast: Cast, bank: str) -> None:
    old = export()
    save(cast.author, tags=("here",))
    first, second = old.questions
    other = replace(first, content=replace(first.content, stem=Words("From the file?", "ファイルからですか。")))
    with pytest.raises(ChangedHere):
        load(cast, replace(old, questions=(other, second)))
    assert newest().tags == ("here",)


def test_a_file_written_from_the_present_bank_may_change_everything(cast: Cast, bank: str) -> None:
    step("quarantined", cast.approver, reason="Wrong.")
    now = export()
    assert now.revision == 1
    first, second = now.questions
    assert first.state == "quarantined"
    load(cast, replace(now, questions=(replace(first, state="live"), second)))
    assert states()["q-a"] == "live"
    assert queries.list_steps(question())[-1].by == cast.author.code


def test_a_file_cannot_change_a_question_whose_new_wording_waits(cast: Cast, bank: str) -> None:
    save(cast.author, stem=Words("Better?", "よい設問ですか。"))
    now = export()
    first, second = now.questions
    other = replace(first, content=replace(first.content, stem=Words("From the file?", "ファイルからですか。")))
    with pytest.raises(ChangedHere) as refused:
        load(cast, replace(now, questions=(other, second)))
    assert refused.value.is_proposed


@pytest.mark.parametrize("state", ["live", "draft", "in_review", "pilot", "quarantined", "retired"])
@pytest.mark.any_database
def test_the_files_of_a_bank_keep_every_state_and_what_is_behind(state: str) -> None:
    bank = Bank(
        Words("Bank", "バンク"), "policy", "1.0", (BankQuestion("q-a", content(), state, behind="ja"),), revision=7
    )
    assert through_files(bank) == (bank, 0)


def through_files(bank: Bank) -> tuple[Bank, int]:
    """Return a bank as its two files say it, and how many problems they have."""
    (english, some), (japanese, more) = (parse(render(split(bank, tag)), tag) for tag in ("en", "ja"))
    assert english is not None
    assert japanese is not None
    merged, of_english, of_japanese = merge(english, japanese)
    return merged, len(some) + len(more) + len(of_english) + len(of_japanese)


@pytest.mark.any_database
def test_the_files_of_a_bank_keep_a_draft_that_lacks_a_language_and_a_clause() -> None:
    lacking = content(
        stem=Words("", "どうしますか。"), title=Words("Title", ""), clauses=(), rationale=Words("", "理由")
    )
    bank = Bank(Words("Bank", "バンク"), "policy", "1.0", (BankQuestion("q-a", lacking, "draft"),))
    assert through_files(bank) == (bank, 0)
    cited = BankQuestion("q-a", replace(lacking, clauses=("policy#a",)), "live")
    _merged, problems = through_files(replace(bank, questions=(cited,)))
    assert problems


# --- adding and changing many ------------------------------------------------------------------


def test_drafts_are_added_all_or_none_with_free_ids(cast: Cast, bank: str) -> None:
    with own_transaction():
        added = editing.add_drafts(
            bank=queries.get_bank("bank"), contents=[content(5), content(6, clauses=())], origin="gift", by=cast.author,
            slugs=["q-a"],
        )  # fmt: skip
        slugs = [each.slug for each in added]
    assert slugs == ["q-001", "q-002"]
    assert {states()[slug] for slug in slugs} == {"draft"}
    assert queries.get_version(question("q-001"), 1).origin == "gift"
    with pytest.raises(errors.WordingFaulty) as refused, own_transaction():
        editing.add_drafts(
            bank=queries.get_bank("bank"), contents=[content(7), content(8, clauses=("policy#gone",))], origin="gift",
            by=cast.author,
        )  # fmt: skip
    assert refused.value.index == 1
    assert len(states()) == 4


def test_an_id_is_never_used_twice(cast: Cast, bank: str) -> None:
    with pytest.raises(errors.IdTaken):
        add(cast.author, slug="q-a")


def test_many_are_changed_together_or_not_at_all(cast: Cast, bank: str) -> None:
    add(cast.author)
    step("retired", cast.author, "q-new")
    numbers = {"q-a": 1, "q-b": 1, "q-new": 1}
    row, change = queries.get_bank("bank"), Change("difficulty", "4")
    with own_transaction():
        outcomes = editing.rehearse(bank=row, numbers=numbers, change=change, by=cast.author).outcomes
        told = {each.question.slug: (each.changed, bool(each.refusal)) for each in outcomes}
    assert told == {"q-a": (True, False), "q-b": (True, False), "q-new": (False, True)}
    assert question().latest == 1
    with pytest.raises(errors.SomeRefused), own_transaction():
        editing.change_many(bank=queries.get_bank("bank"), numbers=numbers, change=change, by=cast.author)
    assert question().latest == 1
    with own_transaction():
        editing.change_many(bank=queries.get_bank("bank"), numbers={"q-a": 1, "q-b": 1}, change=change, by=cast.author)
    assert (newest("q-a").difficulty, newest("q-b").difficulty) == (4, 4)
    assert [problem for check in INVARIANTS.values() for problem in check()] == []


def test_what_was_looked_at_in_another_version_is_not_changed(cast: Cast, bank: str) -> None:
    save(cast.author, tags=("here",))
    with pytest.raises(errors.SomeRefused), own_transaction():
        editing.change_many(
            bank=queries.get_bank("bank"), numbers={"q-a": 1}, change=Change("add_tag", "x"), by=cast.author
        )


@given(data=st.data())
@settings(max_examples=examples(8), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_people_do_the_history_of_a_question_holds(cast: Cast, bank: str, data: Any) -> None:
    people = [cast.author, cast.admin, cast.approver]
    for _turn in range(data.draw(st.integers(1, 6))):
        by = data.draw(st.sampled_from(people))
        row = question()
        what = data.draw(st.sampled_from(["save", "tag", *rules.STEPS]))
        # Drawn in any case: what is drawn may not depend on what those before left.
        of_proposal = data.draw(st.booleans()) and row.proposed is not None
        try:
            if what == "save":
                text = data.draw(st.sampled_from(["one", "two", "three"]))
                save(by, stem=Words(text, data.draw(st.sampled_from(["いち", "に"]))))
            elif what == "tag":
                save(by, tags=(data.draw(st.sampled_from(["x", "y"])),))
            else:
                step(what, by, of_proposal=of_proposal, reason="because")
        except errors.DomainError:
            continue
    session.expire_all()
    assert [problem for check in INVARIANTS.values() for problem in check()] == []
