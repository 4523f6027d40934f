"""A kernel whose only work is to check what its loader promised; each door boots it."""
