"""A changed rule takes exactly those questions out of every draw that test it, until a person has looked at them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import count, pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from portal.accounts.service.ownership import set_owner
from portal.core import jobs
from portal.core.db import session
from portal.core.transaction import own_transaction
from portal.library import queries as library
from portal.library.models import ChangeClass, DocumentVersion
from portal.library.service.dependants import change_of_draft
from portal.library.service.versions import withdraw_version
from portal.quizzes import errors, queries
from portal.quizzes.formats.markdown import Bank, BankQuestion
from portal.quizzes.invariants import question_versions_say_what_they_said, stale_questions_wait_for_something
from portal.quizzes.models import Question, QuestionBank, QuestionStaleness, QuestionVersion, SettledHow
from portal.quizzes.queries import staleness as looked_up
from portal.quizzes.service import staleness
from portal.quizzes.service.banks import take_bank
from tests.beginnings import beginning
from tests.builders import Cast
from tests.library.builders import english, make_bare_draft, make_document, make_version, soon
from tests.quizzes.builders import begin, drawable, make_content, make_quiz
from tests.volume import examples

_numbers = count(1)
CLAUSES = ("a", "b", "c", "d")
FEW = settings(max_examples=examples(12), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def source(texts: Mapping[str, str]) -> str:
    """Write a text of clauses: id → what it says; the heading is part of it."""
    return "\n".join(f"## Heading {{#{anchor}}}\n\n{said}\n" for anchor, said in texts.items())


def publish(cast: Cast, texts: Mapping[str, str], slug: str = "policy", **values: Any) -> DocumentVersion:
    """Publish the next version of a document."""
    document = library.find_document(slug) or make_document(cast.author, slug)
    number = f"{len(document.versions) + 1}.0"
    return make_version(document, cast.author, number, texts=[english(source(texts))], **values)


def take(cast: Cast, tested: Mapping[str, str], version: str = "1.0", slug: str = "bank", **values: Any) -> list[str]:
    """Take in a bank of questions: id → the clause that it tests."""
    questions = tuple(
        BankQuestion(name, replace(make_content(place), clauses=(clause,), document="policy"), "live")
        for place, (name, clause) in enumerate(tested.items())
    )
    bank = Bank(
        title=make_content(0).title,
        document=values.get("document", "policy"),
        version=version,
        questions=values.get("questions", questions),
    )
    with own_transaction():
        changed = take_bank(slug=slug, bank=bank, facts=queries.find_clauses, by=cast.author)
        set_owner(kind="question_bank", code=slug, owner=cast.author, by=cast.author)
    return changed


def states(bank: str = "") -> dict[str, str]:
    """Return question's id → state (of one bank)."""
    session.expire_all()
    statement = select(Question).join(Question.bank).order_by(Question.slug)
    if bank:
        statement = statement.where(QuestionBank.slug == bank)
    return {row.slug: row.state.value for row in session.scalars(statement)}


def stale(bank: str = "") -> set[str]:
    return {slug for slug, state in states(bank).items() if state == "stale"}


@pytest.fixture
@beginning
def bank(cast: Cast) -> dict[str, str]:
    """Version 1.0 with four clauses, and a question about each."""
    first = {anchor: f"Rule {anchor}." for anchor in CLAUSES}
    publish(cast, first)
    take(cast, {f"q-{anchor}": f"policy#{anchor}" for anchor in CLAUSES})
    return first


def recheck(cast: Cast, slug: str, bank_slug: str = "bank") -> QuestionVersion:
    """Say of a stale question that it is still right, having seen what there is to see."""
    found = queries.find_latest(queries.get_bank(bank_slug), slug)
    assert found is not None
    (clauses,) = staleness.clauses_of([found[1]]).values()
    with own_transaction():
        return staleness.confirm_still_right(question=found[0], looked_at=staleness.seen(clauses), by=cast.author)


@pytest.mark.parametrize("change_class", ["material", "emergency"])
def test_a_changed_clause_takes_exactly_its_questions_out(cast: Cast, bank: dict[str, str], change_class: str) -> None:
    version = publish(cast, {**bank, "b": "Another rule."}, change_class=ChangeClass(change_class))
    assert stale() == {"q-b"}
    (row,) = session.scalars(select(QuestionStaleness)).all()
    assert (row.version_id, row.anchors, row.settled_at) == (version.id, ["b"], None)
    assert set(drawable("bank")) == {"bank/q-a", "bank/q-c", "bank/q-d"}


@pytest.mark.parametrize("change_class", ["editorial", "minor"])
def test_what_asks_for_nothing_takes_no_question_out(cast: Cast, bank: dict[str, str], change_class: str) -> None:
    publish(cast, {**bank, "b": "Another rule."}, change_class=ChangeClass(change_class))
    assert stale() == set()


def test_an_editorial_change_is_no_change_of_what_was_cited_and_a_later_one_of_the_same_clause_is(
    cast: Cast, bank: dict[str, str]
) -> None:
    publish(cast, {**bank, "a": "Rule a!"}, change_class=ChangeClass.EDITORIAL)
    publish(cast, {**bank, "a": "Rule a!", "b": "Another rule."})
    assert stale() == {"q-b"}
    publish(cast, {**bank, "a": "Not rule a.", "b": "Another rule."})
    assert stale() == {"q-a", "q-b"}


def test_a_clause_that_reads_again_as_it_was_cited_leaves_its_questions_alone(cast: Cast, bank: dict[str, str]) -> None:
    publish(cast, {**bank, "a": "Rule a!"}, change_class=ChangeClass.EDITORIAL)
    publish(cast, bank)
    assert stale() == set()


def test_a_moved_clause_is_followed_and_a_removed_one_takes_its_questions_out(cast: Cast, bank: dict[str, str]) -> None:
    moved = {"z": bank["a"], "b": bank["b"], "c": bank["c"]}
    publish(cast, moved)
    assert stale() == {"q-d"}
    publish(cast, {**moved, "z": "Something else."})
    assert stale() == {"q-a", "q-d"}
    # It is there under another id: the question must be rewritten, not waved through.
    with pytest.raises(errors.ClauseGone):
        recheck(cast, "q-a")


def test_running_attempts_keep_their_questions_and_a_quiz_that_goes_short_says_so(
    cast: Cast, bank: dict[str, str]
) -> None:
    quiz = make_quiz(cast.author, "quiz", bank=False, blueprint=[{"bank": "bank", "count": 4}])
    running = begin(cast.learner, quiz)
    publish(cast, {**bank, "b": "Another rule."})
    assert queries.count_items(running) == 4
    with pytest.raises(errors.TooFewQuestions):
        begin(cast.colleague, quiz)
    recheck(cast, "q-b")
    assert queries.count_items(begin(cast.colleague, quiz)) == 4


def test_still_right_is_a_new_wording_that_says_the_same_and_cites_the_new_text(
    cast: Cast, bank: dict[str, str]
) -> None:
    before = queries.find_latest(queries.get_bank("bank"), "q-b")
    assert before is not None
    old = before[1]
    publish(cast, {**bank, "b": "Another rule."})
    drawn = recheck(cast, "q-b")
    assert (drawn.number, drawn.content, drawn.origin) == (2, old.content, staleness.ORIGIN_RECHECK)
    (citation,) = [each for each in drawn.citations if each.tested]
    facts = queries.find_clauses("policy", "2.0")
    assert facts is not None
    assert (citation.version_number, citation.clause_hash) == ("2.0", facts["b"].hash)
    (row,) = session.scalars(select(QuestionStaleness)).all()
    assert (row.settled_how, row.settled_by, row.settled_version_id) == (
        SettledHow.STILL_RIGHT, cast.author.code, drawn.id,
    )  # fmt: skip
    assert stale() == set()
    assert question_versions_say_what_they_said() == []
    # The same bank again, whose file still names the old version, takes nothing of that back.
    assert take(cast, {f"q-{anchor}": f"policy#{anchor}" for anchor in CLAUSES}) == []
    with pytest.raises(errors.NotStale):
        recheck(cast, "q-b")


def test_what_was_looked_at_must_be_what_stands_there(cast: Cast, bank: dict[str, str]) -> None:
    publish(cast, {**bank, "b": "Another rule."})
    found = queries.find_latest(queries.get_bank("bank"), "q-b")
    assert found is not None
    (clauses,) = staleness.clauses_of([found[1]]).values()
    looked_at = staleness.seen(clauses)
    publish(cast, {**bank, "b": "A third rule."}, change_class=ChangeClass.MINOR)
    with pytest.raises(errors.TextMovedOn), own_transaction():
        staleness.confirm_still_right(question=found[0], looked_at=looked_at, by=cast.author)
    assert stale() == {"q-b"}


def test_a_question_about_two_documents_waits_for_both_and_is_looked_at_once(cast: Cast, bank: dict[str, str]) -> None:
    publish(cast, {"x": "Rule x."}, "other")
    both = BankQuestion("q-both", replace(make_content(9), clauses=("policy#a", "other#x"), document="policy"), "live")
    take(cast, {}, slug="second", questions=(both,))
    publish(cast, {**bank, "a": "Another rule."})
    publish(cast, {"x": "Not x."}, "other")
    assert stale() == {"q-a", "q-both"}
    drawn = recheck(cast, "q-both", "second")
    assert [(each.document_slug, each.version_number) for each in drawn.citations if each.tested] == [
        ("policy", "2.0"), ("other", "2.0"),
    ]  # fmt: skip
    assert stale() == {"q-a"}
    assert stale_questions_wait_for_something() == []


def test_a_question_left_out_stays_so_and_is_no_open_matter(cast: Cast, bank: dict[str, str]) -> None:
    publish(cast, {**bank, "b": "Another rule.", "c": "Another, too."})
    assert looked_up.count_to_look_at() == 2
    found = queries.find_latest(queries.get_bank("bank"), "q-b")
    assert found is not None
    with own_transaction():
        staleness.keep_out(question=found[0], by=cast.author)
    assert looked_up.count_stale() == {"bank": looked_up.Waiting(1, 1)}
    assert looked_up.count_to_look_at() == 1
    assert stale() == {"q-b", "q-c"}


# --- files --------------------------------------------------------------------------------------


def test_a_bank_that_states_the_new_version_has_been_looked_at(cast: Cast, bank: dict[str, str]) -> None:
    publish(cast, {**bank, "b": "Another rule."})
    tested = {f"q-{anchor}": f"policy#{anchor}" for anchor in CLAUSES}
    assert take(cast, tested) == []
    assert stale() == {"q-b"}
    assert "q-b" in take(cast, tested, "2.0")
    assert stale() == set()
    (row,) = session.scalars(select(QuestionStaleness)).all()
    assert row.settled_how is SettledHow.STILL_RIGHT
    assert take(cast, tested, "2.0") == []


def test_a_bank_without_a_version_must_be_rewritten_to_count_as_looked_at(cast: Cast) -> None:
    first = {anchor: f"Rule {anchor}." for anchor in CLAUSES}
    publish(cast, first)
    take(cast, {"q-b": "policy#b"}, "")
    publish(cast, {**first, "b": "Another rule."})
    take(cast, {"q-b": "policy#b"}, "")
    assert stale() == {"q-b"}
    rewritten = BankQuestion("q-b", replace(make_content(77), clauses=("policy#b",), document="policy"), "live")
    take(cast, {}, "", questions=(rewritten,))
    assert stale() == set()
    (row,) = session.scalars(select(QuestionStaleness)).all()
    assert row.settled_how is SettledHow.NEW_VERSION


def test_a_rewritten_question_that_cites_the_old_text_waits_on(cast: Cast, bank: dict[str, str]) -> None:
    publish(cast, {**bank, "b": "Another rule."})
    rewritten = BankQuestion("q-b", replace(make_content(77), clauses=("policy#b",), document="policy"), "live")
    take(cast, {}, "1.0", questions=(rewritten,))
    assert states()["q-b"] == "stale"


def test_a_stale_question_set_back_to_draft_is_stale_again_when_it_returns(cast: Cast, bank: dict[str, str]) -> None:
    publish(cast, {**bank, "b": "Another rule."})
    content = replace(make_content(1), clauses=("policy#b",), document="policy")
    for written, state in (("draft", "draft"), ("live", "stale")):
        take(cast, {}, "1.0", questions=(BankQuestion("q-b", content, written),))
        assert states()["q-b"] == state
    assert stale_questions_wait_for_something() == []


# --- withdrawal ---------------------------------------------------------------------------------


def withdraw(cast: Cast, version: DocumentVersion) -> None:
    with own_transaction():
        withdraw_version(version=session.get_one(DocumentVersion, version.id), reason="A mistake.", by=cast.author)


def test_a_version_withdrawn_before_its_day_lets_its_questions_be_drawn_again(cast: Cast, bank: dict[str, str]) -> None:
    version = publish(cast, {**bank, "b": "Another rule."}, effective_at=soon())
    assert stale() == {"q-b"}
    withdraw(cast, version)
    assert stale() == set()
    (row,) = session.scalars(select(QuestionStaleness)).all()
    assert (row.settled_how, row.settled_by) == (SettledHow.CALLED_OFF, cast.author.code)
    # What comes next is compared with the text that was in force all the time.
    publish(cast, {**bank, "b": "Another rule."})
    assert stale() == {"q-b"}


def test_a_version_withdrawn_after_its_day_has_been_followed_and_changes_nothing_back(
    cast: Cast, bank: dict[str, str]
) -> None:
    withdraw(cast, publish(cast, {**bank, "b": "Another rule."}))
    assert stale() == {"q-b"}


# --- mail ---------------------------------------------------------------------------------------


def _mails(app: Any) -> list[str]:
    folder = app.config["DATA_DIR"] / "mail"
    return [path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.eml"))] if folder.exists() else []


def test_whoever_answers_gets_one_mail_and_none_where_all_was_looked_at_meanwhile(
    app: Any, cast: Cast, bank: dict[str, str]
) -> None:
    take(cast, {"r-b": "policy#b", "r-c": "policy#c"}, slug="second")
    make_quiz(cast.author, "quiz", bank=False, blueprint=[{"bank": "bank", "count": 4}])
    with own_transaction():
        set_owner(kind="quiz", code="quiz", owner=cast.admin, by=cast.admin)
    publish(cast, {**bank, "b": "Another rule."})
    jobs.run_due()
    told = _mails(app)
    assert sorted(mail.split("To: ")[1].split("<")[1].split(">")[0] for mail in told) == [
        "admin@portal.example", "author@portal.example",
    ]  # fmt: skip
    publish(cast, {**bank, "b": "Another rule.", "c": "Not c."})
    for slug, bank_slug in (("q-c", "bank"), ("r-c", "second")):
        recheck(cast, slug, bank_slug)
    jobs.run_due()
    assert len(_mails(app)) == len(told)


# --- laws ---------------------------------------------------------------------------------------

TEXT = st.sampled_from(["One.", "Two.", "Three."])
VERSION = st.dictionaries(st.sampled_from(CLAUSES), TEXT, min_size=1)
CLASS = st.sampled_from(list(ChangeClass))


def _recount(texts: list[tuple[Mapping[str, str], ChangeClass]], tested: Mapping[str, list[str]]) -> set[str]:
    """Say by brute force which questions the last step takes out, all of them written for the first version."""
    waiting: set[str] = set()
    # Where each clause of the first version stands: its id, None when it is gone.
    where: dict[str, str | None] = {anchor: anchor for anchor in texts[0][0]}
    fresh: set[str] = set()
    for (before, _class), (after, change_class) in pairwise(texts):
        fresh = set()
        gone = [anchor for anchor in before if anchor not in after]
        new = [anchor for anchor in after if anchor not in before]
        moved = {}
        for target in new:
            # The last clause that is gone and reads the same is the one that moved.
            same = [anchor for anchor in gone if before[anchor] == after[target] and anchor not in moved]
            if same:
                moved[same[-1]] = target
                gone = [anchor for anchor in gone if before[anchor] != after[target]]
        for slug, clauses in tested.items():
            for cited in clauses:
                here = where.get(cited)
                if here is None or slug in waiting:
                    continue
                there = moved.get(here, here)
                now = after.get(there)
                asks_again = change_class in (ChangeClass.MATERIAL, ChangeClass.EMERGENCY)
                if asks_again and now not in (before[here], texts[0][0][cited]):
                    fresh.add(slug)
        waiting |= fresh
        where = {
            cited: (moved.get(here, here) if moved.get(here, here) in after else None)
            for cited, here in where.items()
            if here is not None
        }
    return fresh


@FEW
@given(
    versions=st.lists(st.tuples(VERSION, CLASS), min_size=2, max_size=4),
    tested=st.dictionaries(
        st.sampled_from(["q-1", "q-2", "q-3", "q-4"]), st.lists(st.sampled_from(CLAUSES), min_size=1, max_size=2)
    ),
)
def test_what_the_draft_said_is_what_flips_and_what_a_recount_says(
    cast: Cast, versions: list[tuple[Mapping[str, str], ChangeClass]], tested: dict[str, list[str]]
) -> None:
    # Each example has a document and a bank of its own.
    number = next(_numbers)
    document, bank_slug = f"policy-{number}", f"bank-{number}"
    first = versions[0][0]
    tested = {slug: [each for each in dict.fromkeys(clauses) if each in first] for slug, clauses in tested.items()}
    tested = {slug: clauses for slug, clauses in tested.items() if clauses}
    publish(cast, first, document)
    questions = tuple(
        BankQuestion(
            slug,
            replace(make_content(place), clauses=tuple(f"{document}#{each}" for each in clauses), document=document),
            "live",
        )
        for place, (slug, clauses) in enumerate(tested.items())
    )
    take(cast, {}, slug=bank_slug, document=document, questions=questions)
    for place, (texts, change_class) in enumerate(versions[1:], start=2):
        draft = make_bare_draft(document, cast.author, source=source(texts), change_class=change_class)
        said = {each.slug for each in staleness.affected_questions(change_of_draft(draft))}
        before = stale(bank_slug)
        publish(cast, texts, document, change_class=change_class)
        assert stale(bank_slug) - before == said
        assert said == _recount(versions[:place], tested)
        assert before <= stale(bank_slug)
    assert stale_questions_wait_for_something() == []
