"""`templates/<slug>/<number>.toml`: the versions of certificate templates, and the pictures that they show."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from portal.accounts.models import Person
from portal.certificates.content import line_within
from portal.certificates.errors import (
    TemplateDoesNotFit,
    TemplateSlugInvalid,
    TemplateVersionChanged,
    TemplateVersionGap,
)
from portal.certificates.queries import templates as queries
from portal.certificates.rules.templates import (
    CHOICES,
    IMAGES,
    TEXT_LIMITS,
    Fault,
    ImageKind,
    TemplateSpec,
    parse,
    refused_at_save,
)
from portal.certificates.service import drawing, pictures
from portal.certificates.service import templates as service
from portal.core.content import ContentFile, ContentFolder, line_of, to_toml
from portal.core.errors import DomainError
from portal.core.i18n import gettext as _
from portal.core.i18n import lazy_gettext as _l

_NUMBER = re.compile(r"[1-9][0-9]{0,4}")
_PICTURE = re.compile(r"images/[a-z0-9][a-z0-9-]{0,70}\.(?:png|jpg)")
_KEPT_PICTURE = re.compile(r"images/([0-9a-f]{64})\.png")


_MEND = _l("Correct it here, or write the template in the editor and write the content out again.")


class TemplatesPart:
    """The templates' share of the content folder: every version that was published, and their pictures."""

    folder = "templates"
    pictures = "templates/images"

    def check(self, folder: ContentFolder) -> None:
        """Read every version; note what is wrong with it, and which versions there are."""
        found: dict[str, dict[int, tuple[ContentFile, TemplateSpec]]] = {}
        known: dict[str, set[int]] = {name: set() for name in folder.unread(self.folder)}
        for file in folder.below(self.folder):
            place = _place(folder, file)
            if place is None:
                continue
            slug, number = place
            # A faulty file has findings of its own; that credentials name it is no fault as well.
            known.setdefault(slug, set()).add(number)
            spec = _read(folder, file)
            if spec is not None:
                found.setdefault(slug, {})[number] = (file, spec)
        for slug, versions in known.items():
            missing = next((number for number in range(1, max(versions, default=0)) if number not in versions), None)
            if missing is not None:
                path = f"{self.folder}/{slug}/{max(versions)}.toml"
                message = _("Version %(number)s of the template is missing.", number=missing)
                folder.error(path, 0, message, _("Versions are numbered from 1, one file a version."))
        folder.shared["template_versions"] = known
        folder.shared["templates"] = found

    def load(self, folder: ContentFolder, by: Person) -> list[str]:
        """Take in the versions that are not here yet, with their pictures."""
        changes = []
        for slug, versions in folder.shared["templates"].items():
            for number, (file, spec) in sorted(versions.items()):
                for kind, hash_ in spec.images().items():
                    made, name = folder.shared["template_pictures"][kind, hash_]
                    pictures.add_image(kind=kind, name=name, picture=made, by=by)
                try:
                    taken = service.take_version(slug=slug, number=number, spec=spec, by=by)
                except TemplateDoesNotFit as refused:
                    folder.error(file.path, line_of(file.text, "statement"), str(refused), str(_MEND))
                    continue
                except (TemplateVersionChanged, TemplateVersionGap, TemplateSlugInvalid) as refused:
                    mend = _("Published versions stay as they are: export the template, and write the next version.")
                    folder.error(file.path, 0, str(refused), mend)
                    continue
                if taken is not None:
                    changes.append(f"{file.path}: {number}")
        return changes

    def dump(self) -> Iterator[ContentFile]:
        """Yield every version of every template, and the pictures that they show."""
        shown: set[str] = set()
        for version in queries.list_versions():
            spec = queries.spec_of(version.spec)
            shown |= set(spec.images().values())
            yield ContentFile(f"{self.folder}/{version.template.slug}/{version.number}.toml", _written(spec))
        seen: set[str] = set()
        for image in queries.list_images_of(shown):
            # The same bytes may be kept as a logo and as a seal.
            if image.sha256 not in seen:
                seen.add(image.sha256)
                yield ContentFile(f"{self.folder}/images/{image.sha256}.png", "", image.data)

    def canonical(self, file: ContentFile) -> str | None:
        """Return the file as `dump` would write what it says."""
        folder = ContentFolder({})
        table = folder.read_toml(file)
        if table is None:
            return None
        for key in IMAGES:
            named = _KEPT_PICTURE.fullmatch(str(table.get(key, "")))
            if key in table:
                table[key] = named.group(1) if named else None
        spec, _faults = parse(table)
        return None if spec is None else _written(spec)


def _place(folder: ContentFolder, file: ContentFile) -> tuple[str, int] | None:
    """Return slug and number of a version's file, or None with a finding."""
    number = file.parts[-1].removesuffix(".toml")
    if len(file.parts) != 3 or not file.path.endswith(".toml") or not _NUMBER.fullmatch(number):
        folder.error(
            file.path,
            0,
            _("This is no version of a certificate template."),
            _("A version lies in templates/NAME/1.toml, its pictures in templates/images."),
        )
        return None
    slug = folder.slug_of(file, file.parts[1])
    if slug in service.RESERVED:
        message = _("“%(slug)s” is the address of a page.", slug=slug)
        folder.error(file.path, 0, message, _("Give the folder another name."))
        return None
    return None if slug is None else (slug, int(number))


def _read(folder: ContentFolder, file: ContentFile) -> TemplateSpec | None:
    table = folder.read_toml(file)
    if table is None:
        return None
    known = True
    for key, kind in IMAGES.items():
        if key in table:
            hash_ = _hash_of(folder, file, key, kind, table[key])
            known = known and hash_ is not None
            table[key] = hash_ or ""
    spec, faults = parse(table)
    faults += refused_at_save(spec) if spec is not None else ()
    for fault in faults:
        folder.error(file.path, _line_of(file, fault), _told(fault), str(_MEND))
    if spec is not None and known and not faults:
        kept = folder.shared.get("template_pictures", {})
        images = {hash_: kept[kind, hash_][0].data for kind, hash_ in spec.images().items()}
        for fault in drawing.faults_when_filled(spec, images):
            # One that was published before this was measured stays as it is; a new one is refused when it is taken in.
            folder.warn(file.path, _line_of(file, fault), _told(fault), str(_MEND))
    return spec if known else None


def _told(fault: Fault) -> str:
    named = f"{fault.place} ({fault.language})" if fault.language else fault.place
    return f"{named}: {service.say(fault)}"


def _line_of(file: ContentFile, fault: Fault) -> int:
    """Return the line of what was found, or of the text in its language, or of the key."""
    begins = line_of(file.text, fault.place)
    return line_within(file.text, begins, fault.found, fault.language)


def _hash_of(folder: ContentFolder, file: ContentFile, key: str, kind: ImageKind, named: Any) -> str | None:
    """Return the hash of a picture as it is kept, made into `shared`; None with a finding."""
    path = f"{TemplatesPart.folder}/{named}"
    data = folder.pictures.get(path) if isinstance(named, str) and _PICTURE.fullmatch(named) else None
    if data is None:
        message = _("There is no picture “%(name)s” in the folder.", name=str(named)[:80])
        mend = _('Put it into templates/images and write %(key)s = "images/NAME.png".', key=key)
        folder.error(file.path, line_of(file.text, key), message, mend)
        return None
    try:
        made = pictures.of_file(data, kind)
    except DomainError as refused:
        folder.error(path, 0, str(refused))
        return None
    folder.shared.setdefault("template_pictures", {})[kind, made.sha256] = (made, path.rpartition("/")[2])
    return made.sha256


def _written(spec: TemplateSpec) -> str:
    """Return a version as its file; what is empty is left out where it may be."""
    said: Mapping[str, Any] = spec.as_table()
    table: dict[str, Any] = {key: said[key] for key in CHOICES}
    table["seal"] = said["seal"] or None
    for key in IMAGES:
        table[key] = f"images/{said[key]}.png" if said[key] else None
    for key in TEXT_LIMITS:
        table[key] = said[key] if any(said[key].values()) else None
    return to_toml(table)
