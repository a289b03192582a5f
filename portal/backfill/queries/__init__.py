"""Reading who could stand in: evidence of all domains, what leads stated, and the matrix made of it."""
