"""What recurs in the demo organisation: a yearly refresher, and renewals, one of which never reaches whom it should."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial

from portal.accounts import queries as accounts
from portal.accounts.models import Person
from portal.core import clock
from portal.core.i18n import Words
from portal.obligations import queries
from portal.obligations.models import Obligation
from portal.obligations.rules import Rhythm
from portal.obligations.service import cycles, obligations
from portal.obligations.service.obligations import Wanted
from portal.operations.demo.agenda import Agenda, Days, moment_of
from portal.operations.demo.certified import BEGAN as ON_CALL_SINCE
from portal.operations.demo.certified import CREDENTIAL as ON_CALL
from portal.operations.demo.certified import REFRESHER as DRILL_REFRESHER
from portal.operations.demo.people import DOMAIN, OSAKA, TEAM

RENEWAL = "account-safety-basics-renewal"
TRAINEE = "aoki.haruka"

# The halves of a Japanese business year begin on these days; the one that is farther away is taken.
_HALVES = ((4, 1), (10, 1))
_FAR_AWAY = timedelta(days=80)


def note_renewals(agenda: Agenda, days: Days, staff: Mapping[str, Person]) -> None:
    """Note down that whoever is on call comes to her refresher in time: from the first day, looked at each working day.

    It is interrupted for whose certificate was suspended or revoked.
    """
    agenda.note(moment_of(days.on_or_before(ON_CALL_SINCE - 1), 14, 30), partial(_renew_on_call, staff))
    on = days.step(days.on_or_before(ON_CALL_SINCE - 1), 1)
    while on < days.today:
        agenda.note(moment_of(on, 6), _look_at_on_call)
        on = days.step(on, 1)


def _renew_on_call(staff: Mapping[str, Person]) -> None:
    owner, lead = staff["mori.akiko"], staff["sato.ken"]
    obligations.create(
        wanted=Wanted(
            title=Words("Renewal of the on-call certificate", "緊急対応当番の資格の更新"),
            plan_slug=DRILL_REFRESHER,
            rhythm=Rhythm.BEFORE_EXPIRY,
            begins_on=clock.today(owner.time_zone),
            days=5,
            # As many working days as lie in the renewal window of two weeks.
            lead_days=10,
            credential_slug=ON_CALL,
            holders_of=ON_CALL,
        ),
        owner=owner,
        deputy=lead,
        by=owner,
    )
    _look_at_on_call()


def _look_at_on_call() -> None:
    """Do what the portal does each night: open the refreshers that have come."""
    (renewal,) = [each for each in queries.list_obligations() if each.latest.credential_slug == ON_CALL]
    for _progress in cycles.look(renewal.id):
        pass


def make_obligations(*, staff: Mapping[str, Person], at: datetime) -> None:
    """Make two obligations at an instant, and change one that came with the content.

    One is intact for nearly everybody, one is paused, the last concerns hardly anybody yet: its certificate is still to
    be earned.
    """
    owner, lead = staff["mori.akiko"], staff["sato.ken"]
    trainee = accounts.find_person_by_sign_in_name(f"{TRAINEE}@{DOMAIN}")
    assert trainee is not None
    with clock.frozen(at):
        today = clock.today(owner.time_zone)
        month, day = _half_after(today)
        refresher = _make(
            Wanted(
                title=Words("Policy refresher, Account safety Tokyo", "ポリシー再研修（アカウント安全 東京）"),
                plan_slug="policy-refresher",
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
        _widen(owner, lead)
        paused = _make(
            Wanted(
                title=Words("Half-yearly policy refresher, Osaka", "ポリシー更新研修（大阪、半年ごと）"),
                plan_slug="policy-refresher",
                rhythm=Rhythm.AFTER_COMPLETION,
                begins_on=today + _FAR_AWAY,
                days=10,
                months=6,
                teams=(OSAKA,),
            ),
            owner,
            lead,
        )
        obligations.pause(obligation=paused, reason="全員が導入研修中のため、修了まで止めます。", by=owner)
        cycles.open_now(obligation=refresher, person=trainee, reason="担当替えの前に受講してもらうため。", by=lead)


def _widen(owner: Person, deputy: Person) -> None:
    """Let the renewal that comes with the content be for the whole team: who is still to earn it sees it, too."""
    found = queries.find_by_content_name(RENEWAL)
    assert found is not None
    obligations.change_terms(
        obligation=found,
        wanted=replace(obligations.wanted_of(found.latest), teams=(TEAM,), holders_of=None),
        owner=owner,
        deputy=deputy,
        reason="修了証を取得する前の人にも、更新の予定を示します。",
        seen=found.latest.number,
        by=owner,
    )
    for _progress in cycles.look(found.id):
        pass


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
