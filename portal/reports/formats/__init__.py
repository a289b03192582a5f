"""How reports are told and printed: from plain data to words, pages on paper and tables."""
