"""Certificate templates: begun from a design, saved as drafts, published as versions, used for credentials."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from portal.accounts import queries as accounts
from portal.accounts.models import Person, Role
from portal.accounts.service.ownership import OwnedThing, OwnerNeeds, set_owner
from portal.certificates import queries as credentials
from portal.certificates import rules, service
from portal.certificates.errors import (
    NoSuchCredential,
    TemplateDoesNotFit,
    TemplateDraftChanged,
    TemplateInUse,
    TemplateSlugInvalid,
    TemplateSlugTaken,
    TemplateUnchanged,
    TemplateVersionChanged,
    TemplateVersionGap,
)
from portal.certificates.models import (
    CertificateTemplate,
    Credential,
    CredentialVersion,
    TemplateDraft,
    TemplateVersion,
)
from portal.certificates.permissions import SEE_TEMPLATES
from portal.certificates.queries import templates as queries
from portal.certificates.rules import templates
from portal.certificates.rules.templates import Fault, FaultKind, TemplateSpec
from portal.certificates.service import TemplateName, drawing
from portal.core import clock
from portal.core.content import SLUG
from portal.core.db import session
from portal.core.i18n import LazyText
from portal.core.i18n import gettext as _
from portal.core.i18n import lazy_gettext as _l
from portal.journal.service import record

# Under which accounts knows who answers for a template.
OWNED_KIND = "certificate_template"
# The address of the page that makes a new template, and the folder of the pictures.
RESERVED = frozenset({"new", "images"})


def begin_template(*, slug: str, spec: TemplateSpec, by: Person) -> CertificateTemplate:
    """Begin a template with a draft that says `spec`. Raises `TemplateSlugInvalid` and `TemplateSlugTaken`."""
    if not SLUG.fullmatch(slug) or slug in RESERVED:
        raise TemplateSlugInvalid()
    if queries.find_template(slug) is not None:
        raise TemplateSlugTaken()
    now = clock.now()
    template = CertificateTemplate(slug=slug, created_at=now, created_by=by.code)
    template.draft = TemplateDraft(revision=1, spec=spec.as_table(), saved_at=now, saved_by=by.code)
    try:
        with session.begin_nested():
            session.add(template)
    except IntegrityError as taken:
        # Somebody else took it at the same moment.
        raise TemplateSlugTaken() from taken
    record("certificates.template_begun", by=by, subject=("certificate_template", slug))
    if by.is_active:
        set_owner(kind=OWNED_KIND, code=slug, owner=by, by=by)
    return template


class OwnedTemplates:
    """Certificate templates; every one needs an owner from its first day."""

    kind = OWNED_KIND
    name = _l("Certificate template")
    owner_needs = OwnerNeeds((Role.AUTHOR, Role.POLICY_OWNER, Role.ADMIN))

    def find_things(self, codes: Collection[str]) -> Mapping[str, OwnedThing]:
        """Return those of the templates that exist."""
        return {
            each.slug: OwnedThing(
                str(queries.spec_of(each.draft.spec).name), f"/certificate-templates/{each.slug}", needs=SEE_TEMPLATES
            )
            for each in queries.list_templates()
            if each.slug in codes
        }

    def list_live_codes(self) -> Collection[str]:
        """Return the slugs of all templates."""
        return [each.slug for each in queries.list_templates()]

    def find_makers(self, codes: Collection[str]) -> Mapping[str, str]:
        """Return by whose code each of the templates was begun."""
        return {each.slug: each.created_by for each in queries.list_templates() if each.slug in codes}


def save_draft(*, template: CertificateTemplate, spec: TemplateSpec, revision: int, by: Person) -> bool:
    """Save what is written for the next version, and say whether that changed anything.

    `revision` is the save that the form showed. Raises `TemplateDraftChanged` where somebody has saved since.
    """
    draft = _held(template)
    table = spec.as_table()
    if draft.spec == table:
        return False
    if draft.revision != revision:
        raise TemplateDraftChanged(name=name_of(draft.saved_by))
    draft.revision += 1
    draft.spec, draft.saved_at, draft.saved_by = table, clock.now(), by.code
    session.flush()
    return True


def publish(*, template: CertificateTemplate, revision: int, by: Person) -> TemplateVersion:
    """Publish the draft as the next version. What is issued or uses an earlier version stays as it is.

    Raises `TemplateDraftChanged` where somebody has saved since the revision, `TemplateUnchanged`, and
    `TemplateDoesNotFit` for a draft that would not be saved any more as it is.
    """
    draft = _held(template)
    if draft.revision != revision:
        raise TemplateDraftChanged(name=name_of(draft.saved_by))
    latest = template.latest
    spec = queries.spec_of(draft.spec)
    if latest is not None and latest.hash == spec.hash():
        raise TemplateUnchanged(number=latest.number)
    _refuse_overflow(spec)
    return _publish(template, (latest.number if latest else 0) + 1, spec, by)


def take_version(*, slug: str, number: int, spec: TemplateSpec, by: Person) -> TemplateVersion | None:
    """Take a version in from a folder; one that is here already and says the same changes nothing and returns None.

    A draft that says what the newest version said follows it. Raises `TemplateVersionChanged` where the number says
    something else here, `TemplateVersionGap` where the one before it is missing, `TemplateSlugInvalid`, and
    `TemplateDoesNotFit`.
    """
    template = queries.find_template(slug) or begin_template(slug=slug, spec=spec, by=by)
    for version in template.versions:
        if version.number == number:
            if version.hash != spec.hash():
                raise TemplateVersionChanged(number=number)
            return None
    latest = template.latest
    following = (latest.number if latest else 0) + 1
    if number != following:
        raise TemplateVersionGap(number=number, next=following)
    _refuse_overflow(spec)
    draft = _held(template)
    if latest is not None and draft.spec == latest.spec:
        draft.revision += 1
        draft.spec, draft.saved_at, draft.saved_by = spec.as_table(), clock.now(), by.code
    return _publish(template, number, spec, by)


def _refuse_overflow(spec: TemplateSpec) -> None:
    """Raise `TemplateDoesNotFit` for what the form would not save: it may be from before that was measured."""
    faults = drawing.faults_when_filled(spec)
    if faults:
        raise TemplateDoesNotFit(faults=" ".join(map(say_with_place, faults)))


def _publish(template: CertificateTemplate, number: int, spec: TemplateSpec, by: Person) -> TemplateVersion:
    version = TemplateVersion(
        number=number, spec=spec.as_table(), hash=spec.hash(), published_at=clock.now(), published_by=by.code
    )
    template.versions.append(version)
    session.flush()
    record(
        "certificates.template_published",
        by=by,
        subject=("certificate_template", template.slug),
        after={"version": number, "hash": version.hash},
    )
    return version


def use_for(*, version: TemplateVersion, credential: Credential, by: Person) -> CredentialVersion:
    """Draw the certificates of a credential from a version of a template from now on.

    That is a new version of the credential, with the terms of its newest. Raises `TemplateInUse`, and
    `NoSuchCredential` where it has no version.
    """
    # Of two at the same moment the second sees what the first has published.
    session.execute(select(Credential.id).where(Credential.id == credential.id).with_for_update())
    latest = credentials.find_latest_version(credential)
    if latest is None:
        raise NoSuchCredential(slug=credential.slug)
    if latest.template_version_id == version.id:
        raise TemplateInUse()
    spec = replace(service.spec_of(latest), template=TemplateName(slug=version.template.slug, number=version.number))
    published = service.publish_version(slug=credential.slug, number=rules.next_number(latest.number), spec=spec, by=by)
    assert published is not None
    record(
        "certificates.template_used",
        by=by,
        subject=("certificate_template", version.template.slug),
        after={"version": version.number, "credential": credential.slug},
    )
    return published


def _held(template: CertificateTemplate) -> TemplateDraft:
    """Return the draft as it is now, held until the end of the transaction."""
    # On SQLite the transaction holds the database already; the statement does it on PostgreSQL.
    return session.scalars(
        select(TemplateDraft)
        .where(TemplateDraft.template_id == template.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()


def name_of(code: str) -> str:
    """Return what a person is called here, by her code."""
    whose = next(iter(accounts.list_people_of({code})), None)
    return str(whose.names) if whose else code


# --- what is refused ----------------------------------------------------------------------------------------------


_PLACES: dict[tuple[str, str], LazyText] = {
    ("name", "en"): _l("Name in English"),
    ("name", "ja"): _l("Name in Japanese"),
    ("heading", "en"): _l("Heading in English"),
    ("heading", "ja"): _l("Heading in Japanese"),
    ("lead_in", "en"): _l("Above the name, in English"),
    ("lead_in", "ja"): _l("Above the name, in Japanese"),
    ("statement", "en"): _l("Statement in English"),
    ("statement", "ja"): _l("Statement in Japanese"),
    ("closing", "en"): _l("Closing in English"),
    ("closing", "ja"): _l("Closing in Japanese"),
    ("number_line", "en"): _l("Line with the number, in English"),
    ("number_line", "ja"): _l("Line with the number, in Japanese"),
    ("seal", ""): _l("Characters of the seal"),
}


def say_with_place(fault: Fault) -> str:
    """Say the same after the name of the text in which it is."""
    return _("%(place)s: %(said)s", place=_PLACES[fault.place, fault.language], said=say(fault))


def say(fault: Fault) -> str:
    """Say in the reader's language what is wrong with a template, and what to do."""
    found: Any = fault.found
    match fault.kind:
        case FaultKind.UNKNOWN_KEY:
            return _("“%(key)s” is not known here.", key=fault.place)
        case FaultKind.MISSING:
            return _("Enter a text in this language.")
        case FaultKind.NOT_TEXT | FaultKind.CONTROL:
            return _("There is a character that cannot be printed (%(code)s). Delete it.", code=found or "–")
        case FaultKind.LONG:
            return _(
                "The text has %(count)s characters; there is room for %(limit)s. Shorten it.",
                count=found,
                limit=templates.TEXT_LIMITS[fault.place],
            )
        case FaultKind.PLACEHOLDER:
            known = (templates.NUMBER,) if fault.place == "number_line" else templates.PLACEHOLDERS
            return _(
                "%(found)s is no placeholder. Known are %(names)s.",
                found=found,
                names=", ".join(f"{{{name}}}" for name in known),
            )
        case FaultKind.BRACE:
            return _("A brace stands alone (%(found)s). Braces are for placeholders only.", found=found)
        case FaultKind.NO_NUMBER:
            return _("The line needs {number} exactly once.")
        case FaultKind.MARKUP:
            return _("The text holds markup (%(found)s). Write plain words; nothing in a template is run.", found=found)
        case FaultKind.ADDRESS:
            return _("The text holds an address (%(found)s). Write words; nothing is ever fetched.", found=found)
        case FaultKind.CHOICE:
            return _("“%(found)s” cannot be chosen here.", found=found)
        case FaultKind.IMAGE:
            return _("This picture is not known. Upload it again.")
        case FaultKind.OFTEN:
            return _(
                "%(found)s stands here more than %(most)s times. Name each placeholder at most twice.",
                found=found,
                most=templates.MOST_OFTEN,
            )
        case FaultKind.OVERFLOW:
            return _("With a long name and a long statement this does not fit its place on the sheet. Shorten it.")
        case FaultKind.GLYPH:
            return _("No font has %(characters)s. Write another character instead.", characters=found)
        case FaultKind.SEAL_WORDS:
            return _("A seal takes no placeholders. Write its characters themselves, such as 修了之印.")
        case FaultKind.SEAL:
            return _("The seal must have one to nine characters without blanks.")
