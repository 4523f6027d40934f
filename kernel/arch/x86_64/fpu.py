"""Vector state: what a program starts with.

Source: SDM vol 1, 10.5.1 (layout of the FXSAVE area), 8.1.5 and 10.2.3 (control words after reset).
"""
from compiler.prelude import addr, array, asm_x64, const, ptr, u8, zeroed
from compiler.prelude.x64 import *

_AREA_BYTES = const(512)
_CONTROL_WORD = const(0)                # offset of the x87 control word
_MXCSR = const(24)

_initial: array[u8, _AREA_BYTES] = zeroed(align=16)


def reset() -> None:
    """Clears all vector registers of this CPU and masks their exceptions."""
    _initial[_CONTROL_WORD] = 0x7F
    _initial[_CONTROL_WORD + 1] = 0x03
    _initial[_MXCSR] = 0x80
    _initial[_MXCSR + 1] = 0x1F
    _restore(addr(_initial))


@asm_x64
def _restore(state: ptr[array[u8, _AREA_BYTES]]) -> None:
    fxrstor64([rdi])
