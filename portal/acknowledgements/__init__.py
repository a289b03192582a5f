"""Acknowledgements: who stated to have read and understood which version, and when."""
