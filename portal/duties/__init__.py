"""What people answer for: recurring tasks with their history, how much things matter, cards of what owners know."""
