"""What set-up says on a machine where it may not install anything."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools import setup
from tools.paths import ROOT


def test_without_root_the_commands_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup, "_root_prefix", lambda: None)
    with pytest.raises(SystemExit) as end:
        setup.install_packages(["qemu", "firmware"])
    text = str(end.value)
    assert "apt-get install -y --no-install-recommends qemu-system-x86 ovmf" in text
    assert "dnf install -y qemu-system-x86 edk2-ovmf" in text
    assert "pacman -S --needed qemu-system-x86 edk2-ovmf" in text
    assert "brew install qemu" in text


def test_nothing_missing_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    setup.install_packages([])
    assert capsys.readouterr().out == ""


def test_missing_qemu_is_told_by_the_tool(tmp_path: Path) -> None:
    program = "from tools.qemu import Machine; Machine().command('stdio')"
    environment = {**os.environ, "PATH": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert " is not on PATH: run `make setup`" in done.stderr
