"""Every write of the library, by noun."""
