"""What leads and others with a role look at: cohorts, and what concerns them today."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("reports", __name__, template_folder="../templates")
