"""Question banks, quizzes and attempts: what is asked, under a clock that the server owns, and how it is marked."""
