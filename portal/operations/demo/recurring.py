"""What recurs in the demo organisation: a yearly refresher, and a renewal that will never reach whom it should."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta

from portal.accounts import queries as accounts
from portal.accounts.models import Person
from portal.core import clock
from portal.core.i18n import Words
from portal.obligations.models import Obligation
from portal.obligations.rules import Rhythm
from portal.obligations.service import cycles, obligations
from portal.obligations.service.obligations import Wanted
from portal.operations.demo.intake import PLAN
from portal.operations.demo.people import DOMAIN, TEAM

CREDENTIAL = "account-safety-reviewer"
TRAINEE = "nakagawa.rin"

# The halves of a Japanese business year begin on these days; the one that is farther away is taken.
_HALVES = ((4, 1), (10, 1))
_FAR_AWAY = timedelta(days=80)


def make_obligations(*, staff: Mapping[str, Person], at: datetime) -> None:
    """Make two obligations at an instant: one intact for everybody, one interrupted for who holds no certificate."""
    owner, lead = staff["mori.akiko"], staff["sato.ken"]
    trainee = accounts.find_person_by_sign_in_name(f"{TRAINEE}@{DOMAIN}")
    assert trainee is not None
    with clock.frozen(at):
        today = clock.today(owner.time_zone)
        month, day = _half_after(today)
        refresher = _make(
            Wanted(
                title=Words("Account safety: yearly refresher", "アカウント安全 年次リフレッシュ研修"),
                plan_slug=PLAN,
                rhythm=Rhythm.YEARLY,
                begins_on=today,
                days=20,
                month=month,
                day=day,
                recognise_days=90,
                teams=(TEAM,),
            ),
            owner,
            lead,
        )
        _make(
            Wanted(
                title=Words("Renewal of the reviewer credential", "審査担当資格の更新"),
                plan_slug=PLAN,
                rhythm=Rhythm.BEFORE_EXPIRY,
                begins_on=today,
                days=20,
                lead_days=30,
                credential_slug=CREDENTIAL,
                teams=(TEAM,),
            ),
            owner,
            lead,
        )
        # Her training is running: the cycle takes it up.
        cycles.open_now(obligation=refresher, person=trainee, reason="担当替えの前に受講してもらうため。", by=lead)


def _make(wanted: Wanted, owner: Person, deputy: Person) -> Obligation:
    made = obligations.create(wanted=wanted, owner=owner, deputy=deputy, by=owner)
    for _progress in cycles.look(made.id):
        pass
    return made


def _half_after(today: date) -> tuple[int, int]:
    """Return the first day of a business half that is not near."""
    for month, day in _HALVES:
        on = date(today.year, month, day)
        following = on if on > today else date(today.year + 1, month, day)
        if following - today > _FAR_AWAY:
            return month, day
    return _HALVES[0]
