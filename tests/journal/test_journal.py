"""The journal can be read by those who may, and a change of what it says is found."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from portal.accounts.models import Role
from portal.core import clock
from portal.core.db import session
from portal.core.transaction import own_transaction
from portal.journal import queries
from portal.journal.invariants import chain_is_unbroken
from portal.journal.service import record
from tests.builders import MORNING, Cast, make_grant, make_person


def write(cast: Cast, count: int = 3) -> None:
    for number in range(count):
        with clock.frozen(MORNING + timedelta(hours=number)), own_transaction():
            record(
                "accounts.changed", by=cast.admin, subject=("person", f"P{number}"), before={"n": number},
                after={"n": number + 1, "name": "<b>髙橋</b>"}, reason="because" if number == 1 else None,
            )  # fmt: skip


def test_an_unbroken_chain_is_left_alone(cast: Cast) -> None:
    assert chain_is_unbroken() == []
    write(cast)
    assert chain_is_unbroken() == []


@pytest.mark.parametrize(
    "damage",
    ["UPDATE journal_entries SET reason = 'x' WHERE id = 2", "UPDATE journal_entries SET actor_name = 'x' WHERE id = 1",
     "DELETE FROM journal_entries WHERE id = 2", "DELETE FROM journal_entries WHERE id = 1",
     "UPDATE journal_entries SET id = 9 WHERE id = 3", "UPDATE journal_entries SET hash = 'x' WHERE id = 3"],
)  # fmt: skip
def test_a_changed_removed_or_renumbered_entry_is_found(cast: Cast, damage: str) -> None:
    write(cast)
    session.execute(text(damage))
    session.commit()
    assert chain_is_unbroken()


def test_administrators_and_auditors_read_it_and_nobody_else(as_: Any, cast: Cast) -> None:
    write(cast)
    auditor = make_person(language="en")
    make_grant(auditor, Role.AUDITOR)
    for person in (cast.admin, auditor):
        assert "Person changed" in as_(person).get("journal.list_entries", lang="en").text
    for person in (cast.learner, cast.lead, cast.author, cast.approver, cast.outsider):
        assert as_(person).fetch("journal.list_entries").status_code == 403


def test_entries_show_before_and_after_and_are_narrowed(as_: Any, cast: Cast) -> None:
    write(cast)
    admin = as_(cast.admin)
    page = admin.get("journal.list_entries", lang="ja")
    assert "メンバー情報の変更" in page.text
    assert "<b>髙橋</b>" in page.text
    assert [each.text for each in page.all("del")] == ["2", "1", "0"]
    assert "because" in page.text
    for asked, count in (
        ({"about": "P1"}, 1), ({"by": "森"}, 3), ({"by": "nobody"}, 0), ({"by": cast.admin.code}, 3),
        ({"kind": "person"}, 3),
        ({"action": "accounts."}, 3), ({"action": "organisation."}, 0), ({"from": "2026-04-02"}, 0),
        ({"from": "2026-04-01", "until": "2026-04-01"}, 3), ({"until": "２０２６/03/31"}, 0),
    ):  # fmt: skip
        assert len(admin.get("journal.list_entries", **asked).all("th", scope="row")) == count, asked
    page = admin.get("journal.list_entries", **{"from": "tomorrow"}, lang="ja")
    assert "「tomorrow」は日付ではありません" in page.text
    admin.get("/journal?before=99999999999999999999999&by=%00&from=0000-00-00")


def test_many_entries_come_in_pages(as_: Any, cast: Cast) -> None:
    write(cast, 60)
    admin = as_(cast.admin)
    first = admin.get("journal.list_entries", lang="en")
    assert "entries 60 to 11" in first.text
    older = [link for link in first.links() if "before=11" in link]
    assert "entries 10 to 1" in admin.get(f"{older[0]}&lang=en").text


def test_the_list_does_not_grow_in_queries(as_: Any, cast: Cast) -> None:
    from tests.queries import counted_queries

    admin = as_(cast.admin)
    costs = []
    for count in (5, 20):
        write(cast, count)
        with counted_queries() as statements:
            admin.get("journal.list_entries")
        costs.append(len(statements))
    assert costs[0] == costs[1]
    assert queries.list_subject_kinds() == ["person"]
