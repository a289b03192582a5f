"""Many certificates at once: choosing and looking at the list, one batch and how far it is, its file, all batches."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from flask import Response, render_template, request, stream_with_context, url_for
from werkzeug.datastructures import MultiDict
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # the stubs do not know it yet

from portal.accounts.models import Person
from portal.certificates import limits, queries
from portal.certificates.forms import BatchForm, RevocationForm
from portal.certificates.models import CertificateBatch, CertificateBatchAct, CertificateBatchItem
from portal.certificates.permissions import REVOKE, RUN_BATCH, SEE_BATCH, SEE_BATCHES, SEE_EVERY_BATCH, permission_for
from portal.certificates.queries import batches as found_in
from portal.certificates.queries import terms
from portal.certificates.queries.batches import Counts
from portal.certificates.recorded import KINDS
from portal.certificates.rules.batches import (
    CAN_GO_ON,
    FILES,
    KEPT,
    UNDER_WAY,
    Act,
    BatchKind,
    BatchState,
    FileLanguages,
    Outcome,
)
from portal.certificates.service import batches as service
from portal.certificates.service.batches import Line, Wish
from portal.certificates.views import blueprint
from portal.cohorts import queries as cohorts
from portal.cohorts.models import Cohort
from portal.cohorts.permissions import reach_over_cohorts
from portal.core import jobs, tables
from portal.core.access import actor, can, requires
from portal.core.errors import DomainError, NotAllowed
from portal.core.i18n import format_instant, language, lazy_pgettext, ngettext, other, pgettext
from portal.core.i18n import gettext as _
from portal.core.i18n import lazy_gettext as _l
from portal.core.once import Done, carry_out
from portal.core.paging import paging
from portal.core.transaction import transaction
from portal.core.web import local_address

PAGE = 25
BATCHES_AT_ONCE = 50
_CHIPS = {
    BatchState.ASKED: "waiting",
    BatchState.DECLINED: "ended",
    BatchState.TAKEN_BACK: "ended",
    BatchState.QUEUED: "queued",
    BatchState.RUNNING: "running",
    BatchState.INTERRUPTED: "paused",
    BatchState.CANCELLED: "paused",
    BatchState.FAILED: "failed_job",
    BatchState.FINISHED: "done",
}
_WORDS = {
    BatchState.ASKED: _l("Waits for a second administrator"),
    BatchState.DECLINED: _l("Declined"),
    BatchState.TAKEN_BACK: _l("Taken back"),
    BatchState.INTERRUPTED: lazy_pgettext("batch", "Interrupted"),
    BatchState.CANCELLED: lazy_pgettext("batch", "Cancelled"),
}


def _chip(state: BatchState, counts: Counts) -> tuple[str, str | None]:
    """Return the chip of a batch and its word: one that ended with refusals is not simply done."""
    if state is BatchState.FINISHED and counts.refused:
        return "warning", ngettext("Done, with %(num)d refused", "Done, with %(num)d refused", counts.refused)
    word = _WORDS.get(state)
    return _CHIPS[state], str(word) if word is not None else None


# As what is shown while nothing is known yet of the line of a batch.
_LINES = {Outcome.DONE: "done", Outcome.NOT_EARNED: "set_aside", Outcome.REFUSED: "danger"}
_ACTS = {
    Act.CONFIRMED: lazy_pgettext("batch", "Confirmed"),
    Act.DECLINED: _l("Declined"),
    Act.TAKEN_BACK: _l("Taken back"),
    Act.CANCELLED: lazy_pgettext("batch", "Cancelled"),
    Act.RESUMED: _l("Taken up again"),
    Act.FINISHED: lazy_pgettext("batch", "Finished"),
}


# --- Choosing, and looking at the list -----------------------------------------------------------------------------


@blueprint.get("/certificates/batches/new")
@requires(SEE_BATCHES)
def new_batch() -> tuple[str, int]:
    """Choose what is to be done with the certificates of a cohort, and look at the list before anything is."""
    form = _form(request.args)
    if "kind" not in request.args:
        return _page(form, None, 200)
    if not form.validate():
        return _page(form, None, 400)
    return _page(form, _wish(form), 200)


@blueprint.post("/certificates/batches")
@requires(SEE_BATCHES)
def begin_batch() -> Any:
    """Ask for what was looked at."""
    form, asked = _form(request.form), RevocationForm()
    if not form.validate():
        return _page(form, None, 400)
    wish = _wish(form)
    if wish.kind is BatchKind.REVOKE and not asked.validate():
        return _page(form, wish, 400, asked=asked)
    limits.batches.take(actor().code)

    def work() -> Done:
        made, is_new = service.ask(
            wish=wish, seen=request.form.get("seen", "")[:64], by=actor(), reason=asked.reason.data
        )
        address = url_for("certificates.batch", code=made.code)
        if not is_new:
            return Done(_("The same is being done already. This is it."), address)
        if made.kind is BatchKind.REVOKE:
            return Done(_("The revocations have been requested. A second administrator must confirm them."), address)
        return Done(_("It has begun. This page can be closed; it goes on all the same."), address)

    try:
        return carry_out(work)
    except DomainError as refused:
        form.form_errors.append(str(refused))
        return _page(form, wish, refused.status, asked=asked)


def _form(given: Any) -> BatchForm:
    """Return the form with the choices of whoever is signed in."""
    form = BatchForm(MultiDict(given))
    mine = cohorts.list_open_cohorts(reach_over_cohorts(actor()))
    form.cohort.choices = [SelectChoice("", _("Choose a cohort")), *_named(mine)]
    form.kind.choices = [SelectChoice(each.value, said) for each, said in KINDS.items() if _may(each, mine)]
    form.credential.choices = [
        SelectChoice("", _("Every credential")),
        *(SelectChoice(each.credential.slug, str(each.title)) for each in queries.list_latest_versions()),
    ]
    if "credential" not in given:
        form.credential.data = ""
    if "languages" not in given:
        form.languages.data = FileLanguages.BOTH.value
    return form


def _named(found: Sequence[Cohort]) -> list[SelectChoice]:
    return [SelectChoice(each.code, f"{each.name} ({each.market.name})") for each in found]


def _may(kind: BatchKind, mine: Sequence[Cohort]) -> bool:
    return any(can(permission_for(kind), each) for each in mine)


def _wish(form: BatchForm) -> Wish:
    """Return what is asked for. Raises `NotAllowed` for what is not hers to ask for in this cohort."""
    kind, cohort = BatchKind(form.kind.data), cohorts.get_cohort(form.cohort.data)
    if not can(permission_for(kind), cohort):
        raise NotAllowed()
    return Wish(
        kind=kind,
        cohort=cohort,
        credential=queries.get_credential(form.credential.data) if form.credential.data else None,
        languages=FileLanguages(form.languages.data) if kind in FILES else None,
        takes_all=kind in FILES and bool(form.takes_all.data),
    )


def _page(form: BatchForm, wish: Wish | None, status: int, asked: RevocationForm | None = None) -> tuple[str, int]:
    lines = service.preview(wish, actor()) if wish is not None else []
    turned = paging(len(lines), PAGE)
    said = _said(form)
    to_do = sum(line.left_out is None for line in lines)
    titles = _titles(lines[turned.offset : turned.offset + PAGE])
    alike = _namesakes(line.person for line in lines)
    page = render_template(
        "certificates/batch_new.html",
        form=form,
        local_address=local_address() if can(SEE_EVERY_BATCH) else None,
        asked=asked or RevocationForm(formdata=None),
        shown={
            "kind": wish.kind.value,
            "what": KINDS[wish.kind],
            "cohort": str(wish.cohort.name),
            "to_do": to_do,
            "left_out": len(lines) - to_do,
            "rows": [
                _previewed(line, titles, wish.kind, alike) for line in lines[turned.offset : turned.offset + PAGE]
            ],
            "seen": service.digest_of(lines),
            "said": said,
            "pager": turned.links(lambda number: url_for("certificates.new_batch", **said, page=number))
            if len(lines) > PAGE
            else None,
        }
        if wish is not None
        else None,
    )
    return page, status


def _said(form: BatchForm) -> dict[str, Any]:
    """Return what the form says, for an address or a form that asks for the same."""
    said = {
        "cohort": form.cohort.data,
        "kind": form.kind.data,
        "credential": form.credential.data,
        "languages": form.languages.data,
        "takes_all": "y" if form.takes_all.data else "",
    }
    return {name: value for name, value in said.items() if value}


def _titles(lines: Sequence[Line]) -> dict[str, str]:
    slugs = {line.credential.slug if line.credential is not None else line.slug for line in lines}
    return terms.titles_of(sorted(filter(None, slugs)))


def _previewed(line: Line, titles: dict[str, str], kind: BatchKind, alike: Collection[int]) -> dict[str, Any]:
    slug = line.credential.slug if line.credential is not None else line.slug
    return {
        **_person(line.person, alike),
        "credential": titles.get(slug, slug) if slug else "",
        "number": line.certificate.number if line.certificate is not None else "",
        "state": "set_aside" if line.left_out is not None else "not_started",
        "word": pgettext("batch", "Left out") if line.left_out is not None else _DOES[kind],
        "reason": str(line.left_out) if line.left_out is not None else "",
    }


# What happens to a line when its turn comes.
_DOES = {
    BatchKind.ISSUE: _l("Will be issued"),
    BatchKind.RENEW: _l("Will be renewed"),
    BatchKind.REVOKE: _l("Will be revoked"),
    BatchKind.ZIP: _l("Goes into the file"),
    BatchKind.PRINT: _l("Goes into the file"),
}


def _person(person: Person, alike: Collection[int]) -> dict[str, str]:
    here = language()
    name, told = person.name_in(here), ""
    if person.id in alike:
        told = " · ".join(dict.fromkeys((person.name_in(other(here)), person.employee_number or person.sign_in_name)))
    return {"name": name, "kana": person.full_kana if here == "ja" else "", "told_apart": told}


def _namesakes(people: Iterable[Person]) -> set[int]:
    """Return those whose name, as it is shown here, somebody else among them has as well."""
    called: dict[str, set[int]] = {}
    for each in people:
        called.setdefault(each.name_in(language()), set()).add(each.id)
    return {number for same in called.values() if len(same) > 1 for number in same}


# --- One batch -----------------------------------------------------------------------------------------------------


@blueprint.get("/certificates/batches/<code>")
@requires(SEE_BATCH, on=found_in.get_batch)
def batch(found: CertificateBatch) -> str:
    """Show how far a batch is, and what became of each line."""
    return _show(found)


def _show(found: CertificateBatch, error: str | None = None) -> str:
    work = service.find_job(found)
    state = service.stands_by(found, work)
    counts = found_in.count_items([found.id])[found.id]
    turned = paging(found_in.count_lines(found), PAGE)
    items = found_in.list_items(found, turned)
    titles = terms.titles_of(sorted({each.credential.slug for each in items if each.credential is not None}))
    alike = _namesakes(found_in.list_called_alike(found, [each.person for each in items]))
    zone, here = actor().time_zone, language()
    chip, word = _chip(state, counts)
    made = found_in.find_last_print(found) if found.kind is BatchKind.PRINT else None
    is_kept = made is not None and made.removed_at is None
    return render_template(
        "certificates/batch.html",
        code=found.code,
        title=KINDS[found.kind],
        cohort={"name": str(found.cohort.name), "href": url_for("reports.cohort", code=found.cohort.code)},
        kind=found.kind.value,
        state=state.value,
        chip=chip,
        word=word,
        is_under_way=state in UNDER_WAY,
        counts=counts,
        gone=counts.total - counts.waiting,
        error=error,
        silent_since=format_instant(work.touched_at, zone)
        if state is BatchState.INTERRUPTED and work is not None and work.touched_at is not None
        else "",
        why=str(jobs.explain(work) or "") if work is not None and state is BatchState.FAILED else "",
        reason=found.reason,
        requested_by=found.requested_by.name_in(here),
        is_own=found.requested_by_id == actor().id,
        may_run=can(RUN_BATCH, found),
        may_confirm=can(REVOKE),
        can_go_on=state in CAN_GO_ON,
        rows=[_row(each, titles, alike) for each in items],
        pager=turned.links(lambda number: url_for("certificates.batch", code=found.code, page=number))
        if turned.total > PAGE
        else None,
        file=_file(found, state, is_kept=is_kept),
        made={
            "pages": made.pages,
            "size": _size(made.size),
            "until": format_instant(made.made_at + KEPT, zone),
            "sha256": made.sha256,
            "is_kept": is_kept,
        }
        if made is not None
        else None,
        days=KEPT.days,
        facts=[
            (_("Credential"), titles_of_one(found)),
            (_("Language of the files"), _LANGUAGES[found.languages] if found.languages is not None else None),
            (_("Requested by"), found.requested_by.name_in(here)),
            (_("Requested on"), format_instant(found.requested_at, zone)),
        ],
        acts=[_told(each, zone, here) for each in found.acts],
    )


_LANGUAGES = {
    FileLanguages.BOTH: _l("Japanese and English"),
    FileLanguages.JAPANESE: _l("Japanese"),
    FileLanguages.ENGLISH: _l("English"),
    FileLanguages.HOLDER: _l("The language of each holder's account"),
}


def titles_of_one(found: CertificateBatch) -> str:
    """Return what the credential of a batch is called, or that it is about every one."""
    if found.credential is None:
        return _("Every credential")
    return terms.titles_of([found.credential.slug]).get(found.credential.slug, found.credential.slug)


def _file(found: CertificateBatch, state: BatchState, *, is_kept: bool) -> str | None:
    """Say which file can be taken now, or None."""
    if state is not BatchState.FINISHED or found.kind not in FILES:
        return None
    return found.kind.value if found.kind is BatchKind.ZIP or is_kept else None


def _size(size: int) -> str:
    if size < 1024 * 1024:
        return _("%(number)s KB", number=-(-size // 1024))
    return _("%(number)s MB", number=-(-size // (1024 * 1024)))


def _told(act: CertificateBatchAct, zone: str, here: str) -> dict[str, str]:
    return {
        "at": format_instant(act.at, zone),
        "what": str(_ACTS[act.act]),
        "by": act.by.name_in(here) if act.by is not None else "",
    }


def _row(item: CertificateBatchItem, titles: dict[str, str], alike: Collection[int]) -> dict[str, Any]:
    outcome = item.outcome
    certificate = outcome.certificate if outcome is not None and outcome.certificate is not None else item.certificate
    word: str | None
    if item.left_out is not None:
        state, word, reason = "set_aside", pgettext("batch", "Left out"), str(item.left_out)
    elif outcome is None:
        state, word, reason = "waiting", pgettext("batch", "Waiting"), ""
    else:
        state, reason = _LINES[outcome.outcome], str(outcome.reason) if outcome.reason is not None else ""
        word = {Outcome.NOT_EARNED: _("Nothing owed"), Outcome.REFUSED: pgettext("batch", "Refused")}.get(
            outcome.outcome
        )
    return {
        **_person(item.person, alike),
        "credential": titles.get(item.credential.slug, item.credential.slug) if item.credential is not None else "",
        "number": certificate.number if certificate is not None else "",
        "href": url_for("certificates.show", number=certificate.number) if certificate is not None else None,
        "state": state,
        "word": word,
        "reason": reason,
    }


@blueprint.get("/certificates/batches/<code>/progress")
@requires(SEE_BATCH, on=found_in.get_batch)
def batch_progress(found: CertificateBatch) -> dict[str, Any]:
    """Say how far a batch is."""
    counts = found_in.count_items([found.id])[found.id]
    return {
        "state": _CHIPS[service.stands(found)],
        "done": counts.total - counts.waiting,
        "total": counts.total,
    }


@blueprint.post("/certificates/batches/<code>/file")
@requires(SEE_BATCH, on=found_in.get_batch)
def take_batch(found: CertificateBatch) -> Any:
    """Send the file of a batch piece by piece; that it was taken, and by whom, is recorded."""
    try:
        with transaction():
            taken = service.take_file(batch=found, by=actor())
    except DomainError as refused:
        return _show(found, str(refused)), refused.status
    response = Response(stream_with_context(taken.pieces), content_type=taken.content_type)
    response.headers["Content-Length"] = str(taken.size)
    response.headers["Content-Disposition"] = tables.content_disposition(taken.name)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = tables.DOWNLOAD_POLICY
    response.headers["Cache-Control"] = "private, no-store"
    return response


@blueprint.post("/certificates/batches/<code>/cancel")
@requires(RUN_BATCH, on=found_in.get_batch, see=SEE_BATCH)
def cancel_batch(found: CertificateBatch) -> Any:
    """Stop a batch between two of its lines."""
    return _do(
        found,
        lambda: service.cancel(batch=found, by=actor()),
        _("It was cancelled. What was done stays; it can go on with what is left."),
    )


@blueprint.post("/certificates/batches/<code>/go-on")
@requires(RUN_BATCH, on=found_in.get_batch, see=SEE_BATCH)
def go_on_with_batch(found: CertificateBatch) -> Any:
    """Go on with what is left of a batch, or make its print file again."""
    return _do(found, lambda: service.go_on(batch=found, by=actor()), _("It goes on with what is left."))


@blueprint.post("/certificates/batches/<code>/confirm")
@requires(REVOKE, on=found_in.get_batch, see=SEE_BATCH)
def confirm_batch(found: CertificateBatch) -> Any:
    """Confirm revocations that another administrator has asked for."""
    return _do(
        found, lambda: service.confirm(batch=found, by=actor()), _("The revocations are confirmed. They have begun.")
    )


@blueprint.post("/certificates/batches/<code>/decline")
@requires(REVOKE, on=found_in.get_batch, see=SEE_BATCH)
def decline_batch(found: CertificateBatch) -> Any:
    """Close revocations that nobody has confirmed; the certificates stay as they are."""
    return _do(
        found,
        lambda: service.decline(batch=found, by=actor()),
        _("The request was closed. The certificates stay as they are."),
    )


def _do(found: CertificateBatch, work: Callable[[], object], done: str) -> Any:
    def both() -> Done:
        work()
        return Done(done, url_for("certificates.batch", code=found.code))

    try:
        return carry_out(both)
    except DomainError as refused:
        return _show(found, str(refused)), refused.status


# --- All batches ---------------------------------------------------------------------------------------------------


@blueprint.get("/certificates/batches")
@requires(SEE_BATCHES)
def list_batches() -> str:
    """List the batches that one sees: all of them, or one's own."""
    condition = found_in.within(actor(), reach_over_cohorts(actor()), everywhere=can(SEE_EVERY_BATCH))
    turned = paging(found_in.count_batches(condition), BATCHES_AT_ONCE)
    found = found_in.list_batches(condition, turned)
    work = jobs.find_jobs([service.job_key(each) for each in found])
    counts = found_in.count_items([each.id for each in found])
    titles = terms.titles_of(sorted({each.credential.slug for each in found if each.credential is not None}))
    zone, here = actor().time_zone, language()
    rows = []
    for each in found:
        state = service.stands_by(each, work.get(service.job_key(each)))
        of = counts[each.id]
        chip, word = _chip(state, of)
        rows.append(
            {
                "what": str(KINDS[each.kind]),
                "href": url_for("certificates.batch", code=each.code),
                "cohort": str(each.cohort.name),
                "credential": titles.get(each.credential.slug, each.credential.slug)
                if each.credential is not None
                else _("Every credential"),
                "by": each.requested_by.name_in(here),
                "at": format_instant(each.requested_at, zone),
                "chip": chip,
                "word": word,
                "count": ngettext("%(done)s of %(num)d", "%(done)s of %(num)d", of.total, done=of.total - of.waiting),
            }
        )
    return render_template(
        "certificates/batches.html",
        rows=rows,
        pager=turned.links(lambda number: url_for("certificates.list_batches", page=number))
        if turned.total > BATCHES_AT_ONCE
        else None,
    )
