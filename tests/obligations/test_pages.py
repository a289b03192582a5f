"""The pages of obligations, in both languages: what is said of whom, what is refused, and who gets in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from flask import Flask

from portal.accounts.models import Person, Role, Scope
from portal.core import clock
from portal.core.db import session
from portal.core.transaction import own_transaction
from portal.obligations import queries
from portal.obligations.models import Obligation
from portal.obligations.rules import Rhythm, State
from portal.obligations.service import obligations
from portal.training.service.enrollments import end_plan
from tests.beginnings import beginning
from tests.builders import Cast, make_grant, make_person, make_team
from tests.obligations.builders import BEGINS, at, complete, cycles_of, make_obligation, make_refresher, work
from tests.page_client import Page, PageClient
from tests.queries import counted_queries
from tests.training.builders import load_holidays, make_plan_with_exam

TODAY = date(2026, 4, 2)


@pytest.fixture(autouse=True)
def _today(app: Any) -> Iterator[None]:
    with clock.frozen(at(TODAY)):
        yield


@pytest.fixture
@beginning
def refresher(cast: Cast) -> Obligation:
    """A yearly refresher whose first cycles opened yesterday, of the learner's team."""
    with clock.frozen(at(date(2026, 3, 30))):
        load_holidays()
        make_refresher(cast.author)
        found = make_obligation(cast.author, owner=cast.lead, deputy=cast.author)
    work(BEGINS)
    return found


def stop(person: Person, by: Person) -> None:
    (cycle,) = cycles_of(person)
    with own_transaction():
        end_plan(enrollment=cycle.enrollment, reason="Long leave", by=by)


def terms_form(owner: Person, **changed: Any) -> dict[str, Any]:
    """Return what the form of terms sends: a refresher each year for a team."""
    return {
        "title_ja": "年次研修",
        "title_en": "Yearly refresher",
        "plan": "refresher",
        "days": "10",
        "begins_on": "2026-04-02",
        "rhythm": "after_completion",
        "months": "12",
        "credential": "",
        "month": "",
        "teams": ["account-safety"],
        "holders_of": "",
        "owner": owner.code,
        "deputy": "",
        "act": "preview",
    } | changed


def seen_in(page: Page) -> str:
    return page.one("input", name="seen").get("value", "")


# --- Seeing --------------------------------------------------------------------------------------


@pytest.mark.parametrize("tongue", ["en", "ja"])
def test_the_list_says_of_each_obligation_how_people_stand(
    app: Flask, cast: Cast, refresher: Obligation, tongue: str
) -> None:
    complete(cycles_of(cast.learner)[0].enrollment, TODAY, 8)
    stop(cast.colleague, cast.admin)
    text = PageClient(app, cast.lead, language=tongue).get("obligations.list_obligations").text
    for words in {
        "en": ("Yearly refresher", "12 months after the last completion", "1 interrupted", "3 open", "1 intact"),
        "ja": ("年次研修", "前回の修了から12か月後", "中断1人", "実施中3人", "継続1人"),
    }[tongue]:
        assert words in text


@pytest.mark.parametrize("tongue", ["en", "ja"])
def test_the_page_says_of_everybody_whether_the_next_will_come_and_what_to_do(
    app: Flask, cast: Cast, refresher: Obligation, tongue: str
) -> None:
    complete(cycles_of(cast.learner)[0].enrollment, TODAY, 8)
    stop(cast.colleague, cast.admin)
    client = PageClient(app, cast.lead, language=tongue)
    page = client.get("obligations.obligation", code=refresher.code)
    said = {
        "en": ("Open the next cycle by hand", "The last cycle ended without completion", "2 Apr 2027", "15 Apr 2026"),
        "ja": ("手動で次の回を始めてください", "修了しないまま終わりました", "2027/04/02", "2026/04/15"),
    }[tongue]
    for words in said:
        assert words in page.text
    # Those who need somebody come first.
    first = page.all("tbody")[0].findall("tr")[0]
    assert cast.colleague.given_name in "".join(first.itertext()) or "Hanako" in "".join(first.itertext())
    assert client.url("obligations.open_cycle", code=refresher.code, person=cast.colleague.code) in page.links()
    only = client.get("obligations.obligation", code=refresher.code, health="intact")
    assert len(only.all("tbody")[0].findall("tr")) == 1
    assert client.get("obligations.obligation", code=refresher.code, health="overdue", why="nonsense", page="zz")


def test_what_is_paused_says_so_once_above_everybody(app: Flask, cast: Cast, refresher: Obligation) -> None:
    with own_transaction():
        obligations.pause(obligation=refresher, reason="The plan is rewritten", by=cast.author)
    page = PageClient(app, cast.author, language="en").get("obligations.obligation", code=refresher.code)
    assert page.text.count("The obligation is paused.") == 1
    assert "The plan is rewritten" in page.text


def test_a_lead_sees_her_team_and_nobody_else(app: Flask, cast: Cast, refresher: Obligation) -> None:
    with clock.frozen(at(date(2026, 3, 30))):
        everywhere = make_obligation(cast.author, rhythm=Rhythm.YEARLY, month=10, day=1, teams=())
    work(BEGINS, 10)
    client = PageClient(app, cast.lead, language="en")
    assert cast.outsider.full_romaji not in client.get("obligations.obligation", code=everywhere.code).text
    assert cast.outsider.full_romaji not in client.fetch("obligations.people_csv", code=everywhere.code).get_data(
        as_text=True
    )
    assert (
        cast.outsider.full_romaji
        in PageClient(app, cast.admin, language="en").get("obligations.obligation", code=everywhere.code).text
    )
    client.get("obligations.of_person", code=cast.outsider.code, expect=404)
    make_grant(cast.outsider, Role.LEAD, Scope.TEAM, "payments-safety")
    abroad = PageClient(app, cast.outsider, language="en")
    # One that addresses nobody of hers is not there, exactly like one that does not exist.
    hidden = abroad.get("obligations.obligation", code=refresher.code, expect=404)
    missing = abroad.get("obligations.obligation", code="0" * 12, expect=404)
    assert hidden.heading == missing.heading
    assert hidden.text.rpartition(" ")[0].rpartition(" ")[0] == missing.text.rpartition(" ")[0].rpartition(" ")[0]
    assert "Yearly refresher" in abroad.get("obligations.list_obligations").text
    assert (
        client.url("obligations.obligation", code=refresher.code)
        not in abroad.get("obligations.list_obligations").links()
    )


@pytest.mark.parametrize("tongue", ["en", "ja"])
def test_a_learner_finds_every_cycle_of_hers_on_a_page_of_her_own(
    app: Flask, cast: Cast, refresher: Obligation, tongue: str
) -> None:
    complete(cycles_of(cast.learner)[0].enrollment, TODAY, 8)
    client = PageClient(app, cast.learner, language=tongue)
    assert client.url("obligations.own") in client.get("accounts.own_account").links()
    page = client.get("obligations.own")
    for words in {
        "en": ("Cycle 1", "Completed", "The next one comes on Fri 2 Apr 2027", "Nothing was completed before"),
        "ja": ("第1回", "修了", "2027年4月2日（金）に始まります", "以前の修了なし"),
    }[tongue]:
        assert words in page.text
    assert client.url("training.path", code=cycles_of(cast.learner)[0].enrollment.code) in page.links()
    client.get("obligations.list_obligations", expect=403)
    client.get("obligations.of_person", code=cast.colleague.code, expect=404)


@pytest.mark.parametrize("tongue", ["en", "ja"])
def test_where_nothing_recurs_the_pages_say_what_would(app: Flask, cast: Cast, tongue: str) -> None:
    said = {"en": "Nothing recurs", "ja": "定期義務は"}[tongue]
    assert said in PageClient(app, cast.author, language=tongue).get("obligations.list_obligations").text
    assert said in PageClient(app, cast.learner, language=tongue).get("obligations.own").text


def test_the_file_says_what_the_page_says(app: Flask, cast: Cast, refresher: Obligation) -> None:
    stop(cast.colleague, cast.admin)
    text = PageClient(app, cast.lead, language="en").fetch("obligations.people_csv", code=refresher.code)
    lines = text.get_data(as_text=True).splitlines()
    assert lines[0].lstrip("\ufeff").startswith("Person,Code,Team,Market,State,Next cycle,Due,Reason,What to do")
    (stopped,) = [line for line in lines if cast.colleague.code in line]
    assert "Interrupted" in stopped
    assert "Open the next cycle by hand" in stopped


def test_a_page_asks_the_same_for_few_and_for_many(app: Flask, cast: Cast, refresher: Obligation) -> None:
    clients = [PageClient(app, each, language="en") for each in (cast.author, cast.lead)]

    def measured() -> list[int]:
        found = []
        for client in clients:
            for endpoint, values in (
                ("obligations.list_obligations", {}),
                ("obligations.obligation", {"code": refresher.code}),
                ("obligations.of_person", {"code": cast.learner.code}),
            ):
                client.get(endpoint, **values)
                with counted_queries() as statements:
                    client.get(endpoint, **values)
                found.append(len(statements))
        return found

    few = measured()
    for _number in range(12):
        make_person(team=make_team())
    with clock.frozen(at(date(2026, 3, 30))):
        for month in (10, 11):
            make_obligation(cast.author, owner=cast.lead, rhythm=Rhythm.YEARLY, month=month, day=1)
    work(BEGINS, 10)
    assert measured() == few


# --- Making --------------------------------------------------------------------------------------


def test_an_obligation_is_made_after_a_preview_of_whom_and_when(app: Flask, cast: Cast) -> None:
    load_holidays()
    make_refresher(cast.author)
    client = PageClient(app, cast.author, language="en")
    client.get("obligations.new_obligation")
    form = terms_form(cast.lead, months="１２", days="１０")
    shown = client.post("obligations.new_obligation", form, expect=200)
    assert isinstance(shown, Page)
    assert "Thu 2 Apr 2026: 5 people" in shown.text
    assert not queries.list_obligations()
    # What was changed after the preview is shown again before anything happens.
    seen = seen_in(shown)
    other = client.post("obligations.new_obligation", form | {"act": "confirm", "seen": seen, "days": "20"}, expect=200)
    assert isinstance(other, Page)
    assert not queries.list_obligations()
    client.post("obligations.new_obligation", form | {"act": "confirm", "seen": seen})
    (made,) = queries.list_obligations()
    owned = queries.find_owner_of(made)
    assert owned is not None
    assert (made.title.ja, made.latest.months, made.latest.days, owned.owner.code) == (
        "年次研修", 12, 10, cast.lead.code,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "field", "en", "ja"),
    [
        ({"title_ja": ""}, "title_ja", "Enter the title in Japanese.", "日本語"),
        ({"months": "abc"}, "months", "Enter a whole number from 1 to 60.", "1から60"),
        ({"months": ""}, "months", "Enter the months.", "月数"),
        ({"days": "3"}, "days", "after 5 working days", "5営業日後"),
        ({"days": "9999"}, "days", "from 1 to 120", "1から120"),
        ({"rhythm": "yearly", "month": "2", "day": "30"}, "day", "no such day", "この月に"),
        ({"rhythm": "yearly", "month": "", "day": "1"}, "month", "Choose the month.", "月"),
        ({"rhythm": "before_expiry", "lead_days": "20"}, "credential", "Choose the credential.", "資格"),
        ({"begins_on": "2016-04-02"}, "begins_on", "Check the year", "年"),
        ({"begins_on": "soon"}, "begins_on", "Enter a date like", "日付"),
        ({"deputy": "OWNER"}, "deputy", "somebody else as deputy", "副担当"),
        ({"rhythm": "never"}, "rhythm", "", ""),
    ],
)
def test_what_is_wrong_stands_beside_its_field_and_nothing_typed_is_lost(
    app: Flask, cast: Cast, changed: dict[str, Any], field: str, en: str, ja: str
) -> None:
    load_holidays()
    make_refresher(cast.author)
    form = terms_form(cast.lead, **changed)
    if form["deputy"] == "OWNER":
        form["deputy"] = form["owner"]
    for tongue, said in (("en", en), ("ja", ja)):
        page = PageClient(app, cast.author, language=tongue).post("obligations.new_obligation", form, expect=400)
        assert isinstance(page, Page)
        told = "".join(page.one("div", id=f"{field}-error").itertext())
        assert said in told
        assert page.one("input", name="title_en").get("value") == "Yearly refresher"
    assert not queries.list_obligations()


def test_what_the_chosen_rhythm_does_not_ask_is_not_judged(app: Flask, cast: Cast) -> None:
    load_holidays()
    make_refresher(cast.author)
    form = terms_form(cast.lead, rhythm="yearly", month="10", day="1", months="nonsense", lead_days="x")
    page = PageClient(app, cast.author, language="en").post("obligations.new_obligation", form, expect=200)
    assert isinstance(page, Page)
    assert "Thu 1 Oct 2026: 5 people" in page.text


def test_a_plan_with_events_is_not_offered(app: Flask, cast: Cast) -> None:
    make_refresher(cast.author)
    make_plan_with_exam(cast.author)
    page = PageClient(app, cast.author, language="en").get("obligations.new_obligation")
    offered = [each.get("value") for each in page.one("select", name="plan").iter("option")]
    assert offered == ["refresher"]
    form = terms_form(cast.lead, plan="with-exam")
    PageClient(app, cast.author, language="en").post("obligations.new_obligation", form, expect=400)


def test_whoever_works_for_a_market_makes_obligations_for_it_alone(app: Flask, cast: Cast) -> None:
    load_holidays()
    make_refresher(cast.author)
    local = make_person(team=make_team())
    make_grant(local, Role.POLICY_OWNER, Scope.MARKET, "JP")
    client = PageClient(app, local, language="en")
    for changed in ({"teams": []}, {"teams": [], "markets": ["US"]}, {"teams": ["payments-safety"]}):
        page = client.post("obligations.new_obligation", terms_form(cast.lead, **changed), expect=400)
        assert isinstance(page, Page)
        assert "roles do not reach this far" in page.text
    client.post("obligations.new_obligation", terms_form(cast.lead, teams=[], markets=["JP"]), expect=200)


def test_terms_are_changed_with_a_reason_and_the_older_ones_stay(app: Flask, cast: Cast, refresher: Obligation) -> None:
    client = PageClient(app, cast.author, language="en")
    page = client.get("obligations.change_terms", code=refresher.code)
    number = page.one("input", name="number").get("value")
    form = terms_form(cast.lead, begins_on="2026-04-01", deputy=cast.author.code, number=number, months="6")
    missing = client.post("obligations.change_terms", form, code=refresher.code, expect=400)
    assert isinstance(missing, Page)
    form["reason"] = "Twice a year from now on"
    shown = client.post("obligations.change_terms", form, code=refresher.code, expect=200)
    assert isinstance(shown, Page)
    assert "5 cycles are open and keep their terms." in shown.text
    done = form | {"act": "confirm", "seen": seen_in(shown)}
    client.post("obligations.change_terms", done, code=refresher.code)
    session.expire_all()
    found = queries.get_obligation(refresher.code)
    assert [each.months for each in found.terms] == [12, 6]
    assert "Twice a year from now on" in client.get("obligations.obligation", code=refresher.code).text
    # Whoever still has the older page is told, and changes nothing.
    late = client.post("obligations.change_terms", done, code=refresher.code, expect=409)
    assert isinstance(late, Page)
    assert "changed the terms meanwhile" in late.text


def test_pausing_resuming_and_ending_go_by_their_order(app: Flask, cast: Cast, refresher: Obligation) -> None:
    client = PageClient(app, cast.author, language="en")

    def state() -> State:
        session.expire_all()
        return queries.get_obligation(refresher.code).state

    client.post("obligations.pause", {"reason": ""}, code=refresher.code, expect=400)
    for act, expected in (("pause", State.PAUSED), ("resume", State.IN_FORCE), ("end", State.ENDED)):
        client.get(f"obligations.{act}", code=refresher.code)
        client.post(f"obligations.{act}", {"reason": f"To {act}"}, code=refresher.code)
        assert state() is expected
    client.post("obligations.resume", {"reason": "After all"}, code=refresher.code, expect=409)
    page = client.get("obligations.obligation", code=refresher.code)
    assert "This obligation has ended." in page.text
    assert not [each for each in page.links() if each.endswith("/terms")]
    client.get("obligations.change_terms", code=refresher.code)


def test_a_lead_opens_the_next_cycle_of_her_people_and_never_her_own(
    app: Flask, cast: Cast, refresher: Obligation
) -> None:
    stop(cast.colleague, cast.admin)
    client = PageClient(app, cast.lead, language="en")
    values = {"code": refresher.code, "person": cast.colleague.code}
    assert re.search(r"Interrupted The last cycle ended", client.get("obligations.open_cycle", **values).text)
    client.post("obligations.open_cycle", {"reason": ""}, expect=400, **values)
    client.post("obligations.open_cycle", {"reason": "Back again"}, **values)
    assert [each.number for each in cycles_of(cast.colleague)] == [1, 2]
    client.post("obligations.open_cycle", {"reason": "Once more"}, expect=409, **values)
    client.get("obligations.open_cycle", code=refresher.code, person=cast.lead.code, expect=404)
    PageClient(app, cast.learner).get("obligations.open_cycle", expect=404, **values)


@pytest.mark.parametrize(
    ("language", "said"),
    [("en", "2 invited people are not addressed yet"), ("ja", "招待中の2人はまだ対象になっていません")],
)
def test_the_page_says_how_many_invited_people_are_not_addressed_yet(
    cast: Cast, refresher: Obligation, as_: Any, language: str, said: str
) -> None:
    assert said not in as_(cast.lead, language=language).get("obligations.obligation", code=refresher.code).text
    for team in (make_team(), make_team(), make_team("elsewhere")):
        make_person(team=team, password_hash=None)
    assert said in as_(cast.lead, language=language).get("obligations.obligation", code=refresher.code).text
