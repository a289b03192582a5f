"""Notes on a learner: hers to read as far as they are meant for her, all of them for those who supervise her."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import redirect, render_template, request, url_for
from werkzeug import Response

from portal.core.access import actor, allows, requires
from portal.core.errors import DomainError
from portal.core.i18n import format_date, format_instant, language
from portal.core.i18n import gettext as _
from portal.core.once import Done, carry_out
from portal.mentoring.forms import SHOWN, CorrectionForm, NoteForm
from portal.mentoring.models import LearnerNote, OneToOne
from portal.mentoring.permissions import CHANGE_NOTE, READ_NOTES, SUPERVISE
from portal.mentoring.queries.notes import Note, get_note, is_shown, list_notes, list_one_to_ones, wording_in_force
from portal.mentoring.rules import NOTE_LIMIT
from portal.mentoring.service import notes as service
from portal.mentoring.views import blueprint
from portal.training.models import Enrollment
from portal.training.queries import get_enrollment


@blueprint.get("/training/<code>/notes")
@requires(READ_NOTES, on=get_enrollment)
def notes(enrollment: Enrollment) -> str:
    """Show the notes on a training, the newest first, and the talks that were held."""
    page = _page(enrollment, NoteForm())
    if enrollment.person_id == actor().id:
        service.note_opened(enrollment)
    return page


@blueprint.post("/training/<code>/notes")
@requires(SUPERVISE, on=get_enrollment)
def write_note(enrollment: Enrollment) -> Response | tuple[str, int]:
    """Keep a note."""
    form, status = NoteForm(), 400
    if form.validate():

        def work() -> Done:
            service.write_note(
                enrollment=enrollment, text=form.text.data or "", is_shown=form.readers.data == SHOWN, by=actor()
            )
            return Done(_("The note has been kept."), url_for("mentoring.notes", code=enrollment.code))

        try:
            return carry_out(work)
        except DomainError as refused:
            form.text.errors, status = [str(refused)], refused.status
    return _page(enrollment, form), status


@blueprint.route("/notes/<code>", methods=["GET", "POST"])
@requires(CHANGE_NOTE, on=get_note)
def change_note(note: LearnerNote) -> Response | tuple[str, int]:
    """Correct a note, show it to the learner, or take it back; what was corrected leads to its wording now."""
    form, status = CorrectionForm(), 200
    if request.method == "GET":
        here = wording_in_force(note)
        if here.taken_back is not None:
            return redirect(_back(note), 303)
        if here.latest.id != note.id:
            return redirect(url_for("mentoring.change_note", code=here.latest.code), 303)
        form.text.data = note.text
    else:
        status, act = 400, request.form.get("act", "")
        works = {"correct": _correct, "show": _show, "take_back": _take_back}
        if act not in works:
            form.form_errors.append(_("Press one of the buttons. Nothing has been stored yet."))
        elif act != "correct" or form.validate():
            try:
                return carry_out(lambda: works[act](note, form))
            except DomainError as refused:
                status = refused.status
                if act == "correct":
                    form.text.errors = [str(refused)]
                else:
                    form.form_errors.append(str(refused))
                    form.text.data = note.text
    page = render_template(
        "mentoring/note.html",
        form=form,
        note=note_told(Note(note), note.enrollment, days_told(list_one_to_ones(note.enrollment_id))),
        is_shown=is_shown(note),
        limit=NOTE_LIMIT,
        **whose(note.enrollment),
    )
    return page, status


def _correct(note: LearnerNote, form: CorrectionForm) -> Done:
    service.correct_note(note=note, text=form.text.data or "", by=actor())
    return Done(_("The note has been corrected; the earlier wording is kept below it."), _back(note))


def _show(note: LearnerNote, form: CorrectionForm) -> Done:
    service.show_note(note=note, by=actor())
    return Done(_("The learner can read the note now."), _back(note))


def _take_back(note: LearnerNote, form: CorrectionForm) -> Done:
    service.take_back_note(note=note, by=actor())
    return Done(_("The note has been taken back; that it was written can still be seen."), _back(note))


def _back(note: LearnerNote) -> str:
    return url_for("mentoring.notes", code=note.enrollment.code)


def _page(enrollment: Enrollment, form: NoteForm) -> str:
    supervises, talks = allows(actor(), SUPERVISE, enrollment), list_one_to_ones(enrollment.id)
    days = days_told(talks)
    return render_template(
        "mentoring/notes.html",
        form=form,
        supervises=supervises,
        notes=[note_told(each, enrollment, days) for each in list_notes(enrollment.id, shown_only=not supervises)],
        talks=talks_told(enrollment, talks),
        limit=NOTE_LIMIT,
        **whose(enrollment),
    )


def whose(enrollment: Enrollment) -> dict[str, Any]:
    """Return whose training a page is about, and where its parts are."""
    return {
        "learner": enrollment.person.name_in(language()),
        "plan": str(enrollment.version.title),
        "code": enrollment.code,
        "path_href": url_for("training.path", code=enrollment.code),
        "is_own": enrollment.person_id == actor().id,
    }


def talks_told(enrollment: Enrollment, talks: Sequence[OneToOne]) -> list[dict[str, Any]]:
    """Return the talks of a training: on which day and with whom, and of what was taken back by whom and why."""
    zone, here = enrollment.market.time_zone, language()
    return [
        {
            "on": format_date(each.held_on),
            "iso": each.held_on.isoformat(),
            "by": each.by.name_in(here),
            "taken_back": _(
                "Taken back by %(name)s on %(when)s.",
                name=back.by.name_in(here),
                when=format_instant(back.at, zone, show_zone=False),
            )
            if back is not None
            else "",
            "reason": back.reason if back is not None else "",
            "href": url_for("mentoring.take_back_talk", code=enrollment.code, day=each.held_on.isoformat())
            if back is None and each.by_id == actor().id and allows(actor(), SUPERVISE, enrollment)
            else None,
        }
        for each in talks
        for back in (each.taken_back,)
    ]


def days_told(talks: Sequence[OneToOne]) -> dict[int, str]:
    """Return talk's row number → the day on which it was held after all; "" where it was taken back for good."""
    replaced = {each.replaces_id: each for each in talks if each.replaces_id is not None}
    told = {}
    for each in talks:
        last = each
        while last.id in replaced:
            last = replaced[last.id]
        told[each.id] = format_date(last.held_on) if last.taken_back is None else ""
    return told


def note_told(note: Note, enrollment: Enrollment, days: Mapping[int, str]) -> dict[str, Any]:
    """Return a note as a page shows it: what it says, who can read it, and what became of it.

    `days` are those of the talks, by `days_told`.
    """
    zone, here, row = enrollment.market.time_zone, language(), note.latest
    shown, back = note.shown_later, note.taken_back

    def when(at: Any) -> str:
        return format_instant(at, zone, show_zone=False)

    return {
        "text": row.text,
        "by": row.by.name_in(here),
        "when": when(row.at),
        "iso": row.at.isoformat(),
        "talk": days.get(row.one_to_one_id, "") if row.one_to_one_id is not None else "",
        "is_of_no_talk": row.one_to_one_id is not None and not days.get(row.one_to_one_id),
        "is_shown": note.is_shown,
        "shown": _("Shown to the learner on %(when)s.", when=when(shown.at)) if shown else "",
        "taken_back": _("Taken back by %(name)s on %(when)s.", name=back.by.name_in(here), when=when(back.at))
        if back
        else "",
        "earlier": [{"text": each.text, "when": when(each.at)} for each in reversed(note.earlier)],
        "href": url_for("mentoring.change_note", code=row.code)
        if back is None and allows(actor(), CHANGE_NOTE, row)
        else None,
    }
