"""Handing in what a task asks for, and what was handed in."""

from __future__ import annotations

from hashlib import sha256

from flask import render_template, request, url_for
from werkzeug import Response

from portal.core.access import actor, can, requires
from portal.core.errors import DomainError
from portal.core.i18n import gettext as _
from portal.core.i18n import language
from portal.core.once import Done, carry_out
from portal.core.tables import download
from portal.core.web import takes_files
from portal.training import errors, queries
from portal.training.forms import HandInForm
from portal.training.permissions import HAND_IN, SEE_EVIDENCE, StepOfEnrollment
from portal.training.queries import step_results
from portal.training.rules import EVIDENCE_LIMIT, Doer, EvidenceKind, StepState
from portal.training.service import tasks
from portal.training.service.tasks import SentFile
from portal.training.views import blueprint
from portal.training.views.explaining import evidence_told
from portal.training.views.learner import Telling

# Which field is to be mended.
_FIELDS: dict[type[DomainError], str] = {
    errors.EvidenceTooLong: "said",
    errors.LinkRefused: "link",
    errors.FileTooLarge: "file",
    errors.FileEmpty: "file",
    errors.FileKindRefused: "file",
    errors.FileHasMacros: "file",
    errors.FileUnpacksTooLarge: "file",
}


@blueprint.get("/training/<code>/steps/<slug>/evidence")
@requires(SEE_EVIDENCE, on=queries.get_task)
def evidence(thing: StepOfEnrollment) -> str:
    """Show what a task asks for, what was handed in, and what was said about it."""
    return _page(thing, HandInForm(formdata=None))


@blueprint.post("/training/<code>/steps/<slug>/evidence")
@takes_files(tasks.MAX_FILE_BYTES)
@requires(HAND_IN, on=queries.get_task, see=SEE_EVIDENCE)
def hand_in(thing: StepOfEnrollment) -> Response | tuple[str, int]:
    """Hand in evidence for a task."""
    form = HandInForm()
    sent = request.files.get("file")
    file = None
    if sent is not None and sent.filename:
        file = SentFile(sent.filename, sent.stream.read(tasks.MAX_FILE_BYTES + 1))

    def work() -> Done:
        tasks.hand_in(
            enrollment=thing.enrollment,
            step=thing.step,
            by=actor(),
            said=form.said.data or "",
            link=form.link.data or "",
            file=file,
        )
        return Done(
            _("Handed in, and the step is done.")
            if thing.step.by is Doer.LEARNER
            else _("Handed in. It waits to be looked at now."),
            url_for("training.evidence", code=thing.enrollment.code, slug=thing.step.slug),
        )

    if not form.validate():
        return _page(thing, form), 400
    try:
        return carry_out(work, beside=sha256(file.data).hexdigest() if file is not None else "")
    except DomainError as refused:
        name = _FIELDS.get(type(refused))
        if name is None:
            form.form_errors.append(str(refused))
        else:
            form[name].errors = [str(refused)]
        return _page(thing, form), refused.status


@blueprint.get("/training/<code>/steps/<slug>/evidence/<int:number>")
@requires(SEE_EVIDENCE, on=queries.get_task)
def evidence_file(thing: StepOfEnrollment, number: int) -> Response:
    """Send a file that was handed in, to be saved and never shown in the page."""
    row = step_results.get_evidence(thing.enrollment, thing.step, number)
    if row.data is None or row.file_name is None or row.media_type is None:
        raise errors.NoSuchEvidence()
    return download(row.data, row.file_name, row.media_type)


def _page(thing: StepOfEnrollment, form: HandInForm) -> str:
    is_own = can(HAND_IN, thing)
    standing = queries.standing_of(thing.enrollment, own=is_own)
    view = Telling([standing], actor()).of(standing, thing.step)
    state = standing.statuses[thing.step.slug].state
    rows = step_results.list_evidence(thing.enrollment, thing.step)
    return render_template(
        "training/evidence.html",
        form=form,
        step=view,
        code=thing.enrollment.code,
        plan=str(thing.enrollment.version.title),
        learner=thing.enrollment.person.name_in(language()),
        is_own=is_own,
        can_hand_in=is_own and thing.enrollment.is_open and state in (StepState.OPEN, StepState.WAITING),
        is_waiting=state is StepState.WAITING,
        is_locked=state is StepState.LOCKED,
        by_learner=thing.step.by is Doer.LEARNER,
        takes={kind.value for kind in thing.step.evidence},
        kinds=tasks.kinds_in_words(thing.step),
        endings=",".join(tasks.ENDINGS) if EvidenceKind.FILE in thing.step.evidence else "",
        most=tasks.MAX_FILE_MB,
        limit=EVIDENCE_LIMIT,
        evidence=[evidence_told(each, thing) for each in reversed(rows)],
        path_href=url_for("training.path", code=thing.enrollment.code),
    )
