"""Cohorts: who is taken in together, in which market and team, from which day."""
