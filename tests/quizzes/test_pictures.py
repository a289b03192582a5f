"""The picture of a case: told first, opened by choice, sent to nobody else, the same for ever."""

from __future__ import annotations

import re
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from PIL import Image
from sqlalchemy import select
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from portal.core import clock
from portal.core.content import ContentFile
from portal.core.db import session
from portal.core.i18n import Words, force_locale
from portal.core.transaction import own_transaction
from portal.library.service import images
from portal.operations.folder import write_folder
from portal.operations.service import check_content, export_content, import_content
from portal.quizzes import invariants, limits, queries
from portal.quizzes.content import BanksPart
from portal.quizzes.errors import WordingFaulty
from portal.quizzes.formats.into_bank import out_of_bank
from portal.quizzes.formats.markdown import Bank, BankQuestion
from portal.quizzes.formats.own_markdown import FORMAT
from portal.quizzes.models import AttemptState, Layout, Navigation, QuestionPicture, QuizVersion, Release
from portal.quizzes.service import editing
from portal.quizzes.service.attempts import submit_attempt
from portal.quizzes.service.banks import take_bank
from portal.quizzes.service.pictures import keep_picture
from portal.quizzes.types import type_of
from portal.quizzes.types.base import Content, Picture, read
from portal.quizzes.types.contents import export
from tests.builders import Cast
from tests.page_client import Page
from tests.quizzes.builders import KINDS, Facts, answer, at, begin, make_content, make_quiz, right_answer
from tests.quizzes.test_editing import bank, sent

__all__ = ["bank"]
ALT = Words("The header of a profile", "プロフィールのヘッダー")
PATH = "banks/pictures"


@pytest.fixture(autouse=True)
def _fresh_limits() -> None:
    limits.pictures.clear()


def drawn(kind: str = "PNG", colour: tuple[int, int, int] = (20, 60, 120), **options: Any) -> bytes:
    target = BytesIO()
    noise = Image.effect_noise((60, 40), 80).convert("RGB")
    Image.blend(noise, Image.new("RGB", (60, 40), colour), 0.5).save(target, kind, **options)
    return target.getvalue()


def keep(cast: Cast, data: bytes = b"") -> str:
    """Keep a picture, and return its hash."""
    with own_transaction():
        return keep_picture(made=images.remake(data or drawn()), bank="bank", by=cast.author).sha256


def make_case(cast: Cast, *, parts: tuple[str, ...] = ("decision", "clause"), level: str = "S2") -> Content:
    content = make_content(3, "case", picture=Picture(keep(cast), ALT, level))
    return replace(content, parts=tuple(part for part in content.parts if part.id in parts))


def make_case_quiz(cast: Cast, content: Content, **values: Any) -> QuizVersion:
    """Take in a bank with a question of each kind, the third with a picture, and a quiz of all in their order."""
    questions = [
        BankQuestion(f"imp-{number:03d}", content if kind == "case" else make_content(number, kind))
        for number, kind in enumerate(KINDS)
    ]
    with own_transaction():
        made = Bank(Words("Impersonation", "なりすまし"), "impersonation", "1.0", tuple(questions))
        take_bank(slug="impersonation", bank=made, facts=Facts(), by=cast.author)
    blueprint = [{"questions": [f"impersonation/imp-{number:03d}" for number in range(4)]}]
    terms: dict[str, Any] = {"blueprint": blueprint, "shuffle_questions": False}
    return make_quiz(cast.author, bank=False, **(terms | values))


def boxes(page: Page) -> list[Any]:
    return [each for each in page.all("details") if each.get("data-module") == "quiz-picture"]


# --- what it is --------------------------------------------------------------------------------


@pytest.mark.any_database
def test_a_case_without_a_picture_is_stored_as_before_there_were_pictures() -> None:
    plain = make_content(3, "case")
    assert "picture" not in export(plain)
    assert read(export(plain)) == plain


@pytest.mark.any_database
def test_a_level_that_the_case_asks_for_is_not_told_with_the_picture() -> None:
    asks = make_content(3, "case", picture=Picture("0" * 64, ALT, "S2"))
    kind = type_of("case")
    told = kind.form(asks, {}, "en").picture
    assert told is not None
    assert (told.severity, told.is_hard) == (None, True)
    before = kind.review(asks, {}, {}, language="en", show=frozenset({"correctness"})).picture
    after = kind.review(asks, {}, {}, language="en", show=frozenset({"key"})).picture
    assert before == told
    assert after is not None
    assert after.severity == "S2"
    other = replace(asks, parts=tuple(part for part in asks.parts if part.id != "severity"))
    form = kind.form(other, {}, "ja").picture
    assert form is not None
    assert (form.severity, form.alt) == ("S2", ALT.ja)


@pytest.mark.any_database
@pytest.mark.parametrize(
    "picture",
    [
        Picture("0" * 64, Words("", ""), "S0"),
        Picture("0" * 64, Words("two\nlines", "二行"), "S0"),
        Picture("0" * 64, Words("x" * 501, "長い"), "S0"),
        Picture("0" * 64, ALT, ""),
        Picture("0" * 64, ALT, "S5"),
    ],
)
def test_a_picture_says_in_a_line_what_it_shows_and_how_hard_that_is(app: Flask, picture: Picture) -> None:
    with app.test_request_context():
        faults = type_of("case").check(make_content(3, "case", picture=picture))
    assert [fault.part for fault in faults] == ["picture"]


# --- writing it --------------------------------------------------------------------------------


def write(cast: Cast, as_: Any, **further: Any) -> Any:
    browser = as_(cast.author)
    page = browser.get("quizzes.new_question", slug="bank", type="case")
    filled = {
        "title_en": "Profile", "stem_en": "Somebody writes.", "decision__0__text__en": "This",
        "decision__right": "0", "decision__1__text__en": "That", "clauses": "policy#a", "slug": "with-picture",
        "picture_file": (BytesIO(drawn()), "impostor-is-right.png"), "picture_alt_en": ALT.en,
        "picture_alt_ja": ALT.ja, "picture_severity": "S2",
    }  # fmt: skip
    return browser, {**sent(page), **filled, **further}


def written(slug: str = "with-picture") -> Content:
    session.rollback()
    row = queries.get_question("bank", slug)
    return read(queries.get_version(row, row.in_work).content)


@pytest.mark.usefixtures("bank")
def test_an_author_puts_a_picture_beside_a_case(cast: Cast, as_: Any) -> None:
    browser, form = write(cast, as_)
    page = browser.follow(browser.post("quizzes.add_question", form, slug="bank", type="case"))
    picture = written().picture
    assert picture is not None
    assert (picture.alt, picture.severity) == (ALT, "S2")
    # In both languages, closed, nothing of it fetched.
    assert len(boxes(page)) == 2
    assert not page.all("img")
    assert "impostor" not in page.text
    answered = browser.fetch("quizzes.bank_picture", sha256=picture.sha256)
    assert answered.mimetype == "image/webp"
    assert "impostor" not in str(answered.headers)
    # Saved as it stands, nothing changes.
    page = browser.get("quizzes.edit_question", slug="bank", question="with-picture")
    browser.post("quizzes.save_question", sent(page), slug="bank", question="with-picture")
    assert queries.get_question("bank", "with-picture").latest == 1
    page = browser.get("quizzes.edit_question", slug="bank", question="with-picture")
    browser.post("quizzes.save_question", sent(page, picture_removed="y"), slug="bank", question="with-picture")
    assert written().picture is None
    assert session.scalars(select(QuestionPicture.sha256)).all() == [picture.sha256]


@pytest.mark.usefixtures("bank")
def test_what_a_camera_wrote_is_not_kept(cast: Cast, as_: Any) -> None:
    exif = Image.Exif()
    exif[0x010F] = "SecretCamera"
    browser, form = write(cast, as_, picture_file=(BytesIO(drawn("JPEG", exif=exif)), "x.jpg"))
    browser.post("quizzes.add_question", form, slug="bank", type="case")
    (kept,) = session.scalars(select(QuestionPicture)).all()
    assert b"SecretCamera" not in kept.data
    with Image.open(BytesIO(kept.data)) as found:
        assert (found.format, found.size) == ("WEBP", (kept.width, kept.height))


@pytest.mark.usefixtures("bank")
@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_form_that_is_refused_loses_neither_the_picture_nor_what_is_said_of_it(
    cast: Cast, as_: Any, language: str
) -> None:
    cast.author.language = language
    session.commit()
    browser, form = write(cast, as_, picture_severity="", title_en="")
    page = browser.post("quizzes.add_question", form, slug="bank", type="case", expect=400)
    assert isinstance(page, Page)
    again = sent(page)
    assert re.fullmatch("[0-9a-f]{64}", again["picture"])
    assert (again["picture_alt_en"], again["picture_alt_ja"]) == (ALT.en, ALT.ja)
    assert page.all("div", id="picture_severity-error")
    again |= {"picture_severity": "S1", "title_en": "Profile", "picture_file": ""}
    browser.post("quizzes.add_question", again, slug="bank", type="case")
    picture = written().picture
    assert picture is not None
    assert picture.severity == "S1"


@pytest.mark.usefixtures("bank")
def test_a_row_that_is_added_keeps_the_picture_that_came_with_it(cast: Cast, as_: Any) -> None:
    browser, form = write(cast, as_, do="add:decision")
    page = browser.post("quizzes.add_question", form, slug="bank", type="case", expect=200)
    assert isinstance(page, Page)
    assert sent(page)["picture"]
    (box,) = boxes(page)
    assert box.get("data-alt") in (ALT.en, ALT.ja)


@pytest.mark.usefixtures("bank")
def test_what_is_no_picture_is_refused_in_words_beside_its_field(cast: Cast, as_: Any) -> None:
    for data, name in ((b"<svg xmlns='http://www.w3.org/2000/svg'/>", "x.svg"), (b"MZ\x90", "x.png")):
        browser, form = write(cast, as_, picture_file=(BytesIO(data), name))
        page = browser.post("quizzes.add_question", form, slug="bank", type="case", expect=400)
        assert isinstance(page, Page)
        assert page.all("div", id="picture_file-error")
        assert sent(page)["picture_alt_en"] == ALT.en
    assert session.scalars(select(QuestionPicture)).all() == []


@pytest.mark.usefixtures("bank")
def test_a_picture_that_is_too_large_is_refused_beside_its_field_and_takes_nothing_with_it(
    cast: Cast, as_: Any
) -> None:
    large = drawn() + b"\0" * (8 * 1024 * 1024)
    browser, form = write(cast, as_)
    # Made here: the client of the tests leaves the file open that it makes of a large body.
    fields = form | {"csrf_token": browser.token(), "picture_file": FileStorage(BytesIO(large), "photo.png")}
    boundary, body = encode_multipart(fields)
    answered = browser.send(
        "POST",
        browser.url("quizzes.add_question", slug="bank", type="case"),
        data=body,
        headers={"Content-Type": f"multipart/form-data; boundary={boundary}", "Accept": "text/html"},
    )
    assert answered.status_code == 400
    page = Page(answered)
    assert page.all("div", id="picture_file-error")
    assert sent(page)["title_en"] == "Profile"


@pytest.mark.usefixtures("bank")
def test_the_same_form_with_another_picture_is_not_answered_as_if_it_were_saved(cast: Cast, as_: Any) -> None:
    browser, form = write(cast, as_)
    browser.post("quizzes.add_question", dict(form), slug="bank", type="case")
    picture = written().picture
    again = form | {"picture_file": (BytesIO(drawn(colour=(250, 0, 0))), "other.png")}
    browser.post("quizzes.add_question", again, expect=409, slug="bank", type="case")
    assert written().picture == picture


@pytest.mark.usefixtures("bank")
def test_words_about_a_picture_that_was_not_chosen_are_not_dropped_in_silence(cast: Cast, as_: Any) -> None:
    browser, form = write(cast, as_, picture_file="")
    page = browser.post("quizzes.add_question", form, slug="bank", type="case", expect=400)
    assert isinstance(page, Page)
    assert page.all("div", id="picture_file-error")


@pytest.mark.usefixtures("bank")
def test_a_picture_that_nobody_sent_is_refused(cast: Cast, as_: Any) -> None:
    for forged in ("0" * 64, "../../etc/passwd", "x" * 5000):
        browser, form = write(cast, as_, picture_file="", picture=forged)
        browser.post("quizzes.add_question", form, slug="bank", type="case", expect=400)
    content = make_content(0, "single_choice", clauses=("policy#a",), document="policy")
    content = replace(content, picture=Picture(keep(cast), ALT, "S0"))
    with pytest.raises(WordingFaulty), own_transaction():
        editing.add_question(bank=queries.get_bank("bank"), content=content, by=cast.author)


def test_the_same_picture_is_kept_once(cast: Cast) -> None:
    data = drawn()
    assert keep(cast, data) == keep(cast, data)
    assert len(session.scalars(select(QuestionPicture)).all()) == 1


# --- seeing it ---------------------------------------------------------------------------------


def test_a_learner_is_told_of_the_picture_and_fetches_it_herself(cast: Cast, as_: Any) -> None:
    cast.learner.language = "en"
    session.commit()
    attempt = begin(cast.learner, make_case_quiz(cast, make_case(cast)))
    with clock.frozen(at(1)):
        browser = as_(cast.learner)
        page = browser.get("quizzes.attempt", code=attempt.code)
        (box,) = boxes(page)
        assert box.get("open") is None
        assert not page.all("img")
        words = page.text
        assert ALT.en in words
        assert "Sensitivity level S2: " in words
        assert "optional" in words
        href = f"/attempts/{attempt.code}/questions/4/picture"
        assert box.get("data-href") == href
        # Without scripts it is a link.
        (link,) = [each for each in page.all("a") if each.get("href") == href]
        assert link.get("target") == "_blank"
        answered = browser.fetch("quizzes.attempt_picture", code=attempt.code, position=4)
        assert answered.status_code == 200
        assert answered.headers["Cache-Control"] == "private, no-cache"
        assert answered.headers["X-Content-Type-Options"] == "nosniff"
        again = browser.send("GET", href, headers={"If-None-Match": answered.headers["ETag"]})
        assert again.status_code == 304
        for position in (1, 5, 99999):
            found = browser.fetch("quizzes.attempt_picture", code=attempt.code, position=position)
            assert found.status_code == 404


def test_nobody_else_is_sent_the_picture(cast: Cast, as_: Any) -> None:
    attempt = begin(cast.learner, make_case_quiz(cast, make_case(cast)))
    (hash_,) = session.scalars(select(QuestionPicture.sha256)).all()
    with clock.frozen(at(1)):
        for person in (cast.colleague, cast.outsider, cast.lead, cast.author, cast.admin):
            found = as_(person).fetch("quizzes.attempt_picture", code=attempt.code, position=4)
            assert found.status_code == 404
        for person in (cast.learner, cast.colleague, cast.lead):
            assert as_(person).fetch("quizzes.bank_picture", sha256=hash_).status_code == 404
        for person in (cast.author, cast.approver, cast.admin):
            assert as_(person).fetch("quizzes.bank_picture", sha256=hash_).status_code == 200
            assert as_(person).fetch("quizzes.bank_picture", sha256="0" * 64).status_code == 404


@pytest.mark.parametrize("show", [["score"], ["score", "correctness"]])
def test_after_the_end_the_picture_is_seen_again_with_a_result_that_shows_the_question(
    cast: Cast, as_: Any, show: list[str]
) -> None:
    version = make_case_quiz(cast, make_case(cast), release=Release.BY_HAND, show=tuple(show))
    attempt = begin(cast.learner, version)
    with clock.frozen(at(2)):
        answer(attempt, 4, right_answer(attempt, 4))
        with own_transaction():
            submit_attempt(attempt=queries.get_attempt(attempt.code), person=cast.learner)
        fetch = lambda: as_(cast.learner).fetch("quizzes.attempt_picture", code=attempt.code, position=4)  # noqa: E731
        assert fetch().status_code == 404
        browser = as_(cast.author)
        browser.post("quizzes.release_results", slug="impersonation")
        session.rollback()
        assert queries.get_attempt(attempt.code).state is AttemptState.RELEASED
        assert fetch().status_code == (404 if show == ["score"] else 200)
        page = as_(cast.learner).get("quizzes.result", code=attempt.code)
        assert len(boxes(page)) == (0 if show == ["score"] else 1)


def test_a_question_that_was_left_for_good_keeps_its_picture_to_itself(cast: Cast, as_: Any) -> None:
    version = make_case_quiz(cast, make_case(cast), navigation=Navigation.FORWARD_ONLY, layout=Layout.ONE_PER_PAGE)
    with clock.frozen(at(0)):
        attempt = begin(cast.learner, version)
    with clock.frozen(at(1)):
        found = as_(cast.learner).fetch("quizzes.attempt_picture", code=attempt.code, position=4)
        # Not reached yet.
        assert found.status_code == 404
        row = queries.get_attempt(attempt.code)
        row.reached = 4
        session.commit()
        assert as_(cast.learner).fetch("quizzes.attempt_picture", code=attempt.code, position=4).status_code == 200
    with clock.frozen(at(60)):
        # The time is over, whoever has written that down.
        assert as_(cast.learner).fetch("quizzes.attempt_picture", code=attempt.code, position=4).status_code == 404


def test_an_attempt_keeps_the_picture_with_which_it_began(cast: Cast, as_: Any) -> None:
    content = make_case(cast)
    attempt = begin(cast.learner, make_case_quiz(cast, content))
    other = keep(cast, drawn(colour=(200, 0, 0)))
    assert content.picture is not None
    make_case_quiz(cast, replace(content, picture=replace(content.picture, sha256=other)))
    with clock.frozen(at(1)):
        found = as_(cast.learner).fetch("quizzes.attempt_picture", code=attempt.code, position=4)
    assert found.get_etag()[0] == content.picture.sha256 != other


def test_practice_shows_the_picture_to_who_practises(cast: Cast, as_: Any) -> None:
    by_bank = [{"bank": "impersonation", "count": 3}]
    make_case_quiz(cast, replace(make_case(cast), tags=("practice",)), practice=True, blueprint=by_bank)
    browser, other = as_(cast.learner), as_(cast.colleague)
    page = browser.follow(browser.post("quizzes.begin_practice", slug="impersonation"))
    (box,) = boxes(page)
    href = box.get("data-href")
    assert browser.send("GET", href).status_code == 200
    assert other.send("GET", href).status_code == 404
    page = browser.follow(browser.post("quizzes.answer_practice", {}, code=href.split("/")[2]))
    assert len(boxes(page)) == 1
    assert browser.send("GET", href).status_code == 200
    # The question has come up in an attempt that runs: what practice said of it is withheld.
    begin(cast.learner, make_quiz(cast.author, "other", blueprint=[{"questions": ["impersonation/imp-003"]}]))
    assert browser.send("GET", href).status_code == 404


@pytest.mark.parametrize("language", ["en", "ja"])
def test_authors_see_it_wherever_they_read_the_case(cast: Cast, as_: Any, language: str) -> None:
    cast.author.language = language
    session.commit()
    make_case_quiz(cast, make_case(cast))
    browser = as_(cast.author)
    where: dict[str, Any] = {"slug": "impersonation", "question": "imp-003"}
    for endpoint in ("quizzes.question", "quizzes.preview"):
        page = browser.get(endpoint, **where)
        assert len(boxes(page)) == 2
        assert not page.all("img")
        for box in boxes(page):
            assert browser.send("GET", box.get("data-href")).status_code == 200


# --- files -------------------------------------------------------------------------------------


def test_an_export_says_that_the_picture_is_lost(cast: Cast) -> None:
    content = make_case(cast)
    with force_locale("en"):
        for language in ("en", "ja"):
            assert "its picture" in out_of_bank(content, language=language, slug="q").losses


@pytest.fixture
def folder(tmp_path: Path, cast: Cast) -> Path:
    """A folder with a bank whose only question shows a picture, as an export has written it."""
    # A draft need not cite anything; that is not what this is about.
    content = replace(make_case(cast, parts=("decision",)), document="", clauses=())
    with own_transaction():
        made = Bank(Words("Impersonation", "なりすまし"), "", "", (BankQuestion("q", content, "draft"),))
        take_bank(slug="cases", bank=made, facts=Facts(), by=cast.author)
    root = tmp_path / "content"
    write_folder(root, written_out())
    return root


def written_out() -> list[ContentFile]:
    session.rollback()
    return export_content([BanksPart()])


def take_in(root: Path, cast: Cast) -> list[str]:
    with own_transaction():
        return import_content(root=root, parts=[BanksPart()], by=cast.author)[1]


def test_a_folder_holds_the_pictures_of_its_banks_and_says_the_same_when_it_is_read(folder: Path, cast: Cast) -> None:
    (name,) = [path.name for path in (folder / PATH).iterdir()]
    text = (folder / "banks/cases.en.md").read_text()
    assert f"![{ALT.en}](pictures/{name}){{sensitivity=S2}}" in text
    assert f"![{ALT.ja}](pictures/{name})\n" in (folder / "banks/cases.ja.md").read_text()
    assert not check_content(folder, [BanksPart()]).findings
    before = {file.path: (file.text, file.data) for file in written_out()}
    assert {file.path: (file.text, file.data) for file in written_out()} == before


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_any_picture_is_made_anew_and_stays_the_same_from_then_on(kind: str) -> None:
    once = images.of_file(drawn(kind))
    again = images.of_file(once.data)
    assert again.data == once.data


def test_a_picture_with_something_behind_it_is_made_anew() -> None:
    kept = images.remake(drawn("JPEG")).data
    assert b"<script>" not in images.of_file(kept + b"<script>").data
    chunk = b"EXIF" + (8).to_bytes(4, "little") + b"<script>"
    longer = b"RIFF" + (len(kept) - 8 + len(chunk)).to_bytes(4, "little") + kept[8:] + chunk
    assert b"<script>" not in images.of_file(longer).data


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda root, name: (root / PATH / name).unlink(), "There is no picture"),
        (lambda root, name: (root / PATH / name).write_bytes(b"no picture"), "Choose a picture"),
        (lambda root, name: edit(root, "en", "{sensitivity=S2}", ""), "no sensitivity level"),
        (lambda root, name: edit(root, "ja", f"![{ALT.ja}](pictures/{name})", ""), "is missing"),
        (lambda root, name: edit(root, "en", f"![{ALT.en}](pictures/{name}){{sensitivity=S2}}", ""), "not in the Eng"),
        (lambda root, name: edit(root, "en", f"pictures/{name}", "../secret.png"), "no picture beside"),
        (lambda root, name: undescribed(root), "is missing in this language"),
        (lambda root, name: (root / PATH / "Bad Name.png").write_bytes(drawn()), "cannot be the name"),
    ],
)
@pytest.mark.usefixtures("app")
def test_a_check_says_what_is_wrong_with_a_picture_and_where(folder: Path, change: Any, said: str) -> None:
    (name,) = [path.name for path in (folder / PATH).iterdir()]
    change(folder, name)
    found = check_content(folder, [BanksPart()])
    assert any(said in finding.message for finding in found.errors), [str(each) for each in found.findings]
    assert all(finding.mend or "picture" in finding.path for finding in found.errors)


def undescribed(root: Path) -> None:
    edit(root, "en", f"![{ALT.en}]", "![{missing}]")
    edit(root, "en", " state=draft", " clause=impersonation#fan-accounts")


def edit(root: Path, language: str, old: str, new: str) -> None:
    path = root / f"banks/cases.{language}.md"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_a_drawing_of_an_author_is_taken_in_and_written_out_under_its_hash(folder: Path, cast: Cast) -> None:
    (name,) = [path.name for path in (folder / PATH).iterdir()]
    (folder / PATH / name).unlink()
    (folder / PATH / "header.png").write_bytes(drawn(colour=(0, 120, 0)))
    for language in ("en", "ja"):
        edit(folder, language, name, "header.png")
    assert take_in(folder, cast) == ["banks/cases.en.md: q"]
    assert take_in(folder, cast) == []
    picture = read(queries.list_latest(queries.get_bank("cases"))[0][1].content).picture
    assert picture is not None
    files = {file.path: file for file in written_out()}
    assert files[f"{PATH}/{picture.sha256}.webp"].data is not None
    assert picture.sha256 in files["banks/cases.en.md"].text
    assert invariants.pictures_of_questions_are_unchanged() == []
    # Written out, taken in elsewhere or here: the same.
    write_folder(folder, list(files.values()))
    (folder / PATH / "header.png").unlink()
    assert take_in(folder, cast) == []


def test_a_bank_that_is_sent_as_a_file_says_that_its_picture_is_lost(folder: Path) -> None:
    with force_locale("en"):
        reading = FORMAT.read((folder / "banks/cases.en.md").read_bytes())
    assert not reading.refused
    assert reading.questions[0].losses == ("its picture",)


# --- what is stored ----------------------------------------------------------------------------


def test_the_doctor_finds_a_picture_that_is_gone_or_another(cast: Cast) -> None:
    make_case_quiz(cast, make_case(cast))
    assert invariants.pictures_of_questions_are_unchanged() == []
    session.execute(QuestionPicture.__table__.update().values(data=b"other"))  # type: ignore[attr-defined]
    assert "is not what was uploaded" in invariants.pictures_of_questions_are_unchanged()[0]
    session.execute(QuestionPicture.__table__.delete())  # type: ignore[attr-defined]
    assert "shows a picture that is gone" in invariants.pictures_of_questions_are_unchanged()[0]
    session.rollback()
