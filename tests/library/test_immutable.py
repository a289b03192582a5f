"""Nothing about a published version can be changed through any route, command or job."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Table, select
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.routing import IntegerConverter, Rule

from portal.accounts.models import Person, Role
from portal.core import jobs, web
from portal.core.db import UtcDateTime, session
from portal.core.seals import sealed_table
from portal.core.transaction import own_transaction
from portal.library import invariants, queries
from portal.library.models import Clause, ClauseText, Document, DocumentVersion, Draft, VersionText
from portal.library.queries import drafts
from portal.library.service import reviews, versions
from tests.beginnings import beginning
from tests.builders import Cast, make_grant, make_person
from tests.library.builders import EN, JA, english, japanese, make_draft, make_published
from tests.page_client import PageClient
from tests.volume import NIGHTLY

HISTORY = (DocumentVersion, VersionText, Clause, ClauseText)


def rows() -> dict[str, dict[int, dict[str, Any]]]:
    """Return every fact of the versions that are there now, but for what a withdrawal adds."""
    session.rollback()
    found: dict[str, dict[int, dict[str, Any]]] = {}
    for model in HISTORY:
        spec = sealed_table(model)
        assert spec is not None
        table = model.__table__
        assert isinstance(table, Table)
        withdrawal = {name for name in spec.declared.later if name.startswith("withdraw")}
        found[spec.name] = {
            row["id"]: {name: row[name] for name in spec.facts if name not in withdrawal}
            for row in session.execute(select(table)).mappings()
        }
    session.rollback()
    return found


def kept(before: dict[str, dict[int, dict[str, Any]]]) -> None:
    """Assert that what was there is there still, the same."""
    now = rows()
    for name, known in before.items():
        assert {key: now[name].get(key) for key in known} == known, name


@pytest.fixture
@beginning
def people(cast: Cast) -> list[Person]:
    """Everybody with a role, one of them with all roles at once."""
    everything = make_person("everything@portal.example", language="en")
    for role in Role:
        make_grant(everything, role)
    return [cast.learner, cast.lead, cast.approver, cast.author, cast.admin, everything]


@pytest.fixture
@beginning
def draft(cast: Cast) -> Draft:
    document = make_published(cast.author).document
    make_published(cast.author, "other", texts=[english("See [[impersonation#scope]].\n")])
    draft = make_draft(document, cast.author, texts=[english(EN.replace("None.", "One.")), japanese()])
    with own_transaction():
        reviews.submit_draft(draft=drafts.get_draft(draft.code), by=cast.author)
    return drafts.get_draft(draft.code)


def bodies(seen: str) -> list[dict[str, Any]]:
    """Return what a form might say to change a version: every name that a form or a column has."""
    columns = {column.name for model in HISTORY for column in model.__table__.columns}
    everything = dict.fromkeys(columns, "1.0") | {
        "number": "1.0", "version": "1.0", "title": "Changed", "source": "## Changed {#scope}\n\nChanged.\n",
        "text": "Changed", "body": "Changed", "reason": "Because.", "act": "confirm", "change_class": "editorial",
        "effective_at": "2030-01-01T00:00", "approve_seen": seen, "approve_confirmed_class": "minor",
        "approve_is_confirmed": "y", "send_back_reason": "Because.", "remark_body": "Changed", "remark_anchor": "scope",
        "remark_language": "en", "market": "JP", "clause": "scope", "revision": "1", "agree": "y",
    }  # fmt: skip
    return [{}, everything]


def test_no_route_changes_a_published_version(
    app: Flask, people: list[Person], draft: Draft, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Most is refused; how a refusal looks is another test's, and drawing it takes longer than deciding it.
    monkeypatch.setattr(web, "render_template", lambda name, **given: name)
    seen = drafts.hash_of_draft(draft)
    values = {
        "slug": "impersonation", "number": "1.0", "code": draft.code, "language": "en", "comment": draft.code,
        "version": "1.0", "anchor": "scope", "name": "scope", "text": "en",
    }  # fmt: skip

    def value(rule: Rule, name: str) -> str | int:
        """Return what stands for a part of an address: one that leads somewhere where the library knows it."""
        return 1 if isinstance(rule._converters[name], IntegerConverter) else values.get(name, "x")

    before = rows()
    with app.test_request_context():
        addresses = sorted(
            (built[1], method)
            for rule in app.url_map.iter_rules()
            for method in sorted((rule.methods or set()) & {"POST", "PUT", "PATCH", "DELETE"})
            if (built := rule.build({name: value(rule, name) for name in rule.arguments}, append_unknown=False))
        )
    assert len(addresses) > 50
    # Signing out and leaving come last.
    addresses.sort(key=lambda each: ("sign-out" in each[0], "deactivat" in each[0], each))
    reached = set()
    # Who approves, who wrote it, and who holds all roles. A night tries everybody who holds one of them.
    for person in people if NIGHTLY else (*people[2:4], people[-1]):
        client = PageClient(app, person=person)
        for address, method in addresses:
            for body in bodies(seen) if person is people[-1] else bodies(seen)[1:]:
                token = client.token()
                done = client.send(method, address, data={**body, "csrf_token": token})
                assert done.status_code < 500, address
                if done.status_code < 400:
                    reached.add(address)
            if person is not people[-1]:
                continue
            done = client.send(method, address, json=bodies(seen)[1], headers={"X-CSRFToken": client.token()})
            assert done.status_code < 500, address
    assert f"/drafts/{draft.code}/approval" in reached, "so the forms are those that the product takes"
    kept(before)
    assert {name: check() for name, check in invariants.INVARIANTS.items() if check()} == {}
    version = queries.get_version(queries.get_document("impersonation"), "1.1")
    assert version.sequence == 2, "what was approved is a new version"


def test_no_command_and_no_job_changes_a_published_version(
    app: Flask, cast: Cast, draft: Draft, tmp_path: Path
) -> None:
    before = rows()
    runner = app.test_cli_runner()
    assert runner.invoke(args=["content", "export", str(tmp_path)]).exit_code == 0
    for name, old, new in (("en.md", "None.", "Changed."), ("ja.md", "ありません。", "変更。")):
        file = tmp_path / "documents" / "impersonation" / name
        file.write_text(file.read_text().replace(old, new))
    refused = runner.invoke(args=["content", "import", str(tmp_path), "--by", cast.admin.sign_in_name])
    assert refused.exit_code != 0
    kept(before)
    for name in sorted(jobs._periodic):
        jobs.run_periodic(name)
    jobs.run_due()
    kept(before)
    assert {name: check() for name, check in invariants.INVARIANTS.items() if check()} == {}


@pytest.mark.parametrize("model", HISTORY)
def test_no_hand_in_the_program_changes_a_row_of_a_published_version(cast: Cast, draft: Draft, model: Any) -> None:
    spec = sealed_table(model)
    assert spec is not None
    before = rows()

    def change(name: str) -> None:
        with own_transaction():
            row = session.scalars(select(model).order_by(model.id)).first()
            setattr(row, name, _other(spec.facts[name], getattr(row, name)))

    def delete() -> None:
        with own_transaction():
            session.delete(session.scalars(select(model).order_by(model.id.desc())).first())

    for name in sorted(set(spec.facts) - set(spec.declared.later) - {"id"}):
        # The database's own rules may come first.
        with pytest.raises((RuntimeError, SQLAlchemyError), match=r"is history|constraint|violates"):
            change(name)
    with pytest.raises((RuntimeError, SQLAlchemyError), match=r"cannot be deleted|NOT NULL|FOREIGN KEY|violates"):
        delete()
    kept(before)


def _other(column: Any, value: Any) -> Any:
    """Return another value that the column could hold."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, StrEnum):
        return next(each for each in type(value) if each is not value)
    if isinstance(value, datetime) or isinstance(column.type, UtcDateTime):
        return datetime(2031, 1, 1, tzinfo=UTC)
    if isinstance(value, list):
        return ["x"]
    return 99 if isinstance(value, int) or column.foreign_keys else "x"


def test_what_changes_afterwards_is_a_withdrawal_or_the_words_of_links(cast: Cast, draft: Draft) -> None:
    assert {model.__name__: sealed_table(model).declared.later for model in HISTORY} == {  # type: ignore[union-attr]
        "DocumentVersion": ("withdrawn_at", "withdrawn_by", "withdrawal_reason"),
        "VersionText": ("footnotes_html",),
        "Clause": (),
        "ClauseText": ("heading_html", "html"),
    }
    before = rows()
    hashes = {each.number: each.hash for each in queries.get_document("impersonation").versions}
    with own_transaction():
        document = queries.get_document("impersonation")
        versions.withdraw_version(version=document.versions[0], reason="Court order.", by=cast.author)
    kept(before)
    assert {each.number: each.hash for each in queries.get_document("impersonation").versions} == hashes
    assert isinstance(session.query(Document).first(), Document)


def test_the_words_of_texts_are_those_that_were_published(cast: Cast, draft: Draft) -> None:
    version = queries.get_document("impersonation").versions[0]
    assert {text.language: text.source for text in version.texts} == {"en": EN, "ja": JA}
