"""How often one network may look certificates up."""

from __future__ import annotations

from portal.core.limits import Buckets, network_of

PER_MINUTE = 20
key_of = network_of


lookups = Buckets(PER_MINUTE)
# Pictures of templates: the form asks for one each time that somebody stops typing, a list for one a template.
drawings = Buckets(180)
# Lists that are carried out: each looks at everybody of a cohort.
batches = Buckets(20)
