"""The pages of the matrix of who can stand in, by what is done on them."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("backfill", __name__, template_folder="../templates")
