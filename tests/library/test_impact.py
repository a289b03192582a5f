"""What the impact page says before publication, in numbers and lists, is what rests on the clauses that change."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from portal.accounts.models import Person, Role
from portal.core.db import session
from portal.core.transaction import own_transaction
from portal.library import queries
from portal.library.models import AudienceKind, ChangeClass
from portal.library.permissions import is_addressed
from portal.library.queries.audience import select_addressed
from portal.library.rules import changes_between
from portal.library.rules.changes import names_today, touched_by
from portal.library.service import dependants as service
from portal.library.service.dependants import change_between, change_of_draft
from portal.library.views.impact import impact_panel
from portal.quizzes import queries as quizzes
from portal.quizzes.formats.markdown import Bank, BankQuestion
from portal.quizzes.service.banks import take_bank
from tests.beginnings import beginning
from tests.builders import Cast, make_grant, make_person, make_team
from tests.library.builders import (
    EN,
    JA,
    english,
    japanese,
    make_bare_draft,
    make_document,
    make_draft,
    make_version,
    soon,
)
from tests.queries import counted_queries
from tests.quizzes.builders import make_content, make_quiz
from tests.training.builders import acknowledge

CHANGED = EN.replace("None.", "There is one now.")
KINDS = [
    "questions",
    "quizzes",
    "told",
    "people",
    "certificates",
    "documents",
    "market-links",
    "market-questions",
    "steps",
    "enrollments",
]


@pytest.fixture
@beginning
def world(cast: Cast) -> Cast:
    """A policy, a bank of three questions about it, a quiz that needs all three, one person who has confirmed."""
    version = make_version(make_document(cast.author, "impersonation"), cast.author)
    ask(cast, {"q-1": "exceptions", "q-2": "exceptions", "q-3": "scope"})
    make_quiz(cast.author, "quiz", bank=False, blueprint=[{"bank": "bank", "count": 3}])
    acknowledge(cast.learner, version)
    link = english("See [[impersonation#exceptions]].\n\n## Other {#other}\n\nText.", title="Linking")
    make_version(make_document(cast.author, "linking"), cast.author, texts=[link])
    return cast


def ask(cast: Cast, tested: dict[str, str]) -> None:
    questions = tuple(
        BankQuestion(slug, replace(make_content(place), clauses=(f"impersonation#{anchor}",)), "live")
        for place, (slug, anchor) in enumerate(tested.items())
    )
    bank = Bank(title=make_content(0).title, document="impersonation", version="1.0", questions=questions)
    with own_transaction():
        take_bank(slug="bank", bank=bank, facts=quizzes.find_clauses, by=cast.author)


def totals(change: service.Change, reader: Person) -> dict[str, int]:
    return {
        each.kind: service.affected_by(each, change, reader=reader, limit=0).total for each in service.all_dependants()
    }


ONLY_JA = JA.replace("ありません。", "今はあります。")


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_change_of_a_translation_only_is_named_and_touches_nothing(world: Cast, as_: Any, language: str) -> None:
    assert ONLY_JA != JA
    document, texts = queries.get_document("impersonation"), [english(), japanese(ONLY_JA)]
    draft = make_draft(document, world.author, number="9.0", change_class=ChangeClass.MATERIAL, texts=texts)
    # Whom a material version asks to confirm it depends on its class; nothing else flips.
    assert {kind for kind, total in totals(change_of_draft(draft), world.author).items() if total} <= {"people"}
    page = as_(world.author, language=language).get("library.impact", code=draft.code)
    said = {
        "en": ("1 clause changed in Japanese only", "Changed in Japanese only:", "because its Japanese text alone"),
        "ja": ("日本語のみ変更された条項1件", "日本語のみ変更：", "日本語の本文だけが変わっても"),
    }
    for words in said[language]:
        assert words in page.text
    overview = as_(world.author, language=language).get("library.draft", code=draft.code)
    assert said[language][1] in overview.text


def test_the_numbers_of_a_change_are_the_same_in_either_language(world: Cast, as_: Any) -> None:
    draft = make_bare_draft("impersonation", world.author, source=CHANGED, effective_at=soon())
    found = []
    for language in ("en", "ja"):
        page = as_(world.author, language=language).get("library.impact", code=draft.code)
        found.append(re.findall(r"\d+", "".join(page.one("div", class_="matrix-numbers").itertext())))
    assert found[0] == found[1] != []


def test_every_kind_is_asked_and_answers_with_its_number(world: Cast) -> None:
    found = totals(change_of_draft(make_bare_draft("impersonation", world.author, source=CHANGED)), world.author)
    assert list(found) == KINDS
    people = session.scalars(select(Person)).all()
    assert found == {
        "questions": 2, "quizzes": 1, "told": 0, "people": len(people), "certificates": 0, "documents": 1,
        "market-links": 0, "market-questions": 0, "steps": 0, "enrollments": 0,
    }  # fmt: skip


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_page_shows_numbers_each_with_its_list_and_csv(world: Cast, as_: Any, language: str) -> None:
    draft = make_bare_draft("impersonation", world.author, source=CHANGED, effective_at=soon())
    browser = as_(world.author, language=language)
    page = browser.get("library.impact", code=draft.code)
    said = {"en": "2 questions need a re-check", "ja": "2件の設問に再点検が必要です"}[language]
    assert said in page.text
    assert {"en": "has confirmed an earlier version", "ja": "このうち1名は以前の版を確認済み"}[language] in page.text
    assert {"en": "would have 1 of the 3", "ja": "3問のうち1問"}[language] in page.text
    for kind in KINDS:
        assert browser.get("library.impact_list", code=draft.code, kind=kind).text
        sheet = browser.send("GET", f"/drafts/{draft.code}/impact/{kind}.csv")
        assert sheet.status_code == 200
    sheet = browser.send("GET", f"/drafts/{draft.code}/impact/questions.csv").get_data(as_text=True)
    assert ("bank/q-1" in sheet, "bank/q-2" in sheet, "bank/q-3" in sheet) == (True, True, False)
    assert "impersonation#exceptions" in sheet


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("change_class", [ChangeClass.EDITORIAL, ChangeClass.MINOR])
def test_a_change_that_asks_for_nothing_says_so_and_flips_nothing(
    world: Cast, as_: Any, change_class: ChangeClass, language: str
) -> None:
    draft = make_bare_draft("impersonation", world.author, source=CHANGED, change_class=change_class)
    page = as_(world.author, language=language).get("library.impact", code=draft.code)
    assert {"en": "Nothing flips", "ja": "状態の変わるものはありません"}[language] in page.text
    found = totals(change_of_draft(draft), world.author)
    assert {kind for kind, total in found.items() if total} == {"documents"}


def test_a_draft_without_a_class_is_shown_as_if_it_were_material(world: Cast, as_: Any) -> None:
    draft = make_bare_draft("impersonation", world.author, source=CHANGED, change_class=None)
    page = as_(world.author, language="en").get("library.impact", code=draft.code)
    assert "The change class is not chosen yet" in page.text
    assert "2 questions need a re-check" in page.text


def test_a_link_that_will_lead_nowhere_is_named(world: Cast, as_: Any) -> None:
    draft = make_bare_draft("impersonation", world.author, source=EN.replace("{#exceptions}", "{#exempt}"))
    page = as_(world.author, language="en").get("library.impact", code=draft.code)
    assert "links that will lead nowhere: exceptions" in page.text
    # It only has another id: what it says is what the questions ask.
    assert totals(change_of_draft(draft), world.author)["questions"] == 0


def test_the_panel_of_a_draft_says_the_same_in_short(world: Cast, app: Any) -> None:
    draft = make_bare_draft("impersonation", world.author, source=CHANGED)
    with app.test_request_context("/?lang=en"):
        panel = impact_panel(world.author, draft)
        html = app.jinja_env.get_template(panel.template).render(panel=panel.values, language="en")
    assert "2 questions need a re-check" in html
    assert f"/drafts/{draft.code}/impact/people" in html


def test_two_published_versions_are_compared_and_what_was_looked_at_since_is_not_counted(world: Cast, as_: Any) -> None:
    document, author = queries.get_document("impersonation"), world.author
    reworded = EN.replace("accounts that", "accounts which"), CHANGED.replace("accounts that", "accounts which")
    make_version(document, author, "1.1", texts=[english(reworded[0]), japanese()], change_class=ChangeClass.EDITORIAL)
    version = make_version(document, author, "2.0", texts=[english(reworded[1]), japanese()])
    browser = as_(world.author, language="en")
    page = browser.get("library.version_impact", slug="impersonation", **{"from": "1.0", "to": "2.0"})
    # Two clauses read differently; only the material one counts.
    assert "2 clauses changed" in page.text
    assert "2 questions need a re-check" in page.text
    assert "2 questions need a re-check" in browser.get("library.version_impact", slug="impersonation").text
    there = "/library/impersonation/impact?from=1.1&to=2.0"
    assert there in browser.get("library.history", slug="impersonation").links()
    assert there not in as_(world.learner).get("library.history", slug="impersonation").links()
    change = change_between(queries.get_version(version.document, "1.0"), queries.get_version(version.document, "1.1"))
    assert totals(change, world.author)["questions"] == 0


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"from": "2.0", "to": "1.0"}, 400),
        ({"from": "1.0", "to": "1.0"}, 400),
        ({"from": "x"}, 404),
        ({"to": "\x00"}, 404),
    ],
)
def test_versions_that_cannot_be_compared_are_refused_in_words(
    world: Cast, as_: Any, asked: dict[str, str], status: int
) -> None:
    make_version(queries.get_document("impersonation"), world.author, "2.0", texts=[english(CHANGED)])
    response = as_(world.author).send("GET", "/library/impersonation/impact", query_string=asked)
    assert response.status_code == status


@pytest.mark.parametrize("page", ["0", "-1", "99999999", "x", "7"])
def test_a_page_that_there_is_not_shows_one_that_there_is(world: Cast, as_: Any, page: str) -> None:
    draft = make_bare_draft("impersonation", world.author, source=CHANGED)
    response = as_(world.author).send("GET", f"/drafts/{draft.code}/impact/questions?page={page}")
    assert response.status_code == 200
    assert as_(world.author).send("GET", f"/drafts/{draft.code}/impact/nothing").status_code == 404


def test_the_statements_do_not_grow_with_what_is_affected(world: Cast, as_: Any) -> None:
    browser = as_(world.author)
    counts = []
    for size in (3, 30):
        ask(world, {f"q-{number}": "exceptions" for number in range(size)})
        for _number in range(size):
            make_person()
        draft = make_bare_draft("impersonation", world.author, source=CHANGED)
        browser.get("library.impact", code=draft.code)
        session.expire_all()
        with counted_queries() as statements:
            browser.get("library.impact", code=draft.code)
        counts.append(len(statements))
    assert counts[0] == counts[1], counts
    assert counts[1] <= 40


# --- pure laws ----------------------------------------------------------------------------------

TEXTS = st.dictionaries(st.sampled_from("abcdef"), st.sampled_from("xyz"))


@pytest.mark.any_database
@given(TEXTS, TEXTS)
def test_one_step_touches_what_it_changes_and_takes_out(old: dict[str, str], new: dict[str, str]) -> None:
    changes = changes_between(old, new)
    touched = touched_by(old, [(new, True)])
    assert set(touched) == {*changes.changed, *changes.removed}
    assert touched_by(old, [(new, False)]) == {}


@pytest.mark.any_database
@given(st.lists(TEXTS, min_size=1, max_size=4))
def test_a_clause_that_is_followed_ends_at_one_of_the_last_version(versions: list[dict[str, str]]) -> None:
    followed = names_today(versions)
    assert len(followed) == len(versions)
    assert followed[-1] == {anchor: anchor for anchor in versions[-1]}
    for version, names in zip(versions, followed, strict=True):
        assert set(names) <= set(version)
        assert set(names.values()) <= set(versions[-1])


@pytest.mark.parametrize(
    "audience",
    [
        {},
        {AudienceKind.MARKET: ["JP"]},
        {AudienceKind.MARKET: ["JP", "US"], AudienceKind.ROLE: ["lead", "author"]},
        {AudienceKind.TEAM: ["account-safety"], AudienceKind.ROLE: ["learner"]},
        {AudienceKind.ROLE: ["auditor"]},
    ],
)
def test_the_people_of_an_audience_are_those_to_whom_the_document_is_addressed(
    cast: Cast, audience: dict[AudienceKind, list[str]]
) -> None:
    abroad = make_person(team=make_team())
    abroad.further_markets.append(cast.outsider.home_market)
    make_grant(abroad, Role.AUDITOR).ended_at = None
    gone = make_person(team=make_team())
    gone.deactivated_at, gone.deactivated_by = gone.created_at, "test"
    session.commit()
    document = make_document(cast.author, "addressed", audience=audience)
    found = set(session.scalars(select_addressed(audience)))
    everybody = session.scalars(select(Person)).all()
    assert found == {person.id for person in everybody if person.is_active and is_addressed(person, document)}
