"""What a front end tells the core about the machine and the payload.

Invariants: addresses are physical and identity mapped; spans stay in place until the kernel runs (their memory is
carved from the memory map as loader-reclaimable before the core allocates anything).
"""
from boot.limine.protocol import Framebuffer
from compiler.prelude import const, span, struct, u8, u64

LOADER_VERSION = const(b"0.1\0")


@struct
class Handoff:
    loader_name: span[u8]               # zero-terminated: "Ringneck direct", "Ringneck uefi", "Ringneck bios"
    firmware_type: u64                  # FIRMWARE_... of the Limine protocol
    archive: span[u8]                   # the boot archive
    command_line: span[u8]              # without a terminating zero
    rsdp: u64                           # 0: the machine has no ACPI
    efi_system_table: u64               # 0: not UEFI
    framebuffer: Framebuffer            # address 0: no framebuffer; else physical
