"""Who is certified for what, by team and language: now, on a day that was, or on one to come."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from fractions import Fraction
from typing import Any

from flask import Response, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from portal.accounts.models import Person
from portal.certificates import queries as certificates
from portal.certificates.models import CredentialVersion
from portal.certificates.permissions import SEE_BATCHES, SEE_COVERAGE, reach_over_holders
from portal.certificates.queries.coverage import AHEAD, Change, Coverage, Group, Head, coverage, list_people
from portal.certificates.rules import State
from portal.core import clock
from portal.core.access import actor, can, requires
from portal.core.errors import NotFound
from portal.core.i18n import format_date, format_instant, format_percent, language, ngettext, pgettext
from portal.core.i18n import gettext as _
from portal.core.paging import paging
from portal.core.tables import download_xlsx
from portal.library import queries as library
from portal.organisation import queries as organisation
from portal.reports.views import blueprint
from portal.reports.views.encoded import csv_or_what_is_lost, exports

PAGE = 50
# What stands for those who are in no team.
NO_TEAM = "-"


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the address asks for: a credential, an instant, and the day that was given for it."""

    version: CredentialVersion | None
    versions: Sequence[CredentialVersion]
    at: datetime
    on: str
    is_known: bool

    def values(self, **besides: Any) -> dict[str, Any]:
        """Return what an address needs to ask for the same."""
        slug = self.version.credential.slug if self.version is not None else None
        return {"credential": slug, "on": self.on if self.on and self.is_known else None} | besides


def _asked() -> _Asked:
    """Read the address; a day that is none is told on the page. Raises `NotFound` for an unknown credential."""
    versions = certificates.list_latest_versions()
    slug = request.args.get("credential")
    version = next((each for each in versions if each.credential.slug == slug), None)
    if slug and version is None:
        raise NotFound()
    given, now, zone = request.args.get("on", "").strip()[:20], clock.now(), actor().time_zone
    try:
        day = date.fromisoformat(given) if given else None
    except ValueError:
        day = date.min
    if day is not None and not clock.is_usable_day(day):
        return _Asked(version or next(iter(versions), None), versions, now, given, False)
    at = now
    if day is not None and day != clock.local_date(now, zone):
        # The end of the day in the reader's zone: the last day of a certificate is one on which it is valid.
        at = datetime.combine(day + timedelta(days=1), time(), clock.zone_info(zone)) - timedelta(microseconds=1)
    return _Asked(version or next(iter(versions), None), versions, at, given, True)


@blueprint.get("/credentials/coverage")
@requires(SEE_COVERAGE)
def credential_coverage() -> tuple[str, int]:
    """Show how many of those whom one leads are certified, by team and language."""
    asked = _asked()
    found = coverage(reach_over_holders(actor()), asked.at)
    page = render_template(
        "reports/coverage.html",
        tabs=[
            {
                "label": str(each.title),
                "href": url_for("reports.credential_coverage", **asked.values(credential=each.credential.slug)),
                "current": each is asked.version,
            }
            for each in asked.versions
        ],
        credential=str(asked.version.title) if asked.version is not None else None,
        slug=asked.version.credential.slug if asked.version is not None else None,
        may_batch=can(SEE_BATCHES),
        on=asked.on,
        is_day_known=asked.is_known,
        as_of=format_instant(asked.at, actor().time_zone),
        is_ahead=asked.at > clock.now(),
        people=len(found.people),
        totals=_totals(asked, found) if asked.version is not None else None,
        rows=_rows(asked, found) if asked.version is not None else [],
        changes=_changes(asked, found) if asked.version is not None else [],
        exports=exports("reports.credential_coverage_csv", "reports.credential_coverage_xlsx", **asked.values()),
    )
    return page, 200 if asked.is_known else 400


def _kinds() -> dict[str, tuple[str, Callable[[Head], bool]]]:
    """Return the people behind each number who hold something, by the word under which an address names them."""
    ahead = {
        f"within-{days}": (
            ngettext("Expires within %(num)d day", "Expires within %(num)d days", days),
            # Bound now: the loop goes on.
            lambda each, days=days: each.expires_within(days),
        )
        for days in AHEAD
    }
    return {
        "certified": (_("Certified"), lambda each: each.is_certified),
        **ahead,
        "in-grace": (pgettext("certificate", "In grace"), lambda each: each.state is State.IN_GRACE),
        "superseded": (
            pgettext("certificate", "Superseded by policy"),
            lambda each: each.state is State.POLICY_SUPERSEDED,
        ),
        "suspended": (pgettext("certificate", "Suspended"), lambda each: each.state is State.SUSPENDED),
    }


def _number(
    asked: _Asked, heads: Sequence[Head], who: str, keep: Callable[[Head], bool], **place: Any
) -> dict[str, Any]:
    return {
        "number": sum(keep(each) for each in heads),
        "href": url_for("reports.coverage_people", **asked.values(who=who, **place)),
    }


def _totals(asked: _Asked, found: Coverage) -> dict[str, Any]:
    assert asked.version is not None
    heads = found.of(asked.version.credential_id)
    numbers = {who: {"label": label} | _number(asked, heads, who, keep) for who, (label, keep) in _kinds().items()}
    certified = numbers["certified"]["number"]
    return {
        "numbers": numbers,
        "share": _share(certified, len(found.people)),
        "missing": {
            "number": len(found.people) - certified,
            "href": url_for("reports.coverage_people", **asked.values(who="not-certified")),
        },
    }


def _share(number: int, of: int) -> str:
    return format_percent(Fraction(number, of), 0) if of else "–"


def _teams() -> dict[str, str]:
    return {each.code: str(each.name) for each in organisation.list_teams()}


def _languages() -> dict[str, str]:
    return {"en": _("English"), "ja": _("Japanese")}


def _rows(asked: _Asked, found: Coverage) -> list[dict[str, Any]]:
    assert asked.version is not None
    teams, languages, rows = _teams(), _languages(), []
    for group in found.groups(asked.version.credential_id):
        place = {"team": group.team or NO_TEAM, "language": group.language}
        rows.append(
            {
                "team": _team_name(group, teams),
                "language": languages[group.language],
                "people": {
                    "number": len(group.people),
                    "href": url_for("reports.coverage_people", **asked.values(**place)),
                },
                "share": _share(group.certified, len(group.people)),
                "numbers": {
                    who: _number(asked, group.heads, who, keep, **place) for who, (_l, keep) in _kinds().items()
                },
            }
        )
    return rows


def _team_name(group: Group, teams: dict[str, str]) -> str:
    return teams.get(group.team, group.team) if group.team else _("No team")


def _changes(asked: _Asked, found: Coverage) -> list[dict[str, Any]]:
    """Return the versions of documents that make certificates ones of an older policy, with how many."""
    assert asked.version is not None
    counted: Counter[Change] = Counter(
        each.changes[0]
        for each in found.of(asked.version.credential_id)
        if each.changes and each.superseded_by(each.changes[0].version_id)
    )
    zone = actor().time_zone
    titles = library.list_titles({change.version_id for change in counted}, language())
    return [
        {
            "document": titles.get(change.version_id, change.slug),
            "number": change.number,
            "href": url_for("library.read_version", slug=change.slug, number=change.number),
            "on": format_date(clock.local_date(change.effective_at, zone)),
            "is_in_force": change.effective_at <= asked.at,
            "people": count,
            "people_href": url_for("reports.coverage_people", **asked.values(change=f"{change.slug}@{change.number}")),
        }
        for change, count in sorted(counted.items(), key=lambda pair: (pair[0].effective_at, pair[0].version_id))
    ]


# --- The people behind a number ------------------------------------------------------------------------------------


@blueprint.get("/credentials/coverage/people")
@requires(SEE_COVERAGE)
def coverage_people() -> str:
    """Show by name the people behind one number."""
    asked = _asked()
    if asked.version is None or not asked.is_known:
        raise NotFound()
    found = coverage(reach_over_holders(actor()), asked.at)
    wanted, heads = _wanted(found, asked.version.credential_id)
    turned = paging(len(wanted), PAGE)
    people = list_people(wanted)
    shown = people[turned.offset : turned.offset + PAGE]
    filters = {name: request.args.get(name) for name in ("team", "language", "who", "change")}
    return render_template(
        "reports/coverage_people.html",
        credential=str(asked.version.title),
        back=url_for("reports.credential_coverage", **asked.values()),
        told=_told(filters),
        as_of=format_instant(asked.at, actor().time_zone),
        total=len(wanted),
        rows=[_person_row(each, heads.get(each.id)) for each in shown],
        pager=turned.links(lambda number: url_for("reports.coverage_people", **asked.values(**filters, page=number)))
        if len(wanted) > PAGE
        else None,
    )


def _wanted(found: Coverage, credential_id: int) -> tuple[list[int], dict[int, Head]]:
    """Return the people whom the address asks for, and what they hold. Raises `NotFound` for a group that is none."""
    heads = {each.person_id: each for each in found.of(credential_id)}
    team, spoken = request.args.get("team"), request.args.get("language")
    who, change, kinds = request.args.get("who", ""), request.args.get("change"), _kinds()
    if who not in ("", "not-certified", *kinds):
        raise NotFound()
    wanted = []
    for each in found.people:
        head = heads.get(each.id)
        if team is not None and (each.team or NO_TEAM) != team:
            continue
        if spoken is not None and each.language != spoken:
            continue
        if who == "not-certified" and head is not None and head.is_certified:
            continue
        if who in kinds and (head is None or not kinds[who][1](head)):
            continue
        if change is not None and not _is_of_change(head, change):
            continue
        wanted.append(each.id)
    return wanted, heads


def _is_of_change(head: Head | None, change: str) -> bool:
    if head is None or not head.changes:
        return False
    first = head.changes[0]
    return f"{first.slug}@{first.number}" == change and head.superseded_by(first.version_id)


def _told(filters: dict[str, str | None]) -> str:
    """Say in words whom a list names."""
    said = []
    who, team = filters["who"], filters["team"]
    if who == "not-certified":
        said.append(_("Not certified"))
    elif who:
        said.append(_kinds()[who][0])
    if filters["change"]:
        slug, _at, number = filters["change"].partition("@")
        title = library.list_document_titles([slug], language()).get(slug, slug)
        said.append(_("Superseded by %(change)s", change=f"{title} {number}"))
    if team:
        said.append(_("No team") if team == NO_TEAM else _teams().get(team, team))
    if filters["language"]:
        said.append(_languages().get(filters["language"], filters["language"]))
    return " · ".join(said) or _("Everybody within reach")


def _person_row(person: Person, head: Head | None) -> dict[str, Any]:
    here = language()
    return {
        "name": person.name_in(here),
        "kana": person.full_kana if here == "ja" else "",
        "team": str(person.team.name) if person.team else _("No team"),
        "number": head.number if head else None,
        "href": url_for("certificates.show", number=head.number) if head else None,
        "state": head.state if head else None,
        "expires_on": format_date(head.expires_on, "short") if head and head.expires_on else None,
    }


# --- The files -----------------------------------------------------------------------------------------------------


@blueprint.get("/credentials/coverage.csv")
@requires(SEE_COVERAGE)
def credential_coverage_csv() -> AnyResponse | str:
    """Give the coverage of the credential that the address names, or of every one, as CSV."""
    asked, name, header, lines = _file()
    trail = [
        {"label": _("Credentials"), "href": url_for("certificates.list_credentials")},
        {"label": _("Coverage of credentials"), "href": url_for("reports.credential_coverage", **asked.values())},
    ]
    return csv_or_what_is_lost(name, header, lines, named_by=1, trail=trail)


@blueprint.get("/credentials/coverage.xlsx")
@requires(SEE_COVERAGE)
def credential_coverage_xlsx() -> Response:
    """Give the same as a workbook."""
    _asked_for, name, header, lines = _file()
    return download_xlsx(name, header, lines, sheet=_("Coverage of credentials"), frozen_columns=2)


def _file() -> tuple[_Asked, str, list[str], list[list[object]]]:
    asked = _asked()
    if not asked.is_known:
        raise NotFound()
    found = coverage(reach_over_holders(actor()), asked.at)
    day = clock.local_date(asked.at, actor().time_zone).isoformat()
    header = [
        _("Credential"),
        _("Title"),
        _("Team"),
        _("Language"),
        _("People"),
        *(label for label, _keep in _kinds().values()),
        _("As of"),
    ]
    return asked, f"coverage-{day}", header, list(_lines(asked, found))


def _lines(asked: _Asked, found: Coverage) -> Iterator[list[object]]:
    teams, languages, kinds = _teams(), _languages(), _kinds()
    at = asked.at.astimezone(clock.zone_info(actor().time_zone))
    # Without a name in the address, every credential.
    named = [asked.version] if request.args.get("credential") and asked.version is not None else asked.versions
    for version in named:
        for group in found.groups(version.credential_id):
            yield [
                version.credential.slug,
                str(version.title),
                _team_name(group, teams),
                languages[group.language],
                len(group.people),
                *(sum(keep(each) for each in group.heads) for _label, keep in kinds.values()),
                at,
            ]
