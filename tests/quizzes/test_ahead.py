"""Questions are looked at beside a draft; those found right are asked about the change once it is published."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from portal.accounts.models import Person
from portal.core import clock
from portal.core.db import session
from portal.core.transaction import own_transaction
from portal.library import queries as library
from portal.library.errors import DraftEnded
from portal.library.models import ChangeClass, DocumentVersion, Draft, DraftState
from portal.library.queries.drafts import get_draft
from portal.library.service.dependants import change_of_draft, change_of_version
from portal.library.service.versions import publish_version
from portal.quizzes import errors, queries
from portal.quizzes.formats.markdown import BankQuestion
from portal.quizzes.invariants import question_versions_say_what_they_said, stale_questions_wait_for_something
from portal.quizzes.models import QuestionLook, QuestionStaleness, SettledHow, Verdict
from portal.quizzes.queries import staleness as looked_up
from portal.quizzes.service import ahead, staleness
from tests.beginnings import beginning
from tests.builders import Cast
from tests.core.test_redline import unmarked
from tests.library.builders import english, make_bare_draft
from tests.page_client import Page
from tests.queries import counted_queries
from tests.quizzes.builders import make_content
from tests.quizzes.test_staleness import CLAUSES, publish, recheck, source, stale, take, withdraw
from tests.volume import examples

BOTH = pytest.mark.parametrize("language", ["en", "ja"])
FIRST = {anchor: f"Rule {anchor}." for anchor in CLAUSES}
_numbers = count(1)
FEW = settings(max_examples=examples(12), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
@beginning
def bank(cast: Cast) -> dict[str, str]:
    """Version 1.0 with four clauses, a question about each, and one about two of them."""
    publish(cast, FIRST)
    take(cast, {f"q-{anchor}": f"policy#{anchor}" for anchor in CLAUSES})
    both = BankQuestion("q-both", replace(make_content(9), clauses=("policy#a", "policy#b"), document="policy"), "live")
    take(cast, {}, slug="second", questions=(both,))
    return dict(FIRST)


def draft_of(cast: Cast, texts: Mapping[str, str], slug: str = "policy", **values: Any) -> Draft:
    return make_bare_draft(slug, cast.author, source=source(texts), **values)


def rewrite(draft: Draft, texts: Mapping[str, str]) -> None:
    """Change the words of a draft, as its editor does."""
    with own_transaction():
        text = get_draft(draft.code).texts[0]
        text.source, text.revision = source(texts), text.revision + 1


def look(
    by: Person, draft: Draft, slug: str, bank: str = "bank", verdict: Verdict = Verdict.STILL_RIGHT, token: str = ""
) -> None:
    """Look at a question beside the draft as it is now."""
    session.expire_all()
    held = get_draft(draft.code)
    found = queries.find_latest(queries.get_bank(bank), slug)
    assert found is not None
    question, version = found
    token = token or ahead.seen(version, ahead.clauses_beside(change_of_draft(held), version))
    with own_transaction():
        ahead.look(draft=held, question=question, verdict=verdict, looked_at=token, by=by)


def release(cast: Cast, draft: Draft) -> DocumentVersion:
    """Publish a draft as it stands."""
    with own_transaction():
        held = get_draft(draft.code)
        assert held.change_class is not None
        latest = library.latest_version(held.document)
        assert latest is not None
        version = publish_version(
            document=held.document,
            number=f"{latest.sequence + 1}.0",
            change_class=held.change_class,
            effective_at=held.effective_at,
            zone=held.zone,
            texts=[english(held.texts[0].source)],
            based_on=latest.number,
            author=cast.author,
            approver=cast.approver,
            provisional_reason="The translation follows.",
            draft_code=held.code,
        )
        held.state, held.ended_at, held.published_version_id = DraftState.PUBLISHED, version.issued_at, version.id
        version_id = version.id
    found = library.find_version_by_id(version_id)
    assert found is not None
    return found


def affected(draft: Draft) -> set[str]:
    session.expire_all()
    return {each.slug for each in staleness.affected_questions(change_of_draft(get_draft(draft.code)))}


# --- what becomes of them -----------------------------------------------------------------------


def test_a_question_found_right_beside_the_words_that_are_published_is_drawn_on_and_cites_them(
    cast: Cast, bank: dict[str, str]
) -> None:
    draft = draft_of(cast, {**bank, "c": "Another rule."})
    before = queries.find_latest(queries.get_bank("bank"), "q-c")
    assert before is not None
    old = before[1]
    assert affected(draft) == {"q-c"}
    look(cast.author, draft, "q-c")
    assert affected(draft) == set()
    version = release(cast, draft)
    assert stale() == set()
    assert staleness.affected_questions(change_of_version(version)) == []
    found = queries.find_latest(queries.get_bank("bank"), "q-c")
    assert found is not None
    drawn = found[1]
    assert (drawn.number, drawn.content, drawn.origin, drawn.created_by) == (
        2, old.content, staleness.ORIGIN_RECHECK, cast.author.code,
    )  # fmt: skip
    facts = queries.find_clauses("policy", "2.0")
    assert facts is not None
    assert [(each.version_number, each.clause_hash) for each in drawn.citations if each.tested] == [
        ("2.0", facts["c"].hash)
    ]
    # The looking stands where a re-check after the publication would stand.
    (row,) = session.scalars(select(QuestionStaleness)).all()
    assert (row.version_id, row.settled_how, row.settled_by, row.settled_version_id) == (
        version.id, SettledHow.STILL_RIGHT, cast.author.code, drawn.id,
    )  # fmt: skip
    assert question_versions_say_what_they_said() == stale_questions_wait_for_something() == []
    # A file that still names the old version takes nothing of that back.
    assert take(cast, {f"q-{anchor}": f"policy#{anchor}" for anchor in CLAUSES}) == []
    assert stale() == set()


def test_other_words_than_those_that_were_looked_at_make_it_stale(cast: Cast, bank: dict[str, str]) -> None:
    draft = draft_of(cast, {**bank, "c": "Another rule.", "d": "Not d."})
    look(cast.author, draft, "q-c")
    look(cast.author, draft, "q-d")
    rewrite(draft, {**bank, "c": "A third rule.", "d": "Not d."})
    assert affected(draft) == {"q-c"}
    release(cast, draft)
    assert stale() == {"q-c"}


def test_words_that_come_back_were_looked_at(cast: Cast, bank: dict[str, str]) -> None:
    draft = draft_of(cast, {**bank, "c": "Another rule."})
    look(cast.author, draft, "q-c")
    rewrite(draft, {**bank, "c": "A third rule."})
    assert affected(draft) == {"q-c"}
    rewrite(draft, {**bank, "c": "Another rule."})
    assert affected(draft) == set()


def test_every_clause_that_is_touched_must_have_been_looked_at(cast: Cast, bank: dict[str, str]) -> None:
    draft = draft_of(cast, {**bank, "a": "Another rule."})
    look(cast.author, draft, "q-both", "second")
    assert affected(draft) == {"q-a"}
    rewrite(draft, {**bank, "a": "Another rule.", "b": "Not b."})
    assert affected(draft) == {"q-a", "q-b", "q-both"}
    look(cast.author, draft, "q-both", "second")
    release(cast, draft)
    assert stale() == {"q-a", "q-b"}


def test_what_must_be_rewritten_becomes_stale_and_what_is_said_last_counts(cast: Cast, bank: dict[str, str]) -> None:
    draft = draft_of(cast, {**bank, "c": "Another rule.", "d": "Not d."})
    for slug, verdicts in (
        ("q-c", (Verdict.STILL_RIGHT, Verdict.REWRITE)),
        ("q-d", (Verdict.REWRITE, Verdict.STILL_RIGHT)),
    ):
        for verdict in verdicts:
            look(cast.author, draft, slug, verdict=verdict)
    assert affected(draft) == {"q-c"}
    release(cast, draft)
    assert stale() == {"q-c"}
    recheck(cast, "q-c")


def test_a_wording_that_came_in_since_was_not_looked_at(cast: Cast, bank: dict[str, str]) -> None:
    draft = draft_of(cast, {**bank, "c": "Another rule."})
    look(cast.author, draft, "q-c")
    rewritten = BankQuestion("q-c", replace(make_content(77), clauses=("policy#c",), document="policy"), "live")
    take(cast, {}, questions=(rewritten,))
    assert affected(draft) == {"q-c"}
    release(cast, draft)
    assert "q-c" in stale()


def test_looking_at_one_draft_says_nothing_of_another(cast: Cast, bank: dict[str, str]) -> None:
    looked_at = draft_of(cast, {**bank, "c": "Another rule."})
    look(cast.author, looked_at, "q-c")
    release(cast, draft_of(cast, {**bank, "c": "Another rule."}))
    assert stale() == {"q-c"}


def test_a_question_that_waits_for_another_document_waits_on_and_cites_this_one(
    cast: Cast, bank: dict[str, str]
) -> None:
    publish(cast, {"x": "Rule x."}, "other")
    two = BankQuestion("q-two", replace(make_content(8), clauses=("policy#c", "other#x"), document="policy"), "live")
    take(cast, {}, slug="third", questions=(two,))
    publish(cast, {"x": "Not x."}, "other")
    assert stale("third") == {"q-two"}
    draft = draft_of(cast, {**bank, "c": "Another rule."})
    look(cast.author, draft, "q-two", "third")
    release(cast, draft)
    assert stale("third") == {"q-two"}
    found = queries.find_latest(queries.get_bank("third"), "q-two")
    assert found is not None
    assert [(each.document_slug, each.version_number) for each in found[1].citations if each.tested] == [
        ("policy", "2.0"), ("other", "1.0"),
    ]  # fmt: skip
    assert stale_questions_wait_for_something() == []
    recheck(cast, "q-two", "third")
    assert stale("third") == set()


def test_a_version_called_off_leaves_them_drawn_and_the_next_one_is_looked_at_anew(
    cast: Cast, bank: dict[str, str]
) -> None:
    draft = draft_of(cast, {**bank, "c": "Another rule."}, effective_at=None)
    look(cast.author, draft, "q-c")
    release(cast, draft)
    withdraw(cast, session.scalars(select(DocumentVersion).where(DocumentVersion.number == "2.0")).one())
    assert stale() == set()
    publish(cast, {**bank, "c": "A third rule."}, effective_at=clock.now())
    assert stale() == {"q-c"}


# --- what is refused ----------------------------------------------------------------------------


def test_what_was_shown_must_be_what_the_draft_says(cast: Cast, bank: dict[str, str]) -> None:
    draft = draft_of(cast, {**bank, "c": "Another rule."})
    found = queries.find_latest(queries.get_bank("bank"), "q-c")
    assert found is not None
    token = ahead.seen(found[1], ahead.clauses_beside(change_of_draft(draft), found[1]))
    rewrite(draft, {**bank, "c": "A third rule."})
    with pytest.raises(errors.TextMovedOn):
        look(cast.author, draft, "q-c", token=token)
    assert session.scalars(select(QuestionLook)).all() == []


def test_a_clause_that_is_taken_out_lets_no_question_be_right(cast: Cast, bank: dict[str, str]) -> None:
    draft = draft_of(cast, {anchor: bank[anchor] for anchor in "abc"})
    with pytest.raises(errors.ClauseGone):
        look(cast.author, draft, "q-d")
    look(cast.author, draft, "q-d", verdict=Verdict.REWRITE)
    assert affected(draft) == {"q-d"}


def test_only_what_a_running_draft_touches_is_looked_at(cast: Cast, bank: dict[str, str]) -> None:
    draft = draft_of(cast, {**bank, "c": "Another rule."})
    with pytest.raises(errors.NotTouched):
        look(cast.author, draft, "q-a")
    release(cast, draft)
    with pytest.raises(DraftEnded):
        look(cast.author, draft, "q-c")


# --- the law ------------------------------------------------------------------------------------

TEXT = st.sampled_from(["One.", "Two.", "Three."])
WORDS = st.fixed_dictionaries(dict.fromkeys(CLAUSES, TEXT))
# Mostly right: what must be rewritten is stale whatever becomes of the words.
SAID = st.dictionaries(
    st.sampled_from(["q-1", "q-2", "q-3"]),
    st.sampled_from([Verdict.STILL_RIGHT, Verdict.STILL_RIGHT, Verdict.REWRITE]),
    min_size=2,
)


@FEW
@given(
    first=WORDS,
    drafts=st.lists(st.tuples(WORDS, SAID), min_size=1, max_size=2),
    last=WORDS,
    change_class=st.sampled_from([*ChangeClass, ChangeClass.MATERIAL, ChangeClass.EMERGENCY]),
    tested=st.dictionaries(
        st.sampled_from(["q-1", "q-2", "q-3"]),
        st.lists(st.sampled_from(CLAUSES), min_size=1, max_size=2, unique=True),
        min_size=2,
    ),
)
def test_the_impact_said_beforehand_is_what_flips_and_what_a_recount_says(
    cast: Cast,
    first: dict[str, str],
    drafts: list[tuple[dict[str, str], dict[str, Verdict]]],
    last: dict[str, str],
    change_class: ChangeClass,
    tested: dict[str, list[str]],
) -> None:
    number = next(_numbers)
    document, bank_slug = f"policy-{number}", f"bank-{number}"
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
    draft = draft_of(cast, first, document, change_class=change_class)
    # (question, clause, its words) → what was said last.
    known: dict[tuple[str, str, str], Verdict] = {}
    for texts, said in drafts:
        rewrite(draft, texts)
        for slug, verdict in said.items():
            touched = [each for each in tested.get(slug, ()) if texts[each] != first[each]]
            if touched and change_class.value in ("material", "emergency"):
                look(cast.author, draft, slug, bank_slug, verdict)
                # Saying the same once more of all that is touched adds nothing.
                known |= {(slug, each, texts[each]): verdict for each in touched}
    # The words that are published; nobody has looked at the questions again since.
    rewrite(draft, last)
    expected = set()
    if change_class.value in ("material", "emergency"):
        for slug, clauses in tested.items():
            touched = [each for each in clauses if last[each] != first[each]]
            found = [_newest(known, slug, each, last[each], drafts, first, tested) for each in touched]
            if touched and not all(verdict is Verdict.STILL_RIGHT for verdict in found):
                expected.add(slug)
    before = affected(draft)
    release(cast, draft)
    assert before == expected == stale(bank_slug)
    assert stale_questions_wait_for_something() == []


def _newest(
    known: Mapping[tuple[str, str, str], Verdict],
    slug: str,
    clause: str,
    words: str,
    drafts: list[tuple[dict[str, str], dict[str, Verdict]]],
    first: Mapping[str, str],
    tested: Mapping[str, list[str]],
) -> Verdict | None:
    """Return what was said last of a question beside a clause, if the clause still reads so; else nothing."""
    last_words = None
    for texts, said in drafts:
        if slug in said and texts[clause] != first[clause]:
            last_words = texts[clause]
    return known.get((slug, clause, words)) if last_words == words else None


# --- pages --------------------------------------------------------------------------------------


def _forms(page: Page) -> list[str]:
    return [str(form.get("action")) for form in page.tree.iter("form") if "/questions/" in str(form.get("action", ""))]


def _token(page: Page, slug: str) -> str:
    form = next(form for form in page.tree.iter("form") if str(form.get("action", "")).endswith(f"/{slug}"))
    return next(str(field.get("value")) for field in form.iter("input") if field.get("name") == "looked_at")


@BOTH
def test_an_author_looks_at_each_question_beside_the_new_words_and_the_approver_sees_how_far_she_is(
    cast: Cast, bank: dict[str, str], as_: Any, language: str
) -> None:
    draft = draft_of(cast, {**bank, "c": "Another rule.", "d": "Not d."})
    browser = as_(cast.author, language=language)
    impact = browser.get("library.impact", code=draft.code)
    assert f"/drafts/{draft.code}/questions" in impact.body
    assert {"en": "0 of 2 questions looked at", "ja": "2件の設問のうち0件を点検済み"}[language] in impact.text
    page = browser.get("quizzes.ahead", code=draft.code)
    for words in ("Rule c.", "Another rule.", "Rule d.", "Not d."):
        assert words in unmarked(page.body)
    path = {"code": draft.code, "bank": "bank", "question": "q-c"}
    browser.post("quizzes.look_ahead", **path, data={"looked_at": _token(page, "q-c"), "verdict": "still_right"})
    path["question"] = "q-d"
    browser.post("quizzes.look_ahead", **path, data={"looked_at": _token(page, "q-d"), "verdict": "rewrite"})
    after = browser.get("quizzes.ahead", code=draft.code)
    assert _forms(after) == []
    seen = as_(cast.approver, language=language)
    overview = seen.get("library.draft", code=draft.code)
    assert {"en": "2 of 2 questions looked at", "ja": "2件の設問のうち2件を点検済み"}[language] in overview.text
    assert {"en": "without being asked a single question", "ja": "設問が一つも"}[language] not in overview.text
    # She reads what was said, and decides nothing about the questions.
    listed = Page(seen.send("GET", f"/drafts/{draft.code}/questions?show=looked-at"))
    assert {"en": "Must be rewritten", "ja": "書き直しが必要"}[language] in listed.text
    assert _forms(listed) == []
    seen.post("quizzes.look_ahead", **path, data={"verdict": "still_right"}, expect=403)


@BOTH
def test_the_overview_warns_where_people_would_be_asked_nothing(
    cast: Cast, bank: dict[str, str], as_: Any, language: str
) -> None:
    warned = {"en": "without being asked a single question", "ja": "設問が一つも"}[language]
    draft = draft_of(cast, {**bank, "c": "Another rule."})
    browser = as_(cast.approver, language=language)
    assert warned in browser.get("library.draft", code=draft.code).text
    look(cast.author, draft, "q-c")
    assert warned not in browser.get("library.draft", code=draft.code).text
    editorial = draft_of(cast, {**bank, "c": "Another rule."}, change_class=ChangeClass.EDITORIAL)
    assert warned not in browser.get("library.draft", code=editorial.code).text


@BOTH
def test_words_that_have_changed_under_the_page_are_refused(
    cast: Cast, bank: dict[str, str], as_: Any, language: str
) -> None:
    draft = draft_of(cast, {**bank, "c": "Another rule."})
    browser = as_(cast.author, language=language)
    token = _token(browser.get("quizzes.ahead", code=draft.code), "q-c")
    rewrite(draft, {**bank, "c": "A third rule."})
    path = {"code": draft.code, "bank": "bank", "question": "q-c"}
    refused = browser.post(
        "quizzes.look_ahead", **path, data={"looked_at": token, "verdict": "still_right"}, expect=409
    )
    assert {"en": "The text has changed", "ja": "このページを開いた後に文が変わりました"}[language] in refused.text
    browser.post("quizzes.look_ahead", **path, data={"looked_at": token, "verdict": "perhaps"}, expect=400)
    browser.post("quizzes.look_ahead", **{**path, "question": "none"}, data={}, expect=404)


@BOTH
@pytest.mark.parametrize("kind", ["editorial", "nothing", "over"])
def test_a_draft_with_nothing_to_look_at_says_why(
    cast: Cast, bank: dict[str, str], as_: Any, language: str, kind: str
) -> None:
    texts = dict(bank) if kind == "nothing" else {**bank, "c": "Another rule."}
    draft = draft_of(cast, texts, change_class=ChangeClass.EDITORIAL if kind == "editorial" else ChangeClass.MATERIAL)
    if kind == "over":
        release(cast, draft)
    page = as_(cast.author, language=language).get("quizzes.ahead", code=draft.code)
    assert _forms(page) == []
    said = {
        "editorial": {"en": "takes no question out", "ja": "出題から外れる設問はない"},
        "nothing": {"en": "No question tests what this draft changes", "ja": "変更を問う設問はありません"},
        "over": {"en": "published or discarded", "ja": "公示されたか、破棄されています"},
    }
    assert said[kind][language] in page.text


def test_a_market_s_author_sees_no_keys(cast: Cast, bank: dict[str, str], as_: Any) -> None:
    draft = draft_of(cast, {**bank, "c": "Another rule."})
    as_(cast.learner).get("quizzes.ahead", code=draft.code, expect=404)


def test_the_statements_do_not_grow_with_the_questions(cast: Cast, bank: dict[str, str], as_: Any) -> None:
    draft = draft_of(cast, {**bank, "c": "Another rule."})
    browser = as_(cast.author)
    browser.get("quizzes.ahead", code=draft.code)
    with counted_queries() as few:
        browser.get("quizzes.ahead", code=draft.code)
    take(cast, {f"r-{number}": "policy#c" for number in range(8)}, slug="many")
    with counted_queries() as many:
        browser.get("quizzes.ahead", code=draft.code)
    assert len(few) == len(many)


def test_looks_are_counted(cast: Cast, bank: dict[str, str]) -> None:
    draft = draft_of(cast, {**bank, "a": "Another rule.", "c": "Another."})
    look(cast.author, draft, "q-a")
    look(cast.author, draft, "q-c", verdict=Verdict.REWRITE)
    change = change_of_draft(get_draft(draft.code))
    assert ahead.looked(staleness.touched_questions(change)) == ahead.Looked(3, 2, 1)
    assert staleness.count_askable(change) == 1
    assert set(looked_up.list_looks(draft.code)) == {
        (each.version_id, anchor)
        for each in staleness.touched_questions(change)
        for anchor in each.anchors
        if each.slug != "q-both"
    }
