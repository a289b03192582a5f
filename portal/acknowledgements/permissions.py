"""Who confirms documents."""

from __future__ import annotations

from portal.core.access import AnyOf, Permission
from portal.library.permissions import in_audience

ACKNOWLEDGE = Permission("acknowledgements.acknowledge", "confirm a document that is addressed to oneself")

TABLE: dict[Permission, AnyOf] = {ACKNOWLEDGE: [[in_audience]]}
