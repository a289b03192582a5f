"""The gradebook: one line for each result that was released; added to, never edited."""
