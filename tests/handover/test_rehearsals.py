"""Rehearsals in a rhythm: due by a recurring task, begun with one click, and fulfilled by the one that is closed."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from portal.accounts.models import Role
from portal.core import clock
from portal.core.db import session
from portal.core.i18n import Words
from portal.core.transaction import own_transaction
from portal.duties import errors as duties_errors
from portal.duties.models import RecurringTask, RecurringTaskRun
from portal.duties.queries import tasks as queries
from portal.duties.rules import Fulfilment, Rhythm, RunHow
from portal.duties.service import tasks
from portal.duties.service.tasks import Done, Wanted
from portal.handover.queries import handovers as handing_over
from portal.handover.rules import Reason
from portal.handover.service import handovers as service
from portal.handover.service import rehearsals
from tests.builders import Cast, make_grant
from tests.handover.builders import TODAY, Things, accept, assign, at, begin, close, give
from tests.reminders.test_digests import mails, send, text

pytestmark = pytest.mark.usefixtures("today")
LANGUAGES = pytest.mark.parametrize("language", ["en", "ja"])
# The first working day of November; the next one is that of May.
DUE = date(2026, 11, 2)
NEXT = date(2027, 5, 6)


def make_rhythm(cast: Cast, *, starts_on: date = DUE, working_day: int = 1) -> RecurringTask:
    """Return the half-yearly rehearsal of the market in which everybody here works; the lead answers for it."""
    with own_transaction():
        return tasks.create(
            wanted=Wanted(
                title=Words("Half-yearly rehearsal", "半期の予行"),
                market=cast.lead.home_market,
                team=None,
                rhythm=Rhythm.MONTHLY,
                every=6,
                starts_on=starts_on,
                working_day=working_day,
            ),
            owner=cast.lead,
            deputy=None,
            fulfilled_by=Fulfilment.REHEARSAL,
            by=cast.lead,
        )


def runs_of(task: RecurringTask) -> list[RecurringTaskRun]:
    session.expire_all()
    return queries.list_runs(queries.get_task(task.code))


def due_on(task: RecurringTask) -> date | None:
    session.expire_all()
    found = queries.get_task(task.code)
    return queries.standings_of([found])[found.id].due_on


@pytest.fixture
def rhythm(cast: Cast, things: Things) -> RecurringTask:
    """A rehearsal that is due today; the author owns two things."""
    make_grant(cast.lead, Role.LEAD)
    give(things, cast.author, "one", "two")
    return make_rhythm(cast)


def test_a_rehearsal_that_is_closed_fulfils_the_task_and_is_its_report(
    cast: Cast, things: Things, rhythm: RecurringTask
) -> None:
    assert due_on(rhythm) == DUE
    found = begin(cast.author, cast.lead, reason=Reason.REHEARSAL)
    assert runs_of(rhythm) == []
    close(found, cast.lead)
    (run,) = runs_of(rhythm)
    assert (run.due_on, run.done_on, run.person_id) == (DUE, TODAY, cast.lead.id)
    assert run.fulfilled_with == found.code
    assert due_on(rhythm) == NEXT


def test_what_is_called_off_real_or_of_nothing_fulfils_nothing(
    cast: Cast, things: Things, rhythm: RecurringTask
) -> None:
    first = begin(cast.author, cast.lead, reason=Reason.REHEARSAL)
    with own_transaction():
        service.call_off(handover=first, reason="No.", by=cast.lead)
    real = begin(cast.author, cast.lead)
    assign(real, cast.colleague, "one", "two")
    accept(real, cast.colleague, "one", "two")
    close(real, cast.lead)
    # The author answers for nothing any more.
    close(begin(cast.author, cast.lead, reason=Reason.REHEARSAL), cast.lead)
    assert runs_of(rhythm) == []


def test_one_rehearsal_fulfils_one_day_and_no_day_that_is_far_ahead(
    cast: Cast, things: Things, rhythm: RecurringTask
) -> None:
    close(begin(cast.author, cast.lead, reason=Reason.REHEARSAL), cast.lead)
    close(begin(cast.author, cast.lead, reason=Reason.REHEARSAL), cast.lead)
    assert [each.due_on for each in runs_of(rhythm)] == [DUE]
    with clock.frozen(at(NEXT - timedelta(days=92))):
        again = begin(
            cast.author, cast.lead, reason=Reason.REHEARSAL, notice_on=NEXT - timedelta(days=92), last_on=NEXT
        )
        close(again, cast.lead)
    assert [each.due_on for each in runs_of(rhythm)] == [NEXT, DUE]


def test_it_is_never_recorded_by_hand_and_left_out_with_a_reason(cast: Cast, rhythm: RecurringTask) -> None:
    with pytest.raises(duties_errors.FulfilledByItself), own_transaction():
        tasks.record_run(
            task=queries.get_task(rhythm.code),
            due_on=DUE,
            done=Done(cast.lead, TODAY, RunHow.ALONE),
            note="",
            by=cast.lead,
        )
    with own_transaction():
        tasks.skip_run(
            task=queries.get_task(rhythm.code), due_on=DUE, reason="A real one has just ended.", by=cast.lead
        )
    assert due_on(rhythm) == NEXT


def test_whose_was_never_rehearsed_comes_first(cast: Cast, things: Things, rhythm: RecurringTask) -> None:
    give(things, cast.colleague, "three", "four", "five")
    (found,) = rehearsals.rhythms_of([rhythm])
    # Who owns more first, as long as none was rehearsed; the task itself is the lead's.
    owners = {cast.colleague.id, cast.author.id, cast.lead.id}
    named = [each.person.id for each in rehearsals.by_need(found.candidates) if each.person.id in owners]
    assert named[-1] == cast.lead.id
    close(begin(cast.author, cast.lead, reason=Reason.REHEARSAL), cast.lead)
    session.expire_all()
    (found,) = rehearsals.rhythms_of([queries.get_task(rhythm.code)])
    assert rehearsals.by_need(found.candidates)[-1].person.id == cast.author.id
    assert found.report is not None


@LANGUAGES
def test_a_lead_begins_with_one_click_and_reads_the_report(
    cast: Cast, rhythm: RecurringTask, as_: Any, language: str
) -> None:
    lead = as_(cast.lead, language=language)
    page = lead.get("handover.rehearsals")
    assert {"en": "Begin the rehearsal", "ja": "予行を始める"}[language] in page.text
    assert {"en": "The first working day of November 2026.", "ja": "2026年11月の第1営業日です。"}[language] in page.text
    lead.post("handover.begin_rehearsal", code=cast.author.code)
    found = handing_over.find_open(cast.author.id)
    assert found is not None
    # Ten working days later; the third of November is a holiday.
    assert (found.reason, found.last_on) == (Reason.REHEARSAL, date(2026, 11, 17))
    assert {"en": "Under way with", "ja": "実施中"}[language] in lead.get("handover.rehearsals").text
    # The same person is not rehearsed twice at once.
    lead.post("handover.begin_rehearsal", code=cast.author.code, expect=409)
    lead.post("handover.close", code=found.code)
    report = lead.get("handover.handover", code=found.code)
    said = {"en": "0 of 2 items could have moved", "ja": "2件のうち0件を移せる状態でした"}[language]
    assert said in report.text
    assert said in lead.get("handover.rehearsals").text
    task = lead.get("duties.task", code=rhythm.code)
    assert task.all("a", href=f"/handovers/{found.code}") != []


@LANGUAGES
def test_a_rhythm_is_set_from_the_page_where_a_team_has_none(cast: Cast, as_: Any, language: str) -> None:
    make_grant(cast.lead, Role.LEAD)
    lead = as_(cast.lead, language=language)
    page = lead.get("handover.rehearsals")
    assert {"en": "Set a half-yearly rhythm", "ja": "半年ごとの予定を作る"}[language] in page.text
    form = as_(cast.lead, language=language).get("duties.new_task", fulfilled_by="rehearsal")
    assert form.one("input", name="months").get("value") == "6"
    assert form.one("input", name="title_ja").get("value") == "半期の引継ぎ予行"


def test_a_day_that_is_due_is_told_on_today_in_the_digest_and_among_responsibilities(
    app: Any, cast: Cast, rhythm: RecurringTask, as_: Any
) -> None:
    lead = as_(cast.lead, language="en")
    assert "Half-yearly rehearsal" in lead.get("training.today").text
    assert "Half-yearly rehearsal" in lead.get("duties.of_person", code=cast.lead.code).text
    send(at(TODAY))
    assert "Half-yearly rehearsal" in text(mails(app, cast.lead)[-1])
