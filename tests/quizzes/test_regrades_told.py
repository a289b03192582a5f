"""What draws and pages make of regrades: questions that count for nobody, what was changed, what is accepted."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from portal.accounts.models import Role
from portal.accounts.service.ownership import set_owner
from portal.core import clock, jobs
from portal.core.db import session
from portal.core.transaction import own_transaction
from portal.quizzes import errors, invariants, queries
from portal.quizzes.models import QuestionState, RegradeKind, Release
from portal.quizzes.queries import regrades
from portal.quizzes.service import drawing, lifecycle
from portal.quizzes.service.marking import release_by_hand
from tests.builders import MORNING, Cast, make_grant, make_person
from tests.quizzes.builders import begin, make_quiz
from tests.quizzes.marking import make_marked_quiz, sit, version_of
from tests.quizzes.test_regrades import approve, propose, regrade


def _question(slug: str = "one") -> Any:
    session.rollback()
    session.expire_all()
    return queries.get_question("impersonation", slug)


def test_a_question_that_counts_for_nobody_is_drawn_by_no_new_attempt(cast: Cast, as_: Any) -> None:
    with clock.frozen(MORNING):
        make_marked_quiz(cast.author)
        version = make_quiz(cast.author, "two", bank=False, blueprint=[{"bank": "impersonation", "count": 1}])
        code = propose(cast.author)
        page = as_(cast.admin).get("quizzes.regrade", code=code, lang="en")
        # The quiz that names it goes short; the one that draws one of the bank's does not.
        assert "The question is not drawn any more" in page.text
        assert "2 of 3 questions" in page.text
        assert "0 of 1" not in page.text
        approve(cast.admin, code)
        question = _question()
        assert question.state is QuestionState.QUARANTINED
        assert queries.list_steps(question)[-1].reason == "The key was wrong."
        drawn = {
            each.placed.address
            for seed in range(12)
            for each in drawing.draw_questions(version, f"{seed:064d}", frozenset(), None, "en")
        }
        assert drawn == {"impersonation/two", "impersonation/essay"}
        assert [found for check in invariants.INVARIANTS.values() for found in check()] == []


@pytest.mark.parametrize("kind", [RegradeKind.FULL, RegradeKind.ACCEPT])
def test_a_question_that_still_counts_is_drawn_on(cast: Cast, kind: RegradeKind) -> None:
    with clock.frozen(MORNING):
        make_marked_quiz(cast.author)
        regrade(cast, kind=kind, accepts={"answer": [["a"]]} if kind is RegradeKind.ACCEPT else None)
        assert _question().state is QuestionState.LIVE


def test_a_wording_that_counts_for_nobody_does_not_come_back_before_the_rule_is_taken_back(cast: Cast) -> None:
    with clock.frozen(MORNING):
        make_marked_quiz(cast.author)
        regrade(cast)
        with pytest.raises(errors.CountsForNobody), own_transaction():
            lifecycle.take_step(question=_question(), to="live", by=cast.approver, reason="It is right.")
        regrade(cast, kind=RegradeKind.AS_WRITTEN)
        assert regrades.find_void(version_of("one")) is None


def test_owners_are_told_of_quizzes_that_go_short_by_a_rule(cast: Cast) -> None:
    with clock.frozen(MORNING):
        make_marked_quiz(cast.author)
        with own_transaction():
            set_owner(kind="quiz", code="impersonation", owner=cast.author, deputy=None, by=cast.admin)
        code = regrade(cast)
        jobs.run_due()
    told = jobs.find_job(f"mail:quizzes.questions_flagged:{code}:{cast.author.code}")
    assert told is not None
    assert told.state is jobs.JobState.DONE


@pytest.mark.parametrize("language", ["en", "ja"])
def test_question_bank_quiz_and_running_attempt_say_that_a_rule_stands(cast: Cast, as_: Any, language: str) -> None:
    with clock.frozen(MORNING):
        version = make_marked_quiz(cast.author)
        running = begin(cast.learner, version)
        code = regrade(cast)
        browser = as_(cast.author)
        for endpoint, values in (
            ("quizzes.question", {"slug": "impersonation", "question": "one"}),
            ("quizzes.show", {"slug": "impersonation"}),
        ):
            assert f"/regrades/{code}" in browser.get(endpoint, **values, lang=language).links(), endpoint
        counts = {"en": "The question does not count, for nobody", "ja": "全員について、この設問を採点から除く"}[
            language
        ]
        assert browser.get("quizzes.bank", slug="impersonation", lang=language).text.count(counts) == 1
        page = as_(cast.learner).get("quizzes.attempt", code=running.code, lang=language)
        assert page.text.count({"en": "Does not count", "ja": "得点に含めません"}[language]) == 1


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_regrade_that_was_carried_out_keeps_the_list_of_what_it_changed(cast: Cast, as_: Any, language: str) -> None:
    with clock.frozen(MORNING):
        version = make_marked_quiz(cast.author, pass_mark=Fraction(1, 2))
        sit(cast.learner, version, right=2, text="")
        sit(cast.colleague, version, right=1, text="")
        code = regrade(cast, "two")
        # Later corrections change nothing of what this one did.
        regrade(cast, "two", RegradeKind.AS_WRITTEN)
        auditor = make_person("auditor@portal.example", language="en")
        make_grant(auditor, Role.AUDITOR)
        page = as_(auditor).get("quizzes.regrade", code=code, lang=language)
    table = page.one("table", id="changed-list") if page.all("table", id="changed-list") else page.one("table")
    text = " ".join("".join(table.itertext()).split())
    assert cast.learner.name_in(language) in text
    assert {"en": "50 %", "ja": "50%"}[language] in text
    assert {"en": "25 %", "ja": "25%"}[language] in text
    assert text.count({"en": "the pass was kept", "ja": "合格を維持"}[language]) == 1
    summary = {
        "en": "2 results were changed · 1 pass was kept",
        "ja": "変更された結果：2件 · 合格の維持：1件",
    }[language]
    assert summary in page.text
    assert as_(auditor).get("quizzes.regrades", lang=language).links()
    as_(auditor).post("quizzes.decline_regrade", {}, code=code, expect=403)


@pytest.mark.parametrize("language", ["en", "ja"])
def test_an_answer_that_is_accepted_besides_the_key_is_not_called_wrong(cast: Cast, as_: Any, language: str) -> None:
    with clock.frozen(MORNING):
        attempt = sit(cast.learner, make_marked_quiz(cast.author), right=0, text="")
        chosen = queries.list_items(attempt)[0].response.answer["answer"]
        regrade(cast, kind=RegradeKind.ACCEPT, accepts={"answer": [chosen]})
        item = as_(cast.learner).get("quizzes.result", code=attempt.code, lang=language).one("section", id="question-1")
    text = " ".join("".join(item.itertext()).split())
    assert {"en": "Your choice, accepted", "ja": "選んだもの・正解と認められました"}[language] in text
    assert {"en": "Your choice, wrong", "ja": "選んだもの・不正解"}[language] not in text


def test_approving_states_how_many_people_and_results_it_concerns(cast: Cast, as_: Any) -> None:
    with clock.frozen(MORNING):
        version = make_marked_quiz(cast.author, pass_mark=Fraction(1, 6), attempts_allowed=3)
        sit(cast.learner, version, right=0, text="")
        sit(cast.learner, version, right=0, text="")
        text = as_(cast.admin).get("quizzes.regrade", code=propose(cast.author, kind=RegradeKind.FULL), lang="en").text
    for said in ("2 results change", "1 person passes who had not", "2 released results are told anew by email"):
        assert said in text


def test_what_was_marked_again_before_anybody_knew_it_is_no_correction(cast: Cast, as_: Any) -> None:
    with clock.frozen(MORNING):
        version = make_marked_quiz(cast.author, release=Release.BY_HAND)
        attempt = sit(cast.learner, version, right=0, text="")
        regrade(cast)
        with own_transaction():
            release_by_hand(quiz=version.quiz, by=cast.author)
        browser = as_(cast.learner)
        assert "Corrected on" not in browser.get("quizzes.result", code=attempt.code, lang="en").text
        regrade(cast, kind=RegradeKind.FULL)
        assert browser.get("quizzes.result", code=attempt.code, lang="en").text.count("Corrected on") == 1
