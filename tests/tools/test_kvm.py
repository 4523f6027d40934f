"""The probe of KVM: it succeeds on a good machine, and a guest that fails, or takes too long, is no success."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.harness.boot_sector import HANG, exit_with, machine_that_prints
from tools import kvm
from tools.kvm import PROBE, probe_runs
from tools.qemu import EXIT_FAILURE, EXIT_SUCCESS, Machine


@pytest.mark.usefixtures("boot_files")
def test_probe_succeeds_on_a_good_machine() -> None:
    assert probe_runs(replace(PROBE, acceleration="tcg"))


@pytest.mark.slow
@pytest.mark.usefixtures("boot_files")
def test_probe_fails_without_a_second_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kvm, "PROBE_SECONDS", 20)
    assert not probe_runs(replace(PROBE, acceleration="tcg", cpus=1))


@pytest.mark.parametrize("ending", [HANG, exit_with(EXIT_FAILURE // 2)], ids=["hang", "failure"])
def test_only_success_counts(tmp_path: Path, ending: bytes) -> None:
    assert not probe_runs(machine_that_prints("", ending, tmp_path / "disk"))


def test_verdict_is_kept_and_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    device, probe = tmp_path / "kvm", tmp_path / "probe.elf"
    device.touch()
    probe.write_bytes(b"1")
    runs: list[Machine] = []

    def count(machine: Machine) -> bool:
        runs.append(machine)
        return True

    monkeypatch.setattr(kvm, "DEVICE", device)
    monkeypatch.setattr(kvm, "KVM_PROBE", probe)
    monkeypatch.setattr(kvm, "KVM_VERDICT", tmp_path / "verdict.json")
    monkeypatch.setattr(kvm, "probe_runs", count)
    assert kvm.kvm_works() and kvm.kvm_works()
    assert len(runs) == 1
    probe.unlink()
    probe.with_suffix(".new").write_bytes(b"2")
    probe.with_suffix(".new").rename(probe)
    assert kvm.kvm_works()
    assert len(runs) == 2


def test_no_device_means_no_kvm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kvm, "DEVICE", tmp_path / "kvm")
    assert not kvm.kvm_works()


def test_exit_codes_agree_with_the_probe() -> None:
    from boot.probe.main import FAILURE, SUCCESS

    assert (2 * SUCCESS + 1, 2 * FAILURE + 1) == (EXIT_SUCCESS, EXIT_FAILURE)
