"""The printed manual holds every status code with its number, and every operation with its arguments."""

import pytest

from kernel.abi.errors import Status
from kernel.abi.methods import METHODS, Method
from tools.abi_reference import main


def test_manual_names_every_status(capsys: pytest.CaptureFixture[str]) -> None:
    main()
    rows = {tuple(line.split()[:2]) for line in capsys.readouterr().out.splitlines()}
    assert {(status.name, str(int(status))) for status in Status} - rows == set()


def test_manual_names_every_operation_and_its_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    main()
    manual = capsys.readouterr().out
    for method, _, _, arguments, _ in METHODS:
        names = [name for name, _ in arguments]
        start = f"  {int(method):#04x} {Method(method).name}("
        line = next(line for line in manual.splitlines() if line.startswith(start))
        assert [part.split(":")[0] for part in line.partition("(")[2].rstrip(")").split(", ") if part] == names
