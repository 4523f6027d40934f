"""A number that a word follows at once."""


def f(x: u32) -> u32:
    return 1if x == 0 else x
    #! syntax: 1 => invalid decimal literal
