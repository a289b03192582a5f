"""Certificate templates: the list, one with its versions, and the form beside which it is drawn as it is written."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace
from typing import Any

from flask import make_response, render_template, request, url_for
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # the stubs do not know it yet

from portal.certificates import limits
from portal.certificates import queries as credentials
from portal.certificates.errors import (
    PictureNotDrawn,
    TemplateDoesNotFit,
    TemplateDraftChanged,
    TemplateSlugInvalid,
    TemplateSlugTaken,
)
from portal.certificates.formats.samples import HOLDERS
from portal.certificates.forms import ORIENTATIONS, NewTemplateForm, TemplateForm, UseTemplateForm
from portal.certificates.models import CertificateTemplate, TemplateVersion
from portal.certificates.permissions import SEE_TEMPLATES, USE_TEMPLATE, WRITE_TEMPLATES
from portal.certificates.queries import templates as queries
from portal.certificates.rules.templates import (
    CHOICES,
    IMAGES,
    NUMBER,
    PLACEHOLDERS,
    TEXT_LIMITS,
    Design,
    Fault,
    FaultKind,
    TemplateSpec,
    parse,
    says_no_statement,
    starting_spec,
)
from portal.certificates.service import drawing, pictures
from portal.certificates.service import templates as service
from portal.certificates.views import blueprint
from portal.core.access import actor, can, requires, wants_json
from portal.core.errors import DomainError
from portal.core.i18n import LANGUAGES, Words, format_instant, language, pgettext
from portal.core.i18n import gettext as _
from portal.core.i18n import lazy_gettext as _l
from portal.core.once import Done, FormUsed, carry_out
from portal.core.pdf import PdfFailed
from portal.core.pictures import MAX_BYTES
from portal.core.transaction import transaction
from portal.core.web import guarded_picture, takes_files

# --- the list and one template ------------------------------------------------------------------------------------


@blueprint.get("/certificate-templates")
@requires(SEE_TEMPLATES)
def list_templates() -> str:
    """List the templates, each with a small picture and for what it is used."""
    users = queries.users_by_template()
    return render_template(
        "certificates/templates.html",
        rows=[_row(each, [str(user.title) for user in users.get(each.id, [])]) for each in queries.list_templates()],
        may_write=can(WRITE_TEMPLATES),
    )


def _row(template: CertificateTemplate, users: list[str]) -> dict[str, Any]:
    latest, tag = template.latest, language()
    spec = queries.spec_of(latest.spec if latest else template.draft.spec)
    picture = (
        url_for("certificates.template_picture", slug=template.slug, number=latest.number, language=tag, size="small")
        if latest
        else url_for("certificates.draft_picture", slug=template.slug, language=tag, size="small")
    )
    return {
        "name": str(spec.name),
        "href": url_for("certificates.template", slug=template.slug),
        "picture": picture,
        "number": latest.number if latest else None,
        "is_changed": latest is None or latest.spec != template.draft.spec,
        "users": users,
    }


@blueprint.get("/certificate-templates/<slug>")
@requires(SEE_TEMPLATES, on=queries.get_template)
def template(template: CertificateTemplate) -> str:
    """Show a template: its versions with their pictures, what is drawn from it, what is not published yet."""
    return _overview(template)


def _overview(template: CertificateTemplate, *, refusal: str = "", use: UseTemplateForm | None = None) -> str:
    latest, draft, zone = template.latest, template.draft, actor().time_zone
    users = queries.list_users_of(template)
    numbers = {version.id: version.number for version in template.versions}
    shown = queries.spec_of(latest.spec if latest else draft.spec)
    form = use or UseTemplateForm(formdata=None)
    newest = credentials.list_latest_versions()
    form.credential.choices = [
        SelectChoice(each.credential.slug, str(each.title))
        for each in newest
        if latest is None or each.template_version_id != latest.id
    ]
    return render_template(
        "certificates/template.html",
        slug=template.slug,
        name=str(shown.name),
        latest=latest.number if latest else None,
        is_changed=latest is None or latest.spec != draft.spec,
        revision=draft.revision,
        saved=_("%(name)s, %(when)s", name=service.name_of(draft.saved_by), when=format_instant(draft.saved_at, zone)),
        draft_pictures=_pictures(template.slug, None),
        versions=[
            {
                "number": version.number,
                "by": service.name_of(version.published_by),
                "at": format_instant(version.published_at, zone),
                "orientation": str(ORIENTATIONS[queries.spec_of(version.spec).orientation]),
                "pictures": _pictures(template.slug, version.number),
                "users": [
                    str(each.title) for each in users if numbers.get(each.template_version_id or 0) == version.number
                ],
            }
            for version in reversed(template.versions)
        ],
        use=form,
        may_write=can(WRITE_TEMPLATES),
        may_use=can(USE_TEMPLATE) and latest is not None and bool(form.credential.choices),
        refusal=refusal,
    )


def _pictures(slug: str, number: int | None) -> list[dict[str, str]]:
    """Return the addresses of the pictures of a version, or of the draft, in both languages; the reader's first."""
    tags = sorted(LANGUAGES, key=lambda tag: tag != language())
    return [
        {
            "language": tag,
            "href": url_for("certificates.draft_picture", slug=slug, language=tag)
            if number is None
            else url_for("certificates.template_picture", slug=slug, number=number, language=tag),
        }
        for tag in tags
    ]


# --- a new one ----------------------------------------------------------------------------------------------------


@blueprint.get("/certificate-templates/new")
@requires(WRITE_TEMPLATES)
def new_template() -> str:
    """Ask what a new template is called and from which design it begins."""
    return _new(NewTemplateForm(formdata=None))


_NO_STATEMENT = _l("Note: without {statement} a certificate does not say what its credential states.")


def _new(form: NewTemplateForm) -> str:
    return render_template(
        "certificates/template_new.html",
        form=form,
        designs=[
            {
                "value": each.value,
                "picture": url_for("certificates.starting_picture", design=each.value, language=language()),
            }
            for each in Design
        ],
    )


@blueprint.post("/certificate-templates/new")
@requires(WRITE_TEMPLATES)
def begin_template() -> Any:
    """Begin a template."""
    form = NewTemplateForm()
    if not form.validate_on_submit():
        return _new(form), 400
    spec = replace(
        starting_spec(Design(form.design.data)), name=Words(form.name_en.data or "", form.name_ja.data or "")
    )
    faults = parse(spec.as_table())[1]
    for fault in faults:
        form[f"name_{fault.language}"].errors = [service.say(fault)]
    if faults:
        return _new(form), 400
    slug = (form.slug.data or "").strip()

    def work() -> Done:
        made = service.begin_template(slug=slug, spec=spec, by=actor())
        return Done(
            _("The template has been begun. Nobody's certificate is drawn from it until it is published and used."),
            url_for("certificates.edit_template", slug=made.slug),
        )

    try:
        return carry_out(work)
    except (TemplateSlugInvalid, TemplateSlugTaken) as refused:
        form.slug.errors = [str(refused)]
        return _new(form), refused.status


# --- writing ------------------------------------------------------------------------------------------------------


@blueprint.get("/certificate-templates/<slug>/edit")
@requires(WRITE_TEMPLATES, on=queries.get_template, see=SEE_TEMPLATES)
def edit_template(template: CertificateTemplate) -> str:
    """Show the form with what the draft says, and what it looks like."""
    form = _filled(template)
    picture = url_for(
        "certificates.draft_picture", slug=template.slug, language=form.language.data, holder=form.holder.data
    )
    return _editor(template, form, picture=picture)


def _filled(template: CertificateTemplate) -> TemplateForm:
    """Return a form with what the draft says."""
    table = template.draft.spec
    values: dict[str, Any] = {key: table[key] for key in (*CHOICES, *IMAGES, "seal")}
    for key in TEXT_LIMITS:
        values |= {f"{key}_{tag}": table[key][tag] for tag in LANGUAGES}
    form = TemplateForm(formdata=None, data=values | {"revision": template.draft.revision})
    form.language.data, form.holder.data = _looked_at(request.args)
    return form


def _looked_at(values: Any) -> tuple[str, str]:
    """Return in which language and with which holder the template is looked at."""
    tag, holder = values.get("language", ""), values.get("holder", "")
    return tag if tag in LANGUAGES else language(), holder if holder in HOLDERS else "common"


def _editor(
    template: CertificateTemplate,
    form: TemplateForm,
    *,
    picture: str = "",
    refusal: str = "",
    theirs: list[tuple[str, str]] | None = None,
) -> str:
    for key, kind in IMAGES.items():
        known = [SelectChoice(image.sha256, image.name) for image in queries.list_images(kind)]
        form[key].choices = [SelectChoice("", pgettext("choice", "None")), *known]
    return render_template(
        "certificates/template_edit.html",
        slug=template.slug,
        name=str(queries.spec_of(template.draft.spec).name),
        form=form,
        picture=picture,
        refusal=refusal,
        theirs=theirs or [],
        placeholders=[f"{{{name}}}" for name in PLACEHOLDERS],
        number=f"{{{NUMBER}}}",
        limits=pictures.limit_words(),
        most=MAX_BYTES,
    )


def _spec_of_form(form: TemplateForm) -> TemplateSpec | None:
    """Return what a form says, its new pictures kept and chosen in it; None with what is wrong beside its fields."""
    valid = form.validate()
    for key, kind in IMAGES.items():
        sent = form[f"{key}_file"].data
        if isinstance(sent, FileStorage) and sent.filename:
            try:
                made = pictures.remake(sent.stream.read(MAX_BYTES + 1), kind)
            except DomainError as refused:
                form[f"{key}_file"].errors = [str(refused)]
                valid = False
                continue
            with transaction():
                form[key].data = pictures.add_image(kind=kind, name=sent.filename, picture=made, by=actor()).sha256
    table: dict[str, Any] = {key: form[key].data or "" for key in (*CHOICES, *IMAGES, "seal")}
    for key in TEXT_LIMITS:
        table[key] = {tag: " ".join((form[f"{key}_{tag}"].data or "").split("\n")) for tag in LANGUAGES}
    spec, faults = parse(table)
    if spec is not None:
        faults = [
            Fault(key, FaultKind.IMAGE)
            for key, kind in IMAGES.items()
            if table[key] and queries.find_image(table[key], kind) is None
        ]
        # Pictures that are not kept cannot be measured.
        faults = faults or drawing.faults_when_filled(spec)
    for fault in faults:
        field = form[f"{fault.place}_{fault.language}" if fault.language else fault.place]
        if fault.kind is FaultKind.CHOICE and field.errors:
            # The form has said so already.
            continue
        if not field.errors:
            field.errors = []
        if len(field.errors) < 2:
            field.errors = [*field.errors, service.say(fault)]
    return spec if valid and not faults else None


@blueprint.post("/certificate-templates/<slug>/edit")
@takes_files(len(IMAGES) * MAX_BYTES, each=MAX_BYTES)
@requires(WRITE_TEMPLATES, on=queries.get_template, see=SEE_TEMPLATES)
def save_template(template: CertificateTemplate) -> Any:
    """Save what is written; where somebody else has saved since, say what differs and lose nothing."""
    form = TemplateForm()
    spec = _spec_of_form(form)
    form.language.data, form.holder.data = _looked_at(request.form)
    if spec is None:
        return _editor(template, form), 400
    saved = spec

    def work() -> Done:
        changed = service.save_draft(template=template, spec=saved, revision=form.revision.data or 0, by=actor())
        back = url_for(
            "certificates.edit_template", slug=template.slug, language=form.language.data, holder=form.holder.data
        )
        said = _("Saved.") if changed else _("Nothing was changed.")
        if says_no_statement(saved):
            said = f"{said} {_NO_STATEMENT}"
        return Done(said, back)

    try:
        return carry_out(work)
    except (TemplateDraftChanged, FormUsed) as refused:
        theirs = _differences(form, template, saved)
        # The next save is of one who has seen theirs.
        form.revision.data = template.draft.revision
        form.revision.raw_data = None
        return _editor(template, form, picture=_inline(saved, form), refusal=str(refused), theirs=theirs), 409
    except DomainError as refused:
        return _editor(template, form, picture=_inline(saved, form), refusal=str(refused)), refused.status


def _differences(form: TemplateForm, template: CertificateTemplate, mine: TemplateSpec) -> list[tuple[str, str]]:
    """Return the fields in which the draft says something else than the form, with what it says."""
    theirs, own = template.draft.spec, mine.as_table()
    found = []
    for key, value in theirs.items():
        if key in TEXT_LIMITS:
            found += [
                (str(form[f"{key}_{tag}"].label.text), value[tag] or "–")
                for tag in LANGUAGES
                if value[tag] != own[key][tag]
            ]
        elif value != own[key]:
            field = form[key]
            words = {each.value: each.label for each in field.choices} if key in CHOICES else {}
            said = _("another picture") if key in IMAGES and value else str(words.get(value, value)) or "–"
            found.append((str(field.label.text), said))
    return found


@blueprint.post("/certificate-templates/<slug>/preview")
@takes_files(len(IMAGES) * MAX_BYTES, each=MAX_BYTES)
@requires(WRITE_TEMPLATES, on=queries.get_template, see=SEE_TEMPLATES)
def preview_template(template: CertificateTemplate) -> Any:
    """Draw what is written, without saving it: for the script of the form, or as the whole page."""
    limits.drawings.take(actor().code)
    form = TemplateForm()
    spec = _spec_of_form(form)
    form.language.data, form.holder.data = _looked_at(request.form)
    picture = refusal = ""
    if spec is not None:
        try:
            picture = _inline(spec, form)
        except DomainError as refused:
            refusal = str(refused)
    if not wants_json():
        return _editor(template, form, picture=picture, refusal=refusal), 200 if picture else 400
    faults = [f"{label}: {error}" for _id, label, error in form.error_list()]
    kept = {key: form[key].data for key in IMAGES if form[f"{key}_file"].data and form[key].data}
    wrong = [id_ for id_, _label, _error in form.error_list()]
    said = [refusal] if refusal else faults
    return make_response({"picture": picture, "faults": said, "wrong": wrong, "kept": kept})


def _inline(spec: TemplateSpec, form: TemplateForm) -> str:
    """Return the picture of what is not saved, to stand in the page itself: it has no address."""
    drawn = drawing.picture_of(spec, form.language.data, holder=form.holder.data)
    return f"data:{pictures.MEDIA_TYPE};base64,{b64encode(drawn).decode()}"


# --- publishing and using -----------------------------------------------------------------------------------------


@blueprint.post("/certificate-templates/<slug>/publish")
@requires(WRITE_TEMPLATES, on=queries.get_template, see=SEE_TEMPLATES)
def publish_template(template: CertificateTemplate) -> Any:
    """Publish the draft as the next version, once it has been drawn in both languages without a fault."""
    limits.drawings.take(actor().code)
    revision = request.form.get("revision", "")

    def work() -> Done:
        version = service.publish(template=template, revision=int(revision) if revision.isdecimal() else 0, by=actor())
        return Done(
            _("Version %(number)s is published. Credentials use it once it is chosen for them.", number=version.number),
            url_for("certificates.template", slug=template.slug),
        )

    try:
        # Outside of the transaction: drawing takes time.
        spec = queries.spec_of(template.draft.spec)
        if faults := drawing.faults_when_filled(spec):
            raise TemplateDoesNotFit(faults=" ".join(map(service.say_with_place, faults)))
        drawing.try_out(spec)
        return carry_out(work)
    except DomainError as refused:
        return _overview(template, refusal=str(refused)), refused.status if refused.status < 500 else 409


@blueprint.post("/certificate-templates/<slug>/<int:number>/use")
@requires(USE_TEMPLATE, on=queries.get_version, see=SEE_TEMPLATES)
def use_template(version: TemplateVersion) -> Any:
    """Draw the certificates of a credential from this version from now on."""
    form = UseTemplateForm()
    credential = credentials.find_credential(form.credential.data or "") if form.validate() else None
    if credential is None:
        form.credential.errors = [_("Choose a credential.")]
        return _overview(queries.get_template(version.template.slug), use=form), 400

    def work() -> Done:
        published = service.use_for(version=version, credential=credential, by=actor())
        return Done(
            _(
                "Version %(number)s of “%(title)s” uses this template. Certificates that were issued stay as they are.",
                number=published.number,
                title=published.title,
            ),
            url_for("certificates.template", slug=version.template.slug),
        )

    try:
        return carry_out(work)
    except DomainError as refused:
        return _overview(queries.get_template(version.template.slug), refusal=str(refused), use=form), refused.status


# --- pictures -----------------------------------------------------------------------------------------------------


@blueprint.get("/certificate-templates/<slug>/draft.png")
@requires(SEE_TEMPLATES, on=queries.get_template)
def draft_picture(template: CertificateTemplate) -> Response:
    """Send a picture of the draft with a sample holder."""
    return _drawn(queries.spec_of(template.draft.spec))


@blueprint.get("/certificate-templates/<slug>/<int:number>.png")
@requires(SEE_TEMPLATES, on=queries.get_version)
def template_picture(version: TemplateVersion) -> Response:
    """Send a picture of a version with a sample holder."""
    return _drawn(queries.spec_of(version.spec))


@blueprint.get("/certificate-templates/new/<any(classic, modern, plain):design>.png")
@requires(WRITE_TEMPLATES)
def starting_picture(design: str) -> Response:
    """Send a picture of a design with which a template can begin."""
    return _drawn(starting_spec(Design(design)), small=True)


def _drawn(spec: TemplateSpec, *, small: bool = False) -> Response:
    tag, holder = _looked_at(request.args)
    width = drawing.SMALL if small or request.args.get("size") == "small" else drawing.LARGE
    limits.drawings.take(actor().code)
    try:
        picture = drawing.picture_of(spec, tag, holder=holder, width=width)
    except PdfFailed as failed:
        # What was saved before texts were measured, or trouble that may pass: never a fault of who looks.
        faults = drawing.faults_when_filled(spec)
        reason = " ".join(map(service.say_with_place, faults)) if faults else str(failed)
        raise PictureNotDrawn(reason=reason) from failed
    return guarded_picture(
        picture,
        pictures.MEDIA_TYPE,
        etag=f"{spec.hash()[:32]}-{tag}-{holder}-{width}",
    )
