"""Accounts of the demo organisation have public passwords: in production nothing signs them in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from flask import Flask

from portal import create_app, wiring
from portal.accounts import errors, queries
from portal.accounts.emails import link as link_mail
from portal.accounts.models import Role
from portal.accounts.service import grants, links, passwords, people, sessions, signing_in
from portal.core.db import db, session
from portal.core.transaction import own_transaction
from portal.operations import demo, doctor
from tests.builders import Cast, make_grant, save
from tests.conftest import settings
from tests.demo import DAY, load_demo

PASSWORD = "a quiet river at dawn"


@contextmanager
def production(folder: Path) -> Iterator[Flask]:
    """An application in production on a database of its own."""
    values = settings(folder, f"sqlite:///{folder / 'production.sqlite3'}", SHIRUBE_ENV="production")
    app = create_app(values)
    yield app
    with app.app_context():
        session.remove()
        db.engine.dispose()


@pytest.fixture
def in_production(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "ENV", "production")


def _demo(cast: Cast) -> None:
    with own_transaction():
        passwords.set_password(person=cast.learner, password=PASSWORD, by=cast.learner)
        people.mark_as_demo(person=cast.learner)


def _signed_in(name: str) -> bool:
    return signing_in.find_who(name=name, password=PASSWORD) is not None


def test_a_demo_account_signs_in_while_developing(cast: Cast) -> None:
    _demo(cast)
    assert _signed_in(cast.learner.sign_in_name)


def test_a_demo_account_does_not_sign_in_in_production(cast: Cast, in_production: None) -> None:
    _demo(cast)
    assert not _signed_in(cast.learner.sign_in_name)


def test_a_session_of_a_demo_account_ends_with_development(
    cast: Cast, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    _demo(cast)
    with own_transaction():
        token = sessions.begin_session(person=cast.learner, browser="", address="")
    assert sessions.find_person_of(token) is not None
    monkeypatch.setitem(app.config, "ENV", "production")
    assert sessions.find_person_of(token) is None


def test_no_link_opens_a_demo_account_in_production(cast: Cast, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    _demo(cast)
    with own_transaction():
        token = links.make_link(person=cast.learner)
    monkeypatch.setitem(app.config, "ENV", "production")
    with pytest.raises(errors.LinkUnknown):
        links.get_usable(token)
    with pytest.raises(errors.DemoAccount), own_transaction():
        links.make_link(person=cast.learner)
    with own_transaction():
        assert link_mail(cast.learner.sign_in_name) is None


def test_a_demo_administrator_does_not_count_as_one_in_production(cast: Cast, in_production: None) -> None:
    _demo(cast)
    make_grant(cast.learner, Role.ADMIN)
    cast.admin.password_hash = passwords.DUMMY_HASH
    save(cast.admin)
    with pytest.raises(errors.LastAdministrator), own_transaction():
        grants.refuse_last_administrator(cast.admin)


def test_the_doctor_names_demo_accounts_in_production_until_they_are_deactivated(
    cast: Cast, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    _demo(cast)
    name = "A1 no demo account in production"
    assert doctor.examine(wiring.INVARIANTS)[name] == []
    monkeypatch.setitem(app.config, "ENV", "production")
    assert cast.learner.sign_in_name in doctor.examine(wiring.INVARIANTS)[name][0]
    with own_transaction():
        people.deactivate(person=cast.learner, by=cast.admin)
    assert doctor.examine(wiring.INVARIANTS)[name] == []


def test_everybody_of_the_demo_organisation_is_marked_as_such(app: Flask) -> None:
    load_demo(day=DAY)
    elsewhere = sum(len(each.learners) for each in demo.COURSES)
    everybody = len(demo.STAFF) + len(demo.COHORT) + len(demo.PRACTISING) + len(demo.ON_CALL) + elsewhere
    assert queries.count_demo_accounts() == queries.count_people() == everybody
