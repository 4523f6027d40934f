"""The test suite; tests/README.md says how to run it."""
