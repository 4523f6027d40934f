"""The direct door: the loader that QEMU starts by `-kernel`, with the boot archive as its `-initrd`."""
from typing import NoReturn

from boot.core import start
from boot.core.handoff import Handoff
from boot.direct import entry  # noqa: F401 - the code that calls _start
from boot.direct.display import open_display
from boot.direct.reception import receive
from boot.direct.start_info import StartInfo
from compiler.prelude import addr, export, ptr, zeroed

_handoff: Handoff = zeroed()


@export("_start")
def begin(info: ptr[StartInfo]) -> NoReturn:
    receive(info, addr(_handoff))
    open_display(addr(_handoff.framebuffer))
    start.boot(addr(_handoff))
