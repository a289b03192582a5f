"""How often one attempt may be saved, its page heard of, and how often one person may send files."""

from __future__ import annotations

from portal.core.limits import Buckets
from portal.quizzes.errors import PractisedTooFast, SavedTooFast, SentTooOften

# Somebody who answers gives a few answers a minute; a save is allowed four times a second, and 240 at once.
saves = Buckets(240, refusal=SavedTooFast)
# A page is heard of four times a minute, and when it loses or gains the focus.
pulses = Buckets(120, refusal=SavedTooFast)
# Practice is for people: a question every two seconds is faster than anybody reads.
practice = Buckets(30, refusal=PractisedTooFast)
# Files of questions, sent or asked for.
files = Buckets(20, refusal=SentTooOften)
pictures = Buckets(30, refusal=SentTooOften)
