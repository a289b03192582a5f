"""What is handed in for a task: kept as it came, judged where the plan says so, sent out only to be saved."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
from sqlalchemy import select, update

from portal.accounts.models import Role, Scope
from portal.accounts.queries import find_open_name_change
from portal.accounts.service import name_changes
from portal.core import clock
from portal.core.db import session
from portal.core.i18n import Words
from portal.core.jobs import Job
from portal.core.mail import _builders, render
from portal.core.transaction import own_transaction
from portal.training import errors, queries
from portal.training.invariants import sign_offs_stand_behind_their_steps, tasks_have_evidence
from portal.training.models import Enrollment, SignOff, TaskEvidence
from portal.training.queries import step_results
from portal.training.rules import Doer, EvidenceKind, StepKind, StepSpec, StepState
from portal.training.service import sign_offs, tasks
from portal.training.service.tasks import MAX_FILE_BYTES, SentFile, checked_file, checked_link
from tests.accounts.test_own_names import change as change_name
from tests.beginnings import beginning
from tests.builders import Cast, make_grant
from tests.training.builders import load_holidays, make_cohort, make_documents, make_enrollment, make_plan

MORNING = datetime(2026, 4, 28, 1, 0, tzinfo=UTC)
LANGUAGES = ("en", "ja")
ALL = tuple(EvidenceKind)
JUDGED = StepSpec(
    "notes", StepKind.TASK, 2, title=Words("Notes on ten cases", "10件の記録"), by=Doer.MENTOR, evidence=ALL
)
OWN = StepSpec("diary", StepKind.TASK, 1, title=Words("A diary", "日誌"), evidence=(EvidenceKind.TEXT,))


@pytest.fixture
@beginning
def enrollment(cast: Cast) -> Enrollment:
    load_holidays()
    make_documents()
    with clock.frozen(MORNING):
        plan = make_plan("tasks", cast.author, JUDGED, OWN)
        return make_enrollment(cast.learner, plan, cast.admin, cohort=make_cohort(cast.admin))


@pytest.fixture(autouse=True)
def _morning() -> Iterator[None]:
    with clock.frozen(MORNING):
        yield


def hand_in(cast: Cast, enrollment: Enrollment, slug: str = "notes", **what: Any) -> TaskEvidence:
    with own_transaction():
        return tasks.hand_in(
            enrollment=enrollment, step=queries.get_step(enrollment, slug), by=cast.learner, **({"said": "Ten."} | what)
        )


def state_of(enrollment: Enrollment, slug: str = "notes") -> StepState:
    session.expire_all()
    return queries.standing_of(enrollment).statuses[slug].state


def test_a_task_of_her_own_is_done_when_it_is_handed_in(cast: Cast, enrollment: Enrollment) -> None:
    assert state_of(enrollment, "diary") is StepState.OPEN
    hand_in(cast, enrollment, "diary")
    assert state_of(enrollment, "diary") is StepState.DONE
    with pytest.raises(errors.NotToBeHandedIn):
        hand_in(cast, enrollment, "diary")


def test_a_task_that_is_judged_is_hers_until_she_hands_in_and_then_the_mentors(
    cast: Cast, enrollment: Enrollment
) -> None:
    step = queries.get_step(enrollment, "notes")
    assert state_of(enrollment) is StepState.OPEN
    with pytest.raises(errors.NotWaitingForSignOff), own_transaction():
        sign_offs.sign_off(enrollment=enrollment, step=step, statement="", by=cast.lead)
    with clock.frozen(MORNING + timedelta(hours=1)):
        hand_in(cast, enrollment)
    assert state_of(enrollment) is StepState.WAITING
    assert queries.standing_of(enrollment).waiting_since(step) == MORNING + timedelta(hours=1)
    with own_transaction():
        sign_offs.send_back(enrollment=enrollment, step=step, statement="Two are missing.", by=cast.lead)
    assert state_of(enrollment) is StepState.OPEN
    with pytest.raises(errors.NotSentBack), own_transaction():
        sign_offs.ask_again(enrollment=enrollment, step=step, by=cast.learner)
    hand_in(cast, enrollment, said="All ten.")
    assert state_of(enrollment) is StepState.WAITING
    with own_transaction():
        sign_offs.sign_off(enrollment=enrollment, step=step, statement="", by=cast.lead)
    assert state_of(enrollment) is StepState.DONE
    rows = step_results.list_evidence(enrollment, step)
    assert [(row.number, row.said) for row in rows] == [(1, "Ten."), (2, "All ten.")]
    said = [(row.act.value, row.evidence_no) for row in queries.list_sign_offs(enrollment, step)]
    assert said == [("sent_back", 1), ("asked_again", None), ("signed", 2)]
    assert tasks_have_evidence() == []
    assert sign_offs_stand_behind_their_steps() == []


def test_nobody_judges_something_newer_than_she_has_seen(cast: Cast, enrollment: Enrollment, as_: Any) -> None:
    hand_in(cast, enrollment)
    lead = as_(cast.lead, language="en")
    page = lead.get("training.sign_off", code=enrollment.code, slug="notes")
    assert page.one("input", name="seen").get("value") == "1"
    hand_in(cast, enrollment, said="Newer.")
    form = {"statement": "", "act": "sign_off", "seen": "1"}
    refused = lead.post("training.sign_off", form, code=enrollment.code, slug="notes", expect=409)
    assert "Something newer has been handed in" in refused.text
    assert "Newer." in refused.text
    assert session.scalars(select(SignOff)).all() == []
    lead.post("training.sign_off", {**form, "seen": "2"}, code=enrollment.code, slug="notes")
    assert state_of(enrollment) is StepState.DONE


def test_each_who_waits_is_told_by_mail(cast: Cast, enrollment: Enrollment) -> None:
    def told(name: str) -> list[str]:
        return [
            job.effect_key for job in session.scalars(select(Job).order_by(Job.id)) if f"mail:{name}" in job.effect_key
        ]

    hand_in(cast, enrollment)
    # Until it is judged, what is handed in again is of the same turn.
    for number in range(3):
        hand_in(cast, enrollment, said=f"Better, {number}.")
    assert told("sign_off_waiting") == [f"mail:sign_off_waiting:{enrollment.code}:notes:1:{cast.lead.code}"]
    built = _builders["training.sign_off_waiting"](code=enrollment.code, step="notes", to=cast.lead.code)
    text = render(built).get_body(("plain",)).get_content()
    assert "has handed in the step “Notes on ten cases”" in text
    assert f"/sign-offs/{enrollment.code}/notes" in text
    with own_transaction():
        row = sign_offs.send_back(
            enrollment=enrollment, step=queries.get_step(enrollment, "notes"), statement="Two.", by=cast.lead
        )
    assert len(told("sent_back")) == 1
    arguments = {"code": enrollment.code, "step": "notes", "said": row.id}
    message = render(_builders["training.sent_back"](**arguments))
    assert "【差戻し】10件の記録" in message["Subject"]
    assert "Two." in message.get_body(("plain",)).get_content()
    for said in ("All.", "All of it."):
        hand_in(cast, enrollment, said=said)
    assert len(told("sign_off_waiting")) == 2
    assert _builders["training.sent_back"](**arguments) is None


# --- What is taken -----------------------------------------------------------------------------

PDF, PNG, JPEG = b"%PDF-1.7\n", b"\x89PNG\r\n\x1a\n0", b"\xff\xd8\xff\xe0"
ZIP = b"PK\x03\x04rest"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def office(kind: str, part: str, *more: tuple[str, str], body: bytes = b"<x/>") -> bytes:
    """Return an office file as its programs write it: a list of its parts, its main part, and further ones."""
    listed = "".join(
        f'<Override PartName="/{name}" ContentType="{type_}"/>' for name, type_ in ((part, f"{kind}.main+xml"), *more)
    )
    types = f'<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">{listed}</Types>'
    return zipped({"[Content_Types].xml": types.encode(), part: body, **{name: b"x" for name, _type in more}})


def zipped(files: dict[str, bytes]) -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


MEMO, SHEET = office(DOCX, "word/document.xml"), office(XLSX, "xl/workbook.xml")
MACROS = ("word/vbaProject.bin", "application/vnd.ms-office.vbaProject")


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("name", "data", "media_type"),
    [
        ("report.pdf", PDF, "application/pdf"),
        ("図.PNG", PNG, "image/png"),
        ("photo.jpeg", JPEG, "image/jpeg"),
        ("notes.txt", "めも".encode("cp932"), "text/plain"),
        ("table.csv", "a,あ\r\n".encode("utf-8-sig"), "text/csv"),
        ("table.csv", "a,あ".encode("utf-16"), "text/csv"),
        ("memo.docx", MEMO, DOCX),
        ("sheet.xlsx", SHEET, XLSX),
        # Word in the browser calls its main part otherwise.
        ("memo.docx", office(DOCX, "word/document2.xml"), DOCX),
    ],
)
def test_the_usual_files_are_taken(name: str, data: bytes, media_type: str) -> None:
    assert checked_file(SentFile(name, data)) == (name, media_type)


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("page.html", b"<script>alert(1)</script>"),
        ("picture.svg", b"<svg onload='alert(1)'/>"),
        ("report.pdf", b"<html>"),
        ("photo.png", JPEG),
        ("notes.txt", b"MZ\x00\x01"),
        ("macro.docm", ZIP),
        ("archive.zip", ZIP),
        ("run.exe", b"MZ"),
        ("noending", b"text"),
        ("report.pdf.html", PDF),
        ("memo.docx", ZIP),
        ("memo.docx", zipped({"a.txt": b"a"})),
        ("memo.docx", SHEET),
        ("sheet.xlsx", MEMO),
        ("memo.docx", zipped({"[Content_Types].xml": b"<Types>"})),
        ("memo.docx", zipped({"[Content_Types].xml": b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"})),
        # It names its main part and has none.
        ("memo.docx", MEMO.replace(b"word/document.xml", b"word/somewhat.xml")),
    ],
)
def test_other_files_are_refused_whatever_they_call_themselves(name: str, data: bytes) -> None:
    with pytest.raises(errors.FileKindRefused):
        checked_file(SentFile(name, data))


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("../../etc/passwd.txt", "passwd.txt"),
        ("C:\\Users\\yui\\記録.txt", "記録.txt"),
        ('a"b;\r\nX: y.txt', "a_b;__X_ y.txt"),
        ("gnp\u202etxt.exe.txt", "gnp_txt.exe.txt"),
        ("x" * 300 + ".txt", "x" * 116 + ".txt"),
        ("....txt", "txt"),
    ],
)
def test_a_files_name_is_made_safe(sent: str, kept: str) -> None:
    try:
        name, _type = checked_file(SentFile(sent, b"text"))
    except errors.FileKindRefused as refused:
        name = refused.values["name"]
    assert name == kept


@pytest.mark.any_database
@pytest.mark.parametrize(
    "data",
    [
        office(DOCX, "word/document.xml", MACROS),
        office("application/vnd.ms-word.document.macroEnabled", "word/document.xml"),
        zipped({"[Content_Types].xml": b"<Types/>", "word/VBAPROJECT.BIN": b"x"}),
    ],
)
def test_an_office_file_with_macros_is_refused_as_such(data: bytes) -> None:
    with pytest.raises(errors.FileHasMacros):
        checked_file(SentFile("memo.docx", data))


@pytest.mark.any_database
def test_an_office_file_that_is_huge_inside_is_refused_before_it_is_unpacked() -> None:
    bomb = office(XLSX, "xl/workbook.xml", body=b"0" * 2_000_000)
    assert len(bomb) < 10_000
    with pytest.raises(errors.FileUnpacksTooLarge):
        checked_file(SentFile("sheet.xlsx", bomb))


@pytest.mark.any_database
def test_a_file_is_bounded() -> None:
    with pytest.raises(errors.FileTooLarge):
        checked_file(SentFile("a.pdf", PDF + b"0" * MAX_FILE_BYTES))
    with pytest.raises(errors.FileEmpty):
        checked_file(SentFile("a.txt", b""))


@pytest.mark.any_database
@pytest.mark.parametrize(
    "address",
    [
        "http://example.com/a", "javascript:alert(1)", "//example.com", "https://", "https:///a", "https://a b.com",
        "https://user:secret@example.com", "https://example.com:port/", "https://[::1", "ftp://example.com",
        "example.com",
        "https://example.com/\u202e", "https://example.com/" + "a" * 2000,
    ],
)  # fmt: skip
def test_only_whole_and_safe_links_are_taken(address: str) -> None:
    with pytest.raises(errors.LinkRefused):
        checked_link(address)


def test_a_link_is_kept_and_never_fetched(cast: Cast, enrollment: Enrollment) -> None:
    row = hand_in(cast, enrollment, said="", link=" https://docs.example.com/研修?id=1#a ")
    assert row.link == "https://docs.example.com/研修?id=1#a"


def test_only_what_the_plan_allows_is_taken_and_something_has_to_be(cast: Cast, enrollment: Enrollment) -> None:
    with pytest.raises(errors.EvidenceNotAsked):
        hand_in(cast, enrollment, "diary", link="https://example.com/")
    with pytest.raises(errors.EvidenceMissing):
        hand_in(cast, enrollment, said=" \n ")
    with pytest.raises(errors.EvidenceTooLong):
        hand_in(cast, enrollment, said="x" * 20_001)
    assert session.scalars(select(TaskEvidence)).all() == []


# --- Pages -------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_she_hands_in_a_file_and_the_lead_saves_it(cast: Cast, enrollment: Enrollment, as_: Any, language: str) -> None:
    learner, lead = as_(cast.learner, language=language), as_(cast.lead, language=language)
    today = learner.get("training.today")
    assert f"/training/{enrollment.code}/steps/notes/evidence" in today.links()
    form = {"said": "", "link": "", "file": (BytesIO(PDF), "記録 1.pdf")}
    learner.post("training.hand_in", form, code=enrollment.code, slug="notes")
    page = lead.get("training.sign_off", code=enrollment.code, slug="notes")
    assert "記録 1.pdf" in page.text
    path = learner.get("training.path", code=enrollment.code).text
    waits = {"en": "Waiting for {} since", "ja": "{}さんによる提出物の確認待ち"}[language]
    assert waits.format(cast.lead.name_in(language)) in path
    queue = lead.get("training.list_sign_offs")
    assert {"en": "Work handed in", "ja": "提出物の確認待ち"}[language] in queue.text
    for person in (lead, learner):
        sent = person.fetch("training.evidence_file", code=enrollment.code, slug="notes", number=1)
        assert sent.data == PDF
        assert sent.content_type == "application/pdf"
        assert sent.headers["Content-Disposition"].startswith("attachment;")
        assert sent.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
        assert sent.headers["X-Content-Type-Options"] == "nosniff"
    for person in (cast.colleague, cast.outsider, cast.author):
        assert (
            as_(person).fetch("training.evidence_file", code=enrollment.code, slug="notes", number=1).status_code == 404
        )
    learner.get("training.evidence_file", code=enrollment.code, slug="notes", number=2, expect=404)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"link": "http://example.com"}, {"en": "beginning with https://", "ja": "安全に開けるアドレスではありません"}),
        ({"said": ""}, {"en": "Hand in at least one of these", "ja": "次のうち少なくとも一つ"}),
        ({"said": "x" * 20_001}, {"en": "20001 characters", "ja": "20001文字"}),
        ({"said": "a\x00b"}, {"en": "Remove the control characters", "ja": "制御文字"}),
        ({"file": (b"<html>", "a.html")}, {"en": "none of the files", "ja": "提出できる種類のファイルではない"}),
        (
            {"file": (office(DOCX, "word/document.xml", MACROS), "a.docx")},
            {"en": "contains macros", "ja": "マクロが含まれ"},
        ),
        (
            {"file": (office(DOCX, "word/document.xml", body=b"0" * 2_000_000), "a.docx")},
            {"en": "far too large once it is opened", "ja": "開くとサイズが大きくなりすぎる"},
        ),
        ({"file": (b"", "a.pdf")}, {"en": "The file is empty", "ja": "ファイルが空です"}),
    ],
)
def test_what_cannot_be_handed_in_is_said_beside_its_field(
    cast: Cast, enrollment: Enrollment, as_: Any, language: str, form: dict[str, Any], said: dict[str, str]
) -> None:
    sent = {key: (BytesIO(value[0]), value[1]) if isinstance(value, tuple) else value for key, value in form.items()}
    page = as_(cast.learner, language=language).post(
        "training.hand_in", sent, code=enrollment.code, slug="notes", expect=400
    )
    assert said[language] in page.text
    assert session.scalars(select(TaskEvidence)).all() == []


def test_the_same_form_sent_twice_hands_in_once(cast: Cast, enrollment: Enrollment, as_: Any) -> None:
    learner = as_(cast.learner)
    form = {"said": "Ten.", "form_key": "0123456789abcdef"}
    for _time in range(2):
        learner.post("training.hand_in", form, code=enrollment.code, slug="notes")
    assert len(session.scalars(select(TaskEvidence)).all()) == 1


def test_a_mentor_judges_only_what_the_plan_gives_her(cast: Cast, enrollment: Enrollment, as_: Any) -> None:
    make_grant(cast.colleague, Role.MENTOR, Scope.COHORT, "jp-2026-04")
    hand_in(cast, enrollment)
    mentor = as_(cast.colleague, language="en")
    assert "Notes on ten cases" in mentor.get("training.list_sign_offs").text
    form = {"statement": "Well done.", "act": "sign_off", "seen": "1"}
    mentor.post("training.sign_off", form, code=enrollment.code, slug="notes")
    assert "Accepted by" in as_(cast.learner, language="en").get("training.path", code=enrollment.code).text
    # What she completes herself is nobody's to sign.
    mentor.get("training.sign_off", code=enrollment.code, slug="diary", expect=404)


def test_a_lead_accepts_for_nobody_of_another_team(cast: Cast, enrollment: Enrollment, as_: Any) -> None:
    make_grant(cast.outsider, Role.LEAD, Scope.TEAM, "payments-safety")
    hand_in(cast, enrollment)
    outsider = as_(cast.outsider)
    for endpoint in ("training.sign_off", "training.evidence"):
        outsider.get(endpoint, code=enrollment.code, slug="notes", expect=404)
    for person, expect in ((cast.outsider, 404), (cast.lead, 403)):
        as_(person).post("training.hand_in", {"said": "x"}, code=enrollment.code, slug="notes", expect=expect)


def test_what_is_ended_takes_nothing_more(cast: Cast, enrollment: Enrollment, as_: Any) -> None:
    from portal.training.service.enrollments import end_plan

    with own_transaction():
        end_plan(enrollment=enrollment, reason="Moved.", by=cast.lead)
    learner = as_(cast.learner, language="en")
    page = learner.get("training.evidence", code=enrollment.code, slug="notes")
    assert page.all("textarea") == []
    learner.post("training.hand_in", {"said": "x"}, code=enrollment.code, slug="notes", expect=409)


def test_the_doctor_finds_a_file_that_was_changed(cast: Cast, enrollment: Enrollment) -> None:
    hand_in(cast, enrollment, file=SentFile("a.pdf", PDF))
    assert tasks_have_evidence() == []
    with own_transaction():
        session.execute(update(TaskEvidence.__table__).values(data=b"other"))
    assert "its file has been changed" in tasks_have_evidence()[0]


def test_steps_of_other_kinds_take_no_evidence(cast: Cast, enrollment: Enrollment, as_: Any) -> None:
    plan = make_plan(
        "none", cast.author, replace(OWN, kind=StepKind.READ, evidence=(), document="exposure", title=None)
    )
    other = make_enrollment(cast.learner, plan, cast.admin)
    as_(cast.learner).get("training.evidence", code=other.code, slug="diary", expect=404)


@pytest.mark.parametrize("language", LANGUAGES)
def test_who_judges_reads_that_the_learners_name_is_another_one_than_when_it_was_handed_in(
    cast: Cast, enrollment: Enrollment, as_: Any, language: str
) -> None:
    hand_in(cast, enrollment)
    cohort = enrollment.cohort
    assert cohort is not None
    make_grant(cast.outsider, Role.MENTOR, Scope.COHORT, cohort.code)
    former = cast.learner.name_in(language)
    address = {"code": enrollment.code, "slug": "notes"}

    def said() -> str:
        page = as_(cast.outsider, language=language).get("training.sign_off", **address)
        return " ".join(page.text.split())

    waits = {"en": "nobody has confirmed it", "ja": "まだ誰も確認していません"}[language]
    changed = {"en": "has changed since this was handed in", "ja": "提出後、"}[language]
    assert waits not in said()
    assert changed not in said()
    with clock.frozen(MORNING + timedelta(hours=1)):
        change_name(cast.learner, family_name="一ノ瀬", family_kana="イチノセ", family_romaji="Ichinose")
        assert waits in said()
        assert former in said()
        with own_transaction():
            change = find_open_name_change(cast.learner.id)
            assert change is not None
            name_changes.confirm(change=change, by=cast.admin)
        # Once somebody stands for the new name the former one is told to nobody.
        assert changed in said()
        assert former not in said()
        # What was handed in under the new name says nothing of it.
        change_name(cast.learner, family_name="二宮", family_kana="ニノミヤ", family_romaji="Ninomiya")
        with own_transaction():
            change = find_open_name_change(cast.learner.id)
            assert change is not None
            name_changes.refuse(change=change, reason="Not hers at all.", by=cast.admin)
        assert changed in said()
