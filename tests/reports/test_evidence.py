"""Evidence for a period: totals reconcile with the rows, the same facts give the same bytes, leads export their own."""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any

import openpyxl
import pypdfium2
import pytest
from sqlalchemy import select, text

from portal.accounts.models import Person, Role, Scope
from portal.cohorts.permissions import Reach
from portal.core import clock, jobs
from portal.core.db import session
from portal.core.i18n import force_locale
from portal.core.transaction import own_transaction
from portal.journal.models import JournalEntry
from portal.library.queries import list_document_titles
from portal.reports import rules
from portal.reports.errors import PeriodTooLong, TotalsDiffer
from portal.reports.formats.evidence_sheet import archive_of
from portal.reports.models import ReportFile
from portal.reports.queries import evidence as evidences
from portal.reports.queries.evidence import Evidence, Period
from portal.reports.queries.evidence import Scope as Whose
from portal.reports.queries.files import find_by_hash, get_file, read_content
from portal.reports.rules import FileFormat, PersonFacts, Totals
from portal.reports.service import files
from portal.training.models import StepCompletion
from tests.beginnings import beginning
from tests.builders import Cast, make_grant, make_market, make_person, make_team, save
from tests.queries import counted_queries
from tests.reports.test_cohort import LANGUAGES, MORNING
from tests.reports.test_lead import make_attempt, make_questions
from tests.training.builders import acknowledge, load_holidays, make_documents, make_enrollment, make_plan, make_quiz
from tests.training.test_training import document

LATER = datetime(2026, 6, 10, 3, 0, tzinfo=UTC)
PERIOD = Period(date(2026, 5, 1), date(2026, 5, 31), "Asia/Tokyo")
EVERYBODY = Whose(Reach(True, frozenset(), frozenset(), frozenset()))


@pytest.fixture
@beginning
def _documents(cast: Cast) -> None:
    load_holidays()
    make_documents()


@pytest.fixture(autouse=True)
def _later(_documents: None) -> Iterator[None]:
    with clock.frozen(LATER):
        yield


def fill(cast: Cast, seed: int, people: int = 10) -> list[Person]:
    """Let people of two markets and languages do things by chance, from April to June."""
    chance = random.Random(seed)
    teams = [make_team("tokyo"), make_team("lima", make_market("PE", time_zone="America/Lima"))]
    questions, version = make_questions(), make_plan()
    twice = make_plan("second-plan")
    made = []
    for number in range(people):
        team = chance.choice(teams)
        person = make_person(
            f"p{number}@portal.example", team=team, market=team.market, language=chance.choice(LANGUAGES)
        )
        made.append(person)

        def some_day() -> datetime:
            return MORNING + timedelta(hours=chance.randrange(24 * 43))

        acknowledged = None
        if chance.random() < 0.7:
            with clock.frozen(some_day()):
                acknowledged = acknowledge(person, document("exposure"))
        for plan in (version, twice) if chance.random() < 0.4 else (version,):
            enrollment = make_enrollment(person, plan, cast.admin, market=team.market)
            done = session.scalars(
                select(StepCompletion.step_id).where(StepCompletion.enrollment_id == enrollment.id)
            ).all()
            for step in plan.steps:
                if step.id not in done and chance.random() < 0.5:
                    at = some_day()
                    save(StepCompletion(enrollment=enrollment, step=step, completed_at=at, recorded_at=at))
        for attempt in range(chance.randrange(3)):
            make_attempt(person.id, attempt + 1, some_day(), chance, questions)
        assert acknowledged is None or acknowledged.person_id == person.id
    session.commit()
    return made


def found(whose: Whose = EVERYBODY, period: Period = PERIOD, viewer_id: int = 0) -> Evidence:
    """Return the evidence of May."""
    return evidences.evidence(period, whose, viewer_id=viewer_id)


def counted(statement: str, **values: Any) -> int:
    """Count in plain SQL, between the first and the last instant of May in Tokyo."""
    bounds: dict[str, Any] = {"a": datetime(2026, 4, 30, 15, tzinfo=UTC), "b": datetime(2026, 5, 31, 15, tzinfo=UTC)}
    if session.get_bind().dialect.name == "sqlite":
        bounds = {key: f"{at:%Y-%m-%d %H:%M:%S.%f}" for key, at in bounds.items()}
    return int(session.execute(text(statement), bounds | values).scalar_one() or 0)


# --- Totals ------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
def test_totals_equal_the_rows_and_a_recount_in_plain_sql(cast: Cast, seed: int) -> None:
    fill(cast, seed)
    told = found()
    assert told.reconciles
    total = rules.total(told.facts.values())
    assert sum(rules.totals_by(told.facts.values()).values(), Totals()) == total
    assert total.people == counted("select count(*) from people")
    assert total.acknowledged == counted("select count(*) from acknowledgements where at >= :a and at < :b")
    once = (
        "from step_completions s join plan_steps p on p.id = s.step_id where s.completed_at >= :a"
        " and s.completed_at < :b and s.recognised_id is null and not exists"
        " (select 1 from step_completions o where o.id < s.id and"
        " (o.acknowledgement_id = s.acknowledgement_id or o.attempt_code = s.attempt_code))"
    )
    assert total.steps == counted(f"select count(*) {once}")
    assert total.planned_minutes == counted(f"select sum(p.minutes) {once}")
    handed_in = (
        "from attempts t where t.finished_at >= :a and t.finished_at < :b and t.state not in ('in_progress', 'voided')"
    )
    assert len(told.sittings) == counted(f"select count(*) {handed_in}")
    # Each was sat for nine minutes.
    assert total.measured_minutes == 9 * len(told.sittings)
    for passed, number in ((True, total.first_passed), (False, total.first_failed)):
        assert number == counted(
            f"select count(*) {handed_in} and t.state = 'released' and not exists (select 1 from attempts e where"
            " e.person_id = t.person_id and e.quiz_id = t.quiz_id and e.attempt_no < t.attempt_no and"
            " e.state <> 'voided') and (select m.passed from markings m where m.attempt_id = t.id"
            " order by m.marking_no desc limit 1) = :passed",
            passed=passed,
        )


def test_each_market_and_language_has_the_sum_of_its_people(cast: Cast) -> None:
    fill(cast, 7)
    facts = list(found().facts.values())
    for (market, language), totals in rules.totals_by(facts).items():
        mine = [row for row in facts if (row.market, row.language) == (market, language)]
        assert totals.planned_minutes == sum(row.planned_minutes for row in mine)
        assert totals.people == len(mine)


def test_a_step_that_one_acknowledgement_completed_in_two_plans_counts_once(cast: Cast) -> None:
    with clock.frozen(datetime(2026, 5, 4, tzinfo=UTC)):
        make_enrollment(cast.learner, make_plan(), cast.admin)
        make_enrollment(cast.learner, make_plan("second-plan"), cast.admin)
        acknowledge(cast.learner, document("exposure"))
    assert session.query(StepCompletion).filter(StepCompletion.acknowledgement_id.is_not(None)).count() == 2
    assert found().facts[cast.learner.id].steps == 1


def test_what_the_viewers_own_quizzes_keep_from_her_is_left_out(cast: Cast) -> None:
    make_attempt(cast.admin.id, 1, datetime(2026, 5, 4, tzinfo=UTC), random.Random(3), make_questions())
    quiz = make_quiz()
    for table, column in (("attempts", "state = 'released'"), ("quiz_versions", "show = '[]'")):
        session.execute(text(f"update {table} set {column} where id in (select max(id) from {table})"))
    session.commit()
    assert quiz.id
    others, own = found(), found(viewer_id=cast.admin.id)
    assert [row.passed is None for row in own.sittings] == [True]
    assert others.rows == own.rows


def test_whoever_had_no_account_in_the_period_is_left_out_unless_she_did_something(cast: Cast) -> None:
    gone = make_person("gone@portal.example", deactivated_at=datetime(2026, 4, 1, tzinfo=UTC))
    new = make_person("new@portal.example", created_at=datetime(2026, 6, 2, tzinfo=UTC))
    assert not {gone.id, new.id} & found().facts.keys()
    with clock.frozen(datetime(2026, 5, 4, tzinfo=UTC)):
        acknowledge(gone, document("exposure"))
    assert found().facts[gone.id] == PersonFacts("JP", gone.language, acknowledged=1)
    assert found().reconciles


def test_a_period_is_whole_days_in_its_zone(cast: Cast) -> None:
    # The last second of May in Tokyo, and the first of June.
    for number, at in enumerate((datetime(2026, 5, 31, 14, 59, 59), datetime(2026, 5, 31, 15))):
        with clock.frozen(at.replace(tzinfo=UTC)):
            acknowledge([cast.learner, cast.colleague][number], document("exposure"))
    assert [row.person_id for row in found().confirmed] == [cast.learner.id]
    assert found(period=Period(PERIOD.first, PERIOD.last, "UTC")).rows.acknowledged == 2


def test_the_statements_do_not_grow_with_the_people(cast: Cast) -> None:
    fill(cast, 1, people=4)
    with counted_queries() as few:
        found()
    for number in range(6):
        person = make_person(f"more{number}@portal.example")
        with clock.frozen(datetime(2026, 5, 4, tzinfo=UTC)):
            acknowledge(person, document("exposure"))
    session.expire_all()
    with counted_queries() as many:
        found()
    assert len(few) == len(many) <= 12


# --- Who ---------------------------------------------------------------------------------------


def test_a_lead_exports_her_own_people_and_nobody_else(cast: Cast, as_: Any) -> None:
    people = fill(cast, 2)
    lead = make_person("tokyo.lead@portal.example", language="en")
    make_grant(lead, Role.LEAD, Scope.TEAM, "tokyo")
    mine = {person.id for person in people if person.team and person.team.code == "tokyo"}
    assert set(found(Whose(files.reach_over_evidence(lead))).facts) == mine
    # Asking for another market finds nobody; it is not offered either.
    asked = {"first": "2026-05-01", "last": "2026-05-31", "market": "PE", "team": ""}
    assert as_(lead).get("reports.evidence", expect=400, **asked).status == 400
    sheet = files.evidence_of(asked, lead)
    assert sheet.total.people == 0
    page = as_(lead, language="en").get("reports.evidence", **(asked | {"market": ""}))
    assert f"the people whom {lead.name_in('en')} leads" in page.text


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("2026-05-02", "2026-05-01"),
        ("2026-05-01", "2026-06-11"),
        ("2020-01-01", "2026-05-01"),
        ("", ""),
        ("x", "2026-05-01"),
    ],
)
def test_a_period_that_is_none_is_refused_in_words(cast: Cast, as_: Any, first: str, last: str) -> None:
    client = as_(cast.admin, language="en")
    page = client.get("reports.evidence", expect=400, first=first, last=last)
    assert page.all("div", class_="field__error")
    refused = client.post(
        "reports.export_evidence", {"first": first, "last": last, "kind": "pdf", "encoding": "utf-8-sig"}, expect=400
    )
    assert refused.all("div", class_="field__error")
    assert session.query(ReportFile).count() == 0


def test_full_width_digits_and_slashes_are_taken(cast: Cast, as_: Any) -> None:
    page = as_(cast.admin, language="ja").get("reports.evidence", first="２０２６／０５／０１", last="2026-05-31")
    assert "2026年5月1日" in page.text


# --- Files -------------------------------------------------------------------------------------


def ask(by: Person, kind: FileFormat, language: str = "en", encoding: Any = "utf-8-sig") -> ReportFile:
    """Ask for the evidence of May, and let the job make it."""
    with own_transaction():
        file = files.ask_evidence(
            first=PERIOD.first, last=PERIOD.last, market="", team="", kind=kind, encoding=encoding, language=language,
            by=by,
        )  # fmt: skip
        owed = jobs.find_job(files.making_key(file))
        assert owed is not None
        number, code = owed.id, file.code
    assert jobs.run_job(number)
    return get_file(code)


def content_of(file: ReportFile) -> bytes:
    """Return the bytes of a file."""
    content = read_content(file)
    assert content is not None
    return content


@pytest.mark.parametrize("kind", list(FileFormat))
def test_the_same_facts_give_the_same_bytes_whenever_the_file_is_made(cast: Cast, kind: FileFormat) -> None:
    fill(cast, 5, people=5)
    first = ask(cast.admin, kind)
    with clock.frozen(LATER + timedelta(days=3)):
        again = ask(cast.admin, kind)
    assert content_of(first) == content_of(again)
    assert first.sha256 == again.sha256 == sha256(content_of(first)).hexdigest()
    # Another fact, another file.
    with clock.frozen(datetime(2026, 5, 30, tzinfo=UTC)):
        acknowledge(cast.colleague, document("exposure"))
    assert ask(cast.admin, kind).sha256 != first.sha256


def test_the_hash_of_a_file_stands_in_the_journal(cast: Cast, as_: Any) -> None:
    file = ask(cast.admin, FileFormat.XLSX)
    entry = session.scalars(select(JournalEntry).where(JournalEntry.action == "reports.evidence_made")).one()
    assert entry.after is not None
    assert entry.after["sha256"] == file.sha256
    assert entry.actor_code == cast.admin.code
    assert [each.code for each in find_by_hash(str(file.sha256))] == [file.code]
    shown = as_(cast.admin, language="en").get("journal.list_entries")
    assert str(file.sha256) in shown.text


def test_the_workbook_says_what_the_rows_say_and_no_cell_is_a_formula(cast: Cast, as_: Any) -> None:
    fill(cast, 3)
    person = make_person("danger@portal.example", shown_as="＝HYPERLINK(1)")
    with clock.frozen(datetime(2026, 5, 4, tzinfo=UTC)):
        acknowledge(person, document("exposure"))
    told = found()
    book = openpyxl.load_workbook(io.BytesIO(content_of(ask(cast.admin, FileFormat.XLSX))))
    totals = list(book["Totals"].iter_rows(min_row=2, values_only=True))
    assert sum(row[4] for row in totals[:-1]) == totals[-1][4] == rules.total(told.facts.values()).planned_minutes
    people = list(book["People"].iter_rows(min_row=2, values_only=True))
    assert sum(row[5] for row in people) == totals[-1][4]
    assert sum(row[7] for row in book["Steps"].iter_rows(min_row=2, values_only=True)) == totals[-1][4]
    assert len(list(book["Policy versions"].iter_rows(min_row=2))) == totals[-1][9]
    cells = [cell for sheet in book.worksheets for row in sheet.iter_rows() for cell in row]
    assert not any(cell.data_type == "f" for cell in cells)
    assert any(cell.value == "＝HYPERLINK(1)" and cell.quotePrefix for cell in cells)


@pytest.mark.parametrize("language", LANGUAGES)
def test_files_name_documents_plans_and_kinds_in_their_language(cast: Cast, as_: Any, language: str) -> None:
    version = make_plan()
    with clock.frozen(datetime(2026, 5, 4, tzinfo=UTC)):
        make_enrollment(cast.learner, version, cast.admin)
        acknowledge(cast.learner, document("exposure"))
    title = list_document_titles(["exposure"], language)["exposure"]
    book = openpyxl.load_workbook(io.BytesIO(content_of(ask(cast.admin, FileFormat.XLSX, language))))
    totals, steps, versions = (
        list(book.worksheets[number].iter_rows(min_row=2, values_only=True)) for number in (1, 3, 5)
    )
    assert totals[0][2:4] == versions[0][2:4] == (title, "exposure")
    kind = {"en": "Confirmation", "ja": "確認"}[language]
    assert steps[0][2:5] == (version.title.in_(language), "first-days", kind)
    page = as_(cast.admin, language=language).get("reports.evidence", first="2026-05-01", last="2026-05-31")
    assert title in page.text
    pdf = pypdfium2.PdfDocument(content_of(ask(cast.admin, FileFormat.PDF, language)))
    assert title in "".join(each.get_textpage().get_text_range() for each in pdf)


@pytest.mark.parametrize("language", LANGUAGES)
def test_shift_jis_loses_nothing_of_the_products_own_words(cast: Cast, language: str) -> None:
    fill(cast, 3)
    with force_locale(language):
        asked = {"first": "2026-05-01", "last": "2026-05-31", "market": "JP", "team": "tokyo"}
        _content, lost = archive_of(files.evidence_of(asked, cast.admin), "cp932")
    assert lost == []


def test_shift_jis_lists_what_it_loses_before_the_file_is_handed_out(cast: Cast, as_: Any) -> None:
    make_person("rare@portal.example", family_name="𠮷田", given_name="髙", family_kana="ヨシダ")
    file = ask(cast.admin, FileFormat.CSV, "ja", "cp932")
    page = as_(cast.admin, language="ja").get("reports.file", code=file.code)
    for said in ("𠮷", "U+20BB7", "〓", "𠮷田 髙"):
        assert said in page.text
    primary = page.one("a", class_="button--primary")
    assert "/evidence?" in primary.get("href", "")
    with zipfile.ZipFile(io.BytesIO(content_of(file))) as archive:
        texts = [archive.read(name).decode("cp932") for name in archive.namelist()]
    assert any("〓田 髙" in each for each in texts)
    # In UTF-8 nothing is lost, and nothing is listed.
    plain = ask(cast.admin, FileFormat.CSV, "ja")
    assert plain.losses == []
    with zipfile.ZipFile(io.BytesIO(content_of(plain))) as archive:
        assert any("𠮷田 髙" in archive.read(name).decode("utf-8-sig") for name in archive.namelist())


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_summary_on_paper_has_the_totals_of_the_page(cast: Cast, as_: Any, language: str) -> None:
    fill(cast, 4)
    total = rules.total(found().facts.values())
    pages = pypdfium2.PdfDocument(content_of(ask(cast.admin, FileFormat.PDF, language)))
    words = " ".join(page.get_textpage().get_text_range() for page in pages)
    hours = f"{total.planned_minutes // 60}:{total.planned_minutes % 60:02d}"
    assert hours in words
    shown = as_(cast.admin, language=language).get("reports.evidence", first="2026-05-01", last="2026-05-31")
    assert hours in shown.text


def test_a_file_whose_totals_do_not_agree_is_not_made(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(cast, 1, people=4)
    right = evidences.recount(PERIOD, EVERYBODY)
    monkeypatch.setattr(evidences, "recount", lambda period, scope: evidences.Counts(right.people + 1, *([0] * 5)))
    with pytest.raises(TotalsDiffer):
        files.evidence_of({"first": "2026-05-01", "last": "2026-05-31", "market": "", "team": ""}, cast.admin)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_period_has_at_most_five_years_and_the_form_says_so(cast: Cast, as_: Any, language: str) -> None:
    with pytest.raises(PeriodTooLong):
        files.period_of(date(2020, 2, 29), date(2025, 3, 1), "")
    files.period_of(date(2020, 2, 29), date(2025, 2, 28), "")
    files.period_of(date(2021, 6, 10), date(2026, 6, 10), "")
    client = as_(cast.admin, language=language)
    page = client.get("reports.evidence", expect=400, first="2021-01-01", last="2026-01-02")
    help_text = {"en": "a period has at most 5 years", "ja": "期間は最長5年です。"}[language]
    assert help_text in client.get("reports.evidence").text
    (error,) = page.all("div", class_="field__error")
    assert {"en": "at most 5 years", "ja": "最長5年"}[language] in "".join(error.itertext())
    assert files.period_of(PERIOD.first, PERIOD.last, "JP").zone == "Asia/Tokyo"


def test_a_file_can_be_compared_with_what_was_exported(cast: Cast, as_: Any) -> None:
    file = ask(cast.admin, FileFormat.XLSX)
    client = as_(cast.admin, language="en")
    known = client.get("reports.evidence", sha256=str(file.sha256).upper())
    assert "was made here and is unchanged" in known.text
    assert files.filename_of(file) in known.text
    assert "No export has this hash" in client.get("reports.evidence", sha256="0" * 64).text
    wrong = client.get("reports.evidence", expect=400, sha256="abc")
    assert wrong.one("input", name="sha256").get("value") == "abc"
    assert wrong.all("div", class_="field__error")
