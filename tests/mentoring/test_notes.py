"""Notes on a learner: who reads them, how they are corrected, shown and taken back, and that she is told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from portal.accounts.models import Person, Role, Scope
from portal.core import clock
from portal.core.db import session
from portal.core.transaction import own_transaction
from portal.journal.models import JournalEntry
from portal.mentoring import invariants
from portal.mentoring.errors import AlreadyShown, NoteClosed, NoteUnchanged
from portal.mentoring.models import LearnerNote
from portal.mentoring.queries import notes as reading
from portal.mentoring.rules import NOTE_LIMIT
from portal.mentoring.service import notes
from portal.training.models import Enrollment
from portal.training.service.swaps import swap_version
from tests.beginnings import beginning
from tests.builders import Cast, make_grant, make_person, save
from tests.mentoring.builders import make_note
from tests.queries import counted_queries
from tests.training.builders import (
    load_holidays,
    make_cohort,
    make_documents,
    make_enrollment,
    make_plan,
    make_quiz,
)

MORNING = datetime(2026, 4, 28, 1, 0, tzinfo=UTC)
LANGUAGES = ("en", "ja")
SEEN, HIDDEN = "Reads every clause aloud.", "Was tired after the night shift."


@pytest.fixture
@beginning
def enrollment(cast: Cast) -> Enrollment:
    load_holidays()
    make_documents()
    make_quiz()
    with clock.frozen(MORNING):
        return make_enrollment(cast.learner, make_plan(), cast.admin, cohort=make_cohort(cast.admin))


@pytest.fixture(autouse=True)
def _first_day(enrollment: Enrollment) -> Iterator[None]:
    with clock.frozen(MORNING):
        yield


@pytest.fixture
def mentor(cast: Cast) -> Person:
    person = make_person("mentor@portal.example", team=cast.learner.team)
    make_grant(person, Role.MENTOR, Scope.TEAM, cast.learner.team.code if cast.learner.team else "")
    return person


def again(note: LearnerNote) -> LearnerNote:
    return reading.get_note(note.code)


# --- Its wording now ---------------------------------------------------------------------------


def test_the_address_of_a_wording_leads_to_the_one_that_holds(cast: Cast, enrollment: Enrollment, as_: Any) -> None:
    first = make_note(enrollment, cast.lead, "First", shown=False)
    with own_transaction():
        second = notes.correct_note(note=again(first), text="Second", by=cast.lead)
    with own_transaction():
        third = notes.correct_note(note=again(second), text="Third", by=cast.lead)
    lead = as_(cast.lead, language="en")
    for each in (first, second):
        answer = lead.fetch("mentoring.change_note", code=each.code)
        assert (answer.status_code, answer.location) == (303, f"/notes/{third.code}")
    assert "Third" in lead.get("mentoring.change_note", code=third.code).body
    with own_transaction():
        notes.take_back_note(note=again(third), by=cast.lead)
    answer = lead.fetch("mentoring.change_note", code=first.code)
    assert answer.location == f"/training/{enrollment.code}/notes"


# --- Who reads it ------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_note_says_at_writing_who_reads_it_and_shows_so_in_a_word(
    cast: Cast, enrollment: Enrollment, as_: Any, language: str
) -> None:
    lead = as_(cast.lead, language=language)
    for text, readers in ((SEEN, "shown"), (HIDDEN, "hidden")):
        lead.post("mentoring.write_note", {"text": text, "readers": readers}, code=enrollment.code)
    page = lead.get("mentoring.notes", code=enrollment.code)
    words = {
        "en": ("The learner can read it", "Only for those who supervise"),
        "ja": ("受講者も読めるメモ", "指導する人だけのメモ"),
    }[language]
    # The newest first.
    assert [" ".join("".join(each.itertext()).split()) for each in page.all("span", class_="note__readers")] == [
        words[1],
        words[0],
    ]
    assert SEEN in page.text
    assert HIDDEN in page.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_not_meant_for_the_learner_reaches_none_of_her_pages(
    cast: Cast, enrollment: Enrollment, as_: Any, language: str
) -> None:
    make_note(enrollment, cast.lead, SEEN, shown=True)
    make_note(enrollment, cast.lead, HIDDEN, shown=False)
    learner = as_(cast.learner, language=language)
    for endpoint in ("mentoring.notes", "mentoring.agenda", "training.path"):
        page = learner.get(endpoint, code=enrollment.code)
        assert HIDDEN not in page.body
        assert (SEEN in page.text) == (endpoint != "training.path")
    assert HIDDEN not in learner.get("training.today").body


def test_exactly_those_who_supervise_her_read_the_notes(
    cast: Cast, enrollment: Enrollment, mentor: Person, as_: Any
) -> None:
    make_note(enrollment, cast.lead, HIDDEN, shown=False)
    auditor = make_person("auditor@portal.example")
    make_grant(auditor, Role.AUDITOR)
    for person in (cast.lead, mentor):
        assert HIDDEN in as_(person).get("mentoring.notes", code=enrollment.code).text
    for person in (cast.admin, auditor, cast.author, cast.colleague, cast.outsider):
        as_(person).get("mentoring.notes", code=enrollment.code, expect=404)
        as_(person).get("mentoring.agenda", code=enrollment.code, expect=404)


def test_only_its_author_changes_a_note(cast: Cast, enrollment: Enrollment, mentor: Person, as_: Any) -> None:
    note = make_note(enrollment, cast.lead, HIDDEN, shown=False)
    for person in (mentor, cast.learner, cast.admin):
        as_(person).get("mentoring.change_note", code=note.code, expect=404)
        as_(person).post("mentoring.change_note", {"act": "show"}, code=note.code, expect=404)
    assert not reading.is_shown(again(note))


def test_who_supervises_no_more_cannot_change_what_she_wrote(cast: Cast, enrollment: Enrollment, as_: Any) -> None:
    was_lead = make_person("was-lead@portal.example")
    grant = make_grant(was_lead, Role.LEAD)
    note = make_note(enrollment, was_lead, HIDDEN, shown=False)
    grant.ended_at, grant.ended_by = MORNING, "test"
    save(grant)
    as_(was_lead).get("mentoring.change_note", code=note.code, expect=404)


# --- What can become of it ---------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_note_can_be_shown_later_and_is_never_hidden_again(
    cast: Cast, enrollment: Enrollment, as_: Any, language: str
) -> None:
    note = make_note(enrollment, cast.lead, HIDDEN, shown=False)
    lead, learner = as_(cast.lead, language=language), as_(cast.learner, language=language)
    lead.post("mentoring.change_note", {"act": "show"}, code=note.code)
    assert HIDDEN in learner.get("mentoring.notes", code=enrollment.code).text
    page = lead.get("mentoring.change_note", code=note.code)
    # Nothing on the page offers to hide it.
    assert [field.get("value") for field in page.all("input", name="act")] == ["correct", "take_back"]
    with pytest.raises(AlreadyShown), own_transaction():
        notes.show_note(note=again(note), by=cast.lead)


def test_a_correction_is_a_new_row_that_whoever_could_read_the_note_can_read(
    cast: Cast, enrollment: Enrollment, as_: Any
) -> None:
    note = make_note(enrollment, cast.lead, SEEN, shown=True)
    as_(cast.lead).post(
        "mentoring.change_note", {"act": "correct", "text": "Reads most clauses aloud."}, code=note.code
    )
    rows = session.scalars(select(LearnerNote).order_by(LearnerNote.id)).all()
    assert [(row.text, row.is_shown) for row in rows] == [(SEEN, True), ("Reads most clauses aloud.", True)]
    page = as_(cast.learner, language="en").get("mentoring.notes", code=enrollment.code)
    assert "Reads most clauses aloud." in page.text
    assert "1 earlier wording" in page.text
    assert SEEN in page.text


def test_showing_a_corrected_note_shows_the_correction_alone(cast: Cast, enrollment: Enrollment, as_: Any) -> None:
    note = make_note(enrollment, cast.lead, HIDDEN, shown=False)
    with own_transaction():
        corrected = notes.correct_note(note=again(note), text=SEEN, by=cast.lead)
    with own_transaction():
        notes.show_note(note=again(corrected), by=cast.lead)
    page = as_(cast.learner).get("mentoring.notes", code=enrollment.code)
    assert SEEN in page.body
    assert HIDDEN not in page.body
    assert HIDDEN in as_(cast.lead).get("mentoring.notes", code=enrollment.code).body


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_note_that_was_taken_back_leaves_a_trace(cast: Cast, enrollment: Enrollment, as_: Any, language: str) -> None:
    note = make_note(enrollment, cast.lead, SEEN, shown=True)
    as_(cast.lead).post("mentoring.change_note", {"act": "take_back"}, code=note.code)
    said = {"en": "Taken back by Ken Sato on", "ja": "佐藤 健さんが取り消しました。"}
    if cast.lead.name_in("en") != "Ken Sato":
        said["en"] = f"Taken back by {cast.lead.name_in('en')} on"
    page = as_(cast.learner, language=language).get("mentoring.notes", code=enrollment.code)
    assert said[language] in page.text
    assert SEEN in page.text


def test_what_was_corrected_or_taken_back_is_closed(cast: Cast, enrollment: Enrollment) -> None:
    note = make_note(enrollment, cast.lead, SEEN, shown=False)
    with pytest.raises(NoteUnchanged), own_transaction():
        notes.correct_note(note=again(note), text=f"  {SEEN} ", by=cast.lead)
    with own_transaction():
        corrected = notes.correct_note(note=again(note), text="Another.", by=cast.lead)
    with own_transaction():
        notes.take_back_note(note=again(corrected), by=cast.lead)
    for closed in (note, corrected):
        for act in (notes.show_note, notes.take_back_note):
            with pytest.raises(NoteClosed), own_transaction():
                act(note=again(closed), by=cast.lead)
        with pytest.raises(NoteClosed), own_transaction():
            notes.correct_note(note=again(closed), text="A third.", by=cast.lead)
    assert invariants.what_was_shown_stays_shown() == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"text": "", "readers": "shown"}, {"en": "Write the note.", "ja": "メモを入力してください。"}),
        ({"text": " \u3000", "readers": "shown"}, {"en": "Write the note.", "ja": "メモを入力してください。"}),
        ({"text": "Kept words."}, {"en": "Choose who can read it.", "ja": "誰が読めるかを選んでください。"}),
        (
            {"text": "x" * (NOTE_LIMIT + 1), "readers": "shown"},
            {"en": "at most 4000 are kept", "ja": "4000文字以内"},
        ),
    ],
)
def test_what_cannot_be_kept_is_said_beside_the_field_and_nothing_typed_is_lost(
    cast: Cast, enrollment: Enrollment, as_: Any, language: str, sent: dict[str, str], said: dict[str, str]
) -> None:
    page = as_(cast.lead, language=language).post("mentoring.write_note", sent, code=enrollment.code, expect=400)
    assert said[language] in page.text
    assert sent["text"].strip() in page.body
    assert session.scalar(select(LearnerNote.id)) is None


# --- The journal, and being told ---------------------------------------------------------------


def test_the_journal_says_that_a_note_was_written_and_not_what(cast: Cast, enrollment: Enrollment) -> None:
    make_note(enrollment, cast.lead, HIDDEN, shown=False)
    entry = session.scalars(select(JournalEntry).where(JournalEntry.action == "mentoring.note_written")).one()
    assert entry.after == {"person": cast.learner.code, "readers": "supervisors"}
    assert HIDDEN not in str([each.__dict__ for each in session.scalars(select(JournalEntry))])


@pytest.mark.parametrize("language", LANGUAGES)
def test_today_tells_of_a_note_until_she_has_opened_it(
    cast: Cast, enrollment: Enrollment, as_: Any, language: str
) -> None:
    make_note(enrollment, cast.lead, SEEN, shown=True)
    make_note(enrollment, cast.lead, HIDDEN, shown=False)
    learner = as_(cast.learner, language=language)
    said = {"en": "A note from", "ja": "さんからのメモ"}[language]
    page = learner.get("training.today")
    assert said in page.text
    assert SEEN in page.text
    assert f"/training/{enrollment.code}/notes" in page.links()
    with clock.frozen(MORNING + timedelta(minutes=1)):
        learner.get("mentoring.notes", code=enrollment.code)
        assert said not in learner.get("training.today").text
        # Those who supervise her do not read it in her stead.
        make_note(enrollment, cast.lead, "Another one.", shown=True)
        as_(cast.lead).get("mentoring.notes", code=enrollment.code)
    with clock.frozen(MORNING + timedelta(minutes=2)):
        assert "Another one." in learner.get("training.today").text


def test_the_pages_ask_the_same_of_the_database_for_any_number_of_notes(
    cast: Cast, enrollment: Enrollment, as_: Any
) -> None:
    lead, counts = as_(cast.lead), []
    for number in (2, 8):
        for each in range(number):
            make_note(enrollment, cast.lead, f"Note {number} {each}.", shown=bool(each % 2))
        for endpoint in ("mentoring.notes", "mentoring.agenda"):
            lead.get(endpoint, code=enrollment.code)
            session.expire_all()
            with counted_queries() as statements:
                lead.get(endpoint, code=enrollment.code)
            counts.append(len(statements))
    assert counts[:2] == counts[2:]
    assert counts[0] <= 14
    assert counts[1] <= 26


def test_the_doctor_finds_a_correction_that_hides_what_was_shown(cast: Cast, enrollment: Enrollment) -> None:
    note = make_note(enrollment, cast.lead, SEEN, shown=True)
    with own_transaction():
        notes.correct_note(note=again(note), text="Another.", by=cast.lead)
    assert invariants.what_was_shown_stays_shown() == []
    table = LearnerNote.__table__
    session.execute(table.update().where(table.c.corrects_id.is_not(None)).values(is_shown=False))
    (breach,) = invariants.what_was_shown_stays_shown()
    assert "hides what its learner could read" in breach
    session.rollback()


def test_notes_go_along_where_the_learner_goes_on_in_another_version(
    cast: Cast, enrollment: Enrollment, mentor: Person
) -> None:
    make_note(enrollment, mentor, SEEN, shown=True)
    revised = make_plan(number="2.0")
    with own_transaction():
        later = swap_version(enrollment=enrollment, version=revised, reason="It was revised.", by=cast.lead)
    assert [note.latest.text for note in reading.list_notes(later.id, shown_only=True)] == [SEEN]
    assert len(reading.list_unread(people=[cast.learner.id])) == 1
    with clock.frozen(MORNING + timedelta(hours=1)):
        notes.note_opened(later)
    assert reading.list_unread(people=[cast.learner.id]) == []
