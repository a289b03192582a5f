"""The coverage of a quiz, and revising its terms in the browser."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from sqlalchemy import func, select

from portal.accounts import queries as people
from portal.core import clock
from portal.core.db import session
from portal.core.transaction import own_transaction
from portal.quizzes import queries
from portal.quizzes.content import QuizzesPart
from portal.quizzes.errors import QuizAddressTaken, QuizMovedOn
from portal.quizzes.formats.markdown import BankQuestion
from portal.quizzes.models import Attempt, Layout, Navigation, SecondMarker
from portal.quizzes.service.attempts import submit_attempt
from portal.quizzes.service.banks import terms_of_version
from portal.quizzes.service.revising import add_quiz, raised, revise_quiz
from portal.quizzes.service.terms import doubtful
from tests.builders import MORNING, Cast
from tests.library import builders as library
from tests.queries import counted_queries
from tests.quizzes.builders import (
    KINDS,
    answer,
    begin,
    make_bank,
    make_content,
    make_quiz,
    make_terms,
    make_written,
    right_answer,
)

BLUEPRINT = [
    {"bank": "impersonation", "count": 2, "types": ["single_choice"], "strata": "clause"},
    {"bank": "impersonation", "count": 2, "types": ["case"]},
]


def _bank(cast: Cast, size: int = 8) -> None:
    questions = [
        BankQuestion(
            f"imp-{n:03d}",
            make_content(n, KINDS[n % 4], clauses=(f"impersonation#{('fan-accounts', 'parody')[n % 8 // 4]}",)),
            "draft" if n == 5 else "live",
        )
        for n in range(size)
    ]
    make_bank(cast.author, questions=tuple(questions))


def _form(client: Any, slug: str = "impersonation") -> dict[str, Any]:
    """Return what the form of a quiz says as it is shown."""
    page = client.get("quizzes.edit", slug=slug)
    fields: dict[str, Any] = {}
    for field in page.all("input") + page.all("textarea"):
        name, kind = field.get("name"), field.get("type")
        if name is None or (kind in ("checkbox", "radio") and field.get("checked") is None):
            continue
        if kind == "checkbox":
            fields.setdefault(name, []).append(field.get("value"))
        else:
            fields[name] = field.get("value") or ""
    for field in page.all("select"):
        chosen = [option.get("value") for option in field.iter() if option.get("selected") is not None]
        fields[field.get("name")] = chosen[0] if chosen else ""
    fields.pop("q", None)
    return fields


# --- coverage ---


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_page_names_the_depth_of_each_draw_and_the_clauses_that_nobody_asks(
    cast: Cast, as_: Any, language: str
) -> None:
    with clock.frozen(MORNING):
        library.make_published(cast.author)
        _bank(cast)
        make_quiz(cast.author, bank=False, blueprint=BLUEPRINT, pilots=1)
        client = as_(cast.author, language=language)
        page = client.get("quizzes.coverage", slug="impersonation")
        too_shallow = {"en": "too shallow", "ja": "余裕がありません"}[language]
        assert too_shallow in page.text
        assert {"en": "Questions on trial: 1 asked for, 0 there", "ja": "0問しかありません"}[language] in page.text
        table = client.client.get("/quizzes/impersonation/coverage.csv").get_data(as_text=True)
        rows = list(csv.reader(io.StringIO(table.lstrip("\ufeff"))))
        asked = {row[2]: int(row[4]) for row in rows[1:]}
        assert asked["fan-accounts"] > 0
        assert min(asked.values()) == 0
        draws = client.client.get("/quizzes/impersonation/coverage.csv?table=draws").get_data(as_text=True)
        assert len(draws.splitlines()) == 3
        listed = client.get("quizzes.covered_questions", slug="impersonation", draw="1")
        assert "impersonation/imp-000" in listed.text
        assert "impersonation/imp-004" in listed.text
        assert "impersonation/imp-003" not in listed.text
        drafts = client.get("quizzes.covered_questions", slug="impersonation", state="draft").text
        assert "impersonation/imp-005" in drafts


def test_the_number_of_statements_does_not_grow_with_the_bank(cast: Cast, as_: Any) -> None:
    def counted(size: int) -> int:
        _bank(cast, size)
        client = as_(cast.author)
        client.get("quizzes.coverage", slug="impersonation")
        with counted_queries() as statements:
            client.get("quizzes.coverage", slug="impersonation")
        return len(statements)

    _bank(cast)
    make_quiz(cast.author, bank=False, blueprint=BLUEPRINT)
    assert counted(16) == counted(40)


# --- revising ---


def test_a_version_is_raised_past_numbers_that_are_taken() -> None:
    assert raised("1.0", ["1.0"]) == "1.1"
    assert raised("1.9", ["1.9", "1.10"]) == "1.11"
    assert raised("1.9999", []) == "2.0"


def test_what_is_saved_is_a_new_version_and_running_attempts_keep_theirs(cast: Cast, as_: Any) -> None:
    _bank(cast)
    version = make_quiz(cast.author, bank=False, blueprint=BLUEPRINT)
    with clock.frozen(MORNING):
        attempt = begin(cast.learner, version)
        client = as_(cast.author)
        sent = _form(client)
        # What is sent as it is shown changes nothing.
        client.post("quizzes.save_quiz", slug="impersonation", data=sent | {"action": "save"})
        assert queries.get_quiz("impersonation").number == "1.0"
        change = {"pass_mark": "９０％", "draws-1-count": "1", "pilots": "2", "counts": "latest"}
        client.post("quizzes.save_quiz", slug="impersonation", data=_form(client) | change | {"action": "save"})
    newest = queries.get_quiz("impersonation")
    before, after = terms_of_version(version), terms_of_version(newest)
    assert (newest.number, newest.origin, newest.created_by) == ("1.1", "browser", cast.author.code)
    assert after.pass_mark == Fraction(9, 10)
    assert (after.pilots, after.counts.value) == (2, "latest")
    assert [line["count"] for line in after.blueprint] == [2, 1]
    assert after.blueprint[0] == before.blueprint[0]
    assert queries.get_attempt(attempt.code).quiz_version.number == "1.0"


def test_lines_are_added_and_removed_without_a_script_and_nothing_is_kept(cast: Cast, as_: Any) -> None:
    _bank(cast)
    make_quiz(cast.author, bank=False, blueprint=BLUEPRINT)
    client = as_(cast.author, language="en")
    sent = _form(client)
    page = client.post("quizzes.save_quiz", slug="impersonation", data=sent | {"action": "add-draw"}, expect=200)
    assert [f"Draw {n}" in page.text for n in (1, 2, 3, 4)] == [True, True, True, False]
    page = client.post(
        "quizzes.save_quiz", slug="impersonation", data=sent | {"action": "remove-draw-draws-0"}, expect=200
    )
    assert "Draw 2" not in page.text
    assert "2 live questions fit, 2 asked" in page.text
    page = client.post("quizzes.save_quiz", slug="impersonation", data=sent | {"action": "add-section"}, expect=200)
    assert "Section 1" in page.text
    assert queries.get_quiz("impersonation").number == "1.0"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"pass_mark": "101"}, "percentage from 0 to 100"),
        ({"draws-0-count": "900"}, "whole number from 1 to 200"),
        ({"draws-0-bank": ""}, "Choose a bank, or name questions."),
        ({"draws-0-questions": "imp 1"}, "This is no address of a question"),
        ({"draws-0-count": "30"}, "cannot give what the draws ask for"),
        ({"closes_at": "2026-04-01T09:00", "opens_at": "2026-04-02T09:00"}, "closes before it opens"),
        ({"release": "after_window"}, "never closes"),
        ({"sections-0-id": "s", "sections-0-title_en": "S", "sections-0-title_ja": "節"}, "to which section"),
        ({"sections-0-id": "S!", "sections-0-title_en": "", "sections-0-title_ja": "節"}, "a to z"),
        ({"time_limit_minutes": ""}, "whole number"),
    ],
)
def test_what_cannot_be_is_told_and_nothing_typed_is_lost(
    cast: Cast, as_: Any, change: dict[str, str], told: str
) -> None:
    _bank(cast)
    make_quiz(cast.author, bank=False, blueprint=BLUEPRINT)
    client = as_(cast.author, language="en")
    sent = _form(client) | {"title_en": "Another title"} | change | {"action": "save"}
    page = client.post("quizzes.save_quiz", slug="impersonation", data=sent, expect=400)
    assert told in page.text
    assert [field for field in page.all("input") if field.get("value") == "Another title"]
    assert queries.get_quiz("impersonation").number == "1.0"


def test_who_saves_over_a_version_that_she_has_not_seen_is_told(cast: Cast, as_: Any) -> None:
    _bank(cast)
    version = make_quiz(cast.author, bank=False, blueprint=BLUEPRINT)
    client = as_(cast.author, language="en")
    sent = _form(client) | {"pass_mark": "70", "action": "save"}
    with own_transaction():
        other = replace(terms_of_version(version), pass_mark=Fraction(6, 10))
        revise_quiz(slug="impersonation", terms=other, based_on="1.0", by=cast.admin)
    with pytest.raises(QuizMovedOn), own_transaction():
        revise_quiz(slug="impersonation", terms=other, based_on="1.0", by=cast.admin)
    page = client.post("quizzes.save_quiz", slug="impersonation", data=sent, expect=409)
    assert "Version 1.1 of this quiz was saved in between" in page.text
    again = sent | {"based_on": "1.1", "form_key": "another"}
    client.post("quizzes.save_quiz", slug="impersonation", data=again)
    newest = queries.get_quiz("impersonation")
    assert (newest.number, newest.pass_mark) == ("1.2", Fraction(7, 10))


def test_what_fits_is_counted_while_the_form_is_filled_in(cast: Cast, as_: Any) -> None:
    _bank(cast)
    make_quiz(cast.author, bank=False, blueprint=BLUEPRINT)
    client = as_(cast.author, language="en")
    sent = _form(client) | {"draws-0-difficulty": ["1"], "draws-1-count": "9"}
    token = client.token()
    answer = client.client.post("/quizzes/impersonation/edit/count", data=sent | {"csrf_token": token})
    assert answer.status_code == 200
    assert [draw["id"] for draw in answer.json["draws"]] == ["draws-0", "draws-1"]
    assert answer.json["draws"][1]["words"] == "2 live questions fit, 9 asked"
    assert "can be given" in answer.json["whole"]


def test_tags_and_clauses_of_the_bank_are_offered_beside_each_draw_without_a_script_too(cast: Cast, as_: Any) -> None:
    _bank(cast)
    make_quiz(cast.author, bank=False, blueprint=[*BLUEPRINT, BLUEPRINT[0] | {"clauses": ["impersonation#parody"]}])
    page = as_(cast.author, language="en").get("quizzes.edit", slug="impersonation")

    def offered(name: str) -> list[tuple[str | None, str | None]]:
        (field,) = page.all("input", name=name)
        (found,) = page.all("datalist", id=field.get("list"))
        return [(option.get("data-name"), option.get("value")) for option in found.iter("option")]

    both = ["impersonation#fan-accounts", "impersonation#parody"]
    assert offered("draws-0-clauses") == [(name, name) for name in both]
    (tags,) = {tuple(name for name, _value in offered(f"draws-{place}-tags")) for place in range(3)}
    assert tags
    # The list of a browser replaces the whole line: what stands there already goes before.
    assert offered("draws-2-clauses") == [(both[0], f"{both[1]}, {both[0]}")]


def test_another_bank_offers_its_own_tags_and_clauses(cast: Cast, as_: Any) -> None:
    _bank(cast)
    make_bank(cast.author, slug="empty", questions=())
    make_quiz(cast.author, bank=False, blueprint=BLUEPRINT)
    client = as_(cast.author, language="en")
    sent = _form(client) | {"draws-1-bank": "empty", "csrf_token": client.token()}
    draws = client.client.post("/quizzes/impersonation/edit/count", data=sent).json["draws"]
    assert draws[0]["offered"]["clauses"] == ["impersonation#fan-accounts", "impersonation#parody"]
    assert draws[1]["offered"] == {"tags": [], "clauses": []}


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_paper_is_shown_as_a_learner_sees_it_and_recorded_nowhere(cast: Cast, as_: Any, language: str) -> None:
    _bank(cast)
    make_quiz(cast.author, bank=False, blueprint=BLUEPRINT)
    client = as_(cast.author, language=language)
    one = client.get("quizzes.see_paper", slug="impersonation", seed="abc")
    assert one.text == client.get("quizzes.see_paper", slug="impersonation", seed="abc").text
    assert "鍵canary" not in one.text
    sent = _form(client) | {"draws-1-count": "1"}
    unsaved = client.post("quizzes.try_paper", slug="impersonation", data=sent, expect=200)
    assert len([each for each in unsaved.all("section") if "quiz-item" in (each.get("class") or "")]) == 3
    assert session.scalar(select(func.count()).select_from(Attempt)) == 0
    assert queries.get_quiz("impersonation").number == "1.0"


# --- all terms in the form, looked at before they hold ---

EVERY_TERM: dict[str, Any] = {
    "purpose_en": "Says who may decide alone.",
    "purpose_ja": "一人で判断できるかを確かめます。",
    "opens_at": "2026-05-01T09:00",
    "closes_at": "2026-05-31T18:00",
    "time_limit_minutes": "４５",
    "tolerance_seconds": "30",
    "attempts_allowed": "2",
    "wait_hours": "24",
    "wait_after_fails": "1",
    "counts": "first",
    "pass_mark": "82.5",
    "release": "after_window",
    "show": ["score", "rationale"],
    "appeal_days": "7",
    "course": "forward_only",
    "confidence": "y",
    "practice": "y",
    "second_marker": "borderline",
    "borderline_within": "7.5",
    "moderation_above": "12",
    "pilots": "1",
    "only_assigned": "y",
}


def test_every_term_can_be_said_in_the_form_and_is_shown_there_again(cast: Cast, as_: Any) -> None:
    _bank(cast)
    make_quiz(cast.author, bank=False, blueprint=BLUEPRINT)
    client = as_(cast.author, language="en")
    with clock.frozen(MORNING):
        client.post("quizzes.save_quiz", slug="impersonation", data=_form(client) | EVERY_TERM | {"action": "save"})
    terms = terms_of_version(queries.get_quiz("impersonation"))
    assert terms.purpose is not None
    assert terms.purpose.ja == EVERY_TERM["purpose_ja"]
    # The author sits in Tokyo.
    assert (terms.opens_at, terms.closes_at) == (datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 5, 31, 9, tzinfo=UTC))
    assert (terms.time_limit_minutes, terms.tolerance_seconds, terms.appeal_days) == (45, 30, 7)
    assert (terms.layout, terms.navigation) == (Layout.ONE_PER_PAGE, Navigation.FORWARD_ONLY)
    assert (terms.confidence, terms.practice, terms.second_marker) == (True, True, SecondMarker.BORDERLINE)
    assert terms.only_assigned
    assert (terms.borderline_within, terms.moderation_above) == (Fraction(3, 40), Fraction(3, 25))
    again = _form(client)
    shown = {name: again[name] for name in EVERY_TERM if name not in ("course", "time_limit_minutes", "show")}
    expected = {name: value for name, value in EVERY_TERM.items() if name in shown}
    instants = {name: expected[name].replace("T", " ") + ":00" for name in ("opens_at", "closes_at")}
    assert shown | {"confidence": "y", "practice": "y", "only_assigned": "y"} == expected | instants
    # Emptied again, what the product and the organisation say holds, and nothing of it is stored.
    emptied = dict.fromkeys(("purpose_en", "purpose_ja", "tolerance_seconds", "appeal_days"), "")
    sent = again | emptied | {"borderline_within": "", "moderation_above": "", "action": "save"}
    client.post("quizzes.save_quiz", slug="impersonation", data=sent)
    terms = terms_of_version(queries.get_quiz("impersonation"))
    assert not {"purpose", "tolerance_seconds", "appeal_days", "borderline_within", "moderation_above"} & set(
        terms.data()
    )


@pytest.mark.parametrize(
    ("change", "field", "told"),
    [
        ({"opens_at": "2026-05-01T09:00", "closes_at": "2026-05-01T09:00"}, "closes_at", "closes before it opens"),
        (
            {"opens_at": "2026-05-01T09:00", "closes_at": "2026-05-01T09:14"},
            "time_limit_minutes",
            "open for 14 minutes only",
        ),
        ({"release": "after_window"}, "release", "never closes"),
        ({"purpose_en": "Only English"}, "purpose_ja", "in both languages, or in neither"),
        ({"tolerance_seconds": "61"}, "tolerance_seconds", "from 0 to 60"),
        ({"appeal_days": "-1"}, "appeal_days", "from 0 to 365"),
        ({"borderline_within": "a lot"}, "borderline_within", "Enter a percentage from 0 to 100"),
        (
            {f"sections-{n}-{key}": "s" for n in (0, 1) for key in ("id", "title_en", "title_ja")},
            "sections-1-id",
            "Another section has this id",
        ),
        (
            {f"sections-0-{key}": "s" for key in ("id", "title_en", "title_ja")},
            "draws-0-section",
            "to which section its questions belong",
        ),
    ],
)
@pytest.mark.parametrize("action", ["save", "review"])
def test_what_cannot_be_together_is_told_at_its_field(
    cast: Cast, as_: Any, change: dict[str, str], field: str, told: str, action: str
) -> None:
    _bank(cast)
    make_quiz(cast.author, bank=False, blueprint=BLUEPRINT)
    client = as_(cast.author, language="en")
    sent = _form(client) | {"title_en": "Another title"} | change | {"action": action}
    page = client.post("quizzes.save_quiz", slug="impersonation", data=sent, expect=400)
    (error,) = [each for each in page.all("div") if each.get("id") == f"{field}-error"]
    assert told in "".join(error.itertext())
    assert [each for each in page.all("input") if each.get("value") == "Another title"]
    assert queries.get_quiz("impersonation").number == "1.0"


@pytest.mark.parametrize("language", ["en", "ja"])
def test_what_changes_is_shown_before_it_holds(cast: Cast, as_: Any, language: str) -> None:
    _bank(cast)
    version = make_quiz(cast.author, bank=False, blueprint=BLUEPRINT)
    with clock.frozen(MORNING):
        begin(cast.learner, version)
        client = as_(cast.author, language=language)
        change = {"pass_mark": "82.55", "counts": "latest", "draws-1-count": "1", "action": "review"}
        page = client.post("quizzes.save_quiz", slug="impersonation", data=_form(client) | change, expect=200)
        table = page.one("table")
        rows = [[" ".join("".join(cell.itertext()).split()) for cell in row] for row in table.iter("tr")][1:]
        gap = " " if language == "en" else ""
        assert [row[1:] for row in rows][1] == [f"80{gap}%", f"82.55{gap}%"]
        assert len(rows) == 3
        assert {"en": "1 attempt is running and keeps", "ja": "受験中の1件"}[language] in page.text
        assert {"en": "results in the gradebook can change", "ja": "成績簿の結果が変わる"}[language] in page.text
        # The right answers at once and another attempt: asked about, not forbidden.
        assert {"en": "The right answers are shown at once", "ja": "正答がすぐに表示され"}[language] in page.text
        assert queries.get_quiz("impersonation").number == "1.0"
        # What the page sends on is what was looked at.
        kept = {field.get("name"): field.get("value") for field in page.all("input", type="hidden")}
        assert kept["pass_mark"] == "82.55"
        back = client.post("quizzes.save_quiz", slug="impersonation", data=kept | {"action": "edit"}, expect=200)
        assert [field.get("value") for field in back.all("input", name="pass_mark")] == ["82.55"]
        client.post("quizzes.save_quiz", slug="impersonation", data=kept | {"action": "save"})
    newest = queries.get_quiz("impersonation")
    assert (newest.number, newest.pass_mark) == ("1.1", Fraction(8255, 10000))
    page = as_(cast.approver, language=language).get("quizzes.versions", slug="impersonation")
    assert f"82.55{gap}%" in page.text
    assert page.text.index("1.1") < page.text.index("1.0")


@pytest.mark.parametrize("language", ["en", "ja"])
def test_shallow_banks_and_results_that_wait_are_told_before_they_are_published(
    cast: Cast, as_: Any, language: str
) -> None:
    questions = [BankQuestion(f"imp-{n:03d}", make_content(n)) for n in range(5)]
    make_bank(cast.author, questions=(*questions, BankQuestion("imp-essay", make_written("free_text"))))
    make_quiz(cast.author, blueprint=[{"bank": "impersonation", "count": 2, "types": ["single_choice"]}])
    client = as_(cast.author, language=language)
    shallow = {"en": "too shallow", "ja": "余裕がありません"}[language]
    people = {"en": "until they have marked it", "ja": "採点が終わるまで表示されません"}[language]

    def looked_at(**change: Any) -> tuple[str, str]:
        sent = _form(client) | change
        form = client.post("quizzes.save_quiz", slug="impersonation", data=sent | {"action": "count"}, expect=200)
        page = client.post("quizzes.save_quiz", slug="impersonation", data=sent | {"action": "review"}, expect=200)
        return form.text, page.text

    form, page = looked_at()
    assert shallow not in form + page
    assert people not in page
    form, page = looked_at(**{"draws-0-count": "3"})
    assert shallow in form
    assert shallow in page
    # Whoever has one attempt meets nothing again.
    assert shallow not in looked_at(**{"draws-0-count": "3", "attempts_allowed": "1"})[1]
    assert people in looked_at(**{"draws-0-types": ["free_text"], "draws-0-count": "1"})[1]


def test_nothing_to_publish_is_said_and_a_version_saved_in_between_is_not_looked_at(cast: Cast, as_: Any) -> None:
    _bank(cast)
    version = make_quiz(cast.author, bank=False, blueprint=BLUEPRINT)
    client = as_(cast.author, language="en")
    sent = _form(client) | {"action": "review"}
    page = client.post("quizzes.save_quiz", slug="impersonation", data=sent, expect=200)
    assert "Nothing has changed." in page.text
    assert not page.all("button", value="save")
    with own_transaction():
        other = replace(terms_of_version(version), pass_mark=Fraction(6, 10))
        revise_quiz(slug="impersonation", terms=other, based_on="1.0", by=cast.admin)
    page = client.post("quizzes.save_quiz", slug="impersonation", data=sent, expect=409)
    assert "Version 1.1 of this quiz was saved in between" in page.text


# --- what is possible and seldom meant ---


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({}, ["whoever gets a question again"]),
        ({"attempts_allowed": 1, "wait_hours": 0}, []),
        (
            {"attempts_allowed": 1, "wait_hours": 0, "closes_at": MORNING + timedelta(days=9)},
            ["while others can still"],
        ),
        ({"show": ("score",)}, []),
        ({"show": ("score",), "closes_at": MORNING}, ["has closed already"]),
        ({"show": ("score",), "wait_after_fails": 3}, ["Nobody ever waits"]),
        (
            {"show": ("score",), "opens_at": MORNING, "closes_at": MORNING + timedelta(hours=12)},
            ["longer than the quiz is open"],
        ),
        ({"show": ("score",), "moderation_above": Fraction(1, 2)}, ["calls a third person"]),
        (
            {"show": ("score",), "borderline_within": Fraction(1, 2), "second_marker": SecondMarker.ALL},
            ["width of the border"],
        ),
        ({"show": ("score",), "appeal_days": 3}, ["Nobody can appeal"]),
        ({"show": ("score",), "pass_mark": Fraction(0)}, ["pass mark is zero"]),
    ],
)
def test_what_is_seldom_meant_is_asked_about(app: Any, values: dict[str, Any], told: list[str]) -> None:
    with app.test_request_context("/?lang=en"):
        found = doubtful(make_terms(**values), MORNING)
    assert len(found) == len(told)
    assert all(words in said for words, said in zip(told, found, strict=True))


# --- a new quiz ---


def _new(client: Any, **change: Any) -> dict[str, Any]:
    page = client.get("quizzes.new_quiz")
    sent = {
        field.get("name"): field.get("value") or "" for field in page.all("input") if field.get("type") != "checkbox"
    }
    for field in page.all("select"):
        chosen = [option.get("value") for option in field.iter() if option.get("selected") is not None]
        sent[field.get("name")] = chosen[0] if chosen else ""
    for name in ("q", None, "csrf_token"):
        sent.pop(name, None)  # type: ignore[call-overload]
    sent["course"] = "all"
    filled = {
        "title_en": "Basics",
        "title_ja": "基礎",
        "slug": "basics",
        "draws-0-bank": "impersonation",
        "draws-0-count": "3",
        "show": ["score"],
    }
    return sent | filled | {"action": "save"} | change


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_quiz_is_looked_at_then_published_with_its_owner_once(cast: Cast, as_: Any, language: str) -> None:
    _bank(cast)
    client = as_(cast.author, language=language)
    listed = client.get("quizzes.index")
    assert [href for href in listed.links() if href.endswith("/quizzes/new")]
    sent = _new(client, deputy=cast.approver.code, form_key="the-same")
    page = client.post("quizzes.add_quiz", data=sent | {"action": "review"}, expect=200)
    assert "basics" in page.text
    assert queries.find_quiz("basics") is None
    client.post("quizzes.add_quiz", data=sent)
    client.post("quizzes.add_quiz", data=sent)
    version = queries.get_quiz("basics")
    assert (version.number, version.origin, version.created_by) == ("1.0", "browser", cast.author.code)
    ownership = people.find_owner("quiz", "basics")
    assert ownership is not None
    assert (ownership.owner.code, ownership.deputy and ownership.deputy.code) == (cast.author.code, cast.approver.code)
    shown = client.get("quizzes.show", slug="basics")
    assert cast.approver.name_in(language) in shown.text
    assert {"en": "For those who write the quiz", "ja": "作成者向けの情報"}[language] in shown.text
    assert "basics" in client.get("quizzes.index").text
    # What is made here is written to a file and read back.
    (file,) = [each for each in QuizzesPart().dump() if each.path == "quizzes/basics.toml"]
    assert f'owner = "{cast.author.sign_in_name}"' in file.text


@pytest.mark.parametrize(
    ("change", "field", "told", "status"),
    [
        ({"slug": "new"}, "slug", "has this address", 409),
        ({"slug": "impersonation"}, "slug", "has this address", 409),
        ({"slug": "Ab c"}, "slug", "a to z", 400),
        ({"slug": ""}, "slug", "Fill this in", 400),
        ({"title_ja": " "}, "title_ja", "Fill this in", 400),
        ({"owner": "nobody"}, "owner", "valid choice", 400),
        ({"draws-0-bank": ""}, "draws-0-bank", "Choose a bank", 400),
    ],
)
@pytest.mark.parametrize("action", ["save", "review"])
def test_a_quiz_that_cannot_be_is_not_made_and_nothing_typed_is_lost(
    cast: Cast, as_: Any, change: dict[str, str], field: str, told: str, status: int, action: str
) -> None:
    _bank(cast)
    make_quiz(cast.author, bank=False, blueprint=BLUEPRINT)
    client = as_(cast.author, language="en")
    page = client.post("quizzes.add_quiz", data=_new(client, **change, action=action), expect=status)
    (error,) = [each for each in page.all("div") if each.get("id") == f"{field}-error"]
    assert told in "".join(error.itertext())
    assert [each for each in page.all("input") if each.get("value") == "Basics"]
    assert [version.quiz.slug for version in queries.list_quizzes()] == ["impersonation"]


def test_the_deputy_is_somebody_else_and_an_address_is_given_once(cast: Cast, as_: Any) -> None:
    _bank(cast)
    client = as_(cast.author, language="en")
    page = client.post("quizzes.add_quiz", data=_new(client, deputy=cast.author.code), expect=400)
    assert "somebody else than the owner" in page.text
    with own_transaction():
        add_quiz(slug="basics", terms=make_terms(), owner=cast.author, deputy=None, by=cast.author)
    with pytest.raises(QuizAddressTaken), own_transaction():
        add_quiz(slug="basics", terms=make_terms(), owner=cast.admin, deputy=None, by=cast.admin)


def test_who_may_not_write_quizzes_is_not_shown_how(cast: Cast, as_: Any) -> None:
    _bank(cast)
    make_quiz(cast.author, bank=False, blueprint=BLUEPRINT)
    learner = as_(cast.learner, language="en")
    assert "New quiz" not in learner.get("quizzes.index").text
    assert "All quizzes" not in learner.get("quizzes.index").text
    assert "For those who write the quiz" not in learner.get("quizzes.show", slug="impersonation").text
    approver = as_(cast.approver, language="en")
    assert "New quiz" not in approver.get("quizzes.index").text
    assert "All quizzes" in approver.get("quizzes.index").text


def test_without_any_quiz_an_author_is_led_to_the_first_one(cast: Cast, as_: Any) -> None:
    page = as_(cast.author, language="en").get("quizzes.index")
    assert "No quiz has been made yet" in page.text
    assert len([href for href in page.links() if href.endswith("/quizzes/new")]) == 2


def test_the_list_for_authors_takes_as_many_statements_for_many_quizzes(cast: Cast, as_: Any) -> None:
    _bank(cast)

    def counted(slugs: list[str]) -> int:
        for slug in slugs:
            make_quiz(cast.author, slug, bank=False, blueprint=BLUEPRINT)
        client = as_(cast.author)
        client.get("quizzes.index")
        with counted_queries() as statements:
            client.get("quizzes.index")
        return len(statements)

    assert counted(["a", "b", "c"]) == counted(["d", "e", "f", "g", "h", "i"])


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_page_of_a_quiz_tells_its_authors_how_it_stands(cast: Cast, as_: Any, language: str) -> None:
    with clock.frozen(MORNING):
        version = make_quiz(cast.author, opens_at=MORNING, closes_at=MORNING + timedelta(days=2), wait_hours=0)
        for person, is_right in ((cast.learner, True), (cast.colleague, False)):
            attempt = begin(person, version)
            if is_right:
                for position in range(1, 5):
                    answer(attempt, position, right_answer(attempt, position))
            with own_transaction():
                submit_attempt(attempt=attempt, person=person)
        begin(cast.colleague, version)
        page = as_(cast.approver, language=language).get("quizzes.show", slug="impersonation").text
        # Nobody answers for what was taken in without an owner: that is told.
        assert {"en": "Nobody answers for this quiz", "ja": "責任者がいません"}[language] in page
        assert {"en": "3 attempts", "ja": "3件"}[language] in page
        assert {"en": "1 of 2 results passed", "ja": "結果2件のうち合格1件"}[language] in page
        assert {"en": "1 running", "ja": "受験中1件"}[language] in page
        assert {"en": "now, until", "ja": "受験できます（"}[language] in page
    with clock.frozen(MORNING + timedelta(days=3)):
        page = as_(cast.approver, language=language).get("quizzes.show", slug="impersonation").text
        assert {"en": "closed since", "ja": "に終了"}[language] in page
