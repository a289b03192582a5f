"""The pages of quizzes, by audience."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("quizzes", __name__, template_folder="../templates")
