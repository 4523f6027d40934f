"""A file that is not Python."""


def f(x: u32) -> u32:
    return (x
    #! syntax: ( => '(' was never closed
