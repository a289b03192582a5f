"""What pages show of obligations, cycles and people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import url_for

from portal.accounts.models import Ownership, Person, Role
from portal.accounts.permissions import ROLE_NAMES
from portal.certificates import queries as certificates
from portal.core.access import allows
from portal.core.i18n import format_date, format_instant, language, ngettext
from portal.core.i18n import gettext as _
from portal.obligations import queries
from portal.obligations.models import Obligation, ObligationCycle, ObligationTerms
from portal.obligations.permissions import OPEN_CYCLE, SEE_CYCLES, PersonOfObligation
from portal.obligations.queries import CycleRead, Standing
from portal.obligations.rules import Break, Closing, Health, State
from portal.obligations.service.telling import (
    CLOSING_LOOKS,
    closing_words,
    counted_words,
    rhythm_words,
    tell,
    why_in_short,
)
from portal.organisation import queries as organisation

# Where opening a cycle by hand is what mends it.
_MENDED_BY_HAND = frozenset({Break.STOPPED, Break.NO_CERTIFICATE, Break.CERTIFICATE_NOT_VALID, Break.NOT_RENEWED})


def credential_title(slug: str) -> str:
    """Return what a credential is called, or its slug where it has no version."""
    found = certificates.find_credential(slug)
    latest = certificates.find_latest_version(found) if found is not None else None
    return str(latest.title) if latest is not None else slug


def audience_words(terms: ObligationTerms) -> str:
    """Say whom terms address."""
    named = []
    if terms.markets:
        names = {each.code: str(each.name) for each in organisation.list_markets()}
        named.append(_(", ").join(names.get(code, code) for code in terms.markets))
    if terms.teams:
        names = {each.code: str(each.name) for each in organisation.list_teams()}
        named.append(_(", ").join(names.get(code, code) for code in terms.teams))
    if terms.roles:
        named.append(_(", ").join(str(ROLE_NAMES[Role(each)]) for each in terms.roles))
    if terms.holders_of is not None:
        named.append(_("holders of “%(credential)s”", credential=credential_title(terms.holders_of)))
    return " · ".join(named) if named else str(_("Everybody"))


def terms_facts(terms: ObligationTerms, plan: str, owned: Ownership | None) -> list[tuple[str, str | None]]:
    """Return what terms say, as term and value."""
    return [
        (_("Training plan"), plan),
        (_("For whom"), audience_words(terms)),
        (_("Rhythm"), rhythm_words(terms.shape)),
        (_("Credential"), credential_title(terms.credential_slug) if terms.credential_slug else None),
        (
            _("An earlier completion counts"),
            ngettext("up to %(num)d day before", "up to %(num)d days before", terms.recognise_days)
            if terms.recognise_days
            else None,
        ),
        (_("Time to do it"), ngettext("%(num)d working day", "%(num)d working days", terms.days)),
        (_("In force from"), format_date(terms.begins_on)),
        (_("Owner"), owner_name(owned.owner) if owned else None),
        (_("Deputy"), owner_name(owned.deputy) if owned and owned.deputy else None),
    ]


def owner_name(person: Person) -> str:
    """Name who answers for something; an account that is not active any more is said."""
    name = person.name_in(language())
    return name if person.is_active else str(_("%(name)s (deactivated)", name=name))


def plan_title(terms: ObligationTerms) -> str:
    """Return the title of the plan as its latest version has it, or its slug where it has none."""
    version = queries.latest_versions({terms.plan_slug}).get(terms.plan_slug)
    return str(version.title) if version is not None else terms.plan_slug


def person_row(obligation: Obligation, standing: Standing, person: Person, viewer: Person) -> dict[str, Any]:
    """Return one person of an obligation as the table shows her."""
    here, verdict = language(), standing.verdict
    told = tell(verdict, obligation.latest.shape, is_overdue=standing.is_overdue)
    day = verdict.due_on if verdict.health is Health.OPEN else verdict.on
    can_open = verdict.broken in _MENDED_BY_HAND and allows(viewer, OPEN_CYCLE, PersonOfObligation(obligation, person))
    return {
        "name": person.name_in(here),
        "kana": person.full_kana if here == "ja" else "",
        "href": url_for("obligations.of_person", code=person.code) if allows(viewer, SEE_CYCLES, person) else None,
        "place": str(person.team.name if person.team else person.home_market.name),
        "look": told.look,
        "word": told.word,
        "why": why_in_short(verdict),
        "is_overdue": standing.is_overdue,
        "is_interrupted": verdict.health is Health.INTERRUPTED,
        "date": format_date(day, "short") if day is not None else "–",
        "last": last_words(standing.cycle) if standing.cycle is not None else "–",
        "open_href": url_for("obligations.open_cycle", code=obligation.code, person=person.code) if can_open else None,
    }


def last_words(cycle: CycleRead) -> str:
    """Say which the last cycle was and how it ended."""
    closing = cycle.effective_closing
    if closing is None:
        return str(_("Cycle %(number)s", number=cycle.number))
    return str(_("Cycle %(number)s: %(how)s", number=cycle.number, how=closing_words(closing)))


def cycle_row(cycle: ObligationCycle, viewer: Person, names: Mapping[str, Person], *, may_open: bool) -> dict[str, Any]:
    """Return one cycle as a person's page shows it."""
    closing = cycle.effective_closing
    if closing is None and cycle.obligation.state is State.ENDED:
        closing = Closing.ENDED
    zone, here = viewer.time_zone, language()
    by = names.get(cycle.opened_by)
    closed_at = cycle.closed_at or cycle.enrollment.completed_at or cycle.enrollment.ended_at
    return {
        "number": cycle.number,
        "opened": format_instant(cycle.opened_at, zone),
        "planned": format_date(cycle.opens_on, "short") if cycle.opens_on != cycle.opened_on else "",
        "counted": counted_words(cycle.counts_from, cycle.counted_on or cycle.opens_on),
        "by": by.name_in(here) if by is not None else "",
        "reason": cycle.open_reason or "",
        "look": CLOSING_LOOKS[closing] if closing is not None else "in_progress",
        "word": closing_words(closing) if closing is not None else None,
        "due": format_date(cycle.due_on, "short"),
        "closed": format_instant(closed_at, zone) if closing is not None and closed_at is not None else "",
        "plan": str(cycle.enrollment.version.title),
        "version": cycle.enrollment.version.number,
        "href": url_for("training.path", code=cycle.enrollment.code) if may_open else None,
    }


def history_of(obligation: Obligation, names: Mapping[str, Person], zone: str) -> list[dict[str, str]]:
    """Return what became of an obligation, the newest first: its terms and its states, by whom and why."""
    rows: list[tuple[Any, str, str, str]] = []
    for terms in obligation.terms:
        said = (
            _("Terms %(number)s: %(rhythm)s", number=terms.number, rhythm=rhythm_words(terms.shape))
            if terms.number > 1
            else _("Created: %(rhythm)s", rhythm=rhythm_words(terms.shape))
        )
        rows.append((terms.set_at, said, terms.set_by, terms.reason))
    for state in obligation.states[1:]:
        said = {State.PAUSED: _("Paused"), State.IN_FORCE: _("Resumed"), State.ENDED: _("Ended")}[state.state]
        rows.append((state.at, said, state.by, state.reason))
    rows.sort(key=lambda row: row[0], reverse=True)
    return [
        {
            "at": format_instant(at, zone),
            "what": said,
            "by": names[by].name_in(language()) if by in names else by,
            "reason": reason,
        }
        for at, said, by, reason in rows
    ]


def codes_in_history(obligations: Sequence[Obligation]) -> set[str]:
    """Return the codes of those who set terms and states."""
    return {row.set_by for each in obligations for row in each.terms} | {
        row.by for each in obligations for row in each.states
    }
