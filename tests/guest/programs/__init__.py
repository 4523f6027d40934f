"""Programs that run under CPython and on Ringneck."""
