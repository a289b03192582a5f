"""Tests of what recurs."""
