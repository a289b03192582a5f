"""How holders of a credential come to be enrolled in time: the obligations that do it, and one made by a press."""

from __future__ import annotations

from collections.abc import Sequence

from flask import url_for

from portal.accounts import queries as accounts
from portal.accounts.models import Person
from portal.certificates import queries as certificates
from portal.certificates.models import Credential, CredentialVersion
from portal.certificates.queries import terms as of_credentials
from portal.certificates.service import OWNED_KIND as CREDENTIAL
from portal.certificates.service.assigning import Assigned, Next
from portal.cohorts.queries import people_within
from portal.core import clock
from portal.core.access import allows
from portal.core.i18n import Words, format_date
from portal.core.i18n import gettext as _
from portal.obligations import queries, rules
from portal.obligations.errors import CredentialNeverExpires, CredentialNotEarned
from portal.obligations.models import Obligation
from portal.obligations.permissions import CREATE_OBLIGATIONS, SEE_OBLIGATION, reach_over_people
from portal.obligations.rules import MOST_DAYS, Health, Rhythm, State
from portal.obligations.service import obligations
from portal.obligations.service.obligations import Wanted, days_needed
from portal.obligations.service.telling import break_words
from portal.obligations.service.wording import TITLE_LIMIT
from portal.training.models import PlanVersion

# Where the credential says nothing of a window: about six weeks.
USUAL_LEAD = 30
_BEGINS = "obligations.assign_renewals"


class RenewalsAssigned:
    """Answers certificates what enrols their holders in time."""

    def list_for(self, slug: str, *, reader: Person) -> Sequence[Assigned]:
        """Return the obligations before the expiry of a credential, and how those within reach stand."""
        found = queries.list_before_expiry(slug)
        if not found:
            return []
        told = queries.standings(queries.look_at(found), among=people_within(reach_over_people(reader)))
        answers = []
        for obligation, standings in zip(found, told, strict=True):
            counts = rules.count([(each.verdict, each.today) for each in standings])
            may_see = allows(reader, SEE_OBLIGATION, obligation)
            answers.append(
                Assigned(
                    str(obligation.title),
                    url_for("obligations.obligation", code=obligation.code) if may_see else None,
                    counts.intact,
                    counts.open,
                    counts.interrupted,
                    is_in_force=obligation.state is State.IN_FORCE,
                )
            )
        return answers

    def next_for(self, slug: str, person: Person) -> Next | None:
        """Return when one holder is enrolled by itself, the earliest of what comes; None where nothing does."""
        found = queries.list_before_expiry(slug)
        if not found:
            return None
        told = queries.standings(queries.look_at(found), people=[person.id])
        verdicts = [standings[0].verdict for standings in told if standings]
        coming = [each for each in verdicts if each.health is Health.INTACT and each.on is not None]
        if not coming:
            broken = next((each.broken for each in verdicts if each.broken is not None), None)
            if broken is None:
                return None
            why = break_words(broken)
            return Next(_("The training plan is not assigned by itself at present: %(why)s.", why=why), comes=False)
        first = min(coming, key=lambda each: str(each.on))
        assert first.on is not None
        return Next(_("The training plan is assigned by itself on %(day)s.", day=format_date(first.on)))

    def make_href(self, slug: str, *, reader: Person) -> str | None:
        """Return where a press makes an obligation; None where the reader may make none, or no plan renews it."""
        if not allows(reader, CREATE_OBLIGATIONS) or plan_of(slug) is None:
            return None
        return url_for(_BEGINS, slug=slug)


def plan_of(slug: str) -> PlanVersion | None:
    """Return the plan that renews a credential: its refresher, else the first that leads to it; None: none could."""
    found = certificates.find_credential(slug)
    latest = certificates.find_latest_version(found) if found is not None else None
    plans = [each for each in of_credentials.list_plans_to(slug) if not each.events]
    if latest is None or latest.superseded_by_slug is not None:
        return None
    refresher = [each for each in plans if each.plan.slug == latest.renewal_plan_slug]
    return next(iter([*refresher, *plans]), None)


def assign_renewals(*, credential: Credential, by: Person) -> Obligation:
    """Make the obligation that enrols every holder of a credential before her certificate expires.

    Who answers for the credential answers for it. Raises `CredentialNotEarned`, `CredentialNeverExpires`, and what
    `obligations.create` raises.
    """
    latest, plan = certificates.find_latest_version(credential), plan_of(credential.slug)
    if latest is None or plan is None:
        raise CredentialNotEarned()
    if latest.validity_months is None:
        raise CredentialNeverExpires()
    days = max(1, days_needed(plan))
    owned = accounts.find_owner(CREDENTIAL, credential.slug)
    deputy = owned.deputy if owned is not None and owned.deputy is not None and owned.deputy.is_active else None
    owner = owned.owner if owned is not None and owned.owner.is_active else by
    return obligations.create(
        wanted=Wanted(
            title=_title(latest),
            plan_slug=plan.plan.slug,
            rhythm=Rhythm.BEFORE_EXPIRY,
            begins_on=clock.today(by.home_market.time_zone),
            days=days,
            lead_days=lead_days(latest.renewal_window_days, days),
            credential_slug=credential.slug,
            holders_of=credential.slug,
        ),
        owner=owner,
        deputy=deputy if deputy is not owner else None,
        by=by,
    )


def lead_days(window_days: int | None, days: int) -> int:
    """Return so many working days before the expiry as lie within the renewal window, five for each week of it.

    Never fewer than the plan takes.
    """
    within = USUAL_LEAD if window_days is None else window_days * 5 // 7
    return min(MOST_DAYS, max(within, days, 1))


def _title(latest: CredentialVersion) -> Words:
    return Words(
        en=f"Renewal: {latest.title.en}"[:TITLE_LIMIT],
        ja=f"{latest.title.ja}の更新"[:TITLE_LIMIT],
    )
