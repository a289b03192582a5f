"""Campaigns: a material change asks its audience by a date, once, and keeps up with who joins, leaves and is away."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from portal.accounts.models import LinkPurpose, OneTimeLink, Role
from portal.accounts.service import people
from portal.acknowledgements import errors, rules
from portal.acknowledgements.models import (
    Acknowledgement,
    AcknowledgementRequest,
    AskedAs,
    Campaign,
    CampaignEnd,
    RequestEnd,
)
from portal.acknowledgements.queries import campaigns as queries
from portal.acknowledgements.service import campaigns as service
from portal.calendars.models import Holiday, HolidayTable
from portal.calendars.queries import find_table
from portal.calendars.service import CompanyPeriod, add_company_days, withdraw_company_days
from portal.cohorts.permissions import Reach
from portal.core import clock, jobs
from portal.core.db import session
from portal.core.i18n import Words
from portal.core.transaction import own_transaction
from portal.journal.queries import list_entries_about
from portal.library.models import AudienceKind, ChangeClass, DocumentKind
from portal.library.permissions import is_addressed
from portal.library.queries import get_document
from portal.library.queries.audience import people_addressed
from portal.library.service import versions
from portal.organisation.models import Market
from tests.acknowledgements.builders import (
    MONDAY,
    answer,
    ask,
    away,
    changed,
    confirm,
    holidays,
    make_first,
    make_questions,
    open_delta,
    publish,
    read_text,
    request_of,
    run,
    understand,
)
from tests.beginnings import beginning
from tests.builders import Cast, make_grant, make_market, make_person, make_team
from tests.library.builders import english, japanese, make_document, make_published, make_version
from tests.training import builders as training

EVERYWHERE = Reach(True, frozenset(), frozenset(), frozenset())


@pytest.fixture(autouse=True)
def _monday(app: Any) -> Any:
    with clock.frozen(MONDAY):
        yield


@pytest.fixture
@beginning
def asked(cast: Cast) -> Campaign:
    """A campaign about version 2.0, asked of everybody in Japan."""
    holidays()
    make_first(cast.author, audience={AudienceKind.MARKET: ["JP"]})
    return ask(cast.author)


def number_of_requests() -> int:
    return session.scalar(select(func.count()).select_from(AcknowledgementRequest)) or 0


# --- who is asked -------------------------------------------------------------------------------


def test_everybody_addressed_and_active_is_asked_and_nobody_else(cast: Cast, asked: Campaign) -> None:
    found = {row.person_id for row in session.scalars(select(AcknowledgementRequest))}
    # The administrator has her home in Japan, too.
    expected = {cast.learner, cast.colleague, cast.lead, cast.author, cast.approver, cast.admin}
    assert found == {person.id for person in expected}
    assert request_of(asked, cast.learner).asked_as is AskedAs.CURRENT


@pytest.mark.parametrize("change_class", [ChangeClass.EDITORIAL, ChangeClass.MINOR])
def test_an_editorial_or_minor_change_asks_nobody(cast: Cast, change_class: ChangeClass) -> None:
    make_first(cast.author)
    publish("impersonation", cast.author, "1.1", change_class=change_class)
    run()
    assert session.scalars(select(Campaign)).all() == []
    assert number_of_requests() == 0


def test_what_comes_out_of_files_for_the_first_time_asks_nobody(cast: Cast) -> None:
    make_published(cast.author)
    run()
    assert session.scalars(select(Campaign)).all() == []


@pytest.mark.parametrize(("kind", "is_asked"), [(DocumentKind.POLICY, True), (DocumentKind.LESSON, False)])
def test_a_first_version_written_here_asks_unless_it_is_a_lesson(
    cast: Cast, kind: DocumentKind, is_asked: bool
) -> None:
    document = make_document(cast.author, kind=kind)
    with own_transaction():
        versions.publish_version(
            document=document, number="1.0", change_class=ChangeClass.MATERIAL, effective_at=MONDAY,
            zone="Asia/Tokyo", texts=[english(), japanese()], author=cast.author, approver=cast.approver,
        )  # fmt: skip
    run()
    assert (session.scalars(select(Campaign)).first() is not None) is is_asked


def test_running_the_work_again_asks_nobody_twice(cast: Cast, asked: Campaign) -> None:
    before = number_of_requests()
    with own_transaction():
        for _step in service.ask_audience(asked.version_id):
            pass
    assert number_of_requests() == before
    assert session.scalars(select(Campaign)).all() == [asked]


def test_asking_that_broke_off_goes_on_where_it_stopped(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "AT_ONCE", 2)
    make_first(cast.author)
    version = publish("impersonation", cast.author)
    steps = service.ask_audience(version.id)
    for _step in range(2):
        with own_transaction():
            next(steps)
    assert number_of_requests() == 2
    steps.close()
    run()
    assert number_of_requests() == 7


def test_history_taken_in_at_once_asks_only_for_what_is_left_of_it(cast: Cast) -> None:
    make_first(cast.author)
    for number in ("2.0", "3.0", "4.0"):
        publish("impersonation", cast.author, number)
    run()
    assert [each.version.number for each in session.scalars(select(Campaign))] == ["4.0"]


def test_the_condition_of_the_database_says_what_is_addressed_says(cast: Cast) -> None:
    abroad = make_market("US")
    team = make_team("live", make_market())
    for number in range(4):
        person = make_person(market=abroad if number % 2 else None, team=team if number > 1 else None)
        if number == 0:
            person.further_markets.append(abroad)
    session.commit()
    make_grant(cast.colleague, Role.MENTOR)
    for number, audience in enumerate(
        [
            {},
            {AudienceKind.MARKET: ["US"]},
            {AudienceKind.MARKET: ["JP"], AudienceKind.TEAM: ["live", "account-safety"]},
            {AudienceKind.ROLE: ["mentor", "lead"]},
            {AudienceKind.MARKET: ["US"], AudienceKind.ROLE: ["learner"]},
        ]
    ):
        document = make_document(cast.author, f"policy-{number}", audience=audience)
        everybody = queries.list_people(list(session.scalars(select(people.Person.id))))
        wanted = {each.id for each in everybody if each.is_active and is_addressed(each, document)}
        assert set(session.scalars(select(people.Person.id).where(people_addressed(document)))) == wanted


# --- dates --------------------------------------------------------------------------------------


def test_current_staff_have_five_working_days(cast: Cast, asked: Campaign) -> None:
    request = request_of(asked, cast.learner)
    # From Monday 1 June.
    assert (request.due_on, request.days) == (date(2026, 6, 8), 5)
    assert request.due_at == datetime(2026, 6, 8, 15, tzinfo=UTC)


def test_the_date_leaves_out_leave_and_lies_after_the_return(cast: Cast) -> None:
    holidays()
    make_first(cast.author)
    away(cast.learner, "2026-06-04", "2026-06-12", cast.lead)
    campaign = ask(cast.author)
    assert request_of(campaign, cast.learner).due_on == date(2026, 6, 17)


def test_leave_recorded_later_moves_the_date(cast: Cast, asked: Campaign) -> None:
    with clock.frozen(MONDAY + timedelta(hours=2)):
        away(cast.learner, "2026-06-04", "2026-06-12", cast.lead)
        jobs.run_periodic("acknowledgements.keep_up")
        assert request_of(asked, cast.learner).due_on == date(2026, 6, 17)
        assert request_of(asked, cast.colleague).due_on == date(2026, 6, 8)


def test_company_days_added_or_withdrawn_later_move_the_dates_of_their_market_alone(
    cast: Cast, asked: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    # More people than are counted anew at once.
    monkeypatch.setattr(service, "AT_ONCE", 1)
    market = session.get_one(Market, cast.learner.home_market_id)
    elsewhere = make_market("US")
    period = CompanyPeriod(date(2026, 6, 4), date(2026, 6, 5), Words("Summer days", "夏季休業"))
    with clock.frozen(MONDAY + timedelta(hours=1)):
        with own_transaction():
            add_company_days(markets=[elsewhere], period=period, by=cast.admin)
        counted = request_of(asked, cast.learner).dated_at
        jobs.run_periodic("acknowledgements.keep_up")
        assert request_of(asked, cast.learner).dated_at == counted
    with clock.frozen(MONDAY + timedelta(hours=2)):
        with own_transaction():
            added = add_company_days(markets=[market], period=period, by=cast.admin)
        jobs.run_periodic("acknowledgements.keep_up")
        for person in (cast.learner, cast.colleague):
            assert request_of(asked, person).due_on == date(2026, 6, 10)
    with clock.frozen(MONDAY + timedelta(hours=3)):
        with own_transaction():
            withdraw_company_days(days=added[0], by=cast.admin)
        jobs.run_periodic("acknowledgements.keep_up")
        assert request_of(asked, cast.learner).due_on == date(2026, 6, 8)


def test_a_newer_holiday_table_moves_the_dates_of_its_country(cast: Cast, asked: Campaign) -> None:
    with own_transaction():
        market = session.get_one(Market, cast.learner.home_market_id)
        known = find_table(market.holiday_country or "")
        assert known is not None
        days = {each.on: each.name for each in known.holidays} | {date(2026, 6, 4): Words("New day", "新しい祝日")}
    with clock.frozen(MONDAY + timedelta(hours=2)):
        with own_transaction():
            session.add(
                HolidayTable(
                    country=known.country, version=known.version + 1, source="announced", loaded_at=clock.now(),
                    first_year=known.first_year, last_year=known.last_year, provisional_from=None, digest="0" * 64,
                    holidays=[Holiday(on=on, name=name) for on, name in days.items()],
                )
            )  # fmt: skip
        jobs.run_periodic("acknowledgements.keep_up")
        assert request_of(asked, cast.learner).due_on == date(2026, 6, 9)


def test_whoever_is_in_time_is_not_missing_when_it_takes_effect(cast: Cast) -> None:
    holidays()
    make_first(cast.author)
    # What takes effect tonight leaves time until the end of the next working day.
    sooner = ask(cast.author, effective_at=MONDAY + timedelta(hours=8))
    assert (request_of(sooner, cast.learner).due_on, request_of(sooner, cast.learner).days) == (date(2026, 6, 2), 1)
    takes_effect = datetime(2026, 6, 4, 0, tzinfo=UTC)
    campaign = ask(cast.author, "3.0", effective_at=takes_effect)
    request = request_of(campaign, cast.learner)
    # Thursday at nine in Tokyo, three working days on.
    assert (request.due_on, request.due_at) == (date(2026, 6, 4), takes_effect)


def test_newcomers_and_people_back_from_leave_keep_their_own_term_and_are_not_counted_as_missing(cast: Cast) -> None:
    holidays()
    make_first(cast.author, audience={AudienceKind.MARKET: ["JP"]})
    away(cast.colleague, "2026-06-01", "2026-06-02", cast.lead)
    takes_effect = datetime(2026, 6, 4, 0, tzinfo=UTC)
    campaign = ask(cast.author, effective_at=takes_effect)
    newcomer = make_person(team=cast.learner.team)
    with clock.frozen(MONDAY + timedelta(days=2)):
        jobs.run_periodic("acknowledgements.keep_up")
    assert request_of(campaign, newcomer).due_on == date(2026, 6, 17)
    assert request_of(campaign, cast.colleague).due_on == date(2026, 6, 8)

    def counted(at: datetime) -> tuple[int, int]:
        found = [each for each in queries.list_standings(campaign, EVERYWHERE, at) if each.is_in(at)]
        made = rules.coverage([each.facts for each in found], at)
        return made.confirmed, made.on_duty

    # The learner, the lead, the author, the approver and the administrator.
    assert counted(takes_effect) == (0, 5)
    with clock.frozen(MONDAY + timedelta(days=2)):
        confirm(newcomer, campaign.version)
        assert counted(takes_effect) == (1, 6)
    # From the end of her term the other is missing.
    assert counted(datetime(2026, 6, 8, 15, tzinfo=UTC)) == (1, 7)


def test_whoever_has_not_accepted_the_invitation_is_asked_when_she_has(cast: Cast) -> None:
    holidays()
    make_first(cast.author, audience={AudienceKind.MARKET: ["JP"]})
    invited = make_person(team=cast.learner.team, password_hash=None)
    campaign = ask(cast.author)
    jobs.run_periodic("acknowledgements.keep_up")
    assert queries.find_request(campaign, invited) is None
    assert invited.id not in {each.person_id for each in queries.list_standings(campaign, EVERYWHERE, clock.now())}
    invited.password_hash = "set"
    session.commit()
    with clock.frozen(MONDAY + timedelta(days=1)):
        jobs.run_periodic("acknowledgements.keep_up")
    assert request_of(campaign, invited).asked_as is AskedAs.NEWCOMER


def test_the_count_is_what_the_formula_says(cast: Cast) -> None:
    holidays()
    make_first(cast.author, audience={AudienceKind.MARKET: ["JP"]})
    kinds: list[dict[str, Any]] = [{}, {"password_hash": None}, {"deactivated_at": MONDAY}]
    people_ = [make_person(team=cast.learner.team, **kinds[number % 3]) for number in range(9)]
    away(people_[0], "2026-06-01", "2026-06-05", cast.lead)
    campaign = ask(cast.author)
    confirm(people_[3], campaign.version)
    with own_transaction():
        service.exempt(request=request_of(campaign, people_[6]), reason="Other work.", by=cast.lead)
    # Active, invitation accepted, not on leave, not exempt.
    home = [*people_, cast.learner, cast.colleague, cast.lead, cast.author, cast.approver, cast.admin]
    on_duty = [each for each in home if each.is_active and not each.is_invited and each not in (people_[0], people_[6])]
    now = clock.now()
    found = [each for each in queries.list_standings(campaign, EVERYWHERE, now) if each.is_in(now)]
    counted = rules.coverage([each.facts for each in found], now)
    assert (counted.confirmed, counted.on_duty) == (1, len(on_duty))
    assert queries.count_requests([campaign.id], EVERYWHERE)[campaign.id].asked == len(on_duty)


def test_a_newcomer_is_whose_plan_begins_about_now(cast: Cast) -> None:
    training.load_holidays()
    training.make_documents()
    training.make_quiz()
    plan = training.make_plan()
    for person, on in ((cast.learner, date(2026, 6, 2)), (cast.colleague, date(2026, 5, 1))):
        training.make_enrollment(person, plan, cast.admin, starts_on=on)
    campaign = ask(cast.author)
    assert request_of(campaign, cast.learner).asked_as is AskedAs.NEWCOMER
    assert request_of(campaign, cast.colleague).asked_as is AskedAs.CURRENT
    # Who follows no plan and has accepted her invitation today.
    assert request_of(campaign, cast.author).asked_as is AskedAs.CURRENT


def test_who_has_confirmed_an_earlier_version_is_no_newcomer(cast: Cast) -> None:
    holidays()
    confirm(cast.learner, make_first(cast.author))
    session.add(
        OneTimeLink(
            token_hash="x", purpose=LinkPurpose.INVITATION, person_id=cast.learner.id, created_at=MONDAY,
            expires_at=MONDAY + timedelta(days=7), used_at=MONDAY,
        )
    )  # fmt: skip
    session.add(
        OneTimeLink(
            token_hash="y", purpose=LinkPurpose.INVITATION, person_id=cast.colleague.id, created_at=MONDAY,
            expires_at=MONDAY + timedelta(days=7), used_at=MONDAY - timedelta(days=3),
        )
    )  # fmt: skip
    session.commit()
    campaign = ask(cast.author)
    assert request_of(campaign, cast.learner).asked_as is AskedAs.CURRENT
    assert request_of(campaign, cast.colleague).asked_as is AskedAs.NEWCOMER


def test_an_emergency_is_confirmed_within_a_day_or_until_it_takes_effect(cast: Cast) -> None:
    holidays()
    make_first(cast.author)
    at_once = ask(cast.author, change_class=ChangeClass.EMERGENCY, effective_at=MONDAY)
    assert request_of(at_once, cast.learner).due_at == MONDAY + timedelta(hours=24)
    later = ask(cast.author, "3.0", change_class=ChangeClass.EMERGENCY, effective_at=MONDAY + timedelta(hours=6))
    assert request_of(later, cast.learner).due_at == MONDAY + timedelta(hours=6)


def test_without_known_holidays_the_date_is_counted_by_weekends(cast: Cast) -> None:
    make_first(cast.author)
    assert request_of(ask(cast.author), cast.learner).due_on == date(2026, 6, 8)


# --- who comes and goes -------------------------------------------------------------------------


def test_nobody_is_asked_on_leave_and_everybody_is_when_she_is_back(cast: Cast) -> None:
    holidays()
    make_first(cast.author)
    away(cast.learner, "2026-05-25", "2026-06-03", cast.lead)
    campaign = ask(cast.author)
    assert queries.find_request(campaign, cast.learner) is None
    jobs.run_periodic("acknowledgements.keep_up")
    assert queries.find_request(campaign, cast.learner) is None
    with clock.frozen(MONDAY + timedelta(days=3)):
        jobs.run_periodic("acknowledgements.keep_up")
        request = request_of(campaign, cast.learner)
    assert (request.asked_as, request.due_on) == (AskedAs.RETURNING, date(2026, 6, 9))


def test_a_newcomer_is_asked_with_a_time_of_her_own(cast: Cast, asked: Campaign) -> None:
    newcomer = make_person(team=cast.learner.team)
    with clock.frozen(MONDAY + timedelta(days=1)):
        jobs.run_periodic("acknowledgements.keep_up")
        request = request_of(asked, newcomer)
    assert (request.asked_as, request.days, request.due_on) == (AskedAs.NEWCOMER, 10, date(2026, 6, 16))


def test_who_leaves_is_let_go_and_asked_again_when_she_is_back(cast: Cast, asked: Campaign) -> None:
    abroad = make_market("US")
    home = session.get_one(Market, cast.colleague.home_market_id)
    with own_transaction():
        people.deactivate(person=cast.learner, by=cast.admin, knowing=True)
    cast.colleague.home_market_id = abroad.id
    session.commit()
    jobs.run_periodic("acknowledgements.keep_up")
    for person in (cast.learner, cast.colleague):
        assert request_of(asked, person).closed_as is RequestEnd.LEFT
    cast.colleague.home_market_id = home.id
    session.commit()
    with clock.frozen(MONDAY + timedelta(days=7)):
        jobs.run_periodic("acknowledgements.keep_up")
        request = request_of(asked, cast.colleague)
    assert request.closed_at is None
    assert request.due_on == date(2026, 6, 15)
    assert request_of(asked, cast.learner).closed_as is RequestEnd.LEFT


def test_who_has_confirmed_this_version_before_is_noted_as_that(cast: Cast) -> None:
    make_first(cast.author)
    version = publish("impersonation", cast.author)
    confirm(cast.learner, version)
    run()
    campaign = queries.find_campaign_of(version.id)
    assert campaign is not None
    assert request_of(campaign, cast.learner).closed_as is RequestEnd.CONFIRMED


# --- what ends it -------------------------------------------------------------------------------


def test_a_newer_version_that_asks_closes_older_requests_without_deleting_them(cast: Cast, asked: Campaign) -> None:
    before = number_of_requests()
    newer = ask(cast.author, "3.0")
    session.refresh(asked)
    assert (asked.closed_because, asked.superseded_by) == (CampaignEnd.SUPERSEDED, newer.code)
    assert request_of(asked, cast.learner).closed_as is RequestEnd.SUPERSEDED
    assert request_of(newer, cast.learner).closed_at is None
    assert number_of_requests() == 2 * before


def test_a_newer_version_also_closes_what_is_asked_of_people_on_leave(cast: Cast, asked: Campaign) -> None:
    away(cast.learner, "2026-06-01", "2026-06-30", cast.lead)
    newer = ask(cast.author, "3.0")
    assert request_of(asked, cast.learner).closed_as is RequestEnd.SUPERSEDED
    assert queries.find_request(newer, cast.learner) is None


def test_a_minor_version_leaves_what_is_asked_open(cast: Cast, asked: Campaign) -> None:
    publish("impersonation", cast.author, "2.1", change_class=ChangeClass.MINOR)
    run()
    assert request_of(asked, cast.learner).closed_at is None


def test_a_withdrawal_ends_what_is_asked(cast: Cast, asked: Campaign) -> None:
    with own_transaction():
        versions.withdraw_version(version=asked.version, reason="wrong", by=cast.author)
    run()
    session.refresh(asked)
    assert asked.closed_because is CampaignEnd.WITHDRAWN
    assert request_of(asked, cast.learner).closed_as is RequestEnd.WITHDRAWN


def test_after_a_version_was_withdrawn_before_its_day_the_one_in_force_is_asked_for_again(
    cast: Cast, asked: Campaign
) -> None:
    confirm(cast.colleague, asked.version)
    newer = ask(cast.author, "3.0", effective_at=MONDAY + timedelta(days=9))
    with own_transaction():
        versions.withdraw_version(version=newer.version, reason="too early", by=cast.author)
    run()
    session.refresh(asked)
    assert asked.closed_at is None
    assert request_of(asked, cast.learner).closed_at is None
    assert request_of(asked, cast.colleague).closed_as is RequestEnd.CONFIRMED
    assert request_of(newer, cast.learner).closed_as is RequestEnd.WITHDRAWN


def test_a_campaign_is_ended_by_hand_with_a_reason_and_once(cast: Cast, asked: Campaign) -> None:
    with pytest.raises(errors.ReasonMissing), own_transaction():
        service.close_campaign(campaign=asked, reason=" ", by=cast.author)
    with own_transaction():
        service.close_campaign(campaign=asked, reason="Nothing changes after all.", by=cast.author)
    run()
    assert request_of(asked, cast.learner).closed_as is RequestEnd.STOPPED
    with pytest.raises(errors.CampaignClosed), own_transaction():
        service.close_campaign(campaign=asked, reason="again", by=cast.author)
    assert "acknowledgements.campaign_closed" in {each.action for each in list_entries_about("campaign", asked.code)}


def test_who_is_let_off_is_asked_nothing_more(cast: Cast, asked: Campaign) -> None:
    with own_transaction():
        service.exempt(request=request_of(asked, cast.learner), reason="Does other work.", by=cast.lead)
    request = request_of(asked, cast.learner)
    assert (request.closed_as, request.exempt_by, request.next_mail_at) == (RequestEnd.EXEMPT, cast.lead.code, None)
    jobs.run_periodic("acknowledgements.keep_up")
    assert request_of(asked, cast.learner).closed_as is RequestEnd.EXEMPT
    with pytest.raises(errors.RequestClosed), own_transaction():
        service.exempt(request=request_of(asked, cast.learner), reason="again", by=cast.lead)


# --- confirming ---------------------------------------------------------------------------------


def test_confirming_on_the_reading_page_closes_what_is_asked(cast: Cast, asked: Campaign) -> None:
    confirm(cast.learner, asked.version)
    assert request_of(asked, cast.learner).closed_as is RequestEnd.CONFIRMED


def test_one_merged_delta_confirms_one_version_each(cast: Cast) -> None:
    first = make_first(cast.author)
    confirm(cast.learner, first)
    ask(cast.author, "2.0")
    publish("impersonation", cast.author, "2.1", change_class=ChangeClass.MINOR)
    newest = ask(cast.author, "3.0", change_class=ChangeClass.EMERGENCY)
    open_delta(cast.learner)
    assert understand(cast.learner) == ["3.0", "2.0"]
    numbers = session.scalars(
        select(Acknowledgement.version_id).where(Acknowledgement.person_id == cast.learner.id)
    ).all()
    assert len(numbers) == 3
    assert request_of(newest, cast.learner).closed_as is RequestEnd.CONFIRMED


def test_nothing_is_confirmed_before_it_was_opened_and_checked(cast: Cast) -> None:
    confirm(cast.learner, make_first(cast.author))
    make_questions(cast.author)
    ask(cast.author)
    with pytest.raises(errors.DeltaNotOpened):
        understand(cast.learner)
    open_delta(cast.learner)
    with pytest.raises(errors.CheckFirst):
        understand(cast.learner)
    assert answer(cast.learner, right=False) is False
    with pytest.raises(errors.CheckFirst):
        understand(cast.learner)
    assert answer(cast.learner) is True
    assert understand(cast.learner) == ["2.0"]
    with pytest.raises(errors.NothingAsked):
        understand(cast.learner)


def test_the_reading_page_leads_to_the_questions_instead_of_confirming(cast: Cast) -> None:
    confirm(cast.learner, make_first(cast.author))
    make_questions(cast.author)
    campaign = ask(cast.author)
    with pytest.raises(errors.CheckFirst):
        confirm(cast.learner, campaign.version)


def test_a_minor_version_in_force_is_what_is_confirmed_for_the_one_asked(cast: Cast, asked: Campaign) -> None:
    newest = publish("impersonation", cast.author, "2.1", change_class=ChangeClass.MINOR, texts=changed("more"))
    open_delta(cast.learner)
    # All of it is new to her: she has the text on her screen as well.
    with pytest.raises(errors.NeverOpened):
        understand(cast.learner)
    read_text(cast.learner, newest)
    assert understand(cast.learner) == ["2.1", "2.0"]
    assert request_of(asked, cast.learner).closed_as is RequestEnd.CONFIRMED


def test_who_is_not_addressed_any_more_confirms_nothing(cast: Cast, asked: Campaign) -> None:
    open_delta(cast.learner)
    cast.learner.home_market_id = make_market("US").id
    session.commit()
    with pytest.raises(errors.NotAddressed):
        understand(cast.learner)


def test_a_document_addressed_to_nobody_ends_at_once(cast: Cast) -> None:
    make_first(cast.author, audience={AudienceKind.TEAM: ["no-such-team"]})
    campaign = ask(cast.author)
    assert number_of_requests() == 0
    job = jobs.find_job(service.ask_key(campaign.version_id))
    assert job is not None
    assert job.state is jobs.JobState.DONE


def test_versions_of_two_documents_are_asked_side_by_side(cast: Cast, asked: Campaign) -> None:
    make_published(cast.author, "exposure")
    make_version(get_document("exposure"), cast.author, "2.0")
    run()
    assert session.scalar(select(func.count()).select_from(AcknowledgementRequest).where(
        AcknowledgementRequest.person_id == cast.learner.id, AcknowledgementRequest.closed_at.is_(None)
    )) == 2  # fmt: skip
