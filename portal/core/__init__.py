"""The machinery that every domain stands on; it knows no domain."""
