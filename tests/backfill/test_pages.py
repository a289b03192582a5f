"""The matrix of who can stand in, one person's levels, and what leads state of them, in both languages."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta

import pytest
from flask import Flask
from sqlalchemy import update

from portal.accounts.models import Person
from portal.acknowledgements.models import Acknowledgement
from portal.backfill.queries.evidence import evidence_of
from portal.backfill.queries.matrix import Place, read_matrix
from portal.backfill.queries.stated import list_every_part, list_every_statement
from portal.backfill.rules import Level, Part
from portal.backfill.service import stating
from portal.calendars.models import Leave
from portal.core import clock
from portal.core.db import session
from portal.core.transaction import own_transaction
from portal.duties.models import RecurringTask
from portal.duties.rules import Criticality
from portal.duties.service.criticality import set_criticality
from portal.library.queries import clause_headings, list_titles
from tests.acknowledgements.builders import confirm, make_first
from tests.backfill.builders import TEAM, TODAY, cell
from tests.builders import Cast, make_person, make_team, save
from tests.certificates.builders import issue
from tests.duties.builders import make_task, record
from tests.page_client import Page, PageClient
from tests.queries import counted_queries
from tests.training.builders import load_holidays

pytestmark = pytest.mark.usefixtures("today")


# --- The matrix --------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_matrix_says_levels_numbers_and_what_falls_short_if_somebody_is_out(
    app: Flask, cast: Cast, calibration: RecurringTask, language: str
) -> None:
    browser = PageClient(app, cast.lead, language)
    page = browser.get("backfill.matrix", **TEAM)
    said = {
        "en": ("3 Alone", "Bus factor", "A accountable"),
        "ja": ("3 単独", "対応できる人数の最小値", "Aは説明責任"),
    }[language]
    for each in said:
        assert each in page.text
    asked = browser.get("backfill.matrix", **TEAM, out=[cast.learner.code, cast.colleague.code], on="2026-04-20")
    answer = {
        "en": "on Mon 20 Apr 2026, “Weekly calibration” has 0.",
        "ja": "が2026年4月20日（月）に不在の場合、「週次の判断すり合わせ」を代行できる人は0人です。",
    }[language]
    assert answer in asked.text


def test_a_long_matrix_is_paged_by_rows_in_the_language_in_which_it_is_read(
    app: Flask, cast: Cast, calibration: RecurringTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal.backfill.views.matrix.ROWS_AT_ONCE", 1)
    make_task(cast.lead)
    browser = PageClient(app, cast.lead, "ja")
    page = browser.get("backfill.matrix", **TEAM, kind="recurring_task", lang="en")
    assert "Rows: 1–1 of 2" in page.text
    (further,) = [link for link in page.all("a", class_="pager__page") if link.get("rel") == "next"]
    assert {"kind=recurring_task", "lang=en", "rows=2"} <= set(further.get("href", "").partition("?")[2].split("&"))
    gone_on = PageClient(app, cast.lead, "ja").get("backfill.places", lang="en", expect=302)
    assert gone_on.response.headers["Location"].endswith("?lang=en")


def test_leave_of_one_of_two_makes_the_row_red_on_those_days(
    app: Flask, cast: Cast, calibration: RecurringTask
) -> None:
    browser = PageClient(app, cast.lead, "en")
    assert "Every row has two people" in browser.get("backfill.matrix", **TEAM, kind="recurring_task").text
    save(
        Leave(
            person_id=cast.learner.id,
            first_on=date(2026, 4, 21),
            last_on=date(2026, 4, 21),
            recorded_at=clock.now(),
            recorded_by="x",
        )
    )
    page = browser.get("backfill.matrix", **TEAM, show="red")
    assert "1 person" in page.text
    assert "Tue 21 Apr 2026" in page.text
    # Who could be made ready: the lead has seen nothing of it yet.
    assert "watch it, do it while being watched, do it alone" in page.text


@pytest.mark.parametrize("language", ["en", "ja"])
def test_only_who_can_answer_for_a_task_is_named_as_soonest_ready_and_who_has_a_level_stands_first(
    app: Flask, cast: Cast, calibration: RecurringTask, language: str
) -> None:
    newcomer = make_person(team=cast.learner.team, family_romaji="Aaa", family_kana="アア")
    save(
        Leave(
            person_id=cast.learner.id,
            first_on=date(2026, 4, 21),
            last_on=date(2026, 4, 21),
            recorded_at=clock.now(),
            recorded_by="x",
        )
    )
    page = PageClient(app, cast.lead, language).get("backfill.matrix", **TEAM, kind="recurring_task")
    head = {"en": "Who could be made ready soonest", "ja": "早く準備できる人"}[language]
    soonest = page.text.rpartition(head)[2]
    assert cast.lead.name_in(language) in soonest
    assert newcomer.name_in(language) not in soonest
    columns = page.text.partition({"en": "people with a level first", "ja": "習熟度のある人が先"}[language])[2]
    assert columns.index(cast.learner.name_in(language)) < columns.index(newcomer.name_in(language))


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"first": "soon"}, "as a date"),
        ({"first": "2026-04-01"}, "past"),
        ({"first": "2030-01-01"}, "a year ahead"),
        ({"first": "2026-05-01", "last": "2026-04-20"}, "before the first"),
        ({"last": "2027-01-01"}, "At most 92"),
        ({"out": "NOBODY"}, "does not work here"),
        ({"on": "2026-04-18", "out": "learner"}, "Nobody works on this day"),
    ],
)
def test_days_and_people_that_cannot_be_used_are_told_and_the_usual_days_shown(
    app: Flask, cast: Cast, calibration: RecurringTask, asked: dict[str, str], said: str
) -> None:
    if asked.get("out") == "learner":
        asked = asked | {"out": cast.learner.code}
    page = PageClient(app, cast.lead, "en").get("backfill.matrix", **TEAM, **asked, expect=400)
    assert said in page.text
    assert "Thu 16 Apr 2026" in page.text, "the usual days are shown"


def test_a_matrix_is_that_of_ones_own_teams_and_markets_alone(
    app: Flask, cast: Cast, calibration: RecurringTask
) -> None:
    PageClient(app, cast.learner, "en").get("backfill.matrix", **TEAM, expect=404)
    PageClient(app, cast.learner, "en").get("backfill.places", expect=403)
    PageClient(app, cast.outsider, "en").get("backfill.matrix", **TEAM, expect=404)
    admin = PageClient(app, cast.admin, "en")
    assert "Account" in admin.get("backfill.places").text
    admin.get("backfill.matrix", scope="market", code="JP")
    admin.get("backfill.matrix", scope="nonsense", code="JP", expect=404)


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_files_hold_every_level_with_its_reasons(
    app: Flask, cast: Cast, calibration: RecurringTask, language: str
) -> None:
    browser = PageClient(app, cast.lead, language)
    lines = list(csv.reader(io.StringIO(browser.fetch("backfill.matrix_csv", **TEAM).data.decode("utf-8-sig"))))
    mine = [line for line in lines if cast.learner.code in line and calibration.code in line]
    assert len(mine) == 1
    assert "3" in mine[0]
    assert {"en": "done alone on 8 Apr 2026", "ja": "2026/04/08に単独で実施"}[language] in mine[0][-1]
    assert browser.fetch("backfill.matrix_xlsx", **TEAM).data.startswith(b"PK")


def test_the_number_of_statements_grows_neither_with_people_nor_with_rows(
    app: Flask, cast: Cast, calibration: RecurringTask
) -> None:
    browser, team = PageClient(app, cast.lead, "en"), make_team()

    def add(number: int) -> None:
        person = make_person(f"more.{number}@example.com", team=team)
        task = make_task(cast.lead, team=team)
        record(task, date(2026, 4, 8), person, by=cast.lead)

    # One already: who could be made ready for a task is asked only where there is somebody.
    add(0)
    browser.get("backfill.matrix", **TEAM)
    with counted_queries() as before:
        browser.get("backfill.matrix", **TEAM)
    for number in range(1, 7):
        add(number)
    with counted_queries() as after:
        browser.get("backfill.matrix", **TEAM)
    assert len(after) == len(before)


# --- Evidence ----------------------------------------------------------------------------------


def test_levels_in_policies_follow_the_version_in_force(app: Flask, cast: Cast) -> None:
    load_holidays()
    version = make_first(cast.author)
    confirm(cast.learner, version)
    assert session.query(Acknowledgement).count() == 1
    place = Place(cast.learner.home_market, cast.learner.team)
    matrix = read_matrix(place)
    row = next(each for each in matrix.rows if each.key == ("document", version.document.slug))
    assert row.row.standings[cast.learner.id].level_on(TODAY) is Level.AWARE
    assert row.row.standings[cast.colleague.id].level_on(TODAY) is Level.NONE
    lacking = {each.person_id: each for each in matrix.missing_of(row)}
    assert lacking[cast.learner.id].clauses == ()
    assert len(lacking[cast.colleague.id].clauses) > 1, "whoever has confirmed nothing has every clause to read"
    assert matrix.missing_of(row)[0].person_id == cast.learner.id


@pytest.mark.parametrize("language", ["en", "ja"])
def test_clauses_to_read_are_called_by_their_headings_and_what_stands_before_the_first_by_its_document(
    app: Flask, cast: Cast, language: str
) -> None:
    load_holidays()
    version = make_first(cast.author)
    assert "top" in clause_headings(version, "en"), "there is no text before the first heading"
    with own_transaction():
        set_criticality(
            kind="document", code=version.document.slug, criticality=Criticality.CRITICAL, reason="law", by=cast.lead
        )
    title = list_titles([version.id], language)[version.id]
    named = {"en": f"The beginning of “{title}”", "ja": f"「{title}」の冒頭"}[language]
    lead, own = PageClient(app, cast.lead, language), PageClient(app, cast.learner, language)
    values = {"code": cast.learner.code, "kind": "document", "thing": version.document.slug}
    for page in (
        lead.get("backfill.matrix", **TEAM),
        lead.get("backfill.cell", **values),
        own.get("backfill.own"),
    ):
        assert named in page.text
        assert "#top" not in page.text
        assert [each for each in page.links() if each.endswith("#top")], "it cannot be opened"


def test_a_certificate_gives_three_in_its_credential(app: Flask, cast: Cast) -> None:
    load_holidays()
    certificate = issue(cast.learner)
    matrix = read_matrix(Place(cast.learner.home_market, cast.learner.team))
    row = next(each for each in matrix.rows if each.credential is not None)
    standing = row.row.standings[cast.learner.id]
    assert standing.level_on(matrix.today) is Level.ALONE
    if certificate.expires_on is not None:
        assert standing.level_on(certificate.expires_on + timedelta(days=1)) is Level.AWARE


def test_nobody_costs_no_statement(app: Flask) -> None:
    with counted_queries() as statements:
        evidence_of([], task_codes=[], document_ids=[])
    assert statements == []


# --- One person --------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "ja"])
def test_everybody_sees_her_own_levels_with_their_reasons_and_nobody_elses(
    app: Flask, cast: Cast, calibration: RecurringTask, language: str
) -> None:
    browser = PageClient(app, cast.learner, language)
    page = browser.get("backfill.own")
    assert {"en": "3 – Alone", "ja": "3：単独"}[language] in page.text
    assert {"en": "done alone on 8 Apr 2026", "ja": "2026/04/08に単独で実施"}[language] in page.text
    browser.get("backfill.cell", **cell(cast.learner, calibration))
    browser.get("backfill.of_person", code=cast.colleague.code, expect=404)
    browser.get("backfill.cell", **cell(cast.colleague, calibration), expect=404)
    for each in ("backfill.state_level", "backfill.set_part"):
        browser.get(each, **cell(cast.learner, calibration), expect=403)


def test_a_row_that_is_none_where_the_person_works_is_not_found(
    app: Flask, cast: Cast, calibration: RecurringTask
) -> None:
    browser = PageClient(app, cast.lead, "en")
    for kind, thing in (("recurring_task", "NOTHING"), ("document", "none"), ("team", "account-safety")):
        browser.get("backfill.cell", code=cast.learner.code, kind=kind, thing=thing, expect=404)


def statement(**changed: str) -> dict[str, str]:
    return {"level": "4", "seen_on": "2026-04-15", "words": "Led the meeting, two others learned it."} | changed


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_lead_states_a_level_with_what_was_seen(
    app: Flask, cast: Cast, calibration: RecurringTask, language: str
) -> None:
    browser = PageClient(app, cast.lead, language)
    seen = {"en": "Led the meeting.", "ja": "会議を進行し、二人に教えました。"}[language]
    sent = browser.post("backfill.state_level", statement(words=seen), **cell(cast.learner, calibration))
    page = browser.follow(sent)
    assert {"en": "4 – Can teach", "ja": "4：指導可"}[language] in page.text
    assert seen in page.text
    assert seen in PageClient(app, cast.learner, language).get("backfill.own").text


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"words": " "}, "required"),
        ({"words": "x" * 501}, "500"),
        ({"seen_on": "2026-04-17"}, "future"),
        ({"seen_on": "2024-04-17"}, "more than a year ago"),
        ({"seen_on": "never"}, "date"),
        ({"level": "9"}, "choice"),
        ({"level": ""}, "Choose how far"),
    ],
)
def test_a_bad_statement_gets_a_message_and_loses_nothing(
    app: Flask, cast: Cast, calibration: RecurringTask, changed: dict[str, str], said: str
) -> None:
    browser = PageClient(app, cast.lead, "en")
    page = browser.post("backfill.state_level", statement(**changed), **cell(cast.learner, calibration), expect=400)
    assert isinstance(page, Page)
    assert said.casefold() in page.text.casefold()
    if "words" not in changed:
        assert "Led the meeting" in page.text
    assert list_every_statement() == []


def test_nobody_states_her_own_level_and_no_part_is_set_twice(
    app: Flask, cast: Cast, calibration: RecurringTask
) -> None:
    browser = PageClient(app, cast.lead, "en")
    browser.post("backfill.state_level", statement(), **cell(cast.lead, calibration), expect=403)
    set_to = {"part": "consulted"}
    page = browser.follow(browser.post("backfill.set_part", set_to, **cell(cast.learner, calibration)))
    assert "Consulted" in page.text
    again = browser.post("backfill.set_part", set_to, **cell(cast.learner, calibration), expect=409)
    assert isinstance(again, Page)
    assert "holds already" in again.text
    browser.post("backfill.set_part", {"part": "king"}, **cell(cast.learner, calibration), expect=400)
    assert [each.part for each in list_every_part()] == [Part.CONSULTED]


def test_somebody_without_an_account_gets_no_part_and_no_level(
    app: Flask, cast: Cast, calibration: RecurringTask
) -> None:
    browser = PageClient(app, cast.lead, "en")
    with own_transaction():
        session.execute(update(Person).where(Person.id == cast.colleague.id).values(deactivated_at=clock.now()))
    page = browser.post("backfill.set_part", {"part": "informed"}, **cell(cast.colleague, calibration), expect=409)
    assert isinstance(page, Page)
    assert "deactivated" in page.text


def test_what_was_stated_last_counts_and_what_was_stated_before_stays(
    app: Flask, cast: Cast, calibration: RecurringTask
) -> None:
    for level, words in ((Level.CAN_TEACH, "taught"), (Level.AWARE, "looked on")):
        with own_transaction():
            stating.state_level(
                person=cast.lead, kind="recurring_task", code=calibration.code, level=level,
                seen_on=TODAY, words=words, by=cast.admin,
            )  # fmt: skip
    page = PageClient(app, cast.lead, "en").get("backfill.cell", **cell(cast.lead, calibration))
    assert "1 – Aware" in page.text
    assert "taught" in page.text


@pytest.mark.parametrize(("language", "label"), [("en", "Find by name"), ("ja", "名前で探す")])
def test_who_is_out_can_be_found_by_name_where_many_work_there(
    app: Flask, cast: Cast, calibration: RecurringTask, language: str, label: str
) -> None:
    browser = PageClient(app, cast.lead, language)
    few = browser.get("backfill.matrix", **TEAM)
    assert label not in few.text
    for number in range(12):
        make_person(f"many{number}@example.com", team=cast.lead.team)
    many = browser.get("backfill.matrix", **TEAM)
    assert label in many.text
    # Without scripts the field is not there, and everybody can be ticked all the same.
    (part,) = [each for each in many.all("div") if each.get("data-filter") is not None]
    assert part.get("hidden") is not None
    assert len(many.all("input", name="out")) >= 14
