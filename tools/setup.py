"""Sets up what the other tools need: the system's packages, then the virtual environment `.venv`.

Runs under any Python 3.8, before anything is installed, so it uses the standard library alone and only old syntax.
It is silent and quick when all is there: a stamp in `.venv` holds the hash of pyproject.toml and of this file.

Not here: what only optional tests need (.ci/run).
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".venv"
STAMP = ENVIRONMENT / "ringneck-stamp"
PROJECT = ROOT / "pyproject.toml"
OLDEST_PYTHON = (3, 11)
NEWER_PYTHONS = ("python3.14", "python3.13", "python3.12", "python3.11")

# UEFI firmware for QEMU, program and variables, where distributions put it.
UEFI_FIRMWARE = (
    ("/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"),
    ("/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_VARS.fd"),
    ("/usr/share/edk2/ovmf/OVMF_CODE.fd", "/usr/share/edk2/ovmf/OVMF_VARS.fd"),
    ("/usr/share/edk2/x64/OVMF_CODE.4m.fd", "/usr/share/edk2/x64/OVMF_VARS.4m.fd"),
    ("/opt/homebrew/share/qemu/edk2-x86_64-code.fd", "/opt/homebrew/share/qemu/edk2-i386-vars.fd"),
    ("/usr/local/share/qemu/edk2-x86_64-code.fd", "/usr/local/share/qemu/edk2-i386-vars.fd"),
)

# What is missing -> its package for each package manager ("" where it comes with another package).
PACKAGES = {
    "qemu": {"apt": "qemu-system-x86", "dnf": "qemu-system-x86", "pacman": "qemu-system-x86", "brew": "qemu"},
    "firmware": {"apt": "ovmf", "dnf": "edk2-ovmf", "pacman": "edk2-ovmf", "brew": ""},
    "python": {"apt": "python3.11 python3.11-venv", "dnf": "python3.11", "pacman": "python", "brew": "python@3.13"},
    "venv": {"apt": "python3-venv", "dnf": "", "pacman": "", "brew": ""},
}
ANSWER = 60
LONGEST = 3600                          # seconds of a download over a slow line
INSTALL = {
    "apt": "apt-get install -y --no-install-recommends",
    "dnf": "dnf install -y",
    "pacman": "pacman -S --needed",
    "brew": "brew install",
}


def main() -> int:
    if STAMP.exists() and STAMP.read_text() == _wanted_stamp() and not _missing_programs():
        return 0
    install_packages(_missing_programs() + _missing_python())
    python = _find_python()
    if not python or _missing_python():
        sys.exit("setup: Python 3.11 or newer with its module venv is needed, and was not found on PATH")
    if sys.version_info < OLDEST_PYTHON:
        os.execv(python, [python, str(Path(__file__).resolve())])
    make_environment(python)
    return 0


def make_environment(python: str) -> None:
    """Makes `.venv`, or brings it to what pyproject.toml pins; leaves the stamp last."""
    import tomllib

    print("setup: installing Python packages in .venv (once, and when pyproject.toml changes)", flush=True)
    _run([python, "-m", "venv", str(ENVIRONMENT)])
    project = tomllib.loads(PROJECT.read_text())["project"]
    requirements = project["dependencies"] + project["optional-dependencies"]["dev"]
    inside = ENVIRONMENT / "bin" / "python"
    _run([str(inside), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirements])
    STAMP.write_text(_wanted_stamp())


def install_packages(missing: list[str]) -> None:
    """Installs through apt when root or sudo is there; else says what to type and ends the program."""
    if not missing:
        return
    apt = " ".join(PACKAGES[name]["apt"] for name in missing).split()
    prefix = _root_prefix()
    if shutil.which("apt-get") and prefix is not None:
        print("setup: installing " + " ".join(apt), flush=True)
        quiet = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
        _run([*prefix, "apt-get", "update", "-q"], environment=quiet)
        _run([*prefix, *INSTALL["apt"].split(), "-q", *apt], environment=quiet)
        return
    lines = ["setup: missing: " + ", ".join(missing) + ". Install it, as root except for brew, then try again:"]
    for manager, command in INSTALL.items():
        names = [PACKAGES[name][manager] for name in missing if PACKAGES[name][manager]]
        if names:
            lines.append("  " + command + " " + " ".join(names))
    sys.exit("\n".join(lines))


def _missing_programs() -> list[str]:
    missing = []
    if not shutil.which("qemu-system-x86_64"):
        missing.append("qemu")
    if not any(os.path.exists(program) and os.path.exists(variables) for program, variables in UEFI_FIRMWARE):
        missing.append("firmware")
    return missing


def _find_python() -> str | None:
    if sys.version_info >= OLDEST_PYTHON:
        return sys.executable
    return next(filter(None, map(shutil.which, NEWER_PYTHONS)), None)


def _missing_python() -> list[str]:
    python = _find_python()
    if not python:
        return ["python"]
    return [] if _answers([python, "-c", "import ensurepip, venv"]) else ["venv"]


def _root_prefix() -> list[str] | None:
    """What to put before a command that needs root; None when this user cannot become root."""
    if os.geteuid() == 0:
        return []
    if not shutil.which("sudo"):
        return None
    # sudo may ask for a password only where somebody can type it.
    if sys.stdin.isatty() or _answers(["sudo", "-n", "true"]):
        return ["sudo"]
    return None


def _wanted_stamp() -> str:
    return hashlib.sha256(PROJECT.read_bytes() + Path(__file__).read_bytes()).hexdigest()


def _answers(command: list[str]) -> bool:
    """Whether a command that has nothing to wait for succeeds."""
    try:
        return subprocess.run(command, capture_output=True, timeout=ANSWER).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def _run(command: list[str], environment: dict[str, str] | None = None) -> None:
    """Runs a command whose output matters only when it fails."""
    try:
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment, timeout=LONGEST
        )
    except subprocess.TimeoutExpired:
        sys.exit(f"setup: this command did not end within {LONGEST} seconds:\n  " + " ".join(command))
    if done.returncode != 0:
        sys.exit("setup: this command failed:\n  " + " ".join(command) + "\n" + done.stdout)


if __name__ == "__main__":
    sys.exit(main())
