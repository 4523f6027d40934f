"""What set-up says on a machine where it may not install anything."""

import pytest

from tools import setup


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
