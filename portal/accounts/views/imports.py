"""People in and out as tables."""

from __future__ import annotations

from typing import Any

from flask import make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from portal.accounts import queries
from portal.accounts.forms import ConfirmImportForm, ImportForm
from portal.accounts.models import PeopleImport
from portal.accounts.permissions import ADMINISTER_PEOPLE, SEE_PEOPLE
from portal.accounts.service import imports
from portal.accounts.service.imports import COLUMNS, NEEDED_COLUMNS, Verdict
from portal.accounts.views import blueprint
from portal.accounts.views.people import filter_of_request
from portal.core import tables
from portal.core.access import actor, requires
from portal.core.errors import DomainError
from portal.core.i18n import gettext as _
from portal.core.once import Done, carry_out
from portal.core.transaction import transaction
from portal.organisation import queries as organisation

# The field of the button that reads another sheet of the workbook.
SHEET = "sheet"
# A preview of thousands of rows shows those that need a look, and the first of the others.
SHOWN = 200


@blueprint.get("/people/export.csv")
@requires(SEE_PEOPLE)
def export_csv() -> Any:
    """Send the list, as filtered, as CSV; where Shift_JIS loses characters, tell which first."""
    header, rows, asked = _exported()
    if request.args.get("encoding") != "cp932":
        return tables.download_csv(_("people"), header, rows)
    lost = tables.list_lost(header, rows)
    if lost and "anyway" not in request.args:
        return render_template("accounts/export_lost.html", lost=lost[:SHOWN], total=len(lost), asked=asked)
    return tables.download_csv(_("people"), header, rows, encoding="cp932")


@blueprint.get("/people/export.xlsx")
@requires(SEE_PEOPLE)
def export_xlsx() -> Any:
    """Send the list, as filtered, as a workbook."""
    header, rows, _asked = _exported()
    return tables.download_xlsx(_("people"), header, rows, sheet=_("people"))


@blueprint.get("/people/import/headings.xlsx")
@requires(ADMINISTER_PEOPLE)
def import_headings() -> Any:
    """Send an empty workbook with the headings."""
    return tables.download_xlsx(_("people"), list(COLUMNS.values()), [], sheet=_("people"))


def _exported() -> tuple[list[object], list[list[object]], dict[str, Any]]:
    wanted, asked = filter_of_request()
    people = queries.list_people(wanted, limit=None)
    return list(COLUMNS.values()), imports.exported_rows(people), asked


@blueprint.get("/people/import")
@requires(ADMINISTER_PEOPLE)
def import_people() -> Any:
    """Ask for the table."""
    return _import_page(ImportForm())


@blueprint.post("/people/import")
@requires(ADMINISTER_PEOPLE)
def read_people() -> Any:
    """Read the table and keep it for the preview."""
    form = ImportForm()
    if not form.validate():
        return _import_page(form, status=400)
    upload = form.file.data
    data, filename = (upload.read(), upload.filename or "") if upload else (b"", "")
    pasted = form.text.data or ""
    if data and pasted:
        form.text.errors = [
            _("There is both a file and pasted rows. Send only one of them; nothing has been read yet.")
        ]
        return _import_page(form, status=400)
    try:
        sheets = tables.read_sheets(data, filename) if data else [tables.ReadSheet("", tables.read_typed(pasted))]
        with transaction():
            kept = imports.keep_sheets(sheets=sheets, filename=filename, by=actor())
    except tables.TableUnreadable as refused:
        form.form_errors.append(str(refused))
        return _import_page(form, status=refused.status)
    return redirect(url_for("accounts.preview_import", code=kept.code), 303)


@blueprint.get("/people/import/<code>")
@requires(ADMINISTER_PEOPLE, on=queries.get_import)
def preview_import(kept: PeopleImport) -> Any:
    """Show what would happen, row by row."""
    return _preview_page(kept)


@blueprint.post("/people/import/<code>")
@requires(ADMINISTER_PEOPLE, on=queries.get_import)
def do_import(kept: PeopleImport) -> Any:
    """Add everybody of the preview, or nobody; or show another sheet of the same workbook first."""
    form = ConfirmImportForm()

    def work() -> Done:
        if SHEET in request.form:
            imports.choose_sheet(kept=kept, name=request.form[SHEET])
            here = url_for("accounts.preview_import", code=kept.code)
            return Done(_("The sheet “%(name)s” has been read.", name=request.form[SHEET]), here)
        count = imports.take_in(kept=kept, prepared=prepared, by=actor(), send=bool(form.send.data))
        return Done(_("%(count)s people were added.", count=count), url_for("accounts.list_people"))

    try:
        # A table that is done is answered from the form that did it, or refused, inside.
        is_meant = kept.done_at is None and SHEET not in request.form
        prepared = imports.prepare(kept, request.form.get("seen", "")) if is_meant else []
        return carry_out(work)
    except DomainError as refused:
        sent = bool(form.send.data) or SHEET in request.form
        return _preview_page(kept, problem=str(refused), status=refused.status, send=sent)


def _import_page(form: ImportForm, status: int = 200) -> Response:
    page = render_template(
        "accounts/import.html",
        form=form,
        columns=[{"name": text, "is_needed": name in NEEDED_COLUMNS} for name, text in COLUMNS.items()],
        markets=[f"{each.code} ({each.name})" for each in organisation.list_markets()],
        rows=f"{tables.MAX_ROWS:,}",
        megabytes=tables.MAX_BYTES // 1024 // 1024,
    )
    return make_response(page, status)


def _preview_page(kept: PeopleImport, problem: str = "", status: int = 200, *, send: bool = True) -> Response:
    preview = imports.judge(kept)
    adding, refused = preview.with_verdict(Verdict.ADD), preview.with_verdict(Verdict.REFUSE)
    skipped = preview.with_verdict(Verdict.SKIP)
    page = render_template(
        "accounts/import_preview.html",
        filename=kept.filename or _("Pasted rows"),
        code=kept.code,
        seen=imports.key_of(preview),
        sheets=_sheets(kept) if kept.done_at is None else None,
        form=ConfirmImportForm(formdata=None, data={"send": send}),
        problem=problem,
        done=kept.done_at is not None,
        can_be_done=preview.can_be_done and kept.done_at is None,
        refused=[_row(row) for row in refused[:SHOWN]],
        skipped=[_row(row) for row in skipped[:SHOWN]],
        adding=[_row(row) for row in adding[:SHOWN]],
        counts=(len(adding), len(skipped), len(refused)),
        shown=SHOWN,
        unknown_columns=preview.unknown_columns,
        missing_columns=preview.missing_columns,
        assumed_market=f"{preview.assumed_market.name} ({preview.assumed_market.code})"
        if preview.assumed_market
        else None,
    )
    return make_response(page, status)


def _sheets(kept: PeopleImport) -> dict[str, Any] | None:
    """Return which sheet of a workbook the preview shows, and the others; None where there is only one."""
    read = kept.table.get("sheet")
    if read is None:
        return None
    others = [
        {"name": each["name"], "can_be_read": "rows" in each, "is_empty": each["is_empty"]}
        for each in kept.table["sheets"]
        if each["name"] != read
    ]
    return {"read": read, "others": others}


def _row(row: imports.JudgedRow) -> dict[str, Any]:
    return {
        "line": row.line,
        "name": row.shown_name or "–",
        "sign_in_name": row.cells.get("sign_in_name", "") or "–",
        "market": row.market.code if row.market else row.cells.get("market") or "–",
        "team": row.team.name if row.team else row.cells.get("team") or "–",
        "reasons": row.reasons,
    }
