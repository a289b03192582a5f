"""A form that adds something is carried out once, however often and from wherever it arrives."""

from __future__ import annotations

import threading
from typing import Any

from flask import Flask

from portal.accounts import queries
from portal.accounts.models import Person
from portal.core import clock
from portal.core.db import session
from portal.core.once import KEPT, CarriedOut, tidy
from portal.core.transaction import own_transaction
from tests.builders import Cast
from tests.page_client import PageClient

EXTRA_TIME = {"multiplier": "1.5", "valid_from": "2026-04-01", "valid_until": ""}


def approve(browser: PageClient, person: Person, expect: int = 303, **values: str) -> Any:
    """Send the form that approves extra time."""
    return browser.post("accounts.approve_accommodation", EXTRA_TIME | values, code=person.code, expect=expect)


def how_many(person: Person) -> int:
    """Return how many accommodations were approved."""
    session.rollback()
    return len(queries.list_accommodations(person))


def test_the_same_form_sent_twice_adds_once_and_answers_the_same(cast: Cast, as_: Any) -> None:
    browser = as_(cast.admin)
    page = browser.get("accounts.show_person", code=cast.learner.code)
    keys = {each.get("value") for each in page.all("input", name="form_key")}
    assert len(keys) == len(page.all("input", name="form_key")) > 1, "every form has a number of its own"
    key = str(keys.pop())
    first, second = (approve(browser, cast.learner, form_key=key) for _ in range(2))
    assert first.headers["Location"] == second.headers["Location"]
    assert how_many(cast.learner) == 1
    assert "Saved." in browser.get("accounts.show_person", code=cast.learner.code).text


def test_ten_at_the_same_moment_add_once(app: Flask, cast: Cast, as_: Any) -> None:
    browser = as_(cast.admin)
    form = EXTRA_TIME | {"csrf_token": browser.token(), "form_key": "0123456789abcdef"}
    address = browser.url("accounts.approve_accommodation", code=cast.learner.code)
    cookies = "; ".join(f"{each.key}={each.value}" for each in browser.client._cookies.values())
    barrier, seen = threading.Barrier(10), []

    def send() -> None:
        other = app.test_client(use_cookies=False)
        barrier.wait()
        seen.append(other.post(address, data=form, headers={"Cookie": cookies}).status_code)

    threads = [threading.Thread(target=send) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [303] * 10
    assert how_many(cast.learner) == 1


def test_a_new_form_that_says_the_same_adds_again(cast: Cast, as_: Any) -> None:
    browser = as_(cast.admin)
    approve(browser, cast.learner, form_key="a")
    approve(browser, cast.learner, form_key="b")
    assert how_many(cast.learner) == 2


def test_a_used_form_that_says_something_else_is_refused_in_words(cast: Cast, as_: Any) -> None:
    browser = as_(cast.admin)
    approve(browser, cast.learner, form_key="a")
    page = approve(browser, cast.learner, form_key="a", multiplier="2", expect=409)
    assert "This form was already sent" in page.text
    assert how_many(cast.learner) == 1
    approve(browser, cast.learner, form_key="a", multiplier="1.5")
    assert how_many(cast.learner) == 1


def test_a_refused_form_can_be_corrected_and_sent_again(cast: Cast, as_: Any) -> None:
    browser = as_(cast.admin)
    approve(browser, cast.learner, form_key="a", multiplier="9", expect=400)
    approve(browser, cast.learner, form_key="a", multiplier="2")
    assert how_many(cast.learner) == 1


def test_another_persons_form_of_the_same_number_is_another_form(cast: Cast, as_: Any) -> None:
    browser = as_(cast.admin)
    approve(browser, cast.learner, form_key="a")
    approve(browser, cast.colleague, form_key="a")
    assert (how_many(cast.learner), how_many(cast.colleague)) == (1, 1)


def test_a_form_without_a_number_counts_once_within_a_few_seconds(cast: Cast, as_: Any) -> None:
    browser = as_(cast.admin)
    for _ in range(3):
        approve(browser, cast.learner, form_key="")
    assert how_many(cast.learner) == 1
    row = session.query(CarriedOut).one()
    row.at -= 2 * (clock.now() - row.at) + KEPT / 10000
    session.commit()
    approve(browser, cast.learner, form_key="")
    assert how_many(cast.learner) == 2


def test_what_was_carried_out_is_forgotten_after_two_days(cast: Cast, as_: Any) -> None:
    approve(as_(cast.admin), cast.learner, form_key="a")
    session.query(CarriedOut).one().at -= KEPT
    session.commit()
    with own_transaction():
        tidy()
    assert session.query(CarriedOut).count() == 0
