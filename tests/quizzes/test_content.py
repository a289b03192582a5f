"""Banks and quizzes as files: checked with file, line and mend; taken in once; written back as they were."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from sqlalchemy import select

from portal.accounts.queries import find_owner
from portal.core.content import ContentFile, ContentFolder, Level
from portal.core.db import session
from portal.core.transaction import own_transaction
from portal.operations.service import ContentRefused, check_content, export_content, import_content
from portal.quizzes import queries
from portal.quizzes.content import BanksPart, QuizzesPart
from portal.quizzes.models import Question, QuestionCitation, QuestionState, QuestionVersion, Quiz, QuizVersion
from portal.wiring import CONTENT_PARTS
from tests.beginnings import beginning
from tests.builders import Cast
from tests.quizzes.builders import begin, drawable
from tests.sample_content import PATHS, copy_to


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the documents, banks and quizzes of the product."""
    wanted = ("documents/", "banks/", "quizzes/", "glossary")
    return copy_to(tmp_path, [path for path in PATHS if path.startswith(wanted)])


def _take_in(root: Path, cast: Cast) -> list[str]:
    with own_transaction():
        return import_content(root=root, parts=_parts(), by=cast.admin)[1]


def _parts() -> list[object]:
    return [part for part in CONTENT_PARTS if part.folder in ("documents", "banks", "quizzes")]


def _edit(root: Path, path: str, change: Callable[[str], str]) -> None:
    file = root / path
    before = file.read_text(encoding="utf-8")
    after = change(before)
    assert after != before
    file.write_text(after, encoding="utf-8")


def _swap(old: str, new: str) -> Callable[[str], str]:
    return lambda text: text.replace(old, new, 1)


@pytest.fixture
@beginning
def taken(cast: Cast) -> None:
    """What the product brings, taken in."""
    with TemporaryDirectory() as place:
        _take_in(copy_to(Path(place)), cast)


@pytest.mark.usefixtures("app")
def test_the_content_of_the_product_has_no_finding_in_banks_and_quizzes(folder: Path) -> None:
    findings = check_content(folder, _parts()).findings
    assert [str(f) for f in findings if f.path.startswith(("banks/", "quizzes/"))] == []


@pytest.mark.usefixtures("app")
def test_a_quiz_that_may_ask_about_sensitive_content_is_to_be_assigned(folder: Path) -> None:
    _edit(folder, "banks/impersonation.en.md", _swap("severity=S0 tags=names}", "severity=S2 tags=names}"))

    def told() -> list[str]:
        found = check_content(folder, _parts()).findings
        return [str(each) for each in found if each.path == "quizzes/impersonation.toml"]

    assert [("sensitivity level S2" in each) for each in told()] == [True]
    _edit(folder, "quizzes/impersonation.toml", _swap("\n[title]", "only_assigned = true\n\n[title]"))
    assert told() == []


def test_what_was_taken_in_is_written_back_byte_for_byte(cast: Cast, folder: Path, taken: None) -> None:
    for file in export_content([BanksPart(), QuizzesPart()]):
        assert file.text == (folder / file.path).read_text(encoding="utf-8"), file.path


def test_the_canonical_form_is_what_the_database_says(cast: Cast, folder: Path, taken: None) -> None:
    for part in (BanksPart(), QuizzesPart()):
        files = list(part.dump())
        assert files
        for file in files:
            assert part.canonical(file) == file.text
            taken = ContentFile(file.path, (folder / file.path).read_text(encoding="utf-8"))
            assert part.canonical(taken) == file.text


def test_taking_in_the_same_folder_again_changes_nothing(cast: Cast, folder: Path) -> None:
    first = _take_in(folder, cast)
    assert any(line.startswith("banks/impersonation.en.md: bank, imp-001") for line in first)
    assert "quizzes/impersonation.toml: 1.1" in first
    before = len(session.scalars(select(QuestionVersion)).all())
    assert _take_in(folder, cast) == []
    assert len(session.scalars(select(QuestionVersion)).all()) == before


def test_only_a_question_that_changed_gets_a_new_version_and_attempts_keep_theirs(
    cast: Cast, folder: Path, taken: None
) -> None:
    attempt = begin(cast.learner, queries.get_quiz("impersonation"))
    drawn = [item.question_version_id for item in queries.list_items(attempt)]
    _edit(
        folder,
        "banks/impersonation.ja.md",
        _swap("同姓同名のアカウントを通報しました", "同姓同名のアカウントを通報した"),
    )
    assert _take_in(folder, cast) == ["banks/impersonation.en.md: imp-001"]
    found = queries.find_latest(queries.get_bank("impersonation"), "imp-001")
    assert found is not None
    assert (found[0].latest, found[1].number) == (2, 2)
    assert len(found[0].versions) == 2
    session.rollback()
    assert [item.question_version_id for item in queries.list_items(queries.get_attempt(attempt.code))] == drawn


def test_a_state_is_changed_without_a_new_version(cast: Cast, folder: Path, taken: None) -> None:
    _edit(folder, "banks/impersonation.en.md", _swap("severity=S0 tags=names}", "severity=S0 tags=names state=draft}"))
    assert _take_in(folder, cast) == ["banks/impersonation.en.md: imp-001"]
    found = queries.find_latest(queries.get_bank("impersonation"), "imp-001")
    assert found is not None
    assert (found[0].state, found[1].number) == (QuestionState.DRAFT, 1)
    assert "impersonation/imp-001" not in drawable("impersonation")


def test_a_question_that_left_the_files_is_retired_and_can_come_back(cast: Cast, folder: Path, taken: None) -> None:
    kept = {name: (folder / f"banks/impersonation.{name}.md").read_text(encoding="utf-8") for name in ("en", "ja")}
    for name, text in kept.items():
        head, _, rest = text.partition("\n## ")
        _first, _, rest = rest.partition("\n## ")
        (folder / f"banks/impersonation.{name}.md").write_text(f"{head}\n## {rest}", encoding="utf-8")
    # One fewer of difficulty 1 and 2 still leaves three.
    assert _take_in(folder, cast) == ["banks/impersonation.en.md: imp-001"]
    gone = session.scalars(select(Question).where(Question.slug == "imp-001")).one()
    assert (gone.state, gone.position) == (QuestionState.RETIRED, None)
    assert not any("imp-001" in file.text for file in BanksPart().dump())
    for name, text in kept.items():
        (folder / f"banks/impersonation.{name}.md").write_text(text, encoding="utf-8")
    assert _take_in(folder, cast) == ["banks/impersonation.en.md: imp-001"]
    session.rollback()
    back = session.scalars(select(Question).where(Question.slug == "imp-001")).one()
    assert (back.state, back.position, back.latest) == (QuestionState.LIVE, 1, 1)


def test_a_question_remembers_the_clauses_as_they_stood(cast: Cast, folder: Path, taken: None) -> None:
    citations = session.scalars(
        select(QuestionCitation).where(QuestionCitation.anchor == "parody-accounts", QuestionCitation.tested)
    ).all()
    assert citations
    facts = queries.find_clauses("impersonation", "1.0")
    assert facts is not None
    for citation in citations:
        assert (citation.document_slug, citation.version_number) == ("impersonation", "1.0")
        assert citation.clause_hash == facts["parody-accounts"].hash
        assert citation.title.ja == "パロディアカウント"


def test_changed_terms_need_a_new_number_and_become_a_version(cast: Cast, folder: Path, taken: None) -> None:
    _edit(folder, "quizzes/impersonation.toml", _swap("attempts = 3", "attempts = 4"))
    with pytest.raises(ContentRefused) as refused, own_transaction():
        import_content(root=folder, parts=_parts(), by=cast.admin)
    (finding,) = refused.value.findings
    assert "Version 1.1 of this quiz says something else already." in finding.message
    assert "Raise the version" in finding.mend
    _edit(folder, "quizzes/impersonation.toml", _swap('version = "1.1"', 'version = "1.2"'))
    assert _take_in(folder, cast) == ["quizzes/impersonation.toml: 1.2"]
    assert queries.get_quiz("impersonation").attempts_allowed == 4
    numbers = session.scalars(select(QuizVersion.number).join(QuizVersion.quiz).where(Quiz.slug == "impersonation"))
    assert sorted(numbers) == ["1.1", "1.2"]


def test_an_unknown_owner_is_a_warning_and_the_importer_takes_the_place(cast: Cast, folder: Path) -> None:
    with own_transaction():
        read, _changes = import_content(root=folder, parts=_parts(), by=cast.admin)
    warned = [f for f in read.findings if f.path == "quizzes/impersonation.toml"]
    assert [f.level for f in warned] == [Level.WARNING]
    assert "Nobody signs in as" in warned[0].message
    owner = find_owner("quiz", "impersonation")
    assert owner is not None
    assert owner.owner_id == cast.admin.id
    bank = find_owner("question_bank", "impersonation")
    assert bank is not None
    assert bank.owner_id == cast.admin.id


def test_a_known_owner_is_the_owner(cast: Cast, folder: Path) -> None:
    _edit(
        folder,
        "quizzes/impersonation.toml",
        _swap('owner = "yamada.hiroko@hibiki.example"', f'owner = "{cast.author.sign_in_name}"'),
    )
    _take_in(folder, cast)
    owner = find_owner("quiz", "impersonation")
    assert owner is not None
    assert owner.owner_id == cast.author.id


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize(
    ("path", "change", "at", "line", "message", "mend"),
    [
        (
            "banks/impersonation.en.md",
            _swap("clause=fan-accounts,notice", "clause=fan-account,notice"),
            "banks/impersonation.en.md",
            24,
            "The clause “impersonation#fan-account” does not exist in version 1.0.",
            "by the id in its heading",
        ),
        (
            "banks/impersonation.en.md",
            _swap("Her proof of identity is in order.", "Her proof is in order ([[#parody]])."),
            "banks/impersonation.en.md",
            7,
            "The clause “impersonation#parody” does not exist",
            "by the id in its heading",
        ),
        (
            "banks/impersonation.en.md",
            _swap("{#imp-002}", "{#imp-001}"),
            "banks/impersonation.en.md",
            24,
            "The id “imp-001” stands on line 7 already.",
            "an id of its own",
        ),
        (
            "banks/impersonation.en.md",
            _swap("document: impersonation", "document: imposture"),
            "banks/impersonation.en.md",
            0,
            "There is no document “imposture”.",
            "documents/imposture",
        ),
        (
            "banks/impersonation.en.md",
            lambda text: text.replace('version: "1.0"', 'version: "2.0"'),
            "banks/impersonation.ja.md",
            1,
            "The version is “1.0” here and “2.0” in the English file.",
            "write its version",
        ),
        (
            "banks/impersonation.en.md",
            _swap("type=single_choice clause=likely", "type=essay clause=likely"),
            "banks/impersonation.en.md",
            8,
            "type is “essay”",
            "single_choice",
        ),
        (
            "quizzes/impersonation.toml",
            _swap("count = 3", "count = 13"),
            "quizzes/impersonation.toml",
            17,
            "The draw asks for 13 questions; 9 fit.",
            "Ask for fewer",
        ),
        (
            "quizzes/impersonation.toml",
            _swap('bank = "impersonation"', 'bank = "imposture"'),
            "quizzes/impersonation.toml",
            17,
            "There is no question bank “imposture”.",
            "banks/imposture.en.md",
        ),
        (
            "quizzes/impersonation.toml",
            _swap('types = ["case"]', 'types = ["essay"]'),
            "quizzes/impersonation.toml",
            29,
            "“types” holds something that is not known.",
            "case",
        ),
        (
            "quizzes/impersonation.toml",
            _swap('pass_mark = "80%"', 'pass_mark = "180%"'),
            "quizzes/impersonation.toml",
            7,
            "no percentage",
            'pass_mark = "80%"',
        ),
        (
            "quizzes/impersonation.toml",
            _swap("time_limit_minutes = 15", "time_limit_minutes = 0"),
            "quizzes/impersonation.toml",
            3,
            "“time_limit_minutes” is no whole number within its bounds",
            "from 1 to 1440",
        ),
        (
            "quizzes/impersonation.toml",
            _swap('release = "at_once"', 'release = "after_window"'),
            "quizzes/impersonation.toml",
            8,
            "the window never closes",
            "closes_at",
        ),
        (
            "quizzes/impersonation.toml",
            _swap('release = "at_once"', 'release = "never"'),
            "quizzes/impersonation.toml",
            8,
            "“release” holds something that is not known.",
            "at_once, after_window, by_hand",
        ),
        (
            "quizzes/impersonation.toml",
            _swap('show = ["score"', 'show = ["marks"'),
            "quizzes/impersonation.toml",
            9,
            "“show” holds something that is not known.",
            "score, correctness, key, rationale",
        ),
        (
            "quizzes/impersonation.toml",
            _swap("shuffle_questions = true", 'shuffle_questions = "yes"'),
            "quizzes/impersonation.toml",
            10,
            "neither true nor false",
            "true or false",
        ),
        (
            "quizzes/impersonation.toml",
            _swap("shuffle_questions = true", "shuffle_questions = true\nopens_at = 2026-04-01T09:00:00"),
            "quizzes/impersonation.toml",
            11,
            "“opens_at” is no instant with an offset",
            "+09:00",
        ),
        (
            "quizzes/impersonation.toml",
            _swap(
                "shuffle_questions = true",
                "shuffle_questions = true\nopens_at = 2026-04-01T09:00:00+09:00\ncloses_at = 2026-04-01T08:00:00+09:00",
            ),
            "quizzes/impersonation.toml",
            12,
            "The quiz closes before it opens.",
            "closes_at after opens_at",
        ),
        (
            "quizzes/impersonation.toml",
            _swap("shuffle_questions", "shuffle_question"),
            "quizzes/impersonation.toml",
            10,
            "“shuffle_question” is not known here.",
            "Correct or remove it.",
        ),
        (
            "quizzes/impersonation.toml",
            _swap('ja = "なりすまし 確認テスト"', 'jp = "なりすまし 確認テスト"'),
            "quizzes/impersonation.toml",
            13,
            "unknown language jp",
            "en = ",
        ),
        (
            "quizzes/impersonation.toml",
            _swap('title]\nen = "', "title]\nen = "),
            "quizzes/impersonation.toml",
            14,
            "not valid TOML",
            "quotation marks",
        ),
        (
            "quizzes/impersonation.toml",
            _swap('bank = "impersonation"\ncount = 3\n', 'questions = ["impersonation/imp-999"]\n'),
            "quizzes/impersonation.toml",
            17,
            "",
            "",
        ),
        (
            "quizzes/impersonation.toml",
            lambda text: text.partition("[[draw]]")[0] + '[[draw]]\nquestions = ["impersonation/imp-999"]\n',
            "quizzes/impersonation.toml",
            17,
            "There is no live question “impersonation/imp-999”.",
            "state is live",
        ),
    ],
)
def test_a_fault_is_said_with_file_line_and_mend(
    folder: Path, path: str, change: Callable[[str], str], at: str, line: int, message: str, mend: str
) -> None:
    _edit(folder, path, change)
    told = [(f.path, f.line, f.message, f.mend) for f in check_content(folder, _parts()).errors]
    assert any(
        where == at and (not line or number == line) and message in text and mend in how
        for where, number, text, how in told
    ), told


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("banks/impersonation.jp.md", "The language “jp” is not known."),
        ("banks/alone.en.md", "The other language is missing."),
        ("banks/Great.en.md", "“Great” cannot be an address."),
        ("banks/notes.txt", "This is no file of a question bank."),
        ("quizzes/impersonation.md", "This is no file of a quiz."),
        ("quizzes/Über.toml", "“Über” cannot be an address."),
    ],
)
def test_a_file_that_has_no_place_here_is_named(folder: Path, name: str, message: str) -> None:
    (folder / name).write_text("---\n---\n", encoding="utf-8")
    files = {
        path.relative_to(folder).as_posix(): ContentFile(
            path.relative_to(folder).as_posix(), path.read_text(encoding="utf-8")
        )
        for path in folder.rglob("*")
        if path.is_file()
    }
    read = ContentFolder(files)
    for part in (BanksPart(), QuizzesPart()):
        part.check(read)
    assert any(f.path == name and message in f.message for f in read.errors), [str(f) for f in read.errors]


@pytest.mark.usefixtures("app")
def test_draws_that_only_together_ask_for_too_much_are_refused(folder: Path) -> None:
    _edit(
        folder,
        "quizzes/impersonation.toml",
        lambda text: (
            text.partition("[[draw]]")[0]
            + '[[draw]]\nbank = "impersonation"\ncount = 4\ntypes = ["case"]\n\n'
            + '[[draw]]\nbank = "impersonation"\ncount = 24\n'
        ),
    )
    told = [f.message for f in check_content(folder, _parts()).errors]
    assert told == [
        "The draws together ask for more questions than there are: some fit several of them, and none comes twice."
    ]


@pytest.mark.usefixtures("app")
def test_a_window_shorter_than_the_limit_is_a_warning_to_the_author(folder: Path) -> None:
    _edit(
        folder,
        "quizzes/impersonation.toml",
        _swap(
            "shuffle_questions = true",
            "shuffle_questions = true\nopens_at = 2026-04-01T09:00:00+09:00\ncloses_at = 2026-04-01T09:10:00+09:00",
        ),
    )
    found = check_content(folder, _parts())
    assert found.errors == []
    assert any("nobody gets the full time" in f.message and f.level is Level.WARNING for f in found.findings)
    file = ContentFile(
        "quizzes/impersonation.toml", (folder / "quizzes/impersonation.toml").read_text(encoding="utf-8")
    )
    assert "opens_at = 2026-04-01T00:00:00+00:00" in (QuizzesPart().canonical(file) or "")


@pytest.mark.usefixtures("app")
def test_a_quiz_about_documents_for_different_people_is_a_warning_that_names_them(folder: Path) -> None:
    quiz = "quizzes/impersonation.toml"
    _edit(folder, quiz, lambda text: text + '\n[[draw]]\nbank = "daily-audit"\ncount = 1\n')
    assert not any("different people" in each.message for each in check_content(folder, _parts()).findings)
    for slug, market in (("daily-audit", "US"), ("impersonation", "JP")):
        _edit(folder, f"documents/{slug}/document.toml", _swap("markets = []", f'markets = ["{market}"]'))
    found = [each for each in check_content(folder, _parts()).findings if "different people" in each.message]
    # The quiz about the daily audit asks for a clause of the other document too.
    assert {(each.path, each.level) for each in found} == {
        (path, Level.WARNING) for path in (quiz, "quizzes/daily-audit.toml")
    }
    assert all("daily-audit: US; impersonation: JP" in each.message for each in found)


# --- a document gets a new version ----------------------------------------------------------------

# What rests on the clause about notices.
NOTICE = "imp-002, imp-005, imp-012, imp-013, imp-014, imp-015, imp-016, imp-101, imp-102, imp-104, imp-106, imp-108"
EN, JA = "documents/impersonation/en.md", "documents/impersonation/ja.md"


def _new_version(root: Path, number: str, change_class: str, based_on: str, old: str, new: str) -> None:
    """Publish a version of the policy in the folder; the translation stays behind and the banks stay as they are."""

    def change(text: str) -> str:
        head, sign, body = text.partition("\n---\n")
        lines = [line for line in head.split("\n") if not line.startswith(("version", "change_class", "based_on"))]
        lines += [f'version: "{number}"', f"change_class: {change_class}", f'based_on: "{based_on}"']
        assert old in body
        return "\n".join(lines) + sign + body.replace(old, new, 1)

    _edit(root, EN, change)


def _warnings(root: Path, cast: Cast) -> list[str]:
    with own_transaction():
        folder, changes = import_content(root=root, parts=_parts(), by=cast.admin)
    assert not [line for line in changes if line.startswith("banks/")], changes
    return [f"{each.path}:{each.line} {each.message} {each.mend}" for each in folder.findings if "banks/" in each.path]


def test_an_editorial_version_asks_nothing_of_the_banks(cast: Cast, folder: Path, taken: None) -> None:
    _new_version(folder, "1.1", "editorial", "1.0", "This policy covers accounts", "The policy covers accounts")
    assert _warnings(folder, cast) == []
    assert session.query(QuestionVersion).filter(QuestionVersion.number > 1).count() == 0


def test_a_changed_clause_names_the_questions_that_cite_it_until_they_are_looked_at(
    cast: Cast, folder: Path, taken: None
) -> None:
    _new_version(folder, "1.1", "editorial", "1.0", "This policy covers accounts", "The policy covers accounts")
    _take_in(folder, cast)
    _new_version(folder, "1.2", "material", "1.1", "It gives **72 hours**", "It gives **48 hours**")
    text = (folder / "banks/impersonation.en.md").read_text(encoding="utf-8")
    line = text[: text.index("{#imp-002}")].count("\n") + 1
    [warning] = _warnings(folder, cast)
    assert warning == (
        f"banks/impersonation.en.md:{line} The clause “impersonation#notice” has changed in version 1.2; cited by: "
        f"{NOTICE}. Look at these questions again; then write "
        'version: "1.2" in both files.'
    )
    assert _warnings(folder, cast) == [warning], "as long as nobody has"
    for name in ("en", "ja"):
        _edit(folder, f"banks/impersonation.{name}.md", _swap('version: "1.0"', 'version: "1.2"'))
    changes = _take_in(folder, cast)
    # Two rest on the clause with the editorial change: from now on they show the new wording.
    changed = sorted((*NOTICE.split(", "), "imp-008", "imp-105"))
    assert changes == [f"banks/impersonation.en.md: bank, {', '.join(changed)}"]
    assert _warnings(folder, cast) == []
    assert {file.path: file.text for file in export_content([BanksPart()])}["banks/impersonation.en.md"] == (
        folder / "banks/impersonation.en.md"
    ).read_text(encoding="utf-8")


def test_a_bank_without_a_version_cites_what_is_there_and_says_what_changed(cast: Cast, folder: Path) -> None:
    for name in ("en", "ja"):
        _edit(folder, f"banks/impersonation.{name}.md", _swap('version: "1.0"\n', ""))
    _take_in(folder, cast)
    cited = session.scalars(select(QuestionCitation.version_number).distinct()).all()
    assert cited == ["1.0"]
    _new_version(folder, "1.1", "minor", "1.0", "It gives **72 hours**", "It gives **48 hours**")
    with own_transaction():
        taken, changes = import_content(root=folder, parts=_parts(), by=cast.admin)
    assert changes[1:] == [f"banks/impersonation.en.md: {NOTICE}"]
    assert [each.message for each in taken.findings if each.path == "banks/impersonation.en.md"] == [
        f"The clause “impersonation#notice” has changed in version 1.1; cited by: {NOTICE}."
    ]
    assert _warnings(folder, cast) == []


def test_a_clause_that_is_gone_is_said_with_its_questions_and_what_was_cited_stays(
    cast: Cast, folder: Path, taken: None
) -> None:
    _new_version(folder, "1.1", "minor", "1.0", "## Parody accounts {#parody-accounts}", "## Parody {#parody}")
    _edit(folder, EN, lambda text: text.replace("[[#parody-accounts]]", "[[#parody]]"))
    _edit(
        folder, "documents/daily-audit/en.md", lambda text: text.replace("[[impersonation#parody-accounts]]", "parody")
    )
    _edit(
        folder, "documents/daily-audit/ja.md", lambda text: text.replace("[[impersonation#parody-accounts]]", "parody")
    )
    _edit(folder, JA, lambda text: text.replace("[[#parody-accounts]]", "[[#parody]]"))
    findings = check_content(folder, _parts()).findings
    [gone] = [each for each in findings if each.path == "banks/impersonation.en.md"]
    assert gone.level is Level.WARNING
    assert gone.message == (
        "The clause “impersonation#parody-accounts” is not in version 1.1 any more; cited as of version 1.0 by: "
        "imp-003, imp-101, imp-103, imp-105, imp-106."
    )
    for name in ("en", "ja"):
        _edit(folder, f"banks/impersonation.{name}.md", _swap('version: "1.0"', 'version: "1.1"'))
    errors = [each.message for each in check_content(folder, _parts()).errors if each.path.startswith("banks/")]
    assert errors == ["The clause “impersonation#parody-accounts” does not exist in version 1.1."] * 5


def test_a_folder_without_the_history_of_its_documents_can_be_taken_in(cast: Cast, folder: Path) -> None:
    _new_version(folder, "1.3", "material", "1.2", "It gives **72 hours**", "It gives **48 hours**")
    with own_transaction():
        taken, _changes = import_content(root=folder, parts=_parts(), by=cast.admin)
    said = [each for each in taken.findings if each.path == "banks/impersonation.en.md"]
    assert [(each.line, each.message, each.mend) for each in said] == [
        (4, "Version 1.0 of “impersonation” is not known here.", "The questions cite version 1.3.")
    ]
    assert _take_in(folder, cast) == []


def _stale() -> set[str]:
    session.expire_all()
    return set(session.scalars(select(Question.slug).where(Question.state == QuestionState.STALE)))


def test_a_material_version_makes_its_questions_stale_and_the_files_stay_as_they_were(
    cast: Cast, folder: Path, taken: None
) -> None:
    _new_version(folder, "1.1", "material", "1.0", "It gives **72 hours**", "It gives **48 hours**")
    assert len(_warnings(folder, cast)) == 1
    stale = _stale()
    assert {"imp-002", "imp-005"} <= stale
    # Imported again as it is, the bank says nothing new.
    assert _take_in(folder, cast) == []
    assert _stale() == stale
    for file in export_content([BanksPart()]):
        assert file.text == (folder / file.path).read_text(encoding="utf-8"), file.path


def test_a_version_and_a_bank_that_was_looked_at_for_it_come_in_together_with_live_questions(
    cast: Cast, folder: Path, taken: None
) -> None:
    _new_version(folder, "1.1", "material", "1.0", "It gives **72 hours**", "It gives **48 hours**")
    for name in ("en", "ja"):
        _edit(folder, f"banks/impersonation.{name}.md", _swap('version: "1.0"', 'version: "1.1"'))
    _take_in(folder, cast)
    assert _stale() == set()
