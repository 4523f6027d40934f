"""Restricted Python to native x86_64 code: see README.md for the pipeline, LANGUAGE.md for the language."""
