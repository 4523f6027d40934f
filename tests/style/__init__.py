"""Rules on the form of the sources that ruff and mypy do not know."""
