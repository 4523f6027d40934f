"""The same in the middle of a string of several lines."""

PATTERN = const(r"\d")
TEXT = const(b"""words and
more words with \w""")
#! syntax: \w => \w is not an escape sequence
#: write \\w for a backslash, or r before the quotes
