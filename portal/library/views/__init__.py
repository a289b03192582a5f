"""The pages of the library, by audience, and the words that they share."""

from __future__ import annotations

from flask import Blueprint

from portal.core.i18n import Words
from portal.core.i18n import lazy_gettext as _l
from portal.library.models import ChangeClass, DocumentKind
from portal.library.service.warnings import WARNINGS as WARNINGS

blueprint = Blueprint("library", __name__, template_folder="../templates")

KINDS = {
    DocumentKind.POLICY: _l("Policies"),
    DocumentKind.SOP: _l("Procedures"),
    DocumentKind.LESSON: _l("Lessons"),
    DocumentKind.HANDOVER: _l("Handover documents"),
}
CHANGE_CLASSES = {
    ChangeClass.EDITORIAL: _l("Editorial"),
    ChangeClass.MINOR: _l("Minor"),
    ChangeClass.MATERIAL: _l("Material"),
    ChangeClass.EMERGENCY: _l("Emergency"),
}
LANGUAGE_NAMES = {"en": "English", "ja": "日本語"}
# Each language named in the other one's sentences.
LANGUAGE_WORDS = {"en": Words("English", "英語"), "ja": Words("Japanese", "日本語")}
