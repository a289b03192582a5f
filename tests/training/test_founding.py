"""A lead puts a cohort together: what is shown is what is created, and until somebody begins it can be taken back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from io import BytesIO
from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError

from portal.accounts import queries as accounts
from portal.accounts.models import Person, Role, RoleGrant, Scope
from portal.accounts.service import accommodations, links, passwords, people
from portal.calendars import service as calendars
from portal.calendars.queries import working_calendar
from portal.cohorts import queries as cohorts
from portal.cohorts.models import Cohort
from portal.core import clock, jobs, tables
from portal.core.db import session
from portal.core.jobs import Job, JobState
from portal.core.mail import _builders, render
from portal.core.transaction import in_transaction, own_transaction
from portal.journal.models import JournalEntry
from portal.organisation import rules as organisation_rules
from portal.organisation import service as organisation
from portal.organisation.models import Market
from portal.training import queries, rules
from portal.training.errors import NoSuchPlan
from portal.training.models import CohortDraft, Enrollment
from portal.training.queries import catalogue, cohort_drafts, signing
from portal.training.rules import StepKind, StepSpec
from portal.training.service import calendar, dates, enrollments, founding, taking_in
from tests.beginnings import beginning
from tests.builders import Cast, make_grant, make_market, make_person, make_team, save
from tests.page_client import Page
from tests.queries import counted_queries
from tests.training.builders import (
    START,
    acknowledge,
    load_holidays,
    make_cohort,
    make_documents,
    make_enrollment,
    make_plan,
    make_quiz,
)
from tests.training.test_training import document

# Two weeks before the first day.
BEFORE = datetime(2026, 4, 14, 1, 0, tzinfo=UTC)
LANGUAGES = ("en", "ja")
# Five working days before it, at nine in Tokyo.
INVITED_AT = datetime(2026, 4, 21, 0, 0, tzinfo=UTC)
NEW = "新人 {0}\tnew{0}@portal.example"


@pytest.fixture
@beginning
def _plan(cast: Cast) -> None:
    load_holidays()
    make_documents()
    make_quiz()
    make_plan()
    make_grant(make_person("mentor@portal.example", team=make_team()), Role.MENTOR, Scope.TEAM, "account-safety")


@pytest.fixture(autouse=True)
def _before(_plan: None) -> Iterator[None]:
    with clock.frozen(BEFORE):
        yield


def mentor() -> Person:
    found = accounts.find_person_by_sign_in_name("mentor@portal.example")
    assert found is not None
    return found


def wished(text: str = "", **values: Any) -> dict[str, Any]:
    """Return the form for a cohort of the lead's team from the day before Golden Week on."""
    return {
        "plan": "first-days@1.0",
        "place": "JP/account-safety",
        "starts_on": START.isoformat(),
        "text": text,
    } | values


def listed(count: int) -> str:
    return "氏名\tメール\n" + "\n".join(NEW.format(number) for number in range(count))


def draft_of(response: Any) -> CohortDraft:
    code = response.headers["Location"].split("/cohort-drafts/")[1].split("?")[0]
    session.expire_all()
    return cohort_drafts.get_draft(code)


def put_together(browser: Any, text: str = "", **values: Any) -> CohortDraft:
    """Send the form and return the draft that comes of it."""
    return draft_of(browser.post("training.new_cohort", wished(text, **values)))


def keys(draft: CohortDraft, by: Person) -> list[str]:
    return [each.key for each in founding.judge(draft, by).candidates if each.can_be_taken]


def seen_of(draft: CohortDraft, by: Person) -> str:
    """Return what the preview of a draft sends along of what it shows."""
    return founding.key_of(founding.judge(draft, by))


def confirm(browser: Any, draft: CohortDraft, by: Person, **values: Any) -> Any:
    """Press the button of the preview with everybody ticked who is."""
    taken = keys(draft, by)
    form = {"act": "create", "shown": taken, "take": taken, "seen": seen_of(draft, by)}
    return browser.post("training.cohort_draft", form | values, code=draft.code)


def confirmed(browser: Any, code: str, asked: dict[str, Any]) -> dict[str, Any]:
    """Return what the button sends that moves a first day, after its preview was looked at."""
    page = browser.post("training.first_day", asked, code=code, expect=200)
    return asked | {"act": "confirm", "seen": page.one("input", name="seen").get("value")}


def found_of(browser: Any, by: Person, text: str, **values: Any) -> Cohort:
    """Put a cohort together and create it."""
    draft = put_together(browser, text, **values)
    confirm(browser, draft, by)
    session.expire_all()
    cohort = cohort_drafts.get_draft(draft.code).cohort
    assert cohort is not None
    return cohort


def mails() -> list[dict[str, Any]]:
    """Return the mails that are owed."""
    session.expire_all()
    return [row.arguments for row in session.scalars(select(Job).where(Job.name == "mail.send").order_by(Job.id))]


def invited() -> list[str]:
    """Return to which addresses invitations are owed."""
    return sorted(each["arguments"]["name"] for each in mails() if each["mail"] == "accounts.link")


def enrolled(cohort: Cohort) -> list[Enrollment]:
    return list(session.scalars(select(Enrollment).where(Enrollment.cohort_id == cohort.id).order_by(Enrollment.id)))


# --- The preview ----------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_preview_shows_every_date_with_its_number_and_names_the_holidays(
    cast: Cast, as_: Any, language: str
) -> None:
    browser = as_(cast.lead, language=language)
    page = browser.follow(browser.post("training.new_cohort", wished(listed(2))))
    days = {
        moment.get("datetime"): " ".join("".join(day.itertext()).split())
        for day in page.all("td", class_="planner__day")
        for moment in day.iter("time")
    }
    # Five working days after 28 April: over Golden Week.
    first, sixth = ("Day 1", "Day 6") if language == "en" else ("1日目", "6日目")
    assert first in days["2026-04-28"]
    assert sixth in days["2026-05-11"]
    for holiday in ("Showa Day", "Greenery Day") if language == "en" else ("昭和の日", "みどりの日"):
        assert holiday in page.text
    dues = founding.judge(session.scalars(select(CohortDraft)).one(), cast.lead).schedule
    assert dues is not None
    assert {due.on.isoformat() for due in dues.values()} <= set(days)


def test_nothing_is_created_and_nobody_told_before_it_is_confirmed(cast: Cast, as_: Any) -> None:
    before = session.scalar(select(func.count()).select_from(Job))
    browser = as_(cast.lead)
    browser.follow(browser.post("training.new_cohort", wished(listed(3))))
    assert session.scalars(select(Cohort)).all() == []
    assert session.scalars(select(Enrollment)).all() == []
    assert accounts.find_person_by_sign_in_name("new0@portal.example") is None
    assert session.scalar(select(func.count()).select_from(Job)) == before


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_shown_is_what_is_created(cast: Cast, as_: Any, language: str) -> None:
    browser = as_(cast.lead, language=language)
    text = listed(3) + "\n\tcolleague@portal.example"
    draft = put_together(browser, text, chosen=[cast.learner.code], mentors=[mentor().code])
    page = browser.follow(confirm(browser, draft, cast.lead))
    cohort = cohorts.get_cohort("jp-2026-04")
    assert (cohort.name.en, cohort.name.ja) == ("Account safety, April 2026", "アカウント安全 2026年4月")
    assert page.heading == cohort.name.in_(language)
    assert cohort.starts_on == START
    assert {each.person.sign_in_name for each in enrolled(cohort)} == {
        "new0@portal.example", "new1@portal.example", "new2@portal.example", "colleague@portal.example",
        "learner@portal.example",
    }  # fmt: skip
    assert {each.id for each in cohorts.list_members(cohort)} == {each.person_id for each in enrolled(cohort)}
    new = accounts.find_person_by_sign_in_name("new1@portal.example")
    assert new is not None
    assert (new.family_name, new.given_name, new.is_invited) == ("新人", "1", True)
    assert new.team is not None
    assert new.team.code == "account-safety"
    assert [(grant.role, grant.scope) for grant in new.grants] == [(Role.LEARNER, Scope.ORGANISATION)]
    assert [each.code for each in accounts.list_holders(Role.MENTOR, Scope.COHORT, cohort.code)] == [mentor().code]
    assert invited() == []
    with clock.frozen(INVITED_AT):
        jobs.run_due()
    assert invited() == ["new0@portal.example", "new1@portal.example", "new2@portal.example"]
    assert sum(each["mail"] == "training.plan_started" for each in mails()) == 5


def test_the_draft_is_kept_as_it_was_left_and_can_be_changed(cast: Cast, as_: Any) -> None:
    browser = as_(cast.lead)
    draft = put_together(browser, listed(2), name_en="Spring", mentors=[mentor().code])
    page = browser.get("training.change_draft", code=draft.code)
    assert page.one("textarea", name="text").text.strip() == listed(2)  # type: ignore[union-attr]
    assert page.one("input", name="name_en").get("value") == "Spring"
    assert page.one("input", name="starts_on").get("value") == START.isoformat()
    browser.post("training.change_draft", wished(listed(1), code="spring"), code=draft.code)
    session.expire_all()
    assert founding.judge(cohort_drafts.get_draft(draft.code), cast.lead).code == "spring"
    assert f"/cohort-drafts/{draft.code}" in " ".join(browser.get("training.new_cohort").links())


def test_who_is_unticked_is_left_out_and_stays_so(cast: Cast, as_: Any) -> None:
    browser = as_(cast.lead)
    draft = put_together(browser, listed(3))
    every = keys(draft, cast.lead)
    browser.post("training.cohort_draft", {"act": "update", "shown": every, "take": every[1:]}, code=draft.code)
    session.expire_all()
    kept = cohort_drafts.get_draft(draft.code)
    assert [each.sign_in_name for each in founding.judge(kept, cast.lead).taken] == every[1:]
    form = {"act": "create", "shown": every, "take": every[1:], "seen": seen_of(draft, cast.lead)}
    browser.post("training.cohort_draft", form, code=draft.code)
    session.expire_all()
    assert accounts.find_person_by_sign_in_name(every[0]) is None
    assert len(enrolled(cohorts.get_cohort("jp-2026-04"))) == 2


@pytest.mark.parametrize("language", LANGUAGES)
def test_duplicates_are_named_and_none_is_created(cast: Cast, as_: Any, language: str) -> None:
    browser = as_(cast.lead, language=language)
    text = listed(2) + "\n" + NEW.format(0) + "\n新人 零\tＮＥＷ0@portal.example"
    draft = put_together(browser, text)
    page = browser.get("training.cohort_draft", code=draft.code)
    told = "Line 2 has the same email address." if language == "en" else "2行目に同じメールアドレスがあります。"
    assert page.text.count(told) == 2
    confirm(browser, draft, cast.lead)
    assert session.scalar(select(func.count()).select_from(Person).where(Person.sign_in_name.like("new%"))) == 2


def test_who_follows_the_plan_already_is_named_and_left_alone(cast: Cast, as_: Any) -> None:
    version = catalogue.get_latest_version("first-days")
    mine = make_enrollment(cast.learner, version, cast.admin, cohort=make_cohort(cast.admin))
    browser = as_(cast.lead)
    draft = put_together(browser, listed(1) + "\nlearner@portal.example")
    assert (
        "Follows this plan already, in “Cohort of April”." in browser.get("training.cohort_draft", code=draft.code).text
    )
    confirm(browser, draft, cast.lead)
    assert [
        each.code for each in session.scalars(select(Enrollment).where(Enrollment.person_id == cast.learner.id))
    ] == [mine.code]
    # The code of that month was taken.
    assert cohorts.find_cohort("jp-2026-04-2") is not None


# --- What is not right --------------------------------------------------------------------------------


def test_a_lead_takes_in_nobody_of_another_team_and_is_told_nothing_of_her(cast: Cast, as_: Any) -> None:
    browser = as_(cast.lead)
    draft = put_together(browser, listed(1) + "\n\toutsider@portal.example", chosen=[])
    page = browser.get("training.cohort_draft", code=draft.code)
    assert "This account belongs to a team that you do not lead." in page.text
    assert "Rivera" not in page.text
    confirm(browser, draft, cast.lead, take=["new0@portal.example", "outsider@portal.example"])
    session.expire_all()
    assert queries.find_open_enrollment(cast.outsider.id, catalogue.get_plan("first-days").id) is None


@pytest.mark.parametrize("place", ["US/payments-safety", "JP/", "XX/nothing"])
def test_a_lead_creates_no_cohort_for_a_team_that_she_does_not_lead(cast: Cast, as_: Any, place: str) -> None:
    page = as_(cast.lead).post("training.new_cohort", wished(listed(1), place=place), expect=400)
    assert isinstance(page, Page)
    assert session.scalars(select(CohortDraft)).all() == []


def test_a_lead_who_leads_the_team_no_longer_cannot_confirm(cast: Cast, as_: Any) -> None:
    draft = put_together(as_(cast.lead), listed(1))
    session.execute(update(RoleGrant).where(RoleGrant.role == Role.LEAD).values(scope_code="other"))
    session.commit()
    page = as_(cast.lead).post("training.cohort_draft", {"act": "create"}, code=draft.code, expect=400)
    assert isinstance(page, Page)
    assert "does not belong to those that this account leads" in page.text
    assert session.scalars(select(Cohort)).all() == []


def test_a_draft_is_nobody_elses_business(cast: Cast, as_: Any) -> None:
    draft = put_together(as_(cast.lead), listed(1))
    other = make_person(team=make_team())
    make_grant(other, Role.LEAD, Scope.TEAM, "account-safety")
    for person in (other, cast.admin, cast.learner):
        as_(person).get("training.cohort_draft", code=draft.code, expect=404)


@pytest.mark.parametrize("language", LANGUAGES)
def test_ten_thousand_rows_are_refused_with_the_bound_and_kept_in_the_form(cast: Cast, as_: Any, language: str) -> None:
    text = listed(10_000)
    page = as_(cast.lead, language=language).post("training.new_cohort", wished(text), expect=400)
    assert isinstance(page, Page)
    assert "10,001" in page.text
    assert f"{rules.MOST_PEOPLE:,}" in page.text
    assert session.scalars(select(CohortDraft)).all() == []


def test_a_first_day_in_the_past_is_warned_of(cast: Cast, as_: Any) -> None:
    browser = as_(cast.lead)
    page = browser.follow(browser.post("training.new_cohort", wished(listed(1), starts_on="2026-04-10")))
    assert "The first day, Fri 10 Apr 2026, has passed; 2 steps would be overdue" in page.text
    assert page.all("button", value="create")
    with clock.frozen(datetime(2026, 4, 12, 1, 0, tzinfo=UTC)):
        browser.renew(cast.lead)
        page = browser.follow(browser.post("training.new_cohort", wished(listed(1), starts_on="2026-04-11")))
    assert "The first day, Sat 11 Apr 2026, has passed." in page.text
    assert "0 steps" not in page.text
    assert "1 of them is invited" in page.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_year_without_a_holiday_table_is_refused_by_its_number(cast: Cast, as_: Any, language: str) -> None:
    with clock.frozen(datetime(2031, 12, 20, 1, 0, tzinfo=UTC)):
        browser = as_(cast.lead, language=language)
        draft = put_together(browser, listed(1), starts_on="2031-12-29")
        page = browser.get("training.cohort_draft", code=draft.code)
        assert "2032" in page.text
        assert not page.all("button", value="create")
        confirm_anyway = browser.post("training.cohort_draft", {"act": "create"}, code=draft.code, expect=409)
        assert isinstance(confirm_anyway, Page)
    assert session.scalars(select(Cohort)).all() == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_years_whose_holidays_are_not_announced_are_named(cast: Cast, as_: Any, language: str) -> None:
    with clock.frozen(datetime(2028, 12, 20, 1, 0, tzinfo=UTC)):
        browser = as_(cast.lead, language=language)
        draft = put_together(browser, listed(1), starts_on="2028-12-26")
        page = browser.get("training.cohort_draft", code=draft.code)
    said = {
        "en": "The holidays of 2028, 2029 are not announced yet; these dates may still change.",
        "ja": "2028、2029年の祝日はまだ公示されていないため、これらの日付は変わることがあります。",
    }[language]
    assert page.text.count(said) == 1


def test_a_time_zone_that_does_not_exist_is_refused_by_its_name(cast: Cast, as_: Any) -> None:
    session.execute(update(Market).where(Market.code == "JP").values(time_zone="Asia/Atlantis"))
    session.commit()
    browser = as_(cast.lead)
    page = browser.follow(browser.post("training.new_cohort", wished(listed(1))))
    assert "Asia/Atlantis" in page.text
    assert not page.all("button", value="create")


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"starts_on": ""}, "Choose the first day."),
        ({"starts_on": "31.2.2026"}, "Enter a date like 2026-05-11."),
        ({"plan": "nothing@9.9"}, ""),
        ({"chosen": ["nobody"]}, ""),
        ({"mentors": ["nobody"]}, ""),
        ({"text": '"never closed\tnew@portal.example'}, ""),
        ({"name_en": "x" * 121}, "At most 120 characters."),
    ],
)
def test_bad_input_is_answered_in_words(cast: Cast, as_: Any, values: dict[str, Any], told: str) -> None:
    browser = as_(cast.lead)
    response = browser.send(
        "POST", browser.url("training.new_cohort"), data=wished(listed(1)) | values | {"csrf_token": browser.token()}
    )
    page = Page(response if response.status_code != 303 else browser.fetch(response.headers["Location"]))
    assert page.status in (200, 400)
    assert page.all("p", class_="callout__title") or page.all("div", class_="error-summary") or told in page.text
    assert told in page.text


@pytest.mark.parametrize("code", ["Not A Code", "jp-2026-04"])
def test_a_code_that_cannot_be_or_is_taken_is_said_in_the_preview(cast: Cast, as_: Any, code: str) -> None:
    make_cohort(cast.admin)
    browser = as_(cast.lead)
    page = browser.follow(browser.post("training.new_cohort", wished(listed(1), code=code)))
    assert f"“{code}”" in page.text
    assert not page.all("button", value="create")


@pytest.mark.parametrize("encoding", ["cp932", "utf-8-sig"])
def test_a_file_becomes_the_list_that_can_be_corrected(cast: Cast, as_: Any, encoding: str) -> None:
    browser = as_(cast.lead)
    data = listed(2).replace("\t", ",").encode(encoding)
    draft = put_together(browser, file=(BytesIO(data), "新人.csv"))
    assert [each.sign_in_name for each in founding.judge(draft, cast.lead).taken] == [
        "new0@portal.example", "new1@portal.example",
    ]  # fmt: skip
    assert "新人 0\tnew0@portal.example" in founding.wishes_of(draft).text


def test_a_file_beside_a_pasted_list_is_not_guessed_about(cast: Cast, as_: Any) -> None:
    page = as_(cast.lead).post(
        "training.new_cohort", wished(listed(1), file=(BytesIO(listed(1).encode()), "a.csv")), expect=400
    )
    assert isinstance(page, Page)
    assert "There is both a file and pasted rows." in page.text


def test_a_day_of_more_than_six_hours_is_warned_of(cast: Cast, as_: Any) -> None:
    make_plan(
        "heavy", cast.admin,
        StepSpec("one", StepKind.READ, 1, document="exposure", minutes=200),
        StepSpec("two", StepKind.READ, 1, document="impersonation", minutes=161),
        phases=(), credential=None,
    )  # fmt: skip
    browser = as_(cast.lead)
    page = browser.follow(browser.post("training.new_cohort", wished(listed(1), plan="heavy@1.0")))
    assert "More than 6 hours fall on one day: Thu 30 Apr 2026." in page.text
    assert "6 h 1 min" in page.text


def test_the_load_of_the_days_adds_up(cast: Cast) -> None:
    version = catalogue.get_latest_version("first-days")
    calendar = working_calendar(make_market())
    dues = rules.schedule([step.shape for step in version.steps], rules.Basis(START), calendar)
    days = rules.loads({step.slug: step.minutes for step in version.steps}, dues, START, calendar)
    assert sum(day.minutes for day in days) == sum(step.minutes for step in version.steps)
    assert sorted(slug for day in days for slug in day.slugs) == sorted(step.slug for step in version.steps)
    assert [(day.number, day.slugs) for day in days if day.on == date(2026, 5, 11)] == [(6, ("audit", "more"))]
    # Four of six by the fifth working day.
    assert rules.share_early(days) == Fraction(4, 6)


@pytest.mark.parametrize("house_lets", [True, False])
def test_the_time_factor_is_shown_only_where_the_house_lets_leads_know(cast: Cast, as_: Any, house_lets: bool) -> None:
    with own_transaction():
        accommodations.approve_accommodation(
            person=cast.learner, multiplier=Fraction(3, 2), hide_countdown=False, valid_from=date(2026, 4, 1),
            valid_until=None, by=cast.admin,
        )  # fmt: skip
        organisation.change_settings(values={organisation_rules.LEADS_SEE_ACCOMMODATIONS: house_lets}, by=cast.admin)
    browser = as_(cast.lead)
    page = browser.follow(browser.post("training.new_cohort", wished(chosen=[cast.learner.code])))
    assert ("×1.5" in page.text) is house_lets


def test_own_dates_because_of_leave_are_said_beside_the_person(cast: Cast, as_: Any) -> None:
    with own_transaction():
        calendars.record_leave(person=cast.learner, first_on=date(2026, 5, 7), last_on=date(2026, 5, 8), by=cast.lead)
    browser = as_(cast.lead)
    page = browser.follow(browser.post("training.new_cohort", wished(chosen=[cast.learner.code, cast.colleague.code])))
    assert page.text.count("Own dates because of leave or shifts; the last one is Wed 13 May 2026.") == 1


# --- Mentors ------------------------------------------------------------------------------------------


def test_a_learner_asks_the_mentor_whom_she_was_given_and_others_ask_all(cast: Cast, as_: Any) -> None:
    other = make_person("second@portal.example", team=make_team())
    make_grant(other, Role.MENTOR, Scope.TEAM, "account-safety")
    browser = as_(cast.lead)
    draft = put_together(browser, listed(2), mentors=[mentor().code, other.code])
    shown = keys(draft, cast.lead)
    confirm(browser, draft, cast.lead, mentor=[other.code, ""])
    first, second = enrolled(cohorts.get_cohort("jp-2026-04"))
    assert [each.person.sign_in_name for each in (first, second)] == shown
    assert [each.id for each in signing.list_contacts(first, first.person)[Role.MENTOR]] == [other.id]
    assert {each.id for each in signing.list_contacts(second, second.person)[Role.MENTOR]} == {mentor().id, other.id}
    talk = queries.get_step(first, "talk")
    assert [each.id for each in signing.list_signers(first, talk)] == [other.id]
    # She mentors no longer: whoever else does is asked.
    with own_transaction():
        people.deactivate(person=accounts.get_person(other.code), by=cast.admin, knowing=True)
    assert [each.id for each in signing.list_signers(first, talk)] == [mentor().id]


def test_a_column_of_the_list_names_mentors(cast: Cast, as_: Any) -> None:
    browser = as_(cast.lead)
    lines = ["氏名\tメール\tメンター", "新人 一\tone@portal.example\tmentor@portal.example"]
    text = "\n".join([*lines, "新人 二\ttwo@portal.example\tx@y.example"])
    draft = put_together(browser, text, mentors=[mentor().code])
    found = founding.judge(draft, cast.lead)
    assert [each.mentor.code if each.mentor else None for each in found.candidates] == [mentor().code, None]
    assert (
        "“x@y.example” is not among the chosen mentors." in browser.get("training.cohort_draft", code=draft.code).text
    )


@pytest.mark.parametrize(
    "typed",
    [
        "小林 芽衣",
        "小林芽衣",
        "芽衣　小林",
        "こばやし めい",
        "ｺﾊﾞﾔｼ　ﾒｲ",
        "Mei Kobayashi",
        "KOBAYASHI, Mei",
        "MENTOR@portal.example",
    ],
)
def test_a_mentor_is_named_by_her_address_or_her_name_in_any_script_and_order(cast: Cast, as_: Any, typed: str) -> None:
    named = mentor()
    named.family_name, named.given_name = "小林", "芽衣"
    named.family_kana, named.given_kana = "コバヤシ", "メイ"
    named.family_romaji, named.given_romaji = "Kobayashi", "Mei"
    session.commit()
    text = f"氏名\tメール\tメンター\n新人 一\tone@portal.example\t{typed}"
    draft = put_together(as_(cast.lead), text, mentors=[mentor().code])
    assert [each.mentor for each in founding.judge(draft, cast.lead).candidates] == [mentor()]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_mentor_who_is_not_meant_clearly_is_quoted_as_typed(cast: Cast, as_: Any, language: str) -> None:
    named, other = mentor(), make_person(team=make_team())
    for each in (named, other):
        each.family_name, each.given_name = "小林", "芽衣"
    make_grant(other, Role.MENTOR, Scope.TEAM, "account-safety")
    session.commit()
    rows = [
        "氏名\tメール\tメンター",
        "新人 一\tone@portal.example\t小林　芽衣",
        "新人 二\ttwo@portal.example\tMei Kobayashi",
    ]
    browser = as_(cast.lead, language=language)
    page = browser.follow(
        browser.post("training.new_cohort", wished("\n".join(rows), mentors=[mentor().code, other.code]))
    )
    for said in {
        "en": (
            "“小林 芽衣” is the name of several chosen mentors. Write the email address instead.",
            "“Mei Kobayashi” is not among the chosen mentors.",
        ),
        "ja": (
            "「小林 芽衣」という名前のメンターを複数選んでいます。",
            "「Mei Kobayashi」は選んだメンターの中にいません。",
        ),
    }[language]:
        assert said in page.text


# --- All or nothing, once ---------------------------------------------------------------------------------


def test_a_form_that_arrives_twice_creates_one_cohort(cast: Cast, as_: Any) -> None:
    browser = as_(cast.lead)
    draft = put_together(browser, listed(2))
    taken = keys(draft, cast.lead)
    form = {"act": "create", "shown": taken, "take": taken, "seen": seen_of(draft, cast.lead), "form_key": "0" * 16}
    answers = [browser.post("training.cohort_draft", dict(form), code=draft.code) for _time in range(2)]
    assert answers[0].headers["Location"] == answers[1].headers["Location"]
    assert len(session.scalars(select(Cohort)).all()) == 1
    assert browser.fetch("training.cohort_draft", code=draft.code).status_code == 303
    assert len(enrolled(session.scalars(select(Cohort)).one())) == 2


def shown_form(page: Any) -> dict[str, Any]:
    """Return what the button of a preview sends, as it stands on the page."""
    return {
        "act": "create",
        "seen": page.one("input", name="seen").get("value"),
        "shown": [each.get("value") for each in page.all("input", name="shown")],
        "take": [each.get("value") for each in page.all("input", name="take") if each.get("checked") is not None],
    }


CHANGED = {"en": "Something has changed meanwhile", "ja": "その間に状況が変わった"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_another_tab_has_changed_is_shown_before_anything_is_created(cast: Cast, as_: Any, language: str) -> None:
    browser = as_(cast.lead, language=language)
    draft = put_together(browser, listed(2))
    form = shown_form(browser.get("training.cohort_draft", code=draft.code))
    later = (START + timedelta(days=14)).isoformat()
    browser.post("training.change_draft", wished(listed(3), starts_on=later), code=draft.code)
    # In the first tab one of the two is left out.
    form["take"] = form["take"][1:]
    page = browser.post("training.cohort_draft", form, code=draft.code, expect=409)
    assert CHANGED[language] in page.text
    assert session.scalars(select(Cohort)).all() == []
    assert [each["value"] for each in [dict(each.attrib) for each in page.all("input", name="take")]] == [
        f"new{number}@portal.example" for number in range(3)
    ]
    again = shown_form(page)
    assert again["take"] == ["new1@portal.example", "new2@portal.example"]
    browser.post("training.cohort_draft", again, code=draft.code, expect=303)
    cohort = session.scalars(select(Cohort)).one()
    assert cohort.starts_on.isoformat() == later
    assert sorted(each.person.sign_in_name for each in enrolled(cohort)) == again["take"]


def test_another_sheet_that_was_chosen_in_another_tab_is_not_created_unseen(cast: Cast, as_: Any) -> None:
    browser = as_(cast.lead)
    book = tables.write_workbook(
        [
            tables.Sheet("Spring", ["氏名", "メール"], [["新人 1", "spring@portal.example"]]),
            tables.Sheet("Autumn", ["氏名", "メール"], [["新人 2", "autumn@portal.example"]]),
        ]
    )
    draft = put_together(browser, file=(BytesIO(book), "people.xlsx"))
    form = shown_form(browser.get("training.cohort_draft", code=draft.code))
    browser.post("training.cohort_draft", {"sheet": "Autumn"}, code=draft.code, expect=303)
    page = browser.post("training.cohort_draft", form, code=draft.code, expect=409)
    assert "autumn@portal.example" in page.text
    assert session.scalars(select(Cohort)).all() == []


def test_somebody_who_was_left_out_elsewhere_is_not_taken_in_unseen(cast: Cast, as_: Any) -> None:
    browser = as_(cast.lead)
    draft = put_together(browser, listed(2))
    form = shown_form(browser.get("training.cohort_draft", code=draft.code))
    browser.post("training.cohort_draft", form | {"act": "update", "take": form["take"][:1]}, code=draft.code)
    page = browser.post("training.cohort_draft", form, code=draft.code, expect=409)
    assert shown_form(page)["take"] == ["new0@portal.example"]
    assert session.scalars(select(Cohort)).all() == []


def test_who_joins_a_cohort_joins_as_the_preview_said(cast: Cast, as_: Any) -> None:
    browser = as_(cast.lead)
    cohort = found_of(browser, cast.lead, listed(1))
    joining = {"plan": "first-days@1.0", "starts_on": START.isoformat(), "text": NEW.format(7)}
    draft = draft_of(browser.post("training.add_learners", joining, code=cohort.code))
    form = shown_form(browser.get("training.cohort_draft", code=draft.code))
    later = (START + timedelta(days=14)).isoformat()
    browser.post("training.change_draft", joining | {"starts_on": later}, code=draft.code)
    page = browser.post("training.cohort_draft", form, code=draft.code, expect=409)
    assert len(enrolled(cohort)) == 1
    browser.post("training.cohort_draft", shown_form(page), code=draft.code, expect=303)
    assert [each.starts_on.isoformat() for each in enrolled(cohort)] == [START.isoformat(), later]


def test_where_one_cannot_be_enrolled_nobody_is(cast: Cast, as_: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = as_(cast.lead)
    draft = put_together(browser, listed(3))
    real, count = enrollments._record_enrolled, []

    def failing(*values: Any) -> None:
        count.append(1)
        if len(count) == 3:
            raise NoSuchPlan(slug="gone")
        real(*values)

    monkeypatch.setattr(enrollments, "_record_enrolled", failing)
    taken = keys(draft, cast.lead)
    form = {"act": "create", "shown": taken, "take": taken, "seen": seen_of(draft, cast.lead)}
    page = browser.post("training.cohort_draft", form, code=draft.code, expect=404)
    assert isinstance(page, Page)
    assert session.scalars(select(Cohort)).all() == []
    assert session.scalars(select(Enrollment)).all() == []
    assert accounts.find_person_by_sign_in_name("new0@portal.example") is None


def test_what_somebody_else_takes_at_the_same_moment_is_a_refusal_in_words(
    cast: Cast, as_: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = as_(cast.lead)
    draft = put_together(browser, listed(1))

    def taken(**values: Any) -> Any:
        raise IntegrityError("insert", {}, Exception("unique"))

    monkeypatch.setattr(taking_in, "enroll_all", taken)
    shown = keys(draft, cast.lead)
    form = {"act": "create", "shown": shown, "take": shown, "seen": seen_of(draft, cast.lead)}
    page = browser.post("training.cohort_draft", form, code=draft.code, expect=409)
    assert isinstance(page, Page)
    assert session.scalars(select(Cohort)).all() == []


def test_the_preview_takes_as_many_statements_for_twenty_as_for_ten(cast: Cast, as_: Any) -> None:
    browser = as_(cast.lead)
    counts = []
    for count in (10, 20):
        for number in range(count):
            name = f"known{count}-{number}@portal.example"
            make_person(name, team=make_team())
        text = "\n".join(f"known{count}-{number}@portal.example" for number in range(count))
        draft = put_together(browser, text)
        session.expire_all()
        with counted_queries() as statements:
            browser.get("training.cohort_draft", code=draft.code)
        counts.append(len(statements))
    assert counts[0] == counts[1]
    assert counts[0] <= 32


# --- When invitations go out ------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_preview_says_when_invitations_go_out(cast: Cast, as_: Any, language: str) -> None:
    browser = as_(cast.lead, language=language)
    page = browser.follow(browser.post("training.new_cohort", wished(listed(1))))
    assert {"en": "goes out on Tue 21 Apr", "ja": "4月21日"}[language] in page.text
    with clock.frozen(INVITED_AT):
        browser.renew(cast.lead)
        page = browser.follow(browser.post("training.new_cohort", wished(listed(1))))
    assert {"en": "goes out at once", "ja": "すぐに送信されます"}[language] in page.text
    # Before which day that is cannot be counted.
    page = browser.follow(browser.post("training.new_cohort", wished(listed(1), starts_on="2099-04-01")))
    assert {"en": "goes out", "ja": "送信されます"}[language] not in page.text


def test_an_invitation_goes_out_once_at_its_time_and_not_to_whom_was_invited_by_hand(cast: Cast, as_: Any) -> None:
    found_of(as_(cast.lead), cast.lead, listed(2))
    with clock.frozen(datetime(2026, 4, 20, 23, 59, tzinfo=UTC)):
        first = accounts.find_person_by_sign_in_name("new0@portal.example")
        assert first is not None
        with own_transaction():
            links.send_invitation(person=first, by=cast.admin)
        jobs.run_due()
        assert invited() == ["new0@portal.example"]
    for _time in range(2):
        with clock.frozen(INVITED_AT):
            jobs.run_due()
    assert invited() == ["new0@portal.example", "new1@portal.example"]
    # Nobody reads when the plan begins before there is an account to look with.
    begins = session.scalars(select(Job).where(Job.name == "mail.send", Job.run_after >= INVITED_AT)).all()
    assert sum(row.arguments["mail"] == "training.plan_started" for row in begins) == 2


def own(number: int) -> Enrollment:
    """Return what a newcomer of a list follows."""
    person = accounts.find_person_by_sign_in_name(f"new{number}@portal.example")
    assert person is not None
    (found,) = queries.list_enrollments_of(person.id)
    return found


def move(enrollment: Enrollment, day: date, by: Person) -> int:
    with own_transaction():
        return dates.move_start(enrollment=enrollment, starts_on=day, reason="Flug <verpasst>.", by=by).id


def owed(mail: str) -> list[tuple[datetime, str]]:
    """Return when the mails of a kind that nobody has begun to send go out, and about whose training."""
    rows = session.scalars(select(Job).where(Job.name == "mail.send", Job.attempts == 0).order_by(Job.id))
    return [(row.run_after, row.arguments["arguments"]["code"]) for row in rows if row.arguments["mail"] == mail]


def test_an_invitation_follows_the_first_day_of_the_person(cast: Cast, as_: Any) -> None:
    found_of(as_(cast.lead), cast.lead, listed(2))
    moved, other = own(0).code, own(1).code
    # A week later, and five working days before it at nine: 28 April, before Golden Week.
    move(own(0), date(2026, 5, 11), cast.lead)
    later = datetime(2026, 4, 28, 0, 0, tzinfo=UTC)
    assert sorted(owed("training.plan_started")) == sorted([(later, moved), (INVITED_AT, other)])
    # Who knows nothing of the plan yet is told of no other day.
    assert owed("training.first_day_moved") == []
    for at, names in ((INVITED_AT, ["new1"]), (later - timedelta(minutes=1), ["new1"]), (later, ["new0", "new1"])):
        with clock.frozen(at):
            jobs.run_due()
            assert invited() == [f"{name}@portal.example" for name in names]
    built = _builders["training.plan_started"](code=moved)
    assert built.values["starts_on"] == date(2026, 5, 11)


def test_a_first_day_that_is_nearer_lets_the_invitation_go_out_at_once(cast: Cast, as_: Any) -> None:
    found_of(as_(cast.lead), cast.lead, listed(1))
    move(own(0), date(2026, 4, 16), cast.lead)
    assert invited() == []
    jobs.run_due()
    assert invited() == ["new0@portal.example"]
    # The mail about the plan went out with it, and nothing of another day.
    assert [each["mail"] for each in mails()].count("training.first_day_moved") == 0


@pytest.mark.parametrize("language", LANGUAGES)
def test_whoever_was_invited_already_is_told_of_the_new_day_by_one_mail(cast: Cast, as_: Any, language: str) -> None:
    found_of(as_(cast.lead), cast.lead, listed(1))
    with clock.frozen(INVITED_AT):
        jobs.run_due()
        assert invited() == ["new0@portal.example"]
        first = move(own(0), date(2026, 5, 7), cast.lead)
        last = move(own(0), date(2026, 5, 11), cast.lead)
        enrollment = own(0)
        enrollment.person.language = language
        save(enrollment.person)
        # Of two moves in a row only the last one is true.
        assert _builders["training.first_day_moved"](code=enrollment.code, number=first) is None
        message = render(_builders["training.first_day_moved"](code=enrollment.code, number=last))
        jobs.run_due()
    assert invited() == ["new0@portal.example"]
    plain, html = message.get_body(("plain",)), message.get_body(("html",))
    assert plain is not None
    assert html is not None
    text = plain.get_content()
    assert {
        "en": "it begins on Mon 11 May 2026 instead of Thu 7 May 2026.",
        "ja": "開始日を2026年5月7日（木）から2026年5月11日（月）に変更しました。",
    }[language] in text
    assert "Flug <verpasst>." in text
    assert "Flug &lt;verpasst&gt;." in html.get_content()
    # She has no password yet.
    assert "https://portal.example/forgotten" in text


def test_whoever_has_an_account_is_told_of_the_new_day_and_her_calendar_moves(cast: Cast, as_: Any) -> None:
    lead = as_(cast.lead, language="ja")
    cohort = found_of(lead, cast.lead, "", chosen=[cast.learner.code])
    (enrollment,) = enrolled(cohort)
    before = max(due.on for due in queries.standing_of(enrollment).dues.values())
    asked = {"starts_on": "2026-05-11", "reason": "x"}
    page = lead.follow(lead.post("training.first_day", confirmed(lead, enrollment.code, asked), code=enrollment.code))
    assert "受講者にはメールでお知らせします。" in page.text
    assert [code for _at, code in owed("training.first_day_moved")] == [enrollment.code]
    message = render(_builders["training.first_day_moved"](code=enrollment.code, number=1))
    assert "forgotten" not in message.as_string()
    session.expire_all()
    with own_transaction():
        token = calendar.create_feed(person=enrollment.person)
    told = calendar.file_of(calendar.get_feed(token)).decode()
    days = {due.on for due in queries.standing_of(enrollment).dues.values()}
    assert max(days) > before
    assert f"{max(days):%Y%m%d}" in told


def test_the_invitation_waits_for_the_first_of_several_plans(cast: Cast, as_: Any) -> None:
    found_of(as_(cast.lead), cast.lead, listed(1))
    first = own(0)
    make_enrollment(first.person, make_plan("other"), cast.admin, starts_on=date(2026, 4, 28))
    move(first, date(2026, 5, 11), cast.lead)
    with clock.frozen(INVITED_AT):
        jobs.run_due()
    assert invited() == ["new0@portal.example"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_lead_reads_when_the_invitation_goes_out_now(cast: Cast, as_: Any, language: str) -> None:
    lead = as_(cast.lead, language=language)
    found_of(lead, cast.lead, listed(1))
    code = own(0).code
    for day, said in (
        ("2026-05-11", {"en": "goes out on Tue 28 Apr 2026.", "ja": "招待メールは2026年4月28日（火）に送信されます。"}),
        ("2026-04-16", {"en": "the invitation goes out now.", "ja": "招待メールはすぐに送信されます。"}),
    ):
        sent = confirmed(lead, code, {"starts_on": day, "reason": "x"})
        assert said[language] in lead.follow(lead.post("training.first_day", sent, code=code)).text


def test_with_fewer_days_left_the_invitation_goes_out_at_once(cast: Cast, as_: Any) -> None:
    with clock.frozen(datetime(2026, 4, 21, 1, 0, tzinfo=UTC)):
        found_of(as_(cast.lead), cast.lead, listed(1))
        assert invited() == ["new0@portal.example"]
        jobs.run_due()
        assert invited() == ["new0@portal.example"]


# --- Long lists -------------------------------------------------------------------------------------------


@pytest.fixture
def _small_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let three people be many, two of them a portion."""
    monkeypatch.setattr(founding, "MOST_PEOPLE_AT_ONCE", 2)
    monkeypatch.setattr(taking_in, "PORTION", 2)


def begun(browser: Any, by: Person, text: str, **values: Any) -> CohortDraft:
    """Put a long list together and confirm it."""
    draft = put_together(browser, text, **values)
    confirm(browser, draft, by)
    session.expire_all()
    return cohort_drafts.get_draft(draft.code)


def work_on(draft: CohortDraft) -> Job:
    found = jobs.find_job(taking_in.job_key(draft))
    assert found is not None
    session.refresh(found)
    return found


def looked_at(draft: CohortDraft) -> Any:
    """Return the worker's steps after it has looked who is to be taken in."""
    steps = taking_in.take_in_portions(draft.code)
    with own_transaction():
        outside = next(steps)
    assert isinstance(outside, jobs.Outside)
    answer = outside.work()
    with own_transaction():
        steps.send(answer)
    return steps


@pytest.mark.usefixtures("_small_portions")
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_long_list_is_taken_in_by_the_worker_and_its_page_says_how_far_it_is(
    cast: Cast, as_: Any, language: str
) -> None:
    browser = as_(cast.lead, language=language)
    draft = begun(browser, cast.lead, listed(5), mentors=[mentor().code])
    assert draft.cohort is not None
    assert enrolled(draft.cohort) == []
    page = browser.get("training.cohort_draft", code=draft.code)
    assert page.one("div", **{"data-module": "follow-work"}) is not None
    told = browser.fetch("training.cohort_progress", code=draft.code).json
    assert told == {"state": "queued", "done": 0, "total": 5}
    # Nothing of it can be changed any more, and pressing again begins nothing anew.
    assert browser.fetch("training.change_draft", code=draft.code).status_code == 303
    confirm(browser, draft, cast.lead)
    jobs.run_job(work_on(draft).id)
    assert browser.fetch("training.cohort_progress", code=draft.code).json == {"state": "done", "done": 5, "total": 5}
    session.expire_all()
    draft = cohort_drafts.get_draft(draft.code)
    assert draft.cohort is not None
    assert len(enrolled(draft.cohort)) == len(draft.invited) == len(cohorts.list_members(draft.cohort)) == 5
    assert browser.get("training.cohort_draft", code=draft.code).heading is not None
    assert len(session.scalars(select(Cohort)).all()) == 1


@pytest.mark.usefixtures("_small_portions")
def test_a_worker_that_is_killed_goes_on_where_it_was_and_nobody_is_taken_in_twice(
    cast: Cast, as_: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = begun(as_(cast.lead), cast.lead, listed(7))
    real, count = enrollments._record_enrolled, []

    def dying(*values: Any) -> None:
        count.append(1)
        if len(count) == 4:
            # What ends a process leaves no note of it.
            raise KeyboardInterrupt
        real(*values)

    monkeypatch.setattr(enrollments, "_record_enrolled", dying)
    number = work_on(draft).id
    with pytest.raises(KeyboardInterrupt):
        jobs.run_job(number)
    session.rollback()
    session.expire_all()
    assert work_on(draft).state is JobState.RUNNING
    assert draft.cohort is not None
    assert len(enrolled(draft.cohort)) == 2, "the portion that was broken off left nothing behind"
    with clock.frozen(BEFORE + jobs.LEASE + timedelta(seconds=1)):
        assert jobs.run_job(number)
        assert not jobs.run_job(number)
    session.expire_all()
    draft = cohort_drafts.get_draft(draft.code)
    assert draft.cohort is not None
    people_in = [each.person_id for each in enrolled(draft.cohort)]
    assert len(people_in) == len(set(people_in)) == 7
    assert len(draft.invited) == len(set(draft.invited)) == 7
    assert (work_on(draft).done, draft.refused) == (7, [])
    taken = session.scalars(select(JournalEntry).where(JournalEntry.action == "training.learners_taken_in")).one()
    assert (taken.after or {})["people"] == 7


@pytest.mark.usefixtures("_small_portions")
def test_a_long_list_is_looked_at_outside_of_any_transaction_and_taken_in_by_many_short_ones(
    cast: Cast, as_: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = begun(as_(cast.lead), cast.lead, listed(7))
    real, looked = founding.judge, []

    def looking(*values: Any) -> Any:
        looked.append(in_transaction())
        return real(*values)

    monkeypatch.setattr(founding, "judge", looking)
    steps, sizes = looked_at(draft), []
    assert looked == [False]
    for done in (2, 4, 6, 7):
        before = session.scalar(select(func.count()).select_from(Enrollment)) or 0
        with own_transaction():
            assert next(steps) == jobs.Progress(done, 7)
        sizes.append((session.scalar(select(func.count()).select_from(Enrollment)) or 0) - before)
    with own_transaction():
        assert next(steps, None) is None
    assert sizes == [2, 2, 2, 1]
    assert len(looked) == 1, "what was seen once is not looked at again in the transactions"


def test_many_are_taken_in_with_as_many_statements_as_few_but_for_what_is_written(cast: Cast, as_: Any) -> None:
    counts = []
    for many, day in ((6, "2026-05-11"), (12, "2026-05-12")):
        text = "氏名\tメール\n" + "\n".join(f"新人 {each}\tof{many}x{each}@portal.example" for each in range(many))
        draft = put_together(as_(cast.lead), text, starts_on=day)
        session.expire_all()
        with counted_queries() as counted, own_transaction():
            taking_in.create(draft=cohort_drafts.get_draft(draft.code), by=session.get_one(Person, cast.lead.id))
        counts.append(len([each for each in counted if each.startswith("SELECT")]))
    assert counts[0] == counts[1]


@pytest.mark.usefixtures("_small_portions")
def test_who_is_refused_within_a_portion_keeps_nobody_else_out_of_it(cast: Cast, as_: Any) -> None:
    draft = begun(as_(cast.lead), cast.lead, listed(1) + "\n\tcolleague@portal.example\n新人 X\tx@portal.example")
    steps = looked_at(draft)
    with own_transaction():
        people.deactivate(person=session.get_one(Person, cast.colleague.id), by=cast.admin, knowing=True)
    for _portion in range(3):
        with own_transaction():
            next(steps, None)
    session.expire_all()
    draft = cohort_drafts.get_draft(draft.code)
    assert draft.cohort is not None
    assert {each.person.sign_in_name for each in enrolled(draft.cohort)} == {"new0@portal.example", "x@portal.example"}
    assert len(draft.invited) == 2
    assert [(each["key"], "deactivated" in each["en"]) for each in draft.refused or ()] == [
        ("colleague@portal.example", True)
    ]
    assert draft.done_at is not None


@pytest.mark.usefixtures("_small_portions")
@pytest.mark.parametrize("language", LANGUAGES)
def test_who_cannot_be_taken_in_is_listed_with_the_reason_and_the_others_go_on(
    cast: Cast, as_: Any, language: str
) -> None:
    browser = as_(cast.lead, language=language)
    draft = begun(browser, cast.lead, listed(3) + "\n\tcolleague@portal.example")
    with own_transaction():
        people.deactivate(person=cast.colleague, by=cast.admin, knowing=True)
    jobs.run_job(work_on(draft).id)
    page = browser.get("training.cohort_draft", code=draft.code)
    assert "colleague@portal.example" in page.text
    assert {"en": "is deactivated", "ja": "停止されています"}[language] in page.text
    session.expire_all()
    draft = cohort_drafts.get_draft(draft.code)
    assert draft.cohort is not None
    assert len(enrolled(draft.cohort)) == 3


@pytest.mark.usefixtures("_small_portions")
def test_a_cohort_that_is_withdrawn_meanwhile_gets_nobody_more(
    cast: Cast, as_: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = as_(cast.lead)
    draft = begun(browser, cast.lead, listed(5))
    assert draft.cohort is not None
    steps = looked_at(draft)
    with own_transaction():
        next(steps)
    with own_transaction():
        founding.withdraw(cohort=cohorts.get_cohort(draft.cohort.code), reason="Wrong day.", by=cast.lead)
    for _portion in range(3):
        with own_transaction():
            next(steps, None)
    session.expire_all()
    draft = cohort_drafts.get_draft(draft.code)
    assert draft.cohort is not None
    assert [each.is_open for each in enrolled(draft.cohort)] == [False, False]
    assert len(draft.refused or ()) == 3
    assert all(not person.is_active for person in accounts.list_people_of(draft.invited))


@pytest.mark.usefixtures("_small_portions")
def test_work_that_came_to_a_halt_is_tried_again_from_its_page(
    cast: Cast, as_: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = as_(cast.lead)
    draft = begun(browser, cast.lead, listed(3))
    with own_transaction():
        row = work_on(draft)
        row.state, row.attempts = JobState.FAILED, 6
    page = browser.get("training.cohort_draft", code=draft.code)
    assert "Try again" in page.text
    browser.post("training.cohort_draft", {"act": "again"}, code=draft.code)
    assert work_on(draft).state is JobState.CREATED


@pytest.mark.usefixtures("_small_portions")
def test_ticks_of_one_page_of_a_long_list_leave_the_other_pages_as_they_are(
    cast: Cast, as_: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal.training.views.founding.MOST_PEOPLE_AT_ONCE", 2)
    browser = as_(cast.lead)
    draft = put_together(browser, listed(5))
    shown = ["new2@portal.example", "new3@portal.example"]
    browser.post("training.cohort_draft", {"act": "update", "shown": shown, "take": shown[:1]}, code=draft.code, page=2)
    session.expire_all()
    found = founding.judge(cohort_drafts.get_draft(draft.code), cast.lead)
    assert [each.key for each in found.with_fate(founding.Fate.LEFT_OUT)] == shown[1:]
    assert len(found.taken) == 4
    page = browser.get("training.cohort_draft", code=draft.code, page=3)
    assert "new4@portal.example" in page.text
    assert "new0@portal.example" not in page.text


# --- Those who join later ----------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_who_joins_later_has_dates_of_her_own_and_nobody_elses_move(cast: Cast, as_: Any, language: str) -> None:
    browser = as_(cast.lead, language=language)
    cohort = found_of(browser, cast.lead, listed(1))
    (before,) = [queries.standing_of(each) for each in enrolled(cohort)]
    with clock.frozen(datetime(2026, 5, 12, 1, 0, tzinfo=UTC)):
        browser.renew(cast.lead)
        form = browser.get("training.add_learners", code=cohort.code)
        assert form.one("input", name="starts_on").get("value") == "2026-05-12"
        response = browser.post(
            "training.add_learners",
            {"plan": "first-days@1.0", "starts_on": "2026-05-13", "text": "後藤 空\tlate@portal.example"},
            code=cohort.code,
        )
        draft = draft_of(response)
        page = browser.follow(confirm(browser, draft, cast.lead))
    session.expire_all()
    first, late = enrolled(cohorts.get_cohort(cohort.code))
    assert page.heading == cohort.name.in_(language)
    assert late.person.sign_in_name == "late@portal.example"
    assert late.starts_on == date(2026, 5, 13)
    assert queries.standing_of(first).dues == before.dues
    assert {each.id for each in cohorts.list_members(cohort)} == {first.person_id, late.person_id}


# --- Taking it back -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_until_somebody_begins_a_cohort_can_be_withdrawn_and_everything_stays_visible(
    cast: Cast, as_: Any, language: str
) -> None:
    browser = as_(cast.lead, language=language)
    cohort = found_of(browser, cast.lead, listed(2), chosen=[cast.learner.code], mentors=[mentor().code])
    assert browser.url("training.withdraw_cohort", code=cohort.code) in " ".join(
        browser.get("reports.cohort", code=cohort.code).links()
    )
    browser.get("training.withdraw_cohort", code=cohort.code)
    page = browser.post("training.withdraw_cohort", {"reason": " "}, code=cohort.code, expect=400)
    assert isinstance(page, Page)
    browser.follow(browser.post("training.withdraw_cohort", {"reason": "Wrong team."}, code=cohort.code))
    session.expire_all()
    cohort = cohorts.get_cohort(cohort.code)
    assert cohort.withdrawn_by == cast.lead.code
    assert cohorts.list_members(cohort) == []
    # Nothing is deleted: three ended plans with the reason.
    assert [each.ended_reason for each in enrolled(cohort)] == ["Wrong team."] * 3
    new = accounts.find_person_by_sign_in_name("new0@portal.example")
    assert new is not None
    assert not new.is_active
    assert cast.learner.is_active
    assert accounts.list_holders(Role.MENTOR, Scope.COHORT, cohort.code) == []
    # Whoever was told is told; those whose accounts were closed get neither invitation nor more.
    mails = [row.arguments for row in session.scalars(select(Job).where(Job.name == "mail.send"))]
    assert sum(each["mail"] == "training.plan_ended" for each in mails) == 3
    browser.get("reports.list_cohorts")
    again = browser.post("training.withdraw_cohort", {"reason": "Again."}, code=cohort.code, expect=409)
    assert isinstance(again, Page)
    late = browser.post("training.add_learners", wished(listed(1)), code=cohort.code, expect=409)
    assert isinstance(late, Page)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_withdrawn_cohort_shows_who_was_in_it_and_why_it_ended(cast: Cast, as_: Any, language: str) -> None:
    browser = as_(cast.lead, language=language)
    cohort = found_of(browser, cast.lead, listed(1), chosen=[cast.learner.code])
    page = browser.follow(browser.post("training.withdraw_cohort", {"reason": "Wrong team."}, code=cohort.code))
    assert "Wrong team." in page.text
    assert cast.lead.name_in(language) in page.text
    table = "".join(page.one("table").itertext())
    assert cast.learner.name_in(language) in table
    assert "新人 0" in table
    assert {"en": "Nobody follows a plan yet", "ja": "受講者はまだいません"}[language] not in page.text
    assert not page.all("section", **{"aria-labelledby": "events"})
    # Nobody types a list for nothing.
    page = browser.get("training.add_learners", code=cohort.code)
    assert {"en": "has been withdrawn", "ja": "取り下げられました"}[language] in page.text
    assert not page.all("textarea")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_second_tab_leads_to_the_cohort_that_the_first_created(cast: Cast, as_: Any, language: str) -> None:
    browser = as_(cast.lead, language=language)
    draft = put_together(browser, listed(1))
    confirm(browser, draft, cast.lead)
    page = browser.post(
        "training.cohort_draft", {"act": "create", "shown": [], "take": []}, code=draft.code, expect=409
    )
    assert isinstance(page, Page)
    assert browser.url("reports.cohort", code="jp-2026-04") in page.links()
    assert {"en": "created already", "ja": "すでに作成されています"}[language] in page.text
    assert {"en": "nobody to enroll", "ja": "登録する人がいません"}[language] not in page.text


def test_who_is_not_invited_any_more_gets_no_mail(cast: Cast, as_: Any) -> None:
    browser = as_(cast.lead)
    cohort = found_of(browser, cast.lead, listed(1))
    browser.post("training.withdraw_cohort", {"reason": "Wrong day."}, code=cohort.code)
    for row in session.scalars(select(Job).where(Job.name == "mail.send")):
        with own_transaction():
            assert _builders[row.arguments["mail"]](**row.arguments["arguments"]) is None, row.arguments


@pytest.mark.parametrize("what", ["acknowledged", "used the invitation"])
def test_once_somebody_has_begun_a_cohort_cannot_be_withdrawn(cast: Cast, as_: Any, what: str) -> None:
    browser = as_(cast.lead)
    cohort = found_of(browser, cast.lead, listed(1), chosen=[cast.learner.code])
    with clock.frozen(datetime(2026, 4, 28, 1, 0, tzinfo=UTC)):
        if what == "acknowledged":
            acknowledge(cast.learner, document("exposure"))
        else:
            new = accounts.find_person_by_sign_in_name("new0@portal.example")
            assert new is not None
            with own_transaction():
                passwords.set_password(person=new, password="a sentence that nobody knows", by=new)
        browser.renew(cast.lead)
        assert "/withdrawal" not in " ".join(browser.get("reports.cohort", code=cohort.code).links())
        assert "has begun already" in browser.get("training.withdraw_cohort", code=cohort.code).text
        page = browser.post("training.withdraw_cohort", {"reason": "Too late."}, code=cohort.code, expect=409)
        assert isinstance(page, Page)
    session.expire_all()
    assert all(each.is_open for each in enrolled(cohort))


def test_what_counted_from_before_does_not_keep_a_cohort_from_being_withdrawn(cast: Cast, as_: Any) -> None:
    acknowledge(cast.learner, document("exposure"))
    with clock.frozen(datetime(2026, 4, 15, 1, 0, tzinfo=UTC)):
        browser = as_(cast.lead)
        cohort = found_of(browser, cast.lead, listed(1), chosen=[cast.learner.code])
        browser.post("training.withdraw_cohort", {"reason": "Wrong plan."}, code=cohort.code)
    session.expire_all()
    assert cohorts.get_cohort(cohort.code).withdrawn_at is not None


def test_drafts_that_nobody_went_on_with_are_forgotten(cast: Cast, as_: Any) -> None:
    browser = as_(cast.lead)
    kept = found_of(browser, cast.lead, listed(1))
    code = put_together(browser, listed(2)).code
    with clock.frozen(datetime(2026, 5, 15, 1, 0, tzinfo=UTC)), own_transaction():
        founding.tidy()
    session.expire_all()
    assert cohort_drafts.find_draft(code) is None
    assert cohort_drafts.list_invited(kept)


def test_the_empty_list_of_cohorts_offers_the_first_one(cast: Cast, as_: Any) -> None:
    for person, offered in ((cast.lead, True), (cast.admin, True)):
        page = as_(person).get("reports.list_cohorts")
        assert any("/cohort-drafts/new" in link for link in page.links()) is offered
    auditor = make_person()
    make_grant(auditor, Role.AUDITOR)
    assert not any("/cohort-drafts/new" in link for link in as_(auditor).get("reports.list_cohorts").links())
    as_(auditor).get("training.new_cohort", expect=403)


def test_the_address_of_somebody_chosen_is_not_told(cast: Cast, as_: Any) -> None:
    browser = as_(cast.lead)
    assert cast.learner.sign_in_name not in browser.get("training.new_cohort").body
    draft = put_together(browser, listed(1), chosen=[cast.learner.code], mentors=[mentor().code])
    page = browser.get("training.cohort_draft", code=draft.code)
    assert cast.learner.name_in("en") in page.text
    assert cast.learner.sign_in_name not in page.body
    # She is unticked and given a mentor like everybody else.
    shown = keys(draft, cast.lead)
    browser.post(
        "training.cohort_draft",
        {"act": "update", "shown": shown, "take": shown[:1], "mentor": ["", mentor().code]},
        code=draft.code,
    )
    session.expire_all()
    chosen = founding.judge(cohort_drafts.get_draft(draft.code), cast.lead).candidates[1]
    assert (chosen.fate, chosen.mentor) == (founding.Fate.LEFT_OUT, mentor())


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_workbook_of_several_sheets_says_which_was_read_and_nothing_of_either_is_lost(
    cast: Cast, as_: Any, language: str
) -> None:
    sheets = [
        tables.Sheet(name, ["氏名", "メール"], [[f"山本 {name}", f"{address}@portal.example"]])
        for name, address in (("四月", "april"), ("五月", "may"))
    ]
    data = tables.write_workbook([*sheets, tables.Sheet("空", [], [])], created=datetime(2026, 4, 1, tzinfo=UTC))
    lead = as_(cast.lead, language=language)
    sent = lead.post("training.new_cohort", wished(file=(BytesIO(data), "people.xlsx")))
    draft = draft_of(sent)
    page = lead.get("training.cohort_draft", code=draft.code)
    said = {"en": "The sheet “四月” was read.", "ja": "シート「四月」を読み込みました。"}[language]
    assert said in page.text
    assert [each.get("value") for each in page.all("button") if each.get("name") == "sheet"] == ["五月"]
    assert keys(draft, cast.lead) == ["april@portal.example"]
    # A correction of the list stays with its sheet.
    corrected = founding.wishes_of(draft).text.replace("april@", "april.new@")
    lead.post("training.change_draft", wished(corrected), code=draft.code)
    lead.post("training.cohort_draft", {"sheet": "五月"}, code=draft.code)
    session.expire_all()
    assert keys(draft, cast.lead) == ["may@portal.example"]
    lead.post("training.cohort_draft", {"sheet": "四月"}, code=draft.code)
    session.expire_all()
    assert keys(draft, cast.lead) == ["april.new@portal.example"]
    page = lead.post("training.cohort_draft", {"sheet": "六月"}, code=draft.code, expect=409)
    assert {"en": "cannot be read any more", "ja": "もう読み込めません"}[language] in page.text
