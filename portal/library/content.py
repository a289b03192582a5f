"""`documents/<slug>/` and `glossary.toml`: how documents travel, and what is wrong with a file."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from portal.accounts import queries as accounts
from portal.accounts.models import Person, Role
from portal.accounts.service.ownership import set_owner_of_file
from portal.core import clock
from portal.core.content import SLUG, ContentFile, ContentFolder, Section, line_of, to_toml
from portal.core.i18n import LANGUAGES, Words, other, pgettext
from portal.core.i18n import gettext as _
from portal.core.markdown import (
    SENSITIVITIES,
    ClauseSource,
    FrontMatterBroken,
    Problem,
    clause_links,
    front_matter,
    reading_minutes,
    remembering,
    split_clauses,
    verbatim_from,
)
from portal.library import queries, rules
from portal.library.errors import EffectiveBeforeEarlier, EffectiveBeforeInForce
from portal.library.models import (
    GROUPS,
    AudienceKind,
    ChangeClass,
    Document,
    DocumentKind,
    DocumentVersion,
    VersionText,
)
from portal.library.rules import overlays as overlay_rules
from portal.library.rules.lint import Known, Proposal, Term
from portal.library.rules.overlays import base_slug
from portal.library.service import documents, glossary, lint, overlays, versions
from portal.library.service.glossary import TermDraft
from portal.library.service.texts import TextDraft, anchors_of, order_differs, problems_of
from portal.organisation.queries import default_time_zone, find_market, find_team

_SETTINGS = "document.toml"
_TOML_KEYS = ("kind", "owner", "deputy", "authoritative", "review_every_months", "sensitivity", "audience")
# What an overlay may say itself; the first three follow from its base, and the last is its base.
_OVERLAY_KEYS = ("kind", "authoritative", "sensitivity", "owner", "deputy", "review_every_months", "overlays")
_BOTH = ("title", "version", "summary", "what_to_do_differently", "attestation")
_TRANSLATION = ("behind",)
_DECIDING = ("change_class", "effective_at", "zone", "based_on")
_OVER = "over"
_MAX_TITLE = 300
_MAX_CODE = 60
_AUDIENCE = {"markets": AudienceKind.MARKET, "teams": AudienceKind.TEAM, "roles": AudienceKind.ROLE}
# Lines of a redline in a finding.
_SHOWN_LINES = 8
_SHOWN_IDS = 30


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
    # Of an overlay: what its file says itself about what follows from its base.
    stated: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Text:
    """What a language's file says."""

    file: ContentFile
    language: str
    values: dict[str, str]
    body: str
    first_line: int
    clauses: list[ClauseSource] = field(default_factory=list)
    links: list[tuple[str, str, int]] = field(default_factory=list)
    effective_at: datetime | None = None

    @property
    def number(self) -> str:
        return self.values.get("version", "")

    def draft(self) -> TextDraft:
        values = self.values
        return TextDraft(
            language=self.language,
            title=values.get("title", ""),
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
    # Of an overlay: its base, where that is in the folder as well.
    base: _Folder | None = None

    @property
    def deciding(self) -> _Text:
        return self.texts[self.settings.authoritative]

    @property
    def market(self) -> str:
        """The market whose overlay it is; empty for any other document."""
        return self.slug.partition("@")[2]

    @property
    def over(self) -> str:
        """The number of the base's version over which it says to be laid."""
        return self.deciding.values.get(_OVER, "")

    @property
    def is_over_the_other(self) -> bool:
        """Whether it is laid over another version of its base than the one in the folder."""
        return self.base is not None and self.over != self.base.deciding.number

    def as_base(self) -> overlays.Base:
        """Return it as something that an overlay is laid over."""
        deciding = {clause.anchor: clause.hash for clause in self.deciding.clauses}
        origins = {}
        for language, text in self.texts.items():
            behind = anchors_of(text.values.get("behind", ""))
            says = text is not self.deciding and (behind or text.number == self.deciding.number)
            origins[language] = {a: hash_ for a, hash_ in deciding.items() if says and a not in behind}
        drafts = {language: text.draft() for language, text in self.texts.items()}
        return overlays.Base(self.settings.authoritative, drafts, origins)

    def results(self) -> list[TextDraft]:
        """Return the texts as readers are shown them, as far as the folder tells: of an overlay those that result."""
        drafts = [text.draft() for text in self.texts.values()]
        if self.base is None:
            return drafts
        return overlays.laid_over(self.base.as_base(), Words(self.market, self.market), drafts)


class DocumentsPart:
    """The documents' share of the content folder."""

    folder = "documents"

    def check(self, folder: ContentFolder) -> None:
        """Look at every document: settings, front matter, text, clause ids, links, both languages."""
        # Texts of markets and their bases are looked at together: each is taken apart once.
        with remembering():
            self._check(folder)

    def _check(self, folder: ContentFolder) -> None:
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
        unread = folder.unread(self.folder)
        # Overlays are looked at when their bases have been.
        for slug, files in sorted(by_slug.items(), key=lambda item: ("@" in item[0], item[0])):
            if not _is_address(folder, files[0], slug):
                continue
            base = base_slug(slug)
            if "@" in slug and base not in found and base in by_slug.keys() | unread:
                folder.unchecked(files[0].path, 0, f"{self.folder}/{base}")
            read = _read(
                folder, slug, {file.parts[2]: file for file in files}, found.get(base) if "@" in slug else None
            )
            if read is None:
                continue
            if not read.market:
                found[slug] = read
                continue
            if base not in by_slug.keys() | unread:
                _warn_of_missing_base(folder, read)
            if _check_overlay(folder, read):
                found[slug] = read
        folder.shared["documents"] = set(by_slug) | unread
        folder.shared["clauses"] = {
            slug: {read.deciding.number: anchors}
            for slug, read in found.items()
            if (anchors := _clauses_of(read)) is not None
        }
        folder.shared["audiences"] = {
            slug: {kind.value: tuple(codes) for kind, codes in each.settings.audience.items() if codes}
            for slug, each in found.items()
        }
        folder.shared["headings"] = {
            (slug, clause.anchor, text.language): clause.heading
            for slug, each in found.items()
            for text in each.texts.values()
            for clause in text.clauses
        }
        folder.shared["library.read"] = found
        for slug, read in found.items():
            _check_links(folder, slug, read, found)
            _check_words(folder, read)

    def report(self, folder: ContentFolder) -> Iterator[Section]:
        """Tell how long the documents are and what helps their readers decide, and what a look at their texts finds."""
        yield _documents_told(folder.shared["library.read"].values(), folder.shared.get("library.terms", []))

    def load(self, folder: ContentFolder, by: Person) -> list[str]:
        """Make new documents and publish new versions; what is published already must say the same."""
        found: dict[str, _Folder] = folder.shared["library.read"]
        changes: list[str] = []
        for read in found.values():
            changes += _load_settings(folder, read, by)
        if folder.errors:
            return changes
        headings, published, followed = _HeadingsAfter(found), [], []
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
                        clauses=len(version.clauses),
                    )
                )
                followed += _say_who_follows(folder, read, version, headings.brought_over(read.slug), changes)
        if published:
            versions.show_links_to([version.document.slug for version in published], besides=published)
        late = [version.document.slug for version in (*published, *followed) if version.over_id is not None]
        if late:
            # What leads to an overlay was shown before it was laid over its base.
            versions.show_links_to(late, besides=[])
        return changes

    def prepare(self, folder: ContentFolder) -> None:
        """Parse and show what is new, as `load` will."""
        found: dict[str, _Folder] = folder.shared["library.read"]
        headings = _HeadingsAfter(found)
        for slug, read in found.items():
            if headings.is_new(slug):
                for draft in read.results():
                    versions.prepare_text(slug=slug, draft=draft, headings=headings)

    def dump(self) -> Iterator[ContentFile]:
        """Yield each document's settings and the texts of its latest version."""
        listed = queries.list_documents()
        owners = accounts.find_owners(documents.OWNED_KIND, [document.slug for document in listed])
        for document in listed:
            path = f"{self.folder}/{document.slug}"
            version = queries.latest_version(document)
            if version is None:
                # What nobody has published yet travels nowhere.
                continue
            if document.base_id is not None and version.withdrawn_at is not None:
                # Its market reads the base, as it would without it.
                continue
            ownership = owners.get(document.slug)
            owner, deputy = document.stated_owner, document.stated_deputy
            if ownership is not None and ownership.owner.code != document.stated_owner_became:
                owner = ownership.owner.sign_in_name
                deputy = ownership.deputy.sign_in_name if ownership.deputy else ""
            yield ContentFile(f"{path}/{_SETTINGS}", _written_settings(_values_of(document, owner, deputy)))
            for text in _written_texts(version):
                written = overlays.written(text)
                says, behind = overlays.stated_of(version, text)
                values = {
                    "title": written.title,
                    "version": says,
                    "summary": written.summary,
                    "what_to_do_differently": written.what_to_do_differently,
                    "attestation": written.attestation,
                    "behind": behind,
                }
                if text.language == document.authoritative:
                    values |= {
                        "change_class": version.change_class.value,
                        "effective_at": _written_instant(version.effective_at, version.zone),
                        "zone": version.zone,
                        "based_on": version.stated_based_on,
                        _OVER: version.over.number if version.over is not None else "",
                    }
                yield ContentFile(f"{path}/{text.language}.md", _written_text(values, written.source))

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


def _is_address(folder: ContentFolder, file: ContentFile, slug: str) -> bool:
    """Say whether a folder's name is the address of a document or of an overlay; a finding tells why it is not."""
    if "@" not in slug:
        return folder.slug_of(file, slug) is not None
    if overlay_rules.SLUG.fullmatch(slug):
        return True
    if slug.count("@") > 1:
        folder.error(
            file.path,
            0,
            _("An overlay is laid over a base, never over an overlay."),
            _("Lay it over “%(slug)s”: name the folder <slug>@<MARKET>.", slug=base_slug(slug)),
        )
        return False
    folder.error(
        file.path,
        0,
        _("“%(name)s” cannot be an address.", name=slug),
        _("Name the folder of an overlay <slug>@<MARKET>, such as impersonation@JP."),
    )
    return False


def _read(
    folder: ContentFolder, slug: str, files: Mapping[str, ContentFile], over: _Folder | None = None
) -> _Folder | None:
    """Read a document's folder; of an overlay, what it is laid `over` where that is in the folder as well."""
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
    if settings and over:
        _settle(folder, settings, slug.partition("@")[2], _facts_of(over))
    elif settings and "@" in slug and "authoritative" not in settings.stated:
        # The base would say it; the text that decides is the one that says over what it is laid.
        told = (tag for tag in LANGUAGES if f"{tag}.md" in files and line_of(files[f"{tag}.md"].text, _OVER))
        settings.authoritative = next(told, settings.authoritative)
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
    read = _Folder(slug, settings, texts, over)
    if read.market:
        # What is wrong with it over its base is said first.
        return read
    _check_languages(folder, read)
    _check_sensitivity(folder, read)
    return read if len(folder.errors) == before else None


def _read_settings(folder: ContentFolder, file: ContentFile) -> _Settings | None:
    before = len(folder.errors)
    table = folder.read_toml(file)
    if table is None:
        return None
    slug = file.parts[1]
    is_overlay = "@" in slug
    known = _OVERLAY_KEYS if is_overlay else _TOML_KEYS
    for key in table:
        if is_overlay and key == "audience":
            folder.error(
                file.path,
                line_of(file.text, key),
                _("An overlay is addressed to its market, and there to the teams and roles of its base."),
                _("Remove “audience”: it is said in the document.toml of the base."),
            )
        elif not is_overlay and key == "overlays":
            folder.error(
                file.path,
                line_of(file.text, key),
                _("“%(key)s” is for the text of a market.", key=key),
                _("Name the folder of an overlay <slug>@<MARKET>, such as impersonation@JP."),
            )
        elif key not in known:
            folder.error(
                file.path,
                line_of(file.text, key),
                _("“%(key)s” is not known here.", key=key),
                _("Known are: %(keys)s.", keys=", ".join(known)),
            )
    if is_overlay and "overlays" in table:
        _check_overlays_key(folder, file, table["overlays"])
    # What an overlay does not say follows from its base.
    default = DocumentKind.POLICY.value if is_overlay else None
    kind = _choice(folder, file, table, "kind", known=[kind.value for kind in DocumentKind], default=default)
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
    if is_overlay:
        audience[AudienceKind.MARKET] = [slug.partition("@")[2]]
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
        stated={
            key: str(table[key]) for key in ("kind", "authoritative", "sensitivity") if is_overlay and key in table
        },
    )


def _check_overlays_key(folder: ContentFolder, file: ContentFile, value: Any) -> None:
    """Refuse a base that is not the one in the folder's name, the overlay itself and other overlays among them."""
    slug = file.parts[1]
    base = base_slug(slug)
    if value == base:
        return
    message = _("“%(value)s” is not the base that the folder's name says.", value=value)
    if value == slug:
        message = _("The overlay would be laid over itself.")
    elif isinstance(value, str) and "@" in value:
        message = _("An overlay is laid over a base, never over an overlay.")
    folder.error(
        file.path,
        line_of(file.text, "overlays"),
        message,
        _('Write overlays = "%(slug)s", or leave it out.', slug=base),
    )


@dataclass(frozen=True, slots=True)
class _Facts:
    """What an overlay takes from its base, be it in the folder or stored."""

    slug: str
    kind: DocumentKind
    authoritative: str
    sensitivity: str
    audience: Mapping[AudienceKind, Sequence[str]]


def _facts_of(base: _Folder | Document) -> _Facts:
    if isinstance(base, _Folder):
        told = base.settings
        return _Facts(base.slug, told.kind, told.authoritative, told.sensitivity, told.audience)
    audience = {kind: base.audience(kind) for kind in GROUPS}
    return _Facts(base.slug, base.kind, base.authoritative, base.sensitivity, audience)


def _settle(folder: ContentFolder, settings: _Settings, market: str, base: _Facts) -> bool:
    """Take over from its base what an overlay does not say itself; say whether what it says goes with it."""
    file, stated, before = settings.file, settings.stated, len(folder.errors)
    for key, value in (("kind", base.kind.value), ("authoritative", base.authoritative)):
        if stated.get(key, value) != value:
            folder.error(
                file.path,
                line_of(file.text, key),
                _("“%(key)s” follows from the base, which says “%(value)s”.", key=key, value=value),
                _("Remove the line."),
            )
    if "sensitivity" in stated and stated["sensitivity"] <= base.sensitivity:
        folder.error(
            file.path,
            line_of(file.text, "sensitivity"),
            _("“%(key)s” follows from the base, which says “%(value)s”.", key="sensitivity", value=base.sensitivity),
            _("Remove the line; only a higher one is stated."),
        )
    markets = base.audience.get(AudienceKind.MARKET, ())
    if markets and market not in markets:
        folder.error(
            file.path,
            0,
            _("“%(slug)s” is not addressed to the market “%(market)s”.", slug=base.slug, market=market),
            _("Add the market to the audience of the base, or rename this folder."),
        )
    if len(folder.errors) > before:
        return False
    settings.kind, settings.authoritative = base.kind, base.authoritative
    settings.sensitivity = stated.get("sensitivity", base.sensitivity)
    settings.audience = {kind: list(base.audience.get(kind, ())) for kind in GROUPS}
    settings.audience[AudienceKind.MARKET] = [market]
    return True


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
    audience: dict[AudienceKind, list[str]] = {kind: [] for kind in GROUPS}
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
    is_overlay = "@" in file.parts[1]
    deciding = (*_DECIDING, _OVER) if is_overlay else _DECIDING
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
        if key == _OVER and not is_overlay:
            folder.error(
                file.path,
                line,
                _("“%(key)s” is for the text of a market.", key=key),
                _("Remove it: this document is no overlay."),
            )
        elif key in deciding and decides is False:
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
        elif key not in (*_BOTH, *deciding, *_TRANSLATION):
            folder.error(
                file.path,
                line,
                _("“%(key)s” is not known here.", key=key),
                _("Known are: %(keys)s.", keys=", ".join(_BOTH + (deciding if decides else _TRANSLATION))),
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
    _check_values(folder, text, decides=decides, is_overlay=is_overlay)
    # A file that ends with its front matter has an empty text, on a line that it does not have.
    last = file.text.count("\n") + 1
    for problem in problems_of(text.body, first_line=first_line, overlay=is_overlay):
        folder.error(file.path, min(problem.line, last), problem.reason, problem.mend)
    if len(folder.errors) > before:
        return None
    text.clauses, text.links = split_clauses(text.body), clause_links(text.body)
    return text


def _check_values(folder: ContentFolder, text: _Text, *, decides: bool | None, is_overlay: bool) -> None:
    file, values = text.file, text.values
    # What a translation of an overlay leaves empty, its base says.
    needed: tuple[str, ...] = ("version",) if is_overlay and not decides else ("title", "version")
    if decides:
        needed += ("change_class", "effective_at", _OVER) if is_overlay else ("change_class", "effective_at")
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
    for key in ("version", "based_on", _OVER):
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
                    first=clock.YEARS[0],
                    last=clock.YEARS[-1],
                ),
            )


def _instant(value: str) -> datetime | None:
    try:
        instant = datetime.fromisoformat(value)
    except ValueError:
        return None
    return instant if instant.tzinfo is not None and instant.year in clock.YEARS else None


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
        elif read.market:
            _check_parts(folder, deciding, text)
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
            _warn_of_number(folder, deciding, text)


def _warn_of_number(folder: ContentFolder, deciding: _Text, text: _Text) -> None:
    folder.warn(
        text.file.path,
        line_of(text.file.text, "version"),
        _("It translates version %(number)s and is behind %(latest)s.", number=text.number, latest=deciding.number),
        _("Translate what changed, and publish it as an editorial version."),
    )


def _warn_of_behind(folder: ContentFolder, deciding: _Text, text: _Text) -> None:
    folder.warn(
        text.file.path,
        line_of(text.file.text, "behind"),
        _("It does not follow version %(latest)s in: %(ids)s.", latest=deciding.number, ids=text.values["behind"]),
        _("Translate what changed, and publish it as an editorial version."),
    )


def _check_parts(folder: ContentFolder, deciding: _Text, text: _Text) -> None:
    """Look at the translation of an overlay: it has every part of it, in any order, or names those that it lacks."""
    stated = anchors_of(text.values.get("behind", ""))
    unknown = _unknown_behind(folder, deciding, text)
    if unknown or (not stated and text.number != deciding.number):
        if not unknown:
            _warn_of_number(folder, deciding, text)
        return
    there = {clause.anchor for clause in text.clauses}
    missing = next(
        (
            clause.anchor
            for clause in deciding.clauses
            if clause.anchor not in there and clause.anchor not in stated and not overlays.is_silent(clause)
        ),
        None,
    )
    if missing is not None:
        folder.error(
            text.file.path,
            line_of(text.file.text, "behind") if stated else line_of(text.file.text, "version"),
            _("The clause “%(id)s” is missing.", id=missing),
            _("Translate it, or name it under “behind” until it follows."),
        )
    elif stated:
        _warn_of_behind(folder, deciding, text)


def _unknown_behind(folder: ContentFolder, deciding: _Text, text: _Text) -> bool:
    """Say whether a translation names clauses which do not follow, but which the deciding text does not have."""
    there = {clause.anchor for clause in deciding.clauses}
    unknown = sorted(set(anchors_of(text.values.get("behind", ""))) - there)
    if unknown:
        folder.error(
            text.file.path,
            line_of(text.file.text, "behind"),
            _("The clause “%(id)s” is not in the authoritative text.", id=unknown[0]),
            _("Name under “behind” only clauses that the authoritative text has."),
        )
    return bool(unknown)


def _check_behind(folder: ContentFolder, deciding: _Text, text: _Text) -> None:
    """Look at a translation that names the clauses which do not follow yet: all others are there, in the same order."""
    line = line_of(text.file.text, "behind")
    stated = set(anchors_of(text.values["behind"]))
    there = [clause.anchor for clause in deciding.clauses]
    if _unknown_behind(folder, deciding, text):
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
    _warn_of_behind(folder, deciding, text)


def _warn_of_missing_base(folder: ContentFolder, read: _Folder) -> None:
    file = read.deciding.file
    folder.warn(
        file.path,
        line_of(file.text, _OVER),
        _("The base “%(slug)s” is not in this folder.", slug=base_slug(read.slug)),
        _("What it is laid over is looked at when it is taken in, where the base has to be known by then."),
    )


def _check_overlay(folder: ContentFolder, read: _Folder) -> bool:
    """Look at an overlay together with its base; say whether it could be laid over it."""
    before = len(folder.errors)
    if read.base is not None:
        _check_over_base(folder, read, read.base)
    if len(folder.errors) == before:
        _check_languages(folder, read)
    return len(folder.errors) == before


def _check_over_base(folder: ContentFolder, read: _Folder, base: _Folder) -> None:
    file = read.deciding.file
    _check_sensitivity(folder, read)
    if read.is_over_the_other:
        folder.warn(
            file.path,
            line_of(file.text, _OVER),
            _(
                "It is laid over version %(over)s of “%(slug)s”, but this folder has %(number)s.",
                over=read.over,
                slug=base.slug,
                number=base.deciding.number,
            ),
            _(
                "Look at the clauses %(ids)s there; then write %(over)s and give this text a higher version.",
                ids=_listed(clause.anchor for clause in read.deciding.clauses),
                over=f'over: "{base.deciding.number}"',
            ),
        )
        return
    drafts = [text.draft() for text in read.texts.values()]
    name = Words(read.market, read.market)
    _note_problems(folder, read, overlays.problems_over(base.as_base(), name, drafts))
    effective_at, earliest = read.deciding.effective_at, base.deciding.effective_at
    if effective_at is not None and earliest is not None and effective_at < earliest:
        _refuse_early(folder, read, base.deciding.number, base.deciding.values["effective_at"])


def _note_problems(folder: ContentFolder, read: _Folder, problems: Sequence[tuple[str, Problem]]) -> None:
    """Note what is wrong with an overlay over its base by the lines of its files."""
    for language, problem in problems:
        text = read.texts.get(language, read.deciding)
        # What results has no line of its own: it is the base named there that makes it so.
        line = problem.line + text.first_line - 1 if problem.line else line_of(text.file.text, _OVER)
        folder.error(text.file.path, line or line_of(text.file.text, "version"), problem.reason, problem.mend)


def _refuse_early(folder: ContentFolder, read: _Folder, number: str, when: str) -> None:
    file = read.deciding.file
    folder.error(
        file.path,
        line_of(file.text, "effective_at"),
        _("It would take effect before version %(number)s of its base does.", number=number),
        _("Write an instant that is not before %(when)s.", when=when),
    )


def _listed(anchors: Iterable[str]) -> str:
    """Return clause ids for a finding, as many as one reads."""
    found = list(anchors)
    return ", ".join(found[:_SHOWN_IDS]) + (" …" if len(found) > _SHOWN_IDS else "")


def _clauses_of(read: _Folder) -> set[str] | None:
    """Return the clause ids that readers find in a document; None where the folder does not tell."""
    if not read.market:
        return {clause.anchor for clause in read.deciding.clauses}
    if read.base is None:
        return None
    base = [clause.anchor for clause in read.base.deciding.clauses]
    return {*base, *(each.anchor for each in overlays.overlaid_in(read.deciding.body, base))}


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


def _check_links(folder: ContentFolder, slug: str, read: _Folder, found: Mapping[str, _Folder]) -> None:
    known: dict[str, dict[str, set[str]]] = folder.shared["clauses"]
    slugs: set[str] = folder.shared["documents"]
    for text in read.texts.values():
        for target, anchor, line in text.links:
            # An overlay stands in the place of its base.
            there = slug if target in ("", base_slug(slug)) else target
            anchors = next(iter(known.get(there, {}).values()), None)
            if there not in slugs:
                folder.warn(
                    text.file.path,
                    line + text.first_line - 1,
                    _("The document “%(slug)s” is not in this folder.", slug=there),
                    _("The link shows its address until there is such a document."),
                )
            elif anchors is None:
                # Of an overlay whose base is elsewhere, that has been said.
                if there not in found:
                    folder.unchecked(text.file.path, 0, f"documents/{there}")
            elif anchor not in anchors:
                # What is laid over another version is looked at anyway.
                note = folder.warn if there == slug and read.is_over_the_other else folder.error
                note(
                    text.file.path,
                    line + text.first_line - 1,
                    _("There is no clause “%(slug)s#%(id)s”.", slug=there, id=anchor),
                    _("Its clauses are: %(ids)s.", ids=", ".join(sorted(anchors)[:_SHOWN_IDS])),
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


# --- telling ------------------------------------------------------------------------------------

_RULES = re.compile(
    r"^(?:[-*] |\d+\. |> )?\*\*(?:(?:Example|例)|(?P<counter>Counter-example|反例))[:：]\*\*", re.MULTILINE
)
_DECIDES = re.compile(r"^\| *(?:Decision|判断) *\|", re.MULTILINE)


def _documents_told(found: Collection[_Folder], terms: Sequence[TermDraft]) -> Section:
    known = {each.slug: _clauses_of(each) for each in found}
    rows: list[tuple[object, ...]] = []
    remarks: list[str] = []
    for read in found:
        body = read.deciding.body
        examples = [bool(each["counter"]) for each in _RULES.finditer(body)]
        minutes = {draft.language: reading_minutes(draft.source, draft.language) for draft in read.results()}
        rows.append(
            (
                read.slug,
                read.settings.kind.value,
                len(read.deciding.clauses),
                *(minutes.get(language, "") for language in LANGUAGES),
                read.settings.sensitivity,
                len(_DECIDES.findall(body)),
                examples.count(False),
                examples.count(True),
            )
        )
        for told in _lint(read, known, terms):
            place = read.texts[told.finding.language]
            remarks.append(f"{place.file.path}:{told.finding.line + place.first_line - 1}: {told.what} {told.mend}")
    header = (
        _("Document"), _("Kind"), _("Clauses"), _("Minutes EN"), _("Minutes JA"), pgettext("report", "Label"),
        _("Decision tables"), _("Examples"), _("Counter-examples"),
    )  # fmt: skip
    return Section(_("Documents"), header, rows, remarks)


def _lint(read: _Folder, known: Mapping[str, set[str] | None], terms: Sequence[TermDraft]) -> list[lint.Told]:
    """Return what the editor would say of a document's texts."""

    def leads_to(slug: str, anchor: str) -> Known:
        anchors = known.get(slug)
        if anchors is None:
            return Known.CLAUSE if slug in known else Known.NO_DOCUMENT
        return Known.CLAUSE if not anchor or anchor in anchors else Known.NO_CLAUSE

    proposal = Proposal(
        slug=read.slug,
        authoritative=read.settings.authoritative,
        sensitivity=read.settings.sensitivity,
        number=read.deciding.number,
        change_class=read.deciding.values.get("change_class"),
        based_on=None,
        latest=None,
        effective_at=read.deciding.effective_at,
        issue_at=None,
        provisional_reason="",
        behind=tuple(anchors_of(",".join(text.values.get("behind", "") for text in read.texts.values()))),
    )
    words = [
        Term({"en": each.term.en, "ja": each.term.ja}, {"en": each.forbidden_en, "ja": each.forbidden_ja})
        for each in terms
    ]
    # Of an overlay what is written is looked at; what results was looked at with its base.
    drafts = [text.draft() for text in read.texts.values()]
    linkable = frozenset(known[read.slug] or ()) if read.market else frozenset()
    return lint.examine_texts(proposal, drafts, terms=words, targets=leads_to, linkable=linkable)


def _forbidden(terms: Sequence[TermDraft]) -> list[tuple[Sequence[str], Sequence[str]]]:
    return [(term.forbidden_en, term.forbidden_ja) for term in terms]


# --- taking in ----------------------------------------------------------------------------------


def _load_settings(folder: ContentFolder, read: _Folder, by: Person) -> list[str]:
    settings, path = read.settings, read.settings.file.path
    document = queries.find_document(read.slug)
    base = queries.find_document(base_slug(read.slug)) if read.market else None
    if read.market and not _settle_stored(folder, read, base):
        return []
    changes = []
    before = document.stated_owner if document else settings.owner
    if document is not None and document.is_by_name:
        folder.error(
            path,
            1,
            _("“%(slug)s” is addressed to single people by name and does not come from files.", slug=read.slug),
            _("Give the folder another name."),
        )
        return []
    if document is None:
        document = documents.create_document(
            slug=read.slug,
            kind=settings.kind,
            authoritative=settings.authoritative,
            review_every_months=settings.review_every_months,
            sensitivity=settings.sensitivity,
            audience=settings.audience,
            base=base,
            market=read.market or None,
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
    _check_audience(folder, settings, market=read.market)
    if (document.stated_owner, document.stated_deputy) != (settings.owner, settings.deputy):
        _load_owner(folder, document, settings, by)
    if not changes and document.stated_owner != before:
        changes.append(_("%(path)s: owner %(owner)s", path=path, owner=settings.owner))
    return changes


def _settle_stored(folder: ContentFolder, read: _Folder, base: Document | None) -> bool:
    """Take over from the stored base what an overlay does not say itself; say whether it can be laid over it."""
    file = read.deciding.file
    if base is None:
        folder.error(
            file.path,
            line_of(file.text, _OVER),
            _("There is no document “%(slug)s” over which it could be laid.", slug=base_slug(read.slug)),
            _("Take in the base together with it."),
        )
        return False
    if base.authoritative != read.settings.authoritative:
        folder.error(
            file.path,
            line_of(file.text, _OVER),
            _(
                "The text that decides is the one in the language of the base: %(language)s.",
                language=base.authoritative,
            ),
            _("Write “over”, “change_class” and “effective_at” into %(file)s.", file=f"{base.authoritative}.md"),
        )
        return False
    before = len(folder.errors)
    if not _settle(folder, read.settings, read.market, _facts_of(base)):
        return False
    _check_sensitivity(folder, read)
    return len(folder.errors) == before


def _check_audience(folder: ContentFolder, settings: _Settings, *, market: str) -> None:
    """Warn of markets and teams that are not known here: nobody would see the document."""
    if market:
        # Its teams are those of the base, of which it has been said.
        if find_market(market) is None:
            folder.warn(
                settings.file.path,
                0,
                _("There is no market “%(market)s”.", market=market),
                _("Add it in the settings, or rename the folder; nobody is in it yet."),
            )
        return
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
    set_owner_of_file(
        folder,
        settings.file.path,
        line_of(settings.file.text, "owner"),
        kind=documents.OWNED_KIND,
        code=document.slug,
        owner=owner,
        deputy=deputy,
        by=by,
    )
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
        self._overlays: dict[str, list[str]] = {}
        for slug, read in found.items():
            if read.market:
                self._overlays.setdefault(base_slug(slug), []).append(slug)
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

    def brought_over(self, slug: str) -> list[str]:
        """Return the overlays of a document of which the folder holds a version that is not published.

        They do not follow the document by themselves before.
        """
        return [overlay for overlay in self._overlays.get(slug, ()) if self.is_new(overlay)]

    def _headings(self, slug: str, language: str) -> dict[str, str]:
        document, read, now = queries.find_document(slug), self._found.get(slug), clock.now()
        there: list[DocumentVersion | _Coming] = list(document.versions) if document else []
        if read is not None and read.deciding.effective_at is not None and self.is_new(slug):
            effective_at = read.deciding.effective_at
            there.append(_Coming(there[-1].sequence + 1 if there else 1, min(now, effective_at), effective_at))
        shown = rules.to_read(there, now)
        if read is not None and read.market and not isinstance(shown, DocumentVersion):
            # Told when it has been laid over its base.
            return {}
        if isinstance(shown, DocumentVersion):
            return queries.clause_headings(shown, language)
        if shown is None or read is None:
            return {}
        text = read.texts.get(language, read.deciding)
        own = {clause.anchor: clause.heading for clause in text.clauses}
        return {clause.anchor: own.get(clause.anchor, clause.heading) for clause in read.deciding.clauses}


def _say_who_follows(
    folder: ContentFolder, read: _Folder, version: DocumentVersion, brought: Collection[str], changes: list[str]
) -> list[DocumentVersion]:
    """Say which overlays went with a new version of their base by themselves, and which wait; return those that did."""
    followed = []
    for overlay in version.document.overlays:
        latest = queries.latest_version(overlay)
        if overlay.slug in brought or latest is None or latest.over is None or latest.withdrawn_at is not None:
            continue
        if latest.over_id == version.id:
            followed.append(latest)
            changes.append(
                _(
                    "documents/%(slug)s: version %(number)s follows version %(base)s of its base",
                    slug=overlay.slug,
                    number=latest.number,
                    base=version.number,
                )
            )
            continue
        text = latest.text_in(overlay.authoritative)
        clashing = overlays.clashes_between(overlays.written(text).source, latest.over, version) if text else {}
        file = read.deciding.file
        folder.warn(
            file.path,
            line_of(file.text, "version"),
            _(
                "“%(slug)s” stays laid over version %(over)s.",
                slug=overlay.slug,
                over=latest.over.number,
            ),
            _("Its owner decides about the clauses %(ids)s.", ids=_listed(clashing))
            if clashing
            else _("Its owner looks at what keeps it from being laid over the new one."),
        )
    return followed


def _load_version(
    folder: ContentFolder, document: Document, read: _Folder, headings: _HeadingsAfter, by: Person
) -> DocumentVersion | None:
    deciding = read.deciding
    file, number = deciding.file, deciding.number
    assert deciding.effective_at is not None
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
    over, drafts = None, [text.draft() for text in read.texts.values()]
    if document.base is not None:
        over, drafts = _laid_over(folder, document, document.base, read)
        if over is None:
            return None
    return versions.import_version(
        document=document,
        number=number,
        change_class=ChangeClass(deciding.values["change_class"]),
        effective_at=deciding.effective_at,
        zone=deciding.values.get("zone") or default_time_zone(),
        texts=drafts,
        based_on=based_on or None,
        over=over,
        headings=headings,
        brought=headings.brought_over(read.slug),
        by=by,
    )


def _laid_over(
    folder: ContentFolder, document: Document, base: Document, read: _Folder
) -> tuple[DocumentVersion | None, list[TextDraft]]:
    """Return the version of its base over which an overlay is published, and the texts that result.

    That is the newest one; findings tell why it cannot be laid over it.
    """
    deciding, file = read.deciding, read.deciding.file
    stated, followed = queries.find_version(base, read.over), overlays.followed_version(base)
    line = line_of(file.text, _OVER)
    if followed is None:
        folder.error(
            file.path,
            line,
            _("“%(slug)s” has no version over which it could be laid.", slug=base.slug),
            _("Publish the base first."),
        )
        return None, []
    assert deciding.effective_at is not None
    clashing = (
        [clause.anchor for clause in deciding.clauses]
        if stated is None
        else list(overlays.clashes_between(deciding.body, stated, followed))
    )
    if stated is None or clashing:
        folder.error(
            file.path,
            line,
            _(
                "Version %(over)s of “%(slug)s” is not known here; %(latest)s is its latest version.",
                over=read.over,
                slug=base.slug,
                latest=followed.number,
            )
            if stated is None
            else _(
                "It is laid over %(over)s, but version %(latest)s of “%(slug)s” says something else in: %(ids)s.",
                over=read.over,
                slug=base.slug,
                latest=followed.number,
                ids=_listed(clashing),
            ),
            _(
                "Look at the clauses %(ids)s in version %(latest)s; then write %(over)s.",
                ids=_listed(clashing),
                latest=followed.number,
                over=f'over: "{followed.number}"',
            ),
        )
        return None, []
    drafts = [_saying(document, deciding, text) for text in read.texts.values()]
    before = len(folder.errors)
    _note_problems(folder, read, overlays.problems_of_overlay(document, followed, drafts))
    if deciding.effective_at < followed.effective_at:
        _refuse_early(folder, read, followed.number, _written_instant(followed.effective_at, followed.zone))
    if len(folder.errors) > before:
        return None, []
    results = overlays.resolved(document, followed, drafts)
    return followed, [
        # Over what its file says to be laid, where that was not the newest.
        replace(each, overlay={**(each.overlay or {}), _OVER: read.over})
        if each.language == document.authoritative and read.over != followed.number
        else each
        for each in results
    ]


def _saying(document: Document, deciding: _Text, text: _Text) -> TextDraft:
    """Return a text of an overlay; of a translation of an earlier version, which of its clauses it says."""
    draft = text.draft()
    if text is deciding or draft.stated_behind or text.number == deciding.number:
        return draft
    earlier = queries.find_version(document, text.number)
    said = earlier.text_in(document.authoritative) if earlier is not None else None
    known = {each.anchor: each.hash for each in split_clauses(overlays.written(said).source)} if said else {}
    return replace(draft, made_from={each.anchor: known.get(each.anchor) for each in text.clauses})


def _check_unchanged(folder: ContentFolder, published: DocumentVersion, read: _Folder) -> None:
    """Refuse a file that says something else under a number that is published already."""
    deciding = read.deciding
    stored = {text.language: text for text in _written_texts(published)}
    for language in sorted(set(stored) | set(read.texts)):
        text, kept = read.texts.get(language), stored.get(language)
        if (
            text is not None
            and kept is not None
            and overlays.written(kept).hash == text.draft().hash
            and overlays.stated_of(published, kept) == (text.number, text.values.get("behind", ""))
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
            + _redline(overlays.written(kept).source if kept else "", text.body if text else ""),
        )
    _check_over(folder, published, read)
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


def _check_over(folder: ContentFolder, published: DocumentVersion, read: _Folder) -> None:
    """Refuse a file that says to be laid over another version of its base under a number that is published already."""
    if published.over is None:
        return
    text = published.text_in(published.document.authoritative)
    stated = (text.overlay or {}).get(_OVER) if text is not None else None
    if read.over not in (published.over.number, stated):
        folder.error(
            read.deciding.file.path,
            line_of(read.deciding.file.text, _OVER),
            _(
                "Version %(number)s is published already, laid over version %(over)s of its base.",
                number=published.number,
                over=published.over.number,
            ),
            _(
                'What is published never changes: give the text a higher version and write based_on: "%(number)s".',
                number=published.number,
            ),
        )


def _redline_to(latest: DocumentVersion, read: _Folder) -> str:
    text = latest.text_in(read.settings.authoritative)
    return _redline(overlays.written(text).source if text else "", read.deciding.body)


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


def _written_texts(version: DocumentVersion) -> list[VersionText]:
    """Return the texts of a version that somebody wrote: not a translation in which an overlay says nothing."""
    return [
        text
        for text in sorted(version.texts, key=lambda text: text.language)
        if text.overlay is None or text.overlay["source"].strip()
    ]


def _values_of(document: Document, owner: str, deputy: str) -> dict[str, Any]:
    if document.base is not None:
        is_higher = document.sensitivity > document.base.sensitivity
        return {
            "owner": owner,
            "deputy": deputy or None,
            "review_every_months": document.review_every_months,
            "sensitivity": document.sensitivity if is_higher else None,
        }
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
    if "@" in settings.file.parts[1]:
        return {
            "owner": settings.owner,
            "deputy": settings.deputy or None,
            "review_every_months": settings.review_every_months,
            "sensitivity": settings.stated.get("sensitivity"),
        }
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
    "title", "version", "over", "behind", "change_class", "effective_at", "zone", "based_on", "summary",
    "what_to_do_differently", "attestation",
)  # fmt: skip
# A value that other readers of YAML take as the string that it is.
_PLAIN = re.compile(r"(?!(?:true|false|yes|no|on|off|null|~)$)[^\W\d_](?:(?!: | #)[^\n\t\"\\])*", re.IGNORECASE)


def _written_text(values: Mapping[str, str], body: str) -> str:
    lines = [f"{key}: {_scalar(key, values[key])}" for key in _ORDER if values.get(key)]
    return "\n".join(["---", *lines, "---", body])


def _scalar(key: str, value: str) -> str:
    if key == "effective_at" or (key not in ("version", "based_on", _OVER) and _is_plain(value)):
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

    def report(self, folder: ContentFolder) -> Iterator[Section]:
        """Tell how many terms there are, and for how many of them words are forbidden."""
        terms: list[TermDraft] = folder.shared["library.terms"]
        yield Section(
            _("Glossary"),
            (_("Terms"), _("With forbidden words, EN"), _("With forbidden words, JA")),
            [(len(terms), *(sum(bool(of) for of in each) for each in zip(*_forbidden(terms), strict=True)))]
            if terms
            else [],
        )

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
