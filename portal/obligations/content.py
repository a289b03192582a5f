"""`obligations/<slug>.toml`: what recurs, for whom and in which rhythm; not its state, and nothing of its cycles."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from portal.accounts import queries as accounts
from portal.accounts.models import Person, Role
from portal.core.content import ContentFile, ContentFolder, TermsReader, line_of, to_toml
from portal.core.errors import DomainError
from portal.core.i18n import gettext as _
from portal.obligations import errors, queries, rules
from portal.obligations.models import Obligation
from portal.obligations.rules import Rhythm, State
from portal.obligations.service import imports
from portal.obligations.service.obligations import Wanted, wanted_of
from portal.obligations.service.wording import TITLE_LIMIT

_KEYS = {
    "version", "owner", "deputy", "plan", "rhythm", "begins_on", "days", "markets", "teams", "roles", "holders_of",
    "months", "lead_days", "credential", "month", "day", "recognise_days", "title",
}  # fmt: skip
# Which keys belong to one rhythm, and between which numbers each lies; those that have to be there first.
_NEEDED = {
    Rhythm.AFTER_COMPLETION: ("months",),
    Rhythm.BEFORE_EXPIRY: ("lead_days", "credential"),
    Rhythm.YEARLY: ("month", "day"),
}
_BOUNDS = {
    "days": rules.MOST_DAYS,
    "months": rules.MOST_MONTHS,
    "lead_days": rules.MOST_DAYS,
    "month": 12,
    "day": 31,
    "recognise_days": rules.MOST_RECOGNISED_DAYS,
}
# On the line of which key a refusal is told.
_AT = {
    errors.PlanNotThere: "plan",
    errors.PlanNeedsDays: "plan",
    errors.PlanTakesLonger: "days",
    errors.CredentialMissing: "credential",
    errors.CredentialNeverExpires: "credential",
    errors.CredentialNotEarned: "credential",
    errors.NoSuchDay: "day",
    errors.NoSuchAudience: "roles",
    errors.OutsideScope: "markets",
}


@dataclass(frozen=True, slots=True)
class _Read:
    """A file as it says."""

    version: str
    owner: str
    deputy: str
    wanted: Wanted


class ObligationsPart:
    """The obligations' share of the content folder."""

    folder = "obligations"

    def check(self, folder: ContentFolder) -> None:
        """Look at every file, and whether the plan and the credential that it names are there."""
        for file in folder.below(self.folder):
            if len(file.parts) != 2 or not file.path.endswith(".toml"):
                folder.error(
                    file.path,
                    0,
                    _("This is no file of an obligation."),
                    _("An obligation lies in obligations/NAME.toml, one file an obligation."),
                )
                continue
            folder.slug_of(file, _slug(file))
            read = _Reader(folder, file).read()
            if read is not None:
                self._check_names(folder, file, read.wanted)

    def _check_names(self, folder: ContentFolder, file: ContentFile, wanted: Wanted) -> None:
        named = (
            ("plan", "plans", wanted.plan_slug),
            ("credential", "credentials", wanted.credential_slug),
            ("holders_of", "credentials", wanted.holders_of),
        )
        for key, kind, slug in named:
            if slug is None or slug in (folder.shared.get(kind) or set()):
                continue
            path = f"{kind}/{slug}.toml"
            if folder.has_errors(path):
                folder.unchecked(file.path, line_of(file.text, key), path)
                continue
            folder.error(
                file.path,
                line_of(file.text, key),
                _("There is no %(path)s in the folder.", path=path),
                _("Add it, or name one that is there."),
            )

    def load(self, folder: ContentFolder, by: Person) -> list[str]:
        """Make what is new, and set other terms where a file of a higher version says something else."""
        changes = []
        for file in folder.below(self.folder):
            read = _Reader(folder, file).read()
            if read is None:
                continue
            found = queries.find_by_content_name(_slug(file))
            if found is not None and found.state is State.ENDED:
                folder.warn(
                    file.path,
                    0,
                    _("This obligation has been ended here; its file is left out."),
                    _("Give the file another name where it is to begin anew, or remove it."),
                )
                continue
            owner, deputy = self._owners(folder, file, read, found, by)
            try:
                said = imports.take_in(
                    slug=_slug(file), found=found, version=read.version, wanted=read.wanted,
                    owner=owner, deputy=deputy, stated=(read.owner, read.deputy), by=by,
                )  # fmt: skip
            except imports.VersionTaken as refused:
                folder.error(
                    file.path,
                    line_of(file.text, "version"),
                    _("The terms differ from those of version %(latest)s, which hold here.", latest=refused.latest),
                    _("Write a higher version than %(latest)s: open cycles keep their terms.", latest=refused.latest),
                )
                continue
            except DomainError as refused:
                key = next((key for kind, key in _AT.items() if isinstance(refused, kind)), "version")
                line = line_of(file.text, key) or line_of(file.text, "plan")
                folder.error(file.path, line, str(refused), _("Correct it, or import what it names first."))
                continue
            if said:
                changes.append(f"{file.path}: {said}")
        return changes

    def _owners(
        self, folder: ContentFolder, file: ContentFile, read: _Read, found: Obligation | None, by: Person
    ) -> tuple[Person, Person | None]:
        """Return the named people; for an unknown owner the present one, else the importer."""
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
        present = queries.find_owner_of(found) if found is not None else None
        owner = named["owner"] or (present.owner if present and present.owner.is_active else by)
        deputy = named["deputy"]
        return owner, deputy if deputy is not None and deputy.id != owner.id else None

    def dump(self) -> Iterator[ContentFile]:
        """Yield the terms that hold of every obligation that has not ended."""
        for each in sorted(queries.list_obligations(), key=lambda one: one.content_name):
            if each.state is State.ENDED:
                continue
            owned = queries.find_owner_of(each)
            owner = owned.owner.sign_in_name if owned else ""
            deputy = owned.deputy.sign_in_name if owned and owned.deputy else ""
            # As long as nobody else was put in charge the file names whom it named.
            if owned and imports.told(owned.owner, owned.deputy) == each.stated_owner_became:
                owner, deputy = each.stated_owner or "", each.stated_deputy or ""
            yield ContentFile(
                f"{self.folder}/{each.content_name}.toml",
                _written(_Read(each.version, owner, deputy, wanted_of(each.latest))),
            )

    def canonical(self, file: ContentFile) -> str | None:
        """Return the file as `dump` would write what it says."""
        folder = ContentFolder({})
        read = _Reader(folder, file).read()
        return None if read is None or folder.errors else _written(read)


def _slug(file: ContentFile) -> str:
    return PurePosixPath(file.path).stem


def _written(read: _Read) -> str:
    wanted = read.wanted
    return to_toml(
        {
            "version": read.version,
            "owner": read.owner or None,
            "deputy": read.deputy or None,
            "plan": wanted.plan_slug,
            "rhythm": wanted.rhythm.value,
            "month": wanted.month,
            "day": wanted.day,
            "recognise_days": wanted.recognise_days,
            "months": wanted.months,
            "lead_days": wanted.lead_days,
            "credential": wanted.credential_slug,
            "begins_on": wanted.begins_on,
            "days": wanted.days,
            "markets": sorted(wanted.markets) or None,
            "teams": sorted(wanted.teams) or None,
            "roles": sorted(wanted.roles) or None,
            "holders_of": wanted.holders_of,
            "title": wanted.title,
        }
    )


class _Reader(TermsReader):
    """Reads the file of an obligation."""

    keys = frozenset(_KEYS)

    def read(self) -> _Read | None:
        """Return what the file says, or None with findings."""
        version = self.open()
        if version is None:
            return None
        owner, deputy = self.sign_in_name("owner"), self.sign_in_name("deputy")
        rhythm = self.one_of("rhythm", Rhythm)
        values = self.of_rhythm(rhythm) if rhythm is not None else {}
        wanted = {
            "title": self.title(TITLE_LIMIT, lambda length: str(errors.TitleTooLong(length=length, limit=TITLE_LIMIT))),
            "plan_slug": self.file_name("plan"),
            "begins_on": self.day("begins_on"),
            "days": self.number("days", _BOUNDS["days"]),
            "holders_of": self.file_name("holders_of", is_needed=False),
            "markets": self.codes("markets"),
            "teams": self.codes("teams"),
            "roles": self.codes("roles", {role.value for role in Role}),
        }
        if self.faulty or rhythm is None:
            return None
        return _Read(version, owner, deputy, Wanted(rhythm=rhythm, **(wanted | values)))

    def of_rhythm(self, rhythm: Rhythm) -> dict[str, Any]:
        """Read what belongs to the rhythm; note what belongs to another."""
        own = set(_NEEDED[rhythm]) | ({"recognise_days"} if rhythm is Rhythm.YEARLY else set())
        others = {key for keys in _NEEDED.values() for key in keys} | {"recognise_days"}
        for key in sorted((others - own) & set(self.table)):
            self.error(
                key,
                _("“%(key)s” does not belong to the rhythm %(rhythm)s.", key=key, rhythm=rhythm.value),
                _("Remove the line, or write the rhythm that it belongs to."),
            )
        found: dict[str, Any] = {}
        for key in sorted(own):
            if key == "credential":
                found["credential_slug"] = self.file_name(key)
            else:
                found[key] = self.number(key, _BOUNDS[key], is_needed=key in _NEEDED[rhythm])
        month, day = found.get("month"), found.get("day")
        if month and day and day > rules.DAYS_OF_MONTH[month - 1]:
            self.error("day", _("This month has no such day."), _("Write a day that the month has."))
        return found

    def file_name(self, key: str, *, is_needed: bool = True) -> str | None:
        """Read the name of a plan or credential."""
        mend = _('Write %(key)s = "NAME", the name of its file.', key=key)
        return self.text(key, most=60, mend=mend, is_needed=is_needed)

    def codes(self, key: str, known: set[str] | None = None) -> tuple[str, ...]:
        """Read a list of codes; of an empty one all are meant."""
        value = self.table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(each, str) and 0 < len(each) <= 60 for each in value):
            self.error(key, _("“%(key)s” has the wrong form.", key=key), _('Write %(key)s = ["CODE"].', key=key))
            return ()
        unknown = sorted(set(value) - known) if known is not None else []
        if unknown and known is not None:
            self.error(
                key,
                _("“%(key)s” cannot be “%(value)s”.", key=key, value=unknown[0]),
                _("Write one of %(values)s.", values=", ".join(sorted(known))),
            )
        return tuple(sorted(set(value)))
