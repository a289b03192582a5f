"""The pages of credentials and of a certificate's life, in both languages."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any

import pytest
from icalendar import Calendar

from portal.accounts.models import Role, Scope
from portal.certificates import queries, service
from portal.certificates.models import Certificate
from portal.certificates.queries import reissues, shares
from portal.certificates.rules import State
from portal.certificates.service import shares as sharing
from portal.core import clock
from portal.core.db import session
from portal.core.transaction import own_transaction
from tests.builders import Cast, make_grant, make_person
from tests.certificates.builders import issue, make_credential, make_plan, renew
from tests.queries import counted_queries

BOTH = pytest.mark.parametrize("language", ["en", "ja"])
SLUG = "impersonation-reviewer"
REFRESHER = "refresher"
ISSUED = datetime(2026, 4, 15, 3, tzinfo=UTC)
LIFE = {"renewal_window_days": 60, "grace_days": 30, "renewal_plan_slug": REFRESHER}


def first(person: Any) -> Certificate:
    make_plan(SLUG, REFRESHER)
    make_credential(**LIFE)
    return renew(person, ISSUED)


def on(day: date) -> Any:
    return clock.frozen(datetime(day.year, day.month, day.day, 3, tzinfo=UTC))


@BOTH
def test_the_list_of_ones_own_says_until_when_to_renew_and_only_where_it_is_time(
    cast: Cast, as_: Any, language: str
) -> None:
    first(cast.learner)
    said = {"en": "How to renew it", "ja": "更新の方法"}[language]
    for day, words in (
        (date(2026, 6, 1), None),
        (date(2027, 3, 1), {"en": "renewed now without losing a day", "ja": "残りの日数を失わずに"}),
        (date(2027, 4, 20), {"en": "can still be renewed until", "ja": "までは更新できます"}),
        (date(2027, 9, 1), None),
    ):
        with on(day):
            page = as_(cast.learner, language=language).get("certificates.index")
            assert (said in page.text) is (words is not None), day
            assert words is None or words[language] in page.text


# --- The holder ------------------------------------------------------------------------------------


@BOTH
def test_the_holder_reads_what_comes_next_and_finds_every_issue(cast: Cast, as_: Any, language: str) -> None:
    former = first(cast.learner)
    with on(date(2027, 3, 1)):
        page = as_(cast.learner, language=language).get("certificates.show", number=former.number)
        assert {"en": "It can be renewed now without losing a day", "ja": "残りの日数を失わずに更新できる期間です"}[
            language
        ] in page.text
        assert {"en": "Expires soon", "ja": "まもなく期限切れ"}[language] in page.text
        assert not [link for link in page.links() if link.endswith(f"/{former.number}") and "certificates" in link][1:]
    fresh = renew(cast.learner, datetime(2027, 3, 1, 4, tzinfo=UTC), plan=REFRESHER)
    with on(date(2027, 3, 2)):
        page = as_(cast.learner, language=language).get("certificates.show", number=former.number)
        assert f"/certificates/{fresh.number}" in page.links()
        assert {"en": "Renewed", "ja": "更新済み"}[language] in page.text


@pytest.mark.parametrize(
    ("day", "words"),
    [
        (date(2026, 6, 1), "on it can be renewed without losing a day"),
        (date(2027, 4, 20), "It expired on"),
        (date(2027, 6, 1), "The full training plan earns it again."),
    ],
)
def test_the_days_of_window_and_grace_are_named(cast: Cast, as_: Any, day: date, words: str) -> None:
    former = first(cast.learner)
    with on(day):
        page = as_(cast.learner, language="en").get("certificates.show", number=former.number)
    assert words in page.text


def test_the_last_day_goes_into_a_calendar(cast: Cast, as_: Any) -> None:
    certificate = first(cast.learner)
    with on(date(2026, 6, 1)):
        response = as_(cast.learner, language="ja").fetch("certificates.expiry", number=certificate.number)
    assert response.mimetype == "text/calendar"
    (event,) = Calendar.from_ical(response.data).walk("VEVENT")
    assert event.decoded("dtstart") == date(2027, 4, 15)
    assert "なりすまし審査担当者" in event["summary"]
    assert str(event["uid"]).startswith(f"certificate-{certificate.number}@")
    with on(date(2027, 4, 16)):
        assert as_(cast.learner).fetch("certificates.expiry", number=certificate.number).status_code == 404
    assert as_(cast.outsider).fetch("certificates.expiry", number=certificate.number).status_code == 404


@BOTH
def test_a_link_is_shown_once_shows_the_certificate_and_dies_when_it_is_withdrawn(
    cast: Cast, as_: Any, client: Any, language: str
) -> None:
    certificate = issue(cast.learner)
    holder = as_(cast.learner, language=language)
    holder.get("certificates.show", number=certificate.number)
    page = holder.follow(holder.post("certificates.share", number=certificate.number, data={"label": "人事部"}))
    (address,) = {link for link in page.links() if "/shared/" in link}
    assert "人事部" in page.text
    again = holder.get("certificates.show", number=certificate.number)
    assert not [link for link in again.links() if "/shared/" in link]
    token = address.rpartition("/")[2]
    shown = client.get("certificates.shared", token=token, lang=language)
    assert certificate.snapshot["holder"]["ja"] in shown.text
    body = client.fetch("certificates.shared", token=token).get_data(as_text=True)
    # The code cannot be withdrawn, so it is not told.
    for secret in (certificate.code, service.rules.grouped_code(certificate.code), cast.learner.sign_in_name, "人事部"):
        assert secret not in body
    (made,) = shares.list_open(certificate.id)
    assert as_(cast.outsider).fetch("certificates.show", number=certificate.number).status_code == 404
    holder.post("certificates.withdraw_share", number=certificate.number, code=made.code, data={})
    gone = client.fetch("certificates.shared", token=token)
    unknown = client.fetch("certificates.shared", token="x" * 43)
    malformed = client.fetch("certificates.shared", token="%00")
    assert gone.status_code == unknown.status_code == malformed.status_code == 404
    assert _same_for_all(gone, token) == _same_for_all(unknown, "x" * 43)
    assert {"en": "nothing at this address", "ja": "何もありません"}[language] in client.get(
        "certificates.shared", token=token, expect=404, lang=language
    ).text


def test_what_a_link_shows_is_read_once_whatever_happened_to_the_certificate(cast: Cast, as_: Any, client: Any) -> None:
    certificate = issue(cast.learner)
    with own_transaction():
        token = sharing.share(certificate=certificate, label="", by=cast.learner)
        service.reissue_certificate(certificate=certificate, reason="The name has changed.", by=cast.admin)
    assert "newer one has replaced it" in client.get("certificates.shared", token=token, lang="en").text
    session.expire_all()
    with counted_queries() as statements:
        client.get("certificates.shared", token=token)
    assert sum("FROM certificates" in each for each in statements) == 1, statements
    # With it the count read and written, and the settings of each page.
    assert len(statements) <= 4, statements


def _same_for_all(response: Any, token: str) -> str:
    """Return a page without its own address, which leads to the other language, and the number of the request."""
    return re.sub(r"[0-9a-f]{16}", "", response.get_data(as_text=True).replace(token, ""))


def test_only_the_holder_makes_and_withdraws_links(cast: Cast, as_: Any) -> None:
    certificate = issue(cast.learner)
    for person, status in ((cast.admin, 403), (cast.outsider, 404)):
        browser = as_(person)
        browser.get("certificates.index")
        response = browser.post("certificates.share", number=certificate.number, data={"label": ""}, expect=status)
        assert response is not None
    assert shares.list_open(certificate.id) == []


@BOTH
def test_a_new_name_goes_from_the_holder_to_the_administrator(cast: Cast, as_: Any, language: str) -> None:
    certificate = issue(cast.learner)
    with own_transaction():
        cast.learner.family_name = "佐々木"
    holder, admin = as_(cast.learner, language=language), as_(cast.admin, language=language)
    asking = holder.get("certificates.ask_for_new_name", number=certificate.number)
    assert "佐々木" in asking.text
    assert certificate.snapshot["holder"]["ja"] in asking.text
    short = holder.post("certificates.ask_for_new_name", number=certificate.number, data={"reason": "短い"}, expect=400)
    assert "短い" in short.text
    holder.post(
        "certificates.ask_for_new_name", number=certificate.number, data={"reason": "結婚により姓が変わりました。"}
    )
    assert "結婚により姓が変わりました。" in admin.get("certificates.show", number=certificate.number).text
    admin.get("certificates.reissue", number=certificate.number)
    admin.post("certificates.reissue", number=certificate.number, data={"reason": "戸籍の写しを確認しました。"})
    newest = queries.list_certificates_of(cast.learner.id)[0]
    assert "佐々木" in newest.snapshot["holder"]["ja"]
    assert reissues.find_open(certificate.id) is None


def test_a_request_can_be_taken_back_and_declined(cast: Cast, as_: Any) -> None:
    certificate = issue(cast.learner)
    with own_transaction():
        cast.learner.family_name = "佐々木"
    for browser, endpoint in (
        (as_(cast.learner), "certificates.take_back_new_name"),
        (as_(cast.admin), "certificates.decline_reissue"),
    ):
        holder = as_(cast.learner)
        holder.get("certificates.ask_for_new_name", number=certificate.number)
        holder.post("certificates.ask_for_new_name", number=certificate.number, data={"reason": "A new family name."})
        browser.get("certificates.show", number=certificate.number)
        browser.post(endpoint, number=certificate.number, data={})
        assert reissues.find_open(certificate.id) is None
    assert len(queries.list_certificates_of(cast.learner.id)) == 1


# --- Administrators --------------------------------------------------------------------------------


@BOTH
def test_an_administrator_suspends_and_reinstates_with_a_reason(
    cast: Cast, as_: Any, client: Any, language: str
) -> None:
    certificate = issue(cast.learner)
    admin = as_(cast.admin, language=language)
    admin.get("certificates.suspend", number=certificate.number)
    admin.post("certificates.suspend", number=certificate.number, data={"reason": "x"}, expect=400)
    admin.post("certificates.suspend", number=certificate.number, data={"reason": "結果の確認のためです。"})
    assert {"en": "is suspended", "ja": "停止"}[language] in client.get(
        "certificates.verify", code=certificate.code, lang=language
    ).text
    again = admin.get("certificates.suspend", number=certificate.number)
    assert {"en": "cannot be done", "ja": "この操作はできません"}[language] in again.text
    admin.get("certificates.reinstate", number=certificate.number)
    admin.post("certificates.reinstate", number=certificate.number, data={"reason": "問題はありませんでした。"})
    session.expire_all()
    assert service.state_of(queries.get_certificate(certificate.number)) is State.VALID
    as_(cast.lead).get("certificates.suspend", number=certificate.number, expect=403)


# --- Credentials -----------------------------------------------------------------------------------


@BOTH
def test_a_credential_shows_terms_versions_and_only_holders_within_reach(cast: Cast, as_: Any, language: str) -> None:
    mine = first(cast.learner)
    other = renew(cast.outsider, ISSUED)
    with on(date(2027, 3, 1)):
        lead = as_(cast.lead, language=language)
        page = lead.get("certificates.credential", slug=SLUG)
        assert mine.number in page.text
        assert other.number not in page.text
        assert {"en": "60 days", "ja": "60日"}[language] in page.text
        assert {"en": "Nothing enrols holders", "ja": "自動で割り当てる設定がありません"}[language] in page.text
        listed = lead.get("certificates.list_credentials")
        assert {"en": "12 months", "ja": "12か月"}[language] in listed.text
        both = as_(cast.admin, language=language).get("certificates.credential", slug=SLUG)
        assert mine.number in both.text
        assert other.number in both.text
    as_(cast.learner).get("certificates.list_credentials", expect=403)


def test_holders_cost_no_statement_each(cast: Cast, as_: Any) -> None:
    first(cast.learner)
    browser, counts = as_(cast.admin), []
    for _ in range(3):
        renew(make_person(), ISSUED)
        session.expire_all()
        with counted_queries() as statements:
            browser.get("certificates.credential", slug=SLUG)
        counts.append(len(statements))
    assert counts[1] == counts[2]


@BOTH
def test_terms_are_changed_on_a_page_and_what_is_refused_stays_typed(cast: Cast, as_: Any, language: str) -> None:
    first(cast.learner)
    owner = make_person()
    make_grant(owner, Role.POLICY_OWNER, Scope.ORGANISATION)
    browser = as_(owner, language=language)
    page = browser.get("certificates.change_terms", slug=SLUG)
    filled = {
        "seen": "1.0",
        "title_en": "Impersonation Reviewer",
        "title_ja": "なりすまし審査担当者",
        "statement_en": "for {plan}",
        "statement_ja": "{plan}を修了",
        # Full-width digits are digits.
        "validity_months": "１２",
        "renewal_window_days": "400",
        "grace_days": "３０",
        "renewal_plan": REFRESHER,
        "superseded_by": "",
    }
    assert page.heading
    refused = browser.post("certificates.change_terms", slug=SLUG, data=filled, expect=400)
    assert "for {plan}" in refused.text
    late = browser.post(
        "certificates.change_terms", slug=SLUG, data=filled | {"renewal_window_days": "360"}, expect=400
    )
    assert {"en": "longer than a certificate is valid", "ja": "修了証の有効期間より長く"}[language] in late.text
    browser.post("certificates.change_terms", slug=SLUG, data=filled | {"renewal_window_days": "９０"})
    latest = queries.find_latest_version(queries.get_credential(SLUG))
    assert latest is not None
    assert (latest.number, latest.renewal_window_days, latest.grace_days) == ("1.1", 90, 30)
    stale = browser.post(
        "certificates.change_terms", slug=SLUG, data=filled | {"renewal_window_days": "45"}, expect=409
    )
    assert {"en": "Another version was published", "ja": "別の版が公開されました"}[language] in stale.text
    as_(cast.lead).get("certificates.change_terms", slug=SLUG, expect=403)
