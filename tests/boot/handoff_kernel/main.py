"""Checks every promise of the hand-off and reports each as a test. Each processor saves its state on arrival."""
from typing import NoReturn

from boot.limine import protocol
from boot.limine.protocol import MpInfo, MpResponse
from compiler.prelude import (
    addr,
    array,
    asm_x64,
    atomic,
    const,
    export,
    mem8,
    mem64,
    naked,
    ptr,
    spin_hint,
    u8,
    u64,
    zeroed,
)
from compiler.prelude.x64 import *
from kernel.arch.x86_64 import registers
from tests.boot.handoff_kernel import mappings, report, requests, state

PLAN = const(27)
FIRST_MOMENT = const(1577836800)        # 2020
LONGEST_WAIT_SPINS = const(2000000000)

_saved: array[u64, state.WORDS] = zeroed()
_other: array[u64, state.WORDS] = zeroed()
_arrived: atomic[u64] = 0
_good_arrivals: atomic[u64] = 0


@export("_start")
@naked
@asm_x64
def start() -> NoReturn:
    mov([rip, _saved], rdi)
    lea(rdi, [rip, _saved])
    call(save_state)
    jmp(check_all)


@naked
@asm_x64
def start_other() -> NoReturn:
    """One processor at a time comes here."""
    mov([rip, _other], rdi)
    lea(rdi, [rip, _other])
    call(save_state)
    mov(rdi, [rip, _other])
    jmp(check_other)


@naked
@asm_x64
def save_state() -> None:
    """rdi: where to; its own word is filled in already. The caller's return address is not part of the stack."""
    mov([rdi, 8], rax)
    mov([rdi, 16], rbx)
    mov([rdi, 24], rcx)
    mov([rdi, 32], rdx)
    mov([rdi, 40], rsi)
    mov([rdi, 48], rbp)
    mov([rdi, 56], r8)
    mov([rdi, 64], r9)
    mov([rdi, 72], r10)
    mov([rdi, 80], r11)
    mov([rdi, 88], r12)
    mov([rdi, 96], r13)
    mov([rdi, 104], r14)
    mov([rdi, 112], r15)
    pushfq()
    pop(rax)
    mov([rdi, 120], rax)
    lea(rax, [rsp, 8])
    mov([rdi, 128], rax)
    mov(eax, cs)
    mov([rdi, 136], rax)
    mov(eax, ds)
    mov([rdi, 144], rax)
    mov(eax, es)
    mov([rdi, 152], rax)
    mov(eax, fs)
    mov([rdi, 160], rax)
    mov(eax, gs)
    mov([rdi, 168], rax)
    mov(eax, ss)
    mov([rdi, 176], rax)
    ret()


def check_all() -> NoReturn:
    report.begin(PLAN)
    direct_map = _field(requests.direct_map.response, 8)
    words = addr(_saved[0])
    report.check("base-revision-agreed", requests.base_revision.requested_revision == 0)
    report.check("base-revision-told", requests.base_revision.loaded_revision == protocol.BASE_REVISION)
    report.check("registers-zero", state.registers_are_zero(words, 0))
    report.check("flags-clear", state.flags_are_clear(words))
    report.check("stack", state.stack_is_good(words) and _stack_is_mapped(words[state.STACK], direct_map))
    report.check("selectors", state.selectors_are_right(words))
    report.check("descriptors", state.descriptors_are_right(direct_map))
    report.check("control-registers", state.control_registers_are_right())
    report.check("pat", state.pat_is_right())
    _check_answers()
    _check_memory(direct_map)
    _check_files(direct_map)
    _check_processors()
    report.end()


def _check_answers() -> None:
    report.check("name", mem8[_field(requests.bootloader_info.response, 8)] != 0)
    report.check("firmware-type", _field(requests.firmware_type.response, 8) <= protocol.FIRMWARE_UEFI_64)
    report.check("stack-size", requests.stack_size.response != 0)
    report.check("paging-mode", _field(requests.paging_mode.response, 8) == protocol.PAGING_FOUR_LEVEL)
    report.check("date", _field(requests.date.response, 8) > FIRST_MOMENT)
    root_pointer = _field(requests.rsdp.response, 8)
    report.check("root-pointer-physical", 0 < root_pointer < (1 << 52))


def _check_memory(direct_map: u64) -> None:
    response = ptr[protocol.MemoryMapResponse](requests.memory_map.response)
    report.check("map-sorted", mappings.map_is_sorted(response))
    report.check("map-separate", mappings.owned_memory_is_separate(response))
    report.check("direct-map", mappings.direct_map_is_exact(response, direct_map))
    report.check("kernel-rights", mappings.kernel_rights_are_right(direct_map))
    physical = _field(requests.executable_address.response, 8)
    virtual = _field(requests.executable_address.response, 16)
    entry, is_large = mappings.find_entry(direct_map, virtual)
    is_there = not is_large and (entry & mappings.ADDRESS) == physical
    kind = mappings.kind_at(response, physical)
    report.check("kernel-address", is_there and kind == protocol.MEMORY_EXECUTABLE_AND_MODULES)
    report.check("framebuffer", requests.framebuffer.response == 0 or _framebuffer_is_good(response, direct_map))


def _framebuffer_is_good(response: ptr[protocol.MemoryMapResponse], direct_map: u64) -> bool:
    if _field(requests.framebuffer.response, 8) == 0:
        return True
    framebuffer = ptr[protocol.Framebuffer](mem64[_field(requests.framebuffer.response, 16)])
    if framebuffer.address < direct_map or framebuffer.pitch * 8 < framebuffer.width * u64(framebuffer.bpp):
        return False
    return mappings.kind_at(response, framebuffer.address - direct_map) == protocol.MEMORY_FRAMEBUFFER


def _check_files(direct_map: u64) -> None:
    """The module holds the numbers 0 to 255 over and over, 10000 bytes of them."""
    response = ptr[protocol.MemoryMapResponse](requests.memory_map.response)
    report.check("module-count", _field(requests.modules.response, 8) == 1)
    file = ptr[protocol.File](mem64[_field(requests.modules.response, 16)])
    is_whole = file.size == 10000
    for index in range(file.size):
        if mem8[file.address + index] != u8(index & 0xFF):
            is_whole = False
    report.check("module-contents", is_whole)
    kind = mappings.kind_at(response, file.address - direct_map)
    is_placed = file.address % 4096 == 0 and kind == protocol.MEMORY_EXECUTABLE_AND_MODULES
    report.check("module-place", is_placed and mem8[file.path] == 0x2F)
    kernel = ptr[protocol.File](_field(requests.executable_file.response, 8))
    expected = b"exit=debug a=1 b=2\0"
    is_same = True
    for place in range(u64(len(expected))):
        is_same = is_same and mem8[kernel.string + place] == expected[place]
    report.check("command-line", is_same)


def _check_processors() -> None:
    response = ptr[MpResponse](requests.processors.response)
    report.check("x2apic", state.x2apic_is_right(u64(response.flags)))
    for index in range(response.cpu_count):
        info = ptr[MpInfo](mem64[response.cpus + index * 8])
        if info.lapic_id == response.bsp_lapic_id:
            continue
        turn = _arrived.load()
        info.goto_address.store(u64(start_other))
        for _spin in range(u64(LONGEST_WAIT_SPINS)):
            if _arrived.load() != turn:
                break
            spin_hint()
    others = response.cpu_count - 1
    report.note("processors", response.cpu_count)
    report.check("processors-arrive-well", _arrived.load() == others and _good_arrivals.load() == others)


def check_other(info: ptr[MpInfo]) -> NoReturn:
    words = addr(_other[0])
    is_good = state.registers_are_zero(words, 1) and state.flags_are_clear(words) and state.stack_is_good(words)
    is_good = is_good and state.selectors_are_right(words) and state.control_registers_are_right()
    flags = ptr[MpResponse](requests.processors.response).flags
    is_good = is_good and state.x2apic_is_right(u64(flags)) and state.pat_is_right()
    is_good = is_good and u64(info) >= _field(requests.direct_map.response, 8)
    if is_good:
        _ = _good_arrivals.fetch_add(1)
    _ = _arrived.fetch_add(1)
    while True:
        registers.disable_interrupts()
        registers.halt()


def _stack_is_mapped(top: u64, direct_map: u64) -> bool:
    """As much as was asked for."""
    entry, _is_large = mappings.find_entry(direct_map, top + 8 - requests.STACK_BYTES)
    return entry != mappings.NOT_MAPPED


def _field(response: u64, offset: u64) -> u64:
    """A field of a response; a request without an answer fails the checks that use it."""
    return 0 if response == 0 else mem64[response + offset]
