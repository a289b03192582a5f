"""Nothing that is written in a handover or for a stand-in keeps a secret: it is refused beside its field, in words."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from portal.accounts.models import Person
from portal.core.transaction import own_transaction
from portal.handover import errors
from portal.handover.models import Handover
from portal.handover.queries import handovers as queries
from portal.handover.rules import Stage
from portal.handover.service import handovers, items, orphans, stand_ins
from tests.builders import Cast
from tests.handover.builders import KIND, LAST_ON, TODAY, Things, assign, begin, give, item_of, show

pytestmark = pytest.mark.usefixtures("today")
LANGUAGES = pytest.mark.parametrize("language", ["en", "ja"])
SECRET = "password: " + "Tr0ub4dor&3xyz"
LINK = "https://user:" + "pa55w0rd@example.org/x"
FIELDS = {"ongoing": "判断のすり合わせ", "places": "共有フォルダー", "trouble": "リードに相談"}


@pytest.fixture
def handover(cast: Cast, things: Things) -> Handover:
    """A thing that a colleague is to take over."""
    give(things, cast.author, "a")
    found = begin(cast.author, cast.lead)
    assign(found, cast.colleague, "a")
    return found


def evidence(item: Any, by: Person, words: str, link: str = "") -> None:
    with own_transaction():
        items.record_evidence(item=item, stage=Stage.SHADOW, done_on=TODAY, words=words, link=link, by=by)


def test_no_free_text_keeps_a_secret(cast: Cast, things: Things, handover: Handover) -> None:
    item, lead = item_of(handover, "a"), cast.lead
    attempts = {
        "words": lambda: items.record_evidence(
            item=item, stage=Stage.SHADOW, done_on=TODAY, words=SECRET, by=cast.colleague
        ),
        "link": lambda: items.record_evidence(
            item=item, stage=Stage.SHADOW, done_on=TODAY, words="Watched", link=LINK, by=cast.colleague
        ),
        "waiver": lambda: items.waive_stage(item=item, stage=Stage.SHADOW, reason=SECRET, by=lead),
        "refusal": lambda: items.refuse(item=item, reason=SECRET, by=cast.colleague),
        "last day": lambda: handovers.move_last_day(
            handover=handover, last_on=LAST_ON + timedelta(days=1), back_on=None, reason=SECRET, seen=1, by=lead
        ),
        "calling off": lambda: handovers.call_off(handover=handover, reason=SECRET, by=lead),
        "orphan": lambda: orphans.accept(person=cast.author, things=[(KIND, "a")], reason=SECRET, by=lead),
    }
    attempts |= {
        name: lambda name=name: stand_ins.plan_stand_in(
            person=cast.learner,
            stand_in=cast.colleague,
            first_on=TODAY,
            last_on=TODAY,
            by=cast.lead,
            **(FIELDS | {name: SECRET}),
        )
        for name in FIELDS
    }
    kept = []
    for name, attempt in attempts.items():
        try:
            with own_transaction():
                attempt()
            kept.append(name)
        except errors.LooksSecret:
            pass
    assert kept == []


@LANGUAGES
@pytest.mark.parametrize(("field", "text"), [("words", SECRET), ("link", LINK)])
def test_a_secret_in_evidence_is_said_beside_its_field(
    cast: Cast, handover: Handover, as_: Any, field: str, text: str, language: str
) -> None:
    form = {"stage": "shadow", "done_on": TODAY.isoformat(), "words": "見学した", "link": ""} | {field: text}
    page = as_(cast.colleague, language=language).post(
        "handover.give_evidence", item=item_of(handover, "a").code, data=form, expect=400
    )
    assert {"en": "looks like", "ja": "のように見えます"}[language] in page.text
    assert page.one("div", id=f"{field}-error") is not None
    assert queries.get_course(item_of(handover, "a")).evidence == []


@LANGUAGES
def test_a_secret_for_a_stand_in_is_said_beside_its_field_and_the_rest_stays(
    cast: Cast, as_: Any, language: str
) -> None:
    form = (
        {
            "person": cast.author.code,
            "stand_in": cast.colleague.code,
            "first_on": TODAY.isoformat(),
            "last_on": TODAY.isoformat(),
        }
        | FIELDS
        | {"places": SECRET}
    )
    page = as_(cast.author, language=language).post("handover.new_stand_in", data=form, expect=400)
    assert {"en": "looks like", "ja": "のように見えます"}[language] in page.text
    assert "判断のすり合わせ" in page.text


def test_what_is_no_secret_is_kept(cast: Cast, handover: Handover) -> None:
    evidence(item_of(handover, "a"), cast.colleague, "Reset the password on the page, as the card says.")
    show(handover, cast.colleague, "a", Stage.REVERSE_SHADOW)
