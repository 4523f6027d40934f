"""Channels between threads and processes over shared Memory; the kernel only rings doorbells."""
