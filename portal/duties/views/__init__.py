"""The pages of recurring tasks, of cards and of who answers for what, by what is done on them."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("duties", __name__, template_folder="../templates")
