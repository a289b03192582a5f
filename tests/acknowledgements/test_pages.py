"""The pages of campaigns, in both languages: what a reader is shown, what a lead sees, who gets in."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from portal.accounts.models import Role, Scope
from portal.accounts.service import ownership
from portal.acknowledgements.models import Campaign, ClauseQuestion, DeltaAnswer, RequestEnd
from portal.acknowledgements.queries import campaigns as queries
from portal.core import clock, jobs
from portal.core.db import session
from portal.core.transaction import own_transaction
from portal.journal.queries import list_entries_about
from portal.library.models import AudienceKind, ChangeClass
from tests.acknowledgements.builders import (
    MONDAY,
    answer,
    ask,
    away,
    confirm,
    delta_of,
    holidays,
    make_first,
    make_questions,
    open_delta,
    places,
    publish,
    request_of,
)
from tests.builders import Cast, make_grant, make_person
from tests.page_client import Page
from tests.queries import counted_queries
from tests.quizzes.builders import SECRET

SLUG = {"slug": "impersonation"}


@pytest.fixture(autouse=True)
def _monday(app: Any) -> Any:
    with clock.frozen(MONDAY):
        yield


@pytest.fixture
def asked(cast: Cast) -> Campaign:
    """Version 2.0, asked of everybody; the learner had confirmed 1.0, and there are questions about a change."""
    holidays()
    confirm(cast.learner, make_first(cast.author))
    make_questions(cast.author)
    return ask(cast.author, effective_at=MONDAY + timedelta(days=9))


def form_of(person: Any, *, right: bool) -> dict[str, list[str]]:
    """Return what the page sends for answers that are all right or all wrong."""
    found = delta_of(person)
    given = places(person, found, right=right)
    return {
        f"question_{number}-{part}": values
        for number, item in enumerate(found.check, start=1)
        for part, values in given[item.address].items()
    }


# --- the reader ---------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_delta_shows_before_and_after_and_from_when(cast: Cast, asked: Campaign, as_: Any, language: str) -> None:
    page = as_(cast.learner, language=language).get("acknowledgements.delta", **SLUG)
    told = {
        "en": ["1 clause changed", "Before", "None.", "One: 2.0.", "Look for labels.", "Applies from", "JST"],
        "ja": [
            "変更された条項1件",
            "変更前",
            "ありません。",
            "一つあります（2.0）。",
            "表示を確かめます。",
            "から適用",
            "JST",
        ],
    }[language]
    for words in told:
        assert words in page.text
    assert len(page.all("button", class_="button--primary")) == 1


def test_no_key_is_sent_before_she_has_answered(cast: Cast, asked: Campaign, as_: Any) -> None:
    page = as_(cast.learner).get("acknowledgements.delta", **SLUG)
    assert SECRET not in page.body
    assert not page.all("input", name="delta_agree")


def test_a_wrong_answer_is_explained_and_given_again(cast: Cast, asked: Campaign, as_: Any) -> None:
    browser = as_(cast.learner, language="en")
    browser.get("acknowledgements.delta", **SLUG)
    browser.post("acknowledgements.answer_delta", form_of(cast.learner, right=False), **SLUG)
    page = browser.get("acknowledgements.delta", **SLUG)
    assert "Not right yet" in page.text
    assert SECRET in page.text
    assert not page.all("input", name="delta_agree")
    browser.post("acknowledgements.answer_delta", form_of(cast.learner, right=True), **SLUG)
    page = browser.get("acknowledgements.delta", **SLUG)
    assert page.all("input", name="delta_agree")
    assert len(page.all("button", class_="button--primary")) == 1


def test_answers_that_are_missing_or_invented_are_refused_in_words(cast: Cast, asked: Campaign, as_: Any) -> None:
    browser = as_(cast.learner, language="en")
    page = browser.post("acknowledgements.answer_delta", {}, expect=400, **SLUG)
    assert isinstance(page, Page)
    assert "Answer every question" in page.text
    invented = {name: ["99"] for name in form_of(cast.learner, right=True)}
    page = browser.post("acknowledgements.answer_delta", invented, expect=400, **SLUG)
    assert "not among those offered" in page.text  # type: ignore[union-attr]


def test_understood_confirms_and_closes_what_was_asked(cast: Cast, asked: Campaign, as_: Any) -> None:
    browser = as_(cast.learner, language="en")
    browser.get("acknowledgements.delta", **SLUG)
    answer(cast.learner)
    page = browser.post("acknowledgements.confirm_delta", {"delta_shown_language": "en"}, expect=400, **SLUG)
    assert "Tick the box" in page.text  # type: ignore[union-attr]
    browser.post("acknowledgements.confirm_delta", {"delta_agree": "y", "delta_shown_language": "en"}, **SLUG)
    assert request_of(asked, cast.learner).closed_as is RequestEnd.CONFIRMED
    assert "Version 2.0 has been confirmed." in browser.get("training.today").text
    # A second time there is nothing to confirm.
    again = browser.post(
        "acknowledgements.confirm_delta", {"delta_agree": "y", "delta_shown_language": "en"}, expect=409, **SLUG
    )
    assert "Nothing about this document waits" in again.text  # type: ignore[union-attr]


def test_a_confirmation_sent_past_the_page_is_refused(cast: Cast, asked: Campaign, as_: Any) -> None:
    browser = as_(cast.learner, language="en")
    for _try in range(2):
        browser.post("acknowledgements.confirm_delta", {"delta_agree": "y", "delta_shown_language": "en"}, **SLUG)
        assert request_of(asked, cast.learner).closed_at is None
        open_delta(cast.learner)


def test_whoever_has_confirmed_nothing_yet_is_led_to_the_text(cast: Cast, asked: Campaign, as_: Any) -> None:
    response = as_(cast.colleague).fetch("acknowledgements.delta", **SLUG)
    assert response.status_code == 302
    for endpoint in ("acknowledgements.answer_delta", "acknowledgements.confirm_delta"):
        moved = as_(cast.colleague).post(endpoint, {}, **SLUG)
        assert moved.headers["Location"].endswith("/library/impersonation/versions/2.0")
    page = as_(cast.colleague, language="en").get("library.read_version", slug="impersonation", number="2.0")
    assert "To be confirmed by Mon 8 Jun 2026" in page.text


def test_the_reading_page_leads_to_the_changes(cast: Cast, asked: Campaign, as_: Any) -> None:
    browser = as_(cast.learner, language="en")
    page = browser.get("library.read_version", slug="impersonation", number="2.0")
    assert any(href.endswith("/library/impersonation/delta") for href in page.links())
    assert "2 questions" in page.text
    response = browser.post(
        "acknowledgements.acknowledge", {"confirmation_agree": "y", "confirmation_shown_language": "en"},
        slug="impersonation", number="2.0",
    )  # fmt: skip
    assert response.headers["Location"].endswith("/library/impersonation/delta")  # type: ignore[union-attr]


def test_sensitive_clauses_are_warned_about_first(cast: Cast, as_: Any) -> None:
    from tests.acknowledgements.builders import changed

    confirm(cast.learner, make_first(cast.author))
    ask(cast.author, texts=changed(changes={"carries a label": "carries two labels"}))
    page = as_(cast.learner, language="en").get("acknowledgements.delta", **SLUG)
    assert "Sensitive content, S1" in page.text


# --- questions ----------------------------------------------------------------------------------


def test_a_question_is_kept_with_the_clause_and_its_owner_answers_it(cast: Cast, asked: Campaign, as_: Any) -> None:
    with own_transaction():
        ownership.set_owner(kind="document", code="impersonation", owner=cast.lead, by=cast.author)
    browser = as_(cast.learner, language="en")
    page = browser.post("acknowledgements.ask_question", {"clause": "scope", "body": " "}, expect=400, **SLUG)
    assert "Write the question." in page.text  # type: ignore[union-attr]
    page = browser.post("acknowledgements.ask_question", {"clause": "nowhere", "body": "What?"}, expect=400, **SLUG)
    assert "no such clause" in page.text  # type: ignore[union-attr]
    browser.post("acknowledgements.ask_question", {"clause": "exceptions", "body": "Is satire one?"}, **SLUG)
    question = session.query(ClauseQuestion).one()
    assert (question.anchor, question.version.number, request_of(asked, cast.learner).closed_at) == (
        "exceptions", "2.0", None,
    )  # fmt: skip
    owner = as_(cast.lead, language="en")
    assert "Is satire one?" in owner.get("acknowledgements.list_questions").text
    owner.get("acknowledgements.question", code=question.code)
    owner.post("acknowledgements.answer_question", {"answer": ""}, expect=400, code=question.code)
    owner.post("acknowledgements.answer_question", {"answer": "It is."}, code=question.code)
    page = owner.post("acknowledgements.answer_question", {"answer": "Twice."}, expect=409, code=question.code)
    assert "answered already" in page.text  # type: ignore[union-attr]
    assert "It is." in browser.get("acknowledgements.delta", **SLUG).text
    jobs.run_due()


def test_only_those_who_answer_for_a_document_see_its_questions(cast: Cast, asked: Campaign, as_: Any) -> None:
    as_(cast.learner).post("acknowledgements.ask_question", {"clause": "", "body": "Why?"}, **SLUG)
    code = session.query(ClauseQuestion).one().code
    as_(cast.author).get("acknowledgements.question", code=code)
    as_(cast.colleague).get("acknowledgements.question", code=code, expect=404)
    assert "Why?" in as_(cast.author).get("acknowledgements.list_questions").text
    assert "Why?" not in as_(cast.colleague).get("acknowledgements.list_questions").text
    as_(cast.author).get("acknowledgements.question", code="NOSUCHCODE12", expect=404)


# --- the day ------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "ja"])
def test_today_lists_what_is_to_be_confirmed_with_its_minutes(
    cast: Cast, asked: Campaign, as_: Any, language: str
) -> None:
    page = as_(cast.learner, language=language).get("training.today")
    assert {"en": "what changed in version 2.0", "ja": "第2.0版の変更点"}[language] in page.text
    # A minute of reading and one for each of two questions.
    assert {"en": "3 min", "ja": "3分"}[language] in page.text
    assert any(href.endswith("/library/impersonation/delta") for href in page.links())


# --- the lead -----------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_lead_sees_coverage_with_its_formula_and_the_people(
    cast: Cast, asked: Campaign, as_: Any, language: str
) -> None:
    confirm(cast.colleague, asked.version)
    away(cast.author, "2026-06-01", "2026-06-02", cast.lead)
    browser = as_(cast.lead, language=language)
    assert "/campaigns/" in " ".join(browser.get("acknowledgements.list_campaigns").links())
    page = browser.get("acknowledgements.campaign", code=asked.code)
    # Of five people in her team one is away.
    assert "25" in page.text
    assert {"en": "1 of 4 on duty", "ja": "勤務中の4人中1人"}[language] in page.text
    assert {"en": "Confirmed ÷ asked and on duty", "ja": "確認済みの人数÷"}[language] in page.text
    assert {"en": "has accepted the invitation", "ja": "招待を承諾しており"}[language] in page.text
    assert {"en": "a term of their own", "ja": "別の期間"}[language] in page.text
    shown = browser.get("acknowledgements.campaign", code=asked.code, status="confirmed")
    assert cast.colleague.name_in(language) in shown.text
    assert cast.learner.name_in(language) not in shown.text


def test_a_lead_sees_only_her_people(cast: Cast, asked: Campaign, as_: Any) -> None:
    make_grant(cast.outsider, Role.LEAD, Scope.TEAM, "payments-safety")
    page = as_(cast.outsider, language="en").get("acknowledgements.campaign", code=asked.code)
    assert cast.outsider.name_in("en") in page.text
    for person in (cast.learner, cast.colleague, cast.lead):
        assert person.name_in("en") not in page.text
    csv = as_(cast.outsider).fetch("acknowledgements.campaign_csv", code=asked.code).get_data(as_text=True)
    assert cast.outsider.code in csv
    assert cast.learner.code not in csv


def test_a_lead_of_another_market_does_not_find_what_is_not_asked_there(cast: Cast, as_: Any) -> None:
    make_first(cast.author, audience={AudienceKind.MARKET: ["JP"]})
    campaign = ask(cast.author)
    make_grant(cast.outsider, Role.LEAD, Scope.TEAM, "payments-safety")
    assert campaign.code not in as_(cast.outsider).get("acknowledgements.list_campaigns").body
    as_(cast.outsider).get("acknowledgements.campaign", code=campaign.code, expect=404)


def test_the_evidence_names_text_language_moment_and_answers_and_no_formula(
    cast: Cast, asked: Campaign, as_: Any
) -> None:
    cast.learner.shown_as = "=1+1"
    session.commit()
    open_delta(cast.learner)
    answer(cast.learner, right=False)
    answer(cast.learner)
    browser = as_(cast.learner)
    browser.post("acknowledgements.confirm_delta", {"delta_agree": "y", "delta_shown_language": "ja"}, **SLUG)
    response = as_(cast.admin, language="en").fetch("acknowledgements.campaign_csv", code=asked.code)
    data = response.get_data()
    assert data.startswith(b"\xef\xbb\xbf")
    line = next(each for each in data.decode("utf-8-sig").splitlines() if cast.learner.code in each)
    text = asked.version.text_in("ja")
    assert text is not None
    for part in (
        "'=1+1",
        asked.version.hash,
        text.hash,
        "2026-06-01T01:00:00Z",
        "JP",
        "ja",
        "127.0.0.0/24",
        "wrong",
        "right",
    ):
        assert part in line, part


def test_letting_off_and_ending_want_a_reason(cast: Cast, asked: Campaign, as_: Any) -> None:
    lead = as_(cast.lead, language="en")
    values = {"code": asked.code, "person": cast.learner.code}
    lead.get("acknowledgements.exempt", **values)
    page = lead.post("acknowledgements.exempt", {"reason": ""}, expect=400, **values)
    assert "Say why" in page.text  # type: ignore[union-attr]
    lead.post("acknowledgements.exempt", {"reason": "Other work."}, **values)
    assert request_of(asked, cast.learner).closed_as is RequestEnd.EXEMPT
    lead.get("acknowledgements.close_campaign", code=asked.code, expect=403)
    # Nobody lets herself off.
    lead.get("acknowledgements.exempt", code=asked.code, person=cast.lead.code, expect=403)
    author = as_(cast.author, language="en")
    author.get("acknowledgements.close_campaign", code=asked.code)
    author.post("acknowledgements.close_campaign", {"reason": "Not needed."}, code=asked.code)
    assert "Ended by hand" in author.get("acknowledgements.campaign", code=asked.code).text


def test_an_exemption_is_explained_to_all_whom_it_concerns_and_taken_back(
    cast: Cast, asked: Campaign, as_: Any
) -> None:
    lead, values = as_(cast.lead, language="en"), {"code": asked.code, "person": cast.learner.code}
    lead.post("acknowledgements.exempt", {"reason": "Other work."}, **values)
    shown = f"by {cast.lead.name_in('en')}: Other work."
    assert shown in as_(cast.admin, language="en").get("acknowledgements.campaign", code=asked.code).text
    csv = as_(cast.admin, language="en").fetch("acknowledgements.campaign_csv", code=asked.code).get_data(as_text=True)
    line = next(each for each in csv.splitlines() if cast.learner.code in each)
    assert f"{cast.lead.code},2026-06-01T01:00:00Z,Other work." in line
    own = as_(cast.learner, language="en")
    reading = {"endpoint": "library.read_version", "number": "2.0", **SLUG}
    for page in (own.get("acknowledgements.delta", **SLUG), own.get(**reading)):
        assert "need not be confirmed" in page.text
        assert f"Let off by {cast.lead.name_in('en')}: Other work." in page.text
    # Nobody takes back what others decided about herself.
    own.get("acknowledgements.end_exemption", expect=404, **values)
    with clock.frozen(MONDAY + timedelta(days=3)):
        admin = as_(cast.admin, language="en")
        assert "Other work." in admin.get("acknowledgements.end_exemption", **values).text
        admin.post("acknowledgements.end_exemption", {"reason": " "}, expect=400, **values)
        admin.post("acknowledgements.end_exemption", {"reason": "Back to the queue."}, **values)
        request = request_of(asked, cast.learner)
        assert (request.closed_at, request.exempt_by, request.due_on) == (None, None, date(2026, 6, 10))
        assert request.next_mail == 0
        page = admin.post("acknowledgements.end_exemption", {"reason": "Twice."}, expect=409, **values)
        assert "not exempt any more" in page.text  # type: ignore[union-attr]
        assert "need not be confirmed" not in as_(cast.learner, language="en").get(**reading).text
    entry = next(
        each for each in list_entries_about("campaign", asked.code) if each.action == "acknowledgements.exemption_ended"
    )
    assert entry.reason == "Back to the queue."


def test_the_numbers_of_a_campaign_lead_to_who_and_what_is_behind_them(cast: Cast, asked: Campaign, as_: Any) -> None:
    open_delta(cast.learner)
    answer(cast.learner, right=False)
    answer(cast.learner)
    with clock.frozen(MONDAY + timedelta(hours=5)):
        as_(cast.learner).post(
            "acknowledgements.confirm_delta", {"delta_agree": "y", "delta_shown_language": "ja"}, **SLUG
        )
        confirm(cast.colleague, asked.version)
    ask_about(cast.author, as_)
    with clock.frozen(MONDAY + timedelta(hours=6)):
        page = as_(cast.lead, language="en").get("acknowledgements.campaign", code=asked.code)
        assert "0 of 2 answers" in page.text
        assert "5 hours" in page.text
        assert "Open questions" in page.text
        links = " ".join(page.links())
        assert "status=declined" in links
        assert "status=confirmed" in links
        assert "#comprehension" in links
        csv = as_(cast.lead, language="en").fetch("acknowledgements.campaign_csv", code=asked.code)
    tried = delta_of(cast.learner)
    assert tried.request is None
    line = next(each for each in csv.get_data(as_text=True).splitlines() if cast.learner.code in each)
    given = session.scalars(select(DeltaAnswer).order_by(DeltaAnswer.id)).first()
    assert given is not None
    part, chosen = next(iter(given.answer.items()))
    assert f"{part}={'+'.join(chosen)}" in line


def ask_about(person: Any, as_: Any) -> ClauseQuestion:
    as_(person, language="en").post(
        "acknowledgements.ask_question", {"clause": "exceptions", "body": "Is a parody meant, too?"}, **SLUG
    )
    return session.scalars(select(ClauseQuestion).order_by(ClauseQuestion.id.desc())).first()  # type: ignore[return-value]


def test_a_lead_finds_the_question_of_hers_and_that_it_was_answered(cast: Cast, asked: Campaign, as_: Any) -> None:
    question = ask_about(cast.learner, as_)
    lead = as_(cast.lead, language="en")
    page = lead.get("acknowledgements.campaign", code=asked.code)
    assert f"/questions/{question.code}" in " ".join(page.links())
    shown = lead.get("acknowledgements.question", code=question.code)
    assert "parody" in shown.text
    assert "Send the answer" not in shown.text
    lead.post("acknowledgements.answer_question", {"answer": "Yes."}, expect=403, code=question.code)
    make_grant(cast.outsider, Role.LEAD, Scope.TEAM, "payments-safety")
    as_(cast.outsider).get("acknowledgements.question", expect=404, code=question.code)
    as_(cast.author).post("acknowledgements.answer_question", {"answer": "Yes."}, code=question.code)
    page = lead.get("acknowledgements.campaign", code=asked.code)
    assert "Question answered" in page.text
    assert f"/questions/{question.code}" in " ".join(page.links())
    assert cast.learner.name_in("en") in lead.get("acknowledgements.campaign", code=asked.code, status="answered").text


@pytest.mark.parametrize("language", ["en", "ja"])
def test_an_open_emergency_is_on_every_page_until_it_is_confirmed(cast: Cast, as_: Any, language: str) -> None:
    make_first(cast.author)
    words = {"en": "Emergency change: to be confirmed at once", "ja": "緊急の変更です"}[language]
    browser = as_(cast.learner, language=language)
    browser.get("library.index")
    with counted_queries() as before:
        assert words not in browser.get("library.index").text
    campaign = ask(cast.author, change_class=ChangeClass.EMERGENCY, effective_at=MONDAY)
    for endpoint in ("library.index", "training.today", "accounts.own_account", "acknowledgements.own"):
        page = browser.get(endpoint)
        assert words in page.text
        assert "/library/impersonation/delta" in " ".join(page.links())
    with counted_queries() as after:
        browser.get("library.index")
    # Only those who are asked take the one statement.
    assert len(after) == len(before) + 1
    confirm(cast.learner, campaign.version)
    assert words not in browser.get("library.index").text


def test_the_page_of_a_campaign_takes_the_same_statements_for_more_people(
    cast: Cast, asked: Campaign, as_: Any
) -> None:
    browser = as_(cast.lead, language="en")

    def statements() -> int:
        browser.get("acknowledgements.campaign", code=asked.code)
        with counted_queries() as found:
            browser.get("acknowledgements.campaign", code=asked.code)
        return len(found)

    before = statements()
    for _number in range(8):
        make_person(team=cast.learner.team)
    jobs.run_periodic("acknowledgements.keep_up")
    assert len(queries.list_standings(asked, queries_reach(), MONDAY)) == 15
    assert statements() == before


def queries_reach() -> Any:
    from portal.cohorts.permissions import Reach

    return Reach(True, frozenset(), frozenset(), frozenset())


def test_the_page_shows_how_far_the_asking_is(cast: Cast, as_: Any) -> None:
    make_first(cast.author)
    version = publish("impersonation", cast.author)
    from portal.acknowledgements.service import campaigns as service

    steps = service.ask_audience(version.id)
    with own_transaction():
        next(steps)
    steps.close()
    campaign = queries.find_campaign_of(version.id)
    assert campaign is not None
    page = as_(cast.admin, language="en").get("acknowledgements.campaign", code=campaign.code)
    assert "Asking the audience" in page.text
    assert page.all("progress")
