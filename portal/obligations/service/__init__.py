"""Writing obligations: their terms, their states, and the cycles of people."""
