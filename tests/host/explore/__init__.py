"""Small programs whose every order of atomic accesses the explorer runs."""
