"""`credentials/<slug>.toml`: what a credential certifies, for how long, and how its certificate looks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from portal.accounts import queries as accounts
from portal.accounts.models import Person
from portal.accounts.service.ownership import set_owner_of_file
from portal.certificates import queries, rules, service
from portal.certificates.errors import VersionChanged, VersionNotNewer
from portal.certificates.rules import NumberFormatFault, renewals
from portal.certificates.rules.templates import Design, Honorific, faults_of_words, is_drawable
from portal.certificates.service import OWNED_KIND, CredentialSpec, TemplateName, templates
from portal.core.content import SLUG, ContentFile, ContentFolder, Section, line_of, to_toml
from portal.core.i18n import LANGUAGES, Words
from portal.core.i18n import gettext as _

DEFAULT_DESIGN = Design.MODERN
DEFAULT_SEAL = "修了之印"
MAX_MONTHS = 120
MAX_TITLE, MAX_STATEMENT, MAX_SIGNATORY, MAX_SEAL = 120, 300, 80, 9
_VERSION = re.compile(r"[0-9]{1,4}\.[0-9]{1,4}")
_KEYS = {
    "version", "owner", "deputy", "validity_months", "design", "honorific", "seal", "number_format",
    "title", "statement", "signatory", "template", "template_version",
    "renewal_window_days", "grace_days", "renewal_plan", "superseded_by",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Read:
    """A file as it says."""

    number: str
    owner: str
    deputy: str
    spec: CredentialSpec


class CredentialsPart:
    """The credentials' share of the content folder."""

    folder = "credentials"

    def check(self, folder: ContentFolder) -> None:
        """Look at every credential file, and whether the plans name credentials that are there."""
        found = {name.removesuffix(".toml") for name in folder.unread(self.folder)}
        specs: dict[str, tuple[ContentFile, CredentialSpec]] = {}
        for file in folder.below(self.folder):
            if len(file.parts) != 2 or not file.path.endswith(".toml"):
                folder.error(
                    file.path,
                    0,
                    _("This is no credential file."),
                    _("A credential lies in credentials/NAME.toml, one file a credential."),
                )
                continue
            slug = folder.slug_of(file, _slug(file))
            if slug is not None:
                # A faulty file has findings of its own; that plans name it is no fault as well.
                found.add(slug)
            read = _Reader(folder, file).read()
            if read is not None:
                specs[_slug(file)] = (file, read.spec)
        folder.shared["credentials"] = found
        folder.shared["certificates.specs"] = {slug: spec for slug, (_file, spec) in specs.items()}
        self._check_renewal(folder, specs)
        for plan, credential in (folder.shared.get("plan_credentials") or {}).items():
            path = f"plans/{plan}.toml"
            if credential is not None and credential not in found and path in folder.files:
                folder.error(
                    path,
                    line_of(folder.files[path].text, "credential"),
                    _("There is no credential “%(slug)s” in the folder.", slug=credential),
                    _("Add credentials/%(slug)s.toml, or name one that is there.", slug=credential),
                )

    def report(self, folder: ContentFolder) -> Iterator[Section]:
        """Tell which credentials there are, how long they hold and which plans lead to them."""
        specs: dict[str, CredentialSpec] = folder.shared["certificates.specs"]
        plans: dict[str, str | None] = folder.shared.get("plan_credentials") or {}
        rows: list[tuple[object, ...]] = [
            (
                slug,
                spec.validity_months or "",
                f"{spec.template.slug}/{spec.template.number}" if spec.template else spec.design.value,
                ", ".join(plan for plan, credential in plans.items() if credential == slug),
            )
            for slug, spec in specs.items()
        ]
        remarks = [_("%(slug)s: no plan leads to it.", slug=row[0]) for row in rows if not row[3]]
        yield Section(_("Credentials"), (_("Credential"), _("Months"), _("Template"), _("Plans")), rows, remarks)

    def _check_renewal(self, folder: ContentFolder, specs: dict[str, tuple[ContentFile, CredentialSpec]]) -> None:
        """Note refreshers that do not lead to the credential, and credentials that supersede one another."""
        plans: dict[str, str | None] = folder.shared.get("plan_credentials") or {}
        instead = {slug: spec.superseded_by_slug or "" for slug, (_file, spec) in specs.items()}
        for slug, (file, spec) in specs.items():
            plan, other = spec.renewal_plan_slug, spec.superseded_by_slug
            if plan is not None and plans.get(plan) != slug:
                folder.error(
                    file.path,
                    line_of(file.text, "renewal_plan"),
                    _("The plan “%(plan)s” does not lead to this credential.", plan=plan),
                    _('Write credential = "%(slug)s" in plans/%(plan)s.toml, or name another plan.',
                      slug=slug, plan=plan),
                )  # fmt: skip
            if other is None:
                continue
            if other not in folder.shared["credentials"]:
                folder.error(
                    file.path,
                    line_of(file.text, "superseded_by"),
                    _("There is no credential “%(slug)s” in the folder.", slug=other),
                    _("Add credentials/%(slug)s.toml, or name one that is there.", slug=other),
                )
            elif renewals.leads_back(slug, other, instead):
                folder.error(
                    file.path,
                    line_of(file.text, "superseded_by"),
                    _("This credential would supersede itself."),
                    _("Name a credential that is still issued."),
                )

    def load(self, folder: ContentFolder, by: Person) -> list[str]:
        """Add a version wherever a credential says something new; owners are set as the files name them."""
        changes = []
        for file in folder.below(self.folder):
            read = _Reader(folder, file).read()
            if read is None:
                continue
            try:
                version = service.publish_version(
                    slug=_slug(file), number=read.number, spec=read.spec, by=by, origin="import"
                )
            except (VersionChanged, VersionNotNewer) as refused:
                folder.error(
                    file.path,
                    line_of(file.text, "version"),
                    str(refused),
                    _("Certificates stay as they were issued: write a higher version for what is new."),
                )
                continue
            if version is not None:
                changes.append(f"{file.path}: {version.number}")
            if self._set_owner(folder, file, read, by) and version is None:
                changes.append(f"{file.path}: {read.owner or by.sign_in_name}")
        return changes

    def _set_owner(self, folder: ContentFolder, file: ContentFile, read: _Read, by: Person) -> bool:
        """Make the named people owner and deputy; with an unknown owner the present one stays, else the importer."""
        named: dict[str, Person | None] = {}
        for key, name in (("owner", read.owner), ("deputy", read.deputy)):
            person = accounts.find_person_by_sign_in_name(name) if name else None
            named[key] = person if person is not None and person.is_active else None
            if name and named[key] is None:
                folder.warn(
                    file.path,
                    line_of(file.text, key),
                    _("Nobody signs in as %(name)s.", name=name),
                    _("Until somebody is named, the importing person is the owner, and there is no deputy."),
                )
        present = accounts.find_owner(OWNED_KIND, _slug(file))
        owner = named["owner"] or (present.owner if present else by)
        deputy = named["deputy"]
        if deputy is not None and deputy.id == owner.id:
            deputy = None
        service.keep_stated_owner(
            credential=queries.get_credential(_slug(file)),
            owner=read.owner,
            deputy=read.deputy,
            became=f"{owner.code} {deputy.code if deputy else '-'}",
        )
        line = line_of(file.text, "owner")
        now = set_owner_of_file(
            folder, file.path, line, kind=OWNED_KIND, code=_slug(file), owner=owner, deputy=deputy, by=by
        )
        return now is not present

    def dump(self) -> Iterator[ContentFile]:
        """Yield the newest version of every credential."""
        for version in queries.list_latest_versions():
            credential = version.credential
            ownership = accounts.find_owner(OWNED_KIND, credential.slug)
            owner = ownership.owner.sign_in_name if ownership else ""
            deputy = ownership.deputy.sign_in_name if ownership and ownership.deputy else ""
            if ownership:
                now = f"{ownership.owner.code} {ownership.deputy.code if ownership.deputy else '-'}"
                # As long as nobody else was put in charge the file names whom it named.
                if now == credential.stated_owner_became:
                    owner, deputy = credential.stated_owner, credential.stated_deputy
            yield ContentFile(
                f"{self.folder}/{credential.slug}.toml",
                _written(_Read(version.number, owner, deputy, service.spec_of(version))),
            )

    def canonical(self, file: ContentFile) -> str | None:
        """Return the file as `dump` would write what it says."""
        folder = ContentFolder({})
        read = _Reader(folder, file).read()
        return None if read is None or folder.errors else _written(read)


def _slug(file: ContentFile) -> str:
    return PurePosixPath(file.path).stem


def _default_honorific(design: Design) -> Honorific:
    return Honorific.DONO if design is Design.CLASSIC else Honorific.NONE


def _written(read: _Read) -> str:
    spec = read.spec
    usual = _default_honorific(spec.design)
    return to_toml(
        {
            "version": read.number,
            "owner": read.owner or None,
            "deputy": read.deputy or None,
            "validity_months": spec.validity_months,
            "renewal_window_days": spec.renewal_window_days,
            "grace_days": spec.grace_days,
            "renewal_plan": spec.renewal_plan_slug,
            "superseded_by": spec.superseded_by_slug,
            "design": spec.design.value,
            "honorific": spec.honorific.value if spec.honorific is not usual else None,
            "seal": spec.seal if spec.seal != DEFAULT_SEAL else None,
            "template": spec.template.slug if spec.template else None,
            "template_version": spec.template.number if spec.template else None,
            "number_format": spec.number_format,
            "title": spec.title,
            "statement": spec.statement,
            "signatory": {"name": spec.signatory_name, "title": spec.signatory_title},
        }
    )


def line_within(text: str, begins: int, found: str, language: str) -> int:
    """Return the line of what was found in a text in one language whose key stands on the line `begins`."""
    lines = list(enumerate(text.splitlines(), start=1))[max(begins - 1, 0) :]
    tag = re.compile(rf"(?:^|[\s{{,.]){re.escape(language)}\s*=") if language else None
    of_language = next((number for number, line in lines if tag is not None and tag.search(line)), begins)
    return next((number for number, line in lines if number >= of_language and found and found in line), of_language)


class _Reader:
    """Reads one file, noting what is wrong with it."""

    def __init__(self, folder: ContentFolder, file: ContentFile) -> None:
        self.folder = folder
        self.file = file
        self.faulty = False

    def read(self) -> _Read | None:
        """Return what the file says, or None with findings."""
        table = self.folder.read_toml(self.file)
        if table is None:
            return None
        for key in sorted(set(table) - _KEYS):
            self.error(
                key,
                _("“%(key)s” is not known here.", key=key),
                _("Known are %(keys)s.", keys=", ".join(sorted(_KEYS))),
            )
        number = table.get("version")
        if not isinstance(number, str) or not _VERSION.fullmatch(number):
            self.error("version", _("The version is missing or not written right."), _('Write version = "1.0".'))
            number = "0.0"
        title = self.words(table, "title", MAX_TITLE)
        statement = self.words(table, "statement", MAX_STATEMENT)
        if statement is not None:
            self.check_placeholders(statement)
        signatory = table.get("signatory")
        name = self.words(signatory, "name", MAX_SIGNATORY, within="signatory")
        position = self.words(signatory, "title", MAX_SIGNATORY, within="signatory")
        design = self.choice(table, "design", Design, DEFAULT_DESIGN)
        honorific = self.choice(table, "honorific", Honorific, _default_honorific(design))
        months, seal, number_format = self.months(table), self.seal(table), self.number_format(table)
        template = self.template(table)
        owner, deputy = self.person(table, "owner"), self.person(table, "deputy")
        window = self.days(table, "renewal_window_days", renewals.MAX_WINDOW, months)
        grace = self.days(table, "grace_days", renewals.MAX_GRACE, months)
        plan, instead = self.slug(table, "renewal_plan"), self.slug(table, "superseded_by")
        if self.faulty or title is None or statement is None or name is None or position is None:
            return None
        spec = CredentialSpec(title, statement, months, design, honorific, seal, number_format, name, position,
                              window, grace, plan, instead, template)  # fmt: skip
        return _Read(number, owner, deputy, spec)

    def error(self, key: str, message: str, mend: str, line: int | None = None) -> None:
        """Note a fault on the line of a key."""
        self.faulty = True
        self.folder.error(self.file.path, line_of(self.file.text, key) if line is None else line, message, mend)

    def line_of(self, key: str, within: str) -> int:
        """Return the line of a key, of the table `within` where that is named."""
        begins = line_of(self.file.text, within) if within else 0
        found = line_of("\n".join(self.file.text.split("\n")[max(begins - 1, 0) :]), key)
        return found + max(begins - 1, 0) if found else begins

    def words(self, table: Any, key: str, limit: int, *, within: str = "") -> Words | None:
        """Read a text in both languages, of limited length."""
        found = self.folder.words(self.file, table, key)
        if found is None:
            self.faulty = True
            return None
        longest = max(len(found.en), len(found.ja))
        if longest > limit:
            self.error(
                key,
                _("“%(key)s” has %(count)s characters; a certificate has room for %(limit)s.",
                  key=key, count=longest, limit=limit),
                _("Shorten it."),
                self.line_of(key, within),
            )  # fmt: skip
            return None
        words = Words(en=found.en.strip(), ja=found.ja.strip())
        return words if self.can_be_printed(key, words, self.line_of(key, within)) else None

    def can_be_printed(self, key: str, words: Words, begins: int) -> bool:
        """Note what no certificate prints, as the form of the credential does: markup, addresses, hidden characters."""
        is_clean = True
        for language in LANGUAGES:
            # A statement may be written in lines.
            text = words.in_(language).replace("\n", " ") if key == "statement" else words.in_(language)
            for fault in faults_of_words(key, text, language):
                is_clean = False
                line = line_within(self.file.text, begins, fault.found, language)
                self.error(key, f"{key} ({language}): {templates.say(fault)}", _("Write plain words."), line)
        return is_clean

    def check_placeholders(self, statement: Words) -> None:
        """Note every placeholder that is not known, where it stands."""
        for text in (statement.en, statement.ja):
            for unknown in rules.unknown_placeholders(text):
                shown = unknown if unknown in ("{", "}") else f"{{{unknown}}}"
                begins = line_of(self.file.text, "statement")
                lines = enumerate(self.file.text.splitlines(), start=1)
                line = next((number for number, each in lines if number >= begins and shown in each), None)
                self.error(
                    "statement",
                    _("The statement has the unknown placeholder %(name)s.", name=shown),
                    _("Known are %(names)s.", names=", ".join(f"{{{name}}}" for name in rules.PLACEHOLDERS)),
                    line,
                )

    def choice(self, table: dict[str, Any], key: str, kind: Any, default: Any) -> Any:
        """Read one of the values of an enum."""
        value = table.get(key, default.value)
        if isinstance(value, str) and value in {member.value for member in kind}:
            return kind(value)
        self.error(
            key,
            _("“%(key)s” cannot be “%(value)s”.", key=key, value=value),
            _("Write one of %(values)s.", values=", ".join(member.value for member in kind)),
        )
        return default

    def months(self, table: dict[str, Any]) -> int | None:
        """Read for how many months a certificate is valid; None: for ever."""
        value = table.get("validity_months")
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MAX_MONTHS:
            self.error(
                "validity_months",
                _("The validity is no whole number of months from 1 to %(limit)s.", limit=MAX_MONTHS),
                _("Write validity_months = 12, or leave the line out where it does not expire."),
            )
            return None
        return value

    def days(self, table: dict[str, Any], key: str, limit: int, months: int | None) -> int | None:
        """Read for how many days before or after its last day something holds; None: not said."""
        value = table.get(key)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= limit:
            self.error(
                key,
                _("“%(key)s” is no whole number of days from 1 to %(limit)s.", key=key, limit=limit),
                _("Write for instance %(key)s = 60, or leave the line out.", key=key),
            )
            return None
        if months is None and "validity_months" not in table:
            self.error(
                key,
                _("“%(key)s” is of no use where certificates do not expire.", key=key),
                _("Write validity_months = 12, or leave the line out."),
            )
            return None
        if key == "renewal_window_days" and months is not None and not renewals.window_fits(months, value):
            self.error(
                key,
                _("The renewal window is longer than a certificate is valid."),
                _("Write a smaller number of days."),
            )
            return None
        return value

    def slug(self, table: dict[str, Any], key: str) -> str | None:
        """Read the name of a plan or credential; None: not said."""
        value = table.get(key)
        if value is None or (isinstance(value, str) and SLUG.fullmatch(value)):
            return value
        self.error(
            key,
            _("“%(key)s” cannot be “%(value)s”.", key=key, value=value),
            _("Write the name of its file without .toml."),
        )
        return None

    def seal(self, table: dict[str, Any]) -> str:
        """Read the characters of the seal; empty: none."""
        value = table.get("seal", DEFAULT_SEAL)
        if not isinstance(value, str) or len(value) > MAX_SEAL or not all(map(is_drawable, value)):
            self.error(
                "seal",
                _("The seal must have one to nine characters without blanks."),
                _('Write for instance seal = "修了之印", or seal = "" for none.'),
            )
            return ""
        return value

    def template(self, table: dict[str, Any]) -> TemplateName | None:
        """Read from which version of which template certificates are drawn; None: from the design alone."""
        slug, number = table.get("template"), table.get("template_version")
        if slug is None and number is None:
            return None
        if not isinstance(slug, str) or not isinstance(number, int) or isinstance(number, bool):
            self.error(
                "template",
                _("A template is named together with its version."),
                _('Write template = "NAME" and template_version = 1.'),
            )
            return None
        known = self.folder.shared.get("template_versions")
        if known is not None and number not in known.get(slug, ()) and slug not in self.folder.unread("templates"):
            self.error(
                "template",
                _("There is no version %(number)s of the template “%(slug)s” in the folder.", number=number, slug=slug),
                _("Add templates/%(slug)s/%(number)s.toml, or name one that is there.", number=number, slug=slug),
            )
            return None
        return TemplateName(slug, number)

    def number_format(self, table: dict[str, Any]) -> str:
        """Read how certificates are numbered."""
        value = table.get("number_format")
        fault = rules.number_format_fault(value) if isinstance(value, str) else (NumberFormatFault.NO_NUMBER, "")
        if fault is None:
            return str(value)
        kind, detail = fault
        message = {
            NumberFormatFault.UNKNOWN: _(
                "The number format has the unknown placeholder %(name)s.", name=f"{{{detail}}}"
            ),
            NumberFormatFault.NO_NUMBER: _("The number format needs {number} exactly once."),
            NumberFormatFault.LITERAL: _("The number format may hold only letters A to Z, digits, hyphens and dots."),
            NumberFormatFault.LONG: _("The number format makes numbers that are too long."),
        }[kind]
        example = '"IR-{year}-{number:04}"'
        self.error("number_format", message, _("Write for instance number_format = %(value)s.", value=example))
        return ""

    def person(self, table: dict[str, Any], key: str) -> str:
        """Read a sign-in name; empty: not given."""
        value = table.get(key)
        if value is None:
            return ""
        if not isinstance(value, str) or not value or len(value) > 254:
            self.error(key, _("“%(key)s” is not a sign-in name.", key=key), _("Write the person's mail address."))
            return ""
        return value
