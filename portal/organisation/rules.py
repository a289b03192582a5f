"""Which settings an organisation has, and what holds where nothing was set."""

from __future__ import annotations

NAME = "organisation.name"
WELLBEING_CONTACT = "wellbeing.contact"
WELLBEING_TEXT = "wellbeing.text"
TIME_ZONE = "organisation.time_zone"
LANGUAGE = "organisation.language"
ATTEMPT_TOLERANCE = "attempts.tolerance_seconds"
# Whether an accommodation holds only once a second person has confirmed it; whether leads see those of their people.
ACCOMMODATION_NEEDS_TWO = "accommodations.needs_two"
LEADS_SEE_ACCOMMODATIONS = "accommodations.leads_see"
# The address of the document that people may decline to confirm: what the work can bring.
EXPOSURE_STATEMENT = "wellbeing.exposure_statement"
# After how many working days something overdue in training is told to who leads.
ESCALATED_AFTER = "reminders.escalated_after"

DEFAULT_NAME = ("Shirube", "標（しるべ）")
DEFAULT_EXPOSURE_STATEMENT = "exposure-and-wellbeing"
DEFAULT_TIME_ZONE = "Asia/Tokyo"
DEFAULT_LANGUAGE = "en"
DEFAULT_ATTEMPT_TOLERANCE = 5
MAX_ATTEMPT_TOLERANCE = 60
DEFAULT_ESCALATED_AFTER = 2
MAX_ESCALATED_AFTER = 20
