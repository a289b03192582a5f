"""Files of a bank's questions: what they cannot hold is shown before they are saved, and they come in again."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from openpyxl import load_workbook
from werkzeug.test import TestResponse

from portal.core import jobs
from portal.core.db import session
from portal.core.i18n import Words
from portal.journal.queries import list_entries_about
from portal.quizzes import limits
from portal.quizzes.formats import foreign
from portal.quizzes.formats.markdown import BankQuestion
from portal.quizzes.models import QuestionExport
from portal.quizzes.queries import files
from portal.quizzes.service import giving_out as service
from tests.beginnings import beginning
from tests.builders import Cast
from tests.page_client import Page, PageClient
from tests.queries import counted_queries
from tests.quizzes.builders import make_bank, make_content

NAMES = [name for name in foreign.NAMES if name != "aiken"]


@pytest.fixture
@beginning
def _bank(cast: Cast) -> None:
    make_bank(cast.author)


@pytest.fixture
def author(as_: Callable[..., PageClient], cast: Cast, _bank: None) -> PageClient:
    """An author's browser, and a bank of eight questions."""
    limits.files.clear()
    return as_(cast.author, language="en")


def asked(client: PageClient, name: str, **form: str) -> str:
    """Ask for a file; return its code."""
    fields = {"format": name, "language": "en", "state": "", "type": "", "tag": ""} | form
    answer = client.post("quizzes.ask_for_file", fields, slug="impersonation")
    assert isinstance(answer, TestResponse)
    return answer.headers["Location"].rpartition("/")[2]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_bank_goes_out_in_every_format_and_comes_in_again(author: PageClient, name: str, language: str) -> None:
    code = asked(author, name, language=language)
    page = author.get("quizzes.look_at_export", code=code)
    other = "Japanese" if language == "en" else "English"
    assert f"its {other} text" in page.text
    made = files.get_export(code)
    answer = author.fetch("quizzes.save_export", code=code)
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="impersonation-')
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"
    reading = foreign.read_file(name, answer.data)
    assert (len(reading.questions), reading.refused) == (made.written, ())
    assert made.written + len({loss[0] for loss in made.losses if loss[4]}) == made.asked == 8


def test_what_a_format_cannot_hold_is_shown_before_the_file_is_saved(author: PageClient) -> None:
    page = author.get("quizzes.look_at_export", code=asked(author, "gift"))
    assert "2 questions cannot be written in this format and are not in the file." in page.text
    assert "the clauses that it cites" in page.text
    assert "its difficulty" in page.text
    assert "Save the file" in page.text


def test_only_the_questions_that_are_asked_for_go_out(author: PageClient) -> None:
    for form, number in (
        ({"type": "true_false"}, 2),
        ({"tag": "labels"}, 4),
        ({"state": "live"}, 8),
        ({"state": "draft"}, 0),
    ):
        made = files.get_export(asked(author, "moodle-xml", **form))
        assert made.asked == number
        page = author.get("quizzes.look_at_export", code=made.code)
        assert ("No question of the bank is like this" in page.text) == (number == 0)


def test_what_is_not_offered_is_refused(author: PageClient) -> None:
    for form in ({"format": "docx"}, {"language": "fr"}, {"state": "lost"}, {"tag": "no-such"}):
        fields = {"format": "gift", "language": "en", "state": "", "type": "", "tag": ""} | form
        page = author.post("quizzes.ask_for_file", fields, slug="impersonation", expect=400)
        assert isinstance(page, Page)


def test_many_questions_are_written_by_the_worker(author: PageClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "AT_ONCE", 5)
    code = asked(author, "moodle-xml")
    page = author.get("quizzes.look_at_export", code=code)
    assert "Making the file" in page.text
    assert author.fetch("quizzes.save_export", code=code).status_code == 404
    assert author.fetch("quizzes.export_progress", code=code, accept="application/json").get_json()["state"] == "queued"
    jobs.run_due()
    assert author.fetch("quizzes.export_progress", code=code, accept="application/json").get_json()["state"] == "done"
    assert "Save the file" in author.get("quizzes.look_at_export", code=code).text
    assert author.fetch("quizzes.save_export", code=code).status_code == 200


def test_the_same_form_makes_one_file(author: PageClient) -> None:
    fields = {"format": "gift", "language": "en", "state": "", "type": "", "tag": "", "form_key": "cd" * 8}
    places = {
        author.post("quizzes.ask_for_file", fields, slug="impersonation").headers["Location"] for _time in range(2)
    }  # type: ignore[union-attr]
    assert len(places) == 1
    assert session.query(QuestionExport).count() == 1


@pytest.mark.parametrize("name", ["csv", "xlsx"])
def test_no_cell_of_a_table_is_a_formula(as_: Callable[..., PageClient], cast: Cast, name: str) -> None:
    limits.files.clear()
    evil = make_content(0, stem=Words("=HYPERLINK(1)", "＝HYPERLINK(1)"), title=Words("@SUM(A1)", "+1"), rationale=None)
    make_bank(cast.author, questions=(BankQuestion("imp-000", evil),))
    client = as_(cast.author, language="en")
    for language in ("en", "ja"):
        data = client.fetch("quizzes.save_export", code=asked(client, name, language=language)).data
        if name == "csv":
            cells = [cell for line in data.decode("utf-8-sig").splitlines() for cell in line.split(",")]
        else:
            (sheet,) = load_workbook(io.BytesIO(data)).worksheets
            found = [cell for row in sheet.iter_rows() for cell in row]
            assert not any(cell.data_type == "f" for cell in found)
            # A workbook marks a text as such beside it, and leaves the text as it is.
            cells = [str(cell.value or "") for cell in found if not cell.quotePrefix]
        assert not [cell for cell in cells if cell[:1] in tuple("=+-@＝＋－＠")]
        (question,) = foreign.read_file(name, data).questions
        assert question.stem == evil.stem.in_(language)


def test_who_approves_may_have_a_file_and_a_learner_may_not(
    author: PageClient, as_: Callable[..., PageClient], cast: Cast
) -> None:
    code = asked(author, "gift")
    assert as_(cast.approver).fetch("quizzes.save_export", code=code).status_code == 200
    for person in (cast.learner, cast.lead):
        for endpoint in ("quizzes.save_export", "quizzes.look_at_export", "quizzes.export_progress"):
            assert as_(person).fetch(endpoint, code=code).status_code in (403, 404)


def test_the_journal_says_who_asked_for_which_file(author: PageClient) -> None:
    asked(author, "gift", language="ja")
    entries = [
        each for each in list_entries_about("question_bank", "impersonation") if each.action == "quizzes.file_asked_for"
    ]
    assert [entry.after for entry in entries] == [{"format": "gift", "language": "ja", "number": 8}]


def test_the_page_of_a_file_asks_as_many_questions_whatever_is_lost(author: PageClient, cast: Cast) -> None:
    def statements(kind: str) -> int:
        code = asked(author, "gift", type=kind)
        with counted_queries() as seen:
            author.get("quizzes.look_at_export", code=code)
        return len(seen)

    assert statements("single_choice") == statements("")


def test_the_pages_are_there_in_japanese(as_: Callable[..., PageClient], cast: Cast) -> None:
    limits.files.clear()
    make_bank(cast.author)
    client = as_(cast.author, language="ja")
    client.get("quizzes.choose_format", slug="impersonation")
    client.get("quizzes.choose_file", slug="impersonation")
    client.get("quizzes.look_at_export", code=asked(client, "gift", language="ja"))


@pytest.mark.usefixtures("time_stands_still")
def test_people_in_a_hurry_are_slowed_down(author: PageClient, cast: Cast) -> None:
    for _time in range(limits.files.per_minute):
        limits.files.take(cast.author.code)
    fields = {"format": "gift", "language": "en", "state": "", "type": "", "tag": ""}
    author.post("quizzes.ask_for_file", fields, slug="impersonation", expect=429)
    limits.files.clear()
