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
from portal.acknowledgements.service import deltas
from portal.core import clock, jobs
from portal.core.db import session
from portal.core.transaction import own_transaction
from portal.journal.queries import list_entries_about
from portal.library import queries as library
from portal.library.models import AudienceKind, ChangeClass
from portal.library.service.versions import publish_version
from tests.acknowledgements.builders import (
    MONDAY,
    answer,
    ask,
    away,
    changed,
    confirm,
    delta_of,
    holidays,
    make_first,
    make_questions,
    open_delta,
    places,
    publish,
    read_text,
    request_of,
    understand,
)
from tests.beginnings import beginning
from tests.builders import Cast, make_grant, make_person
from tests.library.builders import JA, english, japanese, make_document, make_draft, make_version
from tests.page_client import Page
from tests.queries import counted_queries
from tests.quizzes.builders import SECRET

SLUG = {"slug": "impersonation"}


@pytest.fixture(autouse=True)
def _monday(app: Any) -> Any:
    with clock.frozen(MONDAY):
        yield


@pytest.fixture
@beginning
def asked(cast: Cast) -> Campaign:
    """Version 2.0, asked of everybody; the learner had confirmed 1.0, and there are questions about a change."""
    holidays()
    confirm(cast.learner, make_first(cast.author))
    make_questions(cast.author)
    return ask(cast.author, effective_at=MONDAY + timedelta(days=9))


def confirm_with_questions(person: Any, campaign: Campaign) -> None:
    """Let a person who has confirmed nothing yet read the text, answer and confirm."""
    read_text(person, campaign.version)
    open_delta(person)
    answer(person)
    understand(person)


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


@pytest.mark.parametrize("language", ["en", "ja"])
def test_what_changed_in_a_translation_only_is_told_in_either_language(cast: Cast, as_: Any, language: str) -> None:
    first = make_first(cast.author)
    confirm(cast.learner, first)
    ask(cast.author, effective_at=MONDAY, texts=[english(), japanese(JA.replace("ありません。", "今はあります。"))])
    page = as_(cast.learner, language=language).get("acknowledgements.delta", **SLUG)
    said = {
        "en": ["No clause differs", "changed in a translation only", "Changed in Japanese only"],
        "ja": ["翻訳だけが変わった条項", "今はあります。"],
    }[language]
    for words in said:
        assert words in page.text
    assert "Every clause reads as it did" not in page.text
    assert "どの条項も、最後に確認した版と同じ文言です" not in page.text


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
        assert moved.headers["Location"].endswith("/library/impersonation/versions/2.0#confirmation")
    page = as_(cast.colleague, language="en").get("library.read_version", slug="impersonation", number="2.0")
    assert "To be confirmed by Mon 8 Jun 2026" in page.text


@pytest.mark.parametrize("language", ["en", "ja"])
def test_whoever_has_confirmed_nothing_yet_answers_the_same_questions_once_she_has_read_the_text(
    cast: Cast, asked: Campaign, as_: Any, language: str
) -> None:
    browser = as_(cast.colleague, language=language)
    read = {"slug": "impersonation", "number": "2.0"}
    text = browser.get("library.read_version", **read)
    # Nothing is confirmed past the questions.
    assert not text.all("form", action="/library/impersonation/versions/2.0/acknowledge")
    assert any(href.endswith("/library/impersonation/delta") for href in text.links())
    sent = {"confirmation_agree": "y", "confirmation_shown_language": language}
    moved = browser.post("acknowledgements.acknowledge", sent, **read)
    assert moved.headers["Location"].endswith("/library/impersonation/delta")
    page = browser.get("acknowledgements.delta", **SLUG)
    assert {"en": "No earlier version was confirmed", "ja": "確認した版がまだない"}[language] in page.text
    assert len(delta_of(cast.colleague).check) == len(delta_of(cast.learner).check) == 2
    assert not page.all("form", action="/library/impersonation/delta/confirmation")
    browser.post("acknowledgements.answer_delta", form_of(cast.colleague, right=True), **SLUG)
    browser.post("acknowledgements.confirm_delta", {"delta_agree": "y", "delta_shown_language": language}, **SLUG)
    assert request_of(asked, cast.colleague).closed_as is RequestEnd.CONFIRMED


def test_the_first_version_is_asked_about_as_a_whole(cast: Cast, as_: Any) -> None:
    document = make_document(cast.author)
    with own_transaction():
        version = publish_version(
            document=document, number="1.0", change_class=ChangeClass.MATERIAL, effective_at=None, zone="Asia/Tokyo",
            texts=[english(), japanese()], author=cast.author, approver=cast.approver,
        )  # fmt: skip
    make_questions(cast.author, clauses=("scope", "exceptions", "fan-accounts"))
    jobs.run_due()
    read_text(cast.learner, version)
    assert len(delta_of(cast.learner).check) == 3
    page = as_(cast.learner, language="en").get("acknowledgements.delta", **SLUG)
    assert "This is the first version" in page.text


def test_what_changed_is_confirmed_on_its_own_page_alone(cast: Cast, as_: Any) -> None:
    first = make_first(cast.author)
    confirm(cast.learner, first)
    campaign = ask(cast.author, effective_at=MONDAY + timedelta(days=9))
    browser = as_(cast.learner, language="en")
    read = {"slug": "impersonation", "number": "2.0"}
    page = browser.get("library.read_version", **read)
    assert not page.all("form", action="/library/impersonation/versions/2.0/acknowledge")
    assert [button.get("href") for button in page.all("a", **{"class": "button button--primary"})] == [
        "/library/impersonation/delta"
    ]
    sent = {"confirmation_agree": "y", "confirmation_shown_language": "en"}
    moved = browser.post("acknowledgements.acknowledge", sent, **read)
    assert moved.headers["Location"].endswith("/library/impersonation/delta")
    assert request_of(campaign, cast.learner).closed_at is None


def test_a_version_on_the_way_to_the_one_asked_for_is_confirmed_with_it(cast: Cast, as_: Any) -> None:
    confirm(cast.learner, make_first(cast.author))
    make_questions(cast.author)
    ask(cast.author, "2.0", effective_at=MONDAY)
    ask(cast.author, "3.0", effective_at=MONDAY + timedelta(days=9))
    browser = as_(cast.learner, language="en")
    page = browser.get("library.read", **SLUG)
    assert not page.all("form", action="/library/impersonation/versions/2.0/acknowledge")
    sent = {"confirmation_agree": "y", "confirmation_shown_language": "en"}
    moved = browser.post("acknowledgements.acknowledge", sent, slug="impersonation", number="2.0")
    assert moved.headers["Location"].endswith("/library/impersonation/delta")


@pytest.mark.parametrize("language", ["en", "ja"])
def test_what_asks_nobody_is_confirmed_by_the_version_before_it(cast: Cast, as_: Any, language: str) -> None:
    confirm(cast.learner, make_first(cast.author))
    publish("impersonation", cast.author, "1.1", change_class=ChangeClass.EDITORIAL)
    publish("impersonation", cast.author, "1.2", change_class=ChangeClass.MINOR, texts=changed("more"))
    browser = as_(cast.learner, language=language)
    page = browser.get("library.read", **SLUG)
    assert {"en": "Confirmed in version 1.0", "ja": "第1.0版で確認済み"}[language] in page.text
    assert not page.all("form", action="/library/impersonation/versions/1.2/acknowledge")
    assert not page.all("form", action="/library/impersonation/versions/1.2/read")
    sent = {"confirmation_agree": "y", "confirmation_shown_language": language}
    refused = browser.post("acknowledgements.acknowledge", sent, expect=409, slug="impersonation", number="1.2")
    assert {"en": "nothing that asks for a new", "ja": "新たに確認が必要な変更は"}[language] in refused.text
    # Who has confirmed nothing yet confirms what is in force.
    other = as_(cast.colleague, language=language).get("library.read", **SLUG)
    assert other.all("form", action="/library/impersonation/versions/1.2/acknowledge")


@pytest.mark.parametrize("language", ["en", "ja"])
def test_what_is_confirmed_ahead_is_named_on_the_page_of_what_still_applies(
    cast: Cast, asked: Campaign, as_: Any, language: str
) -> None:
    open_delta(cast.learner)
    answer(cast.learner)
    understand(cast.learner)
    browser = as_(cast.learner, language=language)
    moved = browser.fetch("acknowledgements.delta", **SLUG)
    assert moved.headers["Location"].endswith("/library/impersonation#confirmation")
    page = browser.get("library.read", **SLUG)
    assert {"en": "Version 2.0 is confirmed already", "ja": "第2.0版はすでに確認済みです"}[language] in page.text
    assert {"en": "10 Jun 2026", "ja": "2026年6月10日"}[language] in page.text


def test_what_to_do_differently_stands_in_the_order_of_taking_effect(cast: Cast) -> None:
    confirm(cast.learner, make_first(cast.author))
    for number, days in (("2.0", 9), ("3.0", 9), ("4.0", 12)):
        ask(cast.author, number, effective_at=MONDAY + timedelta(days=days))
    told = deltas.news_of(delta_of(cast.learner), "en")
    assert [each.number for each in told] == ["2.0", "3.0", "4.0"]


@pytest.mark.parametrize("language", ["en", "ja"])
def test_questions_that_wait_to_be_looked_at_are_counted_where_none_is_asked(
    cast: Cast, as_: Any, language: str
) -> None:
    confirm(cast.learner, make_first(cast.author))
    make_questions(cast.author)
    # Nobody has looked at the questions since.
    make_version(library.get_document("impersonation"), cast.author, "2.0", texts=changed("2.0"))
    jobs.run_due()
    page = as_(cast.learner, language=language).get("acknowledgements.delta", **SLUG)
    said = {"en": "2 questions wait until somebody has compared them", "ja": "2件の設問は、新しい文との照合"}
    assert said[language] in page.text


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
    confirm_with_questions(cast.colleague, asked)
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


# --- kept with the clause -----------------------------------------------------------------------


def _ask_about(browser: Any, clause: str, body: str) -> ClauseQuestion:
    browser.post("acknowledgements.ask_question", {"clause": clause, "body": body}, **SLUG)
    return session.query(ClauseQuestion).filter_by(body=body).one()


def _notes(page: Page) -> dict[str, tuple[str, str]]:
    """Return clause → words and address of the marker in its margin."""
    found = {}
    for clause in page.tree.iter("section"):
        if clause.get("data-clause") is None:
            continue
        for link in clause.iter("a"):
            if link.get("class") == "clause__note":
                found[str(clause.get("data-clause"))] = ("".join(link.itertext()).strip(), str(link.get("href")))
    return found


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_question_stands_beside_its_clause_for_who_asked_and_for_those_who_answer(
    cast: Cast, asked: Campaign, as_: Any, language: str
) -> None:
    asker = as_(cast.learner, language=language)
    first = _ask_about(asker, "exceptions", "Is satire one?")
    code, read = first.code, {"slug": "impersonation", "number": "2.0"}
    shown = _notes(asker.get("library.read_version", **read))
    assert shown == {"exceptions": ({"en": "1 open question", "ja": "未回答の質問1件"}[language], f"/questions/{code}")}
    author = as_(cast.author, language=language)
    assert _notes(author.get("library.read_version", **read)) == shown
    # Nobody else sees that somebody asked, and the text that is kept for all of them says nothing of it.
    assert _notes(as_(cast.colleague, language=language).get("library.read_version", **read)) == {}
    author.post("acknowledgements.question", {"answer": "It is."}, code=code)
    _ask_about(as_(cast.colleague, language=language), "exceptions", "And parody?")
    both = _notes(author.get("library.read_version", **read))["exceptions"]
    assert both[0] == {"en": "2 questions asked, 1 open", "ja": "質問2件（うち未回答1件）"}[language]
    listed = Page(author.send("GET", both[1]))
    assert "Is satire one?" in listed.text
    assert "And parody?" in listed.text
    own = _notes(asker.get("library.read_version", **read))["exceptions"]
    assert own == ({"en": "1 question asked", "ja": "質問1件"}[language], f"/questions/{code}")


def test_a_question_goes_with_its_clause_as_long_as_that_reads_the_same(cast: Cast, asked: Campaign, as_: Any) -> None:
    asker, author = as_(cast.learner, language="en"), as_(cast.author, language="en")
    then = {"effective_at": asked.version.effective_at}
    answered = _ask_about(asker, "exceptions", "Is satire one?")
    author.post("acknowledgements.question", {"answer": "It is."}, code=answered.code)
    publish("impersonation", cast.author, "2.1", change_class=ChangeClass.EDITORIAL, texts=changed("2.0"), **then)
    later = {"slug": "impersonation", "number": "2.1"}
    assert set(_notes(author.get("library.read_version", **later))) == {"exceptions"}
    publish("impersonation", cast.author, "3.0", texts=changed("something else"), **then)
    later["number"] = "3.0"
    assert _notes(author.get("library.read_version", **later)) == {}
    # One that still waits stays beside the new words: they may answer it.
    _ask_about(as_(cast.colleague), "scope", "Who is meant?")
    publish(
        "impersonation", cast.author, "4.0", texts=changed(changes={"carries a label": "carries two labels"}), **then
    )
    later["number"] = "4.0"
    assert set(_notes(author.get("library.read_version", **later))) == {"scope"}


def test_what_waits_for_an_answer_stands_beside_the_clause_of_a_draft(cast: Cast, asked: Campaign, as_: Any) -> None:
    open_question = _ask_about(as_(cast.learner), "exceptions", "Is satire one?")
    code = open_question.code
    draft = make_draft(library.get_document("impersonation"), cast.author)
    assert _notes(as_(cast.author, language="en").get("library.draft", code=draft.code)) == {
        "exceptions": ("1 open question", f"/questions/{code}")
    }
    # Who approves sees what she may see.
    assert _notes(as_(cast.approver).get("library.draft", code=draft.code)) == {}
    as_(cast.author).post("acknowledgements.question", {"answer": "It is."}, code=code)
    assert _notes(as_(cast.author).get("library.draft", code=draft.code)) == {}


@pytest.mark.parametrize("language", ["en", "ja"])
def test_who_asked_finds_her_questions_and_what_an_answer_does(
    cast: Cast, asked: Campaign, as_: Any, language: str
) -> None:
    asker, author = as_(cast.learner, language=language), as_(cast.author, language=language)
    assert {"en": "No question asked yet", "ja": "まだ質問はありません"}[language] in asker.get(
        "acknowledgements.list_questions"
    ).text
    # Asked on her English pages.
    code = _ask_about(as_(cast.learner, language="en"), "exceptions", "Is satire one?").code
    page = asker.get("acknowledgements.list_questions")
    assert "Is satire one?" in page.text
    assert {"en": "Nobody has a question", "ja": "質問はありません"}[language] not in page.text
    waiting = asker.get("acknowledgements.question", code=code)
    assert not waiting.all("textarea")
    asker.post("acknowledgements.question", {"answer": "Yes."}, code=code, expect=403)
    author.post("acknowledgements.question", {"answer": "It is."}, code=code)
    answered = asker.get("acknowledgements.question", code=code)
    assert "It is." in answered.text
    assert {"en": "the version can be confirmed", "ja": "この版を確認できます"}[language] in answered.text
    assert any(href.endswith("/library/impersonation/delta") for href in answered.links())
    # The campaign leads to them.
    campaign = author.get("acknowledgements.campaign", code=asked.code)
    assert any("/questions?document=impersonation" in href for href in campaign.links())
