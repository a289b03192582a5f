"""How the journal's page reads what was done in training."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from flask import url_for

from portal.core.access import can
from portal.core.i18n import format_instant, language, lazy_pgettext
from portal.core.i18n import gettext as _
from portal.core.i18n import lazy_gettext as _l
from portal.journal.service import Fact, Kind, Thing, Vocabulary
from portal.training import queries
from portal.training.permissions import RUN_SESSION
from portal.training.queries import catalogue, live_sessions, plan_drafts
from portal.training.service.owned import OwnedPlans
from portal.training.service.sessions import PRESENCES

_PLANS = OwnedPlans()


def _find_plans(codes: Collection[str]) -> Mapping[str, Thing]:
    return {slug: Thing(each.title, each.href) for slug, each in _PLANS.find_things(codes).items()}


def _find_plan_drafts(codes: Collection[str]) -> Mapping[str, Thing]:
    return {
        draft.code: Thing(
            _(
                "%(plan)s, version %(number)s",
                plan=str(plan_drafts.spec_of_draft(draft).title) or draft.plan_slug,
                number=draft.spec["version"],
            ),
            url_for("training.plan_draft", code=draft.code),
        )
        for draft in plan_drafts.list_drafts_of(codes)
    }


def _find_enrollments(codes: Collection[str]) -> Mapping[str, Thing]:
    here = language()
    return {
        enrollment.code: Thing(
            _("%(plan)s, %(person)s", plan=enrollment.version.title, person=enrollment.person.name_in(here)),
            url_for("training.path", code=enrollment.code),
        )
        for enrollment in queries.list_enrollments_by_code(codes)
    }


def _find_steps(codes: Collection[str]) -> Mapping[str, Thing]:
    """Return the steps of codes like ENROLLMENT/step."""
    enrollments = queries.list_enrollments_by_code({code.partition("/")[0] for code in codes})
    steps = {f"{each.code}/{step.slug}": step for each in enrollments for step in each.version.steps}
    tasks = catalogue.tasks_of({step.id: step for code, step in steps.items() if code in codes}.values())
    return {code: Thing(str(tasks[step.id])) for code, step in steps.items() if step.id in tasks}


def _find_sessions(codes: Collection[str]) -> Mapping[str, Thing]:
    found = live_sessions.list_sessions_by_code(codes)
    tasks = catalogue.tasks_of([each.step for each in found])
    return {
        each.code: Thing(
            _(
                "%(step)s, %(start)s",
                step=str(tasks[each.step_id]),
                start=format_instant(each.time.starts_at, each.market.time_zone),
            ),
            url_for("training.session", code=each.code) if can(RUN_SESSION, each) else None,
        )
        for each in found
    }


def _plans_meant(text: str) -> list[str]:
    found = _PLANS.find_things(_PLANS.list_live_codes())
    return [slug for slug, each in found.items() if text.casefold() in each.title.casefold()]


VOCABULARY = Vocabulary(
    actions={
        "training.plan_version_created": _l("Training plan published"),
        "training.plan_draft_begun": _l("Draft of a plan begun"),
        "training.plan_draft_joined": _l("Began to write in a draft of a plan"),
        "training.plan_draft_took_over": _l("Newer version of a plan taken over into a draft"),
        "training.plan_draft_submitted": _l("Draft of a plan submitted for approval"),
        "training.plan_draft_taken_back": _l("Draft of a plan taken back"),
        "training.plan_draft_sent_back": _l("Draft of a plan sent back"),
        "training.plan_draft_approved": _l("Draft of a plan approved and published"),
        "training.plan_draft_discarded": _l("Draft of a plan discarded"),
        "training.learners_taken_in": _l("Learners taken into a cohort"),
        "training.enrolled": _l("Training begun"),
        "training.step_completed": _l("Step completed"),
        "training.step_signed": _l("Step signed off"),
        "training.step_sent_back": _l("Step sent back"),
        "training.step_extended": _l("More time given for a step"),
        "training.step_exempted": _l("Learner exempted from a step"),
        "training.exemption_taken_back": _l("Exemption from a step taken back"),
        "training.plan_extended": _l("More time given for a plan"),
        "training.step_extension_taken_back": _l("More time for a step taken back"),
        "training.plan_extension_taken_back": _l("More time for a plan taken back"),
        "training.start_moved": _l("First day of a training moved"),
        "training.event_moved": _l("Day of an event moved"),
        "training.event_of_cohort_set": _l("Day of an event set for a cohort"),
        "training.paused": _l("Training paused"),
        "training.resumed": _l("Training resumed"),
        "training.step_asked_again": _l("Sign-off asked for again"),
        "training.moved_to_plan": _l("Training continued in another plan"),
        "training.version_swapped": _l("Training continued in another version of its plan"),
        "training.ended": _l("Training ended before it was completed"),
        "training.calendar_shared": _l("Address to subscribe one's dates made"),
        "training.calendar_revoked": _l("Address to subscribe one's dates revoked"),
        "training.plan_completed": _l("Training plan completed"),
        "training.evidence_handed_in": _l("Evidence handed in"),
        "training.session_planned": _l("Session planned"),
        "training.session_moved": _l("Session moved"),
        "training.session_cancelled": _l("Session cancelled"),
        "training.session_joined": _l("Learner added to a session"),
        "training.session_left": _l("Learner left a session: training ended"),
        "training.attendance_recorded": _l("Attendance recorded"),
    },
    kinds={
        "plan": Kind(_l("Training plan"), _find_plans, _plans_meant),
        "plan_draft": Kind(_l("Draft of a plan"), _find_plan_drafts),
        "enrollment": Kind(_l("Training"), _find_enrollments, queries.list_enrollment_codes_meant),
        "plan_step": Kind(_l("Step"), _find_steps),
        "training_session": Kind(_l("Session"), _find_sessions),
    },
    facts={
        "plan": Fact(_l("Training plan"), refers_to="plan"),
        "step": Fact(_l("Step"), refers_to="plan_step", within=True),
        "training.plan_draft_begun:version": Fact(_l("Version of the plan")),
        "training.plan_draft_begun:based_on": Fact(_l("Begun from version")),
        "training.plan_draft_took_over:based_on": Fact(_l("Begun from version")),
        "training.plan_draft_approved:version": Fact(_l("Version of the plan")),
        "training.plan_draft_joined:person": Fact(_l("Author"), refers_to="person"),
        "training.enrolled:version": Fact(_l("Version of the plan")),
        "training.moved_to_plan:version": Fact(_l("Version of the plan")),
        "training.version_swapped:version": Fact(_l("Version of the plan")),
        "enrollment": Fact(_l("Training"), refers_to="enrollment"),
        "training.learners_taken_in:version": Fact(_l("Version of the plan")),
        "training.learners_taken_in:people": Fact(_l("People")),
        "training.learners_taken_in:invited": Fact(_l("Of these invited")),
        "working_days": Fact(_l("Working days more")),
        "training.event_moved:event": Fact(_l("Event")),
        "training.event_of_cohort_set:event": Fact(_l("Event")),
        "takes_place_on": Fact(_l("Takes place on")),
        "training.event_moved:was": Fact(_l("Day before")),
        "training.paused:first_on": Fact(_l("First day of the pause")),
        "resumes_on": Fact(_l("First day that counts again")),
        "was": Fact(_l("First day before")),
        "training.evidence_handed_in:number": Fact(_l("Number of what was handed in")),
        "training.step_signed:right": Fact(_l("Questions right")),
        "training.step_signed:questions": Fact(_l("Questions scored")),
        "training.session_planned:starts_at": Fact(lazy_pgettext("session", "Begins")),
        "training.session_planned:ends_at": Fact(_l("Ends")),
        "training.session_planned:learners": Fact(_l("Learners")),
        "training.session_moved:starts_at": Fact(lazy_pgettext("session", "Begins")),
        "training.session_moved:ends_at": Fact(_l("Ends")),
        "training.attendance_recorded:presence": Fact(_l("Attendance"), words=PRESENCES),
        "digest": Fact(_l("Hash"), technical=True),
    },
)
