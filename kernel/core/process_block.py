"""The process: a protection domain, and how it ended.

Not here: what ends a process (objects/process.py).
"""
from compiler.prelude import addr, array, atomic, const, ptr, span, struct, u8, u32, u64

NAME_BYTES = const(32)


@struct
class Process:
    page_tables: u64                    # physical address of the top table
    threads: atomic[u32]                # threads that have not ended
    name_length: u32
    name: array[u8, NAME_BYTES]         # for people

    def name_text(self) -> span[u8]:
        return span(ptr[u8](addr(self.name)), u64(self.name_length))
