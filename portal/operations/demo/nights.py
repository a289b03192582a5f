"""Who keeps the night line in the demo: certificates that a newer version of a document made ones of an older policy.

The document is the night line's own, so that nobody else is asked anything again.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import partial

from portal.accounts.models import Person
from portal.accounts.service.ownership import set_owner
from portal.certificates.rules.templates import Design, Honorific
from portal.certificates.service import OWNED_KIND, CredentialSpec, TemplateName
from portal.certificates.service import publish_version as publish_credential
from portal.core import clock
from portal.core.i18n import Words
from portal.library import queries as library
from portal.library.models import AudienceKind, ChangeClass, DocumentKind
from portal.library.service.documents import OWNED_KIND as DOCUMENT_KIND
from portal.library.service.documents import create_document
from portal.library.service.texts import TextDraft
from portal.library.service.versions import publish_version
from portal.operations.demo.agenda import Agenda, Days, moment_of
from portal.operations.demo.doing import How, Supervisors, ask_audience, confirm_changes, do, visit
from portal.operations.demo.people import NEIGHBOURS, NOTICE, ZONE
from portal.training import queries as training
from portal.training.models import Enrollment
from portal.training.queries import catalogue
from portal.training.rules import Doer, PlanSpec, StepKind, StepSpec
from portal.training.service.enrollments import enroll
from portal.training.service.owned import OWNED_KIND as PLAN_KIND
from portal.training.service.plans import create_plan_version

CREDENTIAL, PLAN, DOCUMENT = "night-line", "night-line-start", "night-line-handover"
# Days before today on which everything was published, and on which each began.
_PUBLISHED = 48
# Up to so many working days before today the change of the document took effect.
_CHANGED = 3
# Who confirmed it, so many working days after it was published.
_CONFIRMED = {
    "hayashi.tomoko": 1, "ogawa.shin": 1, "samuel.lindqvist": 2, "park.jisoo": 2, "fischer.anna": 2, "costa.bruno": 3,
    "endo.misaki": 4,
}  # fmt: skip
_BEGAN = {"nishi.haruto": 24, "costa.bruno": 23}
SAID = {"en": "Nothing was left out, and calls came in time.", "ja": "引き渡しに漏れがなく、連絡も適切でした。"}


def note_nights(agenda: Agenda, days: Days, people: Mapping[str, Person]) -> None:
    """Note down how people came to keep the night line, and how its document changed afterwards.

    `people` are looked up when they begin: some of them have no account before.
    """
    lead, owner, approver = people["sato.ken"], people["mori.akiko"], people["ito.jun"]
    agenda.note(moment_of(days.on_or_before(_PUBLISHED), 16), partial(_publish, owner, approver))
    for minute, (name, before) in enumerate(_BEGAN.items()):
        agenda.note(moment_of(days.on_or_before(before), 13, minute), partial(_begin, people, name, lead))
    effective = days.taking_effect(days.before(_CHANGED), -1)
    changed = days.step(effective, -NOTICE)
    agenda.note(moment_of(changed, 11), partial(_change, effective, owner, approver))
    for number, (name, later) in enumerate(_CONFIRMED.items()):
        agenda.note(moment_of(days.step(changed, later), 14, 4 * number), partial(confirm_changes, name, DOCUMENT))


def _publish(owner: Person, approver: Person) -> None:
    """Publish the night line's document, the plan that reads it, and its credential."""
    document = create_document(
        slug=DOCUMENT,
        kind=DocumentKind.LESSON,
        audience={AudienceKind.TEAM: [NEIGHBOURS]},
        by=owner,
    )
    set_owner(kind=DOCUMENT_KIND, code=DOCUMENT, owner=owner, deputy=None, by=owner)
    publish_version(
        document=document,
        number="1.0",
        change_class=ChangeClass.MATERIAL,
        effective_at=None,
        zone=ZONE,
        texts=_texts(30),
        author=owner,
        approver=approver,
    )
    create_plan_version(
        slug=PLAN,
        spec=PlanSpec(
            number="1.0",
            title=Words("Night line: the start", "夜間当番 はじめに"),
            summary=Words(
                "How a night is handed over, then a first night beside the lead.",
                "夜間の引き渡し方を学び、最初の夜はリードとともに担当します。",
            ),
            credential=CREDENTIAL,
            phases=(),
            steps=(
                StepSpec("read", StepKind.READ, 0, document=DOCUMENT, minutes=10),
                StepSpec(
                    "first-night",
                    StepKind.SIGN_OFF,
                    0,
                    title=Words("First night with the lead", "リードとの最初の夜間当番"),
                    minutes=60,
                    by=Doer.LEAD,
                ),
            ),
        ),
        by=owner,
    )
    set_owner(kind=PLAN_KIND, code=PLAN, owner=owner, deputy=None, by=owner)
    publish_credential(
        slug=CREDENTIAL,
        number="1.0",
        spec=CredentialSpec(
            title=Words("Night Line", "夜間当番"),
            statement=Words(
                "has completed “{plan}” of {organisation} and may keep the night line.",
                "上記の者は、{organisation}の「{plan}」を修了し、夜間当番を務められることを証します。",
            ),
            validity_months=6,
            design=Design.PLAIN,
            honorific=Honorific.SAMA,
            seal="",
            number_format="NL-{year}-{number:04}",
            signatory_name=Words("Akiko Mori", "森 明子"),
            signatory_title=Words("Head of Trust and Safety Training", "トラスト＆セーフティ研修責任者"),
            renewal_window_days=30,
            grace_days=14,
            template=TemplateName("plain", 1),
        ),
        by=owner,
    )
    set_owner(kind=OWNED_KIND, code=CREDENTIAL, owner=owner, deputy=None, by=owner)


def _texts(minutes: int, summary: Words | None = None, differently: Words | None = None) -> list[TextDraft]:
    """Return what the night line's document says, with so many minutes between a report and the call to the lead."""
    said = {
        "en": (
            "Night line: handing a night over",
            "## Who takes the line {#line}\n\nOne person keeps the line from 22:00 to 7:00. Who it is stands in the "
            "rota.\n\n"
            f"## When the lead is called {{#call}}\n\nCall the lead when a report of imminent harm has been open for "
            f"{minutes} minutes.\n\n"
            "## What is handed over in the morning {#morning}\n\nEvery open report, with what was tried and who was "
            "told.\n",
        ),
        "ja": (
            "夜間当番：夜の引き渡し",
            "## 当番 {#line}\n\n22:00から7:00まで、1人が当番を務めます。当番は勤務表で確認できます。\n\n"
            "## リードへの連絡 {#call}\n\n"
            f"差し迫った危険の通報が{minutes}分間未解決の場合は、リードに電話します。\n\n"
            "## 朝の引き渡し {#morning}\n\n未解決の通報をすべて、試した対応と連絡先とともに引き渡します。\n",
        ),
    }
    return [
        TextDraft(
            language=tag,
            title=title,
            source=source,
            summary=summary.in_(tag) if summary else "",
            what_to_do_differently=differently.in_(tag) if differently else "",
        )
        for tag, (title, source) in said.items()
    ]


def _begin(found: Mapping[str, Person], name: str, lead: Person) -> None:
    """Let somebody read how a night is handed over, and keep the line for the first time."""
    person = found[name]
    visit(person)
    enrollment: Enrollment = enroll(
        person=person, version=catalogue.get_latest_version(PLAN), starts_on=clock.today(ZONE), by=lead
    )
    said = (
        "引き渡しに漏れがなく、連絡も適切でした。"
        if person.language == "ja"
        else "Nothing was left out, and calls came in time."
    )
    for slug in ("read", "first-night"):
        step = training.get_step(enrollment, slug)
        do(step=step, enrollment=enrollment, supervisors=Supervisors(lead, lead), how=How(said=said))


def _change(effective: date, owner: Person, approver: Person) -> None:
    """Let the lead be called earlier: who has learned otherwise holds a certificate of an older policy."""
    version = publish_version(
        document=library.get_document(DOCUMENT),
        number="2.0",
        change_class=ChangeClass.MATERIAL,
        effective_at=moment_of(effective, 0),
        zone=ZONE,
        texts=_texts(
            15,
            Words(
                "The lead is called after 15 minutes instead of 30.", "リードへの連絡を、30分後から15分後に早めます。"
            ),
            Words("Call the lead after 15 minutes.", "15分間未解決の場合は、リードに電話します。"),
        ),
        based_on="1.0",
        author=owner,
        approver=approver,
    )
    ask_audience(version)
