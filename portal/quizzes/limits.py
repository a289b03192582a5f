"""How often one attempt may be saved, and how often its page may be heard of."""

from __future__ import annotations

from portal.core.limits import Buckets
from portal.quizzes.errors import SavedTooFast

# Somebody who answers gives a few answers a minute; a save is allowed four times a second, and 240 at once.
saves = Buckets(240, refusal=SavedTooFast)
# A page is heard of four times a minute, and when it loses or gains the focus.
pulses = Buckets(120, refusal=SavedTooFast)
