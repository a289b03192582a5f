"""The library: documents, their immutable versions in both languages, and the clauses that people cite."""
