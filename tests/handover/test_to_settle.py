"""What is not handed over has to be settled all the same: the only one in a role, and posts as a deputy."""

from __future__ import annotations

from typing import Any

import pytest

from portal.accounts.errors import StillNeeded
from portal.accounts.service import leaving, people
from portal.core.i18n import force_locale
from portal.core.transaction import own_transaction
from tests.builders import Cast
from tests.handover.builders import Things, accept, assign, begin, close, give
from tests.handover.test_pages import start_form

pytestmark = pytest.mark.usefixtures("today")
LANGUAGES = pytest.mark.parametrize("language", ["en", "ja"])


@LANGUAGES
def test_the_preview_the_handover_its_closing_and_deactivating_say_the_same(
    cast: Cast, things: Things, as_: Any, language: str
) -> None:
    give(things, cast.lead, "a")
    give(things, cast.author, "b", deputy=cast.lead)
    admin = as_(cast.admin, language=language)
    preview = admin.post("handover.start", data=start_form(cast.lead), expect=200)
    found = begin(cast.lead, cast.admin)
    pages = [
        preview,
        admin.get("handover.handover", code=found.code),
        admin.get("handover.close", code=found.code),
        admin.get("accounts.show_person", code=cast.lead.code),
    ]
    with force_locale(language):
        said = [str(each.text) for each in leaving.to_settle(cast.lead)]
    assert len(said) == 2
    assert "Thing b" in said[1]
    for page in pages:
        for each in said:
            assert each in page.text


@LANGUAGES
def test_who_does_not_give_roles_is_told_who_does(cast: Cast, things: Things, as_: Any, language: str) -> None:
    found = begin(cast.lead, cast.admin)
    page = as_(cast.lead, language=language).get("handover.handover", code=found.code)
    assert cast.admin.name_in(language) in page.text


def test_nothing_is_to_be_settled_of_whoever_has_no_role_and_stands_behind_nobody(
    cast: Cast, things: Things, as_: Any
) -> None:
    give(things, cast.colleague, "a")
    found = begin(cast.colleague, cast.lead)
    page = as_(cast.lead, language="en").get("handover.handover", code=found.code)
    assert "to be settled" not in page.text


def test_a_deputy_is_deactivated_only_knowingly(cast: Cast, things: Things) -> None:
    give(things, cast.author, "b", deputy=cast.colleague)
    with pytest.raises(StillNeeded, match="Thing b"), own_transaction():
        people.deactivate(person=cast.colleague, by=cast.admin)
    with own_transaction():
        people.deactivate(person=cast.colleague, by=cast.admin, knowing=True)


def test_what_is_to_be_settled_does_not_keep_a_handover_open(cast: Cast, things: Things) -> None:
    give(things, cast.lead, "a")
    give(things, cast.author, "b", deputy=cast.lead)
    found = begin(cast.lead, cast.admin)
    assign(found, cast.colleague, "a")
    accept(found, cast.colleague, "a")
    assert close(found, cast.admin).moved == 1
