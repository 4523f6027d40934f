"""Printers for gdb: text as text; a thread, a process, a capability and an object in one line each.

Loaded by `make debug` into gdb's own Python, hence by nothing else of this tree. `print/r *thread` shows every field.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import gdb

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from kernel.abi.objects import ObjectKind

LONGEST_TEXT = 320


class Printer:
    """What gdb asks for the text of one value."""

    def __init__(self, value: gdb.Value, describe: Callable[[gdb.Value], str]) -> None:
        self.value = value
        self.describe = describe

    def to_string(self) -> str:
        try:
            return self.describe(self.value)
        except (gdb.error, gdb.MemoryError) as error:
            return f"<{error}>"


def text(value: gdb.Value) -> str:
    return quote(bytes_at(int(value["pointer"]), int(value["length"])))


def kernel_object(value: gdb.Value) -> str:
    kind = int(value["kind"])
    name = ObjectKind(kind).name.lower() if kind in set(ObjectKind) else f"kind {kind}"
    return f"{name}, {int(value['references'])} references, account {int(value['account']):#x}"


def capability(value: gdb.Value) -> str:
    if int(value["object"]) == 0:
        return "no capability"
    what = kernel_object(value["object"].dereference())
    return f"rights {int(value['rights']):#x} badge {int(value['badge']):#x} to {int(value['object']):#x} ({what})"


def process(value: gdb.Value) -> str:
    ending = f", ends with cause {int(value['exit_cause'])}" if int(value["exit_cause"]) else ""
    frozen = ", frozen" if int(value["is_frozen"]) else ""
    return f"process {process_name(value)}, {int(value['holds'])} holds{frozen}{ending}"


def thread(value: gdb.Value) -> str:
    state = "waits" if int(value["wait"]) else "is ready" if value["is_ready"] else "runs or is stopped"
    owner = process_name(value["process"].dereference())
    return f"thread of {owner}, priority {int(value['priority'])}, {state}, rip {int(value['registers']['rip']):#x}"


def process_name(value: gdb.Value) -> str:
    return quote(bytes_at(int(value["name"].address), int(value["name_length"])))


def bytes_at(address: int, length: int) -> bytes:
    return bytes(gdb.selected_inferior().read_memory(address, min(length, LONGEST_TEXT))) if length else b""


def quote(content: bytes) -> str:
    return '"' + content.decode("ascii", "backslashreplace") + '"'


PRINTERS = {
    "str": text,
    "span[u8]": text,
    "Object": kernel_object,
    "Capability": capability,
    "Process": process,
    "Thread": thread,
}


def find_printer(value: gdb.Value) -> Printer | None:
    describe = PRINTERS.get(str(value.type.strip_typedefs().tag))
    return Printer(value, describe) if describe else None


gdb.pretty_printers.append(find_printer)
