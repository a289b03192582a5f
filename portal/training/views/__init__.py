"""The pages of training, by audience."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("training", __name__, template_folder="../templates")
