"""Who judges how much a thing matters, who names owners, what auditors may not do, and who is told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask

from portal.accounts import queries as accounts
from portal.accounts.errors import OwnerUnfit
from portal.accounts.models import Person, Role, Scope
from portal.accounts.service.owner_needs import refuse_lacking
from portal.accounts.service.ownership import set_owner
from portal.core import clock
from portal.core.db import session
from portal.core.i18n import Words
from portal.core.jobs import Job
from portal.core.transaction import own_transaction
from portal.duties import errors, queries
from portal.duties.emails import owner_changed
from portal.duties.models import RecurringTask
from portal.duties.queries.cards import list_judgements_of, list_open_proposals
from portal.duties.queries.critical import list_critical
from portal.duties.rules import Criticality
from portal.duties.service import tasks
from portal.duties.service.cards import get_subject
from portal.duties.service.criticality import propose_criticality, set_criticality
from portal.duties.service.responsibilities import as_seen, get_thing, list_within, name_owners
from tests.beginnings import beginning
from tests.builders import Cast, make_grant, make_person
from tests.duties.builders import BEGINS, at, make_task
from tests.duties.test_cards import form
from tests.handover.builders import begin, owed, written
from tests.page_client import Page, PageClient
from tests.training.builders import load_holidays, make_plan

TODAY = date(2026, 4, 16)
KIND = "recurring_task"


@pytest.fixture(autouse=True)
def _today(app: Any) -> Iterator[None]:
    with clock.frozen(at(TODAY)):
        yield


@pytest.fixture
@beginning
def calibration(cast: Cast) -> RecurringTask:
    """A critical task of the learner's team: the author answers for it, the approver stands in."""
    with clock.frozen(at(BEGINS - timedelta(days=1))):
        load_holidays()
        task = make_task(cast.lead, owner=cast.author, deputy=cast.approver)
    with own_transaction():
        set_criticality(kind=KIND, code=task.code, criticality=Criticality.CRITICAL, reason="users", by=cast.lead)
    return task


def of(task: RecurringTask) -> dict[str, str]:
    return {"kind": KIND, "thing": task.code}


def latest(task: RecurringTask) -> int:
    session.expire_all()
    return list_judgements_of(KIND, task.code)[0].id


# --- How much it matters -----------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "ja"])
def test_whoever_answers_for_a_thing_proposes_and_a_lead_judges(
    app: Flask, cast: Cast, calibration: RecurringTask, language: str
) -> None:
    owner, lead = PageClient(app, cast.author, language), PageClient(app, cast.lead, language)
    sent = {"criticality": "low", "reason": "mine", "seen": str(latest(calibration))}
    owner.post("duties.judge_criticality", sent, **of(calibration))
    assert (KIND, calibration.code) in list_critical(), "what holds stays until it is judged"
    assert [each.criticality for each in list_open_proposals()] == [Criticality.LOW]
    said = {"en": "Proposed: how much it matters", "ja": "重要度の提案"}[language]
    assert said in lead.get("training.today").text
    page = lead.get("duties.judge_criticality", **of(calibration))
    for each in ("mine", "users"):
        assert each in page.text, "what was said before stands on the page"
    sent = {"criticality": "high", "reason": "a week", "seen": str(latest(calibration))}
    lead.post("duties.judge_criticality", sent, **of(calibration))
    assert queries.find_criticalities([(KIND, calibration.code)])[KIND, calibration.code] is Criticality.HIGH
    assert list_open_proposals() == []
    assert said not in lead.get("training.today").text


def test_keeping_what_holds_answers_a_proposal_and_nothing_else(cast: Cast, calibration: RecurringTask) -> None:
    thing: dict[str, Any] = {"kind": KIND, "code": calibration.code, "reason": "so"}
    with pytest.raises(errors.NothingChanged), own_transaction():
        set_criticality(criticality=Criticality.CRITICAL, by=cast.lead, **thing)
    with own_transaction():
        propose_criticality(criticality=Criticality.LOW, by=cast.author, **thing)
    with pytest.raises(errors.NothingChanged), own_transaction():
        propose_criticality(criticality=Criticality.LOW, by=cast.author, **thing)
    with own_transaction():
        set_criticality(criticality=Criticality.CRITICAL, by=cast.lead, **thing)
    assert list_open_proposals() == []


def test_nobody_judges_what_she_answers_for_herself(app: Flask, cast: Cast) -> None:
    load_holidays()
    task = make_task(cast.lead)
    sent = {"criticality": "critical", "reason": "mine", "seen": "0"}
    PageClient(app, cast.lead, "en").post("duties.judge_criticality", sent, **of(task))
    assert list_critical() == {}
    PageClient(app, cast.admin, "en").post("duties.judge_criticality", sent | {"seen": str(latest(task))}, **of(task))
    assert (KIND, task.code) in list_critical()


def test_a_policy_owner_judges_within_her_reach(app: Flask, cast: Cast, calibration: RecurringTask) -> None:
    owner = make_person("policy@example.com")
    make_grant(owner, Role.POLICY_OWNER)
    sent = {"criticality": "high", "reason": "a week", "seen": str(latest(calibration))}
    PageClient(app, owner, "en").post("duties.judge_criticality", sent, **of(calibration))
    assert list_critical() == {}
    PageClient(app, cast.learner, "en").get("duties.judge_criticality", expect=404, **of(calibration))


def test_the_second_of_two_tabs_is_told(app: Flask, cast: Cast, calibration: RecurringTask) -> None:
    browser, seen = PageClient(app, cast.lead, "en"), str(latest(calibration))
    browser.post("duties.judge_criticality", {"criticality": "low", "reason": "one", "seen": seen}, **of(calibration))
    second = {"criticality": "high", "reason": "two", "seen": seen}
    page = browser.post("duties.judge_criticality", second, expect=409, **of(calibration))
    assert isinstance(page, Page)
    assert "Somebody else has judged it meanwhile" in page.text
    assert page.one("textarea", name="reason").text == "two", "what was typed is still there"


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_lead_is_told_when_somebody_else_says_that_it_is_critical_no_more(
    cast: Cast, calibration: RecurringTask, language: str
) -> None:
    other = make_person("other@example.com", team=cast.lead.team)
    elsewhere = make_person("elsewhere@example.com")
    make_grant(other, Role.LEAD, Scope.TEAM, cast.lead.team.code)
    make_grant(elsewhere, Role.LEAD, Scope.TEAM, "elsewhere")
    with own_transaction():
        session.get_one(Person, other.id).language = language

    def judge(criticality: Criticality) -> None:
        with own_transaction():
            set_criticality(
                kind=KIND, code=calibration.code, criticality=criticality, reason="Rare by now", by=cast.admin
            )

    judge(Criticality.HIGH)
    mails = owed("duties.criticality_lowered")
    assert elsewhere.code not in {each["to"] for each in mails}
    (mail,) = [each for each in mails if each["to"] == other.code]
    said = written("duties.criticality_lowered", **mail)
    assert said.startswith(other.sign_in_name)
    assert "Rare by now" in said
    assert f"/cards/criticality/{KIND}/{calibration.code}" in said
    assert {"en": "High", "ja": "高"}[language] in said
    # What was high already, and is raised again, is no news of this kind.
    judge(Criticality.LOW)
    judge(Criticality.CRITICAL)
    assert len(owed("duties.criticality_lowered")) == len(mails)
    session.expire_all()
    assert written("duties.criticality_lowered", **mail) == ""


# --- Auditors ----------------------------------------------------------------------------------


def test_an_auditor_who_answers_for_something_reads_and_writes_nothing(
    app: Flask, cast: Cast, calibration: RecurringTask
) -> None:
    auditor = make_person("auditor@example.com", team=cast.lead.team)
    make_grant(auditor, Role.AUDITOR)
    with own_transaction():
        set_owner(kind=KIND, code=calibration.code, owner=auditor, by=cast.lead)
    browser, where = PageClient(app, auditor, "en"), {"kind": KIND, "code": calibration.code}
    browser.get("duties.task", code=calibration.code)
    browser.get("duties.card", **of(calibration))
    browser.get("duties.record_run", code=calibration.code, day="2026-04-15", expect=403)
    browser.get("duties.write_card", expect=403, **of(calibration))
    browser.get("duties.judge_criticality", expect=404, **of(calibration))
    assert "This account cannot change it" in browser.get("duties.name_owners", **where).text
    browser.post("duties.name_owners", {"owner": auditor.code, "deputy": "", "team": ""}, expect=403, **where)


@pytest.mark.parametrize("language", ["en", "ja"])
def test_an_auditor_is_neither_offered_nor_accepted_as_owner_or_deputy(
    app: Flask, cast: Cast, calibration: RecurringTask, language: str
) -> None:
    auditor, both = make_person("auditor@example.com", team=cast.lead.team), make_person("both@example.com")
    make_grant(auditor, Role.AUDITOR)
    make_grant(both, Role.AUDITOR)
    make_grant(both, Role.MENTOR)
    browser = PageClient(app, cast.admin, language)
    for endpoint, values in (
        ("duties.name_owners", {"kind": KIND, "code": calibration.code}),
        ("duties.change_task", {"code": calibration.code}),
    ):
        page = browser.get(endpoint, **values)
        offered = [each.get("value") for name in ("owner", "deputy") for each in page.one("select", id=name)]
        assert auditor.code not in offered
        assert both.code in offered
    terms = tasks.wanted_of(calibration.latest)
    with pytest.raises(errors.OwnerAudits):
        tasks.preview(wanted=terms, owner=auditor, deputy=None, by=cast.admin)
    with pytest.raises(errors.DeputyAudits):
        tasks.preview(wanted=terms, owner=both, deputy=auditor, by=cast.admin)
    with pytest.raises(OwnerUnfit):
        refuse_lacking(auditor, [(KIND, calibration.code)])
    refuse_lacking(both, [(KIND, calibration.code)])


# --- Owners ------------------------------------------------------------------------------------


def test_what_is_the_whole_organisations_is_given_by_administrators(app: Flask, cast: Cast) -> None:
    load_holidays()
    make_plan("first-days", cast.lead)
    make_grant(cast.lead, Role.AUTHOR)
    with own_transaction():
        set_owner(kind="plan", code="first-days", owner=cast.author, by=cast.admin)
    row = accounts.find_owner("plan", "first-days")
    assert row is not None
    sent = {"owner": cast.lead.code, "deputy": "", "team": "", "seen": str(row.id)}
    refused = PageClient(app, cast.lead, "en").post(
        "duties.name_owners", sent, expect=400, kind="plan", code="first-days"
    )
    assert isinstance(refused, Page)
    assert "Another owner is named by who leads" in refused.text
    PageClient(app, cast.admin, "en").post("duties.name_owners", sent, kind="plan", code="first-days")
    named = accounts.find_owner("plan", "first-days")
    assert named is not None
    assert named.owner_id == cast.lead.id


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_change_of_owner_is_told_to_all_and_stands_on_the_page(
    app: Flask, cast: Cast, calibration: RecurringTask, language: str
) -> None:
    before = accounts.find_owner(KIND, calibration.code)
    assert before is not None
    make_grant(cast.colleague, Role.MENTOR)
    with own_transaction():
        row = name_owners(
            thing=get_thing(KIND, calibration.code),
            owner=cast.colleague,
            deputy=cast.lead,
            team=None,
            seen=before.id,
            by=cast.lead,
            deputy_only=False,
        )
    for part, person in (("owner", cast.colleague), ("former", cast.author)):
        mail = owner_changed(row.id, person.code, part)
        assert mail is not None
        assert mail.values["title"] == calibration.title.in_(person.language)
    assert owner_changed(before.id, cast.author.code, "owner") is None, "that is another's by now"
    assert mails_owed(row.id) == {cast.colleague.code: "owner", cast.author.code: "former"}
    page = PageClient(app, cast.lead, language).get("duties.name_owners", kind=KIND, code=calibration.code)
    assert {"en": "Who has answered for it", "ja": "これまでの責任者"}[language] in page.text
    for person in (cast.author, cast.colleague):
        assert person.name_in(language) in page.text
    task = PageClient(app, cast.lead, language).get("duties.task", code=calibration.code)
    assert {"en": "Owner: ", "ja": "責任者："}[language] in task.text


def mails_owed(ownership_id: int) -> dict[str, str]:
    """Return to whom a mail about a row is owed, and as what."""
    rows = session.query(Job).where(Job.effect_key.startswith(f"mail:duties.owner_changed:{ownership_id}:")).all()
    arguments = [row.arguments["arguments"] for row in rows]
    return {each["to"]: each["part"] for each in arguments}


# --- What can be opened ------------------------------------------------------------------------


def test_the_list_links_only_what_the_reader_may_open(app: Flask, cast: Cast, calibration: RecurringTask) -> None:
    def links(person: Person) -> list[str]:
        page = PageClient(app, person, "en").get("duties.list_responsibilities")
        return [str(each.get("href")) for each in page.tree.iter("a")]

    assert f"/recurring-tasks/{calibration.code}" in links(cast.lead)
    # The approver's reach covers who answers for it, and as deputy opens it; without that she does not.
    assert f"/recurring-tasks/{calibration.code}" in links(cast.approver)
    with own_transaction():
        set_owner(kind=KIND, code=calibration.code, owner=cast.author, by=cast.lead)
    assert f"/recurring-tasks/{calibration.code}" not in links(cast.approver)


def test_what_a_card_is_about_is_told_to_those_alone_who_may_read_it(app: Flask, cast: Cast) -> None:
    load_holidays()
    make_grant(cast.lead, Role.LEAD)
    titles = {"title_ja": "鍵の場所", "title_en": "Where the keys are"}
    PageClient(app, cast.lead, "en").post("duties.new_card", form() | titles)
    cards = [each for each in list_within(cast.lead) if each.kind == "card"]
    (mine,) = cards
    assert mine.thing.title == "Where the keys are"
    (hidden,) = [each for each in list_within(cast.admin) if each.kind == "card"]
    assert hidden.thing.title == "A card that this account may not read"
    assert hidden.thing.href is None
    assert as_seen(cast.lead, get_subject("card", mine.code)).thing.title == "Where the keys are"
    for person in (cast.admin, cast.approver):
        page = PageClient(app, person, "en").get("duties.list_responsibilities")
        assert "Where the keys are" not in page.text


def test_a_mentor_finds_what_she_answers_for_and_nothing_else(
    app: Flask, cast: Cast, calibration: RecurringTask
) -> None:
    mentor = make_person("mentor@example.com", team=cast.lead.team)
    make_grant(mentor, Role.MENTOR)
    own = make_task(cast.lead, owner=mentor, title=Words("Night watch", "夜間の見守り"))
    browser = PageClient(app, mentor, "en")
    for name in ("duties.list_responsibilities", "duties.list_tasks"):
        page = browser.get(name)
        assert str(own.title.en) in page.text
        assert "Weekly calibration" not in page.text


def test_what_is_handed_over_says_so_before_anything_is_chosen(
    app: Flask, cast: Cast, calibration: RecurringTask
) -> None:
    where = {"kind": KIND, "code": calibration.code}
    browser = PageClient(app, cast.lead, "en")
    assert "Go to the handover" not in browser.get("duties.name_owners", **where).text
    begin(cast.author, cast.lead, notice_on=TODAY, last_on=date(2026, 5, 20))
    page = browser.get("duties.name_owners", **where)
    assert "is being handed over by" in page.text
    assert "Go to the handover" in page.text


# --- Small things ------------------------------------------------------------------------------


def test_days_that_wait_are_left_out_together(app: Flask, cast: Cast, calibration: RecurringTask) -> None:
    browser = PageClient(app, cast.lead, "en")
    page = browser.get("duties.task", code=calibration.code)
    assert "Leave out all of these days at once" in page.text
    where = {"code": calibration.code, "day": "2026-04-15"}
    asked = browser.get("duties.record_run", **where, earlier="1")
    assert "2 earlier days wait" in asked.text
    page = browser.follow(
        browser.post("duties.record_run", {"outcome": "skipped", "reason": "moved", "earlier": "y"}, **where)
    )
    assert "left out on 3 days" in page.text
    assert "overdue" not in page.text


def test_alone_with_a_helper_and_a_clause_without_a_procedure_are_refused(
    app: Flask, cast: Cast, calibration: RecurringTask
) -> None:
    browser = PageClient(app, cast.lead, "en")
    sent = {
        "outcome": "done",
        "person": cast.learner.code,
        "done_on": "2026-04-15",
        "how": "alone",
        "helper": cast.colleague.code,
        "note": "",
    }
    page = browser.post("duties.record_run", sent, code=calibration.code, day="2026-04-15", expect=400)
    assert isinstance(page, Page)
    assert "Done alone means that nobody helped." in page.text
    with pytest.raises(errors.ClauseWithoutProcedure):
        make_task(cast.lead, procedure_clause="nonsense")


def test_saving_again_after_going_back_makes_no_second_card(app: Flask, cast: Cast) -> None:
    load_holidays()
    make_grant(cast.lead, Role.LEAD)
    browser = PageClient(app, cast.lead, "en")
    titles = {"title_ja": "鍵の場所", "title_en": "Where the keys are"}
    browser.post("duties.new_card", form() | titles)
    again = browser.post("duties.new_card", form() | titles, expect=409)
    assert isinstance(again, Page)
    assert "There is a card with this title" in again.text
