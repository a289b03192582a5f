"""Obligations as files: the same bytes in and out, every fault on its line, and no cycle touched by an import."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from portal.accounts import queries as accounts
from portal.certificates.content import CredentialsPart
from portal.core.content import ContentFile, ContentFolder
from portal.core.db import session
from portal.core.transaction import own_transaction
from portal.obligations import queries
from portal.obligations.content import ObligationsPart
from portal.obligations.models import Obligation, ObligationTerms
from portal.obligations.service import obligations
from portal.obligations.service.obligations import wanted_of
from tests.beginnings import beginning
from tests.builders import Cast
from tests.obligations.builders import BEGINS, make_refresher
from tests.training.builders import load_holidays

PATH = "obligations/yearly.toml"
TEXT = """version = "1.0"
owner = "{owner}"
plan = "refresher"
rhythm = "yearly"
month = 10
day = 1
recognise_days = 90
begins_on = 2020-01-01
days = 20
roles = ["learner"]

[title]
en = "Yearly refresher"
ja = "年次リフレッシュ研修"
"""


@pytest.fixture
@beginning
def _plan(cast: Cast) -> None:
    load_holidays()
    make_refresher(cast.admin)


@pytest.fixture
def text(_plan: None, cast: Cast) -> str:
    """A file of which everything can be taken in."""
    return TEXT.format(owner=cast.admin.sign_in_name)


def folder_of(text: str, **files: str) -> ContentFolder:
    """Return a folder with the file, in which the plan is there."""
    all_files = {PATH: text} | files
    return ContentFolder(
        {path: ContentFile(path, said) for path, said in all_files.items()}, shared={"plans": {"refresher"}}
    )


def taken_in(text: str, by: Any) -> tuple[list[str], list[str]]:
    """Take a file in; return what changed and what was found."""
    folder = folder_of(text)
    with own_transaction():
        changes = ObligationsPart().load(folder, by)
    return changes, [str(each) for each in folder.findings]


def test_a_file_is_taken_in_once_and_written_out_with_the_same_bytes(cast: Cast, text: str) -> None:
    # Its first day lies years ago: files are kept.
    assert taken_in(text, cast.admin) == ([f"{PATH}: 1.0"], [])
    assert taken_in(text, cast.admin) == ([], [])
    written = {each.path: each.text for each in ObligationsPart().dump()}
    assert written == {PATH: text}
    assert ObligationsPart().canonical(ContentFile(PATH, text)) == text
    owned = accounts.find_owner(queries.OWNED_KIND, session.query(Obligation).one().code)
    assert owned is not None
    assert owned.owner_id == cast.admin.id


def test_other_terms_need_a_higher_version_and_are_added(cast: Cast, text: str) -> None:
    taken_in(text, cast.admin)
    later = text.replace("month = 10", "month = 4")
    changes, found = taken_in(later, cast.admin)
    assert changes == []
    assert found[0].startswith(f"{PATH}:1: ")
    assert "version 1.0" in found[0]
    higher = later.replace('"1.0"', '"1.1"')
    assert taken_in(higher, cast.admin) == ([f"{PATH}: 1.1"], [])
    assert [(each.number, each.month) for each in session.query(ObligationTerms).order_by(ObligationTerms.id)] == [
        (1, 10), (2, 4)
    ]  # fmt: skip
    # A file from before comes too late.
    assert taken_in(text, cast.admin)[0] == []
    assert [each.text for each in ObligationsPart().dump()] == [higher]


def test_what_was_changed_in_the_browser_is_not_overwritten_by_the_file_from_before(cast: Cast, text: str) -> None:
    taken_in(text, cast.admin)
    found = session.query(Obligation).one()
    with own_transaction():
        obligations.change_terms(
            obligation=found,
            wanted=replace(wanted_of(found.latest), days=30),
            owner=cast.admin, deputy=None, reason="More time.", seen=1, by=cast.admin,
        )  # fmt: skip
    changes, said = taken_in(text, cast.admin)
    assert (changes, len(said)) == ([], 1)
    (written,) = ObligationsPart().dump()
    assert written.text == text.replace('"1.0"', '"2.0"').replace("days = 20", "days = 30")
    # What is written out here can be taken in again.
    assert taken_in(written.text, cast.admin) == ([], [])


def test_one_that_was_made_in_the_browser_travels_under_a_name_of_its_own(cast: Cast, text: str) -> None:
    read = ObligationsPart()
    taken_in(text, cast.admin)
    wanted = wanted_of(session.query(Obligation).one().latest)
    with own_transaction():
        made = obligations.create(
            wanted=replace(wanted, begins_on=BEGINS),
            owner=cast.admin, deputy=None, by=cast.admin,
        )  # fmt: skip
    path = f"obligations/o-{made.code.lower()}.toml"
    written = {each.path: each for each in read.dump()}
    assert set(written) == {PATH, path}
    folder = ContentFolder({path: written[path]})
    with own_transaction():
        assert read.load(folder, cast.admin) == []
    assert session.query(Obligation).count() == 2


def test_an_ended_one_is_neither_written_out_nor_begun_anew(cast: Cast, text: str) -> None:
    taken_in(text, cast.admin)
    with own_transaction():
        obligations.end(obligation=session.query(Obligation).one(), reason="Over.", by=cast.admin)
    assert list(ObligationsPart().dump()) == []
    changes, found = taken_in(text, cast.admin)
    assert (changes, len(found)) == ([], 1)
    assert session.query(Obligation).count() == 1


def test_an_unknown_owner_is_kept_for_the_file_and_the_importer_answers(cast: Cast, text: str) -> None:
    stranger = re.sub(r'owner = ".*"', 'owner = "nobody@elsewhere.example"', text)
    changes, found = taken_in(stranger, cast.admin)
    assert changes == [f"{PATH}: 1.0"]
    assert "nobody@elsewhere.example" in found[0]
    assert [each.text for each in ObligationsPart().dump()] == [stranger]


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ('version = "1.0"', "version = 1", 1, "version"),
        ('plan = "refresher"', 'plan = "nowhere"', 3, "plans/nowhere.toml"),
        ('rhythm = "yearly"', 'rhythm = "monthly"', 4, "after_completion, before_expiry, yearly"),
        ("month = 10", "month = 13", 5, "from 1 to 12"),
        ("day = 1\n", "day = 32\n", 6, "from 1 to 31"),
        ("month = 10\nday = 1\n", "month = 2\nday = 30\n", 6, "no such day"),
        ("recognise_days = 90", "months = 12", 7, "yearly"),
        ("begins_on = 2020-01-01", 'begins_on = "soon"', 8, "no date"),
        ("days = 20\n", "days = true\n", 9, "from 1 to 120"),
        ('roles = ["learner"]', 'roles = ["pilot"]', 10, "pilot"),
        ('roles = ["learner"]', 'teams = "all"', 10, "wrong form"),
        ('roles = ["learner"]', "colour = 3", 10, "not known"),
        ('ja = "年次リフレッシュ研修"\n', "", 12, "both languages"),
    ],
)
def test_every_fault_is_told_on_its_line(text: str, old: str, new: str, line: int, said: str) -> None:
    assert old in text
    folder = folder_of(text.replace(old, new))
    ObligationsPart().check(folder)
    found = [each for each in folder.errors if said in f"{each.message} {each.mend}"]
    assert found, folder.findings
    assert found[0].line == line


def test_what_the_folder_lacks_and_what_lies_elsewhere_is_told(text: str) -> None:
    renewal = re.sub(r"month = 10\nday = 1\nrecognise_days = 90", 'lead_days = 30\ncredential = "gone"', text)
    folder = folder_of(renewal.replace("yearly", "before_expiry", 1), **{"obligations/deep/file.toml": text})
    CredentialsPart().check(folder)
    ObligationsPart().check(folder)
    assert {(each.path, each.line) for each in folder.errors} == {(PATH, 6), ("obligations/deep/file.toml", 0)}


def test_a_plan_that_takes_longer_is_refused_on_the_line_of_the_days(cast: Cast, text: str) -> None:
    changes, found = taken_in(text.replace("days = 20\n", "days = 1\n"), cast.admin)
    assert changes == []
    assert found[0].startswith(f"{PATH}:9: ")
