"""Background work: what waits, what failed and why."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import flash, redirect, render_template, request, url_for

from portal.core import clock, jobs
from portal.core.access import actor, requires
from portal.core.errors import DomainError, NotFound
from portal.core.i18n import gettext as _
from portal.core.i18n import lazy_gettext as _l
from portal.core.jobs import Job, JobState
from portal.core.transaction import transaction
from portal.organisation.permissions import SEE_JOBS
from portal.organisation.views import blueprint

STATE_NAMES = {
    JobState.CREATED: _l("Queued"),
    JobState.RUNNING: _l("Running"),
    JobState.DONE: _l("Done"),
    JobState.FAILED: _l("Failed"),
    JobState.CANCELLED: _l("Cancelled"),
}
# The chips of the look that say the same.
CHIPS = {
    JobState.CREATED: "queued",
    JobState.RUNNING: "running",
    JobState.DONE: "done",
    JobState.FAILED: "failed_job",
    JobState.CANCELLED: "exempt",
}
SHOWN = 200
# A worker says that it lives each minute.
SILENT_AFTER = timedelta(minutes=3)


def get_job(job_id: int) -> Job:
    """Return the job. Raises `NotFound`."""
    found = jobs.get_job(job_id) if job_id < 2**63 else None
    if found is None:
        raise NotFound()
    return found


@blueprint.get("/jobs")
@requires(SEE_JOBS)
def list_jobs() -> Any:
    """Show background work, the newest first; failed work by itself is one click away."""
    asked = request.args.get("state", "")
    state = JobState(asked) if asked in set(JobState) else None
    counts, beat, zone = jobs.count_by_state(), jobs.last_heartbeat(), actor().time_zone
    return render_template(
        "organisation/jobs.html",
        tabs=[
            {"label": _("All"), "href": url_for("organisation.list_jobs"), "current": state is None},
            *(
                {
                    "label": name,
                    "href": url_for("organisation.list_jobs", state=each.value),
                    "current": state is each,
                    "count": counts[each],
                }
                for each, name in STATE_NAMES.items()
            ),
        ],
        jobs=[_row(row) for row in jobs.list_jobs(state, SHOWN)],
        shown=SHOWN,
        zone=zone,
        heartbeat=beat,
        worker_is_silent=beat is None or clock.now() - beat > SILENT_AFTER,
        state=asked if state else "",
    )


@blueprint.post("/jobs/<int:job_id>/retry")
@requires(SEE_JOBS, on=get_job)
def retry_job(row: Job) -> Any:
    """Give failed work a new set of tries."""
    return _do(row, jobs.retry, _("The job is tried again."))


@blueprint.post("/jobs/<int:job_id>/cancel")
@requires(SEE_JOBS, on=get_job)
def cancel_job(row: Job) -> Any:
    """Stop work before its next step."""
    return _do(row, jobs.cancel, _("The job is cancelled."))


def _do(row: Job, change: Any, done: str) -> Any:
    try:
        with transaction():
            change(row)
    except DomainError as refused:
        flash(str(refused), "error")
    else:
        flash(done, "success")
    return redirect(url_for("organisation.list_jobs", state=request.form.get("state") or None), 303)


def _row(row: Job) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "state": row.state.value,
        "state_name": STATE_NAMES[row.state],
        "chip": CHIPS[row.state],
        "created_at": row.created_at,
        "run_after": row.run_after if row.state is JobState.CREATED else None,
        "attempts": row.attempts,
        "progress": f"{row.done} / {row.total}" if row.total else "",
        "error": row.last_error or "",
        "can_retry": row.state is JobState.FAILED,
        "can_cancel": row.state in (JobState.CREATED, JobState.RUNNING),
    }
