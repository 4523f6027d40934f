"""The shared second half of every front end: from a hand-off to the kernel's first instruction.

Order: archive, kernel, modules, direct map, answers, processors, memory map, departure.
"""
from typing import NoReturn

from boot.core import answers, cache_types, files, interrupts, loader_image, local_apic, processors
from boot.core.acpi import pm_timer_port
from boot.core.clock import start_clock
from boot.core.departure import depart
from boot.core.firmware_tables import find_table
from boot.core.handoff import Handoff
from boot.core.kernel_image import KernelImage, load_kernel
from boot.core.memory_map import next_run
from boot.core.pages import allocate_range, mark, memory
from boot.core.paging import DIRECT_MAP, WRITABLE, WRITE_COMBINING, create_root, map_range
from boot.core.processor_features import has_local_apic, has_no_execute
from boot.core.report import fail
from boot.core.requests import NOT_FOUND, find_area, find_base_revision, find_request, has_duplicate, next_request
from boot.core.rounding import round_down, round_up
from boot.limine import protocol
from boot.limine.protocol import MEMORY_BOOTLOADER_RECLAIMABLE, MEMORY_FRAMEBUFFER, Request
from compiler.prelude import addr, const, ptr, span, u64, zeroed
from kernel.arch.x86_64 import registers
from kernel.arch.x86_64.pages import PAGE_BYTES

LARGEST_STACK_BYTES = const(1 << 20)

_image: KernelImage = zeroed()


def boot(handoff: ptr[Handoff]) -> NoReturn:
    """Requires: the memory map is told and finished, everything in the hand-off is identity mapped."""
    if (registers.read_cr4() & registers.CR4_FIVE_LEVELS) != 0:
        fail("internal: the front end left five-level paging on")
    _reserve(handoff)
    registers.disable_interrupts()
    interrupts.mask_legacy_controllers()
    root = create_root()
    load_kernel(files.open_kernel(handoff.archive), root, addr(_image))
    area = find_area(span(ptr[u64](_image.physical_base), _image.length // 8))
    _agree_on_revision(area)
    files.load_modules(handoff.archive, DIRECT_MAP)
    _map_direct(root)
    _map_loader(root)
    _prepare_processor()
    _answer(area, handoff)
    memory_map_place = answers.reserve_memory_map()
    stack_bytes = _stack_bytes(area)
    stack = allocate_range(stack_bytes, PAGE_BYTES, MEMORY_BOOTLOADER_RECLAIMABLE)
    _start_processors(area, handoff, root, stack_bytes)
    memory_map_request = find_request(area, protocol.MEMORY_MAP_0, protocol.MEMORY_MAP_1)
    if memory_map_request != NOT_FOUND:
        answers.finish_memory_map(_request(area, memory_map_request), memory_map_place)
    registers.write_cr0(registers.read_cr0() | registers.CR0_WRITE_PROTECT)
    registers.write_cr4(registers.read_cr4() & ~u64(registers.CR4_GLOBAL_PAGES))
    depart(root, stack + stack_bytes + DIRECT_MAP, _entry(area), 0, DIRECT_MAP)


def _reserve(handoff: ptr[Handoff]) -> None:
    """Takes the loader, the payload and the framebuffer out of the usable memory."""
    start = loader_image.image_start()
    mark(start, loader_image.image_end() - start, MEMORY_BOOTLOADER_RECLAIMABLE)
    if u64(len(handoff.archive)) == 0:
        fail("there is no boot archive to take the kernel from")
    mark(u64(addr(handoff.archive[0])), u64(len(handoff.archive)), MEMORY_BOOTLOADER_RECLAIMABLE)
    framebuffer = addr(handoff.framebuffer)
    if framebuffer.address != 0:
        mark(framebuffer.address, framebuffer.pitch * framebuffer.height, MEMORY_FRAMEBUFFER)


def _agree_on_revision(area: span[u64]) -> None:
    index = find_base_revision(area)
    if index == NOT_FOUND:
        fail("kernel: it has no Limine base revision tag; this loader answers base revision 3")
    tag = ptr[protocol.BaseRevisionTag](u64(addr(area[index])))
    if tag.requested_revision < protocol.BASE_REVISION:
        fail("kernel: it asks for a Limine base revision older than 3, the one that this loader answers")
    if has_duplicate(area):
        fail("kernel: it makes the same Limine request twice")
    tag.loaded_revision = protocol.BASE_REVISION
    if tag.requested_revision == protocol.BASE_REVISION:
        tag.requested_revision = 0
    index = find_request(area, protocol.PAGING_MODE_0, protocol.PAGING_MODE_1)
    if index != NOT_FOUND:
        paging = ptr[protocol.PagingModeRequest](u64(addr(area[index])))
        if paging.revision >= 1 and paging.min_mode != protocol.PAGING_FOUR_LEVEL:
            fail("kernel: it wants five-level paging, which this loader does not offer")


def _map_direct(root: u64) -> None:
    """Maps what the protocol allows in the direct map. Tables made on the way come from memory that is in it."""
    base, end = next_run(addr(memory), 0, True)
    while end != 0:
        map_range(root, base + DIRECT_MAP, base, end - base, WRITABLE)
        base, end = next_run(addr(memory), end, True)
    base, end = next_run(addr(memory), 0, False)
    while end != 0:
        map_range(root, base + DIRECT_MAP, base, end - base, WRITABLE | WRITE_COMBINING)
        base, end = next_run(addr(memory), end, False)


def _map_loader(root: u64) -> None:
    """The code that changes page tables, and the parked processors, stay at their addresses."""
    first = round_down(loader_image.image_start(), PAGE_BYTES)
    end = round_up(loader_image.image_end(), PAGE_BYTES)
    map_range(root, first, first, end - first, WRITABLE)


def _prepare_processor() -> None:
    cache_types.set_pat()
    if has_no_execute():
        registers.write_msr(registers.MSR_EFER, registers.read_msr(registers.MSR_EFER) | registers.EFER_NO_EXECUTE)


def _answer(area: span[u64], handoff: ptr[Handoff]) -> None:
    command_line = handoff.command_line
    if u64(len(command_line)) == 0:
        command_line = files.find_command_line(handoff.archive)
    index = next_request(area, 0)
    while index != NOT_FOUND:
        answers.answer_request(_request(area, index), handoff, addr(_image), command_line)
        index = next_request(area, index + 1)


def _start_processors(area: span[u64], handoff: ptr[Handoff], root: u64, stack_bytes: u64) -> None:
    madt = find_table(handoff.rsdp, b"APIC")
    fadt = find_table(handoff.rsdp, b"FACP")
    interrupts.mask_io_apics(madt)
    index = find_request(area, protocol.MP_0, protocol.MP_1)
    if index == NOT_FOUND:
        return
    request = ptr[protocol.MpRequest](u64(addr(area[index])))
    if not has_local_apic() or not local_apic.is_enabled():
        processors.add_boot_processor(0, 0)
        answers.answer_processors(_request(area, index), False, 0)
        return
    start_clock(pm_timer_port(fadt))
    wants_x2apic = (request.flags & protocol.MP_X2APIC) != 0
    is_x2apic = processors.start_processors(madt, root, DIRECT_MAP, stack_bytes, wants_x2apic)
    answers.answer_processors(_request(area, index), is_x2apic, local_apic.read_id())


def _stack_bytes(area: span[u64]) -> u64:
    index = find_request(area, protocol.STACK_SIZE_0, protocol.STACK_SIZE_1)
    if index == NOT_FOUND:
        return protocol.SMALLEST_STACK_BYTES
    wanted = ptr[protocol.StackSizeRequest](u64(addr(area[index]))).stack_size
    if wanted > LARGEST_STACK_BYTES:
        fail("kernel: it asks for a stack of more than 1 MiB")
    return max(round_up(wanted, PAGE_BYTES), protocol.SMALLEST_STACK_BYTES)


def _entry(area: span[u64]) -> u64:
    index = find_request(area, protocol.ENTRY_POINT_0, protocol.ENTRY_POINT_1)
    if index != NOT_FOUND:
        entry = ptr[protocol.EntryPointRequest](u64(addr(area[index]))).entry
        if entry != 0:
            return entry
    return _image.entry


def _request(area: span[u64], index: u64) -> ptr[Request]:
    return ptr[Request](u64(addr(area[index])))
