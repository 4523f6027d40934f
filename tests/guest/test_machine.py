"""Machines of many kinds: each boots, or is refused in words; and each ends as it is told to."""

import re
from pathlib import Path

import pytest

from tests.conftest import StartGuest
from tests.harness.failures import GuestPanic, GuestReset
from tools.build import write_archive
from tools.paths import INIT, KERNEL
from tools.qemu import Machine

DEADLINE_SECONDS = 40
NO_OPTION = "is no option of the kernel; it has exit=, panic=, log=, cpus=, program=, barriers=, kpti=, pcid="


async def boot(start_guest: StartGuest, machine: Machine, cpus: int, memory: str) -> list[str]:
    async with start_guest(machine) as guest:
        await guest.expect(f"boot: ok cpus={cpus} memory={memory} door=direct", DEADLINE_SECONDS)
        await guest.expect_success(DEADLINE_SECONDS)
    return guest.console.lines


@pytest.mark.parametrize("model", ["qemu64", "Nehalem", "max", "max,-smap,-smep"])
@pytest.mark.usefixtures("boot_files")
async def test_processor_models(start_guest: StartGuest, model: str) -> None:
    await boot(start_guest, Machine(cpus=2, memory_mib=128, cpu_model=model), 2, "128MiB")


@pytest.mark.parametrize(
    ("memory", "machine"), [(64, "pc"), (64, "q35"), (4096, "q35"), pytest.param(8192, "pc", marks=pytest.mark.slow)]
)
@pytest.mark.usefixtures("boot_files")
async def test_memory_sizes(start_guest: StartGuest, memory: int, machine: str) -> None:
    await boot(start_guest, Machine(cpus=1, memory_mib=memory, machine=machine), 1, f"{memory}MiB")


@pytest.mark.parametrize("machine", ["q35,hpet=off", "pc,acpi=off", "pc,pit=off", "pc,acpi=off,pit=off,hpet=off"])
@pytest.mark.usefixtures("boot_files")
async def test_missing_devices(start_guest: StartGuest, machine: str) -> None:
    lines = await boot(start_guest, Machine(cpus=1, memory_mib=128, machine=machine), 1, "128MiB")
    has_clock = "warn: boot: there is no clock to measure time by: it may run too fast or too slow" not in lines
    assert has_clock == ("hpet=off,pit=off" not in machine and "pit=off,hpet=off" not in machine)


@pytest.mark.parametrize(
    ("model", "machine", "clock"),
    [
        ("max", "q35", "time by time stamps; time stamps emulated, "),
        ("max,-hypervisor", "q35", "time by event timer; time stamps not invariant, "),
        ("max,-hypervisor", "q35,hpet=off", "time by time stamps; time stamps not invariant, "),
    ],
)
@pytest.mark.usefixtures("boot_files")
async def test_time_is_taken_from_what_has_one_rate(
    start_guest: StartGuest, model: str, machine: str, clock: str
) -> None:
    lines = await boot(
        start_guest, Machine(cpus=2, memory_mib=128, cpu_model=model, machine=machine), 2, "128MiB"
    )
    assert any(line.startswith(f"boot: {clock}") for line in lines)
    warning = "warn: boot: time stamps may change their rate, and there is no other clock: time may run unevenly"
    assert (warning in lines) == ("hpet=off" in machine)


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        ("max,-nx", "NX"),
        ("max,-apic", "APIC"),
    ],
)
@pytest.mark.usefixtures("boot_files")
async def test_processors_that_lack_something_are_refused(start_guest: StartGuest, model: str, reason: str) -> None:
    async with start_guest(Machine(cpus=1, memory_mib=128, cpu_model=model)) as guest:
        with pytest.raises(GuestPanic):
            await guest.expect("never", DEADLINE_SECONDS)
        assert any(reason in line for line in guest.console.lines if line.startswith(("error: ", "loader: error: ")))


@pytest.mark.usefixtures("boot_files")
async def test_too_little_memory_is_refused(start_guest: StartGuest) -> None:
    async with start_guest(Machine(cpus=1, memory_mib=24)) as guest:
        with pytest.raises(GuestPanic):
            await guest.expect("never", DEADLINE_SECONDS)
        wanted = "error: boot: memory: the machine has less than 32 MiB of memory"
        assert any(line.startswith((wanted, "loader: error: ")) for line in guest.console.lines)


@pytest.mark.usefixtures("boot_files")
async def test_the_number_of_cpus_can_be_limited(start_guest: StartGuest) -> None:
    await boot(start_guest, Machine(cpus=4, memory_mib=128, command_line="cpus=2"), 2, "128MiB")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("bogus", f"bogus {NO_OPTION}"),
        ("log=loud", "log=loud is left out: log= takes error, warn, info or debug"),
        ("cpus=0", "cpus=0 is left out: cpus= takes a number from 1 to 256"),
        ("cpus=1 cpus=2", "cpus=2 stands twice; the last one counts"),
        ("panic", "panic is left out: panic= takes halt, exit, reboot or debug"),
        ("key=" + 150 * "x", "key=" + 100 * "x" + f" {NO_OPTION}"),
        ("a.b=" + 1100 * "x", "the command line is longer than 1024 bytes: the words behind are left out"),
    ],
)
@pytest.mark.usefixtures("boot_files")
async def test_words_that_the_kernel_cannot_take_are_told(start_guest: StartGuest, words: str, told: str) -> None:
    lines = await boot(start_guest, Machine(cpus=2, memory_mib=128, command_line=words), 2, "128MiB")
    assert [line for line in lines if line.startswith("warn: ")] == [f"warn: boot: {told}"]


@pytest.mark.parametrize(
    ("program", "told"),
    [
        (None, "panic: there is no module init.elf to start with, or it is empty"),
        (b"", "panic: there is no module init.elf to start with, or it is empty"),
        (b"no program" * 100, "error: boot: init.elf cannot be started: not an ELF file"),
        (slice(3000), "error: boot: init.elf cannot be started: a segment lies outside the file"),
    ],
)
@pytest.mark.usefixtures("boot_files")
async def test_a_first_program_that_cannot_be_is_named(
    start_guest: StartGuest, tmp_path: Path, program: bytes | slice | None, told: str
) -> None:
    module, archive = tmp_path / INIT.name, tmp_path / "boot.tar"
    module.write_bytes(INIT.read_bytes()[program] if isinstance(program, slice) else program or b"")
    write_archive(archive, (KERNEL,) if program is None else (KERNEL, module))
    async with start_guest(Machine(cpus=1, memory_mib=128, archive=archive)) as guest:
        with pytest.raises(GuestPanic):
            await guest.expect("never", DEADLINE_SECONDS)
    assert told in guest.console.lines


@pytest.mark.usefixtures("boot_files")
async def test_words_for_programs_are_left_alone(start_guest: StartGuest) -> None:
    machine = Machine(cpus=1, memory_mib=128, command_line="init.greeting=hello")
    lines = await boot(start_guest, machine, 1, "128MiB")
    assert not [line for line in lines if line.startswith("warn: ")]


@pytest.mark.parametrize("machine", ["pc", "q35"])
async def test_power_off(start_guest: StartGuest, selftest_archive: Path, machine: str) -> None:
    told = Machine(cpus=2, machine=machine, archive=selftest_archive, command_line="selftest=power-off")
    async with start_guest(told) as guest:
        assert await guest.console.wait_end(DEADLINE_SECONDS) == 0


@pytest.mark.parametrize("machine", ["pc", "q35", "pc,acpi=off"])
async def test_restart(start_guest: StartGuest, selftest_archive: Path, machine: str) -> None:
    told = Machine(cpus=2, machine=machine, archive=selftest_archive, command_line="selftest=restart")
    async with start_guest(told) as guest:
        with pytest.raises(GuestReset):
            await guest.console.wait_end(DEADLINE_SECONDS)


async def test_lines_of_several_cpus_never_mix(start_guest: StartGuest, selftest_archive: Path) -> None:
    machine = Machine(cpus=4, archive=selftest_archive, command_line="selftest=log-many")
    async with start_guest(machine) as guest:
        await guest.expect_success(DEADLINE_SECONDS)
    pattern = re.compile(r"^selftest: cpu +(\d) line (\d{4}) abcdefghijklmnopqrstuvwxyz0123456789$")
    told = [line for line in guest.console.lines if "selftest" in line]
    found = [pattern.match(line) for line in told]
    assert all(found), told
    for cpu in range(4):
        assert [int(match[2]) for match in found if match and int(match[1]) == cpu] == list(range(200))


async def test_the_log_level_is_chosen_on_the_command_line(start_guest: StartGuest, selftest_archive: Path) -> None:
    machine = Machine(cpus=1, archive=selftest_archive, command_line="selftest=log-many log=warn")
    async with start_guest(machine) as guest:
        await guest.expect_success(DEADLINE_SECONDS)
    assert not [line for line in guest.console.lines if line.startswith("selftest: ")]


@pytest.mark.usefixtures("boot_files")
def test_a_release_kernel_has_no_text_of_the_debug_level() -> None:
    assert b"firmware tells of" not in KERNEL.read_bytes()


async def test_an_nmi_is_told(start_guest: StartGuest, selftest_archive: Path) -> None:
    machine = Machine(cpus=1, archive=selftest_archive, command_line="selftest=nmi")
    async with start_guest(machine) as guest:
        await guest.expect("selftest: waiting for an NMI", DEADLINE_SECONDS)
        await guest.monitor.execute("inject-nmi")
        await guest.expect("warn: interrupt: cpu 0 got an NMI from the hardware", DEADLINE_SECONDS)
        await guest.expect("selftest: it came", DEADLINE_SECONDS)
