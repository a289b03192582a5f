"""Plans that are written: what an edit changes and leaves, where a step stands, what differs, what becomes of two."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.core.content import ContentFile, ContentFolder
from portal.core.i18n import Words
from portal.training import rules
from portal.training.content import PlansPart, read_plan
from portal.training.formats.plan_file import spec_of_table, table_of, written
from portal.training.rules import EventSpec, PhaseSpec, PlanSpec, StepKind, StepSpec, editing, nominal_offsets
from portal.training.rules.changes import Became, What, changes
from portal.training.rules.editing import Row, rows
from portal.training.rules.merging import merge
from portal.training.rules.timeline import tightness, timeline
from portal.training.service.plans import digest_of
from tests.training.builders import EXAM, spec
from tests.training.strategies import plans, unfinished


def read_back(plan: PlanSpec) -> PlanSpec:
    found, findings = read_plan("plan.toml", written(plan).encode())
    assert findings == []
    assert found is not None
    return found


# --- The file ------------------------------------------------------------------------------------


@given(plans())
def test_a_plan_is_the_same_by_its_table_and_by_its_file(plan: PlanSpec) -> None:
    assert spec_of_table(table_of(plan)) == plan
    assert read_back(plan) == plan
    assert digest_of(read_back(spec_of_table(table_of(plan)))) == digest_of(plan)


@given(plans().flatmap(unfinished))
def test_a_plan_that_is_not_finished_is_kept_as_it_is(plan: PlanSpec) -> None:
    assert spec_of_table(table_of(plan)) == plan


@given(plans())
def test_random_plans_can_be_imported(plan: PlanSpec) -> None:
    # Else the two tests above prove little.
    folder = ContentFolder({"plans/plan.toml": ContentFile("plans/plan.toml", written(plan))})
    PlansPart().check(folder)
    assert folder.errors == []


# --- Edits ---------------------------------------------------------------------------------------


@given(plans(), st.data())
def test_a_step_takes_what_is_counted_from_it_along_and_nothing_else(plan: PlanSpec, data: st.DataObject) -> None:
    slug, days = data.draw(st.sampled_from([step.slug for step in plan.steps])), data.draw(st.integers(-9, 9))
    before, after = nominal_offsets(plan.shapes), nominal_offsets(editing.shift(plan, slug, days).shapes)
    moved = {name for name in before if before[name] != after[name]}
    assert len(moved) == (editing.follow(plan, slug) + 1 if days else 0)
    assert all(after[name] - before[name] == days for name in moved)
    assert editing.shift(editing.shift(plan, slug, days), slug, -days) == plan


@given(plans(), st.data())
def test_where_a_step_is_taken_out_the_others_keep_their_days(plan: PlanSpec, data: st.DataObject) -> None:
    slug = data.draw(st.sampled_from([step.slug for step in plan.steps]))
    left = editing.remove_step(plan, slug)
    before, after = nominal_offsets(plan.shapes), nominal_offsets(left.shapes)
    assert after == {name: days for name, days in before.items() if name != slug}
    assert all(slug not in step.prerequisites for step in left.steps)


@given(plans(), st.data())
def test_a_step_that_moves_up_and_down_again_is_where_it_was(plan: PlanSpec, data: st.DataObject) -> None:
    slug = data.draw(st.sampled_from([step.slug for step in plan.steps]))
    up = editing.move(plan, slug, -1)
    assert Counter(step.slug for step in up.steps) == Counter(step.slug for step in plan.steps)
    phases = {step.phase for step in plan.steps} | {None} | {phase.slug for phase in plan.phases}
    assert {step.phase for step in up.steps} <= phases
    # Within its phase; over a head it takes another phase, which may have left the first one without steps.
    if up != plan and editing.get_step(up, slug).phase == editing.get_step(plan, slug).phase:
        assert editing.move(up, slug, 1) == plan


def test_a_step_goes_over_the_head_of_a_phase_into_the_one_above() -> None:
    plan = spec()
    assert [row.step or f"[{row.phase}]" for row in rows(plan)] == [
        "[first]", "statement", "read", "[second]", "quiz", "talk", "audit", "[None]", "more",
    ]  # fmt: skip
    once = editing.move(plan, "quiz", -1)
    assert editing.get_step(once, "quiz").phase == "first"
    assert [step.slug for step in once.steps] == [step.slug for step in plan.steps]
    twice = editing.move(once, "quiz", -1)
    assert [step.slug for step in twice.steps][:3] == ["statement", "quiz", "read"]
    assert editing.move(plan, "statement", -1) == plan
    assert editing.move(plan, "more", 1) == plan


def test_a_phase_without_steps_has_its_row() -> None:
    plan = editing.add_phase(spec(phases=(PhaseSpec("empty", Words("E", "空")), *spec().phases)), Words("", ""))
    heads = [row.phase for row in rows(plan) if row.step is None]
    assert heads == ["empty", "first", "second", None, "new-phase"]
    assert Row("new-phase") in rows(plan)


def test_a_phase_moves_with_its_steps_and_leaves_them_to_the_one_before_it() -> None:
    moved = editing.move_phase(spec(), "second", -1)
    assert [step.slug for step in moved.steps] == ["more", "quiz", "talk", "audit", "statement", "read"]
    left = editing.remove_phase(spec(), "second")
    assert {step.phase for step in left.steps} == {"first", None}
    assert editing.remove_phase(left, "first").phases == ()


@given(plans(), st.data())
def test_a_new_name_is_followed_wherever_it_is_named(plan: PlanSpec, data: st.DataObject) -> None:
    step = data.draw(st.sampled_from(plan.steps))
    renamed = editing.put(plan, step.slug, replace(step, slug="a-new-name-of-it"))
    assert rules.faults(renamed.shapes) == [
        replace(
            fault,
            slug=fault.slug.replace(step.slug, "a-new-name-of-it") if fault.slug == step.slug else fault.slug,
            others=tuple("a-new-name-of-it" if name == step.slug else name for name in fault.others),
        )
        for fault in rules.faults(plan.shapes)
    ]


@pytest.mark.parametrize("kind", list(StepKind))
@given(plans(), st.data())
def test_a_step_that_becomes_another_kind_says_nothing_that_its_kind_has_not(
    kind: StepKind, plan: PlanSpec, data: st.DataObject
) -> None:
    step = editing.as_kind(data.draw(st.sampled_from(plan.steps)), kind)
    assert step.kind is kind
    assert (step.document is None) or kind in (StepKind.READ, StepKind.ACKNOWLEDGE)
    assert (step.quiz is None) or kind is StepKind.QUIZ
    assert bool(step.evidence) == (kind is StepKind.TASK)
    assert (step.gate_bound is None and not step.gate_quizzes) or kind is StepKind.GATE
    assert spec_of_table(table_of(replace(plan, steps=(step,)))).steps == (step,)


def test_what_is_not_there_any_more_cannot_be_changed() -> None:
    for edit in (editing.shift, editing.move):
        with pytest.raises(editing.Gone):
            edit(spec(), "gone", 1)
    with pytest.raises(editing.Gone):
        editing.place(spec(), "quiz", "gone", None)
    with pytest.raises(editing.Gone):
        editing.put_event(spec(), "exam", EXAM)


def test_names_are_made_from_titles() -> None:
    assert editing.propose_slug("The first talk, once more!") == "the-first-talk-once-more"
    assert editing.propose_slug("最初の面談") == ""
    assert editing.propose_slug("Start") == ""
    assert editing.free_slug("talk", {"talk", "talk-2"}) == "talk-3"
    assert editing.next_number("1.9") == "1.10"


# --- Where a step stands -------------------------------------------------------------------------


@given(plans().flatmap(lambda plan: st.just(plan) | unfinished(plan)))
def test_every_plan_can_be_drawn(plan: PlanSpec) -> None:
    drawn = timeline(plan)
    assert drawn.first <= -5
    assert set(drawn.placed) == {step.slug for step in plan.steps}
    for each in drawn.placed.values():
        assert drawn.first <= each.first <= each.day <= drawn.last
    assert len([row for row in rows(plan) if row.step]) == len(plan.steps)


def test_what_is_due_from_the_first_day_on_is_not_drawn_before_it_however_long_it_takes() -> None:
    long, early = (StepSpec(f"read-{days}", StepKind.READ, days, document="exposure", minutes=800) for days in (1, -1))
    drawn = timeline(spec(long, early, phases=()))
    assert (drawn.placed["read-1"].first, drawn.placed["read--1"].first) == (0, -3)


def test_what_counts_from_an_event_stands_before_the_day_that_is_assumed_for_it() -> None:
    steps = (
        StepSpec("read", StepKind.READ, 4, document="exposure"),
        StepSpec("revise", StepKind.READ, -3, document="exposure", event="exam"),
        StepSpec("after", StepKind.READ, 2, document="exposure", anchor="revise"),
    )
    drawn = timeline(spec(*steps, phases=(), events=(EXAM,)))
    assert drawn.events == {"exam": 8}
    assert {slug: each.day for slug, each in drawn.placed.items()} == {"read": 4, "revise": 5, "after": 7}


def test_a_ring_and_what_leads_nowhere_are_drawn_as_lost() -> None:
    steps = (
        StepSpec("a", StepKind.READ, 1, document="exposure", anchor="b"),
        StepSpec("b", StepKind.READ, 1, document="exposure", anchor="a"),
        StepSpec("c", StepKind.READ, 1, document="exposure", event="gone"),
    )
    assert all(each.is_lost for each in timeline(spec(*steps, phases=())).placed.values())


def test_more_than_six_hours_on_a_day_and_too_few_days_are_found() -> None:
    steps = tuple(StepSpec(f"s{n}", StepKind.READ, 0, document="exposure", minutes=200) for n in range(3))
    plan = spec(*steps, phases=())
    assert list(timeline(plan).heavy.values()) == [600]
    tight = tightness(plan)
    assert tight is not None
    assert (tight.needed, tight.there) == (2, 1)


# --- What differs, and what becomes of two -------------------------------------------------------


@given(plans(), plans())
def test_nothing_differs_exactly_where_two_plans_say_the_same(one: PlanSpec, other: PlanSpec) -> None:
    assert changes(one, one) == []
    assert bool(changes(one, other)) == (replace(one, number=other.number) != other)


def test_what_changed_is_told_with_old_and_new() -> None:
    after = editing.remove_step(editing.shift(spec(), "quiz", 2), "more")
    after = editing.add_step(editing.move(after, "talk", -1), StepKind.TASK, after="audit")
    found = {(each.what, each.slug): each for each in changes(spec(), after)}
    assert found[What.STEP, "more"].became is Became.REMOVED
    assert found[What.STEP, "new-task"].became is Became.ADDED
    assert [(each.name, each.before, each.after) for each in found[What.STEP, "quiz"].differences] == [
        ("due_days", 3, 5)
    ]
    # Of two that changed places one has moved.
    assert sum(each.has_moved for each in found.values()) == 1


@given(plans(), st.data())
def test_of_two_plans_that_changed_different_steps_both_changes_stand(plan: PlanSpec, data: st.DataObject) -> None:
    if len(plan.steps) < 2:
        return
    one, two = data.draw(st.lists(st.sampled_from(plan.steps), min_size=2, max_size=2, unique_by=lambda s: s.slug))
    mine, theirs = editing.shift(plan, one.slug, 1), editing.shift(plan, two.slug, 2)
    merged = merge(plan, mine, theirs)
    assert merged.both == ()
    assert merged.spec == editing.shift(mine, two.slug, 2)


def test_what_both_changed_stays_as_the_draft_has_it_and_is_named() -> None:
    mine, theirs = editing.shift(spec(), "quiz", 1), editing.remove_step(editing.shift(spec(), "quiz", 2), "more")
    theirs = replace(theirs, title=Words("Other", "別"), events=(EventSpec("exam", Words("Exam", "試験")),))
    theirs = editing.add_step(theirs, StepKind.TASK, after="statement")
    merged = merge(spec(), mine, theirs)
    assert merged.both == ((What.STEP, "quiz"),)
    assert editing.get_step(merged.spec, "quiz").due_days == 4
    assert merged.spec.title == Words("Other", "別")
    assert [step.slug for step in merged.spec.steps][:3] == ["statement", "new-task", "read"]
    assert [step.slug for step in merged.spec.steps if step.slug == "more"] == []
    assert merge(spec(), editing.remove_step(spec(), "quiz"), theirs).both == ((What.STEP, "quiz"),)
