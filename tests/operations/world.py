"""A small organisation in which everything that is history has happened, made through the services alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from typing import Any

import pytest
from sqlalchemy import select, text

from portal.accounts.models import Person, Role, Scope
from portal.accounts.service import accommodations, grants, ownership, people
from portal.accounts.service.ownership import set_owner
from portal.accounts.service.passwords import DUMMY_HASH
from portal.accounts.service.people import NAME_FIELDS, Names
from portal.acknowledgements.models import DeltaAnswer
from portal.acknowledgements.queries import campaigns as asking
from portal.acknowledgements.service import acknowledge, confirm_delta, confirm_reading, deltas, questions
from portal.acknowledgements.service.campaigns import end_exemption, exempt
from portal.backfill.rules import Level, Part
from portal.backfill.service import stating
from portal.calendars import service as calendars
from portal.certificates import queries as certificates
from portal.certificates import service as certifying
from portal.certificates.models import Certificate
from portal.cohorts import service as cohorts
from portal.core import clock, jobs, pdf, pdf_signatures
from portal.core.db import session
from portal.core.i18n import Words
from portal.core.transaction import own_transaction
from portal.duties.queries import tasks as recurring
from portal.duties.rules import Criticality, RunHow
from portal.duties.rules import Rhythm as TaskRhythm
from portal.duties.rules.cards import Question
from portal.duties.service import cards
from portal.duties.service import tasks as recurring_tasks
from portal.duties.service.criticality import set_criticality
from portal.gradebook.queries import get_decision
from portal.gradebook.service import decisions
from portal.handover.models import Handover, HandoverItem
from portal.handover.queries import dossiers
from portal.handover.queries import handovers as handing_over
from portal.handover.rules import Milestone, Reason, Stage
from portal.handover.service import handovers, issuing, items, orphans, quiz, stand_ins
from portal.library import queries as library
from portal.library.models import AudienceKind, ChangeClass
from portal.library.queries.drafts import hash_of_draft
from portal.library.service import drafts, images, reviews
from portal.library.service.dependants import change_of_draft
from portal.library.service.readings import note_opened
from portal.mentoring.queries import notes as noted
from portal.mentoring.service import notes as notes_on
from portal.mentoring.service import one_to_ones
from portal.obligations.rules import Rhythm
from portal.obligations.service import cycles, obligations
from portal.organisation.service import add_market, add_team
from portal.quizzes import queries as quizzes
from portal.quizzes.formats.markdown import Bank, BankQuestion
from portal.quizzes.models import Attempt, FlagKind, Item, RegradeKind, Remedy, SecondMarker, Verdict
from portal.quizzes.queries import appeals as appealed
from portal.quizzes.queries import flags as flagged
from portal.quizzes.queries.regrades import get_regrade
from portal.quizzes.service import ahead, appeals, editing, flags, lifecycle, regrades, staleness, voiding
from portal.quizzes.service.attempts import extend_attempt, submit_attempt, void_attempt
from portal.quizzes.service.banks import take_bank
from portal.quizzes.service.pictures import keep_picture
from portal.quizzes.types.base import Picture, read
from portal.training import queries as training
from portal.training.permissions import StepOfEnrollment
from portal.training.queries import catalogue
from portal.training.queries.plan_drafts import spec_of_draft
from portal.training.rules import Doer, EvidenceKind, Presence, StepKind, StepSpec
from portal.training.rules import editing as plan_editing
from portal.training.service import exemptions, plan_drafts, sessions, sign_offs, swaps, tasks
from portal.training.service.enrollments import enroll
from portal.training.service.plans import digest_of
from tests.acknowledgements.builders import changed
from tests.certificates.builders import make_credential, make_template
from tests.gradebook import builders as grading
from tests.library.builders import (
    BASE_EN,
    BASE_JA,
    EN,
    english,
    japanese,
    make_draft,
    make_overlay,
    make_published,
    make_version,
    publish_overlay,
)
from tests.quizzes.builders import (
    Facts,
    answer,
    answer_all,
    begin,
    drawable,
    make_content,
    make_quiz,
    right_answer,
    wrong_answer,
)
from tests.quizzes.marking import give, make_marked_quiz, sit, version_of
from tests.training.builders import make_plan

# A Tuesday morning in Tokyo.
START = datetime(2026, 4, 28, 0, 30, tzinfo=UTC)
# When the doctor comes: everything that was due has been done, one attempt is still running.
VISIT = START + timedelta(hours=6)


def make_world() -> None:
    """Let everything happen once: published, enrolled, read, acknowledged, sat, marked, certified, taken back."""
    with pytest.MonkeyPatch.context() as patch:
        # The pages are not what is examined here, and printing takes a second each.
        patch.setattr(pdf, "render", lambda *_, **named: pdf.Rendered(named["title"].encode(), "none", "none", 0))
        # What was not printed cannot be signed as a PDF.
        patch.setattr(pdf_signatures, "sign", lambda content, _key, *, at: content + at.isoformat().encode())
        with clock.frozen(START - timedelta(days=30)):
            staff = _found()
        with clock.frozen(START):
            _publish(staff)
        _train(staff)
        _sit(staff)
        with clock.frozen(VISIT - timedelta(minutes=5)):
            _certify(staff)
            jobs.run_due()
            _change_the_rule(staff)
        with clock.frozen(VISIT - timedelta(minutes=4)):
            _review(staff)
            jobs.run_due()
        with clock.frozen(VISIT - timedelta(minutes=2)):
            _ask(staff)
            _decide(staff)
            _differ(staff)
            _look_ahead(staff)
            _write_questions(staff)
        with clock.frozen(VISIT - timedelta(minutes=1)):
            _mark(staff)
            _point_out()
            _practise(staff)
            _go_on(staff)
            _recur(staff)
            _do_tasks(staff)
            _stand_in(staff)
            _plan_anew(staff)
            _hand_over(staff)
    session.remove()


def _practise(staff: dict[str, Person]) -> None:
    """Let a learner hand something in, and attend a session that was moved; another one is cancelled."""
    learner, lead = staff["colleague"], staff["lead"]
    notes = StepSpec(
        "notes", StepKind.TASK, 3, title=Words("Notes", "記録"), by=Doer.LEAD, evidence=tuple(EvidenceKind)
    )
    circle = StepSpec("circle", StepKind.SESSION, 5, title=Words("Circle", "検討会"), by=Doer.LEAD)
    version = make_plan("practice", staff["author"], notes, circle, phases=(), credential=None)
    with own_transaction():
        enrollment = enroll(person=learner, version=version, starts_on=date(2026, 4, 28), by=lead)
        file = tasks.SentFile("notes.pdf", b"%PDF-1.7")
        tasks.hand_in(
            enrollment=enrollment, step=training.get_step(enrollment, "notes"), by=learner, said="Ten cases.", file=file
        )
        step = training.get_step(enrollment, "circle")
        here = [StepOfEnrollment(enrollment, step)]
        for place in ("Room 1", "Room 2"):
            when = sessions.When(date(2026, 4, 28), time(10), time(11), place)
            planned = sessions.plan_session(step=step, market=enrollment.market, when=when, learners=here, by=lead)
            moved = sessions.When(date(2026, 4, 28), time(11), time(12), place)
            sessions.move_session(planned=planned, when=moved, reason="The room.", by=lead)
            if place == "Room 1":
                sessions.cancel_session(planned=planned, reason="Flu.", by=lead)
        present = {enrollment.code: Presence.PRESENT}
        sessions.record_attendance(planned=planned, said=present, reason="", seen=0, by=lead)
    with own_transaction():
        here = {"enrollment": enrollment, "held_on": date(2026, 4, 28), "is_shown": False, "by": lead}
        wrong = one_to_ones.hold(text="", **here)
        one_to_ones.take_back(talk=wrong, held_on=None, reason="It was the other learner.", by=lead)
        one_to_ones.hold(text="Two a day.", **here)
        note = noted.list_notes(enrollment.id, shown_only=False)[0].latest
        corrected = notes_on.correct_note(note=note, text="Three a day.", by=lead)
        notes_on.show_note(note=corrected, by=lead)


def _go_on(staff: dict[str, Person]) -> None:
    """Exempt a learner from one step, sign another off, and let her go on in a newer version of the plan."""
    learner, lead = staff["colleague"], staff["lead"]
    talk, look = (
        StepSpec(slug, StepKind.SIGN_OFF, days, title=Words(slug, "面談"), by=Doer.LEAD)
        for slug, days in (("talk", 1), ("look", 2))
    )
    more = StepSpec("more", StepKind.READ, 3, document="background")
    version = make_plan("revised", staff["author"], talk, look, more, phases=(), credential=None)
    with own_transaction():
        enrollment = enroll(person=learner, version=version, starts_on=date(2026, 4, 28), by=lead)
        sign_offs.sign_off(
            enrollment=enrollment, step=training.get_step(enrollment, "talk"), statement="We spoke.", by=lead
        )
        exemptions.exempt_step(
            enrollment=enrollment, step=training.get_step(enrollment, "look"), reason="She did it before.", by=lead
        )
    newer = make_plan(
        "revised", staff["author"], talk, look, replace(more, due_days=4), phases=(), credential=None, number="1.1"
    )
    with own_transaction():
        swaps.swap_version(
            enrollment=training.get_enrollment(enrollment.code), version=newer, reason="It was revised.", by=lead
        )


def _recur(staff: dict[str, Person]) -> None:
    """Let what recurs open a cycle for everybody of the team, and pause."""
    author = staff["author"]
    talk = StepSpec("talk", StepKind.SIGN_OFF, 5, title=Words("Talk about the year", "年次面談"), by=Doer.LEAD)
    make_plan("refresher", author, talk, phases=(), credential=None)
    with own_transaction():
        made = obligations.create(
            wanted=obligations.Wanted(
                title=Words("Yearly refresher", "年次研修"), plan_slug="refresher", rhythm=Rhythm.AFTER_COMPLETION,
                begins_on=date(2026, 4, 1), days=20, months=12, teams=(staff["lead"].team.code,),
            ),
            owner=author, deputy=None, by=author,
        )  # fmt: skip
        for _progress in cycles.look(made.id):
            pass
    with own_transaction():
        obligations.pause(obligation=made, reason="The plan is rewritten.", by=author)


def _do_tasks(staff: dict[str, Person]) -> None:
    """Let a task fall due each working day: done, taken back and recorded anew; then give it other terms."""
    lead, learner = staff["lead"], staff["learner"]
    assert lead.team is not None
    first = clock.today(lead.home_market.time_zone)
    wanted = recurring_tasks.Wanted(
        title=Words("Daily check", "日次の確認"), market=lead.home_market, team=lead.team, rhythm=TaskRhythm.EVERY,
        every=1, starts_on=first,
    )  # fmt: skip
    with own_transaction():
        task = recurring_tasks.create(wanted=wanted, owner=lead, deputy=None, by=lead)
    done = recurring_tasks.Done(learner, first, RunHow.WITH_HELP, lead)
    with own_transaction():
        run = recurring_tasks.record_run(task=task, due_on=first, done=done, note="", by=lead)
    with own_transaction():
        recurring_tasks.take_back_run(task=task, run=run, reason="Recorded too early.", by=lead)
    with own_transaction():
        recurring_tasks.record_run(task=task, due_on=first, done=done, note="", by=lead)
    with own_transaction():
        recurring_tasks.change_terms(
            task=task, wanted=replace(wanted, minutes=20), owner=lead, deputy=None, reason="It takes longer.", seen=1,
            by=lead,
        )  # fmt: skip
    with own_transaction():
        subject = cards.get_subject("recurring_task", task.code)
        cards.write_card(subject=subject, parts={"steps": {"en": "Open it"}}, questions=(), seen=0, by=lead)
        cards.write_card(subject=subject, parts={"steps": {"ja": "開く"}}, questions=(), seen=1, by=lead)
        set_criticality(
            kind="recurring_task", code=task.code, criticality=Criticality.HIGH, reason="Users wait.", by=lead
        )
        cards.create_card(title=Words("Press", "報道"), parts={"steps": {"en": "Call"}}, questions=(), by=lead)


def _stand_in(staff: dict[str, Person]) -> None:
    """Let somebody have a part in the task, and the lead state how far she is."""
    (task,) = recurring.list_running_tasks()
    lead, learner = staff["lead"], staff["learner"]
    with own_transaction():
        stating.set_part(person=learner, kind="recurring_task", code=task.code, part=Part.RESPONSIBLE, by=lead)
    with own_transaction():
        stating.state_level(
            person=learner, kind="recurring_task", code=task.code, level=Level.ALONE,
            seen_on=clock.today(lead.home_market.time_zone), words="Did it alone.", by=lead,
        )  # fmt: skip


def _hand_over(staff: dict[str, Person]) -> None:
    """Let a handover be closed, another stand half-way with a refusal, a stand-in be at work, an orphan be accepted."""
    lead, giver, successor = staff["lead"], staff["colleague"], staff["approver"]
    today = date(2026, 4, 28)
    with own_transaction():
        # Whoever is to answer for a plan, for good or for some days, writes plans.
        for each in (successor, lead):
            grants.grant_role(person=each, role=Role.POLICY_OWNER, by=staff["admin"])
    with own_transaction():
        set_owner(kind="plan", code="refresher", owner=giver, by=lead)
    # The second is left open: nobody wants what is in it.
    for is_closed, reason in ((True, Reason.TRANSFER), (False, Reason.REHEARSAL)):
        with own_transaction():
            if not is_closed:
                set_owner(kind="plan", code="practice", owner=giver, by=lead)
            found = handovers.start(person=giver, reason=reason, notice_on=today, last_on=date(2026, 6, 30), by=lead)
            (item,) = [each.item for each in handing_over.list_courses([found.id])]
            items.assign(handover=found, things=[(item.kind, item.thing_code)], successor=successor, by=lead)
            items.waive_stage(item=item, stage=Stage.SHADOW, reason="She made it.", by=lead)
            for stage in (Stage.REVERSE_SHADOW, Stage.ALONE):
                items.record_evidence(item=item, stage=stage, done_on=today, words="Done.", by=successor)
            handovers.move_last_day(
                handover=found, last_on=date(2026, 7, 31), back_on=None, reason="A month more.", seen=1, by=lead
            )
            if is_closed:
                handovers.meet(handover=found, milestone=Milestone.PLAN, by=lead)
                _take_quiz(found, item, giver, successor)
            items.accept(item=item, by=successor)
            if is_closed:
                handovers.close(handover=found, by=lead)
                for dossier in dossiers.list_dossiers(found):
                    issuing.keep_file(dossier.document.versions[-1], "en", b"%PDF")
            else:
                items.refuse(item=item, reason="No time.", by=successor)
                orphans.accept(person=giver, things=[("plan", "practice")], reason="Not needed.", by=lead)
    with own_transaction():
        stand_ins.plan_stand_in(
            person=successor, stand_in=lead, first_on=today, last_on=today, ongoing="The plan", places="Here",
            trouble="Ask", by=successor,
        )  # fmt: skip


def _take_quiz(handover: Handover, item: HandoverItem, giver: Person, successor: Person) -> None:
    """Let the giver write questions on a card, and the successor answer them, one wrongly."""
    asked = [Question(f"What is {number}?", "This", ("That",)) for number in (1, 2, 3)]
    subject = cards.get_subject(item.kind, item.thing_code)
    cards.write_card(subject=subject, parts={"steps": {"en": "Look"}}, questions=asked, seen=0, by=giver)
    found = quiz.begin(handover=handover, item=item, by=successor)
    chosen = {each.place: each.order.index(0) for each in found.questions}
    quiz.hand_in(quiz=found, chosen=chosen | {1: 1 - chosen[1]}, by=successor)


def _mark(staff: dict[str, Person]) -> None:
    """Let two persons mark an answer and a third decide; let a learner appeal, and a rule take a pass away."""
    version = make_marked_quiz(staff["author"], "texts", second_marker=SecondMarker.ALL, pass_mark=Fraction(1, 2))
    attempt = sit(staff["learner"], version)
    sit(staff["colleague"], version, text="")
    for name, points in (("author", (2, 1)), ("approver", (0, 0)), ("admin", (1, 1))):
        give(staff[name], attempt, *points, comment="The clause is named.")
    with own_transaction():
        attempt = quizzes.get_attempt(attempt.code)
        code = appeals.make_appeal(
            attempt=attempt, item=quizzes.list_items(attempt)[0], words="Both are right.", by=staff["learner"]
        ).code
    with own_transaction():
        appeals.name_person(appeal=appealed.get_appeal(code), person=staff["second"], by=staff["admin"])
    with own_transaction():
        appeals.answer_appeal(
            appeal=appealed.get_appeal(code), is_upheld=True, remedy=Remedy.REGRADE, answer="Yes.", by=staff["second"]
        )
    with own_transaction():
        rule = regrades.propose_regrade(
            version=version_of("one", "texts"), kind=RegradeKind.VOID, accepts=None,
            reason=Words("Both are right.", "どちらも正しいです。"), by=staff["author"],
            appeal=appealed.get_appeal(code),
        ).code  # fmt: skip
    with own_transaction():
        changes = regrades.preview(get_regrade(rule))
        regrades.approve_regrade(
            regrade=get_regrade(rule), looked_at=regrades.seen(changes),
            falls={each.attempt.code: "She had the key." for each in changes if each.is_fall}, by=staff["second"],
        )  # fmt: skip
    jobs.run_due()


def _point_out() -> None:
    """Let results point out that a question was shown too often."""
    drawn = session.scalars(select(Item.question_version_id).order_by(Item.id.desc())).all()
    version_id = next(iter(flagged.list_counted(drawn)))
    shown = drawn.count(version_id)
    finding = flags.Finding(FlagKind.OVEREXPOSED, version_id, shown, shown, {"shown": shown})
    quiz_id = session.scalars(
        select(Attempt.quiz_id).join(Item, Item.attempt_id == Attempt.id).where(Item.question_version_id == version_id)
    ).first()
    assert quiz_id is not None
    look = flags.Look(quiz_id, flagged.newest_marking(quiz_id), (finding,))
    session.rollback()
    with own_transaction():
        assert len(flags.follow(look)) == 1


def _differ(staff: dict[str, Person]) -> None:
    """Let a market do otherwise than a policy says, and follow when the policy changes elsewhere."""
    base = make_published(staff["author"], "appeals", texts=[english(BASE_EN), japanese(BASE_JA)])
    publish_overlay(make_overlay(base.document, staff["author"]), staff["author"])
    texts = [english(BASE_EN.replace("Opening.", "Another opening.")), japanese(BASE_JA)]
    make_version(
        library.get_document("appeals"),
        staff["author"],
        "1.1",
        texts=texts,
        change_class=ChangeClass.MINOR,
        effective_at=clock.now(),
    )


def _ask(staff: dict[str, Person]) -> None:
    """Ask for a version, and for another that takes its place; one person confirms, one asks, one is let off."""
    make_version(
        library.get_document("exposure"), staff["author"], "2.0", texts=changed("first"), effective_at=clock.now()
    )
    jobs.run_due()
    make_version(
        library.get_document("exposure"), staff["author"], "3.0", texts=changed("second"), effective_at=clock.now()
    )
    jobs.run_due()
    session.rollback()
    learner, colleague = staff["learner"], staff["colleague"]
    campaign = next(each for each in asking.list_open_campaigns() if each.version.document.slug == "exposure")
    request = asking.find_request(campaign, learner)
    assert request is not None
    deltas.note_opened(request)
    question = drawable("impersonation")["impersonation/imp-000"]
    with own_transaction():
        # What it asks about changed; the bank of this world tests another document.
        answered = {part.id: sorted(part.key) for part in read(question.content).parts}
        session.add(
            DeltaAnswer(
                request_id=request.id, question_version_id=question.id, answer=answered, right=True, at=clock.now()
            )
        )
        session.flush()
        confirm_delta(document=library.get_document("exposure"), language="ja", by=learner)
    with own_transaction():
        asked = questions.ask_question(
            version=campaign.version, anchor="scope", body="Does this hold for me?", by=colleague
        )
        questions.answer_question(question=asked, answer="It does.", by=staff["author"])
    with own_transaction():
        other = asking.find_request(campaign, staff["outsider"])
        assert other is not None
        exempt(request=other, reason="Works elsewhere.", by=staff["lead"])
    with own_transaction():
        asked_again = asking.find_request(campaign, staff["approver"])
        assert asked_again is not None
        exempt(request=asked_again, reason="Works elsewhere.", by=staff["lead"])
        end_exemption(request=asked_again, reason="Works here again.", by=staff["lead"])
    jobs.run_due()


def _decide(staff: dict[str, Person]) -> None:
    """Let two people set a score, exempt somebody and take that back; a request is declined."""
    version = quizzes.get_quiz("impersonation")
    lead, admin, person = staff["lead"], staff["admin"], staff["colleague"]
    grading.decide(person, version, (lead, admin), Fraction(1, 2))
    grading.decide(person, version, (lead, admin))
    grading.withdraw(person, version, 2, (admin, lead))
    asked = grading.ask(staff["swept"], version, lead)
    with own_transaction():
        decisions.decline(decision=get_decision(asked.code), note="She sits it next week.", by=admin)


def _found() -> dict[str, Person]:
    with own_transaction():
        market = add_market(
            code="JP", name=Words("Japan", "日本"), time_zone="Asia/Tokyo", holiday_country="JP", by=None
        )
        team = add_team(code="account-safety", name=Words("Safety", "安全"), market=market, by=None)
        calendars.load_national_holidays(country="JP", years=range(2026, 2028))
        staff = {
            name: people.invite(
                sign_in_name=f"{name}@portal.example",
                names=Names("田中", name, "", "タナカ", "ハナコ", "Tanaka", name),
                language="ja", time_zone="Asia/Tokyo", market=market, team=team, by=None,
            )
            for name in ("learner", "colleague", "outsider", "swept", "author", "lead", "admin", "second", "approver")
        }  # fmt: skip
        # They have accepted their invitations.
        for person in staff.values():
            person.password_hash = DUMMY_HASH
        for name, role in (
            ("lead", Role.LEAD),
            ("admin", Role.ADMIN),
            ("second", Role.ADMIN),
            ("author", Role.AUTHOR),
            ("approver", Role.APPROVER),
        ):
            grants.grant_role(person=staff[name], role=role, by=None)
        ended = grants.grant_role(
            person=staff["author"], role=Role.MENTOR, scope=Scope.TEAM, scope_code=team.code, by=None
        )
        grants.end_grant(grant=ended, by=staff["admin"])
        calendars.declare_company_days(
            market=market,
            periods=[calendars.CompanyPeriod(date(2026, 8, 13), date(2026, 8, 14), Words("Obon", "お盆"))],
            by=staff["admin"],
        )  # fmt: skip
        calendars.record_leave(
            person=staff["colleague"], first_on=date(2026, 5, 11), last_on=date(2026, 5, 12), by=staff["lead"]
        )
        accommodations.approve_accommodation(
            person=staff["outsider"], multiplier=Fraction(5, 4), hide_countdown=False, valid_from=date(2026, 3, 1),
            valid_until=None, by=staff["lead"],
        )  # fmt: skip
        names = Names(*(getattr(staff["outsider"], name) for name in NAME_FIELDS))
        people.change_own(
            person=staff["outsider"], names=replace(names, middle_name="Q."), language="en", time_zone="Asia/Tokyo"
        )
    return staff


def _publish(staff: dict[str, Person]) -> None:
    author = staff["author"]
    for slug in ("exposure", "impersonation", "background"):
        make_published(author, slug, audience={AudienceKind.MARKET: ["JP"]})
    with own_transaction():
        draft = drafts.begin_draft(document=library.get_document("background"), by=author)
        images.add_image(draft=draft, file_name="Map.png", picture=images.MadePicture(b"webp", 1, 1), by=author)
    make_quiz(author)
    with own_transaction():
        shown = keep_picture(made=images.MadePicture(b"webp", 1, 1), bank="impersonation", by=author)
        alt = Words("A profile", "プロフィール")
        content = make_content(0, "case", picture=Picture(shown.sha256, alt, "S1"))
        cases = Bank(Words("Cases", "事例"), "impersonation", "1.0", (BankQuestion("case", content),))
        take_bank(slug="cases", bank=cases, facts=Facts(), by=author)
    make_credential("reviewer")
    make_plan("first-days", author)
    with own_transaction():
        ownership.set_owner(kind="document", code="exposure", owner=author, by=author)


def _read(person: Person, slug: str, *, agree: bool) -> None:
    version = library.version_in_force(library.get_document(slug), "JP")
    assert version is not None
    note_opened(person=person, version=version, known=None)
    with own_transaction():
        (acknowledge if agree else confirm_reading)(version=version, language="ja", by=person)


def _train(staff: dict[str, Person]) -> None:
    learner, lead = staff["learner"], staff["lead"]
    with clock.frozen(START), own_transaction():
        cohort = cohorts.create_cohort(
            code="jp-2026-04", name=Words("April", "4月"), market=learner.home_market, team=learner.team,
            starts_on=date(2026, 4, 28), by=lead,
        )  # fmt: skip
        for person in (learner, staff["colleague"]):
            cohorts.add_member(cohort=cohort, person=person, by=lead)
            version = catalogue.get_latest_version("first-days")
            enroll(person=person, version=version, starts_on=cohort.starts_on, by=lead, cohort=cohort)
    with clock.frozen(START + timedelta(minutes=20)):
        _read(learner, "exposure", agree=True)
    with clock.frozen(START + timedelta(minutes=40)):
        _read(learner, "impersonation", agree=False)
    with clock.frozen(START + timedelta(minutes=50)):
        enrollment = training.find_open_enrollment(learner.id, catalogue.get_latest_version("first-days").plan_id)
        assert enrollment is not None
        talk = training.get_step(enrollment, "talk")
        with own_transaction():
            sign_offs.send_back(enrollment=enrollment, step=talk, statement="Not yet.", by=lead)
        with own_transaction():
            sign_offs.ask_again(enrollment=enrollment, step=talk, by=learner)
        with own_transaction():
            sign_offs.sign_off(enrollment=enrollment, step=talk, statement="We spoke.", by=lead)
    with clock.frozen(START + timedelta(minutes=60)):
        make_version(library.get_document("background"), staff["author"], "1.1", change_class=ChangeClass.EDITORIAL)


def _sit(staff: dict[str, Person]) -> None:
    version = quizzes.get_quiz("impersonation")
    with clock.frozen(START + timedelta(minutes=70)):
        failed = begin(staff["learner"], version)
        answer(failed, 1, wrong_answer(failed, 1))
        answer(failed, 1, right_answer(failed, 1), 2)
        answer(failed, 2, wrong_answer(failed, 2))
        with own_transaction():
            submit_attempt(attempt=failed, person=staff["learner"])
        void = begin(staff["outsider"], version)
        with own_transaction():
            void_attempt(attempt=void, reason="fire alarm", by=staff["lead"])
        swept = begin(staff["swept"], version)
        answer(swept, 1, right_answer(swept, 1))
    with clock.frozen(START + timedelta(minutes=86)):
        # Too late: kept, not counted.
        answer(swept, 2, right_answer(swept, 2))
    with clock.frozen(START + timedelta(minutes=90)):
        jobs.run_periodic("quizzes.sweep")
        with own_transaction():
            voiding.ask_void(attempt=swept, reason="Somebody else sat it.", by=staff["lead"])
    with clock.frozen(START + timedelta(minutes=100)):
        passed = begin(staff["learner"], version)
        answer_all(passed)
        with own_transaction():
            submit_attempt(attempt=passed, person=staff["learner"])
        enrollment = training.find_open_enrollment(
            staff["learner"].id, catalogue.get_latest_version("first-days").plan_id
        )
        assert enrollment is not None
        with own_transaction():
            sign_offs.sign_off(
                enrollment=enrollment, step=training.get_step(enrollment, "audit"), statement="Well done.",
                by=staff["lead"],
            )  # fmt: skip
    with clock.frozen(VISIT - timedelta(minutes=10)):
        running = begin(staff["outsider"], version)
        answer(running, 1, right_answer(running, 1))
        answer(running, 2, wrong_answer(running, 2))
        with own_transaction():
            extend_attempt(attempt=running, minutes=10, reason="power cut", by=staff["lead"])


def _certify(staff: dict[str, Person]) -> None:
    make_template("seal-and-frame", by=staff["author"])
    jobs.run_due()
    first = session.query(Certificate).one()
    with own_transaction():
        second = certifying.reissue_certificate(
            certificate=first, reason="Her name was written wrongly.", by=staff["admin"]
        ).number
    for act in (certifying.suspend, certifying.reinstate):
        with own_transaction():
            act(certificate=certificates.get_certificate(second), reason="Looked into and settled.", by=staff["admin"])
    with own_transaction():
        certifying.request_revocation(
            certificate=certificates.get_certificate(second), reason="A mistake, we think.", by=staff["admin"]
        )
    with own_transaction():
        certifying.decline_revocation(certificate=certificates.get_certificate(second), by=staff["second"])


def _change_the_rule(staff: dict[str, Person]) -> None:
    author = staff["author"]
    texts = [english(EN.replace("carries a label", "carries two labels")), japanese()]
    make_version(library.get_document("impersonation"), author, "2.0", texts=texts, effective_at=VISIT)
    bank = quizzes.get_bank("impersonation")
    for slug in ("imp-000", "imp-001"):
        found = quizzes.find_latest(bank, slug)
        assert found is not None
        question, version = found
        with own_transaction():
            if slug == "imp-001":
                staleness.keep_out(question=question, by=author)
                continue
            (clauses,) = staleness.clauses_of([version]).values()
            staleness.confirm_still_right(question=question, looked_at=staleness.seen(clauses), by=author)


def _look_ahead(staff: dict[str, Person]) -> None:
    """Let a question be looked at beside a draft that changes its clause once more."""
    texts = [english(EN.replace("carries a label", "carries three labels")), japanese()]
    draft = make_draft(
        library.get_document("impersonation"), staff["author"], number="3.0", change_class=ChangeClass.MATERIAL,
        texts=texts,
    )  # fmt: skip
    found = quizzes.find_latest(quizzes.get_bank("impersonation"), "imp-000")
    assert found is not None
    token = ahead.seen(found[1], ahead.clauses_beside(change_of_draft(draft), found[1]))
    with own_transaction():
        ahead.look(
            draft=draft, question=found[0], verdict=Verdict.STILL_RIGHT, looked_at=token, by=staff["author"]
        )  # fmt: skip


def _write_questions(staff: dict[str, Person]) -> None:
    """Let a question be written, submitted and approved, and a new wording be proposed beside it."""
    content = replace(make_content(20), document="impersonation")
    with own_transaction():
        editing.add_question(
            bank=quizzes.get_bank("impersonation"), content=content, by=staff["author"], slug="imp-new"
        )
    for to, by in (("in_review", "author"), ("live", "approver")):
        with own_transaction():
            lifecycle.take_step(question=quizzes.get_question("impersonation", "imp-new"), to=to, by=staff[by])
    with own_transaction():
        editing.save_wording(
            question=quizzes.get_question("impersonation", "imp-new"),
            content=replace(content, stem=Words("What is right now?", content.stem.ja)),
            base=1,
            by=staff["author"],
        )


def _review(staff: dict[str, Person]) -> None:
    """Let a draft be remarked on, sent back, approved by the step of a chain and published."""
    author, approver = staff["author"], staff["approver"]
    with own_transaction():
        reviews.set_approval_chain(
            document=library.get_document("exposure"), steps=[(approver, None)], by=staff["admin"]
        )
    draft = make_draft(library.get_document("exposure"), author)
    with own_transaction():
        said = reviews.comment_on_draft(draft=draft, anchor="scope", language="en", body="Why?", by=approver).code
    for act in (
        lambda: reviews.submit_draft(draft=draft, by=author),
        lambda: reviews.send_back_draft(draft=draft, reason="Say why.", by=approver),
        lambda: reviews.settle_comment(draft=draft, code=said, by=author),
        lambda: reviews.submit_draft(draft=draft, by=author),
        lambda: reviews.approve_draft(draft=draft, seen=hash_of_draft(draft), confirmed=ChangeClass.MINOR, by=approver),
    ):
        with own_transaction():
            act()


def _plan_anew(staff: dict[str, Person]) -> None:
    """Send the next version of a plan back once, then approve it."""
    author, approver = staff["author"], staff["approver"]
    with own_transaction():
        draft = plan_drafts.begin_next_version(slug="practice", by=author)
    for edit in (lambda: None, lambda: plan_drafts.send_back(draft=draft, said="Later.", by=approver)):
        with own_transaction():
            edit()
        with own_transaction():
            plan_drafts.change(draft=draft, edit=lambda spec: plan_editing.shift(spec, "notes", 1), by=author)
        with own_transaction():
            plan_drafts.submit(draft=draft, said="", by=author)
    with own_transaction():
        plan_drafts.approve(draft=draft, seen=digest_of(spec_of_draft(draft)), said="", by=approver)


def facts() -> dict[str, Any]:
    """Return the numbers of rows that are falsified, by what they are."""

    def one(statement: str) -> Any:
        found = session.execute(text(statement)).scalars().all()
        assert len(found) == 1, (statement, found)
        return found[0]

    return {
        "passed": one(
            "SELECT max(id) FROM attempts WHERE state = 'released' AND submitted_by = 'learner' AND quiz_id = 1"
        ),
        "failed": one("SELECT min(id) FROM attempts WHERE state = 'released' AND submitted_by = 'learner'"),
        "void": one("SELECT id FROM attempts WHERE state = 'voided'"),
        "running": one("SELECT id FROM attempts WHERE state = 'in_progress'"),
        "learner": one("SELECT id FROM people WHERE sign_in_name = 'learner@portal.example'"),
        "outsider": one("SELECT id FROM people WHERE sign_in_name = 'outsider@portal.example'"),
        "entries": one("SELECT max(id) FROM journal_entries"),
    }
