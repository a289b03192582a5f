"""Writing questions in the browser: every type comes out as it went in, and nothing that was typed is lost."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from portal.core.db import session
from portal.core.i18n import Words
from portal.core.transaction import own_transaction
from portal.operations.folder import write_folder
from portal.operations.service import check_content, export_content, import_content
from portal.quizzes import queries
from portal.quizzes.content import BanksPart
from portal.quizzes.forms.question import FIELD_SETS, OF_GROUP, build, kept_from
from portal.quizzes.models import QuestionVersion
from portal.quizzes.service import editing
from portal.quizzes.types import type_names, type_of
from portal.quizzes.types.base import Content, read
from tests.beginnings import beginning
from tests.builders import Cast, make_person
from tests.page_client import Page, PageClient
from tests.queries import counted_queries
from tests.quizzes.builders import KINDS, SECRET, begin, make_content, make_quiz
from tests.quizzes.test_lifecycle import add, content, export, question, save, states, step, through_files
from tests.quizzes.test_staleness import publish, take

RULES = {"a": "Rule a.", "b": "Rule b."}


@pytest.fixture
@beginning
def bank(cast: Cast) -> str:
    """A policy of two clauses, and a bank with a live question about each."""
    publish(cast, RULES)
    take(cast, {"q-a": "policy#a", "q-b": "policy#b"})
    return "bank"


def sent(page: Page, **changes: Any) -> dict[str, Any]:
    """Return what a browser would send of the question's form as it stands."""
    (form,) = page.all("form", id="question-form")
    found: dict[str, Any] = {}
    for field in form.iter():
        name = field.get("name", "")
        if field.tag == "input" and name:
            if field.get("type") in ("checkbox", "radio") and field.get("checked") is None:
                continue
            found[name] = field.get("value", "y")
        elif field.tag == "textarea":
            found[name] = "".join(field.itertext()).removeprefix("\n")
        elif field.tag == "select":
            options = [option for option in field.iter("option") if option.get("selected") is not None]
            found[name] = (options or list(field.iter("option")))[0].get("value", "")
    return {**found, "do": "save", **changes}


def contents() -> list[Content]:
    """Return a question of each type, as the types and the builders of tests make them."""
    found = [make_content(number, kind) for number, kind in enumerate(KINDS)]
    for name in type_names():
        found += [replace(sample, document="policy") for sample in type_of(name).samples()]
    return found


@pytest.mark.parametrize("given", contents(), ids=lambda each: each.type)
@pytest.mark.any_database
def test_a_form_says_exactly_the_question_that_it_was_filled_with(app: Flask, given: Content) -> None:
    with app.test_request_context():
        fields = FIELD_SETS[given.type]
        values, counts = fields.fill(given)
        form = build(fields, counts, values=values)
        found = fields.read(form.data, counts)
        assert kept_from(given, found.parts) == given.parts
        # Whatever a fault leads to is a field of the form.
        groups = {OF_GROUP + group.key for group in fields.groups(counts)}
        assert all(name in form or name in groups for name in found.places.values())


@pytest.mark.any_database
def test_every_type_can_be_written_in_the_browser() -> None:
    assert set(FIELD_SETS) == set(type_names())


@pytest.mark.parametrize("kind", sorted(type_names()))
def test_a_question_of_each_type_is_saved_as_it_stands_in_its_form(cast: Cast, bank: str, as_: Any, kind: str) -> None:
    (sample, *_more) = type_of(kind).samples()
    given = replace(sample, clauses=("policy#a",), document="policy", tags=("one", "two"), difficulty=3, severity="S2")
    if kind == "true_false":
        (part,) = given.parts
        texts = (Words("True", "正しい"), Words("False", "誤り"))
        choices = tuple(replace(choice, text=text) for choice, text in zip(part.choices, texts, strict=True))
        given = replace(given, parts=(replace(part, choices=choices),))
    add(cast.author, given)
    browser = as_(cast.author)
    page = browser.get("quizzes.edit_question", slug="bank", question="q-new")
    browser.post("quizzes.save_question", sent(page), slug="bank", question="q-new")
    assert session.query(QuestionVersion).filter_by(question_id=question("q-new").id).count() == 1
    page = browser.get("quizzes.edit_question", slug="bank", question="q-new")
    browser.post("quizzes.save_question", sent(page, title_en="Another"), slug="bank", question="q-new")
    row = question("q-new")
    now = read(queries.get_version(row, row.latest).content)
    assert now == replace(given, title=Words("Another", given.title.ja))


@pytest.mark.parametrize("kind", sorted(type_names()))
@pytest.mark.parametrize("language", ["en", "ja"])
def test_an_empty_form_of_each_type_opens_and_says_what_is_missing(
    cast: Cast, bank: str, app: Flask, kind: str, language: str
) -> None:
    browser = PageClient(app, cast.author, language)
    page = browser.get("quizzes.new_question", slug="bank", type=kind)
    refused = browser.post("quizzes.add_question", sent(page), expect=400, slug="bank", type=kind)
    assert isinstance(refused, Page)
    assert refused.all("div", class_="error-summary")
    assert sent(refused).keys() == sent(page).keys()
    assert len(states()) == 2


def test_a_new_question_is_a_draft_with_what_was_written(cast: Cast, bank: str, as_: Any) -> None:
    browser = as_(cast.author)
    page = browser.get("quizzes.new_question", slug="bank", type="single_choice")
    filled = {
        "title_en": "Labels", "stem_en": "Which?", "answer__0__text__en": "This", "answer__right": "0",
        "answer__1__text__en": "That", "answer__0__why__en": "Because.", "clauses": "[[policy#a]]\n#b",
        "tags": "one、two", "difficulty": "2", "slug": "labels",
    }  # fmt: skip
    browser.post("quizzes.add_question", sent(page, **filled), slug="bank", type="single_choice")
    made = read(queries.get_version(question("labels"), 1).content)
    assert made.clauses == ("policy#a", "policy#b")
    assert made.tags == ("one", "two")
    assert [(choice.text.en, choice.right) for choice in made.parts[0].choices] == [("This", True), ("That", False)]
    assert states()["labels"] == "draft"
    shown = browser.get("quizzes.question", slug="bank", question="labels")
    assert "日本語" in shown.text


def test_rows_are_added_moved_and_removed_without_a_script_and_lose_nothing(cast: Cast, bank: str, as_: Any) -> None:
    browser = as_(cast.author)
    page = browser.get("quizzes.edit_question", slug="bank", question="q-a")
    before = sent(page)

    def press(shown: Page, do: str) -> Page:
        answer = browser.post("quizzes.save_question", sent(shown, do=do), expect=200, slug="bank", question="q-a")
        assert isinstance(answer, Page)
        return answer

    more = press(page, "add:answer")
    assert sent(more)["rows__answer"] == "4"
    moved = press(more, "up:answer:1")
    assert sent(moved)["answer__0__text__en"] == before["answer__1__text__en"]
    assert sent(moved)["answer__right"] == "0"
    back = press(press(moved, "down:answer:0"), "remove:answer:3")
    assert sent(back) == {**before, "csrf_token": sent(back)["csrf_token"], "form_key": sent(back)["form_key"]}
    less = press(back, "remove:answer:0")
    assert sent(less)["answer__0__text__en"] == before["answer__1__text__en"]
    assert question().latest == 1


def test_what_is_wrong_stands_beside_its_field_and_nothing_is_lost(cast: Cast, bank: str, as_: Any) -> None:
    browser = as_(cast.author)
    page = browser.get("quizzes.edit_question", slug="bank", question="q-a")
    form = sent(page, stem_en="Written anew", clauses="policy#gone", tags="a=b", difficulty="9")
    form.pop("answer__right")
    refused = browser.post("quizzes.save_question", form, expect=400, slug="bank", question="q-a")
    assert isinstance(refused, Page)
    for name in ("tags", "difficulty", "group-answer"):
        assert refused.all("div", id=f"{name}-error"), name
    assert sent(refused)["stem_en"] == "Written anew"
    form |= {"answer__right": "1", "tags": "", "difficulty": ""}
    refused = browser.post("quizzes.save_question", form, expect=400, slug="bank", question="q-a")
    assert isinstance(refused, Page)
    assert "policy#gone" in "".join(refused.one("div", id="clauses-error").itertext())


def test_whoever_saves_over_another_is_told_and_keeps_what_she_wrote(cast: Cast, bank: str, as_: Any) -> None:
    browser = as_(cast.author)
    page = browser.get("quizzes.edit_question", slug="bank", question="q-a")
    save(cast.admin, stem=Words("Theirs?", "ほかの人ですか。"))
    form = sent(page, stem_en="Mine?")
    told = browser.post("quizzes.save_question", form, expect=409, slug="bank", question="q-a")
    assert isinstance(told, Page)
    assert "Theirs?" in told.text
    assert sent(told)["stem_en"] == "Mine?"
    browser.post("quizzes.save_question", sent(told), slug="bank", question="q-a")
    row = question()
    assert read(queries.get_version(row, row.in_work).content).stem.en == "Mine?"
    assert row.in_work == 3


def test_a_preview_of_what_is_written_saves_nothing(cast: Cast, bank: str, as_: Any) -> None:
    browser = as_(cast.author)
    page = browser.get("quizzes.edit_question", slug="bank", question="q-a")
    shown = browser.post(
        "quizzes.save_question", sent(page, stem_en="Not saved?", do="preview"), expect=200, slug="bank", question="q-a"
    )
    assert isinstance(shown, Page)
    assert "Not saved?" in shown.text
    assert question().in_work == 1


def test_a_preview_shows_both_languages_and_no_secret(cast: Cast, bank: str, as_: Any) -> None:
    with counted_queries() as statements:
        page = as_(cast.author).get("quizzes.preview", slug="bank", question="q-a", order="1")
    main = "".join(page.one("main").itertext())
    assert "what now?" in main
    assert "どうしますか" in main
    sections = page.all("section", class_="quiz-item")
    assert SECRET not in "".join("".join(section.itertext()) for section in sections)
    assert not [each for each in statements if each.startswith(("INSERT INTO attempts", "INSERT INTO items"))]


# --- the list ----------------------------------------------------------------------------------


def titles(page: Page) -> set[str]:
    return {row.get("id", "") for row in page.tree.iter("tr") if row.get("id")}


def test_the_list_of_a_bank_is_filtered_by_what_questions_are(cast: Cast, bank: str, as_: Any) -> None:
    add(cast.author, content(2, "multiple_choice", tags=("rare",), stem=Words("Zebras?", "しまうまですか。")))
    save(cast.author, "q-b", stem=Words("Only English", "設問1：どうしますか。"))
    browser = as_(cast.author)

    def found(**wanted: str) -> set[str]:
        return titles(browser.get("quizzes.bank", slug="bank", **wanted))

    assert found() == {"q-a", "q-b", "q-new"}
    assert found(state="draft") == {"q-new"}
    assert found(state="live", type="single_choice") == {"q-a", "q-b"}
    assert found(tag="rare") == {"q-new"}
    assert found(clause="policy#b") == {"q-b"}
    assert found(behind="ja") == {"q-b"}
    assert found(text="ZEBRAS") == {"q-new"}
    assert found(text="シマウマ") == {"q-new"}
    assert found(text="nothing like it") == set()
    step("in_review", cast.author, "q-b", of_proposal=True)
    assert found(state="waits") == {"q-b"}


def test_the_list_takes_as_many_statements_for_many_questions_as_for_few(cast: Cast, bank: str, as_: Any) -> None:
    browser, counts = as_(cast.author), []
    for number in range(2):
        with own_transaction():
            editing.add_drafts(
                bank=queries.get_bank("bank"), contents=[content(each) for each in range(6)], origin="gift",
                by=cast.author,
            )  # fmt: skip
        browser.get("quizzes.bank", slug="bank")
        session.expire_all()
        with counted_queries() as statements:
            browser.get("quizzes.bank", slug="bank")
        counts.append(len(statements))
        assert number < 2
    assert counts[0] == counts[1]


def test_a_change_of_many_is_shown_first_and_then_done(cast: Cast, bank: str, as_: Any) -> None:
    browser = as_(cast.author)
    form = {"question": ["q-a:1", "q-b:1"], "what": "add_tag", "value_add_tag": "new"}
    shown = browser.post("quizzes.change_questions", form, expect=200, slug="bank")
    assert isinstance(shown, Page)
    assert question().latest == 1
    browser.post("quizzes.change_questions", form | {"confirmed": "yes"}, slug="bank")
    assert question().latest == 2
    again = browser.post("quizzes.change_questions", form | {"confirmed": "yes"}, expect=409, slug="bank")
    assert isinstance(again, Page)


@pytest.mark.any_database
@pytest.mark.parametrize("language", ["en", "ja"])
def test_what_a_change_of_many_cannot_change_is_counted_apart_and_the_rest_is_changed_together(
    cast: Cast, bank: str, as_: Any, language: str
) -> None:
    browser = as_(cast.author, language=language)
    form = {"question": ["q-a:1", "q-b:9"], "what": "add_tag", "value_add_tag": "new"}
    shown = browser.post("quizzes.change_questions", form, expect=200, slug="bank")
    assert {"en": "Change 1 of 2 questions", "ja": "2件中1件の設問を変更"}[language] in shown.text
    assert [field.get("value") for field in shown.all("input", name="question")] == ["q-a:1"]
    browser.post("quizzes.change_questions", form | {"confirmed": "yes"}, expect=409, slug="bank")
    assert question().latest == 1


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"question": "q-a:1"},
        {"question": "q-a:1", "what": "nothing"},
        {"question": "q-a:1", "what": "add_tag", "value_add_tag": "two words"},
        {"question": "q-a:1", "what": "difficulty", "value_difficulty": "11"},
        {"question": "q-a:x", "what": "difficulty", "value_difficulty": "1"},
        {"question": "q-a:1", "what": "step", "value_step": "stale"},
    ],
)
def test_a_change_that_says_nothing_is_refused_in_words(cast: Cast, bank: str, as_: Any, form: dict[str, str]) -> None:
    shown = as_(cast.author).post("quizzes.change_questions", form, expect=400, slug="bank")
    assert isinstance(shown, Page)
    assert shown.all("div", class_="callout--danger")


def test_the_steps_of_a_question_are_taken_from_its_page(cast: Cast, bank: str, as_: Any) -> None:
    add(cast.author)
    author, approver = as_(cast.author), as_(cast.approver)

    def take_step(browser: PageClient, to: str, expect: int = 303) -> Any:
        page = browser.get("quizzes.question", slug="bank", question="q-new")
        hidden = {field.get("name"): field.get("value") for field in page.all("input", name="looked_at")}
        form = {"to": to, "number": str(question("q-new").in_work), **hidden}
        return browser.post("quizzes.take_step", form, expect=expect, slug="bank", question="q-new")

    take_step(author, "in_review")
    take_step(author, "live", 409)
    take_step(approver, "live")
    assert states()["q-new"] == "live"
    page = author.get("quizzes.question", slug="bank", question="q-new")
    history = "".join(page.one("ol", class_="history").itertext())
    assert cast.approver.name_in("ja") in history


def test_an_approver_does_not_retire_what_others_have_written(cast: Cast, bank: str, as_: Any) -> None:
    form = {"to": "retired", "number": "1"}
    as_(cast.approver).post("quizzes.take_step", form, expect=403, slug="bank", question="q-a")


@pytest.mark.parametrize("what", ["abc", "", "-1", "99999999"])
def test_an_address_or_number_that_is_nothing_is_told_so(cast: Cast, bank: str, as_: Any, what: str) -> None:
    browser = as_(cast.author)
    browser.get("quizzes.question", slug="bank", question="q-a", version=what)
    browser.get("quizzes.bank", slug="bank", page=what, state=what, behind=what)
    browser.get("quizzes.edit_question", expect=404, slug="bank", question="gone")
    browser.post("quizzes.take_step", {"to": what, "number": what}, expect=409, slug="bank", question="q-a")


def test_the_exported_bank_of_everything_that_was_written_here_is_read_again(cast: Cast, bank: str) -> None:
    for kind in ("single_choice", "multiple_choice", "case"):
        (sample, *_more) = type_of(kind).samples()
        given = replace(sample, clauses=("policy#a",), document="policy", stem=Words("What?", ""))
        add(cast.author, given, slug=f"q-{kind.replace('_', '-')}")
    assert through_files(export()) == (export(), 0)


SIGNS = [
    "S\n\n- [x] inj",
    "S\n\n* [x] star",
    "S\n\n## Head {#zz}\n{type=case}",
    "S\n\n### Gap {#gap-1}",
    "```\nS",
    "{missing}",
]


def test_a_text_that_looks_like_a_sign_of_the_files_is_saved_and_comes_out_of_them_as_it_is(
    cast: Cast, bank: str, as_: Any, tmp_path: Path
) -> None:
    browser = as_(cast.author)
    for text in SIGNS:
        page = browser.get("quizzes.new_question", slug="bank", type="single_choice")
        told = {f"{name}_{tag}": text for name in ("stem", "rationale", "answer__0__text_") for tag in ("en", "ja")}
        form = sent(page, title_en="Signs", title_ja="記号", clauses="a", answer__right="0", **told)
        form |= {"answer__0__text__en": f"a\n  > {text}", "answer__1__text__en": "That", "answer__1__text__ja": "あれ"}
        browser.post("quizzes.add_question", form, slug="bank", type="single_choice")
    listed = queries.list_latest(queries.get_bank("bank"))
    before = {question.slug: read(version.content) for question, version in listed}
    assert [before[f"q-{number:03}"].stem.en for number in range(1, 7)] == SIGNS
    write_folder(tmp_path / "content", export_content([BanksPart()]))
    session.rollback()
    folder = check_content(tmp_path / "content", [BanksPart()])
    assert folder.findings == []
    assert {each.id: each.content for each in folder.shared["banks"]["bank"].questions} == before
    with own_transaction():
        assert import_content(root=tmp_path / "content", parts=[BanksPart()], by=cast.admin)[1] == []


def test_a_text_that_no_file_can_hold_is_refused_at_its_field_with_its_line(cast: Cast, bank: str, as_: Any) -> None:
    browser = as_(cast.author, language="en")
    page = browser.get("quizzes.new_question", slug="bank", type="matching")
    form = sent(page, title_en="Pairs", stem_en="Which?", rows__extra="1", extra__0__text__en="x")
    form |= {"pairs__0__left__en": "one", "pairs__0__right__en": "first", "pairs__1__left__en": "two"}
    form |= {"pairs__1__right__en": "second", "pairs__0__left__ja": "一", "extra__0__text__ja": "二\n= 三"}
    refused = browser.post("quizzes.add_question", form, expect=400, slug="bank", type="matching")
    assert invalid(refused) == {"extra__0__text__ja"}
    assert "line 2 as something else: “= 三”" in refused.text
    form["extra__0__text__ja"] = "二\n\\= 三"
    browser.post("quizzes.add_question", form, slug="bank", type="matching")


def invalid(page: Page) -> set[str]:
    """Return the ids of the fields at which something wrong is told."""
    return {field.get("id", "") for field in page.tree.iter() if field.get("aria-invalid") == "true"}


def test_what_was_saved_before_and_no_file_can_hold_is_left_out_of_them_and_named(
    cast: Cast, bank: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, app: Flask
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(editing, "problem_with", lambda _question: None)
        add(cast.author, content(stem=Words("Which?\n\n```\n<b>", "どれ。")), slug="q-open")
    add(cast.author, slug="q-sound")
    with app.test_request_context():
        files = export_content([BanksPart()])
    (left_out,) = [finding for file in files for finding in file.left_out]
    assert "“q-open” is left out" in str(left_out)
    assert "line 4" in str(left_out)
    assert "/banks/bank/q-open" in str(left_out)
    write_folder(tmp_path / "content", files)
    session.rollback()
    folder = check_content(tmp_path / "content", [BanksPart()])
    assert folder.findings == []
    assert [each.id for each in folder.shared["banks"]["bank"].questions] == ["q-a", "q-b", "q-sound"]
    result = app.test_cli_runner().invoke(args=["content", "export", str(tmp_path / "again"), "--language", "en"])
    assert result.exit_code == 1
    assert "“q-open” is left out" in result.output


def refused(browser: PageClient, kind: str, **fields: str) -> Page:
    """Send a new question and return the form with what is wrong with it."""
    page = browser.get("quizzes.new_question", slug="bank", type=kind)
    form = sent(page, **{"title_en": "New", "stem_en": "Which?", **fields})
    found = browser.post("quizzes.add_question", form, expect=400, slug="bank", type=kind)
    assert isinstance(found, Page)
    return found


def written_case(page: Page, **changes: str) -> dict[str, Any]:
    """Return a case as it is typed: two decisions, then clauses and levels."""
    return sent(page, **{
        "title_en": "A case", "stem_en": "What now?", "clauses": "a", "decision__right": "0",
        "decision__0__text__en": "Remove", "decision__1__text__en": "Keep",
        "rows__clause": "2", "clause__right": "0", "clause__points": "1",
        "clause__0__text": "policy#a", "clause__1__text": "[[#b]]",
        "rows__severity": "2", "severity__right": "1", "severity__points": "1",
        "severity__0__text": "S0", "severity__1__text": "S2", **changes,
    })  # fmt: skip


def test_a_clause_of_a_case_is_kept_as_a_link_however_its_address_was_typed(cast: Cast, bank: str, as_: Any) -> None:
    browser = as_(cast.author, language="en")
    for number, typed in enumerate(["policy#a", "#a", "a", " [[policy#a]] ", "ｐｏｌｉｃｙ＃ａ"], start=1):
        page = browser.get("quizzes.new_question", slug="bank", type="case")
        form = written_case(page, clause__0__text=typed)
        browser.post("quizzes.add_question", form, slug="bank", type="case")
        part = latest(f"q-{number:03}").parts[1]
        assert part.choices[0].text in (Words("[[policy#a]]", "[[policy#a]]"), Words("[[#a]]", "[[#a]]")), typed
        assert part.choices[1].text == Words("[[#b]]", "[[#b]]")
    page = browser.get("quizzes.question", slug="bank", question="q-001")
    assert "[[" not in page.text


def latest(slug: str) -> Content:
    listed = queries.list_latest(queries.get_bank("bank"))
    return next(read(version.content) for question, version in listed if question.slug == slug)


@pytest.mark.parametrize(
    ("typed", "field", "said"),
    [
        ({"clause__0__text": "policy#gone"}, "clause__0__text", "There is no clause “policy#gone”"),
        ({"clause__1__text": "[[other#b]]"}, "clause__1__text", "There is no clause “other#b”"),
        ({"clause__0__text": "no clause at all"}, "clause__0__text", "“no clause at all” is no address of a clause"),
        ({"clause__0__text": "[[#b]]"}, "clause__1__text", "have the same text"),
        ({"clause__0__text": "policy#b"}, "clause__1__text", "The clause policy#b stands there already."),
        ({"clause__1__text": "", "clause__1__why__en": "Because."}, "clause__1__text", "This choice names no clause"),
        ({"severity__0__text": "banana"}, "severity__0__text", "“banana” is no sensitivity level"),
        ({"severity__0__text": "", "severity__0__why__en": "No."}, "severity__0__text", "has no sensitivity level"),
    ],
)
def test_what_is_no_clause_and_no_level_is_told_at_its_field_and_kept(
    cast: Cast, bank: str, as_: Any, typed: dict[str, str], field: str, said: str
) -> None:
    browser = as_(cast.author, language="en")
    page = browser.get("quizzes.new_question", slug="bank", type="case")
    refused = browser.post("quizzes.add_question", written_case(page, **typed), expect=400, slug="bank", type="case")
    assert field in invalid(refused)
    assert said in refused.text
    again = sent(refused)
    kept = {name: text for name, text in typed.items() if name.startswith("severity") and name.endswith("__text")}
    assert {name: again[name] for name in kept} == kept


def test_all_that_is_wrong_with_a_case_is_told_at_once_each_beside_its_field(cast: Cast, bank: str, as_: Any) -> None:
    browser = as_(cast.author, language="en")
    page = browser.get("quizzes.new_question", slug="bank", type="case")
    typed = {
        "slug": "Not An Id",
        "title_en": "",
        "tags": "two words, also two",
        "clauses": "policy#gone",
        "decision__points": "0",
        "decision__1__text__en": "Remove",
        "clause__0__text": "no clause at all",
        "clause__1__text": "policy#lost",
        "severity__0__text": "banana",
        "severity__1__text": "banana",
    }
    refused = browser.post("quizzes.add_question", written_case(page, **typed), expect=400, slug="bank", type="case")
    told = {
        "slug": "An id has lower-case letters",
        "title_en": "Write a title, in one language at least.",
        "tags": "“also two” is no tag.",
        "clauses": "There is no clause “policy#gone”",
        "decision__points": "Points are whole numbers from 1 to 100.",
        "decision__1__text__en": "Two choices have the same text: “Remove”.",
        "clause__0__text": "“no clause at all” is no address of a clause",
        "clause__1__text": "There is no clause “policy#lost”",
        "severity__0__text": "“banana” is no sensitivity level",
        "severity__1__text": "Two choices have the same text: “banana”.",
    }
    assert set(told) <= set(invalid(refused))
    (summary,) = refused.all("div", class_="error-summary")
    in_summary = {link.get("href"): "".join(link.itertext()) for link in summary.iter("a")}
    for field, words in told.items():
        assert any(target == f"#{field}" for target in in_summary), field
        assert words in "".join(summary.itertext()), words


def test_a_case_without_a_decision_is_told_what_else_is_wrong() -> None:
    case = make_content(1, "case")
    parts = tuple(replace(part, choices=part.choices[:1]) for part in case.parts if part.id != "decision")
    said = [fault.message for fault in type_of("case").check(replace(case, parts=parts))]
    assert said[0] == "A case needs the part “decision”."
    assert len(said) > 1


def test_a_preview_speaks_the_language_of_its_texts_whatever_the_page_speaks(cast: Cast, bank: str, as_: Any) -> None:
    for here in ("en", "ja"):
        browser = as_(cast.author, language=here)
        page = browser.get("quizzes.new_question", slug="bank", type="case")
        form = written_case(page, stem_ja="どうしますか。", decision__points="1", do="preview")
        previewed = browser.post("quizzes.add_question", form, expect=200, slug="bank", type="case")
        sides = {
            side.get("lang"): " ".join("".join(side.itertext()).split())
            for side in previewed.all("div")
            if side.get("lang") and any(each.get("class") == "quiz-item" for each in side.iter("section"))
        }
        assert "Decision 1 point" in sides["en"], here
        assert "判断 1点" in sides["ja"], here
        assert "point" not in sides["ja"], here
        assert "点" not in sides["en"], here


def test_two_choices_without_a_text_are_not_quoted(cast: Cast, bank: str, as_: Any) -> None:
    page = refused(as_(cast.author, language="en"), "single_choice", answer__0__why__en="So.", answer__1__why__en="No.")
    assert "Two choices have no text." in page.text
    assert "“”" not in page.text


WRONG = [
    ("free_text", {}, set(), "at least one criterion"),
    (
        "free_text",
        {"answer__0__text__en": "Names it", "answer__0__points": "0", "answer__least": "400", "answer__most": "40"},
        {"answer__0__points", "answer__least"},
        "The least length (400) is more than the greatest one (40).",
    ),
    ("free_text", {"answer__1__points": "3"}, {"answer__1__text__en"}, "Criterion 2, What is looked for, English: "),
    ("numeric", {"answer__0__value": ".5"}, {"answer__0__value"}, "“.5” is no number. Write digits with a point"),
    ("numeric", {"answer__0__value": "1e3"}, {"answer__0__value"}, "“1e3” is no number. Write digits with a point"),
    (
        "numeric",
        {"answer__0__value": "1", "answer__0__tolerance": "x", "answer__0__share": "150"},
        {"answer__0__tolerance", "answer__0__share"},
        "Number 1, Share of the points in %: An answer earns from nothing",
    ),
    ("single_choice", {"stem_ja": "<script>"}, {"stem_ja"}, "Question text, Japanese: "),
    (
        "single_choice",
        {"answer__0__text__en": "a", "answer__1__text__en": "b", "answer__right": "0", "answer__1__why__ja": "<b>"},
        {"answer__1__why__ja"},
        "Choice 2, Why (shown after the result), Japanese: ",
    ),
    (
        "gap",
        {"stem_en": "No gap.", "gap-1__0__text__en": "a", "gap-1__0__share": "100", "gap-1__1__text__en": "b",
         "gap-1__1__share": "0"},
        {"stem_en"},
        "The text does not have [[1]] exactly once",
    ),
    (
        "gap",
        {"stem_en": "[[1]]", "gap-1__kind": "number", "gap-1__0__text__en": "1,5,5", "gap-1__units": "9"},
        {"gap-1__0__text__en", "gap-1__units"},
        "Gap [[1]], Answer 1, Text, or the number, English: “1,5,5” is no number.",
    ),
    ("matching", {"pairs__0__left__en": "one"}, {"pairs__0__right__en"}, "What belongs to a text is empty."),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "fields", "where", "said"), WRONG)
def test_a_fault_stands_at_the_field_that_it_means_and_is_called_by_its_row(
    cast: Cast, bank: str, as_: Any, kind: str, fields: dict[str, str], where: set[str], said: str
) -> None:
    page = refused(as_(cast.author, language="en"), kind, **fields)
    assert where <= invalid(page)
    assert said in page.text


@pytest.mark.parametrize(
    ("kind", "fields", "parts"),
    [
        ("matching", {f"pairs__{n}__{side}__en": f"{side} {n}" for n in range(2) for side in ("left", "right")}, 2),
        ("free_text", {"answer__0__text__en": "Names it"}, 1),
        ("numeric", {"answer__0__value": "１，５", "answer__0__tolerance": "０．１"}, 1),
        ("short_answer", {"answer__0__text__en": "notice"}, 1),
        (
            "gap",
            {"stem_en": "[[1]]", "gap-1__kind": "number", "gap-1__0__text__en": "90", "gap-1__units": "min, h=60"},
            1,
        ),
    ],
)
def test_an_untouched_row_is_no_row(
    cast: Cast, bank: str, as_: Any, kind: str, fields: dict[str, str], parts: int
) -> None:
    browser = as_(cast.author)
    page = browser.get("quizzes.new_question", slug="bank", type=kind)
    form = sent(page, **{"title_en": "New", "stem_en": "Which?", **fields})
    preview = browser.post("quizzes.add_question", form | {"do": "preview"}, expect=200, slug="bank", type=kind)
    assert not invalid(preview)
    browser.post("quizzes.add_question", form, slug="bank", type=kind)
    content = read(queries.get_version(question("q-001"), 1).content)
    assert len(content.parts) == parts
    part = content.parts[0]
    assert len(part.criteria) == (kind == "free_text")
    if kind == "numeric":
        assert [(key.value, key.tolerance) for key in part.number_keys] == [("1.5", "0.1")]
    if kind == "gap":
        assert [(unit.symbol, unit.factor) for unit in part.units] == [("min", 1), ("h", 60)]


def test_of_one_right_choice_only_one_can_be_chosen_and_of_several_any(cast: Cast, bank: str, as_: Any) -> None:
    browser = as_(cast.author, language="en")
    for kind, box in {
        "single_choice": "radio",
        "true_false": "radio",
        "case": "radio",
        "multiple_choice": "checkbox",
    }.items():
        page = browser.get("quizzes.new_question", slug="bank", type=kind)
        right = [field for field in page.all("input", type=box) if "right" in field.get("name", "")]
        assert len({field.get("name") for field in right}) == (1 if box == "radio" else 3)
        assert ("One of them is right." in page.text) is (box == "radio")


def test_a_preview_says_which_language_it_is_in(cast: Cast, bank: str, as_: Any) -> None:
    browser = as_(cast.author, language="en")
    form = sent(browser.get("quizzes.edit_question", slug="bank", question="q-a"), do="preview")
    page = browser.post("quizzes.save_question", form, expect=200, slug="bank", question="q-a")
    heads = ["".join(each.itertext()) for each in page.all("h2", class_="quiz-item__number")]
    assert heads == ["English", "Japanese"]


def test_what_the_form_does_not_ask_is_no_difference_of_two_wordings(cast: Cast, bank: str, as_: Any) -> None:
    (sample, *_more) = type_of("ordering").samples()
    add(cast.author, replace(sample, clauses=("policy#a",), document="policy"), slug="q-order")
    mine, theirs = as_(cast.author, language="en"), as_(cast.author)
    page = mine.get("quizzes.edit_question", slug="bank", question="q-order")
    saved = sent(theirs.get("quizzes.edit_question", slug="bank", question="q-order"), stem_en="Theirs")
    theirs.post("quizzes.save_question", saved, slug="bank", question="q-order")
    told = mine.post("quizzes.save_question", sent(page, stem_en="Mine"), expect=409, slug="bank", question="q-order")
    (facts,) = told.all("dl", class_="facts--wide")
    assert "".join(facts.itertext()).strip() == "Question text, EnglishTheirs"


def test_a_rationale_that_lacks_a_language_is_named(cast: Cast, bank: str, as_: Any) -> None:
    given = content()
    (part,) = given.parts
    first = replace(part.choices[0], rationale=Words("Because it is so.", ""))
    add(cast.author, replace(given, parts=(replace(part, choices=(first, *part.choices[1:])),)))
    page = as_(cast.author, language="en").get("quizzes.question", slug="bank", question="q-new")
    assert "this is missing: the Japanese text of “Because it is so.”" in page.text


def test_an_approver_sees_what_a_new_wording_changes_beside_its_texts(cast: Cast, bank: str, as_: Any) -> None:
    old = read(queries.get_version(question(), 1).content)
    (part,) = old.parts
    turned = replace(part, choices=tuple(replace(choice, right=not choice.right) for choice in part.choices[:2]))
    save(cast.author, parts=(turned,), clauses=("policy#b",), stem=Words("New?", "新しい設問ですか。"))
    page = as_(cast.approver).get("quizzes.question", slug="bank", question="q-a")
    told = "".join("".join(each.itertext()) for each in page.all("div", class_="callout--warning"))
    assert "policy#a → policy#b" in told
    assert "正答、配点または採点方法も変わります" in told
    assert "New?" in page.text


def test_who_changes_her_language_during_an_attempt_reads_what_is_behind_in_the_one_she_was_given_it_in(
    cast: Cast, bank: str, app: Flask
) -> None:
    save(cast.author, stem=Words("Only English?", "設問0：どうしますか。"))
    step("in_review", cast.author, of_proposal=True)
    step("live", cast.approver, of_proposal=True)
    make_quiz(cast.admin, bank=False, slug="about", blueprint=[{"questions": ["bank/q-a"]}])
    person = make_person(language="en")
    attempt = begin(person, queries.get_quiz("about"))
    page = PageClient(app, person, "ja").get("quizzes.attempt", code=attempt.code)
    assert "Only English?" in page.text
    assert "設問0" not in page.text
    assert page.all("div", lang="en")
