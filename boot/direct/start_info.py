"""The structures that a PVH virtual machine monitor hands to a guest.

Source: Xen public headers arch-x86/hvm/start_info.h (version 1), described in words in QEMU's and Linux's PVH notes.
"""
from compiler.prelude import const, sizeof, struct, u32, u64

START_MAGIC = const(0x336EC578)


@struct
class StartInfo:
    magic: u32
    version: u32
    flags: u32
    module_count: u32
    modules: u64                        # address of the first ModuleEntry
    command_line: u64                   # zero-terminated text, 0 for none
    rsdp: u64
    memory_map: u64                     # from version 1 on
    memory_map_count: u32
    reserved: u32


@struct
class ModuleEntry:
    address: u64
    size: u64
    command_line: u64
    reserved: u64


@struct
class MapEntry:
    address: u64
    size: u64
    kind: u32
    reserved: u32


assert sizeof(StartInfo) == 56
assert sizeof(ModuleEntry) == 32
assert sizeof(MapEntry) == 24
