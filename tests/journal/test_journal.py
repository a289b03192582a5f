"""The journal can be read by those who may, and a change of what it says is found."""

from __future__ import annotations

import ast
import csv
import io
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from portal.accounts.models import Role
from portal.core import clock
from portal.core.db import session
from portal.core.i18n import force_locale
from portal.core.transaction import own_transaction
from portal.journal import queries, reading, views
from portal.journal.invariants import chain_is_unbroken
from portal.journal.service import record, vocabulary
from portal.training.queries import catalogue
from tests.builders import MORNING, Cast, make_grant, make_person
from tests.demo import DAY, load_demo

PORTAL = Path(__file__).resolve().parents[2] / "portal"


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
    assert [" ".join(each.itertext()) for each in page.all("del")] == ["変更前  2", "変更前  1", "変更前  0"]
    assert "because" in page.text
    for asked, count in (
        ({"about": "P1"}, 1), ({"by": "森"}, 3), ({"by": "nobody"}, 0), ({"by": cast.admin.code}, 3),
        ({"kind": "person"}, 3),
        ({"action": "accounts."}, 3), ({"action": "organisation."}, 0), ({"from": "2026-04-02"}, 0),
        ({"from": "2026-04-01", "until": "2026-04-01"}, 3), ({"until": "２０２６/03/31"}, 0),
    ):  # fmt: skip
        assert len(admin.get("journal.list_entries", **asked).all("tr", class_="log-entry")) == count, asked
    page = admin.get("journal.list_entries", **{"from": "tomorrow"}, lang="ja")
    assert "「tomorrow」は日付ではありません" in page.text
    admin.get("/journal?before=99999999999999999999999&by=%00&from=0000-00-00")


def test_people_and_places_stand_by_name_in_the_readers_language(as_: Any, cast: Cast) -> None:
    with own_transaction():
        record(
            "accounts.changed", by=cast.lead, subject=("person", cast.learner.code),
            before={"market": "JP", "shown_as": "結衣"}, after={"market": "US", "shown_as": ""},
        )  # fmt: skip
        record(
            "accounts.role_granted", by=None, subject=("person", cast.learner.code),
            after={"role": "lead", "scope": "team", "scope_code": "account-safety"},
        )  # fmt: skip
    english = as_(cast.admin).get("journal.list_entries", lang="en").text
    assert f"{cast.lead.name_in('en')} Person changed {cast.learner.name_in('en')}" in english
    assert "Home market Before Japan → After United States" in english
    assert "Role Team lead" in english
    assert "Which one Account safety" in english
    japanese = as_(cast.admin).get("journal.list_entries", lang="ja").text
    assert "佐藤 健 メンバー情報の変更 髙橋 結衣" in japanese
    assert "所属市場 変更前 日本 → 変更後 米国" in japanese
    assert "システム 役割の付与 髙橋 結衣" in japanese


def test_whoever_left_the_directory_keeps_the_name_that_was_noted(as_: Any, cast: Cast) -> None:
    with own_transaction():
        record("accounts.changed", by=Somebody(), subject=("person", "GONE-2"), after={"owner": "GONE-3"})
    page = as_(cast.admin).get("journal.list_entries", lang="en").text
    assert "Grace of old Person changed GONE-2" in page
    assert "Owner GONE-3" in page


class Somebody:
    """An account that is not in this database."""

    code, full_name = "GONE-1", "Grace of old"


def test_a_name_in_either_script_finds_the_entries_by_and_about_a_person(as_: Any, cast: Cast) -> None:
    with own_transaction():
        record("accounts.changed", by=cast.lead, subject=("person", cast.learner.code), after={"language": "en"})
        record("accounts.changed", by=cast.admin, subject=("person", cast.lead.code), after={"language": "en"})
    admin = as_(cast.admin)
    for asked, count in (
        ({"by": "佐藤"}, 1), ({"by": cast.lead.full_romaji}, 1), ({"about": "髙橋"}, 1), ({"about": "高橋"}, 1),
        ({"about": "高橋", "kind": "team"}, 0), ({"about": "佐藤", "by": "森"}, 1),
    ):  # fmt: skip
        found = admin.get("journal.list_entries", **asked)
        assert len(found.all("tr", class_="log-entry")) == count, asked


def test_every_recorded_action_has_a_name(app: Any) -> None:
    named = set(vocabulary().actions)
    for path in sorted(PORTAL.rglob("*.py")):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(call, ast.Call) or getattr(call.func, "id", "") != "record" or not call.args:
                continue
            action = call.args[0]
            if isinstance(action, ast.Constant):
                assert action.value in named, f"{path}: {action.value}"
            else:
                # A name that is put together: its beginning at least is known.
                assert isinstance(action, ast.JoinedStr)
                beginning = action.values[0].value  # type: ignore[attr-defined]
                assert any(name.startswith(beginning) for name in named), f"{path}: {beginning}"


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_living_organisations_journal_is_read_in_words(app: Any, language: str) -> None:
    people = {person.code: person for person in load_demo(day=DAY).values()}
    kinds = vocabulary().kinds
    with app.test_request_context(), force_locale(language):
        entries = reading.read(queries.list_entries(limit=10_000), "Asia/Tokyo")
        assert len(entries) > 200
        for entry in entries:
            assert entry.is_named, entry.raw
            assert entry.kind in {kind.name for kind in kinds.values()}, entry.raw
            for fact in entry.facts:
                assert fact.is_named, (entry.action, fact)
                assert people.keys().isdisjoint({fact.before, fact.after}), (entry.action, fact)
            assert entry.about is None or entry.about.title not in people
        told = {str(fact.label): fact.after for entry in entries for fact in entry.facts}
        slugs = {step.slug for version in catalogue.list_latest_versions() for step in version.steps}
    assert told["Step" if language == "en" else "研修項目"] not in slugs


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


def test_an_auditor_takes_the_filtered_journal_along_as_csv(as_: Any, cast: Cast) -> None:
    write(cast)
    with own_transaction():
        record(
            "accounts.changed", by=cast.admin, subject=("person", "P9"), after={"name": "x"}, reason='=HYPERLINK("x")'
        )
    admin = as_(cast.admin)
    response = admin.fetch("journal.export_csv", by=cast.admin.code, about="P9", lang="en")
    assert response.mimetype == "text/csv"
    header, *rows = list(csv.reader(io.StringIO(response.get_data().decode("utf-8-sig"))))
    assert header[:3] == ["Entry", "When (UTC)", "Who"]
    assert len(rows) == 1
    assert rows[0][9] == '\'=HYPERLINK("x")'
    assert json.loads(rows[0][11]) == {"name": "x"}
    assert admin.get("journal.export_csv", **{"from": "abc"}, expect=400).heading == "Journal"


def test_too_many_entries_for_one_file_ask_for_fewer_days(
    as_: Any, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(cast)
    monkeypatch.setattr(views, "MOST_EXPORTED", 2)
    page = as_(cast.admin).get("journal.export_csv", lang="en", expect=400)
    assert "More than 2 entries match. Choose fewer days and export again." in page.text


def test_a_filter_of_the_journal_that_is_not_understood_is_named(as_: Any, cast: Cast) -> None:
    page = as_(cast.admin).get("/journal?kind=zzz&action=zzz&from=abc&lang=en")
    assert "This filter was not understood and is not applied: What was done, Kind." in page.text
    assert "“abc” is not a date" in page.text
