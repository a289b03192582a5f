"""Who is on call for emergencies in the demo: a credential renewed each month, with issues in nearly every state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from portal.accounts import queries as accounts
from portal.accounts.models import Person
from portal.accounts.service import name_changes, passwords, people
from portal.accounts.service.ownership import set_owner
from portal.accounts.service.people import Names
from portal.certificates import queries as certificates
from portal.certificates import service
from portal.certificates.models import Certificate
from portal.certificates.rules.batches import BatchKind
from portal.certificates.rules.templates import Design, Honorific
from portal.certificates.service import OWNED_KIND, CredentialSpec, TemplateName, batches, reissues
from portal.cohorts import queries as cohorts
from portal.core import clock
from portal.core.i18n import Words
from portal.operations.demo.agenda import Agenda, Days, moment_of
from portal.operations.demo.doing import visit
from portal.operations.demo.intake import BEGAN as NEWCOMERS_BEGAN
from portal.operations.demo.nights import note_nights
from portal.operations.demo.organisation import places
from portal.operations.demo.people import DOMAIN, NEIGHBOURS, ZONE, english, japanese, password_of
from portal.training import queries as training
from portal.training.models import Enrollment
from portal.training.queries import catalogue
from portal.training.rules import Doer, PlanSpec, StepKind, StepSpec
from portal.training.service.enrollments import enroll
from portal.training.service.owned import OWNED_KIND as PLAN_KIND
from portal.training.service.plans import create_plan_version
from portal.training.service.sign_offs import sign_off

CREDENTIAL, DRILL, REFRESHER = "emergency-on-call", "emergency-drill", "emergency-drill-refresher"
# Days before today by which all of it was published.
BEGAN = 50


@dataclass(frozen=True, slots=True)
class _Neighbour:
    """Somebody of the neighbouring team who is on call."""

    name: str
    names: Names
    language: str


ON_CALL = (
    _Neighbour("endo.misaki", japanese("遠藤", "美咲", "エンドウ", "ミサキ", "Endo", "Misaki"), "ja"),
    _Neighbour("park.jisoo", english("Park", "Jisoo"), "en"),
    _Neighbour("fischer.anna", english("Fischer", "Anna"), "en"),
    _Neighbour("nishi.haruto", japanese("西", "陽翔", "ニシ", "ハルト", "Nishi", "Haruto"), "ja"),
    _Neighbour("costa.bruno", english("Costa", "Bruno"), "en"),
)
_MARRIED = japanese("三浦", "美咲", "ミウラ", "ミサキ", "Miura", "Misaki")

# Days before today on which each did the drill, and the refresher after it. Days off move each of them back by as many
# as nine days, and a month has 28 to 31: whatever the day, everybody is where she is meant to be.
_DRILLED = {
    "kobayashi.mei": 5,
    "kimura.nao": 18,
    "yamada.hiroko": 33,
    "ito.jun": 48,
    "mori.akiko": 40,
    "endo.misaki": 9,
    "park.jisoo": 11,
    "fischer.anna": 13,
}
_REFRESHED = {"mori.akiko": 16}


def note_certified(agenda: Agenda, days: Days, staff: Mapping[str, Person]) -> None:
    """Note down how people came to be on call, and what became of their certificates."""
    found: dict[str, Person] = dict(staff)
    lead, owner, admin = staff["sato.ken"], staff["mori.akiko"], staff["grace.muller"]
    second = staff["ogawa.shin"]

    agenda.note(moment_of(days.on_or_before(BEGAN - 1), 13), partial(_publish, owner))
    agenda.note(moment_of(days.on_or_before(BEGAN - 1), 14), partial(_let_neighbours_in, found, admin))
    for minute, (name, before) in enumerate(_DRILLED.items()):
        agenda.note(moment_of(days.on_or_before(before), 15, minute), partial(_drill, found, name, DRILL, lead))
    for name, before in _REFRESHED.items():
        agenda.note(moment_of(days.on_or_before(before), 15, 30), partial(_drill, found, name, REFRESHER, lead))
    note_nights(agenda, days, found)
    # Before days off all of it can come to lie on one day: the hours are in the order of what happens.
    agenda.note(moment_of(days.on_or_before(6), 16), lambda: _marry(found["endo.misaki"]))
    agenda.note(moment_of(days.on_or_before(6), 16, 10), lambda: _stand_for_name(found["endo.misaki"], admin))
    agenda.note(moment_of(days.on_or_before(6), 16, 20), lambda: _ask_for_name(found["endo.misaki"]))
    agenda.note(moment_of(days.on_or_before(5), 16, 30), lambda: _issue_anew(found["endo.misaki"], admin))
    agenda.note(
        moment_of(days.on_or_before(4), 17),
        lambda: service.suspend(
            certificate=_of(found["park.jisoo"]),
            reason="The record of the drill names another case than the one that was practised.",
            by=admin,
        ),
    )
    cohort = f"safety-{days.before(NEWCOMERS_BEGAN):%Y-%m}a"
    yesterday = days.before(1)
    agenda.note(moment_of(yesterday, 17, 20), partial(_ask_for_files, cohort, BatchKind.PRINT, lead))
    agenda.note(moment_of(yesterday, 17, 21), partial(_cancel_files, cohort, lead))
    # The worker makes it, as it makes the files themselves.
    agenda.note(moment_of(yesterday, 17, 30), partial(_ask_for_files, cohort, BatchKind.ZIP, lead))
    agenda.note(
        moment_of(days.on_or_before(4), 17, 30),
        lambda: service.revoke(
            certificate=_of(found["fischer.anna"]),
            requested_by=admin,
            confirmed_by=second,
            reason="She left the on-call rota before the drill was reviewed.",
        ),
    )


def _publish(owner: Person) -> None:
    """Publish both plans and the credential."""
    for slug, title, summary, minutes in (
        (
            DRILL,
            Words("Emergency line: the drill", "緊急対応当番 訓練"),
            Words(
                "A case of imminent harm from the first report to the hand-over, once with the lead.",
                "差し迫った危険のある事例を、最初の報告から引き渡しまで、リードと一度通して行います。",
            ),
            90,
        ),
        (
            REFRESHER,
            Words("Emergency line: the monthly refresher", "緊急対応当番 毎月の更新研修"),
            Words("The same in half an hour, with another case.", "別の事例で、同じ流れを30分で確認します。"),
            30,
        ),
    ):
        create_plan_version(
            slug=slug,
            spec=PlanSpec(
                number="1.0",
                title=title,
                summary=summary,
                credential=CREDENTIAL,
                phases=(),
                steps=(
                    StepSpec(
                        "drill",
                        StepKind.SIGN_OFF,
                        0,
                        title=Words("Drill with the lead", "リードとの訓練"),
                        minutes=minutes,
                        by=Doer.LEAD,
                    ),
                ),
            ),
            by=owner,
        )
        set_owner(kind=PLAN_KIND, code=slug, owner=owner, deputy=None, by=owner)
    service.publish_version(
        slug=CREDENTIAL,
        number="1.0",
        spec=CredentialSpec(
            title=Words("Emergency On-call", "緊急対応当番"),
            statement=Words(
                "has completed the drill “{plan}” of {organisation} and may be on call for emergencies.",
                "上記の者は、{organisation}の「{plan}」を修了し、緊急対応の当番を務められることを証します。",
            ),
            validity_months=1,
            design=Design.CLASSIC,
            honorific=Honorific.DONO,
            seal="修了之印",
            number_format="EM-{year}-{number:04}",
            signatory_name=Words("Akiko Mori", "森 明子"),
            signatory_title=Words("Head of Trust and Safety Training", "トラスト＆セーフティ研修責任者"),
            renewal_window_days=14,
            grace_days=14,
            renewal_plan_slug=REFRESHER,
            template=TemplateName("classic", 1),
        ),
        by=owner,
    )
    set_owner(kind=OWNED_KIND, code=CREDENTIAL, owner=owner, deputy=None, by=owner)


def _let_neighbours_in(found: dict[str, Person], by: Person) -> None:
    markets, teams = places()
    for each in ON_CALL:
        person = people.invite(
            sign_in_name=f"{each.name}@{DOMAIN}", names=each.names, language=each.language, time_zone=ZONE,
            market=markets["JP"], team=teams[NEIGHBOURS], by=by, send=False,
        )  # fmt: skip
        people.mark_as_demo(person=person)
        passwords.set_password(person=person, password=password_of(each.name), by=person)
        found[each.name] = person


def _drill(found: Mapping[str, Person], name: str, plan: str, lead: Person) -> None:
    """Let somebody go through a drill on one day; a refresher has been assigned to her by then."""
    person, version = found[name], catalogue.get_latest_version(plan)
    visit(person)
    running = training.find_open_enrollment(person.id, version.plan_id)
    enrollment: Enrollment = running or enroll(person=person, version=version, starts_on=clock.today(ZONE), by=lead)
    step = training.get_step(enrollment, "drill")
    said = "手順どおりに、漏れなく引き渡せました。" if person.language == "ja" else "Every hand-over was complete."
    sign_off(enrollment=enrollment, step=step, statement=said, by=lead)


def _marry(person: Person) -> None:
    people.change_own(person=person, names=_MARRIED, language=person.language, time_zone=person.time_zone)


def _stand_for_name(person: Person, by: Person) -> None:
    change = accounts.find_open_name_change(person.id)
    assert change is not None
    name_changes.confirm(change=change, by=by)


def _ask_for_name(person: Person) -> None:
    reissues.ask(certificate=_of(person), reason="結婚により、姓が遠藤から三浦に変わりました。", by=person)


def _issue_anew(person: Person, by: Person) -> None:
    reissues.reissue(certificate=_of(person), reason="人事記録で改姓を確認しました。", by=by)


def _of(person: Person) -> Certificate:
    credential = certificates.get_credential(CREDENTIAL)
    return certificates.list_current_of(person.id, credential.id)[-1]


def _ask_for_files(code: str, kind: BatchKind, by: Person) -> None:
    """Let the lead take the certificates of her newcomers; nothing where nobody has one yet."""
    wish = batches.Wish(kind, cohorts.get_cohort(code))
    lines = batches.preview(wish, by)
    if any(line.left_out is None for line in lines):
        batches.ask(wish=wish, seen=batches.digest_of(lines), by=by)


def _cancel_files(code: str, by: Person) -> None:
    """Let the lead think better of it: an archive is what she wanted."""
    for each in batches.list_under_way(cohorts.get_cohort(code)):
        batches.cancel(batch=each, by=by)
