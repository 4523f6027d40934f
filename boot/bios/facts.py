"""Where the real-mode stage puts what it learns, and what the image builder writes into it.

Used by the stage (boot/bios/stage.py), by the 64-bit loader behind it (boot/bios/main.py) and by tools/image.py.
"""
from compiler.prelude import const

MASTER_BASE = const(0x600)              # the master boot record moves itself here
STAGE_BASE = const(0x7C00)
STAGE_BYTES = const(2048)
UNIT_BYTES = const(512)                 # the table of the stage counts in these, whatever the medium's sectors

# Written into the stage by the image builder, all 32-bit but the first.
SECTOR_SHIFT_OFFSET = const(4)          # byte: log2(sector / unit): 2 on a CD; the master boot record makes it 0
TABLE_OFFSET = const(8)                 # entry point; start, units and address of the loader; the same of the archive
TABLE_WORDS = const(8)                  # the last is the archive's size in bytes

# Written into the master boot record: the unit where the stage begins.
MASTER_STAGE_OFFSET = const(0x1B0)

BOUNCE_BASE = const(0x10000)
BOUNCE_UNITS = const(64)
MAP_BASE = const(0x9000)
MAP_ENTRY_BYTES = const(24)
MAP_LARGEST_COUNT = const(128)
VIDEO_INFO_BASE = const(0xA000)
MODE_INFO_BASE = const(0xA200)
TRIAL_INFO_BASE = const(0xA300)
FONT_BASE = const(0xB000)               # 256 glyphs of 8 by 16 pixels
FONT_WORDS = const(2048)
HANDOFF_BASE = const(0x8C00)
HANDOFF_MAGIC = const(0x534F4942)
ARCHIVE_ADDRESS = const(0x400000)       # the loader itself lies where it is linked, at 1 MiB
