"""The house keeps its plan: who may import whom, every route declared, tokens in one file."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import grimp
import pytest
from flask import Flask

from portal.core import access

pytestmark = pytest.mark.any_database

ROOT = Path(__file__).resolve().parents[2]
PORTAL = ROOT / "portal"
# What a domain shows to the others.
OPEN_TO_OTHERS = {"service", "queries", "models", "rules", "events", "errors", "permissions"}
# Whole packages that are there for all.
FOR_ALL = {"core", "ui"}

EMAIL_LAYOUT = "portal/ui/templates/ui/email.html"


@cache
def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def test_imports_keep_their_contracts() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_domains_are_entered_only_by_their_doors() -> None:
    graph = grimp.build_graph("portal", cache_dir=None)
    breaches = []
    for module in graph.modules:
        parts = module.split(".")
        if len(parts) < 2 or parts[1] == "wiring":
            continue
        for imported in graph.find_modules_directly_imported_by(module):
            there = imported.split(".")
            if len(there) < 3 or there[1] in (FOR_ALL | {parts[1]}):
                continue
            if there[2] not in OPEN_TO_OTHERS:
                breaches.append(f"{module} imports {imported}")
    assert breaches == []


def test_every_route_declares_who_may_use_it(application: Flask) -> None:
    undeclared = [
        rule.endpoint
        for rule in application.url_map.iter_rules()
        if access.declaration_of(application, rule.endpoint) is None
    ]
    assert undeclared == []


def test_an_undeclared_route_is_refused_at_run_time() -> None:
    from portal import create_app

    app = create_app({"SHIRUBE_DATA_DIR": Path("/tmp") / "shirube-undeclared", "TESTING": True})
    app.add_url_rule("/planted", "planted", lambda: "secret")
    response = app.test_client().get("/planted")
    assert response.status_code == 403
    assert "secret" not in response.get_data(as_text=True)


def test_the_time_is_read_in_one_place() -> None:
    banned = re.compile(r"datetime\.(now|utcnow|today)\(|date\.today\(|time\.time\(")
    found = [
        f"{path.relative_to(ROOT)}"
        for path in PORTAL.rglob("*.py")
        if path.name != "clock.py" and banned.search(path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_no_template_trusts_markup_by_hand() -> None:
    found = [
        str(path.relative_to(ROOT))
        for path in PORTAL.rglob("*.html")
        if re.search(
            r"\|\s*safe\b|style=\"|\son[a-z]+=\"|<style|<script(?![^>]*\bsrc=)", path.read_text(encoding="utf-8")
        )
        and "application/json" not in path.read_text(encoding="utf-8")
    ]
    # A mail brings its few rules along: no style sheet lies beside it.
    assert found == [EMAIL_LAYOUT]


def test_only_mails_bring_their_style_along() -> None:
    users = {path.parts for path in PORTAL.rglob("*.html") if "ui/email.html" in path.read_text(encoding="utf-8")}
    assert users
    assert all("emails" in parts for parts in users)


def test_services_and_models_never_commit() -> None:
    found = []
    for path in PORTAL.rglob("*.py"):
        if path.parent.name == "core" or (path.name in ("queries.py",) and path.parent.name == "operations"):
            continue
        # Whoever names them has them in the text; most modules need not be walked through.
        if not re.search("commit|rollback", path.read_text(encoding="utf-8")):
            continue
        for node in ast.walk(_parsed(path)):
            if isinstance(node, ast.Attribute) and node.attr in ("commit", "rollback"):
                found.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert found == []


def test_every_package_says_what_it_is() -> None:
    for package in sorted(PORTAL.iterdir()):
        if (package / "__init__.py").exists():
            doc = ast.get_docstring(ast.parse((package / "__init__.py").read_text(encoding="utf-8")))
            assert doc, f"{package.name} has no docstring"


@pytest.mark.parametrize("name", ["utils", "helpers", "common", "misc"])
def test_there_is_no_drawer_for_everything(name: str) -> None:
    assert not list(PORTAL.rglob(f"{name}.py"))


def test_no_text_hides_from_translation_in_an_f_string() -> None:
    """The extractor reads an f-string as one piece, so a call of gettext inside it would never be found."""
    found = []
    for path in PORTAL.rglob("*.py"):
        if not re.search(r"""\b[rR]?[fF][rR]?["']""", path.read_text(encoding="utf-8")):
            continue
        for node in ast.walk(_parsed(path)):
            if not isinstance(node, ast.JoinedStr):
                continue
            for call in ast.walk(node):
                if (
                    isinstance(call, ast.Call)
                    and isinstance(call.func, ast.Name)
                    and call.func.id in ("_", "_l", "gettext", "ngettext", "pgettext", "lazy_gettext")
                ):
                    found.append(f"{path.relative_to(ROOT)}:{call.lineno}")
    assert found == []
