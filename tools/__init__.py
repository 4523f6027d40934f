"""The project's tools; the Makefile only names them. Each runs as `python -m tools.NAME` from the root."""
