"""Other shifts, for one person or a whole team: every date of a plan that they move is shown before it moves."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest

from portal.calendars import service as calendars
from portal.calendars.queries import list_shifts, rosters_with
from portal.calendars.service.moves import other_shifts
from portal.core import clock
from portal.core.db import session
from portal.core.transaction import own_transaction
from portal.training import queries
from portal.training.models import Enrollment
from portal.training.service import dates
from tests.beginnings import beginning
from tests.builders import Cast
from tests.queries import counted_queries
from tests.shown import as_shown
from tests.training.builders import acknowledge, load_holidays, make_documents, make_enrollment, make_plan
from tests.training.test_training import document

MORNING = datetime(2026, 4, 28, 1, 0, tzinfo=UTC)
LANGUAGES = ("en", "ja")
TWO_TWO = {"works": "shifts", "first_on": "2026-04-28", "cycle": "2-2", "works_holidays": "y"}


@pytest.fixture
@beginning
def _documents(cast: Cast) -> None:
    with clock.frozen(MORNING):
        load_holidays()
        make_documents()


@pytest.fixture(autouse=True)
def _start_of_the_plan(_documents: None) -> Iterator[None]:
    with clock.frozen(MORNING):
        yield


@pytest.fixture
@beginning
def enrollment(cast: Cast) -> Enrollment:
    return make_enrollment(cast.learner, make_plan(), cast.admin)


def all_due(enrollment: Enrollment) -> dict[str, date]:
    session.expire_all()
    return {slug: each.on for slug, each in queries.standing_of(enrollment).dues.items()}


@pytest.mark.parametrize("language", LANGUAGES)
def test_dates_moved_into_a_year_whose_holidays_are_not_announced_say_so_once(
    cast: Cast, as_: Any, language: str
) -> None:
    said = {
        "en": "The holidays of 2028 are not announced yet; these dates may still change.",
        "ja": "2028年の祝日はまだ公示されていないため、これらの日付は変わることがあります。",
    }[language]
    # The plan ends at the end of 2027; with two days off after one worked its last dates lie in 2028.
    with clock.frozen(datetime(2027, 12, 20, 1, tzinfo=UTC)):
        enrollment = make_enrollment(cast.learner, make_plan(), cast.admin, starts_on=date(2027, 12, 20))
        assert max(all_due(enrollment).values()) < date(2028, 1, 1)
        lead = as_(cast.lead, language=language)
        for cycle, times in (("6-1", 0), ("1-3", 1)):
            asked = TWO_TWO | {"first_on": "2027-12-20", "cycle": cycle}
            page = lead.post("calendars.record_shifts", asked, code=cast.learner.code, expect=200)
            moved = page.text.split(_heading(language))[0]
            assert moved.count(said) == times
            assert cast.learner.team is not None
            page = lead.post("calendars.team_shifts", asked, code=cast.learner.team.code, expect=200)
            assert page.text.count(said) == times
        with own_transaction():
            row = calendars.record_shifts(
                person=cast.learner, first_on=date(2027, 12, 20), cycle="1-3", works_holidays=True, by=cast.lead
            )
        shown = lead.post("calendars.withdraw_shifts", {"number": str(row.id)}, code=cast.learner.code, expect=200)
        # Back to the week nothing lies in 2028; of the weeks below some days do.
        assert said not in shown.text.split(_heading(language))[0]
        assert said in shown.text.split(_heading(language), 1)[1]


def _heading(language: str) -> str:
    return {"en": "Recorded shifts", "ja": "記録されているシフト"}[language]


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_other_shifts_move_is_shown_and_is_what_moves(
    cast: Cast, enrollment: Enrollment, as_: Any, language: str
) -> None:
    acknowledge(cast.learner, document("exposure"))
    before = all_due(enrollment)
    lead, code = as_(cast.lead, language=language), cast.learner.code
    page = lead.post("calendars.record_shifts", TWO_TWO, code=code, expect=200)
    assert {"en": "Dates that move", "ja": "変わる期限"}[language] in page.text
    assert list_shifts(cast.learner.id) == []
    assert all_due(enrollment) == before
    rosters = rosters_with([cast.learner.id], first_on=date(2026, 4, 28), cycle="2-2", works_holidays=True)
    ((_standing, moves),) = dates.moved_by_calendar(change=other_shifts(rosters))
    lead.post("calendars.record_shifts", as_shown(lead, "calendars.record_shifts", TWO_TWO, code=code), code=code)
    after = all_due(enrollment)
    assert {each.step.slug: each.after for each in moves} == {
        slug: on for slug, on in after.items() if slug != "statement" and before[slug] != on
    }
    assert moves
    # Taking them back shows the same the other way round.
    (row,) = list_shifts(cast.learner.id)
    page = lead.post("calendars.withdraw_shifts", {"number": str(row.id)}, code=code, expect=200)
    assert len(page.all("table")[0].findall(".//tbody/tr")) == len(moves)
    confirmed = as_shown(lead, "calendars.withdraw_shifts", {"number": str(row.id)}, code=code)
    lead.post("calendars.withdraw_shifts", confirmed, code=code)
    assert all_due(enrollment) == before


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_whole_team_is_given_shifts_at_once(cast: Cast, enrollment: Enrollment, as_: Any, language: str) -> None:
    team = cast.learner.team
    assert team is not None
    make_enrollment(cast.colleague, enrollment.version, cast.admin)
    lead = as_(cast.lead, language=language)
    assert any(
        link.endswith(f"/teams/{team.code}/shifts")
        for link in lead.get("calendars.shifts", code=cast.learner.code).links()
    )
    page = lead.post("calendars.team_shifts", TWO_TWO, code=team.code, expect=200)
    table = page.all("table")[0]
    names = " ".join("".join(table.itertext()).split())
    assert cast.learner.name_in(language) in names
    assert cast.colleague.name_in(language) in names
    confirmed = as_shown(lead, "calendars.team_shifts", TWO_TWO, code=team.code)
    changed = confirmed | {"cycle": "3-3"}
    lead.post("calendars.team_shifts", changed, code=team.code, expect=200)
    assert list_shifts(cast.learner.id) == []
    lead.post("calendars.team_shifts", confirmed, code=team.code, expect=303)
    assert [each.cycle for person in (cast.learner, cast.colleague) for each in list_shifts(person.id)] == ["2-2"] * 2
    # Nobody records her own.
    assert list_shifts(cast.lead.id) == []
    as_(cast.learner).get("calendars.team_shifts", code=team.code, expect=404)


def test_a_team_takes_no_statement_for_each_person(cast: Cast, enrollment: Enrollment) -> None:
    def asked(people: list[int]) -> int:
        session.expire_all()
        with counted_queries() as counted:
            rosters = rosters_with(people, first_on=date(2026, 4, 28), cycle="2-2", works_holidays=True)
            dates.moved_by_calendar(change=other_shifts(rosters))
        return len(counted)

    one = asked([cast.learner.id])
    make_enrollment(cast.colleague, enrollment.version, cast.admin)
    assert asked([cast.learner.id, cast.colleague.id]) <= one


def test_the_team_stays_as_it_is_where_nobody_works_by_shifts(cast: Cast) -> None:
    with pytest.raises(calendars.ShiftsUnchanged), own_transaction():
        calendars.record_shifts_of_team(
            people=[cast.learner], first_on=date(2026, 4, 28), cycle=None, works_holidays=True, by=cast.lead
        )


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_pattern_that_is_asked_for_is_shown_day_by_day_before_it_is_recorded(
    cast: Cast, enrollment: Enrollment, as_: Any, language: str
) -> None:
    lead = as_(cast.lead, language=language)
    works, off = {"en": ("Works", "Off"), "ja": ("勤務", "休み")}[language]
    assert cast.learner.team is not None
    for endpoint, code in (
        ("calendars.record_shifts", cast.learner.code),
        ("calendars.team_shifts", cast.learner.team.code),
    ):
        page = lead.post(endpoint, TWO_TWO, code=code, expect=200)
        days = [each for each in page.all("li") if "shift-days__day" in (each.get("class") or "")]
        assert [each.find("time").get("datetime") for each in days][::13] == ["2026-04-28", "2026-05-11"]
        states = ["".join(each.find("span").itertext()) for each in days]
        assert states == [works, works, off, off] * 3 + [works, works]
        assert {"en": "2 on, 2 off", "ja": "2勤2休"}[language] in page.text
    # Who keeps holidays is off on them, and it is told which they are: 29 April, 3 to 6 May.
    page = lead.post(
        "calendars.record_shifts", {each: TWO_TWO[each] for each in ("works", "first_on", "cycle")},
        code=cast.learner.code, expect=200,
    )  # fmt: skip
    days = [each for each in page.all("li") if "shift-days__day" in (each.get("class") or "")]
    assert "".join(days[1].find("span").itertext()) == off
    assert {"en": "Showa Day", "ja": "昭和の日"}[language] in page.text
    assert list_shifts(cast.learner.id) == []
