"""The printed manual holds every status code, with its number and its remark."""

import pytest

from kernel.abi.errors import Status
from tools.abi_reference import main


def test_manual_names_every_status(capsys: pytest.CaptureFixture[str]) -> None:
    main()
    rows = {tuple(line.split()[:2]) for line in capsys.readouterr().out.splitlines()}
    assert {(status.name, str(int(status))) for status in Status} - rows == set()
