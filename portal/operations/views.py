"""The start page, help for each role, and what a supervisor asks: is it up, is it ready."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from flask import Blueprint, current_app, jsonify, redirect, render_template, url_for

from portal.accounts.models import Role
from portal.accounts.permissions import open_grants
from portal.core.access import actor, may_open, public, signed_in
from portal.core.errors import NotFound
from portal.core.i18n import language
from portal.core.markdown import front_matter, render
from portal.operations import queries

blueprint = Blueprint("operations", __name__, template_folder="templates")
HELP = Path(__file__).parent / "help"
_LINK = re.compile(r"\[([^\]]+)\]\((/[^)]*)\)")
# A page for each role, by the role's name in addresses.
HELP_PAGES = {
    "learner": Role.LEARNER,
    "mentor": Role.MENTOR,
    "lead": Role.LEAD,
    "author": Role.AUTHOR,
    "policy-owner": Role.POLICY_OWNER,
    "approver": Role.APPROVER,
    "wellbeing-contact": Role.WELLBEING_CONTACT,
    "auditor": Role.AUDITOR,
    "admin": Role.ADMIN,
}


@blueprint.get("/")
@public
def start() -> Any:
    """Lead to the first useful page."""
    return redirect(url_for("training.today" if actor() else "accounts.sign_in"))


@blueprint.get("/healthz")
@public
def healthz() -> Any:
    """Say that the process answers."""
    return jsonify({"status": "ok"})


@blueprint.get("/readyz")
@public
def readyz() -> Any:
    """Say whether database, migrations and worker are ready to serve; 503 names what is not."""
    checks = queries.readiness(current_app.config["MIGRATIONS_DIR"])
    ready = all(checks.values())
    return jsonify({"status": "ready" if ready else "not ready", "checks": checks}), 200 if ready else 503


@blueprint.get("/help")
@signed_in
def help_index() -> Any:
    """List the help pages, those for the reader's own roles first."""
    own = {grant.role for grant in open_grants(actor(), *Role)}
    pages = [(role in own, name, *_page(name)[:2]) for name, role in HELP_PAGES.items()]
    return render_template(
        "operations/help_index.html",
        own=[page[1:] for page in pages if page[0]],
        others=[page[1:] for page in pages if not page[0]],
    )


@blueprint.get("/help/<name>")
@signed_in
def help_page(name: str) -> Any:
    """Show the help page of a role, in the reader's language."""
    if name not in HELP_PAGES:
        raise NotFound()
    title, lead, body = _page(name)
    return render_template("operations/help_page.html", title=title, lead=lead, body=body)


def _page(name: str) -> tuple[str, str, Any]:
    text = (HELP / f"{name}.{language()}.md").read_text(encoding="utf-8")
    facts, body, _line = front_matter(text)
    # Somebody may read how another role works without having its pages.
    body = _LINK.sub(lambda link: link[0] if may_open(link[2]) else link[1], body)
    return str(facts["title"]), str(facts["summary"]), render(body)
