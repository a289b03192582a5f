"""An organisation with at least one of everything, made through the services, with a canary in every secret.

A canary is a word that stands nowhere but in one secret: whoever finds it has seen that secret.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from typing import Any

from sqlalchemy import select

from portal.accounts.models import PeopleImport, Person, Role, Scope
from portal.accounts.service import accommodations, imports, links, ownership
from portal.acknowledgements.models import ClauseQuestion
from portal.acknowledgements.queries import campaigns as asking
from portal.acknowledgements.service import questions
from portal.acknowledgements.service.campaigns import exempt
from portal.calendars import service as calendars
from portal.certificates import queries as certificates
from portal.certificates import service as certifying
from portal.certificates.models import Certificate, Credential
from portal.certificates.rules.batches import BatchKind
from portal.certificates.service import batches, shares
from portal.cohorts import service as cohorts
from portal.cohorts.queries import get_cohort
from portal.core import clock, jobs, tables
from portal.core.db import session
from portal.core.i18n import Words
from portal.core.jobs import Job
from portal.core.transaction import own_transaction
from portal.duties.rules import Criticality
from portal.duties.rules import Rhythm as TaskRhythm
from portal.duties.rules.cards import Question
from portal.duties.service import cards, criticality, removals
from portal.duties.service import tasks as recurring_tasks
from portal.gradebook.models import GradeDecision, TranscriptFile
from portal.gradebook.service import transcripts
from portal.handover.formats.dossier import pdf_of
from portal.handover.handlers import printed
from portal.handover.queries import dossiers
from portal.handover.queries import handovers as handing_over
from portal.handover.rules import Reason, Stage
from portal.handover.service import handovers, issuing, items, orphans, stand_ins
from portal.handover.service import quiz as handover_quiz
from portal.library import queries as library
from portal.library.models import (
    AudienceKind,
    DocumentImage,
    DraftAside,
    DraftComment,
    DraftKept,
    KeptBecause,
)
from portal.library.queries import drafts as written
from portal.library.service import drafts, following, images, reviews
from portal.mentoring.service import notes, one_to_ones
from portal.obligations.rules import Rhythm
from portal.obligations.service import cycles, obligations
from portal.quizzes import queries as quizzes
from portal.quizzes.formats.markdown import BankQuestion
from portal.quizzes.models import (
    AnswerToMark,
    Appeal,
    Attempt,
    FlagKind,
    QuestionFlag,
    QuestionPicture,
    Regrade,
    RegradeKind,
    Release,
)
from portal.quizzes.queries import marking as waiting
from portal.quizzes.service import appeals, giving_out, hand_marking, practice, regrades, taking_in
from portal.quizzes.service.attempts import extend_attempt, submit_attempt, void_attempt
from portal.quizzes.service.pictures import keep_picture
from portal.quizzes.types.base import Content, Picture, read
from portal.quizzes.types.contents import export
from portal.reports.models import ReportSchedule
from portal.reports.rules import FileFormat
from portal.reports.service import files as report_files
from portal.reports.service import schedules
from portal.training import queries as training
from portal.training.permissions import StepOfEnrollment
from portal.training.queries import catalogue
from portal.training.rules import Doer, EventSpec, EvidenceKind, StepKind, StepSpec
from portal.training.service import calendar as feeds
from portal.training.service import dates, exemptions, founding, plan_drafts, sessions, sign_offs, tasks
from portal.training.service.enrollments import enroll
from tests.acknowledgements.builders import changed
from tests.builders import make_cast, make_grant, make_market, make_person, save
from tests.certificates.builders import make_credential, make_template
from tests.gradebook import builders as grading
from tests.library.builders import EN, JA, english, japanese, make_draft, make_published, make_version
from tests.quizzes.builders import (
    KINDS,
    SECRET,
    WRITTEN,
    answer,
    begin,
    make_bank,
    make_content,
    make_quiz,
    make_written,
    right_answer,
    wrong_answer,
)
from tests.quizzes.marking import essay
from tests.training.builders import make_plan

# A Tuesday morning in Tokyo, before a week of holidays.
# Where a draft of a cohort is shown.
_OF_DRAFTS = ("cohort_draft", "change_draft", "cohort_progress")
NOW = datetime(2026, 4, 21, 0, 30, tzinfo=UTC)
# Every quiz asks these, in this order; the last one is marked by people.
_ASKED = (*KINDS, *WRITTEN, "essay")
_ESSAY = len(_ASKED)
# Points for a criterion that nobody else was given.
UNRELEASED = "1.37"
# Stands beside every canary of a text that a search could find.
SOUGHT = "heimlich"
# Days on which the learner is away; nothing else happens in that year.
AWAY = (date(2027, 3, 17), date(2027, 3, 19))


def canary(name: str) -> str:
    """Return the word of a secret."""
    return f"canary{name.replace('_', '')}zz"


def _with(content: Content, name: str) -> Content:
    """Return the question with the canary of this name in each of its secrets."""
    plain = json.dumps(export(content), ensure_ascii=False)
    assert SECRET in plain
    # Titles name a question to those who keep the portal running, too; they are a secret of another kind.
    plain = plain.replace(f"{SECRET} title", canary(name.replace("key", "title"))).replace(
        SECRET, f"{canary(name)} {SOUGHT}"
    )
    return read(json.loads(plain))


def _quiz(by: Person, name: str, *, tags: tuple[str, ...] = (), marked: bool = True, **values: Any) -> None:
    """Take in a bank whose every secret is a canary, and a quiz that asks all of it."""
    made = [make_content(number, kind) for number, kind in enumerate(KINDS)]
    made += [make_written(kind) for kind in WRITTEN]
    made += [essay()] if marked else []
    slugs = [kind.replace("_", "-") for kind in _ASKED[: len(made)]]
    named = zip(slugs, made, strict=True)
    shown = images.MadePicture(canary(f"picture_{name}").encode(), 1, 1)
    # Which question comes first in practice is a matter of chance.
    picture = Picture(shown.sha256, Words("A page", "ページ"), "S0") if not tags else None
    bank = tuple(
        BankQuestion(
            slug,
            replace(
                _with(content, f"key_{name}"), tags=tags, picture=picture if content.type == "case" else content.picture
            ),
        )
        for slug, content in named
    )
    make_bank(by, name, questions=bank)
    with own_transaction():
        keep_picture(made=shown, bank=name, by=by)
    blueprint = [{"questions": [f"{name}/{slug}" for slug in slugs]}]
    terms: dict[str, Any] = {"wait_hours": 0, "wait_after_fails": 0, "shuffle_questions": False}
    make_quiz(
        by, name, bank=False, **terms | {"blueprint": blueprint, "title": Words(f"Quiz {name}", f"確認{name}")} | values
    )


def _sit(person: Person, name: str, words: str = "", right: int = 2) -> Attempt:
    """Begin the quiz and answer: the first ones rightly, then wrongly; the essay with the words."""
    attempt = begin(person, quizzes.get_quiz(name))
    for position in range(1, len(KINDS) + 1):
        answer(attempt, position, (right_answer if position <= right else wrong_answer)(attempt, position))
    if words:
        answer(attempt, _ESSAY, {"answer": [words]})
    return quizzes.get_attempt(attempt.code)


def _hand_in(attempt: Attempt) -> Attempt:
    with own_transaction():
        submit_attempt(attempt=attempt, person=attempt.person)
    return quizzes.get_attempt(attempt.code)


def _mark(person: Person, attempt: Attempt, comment: str, share: str = "1") -> None:
    (row,) = waiting.list_answers_of(attempt.id)
    with own_transaction():
        taken = hand_marking.take(answer=waiting.get_answer_to_mark(row.code), person=person)
        assert taken.round is not None
        given = {"answer-a": share, "answer-b": "1", "comment": comment}
        hand_marking.give_mark(answer=taken, round_=taken.round, given=given, by=person)


class World:
    """The people by name, and the codes of what there is."""

    def __init__(self) -> None:
        cast = make_cast()
        self.people = cast.everyone()
        team = cast.learner.team
        assert team is not None
        foreign = cast.outsider.team
        assert foreign is not None
        for name, role, scope, code in (
            ("mentor", Role.MENTOR, Scope.TEAM, team.code),
            ("foreign_lead", Role.LEAD, Scope.TEAM, foreign.code),
            ("auditor", Role.AUDITOR, Scope.ORGANISATION, ""),
        ):
            self.people[name] = make_person(f"{name}@portal.example", team=foreign if "foreign" in name else team)
            make_grant(self.people[name], role, scope, code)
        cast.learner.employee_number = canary("employee_number")
        save(cast.learner)
        self.codes: dict[str, str] = {}
        self.dossiers: list[str] = []
        with clock.frozen(NOW - timedelta(days=2)):
            self._publish()
        self._learn()
        self._take_quizzes()
        with clock.frozen(NOW):
            self._write()
            self._administer()
            jobs.run_due()
        session.rollback()

    def _publish(self) -> None:
        author, admin = self.people["author"], self.people["admin"]
        with own_transaction():
            calendars.load_national_holidays(country="JP", years=range(2026, 2028))
        for slug in ("exposure", "impersonation", "background"):
            make_published(author, slug, audience={AudienceKind.MARKET: ["JP"]})
        abroad, title = f"{canary('text_of_market')} {SOUGHT}", f"{canary('text_of_market')} abroad"
        texts = [
            english(EN.replace("None.", f"{abroad}."), title=title),
            japanese(JA.replace("ありません。", f"{abroad}。"), title=title),
        ]
        make_published(author, "abroad", audience={AudienceKind.MARKET: ["US"]}, texts=texts)
        with own_transaction():
            ownership.set_owner(kind="document", code="impersonation", owner=author, by=admin)
        make_credential("reviewer")
        talk = StepSpec("talk", StepKind.SIGN_OFF, 2, title=Words("Talk", "面談"), by=Doer.LEAD)
        make_plan("short", author, talk, phases=())
        _quiz(author, "impersonation")
        more = StepSpec("more", StepKind.READ, 5, document="background")
        quiz = StepSpec("quiz", StepKind.QUIZ, 5, quiz="impersonation", prerequisites=("talk",))
        exam = StepSpec("exam", StepKind.READ, -3, document="background", event="exam", required=False)
        events = (EventSpec("exam", Words("Exam", "試験")),)
        make_plan("first-days", author, talk, more, quiz, exam, phases=(), credential=None, events=events)
        notes = StepSpec(
            "notes", StepKind.TASK, 3, title=Words("Notes", "記録"), by=Doer.LEAD, evidence=tuple(EvidenceKind)
        )
        circle = StepSpec("circle", StepKind.SESSION, 5, title=Words("Circle", "検討会"), by=Doer.LEAD)
        look = StepSpec("look", StepKind.READ, 1, document="background", required=False)
        make_plan("practice", author, notes, circle, look, phases=(), credential=None)

    def _learn(self) -> None:
        """Enroll the cohort; one plan is completed with a certificate, in the other a step is sent back."""
        learner, colleague, lead = (self.people[name] for name in ("learner", "colleague", "lead"))
        with clock.frozen(NOW - timedelta(hours=30)):
            with own_transaction():
                cohort = cohorts.create_cohort(
                    code="jp-2026-04", name=Words("April", "4月"), market=learner.home_market, team=learner.team,
                    starts_on=date(2026, 4, 20), by=lead,
                )  # fmt: skip
                for person in (learner, colleague):
                    cohorts.add_member(cohort=cohort, person=person, by=lead)
                    for plan in ("short", "first-days"):
                        version = catalogue.get_latest_version(plan)
                        events = {event.slug: date(2026, 5, 29) for event in version.events}
                        enroll(
                            person=person, version=version, starts_on=cohort.starts_on, by=lead, cohort=cohort,
                            events=events,
                        )  # fmt: skip
            for plan, act, name in (
                ("short", sign_offs.sign_off, "statement"),
                ("first-days", sign_offs.send_back, "sent_back"),
            ):
                enrollment = training.find_open_enrollment(learner.id, catalogue.get_latest_version(plan).plan_id)
                assert enrollment is not None
                self.codes[plan] = enrollment.code
                with own_transaction():
                    step = training.get_step(enrollment, "talk")
                    act(enrollment=enrollment, step=step, statement=f"{canary(name)} it was.", by=lead)
            with own_transaction():
                dates.extend_step(
                    enrollment=enrollment, step=training.get_step(enrollment, "more"), working_days=2,
                    reason=canary("extension_reason"), by=lead,
                )  # fmt: skip
                dates.extend_plan(enrollment=enrollment, working_days=1, reason="More time for all.", by=lead)
                dates.take_back_extension(
                    thing=training.get_extension_of_plan(enrollment.code, 1),
                    reason=f"{canary('extension_taken_back')} it was.", by=lead,
                )  # fmt: skip
                dates.move_event(
                    enrollment=enrollment, event=enrollment.version.events[0], on=date(2026, 6, 5),
                    reason=canary("event_reason"), by=lead,
                )  # fmt: skip
            self._practise()
            self._supervise()
            jobs.run_due()

    def _practise(self) -> None:
        """Let the learner hand in a text and a file, and be expected at a session of her own."""
        learner, lead = self.people["learner"], self.people["lead"]
        with own_transaction():
            version = catalogue.get_latest_version("practice")
            practice = enroll(person=learner, version=version, starts_on=date(2026, 4, 20), by=lead)
            self.codes["practice"] = practice.code
            tasks.hand_in(
                enrollment=practice, step=training.get_step(practice, "notes"), by=learner,
                said=f"{canary('evidence')} it was.",
                file=tasks.SentFile("notes.txt", f"{canary('evidence_file')} it was.".encode()),
            )  # fmt: skip
            exemptions.exempt_step(
                enrollment=practice, step=training.get_step(practice, "look"), reason=canary("exemption_reason"),
                by=lead,
            )  # fmt: skip
            step = training.get_step(practice, "circle")
            planned = sessions.plan_session(
                step=step, market=practice.market, learners=[StepOfEnrollment(practice, step)], by=lead,
                when=sessions.When(date(2026, 5, 15), time(10), time(11), f"{canary('place_of_session')} room"),
            )  # fmt: skip
            self.codes["session"] = planned.code

    def _supervise(self) -> None:
        """Let the lead talk with the learner, and note something for her and something for those who supervise."""
        lead = self.people["lead"]
        with own_transaction():
            enrollment = training.get_enrollment(self.codes["first-days"])
            wrong = one_to_ones.hold(enrollment=enrollment, held_on=date(2026, 4, 20), text="", is_shown=False, by=lead)
            one_to_ones.take_back(talk=wrong, held_on=None, reason=f"{canary('talk_taken_back')} it was.", by=lead)
            one_to_ones.hold(
                enrollment=enrollment, held_on=date(2026, 4, 20), text=f"{canary('note_for_her')} it was.",
                is_shown=True, by=lead,
            )  # fmt: skip
            hidden = f"{canary('note_hidden')} it was."
            written = notes.write_note(enrollment=enrollment, text=hidden, is_shown=False, by=lead)
            corrected = notes.correct_note(note=written, text=f"{canary('note_corrected')} it was.", by=lead)
            self.codes["note"] = corrected.code

    def _take_quizzes(self) -> None:
        """Let the learner have an attempt in each state, and her colleague one whose result is out."""
        people = self.people
        learner, author, lead = people["learner"], people["author"], people["lead"]
        for_practice = {"tags": ("practice",), "practice": True, "marked": False}
        only_score = {"show": ("score",), "marked": False}
        for name, values in (
            ("running", {}),
            ("waiting", {"release": Release.BY_HAND}),
            ("unmarked", {"release": Release.BY_HAND}),
            ("released", {"closes_at": None}),
            ("scored", only_score),
            ("late", {"release": Release.BY_HAND}),
            ("void", {}),
            ("open", for_practice | {"blueprint": [{"bank": "open", "count": 1}]}),
            ("practised", for_practice | {"blueprint": [{"bank": "practised", "count": 1}]}),
        ):
            with clock.frozen(NOW - timedelta(days=2)):
                _quiz(author, name, **values)
        with clock.frozen(NOW - timedelta(minutes=40)):
            late = _sit(learner, "late")
        with clock.frozen(NOW - timedelta(minutes=20)):
            answer(late, _ESSAY, {"answer": [canary("answer_late")]}, seq=9)
            _hand_in(late)
        with clock.frozen(NOW - timedelta(minutes=12)):
            for name in ("waiting", "unmarked", "released", "scored"):
                words = "" if name == "scored" else f"{canary(f'answer_{name}')} is what she wrote."
                self.codes[name] = _hand_in(_sit(learner, name, words)).code
            theirs = _sit(people["colleague"], "released", f"{canary('answer_of_colleague')} it is.", right=4)
            self.codes["theirs"] = _hand_in(theirs).code
            void = _sit(learner, "void", canary("answer_void"))
            with own_transaction():
                void_attempt(attempt=void, reason=canary("void_reason"), by=lead)
        with clock.frozen(NOW - timedelta(minutes=10)):
            for name, comment in (
                ("waiting", "comment_unreleased"),
                ("released", "comment_released"),
                ("theirs", "comment_of_colleague"),
            ):
                share = UNRELEASED if name == "waiting" else "1"
                _mark(author, quizzes.get_attempt(self.codes[name]), canary(comment), share)
            (row,) = waiting.list_answers_of(quizzes.get_attempt(self.codes["unmarked"]).id)
            with own_transaction():
                taken = hand_marking.take(answer=waiting.get_answer_to_mark(row.code), person=author)
                draft = {"answer-a": "1", "comment": canary("mark_draft")}
                hand_marking.keep_draft(answer=taken, person=author, given=draft)
            with own_transaction():
                released = quizzes.get_attempt(self.codes["released"])
                item = quizzes.list_items(released)[0]
                appeals.make_appeal(attempt=released, item=item, words=canary("appeal_words"), by=learner)
        with clock.frozen(NOW - timedelta(minutes=5)):
            running = _sit(learner, "running", f"{canary('answer_running')} is what she wrote.")
            with own_transaction():
                extend_attempt(attempt=running, minutes=10, reason=canary("extension_of_attempt"), by=lead)
            for name in ("open", "practised"):
                with own_transaction():
                    row = practice.show_next(version=quizzes.get_quiz(name), person=learner)
                    self.codes[name] = row.code
                    if name == "practised":
                        practice.answer_practice(row=row, person=learner, given={})
        self.codes |= {"running": running.code, "late": late.code, "void": void.code}

    def _write(self) -> None:
        """Let what is written wait: drafts, remarks, questions, regrades, files that come in and go out."""
        people = self.people
        author, approver = people["author"], people["approver"]
        found = quizzes.find_latest(quizzes.get_bank("released"), "single-choice")
        assert found is not None
        with own_transaction():
            reason = Words(canary("regrade_reason"), canary("regrade_reason"))
            regrades.propose_regrade(version=found[1], kind=RegradeKind.VOID, accepts=None, reason=reason, by=author)
            session.add(
                QuestionFlag(
                    code="FRAG00000000", question_id=found[0].id, question_version_id=found[1].id, n=201, figures={},
                    kind=FlagKind.OVEREXPOSED, wording="", raised_at=clock.now(),
                )
            )  # fmt: skip
        make_version(library.get_document("exposure"), author, "2.0", texts=changed("one"), effective_at=NOW)
        jobs.run_due()
        campaign = next(each for each in asking.list_open_campaigns() if each.version.document.slug == "exposure")
        self.codes["campaign"] = campaign.code
        request = asking.find_request(campaign, people["colleague"])
        assert request is not None
        with own_transaction():
            exempt(request=request, reason=canary("exemption_of_colleague"), by=people["lead"])
        with own_transaction():
            asked = questions.ask_question(
                version=campaign.version, anchor="scope", body=canary("question"), by=people["learner"]
            )
            questions.answer_question(question=asked, answer=canary("answer_to_question"), by=author)
        texts = [
            english(EN.replace("None.", f"{canary('draft')} {SOUGHT}.")),
            japanese(JA.replace("ありません。", f"{canary('draft')} {SOUGHT}。")),
        ]
        draft = make_draft(library.get_document("impersonation"), author, texts=texts, note=canary("draft_note"))
        self.codes["draft"] = draft.code
        with own_transaction():
            held = written.get_draft(draft.code)
            reviews.comment_on_draft(draft=held, anchor="scope", language="en", body=canary("remark"), by=approver)
            values = drafts.TextValues(title=canary("kept_text"), source=canary("kept_text"))
            drafts.keep_text(held, "en", KeptBecause.JOINED, values, revision=1, by=author.code)
            drafts.save_text(draft=held, language="en", revision=0, values=values, by=author)
            images.add_image(
                draft=held, file_name="map.png", picture=images.MadePicture(canary("image").encode(), 1, 1), by=author
            )
        with own_transaction():
            over = following.begin_overlay(base=library.get_document("impersonation"), market=make_market(), by=author)
            self.codes["overlay"] = over.code
        with own_transaction():
            data = f"{canary('file_coming_in')} what now?\nA. Yes\nB. No\nANSWER: A\n".encode()
            kept = taking_in.keep_file(
                bank=quizzes.get_bank("running"), data=data,
                filename=f"{canary('file_coming_in')}.txt", name="aiken", language="en", tags=(),
                tags_categories=False, by=author,
            )  # fmt: skip
            gone = giving_out.ask_for_file(
                bank=quizzes.get_bank("running"), name="moodle-xml", language="en", wanted={}, by=author
            )
            self.codes |= {"import": kept.code, "export": gone.code}

    def _administer(self) -> None:
        """Let leads and administrators note what is theirs to know."""
        people = self.people
        learner, lead, admin = people["learner"], people["lead"], people["admin"]
        version = quizzes.get_quiz("scored")
        grading.ask(learner, version, lead, reason=canary("decision_waiting"))
        grading.decide(
            people["colleague"], version, (lead, admin), Fraction(61, 97), reason=canary("decision_of_colleague")
        )
        with own_transaction():
            calendars.record_leave(person=learner, first_on=AWAY[0], last_on=AWAY[1], by=lead)
        with own_transaction():
            accommodations.approve_accommodation(
                person=learner, multiplier=Fraction(5, 4), hide_countdown=True, valid_from=date(2026, 4, 1),
                valid_until=None, by=admin, break_minutes=10, alternative_format=canary("accommodation"),
            )  # fmt: skip
        jobs.run_due()
        make_template(by=people["author"])
        certificate = session.scalars(select(Certificate)).one()
        with own_transaction():
            certifying.request_revocation(
                certificate=certificates.get_certificate(certificate.number), reason=canary("revocation"), by=admin
            )
        with own_transaction():
            shares.share(
                certificate=certificates.get_certificate(certificate.number), label=canary("share_label"), by=learner
            )
        with own_transaction():
            text = f"{canary('cohort_draft')}\tcoming@portal.example"
            wishes = founding.Wishes(
                "first-days", "1.0", "JP", "account-safety", "2026-05-11", text=text, events={"exam": "2026-06-12"}
            )
            self.codes["cohort-draft"] = founding.keep_draft(wishes=wishes, by=lead).code
        with own_transaction():
            plan_draft = plan_drafts.begin_next_version(slug="practice", by=people["author"])
            secret = Words(canary("plan_draft"), canary("plan_draft"))
            plan_drafts.change(draft=plan_draft, edit=lambda spec: replace(spec, title=secret), by=people["author"])
            self.codes["plan-draft"] = plan_draft.code
        with own_transaction():
            plan_drafts.submit(draft=plan_draft, said=canary("plan_draft"), by=people["author"])
        with own_transaction():
            table = tables.read_table(
                f"sign_in_name,family_name\nnew@portal.example,{canary('people_coming_in')}\n".encode()
            )
            imports.keep_table(table=table, filename=canary("people_coming_in"), by=admin)
        with own_transaction():
            invited = make_person("invited@portal.example", team=learner.team, password_hash=None)
        with own_transaction():
            self.codes["token"] = links.make_link(person=invited)
        with own_transaction():
            recurring = obligations.create(
                wanted=obligations.Wanted(
                    title=Words("Yearly practice", "年次の実習"), plan_slug="practice", rhythm=Rhythm.YEARLY,
                    begins_on=date(2026, 4, 1), days=60, month=10, day=1, teams=("account-safety",),
                ),
                owner=admin, deputy=None, by=admin,
            )  # fmt: skip
            reason = canary("reason_of_cycle")
            cycles.open_now(obligation=recurring, person=learner, reason=reason, by=lead)
            self.codes["obligation"] = recurring.code
        with own_transaction():
            task = recurring_tasks.create(
                wanted=recurring_tasks.Wanted(
                    title=Words("Daily check", "日次の確認"), market=learner.home_market, team=learner.team,
                    rhythm=TaskRhythm.EVERY, every=1, starts_on=date(2026, 4, 1),
                ),
                owner=lead, deputy=None, by=lead,
            )  # fmt: skip
            run = recurring_tasks.skip_run(task=task, due_on=date(2026, 4, 1), reason=canary("note_of_run"), by=lead)
            self.codes |= {"task": task.code, "run": run.code}
            cards.write_card(
                subject=cards.get_subject("recurring_task", task.code),
                parts={"steps": {"ja": canary("text_of_card")}},
                questions=[Question(canary("question_of_card"), "a", ("b",))],
                seen=0,
                by=lead,
            )
            criticality.set_criticality(
                kind="recurring_task", code=task.code, criticality=Criticality.HIGH,
                reason=canary("reason_of_criticality"), by=lead,
            )  # fmt: skip
            free = cards.create_card(
                title=Words("Press", "報道"),
                parts={
                    "steps": {"en": canary("text_of_free_card")},
                    "access": {"en": canary("text_to_be_taken_out")},
                },
                questions=(),
                by=lead,
            )
            self.codes["card"] = free.code
            asked = removals.ask(
                subject=cards.get_free(free.code), number=1, part="access", reason=canary("reason_of_removal"), by=lead
            )
            self.codes["removal"] = asked.code
        with own_transaction():
            self.codes["address"] = feeds.create_feed(person=learner)
        with own_transaction():
            transcripts.order_file(person=learner, language="en", by=learner)
        self._report(lead)
        self._take_certificates(lead, admin)
        self._hand_over(people)

    def _hand_over(self, people: dict[str, Person]) -> None:
        """Let the author hand over: one thing is shown to an approver, one refused, one an orphan."""
        author, lead, admin, approver = people["author"], people["lead"], people["admin"], people["approver"]
        today = clock.today("Asia/Tokyo")
        with own_transaction():
            found = handovers.start(
                person=author, reason=Reason.TRANSFER, notice_on=today, last_on=today + timedelta(days=30), by=lead
            )
            shown, refused, *_others = [each.item for each in handing_over.list_courses([found.id])]
            for item, successor in ((shown, approver), (refused, admin)):
                items.assign(handover=found, things=[(item.kind, item.thing_code)], successor=successor, by=lead)
            asked = [Question(f"{number}?", "This", ("That",)) for number in ("1", "2")] + [
                Question(canary("question_of_quiz"), "This", ("That",))
            ]
            for item, successor, questions in ((shown, "approver", asked), (refused, "admin", [])):
                subject = cards.get_subject(item.kind, item.thing_code)
                cards.write_card(
                    subject=subject, parts={"steps": {"en": canary(f"dossier_of_{successor}")}},
                    questions=questions, seen=cards.number_of(subject), by=author,
                )  # fmt: skip
            for version in issuing.issue(handover=found, by=lead):
                issuing.keep_file(version, "en", pdf_of(printed(version, "en")))
            self.dossiers = sorted(each.document.slug for each in dossiers.list_dossiers(found))
            evidence = items.record_evidence(
                item=shown, stage=Stage.SHADOW, done_on=today, words=canary("handover_evidence"), by=approver
            )
            items.refuse(item=refused, reason=canary("handover_refusal"), by=admin)
            handovers.move_last_day(
                handover=found, last_on=today + timedelta(days=31), back_on=None, reason=canary("handover_moved"),
                seen=1, by=lead,
            )  # fmt: skip
            self.codes |= {"handover": found.code, "item": shown.code, "refused": refused.code}
            self.codes["shown"] = evidence.code
            self.codes["quiz"] = handover_quiz.begin(handover=found, item=shown, by=approver).code
            orphans.accept(
                person=author, things=[(shown.kind, shown.thing_code)], reason=canary("orphan_reason"), by=admin
            )
            away = stand_ins.plan_stand_in(
                person=approver, stand_in=lead, first_on=today, last_on=today,
                ongoing=canary("stand_in"), places="Here", trouble="Ask", by=approver,
            )  # fmt: skip
            stand_ins.decline(stand_in=away, reason=canary("stand_in_declined"), by=lead)
            self.codes["stand-in"] = away.code

    def _take_certificates(self, lead: Person, admin: Person) -> None:
        """Let the lead have the certificates of her cohort as files, and an administrator ask to revoke them."""
        with own_transaction():
            cohort, made = get_cohort("jp-2026-04"), {}
            for kind, by in ((BatchKind.ZIP, lead), (BatchKind.PRINT, lead), (BatchKind.REVOKE, admin)):
                wish = batches.Wish(kind, cohort)
                seen = batches.digest_of(batches.preview(wish, by))
                reason = canary("revocation") if kind is BatchKind.REVOKE else None
                made[kind] = batches.ask(wish=wish, seen=seen, by=by, reason=reason)[0]
            self.codes |= {f"batch-{kind.value}": batch.code for kind, batch in made.items()}
            owed = [jobs.find_job(batches.job_key(each)) for each in made.values()]
            numbers = [each.id for each in owed if each is not None]
        for number in numbers:
            assert jobs.run_job(number)

    def _report(self, lead: Person) -> None:
        """Let the lead have the week of her cohort printed and sent, and evidence of it made."""
        today = clock.today("Asia/Tokyo")
        with own_transaction():
            cohort = get_cohort("jp-2026-04")
            schedules.set_up(
                wanted=schedules.Wanted(
                    cohort=cohort, plan_slug="", weekday=0, hour=9, with_pdf=True, with_xlsx=True, recipients=[lead]
                ),
                by=lead,
            )
            made = [
                report_files.ask_cohort_report(cohort=cohort, plan_slug="", language="en", by=lead),
                *(
                    report_files.ask_evidence(
                        first=today - timedelta(days=60), last=today, market="", team="", kind=kind,
                        encoding="utf-8-sig", language="en", by=lead,
                    )
                    for kind in FileFormat
                ),
            ]  # fmt: skip
            self.codes |= {f"report-{place}": each.code for place, each in enumerate(made)}
            owed = [jobs.find_job(report_files.making_key(each)) for each in made]
            numbers = [each.id for each in owed if each is not None]
        for number in numbers:
            assert jobs.run_job(number)

    def values(self) -> dict[str, dict[str, list[str]]]:
        """Return for each domain, and for single routes, which values the parts of an address have: learner's first."""
        codes, learner = self.codes, self.people["learner"]

        def one(column: Any, *conditions: Any) -> str:
            return str(session.scalars(select(column).where(*conditions).order_by(column)).first())

        certificate = one(Certificate.number)
        documents, banks = ["impersonation", "abroad", *self.dossiers], ["running", "released"]
        attempts = [codes[each] for each in ("running", "waiting", "unmarked", "released", "scored", "late", "void")]
        appeal, regrade = one(Appeal.code), one(Regrade.code)
        waits = list(session.scalars(select(AnswerToMark.code).order_by(AnswerToMark.item_id)))
        question = {"code": [one(ClauseQuestion.code)]}
        campaign = {"code": [codes["campaign"]], "person": [learner.code, self.people["colleague"].code]}
        coming, going = {"code": [codes["import"]], "place": ["1"]}, {"code": [codes["export"]]}
        people = [learner.code, self.people["colleague"].code]
        draft = {
            "code": [codes["draft"]], "language": ["en"], "kind": ["questions"], "bank": ["running"],
            "question": ["single-choice"], "comment": [one(DraftComment.code)], "kept": [one(DraftKept.code)],
            "aside": [one(DraftAside.code)],
        }  # fmt: skip
        practised = [codes["open"], codes["practised"]]
        overlay = draft | {"code": [codes["overlay"]]}
        return {
            "": {
                "path": ["css/tokens.css"], "token": [codes["token"]], "name": ["lead"], "sheet": ["components"],
                "number": ["1.0"],
            },
            "accounts": {"code": people},
            "accounts.preview_import": {"code": [one(PeopleImport.code)]},
            "accounts.do_import": {"code": [one(PeopleImport.code)]},
            "acknowledgements": campaign | {"slug": ["exposure", "abroad", *self.dossiers], "number": ["2.0"]},
            "acknowledgements.question": question,
            "acknowledgements.answer_question": question,
            "calendars": {"code": people},
            "certificates": {
                "number": [certificate], "code": [one(Certificate.code)], "language": ["en", "ja"],
                "list_no": ["1"], "purpose": ["revocation", "suspension"], "slug": [one(Credential.slug)],
            },
            **{
                f"certificates.{each}": {"slug": ["framed"], "number": ["1"], "design": ["classic"]}
                for each in (
                    "template", "template_picture", "starting_picture", "draft_picture", "edit_template",
                    "save_template", "preview_template", "publish_template", "use_template",
                )
            },
            **{
                f"certificates.{each}": {"code": [codes[f"batch-{kind}"] for kind in ("zip", "print", "revoke")]}
                for each in (
                    "batch", "batch_progress", "take_batch", "cancel_batch", "go_on_with_batch", "confirm_batch",
                    "decline_batch",
                )
            },
            "obligations.assign_renewals": {"slug": [one(Credential.slug)]},
            "gradebook": {
                "slug": ["scored", "waiting"], "code": people, "number": ["1"], "file": [one(TranscriptFile.code)],
                "request_code": [one(GradeDecision.code, GradeDecision.closed_at.is_(None))],
            },
            "library": draft | {"slug": documents, "number": ["1.0"], "name": [one(DocumentImage.name)]},
            "library.base_of_draft": overlay,
            "library.move_draft": overlay,
            "library.follow_base_here": overlay,
            "library.add_market_clause": overlay,
            "library.overlay_clause": overlay,
            "duties": {
                "code": [codes["task"]], "run": [codes["run"]], "day": ["2026-04-01"], "kind": ["recurring_task"],
                "thing": [codes["task"]], "number": ["1"],
            },
            **{f"handover.{each}": {"code": [codes["quiz"]]} for each in ("quiz_try", "hand_in_quiz")},
            "handover.meet": {"code": [codes["handover"]], "milestone": ["plan"]},
            "handover.dossier_markdown": {"language": ["en"]},
            **{
                f"handover.issued_{each}": {"slug": self.dossiers, "number": ["1.0"], "language": ["en"]}
                for each in ("markdown", "pdf")
            },
            "duties.end_card": {"thing": [codes["card"]]},
            **{
                f"duties.{each}": {"kind": ["recurring_task", "card"], "thing": [codes["task"], codes["card"]]}
                for each in ("card", "card_version", "write_card", "take_out")
            },
            "duties.removal": {"kind": ["card"], "thing": [codes["card"]], "code": [codes["removal"]]},
            "backfill": {
                "scope": ["team"], "code": ["account-safety"], "kind": ["recurring_task"], "thing": [codes["task"]],
            },
            "backfill.of_person": {"code": people},
            "backfill.cell": {"code": people, "kind": ["recurring_task"], "thing": [codes["task"]]},
            "backfill.set_part": {"code": people, "kind": ["recurring_task"], "thing": [codes["task"]]},
            "backfill.state_level": {"code": people, "kind": ["recurring_task"], "thing": [codes["task"]]},
            "duties.of_person": {"code": people},
            "duties.of_team": {"code": ["account-safety"]},
            "obligations": {"code": [codes["obligation"]], "person": people},
            "obligations.of_person": {"code": people},
            "handover": {
                "code": [codes["handover"]], "item": [codes["item"], codes["refused"]], "evidence": [codes["shown"]],
                "number": ["1"],
            },
            **{
                f"handover.{each}": {"code": [codes["stand-in"]]}
                for each in ("stand_in", "end_stand_in", "decline_stand_in", "remove_stand_in_texts")
            },
            **{
                f"handover.{each}": {"code": [self.people["author"].code]}
                for each in ("accept_orphans", "take_back_orphan", "begin_rehearsal")
            },
            "handover.remove_orphan_reasons": {
                "code": [self.people["author"].code], "accepter": [self.people["admin"].code],
            },
            "organisation": {"job": [one(Job.code)], "code": ["JP"]},
            "organisation.team": {"code": ["account-safety"]},
            "organisation.change_team": {"code": ["account-safety"]},
            "quizzes": {
                "slug": banks, "code": attempts, "question": ["single-choice", "essay"], "position": ["1", str(_ESSAY)],
                "bank": ["running"],
            },
            **{each: {"slug": ["waiting"]} for each in ("quizzes.release", "quizzes.release_results")},
            **dict.fromkeys(("quizzes.ahead", "quizzes.look_ahead"), draft | {"question": ["single-choice"]}),
            **{each: {"code": waits} for each in ("quizzes.answer", "quizzes.mark", "quizzes.keep_mark_draft")},
            **{f"quizzes.{each}": {"code": [appeal]} for each in ("appeal", "answer_appeal", "name_for_appeal")},
            **{f"quizzes.{each}": {"code": [regrade]} for each in ("regrade", "approve_regrade", "decline_regrade")},
            **{f"quizzes.{each}": {"code": [one(QuestionFlag.code)]} for each in ("flag", "close_flag")},
            **{
                f"quizzes.{each}": {"code": practised}
                for each in ("practice_question", "answer_practice", "practice_picture")
            },
            "quizzes.attempt_picture": {"code": attempts, "position": [str(KINDS.index("case") + 1)]},
            "quizzes.bank_picture": {"sha256": list(session.scalars(select(QuestionPicture.sha256)))},
            **{f"acknowledgements.{each}": {"code": people} for each in ("note_spoken", "end_aside")},
            "acknowledgements.delta_picture": {"number": ["1"]},
            **dict.fromkeys(
                ("quizzes.file_progress", "quizzes.look_at_file", "quizzes.look_at_question", "quizzes.take_in_file",
                 "quizzes.read_file_again", "quizzes.leave_out_of_file"), coming,
            ),
            **dict.fromkeys(("quizzes.export_progress", "quizzes.look_at_export", "quizzes.save_export"), going),
            "mentoring": {"code": [codes["first-days"], codes["short"]]},
            "mentoring.change_note": {"code": [codes["note"]]},
            "mentoring.take_back_talk": {"code": [codes["first-days"]], "day": ["2026-04-20"]},
            "reports": {"code": ["jp-2026-04"]},
            "reports.cohort_number": {"name": ["attempts-today", "week-passed", "week-steps"]},
            **{f"training.{each}": {"code": [codes["cohort-draft"]]} for each in _OF_DRAFTS},
            **{
                f"reports.{each}": {"code": [code for name, code in codes.items() if name.startswith("report-")]}
                for each in ("file", "file_progress", "save_file")
            },
            **{
                f"reports.{each}": {"code": [one(ReportSchedule.code)]}
                for each in ("change_schedule", "save_schedule", "end_schedule", "unsubscribe")
            },
            **{f"training.{each}": {"code": [codes["cohort-draft"]]} for each in ("cohort_draft", "change_draft")},
            **{f"training.{each}": {"code": ["jp-2026-04"]} for each in ("add_learners", "withdraw_cohort")},
            "training.subscribed": {"token": [codes["address"]]},
            "training": {"code": [codes["first-days"], codes["short"], codes["practice"]], "slug": ["talk", "more"]},
            "training.event_date": {"slug": ["exam"]},
            "training.version_of_cohort": {"code": ["jp-2026-04"], "plan": ["first-days"]},
            "calendars.team_shifts": {"code": ["account-safety"]},
            "calendars.company_days": {"code": ["JP"]},
            "calendars.withdraw_company_days": {"code": ["JP"]},
            "training.event_of_cohort": {"code": ["jp-2026-04"], "plan": ["first-days"], "slug": ["exam"]},
            **{
                f"training.{each}": {"code": [codes["practice"]], "slug": ["notes"], "number": ["1"]}
                for each in ("evidence", "hand_in", "evidence_file")
            },
            "training.take_back_extension": {"code": [codes["first-days"]], "slug": ["more"], "number": ["1"]},
            "training.take_back_plan_extension": {"code": [codes["first-days"]], "number": ["1"]},
            **{
                f"training.{each}": {"code": [codes["session"]]}
                for each in ("session", "move_session", "cancel_session", "add_to_session")
            },
            **{
                f"training.{each}": {"code": [codes["plan-draft"]]}
                for each in (
                    "plan_draft", "plan_draft_file", "plan_draft_pulse", "edit_plan_draft", "change_plan_draft",
                    "preview_plan_draft", "submit_plan_draft", "take_back_plan_draft", "send_back_plan_draft",
                    "approve_plan_draft", "discard_plan_draft", "take_over_into_plan_draft",
                )
            },
            **{f"training.{each}": {"slug": ["practice"]} for each in ("plan", "plan_file", "begin_plan_draft")},
            "training.plan_session": {"plan": ["practice"], "slug": ["circle"]},
        }  # fmt: skip
