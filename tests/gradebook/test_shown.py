"""What a quiz shows of a score holds wherever its learner meets it: on pages, in mails, in tables and on paper."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import pypdfium2
from flask import Flask

from portal.accounts.models import Person
from portal.core import clock, jobs
from portal.core.transaction import own_transaction
from portal.quizzes.models import Attempt, QuizVersion
from portal.quizzes.service.attempts import submit_attempt
from portal.training.models import Enrollment
from portal.training.rules import StepKind, StepSpec
from tests.builders import MORNING, Cast
from tests.gradebook.builders import decide
from tests.quizzes.builders import answer, begin, make_bank, make_quiz, right_answer, wrong_answer
from tests.quizzes.test_regrades import regrade
from tests.training.builders import load_holidays, make_documents, make_enrollment, make_plan

# Seven questions of one point; five right answers, then one question that counts for nobody, then a score by hand.
QUESTIONS = [f"impersonation/imp-{4 * number:03d}" for number in range(7)]
SCORES = ("71.4", "71.43", "83.3", "83.33", "87.65", "87.7")


def _sit(person: Person, version: QuizVersion) -> Attempt:
    attempt = begin(person, version)
    for position in range(1, 8):
        answer(attempt, position, (right_answer if position <= 5 else wrong_answer)(attempt, position))
    with own_transaction():
        submit_attempt(attempt=attempt, person=person)
    return attempt


def _quiz(cast: Cast, *show: str) -> QuizVersion:
    make_bank(cast.author, size=28)
    return make_quiz(
        cast.author,
        bank=False,
        blueprint=[{"questions": QUESTIONS}],
        shuffle_questions=False,
        pass_mark=Fraction(3, 5),
        show=show,
    )


def _go_through_it(cast: Cast, version: QuizVersion, person: Person) -> tuple[Attempt, Enrollment]:
    """Let the person pass a step of a plan, be corrected and be given a score by hand."""
    load_holidays()
    make_documents()
    plan = make_plan("plan", cast.admin, StepSpec("quiz", StepKind.QUIZ, 0, phase="first", quiz="impersonation"))
    enrollment = make_enrollment(person, plan, cast.admin)
    attempt = _sit(person, version)
    regrade(cast, "imp-024")
    decide(person, version, (cast.approver, cast.admin), Fraction(8765, 10000))
    jobs.run_due()
    return attempt, enrollment


def _own_texts(person: Person, attempt: Attempt, enrollment: Enrollment, as_: Any) -> Iterator[tuple[str, str]]:
    """Yield everything of which a learner can read how she did, by its name."""
    browser = as_(person)
    code = person.code
    browser.post("gradebook.print_transcript", code=code, lang="en")
    jobs.run_due()
    for endpoint, values in (
        ("gradebook.transcript", {}),
        ("gradebook.transcript_of", {"code": code}),
        ("quizzes.index", {}),
        ("quizzes.show", {"slug": "impersonation"}),
        ("quizzes.result", {"code": attempt.code}),
        ("training.today", {}),
        ("training.path", {"code": enrollment.code}),
    ):
        yield endpoint, browser.get(endpoint, **values, lang="en").text
    yield "csv", browser.fetch("gradebook.transcript_csv", code=code).get_data(as_text=True)
    page = browser.get("gradebook.transcript")
    for href in (link for link in page.links() if ".pdf" in link):
        paper = pypdfium2.PdfDocument(browser.fetch(href).get_data())
        yield href, " ".join(each.get_textpage().get_text_bounded() for each in paper)


def _mails(app: Flask, person: Person) -> Iterator[tuple[str, str]]:
    for path in sorted((app.config["DATA_DIR"] / "mail").rglob("*")):
        if path.is_file() and person.sign_in_name in (text := path.read_text(encoding="utf-8")):
            yield path.name, text


def _told(texts: Iterator[tuple[str, str]]) -> dict[str, list[str]]:
    found = {name: [score for score in SCORES if score in text] for name, text in texts}
    return {name: scores for name, scores in found.items() if scores}


def test_a_score_that_the_quiz_does_not_show_stands_nowhere_where_its_learner_reads(
    cast: Cast, app: Flask, as_: Any
) -> None:
    with clock.frozen(MORNING):
        attempt, enrollment = _go_through_it(cast, _quiz(cast), cast.colleague)
        # What a lead has printed is listed for the learner as well, and may be handed to her.
        as_(cast.lead).post("gradebook.print_transcript", code=cast.colleague.code, lang="en")
        assert _told(_own_texts(cast.colleague, attempt, enrollment, as_)) == {}
        assert list(_mails(app, cast.colleague))
        assert _told(_mails(app, cast.colleague)) == {}


def test_a_score_that_the_quiz_shows_stands_there(cast: Cast, app: Flask, as_: Any) -> None:
    """The same places, so that the test above looks where something would be."""
    with clock.frozen(MORNING):
        attempt, enrollment = _go_through_it(cast, _quiz(cast, "score"), cast.colleague)
        told = _told(_own_texts(cast.colleague, attempt, enrollment, as_))
        assert {name for name in told if not name.startswith("/")} == {
            "gradebook.transcript", "gradebook.transcript_of", "quizzes.show", "quizzes.result", "training.path", "csv",
        }  # fmt: skip
        assert any(".pdf" in name for name in told)
        assert len(_told(_mails(app, cast.colleague))) >= 2


def test_leads_see_every_score_but_of_their_own_what_the_quiz_shows(cast: Cast, as_: Any) -> None:
    with clock.frozen(MORNING):
        version = _quiz(cast)
        _sit(cast.lead, version)
        _go_through_it(cast, version, cast.colleague)
        browser, own, other = as_(cast.lead), cast.lead.code, cast.colleague.code
        slug = version.quiz.slug
        for endpoint in ("gradebook.result", "gradebook.transcript_of", "gradebook.transcript_csv"):
            place = {"slug": slug} if endpoint == "gradebook.result" else {}
            assert "87.65" in browser.fetch(endpoint, code=other, **place, lang="en").get_data(as_text=True).replace(
                "87.7", "87.65"
            )
            told = browser.fetch(endpoint, code=own, **place, lang="en").get_data(as_text=True)
            assert not [score for score in SCORES if score in told], endpoint
        for endpoint, place in (
            ("gradebook.table", {}), ("gradebook.table_csv", {}), ("gradebook.quiz", {"slug": slug}),
            ("gradebook.quiz_csv", {"slug": slug}),
        ):  # fmt: skip
            told = browser.fetch(endpoint, **place, lang="en").get_data(as_text=True)
            assert "87.7" in told or "87.65" in told, endpoint
            # The lead's own: five of six.
            assert "83.3" not in told, endpoint
