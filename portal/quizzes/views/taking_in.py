"""Files of questions for a bank: sent, looked at question by question, and taken in."""

from __future__ import annotations

from typing import Any

from flask import flash, jsonify, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from portal.core import jobs, markdown
from portal.core.access import actor, requires
from portal.core.errors import DomainError, NotFound
from portal.core.i18n import Words, force_locale, format_instant, language, ngettext, pgettext
from portal.core.i18n import gettext as _
from portal.core.once import Done, carry_out
from portal.core.paging import paging
from portal.core.transaction import transaction
from portal.core.web import takes_files
from portal.quizzes import limits, queries
from portal.quizzes.errors import FileMissing, FileTooLarge, FileUnknown
from portal.quizzes.formats.interchange import MAX_BYTES, MAX_QUESTIONS, Kind
from portal.quizzes.forms.files import (
    LANGUAGE_WORDS,
    FileForm,
    ReadAgainForm,
    TakeInForm,
    format_words,
    tags_in,
)
from portal.quizzes.models import QuestionBank, QuestionImport, QuestionImportRow, RowVerdict
from portal.quizzes.permissions import WRITE_QUESTIONS
from portal.quizzes.queries import files
from portal.quizzes.queries.files import SHOWN, Wanted
from portal.quizzes.service import paper
from portal.quizzes.service import taking_in as service
from portal.quizzes.types import comparing
from portal.quizzes.types.base import Content, read
from portal.quizzes.types.contents import CHOICES, ESSAY, ORDER, NumberKey, Part
from portal.quizzes.views import blueprint
from portal.quizzes.views.author import type_words
from portal.quizzes.views.told import JOB_LOOKS, with_quotes

ROWS = 50
# So many of the files that were sent for a bank are listed.
LISTED = 20
# So many kinds of loss are listed above the questions.
MOST_LOSSES = 12
_CHIPS = {RowVerdict.TAKEN: "done", RowVerdict.WITH_LOSS: "warning", RowVerdict.REFUSED: "danger"}


# --- sending a file ----------------------------------------------------------------------------


@blueprint.get("/take-in/<slug>")
@requires(WRITE_QUESTIONS, on=queries.get_bank)
def choose_file(bank: QuestionBank) -> Response:
    """Ask for a file of questions."""
    return _file_page(bank, FileForm(formdata=None, data={"language": language()}))


@blueprint.post("/take-in/<slug>")
@takes_files(MAX_BYTES)
@requires(WRITE_QUESTIONS, on=queries.get_bank)
def send_file(bank: QuestionBank) -> Response:
    """Keep the file and have it read."""
    form = FileForm()
    tags = tags_in(form.tags.data or "")
    try:
        limits.files.take(actor().code)
        if not form.validate():
            return _file_page(bank, form, status=400)
        if tags is None or len(tags) > service.MAX_TAGS:
            form.tags.errors = [
                _("Write at most %(most)s tags, each one word of at most 40 characters.", most=service.MAX_TAGS)
            ]
            return _file_page(bank, form, status=400)
        upload = form.file.data
        data, filename = (upload.read(MAX_BYTES + 1), upload.filename or "") if upload else (b"", "")
        if upload:
            # A large one lies in a file of its own until then.
            upload.close()
        if not data.strip():
            raise FileMissing()
        if len(data) > MAX_BYTES:
            raise FileTooLarge(megabytes=MAX_BYTES // 1024 // 1024)
        name = form.format.data or service.guess_format(data, filename)
        if name is None:
            raise FileUnknown()
    except DomainError as refused:
        form.file.errors = [str(refused)]
        return _file_page(bank, form, status=refused.status)
    with transaction():
        kept = service.keep_file(
            bank=bank,
            data=data,
            filename=markdown.visible(filename),
            name=name,
            language=form.language.data,
            tags=tags,
            tags_categories=bool(form.tags_categories.data),
            by=actor(),
        )
    return redirect(url_for("quizzes.look_at_file", code=kept.code), 303)


def _file_page(bank: QuestionBank, form: FileForm, status: int = 200) -> Response:
    page = render_template(
        "quizzes/take_in.html",
        form=form,
        bank_title=str(bank.title),
        bank_href=url_for("quizzes.bank", slug=bank.slug),
        slug=bank.slug,
        megabytes=MAX_BYTES // 1024 // 1024,
        questions=f"{MAX_QUESTIONS:,}",
        files=_recent(bank),
    )
    return make_response(page, status)


def _recent(bank: QuestionBank) -> list[dict[str, Any]]:
    """Return the files that were sent for a bank in the last days, with how far each is."""
    rows, here, zone = files.list_imports(bank, LISTED), language(), actor().time_zone
    readings = jobs.find_jobs([service.reading_key(row) for row in rows if row.read_at is None])
    listed = []
    for row in rows:
        if row.taken_at is not None:
            chip, said = "done", _taken_words(row.taken or 0, row.completed or 0)
        elif row.read_at is not None:
            chip, said = "waiting", _("waits for somebody to look at it")
        else:
            reading = readings.get(service.reading_key(row))
            chip = JOB_LOOKS[reading.state] if reading is not None else "failed_job"
            said = _("could not be read") if chip == "failed_job" else _("is being read")
        listed.append(
            {
                "title": row.filename or _("A file without a name"),
                "href": url_for("quizzes.look_at_file", code=row.code),
                "format": format_words(row.format),
                "language": LANGUAGE_WORDS[row.language],
                "at": format_instant(row.created_at, zone, show_zone=False),
                "by": row.created_by.name_in(here),
                "chip": chip,
                "said": said,
            }
        )
    return listed


def _taken_words(count: int, completed: int) -> str:
    drafts = ngettext("%(num)d question taken in", "%(num)d questions taken in", count - completed)
    given = ngettext("%(num)d question got its other language", "%(num)d questions got their other language", completed)
    said = [drafts] if count > completed or not completed else []
    return pgettext("list", ", ").join([*said, *([given] if completed else [])])


# --- looking at it -----------------------------------------------------------------------------


@blueprint.get("/imports/<code>")
@requires(WRITE_QUESTIONS, on=files.get_import)
def look_at_file(kept: QuestionImport) -> Response:
    """Show what becomes of each question of a file, or how far its reading is."""
    return _preview_page(kept)


@blueprint.get("/imports/<code>/progress")
@requires(WRITE_QUESTIONS, on=files.get_import)
def file_progress(kept: QuestionImport) -> Response:
    """Say how far the reading of a file is."""
    work = _taking(kept) or _work(kept)
    return jsonify({"done": work["done"], "total": work["total"], "state": work["state"]})


@blueprint.post("/imports/<code>")
@requires(WRITE_QUESTIONS, on=files.get_import)
def take_in_file(kept: QuestionImport) -> Response:
    """Take the questions of a file in, all or none."""
    form = TakeInForm()

    def later() -> Done:
        service.owe_taking(kept=kept, twins=bool(form.twins.data), by=actor())
        return Done(_("The questions are being taken in."), url_for("quizzes.look_at_file", code=kept.code))

    def work() -> Done:
        count = service.take_in(kept=kept, twins=bool(form.twins.data), by=actor())
        return Done(_done_words(count, kept.completed or 0), url_for("quizzes.bank", slug=kept.bank.slug))

    try:
        if kept.taken_at is None and files.count_rows(kept).all > service.IN_REQUEST:
            return carry_out(later)
        # What takes time is done before anybody has to wait for it.
        with markdown.remembering():
            service.look_through(kept)
            return carry_out(work)
    except DomainError as refused:
        return _preview_page(kept, problem=str(refused), status=refused.status)


def _done_words(count: int, completed: int) -> str:
    """Say how many of so many questions came in as drafts, and how many gave one that was there its other language."""
    drafts = ngettext(
        "%(num)d question was taken in as a draft.", "%(num)d questions were taken in as drafts.", count - completed
    )
    given = ngettext(
        "%(num)d question got its other language.", "%(num)d questions got their other language.", completed
    )
    if completed and completed < count:
        return _("%(drafts)s %(given)s", drafts=drafts, given=given)
    return given if completed else drafts


@blueprint.post("/imports/<code>/read-again")
@requires(WRITE_QUESTIONS, on=files.get_import)
def read_file_again(kept: QuestionImport) -> Response:
    """Read the file as one of another format, encoding or language."""
    form = ReadAgainForm()
    if not form.validate():
        return _preview_page(kept, problem=_("Choose a format, an encoding and a language from the lists."), status=400)
    limits.files.take(actor().code)
    with transaction():
        service.read_again(
            kept=kept,
            name=form.format.data,
            encoding=form.encoding.data or "",
            language=form.language.data,
            tags_categories=bool(form.tags_categories.data),
            by=actor(),
        )
    return redirect(url_for("quizzes.look_at_file", code=kept.code), 303)


@blueprint.post("/imports/<code>/leave-out")
@requires(WRITE_QUESTIONS, on=files.get_import)
def leave_out_of_file(kept: QuestionImport) -> Response:
    """Leave the chosen questions out, or put them back."""
    places = {int(each) for each in request.form.getlist("place") if _is_place(each)}
    is_left_out = request.form.get("what") != "back"
    with transaction():
        number = service.leave_out(kept=kept, places=places, is_left_out=is_left_out)
    if is_left_out:
        said = ngettext("%(num)d question is left out.", "%(num)d questions are left out.", number)
    else:
        said = ngettext("%(num)d question is to come in again.", "%(num)d questions are to come in again.", number)
    flash(said if number else _("No question was chosen."), "success" if number else "info")
    asked: dict[str, Any] = {name: request.form[name] for name in ("show", "q", "page") if request.form.get(name)}
    return redirect(url_for("quizzes.look_at_file", code=kept.code, **asked), 303)


@blueprint.get("/imports/<code>/<place>")
@requires(WRITE_QUESTIONS, on=files.get_import)
def look_at_question(kept: QuestionImport, place: str) -> str:
    """Show a question of a file as a learner would see it, with what is right and what it loses."""
    row = files.find_row(kept, int(place)) if _is_place(place) else None
    if row is None:
        raise NotFound()
    before, after = files.neighbours_of(row)
    content = read(row.content) if row.content else None
    return render_template(
        "quizzes/import_question.html",
        title=_title(row),
        **_crumbs(kept),
        code=kept.code,
        row=_row(kept, row),
        is_open=kept.taken_at is None,
        before=url_for("quizzes.look_at_question", code=kept.code, place=before) if before else None,
        after=url_for("quizzes.look_at_question", code=kept.code, place=after) if after else None,
        item=_item(content, kept.language) if content else None,
        facts=_facts(content) if content else [],
        answers=_all_answers(content, kept.language) if content else [],
        rationale=_text(content.rationale, kept.language) if content else None,
        text_language=kept.language,
    )


def _item(content: Content, text_language: str) -> dict[str, Any]:
    with force_locale(text_language):
        return paper.question_form(content, {}, [], language=text_language, prefix="q1", answer={})


def _is_place(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 7


def _preview_page(kept: QuestionImport, problem: str = "", status: int = 200) -> Response:
    work = _work(kept)
    counts = files.count_rows(kept)
    wanted = Wanted(request.args.get("show", ""), request.args.get("q", "").strip()[:200])
    found = paging(files.count_shown(kept, wanted), ROWS)
    here = language()

    def address(**values: Any) -> str:
        asked = {"show": wanted.show, "q": wanted.text, **values}
        return url_for(
            "quizzes.look_at_file", code=kept.code, **{name: value for name, value in asked.items() if value}
        )

    tabs = [("", _("All"), counts.all)] + [
        (name, words, getattr(counts, name))
        for name, words in (
            ("taken", _("Without loss")),
            ("with_loss", _("With loss")),
            ("refused", pgettext("question", "Refused")),
            ("twins", _("Duplicate")),
            ("completes", _("Gives the other language")),
            ("clashes", _("Id in use")),
            ("left_out", _("Left out")),
        )
    ]
    page = render_template(
        "quizzes/import.html",
        **_crumbs(kept),
        code=kept.code,
        problem=problem,
        is_read=kept.read_at is not None,
        work=work,
        taking=_taking(kept),
        counts=counts,
        format=format_words(kept.format),
        text_language=LANGUAGE_WORDS[kept.language],
        until=format_instant(kept.created_at + service.KEPT, actor().time_zone),
        taken=_done_words(kept.taken or 0, kept.completed)
        if kept.completed
        else ngettext(
            "%(num)d question of this file was taken in.",
            "%(num)d questions of this file were taken in.",
            kept.taken or 0,
        ),
        clashes_href=address(show="clashes", page=None),
        is_open=kept.taken_at is None,
        can_choose=kept.taken_at is None and bool(counts.read),
        again=ReadAgainForm(
            formdata=None,
            data={
                "format": kept.format,
                "encoding": kept.encoding or "",
                "language": kept.language,
                "tags_categories": kept.tags_categories,
            },
        ),
        form=TakeInForm(formdata=None),
        losses=[
            {"what": ja if here == "ja" else en, "count": number}
            for en, ja, number in kept.losses[:MOST_LOSSES]
            if number
        ],
        remarks=[ja if here == "ja" else en for en, ja, number in kept.losses if not number],
        tabs=[
            {"label": words, "count": count, "href": address(show=name, page=None), "current": wanted.show == name}
            for name, words, count in tabs
            if count or name in ("", wanted.show)
        ],
        show=wanted.show if wanted.show in SHOWN else "",
        q=wanted.text,
        page=found.number,
        rows=[_row(kept, row) for row in files.list_shown(kept, wanted, offset=found.offset, limit=ROWS)],
        pager=found.links(lambda number: address(page=number)) if found.total else None,
    )
    return make_response(page, status)


def _crumbs(kept: QuestionImport) -> dict[str, Any]:
    return {
        "bank_title": str(kept.bank.title),
        "bank_href": url_for("quizzes.bank", slug=kept.bank.slug),
        "take_in_href": url_for("quizzes.choose_file", slug=kept.bank.slug),
        "import_href": url_for("quizzes.look_at_file", code=kept.code),
        "filename": kept.filename or _("A file without a name"),
    }


def _taking(kept: QuestionImport) -> dict[str, Any] | None:
    """Return how far the taking in of many questions is, until they are in the bank; None where it is not wanted."""
    row = service.find_taking(kept) if kept.taken_at is None and kept.read_at is not None else None
    if row is None:
        return None
    # What was cancelled can be wished for again as if it had never been.
    if row.state is jobs.JobState.CANCELLED:
        return None
    return {
        "state": JOB_LOOKS[row.state],
        "done": row.done,
        "total": row.total,
        "is_going_on": row.state in (jobs.JobState.CREATED, jobs.JobState.RUNNING),
        "problem": jobs.explain(row) if row.state is jobs.JobState.FAILED else None,
    }


def _work(kept: QuestionImport) -> dict[str, Any]:
    if kept.read_at is not None:
        return {"state": "done", "done": 1, "total": 1}
    work = jobs.find_job(service.reading_key(kept))
    if work is None:
        return {"state": "failed_job", "done": 0, "total": 1}
    return {"state": JOB_LOOKS[work.state], "done": work.done, "total": work.total}


def _row(kept: QuestionImport, row: QuestionImportRow) -> dict[str, Any]:
    here = language()
    return {
        "place": row.place,
        "line": row.line,
        "title": _title(row),
        "title_language": kept.language if row.title else language(),
        "href": url_for("quizzes.look_at_question", code=kept.code, place=row.place),
        "type": _("Text only") if row.type == Kind.DESCRIPTION else type_words(row.type) if row.type else "",
        "is_refused": row.verdict is RowVerdict.REFUSED,
        "is_left_out": row.is_left_out,
        "chip": _CHIPS[row.verdict],
        "verdict": verdict_words(row.verdict),
        "reasons": [with_quotes(ja if here == "ja" else en, kept.language) for en, ja in row.reasons],
        "twin": _twin(kept, row),
        "completes": {
            "words": _(
                "gives %(address)s its text in: %(language)s",
                address=f"{kept.bank.slug}/{row.completes}",
                language=LANGUAGE_WORDS[kept.language],
            ),
            "href": url_for("quizzes.question", slug=kept.bank.slug, question=row.completes),
        }
        if row.completes
        else None,
        "clash": _clash(kept, row),
    }


def _clash(kept: QuestionImport, row: QuestionImportRow) -> dict[str, Any] | None:
    """Say whose id a question would like to have, in what they differ, and what becomes of it."""
    if row.clash_line is not None:
        said = _(
            "Its id is that of the question on line %(line)s of the file. It becomes a question with another id.",
            line=row.clash_line,
        )
        return {"words": said, "href": None}
    if row.clash is None:
        return None
    address = f"{kept.bank.slug}/{row.slug}"
    if not row.clash:
        said = _(
            "Its id was that of %(address)s, which is not in the bank any more. It becomes a question with another id.",
            address=address,
        )
        return {"words": said, "href": None}
    differs = pgettext("list", ", ").join(ja if language() == "ja" else en for en, ja in row.clash)
    if row.twin == row.slug:
        said = _(
            "It asks the same as %(address)s, which has its id, and differs in: %(differs)s. It changes nothing there.",
            address=address,
            differs=differs,
        )
    else:
        said = _(
            "%(address)s has its id, and differs in: %(differs)s. That one stays as it is; "
            "this one becomes a new question with another id.",
            address=address,
            differs=differs,
        )
    return {"words": said, "href": url_for("quizzes.question", slug=kept.bank.slug, question=row.slug)}


def _title(row: QuestionImportRow) -> str:
    if row.title or row.line:
        return row.title or _("Line %(line)s", line=row.line)
    return _("The file as a whole")


def _twin(kept: QuestionImport, row: QuestionImportRow) -> dict[str, Any] | None:
    if not row.twin:
        return None
    if row.twin.startswith("line "):
        return {"words": _("the same as on line %(line)s of the file", line=row.twin[5:]), "href": None}
    return {
        "words": _("the same as %(address)s", address=f"{kept.bank.slug}/{row.twin}"),
        "href": url_for("quizzes.question", slug=kept.bank.slug, question=row.twin),
    }


def verdict_words(verdict: RowVerdict) -> str:
    """Say what becomes of a question."""
    return {
        RowVerdict.TAKEN: _("Without loss"),
        RowVerdict.WITH_LOSS: _("With loss"),
        RowVerdict.REFUSED: pgettext("question", "Refused"),
    }[verdict]


def _facts(content: Content) -> list[tuple[str, str | None]]:
    return [
        (_("Type"), type_words(content.type)),
        (_("Points"), str(content.max_points)),
        (_("Tags"), _(", ").join(content.tags) or None),
    ]


def _text(words: Words | None, text_language: str) -> Any:
    return markdown.render(words.in_(text_language), language=text_language) if words else None


def _all_answers(content: Content, text_language: str) -> list[dict[str, Any]]:
    # What stands beside the texts stands among them, in their language.
    with force_locale(text_language):
        return [_answers(part, text_language) for part in content.parts]


def _answers(part: Part, text_language: str) -> dict[str, Any]:
    """Return what is right of a part, line by line, with what is said to who answers so."""

    def told(words: Words) -> Any:
        return markdown.render_inline(words.in_(text_language), language=text_language)

    lines: list[dict[str, Any]] = []
    if part.kind in (CHOICES, ORDER):
        lines = [
            {
                "text": told(choice.text),
                "right": choice.right,
                "note": None,
                "rationale": _text(choice.rationale, text_language),
            }
            for choice in part.choices
        ]
    elif part.kind == ESSAY:
        lines = [
            {
                "text": told(each.text),
                "right": False,
                "note": ngettext("%(num)s point", "%(num)s points", each.points),
                "rationale": None,
            }
            for each in part.criteria
        ]
    for key in part.keys:
        text = (
            f"{key.value} ± {key.tolerance}".removesuffix(" ± ")
            if isinstance(key, NumberKey)
            else comparing.shown(key.text.in_(text_language))
        )
        lines.append(
            {
                "text": text,
                "right": key.share == 1,
                "note": None if key.share == 1 else f"{float(key.share * 100):g} %",
                "rationale": _text(key.feedback, text_language),
            }
        )
    return {
        "heading": told(part.heading) if part.heading else None,
        "is_ordered": part.kind == ORDER,
        "lines": lines,
        "units": _(", ").join(unit.symbol for unit in part.units),
        "rationale": _text(part.rationale, text_language),
    }
