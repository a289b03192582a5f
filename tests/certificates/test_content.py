"""`credentials/*.toml`: what is wrong is named with its line, what is right comes back byte for byte."""

from __future__ import annotations

import pytest
from flask import Flask

from portal.accounts.queries import find_owner
from portal.certificates import queries
from portal.certificates.content import CredentialsPart
from portal.certificates.models import Design, Honorific
from portal.core.content import ContentFile, ContentFolder
from portal.core.transaction import own_transaction
from tests.builders import Cast

PATH = "credentials/account-safety-reviewer.toml"
TEXT = """\
version = "1.0"
owner = "admin@portal.example"
validity_months = 12
design = "modern"
number_format = "AS-{year}-{number:04}"

[title]
en = "Account Safety Reviewer"
ja = "アカウント安全審査担当者"

[statement]
en = "has completed the training plan “{plan}” of {organisation}."
ja = "上記の者は、{organisation}の研修計画「{plan}」の全課程を修了したことを証します。"

[signatory]
name = { en = "Akiko Mori", ja = "森 明子" }
title = { en = "Head of Training", ja = "研修責任者" }
"""
part = CredentialsPart()


def folder_of(text: str, path: str = PATH) -> ContentFolder:
    folder = ContentFolder({path: ContentFile(path, text)})
    part.check(folder)
    return folder


def load(text: str, cast: Cast) -> tuple[list[str], ContentFolder]:
    folder = folder_of(text)
    assert not folder.errors, folder.errors
    with own_transaction():
        changes = part.load(folder, cast.author)
    return changes, folder


def test_a_right_file_has_no_findings(app: Flask) -> None:
    assert folder_of(TEXT).findings == []


@pytest.mark.parametrize(
    ("before", "after", "line", "words"),
    [
        ("{organisation}.", "{organization}.", 12, "{organization}"),
        ("「{plan}」", "「{plan.title}」", 13, "{plan.title}"),
        ("“{plan}”", "“{{plan}}”", 12, "placeholder {"),
        ("{number:04}", "{number:4}", 5, "{number:4}"),
        ("{number:04}", "{month}", 5, "{month}"),
        ("AS-{year}-{number:04}", "AS-{year}", 5, "{number}"),
        ("AS-{year}", "第/{year}", 5, "letters"),
        ('"1.0"', "1.0", 1, "version"),
        ('design = "modern"', 'design = "fancy"', 4, "fancy"),
        ("validity_months = 12", "validity_months = 0", 3, "validity"),
        ("validity_months = 12", 'validity_months = "12"', 3, "validity"),
        ("validity_months = 12", "validty_months = 12", 3, "validty_months"),
        ("validity_months = 12", 'seal = "十文字よりも長い印の文字"', 3, "seal"),
        ("validity_months = 12", 'honorific = "kun"', 3, "kun"),
        ('ja = "アカウント安全審査担当者"', 'jp = "アカウント安全審査担当者"', 7, "jp"),
        ('en = "Account Safety Reviewer"', f'en = "{"x" * 121}"', 7, "121"),
        ("[signatory]", "[signature]", 15, "signature"),
        ('owner = "admin@portal.example"', "owner = 3", 2, "owner"),
        ('design = "modern"', "design = ", 4, "TOML"),
        ("Account Safety Reviewer", "<b>Account</b> Reviewer", 8, "<b>"),
        ("has completed", "see https://evil.example for", 12, "https://evil.example"),
        ("上記の者は", "<script>上記の者は", 13, "<script>"),
        ("森 明子", "森&nbsp;明子", 16, "&nbsp;"),
        ("Head of Training", "Head\\nof Training", 17, "U+000A"),
        ("validity_months = 12", 'seal = "修\\u200b了"', 3, "seal"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(app: Flask, before: str, after: str, line: int, words: str) -> None:
    assert before in TEXT
    findings = folder_of(TEXT.replace(before, after, 1)).errors
    assert any(words in found.message and found.line == line and found.mend for found in findings), findings


def test_a_statement_may_be_written_in_lines(app: Flask) -> None:
    assert folder_of(TEXT.replace("has completed", "has\\ncompleted", 1)).findings == []


def test_a_file_in_the_wrong_place_is_named(app: Flask) -> None:
    assert folder_of(TEXT, "credentials/a/b.toml").errors
    assert folder_of(TEXT, "credentials/a.md").errors
    assert folder_of(TEXT, "credentials/Ü.toml").errors


def test_a_plan_that_names_a_credential_which_is_not_there_is_told_so(app: Flask) -> None:
    plan = 'version = "1.0"\ncredential = "nowhere"\n'
    folder = ContentFolder({PATH: ContentFile(PATH, TEXT), "plans/start.toml": ContentFile("plans/start.toml", plan)})
    folder.shared["plan_credentials"] = {"start": "nowhere", "other": None, "good": "account-safety-reviewer"}
    part.check(folder)
    assert [(found.path, found.line) for found in folder.errors] == [("plans/start.toml", 2)]


def test_a_file_is_taken_in_once_and_comes_back_the_same(cast: Cast) -> None:
    changes, _ = load(TEXT, cast)
    assert changes == [f"{PATH}: 1.0"]
    assert load(TEXT, cast)[0] == []
    version = queries.list_latest_versions()[0]
    assert (version.design, version.honorific, version.seal) == (Design.MODERN, Honorific.NONE, "修了之印")
    owner = find_owner("credential", "account-safety-reviewer")
    assert owner is not None
    assert owner.owner_id == cast.admin.id
    dumped = list(part.dump())
    assert [file.path for file in dumped] == [PATH]
    assert part.canonical(ContentFile(PATH, TEXT)) == dumped[0].text
    assert part.canonical(dumped[0]) == dumped[0].text
    assert folder_of(dumped[0].text).findings == []


def test_an_unknown_owner_is_a_warning_and_stands_in_the_file_again(cast: Cast) -> None:
    text = TEXT.replace("admin@portal.example", "nobody@elsewhere.example")
    _, folder = load(text, cast)
    assert [found.line for found in folder.findings] == [2]
    owner = find_owner("credential", "account-safety-reviewer")
    assert owner is not None
    assert owner.owner_id == cast.author.id
    assert next(part.dump()).text == part.canonical(ContentFile(PATH, text))


def test_a_changed_text_under_the_same_version_is_refused_with_its_line(cast: Cast) -> None:
    load(TEXT, cast)
    folder = folder_of(TEXT.replace("Account Safety Reviewer", "Another"))
    with own_transaction():
        part.load(folder, cast.author)
    assert [found.line for found in folder.errors] == [1]
    older = folder_of(TEXT.replace('"1.0"', '"0.9"'))
    with own_transaction():
        part.load(older, cast.author)
    assert older.errors


def test_a_new_version_is_added(cast: Cast) -> None:
    load(TEXT, cast)
    changes, _ = load(TEXT.replace('"1.0"', '"1.1"').replace('design = "modern"', 'design = "classic"'), cast)
    assert changes == [f"{PATH}: 1.1"]
    assert queries.list_latest_versions()[0].honorific is Honorific.DONO


def test_what_is_not_usual_is_written_out(cast: Cast) -> None:
    text = TEXT.replace("validity_months = 12\n", 'honorific = "sama"\nseal = ""\n')
    load(text, cast)
    dumped = next(part.dump()).text
    assert 'honorific = "sama"' in dumped
    assert 'seal = ""' in dumped
    assert "validity_months" not in dumped
