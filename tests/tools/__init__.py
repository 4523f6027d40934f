"""Tests of the tools, without a guest."""
