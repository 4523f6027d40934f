"""Starting the application processors and parking them until the kernel gives each an address to go to.

Invariants: one processor is started at a time; what a processor needs (tables, stack, record) is complete before
the offer is made; a processor that does not answer in time is put back to its wait by INIT and left out.
Source: SDM vol 3, 9.4.4 (INIT and start-up messages); Limine protocol, MP feature.
"""
from typing import NoReturn

from boot.core import cache_types, local_apic
from boot.core.acpi import MADT_ENTRIES_OFFSET, Processor, next_processor
from boot.core.clock import delay_us
from boot.core.departure import depart
from boot.core.pages import allocate_below, allocate_bytes
from boot.core.paging import WRITABLE, map_range
from boot.core.processor_features import has_no_execute
from boot.core.trampoline import StartBlock, place_trampoline
from boot.limine.protocol import MpInfo
from compiler.prelude import addr, array, const, ptr, sizeof, span, spin_hint, u8, u32, u64, zeroed
from kernel.arch.x86_64 import registers
from kernel.arch.x86_64.pages import PAGE_BYTES

MOST_PROCESSORS = const(1024)
REAL_MODE_LIMIT = const(0xA0000)
INIT_TO_STARTUP_US = const(10000)
STARTUP_RETRY_US = const(1000)
LONGEST_START_US = const(2000000)
POLL_US = const(50)
CR4_NOT_COPIED = const((1 << 12) | (1 << 13) | (1 << 14) | (1 << 17))     # LA57, VMXE, SMXE, PCIDE

infos: array[u64, MOST_PROCESSORS] = zeroed()       # addresses of the MpInfo records, identity mapped
count: u64 = 0

_root: u64 = 0
_direct_map: u64 = 0
_use_x2apic: bool = False
_block: u64 = 0


def start_processors(madt: span[u8], root: u64, direct_map: u64, stack_bytes: u64, want_x2apic: bool) -> bool:
    """Fills `infos` with the boot processor and all that answer. Returns whether x2APIC mode is on."""
    global _root, _direct_map, _use_x2apic
    _root = root
    _direct_map = direct_map
    _use_x2apic = local_apic.is_x2apic() or (want_x2apic and local_apic.enter_x2apic())
    page = allocate_below(REAL_MODE_LIMIT)
    if page != 0:
        map_range(root, page, page, PAGE_BYTES, WRITABLE)
        _prepare_block(page)
        cache_types.remember_mtrrs()
        if _send_init_to_others(madt):
            delay_us(INIT_TO_STARTUP_US)
    _start_each(madt, page, stack_bytes)
    return _use_x2apic


def add_boot_processor(uid: u32, apic_id: u32) -> None:
    _add(_make_info(uid, apic_id, 0))


def _prepare_block(page: u64) -> None:
    global _block
    block = place_trampoline(page)
    block.root = _root
    block.efer = registers.EFER_LONG_MODE
    if has_no_execute():
        block.efer = registers.EFER_LONG_MODE | registers.EFER_NO_EXECUTE
    block.cr0 = registers.read_cr0()
    block.cr4 = registers.read_cr4() & ~u64(CR4_NOT_COPIED)
    block.entry = u64(arrive)
    _block = u64(block)


def _send_init_to_others(madt: span[u8]) -> bool:
    """Returns whether there is any other processor."""
    processor: Processor = zeroed()
    is_any = False
    at = next_processor(madt, MADT_ENTRIES_OFFSET, addr(processor))
    while at != 0:
        if _is_startable(addr(processor)):
            local_apic.send_init(processor.apic_id)
            is_any = True
        at = next_processor(madt, at, addr(processor))
    return is_any


def _start_each(madt: span[u8], page: u64, stack_bytes: u64) -> None:
    processor: Processor = zeroed()
    stack: u64 = 0
    at = next_processor(madt, MADT_ENTRIES_OFFSET, addr(processor))
    while at != 0:
        if processor.apic_id == local_apic.read_id():
            add_boot_processor(processor.uid, processor.apic_id)
        elif _is_startable(addr(processor)) and page != 0 and not _is_known(processor.apic_id):
            if stack == 0:
                stack = allocate_bytes(stack_bytes, PAGE_BYTES)
            info = _make_info(processor.uid, processor.apic_id, stack + stack_bytes)
            if _start(info, page):
                _add(info)
                stack = 0
        at = next_processor(madt, at, addr(processor))
    if count == 0:
        add_boot_processor(0, local_apic.read_id())


def _is_startable(processor: ptr[Processor]) -> bool:
    """x2APIC entries count only in that mode, and the identifier that means everybody never does."""
    if processor.apic_id == local_apic.read_id():
        return False
    if _use_x2apic:
        return processor.apic_id != 0xFFFFFFFF
    return not processor.is_x2apic and processor.apic_id < 0xFF


def _is_known(apic_id: u32) -> bool:
    for index in range(count):
        if ptr[MpInfo](infos[index]).lapic_id == apic_id:
            return True
    return False


def _make_info(uid: u32, apic_id: u32, stack_top: u64) -> ptr[MpInfo]:
    info = ptr[MpInfo](allocate_bytes(sizeof(MpInfo), 16))
    info.processor_id = uid
    info.lapic_id = apic_id
    info.reserved = stack_top
    return info


def _add(info: ptr[MpInfo]) -> None:
    global count
    if count < MOST_PROCESSORS:
        infos[count] = u64(info)
        count += 1


def _start(info: ptr[MpInfo], page: u64) -> bool:
    """Returns whether the processor is parked now."""
    block = ptr[StartBlock](_block)
    block.stack = info.reserved + _direct_map
    block.argument = u64(info) + _direct_map
    block.answer.store(0)
    block.offer.store(1)
    local_apic.send_startup(info.lapic_id, page)
    if _is_answered(block, STARTUP_RETRY_US):
        return True
    if block.offer.load() == 1:
        local_apic.send_startup(info.lapic_id, page)
    if _is_answered(block, LONGEST_START_US):
        return True
    if block.offer.exchange(0) == 1:
        local_apic.send_init(info.lapic_id)
        return False
    return _is_answered(block, LONGEST_START_US)


def _is_answered(block: ptr[StartBlock], microseconds: u64) -> bool:
    waited: u64 = 0
    while waited < microseconds:
        if block.answer.load() == 1:
            return True
        delay_us(POLL_US)
        waited += POLL_US
    return block.answer.load() == 1


def arrive(info: ptr[MpInfo]) -> NoReturn:
    """Where a started processor enters 64-bit code, on its own stack; `info` lies in the direct map."""
    cache_types.set_pat()
    cache_types.copy_mtrrs()
    if _use_x2apic:
        _ = local_apic.enter_x2apic()
    ptr[StartBlock](_block).answer.store(1)
    while info.goto_address.load() == 0:
        spin_hint()
    depart(_root, info.reserved + _direct_map, info.goto_address.load(), u64(info), _direct_map)
