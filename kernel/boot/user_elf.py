"""The first program's file, mapped by the kernel because there is no program yet that could."""
from compiler.prelude import addr, memory_copy, ptr, span, u8, u64
from kernel.abi.errors import Status
from kernel.abi.program_file import Image, Segment, read_image
from kernel.arch.x86_64 import paging
from kernel.arch.x86_64.pages import PAGE_BYTES
from kernel.core.process_block import Process
from kernel.memory import window
from kernel.objects.fresh import map_fresh


def load(file: span[u8], process: ptr[Process], image: ptr[Image]) -> str:
    """Fills `image` and maps its segments. Returns what is wrong with the file, or nothing."""
    problem = read_image(file, image)
    if len(problem) != 0:
        return problem
    for index in range(image.count):
        if not _map_segment(file, addr(image.segments[index]), process):
            return "out of memory"
    return ""


def _map_segment(file: span[u8], segment: ptr[Segment], process: ptr[Process]) -> bool:
    if map_fresh(process, segment.start, segment.length, segment.access) != Status.OK:
        return False
    done: u64 = 0
    while done < segment.file_bytes:
        frame = paging.translate(process.space.root, segment.start + done) & paging.ADDRESS
        part = file[segment.offset + done : segment.offset + min(done + PAGE_BYTES, segment.file_bytes)]
        memory_copy(ptr[u8](window.address(frame)), addr(part[0]), u64(len(part)))
        done += PAGE_BYTES
    return True
