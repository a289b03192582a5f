"""The lead's morning page: its numbers equal a recount in SQL, each opens its people, and each act has its page."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from sqlalchemy import text, update

from portal.accounts.models import Role, Scope
from portal.acknowledgements.models import AcknowledgementRequest, AskedAs, Campaign, RequestEnd
from portal.calendars import service as calendars
from portal.calendars.queries import working_calendar
from portal.certificates.models import Certificate, CertificateFact, Credential, CredentialVersion, Design, Honorific
from portal.certificates.rules import FactKind
from portal.cohorts.models import Cohort
from portal.core import clock
from portal.core.codes import new_code
from portal.core.db import session
from portal.core.i18n import Words, force_locale
from portal.core.transaction import own_transaction
from portal.library.models import ChangeClass, Reading
from portal.quizzes.models import (
    Attempt,
    AttemptState,
    Item,
    ItemMark,
    Marking,
    Question,
    QuestionBank,
    QuestionCitation,
    QuestionState,
    QuestionVersion,
    QuizVersion,
)
from portal.reports import rules
from portal.reports.formats import words
from portal.reports.queries import Following, count_heads, follow, report_of
from portal.reports.queries.lead import Morning, clause_figures, morning
from portal.reports.queries.weekly import changes_of
from portal.reports.rules import Week
from portal.training import queries as training
from portal.training.models import Enrollment, PlanVersion, StepCompletion
from portal.training.rules import WITH_A_WORD, Doer, StepKind, StepSpec, StepState
from portal.training.service import dates
from tests.beginnings import beginning
from tests.builders import Cast, make_grant, make_market, make_person, make_team, save
from tests.queries import counted_queries
from tests.reports.test_cohort import LANGUAGES, LATER, MORNING
from tests.training.builders import (
    START,
    acknowledge,
    load_holidays,
    make_cohort,
    make_documents,
    make_enrollment,
    make_plan,
    make_plan_with_exam,
    make_quiz,
    release,
)
from tests.training.test_sessions import AT
from tests.training.test_sessions import STEPS as CIRCLES
from tests.training.test_sessions import plan as plan_session
from tests.training.test_training import document
from tests.volume import at_night

ANCHORS = ("scope", "signals", "appeals")


@pytest.fixture
@beginning
def _documents(cast: Cast) -> None:
    load_holidays()
    make_documents()


@pytest.fixture(autouse=True)
def _start_of_the_plan(_documents: None) -> Iterator[None]:
    with clock.frozen(MORNING):
        yield


def seen_of(cohort: Cohort, viewer_id: int = 0) -> tuple[Following, Morning]:
    """Return what the page of the cohort is made of."""
    following = follow(cohort)
    return following, morning(following, viewer_id=viewer_id)


# --- random cohorts ----------------------------------------------------------------------------


def make_questions() -> list[int]:
    """Make three questions, the first two about one clause each, the third about two."""
    bank = QuestionBank(slug="asked", title=Words("Asked", "出題"), created_at=MORNING, created_by="test")
    made = []
    for number, anchors in enumerate((ANCHORS[:1], ANCHORS[1:2], ANCHORS[1:])):
        question = Question(
            bank=bank, slug=f"q-{number}", state=QuestionState.LIVE, position=number, latest=1, created_at=MORNING
        )
        version = QuestionVersion(
            question=question, number=1, type="single_choice", content={}, hash=str(number) * 64, origin="test",
            created_at=MORNING, created_by="test",
        )  # fmt: skip
        version.citations = [
            QuestionCitation(
                position=position, tested=True, document_slug="impersonation", version_number="1.0", anchor=anchor,
                clause_hash="0" * 64, title=Words(anchor.title(), f"条項 {anchor}"),
            )
            for position, anchor in enumerate(anchors)
        ]  # fmt: skip
        made.append(version)
    session.add_all(made)
    session.commit()
    return [version.id for version in made]


def make_attempt(person_id: int, number: int, at: datetime, chance: random.Random, questions: list[int]) -> None:
    """Let somebody sit the quiz, with points by chance; a few are still open, void, or not released yet."""
    quiz = make_quiz()
    state = chance.choices(list(AttemptState), [1, 1, 1, 12, 2])[0]
    finished = None if state is AttemptState.IN_PROGRESS else at + timedelta(minutes=9)
    attempt = Attempt(
        code=new_code(), quiz_id=quiz.quiz_id, quiz_version_id=quiz.id, person_id=person_id, attempt_no=number,
        state=state, seed="0" * 64, language="en", limit_seconds=900, multiplier=Fraction(1), started_at=at,
        deadline_at=at + timedelta(minutes=15), finished_at=finished,
    )  # fmt: skip
    session.add(attempt)
    items = [
        Item(
            attempt=attempt, position=place + 1, question_version_id=question, choice_order={},
            max_points=Fraction(3, 2), on_trial=True if chance.random() < 0.1 else None,
        )
        for place, question in enumerate(questions)
    ]  # fmt: skip
    session.add_all(items)
    session.flush()
    if state not in (AttemptState.IN_PROGRESS, AttemptState.SUBMITTED):
        for marking_no in range(1, chance.choice([2, 2, 3])):
            marking = Marking(
                attempt_id=attempt.id, marking_no=marking_no, points=Fraction(1), max_points=Fraction(9, 2),
                score=Fraction(2, 9), passed=chance.random() < 0.5, marked_at=at, marked_by="system",
            )  # fmt: skip
            session.add(marking)
            session.flush()
            session.add_all(
                ItemMark(
                    marking_id=marking.id, item_id=item.id, points=chance.choice([Fraction(0), Fraction(3, 2)]),
                    max_points=Fraction(3, 2) if chance.random() < 0.9 else Fraction(0),
                )
                for item in items
            )  # fmt: skip
            session.query(ItemMark).filter(ItemMark.max_points == Fraction(0)).update({"points": Fraction(0)})


def fill(cohort: Cohort, version: PlanVersion, number: int, seed: int) -> None:
    """Put people into the cohort who did by chance what people do."""
    chance = random.Random(seed)
    questions = make_questions()
    slugs = {step.slug: step for step in version.steps}
    opened = document("impersonation")
    campaign = Campaign(
        code=new_code(), version_id=opened.id, change_class=ChangeClass.MATERIAL, asked_at=MORNING, asked_by="test",
        days_current=5, days_newcomers=5, days_returning=5,
    )  # fmt: skip
    terms = CredentialVersion(
        credential=Credential(slug="known", created_at=MORNING), number="1.0", title=Words("Known", "認定"),
        statement=Words("x", "x"), design=Design.PLAIN, honorific=Honorific.NONE, seal="", number_format="{number}",
        signatory_name=Words("x", "x"), signatory_title=Words("x", "x"), hash="0" * 64, origin="test",
        created_at=MORNING, created_by="test",
    )  # fmt: skip
    session.add_all([campaign, terms])
    session.flush()
    team = make_team()
    for place in range(number):
        person = make_person(team=team)
        enrollment = Enrollment(
            code=f"E{person.id:08d}", person=person, plan_id=version.plan_id, version=version, market=cohort.market,
            cohort=cohort, starts_on=START + timedelta(days=chance.choice([0, 0, 2, 9])), enrolled_at=MORNING,
            enrolled_by="test",
        )  # fmt: skip
        session.add(enrollment)
        done = [slug for slug in slugs if chance.random() < 0.6]
        last = MORNING
        for slug in done:
            last = MORNING + timedelta(hours=chance.randint(0, 24 * 12))
            session.add(
                StepCompletion(
                    enrollment=enrollment, step=slugs[slug], completed_at=last, recorded_at=last, due_on=START
                )
            )
        if all(slug in done for slug, step in slugs.items() if step.required):
            enrollment.completed_at = last
        if chance.random() < 0.5:
            session.add(
                Reading(
                    person_id=person.id, version_id=opened.id, opened_at=MORNING,
                    last_opened_at=MORNING + timedelta(hours=chance.randint(0, 24 * 12)),
                )
            )  # fmt: skip
        at = MORNING - timedelta(days=chance.choice([0, 0, 0, 1]))
        for try_no in range(1, chance.randint(0, 4) + 1):
            at += timedelta(hours=chance.randint(1, 90))
            make_attempt(person.id, try_no, at, chance, questions)
        ended = chance.choice([None, None, RequestEnd.CONFIRMED, RequestEnd.LEFT])
        session.add(
            AcknowledgementRequest(
                campaign_id=campaign.id, document_id=opened.document_id, person_id=person.id, asked_at=MORNING,
                asked_as=AskedAs.CURRENT, started_at=MORNING, due_on=START, due_at=MORNING, days=5, dated_at=MORNING,
                closed_as=ended, closed_at=MORNING if ended else None,
            )
        )  # fmt: skip
        if chance.random() < 0.6:
            certificate = Certificate(
                credential_id=terms.credential.id, credential_version_id=terms.id, person_id=person.id,
                enrollment_code=enrollment.code, issue_no=1, series="x", series_no=place + 1, number=f"N-{place}",
                code=new_code(), issued_at=MORNING, issued_on=START, zone="Asia/Tokyo", snapshot={},
                snapshot_sha256="0" * 64,
                expires_on=chance.choice([None, START + timedelta(days=chance.randint(0, 140))]),
                replaced_at=chance.choice([None, None, MORNING]),
            )  # fmt: skip
            session.flush()
            session.add(certificate)
            if chance.random() < 0.2:
                session.flush()
                session.add(
                    CertificateFact(
                        certificate_id=certificate.id, kind=FactKind.REVOKED, at=MORNING, by="a", confirmed_by="b",
                        reason="x",
                    )
                )  # fmt: skip
        if chance.random() < 0.3:
            session.commit()
            first = START + timedelta(days=chance.randint(0, 12))
            with own_transaction():
                calendars.record_leave(person=person, first_on=first, last_on=first + timedelta(days=2), by=person)
    session.commit()


IN_COHORT = "e.cohort_id = :cohort AND e.ended_at IS NULL"
NEWEST = "m.marking_no = (SELECT max(n.marking_no) FROM markings n WHERE n.attempt_id = a.id)"
# The first attempt that was not made void and was begun since the enrollment.
FIRST = """a.state <> 'voided' AND a.started_at >= e.enrolled_at AND a.attempt_no = (
    SELECT min(b.attempt_no) FROM attempts b WHERE b.person_id = a.person_id AND b.quiz_id = a.quiz_id
    AND b.state <> 'voided' AND b.started_at >= e.enrolled_at)"""


def asked(statement: str, **values: Any) -> list[Any]:
    return list(session.execute(text(statement), values))


@pytest.mark.parametrize("seed", range(3))
def test_the_numbers_equal_a_recount_in_plain_sql(cast: Cast, seed: int) -> None:
    cohort, version = make_cohort(cast.admin), make_plan()
    fill(cohort, version, 14, seed)
    with clock.frozen(MORNING + timedelta(days=random.Random(seed).randint(2, 16), hours=1)):
        following, seen = seen_of(cohort)
        now, today = clock.now(), clock.today("Asia/Tokyo")
        asked_in = {"cohort": cohort.id}
        # First tries.
        tried = asked(
            f"""SELECT e.person_id, m.passed FROM enrollments e JOIN attempts a ON a.person_id = e.person_id
            JOIN markings m ON m.attempt_id = a.id AND {NEWEST}
            WHERE {IN_COHORT} AND {FIRST} AND a.state = 'released'""",
            **asked_in,
        )
        (check,) = seen.checks
        assert check.tried == {row.person_id for row in tried}
        assert check.passed == {row.person_id for row in tried if row.passed}
        # What people are asked to confirm.
        states = [
            (row.person_id, row.closed_as)
            for row in asked(
                f"""SELECT r.person_id, r.closed_as FROM acknowledgement_requests r
                JOIN campaigns c ON c.id = r.campaign_id JOIN enrollments e ON e.person_id = r.person_id
                WHERE {IN_COHORT} AND c.closed_at IS NULL AND (r.closed_as IS NULL OR r.closed_as = 'confirmed')""",
                **asked_in,
            )
        ]
        assert seen.coverage.asked == len(states)
        assert seen.coverage.confirmed == sum(state == "confirmed" for _person, state in states)
        assert seen.coverage.missing == {person for person, state in states if state is None}
        # Certificates.
        for days, people in seen.expiring.items():
            rows = asked(
                f"""SELECT DISTINCT c.person_id FROM certificates c JOIN enrollments e ON e.person_id = c.person_id
                WHERE {IN_COHORT} AND c.replaced_at IS NULL AND c.expires_on BETWEEN :today AND :until AND NOT EXISTS
                (SELECT 1 FROM certificate_facts f WHERE f.certificate_id = c.id AND f.kind = 'revoked')""",
                **asked_in,
                today=today.isoformat(),
                until=(today + timedelta(days=days)).isoformat(),
            )
            assert people == {row.person_id for row in rows}
        # Attempts of today.
        begins = datetime.combine(today, datetime.min.time(), clock.zone_info("Asia/Tokyo")).astimezone(UTC)
        rows = asked(
            f"""SELECT a.code FROM attempts a JOIN enrollments e ON e.person_id = a.person_id WHERE {IN_COHORT}
            AND a.state <> 'voided' AND ((a.started_at >= :begins AND a.started_at < :ends)
            OR (a.finished_at >= :begins AND a.finished_at < :ends))""",
            **asked_in,
            begins=_stored(begins),
            ends=_stored(begins + timedelta(days=1)),
        )
        assert {each.code for each in seen.sittings} == {row.code for row in rows}
        # What is done and what was due.
        made = asked(
            f"""SELECT count(*) AS n FROM step_completions d JOIN plan_steps s ON s.id = d.step_id
            JOIN enrollments e ON e.id = d.enrollment_id WHERE {IN_COHORT} AND s.required AND d.completed_at <= :now""",
            **asked_in,
            now=_stored(begins + timedelta(days=1) - timedelta(microseconds=1)),
        )
        by_day = {each.on: each for each in seen.points}
        if today in by_day:
            assert by_day[today].done == made[0].n
        yesterday = by_day.get(today - timedelta(days=1))
        if yesterday is not None:
            due = sum(each.standing.progress.expected for each in following.people if each.standing)
            assert yesterday.expected == due
        # Who is at risk.
        expected = {}
        for each in following.people:
            reasons = _at_risk(each.code, now)
            if reasons:
                expected[each.person_id] = reasons
        assert {each.follower.person_id: _said(each.reasons) for each in seen.at_risk} == expected
        # Clauses.
        figures = {(each.document, each.anchor): each.missed for each in clause_figures(following, viewer_id=0)}
        rows = asked(
            f"""SELECT q.document_slug, q.anchor, e.person_id,
            max(CASE WHEN k.points <> k.max_points THEN 1 ELSE 0 END) AS missed
            FROM enrollments e JOIN attempts a ON a.person_id = e.person_id
            JOIN markings m ON m.attempt_id = a.id AND {NEWEST} JOIN item_marks k ON k.marking_id = m.id
            JOIN items i ON i.id = k.item_id
            JOIN question_citations q ON q.question_version_id = i.question_version_id AND q.tested
            WHERE {IN_COHORT} AND {FIRST} AND a.state = 'released' AND i.on_trial IS NULL AND k.max_points <> '0'
            GROUP BY q.document_slug, q.anchor, e.person_id""",
            **asked_in,
        )
        recount: dict[Any, list[int]] = {}
        for row in rows:
            recount.setdefault((row.document_slug, row.anchor), []).append(row.missed)
        assert {key: (each.asked, each.missed) for key, each in figures.items()} == {
            key: (len(marks), sum(marks)) for key, marks in recount.items() if len(marks) >= 10
        }


def _stored(at: datetime) -> Any:
    """Return the instant as the database holds it."""
    if session.get_bind().dialect.name == "postgresql":
        return at
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


def _said(reasons: Any) -> set[tuple[str, int]]:
    return {(each.risk.value, each.number) for each in reasons}


def _at_risk(code: str, now: datetime) -> set[tuple[str, int]]:
    """Recount one person by hand: her dates as her own page has them, the rest in SQL, days one by one."""
    enrollment = training.get_enrollment(code)
    if enrollment.completed_at is not None:
        return set()
    found = set()
    standing = training.standing_of(enrollment)
    late = sum(standing.statuses[step.slug].is_late for step in standing.steps if step.required)
    if late >= 2:
        found.add(("overdue", late))
    failed = asked(
        f"""SELECT count(*) AS n FROM enrollments e JOIN attempts a ON a.person_id = e.person_id
        JOIN markings m ON m.attempt_id = a.id AND {NEWEST} WHERE e.id = :id AND a.state = 'released'
        AND a.started_at >= e.enrolled_at AND NOT m.passed AND NOT EXISTS (SELECT 1 FROM step_completions d
        JOIN plan_steps s ON s.id = d.step_id WHERE d.enrollment_id = e.id AND s.kind = 'quiz')""",
        id=enrollment.id,
    )[0].n
    if failed >= 2:
        found.add(("failed_tries", failed))
    zone, today = enrollment.market.time_zone, clock.today(enrollment.market.time_zone)
    instants = [
        each.finished_at or each.started_at
        for each in session.query(Attempt).filter(
            Attempt.person_id == enrollment.person_id, Attempt.state != AttemptState.VOIDED
        )
    ]
    instants += [
        each.last_opened_at
        for each in session.query(Reading).filter_by(person_id=enrollment.person_id)
        if each.last_opened_at <= now
    ]
    last = max((clock.local_date(at, zone) for at in instants), default=date.min)
    calendar, idle = working_calendar(enrollment.market, enrollment.person_id), 0
    day = enrollment.starts_on
    while day < today:
        idle += day > last and calendar.is_working_day(day)
        day += timedelta(days=1)
    left = [step for step in standing.steps if step.required and step.slug not in standing.completions]
    # What comes before a step that is not open yet is required in these plans.
    if not any(standing.statuses[step.slug].state is StepState.OPEN for step in left):
        words = [
            clock.local_date(standing.waiting_since(step), zone)
            for step in left
            if step.kind in WITH_A_WORD and standing.statuses[step.slug].state is StepState.WAITING
        ]
        days, day = 0, min(words, default=today) + timedelta(days=1)
        while day < today:
            days += calendar.is_working_day(day)
            day += timedelta(days=1)
        if idle >= 2 and days >= 2:
            found.add(("sign_off", days))
    elif idle >= 2:
        found.add(("idle", idle))
    return found


def test_the_numbers_take_at_most_ten_statements_for_any_number_of_people(cast: Cast) -> None:
    cohort, version = make_cohort(cast.admin), make_plan()
    fill(cohort, version, 5, 1)

    def count() -> int:
        session.expire_all()
        again = session.get_one(Cohort, cohort.id)
        assert again.market.code
        with counted_queries() as statements:
            seen_of(again)
        return len(statements)

    # The first look also reads the holidays, which the process keeps.
    count()
    few = count()
    assert few <= 10
    for _each in range(6):
        make_enrollment(make_person(team=make_team()), version, cast.admin, cohort=cohort)
    assert count() == few


# --- the red list ------------------------------------------------------------------------------


@pytest.fixture
@beginning
def cohort(cast: Cast) -> Any:
    """Two people who have done nothing, the learner with two failed tries."""
    cohort = make_cohort(cast.admin)
    version = make_plan()
    for person in (cast.learner, cast.colleague):
        make_enrollment(person, version, cast.admin, cohort=cohort)
    for _try in range(2):
        release(cast.learner, score="1/2", passed=False)
    return cohort


def rows_of(page: Any) -> list[str]:
    table = page.one("table", **{"aria-labelledby": "at-risk-people"})
    return [" ".join("".join(row.itertext()).split()) for row in table.findall(".//tbody/tr")]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_red_list_says_who_why_since_when_and_what_to_do(cast: Cast, cohort: Any, as_: Any, language: str) -> None:
    with clock.frozen(LATER):
        page = as_(cast.lead, language=language).get("reports.cohort", code=cohort.code)
        enrollment = {each.person_id: training.get_enrollment(each.code) for each in follow(cohort).people}[
            cast.learner.id
        ]
    (row,) = (each for each in rows_of(page) if cast.learner.name_in(language) in each)
    said = {
        "en": ("4 required steps overdue, since 28 Apr", "2 failed tries at “Check of impersonation”, last on 28 Apr",
               "3 working days without activity, last active on 28 Apr", "Give more time", "See the tries",
               "Next one-to-one"),
        "ja": ("必須項目4件が期限超過", "「なりすまし 確認テスト」で不合格2回", "期限を延ばす", "受験結果の確認"),
    }[language]  # fmt: skip
    assert [each for each in said if each not in row] == []
    links = page.links()
    assert f"/training/{enrollment.code}/steps/statement/extension" in links
    assert any(link.startswith("/gradebook/") and cast.learner.code in link for link in links)


def test_every_act_that_is_offered_has_a_page_that_opens(cast: Cast, cohort: Any, as_: Any) -> None:
    with clock.frozen(LATER + timedelta(days=5)):
        browser = as_(cast.lead, language="en")
        page = browser.get("reports.cohort", code=cohort.code)
        table = page.one("table", **{"aria-labelledby": "at-risk-people"})
        links = {link.get("href") for link in table.iter("a")}
        assert len(links) >= 5
        for link in links:
            assert browser.client.get(link).status_code == 200, link


def test_who_only_reads_is_offered_nothing_to_do(cast: Cast, cohort: Any, as_: Any) -> None:
    make_grant(cast.outsider, Role.AUDITOR)
    with clock.frozen(LATER):
        page = as_(cast.outsider, language="en").get("reports.cohort", code=cohort.code)
    assert rows_of(page)
    assert not [link for link in page.links() if link.endswith("/extension")]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_number_leads_to_its_people(cast: Cast, cohort: Any, as_: Any, language: str) -> None:
    release(cast.colleague)
    with clock.frozen(LATER):
        browser = as_(cast.lead, language=language)
        page = browser.get("reports.cohort", code=cohort.code)
        addresses = {link.partition("#")[0] for link in page.links() if "people=first-" in link}
        assert len(addresses) == 1
        narrowed = browser.get("reports.cohort", code=cohort.code, people="first-impersonation")
    names = [
        "".join(row[0].itertext()).strip() for row in narrowed.one("table", class_="matrix").findall(".//tbody/tr")
    ]
    assert len(names) == 1
    assert cast.learner.name_in(language) in names[0]


def test_the_table_is_narrowed_by_name_phase_and_state_and_bad_filters_leave_all(
    cast: Cast, cohort: Any, as_: Any
) -> None:
    browser = as_(cast.lead, language="en")

    def shown(**values: str) -> tuple[int, int]:
        table = browser.get("reports.cohort", code=cohort.code, **values).one("table", class_="matrix")
        return len(table.findall(".//tbody/tr")), len(table.findall(".//thead//th")) - 2

    everything = shown()
    assert everything[0] == 2
    assert shown(q=cast.learner.family_name)[0] in (1, 2)
    assert shown(phase="first") == (2, 2)
    assert shown(people="nobody-knows", phase="nope", page="x") == everything
    page = browser.get("reports.cohort", code=cohort.code, q="nobody of this name")
    assert "Nobody fits this filter" in page.text
    # An address of mail is no name: it is not told to leads.
    assert "Nobody fits this filter" in browser.get("reports.cohort", code=cohort.code, q="portal.example").text


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_session_that_is_overdue_leads_to_it_or_to_where_it_is_planned(cast: Cast, as_: Any, language: str) -> None:
    cohort = make_cohort(cast.admin)
    version = make_plan("circles", None, *CIRCLES, phases=(), credential=None)
    enrollment = make_enrollment(cast.learner, version, cast.admin, cohort=cohort)
    late = datetime(2026, 5, 14, 1, 0, tzinfo=UTC)

    def row() -> Any:
        with clock.frozen(late):
            browser = as_(cast.lead, language=language)
            page = browser.get("reports.cohort", code=cohort.code)
            table = page.one("table", **{"aria-labelledby": "at-risk-people"})
            for link in table.iter("a"):
                assert browser.client.get(link.get("href")).status_code == 200, link.get("href")
            return " ".join("".join(table.itertext()).split()), [link.get("href") for link in table.iter("a")]

    said, links = row()
    assert f"/sessions/new/circles/circle?cohort={cohort.code}" in links
    assert {"en": "Plan a session", "ja": "セッションの計画"}[language] in said
    with clock.frozen(late - timedelta(days=1)):
        planned = plan_session(cast, enrollment, when=replace(AT, on=date(2026, 5, 22)))
    # Until its day nothing more can be done about the step: it is the session that counts.
    said, _links = row()
    assert {"en": "2 required steps overdue", "ja": "必須項目2件が期限超過"}[language] not in said
    # Once it is over, and nobody has said who came, its page is where that is done.
    late = datetime(2026, 5, 25, 1, 0, tzinfo=UTC)
    said, links = row()
    assert f"/sessions/{planned.code}" in links
    assert {"en": "2 required steps overdue", "ja": "必須項目2件が期限超過"}[language] in said


@pytest.mark.parametrize("on", [date(2026, 4, 21), date(2026, 5, 22)])
def test_a_booked_session_says_everywhere_from_which_day_its_step_is_overdue(cast: Cast, as_: Any, on: date) -> None:
    cohort = make_cohort(cast.admin)
    version = make_plan("circles", None, *CIRCLES, phases=(), credential=None)
    enrollment = make_enrollment(cast.learner, version, cast.admin, cohort=cohort)
    due = training.standing_of(enrollment).due_on("circle")
    assert date(2026, 4, 21) < due < date(2026, 5, 22)
    with clock.frozen(MORNING):
        plan_session(cast, enrollment, when=replace(AT, on=on))
    last = max(due, on)
    for day, is_late in ((last, False), (last + timedelta(days=1), True)):
        with clock.frozen(datetime.combine(day, datetime.min.time(), UTC)):
            standing = training.standing_of(training.get_enrollment(enrollment.code))
            assert standing.statuses["circle"].is_late is is_late
            following, seen = seen_of(cohort)
            (follower,) = following.people
            assert follower.standing is not None
            assert follower.standing.progress == standing.progress
            assert ("circle" in [slug for _on, slug in follower.late]) is is_late
            (row,) = report_of(following).rows
            assert row.cells["circle"].status == standing.statuses["circle"]
            assert row.cells["circle"].due_on == last
            by_day = {each.on: each for each in seen.points}
            yesterday = by_day.get(day - timedelta(days=1), seen.points[-1])
            assert yesterday.expected == follower.standing.progress.expected
            changes = changes_of(cohort, following, Week(last, last + timedelta(days=6)), viewer_id=0)
            assert ("circle" in changes.became_overdue.get(cast.learner.id, ())) is is_late
            assert count_heads([cohort.id])[cohort.id].overdue == bool(follower.standing.progress.overdue)


# --- every link opens for whoever sees it ------------------------------------------------------


SEERS = {
    "lead": ((Role.LEAD, Scope.ORGANISATION, ""),),
    "lead of the market": ((Role.LEAD, Scope.MARKET, "JP"),),
    "lead of the team": ((Role.LEAD, Scope.TEAM, "account-safety"),),
    "lead of the cohort": ((Role.LEAD, Scope.COHORT, "jp-2026-04"),),
    "administrator": ((Role.ADMIN, Scope.ORGANISATION, ""),),
    "administrator who leads elsewhere": ((Role.ADMIN, Scope.ORGANISATION, ""), (Role.LEAD, Scope.MARKET, "US")),
    "auditor": ((Role.AUDITOR, Scope.ORGANISATION, ""),),
}
# What the red list offers of that which not everybody may, in English.
OFFERED = ("Open the session", "Plan a session", "Sign off", "See the tries", "Give more time", "Next one-to-one")
ALL_BUT_THE_SESSION = {each for each in OFFERED if each != "Open the session"}


@pytest.fixture
@beginning
def troubles(cast: Cast) -> Any:
    """A cohort of which the red list offers everything; one session is also for somebody of another market."""
    cohort = make_cohort(cast.admin)
    steps = (
        CIRCLES[0],
        StepSpec("show", StepKind.SIGN_OFF, 4, title=Words("Show it", "実演"), by=Doer.LEAD),
        StepSpec("check", StepKind.QUIZ, 5, quiz="impersonation"),
    )
    make_quiz()
    circles = make_plan("circles", None, *steps, phases=(), credential=None)
    show_first = (replace(steps[1], due_days=2), steps[0], steps[2])
    later = make_plan("circles", None, *show_first, phases=(), credential=None, number="2.0")
    first = make_enrollment(cast.learner, circles, cast.admin, cohort=cohort)
    make_enrollment(cast.colleague, circles, cast.admin, cohort=cohort)
    for _each in range(2):
        make_enrollment(make_person(team=make_team()), circles, cast.admin, cohort=cohort)
    for _try in range(2):
        release(cast.learner, score="1/2", passed=False)
    # Two from abroad in the cohort, and somebody abroad with a cohort of her own.
    abroad = make_team("us-safety", make_market("US"))
    for version in (circles, later):
        guest = make_person(team=abroad, market=abroad.market)
        make_enrollment(guest, version, cast.admin, cohort=cohort, market=cohort.market)
        for _try in range(2):
            release(guest, score="1/2", passed=False)
    elsewhere = make_cohort(cast.admin, code="us-2026-04", market=abroad.market, team=abroad)
    other = make_enrollment(make_person(team=abroad, market=abroad.market), circles, cast.admin, cohort=elsewhere)
    head = make_person()
    make_grant(head, Role.LEAD)
    plan_session(cast, first, other, when=replace(AT, on=date(2026, 4, 30)), by=head)
    return cohort


@pytest.mark.parametrize(
    ("seer", "language"),
    at_night([("lead", "ja"), *((each, "en") for each in SEERS)], [(each, "ja") for each in SEERS if each != "lead"]),
)
def test_every_link_of_the_page_opens_for_whoever_sees_it(
    cast: Cast, troubles: Any, as_: Any, seer: str, language: str
) -> None:
    for role, scope, code in SEERS[seer]:
        make_grant(cast.outsider, role, scope, code)
    with clock.frozen(datetime(2026, 5, 14, 1, 0, tzinfo=UTC)):
        browser = as_(cast.outsider, language=language)
        page = browser.get("reports.cohort", code=troubles.code)
        links = {link.get("href").partition("#")[0] for link in page.one("main").iter("a")} - {""}
        assert len(links) > 10
        assert {link: status for link in links if (status := browser.client.get(link).status_code) != 200} == {}
        if language == "ja":
            return
        rows = rows_of(page)
        # Results of people are seen by who leads their market, team or cohort.
        seen = {"lead of the market": 1, "lead of the team": 1, "auditor": 0}.get(seer, 3)
        assert sum("See the tries" in row for row in rows) == seen
        acts = {word for row in rows for word in OFFERED if word in row}
        assert acts == {
            "lead": set(OFFERED),
            "administrator": {"See the tries", "Give more time"},
            # She leads nobody here: what a lead does is none of hers.
            "administrator who leads elsewhere": {"See the tries", "Give more time"},
            "auditor": set(),
        }.get(seer, ALL_BUT_THE_SESSION)


def test_what_the_red_list_asks_before_it_offers_does_not_grow_with_its_people(
    cast: Cast, troubles: Any, as_: Any
) -> None:
    make_grant(cast.outsider, Role.LEAD, Scope.MARKET, "JP")
    version = session.query(PlanVersion).order_by(PlanVersion.id).first()
    with clock.frozen(datetime(2026, 5, 14, 1, 0, tzinfo=UTC)):
        browser = as_(cast.outsider, language="en")

        def count() -> int:
            browser.get("reports.cohort", code=troubles.code, at_risk="all")
            with counted_queries() as statements:
                browser.get("reports.cohort", code=troubles.code, at_risk="all")
            return len(statements)

        few = count()
        for _each in range(6):
            person = make_person(team=make_team())
            with clock.frozen(MORNING):
                make_enrollment(person, version, cast.admin, cohort=troubles)
            for _try in range(2):
                release(person, score="1/2", passed=False)
        assert count() == few


# --- what a lead who learns herself may not learn --------------------------------------------------


def test_a_lead_in_her_own_cohort_learns_nothing_of_her_result_that_its_quiz_keeps(cast: Cast, as_: Any) -> None:
    cohort, version = make_cohort(cast.admin), make_plan()
    make_enrollment(cast.lead, version, cast.admin, cohort=cohort)
    for _try in range(2):
        release(cast.lead, score="1/2", passed=False)
    assert seen_of(cohort, cast.lead.id)[1].checks[0].tried == {cast.lead.id}
    session.execute(update(QuizVersion).values(show=[]))
    session.commit()

    def told(viewer_id: int) -> tuple[int, set[str]]:
        session.expire_all()
        _following, seen = seen_of(cohort, viewer_id)
        reasons = {reason.risk.value for each in seen.at_risk for reason in each.reasons}
        return len(seen.checks[0].tried), reasons & {"failed_tries"}

    assert told(cast.lead.id) == (0, set())
    # Who looks after her sees it.
    assert told(cast.admin.id) == (1, {"failed_tries"})
    page = as_(cast.lead, language="en").get("reports.cohort", code=cohort.code)
    assert "failed tries at “" not in page.text


# --- clauses -----------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_clause_that_four_of_ten_missed_points_at_the_policy_and_leads_to_it(
    cast: Cast, as_: Any, language: str
) -> None:
    cohort, version = make_cohort(cast.admin), make_plan()
    questions = make_questions()[:2]
    people = [make_person(team=make_team()) for _each in range(10)]
    for place, person in enumerate(people):
        make_enrollment(person, version, cast.admin, cohort=cohort)
        attempt = release(person)
        marking = attempt.markings[0]
        # Four miss the first clause, three the second.
        for number, question in enumerate(questions):
            item = Item(
                attempt_id=attempt.id, position=number + 1, question_version_id=question, choice_order={},
                max_points=Fraction(1),
            )  # fmt: skip
            save(item)
            points = Fraction(0) if place < 4 - number else Fraction(1)
            save(ItemMark(marking_id=marking.id, item_id=item.id, points=points, max_points=Fraction(1)))
    page = as_(cast.lead, language=language).get("reports.cohort_clauses", code=cohort.code)
    rows = [
        " ".join("".join(row.itertext()).split())
        for row in page.one("table", **{"aria-labelledby": "clauses"}).findall(".//tbody/tr")
    ]
    points = {"en": "Points at the policy", "ja": "ポリシーの見直しが必要"}[language]
    assert [("4 / 10" in row, "40 %" in row or "40%" in row, points in row) for row in rows] == [
        (True, True, True),
        (False, False, False),
    ]
    assert "/library/impersonation#scope" in page.links()
    # Whoever answers for the document is asked with the figures, in words that the lead can change.
    (ask,) = {link for link in page.links() if "/library/impersonation/question" in link}
    form = as_(cast.lead, language=language).client.get(ask).get_data(as_text=True)
    asked_of = {"en": "4 of 10 people (40 %) missed this clause", "ja": "10名中4名（40%）"}[language]
    assert asked_of in form[form.index("<textarea") : form.index("</textarea>")]
    assert cast.learner.family_name not in ask
    # With one person less nothing is shown of it.
    save_end(people[9])
    page = as_(cast.lead, language=language).get("reports.cohort_clauses", code=cohort.code)
    assert not page.all("table")


def save_end(person: Any) -> None:
    enrollment = session.query(Enrollment).filter_by(person_id=person.id).one()
    enrollment.ended_at, enrollment.ended_by, enrollment.ended_reason = clock.now(), "test", "x"
    session.commit()


# --- the curve and the forecast ----------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_curve_has_its_table_and_the_forecast_waits_for_five_people(
    cast: Cast, cohort: Any, as_: Any, language: str
) -> None:
    with clock.frozen(LATER):
        page = as_(cast.lead, language=language).get("reports.cohort", code=cohort.code)
    figure = page.one("figure", class_="chart")
    assert figure.find(".//table") is not None
    (image,) = (each for each in figure.iter() if each.get("role") == "img")
    said = {"en": "0 of 10 required steps are done", "ja": "必須項目10件のうち0件が完了"}[language]
    assert said in str(image.get("aria-label"))
    least = {
        "en": "A forecast is made from 5 people on; here are 2.",
        "ja": "見通しは5名以上から表示します（現在2名）。",
    }
    assert least[language] in page.text


def test_who_keeps_pace_is_foreseen_for_the_last_date_also_where_that_is_counted_from_an_event(cast: Cast) -> None:
    cohort, version = make_cohort(cast.admin), make_plan_with_exam()
    with own_transaction():
        on = date(2026, 6, 12)
        dates.set_event_of_cohort(cohort=cohort, event=version.events[0], on=on, reason="", by=cast.lead)
    people = [make_person(team=make_team()) for _number in range(5)]
    for person in people:
        make_enrollment(person, version, cast.admin, cohort=cohort)
    # The third working day of the plan: what was due on the first two, and before them, is done.
    with clock.frozen(datetime(2026, 5, 1, 1, 0, tzinfo=UTC)):
        for person in people:
            acknowledge(person, document("exposure"))
            acknowledge(person, document("impersonation"))
        following, seen = seen_of(cohort)
    last = max(max(each.path.due_on.values()) for each in following.people if each.path)
    assert last == date(2026, 6, 15)
    assert seen.forecast is not None
    assert (seen.forecast.foreseen, seen.forecast.early, seen.forecast.late) == (5, last, last)


@pytest.mark.parametrize("due_days", [-1, -2])
def test_who_has_done_nothing_but_what_comes_before_the_first_day_stands_on_it(cast: Cast, due_days: int) -> None:
    version = make_plan(
        "before", None,
        StepSpec("invite", StepKind.ACKNOWLEDGE, due_days, document="exposure"),
        StepSpec("read", StepKind.READ, 3, document="impersonation"),
        phases=(), credential=None,
    )  # fmt: skip
    cohort = make_cohort(cast.admin)
    for _number in range(5):
        person = make_person(team=make_team())
        make_enrollment(person, version, cast.admin, cohort=cohort)
        acknowledge(person, document("exposure"))
    with clock.frozen(datetime(2026, 4, 30, 1, 0, tzinfo=UTC)):
        _following, seen = seen_of(cohort)
    assert seen.forecast is not None
    # One working day is over; three of the plan remain, today among them.
    assert (seen.forecast.foreseen, seen.forecast.middle) == (5, date(2026, 5, 7))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_day_of_the_forecast_that_is_over_is_told_as_done(cast: Cast, cohort: Any, language: str) -> None:
    _following, seen = seen_of(cohort)
    days = [date(2026, 5, 4), date(2026, 5, 7), date(2026, 5, 20)]
    seen = replace(seen, forecast=rules.Forecast(10, 10, *days))
    with force_locale(language):
        ahead, between, over = (
            words.forecast(seen, 10, on) for on in (date(2026, 5, 1), date(2026, 5, 8), date(2026, 6, 1))
        )
    done = {"en": "had completed", "ja": "修了しました"}[language]
    foreseen = {"en": "will have", "ja": "見通し"}[language]
    assert done not in ahead["said"] + ahead["range"]
    assert done in between["said"]
    assert done in between["range"]
    assert foreseen in between["range"]
    assert foreseen not in over["said"] + over["range"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_line_of_today_says_its_day_and_no_other_day_stands_below_it(
    cast: Cast, cohort: Any, language: str
) -> None:
    _following, seen = seen_of(cohort)
    first, last = seen.points[0].on, seen.points[-1].on
    for number in range((last - first).days + 1):
        on = first + timedelta(days=number)
        with force_locale(language):
            drawn = words.curve(seen, on, lambda day: day.isoformat())
        assert drawn is not None
        assert on.isoformat() in drawn["today"]["label"]
        assert all(abs(each["x"] - drawn["today"]["x"]) > 40 for each in drawn["ticks"])
