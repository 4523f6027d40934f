"""How functions that never return are entered, and what follows for the registers that callers count on.

Nobody comes back to such a function's caller to find a register changed, so none has to be saved. LLVM has two ways to
say so: an attribute, which must not be seen at a call (LLVM would save the frame pointer there, and describes that in a
way that it cannot always finish), and a calling convention, which assembler text does not speak.
"""

from __future__ import annotations

from compiler.call_graph import CallGraph
from compiler.check import Program
from compiler.symbols import Function
from compiler.type_model import NEVER


def note_entrances(program: Program, graph: CallGraph) -> None:
    """Sorts the functions that never return into those that only calls reach and those that no call reaches."""
    called = {callee for body in program.bodies for callee, _ in graph.calls[body.function] if callee not in body.jumps}
    outside = {function for function in graph.pointers.taken if function.call_result == NEVER}
    outside |= {named for named in program.references if isinstance(named, Function)}
    outside |= {named for body in program.bodies for named in body.references if isinstance(named, Function)}
    if program.panic_handler is not None:
        outside.add(program.panic_handler)
        called.add(program.panic_handler)
    for body in program.bodies:
        function = body.function
        if function.call_result != NEVER or function.is_assembler:
            continue
        if function not in called:
            program.only_entered.add(function)
        elif function not in outside and "export" not in function.decorators:
            program.only_called.add(function)
