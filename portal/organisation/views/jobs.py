"""Background work: what waits, what failed and why."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import flash, redirect, render_template, request, url_for

from portal.core import clock, jobs
from portal.core.access import actor, requires
from portal.core.errors import DomainError
from portal.core.i18n import gettext as _
from portal.core.i18n import lazy_gettext as _l
from portal.core.jobs import Description, Job, JobState, Regular
from portal.core.transaction import transaction
from portal.organisation.permissions import SEE_JOBS
from portal.organisation.views import blueprint

# What the tabs are called, and the chips of the look that say the same.
BETWEEN_TRIES = "between-tries"
STATE_NAMES = {
    JobState.CREATED.value: _l("Queued"),
    JobState.RUNNING.value: _l("Running"),
    BETWEEN_TRIES: _l("Retrying"),
    JobState.FAILED.value: _l("Failed"),
    JobState.DONE.value: _l("Done"),
    JobState.CANCELLED.value: _l("Cancelled"),
}
CHIPS = {
    JobState.CREATED.value: "queued",
    JobState.RUNNING.value: "running",
    BETWEEN_TRIES: "soon",
    JobState.DONE.value: "done",
    JobState.FAILED.value: "failed_job",
    JobState.CANCELLED.value: "exempt",
}
SHOWN = 200
# A worker says that it lives each minute.
SILENT_AFTER = timedelta(minutes=3)


def get_job(job: str) -> Job:
    """Return the job of the code in an address. Raises `NotFound`."""
    return jobs.get_job_by_code(job)


@blueprint.get("/jobs")
@requires(SEE_JOBS)
def list_jobs() -> Any:
    """Show background work, the newest first; failed work by itself is one click away."""
    asked = request.args.get("state", "")
    not_understood = asked != "" and asked not in STATE_NAMES
    if not_understood:
        asked = ""
    counts, beat, zone = _counts(), jobs.last_heartbeat(), actor().time_zone
    rows = _list(asked)
    said = jobs.describe(rows)
    return render_template(
        "organisation/jobs.html",
        tabs=[
            {"label": _("All"), "href": url_for("organisation.list_jobs"), "current": not asked},
            *(
                {
                    "label": name,
                    "href": url_for("organisation.list_jobs", state=each),
                    "current": asked == each,
                    "count": counts[each],
                }
                for each, name in STATE_NAMES.items()
            ),
        ],
        jobs=[_row(row, said[row.id]) for row in rows],
        regular=[_regular(each) for each in jobs.list_regular()],
        shown=SHOWN,
        more=len(rows) == SHOWN,
        zone=zone,
        heartbeat=beat,
        worker_is_silent=beat is None or clock.now() - beat > SILENT_AFTER,
        state=asked,
        not_understood=not_understood,
    )


def _counts() -> dict[str, int]:
    counts: dict[str, int] = {state.value: count for state, count in jobs.count_by_state().items()}
    counts[BETWEEN_TRIES] = jobs.count_between_tries()
    counts[JobState.CREATED.value] -= counts[BETWEEN_TRIES]
    return counts


def _list(asked: str) -> list[Job]:
    if asked == BETWEEN_TRIES:
        return jobs.list_jobs(limit=SHOWN, between_tries=True)
    if asked == JobState.CREATED.value:
        return jobs.list_jobs(JobState.CREATED, SHOWN, between_tries=False)
    return jobs.list_jobs(JobState(asked) if asked else None, SHOWN)


@blueprint.post("/jobs/<job>/retry")
@requires(SEE_JOBS, on=get_job)
def retry_job(row: Job) -> Any:
    """Give failed work a new set of tries, or let it have the next one now."""
    return _do(row, jobs.retry, _("The job is being retried."))


@blueprint.post("/jobs/<job>/cancel")
@requires(SEE_JOBS, on=get_job)
def cancel_job(row: Job) -> Any:
    """Stop work before its next step."""
    return _do(row, jobs.cancel, _("The job was cancelled."))


def _do(row: Job, change: Any, done: str) -> Any:
    try:
        with transaction():
            change(row)
    except DomainError as refused:
        flash(str(refused), "error")
    else:
        flash(done, "success")
    return redirect(url_for("organisation.list_jobs", state=request.form.get("state") or None), 303)


def _row(row: Job, said: Description) -> dict[str, Any]:
    state = BETWEEN_TRIES if row.is_between_tries else row.state.value
    tries = jobs.tries_of(row)
    return {
        "code": row.code,
        "what": said.what,
        "whom": said.whom,
        "about": said.about,
        "href": said.href,
        "kind": row.name,
        "state": state,
        "state_name": STATE_NAMES[state],
        "chip": CHIPS[state],
        "created_at": row.created_at,
        "run_after": row.run_after if row.state is JobState.CREATED and row.run_after > clock.now() else None,
        "finished_at": row.finished_at,
        "attempts": row.attempts,
        "tries": tries if tries is not None and row.last_error else None,
        "progress": f"{row.done} / {row.total}" if row.total else "",
        "reason": jobs.explain(row),
        "error": row.last_error or "",
        "can_retry": row.state is JobState.FAILED or row.is_between_tries,
        "can_cancel": row.state in (JobState.CREATED, JobState.RUNNING),
    }


def _regular(each: Regular) -> dict[str, Any]:
    return {
        "what": each.what,
        "minutes": each.minutes,
        "last": each.run.started_at if each.run else None,
        "error": each.run.last_error if each.run else None,
    }
