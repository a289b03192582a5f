"""The organisation's settings, markets, teams, its wellbeing page and its background work."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from portal.accounts.models import Person
from portal.accounts.service import links
from portal.calendars.service import load_national_holidays
from portal.core import clock, jobs, mail
from portal.core.db import session
from portal.core.i18n import Words
from portal.core.jobs import JobState
from portal.core.transaction import own_transaction
from portal.journal.models import JournalEntry
from portal.organisation import queries
from portal.organisation.models import Market, Team
from tests.builders import Cast, make_market, make_person
from tests.page_client import Page, PageClient
from tests.queries import counted_queries

SETTINGS = {
    "name_en": "Guidepost Ltd", "name_ja": "道標株式会社", "contact_en": "Dr Ito, ext. 4411",
    "contact_ja": "伊藤医師（内線4411）",
    "text_en": "Any time.\n\nIn confidence.", "text_ja": "いつでも。", "time_zone": "Europe/London", "language": "ja",
    "tolerance": "７", "escalated_after": "3", "statement": "exposure-and-wellbeing",
}  # fmt: skip


@pytest.fixture
def admin(as_: Any, cast: Cast) -> PageClient:
    return as_(cast.admin)  # type: ignore[no-any-return]


def test_settings_hold_on_every_page_and_stand_in_the_journal(admin: PageClient, app: Flask) -> None:
    admin.post("organisation.change_settings", SETTINGS)
    assert queries.name() == Words("Guidepost Ltd", "道標株式会社")
    assert queries.default_time_zone() == "Europe/London"
    assert queries.attempt_tolerance() == timedelta(seconds=7)
    assert queries.escalated_after() == 3
    stranger = PageClient(app, language="ja")
    page = stranger.get("accounts.sign_in")
    assert "道標株式会社" in page.text
    assert "伊藤医師（内線4411）" in admin.get("accounts.own_account", lang="ja").text
    wellbeing = stranger.get("organisation.wellbeing")
    assert "伊藤医師（内線4411）" in wellbeing.text
    assert "Dr Ito, ext. 4411" in wellbeing.text
    # The other language is one press away, under its own name.
    fold = wellbeing.one("details", lang="en")
    assert "English" in "".join(fold.itertext())
    assert "伊藤医師" not in "".join(fold.itertext())
    entry = session.query(JournalEntry).one()
    assert entry.after is not None
    assert entry.after["organisation.name"] == {"en": "Guidepost Ltd", "ja": "道標株式会社"}
    # Saying the same again changes nothing.
    admin.post("organisation.change_settings", SETTINGS)
    assert session.query(JournalEntry).count() == 1


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [("time_zone", "Mars/Base", "タイムゾーンはありません"), ("tolerance", "abc", "整数"),
     ("tolerance", "61", "0から60まで"), ("name_ja", "", "名称（日本語）を入力してください"),
     ("escalated_after", "0", "1から20まで"), ("contact_en", "x" * 121, "120文字以内"), ("language", "fr", "")],
)  # fmt: skip
def test_a_setting_that_cannot_be_is_refused_in_words(admin: PageClient, field: str, value: str, words: str) -> None:
    admin.language = "ja"
    page = admin.post("organisation.change_settings", {**SETTINGS, field: value}, expect=400)
    assert words in page.text
    assert session.query(JournalEntry).count() == 0


def test_what_cannot_be_read_is_said_once(admin: PageClient) -> None:
    page = admin.post("organisation.change_settings", {**SETTINGS, "tolerance": "abc"}, expect=400, lang="en")
    assert isinstance(page, Page)
    assert len(page.all("div", class_="field__error")) == 1
    assert page.text.count("Enter a whole number from 0 to 60.") == 2  # in the summary and at the field


@pytest.mark.parametrize("typed", ["abc", "", "61", "-1"])
def test_a_number_that_cannot_be_is_told_which_numbers_can(admin: PageClient, typed: str) -> None:
    for language, words in (
        ("en", "Enter a whole number from 0 to 60."),
        ("ja", "0から60までの整数を入力してください。"),
    ):
        page = admin.post("organisation.change_settings", {**SETTINGS, "tolerance": typed}, expect=400, lang=language)
        assert isinstance(page, Page)
        assert [words in "".join(each.itertext()) for each in page.all("div", class_="field__error")] == [True]


def test_a_stranger_sees_no_name_or_address_of_the_wellbeing_contact(admin: PageClient, app: Flask) -> None:
    admin.post("organisation.change_settings", SETTINGS)
    for language, name in (("ja", "伊藤医師"), ("en", "Dr Ito")):
        stranger = PageClient(app, language=language)
        for endpoint in ("accounts.sign_in", "accounts.forgotten"):
            page = stranger.get(endpoint)
            assert name not in page.text
            assert "/wellbeing" in page.links()
        for page in (
            stranger.get("certificates.verify_form"),
            stranger.get("certificates.verify", code="AAAA-AAAA-AAAA-AAAA", expect=404),
            stranger.get("/nothing-here", expect=404),
        ):
            assert name not in page.text
            assert "/wellbeing" not in page.links()


def test_a_filter_that_is_not_understood_is_named(admin: PageClient) -> None:
    assert "This filter was not understood and is not applied: State." in admin.get("/jobs?state=zzz").text
    assert "not understood" not in admin.get("/jobs?state=failed").text


def test_a_market_keeps_the_holidays_of_a_known_table_or_none(admin: PageClient) -> None:
    page = admin.get("organisation.markets", lang="ja")
    assert "なし（週末と会社の休業日のみ）" in page.text
    market = {"code": "gb", "name_en": "Britain", "name_ja": "英国", "time_zone": "Europe/London"}
    refused = admin.post("organisation.add_market", {**market, "holiday_country": "XX"}, expect=400, lang="ja")
    assert "祝日の表を選ぶか" in refused.text
    with own_transaction():
        load_national_holidays(country="GB", years=range(2025, 2028))
    admin.post("organisation.add_market", {**market, "holiday_country": "GB"})
    assert "United Kingdom: table 1, 2025 to 2027" in admin.get("organisation.markets", lang="en").text
    with clock.frozen(datetime(2027, 3, 1, tzinfo=UTC)):
        admin.renew(session.query(Person).filter_by(sign_in_name="admin@portal.example").one())
        assert "The table ends with 2027" in admin.get("organisation.market", code="GB", lang="en").text


def test_a_market_whose_holidays_are_unknown_says_that_no_date_can_be_computed(admin: PageClient) -> None:
    make_market("XX", holiday_country="XX")
    assert "祝日の表がありません" in admin.get("organisation.markets", lang="ja").text
    assert "no date of this market can be computed" in admin.get("organisation.market", code="XX", lang="en").text


def test_the_wellbeing_page_stands_in_the_readers_own_frame(admin: PageClient, client: PageClient) -> None:
    assert admin.get("organisation.wellbeing").all("main", class_="shell__main")
    assert client.get("organisation.wellbeing").all("main", class_="plain__main")


def test_a_market_is_added_and_changed(admin: PageClient) -> None:
    with own_transaction():
        load_national_holidays(country="GB")
    market = {
        "code": "gb",
        "name_en": "Britain",
        "name_ja": "英国",
        "time_zone": "Europe/London",
        "holiday_country": "GB",
    }
    admin.post("organisation.add_market", market)
    found = session.query(Market).filter_by(code="GB").one()
    assert (found.time_zone, found.holiday_country) == ("Europe/London", "GB")
    admin.language = "ja"
    for bad, words in (
        ({"code": "GB"}, "すでに使われています"),
        ({"code": "g b"}, "20文字以内"),
        ({"code": "FR", "time_zone": "Europe/Atlantis"}, "「Europe/Atlantis」というタイムゾーンはありません"),
        ({"code": "FR", "holiday_country": "France"}, "祝日の表を選ぶか"),
    ):
        page = admin.post("organisation.add_market", {**market, **bad}, expect=409 if bad["code"] == "GB" else 400)
        assert words in page.text
        assert page.all("div", class_="field__error")
    admin.post("organisation.change_market", {**market, "time_zone": "UTC", "holiday_country": ""}, code="GB")
    session.expire_all()
    assert (found.time_zone, found.holiday_country) == ("UTC", None)
    admin.get("organisation.market", code="NO", expect=404)


def test_a_team_is_added_closed_and_then_offered_nowhere(admin: PageClient, cast: Cast) -> None:
    team = {"code": "Night-Shift", "name_en": "Night shift", "name_ja": "夜勤", "market": "JP"}
    admin.post("organisation.add_team", team)
    admin.post("organisation.add_team", team, expect=409)
    admin.post("organisation.add_team", {**team, "code": "x_y"}, expect=400)
    admin.post("organisation.add_team", {**team, "code": "other", "market": "XX"}, expect=400)
    found = session.query(Team).filter_by(code="night-shift").one()
    assert "夜勤" in admin.get("accounts.invite", lang="ja").text
    admin.post("organisation.change_team", {**team, "is_closed": "y"}, code="night-shift")
    session.expire_all()
    assert found.closed_at is not None
    assert "夜勤" not in admin.get("accounts.invite", lang="ja").text


def test_only_administrators_change_the_organisation(as_: Any, cast: Cast, client: PageClient) -> None:
    for person in (cast.learner, cast.lead, cast.author):
        browser = as_(person)
        for endpoint in (
            "organisation.settings",
            "organisation.markets",
            "organisation.teams",
            "organisation.list_jobs",
        ):
            assert browser.fetch(endpoint).status_code == 403
        browser.post("organisation.change_settings", SETTINGS, expect=403)
    assert client.fetch("organisation.settings").status_code == 302
    client.get("organisation.wellbeing")


@jobs.job("tests.pages", tries=1)
def _work(fail: bool) -> None:
    if fail:
        raise OSError("<b>the server</b> is away")


def test_failed_work_is_shown_with_its_cause_and_tried_again(admin: PageClient, app: Flask) -> None:
    with own_transaction():
        failed = jobs.enqueue("tests.pages", {"fail": True}, effect_key="a")
        jobs.enqueue("tests.pages", {"fail": False}, effect_key="b")
        waiting = jobs.enqueue(
            "tests.pages", {"fail": False}, effect_key="c", run_after=clock.now() + timedelta(days=1)
        )
        failed_code, waiting_code = failed.code, waiting.code
    jobs.run_due()
    page = admin.get("organisation.list_jobs", lang="en")
    assert "The worker is not responding" in page.text
    assert "Something unexpected went wrong" in page.text
    assert "<b>the server</b> is away" in page.text
    only = admin.get("organisation.list_jobs", state="failed", lang="en")
    assert "1 of 1" in only.text
    assert only.text.count("Technical detail") == 1
    admin.post("organisation.retry_job", {"state": "failed"}, job=failed_code)
    assert jobs.count_by_state()[JobState.CREATED] == 2
    # Work that has not failed is not tried again; the page says so.
    response = admin.post("organisation.retry_job", job=waiting_code)
    assert "cannot be retried" in admin.follow(response).text
    admin.post("organisation.cancel_job", job=waiting_code)
    assert jobs.count_by_state()[JobState.CANCELLED] == 1
    admin.post("organisation.retry_job", job="987654", expect=404)
    jobs.beat()
    page = admin.get("organisation.list_jobs", lang="ja")
    assert "ワーカーからの応答がありません" not in page.text
    assert "取り消し済み" in page.text


def test_every_kind_of_work_is_put_in_words(app: Flask) -> None:
    assert [name for name in jobs.undescribed() if not name.startswith(("test.", "tests."))] == []
    assert [name for name in mail.undescribed() if not name.startswith(("test.", "tests."))] == []


def test_a_mail_that_cannot_be_sent_says_to_whom_why_and_when_it_is_tried_again(
    admin: PageClient, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody_there(message: object) -> None:
        raise ConnectionRefusedError(111, "Connection refused")

    with own_transaction():
        links.request_link(name=cast.learner.sign_in_name)
        links.request_link(name="stranger@nowhere.example")
    monkeypatch.setattr(mail, "deliver", nobody_there)
    jobs.run_due()
    page = admin.get("organisation.list_jobs", state="between-tries", lang="en")
    assert "Email: link to set a password" in page.text
    assert f"{cast.learner.name_in('en')} learner@portal.example" in page.text
    assert "1 of 48" in page.text
    assert "next try" in page.text
    assert "The mail server could not be reached" in page.text
    # That is for those who run the portal, and folded away.
    assert [each for each in page.all("details") if "ConnectionRefusedError" in "".join(each.itertext())]
    assert "Not sent: there is no account" in admin.get("organisation.list_jobs", state="done", lang="en").text
    assert "stranger@nowhere.example" not in admin.get("organisation.list_jobs", lang="en").text
    japanese = admin.get("organisation.list_jobs", state="between-tries", lang="ja")
    assert "メールサーバーに接続できませんでした" in japanese.text
    monkeypatch.undo()
    code = next(row.code for row in jobs.list_jobs() if row.is_between_tries)
    admin.post("organisation.retry_job", job=code)
    assert jobs.run_due() == 1


def test_the_list_of_work_does_not_grow_in_queries(admin: PageClient, cast: Cast) -> None:
    costs = []
    for many in (2, 6):
        with own_transaction():
            for number in range(many):
                person = make_person(f"many{many}-{number}@portal.example")
                mail.send_later(
                    "accounts.password_changed", {"code": person.code, "at": clock.now().isoformat()},
                    effect_key=f"{many}-{number}",
                )  # fmt: skip
        with counted_queries() as statements:
            admin.get("organisation.list_jobs")
        costs.append(len(statements))
    assert costs[0] == costs[1]


def test_regular_work_that_fails_is_seen(admin: PageClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise OSError("the disk is full")

    monkeypatch.setitem(jobs._periodic, "accounts.tidy", (away, 30))
    jobs.run_periodic("accounts.tidy")
    page = admin.get("organisation.list_jobs", lang="en")
    assert "Remove ended sessions, links and tables of imports" in page.text
    assert "the disk is full" in page.text


@pytest.mark.parametrize("language", ["en", "ja"])
def test_every_page_is_whole_in_both_languages(admin: PageClient, cast: Cast, language: str) -> None:
    admin.language = language
    for endpoint in ("settings", "markets", "teams", "list_jobs", "wellbeing"):
        admin.get(f"organisation.{endpoint}")
    admin.get("organisation.market", code="JP")
    admin.get("organisation.team", code="account-safety")
