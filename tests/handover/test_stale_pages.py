"""Who presses a button of a page that is not true any more is told what has become of it, and keeps what she typed."""

from __future__ import annotations

from typing import Any

import pytest

from portal.handover.rules import Stage
from tests.builders import Cast
from tests.handover.builders import TODAY, Things, accept, assign, begin, close, give, item_of, owner_of, show

pytestmark = pytest.mark.usefixtures("today")
LANGUAGES = pytest.mark.parametrize("language", ["en", "ja"])
TYPED = "時間がありません"


@LANGUAGES
def test_refusing_after_the_close_is_answered_and_the_reason_stays_to_be_read(
    cast: Cast, things: Things, as_: Any, language: str
) -> None:
    give(things, cast.author, "a")
    found = begin(cast.author, cast.lead)
    assign(found, cast.colleague, "a")
    accept(found, cast.colleague, "a")
    item = item_of(found, "a").code
    close(found, cast.lead)
    page = as_(cast.colleague, language=language).post("handover.refuse", item=item, data={"reason": TYPED}, expect=409)
    assert {"en": "closed or called off", "ja": "完了または中止されているため"}[language] in page.text
    assert TYPED in page.text


@LANGUAGES
def test_waiving_what_was_accepted_meanwhile_is_answered(cast: Cast, things: Things, as_: Any, language: str) -> None:
    give(things, cast.author, "a")
    found = begin(cast.author, cast.lead)
    assign(found, cast.colleague, "a")
    accept(found, cast.colleague, "a")
    form = {"stage": "shadow", "reason": TYPED}
    page = as_(cast.lead, language=language).post(
        "handover.waive", item=item_of(found, "a").code, data=form, expect=409
    )
    assert {"en": "accepted meanwhile", "ja": "その間に引き受けられ"}[language] in page.text
    assert TYPED in page.text


@LANGUAGES
@pytest.mark.parametrize("endpoint", ["handover.accept", "handover.refuse", "handover.give_evidence"])
def test_who_was_replaced_is_told_who_takes_it_over_now(
    cast: Cast, things: Things, as_: Any, endpoint: str, language: str
) -> None:
    give(things, cast.author, "a")
    found = begin(cast.author, cast.lead)
    assign(found, cast.colleague, "a")
    show(found, cast.colleague, "a", Stage.SHADOW)
    assign(found, cast.approver, "a")
    form = {"stage": "reverse_shadow", "done_on": TODAY.isoformat(), "words": TYPED, "link": "", "reason": TYPED}
    page = as_(cast.colleague, language=language).post(endpoint, item=item_of(found, "a").code, data=form, expect=409)
    assert cast.approver.name_in(language) in page.text
    assert {"en": "Nothing was changed", "ja": "何も変更されていません"}[language] in page.text
    assert owner_of("a") == cast.author
