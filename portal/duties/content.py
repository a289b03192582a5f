"""`tasks/<slug>.toml`: what recurs, in which rhythm, by which procedure; nothing of what was done of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Any

from portal.accounts import queries as accounts
from portal.accounts.models import Person
from portal.calendars.errors import HolidayYearUnknown
from portal.core.content import ContentFile, ContentFolder, TermsReader, line_of, to_toml
from portal.core.errors import DomainError
from portal.core.i18n import Words
from portal.core.i18n import gettext as _
from portal.duties import errors
from portal.duties.models import RecurringTask
from portal.duties.permissions import only_audits
from portal.duties.queries import tasks as queries
from portal.duties.rules import Fulfilment, Rhythm, WhenOff
from portal.duties.rules.recurring import MOST_DAY_OF_MONTH, MOST_OF
from portal.duties.service import imports
from portal.duties.service.tasks import MOST_MINUTES, Wanted, wanted_of
from portal.duties.service.wording import TITLE_LIMIT
from portal.organisation import queries as organisation
from portal.organisation.models import Market, Team

_KEYS = {
    "version", "owner", "deputy", "market", "team", "rhythm", "every", "weekday", "when_off", "working_day",
    "starts_on", "minutes", "procedure", "clause", "fulfilled_by", "title",
}  # fmt: skip
# Which keys belong to one rhythm.
_OF_RHYTHM = {Rhythm.EVERY: (), Rhythm.WEEKLY: ("weekday", "when_off"), Rhythm.MONTHLY: ("working_day",)}


class Weekday(StrEnum):
    """The days of the week as files name them, from Monday."""

    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"


# On the line of which key a refusal is told.
_AT: dict[type[DomainError], str] = {
    errors.ProcedureMissing: "procedure",
    errors.ClauseMissing: "clause",
    errors.StartsBeforeRuns: "starts_on",
    errors.StartsInPast: "starts_on",
    errors.StartsFarAway: "starts_on",
    HolidayYearUnknown: "starts_on",
}


@dataclass(frozen=True, slots=True)
class _Said:
    """A file as it says."""

    version: str
    owner: str
    deputy: str
    market: str
    team: str | None
    fulfilled_by: Fulfilment | None
    title: Words
    rhythm: Rhythm
    every: int
    starts_on: date
    weekday: int | None = None
    when_off: WhenOff | None = None
    working_day: int | None = None
    minutes: int | None = None
    procedure: str | None = None
    clause: str | None = None

    def wanted(self, market: Market, team: Team | None) -> Wanted:
        """Return its terms for a market, or a team of it."""
        return Wanted(
            title=self.title,
            market=market,
            team=team,
            rhythm=self.rhythm,
            every=self.every,
            starts_on=self.starts_on,
            weekday=self.weekday,
            when_off=self.when_off,
            working_day=self.working_day,
            minutes=self.minutes,
            procedure_slug=self.procedure,
            procedure_clause=self.clause,
        )


class TasksPart:
    """The recurring tasks' share of the content folder."""

    folder = "tasks"

    def check(self, folder: ContentFolder) -> None:
        """Look at every file, and whether the procedure that it names is there."""
        for file in folder.below(self.folder):
            if len(file.parts) != 2 or not file.path.endswith(".toml"):
                folder.error(
                    file.path,
                    0,
                    _("This is no file of a recurring task."),
                    _("A recurring task lies in tasks/NAME.toml, one file a task."),
                )
                continue
            folder.slug_of(file, _slug(file))
            said = _Reader(folder, file).read()
            if said is not None:
                self._check_procedure(folder, file, said)

    def _check_procedure(self, folder: ContentFolder, file: ContentFile, said: _Said) -> None:
        if said.procedure is None:
            return
        path = f"documents/{said.procedure}"
        if folder.has_errors(f"{path}/"):
            folder.unchecked(file.path, line_of(file.text, "procedure"), path)
        elif said.procedure not in folder.shared.get("documents", set()):
            folder.error(
                file.path,
                line_of(file.text, "procedure"),
                _("There is no %(path)s in the folder.", path=path),
                _("Add it, or name one that is there."),
            )
        elif said.clause is not None:
            versions: Mapping[str, set[str]] = folder.shared.get("clauses", {}).get(said.procedure, {})
            if versions and said.clause not in set().union(*versions.values()):
                folder.error(
                    file.path,
                    line_of(file.text, "clause"),
                    _("%(path)s has no clause “%(clause)s”.", path=path, clause=said.clause),
                    _("Write the id of one of its headings, or remove the line."),
                )

    def load(self, folder: ContentFolder, by: Person) -> list[str]:
        """Make what is new, and set other terms where a file of a higher version says something else."""
        changes = []
        markets = {each.code: each for each in organisation.list_markets()}
        teams = {each.code: each for each in organisation.list_teams(closed=False)}
        for file in folder.below(self.folder):
            said = _Reader(folder, file).read()
            wanted = self._placed(folder, file, said, markets, teams) if said is not None else None
            if said is None or wanted is None:
                continue
            found = queries.find_by_content_name(_slug(file))
            if found is not None and found.ended_at is not None:
                folder.warn(
                    file.path,
                    0,
                    _("This recurring task has been ended here; its file is left out."),
                    _("Give the file another name where it is to begin anew, or remove it."),
                )
                continue
            answering = self._answering(folder, file, said, found, by)
            changed = self._take_in(folder, file, (said, wanted, answering), found, by)
            if changed:
                changes.append(f"{file.path}: {changed}")
        return changes

    def _placed(
        self,
        folder: ContentFolder,
        file: ContentFile,
        said: _Said,
        markets: Mapping[str, Market],
        teams: Mapping[str, Team],
    ) -> Wanted | None:
        """Return the terms of a file for its market and team, or None with a finding where one is not known here."""
        market, team = markets.get(said.market), teams.get(said.team or "")
        if market is None:
            folder.error(
                file.path,
                line_of(file.text, "market"),
                _("There is no market “%(code)s”.", code=said.market),
                _("Write the code of a market, or add the market in the settings first."),
            )
            return None
        if said.team is not None and (team is None or team.market_id != market.id):
            folder.error(
                file.path,
                line_of(file.text, "team"),
                _("There is no team “%(code)s” in this market.", code=said.team),
                _("Write the code of a team, add the team first, or remove the line."),
            )
            return None
        return said.wanted(market, team)

    def _take_in(
        self,
        folder: ContentFolder,
        file: ContentFile,
        read: tuple[_Said, Wanted, imports.Answering],
        found: RecurringTask | None,
        by: Person,
    ) -> str:
        said, wanted, answering = read
        try:
            return imports.take_in(
                slug=_slug(file),
                found=found,
                version=said.version,
                wanted=wanted,
                fulfilled_by=said.fulfilled_by,
                answering=answering,
                by=by,
            )
        except imports.VersionTaken as refused:
            folder.error(
                file.path,
                line_of(file.text, "version"),
                _("The terms differ from those of version %(latest)s, which hold here.", latest=refused.latest),
                _(
                    "Write a higher version than %(latest)s: what fell due before keeps its days.",
                    latest=refused.latest,
                ),
            )
        except imports.FulfilmentFixed:
            folder.error(
                file.path,
                line_of(file.text, "fulfilled_by") or 1,
                _("What fulfils a task stays as it was when the task was made."),
                _("Give the file another name, and end the task that is there."),
            )
        except DomainError as refused:
            key = next((key for kind, key in _AT.items() if isinstance(refused, kind)), "version")
            line = line_of(file.text, key) or line_of(file.text, "version")
            folder.error(file.path, line, str(refused), _("Correct it, or import what it names first."))
        return ""

    def _answering(
        self, folder: ContentFolder, file: ContentFile, said: _Said, found: RecurringTask | None, by: Person
    ) -> imports.Answering:
        """Return the named people; for an unknown owner the present one, else the importer."""
        named: dict[str, Person | None] = {}
        for key, name in (("owner", said.owner), ("deputy", said.deputy)):
            person = accounts.find_person_by_sign_in_name(name) if name else None
            named[key] = person if person is not None and person.is_active else None
            if name and named[key] is None:
                folder.warn(
                    file.path,
                    line_of(file.text, key),
                    _("Nobody signs in as %(name)s.", name=name),
                    _("Until somebody is named, the importing person is the owner, and there is no deputy."),
                )
            elif (auditor := named[key]) is not None and only_audits(auditor):
                named[key] = None
                folder.warn(
                    file.path,
                    line_of(file.text, key),
                    _("%(name)s audits and changes nothing.", name=name),
                    _("Until somebody is named, the importing person is the owner, and there is no deputy."),
                )
        present = queries.find_owner_of(found) if found is not None else None
        owner = named["owner"] or (present.owner if present and present.owner.is_active else by)
        deputy = named["deputy"]
        return imports.Answering(
            owner, deputy if deputy is not None and deputy.id != owner.id else None, (said.owner, said.deputy)
        )

    def dump(self) -> Iterator[ContentFile]:
        """Yield the latest terms of every task that has not ended."""
        tasks = queries.list_running_tasks()
        owners = queries.owners_of(tasks)
        for each in sorted(tasks, key=lambda one: one.content_name):
            owned = owners.get(each.code)
            owner = owned.owner.sign_in_name if owned else ""
            deputy = owned.deputy.sign_in_name if owned and owned.deputy else ""
            # As long as nobody else was put in charge the file names whom it named.
            if owned and imports.told(owned.owner, owned.deputy) == each.stated_owner_became:
                owner, deputy = each.stated_owner or "", each.stated_deputy or ""
            yield ContentFile(f"{self.folder}/{each.content_name}.toml", _written(_said_of(each, owner, deputy)))

    def canonical(self, file: ContentFile) -> str | None:
        """Return the file as `dump` would write what it says."""
        folder = ContentFolder({})
        said = _Reader(folder, file).read()
        return None if said is None or folder.errors else _written(said)


def _slug(file: ContentFile) -> str:
    return PurePosixPath(file.path).stem


def _said_of(task: RecurringTask, owner: str, deputy: str) -> _Said:
    wanted = wanted_of(task.latest)
    return _Said(
        version=task.version,
        owner=owner,
        deputy=deputy,
        market=wanted.market.code,
        team=wanted.team.code if wanted.team is not None else None,
        fulfilled_by=task.fulfilled_by,
        title=wanted.title,
        rhythm=wanted.rhythm,
        every=wanted.every,
        starts_on=wanted.starts_on,
        weekday=wanted.weekday,
        when_off=wanted.when_off,
        working_day=wanted.working_day,
        minutes=wanted.minutes,
        procedure=wanted.procedure_slug,
        clause=wanted.procedure_clause,
    )


def _written(said: _Said) -> str:
    return to_toml(
        {
            "version": said.version,
            "owner": said.owner or None,
            "deputy": said.deputy or None,
            "market": said.market,
            "team": said.team,
            "rhythm": said.rhythm.value,
            "every": said.every,
            "weekday": list(Weekday)[said.weekday].value if said.weekday is not None else None,
            "when_off": said.when_off.value if said.when_off is not None else None,
            "working_day": said.working_day,
            "starts_on": said.starts_on,
            "minutes": said.minutes,
            "procedure": said.procedure,
            "clause": said.clause,
            "fulfilled_by": said.fulfilled_by.value if said.fulfilled_by is not None else None,
            "title": said.title,
        }
    )


class _Reader(TermsReader):
    """Reads the file of a task."""

    keys = frozenset(_KEYS)

    def read(self) -> _Said | None:
        """Return what the file says, or None with findings."""
        version = self.open()
        if version is None:
            return None
        owner, deputy = self.sign_in_name("owner"), self.sign_in_name("deputy")
        market, team = self.name("market", "JP"), self.name("team", "TEAM", is_needed=False)
        procedure = self.name("procedure", "SLUG", is_needed=False)
        clause = self.name("clause", "CLAUSE", is_needed=False)
        if clause is not None and procedure is None and not self.faulty:
            self.error("clause", _("A clause needs its document."), _("Write procedure as well, or remove the line."))
        rhythm = self.one_of("rhythm", Rhythm)
        every = self.number("every", MOST_OF[rhythm]) if rhythm is not None else None
        of_rhythm = self.of_rhythm(rhythm) if rhythm is not None else {}
        fulfilled_by = self.one_of("fulfilled_by", Fulfilment, is_needed=False)
        minutes = self.number("minutes", MOST_MINUTES, is_needed=False)
        starts_on, title = (
            self.day("starts_on"),
            self.title(TITLE_LIMIT, lambda length: str(errors.TitleTooLong(length=length, limit=TITLE_LIMIT))),
        )
        if self.faulty or rhythm is None or every is None or starts_on is None or title is None or market is None:
            return None
        return _Said(
            version=version,
            owner=owner,
            deputy=deputy,
            market=market,
            team=team,
            fulfilled_by=fulfilled_by,
            title=title,
            rhythm=rhythm,
            every=every,
            starts_on=starts_on,
            minutes=minutes,
            procedure=procedure,
            clause=clause,
            **of_rhythm,
        )

    def of_rhythm(self, rhythm: Rhythm) -> dict[str, Any]:
        """Read what belongs to the rhythm; note what belongs to another."""
        own = _OF_RHYTHM[rhythm]
        others = {key for keys in _OF_RHYTHM.values() for key in keys} - set(own)
        for key in sorted(others & set(self.table)):
            self.error(
                key,
                _("“%(key)s” does not belong to the rhythm %(rhythm)s.", key=key, rhythm=rhythm.value),
                _("Remove the line, or write the rhythm that it belongs to."),
            )
        if rhythm is Rhythm.WEEKLY:
            weekday = self.one_of("weekday", Weekday)
            return {
                "weekday": list(Weekday).index(weekday) if weekday is not None else None,
                "when_off": self.one_of("when_off", WhenOff),
            }
        if rhythm is Rhythm.MONTHLY:
            return {"working_day": self.working_day()}
        return {}

    def working_day(self) -> int | None:
        """Read a working day of the month, from its end where negative."""
        value = self.table.get("working_day")
        if isinstance(value, int) and not isinstance(value, bool) and 1 <= abs(value) <= MOST_DAY_OF_MONTH:
            return value
        self.error(
            "working_day",
            _("“%(key)s” is no working day of a month.", key="working_day"),
            _(
                "Write working_day = 5 for the fifth one, or -1 for the last one; at most %(most)s.",
                most=MOST_DAY_OF_MONTH,
            ),
        )
        return None

    def name(self, key: str, example: str, *, is_needed: bool = True) -> str | None:
        """Read a short name."""
        mend = _('Write %(key)s = "%(example)s".', key=key, example=example)
        return self.text(key, most=80, mend=mend, is_needed=is_needed)
