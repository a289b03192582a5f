"""Who has decided cases for long in the demo: their confirmations, and the certificates of an earlier programme.

The shipped content is younger than they are: what they have from before is recognised as soon as it is in force.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import partial

from portal.accounts import queries as accounts
from portal.accounts.models import Person
from portal.accounts.service import name_changes, people
from portal.accounts.service.ownership import set_owner
from portal.certificates import queries as certificates
from portal.certificates import service
from portal.certificates.models import Certificate
from portal.certificates.service import reissues
from portal.core import clock
from portal.core.i18n import Words
from portal.operations.demo.agenda import Agenda, Days, moment_of
from portal.operations.demo.doing import How, Supervisors, do, somebody, visit
from portal.operations.demo.other_cohorts import REFRESHER
from portal.operations.demo.people import MENTORS, ZONE, japanese
from portal.training import queries as training
from portal.training.queries import catalogue
from portal.training.rules import Doer, PlanSpec, StepKind, StepSpec
from portal.training.service.enrollments import enroll
from portal.training.service.owned import OWNED_KIND
from portal.training.service.plans import create_plan_version

CREDENTIAL, PLAN = "account-safety-certified", "earlier-certification"
_READ = ("exposure-and-wellbeing", "queue-work")
# Days before today on which it was recognised, where the policies were in force by then.
_AGO = 38
_LEADS = ("sato.ken", "rosa.delgado", "nishimura.sayuri", "hayashi.tomoko", "owen.harris")
_OTHERS = ("kobayashi.mei", "mori.akiko", "ito.jun", "grace.muller", "leah.kowalski", "ueda.daichi")
_SUSPENDED, _REVOKED, _ISSUED_ANEW = "yamada.hiroko", "kimura.nao", "amelia.hughes"
_REFRESHED = [each.name for each in REFRESHER.learners]
# Whose name has changed since she was recognised; her certificate has the one from before.
_MARRIED, _HER_NAMES = "ikeda.saki", japanese("石田", "早紀", "イシダ", "サキ", "Ishida", "Saki")
_SAID = Words(
    "Exam result and records of the earlier programme looked through.", "以前の制度の試験結果と記録を確認しました。"
)


def note_experienced(agenda: Agenda, days: Days, staff: Mapping[str, Person], since: date) -> None:
    """Note who is recognised, what became of certificates, and whose name changed; `since` the policies hold."""
    lead, admin, second = staff["sato.ken"], staff["grace.muller"], staff["ogawa.shin"]
    begun = max(days.on_or_before(_AGO), days.step(since, 1))
    agenda.note(moment_of(days.step(begun, -1), 9), partial(_publish, staff["mori.akiko"]))
    for number, name in enumerate((*_LEADS, *_OTHERS, *MENTORS, _SUSPENDED, _REVOKED)):
        on = days.step(begun, number % 3)
        by = lead if name != "sato.ken" else staff["hayashi.tomoko"]
        agenda.note(moment_of(on, 9, 2 * number), partial(_recognise, staff[name], by))
    # Who has no account before her refresher begins has something to renew before it ends.
    for minute, name in enumerate(_REFRESHED):
        agenda.note(moment_of(days.before(6), 9, minute), partial(_recognise_late, name, staff["rosa.delgado"]))
    agenda.note(
        moment_of(days.before(6), 9, 30),
        lambda: service.suspend(
            certificate=_of(staff[_SUSPENDED]), reason="異動の準備で、審査から離れているため。", by=admin
        ),
    )
    agenda.note(
        moment_of(days.before(6), 9, 40),
        lambda: service.revoke(
            certificate=_of(staff[_REVOKED]), requested_by=admin, confirmed_by=second,
            reason="心の健康の相談担当になり、案件を扱わなくなったため。",
        ),
    )  # fmt: skip
    agenda.note(
        moment_of(days.before(5), 9, 30),
        lambda: reissues.reissue(
            certificate=_of(staff[_ISSUED_ANEW]), reason="The first paper was lost in the post.", by=admin
        ),
    )
    agenda.note(moment_of(days.before(4), 12, 20), partial(_change_name, staff[_MARRIED]))
    agenda.note(moment_of(days.before(3), 10, 40), partial(_stand_for_name, staff[_MARRIED], admin))


def _publish(owner: Person) -> None:
    create_plan_version(
        slug=PLAN,
        spec=PlanSpec(
            number="1.0",
            title=Words(
                "Account safety: recognition of the earlier certification", "アカウント安全 旧制度の認定の引継ぎ"
            ),
            summary=Words(
                "For reviewers who passed the exam of the earlier programme: confirm the present texts, then the lead "
                "looks through the records.",
                "以前の制度で認定試験に合格した審査担当者が、現行の文書を確認し、リードが記録を確かめます。",
            ),
            credential=CREDENTIAL,
            phases=(),
            steps=(
                *(StepSpec(slug, StepKind.ACKNOWLEDGE, 0, document=slug, minutes=15) for slug in _READ),
                StepSpec(
                    "records",
                    StepKind.SIGN_OFF,
                    0,
                    title=Words("Records looked through", "記録の確認"),
                    minutes=30,
                    by=Doer.LEAD,
                ),
            ),
        ),
        by=owner,
    )
    set_owner(kind=OWNED_KIND, code=PLAN, owner=owner, deputy=None, by=owner)


def _recognise(person: Person, lead: Person) -> None:
    """Let somebody confirm the texts, and have the earlier programme recognised."""
    enrollment = enroll(person=person, version=catalogue.get_latest_version(PLAN), starts_on=clock.today(ZONE), by=lead)
    known = training.standing_of(enrollment).completions
    for step in enrollment.version.steps:
        # What she has confirmed counts.
        if step.slug in known:
            continue
        how = How(said=_SAID.in_(lead.language))
        do(step=step, enrollment=enrollment, supervisors=Supervisors(lead, lead), how=how)


def _recognise_late(name: str, lead: Person) -> None:
    _recognise(somebody(name), lead)


def _change_name(person: Person) -> None:
    visit(person)
    people.change_own(person=person, names=_HER_NAMES, language=person.language, time_zone=person.time_zone)


def _stand_for_name(person: Person, by: Person) -> None:
    change = accounts.find_open_name_change(person.id)
    assert change is not None
    name_changes.confirm(change=change, by=by)


def _of(person: Person) -> Certificate:
    return certificates.list_current_of(person.id, certificates.get_credential(CREDENTIAL).id)[-1]
