"""Measurements behind docs/performance.md; run by hand or with `make bench`, never by the suite."""
