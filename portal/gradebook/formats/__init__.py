"""What of the gradebook is printed."""
