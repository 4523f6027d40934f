"""Imports second, which imports this."""
from tests.compiler.refuse.modules.second import TWO
from compiler.prelude import const

ONE = const(TWO - 1)
