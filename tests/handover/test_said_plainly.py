"""What a handover or a stand-in says of itself is true, complete, and in the reader's time and words."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from portal.core import clock
from portal.core.db import session
from portal.core.transaction import own_transaction
from portal.handover import errors
from portal.handover.models import Handover
from portal.handover.queries import handovers as queries
from portal.handover.rules import Reason, Stage
from portal.handover.service import handovers, items, orphans, stand_ins
from portal.handover.service.standing import standing_of
from portal.handover.views.shown import curve_of
from portal.journal.models import JournalEntry
from tests.builders import Cast
from tests.handover.builders import (
    KIND,
    LAST_ON,
    TODAY,
    Things,
    accept,
    assign,
    at,
    begin,
    close,
    give,
    item_of,
    owner_of,
    plan,
    show,
    stand,
)
from tests.handover.test_pages import start_form

pytestmark = pytest.mark.usefixtures("today")
LANGUAGES = pytest.mark.parametrize("language", ["en", "ja"])
SATURDAY = date(2026, 11, 7)


def stand_in_form(cast: Cast, **changed: str) -> dict[str, str]:
    return {
        "person": cast.author.code,
        "stand_in": cast.colleague.code,
        "first_on": TODAY.isoformat(),
        "last_on": TODAY.isoformat(),
        "ongoing": "判断のすり合わせ",
        "places": "共有フォルダー",
        "trouble": "リードに相談",
    } | changed


# --- When, and by whom ---------------------------------------------------------------------------


@LANGUAGES
def test_when_the_last_day_was_moved_is_told_in_the_readers_day_with_who_did_it(
    cast: Cast, things: Things, as_: Any, language: str
) -> None:
    found = begin(cast.author, cast.lead)
    # In Tokyo it is Tuesday already, by universal time still Monday.
    with clock.frozen(at(TODAY + timedelta(days=1), 6)), own_transaction():
        handovers.move_last_day(
            handover=found,
            last_on=LAST_ON + timedelta(days=7),
            back_on=None,
            reason="十日間の延長",
            seen=1,
            by=cast.lead,
        )
    page = as_(cast.lead, language=language).get("handover.handover", code=found.code)
    assert {"en": "Tue 3 Nov 2026", "ja": "2026年11月3日（火）"}[language] in page.text
    assert {"en": "Mon 2 Nov 2026 06:00", "ja": "2026年11月2日（月） 06:00"}[language] not in page.text


@LANGUAGES
def test_what_is_closed_says_by_whom_and_when(cast: Cast, things: Things, as_: Any, language: str) -> None:
    found = begin(cast.author, cast.lead)
    close(found, cast.lead)
    page = as_(cast.admin, language=language).get("handover.handover", code=found.code)
    said = {"en": "Closed by 健 佐藤", "ja": "佐藤 健さんが"}[language]
    assert said in page.text or cast.lead.name_in(language) in page.text
    assert {"en": "Mon 2 Nov 2026", "ja": "2026年11月2日（月）"}[language] in page.text


def test_the_history_says_who_took_a_stage_back(cast: Cast, things: Things, as_: Any) -> None:
    give(things, cast.author, "a")
    found = begin(cast.author, cast.lead)
    assign(found, cast.colleague, "a")
    show(found, cast.colleague, "a", Stage.SHADOW)
    (row,) = queries.get_course(item_of(found, "a")).evidence
    with own_transaction():
        items.take_back(item=item_of(found, "a"), evidence=row, by=cast.colleague)
    page = as_(cast.lead, language="en").get("handover.item", item=item_of(found, "a").code)
    (line,) = [each for each in page.all("li") if "Taken back" in "".join(each.itertext())]
    assert cast.colleague.name_in("en") in "".join(line.itertext())


def test_the_journal_says_of_every_owner_named_by_which_handover_or_stand_in(cast: Cast, things: Things) -> None:
    give(things, cast.author, "a")
    found = begin(cast.author, cast.lead, reason=Reason.LEAVE, back_on=LAST_ON + timedelta(days=40))
    assign(found, cast.colleague, "a")
    accept(found, cast.colleague, "a")
    close(found, cast.lead)
    with own_transaction():
        handovers.hand_back(handover=queries.get_handover(found.code), by=cast.lead)
    away = plan(cast.author, cast.colleague, TODAY, TODAY)
    with own_transaction():
        stand_ins.call_off(stand_in=away, by=cast.author)
    session.expire_all()
    named = [
        each.after
        for each in session.scalars(
            select(JournalEntry).where(JournalEntry.action == "accounts.owner_set").order_by(JournalEntry.id)
        )
        if each.subject_code == "a"
    ][1:]
    assert [(each or {}).get("handover") for each in named] == [found.code, found.code, None, None]
    assert [(each or {}).get("stand_in") for each in named] == [None, None, away.code, away.code]


# --- Who takes part ------------------------------------------------------------------------------


@LANGUAGES
def test_who_hands_over_herself_is_offered_with_her_last_day(
    cast: Cast, things: Things, as_: Any, language: str
) -> None:
    give(things, cast.author, "a")
    found = begin(cast.author, cast.lead)
    begin(cast.colleague, cast.lead, reason=Reason.TRANSFER)
    assign(found, cast.colleague, "a")
    page = as_(cast.lead, language=language).get("handover.item", item=item_of(found, "a").code)
    options = {each.get("value", ""): each.text or "" for each in page.one("select", id="successor").iter("option")}
    assert {"en": "hands over as well", "ja": "本人も引継ぎ中"}[language] in options[cast.colleague.code]
    assert {"en": "is handed over again", "ja": "さらに引き継ぐ"}[language] in page.text


@LANGUAGES
def test_who_is_away_herself_does_not_stand_in(cast: Cast, things: Things, as_: Any, language: str) -> None:
    give(things, cast.author, "a")
    plan(cast.colleague, cast.approver, TODAY + timedelta(days=1), TODAY + timedelta(days=3))
    author = as_(cast.author, language=language)
    form = stand_in_form(cast, last_on=(TODAY + timedelta(days=2)).isoformat())
    page = author.post("handover.new_stand_in", data=form, expect=409)
    assert {"en": "is away from", "ja": "不在です"}[language] in page.text
    assert owner_of("a") == cast.author


@LANGUAGES
def test_who_goes_away_is_told_that_what_she_holds_for_others_goes_on(
    cast: Cast, things: Things, as_: Any, language: str
) -> None:
    give(things, cast.author, "a")
    plan(cast.author, cast.colleague, TODAY, TODAY + timedelta(days=3))
    colleague = as_(cast.colleague, language=language)
    form = stand_in_form(cast, person=cast.colleague.code, stand_in=cast.approver.code)
    page = colleague.follow(colleague.post("handover.new_stand_in", data=form))
    assert {"en": "goes on as well", "ja": "合わせて移ります"}[language] in page.text
    assert cast.author.name_in(language) in page.text
    assert {"en": "at work from now on", "ja": "代行が始まりました"}[language] in page.text


def test_days_off_need_no_stand_in(cast: Cast) -> None:
    with pytest.raises(errors.NoWorkingDay):
        plan(cast.author, cast.colleague, SATURDAY, SATURDAY + timedelta(days=1))


# --- Forms ---------------------------------------------------------------------------------------


@LANGUAGES
def test_a_day_back_without_leave_is_not_dropped_silently(cast: Cast, as_: Any, language: str) -> None:
    form = start_form(cast.author, reason="transfer", back_on="2027-01-12")
    page = as_(cast.lead, language=language).post("handover.start", data=form, expect=400)
    assert {"en": "Only leave has a first day back", "ja": "復帰初日があるのは休暇だけ"}[language] in page.text
    assert page.one("input", name="back_on").get("value") == "2027-01-12"


@LANGUAGES
@pytest.mark.parametrize("what", ["handover", "stand-in"])
def test_what_is_under_way_is_said_before_a_preview_with_a_way_to_it(
    cast: Cast, things: Things, as_: Any, what: str, language: str
) -> None:
    give(things, cast.author, "a")
    if what == "handover":
        href = f"/handovers/{begin(cast.author, cast.lead).code}"
    else:
        href = f"/stand-ins/{plan(cast.author, cast.colleague, TODAY, TODAY).code}"
    page = as_(cast.lead, language=language).post("handover.start", data=start_form(cast.author), expect=409)
    assert any(each.endswith(href) or href in each for each in page.links())
    assert "Thing a" not in page.text


@pytest.mark.parametrize(
    ("endpoint", "field", "said"),
    [
        ("handover.start", "person", "Choose who hands over."),
        ("handover.new_stand_in", "ongoing", "Write what goes on meanwhile."),
        ("handover.new_stand_in", "stand_in", "Choose who stands in."),
    ],
)
def test_what_is_missing_is_said_in_a_sentence(cast: Cast, as_: Any, endpoint: str, field: str, said: str) -> None:
    form = (start_form(cast.author) if endpoint == "handover.start" else stand_in_form(cast)) | {field: ""}
    assert said in as_(cast.lead, language="en").post(endpoint, data=form, expect=400).text


@LANGUAGES
def test_accepting_that_nobody_answers_says_how_many_are_still_needed(
    cast: Cast, things: Things, as_: Any, language: str
) -> None:
    give(things, cast.author, "a")
    form = {"things": f"{KIND}:a", "reason": "終了する"}
    first = as_(cast.lead, language=language)
    page = first.follow(first.post("handover.accept_orphans", code=cast.author.code, data=form))
    assert {"en": "waits for a second person", "ja": "2人目の了承待ち"}[language] in page.text
    second = as_(cast.admin, language=language)
    page = second.follow(second.post("handover.accept_orphans", code=cast.author.code, data=form))
    assert {"en": "Two people have accepted it", "ja": "2人が了承した"}[language] in page.text


def test_choosing_nothing_to_be_left_is_said_as_that(cast: Cast, things: Things) -> None:
    give(things, cast.author, "a")
    with pytest.raises(errors.NoOrphanChosen), own_transaction():
        orphans.accept(person=cast.author, things=[], reason="It ends", by=cast.lead)


def test_evidence_is_of_this_handover(cast: Cast, things: Things) -> None:
    give(things, cast.author, "a")
    found = begin(cast.author, cast.lead)
    assign(found, cast.colleague, "a")
    with pytest.raises(errors.DoneBeforeHandover):
        show(found, cast.colleague, "a", Stage.SHADOW, on=TODAY - timedelta(days=1))
    show(found, cast.colleague, "a", Stage.SHADOW, on=TODAY)


# --- The days left -------------------------------------------------------------------------------


@LANGUAGES
def test_today_names_what_is_due_next_and_that_it_is_overdue(
    cast: Cast, things: Things, as_: Any, language: str
) -> None:
    give(things, cast.author, "a")
    begin(cast.author, cast.lead)
    page = as_(cast.lead, language=language).get("training.today")
    assert {"en": "Next, until 5 Nov 2026: Plan agreed", "ja": "次の期限2026/11/05：計画の合意"}[language] in page.text
    with clock.frozen(at(TODAY + timedelta(days=4))):
        page = as_(cast.lead, language=language).get("training.today")
        assert {"en": "Overdue since 5 Nov 2026", "ja": "期限超過（2026/11/05）"}[language] in page.text


def test_a_line_of_one_day_is_seen(cast: Cast, things: Things) -> None:
    give(things, cast.author, "a")
    found: Handover = begin(cast.author, cast.lead)
    curve = curve_of(stand(found))
    assert curve is not None
    (left,) = [each["points"] for each in curve["lines"] if each["kind"] == "done"]
    assert len(left.split()) == 2
    assert standing_of(found).left


@LANGUAGES
def test_stand_ins_are_listed_by_view_the_next_first(cast: Cast, things: Things, as_: Any, language: str) -> None:
    give(things, cast.author, "a")
    over = plan(cast.author, cast.colleague, TODAY, TODAY)
    with own_transaction():
        stand_ins.call_off(stand_in=over, by=cast.author)
    later = plan(cast.author, cast.colleague, TODAY + timedelta(days=7), TODAY + timedelta(days=8))
    sooner = plan(cast.author, cast.approver, TODAY + timedelta(days=3), TODAY + timedelta(days=4))
    author = as_(cast.author, language=language)
    listed = [each for each in author.get("handover.list_handovers").links() if "/stand-ins/" in each]
    codes = [each.split("/stand-ins/")[1].split("?")[0] for each in listed]
    assert [each for each in codes if each != "new"] == [sooner.code, later.code]
    ended = author.get("handover.list_handovers", show="over").links()
    assert [over.code in each for each in ended if "/stand-ins/" in each and "/new" not in each] == [True]
