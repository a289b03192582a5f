"""Files that broke, and files that were made to break something: read or refused by line, never an exception.

At nightly volume the whole of it takes less than ten minutes of one processor, and no test more than three: what goes
through the page and the command is split by format, so that several processors share it and a busy machine gets on.
"""

from __future__ import annotations

import io
import json
import random
import secrets
import subprocess
import sys
import time
from collections.abc import Callable
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from portal.accounts.models import Person
from portal.core import jobs
from portal.core.db import session
from portal.quizzes import limits
from portal.quizzes.formats import foreign
from portal.quizzes.formats.detecting import format_of
from portal.quizzes.formats.interchange import MAX_BYTES
from portal.quizzes.models import QuestionImport
from portal.quizzes.service import taking_in as service
from portal.quizzes.types.base import type_of
from tests.builders import Cast
from tests.page_client import Page, PageClient
from tests.quizzes.builders import make_bank
from tests.quizzes.hostile_files import ITEM, all_cases, mutants, package, whole_files, workbook
from tests.volume import examples, volume

# No file of a few kilobytes takes longer, with room for a busy machine.
SECONDS = 20
# What reading a file takes of a processor; of the largest that are made on purpose, some megabytes, with room again.
MOST_SECONDS = 5
MOST_MEGABYTES = 256
WISH = service.For("en", "impersonation", ("fuzz",), True)


@pytest.mark.any_database
def test_a_broken_file_is_read_or_refused_by_its_line(app: Flask) -> None:
    chance = random.Random(4)
    files = whole_files()
    facts = service.Facts()
    for number in range(examples(250)):
        form, name, data = files[number % len(files)]
        mutant = next(mutants(data, chance))
        if chance.random() < 0.2:
            form = format_of(mutant, name) or chance.choice(foreign.NAMES)
        started = time.perf_counter()
        found = service.find_questions(form, mutant)
        judged = service.judge(found, WISH, facts)
        assert time.perf_counter() - started < SECONDS, (name, form, mutant)
        lines = mutant.count(b"\n") + mutant.count(b"\r") + 1
        for each in judged:
            # The line of what lies in an archive is that of a file in it.
            assert 0 <= each.found.line <= lines or form in ("qti", "xlsx"), (name, form, mutant)
            if each.content is None:
                assert each.reasons, (name, form, mutant)
                assert all(all(reason) for reason in each.reasons), (name, form, mutant)
            else:
                assert type_of(each.content.type).check(each.content) == []


@pytest.mark.any_database
@pytest.mark.parametrize("form", foreign.NAMES)
def test_a_file_of_another_format_is_refused_in_words(app: Flask, form: str) -> None:
    facts = service.Facts()
    for _form, _name, data in whole_files():
        for judged in service.judge(service.find_questions(form, data), WISH, facts):
            assert judged.content is not None or all(all(reason) for reason in judged.reasons)


@pytest.mark.any_database
def test_a_hostile_file_is_read_or_refused_within_its_time_and_memory_by_a_place_that_it_has() -> None:
    languages = volume(1, 2)
    child = subprocess.run(
        [sys.executable, "-m", "tests.quizzes.reading_child", *(["each"] if languages == 1 else ["en", "ja"])],
        capture_output=True,
        text=True,
        timeout=600,
        cwd=Path(__file__).parents[2],
        check=False,
    )
    assert child.returncode == 0, child.stderr[-2_000:]
    told = [json.loads(line) for line in child.stdout.splitlines()]
    assert len(told) >= languages * 500
    for each in told:
        assert "fault" not in each, (each["about"], each["fault"])
        assert each["seconds"] <= MOST_SECONDS, (each["about"], each["seconds"])
        assert each["megabytes"] <= MOST_MEGABYTES, (each["about"], each["megabytes"])
        for line in each["questions"]:
            assert 0 <= line <= max(each["places"].values()), (each["about"], line)
        for line, reason in each["refused"]:
            _check_place(each, line, reason)
            assert any(not sign.isascii() for sign in reason) or each["language"] == "en", (each["about"], reason)


def _check_place(told: dict[str, Any], line: int, reason: str) -> None:
    """Fail unless a refusal is of a line that there is, in the file or in the one in it that it names."""
    places: dict[str, int] = told["places"]
    named = [name for name in places if name and reason.startswith(f"{name[:120]}: ")]
    lines = max((places[name] for name in named), default=max(places.values()))
    assert 0 <= line <= lines or told["about"].startswith("xlsx: "), (told["about"], line, reason)


def test_no_honest_file_is_refused_for_how_it_is_made() -> None:
    """What is made above must fail for what is wrong with it, and not because all of it is wrong."""
    for form, name, data in whole_files():
        if name.startswith("own"):
            assert len(foreign.read_file(form, data).questions) >= 2, name
    assert len(foreign.read_file("qti", package({"i.xml": ITEM})).questions) == 1
    assert len(foreign.read_file("xlsx", workbook({})).questions) == 1


# --- through the page and the command --------------------------------------------------------------


@cache
def _some(cases: int, of_each_file: int) -> tuple[tuple[str, str, bytes], ...]:
    """Return format, name and bytes of so many hostile files, and of so many broken ones of each real file."""
    chance = random.Random(11)
    chosen = set(chance.sample(range(500), cases)) if cases < 500 else range(10_000)
    hostile = ((case.format, case.about, case.data) for place, case in enumerate(all_cases()) if place in chosen)
    broken = (
        (form, name, mutant)
        for form, name, data in whole_files()
        for mutant in islice(mutants(data, chance), of_each_file)
    )
    return (*hostile, *broken)


@pytest.fixture
def author(as_: Callable[[Person], PageClient], cast: Cast) -> PageClient:
    """An author's browser, and a bank."""
    make_bank(cast.author)
    return as_(cast.author, language="en")


def _look(author: PageClient, form: str, data: bytes) -> Page:
    """Send a file, let it be read, and return the page that says what becomes of it, or why not."""
    limits.files.clear()
    fields = {
        "csrf_token": author.token(),
        "form_key": secrets.token_hex(8),
        "format": form,
        "language": "en",
        "file": FileStorage(io.BytesIO(data), "questions"),
    }
    # Made here: the client of the tests leaves the file open that it makes of a large body.
    boundary, body = encode_multipart(fields)
    response = author.send(
        "POST",
        author.url("quizzes.send_file", slug="impersonation"),
        data=body,
        headers={"Content-Type": f"multipart/form-data; boundary={boundary}", "Accept": "text/html"},
    )
    if response.status_code != 303:
        assert response.status_code in (400, 413, 422)
        return Page(response)
    session.rollback()
    jobs.run_due()
    code = response.headers["Location"].rpartition("/")[2].partition("?")[0]
    kept = session.query(QuestionImport).filter_by(code=code).one()
    assert kept.read_at is not None
    return author.get("quizzes.look_at_file", code=code)


def _of(form: str, cases: int, of_each_file: int, every: int = 1) -> list[tuple[int, str, bytes]]:
    """Return place, name and bytes of the chosen files that are of a format; every so many of all, one at least."""
    found = [(place, *each[1:]) for place, each in enumerate(_some(cases, of_each_file)) if each[0] == form]
    return [each for each in found if each[0] % every == 0] or found[:1]


@pytest.mark.any_database
@pytest.mark.parametrize("form", foreign.NAMES)
def test_a_page_shows_what_becomes_of_any_file(author: PageClient, form: str) -> None:
    files = _of(form, volume(8, 500), volume(1, 15), volume(3, 1))
    assert files
    for place, _name, data in files:
        if len(data) <= MAX_BYTES:
            # Now as what it is sent as, now as what it looks like.
            assert _look(author, form if place % 2 else "", data).all("h1")


@pytest.mark.any_database
@pytest.mark.parametrize("form", foreign.NAMES)
def test_the_command_prints_json_of_any_file_and_exits_as_it_says(app: Flask, tmp_path: Path, form: str) -> None:
    run = app.test_cli_runner().invoke
    files = _of(form, volume(12, 500), volume(1, 20))
    assert files
    for _place, name, data in files:
        (tmp_path / "file").write_bytes(data)
        read = ["quizzes", "read", str(tmp_path / "file"), "--format", form]
        answer = run(args=[*read, "--json", "--language", "ja"])
        assert answer.exception is None or isinstance(answer.exception, SystemExit), (form, name, answer.exception)
        printed = json.loads(answer.stdout)
        assert answer.exit_code == (1 if printed["refused"] and not printed["questions"] else 0)
        assert run(args=[*read, "--language", "ja"]).exit_code == answer.exit_code
