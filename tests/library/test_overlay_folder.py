"""What a market does otherwise as files: looked at with its base, taken in after it, written out as it was written."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.accounts.models import Person
from portal.core import mail
from portal.core.content import ContentFile, ContentFolder, Finding
from portal.core.db import session
from portal.core.i18n import force_locale
from portal.core.transaction import own_transaction
from portal.library import invariants, queries
from portal.library.content import DocumentsPart, GlossaryPart
from portal.library.models import AudienceKind, ChangeClass, DocumentVersion, Origin
from portal.library.service import versions
from portal.operations.models import ImportedFile
from portal.operations.service import ContentRefused, check_content, export_content, import_content
from tests.beginnings import beginning
from tests.builders import Cast, make_cast, make_market
from tests.conftest import empty
from tests.library.builders import english, japanese, make_version
from tests.volume import examples

PARTS = [GlossaryPart(), DocumentsPart()]
WHEN = "2026-04-01T00:00+09:00"
OWNER = 'owner = "author@portal.example"\n'
BASE_TOML = 'kind = "policy"\n' + OWNER + 'sensitivity = "S1"\n\n[audience]\nroles = ["learner"]\n'
BASE_EN = f"""---
title: Impersonation
version: "1.0"
change_class: material
effective_at: {WHEN}
zone: Asia/Tokyo
summary: Who may be imitated.
attestation: I have read this version.
---
Opening.

## Scope {{#scope}}

Everywhere. See [[#appeals]].

## Appeals {{#appeals sensitivity=S1}}

Within 30 days.

## Fees {{#fees}}

None are taken.
"""
BASE_JA = """---
title: なりすまし
version: "1.0"
summary: だれをまねてよいか。
---
はじめに。

## 範囲 {#scope}

すべて。

## 申し立て {#appeals sensitivity=S1}

30日以内。

## 手数料 {#fees}

かからない。
"""
OVER_EN = f"""---
title: Impersonation (Japan)
version: "1.0"
over: "1.0"
change_class: minor
effective_at: {WHEN}
zone: Asia/Tokyo
---
## Appeals in Japan {{#appeals}}

Within 14 days. See [[#notices]] and [[impersonation#scope]].

## Scope {{#scope overlay=append}}

Also on LINE.

## Fees {{#fees overlay=none}}

## Notices {{#notices overlay=add after=scope}}

A notice is sent.
"""
OVER_JA = """---
title: なりすまし（日本）
version: "1.0"
---
## 日本での申し立て {#appeals}

14日以内。

## 範囲 {#scope}

LINEも。

## 通知 {#notices}

通知を送る。
"""
BASE = {"a/document.toml": BASE_TOML, "a/en.md": BASE_EN, "a/ja.md": BASE_JA}
OVER = {"a@JP/document.toml": OWNER, "a@JP/en.md": OVER_EN, "a@JP/ja.md": OVER_JA}
# The base is called impersonation; short names keep the tables below readable.
ALL = BASE | OVER

Change = Callable[[str], str]


def path_of(name: str) -> str:
    return "documents/" + (name.replace("a", "impersonation", 1) if name[:2] in ("a/", "a@") else name)


def folder_of(files: dict[str, str]) -> ContentFolder:
    """Return a checked folder."""
    folder = ContentFolder({path_of(name): ContentFile(path_of(name), text) for name, text in files.items()})
    for part in PARTS:
        part.check(folder)
    return folder


def changed(**changes: str | Change | None) -> dict[str, str]:
    """Return the files with some changed or left out: `base` and `over` with en, ja or toml behind."""
    files = dict(ALL)
    for key, change in changes.items():
        which, _underline, kind = key.partition("_")
        name = f"{'a' if which == 'base' else 'a@JP'}/{'document.toml' if kind == 'toml' else f'{kind}.md'}"
        if change is None:
            del files[name]
        else:
            files[name] = change if isinstance(change, str) else change(files[name])
    return files


def replaced(old: str, new: str) -> Change:
    def change(text: str) -> str:
        assert old in text
        return text.replace(old, new, 1)

    return change


def lagging_in(ids: str) -> Change:
    """Return the change of the Japanese file after which it lacks the last clause and names these as behind."""
    return lambda text: text[: text.index("## 通知")].replace('"1.0"\n', f'"1.0"\nbehind: {ids}\n')


def body_without_fees(text: str) -> str:
    return text.replace("## Fees {#fees overlay=none}\n\n", "")


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / path_of(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    return root


def take_in(root: Path, by: Person) -> tuple[ContentFolder, list[str]]:
    with own_transaction():
        return import_content(root=root, parts=PARTS, by=by)


def refusals(root: Path, by: Person) -> list[Finding]:
    with pytest.raises(ContentRefused) as refused:
        take_in(root, by)
    session.rollback()
    return refused.value.findings


def written_out() -> dict[str, str]:
    return {file.path: file.text for file in export_content(PARTS)}


def paths(files: dict[str, str]) -> dict[str, str]:
    return {path_of(name): text for name, text in files.items()}


def latest(slug: str = "impersonation@JP") -> DocumentVersion:
    found = queries.latest_version(queries.get_document(slug))
    assert found is not None
    return found


@pytest.fixture
@beginning
def cast(app: object) -> Cast:
    cast = make_cast()
    make_market("JP")
    return cast


# --- looking at files -----------------------------------------------------------------------------


@pytest.mark.any_database
def test_a_sound_overlay_has_no_findings_and_the_clauses_that_result(app: Any) -> None:
    folder = folder_of(ALL)
    assert folder.findings == []
    assert folder.shared["clauses"]["impersonation@JP"] == {"1.0": {"top", "scope", "notices", "appeals", "fees"}}
    assert folder.shared["audiences"]["impersonation@JP"] == {"market": ("JP",), "role": ("learner",)}
    assert list(folder.shared["library.read"]) == ["impersonation", "impersonation@JP"]


TOML, EN, JA = "document.toml", "en.md", "ja.md"
FAULTS: list[tuple[dict[str, Any], str, int, str, str]] = [
    # changes, file, line, words of the message, words of the mend
    ({"over_toml": OWNER + 'kind = "sop"\n'}, TOML, 2, "“kind” follows from the base, which says “policy”", "Re"),
    ({"over_toml": OWNER + 'authoritative = "ja"\n'}, TOML, 2, "“authoritative” follows", "Remove the line"),
    ({"over_toml": OWNER + 'sensitivity = "S1"\n'}, TOML, 2, "“sensitivity” follows", "only a higher one"),
    ({"over_toml": OWNER + '[audience]\nteams = ["x"]\n'}, TOML, 2, "to its market, and there", "of the base"),
    ({"over_toml": OWNER + 'market = "JP"\n'}, TOML, 2, "“market” is not known here", "Known are: kind"),
    ({"over_toml": OWNER + 'overlays = "other"\n'}, TOML, 2, "is not the base that the folder", "Write overlays"),
    ({"over_toml": OWNER + 'overlays = "impersonation@JP"\n'}, TOML, 2, "laid over itself", "impersonation"),
    ({"over_toml": OWNER + 'overlays = "impersonation@US"\n'}, TOML, 2, "never over an overlay", "overlays = "),
    ({"over_toml": OWNER + "overlays = 7\n"}, TOML, 2, "is not the base that the folder", "Write overlays"),
    ({"over_toml": "\n"}, TOML, 0, "not a sign-in name", "mail address"),
    ({"base_toml": BASE_TOML + 'markets = ["US"]\n'}, TOML, 0, "not addressed to the market “JP”", "Add the"),
    ({"over_en": replaced('over: "1.0"\n', "")}, EN, 1, "“over” is missing", "Add it"),
    ({"over_en": replaced('over: "1.0"', "over: one")}, EN, 4, "“one” is no version number", 'Write it as "1.0"'),
    ({"over_en": replaced("title: Impersonation (Japan)\n", "")}, EN, 1, "“title” is missing", "Add it"),
    ({"over_ja": replaced('version: "1.0"', 'version: "1.0"\nover: "1.0"')}, JA, 4, "“over” stands only", "Remove"),
    ({"over_en": replaced("2026-04-01", "2026-03-01")}, EN, 6, "before version 1.0 of its base", "2026-04-01T00:00"),
    ({"over_en": replaced("{#appeals}", "{#apeals}")}, EN, 9, "no clause “apeals”", "overlay=add"),
    ({"over_en": replaced("overlay=append", "overlay=forbid")}, EN, 13, "“forbid” is not known", "replace, append"),
    ({"over_en": replaced("after=scope", "after=nowhere")}, EN, 19, "no clause “nowhere”", "behind which"),
    ({"over_en": replaced("#notices]]", "#notes]]")}, EN, 11, "no clause “impersonation@JP#notes”", "notices"),
    ({"over_en": replaced("]].\n", "]] [[#top2]].\n")}, EN, 11, "no clause “impersonation@JP#top2”", "appeals"),
    ({"over_en": replaced("overlay=none", "colour=red")}, EN, 17, "“colour” is not known", "only overlay=…, after=…"),
    ({"over_en": replaced("{#appeals}", "{#appeals sensitivity=S2}")}, EN, 9, "labelled S2, the document only S1", "R"),
    ({"over_ja": replaced("## 通知 {#notices}\n\n通知を送る。\n", "")}, JA, 3, "“notices” is missing", "name it under"),
    ({"over_ja": replaced("{#scope}", "{#top}")}, JA, 9, "used by the page itself", "another id"),
    ({"over_ja": replaced("{#appeals}", "{#appeals overlay=none}")}, JA, 5, "something else here", "Leave “overlay”"),
    ({"over_ja": replaced('"1.0"\n', '"1.0"\nbehind: gone\n')}, JA, 4, "“gone” is not in the authori", "“behind”"),
    ({"over_ja": replaced('"1.0"', '"1.1"')}, JA, 3, "translates version 1.1", "Raise the authoritative"),
    ({"over_ja": '---\nversion: "1.0"\n---\n'}, JA, 4, "The text is empty", "at least one paragraph"),
    ({"over_en": None}, EN, 0, "authoritative text is missing", "Write this file"),
    ({"over_toml": None}, TOML, 0, "no document.toml", "names kind"),
]  # fmt: skip


@pytest.mark.any_database
@pytest.mark.parametrize(("changes", "name", "line", "words", "mend"), FAULTS)
def test_a_fault_of_an_overlay_is_named_with_file_line_and_mend(
    app: Any, changes: dict[str, Any], name: str, line: int, words: str, mend: str
) -> None:
    found = folder_of(changed(**changes)).errors
    match = [each for each in found if words in each.message]
    assert match, [str(each) for each in found]
    assert (match[0].path, match[0].line) == (f"documents/impersonation@JP/{name}", line), str(match[0])
    assert mend in match[0].mend, match[0].mend
    assert {each.path.split("/")[1] for each in found} == {"impersonation@JP"}


@pytest.mark.any_database
@pytest.mark.parametrize("number", range(len(FAULTS)))
def test_every_fault_of_an_overlay_is_told_in_japanese(app: Any, number: int) -> None:
    with force_locale("ja"):
        for finding in folder_of(changed(**FAULTS[number][0])).findings:
            assert any(ord(letter) > 0x3000 for letter in finding.message), finding.message
            assert any(ord(letter) > 0x3000 for letter in finding.mend), finding.mend


@pytest.mark.any_database
def test_other_documents_are_no_overlays(app: Any) -> None:
    found = folder_of(
        changed(base_toml=replaced("kind", 'overlays = "b"\nkind'), base_en=replaced("zone:", 'over: "1.0"\nzone:'))
    ).errors
    assert [(each.path, each.line, each.message) for each in found] == [
        ("documents/impersonation/document.toml", 1, "“overlays” is for the text of a market."),
        ("documents/impersonation/en.md", 6, "“over” is for the text of a market."),
    ]


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("slug", "words"),
    [
        ("impersonation@JP@US", "never over an overlay"),
        ("impersonation@", "cannot be an address"),
        ("@JP", "cannot be an address"),
        ("Impersonation@JP", "cannot be an address"),
        ("impersonation@JP.", "cannot be an address"),
        (f"impersonation@{'J' * 21}", "cannot be an address"),
    ],
)
def test_an_overlay_is_addressed_by_its_base_and_its_market(app: Any, slug: str, words: str) -> None:
    files = {**BASE, **{name.replace("a@JP", slug): text for name, text in OVER.items()}}
    found = folder_of(files).errors
    assert [(each.path, words in each.message) for each in found] == [(f"documents/{slug}/document.toml", True)]
    assert found[0].mend


@pytest.mark.any_database
def test_an_overlay_whose_base_is_not_in_the_folder_is_told_so(app: Any) -> None:
    folder = folder_of(dict(OVER))
    assert [(str(each.level), each.path, each.line) for each in folder.findings] == [
        ("warning", "documents/impersonation@JP/en.md", 4)
    ]
    assert "base “impersonation” is not in this folder" in folder.findings[0].message


@pytest.mark.any_database
def test_an_overlay_of_a_broken_base_is_not_looked_at_in_full(app: Any) -> None:
    folder = folder_of(changed(base_en=replaced("Opening.", "<b>")))
    assert {(str(each.level), each.path) for each in folder.findings} == {
        ("unchecked", "documents/impersonation@JP/document.toml"),
        ("error", "documents/impersonation/en.md"),
    }


@pytest.mark.any_database
def test_an_overlay_of_another_version_names_what_has_to_be_looked_at(app: Any) -> None:
    files = changed(
        base_en=lambda text: replaced('"1.0"', '"2.0"')(text)[: text.index("## Fees")],
        base_ja=lambda text: replaced('"1.0"', '"2.0"')(text)[: text.index("## 手数料")],
    )
    found = folder_of(files).findings
    assert [(str(each.level), each.path, each.line) for each in found] == [
        ("warning", "documents/impersonation@JP/en.md", 4)
    ], [str(each) for each in found]
    assert found[0].message == "It is laid over version 1.0 of “impersonation”, but this folder has 2.0."
    lost = files | {"a@JP/en.md": body_without_fees(OVER_EN).replace("#notices]]", "#fees]]")}
    assert [(str(each.level), each.line) for each in folder_of(lost).findings] == [("warning", 4), ("warning", 11)]
    assert "appeals, scope, fees, notices" in found[0].mend
    assert 'over: "2.0"' in found[0].mend


@pytest.mark.any_database
def test_links_lead_to_the_clauses_that_result(app: Any) -> None:
    link = replaced("Opening.", "Opening. [[impersonation@JP#notices]], [[impersonation@JP#scope]]")
    assert folder_of(changed(base_en=link)).findings == []
    wrong = folder_of(changed(base_en=replaced("Opening.", "[[impersonation@JP#gone]]"))).errors
    assert [each.message for each in wrong] == ["There is no clause “impersonation@JP#gone”."]
    assert "notices" in wrong[0].mend
    own = replaced("Also on LINE.", "Also on LINE: [[impersonation@JP#fees]].")
    assert folder_of(changed(over_en=own)).findings == []


@pytest.mark.any_database
def test_a_translation_of_a_market_may_lag_clause_by_clause(app: Any) -> None:
    lagging = lagging_in("notices, appeals")
    found = folder_of(changed(over_ja=lagging)).findings
    assert [(str(each.level), each.line) for each in found] == [("warning", 4)]
    assert "notices, appeals" in found[0].message
    older = folder_of(changed(over_en=replaced('version: "1.0"', 'version: "1.1"'))).findings
    assert [(str(each.level), each.line) for each in older] == [("warning", 3)]


HEAD_EN, HEAD_BASE = OVER_EN[: OVER_EN.index("##")], BASE_EN[: BASE_EN.index("Opening")]


def headings(number: int, prefix: str, braces: str = "", body: str = "") -> str:
    return "".join(f"## H {{#{prefix}{n}{braces}}}\n\nx{body}\n\n" for n in range(number))


def test_what_would_not_be_shown_is_refused(app: Any) -> None:
    """A base without a translation has nothing to which a market's could add."""
    only = lambda text: HEAD_EN + "## Scope {#scope overlay=append}\n\nAlso.\n"  # noqa: E731
    ours = OVER_JA[: OVER_JA.index("##")] + "## 範囲 {#scope}\n\nLINEも。\n"
    found = folder_of(changed(over_en=only, over_ja=ours, base_ja=None)).errors
    assert [(each.path, each.line) for each in found] == [("documents/impersonation@JP/ja.md", 3)]
    assert "Nothing of this text would be shown" in found[0].message
    assert found[0].mend


LIMITS: list[tuple[dict[str, str | Change | None], int, str]] = [
    ({"over_en": HEAD_EN + headings(1_001, "n", " overlay=add")}, 4_009, "1001 headings; the limit is 1000"),
    (
        {
            "base_en": HEAD_BASE + headings(600, "b"), "over_en": HEAD_EN + headings(401, "n", " overlay=add"),
            "base_ja": None, "over_ja": None,
        },
        4, "Laid over its base, the text cannot be published: The text has 1001 headings; the limit is 1000",
    ),
    (
        {
            "base_en": HEAD_BASE + headings(40, "b", body=" word" * 900),
            "over_en": HEAD_EN + headings(20, "n", " overlay=add", body=" word" * 900),
            "base_ja": BASE_JA[: BASE_JA.index("はじ")] + headings(40, "b"),
            "over_ja": OVER_JA[: OVER_JA.index("##")] + headings(20, "n"),
        },
        4, "Laid over its base, the text cannot be published: The text has 264 KB; the limit is 256 KB.",
    ),
    ({"over_toml": OWNER + 'overlays = "impersonation@JP"\n'}, 2, "The overlay would be laid over itself."),
    ({"base_en": None, "base_ja": None, "base_toml": None}, 4, "The base “impersonation” is not in this folder."),
]  # fmt: skip


@pytest.mark.any_database
@pytest.mark.parametrize("number", range(len(LIMITS)))
def test_what_is_beyond_the_limits_is_said_within_half_a_second(app: Any, number: int) -> None:
    changes, line, words = LIMITS[number]
    files = changed(**changes)
    started = time.process_time()
    found = [each for each in folder_of(files).findings if words in each.message]
    took = time.process_time() - started
    assert [each.line for each in found] == [line]
    assert found[0].mend
    assert took < 0.5, took


# --- taking in and writing out --------------------------------------------------------------------


def test_a_folder_with_an_overlay_goes_in_once_and_comes_out_byte_for_byte(cast: Cast, tmp_path: Path) -> None:
    root = write(tmp_path, changed(over_ja=lambda text: text.replace("\n", "\r\n")))
    assert check_content(root, PARTS).findings == []
    taken, changes = take_in(root, cast.admin)
    assert taken.findings == []
    assert [each for each in changes if "version" in each] == [
        "documents/impersonation/en.md: version 1.0 (4 clauses)",
        "documents/impersonation@JP/en.md: version 1.0 (5 clauses)",
    ]
    document, version = queries.get_document("impersonation@JP"), latest()
    assert document.base is not None
    assert (document.base.slug, document.market, document.kind.value) == ("impersonation", "JP", "policy")
    assert document.audience(AudienceKind.MARKET) == ["JP"]
    assert document.audience(AudienceKind.ROLE) == ["learner"]
    assert (version.over_id, version.origin) == (latest("impersonation").id, Origin.IMPORT)
    text = version.text_in("en")
    assert text is not None
    assert "**This clause does not apply in Japan.**" in text.source
    assert text.summary == "Who may be imitated."
    assert take_in(root, cast.admin)[1] == []
    assert invariants.clauses_are_those_of_their_text() == []
    files = {path.relative_to(tmp_path).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}
    assert {path: text.encode() for path, text in written_out().items()} == files


def test_what_was_written_out_gives_the_same_hashes_elsewhere_and_comes_out_again(cast: Cast, tmp_path: Path) -> None:
    """With a market that followed its base, a translation that lags, and a version that is provisional."""
    lagging = lagging_in("notices")
    files = changed(over_ja=lagging)
    files |= {name.replace("a@JP", "a@US"): text for name, text in OVER.items() if "ja" not in name}
    make_market("US")
    take_in(write(tmp_path / "a", files), cast.admin)
    new = [english(body(BASE_EN).replace("Opening.", "Another."), title="Impersonation", summary="New.")]
    make_version(
        queries.get_document("impersonation"), cast.admin, "2.0",
        texts=[*new, japanese(body(BASE_JA), title="なりすまし", stated_behind="top", says_number="2.0")],
    )  # fmt: skip
    assert latest().origin is Origin.FOLLOWED
    with own_transaction():
        session.query(ImportedFile).delete()
    first = written_out()
    assert 'version: "2.0"\nover: "2.0"\nchange_class: material\n' in first["documents/impersonation@JP/en.md"]
    assert 'version: "2.0"\nbehind: notices\n' in first["documents/impersonation@JP/ja.md"]
    assert "documents/impersonation@US/ja.md" not in first
    assert "Opening" not in first["documents/impersonation@JP/en.md"]
    hashes = {slug: latest(slug).hash for slug in ("impersonation", "impersonation@JP", "impersonation@US")}
    behind = latest().text_in("ja")
    assert behind is not None
    assert behind.behind == ["top", "notices"]

    session.remove()
    empty()
    session.remove()
    other = make_cast().admin
    make_market("US")
    for path, text in first.items():
        target = tmp_path / "b" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text.encode())
    taken, _changes = take_in(tmp_path / "b", other)
    assert taken.errors == []
    assert {slug: latest(slug).hash for slug in hashes} == hashes
    text = latest().text_in("ja")
    assert text is not None
    assert (text.behind, latest().is_provisional) == (["top", "notices"], True)
    with own_transaction():
        session.query(ImportedFile).delete()
    assert written_out() == first
    assert take_in(tmp_path / "b", other)[1] == []


def body(text: str) -> str:
    return text.split("---\n", 2)[2]


SECOND = {
    "base_en": replaced('version: "1.0"', 'version: "2.0"\nbased_on: "1.0"'),
    "base_ja": replaced('"1.0"', '"2.0"'),
}


def test_an_overlay_follows_the_version_that_the_folder_brings_and_its_older_file_stays_accepted(
    cast: Cast, tmp_path: Path
) -> None:
    take_in(write(tmp_path, ALL), cast.admin)
    write(
        tmp_path,
        changed(base_en=lambda t: SECOND["base_en"](t).replace("Opening.", "Anew."), base_ja=SECOND["base_ja"]),
    )
    taken, changes = take_in(tmp_path, cast.admin)
    assert [str(each.level) for each in taken.findings] == ["warning"]
    assert changes == [
        "documents/impersonation/en.md: version 2.0 (4 clauses)",
        "documents/impersonation@JP: version 2.0 follows version 2.0 of its base",
    ]
    assert (latest().number, latest().origin) == ("2.0", Origin.FOLLOWED)
    assert take_in(tmp_path, cast.admin)[1] == []
    out = written_out()
    assert out["documents/impersonation/en.md"] == (tmp_path / "documents/impersonation/en.md").read_text()
    assert 'over: "2.0"' in out["documents/impersonation@JP/en.md"]


def test_an_overlay_that_comes_with_its_own_version_does_not_follow_before(cast: Cast, tmp_path: Path) -> None:
    take_in(write(tmp_path, ALL), cast.admin)
    new = changed(
        base_en=lambda t: SECOND["base_en"](t).replace("30 days", "60 days"), base_ja=SECOND["base_ja"],
        over_en=lambda t: t.replace('version: "1.0"\nover: "1.0"', 'version: "2.0"\nbased_on: "1.0"\nover: "2.0"'),
        over_ja=replaced('"1.0"', '"2.0"'),
    )  # fmt: skip
    taken, changes = take_in(write(tmp_path, new), cast.admin)
    assert taken.findings == []
    assert [each.split(":")[0] for each in changes] == [
        "documents/impersonation/en.md", "documents/impersonation@JP/en.md"
    ]  # fmt: skip
    document = queries.get_document("impersonation@JP")
    assert [(each.number, each.origin) for each in document.versions] == [
        ("1.0", Origin.IMPORT),
        ("2.0", Origin.IMPORT),
    ]


def test_an_overlay_that_clashes_with_the_version_brought_waits_and_that_is_said(
    cast: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mails: list[dict[str, Any]] = []
    monkeypatch.setattr(mail, "send_later", lambda _name, arguments, **_options: mails.append(arguments))
    take_in(write(tmp_path, ALL), cast.admin)
    clash = changed(base_en=lambda t: SECOND["base_en"](t).replace("30 days", "60 days"), base_ja=SECOND["base_ja"])
    taken, _changes = take_in(write(tmp_path, clash), cast.admin)
    said = {each.path: each for each in taken.findings}
    assert said["documents/impersonation/en.md"].message == "“impersonation@JP” stays laid over version 1.0."
    assert "appeals" in said["documents/impersonation/en.md"].mend
    assert latest().number == "1.0"
    assert mails == [{"slug": "impersonation@JP", "number": "2.0", "to": cast.author.code}]
    out = written_out()
    assert out["documents/impersonation@JP/en.md"] == OVER_EN
    assert take_in(tmp_path, cast.admin)[1] == [], "what waits is no fault of its file"


@pytest.mark.parametrize("over", ["1.0", "9.0"])
def test_an_overlay_of_an_older_version_is_taken_where_nothing_clashes(cast: Cast, tmp_path: Path, over: str) -> None:
    take_in(write(tmp_path, BASE), cast.admin)
    second = changed(base_en=lambda t: SECOND["base_en"](t).replace("Opening.", "Anew."), base_ja=SECOND["base_ja"])
    take_in(write(tmp_path, {name: text for name, text in second.items() if name in BASE}), cast.admin)
    root = write(tmp_path, changed(over_en=replaced('over: "1.0"', f'over: "{over}"')) | {
        name: text for name, text in second.items() if name in BASE
    })  # fmt: skip
    if over == "9.0":
        found = refusals(root, cast.admin)
        assert [(each.path, each.line) for each in found] == [("documents/impersonation@JP/en.md", 4)]
        assert found[0].message == "Version 9.0 of “impersonation” is not known here; 2.0 is its latest version."
        assert "appeals, scope, fees, notices" in found[0].mend
        assert queries.find_document("impersonation@JP") is None
        return
    take_in(root, cast.admin)
    assert latest().over_id == latest("impersonation").id
    assert take_in(root, cast.admin)[1] == [], "its file says the same as before"
    assert 'over: "2.0"' in written_out()["documents/impersonation@JP/en.md"]
    other = replaced('over: "1.0"', 'over: "1.5"')
    found = refusals(write(tmp_path, {"a@JP/en.md": other(OVER_EN)}), cast.admin)
    assert [(each.line, "laid over version 2.0" in each.message) for each in found] == [(4, True)]


def test_an_overlay_that_clashes_with_the_latest_version_is_refused_by_clause(cast: Cast, tmp_path: Path) -> None:
    take_in(write(tmp_path, BASE), cast.admin)
    second = changed(base_en=lambda t: SECOND["base_en"](t).replace("30 days", "60 days"), base_ja=SECOND["base_ja"])
    found = refusals(write(tmp_path, second), cast.admin)
    assert [(each.path, each.line) for each in found] == [("documents/impersonation@JP/en.md", 4)]
    assert (
        found[0].message == "It is laid over 1.0, but version 2.0 of “impersonation” says something else in: appeals."
    )
    assert 'over: "2.0"' in found[0].mend
    assert queries.find_document("impersonation@JP") is None
    assert latest("impersonation").number == "1.0", "nothing is taken"


def test_an_overlay_may_come_after_its_base_but_not_without_it(cast: Cast, tmp_path: Path) -> None:
    root = write(tmp_path / "overlay", OVER)
    found = refusals(root, cast.admin)
    assert [(each.path, each.line) for each in found] == [("documents/impersonation@JP/en.md", 4)]
    assert found[0].message == "There is no document “impersonation” over which it could be laid."
    take_in(write(tmp_path / "base", BASE), cast.admin)
    taken, changes = take_in(root, cast.admin)
    assert [each.level for each in taken.findings] == ["warning"]
    assert changes[-1] == "documents/impersonation@JP/en.md: version 1.0 (5 clauses)"
    wrong = {
        "a@JP/en.md": OVER_EN.replace('version: "1.0"', 'version: "1.1"\nbased_on: "1.0"').replace("#fees", "#fee")
    }
    found = refusals(write(root, wrong), cast.admin)
    assert next((each.line, each.message) for each in found) == (18, "The base has no clause “fee”.")


def test_a_changed_overlay_under_a_published_number_is_refused_with_what_was_written(
    cast: Cast, tmp_path: Path
) -> None:
    take_in(write(tmp_path, ALL), cast.admin)
    found = refusals(write(tmp_path, changed(over_en=replaced("Within 14", "Within 15"))), cast.admin)
    assert [(each.path, each.line) for each in found] == [("documents/impersonation@JP/en.md", 3)]
    assert "published already" in found[0].message
    assert "\n    -Within 14 days." in found[0].mend
    assert "Everywhere" not in found[0].mend


def test_a_translation_of_an_earlier_version_is_behind_where_the_text_has_changed_since(
    cast: Cast, tmp_path: Path
) -> None:
    take_in(write(tmp_path, ALL), cast.admin)
    newer = OVER_EN.replace('version: "1.0"', 'version: "1.1"\nbased_on: "1.0"').replace("14 days", "21 days")
    taken, _changes = take_in(write(tmp_path, {"a@JP/en.md": newer}), cast.admin)
    assert [(str(each.level), each.path) for each in taken.findings] == [
        ("warning", "documents/impersonation@JP/ja.md")
    ]
    text = latest().text_in("ja")
    assert text is not None
    assert text.behind == ["appeals"]
    assert written_out()["documents/impersonation@JP/ja.md"] == OVER_JA
    assert take_in(tmp_path, cast.admin)[1] == []


def test_what_a_market_took_back_is_not_written_out(cast: Cast, tmp_path: Path) -> None:
    take_in(write(tmp_path, ALL), cast.admin)
    with own_transaction():
        versions.withdraw_version(version=latest(), reason="Wrong", by=cast.admin)
    assert set(written_out()) == set(paths(BASE))


def test_a_market_that_is_not_known_is_warned_of(cast: Cast, tmp_path: Path) -> None:
    files = {name.replace("a@JP", "a@XX"): text for name, text in ALL.items()}
    taken, _changes = take_in(write(tmp_path, files), cast.admin)
    assert [each.message for each in taken.findings] == ["There is no market “XX”."]
    text = latest("impersonation@XX").text_in("en")
    assert text is not None
    assert "does not apply in XX" in text.source


def test_links_to_an_overlay_show_its_headings_whatever_came_first(cast: Cast, tmp_path: Path) -> None:
    link = replaced("Opening.", "Opening. [[impersonation@JP#notices]]")
    take_in(write(tmp_path, changed(base_en=link)), cast.admin)
    shown = queries.list_shown_clauses(latest("impersonation"), "en")
    assert 'href="/library/impersonation@JP#notices"' in shown[0].html
    assert ">Notices</a>" in shown[0].html


def test_settings_of_the_base_are_those_of_its_overlay(cast: Cast, tmp_path: Path) -> None:
    take_in(write(tmp_path, changed(over_toml=OWNER + 'sensitivity = "S3"\n')), cast.admin)
    document = queries.get_document("impersonation@JP")
    assert document.sensitivity == "S3"
    assert written_out()["documents/impersonation@JP/document.toml"] == OWNER + 'sensitivity = "S3"\n'
    toml = BASE_TOML.replace('"policy"', '"sop"').replace('"S1"', '"S2"')
    take_in(write(tmp_path, changed(base_toml=toml)), cast.admin)
    document = queries.get_document("impersonation@JP")
    assert (document.kind.value, document.sensitivity) == ("sop", "S2")
    take_in(write(tmp_path / "base", {**BASE, "a/document.toml": BASE_TOML.replace('"S1"', '"S3"')}), cast.admin)
    document = queries.get_document("impersonation@JP")
    assert (document.kind.value, document.sensitivity) == ("policy", "S3"), "also when only the base comes"


# --- export(import(x)) = x ------------------------------------------------------------------------

CANONICAL_TOML = (
    'kind = "policy"\nowner = "author@portal.example"\nauthoritative = "en"\nsensitivity = "S1"\n\n'
    '[audience]\nmarkets = []\nteams = []\nroles = ["learner"]\n'
)
numbers = count(1)
modes = st.sampled_from(["", " overlay=replace", " overlay=append", " overlay=none"])
line = st.sampled_from(["", "One.", "Two lines\nof text.", "- a\n- b", "> quoted"])


@st.composite
def folders(draw: st.DrawFn) -> dict[str, str]:
    """Return the files of a base and of an overlay of it, in canonical form; `{slug}` stands for its address."""
    base = draw(st.lists(st.sampled_from("abcde"), min_size=1, unique=True))
    overlaid = {anchor: draw(modes) for anchor in base if draw(st.booleans())}
    added = draw(st.lists(st.sampled_from("xyz"), unique=True))
    if not overlaid and not added:
        added = ["x"]
    parts = [f"## En {anchor} {{#{anchor}{mode}}}\n\n{draw(line)}" for anchor, mode in overlaid.items()]
    parts += [
        f"## En {anchor} {{#{anchor} overlay=add{draw(st.sampled_from(['', ' after=' + base[0]]))}}}\n\nNew."
        for anchor in added
    ]
    parts = draw(st.permutations(parts))
    translated = [anchor for anchor in (*overlaid, *added) if draw(st.booleans())]
    behind = sorted({*overlaid, *added} - set(translated) | {each for each in translated if draw(st.booleans())})
    texts = {
        "{slug}/document.toml": CANONICAL_TOML,
        "{slug}/en.md": HEAD_BASE + "\n\n".join(f"## En {each} {{#{each}}}\n\n{each}" for each in base) + "\n",
        "{slug}@JP/document.toml": OWNER
        + draw(st.sampled_from(["", "review_every_months = 6\n", 'sensitivity = "S2"\n'])),
        "{slug}@JP/en.md": HEAD_EN + "\n\n".join(parts) + draw(st.sampled_from(["", "\n", "\n\n"])),
    }
    if draw(st.booleans()):
        head = BASE_JA[: BASE_JA.index("はじ")]
        texts["{slug}/ja.md"] = head + "\n\n".join(f"## 和 {each} {{#{each}}}\n\n{each}" for each in base) + "\n"
    has_base = "{slug}/ja.md" in texts
    if not has_base and all(overlaid.get(each) in (" overlay=append", " overlay=none") for each in translated):
        # Nothing of it would be shown.
        translated = []
    if translated:
        stated = f"behind: {', '.join(behind)}\n" if behind else ""
        title = draw(st.sampled_from(["title: 日本\n", ""]))
        head = f'---\n{title}version: "1.0"\n{stated}---\n'
        texts["{slug}@JP/ja.md"] = head + "\n\n".join(
            f"## 和 {each} {{#{each}}}\n\n{draw(line)}" for each in translated
        )
    return texts


@settings(max_examples=examples(25), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(folders())
def test_whatever_folder_with_overlays_comes_out_as_it_went_in(
    cast: Cast, tmp_path_factory: pytest.TempPathFactory, files: dict[str, str]
) -> None:
    slug = f"d{next(numbers)}"
    given_ = {name.format(slug=slug) if "{slug}" in name else name: text for name, text in files.items()}
    root = write(tmp_path_factory.mktemp("x"), given_)
    taken, _changes = take_in(root, cast.admin)
    assert taken.errors == []
    with own_transaction():
        session.query(ImportedFile).delete()
    session.expire_all()
    out = {path: text for path, text in written_out().items() if path.startswith(f"documents/{slug}")}
    assert {path for path in out if path.split("/")[1] in (slug, f"{slug}@JP")} == set(paths(given_))
    assert out == paths(given_)
    assert take_in(root, cast.admin)[1] == []


def test_material_changes_keep_their_class(cast: Cast, tmp_path: Path) -> None:
    take_in(write(tmp_path, changed(over_en=replaced("minor", "material"))), cast.admin)
    assert latest().change_class is ChangeClass.MATERIAL
