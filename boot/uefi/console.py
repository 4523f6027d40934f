"""Text on the firmware's console, as long as boot services last."""
from boot.core import report
from boot.uefi.firmware import SystemTable, TextOutput, call_firmware
from compiler.prelude import addr, array, const, ptr, span, u8, u16, u64, zeroed

LONGEST_PIECE = const(128)

_output: u64 = 0
_piece: array[u16, LONGEST_PIECE] = zeroed()


def open_console(system: ptr[SystemTable]) -> None:
    """From now on failures appear on the screen."""
    global _output
    _output = system.console_out
    report.use_screen(write)


def close_console() -> None:
    """Boot services end: nothing of the firmware may be called any more."""
    report.use_screen(report.ignore)


def write(text: span[u8]) -> None:
    """Text in pieces of 16-bit characters, each ended by a zero."""
    if _output == 0:
        return
    length: u64 = 0
    for value in text:
        _piece[length] = u16(value)
        length += 1
        if length == LONGEST_PIECE - 1:
            _flush(length)
            length = 0
    _flush(length)


def _flush(length: u64) -> None:
    _piece[length] = 0
    _ = call_firmware(ptr[TextOutput](_output).output_string, _output, u64(addr(_piece)), 0, 0, 0)
