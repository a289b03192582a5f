"""Reminders: what is due or overdue, told once a day to whom it concerns, and to who leads them."""
