"""The pages of calendars, by whom they are about."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("calendars", __name__, template_folder="../templates")
# What the button says that does it for good.
CONFIRM = "confirm"
