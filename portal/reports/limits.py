"""How often one person may ask for files."""

from __future__ import annotations

from portal.core.limits import Buckets

files = Buckets(20)
