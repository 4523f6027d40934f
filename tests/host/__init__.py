"""Kernel code that touches no hardware, run on the host against plain models."""
