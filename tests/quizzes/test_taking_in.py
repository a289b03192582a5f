"""Files of questions on pages: read by the worker, looked at, and taken in all at once or not at all."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.datastructures import FileStorage
from werkzeug.test import TestResponse, encode_multipart

from portal.accounts.models import Person
from portal.core import clock, jobs
from portal.core.db import session
from portal.core.i18n import Words, force_locale
from portal.core.transaction import own_transaction
from portal.journal.queries import list_entries_about
from portal.quizzes import limits, queries
from portal.quizzes.errors import WordingFaulty
from portal.quizzes.formats import foreign
from portal.quizzes.formats.interchange import MAX_BYTES
from portal.quizzes.formats.into_bank import out_of_bank
from portal.quizzes.formats.markdown import BankQuestion
from portal.quizzes.formats.reading_back import problem_with
from portal.quizzes.models import QuestionImport, QuestionImportRow, QuestionState, RowVerdict
from portal.quizzes.queries import ClauseFact, files
from portal.quizzes.service import taking_in as service
from portal.quizzes.service.lifecycle import authors_of
from portal.quizzes.types.base import Content, read
from tests.beginnings import beginning
from tests.builders import Cast
from tests.page_client import Page, PageClient
from tests.queries import counted_queries
from tests.quizzes.builders import WRITTEN, Facts, make_bank, make_content, make_written
from tests.quizzes.strategies import contents
from tests.quizzes.test_into_bank import comparable
from tests.quizzes.test_staleness import publish
from tests.volume import examples

GIFT = b"""$CATEGORY: Policies/Fans

::Parody::Is a parody account an impersonation? {F#It is labelled.#Right.}

::Notice::[html]<p>Whom do you tell <b>first</b>?</p> {
=The team lead#Right.
~%50%The shift lead
~Nobody
}

::Read this::The next questions are about labels.

::Labels::What belongs to what? {
=Fan account -> Label needed
=Parody -> Label needed
=Company -> No label
}

::Broken::Which? {=a ~b
"""
AS_GIFT = {"format": "gift", "language": "en"}


def send(client: PageClient, data: bytes = GIFT, name: str = "fans.gift", **form: Any) -> TestResponse | Page:
    """Send a file for the bank."""
    expect = form.pop("expect", 303)
    fields = {"format": "", "language": "en", "file": (io.BytesIO(data), name)} | form
    return client.post("quizzes.send_file", fields, slug="impersonation", expect=expect)


def kept_of(response: TestResponse | Page) -> QuestionImport:
    """Return the file that a response leads to."""
    assert isinstance(response, TestResponse)
    return files.get_import(response.headers["Location"].rpartition("/")[2].partition("?")[0])


@pytest.fixture
@beginning
def _bank(cast: Cast) -> None:
    make_bank(cast.author)


@pytest.fixture
def author(as_: Callable[[Person], PageClient], cast: Cast, _bank: None) -> PageClient:
    """An author's browser, and a bank."""
    limits.files.clear()
    return as_(cast.author, language="en")


def sent(client: PageClient, data: bytes = GIFT, name: str = "fans.gift", **form: Any) -> str:
    """Send a file, let the worker read it, and return its code."""
    code = kept_of(send(client, data, name, **form)).code
    session.rollback()
    jobs.run_due()
    return code


def drafts() -> list[str]:
    """Return the ids of the drafts in the bank."""
    bank = queries.get_bank("impersonation")
    return [question.slug for question, _version in queries.list_latest(bank) if question.state is QuestionState.DRAFT]


# --- from sending to taking in -----------------------------------------------------------------


def test_nothing_comes_into_the_bank_before_somebody_says_so(author: PageClient) -> None:
    page = author.follow(send(author))
    assert "Reading the file" in page.text
    assert page.all("div")[0] is not None
    jobs.run_due()
    assert drafts() == []
    kept = session.query(QuestionImport).one()
    page = author.get("quizzes.look_at_file", code=kept.code)
    assert page.text.count("Take in 3 questions") == 1
    assert drafts() == []
    author.post("quizzes.take_in_file", code=kept.code)
    assert drafts() == ["q-001", "q-002", "q-003"]


def test_a_file_whose_page_was_closed_is_found_again_from_its_bank(author: PageClient) -> None:
    kept = kept_of(send(author))
    link = author.url("quizzes.look_at_file", code=kept.code)
    page = author.get("quizzes.choose_file", slug="impersonation")
    assert link in page.links()
    assert "is being read" in page.text
    assert "1 file for this bank" in author.get("quizzes.bank", slug="impersonation").text
    session.rollback()
    jobs.run_due()
    assert "waits for somebody to look at it" in author.get("quizzes.choose_file", slug="impersonation").text
    author.post("quizzes.take_in_file", code=kept.code)
    assert "3 questions taken in" in author.get("quizzes.choose_file", slug="impersonation").text
    assert "1 file for this bank" not in author.get("quizzes.bank", slug="impersonation").text


def test_each_question_says_what_becomes_of_it_with_its_line(author: PageClient) -> None:
    code = sent(author)
    page = author.get("quizzes.look_at_file", code=code)
    rows = {
        row.find("th").findtext("a"): " ".join("".join(row.itertext()).split())
        for row in page.all("tr")[1:]
        if row.find("th") is not None and row.find("th").find("a") is not None
    }  # type: ignore[union-attr]
    assert "Without loss" in rows["Parody"]
    # That the categories become nothing is said once, with the number of questions.
    assert "its category" not in "".join(rows[each] for each in ("Parody", "Notice", "Labels"))
    assert page.text.count("its category") == 1
    assert "what its choices are worth: “" in rows["Notice"]
    assert "nothing is asked" in rows["Read this"]
    assert "11" in rows["Read this"]
    assert "its points: 1 → 3" in rows["Labels"]
    assert "never closed" in rows["Line 19"]
    for show, titles in {
        "refused": {"Read this", "Line 19"},
        "with_loss": {"Notice", "Labels"},
        "taken": {"Parody"},
    }.items():
        shown = author.get("quizzes.look_at_file", code=code, show=show)
        assert {a.text for a in shown.all("a") if "/imports/" in a.get("href", "") and a.text in rows} == titles
    found = author.get("quizzes.look_at_file", code=code, q="label")
    assert {a.text for a in found.all("a") if a.text in rows} == {"Labels"}


def test_what_is_lost_is_said_in_the_language_of_the_reader(author: PageClient, app: Flask, cast: Cast) -> None:
    code = sent(author)
    page = PageClient(app, cast.author, "ja").get("quizzes.look_at_file", code=code)
    assert "選択肢の得点" in page.text or "選択肢の配点" in page.text or "選択肢" in page.text
    assert "説明文だけで、何も問うていません。" in page.text
    for place in range(1, 6):
        PageClient(app, cast.author, "ja").get("quizzes.look_at_question", code=code, place=place)


def test_whoever_took_questions_in_is_one_who_cannot_approve_them(author: PageClient, cast: Cast) -> None:
    author.post("quizzes.take_in_file", code=sent(author))
    for slug in drafts():
        question = queries.get_question("impersonation", slug)
        assert authors_of(question, queries.list_versions(question), of_proposal=False) == {cast.author.code}


def test_the_same_form_takes_in_once(author: PageClient) -> None:
    code = sent(author)
    for _time in range(2):
        author.post("quizzes.take_in_file", {"form_key": "ab" * 8}, code=code)
    assert len(drafts()) == 3
    page = author.post("quizzes.take_in_file", code=code, expect=409)
    assert isinstance(page, Page)
    assert "taken in already" in page.text
    assert "3 questions of this file were taken in." in author.get("quizzes.look_at_file", code=code).text


def test_drafts_have_the_language_of_the_file_and_its_tags(author: PageClient) -> None:
    code = sent(author, tags="source-a, source-b", tags_categories="y")
    author.post("quizzes.take_in_file", code=code)
    bank = queries.get_bank("impersonation")
    contents = [read(version.content) for question, version in queries.list_latest(bank) if question.slug in drafts()]
    assert {content.tags for content in contents} == {("source-a", "source-b", "Fans")}
    assert all(content.stem.en and not content.stem.ja for content in contents)
    assert all(content.clauses == () and content.document == "impersonation" for content in contents)


def test_what_the_bank_has_already_is_named_and_skipped_unless_asked_for(author: PageClient) -> None:
    author.post("quizzes.take_in_file", code=sent(author))
    twice = GIFT + b"\n}\n\n::Parody again::Is a parody account an impersonation? {F}\n\n::New::1 + 1? {#2}\n"
    code = sent(author, twice)
    page = author.get("quizzes.look_at_file", code=code)
    assert "the same as impersonation/q-001" in page.text
    assert "Take in 1 question" in page.text
    author.post("quizzes.take_in_file", code=code)
    assert len(drafts()) == 4
    author.post("quizzes.take_in_file", {"twins": "y"}, code=sent(author, twice))
    assert len(drafts()) == 4 + 5


def test_a_question_that_stands_twice_in_the_file_comes_in_once(author: PageClient) -> None:
    code = sent(author, b"::A::1 + 1? {#2}\n\n::B::1 + 1? {#2}\n")
    assert "the same as on line 1 of the file" in author.get("quizzes.look_at_file", code=code).text
    author.post("quizzes.take_in_file", code=code)
    assert len(drafts()) == 1


def test_what_is_left_out_stays_out_until_it_is_put_back(author: PageClient) -> None:
    code = sent(author)
    author.post("quizzes.leave_out_of_file", {"place": ["1", "2"], "what": "out"}, code=code)
    page = author.get("quizzes.look_at_file", code=code)
    assert "Take in 1 question" in page.text
    author.post("quizzes.leave_out_of_file", {"place": "2", "what": "back"}, code=code)
    author.post("quizzes.take_in_file", code=code)
    assert len(drafts()) == 2


def test_a_file_that_cannot_be_read_counts_no_question_and_offers_nothing_to_choose(author: PageClient) -> None:
    page = author.get("quizzes.look_at_file", code=sent(author, b"<quiz><question", "m.xml"))
    assert "no question that can be taken" in page.text
    assert "The file as a whole" in page.text or "Line 1" in page.text
    assert "Line 0" not in page.text
    assert "Leave the chosen ones out" not in page.text
    assert "Put them back" not in page.text


def test_a_file_that_is_not_utf8_is_read_and_the_preview_says_as_what(author: PageClient) -> None:
    page = author.get("quizzes.look_at_file", code=sent(author, "::題::表示は必要ですか？ {T}\n".encode("cp932")))
    assert "The file is read as Shift_JIS." in page.text
    assert "Take in 1 question" in page.text
    assert "What is lost" not in page.text
    assert "The file is read as" not in author.get("quizzes.look_at_file", code=sent(author)).text


def test_another_encoding_can_be_chosen_where_the_bytes_do_not_say_enough(author: PageClient) -> None:
    # One kanji alone could be anything.
    data = "::可::可 {=否}\n".encode("cp932")
    code = sent(author, data)
    page = author.get("quizzes.look_at_file", code=code)
    assert "The file is not UTF-8 text from this line on." in page.text
    again = {"format": "gift", "language": "ja"}
    author.post("quizzes.read_file_again", again | {"encoding": "Shift_JIS"}, code=code)
    jobs.run_due()
    page = author.get("quizzes.look_at_file", code=code)
    assert "The file is read as Shift_JIS." in page.text
    assert "可" in [each.text for each in page.all("a") if each.get("lang") == "ja"]
    chosen = [each.get("value") for each in page.all("option") if each.get("selected") is not None]
    assert "Shift_JIS" in chosen
    author.post("quizzes.read_file_again", again | {"encoding": "klingon"}, code=code, expect=400)
    author.post("quizzes.read_file_again", again, code=code)
    jobs.run_due()
    assert "from this line on" in author.get("quizzes.look_at_file", code=code).text


def test_the_questions_of_a_file_are_counted_without_those_that_are_refused(author: PageClient) -> None:
    page = author.get("quizzes.look_at_file", code=sent(author))
    assert "Read as GIFT, in English: 3 questions." in page.text


def test_categories_can_still_become_tags_once_the_file_was_read(author: PageClient) -> None:
    code = sent(author)
    page = author.get("quizzes.look_at_file", code=code)
    assert "Make the category of each question a tag" in page.text
    author.post("quizzes.read_file_again", AS_GIFT | {"tags_categories": "y"}, code=code)
    jobs.run_due()
    assert "its category" not in author.get("quizzes.look_at_file", code=code).text
    author.post("quizzes.take_in_file", code=code)
    bank = queries.get_bank("impersonation")
    tags = [read(version.content).tags for question, version in queries.list_latest(bank) if question.slug in drafts()]
    assert tags == [("Fans",)] * 3


def test_a_file_is_read_again_as_another_format(author: PageClient) -> None:
    code = sent(author, b"Which?\nA) one\nB) two\nANSWER: B\n", "some.txt", format="gift")
    assert "None of these questions can be taken in." in author.get("quizzes.look_at_file", code=code).text
    author.post("quizzes.read_file_again", {"format": "aiken", "language": "ja"}, code=code)
    assert "Reading the file" in author.get("quizzes.look_at_file", code=code).text
    jobs.run_due()
    author.post("quizzes.take_in_file", code=code)
    bank = queries.get_bank("impersonation")
    (version,) = [version for question, version in queries.list_latest(bank) if question.slug == "q-001"]
    assert (read(version.content).stem.ja, read(version.content).stem.en) == ("Which?", "")
    author.post("quizzes.read_file_again", {"format": "nothing", "language": "ja"}, code=code, expect=400)


def test_nothing_is_taken_in_where_nothing_is_left(author: PageClient) -> None:
    code = sent(author, b"::A::1 + 1? {#2}\n")
    author.post("quizzes.leave_out_of_file", {"place": "1", "what": "out"}, code=code)
    page = author.post("quizzes.take_in_file", code=code, expect=409)
    assert isinstance(page, Page)
    assert "There is nothing to take in" in page.text
    assert drafts() == []


def test_a_file_that_is_not_read_yet_is_not_taken_in(author: PageClient) -> None:
    kept = kept_of(send(author))
    code = kept.code
    author.post("quizzes.take_in_file", code=code, expect=409)
    assert author.fetch("quizzes.file_progress", code=code, accept="application/json").get_json()["state"] == "queued"
    jobs.run_due()
    assert author.fetch("quizzes.file_progress", code=code, accept="application/json").get_json()["state"] == "done"


def test_the_journal_says_who_took_which_file_in(author: PageClient) -> None:
    author.post("quizzes.take_in_file", code=sent(author))
    entries = [
        each for each in list_entries_about("question_bank", "impersonation") if each.action == "quizzes.file_taken_in"
    ]
    assert [entry.after for entry in entries] == [
        {"file": "fans.gift", "format": "gift", "language": "en", "number": 3}
    ]


# --- looking at one question -------------------------------------------------------------------

EVERY_KIND = b"""::One::Which? {=a#yes ~b#no}

::Several::Which? {~%50%a ~%50%b ~%-50%c}

::Truth::So? {T}

::Written::Name it {=notice =%50%mess*#nearly}

::Number::How many? {#90:15}

::Pairs::What belongs? {=a -> 1 =b -> 2}

::Free::Say why {}
"""


def test_every_kind_of_question_is_shown_as_a_learner_sees_it(author: PageClient) -> None:
    code = sent(author, EVERY_KIND)
    for place in range(1, 8):
        page = author.get("quizzes.look_at_question", code=code, place=place)
        assert "As a learner sees it" in page.text
        assert "What is right" in page.text
    author.get("quizzes.look_at_question", code=code, place=8, expect=404)


# --- what was given out here -----------------------------------------------------------------------

OWN_FORMATS = ("markdown", "csv", "xlsx")
SLOW = settings(max_examples=examples(30), deadline=None, suppress_health_check=list(HealthCheck))


class EveryClause(service.Facts):
    """A library that has every clause."""

    def __call__(self, slug: str, version: str) -> Mapping[str, ClauseFact]:
        return Facts()(slug, version)

    def has(self, name: str) -> bool:
        return True


@pytest.mark.any_database
@given(contents(), st.sampled_from(["en", "ja"]))
@SLOW
def test_whatever_leaves_a_bank_in_an_own_format_comes_in_as_it_was(content: Content, language: str) -> None:
    content = replace(content, document="impersonation", picture=None)
    wish = service.For(language, "impersonation", (), False)
    for name in OWN_FORMATS:
        with force_locale(language):
            out = out_of_bank(content, language=language, slug="q", category="Bank", version="1.0", state="draft")
            writing = foreign.format_named(name).write([out.question])
        if any(loss.is_refused for loss in writing.losses):
            continue
        (judged,) = service.judge(service.find_questions(name, writing.data), wish, EveryClause())
        assert judged.content is not None, judged.reasons
        if not writing.losses:
            assert comparable(judged.content, language) == comparable(content, language)
        assert not writing.losses or (name != "markdown" and content.type in ("gap", "matching"))
        assert "{missing}" not in str(judged.reasons)


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("name", OWN_FORMATS)
def test_a_bank_that_was_given_out_comes_back_through_the_page(
    as_: Callable[..., PageClient], cast: Cast, name: str, language: str
) -> None:
    limits.files.clear()
    publish(cast, {"fan-accounts": "A label.", "parody": "Another one."}, slug="impersonation")
    given_out = {
        "case": make_content(3, "case"),
        "case-without-rationales": without_rationales(make_content(5, "case")),
        "penalty": make_content(1, "multiple_choice", marking="penalty"),
        "partial": make_content(1, "multiple_choice", marking="partial", stem=Words("Which two?", "どの二つですか。")),
        **{kind.replace("_", "-"): make_written(kind) for kind in (*WRITTEN, "free_text")},
        "partly-in-order": make_written("ordering", marking="partial", stem=Words("Order?", "順序は。")),
    }
    make_bank(cast.author, questions=tuple(BankQuestion(slug, each) for slug, each in given_out.items()))
    browser = as_(cast.author, language=language)
    asked = browser.post(
        "quizzes.ask_for_file",
        {"format": name, "language": language, "state": "", "type": "", "tag": ""},
        slug="impersonation",
    )
    assert isinstance(asked, TestResponse)
    code = asked.headers["Location"].rpartition("/")[2]
    lost = {loss[2] for loss in files.get_export(code).losses} - {"its Japanese text", "its English text"}
    assert lost == set() if name == "markdown" else all("gap" in each or "pairs" in each for each in lost), lost
    data = browser.fetch("quizzes.save_export", code=code).data
    make_bank(cast.author, slug="other", questions=())
    answer = browser.post(
        "quizzes.send_file", {"format": "", "language": language, "file": (io.BytesIO(data), "bank")}, slug="other"
    )
    kept = kept_of(answer).code
    session.rollback()
    jobs.run_due()
    page = browser.get("quizzes.look_at_file", code=kept)
    assert "{" not in page.text
    assert RowVerdict.REFUSED not in {row.verdict for row in session.query(QuestionImportRow)}
    browser.post("quizzes.take_in_file", code=kept)
    taken = {
        question.slug: read(version.content) for question, version in queries.list_latest(queries.get_bank("other"))
    }
    assert taken.keys() == given_out.keys()
    # A table says neither the units of a gap nor what is said of a gap or a pair.
    beyond = set() if name == "markdown" else {"gap", "matching"}
    for slug, content in given_out.items():
        if slug not in beyond:
            assert comparable(taken[slug], language) == comparable(content, language), slug


def without_rationales(content: Content) -> Content:
    """A question that explains nothing."""
    parts = tuple(
        replace(part, rationale=None, choices=tuple(replace(each, rationale=None) for each in part.choices))
        for part in content.parts
    )
    return replace(content, parts=parts, stem=Words("And now?", "では、どうしますか。"))


def test_what_a_file_marks_as_not_written_is_no_text(author: PageClient) -> None:
    bank = """---
title: A bank
---

## {missing} {#q-1}
{type=true_false clause=impersonation#fan-accounts}

{missing}

- [x] True
- [ ] False
"""
    page = author.get("quizzes.look_at_file", code=sent(author, bank.encode(), "a.en.md"))
    assert "There is no text that asks something." in page.text
    assert "{missing}" not in page.text


@pytest.mark.any_database
def test_no_refusal_of_a_wording_shows_a_sign_of_the_files(app: Flask) -> None:
    # Choices of a clause in one language alone: what a file would say of that is no answer to a person.
    content = make_content(3, "case")
    parts = tuple(
        replace(part, choices=tuple(replace(each, text=Words(each.text.en, "")) for each in part.choices))
        for part in content.parts
    )
    problem = problem_with(BankQuestion("q", replace(content, parts=parts)))
    assert problem is not None
    assert "{" not in f"{problem.message} {problem.mend}"


# --- limits ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "name", "said"),
    [
        (b"", "a.gift", "Choose a file"),
        (b"hello there", "a.txt", "not recognised"),
        (b"\x00\x01\x02", "a.bin", "not recognised"),
    ],
)
def test_a_file_that_says_nothing_is_refused_in_words(author: PageClient, data: bytes, name: str, said: str) -> None:
    page = send(author, data, name, expect=400)
    assert isinstance(page, Page)
    assert said in page.text
    assert session.query(QuestionImport).count() == 0


@pytest.mark.parametrize("more", [1, 2 * 1024 * 1024])
def test_a_file_beyond_the_limit_is_refused(author: PageClient, more: int) -> None:
    fields = {
        "csrf_token": author.token(),
        "format": "",
        "language": "en",
        "file": FileStorage(io.BytesIO(b"a" * (MAX_BYTES + more)), "a.gift"),
    }
    # Made here: the client of the tests leaves the file open that it makes of a large body.
    boundary, body = encode_multipart(fields)
    answer = author.send(
        "POST",
        author.url("quizzes.send_file", slug="impersonation"),
        data=body,
        headers={"Content-Type": f"multipart/form-data; boundary={boundary}", "Accept": "text/html"},
    )
    assert answer.status_code == 413
    assert session.query(QuestionImport).count() == 0


@pytest.mark.usefixtures("time_stands_still")
def test_one_person_sends_only_so_many_files_in_a_minute(author: PageClient) -> None:
    for _time in range(limits.files.per_minute):
        send(author, b"::A::1 + 1? {#2}\n")
    page = send(author, b"::A::1 + 1? {#2}\n", expect=429)
    assert isinstance(page, Page)
    assert "Too many files" in page.text
    limits.files.clear()


def test_tags_that_are_none_are_refused_beside_their_field(author: PageClient) -> None:
    page = send(author, tags="a=b", expect=400)
    assert isinstance(page, Page)
    assert "at most 5 tags" in page.text


def test_files_are_forgotten_after_their_days(author: PageClient) -> None:
    code = sent(author)
    with clock.frozen(clock.now() + service.KEPT + timedelta(minutes=1)), own_transaction():
        assert service.tidy() >= 1
    author.get("quizzes.look_at_file", code=code, expect=404)


def test_a_bad_archive_is_refused_with_a_reason(author: PageClient) -> None:
    code = sent(author, b"PK\x03\x04 no archive", "package.zip")
    page = author.get("quizzes.look_at_file", code=code)
    assert "None of these questions can be taken in." in page.text


# --- pages -------------------------------------------------------------------------------------


def test_the_preview_asks_as_many_questions_for_twice_as_many_rows(author: PageClient) -> None:
    def statements(number: int) -> int:
        data = "".join(f"::Q{each}::{each} + 1? {{#{each + 1}}}\n\n" for each in range(number)).encode()
        code = sent(author, data)
        with counted_queries() as seen:
            author.get("quizzes.look_at_file", code=code)
        return len(seen)

    assert statements(10) == statements(20)


def test_a_long_file_is_shown_in_pages(author: PageClient) -> None:
    data = "".join(f"::Q{each}::{each} + 1? {{#{each + 1}}}\n\n" for each in range(60)).encode()
    code = sent(author, data)
    assert "1–50 of 60" in author.get("quizzes.look_at_file", code=code).text
    assert "51–60 of 60" in author.get("quizzes.look_at_file", code=code, page=2).text


def test_who_only_approves_takes_nothing_in_and_learners_see_nothing(
    author: PageClient, as_: Callable[[Person], PageClient], cast: Cast
) -> None:
    code = sent(author)
    for person in (cast.learner, cast.lead):
        client = as_(person)
        for endpoint in ("quizzes.look_at_file", "quizzes.file_progress"):
            assert client.fetch(endpoint, code=code).status_code in (403, 404)
        assert client.fetch("quizzes.look_at_question", code=code, place=1).status_code in (403, 404)


# --- many questions ----------------------------------------------------------------------------


def _many(number: int) -> bytes:
    return "\n\n".join(f"::Question {place}::Is account {place} labelled?{{T}}" for place in range(number)).encode()


def test_many_questions_come_in_by_the_worker_while_the_page_says_how_far_that_is(author: PageClient) -> None:
    code = sent(author, _many(service.IN_REQUEST + 20))
    for _time in range(2):
        page = author.follow(author.post("quizzes.take_in_file", code=code))
    assert drafts() == []
    assert "All of them come into the bank, or none" in page.text
    # There is nothing to press a second time.
    assert not page.all("form", action=f"/imports/{code}", method="post")
    assert author.fetch("quizzes.file_progress", code=code).get_json()["state"] == "queued"
    assert [job.name for job in jobs.list_jobs(jobs.JobState.CREATED)].count(service.TAKE) == 1
    jobs.run_due()
    assert len(drafts()) == service.IN_REQUEST + 20
    assert "120 questions of this file were taken in." in author.get("quizzes.look_at_file", code=code).text
    assert author.fetch("quizzes.file_progress", code=code).get_json()["state"] == "done"
    author.post("quizzes.take_in_file", code=code, expect=409)


@pytest.mark.parametrize("language", ["en", "ja"])
def test_many_questions_that_cannot_come_in_leave_nothing_and_say_why(
    author: PageClient, as_: Callable[..., PageClient], cast: Cast, language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = sent(author, _many(service.IN_REQUEST + 1))
    browser = as_(cast.author, language=language)
    browser.post("quizzes.take_in_file", code=code)

    def outdated(**_values: Any) -> list[Any]:
        raise WordingFaulty([], index=0)

    with monkeypatch.context() as patch:
        patch.setattr(service, "add_drafts", outdated)
        for minutes in (0, 30):
            with clock.frozen(clock.now() + timedelta(minutes=minutes)):
                jobs.run_due()
    page = browser.get("quizzes.look_at_file", code=code)
    assert drafts() == []
    for words in {
        "en": ("none of them is in the bank", "a clause that one of its questions names has changed"),
        "ja": ("1問も追加されていません", "条項が変わりました"),
    }[language]:
        assert words in page.text
    # Wished for again, they are owed anew.
    browser.post("quizzes.take_in_file", code=code)
    jobs.run_due()
    assert len(drafts()) == service.IN_REQUEST + 1


def test_a_worker_that_dies_while_many_come_in_leaves_nothing_and_the_next_one_does_it_all(author: PageClient) -> None:
    code = sent(author, _many(2 * service.AT_ONCE + 1))
    author.post("quizzes.take_in_file", code=code)
    row = next(job for job in jobs.list_jobs(jobs.JobState.CREATED) if job.name == service.TAKE)
    with own_transaction():
        steps = service.take_kept(**row.arguments)
        assert next(steps) == jobs.Progress(0, 2 * service.AT_ONCE + 1)
    steps.close()
    assert drafts() == []
    jobs.run_due()
    assert len(drafts()) == 2 * service.AT_ONCE + 1
    # Delivered twice, it changes nothing.
    with own_transaction():
        assert list(service.take_kept(**row.arguments)) == []
    assert len(drafts()) == 2 * service.AT_ONCE + 1


def test_a_file_that_is_read_otherwise_meanwhile_is_not_taken_in(author: PageClient) -> None:
    code = sent(author, _many(service.IN_REQUEST + 1))
    author.post("quizzes.take_in_file", code=code)
    author.post("quizzes.read_file_again", AS_GIFT, code=code)
    jobs.run_due()
    assert drafts() == []


# --- the other language ------------------------------------------------------------------------


def in_csv(rows: str) -> bytes:
    """Return a table of questions with their ids."""
    return f"id,type,title,stem,choice 1,choice 2,right\n{rows}\n".encode()


ENGLISH = in_csv("new-1,single_choice,Labels,Which needs one?,A fan account,A company,1")
JAPANESE = in_csv("new-1,single_choice,ラベル,どれに必要ですか。,ファンアカウント,企業,1")


def find_draft(slug: str = "new-1") -> Content:
    row = queries.get_question("impersonation", slug)
    return read(queries.get_version(row, row.in_work).content)


def test_a_file_in_the_other_language_completes_the_drafts_of_its_ids_after_saying_so(author: PageClient) -> None:
    author.post("quizzes.take_in_file", code=sent(author, ENGLISH, "en.csv"))
    assert find_draft().stem.ja == ""
    code = sent(author, JAPANESE, "ja.csv", language="ja")
    page = author.get("quizzes.look_at_file", code=code)
    assert "gives impersonation/new-1 its text in: Japanese" in page.text
    author.post("quizzes.take_in_file", code=code)
    row = queries.get_question("impersonation", "new-1")
    version = queries.get_version(row, row.latest)
    assert (version.number, version.behind, row.state) == (2, None, QuestionState.DRAFT)
    assert (find_draft().stem.en, find_draft().stem.ja) == ("Which needs one?", "どれに必要ですか。")
    assert [str(each.text.ja) for each in find_draft().parts[0].choices] == ["ファンアカウント", "企業"]
    assert len(drafts()) == 1


def test_a_preview_that_knew_nothing_of_the_other_language_makes_no_second_question(author: PageClient) -> None:
    """Both files were sent before either came in: the second one is read again, then it completes."""
    english, japanese = sent(author, ENGLISH, "en.csv"), sent(author, JAPANESE, "ja.csv", language="ja")
    author.post("quizzes.take_in_file", code=english)
    author.post("quizzes.take_in_file", code=japanese, expect=409)
    assert len(drafts()) == 1
    author.post("quizzes.read_file_again", {"format": "csv", "language": "ja", "encoding": ""}, code=japanese)
    session.rollback()
    jobs.run_due()
    assert "gives impersonation/new-1 its text in: Japanese" in author.get("quizzes.look_at_file", code=japanese).text
    author.post("quizzes.take_in_file", code=japanese)
    assert (find_draft().stem.en, find_draft().stem.ja) == ("Which needs one?", "どれに必要ですか。")
    assert len(drafts()) == 1


@pytest.mark.parametrize("languages", [("en", "ja"), ("ja", "en")])
@pytest.mark.parametrize("name", OWN_FORMATS)
def test_both_languages_of_a_bank_meet_again_whatever_its_questions_ask(
    as_: Callable[..., PageClient], cast: Cast, name: str, languages: tuple[str, str]
) -> None:
    publish(cast, {"fan-accounts": "A label.", "parody": "Another one."}, slug="impersonation")
    kinds = ("single_choice", "multiple_choice", "true_false", "case")
    given_out = {kind.replace("_", "-"): make_content(number, kind) for number, kind in enumerate(kinds, 1)}
    given_out |= {kind.replace("_", "-"): make_written(kind) for kind in ("short_answer", "numeric", "matching")}
    make_bank(cast.author, questions=tuple(BankQuestion(slug, each) for slug, each in given_out.items()))
    make_bank(cast.author, slug="other", questions=())
    for language in languages:
        limits.files.clear()
        browser = as_(cast.author, language=language)
        asked = browser.post(
            "quizzes.ask_for_file",
            {"format": name, "language": language, "state": "", "type": "", "tag": ""},
            slug="impersonation",
        )
        assert isinstance(asked, TestResponse)
        data = browser.fetch("quizzes.save_export", code=asked.headers["Location"].rpartition("/")[2]).data
        answer = browser.post(
            "quizzes.send_file", {"format": "", "language": language, "file": (io.BytesIO(data), "bank")}, slug="other"
        )
        kept = kept_of(answer).code
        session.rollback()
        jobs.run_due()
        browser.post("quizzes.take_in_file", code=kept)
    taken = {
        question.slug: read(version.content) for question, version in queries.list_latest(queries.get_bank("other"))
    }
    assert set(taken) == set(given_out)
    for slug, content in taken.items():
        assert (bool(content.stem.en), bool(content.stem.ja)) == (True, True), slug


@pytest.mark.parametrize(
    "other",
    [
        "new-1,single_choice,ラベル,どれに必要ですか。,ファンアカウント,企業,2",
        "new-1,true_false,ラベル,必要ですか。,,,true",
        "new-2,single_choice,ラベル,どれに必要ですか。,ファンアカウント,企業,1",
    ],
)
def test_what_is_another_question_completes_none(author: PageClient, other: str) -> None:
    author.post("quizzes.take_in_file", code=sent(author, ENGLISH, "en.csv"))
    code = sent(author, in_csv(other), "ja.csv", language="ja")
    assert "gives impersonation" not in author.get("quizzes.look_at_file", code=code).text
    assert find_draft().stem.ja == ""


def test_a_language_that_is_there_by_now_is_not_written_over(author: PageClient) -> None:
    author.post("quizzes.take_in_file", code=sent(author, ENGLISH, "en.csv"))
    first = sent(author, JAPANESE, "a.csv", language="ja")
    second = sent(author, JAPANESE.replace("どれに".encode(), "何に".encode()), "b.csv", language="ja")
    author.post("quizzes.take_in_file", code=first)
    author.post("quizzes.take_in_file", code=second, expect=409)
    row = queries.get_question("impersonation", "new-1")
    assert row.latest == 2
    assert find_draft().stem.ja == "どれに必要ですか。"


ENGLISH_OTHER_KEY = in_csv("new-1,single_choice,Labels,Which needs one?,A fan account,A company,2")


@pytest.mark.parametrize(
    ("other", "differs"),
    [
        ("new-1,single_choice,Labels,Which needs one?,A fan account,A company,2", "which answer is right"),
        ("new-1,single_choice,Labels,Which one needs it?,A fan account,A company,1", "its text"),
        ("new-1,single_choice,Labels,Which needs one?,A fan account,A firm,2", "its choices, which answer is right"),
        ("new-1,true_false,Labels,Which needs one?,,,true", "its type"),
    ],
)
def test_a_question_whose_id_another_has_is_said_to_be_so_with_what_differs(
    author: PageClient, other: str, differs: str
) -> None:
    author.post("quizzes.take_in_file", code=sent(author, ENGLISH, "en.csv"))
    code = sent(author, in_csv(other), "again.csv")
    page = author.get("quizzes.look_at_file", code=code)
    assert f"impersonation/new-1 has its id, and differs in: {differs}." in page.text
    assert "1 question of this file has an id that another question has." in page.text
    assert f"/imports/{code}?show=clashes" in page.links()
    assert f"differs in: {differs}." in author.get("quizzes.look_at_file", code=code, show="clashes").text
    assert f"differs in: {differs}." in author.get("quizzes.look_at_question", code=code, place=1).text
    before = find_draft()
    author.post("quizzes.take_in_file", code=code)
    assert find_draft() == before
    assert len(drafts()) == 2


def test_what_differs_is_told_in_the_language_of_the_reader(
    as_: Callable[..., PageClient], author: PageClient, cast: Cast
) -> None:
    author.post("quizzes.take_in_file", code=sent(author, ENGLISH, "en.csv"))
    code = sent(author, ENGLISH_OTHER_KEY, "again.csv")
    page = as_(cast.author, language="ja").get("quizzes.look_at_file", code=code)
    assert "impersonation/new-1 が同じ ID で、次の点が異なります：正答。" in page.text


def test_a_duplicate_that_explains_otherwise_says_so_and_changes_nothing(author: PageClient) -> None:
    author.post("quizzes.take_in_file", code=sent(author, ENGLISH, "en.csv"))
    code = sent(author, ENGLISH.replace(b"Labels", b"Signs"), "again.csv")
    page = author.get("quizzes.look_at_file", code=code)
    assert "the same as impersonation/new-1" in page.text
    assert "asks the same as impersonation/new-1, which has its id, and differs in: its title." in page.text
    same = author.get("quizzes.look_at_file", code=sent(author, ENGLISH, "same.csv"))
    assert "the same as impersonation/new-1" in same.text
    assert "differs in" not in same.text


def test_an_id_that_stands_twice_in_a_file_is_told_of_the_second_one(author: PageClient) -> None:
    twice = ENGLISH + b"new-1,single_choice,Other,Which does not?,Fan account,Company,2\n"
    code = sent(author, twice, "twice.csv")
    page = author.get("quizzes.look_at_file", code=code)
    assert "Its id is that of the question on line 2 of the file." in page.text
    author.post("quizzes.take_in_file", code=code)
    assert drafts() == ["new-1", "q-001"]


def test_drafts_and_other_languages_are_counted_apart(author: PageClient) -> None:
    author.post("quizzes.take_in_file", code=sent(author, ENGLISH, "en.csv"))
    both = JAPANESE + "new-9,single_choice,印,何が要りますか。,表示,何も,1\n".encode()
    code = sent(author, both, "ja.csv", language="ja")
    author.post("quizzes.take_in_file", code=code)
    listed = author.get("quizzes.choose_file", slug="impersonation").text
    assert "1 question taken in, 1 question got its other language" in listed
    assert (
        "1 question was taken in as a draft. 1 question got its other language."
        in author.get("quizzes.look_at_file", code=code).text
    )
    entries = list_entries_about("question_bank", "impersonation")
    counted = [each.after or {} for each in entries if each.action == "quizzes.file_taken_in"]
    assert sorted((each["number"], each.get("completed")) for each in counted if "completed" in each) == [(2, 1)]


def test_the_title_of_a_bank_in_its_own_file_is_no_loss(author: PageClient) -> None:
    gift = author.get("quizzes.look_at_file", code=sent(author)).text
    assert "its category" in gift
    asked = author.post(
        "quizzes.ask_for_file",
        {"format": "markdown", "language": "en", "state": "", "type": "", "tag": ""},
        slug="impersonation",
    )
    assert isinstance(asked, TestResponse)
    data = author.fetch("quizzes.save_export", code=asked.headers["Location"].rpartition("/")[2]).data
    assert "its category" not in author.get("quizzes.look_at_file", code=sent(author, data, "own.md")).text
