"""QTI 2.0, 2.1 and 2.2: an item by itself, or a content package of items (1EdTech, formerly IMS).

Files are told apart by their bytes. A package is read in memory, within the limits of every archive; what it refuses
names the file inside. Written is a package of QTI 2.2, one item a file, with the same bytes for the same questions.
"""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from urllib.parse import unquote, urlsplit

from portal.core.archives import MAX_ENTRIES, Archive, ArchiveRefused, Why, open_archive
from portal.core.i18n import gettext as _
from portal.quizzes.formats.interchange import (
    MAX_BYTES,
    MAX_QUESTIONS,
    ForeignQuestion,
    Loss,
    Reading,
    Refused,
    Writing,
)
from portal.quizzes.formats.losses import losses_of
from portal.quizzes.formats.qti_items import ItemRefused, question_of
from portal.quizzes.formats.qti_texts import xml_text
from portal.quizzes.formats.qti_writer import item_of
from portal.quizzes.formats.xml_nodes import Budget, Node, XmlRefused, parse

MANIFEST = "imsmanifest.xml"
# Beside the manifest.
MAX_ITEMS = MAX_ENTRIES - 1
# Of all files of a package together.
MAX_XML_BYTES = 20 * 1024 * 1024
MAX_PACKAGE_ELEMENTS = 150_000
_ARCHIVE = b"PK"
_NAME = 120
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}", re.ASCII)
_EPOCH = (1980, 1, 1, 0, 0, 0)
_MANIFEST_SPACE = "http://www.imsglobal.org/xsd/imscp_v1p1"
_LOM_SPACE = "http://ltsc.ieee.org/xsd/LOM"


class Qti:
    """Items of QTI 2, alone or in a package."""

    name = "qti"
    suffix = ".zip"
    content_type = "application/zip"

    def read(self, data: bytes) -> Reading:
        """Return what a file holds."""
        if data.startswith(_ARCHIVE):
            return _Package(data).reading()
        try:
            return Reading((question_of(parse(data)),))
        except (XmlRefused, ItemRefused) as refused:
            return Reading((), (Refused(refused.line, str(refused)),))

    def write(self, questions: Sequence[ForeignQuestion]) -> Writing:
        """Return a package of the questions and what it leaves out."""
        written: list[tuple[ForeignQuestion, str, str]] = []
        losses: list[Loss] = []
        taken: set[str] = set()
        for place, question in enumerate(questions):
            if len(written) >= MAX_ITEMS:
                losses.append(Loss(place, _("A package holds at most %(most)s questions.", most=MAX_ITEMS), True))
                continue
            number = f"item-{len(written) + 1:04d}"
            name = question.id if _IDENTIFIER.fullmatch(question.id) and question.id not in taken else number
            taken |= {name, number}
            item = item_of(question, name)
            back = self.read(_packed([(question, number, item)])).questions if item is not None else ()
            found = losses_of(place, question, back)
            losses += found
            if item is not None and not any(loss.is_refused for loss in found):
                written.append((question, number, item))
        return Writing(_packed(written), tuple(losses))


class _Package:
    """Reads one package."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.questions: list[ForeignQuestion] = []
        self.refused: list[Refused] = []
        self.budget = Budget(MAX_PACKAGE_ELEMENTS)
        self.bytes_left = MAX_XML_BYTES

    def reading(self) -> Reading:
        """Return what the package holds."""
        try:
            archive = open_archive(self.data)
            self._read(archive)
        except ArchiveRefused as refused:
            self.refused.append(Refused(0, _words(refused)))
        return Reading(tuple(self.questions), tuple(self.refused))

    def _read(self, archive: Archive) -> None:
        manifests = [name for name in archive.entries if posixpath.basename(name).lower() == MANIFEST]
        if not manifests:
            self.refused.append(Refused(0, _("The package has no imsmanifest.xml.")))
            return
        path = min(manifests, key=lambda name: (name.count("/"), len(name)))
        try:
            manifest = self._parse(archive, path)
        except XmlRefused as refused:
            self._refuse(path, refused.line, str(refused))
            return
        folder = posixpath.dirname(path)
        # Windows does not mind case, and neither do manifests that were made there.
        by_folded = {name.casefold(): name for name in archive.entries}
        seen: set[str] = set()
        for resource, base in _resources(manifest):
            kind = resource.get("type").lower()
            if not _is_of_questions(kind):
                continue
            href = resource.get("href") or next((each.get("href") for each in resource.elements("file")), "")
            name = _inside(folder, base, href)
            name = name if name in archive.entries else by_folded.get(name.casefold(), name)
            if name in seen:
                continue
            seen.add(name)
            if name not in archive.entries:
                reason = _("The package has no file of this name.")
                self._refuse(href, resource.line, reason)
                continue
            self._item(archive, name, resource)
        if not seen:
            self._refuse(path, manifest.line, _("The package names no items of QTI 2."))

    def _item(self, archive: Archive, name: str, resource: Node) -> None:
        if len(self.questions) >= MAX_QUESTIONS:
            return
        try:
            question = question_of(self._parse(archive, name))
        except (XmlRefused, ItemRefused) as refused:
            self._refuse(name, refused.line, str(refused))
            return
        except ArchiveRefused as refused:
            self._refuse(name, 0, _words(refused))
            return
        tags, category = _described(resource)
        self.questions.append(replace(question, tags=tags, category=category))

    def _parse(self, archive: Archive, name: str) -> Node:
        most = min(self.bytes_left, MAX_BYTES)
        data = archive.read(name, most=most)
        self.bytes_left -= len(data)
        return parse(data, self.budget)

    def _refuse(self, name: str, line: int, reason: str) -> None:
        self.refused.append(Refused(line, f"{name[:_NAME] or '–'}: {reason}"))


def _is_of_questions(kind: str) -> bool:
    """Say whether a resource is an item, or a test or something of another version, which is refused by its name."""
    return kind.startswith("imsqti") and not kind.startswith(("imsqti_stimulus", "imsqti_outcome", "imsqti_rptemplate"))


def _resources(manifest: Node) -> Iterator[tuple[Node, str]]:
    """Yield the resources of a manifest, each with the folder that addresses in it start from."""
    base = manifest.get("base")
    for listed in manifest.elements("resources"):
        inner = posixpath.join(base, listed.get("base"))
        for resource in listed.elements("resource"):
            yield resource, posixpath.join(inner, resource.get("base"))


def _inside(folder: str, base: str, href: str) -> str:
    """Return the name in the package that an address leads to."""
    try:
        path = unquote(urlsplit(href.replace("\\", "/")).path)
    except ValueError:
        return href
    return posixpath.normpath(posixpath.join(folder, base, path)).lstrip("/")


def _described(resource: Node) -> tuple[tuple[str, ...], str]:
    """Return the keywords of the metadata beside an item, and the path of its first classification."""
    tags: dict[str, None] = {}
    category = ""
    for node in resource.walk():
        tag = node.tag.lower()
        if tag == "keyword":
            for text in node.walk():
                if text.tag.lower() in ("string", "langstring") and text.text().strip():
                    tags.setdefault(text.text().strip())
        elif tag == "taxonpath" and not category:
            category = "/".join(_entries(node))
    return tuple(tags), category


def _entries(path: Node) -> Iterator[str]:
    for taxon in path.walk():
        if taxon.tag.lower() != "taxon":
            continue
        entry = next((each for each in taxon.elements() if each.tag.lower() == "entry"), None)
        if entry is not None:
            text = next((each for each in entry.walk() if each.tag.lower() in ("string", "langstring")), None)
            yield (text or entry).text().strip()


def _words(refused: ArchiveRefused) -> str:
    reason = {
        Why.DAMAGED: _("The package is damaged. Export it again."),
        Why.TOO_MANY: _("The package holds more than %(most)s files. Split it.", most=MAX_ENTRIES),
        Why.TOO_LARGE: _("The package is too large once unpacked. Split it."),
        Why.ENCRYPTED: _("The package has a password. Export it without one."),
        Why.LEADS_OUT: _("A file of the package has a name that leads out of it."),
        Why.LINK: _("The package holds a link instead of a file."),
        Why.TWICE: _("The package holds two files of one name."),
        Why.NESTED: _("The package holds another archive. Unpack it, and take each by itself."),
    }[refused.why]
    return f"{refused.entry[:_NAME]}: {reason}" if refused.entry else reason


# --- out ---------------------------------------------------------------------------------------


def _packed(written: Sequence[tuple[ForeignQuestion, str, str]]) -> bytes:
    """Return a package; the same items make the same bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        files = [(MANIFEST, _manifest(written)), *((f"items/{name}.xml", item) for _question, name, item in written)]
        for name, text in files:
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, text.encode())
    return out.getvalue()


def _manifest(written: Sequence[tuple[ForeignQuestion, str, str]]) -> str:
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<manifest xmlns="{_MANIFEST_SPACE}" identifier="shirube-package">',
        "<metadata><schema>QTIv2.2 Package</schema><schemaversion>1.0.0</schemaversion></metadata>",
        "<organizations/>",
        "<resources>",
    ]
    for question, name, _item in written:
        href = f"items/{name}.xml"
        lines += [
            f'<resource identifier="res-{name}" type="imsqti_item_xmlv2p2" href="{href}">',
            *_lom(question),
            f'<file href="{href}"/>',
            "</resource>",
        ]
    return "\n".join([*lines, "</resources>", "</manifest>", ""])


def _lom(question: ForeignQuestion) -> list[str]:
    if not question.tags and not question.category:
        return []
    lines = ["<metadata>", f'<lom xmlns="{_LOM_SPACE}">']
    if question.tags:
        words = "".join(f"<keyword><string>{xml_text(tag)}</string></keyword>" for tag in question.tags)
        lines.append(f"<general>{words}</general>")
    if question.category:
        taxa = "".join(
            f"<taxon><entry><string>{xml_text(part)}</string></entry></taxon>" for part in question.category.split("/")
        )
        lines += [
            "<classification>",
            "<purpose><source>LOMv1.0</source><value>discipline</value></purpose>",
            f"<taxonPath>{taxa}</taxonPath>",
            "</classification>",
        ]
    return [*lines, "</lom>", "</metadata>"]


FORMAT = Qti()
