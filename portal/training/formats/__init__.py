"""File formats that training writes."""
