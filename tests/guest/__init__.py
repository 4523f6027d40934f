"""Tests that boot a guest and read what it reports."""
