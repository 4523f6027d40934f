"""Imports first, which imports this."""
from tests.compiler.refuse.modules.first import ONE
from compiler.prelude import const

TWO = const(2)
