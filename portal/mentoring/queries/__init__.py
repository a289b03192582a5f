"""Reading notes on learners, one-to-one talks, and the facts for the next one."""
