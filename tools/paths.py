"""Where things are: the root of the tree and the files that the tools make below build/.

Owns: every path that more than one tool, or a tool and a test, must agree on.
"""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"

KERNEL = BUILD / "kernel.elf"
DIRECT_LOADER = BUILD / "direct.elf"
INIT = BUILD / "init.elf"
KVM_PROBE = BUILD / "kvm-probe.elf"
BOOT_ARCHIVE = BUILD / "boot.tar"
ISO_IMAGE = BUILD / "ringneck.iso"
USB_IMAGE = BUILD / "ringneck.img"
RUN_IMAGE = BUILD / "run.iso"

GUEST_TESTS = BUILD / "guest"

DEBUG_SERIAL = BUILD / "debug-serial.log"
KVM_VERDICT = BUILD / "kvm-verdict.json"
SIZES = BUILD / "sizes.json"
BENCH = BUILD / "bench.json"
BENCH_ARCHIVE = BUILD / "bench" / "boot.tar"
INSTRUCTION_COUNTER = BUILD / "bench" / "instruction_counter.so"
BENCH_COMPILER = BUILD / "bench-compiler.json"
TEST_LOGS = BUILD / "test-logs"
