"""File formats of questions, read and written as plain data."""
