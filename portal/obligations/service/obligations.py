"""Making obligations, changing their terms, pausing, resuming and ending them: always added to, never edited."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, timedelta

from portal.accounts.models import Person, Role
from portal.accounts.service.ownership import set_owner
from portal.certificates import queries as certificates
from portal.core import clock, jobs
from portal.core.codes import new_code
from portal.core.db import session
from portal.core.i18n import Words
from portal.core.i18n import gettext as _
from portal.journal.service import record
from portal.obligations import queries, rules
from portal.obligations.errors import (
    BeginsLongAgo,
    CredentialMissing,
    CredentialNeverExpires,
    CredentialNotEarned,
    DeputyIsOwner,
    NoSuchAudience,
    NoSuchDay,
    NothingChanged,
    NotInThisState,
    OutOfBounds,
    OutsideScope,
    OwnerMissing,
    PlanNeedsDays,
    PlanNotThere,
    PlanTakesLonger,
    TermsChanged,
)
from portal.obligations.models import Obligation, ObligationState, ObligationTerms
from portal.obligations.permissions import may_address
from portal.obligations.queries import OWNED_KIND, Standing
from portal.obligations.rules import Rhythm, State
from portal.obligations.service.wording import checked_reason, checked_title
from portal.organisation import queries as organisation
from portal.training.models import PlanVersion

_FARTHEST = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Wanted:
    """The terms that somebody wants; what does not belong to the rhythm is None."""

    title: Words
    plan_slug: str
    rhythm: Rhythm
    begins_on: date
    days: int
    markets: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    holders_of: str | None = None
    months: int | None = None
    lead_days: int | None = None
    credential_slug: str | None = None
    month: int | None = None
    day: int | None = None
    recognise_days: int | None = None


# --- What can be wanted ------------------------------------------------------------------------


def checked(
    wanted: Wanted, *, by: Person, present: ObligationTerms | None = None, is_of_file: bool = False
) -> ObligationTerms:
    """Return the terms as they would be set by the person, in no session yet.

    `present` are those that hold; their first day may lie long ago, and so may that of a file. Raises what is wrong
    with them.
    """
    title = checked_title(wanted.title)
    version = queries.latest_versions({wanted.plan_slug}).get(wanted.plan_slug)
    if version is None:
        raise PlanNotThere()
    if version.events:
        raise PlanNeedsDays()
    _check_days(wanted, version)
    _check_rhythm(wanted, version)
    _check_audience(wanted, by)
    today = clock.today(by.home_market.time_zone)
    is_kept = is_of_file or (present is not None and wanted.begins_on == present.begins_on)
    if abs(wanted.begins_on - today) > _FARTHEST and not is_kept:
        raise BeginsLongAgo()
    return ObligationTerms(
        title=title,
        plan_slug=wanted.plan_slug,
        markets=sorted(wanted.markets),
        teams=sorted(wanted.teams),
        roles=sorted(wanted.roles),
        holders_of=wanted.holders_of,
        rhythm=wanted.rhythm,
        begins_on=wanted.begins_on,
        days=wanted.days,
        months=wanted.months,
        lead_days=wanted.lead_days,
        credential_slug=wanted.credential_slug,
        month=wanted.month,
        day=wanted.day,
        recognise_days=wanted.recognise_days,
    )


def _within(number: int | None, least: int, most: int) -> None:
    if number is None or not least <= number <= most:
        raise OutOfBounds(least=least, most=most)


def days_needed(version: PlanVersion) -> int:
    """Return after how many working days from its start the last required step of a plan is due."""
    return rules.days_needed(step.shape for step in version.steps)


def _check_days(wanted: Wanted, version: PlanVersion) -> None:
    _within(wanted.days, 1, rules.MOST_DAYS)
    needed = days_needed(version)
    if wanted.days < needed:
        raise PlanTakesLonger(days=needed)


def _check_rhythm(wanted: Wanted, version: PlanVersion) -> None:
    match wanted.rhythm:
        case Rhythm.AFTER_COMPLETION:
            _within(wanted.months, 1, rules.MOST_MONTHS)
        case Rhythm.BEFORE_EXPIRY:
            _within(wanted.lead_days, 1, rules.MOST_DAYS)
            _check_credential(wanted, version)
        case Rhythm.YEARLY:
            _within(wanted.month, 1, 12)
            if wanted.day is None or not 1 <= wanted.day <= rules.DAYS_OF_MONTH[(wanted.month or 1) - 1]:
                raise NoSuchDay()
            if wanted.recognise_days is not None:
                _within(wanted.recognise_days, 1, rules.MOST_RECOGNISED_DAYS)


def _check_credential(wanted: Wanted, version: PlanVersion) -> None:
    found = certificates.find_credential(wanted.credential_slug) if wanted.credential_slug else None
    latest = certificates.find_latest_version(found) if found is not None else None
    if latest is None:
        raise CredentialMissing()
    if latest.validity_months is None:
        raise CredentialNeverExpires()
    if version.credential_slug != wanted.credential_slug:
        raise CredentialNotEarned()


def _check_audience(wanted: Wanted, by: Person) -> None:
    teams = {each.code: each for each in organisation.list_teams()} if wanted.teams else {}
    markets = {each.code for each in organisation.list_markets()} if wanted.markets else set()
    known = set(wanted.markets) <= markets and set(wanted.teams) <= teams.keys()
    known = known and set(wanted.roles) <= {role.value for role in Role}
    if wanted.holders_of is not None:
        known = known and certificates.find_credential(wanted.holders_of) is not None
    if not known:
        raise NoSuchAudience()
    if not may_address(by, wanted.markets, {teams[code].market.code for code in wanted.teams}):
        raise OutsideScope()


def _check_owners(owner: Person | None, deputy: Person | None) -> Person:
    if owner is None or not owner.is_active or (deputy is not None and not deputy.is_active):
        raise OwnerMissing()
    if deputy is not None and deputy.id == owner.id:
        raise DeputyIsOwner()
    return owner


@dataclass(frozen=True, slots=True)
class Preview:
    """Who would be addressed by terms, and how everybody would stand with them."""

    terms: ObligationTerms
    version: PlanVersion
    standings: Sequence[Standing]


def preview(
    *, wanted: Wanted, owner: Person | None, deputy: Person | None, by: Person, obligation: Obligation | None = None
) -> Preview:
    """Return what would come of these terms, changing nothing. Raises what `create` and `change_terms` raise."""
    _check_owners(owner, deputy)
    terms = checked(wanted, by=by, present=obligation.latest if obligation else None)
    version = queries.latest_versions({terms.plan_slug})[terms.plan_slug]
    state = obligation.state if obligation is not None else State.IN_FORCE
    refreshers = queries.refreshers_of({terms.credential_slug} - {None})
    setting = queries.setting_of(state, True, terms, version, refreshers)
    asked = queries.Asked(obligation.id if obligation is not None else None, terms, setting)
    (found,) = queries.standings([asked])
    return Preview(terms, version, found)


# --- Making and changing -----------------------------------------------------------------------


def create(*, wanted: Wanted, owner: Person | None, deputy: Person | None, by: Person) -> Obligation:
    """Make an obligation that is in force at once, with somebody who answers for it.

    Raises what is wrong with the terms (see `checked`), `OwnerMissing`, `DeputyIsOwner`.
    """
    return _create(wanted, owner, deputy, by)


def create_from_file(
    *, slug: str, version: str, wanted: Wanted, owner: Person, deputy: Person | None, by: Person
) -> Obligation:
    """Do the same for a file of this name, which says that these are its terms of the version."""
    return _create(wanted, owner, deputy, by, (slug, version))


def _create(
    wanted: Wanted, owner: Person | None, deputy: Person | None, by: Person, file: tuple[str, str] | None = None
) -> Obligation:
    answers = _check_owners(owner, deputy)
    terms, now = checked(wanted, by=by, is_of_file=file is not None), clock.now()
    slug, terms.version = file if file is not None else (None, None)
    obligation = Obligation(code=new_code(), created_at=now, created_by=by.code, slug=slug)
    session.add(obligation)
    session.flush()
    _set_terms(obligation, terms, 1, by, "")
    session.add(ObligationState(obligation=obligation, state=State.IN_FORCE, at=now, by=by.code, reason=""))
    session.flush()
    record(
        "obligations.created",
        by=by,
        subject=("obligation", obligation.code),
        after={"plan": terms.plan_slug, "rhythm": terms.rhythm.value, "begins_on": terms.begins_on.isoformat()},
    )
    set_owner(kind=OWNED_KIND, code=obligation.code, owner=answers, deputy=deputy, by=by)
    look_soon(obligation)
    return obligation


def change_terms(
    *,
    obligation: Obligation,
    wanted: Wanted,
    owner: Person | None,
    deputy: Person | None,
    reason: str,
    seen: int,
    by: Person,
) -> None:
    """Set other terms for the cycles to come; those that are open keep theirs. `seen` is the number of the terms read.

    Somebody else may be made to answer for it with the same form. Raises `TermsChanged`, `NothingChanged`,
    `NotInThisState`, `ReasonMissing`, and what is wrong with the terms.
    """
    locked = queries.lock_obligation(obligation.id)
    if locked.state is State.ENDED:
        raise NotInThisState()
    present = locked.latest
    if present.number != seen:
        raise TermsChanged()
    answers = _check_owners(owner, deputy)
    terms = checked(wanted, by=by, present=present)
    said = checked_reason(reason)
    is_same = wanted_of(terms) == wanted_of(present)
    owned = _owners_of(locked)
    if is_same and owned == (answers.id, deputy.id if deputy else None):
        raise NothingChanged()
    if not is_same:
        _set_other_terms(locked, terms, by, said)
    set_owner(kind=OWNED_KIND, code=locked.code, owner=answers, deputy=deputy, by=by)
    look_soon(locked)


def set_from_file(*, obligation: Obligation, wanted: Wanted, version: str, by: Person) -> None:
    """Set the terms that a file says for the cycles to come. Raises `NotInThisState`, and what is wrong with them."""
    if obligation.state is State.ENDED:
        raise NotInThisState()
    terms = checked(wanted, by=by, present=obligation.latest, is_of_file=True)
    terms.version = version
    _set_other_terms(obligation, terms, by, _("Imported from a file, version %(version)s.", version=version))
    look_soon(obligation)


def _set_other_terms(obligation: Obligation, terms: ObligationTerms, by: Person, reason: str) -> None:
    _set_terms(obligation, terms, obligation.latest.number + 1, by, reason)
    record(
        "obligations.terms_changed",
        by=by,
        subject=("obligation", obligation.code),
        after={"number": terms.number, "plan": terms.plan_slug, "rhythm": terms.rhythm.value},
        reason=reason,
    )


def _owners_of(obligation: Obligation) -> tuple[int, int | None] | None:
    owned = queries.find_owner_of(obligation)
    return None if owned is None else (owned.owner_id, owned.deputy_id)


def wanted_of(terms: ObligationTerms) -> Wanted:
    """Return the terms as they were wanted."""
    values = {each.name: getattr(terms, each.name) for each in fields(Wanted)}
    for name in ("markets", "teams", "roles"):
        values[name] = tuple(values[name])
    return Wanted(**values)


def _set_terms(obligation: Obligation, terms: ObligationTerms, number: int, by: Person, reason: str) -> None:
    terms.number, terms.set_at, terms.set_by, terms.reason = number, clock.now(), by.code, reason
    obligation.terms.append(terms)
    session.flush()


# --- Pausing, resuming, ending -----------------------------------------------------------------


def pause(*, obligation: Obligation, reason: str, by: Person) -> None:
    """Let no further cycle come until it is resumed; open ones go on. Raises `NotInThisState`, `ReasonMissing`."""
    locked = _turn(obligation, State.PAUSED, reason, by, allowed={State.IN_FORCE})
    record("obligations.paused", by=by, subject=("obligation", locked.code), reason=locked.states[-1].reason)


def resume(*, obligation: Obligation, reason: str, by: Person) -> None:
    """Let cycles come again; what fell into the pause comes at once. Raises `NotInThisState`, `ReasonMissing`."""
    locked = _turn(obligation, State.IN_FORCE, reason, by, allowed={State.PAUSED})
    record("obligations.resumed", by=by, subject=("obligation", locked.code), reason=locked.states[-1].reason)


def end(*, obligation: Obligation, reason: str, by: Person) -> None:
    """End it for good: open cycles are closed, the trainings that they opened go on.

    Raises `NotInThisState`, `ReasonMissing`.
    """
    locked = _turn(obligation, State.ENDED, reason, by, allowed={State.IN_FORCE, State.PAUSED})
    record("obligations.ended", by=by, subject=("obligation", locked.code), reason=locked.states[-1].reason)


def _turn(obligation: Obligation, state: State, reason: str, by: Person, *, allowed: set[State]) -> Obligation:
    said = checked_reason(reason)
    locked = queries.lock_obligation(obligation.id)
    if locked.state not in allowed:
        raise NotInThisState()
    locked.states.append(ObligationState(state=state, at=clock.now(), by=by.code, reason=said))
    session.flush()
    look_soon(locked)
    return locked


def look_soon(obligation: Obligation) -> None:
    """Owe a look at everybody of the obligation: nobody waits for the next round."""
    jobs.enqueue(
        "obligations.look",
        {"obligation_id": obligation.id},
        effect_key=f"obligations.look:{obligation.code}:{new_code()}",
    )
