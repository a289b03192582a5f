"""From the first morning to a certificate that a stranger can check: the whole way, in a real browser.

The new hire reads and confirms, takes the quizzes, is signed off by mentor and lead, and downloads her
certificate; the lead watches the cohort's table change; a stranger opens what the QR code says.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pypdfium2
import pytest
import zxingcpp
from babel.messages.pofile import read_po
from flask import Flask
from playwright.sync_api import Page, expect

from portal import create_app
from portal.core.db import db, session
from portal.quizzes import queries as quizzes
from portal.quizzes.service.rehearsal import rehearsed_answer
from tests.e2e.conftest import Portal, Visitor

pytestmark = pytest.mark.browser
ROOT = Path(__file__).resolve().parents[2]


@cache
def _japanese() -> dict[str, str]:
    texts: dict[str, str] = {}
    for path in sorted((ROOT / "portal").rglob("messages.po")):
        with path.open("rb") as source:
            for message in read_po(source, locale="ja"):
                if isinstance(message.id, str) and message.id and isinstance(message.string, str):
                    texts[message.id] = message.string
    return texts


def say(language: str, text: str, **values: str) -> str:
    """Return a text of the product as the visitor reads it."""
    said = _japanese()[text] if language == "ja" else text
    return said % values if values else said


@pytest.fixture(scope="module")
def database(portal: Portal) -> Iterator[Flask]:
    """The running product's own data, to know which answers are right."""
    app = create_app(
        {
            "SHIRUBE_DATA_DIR": portal.data_dir,
            "SHIRUBE_DATABASE_URL": portal.environment["SHIRUBE_DATABASE_URL"],
            "SHIRUBE_PUBLIC_URL": portal.address,
            "TESTING": True,
            "JOBS_HAND_OVER": False,
        }
    )
    yield app
    with app.app_context():
        db.engine.dispose()


def _press(visitor: Visitor, text: str, **values: str) -> None:
    visitor.page.get_by_role("button", name=say(visitor.language, text, **values), exact=True).click()


def _note_reading(visitor: Visitor, slug: str) -> None:
    visitor.open(f"/library/{slug}")
    _press(visitor, "Record that I have read it")
    expect(visitor.page.locator("#confirmation")).to_be_visible()


def _confirm(visitor: Visitor, slug: str) -> None:
    visitor.open(f"/library/{slug}")
    visitor.page.locator("#confirmation").get_by_role("checkbox").check()
    _press(visitor, "Confirm version %(number)s", number="1.0")
    heading = say(visitor.language, "Confirmed on %(date)s", date="").strip()
    expect(visitor.page.locator("#confirmation")).to_contain_text(heading.split("：")[0].strip("に"))


def _take_quiz(visitor: Visitor, slug: str, database: Flask) -> None:
    visitor.open(f"/quizzes/{slug}")
    _press(visitor, "Start the quiz")
    visitor.page.wait_for_url("**/attempts/*")
    code = visitor.page.url.split("/attempts/")[1].split("?")[0].split("/")[0]
    with database.app_context():
        session.remove()
        items = quizzes.list_items(quizzes.get_attempt(code))
        right = {item.position: rehearsed_answer(item, right=True) for item in items}
        session.remove()
    for position, parts in right.items():
        for part, sent in parts.items():
            _answer(visitor.page, f"q{position}-{part}", sent)
    # With JavaScript the question is a dialog, without it unfolds in place.
    visitor.page.locator("summary", has_text=say(visitor.language, "Hand in")).click()
    _press(visitor, "Hand in now")
    visitor.page.wait_for_url("**/result*")
    expect(visitor.page.get_by_role("main")).to_contain_text("100")


def _answer(page: Page, name: str, sent: list[str]) -> None:
    """Answer a part of a question as its control asks: written, chosen from a list, put in order or ticked."""
    alone = page.locator(f"#{name}")
    if alone.count():
        (value,) = sent
        if alone.evaluate("control => control.tagName") == "SELECT":
            alone.select_option(value)
        else:
            alone.fill(value)
        return
    for value in sent:
        choice, _sign, place = value.partition(":")
        control = page.locator(f"#{name}-{choice}")
        if place:
            control.select_option(value)
        else:
            control.check()


def _sign_off(visitor: Visitor, learner: str, times: int) -> None:
    """Sign off so many steps of the learner, one after the other."""
    for _ in range(times):
        visitor.open("/sign-offs")
        row = visitor.page.locator("tr", has_text=learner).first
        row.get_by_role("link").last.click()
        visitor.page.wait_for_url("**/sign-offs/*/*")
        statement = visitor.page.get_by_role("textbox")
        if statement.count():
            statement.fill("見ました。条項に沿っています。")
            _press(visitor, "Sign off")
        else:
            _press(visitor, "Record that it took place")
        visitor.page.wait_for_load_state()


def _verify_address(data: bytes) -> str:
    """Read the QR code of the certificate's first page."""
    page = pypdfium2.PdfDocument(io.BytesIO(data))[0]
    codes = zxingcpp.read_barcodes(page.render(scale=3).to_pil())
    assert len(codes) == 1
    return str(codes[0].text)


@pytest.mark.parametrize(
    ("role", "family", "language", "javascript"),
    [
        pytest.param("learner", "髙橋", "ja", True, id="japanese"),
        pytest.param("learner (English)", "Okafor", "en", True, id="english", marks=pytest.mark.any_database),
        pytest.param("learner (third)", "佐々木", "ja", False, id="no-javascript", marks=pytest.mark.any_database),
    ],
)
def test_a_new_hire_reaches_a_certificate_that_a_stranger_can_check(
    visit: Callable[..., Visitor],
    portal: Portal,
    database: Flask,
    role: str,
    family: str,
    language: str,
    javascript: bool,
) -> None:
    learner = visit(language, javascript=javascript)
    learner.sign_in(role)
    expect(learner.page.get_by_role("heading", level=1)).to_have_text(say(language, "Today"))
    expect(learner.page.locator("html")).to_have_attribute("lang", language)
    mentor, lead = visit("ja"), visit("ja")
    mentor.sign_in("mentor")
    lead.sign_in("lead")
    before = _table_row(lead, family)

    _confirm(learner, "exposure-and-wellbeing")
    _sign_off(mentor, family, 1)
    _confirm(learner, "child-safety")
    _take_quiz(learner, "child-safety", database)
    _confirm(learner, "queue-work")
    _note_reading(learner, "impersonation")
    _confirm(learner, "impersonation")
    _take_quiz(learner, "impersonation", database)
    _note_reading(learner, "daily-audit")
    _confirm(learner, "daily-audit")
    _take_quiz(learner, "daily-audit", database)
    _sign_off(mentor, family, 2)
    after = _table_row(lead, family)
    assert before != after
    _sign_off(lead, family, 1)

    learner.open("/certificates")
    pdf = _download(learner)
    address = _verify_address(pdf)
    assert address.startswith(f"{portal.address}/verify/")
    stranger = visit(language)
    stranger.page.goto(f"{address}?lang={language}")
    main = stranger.page.get_by_role("main")
    expect(main).to_contain_text(say(language, "Valid"))
    expect(main).to_contain_text(family)
    for visitor in (learner, mentor, lead, stranger):
        visitor.assert_quiet()


def _table_row(lead: Visitor, family: str) -> str:
    """Return the text of the learner's row in the newest cohort's table."""
    lead.open("/cohorts")
    lead.page.locator("main").get_by_role("link", name=re.compile("開始")).first.click()
    return " ".join(lead.page.locator("tbody tr", has_text=family).first.inner_text().split())


def _download(learner: Visitor) -> bytes:
    """Wait for the worker to have made the certificate, and download it in the visitor's language."""
    link = learner.page.locator(f"a[href$='/{learner.language}.pdf'], a[href*='/{learner.language}.pdf']").first
    for _ in range(60):
        if link.count():
            break
        learner.page.wait_for_timeout(500)
        learner.page.reload()
    response = learner.context.request.get(learner.portal.address + str(link.get_attribute("href")))
    assert response.headers["content-type"] == "application/pdf"
    body = response.body()
    assert body.startswith(b"%PDF")
    return body


def test_the_doctor_is_clean_after_the_journey(portal: Portal) -> None:
    done = portal.command("doctor")
    assert done.returncode == 0, done.stdout + done.stderr
