"""Evidence of training for a period: totals on the screen, everything in files."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from flask import make_response, render_template, request, url_for
from werkzeug.wrappers import Response
from wtforms import SelectChoice  # type: ignore[attr-defined]

from portal.core import clock
from portal.core.access import actor, requires
from portal.core.errors import DomainError, NotFound
from portal.core.i18n import format_instant, language
from portal.core.i18n import gettext as _
from portal.core.once import Done, carry_out
from portal.organisation import queries as organisation
from portal.reports import limits
from portal.reports.errors import PeriodRefused
from portal.reports.formats.evidence_sheet import formulas, hours_words
from portal.reports.forms import EvidenceForm, HashForm, PeriodForm
from portal.reports.permissions import EXPORT_EVIDENCE
from portal.reports.queries import files as kept
from portal.reports.rules import LONGEST_YEARS, FileFormat, ReportKind
from portal.reports.service import files
from portal.reports.views import blueprint


@blueprint.get("/evidence")
@requires(EXPORT_EVIDENCE)
def evidence() -> Response:
    """Ask for a period, and show the totals of the one that the address names."""
    if "sha256" in request.args:
        hashed = HashForm(request.args, meta={"csrf": False})
        hashed.validate()
        return _page(_empty(), 400 if hashed.errors else 200, hashed=hashed)
    if "first" not in request.args:
        return _page(_empty())
    form = _form(PeriodForm, formdata=request.args, meta={"csrf": False})
    return _page(form, shows=True)


@blueprint.post("/evidence")
@requires(EXPORT_EVIDENCE)
def export_evidence() -> Any:
    """Ask for the evidence of a period as a file; a job makes it."""
    form = _form(EvidenceForm)
    if not form.validate():
        return _page(form, 400, shows=True)
    limits.files.take(actor().code)

    def work() -> Done:
        made = files.ask_evidence(
            first=form.first.data,
            last=form.last.data,
            market=form.market.data,
            team=form.team.data,
            kind=FileFormat(form.kind.data),
            encoding="cp932" if form.encoding.data == "cp932" else "utf-8-sig",
            language=language(),
            by=actor(),
        )
        return Done(_("The file is being made."), url_for("reports.file", code=made.code))

    try:
        return carry_out(work)
    except PeriodRefused as refused:
        form.last.errors = [str(refused)]
        return _page(form, refused.status)


def _empty() -> Any:
    first, last = _last_month()
    return _form(PeriodForm, formdata=None, data={"first": first, "last": last})


def _last_month() -> tuple[date, date]:
    last = clock.today(organisation.default_time_zone()).replace(day=1) - timedelta(days=1)
    return last.replace(day=1), last


def _form(kind: type[PeriodForm], **values: Any) -> Any:
    form = kind(**values)
    reach = files.reach_over_evidence(actor())
    teams = [
        each
        for each in organisation.list_teams()
        if reach.everywhere or each.code in reach.teams or each.market.code in reach.markets or reach.cohorts
    ]
    markets = {each.market.code for each in teams} | set(reach.markets)
    form.market.choices = [
        SelectChoice("", _("Every market")),
        *(
            SelectChoice(each.code, str(each.name))
            for each in organisation.list_markets()
            if reach.everywhere or each.code in markets
        ),
    ]
    form.team.choices = [
        SelectChoice("", _("Every team")),
        *(SelectChoice(each.code, f"{each.name} ({each.market.name})") for each in teams),
    ]
    # What an address leaves out is not narrowed.
    form.market.data, form.team.data = form.market.data or "", form.team.data or ""
    return form


def _page(form: Any, status: int = 200, *, shows: bool = False, hashed: HashForm | None = None) -> Response:
    shown = None
    if shows and (isinstance(form, EvidenceForm) or form.validate()):
        shown = _shown(form)
    if form.errors:
        status = 400
    file_form = form if isinstance(form, EvidenceForm) else EvidenceForm(
        formdata=None, data={"kind": FileFormat.XLSX.value, "encoding": "utf-8-sig"}
    )  # fmt: skip
    person = actor()
    page = render_template(
        "reports/evidence.html",
        form=form,
        file_form=file_form,
        shown=shown,
        formulas=formulas(),
        hash_form=hashed or HashForm(formdata=None),
        known=_known(hashed) if hashed is not None and not hashed.errors else None,
        zone=organisation.default_time_zone(),
        years=LONGEST_YEARS,
        whose=files.scope_words("", "", person),
        files=[
            {
                "label": files.filename_of(each),
                "href": url_for("reports.file", code=each.code),
                "at": format_instant(each.asked_at, person.time_zone),
                "sha256": each.sha256,
                "state": "done" if each.made_at is not None else "waiting",
            }
            for each in kept.list_own(person, ReportKind.EVIDENCE)
        ],
    )
    return make_response(page, status)


def _known(hashed: HashForm) -> list[str]:
    """Say of which exports a file has the hash, each in a sentence; nothing where it is none of them."""
    found = kept.find_by_hash(str(hashed.sha256.data).lower())
    return [
        _(
            "%(file)s, made on %(when)s for %(name)s",
            file=files.filename_of(each),
            when=format_instant(each.made_at, actor().time_zone),
            name=each.asked_by.name_in(language()),
        )
        for each in found
        if each.kind is ReportKind.EVIDENCE and each.made_at is not None
    ]


def _shown(form: Any) -> dict[str, Any] | None:
    """Return the totals of the period; what cannot be counted is said beside the field."""
    asked = {
        "first": form.first.data.isoformat() if form.first.data else "",
        "last": form.last.data.isoformat() if form.last.data else "",
        "market": form.market.data or "",
        "team": form.team.data or "",
    }
    if not asked["first"] or not asked["last"]:
        return None
    try:
        told = files.evidence_of(asked, actor())
    except NotFound:
        return None
    except DomainError as refused:
        form.last.errors = [*form.last.errors, str(refused)]
        return None
    lines = [(each.market, each.language, each.totals) for each in told.groups]
    return {
        "asked": asked,
        "period": told.period,
        "zone": told.zone,
        "scope": told.scope,
        "lines": [_line(market, tag, totals) for market, tag, totals in lines],
        "total": _line(_("Everybody"), "", told.total),
        "versions": told.versions,
        "reconciled": told.reconciled,
    }


def _line(market: str, tag: str, totals: Any) -> dict[str, Any]:
    return {
        "market": market,
        "language": tag,
        "people": totals.people,
        "trained": totals.trained,
        "planned": hours_words(totals.planned_minutes),
        "measured": hours_words(totals.measured_minutes),
        "steps": totals.steps,
        "first": f"{totals.first_passed} / {totals.first_passed + totals.first_failed}",
        "acknowledged": totals.acknowledged,
        "certificates": totals.certificates,
    }
