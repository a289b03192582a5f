"""A quiz made, looked at, published and taken in a real browser, in both languages."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from portal.accounts import queries as people
from portal.core.db import session
from portal.core.transaction import own_transaction
from portal.quizzes import queries
from portal.quizzes.models import Layout, Navigation
from portal.quizzes.rules.passing import Counts
from portal.quizzes.service.banks import terms_of_version
from tests.accessibility import WCAG, faults_of
from tests.builders import Cast
from tests.quizzes.builders import make_bank, right_answer

# What a script does is the same on every database; what it sends is sent to both in the tests of pages and services.
pytestmark = [pytest.mark.browser, pytest.mark.any_database]

WORDS = {
    "en": {
        "new": "New quiz",
        "course": "One by one, back and forth",
        "add_section": "Add a section",
        "add_draw": "Add a draw",
        "look": "Look at what is published",
        "publish": "Publish the quiz",
        "start": "Start the quiz",
        "next": "Next question",
        "hand_in": "Hand in",
        "now": "Hand in now",
        "short": "cannot give what the draws ask for",
    },
    "ja": {
        "new": "新しい確認テスト",
        "course": "1問ずつ表示し、前後に移動できる",
        "add_section": "セクションを追加",
        "add_draw": "出題枠を追加",
        "look": "公開する内容を確かめる",
        "publish": "確認テストを公開する",
        "start": "確認テストを開始",
        "next": "次の設問",
        "hand_in": "提出",
        "now": "提出する",
        "short": "問題バンク",
    },
}


def _is_clean(page: Page) -> None:
    """Find nothing that keeps people from using the page, and no need to scroll it sideways on a narrow screen."""
    assert faults_of(page, WCAG) == []
    page.set_viewport_size({"width": 360, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.set_viewport_size({"width": 1280, "height": 900})


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_quiz_of_two_sections_is_made_and_published_and_a_learner_passes_it(
    cast: Cast, open_as: Callable[..., BrowserContext], language: str
) -> None:
    words = WORDS[language]
    with own_transaction():
        for person in (cast.author, cast.learner):
            people.get_person(person.code).language = language
    make_bank(cast.author)
    page = open_as(cast.author).new_page()
    page.goto("/quizzes")
    page.get_by_role("link", name=words["new"], exact=True).first.click()
    page.locator("#title_en").fill("Two parts")
    page.locator("#title_ja").fill("二部構成")
    page.locator("#purpose_en").fill("Says who may decide alone.")
    page.locator("#purpose_ja").fill("一人で判断できるかを確かめます。")
    page.locator("#slug").fill("two-parts")
    expect(page.locator("#owner")).to_have_value(cast.author.code)
    page.locator("#counts").select_option("latest")
    page.get_by_label(words["course"]).check()
    for _section in range(2):
        page.get_by_role("button", name=words["add_section"]).click()
    for number, (name, english, japanese) in enumerate((("basics", "Basics", "基礎"), ("severe", "Severe", "重大"))):
        page.locator(f"#sections-{number}-id").fill(name)
        page.locator(f"#sections-{number}-title_en").fill(english)
        page.locator(f"#sections-{number}-title_ja").fill(japanese)
    page.locator("#sections-1-pass_mark").fill("100")
    page.get_by_role("button", name=words["add_draw"]).click()
    for number, section in enumerate(("basics", "severe")):
        page.locator(f"#draws-{number}-bank").select_option("impersonation")
        page.locator(f"#draws-{number}-section").select_option(section)
        page.locator(f"#draws-{number}-count").fill("2")
    # What cannot be drawn is told before anything is published, and nothing that was typed is lost.
    page.locator("#draws-1-count").fill("50")
    page.get_by_role("button", name=words["look"]).click()
    expect(page.locator(".callout").first).to_contain_text(words["short"])
    expect(page.locator("#title_ja")).to_have_value("二部構成")
    _is_clean(page)
    page.locator("#draws-1-count").fill("2")
    page.get_by_role("button", name=words["look"]).click()
    expect(page.get_by_role("table")).to_contain_text("two-parts")
    _is_clean(page)
    session.rollback()
    assert queries.find_quiz("two-parts") is None
    page.get_by_role("button", name=words["publish"]).click()
    page.wait_for_url("**/quizzes/two-parts*")
    _is_clean(page)
    session.rollback()
    version = queries.get_quiz("two-parts")
    terms = terms_of_version(version)
    assert (terms.number, terms.counts, terms.layout, terms.navigation) == (
        "1.0",
        Counts.LATEST,
        Layout.ONE_PER_PAGE,
        Navigation.FREE,
    )
    assert [(section.id, section.pass_mark) for section in terms.sections] == [
        ("basics", None),
        ("severe", Fraction(1)),
    ]
    assert [(line["section"], line["count"]) for line in terms.blueprint] == [("basics", 2), ("severe", 2)]
    owner = people.find_owner("quiz", "two-parts")
    assert owner is not None
    assert (owner.owner.id, owner.deputy) == (cast.author.id, None)

    page = open_as(cast.learner).new_page()
    page.goto("/quizzes/two-parts")
    expect(page.get_by_text(str(terms.purpose and getattr(terms.purpose, language)))).to_be_visible()
    page.get_by_role("button", name=words["start"]).click()
    page.wait_for_url("**/attempts/*")
    session.rollback()
    (attempt,) = queries.list_attempts(cast.learner, version.quiz_id)
    for position in range(1, 5):
        for part, values in right_answer(attempt, position).items():
            for value in values:
                page.locator(f"#q{position}-{part}-{value}").check()
        if position < 4:
            page.get_by_role("button", name=words["next"]).click()
            expect(page.locator(f"[data-position='{position + 1}']").first).to_be_visible()
    page.locator("summary", has_text=words["hand_in"]).click()
    page.get_by_role("button", name=words["now"]).last.click()
    page.wait_for_url("**/result*")
    session.rollback()
    session.expire_all()
    marking = queries.get_attempt(attempt.code).markings[-1]
    assert marking.passed
    assert set(marking.sections or {}) == {"basics", "severe"}


@pytest.mark.parametrize("language", ["en", "ja"])
def test_clauses_of_a_draw_are_taken_with_the_keyboard_one_after_the_other(
    cast: Cast, open_as: Callable[..., BrowserContext], language: str
) -> None:
    with own_transaction():
        people.get_person(cast.author.code).language = language
    make_bank(cast.author)
    page = open_as(cast.author).new_page()
    page.goto("/quizzes/new")
    page.locator("html.modules-attached").wait_for(state="attached")
    with page.expect_response("**/count*"):
        page.locator("#draws-0-bank").select_option("impersonation")
    clauses = page.locator("#draws-0-clauses")
    options = page.locator("#draws-0-clauses-clauses").get_by_role("option")
    clauses.focus()
    clauses.press("ArrowDown")
    expect(options.first).to_be_visible()
    names = options.all_inner_texts()
    # Nothing is chosen for whoever has typed nothing: Tab leaves, and writes nothing.
    clauses.press("Tab")
    expect(clauses).to_have_value("")
    clauses.press_sequentially(names[0][-6:])
    expect(options.first).to_contain_text(names[0])
    clauses.press("Enter")
    expect(clauses).to_have_value(f"{names[0]}, ")
    clauses.press("ArrowDown")
    if len(names) > 1:
        clauses.press("ArrowDown")
        clauses.press("Enter")
        expect(clauses).to_have_value(f"{names[0]}, {names[1]}, ")
    clauses.press("Escape")
    expect(options).to_have_count(0)
    _is_clean(page)
