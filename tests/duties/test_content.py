"""Recurring tasks as files: the same bytes in and out, every fault on its line, and nothing overdue at once."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.accounts import queries as accounts
from portal.accounts.models import Role
from portal.core import clock
from portal.core.content import ContentFile, ContentFolder
from portal.core.db import session
from portal.core.i18n import Words, force_locale
from portal.core.transaction import own_transaction
from portal.duties.content import TasksPart
from portal.duties.models import RecurringTask, RecurringTaskTerms
from portal.duties.queries import tasks as queries
from portal.duties.rules import Fulfilment
from portal.duties.service import tasks
from portal.duties.service.tasks import wanted_of
from portal.organisation.service import add_team
from tests.builders import Cast, make_grant
from tests.handover.builders import at
from tests.training.builders import load_holidays

PATH = "tasks/calibration.toml"
TODAY = date(2026, 11, 2)
TEXT = """version = "1.0"
owner = "{owner}"
market = "JP"
rhythm = "weekly"
every = 1
weekday = "wednesday"
when_off = "after"
starts_on = 2020-01-01
minutes = 60

[title]
en = "Weekly calibration"
ja = "週次のすり合わせ"
"""


@pytest.fixture(autouse=True)
def _day(app: Any) -> Any:
    with clock.frozen(at(TODAY)):
        load_holidays()
        yield


@pytest.fixture
def text(cast: Cast) -> str:
    """A file of which everything can be taken in."""
    return TEXT.format(owner=cast.admin.sign_in_name)


def folder_of(text: str) -> ContentFolder:
    """Return a folder with the file, in which one document is there."""
    return ContentFolder(
        {PATH: ContentFile(PATH, text)},
        shared={"documents": {"daily-audit"}, "clauses": {"daily-audit": {"1.0": {"feedback"}}}},
    )


def checked(text: str) -> list[str]:
    folder = folder_of(text)
    with force_locale("en"):
        TasksPart().check(folder)
        return [str(each) for each in folder.findings]


def taken_in(text: str, by: Any) -> tuple[list[str], list[str]]:
    """Take a file in; return what changed and what was found."""
    folder = folder_of(text)
    with own_transaction(), force_locale("en"):
        changes = TasksPart().load(folder, by)
    session.expire_all()
    return changes, [str(each) for each in folder.findings]


def only() -> RecurringTask:
    return session.query(RecurringTask).one()


def test_a_file_is_taken_in_once_and_written_out_with_the_same_bytes(cast: Cast, text: str) -> None:
    assert taken_in(text, cast.admin) == ([f"{PATH}: 1.0"], [])
    assert taken_in(text, cast.admin) == ([], [])
    assert {each.path: each.text for each in TasksPart().dump()} == {PATH: text}
    assert TasksPart().canonical(ContentFile(PATH, text)) == text
    owned = accounts.find_owner(queries.OWNED_KIND, only().code)
    assert owned is not None
    assert owned.owner_id == cast.admin.id


def test_nothing_of_a_file_from_long_ago_is_overdue_at_once(cast: Cast, text: str) -> None:
    taken_in(text, cast.admin)
    standing = queries.standings_of([only()])[only().id]
    assert standing.overdue == ()
    assert standing.due_on == date(2026, 11, 4)
    # Years later, other words of it move no day.
    with clock.frozen(at(date(2026, 11, 30))):
        assert taken_in(text.replace('"1.0"', '"1.1"').replace("Weekly cal", "The weekly cal"), cast.admin)[1] == []
        assert [each.on for each in queries.standings_of([only()])[only().id].overdue] == [
            date(2026, 11, day) for day in (4, 11, 18, 25)
        ]


def test_other_terms_need_a_higher_version_and_count_from_that_day_on(cast: Cast, text: str) -> None:
    taken_in(text, cast.admin)
    later = text.replace('"wednesday"', '"friday"')
    changes, found = taken_in(later, cast.admin)
    assert changes == []
    assert found[0].startswith(f"{PATH}:1: ")
    assert "version 1.0" in found[0]
    higher = later.replace('"1.0"', '"1.1"')
    assert taken_in(higher, cast.admin) == ([f"{PATH}: 1.1"], [])
    terms = session.query(RecurringTaskTerms).order_by(RecurringTaskTerms.id)
    assert [(each.number, each.weekday) for each in terms] == [(1, 2), (2, 4)]
    # A file from before comes too late.
    assert taken_in(text, cast.admin)[0] == []
    assert [each.text for each in TasksPart().dump()] == [higher]


def test_what_was_changed_in_the_browser_is_not_overwritten_by_the_file_from_before(cast: Cast, text: str) -> None:
    taken_in(text, cast.admin)
    found = only()
    with own_transaction():
        tasks.change_terms(
            task=found, wanted=replace(wanted_of(found.latest), starts_on=TODAY, minutes=30), owner=cast.admin,
            deputy=None, reason="Shorter.", seen=1, by=cast.admin,
        )  # fmt: skip
    changes, said = taken_in(text, cast.admin)
    assert (changes, len(said)) == ([], 1)
    (written,) = TasksPart().dump()
    assert 'version = "2.0"' in written.text
    assert "minutes = 30" in written.text
    # What is written out here can be taken in again.
    assert taken_in(written.text, cast.admin) == ([], [])


def test_one_that_was_made_in_the_browser_travels_under_a_name_of_its_own(cast: Cast, text: str) -> None:
    taken_in(text, cast.admin)
    with own_transaction():
        made = tasks.create(
            wanted=replace(wanted_of(only().latest), starts_on=TODAY), owner=cast.admin, deputy=None,
            fulfilled_by=Fulfilment.REHEARSAL, by=cast.admin,
        )  # fmt: skip
    path = f"tasks/t-{made.code.lower()}.toml"
    written = {each.path: each for each in TasksPart().dump()}
    assert set(written) == {PATH, path}
    assert 'fulfilled_by = "rehearsal"' in written[path].text
    with own_transaction():
        assert TasksPart().load(ContentFolder({path: written[path]}), cast.admin) == []
    assert session.query(RecurringTask).count() == 2


def test_an_ended_one_is_neither_written_out_nor_begun_anew(cast: Cast, text: str) -> None:
    taken_in(text, cast.admin)
    with own_transaction():
        tasks.end(task=only(), reason="Over.", by=cast.admin)
    assert list(TasksPart().dump()) == []
    changes, found = taken_in(text, cast.admin)
    assert (changes, len(found)) == ([], 1)
    assert session.query(RecurringTask).count() == 1


def test_an_unknown_owner_is_kept_for_the_file_and_the_importer_answers(cast: Cast, text: str) -> None:
    stranger = re.sub(r'owner = ".*"', 'owner = "nobody@elsewhere.example"', text)
    changes, found = taken_in(stranger, cast.admin)
    assert changes == [f"{PATH}: 1.0"]
    assert found[0].startswith(f"{PATH}:2: ")
    assert [each.text for each in TasksPart().dump()] == [stranger]


def test_an_auditor_is_kept_for_the_file_and_the_importer_answers(cast: Cast, text: str) -> None:
    make_grant(cast.outsider, Role.AUDITOR)
    audits = re.sub(r'owner = ".*"', f'owner = "{cast.outsider.sign_in_name}"', text)
    changes, found = taken_in(audits, cast.admin)
    assert (changes, found[0].split(" ")[0]) == ([f"{PATH}: 1.0"], f"{PATH}:2:")
    (task,) = queries.list_running_tasks()
    owned = queries.find_owner_of(task)
    assert owned is not None
    assert owned.owner == cast.admin


def test_a_task_of_a_team_travels_with_it(cast: Cast, text: str) -> None:
    of_team = text.replace('market = "JP"\n', 'market = "JP"\nteam = "safety"\n')
    changes, found = taken_in(of_team, cast.admin)
    assert (changes, [each.split(": ")[0] for each in found]) == ([], [f"{PATH}:4"])
    with own_transaction():
        add_team(code="safety", name=Words("Safety", "安全"), market=cast.admin.home_market, by=cast.admin)
    assert taken_in(of_team, cast.admin) == ([f"{PATH}: 1.0"], [])
    assert [each.text for each in TasksPart().dump()] == [of_team]


def test_what_fulfils_a_task_stays_as_it_was_made(cast: Cast, text: str) -> None:
    taken_in(text, cast.admin)
    fulfilled = text.replace('"1.0"', '"1.1"').replace("minutes = 60\n", 'minutes = 60\nfulfilled_by = "rehearsal"\n')
    changes, found = taken_in(fulfilled, cast.admin)
    assert (changes, [each.split(": ")[0] for each in found]) == ([], [f"{PATH}:10"])


@pytest.mark.parametrize(
    ("before", "after", "line", "said"),
    [
        ('version = "1.0"', 'version = "one"', 1, "The version is missing"),
        ('market = "JP"\n', "", 0, "“market” is missing"),
        ('rhythm = "weekly"', 'rhythm = "daily"', 4, "“rhythm” cannot be “daily”"),
        ("every = 1", "every = 27", 5, "“every” is no whole number from 1 to 26"),
        ("every = 1", "every = true", 5, "“every” is no whole number"),
        ('weekday = "wednesday"', 'weekday = "mittwoch"', 6, "“weekday” cannot be “mittwoch”"),
        ('when_off = "after"\n', "", 0, "“when_off” is missing"),
        ("minutes = 60", "minutes = 60\nworking_day = 3", 10, "does not belong to the rhythm weekly"),
        ("starts_on = 2020-01-01", 'starts_on = "2020"', 8, "“starts_on” is no date"),
        ("minutes = 60", "minutes = 0", 9, "“minutes” is no whole number"),
        ("minutes = 60", 'minutes = 60\nprocedure = "gone"', 10, "There is no documents/gone in the folder"),
        ("minutes = 60", 'minutes = 60\nprocedure = "daily-audit"\nclause = "no"', 11, "has no clause “no”"),
        ("minutes = 60", 'minutes = 60\nclause = "feedback"', 10, "A clause needs its document"),
        ("minutes = 60", 'minutes = 60\nfulfilled_by = "luck"', 10, "“fulfilled_by” cannot be “luck”"),
        ("minutes = 60", "minutes = 60\npassword = 1", 10, "“password” is not known here"),
        ('ja = "週次のすり合わせ"\n', "", 11, "“title” is required in both languages"),
        ('rhythm = "weekly"', "rhythm = ", 4, ""),
    ],
)
def test_a_fault_is_said_on_its_line(cast: Cast, text: str, before: str, after: str, line: int, said: str) -> None:
    assert before in text
    found = checked(text.replace(before, after))
    assert len(found) == 1, found
    assert found[0].startswith(f"{PATH}:{line}: " if line else f"{PATH}: ")
    assert said in found[0]


@pytest.mark.parametrize("day", [0, 21, -21])
def test_a_working_day_is_one_of_a_month(cast: Cast, text: str, day: int) -> None:
    monthly = text.replace("weekly", "monthly").replace(
        'weekday = "wednesday"\nwhen_off = "after"', f"working_day = {day}"
    )
    (found,) = checked(monthly)
    assert found.startswith(f"{PATH}:6: ")


@given(
    st.sampled_from(
        ['rhythm = "every"\nevery = 3', 'rhythm = "weekly"\nevery = 2\nweekday = "sunday"\nwhen_off = "before"',
         'rhythm = "monthly"\nevery = 6\nworking_day = -1']
    ),
    st.dates(date(2000, 1, 1), date(2100, 1, 1)),
    st.none() | st.integers(1, 2400),
    st.text(st.characters(exclude_categories=("Cc", "Cs", "Zs", "Zl", "Zp")), min_size=1, max_size=50),
)  # fmt: skip
def test_what_is_written_is_read_and_written_alike(rhythm: str, day: date, minutes: int | None, title: str) -> None:
    quoted = title.replace("\\", "\\\\").replace('"', '\\"')
    text = (
        f'version = "1.0"\nmarket = "JP"\n{rhythm}\nstarts_on = {day}\n'
        + (f"minutes = {minutes}\n" if minutes else "")
        + f'\n[title]\nen = "{quoted}"\nja = "{quoted}"\n'
    )
    once = TasksPart().canonical(ContentFile(PATH, text))
    assert once is not None
    assert TasksPart().canonical(ContentFile(PATH, once)) == once
