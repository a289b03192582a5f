"""The transcript: every line with its reason, on the page, in a table and on paper; it outlives the account."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from fractions import Fraction
from typing import Any

import pypdfium2
import pytest

from portal.accounts import queries as accounts
from portal.accounts.service import name_changes, people
from portal.core import clock, jobs
from portal.core.db import session
from portal.core.i18n import Words, lazy_gettext
from portal.core.transaction import own_transaction
from portal.gradebook import queries, service
from portal.gradebook.handlers import printed_of
from portal.gradebook.models import TranscriptFile
from portal.gradebook.rules import EntryKind
from portal.gradebook.service import transcripts
from portal.gradebook.service.rests import Rest
from tests.builders import MORNING, Cast
from tests.certificates.builders import issue
from tests.gradebook.builders import REASON, decide, take, withdraw
from tests.queries import counted_queries
from tests.quizzes.builders import at, make_quiz

WHY = "Question 4 was ambiguous; both answers are accepted."


def _correct(attempt: Any, score: Fraction, *, passed: bool) -> None:
    with own_transaction():
        service.add_result(
            person_id=attempt.person_id,
            quiz_id=attempt.quiz_id,
            attempt_id=attempt.id,
            score=score,
            passed=passed,
            at=at(minutes=5),
            reason=WHY,
        )


def test_a_correction_and_a_withdrawn_decision_stay_beside_what_counts(cast: Cast) -> None:
    version = make_quiz(cast.author)
    _correct(take(cast.learner, version, 0), Fraction(9, 10), passed=True)
    decide(cast.learner, version, (cast.lead, cast.admin), Fraction(1, 2))
    withdraw(cast.learner, version, 1, (cast.lead, cast.admin))
    lines = {line.kind: line for line in transcripts.transcript_of(cast.learner).lines}
    assert {kind: (line.counts, line.is_superseded) for kind, line in lines.items()} == {
        EntryKind.RESULT: (False, True),
        EntryKind.CORRECTION: (True, False),
        EntryKind.OVERRIDE: (False, True),
        EntryKind.WITHDRAWAL: (False, False),
    }
    assert lines[EntryKind.CORRECTION].reason == WHY
    assert (lines[EntryKind.RESULT].version, lines[EntryKind.RESULT].pass_mark) == ("1.0", Fraction(4, 5))


def test_the_pass_mark_and_version_of_then_stay_when_the_quiz_changes(cast: Cast) -> None:
    take(cast.learner, make_quiz(cast.author, wait_hours=0), None)
    version = make_quiz(cast.author, wait_hours=0, number="2.0", pass_mark=Fraction(95, 100))
    take(cast.learner, version, None)
    told = [(line.version, line.pass_mark) for line in transcripts.transcript_of(cast.learner).lines]
    assert told == [("2.0", Fraction(95, 100)), ("1.0", Fraction(4, 5))]


@pytest.mark.parametrize("language", ["en", "ja"])
def test_certificates_stay_listed_after_recertification(cast: Cast, as_: Any, language: str) -> None:
    numbers = []
    for month in range(2):
        with clock.frozen(MORNING + timedelta(days=30 * month)):
            numbers.append(issue(cast.learner).number)
    with clock.frozen(MORNING + timedelta(days=31)):
        found = transcripts.transcript_of(cast.learner).certificates
        assert [(each.number, each.look) for each in found] == [(numbers[1], "valid"), (numbers[0], "superseded")]
        page = as_(cast.learner).get("gradebook.transcript", lang=language)
    for number in numbers:
        assert number in page.text


def test_a_certificate_stands_at_the_line_on_which_it_was_given_and_not_at_its_correction(cast: Cast) -> None:
    with clock.frozen(MORNING):
        attempt = take(cast.learner, make_quiz(cast.author), None)
    _correct(attempt, Fraction(1, 2), passed=False)

    def numbers(minutes: int) -> list[tuple[EntryKind, list[str]]]:
        rest = Rest(
            what=lazy_gettext("Certificate"), title=Words("C", "C"), on=MORNING.date(), number="N-1",
            attempts=frozenset({attempt.code}), given_at=at(minutes=minutes),
        )  # fmt: skip
        session.rollback()
        lines = transcripts.lines_of(queries.list_entries(cast.learner), set(), [rest], as_learner=False)
        return [(line.kind, list(line.certificates)) for line in lines]

    assert numbers(4) == [(EntryKind.CORRECTION, []), (EntryKind.RESULT, ["N-1"])]
    assert numbers(6) == [(EntryKind.CORRECTION, ["N-1"]), (EntryKind.RESULT, [])]


def test_the_table_holds_every_line_and_no_formula(cast: Cast, as_: Any) -> None:
    version = make_quiz(cast.author)
    take(cast.learner, version, None)
    decide(cast.learner, version, (cast.lead, cast.admin), reason="=cmd|' /C calc'!A0 is what she wrote")
    told = as_(cast.lead).fetch("gradebook.transcript_csv", code=cast.learner.code, lang="en").get_data()
    rows = list(csv.reader(io.StringIO(told.decode("utf-8-sig"))))
    assert [row[2] for row in rows[1:]] == ["Exemption", "Result"]
    assert rows[1][8].startswith("'=cmd")
    assert rows[2][4:6] == ["100", "80"]


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_printed_transcript_has_its_heading_and_number_on_every_page(cast: Cast, as_: Any, language: str) -> None:
    with own_transaction():
        cast.learner.family_name, cast.learner.given_name = "勅使河原長宗我部", "さくら子𠮷髙橋﨑"
        cast.learner.deactivated_at = MORNING
    version = make_quiz(cast.author)
    for _number in range(20):
        decide(cast.learner, version, (cast.lead, cast.admin), Fraction(9, 10))
    browser = as_(cast.lead)
    browser.post("gradebook.print_transcript", code=cast.learner.code, lang=language)
    assert not [
        link for link in browser.get("gradebook.transcript_of", code=cast.learner.code).links() if ".pdf" in link
    ]
    jobs.run_due()
    (href,) = [
        link for link in browser.get("gradebook.transcript_of", code=cast.learner.code).links() if ".pdf" in link
    ]
    content = browser.fetch(href).get_data()
    paper = pypdfium2.PdfDocument(content)
    pages = [page.get_textpage().get_text_bounded() for page in paper]
    assert len(pages) > 1
    for number, text in enumerate(pages, start=1):
        assert f"{number} / {len(pages)}" in text
        assert {"en": "Pass mark", "ja": "合格基準"}[language] in text
    assert REASON in " ".join(pages[0].split())
    assert ("勅使河原長宗我部" in pages[0]) or language == "en"
    assert as_(cast.colleague).fetch(href).status_code == 404
    with clock.frozen(clock.now() + transcripts.KEPT + timedelta(minutes=1)), own_transaction():
        transcripts.tidy_files()
    assert session.query(TranscriptFile).count() == 0
    assert browser.fetch(href).status_code == 404


@pytest.mark.parametrize("language", ["en", "ja"])
def test_what_is_printed_carries_the_name_that_somebody_else_stands_for_as_certificates_do(
    cast: Cast, as_: Any, language: str
) -> None:
    decide(cast.learner, make_quiz(cast.author), (cast.lead, cast.admin), Fraction(9, 10))
    former = cast.learner.name_in(language)
    browser = as_(cast.learner, language=language)
    hint = {"en": f"carries the former one, as certificates do: {former}", "ja": f"変更前の氏名（{former}）"}[language]
    assert hint not in browser.get("gradebook.transcript").text
    with own_transaction():
        people.change_own(
            person=cast.learner,
            names=people.Names(
                family_name="新藤", given_name="花", family_kana="シンドウ", given_kana="ハナ",
                family_romaji="Shindo", given_romaji="Hana",
            ),
            language=language,
            time_zone="Asia/Tokyo",
        )  # fmt: skip
        asked = transcripts.order_file(person=cast.learner, language=language, by=cast.learner)
        assert asked is not None
    printed = printed_of(asked)
    assert printed.name == former
    assert "Shindo" not in str(printed)
    assert "シンドウ" not in str(printed)
    assert hint in browser.get("gradebook.transcript").text
    with own_transaction():
        change = accounts.find_open_name_change(cast.learner.id)
        assert change is not None
        name_changes.confirm(change=change, by=cast.lead)
    assert printed_of(asked).name == {"en": "Hana Shindo", "ja": "新藤 花"}[language]
    assert hint not in browser.get("gradebook.transcript").text


def test_the_statements_do_not_grow_with_the_lines(cast: Cast, as_: Any) -> None:
    version, two = make_quiz(cast.author), (cast.lead, cast.admin)
    browser = as_(cast.learner)

    def count() -> int:
        session.expire_all()
        with counted_queries() as statements:
            browser.get("gradebook.transcript")
        return len(statements)

    decide(cast.learner, version, two, Fraction(1))
    count()
    before = count()
    for _number in range(4):
        decide(cast.learner, version, two, Fraction(1))
    take(cast.learner, version, None)
    take(cast.learner, make_quiz(cast.author, slug="second"), None)
    assert count() == before
