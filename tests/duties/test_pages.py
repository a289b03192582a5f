"""The pages of recurring tasks and of who answers for what, in both languages."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask

from portal.accounts import queries as accounts
from portal.accounts.models import Person
from portal.accounts.service.ownership import set_owner
from portal.calendars.service import CompanyPeriod, add_company_days
from portal.core import clock
from portal.core.i18n import Words
from portal.core.transaction import own_transaction
from portal.duties import errors
from portal.duties.models import RecurringTask
from portal.duties.queries import tasks as queries
from portal.library.models import AudienceKind
from tests.beginnings import beginning
from tests.builders import Cast, make_person
from tests.duties.builders import BEGINS, at, make_task, record
from tests.library.builders import make_published
from tests.page_client import Page, PageClient
from tests.queries import counted_queries
from tests.training.builders import load_holidays

TODAY = date(2026, 4, 16)


@pytest.fixture(autouse=True)
def _today(app: Any) -> Iterator[None]:
    with clock.frozen(at(TODAY)):
        yield


@pytest.fixture
@beginning
def calibration(cast: Cast) -> RecurringTask:
    """Every Wednesday since 1 April, of the learner's team; the lead answers for it, and nobody stands in."""
    with clock.frozen(at(BEGINS - timedelta(days=1))):
        load_holidays()
        return make_task(cast.lead)


def terms_form(owner: Person, **changed: Any) -> dict[str, Any]:
    """Return what the form of terms sends: every Wednesday, for a team."""
    return {
        "title_ja": "朝会",
        "title_en": "Morning meeting",
        "place": "team:account-safety",
        "starts_on": "2026-04-20",
        "rhythm": "weekly",
        "weeks": "1",
        "weekday": "2",
        "when_off": "after",
        "procedure": "",
        "owner": owner.code,
        "deputy": "",
        "act": "preview",
    } | changed


def seen_in(page: Page) -> str:
    return page.one("input", name="seen").get("value", "")


def owner_of(kind: str, code: str) -> tuple[str, str | None]:
    found = accounts.find_owner(kind, code)
    assert found is not None
    return found.owner.code, found.deputy.code if found.deputy else None


# --- Recurring tasks -----------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_list_and_the_page_say_what_is_overdue_and_why_on_those_days(
    app: Flask, cast: Cast, calibration: RecurringTask, language: str
) -> None:
    browser = PageClient(app, cast.lead, language)
    said = {
        "en": ("3 days wait", "3 times are overdue.", "Showa Day"),
        "ja": ("未実施3件", "期限を過ぎた回が3件あります。", "昭和の日"),
    }[language]
    assert said[0] in browser.get("duties.list_tasks").text
    page = browser.get("duties.task", code=calibration.code)
    assert said[1] in page.text
    # 29 April is a holiday: the day after it, and why.
    assert said[2] in page.text
    assert "nobody" in page.text or "なし" in page.text


def test_terms_are_shown_with_their_next_days_before_they_hold(
    app: Flask, cast: Cast, calibration: RecurringTask
) -> None:
    browser = PageClient(app, cast.lead, "en")
    form = terms_form(cast.lead)
    preview = browser.post("duties.new_task", form, expect=200)
    assert isinstance(preview, Page)
    for said in ("Wed 22 Apr 2026", "Thu 30 Apr 2026", "Wed 29 Apr 2026 is not worked (Showa Day)"):
        assert said in preview.text
    assert len(queries.list_running_tasks()) == 1
    made = browser.follow(browser.post("duties.new_task", form | {"act": "confirm", "seen": seen_in(preview)}))
    assert made.heading == "Morning meeting"
    assert len(queries.list_running_tasks()) == 2


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "Company days of 2027, such as a closure at the end of the year, are not entered yet"),
        ("ja", "2027年の会社の休業日（年末年始の休業など）はまだ登録されていない"),
    ],
)
def test_days_of_a_year_whose_closures_are_not_entered_yet_say_so(
    app: Flask, cast: Cast, calibration: RecurringTask, language: str, said: str
) -> None:
    browser = PageClient(app, cast.lead, language)
    form = terms_form(cast.lead, weeks="8", starts_on="2026-11-02")

    def told() -> bool:
        page = browser.post("duties.new_task", form, expect=200)
        assert isinstance(page, Page)
        return said in page.text

    assert not told()
    for first_on, last_on, expected in (
        (date(2026, 12, 29), date(2027, 1, 3), True),
        (date(2027, 12, 29), date(2028, 1, 3), False),
    ):
        with own_transaction():
            period = CompanyPeriod(first_on, last_on, Words("Closed", "休業"))
            add_company_days(markets=[cast.lead.home_market], period=period, by=cast.admin)
        assert told() is expected


def test_terms_that_were_changed_after_their_preview_are_previewed_anew(
    app: Flask, cast: Cast, calibration: RecurringTask
) -> None:
    browser = PageClient(app, cast.lead, "en")
    preview = browser.post("duties.new_task", terms_form(cast.lead), expect=200)
    assert isinstance(preview, Page)
    other = terms_form(cast.lead, weekday="4", act="confirm", seen=seen_in(preview))
    again = browser.post("duties.new_task", other, expect=200)
    assert isinstance(again, Page)
    assert "Fri 24 Apr 2026" in again.text
    assert len(queries.list_running_tasks()) == 1


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"title_en": ""}, "required"),
        ({"rhythm": "monthly", "months": "1", "counted": "start", "working_day": "99"}, "from 1 to 20"),
        ({"rhythm": "every", "days": ""}, "Enter after how many working days it recurs."),
        ({"starts_on": ""}, "Choose the day from which it is in force."),
        ({"weekday": ""}, "required"),
        ({"rhythm": "nonsense"}, "choice"),
        ({"starts_on": "soon"}, "date"),
        ({"starts_on": "2040-01-01"}, "more than a year"),
        ({"place": "market:US"}, "choice"),
        ({"deputy": "NOBODY"}, "choice"),
        ({"clause": "x" * 81}, "80"),
    ],
)
def test_bad_terms_get_a_message_and_lose_nothing(
    app: Flask, cast: Cast, calibration: RecurringTask, changed: dict[str, str], said: str
) -> None:
    page = PageClient(app, cast.lead, "en").post("duties.new_task", terms_form(cast.lead, **changed), expect=400)
    assert isinstance(page, Page)
    assert said.lower() in page.text.lower()
    assert page.one("input", name="title_ja").get("value") == "朝会"


def test_a_deputy_records_what_was_done_and_takes_it_back(app: Flask, cast: Cast, calibration: RecurringTask) -> None:
    with own_transaction():
        set_owner(kind=queries.OWNED_KIND, code=calibration.code, owner=cast.lead, deputy=cast.colleague, by=cast.lead)
    browser = PageClient(app, cast.colleague, "en")
    browser.get("duties.record_run", code=calibration.code, day="2026-04-08")
    form = {
        "outcome": "done",
        "person": cast.colleague.code,
        "done_on": "2026-04-09",
        "how": "with_help",
        "helper": cast.lead.code,
        "note": "Moved",
        "reason": "",
    }
    page = browser.follow(browser.post("duties.record_run", form, code=calibration.code, day="2026-04-08"))
    assert "1 day late" in page.text
    assert "with the help of" in page.text
    (run,) = queries.list_runs(calibration)
    back = browser.post("duties.take_back_run", {"reason": "Wrong"}, code=calibration.code, run=run.code)
    assert "the day waits again" in browser.follow(back).text


@pytest.mark.parametrize(
    "changed",
    [
        {"outcome": ""},
        {"person": ""},
        {"how": "with_help", "helper": ""},
        {"done_on": "2026-05-01"},
        {"outcome": "skipped", "reason": ""},
        {"note": "x" * 501},
    ],
)
def test_a_bad_record_is_refused_in_words(
    app: Flask, cast: Cast, calibration: RecurringTask, changed: dict[str, str]
) -> None:
    form = {
        "outcome": "done",
        "person": cast.lead.code,
        "done_on": "2026-04-09",
        "how": "alone",
        "helper": "",
        "note": "n",
    }
    page = PageClient(app, cast.lead, "ja").post(
        "duties.record_run", form | changed, expect=400, code=calibration.code, day="2026-04-08"
    )
    assert isinstance(page, Page)
    if changed == {"person": ""}:
        assert "実施した人を選んでください。" in page.text
    assert queries.list_runs(calibration) == []


def test_a_day_that_does_not_wait_says_so(app: Flask, cast: Cast, calibration: RecurringTask) -> None:
    browser = PageClient(app, cast.lead, "en")
    assert "Nothing waits on this day" in browser.get("duties.record_run", code=calibration.code, day="2026-04-09").text
    browser.get("duties.record_run", expect=404, code=calibration.code, day="tomorrow")
    browser.get("duties.take_back_run", expect=404, code=calibration.code, run="NOSUCHRUN000")
    browser.get("duties.task", expect=404, code="NOSUCHTASK00")


def test_who_is_neither_of_the_team_nor_answers_for_it_finds_no_task(
    app: Flask, cast: Cast, calibration: RecurringTask
) -> None:
    for person in (cast.learner, cast.outsider, cast.approver):
        PageClient(app, person, "en").get("duties.task", expect=404, code=calibration.code)


def test_terms_are_changed_and_the_task_is_ended_with_a_reason(
    app: Flask, cast: Cast, calibration: RecurringTask
) -> None:
    browser = PageClient(app, cast.lead, "en")
    form = terms_form(cast.lead, weekday="4", reason="Fridays suit better", number="1")
    preview = browser.post("duties.change_task", form, expect=200, code=calibration.code)
    assert isinstance(preview, Page)
    changed = form | {"act": "confirm", "seen": seen_in(preview)}
    page = browser.follow(browser.post("duties.change_task", changed, code=calibration.code))
    assert "Fridays suit better" in page.text
    ended = browser.follow(browser.post("duties.end_task", {"reason": "Gone"}, code=calibration.code))
    assert "This task has ended." in ended.text


# --- Who answers for what ------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_list_tells_what_has_no_deputy(app: Flask, cast: Cast, calibration: RecurringTask, language: str) -> None:
    browser = PageClient(app, cast.lead, language)
    title = str(calibration.latest.title.in_(language))
    assert title in browser.get("duties.list_responsibilities", show="no_deputy").text
    assert title not in browser.get("duties.list_responsibilities", show="no_owner").text
    assert title in browser.get("duties.list_responsibilities", show="near").text
    assert title in browser.get("duties.of_person", code=cast.lead.code).text
    assert title in browser.get("duties.of_team", code="account-safety").text


def test_a_thing_whose_owner_is_gone_is_among_those_without_one(
    app: Flask, cast: Cast, calibration: RecurringTask
) -> None:
    gone = make_person("gone@portal.example", team=cast.lead.team)
    with own_transaction():
        set_owner(kind=queries.OWNED_KIND, code=calibration.code, owner=gone, by=cast.lead)
    with own_transaction():
        accounts.find_person(gone.code).deactivated_at = clock.now()  # type: ignore[union-attr]
    page = PageClient(app, cast.lead, "en").get("duties.list_responsibilities", show="no_owner")
    assert "Weekly calibration" in page.text
    assert "(deactivated)" in page.text


def test_a_lead_names_another_owner_deputy_and_team_in_place(
    app: Flask, cast: Cast, calibration: RecurringTask
) -> None:
    browser = PageClient(app, cast.lead, "en")
    seen = accounts.find_owner(queries.OWNED_KIND, calibration.code)
    assert seen is not None
    form = {"owner": cast.author.code, "deputy": cast.lead.code, "team": "account-safety", "seen": str(seen.id)}
    where: dict[str, Any] = {"kind": queries.OWNED_KIND, "code": calibration.code}
    browser.get("duties.name_owners", **where)
    browser.post("duties.name_owners", form, **where)
    assert owner_of(**where) == (cast.author.code, cast.lead.code)
    # The page that was open before does not undo it.
    stale = browser.post("duties.name_owners", form | {"owner": cast.lead.code, "deputy": ""}, expect=409, **where)
    assert isinstance(stale, Page)
    assert "Somebody else has named others meanwhile." in stale.text


def test_an_owner_names_the_deputy_alone(app: Flask, cast: Cast, calibration: RecurringTask) -> None:
    with own_transaction():
        set_owner(kind=queries.OWNED_KIND, code=calibration.code, owner=cast.colleague, by=cast.lead)
    seen = accounts.find_owner(queries.OWNED_KIND, calibration.code)
    assert seen is not None
    where: dict[str, Any] = {"kind": queries.OWNED_KIND, "code": calibration.code}
    browser = PageClient(app, cast.colleague, "en")
    form = {"owner": cast.author.code, "deputy": "", "team": "account-safety", "seen": str(seen.id)}
    refused = browser.post("duties.name_owners", form, expect=400, **where)
    assert isinstance(refused, Page)
    assert "may name the deputy alone" in refused.text
    browser.post("duties.name_owners", form | {"owner": cast.colleague.code, "deputy": cast.lead.code}, **where)
    assert owner_of(**where) == (cast.colleague.code, cast.lead.code)


def test_who_stands_in_is_told_who_could_change_it(app: Flask, cast: Cast, calibration: RecurringTask) -> None:
    with own_transaction():
        set_owner(kind=queries.OWNED_KIND, code=calibration.code, owner=cast.lead, deputy=cast.colleague, by=cast.lead)
    where: dict[str, Any] = {"kind": queries.OWNED_KIND, "code": calibration.code}
    browser = PageClient(app, cast.colleague, "en")
    assert "This account cannot change it" in browser.get("duties.name_owners", **where).text
    browser.post("duties.name_owners", {"owner": cast.colleague.code}, expect=403, **where)
    PageClient(app, cast.learner, "en").get("duties.name_owners", expect=404, **where)
    browser.get("duties.name_owners", expect=404, kind="nothing", code="x")


def test_the_list_can_be_taken_as_a_file(app: Flask, cast: Cast, calibration: RecurringTask) -> None:
    browser = PageClient(app, cast.lead, "en")
    sent = browser.fetch("duties.responsibilities_csv", show="no_deputy")
    rows = list(csv.reader(io.StringIO(sent.data.decode("utf-8-sig"))))
    assert ["Recurring task", "Weekly calibration"] in [row[:2] for row in rows]
    assert browser.fetch("duties.responsibilities_xlsx").data[:2] == b"PK"


def test_the_pages_take_as_many_statements_however_much_there_is(
    app: Flask, cast: Cast, calibration: RecurringTask
) -> None:
    browser = PageClient(app, cast.admin, "en")

    def counts() -> dict[str, int]:
        found = {}
        for name, values in {
            "duties.list_tasks": {},
            "duties.list_responsibilities": {},
            "duties.of_person": {"code": cast.lead.code},
            "duties.of_team": {"code": "account-safety"},
        }.items():
            browser.get(name, **values)
            with counted_queries() as seen:
                browser.get(name, **values)
            found[name] = len(seen)
        return found

    before = counts()
    for number in range(5):
        task = make_task(cast.lead, title=Words(f"Task {number}", f"業務{number}"), deputy=cast.author)
        record(task, date(2026, 4, 1), cast.lead)
    assert counts() == before


def test_a_text_that_is_not_hers_to_read_is_not_offered_as_procedure_and_not_named(
    app: Flask, cast: Cast, calibration: RecurringTask
) -> None:
    make_published(cast.admin, audience={AudienceKind.MARKET: ["US"]})
    browser = PageClient(app, cast.lead, "en")
    page = browser.get("duties.new_task")
    assert [each.get("value") for each in page.one("select", name="procedure").iter("option")] == [""]
    with pytest.raises(errors.ProcedureMissing):
        make_task(cast.lead, procedure_slug="impersonation")
    mine = make_task(cast.author, procedure_slug="impersonation")
    shown = browser.get("duties.task", code=mine.code)
    assert "/library/impersonation" not in shown.links()
