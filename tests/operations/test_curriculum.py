"""What ships in `content/`: complete, in one voice, decided by its clauses, and giving nothing away."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from pathlib import Path

import pytest
from flask import Flask

from portal import wiring
from portal.core.content import ContentFolder
from portal.core.i18n import LANGUAGES
from portal.operations.cli import in_columns
from portal.operations.service import check_content, report_content
from portal.quizzes.content_report import DEEP_ENOUGH, choosing_of, depths_of, never_drawn, pool_of
from portal.quizzes.rules import cues
from portal.quizzes.service.coverage import is_shallow
from portal.quizzes.service.drawing import blueprint_of_terms
from portal.quizzes.types.base import type_names
from tests.sample_content import SHIPPED, copy_to

pytestmark = pytest.mark.any_database

DOCUMENTS = sorted((SHIPPED / "documents").glob("*/ja.md"))
# Policies speak plainly; this one speaks to people about themselves.
POLITE_POLICIES = {"exposure-and-wellbeing"}
# Clauses that say what a text is about, how it is meant and written down.
NO_RULES = {"top", "scope", "definitions", "worked-examples", "recording", "what-you-may-meet"}
# The row with which every table of a policy, and that of the queue, begins.
CHILDREN_FIRST = {
    "en": "| Stop looking, pass on as P1 | A child's safety is concerned | [[child-safety#stop-and-report]]",
    "ja": "| 見るのをやめ、P1として引き継ぐ | 子どもの安全に関わる | [[child-safety#stop-and-report]]",
}
# A child at risk gets the support message before the case is passed on, so that row stands above it there.
SUPPORT_FIRST = {"self-harm": ("[[#minors]]", "[[child-safety#live-streams]]")}
PLAIN = re.compile(r"(?:である|だ|[るうくすつぬぶむ]|った|した|いた|れた|けた|ない|なかった)$")
POLITE = re.compile(r"(?:です|ます|ました|でした|ません|ください|でしょう)$")


@pytest.fixture(scope="module")
def shipped(application: Flask) -> ContentFolder:
    """The shipped content, checked."""
    with application.app_context():
        return check_content(SHIPPED, wiring.CONTENT_PARTS)


def test_no_finding_is_left(shipped: ContentFolder) -> None:
    assert [str(finding) for finding in shipped.findings] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.parent.name)
def test_policies_speak_plainly_and_everything_that_speaks_to_people_politely(path: Path) -> None:
    base = path.parent.name.partition("@")[0]
    kind = tomllib.loads((SHIPPED / "documents" / base / "document.toml").read_text(encoding="utf-8"))["kind"]
    _nothing, _front, body = path.read_text(encoding="utf-8").split("---\n", 2)
    # Tables are terse; words in bold or quotation marks are labels and speech.
    lines = [line for line in body.split("\n") if not line.startswith(("|", "#"))]
    bare = re.sub(r"\*\*.*?\*\*|「[^」]*」|『[^』]*』", "", "\n".join(lines))
    sentences = [sentence.strip() for line in bare.split("\n") for sentence in line.split("。")[:-1]]
    assert len(sentences) > 20
    if kind == "policy" and base not in POLITE_POLICIES:
        assert [each for each in sentences if POLITE.search(each)] == []
    else:
        assert [each for each in sentences if PLAIN.search(each) and not POLITE.search(each)] == []


def test_every_policy_asks_for_the_safety_of_a_child_before_anything_else() -> None:
    asked = []
    for path in sorted((SHIPPED / "documents").glob("*/[ej][na].md")):
        slug = path.parent.name
        kind = tomllib.loads((path.parent / "document.toml").read_text(encoding="utf-8")).get("kind")
        _before, heading, table = path.read_text(encoding="utf-8").partition("{#decision-table")
        # The procedure itself sorts such cases and no others.
        if not heading or slug == "child-safety" or (kind != "policy" and slug != "queue-work"):
            continue
        rows = [line for line in table.split("\n") if line.startswith("|")][2:]
        if slug in SUPPORT_FIRST:
            before = [row for row in rows if any(clause in row for clause in SUPPORT_FIRST[slug])]
            assert before == rows[: len(before)] != [], path
            del rows[: len(before)]
        assert rows[0].startswith(CHILDREN_FIRST[path.stem]), path
        asked.append(slug)
    assert len(asked) >= 2 * 12


@pytest.mark.parametrize("language", LANGUAGES)
def test_nobody_who_reads_the_choices_alone_does_much_better_than_chance(shipped: ContentFolder, language: str) -> None:
    asked = choosing_of(shipped, language)
    assert len(asked) > 30
    told = cues.guesses(asked)
    assert {name: float(each.over_chance) for name, each in told.items() if each.knows_too_much} == {}
    assert cues.speak_of_the_others(asked) == []


def test_an_editor_would_remark_on_nothing(shipped: ContentFolder, application: Flask) -> None:
    with application.app_context():
        (documents,) = [each for each in report_content(shipped, wiring.CONTENT_PARTS) if each.title == "Documents"]
    assert documents.remarks == []


def test_there_is_enough_to_begin_on_monday(shipped: ContentFolder) -> None:
    banks = shipped.shared["banks"]
    questions = [question for bank in banks.values() for question in bank.questions if question.state == "live"]
    assert len(questions) >= 240
    types = Counter(question.content.type for question in questions)
    assert set(types) == set(type_names())
    assert 3 * types["case"] >= len(questions)
    assert len(shipped.shared["library.terms"]) >= 150
    # Of every text that is taught, each clause that carries a rule is asked about.
    taught = {bank.document for bank in banks.values() if bank.document} - {"handover-long"}
    asked = {name for question in questions for name in question.content.clauses}
    unasked = {
        f"{slug}#{anchor}"
        for slug in taught
        for anchors in shipped.shared["clauses"][slug].values()
        for anchor in anchors - NO_RULES
        if f"{slug}#{anchor}" not in asked
    }
    assert unasked == set()


def test_no_question_lies_where_no_quiz_can_draw_it(shipped: ContentFolder) -> None:
    assert never_drawn(shipped.shared["quiz_files"], pool_of(shipped.shared["banks"])) == []


def test_cases_are_a_third_of_every_bank(shipped: ContentFolder) -> None:
    few = {}
    for slug, bank in shipped.shared["banks"].items():
        types = [question.content.type for question in bank.questions if question.state == "live"]
        if 3 * types.count("case") < len(types):
            few[slug] = f"{types.count('case')} of {len(types)}"
    assert few == {}


def test_a_second_try_is_not_the_same(shipped: ContentFolder) -> None:
    pool = pool_of(shipped.shared["banks"])
    shallow = {
        f"{slug}: {float(depth):.2f}"
        for slug, quiz in shipped.shared["quiz_files"].items()
        for depth in depths_of(blueprint_of_terms(quiz.terms.blueprint), pool)
        if depth < DEEP_ENOUGH
    }
    assert shallow == set()
    # As the page of a quiz tells its authors: none of the questions comes again in the next attempt.
    again = {
        slug
        for slug, quiz in shipped.shared["quiz_files"].items()
        if is_shallow(blueprint_of_terms(quiz.terms.blueprint), pool)
    }
    assert again == set()


def test_the_report_remarks_on_what_is_never_drawn_and_on_what_comes_again(application: Flask, tmp_path: Path) -> None:
    folder = copy_to(tmp_path / "content")
    quiz = folder / "quizzes" / "impersonation.toml"
    text = re.sub(r'types = \["single.*', 'types = ["single_choice"]', quiz.read_text(encoding="utf-8"))
    quiz.write_text(text.replace("count = 3\ntypes", "count = 2\ntypes"), encoding="utf-8")
    with application.app_context():
        checked = check_content(folder, wiring.CONTENT_PARTS)
        (told,) = [each for each in report_content(checked, wiring.CONTENT_PARTS) if each.title == "Quizzes"]
    remarks = " ".join(map(str, told.remarks))
    assert "impersonation: a draw chooses among 1.00 times what it takes" in remarks
    assert "impersonation/imp-009: no quiz can draw it." in remarks
    assert "imp-001:" not in remarks


def test_every_choice_has_its_reason(shipped: ContentFolder) -> None:
    banks = shipped.shared["banks"]
    silent = [
        f"{slug}/{question.id}: {choice.text.en}"
        for slug, bank in banks.items()
        for question in bank.questions
        for part in question.content.parts
        for choice in part.choices
        if choice.rationale is None and part.rationale is None and question.content.rationale is None
    ]
    assert silent == []


def test_every_question_says_what_it_rests_on_and_how_hard_and_how_upsetting_it_is(shipped: ContentFolder) -> None:
    for slug, bank in shipped.shared["banks"].items():
        for question in bank.questions:
            content = question.content
            assert content.clauses, (slug, question.id)
            assert content.difficulty in range(1, 6), (slug, question.id)
            assert content.severity in ("S0", "S1", "S2"), (slug, question.id)


def test_the_report_tells_of_every_part_in_both_languages(shipped: ContentFolder, application: Flask) -> None:
    with application.app_context():
        sections = list(report_content(shipped, wiring.CONTENT_PARTS))
    titles = [str(section.title) for section in sections]
    assert titles == [
        "Glossary",
        "Documents",
        "Question banks",
        "Guessing without reading (English)",
        "Guessing without reading (Japanese)",
        "Quizzes",
        "Training plans",
        "Credentials",
    ]
    assert all(len(row) == len(section.header) for section in sections for row in section.rows)
    documents, banks = sections[1].rows, sections[2].rows
    assert {row[0] for row in documents} == {path.parent.name for path in DOCUMENTS}
    assert banks[-1][1] == sum(int(str(row[1])) for row in banks[:-1])


def test_the_command_prints_columns_below_one_another(app: Flask) -> None:
    assert in_columns([("確認テスト", "出題数", "印"), ("audit", 8, "x"), ("長い名前のもの", 12, "")]) == [
        "確認テスト      出題数  印",
        "audit                8  x",
        "長い名前のもの      12",
    ]
    told = app.test_cli_runner().invoke(args=["content", "report", str(SHIPPED), "--language", "ja"])
    assert told.exit_code == 0, told.output
    assert {"用語集", "文書", "問題バンク", "確認テスト", "研修計画", "資格"} <= set(told.stdout.splitlines())


def test_with_errors_nothing_is_counted(app: Flask, tmp_path: Path) -> None:
    (tmp_path / "documents" / "alone").mkdir(parents=True)
    (tmp_path / "documents" / "alone" / "en.md").write_text("# No", encoding="utf-8")
    told = app.test_cli_runner().invoke(args=["content", "report", str(tmp_path), "--language", "en"])
    assert told.exit_code == 1
    assert "documents/alone" in told.stderr
    assert "Documents" not in told.stdout
