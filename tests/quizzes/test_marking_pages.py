"""The pages of marking, appeals and regrades: blind, complete in both languages, and only for those they name."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

import pytest

from portal.accounts.models import Person
from portal.core import clock, jobs
from portal.core.db import session
from portal.core.mail import render
from portal.core.transaction import own_transaction
from portal.quizzes import emails, queries
from portal.quizzes.models import AttemptState, MarkRound, RegradeKind, Remedy, SecondMarker
from portal.quizzes.queries import appeals as appealed
from portal.quizzes.queries import marking as waiting
from portal.quizzes.queries import regrades
from portal.quizzes.service import appeals as appealing
from portal.quizzes.service import regrades as regrading
from tests.beginnings import beginning
from tests.builders import MORNING, Cast, make_person
from tests.page_client import PageClient
from tests.queries import counted_queries
from tests.quizzes.builders import SECRET, at
from tests.quizzes.marking import (
    POSITION,
    find_answer,
    give,
    item_of,
    make_marked_quiz,
    make_markers,
    points,
    sit,
    take,
)
from tests.quizzes.test_regrades import approve, propose


@pytest.fixture
@beginning
def markers(cast: Cast) -> list[Person]:
    """Three who mark."""
    return make_markers()


def _fresh(attempt: Any) -> Any:
    session.rollback()
    session.expire_all()
    return queries.get_attempt(attempt.code)


def _marks(a: Any, b: Any, round_: str = "first", action: str = "give", comment: str = "") -> dict[str, str]:
    return {**points(a, b, comment), "round": round_, "action": action}


def _draft(client: PageClient, code: str, given: dict[str, str]) -> Any:
    return client.send(
        "POST",
        client.url("quizzes.keep_mark_draft", code=code),
        data={**given, "csrf_token": client.token()},
        headers={"Accept": "application/json"},
    )


# --- marking -----------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "ja"])
def test_answers_are_marked_one_after_the_other_without_a_name(
    cast: Cast, markers: list[Person], as_: Any, language: str
) -> None:
    version = make_marked_quiz(cast.author)
    with clock.frozen(MORNING):
        attempts = [sit(cast.learner, version, text="First text."), sit(cast.colleague, version, text="Second text.")]
        client: PageClient = as_(markers[0], language=language)
        queue = client.get("quizzes.marking")
        assert "2" in queue.text
        taken = client.post(
            "quizzes.take_answer",
            {"quiz": "impersonation", "question": "impersonation/essay", "number": "1", "round": "first"},
        )
        for _number in range(2):
            code = taken.headers["Location"].rpartition("/")[2]
            page = client.get("quizzes.answer", code=code)
            for person in (cast.learner, cast.colleague):
                # Of a number that begins another's the whole counts.
                assert not re.search(rf"{person.full_name}(?!\d)", page.body)
                assert person.code not in page.body
                assert person.sign_in_name not in page.body
            assert not any(attempt.code in page.body for attempt in attempts)
            assert "First text." in page.body or "Second text." in page.body
            taken = client.post("quizzes.mark", _marks(2, 1), code=code)
        assert taken.headers["Location"].endswith("/quizzes/marking")
    assert {_fresh(attempt).state for attempt in attempts} == {AttemptState.RELEASED}


def test_what_is_missing_is_said_beside_its_criterion_and_nothing_is_lost(
    cast: Cast, markers: list[Person], as_: Any
) -> None:
    version = make_marked_quiz(cast.author)
    with clock.frozen(MORNING):
        attempt = sit(cast.learner, version)
        row = take(markers[0], version)
        assert row is not None
        page = as_(markers[0], language="en").post(
            "quizzes.mark", _marks(7, 1, comment="Well argued."), code=row.code, expect=400
        )
        assert "”: give points from 0 to 2." in page.text
        assert page.one("input", name="answer-b").get("value") == "1"
        assert "Well argued." in page.body
    assert _fresh(attempt).state is AttemptState.SUBMITTED


def test_a_draft_is_kept_by_the_page_and_by_leaving(cast: Cast, markers: list[Person], as_: Any) -> None:
    version = make_marked_quiz(cast.author)
    with clock.frozen(MORNING):
        sit(cast.learner, version)
        row = take(markers[0], version)
        assert row is not None
        client = as_(markers[0], language="en")
        assert _draft(client, row.code, _marks(1, "", comment="half")).get_json()["saved_at"]
        assert client.get("quizzes.answer", code=row.code).one("input", name="answer-a").get("value") == "1"
        client.post("quizzes.mark", _marks(2, "", action="leave"), code=row.code)
        # Others can take it; the draft is hers and comes again with the answer.
        assert take(markers[1], version) is not None
        assert as_(markers[1], language="en").get("quizzes.answer", code=row.code).one("input", name="answer-a").get(
            "value"
        ) in ("", None)
        assert _draft(client, row.code, _marks(2, 1)).status_code == 409
        client.get("quizzes.answer", code=row.code, expect=409)


def test_the_second_sees_nothing_of_the_first_and_the_third_sees_both(
    cast: Cast, markers: list[Person], as_: Any
) -> None:
    version = make_marked_quiz(cast.author, second_marker=SecondMarker.ALL)
    with clock.frozen(MORNING):
        attempt = sit(cast.learner, version)
        give(markers[0], attempt, 2, 1, comment="Of the first.")
        row = take(markers[1], version, MarkRound.SECOND)
        assert row is not None
        second = as_(markers[1], language="en").get("quizzes.answer", code=row.code)
        assert "Of the first." not in second.body
        assert "First mark" not in second.text
        give(markers[1], attempt, 0, 0, comment="Of the second.")
        row = take(markers[2], version, MarkRound.MODERATION)
        assert row is not None
        third = as_(markers[2], language="en").get("quizzes.answer", code=row.code)
        for said in ("Of the first.", "Of the second.", "3 of 3 points", "0 of 3 points"):
            assert said in third.text
        assert not any(marker.full_name in third.body for marker in markers[:2])


def test_nobody_opens_her_own_answer_and_no_learner_the_list(cast: Cast, as_: Any) -> None:
    version = make_marked_quiz(cast.author)
    with clock.frozen(MORNING):
        attempt = sit(cast.author, version)
        as_(cast.author).get("quizzes.answer", code=find_answer(attempt).code, expect=403)
        assert "essay" not in as_(cast.author).get("quizzes.marking").body
        as_(cast.learner).get("quizzes.marking", expect=403)


def test_the_statements_of_the_list_do_not_grow_with_what_waits(cast: Cast, markers: list[Person], as_: Any) -> None:
    version = make_marked_quiz(cast.author)
    counts = []
    with clock.frozen(MORNING):
        for number in (1, 3):
            for _each in range(number):
                sit(make_person(), version)
            client = as_(markers[0])
            client.get("quizzes.marking")
            session.expire_all()
            with counted_queries() as statements:
                client.get("quizzes.marking")
            counts.append(len(statements))
    assert counts[0] == counts[1]


def test_agreement_is_shown_from_ten_answers_on(cast: Cast, markers: list[Person], as_: Any) -> None:
    version = make_marked_quiz(cast.author, second_marker=SecondMarker.ALL)
    with clock.frozen(MORNING):
        for number in range(10):
            attempt = sit(make_person(), version)
            give(markers[0], attempt, number % 3, 1)
            if number == 9:
                assert (
                    "too few answers"
                    in as_(cast.author, language="en").get("quizzes.agreement", slug="impersonation").text
                )
            give(markers[1], attempt, min(number % 3, 1), 1)
    for language in ("en", "ja"):
        page = as_(cast.author, language=language).get("quizzes.agreement", slug="impersonation")
        assert "10" in page.text
        assert "−10" in page.text


# --- the learner -------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_learner_reads_that_her_result_waits_and_nothing_else(
    cast: Cast, markers: list[Person], as_: Any, language: str
) -> None:
    version = make_marked_quiz(cast.author, second_marker=SecondMarker.ALL)
    with clock.frozen(MORNING):
        attempt = sit(cast.learner, version)
        give(markers[0], attempt, 2, 1, comment="Of the first.")
        client = as_(cast.learner, language=language)
        for page in (client.get("quizzes.result", code=attempt.code), client.get("quizzes.index")):
            assert ("marking" if language == "en" else "採点") in page.text
            assert SECRET not in page.body
            assert "Of the first." not in page.body
        client.get("quizzes.question_item", code=attempt.code, position=3, expect=404)


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_result_tells_points_by_criterion_and_the_comments(
    cast: Cast, markers: list[Person], as_: Any, language: str
) -> None:
    version = make_marked_quiz(cast.author, second_marker=SecondMarker.ALL)
    with clock.frozen(MORNING):
        # Her own words stand on the page in whatever language.
        attempt = sit(cast.learner, version, text="ラベルがないから。")
        give(markers[0], attempt, 2, 1, comment="Of the first.")
        give(markers[1], attempt, "1.5", 1, comment="Of the second.")
        page = as_(cast.learner, language=language).get("quizzes.result", code=attempt.code)
    for said in ("Of the first.", "Of the second.", "1.75"):
        assert said in page.text
    assert not any(marker.full_name in page.body for marker in markers)


# --- appeals -----------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "ja"])
def test_an_appeal_goes_to_who_answers_for_the_question_and_back(cast: Cast, as_: Any, app: Any, language: str) -> None:
    version = make_marked_quiz(cast.author)
    with clock.frozen(MORNING):
        attempt = sit(cast.learner, version, text="")
        learner, author = as_(cast.learner, language=language), as_(cast.author, language=language)
        where = {"code": attempt.code, "position": 1}
        learner.get("quizzes.question_item", **where)
        learner.post("quizzes.make_appeal", {"words": " "}, **where, expect=400)
        learner.post("quizzes.make_appeal", {"words": "Both are right."}, **where)
        learner.post("quizzes.make_appeal", {"words": "Once more."}, **where, expect=409)
        (appeal,) = appealed.list_appeals_for(cast.author, is_open=True)
        assert appealed.list_appeals_for(cast.approver, is_open=True) == []
        page = author.get("quizzes.appeal", code=appeal.code)
        assert "Both are right." in page.text
        assert cast.learner.full_name not in page.body
        assert cast.learner.code not in page.body
        assert attempt.code not in page.body
        as_(cast.approver).get("quizzes.appeal", code=appeal.code, expect=404)
        # The author asks somebody else, who can answer then.
        author.post("quizzes.name_for_appeal", {"name-person": cast.approver.code}, code=appeal.code)
        approver = as_(cast.approver, language=language)
        assert approver.get("quizzes.appeals").text.count("Both are right.") == 1
        # Whoever is to answer is told before it is answered.
        jobs.run_due()
        reply = {"verdict": "rejected", "answer": ""}
        approver.post("quizzes.answer_appeal", reply, code=appeal.code, expect=400)
        approver.post("quizzes.answer_appeal", reply | {"answer": "A is wrong."}, code=appeal.code)
        late = {"verdict": "regrade", "answer": "B"}
        author.post("quizzes.answer_appeal", late, code=appeal.code, expect=409)
        jobs.run_due()
        assert "A is wrong." in learner.get("quizzes.result", code=attempt.code).text
    sent_to = {
        name
        for path in (app.config["DATA_DIR"] / "mail").rglob("*")
        if path.is_file()
        for name in ("author", "approver", "learner")
        if f"{name}@portal.example" in path.read_text(encoding="utf-8")
    }
    assert sent_to == {"author", "approver", "learner"}


def test_an_appeal_is_possible_for_a_fortnight_where_questions_are_shown(cast: Cast, as_: Any) -> None:
    version = make_marked_quiz(cast.author)
    with clock.frozen(MORNING):
        attempt = sit(cast.learner, version, text="")
        hidden = make_marked_quiz(cast.author, "texts", show=("score",))
        other = sit(cast.learner, hidden, text="")
    day = 24 * 60
    with clock.frozen(at(minutes=14 * day)):
        page = as_(cast.learner, language="en").get("quizzes.question_item", code=attempt.code, position=1)
        assert page.all("textarea", name="words")
        as_(cast.learner).get("quizzes.question_item", code=other.code, position=1, expect=404)
    with clock.frozen(at(minutes=14 * day, seconds=1)):
        page = as_(cast.learner, language="en").get("quizzes.question_item", code=attempt.code, position=1)
        assert not page.all("textarea", name="words")
        as_(cast.learner).post("quizzes.make_appeal", {"words": "x"}, code=attempt.code, position=1, expect=409)


def test_an_upheld_appeal_about_a_text_lets_another_person_mark_it_again(
    cast: Cast, markers: list[Person], as_: Any
) -> None:
    version = make_marked_quiz(cast.author, pass_mark=Fraction(4, 5))
    with clock.frozen(MORNING):
        attempt = sit(cast.learner, version)
        give(markers[0], attempt, 0, 1)
        assert not _fresh(attempt).markings[-1].passed
        with own_transaction():
            appeal = appealing.make_appeal(
                attempt=queries.get_attempt(attempt.code), item=item_of(attempt), words="It names it.", by=cast.learner
            ).code
        as_(cast.author).post("quizzes.answer_appeal", {"verdict": Remedy.REMARK.value, "answer": "Yes."}, code=appeal)
        assert find_answer(attempt).round is MarkRound.MODERATION
        assert take(markers[0], version, MarkRound.MODERATION) is None
        give(markers[1], attempt, 2, 1)
        marking = _fresh(attempt).markings[-1]
        assert (marking.marking_no, marking.passed, marking.points) == (2, True, 6)
        assert find_answer(attempt).round is None
        jobs.run_due()
        assert jobs.find_job(f"mail:quizzes.result_corrected:{attempt.code}:2") is not None
        assert "After an appeal" in as_(cast.learner, language="en").get("quizzes.result", code=attempt.code).text


def _uphold(cast: Cast, attempt: Any, remedy: Remedy, position: int = 1) -> str:
    """Let the learner question an item and the author uphold it; return the code of the appeal."""
    with own_transaction():
        code = appealing.make_appeal(
            attempt=queries.get_attempt(attempt.code),
            item=item_of(attempt, position),
            words="Both are right.",
            by=attempt.person,
        ).code
    with own_transaction():
        appealing.answer_appeal(
            appeal=appealed.get_appeal(code), is_upheld=True, remedy=remedy, answer="True.", by=cast.author
        )
    return code


def _mail(name: str, **arguments: Any) -> str:
    session.rollback()
    session.expire_all()
    builders = {
        each.__name__: each for each in (emails.appeal_answered, emails.appeal_settled, emails.result_corrected)
    }
    built = builders[name](**arguments)
    assert built is not None
    return str(render(built).get_body(("plain",)).get_content())  # type: ignore[union-attr]


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_learner_reads_what_follows_from_an_upheld_appeal_and_whether_her_result_has_changed(
    cast: Cast, as_: Any, language: str
) -> None:
    version = make_marked_quiz(cast.author)
    not_yet = {"en": "has not changed yet", "ja": "まだ変わっていません"}[language]
    marked_again = {"en": "your result was marked again", "ja": "採点し直しました"}[language]
    with clock.frozen(MORNING):
        attempt = sit(cast.learner, version, text="")
        with own_transaction():
            cast.learner.language = language
        appeal = _uphold(cast, attempt, Remedy.REGRADE)
        learner = as_(cast.learner, language=language)

        def read() -> str:
            return str(learner.get("quizzes.result", code=attempt.code).text)

        assert not_yet in _mail("appeal_answered", code=appeal)
        assert not_yet in read()
        declined = propose(cast.author, "one", RegradeKind.FULL, appeal=appeal)
        assert not_yet in read()
        with own_transaction():
            regrading.decline_regrade(regrade=regrades.get_regrade(declined), note="No.", by=cast.admin)
        # What was declined leaves the way open for another rule, and nobody is told that one is on its way.
        assert {"en": "was not approved", "ja": "承認されませんでした"}[language] in read()
        page = as_(cast.author, language=language).get("quizzes.appeal", code=appeal)
        assert any("regrade?" in (link.get("href") or "") for link in page.all("a"))
        approve(cast.admin, propose(cast.author, "one", RegradeKind.VOID, appeal=appeal))
        assert not_yet not in read()
        assert marked_again not in read()
        jobs.run_due()
        assert marked_again in read()
        assert marked_again in _mail("appeal_answered", code=appeal)
        mail = _mail("result_corrected", code=attempt.code, marking_no=2)
        assert {"en": "question 1 is settled", "ja": "設問1について"}[language] in mail
        # Which question it was stands in the mail and leads to it on the page.
        assert {"en": "about question 1", "ja": "対象は設問1"}[language] in mail
        assert learner.get("quizzes.result", code=attempt.code).all("a", href="#question-1")
        assert jobs.find_job(f"mail:quizzes.appeal_settled:{appeal}") is None


def test_whose_upheld_appeal_leaves_her_result_as_it_was_is_told_so_when_all_is_done(
    cast: Cast, markers: list[Person]
) -> None:
    version = make_marked_quiz(cast.author)
    with clock.frozen(MORNING):
        attempt = sit(cast.learner, version)
        give(markers[0], attempt, 2, 1)
        by_rule = _uphold(cast, attempt, Remedy.REGRADE)
        by_person = _uphold(cast, attempt, Remedy.REMARK, POSITION)
        jobs.run_due()
        # She has all points already; somebody else's appeal led to the rule.
        approve(cast.admin, propose(cast.author, "one", RegradeKind.FULL))
        assert jobs.find_job(f"mail:quizzes.appeal_settled:{by_rule}") is None
        jobs.run_due()
        give(markers[1], attempt, 2, 1)
        for code in (by_rule, by_person):
            assert jobs.find_job(f"mail:quizzes.appeal_settled:{code}") is not None
            assert "変わりませんでした" in _mail("appeal_settled", code=code)
        assert len(_fresh(attempt).markings) == 1
        # A later rule for the same wording is not the one that was promised.
        approve(cast.admin, propose(cast.author, "one", RegradeKind.VOID))
        jobs.run_due()
        assert "変わりませんでした" in _mail("appeal_settled", code=by_rule)


def test_who_upholds_an_appeal_about_a_question_that_was_regraded_since_reads_so(cast: Cast, as_: Any) -> None:
    version = make_marked_quiz(cast.author)
    with clock.frozen(MORNING):
        attempt = sit(cast.learner, version, right=0, text="")
        with own_transaction():
            appeal = appealing.make_appeal(
                attempt=queries.get_attempt(attempt.code), item=item_of(attempt, 1), words="Why?", by=cast.learner
            ).code
        author = as_(cast.author, language="en")
        assert "since the appeal was made" not in author.get("quizzes.appeal", code=appeal).text
        approve(cast.admin, propose(cast.author, "one", RegradeKind.FULL))
        jobs.run_due()
        assert "since the appeal was made" in author.get("quizzes.appeal", code=appeal).text
        reply = {"verdict": Remedy.REGRADE.value, "answer": "It is."}
        page = author.follow(author.post("quizzes.answer_appeal", reply, code=appeal))
        # There is nothing to be proposed any more.
        assert "propose" not in page.text.casefold()
        assert "まだ" not in _mail("appeal_answered", code=appeal)


# --- regrades ----------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_rule_is_proposed_looked_at_and_approved_on_its_pages(cast: Cast, as_: Any, language: str) -> None:
    version = make_marked_quiz(cast.author, pass_mark=Fraction(1, 2))
    with clock.frozen(MORNING):
        kept, lost = sit(cast.learner, version, text=""), sit(cast.colleague, version, text="")
        author, admin = as_(cast.author, language=language), as_(cast.admin, language=language)
        where = {"slug": "impersonation", "question": "one"}
        author.get("quizzes.propose_regrade", **where)
        author.post("quizzes.add_regrade", {"kind": "void", "reason_en": "Why"}, **where, expect=400)
        said = {"reason_en": "Wrong key.", "reason_ja": "正答の誤り。"}
        author.post("quizzes.add_regrade", {"kind": "accept", **said}, **where, expect=400)
        added = author.post("quizzes.add_regrade", {"kind": "void", **said}, **where)
        code = added.headers["Location"].rpartition("/")[2]
        page = admin.get("quizzes.regrade", code=code)
        # Those who would lose a pass are named, with a box each that is not ticked.
        boxes = [box for box in page.all("input", type="checkbox") if box.get("name", "").startswith("fall-")]
        assert {box.get("name") for box in boxes} == {f"fall-{kept.code}", f"fall-{lost.code}"}
        assert not any(box.get("checked") is not None for box in boxes)
        looked_at = page.one("input", name="looked_at").get("value") or ""
        fall = {"looked_at": looked_at, f"fall-{lost.code}": "1"}
        admin.post("quizzes.approve_regrade", fall, code=code, expect=400)
        author.post("quizzes.approve_regrade", {"looked_at": looked_at}, code=code, expect=403)
        admin.post("quizzes.approve_regrade", fall | {f"why-{lost.code}": "She had the key."}, code=code)
        admin.get("quizzes.regrade", code=code)
        jobs.run_due()
        admin.get("quizzes.regrade", code=code)
        admin.get("quizzes.regrades")
        for attempt, person in ((kept, cast.learner), (lost, cast.colleague)):
            result = as_(person, language=language).get("quizzes.result", code=attempt.code)
            assert ("Wrong key." if language == "en" else "正答の誤り。") in result.text
            assert ("She had the key." in result.text) == (attempt is lost)
            # Whoever loses a pass reads what becomes of what rests on it.
            stays = "certificates that you hold stay" if language == "en" else "お持ちの修了証は、そのまま"
            assert (stays in result.text) == (attempt is lost)
    assert (_fresh(kept).markings[-1].passed, _fresh(lost).markings[-1].passed) == (True, False)


def test_another_choice_is_accepted_by_ticking_it(cast: Cast, as_: Any) -> None:
    version = make_marked_quiz(cast.author)
    with clock.frozen(MORNING):
        sit(cast.learner, version, right=0, text="")
        added = as_(cast.author, language="en").post(
            "quizzes.add_regrade",
            {"kind": "accept", "reason_en": "A too.", "reason_ja": "Aも。", "accept-answer": "a"},
            slug="impersonation",
            question="one",
        )
        code = added.headers["Location"].rpartition("/")[2]
        assert regrades.get_regrade(code).accepts == {"answer": [["a"]]}
        assert "A0" in as_(cast.admin, language="en").get("quizzes.regrade", code=code).text


@pytest.mark.any_database
@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_correction_that_leaves_the_score_as_it_was_says_so(cast: Cast, as_: Any, language: str) -> None:
    version = make_marked_quiz(cast.author)
    stayed = {"en": "has stayed 0 %", "ja": "得点率は0%のまま"}[language]
    with clock.frozen(MORNING):
        attempt = sit(cast.learner, version, right=0, text="")
        with own_transaction():
            cast.learner.language = language
        approve(cast.admin, propose(cast.author, "one", RegradeKind.VOID))
        jobs.run_due()
        assert stayed in _mail("result_corrected", code=attempt.code, marking_no=2)
        assert stayed in as_(cast.learner, language=language).get("quizzes.result", code=attempt.code).text


@pytest.mark.any_database
def test_what_happened_on_another_day_is_dated_in_the_history(cast: Cast, as_: Any) -> None:
    version = make_marked_quiz(cast.author)
    with clock.frozen(MORNING):
        attempt = sit(cast.learner, version, text="")
    with clock.frozen(at(minutes=3 * 24 * 60)):
        approve(cast.admin, propose(cast.author, "one", RegradeKind.VOID))
        jobs.run_due()
        history = as_(cast.lead, language="en").get("quizzes.supervision", code=attempt.code)
        lines = ["".join(line.itertext()) for line in history.one("ol", class_="timeline").iter("li")]
        assert "4 Apr 2026" in lines[-1]
        assert "+" not in lines[-1]
        assert "2026" not in lines[0]
        own = as_(cast.learner, language="en").get("quizzes.result", code=attempt.code)
        assert any("4 Apr 2026" in "".join(each.itertext()) for each in own.all("details"))


@pytest.mark.any_database
def test_who_answers_an_appeal_is_not_spoken_to_as_if_the_answer_were_hers(cast: Cast, as_: Any) -> None:
    version = make_marked_quiz(cast.author)
    with clock.frozen(MORNING):
        attempt = sit(cast.learner, version, right=0, text="")
        with own_transaction():
            code = appealing.make_appeal(
                attempt=queries.get_attempt(attempt.code), item=item_of(attempt, 1), words="Why?", by=cast.learner
            ).code
        assert "Chosen, wrong" in as_(cast.author, language="en").get("quizzes.appeal", code=code).text
        own = as_(cast.learner, language="en").get("quizzes.question_item", code=attempt.code, position=1)
        assert "Your choice, wrong" in own.text


@pytest.mark.any_database
def test_an_address_tells_nobody_whether_there_is_such_an_appeal(cast: Cast, as_: Any) -> None:
    version = make_marked_quiz(cast.author)
    where = {"slug": "impersonation", "question": "two"}
    with clock.frozen(MORNING):
        attempt = sit(cast.learner, version, text="")
        with own_transaction():
            about_another = appealing.make_appeal(
                attempt=queries.get_attempt(attempt.code), item=item_of(attempt, 1), words="Why?", by=cast.learner
            ).code
        author = as_(cast.author, language="en")
        pages = [author.get("quizzes.propose_regrade", **where, appeal=each) for each in (about_another, "QQQQQ")]
    assert "Why?" not in pages[0].text
    assert pages[0].text == pages[1].text


@pytest.mark.any_database
def test_accepted_answers_are_not_dropped_by_another_rule_without_a_word(cast: Cast, as_: Any) -> None:
    version = make_marked_quiz(cast.author)
    where = {"slug": "impersonation", "question": "one"}
    said = {"reason_en": "A too.", "reason_ja": "Aも。"}
    with clock.frozen(MORNING):
        sit(cast.learner, version, right=0, text="")
        author = as_(cast.author, language="en")
        page = author.post("quizzes.add_regrade", {"kind": "void", "accept-answer": "a", **said}, **where, expect=400)
        assert "Choose “Other answers" in (page.one("a", href="#kind").text or "")
        # What was ticked and written is still there.
        assert page.one("input", name="accept-answer", value="a").get("checked") is not None
        assert page.one("textarea", name="reason_ja").text == "Aも。"
        added = author.post("quizzes.add_regrade", {"kind": "accept", "accept-answer": "a", **said}, **where)
        approve(cast.admin, added.headers["Location"].rpartition("/")[2])
        jobs.run_due()
        # What stands already is filled in by the page, not by her: the new rule takes its place, and the page says so.
        page = author.get("quizzes.propose_regrade", **where)
        assert "A rule stands already" in page.text
        assert page.one("input", name="accept-answer", value="a").get("checked") is not None
        refused = author.post("quizzes.add_regrade", {"kind": "accept", **said}, **where, expect=400)
        assert refused.one("input", name="accept-answer", value="a").get("checked") is None
        author.post("quizzes.add_regrade", {"kind": "void", "accept-answer": "a", **said}, **where)


def test_the_statements_of_a_preview_do_not_grow_with_its_results(cast: Cast, as_: Any) -> None:
    version = make_marked_quiz(cast.author)
    counts = []
    with clock.frozen(MORNING):
        code = propose(cast.author, kind=RegradeKind.VOID)
        for number in (2, 4):
            for _each in range(number):
                sit(make_person(), version, text="")
            client = as_(cast.admin)
            client.get("quizzes.regrade", code=code)
            session.expire_all()
            with counted_queries() as statements:
                client.get("quizzes.regrade", code=code)
            counts.append(len(statements))
    assert counts[0] == counts[1]


def test_who_declines_says_why_and_who_proposed_reads_it(cast: Cast, as_: Any) -> None:
    make_marked_quiz(cast.author)
    code = propose(cast.author)
    as_(cast.admin).post("quizzes.decline_regrade", {"decline-note": ""}, code=code, expect=400)
    as_(cast.admin).post("quizzes.decline_regrade", {"decline-note": "Right as is."}, code=code)
    assert "Right as is." in as_(cast.author, language="en").get("quizzes.regrade", code=code).text
    with pytest.raises(Exception, match="decided"):
        approve(cast.admin, code)
    assert waiting.count_waiting(cast.admin) == 0
