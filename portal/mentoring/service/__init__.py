"""Writing notes on learners, and recording one-to-one talks."""
