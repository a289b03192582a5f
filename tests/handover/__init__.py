"""Handovers: rules, services and pages."""
