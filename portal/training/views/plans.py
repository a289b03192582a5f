"""All plans with their versions and drafts; what each version changed, and how a new one is begun."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from pathlib import PurePosixPath
from typing import Any

from flask import make_response, render_template, request, url_for
from werkzeug import Response

from portal.accounts import queries as accounts
from portal.core import clock
from portal.core.access import actor, can, requires
from portal.core.content import MAX_FILE_BYTES
from portal.core.errors import DomainError
from portal.core.i18n import Words, format_date, format_instant, format_minutes, language, ngettext
from portal.core.i18n import gettext as _
from portal.core.once import Done, carry_out
from portal.training.content import read_plan
from portal.training.formats.plan_file import written
from portal.training.forms import NewPlanForm, PlanFileForm
from portal.training.models import Plan, PlanDraft, PlanVersion
from portal.training.permissions import SEE_PLAN_DRAFTS, SEE_PLANS, WRITE_PLANS
from portal.training.queries import catalogue, plan_drafts
from portal.training.queries.plan_drafts import spec_of_draft
from portal.training.rules import PlanSpec, editing
from portal.training.service import plan_drafts as service
from portal.training.service.owned import OWNED_KIND
from portal.training.views import blueprint
from portal.training.views.plan_timeline import told_plan
from portal.training.views.plan_words import STATES, PlanTeller, length_told, told_changes

# So many findings in a file are told at once.
MOST_FINDINGS = 30


# --- All plans -----------------------------------------------------------------------------------


@blueprint.get("/plans")
@requires(SEE_PLANS)
def list_plans() -> str:
    """List every plan with its latest version, who is in the middle of it, and its draft."""
    versions = catalogue.list_latest_versions()
    drafts = {each.plan_slug: each for each in plan_drafts.list_open_drafts()} if can(SEE_PLAN_DRAFTS) else {}
    slugs = [version.plan.slug for version in versions]
    owners = accounts.find_owners(OWNED_KIND, slugs)
    counts, followers = plan_drafts.count_versions(), plan_drafts.count_followers(slugs)
    rows = []
    for version in versions:
        slug, ownership = version.plan.slug, owners.get(version.plan.slug)
        rows.append(
            {
                "title": str(version.title),
                "slug": slug,
                "href": url_for("training.plan", slug=slug),
                "number": version.number,
                "versions": counts[slug],
                "steps": len(version.steps),
                "days": length_told(
                    [step.shape for step in version.steps], {each.slug: str(each.title) for each in version.events}
                ),
                "people": sum(count for (plan, _number), count in followers.items() if plan == slug),
                "owner": ownership.owner.name_in(language()) if ownership else "",
                "draft": _draft_told(drafts.pop(slug)) if slug in drafts else None,
            }
        )
    rows += [
        {
            "title": str(spec_of_draft(draft).title) or slug,
            "slug": slug,
            "href": url_for("training.plan_draft", code=draft.code),
            "number": "",
            "versions": 0,
            "steps": len(spec_of_draft(draft).steps),
            "days": None,
            "people": 0,
            "owner": "",
            "draft": _draft_told(draft),
        }
        for slug, draft in drafts.items()
    ]
    return render_template(
        "training/plans.html",
        rows=rows,
        ended=_ended() if can(SEE_PLAN_DRAFTS) else [],
        sees_drafts=can(SEE_PLAN_DRAFTS),
        can_write=can(WRITE_PLANS),
    )


def _ended() -> list[dict[str, Any]]:
    """Return the drafts that were published or given up, the latest first."""
    zone = actor().time_zone
    return [
        {
            "title": str(spec_of_draft(draft).title) or draft.plan_slug,
            "slug": draft.plan_slug,
            "at": format_instant(draft.ended_at, zone, show_zone=False) if draft.ended_at else "",
            **_draft_told(draft),
        }
        for draft in plan_drafts.list_ended_drafts()
    ]


def _draft_told(draft: PlanDraft) -> dict[str, str]:
    state, word = STATES[draft.state]
    return {
        "href": url_for("training.plan_draft", code=draft.code),
        "number": draft.spec["version"],
        "state": state,
        "word": str(word),
    }


# --- One plan ------------------------------------------------------------------------------------


@blueprint.get("/plans/<slug>")
@requires(SEE_PLANS, on=catalogue.get_plan)
def plan(plan: Plan) -> str:
    """Show what a version of a plan asks for, and of every version who published it, when, and what it changed."""
    versions = plan_drafts.list_versions_of(plan.slug)
    wanted = request.args.get("version", "")
    shown = next((each for each in versions if each.number == wanted), versions[0])
    known = plan_drafts.read_known()
    spec = catalogue.spec_of(shown)
    teller = PlanTeller(spec, known)
    draft = plan_drafts.find_open_draft(plan.slug) if can(SEE_PLAN_DRAFTS) else None
    ownership = accounts.find_owners(OWNED_KIND, [plan.slug]).get(plan.slug)
    followers = plan_drafts.count_followers([plan.slug])
    return render_template(
        "training/plan.html",
        slug=plan.slug,
        title=str(shown.title),
        summary=str(shown.summary),
        number=shown.number,
        is_latest=shown.id == versions[0].id,
        latest_href=url_for("training.plan", slug=plan.slug),
        owner=ownership.owner.name_in(language()) if ownership else "",
        steps=ngettext("%(num)d step", "%(num)d steps", len(spec.steps)),
        days=length_told(spec.shapes, {each.slug: str(each.title) for each in shown.events}),
        minutes=format_minutes(sum(step.minutes for step in spec.steps)),
        people=followers.get((plan.slug, shown.number), 0),
        file_href=url_for("training.plan_file", slug=plan.slug, version=shown.number),
        draft=_draft_told(draft) if draft is not None else None,
        can_write=can(WRITE_PLANS),
        history=_history(plan, versions, followers, known),
        is_open=False,
        **told_plan(teller, [], ""),
    )


def _history(
    plan: Plan, versions: list[PlanVersion], followers: Mapping[tuple[str, str], int], known: plan_drafts.Known
) -> list[dict[str, Any]]:
    drafts = plan_drafts.list_drafts_published(plan.slug)
    authors = plan_drafts.list_authors(list(drafts.values()))
    names = {
        person.code: person.name_in(language())
        for person in accounts.list_people_of({version.created_by for version in versions})
    }
    found = []
    for place, version in enumerate(versions):
        before = versions[place + 1] if place + 1 < len(versions) else None
        draft = drafts.get(version.id)
        found.append(
            {
                "number": version.number,
                "href": url_for("training.plan", slug=plan.slug, version=version.number),
                "at": format_date(version.created_at.astimezone(clock.zone_info(actor().time_zone)).date()),
                "by": names.get(version.created_by, version.created_by),
                "authors": [person.name_in(language()) for person in authors.get(draft.id, [])] if draft else [],
                "people": followers.get((plan.slug, version.number), 0),
                "changes": told_changes(catalogue.spec_of(before), catalogue.spec_of(version), known)
                if before is not None
                else None,
            }
        )
    return found


@blueprint.get("/plans/<slug>.toml")
@requires(SEE_PLANS, on=catalogue.get_plan)
def plan_file(plan: Plan) -> Response:
    """Give out a version of a plan as its file."""
    versions = plan_drafts.list_versions_of(plan.slug)
    wanted = request.args.get("version", "")
    shown = next((each for each in versions if each.number == wanted), versions[0])
    ownership = accounts.find_owners(OWNED_KIND, [plan.slug]).get(plan.slug)
    owner = ownership.owner.sign_in_name if ownership else ""
    deputy = ownership.deputy.sign_in_name if ownership and ownership.deputy else ""
    return file_of(plan.slug, catalogue.spec_of(shown), owner=owner, deputy=deputy)


def file_of(slug: str, spec: PlanSpec, *, owner: str = "", deputy: str = "") -> Response:
    """Return a plan as a file to be kept."""
    response = make_response(written(spec, owner=owner, deputy=deputy))
    response.headers["Content-Type"] = "application/toml; charset=utf-8"
    response.headers["Content-Disposition"] = f'attachment; filename="{slug}.toml"'
    return response


# --- Beginning a draft ---------------------------------------------------------------------------


@blueprint.post("/plans/<slug>/draft")
@requires(WRITE_PLANS, on=catalogue.get_plan, see=SEE_PLANS)
def begin_plan_draft(plan: Plan) -> Response:
    """Begin the next version of a plan, or go on with the draft that there is."""
    slug = plan.slug

    def work() -> Done:
        draft = plan_drafts.find_open_draft(slug)
        if draft is not None:
            return Done(_("This draft is being written already."), url_for("training.plan_draft", code=draft.code))
        draft = service.begin_next_version(slug=slug, by=actor())
        said = _("The draft of version %(number)s begins with what the latest one says.", number=draft.spec["version"])
        return Done(said, url_for("training.edit_plan_draft", code=draft.code))

    return carry_out(work)


@blueprint.route("/plans/new", methods=["GET", "POST"])
@requires(WRITE_PLANS)
def new_plan() -> Response | tuple[str, int]:
    """Begin a new plan, with a title or with a file."""
    form, upload = NewPlanForm(formdata=None), PlanFileForm(formdata=None)
    findings: list[str] = []
    status = 200
    if request.method == "POST" and request.form.get("act") == "file":
        return _begin_from_file(form)
    if request.method == "POST":
        form, status = NewPlanForm(), 400
        if form.validate():
            slug = form.slug.data or editing.propose_slug(form.title_en.data or "")
            title = Words(form.title_en.data or "", form.title_ja.data or "")

            def work() -> Done:
                draft = service.begin_new_plan(slug=slug, title=title, by=actor())
                return Done(_("The draft has been begun. Add its steps."), _editor(draft))

            try:
                return carry_out(work)
            except DomainError as refused:
                form.slug.errors = [str(refused)]
                status = refused.status
    return _asked(form, upload, findings), status


def _begin_from_file(form: NewPlanForm) -> Response | tuple[str, int]:
    upload = PlanFileForm()
    sent = upload.file.data
    data = b""
    if sent:
        data = sent.read(MAX_FILE_BYTES + 1)
        # Werkzeug keeps a large one in a file of its own.
        sent.close()
    name = PurePosixPath((sent.filename or "").replace("\\", "/")).name if sent else ""
    findings: list[str] = []
    spec: PlanSpec | None = None
    if not data:
        upload.file.errors = [_("Choose a file.")]
    elif len(data) > MAX_FILE_BYTES:
        upload.file.errors = [_("The file is larger than %(most)s KB.", most=MAX_FILE_BYTES // 1024)]
    elif not name.endswith(".toml"):
        upload.file.errors = [_("Choose a file of plans/NAME.toml; its name is the address of the plan.")]
    else:
        spec, found = read_plan(name, data)
        findings = [str(each) for each in found[:MOST_FINDINGS]]
        if spec is None:
            upload.file.errors = [_("The file cannot be taken; below stands why.")]
    if spec is None:
        return _asked(form, upload, findings), 400
    slug, read = name.removesuffix(".toml"), spec

    def work() -> Done:
        draft = service.begin_from_file(slug=slug, spec=read, by=actor())
        return Done(_("The draft says what the file says."), _editor(draft))

    try:
        return carry_out(work, beside=sha256(data).hexdigest())
    except DomainError as refused:
        upload.file.errors = [str(refused)]
        return _asked(form, upload, []), refused.status


def _editor(draft: PlanDraft) -> str:
    return url_for("training.edit_plan_draft", code=draft.code)


def _asked(form: NewPlanForm, upload: PlanFileForm, findings: list[str]) -> str:
    return render_template(
        "training/plan_new.html", form=form, upload=upload, findings=findings, most=MAX_FILE_BYTES // 1024
    )
