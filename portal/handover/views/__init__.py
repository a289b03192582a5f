"""The pages of handovers, of stand-ins and of what nobody would own, by what is done on them."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("handover", __name__, template_folder="../templates")
