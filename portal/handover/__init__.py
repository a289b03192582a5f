"""Legacy planning: what a person owns, passed on with evidence and accepted item by item."""
