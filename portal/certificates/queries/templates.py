"""Every look at certificate templates, their versions, drafts and pictures."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import contains_eager, joinedload, selectinload, undefer

from portal.certificates.errors import NoSuchTemplate, NoSuchTemplateVersion
from portal.certificates.models import (
    CertificateImage,
    CertificateTemplate,
    Credential,
    CredentialVersion,
    TemplateVersion,
)
from portal.certificates.queries import list_latest_versions
from portal.certificates.rules.templates import ImageKind, TemplateSpec, parse
from portal.core.db import session


def find_template(slug: str) -> CertificateTemplate | None:
    """Return the template of the slug with its versions and draft, or None."""
    return session.scalar(
        select(CertificateTemplate)
        .where(CertificateTemplate.slug == slug)
        .options(selectinload(CertificateTemplate.versions), joinedload(CertificateTemplate.draft))
    )


def get_template(slug: str) -> CertificateTemplate:
    """Return the template of the slug with its versions and draft. Raises `NoSuchTemplate`."""
    found = find_template(slug)
    if found is None:
        raise NoSuchTemplate()
    return found


def list_templates() -> list[CertificateTemplate]:
    """Return all templates with their versions and drafts, by slug."""
    return list(
        session.scalars(
            select(CertificateTemplate)
            .options(selectinload(CertificateTemplate.versions), joinedload(CertificateTemplate.draft))
            .order_by(CertificateTemplate.slug)
        )
    )


def find_version(slug: str, number: int) -> TemplateVersion | None:
    """Return a version of a template, or None."""
    return session.scalar(
        select(TemplateVersion)
        .join(TemplateVersion.template)
        .options(contains_eager(TemplateVersion.template))
        .where(CertificateTemplate.slug == slug, TemplateVersion.number == number)
    )


def get_version(slug: str, number: int) -> TemplateVersion:
    """Return a version of a template. Raises `NoSuchTemplateVersion`."""
    found = find_version(slug, number) if number < 1_000_000 else None
    if found is None:
        raise NoSuchTemplateVersion()
    return found


def list_versions() -> list[TemplateVersion]:
    """Return every version of every template, by slug and number."""
    return list(
        session.scalars(
            select(TemplateVersion)
            .join(TemplateVersion.template)
            .options(contains_eager(TemplateVersion.template))
            .order_by(CertificateTemplate.slug, TemplateVersion.number)
        )
    )


def spec_of(table: Mapping[str, Any]) -> TemplateSpec:
    """Return the spec that a row holds."""
    spec, faults = parse(table)
    if spec is None:
        raise ValueError(f"a kept template is faulty: {faults[0]}")
    return spec


def list_users_of(template: CertificateTemplate) -> list[CredentialVersion]:
    """Return the newest versions of the credentials whose certificates are drawn from a version of the template."""
    ids = {version.id for version in template.versions}
    return [each for each in list_latest_versions() if each.template_version_id in ids]


def users_by_template() -> dict[int, list[CredentialVersion]]:
    """Return by the row of each template the newest versions of the credentials that it is used for."""
    latest = [each for each in list_latest_versions() if each.template_version_id is not None]
    rows = session.execute(
        select(TemplateVersion.id, TemplateVersion.template_id).where(
            TemplateVersion.id.in_([each.template_version_id for each in latest])
        )
    )
    template_of: dict[int, int] = {row.id: row.template_id for row in rows}
    users: dict[int, list[CredentialVersion]] = {}
    for each in latest:
        if each.template_version_id is not None:
            users.setdefault(template_of[each.template_version_id], []).append(each)
    return users


def list_credential_slugs() -> list[str]:
    """Return the slugs of all credentials."""
    return list(session.scalars(select(Credential.slug).order_by(Credential.slug)))


# --- pictures -----------------------------------------------------------------------------------------------------


def list_images(kind: ImageKind) -> list[CertificateImage]:
    """Return the pictures of a kind without their bytes, the newest first."""
    return list(
        session.scalars(
            select(CertificateImage).where(CertificateImage.kind == kind).order_by(CertificateImage.id.desc())
        )
    )


def find_image(sha256: str, kind: ImageKind | None = None) -> CertificateImage | None:
    """Return the picture of these bytes, or None; of a kind where one is given."""
    statement = select(CertificateImage).where(CertificateImage.sha256 == sha256).order_by(CertificateImage.id)
    if kind is not None:
        statement = statement.where(CertificateImage.kind == kind)
    return session.scalars(statement.limit(1)).first()


def list_images_of(hashes: Collection[str]) -> list[CertificateImage]:
    """Return the pictures of these hashes with their bytes."""
    return list(
        session.scalars(
            select(CertificateImage)
            .where(CertificateImage.sha256.in_(hashes))
            .options(undefer(CertificateImage.data))
            .order_by(CertificateImage.id)
        )
    )


def bytes_of_images(spec: TemplateSpec) -> dict[str, bytes]:
    """Return the bytes of the pictures that a spec shows, by their SHA-256."""
    hashes = set(spec.images().values())
    return {image.sha256: image.data for image in list_images_of(hashes)} if hashes else {}


def images_of_snapshot(snapshot: Mapping[str, Any]) -> dict[str, bytes]:
    """Return the bytes of the pictures that a certificate shows, by their SHA-256; none where it has no template."""
    return bytes_of_images(spec_of(snapshot["template"]["spec"])) if "template" in snapshot else {}
