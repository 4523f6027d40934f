"""Modules that import each other."""
from tests.compiler.refuse.modules.first import ONE
#! import-cycle: from tests.compiler.refuse.modules.first import ONE => modules import each other: tests.compiler.refuse.modules.first -> tests.compiler.refuse.modules.second -> tests.compiler.refuse.modules.first (in tests/compiler/refuse/modules/second.py:2:1)
