"""Training: plans and their versions, enrollments, steps with due dates that explain themselves, sign-offs."""
