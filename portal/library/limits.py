"""How often one person's drafts may be saved and shown."""

from __future__ import annotations

from portal.core.limits import Buckets
from portal.library.errors import SavedTooFast

# Two texts that are saved two seconds after every change come to sixty a minute.
saves = Buckets(120, refusal=SavedTooFast)
previews = Buckets(180, refusal=SavedTooFast)
images = Buckets(30, refusal=SavedTooFast)
