"""What mentors and leads note about a learner, and the one-to-one talks that they hold with her."""
