"""A plan is written in the browser, approved by another person, and becomes a version like one from a file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from sqlalchemy import func, select

from portal.accounts import queries as accounts
from portal.accounts.models import Role
from portal.core import clock
from portal.core.content import ContentFile, ContentFolder
from portal.core.db import session
from portal.core.errors import Conflict, DomainError
from portal.core.i18n import Words
from portal.core.jobs import Job
from portal.core.mail import Email, render
from portal.core.transaction import own_transaction
from portal.journal.models import JournalEntry
from portal.training import emails, rules
from portal.training.content import PlansPart
from portal.training.errors import (
    NothingToUndo,
    PlanApproverWroteIt,
    PlanDraftChanged,
    PlanDraftFaulty,
    PlanDraftNotInReview,
    PlanDraftNotWritable,
    PlanDraftOpen,
    PlanDraftUnchanged,
    PlanOvertaken,
    PlanPartChanged,
    PlanPartGone,
    PlanSlugTaken,
    RemarkMissing,
)
from portal.training.formats.plan_file import written
from portal.training.models import PlanDraft, PlanDraftSave, PlanVersion
from portal.training.queries import catalogue, plan_drafts
from portal.training.queries.plan_drafts import get_plan_draft, spec_of_draft
from portal.training.rules import PlanSpec, StepKind, StepSpec, editing
from portal.training.rules.drafting import DraftState
from portal.training.service import plan_drafts as service
from portal.training.service.plans import digest_of
from tests.beginnings import beginning
from tests.builders import Cast, make_grant, make_person, save
from tests.page_client import Page, PageClient
from tests.queries import counted_queries
from tests.training.builders import (
    START,
    load_holidays,
    make_documents,
    make_enrollment,
    make_plan,
    make_plan_with_exam,
    make_quiz,
    spec,
)
from tests.training.strategies import plans

MORNING = datetime(2026, 4, 14, 1, 0, tzinfo=UTC)
LANGUAGES = ("en", "ja")


@pytest.fixture
@beginning
def _plan(cast: Cast) -> None:
    load_holidays()
    make_documents()
    make_quiz()
    make_quiz("other")
    make_plan(by=cast.author)


@pytest.fixture(autouse=True)
def _before(_plan: None) -> Iterator[None]:
    with clock.frozen(MORNING):
        yield


@pytest.fixture
def draft(cast: Cast) -> PlanDraft:
    """The next version of the plan, begun by the author."""
    with own_transaction():
        return service.begin_next_version(slug="first-days", by=cast.author)


def changed(draft: PlanDraft, by: Any, edit: Any = None) -> None:
    with own_transaction():
        service.change(draft=draft, edit=edit or (lambda plan: editing.shift(plan, "quiz", 1)), by=by)


def submitted(draft: PlanDraft, cast: Cast) -> str:
    changed(draft, cast.author)
    with own_transaction():
        service.submit(draft=draft, said="Two days for the quiz.", by=cast.author)
    return digest_of(spec_of_draft(draft))


def approved(draft: PlanDraft, cast: Cast) -> PlanVersion:
    seen = submitted(draft, cast)
    with own_transaction():
        return service.approve(draft=draft, seen=seen, said="", by=cast.approver)


def edit_url(draft: PlanDraft) -> dict[str, Any]:
    return {"endpoint": "training.change_plan_draft", "code": draft.code}


def step_form(page: Page) -> dict[str, Any]:
    """Return what the form of the chosen thing says."""
    form = page.one("form", id="plan-part")
    found: dict[str, Any] = {}
    for field in form.iter():
        name = field.get("name")
        if name is None or name == "csrf_token":
            continue
        if field.tag == "select":
            chosen = [each.get("value") for each in field.iter("option") if each.get("selected") is not None]
            found[name] = chosen[0] if chosen else next(field.iter("option")).get("value")
        elif field.get("type") in ("checkbox", "radio"):
            if field.get("checked") is not None:
                found.setdefault(name, []).append(field.get("value"))
        elif field.tag == "textarea":
            found[name] = (field.text or "").removeprefix("\n")
        elif field.tag == "input":
            found[name] = field.get("value", "")
    return found


# --- A draft and its versions --------------------------------------------------------------------


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(plan=plans(most=5))
def test_what_is_published_from_the_editor_and_exported_imports_to_the_same_digest(cast: Cast, plan: PlanSpec) -> None:
    slug = f"random-{digest_of(plan)[:12]}"
    if catalogue.find_plan(slug) is not None:
        return
    with own_transaction():
        draft = service.begin_from_file(slug=slug, spec=plan, by=cast.author)
    assert [each.said for each in service.find_problems(draft) if not each.is_warning] == []
    with own_transaction():
        service.submit(draft=draft, said="", by=cast.author)
    with own_transaction():
        version = service.approve(draft=draft, seen=digest_of(plan), said="", by=cast.approver)
    assert version.digest == digest_of(plan)
    exported = next(each for each in PlansPart().dump() if each.path == f"plans/{slug}.toml")
    folder = ContentFolder({exported.path: ContentFile(exported.path, exported.text)})
    with own_transaction():
        PlansPart().load(folder, cast.admin)
    assert folder.errors == []
    assert [each.digest for each in plan_drafts.list_versions_of(slug)] == [digest_of(plan)]


def test_a_version_from_the_editor_is_that_of_its_file_and_earlier_ones_stay_with_those_who_follow_them(
    cast: Cast, draft: PlanDraft
) -> None:
    enrollment = make_enrollment(cast.learner, catalogue.get_latest_version("first-days"), cast.lead)
    version = approved(draft, cast)
    assert (version.number, version.created_by) == ("1.1", cast.approver.code)
    assert version.digest == digest_of(spec_of_draft(draft)) == digest_of(catalogue.spec_of(version))
    assert draft.state is DraftState.PUBLISHED
    assert enrollment.version.number == "1.0"
    entries = session.scalars(select(JournalEntry.action).order_by(JournalEntry.id.desc()).limit(2)).all()
    assert set(entries) == {"training.plan_draft_approved", "training.plan_version_created"}


def test_who_began_the_first_version_of_a_plan_answers_for_it(cast: Cast) -> None:
    with own_transaction():
        draft = service.begin_from_file(slug="new-plan", spec=spec(), by=cast.author)
    with own_transaction():
        service.submit(draft=draft, said="", by=cast.author)
    with own_transaction():
        service.approve(draft=draft, seen=digest_of(spec()), said="", by=cast.approver)
    owner = accounts.find_owner("plan", "new-plan")
    assert owner is not None
    assert owner.owner.id == cast.author.id


def test_nobody_approves_what_she_has_written_in(cast: Cast, draft: PlanDraft, as_: Any) -> None:
    make_grant(cast.author, Role.APPROVER)
    seen = submitted(draft, cast)
    with own_transaction(), pytest.raises(PlanApproverWroteIt):
        service.approve(draft=draft, seen=seen, said="", by=cast.author)
    page = as_(cast.author).get("training.plan_draft", code=draft.code, lang="en")
    assert "Approve and publish" not in page.text
    assert "Whoever has written in a draft cannot approve it." in page.text
    as_(cast.author).post("training.approve_plan_draft", {"seen": seen}, code=draft.code, expect=409)
    assert draft.state is DraftState.IN_REVIEW


def test_an_approval_is_of_exactly_what_was_looked_at(cast: Cast, draft: PlanDraft) -> None:
    seen = submitted(draft, cast)
    with own_transaction():
        service.take_back(draft=draft, by=cast.author)
    changed(draft, cast.author)
    with own_transaction():
        service.submit(draft=draft, said="", by=cast.author)
    with own_transaction(), pytest.raises(PlanDraftChanged):
        service.approve(draft=draft, seen=seen, said="", by=cast.approver)


def test_a_draft_is_sent_back_with_what_has_to_change(cast: Cast, draft: PlanDraft, as_: Any) -> None:
    submitted(draft, cast)
    with own_transaction(), pytest.raises(RemarkMissing):
        service.send_back(draft=draft, said=" ", by=cast.approver)
    shown = as_(cast.approver).post("training.send_back_plan_draft", {"said": ""}, code=draft.code, expect=400)
    assert shown.all("div", class_="field__error")
    as_(cast.approver).post("training.send_back_plan_draft", {"said": "Der Test kommt zu spät."}, code=draft.code)
    page = as_(cast.author).get("training.plan_draft", code=draft.code, lang="ja")
    assert "Der Test kommt zu spät." in page.text
    assert draft.state is DraftState.WRITING
    with own_transaction(), pytest.raises(PlanDraftNotInReview):
        service.take_back(draft=draft, by=cast.author)


@pytest.mark.parametrize("language", ["en", "ja"])
def test_today_names_plans_to_their_approver_and_what_came_back_to_its_author(
    cast: Cast, draft: PlanDraft, as_: Any, language: str
) -> None:
    approver, author = (as_(each, language=language) for each in (cast.approver, cast.author))
    path = approver.url("training.plan_draft", code=draft.code)
    assert path not in approver.get("training.today").links()
    submitted(draft, cast)
    assert path in approver.get("training.today").links()
    assert path not in author.get("training.today").links()
    with own_transaction():
        service.send_back(draft=draft, said="The quiz comes too late.", by=cast.approver)
    assert path not in approver.get("training.today").links()
    assert path in author.get("training.today").links()


def owed(name: str) -> list[dict[str, Any]]:
    """Return of each mail of a kind that is owed about whom and what it is, in order."""
    rows = session.scalars(select(Job).where(Job.name == "mail.send").order_by(Job.id))
    return [row.arguments["arguments"] for row in rows if row.arguments["mail"] == name]


def text_of(mail: Email | None) -> tuple[str, str]:
    assert mail is not None
    message = render(mail)
    body, html = message.get_body(("plain",)), message.get_body(("html",))
    assert body is not None
    assert html is not None
    assert "{{" not in html.get_content()
    text = body.get_content().replace("\r\n", "\n")
    assert "\n\n\n" not in text
    return str(message["Subject"]), text


def test_whoever_may_approve_a_plan_is_told_once_that_it_waits_and_nobody_else(cast: Cast, draft: PlanDraft) -> None:
    other, wrote, gone = make_second_approver(), make_person("wrote@portal.example"), make_person("gone@portal.example")
    for each in (wrote, gone):
        make_grant(each, Role.APPROVER)
    make_grant(wrote, Role.AUTHOR)
    deactivate(gone)
    changed(draft, wrote, lambda plan: editing.shift(plan, "quiz", 2))
    submitted(draft, cast)
    assert {each["to"] for each in owed("training.plan_approval_waits")} == {cast.approver.code, other.code}
    assert len(owed("training.plan_approval_waits")) == 2
    assert emails.plan_approval_waits(draft.code, 1, wrote.code) is None


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_mail_to_an_approver_names_the_plan_its_changed_steps_and_what_the_author_says(
    cast: Cast, draft: PlanDraft, language: str
) -> None:
    submitted(draft, cast)
    speak(cast.approver, language)
    subject, text = text_of(emails.plan_approval_waits(draft.code, 1, cast.approver.code))
    title = draft_title(draft, language)
    assert (
        subject
        == {
            "en": f"Waiting for approval: “{title}”, version 1.1",
            "ja": f"【承認のお願い】「{title}」第1.1版",
        }[language]
    )
    assert {"en": "It is based on version 1.0.", "ja": "第1.0版をもとにした草案です。"}[language] in text
    assert {"en": "Changed steps:\n- ", "ja": "内容が変わる項目：\n- "}[language] in text
    assert "Two days for the quiz." in text
    assert f"https://portal.example/plan-drafts/{draft.code}" in text


def test_the_mail_about_a_new_plan_says_how_many_steps_it_has(cast: Cast) -> None:
    with own_transaction():
        draft = service.begin_from_file(slug="brand-new", spec=spec(), by=cast.author)
        service.submit(draft=draft, said="", by=cast.author)
    speak(cast.approver, "en")
    _subject, text = text_of(emails.plan_approval_waits(draft.code, 1, cast.approver.code))
    assert (
        f"the first version of the training plan “{draft_title(draft, 'en')}”, with {len(spec().steps)} steps." in text
    )


def test_an_approver_is_not_told_of_what_does_not_wait_any_more(cast: Cast, draft: PlanDraft) -> None:
    submitted(draft, cast)
    with own_transaction():
        service.take_back(draft=draft, by=cast.author)
    assert emails.plan_approval_waits(draft.code, 1, cast.approver.code) is None
    with own_transaction():
        service.submit(draft=draft, said="", by=cast.author)
    # Submitted again it is told again, and the first mail stays unsent.
    assert emails.plan_approval_waits(draft.code, 1, cast.approver.code) is None
    assert emails.plan_approval_waits(draft.code, 3, cast.approver.code) is not None
    assert [each["number"] for each in owed("training.plan_approval_waits")] == [1, 3]


@pytest.mark.parametrize("language", LANGUAGES)
def test_all_who_wrote_in_a_plan_are_told_once_that_it_was_sent_back_and_why(
    cast: Cast, draft: PlanDraft, language: str
) -> None:
    second = make_person("second@portal.example", language=language)
    make_grant(second, Role.AUTHOR)
    changed(draft, second, lambda plan: editing.shift(plan, "quiz", 2))
    submitted(draft, cast)
    with own_transaction():
        service.send_back(draft=draft, said="Zu spät.\nUnd <zu> lang.", by=cast.approver)
    assert sorted(each["to"] for each in owed("training.plan_draft_news")) == sorted([cast.author.code, second.code])
    mail = emails.plan_draft_news(draft.code, 2, second.code)
    subject, text = text_of(mail)
    title = draft_title(draft, language)
    assert subject == {"en": f"Sent back: “{title}”, version 1.1", "ja": f"【差戻し】「{title}」第1.1版"}[language]
    assert f"{cast.approver.name_in(language)}{'さんが' if language == 'ja' else ' has sent back'}" in text
    assert "Zu spät.\nUnd <zu> lang." in text
    assert mail is not None
    html = render(mail).get_body(("html",))
    assert html is not None
    assert "Zu spät.<br>Und &lt;zu&gt; lang." in html.get_content()
    assert f"https://portal.example/plan-drafts/{draft.code}" in text
    # Who has submitted it again knows.
    with own_transaction():
        service.submit(draft=draft, said="", by=cast.author)
    assert emails.plan_draft_news(draft.code, 2, second.code) is None


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_authors_are_told_that_their_plan_was_approved_and_published(
    cast: Cast, draft: PlanDraft, language: str
) -> None:
    speak(cast.author, language)
    approved(draft, cast)
    assert owed("training.plan_draft_news") == [{"code": draft.code, "number": 2, "to": cast.author.code}]
    subject, text = text_of(emails.plan_draft_news(draft.code, 2, cast.author.code))
    title = draft_title(draft, language)
    assert subject == {"en": f"Published: “{title}”, version 1.1", "ja": f"【公示】「{title}」第1.1版"}[language]
    assert "https://portal.example/plans/first-days" in text
    assert "/plan-drafts/" not in text


def test_a_mail_about_a_draft_reaches_nobody_whose_account_was_closed(cast: Cast, draft: PlanDraft) -> None:
    approved(draft, cast)
    deactivate(cast.author)
    assert emails.plan_draft_news(draft.code, 2, cast.author.code) is None


def draft_title(draft: PlanDraft, language: str) -> str:
    return spec_of_draft(draft).title.in_(language)


def speak(person: Any, language: str) -> None:
    person.language = language
    save(person)


def deactivate(person: Any) -> None:
    person.deactivated_at = MORNING
    save(person)


def test_what_is_in_review_is_not_written(cast: Cast, draft: PlanDraft, as_: Any) -> None:
    submitted(draft, cast)
    with own_transaction(), pytest.raises(PlanDraftNotWritable):
        service.change(draft=draft, edit=lambda plan: editing.shift(plan, "quiz", 1), by=cast.author)
    page = as_(cast.author).get("training.edit_plan_draft", code=draft.code, at="step.quiz", lang="en")
    assert page.one("fieldset", class_="plan-facts__fields").get("disabled") is not None
    as_(cast.author).post(**edit_url(draft), data={"act": "shift", "step": "quiz", "days": "1"}, expect=409)


def test_what_cannot_be_followed_or_says_nothing_new_is_not_submitted(cast: Cast, draft: PlanDraft) -> None:
    with own_transaction(), pytest.raises(PlanDraftUnchanged):
        service.submit(draft=draft, said="", by=cast.author)
    changed(draft, cast.author, lambda plan: editing.add_step(plan, StepKind.QUIZ))
    with own_transaction(), pytest.raises(PlanDraftFaulty):
        service.submit(draft=draft, said="", by=cast.author)


def test_a_discarded_draft_can_be_read_and_another_one_begun(cast: Cast, draft: PlanDraft, as_: Any) -> None:
    author = as_(cast.author)
    assert "Discard this draft?" in author.get("training.plan_draft", code=draft.code, lang="en").text
    with own_transaction(), pytest.raises(PlanDraftOpen):
        service.begin_next_version(slug="first-days", by=cast.approver)
    author.post("training.discard_plan_draft", code=draft.code)
    assert draft.state is DraftState.DISCARDED
    author.get("training.plan_draft", code=draft.code)
    assert f"/plan-drafts/{draft.code}" in as_(cast.author, language="ja").get("training.list_plans").links()
    author.post("training.begin_plan_draft", slug="first-days")
    assert session.scalar(select(func.count()).select_from(PlanDraft)) == 2


def test_approved_twice_at_once_it_becomes_one_version(app: Flask, cast: Cast, draft: PlanDraft) -> None:
    seen, code, codes = submitted(draft, cast), draft.code, (cast.approver.code, make_second_approver().code)
    session.rollback()

    def approve(person: str) -> str:
        with app.app_context(), clock.frozen(MORNING):
            by = accounts.get_person(person)
            try:
                with own_transaction():
                    service.approve(draft=get_plan_draft(code), seen=seen, said="", by=by)
                return "published"
            except DomainError as refused:
                return type(refused).__name__
            finally:
                session.remove()

    with ThreadPoolExecutor(2) as pool:
        results = sorted(pool.map(approve, codes))
    assert results == ["PlanDraftNotInReview", "published"]
    assert session.scalar(select(func.count()).select_from(PlanVersion).where(PlanVersion.number == "1.1")) == 1


def make_second_approver() -> Any:
    person = make_person("approver2@portal.example")
    make_grant(person, Role.APPROVER)
    return person


def test_another_version_that_came_first_is_taken_over(cast: Cast, draft: PlanDraft, as_: Any) -> None:
    changed(draft, cast.author)
    make_plan("first-days", cast.admin, number="1.1", title=Words("Another title", "別の題名"))
    with own_transaction(), pytest.raises(PlanOvertaken):
        service.submit(draft=draft, said="", by=cast.author)
    page = as_(cast.author).get("training.plan_draft", code=draft.code, lang="en")
    assert "Version 1.1 was published since" in page.text
    as_(cast.author).post("training.take_over_into_plan_draft", code=draft.code)
    merged = spec_of_draft(draft)
    assert (merged.title.en, merged.number) == ("Another title", "1.2")
    assert editing.get_step(merged, "quiz").due_days == 4
    with own_transaction():
        service.submit(draft=draft, said="", by=cast.author)


# --- Writing -------------------------------------------------------------------------------------


def test_edits_are_undone_and_done_again_one_by_one(cast: Cast, draft: PlanDraft) -> None:
    said = [spec_of_draft(draft)]
    for _number in range(3):
        changed(draft, cast.author)
        said.append(spec_of_draft(draft))
    for before in reversed(said[:-1]):
        with own_transaction():
            service.undo(draft=draft, by=cast.author)
        assert spec_of_draft(draft) == before
    with own_transaction(), pytest.raises(NothingToUndo):
        service.undo(draft=draft, by=cast.author)
    for after in said[1:]:
        with own_transaction():
            service.redo(draft=draft, by=cast.author)
        assert spec_of_draft(draft) == after
    with own_transaction(), pytest.raises(NothingToUndo):
        service.redo(draft=draft, by=cast.author)


def test_nobody_undoes_what_somebody_else_did(cast: Cast, draft: PlanDraft) -> None:
    other = make_second_author()
    changed(draft, cast.author)
    changed(draft, other)
    with own_transaction(), pytest.raises(NothingToUndo):
        service.undo(draft=draft, by=cast.author)
    assert service.can_go(draft, cast.author) == (False, False)


def make_second_author() -> Any:
    person = make_person("author2@portal.example", family_name="岡本", given_name="蓮")
    make_grant(person, Role.AUTHOR)
    return person


def test_only_the_latest_saves_are_kept(cast: Cast, draft: PlanDraft, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "KEPT_SAVES", 3)
    for _number in range(5):
        changed(draft, cast.author)
    numbers = session.scalars(select(PlanDraftSave.number).order_by(PlanDraftSave.number)).all()
    assert numbers == [4, 5, 6]


def test_two_who_change_different_steps_both_keep_their_work(cast: Cast, draft: PlanDraft, as_: Any) -> None:
    other = make_second_author()
    mine = step_form(as_(cast.author).get("training.edit_plan_draft", code=draft.code, at="step.quiz"))
    theirs = step_form(as_(other).get("training.edit_plan_draft", code=draft.code, at="step.talk"))
    as_(other).post(**edit_url(draft), data=theirs | {"minutes": "45"})
    as_(cast.author).post(**edit_url(draft), data=mine | {"due": "5"})
    plan = spec_of_draft(draft)
    assert editing.get_step(plan, "talk").minutes == 45
    assert editing.get_step(plan, "quiz").due_days == 5
    assert "岡本" in as_(cast.author).get("training.edit_plan_draft", code=draft.code, lang="ja").text


def test_who_changes_the_same_step_second_is_told_and_loses_nothing(cast: Cast, draft: PlanDraft, as_: Any) -> None:
    other = make_second_author()
    mine = step_form(as_(cast.author).get("training.edit_plan_draft", code=draft.code, at="step.quiz"))
    as_(other).post(**edit_url(draft), data=mine | {"minutes": "45"})
    told = as_(cast.author).post(**edit_url(draft), data=mine | {"due": "7", "title_en": "Mine"}, expect=409, lang="en")
    assert f"{other.name_in('en')} has changed this part since it was loaded" in told.text
    again = step_form(told)
    assert (again["due"], again["title_en"], again["minutes"]) == ("7", "Mine", "15")
    assert editing.get_step(spec_of_draft(draft), "quiz").minutes == 45
    # She has read it and saves once more.
    as_(cast.author).post(**edit_url(draft), data=again | {"title_ja": "私の"})
    assert editing.get_step(spec_of_draft(draft), "quiz").title == Words("Mine", "私の")


def test_a_step_that_was_named_meanwhile_keeps_what_was_typed(cast: Cast, draft: PlanDraft, as_: Any) -> None:
    other = make_second_author()
    mine = step_form(as_(cast.author).get("training.edit_plan_draft", code=draft.code, at="step.quiz"))
    as_(other).post(**edit_url(draft), data=mine | {"slug": "check"})
    told = as_(cast.author).post(**edit_url(draft), data=mine | {"title_en": "Mine", "due": "7"}, expect=409, lang="en")
    assert f"{other.name_in('en')} has changed this part since it was loaded" in told.text
    again = step_form(told)
    assert (again["at"], again["slug"], again["title_en"], again["due"]) == ("step.check", "check", "Mine", "7")
    as_(cast.author).post(**edit_url(draft), data=again)
    assert editing.get_step(spec_of_draft(draft), "check").title == Words("Mine", mine["title_ja"])


def test_what_was_removed_meanwhile_is_told(cast: Cast, draft: PlanDraft, as_: Any) -> None:
    mine = step_form(as_(cast.author).get("training.edit_plan_draft", code=draft.code, at="step.quiz"))
    changed(draft, make_second_author(), lambda plan: editing.remove_step(plan, "quiz"))
    told = as_(cast.author).post(**edit_url(draft), data=mine, expect=409, lang="en")
    assert "not there any more" in told.text
    with own_transaction(), pytest.raises(PlanPartGone):
        service.change(draft=draft, edit=lambda plan: editing.shift(plan, "quiz", 1), by=cast.author)


def test_a_name_is_given_once(cast: Cast, draft: PlanDraft) -> None:
    quiz = editing.get_step(spec_of_draft(draft), "quiz")
    with own_transaction(), pytest.raises(PlanSlugTaken):
        service.put_part(
            draft=draft, slug="quiz", part=replace(quiz, slug="talk"), was=service.mark_of(quiz), by=cast.author
        )
    with own_transaction(), pytest.raises(PlanPartChanged):
        service.put_part(draft=draft, slug="quiz", part=replace(quiz, minutes=1), was="old", by=cast.author)


# --- The page, with plain forms ------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("at", ["plan", "step.statement", "step.quiz", "step.audit", "phase.first", "nonsense"])
def test_the_page_shows_the_list_and_the_form_of_what_is_chosen(
    cast: Cast, draft: PlanDraft, as_: Any, language: str, at: str
) -> None:
    page = as_(cast.author, language=language).get("training.edit_plan_draft", code=draft.code, at=at)
    assert len(page.all("li", class_="plan-row--step")) == 6
    assert page.body.count('class="plan-chart__step"') == 6
    assert page.one("form", id="plan-part").get("action") == f"/plan-drafts/{draft.code}/edit"


def test_each_kind_of_step_has_the_fields_of_its_kind_only(cast: Cast, as_: Any) -> None:
    plan = PlanSpec("1.0", Words("All", "全部"), Words("", ""), None, (), ())
    for kind in StepKind:
        plan = editing.add_step(plan, kind)
    with own_transaction():
        draft = service.begin_from_file(slug="all-kinds", spec=plan, by=cast.author)
    has = {}
    for kind in StepKind:
        at = f"step.new-{kind.value.replace('_', '-')}"
        page = as_(cast.author, language="ja").get("training.edit_plan_draft", code=draft.code, at=at)
        names = {field.get("name") for field in page.one("form", id="plan-part").iter() if field.get("name")}
        has[kind.value] = names & {"document", "quiz", "by", "asks_statement", "about", "evidence", "gate_bound"}
    assert has == {
        "read": {"document"},
        "acknowledge": {"document"},
        "quiz": {"quiz"},
        "task": {"by", "evidence"},
        "session": {"by"},
        "sign_off": {"by", "asks_statement", "about"},
        "gate": {"about", "gate_bound"},
    }


def test_a_sign_off_names_the_documents_that_it_is_about(cast: Cast, as_: Any) -> None:
    author = as_(cast.author, language="en")
    author.post("training.new_plan", {"title_en": "First weeks", "title_ja": "最初の数週間"})
    draft = plan_drafts.find_open_draft("first-weeks")
    assert draft is not None
    author.post(**edit_url(draft), data={"act": "add_step", "kind": "sign_off"})
    at = "step.new-sign-off"
    form = step_form(author.get("training.edit_plan_draft", code=draft.code, at=at))
    refused = author.post(**edit_url(draft), data=form | {"about": "exposure\nnothing like it"}, expect=400)
    assert "There is no document or clause “nothing like it”" in refused.text
    assert "nothing like it" in refused.one("textarea", name="about").text, "what was typed is still there"
    author.post(**edit_url(draft), data=form | {"about": "exposure\nexposure"})
    (step,) = spec_of_draft(get_plan_draft(draft.code)).steps
    assert step.about == ("exposure",)


def test_a_whole_plan_is_written_with_forms_alone(cast: Cast, as_: Any) -> None:
    author = as_(cast.author, language="en")
    author.post("training.new_plan", {"title_en": "First weeks", "title_ja": "最初の数週間"})
    draft = plan_drafts.find_open_draft("first-weeks")
    assert draft is not None

    def save(at: str, **values: Any) -> None:
        form = step_form(author.get("training.edit_plan_draft", code=draft.code, at=at))
        author.post(**edit_url(draft), data=form | values)

    save("plan", summary_en="All of it.", summary_ja="すべて。")
    author.post(**edit_url(draft), data={"act": "add_phase"})
    save("phase.new-phase", title_en="Foundations", title_ja="基礎")
    author.post(**edit_url(draft), data={"act": "add_step", "kind": "read", "in_phase": "foundations"})
    save("step.new-read", document="Exposure", minutes="２０")
    author.post(**edit_url(draft), data={"act": "add_step", "kind": "quiz", "after": "read-exposure"})
    save("step.new-quiz", quiz="impersonation", due="３", prerequisites=["read-exposure"])
    author.post(**edit_url(draft), data={"act": "add_event"})
    save("event.new-event", title_en="Exam", title_ja="試験")
    author.post(**edit_url(draft), data={"act": "add_step", "kind": "gate", "after": "quiz-impersonation"})
    save(
        "step.new-gate",
        title_en="Own queue",
        title_ja="担当キュー",
        due="−２",
        anchor="event:exam",
        gate_quizzes=["impersonation"],
        gate_bound="９０％",
        prerequisites=["quiz-impersonation"],
    )
    plan = spec_of_draft(get_plan_draft(draft.code))
    assert [(step.slug, step.kind.value, step.due_days, step.event) for step in plan.steps] == [
        ("read-exposure", "read", 0, None),
        ("quiz-impersonation", "quiz", 3, None),
        ("own-queue", "gate", -2, "exam"),
    ]
    assert plan.steps[0].document == "exposure"
    assert plan.steps[0].minutes == 20
    assert {step.phase for step in plan.steps} == {"foundations"}
    author.post("training.submit_plan_draft", {"said": "Please look."}, code=draft.code)
    page = as_(cast.approver, language="ja").get("training.plan_draft", code=draft.code)
    assert "新しい計画です。" in page.text
    seen = page.one("input", name="seen").get("value")
    as_(cast.approver).post("training.approve_plan_draft", {"seen": seen}, code=draft.code)
    assert catalogue.get_latest_version("first-weeks").digest == digest_of(plan)


def test_buttons_move_a_step_and_remove_it(cast: Cast, draft: PlanDraft, as_: Any) -> None:
    author = as_(cast.author)
    author.post(**edit_url(draft), data={"step": "quiz", "act-shift": "1", "at": "step.quiz"})
    author.post(**edit_url(draft), data={"step": "talk", "act-move": "-1", "at": "step.talk"})
    author.post(**edit_url(draft), data={"act": "place", "step": "more", "before": "statement", "phase": "first"})
    plan = spec_of_draft(draft)
    assert editing.get_step(plan, "quiz").due_days == 4
    assert [step.slug for step in plan.steps] == ["more", "statement", "read", "talk", "quiz", "audit"]
    author.post(**edit_url(draft), data={"act": "remove_step", "step": "quiz", "at": "step.quiz"})
    author.post(**edit_url(draft), data={"act": "undo", "at": "plan"})
    assert spec_of_draft(draft) == plan
    author.post(**edit_url(draft), data={"act": "move_phase", "phase": "second", "by": "-1"})
    author.post(**edit_url(draft), data={"act": "remove_phase", "phase": "second"})
    assert [phase.slug for phase in spec_of_draft(draft).phases] == ["first"]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("at", "values", "field"),
    [
        ("step.quiz", {"due": "999"}, "due"),
        ("step.quiz", {"due": "soon"}, "due"),
        ("step.quiz", {"minutes": "-1"}, "minutes"),
        ("step.quiz", {"quiz": "no-such-quiz"}, "quiz"),
        ("step.read", {"document": "どこにもない"}, "document"),
        ("step.quiz", {"slug": "Not a slug"}, "slug"),
        ("step.quiz", {"slug": "start"}, "slug"),
        ("step.quiz", {"recognise": "0"}, "recognise"),
        ("step.quiz", {"title_en": "x" * 201}, "title_en"),
        ("step.quiz", {"anchor": "nowhere"}, "anchor"),
        ("phase.first", {"slug": ""}, "slug"),
    ],
)
def test_what_is_filled_in_wrongly_is_told_beside_the_field_and_kept(
    cast: Cast, draft: PlanDraft, as_: Any, language: str, at: str, values: dict[str, str], field: str
) -> None:
    author = as_(cast.author, language=language)
    form = step_form(author.get("training.edit_plan_draft", code=draft.code, at=at)) | {"title_ja": "残る文字"}
    told = author.post(**edit_url(draft), data=form | values, expect=400)
    told.one("div", id=f"{field}-error")
    kept = step_form(told)
    assert kept["title_ja"] == "残る文字"
    if field != "anchor":
        assert kept[field] == values[field]
    assert draft.revision == 1


def test_nonsense_is_refused_in_words(cast: Cast, draft: PlanDraft, as_: Any) -> None:
    author = as_(cast.author)
    for data in (
        {},
        {"act": "explode"},
        {"act": "shift", "step": "quiz", "days": "9" * 50},
        {"act": "shift", "step": "quiz", "days": "x"},
        {"act": "add_step", "kind": "nap"},
    ):
        author.post(**edit_url(draft), data=data, expect=400)
    for data in ({"act": "shift", "step": "gone", "days": "1"}, {"act": "place", "step": "quiz", "phase": "gone"}):
        author.post(**edit_url(draft), data=data, expect=409)
    assert draft.revision == 1


# --- Faults --------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_faults_stand_beside_their_step_and_in_the_summary_at_once(
    cast: Cast, draft: PlanDraft, as_: Any, language: str
) -> None:
    def tangle(plan: PlanSpec) -> PlanSpec:
        ring = editing.put(plan, "statement", replace(plan.steps[0], prerequisites=("audit",)))
        far = editing.shift(ring, "more", 400)
        half = replace(editing.get_step(far, "talk"), title=Words("Only English", ""))
        return editing.add_step(editing.put(far, "talk", half), StepKind.READ)

    changed(draft, cast.author, tangle)
    page = as_(cast.author, language=language).get("training.edit_plan_draft", code=draft.code, at="step.statement")
    faulty = {row.get("data-slug") for row in page.all("li", class_="plan-row") if row.get("data-faulty") is not None}
    assert faulty == {"statement", "more", "talk", "new-read"}
    listed = page.one("ul", class_="plan-problems__list")
    assert {link.get("data-at") for link in listed.iter("a")} == {f"step.{slug}" for slug in faulty}
    page.one("ul", class_="plan-facts__problems")
    overview = as_(cast.author, language=language).get("training.plan_draft", code=draft.code)
    overview.one("ul", class_="plan-problems__list")


@pytest.mark.parametrize("language", LANGUAGES)
def test_faults_and_hints_name_their_parts_as_the_reader_knows_them(
    cast: Cast, draft: PlanDraft, as_: Any, language: str
) -> None:
    same = {"document": "exposure", "due_days": 2, "minutes": 200}

    def tangle(plan: PlanSpec) -> PlanSpec:
        plan = editing.add_step(editing.add_phase(plan, Words("", "")), StepKind.TASK, after="statement")
        first = StepSpec("seen-first", StepKind.READ, **same)
        then = StepSpec("seen-then", StepKind.ACKNOWLEDGE, **same, prerequisites=("nowhere",))
        return replace(plan, steps=(*plan.steps, first, then))

    changed(draft, cast.author, tangle)
    author = as_(cast.author, language=language)
    told = {
        "en": (
            "Task without a title (Working day 1): The step “Task without a title (Working day 1)” needs a title",
            "Phase without a title (number 3): The title is missing in English and Japanese.",
            "Exposure: The step “Exposure · Confirmation” needs “nowhere”, which does not exist.",
            "(First talk, Exposure · Reading, Exposure · Confirmation)",
        ),
        "ja": (
            "課題（題名なし、1営業日目）: ",
            "題名のないフェーズ（3番目）: ",
            "「文書EXPOSURE · 確認」",
            "文書EXPOSURE · 読む、文書EXPOSURE · 確認",
        ),
    }[language]
    for page in (
        author.get("training.plan_draft", code=draft.code),
        author.get("training.edit_plan_draft", code=draft.code),
    ):
        listed = " ".join("".join(page.one("ul", class_="plan-problems__list").itertext()).split())
        assert [each for each in told if each not in listed] == [], listed
        assert "seen-" not in listed
        assert "new-" not in listed


@pytest.mark.parametrize("language", LANGUAGES)
def test_steps_that_can_come_before_another_are_offered_with_their_kind(
    cast: Cast, draft: PlanDraft, as_: Any, language: str
) -> None:
    def read_twice(plan: PlanSpec) -> PlanSpec:
        return replace(plan, steps=(StepSpec("again", StepKind.READ, 0, document="exposure"), *plan.steps))

    changed(draft, cast.author, read_twice)
    page = as_(cast.author, language=language).get("training.edit_plan_draft", code=draft.code, at="step.quiz")
    offered = {each.get("value"): each.text or "" for each in page.one("select", id="anchor").iter("option")}
    said = {
        each.text or ""
        for each in page.one("fieldset", id="prerequisites").iter("span")
        if each.get("class") == "option__text"
    }
    title, kind = ("Exposure", "Reading") if language == "en" else ("文書EXPOSURE", "読む")
    assert f"{title} · {kind}" in said
    assert offered["again"].endswith(f"{title} · {kind}")
    assert len(set(offered.values())) == len(offered)


def test_a_phase_that_goes_on_after_another_stands_twice_and_is_found_once(
    cast: Cast, draft: PlanDraft, as_: Any
) -> None:
    changed(draft, cast.author, lambda plan: editing.put(plan, "more", replace(plan.steps[-1], phase="first")))
    page = as_(cast.author).get("training.edit_plan_draft", code=draft.code, at="phase.first")
    assert len([row for row in page.all("li", class_="plan-row--phase") if row.get("data-slug") == "first"]) == 2
    page.one("a", id="row-phase.first")


def test_sentences_about_days_end_as_sentences_of_the_language_do(cast: Cast, draft: PlanDraft, as_: Any) -> None:
    page = as_(cast.author, language="ja").get("training.edit_plan_draft", code=draft.code, at="step.quiz")
    assert "4営業日目。" in page.text
    assert "営業日目." not in page.body


def test_a_heavy_day_is_a_warning_that_hinders_nothing(cast: Cast, draft: PlanDraft) -> None:
    def load(plan: PlanSpec) -> PlanSpec:
        for slug in ("quiz", "talk"):
            plan = editing.put(plan, slug, replace(editing.get_step(plan, slug), due_days=3, minutes=200))
        return plan

    changed(draft, cast.author, load)
    found = service.find_problems(draft)
    assert [(each.slug, each.is_warning) for each in found] == [("talk", True)]
    with own_transaction():
        service.submit(draft=draft, said="", by=cast.author)


# --- Files ---------------------------------------------------------------------------------------


def send(client: PageClient, name: str, data: bytes, expect: int = 303, **values: Any) -> Any:
    return client.post("training.new_plan", {"act": "file", "file": (BytesIO(data), name)}, expect=expect, **values)


def test_a_draft_goes_out_as_a_file_and_begins_with_one(cast: Cast, draft: PlanDraft, as_: Any) -> None:
    author = as_(cast.author)
    response = author.fetch("training.plan_draft_file", code=draft.code)
    assert response.headers["Content-Disposition"] == 'attachment; filename="first-days.toml"'
    told = send(author, "first-days.toml", response.data, expect=409, lang="en")
    assert "being written already" in told.text
    send(author, "copied.toml", response.data)
    copied = plan_drafts.find_open_draft("copied")
    assert copied is not None
    assert spec_of_draft(copied) == spec_of_draft(draft)
    with own_transaction():
        service.discard(draft=draft, said="", by=cast.author)
    send(author, "first-days.toml", response.data.replace(b"minutes = 15", b"minutes = 16"))
    again = plan_drafts.find_open_draft("first-days")
    assert again is not None
    assert again.based_on_id is not None
    assert again.based_on_id == catalogue.get_latest_version("first-days").id


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("plan.toml", b"x" * 400_000, "256"),
        ("plan.toml", b'version = "1.0"\nstep = [\n', "plan.toml"),
        ("plan.toml", written(spec()).replace('kind = "quiz"', 'kind = "nap"').encode(), "plan.toml:"),
        ("plan.toml", b"\xff\xfe", "plan.toml:1"),
        ("plan.txt", b"hello", "TOML"),
        ("Plan Name.toml", written(spec()).encode(), "Plan Name.toml"),
        ("new.toml", written(spec()).encode(), "new"),
        ("plan.toml", b"", ""),
    ],
)
def test_a_file_that_cannot_be_taken_is_told_by_line(
    cast: Cast, as_: Any, language: str, name: str, data: bytes, said: str
) -> None:
    told = send(as_(cast.author, language=language), name, data, expect=400)
    told.one("div", class_="error-summary")
    assert said in told.text or name == "plan.txt"
    assert session.scalar(select(func.count()).select_from(PlanDraft)) == 0


def test_a_file_with_an_unknown_quiz_or_a_ring_begins_a_draft_that_names_it(cast: Cast, as_: Any) -> None:
    steps = (
        StepSpec("a", StepKind.QUIZ, 0, quiz="nowhere", prerequisites=("b",)),
        StepSpec("b", StepKind.READ, 0, document="exposure", prerequisites=("a",)),
    )
    send(as_(cast.author), "odd.toml", written(spec(*steps, phases=())).encode())
    draft = plan_drafts.find_open_draft("odd")
    assert draft is not None
    said = " ".join(each.said for each in service.find_problems(draft))
    assert "nowhere" in said
    assert rules.FaultKind.CYCLE in {fault.kind for fault in rules.faults(spec_of_draft(draft).shapes)}


def test_an_address_that_is_taken_is_told(cast: Cast, as_: Any) -> None:
    author = as_(cast.author, language="ja")
    told = author.post("training.new_plan", {"title_en": "A", "title_ja": "", "slug": "first-days"}, expect=409)
    assert "first-days" in "".join(told.one("div", id="slug-error").itertext())
    author.post("training.new_plan", {"title_en": "最初", "slug": ""}, expect=400)


# --- Reading -------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_leads_read_plans_and_what_each_version_changed_but_no_drafts(
    cast: Cast, draft: PlanDraft, as_: Any, language: str
) -> None:
    lead = as_(cast.lead, language=language)
    listed = lead.get("training.list_plans")
    assert draft.code not in listed.body
    approved(draft, cast)
    page = lead.get("training.plan", slug="first-days")
    assert page.one("dl", class_="plan-change__rows").findtext("div/dd/ins")
    assert page.body.count('class="plan-chart__step"') == 6
    lead.get("training.plan", slug="first-days", version="1.0")
    assert lead.fetch("training.plan_file", slug="first-days").status_code == 200
    lead.get("training.plan_draft", code=draft.code, expect=404)
    as_(cast.learner).get("training.list_plans", expect=403)
    as_(cast.author, language=language).get("training.list_plans")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_overview_says_what_changes_for_whom(cast: Cast, draft: PlanDraft, as_: Any, language: str) -> None:
    make_enrollment(cast.learner, catalogue.get_latest_version("first-days"), cast.lead)
    submitted(draft, cast)
    page = as_(cast.approver, language=language).get("training.plan_draft", code=draft.code)
    rows = [
        (each.findtext("dt"), each.findtext("dd/del"), each.findtext("dd/ins"))
        for each in page.one("dl", class_="plan-change__rows").iter("div")
    ]
    assert len(rows) == 1
    assert rows[0][1:] == (("Working day 4", "Working day 5") if language == "en" else ("4営業日目", "5営業日目"))
    assert ("1 person" if language == "en" else "1人") in page.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_dates_of_a_draft_are_shown_in_a_real_calendar(cast: Cast, as_: Any, language: str) -> None:
    make_plan_with_exam(cast.author)
    with own_transaction():
        draft = service.begin_next_version(slug="with-exam", by=cast.author)
    author = as_(cast.author, language=language)
    asked = author.get("training.preview_plan_draft", code=draft.code)
    asked.one("input", name="event_exam")
    page = author.get(
        "training.preview_plan_draft", code=draft.code, market="JP", starts_on="2026-04-28", event_exam="2026/05/20"
    )
    days = {each.get("datetime") for each in page.all("time")}
    assert {"2026-04-28", "2026-05-20"} <= days
    assert re.search(r"Showa Day|昭和の日", page.text)
    said = {
        "en": "The holidays of 2028 are not announced yet; these dates may still change.",
        "ja": "2028年の祝日はまだ公示されていないため、これらの日付は変わることがあります。",
    }[language]
    assert said not in page.text
    page = author.get(
        "training.preview_plan_draft", code=draft.code, market="JP", starts_on="2028-05-01", event_exam="2028/05/22"
    )
    assert page.text.count(said) == 1
    missing = author.get("training.preview_plan_draft", code=draft.code, market="JP", starts_on=str(START), expect=400)
    missing.one("div", id="event_exam-error")
    changed(draft, cast.author, lambda plan: editing.put(plan, "read", replace(plan.steps[1], anchor="gone")))
    author.get("training.preview_plan_draft", code=draft.code, starts_on=str(date(2026, 4, 28)), market="JP")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_year_without_holidays_is_told_to_an_author_without_a_command(
    cast: Cast, draft: PlanDraft, as_: Any, language: str
) -> None:
    page = as_(cast.author, language=language).get(
        "training.preview_plan_draft", code=draft.code, market="JP", starts_on="2099-04-01", expect=400
    )
    assert ("An administrator can load them." if language == "en" else "管理者が祝日を読み込めます。") in page.text
    assert "flask" not in page.text


def test_the_pages_of_sixty_steps_need_no_more_statements_than_those_of_six(
    app: Flask, cast: Cast, draft: PlanDraft, as_: Any
) -> None:
    author = as_(cast.author)
    pages = [
        ("training.edit_plan_draft", {"code": draft.code, "at": "step.quiz"}),
        ("training.plan_draft", {"code": draft.code}),
        ("training.list_plans", {}),
        ("training.plan", {"slug": "first-days"}),
    ]

    def counts() -> list[int]:
        found = []
        for endpoint, values in pages:
            author.fetch(endpoint, **values)
            with counted_queries() as statements:
                author.fetch(endpoint, **values)
            found.append(len(statements))
        return found

    make_plan("first-days", cast.admin, number="1.1", title=Words("T", "題"))
    few = counts()

    def many(plan: PlanSpec) -> PlanSpec:
        steps = [
            StepSpec(f"more-{number}", StepKind.READ, number, phase="second", document="background")
            for number in range(60)
        ]
        return replace(plan, steps=(*plan.steps, *steps))

    changed(draft, cast.author, many)
    for number in range(2, 6):
        make_plan("first-days", cast.admin, number=f"1.{number}", title=Words(f"T{number}", f"題{number}"))
    assert counts() == few


def test_a_page_that_asks_for_its_parts_is_answered_with_them(cast: Cast, draft: PlanDraft, as_: Any) -> None:
    author = as_(cast.author, language="en")
    response = author.fetch("training.edit_plan_draft", accept="application/json", code=draft.code, at="step.quiz")
    assert set(response.json) >= {"work", "facts", "revision", "was"}
    sent = author.send(
        "POST",
        author.url("training.change_plan_draft", code=draft.code),
        data={"act": "shift", "step": "quiz", "days": "5", "at": "step.quiz"},
        headers={"Accept": "application/json", "X-CSRFToken": author.token()},
    )
    assert sent.json["said"] == "“Check of impersonation”: Working day 9. 1 step moves along."
    assert sent.json["revision"] == 2
    refused = author.send(
        "POST",
        author.url("training.change_plan_draft", code=draft.code),
        data={"act": "shift", "step": "gone", "days": "5", "at": "step.quiz"},
        headers={"Accept": "application/json", "X-CSRFToken": author.token()},
    )
    assert refused.status_code == 409
    assert refused.json["work"]
    pulse = author.fetch("training.plan_draft_pulse", accept="application/json", code=draft.code)
    assert pulse.json["revision"] == 2
    assert issubclass(PlanDraftNotWritable, Conflict)


def test_an_edit_that_is_sent_again_under_its_number_is_done_once_and_answered_as_before(
    cast: Cast, draft: PlanDraft, as_: Any
) -> None:
    author, steps = as_(cast.author, language="en"), len(spec_of_draft(draft).steps)

    def send(number: str, **fields: Any) -> Any:
        answer = author.send(
            "POST",
            author.url("training.change_plan_draft", code=draft.code),
            data={"form_key": number, "at": "step.quiz"} | fields,
            headers={"Accept": "application/json", "X-CSRFToken": author.token()},
        )
        return answer.status_code, answer.get_json()

    adding = {"act": "add_step", "kind": "read", "after": "quiz"}
    first, again = send("a" * 24, **adding), send("a" * 24, **adding)
    assert (first[0], first[1]["at"], first[1]["said"]) == (200, "step.new-read", again[1]["said"])
    assert again[1]["at"] == "step.new-read"
    plan = spec_of_draft(get_plan_draft(draft.code))
    assert len(plan.steps) == steps + 1
    # So it is with days that were added, and with what was taken back.
    for _time in range(2):
        send("b" * 24, act="shift", step="new-read", days="2")
    assert editing.get_step(spec_of_draft(get_plan_draft(draft.code)), "new-read").due_days == (
        editing.get_step(plan, "new-read").due_days + 2
    )
    for _time in range(2):
        send("c" * 24, act="undo")
    assert len(spec_of_draft(get_plan_draft(draft.code)).steps) == steps + 1
    # The same edit that is meant a second time has another number, as each form of the page has.
    send("d" * 24, **adding)
    assert len(spec_of_draft(get_plan_draft(draft.code)).steps) == steps + 2
    assert send("d" * 24, act="undo")[0] == 409
