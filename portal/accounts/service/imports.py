"""People from a table: read, judged row by row, and taken in all at once or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Any

from email_validator import EmailNotValidError, validate_email
from sqlalchemy import delete, insert

from portal.accounts import errors, queries, rules
from portal.accounts.models import PeopleImport, Person, Role, RoleGrant, Scope, derived_keys
from portal.accounts.service.people import NAME_FIELDS, Names
from portal.core import clock, jobs
from portal.core.codes import new_code
from portal.core.db import canonical_json, session
from portal.core.i18n import LazyText, pgettext
from portal.core.i18n import gettext as _
from portal.core.i18n import lazy_gettext as _l
from portal.core.tables import MAX_ROWS, ReadSheet, Table, TableEmpty, first_filled
from portal.core.texts import forbidden, private, spelled, trimmed
from portal.journal.service import record
from portal.organisation import queries as organisation
from portal.organisation.models import Market, Team

KEPT = timedelta(days=1)

# The columns in their order, as the export writes them and the import reads them.
COLUMNS: dict[str, LazyText] = {
    "sign_in_name": _l("Email address"),
    "family_name": _l("Family name"),
    "given_name": _l("Given name"),
    "middle_name": _l("Middle name"),
    "family_kana": _l("Family name, reading"),
    "given_kana": _l("Given name, reading"),
    "family_romaji": _l("Family name, romanised"),
    "given_romaji": _l("Given name, romanised"),
    "shown_as": _l("Shown as"),
    "employee_number": _l("Employee number"),
    "language": _l("Language"),
    "time_zone": _l("Time zone"),
    "market": _l("Market"),
    "team": _l("Team"),
}
NEEDED_COLUMNS = ("sign_in_name", "family_name")
# Other headings under which these columns come, folded; both languages and the names above are known by themselves.
_ALSO = {
    "sign_in_name": ("email", "e-mail", "mail", "メール", "メールアドレス", "sign-in name"),
    "family_name": ("last name", "surname", "姓", "氏"),
    "given_name": ("first name", "名"),
    "middle_name": ("ミドルネーム",),
    "family_kana": ("family kana", "姓（カナ）", "姓カナ", "セイ", "せい"),
    "given_kana": ("given kana", "名（カナ）", "名カナ", "メイ", "めい"),
    "family_romaji": ("family romaji", "姓（ローマ字）"),
    "given_romaji": ("given romaji", "名（ローマ字）"),
    "shown_as": ("表示名", "display name"),
    "employee_number": ("社員番号", "employee no", "employee id"),
    "language": ("言語",),
    "time_zone": ("タイムゾーン", "timezone"),
    "market": ("市場",),
    "team": ("チーム",),
}
_LANGUAGES = {"en": "en", "english": "en", "英語": "en", "ja": "ja", "japanese": "ja", "日本語": "ja", "jp": "ja"}
MAX_NAME = 300


class Verdict(StrEnum):
    """What happens to a row."""

    ADD = "add"
    SKIP = "skip"
    REFUSE = "refuse"


@dataclass(slots=True)
class JudgedRow:
    """A row with what will be done and, in words, why not."""

    line: int
    cells: dict[str, str]
    verdict: Verdict = Verdict.ADD
    reasons: list[str] = field(default_factory=list)
    market: Market | None = None
    team: Team | None = None

    def refuse(self, reason: str) -> None:
        """Note an error; the row stands in the way of the whole table."""
        self.verdict = Verdict.REFUSE
        self.reasons.append(reason)

    def skip(self, reason: str) -> None:
        """Note that the person is there already; the row is left out."""
        if self.verdict is Verdict.ADD:
            self.verdict = Verdict.SKIP
        self.reasons.append(reason)

    @property
    def names(self) -> Names:
        """The names of the row."""
        return Names(**{name: self.cells.get(name, "") for name in NAME_FIELDS})

    @property
    def shown_name(self) -> str:
        """The name for the preview."""
        return " ".join(filter(None, (self.cells.get("family_name", ""), self.cells.get("given_name", ""))))


@dataclass(frozen=True, slots=True)
class Preview:
    """What an import would do."""

    rows: list[JudgedRow]
    unknown_columns: list[str]
    missing_columns: list[LazyText]
    # The only market there is, where it was put into rows that name none.
    assumed_market: Market | None = None

    def with_verdict(self, verdict: Verdict) -> list[JudgedRow]:
        """Return the rows of one verdict."""
        return [row for row in self.rows if row.verdict is verdict]

    @property
    def can_be_done(self) -> bool:
        """Whether there is somebody to add and nothing in the way."""
        return (
            not self.missing_columns and not self.with_verdict(Verdict.REFUSE) and bool(self.with_verdict(Verdict.ADD))
        )


def keep_table(*, table: Table, filename: str, by: Person) -> PeopleImport:
    """Keep a table that was read until it is confirmed or a day has passed."""
    return _keep(_plain(table), filename, by)


def keep_sheets(*, sheets: Sequence[ReadSheet[Table]], filename: str, by: Person) -> PeopleImport:
    """Keep what was read of a file as `keep_table` does: the first filled sheet, the others beside it to be chosen.

    Raises the fault for which that one cannot be read.
    """
    first = first_filled(sheets)
    if first.content is None:
        raise first.fault or TableEmpty()
    if len(sheets) == 1:
        return keep_table(table=first.content, filename=filename, by=by)
    beside, room = [], MAX_ROWS
    for each in sheets:
        plain: dict[str, Any] = {}
        if each is not first and each.content is not None and len(each.content.rows) <= room:
            room -= len(each.content.rows)
            plain = _plain(each.content)
        beside.append({"name": each.name, "is_empty": isinstance(each.fault, TableEmpty), **plain})
    return _keep(_plain(first.content) | {"sheet": first.name, "sheets": beside}, filename, by)


def _keep(table: dict[str, Any], filename: str, by: Person) -> PeopleImport:
    kept = PeopleImport(code=new_code(), created_at=clock.now(), created_by=by, filename=filename[:200], table=table)
    session.add(kept)
    session.flush()
    return kept


def _plain(table: Table) -> dict[str, Any]:
    return {
        "header": list(table.header),
        "rows": [[row.line, *(row.cells.get(name, "") for name in table.header)] for row in table.rows],
    }


def choose_sheet(*, kept: PeopleImport, name: str) -> None:
    """Take another sheet of the same workbook for the table; the one before stays kept. Raises `SheetGone`."""
    table: dict[str, Any] = kept.table
    wanted = next((each for each in table.get("sheets", ()) if each["name"] == name and "rows" in each), None)
    if wanted is None or kept.done_at is not None:
        raise errors.SheetGone()
    now = {"header": table["header"], "rows": table["rows"]}
    sheets = []
    for each in table["sheets"]:
        bare = {"name": each["name"], "is_empty": each["is_empty"]}
        sheets.append(bare if each is wanted else bare | now if each["name"] == table["sheet"] else each)
    kept.table = {"header": wanted["header"], "rows": wanted["rows"], "sheet": name, "sheets": sheets}
    session.flush()


def judge(kept: PeopleImport) -> Preview:
    """Judge every row against the rules, the table itself and the accounts there are now."""
    header: list[str] = kept.table["header"]
    columns, unknown = _recognised(header)
    rows = [
        JudgedRow(line, {columns[place]: trimmed(str(cell)) for place, cell in enumerate(cells) if place in columns})
        for line, *cells in kept.table["rows"]
    ]
    missing = [COLUMNS[name] for name in NEEDED_COLUMNS if name not in columns.values()]
    assumed = _judge_rows(rows) if not missing else None
    return Preview(rows, unknown, missing, assumed)


def key_of(preview: Preview) -> str:
    """Return the SHA-256 of what a preview shows: whoever confirms says so which one she saw."""
    told = [
        [
            row.line,
            row.cells,
            row.verdict.value,
            row.market.code if row.market is not None else None,
            row.team.code if row.team is not None else None,
        ]
        for row in preview.rows
    ]
    return sha256(canonical_json(told).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Prepared:
    """Somebody who will be added: her row as it will stand in the database, and her name for the journal."""

    values: dict[str, Any]
    full_name: str


def prepare(kept: PeopleImport, seen: str) -> list[Prepared]:
    """Judge a table and return everybody whom it adds; `seen` is the key of the preview that was looked at.

    This is nearly all of the work of a large table; done before the transaction, it keeps nobody from writing.
    Raises `ImportDone`, `ImportHasErrors`, or `ImportChanged` where the preview is another one now.
    """
    if kept.done_at is not None:
        raise errors.ImportDone()
    preview = judge(kept)
    if not preview.can_be_done:
        raise errors.ImportHasErrors()
    if key_of(preview) != seen:
        raise errors.ImportChanged()
    prepared = []
    for row in preview.with_verdict(Verdict.ADD):
        assert row.market is not None
        values: dict[str, Any] = {
            "code": new_code(),
            "sign_in_name": rules.fold_sign_in_name(row.cells["sign_in_name"]),
            "employee_number": row.cells.get("employee_number") or None,
            "language": row.cells["language"],
            "time_zone": row.cells["time_zone"],
            "home_market_id": row.market.id,
            "team_id": row.team.id if row.team else None,
            **{name: rules.as_stored(value) for name, value in asdict(row.names).items()},
        }
        values["sort_key"], values["search_key"] = derived_keys(values)
        named = Person(**{name: values[name] for name in NAME_FIELDS})
        prepared.append(Prepared(values, named.full_name))
    return prepared


def take_in(*, kept: PeopleImport, prepared: Sequence[Prepared], by: Person, send: bool) -> int:
    """Add everybody who was prepared, or nobody; return how many.

    Raises `ImportDone`, or `ImportOutdated` where somebody got one of the addresses or numbers since.
    """
    if kept.done_at is not None:
        raise errors.ImportDone()
    rows = [each.values for each in prepared]
    numbers = {row["employee_number"] for row in rows if row["employee_number"]}
    if queries.has_any_taken({row["sign_in_name"] for row in rows}, numbers):
        raise errors.ImportOutdated()
    now, codes = clock.now(), [row["code"] for row in rows]
    session.execute(insert(Person), [{**row, "created_at": now} for row in rows])
    ids = queries.list_ids(codes)
    session.add_all(
        RoleGrant(
            person_id=ids[code],
            role=Role.LEARNER,
            scope=Scope.ORGANISATION,
            granted_at=now,
            granted_by=by.code,
        )
        for code in codes
    )
    session.flush()
    record(
        "accounts.imported",
        by=by,
        subject=("people_import", kept.code),
        after={"file": kept.filename, "people": [[each.values["code"], each.full_name] for each in prepared]},
    )
    if send and prepared:
        # Step by step afterwards: thousands of mails owed here would keep everybody else from writing.
        jobs.enqueue(
            "accounts.invite_imported",
            {"people": codes, "by": by.code, "occasion": kept.code},
            effect_key=f"invite-imported:{kept.code}",
            requested_by=by.code,
        )
    kept.done_at = now
    return len(prepared)


def tidy_imports() -> int:
    """Remove tables that were not confirmed, or long ago; return how many."""
    gone = session.execute(delete(PeopleImport).where(PeopleImport.created_at < clock.now() - KEPT))
    return int(gone.rowcount)  # type: ignore[attr-defined]


def exported_rows(people: Iterable[Person]) -> list[list[object]]:
    """Return people as rows of `COLUMNS`; they come in again as they went out."""
    return [
        [
            person.home_market.code if name == "market"
            else (person.team.code if person.team else "") if name == "team"
            else getattr(person, name) or ""
            for name in COLUMNS
        ]
        for person in people
    ]  # fmt: skip


def column_of(heading: str) -> str | None:
    """Return the column of `COLUMNS` that a heading names, in either language, or None."""
    return _known_headings().get(folded_heading(heading))


def _known_headings() -> dict[str, str]:
    known: dict[str, str] = {}
    for name, label in COLUMNS.items():
        for text in (name, str(label), *_BOTH[name], *_ALSO[name]):
            known.setdefault(folded_heading(text), name)
    return known


def _recognised(header: list[str]) -> tuple[dict[int, str], list[str]]:
    known = _known_headings()
    columns: dict[int, str] = {}
    unknown: list[str] = []
    for place, heading in enumerate(header):
        found = known.get(folded_heading(heading))
        if found is None or found in columns.values():
            unknown.append(heading)
        else:
            columns[place] = found
    return columns, unknown


# Headings of an export made in either language.
_BOTH = {
    "sign_in_name": ("Email address", "メールアドレス"),
    "family_name": ("Family name", "姓"),
    "given_name": ("Given name", "名"),
    "middle_name": ("Middle name", "ミドルネーム"),
    "family_kana": ("Family name, reading", "姓のふりがな"),
    "given_kana": ("Given name, reading", "名のふりがな"),
    "family_romaji": ("Family name, romanised", "姓のローマ字"),
    "given_romaji": ("Given name, romanised", "名のローマ字"),
    "shown_as": ("Shown as", "表示名"),
    "employee_number": ("Employee number", "社員番号"),
    "language": ("Language", "言語"),
    "time_zone": ("Time zone", "タイムゾーン"),
    "market": ("Market", "市場"),
    "team": ("Team", "チーム"),
}


def folded_heading(text: str) -> str:
    """Return a heading as it is compared: width, case, kana and blanks folded."""
    return rules.fold_for_search(text).replace(" ", "").replace("_", "")


def _judge_rows(rows: list[JudgedRow]) -> Market | None:
    places = _Places(organisation.list_markets(), organisation.list_teams())
    assumed = False
    for row in rows:
        row.cells["sign_in_name"] = rules.fold_sign_in_name(row.cells.get("sign_in_name", ""))
    by_name, by_number = queries.find_taken(
        {row.cells["sign_in_name"] for row in rows},
        {row.cells["employee_number"] for row in rows if row.cells.get("employee_number")},
    )
    first_name: dict[str, int] = {}
    first_number: dict[str, int] = {}
    default_zone = organisation.default_time_zone()
    for row in rows:
        _judge_texts(row)
        assumed |= _judge_market_and_team(row, places)
        _judge_language_and_zone(row, default_zone)
        name, number = row.cells["sign_in_name"], row.cells.get("employee_number", "")
        same = by_name.get(name)
        if same is not None:
            row.skip(_("An account with this email address already exists: %(name)s.", name=same.full_name))
        elif number and number in by_number:
            owner = by_number[number].full_name
            row.refuse(_("This employee number belongs to another account: %(name)s.", name=owner))
        if name and name in first_name:
            row.skip(_("Line %(line)s has the same email address.", line=first_name[name]))
        elif number and number in first_number:
            row.refuse(_("Line %(line)s has the same employee number.", line=first_number[number]))
        first_name.setdefault(name, row.line)
        if number:
            first_number.setdefault(number, row.line)
    return places.markets[0] if assumed else None


def _judge_texts(row: JudgedRow) -> None:
    if not is_mail_address(row.cells["sign_in_name"]):
        row.refuse(_("“%(text)s” is not an email address.", text=row.cells["sign_in_name"]))
    if not row.cells.get("family_name"):
        row.refuse(_("The family name is empty. If there is only one name, enter it there."))
    for name in (*NAME_FIELDS, "employee_number"):
        cell, most = row.cells.get(name, ""), 60 if name == "employee_number" else MAX_NAME
        if len(cell) > most:
            row.refuse(_("%(column)s: at most %(most)s characters.", column=COLUMNS[name], most=most))
        if found := forbidden(cell, private(cell) if name in NAME_FIELDS else ""):
            row.refuse(
                _(
                    "%(column)s: a line break or control character stands inside (%(characters)s). Delete it.",
                    column=COLUMNS[name],
                    characters=", ".join(map(spelled, sorted(found))),
                )
            )


class _Places:
    """The markets and teams that rows can name: a market by its code or name, a team by its code."""

    def __init__(self, markets: Sequence[Market], teams: Sequence[Team]) -> None:
        self.markets, self.teams = markets, teams
        self._market_by = {
            rules.fold_for_search(text): each for each in markets for text in (each.name.en, each.name.ja)
        } | {rules.fold_for_search(each.code): each for each in markets}
        self._team_by = {rules.fold_for_search(each.code): each for each in teams}

    def market(self, text: str) -> Market | None:
        return self._market_by.get(rules.fold_for_search(text)) if text else None

    def team(self, text: str) -> Team | None:
        return self._team_by.get(rules.fold_for_search(text)) if text else None

    def market_codes(self) -> str:
        return _listed([each.code for each in self.markets])

    def team_codes(self, market: Market | None) -> str:
        return _listed([each.code for each in self.teams if market is None or each.market.id == market.id])


# So many are named in a message; the settings name the others.
_MOST_NAMED = 12


def _listed(codes: Sequence[str]) -> str:
    rest = "…" if len(codes) > _MOST_NAMED else ""
    return str(pgettext("list", ", ")).join(codes[:_MOST_NAMED]) + rest


def _judge_market_and_team(row: JudgedRow, places: _Places) -> bool:
    """Find the market and team of a row; say whether the market was assumed, because there is only one."""
    market, team = row.cells.get("market", ""), row.cells.get("team", "")
    row.team = places.team(team)
    row.market = places.market(market) if market else (row.team.market if row.team else None)
    if team and row.team is None:
        there = places.team_codes(row.market)
        row.refuse(
            _("There is no team “%(code)s”. The teams are: %(there)s.", code=team, there=there)
            if there
            else _("There is no team “%(code)s”. Leave the cell empty, or add the team in the settings.", code=team)
        )
    assumed = row.market is None and not market and len(places.markets) == 1
    if assumed:
        row.market = places.markets[0]
    if market and row.market is None:
        row.refuse(
            _("There is no market “%(code)s”. The markets are: %(there)s.", code=market, there=places.market_codes())
            if places.markets
            else _("There is no market “%(code)s”. Add it in the settings first.", code=market)
        )
    elif row.market is None:
        row.refuse(
            _("The market is empty. Enter one of these: %(there)s.", there=places.market_codes())
            if places.markets
            else _("There is no market yet. Add one in the settings first.")
        )
    if row.market and row.team and row.team.market.id != row.market.id:
        row.refuse(_("Team %(team)s belongs to market %(market)s.", team=row.team.code, market=row.team.market.code))
    return assumed


def _judge_language_and_zone(row: JudgedRow, default_zone: str) -> None:
    language = row.cells.get("language", "")
    known = _LANGUAGES.get(language.casefold()) if language else organisation.default_language()
    if known is None:
        row.refuse(_("There is no language “%(text)s”. The languages are: en, ja.", text=language))
    row.cells["language"] = known or ""
    zone = row.cells.get("time_zone") or (row.market.time_zone if row.market else default_zone)
    if not clock.is_zone(zone):
        row.refuse(_("“%(text)s” is not a known time zone; write one like Asia/Tokyo.", text=zone))
    row.cells["time_zone"] = zone


def is_mail_address(text: str) -> bool:
    """Say whether the text can be a mail address; no server is asked."""
    try:
        validate_email(text, check_deliverability=False, test_environment=True, allow_domain_literal=False)
    except EmailNotValidError:
        return False
    return text.isascii() and len(text) <= 254
