"""Configurations of Bochs, the second emulator: an independent opinion on what a processor does.

It has no UEFI firmware, no exit device and no window here. Its display library draws into nothing, because SDL is told
to use its dummy driver; the others know no mode with a framebuffer.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

PROGRAM = "bochs"
ENVIRONMENT = {"SDL_VIDEODRIVER": "dummy", "SDL_AUDIODRIVER": "dummy"}
BIOS = Path("/usr/share/bochs/BIOS-bochs-latest")
VIDEO_BIOS = Path("/usr/share/bochs/VGABIOS-lgpl-latest")


@dataclass(frozen=True)
class BochsMachine:
    """One guest that boots a CD image."""

    image: Path
    cpus: int = 1
    cpu_model: str = "corei7_haswell_4770"
    memory_mib: int = 256

    def configuration(self, serial: Path, log: Path) -> str:
        return "\n".join(
            (
                f"cpu: model={self.cpu_model}, count={self.cpus}, ips=50000000, reset_on_triple_fault=0",
                f"memory: guest={self.memory_mib}, host={self.memory_mib}",
                f"romimage: file={BIOS}",
                f"vgaromimage: file={VIDEO_BIOS}",
                "ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14",
                f"ata0-master: type=cdrom, path={self.image}, status=inserted",
                "boot: cdrom",
                f"com1: enabled=1, mode=file, dev={serial}",
                "clock: sync=none",
                f"log: {log}",
                "panic: action=fatal",
                "display_library: sdl2",
                "plugin_ctrl: unmapped=1, biosdev=1, serial=1",
                "",
            )
        )


def missing_part() -> str:
    """What is to be installed before Bochs can be used, or nothing."""
    display = any(Path("/usr/lib").glob("*/bochs/plugins/libbx_sdl2_gui.so"))
    if shutil.which(PROGRAM) is None or not BIOS.exists() or not VIDEO_BIOS.exists() or not display:
        return "Bochs is not installed: install the packages bochs, bochsbios, vgabios and bochs-sdl"
    return ""


def command(configuration: Path, debugger_script: Path) -> list[str]:
    """Debian's Bochs has its debugger built in, which waits until a script tells it to go on."""
    return [PROGRAM, "-q", "-f", str(configuration), "-rc", str(debugger_script)]
