"""The journal: who did what and when, with the state before and after; added to, never edited."""
