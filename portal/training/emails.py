"""The mails of training: a plan has begun, a step waits for a sign-off."""

from __future__ import annotations

from portal.accounts import queries as accounts
from portal.core.mail import Email, email
from portal.core.web import public_url
from portal.training import queries
from portal.training.rules import StepState


@email("training.plan_started")
def plan_started(code: str) -> Email | None:
    """Tell the learner what is due first; nothing where the plan is over by the time the mail is written."""
    enrollment = queries.find_enrollment(code)
    if enrollment is None or not enrollment.is_open:
        return None
    standing = queries.standing_of(enrollment)
    titles = queries.tasks_of(standing.steps)
    first = sorted(
        (step for step in standing.steps if standing.statuses[step.slug].state is not StepState.DONE),
        key=lambda step: (standing.due_on(step.slug), step.position),
    )[:3]
    person = enrollment.person
    return Email(
        template="training/emails/plan_started",
        to_address=person.sign_in_name,
        to_name=person.name_in(person.language),
        language=person.language,
        values={
            "plan": enrollment.version.title,
            "starts_on": enrollment.starts_on,
            "length": standing.length,
            "steps": [
                {"title": titles[step.id], "due_on": standing.due_on(step.slug), "minutes": step.minutes}
                for step in first
            ],
            "href": public_url("training.today"),
        },
    )


@email("training.sign_off_waiting")
def sign_off_waiting(code: str, step: str, to: str) -> Email | None:
    """Tell who can sign a step off that it waits; nothing where that has been done meanwhile."""
    enrollment = queries.find_enrollment(code)
    signer = accounts.find_person(to)
    if enrollment is None or signer is None or not signer.is_active or not enrollment.is_open:
        return None
    waiting = queries.get_step(enrollment, step)
    if queries.state_of(enrollment, waiting) is not StepState.WAITING:
        return None
    return Email(
        template="training/emails/sign_off_waiting",
        to_address=signer.sign_in_name,
        to_name=signer.name_in(signer.language),
        language=signer.language,
        values={
            "learner": enrollment.person.name_in(signer.language),
            "plan": enrollment.version.title,
            "step": queries.tasks_of([waiting])[waiting.id],
            "due_on": queries.standing_of(enrollment).due_on(step),
            "href": public_url("training.sign_off", code=code, slug=step),
        },
    )
