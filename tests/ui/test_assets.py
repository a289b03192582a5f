"""Static files are addressed by their content, and the styles keep to the tokens."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from portal.ui import assets, states
from portal.ui.blueprint import static_url

pytestmark = pytest.mark.any_database

CSS = assets.STATIC / "css"
# Raw values live in tokens.css alone; em, %, fr, ch and viewport units are relations, not values.
STRAY = re.compile(
    r"#[0-9a-fA-F]{3,8}\b|\b(?:rgb|rgba|hsl|hsla|oklch|oklab|lab|lch|color-mix|light-dark)\("
    r"|(?<![\w-])\d*\.?\d+(?:px|pt|rem)\b"
    r"|:\s*(?:white|black|red|green|blue|gr[ae]y|orange|yellow|purple|silver)\b"
)


def _rules(text: str) -> str:
    """Drop comments, and the widths at which a page changes: a media or container query cannot read a token."""
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    return re.sub(r"@(?:media|container)[^{]*\{", "@media {", text)


def stray_values(text: str) -> list[str]:
    """Return every raw colour and length in a style sheet."""
    return STRAY.findall(_rules(text))


@pytest.mark.parametrize("name", [name for name in assets.STYLES if name != "tokens"])
def test_colours_and_lengths_come_from_the_tokens(name: str) -> None:
    assert stray_values((CSS / f"{name}.css").read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("planted", ["color: #fff", "margin: 3px", "color: rgb(0 0 0)", "color: red", "gap: 1.5rem"])
def test_a_stray_value_would_be_found(planted: str) -> None:
    assert stray_values(f"a {{ {planted}; }}")


def test_only_the_meanings_of_tokens_are_used_outside() -> None:
    tokens = (CSS / "tokens.css").read_text(encoding="utf-8")
    defined = set(re.findall(r"(--[\w-]+)\s*:", tokens))
    raw = {name for name in defined if re.match(r"--(kami|sumi|ai|shu|koke|oudo|yoru)-", name)}
    for path in CSS.glob("*.css"):
        if path.name == "tokens.css":
            continue
        text = path.read_text(encoding="utf-8")
        used = set(re.findall(r"var\((--[\w-]+)", text))
        own = set(re.findall(r"(--[\w-]+)\s*:", text))
        assert not used & raw, f"{path.name} uses raw values"
        assert used <= defined | own, f"{path.name} uses undefined tokens: {used - defined - own}"


def test_every_style_sheet_is_sent() -> None:
    assert sorted(assets.STYLES) == sorted(path.stem for path in CSS.glob("*.css"))


def test_every_file_states_the_order_of_the_layers() -> None:
    for path in CSS.glob("*.css"):
        assert path.read_text(encoding="utf-8").startswith("@layer reset, tokens, base, components, utilities;")


def test_the_address_of_a_file_changes_with_its_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assets, "STATIC", tmp_path)
    (tmp_path / "a.css").write_text("a{}")
    first = assets.load("a.css").version
    (tmp_path / "a.css").write_text("a{color:inherit}")
    assert assets.load("a.css").version != first


def test_the_loader_changes_with_any_of_its_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assets, "STATIC", tmp_path)
    (tmp_path / "js" / "modules").mkdir(parents=True)
    (tmp_path / "js" / "loader.js").write_text("1")
    (tmp_path / "js" / "modules" / "one.js").write_text("1")
    first = assets.load("js/loader.js").version
    (tmp_path / "js" / "modules" / "one.js").write_text("2, longer")
    assert assets.load("js/loader.js").version != first


@pytest.fixture
def browser_client(application: Flask) -> FlaskClient:
    return application.test_client()


def _address(app: Flask, path: str) -> str:
    with app.test_request_context():
        return static_url(path)


def test_a_file_asked_for_by_its_hash_is_kept_for_a_year(application: Flask, browser_client: FlaskClient) -> None:
    response = browser_client.get(_address(application, "css/shirube.css"))
    assert response.status_code == 200
    assert response.mimetype == "text/css"
    assert response.cache_control.immutable
    assert response.cache_control.max_age == 31_536_000
    assert "Set-Cookie" not in response.headers


def test_a_file_asked_for_by_an_old_hash_is_not_kept(browser_client: FlaskClient) -> None:
    response = browser_client.get("/static/css/shirube.css?v=000000000000")
    assert response.status_code == 200
    assert response.cache_control.no_cache
    assert not response.cache_control.immutable


def test_a_file_that_has_not_changed_is_not_sent_again(application: Flask, browser_client: FlaskClient) -> None:
    address = _address(application, "js/loader.js")
    tag = browser_client.get(address).headers["ETag"]
    assert browser_client.get(address, headers={"If-None-Match": tag}).status_code == 304


def test_files_are_compressed_for_those_who_take_it(application: Flask, browser_client: FlaskClient) -> None:
    address = _address(application, "css/shirube.css")
    plain = browser_client.get(address)
    squeezed = browser_client.get(address, headers={"Accept-Encoding": "gzip"})
    assert squeezed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(squeezed.data) == plain.data
    assert "Accept-Encoding" in squeezed.headers["Vary"]
    assert squeezed.headers["ETag"] != plain.headers["ETag"]


@pytest.mark.parametrize(
    "path",
    ["nothing.css", "../views.py", "..%2fviews.py", "css/../../views.py", "css", "%00.css", "css/%00", "views.py"],
)
def test_nothing_else_can_be_fetched(browser_client: FlaskClient, path: str) -> None:
    response = browser_client.get(f"/static/{path}")
    assert response.status_code == 404
    assert b"def " not in response.data


def test_every_icon_that_a_template_or_the_rail_names_is_in_the_sprite() -> None:
    sprite = (assets.STATIC / "images" / "icons.svg").read_text(encoding="utf-8")
    ids = set(re.findall(r'<symbol id="([\w-]+)"', sprite))
    portal = assets.STATIC.parents[1]
    named: set[str] = set()
    for path in portal.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        named |= set(re.findall(r'\bicon\("([\w-]+)"', text)) | set(re.findall(r'\bicon(?:_end)?="([\w-]+)"', text))
    for path in (portal / "wiring.py", portal / "ui" / "samples.py"):
        named |= set(re.findall(r'icon="([\w-]+)"', path.read_text(encoding="utf-8")))
    assert named - ids == set()


def test_every_shape_that_a_state_has_is_drawn() -> None:
    drawn = set(re.findall(r"\.shape--(\w+)", (CSS / "shapes.css").read_text(encoding="utf-8")))
    assert {look.shape for look in states.LOOKS.values()} <= drawn


def test_every_module_that_a_template_names_is_there() -> None:
    portal = assets.STATIC.parents[1]
    modules = {path.stem for path in (assets.STATIC / "js" / "modules").glob("*.js")}
    named = {
        name
        for path in portal.rglob("*.html")
        for value in re.findall(r'data-module="([\w -]+)"', path.read_text(encoding="utf-8"))
        for name in value.split()
    }
    assert named - modules == set()
