"""What a handover is written out as."""
