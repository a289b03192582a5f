"""Who could stand in for whom: levels of people in tasks, policies and credentials, from evidence, and what if."""
