"""Many at once: every guess counts, a link works once, two administrators cannot remove each other."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from portal.accounts import errors, queries
from portal.accounts.models import Person, Role, RoleGrant, SignInBackoff
from portal.accounts.service import links, passwords, people, signing_in
from portal.core.db import session
from portal.core.errors import DomainError
from portal.core.transaction import own_transaction
from tests.builders import Cast, make_grant, save

pytestmark = pytest.mark.races


def at_once(app: Flask, work: list[Callable[[], Any]]) -> Counter[str]:
    """Run every piece of work in a thread of its own at the same moment; count how they ended."""
    start, ended = threading.Barrier(len(work)), Counter[str]()

    def run(piece: Callable[[], Any]) -> None:
        with app.app_context():
            start.wait()
            try:
                with own_transaction():
                    piece()
                ended["done"] += 1
            except DomainError as refused:
                ended[type(refused).__name__] += 1

    threads = [threading.Thread(target=run, args=(piece,)) for piece in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    session.rollback()
    return ended


def test_guesses_at_the_same_moment_are_all_counted(app: Flask) -> None:
    ended = at_once(app, [lambda: signing_in.note_try(name="a@portal.example", address="192.0.2.1")] * 12)
    # Five are let through; the fifth makes the others wait.
    assert ended == {"done": 5, "SignInTooOften": 7}
    assert {row.failures for row in session.query(SignInBackoff)} == {5}


def test_a_link_is_used_once_however_many_try(app: Flask, cast: Cast) -> None:
    with own_transaction():
        token = links.make_link(person=cast.learner)
    tries = [
        lambda number=number: links.use_link(token=token, password=f"a quiet river {number}")  # type: ignore[misc]
        for number in range(6)
    ]
    ended = at_once(app, tries)
    assert ended == {"done": 1, "LinkUsed": 5}


def test_two_administrators_cannot_deactivate_each_other(app: Flask, cast: Cast) -> None:
    make_grant(cast.colleague, Role.ADMIN)
    for person in (cast.admin, cast.colleague):
        person.password_hash = passwords.DUMMY_HASH
        save(person)
    codes = (cast.admin.code, cast.colleague.code)

    def remove(whom: str, by: str) -> Callable[[], None]:
        return lambda: people.deactivate(person=queries.get_person(whom), by=queries.get_person(by))

    ended = at_once(app, [remove(codes[0], codes[1]), remove(codes[1], codes[0])])
    assert ended == {"done": 1, errors.LastAdministrator.__name__: 1}
    active = session.query(Person).join(RoleGrant).filter(RoleGrant.role == Role.ADMIN, Person.deactivated_at.is_(None))
    assert active.count() == 1
