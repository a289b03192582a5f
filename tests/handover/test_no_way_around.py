"""What is live and owned is found whole, and files change no owner behind a handover's back."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.accounts import queries as accounts
from portal.accounts.models import Person
from portal.accounts.service import ownership
from portal.accounts.service.ownership import kinds
from portal.core import clock
from portal.core.transaction import own_transaction
from portal.handover.service.inventory import live_things
from portal.handover.service.standing import standing_of
from portal.library.service.documents import OWNED_KIND
from portal.operations import demo
from tests.builders import Cast
from tests.demo import DAY, load_demo
from tests.handover.builders import KIND, Things, begin, give
from tests.library.test_content import BASE, refusals, take_in, write
from tests.volume import examples


def scan(person: Person) -> set[tuple[str, str]]:
    """Look at every thing of every registered kind, and ask whose it is."""
    found = set()
    for kind, known in kinds().items():
        for code in known.list_live_codes():
            owned = accounts.find_owner(kind, code)
            if owned is not None and owned.owner_id == person.id:
                found.add((kind, code))
    return found


def test_the_inventory_is_what_a_scan_of_every_kind_finds(app: Flask) -> None:
    load_demo(day=DAY)
    with clock.frozen(demo.moment_of(DAY, 10)):
        owners = {name: accounts.find_person_by_sign_in_name(f"{name}@{demo.DOMAIN}") for name in (
            "mori.akiko", "sato.ken", "kobayashi.mei", "yui.takahashi",
        )}  # fmt: skip
        seen = set()
        for name, person in owners.items():
            assert person is not None
            expected = scan(person)
            seen |= {kind for kind, _code in expected}
            assert set(live_things(person)) == expected, name
            found = begin(person, person, notice_on=DAY, last_on=DAY) if name != "mori.akiko" else None
            if found is not None:
                assert {each.thing for each in standing_of(found).items} == expected
        # Not one kind alone.
        assert len(seen) >= 5


@pytest.mark.usefixtures("today")
def test_whatever_is_given_taken_and_withdrawn_the_inventory_is_what_a_scan_finds(
    app: Flask, cast: Cast, things: Things
) -> None:
    people = (cast.author, cast.colleague, cast.approver)
    give(things, cast.author, *"abcdef")
    acts = st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 2), st.booleans()), max_size=8)

    @settings(max_examples=examples(20), deadline=None)
    @given(acts)
    def holds(done: list[tuple[str, int, bool]]) -> None:
        with own_transaction():
            for code, to, is_live in done:
                things.live[code] = is_live
                ownership.set_owner(kind=KIND, code=code, owner=people[to], by=cast.admin)
        for person in people:
            assert set(live_things(person)) == scan(person)

    holds()


@pytest.mark.usefixtures("today")
def test_a_file_that_names_another_owner_of_what_is_handed_over_is_a_finding(
    app: Flask, cast: Cast, tmp_path: Path
) -> None:
    def named(owner: Person) -> dict[str, str]:
        toml = re.sub(r'owner = "[^"]*"', f'owner = "{owner.sign_in_name}"', BASE["document.toml"])
        return {**BASE, "document.toml": toml}

    take_in(write(tmp_path, named(cast.author)), cast.admin)
    found = begin(cast.author, cast.lead)
    (said,) = refusals(write(tmp_path, named(cast.approver)), cast.admin)
    assert said.path == "documents/impersonation/document.toml"
    assert said.line > 0
    assert f"/handovers/{found.code}" in said.mend
    # As long as the file names who answers for it now, it is taken in.
    take_in(write(tmp_path, named(cast.author)), cast.admin)
    owned = accounts.find_owner(OWNED_KIND, "impersonation")
    assert owned is not None
    assert owned.owner_id == cast.author.id
