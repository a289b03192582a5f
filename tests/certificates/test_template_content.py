"""`templates/`: what is wrong is named with its line; what is right comes back byte for byte, pictures and all."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask

from portal.certificates import queries
from portal.certificates.content import CredentialsPart
from portal.certificates.content_of_templates import TemplatesPart
from portal.certificates.queries import templates
from portal.certificates.rules.templates import Design, starting_spec
from portal.core.content import ContentFile, ContentFolder
from portal.core.transaction import own_transaction
from tests.builders import Cast
from tests.certificates.builders import make_picture
from tests.certificates.test_content import PATH, TEXT

SHIPPED = Path(__file__).resolve().parents[2] / "content" / "templates"
CLASSIC = (SHIPPED / "classic" / "1.toml").read_text(encoding="utf-8")
PART, CREDENTIALS = TemplatesPart(), CredentialsPart()


def folder_of(files: dict[str, str], pictures: dict[str, bytes] | None = None) -> ContentFolder:
    folder = ContentFolder({path: ContentFile(path, text) for path, text in files.items()}, dict(pictures or {}))
    PART.check(folder)
    CREDENTIALS.check(folder)
    return folder


def load(folder: ContentFolder, cast: Cast) -> list[str]:
    assert not folder.errors, folder.errors
    with own_transaction():
        return PART.load(folder, cast.author) + CREDENTIALS.load(folder, cast.author)


@pytest.mark.any_database
@pytest.mark.parametrize("design", list(Design))
def test_the_three_designs_are_shipped_as_templates(design: Design) -> None:
    text = (SHIPPED / design.value / "1.toml").read_text(encoding="utf-8")
    folder = folder_of({f"templates/{design.value}/1.toml": text})
    assert folder.findings == []
    assert folder.shared["templates"][design.value][1][1] == starting_spec(design)
    assert PART.canonical(ContentFile("templates/x/1.toml", text)) == text


def test_what_is_taken_in_is_written_out_again_byte_for_byte_and_a_second_time_changes_nothing(cast: Cast) -> None:
    written = CLASSIC.replace('seal = "修了之印"', 'seal = "修了之印"\nlogo = "images/our-logo.png"')
    pictures = {"templates/images/our-logo.png": make_picture("navy", (300, 90))}
    files = {"templates/framed/1.toml": written, "templates/framed/2.toml": CLASSIC}
    assert load(folder_of(files, pictures), cast) == ["templates/framed/1.toml: 1", "templates/framed/2.toml: 2"]
    with own_transaction():
        out = {file.path: file for file in PART.dump()}
    (picture,) = [file for path, file in out.items() if path.endswith(".png")]
    assert out["templates/framed/2.toml"].text == CLASSIC
    again = folder_of(
        {path: file.text for path, file in out.items() if file.data is None}, {picture.path: picture.data or b""}
    )
    assert load(again, cast) == []
    with own_transaction():
        assert {file.path: (file.text, file.data) for file in PART.dump()} == {
            path: (file.text, file.data) for path, file in out.items()
        }
    first = out["templates/framed/1.toml"]
    assert PART.canonical(ContentFile(first.path, first.text)) == first.text


def test_a_published_version_is_not_changed_by_a_file(cast: Cast) -> None:
    load(folder_of({"templates/framed/1.toml": CLASSIC}), cast)
    changed = folder_of({"templates/framed/1.toml": CLASSIC.replace("修了証書", "免許")})
    with own_transaction():
        PART.load(changed, cast.author)
    assert [each.path for each in changed.errors] == ["templates/framed/1.toml"]
    assert templates.spec_of(templates.get_version("framed", 1).spec).heading.ja == "修了証書"


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("before", "after", "line", "words"),
    [
        ("よってここに", "https://evil.example", 28, "https://evil.example"),
        ("This is to certify", "<b>This</b> is", 19, "<b>"),
        ('ja = "{statement}"', 'ja = "{Statement}"', 24, "{Statement}"),
        ('design = "classic"', 'design = "rococo"', 1, "rococo"),
        ('seal = "修了之印"', 'seal = "修了之印"\nlogo = "file:///etc/passwd"', 9, "file:///etc/passwd"),
        ('seal = "修了之印"', 'seal = "修了之印"\nstylesheet = "x.css"', 9, "stylesheet"),
    ],
)
def test_what_is_wrong_is_named_where_it_stands(app: Flask, before: str, after: str, line: int, words: str) -> None:
    assert before in CLASSIC
    (error,) = folder_of({"templates/framed/1.toml": CLASSIC.replace(before, after, 1)}).errors
    assert (error.path, words in error.message) == ("templates/framed/1.toml", True)
    assert error.line == line


@pytest.mark.parametrize(
    ("before", "after", "line", "words"),
    [
        ('ja = "修了証書"', 'ja = "{statement}"', 17, "heading (ja)"),
        ('en = "Certificate of Completion"', 'en = "{statement}{statement}"', 16, "heading (en)"),
    ],
)
def test_what_does_not_fit_once_it_is_filled_in_is_told_and_taken_in_by_nobody(
    cast: Cast, before: str, after: str, line: int, words: str
) -> None:
    assert before in CLASSIC
    full = CLASSIC.replace(before, after, 1).replace('seal = "修了之印"', 'seal = "修了之印"\nlogo = "images/l.png"')
    pictures = {"templates/images/l.png": make_picture("navy", (300, 90))}
    folder = folder_of({"templates/framed/1.toml": full}, pictures)
    assert not folder.errors
    (told,) = folder.findings
    assert (told.line, words in told.message) == (line, True)
    with own_transaction():
        PART.load(folder, cast.author)
    assert [each.path for each in folder.errors] == ["templates/framed/1.toml"]


@pytest.mark.any_database
def test_files_in_other_places_and_gaps_between_versions_are_told(app: Flask) -> None:
    for path in ("templates/framed.toml", "templates/framed/one.toml", "templates/new/1.toml"):
        assert [each.path for each in folder_of({path: CLASSIC}).errors] == [path]
    gap = folder_of({"templates/framed/1.toml": CLASSIC, "templates/framed/3.toml": CLASSIC})
    assert ["2" in each.message for each in gap.errors] == [True]


def test_a_credential_names_the_version_from_which_its_certificates_are_drawn(cast: Cast) -> None:
    named = TEXT.replace('number_format = "AS', 'template = "framed"\ntemplate_version = 1\nnumber_format = "AS')
    load(folder_of({"templates/framed/1.toml": CLASSIC, PATH: named}), cast)
    version = queries.find_latest_version(queries.get_credential("account-safety-reviewer"))
    assert version is not None
    assert version.template_version is not None
    assert version.template_version.template.slug == "framed"
    with own_transaction():
        (written,) = list(CREDENTIALS.dump())
    assert written.text == CREDENTIALS.canonical(ContentFile(PATH, named))
    assert "template_version = 1" in written.text
    for wrong in (named.replace("version = 1\n", "version = 2\n"), named.replace("template_version = 1\n", "")):
        (error,) = folder_of({"templates/framed/1.toml": CLASSIC, PATH: wrong}).errors
        assert error.path == PATH


def test_a_credential_without_a_template_has_the_hash_that_it_had_before_there_were_any(cast: Cast) -> None:
    load(folder_of({PATH: TEXT}), cast)
    version = queries.find_latest_version(queries.get_credential("account-safety-reviewer"))
    assert version is not None
    assert version.template_version_id is None
    assert version.hash == "253f9476ff5b10e153954de92e9ea7329cd5f579681b56e0278f09b4d5ca2986"
