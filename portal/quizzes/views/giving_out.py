"""Files of a bank's questions for other systems: asked for, shown with what they cannot hold, and saved."""

from __future__ import annotations

from collections import Counter
from typing import Any

from flask import make_response, render_template, url_for
from werkzeug.wrappers import Response
from wtforms import SelectChoice  # type: ignore[attr-defined]

from portal.core import jobs, tables
from portal.core.access import actor, requires
from portal.core.errors import NotFound
from portal.core.i18n import format_instant, language, ngettext
from portal.core.i18n import gettext as _
from portal.core.once import Done, carry_out
from portal.core.paging import paging
from portal.quizzes import limits, queries
from portal.quizzes.formats import foreign
from portal.quizzes.forms.files import LANGUAGE_WORDS, WishForm, format_words
from portal.quizzes.models import QuestionBank, QuestionExport, QuestionState
from portal.quizzes.permissions import SEE_BANKS
from portal.quizzes.queries import files
from portal.quizzes.service import giving_out as service
from portal.quizzes.service.taking_in import KEPT
from portal.quizzes.types import type_names
from portal.quizzes.views import blueprint
from portal.quizzes.views.author import state_words, type_words
from portal.quizzes.views.told import JOB_LOOKS, with_quotes

ROWS = 100
# So many of the files that were asked for are listed.
LISTED = 20
# So many kinds of loss are counted above the questions.
MOST_KINDS = 20


@blueprint.get("/give-out/<slug>")
@requires(SEE_BANKS, on=queries.get_bank)
def choose_format(bank: QuestionBank) -> Response:
    """Ask for format and language, and which questions."""
    return _wish_page(bank, _form(bank, formdata=None, data={"language": language()}))


@blueprint.post("/give-out/<slug>")
@requires(SEE_BANKS, on=queries.get_bank)
def ask_for_file(bank: QuestionBank) -> Response:
    """Make the file, or have it made."""
    form = _form(bank)
    if not form.validate():
        return _wish_page(bank, form, status=400)
    limits.files.take(actor().code)
    wanted = service.wished(form.state.data, form.type.data, form.tag.data)

    def work() -> Done:
        made = service.ask_for_file(
            bank=bank, name=form.format.data, language=form.language.data, wanted=wanted, by=actor()
        )
        said = _("The file is ready.") if made.made_at else _("The file is being made.")
        return Done(said, url_for("quizzes.look_at_export", code=made.code))

    return carry_out(work)


@blueprint.get("/exports/<code>")
@requires(SEE_BANKS, on=files.get_export)
def look_at_export(made: QuestionExport) -> str:
    """Show what a file does not hold, before it is saved."""
    here = language()
    kinds: Counter[str] = Counter()
    questions: dict[str, dict[str, Any]] = {}
    for slug, title, en, ja, is_left_out, *kind in made.losses:
        what = ja if here == "ja" else en
        if not is_left_out:
            kinds[kind[here == "ja"] if kind else what] += 1
        row = questions.setdefault(slug, {"slug": slug, "title": title, "whats": [], "is_left_out": is_left_out})
        row["whats"].append(with_quotes(what, made.language))
    rows = list(questions.values())
    found = paging(len(rows), ROWS)
    return render_template(
        "quizzes/export.html",
        bank_title=str(made.bank.title),
        bank_href=url_for("quizzes.bank", slug=made.bank.slug),
        give_out_href=url_for("quizzes.choose_format", slug=made.bank.slug),
        code=made.code,
        is_made=made.made_at is not None,
        work=_work(made),
        format=format_words(made.format),
        text_language=LANGUAGE_WORDS[made.language],
        filename=service.filename_of(made),
        asked=made.asked,
        written=made.written,
        left_out=sum(row["is_left_out"] for row in rows),
        kinds=kinds.most_common(MOST_KINDS),
        rows=[
            row
            | {
                "address": f"{made.bank.slug}/{row['slug']}",
                "href": url_for("quizzes.question", slug=made.bank.slug, question=row["slug"]),
            }
            for row in rows[found.offset : found.offset + ROWS]
        ],
        pager=found.links(lambda number: url_for("quizzes.look_at_export", code=made.code, page=number))
        if rows
        else None,
        until=format_instant(made.created_at + KEPT, actor().time_zone),
        wanted=_wanted_words(made),
    )


@blueprint.get("/exports/<code>/progress")
@requires(SEE_BANKS, on=files.get_export)
def export_progress(made: QuestionExport) -> dict[str, Any]:
    """Say how far the file is."""
    return _work(made)


@blueprint.get("/exports/<code>/file")
@requires(SEE_BANKS, on=files.get_export)
def save_export(made: QuestionExport) -> Response:
    """Send the file."""
    if made.made_at is None:
        raise NotFound()
    found = foreign.format_named(made.format)
    return tables.download(files.read_export_data(made), service.filename_of(made), found.content_type)


def _form(bank: QuestionBank, **values: Any) -> WishForm:
    tags = sorted({tag for _question, version in queries.list_latest(bank) for tag in version.content["tags"]})
    everything = [SelectChoice("", _("All"))]
    return WishForm(
        states=[*everything, *(SelectChoice(state.value, state_words(state)) for state in QuestionState)],
        types=[*everything, *(SelectChoice(name, type_words(name)) for name in type_names())],
        tags=[*everything, *(SelectChoice(tag, tag, render_kw={"translate": "no"}) for tag in tags)],
        **values,
    )


def _wish_page(bank: QuestionBank, form: WishForm, status: int = 200) -> Response:
    page = render_template(
        "quizzes/give_out.html",
        form=form,
        bank_title=str(bank.title),
        bank_href=url_for("quizzes.bank", slug=bank.slug),
        slug=bank.slug,
        files=_recent(bank),
    )
    return make_response(page, status)


def _recent(bank: QuestionBank) -> list[dict[str, Any]]:
    """Return the files of a bank that were asked for in the last days, with how far each is."""
    rows, here, zone = files.list_exports(bank, LISTED), language(), actor().time_zone
    writings = jobs.find_jobs([service.writing_key(row) for row in rows if row.made_at is None])
    listed = []
    for row in rows:
        if row.made_at is not None:
            chip, said = "done", ngettext("ready: %(num)d question", "ready: %(num)d questions", row.written)
        else:
            writing = writings.get(service.writing_key(row))
            chip = JOB_LOOKS[writing.state] if writing is not None else "failed_job"
            said = _("could not be made") if chip == "failed_job" else _("is being made")
        listed.append(
            {
                "title": service.filename_of(row),
                "href": url_for("quizzes.look_at_export", code=row.code),
                "format": format_words(row.format),
                "language": LANGUAGE_WORDS[row.language],
                "at": format_instant(row.created_at, zone, show_zone=False),
                "by": row.created_by.name_in(here),
                "chip": chip,
                "said": said,
            }
        )
    return listed


def _work(made: QuestionExport) -> dict[str, Any]:
    if made.made_at is not None:
        return {"state": "done", "done": 1, "total": 1}
    work = jobs.find_job(service.writing_key(made))
    if work is None:
        return {"state": "failed_job", "done": 0, "total": 1}
    return {"state": JOB_LOOKS[work.state], "done": work.done, "total": work.total}


def _wanted_words(made: QuestionExport) -> list[tuple[str, str]]:
    wanted = made.wanted
    return [
        (_("State"), state_words(QuestionState(wanted["state"])) if "state" in wanted else ""),
        (_("Type"), type_words(wanted["type"]) if "type" in wanted else ""),
        (_("Tag"), wanted.get("tag", "")),
    ]
