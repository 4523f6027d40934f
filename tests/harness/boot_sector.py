"""Tiny guests for the harness to be tried on: boot sectors of a few instructions, encoded by hand.

Each prints its text on COM1, then ends in one of the ways below. The BIOS starts it in real mode at 0x7C00.
"""

from pathlib import Path

from tools.qemu import EXIT_PORT, Machine

LOAD_ADDRESS = 0x7C00
SECTOR_BYTES = 512
# The BIOS cannot read a disk that is smaller than one of its cylinders (16 heads, 63 sectors).
DISK_BYTES = 16 * 63 * SECTOR_BYTES
SIGNATURE = b"\x55\xaa"

# cli; again: hlt; jmp again
HANG = bytes.fromhex("fa f4 ebfd")
# push 0; push 0; push 0; mov bp,sp; lidt [bp]; int3: no interrupt table, so the fault has no way but a triple fault.
TRIPLE_FAULT = bytes.fromhex("6a00 6a00 6a00 89e5 0f015e00 cc")


def exit_with(value: int) -> bytes:
    """mov dx,port; mov al,value; out dx,al; then hang, should the device be missing."""
    return b"\xba" + EXIT_PORT.to_bytes(2, "little") + b"\xb0" + bytes([value]) + b"\xee" + HANG


def machine_that_prints(text: str, ending: bytes, image: Path) -> Machine:
    """Writes the boot sector to `image`. Returns a machine that boots it."""
    # cld; mov si,TEXT; mov dx,0x3f8; again: cs lodsb; test al,al; je done; out dx,al; jmp again; done:
    code = b"\xfc\xbe" + b"\0\0" + bytes.fromhex("baf803 2eac 84c0 7403 ee ebf7") + ending
    text_address = LOAD_ADDRESS + len(code)
    code = code[:2] + text_address.to_bytes(2, "little") + code[4:]
    content = code + text.encode("ascii") + b"\0"
    sector = content.ljust(SECTOR_BYTES - len(SIGNATURE), b"\0") + SIGNATURE
    image.write_bytes(sector.ljust(DISK_BYTES, b"\0"))
    return Machine(cpus=1, memory_mib=32, medium="disk", image=image)
