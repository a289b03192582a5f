"""Whoever has not accepted her invitation is told apart: what is asked is that it is sent again, nothing of her."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select

from portal.accounts.service import links
from portal.core import clock
from portal.core.db import session
from portal.core.jobs import Job
from portal.core.transaction import own_transaction
from portal.reports.rules import Conduct, Reason, Risk, RiskRule, at_risk
from portal.training.models import Enrollment
from tests.beginnings import beginning
from tests.builders import Cast, make_person, make_team
from tests.training.builders import load_holidays, make_cohort, make_documents, make_enrollment, make_plan, make_quiz

SENT = datetime(2026, 4, 21, 0, 0, tzinfo=UTC)
LATER = datetime(2026, 5, 13, 1, 0, tzinfo=UTC)
LANGUAGES = ("en", "ja")


@pytest.fixture
@beginning
def code(cast: Cast) -> str:
    """The enrollment of somebody whose invitation was sent and not accepted."""
    with clock.frozen(SENT):
        load_holidays()
        make_documents()
        make_quiz()
        person = make_person("new@portal.example", team=make_team(), family_name="新人", password_hash=None)
        enrollment = make_enrollment(person, make_plan(), cast.admin, cohort=make_cohort(cast.admin))
        with own_transaction():
            links.make_link(person=person)
        return enrollment.code


@pytest.fixture(autouse=True)
def _later(code: str) -> Iterator[None]:
    with clock.frozen(LATER):
        yield


def test_an_invitation_that_is_not_accepted_is_the_one_reason_and_follows_the_rule() -> None:
    invited = Conduct(overdue_steps=11, idle_days=11, is_invited=True, invited_on=SENT.date())
    assert at_risk(invited, RiskRule()) == (Reason(Risk.INVITED, 11, SENT.date()),)
    assert at_risk(invited, RiskRule(None, 2, None)) == ()
    assert at_risk(Conduct(is_invited=True), RiskRule()) == ()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_red_list_says_so_and_offers_to_send_it_again_and_nothing_else(
    cast: Cast, code: str, as_: Any, language: str
) -> None:
    page = as_(cast.lead, language=language).get("reports.cohort", code="jp-2026-04")
    table = page.one("table", **{"aria-labelledby": "at-risk-people"})
    (row,) = [" ".join("".join(each.itertext()).split()) for each in table.findall(".//tbody/tr")]
    assert {"en": "has not accepted the invitation", "ja": "招待を承諾していません"}[language] in row
    assert {"en": "sent on 21 Apr", "ja": "4月21日"}[language] in row
    assert {"en": "overdue", "ja": "期限超過"}[language] not in row
    acts = {each.get("href") for each in table.iter("a")}
    assert acts == {f"/training/{code}", f"/training/{code}/invitation"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_table_of_the_cohort_and_its_file_mark_her_and_nobody_else(
    cast: Cast, code: str, as_: Any, language: str
) -> None:
    enrollment = session.scalars(select(Enrollment).where(Enrollment.code == code)).one()
    make_enrollment(cast.learner, enrollment.version, cast.admin, cohort=enrollment.cohort)
    browser, word = as_(cast.lead, language=language), {"en": "Invited", "ja": "招待中"}[language]
    table = browser.get("reports.cohort", code="jp-2026-04").one("table", **{"aria-labelledby": "cohort"})
    first = {str(each[0].get("href")): "".join(each.itertext()) for each in table.findall(".//tbody/tr/th")}
    assert {href: word in said for href, said in first.items()} == {href: href == f"/training/{code}" for href in first}
    assert len(first) == 2
    sheet = browser.fetch("reports.cohort_csv", code="jp-2026-04").data.decode("utf-8-sig")
    lines = {row[0]: row[7] for row in csv.reader(io.StringIO(sheet, newline=""))}
    assert lines[enrollment.person.code] == word
    assert lines[cast.learner.code] == ""


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("where", ["reports.at_risk_rule", "reports.cohort_rule"])
def test_the_rule_says_how_whoever_has_not_accepted_is_taken(
    cast: Cast, code: str, as_: Any, language: str, where: str
) -> None:
    values = {"code": "jp-2026-04"} if where == "reports.cohort_rule" else {}
    page = as_(cast.lead, language=language).get(where, **values)
    said = {
        "en": "it says only that she has not accepted the invitation",
        "ja": "一覧には「招待を承諾していません」とだけ",
    }[language]
    assert said in page.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_her_path_says_so_and_leads_to_sending_it_again(cast: Cast, code: str, as_: Any, language: str) -> None:
    browser = as_(cast.lead, language=language)
    page = browser.get("training.path", code=code)
    assert {"en": "(sent on Tue 21 Apr 2026)", "ja": "（2026年4月21日（火）送信）"}[language] in page.text
    assert f"/training/{code}/invitation" in page.links()
    assert browser.get("training.invitation", code=code).heading
    before = _owed()
    browser.post("training.invitation", {}, code=code, expect=303)
    assert len(_owed()) == len(before) + 1


def test_whoever_has_an_account_is_not_invited_again(cast: Cast, code: str, as_: Any) -> None:
    person = session.scalars(select(Enrollment).where(Enrollment.code == code)).one().person
    person.password_hash = "set"
    session.commit()
    browser = as_(cast.lead)
    assert f"/training/{code}/invitation" not in browser.get("training.path", code=code).links()
    before = _owed()
    browser.post("training.invitation", {}, code=code, expect=303)
    assert _owed() == before


def test_who_does_not_lead_her_sends_nothing(cast: Cast, code: str, as_: Any) -> None:
    assert as_(cast.outsider).fetch("training.invitation", code=code).status_code == 404


def _owed() -> list[str]:
    session.expire_all()
    return list(session.scalars(select(Job.effect_key).where(Job.effect_key.startswith("mail:invitation:"))))
