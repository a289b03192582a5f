"""The pages of acknowledgements, by audience."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("acknowledgements", __name__, template_folder="../templates")
