"""Every route against every member of a living organisation: who gets in, who does not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import time, timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from portal.accounts import queries as accounts
from portal.accounts.models import Person
from portal.acknowledgements.models import Campaign, ClauseQuestion
from portal.acknowledgements.service import questions
from portal.acknowledgements.service.campaigns import ask_key
from portal.certificates.models import Certificate
from portal.cohorts.models import Cohort
from portal.core import access, clock, jobs, web
from portal.core.db import session
from portal.core.i18n import Words
from portal.core.jobs import Job
from portal.core.transaction import own_transaction
from portal.gradebook.models import GradeDecision, TranscriptFile
from portal.gradebook.service import decisions, transcripts
from portal.library import queries as library
from portal.library.models import ChangeClass, DocumentImage, Draft, DraftAside, DraftComment, DraftKept, KeptBecause
from portal.library.service import drafts, following, images, versions
from portal.library.service.reviews import comment_on_draft
from portal.library.service.texts import TextDraft
from portal.mentoring.models import LearnerNote
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
from portal.training.service import founding, plan_drafts, sessions, tasks
from portal.training.service.enrollments import enroll
from tests.architecture.access_matrix import MATRIX, MEMBERS
from tests.demo import DAY, load_demo
from tests.page_client import PageClient
from tests.training.builders import make_enrollment, make_plan

# Who may see what is decided above the database; what a query finds is tried on both beside each query.
pytestmark = pytest.mark.any_database

ROOT = Path(__file__).resolve().parents[2]
_SEEN = ("GET", "POST")


@pytest.fixture
def organisation(app: Flask) -> Iterator[dict[str, Person]]:
    """The demo organisation at ten in the morning of its day, its members by name."""
    load_demo(day=DAY)
    with clock.frozen(demo.moment_of(DAY, 10)):
        # Its certificate is there to be downloaded.
        for number in session.scalars(
            select(Job.id).where(Job.name == "certificates.render").order_by(Job.id).limit(1)
        ):
            assert jobs.run_job(number)
        members = {name: _person(sign_in_name) for name, sign_in_name in MEMBERS.items()}
        _write_a_draft(members["author"])
        _ask_about_a_change()
        with own_transaction():
            document, japan = library.get_document("impersonation"), organisations.get_market("JP")
            following.begin_overlay(base=document, market=japan, by=members["author"])
        _question_a_result(members)
        _begin_a_plan_with_an_exam(members)
        _decide_a_result(members)
        _begin_a_cohort(members["lead"])
        _write_a_plan(members["author"])
        _practise(members)
        _supervise(members)
        _report(members["lead"])
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


def _supervise(members: dict[str, Person]) -> None:
    """Let the lead note something about the graduate's first training."""
    enrollment = session.scalars(
        select(Enrollment).where(Enrollment.person_id == members["graduate"].id).order_by(Enrollment.id)
    ).first()
    assert enrollment is not None
    with own_transaction():
        notes.write_note(enrollment=enrollment, text="Reads every clause.", is_shown=False, by=members["lead"])


def _write_a_draft(author: Person) -> None:
    """Begin a draft, put a text aside that came late, add a picture and a remark."""
    with own_transaction():
        draft = drafts.begin_draft(document=library.get_document("impersonation"), by=author)
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


def _report(lead: Person) -> None:
    """Let the lead have a report sent to everybody who may read it, and evidence made."""
    with own_transaction():
        cohort = session.scalars(select(Cohort).order_by(Cohort.id)).first()
        assert cohort is not None
        schedules.set_up(
            cohort=cohort, plan_slug="", weekday=0, hour=9, with_pdf=True, with_xlsx=False, by=lead,
            recipients=possible_recipients(cohort),
        )  # fmt: skip
        made = report_files.ask_evidence(
            first=DAY, last=DAY, market="", team="", kind=FileFormat.XLSX, encoding="utf-8-sig", language="en", by=lead
        )
        report_files.keep(made, report_files.Made(b"PK"))


def _ask_about_a_change() -> None:
    """Publish a version of the policy for next week, ask for it, and have a question about it."""
    with own_transaction():
        document = library.get_document("impersonation")
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
    asking = jobs.find_job(ask_key(library.get_document("impersonation").versions[-1].id))
    assert asking is not None
    assert jobs.run_job(asking.id)
    with own_transaction():
        version = library.get_document("impersonation").versions[-1]
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
        "aside": session.scalars(select(DraftAside.code)).one(),
        "kept": session.scalars(select(DraftKept.code)).one(),
    }
    draft = session.scalars(select(Draft).where(Draft.over_id.is_(None))).one()
    of_market = {"code": session.scalars(select(Draft.code).where(Draft.over_id.is_not(None))).one()}
    by_name["comment"] = session.scalars(select(DraftComment.code)).one()
    by_domain = {
        "accounts": {"code": graduate.code},
        "calendars": {"code": graduate.code},
        "quizzes": {"code": attempt.code},
        "certificates": {"code": certificate.code, "number": certificate.number},
        "training": {"code": enrollment.code, "slug": "supervised-audit"},
        "mentoring": {"code": enrollment.code},
        "reports": {"code": enrollment.cohort.code},
        "organisation": {"code": "JP"},
        "obligations": {"code": obligations.list_obligations()[-1].code, "person": graduate.code},
        "gradebook": {
            "code": graduate.code,
            "number": "1",
            "file": session.scalars(select(TranscriptFile.code)).one(),
            "request_code": session.scalars(select(GradeDecision.code).where(GradeDecision.closed_at.is_(None))).one(),
        },
        "library": {"code": draft.code, "kind": "questions"},
        "acknowledgements": {"code": session.scalars(select(Campaign.code)).one(), "person": graduate.code},
    }
    appeal = {"code": session.scalars(select(Appeal.code)).one()}
    answer = {"code": "WATS00000000"}
    regrade = {"code": session.scalars(select(Regrade.code)).one()}
    flag = {"code": session.scalars(select(QuestionFlag.code)).one()}
    cohort_draft = {"code": session.scalars(select(CohortDraft.code)).one()}
    cohort = {"code": enrollment.cohort.code}
    # The demo has sessions of its own; the newest is the one at which the graduate is expected.
    expected_at = session.scalars(select(LiveSession.code).order_by(LiveSession.id.desc()).limit(1)).one()
    special = {
        **dict.fromkeys(["quizzes.answer", "quizzes.mark", "quizzes.keep_mark_draft"], answer),
        **dict.fromkeys(["quizzes.appeal", "quizzes.answer_appeal", "quizzes.name_for_appeal"], appeal),
        **dict.fromkeys(["quizzes.regrade", "quizzes.approve_regrade", "quizzes.decline_regrade"], regrade),
        **dict.fromkeys(["quizzes.flag", "quizzes.close_flag"], flag),
        "acknowledgements.question": {"code": session.scalars(select(ClauseQuestion.code)).one()},
        "acknowledgements.answer_question": {"code": session.scalars(select(ClauseQuestion.code)).one()},
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
        "training.event_date": {"code": with_exam.code, "slug": "exam"},
        "training.version_of_cohort": {"code": enrollment.cohort.code, "plan": enrollment.version.plan.slug},
        "calendars.team_shifts": {"code": demo.TEAM},
        "training.event_of_cohort": {"code": enrollment.cohort.code, "plan": "with-exam", "slug": "exam"},
        **dict.fromkeys(["training.cohort_draft", "training.change_draft", "training.cohort_progress"], cohort_draft),
        **dict.fromkeys(["training.add_learners", "training.withdraw_cohort"], cohort),
        **{
            f"training.{each}": {"code": practice.code, "slug": "ten-audits", "number": "1"}
            for each in ("evidence", "hand_in", "evidence_file")
        },
        **{
            f"training.{each}": {"code": expected_at}
            for each in ("session", "move_session", "cancel_session", "add_to_session")
        },
        **{
            f"training.{each}": {"code": session.scalars(select(PlanDraft.code)).one()}
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
        "obligations.of_person": {"code": graduate.code},
        **{
            f"reports.{each}": {"code": session.scalars(select(ReportSchedule.code)).one()}
            for each in ("end_schedule", "unsubscribe")
        },
        **{
            f"reports.{each}": {"code": session.scalars(select(ReportFile.code)).one()}
            for each in ("file", "file_progress", "save_file")
        },
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
