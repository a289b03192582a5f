"""The documents' share of the content folder: every named fault with file, line and mend; what goes in comes out."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from portal.accounts.models import Person
from portal.accounts.queries import find_owner
from portal.accounts.service.ownership import set_owner
from portal.core.content import ContentFile, ContentFolder, Finding
from portal.core.db import session
from portal.core.i18n import force_locale
from portal.core.markdown import front_matter, verbatim_from
from portal.core.transaction import own_transaction
from portal.library import content, invariants, queries
from portal.library.content import DocumentsPart, GlossaryPart
from portal.library.models import AudienceKind, ChangeClass, DocumentVersion
from portal.library.queries import drafts
from portal.library.service import reviews
from portal.operations.models import ImportedFile
from portal.operations.service import ContentRefused, check_content, export_content, import_content
from tests.builders import Cast, make_cast
from tests.conftest import empty
from tests.library.builders import EN, JA, english, japanese, make_document, make_draft, make_published

PARTS = [GlossaryPart(), DocumentsPart()]
SETTINGS = """kind = "policy"
owner = "author@portal.example"
deputy = "approver@portal.example"
sensitivity = "S1"

[audience]
markets = ["JP"]
"""
EN_HEAD = """---
title: Impersonation
version: "1.0"
change_class: material
effective_at: 2026-04-01T00:00+09:00
zone: Asia/Tokyo
summary: Who may be imitated.
attestation: I have read this version.
---
"""
JA_HEAD = """---
title: なりすまし
version: "1.0"
summary: だれをまねてよいか。
---
"""
BASE = {"document.toml": SETTINGS, "en.md": EN_HEAD + EN, "ja.md": JA_HEAD + JA}
GLOSSARY = """[[term]]
id = "impersonation"
en = "impersonation"
ja = "なりすまし"
definition = { en = "Presenting an account as somebody else.", ja = "ほかの人を名乗ること。" }
forbidden = { en = ["catfishing"], ja = ["成りすまし"] }
"""


def folder_of(files: dict[str, str], slug: str = "impersonation") -> ContentFolder:
    """Return a checked folder with one document; names with a slash stand for themselves."""
    paths = {
        name if "/" in name or name == "glossary.toml" else f"documents/{slug}/{name}": text
        for name, text in files.items()
    }
    folder = ContentFolder({path: ContentFile(path, text) for path, text in paths.items()})
    for part in PARTS:
        part.check(folder)
    return folder


def findings(**changes: str | Callable[[str], str] | None) -> list[Finding]:
    """Return the findings of the sound document with some files changed (`en` for en.md) or left out."""
    files: dict[str, str] = dict(BASE)
    for name, change in changes.items():
        key = {"toml": "document.toml", "en": "en.md", "ja": "ja.md"}[name]
        if change is None:
            del files[key]
        else:
            files[key] = change if isinstance(change, str) else change(files[key])
    return folder_of(files).findings


def replaced(old: str, new: str) -> Callable[[str], str]:
    def change(text: str) -> str:
        assert old in text
        return text.replace(old, new, 1)

    return change


def both(old: str, new: str) -> dict[str, Callable[[str], str]]:
    return {"en": replaced(old, new), "ja": replaced(old, new)}


def write(root: Path, files: dict[str, str], slug: str = "impersonation") -> Path:
    for name, text in files.items():
        path = root / (name if "/" in name or name == "glossary.toml" else f"documents/{slug}/{name}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    return root


def take_in(root: Path, by: Person) -> tuple[ContentFolder, list[str]]:
    with own_transaction():
        return import_content(root=root, parts=PARTS, by=by)


def refusals(root: Path, by: Person) -> list[Finding]:
    with pytest.raises(ContentRefused) as refused:
        take_in(root, by)
    return refused.value.findings


def test_a_sound_document_has_no_findings(app: Any) -> None:
    assert folder_of({**BASE, "glossary.toml": GLOSSARY}).findings == []


FAULTS: list[tuple[dict[str, Any], str, int, str, str]] = [
    # changes, file, line, words of the message, words of the mend
    ({"en": EN}, "en.md", 1, "no front matter", "Begin it with a line ---"),
    ({"en": replaced("---\n", "---\n: [")}, "en.md", 2, "cannot be read", "one “key: value” a line"),
    ({"en": replaced("---\nBefore", "Before")}, "en.md", 1, "never closed", "Put a line with ---"),
    ({"en": replaced("title: Impersonation\n", "")}, "en.md", 1, "“title” is missing", "Add it"),
    ({"en": replaced("title: Imp", "title: One\ntitle: Imp")}, "en.md", 3, "“title” appears twice", "key: value"),
    ({"en": replaced('version: "1.0"', "version: one")}, "en.md", 3, "“one” is no version number", 'Write it as "1.0"'),
    ({"en": replaced("material", "huge")}, "en.md", 4, "“huge” is not known for “change_class”", "editorial, minor"),
    ({"en": replaced("00:00+09:00", "00:00")}, "en.md", 5, "is no instant", "+09:00"),
    ({"en": replaced("Asia/Tokyo", "Asia/Kyoto")}, "en.md", 6, "no time zone “Asia/Kyoto”", "such as Asia/Tokyo"),
    ({"en": replaced("summary:", "sumary:")}, "en.md", 7, "“sumary” is not known here", "summary"),
    ({"en": replaced("summary: Who", "summary:\n- Who")}, "en.md", 7, "“summary” is not a text", "on one line"),
    ({"ja": replaced("summary:", "zone: Asia/Tokyo\nsummary:")}, "ja.md", 4, "only in the authoritative", "Remove"),
    ({"ja": replaced('"1.0"', '"1.1"')}, "ja.md", 3, "translates version 1.1", "Raise the authoritative"),
    ({"en": replaced("## What", "# What")}, "en.md", 12, "heading of level one", "Write ## instead"),
    ({"en": replaced(" {#scope}", "")}, "en.md", 12, "has no id", "{#what-this-policy-covers}"),
    ({"en": replaced("{#scope}", "{#Scope}")}, "en.md", 12, "cannot be read", "lower-case letters"),
    ({"en": replaced("{#exceptions}", "{#scope}")}, "en.md", 28, "“scope” stands twice; it is that of line 12", "own"),
    ({"en": replaced("{#scope}", "{#main}")}, "en.md", 12, "used by the page itself", "another id"),
    ({"en": replaced("{#exceptions}", "{#scope-heading}")}, "en.md", 28, "used by the page itself", "another id"),
    ({"en": replaced("sensitivity=S1", "sensitivity=S9")}, "en.md", 16, "“S9” is no sensitivity", "S0, S1"),
    ({"en": replaced("sensitivity=S1", "colour=red")}, "en.md", 16, "“colour” is not known", "sensitivity=S1"),
    (both("sensitivity=S1", "sensitivity=S3"), "en.md", 16, "labelled S3, the document only S1", "Raise “sens"),
    ({"en": replaced("None.", "<script>alert(1)</script>")}, "en.md", 30, "There is a script", "code block"),
    ({"en": replaced("None.", "A <b>b</b>")}, "en.md", 30, "There is raw HTML: <b>", "Write it in Markdown"),
    ({"en": replaced("None.", "![x](https://e.example/x.png)")}, "en.md", 30, "another server", "Remove it"),
    ({"en": replaced("None.", "[x](//e.example)")}, "en.md", 30, "does not say how it is reached", "https://"),
    ({"en": replaced("None.", "[x](javascript:alert(1))")}, "en.md", 30, "not allowed", "https:, http: or mailto:"),
    ({"en": replaced("None.", "a\x00b")}, "en.md", 30, "control character (U+0000)", "Delete it"),
    ({"en": EN_HEAD + "x" * 5_000_000}, "en.md", 0, "4882 KB; the limit is 256 KB", "Split it"),
    ({"en": EN_HEAD}, "en.md", 10, "The text is empty", "at least one paragraph"),
    ({"en": replaced("[[#scope]]", "[[#scoop]]")}, "en.md", 18, "no clause “impersonation#scoop”", "exceptions"),
    ({"ja": replaced("{#exceptions}", "{#exception}")}, "ja.md", 24, "“exception” stands where “ex", "same clause"),
    ({"ja": lambda text: text[: text.index("### 例外")]}, "ja.md", 0, "“exceptions” is missing", "same clause ids"),
    ({"ja": lambda text: text + "\n## 追加 {#more}\n"}, "ja.md", 28, "“more” is not in the auth", "same clause ids"),
    ({"toml": None}, "document.toml", 0, "no document.toml", "kind, owner and audience"),
    ({"en": None}, "en.md", 0, "authoritative text is missing", "Write this file"),
    ({"toml": replaced('"policy"', '"poem"')}, "document.toml", 1, "“poem” is not known for “kind”", "policy, sop"),
    ({"toml": replaced("kind =", "king =")}, "document.toml", 1, "“king” is not known here", "Known are: kind"),
    ({"toml": replaced('"author@portal.example"', "7")}, "document.toml", 2, "not a sign-in name", "mail address"),
    ({"toml": replaced('"S1"', '"high"')}, "document.toml", 4, "“high” is not known for “sensitivity”", "S0, S1"),
    ({"toml": replaced("markets", "market")}, "document.toml", 7, "“market” is not known in the audience", "lists"),
    ({"toml": replaced("markets", 'roles = ["boss"]\nmarkets')}, "document.toml", 7, "“boss” is not known", "learner"),
    ({"toml": "kind = policy\n"}, "document.toml", 1, "not valid TOML", "quotation marks"),
    ({"toml": replaced("[aud", "review_every_months = 0\n[aud")}, "document.toml", 6, "not a number of mo", "to 120"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "name", "line", "words", "mend"), FAULTS)
def test_a_fault_is_named_with_file_line_and_mend(
    app: Any, changes: dict[str, Any], name: str, line: int, words: str, mend: str
) -> None:
    found = [each for each in findings(**changes) if each.level == "error"]
    assert found, "nothing was found"
    match = [each for each in found if words in each.message]
    assert match, [str(each) for each in found]
    assert (match[0].path, match[0].line) == (f"documents/impersonation/{name}", line), str(match[0])
    assert mend in match[0].mend


@pytest.mark.parametrize("number", range(len(FAULTS)))
def test_every_fault_is_told_in_japanese(app: Any, number: int) -> None:
    with force_locale("ja"):
        for finding in findings(**FAULTS[number][0]):
            assert any(ord(letter) > 0x3000 for letter in finding.message), finding.message
            assert any(ord(letter) > 0x3000 for letter in finding.mend), finding.mend


def test_an_unknown_language_tag_is_refused(app: Any) -> None:
    found = folder_of({**BASE, "jp.md": JA_HEAD + JA}).findings
    assert [str(each) for each in found] == [
        "documents/impersonation/jp.md: error: “jp” is no language that is known here. Name the file en.md or ja.md."
    ]


def test_files_that_belong_nowhere_are_named(app: Any) -> None:
    found = folder_of({**BASE, "notes.txt": "x", "documents/stray.md": "x", "documents/a/b/c.md": "x"}).findings
    assert {each.path for each in found} == {
        "documents/impersonation/notes.txt", "documents/stray.md", "documents/a/b/c.md"
    }  # fmt: skip


def test_a_document_needs_an_address(app: Any) -> None:
    found = folder_of(BASE, "Bad_Name").errors
    assert "cannot be an address" in found[0].message


def test_five_megabytes_are_refused_at_once(app: Any, tmp_path: Path) -> None:
    write(tmp_path, {**BASE, "en.md": EN_HEAD + "x <b> " * 900_000})
    started = time.process_time()
    found = check_content(tmp_path, PARTS).errors
    assert time.process_time() - started < 0.5
    assert [each.message for each in found] == ["The file has 5273 KB; the limit is 256 KB."]


def test_a_missing_translation_and_one_behind_are_warnings(app: Any) -> None:
    assert [(each.level, each.path) for each in findings(ja=None)] == [("warning", "documents/impersonation/ja.md")]
    behind = findings(en=replaced('"1.0"', '"1.1"'))
    assert [(each.level, each.line) for each in behind] == [("warning", 3)]
    assert "behind 1.1" in behind[0].message


def test_a_link_into_another_document_is_followed_within_the_folder(app: Any) -> None:
    link = both("[[#scope]]", "[[daily-audit#sample]]")
    alone = findings(**link)
    assert {each.level for each in alone} == {"warning"}
    assert "“daily-audit” is not in this folder" in alone[0].message
    other = {f"documents/daily-audit/{name}": text for name, text in BASE.items()}
    changed = {**BASE, "en.md": BASE["en.md"].replace("[[#scope]]", "[[daily-audit#sample]]")}
    found = folder_of({**changed, **other}).findings
    assert [each.message for each in found] == ["There is no clause “daily-audit#sample”."]


def test_forbidden_words_of_the_glossary_are_warned_of(app: Any) -> None:
    files = {**BASE, "glossary.toml": GLOSSARY, "ja.md": BASE["ja.md"].replace("ありません", "成りすまし")}
    found = folder_of(files).findings
    assert [(each.level, each.line, each.mend) for each in found] == [("warning", 26, "Write “なりすまし”.")]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('id = "impersonation"', 'id = "Imp"', "cannot be an address"),
        ('ja = "なりすまし"', "", "is required in both languages"),
        ("definition = {", "definitions = {", "“definitions” is not known"),
        ("[[term]]", "[term]", "not a list of terms"),
        ('en = ["catfishing"]', 'en = "catfishing"', "“forbidden” is not a text"),
        ("[[term]]", "[[term]", "not valid TOML"),
    ],
)
def test_a_broken_glossary_is_named(app: Any, old: str, new: str, words: str) -> None:
    found = folder_of({"glossary.toml": GLOSSARY.replace(old, new, 1)}).errors
    assert words in found[0].message


def test_a_term_stands_once(app: Any) -> None:
    assert "stands twice" in folder_of({"glossary.toml": GLOSSARY * 2}).errors[0].message


# --- taking in and writing out -------------------------------------------------------------------


def test_a_folder_goes_in_once_and_comes_out_byte_for_byte(cast: Cast, tmp_path: Path) -> None:
    crlf = {**BASE, "ja.md": (JA_HEAD + JA).replace("\n", "\r\n"), "glossary.toml": GLOSSARY}
    write(tmp_path, crlf)
    taken, changes = take_in(tmp_path, cast.admin)
    assert taken.findings == []
    assert len(changes) == 3
    document = queries.get_document("impersonation")
    assert document.audience(AudienceKind.MARKET) == ["JP"]
    ownership = find_owner("document", "impersonation")
    assert ownership is not None
    assert (ownership.owner.code, ownership.deputy and ownership.deputy.code) == (
        cast.author.code, cast.approver.code
    )  # fmt: skip
    version = queries.version_in_force(document)
    assert version is not None
    text = version.text_in("en")
    assert text is not None
    assert (version.number, version.zone, text.attestation) == ("1.0", "Asia/Tokyo", "I have read this version.")

    assert take_in(tmp_path, cast.admin)[1] == []
    assert session.scalar(select(DocumentVersion.id).offset(1)) is None

    out = {file.path: file.text.encode() for file in export_content(PARTS)}
    assert out == {
        path.relative_to(tmp_path).as_posix(): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()
    }


def test_what_is_written_out_in_canonical_form_can_be_taken_in_again(cast: Cast, tmp_path: Path) -> None:
    take_in(write(tmp_path / "a", {**BASE, "glossary.toml": GLOSSARY}), cast.admin)
    with own_transaction():
        session.query(ImportedFile).delete()
    out = export_content(PARTS)
    assert {file.path: file.text for file in out}["documents/impersonation/en.md"].startswith("---\ntitle: Imp")
    for file in out:
        path = tmp_path / "b" / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.text.encode())
    taken, changes = take_in(tmp_path / "b", cast.admin)
    assert (taken.findings, changes) == ([], [])


def test_the_next_version_is_based_on_the_latest_and_comes_out_again(cast: Cast, tmp_path: Path) -> None:
    take_in(write(tmp_path, BASE), cast.admin)
    second = BASE["en.md"].replace('"1.0"', '"1.1"\nbased_on: "1.0"').replace("None.", "One.")
    write(tmp_path, {"en.md": second})
    taken, changes = take_in(tmp_path, cast.admin)
    assert [each.level for each in taken.findings] == ["warning"], "the Japanese is behind now"
    assert changes == ["documents/impersonation/en.md: version 1.1 (4 clauses)"]
    out = {file.path: file.text for file in export_content(PARTS)}
    assert out["documents/impersonation/en.md"] == second
    assert out["documents/impersonation/ja.md"] == BASE["ja.md"]


def test_a_changed_text_under_a_published_number_is_refused_with_a_redline(cast: Cast, tmp_path: Path) -> None:
    take_in(write(tmp_path, BASE), cast.admin)
    write(tmp_path, {"en.md": BASE["en.md"].replace("None.", "One exception.")})
    found = refusals(tmp_path, cast.admin)
    assert len(found) == 1
    assert (found[0].path, found[0].line) == ("documents/impersonation/en.md", 3)
    assert "published already" in found[0].message
    assert found[0].mend == (
        'What is published never changes: give the text a higher version and write based_on: "1.0".'
        "\n    -None.\n    +One exception."
    )


def test_a_changed_date_under_a_published_number_is_refused(cast: Cast, tmp_path: Path) -> None:
    take_in(write(tmp_path, BASE), cast.admin)
    write(tmp_path, {"en.md": BASE["en.md"].replace("2026-04-01", "2026-05-01")})
    assert "another change class, effective date or zone" in refusals(tmp_path, cast.admin)[0].message


def test_a_stale_base_is_refused_with_a_redline(cast: Cast, tmp_path: Path) -> None:
    take_in(write(tmp_path, BASE), cast.admin)
    second = BASE["en.md"].replace('"1.0"', '"1.1"\nbased_on: "1.0"').replace("None.", "One.")
    take_in(write(tmp_path, {"en.md": second}), cast.admin)
    third = BASE["en.md"].replace('"1.0"', '"1.2"\nbased_on: "1.0"').replace("None.", "Two.")
    found = refusals(write(tmp_path, {"en.md": third}), cast.admin)
    assert found[0].message == "The file is based on 1.0, but 1.1 is the latest version."
    assert found[0].line == 4
    assert found[0].mend.endswith("\n    -One.\n    +Two.")
    silent = third.replace('based_on: "1.0"\n', "")
    assert "based on –" in refusals(write(tmp_path, {"en.md": silent}), cast.admin)[0].message
    old = BASE["en.md"].replace('"1.0"', '"0.9"')
    ja = BASE["ja.md"].replace('"1.0"', '"0.9"')
    assert "older than 1.1" in refusals(write(tmp_path, {"en.md": old, "ja.md": ja}), cast.admin)[0].message


def test_an_older_folder_that_says_nothing_new_changes_nothing(cast: Cast, tmp_path: Path) -> None:
    take_in(write(tmp_path / "old", BASE), cast.admin)
    second = BASE["en.md"].replace('"1.0"', '"1.1"\nbased_on: "1.0"').replace("None.", "One.")
    take_in(write(tmp_path / "new", {**BASE, "en.md": second}), cast.admin)
    assert take_in(tmp_path / "old", cast.admin)[1] == []
    version = queries.latest_version(queries.get_document("impersonation"))
    assert version is not None
    assert version.number == "1.1"


def test_one_broken_document_keeps_the_whole_folder_out(cast: Cast, tmp_path: Path) -> None:
    write(tmp_path, BASE)
    write(tmp_path, {**BASE, "en.md": EN_HEAD + "<b>"}, "second")
    assert refusals(tmp_path, cast.admin)
    assert queries.find_document("impersonation") is None


def test_an_unknown_owner_is_a_warning_and_the_importer_becomes_owner(cast: Cast, tmp_path: Path) -> None:
    settings = SETTINGS.replace("author@", "nobody@")
    taken, _changes = take_in(write(tmp_path, {**BASE, "document.toml": settings}), cast.admin)
    assert ["Nobody signs in as nobody@portal.example." in each.message for each in taken.findings] == [True]
    ownership = find_owner("document", "impersonation")
    assert ownership is not None
    assert ownership.owner.code == cast.admin.code
    out = {file.path: file.text for file in export_content(PARTS)}
    assert out["documents/impersonation/document.toml"] == settings
    assert take_in(tmp_path, cast.admin)[1] == []
    with own_transaction():
        set_owner(kind="document", code="impersonation", owner=cast.lead, by=cast.admin)
    out = {file.path: file.text for file in export_content(PARTS)}
    assert 'owner = "lead@portal.example"' in out["documents/impersonation/document.toml"]
    assert "deputy" not in out["documents/impersonation/document.toml"]
    assert take_in(tmp_path, cast.admin)[1] == [], "the file has not changed, so the new owner stays"


def test_an_audience_that_nobody_is_in_is_warned_of(cast: Cast, tmp_path: Path) -> None:
    settings = SETTINGS.replace('["JP"]', '["JP", "XX"]') + 'teams = ["nobody"]\n'
    taken, _changes = take_in(write(tmp_path, {**BASE, "document.toml": settings}), cast.admin)
    assert [(each.line, each.message) for each in taken.findings] == [
        (7, "“XX” is not known for “markets”."),
        (8, "“nobody” is not known for “teams”."),
    ]


def test_changed_settings_are_taken_over(cast: Cast, tmp_path: Path) -> None:
    take_in(write(tmp_path, BASE), cast.admin)
    changed = SETTINGS.replace('"policy"', '"sop"').replace('["JP"]', '["JP", "US"]')
    assert take_in(write(tmp_path, {"document.toml": changed}), cast.admin)[1] == [
        "documents/impersonation/document.toml: changed"
    ]
    document = queries.get_document("impersonation")
    assert (document.kind.value, document.audience(AudienceKind.MARKET)) == ("sop", ["JP", "US"])


def test_the_language_that_decides_stays_the_same(cast: Cast, tmp_path: Path) -> None:
    take_in(write(tmp_path, BASE), cast.admin)
    swapped = {
        "document.toml": SETTINGS + "\n", "en.md": JA_HEAD.replace("なりすまし", "I") + EN,
        "ja.md": EN_HEAD.replace("Impersonation", "なりすまし") + JA,
    }  # fmt: skip
    swapped["document.toml"] = 'authoritative = "ja"\n' + SETTINGS
    found = refusals(write(tmp_path, swapped), cast.admin)
    assert "authoritative language of a published document cannot change" in found[0].message


def test_terms_are_changed_and_taken_out(cast: Cast, tmp_path: Path) -> None:
    take_in(write(tmp_path, {"glossary.toml": GLOSSARY}), cast.admin)
    assert [term.slug for term in queries.list_terms()] == ["impersonation"]
    assert take_in(tmp_path, cast.admin)[1] == []
    write(tmp_path, {"glossary.toml": GLOSSARY.replace('"impersonation"', '"disguise"', 1)})
    assert take_in(tmp_path, cast.admin)[1] == ["glossary.toml: disguise, impersonation"]
    assert [term.slug for term in queries.list_terms()] == ["disguise"]


line = st.text(alphabet=st.sampled_from("abcABC なり:#'\"\\-[]{}!&*?|>%@`,0123.~yesno"), min_size=1, max_size=60).map(
    str.strip
)


@given(
    st.fixed_dictionaries({"title": line, "summary": line, "attestation": line, "version": st.just("1.0")}),
    st.text(alphabet="ab\n\r# -", max_size=30),
)
def test_front_matter_that_is_written_reads_the_same(values: dict[str, str], body: str) -> None:
    text = content._written_text(values, body)
    read, _body, first_line = front_matter(text)
    assert read == {key: value for key, value in values.items() if value}
    assert verbatim_from(text, first_line) == body


# --- translations that follow clause by clause --------------------------------------------------


def behind(ids: str, number: str = "1.0") -> Callable[[str], str]:
    """Return the Japanese file's change: it says the version, but for these clauses."""
    return replaced('version: "1.0"\n', f'version: "{number}"\nbehind: {ids}\n')


def test_a_translation_names_the_clauses_that_it_does_not_follow(tmp_path: Path, cast: Cast) -> None:
    take_in(write(tmp_path, BASE), cast.admin)
    newer = {
        **BASE,
        "en.md": BASE["en.md"]
        .replace('version: "1.0"', 'version: "1.1"\nbased_on: "1.0"')
        .replace("It covers", "It now covers")
        .replace("None.", "One."),
        "ja.md": behind("exceptions")(BASE["ja.md"]).replace("適用します。", "今後適用します。"),
    }
    take_in(write(tmp_path, newer), cast.admin)
    text = queries.get_version(queries.get_document("impersonation"), "1.1").text_in("ja")
    assert text is not None
    assert (text.behind, text.says_number, text.stated_behind) == (["exceptions"], "1.0", "exceptions")
    sources = {row.clause.anchor: row.source_hash for row in text.clause_texts}
    now = queries.clause_hashes(queries.get_version(queries.get_document("impersonation"), "1.1"))
    before = queries.clause_hashes(queries.get_version(queries.get_document("impersonation"), "1.0"))
    assert sources == {**now, "exceptions": before["exceptions"]}
    assert invariants.clauses_are_those_of_their_text() == []
    assert take_in(tmp_path, cast.admin)[1] == [], "it says the same"


def test_what_the_product_wrote_goes_out_and_comes_into_another_house_the_same(
    app: Any, tmp_path: Path, cast: Cast
) -> None:
    take_in(write(tmp_path, BASE), cast.admin)
    old = queries.clause_hashes(queries.get_version(queries.get_document("impersonation"), "1.0"))
    texts = [english(EN.replace("None.", "One.").replace("It covers", "It now covers")), japanese(made_from=old)]
    draft = make_draft(queries.get_document("impersonation"), cast.author, texts=texts)
    with own_transaction():
        reviews.submit_draft(draft=drafts.get_draft(draft.code), by=cast.author)
    with own_transaction():
        reviews.approve_draft(
            draft=drafts.get_draft(draft.code),
            seen=drafts.hash_of_draft(draft),
            confirmed=ChangeClass.MINOR,
            by=cast.approver,
        )
    # Nothing is kept of the files as they came.
    with own_transaction():
        session.query(ImportedFile).delete()
    first = {file.path: file.text for file in export_content(PARTS)}
    assert 'version: "1.0"\nbehind: scope, exceptions\n' in first["documents/impersonation/ja.md"]
    session.remove()
    empty()
    session.remove()
    take_in(write(tmp_path / "other", first), make_cast().admin)
    text = queries.get_version(queries.get_document("impersonation"), "1.1").text_in("ja")
    assert text is not None
    assert text.behind == ["scope", "exceptions"]
    with own_transaction():
        session.query(ImportedFile).delete()
    assert {file.path: file.text for file in export_content(PARTS)} == first


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ja": behind("gone")}, "“gone” is not in the authoritative text"),
        ({"en": behind("scope")}, "“behind” stands only in a translation"),
        ({"ja": lambda text: behind("scope")(text)[: text.index("### 例外")]}, "“exceptions” is missing"),
    ],
)
def test_what_is_wrong_about_clauses_that_do_not_follow_is_said(
    changes: dict[str, Callable[[str], str]], message: str
) -> None:
    said = [str(finding.message) for finding in findings(**changes)]
    assert any(message in each for each in said), said


def test_the_same_clauses_are_behind_however_they_are_listed() -> None:
    part = DocumentsPart()
    file = ContentFile("documents/impersonation/ja.md", behind('" scope ,, exceptions, scope"')(BASE["ja.md"]))
    assert part.canonical(file) == behind("scope, exceptions")(BASE["ja.md"])


def test_a_file_that_names_other_clauses_for_what_is_published_is_refused(tmp_path: Path, cast: Cast) -> None:
    take_in(write(tmp_path, {**BASE, "ja.md": behind("scope")(BASE["ja.md"])}), cast.admin)
    found = refusals(write(tmp_path, {**BASE, "ja.md": behind("exceptions")(BASE["ja.md"])}), cast.admin)
    assert "this file says something else" in str(found[0].message)


def test_what_nobody_has_published_travels_nowhere(cast: Cast) -> None:
    """A document that has only a draft would be a folder without the text that decides, which no import takes."""
    make_draft(make_document(cast.author, "being-written"), cast.author)
    make_published(cast.author, "published")
    out = [file.path for file in export_content(PARTS)]
    assert out == [f"documents/published/{name}" for name in ("document.toml", "en.md", "ja.md")]
