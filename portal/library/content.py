"""`documents/<slug>/` and `glossary.toml`: how documents travel, and what is wrong with a file."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from portal.accounts import queries as accounts
from portal.accounts.models import Person, Role
from portal.accounts.service.ownership import set_owner
from portal.core import clock
from portal.core.content import SLUG, YEARS, ContentFile, ContentFolder, line_of, to_toml
from portal.core.i18n import LANGUAGES, other
from portal.core.i18n import gettext as _
from portal.core.markdown import (
    SENSITIVITIES,
    ClauseSource,
    FrontMatterBroken,
    clause_links,
    front_matter,
    split_clauses,
    verbatim_from,
)
from portal.library import queries, rules
from portal.library.errors import EffectiveBeforeEarlier, EffectiveBeforeInForce
from portal.library.models import AudienceKind, ChangeClass, Document, DocumentKind, DocumentVersion
from portal.library.service import documents, glossary, versions
from portal.library.service.glossary import TermDraft
from portal.library.service.texts import TextDraft, anchors_of, order_differs, problems_of
from portal.organisation.queries import default_time_zone, find_market, find_team

_SETTINGS = "document.toml"
_TOML_KEYS = ("kind", "owner", "deputy", "authoritative", "review_every_months", "sensitivity", "audience")
_BOTH = ("title", "version", "summary", "what_to_do_differently", "attestation")
_TRANSLATION = ("behind",)
_DECIDING = ("change_class", "effective_at", "zone", "based_on")
_MAX_TITLE = 300
_MAX_CODE = 60
_AUDIENCE = {"markets": AudienceKind.MARKET, "teams": AudienceKind.TEAM, "roles": AudienceKind.ROLE}
# Lines of a redline in a finding.
_SHOWN_LINES = 8


@dataclass(slots=True)
class _Settings:
    """What `document.toml` says."""

    file: ContentFile
    kind: DocumentKind
    owner: str
    deputy: str
    authoritative: str
    review_every_months: int | None
    sensitivity: str
    audience: dict[AudienceKind, list[str]]


@dataclass(slots=True)
class _Text:
    """What a language's file says."""

    file: ContentFile
    language: str
    values: dict[str, str]
    body: str
    first_line: int
    clauses: list[ClauseSource] = field(default_factory=list)
    effective_at: datetime | None = None

    @property
    def number(self) -> str:
        return self.values.get("version", "")

    def draft(self) -> TextDraft:
        values = self.values
        return TextDraft(
            language=self.language,
            title=values["title"],
            source=self.body,
            summary=values.get("summary", ""),
            what_to_do_differently=values.get("what_to_do_differently", ""),
            attestation=values.get("attestation", ""),
            says_number=self.number,
            stated_behind=self.values.get("behind"),
        )


@dataclass(slots=True)
class _Folder:
    """One document's folder."""

    slug: str
    settings: _Settings
    texts: dict[str, _Text]

    @property
    def deciding(self) -> _Text:
        return self.texts[self.settings.authoritative]


class DocumentsPart:
    """The documents' share of the content folder."""

    folder = "documents"

    def check(self, folder: ContentFolder) -> None:
        """Look at every document: settings, front matter, text, clause ids, links, both languages."""
        by_slug: dict[str, list[ContentFile]] = {}
        for file in folder.below(self.folder):
            if len(file.parts) != 3:
                folder.error(
                    file.path,
                    0,
                    _("This file belongs to no document."),
                    _("A document is a folder documents/<slug>/ with document.toml, en.md and ja.md."),
                )
                continue
            by_slug.setdefault(file.parts[1], []).append(file)
        found: dict[str, _Folder] = {}
        for slug, files in by_slug.items():
            if folder.slug_of(files[0], slug) is None:
                continue
            read = _read(folder, slug, {file.parts[2]: file for file in files})
            if read is not None:
                found[slug] = read
        folder.shared["documents"] = set(by_slug) | folder.unread(self.folder)
        folder.shared["clauses"] = {
            slug: {read.deciding.number: {clause.anchor for clause in read.deciding.clauses}}
            for slug, read in found.items()
        }
        folder.shared["audiences"] = {
            slug: {kind.value: tuple(codes) for kind, codes in each.settings.audience.items() if codes}
            for slug, each in found.items()
        }
        folder.shared["library.read"] = found
        for slug, read in found.items():
            _check_links(folder, slug, read)
            _check_words(folder, read)

    def load(self, folder: ContentFolder, by: Person) -> list[str]:
        """Make new documents and publish new versions; what is published already must say the same."""
        found: dict[str, _Folder] = folder.shared["library.read"]
        changes: list[str] = []
        for read in found.values():
            changes += _load_settings(folder, read, by)
        headings, published = _HeadingsAfter(found), []
        for read in found.values():
            document = queries.find_document(read.slug)
            version = None if document is None else _load_version(folder, document, read, headings, by)
            if version is not None:
                published.append(version)
                changes.append(
                    _(
                        "%(path)s: version %(number)s (%(clauses)s clauses)",
                        path=read.deciding.file.path,
                        number=version.number,
                        clauses=len(read.deciding.clauses),
                    )
                )
        if published:
            versions.show_links_to([version.document.slug for version in published], besides=published)
        return changes

    def prepare(self, folder: ContentFolder) -> None:
        """Parse and show what is new, as `load` will."""
        found: dict[str, _Folder] = folder.shared["library.read"]
        headings = _HeadingsAfter(found)
        for slug, read in found.items():
            if headings.is_new(slug):
                for text in read.texts.values():
                    versions.prepare_text(slug=slug, draft=text.draft(), headings=headings)

    def dump(self) -> Iterator[ContentFile]:
        """Yield each document's settings and the texts of its latest version."""
        listed = queries.list_documents()
        owners = accounts.find_owners(documents.OWNED_KIND, [document.slug for document in listed])
        for document in listed:
            path = f"{self.folder}/{document.slug}"
            ownership = owners.get(document.slug)
            owner, deputy = document.stated_owner, document.stated_deputy
            if ownership is not None and ownership.owner.code != document.stated_owner_became:
                owner = ownership.owner.sign_in_name
                deputy = ownership.deputy.sign_in_name if ownership.deputy else ""
            yield ContentFile(f"{path}/{_SETTINGS}", _written_settings(_values_of(document, owner, deputy)))
            version = queries.latest_version(document)
            if version is None:
                continue
            for text in sorted(version.texts, key=lambda text: text.language):
                values = {
                    "title": text.title,
                    "version": text.says_number,
                    "summary": text.summary,
                    "what_to_do_differently": text.what_to_do_differently,
                    "attestation": text.attestation,
                    "behind": text.stated_behind or "",
                }
                if text.language == document.authoritative:
                    values |= {
                        "change_class": version.change_class.value,
                        "effective_at": _written_instant(version.effective_at, version.zone),
                        "zone": version.zone,
                        "based_on": version.stated_based_on,
                    }
                yield ContentFile(f"{path}/{text.language}.md", _written_text(values, text.source))

    def canonical(self, file: ContentFile) -> str | None:
        """Return the file as `dump` would write what it says."""
        folder = ContentFolder({})
        if file.parts[-1] == _SETTINGS:
            settings = _read_settings(folder, file)
            return None if settings is None or folder.errors else _written_settings(_values_of_file(settings))
        # Whether a text decides is told by the keys that only such a text has.
        text = _read_text(folder, file, file.parts[-1].removesuffix(".md"), decides=None)
        if text is None or folder.errors:
            return None
        values = dict(text.values)
        if text.effective_at is not None:
            values["zone"] = values.get("zone") or default_time_zone()
            values["effective_at"] = _written_instant(text.effective_at, values["zone"])
        return _written_text(values, text.body)


# --- reading files ------------------------------------------------------------------------------


def _read(folder: ContentFolder, slug: str, files: Mapping[str, ContentFile]) -> _Folder | None:
    before = len(folder.errors)
    base = f"documents/{slug}"
    # A file that could not be read is not missing as well.
    unread = {finding.path.rpartition("/")[2] for finding in folder.errors if finding.path.startswith(f"{base}/")}
    if _SETTINGS in unread:
        return None
    if _SETTINGS not in files:
        folder.error(
            f"{base}/{_SETTINGS}",
            0,
            _("The document has no document.toml."),
            _("Write one; it names kind, owner and audience."),
        )
        return None
    settings = _read_settings(folder, files[_SETTINGS])
    authoritative = settings.authoritative if settings else "en"
    texts: dict[str, _Text] = {}
    for name, file in files.items():
        if name == _SETTINGS:
            continue
        tag = name.removesuffix(".md")
        if not name.endswith(".md"):
            folder.error(
                file.path,
                0,
                _("This file is not known in a document's folder."),
                _("It holds document.toml, en.md and ja.md."),
            )
        elif tag not in LANGUAGES:
            folder.error(
                file.path,
                0,
                _("“%(tag)s” is no language that is known here.", tag=tag),
                _("Name the file en.md or ja.md."),
            )
        else:
            text = _read_text(folder, file, tag, decides=tag == authoritative)
            if text is not None:
                texts[tag] = text
    present = set(files) | unread
    if f"{authoritative}.md" not in present:
        folder.error(
            f"{base}/{authoritative}.md",
            0,
            _("The authoritative text is missing."),
            _("Write this file, or set “authoritative” in document.toml to the language that there is."),
        )
    elif f"{other(authoritative)}.md" not in present:
        folder.warn(
            f"{base}/{other(authoritative)}.md",
            0,
            _("There is no text in the other language."),
            _("Readers see the authoritative one until it is written; the version is provisional."),
        )
    if settings is None or authoritative not in texts or len(folder.errors) > before:
        return None
    read = _Folder(slug, settings, texts)
    _check_languages(folder, read)
    _check_sensitivity(folder, read)
    return read if len(folder.errors) == before else None


def _read_settings(folder: ContentFolder, file: ContentFile) -> _Settings | None:
    before = len(folder.errors)
    table = folder.read_toml(file)
    if table is None:
        return None
    for key in table:
        if key not in _TOML_KEYS:
            folder.error(
                file.path,
                line_of(file.text, key),
                _("“%(key)s” is not known here.", key=key),
                _("Known are: %(keys)s.", keys=", ".join(_TOML_KEYS)),
            )
    kind = _choice(folder, file, table, "kind", known=[kind.value for kind in DocumentKind])
    authoritative = _choice(folder, file, table, "authoritative", known=LANGUAGES, default="en")
    sensitivity = _choice(folder, file, table, "sensitivity", known=SENSITIVITIES, default="S0")
    owner, deputy = (folder.sign_in_name(file, table, key, needed=key == "owner") for key in ("owner", "deputy"))
    months = table.get("review_every_months")
    if months is not None and (not isinstance(months, int) or isinstance(months, bool) or not 1 <= months <= 120):
        folder.error(
            file.path,
            line_of(file.text, "review_every_months"),
            _("“%(key)s” is not a number of months.", key="review_every_months"),
            _("Write a whole number from 1 to 120, or leave it out."),
        )
    audience = _read_audience(folder, file, table.get("audience", {}))
    if len(folder.errors) > before or kind is None or authoritative is None or sensitivity is None:
        return None
    return _Settings(
        file=file,
        kind=DocumentKind(kind),
        owner=(owner or "").casefold(),
        deputy=(deputy or "").casefold(),
        authoritative=authoritative,
        review_every_months=months,
        sensitivity=sensitivity,
        audience=audience,
    )


def _choice(
    folder: ContentFolder,
    file: ContentFile,
    table: Mapping[str, Any],
    key: str,
    *,
    known: Sequence[str],
    default: str | None = None,
) -> str | None:
    value = table.get(key, default)
    if value in known:
        return str(value)
    folder.error(
        file.path,
        line_of(file.text, key),
        _("“%(key)s” is missing.", key=key)
        if value is None
        else _("“%(value)s” is not known for “%(key)s”.", value=value, key=key),
        _("Write one of: %(keys)s.", keys=", ".join(known)),
    )
    return None


def _read_audience(folder: ContentFolder, file: ContentFile, table: Any) -> dict[AudienceKind, list[str]]:
    audience: dict[AudienceKind, list[str]] = {kind: [] for kind in AudienceKind}
    if not isinstance(table, dict):
        table = {"audience": table}
    for key, codes in table.items():
        if (
            key not in _AUDIENCE
            or not isinstance(codes, list)
            or not all(isinstance(code, str) and 0 < len(code) <= _MAX_CODE for code in codes)
        ):
            folder.error(
                file.path,
                line_of(file.text, key),
                _("“%(key)s” is not known in the audience.", key=key),
                _('Write markets, teams and roles as lists, such as markets = ["JP"]; an empty list means everybody.'),
            )
            continue
        if key == "roles":
            unknown = sorted(set(codes) - {role.value for role in Role})
            if unknown:
                folder.error(
                    file.path,
                    line_of(file.text, unknown[0]),
                    _("“%(value)s” is not known for “%(key)s”.", value=unknown[0], key=key),
                    _("Write one of: %(keys)s.", keys=", ".join(role.value for role in Role)),
                )
        audience[_AUDIENCE[key]] = sorted(set(codes))
    return audience


def _read_text(folder: ContentFolder, file: ContentFile, tag: str, *, decides: bool | None) -> _Text | None:
    """Read a language's file; `decides` None takes the keys of both kinds of text."""
    before = len(folder.errors)
    try:
        given, _body, first_line = front_matter(file.text)
    except FrontMatterBroken as broken:
        folder.error(file.path, broken.problem.line, broken.problem.reason, broken.problem.mend)
        return None
    if not given:
        folder.error(
            file.path,
            1,
            _("The file has no front matter."),
            _("Begin it with a line ---, then title and version, then another line ---."),
        )
        return None
    values: dict[str, str] = {}
    for key, value in given.items():
        line = line_of(file.text, key)
        if key in _DECIDING and decides is False:
            folder.error(
                file.path,
                line,
                _("“%(key)s” stands only in the authoritative text.", key=key),
                _("Remove the line."),
            )
        elif key in _TRANSLATION and decides:
            folder.error(
                file.path,
                line,
                _("“%(key)s” stands only in a translation.", key=key),
                _("Remove the line."),
            )
        elif key not in (*_BOTH, *_DECIDING, *_TRANSLATION):
            folder.error(
                file.path,
                line,
                _("“%(key)s” is not known here.", key=key),
                _("Known are: %(keys)s.", keys=", ".join(_BOTH + (_DECIDING if decides else _TRANSLATION))),
            )
        elif value is None:
            continue
        elif not isinstance(value, str):
            folder.error(
                file.path,
                line,
                _("“%(key)s” is not a text.", key=key),
                _("Write it on one line, in quotation marks where it contains a colon."),
            )
        else:
            values[key] = value.strip()
    if values.get("behind"):
        values["behind"] = ", ".join(anchors_of(values["behind"]))
    text = _Text(file, tag, values, verbatim_from(file.text, first_line), first_line)
    _check_values(folder, text, decides=decides)
    for problem in problems_of(text.body, first_line=first_line):
        folder.error(file.path, problem.line, problem.reason, problem.mend)
    if len(folder.errors) > before:
        return None
    text.clauses = split_clauses(text.body)
    return text


def _check_values(folder: ContentFolder, text: _Text, *, decides: bool | None) -> None:
    file, values = text.file, text.values
    needed = ("title", "version", "change_class", "effective_at") if decides else ("title", "version")
    for key in needed:
        if not values.get(key):
            folder.error(
                file.path,
                line_of(file.text, key) or 1,
                _("“%(key)s” is missing.", key=key),
                _("Add it to the front matter."),
            )
    if len(values.get("title", "")) > _MAX_TITLE:
        folder.error(
            file.path,
            line_of(file.text, "title"),
            _("The title is longer than %(limit)s characters.", limit=_MAX_TITLE),
            _("Shorten it."),
        )
    for key in ("version", "based_on"):
        if values.get(key) and not rules.NUMBER.fullmatch(values[key]):
            folder.error(
                file.path,
                line_of(file.text, key),
                _("“%(value)s” is no version number.", value=values[key]),
                _('Write it as "1.0": two whole numbers with a dot, in quotation marks.'),
            )
    change_class = values.get("change_class")
    if change_class and change_class not in set(ChangeClass):
        folder.error(
            file.path,
            line_of(file.text, "change_class"),
            _("“%(value)s” is not known for “%(key)s”.", value=change_class, key="change_class"),
            _("Write one of: %(keys)s.", keys=", ".join(ChangeClass)),
        )
    if values.get("zone") and not clock.is_zone(values["zone"]):
        folder.error(
            file.path,
            line_of(file.text, "zone"),
            _("There is no time zone “%(zone)s”.", zone=values["zone"]),
            _("Write a name of the time zone database, such as Asia/Tokyo."),
        )
    if values.get("effective_at"):
        text.effective_at = _instant(values["effective_at"])
        if text.effective_at is None:
            folder.error(
                file.path,
                line_of(file.text, "effective_at"),
                _("“%(value)s” is no instant.", value=values["effective_at"]),
                _(
                    "Write date, time and offset, such as 2026-04-01T00:00+09:00, in the years %(first)s to %(last)s.",
                    first=YEARS[0],
                    last=YEARS[-1],
                ),
            )


def _instant(value: str) -> datetime | None:
    try:
        instant = datetime.fromisoformat(value)
    except ValueError:
        return None
    return instant if instant.tzinfo is not None and instant.year in YEARS else None


def _check_languages(folder: ContentFolder, read: _Folder) -> None:
    deciding = read.deciding
    for text in read.texts.values():
        if text is deciding:
            continue
        line = line_of(text.file.text, "version")
        if rules.number_key(text.number) > rules.number_key(deciding.number):
            folder.error(
                text.file.path,
                line,
                _(
                    "It translates version %(number)s, but the authoritative text is %(latest)s.",
                    number=text.number,
                    latest=deciding.number,
                ),
                _("Raise the authoritative text's version, or correct this one."),
            )
        elif text.values.get("behind"):
            _check_behind(folder, deciding, text)
        elif text.number == deciding.number:
            difference = order_differs(deciding.clauses, text.clauses)
            if difference is not None:
                expected, found = difference
                folder.error(
                    text.file.path,
                    found.line + text.first_line - 1 if found else 0,
                    _("The clause “%(id)s” is missing.", id=expected.anchor)
                    if found is None and expected is not None
                    else _("The clause “%(id)s” is not in the authoritative text.", id=found.anchor if found else "")
                    if expected is None
                    else _(
                        "The clause “%(id)s” stands where “%(expected)s” belongs.",
                        id=found.anchor if found else "",
                        expected=expected.anchor,
                    ),
                    _("Both languages have the same clause ids in the same order."),
                )
        else:
            folder.warn(
                text.file.path,
                line,
                _(
                    "It translates version %(number)s and is behind %(latest)s.",
                    number=text.number,
                    latest=deciding.number,
                ),
                _("Translate what changed, and publish it as an editorial version."),
            )


def _check_behind(folder: ContentFolder, deciding: _Text, text: _Text) -> None:
    """Look at a translation that names the clauses which do not follow yet: all others are there, in the same order."""
    line = line_of(text.file.text, "behind")
    stated = set(anchors_of(text.values["behind"]))
    there = [clause.anchor for clause in deciding.clauses]
    unknown = sorted(stated - set(there))
    if unknown:
        folder.error(
            text.file.path,
            line,
            _("The clause “%(id)s” is not in the authoritative text.", id=unknown[0]),
            _("Name under “behind” only clauses that the authoritative text has."),
        )
        return
    difference = order_differs(
        [clause for clause in deciding.clauses if clause.anchor not in stated],
        [clause for clause in text.clauses if clause.anchor in there and clause.anchor not in stated],
    )
    if difference is not None:
        expected, found = difference
        folder.error(
            text.file.path,
            found.line + text.first_line - 1 if found else line,
            _("The clause “%(id)s” is missing.", id=expected.anchor if expected else "")
            if found is None
            else _(
                "The clause “%(id)s” stands where “%(expected)s” belongs.",
                id=found.anchor,
                expected=expected.anchor if expected else "",
            ),
            _("Bring it into the order of the authoritative text, or name it under “behind” until it follows."),
        )
        return
    folder.warn(
        text.file.path,
        line,
        _("It does not follow version %(latest)s in: %(ids)s.", latest=deciding.number, ids=text.values["behind"]),
        _("Translate what changed, and publish it as an editorial version."),
    )


def _check_sensitivity(folder: ContentFolder, read: _Folder) -> None:
    for text in read.texts.values():
        for clause in text.clauses:
            if (clause.sensitivity or "S0") > read.settings.sensitivity:
                folder.error(
                    text.file.path,
                    clause.line + text.first_line - 1,
                    _(
                        "The clause is labelled %(label)s, the document only %(document)s.",
                        label=clause.sensitivity,
                        document=read.settings.sensitivity,
                    ),
                    _("Raise “sensitivity” in document.toml: it is the highest that a reader meets."),
                )


def _check_links(folder: ContentFolder, slug: str, read: _Folder) -> None:
    known: dict[str, dict[str, set[str]]] = folder.shared["clauses"]
    slugs: set[str] = folder.shared["documents"]
    for text in read.texts.values():
        for target, anchor, line in clause_links(text.body):
            there = target or slug
            anchors = next(iter(known.get(there, {}).values()), None)
            if there not in slugs:
                folder.warn(
                    text.file.path,
                    line + text.first_line - 1,
                    _("The document “%(slug)s” is not in this folder.", slug=there),
                    _("The link shows its address until there is such a document."),
                )
            elif anchors is None:
                folder.unchecked(text.file.path, 0, f"documents/{there}")
            elif anchor not in anchors:
                folder.error(
                    text.file.path,
                    line + text.first_line - 1,
                    _("There is no clause “%(slug)s#%(id)s”.", slug=there, id=anchor),
                    _("Its clauses are: %(ids)s.", ids=", ".join(sorted(anchors)[:30])),
                )


def _check_words(folder: ContentFolder, read: _Folder) -> None:
    terms: list[TermDraft] = folder.shared.get("library.terms", [])
    for text in read.texts.values():
        for term in terms:
            for word in term.forbidden_ja if text.language == "ja" else term.forbidden_en:
                pattern = re.escape(word) if text.language == "ja" else rf"(?<!\w){re.escape(word)}(?!\w)"
                found = re.search(pattern, text.body, re.IGNORECASE)
                if found:
                    folder.warn(
                        text.file.path,
                        text.body.count("\n", 0, found.start()) + text.first_line,
                        _("The glossary forbids the word “%(word)s”.", word=word),
                        _("Write “%(term)s”.", term=term.term.in_(text.language)),
                    )


# --- taking in ----------------------------------------------------------------------------------


def _load_settings(folder: ContentFolder, read: _Folder, by: Person) -> list[str]:
    settings, path = read.settings, read.settings.file.path
    document = queries.find_document(read.slug)
    changes = []
    before = document.stated_owner if document else settings.owner
    if document is None:
        document = documents.create_document(
            slug=read.slug,
            kind=settings.kind,
            authoritative=settings.authoritative,
            review_every_months=settings.review_every_months,
            sensitivity=settings.sensitivity,
            audience=settings.audience,
            by=by,
        )
        changes.append(_("%(path)s: new document", path=path))
    elif document.authoritative != settings.authoritative and document.versions:
        folder.error(
            path,
            line_of(settings.file.text, "authoritative"),
            _("The authoritative language of a published document cannot change."),
            _('Write authoritative = "%(language)s".', language=document.authoritative),
        )
        return []
    else:
        changed = documents.change_document(
            document=document,
            kind=settings.kind,
            review_every_months=settings.review_every_months,
            sensitivity=settings.sensitivity,
            by=by,
        )
        if documents.set_audience(document=document, audience=settings.audience, by=by) or changed:
            changes.append(_("%(path)s: changed", path=path))
    _check_audience(folder, settings)
    if (document.stated_owner, document.stated_deputy) != (settings.owner, settings.deputy):
        _load_owner(folder, document, settings, by)
    if not changes and document.stated_owner != before:
        changes.append(_("%(path)s: owner %(owner)s", path=path, owner=settings.owner))
    return changes


def _check_audience(folder: ContentFolder, settings: _Settings) -> None:
    """Warn of markets and teams that are not known here: nobody would see the document."""
    for key, kind, find in (("markets", AudienceKind.MARKET, find_market), ("teams", AudienceKind.TEAM, find_team)):
        for code in settings.audience[kind]:
            if find(code) is None:
                folder.warn(
                    settings.file.path,
                    line_of(settings.file.text, code) or line_of(settings.file.text, key),
                    _("“%(value)s” is not known for “%(key)s”.", value=code, key=key),
                    _("Add it in the settings, or correct the code; nobody is in it yet."),
                )


def _load_owner(folder: ContentFolder, document: Document, settings: _Settings, by: Person) -> None:
    """Set the owner whom the file names; where she is not known, the importer becomes owner."""
    people: dict[str, Person | None] = {}
    for key, name in (("owner", settings.owner), ("deputy", settings.deputy)):
        found = accounts.find_person_by_sign_in_name(name) if name else None
        people[key] = found if found is not None and found.is_active else None
        if name and people[key] is None:
            folder.warn(
                settings.file.path,
                line_of(settings.file.text, key),
                _("Nobody signs in as %(name)s.", name=name),
                _("%(person)s becomes the owner.", person=by.full_name)
                if key == "owner"
                else _("There is no deputy until somebody is named."),
            )
    owner = people["owner"] or by
    deputy = people["deputy"] if people["deputy"] is not owner else None
    set_owner(kind=documents.OWNED_KIND, code=document.slug, owner=owner, deputy=deputy, by=by)
    document.stated_owner, document.stated_deputy = settings.owner, settings.deputy
    document.stated_owner_became = owner.code


@dataclass(frozen=True, slots=True)
class _Coming:
    """A version of the folder that is not published yet, as far as its life depends on it."""

    sequence: int
    issued_at: datetime
    effective_at: datetime
    withdrawn_at: datetime | None = None


class _HeadingsAfter:
    """What links to clauses of other documents lead to when the folder has been taken in."""

    def __init__(self, found: Mapping[str, _Folder]) -> None:
        self._found = found
        self._known: dict[tuple[str, str], dict[str, str]] = {}

    def __call__(self, slug: str, anchor: str, language: str) -> str | None:
        """Return the heading of a clause as its address will show it, or None."""
        if (slug, language) not in self._known:
            self._known[slug, language] = self._headings(slug, language)
        return self._known[slug, language].get(anchor)

    def is_new(self, slug: str) -> bool:
        """Say whether the folder holds a version of the document that is not published."""
        document = queries.find_document(slug)
        return document is None or queries.find_version(document, self._found[slug].deciding.number) is None

    def _headings(self, slug: str, language: str) -> dict[str, str]:
        document, read, now = queries.find_document(slug), self._found.get(slug), clock.now()
        there: list[DocumentVersion | _Coming] = list(document.versions) if document else []
        if read is not None and read.deciding.effective_at is not None and self.is_new(slug):
            effective_at = read.deciding.effective_at
            there.append(_Coming(there[-1].sequence + 1 if there else 1, min(now, effective_at), effective_at))
        shown = rules.to_read(there, now)
        if isinstance(shown, DocumentVersion):
            return queries.clause_headings(shown, language)
        if shown is None or read is None:
            return {}
        text = read.texts.get(language, read.deciding)
        own = {clause.anchor: clause.heading for clause in text.clauses}
        return {clause.anchor: own.get(clause.anchor, clause.heading) for clause in read.deciding.clauses}


def _load_version(
    folder: ContentFolder, document: Document, read: _Folder, headings: _HeadingsAfter, by: Person
) -> DocumentVersion | None:
    deciding = read.deciding
    file, number = deciding.file, deciding.number
    assert deciding.effective_at is not None
    drafts = [text.draft() for text in read.texts.values()]
    published = queries.find_version(document, number)
    if published is not None:
        _check_unchanged(folder, published, read)
        return None
    latest = queries.latest_version(document)
    based_on = deciding.values.get("based_on", "")
    if latest is not None and rules.number_key(number) < rules.number_key(latest.number):
        folder.error(
            file.path,
            line_of(file.text, "version"),
            _("Version %(number)s is older than %(latest)s, the latest one.", number=number, latest=latest.number),
            _("Take over the latest text and give it a higher number.") + _redline_to(latest, read),
        )
        return None
    if latest is not None and based_on != latest.number:
        folder.error(
            file.path,
            line_of(file.text, "based_on") or line_of(file.text, "version"),
            _(
                "The file is based on %(based_on)s, but %(latest)s is the latest version.",
                based_on=based_on or "–",
                latest=latest.number,
            ),
            _('Take over what changed in between and write based_on: "%(latest)s".', latest=latest.number)
            + _redline_to(latest, read),
        )
        return None
    try:
        versions.check_order(document.versions, deciding.effective_at)
    except (EffectiveBeforeEarlier, EffectiveBeforeInForce) as refused:
        folder.error(file.path, line_of(file.text, "effective_at"), str(refused))
        return None
    return versions.import_version(
        document=document,
        number=number,
        change_class=ChangeClass(deciding.values["change_class"]),
        effective_at=deciding.effective_at,
        zone=deciding.values.get("zone") or default_time_zone(),
        texts=drafts,
        based_on=based_on or None,
        headings=headings,
        by=by,
    )


def _check_unchanged(folder: ContentFolder, published: DocumentVersion, read: _Folder) -> None:
    """Refuse a file that says something else under a number that is published already."""
    deciding = read.deciding
    stored = {text.language: text for text in published.texts}
    for language in sorted(set(stored) | set(read.texts)):
        text, kept = read.texts.get(language), stored.get(language)
        if (
            text is not None
            and kept is not None
            and (kept.hash, kept.says_number) == (text.draft().hash, text.number)
            and (kept.stated_behind or "") == text.values.get("behind", "")
        ):
            continue
        path = text.file.path if text else f"documents/{read.slug}/{language}.md"
        folder.error(
            path,
            line_of(text.file.text, "version") if text else 0,
            _("Version %(number)s is published already, and this file says something else.", number=published.number),
            _(
                'What is published never changes: give the text a higher version and write based_on: "%(number)s".',
                number=published.number,
            )
            + _redline(kept.source if kept else "", text.body if text else ""),
        )
    zone = deciding.values.get("zone") or default_time_zone()
    stated = (deciding.values["change_class"], deciding.effective_at, zone)
    if stated != (published.change_class.value, published.effective_at, published.zone):
        folder.error(
            deciding.file.path,
            line_of(deciding.file.text, "effective_at"),
            _(
                "Version %(number)s is published already with another change class, effective date or zone.",
                number=published.number,
            ),
            _(
                'What is published never changes: give the text a higher version and write based_on: "%(number)s".',
                number=published.number,
            ),
        )


def _redline_to(latest: DocumentVersion, read: _Folder) -> str:
    text = latest.text_in(read.settings.authoritative)
    return _redline(text.source if text else "", read.deciding.body)


def _redline(old: str, new: str) -> str:
    """Return the first changed lines as they are shown below a finding."""
    lines = [
        line
        for line in difflib.unified_diff(old.splitlines(), new.splitlines(), n=0, lineterm="")
        if not line.startswith(("---", "+++", "@@"))
    ]
    shown = [f"\n    {line[:160]}" for line in lines[:_SHOWN_LINES]]
    if len(lines) > _SHOWN_LINES:
        shown.append("\n    …")
    return "".join(shown)


# --- writing files ------------------------------------------------------------------------------


def _values_of(document: Document, owner: str, deputy: str) -> dict[str, Any]:
    return {
        "kind": document.kind.value,
        "owner": owner,
        "deputy": deputy or None,
        "authoritative": document.authoritative,
        "review_every_months": document.review_every_months,
        "sensitivity": document.sensitivity,
        "audience": {key: sorted(document.audience(kind)) for key, kind in _AUDIENCE.items()},
    }


def _values_of_file(settings: _Settings) -> dict[str, Any]:
    return {
        "kind": settings.kind.value,
        "owner": settings.owner,
        "deputy": settings.deputy or None,
        "authoritative": settings.authoritative,
        "review_every_months": settings.review_every_months,
        "sensitivity": settings.sensitivity,
        "audience": {key: sorted(settings.audience[kind]) for key, kind in _AUDIENCE.items()},
    }


def _written_settings(values: dict[str, Any]) -> str:
    return to_toml(values)


def _written_instant(instant: datetime, zone: str) -> str:
    local = instant.astimezone(clock.zone_info(zone))
    return local.isoformat(timespec="minutes" if not (local.second or local.microsecond) else "auto")


_ORDER = (
    "title", "version", "behind", "change_class", "effective_at", "zone", "based_on", "summary",
    "what_to_do_differently", "attestation",
)  # fmt: skip
# A value that other readers of YAML take as the string that it is.
_PLAIN = re.compile(r"(?!(?:true|false|yes|no|on|off|null|~)$)[^\W\d_](?:(?!: | #)[^\n\t\"\\])*", re.IGNORECASE)


def _written_text(values: Mapping[str, str], body: str) -> str:
    lines = [f"{key}: {_scalar(key, values[key])}" for key in _ORDER if values.get(key)]
    return "\n".join(["---", *lines, "---", body])


def _scalar(key: str, value: str) -> str:
    if key == "effective_at" or (key not in ("version", "based_on") and _is_plain(value)):
        return value
    return json.dumps(value, ensure_ascii=False)


def _is_plain(value: str) -> bool:
    return bool(_PLAIN.fullmatch(value)) and not value.endswith((":", " "))


# --- the glossary -------------------------------------------------------------------------------


class GlossaryPart:
    """The glossary's file."""

    folder = "glossary.toml"

    def check(self, folder: ContentFolder) -> None:
        """Look at every term; the documents' words are compared with it."""
        file = folder.files.get(self.folder)
        folder.shared["library.terms"] = _read_terms(folder, file) if file else []

    def load(self, folder: ContentFolder, by: Person) -> list[str]:
        """Make the glossary what the file says; without a file it stays as it is."""
        if self.folder not in folder.files:
            return []
        changed = glossary.set_glossary(terms=folder.shared["library.terms"], by=by)
        return [_("%(path)s: %(ids)s", path=self.folder, ids=", ".join(changed))] if changed else []

    def dump(self) -> Iterator[ContentFile]:
        """Yield the glossary, if it has terms."""
        terms = [glossary.draft_of(row) for row in queries.list_terms()]
        if terms:
            yield ContentFile(self.folder, _written_terms(terms))

    def canonical(self, file: ContentFile) -> str | None:
        """Return the file as `dump` would write what it says."""
        folder = ContentFolder({})
        terms = _read_terms(folder, file)
        return None if folder.errors else _written_terms(terms)


def _written_terms(terms: Sequence[TermDraft]) -> str:
    return to_toml(
        {
            "term": [
                {
                    "id": term.slug,
                    "en": term.term.en,
                    "ja": term.term.ja,
                    "definition": term.definition,
                    "forbidden": {"en": list(term.forbidden_en), "ja": list(term.forbidden_ja)},
                }
                for term in terms
            ]
        }
    )


def _read_terms(folder: ContentFolder, file: ContentFile) -> list[TermDraft]:
    table = folder.read_toml(file)
    if table is None:
        return []
    entries = table.get("term", [])
    if set(table) - {"term"} or not isinstance(entries, list) or not all(isinstance(each, dict) for each in entries):
        folder.error(
            file.path, 0, _("The glossary is not a list of terms."), _("Begin each term with a line [[term]].")
        )
        return []
    terms: dict[str, TermDraft] = {}
    for entry in entries:
        slug = str(entry.get("id", ""))
        line = line_of(file.text, slug) if slug else 0
        unknown = sorted(set(entry) - {"id", "en", "ja", "definition", "forbidden"})
        if unknown or not SLUG.fullmatch(slug) or slug in terms:
            folder.error(
                file.path,
                line,
                _("“%(key)s” is not known here.", key=unknown[0])
                if unknown
                else _("The term “%(id)s” stands twice.", id=slug)
                if slug in terms
                else _("“%(name)s” cannot be an address.", name=slug),
                _("A term has an id of its own, en, ja, definition and forbidden."),
            )
            continue
        words = folder.words(file, {slug: {tag: entry.get(tag, "") for tag in LANGUAGES}}, slug)
        definition = folder.words(file, entry, "definition")
        forbidden = entry.get("forbidden", {})
        lists = {tag: forbidden.get(tag, []) if isinstance(forbidden, dict) else None for tag in LANGUAGES}
        if not all(
            isinstance(each, list) and all(isinstance(word, str) and word for word in each) for each in lists.values()
        ):
            folder.error(
                file.path,
                line,
                _("“%(key)s” is not a text.", key="forbidden"),
                _('Write forbidden = { en = [], ja = ["…"] }.'),
            )
            continue
        if words is not None and definition is not None:
            terms[slug] = TermDraft(slug, words, definition, tuple(lists["en"] or ()), tuple(lists["ja"] or ()))
    return list(terms.values())
