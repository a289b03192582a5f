"""What a level rests on can be followed to its record, and what is no evidence gives none."""

from __future__ import annotations

import csv
import io
from datetime import date
from typing import Any

import pytest
from flask import Flask

from portal.accounts.models import Person
from portal.backfill.queries.matrix import Place, read_matrix
from portal.backfill.rules import Level
from portal.core import clock
from portal.core.db import session
from portal.core.i18n import Words, force_locale
from portal.duties.models import RecurringTask
from portal.training.models import SignOff
from portal.training.rules import Doer, SignOffAct, StepKind, StepSpec
from tests.acknowledgements.builders import confirm, make_first
from tests.backfill.builders import TEAM, TODAY, cell
from tests.builders import Cast, make_person, make_team, save
from tests.certificates.builders import issue
from tests.duties.builders import make_task, record
from tests.page_client import PageClient
from tests.training.builders import load_holidays, make_enrollment, make_plan

pytestmark = pytest.mark.usefixtures("today")
SHOWN = Words("Ten cases", "事例10件")


def signed_off(person: Person, by: Person, document: str, **step: Any) -> str:
    """Let somebody sign a step off that comes after confirming a document; return the code of the enrollment."""
    steps = (
        StepSpec("confirm", StepKind.ACKNOWLEDGE, 0, document=document),
        StepSpec("shown", StepKind.SIGN_OFF, 1, title=SHOWN, by=Doer.LEAD, prerequisites=("confirm",), **step),
    )
    version = make_plan("first-days", by, *steps, phases=(), credential=None)
    enrollment = make_enrollment(person, version, by, starts_on=date(2026, 4, 1))
    save(
        SignOff(
            enrollment_id=enrollment.id,
            step_id=version.steps[1].id,
            act=SignOffAct.SIGNED,
            statement="nine of ten",
            at=clock.now(),
            by=by,
        )
    )
    return enrollment.code


def level_of(person: Person, slug: str) -> Level:
    session.expire_all()
    matrix = read_matrix(Place(person.home_market, person.team))
    row = next(each for each in matrix.rows if each.key == ("document", slug))
    return row.row.standings[person.id].level_on(matrix.today)


@pytest.mark.parametrize(
    ("step", "level"),
    [
        ({}, Level.AWARE),
        ({"about": ("impersonation",)}, Level.ALONE),
        ({"about": ("impersonation#appeals",)}, Level.ALONE),
        ({"about": ("other",)}, Level.AWARE),
        ({"asks_statement": False}, Level.AWARE),
        ({"asks_statement": False, "instructions": Words("[[impersonation#scope]]", "")}, Level.AWARE),
        ({"instructions": Words("Rests on [[impersonation#scope]].", "")}, Level.ALONE),
    ],
)
def test_only_a_sign_off_that_is_about_a_policy_is_evidence_for_it(
    app: Flask, cast: Cast, step: dict[str, Any], level: Level
) -> None:
    load_holidays()
    version = make_first(cast.author)
    confirm(cast.learner, version)
    slug = version.document.slug
    assert slug == "impersonation"
    signed_off(cast.learner, cast.lead, slug, **step)
    assert level_of(cast.learner, slug) is level


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_page_says_which_sign_off_would_raise_the_level_or_that_none_does(
    app: Flask, cast: Cast, language: str
) -> None:
    load_holidays()
    version = make_first(cast.author)
    confirm(cast.colleague, version)
    browser = PageClient(app, cast.lead, language)
    address = {"code": cast.colleague.code, "kind": "document", "thing": "impersonation"}
    none = {"en": "No training plan has a sign-off that is about it.", "ja": "どの研修計画にもありません"}[language]
    named = {"en": "“Ten cases” of the plan “The first ten days”", "ja": "の「事例10件」"}[language]
    page = browser.get("backfill.cell", **address)
    assert none in page.text
    signed_off(cast.learner, cast.lead, "impersonation", about=("impersonation",))
    page = browser.get("backfill.cell", **address)
    assert none not in page.text
    assert named in page.text


@pytest.mark.parametrize("language", ["en", "ja"])
def test_every_reason_names_its_record_and_leads_there(
    app: Flask, cast: Cast, calibration: RecurringTask, language: str
) -> None:
    version = make_first(cast.author)
    confirm(cast.learner, version)
    enrollment = signed_off(cast.learner, cast.lead, "impersonation", about=("impersonation",))
    certificate = issue(cast.learner)
    browser = PageClient(app, cast.lead, language)

    def links(kind: str, thing: str) -> list[str]:
        page = browser.get("backfill.cell", code=cast.learner.code, kind=kind, thing=thing)
        return [each.get("href", "") for each in page.tree.iter("a")]

    policy = links("document", "impersonation")
    assert f"/training/{enrollment}#step-shown" in policy
    assert any(each.startswith("/library/impersonation") and "1.0" in each for each in policy)
    runs = links("recurring_task", calibration.code)
    assert sum(each.startswith(f"/recurring-tasks/{calibration.code}#run-") for each in runs) >= 2
    slug = certificate.credential_version.credential.slug
    assert f"/certificates/{certificate.number}" in links("credential", slug)
    # Where the record leads nowhere that the reader may open, it is named all the same.
    own = PageClient(app, cast.learner, language).get("backfill.cell", **cell(cast.learner, calibration))
    assert {"en": "the run of Wed 8 Apr 2026", "ja": "分の実施"}[language] in own.text or "8 Apr 2026" in own.text


def test_nobody_can_teach_on_her_own_word(app: Flask, cast: Cast, calibration: RecurringTask) -> None:
    task = make_task(cast.lead)
    for day in (date(2026, 4, 1), date(2026, 4, 8)):
        record(task, day, cast.colleague, helper=cast.learner, by=cast.learner)
    matrix = read_matrix(Place(cast.learner.home_market, cast.learner.team))
    row = next(each for each in matrix.rows if each.key == ("recurring_task", task.code))
    assert row.row.standings[cast.learner.id].level_on(TODAY) is Level.WITH_HELP


# --- Words -------------------------------------------------------------------------------------


def test_a_level_that_is_held_down_does_not_say_for_what_it_would_count(app: Flask, cast: Cast) -> None:
    load_holidays()
    make_first(cast.author)
    browser = PageClient(app, cast.lead, "en")
    address = {"code": cast.learner.code, "kind": "document", "thing": "impersonation"}
    browser.post("backfill.state_level", {"level": "3", "seen_on": "2026-04-15", "words": "ten cases"}, **address)
    page = browser.get("backfill.cell", **address)
    assert "a lead saw on" in page.text
    assert "counts as 3" not in page.text
    assert "nothing counts for more than 1" in page.text


def test_what_has_lapsed_says_what_it_counts_for_now(app: Flask, cast: Cast, calibration: RecurringTask) -> None:
    browser = PageClient(app, cast.lead, "en")
    task = make_task(cast.lead)
    long_ago = {"level": "3", "seen_on": "2025-06-01", "words": "did it alone"}
    browser.post("backfill.state_level", long_ago, **cell(cast.learner, task))
    page = browser.get("backfill.cell", **cell(cast.learner, task))
    assert "counted as 3 until 28 Nov 2025, now as 2" in page.text


@pytest.mark.parametrize("first", ["2026-04-18", "2026-04-29"])
def test_days_on_which_nobody_works_make_nothing_red(
    app: Flask, cast: Cast, calibration: RecurringTask, first: str
) -> None:
    last = "2026-04-19" if first == "2026-04-18" else first
    browser = PageClient(app, cast.lead, "en")
    page = browser.get("backfill.matrix", **TEAM, first=first, last=last)
    assert "Nobody works on any day of this window" in page.text
    assert "0 people" not in page.text
    assert browser.get("backfill.matrix", **TEAM, first=first, last=last, show="red").text.count("No row fits") == 1


@pytest.mark.parametrize("language", ["en", "ja"])
def test_what_if_names_every_row_that_falls_and_some_of_many_people(
    app: Flask, cast: Cast, calibration: RecurringTask, language: str
) -> None:
    other = make_task(cast.lead, title=Words("Night watch", "夜間の見守り"))
    record(other, date(2026, 4, 8), cast.learner, by=cast.lead)
    record(other, date(2026, 4, 15), cast.colleague, by=cast.lead)
    for number in range(4):
        make_person(f"more.{number}@example.com", team=make_team())
    browser = PageClient(app, cast.lead, language)
    two = browser.get("backfill.matrix", **TEAM, out=[cast.learner.code, cast.colleague.code], on="2026-04-20")
    assert {"en": "these have 0: “Weekly calibration” and “Night watch”", "ja": "人は0人です：「"}[language] in two.text
    people = [each.code for each in read_matrix(Place(cast.learner.home_market, cast.learner.team)).people]
    everybody = browser.get("backfill.matrix", **TEAM, out=people)
    more = len(people) - 3
    assert {"en": f"and {more} more are out (", "ja": f"ほか{more}"}[language] in everybody.text
    assert {"en": "on some day", "ja": "日があるのは"}[language] in everybody.text
    # Those who are ticked come first, and are named.
    page = browser.get("backfill.matrix", **TEAM, out=people[-1])
    ticks = [each for each in page.tree.iter("input") if each.get("name") == "out"]
    assert (ticks[0].get("value"), ticks[0].get("checked") is not None) == (people[-1], True)


def test_a_file_of_days_that_cannot_be_used_is_refused_in_words(
    app: Flask, cast: Cast, calibration: RecurringTask
) -> None:
    browser = PageClient(app, cast.lead, "en")
    for name in ("backfill.matrix_csv", "backfill.matrix_xlsx"):
        page = browser.get(name, **TEAM, first="2026-04-20", last="2026-12-31", expect=400)
        assert "At most 92 days" in page.text


def test_the_last_day_is_told_wherever_it_is_known(app: Flask, cast: Cast, calibration: RecurringTask) -> None:
    browser = PageClient(app, cast.lead, "en")
    lines = list(csv.reader(io.StringIO(browser.fetch("backfill.matrix_csv", **TEAM).data.decode("utf-8-sig"))))
    (mine,) = [line for line in lines if cast.learner.code in line and calibration.code in line]
    assert mine[9] == "2026-10-05"
    assert "5 Oct 2026" in browser.get("backfill.cell", **cell(cast.learner, calibration)).text


def test_names_stand_in_the_order_of_the_readers_language(app: Flask, cast: Cast, calibration: RecurringTask) -> None:
    def order(language: str) -> list[str]:
        with force_locale(language):
            people = read_matrix(Place(cast.learner.home_market, cast.learner.team)).people
        return [each.code for each in people]

    team = make_team()
    abe = make_person("abe@example.com", team=team, **named("阿部", "あべ", "Abe"))
    wada = make_person("wada@example.com", team=team, **named("和田", "わだ", "Wada"))
    baba = make_person("baba@example.com", team=team, **named("馬場", "ばば", "Baba"))
    mine = {abe.code, wada.code, baba.code}
    assert [each for each in order("en") if each in mine] == [abe.code, baba.code, wada.code]
    kim = make_person("kim@example.com", team=team, **named("金", "きむ", "Kim"))
    aoki = make_person("aoki@example.com", team=team, **named("青木", "あおき", "Aoki"))
    mine |= {kim.code, aoki.code}
    assert [each for each in order("en") if each in mine] == [each.code for each in (abe, aoki, baba, kim, wada)]
    assert [each for each in order("ja") if each in mine] == [each.code for each in (aoki, abe, kim, baba, wada)]


def named(family: str, kana: str, romaji: str) -> dict[str, str]:
    return {
        "family_name": family, "family_kana": kana, "family_romaji": romaji,
        "given_name": "茜", "given_kana": "あかね", "given_romaji": "Akane",
    }  # fmt: skip
