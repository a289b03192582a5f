"""Days that lie beyond anything the product is about: a message, never a failure, whatever the zone."""

from __future__ import annotations

from typing import Any

import pytest

from tests.builders import Cast, save
from tests.library.builders import make_draft, make_published

pytestmark = pytest.mark.any_database
ZONES = ("Asia/Tokyo", "America/New_York")


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/library/impersonation?at=9999-12-31T23:59Z", 400),
        ("/library/impersonation?at=9999-12-31T23:59-05:00", 400),
        ("/library/impersonation?at=0001-01-01T00:00Z", 400),
        ("/in-force?at=9999-12-31T23:59Z", 400),
        ("/in-force?at=0001-01-01", 400),
        ("/journal?from=9999-12-31&until=9999-12-31", 200),
        ("/journal?from=0001-01-01&until=0001-01-01", 200),
    ],
)
@pytest.mark.parametrize("zone", ZONES)
def test_an_instant_at_the_end_of_the_calendar_is_refused_in_words(
    cast: Cast, as_: Any, address: str, status: int, zone: str
) -> None:
    make_published(cast.author)
    cast.admin.time_zone = zone
    save(cast.admin)
    response = as_(cast.admin).client.get(address)
    assert response.status_code in (status, 200)
    if status == 400:
        assert "2026-07-03T10:00+09:00" in response.get_data(as_text=True)


@pytest.mark.parametrize("which", ["effective", "issue"])
@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01", "９９９９-12-31"])
@pytest.mark.parametrize("zone", ZONES)
def test_a_date_at_the_end_of_the_calendar_is_refused_at_its_field(
    cast: Cast, as_: Any, which: str, day: str, zone: str
) -> None:
    draft = make_draft(make_published(cast.author).document, cast.author)
    page = as_(cast.author, language="en").post(
        "library.change_proposal",
        {"zone": zone, f"{which}_on": day, f"{which}_time": "23:59", "revision": str(draft.revision)},
        code=draft.code,
        expect=400,
    )
    assert "Choose a date in the years 2000 to 2199." in page.text


def test_a_day_of_publication_that_has_passed_is_refused_in_words(cast: Cast, as_: Any) -> None:
    draft = make_draft(make_published(cast.author).document, cast.author)
    author = as_(cast.author, language="en")
    sent = {"zone": "Asia/Tokyo", "issue_on": "2026-01-05", "revision": str(draft.revision)}
    assert "This time has passed." in author.post("library.change_proposal", sent, code=draft.code, expect=400).text


def test_full_width_digits_of_a_proposal_are_taken_as_typed(cast: Cast, as_: Any) -> None:
    from portal.core.db import session
    from portal.library.queries.drafts import get_draft

    draft = make_draft(make_published(cast.author).document, cast.author)
    sent = {
        "zone": "Asia/Tokyo",
        "number": "２．０",
        "effective_on": "２０９９／０７／０３",
        "effective_time": "０９：３０",
        "revision": str(draft.revision),
    }
    as_(cast.author).post("library.change_proposal", sent, code=draft.code, expect=303)
    session.expire_all()
    kept = get_draft(draft.code)
    assert (kept.number, kept.effective_at.isoformat()) == ("2.0", "2099-07-03T00:30:00+00:00")  # type: ignore[union-attr]


def test_a_day_of_publication_that_passed_while_a_draft_lay_is_told(cast: Cast, as_: Any) -> None:
    from datetime import timedelta

    from portal.core import clock

    past = clock.now() - timedelta(days=2)
    draft = make_draft(make_published(cast.author).document, cast.author, issue_at=past)
    page = as_(cast.author, language="en").get("library.draft", code=draft.code)
    assert "The time of publication that is proposed has passed." in page.text
