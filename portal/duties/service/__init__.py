"""Writing what people answer for: recurring tasks and their runs, how much things matter, and cards."""
