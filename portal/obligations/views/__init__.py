"""The pages of obligations, by what is done on them."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("obligations", __name__, template_folder="../templates")
