"""Every change to banks, quizzes and attempts."""
