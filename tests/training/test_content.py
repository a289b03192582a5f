"""Plans as files: faults named with line and mend, taken in once, written out as they came."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, select

from portal.accounts import queries as accounts
from portal.accounts.service.ownership import kinds, list_belongings, set_owner
from portal.core.content import ContentFile, ContentFolder
from portal.core.db import session
from portal.core.i18n import force_locale
from portal.core.transaction import own_transaction
from portal.training import queries
from portal.training.content import PlansPart
from portal.training.invariants import INVARIANTS
from portal.training.models import PlanVersion
from portal.training.queries import catalogue
from portal.training.rules import Doer
from portal.training.service.plans import digest_of
from tests.builders import Cast
from tests.training.builders import START, make_enrollment, spec

HEAD = """version = "1.0"
owner = "author@portal.example"
title = { en = "First days", ja = "最初の日々" }
summary = { en = "A start.", ja = "はじめに。" }
"""
READ = """
[[step]]
slug = "read"
kind = "read"
document = "impersonation"
due = 0
"""
SIGN = """
[[step]]
slug = "shown"
kind = "sign_off"
due = 2
anchor = "read"
prerequisites = ["read"]
title = { en = "Shown", ja = "実演" }
"""
ALONE = SIGN.replace('anchor = "read"\n', "").replace('["read"]', "[]")
PATH = "plans/first-days.toml"


EXAM = """
[[event]]
slug = "exam"
title = { en = "Exam", ja = "試験" }
"""


def folder_of(text: str, path: str = PATH, **shared: Any) -> ContentFolder:
    return ContentFolder({path: ContentFile(path, text)}, shared=dict(shared))


def imported(text: str, by: Any, path: str = PATH) -> tuple[ContentFolder, list[str]]:
    folder, part = folder_of(text, path), PlansPart()
    part.check(folder)
    assert folder.errors == []
    with own_transaction():
        return folder, part.load(folder, by)


def count_versions() -> int:
    return session.scalar(select(func.count()).select_from(PlanVersion)) or 0


def test_a_plan_comes_in_once(cast: Cast) -> None:
    folder, changes = imported(HEAD + READ + SIGN, cast.admin)
    assert changes == [f"{PATH}: 1.0"]
    assert folder.findings == []
    assert folder.shared["plans"] == {"first-days"}
    assert imported(HEAD + READ + SIGN, cast.admin)[1] == []
    version = catalogue.get_latest_version("first-days")
    assert [(step.slug, step.by) for step in version.steps] == [("read", Doer.LEARNER), ("shown", Doer.LEAD)]
    owner = accounts.find_owner("plan", "first-days")
    assert owner is not None
    assert owner.owner.id == cast.author.id


def test_only_a_changed_plan_gets_a_new_version_and_those_who_follow_the_old_one_keep_it(cast: Cast) -> None:
    imported(HEAD + READ, cast.admin)
    enrollment_version = catalogue.get_latest_version("first-days")
    folder, part = folder_of(HEAD + READ + SIGN), PlansPart()
    part.check(folder)
    with own_transaction():
        part.load(folder, cast.admin)
    assert [finding.line for finding in folder.errors] == [1]
    assert "higher version than 1.0" in folder.errors[0].mend
    assert count_versions() == 1
    _, changes = imported(HEAD.replace("1.0", "1.1") + READ + SIGN, cast.admin)
    assert changes == [f"{PATH}: 1.1"]
    assert [step.slug for step in enrollment_version.steps] == ["read"]


@pytest.mark.parametrize(
    "text",
    [
        HEAD + READ,
        HEAD + READ + SIGN,
        HEAD + READ + SIGN + 'statement = "none"\n',
        HEAD + READ + SIGN + 'statement = "required"\n',
        HEAD.replace("author@portal.example", "nobody@elsewhere.example") + READ,
        HEAD + 'deputy = "lead@portal.example"\ncredential = "reviewer"\n' + READ,
        HEAD
        + '[[phase]]\nslug = "one"\ntitle = { en = "One", ja = "一" }\n'
        + READ
        + 'phase = "one"\nrequired = true\n',
    ],
)
def test_what_came_in_goes_out_the_same(cast: Cast, text: str) -> None:
    part = PlansPart()
    imported(text, cast.admin)
    (dumped,) = part.dump()
    assert dumped.path == PATH
    assert part.canonical(ContentFile(PATH, text)) == dumped.text
    assert part.canonical(dumped) == dumped.text
    # Taken in elsewhere the written file changes nothing either.
    assert imported(dumped.text, cast.admin)[1] == []


def test_a_file_says_of_a_sign_off_whether_a_statement_is_asked(cast: Cast) -> None:
    imported(HEAD + READ + SIGN + 'statement = "required"\n', cast.admin)
    before = catalogue.get_latest_version("first-days")
    # What is the rule anyway changes nothing, not even the version's digest.
    assert imported(HEAD + READ + SIGN, cast.admin)[1] == []
    imported((HEAD + READ + SIGN + 'statement = "none"\n').replace('"1.0"', '"1.1"'), cast.admin)
    after = catalogue.get_latest_version("first-days")
    assert [step.asks_statement for version in (before, after) for step in version.steps] == [True, True, True, False]
    assert before.digest != after.digest
    (dumped,) = PlansPart().dump()
    assert 'statement = "none"' in dumped.text


def test_a_file_counts_back_and_from_events_and_goes_out_as_it_came_in(cast: Cast) -> None:
    early = READ.replace('"read"', '"early"', 1).replace("due = 0", "due = -5")
    text = HEAD + EXAM + early + READ.replace("due = 0", "due = -3") + 'anchor = "event:exam"\n' + SIGN
    assert not imported(text, cast.admin)[0].errors
    version = catalogue.get_latest_version("first-days")
    assert [(event.slug, event.title.ja) for event in version.events] == [("exam", "試験")]
    assert [(step.due_days, step.event_slug) for step in version.steps][:2] == [(-5, None), (-3, "exam")]
    (dumped,) = PlansPart().dump()
    assert 'anchor = "event:exam"' in dumped.text
    assert "due = -5" in dumped.text
    assert imported(dumped.text, cast.admin)[1] == []
    assert PlansPart().canonical(ContentFile(PATH, text)) == dumped.text
    assert INVARIANTS["plan versions are unchanged"]() == []


def test_a_file_says_what_age_is_recognised(cast: Cast) -> None:
    assert not imported(HEAD + READ + SIGN + "recognise = 365\n", cast.admin)[0].errors
    assert [step.recognise_days for step in catalogue.get_latest_version("first-days").steps] == [None, 365]
    (dumped,) = PlansPart().dump()
    assert "recognise = 365" in dumped.text
    assert imported(dumped.text, cast.admin)[1] == []
    folder = folder_of(HEAD + READ + "recognise = 0\n")
    PlansPart().check(folder)
    assert ["1 to 3650 days old" in finding.message for finding in folder.errors] == [True]


def test_a_version_from_before_there_were_events_keeps_its_digest() -> None:
    assert digest_of(spec()) == "8fcbfc6613c736dd3dc6c091264c300616b4aa9628997eb81828854af9115f13"


def test_an_unknown_owner_is_a_warning_and_the_importer_becomes_owner(cast: Cast) -> None:
    text = HEAD.replace("author@", "nobody@") + READ
    folder, _changes = imported(text, cast.admin)
    assert [(finding.level, finding.line) for finding in folder.findings] == [("warning", 2)]
    owner = accounts.find_owner("plan", "first-days")
    assert owner is not None
    assert owner.owner.id == cast.admin.id


def test_a_plan_stands_among_what_its_owner_answers_for(cast: Cast) -> None:
    imported(HEAD + READ, cast.admin)
    rows = [(row.ownership.thing_code, row.thing.title) for row in list_belongings(cast.author)]
    assert ("first-days", "First days") in rows
    assert "first-days" in kinds()["plan"].list_live_codes()


def test_what_a_sign_off_is_about_goes_into_the_version_and_out_again(cast: Cast) -> None:
    imported(HEAD + READ + SIGN, cast.admin)
    digest = catalogue.get_latest_version("first-days").digest
    text = (HEAD + READ + SIGN + 'about = ["impersonation", "daily-audit#feedback"]\n').replace('"1.0"', '"1.1"')
    imported(text, cast.admin)
    version = catalogue.get_latest_version("first-days")
    assert [each.about for each in version.steps] == [(), ("impersonation", "daily-audit#feedback")]
    assert version.digest != digest
    (dumped,) = PlansPart().dump()
    assert 'about = ["impersonation", "daily-audit#feedback"]' in dumped.text


@pytest.mark.parametrize(
    ("about", "said"),
    [("nothing", "There is no document “nothing”"), ("impersonation#nothing", "has no clause “nothing”")],
)
def test_what_a_sign_off_is_about_is_there(cast: Cast, about: str, said: str) -> None:
    known = {"impersonation": {"en": {"appeals"}, "ja": {"appeals"}}}
    shared = {"documents": {"impersonation"}, "clauses": known}
    good = folder_of(HEAD + READ + SIGN + 'about = ["impersonation#appeals"]\n', **shared)
    PlansPart().check(good)
    assert good.errors == []
    folder = folder_of(HEAD + READ + SIGN + f'about = ["{about}"]\n', **shared)
    PlansPart().check(folder)
    assert [said in each.message for each in folder.errors] == [True]


def test_whoever_was_put_in_charge_since_stays_in_charge(cast: Cast) -> None:
    imported(HEAD + READ, cast.admin)
    with own_transaction():
        set_owner(kind="plan", code="first-days", owner=cast.lead, by=cast.admin)
    assert imported(HEAD + READ, cast.admin)[1] == []
    (dumped,) = PlansPart().dump()
    assert f'owner = "{cast.lead.sign_in_name}"' in dumped.text


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        (HEAD + READ + 'prerequisites = ["read"]\n', 11, "ring"),
        (HEAD + READ + SIGN + '[[step]]\nslug = "x"\nkind = "read"\ndocument = "d"\ndue = 1\nprerequisites = ["y"]\n'
         '[[step]]\nslug = "y"\nkind = "read"\ndocument = "d"\ndue = 1\nprerequisites = ["x"]\n', 24, "x → y → x"),
        (HEAD + READ + 'prerequisites = ["nothing"]\n', 11, "“nothing”, which does not exist"),
        (HEAD + READ + SIGN + 'statement = "some"\n', 19, "cannot be some"),
        (HEAD + READ + 'statement = "none"\n', 6, "not signed off"),
        (HEAD + READ + 'about = ["impersonation"]\n', 6, "about, but is not signed off"),
        (HEAD + READ + SIGN + 'about = ["Not an address"]\n', 12, "no address of a document or clause"),
        (HEAD + READ + SIGN + 'about = "impersonation"\n', 19, "must be a list of documents or clauses"),
        (HEAD + READ + SIGN + 'statement = "none"\nabout = ["impersonation"]\n', 12, "no evidence about a document"),
        (HEAD + READ + 'anchor = "later"\n', 11, "counts from “later”"),
        (HEAD + READ + READ, 13, "stands twice"),
        (HEAD + READ.replace("due = 0", "due = -61"), 10, "earlier than 60 working days before the plan begins"),
        (HEAD + READ + 'anchor = "event:exam"\n', 6, "counts from the event “exam”, which does not exist"),
        (HEAD + EXAM + READ, 6, "No step counts from the event “exam”"),
        (HEAD + EXAM + EXAM + READ + 'anchor = "event:exam"\n', 10, "The event “exam” stands twice"),
        (HEAD + EXAM.replace("title", "name") + READ, 8, "“name” is not known here"),
        (HEAD + EXAM + READ.replace("due = 0", "due = -251") + 'anchor = "event:exam"\n', 14,
         "than 250 before an event"),
        (HEAD + READ.replace("due = 0", "due = 251"), 10, "later than 250 working days"),
        (HEAD + READ.replace("due = 0", "due = 99999999999999999999"), 10, "wrong form"),
        (HEAD + READ.replace("due = 0", "due = 200") + SIGN.replace("due = 2", "due = 51"), 15,
         "“shown” is due later"),
        (HEAD + READ + "minutes = 4801\n", 11, "a step takes 0 to 4800"),
        (HEAD + READ + "minutes = -1\n", 11, "a step takes 0 to 4800"),
        (HEAD + READ.replace("due = 0\n", ""), 6, "“due” is missing"),
        (HEAD + READ.replace("due = 0", 'due = "1"'), 10, "wrong form"),
        (HEAD + READ.replace("due = 0", "due = true"), 10, "wrong form"),
        (HEAD + READ.replace('kind = "read"', 'kind = "watch"'), 8, "cannot be watch"),
        (HEAD + READ.replace('document = "impersonation"\n', ""), 6, "needs the document"),
        (HEAD + READ.replace('slug = "read"', 'slug = "Read it"'), 7, "needs a “slug”"),
        (HEAD + READ + 'phase = "p"\n', 6, "names the phase “p”"),
        (HEAD + READ + "prerequisites = 3\n", 11, "must be a list"),
        (HEAD + READ + "colour = 1\n", 11, "“colour” is not known"),
        (HEAD + READ + 'title = { en = "x", jp = "y" }\n', 11, "unknown language jp"),
        (HEAD + READ + 'by = "lead"\n', 6, "by the learner only"),
        (HEAD + ALONE + 'by = "learner"\n', 6, "not by the learner"),
        (HEAD + READ + "required = false\n", 0, "no required step"),
        (HEAD, 0, "no steps"),
        ("step = 3\n" + HEAD, 1, "not a list of entries"),
        (HEAD.replace('"1.0"', "1.0") + READ, 1, "number in quotation marks"),
        (HEAD.replace('"1.0"', '"one"') + READ, 1, "number in quotation marks"),
        (HEAD + "credential = 1\n" + READ, 5, "credential"),
        (HEAD.replace('"author@portal.example"', "3") + READ, 2, "sign-in name"),
        (HEAD + READ + "[[phase]]\nslug = 1\n", 12, "slug"),
        (HEAD + "version\n", 5, "TOML"),
    ],
)  # fmt: skip
def test_a_faulty_plan_is_named_with_file_line_and_mend(cast: Cast, text: str, line: int, said: str) -> None:
    folder = folder_of(text)
    PlansPart().check(folder)
    found = [finding for finding in folder.errors if said in finding.message]
    assert [finding.line for finding in found][:1] == [line], folder.findings
    assert all(finding.mend for finding in found)
    assert all(finding.path == PATH for finding in folder.findings)
    folder = folder_of(text)
    with force_locale("ja"):
        PlansPart().check(folder)
    assert folder.errors
    assert not any(finding.message.isascii() for finding in folder.errors)
    with own_transaction():
        assert PlansPart().load(folder_of(text), cast.admin) == []
    assert count_versions() == 0


def test_documents_and_quizzes_must_exist(cast: Cast) -> None:
    quiz = READ.replace("read", "quiz").replace('document = "impersonation"', 'quiz = "impersonation"')
    folder = folder_of(HEAD + READ + quiz, documents={"other"}, quizzes=set())
    PlansPart().check(folder)
    assert [(finding.line, "impersonation" in finding.message) for finding in folder.errors] == [(9, True), (15, True)]
    folder = folder_of(HEAD + READ + quiz, documents={"impersonation"}, quizzes={"impersonation"})
    PlansPart().check(folder)
    assert folder.errors == []


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        (SIGN + READ.replace('"read"', '"early"', 1) + 'prerequisites = ["shown"]\n', "due before"),
        (
            READ.replace('"read"', '"free"', 1)
            + "required = false\n"
            + READ.replace('"read"', '"bound"', 1)
            + 'prerequisites = ["free"]\n',
            "optional",
        ),
    ],
)
def test_what_only_looks_wrong_is_a_warning(cast: Cast, steps: str, said: str) -> None:
    folder = folder_of(HEAD + READ + steps)
    PlansPart().check(folder)
    assert folder.errors == []
    assert [said in finding.message for finding in folder.findings] == [True]


@pytest.mark.parametrize("path", ["plans/First.toml", "plans/first.md", "plans/a/b.toml"])
def test_a_file_in_the_wrong_place_is_named(cast: Cast, path: str) -> None:
    folder = folder_of(HEAD + READ, path)
    PlansPart().check(folder)
    assert [finding.path for finding in folder.errors] == [path]


def test_an_imported_plan_can_be_followed(cast: Cast) -> None:
    from tests.training.builders import load_holidays, make_documents

    load_holidays()
    make_documents()
    imported(HEAD + READ + SIGN, cast.admin)
    enrollment = make_enrollment(cast.learner, catalogue.get_latest_version("first-days"), cast.admin)
    assert queries.standing_of(enrollment).due_on("read") == START


# --- Tasks, sessions, gates --------------------------------------------------------------------

QUIZ = """
[[step]]
slug = "quiz"
kind = "quiz"
quiz = "impersonation"
due = 1
"""
OTHERS = """
[[step]]
slug = "notes"
kind = "task"
due = 2
evidence = ["file", "text"]
by = "mentor"
title = { en = "Notes", ja = "記録" }

[[step]]
slug = "circle"
kind = "session"
due = 3
title = { en = "Circle", ja = "検討会" }

[[step]]
slug = "gate"
kind = "gate"
due = 5
prerequisites = ["quiz"]
quizzes = ["impersonation"]
bound = "92.5%"
minimum = 40
title = { en = "Gate", ja = "関門" }
"""


def test_tasks_sessions_and_gates_come_in_and_are_written_out_again(cast: Cast) -> None:
    imported(HEAD + QUIZ + OTHERS, cast.admin)
    spec = catalogue.spec_of(catalogue.get_latest_version("first-days"))
    notes, circle, gate = spec.steps[1:]
    assert (notes.by, [each.value for each in notes.evidence]) == (Doer.MENTOR, ["text", "file"])
    assert circle.by is Doer.LEAD
    assert (gate.by, str(gate.gate_bound), gate.gate_minimum, gate.gate_quizzes) == (
        Doer.LEAD,
        "37/40",
        40,
        ("impersonation",),
    )
    (written,) = PlansPart().dump()
    assert 'bound = "92.5%"' in written.text
    assert imported(written.text, cast.admin)[1] == []
    assert PlansPart().canonical(ContentFile(PATH, HEAD + QUIZ + OTHERS)) == written.text


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize(
    ("before", "after", "line", "said"),
    [
        ('evidence = ["file", "text"]\n', "", 12, {"en": "needs to say what can be", "ja": "提出できる物の種類が必要"}),
        ('["file", "text"]', '["photo"]', 16, {"en": "cannot be photo", "ja": "photo"}),
        ('["file", "text"]', '"text"', 16, {"en": "must be a list", "ja": "一覧"}),
        ('bound = "92.5%"', 'bound = "92.55%"', 32, {"en": "no percentage", "ja": "パーセント"}),
        ('bound = "92.5%"', "bound = 92.5", 32, {"en": "no percentage", "ja": "パーセント"}),
        ('bound = "92.5%"', 'bound = "100%"', 26, {"en": "below 100 percent", "ja": "100より小さい"}),
        ('bound = "92.5%"\n', "", 26, {"en": "below 100 percent", "ja": "100より小さい"}),
        ("minimum = 40", "minimum = 0", 26, {"en": "rests on 1 to", "ja": "1から"}),
        ("minimum = 40", 'minimum = "40"', 33, {"en": "wrong form", "ja": "minimum"}),
        ('quizzes = ["impersonation"]\n', "", 26, {"en": "needs the quizzes", "ja": "確認テストが必要"}),
        ('quizzes = ["impersonation"]', 'quizzes = ["other"]', 26, {"en": "comes before it", "ja": "その前に行う項目"}),
        ('prerequisites = ["quiz"]\n', "", 26, {"en": "comes before it", "ja": "その前に行う項目"}),
        ('kind = "session"', 'kind = "session"\nby = "learner"', 20, {"en": "by a mentor or a lead", "ja": "メンター"}),
        ('kind = "gate"', 'kind = "gate"\nby = "mentor"', 26, {"en": "signed off by a lead", "ja": "リード"}),
        ('title = { en = "Circle", ja = "検討会" }', "", 20, {"en": "a title of its", "ja": "固有の見出し"}),
        ('kind = "session"', 'kind = "session"\nevidence = ["text"]', 20, {"en": "but is no task", "ja": "課題では"}),
        ('kind = "session"', 'kind = "session"\nbound = "90%"', 20, {"en": "but is no gate", "ja": "到達判定では"}),
    ],
)  # fmt: skip
def test_what_a_task_a_session_or_a_gate_lacks_is_named_with_its_line(
    language: str, before: str, after: str, line: int, said: dict[str, str]
) -> None:
    assert before in OTHERS
    folder = folder_of(HEAD + QUIZ + OTHERS.replace(before, after, 1))
    with force_locale(language):
        PlansPart().check(folder)
        found = [(each.line, each.message) for each in folder.errors]
    assert [at for at, message in found if said[language] in str(message)] == [line], found


def test_a_version_from_before_these_kinds_keeps_its_digest(cast: Cast) -> None:
    imported(HEAD + READ + SIGN, cast.admin)
    version = catalogue.get_latest_version("first-days")
    assert version.digest == "9b4b92f5e20d8689650ad94b1220b924b2541acac9e165a0a5629d7dd1154709"
