"""The pages of the gradebook."""

from flask import Blueprint

blueprint = Blueprint("gradebook", __name__, template_folder="../templates")
