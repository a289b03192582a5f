"""Writing parts and levels of people, and counting who could stand in."""
