"""The git history of a folder taken in as versions: nothing asked of anybody, nothing lost unsaid, nothing executed."""

from __future__ import annotations

import csv
import os
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import select

from portal import wiring
from portal.accounts.models import Role
from portal.accounts.queries import find_first_administrator
from portal.core import clock
from portal.core.content import ContentPart
from portal.core.db import session
from portal.core.transaction import own_transaction
from portal.journal.models import JournalEntry, Seal
from portal.library import queries
from portal.library.formats.git import Repository
from portal.library.models import (
    AudienceKind,
    ChangeClass,
    Clause,
    ClauseText,
    DocumentKind,
    DocumentVersion,
    VersionText,
)
from portal.library.rules import Standing
from portal.library.service import documents, history, versions
from portal.operations import doctor
from portal.operations.service import check_content, export_content, import_content
from tests.builders import make_grant, make_market, make_person
from tests.library.builders import make_version
from tests.library.git import GitFolder
from tests.material import material
from tests.volume import NIGHTLY, examples

RULE = "Accounts of fans carry a label in their name or description, or they are reported and looked at within a day."
POLICY = f"# Fan accounts\n\nWhat holds.\n\n## Labels\n\n{RULE}\n\n## Appeals\n\nIn writing.\n"


@pytest.fixture
def admin(app: Flask) -> Any:
    make_market("JP")
    person = make_person("admin@portal.example")
    make_grant(person, Role.ADMIN)
    return person


@pytest.fixture
def folder(tmp_path: Path) -> GitFolder:
    return GitFolder(tmp_path / "repository.git")


@pytest.fixture
def take(app: Flask, admin: Any) -> Callable[..., Result]:
    """Run the command; it must succeed unless said otherwise."""

    def run(path: Path, *options: str, code: int = 0) -> Result:
        done = app.test_cli_runner().invoke(
            args=["content", "import", str(path), "--history", "--language", "en", *options]
        )
        assert done.exit_code == code, done.output
        session.expire_all()
        return done

    return run


def numbers(slug: str) -> list[str]:
    return [version.number for version in queries.get_document(slug).versions]


def latest(slug: str) -> DocumentVersion:
    version = queries.latest_version(queries.get_document(slug))
    assert version is not None
    return version


def source(version: DocumentVersion, language: str = "en") -> str:
    text = version.text_in(language)
    assert text is not None
    return text.source


# --- commits and versions -------------------------------------------------------------------------


def test_a_commit_becomes_a_version_with_author_date_and_words(take: Any, folder: GitFolder) -> None:
    first = folder.commit({"docs/fan-accounts.md": POLICY}, "Begin\n\nWhat we decided.", at="2021-04-01T09:00:00+09:00")
    quicker = {"docs/fan-accounts.md": POLICY.replace("a day", "an hour")}
    second = folder.commit(quicker, "Be quicker", author="Ann Lee", at="2021-05-02T08:00:00-05:00")
    done = take(folder.path)
    assert done.stdout.splitlines()[-1] == "1 document, 2 versions, 0 refused"
    document = queries.get_document("fan-accounts")
    one, two = document.versions
    assert document.kind is DocumentKind.POLICY
    assert [document.audience(kind) for kind in AudienceKind] == [[]] * len(AudienceKind)
    assert (one.number, one.author_name, one.origin_commit, one.zone) == ("1.0", "Mori Akiko", first, "Asia/Tokyo")
    assert one.issued_at == one.effective_at == datetime(2021, 4, 1, 0, 0, tzinfo=UTC)
    assert (one.origin_note, one.origin_path) == ("Begin\n\nWhat we decided.", "docs/fan-accounts.md")
    assert (two.number, two.author_name, two.origin_commit, two.zone) == ("1.1", "Ann Lee", second, "Etc/GMT+5")
    assert (two.effective_at, two.based_on, two.stated_based_on) == (datetime(2021, 5, 2, 13, tzinfo=UTC), one, "1.0")
    assert [version.change_class for version in document.versions] == [ChangeClass.MINOR, ChangeClass.MINOR]
    assert queries.standing_of(two) is Standing.IN_FORCE


def test_nobody_is_asked_to_confirm_what_was_written_elsewhere(take: Any, folder: GitFolder) -> None:
    folder.commit({"a.md": POLICY})
    folder.commit({"a.md": "# Fan accounts\n\nAll of it is new, and much shorter."})
    folder.commit({"a.md": "# Fan accounts\n\nAll of it is new — and *much* shorter!"})
    take(folder.path)
    assert [version.change_class for version in queries.get_document("a").versions] == ["minor", "minor", "editorial"]


def test_a_commit_that_changes_no_word_and_no_mark_makes_no_version(take: Any, folder: GitFolder) -> None:
    folder.commit({"a.md": POLICY})
    folder.commit({"a.md": POLICY.replace("\n", "  \r\n")})
    folder.commit({"a.md": POLICY.replace("label", "sign")})
    folder.commit({"a.md": POLICY})
    take(folder.path)
    assert numbers("a") == ["1.0", "1.1", "1.2"]


def test_a_file_is_followed_through_its_names(take: Any, folder: GitFolder) -> None:
    folder.commit({"old.md": POLICY})
    folder.commit({}, moves={"old.md": "policies/new name.md"})
    folder.commit({"policies/new name.md": POLICY.replace("day", "week"), "old.md": "# Another\n\nOne."})
    take(folder.path)
    assert numbers("new-name") == ["1.0", "1.1"]
    assert numbers("old") == ["1.0"]


def test_a_deleted_file_is_withdrawn_at_that_date_and_says_by_which_commit(take: Any, folder: GitFolder) -> None:
    folder.commit({"a.md": POLICY}, at="2021-04-01T09:00:00+09:00")
    gone = folder.commit({"a.md": None}, "Drop the policy", at="2022-01-01T00:00:00+00:00")
    take(folder.path)
    version = latest("a")
    assert version.withdrawn_at == datetime(2022, 1, 1, tzinfo=UTC)
    assert version.withdrawal_reason == f"The file was deleted in commit {gone[:10]}: Drop the policy"
    assert queries.standing_of(version) is Standing.WITHDRAWN


def test_a_file_that_comes_back_goes_on(take: Any, folder: GitFolder) -> None:
    folder.commit({"a.md": POLICY})
    folder.commit({"a.md": None})
    take(folder.path)
    folder.commit({"a.md": POLICY})
    folder.commit({"a.md": POLICY.replace("day", "week")})
    take(folder.path)
    version = latest("a")
    assert (numbers("a"), version.withdrawn_at) == (["1.0", "1.1", "1.2"], None)
    assert queries.standing_of(version) is Standing.IN_FORCE


def test_headings_keep_their_ids_over_the_versions(take: Any, folder: GitFolder) -> None:
    folder.commit({"a.md": POLICY})
    folder.commit({"a.md": POLICY.replace("## Labels", "## How fan accounts are marked")})
    take(folder.path)
    one, two = queries.get_document("a").versions
    assert queries.clause_anchors(one) == queries.clause_anchors(two) == ["top", "labels", "appeals"]
    assert "## How fan accounts are marked {#labels}\n" in source(two)


def test_what_was_merged_is_one_version_by_whom_it_was_written(take: Any, folder: GitFolder) -> None:
    base = folder.commit({"a.md": POLICY})
    side = folder.commit({"a.md": POLICY.replace("day", "week")}, author="Ann Lee", branch="side", begins=base)
    side = folder.commit({"a.md": POLICY.replace("day", "year")}, author="Ann Lee", branch="side", begins=side)
    folder.commit({"b.md": "# Other\n\nText."})
    folder.commit({"a.md": POLICY.replace("day", "year")}, "Merge branch 'side'", merges=side)
    take(folder.path)
    one, two = queries.get_document("a").versions
    assert (one.author_name, two.author_name) == ("Mori Akiko", "Ann Lee")
    assert "within a year" in source(two)


def test_what_was_merged_is_by_whom_it_was_written_whoever_merged_it(take: Any, folder: GitFolder) -> None:
    """Also where the merge says something of its own, and where the branch ends with another file of somebody else."""
    base = folder.commit({"a.md": POLICY, "b.md": "# Other\n\nText."})
    side = folder.commit({"a.md": POLICY.replace("day", "week")}, author="Bob Ray", branch="side", begins=base)
    side = folder.commit({"a.md": POLICY.replace("day", "year")}, author="Cho Min", branch="side", begins=side)
    side = folder.commit({"b.md": "# Other\n\nMore."}, author="Dan", branch="side", begins=side)
    folder.commit({"c.md": "# Third\n\nText."})
    both = {"a.md": POLICY.replace("day", "year"), "b.md": "# Other\n\nMore."}
    folder.commit(both, "Land the new times (#12)", author="Ann Lee", merges=side)
    folder.commit({"a.md": POLICY}, "Back", author="Ann Lee")
    take(folder.path)
    assert [version.author_name for version in queries.get_document("a").versions] == [
        "Mori Akiko", "Bob Ray, Cho Min", "Ann Lee",
    ]  # fmt: skip
    assert latest("b").author_name == "Dan"


def test_mail_addresses_stand_neither_in_messages_nor_in_names(take: Any, folder: GitFolder) -> None:
    words = "Ask bob@example.com first\n\nReviewed-by: Ann Lee <ann.lee@example.co.jp>\nsee mailto:x+y@example.org."
    folder.commit({"a.md": POLICY}, words, author="bob@example.com")
    folder.commit({"a.md": None}, "Gone says carol@example.com")
    take(folder.path)
    version = latest("a")
    assert version.author_name == "bob"
    assert version.origin_note == "Ask … first\n\nReviewed-by: Ann Lee\nsee mailto:…."
    assert "carol@example.com" not in (version.withdrawal_reason or "")
    assert "@example" not in "".join(str(entry.after) for entry in session.scalars(select(JournalEntry)))


def test_what_shows_readers_nothing_new_is_counted(take: Any, folder: GitFolder) -> None:
    folder.commit({"a.md": f"---\ntags: one\n---\n{POLICY}", "b.md": "# B\n\nText."})
    folder.commit({"a.md": f"---\ntags: two\n---\n{POLICY}", "b.md": "# B\n\nText.  "})
    done = take(folder.path)
    assert done.stdout.splitlines() == [
        "2 changes of files show readers nothing new, and made no version", "2 documents, 2 versions, 0 refused",
    ]  # fmt: skip


def test_two_files_that_take_each_others_names_keep_their_histories(take: Any, folder: GitFolder) -> None:
    one, two = POLICY, "# Parody\n\nSay that it is a joke.\n"
    folder.commit({"a.md": one, "b.md": two, "c.md": "# Third\n\nText."})
    folder.commit({"a.md": two, "b.md": one})
    folder.commit({"a.md": two.replace("joke", "parody"), "c.md": one.replace("day", "week")})
    take(folder.path)
    parody, fans = queries.get_document("a"), queries.get_document("b")
    assert [version.text_in("en").title for version in parody.versions] == ["Parody", "Parody"]  # type: ignore[union-attr]
    assert numbers("b") == ["1.0"]
    assert "label" in source(fans.versions[-1])
    assert numbers("c") == ["1.0", "1.1"]


def test_signs_that_turn_the_direction_of_words_are_left_out(take: Any, folder: GitFolder) -> None:
    folder.commit({"a.md": f'---\ntitle: "A\u202eb"\n---\n{POLICY}\n\u202egnp.exe &#x202e;x &#8238;y \u2066z\n'})
    take(folder.path)
    version = latest("a")
    shown = "".join(str(clause.html) for clause in queries.list_shown_clauses(version, "en"))
    text = version.text_in("en")
    assert text is not None
    for said in (source(version), text.title, shown):
        assert not any(each in said for each in "\u202e\u2066")


def test_a_market_that_there_is_not_is_told_of(take: Any, folder: GitFolder) -> None:
    settings = 'kind = "policy"\nowner = "x"\n[audience]\nmarkets = ["ZZ", "JP"]\nteams = ["nobody"]\n'
    folder.commit({"documents/a/document.toml": settings, "documents/a/en.md": POLICY})
    done = take(folder.path)
    for code, key in (("ZZ", "markets"), ("nobody", "teams")):
        assert f"“{code}” is not known for “{key}”. Add it in the settings" in done.stderr
    assert "“JP”" not in done.stderr
    assert done.stdout.splitlines()[-1] == "1 document, 1 version, 0 refused"


def test_dates_that_cannot_be_are_set_between_those_around_them(take: Any, folder: GitFolder) -> None:
    days = ("1970-01-01", "2100-01-01", "2021-05-02", "2021-05-01", "2021-05-02", "2100-06-01")
    for number, day in enumerate(days):
        folder.commit({"a.md": f"# Title\n\nText number {number}."}, at=f"{day}T00:00:00+00:00")
    take(folder.path)
    day, second = datetime(2021, 5, 2, tzinfo=UTC), timedelta(seconds=1)
    assert [version.effective_at for version in queries.get_document("a").versions] == [
        day - second, day, day + second, day + 2 * second, day + 3 * second, day + 4 * second,
    ]  # fmt: skip
    assert latest("a").issued_at <= clock.now()


# --- two languages --------------------------------------------------------------------------------

JA = "# ファンアカウント\n\n定めます。\n\n## 表示\n\n表示が必要です。\n\n## 異議\n\n書面で。\n"


def test_two_languages_are_one_document_whose_clauses_share_their_ids(take: Any, folder: GitFolder) -> None:
    folder.commit({"fan.md": POLICY, "fan.ja.md": JA})
    folder.commit({"fan.md": POLICY.replace("day", "week")})
    folder.commit({"fan.ja.md": JA.replace("表示が必要", "一週間以内の表示が必要")})
    take(folder.path)
    one, two, three = queries.get_document("fan").versions
    assert [each.change_class for each in (one, two, three)] == ["minor", "minor", "editorial"]
    japanese = [version.text_in("ja") for version in (one, two, three)]
    assert [(text.says_number, text.behind) for text in japanese if text] == [
        ("1.0", []),
        ("1.0", ["labels"]),
        ("1.2", []),
    ]
    assert [each.is_provisional for each in (one, two, three)] == [False, True, False]
    assert queries.clause_hashes(three, "ja").keys() == queries.clause_hashes(three, "en").keys()


def test_a_japanese_text_alone_decides(take: Any, folder: GitFolder) -> None:
    folder.commit({"docs/規則.md": JA, "docs/readme.md": POLICY})
    take(folder.path)
    (slug,) = queries.list_slugs() - {"docs"}
    document = queries.get_document(slug)
    assert (document.authoritative, slug[:9]) == ("ja", "document-")


def test_two_texts_with_other_headings_are_two_documents(take: Any, folder: GitFolder) -> None:
    folder.commit({"en/fan.md": POLICY, "ja/fan.md": JA + "\n## 附則\n\nなし。\n"})
    assert take(folder.path).stdout.splitlines()[-1] == "2 documents, 2 versions, 0 refused"
    assert (latest("fan").is_provisional, latest("fan-ja").text_in("en")) == (True, None)


def test_a_translation_that_runs_ahead_waits_for_the_text_that_decides(take: Any, folder: GitFolder) -> None:
    folder.commit({"fan.en.md": POLICY, "fan.ja.md": JA})
    folder.commit({"fan.ja.md": JA + "\n## 附則\n\nなし。\n"})
    folder.commit({"fan.en.md": POLICY + "\n## Final rule\n\nNone.\n"})
    ahead = folder.commit({"fan.ja.md": JA + "\n## 附則\n\nなし。\n\n## 別表\n\nあり。\n"})
    folder.commit({"fan.ja.md": JA + "\n## 附則\n\nありません。\n"})
    done = take(folder.path)
    assert numbers("fan") == ["1.0", "1.1", "1.2"]
    assert "なし。" in source(queries.get_document("fan").versions[1], "ja")
    assert f"fan.ja.md@{ahead[:10]}: not taken: Its headings are not those of the authoritative text." in done.stderr


# --- our own layout -------------------------------------------------------------------------------

SETTINGS = 'kind = "sop"\nowner = "x@y.example"\nsensitivity = "S1"\n[audience]\nroles = ["lead"]\n'


def ours(number: str, word: str) -> str:
    head = f'---\ntitle: Rule\nversion: "{number}"\nsummary: In short.\n---\n'
    return f"{head}## Label {{#label sensitivity=S1}}\n\n{word}\n"


def test_our_own_layout_keeps_settings_numbers_and_ids(take: Any, folder: GitFolder) -> None:
    path = "content/documents/rule"
    folder.commit({f"{path}/document.toml": SETTINGS, f"{path}/en.md": ours("1.0", "One.")})
    folder.commit({f"{path}/en.md": ours("1.0", "Two.")})
    folder.commit({f"{path}/en.md": ours("2.0", "Three.")})
    take(folder.path)
    document = queries.get_document("rule")
    assert (document.kind, document.sensitivity) == (DocumentKind.SOP, "S1")
    assert document.audience(AudienceKind.ROLE) == ["lead"]
    assert numbers("rule") == ["1.0", "1.1", "2.0"]
    assert queries.clause_anchors(latest("rule")) == ["label"]


def test_a_text_whose_audience_cannot_be_read_is_shown_to_nobody(take: Any, folder: GitFolder) -> None:
    path = "documents/rule"
    other = "documents/other"
    folder.commit(
        {
            f"{path}/document.toml": SETTINGS + "[[",
            f"{path}/en.md": ours("1.0", "One."),
            f"{other}/document.toml": SETTINGS,
            f"{other}/en.md": ours("1.0", "One."),
        }
    )
    done = take(folder.path)
    assert "documents/rule/document.toml@" in done.stderr
    assert queries.find_document("rule") is None
    assert numbers("other") == ["1.0"]


def test_a_document_that_was_narrowed_to_fewer_people_is_narrowed_here_too(take: Any, folder: GitFolder) -> None:
    path = "documents/rule"
    wide = SETTINGS.replace('roles = ["lead"]', "roles = []")
    folder.commit({f"{path}/document.toml": wide, f"{path}/en.md": ours("1.0", "One.")})
    take(folder.path)
    assert queries.get_document("rule").audience(AudienceKind.ROLE) == []
    folder.commit({f"{path}/document.toml": SETTINGS})
    assert take(folder.path).stdout.splitlines()[-1] == "1 document, 0 versions, 0 refused"
    assert queries.get_document("rule").audience(AudienceKind.ROLE) == ["lead"]
    assert take(folder.path).stdout.splitlines()[-1] == "0 documents, 0 versions, 0 refused"


# --- again ----------------------------------------------------------------------------------------


def test_what_a_market_does_otherwise_is_told_of_and_not_shown_as_a_text_of_its_own(
    take: Any, folder: GitFolder
) -> None:
    overlay = ours("1.0", "LINE").replace("title:", 'over: "1.0"\ntitle:').replace("#labels", "#labels overlay=append")
    settings = 'kind = "policy"\nowner = "admin@portal.example"\n'
    folder.commit(
        {
            "documents/fans/document.toml": settings,
            "documents/fans/en.md": ours("1.0", "a day"),
            "documents/fans@JP/document.toml": settings.split("\n", 1)[1],
            "documents/fans@JP/en.md": overlay,
        },
        "Begin",
    )
    done = take(folder.path)
    assert done.stdout.splitlines()[-1] == "1 document, 1 version, 1 refused"
    assert "documents/fans@JP/en.md" in done.stderr
    assert "without --history" in done.stderr
    assert [document.slug for document in queries.list_documents()] == ["fans"]


@pytest.mark.parametrize(
    ("name", "said"), [("fans@JP@US", "never over an overlay"), ("fans@", "“fans@” cannot be an address")]
)
def test_a_folder_that_is_no_markets_text_is_not_taken_as_a_document_of_its_own(
    take: Any, folder: GitFolder, name: str, said: str
) -> None:
    settings = 'kind = "policy"\nowner = "admin@portal.example"\n'
    folder.commit(
        {
            "documents/fans/document.toml": settings,
            "documents/fans/en.md": ours("1.0", "a day"),
            f"documents/{name}/en.md": ours("1.0", "LINE"),
        },
        "Begin",
    )
    done = take(folder.path)
    assert done.stdout.splitlines()[-1] == "1 document, 1 version, 1 refused"
    assert f"documents/{name}/en.md" in done.stderr
    assert said in done.stderr
    assert [document.slug for document in queries.list_documents()] == ["fans"]


def test_a_second_time_takes_in_what_was_committed_since(take: Any, folder: GitFolder) -> None:
    folder.commit({"a.md": POLICY, "b.md": "# B\n\nText."})
    take(folder.path)
    entries = session.query(JournalEntry).count()
    assert take(folder.path).stdout.splitlines()[-1] == "0 documents, 0 versions, 0 refused"
    assert session.query(JournalEntry).count() == entries
    folder.commit({}, moves={"a.md": "rules/renamed.md"})
    folder.commit({"rules/renamed.md": POLICY.replace("## Labels", "## Marks"), "a.md": "# New\n\nIn the old place."})
    assert take(folder.path).stdout.splitlines()[-1] == "2 documents, 2 versions, 0 refused"
    assert numbers("a") == ["1.0", "1.1"]
    assert queries.clause_anchors(latest("a")) == ["top", "labels", "appeals"]
    assert numbers("a-2") == ["1.0"]
    assert take(folder.path).stdout.splitlines()[-1] == "0 documents, 0 versions, 0 refused"


def test_taking_in_commit_by_commit_makes_the_same_as_all_at_once(take: Any, folder: GitFolder, tmp_path: Path) -> None:
    other = GitFolder(tmp_path / "other.git")
    steps: list[dict[str, Any]] = [
        {"x/a.md": POLICY},
        {"x/a.ja.md": JA},
        {"x/a.md": POLICY.replace("## Labels", "## Marks")},
        {"x/a.md": POLICY.replace("## Labels", "## Marks").replace("## Appeals\n\nIn writing.\n", "")},
        {"x/a.md": POLICY + "\n## Marks of others\n\nNo.\n"},
        {"x/a.ja.md": None},
        {"x/a.md": POLICY},
    ]
    for step in steps:
        folder.commit(step)
        # Other commits: what the same ones made would be known again.
        other.commit(step, author="Ann Lee")
        take(folder.path)
    take(other.path, "--prefix", "all")
    told = [
        [
            (
                each.number,
                each.change_class,
                each.effective_at,
                {t.language: t.hash for t in each.texts},
            )
            for each in queries.get_document(slug).versions
        ]
        for slug in ("a", "all-a")
    ]
    assert told[0] == told[1]
    assert len(told[0]) == 7


def test_a_document_that_has_grown_here_is_not_merged(take: Any, folder: GitFolder, admin: Any) -> None:
    folder.commit({"a.md": POLICY})
    take(folder.path)
    make_version(queries.get_document("a"), admin, "1.1")
    folder.commit({"a.md": POLICY.replace("day", "week"), "b.md": POLICY})
    done = take(folder.path)
    assert "The document “a” has a version 1.1 that is not from this history; nothing is merged." in done.stderr
    assert done.stdout.splitlines()[-1] == "1 document, 1 version, 1 refused"
    assert numbers("a") == ["1.0", "1.1"]


def test_an_address_that_is_taken_can_be_told_apart_by_a_word_in_front(
    take: Any, folder: GitFolder, admin: Any
) -> None:
    with own_transaction():
        documents.create_document(slug="a", kind=DocumentKind.POLICY, by=admin)
    folder.commit({"a.md": POLICY})
    done = take(folder.path, code=1)
    assert "a.md@" in done.stderr
    assert "--prefix" in done.stderr
    take(folder.path, "--prefix", "acme")
    assert numbers("acme-a") == ["1.0"]


def test_what_was_interrupted_is_finished_by_the_next_run(
    take: Any, folder: GitFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.commit({"a.md": POLICY, "b.md": POLICY})
    written = history.take_in

    def stop(prepared: history.Prepared, **values: Any) -> Any:
        made = written(prepared, **values)
        if prepared.planned.slug == "b":
            raise KeyboardInterrupt
        return made

    monkeypatch.setattr(history, "take_in", stop)
    take(folder.path, code=1)
    assert queries.list_slugs() == {"a"}
    monkeypatch.undo()
    assert take(folder.path).stdout.splitlines()[-1] == "1 document, 1 version, 0 refused"
    assert queries.list_slugs() == {"a", "b"}


def test_a_long_history_is_taken_in_part_by_part(take: Any, folder: GitFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "_AT_ONCE", 3)
    for number in range(8):
        folder.commit({"a.md": f"# Title\n\nText number {number}."})
    folder.commit({"a.md": None})
    take(folder.path)
    assert numbers("a") == [f"1.{number}" for number in range(8)]
    assert latest("a").withdrawn_at is not None


# --- the same as one by one -----------------------------------------------------------------------


def test_versions_written_together_are_those_that_are_written_one_by_one(
    take: Any, folder: GitFolder, admin: Any
) -> None:
    folder.commit({"a.md": POLICY + "\nSee [^1].\n\n[^1]: A note.\n", "a.ja.md": JA})
    folder.commit({"a.md": POLICY.replace("## Labels", "## Marks")})
    folder.commit({"a.ja.md": JA.replace("書面で", "文書で")})
    with history.open_history(folder.path) as repository:
        (planned,) = history.plan_documents(repository)[0]
        (prepared,) = history.prepare_document(repository, planned)
    take(folder.path)
    slowly = []
    with own_transaction():
        document = documents.create_document(slug="b", kind=DocumentKind.POLICY, by=admin)
        for each in prepared.past:
            before = queries.latest_version(document)
            slowly.append(
                versions.import_version(
                    document=document, number=each.number, change_class=each.change_class, zone=each.zone,
                    effective_at=each.effective_at, texts=each.texts, based_on=before.number if before else None,
                    author_name=each.author_name, by=admin,
                )
            )  # fmt: skip
    together = queries.get_document("a").versions
    assert [_facts(each) for each in together] == [_facts(each) for each in slowly]
    sealed = {
        slug: [
            (kind, session.query(Seal).filter_by(kind=kind).filter(Seal.row_key.in_(keys)).count())
            for kind, keys in _keys(queries.get_document(slug).versions).items()
        ]
        for slug in ("a", "b")
    }
    assert sealed["a"] == sealed["b"]
    told = {
        slug: [
            (entry.action, {k: v for k, v in (entry.after or {}).items() if k not in ("commit", "hash")})
            for entry in session.scalars(select(JournalEntry).order_by(JournalEntry.id))
            if entry.subject_code == slug and entry.action == "library.version_published"
        ]
        for slug in ("a", "b")
    }
    assert told["a"] == told["b"]


def _facts(version: DocumentVersion) -> list[Any]:
    def columns(row: Any, *besides: str) -> dict[str, Any]:
        names = {column.key for column in row.__table__.columns} - {"id", *besides}
        return {name: getattr(row, name) for name in sorted(names)}

    own = ("document_id", "based_on_id", "hash", "origin_commit", "origin_path", "origin_note")
    return [
        columns(version, *own),
        [columns(text, "version_id", "shown_at") for text in version.texts],
        [columns(clause, "version_id") for clause in version.clauses],
        [columns(text, "clause_id", "version_text_id") for clause in version.clauses for text in clause.texts],
    ]


def _keys(rows: list[DocumentVersion]) -> dict[str, list[int]]:
    return {
        DocumentVersion.__tablename__: [row.id for row in rows],
        VersionText.__tablename__: [text.id for row in rows for text in row.texts],
        Clause.__tablename__: [clause.id for row in rows for clause in row.clauses],
        ClauseText.__tablename__: [text.id for row in rows for clause in row.clauses for text in clause.texts],
    }


def test_a_version_that_got_in_between_is_noticed(take: Any, folder: GitFolder, admin: Any) -> None:
    folder.commit({"a.md": POLICY})
    take(folder.path)
    folder.commit({"a.md": POLICY.replace("day", "week")})
    with history.open_history(folder.path) as repository:
        (planned,) = history.plan_documents(repository)[0]
        (prepared,) = history.prepare_document(repository, planned)
    make_version(queries.get_document("a"), admin, "1.1")
    with pytest.raises(history.EditedMeanwhile), own_transaction():
        history.take_in(prepared, by=admin)


def test_links_of_others_follow_the_headings_of_a_history(take: Any, folder: GitFolder, admin: Any) -> None:
    path = "documents"
    folder.commit({f"{path}/one/en.md": ours("1.0", "See [[two#label]]."), f"{path}/two/en.md": ours("1.0", "Text.")})
    take(folder.path)
    folder.commit({f"{path}/two/en.md": ours("1.1", "Text.").replace("## Label", "## Mark")})
    take(folder.path)
    (clause,) = queries.list_shown_clauses(latest("one"), "en")
    assert '<a class="clause-link" href="/library/two#label">Mark</a>' in clause.html


# --- out again ------------------------------------------------------------------------------------


def _documents() -> list[ContentPart]:
    return [part for part in wiring.CONTENT_PARTS if part.folder == "documents"]


def written_out(tmp_path: Path) -> Path:
    root = tmp_path / "out"
    for file in export_content(wiring.CONTENT_PARTS):
        target = root / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.text.encode())
    return root


def test_what_was_taken_in_is_written_out_clean_and_taken_in_unchanged(
    take: Any, folder: GitFolder, tmp_path: Path, admin: Any
) -> None:
    folder.commit(
        {"LICENSE.md": "Anybody may use it.", "x.md": POLICY, "x.ja.md": JA, "gone.md": "# Gone: now\n\nYes."}
    )
    folder.commit({"x.md": POLICY.replace("## Labels", "## Marks <br>"), "gone.md": None})
    take(folder.path)
    root = written_out(tmp_path)
    assert sorted(each.name for each in (root / "documents").iterdir()) == ["gone", "license", "x"]
    checked = check_content(root, wiring.CONTENT_PARTS)
    assert checked.errors == []
    assert "documents/license/en.md" in checked.files
    with own_transaction():
        assert import_content(root=root, parts=_documents(), by=admin)[1] == []


def test_real_policies_are_taken_in_whole(take: Any, folder: GitFolder, tmp_path: Path, admin: Any) -> None:
    root = material("policies")
    rows = []
    for table in sorted(root.glob("*/*/history.csv")):
        with table.open(encoding="utf-8", newline="") as file:
            rows += [(row["date"], table.parent, row) for row in csv.DictReader(file)][: examples(5)]
    rows.sort(key=lambda row: datetime.fromisoformat(row[0]))
    for at, place, row in rows:
        path = f"{place.parent.name}/{place.name}.md"
        folder.commit({path: (place / row["file"]).read_bytes()}, row["subject"], at=at)
    done = take(folder.path)
    assert done.stdout.splitlines()[-1].endswith(" 0 refused")
    assert len(queries.list_slugs()) == len({place for _at, place, _row in rows}) == 20
    out = written_out(tmp_path)
    assert check_content(out, wiring.CONTENT_PARTS).errors == []
    with own_transaction():
        assert import_content(root=out, parts=_documents(), by=admin)[1] == []
    # The clauses of a policy are the same ones over its versions, for the most part.
    document = queries.get_document("terms-of-service")
    first, last = set(queries.clause_anchors(document.versions[0])), set(queries.clause_anchors(document.versions[-1]))
    assert len(first & last) * 2 > len(first)
    breaches = [breach for found in doctor.examine(wiring.INVARIANTS).values() for breach in found]
    # The administrator of this test was not made by a service.
    assert [breach for breach in breaches if not breach.startswith("role_grants")] == []


# --- repositories of strangers --------------------------------------------------------------------


def refused(done: Result) -> list[str]:
    return [line for line in done.stderr.splitlines() if "not taken" in line]


def test_links_and_other_repositories_are_told_of_and_not_followed(take: Any, folder: GitFolder) -> None:
    begun = folder.commit({"a.md": POLICY})
    folder.commit({"secrets.md": ("120000", "/etc/passwd"), "module.md": ("160000", begun), "a.md": ("120000", "../x")})
    done = take(folder.path)
    lines = refused(done)
    assert [line.partition("@")[0] for line in lines] == ["a.md", "module.md", "secrets.md"]
    assert "Links to other places are not followed." in lines[2]
    assert "It is another repository within this one." in lines[1]
    assert queries.list_slugs() == {"a"}


def test_a_huge_file_is_refused_unread(take: Any, folder: GitFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.commit({"a.md": POLICY})
    megabytes = 300 if NIGHTLY else 30
    folder.commit({"a.md": b"x" * megabytes * 1024 * 1024})
    folder.commit({"a.md": POLICY.replace("day", "week")})
    sizes: list[int] = []
    asked = Repository.read

    def note(self: Repository, *arguments: Any) -> bytes | None:
        data = asked(self, *arguments)
        sizes.append(len(data or b""))
        return data

    monkeypatch.setattr(Repository, "read", note)
    done = take(folder.path)
    assert f"The file has {megabytes * 1024} KB; the limit is 256 KB." in done.stderr
    assert numbers("a") == ["1.0", "1.1"]
    assert max(sizes) < 10_000


def test_names_and_texts_that_are_no_utf_8_are_told_of(take: Any, folder: GitFolder) -> None:
    folder.commit(
        {
            b"caf\xe9/r\xe9gle.md": POLICY,
            "sjis.md": "# 規則\n\n定めます。".encode("shift_jis"),
            "a\tb.md": "# Tab\n\nText",
        }
    )
    done = take(folder.path)
    assert len(refused(done)) == 1
    assert "sjis.md@" in refused(done)[0]
    assert ":1: not taken: The file is not UTF-8." in refused(done)[0]
    assert len(queries.list_slugs()) == 2
    paths = {each.path for each in queries.list_past_commits()}
    assert all(path.isprintable() for path in paths)
    assert take(folder.path).stdout.splitlines()[-1].startswith("0 documents, 0 versions")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("> " * 30 + "deep", "nested more than 20 levels deep"),
        ("[" * 3_100, "opening square brackets"),
        ("x\n\n" * 5_100, "5100 lines"),
        ("\x00\x1b", "The text is empty."),
        ("", "The text is empty."),
    ],
)
def test_what_cannot_be_mended_is_refused_and_the_versions_around_it_are_taken(
    take: Any, folder: GitFolder, text: str, says: str
) -> None:
    folder.commit({"a.md": POLICY})
    broken = folder.commit({"a.md": text})
    folder.commit({"a.md": POLICY.replace("day", "week")})
    done = take(folder.path)
    (line,) = refused(done)
    assert line.startswith(f"a.md@{broken[:10]}")
    assert says in line
    assert numbers("a") == ["1.0", "1.1"]


def test_thousands_of_files_of_other_kinds_are_passed_over(take: Any, folder: GitFolder) -> None:
    folder.commit(
        {f"data/{number}.csv": "1" for number in range(10_000)}
        | {"a.md": POLICY, ".github/b.md": POLICY, "c.md/d.txt": "x"}
    )
    assert take(folder.path).stdout.splitlines()[-1] == "1 document, 1 version, 0 refused"


def test_nothing_that_a_repository_names_is_executed(
    take: Any, folder: GitFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.commit({"a.md": POLICY, ".gitattributes": "*.md diff=evil filter=evil\n"})
    folder.commit({"a.md": POLICY.replace("day", "week")})
    tree = folder.check_out(tmp_path / "tree")
    _sign(tree)
    ran = tmp_path / "ran"
    program = tmp_path / "program"
    program.write_text(f'#!/bin/sh\necho "$0 $*" >> {ran}\ncat\n')
    program.chmod(0o755)
    for name in (
        "core.fsmonitor", "core.pager", "core.sshCommand", "core.gitProxy", "core.editor", "core.askPass", "pager.log",
        "diff.evil.command", "diff.evil.textconv", "filter.evil.smudge", "filter.evil.clean", "gpg.program",
        "alias.cat-file", "alias.log", "credential.helper", "uploadpack.packObjectsHook", "core.alternateRefsCommand",
        "diff.external",
    ):  # fmt: skip
        value = f"!{program}" if name.startswith(("alias", "credential")) else str(program)
        subprocess.run(["git", "-C", str(tree), "config", name, value], check=True)
    subprocess.run(["git", "-C", str(tree), "config", "log.showSignature", "true"], check=True)
    subprocess.run(["git", "-C", str(tree), "config", "core.hooksPath", str(tmp_path / "hooks")], check=True)
    (tmp_path / "hooks").mkdir()
    for hook in ("post-index-change", "reference-transaction", "post-checkout", "pre-auto-gc"):
        (tmp_path / "hooks" / hook).symlink_to(program)
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", str(program))
    monkeypatch.setenv("GIT_PAGER", str(program))
    take(tree)
    assert numbers("a") == ["1.0", "1.1"]
    assert not ran.exists(), ran.read_text()


def _sign(tree: Path) -> None:
    """Put a signature on the last commit, which git would have a program look at."""
    git = ["git", "-C", str(tree)]
    commit = subprocess.run([*git, "cat-file", "commit", "HEAD"], capture_output=True, check=True).stdout
    signature = b"\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n x\n -----END PGP SIGNATURE-----\n\n"
    signed = commit.replace(b"\n\n", signature, 1)
    made = subprocess.run(
        [*git, "hash-object", "-t", "commit", "-w", "--stdin"], input=signed, capture_output=True, check=True
    )
    subprocess.run([*git, "update-ref", "HEAD", made.stdout.decode().strip()], check=True)


def test_what_a_partial_clone_lacks_is_not_fetched(take: Any, folder: GitFolder, tmp_path: Path) -> None:
    folder.commit({"a.md": POLICY})
    folder.commit({"a.md": POLICY.replace("day", "week")})
    subprocess.run(["git", "-C", str(folder.path), "config", "uploadpack.allowFilter", "true"], check=True)
    part = tmp_path / "part.git"
    subprocess.run(
        ["git", "clone", "-q", "--bare", "--filter=blob:none", f"file://{folder.path}", str(part)], check=True
    )
    done = take(part, code=1)
    assert len(refused(done)) >= 1
    assert "The repository does not hold its text. Fetch the whole history first." in refused(done)[0]
    listing = ["git", "-C", str(part), "rev-list", "--objects", "--all", "--missing=print"]
    assert subprocess.run(listing, capture_output=True, text=True, check=True).stdout.count("?") >= 2


def test_a_damaged_repository_is_named_and_the_rest_is_taken(take: Any, folder: GitFolder, tmp_path: Path) -> None:
    folder.commit({"a.md": POLICY, "b.md": "# B\n\nText of the other."})
    tree = folder.check_out(tmp_path / "tree")
    subprocess.run(["git", "-C", str(tree), "unpack-objects", "-q"], input=b"", check=False)
    blob = subprocess.run(
        ["git", "-C", str(tree), "rev-parse", "HEAD:a.md"], capture_output=True, text=True, check=True
    ).stdout.strip()
    place = tree / ".git" / "objects" / blob[:2] / blob[2:]
    packs = tree / ".git" / "objects" / "pack"
    if not place.exists():
        moved = tmp_path / "packs"
        packs.rename(moved)
        packs.mkdir()
        for pack in moved.glob("*.pack"):
            subprocess.run(["git", "-C", str(tree), "unpack-objects", "-q"], input=pack.read_bytes(), check=True)
    place.chmod(0o644)
    place.write_bytes(b"not an object")
    done = take(tree)
    assert queries.list_slugs() == {"b"}
    assert len(refused(done)) == 1


def test_what_a_commit_changed_may_be_lost_and_the_rest_is_taken(take: Any, folder: GitFolder, tmp_path: Path) -> None:
    folder.commit({"docs/a.md": POLICY, "docs/b.md": "# B\n\nText."})
    lost = folder.commit({"docs/a.md": POLICY.replace("day", "week")})
    folder.commit({"docs/a.md": POLICY.replace("day", "year")})
    tree = folder.check_out(tmp_path / "tree")
    moved = tmp_path / "packs"
    (tree / ".git" / "objects" / "pack").rename(moved)
    for pack in moved.glob("*.pack"):
        subprocess.run(["git", "-C", str(tree), "unpack-objects", "-q"], input=pack.read_bytes(), check=True)
    name = subprocess.run(
        ["git", "-C", str(tree), "rev-parse", f"{lost}^{{tree}}"], capture_output=True, text=True, check=True
    ).stdout.strip()
    (tree / ".git" / "objects" / name[:2] / name[2:]).unlink()
    done = take(tree)
    assert numbers("a") == ["1.0", "1.1"]
    assert "within a year" in source(latest("a"))
    assert numbers("b") == ["1.0"]
    assert [line for line in refused(done) if lost[:10] in line and "does not hold what this commit changed" in line]


def test_a_folder_within_a_work_tree_is_taken_by_itself(take: Any, folder: GitFolder, tmp_path: Path) -> None:
    folder.commit({"docs/a.md": POLICY, "b.md": POLICY})
    tree = folder.check_out(tmp_path / "tree")
    take(tree / "docs")
    assert queries.list_slugs() == {"a"}
    # The same document, from wherever it is looked at.
    assert take(tree).stdout.splitlines()[-1] == "1 document, 1 version, 0 refused"
    assert queries.list_slugs() == {"a", "b"}


@pytest.mark.parametrize(
    ("prepare", "says"),
    [
        (lambda path: path.mkdir(), "lies in no git repository"),
        (lambda path: path.write_text("x"), "lies in no git repository"),
        (lambda path: None, "lies in no git repository"),
        (lambda path: subprocess.run(["git", "init", "-q", str(path)], check=True), "has no commits yet"),
        (lambda path: GitFolder(path).commit({"a.txt": "x"}), "has no Markdown files"),
    ],
)
def test_what_has_no_history_is_told_in_a_sentence(take: Any, tmp_path: Path, prepare: Any, says: str) -> None:
    path = tmp_path / "place"
    prepare(path)
    done = take(path, code=1)
    assert says in done.output
    assert "Traceback" not in done.output


def test_without_git_its_package_is_named(take: Any, folder: GitFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.commit({"a.md": POLICY})
    monkeypatch.setenv("PATH", os.devnull)
    assert "Install the package “git”" in take(folder.path, code=1).output


def test_git_that_does_not_answer_is_not_waited_for(
    take: Any, folder: GitFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.commit({"a.md": POLICY})
    (tmp_path / "git").write_text("#!/bin/sh\nexec sleep 60\n")
    (tmp_path / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr("portal.library.formats.git.SECONDS", 0.2)
    assert "no answer" in take(folder.path, code=1).output


def test_who_imports_must_be_known(take: Any, folder: GitFolder) -> None:
    folder.commit({"a.md": POLICY})
    assert (
        "Nobody signs in as nobody@portal.example." in take(folder.path, "--by", "nobody@portal.example", code=1).output
    )
    assert queries.list_slugs() == set()


def test_whoever_imports_owns_what_is_new(take: Any, folder: GitFolder) -> None:
    person = make_person("owner@portal.example")
    folder.commit({"a.md": POLICY})
    take(folder.path, "--by", "owner@portal.example")
    document = queries.get_document("a")
    assert queries.find_owner_name(document, "en") == person.name_in("en")
    assert latest("a").issued_by == person.code


def test_a_word_in_front_is_an_address_and_goes_with_a_history(app: Flask, take: Any, folder: GitFolder) -> None:
    folder.commit({"a.md": POLICY})
    assert "cannot be an address" in take(folder.path, "--prefix", "A b", code=1).output
    done = app.test_cli_runner().invoke(args=["content", "import", str(folder.path), "--prefix", "a"])
    assert done.exit_code == 2


def test_what_is_said_is_said_in_japanese_too(app: Flask, admin: Any, folder: GitFolder) -> None:
    folder.commit({"a.md": POLICY, "b.md": ("120000", "a.md")})
    done = app.test_cli_runner().invoke(args=["content", "import", str(folder.path), "--history", "--language", "ja"])
    assert done.stdout.splitlines()[-1] == "1件の文書、1版、取り込まなかったもの1件"
    assert "取り込みませんでした" in done.stderr


# --- on the page ----------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_history_shows_who_wrote_what_and_why(
    take: Any, folder: GitFolder, admin: Any, as_: Any, language: str
) -> None:
    commit = folder.commit(
        {"a.md": POLICY}, "Begin <b>\n\nWhat we decided.\n\nSigned-off-by: A <a@b.example>", author="森 明子"
    )
    take(folder.path)
    page = as_(admin).get("library.history", slug="a", lang=language)
    for words in ("森 明子", "Begin <b>", "What we decided.", commit[:10]):
        assert words in page.text
    assert "a@b.example" not in page.text


def test_the_first_administrator_imports_where_nobody_is_named(take: Any, folder: GitFolder, admin: Any) -> None:
    folder.commit({"a.md": POLICY})
    take(folder.path)
    first = find_first_administrator()
    assert first is not None
    entry = session.scalars(select(JournalEntry).where(JournalEntry.action == "content.history_imported")).one()
    assert (entry.actor_code, entry.after) == (first.code, {"documents": 1, "versions": 1, "refused": 0})


# --- what is no document --------------------------------------------------------------------------

BANK = """---
title: Fans
document: fan-accounts
version: "1.0"
---

## A fan account {#fan-001}
{type=single_choice clause=labels difficulty=1}

What do you do?

- [ ] Remove it.
- [x] Send a label notice.
"""
BANK_JA = """---
title: ファン
version: "1.0"
---

## ファンアカウント {#fan-001}

何をしますか。

- 削除する
  > 誤りです。
- 通知する
  > 正解です。
"""
OURS = {
    "documents/fan-accounts/document.toml": 'kind = "policy"\nowner = "admin@portal.example"\nsensitivity = "S1"\n',
    "documents/fan-accounts/en.md": f"---\ntitle: Fan accounts\n---\n\n## Labels {{#labels}}\n\n{RULE}\n",
    "banks/fan-accounts.en.md": BANK,
    "banks/fan-accounts.ja.md": BANK_JA,
    "quizzes/fan-accounts.toml": 'title = "Fans"\n',
    "plans/reviewer.toml": 'title = "Plan"\n',
    "credentials/reviewer.toml": 'title = "Reviewer"\n',
    "glossary.toml": "",
}


@pytest.mark.parametrize("where", ["", "content/", "training/our content/"])
@pytest.mark.parametrize("inside", [False, True], ids=["the whole repository", "the folder itself"])
def test_of_our_own_layout_only_documents_are_taken(
    take: Any, folder: GitFolder, tmp_path: Path, where: str, inside: bool
) -> None:
    folder.commit({f"{where}{path}": text for path, text in OURS.items()})
    folder.commit({f"{where}banks/gone.en.md": BANK, "docs/how.md" if where else "documents/how.md": POLICY})
    folder.commit({f"{where}banks/gone.en.md": None})
    path = folder.check_out(tmp_path / "tree") / where if inside else folder.path
    done = take(path)
    taken = {document.slug for document in queries.list_documents()}
    assert taken == ({"fan-accounts"} if where and inside else {"fan-accounts", "how"})
    for part in [*(path for path in OURS if not path.startswith("documents/")), "banks/gone.en.md"]:
        line = next(line for line in done.output.splitlines() if f"{where}{part}@" in line)
        assert "Of the parts of a content folder only the history of “documents” is taken." in line
    assert done.stdout.splitlines()[-1].endswith("7 refused")


@pytest.mark.parametrize(
    ("english", "japanese"),
    [("banks/fans.en.md", "banks/fans.ja.md"), ("quiz/fans.md", "quiz/fans.ja.md"), ("en/fans.md", "ja/fans.md")],
)
def test_a_bank_of_questions_is_refused_by_name_wherever_it_lies(
    take: Any, folder: GitFolder, english: str, japanese: str
) -> None:
    folder.commit({english: BANK, japanese: BANK_JA, "rule.md": POLICY, "how.md": f"# How\n\n```markdown\n{BANK}```\n"})
    folder.commit({english: BANK.replace("Remove it", "Close it")})
    done = take(folder.path)
    assert {document.slug for document in queries.list_documents()} == {"rule", "how"}
    for path in (english, japanese):
        line = next(line for line in done.output.splitlines() if f"{path}@" in line)
        assert "It is a bank of questions" in line
    told = session.scalars(select(VersionText.title).where(VersionText.source.contains("label notice")))
    assert list(told) == ["How"], "an example within a block of code is none"


def test_what_was_a_bank_of_questions_once_is_taken_from_when_it_is_none(take: Any, folder: GitFolder) -> None:
    folder.commit({"fans.md": BANK})
    folder.commit({"fans.md": POLICY})
    done = take(folder.path)
    assert numbers("fans") == ["1.0"]
    assert "It is a bank of questions" in done.output
    assert "label notice" not in source(latest("fans"))


def test_a_folder_of_nothing_but_questions_is_told_of(take: Any, folder: GitFolder) -> None:
    folder.commit({"fans.en.md": BANK})
    assert "It is a bank of questions" in take(folder.path, code=1).output
    assert queries.list_documents() == []
