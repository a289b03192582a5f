"""What training does: plans are written, people enrolled, steps completed, skills signed off."""
