"""Drafts: begun from a version, written by several people without loss, proposed, overtaken, discarded."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from portal.accounts import queries as accounts
from portal.accounts.models import Person, Role, Scope
from portal.core import clock
from portal.core.db import session
from portal.core.transaction import own_transaction
from portal.journal.models import JournalEntry
from portal.library import errors, queries
from portal.library.models import (
    AudienceKind,
    ChangeClass,
    DocumentKind,
    Draft,
    DraftAside,
    DraftAuthor,
    DraftReview,
    DraftState,
    DraftText,
    ReviewAct,
)
from portal.library.queries.drafting import ClauseState, list_drafts, list_kept, list_open_asides, outline_of
from portal.library.queries.drafts import behind_of_draft, get_draft
from portal.library.rules.merging import Digests, Side
from portal.library.service import drafts, taking_over
from portal.library.service.drafts import Outcome, Proposal, Saved, TextValues, values_of
from portal.library.service.joining import digests_of_values
from tests.builders import Cast, make_grant, make_person
from tests.library.builders import EN, JA, english, japanese, make_document, make_published, make_version

THREADS = 6


def begin(by: Person, **values: Any) -> Draft:
    """Return a draft of a published document."""
    version = values.pop("version", None) or make_published(by)
    with own_transaction():
        return drafts.begin_draft(document=version.document, by=by, **values)


def written(draft: Draft, language: str = "en", **changes: str) -> TextValues:
    return replace(values_of(draft.text_in(language)), **changes)


def save(draft: Draft, by: Person, revision: int, values: TextValues, language: str = "en", **more: Any) -> Saved:
    with own_transaction():
        return drafts.save_text(draft=draft, language=language, revision=revision, values=values, by=by, **more)


def proposal(draft: Draft, **changes: Any) -> Proposal:
    now = Proposal(
        draft.number, draft.change_class, draft.effective_at, draft.zone, draft.issue_at,
        draft.provisional_reason, draft.note,
    )  # fmt: skip
    return replace(now, **changes)


def recorded(action: str) -> list[JournalEntry]:
    return list(session.scalars(select(JournalEntry).where(JournalEntry.action == action)))


# --- beginning ------------------------------------------------------------------------------------


def test_a_draft_begins_with_the_texts_of_the_latest_version(cast: Cast) -> None:
    draft = begin(cast.author)
    text = draft.text_in("en")
    assert text is not None
    assert (text.source, text.title, text.revision) == (EN, "Impersonation", 1)
    assert (draft.number, draft.based_on.number if draft.based_on else None) == ("1.1", "1.0")
    assert draft.zone == "Asia/Tokyo"
    assert behind_of_draft(draft, "ja") == ()
    assert {row.state for row in outline_of(draft)} == {ClauseState.IN_STEP}
    (entry,) = recorded("library.draft_begun")
    assert entry.subject_code == draft.code


def test_what_to_do_differently_is_written_anew_for_each_version(cast: Cast) -> None:
    version = make_published(cast.author, texts=[english(what_to_do_differently="Label them."), japanese()])
    text = begin(cast.author, version=version).text_in("en")
    assert text is not None
    assert text.what_to_do_differently == ""


def test_an_earlier_version_comes_back_as_a_new_one(cast: Cast) -> None:
    first = make_published(cast.author)
    second = make_version(first.document, cast.author, "1.1", texts=[english("## B {#b}\n\nOther.\n"), japanese()])
    draft = begin(cast.author, version=second, origin=first)
    text = draft.text_in("en")
    assert text is not None
    assert text.source == EN
    assert draft.based_on_id == second.id
    assert draft.number == "1.2"
    assert not taking_over.is_overtaken(draft)


def test_a_new_document_belongs_to_its_author_and_has_a_draft(cast: Cast) -> None:
    with own_transaction():
        draft = drafts.begin_document(
            slug="fan-accounts", title="Fan accounts", kind=DocumentKind.POLICY, authoritative="en", audience={},
            sensitivity="S0", review_every_months=12, by=cast.author,
        )  # fmt: skip
    owner = accounts.find_owner("document", "fan-accounts")
    assert owner is not None
    assert owner.owner_id == cast.author.id
    assert (draft.number, draft.change_class, draft.based_on) == ("1.0", ChangeClass.MATERIAL, None)
    assert values_of(draft.text_in("en")).title == "Fan accounts"
    assert drafts.propose_slug("Fan accounts") == "fan-accounts-2"
    assert drafts.propose_slug("ファンアカウント") == ""


def test_who_writes_for_a_market_makes_no_document_beyond_it(cast: Cast) -> None:
    writer = make_person()
    make_grant(writer, Role.AUTHOR, Scope.MARKET, "JP")

    def make(slug: str, markets: list[str]) -> Draft:
        with own_transaction():
            return drafts.begin_document(
                slug=slug, title="T", kind=DocumentKind.SOP, authoritative="ja",
                audience={AudienceKind.MARKET: markets}, sensitivity="S0", review_every_months=None, by=writer,
            )  # fmt: skip

    assert make("here", ["JP"]).zone == "Asia/Tokyo"
    with pytest.raises(errors.AudienceOutOfReach):
        make("everywhere", [])
    assert queries.find_document("everywhere") is None


# --- saving ---------------------------------------------------------------------------------------


def test_a_save_counts_and_gives_ids(cast: Cast) -> None:
    draft = begin(cast.author)
    saved = save(draft, cast.author, 1, written(draft, source=EN + "\n## Who may report\n\nAnybody.\n"))
    assert saved.outcome is Outcome.SAVED
    assert saved.text is not None
    assert saved.text.revision == 2
    assert "## Who may report {#who-may-report}" in saved.text.source


def test_a_save_that_says_what_is_there_changes_nothing(cast: Cast) -> None:
    draft = begin(cast.author)
    saved = save(draft, cast.colleague, 1, written(draft))
    assert saved.text is not None
    assert saved.text.revision == 1
    assert session.get(DraftAuthor, (draft.id, cast.colleague.id)) is None


def test_a_save_whose_answer_was_lost_counts_once(cast: Cast) -> None:
    draft = begin(cast.author)
    values = written(draft, source=EN + "\n## New\n\nText.\n")
    for _time in range(2):
        saved = save(draft, cast.author, 1, values)
        assert saved.outcome is Outcome.SAVED
        assert saved.text is not None
        assert saved.text.revision == 2
    assert list_open_asides(draft, cast.author) == []


def test_of_two_people_the_second_is_told_and_keeps_what_she_wrote(cast: Cast) -> None:
    make_grant(cast.colleague, Role.AUTHOR)
    draft = begin(cast.author)
    save(draft, cast.author, 1, written(draft, title="Mine"))
    late = written(draft, title="Hers", source="## Scope {#scope}\n\nHers.\n")
    told = save(draft, cast.colleague, 1, late)
    assert told.outcome is Outcome.STALE
    assert told.text is not None
    assert told.text.title == "Mine"
    assert told.text.saved_by == cast.author.code
    assert told.aside is not None
    assert drafts.aside_values(told.aside) == late
    # Autosave goes on: the same page adds to what was put aside, another one gets its own.
    code = told.aside.code
    again = save(draft, cast.colleague, 1, replace(late, title="Hers too"), aside=code)
    assert again.aside is not None
    assert again.aside.code == code
    other = save(draft, cast.colleague, 1, replace(late, title="Another page"))
    assert other.aside is not None
    assert other.aside.code != code
    assert [each.values["title"] for each in list_open_asides(draft, cast.colleague)] == ["Hers too", "Another page"]
    assert list_open_asides(draft, cast.author) == []


TWO = "## Scope {#scope}\n\nEverywhere.\n\n## Fees {#fees}\n\nNone.\n\n## Appeals {#appeals}\n\n30 days.\n"


def both_at_work(cast: Cast) -> tuple[Draft, TextValues, Digests]:
    """Return a draft of three clauses that two people have open, what it says, and that in short."""
    make_grant(cast.colleague, Role.AUTHOR)
    draft = begin(cast.author)
    save(draft, cast.author, 1, written(draft, source=TWO))
    values = written(draft)
    return draft, values, digests_of_values(values)


def kept_of(draft: Draft) -> list[tuple[str, str]]:
    return [(each.written_by, each.values["source"]) for each in reversed(list_kept(draft))]


def test_of_two_people_who_change_different_clauses_both_are_kept(cast: Cast) -> None:
    draft, values, base = both_at_work(cast)
    first = replace(values, source=TWO.replace("Everywhere.", "In the EU."), summary="Shorter.")
    second = replace(values, source=TWO.replace("30 days.", "60 days.") + "\n## More\n\nNew.\n", title="Hers")
    save(draft, cast.author, 2, first, base=base)
    told = save(draft, cast.colleague, 2, second, base=base)
    assert told.outcome is Outcome.JOINED
    assert told.taken is not None
    assert (told.joined_with, told.taken.lines, told.taken.pieces) == (cast.author.code, ("summary",), ("scope",))
    now = values_of(draft.text_in("en"))
    assert (now.title, now.summary) == ("Hers", "Shorter.")
    for words in ("In the EU.", "60 days.", "## More {#more}"):
        assert words in now.source
    assert list_open_asides(draft, cast.colleague) == []
    ided = second.source.replace("## More", "## More {#more}")
    assert kept_of(draft) == [(cast.author.code, first.source), (cast.colleague.code, ided)]
    # The same once more, as after a lost answer, changes nothing.
    again = save(draft, cast.colleague, 2, second, base=base)
    assert again.outcome is Outcome.JOINED
    assert again.text is not None
    assert again.text.revision == 4


def test_what_was_written_while_two_texts_became_one_is_joined_with_what_they_became(cast: Cast) -> None:
    draft, values, base = both_at_work(cast)
    save(draft, cast.author, 2, replace(values, source=TWO.replace("Everywhere.", "In the EU.")), base=base)
    sent = replace(values, source=TWO.replace("30 days.", "60 days"))
    told = save(draft, cast.colleague, 2, sent, base=base)
    assert told.sent is not None
    more = replace(values, source=TWO.replace("30 days.", "60 days, and no more."))
    again = save(draft, cast.colleague, 2, more, base=digests_of_values(told.sent))
    assert again.outcome is Outcome.JOINED
    source = values_of(draft.text_in("en")).source
    assert source == TWO.replace("30 days.", "60 days, and no more.").replace("Everywhere.", "In the EU.")
    # While both write on end, the last text of each is kept.
    assert [who for who, _text in kept_of(draft)] == [cast.author.code, cast.colleague.code]


def test_the_blank_lines_below_which_somebody_writes_on_stay_where_two_texts_become_one(cast: Cast) -> None:
    draft, values, base = both_at_work(cast)
    save(draft, cast.author, 2, replace(values, source=TWO.replace("30 days.", "60 days.")), base=base)
    begun = TWO.replace("Everywhere.\n", "Everywhere.\n\n- one\n- \n\n")
    assert save(draft, cast.colleague, 2, replace(values, source=begun), base=base).outcome is Outcome.JOINED
    assert values_of(draft.text_in("en")).source == begun.replace("30 days.", "60 days.")


def test_a_clause_that_one_took_out_and_the_other_changed_is_asked(cast: Cast) -> None:
    draft, values, base = both_at_work(cast)
    save(draft, cast.author, 2, replace(values, source=TWO.replace("## Fees {#fees}\n\nNone.\n\n", "")), base=base)
    late = replace(values, source=TWO.replace("None.", "One.").replace("30 days.", "60 days."))
    told = save(draft, cast.colleague, 2, late, base=base)
    assert told.outcome is Outcome.STALE
    assert told.aside is not None
    joined = drafts.compare_aside(draft, told.aside)
    assert [(name, piece.theirs) for name, piece in joined.open] == [("clause-fees", None)]


@pytest.mark.parametrize("way", ["mine", "theirs", "edit"])
def test_a_clause_that_both_changed_is_decided_by_itself(cast: Cast, way: str) -> None:
    draft, values, base = both_at_work(cast)
    first = replace(values, source=TWO.replace("Everywhere.", "In the EU.").replace("None.", "Hers."))
    save(draft, cast.author, 2, first, base=base)
    late = replace(values, source=TWO.replace("None.", "Mine.").replace("30 days.", "60 days."))
    told = save(draft, cast.colleague, 2, late, base=base)
    assert told.outcome is Outcome.STALE
    aside = told.aside
    assert aside is not None
    with own_transaction(), pytest.raises(errors.MergeUndecided):
        drafts.join_aside(draft=draft, aside=aside, revision=3, choices={}, edits={}, by=cast.colleague)
    choices = {"clause-fees": Side(way)} if way != "edit" else {}
    edits = {"clause-fees": "## Fees {#fees}\n\nBoth."} if way == "edit" else {}
    with own_transaction():
        drafts.join_aside(draft=draft, aside=aside, revision=3, choices=choices, edits=edits, by=cast.colleague)
    said = {"mine": "Mine.", "theirs": "Hers.", "edit": "Both."}[way]
    expected = TWO.replace("Everywhere.", "In the EU.").replace("None.", said).replace("30 days.", "60 days.")
    assert values_of(draft.text_in("en")).source == expected
    assert list_open_asides(draft, cast.colleague) == []
    # Nothing is lost, either way.
    assert {text for _who, text in kept_of(draft)} == {first.source, late.source}


def test_where_it_is_not_known_what_both_began_from_every_difference_is_asked(cast: Cast) -> None:
    draft, values, _base = both_at_work(cast)
    save(draft, cast.author, 2, replace(values, source=TWO.replace("Everywhere.", "In the EU.")))
    told = save(draft, cast.colleague, 2, replace(values, source=TWO.replace("30 days.", "60 days.")))
    assert told.aside is not None
    joined = drafts.compare_aside(draft, told.aside)
    assert [name for name, _piece in joined.open] == ["clause-scope", "clause-appeals"]


@pytest.mark.parametrize("way", ["mine", "saved", "together"])
def test_what_was_put_aside_is_settled_in_one_of_three_ways(cast: Cast, way: str) -> None:
    draft = begin(cast.author)
    save(draft, cast.author, 1, written(draft, title="First"))
    told = save(draft, cast.author, 1, written(draft, title="Second"))
    assert told.aside is not None
    values = {"mine": drafts.aside_values(told.aside), "saved": None, "together": written(draft, title="Both")}[way]
    with own_transaction():
        drafts.settle_aside(
            draft=draft, aside=told.aside, revision=2 if values else None, values=values, by=cast.author
        )
    assert values_of(draft.text_in("en")).title == {"mine": "Second", "saved": "First", "together": "Both"}[way]
    assert list_open_asides(draft, cast.author) == []


def test_settling_a_text_that_was_saved_once_more_keeps_it_aside(cast: Cast) -> None:
    draft = begin(cast.author)
    save(draft, cast.author, 1, written(draft, title="First"))
    told = save(draft, cast.author, 1, written(draft, title="Second"))
    assert told.aside is not None
    save(draft, cast.author, 2, written(draft, title="Third"))
    with own_transaction():
        settled = drafts.settle_aside(
            draft=draft, aside=told.aside, revision=2, values=written(draft, title="Together"), by=cast.author
        )
    assert settled.outcome is Outcome.STALE
    (kept,) = list_open_asides(draft, cast.author)
    assert kept.values["title"] == "Together"
    assert values_of(draft.text_in("en")).title == "Third"


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"source": "a\n\0"}, errors.TextNotKept),
        ({"title": "\ud800"}, errors.TextNotKept),
        ({"source": "x" * (drafts.MAX_BYTES + 1)}, errors.TextTooLong),
        ({"title": "x" * 301}, errors.LineTooLong),
        ({"summary": "x" * 4001}, errors.LineTooLong),
    ],
)
def test_what_no_database_keeps_is_refused_in_words(
    cast: Cast, changes: dict[str, str], refusal: type[Exception]
) -> None:
    draft = begin(cast.author)
    with pytest.raises(refusal) as refused:
        save(draft, cast.author, 1, written(draft, **changes))
    assert str(refused.value)
    assert values_of(draft.text_in("en")).source == EN


def test_a_text_with_problems_is_saved_because_it_is_a_draft(cast: Cast) -> None:
    draft = begin(cast.author)
    for source in ("# Too high\n\n<script>", "[" * 60, "x\n" * 6000, "## A {#scope}\n\n## B {#scope}\n"):
        text = draft.text_in("en")
        assert text is not None
        assert save(draft, cast.author, text.revision, TextValues(source=source)).outcome is Outcome.SAVED


@pytest.mark.parametrize("state", [DraftState.IN_REVIEW, DraftState.APPROVED])
def test_what_is_looked_at_is_not_written(cast: Cast, state: DraftState) -> None:
    draft = begin(cast.author)
    draft.state = state
    session.commit()
    with pytest.raises(errors.DraftNotWritable):
        save(draft, cast.author, 1, written(draft, title="New"))
    with pytest.raises(errors.DraftNotWritable), own_transaction():
        drafts.change_proposal(draft=draft, revision=1, proposal=proposal(draft), by=cast.author)
    with pytest.raises(errors.DraftNotWritable), own_transaction():
        drafts.discard_draft(draft=draft, reason="", by=cast.author)


def test_whoever_writes_in_a_draft_is_noted_once(cast: Cast) -> None:
    draft = begin(cast.author)
    for number in range(1, 4):
        save(draft, cast.colleague, number, written(draft, title=f"T{number}"))
    assert session.get(DraftAuthor, (draft.id, cast.colleague.id)) is not None
    assert [entry.actor_code for entry in recorded("library.draft_joined")] == [cast.colleague.code]


@pytest.mark.races
def test_of_several_who_save_at_once_one_is_saved_and_all_is_kept(app: Flask, cast: Cast) -> None:
    draft = begin(cast.author)
    code, by_id, base = draft.code, cast.author.id, written(draft)
    session.remove()
    gate, results = threading.Barrier(THREADS), []

    def run(number: int) -> None:
        with app.app_context():
            gate.wait()
            try:
                by = session.get(Person, by_id)
                assert by is not None
                with own_transaction():
                    saved = drafts.save_text(
                        draft=get_draft(code), language="en", revision=1,
                        values=replace(base, title=f"Title {number}"), by=by,
                    )  # fmt: skip
                    results.append(saved.outcome)
            except Exception as failure:
                results.append(failure)
            finally:
                session.remove()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert sorted(results) == [Outcome.SAVED] + [Outcome.STALE] * (THREADS - 1), results
    kept = {aside.values["title"] for aside in session.scalars(select(DraftAside))}
    saved = session.scalars(select(DraftText.title).where(DraftText.language == "en")).one()
    assert kept | {saved} == {f"Title {number}" for number in range(THREADS)}


# --- the translation ------------------------------------------------------------------------------


def test_a_change_of_the_deciding_text_leaves_the_translation_behind_until_it_is_marked(cast: Cast) -> None:
    draft = begin(cast.author)
    save(draft, cast.author, 1, written(draft, source=EN.replace("None.", "One.") + "\n## Appeals\n\nText.\n"))
    assert behind_of_draft(draft, "ja") == ("exceptions", "appeals")
    states = {row.anchor: row.state for row in outline_of(draft)}
    assert states["exceptions"] is ClauseState.BEHIND
    assert states["appeals"] is ClauseState.MISSING
    save(
        draft, cast.author, 1, written(draft, "ja", source=JA + "\n## 異議\n\n文。\n\n## 余分 {#extra}\n\n文。\n"), "ja"
    )
    states = {row.anchor: row.state for row in outline_of(draft)}
    assert states["appeals"] is ClauseState.NEW, "it took the id of the same place"
    assert states["extra"] is ClauseState.EXTRA
    with own_transaction():
        marked = drafts.mark_in_step(draft=draft, anchors=["exceptions"], deciding_revision=2, by=cast.author)
    assert marked == ["exceptions"]
    assert behind_of_draft(draft, "ja") == ("appeals",)
    with own_transaction():
        assert drafts.mark_in_step(draft=draft, anchors=None, deciding_revision=2, by=cast.author) == ["appeals"]
    assert behind_of_draft(draft, "ja") == ()


def test_a_clause_that_was_taken_out_of_the_translation_is_behind(cast: Cast) -> None:
    draft = begin(cast.author)
    save(draft, cast.author, 1, written(draft, "ja", source=JA[: JA.index("### 例外")]), "ja")
    assert behind_of_draft(draft, "ja") == ("exceptions",)


def test_only_what_was_looked_at_is_marked(cast: Cast) -> None:
    draft = begin(cast.author)
    save(draft, cast.author, 1, written(draft, source=EN.replace("None.", "One.")))
    with pytest.raises(errors.DecidingTextChanged), own_transaction():
        drafts.mark_in_step(draft=draft, anchors=["exceptions"], deciding_revision=1, by=cast.author)
    with pytest.raises(errors.ClauseUnknown), own_transaction():
        drafts.mark_in_step(draft=draft, anchors=["gone"], deciding_revision=2, by=cast.author)


# --- what is proposed -----------------------------------------------------------------------------


def change(draft: Draft, by: Person, **changes: Any) -> bool:
    with own_transaction():
        return drafts.change_proposal(draft=draft, revision=draft.revision, proposal=proposal(draft, **changes), by=by)


def test_the_number_follows_the_class_until_somebody_sets_one(cast: Cast) -> None:
    draft = begin(cast.author)
    assert change(draft, cast.author, change_class=ChangeClass.MATERIAL)
    assert draft.number == "2.0"
    assert change(draft, cast.author, change_class=ChangeClass.EDITORIAL)
    assert draft.number == "1.1"
    change(draft, cast.author, number="3.0")
    change(draft, cast.author, change_class=ChangeClass.EMERGENCY)
    assert draft.number == "3.0"
    assert not change(draft, cast.author)
    assert draft.revision == 5
    assert len(recorded("library.proposal_changed")) == 4


@pytest.mark.parametrize(
    ("number", "refusal"),
    [("1", errors.NumberInvalid), ("１.2", errors.NumberInvalid), ("0.9", errors.NumberTooLow),
     ("1.0", errors.ProposedNumberTaken)],
)  # fmt: skip
def test_a_number_that_cannot_be_given_is_refused(cast: Cast, number: str, refusal: type[Exception]) -> None:
    draft = begin(cast.author)
    with pytest.raises(refusal):
        change(draft, cast.author, number=number)


def test_a_version_cannot_take_effect_before_it_is_published(cast: Cast) -> None:
    draft = begin(cast.author)
    day = clock.now() + timedelta(days=3)
    with pytest.raises(errors.EffectiveTooEarly):
        change(draft, cast.author, issue_at=day, effective_at=day - timedelta(minutes=1))
    with pytest.raises(errors.EffectiveTooEarly):
        change(draft, cast.author, effective_at=clock.now() - timedelta(days=1))
    assert change(draft, cast.author, issue_at=day, effective_at=day)


def test_two_who_change_the_proposal_do_not_overwrite_each_other(cast: Cast) -> None:
    draft = begin(cast.author)
    change(draft, cast.author, note="First")
    with pytest.raises(errors.ProposalChanged), own_transaction():
        drafts.change_proposal(draft=draft, revision=1, proposal=proposal(draft, note="Second"), by=cast.colleague)
    assert draft.note == "First"


# --- taking over ----------------------------------------------------------------------------------


def test_what_another_version_changed_is_taken_over_clause_by_clause(cast: Cast) -> None:
    version = make_published(cast.author)
    draft = begin(cast.author, version=version)
    save(draft, cast.author, 1, written(draft, source=EN.replace("It covers accounts", "It covers all accounts")))
    save(draft, cast.author, 1, written(draft, "ja", source=JA.replace("ほかの人を名乗る", "他人を名乗る")), "ja")
    with own_transaction():
        drafts.mark_in_step(draft=draft, anchors=["scope"], deciding_revision=2, by=cast.author)
    theirs = EN.replace("None.", "Parody.") + "\n## Appeals {#appeals}\n\nWithin a week.\n"
    theirs_ja = JA.replace("ありません。", "パロディ。") + "\n## 異議 {#appeals}\n\n一週間以内。\n"
    make_version(version.document, cast.author, "1.1", texts=[english(theirs), japanese(theirs_ja)])
    assert taking_over.is_overtaken(draft)
    plan = taking_over.compare(draft)
    assert plan.open == []
    assert [piece.key for piece in plan.texts["en"].taken] == ["exceptions", "appeals"]
    with own_transaction():
        taking_over.take_over(draft=draft, seen=plan.seen, choices={}, by=cast.author)
    source = values_of(draft.text_in("en")).source
    for words in ("It covers all accounts", "Parody.", "## Appeals {#appeals}"):
        assert words in source
    assert draft.based_on is not None
    assert (draft.based_on.number, draft.number) == ("1.1", "1.2")
    assert behind_of_draft(draft, "ja") == ()
    assert not taking_over.is_overtaken(draft)
    with pytest.raises(errors.NothingToTakeOver):
        taking_over.compare(draft)


def test_what_both_changed_waits_for_a_choice(cast: Cast) -> None:
    version = make_published(cast.author)
    draft = begin(cast.author, version=version)
    save(draft, cast.author, 1, written(draft, title="Mine", source=EN.replace("None.", "Mine.")))
    make_version(
        version.document, cast.author, "1.1",
        texts=[english(EN.replace("None.", "Theirs."), title="Theirs"), japanese()],
    )  # fmt: skip
    plan = taking_over.compare(draft)
    assert [name for name, _piece in plan.open] == ["en-title", "en-clause-exceptions"]
    with pytest.raises(errors.MergeUndecided), own_transaction():
        taking_over.take_over(draft=draft, seen=plan.seen, choices={"en-title": Side.MINE}, by=cast.author)
    choices = {"en-title": Side.MINE, "en-clause-exceptions": Side.BOTH}
    with own_transaction():
        taking_over.take_over(draft=draft, seen=plan.seen, choices=choices, by=cast.author)
    text = values_of(draft.text_in("en"))
    assert text.title == "Mine"
    assert text.source.index("Theirs.") < text.source.index("Mine.")
    anchors = [row.anchor for row in outline_of(draft)]
    assert anchors == ["top", "scope", "fan-accounts", "exceptions", "exceptions-2"]


def test_a_comparison_that_is_out_of_date_is_made_again(cast: Cast) -> None:
    version = make_published(cast.author)
    draft = begin(cast.author, version=version)
    make_version(version.document, cast.author, "1.1")
    plan = taking_over.compare(draft)
    save(draft, cast.author, 1, written(draft, title="Later"))
    with pytest.raises(errors.MergeOutdated), own_transaction():
        taking_over.take_over(draft=draft, seen=plan.seen, choices={}, by=cast.author)


# --- the list and the end -------------------------------------------------------------------------


def test_a_draft_that_is_discarded_keeps_its_texts(cast: Cast) -> None:
    draft = begin(cast.author)
    with own_transaction():
        drafts.discard_draft(draft=draft, reason="Another way was found.", by=cast.author)
    assert draft.state is DraftState.DISCARDED
    assert values_of(draft.text_in("en")).source == EN
    review = session.scalars(select(DraftReview)).one()
    assert (review.act, review.reason) == (ReviewAct.DISCARDED, "Another way was found.")
    assert [each.draft.code for each in list_drafts(cast.author, "en", ended=True)] == [draft.code]
    assert list_drafts(cast.author, "en") == []


def test_the_list_shows_only_drafts_that_the_person_may_see(cast: Cast) -> None:
    here = make_published(cast.author, "here", audience={AudienceKind.MARKET: ["JP"]})
    both = make_published(cast.author, "both", audience={AudienceKind.MARKET: ["JP", "US"]})
    everywhere = make_published(cast.author, "everywhere")
    for version in (here, both, everywhere):
        begin(cast.author, version=version)
    local = make_person()
    make_grant(local, Role.APPROVER, Scope.MARKET, "JP")
    assert [each.slug for each in list_drafts(local, "en")] == ["here"]
    assert {each.slug for each in list_drafts(cast.author, "en")} == {"here", "both", "everywhere"}
    assert session.scalar(select(func.count()).select_from(Draft)) == 3


def test_a_document_without_a_version_is_a_belonging_too(cast: Cast) -> None:
    make_document(cast.author, "unwritten")
    from portal.library.service.documents import OwnedDocuments

    found = OwnedDocuments().find_things(["unwritten", "unknown"])
    assert list(found) == ["unwritten"]
    assert found["unwritten"].href is None


def test_a_new_document_gets_its_second_language(cast: Cast) -> None:
    """Each save is a request of its own: whoever writes is read from the database anew."""
    with own_transaction():
        code = drafts.begin_document(
            slug="new", title="New", kind=DocumentKind.POLICY, authoritative="en", audience={}, sensitivity="S0",
            review_every_months=None, by=cast.author,
        ).code  # fmt: skip
    for language, revision, values in (
        ("en", 1, TextValues(title="New", source="## A {#a}\n\nx\n")),
        ("ja", 0, TextValues(title="新しい文書", source="## あ\n\nx\n")),
    ):
        session.expire_all()
        with own_transaction():
            drafts.save_text(draft=get_draft(code), language=language, revision=revision, values=values, by=cast.author)
    assert {text.language: text.source for text in get_draft(code).texts} == {
        "en": "## A {#a}\n\nx\n",
        "ja": "## あ {#a}\n\nx\n",
    }
