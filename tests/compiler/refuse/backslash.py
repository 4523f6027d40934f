"""A backslash before a letter that needs none, which Python only warns of."""


def f(x: u32) -> str:
    return "\\d is fine" "é\\\d is not"
    #! syntax: \d => \d is not an escape sequence
    #: write \\d for a backslash, or r before the quotes
