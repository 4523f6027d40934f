"""Programs that tools and tests start and wait for: never for ever, and with them ends what they started themselves.

Not here: programs with the user at the terminal (run.py, debug.py, test.py, guest_test.py), and setup.py, which stands
alone.
"""

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

LONGEST_SECONDS = 900.0                 # of a build on a machine that has much else to do


class ChildTooSlow(TimeoutError):
    """A program did not end in time and was killed; the text names it."""


def run_child(
    command: Sequence[str | Path],
    *,
    seconds: float = LONGEST_SECONDS,
    capture: bool = True,
    check: bool = False,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Runs a program without input to its end; `capture` keeps what it says from the terminal.

    Errors: ChildTooSlow; CalledProcessError with `check`; OSError when it cannot be started.
    """
    output = subprocess.PIPE if capture else None
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, text=True, cwd=cwd, env=env, process_group=0
    ) as child:
        try:
            out, err = child.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            raise ChildTooSlow(f"{Path(command[0]).name} did not end within {seconds:g} seconds") from None
        finally:
            # Whoever is left of its group may hold the pipes open.
            if child.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(child.pid, signal.SIGKILL)
    done = subprocess.CompletedProcess(command, child.returncode, out, err)
    if check:
        done.check_returncode()
    return done
