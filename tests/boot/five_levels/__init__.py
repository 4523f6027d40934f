"""A loader for tests: the direct door as a firmware with five-level paging would leave the processor."""
