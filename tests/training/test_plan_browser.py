"""The editor of plans in a real browser: dragged or by keys, everything is saved, said and can be undone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from portal.accounts.models import Role
from portal.core.db import session
from portal.core.i18n import Words
from portal.core.transaction import own_transaction
from portal.training.models import PlanDraft
from portal.training.queries.plan_drafts import get_plan_draft, spec_of_draft
from portal.training.rules import Doer, StepKind, StepSpec, editing
from portal.training.service import plan_drafts as service
from tests.accessibility import faults_of
from tests.builders import Cast, make_grant, make_person
from tests.training.builders import make_documents, make_plan, make_quiz

pytestmark = [pytest.mark.browser, pytest.mark.any_database]
DAY, WIDE = 24, {"width": 1440, "height": 1000}


@pytest.fixture
def window() -> dict[str, Any]:
    return {"viewport": WIDE}


@pytest.fixture
def draft(cast: Cast) -> PlanDraft:
    make_documents()
    make_quiz()
    make_plan(by=cast.author)
    with own_transaction():
        return service.begin_next_version(slug="first-days", by=cast.author)


def opened(context: BrowserContext, draft: PlanDraft, language: str = "en", at: str = "step.quiz") -> Page:
    page = context.new_page()
    page.goto(f"/plan-drafts/{draft.code}/edit?lang={language}&at={at}")
    page.wait_for_function("document.documentElement.classList.contains('modules-attached')")
    return page


def said(page: Page) -> Any:
    return page.locator('[data-slot="said"]')


def row(page: Page, slug: str) -> Any:
    return page.locator(f'[id="row-step.{slug}"]')


def plan_of(draft: PlanDraft) -> Any:
    # What the server has written meanwhile.
    code = draft.code
    session.rollback()
    return spec_of_draft(get_plan_draft(code))


def test_the_key_that_undoes_says_so_where_nothing_is_left_and_everything_stays_saved(
    cast: Cast, draft: PlanDraft, open_as: Callable[..., BrowserContext]
) -> None:
    page = opened(open_as(cast.author), draft)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    row(page, "quiz").focus()
    page.keyboard.press("ArrowRight")
    expect(said(page)).to_contain_text("Working day 5")
    # Also pressed faster than the server answers.
    for _press in range(3):
        page.keyboard.press("Control+z")
    expect(said(page)).to_contain_text("nothing of yours to undo")
    expect(page.locator(".save-state")).to_have_attribute("data-state", "saved")
    page.keyboard.press("Control+Shift+z")
    expect(said(page)).to_contain_text("made again")
    page.keyboard.press("Control+Shift+z")
    expect(said(page)).to_contain_text("nothing of yours to undo")
    expect(page.locator(".save-state")).to_have_attribute("data-state", "saved")
    assert editing.get_step(plan_of(draft), "quiz").due_days == 4
    assert complaints == []


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_plan_is_changed_with_keys_and_by_dragging_and_each_change_is_said(
    cast: Cast, draft: PlanDraft, open_as: Callable[..., BrowserContext], language: str
) -> None:
    page = opened(open_as(cast.author), draft, language)
    told = {
        "day": "Working day 5" if language == "en" else "5営業日目",
        "week": "Working day 10" if language == "en" else "10営業日目",
        "place": "is number 4 of 6" if language == "en" else "6件中4番目",
        "undone": "has been undone" if language == "en" else "元に戻しました",
        "gone": "has been removed" if language == "en" else "削除しました",
    }
    row(page, "quiz").focus()
    page.keyboard.press("ArrowRight")
    expect(said(page)).to_contain_text(told["day"])
    page.keyboard.press("Shift+ArrowRight")
    expect(said(page)).to_contain_text(told["week"])
    expect(row(page, "quiz")).to_be_focused()
    page.keyboard.press("Alt+ArrowDown")
    expect(said(page)).to_contain_text(told["place"])
    expect(row(page, "quiz")).to_be_focused()
    page.keyboard.press("Control+z")
    expect(said(page)).to_contain_text(told["undone"])
    assert [step.slug for step in plan_of(draft).steps] == ["statement", "read", "quiz", "talk", "audit", "more"]
    assert editing.get_step(plan_of(draft), "quiz").due_days == 9

    # What is counted from it hangs on it while it is dragged.
    bar = page.locator('.plan-chart__step[data-step="quiz"] .plan-chart__bar')
    bar.scroll_into_view_if_needed()
    box = bar.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 8, box["y"] + 8)
    page.mouse.down()
    page.mouse.move(box["x"] + 8 - 3 * DAY, box["y"] + 8, steps=4)
    follower = page.locator('.plan-chart__step[data-step="audit"]')
    assert follower.get_attribute("transform") == f"translate({-3 * DAY} 0)"
    page.mouse.up()
    expect(said(page)).to_contain_text("7")
    assert editing.get_step(plan_of(draft), "quiz").due_days == 6

    grip = page.locator('.plan-row[data-slug="more"] [data-grip]').bounding_box()
    head = page.locator('.plan-row--phase[data-slug="first"]').bounding_box()
    assert grip is not None
    assert head is not None
    page.mouse.move(grip["x"] + 6, grip["y"] + 20)
    page.mouse.down()
    page.mouse.move(head["x"] + 40, head["y"] + 20, steps=5)
    page.mouse.up()
    expect(row(page, "more")).to_be_focused()
    assert (plan_of(draft).steps[0].slug, plan_of(draft).steps[0].phase) == ("more", "first")

    page.keyboard.press("Delete")
    question = page.locator("dialog[open]")
    expect(question).to_be_visible()
    page.keyboard.press("Escape")
    expect(question).to_have_count(0)
    expect(row(page, "more")).to_be_focused()
    page.keyboard.press("Delete")
    expect(question).to_be_visible()
    assert faults_of(page) == []
    question.locator("[data-remove]").click()
    expect(said(page)).to_contain_text(told["gone"])
    assert "more" not in [step.slug for step in plan_of(draft).steps]
    expect(page.locator('.plan-row[data-slug="more"]')).to_have_count(0)
    assert faults_of(page) == []


def test_the_form_saves_itself_and_shows_what_is_wrong_beside_the_field(
    cast: Cast, draft: PlanDraft, open_as: Callable[..., BrowserContext]
) -> None:
    page = opened(open_as(cast.author), draft, at="plan")
    row(page, "quiz").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#kind")).to_be_focused()
    page.fill("#minutes", "４５")
    page.keyboard.press("Tab")
    expect(page.locator('.plan-row[data-slug="quiz"] .plan-row__meta')).to_contain_text("45 min")
    page.fill("#due", "soon")
    page.keyboard.press("Tab")
    expect(page.locator("#due-error")).to_be_visible()
    assert page.locator("#due").input_value() == "soon"
    # What was typed stays while the step is moved with its buttons.
    page.get_by_role("button", name="Down").click()
    expect(said(page)).to_contain_text("is number 4 of 6")
    assert page.locator("#due").input_value() == "soon"
    page.fill("#due", "4")
    page.keyboard.press("Tab")
    expect(page.locator("#due-error")).to_have_count(0)
    page.select_option("#kind", "task")
    expect(page.locator("#evidence")).to_be_visible()
    expect(page.locator('.plan-row[data-slug="quiz"]')).to_have_attribute("data-faulty", "")
    step = editing.get_step(plan_of(draft), "quiz")
    assert (step.kind.value, step.minutes, step.due_days, step.quiz) == ("task", 45, 4, None)


def test_what_somebody_else_changed_is_told_in_sight_and_saving_again_keeps_what_was_typed(
    cast: Cast, draft: PlanDraft, open_as: Callable[..., BrowserContext]
) -> None:
    page = opened(open_as(cast.author), draft)
    with own_transaction():
        service.change(draft=draft, edit=lambda plan: editing.shift(plan, "quiz", 3), by=cast.author)
    save = page.locator("#plan-part").get_by_role("button", name="Save")
    page.locator("#minutes").evaluate("field => { field.value = '20'; }")
    save.click()
    reason = page.locator('[data-slot="facts"] .error-summary')
    expect(reason).to_be_focused()
    expect(reason).to_be_in_viewport()
    expect(page.locator('[data-slot="work"] .callout')).to_contain_text("save again to keep it")
    expect(reason).to_contain_text(cast.author.name_in("en"))
    assert editing.get_step(plan_of(draft), "quiz").minutes != 20
    # Whoever leaves without saving again is asked.
    page.once("dialog", lambda asked: asked.dismiss())
    with page.expect_event("dialog"):
        page.evaluate("location.reload()")
    save.click()
    expect(page.locator('.plan-row[data-slug="quiz"] .plan-row__meta')).to_contain_text("20 min")
    expect(page.locator('[data-slot="work"] .callout')).to_have_count(0)
    assert editing.get_step(plan_of(draft), "quiz").minutes == 20


def test_a_double_click_adds_one_step_and_long_titles_stand_below_one_another(
    cast: Cast, draft: PlanDraft, open_as: Callable[..., BrowserContext]
) -> None:
    title = "とても長い題名" * 8
    long = {"title": Words(title, title), "phase": "first", "by": Doer.MENTOR}
    with own_transaction():
        service.change(
            draft=draft,
            edit=lambda plan: replace(
                plan,
                steps=(*plan.steps, *(StepSpec(f"long-{number}", StepKind.SESSION, 1, **long) for number in range(9))),
            ),
            by=cast.author,
        )
    page = opened(open_as(cast.author), draft, "ja")
    page.get_by_role("button", name="項目を追加").dblclick()
    expect(page.locator("#kind")).to_be_focused()
    page.wait_for_timeout(300)
    added = [step.slug for step in plan_of(draft).steps if step.slug.startswith("new-")]
    assert added == ["new-read"]
    page.set_viewport_size({"width": 360, "height": 800})
    page.locator("summary", has_text="先に終える項目").click()
    tops = page.evaluate(
        "[...document.querySelectorAll('#prerequisites .option')].map((each) => [each.getBoundingClientRect().top,"
        " each.querySelector('.option__text').getBoundingClientRect().bottom])"
    )
    assert all(bottom <= below for (_top, bottom), (below, _end) in pairwise(tops))


def test_an_edit_whose_answer_is_lost_is_sent_again_and_adds_one_step(
    cast: Cast, draft: PlanDraft, open_as: Callable[..., BrowserContext]
) -> None:
    page, lost = opened(open_as(cast.author), draft), []

    def lose(route: Any) -> None:
        # The server does it; its answer does not come.
        if not lost:
            lost.append(route.fetch().status)
            route.abort()
        else:
            route.continue_()

    page.route("**/edit", lambda route: lose(route) if route.request.method == "POST" else route.continue_())
    page.get_by_role("button", name="Add step").click()
    expect(page.locator("#kind")).to_be_focused(timeout=20_000)
    assert lost == [200]
    assert [step.slug for step in plan_of(draft).steps if step.slug.startswith("new-")] == ["new-read"]


def test_what_somebody_else_changes_comes_into_the_page(
    cast: Cast, draft: PlanDraft, open_as: Callable[..., BrowserContext]
) -> None:
    other = make_person("author2@portal.example", family_name="岡本", given_name="蓮")
    make_grant(other, Role.AUTHOR)
    context = open_as(cast.author)
    context.clock.install()
    page = opened(context, draft)
    with own_transaction():
        service.change(draft=draft, edit=lambda plan: editing.shift(plan, "talk", 3), by=other)
    context.clock.run_for(21_000)
    expect(page.locator('.plan-row[data-slug="talk"] .plan-row__day')).to_have_text("Day 6")
    expect(page.locator('[data-slot="others"]')).to_contain_text("is editing this too")
    page.locator("#minutes").fill("20")
    page.keyboard.press("Tab")
    context.clock.run_for(2_000)
    expect(page.locator('.plan-row[data-slug="quiz"] .plan-row__meta')).to_contain_text("20 min")
    assert editing.get_step(plan_of(draft), "talk").due_days == 5
