"""A loader for tests: the direct door on a machine whose tables name a processor that does not exist."""
