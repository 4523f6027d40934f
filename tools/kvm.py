"""Tells whether KVM really runs guests here: a device that opens is not enough.

Where the host is a guest itself, /dev/kvm may open and then run a guest a hundred times slower than emulation, or stop
at the first instruction that it does not know. So a small guest (boot/probe) is run under it, with a deadline; only its
success counts. The verdict is kept until the host boots anew, or QEMU, the device or the probe changes.
"""

import json
import os
from pathlib import Path

from tools.children import ChildTooSlow, run_child
from tools.paths import KVM_PROBE, KVM_VERDICT
from tools.qemu import EXIT_SUCCESS, Machine, find_qemu

DEVICE = Path("/dev/kvm")
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
PROBE_SECONDS = 1.5
PROBE = Machine(cpus=2, memory_mib=64, kernel=KVM_PROBE, archive=None, acceleration="kvm")


def kvm_works() -> bool:
    """Whether a guest ran well under KVM. The probe must have been built. Errors: MissingQemu."""
    if not os.access(DEVICE, os.R_OK | os.W_OK):
        return False
    circumstances = _circumstances()
    try:
        verdict = json.loads(KVM_VERDICT.read_text())
    except (OSError, ValueError):
        verdict = {}
    if verdict.get("circumstances") != circumstances:
        verdict = {"circumstances": circumstances, "works": probe_runs(PROBE)}
        KVM_VERDICT.write_text(json.dumps(verdict))
    return bool(verdict["works"])


def probe_runs(machine: Machine) -> bool:
    """Whether the probe reports success on this machine within its time."""
    command = machine.command("null")
    try:
        done = run_child(command, seconds=PROBE_SECONDS)
    except ChildTooSlow:
        return False
    return done.returncode == EXIT_SUCCESS


def _circumstances() -> list[object]:
    """What the verdict depends on, apart from the host's processor: that does not change without a boot."""
    files = (Path(find_qemu()), DEVICE, KVM_PROBE)
    states = [file.stat() for file in files]
    boot = BOOT_ID.read_text().strip() if BOOT_ID.exists() else ""
    return [boot, *([state.st_ino, state.st_mtime_ns] for state in states)]
