"""A recurring task and who answers for it in a real browser: made, done, given a deputy; in both languages."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.accessibility import WCAG, faults_of
from tests.builders import Cast
from tests.training.builders import load_holidays

pytestmark = [pytest.mark.browser, pytest.mark.any_database]

WORDS = {
    "en": {
        "new": "New recurring task",
        "ja_title": "Title in Japanese",
        "en_title": "Title in English",
        "rhythm": "Every so many working days",
        "show": "Show the preview",
        "in_force": "Put in force",
        "record": "Record",
        "done": "It is recorded that the task was done.",
        "alone": "Only one person is named for this task.",
        "name": "Name owner or deputy",
        "deputy": "Deputy",
        "save": "Save",
        "title": "Calibration",
    },
    "ja": {
        "new": "定例業務の新規登録",
        "ja_title": "日本語の題名",
        "en_title": "英語の題名",
        "rhythm": "一定の営業日ごと",
        "show": "プレビューへ進む",
        "in_force": "適用する",
        "record": "記録する",
        "done": "実施を記録しました。",
        "alone": "この業務に割り当てられているのは1人だけです。",
        "name": "責任者・副担当の変更",
        "deputy": "副担当",
        "save": "保存",
        "title": "すり合わせ",
    },
}


def faults(page: Page) -> list[str]:
    return [f"{page.url}: {each}" for each in faults_of(page, WCAG)]


@pytest.mark.parametrize(("language", "javascript"), [("en", True), ("ja", True), ("ja", False)])
def test_a_lead_makes_a_task_does_it_and_names_who_stands_in(
    cast: Cast, open_as: Callable[..., BrowserContext], language: str, javascript: bool
) -> None:
    load_holidays()
    says = WORDS[language]
    page = open_as(cast.lead, java_script_enabled=javascript).new_page()
    found: list[str] = []
    look = (lambda: found.extend(faults(page))) if javascript else (lambda: None)
    page.goto(f"/recurring-tasks?switch={language}")
    look()
    page.get_by_role("link", name=says["new"]).first.click()
    page.get_by_label(says["ja_title"]).fill("すり合わせ")
    page.get_by_label(says["en_title"]).fill("Calibration")
    page.get_by_role("radio", name=says["rhythm"]).check()
    page.locator("#days").fill("1")
    look()
    page.get_by_role("button", name=says["show"]).click()
    expect(page.locator("#preview li")).to_have_count(5)
    look()
    page.get_by_role("button", name=says["in_force"]).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(says["title"])
    expect(page.locator("main")).to_contain_text(says["alone"])
    look()
    page.get_by_role("link", name=says["record"]).first.click()
    look()
    page.get_by_role("button", name=says["record"]).click()
    expect(page.locator("body")).to_contain_text(says["done"])
    page.get_by_role("link", name=says["name"]).click()
    look()
    page.get_by_label(says["deputy"], exact=True).select_option(cast.author.code)
    page.get_by_role("button", name=says["save"]).click()
    expect(page.locator("#list")).to_be_attached()
    look()
    page.goto("/responsibilities?show=no_deputy")
    expect(page.locator("main")).not_to_contain_text(says["title"])
    assert found == []


def test_the_pages_are_whole_on_a_telephone(cast: Cast, open_as: Callable[..., BrowserContext]) -> None:
    load_holidays()
    page = open_as(cast.lead, viewport={"width": 360, "height": 740}, color_scheme="dark").new_page()
    for path in (
        "/responsibilities",
        "/recurring-tasks",
        "/recurring-tasks/new",
        f"/responsibilities/people/{cast.lead.code}",
    ):
        page.goto(f"{path}?switch=ja")
        assert page.url.endswith(f"{path}?switch=ja") or page.url.endswith(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        assert faults(page) == []
