"""Spin models beside the kernel's source: each holds as it stands, and fails when what it is about is left out."""

import shutil
from pathlib import Path

import pytest

from tools.children import run_child
from tools.paths import ROOT

CASES = {
    "kernel/arch/x86_64/contexts.pml": ("COUNT_READ_FIRST", "LOOK_FIRST", "NO_COUNT"),
    "kernel/arch/x86_64/flush.pml": ("NOTE_BY_LOOK",),
    "kernel/core/idle.pml": ("LOOK_FIRST", "NO_SECOND_LOOK"),
    "kernel/core/offline.pml": ("NO_SECOND_LOOK", "STALE_NOTE"),
    "kernel/complete/need_kick.pml": ("NO_CONSUMER_FENCE", "NO_PRODUCER_FENCE"),
    "kernel/complete/end_once.pml": ("NO_CLAIM",),
    "kernel/complete/hand_over.pml": ("STALE_LOOK", "NO_SERIAL"),
    "kernel/complete/reserve.pml": ("NO_RESERVATION", "CANCEL_WAITS"),
    "kernel/submit/attach.pml": ("NO_SECOND_LOOK", "COUNT_FIRST", "NO_USE"),
    "kernel/submit/expire.pml": ("NO_LOOK", "NO_LOCK"),
}
VARIANTS = [(model, variant) for model, variants in CASES.items() for variant in ("", *variants)]


def errors_in(model: Path, variant: str, folder: Path) -> int:
    """How many errors an exhaustive search finds."""
    spin = shutil.which("spin")
    compiler = shutil.which("gcc") or shutil.which("cc")
    if spin is None or compiler is None:
        pytest.skip("Spin and a C compiler are needed: install the packages spin and gcc")
    macros = [f"-D{variant}"] if variant else []
    run_child([spin, *macros, "-a", model], cwd=folder, check=True)
    run_child([compiler, "-O2", "-DSAFETY", "-o", "pan", "pan.c"], cwd=folder, check=True)
    output = run_child([folder / "pan", "-m10000"], cwd=folder, check=True).stdout
    line = next(line for line in output.splitlines() if "errors:" in line)
    return int(line.rpartition(":")[2])


@pytest.mark.slow
@pytest.mark.parametrize(("model", "variant"), VARIANTS, ids=[f"{Path(m).stem}-{v or 'sound'}" for m, v in VARIANTS])
def test_model(model: str, variant: str, tmp_path: Path) -> None:
    assert (errors_in(ROOT / model, variant, tmp_path) == 0) == (variant == "")


def test_every_model_is_checked() -> None:
    assert {str(path.relative_to(ROOT)) for path in ROOT.glob("kernel/**/*.pml")} == set(CASES)
