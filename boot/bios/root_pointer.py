"""The ACPI root pointer where a BIOS leaves it: in the first KiB of the EBDA or below 1 MiB.

Source: ACPI 6.5, 5.2.5.1.
"""
from boot.core import acpi
from compiler.prelude import const, mem16, ptr, span, u8, u64

EBDA_SEGMENT = const(0x40E)
EBDA_BYTES = const(1024)
AREA_BASE = const(0xE0000)
AREA_END = const(0x100000)
STEP = const(16)


def find_root_pointer() -> u64:
    """Physical address, or 0."""
    ebda = u64(mem16[EBDA_SEGMENT]) << 4
    if ebda >= 0x400:
        found = _search(ebda, ebda + EBDA_BYTES)
        if found != 0:
            return found
    return _search(AREA_BASE, AREA_END)


def _search(base: u64, end: u64) -> u64:
    for address in range(base, end, STEP):
        if acpi.check_rsdp(span(ptr[u8](address), acpi.RSDP_V1_BYTES)):
            return address
    return 0
