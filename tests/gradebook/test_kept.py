"""A pass that was kept says why, certificates stand at what earned them, and requests come before a second person."""

from __future__ import annotations

import csv
import io
import time
from datetime import date
from fractions import Fraction
from typing import Any

import pytest
from flask import Flask

from portal.accounts import queries as people
from portal.accounts.models import Role
from portal.core import clock, jobs
from portal.core.db import session
from portal.core.i18n import Words
from portal.core.i18n import lazy_gettext as _l
from portal.core.transaction import own_transaction
from portal.gradebook import handlers, queries
from portal.gradebook.queries import transcripts as looked_up
from portal.gradebook.rules import EntryKind
from portal.gradebook.service import transcripts
from portal.gradebook.service.rests import Rest
from portal.quizzes.models import RegradeKind
from tests.builders import MORNING, Cast, make_grant, make_person
from tests.gradebook.builders import REASON, ask, decide
from tests.quizzes.builders import make_quiz
from tests.quizzes.crowd import at_once
from tests.quizzes.marking import make_marked_quiz, sit
from tests.quizzes.test_regrades import regrade

KEPT = {
    "en": "Passed before the correction; a pass that was reached is kept.",
    "ja": "訂正前に合格しており、一度得た合格は維持されます。",
}


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_pass_that_was_kept_says_why_wherever_it_stands(cast: Cast, as_: Any, language: str) -> None:
    with clock.frozen(MORNING):
        sit(cast.learner, make_marked_quiz(cast.author, pass_mark=Fraction(1, 2)), right=2, text="")
        regrade(cast, "two")
        (kept, before) = transcripts.transcript_of(cast.learner).lines
        assert (kept.is_kept, kept.passed, before.is_kept) == (True, True, False)
        slug = "impersonation"
        for browser, endpoint, values in (
            (as_(cast.learner), "gradebook.transcript", {}),
            (as_(cast.lead), "gradebook.transcript_of", {"code": cast.learner.code}),
            (as_(cast.lead), "gradebook.result", {"slug": slug, "code": cast.learner.code}),
            (as_(cast.lead), "gradebook.table", {}),
            (as_(cast.lead), "gradebook.quiz", {"slug": slug}),
        ):
            assert KEPT[language] in browser.get(endpoint, **values, lang=language).text, endpoint
        told = as_(cast.learner).fetch("gradebook.transcript_csv", code=cast.learner.code, lang=language)
        assert KEPT[language] in told.get_data(as_text=True)
        told = as_(cast.lead).fetch("gradebook.table_csv", lang=language).get_data(as_text=True)
        assert {"en": "Passed (kept after a correction)", "ja": "合格（訂正後も維持）"}[language] in told


def test_only_the_line_that_earned_a_certificate_carries_its_number(cast: Cast) -> None:
    with clock.frozen(MORNING):
        attempt = sit(cast.learner, make_marked_quiz(cast.author, pass_mark=Fraction(1, 2)), right=1, text="")
        regrade(cast, "two", RegradeKind.FULL)
    rest = Rest(
        _l("Certificate"), Words("a", "a"), date(2026, 4, 1), frozenset([attempt.code]), number="N-1",
        is_certificate=True,
    )  # fmt: skip
    lines = transcripts.lines_of(queries.list_entries(cast.learner), set(), [rest], as_learner=False)
    assert [(line.passed, list(line.certificates)) for line in lines] == [(True, ["N-1"]), (False, [])]


def test_a_request_stands_on_the_today_of_whoever_may_confirm_it(cast: Cast, as_: Any) -> None:
    second = make_person("second@portal.example", language="en")
    make_grant(second, Role.ADMIN)
    ask(cast.learner, make_quiz(cast.author), cast.lead)
    title = "Results that wait for a second person"
    assert title not in as_(cast.lead).get("training.today", lang="en").text
    page = as_(second).get("training.today", lang="en")
    assert title in page.text
    assert f"/gradebook/impersonation/{cast.learner.code}" in page.links()
    assert "もう1人の確定を待つ結果" in as_(second).get("training.today", lang="ja").text


@pytest.mark.parametrize("language", ["en", "ja"])
def test_an_exemption_takes_no_score_and_says_so(cast: Cast, as_: Any, language: str) -> None:
    version = make_quiz(cast.author)
    form = {
        "wish": "exemption",
        "score": "85",
        "reason": REASON if language == "en" else "紙で受験したため、得点を入力します。",
    }
    place = {"slug": version.quiz.slug, "code": cast.learner.code}
    page = as_(cast.lead).post("gradebook.decide", form, **place, lang=language, expect=400)
    said = {"en": "An exemption has no score.", "ja": "免除には得点率がありません。"}[language]
    assert said in page.text
    assert page.one("input", name="score").get("value") == "85"


def test_an_exemption_is_told_in_the_table_as_on_the_page(cast: Cast, as_: Any) -> None:
    decide(cast.learner, make_quiz(cast.author), (cast.lead, cast.admin))
    told = as_(cast.learner).fetch("gradebook.transcript_csv", code=cast.learner.code, lang="en").get_data()
    (_header, row) = list(csv.reader(io.StringIO(told.decode("utf-8-sig"))))
    assert (row[2], row[6]) == ("Exemption", "Exempt")
    assert transcripts.transcript_of(cast.learner).lines[0].kind is EntryKind.EXEMPTION


def test_one_pdf_of_a_transcript_is_made_at_a_time(cast: Cast, as_: Any) -> None:
    decide(cast.learner, make_quiz(cast.author), (cast.lead, cast.admin))
    browser = as_(cast.learner)
    for _click in range(3):
        browser.post("gradebook.print_transcript", code=cast.learner.code, lang="en")
    assert len(transcripts.list_files(cast.learner)) == 1
    page = browser.get("gradebook.transcript", lang="en")
    assert "The PDF is being created." in page.text
    assert not [each for each in page.all("button") if "Create a PDF" in "".join(each.itertext())]
    browser.post("gradebook.print_transcript", code=cast.learner.code, lang="ja")
    assert len(transcripts.list_files(cast.learner)) == 2
    with clock.frozen(clock.now() + transcripts.MADE_WITHIN):
        browser.post("gradebook.print_transcript", code=cast.learner.code, lang="en")
        assert len(transcripts.list_files(cast.learner)) == 3


@pytest.mark.races
def test_of_those_who_ask_for_the_same_pdf_at_the_same_moment_one_has_it_made(
    app: Flask, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    decide(cast.learner, make_quiz(cast.author), (cast.lead, cast.admin))
    original, code = transcripts.is_being_made, cast.learner.code

    def looks_and_waits(files: Any, language: str) -> bool:
        found = original(files, language)
        time.sleep(0.3)
        return found

    monkeypatch.setattr(transcripts, "is_being_made", looks_and_waits)

    def work(_number: int) -> bool:
        with own_transaction():
            person = people.get_person(code)
            return transcripts.order_file(person=person, language="en", by=person) is not None

    assert sorted(at_once(app, work, 3)) == [False, False, True]
    assert len(transcripts.list_files(people.get_person(code))) == 1


@pytest.mark.races
def test_pdfs_that_are_made_at_the_same_moment_are_those_that_are_made_alone(app: Flask, cast: Cast) -> None:
    with clock.frozen(MORNING):
        decide(cast.learner, make_quiz(cast.author), (cast.lead, cast.admin))
        codes = []
        with own_transaction():
            for language in ("en", "ja"):
                ordered = transcripts.order_file(person=cast.learner, language=language, by=cast.learner)
                assert ordered is not None
                codes.append(ordered.code)
        alone = []
        for code in codes:
            file = looked_up.find_file(code)
            assert file is not None
            alone.append(handlers._printing(handlers.printed_of(file))().content)
        rows = [jobs.find_job(f"{transcripts.JOB}:{code}") for code in codes]
        ids = [row.id for row in rows if row is not None]

        def work(number: int) -> bool:
            with clock.frozen(MORNING):
                return jobs.run_job(ids[number % 2])

        # Two workers for each, as where a queue hands a job out twice.
        at_once(app, work, 4)
        session.rollback()
        session.expire_all()
        made = [looked_up.get_file(cast.learner, code).content for code in codes]
        assert made == alone
