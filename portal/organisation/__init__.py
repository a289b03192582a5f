"""The organisation: its markets, its teams, its settings."""
