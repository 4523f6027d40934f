"""What `make run` makes of its variables."""

import pytest

from tools.paths import RUN_IMAGE
from tools.qemu import Machine
from tools.run import BadSetting, machine_from, terminal_for


def test_empty_variables_mean_the_default() -> None:
    settings = {"CPUS": "", "MEMORY": "", "ARGS": "", "DOOR": "", "PROGRAM": ""}
    assert machine_from(settings) == Machine(medium="cd", image=RUN_IMAGE, video=True)


def test_doors_differ_in_medium_and_firmware() -> None:
    assert machine_from({"DOOR": "direct"}) == Machine(video=True)
    assert machine_from({"DOOR": "uefi"}) == Machine(medium="cd", image=RUN_IMAGE, firmware="uefi", video=True)


@pytest.mark.parametrize(
    ("text", "mebibytes"), [("64", 64), ("256M", 256), ("256MiB", 256), ("4G", 4096), ("1GiB", 1024)]
)
def test_memory_is_read_with_and_without_unit(text: str, mebibytes: int) -> None:
    assert machine_from({"MEMORY": text}).memory_mib == mebibytes


def test_a_desktop_gets_a_window() -> None:
    assert machine_from({"DISPLAY": ":0"}).window and machine_from({"WAYLAND_DISPLAY": "wayland-0"}).window
    assert "-display" not in machine_from({"DISPLAY": ":0"}).command("stdio")


def test_arguments_and_program_make_the_command_line() -> None:
    machine = machine_from({"CPUS": "2", "ARGS": "log=debug a,b", "PROGRAM": "hello"})
    assert machine.cpus == 2
    assert machine.command_line == "log=debug a,b program=hello"


def test_a_shell_gets_the_interrupt_key() -> None:
    assert terminal_for(machine_from({"PROGRAM": "hello"})) == "stdio,signal=on"
    for settings in ({"PROGRAM": "shell"}, {"ARGS": "log=debug init.shell"}):
        assert terminal_for(machine_from(settings)) == "stdio,mux=on,signal=off"


@pytest.mark.parametrize(
    "settings",
    [
        {"CPUS": "0"}, {"CPUS": "many"}, {"CPUS": "256"}, {"MEMORY": "0"}, {"MEMORY": "4T"}, {"DOOR": "back"},
        {"ACCEL": "magic"}, {"PROGRAM": "nothing"},
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_by_name(settings: dict[str, str]) -> None:
    ((name, value),) = settings.items()
    with pytest.raises(BadSetting, match=f"^{name}={value} .*: use "):
        machine_from(settings)
