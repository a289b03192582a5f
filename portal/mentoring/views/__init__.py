"""The pages of mentoring."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("mentoring", __name__, template_folder="../templates")
