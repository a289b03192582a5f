"""The demo organisation as tests begin with it: made once in a run for each of its days."""

from __future__ import annotations

from datetime import date

from portal.accounts import queries as accounts
from portal.accounts.models import Person
from portal.core import clock
from portal.core.transaction import own_transaction
from portal.operations import demo
from tests.beginnings import beginning_of_all

# In the middle of April: no holiday near. What asks for no other day takes this one, so that it is made once.
DAY = date(2026, 4, 16)


@beginning_of_all
def load_demo(day: date) -> dict[str, Person]:
    """Make the demo as it is at noon of a day; return everybody by the part of the address before the @."""
    with clock.frozen(demo.moment_of(day, 12)), own_transaction():
        assert demo.load(day)
    return {person.sign_in_name.partition("@")[0]: person for person in accounts.list_people(limit=None)}
