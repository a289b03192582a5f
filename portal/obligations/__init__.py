"""Obligations: what recurs (a yearly refresher, the renewal of a credential) as cycles that are opened, never reset."""
