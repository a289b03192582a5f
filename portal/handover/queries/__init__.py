"""Reading handovers, their items and evidence, stand-ins, and what nobody would own."""

from portal.handover.queries.evidence import EvidenceRow, list_evidence_of_people

__all__ = ["EvidenceRow", "list_evidence_of_people"]
