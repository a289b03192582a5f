"""Every route against every member of a living organisation: who gets in, who does not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, time, timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import exists, select

from portal.accounts import queries as accounts
from portal.accounts.models import Person
from portal.acknowledgements.models import Campaign, ClauseQuestion
from portal.acknowledgements.service import questions
from portal.acknowledgements.service.campaigns import ask_key
from portal.certificates import service as certifying
from portal.certificates.models import Certificate, CertificateBatch
from portal.certificates.rules.batches import BatchKind
from portal.certificates.service import batches
from portal.cohorts.models import Cohort
from portal.core import access, clock, jobs, web
from portal.core.db import session
from portal.core.i18n import Words
from portal.core.jobs import Job
from portal.core.transaction import own_transaction
from portal.duties.models import RecurringTask, RecurringTaskRun, RecurringTaskTerms
from portal.duties.queries import OWNED_KIND
from portal.duties.queries.cards import find_card, list_free_codes
from portal.duties.service import cards, removals
from portal.gradebook.models import GradeDecision, TranscriptFile
from portal.gradebook.service import decisions, transcripts
from portal.handover.models import Handover, HandoverDossier, HandoverItem, ItemDecision, ItemEvidence, QuizTry, StandIn
from portal.handover.queries import dossiers
from portal.handover.rules import Decision
from portal.handover.service import issuing
from portal.library import queries as library
from portal.library.models import (
    AudienceKind,
    ChangeClass,
    DocumentImage,
    Draft,
    DraftAside,
    DraftComment,
    DraftKept,
    KeptBecause,
)
from portal.library.service import documents, drafts, following, images, versions
from portal.library.service.reviews import comment_on_draft
from portal.library.service.texts import TextDraft
from portal.mentoring.models import LearnerNote, OneToOne
from portal.mentoring.service import notes
from portal.obligations import queries as obligations
from portal.operations import demo
from portal.organisation import queries as organisations
from portal.quizzes import queries as quizzes
from portal.quizzes.models import (
    AnswerToMark,
    Appeal,
    Attempt,
    FlagKind,
    Item,
    MarkRound,
    QuestionFlag,
    QuestionPicture,
    QuestionVersion,
    Regrade,
    RegradeKind,
)
from portal.quizzes.service import appeals, regrades
from portal.quizzes.service.pictures import keep_picture
from portal.reports.models import ReportFile, ReportSchedule
from portal.reports.queries.schedules import list_possible_recipients as possible_recipients
from portal.reports.rules import FileFormat
from portal.reports.service import files as report_files
from portal.reports.service import schedules
from portal.training import queries as training
from portal.training.models import CohortDraft, Enrollment, LiveSession, PlanDraft
from portal.training.permissions import StepOfEnrollment
from portal.training.queries import catalogue
from portal.training.rules import EventSpec, StepKind, StepSpec
from portal.training.service import dates, founding, plan_drafts, sessions, tasks
from portal.training.service.enrollments import enroll
from tests.architecture.access_matrix import MATRIX, MEMBERS
from tests.demo import DAY, load_demo
from tests.page_client import PageClient
from tests.training.builders import make_enrollment, make_plan

# Who may see what is decided above the database; what a query finds is tried on both beside each query.
pytestmark = pytest.mark.any_database

ROOT = Path(__file__).resolve().parents[2]
_SEEN = ("GET", "POST")

# On this day the lead has talked with the graduate.
TALK_ON = date(2026, 5, 7)


@pytest.fixture
def organisation(app: Flask) -> Iterator[dict[str, Person]]:
    """The demo organisation at ten in the morning of its day, its members by name."""
    load_demo(day=DAY)
    with clock.frozen(demo.moment_of(DAY, 10)):
        # What stands for a text that not everybody is addressed by: the lead abroad is not.
        with own_transaction():
            audience = {AudienceKind.MARKET: ["JP"], AudienceKind.TEAM: [], AudienceKind.ROLE: []}
            documents.set_audience(document=library.get_document("misinformation"), audience=audience, by=None)
        # The graduate's certificate is there to be downloaded.
        graduate = _person(MEMBERS["graduate"])
        key = certifying.effect_key(
            session.scalars(select(Certificate).where(Certificate.person_id == graduate.id)).one()
        )
        assert jobs.run_job(session.scalars(select(Job.id).where(Job.effect_key == key)).one())
        members = {name: _person(sign_in_name) for name, sign_in_name in MEMBERS.items()}
        _write_a_draft(members["author"])
        _ask_about_a_change()
        with own_transaction():
            document, japan = library.get_document("animal-abuse"), organisations.get_market("JP")
            following.begin_overlay(base=document, market=japan, by=members["author"])
        _question_a_result(members)
        _begin_a_plan_with_an_exam(members)
        _decide_a_result(members)
        _begin_a_cohort(members["lead"])
        _write_a_plan(members["author"])
        _practise(members)
        _supervise(members)
        _report(members["lead"])
        _take_certificates(members["lead"])
        yield members


def _practise(members: dict[str, Person]) -> None:
    """Let the graduate go on: she has handed in a file, and is expected at a session."""
    graduate, lead = members["graduate"], members["lead"]
    with own_transaction():
        version = catalogue.get_latest_version("account-safety-practice")
        enrollment = enroll(person=graduate, version=version, starts_on=DAY, by=lead)
        task, circle = (training.get_step(enrollment, slug) for slug in ("ten-audits", "case-circle"))
        file = tasks.SentFile("audits.pdf", b"%PDF-1.7")
        tasks.hand_in(enrollment=enrollment, step=task, by=graduate, file=file)
        sessions.plan_session(
            step=circle, market=enrollment.market, learners=[StepOfEnrollment(enrollment, circle)], by=lead,
            when=sessions.When(DAY + timedelta(days=1), time(10), time(11), "Room 3"),
        )  # fmt: skip
        dates.extend_step(enrollment=enrollment, step=circle, working_days=1, reason="More time.", by=lead)
        dates.extend_plan(enrollment=enrollment, working_days=1, reason="More time.", by=lead)


def _supervise(members: dict[str, Person]) -> None:
    """Let the lead note something about the graduate's first training."""
    enrollment = session.scalars(
        select(Enrollment).where(Enrollment.person_id == members["graduate"].id).order_by(Enrollment.id)
    ).first()
    assert enrollment is not None
    with own_transaction():
        notes.write_note(enrollment=enrollment, text="Reads every clause.", is_shown=False, by=members["lead"])
        session.add(
            OneToOne(enrollment=enrollment, held_on=TALK_ON, by=members["lead"], at=clock.now()),
        )


def _write_a_draft(author: Person) -> None:
    """Begin a draft, put a text aside that came late, add a picture and a remark."""
    with own_transaction():
        draft = drafts.begin_draft(document=library.get_document("misinformation"), by=author)
        for title in ("First", "Late"):
            drafts.save_text(
                draft=draft, language="en", revision=1, values=drafts.TextValues(title=title, source="Text."), by=author
            )
        drafts.keep_text(draft, "en", KeptBecause.JOINED, drafts.TextValues(), revision=1, by=author.code)
        images.add_image(draft=draft, file_name="map.png", picture=images.MadePicture(b"webp", 1, 1), by=author)
        comment_on_draft(draft=draft, anchor="", language="en", body="Why?", by=author)


def _begin_a_cohort(lead: Person) -> None:
    """Let the lead put a cohort together that is not created yet."""
    wishes = founding.Wishes("account-safety-start", "1.0", "JP", demo.TEAM, "2026-05-18", text="new@portal.example")
    with own_transaction():
        founding.keep_draft(wishes=wishes, by=lead)


def _write_a_plan(author: Person) -> None:
    """Begin the next version of a plan."""
    with own_transaction():
        plan_drafts.begin_next_version(slug="account-safety-practice", by=author)


def _decide_a_result(members: dict[str, Person]) -> None:
    """Exempt the graduate, ask that it be taken back, and print her transcript."""
    person, version = members["graduate"], quizzes.get_quiz("impersonation")
    with own_transaction():
        decided = decisions.ask_exemption(
            person=person, version=version, reason="Done at the client.", by=members["lead"]
        )
        number = decisions.confirm(decision=decided, by=members["admin"]).entry_no
        decisions.ask_withdrawal(
            person=person, version=version, number=number, reason="She sits it after all.", by=members["lead"]
        )
        transcripts.keep_file(transcripts.order_file(person=person, language="en", by=person), b"%PDF")


def _take_certificates(lead: Person) -> None:
    """Let the lead ask for the certificates of her cohort as an archive."""
    with own_transaction():
        cohort = session.scalars(select(Cohort).order_by(Cohort.id)).first()
        assert cohort is not None
        wish = batches.Wish(BatchKind.ZIP, cohort)
        batches.ask(wish=wish, seen=batches.digest_of(batches.preview(wish, lead)), by=lead)


def _newest(
    model: type[PlanDraft]
    | type[ReportSchedule]
    | type[ReportFile]
    | type[CertificateBatch]
    | type[Campaign]
    | type[ClauseQuestion]
    | type[Appeal]
    | type[Regrade]
    | type[QuestionFlag]
    | type[DraftAside]
    | type[DraftComment]
    | type[DraftKept]
    | type[CohortDraft],
) -> str:
    """Return the code of the one that was made here: the demo has others."""
    return str(session.scalars(select(model.code).order_by(model.id.desc()).limit(1)).one())


def _report(lead: Person) -> None:
    """Let the lead have a report sent to everybody who may read it, and evidence made."""
    with own_transaction():
        cohort = session.scalars(select(Cohort).order_by(Cohort.id)).first()
        assert cohort is not None
        schedules.set_up(
            wanted=schedules.Wanted(
                cohort=cohort, plan_slug="", weekday=0, hour=9, with_pdf=True, with_xlsx=False,
                recipients=possible_recipients(cohort),
            ),
            by=lead,
        )  # fmt: skip
        made = report_files.ask_evidence(
            first=DAY, last=DAY, market="", team="", kind=FileFormat.XLSX, encoding="utf-8-sig", language="en", by=lead
        )
        report_files.keep(made, report_files.Made(b"PK"))


def _ask_about_a_change() -> None:
    """Publish a version of the policy for next week, ask for it, and have a question about it."""
    with own_transaction():
        document = library.get_document("misinformation")
        before = document.versions[-1]
        texts = [
            TextDraft(each.language, each.title, f"{each.source}\n\n## More {{#more}}\n\nMore.\n")
            for each in before.texts
        ]
        versions.publish_version(
            document=document, number="2.0", change_class=ChangeClass.MATERIAL,
            effective_at=clock.now() + timedelta(days=7), zone=demo.ZONE, texts=texts, based_on=before.number,
            author=_person("yamada.hiroko"), approver=_person("ito.jun"),
        )  # fmt: skip
    asking = jobs.find_job(ask_key(library.get_document("misinformation").versions[-1].id))
    assert asking is not None
    assert jobs.run_job(asking.id)
    with own_transaction():
        version = library.get_document("misinformation").versions[-1]
        questions.ask_question(version=version, anchor="scope", body="Why?", by=_person("abe.sho"))


def _show_a_picture(item: Item, author: Person) -> None:
    """Let the wording of an item show a picture; nothing that is sealed is looked at again here."""
    picture = keep_picture(made=images.MadePicture(b"webp", 1, 1), bank="impersonation", by=author)
    told = {"sha256": picture.sha256, "alt": {"en": "A page", "ja": "ページ"}, "severity": "S0"}
    table, version = QuestionVersion.__table__, item.question_version
    session.execute(
        table.update().where(table.c.id == version.id).values(content=version.content | {"picture": told})  # type: ignore[attr-defined]
    )
    session.expire_all()


def _begin_a_plan_with_an_exam(members: dict[str, Person]) -> None:
    """Let the graduate follow a plan that counts from the day of an exam."""
    exam = StepSpec("prepare", StepKind.READ, -3, document="impersonation", event="exam")
    version = make_plan(
        "with-exam", members["author"], exam, phases=(), events=(EventSpec("exam", Words("Exam", "試験")),)
    )
    day = {"exam": DAY + timedelta(days=30)}
    make_enrollment(members["graduate"], version, members["lead"], starts_on=DAY, events=day)


def _question_a_result(members: dict[str, Person]) -> None:
    """Let an answer of the graduate wait for a mark, an appeal of hers for its answer, and a rule for its approval."""
    with own_transaction():
        attempt = session.scalars(
            select(Attempt).where(Attempt.person_id == members["graduate"].id).order_by(Attempt.id)
        ).first()
        assert attempt is not None
        assert attempt.released_at is not None
        first, second = attempt.items[:2]
        _show_a_picture(first, members["author"])
        session.add(AnswerToMark(item_id=second.id, code="WATS00000000", round=MarkRound.FIRST, since=clock.now()))
        with clock.frozen(attempt.released_at):
            appeals.make_appeal(attempt=attempt, item=first, words="Both are right.", by=members["graduate"])
        found = quizzes.find_latest(quizzes.get_bank("impersonation"), "imp-001")
        assert found is not None
        regrades.propose_regrade(
            version=found[1], kind=RegradeKind.VOID, accepts=None, reason=Words("Why", "理由"), by=members["author"]
        )
        session.add(
            QuestionFlag(
                code="FRAG00000000", question_id=found[0].id, question_version_id=found[1].id, n=201, figures={},
                kind=FlagKind.OVEREXPOSED, wording="", raised_at=clock.now(),
            )
        )  # fmt: skip


def _person(name: str) -> Person:
    found = accounts.find_person_by_sign_in_name(f"{name}@{demo.DOMAIN}")
    assert found is not None
    return found


def _removal(task: RecurringTask) -> str:
    """Return a request of the task's owner that a part of its card be taken out."""
    with own_transaction():
        subject = cards.get_subject(OWNED_KIND, task.code)
        card = find_card(OWNED_KIND, task.code)
        assert card is not None
        assert subject.owner is not None
        return removals.ask(
            subject=subject,
            number=1,
            part=removals.parts_to_take_out(card.versions[0])[0],
            reason="A secret",
            by=subject.owner,
        ).code


def _handover() -> dict[str, str]:
    """Return the author's handover, an item that the approver is to take over, and what he has shown of it."""
    evidence = session.scalars(
        select(ItemEvidence)
        .join(HandoverItem)
        .join(Handover)
        .where(Handover.closed_at.is_(None), ItemEvidence.successor_id == _person("ito.jun").id)
        .where(~exists().where(ItemDecision.item_id == HandoverItem.id))
        .order_by(ItemEvidence.id.desc())
    ).first()
    assert evidence is not None
    return {"code": evidence.item.handover.code, "item": evidence.item.code, "evidence": evidence.code}


def _stand_in() -> str:
    """Return the stand-in of the policy owner by the lead."""
    return session.scalars(select(StandIn.code).where(StandIn.person_id == _person("mori.akiko").id)).one()


def _refusal() -> dict[str, str]:
    """Return the item that was refused."""
    found = session.scalars(select(ItemDecision).where(ItemDecision.decision == Decision.REFUSED)).first()
    assert found is not None
    return {"item": found.item.code, "number": "1"}


def _dossier() -> dict[str, str]:
    """Return the version of the approver's dossier that was issued last."""
    found = session.scalars(select(HandoverDossier).where(HandoverDossier.successor_id == _person("ito.jun").id)).one()
    version = found.document.versions[-1]
    if dossiers.find_file(version.id, "en") is None:
        with own_transaction():
            issuing.keep_file(version, "en", b"%PDF")
    return {"slug": found.document.slug, "number": version.number, "language": "en"}


def _values(members: dict[str, Person], endpoints: set[str]) -> dict[str, dict[str, str]]:
    """Return for each endpoint the values of its address: things of the graduate, who is in the lead's team."""
    graduate = members["graduate"]
    enrollment, with_exam, practice = session.scalars(
        select(Enrollment).where(Enrollment.person_id == graduate.id).order_by(Enrollment.id)
    ).all()
    attempt = session.scalars(select(Attempt).where(Attempt.person_id == graduate.id).order_by(Attempt.id)).first()
    certificate = session.scalars(select(Certificate).where(Certificate.person_id == graduate.id)).one()
    assert attempt is not None
    assert enrollment.cohort is not None
    by_name = {
        "slug": "impersonation",
        "number": "1.0",
        "job": session.scalars(select(Job.code).order_by(Job.id)).first() or "",
        "token": "no-such-token",
        "name": "lead",
        "sheet": "components",
        "path": "css/tokens.css",
        "language": "en",
        "bank": "impersonation",
        "question": "imp-001",
        "address": "impersonation/imp-001",
        "position": "1",
        "aside": _newest(DraftAside),
        "kept": _newest(DraftKept),
    }
    # The demo has others: what was begun last is what was begun here.
    draft = session.scalars(select(Draft).where(Draft.over_id.is_(None)).order_by(Draft.id.desc())).first()
    assert draft is not None
    of_market = {
        "code": session.scalars(select(Draft.code).where(Draft.over_id.is_not(None)).order_by(Draft.id.desc())).first()
    }
    by_name["comment"] = _newest(DraftComment)
    calibration = session.scalars(
        select(RecurringTaskRun)
        .join(RecurringTaskTerms, RecurringTaskTerms.task_id == RecurringTaskRun.task_id)
        .where(RecurringTaskTerms.procedure_clause == "standard")
        .order_by(RecurringTaskRun.id)
    ).first()
    assert calibration is not None
    by_domain = {
        "accounts": {"code": graduate.code},
        "calendars": {"code": graduate.code},
        "quizzes": {"code": attempt.code},
        "certificates": {
            "code": certificate.code,
            "number": certificate.number,
            "list_no": "1",
            "purpose": "revocation",
            "slug": certificate.credential_version.credential.slug,
        },
        "training": {"code": enrollment.code, "slug": "supervised-audit"},
        "mentoring": {"code": enrollment.code},
        "reports": {"code": enrollment.cohort.code},
        "organisation": {"code": "JP"},
        "duties": {
            "code": calibration.task.code,
            "run": calibration.code,
            "day": calibration.due_on.isoformat(),
            "kind": "recurring_task",
            "thing": calibration.task.code,
            "number": 1,
        },
        "obligations": {"code": obligations.list_obligations()[-1].code, "person": graduate.code},
        "handover": _handover(),
        "gradebook": {
            "code": graduate.code,
            "number": "1",
            "file": session.scalars(select(TranscriptFile.code)).one(),
            "request_code": session.scalars(
                select(GradeDecision.code).where(GradeDecision.closed_at.is_(None)).order_by(GradeDecision.id.desc())
            ).first(),
        },
        "library": {"slug": "misinformation", "code": draft.code, "kind": "questions"},
        "acknowledgements": {"slug": "misinformation", "code": _newest(Campaign), "person": graduate.code},
    }
    appeal = {"code": _newest(Appeal)}
    answer = {"code": "WATS00000000"}
    regrade = {"code": _newest(Regrade)}
    statement = {"slug": "exposure-and-wellbeing", "number": "1.0"}
    flag = {"code": _newest(QuestionFlag)}
    cohort_draft = {"code": _newest(CohortDraft)}
    cohort = {"code": enrollment.cohort.code}
    # The demo has sessions of its own; the newest is the one at which the graduate is expected.
    expected_at = session.scalars(select(LiveSession.code).order_by(LiveSession.id.desc()).limit(1)).one()
    special = {
        **dict.fromkeys(["quizzes.answer", "quizzes.mark", "quizzes.keep_mark_draft"], answer),
        **dict.fromkeys(["quizzes.appeal", "quizzes.answer_appeal", "quizzes.name_for_appeal"], appeal),
        **dict.fromkeys(["quizzes.regrade", "quizzes.approve_regrade", "quizzes.decline_regrade"], regrade),
        **dict.fromkeys(["quizzes.flag", "quizzes.close_flag"], flag),
        **dict.fromkeys(["acknowledgements.decline", "acknowledgements.note_decline"], statement),
        "acknowledgements.question": {"code": _newest(ClauseQuestion)},
        "acknowledgements.answer_question": {"code": _newest(ClauseQuestion)},
        "library.add_market_clause": of_market,
        "library.base_of_draft": of_market,
        "library.follow_base_here": of_market,
        "library.move_draft": of_market,
        "library.overlay_clause": of_market,
        # Of a text that is not published: for those who see drafts.
        "library.image": {"name": session.scalars(select(DocumentImage.name)).one()},
        "quizzes.ahead": {"code": draft.code},
        "acknowledgements.delta_picture": {"number": "1"},
        "quizzes.bank_picture": {"sha256": session.scalars(select(QuestionPicture.sha256)).one()},
        "quizzes.look_ahead": {"code": draft.code},
        "mentoring.change_note": {
            "code": session.scalars(select(LearnerNote.code).order_by(LearnerNote.id.desc())).all()[0]
        },
        "mentoring.take_back_talk": {"code": enrollment.code, "day": TALK_ON.isoformat()},
        "training.event_date": {"code": with_exam.code, "slug": "exam"},
        "training.version_of_cohort": {"code": enrollment.cohort.code, "plan": enrollment.version.plan.slug},
        "calendars.team_shifts": {"code": demo.TEAM},
        "calendars.company_days": {"code": "JP"},
        "calendars.withdraw_company_days": {"code": "JP"},
        "training.event_of_cohort": {"code": enrollment.cohort.code, "plan": "with-exam", "slug": "exam"},
        **dict.fromkeys(["training.cohort_draft", "training.change_draft", "training.cohort_progress"], cohort_draft),
        **dict.fromkeys(["training.add_learners", "training.withdraw_cohort"], cohort),
        **{
            f"training.{each}": {"code": practice.code, "slug": "ten-audits", "number": "1"}
            for each in ("evidence", "hand_in", "evidence_file")
        },
        **{f"acknowledgements.{each}": {"code": graduate.code} for each in ("note_spoken", "end_aside")},
        "training.take_back_extension": {"code": practice.code, "slug": "case-circle", "number": "1"},
        "training.take_back_plan_extension": {"code": practice.code, "number": "1"},
        **{
            f"training.{each}": {"code": expected_at}
            for each in ("session", "move_session", "cancel_session", "add_to_session")
        },
        **{
            f"training.{each}": {"code": _newest(PlanDraft)}
            for each in (
                "plan_draft",
                "plan_draft_file",
                "plan_draft_pulse",
                "edit_plan_draft",
                "change_plan_draft",
                "preview_plan_draft",
                "submit_plan_draft",
                "take_back_plan_draft",
                "send_back_plan_draft",
                "approve_plan_draft",
                "discard_plan_draft",
                "take_over_into_plan_draft",
            )
        },
        **{
            f"training.{each}": {"slug": "account-safety-practice"}
            for each in ("plan", "plan_file", "begin_plan_draft")
        },
        "training.plan_session": {"plan": "account-safety-practice", "slug": "case-circle"},
        **{
            f"backfill.{each}": {"scope": "team", "code": demo.TEAM} for each in ("matrix", "matrix_csv", "matrix_xlsx")
        },
        "backfill.of_person": {"code": graduate.code},
        **{
            f"backfill.{each}": {"code": graduate.code, "kind": "recurring_task", "thing": calibration.task.code}
            for each in ("cell", "set_part", "state_level")
        },
        "duties.of_person": {"code": graduate.code},
        "duties.of_team": {"code": demo.TEAM},
        "obligations.of_person": {"code": graduate.code},
        **{
            f"handover.{each}": {"code": graduate.code}
            for each in ("accept_orphans", "take_back_orphan", "begin_rehearsal")
        },
        "handover.meet": _handover() | {"milestone": "plan"},
        "handover.remove_refusal": _refusal(),
        "handover.remove_orphan_reasons": {"code": graduate.code, "accepter": "x"},
        **{
            f"handover.{each}": {"code": _stand_in()}
            for each in ("stand_in", "end_stand_in", "decline_stand_in", "remove_stand_in_texts")
        },
        "obligations.assign_renewals": {"slug": certificate.credential_version.credential.slug},
        **{
            f"reports.{each}": {"code": _newest(ReportSchedule)}
            for each in ("change_schedule", "save_schedule", "end_schedule", "unsubscribe")
        },
        "reports.cohort_number": {"name": "week-steps"},
        **{
            f"certificates.{each}": {"code": _newest(CertificateBatch)}
            for each in (
                "batch",
                "batch_progress",
                "take_batch",
                "cancel_batch",
                "go_on_with_batch",
                "confirm_batch",
                "decline_batch",
            )
        },
        **{f"reports.{each}": {"code": _newest(ReportFile)} for each in ("file", "file_progress", "save_file")},
        **{
            f"certificates.{each}": {"slug": "classic", "number": "1", "design": "classic"}
            for each in (
                "template",
                "template_picture",
                "starting_picture",
                "draft_picture",
                "edit_template",
                "save_template",
                "preview_template",
                "publish_template",
                "use_template",
            )
        },
        **{
            f"handover.{each}": {
                "code": session.scalars(
                    select(QuizTry.code).where(QuizTry.successor_id == _person("ito.jun").id).order_by(QuizTry.id)
                ).first()
                or ""
            }
            for each in ("quiz_try", "hand_in_quiz")
        },
        "handover.dossier_markdown": {"language": "en"},
        **{f"handover.issued_{each}": _dossier() for each in ("markdown", "pdf")},
        "duties.removal": {"code": _removal(calibration.task)},
        "duties.end_card": {"thing": list_free_codes()[0]},
        "organisation.team": {"code": demo.TEAM},
        "organisation.change_team": {"code": demo.TEAM},
    }
    return {
        endpoint: by_name | by_domain.get(endpoint.split(".")[0], {}) | special.get(endpoint, {})
        for endpoint in endpoints
    }


def _is_in(client: PageClient, method: str, address: str, person: Person | None) -> bool:
    """Say whether the member gets past the door: refused are 401, 403, 404 and the way to the sign-in page."""
    for _ in range(2):
        form = {} if method == "GET" else {"data": {"csrf_token": client.token()}}
        response = client.send(method, address, **form)
        assert response.status_code < 500 or address == "/readyz", f"{address}: {response.status_code}"
        to_sign_in = response.status_code == 302 and "/sign-in?" in response.headers.get("Location", "")
        if person is None or not (to_sign_in or response.status_code == 401):
            break
        # A request before this one ended the member's sessions.
        client.renew(person)
    return response.status_code not in (401, 403, 404) and not to_sign_in


def test_every_route_lets_in_exactly_those_it_names(
    application: Flask, organisation: dict[str, Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Two of three are refused; how a refusal looks is another test's, and drawing it takes longer than deciding it.
    monkeypatch.setattr(web, "render_template", lambda name, **given: name)
    values = _values(organisation, set(application.view_functions))
    addresses: list[tuple[str, str, str]] = []
    with application.test_request_context():
        for rule in application.url_map.iter_rules():
            known = {name: values[rule.endpoint].get(name, "x") for name in rule.arguments}
            built = rule.build(known, append_unknown=False)
            assert built is not None, rule
            addresses += [(rule.endpoint, method, built[1]) for method in sorted(rule.methods or ()) if method in _SEEN]
    clients = {name: PageClient(application, person=person) for name, person in organisation.items()}
    clients["stranger"] = PageClient(application)
    seen: dict[str, set[str]] = {}
    # Reading before changing: no request may take away what the next one needs.
    last = ("accounts.deactivate", "accounts.reactivate")
    for endpoint, method, address in sorted(addresses, key=lambda each: (each[0] in last, each[1] == "POST", each)):
        who = seen.setdefault(f"{method} {endpoint}", set())
        who |= {name for name, client in clients.items() if _is_in(client, method, address, organisation.get(name))}
    assert seen.keys() - MATRIX.keys() == set(), "routes without a row"
    assert MATRIX.keys() - seen.keys() == set(), "rows without a route"
    assert {
        route: f"in: {sorted(who)}; should be {sorted(MATRIX[route])}"
        for route, who in sorted(seen.items())
        if who != MATRIX[route]
    } == {}


def test_the_printed_permissions_are_up_to_date(application: Flask) -> None:
    printed = (ROOT / "docs" / "permissions.md").read_text(encoding="utf-8")
    assert printed == access.printed(), "run: flask --app wsgi permissions > docs/permissions.md"
