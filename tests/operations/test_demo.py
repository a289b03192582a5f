"""The demo organisation looks lived in on every day of the year."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from portal import wiring
from portal.accounts import queries as accounts
from portal.accounts.models import Accommodation, Person
from portal.accounts.queries import Standing, standing_of
from portal.acknowledgements.models import AcknowledgementRequest, Campaign, DeltaAnswer, MaterialAside, RequestEnd
from portal.acknowledgements.queries.campaigns import list_asked_ids
from portal.calendars import queries as calendars
from portal.calendars.models import ShiftPattern
from portal.certificates.models import Certificate
from portal.certificates.queries import get_credential, list_latest_versions
from portal.certificates.rules import State
from portal.certificates.rules.templates import Design
from portal.certificates.service import state_of
from portal.cohorts.models import Cohort
from portal.cohorts.permissions import Reach
from portal.core import clock
from portal.core.db import Base, session
from portal.core.i18n import force_locale
from portal.core.transaction import own_transaction
from portal.duties.service.removals import list_to_decide
from portal.gradebook.queries import find_open_decision
from portal.gradebook.queries import standings as standings_of_results
from portal.gradebook.rules import State as Outcome
from portal.journal.models import JournalEntry
from portal.library.queries import find_version_by_id
from portal.obligations.models import ObligationCycle
from portal.obligations.queries import list_obligations, look_at, standings
from portal.obligations.rules import Closing, Health
from portal.operations import demo, doctor
from portal.organisation import queries as organisation
from portal.organisation.models import Market
from portal.quizzes.models import (
    AnswerToMark,
    Appeal,
    Attempt,
    AttemptState,
    HandMark,
    MarkRound,
    PracticeAnswer,
    Question,
    QuestionFlag,
    Regrade,
    SettledHow,
)
from portal.quizzes.queries import get_bank, get_quiz, list_attempts, list_items
from portal.quizzes.queries.regrades import list_changed
from portal.quizzes.queries.staleness import list_all_of, list_stale
from portal.quizzes.service.practice import offers_practice
from portal.quizzes.service.review import list_came_back_to, list_waiting_for
from portal.quizzes.service.settled import Stage, progress_of
from portal.quizzes.service.supervision import watch
from portal.reports import queries as reports
from portal.reports.models import ReportFile
from portal.reports.queries import lead as mornings
from portal.reports.queries import schedules
from portal.reports.rules import ReportKind, Risk
from portal.reports.service.schedules import next_of
from portal.training import queries as training
from portal.training.models import Enrollment
from portal.training.queries import Standing as Way
from portal.training.queries import catalogue, signing, step_results
from portal.training.queries.cohort_drafts import list_open_drafts
from portal.training.rules import StepKind, StepState
from portal.training.service import founding
from tests.conftest import empty
from tests.demo import DAY, load_demo
from tests.page_client import PageClient
from tests.volume import at_night

# A working day, a Sunday within Golden Week, the middle of the company's winter days.
DAYS = [DAY, date(2026, 5, 3), date(2026, 12, 31)]
# To make a demo takes much longer than all that is asked of it: a night tries the days on which nobody works.
_OTHERS = at_night([], [pytest.param(day, marks=pytest.mark.any_database) for day in DAYS[1:]])

# After the Sunday come three holidays; after the winter days the first Monday of the year.
NEXT_WORKING_DAY = {date(2026, 5, 3): date(2026, 5, 7), date(2026, 12, 31): date(2027, 1, 4)}
SAID = {
    True: {"en": "Working day 1 of 10", "ja": "全10営業日のうち1日目"},
    False: {"en": "The first steps are open already.", "ja": "1日目の項目には、もう取り組めます。"},
}
PLAN = "account-safety-practice"


def practising(people: dict[str, Person]) -> dict[str, Way]:
    """Return how each of the twenty stands in the plan of those who practise."""
    plan = catalogue.get_plan(PLAN)
    mine = session.scalars(select(Enrollment).where(Enrollment.plan_id == plan.id).order_by(Enrollment.id)).all()
    names = {people[story.name].id: story.name for story in demo.PRACTISING}
    return {names[each.enrollment.person_id]: each for each in training.standings(mine)}


def cohort() -> Cohort:
    return session.scalars(select(Cohort).where(Cohort.code.like("practice-%"))).one()


@pytest.mark.parametrize("day", [DAYS[0], *_OTHERS])
def test_whenever_the_demo_is_loaded_the_first_learner_begins_and_nothing_is_overdue(app: Flask, day: date) -> None:
    noon = demo.moment_of(day, 12)
    with clock.frozen(noon):
        people = load_demo(day=day)
        client = PageClient(app, people["yui.takahashi"])
        begins = NEXT_WORKING_DAY.get(day, day)
        for here, said in SAID[begins == day].items():
            text = client.get("training.today", lang=here).text
            assert said in text
            assert "Overdue" not in text
            assert "期限超過" not in text
        (enrollment,) = training.list_enrollments_of(people["yui.takahashi"].id)
        assert enrollment.starts_on == begins
        assert enrollment.enrolled_at <= noon
        standing = training.standing_of(enrollment)
        # The first step can be done at once, whatever the day.
        assert standing.statuses["statement"].state is StepState.OPEN
        assert not standing.progress.overdue


@pytest.mark.parametrize("day", [DAYS[0], *_OTHERS])
def test_whenever_the_demo_is_loaded_the_same_stories_have_happened_on_working_days(app: Flask, day: date) -> None:
    with clock.frozen(demo.moment_of(day, 12)):
        people = load_demo(day=day)
        standings = practising(people)
        done = {name: set(each.completions) for name, each in standings.items()}
        late = {name for name, each in standings.items() if each.progress.overdue and each.enrollment.is_open}
        assert len(done["aoki.haruka"]) == len(done["vaananen.aino"]) == 5
        assert done["brandt.friederike"] == {"case-circle", "ten-audits", "quiz-impersonation", "quiz-audit"}
        # Who is excused from one circle and booked for the next is not late with it.
        assert late == {"choi.yuna", "doi.katsuya", "li.wei", "teshigawara.kaoruko", "uchida.kenjiro"}
        # The organisation is founded before anything is known of its calendar, the newest cohort begins on the day.
        founded = session.scalars(select(JournalEntry.at).order_by(JournalEntry.id).limit(1)).one().date()
        markets = {each.code: each.home_market for each in people.values()}
        worked = {market: calendars.working_calendar(market) for market in organisation.list_markets()}
        entries = session.execute(select(JournalEntry.actor_code, JournalEntry.at)).all()
        acted: dict[datetime, set[Market]] = {}
        for code, at in entries:
            acted.setdefault(at, set()).update({markets[code]} if code in markets else ())
        japan = organisation.get_market("JP")
        off = set()
        for at, of in acted.items():
            # What the portal notes by itself belongs to the act of somebody at the same moment; who lets people abroad
            # in sits in Tokyo.
            for market in of or {japan}:
                days = {each: clock.local_date(at, each.time_zone) for each in (market, japan)}
                if not any(worked[each].is_working_day(on) for each, on in days.items()):
                    off.add(days[market])
        assert off <= {founded, day}


def test_the_twenty_show_what_can_happen_to_people(app: Flask) -> None:
    with clock.frozen(demo.moment_of(DAY, 12)):
        people = load_demo(day=DAY)
        standings = practising(people)
        progress = {name: each.progress for name, each in standings.items()}
        states = {name: {slug: each.state for slug, each in way.statuses.items()} for name, way in standings.items()}

        assert progress["doi.katsuya"].overdue == 2
        assert standings["hasegawa.takahiro"].pause is not None
        assert standings["igarashi.momoko"].due_on("ten-audits") > DAY
        assert standings["igarashi.momoko"].progress.overdue == 0
        assert standings["jimenez.maria"].starts_on > standings["doi.katsuya"].starts_on
        assert standings["kuwabara.shun"].enrollment.ended_reason
        assert states["li.wei"]["ten-audits"] is StepState.OPEN
        assert states["choi.yuna"]["ten-audits"] is StepState.WAITING
        assert states["brandt.friederike"]["own-queue"] is StepState.WAITING
        assert [each.first_on for each in calendars.list_leave(people["fukusaki.nozomi"].id)] == [date(2026, 4, 27)]

        gates = {
            name: step_results.gate_figures(each.enrollment, training.get_step(each.enrollment, "own-queue"))
            for name, each in standings.items()
        }
        assert gates["brandt.friederike"].is_reached
        assert (gates["nguyen.minh-khai"].n, gates["nguyen.minh-khai"].missing_questions) == (8, 8)
        assert not gates["okonkwo.adaeze"].not_passed
        assert not gates["okonkwo.adaeze"].is_reached

        # The lead signs gates off, the mentor accepts what was handed in.
        waiting = {
            name: {(each.step.kind, each.standing.enrollment.person.sign_in_name.partition("@")[0]) for each in found}
            for name in ("sato.ken", "kobayashi.mei")
            for found in [signing.looked_after(people[name]).waiting_for(people[name]).rows]
        }
        assert (StepKind.GATE, "brandt.friederike") in waiting["sato.ken"]
        assert (StepKind.TASK, "choi.yuna") in waiting["kobayashi.mei"]


def test_the_leads_page_of_the_twenty_is_full_of_reasons_and_one_clause_points_at_the_policy(app: Flask) -> None:
    with clock.frozen(demo.moment_of(DAY, 12)):
        people = load_demo(day=DAY)
        following = reports.follow(cohort())
        assert len(following.people) + 1 == len(demo.PRACTISING), "all but the one who left"
        figures = mornings.clause_figures(following, viewer_id=people["sato.ken"].id)
        # A question may cite a second clause, whose share is then as large: most people missed this one.
        misunderstood = max(figures, key=lambda each: each.missed.missed)
        assert (misunderstood.document, misunderstood.anchor) == ("impersonation", "notice")
        assert misunderstood.missed.points_at_policy
        assert len(figures) > 10

        morning = mornings.morning(following, viewer_id=people["sato.ken"].id)
        risks = {each.follower.person_id: {reason.risk for reason in each.reasons} for each in morning.at_risk}
        assert Risk.OVERDUE in risks[people["doi.katsuya"].id]
        assert Risk.FAILED_TRIES in risks[people["eguchi.sayaka"].id]
        assert Risk.IDLE in risks[people["teshigawara.kaoruko"].id]
        assert people["aoki.haruka"].id not in risks


@pytest.mark.parametrize("language", ["en", "ja"])
def test_every_list_of_the_lead_has_something_in_it(app: Flask, language: str) -> None:
    with clock.frozen(demo.moment_of(DAY, 12)):
        people = load_demo(day=DAY)
        client = PageClient(app, people["sato.ken"], language=language)
        code = cohort().code
        for endpoint, values in (
            ("reports.list_cohorts", {}),
            ("reports.cohort", {"code": code}),
            ("reports.cohort", {"code": code, "plan": "account-safety-calibration"}),
            ("reports.cohort_clauses", {"code": code}),
            ("training.list_learners", {}),
            ("training.list_sessions", {}),
            ("training.list_sign_offs", {}),
        ):
            page = client.get(endpoint, **values)
            assert not page.all("div", class_="empty"), endpoint


def test_a_lead_has_begun_a_cohort_and_one_line_of_her_list_is_to_be_corrected(app: Flask) -> None:
    with clock.frozen(demo.moment_of(DAY, 12)):
        people = load_demo(day=DAY)
        lead = people["nishimura.sayuri"]
        (draft,) = list_open_drafts(lead)
        found = founding.judge(draft, lead)
        assert [each.fate for each in found.candidates].count(founding.Fate.INVITE) == 3
        (wrong,) = found.with_fate(founding.Fate.FAULT)
        assert not found.obstacles
        for language in ("en", "ja"):
            client = PageClient(app, lead, language)
            assert client.url("training.cohort_draft", code=draft.code) in client.get("training.new_cohort").links()
            assert wrong.sign_in_name in client.get("training.cohort_draft", code=draft.code).text


def test_the_days_to_come_have_a_session_each_for_the_calendar_and_an_event(app: Flask) -> None:
    with clock.frozen(demo.moment_of(DAY, 12)):
        people = load_demo(day=DAY)
        client = PageClient(app, people["matsuzaki.yu"])
        text = client.get("training.calendar").text
        assert "事例検討会" in text
        assert "判定と比較" in text
        events = training.list_days_of_cohort(cohort())
        assert [on for (_plan, _slug), on in events.items()] == [date(2026, 4, 22)]


@pytest.mark.parametrize("day", [DAYS[0], *_OTHERS])
def test_reports_have_been_sent_evidence_was_given_out_and_somebody_goes_on_in_the_next_version(
    app: Flask, day: date
) -> None:
    with clock.frozen(demo.moment_of(day, 12)):
        people = load_demo(day=day)
        found = schedules.list_schedules(Reach(True, frozenset(), frozenset(), frozenset()))
        sent = schedules.last_sent([each.id for each in found])
        # Two have been sent, one of them to more people since it was changed; the next day lies ahead.
        by = {each.created_by: each for each in found}
        assert len(sent) == 2
        assert set(by) == {
            people[name].code for name in ("sato.ken", "yamada.hiroko", "nishimura.sayuri", "owen.harris")
        }
        for name in ("sato.ken", "yamada.hiroko"):
            schedule = by[people[name].code]
            assert len(schedule.recipients) == 2
            assert next_of(schedule, sent[schedule.id][0]).sent_on.on >= day
        (evidence,) = session.scalars(select(ReportFile).where(ReportFile.kind == ReportKind.EVIDENCE))
        assert evidence.sha256 is not None
        (swapped,) = session.scalars(select(Enrollment).where(Enrollment.replaces_id.is_not(None)))
        assert (swapped.person_id, swapped.version.number) == (people["doi.katsuya"].id, "1.3")
        told = {each.verdict.health for stand in standings(look_at(list_obligations())) for each in stand}
        assert told == set(Health)


@pytest.mark.parametrize("day", [DAYS[0], *_OTHERS])
def test_the_demo_holds_a_certificate_in_every_state_and_says_each_in_both_languages(app: Flask, day: date) -> None:
    with clock.frozen(demo.moment_of(day, 12)):
        people = load_demo(day=day)
        found = {state_of(each): each for each in session.scalars(select(Certificate).order_by(Certificate.id))}
        assert set(found) == set(State)
        for language in ("en", "ja"):
            reader = PageClient(app, people["grace.muller"], language=language)
            for certificate in found.values():
                assert certificate.number in reader.get("certificates.show", number=certificate.number).text
        # Who holds one of an older policy is asked about the version that made it so; nobody else is.
        (older,) = {each.superseded_by_policy.id for each in found.values() if each.superseded_by_policy}
        version = find_version_by_id(older)
        assert version is not None
        asked = {
            each.sign_in_name.partition("@")[0] for each in people.values() if each.id in list_asked_ids(version)
        }  # fmt: skip
        of_the_team = {name for name, each in people.items() if each.team and each.team.code == "live-safety-tokyo"}
        assert {"nishi.haruto", "costa.bruno"} <= asked <= of_the_team


@pytest.mark.parametrize("day", [DAYS[0], *_OTHERS])
def test_whoever_is_on_call_was_given_her_refresher_on_its_day_before_her_certificate_expired(
    app: Flask, day: date
) -> None:
    with clock.frozen(demo.moment_of(day, 12)):
        load_demo(day=day)
        found = {
            cycle.person.sign_in_name.partition("@")[0]: cycle
            for cycle in session.scalars(select(ObligationCycle))
            if cycle.terms.plan_slug == "emergency-drill-refresher"
        }
        assert {"yamada.hiroko", "ito.jun", "mori.akiko", "kimura.nao"} <= set(found)
        on_call = get_credential("emergency-on-call")
        for name, cycle in found.items():
            assert cycle.opened_on == cycle.opens_on, name
            first = session.scalars(
                select(Certificate)
                .where(Certificate.person_id == cycle.person_id, Certificate.credential_id == on_call.id)
                .order_by(Certificate.id)
            ).first()
            assert first is not None
            assert first.expires_on is not None
            assert cycle.opened_on <= first.expires_on - timedelta(days=10), name
            assert cycle.due_on <= first.expires_on, name
        # She has done it within the training that was given to her.
        assert found["mori.akiko"].closed_as is Closing.COMPLETED
        assert {name for name, cycle in found.items() if cycle.closed_at is None} >= {"yamada.hiroko", "kimura.nao"}


def test_campaigns_keep_the_shipped_procedure_and_no_mentor_has_more_than_a_handful(app: Flask) -> None:
    with clock.frozen(demo.moment_of(DAY, 12)):
        load_demo(day=DAY)
        working = calendars.working_calendar(organisation.get_market("JP"))
        shares = {}
        for campaign in session.scalars(select(Campaign)):
            asked_on = clock.local_date(campaign.asked_at, "Asia/Tokyo")
            effective_on = clock.local_date(campaign.version.effective_at, "Asia/Tokyo")
            between = [asked_on + timedelta(days=number + 1) for number in range((effective_on - asked_on).days)]
            assert sum(working.is_working_day(each) for each in between) >= 5
            assert effective_on.weekday() in {1, 2, 3}
            requests = session.scalars(
                select(AcknowledgementRequest.closed_as).where(AcknowledgementRequest.campaign_id == campaign.id)
            ).all()
            counted = [each for each in requests if each is not RequestEnd.EXEMPT]
            shares[campaign.version.document.slug] = counted.count(RequestEnd.CONFIRMED) / len(counted)
        assert 0.95 <= shares["account-recovery"] < 1
        mentored = Counter(
            session.scalars(
                select(Enrollment.mentor_id).where(Enrollment.completed_at.is_(None), Enrollment.ended_at.is_(None))
            )
        )
        del mentored[None]
        assert len(mentored) == 7
        assert max(mentored.values()) <= 5


def test_somebody_is_let_off_a_campaign_that_runs_and_can_be_asked_again(app: Flask) -> None:
    with clock.frozen(demo.moment_of(DAY, 12)):
        people = load_demo(day=DAY)
        (campaign,) = [
            each
            for each in session.scalars(select(Campaign).where(Campaign.closed_at.is_(None)))
            if each.version.document.slug == "guests-in-streams"
        ]
        values = {"code": campaign.code, "person": people["samuel.lindqvist"].code}
        for language in ("en", "ja"):
            owner = PageClient(app, people["mori.akiko"], language)
            again = owner.url("acknowledgements.end_exemption", **values)
            assert again in owner.get("acknowledgements.campaign", code=campaign.code).links()
            owner.get("acknowledgements.end_exemption", **values)


def test_material_is_set_aside_for_somebody_and_only_she_and_the_contact_learn_of_it(app: Flask) -> None:
    with clock.frozen(demo.moment_of(DAY, 12)):
        people = load_demo(day=DAY)
        (aside,) = session.scalars(select(MaterialAside)).all()
        assert aside.person_id == people["matsumoto.eri"].id
        assert (aside.level, aside.set_by.id) == ("S2", people["kimura.nao"].id)
        assert aside.until_on is not None
        assert aside.until_on > DAY
        assert not any(each.is_open for each in training.list_enrollments_of(aside.person_id))
        for language in ("en", "ja"):
            contact = PageClient(app, people["kimura.nao"], language).get("acknowledgements.list_declined")
            assert "matsumoto.eri@hibiki.example" in contact.text
        assert not session.scalars(select(JournalEntry).where(JournalEntry.at == aside.set_at)).all()


def test_somebody_without_a_training_works_by_shifts(app: Flask) -> None:
    with clock.frozen(demo.moment_of(DAY, 12)):
        people = load_demo(day=DAY)
        (pattern,) = session.scalars(select(ShiftPattern)).all()
        assert pattern.person_id == people["park.jisoo"].id
        assert not any(each.is_open for each in training.list_enrollments_of(pattern.person_id))
        for language in ("en", "ja"):
            page = PageClient(app, people["hayashi.tomoko"], language).get(
                "calendars.shifts", code=people["park.jisoo"].code
            )
            assert not page.all("div", class_="empty")


def test_a_private_number_waits_to_be_taken_out_of_a_card_and_only_whoever_decides_reads_it(app: Flask) -> None:
    with clock.frozen(demo.moment_of(DAY, 12)):
        people = load_demo(day=DAY)
        ((removal, subject),) = list_to_decide(people["sato.ken"])
        assert removal.asked_by.id == people["kobayashi.mei"].id
        number = "090-0123-4567"
        values = {"kind": subject.kind, "thing": subject.code}
        for language in ("en", "ja"):
            lead = PageClient(app, people["sato.ken"], language)
            assert number in lead.get("duties.removal", code=removal.code, **values).text
            assert number not in lead.get("duties.card", **values).text
            admin = PageClient(app, people["grace.muller"], language)
            assert number not in admin.get("duties.removal", code=removal.code, **values).text


def test_somebody_whose_name_changed_can_ask_for_a_certificate_with_it(app: Flask) -> None:
    with clock.frozen(demo.moment_of(DAY, 12)):
        people = load_demo(day=DAY)
        holder = people["ikeda.saki"]
        (certificate,) = session.scalars(select(Certificate).where(Certificate.person_id == holder.id)).all()
        assert "池田" in certificate.snapshot["holder"]["ja"]
        assert "石田" in holder.name_in("ja")
        for language in ("en", "ja"):
            client = PageClient(app, holder, language)
            page = client.get("certificates.show", number=certificate.number)
            assert client.url("certificates.ask_for_new_name", number=certificate.number) in page.links()


def test_every_credential_of_the_demo_is_drawn_from_a_template_and_every_design_is_in_use(app: Flask) -> None:
    with clock.frozen(demo.moment_of(DAY, 12)):
        load_demo(day=DAY)
        drawn = {version.credential.slug: version.template_version for version in list_latest_versions()}
        assert len(drawn) == 9
        assert {each.spec["design"] for each in drawn.values() if each is not None} == {each.value for each in Design}
        assert None not in drawn.values()
        issued = session.scalars(select(Certificate)).all()
        assert {each.snapshot["template"]["spec"]["design"] for each in issued} == {each.value for each in Design}


def names_of(found: Any) -> set[str]:
    """Return whose attempts these items, appeals or attempts are, by the part of the address before the @."""
    return {each.person.sign_in_name.partition("@")[0] for each in found}


@pytest.mark.parametrize("day", [DAYS[0], *_OTHERS])
def test_appeals_are_open_upheld_and_rejected_and_one_rule_is_carried_out_while_another_waits(
    app: Flask, day: date
) -> None:
    with clock.frozen(demo.moment_of(day, 12)):
        people = load_demo(day=day)
        found = session.scalars(select(Appeal).order_by(Appeal.id)).all()
        stages = {key: each.stage for key, each in progress_of(found).items()}
        assert sorted(stages.values()) == sorted([Stage.WAITING, Stage.CHANGED, Stage.TO_APPROVE, Stage.NOT_UPHELD])
        for appeal in found:
            assert bool(appeal.answer) is (stages[appeal.id] is not Stage.WAITING)
        (done, waits) = session.scalars(select(Regrade).order_by(Regrade.id)).all()
        assert done.finished_at is not None
        assert waits.decided_at is None
        # Everybody who wrote the time as people write it has its point now, the learner reads why.
        changed = list_changed(done)
        assert len(changed) == 9
        (mine,) = [each.attempt for each in changed if each.attempt.person_id == people["dubois.claire"].id]
        for language in ("en", "ja"):
            text = (
                PageClient(app, people["dubois.claire"], language=language).get("quizzes.result", code=mine.code).text
            )
            assert done.reason.in_(language) in text
        # Nobody who had a hand in it has sat it, and the approver can decide about the other one.
        client = PageClient(app, people["ito.jun"], language="ja")
        assert "差し戻" in client.get("quizzes.reviews").text
        assert waits.reason.ja in client.get("quizzes.regrade", code=waits.code).text


@pytest.mark.parametrize("day", [DAYS[0], *_OTHERS])
def test_written_answers_wait_for_every_round_of_marks_and_enough_are_marked_twice_to_tell_agreement(
    app: Flask, day: date
) -> None:
    with clock.frozen(demo.moment_of(day, 12)):
        people = load_demo(day=day)
        rounds = {row.round for row in session.scalars(select(AnswerToMark)) if row.round is not None}
        assert rounds == set(MarkRound)
        for name in ("yamada.hiroko", "ito.jun"):
            page = PageClient(app, people[name], language="ja").get("quizzes.marking")
            assert not page.all("div", class_="empty"), name
        (row,) = session.scalars(select(HandMark).where(HandMark.comment.like("%Clear and short%"))).all()
        (attempt,) = [each for each in list_attempts(people["ananya.gupta"]) if holds_item(each, row.item_id)]
        assert attempt.state is AttemptState.RELEASED
        assert (
            row.comment in PageClient(app, people["ananya.gupta"], "en").get("quizzes.result", code=attempt.code).text
        )
        agreement = PageClient(app, people["yamada.hiroko"], "ja").get("quizzes.agreement", slug="decision-notes").text
        assert "12 0.76" in agreement


def holds_item(attempt: Attempt, item_id: int) -> bool:
    """Say whether the item is one of the attempt."""
    return any(item.id == item_id for item in list_items(attempt))


@pytest.mark.parametrize("day", [DAYS[0], *_OTHERS])
def test_at_noon_somebody_sits_a_quiz_and_somebody_has_handed_in_for_the_lead_to_see(app: Flask, day: date) -> None:
    with clock.frozen(demo.moment_of(day, 12)):
        people = load_demo(day=day)
        live = watch(get_quiz("decision-notes"), by=people["sato.ken"], now=clock.now())
        assert names_of(live.sitting) == {"abe.sho"}
        assert names_of(live.over) == {"emma.larsen"}
        (attempt,) = [each.attempt for each in live.sitting]
        assert attempt is not None
        page = PageClient(app, people["sato.ken"], "ja").get("quizzes.supervision", code=attempt.code)
        assert "設問1の解答を保存しました" in page.text


def test_questions_wait_for_the_approver_came_back_to_the_author_and_are_pointed_at_by_results(app: Flask) -> None:
    with clock.frozen(demo.moment_of(DAY, 12)):
        people = load_demo(day=DAY)
        (waits,) = list_waiting_for(people["ito.jun"])
        assert (waits.row.bank, waits.row.slug, waits.by) == ("daily-audit", "aud-001", people["yamada.hiroko"].code)
        (back,) = list_came_back_to(people["yamada.hiroko"])
        assert back.step.reason
        found = session.scalars(select(QuestionFlag).order_by(QuestionFlag.id)).all()
        assert sorted(each.closed_at is None for each in found) == [False, True]
        assert all(each.note for each in found if each.closed_at is not None)
        for language in ("en", "ja"):
            page = PageClient(app, people["yamada.hiroko"], language).get("quizzes.flags")
            assert not page.all("div", class_="empty")
            statistics = PageClient(app, people["yamada.hiroko"], language).get(
                "quizzes.statistics", slug="audit-records"
            )
            assert not statistics.all("div", class_="empty")


def test_a_changed_procedure_left_a_question_to_look_at_again_and_asked_the_others_of_those_who_confirm(
    app: Flask,
) -> None:
    with clock.frozen(demo.moment_of(DAY, 12)):
        people = load_demo(day=DAY)
        bank = get_bank("guests-in-streams")
        waits = [question.slug for question, _version in list_stale(bank, kept_out=False)]
        assert waits == ["host-answers"]
        # Of the others about what changed, one was found right, and one was rewritten and approved.
        histories = {
            question.slug: [each.settled_how for each in list_all_of(question)]
            for question in session.scalars(select(Question).where(Question.bank_id == bank.id))
        }
        assert histories == {
            "in-time": [SettledHow.NEW_VERSION],
            "next-look": [SettledHow.STILL_RIGHT],
            "host-answers": [None],
            "account-of-guest": [],
        }
        owned = accounts.find_owner("question_bank", bank.slug)
        assert owned is not None
        assert owned.deputy is not None
        answered = session.scalars(select(DeltaAnswer).order_by(DeltaAnswer.id)).all()
        assert {each.right for each in answered} == {True, False}
        for language in ("en", "ja"):
            author = PageClient(app, people["yamada.hiroko"], language)
            for endpoint, values in (("quizzes.stale", {}), ("quizzes.stale_of_bank", {"slug": bank.slug})):
                assert not author.get(endpoint, **values).all("div", class_="empty"), endpoint
            reader = PageClient(app, people["nishi.haruto"], language)
            assert "20:16" in reader.get("acknowledgements.delta", slug=bank.slug).text.replace("時", ":")


def test_results_are_excused_set_by_hand_taken_back_and_one_waits_for_a_second_person(app: Flask) -> None:
    with clock.frozen(demo.moment_of(DAY, 12)):
        people = load_demo(day=DAY)
        version = get_quiz("audit-records")
        ids = {name: people[name].id for name in ("kobayashi.mei", "nishi.haruto", "fischer.anna")}
        stand = standings_of_results(list(ids.values()), [version])
        results = {name: stand[key, version.quiz_id].result for name, key in ids.items()}
        assert results["kobayashi.mei"].state is Outcome.EXEMPT
        assert (results["nishi.haruto"].state, results["nishi.haruto"].is_by_hand) == (Outcome.PASSED, True)
        # Marked again, she has what was set by hand, which is not needed any more.
        assert (results["fischer.anna"].state, results["fischer.anna"].is_by_hand) == (Outcome.PASSED, False)
        assert find_open_decision(people["endo.misaki"].id, version.quiz_id) is not None
        for language in ("en", "ja"):
            lead = PageClient(app, people["hayashi.tomoko"], language)
            for name in ("nishi.haruto", "fischer.anna"):
                assert not lead.get("gradebook.result", slug="audit-records", code=people[name].code).all(
                    "div", class_="empty"
                )
            text = PageClient(app, people["fischer.anna"], language).get("gradebook.transcript").text
            assert "採点し直した結果で合格したため" in text


def test_time_is_agreed_for_some_and_practice_is_open_on_the_way_of_those_who_begin(app: Flask) -> None:
    with clock.frozen(demo.moment_of(DAY, 12)):
        people = load_demo(day=DAY)
        agreed = {each.multiplier for each in session.scalars(select(Accommodation))}
        assert agreed == {Fraction(5, 4), Fraction(3, 2)}
        page = PageClient(app, people["grace.muller"], "en").get("accounts.list_accommodations")
        assert "1.5 times the time" in page.text
        (attempt,) = [
            each for each in list_attempts(people["ananya.gupta"]) if each.quiz_version.quiz.slug == "decision-notes"
        ]
        assert attempt.multiplier == Fraction(3, 2)
        # The check of the first plan has questions to practise; some people have.
        assert offers_practice(get_quiz("daily-audit"), people["yui.takahashi"])
        answers = session.scalars(select(PracticeAnswer)).all()
        assert {each.answered_at is None for each in answers} == {True, False}


@pytest.mark.any_database
def test_the_same_day_gives_the_same_rows_but_for_secrets(app: Flask) -> None:
    load_demo(day=DAY)
    first = _rows()
    session.remove()
    empty()
    with clock.frozen(demo.moment_of(DAY, 12)), own_transaction():
        assert demo.load(DAY)
    assert _rows() == first


# What holds a secret or is computed from one; a certificate's code is one, and stands in what it was issued on.
_SECRET = {
    "people": {"password_hash"},
    "sign_in_sessions": {"token_hash"},
    "certificates": {"code", "snapshot", "snapshot_sha256"},
    "seals": {"digest"},
    "status_entries": {"position"},
    "journal_entries": {"previous_hash", "hash", "sealed"},
    "journal_heads": {"hash"},
}


def _rows() -> dict[str, list[tuple[Any, ...]]]:
    session.rollback()
    found = {}
    for table in Base.metadata.sorted_tables:
        kept = [column for column in table.columns if column.name not in _SECRET.get(table.name, ())]
        rows = session.execute(select(*kept).order_by(*table.primary_key.columns)).all()
        found[table.name] = [_without_certificate(table.name, row._mapping) for row in rows]
    return found


def _without_certificate(table: str, row: Any) -> tuple[Any, ...]:
    """Return a row without the hash of what a certificate was issued on."""
    if table == "journal_entries" and row["action"] == "certificates.issued":
        return tuple(value for name, value in row.items() if name != "after")
    return tuple(row.values())


def test_the_doctor_finds_nothing_wrong_with_the_demo(app: Flask) -> None:
    with clock.frozen(demo.moment_of(DAY, 12)):
        load_demo(day=DAY)
        session.rollback()
        # Mail and certificates wait for the worker, which is not running here.
        sound = {name: check for name, check in wiring.INVARIANTS.items() if not name.startswith("I12 ")}
        assert {name: found for name, found in doctor.examine(sound).items() if found} == {}


# Also where the policies are of years that the holidays of that day's years do not reach.
@pytest.mark.parametrize(
    "on", ["2026-04-15", *(pytest.param(on, marks=pytest.mark.any_database) for on in ("2024-02-29", "2019-05-01"))]
)
def test_a_day_on_which_the_policies_were_not_in_force_is_refused_with_the_earliest(app: Flask, on: str) -> None:
    answer = app.test_cli_runner().invoke(args=["demo", "load", "--date", on])
    assert answer.exit_code == 1
    assert "2026-04-16" in answer.output
    assert not accounts.has_people()


def test_a_lead_sees_people_who_are_done_late_waiting_and_never_seen(app: Flask) -> None:
    day = DAY
    with clock.frozen(demo.moment_of(day, 12)):
        people = load_demo(day=day)
        states: dict[str, set[Any]] = {}
        for name in (trainee.name for trainee in demo.COHORT):
            (enrollment,) = training.list_enrollments_of(people[name].id)
            standing = training.standing_of(enrollment)
            states[name] = {status.state for status in standing.statuses.values()}
            if any(
                standing.due_on(step.slug) < day and standing.statuses[step.slug].state is not StepState.DONE
                for step in standing.steps
            ):
                states[name].add("late")
        assert states["abe.sho"] == {StepState.DONE}
        assert any("late" in found for found in states.values())
        assert any(StepState.WAITING in found for found in states.values())
        # Who has finished a plan has been here; only the one who never came is still invited.
        invited = [name for name, person in people.items() if standing_of(person) is Standing.INVITED]
        assert invited == ["yoshida.kaho"]
        for name, person in people.items():
            newcomer = name in (*demo.NEWCOMERS, "yoshida.kaho")
            assert (person.last_seen_at is None) is newcomer, name
            assert person.last_seen_at is None or person.last_seen_at < clock.now() - timedelta(hours=12)


def test_a_start_mail_names_the_first_steps_and_is_not_sent_to_those_in_the_middle(app: Flask, tmp_path: Any) -> None:
    from portal.training.emails import plan_started

    with clock.frozen(demo.moment_of(DAY, 12)):
        people = load_demo(day=DAY)
        built = {}
        for name in ("yui.takahashi", "yoshida.kaho", "emma.larsen", "kim.minseo"):
            (enrollment,) = training.list_enrollments_of(people[name].id)
            built[name] = plan_started(enrollment.code)
    assert built["emma.larsen"] is None
    assert built["kim.minseo"] is None
    for name in ("yui.takahashi", "yoshida.kaho"):
        mail = built[name]
        assert mail is not None
        with force_locale("en"):
            assert "Exposure and wellbeing statement" in str(mail.values["steps"][0]["title"])
