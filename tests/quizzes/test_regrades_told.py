"""What draws and pages make of regrades: questions that count for nobody, what was changed, what is accepted."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from portal.accounts.models import Role
from portal.accounts.service.ownership import set_owner
from portal.core import clock, jobs
from portal.core.db import session
from portal.core.mail import render
from portal.core.transaction import own_transaction
from portal.journal import queries as journal
from portal.quizzes import emails, errors, invariants, queries
from portal.quizzes.models import QuestionState, RegradeKind, Release
from portal.quizzes.queries import regrades, supervision
from portal.quizzes.service import drawing, lifecycle, voiding
from portal.quizzes.service.banks import note_step
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


# --- what is taken back --------------------------------------------------------------------------


def _put_back(cast: Cast) -> None:
    with own_transaction():
        question = _question()
        note_step(question, version_of("one"), QuestionState.LIVE, by=cast.approver.code, reason="It is right.")


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_question_whose_rule_is_taken_back_is_said_to_stay_out_until_somebody_puts_it_back(
    cast: Cast, as_: Any, language: str
) -> None:
    stays = {"en": "The question stays quarantined", "ja": "設問は隔離されたままです"}[language]
    on_question = {"en": "but the question stays quarantined", "ja": "設問は隔離されたままです"}[language]
    auditor = make_person("auditor@portal.example", language="en")
    make_grant(auditor, Role.AUDITOR)
    place = {"slug": "impersonation", "question": "one"}
    with clock.frozen(MORNING):
        make_marked_quiz(cast.author)
        void = regrade(cast)
        assert stays not in as_(cast.admin).get("quizzes.regrade", code=void, lang=language).text
        assert on_question not in as_(cast.author).get("quizzes.question", **place, lang=language).text
        code = propose(cast.author, kind=RegradeKind.AS_WRITTEN)
        # Before it is decided, and afterwards.
        proposed = as_(cast.admin).get("quizzes.regrade", code=code, lang=language)
        assert stays in proposed.text
        approve(cast.admin, code)
        page = as_(cast.admin).get("quizzes.regrade", code=code, lang=language)
        assert stays in page.text
        assert "/banks/impersonation/one#steps-title" in page.links()
        seen = as_(auditor).get("quizzes.regrade", code=code, lang=language)
        assert stays in seen.text
        assert "/banks/impersonation/one#steps-title" not in seen.links()
        told = as_(cast.approver).get("quizzes.question", **place, lang=language)
        assert on_question in told.text
        assert told.all("h2", id="steps-title")
        _put_back(cast)
        assert stays not in as_(cast.admin).get("quizzes.regrade", code=code, lang=language).text
        assert on_question not in as_(cast.author).get("quizzes.question", **place, lang=language).text


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_rule_that_was_carried_out_keeps_which_quizzes_went_short_by_it(cast: Cast, as_: Any, language: str) -> None:
    short = {"en": "2 of 3 questions", "ja": "3問のうち2問"}[language]
    again = {"en": "There are enough questions again.", "ja": "現在は設問が足りています。"}[language]
    with clock.frozen(MORNING):
        make_marked_quiz(cast.author)
        make_quiz(cast.author, "two", bank=False, blueprint=[{"bank": "impersonation", "count": 1}])
        code = regrade(cast)
        page = as_(cast.admin).get("quizzes.regrade", code=code, lang=language)
        assert "/quizzes/impersonation" in page.links()
        assert "/quizzes/two" not in page.links()
        assert again not in page.text
        regrade(cast, kind=RegradeKind.AS_WRITTEN)
        _put_back(cast)
        page = as_(cast.admin).get("quizzes.regrade", code=code, lang=language)
        assert "/quizzes/impersonation" in page.links()
        assert again in page.text
        assert [found for check in invariants.INVARIANTS.values() for found in check()] == []
    assert short in page.text


def test_the_history_of_a_question_gives_the_reason_of_a_rule_in_both_languages(cast: Cast, as_: Any) -> None:
    with clock.frozen(MORNING):
        make_marked_quiz(cast.author)
        regrade(cast)
        for language in ("en", "ja"):
            page = as_(cast.author).get("quizzes.question", slug="impersonation", question="one", lang=language)
            (history,) = page.all("ol", class_="history")
            said = [(each.get("lang"), each.text) for each in history.iter("span") if each.get("translate") == "no"]
            assert ("en", "The key was wrong.") in said
            assert ("ja", "正答が誤っていました。") in said


@pytest.mark.parametrize("language", ["en", "ja"])
def test_who_takes_her_own_proposal_back_owes_nobody_a_reason(cast: Cast, as_: Any, language: str) -> None:
    declined = {"en": "Why it is declined", "ja": "却下の理由"}[language]
    taken = {"en": "Why it is taken back", "ja": "取下げの理由"}[language]
    make_marked_quiz(cast.author)
    code = propose(cast.author)
    own = as_(cast.author, language=language)
    page = own.get("quizzes.regrade", code=code, lang=language)
    assert taken in page.text
    assert declined not in page.text
    assert not page.all("textarea", required="")
    other = as_(cast.admin, language=language).get("quizzes.regrade", code=code, lang=language)
    assert declined in other.text
    assert taken not in other.text
    own.post("quizzes.decline_regrade", {"decline-note": "", "lang": language}, code=code)
    done = {"en": ("Taken back", "Declined"), "ja": ("取下げ", "却下")}[language]
    for page in (
        own.get("quizzes.regrade", code=code, lang=language),
        own.get("quizzes.regrades", lang=language),
    ):
        assert done[0] in page.text
        assert done[1] not in page.text
    assert journal.list_entries(action="quizzes.regrade_taken_back", limit=1)
    # The way is open for another proposal.
    assert propose(cast.author) != code


@pytest.mark.parametrize("language", ["en", "ja"])
def test_who_takes_her_own_request_to_make_void_back_owes_nobody_a_reason(cast: Cast, as_: Any, language: str) -> None:
    declined = {"en": "Why it is declined", "ja": "却下の理由"}[language]
    taken = {"en": "Why it is taken back", "ja": "取下げの理由"}[language]
    version = make_marked_quiz(cast.author)
    attempt = sit(cast.learner, version, text="")
    with own_transaction():
        voiding.ask_void(attempt=queries.get_attempt(attempt.code), reason="Somebody else sat it.", by=cast.lead)
    own = as_(cast.lead, language=language)
    page = own.get("quizzes.supervision", code=attempt.code, lang=language)
    assert taken in page.text
    assert declined not in page.text
    assert declined in as_(cast.admin).get("quizzes.supervision", code=attempt.code, lang=language).text
    as_(cast.admin).post("quizzes.decline_void", {"decline-note": ""}, code=attempt.code, expect=400)
    own.post("quizzes.decline_void", {"decline-note": ""}, code=attempt.code)
    assert supervision.find_open_void(queries.get_attempt(attempt.code)) is None
    own.get("quizzes.supervision", code=attempt.code, lang=language)


# --- what is told ----------------------------------------------------------------------------------


_SAID = {
    "still passed": {"en": "The quiz stays passed.", "ja": "この確認テストは合格のままです。"},
    "still not": {"en": "The quiz is still not passed.", "ja": "この確認テストは、引き続き不合格です。"},
    "kept": {"en": "would no longer be enough to pass", "ja": "合格の条件を満たさなくなりました"},
    "newly": {"en": "The quiz is now passed.", "ja": "この確認テストは合格になりました。"},
    "lost": {"en": "The quiz is no longer passed.", "ja": "この確認テストは合格ではなくなりました。"},
}


@pytest.mark.parametrize("show", [[], ["score"]])
@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize(
    ("right", "slug", "kind", "expected"),
    [
        # Of one, two and three points, the last for a text that is left empty.
        (2, "essay", RegradeKind.FULL, "still passed"),
        (1, "essay", RegradeKind.FULL, "newly"),
        (2, "one", RegradeKind.VOID, "kept"),
        (2, "one", RegradeKind.VOID, "lost"),
        (1, "one", RegradeKind.VOID, "still not"),
    ],
)
def test_the_mail_of_a_correction_says_whether_the_quiz_is_passed_also_where_it_shows_no_score(
    cast: Cast, right: int, slug: str, kind: RegradeKind, expected: str, language: str, show: list[str]
) -> None:
    with clock.frozen(MORNING):
        version = make_marked_quiz(cast.author, pass_mark=Fraction(1, 2), show=show)
        attempt = sit(make_person("taker@portal.example", language=language), version, right=right, text="")
        regrade(cast, slug, kind, falls={attempt.code: "She copied."} if expected == "lost" else None)
        told = emails.result_corrected(code=attempt.code, marking_no=2)
        assert told is not None
        for part in render(told).iter_parts():
            text = part.get_content()
            assert [name for name, words in _SAID.items() if words[language].rstrip(".。") in text] == [expected]
            assert ("%" in text) is bool(show)


@pytest.mark.parametrize("language", ["en", "ja"])
def test_auditors_find_regrades_in_the_navigation_and_who_marks_finds_them_under_marking(
    cast: Cast, as_: Any, language: str
) -> None:
    regrades_, marking = {"en": ("Regrades", "Marking"), "ja": ("再採点", "採点")}[language]
    auditor = make_person("auditor@portal.example", language="en")
    make_grant(auditor, Role.AUDITOR)

    def places(person: Any, endpoint: str, **values: Any) -> dict[str, str | None]:
        page = as_(person).get(endpoint, **values, lang=language)
        rail = page.all("div", class_="rail")[0]
        return {"".join(each.itertext()).strip(): each.get("aria-current") for each in rail.iter("a")}

    make_marked_quiz(cast.author)
    code = propose(cast.author)
    assert places(auditor, "quizzes.regrades")[regrades_] == "page"
    assert places(auditor, "quizzes.regrade", code=code)[regrades_] == "page"
    assert marking not in places(auditor, "quizzes.regrades")
    for person in (cast.author, cast.approver, cast.admin):
        shown = places(person, "quizzes.regrades")
        assert regrades_ not in shown
        assert [current for name, current in shown.items() if name.startswith(marking)] == ["page"]
    assert regrades_ not in places(cast.learner, "quizzes.index")
