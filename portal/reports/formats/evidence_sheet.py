"""The evidence of a period: as a workbook, an archive of CSV files and a summary on paper, in one language."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from portal.core.clock import local_date
from portal.core.i18n import LazyText, force_locale, format_date, language, pgettext
from portal.core.i18n import gettext as _
from portal.core.i18n import lazy_gettext as _l
from portal.core.printing import PrintFolder
from portal.core.tables import Encoding, Lost, Sheet, list_lost, write_archive, write_csv, write_workbook
from portal.reports import rules
from portal.reports.formats.words import kind_words, period_words
from portal.reports.queries.evidence import Evidence
from portal.reports.rules import Totals

TEMPLATES = PrintFolder("reports")
LANGUAGE_WORDS: Mapping[str, LazyText] = {"en": _l("English"), "ja": _l("Japanese")}


@dataclass(frozen=True, slots=True)
class GroupRow:
    """The totals of a market and a language."""

    market: str
    language: str
    totals: Totals


@dataclass(frozen=True, slots=True)
class VersionRow:
    """How many people of a market acknowledged a version in a language."""

    market: str
    language: str
    # Its title, and the address under which it is found whatever it is called.
    document: str
    slug: str
    version: str
    people: int


@dataclass(frozen=True, slots=True)
class Reconciled:
    """One line of the reconciliation: the sum of the rows, and what the database counts by itself."""

    what: str
    rows: int
    counted: int


@dataclass(frozen=True, slots=True)
class EvidenceSheet:
    """Everything that the evidence says, as plain data in words of one language."""

    language: str
    organisation: str
    first: str
    last: str
    # The last day itself: the workbook says that it was made then.
    last_on: date
    zone: str
    scope: str
    groups: Sequence[GroupRow]
    versions: Sequence[VersionRow]
    total: Totals
    reconciled: Sequence[Reconciled]
    tables: Sequence[Sheet]

    @property
    def period(self) -> str:
        """The period in words."""
        with force_locale(self.language):
            return period_words(self.first, self.last)


def told(
    found: Evidence, *, organisation: str, scope: str, markets: Mapping[str, str], documents: Mapping[str, str]
) -> EvidenceSheet:
    """Tell the evidence in the present language; `markets` are names by their codes, `documents` titles by slug."""
    facts = found.facts.values()
    market_of = {person.id: person.home_market.code for person in found.people}
    who: dict[tuple[str, str, str, str], set[int]] = defaultdict(set)
    for each in found.confirmed:
        who[market_of[each.person_id], each.language, each.document, each.version].add(each.person_id)
    groups = [
        GroupRow(markets[market], str(LANGUAGE_WORDS[tag]), totals)
        for (market, tag), totals in rules.totals_by(facts).items()
    ]
    versions = [
        VersionRow(markets[market], str(LANGUAGE_WORDS[tag]), documents.get(slug, slug), slug, version, len(people))
        for (market, tag, slug, version), people in sorted(who.items())
    ]
    total = rules.total(facts)
    return EvidenceSheet(
        language=language(),
        organisation=organisation,
        first=format_date(found.period.first),
        last=format_date(found.period.last),
        last_on=found.period.last,
        zone=found.period.zone,
        scope=scope,
        groups=groups,
        versions=versions,
        total=total,
        reconciled=reconciliation(found),
        tables=[*_totals(groups, total), *_by_version(versions), *_rows(found, markets, documents), _reconciled(found)],
    )


def title_of(sheet: EvidenceSheet) -> str:
    """Return the title of the file."""
    with force_locale(sheet.language):
        return _("Training evidence: %(period)s", period=sheet.period)


def formulas() -> list[tuple[str, str]]:
    """Return how each number is counted."""
    return [
        (
            _("Training time (planned)"),
            _(
                "The minutes that the plan foresees for each step completed in the period. Each acknowledgement and "
                "each attempt counts once, also where it completed steps of several plans; exemptions and what was "
                "taken over from an earlier enrollment do not count."
            ),
        ),
        (
            _("Time in quizzes (measured)"),
            _(
                "From the beginning of an attempt to its being handed in, breaks left out, in whole minutes an "
                "attempt; void attempts do not count. It is part of the planned time of quiz steps: the two are "
                "never added up."
            ),
        ),
        (
            _("First tries"),
            _(
                "The first attempt of a person at a quiz that is not void, handed in during the period, whose "
                "result is released; a corrected result counts as corrected."
            ),
        ),
        (
            _("Acknowledged versions"),
            _("Statements “read and understood” made in the period, by version and by the language that was shown."),
        ),
        (
            _("People"),
            _(
                "Everybody within reach who had an account in the period, or did something in it; market, team and "
                "language are those of today."
            ),
        ),
    ]


def reconciliation(found: Evidence) -> list[Reconciled]:
    """Return what the rows sum up to beside what the database counts by itself."""
    rows, counted = found.rows, found.counted
    return [
        Reconciled(_("People"), rows.people, counted.people),
        Reconciled(_("Steps done"), rows.steps, counted.steps),
        Reconciled(_("Training minutes (planned)"), rows.planned_minutes, counted.planned_minutes),
        Reconciled(_("Attempts handed in"), rows.sittings, counted.sittings),
        Reconciled(_("Acknowledged versions"), rows.acknowledged, counted.acknowledged),
        Reconciled(_("Certificates"), rows.certificates, counted.certificates),
    ]


# --- As tables ---------------------------------------------------------------------------------


def _columns() -> list[str]:
    return [
        _("Training minutes (planned)"), _("Minutes in quizzes (measured)"), _("Steps done"), _("First tries passed"),
        _("First tries not passed"), _("Acknowledged versions"), _("Certificates"),
    ]  # fmt: skip


def _totals(groups: Sequence[GroupRow], total: Totals) -> list[Sheet]:
    header = [_("Market"), _("Language of the account"), _("People"), _("People with training"), *_columns()]
    rows: list[list[object]] = [[each.market, each.language, *numbers(each.totals)] for each in groups]
    return [Sheet(_("Totals"), header, [*rows, [_("Everybody"), "", *numbers(total)]], 2)]


def _by_version(versions: Sequence[VersionRow]) -> list[Sheet]:
    header = [_("Market"), _("Language shown"), _("Document"), _("Address"), _("Version"), _("People")]
    rows = [[each.market, each.language, each.document, each.slug, each.version, each.people] for each in versions]
    return [Sheet(_("Totals by policy version"), header, rows)]


def _rows(found: Evidence, markets: Mapping[str, str], documents: Mapping[str, str]) -> list[Sheet]:
    """Return what there is of each person; every row names her by code and name."""
    zone, facts, here = found.period.zone, found.facts, language()
    names = {person.id: [person.code, person.name_in(here)] for person in found.people}
    tongues = {tag: str(words) for tag, words in LANGUAGE_WORDS.items()}
    who = [_("Person code"), _("Name")]
    people = Sheet(
        pgettext("table", "People"),
        [*who, _("Language of the account"), _("Market"), _("Team"), *_columns()],
        [
            [
                *names[person.id],
                tongues[person.language],
                markets[person.home_market.code],
                str(person.team.name) if person.team is not None else "",
                *numbers(rules.total([facts[person.id]]))[2:],
            ]
            for person in found.people
        ],
        2,
    )
    steps = Sheet(
        _("Steps"),
        [
            *who, _("Plan"), _("Address"), _("Kind"), _("Step"), _("Done on (%(zone)s)", zone=zone),
            _("Training minutes (planned)"),
        ],
        [
            [
                *names[each.person_id], str(each.plan), each.plan_slug, kind_words(each.kind), str(each.step),
                local_date(each.completed_at, zone), each.minutes,
            ]
            for each in found.steps
        ],
        2,
    )  # fmt: skip
    results = Sheet(
        _("Quiz results"),
        [
            *who, _("Quiz"), _("Version"), _("Language shown"), _("Handed in on (%(zone)s)", zone=zone),
            _("Minutes in quizzes (measured)"), _("First try"), _("Result"),
        ],
        [
            [
                *names[each.person_id], str(each.quiz), each.version, tongues[each.language],
                local_date(each.finished_at, zone), each.minutes, _("yes") if each.is_first else _("no"),
                _result(each.passed),
            ]
            for each in found.sittings
        ],
        2,
    )  # fmt: skip
    versions = Sheet(
        _("Policy versions"),
        [
            *who, _("Document"), _("Address"), _("Version"), _("Language shown"),
            _("Acknowledged on (%(zone)s)", zone=zone), _("SHA-256 of the text shown"),
        ],
        [
            [
                *names[each.person_id], documents.get(each.document, each.document), each.document, each.version,
                tongues[each.language], local_date(each.at, zone), each.text_hash,
            ]
            for each in found.confirmed
        ],
        2,
    )  # fmt: skip
    certificates = Sheet(
        _("Certificates"),
        [
            *who, _("Certificate"), pgettext("certificate", "Number"), _("Issued on"), _("Valid until"),
            _("Revoked on (%(zone)s)", zone=zone),
        ],
        [
            [
                *names[each.person_id], str(each.title), each.number, each.issued_on, each.expires_on,
                local_date(each.revoked_at, zone) if each.revoked_at else None,
            ]
            for each in found.certificates
        ],
        2,
    )  # fmt: skip
    return [people, steps, results, versions, certificates]


def _reconciled(found: Evidence) -> Sheet:
    header = [_("What is counted"), _("Sum of the rows"), _("Counted in the database")]
    return Sheet(_("Reconciliation"), header, [[each.what, each.rows, each.counted] for each in reconciliation(found)])


def numbers(totals: Totals) -> list[int]:
    """Return the sums in the order of the columns."""
    return [
        totals.people, totals.trained, totals.planned_minutes, totals.measured_minutes, totals.steps,
        totals.first_passed, totals.first_failed, totals.acknowledged, totals.certificates,
    ]  # fmt: skip


def _result(passed: bool | None) -> str:
    return _("not released") if passed is None else _("passed") if passed else _("not passed")


def notes_of(sheet: EvidenceSheet) -> list[tuple[str, str]]:
    """Return what somebody must know who finds the file later; nothing that changes while the facts stay."""
    return [
        (_("Organisation"), sheet.organisation),
        (_("Period"), sheet.period),
        (_("Time zone of every date"), sheet.zone),
        (_("Whose"), sheet.scope),
        *formulas(),
    ]


def workbook_of(sheet: EvidenceSheet) -> bytes:
    """Return the evidence as a workbook; the same facts give the same bytes, whenever it is made."""
    with force_locale(sheet.language):
        created = datetime.combine(sheet.last_on, time(), UTC)
        return write_workbook(sheet.tables, notes=notes_of(sheet), notes_sheet=_("About this export"), created=created)


def archive_of(sheet: EvidenceSheet, encoding: Encoding) -> tuple[bytes, list[tuple[str, Lost]]]:
    """Return the evidence as an archive of CSV files, and the characters that the encoding lost, by file."""
    with force_locale(sheet.language):
        found = [*sheet.tables, Sheet(_("About this export"), [_("What"), _("More about it")], notes_of(sheet))]
    files, lost = [], []
    for number, each in enumerate(found, start=1):
        # Numbered, so that they lie in their order.
        name = f"{number}-{each.name.replace(' ', '-')}.csv"
        rows = list(each.rows)
        files.append((name, write_csv(each.header, rows, encoding=encoding)))
        # The last of the columns that stay in sight says what a row is called.
        called = max(each.frozen_columns - 1, 0)
        lost += [(name, one) for one in list_lost(each.header, rows, encoding=encoding, named_by=called)]
    return write_archive(files), lost


# --- On paper ----------------------------------------------------------------------------------


def html_of(sheet: EvidenceSheet) -> str:
    """Return the summary: totals, versions, reconciliation and how everything is counted."""
    with force_locale(sheet.language):
        labels = {
            "heading": _("Training evidence"),
            "period": _("Period"),
            "whose": _("Whose"),
            "zone": _("Time zone: %(zone)s", zone=sheet.zone),
            "totals": _("Totals by market and language"),
            "versions": _("Acknowledged versions"),
            "no_versions": _("No version was acknowledged in this period."),
            "reconciliation": _("Reconciliation"),
            "reconciles": _("The sums of the rows agree with what the database counts by itself."),
            "formulas": _("How it is counted"),
            "everybody": _("Everybody"),
            "market": _("Market"),
            "account_language": _("Language of the account"),
            "shown_language": _("Language shown"),
            "document": _("Document"),
            "address": _("Address"),
            "version": _("Version"),
            "people": _("People"),
            "trained": _("People with training"),
            "hours": _("Training time (planned)"),
            "measured": _("Time in quizzes (measured)"),
            "steps": _("Steps done"),
            "first": _("First tries passed"),
            "acknowledged": _("Acknowledged versions"),
            "certificates": _("Certificates"),
            "what": _("What is counted"),
            "rows": _("Sum of the rows"),
            "counted": _("Counted in the database"),
            "page": _("Page"),
        }
        lines = [(each.market, each.language, *_line(each.totals)) for each in sheet.groups]
        return TEMPLATES.html(
            "evidence",
            sheet=sheet,
            labels=labels,
            title=title_of(sheet),
            lines=lines,
            everybody=_line(sheet.total),
            reconciled=sheet.reconciled,
            formulas=formulas(),
        )


def _line(totals: Totals) -> tuple[str, ...]:
    tried = totals.first_passed + totals.first_failed
    return (
        str(totals.people),
        str(totals.trained),
        hours_words(totals.planned_minutes),
        hours_words(totals.measured_minutes),
        str(totals.steps),
        f"{totals.first_passed} / {tried}",
        str(totals.acknowledged),
        str(totals.certificates),
    )


def hours_words(minutes: int) -> str:
    """Write minutes as hours and minutes, exactly: 12:05."""
    return f"{minutes // 60}:{minutes % 60:02d}"


def stylesheets() -> tuple[str, ...]:
    """Return the styles."""
    return (TEMPLATES.style("evidence"),)
